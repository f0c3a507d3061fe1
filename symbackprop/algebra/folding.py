"""Formulas without what falls away when a part of them is a constant: zeros, ones, signs and products inside products."""

from __future__ import annotations

from fractions import Fraction

from symbackprop.algebra.formula import (
    ONE,
    ZERO,
    Hadamard,
    Negative,
    Node,
    Number,
    Product,
    Quotient,
    SampleCount,
    Sum,
    added,
    flat,
    is_constant,
    map_children,
    multiplied,
    negated,
)


def folded(node: Node) -> Node:
    """Return an equal formula with its constants joined; the order of everything else is kept.

    >>> from symbackprop.algebra.formula import Name
    >>> folded(Product((Number(Fraction(1, 2)), Product((Number(Fraction(2)), Name("g"))))))
    Name(name='g', sample=None)
    """
    node = map_children(node, folded)
    match node:
        case Negative(Number() | Negative() as operand):
            return negated(operand)
        case Sum(terms):
            return _sum(tuple(term for term in flat(terms, Sum) if term != ZERO))
        case Product(factors) | Hadamard(factors):
            return folded_product(factors)
        case Quotient(numerator, denominator) if numerator == ZERO or denominator == ONE:
            return numerator
    return node


def _sum(terms: tuple[Node, ...]) -> Node:
    """Return the sum; a constant that all terms begin with stands in front of it."""
    firsts = {term.factors[0] if isinstance(term, Product) else None for term in terms}
    common = next(iter(firsts)) if len(firsts) == 1 and len(terms) > 1 else None
    if common is None or not is_constant(common):
        return added(terms)
    rests = tuple(multiplied(term.factors[1:]) for term in terms if isinstance(term, Product))
    return Product((common, Sum(rests)))


def folded_product(factors: tuple[Node, ...]) -> Node:
    """Return the product of folded factors with one constant in front: a number, times or over a power of the count."""
    number, power, rest = Fraction(1), 0, []
    waiting = list(reversed(factors))
    while waiting:
        factor = waiting.pop()
        if isinstance(factor, Product | Hadamard):
            waiting += reversed(factor.factors)
        elif isinstance(factor, Negative):
            number = -number
            waiting.append(factor.operand)
        elif isinstance(factor, Number):
            number *= factor.value
        elif isinstance(factor, SampleCount):
            power += 1
        elif isinstance(factor, Quotient) and isinstance(factor.denominator, SampleCount):
            power -= 1
            waiting.append(factor.numerator)
        else:
            rest.append(factor)
    if number == 0:
        return ZERO
    positive = multiplied((_constant(abs(number), power), *rest))
    return negated(positive) if number < 0 else positive


def _constant(number: Fraction, power: int) -> Node:
    """Return a number times a power of the number of samples."""
    counts = (SampleCount(),) * abs(power)
    whole = Number(number)
    return Quotient(whole, multiplied(counts)) if power < 0 else multiplied((whole, *counts))
