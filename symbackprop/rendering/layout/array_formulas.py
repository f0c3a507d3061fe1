"""Formulas between arrays: transposes, ⊙, shapes under the factors, matrices of numbers."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from symbackprop.algebra.array_operations import axes_of, operation_of
from symbackprop.algebra.broadcasting import Shape, indices_of
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
    repeated_axes,
    rewrite,
    walk,
)
from symbackprop.algebra.functions import EXTREMES
from symbackprop.algebra.shapes import is_elementwise
from symbackprop.derivation.array_entries import entry
from symbackprop.document.display_nodes import Delta, Grid, Listed, Shaped, Size, Substitute, shape_on_paper, unmarked
from symbackprop.graph.notation import Symbol
from symbackprop.graph.quantities import Graph
from symbackprop.graph.scalars import element_name
from symbackprop.rendering.layout import boxes, digits
from symbackprop.rendering.layout.boxes import (
    COMMA,
    CROSS,
    DOT,
    GAP,
    ONES,
    SUM,
    THIN,
    TOP,
    Box,
    Fenced,
    Fraction,
    Group,
    Infix,
    Number,
    Scripts,
    Sign,
    Under,
    Word,
    joined,
)
from symbackprop.rendering.layout.formula_layout import ATOM, POWER, PRODUCT, SIGNED, LaidOut, Layout, Rules
from symbackprop.rendering.layout.operator_words import function_name


def is_array_function(node: Apply) -> bool:
    """Say whether a function rearranges or reduces arrays, and so has a printed form of its own."""
    row = operation_of(node)
    return row is not None and (row.layout in _FUNCTIONS or node.axis is not None or bool(row.settings))


def apply(layout: Layout, node: Apply) -> LaidOut:
    """Lay out a function of arrays."""
    row = operation_of(node)
    special = None if row is None else _FUNCTIONS.get(row.layout)
    if special is not None:
        return special(layout, node)
    # The axis joined, counted from 1 as indices are.
    axes = () if node.axis is None or row is None else _axis_numbers(layout, node)
    below = (*axes, *_own_settings(node))
    name: Box = function_name(node.function)
    name = Scripts(name, _listing(below)) if below else name
    return (name, Fenced("(", joined(COMMA, [layout.box(part) for part in node.arguments]), ")")), POWER


def _axis_numbers(layout: Layout, node: Apply) -> list[Box]:
    """Return the numbers of an operation's axes, from 1."""
    rank = len(shape_on_paper(layout.notation.graph, node.arguments[0]))
    return [Number(str(axis + 1)) for axis in axes_of(node, rank)]


def _own_settings(node: Apply) -> list[Box]:
    """Return the settings of an operation that are not what everyone takes, with their names."""
    row = operation_of(node)
    usual = {} if row is None else row.settings
    own = [(name, value) for name, value in node.settings if name in usual and value != usual[name]]
    return [(_SETTINGS.get(name) or Word(name), Sign("="), digits.slashed(value)) for name, value in own]


_SETTINGS: Mapping[str, Box] = {"eps": Symbol("epsilon")}
"""Settings that are letters on paper."""


_MATRIX_AXES = 2
"""An array of more axes is shown as matrices."""

_LARGEST_WINDOW = 9
"""The maximum of a block with more entries has indices."""

_LETTERS = ("j", "k", "l", "r")
"""The letters of a sum's indices, by axis: of a matrix row and column."""


def _reduction(layout: Layout, node: Apply, *, sign: Callable[[Apply, Box, int], tuple[Box, ...]]) -> LaidOut:
    """Lay out what joins the entries of an array: a sign, with a letter for each index that it joins below it."""
    (argument,) = node.arguments
    plain = unmarked(argument)
    graph = layout.notation.graph
    shape = shape_on_paper(graph, plain)
    if node.function in EXTREMES and node.axis is None and _is_block(graph, plain, shape):
        entries = tuple(entry(graph, plain, index) for index in indices_of(shape))
        if 1 < len(entries) <= _LARGEST_WINDOW:
            return layout.laid_out(replace(node, arguments=entries))
    axes = axes_of(node, len(shape))
    below = _listing([Symbol(_LETTERS[axis]) for axis in axes])
    if node.axis is None and not _has_structure(graph, plain, shape):
        body = layout.inside(_entries(graph, plain, _LETTERS[: len(shape)]), PRODUCT)
    else:
        places = tuple(_LETTERS[axis] if axis in axes else ":" for axis in range(len(shape)))
        indices = [Sign(place) if place == ":" else Symbol(place) for place in places]
        body = _picked(layout.inside(argument, ATOM), indices)
    return (*sign(node, below, math.prod(shape[axis] for axis in axes)), GAP, body), SIGNED


def _mean(node: Apply, below: Box, count: int) -> tuple[Box, ...]:
    return Fraction(Number("1"), Number(str(count))), GAP, Scripts(SUM, below)


def _listing(indices: Sequence[Box]) -> Box:
    return indices[0] if len(indices) == 1 else joined(Sign(","), indices)


def _picked(array: Box, indices: Sequence[Box]) -> Scripts:
    """Return an array with the place of an element, a row or a block below it."""
    return Scripts(Group(array), _in_brackets(indices))


def _in_brackets(indices: Sequence[Box]) -> Box:
    return (Sign("["), _listing(indices), Sign("]"))


def _has_structure(graph: Graph, node: Node, shape: Shape) -> bool:
    """Say whether some part does not work entry by entry in an array of a shape, or no array tells how far indices go."""
    leaves = (Name, Adjoint, Delta, Substitute)
    return not _spans(graph, node, shape) or any(
        not isinstance(part, leaves) and not is_elementwise(part) and not _is_block(graph, part, shape)
        for part in walk(node)
    )


def _spans(graph: Graph, node: Node, shape: Shape) -> bool:
    """Say whether a named array of a shape stands in a formula as a whole."""
    if isinstance(node, Name | Adjoint | Delta | Substitute):
        return graph.shapes[node.name] == shape
    return not isinstance(node, Indexed) and any(_spans(graph, part, shape) for part in node)


def _is_block(graph: Graph, node: Node, shape: Shape) -> bool:
    """Say whether a formula is a block of a named array, some rows, or some rows and columns of it, of a shape."""
    return (
        isinstance(node, Indexed)
        and isinstance(node.operand, Name)
        and all(isinstance(index, Span) and (index.start or 0) >= 0 and index.step == 1 for index in node.indices)
        and not graph.quantities[node.operand.name].transposed
        and shape_on_paper(graph, node) == shape
    )


def _entries(graph: Graph, node: Node, letters: tuple[str, ...]) -> Node:
    """Return a formula that works entry by entry, for the entry at some letters."""

    def change(part: Node) -> Node | None:
        if isinstance(part, Name | Adjoint | Delta | Substitute) and graph.shapes[part.name]:
            own = letters[len(letters) - len(graph.shapes[part.name]) :]
            own = own[::-1] if graph.quantities[part.name].transposed else own
            return type(part)(element_name(part.name, own), part.sample)
        if isinstance(part, Hadamard):
            return Product(tuple(rewrite(factor, change) for factor in part.factors))
        if isinstance(part, Indexed):
            (block,) = part
            assert isinstance(block, Name)
            axes = len(graph.shapes[block.name])
            starts = [index.start or 0 for index in part.indices if isinstance(index, Span)]
            starts += [0] * (axes - len(starts))
            places = zip(letters[len(letters) - axes :], starts, strict=True)
            shifted = tuple(f"{letter}+{start}" if start else letter for letter, start in places)
            return Name(element_name(block.name, shifted), block.sample)
        return None

    return rewrite(node, change)


def _of_vectors(layout: Layout, node: Apply, *, turns_first: bool) -> LaidOut:
    """Two vectors side by side, the first or the second of them transposed."""
    left, right = node.arguments
    if turns_first:
        return (_top(layout, left), THIN, layout.inside(right, PRODUCT)), PRODUCT
    return (layout.inside(left, PRODUCT), THIN, _top(layout, right)), PRODUCT


def _rearranged(layout: Layout, node: Apply) -> LaidOut:
    """The elements of an array in another shape, which stands below the name."""
    name: Box = Word(node.function)
    lengths = [Number(str(length)) for length in shape_on_paper(layout.notation.graph, node)]
    name = Scripts(name, joined(CROSS, lengths)) if node.settings else name
    return (name, Fenced("(", layout.box(node.arguments[0]), ")")), POWER


def _brackets(layout: Layout, node: Apply) -> LaidOut:
    """Arrays one below the other; along another axis than the first, and with more axes, by name."""
    rank = len(shape_on_paper(layout.notation.graph, node.arguments[0]))
    (axis,) = axes_of(node, rank)
    if axis or rank > _MATRIX_AXES:
        name = Scripts(function_name(node.function), Number(str(axis + 1)))
        return (name, Fenced("(", joined(COMMA, [layout.box(part) for part in node.arguments]), ")")), POWER
    return Fenced("[", joined(Infix(";"), [layout.box(part) for part in node.arguments]), "]", True), ATOM


_FUNCTIONS: Mapping[str, Callable[[Layout, Apply], LaidOut]] = {
    "column": lambda layout, node: _of_vectors(layout, node, turns_first=layout.rows),
    "row": lambda layout, node: _of_vectors(layout, node, turns_first=not layout.rows),
    "brackets": _brackets,
    "rearranged": _rearranged,
    "sum": functools.partial(_reduction, sign=lambda node, below, count: (Scripts(SUM, below),)),
    "mean": functools.partial(_reduction, sign=_mean),
    "operator": functools.partial(
        _reduction, sign=lambda node, below, count: (Scripts(function_name(node.function), below),)
    ),
}
"""How functions of arrays are set, by their layout."""


def _top(layout: Layout, node: Node) -> Box:
    return Scripts(Group(layout.inside(node, ATOM)), None, TOP)


def factors(layout: Layout, node: MatrixProduct | Hadamard) -> list[Box]:
    """Return the factors of a product of arrays, each after the first beginning with what joins it on a line of its own."""
    first, *rest = [layout.inside(factor, PRODUCT) for factor in node]
    sign = Infix("⊙") if isinstance(node, Hadamard) else DOT
    return [first, *((sign, factor) for factor in rest)]


def _hadamard(layout: Layout, node: Hadamard) -> LaidOut:
    """An elementwise product."""
    return joined(Infix("⊙"), [layout.inside(factor, PRODUCT) for factor in node.factors]), SIGNED


def _indexed(layout: Layout, node: Indexed) -> LaidOut:
    """An element, a row or a block, by indices from 1; an element of a named array is spelled as everywhere."""
    places = tuple(index for index in node.indices if isinstance(index, int) and index >= 0)
    if isinstance(node.operand, Name) and len(places) == len(node.indices):
        quantity = layout.notation.quantity(node.operand.name)
        if len(places) == len(quantity.shape):
            return layout.laid_out(Name(quantity.element(places), node.operand.sample))
    picked = _picked(layout.inside(node.operand, ATOM), list(map(_index, node.indices)))
    return Scripts(Group(picked), None, TOP) if _is_turned(layout, node) else picked, POWER


def _is_turned(layout: Layout, node: Indexed) -> bool:
    """Say whether a row of a matrix stands where vectors are columns, or a column where they are rows."""
    if len([index for index in node.indices if isinstance(index, int)]) != 1:
        return False
    if len(shape_on_paper(layout.notation.graph, node.operand)) != _MATRIX_AXES:
        return False
    return isinstance(node.indices[0], int) != layout.rows


def _index(index: int | Span) -> Box:
    if isinstance(index, int):
        return Number(str(index + 1)) if index >= 0 else _from_end(index + 1)
    start = () if index.start is None else (_index(index.start),)
    stop = () if index.stop is None else (Number(str(index.stop)) if index.stop >= 0 else _from_end(index.stop),)
    step = () if index.step == 1 else (Sign(":"), Number(str(index.step)))
    return (*start, Sign(":"), *stop, *step)


def _from_end(places: int) -> Box:
    return (Word("end"), Sign("−"), Number(str(-places))) if places else Word("end")


def _stack(layout: Layout, node: Stack) -> LaidOut:
    """A vector or a matrix of formulas; what has more axes by name, behind each other."""
    if _is_deep(layout, node):
        return (Word("stack"), Fenced("(", joined(COMMA, list(map(layout.box, node.items))), ")")), POWER
    is_vector = not any(isinstance(item, Stack) for item in node.items)
    rows = [item.items if isinstance(item, Stack) else (item,) for item in node.items]
    rows = [node.items] if is_vector and layout.rows else rows
    # Derivatives as fractions would make the letters of all entries small.
    slashed = any(layout.is_derivative(part) for part in walk(node))
    inner = layout.inlined if slashed else layout
    return boxes.Matrix([[inner.box(part) for part in row] for row in rows]), ATOM


def _is_deep(layout: Layout, node: Stack) -> bool:
    """Say whether an array has more axes than a matrix."""
    inner = [item.items if isinstance(item, Stack) else (item,) for item in node.items]
    depth = 1 + any(isinstance(item, Stack) for item in node.items)
    parts = [part for row in inner for part in row]
    if any(isinstance(part, Stack) for part in parts):
        return True
    read = (part for part in parts if any(isinstance(each, Name) for each in walk(part)))
    return any(depth + len(shape_on_paper(layout.notation.graph, part)) > _MATRIX_AXES for part in read)


def _repeated(layout: Layout, node: Repeated) -> LaidOut:
    """A number or a vector in every place along an axis: times ones, which stand before a vector that is every row."""
    length = Number(str(node.length))
    shape = shape_on_paper(layout.notation.graph, node)
    if len(shape) > _MATRIX_AXES:
        return _repeated_slices(layout, node, shape)
    if node.axis == 0 and len(shape_on_paper(layout.notation.graph, node.operand)) == 1:
        row = node.operand if layout.rows or _adds_rows(layout, node.operand) else Transposed(node.operand)
        return (Scripts(ONES, length, TOP), THIN, layout.inside(row, PRODUCT)), PRODUCT
    return (layout.inside(node.operand, PRODUCT), THIN, Scripts(ONES, length)), PRODUCT


def _repeated_slices(layout: Layout, node: Repeated, shape: Shape) -> LaidOut:
    """An array in every place along new axes, whose lengths stand below in their places; a number: times ones."""
    inner, axes = repeated_axes(node)
    if not shape_on_paper(layout.notation.graph, inner):
        ones = Scripts(ONES, joined(CROSS, [Number(str(length)) for length in shape]))
        return (layout.inside(inner, PRODUCT), THIN, ones), PRODUCT
    places = [Number(str(length)) if axis in axes else Sign(":") for axis, length in enumerate(shape)]
    return (Scripts(Word("repeat"), _in_brackets(places)), Fenced("(", layout.box(inner), ")")), POWER


def _transposed(layout: Layout, node: Transposed) -> LaidOut:
    """A matrix, or those in the last two axes, turned over; in any other order the axes stand below, from 1."""
    rank = len(shape_on_paper(layout.notation.graph, node.operand))
    order = node.order(rank)
    if (*order[:-2], *order[-2:][::-1]) == tuple(range(rank)):
        return _top(layout, node.operand), POWER
    below = _listing([Number(str(axis + 1)) for axis in order])
    return (Scripts(Word("transpose"), below), Fenced("(", layout.box(node.operand), ")")), POWER


def _adds_rows(layout: Layout, node: Node) -> bool:
    """Say whether a vector is printed as a sum of rows of a matrix, or a mean or an extreme, and so is a row on paper."""
    reductions = (
        (part, len(shape_on_paper(layout.notation.graph, part.arguments[0])))
        for part in walk(node)
        if isinstance(part, Apply) and (row := operation_of(part)) is not None and row.is_reduction
    )
    return any(rank == _MATRIX_AXES and axes_of(part, rank) == (0,) for part, rank in reductions)


def _placed(layout: Layout, node: Placed) -> LaidOut:
    """An array of zeros that holds a block: the block with its place below."""
    block = Fenced("⟨", layout.box(node.operand), "⟩", True)
    return Scripts(block, _in_brackets(list(map(_index, node.indices)))), ATOM


def _shaped(layout: Layout, node: Shaped) -> LaidOut:
    """An array with its shape under it."""
    shape = node.shape
    if len(shape) == 1:
        shape = (1, *shape) if layout.rows else (*shape, 1)
    body, strength = layout.laid_out(node.body)
    return Under(body, joined(CROSS, [Number(str(length)) for length in shape])), strength


def listed_items(layout: Layout, node: Listed) -> list[Box]:
    """Return what a vector in a line may be broken into: its numbers, with what joins them."""
    *numbers, last = map(layout.box, node.items)
    end = Sign(")") if layout.rows else Scripts(Sign(")"), None, TOP)
    return [Sign("("), *((number, COMMA) for number in numbers), (last, end)]


RULES: Rules = {
    MatrixProduct: lambda layout, node: (
        (layout.inside(node.left, PRODUCT), THIN, layout.inside(node.right, PRODUCT)),
        PRODUCT,
    ),
    Transposed: _transposed,
    Hadamard: _hadamard,
    Indexed: _indexed,
    Stack: _stack,
    Repeated: _repeated,
    Placed: _placed,
    Shaped: _shaped,
    Grid: lambda layout, node: (boxes.Matrix([[layout.box(number) for number in row] for row in node.rows]), ATOM),
    Listed: lambda layout, node: (tuple(listed_items(layout, node)), POWER),
    Size: lambda layout, node: (Fenced("|", layout.box(node.body), "|", True), ATOM),
}
