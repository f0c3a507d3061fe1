r"""Values of printed arrays of more than two axes: NumPy's arrays of fractions or floats; matrices beside them are lists.

A product or a transpose is that of every matrix in the last two axes. Numbers below a name are axes, counted from 1:
`\mathrm{transpose}_{3,1,2}(X)`, `\mathrm{repeat}_{[4,:,:]}(X)` has new axes where lengths stand.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Number = Any


def is_deep(value: Number) -> bool:
    """Say whether a value is an array of more than two axes."""
    return isinstance(value, np.ndarray)


def of_nested(nested: Any, number: Callable[[str], Number]) -> np.ndarray:
    """Return the numbers of names in nested lists."""
    return mapped(number, np.array(nested, dtype=object))


def mapped(function: Callable[..., Number], *arrays: Number) -> np.ndarray:
    """Return a function of every entry, or of the entries of several arrays by NumPy's broadcasting."""
    return np.asarray(np.frompyfunc(function, len(arrays), 1)(*arrays), dtype=object)


def as_array(value: Number) -> np.ndarray | None:
    """Return an array, a matrix or a number as an array; None for a vector, of which it is not said where it stands."""
    if isinstance(value, list):
        return np.array(value, dtype=object) if min(len(value), len(value[0])) > 1 else None
    return np.asarray(value, dtype=object)


def settled(array: np.ndarray, rows: bool) -> Number:
    """Return an array as it is held: of two axes as lists, of one as a column, or a row, of none as a number."""
    if array.ndim > 2:
        return array
    if array.ndim == 1:
        array = array[None, :] if rows else array[:, None]
    return array.tolist() if array.ndim else array.item()


def products(
    left: np.ndarray, right: np.ndarray, multiply: Callable[..., Number], add: Callable[..., Number]
) -> np.ndarray:
    """Return the products of the matrices in the last two axes."""
    terms = mapped(multiply, left[..., :, :, None], right[..., None, :, :])
    return mapped(lambda *entries: _joined(add, entries), *np.moveaxis(terms, -2, 0))


def _joined(add: Callable[..., Number], entries: Sequence[Number]) -> Number:
    total = entries[0]
    for entry in entries[1:]:
        total = add(total, entry)
    return total


def placed(block: Number, places: Sequence[Sequence[int]], shape: Sequence[int], zero: Number) -> np.ndarray:
    """Return zeros with a block at some places along each axis."""
    found = np.full(tuple(shape), zero, dtype=object)
    values = np.array(block, dtype=object).reshape([len(each) for each in places])
    found[np.ix_(*places)] = values
    return found


def rearranged(name: str, below: str, arrays: Sequence[np.ndarray]) -> np.ndarray | None:
    """Return what a function does that only moves entries, None for another function."""
    array = arrays[0]
    if name == "transpose":
        return array.transpose([int(axis) - 1 for axis in below.split(",")])
    if name == "repeat":
        lengths = below.strip("[]").split(",")
        for axis, length in enumerate(lengths):
            if length != ":":
                array = np.repeat(np.expand_dims(array, axis), int(length), axis=axis)
        return array
    if name == "concat":
        return np.concatenate(arrays, axis=int(below) - 1)
    if name == "reshape":
        return array.reshape([int(length) for length in below.split(r"\times")])
    if name == "flatten":
        return array.reshape(-1)
    if name == "flip":
        return np.flip(array, [int(axis) - 1 for axis in below.split(",")] if below else None)
    return np.stack(arrays) if name == "stack" else None


def convolved(array: np.ndarray, kernel: np.ndarray, below: Mapping[str, str], zero: Number) -> np.ndarray:
    """Return the convolution of arrays with their channels, or of an image and a kernel of one channel each."""
    stride, padding, dilation = (int(below.get(name, usual)) for name, usual in _USUAL.items())
    count = kernel.ndim if array.ndim == kernel.ndim and kernel.ndim < 3 else kernel.ndim - 2
    images = array.reshape((-1, kernel.shape[1] if kernel.ndim > count else 1, *array.shape[-count:]))
    kernels = kernel.reshape((-1, images.shape[1], *kernel.shape[-count:]))
    images = _among_zeros(images, count, padding, zero)
    sizes = [
        (length - dilation * (own - 1) - 1) // stride + 1
        for length, own in zip(images.shape[-count:], kernel.shape[-count:], strict=True)
    ]
    found = np.full((len(images), len(kernels), *sizes), zero, dtype=object)
    for image, channel, *place in np.ndindex(found.shape):
        window = (slice(at * stride, at * stride + dilation * (own - 1) + 1, dilation)
                  for at, own in zip(place, kernel.shape[-count:], strict=True))  # fmt: skip
        met = images[(image, slice(None), *window)]
        products_of = zip(kernels[channel].flat, met.flat, strict=True)
        found[(image, channel, *place)] = sum((own * other for own, other in products_of), start=zero)
    has_channels = kernel.ndim > count
    return found.reshape((*array.shape[: -count - 1], *([len(kernels)] * has_channels), *sizes))


_USUAL = {"stride": 1, "padding": 0, "dilation": 1}


def _among_zeros(array: np.ndarray, count: int, padding: int, zero: Number) -> np.ndarray:
    around = [(0, 0)] * (array.ndim - count) + [(padding, padding)] * count
    return np.pad(array, around, constant_values=zero)


def pooled(array: np.ndarray, name: str, below: Mapping[str, str], zero: Number) -> np.ndarray:
    """Return the largest number, or the mean with the zeros around, of each window along the last axes."""
    count = min(array.ndim, 1 if name.endswith("1d") else 2)
    size, padding = int(below.get("size", 2)), int(below.get("padding", 0))
    stride = int(below.get("stride", size))
    starts = [range(-padding, length + padding - size + 1, stride) for length in array.shape[-count:]]
    found = np.full((*array.shape[:-count], *map(len, starts)), zero, dtype=object)
    for before in np.ndindex(array.shape[:-count]):
        for place in itertools.product(*(range(len(each)) for each in starts)):
            window = (slice(max(each[at], 0), each[at] + size) for each, at in zip(starts, place, strict=True))
            entries = list(array[(*before, *window)].flat)
            found[(*before, *place)] = (
                max(entries) if name.startswith("max") else sum(entries, start=zero) / size**count
            )
    return found
