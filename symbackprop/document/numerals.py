"""How numbers look: rounding to significant digits, exact decimals and fractions, powers of ten."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from symbackprop.arithmetic import Exact
from symbackprop.document.marks import Numeral, Shown, Tone

_SMALLEST_PLAIN, _LARGEST_PLAIN = -4, 7
_SPARE_DIGITS = 4
_LONGEST_DENOMINATOR = 10**4


@dataclass(frozen=True, slots=True)
class Style:
    """How numbers are shown: significant digits, and whether rational numbers may appear as fractions."""

    digits: int
    fractions: bool = False


def to_fraction(value: Exact) -> Fraction:
    """Return exactly what a fraction or a binary float of any precision stands for."""
    if isinstance(value, Fraction):
        return value
    if isinstance(value, int | float):
        return Fraction(value)
    sign, mantissa, exponent, _ = value._mpf_
    size = Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
    return -size if sign else size


def magnitude(value: Fraction) -> int:
    """Return the power of ten of the first significant digit.

    >>> magnitude(Fraction(3, 100))
    -2
    """
    size = abs(value)
    guess = len(str(size.numerator)) - len(str(size.denominator))
    return guess if size >= Fraction(10) ** guess else guess - 1


def rounded(value: Fraction, digits: int) -> Fraction:
    """Return the value rounded to significant digits, halves to even.

    >>> rounded(Fraction(2, 3), 2)
    Fraction(67, 100)
    """
    if value == 0:
        return value
    unit = Fraction(10) ** (magnitude(value) - digits + 1)
    return round(value / unit) * unit


def terminating_digits(value: Fraction) -> int | None:
    """Return how many significant digits the decimal has, or None if it does not end.

    >>> terminating_digits(Fraction(1, 8)), terminating_digits(Fraction(1, 3))
    (3, None)
    """
    denominator, twos, fives = value.denominator, 0, 0
    while denominator % 2 == 0:
        denominator, twos = denominator // 2, twos + 1
    while denominator % 5 == 0:
        denominator, fives = denominator // 5, fives + 1
    if denominator != 1:
        return None
    digits = str(abs(value.numerator) * 10 ** max(twos, fives) // value.denominator)
    return len(digits.rstrip("0")) or 1


def show(value: Exact, style: Style, *, guard: int = 0, tone: Tone = Tone.PLAIN, written: str = "") -> Shown:
    """Return a number as it is printed: exactly if its decimal (or, in fraction style, its fraction) is short, else rounded.

    `guard` adds digits to a rounded number; `written` is the text that the problem states it in (0.20, 1/2).
    """
    exact = to_fraction(value)
    if exact == 0:
        return Shown(Numeral("0"), exact, isinstance(value, Fraction), tone)
    if isinstance(value, Fraction):
        digits = terminating_digits(value)
        whole_or_decimal = value.denominator == 1 or (written and is_decimal(written))
        if style.fractions and not whole_or_decimal and value.denominator < _LONGEST_DENOMINATOR:
            numeral = Numeral(str(value.numerator), denominator=str(value.denominator))
            return Shown(numeral, value, True, tone)
        if digits is not None and digits <= style.digits + _SPARE_DIGITS:
            return Shown(_decimal(value, digits, written), value, True, tone)
    near = rounded(exact, style.digits + guard)
    return Shown(_decimal(near, style.digits + guard, keep_zeros=True), near, False, tone)


def _decimal(value: Fraction, digits: int, written: str = "", *, keep_zeros: bool = False) -> Numeral:
    """Return a terminating decimal; a rounded one keeps its zeros (0.0821670)."""
    power = magnitude(value) if value else 0
    # A rounded number with fewer digits than its whole part would end in zeros that look significant.
    above = min(_LARGEST_PLAIN, digits) if keep_zeros else max(_LARGEST_PLAIN, digits)
    if value and not _SMALLEST_PLAIN <= power < above:
        return Numeral(_plain(value / Fraction(10) ** power, digits - 1 if keep_zeros else None), power)
    if is_decimal(written) and Fraction(written) == value:
        return Numeral(written)
    return Numeral(_plain(value, max(digits - 1 - power, 0) if keep_zeros else None))


def is_decimal(text: str) -> bool:
    """Say whether a text is a plain decimal that may be copied as it stands.

    >>> is_decimal("0.20"), is_decimal("1/2")
    (True, False)
    """
    whole, point, decimals = text.removeprefix("-").partition(".")
    return whole.isdecimal() and (decimals.isdecimal() or not point)


def _plain(value: Fraction, places: int | None) -> str:
    """Return a terminating decimal as text, with a fixed number of places or as many as it has."""
    if places is None:
        places = 0
        while (value * 10**places).denominator != 1:
            places += 1
    scaled = round(abs(value) * 10**places)
    text = str(scaled).rjust(places + 1, "0")
    text = f"{text[:-places]}.{text[-places:]}" if places else text
    return f"-{text}" if value < 0 and scaled else text
