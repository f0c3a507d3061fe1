"""The functions of a formula: primitives that SymPy knows, and activations defined by an expression in z.

An activation is one row: its expression, the classroom form of its derivative (in z and in its own value a) where one is
usual, and its source. The derivative itself is never written here: `symbackprop.forms` takes it from SymPy, and a test
proves the classroom form equal to it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from symbackprop import expressions
from symbackprop.formula import Apply, Name, Negative, Node, Product, Quotient, Slot, Sum, fill, rewrite
from symbackprop.registry import Registry


@dataclass(frozen=True, slots=True)
class Primitive:
    """A function that SymPy knows.

    `exact` lists the rational points at which its value is rational; `kinked` says that it has a point without a
    derivative (where its first argument, or the difference of its two, is zero); `arity` is its number of arguments.
    """

    name: str
    sympy: str
    exact: Mapping[Fraction, Fraction] = field(default_factory=dict)
    kinked: bool = False
    arity: int = 1


_AT_ZERO = {Fraction(0): Fraction(0)}
_ONE_AT_ZERO = {Fraction(0): Fraction(1)}

PRIMITIVES: Registry[Primitive] = Registry(
    "function",
    {
        row.name: row
        for row in (
            Primitive("exp", "exp", _ONE_AT_ZERO),
            Primitive("ln", "log", {Fraction(1): Fraction(0)}),
            Primitive("sqrt", "sqrt"),
            Primitive("sin", "sin", _AT_ZERO),
            Primitive("cos", "cos", _ONE_AT_ZERO),
            Primitive("tan", "tan", _AT_ZERO),
            Primitive("tanh", "tanh", _AT_ZERO),
            Primitive("abs", "Abs", kinked=True),
            Primitive("max", "Max", kinked=True, arity=2),
            Primitive("min", "Min", kinked=True, arity=2),
        )
    },
    aliases={"log": "ln"},
)

REDUCTIONS = ("sum", "mean")


@dataclass(frozen=True, slots=True)
class Activation:
    """An activation function.

    `expression` is its text in `z`; `derivative` the usual classroom form in `z` and `a` (its own value), if any; `symbol`
    how it is printed; `lowest` and `highest` bound its values. A vector activation (softmax) has `vector = True` and no
    text: `definition` writes it for its number of units.
    """

    name: str
    expression: str
    symbol: str
    derivative: str = ""
    vector: bool = False
    lowest: Fraction | None = None
    highest: Fraction | None = None
    source: str = ""


_ZERO, _UNIT = Fraction(0), Fraction(1)

ACTIVATIONS: Registry[Activation] = Registry(
    "activation",
    {
        row.name: row
        for row in (
            Activation("linear", "z", "id", source="the identity; Bishop, PRML (2006), section 5.2"),
            Activation(
                "sigmoid",
                "1/(1 + exp(-z))",
                "σ",
                "a*(1 - a)",
                lowest=_ZERO,
                highest=_UNIT,
                source="the logistic function; Nielsen, Neural Networks and Deep Learning (2015), chapter 1",
            ),
            Activation(
                "tanh",
                "tanh(z)",
                "tanh",
                "1 - a**2",
                lowest=-_UNIT,
                highest=_UNIT,
                source="LeCun et al., Efficient BackProp (1998), section 4.4",
            ),
            Activation("relu", "max(0, z)", "ReLU", lowest=_ZERO, source="Nair and Hinton, ICML 2010"),
            Activation(
                "softmax",
                "",
                "softmax",
                vector=True,
                lowest=_ZERO,
                highest=_UNIT,
                source="Bridle (1990); Bishop, PRML (2006), equation 4.62",
            ),
        )
    },
)

NAMES = (*PRIMITIVES, *PRIMITIVES.aliases, *(name for name in ACTIVATIONS if name not in PRIMITIVES), *REDUCTIONS)

ARITIES: Mapping[str, int] = {
    **{name: PRIMITIVES[name].arity for name in (*PRIMITIVES, *PRIMITIVES.aliases)},
    **{row.name: 1 for row in ACTIVATIONS.values() if not row.vector and row.name not in PRIMITIVES},
}
"""The functions of scalars, with their numbers of arguments."""


@functools.cache
def definition(function: str, arity: int, at_kink: Fraction) -> Node | None:
    """Return what an activation of `arity` arguments stands for, over slots; None for a primitive.

    The first slot of a vector activation is the unit's own argument, the others its neighbours'.
    """
    if function in PRIMITIVES:
        return None
    row = ACTIVATIONS[function]
    if row.vector:
        exponentials = tuple(Apply("exp", (Slot(position),)) for position in range(arity))
        return Quotient(exponentials[0], Sum(exponentials))
    tree = expressions.parse(row.expression, functions=NAMES, names=("z",))

    def close(part: Node) -> Node | None:
        if isinstance(part, Name):
            return Slot(0)
        if isinstance(part, Apply) and part.function in PRIMITIVES and PRIMITIVES[part.function].kinked:
            return Apply(part.function, tuple(rewrite(argument, close) for argument in part.arguments), at_kink)
        return None

    return rewrite(tree, close)


def expanded(apply: Apply) -> Node | None:
    """Return what one application stands for (`sigmoid(s)` is `1/(1 + exp(-s))`); None for a primitive."""
    body = definition(apply.function, len(apply.arguments), apply.at_kink)
    return None if body is None else fill(body, apply.arguments)


@functools.cache
def stable_definition(function: str, arity: int) -> Node | None:
    """Return the form of a vector activation that cannot overflow in floating point: shifted by its largest argument.

    Elementwise activations need none: with infinities as IEEE 754 has them (exp(1000) = ∞, 1/∞ = 0) their expressions
    are right at every argument.
    """
    if function not in ACTIVATIONS or not ACTIVATIONS[function].vector:
        return None
    slots: tuple[Node, ...] = tuple(map(Slot, range(arity)))
    largest = functools.reduce(lambda left, right: Apply("max", (left, right)), slots)
    shifted = tuple(Sum((Slot(position), Negative(largest))) for position in range(arity))
    body = definition(function, arity, Fraction(0))
    return None if body is None else fill(body, shifted)


@functools.cache
def classroom_derivative(function: str, arity: int, slot: int) -> Node | None:
    """Return the usual form of ∂f/∂slot, over slots 0 … arity−1 (arguments) and arity … (the values of f), or None.

    The value slots follow the argument slots in the same order: of a vector activation, value slot `arity + j` is the
    value of the unit whose argument is in slot j.
    """
    row = ACTIVATIONS.rows.get(function)
    if row is None:
        return None
    own = Slot(arity)
    if row.vector:
        other = Slot(arity + slot)
        one_minus = Sum((expressions.parse("1", functions=(), names=()), Negative(own)))
        return Product((own, one_minus)) if slot == 0 else Negative(Product((own, other)))
    if not row.derivative:
        return None
    tree = expressions.parse(row.derivative, functions=NAMES, names=("z", "a"))
    return rewrite(tree, lambda part: {"z": Slot(0), "a": own}[part.name] if isinstance(part, Name) else None)
