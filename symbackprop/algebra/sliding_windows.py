"""Convolutions and pools: a kernel or a window slides along the last axes of an array, with a stride, over zeros around it.

Axes are those of PyTorch: (channels, height, width), or (samples, channels, height, width), and the kernel of a convolution
is (channels of the result, channels, height, width); or none of these, an image and a kernel of one channel.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symbackprop.algebra.broadcasting import Shape, indices_of
from symbackprop.algebra.formula import (
    Apply,
    Indexed,
    MatrixProduct,
    Node,
    Number,
    Placed,
    Product,
    Quotient,
    Repeated,
    Span,
    Stack,
    Transposed,
    added,
    transposed,
)
from symbackprop.algebra.operation_rows import ArrayOperation
from symbackprop.algebra.rearrangements import reshaped
from symbackprop.errors import ProblemError

Refused = Callable[[Apply, Sequence[Shape], str], ProblemError]
"""What makes the error for arguments that do not fit."""

_ALL = Span(None, None)
_SLIDING_AXES = {"conv1d": 1, "conv2d": 2, "max_pool": 2, "avg_pool": 2, "max_pool1d": 1, "avg_pool1d": 1}
"""Along how many of the last axes a kernel or a window slides; of a vector there is one."""

_CONVOLUTION = {"stride": Fraction(1), "padding": Fraction(0), "dilation": Fraction(1)}
_POOL: dict[str, Fraction | None] = {"size": Fraction(2), "stride": None, "padding": Fraction(0)}


@dataclass(frozen=True, slots=True)
class _Sliding:
    """How a kernel slides along some axes: their lengths, its own, and its steps.

    `stride` is the step of the kernel, `dilation` that inside it, `padding` the zeros on either side.
    """

    lengths: Shape
    sizes: Shape
    stride: int
    padding: int
    dilation: int = 1

    @property
    def result(self) -> Shape:
        """At how many places it stands along each axis; 0 or less where it does not fit."""
        return tuple(
            (length + 2 * self.padding - self.dilation * (size - 1) - 1) // self.stride + 1
            for length, size in zip(self.lengths, self.sizes, strict=True)
        )

    def met(self, place: Shape, inside: Shape) -> Shape | None:
        """Return what an entry of the kernel meets at a place of the result, None for a zero around the array."""
        found = tuple(
            at * self.stride + own * self.dilation - self.padding for at, own in zip(place, inside, strict=True)
        )
        return found if all(0 <= at < length for at, length in zip(found, self.lengths, strict=True)) else None

    def block(self, inside: Shape) -> tuple[Span, ...]:
        """Return what an entry of the kernel meets in all places, in the padded array."""
        return tuple(
            _steps(own * self.dilation, count, self.stride) for own, count in zip(inside, self.result, strict=True)
        )

    def window(self, place: Shape) -> tuple[Span, ...]:
        """Return what the whole kernel meets at one place, in the padded array."""
        return tuple(_steps(at * self.stride, size, self.dilation) for at, size in zip(place, self.sizes, strict=True))

    def inner_window(self, place: Shape) -> tuple[Span, ...]:
        """Return the part of the array that a window without gaps meets at one place, without what is around it."""
        starts = (at * self.stride - self.padding for at in place)
        return tuple(
            Span(max(start, 0), min(start + size, length))
            for start, size, length in zip(starts, self.sizes, self.lengths, strict=True)
        )

    def padded(self, array: Node, before: Shape) -> Node:
        """Return an array among zeros; `before` are the lengths of its other axes."""
        if not self.padding:
            return array
        spans = tuple(Span(self.padding, self.padding + length) for length in self.lengths)
        shape = (*before, *(length + 2 * self.padding for length in self.lengths))
        return Placed(array, (*(_ALL,) * len(before), *spans), shape)


def _steps(start: int, count: int, step: int) -> Span:
    """Return so many places, each a step behind the one before."""
    return Span(start, start + step * (count - 1) + 1, step)


def _whole_settings(apply: Apply, usual: dict[str, Fraction | None]) -> dict[str, int] | None:
    """Return the settings as whole numbers, None where one is none, or is too small."""
    given = dict(apply.settings)
    found: dict[str, int] = {}
    for name, default in usual.items():
        set_to = given.get(name, default)
        value = Fraction(found["size"]) if set_to is None else set_to
        if value.denominator != 1 or value < (0 if name == "padding" else 1):
            return None
        found[name] = int(value)
    return found


# Convolutions


def _convolution_of(apply: Apply, shapes: Sequence[Shape]) -> _Sliding | None:
    """Return how the kernel of a convolution slides, None where axes, channels or settings do not fit."""
    (whole, kernel), count = shapes, _SLIDING_AXES[apply.function]
    settings = _whole_settings(apply, dict(_CONVOLUTION))
    channels = len(kernel) - count
    fits = (channels, len(whole) - count) in ((0, 0), (2, 1), (2, 2))
    if settings is None or not fits or (channels and kernel[1] != whole[-count - 1]):
        return None
    found = _Sliding(whole[-count:], kernel[-count:], **settings)
    return found if min(found.result) > 0 else None


def _convolution(apply: Apply, shapes: Sequence[Shape]) -> _Sliding:
    found = _convolution_of(apply, shapes)
    assert found is not None, "its shape is known"
    return found


def _shape_of_convolution(refused: Refused) -> Callable[[Apply, Sequence[Shape], str], Shape]:
    def shape(apply: Apply, shapes: Sequence[Shape], where: str) -> Shape:
        sliding = _convolution_of(apply, shapes)
        if sliding is None:
            raise refused(apply, shapes, where)
        whole, kernel = shapes
        before = whole[: -len(sliding.sizes)]
        return (*before[:-1], *(kernel[:1] if before else ()), *sliding.result)

    return shape


def _pairs(apply: Apply, shapes: Sequence[Shape], index: Shape) -> Iterator[tuple[Shape, Shape]]:
    """Yield which entries of array and kernel are multiplied for an entry of the result."""
    sliding, (_, kernel) = _convolution(apply, shapes), shapes
    count = len(sliding.sizes)
    before, place = index[:-count], index[-count:]
    inputs = range(kernel[1]) if len(kernel) > count else (None,)
    for channel, inside in itertools.product(inputs, indices_of(sliding.sizes)):
        met = sliding.met(place, inside)
        if met is None:
            continue
        if channel is None:
            yield met, inside
        else:
            yield (*before[:-1], channel, *met), (before[-1], channel, *inside)


def _written_convolution(apply: Apply, shapes: Sequence[Shape]) -> Node:
    """Return the kernel's entries times the blocks that they meet, added; or the windows that it meets, times the kernel.

    The way that has fewer parts is taken.
    """
    (argument, kernel), (whole, own), sliding = apply.arguments, shapes, _convolution(apply, shapes)
    before = whole[: -len(sliding.sizes)]
    padded = sliding.padded(argument, before)
    by_windows = math.prod(sliding.result) < math.prod(sliding.sizes)
    if not before:
        return _windows_times(kernel, padded, sliding) if by_windows else _blocks_times(kernel, padded, sliding)
    every = (_ALL,) * len(before)
    if by_windows:
        flat_kernel = Transposed(reshaped(kernel, (own[0], math.prod(own[1:]))))
        parts = [
            MatrixProduct(reshaped(Indexed(padded, (*every, *sliding.window(place))), (*before[:-1], -1)), flat_kernel)
            for place in indices_of(sliding.result)
        ]
        rank = len(before) + 1
        found = transposed(Stack(tuple(parts)), (*range(1, rank), 0))
    else:
        found = added(
            tuple(
                MatrixProduct(
                    Indexed(kernel, (_ALL, _ALL, *inside)),
                    reshaped(Indexed(padded, (*every, *sliding.block(inside))), (*before, -1)),
                )
                for inside in indices_of(sliding.sizes)
            )
        )
    return reshaped(found, (*before[:-1], own[0], *sliding.result))


def _blocks_times(kernel: Node, padded: Node, sliding: _Sliding) -> Node:
    return added(
        tuple(
            Product((Indexed(kernel, inside), Indexed(padded, sliding.block(inside))))
            for inside in indices_of(sliding.sizes)
        )
    )


def _windows_times(kernel: Node, padded: Node, sliding: _Sliding) -> Node:
    parts = (
        Apply("sum", (Product((kernel, Indexed(padded, sliding.window(place)))),))
        for place in indices_of(sliding.result)
    )
    return _nested(tuple(parts), sliding.result)


def _nested(parts: tuple[Node, ...], shape: Shape) -> Node:
    """Return parts as an array that has a shape in front of their own axes."""
    for length in reversed(shape[1:]):
        parts = tuple(Stack(parts[start : start + length]) for start in range(0, len(parts), length))
    return Stack(parts)


def _convolution_pullback(apply: Apply, upstream: Node, value: Node, shapes: Sequence[Shape]) -> Sequence[Node]:
    """Slide the gradient over the input; and the kernel, turned round, over the gradient among zeros."""
    sliding = _convolution(apply, shapes)
    return _to_array(apply, upstream, shapes, sliding), _to_kernel(apply, upstream, shapes, sliding)


def _to_array(apply: Apply, upstream: Node, shapes: Sequence[Shape], sliding: _Sliding) -> Node:
    """Return the gradient by the array: the turned kernel over the gradient, a stride apart among zeros."""
    (_, kernel), (whole, own), count = apply.arguments, shapes, len(sliding.sizes)
    before = (*whole[: -count - 1], own[0]) if len(own) > count else ()
    picked, placed = [], []
    reach = tuple(sliding.dilation * (size - 1) for size in sliding.sizes)
    lengths = tuple(length + more for length, more in zip(sliding.lengths, reach, strict=True))
    for length, more, places in zip(lengths, reach, sliding.result, strict=True):
        start = more - sliding.padding
        kept = [at for at in range(places) if 0 <= start + at * sliding.stride < length]
        picked.append(Span(kept[0], kept[-1] + 1))
        placed.append(_steps(start + kept[0] * sliding.stride, len(kept), sliding.stride))
    every = (_ALL,) * len(before)
    if picked != [Span(0, places) for places in sliding.result]:
        upstream = Indexed(upstream, (*every, *picked))
    if placed != [Span(0, length) for length in lengths]:
        upstream = Placed(upstream, (*every, *placed), (*before, *lengths))
    turned = Apply("flip", (transposed(kernel, _exchanged(len(own))) if before else kernel,))
    if before:
        turned = Apply("flip", turned.arguments, axis=tuple(range(len(own) - count, len(own))))
    return Apply(apply.function, (upstream, turned), settings=_settings(dilation=sliding.dilation))


def _to_kernel(apply: Apply, upstream: Node, shapes: Sequence[Shape], sliding: _Sliding) -> Node:
    """Return the gradient by the kernel: the gradient over the array, with stride and dilation exchanged."""
    (argument, _), (whole, own), count = apply.arguments, shapes, len(sliding.sizes)
    settings = _settings(stride=sliding.dilation, padding=sliding.padding, dilation=sliding.stride)
    has_channels = len(own) > count
    if has_channels and len(whole) == count + 1:  # one sample
        argument, upstream = Repeated(argument, 1, 1), Repeated(upstream, 1, 1)
    elif has_channels:
        argument, upstream = (transposed(each, _exchanged(len(own))) for each in (argument, upstream))
    found: Node = Apply(apply.function, (argument, upstream), settings=settings)
    lengths = _Sliding(sliding.lengths, sliding.result, sliding.dilation, sliding.padding, sliding.stride).result
    if lengths != sliding.sizes:
        every = (_ALL,) * (len(own) - count)
        found = Indexed(found, (*every, *(Span(0, size) for size in sliding.sizes)))
    return transposed(found, _exchanged(len(own))) if has_channels else found


def _exchanged(rank: int) -> tuple[int, ...]:
    """Return the order of axes in which the first two are exchanged."""
    return (1, 0, *range(2, rank))


def _settings(**values: int) -> tuple[tuple[str, Fraction], ...]:
    """Return the settings that are not what everyone takes."""
    return tuple((name, Fraction(value)) for name, value in values.items() if value != _CONVOLUTION[name])


# Pools


def _pool_of(apply: Apply, shapes: Sequence[Shape]) -> _Sliding | None:
    (whole,), count = shapes, _SLIDING_AXES[apply.function]
    settings = _whole_settings(apply, _POOL)
    if settings is None or not whole or 2 * settings["padding"] > settings["size"]:
        return None
    lengths = whole[-count:]
    found = _Sliding(lengths, (settings["size"],) * len(lengths), settings["stride"], settings["padding"])
    return found if min(found.result) > 0 else None


def _shape_of_pool(refused: Refused) -> Callable[[Apply, Sequence[Shape], str], Shape]:
    def shape(apply: Apply, shapes: Sequence[Shape], where: str) -> Shape:
        sliding = _pool_of(apply, shapes)
        if sliding is None:
            raise refused(apply, shapes, where)
        return (*shapes[0][: -len(sliding.lengths)], *sliding.result)

    return shape


def _written_pool(apply: Apply, shapes: Sequence[Shape]) -> Node:
    """Return the largest number, or the mean, of each window; zeros around the array count in a mean, as in PyTorch."""
    ((argument,), (whole,), sliding) = apply.arguments, shapes, _pool_of(apply, shapes)
    assert sliding is not None, "its shape is known"
    count = len(sliding.lengths)
    outer = len(whole) - count
    axes = tuple(range(outer, len(whole))) if outer else None
    axis = axes[0] if axes is not None and len(axes) == 1 else axes

    def of_window(place: Shape) -> Node:
        window = Indexed(argument, (*(_ALL,) * outer, *sliding.inner_window(place)))
        if apply.function.startswith("max"):
            return Apply("max", (window,), axis=axis)
        if not sliding.padding:
            return Apply("mean", (window,), axis=axis)
        return Quotient(Apply("sum", (window,), axis=axis), Number(Fraction(math.prod(sliding.sizes))))

    found = _nested(tuple(map(of_window, indices_of(sliding.result))), sliding.result)
    return transposed(found, (*range(count, len(whole)), *range(count))) if outer else found


def rows(refused: Refused) -> Iterator[ArrayOperation]:
    """Yield the rows of convolutions and pools; `refused` makes the error for arguments that do not fit."""
    for name in ("conv1d", "conv2d"):
        yield ArrayOperation(
            name,
            2,
            _shape_of_convolution(refused),
            definition=_written_convolution,
            pairs=_pairs,
            pullback=_convolution_pullback,
            settings=_CONVOLUTION,
            is_linear=True,
            is_reserved=False,
        )
    for name in ("max_pool", "avg_pool", "max_pool1d", "avg_pool1d"):
        yield ArrayOperation(
            name,
            1,
            _shape_of_pool(refused),
            definition=_written_pool,
            settings=_POOL,
            symbol=name.replace("_", ""),
            is_reserved=False,
        )
