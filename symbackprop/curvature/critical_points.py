"""Critical points of a loss in one or two parameters, and their kind.

Where the loss is a rational function of the parameters with fractions for numbers, SymPy isolates all real zeros of the
gradient, and the answer is complete. Otherwise they are searched for numerically, from a fixed grid of starts.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

import sympy

from symbackprop.algebra import symbolic
from symbackprop.algebra.formula import Node, Slot
from symbackprop.arithmetic import exact
from symbackprop.curvature import newton_search
from symbackprop.curvature.hessian import hessian_at
from symbackprop.curvature.linear_systems import Row
from symbackprop.curvature.tangents import CurvatureError, Sweep, elements, free, is_rational
from symbackprop.derivation.derivations import Derivation, derivation_of
from symbackprop.errors import EvaluationError
from symbackprop.evaluation.evaluate import EXACT, Arithmetic, Evaluation, Value, leaves
from symbackprop.messages import message
from symbackprop.problems.accepted import ProblemLike

_DEGENERATE = 1e-20
"""A second derivative smaller than this, relative to the largest or to 1, counts as zero."""
_GUARDED_DIGITS = 80
_MOST_CANDIDATES = 36
"""The largest product of the degrees of the two derivatives (Bézout's bound on their common zeros) for the exact way."""

_REACH = 10
"""The numeric search covers parameters from −10 to 10, or to twice the problem's own values if that is more."""


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
    4.3.1.) Raises `CurvatureError` for more parameters, `MissingValueError` where numbers are left out.

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
    exactly = _exactly(derivation, sweep)
    if exactly is not None:
        places, curves = exactly
        return CriticalPoints(_ordered(_point(sweep, place) for place in places), curves, True)
    reaches = [Fraction(max(_REACH, math.ceil(2 * abs(float(sweep.shared[name]))))) for name in unfrozen]
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


# The exact way: zeros of polynomials


def _symbolic_function(formula: Node, arity: int) -> Callable[..., sympy.Expr]:
    def function(*arguments: sympy.Expr) -> sympy.Expr:
        return symbolic.to_sympy(formula, lambda part: arguments[part.index] if isinstance(part, Slot) else None)

    return function


_SYMBOLIC = Arithmetic(
    lambda value: symbolic.rational(Fraction(value)),
    lambda left, right: left + right,
    lambda left, right: left * right,
    _symbolic_function,
    sympy.cancel,
)
"""Rational functions as an arithmetic: the derivation runs on symbols."""


def _exactly(derivation: Derivation, sweep: Sweep) -> tuple[list[Row], tuple[sympy.Expr, ...]] | None:
    """Return the isolated critical points and the curves of others, None where the loss is no rational function."""
    shared, data = leaves(derivation, EXACT)
    rational = all(isinstance(value, Fraction) for table in (shared, *data) for value in table.values())
    if not rational or not is_rational(derivation, sweep.parameters):
        return None
    symbols = [symbolic.name_symbol(name) for name in sweep.parameters]
    leaf_values, samples = leaves(derivation, _SYMBOLIC)
    run = Evaluation.of(derivation, _SYMBOLIC, sweep.parameters)
    values = run.backward(run.forward({**leaf_values, **dict(zip(sweep.parameters, symbols, strict=True))}, samples))
    gradient = [sympy.fraction(sympy.cancel(values.gradient(name)))[0] for name in sweep.parameters]
    try:
        polynomials = [sympy.Poly(numerator, *symbols, domain="QQ") for numerator in gradient]
    except sympy.CoercionFailed:  # a coefficient such as sqrt(2)
        return None
    if len(symbols) == 1:
        (polynomial,) = polynomials
        return ([], (sympy.Integer(0),)) if polynomial.is_zero else ([(root,) for root in _real_roots(polynomial)], ())
    return _common_zeros(*polynomials)


def _common_zeros(first: sympy.Poly, second: sympy.Poly) -> tuple[list[Row], tuple[sympy.Expr, ...]] | None:
    """Return the common zeros of two polynomials in two variables: the isolated ones, and the factors they share."""
    if first.is_zero and second.is_zero:
        return [], (sympy.Integer(0),)
    common = sympy.gcd(first, second)
    curves = tuple(factor.as_expr() for factor, _ in common.factor_list()[1])
    left, right = sympy.quo(first, common), sympy.quo(second, common)
    if left.total_degree() * right.total_degree() > _MOST_CANDIDATES:
        return None
    if left.is_ground or right.is_ground:
        return [], curves
    # The resultant by one variable is zero at the other variable of every common zero (Cox, Little and O'Shea, Ideals,
    # Varieties, and Algorithms, 2015, section 3.6).
    candidates = []
    for kept, dropped in (first.gens, first.gens[::-1]):
        eliminated = sympy.Poly(sympy.resultant(left.as_expr(), right.as_expr(), dropped), kept, domain="QQ")
        candidates.append(_real_roots(eliminated))
    found = [pair for pair in itertools.product(*candidates) if _is_zero(left, pair) and _is_zero(right, pair)]
    return found, curves


def _real_roots(polynomial: sympy.Poly) -> list[Value]:
    """Return the distinct real roots: fractions, or reals of more than 50 digits."""
    found: list[Value] = []
    for root in dict.fromkeys(sympy.real_roots(polynomial)):
        if root.is_Rational:
            found.append(Fraction(int(root.p), int(root.q)))
        else:
            found.append(exact.CONTEXT.make_mpf(root.evalf(_GUARDED_DIGITS)._mpf_))
    return found


def _is_zero(polynomial: sympy.Poly, place: Row) -> bool:
    """Say whether a polynomial is zero at fractions, or zero within rounding at reals of 80 digits."""
    total: Value = Fraction(0)
    size: Value = Fraction(1)
    with exact.CONTEXT.workdps(_GUARDED_DIGITS):
        for powers, coefficient in polynomial.terms():
            term: Value = Fraction(int(coefficient.p), int(coefficient.q))
            for value, power in zip(place, powers, strict=True):
                term = exact.multiply(term, exact.power(value, Fraction(power)))
            total = exact.add(total, term)
            size = exact.add(size, abs(term))
    return bool(abs(total) <= 10.0 ** (15 - _GUARDED_DIGITS) * size)
