"""Critical points of a loss in one or two parameters, and their kind.

Where the loss is a rational function of the parameters with fractions for numbers, SymPy isolates all real zeros of the
gradient, and the answer is complete. Otherwise they are searched for numerically, from a fixed grid of starts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

from symbackprop.arithmetic import exact
from symbackprop.curvature import newton_search
from symbackprop.curvature.hessian import hessian_at
from symbackprop.curvature.linear_systems import Row
from symbackprop.curvature.tangents import CurvatureError, Sweep, elements, free
from symbackprop.derivation.derivations import derivation_of
from symbackprop.errors import EvaluationError
from symbackprop.evaluation.arithmetics import EXACT, Value
from symbackprop.messages import message
from symbackprop.problems.accepted import ProblemLike

if TYPE_CHECKING:
    import sympy

_DEGENERATE = 1e-20
"""A second derivative smaller than this, relative to the largest or to 1, counts as zero."""

_REACH = 10
"""The numeric search covers parameters from −10 to 10, or to twice the problem's own values if that is more."""

_MOST_EFFORT = 700
"""Of a pass: in formulas that take more, critical points are not looked for (a search takes hundreds of passes)."""


class Kind(StrEnum):
    """What a critical point is, by the signs of the eigenvalues of its Hessian.

    `degenerate` has a zero among them and no two of opposite sign; at a `kink` there is no second derivative.
    """

    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    SADDLE = "saddle"
    DEGENERATE = "degenerate"
    KINK = "kink"


@dataclass(frozen=True, slots=True)
class CriticalPoint:
    """A point at which the gradient is zero, or changes sign at a kink; numbers are fractions or have 50 digits."""

    parameters: Mapping[str, Value]
    loss: Value
    kind: Kind
    eigenvalues: Row

    @property
    def floats(self) -> Mapping[str, float]:
        """The parameters in float64."""
        return {name: float(value) for name, value in self.parameters.items()}


@dataclass(frozen=True, slots=True)
class CriticalPoints:
    """The critical points, in order of their parameters.

    `curves` are polynomials in the parameters: every real zero of one is critical (0: every point is). `is_complete` says
    that points and curves are all there are; if not, the points are those that a search found in `box` (the range of each
    parameter), where a stretch or a curve of critical points is represented by some of its points.
    """

    points: tuple[CriticalPoint, ...]
    curves: tuple[sympy.Expr, ...]
    is_complete: bool
    box: tuple[tuple[float, float], ...] = ()

    def of_kind(self, kind: Kind) -> tuple[CriticalPoint, ...]:
        """Return the points of one kind."""
        return tuple(point for point in self.points if point.kind is kind)


def critical_points(problem: ProblemLike) -> CriticalPoints:
    """Return the critical points of the loss in the one or two parameters that are not frozen.

    (Goodfellow, Bengio and Courville, Deep Learning, 2016, section 4.3; the test by second derivatives is in section
    4.3.1.) Raises `CurvatureError` for more parameters, or where a long formula leaves no time for a search or numbers are
    too large for one,
    `MissingValueError` where numbers are left out.

    >>> import symbackprop
    >>> for point in critical_points(symbackprop.example("local_minima")).points:
    ...     print(point.kind, point.parameters["w"], point.loss)
    minimum -1 9/4
    maximum 0 8/3
    minimum 2 0
    """
    derivation = derivation_of(problem)
    elements(derivation)
    unfrozen = free(derivation)
    if len(unfrozen) > 2:
        raise CurvatureError(message("curvature.dimensions", count=len(unfrozen)), where=derivation.problem.name)
    sweep = Sweep(derivation, EXACT, unfrozen)
    from symbackprop.curvature import polynomial_systems  # SymPy takes longer to import than all the rest

    exactly = polynomial_systems.critical_places(derivation, sweep)
    if exactly is not None:
        places, curves = exactly
        return CriticalPoints(_ordered(_point(sweep, place) for place in places), curves, True)
    if len(unfrozen) == 1 and sweep.effort > _MOST_EFFORT:
        raise CurvatureError(message("curvature.effort"), where=derivation.problem.name)
    sizes = [2 * abs(float(sweep.shared[name])) for name in unfrozen]
    if not all(map(math.isfinite, sizes)):
        raise CurvatureError(message("curvature.far"), where=derivation.problem.name)
    reaches = [Fraction(max(_REACH, math.ceil(size))) for size in sizes]
    found = newton_search.on_line(sweep, *reaches) if len(unfrozen) == 1 else newton_search.in_plane(sweep, reaches)
    points = [_point(sweep, place) for place in newton_search.distinct(found, 1e-15)]
    box = tuple((-float(reach), float(reach)) for reach in reaches)
    return CriticalPoints(_ordered(_thinned(points, reaches)), (), False, box)


def _thinned(points: Iterable[CriticalPoint | None], reaches: Sequence[Fraction]) -> Iterator[CriticalPoint | None]:
    """Yield the points; of degenerate ones, which need not be isolated, those a cell of an even grid apart."""
    spacing = float(2 * max(reaches)) / (newton_search.LINE if len(reaches) == 1 else newton_search.GRID)
    kept: list[Row] = []
    for point in points:
        if point is not None and point.kind is Kind.DEGENERATE:
            place = tuple(point.parameters.values())
            if any(newton_search.distance(place, other) < spacing for other in kept):
                continue
            kept.append(place)
        yield point


def _ordered(points: Iterable[CriticalPoint | None]) -> tuple[CriticalPoint, ...]:
    kept = [point for point in points if point is not None]
    return tuple(sorted(kept, key=lambda point: tuple(map(float, point.parameters.values()))))


def _point(sweep: Sweep, place: Row) -> CriticalPoint | None:
    """Return the critical point at a place, None where the loss has no value there."""
    parameters = dict(zip(sweep.parameters, map(exact.settle, place), strict=True))
    try:
        found = hessian_at(sweep, parameters)
    except EvaluationError:
        return None
    kind = Kind.KINK if found.kinks else _kind(found.eigenvalues)
    return CriticalPoint(parameters, found.loss, kind, found.eigenvalues)


def _kind(eigenvalues: Row) -> Kind:
    """Return the kind of a critical point that is no kink."""
    tolerance = _DEGENERATE * max(1.0, *(abs(float(value)) for value in eigenvalues))
    signs = {0 if abs(value) <= tolerance else -1 if value < 0 else 1 for value in eigenvalues}
    if {-1, 1} <= signs:
        return Kind.SADDLE
    if 0 in signs:
        return Kind.DEGENERATE
    return Kind.MINIMUM if signs == {1} else Kind.MAXIMUM
