"""Shapes of array formulas: NumPy's rules, with messages that name the equation and both shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from symbackprop.algebra.array_operations import ARRAY_OPERATIONS, axes_of, operation_of
from symbackprop.algebra.broadcasting import Shape, broadcast, check_rank, indexed, settled_axis, spell
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
            return check_rank((*inner[:axis], length, *inner[axis:]), where)
        case Placed(_, _, shape):
            return shape
        case MatrixProduct(left, right):
            return _product(shape_of(left, shapes, where), shape_of(right, shapes, where), where)
        case Transposed(operand):
            return _transposed(node, shape_of(operand, shapes, where), where)
        case Indexed(operand, indices):
            return indexed(shape_of(operand, shapes, where), indices, where)
        case Stack(items):
            return _stacked([shape_of(item, shapes, where) for item in items], where)
        case Apply():
            return _applied(node, [shape_of(argument, shapes, where) for argument in node.arguments], where)
    return broadcast((shape_of(part, shapes, where) for part in node), where)


def with_settled_axes(node: Node, shapes: Mapping[str, Shape]) -> Node:
    """Return a formula with several axes in ascending order, and a reduction that keeps its axes repeated along each."""
    inner = map_children(node, lambda child: with_settled_axes(child, shapes))
    if not isinstance(inner, Apply) or not (isinstance(inner.axis, tuple) or KEEPS in dict(inner.settings)):
        return inner
    rank = len(shape_of(inner.arguments[0], shapes, ""))
    bare = replace(inner, settings=tuple(each for each in inner.settings if each[0] != KEEPS))
    shape_of(bare, shapes, "")
    axes = axes_of(bare, rank)
    if isinstance(inner.axis, tuple):
        bare = replace(bare, axis=settled_axis(axes, rank))
    found: Node = bare
    for axis in axes if dict(inner.settings).get(KEEPS) else ():
        found = Repeated(found, axis, 1)
    return found


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
        if row is None or row.definition is None or row.joins is not None or row.pairs is not None:
            return None
        return written_out(row.definition(part, [shape_of(each, shapes, "") for each in part.arguments]), shapes)

    return rewrite(node, defined)


def _product(left: Shape, right: Shape, where: str) -> Shape:
    """Return the shape of a product by the rules of NumPy's matmul: of matrices in the last two axes, or of vectors."""
    if not left or not right or left[-1] != right[-2:][0]:
        raise ProblemError(message("graph.product", left=spell(left), right=spell(right)), where=where)
    stack = broadcast((left[:-2], right[:-2]), where)
    return (*stack, *left[-2:-1], *(right[-1:] if len(right) > 1 else ()))


def _transposed(node: Transposed, shape: Shape, where: str) -> Shape:
    if len(shape) < 2:  # a vector is a column or a row as it fits
        raise ProblemError(message("graph.transposed", shape=spell(shape)), where=where)
    return tuple(shape[axis] for axis in node.order(len(shape)))


def _stacked(shapes: list[Shape], where: str) -> Shape:
    for shape in shapes[1:]:
        if shape != shapes[0]:
            raise ProblemError(message("graph.stack", left=spell(shapes[0]), right=spell(shape)), where=where)
    return check_rank((len(shapes), *shapes[0]), where)


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
