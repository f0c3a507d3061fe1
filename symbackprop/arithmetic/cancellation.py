"""Sums of floats, and how many digits were lost in them: a formula that lost too many is evaluated anew with more."""

from __future__ import annotations

import math
from typing import Any

from mpmath import libmp

from symbackprop.arithmetic.real_numbers import CONTEXT, Exact, Real

MOST_DIGITS = 500
"""Of a formula whose floats cancel: enough for what lacks to a saturated unit at |z| = 1000."""
LOST_BITS = 17
"""A sum may lose so many binary digits, five decimal ones, before its formula gets more."""


_SAME = Real("1e-46")
"""How far floats of 50 digits are apart, beside their size, that are one number."""


class Watch:
    """How many binary digits the floats of a formula have lost in a sum, at most."""

    lost = 0

    @classmethod
    def digits(cls) -> int:
        """Return the decimal digits that were lost."""
        return math.ceil(cls.lost * math.log10(2))


def added(left: Any, right: Any) -> Exact:
    """Return the sum of two floats by their fields; what no allowed digits tell from 0 is 0."""
    total = libmp.mpf_add(left, right, CONTEXT.prec, "n")
    if left[1] and right[1]:
        largest = max(left[2] + left[3], right[2] + right[3])
        lost = largest - total[2] - total[3] if total[1] else CONTEXT.prec
        if lost > LOST_BITS:
            Watch.lost = max(min(lost, CONTEXT.prec), Watch.lost)
            if lost + LOST_BITS > CONTEXT.prec and CONTEXT.dps >= MOST_DIGITS:
                return CONTEXT.zero
    return CONTEXT.make_mpf(total)


def is_tie(left: Exact, right: Exact) -> bool:
    """Say whether two numbers are one, two floats to their digits: one of them may have been rounded when it got a name."""
    if type(left) is not Real or type(right) is not Real:
        return bool(left == right)
    return bool(abs(left - right) <= _SAME * max(abs(left), abs(right)))
