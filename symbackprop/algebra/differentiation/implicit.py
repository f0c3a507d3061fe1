"""Implicit differentiation: both sides of an equation by x, where y depends on x, solved for dy/dx."""

from __future__ import annotations

from dataclasses import dataclass, replace

from symbackprop.algebra.branches import WHERE, choice_of
from symbackprop.algebra.differentiation.tidying import collected, over, plus, times
from symbackprop.algebra.formula import (
    ONE,
    ZERO,
    Apply,
    Name,
    Negative,
    Node,
    Number,
    Product,
    Quotient,
    Sum,
    UnknownFunction,
    negated,
    rewrite,
    walk,
)
from symbackprop.errors import ExpressionError
from symbackprop.messages import message


@dataclass(frozen=True, slots=True)
class EqualSides(Node, children=("left", "right")):
    """Two formulas that are equal."""

    left: Node
    right: Node


def with_dependent(sides: EqualSides, by: Name, dependent: Name | None) -> EqualSides:
    """Return an equation in which one name is a function of the variable: `dependent`, else y, else the only other name.

    Raises `ExpressionError` where none is, or several may be meant.
    """
    functions = {part.name for part in walk(sides) if isinstance(part, UnknownFunction) and part.argument == by}
    names = {part.name for part in walk(sides) if isinstance(part, Name)} - {by.name}
    name = dependent.name if dependent else _meant(sorted(names), sorted(functions), by)
    if name not in names | functions:
        raise ExpressionError(message("derivative.independent", name=name))
    implied = UnknownFunction(name, by, implied=True)

    def change(part: Node) -> Node | None:
        return implied if part in (Name(name), UnknownFunction(name, by)) else None

    return EqualSides(*(rewrite(side, change) for side in sides))


def _meant(names: list[str], functions: list[str], by: Name) -> str:
    if "y" in names:
        return "y"
    if len(functions or names) != 1:
        raise ExpressionError(message("derivative.dependent", variable=by.name), valid=functions or names)
    return (functions or names)[0]


def slope(sides: EqualSides) -> UnknownFunction:
    """Return dy/dx of an equation between x and the y that depends on it."""
    implied = next(part for part in walk(sides) if isinstance(part, UnknownFunction) and part.implied)
    return replace(implied, order=1)


def solved(derived: EqualSides, wanted: UnknownFunction) -> Node:
    """Return what the derivatives of both sides say of dy/dx, which they are linear in.

    Raises `ExpressionError` where it falls out of them.
    """
    (own, beside), (other, across) = (_linear(side, wanted) for side in derived)
    if own == ZERO:
        own, other, beside, across = other, own, across, beside
    divisor = _difference(own, other)
    if collected(divisor) == ZERO:
        raise ExpressionError(message("derivative.independent", name=wanted.name))
    return over(_difference(across, beside), divisor)


def _difference(left: Node, right: Node) -> Node:
    return left if right == ZERO else plus(left, negated(right))


def _linear(formula: Node, wanted: Node) -> tuple[Node, Node]:
    """Return what the wanted derivative is multiplied by in a formula, and what stands beside it."""
    if formula == wanted:
        return ONE, ZERO
    if wanted not in walk(formula):
        return ZERO, formula
    match formula:
        case Sum(terms):
            parts = [_linear(term, wanted) for term in terms]
            return plus(*(part for part, _ in parts)), plus(*(part for _, part in parts))
        case Negative(operand):
            multiplier, rest = _linear(operand, wanted)
            return times(Number(-ONE.value), multiplier), times(Number(-ONE.value), rest)
        case Product(factors):
            at = next(place for place, factor in enumerate(factors) if wanted in walk(factor))
            multiplier, rest = (times(*factors[:at], part, *factors[at + 1 :]) for part in _linear(factors[at], wanted))
            return multiplier, rest
        case Quotient(numerator, denominator):
            multiplier, rest = (over(part, denominator) for part in _linear(numerator, wanted))
            return multiplier, rest
    choice = choice_of(formula)
    assert choice is not None, "a derivative is linear in those of its parts"
    pieces = zip(*(_linear(piece, wanted) for piece in choice[1:]), strict=True)
    multiplier, rest = (Apply(WHERE, (choice.condition, *each)) for each in pieces)
    return multiplier, rest
