"""Formulas between arrays → TeX: transposes, ⊙, shapes under the factors, matrices of numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from symbackprop.document.matrix import Grid, Shaped
from symbackprop.formula import Apply, Hadamard, Indexed, Node, Placed, Repeated, Span, Stack, Transposed
from symbackprop.functions import is_vector
from symbackprop.shapes import is_reduction

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
    # The axis joined, counted from 1 as indices are.
    index = "" if node.axis is None else f"_{{{node.axis + 1}}}"
    return rf"\mathrm{{{node.function}}}{index}({printer.print(node.arguments[0])})", _POWER


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


def transposed(printer: Printer, node: Transposed) -> Printed:
    """A transpose."""
    return _top(printer, node.operand), _POWER


def hadamard(printer: Printer, node: Hadamard) -> Printed:
    """An elementwise product."""
    return r" \odot ".join(printer.inside(factor, _PRODUCT) for factor in node.factors), _SIGNED


def indexed(printer: Printer, node: Indexed) -> Printed:
    """An element, a row or a block, by indices from 1."""
    indices = ",".join(_index(index) for index in node.indices)
    return rf"{{{printer.inside(node.operand, _ATOM)}}}_{{[{indices}]}}", _POWER


def _index(index: int | Span) -> str:
    if isinstance(index, int):
        return str(index + 1) if index >= 0 else rf"\mathrm{{end}}{index + 1 or ''}"
    start = "" if index.start is None else _index(index.start)
    stop = "" if index.stop is None else str(index.stop) if index.stop >= 0 else rf"\mathrm{{end}}{index.stop}"
    return f"{start}:{stop}"


def stack(printer: Printer, node: Stack) -> Printed:
    """A vector or a matrix of formulas."""
    rows = [item.items if isinstance(item, Stack) else (item,) for item in node.items]
    lines = r" \\ ".join(" & ".join(printer.print(part) for part in row) for row in rows)
    return rf"\begin{{bmatrix}} {lines} \end{{bmatrix}}", _ATOM


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
    lines = r" \\ ".join(" & ".join(printer.print(number) for number in row) for row in node.rows)
    return rf"\begin{{bmatrix}} {lines} \end{{bmatrix}}", _ATOM


RULES: Mapping[type[Node], Callable[..., Printed]] = {
    Transposed: transposed,
    Hadamard: hadamard,
    Indexed: indexed,
    Stack: stack,
    Repeated: repeated,
    Placed: placed,
    Shaped: shaped,
    Grid: grid,
}
