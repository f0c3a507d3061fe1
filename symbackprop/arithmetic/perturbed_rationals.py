"""Perturbed rationals: a rational number with a small rest beside it, 1 − 5·10⁻⁴³⁵, and all digits of both.

A saturated activation is 1 to any number of digits that anybody would keep, and yet ln(1 − a) is wanted with all of its
digits. Such a number is held in two parts: the rational number that it is near, and the small rest, a float of its own.
Neither grows with the distance between them, so that σ(10⁹) is as quick as σ(10).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from mpmath import libmp

from symbackprop.arithmetic.cancellation import LOST_BITS, added
from symbackprop.arithmetic.real_numbers import CONTEXT, Exact, rational_root

LONGEST_BITS = 2000
"""Fractions inside a formula have no more binary digits above and below: squares of squares become floats."""

_SHORT_BITS = 64
_LARGEST_POWER = 64
_END_OF_ERFC = 10**150
"""Beyond, the square in exp(−x²) is larger than any float64: what erf lacks to ±1 is 0."""


@functools.total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class PerturbedRational:
    """base + rest, with a rational base and a float beside it that is far smaller; neither is 0. Made by `near`.

    To mpmath it is a real number, by its digits.
    """

    base: Fraction
    rest: Exact

    @property
    def _mpf_(self) -> Any:
        """The number as a float of mpmath has it, with the digits of the context."""
        return libmp.mpf_add(_bits(self.base), self.rest._mpf_, CONTEXT.prec, "n")

    @property
    def real(self) -> Exact:
        """The number as a float."""
        return CONTEXT.make_mpf(self._mpf_)

    def rounded(self) -> PerturbedRational:
        """Return the number with a rest of no more digits than the context has."""
        return PerturbedRational(self.base, +self.rest)

    def __add__(self, other: Exact) -> Exact:
        other = _exact(other)
        if isinstance(other, PerturbedRational):
            return near(self.base + other.base, _sum(self.rest, other.rest))
        if (known := rational(other)) is not None:
            return near(self.base + known, self.rest)
        if is_near(self.base, other):
            return near(self.base, _sum(self.rest, other))
        return _sum(_sum(_real(self.base), other), self.rest)

    def __neg__(self) -> PerturbedRational:
        return PerturbedRational(-self.base, -self.rest)

    def __sub__(self, other: Exact) -> Exact:
        return self + -other

    def __rsub__(self, other: Exact) -> Exact:
        return -self + other

    def __mul__(self, other: Exact) -> Exact:
        other = _exact(other)
        if isinstance(other, PerturbedRational):
            rest = _sum(_real(self.base) * other.rest, _real(other.base) * self.rest)
            return near(self.base * other.base, rest + self.rest * other.rest)
        if (known := rational(other)) is not None:
            return near(self.base * known, self.rest * _real(known)) if known else Fraction(0)
        return self.real * other

    def __truediv__(self, other: Exact) -> Exact:
        other = _exact(other)
        if isinstance(other, PerturbedRational):
            quotient = self.base / other.base
            return near(quotient, _sum(self.rest, -_real(quotient) * other.rest) / other.real)
        known = rational(other)
        return self.real / other if known is None else near(self.base / known, self.rest / _real(known))

    def __rtruediv__(self, other: Exact) -> Exact:
        return self.inverse() * other

    def inverse(self) -> Exact:
        """Return 1/(base + rest) = 1/base − rest/(base·(base + rest))."""
        return near(1 / self.base, -self.rest / (_real(self.base) * self.real))

    def __pow__(self, exponent: Exact) -> Exact:
        """Return base^n·(1 + rest/base)^n for a rational base^n; another power is a float."""
        whole = isinstance(exponent, Fraction | int) and exponent.denominator == 1
        if not (self.base == 1 or (whole and abs(exponent) <= _LARGEST_POWER)):
            return self.real ** _real(exponent)
        power = self.base ** (int(exponent) if whole else 1)
        change = CONTEXT.expm1(_real(exponent) * CONTEXT.log1p(self.rest / _real(self.base)))
        return near(power, _real(power) * change)

    __radd__, __rmul__ = __add__, __mul__

    def __abs__(self) -> PerturbedRational:
        return self if self.base > 0 else -self

    def __float__(self) -> float:
        return float(self.real)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PerturbedRational):
            return (self.base, self.rest) == (other.base, other.rest)
        return False if isinstance(other, Fraction | int | float) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.base, self.rest))

    def __lt__(self, other: Exact) -> bool:
        return bool(sign(self - other) < 0)


def sign(value: Exact) -> int:
    """Return −1, 0 or 1."""
    number = value.base if isinstance(value, PerturbedRational) else value
    return int(number > 0) - int(number < 0)


def _exact(value: Exact | float) -> Exact:
    """Return an operand as it is, and a float of the machine, such as a damping, as one of the context."""
    return CONTEXT.mpf(value) if isinstance(value, float) else value


def rational(value: Exact) -> Fraction | None:
    """Return a fraction, or a float of so few binary digits that it is what it says, 1 or 1/2; None for another."""
    if isinstance(value, Fraction | int):
        return Fraction(value)
    _, mantissa, exponent, length = value._mpf_
    if length > _SHORT_BITS or not -_SHORT_BITS < exponent < _SHORT_BITS or not mantissa:
        return None
    return Fraction(*libmp.to_rational(value._mpf_))


def is_near(base: Fraction, rest: Exact) -> bool:
    """Say whether a float is so small beside a rational number that their sum is kept in two parts."""
    _, mantissa, exponent, length = rest._mpf_
    if not (mantissa and base):
        return False
    size = base.numerator.bit_length() - base.denominator.bit_length()
    return bool(exponent + length + LOST_BITS < size)


def is_long(value: Fraction) -> bool:
    """Say whether a fraction has more digits than formulas go on with: they would grow with the number of its powers."""
    return max(value.numerator.bit_length(), value.denominator.bit_length()) >= LONGEST_BITS


def near(base: Fraction, rest: Exact) -> Exact:
    """Return base + rest: in two parts where the rest, a float, is far smaller than the rational base, a short one.

    >>> half = near(Fraction(1, 2), CONTEXT.mpf(10) ** -1000)
    >>> CONTEXT.nstr(half - Fraction(1, 2), 3), CONTEXT.nstr(2 * half - 1, 3), float(half)
    ('1.0e-1000', '2.0e-1000', 0.5)
    """
    if not base:
        return rest
    if is_long(base):
        return _sum(_real(base), rest)
    return PerturbedRational(base, rest) if is_near(base, rest) else _sum(_real(base), rest)


def square_root(value: PerturbedRational) -> Exact:
    """Return the square root of a positive number, in two parts where that of the base is rational."""
    root = rational_root(value.base, 2)
    if root is None:
        return CONTEXT.sqrt(value.real)
    return near(root, value.rest / (_real(root) + CONTEXT.sqrt(value.real)))


def logarithm(value: PerturbedRational) -> Exact:
    """Return the natural logarithm of a positive number, with all its digits near 1."""
    return CONTEXT.log1p(value.rest) if value.base == 1 else CONTEXT.log(value.real)


def exponential(small: Exact) -> Exact:
    """Return e to the power of a small number."""
    return near(Fraction(1), CONTEXT.expm1(small))


def cosine(small: Exact) -> Exact:
    """Return the cosine of a small number, 1 − 2 sin²(x/2)."""
    return near(Fraction(1), -2 * CONTEXT.sin(small / 2) ** 2)


def hyperbolic_tangent(large: Exact) -> Exact:
    """Return tanh of a number far from 0, ±(1 − 2/(e^|2x| + 1))."""
    lacking = 2 / (CONTEXT.exp(2 * abs(large)) + 1)
    return near(Fraction(1), -lacking) if large > 0 else near(Fraction(-1), lacking)


def error_function(large: Exact) -> Exact:
    """Return erf of a number far from 0, ±(1 − erfc|x|)."""
    lacking = CONTEXT.erfc(abs(large)) if abs(large) < _END_OF_ERFC else CONTEXT.zero
    return near(Fraction(1), -lacking) if large > 0 else near(Fraction(-1), lacking)


def _sum(left: Exact, right: Exact) -> Exact:
    return added(left._mpf_, right._mpf_)


def _real(value: Exact) -> Exact:
    return CONTEXT.make_mpf(_bits(value)) if isinstance(value, Fraction) else value


def _bits(value: Fraction) -> Any:
    return libmp.from_rational(value.numerator, value.denominator, CONTEXT.prec, "n")
