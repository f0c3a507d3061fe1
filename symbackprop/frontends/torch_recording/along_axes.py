"""What runs along axes: sums, means, the largest, norms, softmax."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from symbackprop.frontends.torch_recording.elementwise_functions import own
from symbackprop.frontends.torch_recording.recorded_tensors import (
    BLOCK,
    FUNCTIONS,
    RUNS,
    RecordedTensor,
    axes_of,
    composite,
    elementwise,
    in_shape,
    lifted,
    recorded_call,
    single,
    torch,
    unrecorded,
    with_axis_last,
)
from symbackprop.frontends.tracing import numpy_functions
from symbackprop.frontends.tracing.precedence import call

_JOINING = {"sum": numpy.add, "mean": numpy.add, "prod": numpy.multiply, "max": numpy.maximum, "min": numpy.minimum}


def _over_leading(name: str, cells: Any, axes: Sequence[int]) -> Any:
    """Return blocks joined along the axes before theirs, which have the length 1 then."""
    for axis in axes:
        parts = numpy.moveaxis(cells, axis, 0)
        total = parts[0, ...]
        for place in range(1, len(parts)):
            total = elementwise(_JOINING[name], RecordedTensor(total), RecordedTensor(parts[place, ...])).cells
        cells = numpy.expand_dims(total, axis)
    return cells


def _reduction(name: str) -> Callable[..., Any]:
    """Return what records a function along axes: of blocks first, then block by block."""

    def reduce(tensor: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        found = lifted(tensor)
        axes, rank = axes_of(found, dim), found.blocks[0].ndim
        lead = found.ndim - rank
        inner = tuple(axis - lead for axis in axes if axis >= lead)
        is_whole = len(inner) == rank
        keeps = (bool(lead) and not is_whole) or (keepdim and not is_whole)
        cells = numpy.empty(found.cells.shape, dtype=object)
        for index in numpy.ndindex(*cells.shape):
            block = found.cells[index]
            cells[index] = numpy_functions.REDUCTIONS[name](block, inner, keepdims=keeps) if inner else block
        if not lead and not (is_whole and keepdim):
            return RecordedTensor(cells)
        leading = [axis for axis in axes if axis < lead]
        cells = _over_leading(name, cells, leading)
        if name == "mean" and leading:
            cells = elementwise(
                numpy.divide, RecordedTensor(cells), math.prod(found.shape[axis] for axis in leading)
            ).cells
        shape = [1 if axis in axes else length for axis, length in enumerate(found.shape)]
        kept = shape if keepdim else [length for axis, length in enumerate(shape) if axis not in axes]
        return in_shape(cells.ravel(), kept) if is_whole else recorded_call("reshape", RecordedTensor(cells), kept)

    return reduce


_WITHOUT_PLACES = {"max": "amax", "min": "amin"}


def _extreme(name: str) -> Callable[..., Any]:
    """Return `max` or `min`: of everything, along one axis with the places, or of two."""

    def record(tensor: Any, dim: Any = None, keepdim: bool = False) -> Any:
        if isinstance(dim, RecordedTensor | torch().Tensor):
            return recorded_call(f"{name}imum", tensor, dim)
        found = lifted(tensor)
        if dim is None:
            return FUNCTIONS[_WITHOUT_PLACES[name]](found)
        places = getattr(torch(), name)(found.numbers, dim, keepdim)[1]
        if RUNS[-1].takes_first:
            result = first_extreme(name, recorded_call("movedim", found, dim, -1))
            result = recorded_call("unsqueeze", result, dim) if keepdim else result
        else:
            result = FUNCTIONS[_WITHOUT_PLACES[name]](found, dim, keepdim)
        return _Extreme(result, places)

    return record


def first_extreme(name: str, tensor: Any) -> Any:
    """Return the largest or smallest along the last axis; of several that are, the first has the gradient."""
    compare = numpy.greater_equal if name == "max" else numpy.less_equal
    found = tensor[..., 0]
    for place in range(1, tensor.shape[-1]):
        found = elementwise(lambda one, other: numpy.where(compare(one, other), one, other), found, tensor[..., place])
    return found


class _Extreme(tuple[Any, Any]):
    """Values and places, by name too."""

    __slots__ = ()

    def __new__(cls, values: Any, indices: Any) -> _Extreme:
        return super().__new__(cls, (values, indices))

    values = property(lambda self: self[0])
    indices = property(lambda self: self[1])


def _variance(is_root: bool) -> Callable[..., Any]:
    def record(
        tensor: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
    ) -> Any:
        found = lifted(tensor)
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        taken = correction if correction is not None else 1 if unbiased is None else int(unbiased)
        count = math.prod(found.shape[axis] for axis in axes_of(found, dim))
        distances: Any = found - recorded_call("mean", found, dim, True)
        result = recorded_call("sum", distances**2, dim, keepdim) / (count - taken)
        return recorded_call("sqrt", result) if is_root else result

    return record


def _with_mean(name: str) -> Callable[..., Any]:
    def record(tensor: Any, dim: Any = None, *rest: Any, keepdim: bool = False, **options: Any) -> Any:
        spread = recorded_call(name, tensor, dim, *rest, keepdim=keepdim, **options)
        return spread, recorded_call("mean", tensor, dim, keepdim)

    return record


def norm(tensor: Any, p: Any = 2, dim: Any = None, keepdim: bool = False, **options: Any) -> Any:
    """Return the root of the sum of squares, or the sum of absolute values."""
    found = lifted(tensor)
    order = options.get("ord", p)
    if order in (None, 2, 2.0, "fro"):
        if found.ndim <= BLOCK:
            axes = axes_of(found, dim)
            return single(numpy_functions.REDUCTIONS["norm"](found.blocks[0], axes, keepdims=keepdim))
        return recorded_call("sqrt", recorded_call("sum", found**2, dim, keepdim))
    if order in _OTHER_NORMS:
        return recorded_call(_OTHER_NORMS[order], recorded_call("abs", found), dim, keepdim)
    unrecorded(f"norm of order {order}")


_OTHER_NORMS = {1: "sum", math.inf: "amax"}
"""By the order of a norm what joins the absolute values."""


def _vector_norm(tensor: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, **options: Any) -> Any:
    return norm(tensor, ord, dim, keepdim)


def _along(name: str, keeps: bool) -> Callable[..., Any]:
    """Return a function of the language along one axis of a block, which another axis is brought to."""

    def record(tensor: Any, dim: Any = None, keepdim: Any = False, *rest: Any, **options: Any) -> Any:
        found = lifted(tensor)
        (axis,) = axes_of(found, -1 if dim is None else dim) or (0,)
        lead = found.ndim - found.blocks[0].ndim
        if axis < lead:
            moved = record(with_axis_last(found, axis))
            return recorded_call("movedim", moved, -1, axis) if keeps else moved
        is_last = keeps and axis == found.ndim - 1
        text = ["" if is_last or found.blocks[0].ndim == 1 else f"axis={axis - lead}"]
        is_kept = keeps or keepdim or not lead
        keepdim = (keepdim or bool(lead)) and not keeps
        function = getattr(torch(), name)

        def numbers(z: Any) -> Any:
            return function(z, axis - lead) if keeps else function(z, axis - lead, keepdim)

        writer = call(name, ", ".join([*filter(None, text), *["keepdims=true"] * keepdim]))
        cells = numpy.empty(found.cells.shape, dtype=object)
        for index in numpy.ndindex(*cells.shape):
            cells[index] = own(found.cells[index], numbers, writer)
        result = RecordedTensor(cells)
        return result if is_kept else recorded_call("squeeze", result, axis)

    return record


def _cumsum(tensor: Any, dim: int) -> Any:
    """Return sums of what comes before, along an axis of blocks."""
    found = lifted(tensor)
    (axis,) = axes_of(found, dim) or (0,)
    inner = axis - max(found.ndim - BLOCK, 0)
    if inner < 0:
        return recorded_call("movedim", _cumsum(with_axis_last(found, axis), -1), -1, axis)
    return composite("cumsum", lambda z: torch().cumsum(z, inner), found, **({"axis": inner} if inner else {}))


FUNCTIONS.update(
    {
    "sum": _reduction("sum"), "prod": _reduction("prod"), "amax": _reduction("max"), "amin": _reduction("min"),
    "mean": _reduction("mean"), "var": _variance(False), "std": _variance(True),
    "max": _extreme("max"), "min": _extreme("min"),
    "norm": norm, "linalg_norm": _vector_norm, "vector_norm": _vector_norm, "linalg_vector_norm": _vector_norm,
    "softmax": _along("softmax", True), "log_softmax": _along("log_softmax", True), "logsumexp": _along("logsumexp", False),
    "softmin": lambda tensor, dim=None, **options: recorded_call("softmax", -lifted(tensor), dim),
    "cumsum": _cumsum,
    **{f"{name}_mean": _with_mean(name) for name in ("var", "std")},
    "dist": lambda one, other, p=2: norm(lifted(one) - lifted(other), p),
    "trace": lambda tensor: recorded_call("sum", recorded_call("diagonal", tensor)),
    }
)  # fmt: skip
