"""Answers that are alike on many sheets, of which a teacher is told before anything is given out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy

from symbackprop.by_hand.hand_computation import NEW
from symbackprop.catalog.optimizers import RATE
from symbackprop.homework.assignments.problem_sets import ClassNumbers
from symbackprop.messages import Message, message, some

FEWEST, MOST = 50, 1000
"""Students of whom a share says something, and so many of them are looked at."""
BY_CHANCE = 0.1
"""The share of the points that is worth a remark."""
_LEAST_SPREAD = 1e-4
"""Steps that differ by no larger share are the same step."""


def remarks(whole: ClassNumbers) -> Iterator[Message]:
    """Yield what a teacher is told of the sheets of a class."""
    yield from _same_steps(whole)
    share = share_of_constants(whole) if len(whole.students) >= FEWEST else 0.0
    if share > BY_CHANCE:
        yield message("homework.by_chance", percent=round(100 * share))


def share_of_constants(whole: ClassNumbers) -> float:
    """Return the share of the points that the best row of numbers, the same for everybody, gets by chance alone.

    Of each answer that is the number which is right on most sheets, but 0, which earns nothing by itself. It is the most
    that any such row can get, before what follows from it.
    """
    found = 0.0
    for id, points in whole.given.most.items():
        values, allowed = whole.values[id][:MOST], whole.tolerances[id][:MOST]
        # A number is right where it is within the tolerance of a sheet: those that meet begin and end one after the other.
        starts, ends = (numpy.sort(each[values != 0]) for each in (values - allowed, values + allowed))
        open_ones = numpy.arange(1, len(starts) + 1) - numpy.searchsorted(ends, starts, side="left")
        found += float(points) * int(open_ones.max(initial=0)) / len(values)
    return found / float(whole.given.total)


def _same_steps(whole: ClassNumbers) -> Iterator[Message]:
    """Yield a remark where new values are the old ones plus or minus the same share of the learning rate for everybody.

    So they are in the first step of Adam, whatever the gradient.
    """
    alike = []
    for cohort, answer in ((part, answer) for part in whole.parts for answer in part.given.answers):
        old = answer.key.removeprefix(NEW)
        if old == answer.key or old not in cohort.given.computation.leaves or len(cohort.students) < 2:
            continue
        step = numpy.abs(cohort.values[answer.key] - cohort.values[old]) / numpy.abs(cohort.values[RATE])
        if step.max() > 0 and numpy.ptp(step) <= _LEAST_SPREAD * step.max():
            alike.append(answer.id)
    if alike:
        yield message("homework.same_steps", count=len(alike), names=some(alike))
