"""Convolutions and pooling along the last axes, as what each number of a kernel is multiplied by."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

from symbackprop.frontends.torch_recording.along_axes import first_extreme
from symbackprop.frontends.torch_recording.moved_elements import pad
from symbackprop.frontends.torch_recording.recorded_tensors import (
    BLOCK,
    FUNCTIONS,
    RUNS,
    RecordedTensor,
    composite,
    lifted,
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
    """Return a convolution along the last axes: for each number of the kernel what it is multiplied by, added."""

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
        image = _padded(found, _lengths(padding, axes))
        outputs = [
            (length - gap * (size - 1) - 1) // step + 1
            for length, size, step, gap in zip(image.shape[2:], sizes, steps, gaps, strict=True)
        ]

        def window(place: Sequence[int]) -> tuple[slice, ...]:
            return tuple(
                slice(at * gap, at * gap + step * (count - 1) + 1, step)
                for at, gap, step, count in zip(place, gaps, steps, outputs, strict=True)
            )

        is_dense = {*steps, *gaps} == {1} and math.prod(sizes) > 1
        one_sample = _along_one_axis if axes == 1 else _of_maps(_sliding if is_dense else _number_by_number)
        return recorded_call(
            "stack",
            [one_sample(image[n], kernel, bias, window, groups) for n in range(len(image))],
        )

    return record


Window = Callable[[Sequence[int]], tuple[slice, ...]]


def _along_one_axis(image: Any, kernel: Any, bias: Any, window: Window, groups: int) -> Any:
    """Return a convolution of channels × places: a product of matrices for each place of the kernel."""
    outputs, inputs = kernel.shape[0] // groups, kernel.shape[1]
    parts = []
    for group in range(groups):
        channels = image[group * inputs : (group + 1) * inputs]
        own = kernel[group * outputs : (group + 1) * outputs]
        parts.append(_added(own[:, :, at] @ channels[:, *window([at])] for at in range(kernel.shape[2])))
    result = parts[0] if groups == 1 else recorded_call("cat", parts)
    return result if bias is None else result + recorded_call("unsqueeze", bias, -1)


def _of_maps(met: Callable[[Any, Any, Window], Any]) -> Callable[..., Any]:
    """Return a convolution of channels × rows × columns, of what each kernel makes of the map that it meets, added."""

    def record(image: Any, kernel: Any, bias: Any, window: Window, groups: int) -> Any:
        outputs = kernel.shape[0] // groups
        maps = []
        for output in range(kernel.shape[0]):
            first = output // outputs * kernel.shape[1]
            pairs = ((kernel[output, channel], image[first + channel]) for channel in range(kernel.shape[1]))
            total = _added(met(own, channel, window) for own, channel in pairs)
            maps.append(total if bias is None else total + bias[output])
        return recorded_call("stack", maps)

    return record


def _sliding(kernel: Any, channel: Any, window: Window) -> Any:
    slide = torch().nn.functional.conv2d
    return composite("conv2d", lambda x, k: slide(x[None, None], k[None, None])[0, 0], channel, kernel)


def _number_by_number(kernel: Any, channel: Any, window: Window) -> Any:
    """Return the numbers of a kernel times what they meet, added."""
    places = itertools.product(*map(range, kernel.shape))
    return _added(kernel[*place] * channel[window(place)] for place in places)


def _added(terms: Any) -> Any:
    total = None
    for term in terms:
        total = term if total is None else total + term
    return total


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
    is_plain = divisor is None and len(windows) == BLOCK and math.prod(shape) > 1
    size, stride = _regular(tensor.shape[-BLOCK:], windows) if is_plain else (0, 0)
    if size and not (kind == "max" and RUNS[-1].takes_first):
        pool = getattr(torch().nn.functional, {"max": "max_pool2d", "mean": "avg_pool2d"}[kind])
        options = {"size": size} if stride == size else {"size": size, "stride": stride}
        name = {"max": "max_pool", "mean": "avg_pool"}[kind]
        return composite(name, lambda z: pool(z[None], size, stride)[0], tensor, **options)
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
