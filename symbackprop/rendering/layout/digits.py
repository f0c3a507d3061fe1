"""Numbers: constants of a formula, and numbers as they stand on paper."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as Ratio

from symbackprop.algebra.formula import Negative, Number
from symbackprop.document.display_nodes import Numeral, Shown, Tone
from symbackprop.rendering.layout import boxes
from symbackprop.rendering.layout.boxes import CROSS, NEGATIVE, SLASH, Box, Fraction, Scripts, Toned
from symbackprop.rendering.layout.formula_layout import ATOM, PRODUCT, SIGNED, LaidOut, Layout, Rules

_PLAIN = Tone.PLAIN


def _number(layout: Layout, node: Number) -> LaidOut:
    """An exact constant of a formula."""
    above, below = node.value.as_integer_ratio()
    if below == 1:
        return boxes.Number(str(above)), ATOM if above >= 0 else SIGNED
    found = Fraction(boxes.Number(str(abs(above))), boxes.Number(str(below)))
    return ((NEGATIVE, found), SIGNED) if above < 0 else (found, PRODUCT)


def slashed(value: Ratio) -> Box:
    """Return a constant for a small place."""
    above = boxes.Number(str(value.numerator))
    return above if value.denominator == 1 else (above, SLASH, boxes.Number(str(value.denominator)))


def _shown(layout: Layout, node: Shown) -> LaidOut:
    """A number on paper."""
    numeral = node.numeral
    text, strength = numeral.text, ATOM
    found: Box
    if numeral.formula is not None:
        found, strength = layout.laid_out(numeral.formula)
    elif numeral.denominator:
        found, strength = _ratio(layout, text, boxes.Number(numeral.denominator)), PRODUCT
    elif numeral.exponent:
        power = Scripts(boxes.Number("10"), None, boxes.Number(str(numeral.exponent)))
        found, strength = power if text == "1" else (boxes.Number(text), CROSS, power), PRODUCT
    elif text.endswith("∞"):
        found = (NEGATIVE, boxes.Sign("∞")) if text.startswith("-") else boxes.Sign("∞")
    else:
        found = boxes.Number(text)
    if text[0] == "-" and numeral.formula is None:
        strength = SIGNED
    tone = layout.tones.get(node.tone) if layout.tones and node.tone is not _PLAIN else None
    return Toned(found, tone) if tone else found, strength


def _ratio(layout: Layout, text: str, below: Box) -> Box:
    if layout.inline:
        return (boxes.Number(text), SLASH, below)
    found = Fraction(boxes.Number(text.removeprefix("-")), below)
    return (NEGATIVE, found) if text.startswith("-") else found


def positive(node: Shown) -> Shown | None:
    """Return a number without the minus that it is printed with, None if it has none."""
    numeral = node.numeral
    if isinstance(numeral.formula, Negative):
        numeral = replace(numeral, formula=numeral.formula.operand)
    elif numeral.formula is None and numeral.text.startswith("-"):
        numeral = Numeral(numeral.text.removeprefix("-"), numeral.exponent, numeral.denominator)
    else:
        return None
    return Shown(numeral, -node.value, node.exact, node.tone)


RULES: Rules = {Number: _number, Shown: _shown}
