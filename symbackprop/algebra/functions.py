"""The functions of a formula: primitives that SymPy knows, and activations defined by an expression in z."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from symbackprop.algebra import expressions, shorthands
from symbackprop.algebra.activations import ROWS, Activation
from symbackprop.algebra.array_operations import ARRAY_OPERATIONS
from symbackprop.algebra.branches import WHERE, choice_of, outside_conditions
from symbackprop.algebra.formula import (
    ONE,
    Apply,
    Name,
    Negative,
    Node,
    Number,
    Product,
    Quotient,
    Slot,
    Sum,
    added,
    fill,
    map_children,
    multiplied,
    rewrite,
    walk,
)
from symbackprop.algebra.operation_rows import ALL
from symbackprop.errors import ProblemError
from symbackprop.messages import message
from symbackprop.registry import Registry, cached, derived
from symbackprop.rows import Defaults, reason_phrases


@dataclass(frozen=True, slots=True)
class Primitive:
    """A function that SymPy knows.

    `exact` lists the rational points at which its value is rational; `kinked` says that it has a point without a
    derivative (where its first argument, or the difference of its first two, is zero); `arity` is its number of arguments.
    `derivative` is the usual form of its derivative in its own value `a`, if there is one; `symbol` how it is printed, where
    that is not its name. No quantity can have a name that `is_reserved`.
    """

    name: str
    sympy: str
    exact: Mapping[Fraction, Fraction] = field(default_factory=dict)
    kinked: bool = False
    arity: int = 1
    derivative: str = ""
    symbol: str = ""
    is_reserved: bool = True


_AT_ZERO = {Fraction(0): Fraction(0)}
_ONE_AT_ZERO = {Fraction(0): Fraction(1)}

PRIMITIVES: Registry[Primitive] = Registry(
    "function",
    (
        Primitive("exp", "exp", _ONE_AT_ZERO, derivative="a"),
        Primitive("ln", "log", {Fraction(1): Fraction(0)}),
        Primitive("sqrt", "sqrt"),
        Primitive("sin", "sin", _AT_ZERO),
        Primitive("cos", "cos", _ONE_AT_ZERO),
        Primitive("tan", "tan", _AT_ZERO),
        Primitive("tanh", "tanh", _AT_ZERO),
        Primitive("asin", "asin", _AT_ZERO, symbol="arcsin", is_reserved=False),
        Primitive("acos", "acos", {Fraction(1): Fraction(0)}, symbol="arccos", is_reserved=False),
        Primitive("atan", "atan", _AT_ZERO, symbol="arctan", is_reserved=False),
        Primitive("erf", "erf", _AT_ZERO),
        Primitive("abs", "Abs", kinked=True),
        Primitive("max", "Max", kinked=True, arity=2),
        Primitive("min", "Min", kinked=True, arity=2),
        Primitive(WHERE, "Piecewise", kinked=True, arity=3, is_reserved=False),
    ),
    aliases=shorthands.ALIASES,
)

EXTREMES = ("max", "min")
"""Functions of two numbers; of all elements of one array in `algebra.array_operations`."""

Settings = Defaults


def _check(row: Activation) -> None:
    """Raise `SymbackpropError` for an activation whose texts cannot be read."""
    if not (row.expression or row.vector or row.name == GENERIC):
        raise ProblemError(message("row.expression"))
    worked = [line.formula for line in row.rearrangements]
    for text in filter(None, (row.expression, row.derivative, row.stable, row.definition, *worked)):
        names = ("z", *(["a"] if text in (row.derivative, *worked) else []), *row.settings)
        expressions.parse(text, functions=ARITIES, names=names, arities=ARITIES)


ACTIVATIONS: Registry[Activation] = Registry(
    "activation",
    ROWS,
    phrases=lambda row: (
        f"activation.{row.name}",
        *reason_phrases(row.reason),
        *(f"rearranged.{line.reason}" for line in row.rearrangements),
    ),
    check=_check,
)
"""The activations there are."""

GENERIC = "generic"
"""The activation that is a symbol: `settings` of its `Apply` name its `layer`, and its `order` as a derivative."""

GENERIC_LOSS = "loss"
"""The loss that is a symbol: a function of all outputs and targets; `settings` name the place it is differentiated `by`."""

WITH_FORMULA = derived([], lambda: [row.name for row in ACTIVATIONS.values() if row.vector or row.expression])
"""The activations that have a formula, and so numbers."""

CONSTANT = "pi"

NAMES = derived(
    [],
    lambda: list(
        dict.fromkeys(
            (
                *(*PRIMITIVES, *PRIMITIVES.aliases, *WITH_FORMULA),
                *(*ARRAY_OPERATIONS, *shorthands.DEFINITIONS, *shorthands.CONSTANT_ARRAYS, CONSTANT),
            )
        ),
    ),
)
"""Every word of the expression language."""

RESERVED = derived(
    [],
    lambda: [
        name
        for name in NAMES
        if not (name in shorthands.DEFINITIONS or name in shorthands.CONSTANT_ARRAYS)
        and all(table[name].is_reserved for table in (PRIMITIVES, ARRAY_OPERATIONS) if name in table)
    ],
)
"""The words that no quantity can be called; of the others one that stands before a parenthesis is the function."""

ARITIES: Mapping[str, int] = derived(
    {},
    lambda: {
        **{name: PRIMITIVES[name].arity for name in (*PRIMITIVES, *PRIMITIVES.aliases)},
        **{row.name: 1 for row in ACTIVATIONS.values() if row.expression and row.name not in PRIMITIVES},
        **dict.fromkeys(shorthands.DEFINITIONS, 1),
        CONSTANT: 0,
    },
)
"""The functions of scalars, with their numbers of arguments."""


SETTINGS: Mapping[str, tuple[str, ...]] = derived(
    {},
    lambda: {
        **{row.name: tuple(row.settings) for row in ACTIVATIONS.values() if row.settings},
        **{row.name: (shorthands.KEEPS,) for row in ARRAY_OPERATIONS.values() if row.axis == ALL and not row.keeps},
        **{row.name: tuple(row.settings) for row in ARRAY_OPERATIONS.values() if row.settings},
    },
)
"""What functions take by keyword in equations: `leaky_relu(z, alpha=0.2)`, `sum(A, axis=0, keepdims=true)`."""


def is_symbol(apply: Apply) -> bool:
    """Say whether a function is a symbol without a formula, or a derivative of one."""
    return not apply.body and apply.function in (GENERIC, GENERIC_LOSS)


def is_smooth(apply: Apply) -> bool:
    """Say whether an activation, with the settings that it is applied with, has a derivative everywhere.

    >>> is_smooth(Apply("elu", (Name("z"),))), is_smooth(Apply("elu", (Name("z"),), settings=(("alpha", Fraction(2)),)))
    (True, False)
    """
    row = ACTIVATIONS.get(apply.function)
    if apply.body or row is None or row.smooth is None:
        return False
    settings = {**dict(row.parameters), **dict(apply.settings)}
    return all(settings[name] == value for name, value in row.smooth.items())


def has_step(formula: Node) -> bool:
    """Say whether a formula, as the derivative of ReLU does, jumps somewhere; where a brace says it, that is said."""
    return any(isinstance(part, Apply) and part.function == "step" for part in outside_conditions(formula))


def has_branches(formula: Node) -> bool:
    """Say whether `where` is in a formula, or in the expression of an activation of the user's own."""
    bodies = (definition(part) for part in walk(formula) if isinstance(part, Apply) and part.body)
    return any(choice_of(part) is not None for part in walk(formula)) or any(
        body and has_branches(body) for body in bodies
    )


def is_vector(function: str) -> bool:
    """Say whether a function takes a vector to a vector (softmax)."""
    return function in ACTIVATIONS and ACTIVATIONS[function].vector


def has_value(node: Node) -> bool:
    """Say whether a formula is an activation of something: what teachers give a letter, and write its derivative in."""
    is_activation = isinstance(node, Apply) and (bool(node.body) or node.function in WITH_FORMULA)
    return is_activation and not reads_nothing(node)


def reads_nothing(node: Node) -> bool:
    """Say whether a formula is made of constants alone."""
    return not any(isinstance(part, Name | Slot) for part in walk(node))


def definition(apply: Apply) -> Node | None:
    """Return what an activation stands for, over slots in place of its arguments; None for a primitive.

    The first slot of a vector activation is the unit's own argument, the others its neighbours'.
    """
    return _definition(apply.function, len(apply.arguments), apply.at_kink, apply.settings, apply.body)


@cached
def _definition(function: str, arity: int, at_kink: Fraction, settings: Settings, body: str) -> Node | None:
    if not body and (function in PRIMITIVES or function in (CONSTANT, GENERIC, GENERIC_LOSS)):
        return None
    if not body and ACTIVATIONS[function].vector:
        exponentials = tuple(Apply("exp", (Slot(position),)) for position in range(arity))
        return Quotient(exponentials[0], added(exponentials))
    return _over_slots(body or ACTIVATIONS[function].expression, function, settings, at_kink)


def _over_slots(text: str, function: str, settings: Settings, at_kink: Fraction = Fraction(0)) -> Node:
    """Return a text in z, a and parameters over slots: z is slot 0, a slot 1, parameters are their numbers.

    At 0 the derivative of max(0, z) is `at_kink`, and that of min(0, z) what is left of 1.
    """
    row = ACTIVATIONS.get(function)
    numbers = {**dict(row.parameters if row else ()), **dict(settings)}
    tree = expressions.parse(text, functions=ARITIES, names=("z", "a", *numbers), arities=ARITIES)

    def close(part: Node) -> Node | None:
        if isinstance(part, Name):
            slots = {"z": Slot(0), "a": Slot(1)}
            return slots[part.name] if part.name in slots else Number(numbers[part.name])
        if isinstance(part, Product):
            return multiplied(tuple(rewrite(factor, close) for factor in part.factors))  # a parameter of 1 is no factor
        return None

    return with_convention(rewrite(tree, close), at_kink)


def with_convention(formula: Node, at_zero: Fraction) -> Node:
    """Return the formula with the convention at 0 in its activations, and where `max` or `min` compares with a constant."""
    changed = map_children(formula, lambda child: with_convention(child, at_zero))
    if not isinstance(changed, Apply):
        return changed
    return replace(changed, at_kink=at_zero) if changed.function in ACTIVATIONS else shorthands.tied(changed, at_zero)


def written_size(formula: Node, arguments: tuple[int, ...] = ()) -> int:
    """Return the number of parts of a formula with its functions written out; `arguments` are those of what its slots hold.

    >>> written_size(Apply("sigmoid", (Name("z"),)))  # 1/(1 + exp(-z))
    7
    """
    if isinstance(formula, Slot) and arguments:
        return arguments[formula.index]
    sizes = tuple(written_size(part, arguments) for part in formula)
    body = definition(formula) if isinstance(formula, Apply) and formula.function != "step" else None
    return 1 + sum(sizes) if body is None else written_size(body, sizes)


def nested_activations(formula: Node) -> int:
    """Return how many activations stand inside each other in a formula.

    >>> nested_activations(Apply("silu", (Apply("exp", (Apply("tanh", (Name("z"),)),)),)))
    2
    """
    return has_value(formula) + max(map(nested_activations, formula), default=0)


def expanded(apply: Apply) -> Node | None:
    """Return what one application stands for (`sigmoid(s)` is `1/(1 + exp(-s))`); None for a primitive."""
    body = definition(apply)
    return None if body is None else fill(body, apply.arguments)


def stable_definition(apply: Apply) -> Node | None:
    """Return what an activation stands for in a form that cannot overflow in floating point; None where it needs none.

    Most need none, for in their expressions no exponential grows. Softmax is shifted by its largest argument.
    """
    row = ACTIVATIONS.get(apply.function)
    if apply.body or row is None or not (row.vector or row.stable):
        return None
    if row.stable:
        return _over_slots(row.stable, apply.function, apply.settings)
    slots: tuple[Node, ...] = tuple(map(Slot, range(len(apply.arguments))))
    largest = slots[0] if len(slots) == 1 else Apply("max", slots)
    body = definition(apply)
    return None if body is None else fill(body, tuple(Sum((slot, Negative(largest))) for slot in slots))


def is_shifted(formula: Node) -> bool:
    """Say whether a formula is shifted by a largest argument: good for machines, but nothing to print."""
    return any(isinstance(part, Apply) and part.function == "max" for part in walk(formula))


def stable_form(formula: Node) -> Node:
    """Return an equal formula over primitives (and `step`) that no argument up to 1000 in size overflows.

    This is what floats run, whoever writes the code: no exponential in it grows, and ln(1 + u), exp(u) − 1 and 1 + erf(u)
    stand as such, so that a backend can put log1p, expm1 and erfc in their places. The value of an activation is
    `stable_form(Apply("sigmoid", (Slot(0),)))`; its derivative that of its form's partial (`algebra.forms`), which
    reads z in slot 0 and the value a in slot 1; a loss from logits is `catalog.losses.fused`.

    >>> stable_form(Apply("softplus", (Name("z"),))) == expressions.parse(
    ...     "max(0, z) + ln(1 + exp(-abs(z)))", functions=ARITIES, names=("z",))
    True
    """

    def primitive(part: Node) -> Node | None:
        if isinstance(part, Quotient):
            return _shifted_share(part)
        if not isinstance(part, Apply) or part.function == "step":
            return None
        body = stable_definition(part) or (definition(part) if part.body or part.function in ACTIVATIONS else None)
        return None if body is None else stable_form(fill(body, part.arguments))

    return rewrite(formula, primitive)


def _shifted_share(part: Quotient) -> Node | None:
    """Return a share of exponentials, c·eᵖ/(eᵖ + e^q + …), shifted by the largest exponent; None for any other quotient."""
    terms = part.denominator.terms if isinstance(part.denominator, Sum) else ()
    factors = part.numerator.factors if isinstance(part.numerator, Product) else (part.numerator,)
    own = next((factor for factor in factors if _is_exponential(factor)), None)
    if own is None or not terms or not all(map(_is_exponential, terms)) or is_shifted(part):
        return None
    largest = Negative(Apply("max", tuple(stable_form(exponent) for term in terms for exponent in term)))

    def shifted(node: Node) -> Node:
        return Apply("exp", tuple(Sum((stable_form(exponent), largest)) for exponent in node))

    others = tuple(shifted(each) if each is own else stable_form(each) for each in factors)
    return Quotient(multiplied(others), Sum(tuple(map(shifted, terms))))


def _is_exponential(node: Node) -> bool:
    return isinstance(node, Apply) and node.function == "exp"


def extreme_share(extreme: Apply, value: Node, place: int) -> Node:
    """Return the partial of a maximum (or minimum) by one of its arguments: 1, or an equal share of it at a tie."""
    sides = [(each, value) if extreme.function == "max" else (value, each) for each in extreme.arguments]
    hits = tuple(Apply("step", (Sum((left, Negative(right))),), ONE.value) for left, right in sides)
    return Quotient(hits[place], Sum(hits))


def classroom_derivative(formula: Node, slot: int) -> Node | None:
    """Return the usual form of ∂f/∂slot, over slots 0 … arity−1 (arguments) and arity … (the values of f), or None.

    The value slots follow the argument slots in the same order: of a vector activation, value slot `arity + j` is the
    value of the unit whose argument is in slot j.
    """
    if not isinstance(formula, Apply) or formula.body:
        return None
    row, arity = ACTIVATIONS.get(formula.function) or PRIMITIVES.get(formula.function), len(formula.arguments)
    if row is None or formula.arguments != tuple(map(Slot, range(arity))):
        return None
    if formula.function in EXTREMES:
        return extreme_share(formula, Slot(arity), slot) if arity > 2 else None
    if is_vector(formula.function):
        own = Slot(arity)
        return Product((own, Sum((ONE, Negative(own))))) if slot == 0 else Negative(Product((own, Slot(arity + slot))))
    if not row.derivative:
        return None
    return _over_slots(row.derivative, formula.function, formula.settings)


def worked_out(apply: Apply) -> tuple[Node, tuple[tuple[str, Node], ...]]:
    """Return where the worked derivative of an activation begins, and its lines behind the rules of differentiation.

    That is its definition, over slot 0 in place of its argument, and for each line the end of the id of its reason and its
    formula, over slot 0 and slot 1 for the function's own value.

    >>> worked_out(Apply("tanh", (Slot(0),)))[1][-1] == ("own_value", classroom_derivative(Apply("tanh", (Slot(0),)), 0))
    True
    """
    row = None if apply.body else ACTIVATIONS.get(apply.function)
    begins = definition(apply) or apply
    if row is None:
        return begins, ()
    if row.definition:
        begins = _over_slots(row.definition, apply.function, apply.settings)
    lines = ((line.reason, line.formula or row.derivative) for line in row.rearrangements)
    return begins, tuple((reason, _over_slots(text, apply.function, apply.settings)) for reason, text in lines)
