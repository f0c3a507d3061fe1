"""The element grain: every scalar a named equation, every equation a sum of terms, every term a form applied to names.

Expansion costs time in proportion to the terms it writes: the form of `W @ x` or of an elementwise expression is made once
per equation, and each element only fills its names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from symbackprop import functions
from symbackprop.forms import Form, abstracted, form_of
from symbackprop.formula import (
    Apply,
    MatrixProduct,
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
    walk,
)
from symbackprop.graph import Equation, Graph, Shape, indices_of, shape_of


class Term(NamedTuple):
    """A form applied to names.

    `values` names, for a term that is a whole activation, the quantities that hold its value: its own and, for a vector
    activation, those of the other units in the order of `arguments`; a classroom derivative may be written in them.
    """

    form: Form
    arguments: tuple[str, ...]
    values: tuple[str, ...] = ()

    def formula(self) -> Node:
        """Return the term over names."""
        return fill(self.form.formula, tuple(map(Name, self.arguments)))

    def partial(self, slot: int) -> Node:
        """Return ∂term/∂(its argument in `slot`) over names."""
        return fill(self.form.partial(slot).formula(bool(self.values)), tuple(map(Name, self.arguments + self.values)))


class ElementEquation(NamedTuple):
    """`name = terms[0] + terms[1] + …`; a batched equation holds in every sample."""

    name: str
    terms: tuple[Term, ...]
    batched: bool

    def formula(self) -> Node:
        """Return the right-hand side over names."""
        return added(tuple(term.formula() for term in self.terms))


@dataclass(frozen=True, slots=True)
class ElementGraph:
    """The equations between scalars, in order of evaluation; `batched` holds the names that differ between samples."""

    equations: tuple[ElementEquation, ...]
    output: str
    batched: frozenset[str]
    samples: int | None


Terms = Callable[[Shape], Iterator[Term]]
Wrap = Callable[[Node], Node]


def expand(graph: Graph) -> ElementGraph:
    """Return the element grain of a graph."""
    batched = frozenset(
        element for quantity in graph.quantities.values() if quantity.batched for element in quantity.elements()
    )
    equations = tuple(element for equation in graph.equations for element in _expanded(graph, equation))
    return ElementGraph(equations, graph.output, batched, graph.samples)


def _expanded(graph: Graph, equation: Equation) -> Iterator[ElementEquation]:
    quantity = graph.quantities[equation.name]
    pieces = [_piece(graph, equation, part, wrap) for part, wrap in _addends(equation.formula, lambda node: node)]
    for index in quantity.indices():
        terms = tuple(term for piece in pieces for term in piece(index))
        yield ElementEquation(quantity.element(index), terms, quantity.batched)


def _addends(node: Node, wrap: Wrap) -> Iterator[tuple[Node, Wrap]]:
    """Yield the terms of a formula with what each is wrapped in: constant factors and signs move into the terms."""
    match node:
        case Sum(terms):
            for term in terms:
                yield from _addends(term, wrap)
        case Negative(operand) if _splits(operand):
            yield from _addends(operand, lambda inner: wrap(Negative(inner)))
        case Product((Number() as factor, rest)) if _splits(rest):
            yield from _addends(rest, lambda inner: wrap(Product((factor, inner))))
        case Quotient(numerator, Number() as divisor) if _splits(numerator):
            yield from _addends(numerator, lambda inner: wrap(Quotient(inner, divisor)))
        case _:
            yield node, wrap


def _splits(node: Node) -> bool:
    """Say whether a formula is worth splitting: a sum over elements is in it, not just a sum of written terms."""
    return any(
        isinstance(part, MatrixProduct) or (isinstance(part, Apply) and part.function in functions.REDUCTIONS)
        for part in walk(node)
    )


def _piece(graph: Graph, equation: Equation, node: Node, wrap: Wrap) -> Terms:
    """Return the function that writes the terms of one addend for a given index."""
    name = equation.name
    match node:
        case MatrixProduct(Name(left), Name(right)):
            return _matrix_product(graph, left, right, wrap)
        case Apply(function, (argument,)) if function in functions.REDUCTIONS and not _splits(argument):
            return _reduction(graph, name, function, argument, wrap)
        case Apply(function, (Name(argument),)) if _is_vector(function):
            return _vector_activation(graph, name, function, argument)
        case _ if not _splits(node) and not any(isinstance(p, Apply) and _is_vector(p.function) for p in walk(node)):
            return _elementwise(graph, name, wrap(node), whole=node == equation.formula)
    return lambda index: iter([Term(*abstracted(wrap(element(graph, node, index))))])


def _is_vector(function: str) -> bool:
    return function in functions.ACTIVATIONS and functions.ACTIVATIONS[function].vector


def _matrix_product(graph: Graph, left: str, right: str, wrap: Wrap) -> Terms:
    form = form_of(wrap(Product((Slot(0), Slot(1)))))
    rows, columns = graph.quantities[left], graph.quantities[right]
    inner = range(rows.shape[-1])

    def terms(index: Shape) -> Iterator[Term]:
        row, column = index[: len(rows.shape) - 1], index[len(rows.shape) - 1 :]
        for k in inner:
            yield Term(form, (rows.element((*row, k)), columns.element((k, *column))))

    return terms


def _reduction(graph: Graph, name: str, function: str, argument: Node, wrap: Wrap) -> Terms:
    shapes = {quantity.name: quantity.shape for quantity in graph.quantities.values()}
    shape = shape_of(argument, shapes, name)
    indices = list(indices_of(shape))
    if function == "mean" and len(indices) > 1:
        weight = Number(Fraction(1, len(indices)))
        inside = _elementwise(graph, name, wrap(Product((weight, argument))))
    else:
        inside = _elementwise(graph, name, wrap(argument))
    return lambda index: (term for position in indices for term in inside(position))


def _vector_activation(graph: Graph, name: str, function: str, argument: str) -> Terms:
    source, target = graph.quantities[argument], graph.quantities[name]
    size = source.shape[-1]
    form = form_of(Apply(function, tuple(map(Slot, range(size)))))

    def terms(index: Shape) -> Iterator[Term]:
        *outer, own = index
        order = [own, *(position for position in range(size) if position != own)]
        yield Term(
            form,
            tuple(source.element((*outer, position)) for position in order),
            tuple(target.element((*outer, position)) for position in order),
        )

    return terms


def _elementwise(graph: Graph, name: str, node: Node, *, whole: bool = False) -> Terms:
    """Return the terms of an elementwise formula: one form, whose names are filled at each index by broadcasting.

    `whole` says that the formula is all of its equation, so that its value has a name.
    """
    form, arguments = abstracted(node)
    sources = [graph.quantities[argument] for argument in arguments]
    target = graph.quantities[name]

    def terms(index: Shape) -> Iterator[Term]:
        filled = tuple(source.element(_fitted(index, source.shape)) for source in sources)
        yield Term(form, filled, (target.element(index),) if whole else ())

    return terms


def _fitted(index: Shape, shape: Shape) -> Shape:
    """Return the index into a broadcast operand that belongs to an index of the result."""
    tail = index[len(index) - len(shape) :]
    return tuple(0 if size == 1 else position for position, size in zip(tail, shape, strict=True))


def element(graph: Graph, node: Node, index: Shape) -> Node:
    """Return one element of an array formula as a scalar formula over element names."""
    shapes = {quantity.name: quantity.shape for quantity in graph.quantities.values()}
    shape = shape_of(node, shapes, "")
    index = _fitted(index, shape) if len(index) >= len(shape) else index
    match node:
        case Number():
            return node
        case Name(name):
            return Name(graph.quantities[name].element(index))
        case MatrixProduct(left, right):
            rank = len(shape_of(left, shapes, "")) - 1
            inner = range(shape_of(left, shapes, "")[-1])
            return Sum(
                tuple(
                    Product((element(graph, left, (*index[:rank], k)), element(graph, right, (k, *index[rank:]))))
                    for k in inner
                )
            )
        case Apply(function, (argument,)) if function in functions.REDUCTIONS:
            positions = list(indices_of(shape_of(argument, shapes, "")))
            total = Sum(tuple(element(graph, argument, position) for position in positions))
            return Quotient(total, Number(Fraction(len(positions)))) if function == "mean" else total
        case Apply(function, (argument,)) if _is_vector(function):
            *outer, own = index
            order = [own, *(position for position in range(shape[-1]) if position != own)]
            return Apply(function, tuple(element(graph, argument, (*outer, position)) for position in order))
    return map_children(node, lambda child: element(graph, child, index))
