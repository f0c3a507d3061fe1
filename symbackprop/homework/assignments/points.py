"""Points: shares of a total in whole units, so that what is printed adds up to it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from fractions import Fraction

UNIT = Fraction(1, 100)
"""The smallest part of a point: as many decimals are printed."""


def apportioned(weights: Mapping[str, Fraction], total: Fraction | None) -> dict[str, Fraction]:
    """Return the points of each answer, whole units in proportion to its weight, that add up to the total.

    What is left of the total after rounding down goes, a unit each, to the largest remainders, the first of equal ones
    first. Without a total the weights are the points, and their sum is the total.

    >>> [str(points) for points in apportioned(dict.fromkeys("abc", Fraction(1)), Fraction(10)).values()]
    ['167/50', '333/100', '333/100']
    """
    whole = sum(weights.values(), Fraction(0))
    units = round((whole if total is None else total) / UNIT)
    exact = {id: weight * units / whole for id, weight in weights.items()}
    found = {id: share // 1 for id, share in exact.items()}
    remainders = sorted(exact, key=lambda id: found[id] - exact[id])
    for id in remainders[: units - sum(found.values())]:
        found[id] += 1
    return {id: count * UNIT for id, count in found.items()}


@functools.lru_cache(maxsize=1 << 12)
def earned(most: Fraction, share: Fraction) -> Fraction:
    """Return a share of the points of an answer in whole units, half a unit up.

    >>> str(earned(Fraction(35, 100), Fraction(1, 2)))
    '9/50'
    """
    return (most * share / UNIT + Fraction(1, 2)) // 1 * UNIT
