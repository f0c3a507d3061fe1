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

from symbackprop.algebra import functions, symbolic
from symbackprop.algebra.formula import ZERO, Apply, Name, Negative, Node, Slot, Sum, rewrite, walk
from symbackprop.registry import cached


@dataclass(frozen=True)
class Partial:
    """∂form/∂slot as `sympy.diff` gives it (`derived`, and as a formula `plain`), and in its classroom form if it has one.

    `plain` is over the argument slots; `classroom`, such as a(1 − a), also over the value slots that follow them
    (`functions.classroom_derivative`). SymPy is asked when its answer is: not where the classroom form is used.
    """

    form: Form
    slot: int
    classroom: Node | None

    @functools.cached_property
    def derived(self) -> sympy.Expr:
        """The derivative as SymPy has it."""
        return sympy.diff(symbolic.to_sympy(self.form.formula), symbolic.slot_symbol(self.slot))

    @functools.cached_property
    def plain(self) -> Node:
        """The derivative as SymPy has it, as a formula."""
        return symbolic.from_sympy(self.derived)

    @functools.cached_property
    def _reads_values(self) -> bool:
        return any(isinstance(part, Slot) and part.index >= self.form.arity for part in walk(self.classroom or ZERO))

    def formula(self, has_values: bool) -> Node:
        """Return the formula that is printed, run and checked: the classroom form unless it reads values without a name."""
        if self.classroom is not None and (has_values or not self._reads_values):
            return self.classroom
        return self.plain


class Form:
    """A formula over slots, with its partials and its kinks; compare by identity (`form_of` interns).

    `classroom` are the usual forms of its first partials, if any are stated with it; `smooth` says that it has a derivative
    everywhere although it is made of kinked functions.
    """

    __slots__ = ("_classroom", "_partials", "arity", "formula", "kinks")

    def __init__(self, formula: Node, classroom: tuple[Node | None, ...] = (), smooth: bool = False) -> None:
        self.formula = formula
        self._classroom = classroom
        self.arity = 1 + max((part.index for part in walk(formula) if isinstance(part, Slot)), default=-1)
        self.kinks = () if smooth else tuple(_kinks(formula))
        self._partials: list[Partial | None] = [None] * self.arity

    @classmethod
    def deferred(cls, formula: Callable[[], Node], arity: int, classroom: tuple[Node, ...]) -> Form:
        """Return a smooth form whose formula, a large one, is not written before it is asked for."""
        found = _Deferred.__new__(_Deferred)
        found.write, found.arity, found.kinks = formula, arity, ()
        found._classroom, found._partials = classroom, [None] * arity
        return found

    def partial(self, slot: int) -> Partial:
        """Return ∂form/∂slot, the same object every time."""
        found = self._partials[slot]
        if found is None:
            stated = self._classroom[slot] if slot < len(self._classroom) else None
            classroom = stated or functions.classroom_derivative(self.formula, slot)
            found = self._partials[slot] = Partial(self, slot, classroom)
        return found

    def __repr__(self) -> str:
        return f"Form({symbolic.to_sympy(self.formula)})"


class _Deferred(Form):
    """A form that writes its formula when it is first read."""

    __slots__ = ("write",)
    write: Callable[[], Node]

    def __getattr__(self, name: str) -> Node:
        if name != "formula":
            raise AttributeError(name)
        self.formula = self.write()
        return self.formula


def _kinks(formula: Node) -> list[Node]:
    """Return the formulas whose zeros are the points where the form has no derivative."""
    found: list[Node] = []
    for part in walk(formula):
        if not isinstance(part, Apply) or part.function in (functions.CONSTANT, "step"):
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


@cached
def form_of(formula: Node, classroom: tuple[Node | None, ...] = (), *, smooth: bool = False) -> Form:
    """Return the form with this formula (and these classroom forms of its first partials); the same object each time."""
    return Form(formula, classroom, smooth)


def abstracted(formula: Node) -> tuple[Form, tuple[str, ...]]:
    """Return the form of a formula over names, and the names that fill its slots, in reading order."""
    order: dict[str, int] = {}

    def open_place(part: Node) -> Node | None:
        return Slot(order.setdefault(part.name, len(order))) if isinstance(part, Name) else None

    form = form_of(rewrite(formula, open_place))
    return form, tuple(order)
