"""Numbers → TeX: constants of a formula, and numbers as they stand on paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from symbackprop.algebra.formula import Negative, Node, Number
from symbackprop.document.display_nodes import Numeral, Shown

if TYPE_CHECKING:
    from symbackprop.rendering.tex import Printer

_SIGNED, _PRODUCT, _ATOM = 1, 2, 4


def number(printer: Printer, node: Number) -> tuple[str, int]:
    """An exact constant of a formula."""
    value = node.value
    if value.denominator == 1:
        return str(value.numerator), _ATOM if value.numerator >= 0 else _SIGNED
    text = rf"\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
    return (f"-{text}", _SIGNED) if value < 0 else (text, _PRODUCT)


def shown(printer: Printer, node: Shown) -> tuple[str, int]:
    """A number on paper."""
    numeral = node.numeral
    if numeral.formula is not None:
        text, strength = printer.printed(numeral.formula)
    else:
        text, strength = _decimal(printer, numeral)
        if numeral.text.startswith("-"):
            strength = _SIGNED
    command = printer.tones.get(node.tone, "")
    return (rf"\{command}{{{text}}}" if command else text), strength


def _decimal(printer: Printer, numeral: Numeral) -> tuple[str, int]:
    text, strength = numeral.text, _ATOM
    if numeral.denominator:
        sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
        below = numeral.denominator
        text, strength = sign + (rf"{digits}/{below}" if printer.inline else rf"\frac{{{digits}}}{{{below}}}"), _PRODUCT
    if numeral.exponent:
        mantissa = "" if text == "1" else rf"{text} \times "
        text, strength = rf"{mantissa}10^{{{numeral.exponent}}}", _PRODUCT
    return text, strength


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


RULES: Mapping[type[Node], Callable[..., tuple[str, int]]] = {Number: number, Shown: shown}
