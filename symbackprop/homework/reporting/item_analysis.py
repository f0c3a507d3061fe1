"""What the marks of a class say of the homework: how hard each answer was, and how well it tells students apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy

from symbackprop.homework.marks.marking import Mark

PARTS = 10
"""Parts of the range of the totals in which students are counted."""
FEWEST = 3
"""Students of whom a correlation says something, at least."""
_ALIKE = 1e-6

Array = Any


@dataclass(frozen=True, slots=True)
class ItemStatistics:
    """An answer: the mean share of its points, and the correlation of that share with the points of all other answers.

    The correlation (corrected item-total correlation; Ebel and Frisbie, Essentials of Educational Measurement, 1991) is None
    where all have the same.
    """

    difficulty: float
    discrimination: float | None


def item_statistics(marks: Mapping[str, Sequence[Mark]]) -> dict[str, ItemStatistics]:
    """Return the statistics of each answer by its id, over the students whose marks are given."""
    first = next(iter(marks.values()), ())
    earned = (float(mark.points) for own in marks.values() for mark in own)
    points = numpy.fromiter(earned, dtype=float).reshape(-1, max(len(first), 1))
    totals = points.sum(axis=1)
    found = {}
    for mark, own in zip(first, points.T, strict=bool(first)):
        parts = own / float(mark.most)
        found[mark.answer.id] = ItemStatistics(float(parts.mean()), _correlation(parts, totals - own))
    return found


def _correlation(parts: Array, rest: Array) -> float | None:
    # Points are hundredths: what differs by less is the same.
    if len(parts) < FEWEST or min(numpy.ptp(parts), numpy.ptp(rest)) < _ALIKE:
        return None
    return float(numpy.corrcoef(parts, rest)[0, 1])


def distribution(totals: Sequence[Fraction], most: Fraction) -> list[tuple[Fraction, Fraction, int]]:
    """Return how many students have points from a number on and below another one; full marks are in the last part.

    >>> distribution([Fraction(0), Fraction(5), Fraction(10)], Fraction(10))[-1]
    (Fraction(9, 1), Fraction(10, 1), 1)
    """
    counts = [0] * PARTS
    for total in totals:
        counts[max(0, min(PARTS - 1, int(total * PARTS / most)))] += 1
    return [(most * part / PARTS, most * (part + 1) / PARTS, count) for part, count in enumerate(counts)]
