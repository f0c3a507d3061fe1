"""Forms: shapes of terms, differentiated once.

A term of an equation is a form (`p*q`, `sigmoid(p)`, `1/2*(p - q)**2`, over slots) applied to names. `form_of` interns
forms, so that `sympy.diff` runs once per form and slot however many weights a network has.

A formula in which functions stand inside functions, or a long one, is differentiated part by part: SymPy differentiates each
operation, and the chain rule joins them. The derivative is then written in the values of the functions inside it, and it
grows no faster than the formula, where SymPy's of the whole grows exponentially with the depth of nesting.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from symbackprop.algebra import functions, known_partials
from symbackprop.algebra.branches import WHERE, Choice, choice_of, moving
from symbackprop.algebra.folding import folded_product
from symbackprop.algebra.formula import (
    ONE,
    ZERO,
    Apply,
    Name,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Slot,
    Sum,
    added,
    depth,
    fill,
    map_children,
    multiplied,
    rewrite,
    walk,
)
from symbackprop.registry import cached

if TYPE_CHECKING:
    import sympy


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
        import sympy

        from symbackprop.algebra import symbolic

        return sympy.diff(symbolic.to_sympy(self.form.formula), symbolic.slot_symbol(self.slot))

    @functools.cached_property
    def plain(self) -> Node:
        """The derivative over the argument slots, as a formula."""
        known = known_partials.of(self.form.formula, self.slot)
        if known is not None:
            return known
        by_parts = self.form.by_parts()
        if by_parts is not None:
            return by_parts.derivative(self.slot)
        from symbackprop.algebra import symbolic

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
    everywhere although it is made of kinked functions. What stands in slots that are `unmoved` is only compared: no gradient
    goes there. `multiplies` says that it is made of slots and numbers by nothing but multiplication; `is_product`, that it
    is one slot times another.
    """

    __slots__ = (
        "_by_parts",
        "_by_value",
        "_classroom",
        "_partials",
        "_smooth",
        "arity",
        "formula",
        "is_product",
        "kinks",
        "multiplies",
        "unmoved",
    )

    def __init__(self, formula: Node, classroom: tuple[Node | None, ...] = (), smooth: bool = False) -> None:
        self.formula = formula
        self._classroom, self._smooth = classroom, smooth
        self._by_value: _Parts | None = None
        self._by_parts: _Parts | None = None
        slots = {part.index for part in walk(formula) if isinstance(part, Slot)}
        self.arity = 1 + max(slots, default=-1)
        self.unmoved = frozenset(slots - {part.index for part in moving(formula) if isinstance(part, Slot)})
        self.kinks = () if smooth else tuple(_kinks(formula))
        factors = formula.factors if isinstance(formula, Product) else (formula,)
        self.multiplies = not classroom and all(isinstance(factor, Slot | Number) for factor in factors)
        self.is_product = self.multiplies and factors == (Slot(0), Slot(1))
        self._partials: list[Partial | None] = [None] * self.arity

    @classmethod
    def deferred(cls, formula: Callable[[], Node], arity: int, classroom: tuple[Node, ...]) -> Form:
        """Return a smooth form whose formula, a large one, is not written before it is asked for."""
        found = _Deferred.__new__(_Deferred)
        found.write, found.arity, found.kinks, found.unmoved = formula, arity, (), frozenset()
        found._classroom, found._smooth, found._partials = classroom, True, [None] * arity
        found.multiplies = found.is_product = False
        found._by_value = found._by_parts = None
        return found

    def partial(self, slot: int) -> Partial:
        """Return ∂form/∂slot, the same object every time."""
        found = self._partials[slot]
        if found is None:
            stated = self._classroom[slot] if slot < len(self._classroom) else None
            found = self._partials[slot] = Partial(self, slot, stated or self._in_value(slot))
        return found

    def _in_value(self, slot: int) -> Node | None:
        """Return ∂form/∂slot in the value of the function that the form is, where it is usual: a(1 − a) times ∂z/∂slot."""
        formula = self.formula
        if not isinstance(formula, Apply) or _is_of_slots(formula):
            return functions.classroom_derivative(formula, slot)
        if self._by_value is None:
            operation, places = _operation(formula), range(len(formula.arguments))
            if any(functions.classroom_derivative(operation, place) is None for place in places):
                return None
            self._by_value = _Parts(formula, tuple(Slot(self.arity + place) for place in places))
        return self._by_value.derivative(slot)

    def by_parts(self) -> _Parts | None:
        """Return what differentiates the form part by part, None for a form that SymPy is given whole."""
        if self._by_parts is None:
            formula = self.formula
            body = functions.definition(formula) if isinstance(formula, Apply) and formula.body else None
            formula = body or formula
            if not _is_of_slots(formula) and _takes_parts(formula):
                self._by_parts = _Parts(formula)
        return self._by_parts

    def __reduce__(self) -> tuple[object, ...]:
        """Return how another process makes the form: by interning it there."""
        return _interned, (self.formula, self._classroom, self._smooth)

    def __repr__(self) -> str:
        from symbackprop.algebra import symbolic

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


_MOST_PARTS, _MOST_LEVELS = 60, 12
"""A formula of more parts, or with more levels, is not given to SymPy whole."""


def _takes_parts(formula: Node) -> bool:
    """Say whether a formula is to be differentiated part by part: it is long or deep, or it has parts that ask for it.

    These are activations, branches, and powers whose base and exponent both vary.
    """
    is_long = next(itertools.islice(walk(formula), _MOST_PARTS, None), None) is not None
    return is_long or depth(formula) > _MOST_LEVELS or any(map(_asks_for_parts, walk(formula)))


def _asks_for_parts(part: Node) -> bool:
    if isinstance(part, Power):
        return not any(map(functions.reads_nothing, part))
    return functions.has_value(part) or choice_of(part) is not None


def _is_of_slots(formula: Node) -> bool:
    """Say whether a formula is a function of the slots 0, 1, … themselves."""
    return isinstance(formula, Apply) and formula.arguments == tuple(map(Slot, range(len(formula.arguments))))


def _operation(node: Node) -> Node:
    """Return the outermost operation of a formula: slots in place of its direct parts, but for the number of a power."""
    places = itertools.count()

    def opened(part: Node) -> Node:
        slot = Slot(next(places))
        return part if isinstance(node, Power) and isinstance(part, Number) else slot

    return map_children(node, opened)


class _Parts:
    """The derivatives of one formula, part by part: SymPy differentiates each operation, the chain rule joins them.

    `values` are what stands for the values of the outermost function, if they have names: its own, then its neighbours'.
    """

    __slots__ = ("_known", "formula", "values")

    def __init__(self, formula: Node, values: tuple[Node, ...] = ()) -> None:
        self.formula, self.values = formula, values
        self._known: dict[int, tuple[Node, dict[int, list[int]]]] = {}

    def derivative(self, slot: int) -> Node:
        """Return the derivative of the whole formula by a slot, over its slots (and `values`)."""
        return self._derivative(self.formula, slot)

    def _readers(self, node: Node) -> dict[int, list[int]]:
        """Return, for each slot that a part reads, the places of its own direct parts that do."""
        if id(node) not in self._known:  # a part is known by its identity: to compare two takes as long as they are
            found: dict[int, list[int]] = {node.index: []} if isinstance(node, Slot) else {}
            for place, part in enumerate(node):
                for slot in self._readers(part):
                    found.setdefault(slot, []).append(place)
            self._known[id(node)] = node, found
        return self._known[id(node)][1]

    def _derivative(self, node: Node, slot: int) -> Node:
        if isinstance(node, Slot):
            return ONE
        if not self._readers(node).get(slot):
            return ZERO
        choice = choice_of(node)
        if choice is not None:
            return _of_branches(choice, *(self._of_branch(part, slot) for part in choice[1:]))
        if isinstance(node, Product) and len(node.factors) > 2:
            node = _in_halves(node)
        parts, places = tuple(node), self._readers(node)[slot]
        if isinstance(node, Sum):
            return added(tuple(self._derivative(parts[place], slot) for place in places))
        operation, values = form_of(_operation(node)), self._values(node, parts)
        parts = tuple(part if self._readers(part) else _constant(part) for part in parts)
        links = [(operation.partial(place).formula(has_values=True), parts[place]) for place in places]
        return added(
            tuple(
                folded_product((fill(outer, (*parts, *values)), self._derivative(part, slot))) for outer, part in links
            )
        )

    def _of_branch(self, branch: Node, slot: int) -> Node:
        """Return the derivative of a branch as if it were all: nothing outside has a part in it."""
        return form_of(branch).partial(slot).plain if slot in self._readers(branch) else ZERO

    def _values(self, node: Node, parts: tuple[Node, ...]) -> tuple[Node, ...]:
        """Return what stands for the values of a function: its own, then those of its neighbours (in a softmax)."""
        if not isinstance(node, Apply) or (node is self.formula and self.values):
            return self.values
        orders = ((part, *parts[:place], *parts[place + 1 :]) for place, part in enumerate(parts))
        return tuple(replace(node, arguments=order) for order in orders)


def _of_branches(choice: Choice, holding: Node, otherwise: Node) -> Node:
    """Return the derivatives of two branches as one formula."""
    return holding if holding == otherwise else Apply(WHERE, (choice.condition, holding, otherwise))


def _constant(part: Node) -> Node:
    """Return a part that reads no slot as SymPy has it; one that is no finite number is an error."""
    if isinstance(part, Number):
        return part
    from symbackprop.algebra import symbolic

    return symbolic.from_sympy(symbolic.to_sympy(part))


@functools.lru_cache(maxsize=64)
def _in_halves(node: Product) -> Product:
    """Return a long product as one of two: the derivative of n factors that all vary has n ln n factors, not n²."""
    middle = len(node.factors) // 2
    return Product((multiplied(node.factors[:middle]), multiplied(node.factors[middle:])))


def _kinks(formula: Node) -> list[Node]:
    """Return the formulas whose zeros are the points where the form has no derivative."""
    found: list[Node] = []
    waiting = [formula]
    while waiting:
        part = waiting.pop()
        choice = choice_of(part)
        if choice is not None:
            found += _kinks_of_branches(choice)
            continue
        waiting += tuple(part)[::-1]
        if isinstance(part, Apply) and part.function != functions.CONSTANT:
            found += _own_kinks(part)
    return found


def _own_kinks(part: Apply) -> list[Node]:
    """Return where a function itself has no derivative."""
    if part.function in ("step", "abs"):
        return [part.arguments[0]]
    body = functions.definition(part)
    if body is not None:
        return [] if functions.is_smooth(part) else [fill(kink, part.arguments) for kink in _kinks(body)]
    if part.function in functions.EXTREMES:
        return [_tie(part, pair) for pair in itertools.combinations(part.arguments, 2)]
    return []


def _kinks_of_branches(choice: Choice) -> list[Node]:
    """Return the edge between two branches, and the kinks of each, which are nowhere near (1) where the other one holds."""
    condition, holding, otherwise = choice
    return [
        condition.arguments[0],
        *(Apply(WHERE, (condition, kink, ONE)) for kink in _kinks(holding)),
        *(Apply(WHERE, (condition, ONE, kink)) for kink in _kinks(otherwise)),
    ]


def _tie(extreme: Apply, pair: tuple[Node, Node]) -> Node:
    """Return a formula that is zero where two arguments of a maximum (or minimum) are equal and the largest of all."""
    difference = Sum((pair[0], Negative(pair[1])))
    if len(extreme.arguments) == 2:
        return difference
    return Sum((Apply("abs", (difference,)), Apply("abs", (Sum((extreme, Negative(pair[0]))),))))


def form_of(formula: Node, classroom: tuple[Node | None, ...] = (), *, smooth: bool = False) -> Form:
    """Return the form with this formula (and these classroom forms of its first partials); the same object each time."""
    return _interned(formula, classroom, smooth)


@cached
def _interned(formula: Node, classroom: tuple[Node | None, ...], smooth: bool) -> Form:
    return Form(formula, classroom, smooth)


def abstracted(formula: Node) -> tuple[Form, tuple[str, ...]]:
    """Return the form of a formula over names, and the names that fill its slots, in reading order."""
    order: dict[str, int] = {}

    def open_place(part: Node) -> Node | None:
        return Slot(order.setdefault(part.name, len(order))) if isinstance(part, Name) else None

    form = form_of(rewrite(formula, open_place))
    return form, tuple(order)
