"""The numeric search for critical points: a fixed grid of starts, Newton's method and, on a line, changes of sign."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symbackprop.arithmetic import exact
from symbackprop.curvature import linear_systems
from symbackprop.curvature.linear_systems import Matrix, Row
from symbackprop.curvature.tangents import Sweep, second_kinks
from symbackprop.errors import EvaluationError
from symbackprop.evaluation.arithmetics import FLOAT, Value
from symbackprop.evaluation.differences import evenly_spread
from symbackprop.evaluation.evaluate import is_finite

LINE, GRID = 400, 20
"""Intervals of the grid of starts with one parameter, and in each direction with two."""
_FEWEST = 4
_LARGEST_WORK = 40_000
"""Starts in the plane times terms in all samples: a large batch has a coarser grid (some seconds)."""
_HALVINGS = 180
_LARGEST_EFFORT = 2_000
"""Changes of sign times the effort of a pass: of a wave with hundreds of them some are looked at (about a second)."""


@dataclass(frozen=True, slots=True)
class _Precision:
    """How Newton's method runs: until steps are below `tolerance`, none longer than `longest`, at most `most_steps`."""

    tolerance: float
    longest: float
    most_steps: int
    damping: float


_ROUGH = _Precision(1e-9, 2.0, 50, 1e-16)
_FINE = _Precision(1e-44, 0.1, 200, 1e-30)


def _system(sweep: Sweep, place: Row) -> tuple[Row, Matrix]:
    """Return gradient and Hessian at a place; NaN where they have no value."""
    try:
        return sweep.second(sweep.values(dict(zip(sweep.parameters, place, strict=True))))
    except (EvaluationError, ZeroDivisionError, OverflowError):
        lost = (float("nan"),) * len(place)
        return lost, (lost,) * len(place)


def _newton(sweep: Sweep, place: Row, reaches: Sequence[float], precision: _Precision) -> Row | None:
    """Return the zero of the gradient that Newton's method reaches from a place, if it stays within reach and does.

    Each step solves (H² + μI) p = −H g with a μ far below the eigenvalues that count, so that directions in which nothing
    changes are left alone (Nocedal and Wright, Numerical Optimization, 2006, section 10.3). It has arrived when the step is
    below the tolerance, or, at a degenerate zero, when the gradient is and the step is small. (Where a unit saturates, the
    gradient is tiny too, but the steps are not.)
    """
    convert = sweep.arithmetic.convert
    for _ in range(precision.most_steps):
        gradient, matrix = _system(sweep, place)
        if not all(is_finite(entry) for row in (gradient, *matrix) for entry in row):
            return None
        size = linear_systems.largest(matrix)
        if size == 0.0:
            return place if all(derivative == 0 for derivative in gradient) and _can_be_flat(sweep) else None
        # In the sweep's own numbers: with a float64 a fraction becomes one.
        damping = convert(precision.damping * exact.CONTEXT.mpf(size) ** 2)
        step, _ = linear_systems.solve(
            _damped(matrix, damping), tuple(-linear_systems.dot(row, gradient) for row in matrix)
        )
        if step is None:
            return None
        length = max(abs(float(change)) for change in step)
        shortened = convert(exact.CONTEXT.mpf(min(1.0, precision.longest / length) if length else 1))
        place = tuple(exact.add(x, exact.multiply(change, shortened)) for x, change in zip(place, step, strict=True))
        derivative = max(abs(float(derivative)) for derivative in gradient)
        if length <= precision.tolerance or (length <= precision.tolerance**0.25 and derivative <= precision.tolerance):
            return place
        if any(abs(float(x)) > 1.5 * reach for x, reach in zip(place, reaches, strict=True)):
            return None
    return None


def _damped(matrix: Matrix, damping: Value) -> Matrix:
    """Return H² + μI."""
    squared = [[linear_systems.dot(row, column) for column in matrix] for row in matrix]
    for place in range(len(matrix)):
        squared[place][place] = exact.add(squared[place][place], damping)
    return tuple(map(tuple, squared))


def _can_be_flat(sweep: Sweep) -> bool:
    """Say whether a loss can be constant on a stretch only: analytic formulas cannot, whatever rounding makes of them."""
    equations = sweep.derivation.elements.equations
    return any(second_kinks(term.form) for equation in equations for term in equation.terms)


def _polished(sweep: Sweep, place: Row) -> Row | None:
    """Return the zero of the gradient close to a place, in fractions if those make the gradient exactly zero."""
    start = tuple(exact.CONTEXT.mpf(exact.to_real(x)) for x in place)
    found = _newton(sweep, start, [math.inf] * len(place), _FINE)
    if found is None or distance(found, place) > 0.1:
        return None
    near = tuple(map(linear_systems.fraction_near, found))
    return near if None not in near and not any(_system(sweep, near)[0]) else found


def on_line(sweep: Sweep, reach: Fraction) -> Iterator[Row]:
    """Yield the critical points in one parameter: zeros of the gradient on the points of a grid and between them."""
    rough = Sweep(sweep.derivation, FLOAT, sweep.parameters)
    places = [reach * Fraction(2 * k - LINE, LINE) for k in range(LINE + 1)]
    derivatives = [_system(rough, (float(place),))[0][0] for place in places]
    start = 0
    for is_zero, group in itertools.groupby(derivatives, key=lambda derivative: derivative == 0):
        length = len(list(group))
        middle = places[start + length // 2]
        if is_zero and _system(sweep, (middle,))[0][0] == 0 and (length == 1 or _can_be_flat(sweep)):
            yield (middle,)
        start += length
    crossings = [
        between
        for between, (below, above) in zip(itertools.pairwise(places), itertools.pairwise(derivatives), strict=True)
        if below * above < 0
    ]
    for left, right in evenly_spread(crossings, max(_LARGEST_EFFORT // max(sweep.effort, 1), 1)):
        yield from _crossing(sweep, left, right)
    for place, before, here, after in zip(places[1:], derivatives, derivatives[1:], derivatives[2:], strict=False):
        if abs(here) < min(abs(before), abs(after)) and before * here > 0 and here * after > 0:
            touching = _polished(sweep, (place,))
            yield from [] if touching is None else [touching]


def _crossing(sweep: Sweep, left: Value, right: Value) -> Iterator[Row]:
    """Yield the place between two others at which the derivative changes sign: a zero or a kink, not a pole."""
    left, right = exact.to_real(left), exact.to_real(right)
    sign = _system(sweep, (left,))[0][0] > 0
    for halving in range(_HALVINGS):
        middle = (left + right) / 2
        if halving == _HALVINGS // 4:
            polished = _polished(sweep, (middle,))
            if polished is not None and left <= exact.to_real(polished[0]) <= right:
                yield polished
                return
        if (_system(sweep, (middle,))[0][0] > 0) is sign:
            left = middle
        else:
            right = middle
    here = ((left + right) / 2,)
    derivative = _system(sweep, here)[0][0]
    if abs(derivative) < 1e-15 or (is_finite(derivative) and sweep.kinks(sweep.values({sweep.parameters[0]: here[0]}))):
        yield here


def in_plane(sweep: Sweep, reaches: Sequence[Fraction]) -> Iterator[Row]:
    """Yield the critical points in two parameters that Newton's method reaches from the points of a grid."""
    rough = Sweep(sweep.derivation, FLOAT, sweep.parameters)
    intervals = max(_FEWEST, min(GRID, math.isqrt(_LARGEST_WORK // max(sweep.size, sweep.effort // 10))))
    fractions = [(2 * k - intervals) / intervals for k in range(intervals + 1)]
    limits = [float(reach) for reach in reaches]
    # Closer together near 0, where parameters usually are.
    ranges = [[reach * fraction * abs(fraction) for fraction in fractions] for reach in limits]
    starts = [tuple(float(sweep.shared[name]) for name in sweep.parameters), *itertools.product(*ranges)]
    reached = [_newton(rough, start, limits, _ROUGH) for start in starts]
    for place in distinct(reached, 1e-6):
        polished = _polished(sweep, place)
        if polished is not None and all(abs(float(x)) <= reach for x, reach in zip(polished, limits, strict=True)):
            yield polished


def distinct(places: Iterable[Row | None], spacing: float) -> list[Row]:
    """Return the places without those nearer than `spacing` to an earlier one."""
    kept: list[Row] = []
    for place in places:
        if place is not None and all(distance(place, other) > spacing for other in kept):
            kept.append(place)
    return kept


def distance(left: Row, right: Row) -> float:
    """Return the largest difference of two places in one parameter."""
    return max(abs(float(one) - float(other)) for one, other in zip(left, right, strict=True))
