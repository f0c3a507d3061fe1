"""The table of rules: for each kind of formula and each function, the parts to differentiate and how they combine.

The rules are those of a calculus course (Stewart, Calculus, chapter 3); tests prove each equal to `sympy.diff`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any

from symbackprop.algebra import expressions, functions
from symbackprop.algebra.branches import WHERE, choice_of
from symbackprop.algebra.differentiation.tidying import into, over, plus, raised, times
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
    UnknownFunction,
    depth,
    flat,
    multiplied,
    negated,
    rewrite,
    walk,
)
from symbackprop.errors import ExpressionError, KindError, unknown
from symbackprop.messages import message


class Rule(StrEnum):
    """A rule of differentiation; its value is the key of its phrase in the table `rule` of a language."""

    CONSTANT = "constant"
    VARIABLE = "variable"
    SUM = "sum"
    CONSTANT_MULTIPLE = "constant_multiple"
    PRODUCT = "product"
    RECIPROCAL = "reciprocal"
    QUOTIENT = "quotient"
    CHAIN = "chain"
    POWER = "power"
    EXPONENTIAL = "exponential"
    GENERAL_EXPONENTIAL = "general_exponential"
    GENERAL_POWER = "general_power"
    LOGARITHM = "logarithm"
    SQUARE_ROOT = "square_root"
    SINE = "sine"
    COSINE = "cosine"
    TANGENT = "tangent"
    HYPERBOLIC_TANGENT = "hyperbolic_tangent"
    ARC_SINE = "arc_sine"
    ARC_COSINE = "arc_cosine"
    ARC_TANGENT = "arc_tangent"
    ERROR_FUNCTION = "error_function"
    ABSOLUTE_VALUE = "absolute_value"
    MAXIMUM = "maximum"
    MINIMUM = "minimum"
    STEP = "step"
    PIECEWISE = "piecewise"
    DEFINITION = "definition"
    UNKNOWN_FUNCTION = "unknown_function"
    IMPLICIT = "implicit"
    EQUAL_SIDES = "equal_sides"
    SOLVED = "solved"
    COLLECT = "collect"


TRIVIAL = {Rule.CONSTANT, Rule.VARIABLE, Rule.STEP, Rule.UNKNOWN_FUNCTION}
"""Rules that a worked solution applies without a line of their own."""


@dataclass(frozen=True, slots=True)
class Application:
    """A rule applied to a formula: the parts to differentiate, each by a variable, and how their derivatives combine."""

    rule: Rule
    parts: tuple[tuple[Node, Name], ...]
    combine: Callable[..., Node]


def applied(formula: Node, by: Name) -> Application:
    """Return the rule for a formula that `check` has let pass, applied to it."""
    if formula == by:
        return Application(Rule.VARIABLE, (), lambda: ONE)
    if not _varies(formula, by):
        rule = Rule.STEP if by in walk(formula) else Rule.CONSTANT
        return Application(rule, (), lambda: ZERO)
    return _RULES[type(formula)](formula, by)


def _varies(formula: Node, by: Name) -> bool:
    """Say whether the variable occurs other than inside a step, which is constant on both sides of its jump."""
    if isinstance(formula, Apply) and formula.function == "step":
        return False
    return formula == by or any(_varies(part, by) for part in formula)


def _chain(
    rule: Rule, outer: Callable[[Node], Node], derivative: Callable[[Name], Node], inner: Node, by: Name
) -> Application:
    """Return the rule for `outer(inner)`, whose derivative by its argument is `derivative`."""
    if inner == by:
        return Application(rule, (), lambda: derivative(by))
    taken = {part.name for part in walk(outer(inner)) if isinstance(part, Name)} | {by.name}
    letters = (*"uvst", *(f"u{number}" for number in range(len(taken) + 1)))
    letter = Name(next(name for name in letters if name not in taken))

    def combine(outer_derivative: Node, inner_derivative: Node) -> Node:
        return into(rewrite(outer_derivative, lambda part: inner if part == letter else None), inner_derivative)

    return Application(Rule.CHAIN, ((outer(letter), letter), (inner, by)), combine)


def _sum(formula: Sum, by: Name) -> Application:
    subtracted = [isinstance(term, Negative) for term in formula.terms]
    parts = [term.operand if isinstance(term, Negative) else term for term in formula.terms]

    def combine(*derivatives: Node) -> Node:
        return plus(
            *(
                negated(derivative) if minus else derivative
                for derivative, minus in zip(derivatives, subtracted, strict=True)
            )
        )

    return Application(Rule.SUM, tuple((part, by) for part in parts), combine)


def _product(formula: Product, by: Name) -> Application:
    factors = flat(formula.factors, Product)
    constants = [factor for factor in factors if not _varies(factor, by)]
    if constants:
        rest = multiplied(tuple(factor for factor in factors if _varies(factor, by)))
        is_piecewise = any(by in walk(factor) for factor in constants)
        rule = Rule.PIECEWISE if is_piecewise else Rule.CONSTANT_MULTIPLE
        return Application(rule, ((rest, by),), lambda derivative: times(*constants, derivative))

    def combine(*derivatives: Node) -> Node:
        return plus(
            *(times(*factors[:at], derivative, *factors[at + 1 :]) for at, derivative in enumerate(derivatives))
        )

    return Application(Rule.PRODUCT, tuple((factor, by) for factor in factors), combine)


def _quotient(formula: Quotient, by: Name) -> Application:
    top, bottom = formula.numerator, formula.denominator
    if not _varies(bottom, by):
        return Application(Rule.CONSTANT_MULTIPLE, ((top, by),), lambda derivative: over(derivative, bottom))
    square = Power(bottom, Number(Fraction(2)))
    if not _varies(top, by):
        return _chain(
            Rule.RECIPROCAL,
            lambda inner: Quotient(top, inner),
            lambda inner: negated(over(top, Power(inner, Number(Fraction(2))))),
            bottom,
            by,
        )

    def combine(top_derivative: Node, bottom_derivative: Node) -> Node:
        return over(plus(times(top_derivative, bottom), negated(times(top, bottom_derivative))), square)

    return Application(Rule.QUOTIENT, ((top, by), (bottom, by)), combine)


def _power(formula: Power, by: Name) -> Application:
    base, exponent = formula.base, formula.exponent
    if not _varies(exponent, by):
        return _chain(
            Rule.POWER,
            lambda inner: Power(inner, exponent),
            lambda inner: times(exponent, raised(inner, exponent)),
            base,
            by,
        )
    if not _varies(base, by):
        return _chain(
            Rule.GENERAL_EXPONENTIAL,
            lambda inner: Power(base, inner),
            lambda inner: times(Power(base, inner), Apply("ln", (base,))),
            exponent,
            by,
        )
    logarithm = times(exponent, Apply("ln", (base,)))
    return Application(Rule.GENERAL_POWER, ((logarithm, by),), lambda derivative: times(formula, derivative))


def _apply(formula: Apply, by: Name) -> Application:
    if formula.function in functions.EXTREMES and not formula.body:
        return _extreme(formula, by)
    choice = choice_of(formula)
    if choice is not None:
        parts = ((choice.holding, by), (choice.otherwise, by))
        return Application(Rule.PIECEWISE, parts, functools.partial(_of_pieces, choice.condition))
    body = functions.expanded(formula)
    if body is not None:
        return Application(Rule.DEFINITION, ((body, by),), lambda derivative: derivative)
    rule, derivative = FUNCTIONS[functions.PRIMITIVES[formula.function].name]

    def outer(inner: Node) -> Node:
        return replace(formula, arguments=(inner,))

    return _chain(rule, outer, lambda inner: derivative(inner, formula.at_kink), formula.arguments[0], by)


def _unknown(formula: UnknownFunction, by: Name) -> Application:
    def derived(inner: Node) -> Node:
        return replace(formula, argument=inner, order=formula.order + 1)

    def outer(inner: Node) -> Node:
        return replace(formula, argument=inner)

    return _chain(Rule.UNKNOWN_FUNCTION, outer, derived, formula.argument, by)


def _extreme(formula: Apply, by: Name) -> Application:
    """Return the rule for a maximum or minimum of two arguments; more are nested from the left."""
    *rest, second = formula.arguments
    first = rest[0] if len(rest) == 1 else replace(formula, arguments=tuple(rest))
    is_maximum = formula.function == "max"
    larger, smaller = (first, second) if is_maximum else (second, first)
    difference = (plus(larger, negated(smaller)), plus(smaller, negated(larger)))

    def combine(first_derivative: Node, second_derivative: Node) -> Node:
        steps = [Apply("step", (each,), formula.at_kink) for each in difference]
        return plus(times(steps[0], first_derivative), times(steps[1], second_derivative))

    return Application(Rule.MAXIMUM if is_maximum else Rule.MINIMUM, ((first, by), (second, by)), combine)


def _of_pieces(condition: Node, holding: Node, otherwise: Node) -> Node:
    return holding if holding == otherwise else Apply(WHERE, (condition, holding, otherwise))


def _sign(inner: Node, at_kink: Fraction) -> Node:
    return Sum((Apply("step", (inner,), at_kink), Negative(Apply("step", (negated(inner),)))))


def _derivative(text: str) -> Callable[[Node, Fraction], Node]:
    tree = expressions.parse(text, functions=functions.ARITIES, names=("u",), arities=functions.ARITIES)
    return lambda inner, at_kink: rewrite(tree, lambda part: inner if isinstance(part, Name) else None)


FUNCTIONS: Mapping[str, tuple[Rule, Callable[[Node, Fraction], Node]]] = {
    "exp": (Rule.EXPONENTIAL, _derivative("exp(u)")),
    "ln": (Rule.LOGARITHM, _derivative("1/u")),
    "sqrt": (Rule.SQUARE_ROOT, _derivative("1/(2*sqrt(u))")),
    "sin": (Rule.SINE, _derivative("cos(u)")),
    "cos": (Rule.COSINE, _derivative("-sin(u)")),
    "tan": (Rule.TANGENT, _derivative("1/cos(u)**2")),
    "tanh": (Rule.HYPERBOLIC_TANGENT, _derivative("1 - tanh(u)**2")),
    "asin": (Rule.ARC_SINE, _derivative("1/sqrt(1 - u**2)")),
    "acos": (Rule.ARC_COSINE, _derivative("-1/sqrt(1 - u**2)")),
    "atan": (Rule.ARC_TANGENT, _derivative("1/(1 + u**2)")),
    "erf": (Rule.ERROR_FUNCTION, _derivative("2/sqrt(pi)*exp(-u**2)")),
    "abs": (Rule.ABSOLUTE_VALUE, _sign),
}
"""The derivative of each primitive of one argument, by that argument."""

_RULES: Mapping[type[Node], Callable[[Any, Name], Application]] = {
    Sum: _sum,
    Negative: lambda formula, by: Application(Rule.CONSTANT_MULTIPLE, ((formula.operand, by),), negated),
    Product: _product,
    Quotient: _quotient,
    Power: _power,
    Apply: _apply,
    UnknownFunction: _unknown,
}

_LEAVES = (Number, Name, Adjoint, Slot)


_DEEPEST = 100
_LARGEST = 4000


def check(formula: Node) -> None:
    """Raise for a formula that cannot be differentiated.

    That is `KindError` for a kind of formula without a rule, `UnknownNameError` for a function without one, and
    `ExpressionError` for a formula that is too deep or too large to be worked out line by line.
    """
    if depth(formula) > _DEEPEST:
        raise ExpressionError(message("expression.too_deep", limit=_DEEPEST))
    known = {*FUNCTIONS, *functions.ARITIES, *functions.WITH_FORMULA, "step"}
    for part in walk(formula):
        if type(part) not in _RULES and type(part) not in _LEAVES:
            raise KindError(message("derivative.arrays", kind=type(part).__name__))
        if isinstance(part, Apply) and not part.body and part.function not in known:
            raise unknown("function", part.function, functions.ARITIES)
    if functions.written_size(formula) > _LARGEST:
        raise ExpressionError(message("expression.too_big", limit=_LARGEST))
