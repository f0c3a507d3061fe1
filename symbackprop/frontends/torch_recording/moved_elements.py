"""What only moves the elements of tensors: reshaping, selecting, joining, repeating; and what reads shapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from symbackprop.frontends.torch_recording.recorded_tensors import (
    FUNCTIONS,
    RecordedTensor,
    lifted,
    rearranged,
    recorded_call,
    torch,
    unrecorded,
)
from symbackprop.frontends.tracing.recorded import refuse
from symbackprop.messages import message


def _moved(name: str) -> Callable[..., Any]:
    """Return what records a function or method of PyTorch's that moves elements only."""

    def record(tensor: Any, *arguments: Any, **options: Any) -> Any:
        found = lifted(tensor)
        if not name.endswith("_as") and any(
            isinstance(each, RecordedTensor) for each in (*arguments, *options.values())
        ):
            unrecorded(name, "places")
        arguments = tuple(each.numbers if isinstance(each, RecordedTensor) else each for each in arguments)

        def move(numbers: Any) -> Any:
            if hasattr(numbers, name):
                return getattr(numbers, name)(*arguments, **options)
            return getattr(torch(), name)(numbers, *arguments, **options)

        return rearranged(move, found)

    return record


def _getitem(tensor: Any, key: Any) -> Any:
    if any(isinstance(each, RecordedTensor) for each in (key if isinstance(key, tuple) else (key,))):
        refuse(message("trace.index"))
    return rearranged(lambda numbers: numbers[key], tensor)


def _joined(name: str) -> Callable[..., Any]:
    def record(tensors: Sequence[Any], dim: int = 0) -> Any:
        return rearranged(lambda *numbers: getattr(torch(), name)(numbers, dim), *tensors)

    return record


def pad(tensor: Any, widths: Sequence[int], mode: str = "constant", value: Any = None) -> Any:
    """Return a tensor with zeros around it, or what PyTorch repeats there."""
    if value:
        unrecorded("pad with a value")
    if mode != "constant":
        return rearranged(lambda numbers: torch().nn.functional.pad(numbers.double(), widths, mode).long(), tensor)
    return rearranged(lambda numbers: torch().nn.functional.pad(numbers, widths), tensor)


def embedding(places: Any, weight: Any, padding_idx: Any = None, *rest: Any, **options: Any) -> Any:
    """Return rows of a matrix."""
    if isinstance(places, RecordedTensor):
        unrecorded("embedding", "places")
    return rearranged(lambda numbers: numbers[places], weight)


_MOVED = (
    "reshape", "view", "flatten", "ravel", "permute", "transpose", "t", "movedim", "moveaxis", "swapaxes",
    "squeeze", "unsqueeze", "expand", "expand_as", "broadcast_to", "flip", "roll", "chunk", "split", "unbind",
    "select", "narrow", "index_select", "gather", "take", "diagonal", "diag", "tril", "triu", "repeat",
    "repeat_interleave", "tile", "unfold", "unflatten", "masked_select", "take_along_dim", "pixel_shuffle",
    "pixel_unshuffle", "view_as", "reshape_as", "adjoint", "rot90",
)  # fmt: skip

_SAME = (
    "contiguous",
    "clone",
    "float",
    "double",
    "to",
    "type",
    "type_as",
    "cpu",
    "requires_grad_",
    "alias",
    "identity",
)


def _shape(tensor: RecordedTensor, dim: int | None = None) -> Any:
    return tensor.shape if dim is None else tensor.shape[dim]


def _dropout(tensor: Any, p: float = 0.5, training: bool = True, **options: Any) -> Any:
    if training and p:
        unrecorded("dropout", "dropout")
    return lifted(tensor)


def _plain(name: str) -> Callable[..., Any]:
    """Return a function whose result is no recorded number: places, or an array of ones in a shape."""

    def compute(*arguments: Any, **options: Any) -> Any:
        given = [each.numbers if isinstance(each, RecordedTensor) else each for each in arguments]
        return getattr(torch(), name)(*given, **options)

    return compute


def _nearest(
    tensor: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", *rest: Any, **options: Any
) -> Any:
    """Return an image in which every number is repeated."""
    if mode != "nearest":
        unrecorded(f"interpolate with mode={mode!r}")

    def enlarge(numbers: Any) -> Any:
        return torch().nn.functional.interpolate(numbers.double(), size, scale_factor, mode).long()

    return rearranged(enlarge, tensor)


def _difference(tensor: Any, n: int = 1, dim: int = -1) -> Any:
    """Return what each element has more than the one before it, n times."""
    found: Any = lifted(tensor)
    for _ in range(n):
        length = found.shape[dim] - 1
        found = recorded_call("narrow", found, dim, 1, length) - recorded_call("narrow", found, dim, 0, length)
    return found


def _broadcast(tensors: Sequence[Any]) -> Any:
    shape = numpy.broadcast_shapes(*(each.shape for each in tensors))
    return tuple(each if tuple(each.shape) == shape else each.expand(shape) for each in tensors)


def _glu(first: Any, second: Any) -> Any:
    return first * recorded_call("sigmoid", second)


FUNCTIONS.update(
    {
    **{name: _moved(name) for name in _MOVED},
    **{name.strip("_"): lambda tensor, *arguments, **options: tensor for name in _SAME},
    "getitem": _getitem, "cat": _joined("cat"), "concat": _joined("cat"), "concatenate": _joined("cat"),
    "stack": _joined("stack"), "pad": pad, "embedding": embedding, "size": _shape, "dim": lambda tensor: tensor.ndim,
    "numel": lambda tensor: math.prod(tensor.shape), "dropout": _dropout, "dropout1d": _dropout, "dropout2d": _dropout,
    "alpha_dropout": _dropout, "feature_dropout": _dropout,
    "glu": lambda tensor, dim=-1: _glu(*recorded_call("chunk", tensor, 2, dim)),
    "is_floating_point": lambda tensor: True, "is_complex": lambda tensor: False,
    **{name: _plain(name) for name in (
        "argmax", "argmin", "zeros_like", "ones_like", "full_like", "eq", "ne", "isnan", "isinf", "isfinite",
    )},
    "ndimension": lambda tensor: tensor.ndim, "diff": _difference,
    "broadcast_tensors": lambda *tensors: _broadcast(tensors[0] if len(tensors) == 1 else tensors),
    "interpolate": _nearest, "detach": lambda tensor: lifted(lifted(tensor).numbers),
    }
)  # fmt: skip
