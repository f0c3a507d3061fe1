"""NumPy's functions that only move, join and repeat elements, or put zeros among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy

from symbackprop.frontends.tracing.placing import elements_of, in_order, joined, zeros
from symbackprop.frontends.tracing.precedence import POWER, PRODUCT, Written, call, template
from symbackprop.frontends.tracing.recorded import Recorded, recorded, refuse, reshaped
from symbackprop.messages import message


def _concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Recorded:
    given = [recorded(each) for each in arrays]
    if axis is None:
        given, axis = [reshaped(each, (each.size,)) for each in given], 0
    value = numpy.concatenate([each.value for each in given], axis)
    if len(given) == 1:
        return given[0]
    return Recorded(value, call("concat", f"axis={axis % value.ndim}" if axis % value.ndim else ""), given)


def _stack(arrays: Sequence[Any], axis: int = 0) -> Recorded:
    given = [recorded(each) for each in arrays]
    value = numpy.stack([each.value for each in given], axis)
    if value.ndim == 1:
        return Recorded(value, lambda parts: Written(f"[{', '.join(part.text for part in parts)}]"), given)
    if value.ndim > 2:
        return Recorded(value, call("stack", f"axis={axis % value.ndim}" if axis % value.ndim else ""), given)
    rows = [reshaped(each, (1, each.size) if axis % value.ndim == 0 else (each.size, 1)) for each in given]
    return _concatenate(rows, axis % value.ndim)


def _vstack(arrays: Sequence[Any]) -> Recorded:
    given = [recorded(each) for each in arrays]
    return _concatenate([each if each.ndim > 1 else reshaped(each, (1, each.size)) for each in given], 0)


def _hstack(arrays: Sequence[Any]) -> Recorded:
    given = [recorded(each) for each in arrays]
    given = [each if each.ndim else reshaped(each, (1,)) for each in given]
    return _concatenate(given, 0 if given[0].ndim == 1 else 1)


def _column_stack(arrays: Sequence[Any]) -> Recorded:
    given = [recorded(each) for each in arrays]
    return _concatenate([each if each.ndim > 1 else reshaped(each, (each.size, 1)) for each in given], 1)


def reshape(array: Any, *shape: Any, **options: Any) -> Recorded:
    """Record an array in another shape, given as numbers or as a sequence."""
    if set(options) - {"newshape", "shape", "order"} or options.get("order", "C") != "C":
        refuse(message("trace.option", name="reshape", option=next(iter(options))))
    wanted = options.get("newshape", options.get("shape", shape))
    wanted = wanted[0] if len(wanted) == 1 and not isinstance(wanted[0], int | numpy.integer) else wanted
    given = recorded(array)
    return reshaped(given, numpy.empty(given.shape).reshape(wanted).shape)


def _rearranged(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what records a function whose results have elements of its argument, by where each comes from."""

    def rearrange(array: Any, *arguments: Any, **options: Any) -> Any:
        given = recorded(array)
        places = function(numpy.arange(given.size).reshape(given.shape), *arguments, **options)
        if isinstance(places, list):
            return [elements_of(given, each) for each in places]
        return elements_of(given, numpy.asarray(places))

    return rearrange


def _transpose(array: Any, *axes: Any, **options: Any) -> Recorded:
    given = recorded(array)
    order = options.get("axes", axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes)
    value = numpy.transpose(given.value, order or None)
    return in_order(given, order if order and value.ndim else range(given.ndim)[::-1])


def _diag(array: Any) -> Any:
    given = recorded(array)
    if given.ndim > 1:
        return _rearranged(numpy.diagonal)(given)
    return Recorded(numpy.diag(given.value), template(f"eye({given.size})*{{0}}", PRODUCT, POWER), [given])


def pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    """Record an array among zeros, or among elements of its own."""
    given = recorded(array)
    if mode not in ("constant", "edge", "reflect", "symmetric", "wrap"):
        refuse(message("trace.option", name="pad", option=f"mode={mode!r}"))
    if mode != "constant":
        return _rearranged(numpy.pad)(given, pad_width, mode, **options)
    if any(options.values()):
        refuse(message("trace.option", name="pad", option="constant_values"))
    for axis, widths in enumerate(numpy.broadcast_to(pad_width, (given.ndim, 2))):
        around = [(*given.shape[:axis], int(width), *given.shape[axis + 1 :]) for width in widths]
        before, after = ([zeros(shape)] if shape[axis] else [] for shape in around)
        given = joined([*before, given, *after], axis) if before or after else given
    return given


def _triangle(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what records a matrix with zeros above or below a diagonal."""
    return lambda array, k=0: recorded(array) * function(numpy.ones(recorded(array).shape[-2:]), k)


REARRANGEMENTS: Mapping[Callable[..., Any], Callable[..., Any]] = {
    numpy.concatenate: _concatenate,
    numpy.stack: _stack,
    numpy.vstack: _vstack,
    numpy.hstack: _hstack,
    numpy.column_stack: _column_stack,
    numpy.reshape: reshape,
    numpy.ravel: lambda array: reshape(array, -1),
    numpy.transpose: _transpose,
    numpy.diag: _diag,
    numpy.pad: pad,
    numpy.tril: _triangle(numpy.tril),
    numpy.triu: _triangle(numpy.triu),
    numpy.copy: recorded,
    **{
        function: _rearranged(function)
        for function in (
            numpy.squeeze, numpy.expand_dims, numpy.diagonal, numpy.flip, numpy.roll, numpy.take, numpy.repeat, numpy.tile,
            numpy.swapaxes, numpy.broadcast_to, numpy.atleast_1d, numpy.atleast_2d, numpy.atleast_3d, numpy.split,
            numpy.array_split, numpy.vsplit, numpy.hsplit, numpy.rot90, numpy.flipud, numpy.fliplr, numpy.moveaxis,
            numpy.resize,
        )
    },
}  # fmt: skip
"""By the function of NumPy's."""
