"""Columns rounded to significant digits, as numbers are printed, and whether what is computed of these rounds to others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy

from symbackprop.arithmetic.batched import MOST_DIGITS, ULP, Array, Column


@dataclass(frozen=True)
class Rounded:
    """A column rounded to significant digits.

    Beside the power of ten (`exponent`, 0: none) stands a number with its sign, with digits before and after the point.
    """

    value: Column
    digits: Array
    negative: Array
    before: Array
    after: Array
    exponent: Array
    mantissas: Array

    def texts(self) -> list[str]:
        """Return what stands beside the powers of ten."""
        return [f"{value:.{count}f}" for value, count in zip(self.mantissas.tolist(), self.after.tolist(), strict=True)]


_DIFFERENT = 1e-3
"""In units of the last digit."""

_SMALLEST_PLAIN, _LARGEST_PLAIN = -4, 7
_POWERS = numpy.array([10.0**power for power in range(-30, 31)])


def _magnitude(values: Array) -> Array:
    """Return the power of ten of the first digit of positive numbers."""
    found = numpy.clip(numpy.floor(numpy.log10(values)), -29, 29).astype(numpy.int64)
    found += values >= _POWERS[found + 31]
    return found - (values < _POWERS[found + 30])


def rounded(column: Column, digits: Array, which: Array) -> Rounded:
    """Return a column rounded to as many significant digits as each problem has; only the problems in `which` count.

    Set aside are numbers too near a tie, too long, or too large or too small.
    """
    ledger = column.ledger
    usable = which & (column.values != 0) & numpy.isfinite(column.values)
    ledger.doubt(which & ~usable)
    sizes = numpy.where(usable, abs(column.values), 1.0)
    power = _magnitude(sizes)
    scale = digits - 1 - power
    ledger.doubt(which & ((digits > MOST_DIGITS - 2) | (abs(scale) > 28)))
    scale = numpy.clip(scale, -28, 28)
    scaled = sizes * _POWERS[scale + 30]
    whole = numpy.rint(scaled)
    margin = column.errors * _POWERS[scale + 30] + scaled * 4 * ULP
    ledger.doubt(which & (abs(abs(scaled - whole) - 0.5) <= margin))
    is_next = whole >= _POWERS[numpy.clip(digits, 0, 30) + 30]
    power = power + is_next
    whole = numpy.where(is_next, whole / 10, whole)
    is_plain = (power >= _SMALLEST_PLAIN) & (power < numpy.minimum(_LARGEST_PLAIN, digits))
    exponent = numpy.where(is_plain, 0, power)
    decimals = numpy.clip(digits - 1 - power, -28, 28)
    places = numpy.where(is_plain, decimals, digits - 1)
    negative = (column.values < 0) & usable
    signed = numpy.where(negative, -whole, whole)
    mantissas = signed / _POWERS[places + 30]
    value = Column.printed(ledger, signed / _POWERS[decimals + 30], decimals)
    before = numpy.where(is_plain, numpy.maximum(power, 0), 0) + 1
    return Rounded(value, digits, negative, before, places, exponent, mantissas)


def rounded_to(column: Column, digits: int) -> Rounded:
    """Return a column rounded to as many significant digits for every problem."""
    everything = numpy.ones(column.ledger.count, dtype=bool)
    return rounded(column, numpy.full(column.ledger.count, digits), everything)


def undecided(found: Column, target: Column, digits: Array) -> tuple[Array, Array]:
    """Say for which problems a number, rounded to significant digits, is not the printed one, and where that is unsure."""
    is_zero = found.values == 0
    sizes = numpy.where(is_zero, abs(target.values), abs(found.values))
    sizes = numpy.where(sizes == 0, 1.0, sizes)
    unit = _POWERS[numpy.clip(_magnitude(sizes) - digits + 1, -30, 30) + 30]
    margin = (found.errors + target.errors) / unit
    scaled = found.values / unit
    whole = numpy.rint(scaled)
    # Near a power of ten the printed number may have digits that the other, rounded to as many, has not.
    differs = abs(whole - target.values / unit) > _DIFFERENT
    near = abs(abs(scaled - whole) - 0.5) <= margin
    if found.decimals is None:
        return differs, near
    # Decimals of that many places cannot come so near a tie without being one.
    is_tie = near & (_POWERS[30 - numpy.clip(found.decimals, 0, 30)] > 4 * margin * unit)
    return differs | is_tie, near & ~is_tie
