"""Long sums of products, p₁q₁ + p₂q₂ + …, in whole numbers.

A number of a column is a whole number over what all of the column are brought over, and so the sum is one of whole numbers,
at a twentieth of the time that as many fractions or 50-digit floats take. Sums of fractions come out as they do one by one;
a sum with floats in it is rounded once, at its end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from operator import mul

from mpmath import libmp

from symbackprop.arithmetic import exact
from symbackprop.arithmetic.perturbed_rationals import LONGEST_BITS
from symbackprop.arithmetic.real_numbers import CONTEXT, Exact, Real

_LONGEST = LONGEST_BITS // 2 - 1
"""Whole numbers of more binary digits are none that a sum is quicker with; products of shorter ones stay fractions."""
_FARTHEST = 2 * _LONGEST
"""Floats whose exponents are farther from 0 are added one by one: small ones are kept beside large ones."""


class Column:
    """Exact numbers that stand in a sum of products, beside those of another column; made ready when a sum is taken."""

    __slots__ = ("_whole", "values")

    def __init__(self, values: Sequence[Exact]) -> None:
        self.values = values
        self._whole: tuple[list[int], int, bool] | None = None

    def whole(self) -> tuple[list[int], int, bool]:
        """Return whole numbers, what they are all over, and whether any is a float; no numbers where they do not fit."""
        if self._whole is None:
            self._whole = _fractions(self.values) or _floats(self.values) or ([], 1, False)
        return self._whole


def addends(left: Column, right: Column) -> list[Exact]:
    """Return numbers whose sum is that of the products of the numbers of two columns: one, or where it has to be all.

    >>> half = Fraction(1, 2)
    >>> addends(Column([half, half]), Column([half, Fraction(3)]))
    [Fraction(7, 4)]
    """
    (above, over, has_floats), (beside, under, others) = left.whole(), right.whole()
    if above and beside:
        total = sum(map(mul, above, beside))
        if not (has_floats or others):
            return [Fraction(total, over * under)]
        if total:
            return [CONTEXT.make_mpf(libmp.from_rational(total, over * under, CONTEXT.prec, "n"))]
    return list(map(exact.multiply, left.values, right.values))


def _fractions(values: Sequence[Exact]) -> tuple[list[int], int, bool] | None:
    """Return fractions over what they have in common."""
    if set(map(type, values)) != {Fraction}:
        return None
    denominators = [value.denominator for value in values]
    common = math.lcm(*set(denominators))
    times = {each: common // each for each in set(denominators)}
    found = [value.numerator * times[below] for value, below in zip(values, denominators, strict=True)]
    return _short(found, common, has_floats=False)


def _floats(values: Sequence[Exact]) -> tuple[list[int], int, bool] | None:
    """Return floats, with exact zeros between them, over a power of two; not −∞, which has an exponent below all others."""
    if not set(map(type, values)) <= {Real, Fraction} or any(type(value) is Fraction and value for value in values):
        return None
    parts = [value._mpf_ if type(value) is Real else libmp.fzero for value in values]
    exponents = [exponent for _, mantissa, exponent, _ in parts if mantissa]
    if any(exponent and not mantissa for _, mantissa, exponent, _ in parts) or not exponents:
        return None
    least = min(*exponents, 0)
    if least < -_FARTHEST or max(exponents) > _FARTHEST:
        return None
    found = [
        (-mantissa if sign else mantissa) << (exponent - least) if mantissa else 0
        for sign, mantissa, exponent, _ in parts
    ]
    return found, 1 << -least, True


def _short(found: list[int], common: int, *, has_floats: bool) -> tuple[list[int], int, bool] | None:
    longest = max(map(int.bit_length, (*found, common)))
    return None if longest > _LONGEST else (found, common, has_floats)
