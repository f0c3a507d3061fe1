"""Formulas between arrays: transposes, ⊙, shapes under the factors, matrices of numbers."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from symbackprop.algebra.array_operations import axis_of, operation_of
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
    rewrite,
    walk,
)
from symbackprop.algebra.functions import EXTREMES
from symbackprop.algebra.shapes import is_elementwise, shape_of
from symbackprop.derivation.array_entries import entry
from symbackprop.document.display_nodes import Delta, Grid, Listed, Shaped, Size, Substitute
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
    axis = () if node.axis is None or row is None else (Number(str(_axis_number(layout, node))),)
    below = (*axis, *_own_settings(node))
    name: Box = function_name(node.function)
    name = Scripts(name, _listing(below)) if below else name
    return (name, Fenced("(", joined(COMMA, [layout.box(part) for part in node.arguments]), ")")), POWER


def _axis_number(layout: Layout, node: Apply) -> int:
    """Return the number of an operation's axis, from 1."""
    rank = len(_shape(layout.notation.graph, rewrite(node.arguments[0], _plain)))
    return 1 + (axis_of(node, rank, "") or 0)


def _own_settings(node: Apply) -> list[Box]:
    """Return the settings of an operation that are not what everyone takes, with their names."""
    row = operation_of(node)
    usual = {} if row is None else row.settings
    own = [(name, value) for name, value in node.settings if name in usual and value != usual[name]]
    return [(_SETTINGS.get(name) or Word(name), Sign("="), digits.slashed(value)) for name, value in own]


_SETTINGS: Mapping[str, Box] = {"eps": Symbol("epsilon")}
"""Settings that are letters on paper."""


_LARGEST_WINDOW = 9
"""The maximum of a block with more entries has indices."""

_LETTERS = ("j", "k")
"""The letters of a sum's indices: row and column."""


def _reduction(layout: Layout, node: Apply, *, sign: Callable[[Apply, Box, int], tuple[Box, ...]]) -> LaidOut:
    """Lay out what joins the entries of an array: a sign, with a letter for each index that it joins below it."""
    (argument,) = node.arguments
    plain = rewrite(argument, _plain)
    graph = layout.notation.graph
    shape = _shape(graph, plain)
    if node.function in EXTREMES and node.axis is None and _is_block(graph, plain, shape):
        entries = tuple(entry(graph, plain, index) for index in indices_of(shape))
        if 1 < len(entries) <= _LARGEST_WINDOW:
            return layout.laid_out(replace(node, arguments=entries))
    axis = axis_of(node, len(shape), "")
    letters = _LETTERS[: len(shape)] if axis is None else (_LETTERS[axis],)
    below = _listing([Symbol(letter) for letter in letters])
    if axis is None and not _has_structure(graph, plain, shape):
        body = layout.inside(_entries(graph, plain, letters), PRODUCT)
    else:
        places = letters if axis is None else tuple(letters[0] if each == axis else ":" for each in range(len(shape)))
        indices = [Sign(place) if place == ":" else Symbol(place) for place in places]
        body = _picked(layout.inside(argument, ATOM), indices)
    return (*sign(node, below, math.prod(shape) if axis is None else shape[axis]), GAP, body), SIGNED


def _mean(node: Apply, below: Box, count: int) -> tuple[Box, ...]:
    return Fraction(Number("1"), Number(str(count))), GAP, Scripts(SUM, below)


def _listing(indices: Sequence[Box]) -> Box:
    return indices[0] if len(indices) == 1 else joined(Sign(","), indices)


def _picked(array: Box, indices: Sequence[Box]) -> Scripts:
    """Return an array with the place of an element, a row or a block below it."""
    return Scripts(Group(array), _in_brackets(indices))


def _in_brackets(indices: Sequence[Box]) -> Box:
    return (Sign("["), _listing(indices), Sign("]"))


def _plain(part: Node) -> Node | None:
    """Return what a mark stands for, so that shapes can be told."""
    return rewrite(part.body, _plain) if isinstance(part, Shaped) else None


def _shape(graph: Graph, node: Node) -> Shape:
    def known(part: Node) -> Node | None:
        return Name(part.name) if isinstance(part, Delta | Substitute) else None

    return shape_of(rewrite(node, known), graph.shapes, "")


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
        and all(isinstance(index, Span) and (index.start or 0) >= 0 for index in node.indices)
        and not graph.quantities[node.operand.name].transposed
        and _shape(graph, node) == shape
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
    lengths = [Number(str(length)) for length in _shape(layout.notation.graph, rewrite(node, _plain))]
    name = Scripts(name, joined(CROSS, lengths)) if node.settings else name
    return (name, Fenced("(", layout.box(node.arguments[0]), ")")), POWER


def _brackets(layout: Layout, node: Apply) -> LaidOut:
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
    plain = rewrite(node.operand, _plain)
    if len([index for index in node.indices if isinstance(index, int)]) != 1:
        return False
    if len(_shape(layout.notation.graph, plain)) != len(("row", "column")):
        return False
    return isinstance(node.indices[0], int) != layout.rows


def _index(index: int | Span) -> Box:
    if isinstance(index, int):
        return Number(str(index + 1)) if index >= 0 else _from_end(index + 1)
    start = () if index.start is None else (_index(index.start),)
    stop = () if index.stop is None else (Number(str(index.stop)) if index.stop >= 0 else _from_end(index.stop),)
    return (*start, Sign(":"), *stop)


def _from_end(places: int) -> Box:
    return (Word("end"), Sign("−"), Number(str(-places))) if places else Word("end")


def _stack(layout: Layout, node: Stack) -> LaidOut:
    """A vector or a matrix of formulas."""
    is_vector = not any(isinstance(item, Stack) for item in node.items)
    rows = [item.items if isinstance(item, Stack) else (item,) for item in node.items]
    rows = [node.items] if is_vector and layout.rows else rows
    # Derivatives as fractions would make the letters of all entries small.
    slashed = any(layout.is_derivative(part) for part in walk(node))
    inner = layout.inlined if slashed else layout
    return boxes.Matrix([[inner.box(part) for part in row] for row in rows]), ATOM


def _repeated(layout: Layout, node: Repeated) -> LaidOut:
    """A number or a vector in every place along an axis: times ones, which stand before a vector that is every row."""
    length = Number(str(node.length))
    if node.axis == 0 and len(_shape(layout.notation.graph, rewrite(node.operand, _plain))) == 1:
        row = node.operand if layout.rows or _adds_rows(layout, node.operand) else Transposed(node.operand)
        return (Scripts(ONES, length, TOP), THIN, layout.inside(row, PRODUCT)), PRODUCT
    return (layout.inside(node.operand, PRODUCT), THIN, Scripts(ONES, length)), PRODUCT


def _adds_rows(layout: Layout, node: Node) -> bool:
    """Say whether a vector is printed as a sum of rows of a matrix, or a mean or an extreme, and so is a row on paper."""
    reductions = (
        (part, len(_shape(layout.notation.graph, part.arguments[0])))
        for part in walk(rewrite(node, _plain))
        if isinstance(part, Apply) and (row := operation_of(part)) is not None and row.is_reduction
    )
    return any(rank > 1 and axis_of(part, rank, "") == 0 for part, rank in reductions)


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
    Transposed: lambda layout, node: (_top(layout, node.operand), POWER),
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
