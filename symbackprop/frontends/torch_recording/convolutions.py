"""Convolutions and pooling along the last axes, as the functions of the language that slide."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

from symbackprop.frontends.torch_recording.along_axes import first_extreme
from symbackprop.frontends.torch_recording.moved_elements import pad
from symbackprop.frontends.torch_recording.recorded_tensors import (
    FUNCTIONS,
    RUNS,
    RecordedTensor,
    composite,
    lifted,
    rearranged,
    recorded_call,
    torch,
    unrecorded,
)


def _lengths(value: Any, count: int) -> tuple[int, ...]:
    return (
        (int(value),) * count if isinstance(value, int) else tuple(int(each) for each in value) * (count // len(value))
    )


def _padded(tensor: RecordedTensor, padding: Sequence[int]) -> Any:
    widths = [width for each in reversed(padding) for width in (each, each)]
    return pad(tensor, widths) if any(widths) else tensor


def _convolution(axes: int) -> Callable[..., Any]:
    """Return a convolution along the last axes."""

    def record(
        tensor: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Any:
        found, kernel = lifted(tensor), lifted(weight)
        sizes, steps, gaps = kernel.shape[2:], _lengths(stride, axes), _lengths(dilation, axes)
        if found.ndim == axes + 1:
            return recorded_call("squeeze", record(found[None], kernel, bias, stride, padding, dilation, groups), 0)
        if isinstance(padding, str):
            spans = [gap * (size - 1) for gap, size in zip(gaps, sizes, strict=True)]
            if padding == "same" and any(span % 2 for span in spans):
                unrecorded("conv with an even kernel and padding='same'")
            padding = [span // 2 if padding == "same" else 0 for span in spans]
        widths = _lengths(padding, axes)
        if len({*widths}) > 1:
            found, widths = _padded(found, widths), (0,) * axes
        if len({*gaps}) > 1:
            kernel, gaps = _spread(kernel, gaps), (1,) * axes
        whole, steps = (steps, (1,) * axes) if len({*steps}) > 1 else ((1,) * axes, steps)
        options = {"stride": steps[0], "padding": widths[0], "dilation": gaps[0]}
        result = _slid(axes, found, kernel, groups, options)
        if {*whole} != {1}:
            result = result[..., *(slice(None, None, step) for step in whole)]
        return result if bias is None else result + recorded_call("reshape", bias, (-1, *[1] * axes))

    return record


def _spread(kernel: Any, gaps: Sequence[int]) -> Any:
    """Return a kernel with zeros between its numbers, which meets without gaps what it meets with gaps."""

    def among_zeros(numbers: Any) -> Any:
        lengths = [gap * (size - 1) + 1 for gap, size in zip(gaps, numbers.shape[2:], strict=True)]
        found = torch().zeros(*numbers.shape[:2], *lengths, dtype=numbers.dtype)
        found[..., *(slice(None, None, gap) for gap in gaps)] = numbers
        return found

    return rearranged(among_zeros, kernel)


def _slid(axes: int, images: Any, kernel: Any, groups: int, options: dict[str, int]) -> Any:
    """Return a convolution of images with channels, as a function of the language, of groups of channels each their own."""
    slide = getattr(torch().nn.functional, f"conv{axes}d")
    usual = {"stride": 1, "padding": 0, "dilation": 1}
    written = {key: value for key, value in options.items() if value != usual[key]}

    def of_group(group: int) -> Any:
        outputs, inputs = len(kernel) // groups, kernel.shape[1]
        channels = images[:, group * inputs : (group + 1) * inputs] if groups > 1 else images
        own = kernel[group * outputs : (group + 1) * outputs] if groups > 1 else kernel
        return composite(f"conv{axes}d", lambda x, k: slide(x, k, **options), channels, own, **written)

    return of_group(0) if groups == 1 else recorded_call("cat", [of_group(group) for group in range(groups)], 1)


def _pooling(axes: int, kind: str) -> Callable[..., Any]:
    """Return a pooling along the last axes: the largest, or the mean, of each window."""

    def record(tensor: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, *rest: Any, **options: Any) -> Any:
        names = (
            ("dilation", "ceil_mode", "return_indices")
            if kind == "max"
            else ("ceil_mode", "count_include_pad", "divisor")
        )
        given = {**dict(zip(names, rest, strict=False)), **options}
        counts_all = bool(given.pop("count_include_pad", True))
        unusual = [name for name, value in given.items() if value not in (None, False, 1)]
        if unusual:
            unrecorded(f"{kind}_pool with {unusual[0]}")
        sizes, widths = _lengths(kernel_size, axes), _lengths(padding, axes)
        steps = sizes if stride in (None, [], ()) else _lengths(stride, axes)
        found = lifted(tensor)
        windows = []
        for length, size, step, width in zip(found.shape[-axes:], sizes, steps, widths, strict=True):
            starts = range(-width, length + width - size + 1, step)
            windows.append([slice(max(start, 0), min(start + size, length)) for start in starts])
        divisor = math.prod(sizes) if counts_all and any(widths) else None
        return _pooled(found, windows, kind, divisor)

    return record


def _adaptive(axes: int, kind: str) -> Callable[..., Any]:
    def record(tensor: Any, output_size: Any, return_indices: bool = False) -> Any:
        found = lifted(tensor)
        windows = [
            [slice(at * length // count, -(-(at + 1) * length // count)) for at in range(count)]
            for length, count in zip(found.shape[-axes:], _lengths(output_size, axes), strict=True)
        ]
        return _pooled(found, windows, kind, None)

    return record


def _pooled(tensor: Any, windows: Sequence[Sequence[slice]], kind: str, divisor: int | None) -> Any:
    """Return the largest, or the mean, of each window along the last axes."""
    shape = tuple(map(len, windows))
    is_plain = divisor is None and math.prod(shape) > 1
    size, stride = _regular(tensor.shape[-len(windows) :], windows) if is_plain else (0, 0)
    if size and not (kind == "max" and RUNS[-1].takes_first):
        axes = len(windows)
        pool = getattr(torch().nn.functional, {"max": f"max_pool{axes}d", "mean": f"avg_pool{axes}d"}[kind])
        options = {"size": size} if stride == size else {"size": size, "stride": stride}
        name = {"max": "max_pool", "mean": "avg_pool"}[kind] + ("1d" if axes == 1 else "")
        shape = (-1, 1, *tensor.shape[-axes:])
        return composite(
            name,
            lambda z: pool(z.reshape(shape), size, stride).reshape(*z.shape[:-axes], *map(len, windows)),
            tensor,
            **options,
        )
    if divisor is None and math.prod(shape) == 1 and not (kind == "max" and RUNS[-1].takes_first):
        whole = tensor[..., *(each[0] for each in windows)]
        return recorded_call({"max": "amax", "mean": "mean"}[kind], whole, tuple(range(-len(windows), 0)), True)
    parts = []
    for place in itertools.product(*windows):
        part = tensor[..., *place]
        dims = tuple(range(-len(windows), 0))
        if kind == "max":
            parts.append(_largest(part, dims))
        elif divisor is None:
            parts.append(recorded_call("mean", part, dims))
        else:
            parts.append(recorded_call("sum", part, dims) / divisor)
    return recorded_call("reshape", recorded_call("stack", parts, -1), (*tensor.shape[: -len(windows)], *shape))


def _regular(shape: Sequence[int], windows: Sequence[Sequence[slice]]) -> tuple[int, int]:
    """Return size and stride of windows that slide over a matrix alike along both axes, zeros where they do not."""
    spans = [(each.start, each.stop) for each in windows[0]]
    size, stride = spans[0][1], spans[1][0] if len(spans) > 1 else spans[0][1]
    every = [
        [(start, start + size) for start in range(0, length - size + 1, stride)] if stride else [] for length in shape
    ]
    found = [[(each.start, each.stop) for each in along] for along in windows]
    return (size, stride) if every == found else (0, 0)


def _largest(part: Any, dims: tuple[int, ...]) -> Any:
    """Return the largest number of each window."""
    if not RUNS[-1].takes_first:
        return recorded_call("amax", part, dims)
    return first_extreme("max", recorded_call("flatten", part, -len(dims)))


FUNCTIONS.update(
    {
        **{f"conv{axes}d": _convolution(axes) for axes in (1, 2)},
        **{f"max_pool{axes}d": _pooling(axes, "max") for axes in (1, 2)},
        **{f"avg_pool{axes}d": _pooling(axes, "mean") for axes in (1, 2)},
        **{f"adaptive_avg_pool{axes}d": _adaptive(axes, "mean") for axes in (1, 2)},
        **{f"adaptive_max_pool{axes}d": _adaptive(axes, "max") for axes in (1, 2)},
    }
)  # fmt: skip
