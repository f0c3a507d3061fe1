"""How a derivative is written down: as it arises, and at the end with signs, numbers and factors collected."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from fractions import Fraction

from symbackprop.algebra.formula import (
    ONE,
    ZERO,
    Adjoint,
    Apply,
    Name,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Slot,
    Sum,
    added,
    flat,
    map_children,
    multiplied,
    negated,
)


def times(*factors: Node) -> Node:
    """Return the product, its numbers multiplied in front."""
    coefficient, kept = Fraction(1), []
    for factor in flat(factors, Product):
        if isinstance(factor, Number):
            coefficient *= factor.value
        else:
            kept.append(factor)
    if not coefficient or not kept:
        return Number(coefficient)
    product = multiplied((Number(abs(coefficient)), *kept))
    return negated(product) if coefficient < 0 else product


def plus(*terms: Node) -> Node:
    """Return the sum without zeros; a negative number after the first term is subtracted, as a reader would write it."""
    parts = [part for term in terms for part in (term.terms if isinstance(term, Sum) else (term,))]
    first, *rest = [part for part in parts if part != ZERO] or [ZERO]
    return added((first, *(_subtracted(part) for part in rest)))


def _subtracted(term: Node) -> Node:
    return Negative(negated(term)) if isinstance(term, Number) and term.value < 0 else term


def over(top: Node, bottom: Node) -> Node:
    """Return the quotient; the sign of a number above the line stands before the fraction."""
    if top == ZERO or bottom == ONE:
        return top
    if isinstance(top, Number) and isinstance(bottom, Number) and bottom.value:
        return Number(top.value / bottom.value)
    if isinstance(top, Number) and top.value < 0:
        return Negative(Quotient(negated(top), bottom))
    return Quotient(top, bottom)


def into(outer: Node, inner: Node) -> Node:
    """Return the product of two derivatives, the second above the line of a fraction."""
    if isinstance(outer, Negative):
        return negated(into(outer.operand, inner))
    if isinstance(outer, Quotient):
        return over(times(outer.numerator, inner), outer.denominator)
    return times(outer, inner)


def raised(base: Node, exponent: Node) -> Node:
    """Return the base to the exponent less one."""
    if not isinstance(exponent, Number):
        return Power(base, Sum((exponent, Negative(ONE))))
    return _to(base, exponent.value - 1)


def _to(base: Node, exponent: Fraction) -> Node:
    if exponent == Fraction(1, 2):
        return Apply("sqrt", (base,))
    return ONE if exponent == 0 else base if exponent == 1 else Power(base, Number(exponent))


_LARGEST_POWER = 8
"""Numbers are raised to powers up to this one; beyond, 3**20 stays as it is."""


def collected(formula: Node) -> Node:
    """Return the formula with signs, numbers and names in front, fractions joined, like factors and terms collected.

    Nothing is multiplied out and no identity of a function is used. Factors that cancel (x/x) are gone.

    >>> collected(Negative(Quotient(Negative(Name("x")), Number(Fraction(2))))) == Quotient(Name("x"), Number(Fraction(2)))
    True
    """
    if isinstance(formula, Sum):
        return _collected_sum(formula)
    return _joined(*_split(formula))


def lowest_terms(formula: Node) -> Node:
    """Return a collected fraction with the number taken out that all its terms, above and below, have in common.

    >>> lowest_terms(Quotient(Sum((multiplied((Number(Fraction(6)), Name("x"))), Number(Fraction(3)))), Number(Fraction(9))))
    ... # doctest: +ELLIPSIS
    Quotient(numerator=Sum(terms=(Product(factors=(Number(value=Fraction(2, 1)), Name(name='x', sample=None))), ...
    """
    if not isinstance(formula, Quotient):
        return formula
    sides = [[_split(term) for term in (side.terms if isinstance(side, Sum) else (side,))] for side in formula]
    numbers = [coefficient for side in sides for coefficient, _ in side]
    common = Fraction(
        math.gcd(*(number.numerator for number in numbers)), math.lcm(*(number.denominator for number in numbers))
    )
    top, bottom = (plus(*(_joined(number / common, powers) for number, powers in side)) for side in sides)
    return formula if common in (0, 1) else over(top, bottom)


def _collected_sum(formula: Sum) -> Node:
    coefficients: dict[frozenset[tuple[Node, Fraction]], Fraction] = {}
    bodies: dict[frozenset[tuple[Node, Fraction]], dict[Node, Fraction]] = {}
    total = plus(*map(collected, formula.terms))
    for term in total.terms if isinstance(total, Sum) else (total,):
        coefficient, powers = _split(term)
        key = frozenset(powers.items())
        coefficients[key] = coefficients.get(key, Fraction(0)) + coefficient
        bodies.setdefault(key, powers)
    return plus(*(_joined(coefficient, bodies[key]) for key, coefficient in coefficients.items()))


_Powers = tuple[Fraction, dict[Node, Fraction]]
"""A number and what it is multiplied by: bases with their exponents, in reading order."""


def _split(formula: Node) -> _Powers:
    match formula:
        case Number(value):
            return value, {}
        case Negative(operand):
            coefficient, powers = _split(operand)
            return -coefficient, powers
        case Product(factors):
            return functools.reduce(_merged, map(_split, factors))
        case Quotient(numerator, denominator):
            return _merged(_split(numerator), _split_power(denominator, Fraction(-1)))
        case Power(base, Number(exponent)):
            return _split_power(base, exponent)
        case Apply("sqrt", (radicand,)):
            return _split_power(radicand, Fraction(1, 2))
        case Sum():
            total = _collected_sum(formula)
            return (Fraction(1), {total: Fraction(1)}) if isinstance(total, Sum) else _split(total)
    return Fraction(1), {map_children(formula, collected): Fraction(1)}


def _split_power(base: Node, exponent: Fraction) -> _Powers:
    """Split a power; a product is raised factor by factor where the exponent is whole (otherwise signs would be lost)."""
    coefficient, powers = _split(base)
    is_small = coefficient in (1, -1) or (coefficient and abs(exponent) <= _LARGEST_POWER)
    if exponent.denominator == 1 and is_small:
        return coefficient**exponent.numerator, {each: power * exponent for each, power in powers.items()}
    return Fraction(1), {_joined(coefficient, powers): exponent}


def _merged(left: _Powers, right: _Powers) -> _Powers:
    powers = dict(left[1])
    for base, exponent in right[1].items():
        powers[base] = powers.get(base, Fraction(0)) + exponent
    return left[0] * right[0], {base: exponent for base, exponent in powers.items() if exponent}


def _joined(coefficient: Fraction, powers: Mapping[Node, Fraction]) -> Node:
    for base, exponent in powers.items():
        if isinstance(base, Number) and base.value and exponent.denominator == 1 and abs(exponent) <= _LARGEST_POWER:
            coefficient *= base.value**exponent.numerator
            return _joined(coefficient, {other: power for other, power in powers.items() if other != base})
    ordered = sorted(powers.items(), key=lambda power: not isinstance(power[0], Name | Adjoint | Slot))
    top = [_to(base, exponent) for base, exponent in ordered if exponent > 0]
    bottom = [_to(base, -exponent) for base, exponent in ordered if exponent < 0]
    size = abs(coefficient)
    joined = over(times(Number(Fraction(size.numerator)), *top), times(Number(Fraction(size.denominator)), *bottom))
    return negated(joined) if coefficient < 0 else joined
