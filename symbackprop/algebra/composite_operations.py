"""Composite functions of arrays: rows whose meaning is a formula in terms of other functions, which solutions show.

Some are written out where an equation is read, and what is worth a gradient of its own becomes a quantity: the scores and
the weights of attention, the distances from the mean of a norm. The others stay one operation between arrays, a convolution
say, and are written out element by element.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from symbackprop.algebra.branches import WHERE, Comparison, step_of
from symbackprop.algebra.broadcasting import Shape, axis_at, broadcast, indices_of, spell
from symbackprop.algebra.contractions import EINSUM, contracted, shape_of_contraction
from symbackprop.algebra.formula import (
    ONE,
    ZERO,
    Apply,
    Indexed,
    MatrixProduct,
    Negative,
    Node,
    Number,
    Placed,
    Power,
    Product,
    Quotient,
    Repeated,
    Span,
    Stack,
    Sum,
    Transposed,
    added,
)
from symbackprop.algebra.operation_rows import ArrayOperation, Piece
from symbackprop.errors import ProblemError
from symbackprop.messages import message

_MATRIX = 2
"""The axes of a matrix."""

Opens = Callable[[Apply, Sequence[Shape], Piece], Node]


def _setting(apply: Apply, name: str, default: Fraction) -> Fraction:
    return dict(apply.settings).get(name, default)


def _refused(apply: Apply, shapes: Sequence[Shape], where: str) -> ProblemError:
    """Return the error for arguments that do not fit, with a call that does."""
    found = [spell(shape) for shape in shapes]
    what = message("graph.composite", function=apply.function, shapes=found, call=CALLS[apply.function])
    return ProblemError(what, where=where)


CALLS = {
    "layer_norm": "layer_norm(X, axis=-1, eps=1e-5)",
    "batch_norm": "batch_norm(X, eps=1e-5)",
    "attention": "attention(Q, K, V)",
    "clip": "clip(x, -1, 1)",
    "conv1d": "conv1d(x, k)",
    "conv2d": "conv2d(X, K)",
    "max_pool": "max_pool(X, size=2, stride=2)",
    "avg_pool": "avg_pool(X, size=2, stride=2)",
    "cumsum": "cumsum(x)",
    "reverse_cumsum": "reverse_cumsum(x)",
    "flip": "flip(x)",
    "take": "take(W, [2, 0])",
    "one_hot": "one_hot([2, 0], 3)",
}  # fmt: skip
"""How each of them is called, for who did it otherwise."""


# Norms


def _axis(apply: Apply, shape: Shape, where: str = "") -> int:
    """Return the axis of a composite from 0."""
    default = {"layer_norm": -1}.get(apply.function, 0)
    return axis_at(default if apply.axis is None else apply.axis, len(shape), where)


def _same_shape(apply: Apply, shapes: Sequence[Shape], where: str) -> Shape:
    if not shapes[0]:
        raise _refused(apply, shapes, where)
    _axis(apply, shapes[0], where)
    return shapes[0]


def _normalised(apply: Apply, shapes: Sequence[Shape], piece: Piece) -> Node:
    """Return d/s, of the distances d from the mean and the root s of their mean square and eps."""
    argument, shape = piece(apply.arguments[0]), shapes[0]
    axis = None if len(shape) < _MATRIX else _axis(apply, shape)

    def mean(node: Node) -> Node:
        found = Apply("mean", (node,), axis=axis)
        return found if axis is None else Repeated(found, axis, 1)

    distances = piece(Sum((argument, Negative(mean(argument)))))
    squares = mean(Power(distances, Number(Fraction(2))))
    eps = Number(_setting(apply, "eps", EPS))
    return Quotient(distances, piece(Apply("sqrt", (Sum((squares, eps)),))))


EPS = Fraction(1, 100_000)
"""What norms add to the variance."""


# Attention


def _of_attention(apply: Apply, shapes: Sequence[Shape], where: str) -> Shape:
    fits = len(shapes) in (3, 4) and all(len(shape) == _MATRIX for shape in shapes)
    if not (fits and shapes[0][1] == shapes[1][1] and shapes[1][0] == shapes[2][0]):
        raise _refused(apply, shapes, where)
    if broadcast([(shapes[0][0], shapes[1][0]), *shapes[3:]], where) != (shapes[0][0], shapes[1][0]):
        raise _refused(apply, shapes, where)
    return (shapes[0][0], shapes[2][1])


def _attention(apply: Apply, shapes: Sequence[Shape], piece: Piece) -> Node:
    """Return softmax(Q Kᵀ/√d + M) V, the softmax over each row."""
    queries, keys, values, *mask = map(piece, apply.arguments)
    root = Apply("sqrt", (Number(Fraction(shapes[0][1])),))
    scores = piece(added((Quotient(MatrixProduct(queries, Transposed(keys)), root), *mask)))
    return MatrixProduct(piece(Apply("softmax", (scores,), axis=1)), values)


# Bounds and picked elements


def _clip(apply: Apply, shapes: Sequence[Shape], piece: Piece) -> Node:
    """Return the nearest number between two bounds; at a bound the derivative is 1, as in PyTorch."""
    argument, low, high = map(piece, apply.arguments)
    above = piece(Apply(WHERE, (step_of(Comparison(argument, "<", low)), low, argument)))
    return Apply(WHERE, (step_of(Comparison(above, ">", high)), high, above))


def _numbers(node: Node) -> list[int] | None:
    """Return the whole numbers that a literal is, None for anything else."""
    parts = node.items if isinstance(node, Stack) else (node,)
    values = [part.value for part in parts if isinstance(part, Number) and part.value.denominator == 1]
    return [int(value) for value in values] if len(values) == len(parts) else None


def _of_taken(apply: Apply, shapes: Sequence[Shape], where: str) -> Shape:
    places = _numbers(apply.arguments[1])
    if not shapes[0] or len(shapes[1]) != 1 or places is None:
        raise _refused(apply, shapes, where)
    axis = _axis(apply, shapes[0], where)
    for place in places:
        if not -shapes[0][axis] <= place < shapes[0][axis]:
            raise ProblemError(message("graph.index", index=place, length=shapes[0][axis]), where=where)
    return (*shapes[0][:axis], len(places), *shapes[0][axis + 1 :])


def _taken(apply: Apply, shapes: Sequence[Shape], piece: Piece) -> Node:
    """Return the elements, rows or columns at some places."""
    axis, places = _axis(apply, shapes[0]), _numbers(apply.arguments[1]) or []
    before, array = (Span(None, None),) * axis, piece(apply.arguments[0])
    found = Stack(tuple(Indexed(array, (*before, place)) for place in places))
    return Transposed(found) if axis else found


def _of_one_hot(apply: Apply, shapes: Sequence[Shape], where: str) -> Shape:
    classes, (count, *_) = (_numbers(part) or [-1] for part in apply.arguments)
    if shapes[1] or len(shapes[0]) > 1 or not all(0 <= each < count for each in classes):
        raise _refused(apply, shapes, where)
    return (*shapes[0], count)


def _one_hot(apply: Apply, shapes: Sequence[Shape], piece: Piece) -> Node:
    """Return a row for each class, with a one in its place."""
    classes, (count, *_) = (_numbers(part) or [] for part in apply.arguments)
    rows = [Stack(tuple(ONE if place == each else ZERO for place in range(count))) for each in classes]
    return Stack(tuple(rows)) if shapes[0] else rows[0]


# Convolutions and pools


def _of_convolution(apply: Apply, shapes: Sequence[Shape], where: str) -> Shape:
    rank = {"conv1d": 1, "conv2d": _MATRIX}[apply.function]
    if any(len(shape) != rank for shape in shapes) or any(map(int.__lt__, *shapes)):
        raise _refused(apply, shapes, where)
    return tuple(length - size + 1 for length, size in zip(*shapes, strict=True))


def _convolution(apply: Apply, shapes: Sequence[Shape]) -> Node:
    """Return the kernel's entries times the blocks that they meet while it slides, added."""
    (argument, kernel), result = apply.arguments, _of_convolution(apply, shapes, "")
    return added(
        tuple(
            Product((Indexed(kernel, place), Indexed(argument, _spans(place, result))))
            for place in indices_of(shapes[1])
        )
    )


def _spans(start: Shape, lengths: Shape) -> tuple[Span, ...]:
    return tuple(Span(first, first + length) for first, length in zip(start, lengths, strict=True))


def _convolution_pullback(apply: Apply, upstream: Node, value: Node, shapes: Sequence[Shape]) -> Sequence[Node]:
    """Slide the gradient over the input; and the kernel, turned round, over the gradient among zeros."""
    (argument, kernel), (whole, sizes) = apply.arguments, shapes
    result = _of_convolution(apply, shapes, "")
    start = tuple(size - 1 for size in sizes)
    among_zeros = tuple(length + size - 1 for length, size in zip(whole, sizes, strict=True))
    padded = Placed(upstream, _spans(start, result), among_zeros) if any(start) else upstream
    return (
        Apply(apply.function, (padded, Apply("flip", (kernel,)))),
        Apply(apply.function, (argument, upstream)),
    )


def _windows(apply: Apply, shapes: Sequence[Shape], where: str) -> list[list[Span]]:
    """Return the places of a window along each axis; what does not fill one is left out."""
    size = _setting(apply, "size", Fraction(2))
    stride = _setting(apply, "stride", size)
    if not shapes[0] or any(each < 1 or each.denominator != 1 for each in (size, stride)) or min(shapes[0]) < size:
        raise _refused(apply, shapes, where)
    width = int(size)
    return [[Span(at, at + width) for at in range(0, length - width + 1, int(stride))] for length in shapes[0]]


def _of_pool(apply: Apply, shapes: Sequence[Shape], where: str) -> Shape:
    return tuple(map(len, _windows(apply, shapes, where)))


def _pool(apply: Apply, shapes: Sequence[Shape]) -> Node:
    """Return the largest number, or the mean, of each window."""
    function = {"max_pool": "max", "avg_pool": "mean"}[apply.function]
    *outer, inner = _windows(apply, shapes, "")
    rows = [
        Stack(tuple(Apply(function, (Indexed(apply.arguments[0], (*before, span)),)) for span in inner))
        for before in itertools.product(*outer)
    ]
    return Stack(tuple(rows)) if outer else rows[0]


# Sums so far, and the order turned round


def _cumulative(apply: Apply, shapes: Sequence[Shape]) -> Node:
    """Return the sums of the first 1, 2, … elements along the axis, or of the last."""
    axis, is_reverse = _axis(apply, shapes[0]), apply.function == "reverse_cumsum"
    before, along = (Span(None, None),) * axis, None if len(shapes[0]) < _MATRIX else axis
    last = shapes[0][axis] - 1

    def total(place: int) -> Node:
        if place == (last if is_reverse else 0):
            return Indexed(apply.arguments[0], (*before, place))
        span = Span(place, None) if is_reverse else Span(None, place + 1)
        return Apply("sum", (Indexed(apply.arguments[0], (*before, span)),), axis=along)

    found = Stack(tuple(map(total, range(last + 1))))
    return Transposed(found) if axis else found


def _cumulative_pullback(apply: Apply, upstream: Node, value: Node, shapes: Sequence[Shape]) -> Sequence[Node]:
    """Send to an element the gradients by all sums that it is in: their sums from the other end."""
    other = {"cumsum": "reverse_cumsum", "reverse_cumsum": "cumsum"}[apply.function]
    return (Apply(other, (upstream,), axis=apply.axis),)


def _flipped(apply: Apply, shapes: Sequence[Shape]) -> Node:
    """Return the elements in reverse along every axis."""
    *outer, inner = [range(length - 1, -1, -1) for length in shapes[0]]
    rows = [
        Stack(tuple(Indexed(apply.arguments[0], (*before, place)) for place in inner))
        for before in itertools.product(*outer)
    ]
    return Stack(tuple(rows)) if outer else rows[0]


def _flipped_pullback(apply: Apply, upstream: Node, value: Node, shapes: Sequence[Shape]) -> Sequence[Node]:
    return (Apply("flip", (upstream,)),)


# Rows


def _opened(name: str, arity: int | None, shape: Callable[..., Shape], opens: Opens, **said: Any) -> ArrayOperation:
    """Return the row of a function that is written out where an equation is read."""
    return ArrayOperation(
        name,
        arity,
        shape,
        definition=lambda apply, shapes: opens(apply, shapes, lambda node: node),
        opens=opens,
        is_reserved=False,
        **said,
    )


COMPOSITES: tuple[ArrayOperation, ...] = (
    *(
        _opened(name, 1, _same_shape, _normalised, axis=axis, settings={"eps": EPS}, symbol=symbol)
        for name, axis, symbol in (("layer_norm", -1, "LayerNorm"), ("batch_norm", 0, "BatchNorm"))
    ),
    _opened("attention", None, _of_attention, _attention, symbol="Attention"),
    _opened("clip", 3, lambda apply, shapes, where: broadcast(shapes, where), _clip, symbol="clip"),
    _opened("take", 2, _of_taken, _taken, axis=0),
    _opened("one_hot", 2, _of_one_hot, _one_hot),
    _opened(EINSUM, None, shape_of_contraction, contracted),
    *(
        ArrayOperation(
            name,
            2,
            _of_convolution,
            definition=_convolution,
            pullback=_convolution_pullback,
            is_linear=True,
            is_reserved=False,
        )
        for name in ("conv1d", "conv2d")
    ),
    *(
        ArrayOperation(
            name,
            1,
            _of_pool,
            definition=_pool,
            settings={"size": Fraction(2), "stride": None},
            symbol=name.replace("_", ""),
            is_reserved=False,
        )
        for name in ("max_pool", "avg_pool")
    ),
    *(
        ArrayOperation(
            name,
            1,
            _same_shape,
            definition=_cumulative,
            pullback=_cumulative_pullback,
            axis=0,
            calls=calls,
            symbol=symbol,
            is_linear=True,
            is_reserved=False,
        )
        for name, symbol, calls in (
            ("cumsum", "", {"np": "np.cumsum({0}, axis={axis})", "torch": "torch.cumsum({0}, dim={axis})"}),
            (
                "reverse_cumsum",
                "revcumsum",
                {
                    "np": "np.flip(np.cumsum(np.flip({0}, {axis}), {axis}), {axis})",
                    "torch": "torch.flip(torch.cumsum(torch.flip({0}, ({axis},)), {axis}), ({axis},))",
                },
            ),
        )
    ),
    ArrayOperation(
        "flip",
        1,
        _same_shape,
        definition=_flipped,
        pullback=_flipped_pullback,
        calls={"np": "np.flip({0})"},
        is_linear=True,
        is_reserved=False,
    ),
)
"""The composite functions that there are."""
