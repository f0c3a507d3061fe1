"""How numbers look: rounding to significant digits, exact decimals and fractions, powers of ten."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from symbackprop.algebra.formula import Apply, Negative, Node, Number, Product, Quotient, Sum, rewrite
from symbackprop.arithmetic.exact import magnitude, magnitude_of
from symbackprop.arithmetic.real_numbers import Exact, Logarithm
from symbackprop.document.display_nodes import Numeral, Shown, Tone

_SMALLEST_PLAIN, _LARGEST_PLAIN = -4, 7
_SPARE_DIGITS = 4
_LONGEST_DENOMINATOR = 10**4


Scaled = tuple[int, int]
"""A decimal: a whole number and the power of ten that it is multiplied with."""


@dataclass(frozen=True, slots=True)
class Printed:
    """A number as printed, how many digits it shows, and what it is in whole numbers if it is a decimal."""

    shown: Shown
    length: int
    scaled: Scaled | None


@dataclass(frozen=True, slots=True)
class Style:
    """How numbers are shown: significant digits, and whether exact numbers may appear as fractions and logarithms.

    `kept` holds what has been shown, for most numbers of a document stand in several places.
    """

    digits: int
    fractions: bool = False
    kept: dict[tuple[int, int, Tone, str], tuple[Exact, Printed]] = field(
        default_factory=dict, repr=False, compare=False
    )


def to_ratio(value: Exact) -> tuple[int, int]:
    """Return numerator and denominator of exactly what a fraction or a binary float of any precision stands for."""
    if type(value) is Fraction or isinstance(value, int | float):
        return value.as_integer_ratio()
    sign, mantissa, exponent, _ = value._mpf_
    whole, power = -int(mantissa) if sign else int(mantissa), int(exponent)
    return (whole << power, 1) if power >= 0 else (whole, 1 << -power)


def to_fraction(value: Exact) -> Fraction:
    """Return exactly what a fraction or a binary float of any precision stands for."""
    return value if isinstance(value, Fraction) else Fraction(*to_ratio(value))


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
    places = _places(value.denominator)
    if places is None:
        return None
    digits = str(abs(value.numerator) * 10**places // value.denominator)
    return len(digits.rstrip("0")) or 1


def _places(denominator: int) -> int | None:
    """Return how many decimals a fraction in lowest terms has, or None if they do not end."""
    twos = (denominator & -denominator).bit_length() - 1
    denominator >>= twos
    fives = 0
    while denominator % 5 == 0:
        denominator, fives = denominator // 5, fives + 1
    return max(twos, fives) if denominator == 1 else None


def show(value: Exact, style: Style, *, guard: int = 0, tone: Tone = Tone.PLAIN, written: str = "") -> Shown:
    """Return a number as it is printed: exactly if its decimal (or, in fraction style, its fraction) is short, else rounded.

    `guard` adds digits to a rounded number; `written` is the text that the problem states it in (0.20, 1/2).
    """
    return printed(value, style, guard=guard, tone=tone, written=written).shown


def printed(value: Exact, style: Style, *, guard: int = 0, tone: Tone = Tone.PLAIN, written: str = "") -> Printed:
    """Return what `show` returns with what it is in whole numbers."""
    key = id(value), guard, tone, written
    found = style.kept.get(key)
    if found is None:
        # With the number itself beside it, nothing else can get its identity.
        found = style.kept[key] = value, _printed(value, style, guard, tone, written)
    return found[1]


def _printed(value: Exact, style: Style, guard: int, tone: Tone, written: str) -> Printed:
    if style.fractions and isinstance(value, Logarithm) and all(map(_is_short, value.parts())):
        return Printed(Shown(Numeral(str(value), formula=_formula(value)), value, True, tone), style.digits, None)
    above, below = to_ratio(value)
    if not above:
        return Printed(Shown(Numeral("0"), Fraction(0), isinstance(value, Fraction), tone), 1, (0, 0))
    if isinstance(value, Fraction):
        digits = terminating_digits(value)
        whole_or_decimal = value.denominator == 1 or (written and is_decimal(written))
        if style.fractions and not whole_or_decimal and value.denominator < _LONGEST_DENOMINATOR:
            numeral = Numeral(str(value.numerator), denominator=str(value.denominator))
            return Printed(Shown(numeral, value, True, tone), len(str(abs(value.numerator))), None)
        if digits is not None and digits <= style.digits + _SPARE_DIGITS:
            numeral = _decimal(value, digits, written)
            whole, _, decimals = numeral.text.partition(".")
            number = int(whole + decimals)
            scaled = number, numeral.exponent - len(decimals)
            return Printed(Shown(numeral, value, True, tone), len(str(abs(number))), scaled)
    return _rounded(above, below, style.digits + guard, tone)


def _is_short(value: Fraction) -> bool:
    return max(abs(value.numerator), value.denominator) < _LONGEST_DENOMINATOR


def _formula(value: Logarithm) -> Node:
    """Return a logarithm as it is printed: 1/2 − ln(3), ln(2/5), 3/2 ln(2)."""
    offset, coefficient, argument = value.parts()
    is_reciprocal = argument.numerator == 1
    function = Apply("ln", (ratio(1 / argument if is_reciprocal else argument),))
    size = function if coefficient == 1 else Product((ratio(coefficient), function))
    part = Negative(size) if is_reciprocal else size
    return Sum((ratio(offset), part)) if offset else part


def spelled(formula: Node) -> Node:
    """Return a formula in which numbers are no longer told from what spells them: ln(2/5), a number, is ln of 2/5."""

    def spelling(part: Node) -> Node | None:
        if not isinstance(part, Shown) or not part.exact:
            return None
        return part.numeral.formula or ratio(part.value)

    return rewrite(formula, spelling)


def ratio(value: Fraction) -> Node:
    """Return a fraction as a formula that is printed with a slash in a sentence, as numbers are."""
    if value.denominator == 1:
        return Number(value)
    size = Quotient(Number(Fraction(abs(value.numerator))), Number(Fraction(value.denominator)))
    return Negative(size) if value < 0 else size


def _rounded(above: int, below: int, digits: int, tone: Tone) -> Printed:
    """Return a number other than 0 rounded to significant digits; it keeps its zeros (0.0821670)."""
    (whole, exponent), _ = significant(above, below, digits)
    if abs(whole) == 10**digits:
        whole, exponent = whole // 10, exponent + 1
    power = exponent + digits - 1
    # A number with fewer digits than its whole part would end in zeros that look significant.
    plain = _SMALLEST_PLAIN <= power < min(_LARGEST_PLAIN, digits)
    numeral = Numeral(_placed(whole, -exponent)) if plain else Numeral(_placed(whole, digits - 1), power)
    return Printed(Shown(numeral, decimal(whole, exponent), False, tone), digits, (whole, exponent))


def _decimal(value: Fraction, digits: int, written: str) -> Numeral:
    """Return a decimal that ends, other than 0, with its number of significant digits: as it was written if it was."""
    power = magnitude(value)
    if not _SMALLEST_PLAIN <= power < max(_LARGEST_PLAIN, digits):
        return Numeral(_plain(value / Fraction(10) ** power), power)
    if is_decimal(written) and Fraction(written) == value:
        return Numeral(written)
    return Numeral(_plain(value))


def is_decimal(text: str) -> bool:
    """Say whether a text is a plain decimal that may be copied as it stands.

    >>> is_decimal("0.20"), is_decimal("1/2")
    (True, False)
    """
    whole, point, decimals = text.removeprefix("-").partition(".")
    return whole.isdecimal() and (decimals.isdecimal() or not point)


def _plain(value: Fraction) -> str:
    """Return a decimal that ends as text, with as many places as it has."""
    places = _places(value.denominator)
    assert places is not None
    return _placed(value.numerator * 10**places // value.denominator, places)


def _placed(whole: int, places: int) -> str:
    """Return a whole number of units of 10^-places as a decimal."""
    text = str(abs(whole)).rjust(places + 1, "0")
    text = f"{text[:-places]}.{text[-places:]}" if places else text
    return f"-{text}" if whole < 0 else text
