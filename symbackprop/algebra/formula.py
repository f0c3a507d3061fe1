"""The formula tree: mathematics that keeps the order in which a teacher would write it.

SymPy reorders sums and products, so it cannot hold a printed line. These nodes can: they keep terms and factors in
order, and every reader (SymPy conversion, exact arithmetic, the TeX printer) walks the same tree. One tree serves both
grains: `MatrixProduct` and the reductions appear in equations between vectors and matrices, never in a form.

Nodes are immutable, compare by value and can be dictionary keys.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

Axis = int | tuple[int, ...] | None
"""An axis, several in ascending order, or all of them."""

Reader = Callable[[Any], tuple["Node", ...]]
"""What returns the direct subformulas of a node of one class."""


@dataclass(frozen=True, slots=True)
class Node:
    """Any formula.

    A class says which of its fields hold subformulas: `children` names those that hold one each, `sequence` the one that
    holds a tuple of them. Other fields are never looked into.
    """

    children: ClassVar[tuple[str, ...]] = ()
    sequence: ClassVar[str] = ""
    read: ClassVar[Reader] = lambda node: ()

    def __init_subclass__(cls, children: tuple[str, ...] | None = None, sequence: str = "") -> None:
        """Note where a class keeps its subformulas; the copy that `slots` makes of it has the note already."""
        if children is not None or sequence:
            cls.children, cls.sequence = children or (), sequence
            cls.read = _reader(cls.children, sequence)

    def __iter__(self) -> Iterator[Node]:
        """Iterate over the direct subformulas in reading order."""
        return iter(type(self).read(self))


def _reader(children: tuple[str, ...], sequence: str) -> Reader:
    if children and sequence:
        raise TypeError(f"fields {children} and {sequence} in one kind of node have no order")
    if len(children) == 1:
        return lambda node: (getattr(node, children[0]),)
    return operator.attrgetter(*children, *([sequence] if sequence else []))


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A constant, exactly."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class SampleCount(Node):
    """The number of samples, `m`, where formulas hold for a batch of any size: a constant without a value."""


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A named quantity (`W1_2_1`), in sample `sample` (from 1) where the formula says which."""

    name: str
    sample: int | None = None


@dataclass(frozen=True, slots=True)
class Adjoint(Node):
    """The gradient of the output by a named quantity, itself a named quantity (`delta2_1`, `dL_da1_1`)."""

    name: str
    sample: int | None = None


@dataclass(frozen=True, slots=True)
class UnknownFunction(Node, children=("argument",)):
    """A function of which nothing is known but its name, at an argument, differentiated so many times: f(x), f′(x).

    An `implied` one is written without its argument: y, whose derivative is dy/dx.
    """

    name: str
    argument: Node
    order: int = 0
    implied: bool = False


@dataclass(frozen=True, slots=True)
class Slot(Node):
    """An open place of a form, numbered from 0; an instance puts a name there."""

    index: int


@dataclass(frozen=True, slots=True)
class Sum(Node, sequence="terms"):
    """Terms added in order; a subtracted term is a `Negative`."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Product(Node, sequence="factors"):
    """Factors multiplied in order (elementwise between arrays)."""

    factors: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Quotient(Node, children=("numerator", "denominator")):
    """`numerator / denominator`."""

    numerator: Node
    denominator: Node


@dataclass(frozen=True, slots=True)
class Power(Node, children=("base", "exponent")):
    """`base ** exponent`."""

    base: Node
    exponent: Node


@dataclass(frozen=True, slots=True)
class Negative(Node, children=("operand",)):
    """`-operand`."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Apply(Node, sequence="arguments"):
    """A function of `symbackprop.algebra.functions` applied to arguments, or a reduction of an array (`sum`, `mean`).

    `at_kink` is the derivative chosen where the function has none (ReLU at 0); it is part of the formula, so that no
    reader can choose another. `axis` is that of a reduction or of softmax (None: all axes; softmax: the last), or the axes
    of a reduction along some of them.
    `settings` are the parameters of an activation (`alpha`), `body` the text in z of one that the user defined.
    """

    function: str
    arguments: tuple[Node, ...]
    at_kink: Fraction = Fraction(0)
    axis: Axis = None
    settings: tuple[tuple[str, Fraction], ...] = ()
    body: str = ""


@dataclass(frozen=True, slots=True)
class MatrixProduct(Node, children=("left", "right")):
    """`left @ right`."""

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Transposed(Node, children=("operand",)):
    """`operand.T`: its axes in the opposite order; or in the order of `axes`, its own numbers, from 0."""

    operand: Node
    axes: tuple[int, ...] = ()

    def order(self, rank: int) -> tuple[int, ...]:
        """Return the axes of the operand in the order in which they stand."""
        return self.axes or tuple(reversed(range(rank)))


@dataclass(frozen=True, slots=True)
class Span:
    """A slice `start:stop:step` of an axis; None is the axis's own end."""

    start: int | None
    stop: int | None
    step: int = 1


@dataclass(frozen=True, slots=True)
class Indexed(Node, children=("operand",)):
    """`operand[i, j]`, by whole numbers from 0 or slices."""

    operand: Node
    indices: tuple[int | Span, ...]


@dataclass(frozen=True, slots=True)
class Hadamard(Node, sequence="factors"):
    """The elementwise product of arrays, ⊙."""

    factors: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeated(Node, children=("operand",)):
    """An array repeated along a new axis: what a sum over that axis pulls back (times ones)."""

    operand: Node
    axis: int
    length: int


@dataclass(frozen=True, slots=True)
class Placed(Node, children=("operand",)):
    """An array of zeros of the given shape that holds `operand` at `indices`: what an index pulls back."""

    operand: Node
    indices: tuple[int | Span, ...]
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stack(Node, sequence="items"):
    """`[a, b, …]`: a vector of scalars, a matrix of rows, any number of arrays behind each other along a new first axis."""

    items: tuple[Node, ...]


ONE = Number(Fraction(1))
ZERO = Number(Fraction(0))


def per_sample(value: Fraction, samples: int | SampleCount) -> Node:
    """Return a number divided by the number of samples.

    >>> per_sample(Fraction(1), 4), per_sample(Fraction(1, 2), SampleCount()).denominator
    (Number(value=Fraction(1, 4)), SampleCount())
    """
    return Quotient(Number(value), samples) if isinstance(samples, SampleCount) else Number(value / samples)


def is_constant(node: Node) -> bool:
    """Say whether a formula is a number, or a number and the number of samples multiplied or divided."""
    return isinstance(node, Number | SampleCount) or (
        isinstance(node, Product | Quotient) and all(map(is_constant, node))
    )


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and every formula inside it, outermost first."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        waiting += type(part).read(part)[::-1]


def names(node: Node) -> tuple[str, ...]:
    """Return the names in a formula, each once, in reading order."""
    return tuple(dict.fromkeys(found.name for found in walk(node) if isinstance(found, Name)))


def depth(node: Node) -> int:
    """Return the number of levels of a formula: 1 for a name, 2 for a sum of names.

    >>> depth(Negative(Name("x")))
    2
    """
    level, levels = [node], 0
    while level:
        level, levels = [child for part in level for child in part], levels + 1
    return levels


def rewrite(node: Node, change: Callable[[Node], Node | None]) -> Node:
    """Return the formula with every outermost subformula for which `change` answers replaced by that answer."""
    answer = change(node)
    if answer is not None:
        return answer
    old = type(node).read(node)
    return _rebuilt(node, old, tuple([rewrite(child, change) for child in old])) if old else node


def map_children(node: Node, change: Callable[[Node], Node]) -> Node:
    """Return the node with each direct subformula replaced; the node itself when nothing changes."""
    old = type(node).read(node)
    return _rebuilt(node, old, tuple([change(child) for child in old])) if old else node


def _rebuilt(node: Node, old: tuple[Node, ...], new: tuple[Node, ...]) -> Node:
    """Return a node with new subformulas in place of old ones; the node itself when they are the same."""
    if not any(map(operator.is_not, new, old)):
        return node
    kind = type(node)
    build = _BUILDERS.get(kind)
    if build is None:
        build = _BUILDERS[kind] = _builder(kind)
    return build(node, new)


Builder = Callable[[Any, tuple["Node", ...]], "Node"]
"""What makes a node of one class again with other subformulas."""

_BUILDERS: dict[type[Node], Builder] = {}


def _builder(kind: type[Node]) -> Builder:
    build: Callable[..., Node] = kind
    fields: tuple[str, ...] = kind.__match_args__
    if len(fields) == len(kind.children):
        return lambda node, new: build(*new)
    if fields == (kind.sequence,):
        return lambda node, new: build(new)
    read = operator.attrgetter(*fields)
    places = [fields.index(name) for name in kind.children]
    start = fields.index(kind.sequence) if kind.sequence else 0

    def with_sequence(node: Node, new: tuple[Node, ...]) -> Node:
        values = read(node)
        return build(*values[:start], new, *values[start + 1 :])

    def with_children(node: Node, new: tuple[Node, ...]) -> Node:
        values = list(read(node))
        for place, child in zip(places, new, strict=True):
            values[place] = child
        return build(*values)

    return with_sequence if kind.sequence else with_children


def fill(node: Node, slots: tuple[Node, ...]) -> Node:
    """Return a form's formula with its slots filled.

    >>> fill(Negative(Slot(1)), (Name("x"), Name("w")))
    Negative(operand=Name(name='w', sample=None))
    """
    return rewrite(node, lambda part: slots[part.index] if isinstance(part, Slot) else None)


def negated(node: Node) -> Node:
    """Return the negative, a double minus undone."""
    if isinstance(node, Negative):
        return node.operand
    if isinstance(node, Number):
        return Number(-node.value)
    return Negative(node)


def flat(parts: tuple[Node, ...], kind: type[Node]) -> tuple[Node, ...]:
    """Return the parts of a sum (or a product: the `kind`), those of one inside it in its place."""
    return tuple(each for part in parts for each in (flat(tuple(part), kind) if isinstance(part, kind) else (part,)))


def transposed(node: Node, order: tuple[int, ...]) -> Node:
    """Return an array with its axes in another order; a transpose of a transpose is one, or none.

    >>> transposed(transposed(Name("X"), (1, 2, 0)), (2, 0, 1))
    Name(name='X', sample=None)
    """
    if isinstance(node, Transposed):
        own = node.order(len(order))
        node, order = node.operand, tuple(own[axis] for axis in order)
    ascending = tuple(range(len(order)))
    if order == ascending:
        return node
    return Transposed(node) if order == ascending[::-1] else Transposed(node, order)


def repeated_axes(node: Node) -> tuple[Node, tuple[int, ...]]:
    """Return what is repeated, once or several times, and along which axes of the result.

    >>> repeated_axes(Repeated(Repeated(Name("x"), 0, 3), 0, 2))
    (Name(name='x', sample=None), (0, 1))
    """
    axes: tuple[int, ...] = ()
    outer: list[Repeated] = []
    while isinstance(node, Repeated):
        outer.append(node)
        node = node.operand
    for each in reversed(outer):
        axes = (*(axis + (axis >= each.axis) for axis in axes), each.axis)
    return node, tuple(sorted(axes))


def added(terms: tuple[Node, ...]) -> Node:
    """Return the sum of the terms; one term is itself, none is zero."""
    return terms[0] if len(terms) == 1 else Sum(terms) if terms else ZERO


def multiplied(factors: tuple[Node, ...]) -> Node:
    """Return the product of the factors without ones; one factor is itself, none is one."""
    kept = tuple(factor for factor in factors if factor != ONE)
    return kept[0] if len(kept) == 1 else Product(kept) if kept else ONE
