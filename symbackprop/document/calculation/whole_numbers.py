"""Formulas of decimals in whole numbers: added and multiplied as a person would, much faster than fractions or floats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from symbackprop.algebra.formula import Negative, Node, Number, Power, Product, Sum
from symbackprop.arithmetic.decimals import Scaled, halves_to_even
from symbackprop.document.display_nodes import Leaf

_MOST_PLACES = 4
_LARGEST_POWER = 4
_LARGEST_SPAN = 200
_LONGEST_BITS = 2000
"""Whole numbers are not multiplied to more binary digits than these: a product of hundreds of factors is a float."""


Decimals = Callable[[Leaf], Scaled | None]


def scaled(node: Node, number: Decimals) -> Scaled | None:
    """Return the value of a formula over leaves with a decimal `number`; None where more is done than add and multiply."""
    value = _SCALED.get(type(node))
    return None if value is None else value(node, number)


def _constant(node: Number) -> Scaled | None:
    if node.value.denominator == 1:
        return node.value.numerator, 0
    whole = node.value * 10**_MOST_PLACES
    return (whole.numerator, -_MOST_PLACES) if whole.denominator == 1 else None


def _negative(node: Negative, number: Decimals) -> Scaled | None:
    found = scaled(node.operand, number)
    return None if found is None else (-found[0], found[1])


def _sum(node: Sum, number: Decimals) -> Scaled | None:
    known = []
    for term in node.terms:
        part = scaled(term, number)
        if part is None:
            return None
        known.append(part)
    powers = [exponent for _, exponent in known]
    least = min(powers)
    if max(powers) - least > _LARGEST_SPAN:
        return None
    return sum([whole * 10 ** (exponent - least) for whole, exponent in known]), least


def _product(node: Product, number: Decimals) -> Scaled | None:
    whole, power = 1, 0
    for factor in node.factors:
        part = scaled(factor, number)
        if part is None:
            return None
        whole, power = whole * part[0], power + part[1]
        if whole.bit_length() > _LONGEST_BITS:
            return None
    return whole, power


def _power(node: Power, number: Decimals) -> Scaled | None:
    times = node.exponent.value if isinstance(node.exponent, Number) else Fraction(-1)
    if times.denominator > 1 or not 0 <= times <= _LARGEST_POWER:
        return None
    found = scaled(node.base, number)
    if found is None or found[0].bit_length() > _LONGEST_BITS:
        return None
    return found[0] ** times.numerator, found[1] * times.numerator


_SCALED: Mapping[type[Node], Callable[[Any, Decimals], Scaled | None]] = {
    Leaf: lambda node, number: number(node),
    Number: lambda node, number: _constant(node),
    Negative: _negative,
    Sum: _sum,
    Product: _product,
    Power: _power,
}


def shortened(value: Scaled, digits: int) -> tuple[Scaled, bool]:
    """Return a decimal rounded to significant digits, halves to even, and whether it lay halfway."""
    whole, exponent = value
    spare = len(str(abs(whole))) - digits
    if spare <= 0:
        return value, False
    short, is_halfway = halves_to_even(whole, 10**spare)
    return (short, exponent + spare), is_halfway


def is_same(left: Scaled, right: Scaled) -> bool:
    """Say whether two decimals are equal."""
    (less, low), (more, high) = sorted((left, right), key=lambda scaled: scaled[1])
    if high - low > less.bit_length():  # more · 10^(high − low) has more digits, if any
        return less == more == 0
    return bool(less == more * 10 ** (high - low))
