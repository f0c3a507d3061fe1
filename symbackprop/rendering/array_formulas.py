"""Formulas between arrays → TeX: transposes, ⊙, shapes under the factors, matrices of numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from symbackprop.algebra.formula import (
    Adjoint,
    Apply,
    Hadamard,
    Indexed,
    MatrixProduct,
    Name,
    Node,
    Placed,
    Product,
    Repeated,
    Span,
    Stack,
    Transposed,
    rewrite,
    walk,
)
from symbackprop.algebra.functions import EXTREMES, is_vector
from symbackprop.algebra.shapes import Shape, axis_of, is_elementwise, is_reduction, shape_of
from symbackprop.document.display_nodes import Delta, Grid, Listed, Shaped, Size, Substitute
from symbackprop.graph.quantities import Graph

if TYPE_CHECKING:
    from symbackprop.rendering.tex import Printer

_SIGNED, _PRODUCT, _POWER, _ATOM = 1, 2, 3, 4
Printed = tuple[str, int]


def is_array_function(node: Apply) -> bool:
    """Say whether a function rearranges or reduces arrays, and so has a printed form of its own."""
    return node.function in _FUNCTIONS or is_reduction(node) or (is_vector(node.function) and node.axis is not None)


def apply(printer: Printer, node: Apply) -> Printed:
    """Print a function of arrays."""
    special = _FUNCTIONS.get(node.function)
    if special is not None:
        return special(printer, node)
    if is_reduction(node):
        return _reduction(printer, node)
    # The axis joined, counted from 1 as indices are.
    index = "" if node.axis is None else f"_{{{node.axis + 1}}}"
    return rf"\mathrm{{{node.function}}}{index}({printer.print(node.arguments[0])})", _POWER


_LETTERS = ("j", "k")
"""The letters of a sum's indices: row and column."""


def _reduction(printer: Printer, node: Apply) -> Printed:
    """Print a sum, mean, maximum or minimum over the entries of an array, with a letter for each index that it joins."""
    (argument,) = node.arguments
    plain = rewrite(argument, _plain)
    graph = printer.notation.graph
    shape = _shape(graph, plain)
    axis = axis_of(node, len(shape), "")
    joined = _LETTERS[: len(shape)] if axis is None else (_LETTERS[axis],)
    below = ",".join(joined)
    if axis is None and not _has_structure(plain):
        body = printer.inside(_entries(graph, plain, joined), _PRODUCT)
    else:
        places = joined if axis is None else tuple(joined[0] if each == axis else ":" for each in range(len(shape)))
        body = rf"{{{printer.inside(argument, _ATOM)}}}_{{[{','.join(places)}]}}"
    if node.function in EXTREMES:
        return rf"\{node.function}_{{{below}}} {body}", _SIGNED
    count = math.prod(shape) if axis is None else shape[axis]
    factor = rf"\frac{{1}}{{{count}}} " if node.function == "mean" else ""
    return rf"{factor}\sum_{{{below}}} {body}", _SIGNED


def _plain(part: Node) -> Node | None:
    """Return what a mark stands for, so that shapes can be told."""
    return rewrite(part.body, _plain) if isinstance(part, Shaped) else None


def _shape(graph: Graph, node: Node) -> Shape:
    def known(part: Node) -> Node | None:
        return Name(part.name) if isinstance(part, Delta | Substitute) else None

    return shape_of(rewrite(node, known), graph.shapes, "")


def _has_structure(node: Node) -> bool:
    """Say whether some part does not work entry by entry."""
    leaves = (Name, Adjoint, Delta, Substitute)
    return any(not isinstance(part, leaves) and not is_elementwise(part) for part in walk(node))


def _entries(graph: Graph, node: Node, letters: tuple[str, ...]) -> Node:
    """Return a formula that works entry by entry, for the entry at some letters."""

    def change(part: Node) -> Node | None:
        if isinstance(part, Name | Adjoint | Delta | Substitute) and graph.shapes[part.name]:
            own = letters[len(letters) - len(graph.shapes[part.name]) :]
            own = own[::-1] if graph.quantities[part.name].transposed else own
            return type(part)("_".join((part.name, *own)), part.sample)
        if isinstance(part, Hadamard):
            return Product(tuple(rewrite(factor, change) for factor in part.factors))
        return None

    return rewrite(node, change)


def size(printer: Printer, node: Size) -> Printed:
    """The size of a set."""
    return rf"\left\vert {printer.print(node.body)} \right\vert", _ATOM


def _outer(printer: Printer, node: Apply) -> Printed:
    """Column times row: p qᵀ, or pᵀ q where vectors are rows."""
    left, right = node.arguments
    if printer.rows:
        return rf"{_top(printer, left)} \, {printer.inside(right, _PRODUCT)}", _PRODUCT
    return rf"{printer.inside(left, _PRODUCT)} \, {_top(printer, right)}", _PRODUCT


def _dot(printer: Printer, node: Apply) -> Printed:
    left, right = node.arguments
    if printer.rows:
        return rf"{printer.inside(left, _PRODUCT)} \, {_top(printer, right)}", _PRODUCT
    return rf"{_top(printer, left)} \, {printer.inside(right, _PRODUCT)}", _PRODUCT


def _concat(printer: Printer, node: Apply) -> Printed:
    return rf"\left[{'; '.join(printer.print(part) for part in node.arguments)}\right]", _ATOM


def _pi(printer: Printer, node: Apply) -> Printed:
    return r"\pi", _ATOM


_FUNCTIONS: Mapping[str, Callable[[Printer, Apply], Printed]] = {
    "outer": _outer,
    "dot": _dot,
    "concat": _concat,
    "pi": _pi,
}


def _top(printer: Printer, node: Node) -> str:
    return rf"{{{printer.inside(node, _ATOM)}}}^{{\top}}"


def matrix_product(printer: Printer, node: MatrixProduct) -> Printed:
    """Matrices side by side."""
    return rf"{printer.inside(node.left, _PRODUCT)} \, {printer.inside(node.right, _PRODUCT)}", _PRODUCT


def transposed(printer: Printer, node: Transposed) -> Printed:
    """A transpose."""
    return _top(printer, node.operand), _POWER


def hadamard(printer: Printer, node: Hadamard) -> Printed:
    """An elementwise product."""
    return r" \odot ".join(printer.inside(factor, _PRODUCT) for factor in node.factors), _SIGNED


def indexed(printer: Printer, node: Indexed) -> Printed:
    """An element, a row or a block, by indices from 1; an element of a named array is spelled as everywhere."""
    places = tuple(index for index in node.indices if isinstance(index, int) and index >= 0)
    if isinstance(node.operand, Name) and len(places) == len(node.indices):
        quantity = printer.notation.quantity(node.operand.name)
        if len(places) == len(quantity.shape):
            return printer.printed(Name(quantity.element(places), node.operand.sample))
    indices = ",".join(_index(index) for index in node.indices)
    picked = rf"{{{printer.inside(node.operand, _ATOM)}}}_{{[{indices}]}}"
    return (rf"{{{picked}}}^{{\top}}" if _is_turned(printer, node) else picked), _POWER


def _is_turned(printer: Printer, node: Indexed) -> bool:
    """Say whether a row of a matrix stands where vectors are columns, or a column where they are rows."""
    plain = rewrite(node.operand, _plain)
    if len([index for index in node.indices if isinstance(index, int)]) != 1:
        return False
    if len(_shape(printer.notation.graph, plain)) != len(("row", "column")):
        return False
    return isinstance(node.indices[0], int) != printer.rows


def _index(index: int | Span) -> str:
    if isinstance(index, int):
        return str(index + 1) if index >= 0 else rf"\mathrm{{end}}{index + 1 or ''}"
    start = "" if index.start is None else _index(index.start)
    stop = "" if index.stop is None else str(index.stop) if index.stop >= 0 else rf"\mathrm{{end}}{index.stop}"
    return f"{start}:{stop}"


def stack(printer: Printer, node: Stack) -> Printed:
    """A vector or a matrix of formulas."""
    is_vector = not any(isinstance(item, Stack) for item in node.items)
    rows = [item.items if isinstance(item, Stack) else (item,) for item in node.items]
    rows = [node.items] if is_vector and printer.rows else rows
    # Derivatives as fractions would make the letters of all entries small.
    slashed = any(printer.is_derivative(part) for part in walk(node))
    inner = printer.inlined if slashed else printer
    return _matrix([[inner.print(part) for part in row] for row in rows]), _ATOM


def repeated(printer: Printer, node: Repeated) -> Printed:
    """A number or a vector in every place along an axis: times ones."""
    return rf"{printer.inside(node.operand, _PRODUCT)} \, \mathbf{{1}}_{{{node.length}}}", _PRODUCT


def placed(printer: Printer, node: Placed) -> Printed:
    """An array of zeros that holds a block: the block with its place below."""
    indices = ",".join(_index(index) for index in node.indices)
    return rf"\left\langle {printer.print(node.operand)} \right\rangle_{{[{indices}]}}", _ATOM


def shaped(printer: Printer, node: Shaped) -> Printed:
    """An array with its shape under it."""
    shape = node.shape
    if len(shape) == 1:
        shape = (1, *shape) if printer.rows else (*shape, 1)
    text, strength = printer.printed(node.body)
    return rf"\underset{{{shape[0]} \times {shape[1]}}}{{{text}}}", strength


def grid(printer: Printer, node: Grid) -> Printed:
    """A matrix of numbers."""
    return _matrix([[printer.print(number) for number in row] for row in node.rows]), _ATOM


def listed(printer: Printer, node: Listed) -> Printed:
    """A vector of numbers in a line, transposed where vectors are columns."""
    return "".join(listed_items(printer, node)), _POWER


def listed_items(printer: Printer, node: Listed) -> list[str]:
    """Return what a vector in a line may be broken into: its numbers, with what joins them."""
    *numbers, last = map(printer.print, node.items)
    return ["(", *(f"{number}, " for number in numbers), last + (")" if printer.rows else r")^{\top}")]


_APART: Mapping[str, str] = {r"\frac": "[4pt]", "}_": "[2pt]"}
"""The room between the rows of a matrix in which something stands: fractions, an index below another."""


def _matrix(rows: Sequence[Sequence[str]]) -> str:
    """Return a matrix in brackets; rows of fractions and of indices above each other would touch, and stand apart."""
    lines = [" & ".join(row) for row in rows]
    apart = next((room for mark, room in _APART.items() if any(mark in line for line in lines)), "")
    end = rf" \\{apart} "
    return rf"\begin{{bmatrix}} {end.join(lines)} \end{{bmatrix}}"


RULES: Mapping[type[Node], Callable[..., Printed]] = {
    MatrixProduct: matrix_product,
    Transposed: transposed,
    Hadamard: hadamard,
    Indexed: indexed,
    Stack: stack,
    Repeated: repeated,
    Placed: placed,
    Shaped: shaped,
    Grid: grid,
    Listed: listed,
    Size: size,
}
