"""Scalar formulas as Python expressions and functions, in a dialect: which function stands for which primitive.

Formulas are printed from the tree, so that they read as they were written: a quotient is a division and not a power, a
square is a product, and the derivative at a kink is a comparison.
"""

from __future__ import annotations

import collections
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from symbackprop.algebra import functions
from symbackprop.algebra.branches import always_computed, choice_of, comparison_of
from symbackprop.algebra.formula import (
    ONE,
    Adjoint,
    Apply,
    Hadamard,
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
    map_children,
    negated,
    rewrite,
    walk,
)
from symbackprop.arithmetic import exact
from symbackprop.errors import EvaluationError
from symbackprop.messages import message

HALF = Fraction(1, 2)
_MINUS_ONE = Number(Fraction(-1))
SUM, MATRIX, PRODUCT, SIGN, POWER, ATOM = range(6)
"""How tightly an expression binds, from the loosest; a matrix product inside another one is put in parentheses."""

Bound = tuple[int, str]
"""How tightly an expression binds, and its text."""

Leaf = Callable[[Node], str | Bound | None]
"""Spells names, and whatever else is not printed here; what is only a text is an atom."""


@dataclass(frozen=True, slots=True)
class Spelled(Node):
    """A name of the generated code that is no quantity of the problem."""

    text: str


@dataclass(frozen=True, slots=True)
class Dialect:
    """The functions of generated code: by primitive, a template over its arguments; `step` also has its value at 0.

    `extreme` writes `max` and `min` of two arguments with their partials at a tie, `choice` a comparison and its branches,
    `number` a constant, `power` the power of a base and an exponent. `namespace` holds what the code calls.
    """

    functions: Mapping[str, str]
    extreme: Callable[[str, str, str, Fraction], str]
    step: Callable[[str, Fraction], str]
    choice: Callable[[str, str, str], str]
    number: Callable[[float], str] = repr
    power: str = "{}**{}"
    namespace: Mapping[str, Callable[..., Any]] = field(default_factory=dict)


def accurate(node: Node) -> Node:
    """Return an equal formula in which ln(1 + u), exp(u) − 1 and 1 ± erf(u) are functions of their own.

    Taken apart they lose all digits where their value is small: in float64 ln(1 + 1e-17) is 0, log1p(1e-17) is 1e-17.

    >>> accurate(Sum((ONE, Negative(Apply("exp", (Name("u"),))))))
    Negative(operand=Apply(function='expm1', arguments=(Name(name='u', sample=None),), ...
    """
    if reads_no_names(node):
        return node
    node = map_children(node, accurate)
    match node:
        case Apply("ln", (Sum(terms),)) if ONE in terms:
            rest = list(terms)
            rest.remove(ONE)
            return Apply("log1p", (added(tuple(rest)),))
        case Sum(terms):
            return _near_one(terms) or node
    return node


def _near_one(terms: tuple[Node, ...]) -> Node | None:
    """Return a sum with its 1 and an exponential or an error function in it joined; None where there are none."""
    one = next((term for term in terms if term in (ONE, Negative(ONE), _MINUS_ONE)), None)
    for term in terms if one is not None else ():
        function = term.operand if isinstance(term, Negative) else term
        is_same = (one == ONE) != isinstance(term, Negative)
        match function:
            case Apply("exp", (argument,)) if not is_same:
                joined: Node = Apply("expm1", (argument,))
                joined = joined if function == term else Negative(joined)
            case Apply("erf", (argument,)):
                joined = Apply("erfc", (negated(argument) if is_same else argument,))
                joined = joined if one == ONE else Negative(joined)
            case _:
                continue
        return added(tuple(joined if each is term else each for each in terms if each is not one))
    return None


def reads_no_names(node: Node) -> bool:
    """Say whether a formula reads no names."""
    return all(isinstance(part, Number | Sum | Product | Quotient | Power | Negative | Apply) for part in walk(node))


def constant(node: Node) -> float | None:
    """Return the value of a formula without names, None for any other; `EvaluationError` where no float is so large."""
    if not reads_no_names(node):
        return None
    value = node.value if isinstance(node, Number) else exact.evaluate(functions.stable_form(node), lambda part: None)
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise EvaluationError(message("evaluation.magnitude"))
    return found


def printed(node: Node, leaf: Leaf, dialect: Dialect) -> str:
    """Return a scalar formula as a Python expression, as it is written; `leaf` spells names."""
    return bound(node, leaf, dialect)[1]


def bound(node: Node, leaf: Leaf, dialect: Dialect) -> Bound:
    """Return a scalar formula as a Python expression, and how tightly it binds."""
    return _Printer(leaf, dialect).bound(node)


class _Printer:
    def __init__(self, leaf: Leaf, dialect: Dialect) -> None:
        self.leaf, self.dialect = leaf, dialect

    def text(self, node: Node, level: int = SUM) -> str:
        own, text = self.bound(node)
        return f"({text})" if own < level else text

    def bound(self, node: Node) -> Bound:
        found = node.text if isinstance(node, Spelled) else self.leaf(node)
        if found is not None:
            return (ATOM, found) if isinstance(found, str) else found
        number = constant(node)
        if number is not None:
            return (SIGN if number < 0 else ATOM), self.dialect.number(number)
        match node:
            case Sum(terms):
                return SUM, self._sum(terms)
            case Negative(operand):
                return SIGN, f"-{self.text(operand, SIGN)}"
            case Product(factors) | Hadamard(factors):
                return self._product(factors)
            case Quotient(numerator, denominator):
                return PRODUCT, f"{self.text(numerator, PRODUCT)}/{self.text(denominator, SIGN)}"
            case Power(base, exponent):
                return self._power(base, exponent)
            case Apply():
                return ATOM, self._applied(node)
        raise TypeError(f"a formula of scalars was expected, not {type(node).__name__}")

    def _sum(self, terms: tuple[Node, ...]) -> str:
        text = self.text(terms[0])
        for term in terms[1:]:
            if isinstance(term, Negative):
                text += f" - {self.text(term.operand, MATRIX)}"
            else:
                text += f" + {self.text(term, MATRIX)}"
        return text

    def _product(self, factors: tuple[Node, ...]) -> Bound:
        kept = [factor for factor in factors if factor != ONE] or [ONE]
        if len(kept) == 1:
            return self.bound(kept[0])
        first, *rest = kept
        return PRODUCT, "*".join([self.text(first, PRODUCT), *[self.text(factor, SIGN) for factor in rest]])

    def _power(self, base: Node, exponent: Node) -> Bound:
        if isinstance(exponent, Number) and exponent.value == 2 and isinstance(base, Name | Adjoint | Slot | Spelled):
            return PRODUCT, f"{self.text(base)}*{self.text(base)}"
        if isinstance(exponent, Number) and exponent.value == HALF:
            return ATOM, self._applied(Apply("sqrt", (base,)))
        whole = isinstance(exponent, Number) and exponent.value.denominator == 1
        power = str(int(exponent.value)) if isinstance(exponent, Number) and whole else self.text(exponent, POWER)
        return POWER, self.dialect.power.format(self.text(base, ATOM), power)

    def _applied(self, apply: Apply) -> str:
        choice = choice_of(apply)
        if choice is not None:
            left, sign, right = comparison_of(choice.condition)
            compared = f"{self.text(left)} {sign} {self.text(right)}"
            return self.dialect.choice(compared, self.text(choice.holding), self.text(choice.otherwise))
        if apply.function == "step":
            return self.dialect.step(self.text(apply.arguments[0]), apply.at_kink)
        arguments = [self.text(argument) for argument in apply.arguments]
        if apply.function in functions.EXTREMES:
            text = arguments[0]
            for other in arguments[1:]:
                text = self.dialect.extreme(apply.function, text, other, apply.at_kink)
            return text
        return self.dialect.functions[apply.function].format(*arguments, all=", ".join(arguments))


def spelled(number: float) -> str:
    """Return a number as a person would type it: whole numbers without a point.

    >>> spelled(2.0), spelled(0.1), spelled(float("-inf"))
    ('2', '0.1', "float('-inf')")
    """
    if math.isinf(number):
        return f"float({str(number)!r})"
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _simple(text: str) -> bool:
    return text.isidentifier() or text.replace(".", "", 1).isdigit()


def _chosen(function: str, left: str, right: str, at_tie: Fraction) -> str:
    """Return `max` or `min` of two scalars; a NaN on the right stays one, as in NumPy."""
    if _simple(left) and _simple(right):
        return f"({left} if {right} {'<=' if function == 'max' else '>='} {left} else {right})"
    return f"{function}({left}, {right})"


def _compared(argument: str, at_zero: Fraction) -> str:
    if at_zero in (0, 1):
        return f"(1.0 if {argument} {'>=' if at_zero else '>'} 0.0 else 0.0)"
    return f"(1.0 if {argument} > 0.0 else {float(at_zero)!r} if {argument} == 0.0 else 0.0)"


_SAME = ("exp", "sqrt", "sin", "cos", "tan", "tanh", "asin", "acos", "atan")
_NAMES = {**{name: name for name in _SAME}, "ln": "log"}
ARCS = {"asin": "arcsin", "acos": "arccos", "atan": "arctan"}
"""What NumPy calls the functions that have other names there."""
_ACCURATE = {"log1p": "log1p", "expm1": "expm1", "erf": "erf", "erfc": "erfc"}
_CALLS = {name: f"{called}({{0}})" for name, called in {**_NAMES, **_ACCURATE, "abs": "abs"}.items()}

MATH = tuple(_NAMES.values()) + tuple(_ACCURATE.values())
"""What the code of scalars takes from `math`."""

_CHOICE = "({1} if {0} else {2})"

SCALARS = Dialect(_CALLS, _chosen, _compared, _CHOICE.format, namespace={name: getattr(math, name) for name in MATH})
"""Floats, by Python's `math`: an overflow is an exception, and whoever runs the code catches it."""

ARRAYS = Dialect(
    {**_CALLS, **{name: f"{called}({{0}})" for name, called in ARCS.items()}, "abs": "absolute({0})"},
    lambda function, left, right, at_tie: f"{function}imum({left}, {right})",
    lambda argument, at_zero: f"heaviside({argument}, {float(at_zero)!r})",
    "where({}, {}, {})".format,
)
"""Arrays of any shape, by NumPy's functions."""

OF_ARRAYS = ("absolute", "maximum", "minimum", "heaviside", "where", *ARCS.values())
"""What the code of arrays takes from NumPy besides the functions that are called as in `math`."""


def factored(formulas: Sequence[Node], named: Callable[[int], str]) -> Iterator[tuple[list[tuple[str, Node]], Node]]:
    """Yield each formula with names for what is costly and occurs twice in all of them, and the new names before it.

    `named` gives the n-th name.
    """
    bases = {part.base for formula in formulas for part in walk(formula) if isinstance(part, Power)}
    often = collections.Counter(
        part
        for formula in formulas
        for part in always_computed(formula)
        if _is_costly(part) or (isinstance(part, Sum) and part in bases)
    )
    names: dict[Node, Node] = {}

    def shared(part: Node) -> Node | None:
        if often[part] < 2:
            return None
        if part not in names:
            inner = map_children(part, lambda child: rewrite(child, shared))
            name = named(len(names) + 1)
            before.append((name, inner))
            names[part] = Spelled(name)
        return names[part]

    for formula in formulas:
        before: list[tuple[str, Node]] = []
        yield before, rewrite(formula, shared)


def _is_costly(node: Node) -> bool:
    """Say whether a formula is worth a name of its own when it occurs twice: a call, or a sum of calls."""
    if isinstance(node, Sum):
        return any(map(_is_costly, node.terms))
    return isinstance(node, Apply) and bool(node.arguments) and node.function not in ("step", "abs")


def compile_formula(formula: Node, arity: int, dialect: Dialect) -> Callable[..., Any]:
    """Return a function of `arity` numbers (or arrays, as the dialect has it) that evaluates a formula over slots.

    >>> compile_formula(Sum((Slot(0), Negative(Slot(1)))), 2, SCALARS)(3.0, 1.0)
    2.0
    """

    def slot(part: Node) -> str | None:
        return f"p{part.index}" if isinstance(part, Slot) else None

    ((before, whole),) = factored([formula], lambda number: f"e{number}")
    lines = [f"{name} = {printed(inner, slot, dialect)}" for name, inner in before]
    lines.append(f"return {printed(whole, slot, dialect)}")
    signature = f"def function({', '.join(f'p{index}' for index in range(arity))}):"
    space = dict(dialect.namespace)
    exec("\n    ".join((signature, *lines)), space)
    return space["function"]
