"""Zeros of a gradient whose components are rational functions of the parameters: SymPy isolates them all.

The derivation runs on symbols; what is zero are polynomials in one parameter or two.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import sympy

from symbackprop.algebra import symbolic
from symbackprop.algebra.formula import Node, Number, Power, Product, Quotient, Slot, Sum
from symbackprop.arithmetic import exact
from symbackprop.curvature.linear_systems import Row
from symbackprop.curvature.tangents import Sweep, is_rational
from symbackprop.derivation.derivations import Derivation
from symbackprop.evaluation.arithmetics import EXACT, Arithmetic, Value
from symbackprop.evaluation.evaluate import Evaluation, leaves

_GUARDED_DIGITS = 80
_HIGHEST_DEGREE = 100
"""Of the derivative of the loss, at most: a parameter that is squared 24 times has the degree 16,777,216."""
_MOST_CANDIDATES = 36
"""The largest product of the degrees of the two derivatives (Bézout's bound on their common zeros) for the exact way."""


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


@dataclass(frozen=True, slots=True)
class _Degrees:
    """The degrees that numerator and denominator of a rational function have at most, nothing cancelled."""

    above: int = 0
    below: int = 0

    def plus(self, other: _Degrees) -> _Degrees:
        below = self.below + other.below
        return _Degrees(max(self.above + other.below, other.above + self.below), below)

    def times(self, other: _Degrees) -> _Degrees:
        return _Degrees(self.above + other.above, self.below + other.below)

    def inverse(self) -> _Degrees:
        return _Degrees(self.below, self.above)


def _degrees_function(formula: Node, arity: int) -> Callable[..., _Degrees]:
    def found(part: Node, arguments: tuple[_Degrees, ...]) -> _Degrees:
        inside = [found(child, arguments) for child in part]
        match part:
            case Slot(index):
                return arguments[index]
            case Sum():
                return functools.reduce(_Degrees.plus, inside)
            case Product():
                return functools.reduce(_Degrees.times, inside)
            case Quotient():
                return inside[0].times(inside[1].inverse())
            case Power(_, Number(exponent)):
                above, below = (int(abs(exponent)) * degree for degree in (inside[0].above, inside[0].below))
                return _Degrees(above, below) if exponent > 0 else _Degrees(below, above)
        return inside[0] if inside else _Degrees()

    return lambda *arguments: found(formula, arguments)


_DEGREES = Arithmetic(lambda value: _Degrees(), _Degrees.plus, _Degrees.times, _degrees_function, lambda value: value)
"""The degrees of rational functions as an arithmetic."""


def _degree(derivation: Derivation, sweep: Sweep) -> int:
    """Return the degree that the numerator of a derivative of the loss has at most."""
    shared, data = leaves(derivation, _DEGREES)
    start = {**shared, **dict.fromkeys(sweep.parameters, _Degrees(above=1))}
    loss = Evaluation.of(derivation, _DEGREES, ()).forward(start, data).value(derivation.graph.output)
    return int(loss.above + loss.below)


def critical_places(derivation: Derivation, sweep: Sweep) -> tuple[list[Row], tuple[sympy.Expr, ...]] | None:
    """Return the isolated critical points and the curves of others; None for a loss not rational or of high degree."""
    shared, data = leaves(derivation, EXACT)
    rational = all(isinstance(value, Fraction) for table in (shared, *data) for value in table.values())
    if not rational or not is_rational(derivation, sweep.parameters):
        return None
    if _degree(derivation, sweep) > _HIGHEST_DEGREE:
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
