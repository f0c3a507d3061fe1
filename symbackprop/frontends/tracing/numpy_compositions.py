"""NumPy's functions that are formulas of other functions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy

from symbackprop.frontends.tracing.numpy_functions import REDUCTIONS
from symbackprop.frontends.tracing.numpy_rearrangements import pad, reshape
from symbackprop.frontends.tracing.precedence import call
from symbackprop.frontends.tracing.recorded import FUNCTIONS, Recorded, recorded, refuse
from symbackprop.messages import message


def _average(array: Any, axis: Any = None, weights: Any = None, **options: Any) -> Any:
    """Record a mean, or the sum of what has weights over that of the weights."""
    if weights is None:
        return REDUCTIONS["mean"](array, axis, **options)
    given, factors = recorded(array), recorded(weights)
    total = REDUCTIONS["sum"](factors, axis if factors.ndim == given.ndim else None)
    if factors.ndim < given.ndim:
        factors = _along(factors, axis, given.ndim)
    return REDUCTIONS["sum"](given * factors, axis, **options) / total


def _along(vector: Any, axis: int, rank: int) -> Any:
    """Return a vector that runs along an axis of arrays with so many axes."""
    behind = rank - 1 - axis % rank
    return reshape(vector, (-1, *[1] * behind)) if behind else vector


def _difference(array: Any, n: int = 1, axis: int = -1, **options: Any) -> Any:
    """Record what each element has more than the one before it, n times."""
    if options:
        refuse(message("trace.option", name="diff", option=next(iter(options))))
    found = recorded(array)
    for _ in range(n):
        before, behind = _neighbours(found, axis)
        found = behind - before
    return found


def _neighbours(array: Any, axis: int) -> tuple[Any, Any]:
    """Return an array without its last, and without its first element along an axis."""
    lead = (slice(None),) * (axis % array.ndim)
    return array[(*lead, slice(None, -1))], array[(*lead, slice(1, None))]


def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Record the area below a line through points."""
    before, behind = _neighbours(recorded(y), axis)
    width = dx
    if x is not None:
        points = recorded(x)
        width = _difference(points, axis=axis if points.ndim > 1 else -1)
        if points.ndim < before.ndim:
            width = _along(width, axis, before.ndim)
    return REDUCTIONS["sum"](width * (before + behind) / 2, axis)


def _polynomial(coefficients: Any, x: Any) -> Any:
    """Record the value of a polynomial, by Horner's rule."""
    return functools.reduce(lambda value, coefficient: value * x + coefficient, recorded(coefficients))


def _selected(conditions: Sequence[Any], choices: Sequence[Any], default: Any = 0) -> Any:
    """Record the choice beside the first condition that holds."""
    pairs = list(zip(conditions, choices, strict=True))[::-1]
    return functools.reduce(lambda rest, pair: FUNCTIONS[numpy.where](*pair, rest), pairs, default)


def _correlate(array: Any, kernel: Any, mode: str = "valid") -> Any:
    """Record sums of products of a kernel and what it meets while it slides over an array, or over that among zeros."""
    given, sliding = recorded(array), recorded(kernel)
    if given.ndim != 1 or sliding.ndim != 1 or sliding.size > given.size or mode not in _SLIDING:
        refuse(message("trace.option", name="correlate", option=repr(mode)))
    first, last = _SLIDING[mode](sliding.size)
    given = pad(given, (first, last))
    value = numpy.correlate(given.value, sliding.value, "valid")
    return Recorded(value, call("conv1d"), [given, sliding])


_SLIDING: Mapping[str, Callable[[int], tuple[int, int]]] = {
    "valid": lambda size: (0, 0),
    "same": lambda size: (size // 2, (size - 1) // 2),
    "full": lambda size: (size - 1, size - 1),
}
"""By the mode: how many zeros stand before and behind an array over which a kernel slides."""


def _convolve(array: Any, kernel: Any, mode: str = "full") -> Any:
    """Record the same with the shorter array turned round."""
    given, sliding = sorted((recorded(array), recorded(kernel)), key=lambda each: -each.size)
    return _correlate(given, Recorded(sliding.value[::-1], call("flip"), [sliding]), mode)


FUNCTIONS.update(
    {
        numpy.average: _average,
        numpy.diff: _difference,
        numpy.convolve: _convolve,
        numpy.correlate: _correlate,
        numpy.ptp: lambda array, axis=None: REDUCTIONS["max"](array, axis) - REDUCTIONS["min"](array, axis),
        numpy.append: lambda array, more, axis=None: FUNCTIONS[numpy.concatenate]([array, more], axis),
        numpy.polyval: _polynomial,
        numpy.trapezoid: _trapezoid,
        numpy.select: _selected,
        numpy.linalg.multi_dot: lambda arrays: functools.reduce(FUNCTIONS[numpy.dot], arrays),
    }
)
