"""Shapes of array formulas: NumPy's rules, with messages that name the equation and both shapes."""

from __future__ import annotations

from collections.abc import Mapping

from symbackprop.algebra.array_operations import operation_of
from symbackprop.algebra.broadcasting import Shape, axis_at, broadcast, indexed, spell
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
    rewrite,
)
from symbackprop.algebra.functions import ARITIES, EXTREMES, GENERIC_LOSS, REDUCTIONS, is_vector
from symbackprop.errors import ProblemError
from symbackprop.messages import message


def is_reduction(apply: Apply) -> bool:
    """Say whether an application reduces an array: `sum`, `mean`, and `max` or `min` of one argument."""
    return apply.function in REDUCTIONS or (apply.function in EXTREMES and len(apply.arguments) == 1)


def is_elementwise(node: Node) -> bool:
    """Say whether a node works element by element."""
    if isinstance(node, Apply):
        is_of_arrays = is_reduction(node) or is_vector(node.function) or operation_of(node) is not None
        return not is_of_arrays and node.function != GENERIC_LOSS
    return isinstance(node, Number | SampleCount | Sum | Product | Hadamard | Quotient | Power | Negative)


def axis_of(apply: Apply, rank: int, where: str) -> int | None:
    """Return the axis of a reduction, softmax or operation from 0, None for a reduction of all axes."""
    axis = apply.axis
    if axis is None:
        row = operation_of(apply)
        return rank - 1 if is_vector(apply.function) else None if row is None else row.axis
    return axis_at(axis, rank, where)


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


def written_out(node: Node, shapes: Mapping[str, Shape]) -> Node:
    """Return a formula with every operation of arrays by its definition, if it has one."""

    def defined(part: Node) -> Node | None:
        row = operation_of(part)
        if row is None or row.definition is None or not isinstance(part, Apply):
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
        raise ProblemError(message("graph.rank"), where=where)
    return (len(shapes), *shapes[0])


def _applied(apply: Apply, shapes: list[Shape], where: str) -> Shape:
    function, count = apply.function, len(shapes)
    if function == GENERIC_LOSS:
        return next((shapes[int(place)] for key, place in apply.settings if key == "by"), ())
    if is_reduction(apply) and count == 1:
        axis = axis_of(apply, len(shapes[0]), where)
        return () if axis is None else shapes[0][:axis] + shapes[0][axis + 1 :]
    row = operation_of(apply)
    expected = ARITIES.get(function, 1) if row is None else row.arity or max(count, 1)
    if count != expected:
        raise ProblemError(
            message("expression.arguments", function=function, expected=expected, found=count), where=where
        )
    if apply.axis is not None and not is_vector(function) and (row is None or row.axis is None):
        raise ProblemError(message("graph.no_axis", function=function), where=where)
    if row is not None:
        return row.shape(apply, shapes, where)
    if is_vector(function):
        if not shapes[0]:
            raise ProblemError(message("graph.vector", function=function), where=where)
        axis_of(apply, len(shapes[0]), where)
        return shapes[0]
    return broadcast(shapes, where)
