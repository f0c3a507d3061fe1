"""What the marks of a class say of the homework: how hard each answer was, and how well it tells students apart."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symbackprop.homework.marking import Mark

PARTS = 10
"""Parts of the range of the totals in which students are counted."""
FEWEST = 3
"""Students of whom a correlation says something, at least."""


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
    found = {}
    for place, answer in enumerate(mark.answer for mark in next(iter(marks.values()), ())):
        parts = [float(own[place].points / own[place].most) for own in marks.values()]
        rest = [float(sum(mark.points for mark in own) - own[place].points) for own in marks.values()]
        found[answer.id] = ItemStatistics(statistics.mean(parts), _correlation(parts, rest))
    return found


def _correlation(parts: Sequence[float], rest: Sequence[float]) -> float | None:
    if len(parts) < FEWEST:
        return None
    try:
        return statistics.correlation(parts, rest)
    except statistics.StatisticsError:  # all have the same
        return None


def distribution(totals: Sequence[Fraction], most: Fraction) -> list[tuple[Fraction, Fraction, int]]:
    """Return how many students have points from a number on and below another one; full marks are in the last part.

    >>> distribution([Fraction(0), Fraction(5), Fraction(10)], Fraction(10))[-1]
    (Fraction(9, 1), Fraction(10, 1), 1)
    """
    counts = [0] * PARTS
    for total in totals:
        counts[max(0, min(PARTS - 1, int(total * PARTS / most)))] += 1
    return [(most * part / PARTS, most * (part + 1) / PARTS, count) for part, count in enumerate(counts)]
