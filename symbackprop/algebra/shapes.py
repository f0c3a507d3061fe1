"""Shapes of array formulas: NumPy's rules, with messages that name the equation and both shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from symbackprop.algebra.array_operations import ARRAY_OPERATIONS, axes_of, operation_of
from symbackprop.algebra.broadcasting import Shape, broadcast, indexed, spell
from symbackprop.algebra.formula import (
    Adjoint,
    Apply,
    Hadamard,
    Indexed,
    MatrixProduct,
    Name,
    Negative,
    Node,
    Number,
    Placed,
    Power,
    Product,
    Quotient,
    Repeated,
    SampleCount,
    Stack,
    Sum,
    Transposed,
    map_children,
    rewrite,
)
from symbackprop.algebra.functions import ARITIES, GENERIC_LOSS, SETTINGS
from symbackprop.algebra.mistakes import wrong_count
from symbackprop.algebra.operation_rows import Piece
from symbackprop.algebra.shorthands import KEEPS
from symbackprop.errors import ProblemError
from symbackprop.messages import message


def is_elementwise(node: Node) -> bool:
    """Say whether a node works element by element."""
    if isinstance(node, Apply):
        return operation_of(node) is None and node.function != GENERIC_LOSS
    return isinstance(node, Number | SampleCount | Sum | Product | Hadamard | Quotient | Power | Negative)


def shape_of(node: Node, shapes: Mapping[str, Shape], where: str) -> Shape:
    """Return the shape of a formula over arrays of the given shapes; `where` names the equation in messages."""
    match node:
        case Number() | SampleCount():
            return ()
        case Name(name) | Adjoint(name):
            return shapes[name]
        case Repeated(operand, axis, length):
            inner = shape_of(operand, shapes, where)
            return (*inner[:axis], length, *inner[axis:])
        case Placed(_, _, shape):
            return shape
        case MatrixProduct(left, right):
            return _product(shape_of(left, shapes, where), shape_of(right, shapes, where), where)
        case Transposed(operand):
            return _transposed(shape_of(operand, shapes, where), where)
        case Indexed(operand, indices):
            return indexed(shape_of(operand, shapes, where), indices, where)
        case Stack(items):
            return _stacked([shape_of(item, shapes, where) for item in items], where)
        case Apply():
            return _applied(node, [shape_of(argument, shapes, where) for argument in node.arguments], where)
    return broadcast((shape_of(part, shapes, where) for part in node), where)


def with_kept_axes(node: Node, shapes: Mapping[str, Shape]) -> Node:
    """Return a formula in which a reduction that keeps its axes is repeated once along each of them."""
    inner = map_children(node, lambda child: with_kept_axes(child, shapes))
    if not isinstance(inner, Apply) or KEEPS not in dict(inner.settings):
        return inner
    bare: Node = replace(inner, settings=())
    if dict(inner.settings)[KEEPS]:
        rank = len(shape_of(inner.arguments[0], shapes, ""))
        shape_of(bare, shapes, "")
        for axis in axes_of(inner, rank):
            bare = Repeated(bare, axis, 1)
    return bare


def opened(node: Node, shapes: Mapping[str, Shape], piece: Piece) -> Node:
    """Return a formula with every operation that opens written out; what is worth a gradient is made a piece."""
    inner = map_children(node, lambda child: opened(child, shapes, piece))
    row = operation_of(inner)
    if row is None or row.opens is None or not isinstance(inner, Apply):
        return inner
    return row.opens(inner, [shape_of(part, shapes, "") for part in inner.arguments], piece)


def written_out(node: Node, shapes: Mapping[str, Shape]) -> Node:
    """Return a formula with every operation of arrays by its definition, if that is what it is said to be."""

    def defined(part: Node) -> Node | None:
        if not isinstance(part, Apply):
            return None
        row = operation_of(part)
        if row is None or row.definition is None or row.joins is not None:
            return None
        return written_out(row.definition(part, [shape_of(each, shapes, "") for each in part.arguments]), shapes)

    return rewrite(node, defined)


def _product(left: Shape, right: Shape, where: str) -> Shape:
    if not (1 <= len(left) <= 2 and 1 <= len(right) <= 2) or left[-1] != right[0]:
        raise ProblemError(message("graph.product", left=spell(left), right=spell(right)), where=where)
    return left[:-1] + right[1:]


def _transposed(shape: Shape, where: str) -> Shape:
    if len(shape) != 2:
        raise ProblemError(message("graph.transposed", shape=spell(shape)), where=where)
    return shape[::-1]


def _stacked(shapes: list[Shape], where: str) -> Shape:
    for shape in shapes[1:]:
        if shape != shapes[0]:
            raise ProblemError(message("graph.stack", left=spell(shapes[0]), right=spell(shape)), where=where)
    if len(shapes[0]) > 1:
        raise ProblemError(message("graph.rank", shape=spell((len(shapes), *shapes[0]))), where=where)
    return (len(shapes), *shapes[0])


def _applied(apply: Apply, shapes: list[Shape], where: str) -> Shape:
    function, count = apply.function, len(shapes)
    if function == GENERIC_LOSS:
        return next((shapes[int(place)] for key, place in apply.settings if key == "by"), ())
    row = operation_of(apply)
    expected = count if row is not None else _arity(function)
    if count != expected:
        names = ("axis",) if _takes_axis(function) else SETTINGS.get(function, ())
        raise ProblemError(wrong_count(function, expected, count, *names), where=where)
    if apply.axis is not None and (row is None or row.axis is None):
        raise ProblemError(message("graph.no_axis", function=function), where=where)
    return broadcast(shapes, where) if row is None else row.shape(apply, shapes, where)


def _takes_axis(function: str) -> bool:
    """Say whether a function of arrays takes an axis."""
    row = ARRAY_OPERATIONS.get(function)
    return row is not None and row.axis is not None


def _arity(function: str) -> int:
    """Return how many arguments a function of numbers has, or one of arrays that is called with another number."""
    row = ARRAY_OPERATIONS.get(function)
    return ARITIES.get(function, 1) if row is None or function in ARITIES else row.arity or 1
