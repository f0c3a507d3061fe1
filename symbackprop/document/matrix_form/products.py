"""From entries to products: a gradient's entries stacked, and the stack as a product of the stacks it is made of."""

from __future__ import annotations

from collections.abc import Iterator

from symbackprop.algebra.broadcasting import Shape
from symbackprop.algebra.formula import (
    Apply,
    Hadamard,
    MatrixProduct,
    Negative,
    Node,
    Placed,
    Product,
    Stack,
    walk,
)
from symbackprop.algebra.shapes import shape_of
from symbackprop.derivation.array_entries import entry
from symbackprop.graph.quantities import Graph, Quantity

MATRIX_AXES = 2
"""An array of more axes is shown as matrices."""

LARGEST_STACK = 9
"""Larger arrays are not written out by their entries."""

LONGEST_ENTRY = 14
"""Nor are arrays whose entries have more parts than this."""


def stacked(graph: Graph, quantity: Quantity, formula: Node, rows: bool) -> Iterator[Node]:
    """Yield an array formula as the stack of its entries, then as a product of stacks; nothing for one entry or many.

    `rows` says that vectors are rows.
    """
    shape = quantity.shape
    is_small = len(shape) <= MATRIX_AXES and 1 < len(quantity.elements()) <= LARGEST_STACK
    if not is_small or _is_placed(formula) or has_slices(graph, formula):
        return
    found = _stack(graph, formula, shape, rows)
    if any(sum(1 for _ in walk(item)) > LONGEST_ENTRY for row in found for item in row):
        return
    factored = _factored(graph, formula, rows)
    if isinstance(factored, MatrixProduct | Hadamard | Product):
        yield found
        yield factored


def has_slices(graph: Graph, formula: Node) -> bool:
    """Say whether some part of a formula is an array of more axes than a matrix."""
    return any(len(shape_of(part, graph.shapes, "")) > MATRIX_AXES for part in walk(formula))


def one_entry(graph: Graph, quantity: Quantity, formula: Node) -> tuple[str, Node] | None:
    """Return the name and the formula of one entry of an array formula: of a matrix one whose indices differ, if any do.

    None for a scalar, and where entries differ in more than their indices.
    """
    if not quantity.shape or _is_placed(formula):
        return None
    index = (*(0 for _ in quantity.shape[1:]), quantity.shape[-1] - 1)
    return quantity.element(index), entry(graph, formula, index)


def _is_placed(formula: Node) -> bool:
    """Say whether some entries of a formula are zero because an index picked others."""
    return any(isinstance(part, Placed) for part in walk(formula))


def _stack(graph: Graph, formula: Node, shape: Shape, row: bool) -> Stack:
    """Return the entries of an array formula: those of a vector in one column, or in one row."""
    if len(shape) == 2:
        return Stack(
            tuple(Stack(tuple(entry(graph, formula, (i, j)) for j in range(shape[1]))) for i in range(shape[0]))
        )
    items = tuple(entry(graph, formula, (i,)) for i in range(shape[0]))
    return Stack((Stack(items),)) if row else Stack(tuple(Stack((item,)) for item in items))


def _factored(graph: Graph, node: Node, row: bool) -> Node:
    """Return an array formula with a stack for each array that its products join."""
    shape = shape_of(node, graph.shapes, "")
    if not shape:
        return node
    match node:
        case MatrixProduct(left, right):
            # A vector in front of a matrix is a row, behind it a column.
            return MatrixProduct(_factored(graph, left, True), _factored(graph, right, False))
        case Apply("outer", (left, right)):
            return MatrixProduct(_factored(graph, left, False), _factored(graph, right, True))
        case Hadamard(factors):
            return Hadamard(tuple(_factored(graph, factor, row) for factor in factors))
        case Product(factors):
            return Product(tuple(_factored(graph, factor, row) for factor in factors))
        case Negative(operand):
            return Negative(_factored(graph, operand, row))
    return _stack(graph, node, shape, row)
