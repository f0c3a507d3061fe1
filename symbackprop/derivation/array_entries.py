"""Entries of array formulas: one element of `W @ x + b` as a scalar formula over element names."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction

from symbackprop.algebra.array_operations import axes_of, operation_of
from symbackprop.algebra.broadcasting import Shape, indices_of, positions
from symbackprop.algebra.formula import (
    ZERO,
    Adjoint,
    Apply,
    Hadamard,
    Indexed,
    MatrixProduct,
    Name,
    Node,
    Number,
    Placed,
    Product,
    Quotient,
    Repeated,
    Stack,
    Sum,
    Transposed,
    added,
    map_children,
    rewrite,
    walk,
)
from symbackprop.algebra.functions import GENERIC_LOSS
from symbackprop.algebra.operation_rows import ArrayOperation, Indices
from symbackprop.algebra.shapes import is_elementwise, shape_of
from symbackprop.graph.quantities import Graph

Accessor = Callable[[Shape], str]
Source = Callable[[Shape, Shape, Shape], Shape]


def accessor(graph: Graph, node: Node) -> Accessor | None:
    """Return the function from an index to an element's name, for a formula that only picks elements; else None.

    `W`, `W.T`, `x[1:3]` and `W.T[0]` pick elements; `x + y` does not.
    """
    if isinstance(node, Name):
        return graph.quantities[node.name].element
    if isinstance(node, Transposed):
        whole, rank = accessor(graph, node.operand), len(_shape(graph, node.operand))
        return None if whole is None else lambda index: whole(_turned_back(node, rank, index))
    row = operation_of(node)
    if row is not None and row.source is not None and isinstance(node, Apply):
        return _rearranged(graph, node, row.source)
    if isinstance(node, Indexed):
        inner = accessor(graph, node.operand)
        shape = shape_of(node.operand, graph.shapes, "")
        return None if inner is None else lambda index: inner(_source(node, shape, index))
    return None


def _rearranged(graph: Graph, node: Apply, source: Source) -> Accessor | None:
    whole = accessor(graph, node.arguments[0])
    before, after = _shape(graph, node.arguments[0]), _shape(graph, node)
    return None if whole is None else lambda index: whole(source(before, after, index))


def _turned_back(node: Transposed, rank: int, index: Shape) -> Shape:
    """Return the index into the operand that an index into its transpose stands for."""
    places = dict(zip(node.order(rank), index, strict=True))
    return tuple(places[axis] for axis in range(rank))


def multiplied_indices(left: Shape, right: Shape, index: Shape) -> tuple[Shape, Shape, Shape]:
    """Return, for an index of a matrix product of arrays of two shapes, the indices around the axes that it joins.

    They are what stands before that of the left array, which is its last, and what stands before and behind that of the
    right one.
    """
    has_row, has_column = len(left) > 1, len(right) > 1
    depth = len(index) - has_row - has_column
    stack, row, column = index[:depth], index[depth : depth + has_row], index[depth + has_row :]
    return (*fitted(stack, left[:-2]), *row), fitted(stack, right[:-2]), column


def _source(node: Indexed, shape: Shape, index: Shape) -> Shape:
    """Return the index into the operand that an index into `operand[…]` stands for."""
    remaining = iter(index)
    found = []
    for given, length in zip(node.indices, shape, strict=False):
        picked = positions(given, length)
        found.append(picked[0] if isinstance(given, int) else picked[next(remaining)])
    return (*found, *remaining)


def fitted(index: Shape, shape: Shape) -> Shape:
    """Return the index into a broadcast operand that belongs to an index of the result."""
    tail = index[len(index) - len(shape) :]
    return tuple(0 if size == 1 else position for position, size in zip(tail, shape, strict=True))


def entry(graph: Graph, node: Node, index: Shape) -> Node:
    """Return one element of an array formula as a scalar formula over element names."""
    picked = accessor(graph, node)
    if picked is not None:
        return Name(picked(index))
    if isinstance(node, Adjoint):
        return Adjoint(graph.quantities[node.name].element(index), node.sample)
    return _RULES.get(type(node), _elementwise)(graph, node, index)


def reads(graph: Graph, node: Node) -> int:
    """Return how many names stand in one element of an array formula as `entry` writes it, without writing it."""
    if isinstance(node, Name) or accessor(graph, node) is not None:
        return 1
    match node:
        case MatrixProduct(left, right):
            return _shape(graph, left)[-1] * (reads(graph, left) + reads(graph, right))
        case Apply(_, arguments) if arguments:
            row, shapes = operation_of(node), [_shape(graph, part) for part in arguments]
            if row is not None and (row.weight is not None or row.joins is not None):
                joined = math.prod(shapes[0][axis] for axis in axes_of(node, len(shapes[0])))
                return joined * reads(graph, arguments[0])
            if row is not None and row.pairs is not None:
                whole = next(indices_of(_shape(graph, node)))
                return sum(1 for _ in row.pairs(node, shapes, whole)) * sum(reads(graph, part) for part in arguments)
            if row is not None and row.definition is not None:
                return reads(graph, row.definition(node, shapes))
            if row is not None:
                return max(reads(graph, part) for part in arguments)
    return sum(reads(graph, part) for part in node)


def inner_formula(graph: Graph, name: Name) -> Node | None:
    """Return an activation inside an equation, by its name, as the formula that it is on paper: `tanh(c_1)`.

    None where its element is better written as the entry of a formula between arrays: an argument is a product of matrices,
    or the activation is one of vectors.
    """
    quantity, numbers = graph.place_of(name.name)
    formula = graph.formulas[quantity.name]
    if numbers:
        if not all(is_elementwise(part) or accessor(graph, part) for part in walk(formula)):
            return None
        if not all(map(str.isdecimal, numbers)):
            return None
        formula = entry(graph, formula, tuple(int(number) - 1 for number in numbers))
    return in_sample(graph, formula, name.sample)


def in_sample(graph: Graph, formula: Node, sample: int | None) -> Node:
    """Return a formula with what differs between samples in one of them."""

    def of_sample(part: Node) -> Node | None:
        if not isinstance(part, Name) or not graph.quantity_of(part.name).batched:
            return None
        return replace(part, sample=sample)

    return rewrite(formula, of_sample)


def _elementwise(graph: Graph, node: Node, index: Shape) -> Node:
    return map_children(node, lambda child: entry(graph, child, fitted(index, _shape(graph, child))))


def _shape(graph: Graph, node: Node) -> Shape:
    return shape_of(node, graph.shapes, "")


def _matrix_product(graph: Graph, node: MatrixProduct, index: Shape) -> Node:
    left, right = _shape(graph, node.left), _shape(graph, node.right)
    row, above, column = multiplied_indices(left, right, index)
    return Sum(
        tuple(
            Product((entry(graph, node.left, (*row, k)), entry(graph, node.right, (*above, k, *column))))
            for k in range(left[-1])
        )
    )


def _placed(graph: Graph, node: Placed, index: Shape) -> Node:
    inside = _inside(node.indices, node.shape, index)
    return ZERO if inside is None else entry(graph, node.operand, inside)


def _inside(indices: Indices, shape: Shape, index: Shape) -> Shape | None:
    """Return the index inside a part at some indices of an array, None for an index outside the part."""
    inner = []
    for given, length, place in zip(indices, shape, index, strict=False):
        picked = positions(given, length)
        if place not in picked:
            return None
        if not isinstance(given, int):
            inner.append(picked.index(place))
    return (*inner, *index[len(indices) :])


def joined_indices(node: Apply, row: ArrayOperation, shape: Shape, index: Shape) -> list[Shape]:
    """Return the indices of the argument that an operation joins into the element `index` of its result.

    Where the result keeps the axis, the element's own index comes first.
    """
    axes = axes_of(node, len(shape))
    if not row.keeps:
        kept = iter(index)
        return list(itertools.product(*(range(n) if axis in axes else (next(kept),) for axis, n in enumerate(shape))))
    (axis,) = axes
    others = [position for position in range(shape[axis]) if position != index[axis]]
    return [(*index[:axis], position, *index[axis + 1 :]) for position in (index[axis], *others)]


def _apply(graph: Graph, node: Apply, index: Shape) -> Node:
    row = operation_of(node)
    if row is not None:
        return _operation(graph, node, row, index)
    if node.function == GENERIC_LOSS:
        return _generic_loss(graph, node, index)
    return _elementwise(graph, node, index)


def _operation(graph: Graph, node: Apply, row: ArrayOperation, index: Shape) -> Node:
    shapes = [_shape(graph, part) for part in node.arguments]
    if row.weight is not None or row.joins is not None:
        (argument,) = node.arguments
        parts = tuple(entry(graph, argument, place) for place in joined_indices(node, row, shapes[0], index))
        if row.joins is not None:
            return parts[0] if len(parts) == 1 and not row.keeps else row.joins(parts)
        weight = row.weight(len(parts)) if row.weight else Fraction(1)
        return Sum(parts) if weight == 1 else Quotient(Sum(parts), Number(1 / weight))
    if row.source is not None:
        return entry(graph, node.arguments[0], row.source(shapes[0], _shape(graph, node), index))
    if row.pairs is not None:
        array, kernel = node.arguments
        pairs = row.pairs(node, shapes, index)
        return added(tuple(Product((entry(graph, kernel, own), entry(graph, array, met))) for met, own in pairs))
    if row.definition is not None:
        return entry(graph, row.definition(node, shapes), index)
    assert row.places is not None
    for part, indices in zip(node.arguments, row.places(node, shapes), strict=True):
        inside = _inside(indices, _shape(graph, node), index)
        if inside is not None:
            return entry(graph, part, inside)
    raise IndexError(index)


def _generic_loss(graph: Graph, node: Apply, index: Shape) -> Node:
    """Return a loss that is a symbol as a function of all elements, or its partial by the element at `index`."""
    places = [[(part, place) for place in indices_of(_shape(graph, part))] for part in node.arguments]
    elements = tuple(entry(graph, part, place) for group in places for part, place in group)
    by = tuple(
        ("by", Fraction([place for group in places for place in group].index((node.arguments[int(number)], index))))
        for _, number in node.settings
    )
    return Apply(node.function, elements, settings=by)


_RULES: Mapping[type[Node], Callable[..., Node]] = {
    Number: lambda graph, node, index: node,
    MatrixProduct: _matrix_product,
    Transposed: lambda graph, node, index: entry(
        graph, node.operand, _turned_back(node, len(_shape(graph, node.operand)), index)
    ),
    Indexed: lambda graph, node, index: entry(graph, node.operand, _source(node, _shape(graph, node.operand), index)),
    Stack: lambda graph, node, index: entry(graph, node.items[index[0]], index[1:]),
    Repeated: lambda graph, node, index: entry(graph, node.operand, (*index[: node.axis], *index[node.axis + 1 :])),
    Placed: _placed,
    Hadamard: lambda graph, node, index: _elementwise(graph, Product(node.factors), index),
    Apply: _apply,
}
