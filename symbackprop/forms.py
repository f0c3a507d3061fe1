"""Forms: shapes of terms, differentiated once.

A term of an equation is a form (`p*q`, `sigmoid(p)`, `1/2*(p - q)**2`, over slots) applied to names. `form_of` interns
forms, so that `sympy.diff` runs once per form and slot however many weights a network has.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import sympy

from symbackprop import functions, symbolic
from symbackprop.formula import Apply, Name, Negative, Node, Number, Slot, Sum, fill, rewrite, walk


@dataclass(frozen=True, slots=True)
class Partial:
    """∂form/∂slot as `sympy.diff` gave it (`derived`, and as a formula `plain`), and in its classroom form if it has one.

    `plain` is over the argument slots; `classroom`, such as a(1 − a), also over the value slots that follow them
    (`symbackprop.functions.classroom_derivative`).
    """

    derived: sympy.Expr
    plain: Node
    classroom: Node | None

    def formula(self, has_values: bool) -> Node:
        """Return the formula that is printed, run and checked: the classroom form where the term's value has a name."""
        return self.classroom if has_values and self.classroom is not None else self.plain


class Form:
    """A formula over slots, with its partials and its kinks; compare by identity (`form_of` interns)."""

    __slots__ = ("_partials", "arity", "formula", "kinks")

    def __init__(self, formula: Node) -> None:
        self.formula = formula
        self.arity = 1 + max((part.index for part in walk(formula) if isinstance(part, Slot)), default=-1)
        self.kinks = tuple(_kinks(formula))
        self._partials: list[Partial | None] = [None] * self.arity

    def partial(self, slot: int) -> Partial:
        """Return ∂form/∂slot, derived by SymPy the first time it is asked for."""
        found = self._partials[slot]
        if found is None:
            found = self._partials[slot] = _differentiated(self.formula, self.arity, slot)
        return found

    def __repr__(self) -> str:
        return f"Form({symbolic.to_sympy(self.formula)})"


def _differentiated(formula: Node, arity: int, slot: int) -> Partial:
    derived = sympy.diff(symbolic.to_sympy(formula), symbolic.slot_symbol(slot))
    classroom = None
    if isinstance(formula, Apply) and formula.arguments == tuple(map(Slot, range(arity))):
        classroom = functions.classroom_derivative(formula, slot)
    return Partial(derived, symbolic.from_sympy(derived), classroom)


def _kinks(formula: Node) -> list[Node]:
    """Return the formulas whose zeros are the points where the form has no derivative."""
    found: list[Node] = []
    for part in walk(formula):
        if not isinstance(part, Apply) or part.function == functions.CONSTANT:
            continue
        body = functions.expanded(part)
        if body is not None:
            smooth = not part.body and functions.ACTIVATIONS[part.function].smooth
            found.extend([] if smooth else _kinks(body))
        elif part.function == "abs":
            found.append(part.arguments[0])
        elif part.function in functions.EXTREMES:
            found.extend(_tie(part, pair) for pair in itertools.combinations(part.arguments, 2))
    return found


def _tie(extreme: Apply, pair: tuple[Node, Node]) -> Node:
    """Return a formula that is zero where two arguments of a maximum (or minimum) are equal and the largest of all."""
    difference = Sum((pair[0], Negative(pair[1])))
    if len(extreme.arguments) == 2:
        return difference
    return Sum((Apply("abs", (difference,)), Apply("abs", (Sum((extreme, Negative(pair[0]))),))))


@functools.cache
def form_of(formula: Node) -> Form:
    """Return the form with this formula; the same object for the same formula."""
    return Form(formula)


def abstracted(formula: Node) -> tuple[Form, tuple[str, ...]]:
    """Return the form of a formula over names, and the names that fill its slots, in reading order."""
    order: dict[str, int] = {}

    def open_place(part: Node) -> Node | None:
        return Slot(order.setdefault(part.name, len(order))) if isinstance(part, Name) else None

    form = form_of(rewrite(formula, open_place))
    return form, tuple(order)


FloatFunction = Callable[..., float]


@functools.cache
def float_function(formula: Node, arity: int) -> FloatFunction:
    """Return a function of `arity` floats that evaluates a form's formula (or a partial's) in float64.

    Infinities follow IEEE 754 (exp(1000) is ∞, 1/∞ is 0, ln 0 is −∞), so that saturated units are right; vector
    activations are evaluated in their shifted form.
    """
    from symbackprop import floats

    def stable(part: Node) -> sympy.Expr | None:
        if isinstance(part, Apply):
            body = functions.stable_definition(part)
            if body is not None:
                return symbolic.to_sympy(fill(body, part.arguments), stable)
        return None

    if isinstance(formula, Number):
        constant = float(formula.value)
        return lambda *_: constant
    expression = symbolic.without_cancellation(symbolic.to_sympy(formula, stable))
    slots = [symbolic.slot_symbol(index) for index in range(arity)]
    function: FloatFunction = sympy.lambdify(slots, expression, modules=[floats.FUNCTIONS], cse=arity > 2)
    return function
