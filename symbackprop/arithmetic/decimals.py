"""Decimals: which fractions end as one, how a number is rounded to digits, and how it is written without a power of ten."""

from __future__ import annotations

import functools
from fractions import Fraction

from symbackprop.arithmetic.exact import LARGEST_MAGNITUDE, magnitude_of, scientific
from symbackprop.arithmetic.real_numbers import CONTEXT, Exact

SMALLEST_PLAIN, LARGEST_PLAIN = -4, 7
"""A number is written with a power of ten where that of its first digit is below the one, or reaches the other."""

LONGEST_STATED = 20
"""A decimal of ours with more places than this is stated as a fraction."""

_ORDINARY = 1000
"""Binary digits before or after the point within which a float is written out as a fraction."""

Scaled = tuple[int, int]
"""A decimal: a whole number and the power of ten that it is multiplied with."""


def to_ratio(value: Exact) -> tuple[int, int]:
    """Return numerator and denominator of exactly what a fraction or an ordinary binary float stands for."""
    if type(value) is Fraction or isinstance(value, int | float):
        return value.as_integer_ratio()
    sign, mantissa, exponent, _ = value._mpf_
    whole, power = -int(mantissa) if sign else int(mantissa), int(exponent)
    return (whole << power, 1) if power >= 0 else (whole, 1 << -power)


def is_ordinary(value: Exact) -> bool:
    """Say whether a fraction of exactly this value has no more digits than a person would look at."""
    if isinstance(value, Fraction | int | float):
        return True
    _, mantissa, exponent, length = value._mpf_
    return bool(-_ORDINARY < exponent + length < _ORDINARY) if mantissa else bool(value == 0)


def is_negligible(value: Exact) -> bool:
    """Say whether a number is so near to 0 that even its power of ten is too long to write.

    >>> is_negligible(CONTEXT.exp(-CONTEXT.mpf(10) ** 300)), is_negligible(CONTEXT.exp(-(10**9)))
    (True, False)
    """
    return is_tiny(value, LARGEST_MAGNITUDE)


def is_tiny(value: Exact, digits: int) -> bool:
    """Say whether a number, if it is no fraction, has more than so many binary digits behind the point."""
    return type(value) is not Fraction and not isinstance(value, int | float) and bool(value._mpf_[2] < -digits)


def to_fraction(value: Exact) -> Fraction:
    """Return exactly what a fraction or an ordinary binary float stands for."""
    return value if isinstance(value, Fraction) else Fraction(*to_ratio(value))


def nearest(value: Exact, digits: int) -> tuple[Scaled, bool]:
    """Return a number other than 0, however large, rounded to significant digits; and whether it lay halfway.

    >>> nearest(Fraction(-2, 3), 3), nearest(CONTEXT.exp(-(10**9)), 3)
    (((-667, -3), False), ((125, -434294484), False))
    """
    if is_ordinary(value):
        return significant(*to_ratio(value), digits)
    # Its digits are no decimal that could lie halfway; a fraction would have as many as its exponent says.
    mantissa, _, power = scientific(value, digits).partition("e")
    return (int(mantissa.replace(".", "")), int(power) - digits + 1), False


def rounded(value: Fraction, digits: int) -> Fraction:
    """Return the value rounded to significant digits, halves to even.

    >>> rounded(Fraction(2, 3), 2)
    Fraction(67, 100)
    """
    if not value:
        return value
    (whole, exponent), _ = significant(value.numerator, value.denominator, digits)
    return decimal(whole, exponent)


def decimal(whole: int, exponent: int) -> Fraction:
    """Return whole · 10^exponent."""
    return Fraction(whole, 10**-exponent) if exponent < 0 else Fraction(whole * 10**exponent)


def value_of(whole: int, exponent: int) -> Exact:
    """Return whole · 10^exponent, as a float where a fraction would be long."""
    return decimal(whole, exponent) if abs(exponent) < _ORDINARY else whole * CONTEXT.mpf(10) ** exponent


def significant(above: int, below: int, digits: int) -> tuple[Scaled, bool]:
    """Return above / below, which is not 0, rounded to significant digits, halves to even; and whether it lay halfway."""
    exponent = magnitude_of(abs(above), below) - digits + 1
    if exponent < 0:
        above *= 10**-exponent
    else:
        below *= 10**exponent
    whole, is_halfway = halves_to_even(above, below)
    return (whole, exponent), is_halfway


def halves_to_even(above: int, below: int) -> tuple[int, bool]:
    """Return the whole number nearest to above / below, below being positive, and whether there are two as near.

    >>> halves_to_even(5, 2), halves_to_even(7, 2), halves_to_even(-8, 3)
    ((2, True), (4, True), (-3, False))
    """
    whole, rest = divmod(above, below)
    rest *= 2
    if rest == below:
        return whole + whole % 2, True
    return whole + (rest > below), False


def terminating_digits(value: Fraction) -> int | None:
    """Return how many significant digits the decimal has, or None if it does not end.

    >>> terminating_digits(Fraction(1, 8)), terminating_digits(Fraction(1, 3))
    (3, None)
    """
    places = decimal_places(value.denominator)
    if places is None:
        return None
    digits = str(abs(value.numerator) * 10**places // value.denominator)
    return len(digits.rstrip("0")) or 1


def decimal_places(denominator: int) -> int | None:
    """Return how many decimals a fraction in lowest terms has, or None if they do not end."""
    twos = (denominator & -denominator).bit_length() - 1
    denominator >>= twos
    fives = 0
    while denominator % 5 == 0:
        denominator, fives = denominator // 5, fives + 1
    return max(twos, fives) if denominator == 1 else None


def is_decimal(text: str) -> bool:
    """Say whether a text is a plain decimal that may be copied as it stands.

    >>> is_decimal("0.20"), is_decimal("1/2")
    (True, False)
    """
    whole, point, decimals = text.removeprefix("-").partition(".")
    return whole.isdecimal() and (decimals.isdecimal() or not point)


def plain(value: Fraction) -> str:
    """Return a decimal that ends as text, with as many places as it has."""
    places = decimal_places(value.denominator)
    assert places is not None
    return placed(value.numerator * 10**places // value.denominator, places)


def placed(whole: int, places: int) -> str:
    """Return a whole number of units of 10^-places as a decimal."""
    text = str(abs(whole)).rjust(places + 1, "0")
    text = f"{text[:-places]}.{text[-places:]}" if places else text
    return f"-{text}" if whole < 0 else text


def stated(value: Fraction) -> str:
    """Return a number as a problem file would state it: a decimal where it ends soon, else numerator/denominator.

    >>> stated(Fraction(1, 100)), stated(Fraction(-1, 3)), stated(Fraction(250))
    ('0.01', '-1/3', '250')
    """
    places = decimal_places(value.denominator)
    return str(value) if places is None or places >= LONGEST_STATED else plain(value)


@functools.lru_cache(maxsize=1 << 12)
def trimmed(value: float | Fraction, places: int = 2) -> str:
    """Return a number rounded to decimals, without the zeros behind it and without a sign before 0.

    >>> trimmed(3.0), trimmed(-0.001), trimmed(Fraction(20, 31))
    ('3', '0', '0.65')
    """
    near = float(round(value, places)) if isinstance(value, Fraction) else round(value, places)
    text = f"{near + 0.0:.{places}f}"
    return text.rstrip("0").rstrip(".")
