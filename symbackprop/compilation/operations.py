"""Operations on arrays of all samples, which NumPy code or compiled kernels carry out.

An array that differs between samples has them as its first axis. An operation is a matrix product, a reduction, a copy, or
one elementwise formula over views of arrays, as long as the equation makes it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from symbackprop.algebra.broadcasting import Shape, indexed
from symbackprop.algebra.formula import Node, Number, Span, rewrite, walk


@dataclass(frozen=True, slots=True)
class View(Node):
    """An array, or a part of it: `array` followed by what `index` says.

    `shape` is that of one sample, with 1 where the array is repeated; `varies` says that the samples are its first axis.
    """

    array: str
    shape: Shape
    varies: bool
    index: str = ""

    @property
    def text(self) -> str:
        """The view as Python spells it."""
        return self.array + self.index

    def with_axis(self, axis: int) -> View:
        """Return the view with a new axis of length 1."""
        places = ":, " * (axis + self.varies)
        shape = (*self.shape[:axis], 1, *self.shape[axis:])
        return replace(self, shape=shape, index=f"{self.index}[{places}None]")

    def transposed(self, order: Shape = (1, 0)) -> View:
        """Return the transposed matrix, or that of every sample; or an array with its axes in another order."""
        turn = ".T" if order == (1, 0) and not self.varies else _exchanges(order, self.varies)
        is_back = len(order) == len(("row", "column")) and self.index.endswith(turn)
        index = self.index.removesuffix(turn) if is_back else self.index + turn
        return replace(self, shape=tuple(self.shape[axis] for axis in order), index=index)

    def reshaped(self, shape: Shape) -> View:
        """Return the array in another shape, in every sample its elements in the order of rows."""
        lengths = ", ".join([*["-1"] * self.varies, *map(str, shape)])
        return replace(self, shape=shape, index=f"{self.index}.reshape({lengths})")

    def rows(self) -> View:
        """Return the vectors of all samples as the rows of one matrix."""
        return replace(self, shape=(0, *self.shape), varies=False)

    def part(self, indices: tuple[int | Span, ...], *, is_written: bool = False) -> View:
        """Return the view of a part; `...` keeps one number an array that can be written to."""
        shape = indexed(self.shape, indices, "")
        places = [":"] * self.varies + [_spelled(index) for index in indices] + ["..."] * (is_written and shape == ())
        return replace(self, shape=shape, index=f"{self.index}[{', '.join(places)}]")


@dataclass(frozen=True, slots=True)
class Operation(Node):
    """What fills an array; its subformulas are what it reads."""

    target: View

    def reads(self) -> list[View]:
        """Return the views it reads."""
        return [part for part in walk(self) if isinstance(part, View)]


@dataclass(frozen=True, slots=True)
class Elementwise(Operation, children=("formula",)):
    """`target = formula`, element by element; the formula is over views, numbers and names of scalars."""

    formula: Node


@dataclass(frozen=True, slots=True)
class Multiply(Operation, children=("left", "right")):
    """`target = left @ right`, by the rules of NumPy's matmul."""

    left: View
    right: View


@dataclass(frozen=True, slots=True)
class Reduce(Operation, children=("operand",)):
    """`target = function(operand)` over some axes of the array, that of the samples included, by a NumPy function of two."""

    function: str
    operand: View
    axes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Copy(Operation, children=("source",)):
    """`target = source`, which is repeated where its axes have length 1; a number fills the target."""

    source: View | Number


def varies(node: Node) -> bool:
    """Say whether a lowered formula differs between samples."""
    return any(isinstance(part, View) and part.varies for part in walk(node))


def aligned(node: Node, rank: int) -> Node:
    """Return a lowered formula whose varying views have one axis for each of the result, after that of the samples."""

    def align(part: Node) -> Node | None:
        if not isinstance(part, View):
            return None
        missing = rank - len(part.shape)
        if not part.varies or missing <= 0:
            return part
        places = f":{', None' * missing}{', :' * len(part.shape)}"
        return replace(part, shape=(1,) * missing + part.shape, index=f"{part.index}[{places}]")

    return rewrite(node, align)


def spread(view: View, axis: int, rank: int) -> View:
    """Return a view of a formula of that rank with a new axis in the formula's place `axis`."""
    while len(view.shape) < rank:
        view = view.with_axis(0)
    return view.with_axis(axis)


def _exchanges(order: Shape, first: int) -> str:
    """Return the exchanges of two axes at a time, which every library has, that bring axes into an order."""
    text, standing = "", list(range(len(order)))
    for place, axis in enumerate(order):
        other = standing.index(axis)
        if other != place:
            standing[place], standing[other] = standing[other], standing[place]
            text += f".swapaxes({place + first}, {other + first})"
    return text


def _spelled(index: int | Span) -> str:
    if isinstance(index, int):
        return str(index)
    ends = ("" if end is None else str(end) for end in (index.start, index.stop))
    return ":".join([*ends, *([str(index.step)] if index.step != 1 else [])])
