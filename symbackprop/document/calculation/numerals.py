"""How numbers look: rounding to significant digits, exact decimals and fractions, powers of ten."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from symbackprop.algebra.formula import Apply, Negative, Node, Number, Product, Quotient, Sum, rewrite
from symbackprop.arithmetic.decimals import (
    LARGEST_PLAIN,
    SMALLEST_PLAIN,
    Scaled,
    is_decimal,
    is_negligible,
    nearest,
    placed,
    plain,
    terminating_digits,
    value_of,
)
from symbackprop.arithmetic.exact import magnitude, settle
from symbackprop.arithmetic.real_numbers import Exact, Logarithm, is_infinite
from symbackprop.document.display_nodes import About, Numeral, Shown, Tone

_SPARE_DIGITS = 4
_LONGEST_DENOMINATOR = 10**4


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


def show(value: Exact, style: Style, *, guard: int = 0, tone: Tone = Tone.PLAIN, written: str = "") -> Shown:
    """Return a number as it is printed: exactly if its decimal (or, in fraction style, its fraction) is short, else rounded.

    `guard` adds digits to a rounded number; `written` is the text that the problem states it in (0.20, 1/2).
    """
    return printed(value, style, guard=guard, tone=tone, written=written).shown


def shown_about(value: Exact, style: Style, written: str = "") -> Shown | About:
    """Return a number as a sentence or a table shows it: with a sign ≈ where it is rounded."""
    shown = show(value, style, written=written)
    return shown if shown.exact else About(shown)


def as_written(text: str) -> Shown:
    """Return a number whose digits are written already, perhaps with an e and a power of ten: 0.1230, -1.50e-05."""
    mantissa, _, power = text.partition("e")
    return Shown(Numeral(mantissa, int(power or 0)), Fraction(text), False)


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
    if is_infinite(value):
        return Printed(Shown(Numeral("-∞" if value < 0 else "∞"), value, True, tone), 1, None)
    if value == 0 or is_negligible(value):
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
    return _rounded(value, style.digits + guard, tone)


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


def _rounded(value: Exact, digits: int, tone: Tone) -> Printed:
    """Return a number other than 0 rounded to significant digits; it keeps its zeros (0.0821670)."""
    (whole, exponent), _ = nearest(settle(value), digits)
    if abs(whole) == 10**digits:
        whole, exponent = whole // 10, exponent + 1
    power = exponent + digits - 1
    # A number with fewer digits than its whole part would end in zeros that look significant.
    plain = SMALLEST_PLAIN <= power < min(LARGEST_PLAIN, digits)
    numeral = Numeral(placed(whole, -exponent)) if plain else Numeral(placed(whole, digits - 1), power)
    return Printed(Shown(numeral, value_of(whole, exponent), False, tone), digits, (whole, exponent))


def _decimal(value: Fraction, digits: int, written: str) -> Numeral:
    """Return a decimal that ends, other than 0, with its number of significant digits: as it was written if it was."""
    power = magnitude(value)
    if not SMALLEST_PLAIN <= power < max(LARGEST_PLAIN, digits):
        return Numeral(plain(value / Fraction(10) ** power), power)
    if is_decimal(written) and Fraction(written) == value:
        return Numeral(written)
    return Numeral(plain(value))
