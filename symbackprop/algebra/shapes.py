"""Shapes of array formulas: NumPy's rules, with messages that name the equation and both shapes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

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
    Span,
    Stack,
    Sum,
    Transposed,
)
from symbackprop.algebra.functions import ARITIES, ARRAY_FUNCTIONS, EXTREMES, GENERIC_LOSS, REDUCTIONS, is_vector
from symbackprop.errors import ProblemError
from symbackprop.messages import Message, message

Shape = tuple[int, ...]


def indices_of(shape: Shape) -> Iterator[Shape]:
    """Iterate over all indices of an array, the last one fastest; a scalar has the one index `()`."""
    return itertools.product(*map(range, shape))


def spell(shape: Shape) -> str | Message:
    """Return a shape as messages spell it: `2×3`, `3`, or the phrase for a single number."""
    return "×".join(map(str, shape)) if shape else message("problem.scalar_shape")


def broadcast(left: Shape, right: Shape, where: str) -> Shape:
    """Return the shape of an elementwise operation by NumPy's rule; shapes that do not fit are an error.

    >>> broadcast((3, 1), (4,), "")
    (3, 4)
    """
    result = []
    for a, b in itertools.zip_longest(reversed(left), reversed(right), fillvalue=1):
        if a != b and 1 not in (a, b):
            raise ProblemError(message("graph.shapes", left=spell(left), right=spell(right)), where=where)
        result.append(b if a == 1 else a)
    return tuple(reversed(result))


def is_reduction(apply: Apply) -> bool:
    """Say whether an application reduces an array: `sum`, `mean`, and `max` or `min` of one argument."""
    return apply.function in REDUCTIONS or (apply.function in EXTREMES and len(apply.arguments) == 1)


def is_elementwise(node: Node) -> bool:
    """Say whether a node works element by element."""
    if isinstance(node, Apply):
        of_arrays = (*ARRAY_FUNCTIONS, GENERIC_LOSS)
        return not (is_reduction(node) or is_vector(node.function) or node.function in of_arrays)
    return isinstance(node, Number | SampleCount | Sum | Product | Hadamard | Quotient | Power | Negative)


def axis_of(apply: Apply, rank: int, where: str) -> int | None:
    """Return the axis of a reduction, softmax or concatenation from 0, None for a reduction of all axes."""
    axis = apply.axis
    if axis is None:
        return rank - 1 if is_vector(apply.function) else 0 if apply.function == "concat" else None
    if not -rank <= axis < rank:
        raise ProblemError(message("graph.axis", axis=axis, rank=rank), where=where)
    return axis % rank


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
    result: Shape = ()
    for part in node:
        result = broadcast(result, shape_of(part, shapes, where), where)
    return result


def _product(left: Shape, right: Shape, where: str) -> Shape:
    if not (1 <= len(left) <= 2 and 1 <= len(right) <= 2) or left[-1] != right[0]:
        raise ProblemError(message("graph.product", left=spell(left), right=spell(right)), where=where)
    return left[:-1] + right[1:]


def _transposed(shape: Shape, where: str) -> Shape:
    if len(shape) != 2:
        raise ProblemError(message("graph.transposed", shape=spell(shape)), where=where)
    return shape[::-1]


def indexed(shape: Shape, indices: tuple[int | Span, ...], where: str) -> Shape:
    """Return the shape of `array[indices]`; an index outside the array is an error."""
    if len(indices) > len(shape):
        raise ProblemError(message("graph.indices", count=len(indices), shape=spell(shape)), where=where)
    result = []
    for index, length in zip(indices, shape, strict=False):
        if isinstance(index, Span):
            kept = len(positions(index, length))
            if kept == 0:
                raise ProblemError(message("graph.empty", shape=spell(shape)), where=where)
            result.append(kept)
        elif not -length <= index < length:
            raise ProblemError(message("graph.index", index=index, length=length), where=where)
    return (*result, *shape[len(indices) :])


def positions(index: int | Span, length: int) -> range:
    """Return the positions along an axis that an index or a slice picks."""
    if isinstance(index, Span):
        return range(*slice(index.start, index.stop).indices(length))
    return range(index % length, index % length + 1)


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
    expected = 2 if function in ARRAY_FUNCTIONS else ARITIES.get(function, 1)
    if count != expected and not (function == "concat" and count >= 1):
        raise ProblemError(
            message("expression.arguments", function=function, expected=expected, found=count), where=where
        )
    if apply.axis is not None and not (is_vector(function) or function == "concat"):
        raise ProblemError(message("graph.no_axis", function=function), where=where)
    if function == "concat":
        return _concatenated(apply, shapes, where)
    if function in ("dot", "outer"):
        return _of_vectors(function, shapes, where)
    if is_vector(function):
        if not shapes[0]:
            raise ProblemError(message("graph.vector", function=function), where=where)
        axis_of(apply, len(shapes[0]), where)
        return shapes[0]
    result: Shape = ()
    for shape in shapes:
        result = broadcast(result, shape, where)
    return result


def _of_vectors(function: str, shapes: list[Shape], where: str) -> Shape:
    left, right = shapes
    if len(left) != 1 or len(right) != 1 or (function == "dot" and left != right):
        what = message("graph.vectors", function=function, left=spell(left), right=spell(right))
        raise ProblemError(what, where=where)
    return () if function == "dot" else left + right


def _concatenated(apply: Apply, shapes: list[Shape], where: str) -> Shape:
    axis = axis_of(apply, len(shapes[0]), where)
    if axis is None or not shapes[0]:
        raise ProblemError(message("graph.vector", function="concat"), where=where)
    rest = {shape[:axis] + shape[axis + 1 :] for shape in shapes if len(shape) == len(shapes[0])}
    if len(rest) > 1 or any(len(shape) != len(shapes[0]) for shape in shapes):
        what = message("graph.stack", left=spell(shapes[0]), right=spell(next(s for s in shapes if s != shapes[0])))
        raise ProblemError(what, where=where)
    return (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])
