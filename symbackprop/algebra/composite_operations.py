"""Composite functions of arrays: rows whose meaning is a formula in terms of other functions, which solutions show.

Some are written out where an equation is read, and what is worth a gradient of its own becomes a quantity: the scores and
the weights of attention, the distances from the mean of a norm. The others stay one operation between arrays, a convolution
say, and are written out element by element.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from symbackprop.algebra import sliding_windows
from symbackprop.algebra.branches import WHERE, Comparison, step_of
from symbackprop.algebra.broadcasting import Shape, axes_at, broadcast, check_rank, settled_axis, spell
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
    Power,
    Quotient,
    Repeated,
    Span,
    Stack,
    Sum,
    added,
    transposed,
)
from symbackprop.algebra.operation_rows import ALL, ArrayOperation, Piece
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
    "conv1d": "conv1d(x, k, stride=1, padding=0, dilation=1)",
    "conv2d": "conv2d(X, K, stride=1, padding=0, dilation=1)",
    **{
        name: f"{name}(X, size=2, stride=2, padding=0)"
        for name in ("max_pool", "avg_pool", "max_pool1d", "avg_pool1d")
    },
    "cumsum": "cumsum(x)",
    "reverse_cumsum": "reverse_cumsum(x)",
    "flip": "flip(x)",
    "take": "take(W, [2, 0])",
    "stack": "stack(x, y, axis=0)",
    "transpose": "transpose(X, 1, 0)",
    "one_hot": "one_hot([2, 0], 3)",
}  # fmt: skip
"""How each of them is called, for who did it otherwise."""


# Norms


def _axes(apply: Apply, shape: Shape, where: str = "") -> tuple[int, ...]:
    """Return the axes of a composite from 0; those of a norm may be several."""
    default = {"layer_norm": -1}.get(apply.function, 0)
    return axes_at(default if apply.axis is None else apply.axis, len(shape), where)


def _axis(apply: Apply, shape: Shape, where: str = "") -> int:
    """Return the axis of a composite that has one, from 0."""
    axis, *others = _axes(apply, shape, where)
    if others:
        raise ProblemError(message("graph.one_axis", function=apply.function), where=where)
    return axis


def _same_shape(apply: Apply, shapes: Sequence[Shape], where: str) -> Shape:
    if not shapes[0]:
        raise _refused(apply, shapes, where)
    _axis(apply, shapes[0], where)
    return shapes[0]


def _of_norm(apply: Apply, shapes: Sequence[Shape], where: str) -> Shape:
    if not shapes[0]:
        raise _refused(apply, shapes, where)
    _axes(apply, shapes[0], where)
    return shapes[0]


def _normalised(apply: Apply, shapes: Sequence[Shape], piece: Piece) -> Node:
    """Return d/s, of the distances d from the mean and the root s of their mean square and eps."""
    argument, shape = piece(apply.arguments[0]), shapes[0]
    axes = _axes(apply, shape)

    def mean(node: Node) -> Node:
        found: Node = Apply("mean", (node,), axis=settled_axis(axes, len(shape)))
        for axis in axes if len(axes) < len(shape) else ():
            found = Repeated(found, axis, 1)
        return found

    distances = piece(Sum((argument, Negative(mean(argument)))))
    squares = mean(Power(distances, Number(Fraction(2))))
    eps = Number(_setting(apply, "eps", EPS))
    return Quotient(distances, piece(Apply("sqrt", (Sum((squares, eps)),))))


EPS = Fraction(1, 100_000)
"""What norms add to the variance."""


# Attention


def _of_attention(apply: Apply, shapes: Sequence[Shape], where: str) -> Shape:
    fits = len(shapes) in (3, 4) and all(len(shape) >= _MATRIX for shape in shapes)
    if not (fits and shapes[0][-1] == shapes[1][-1] and shapes[1][-2] == shapes[2][-2]):
        raise _refused(apply, shapes, where)
    stacks = broadcast((shape[:-2] for shape in shapes[:3]), where)
    scores = (*broadcast((shape[:-2] for shape in shapes[:2]), where), shapes[0][-2], shapes[1][-2])
    if broadcast([scores, *shapes[3:]], where) != scores:
        raise _refused(apply, shapes, where)
    return (*stacks, shapes[0][-2], shapes[2][-1])


def _attention(apply: Apply, shapes: Sequence[Shape], piece: Piece) -> Node:
    """Return softmax(Q Kᵀ/√d + M) V, the softmax over each row; with more axes it is that of each pair of matrices."""
    queries, keys, values, *mask = map(piece, apply.arguments)
    root = Apply("sqrt", (Number(Fraction(shapes[0][-1])),))
    *stack, row, column = range(len(shapes[1]))
    turned = transposed(keys, (*stack, column, row))
    scores = piece(added((Quotient(MatrixProduct(queries, turned), root), *mask)))
    axis = max(len(shapes[0]), len(shapes[1])) - 1
    return MatrixProduct(piece(Apply("softmax", (scores,), axis=axis)), values)


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
    return _moved(found, len(shapes[0]), axis)


def _moved(node: Node, rank: int, axis: int) -> Node:
    """Return an array with its first axis in another place."""
    return transposed(node, (*range(1, axis + 1), 0, *range(axis + 1, rank)))


def _of_stack(apply: Apply, shapes: Sequence[Shape], where: str) -> Shape:
    axis = _stacking_axis(apply, shapes[0], where)
    for shape in shapes[1:]:
        if shape != shapes[0]:
            raise ProblemError(message("graph.stack", left=spell(shapes[0]), right=spell(shape)), where=where)
    return check_rank((*shapes[0][:axis], len(shapes), *shapes[0][axis:]), where)


def _stacking_axis(apply: Apply, shape: Shape, where: str = "") -> int:
    return _axis(apply, (*shape, 1), where)


def _stacked(apply: Apply, shapes: Sequence[Shape], piece: Piece) -> Node:
    """Return arrays behind each other along a new axis."""
    return _moved(Stack(apply.arguments), len(shapes[0]) + 1, _stacking_axis(apply, shapes[0]))


def _of_transpose(apply: Apply, shapes: Sequence[Shape], where: str) -> Shape:
    order = _order(apply, len(shapes[0]))
    if order is None or not shapes[0]:
        raise _refused(apply, shapes, where)
    return tuple(shapes[0][axis] for axis in order)


def _order(apply: Apply, rank: int) -> tuple[int, ...] | None:
    """Return the axes in their new order, None where these are not all of them."""
    given = [int(axis) for _, axis in apply.settings] or list(reversed(range(rank)))
    if any(not -rank <= axis < rank for axis in given):
        return None
    order = tuple(axis % rank for axis in given)
    return order if sorted(order) == list(range(rank)) else None


def _in_order(apply: Apply, shapes: Sequence[Shape], piece: Piece) -> Node:
    return transposed(apply.arguments[0], _order(apply, len(shapes[0])) or ())


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


# Sums so far, and the order turned round


def _cumulative(apply: Apply, shapes: Sequence[Shape]) -> Node:
    """Return the sums of the first 1, 2, … elements along the axis, or of the last."""
    axis, is_reverse = _axis(apply, shapes[0]), apply.function == "reverse_cumsum"
    before, along = (Span(None, None),) * axis, settled_axis((axis,), len(shapes[0]))
    last = shapes[0][axis] - 1

    def total(place: int) -> Node:
        if place == (last if is_reverse else 0):
            return Indexed(apply.arguments[0], (*before, place))
        span = Span(place, None) if is_reverse else Span(None, place + 1)
        return Apply("sum", (Indexed(apply.arguments[0], (*before, span)),), axis=along)

    return _moved(Stack(tuple(map(total, range(last + 1)))), len(shapes[0]), axis)


def _cumulative_pullback(apply: Apply, upstream: Node, value: Node, shapes: Sequence[Shape]) -> Sequence[Node]:
    """Send to an element the gradients by all sums that it is in: their sums from the other end."""
    other = {"cumsum": "reverse_cumsum", "reverse_cumsum": "cumsum"}[apply.function]
    return (Apply(other, (upstream,), axis=apply.axis),)


def _flipped(apply: Apply, shapes: Sequence[Shape]) -> Node:
    """Return the elements in reverse along the axes, or along every one."""
    axes = _flipped_axes(apply, shapes[0])

    def turned(node: Node, axis: int) -> Node:
        if axis > max(axes):
            return node
        places = range(shapes[0][axis])
        return Stack(tuple(turned(Indexed(node, (at,)), axis + 1) for at in (places[::-1] if axis in axes else places)))

    return turned(apply.arguments[0], 0)


def _flipped_axes(apply: Apply, shape: Shape, where: str = "") -> tuple[int, ...]:
    return tuple(range(len(shape))) if apply.axis is None else axes_at(apply.axis, len(shape), where)


def _of_flip(apply: Apply, shapes: Sequence[Shape], where: str) -> Shape:
    if not shapes[0]:
        raise _refused(apply, shapes, where)
    _flipped_axes(apply, shapes[0], where)
    return shapes[0]


def _flipped_pullback(apply: Apply, upstream: Node, value: Node, shapes: Sequence[Shape]) -> Sequence[Node]:
    return (Apply("flip", (upstream,), axis=apply.axis),)


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
        _opened(name, 1, _of_norm, _normalised, axis=axis, settings={"eps": EPS}, symbol=symbol)
        for name, axis, symbol in (("layer_norm", -1, "LayerNorm"), ("batch_norm", 0, "BatchNorm"))
    ),
    _opened("attention", None, _of_attention, _attention, symbol="Attention"),
    _opened("clip", 3, lambda apply, shapes, where: broadcast(shapes, where), _clip, symbol="clip"),
    _opened("take", 2, _of_taken, _taken, axis=0),
    _opened("stack", None, _of_stack, _stacked, axis=0),
    _opened("transpose", 1, _of_transpose, _in_order),
    _opened("one_hot", 2, _of_one_hot, _one_hot),
    _opened(EINSUM, None, shape_of_contraction, contracted),
    *sliding_windows.rows(_refused),
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
        _of_flip,
        definition=_flipped,
        pullback=_flipped_pullback,
        axis=ALL,
        keeps=True,
        calls={"np": "np.flip({0}, axis={axis})"},
        is_linear=True,
        is_reserved=False,
    ),
)
"""The composite functions that there are."""
