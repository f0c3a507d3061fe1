"""What a row of the table of array operations says: its meaning in one of five ways, how it is taught, called and set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from symbackprop.algebra.broadcasting import Shape
from symbackprop.algebra.formula import Apply, Node, Span
from symbackprop.errors import ProblemError
from symbackprop.messages import message

Indices = tuple[int | Span, ...]

Piece = Callable[[Node], Node]
"""What makes a quantity of its own of a formula, and returns its name."""

ALL = "all"
"""The axis of what runs over all of them."""


@dataclass(frozen=True, slots=True)
class ArrayOperation:
    """A function of arrays.

    `arity` is its number of arguments, None for one or more. `shape` gives the shape of the result from those of the
    arguments; it raises `ProblemError` where these do not fit. `axis` is the one along which it runs unless it is given
    another by keyword (from 0; -1 is the last; `ALL`); None says that it takes none.

    One that only rearranges has a `source`: from the shape of its argument, that of the result and an index into the result,
    the index of the same element in the argument. One that adds has a `weight`: of so many elements, what each counts.
    `joins` gives an element of the result as a function of those of the argument along the axis; where the result `keeps`
    that axis, its own comes first. It has a `pullback`, and for code between arrays either a `definition` or `reduces`, the
    NumPy function of two that joins them. `pairs` says of a definition by which elements of its two arguments an element of
    the result is the sum of products: what it is number by number.

    `pullback` gives the contributions to the arguments' gradients, where these are not to be those of the definition: from
    the application, the upstream gradient, what the value is called, and the shapes of the arguments. `calls` are templates
    over the arguments by library, with the axis (`{axis}`) or, if there is one, as a keyword (`{along}`): what scripts call
    instead of the definition, where one reads arguments that differ between samples only if it has an axis. `layout`
    names how documents set it: a `call`, a `column` times a row, a `row` times a column, `brackets`, a `sum`, a `mean`, an
    `operator` with indices. `symbol` is its name on paper, where that is another one; `sign` stands in a gate. A sign may be
    taken from the arguments of what `is_linear` in each. No quantity can have a name that `is_reserved`.

    One that `opens` is written out where an equation is read, and what its formula makes a piece of is a quantity with a
    gradient of its own. `settings` are what it takes by keyword, with the numbers that they are otherwise (None: none).
    """

    name: str
    arity: int | None
    shape: Callable[[Apply, Sequence[Shape], str], Shape]
    definition: Callable[[Apply, Sequence[Shape]], Node] | None = None
    places: Callable[[Apply, Sequence[Shape]], Sequence[Indices]] | None = None
    source: Callable[[Shape, Shape, Shape], Shape] | None = None
    weight: Callable[[int], Fraction] | None = None
    joins: Callable[[tuple[Node, ...]], Node] | None = None
    keeps: bool = False
    reduces: str = ""
    pairs: Callable[[Apply, Sequence[Shape], Shape], Iterable[tuple[Shape, Shape]]] | None = None
    pullback: Callable[[Apply, Node, Node, Sequence[Shape]], Sequence[Node]] | None = None
    axis: int | str | None = None
    calls: Mapping[str, str] = field(default_factory=dict)
    layout: str = "call"
    sign: str = ""
    is_linear: bool = False
    is_reserved: bool = True
    opens: Callable[[Apply, Sequence[Shape], Piece], Node] | None = None
    settings: Mapping[str, Fraction | None] = field(default_factory=dict)
    symbol: str = ""

    @property
    def is_reduction(self) -> bool:
        """Whether it joins the elements along an axis, which the result no longer has."""
        return self.weight is not None or (self.joins is not None and not self.keeps)


LIBRARIES = frozenset({"np", "torch"})
"""The libraries that scripts are written for."""


def check(row: ArrayOperation) -> None:
    """Raise `ProblemError` for a row that does not say what the function is, or how scripts join its arguments."""
    meanings = (row.places, row.source, row.weight, row.joins, None if row.joins else row.definition)
    if [meaning is None for meaning in meanings].count(False) != 1:
        raise ProblemError(message("row.meaning"))
    if row.joins and (row.pullback is None or (row.definition is None) == (not row.reduces)):
        raise ProblemError(message("row.joins"))
    if (row.places or row.is_reduction) and not row.calls.keys() >= LIBRARIES:
        raise ProblemError(message("row.calls", libraries=sorted(LIBRARIES - row.calls.keys())))
