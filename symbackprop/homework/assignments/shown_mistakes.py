"""Which mistakes the numbers of a draw show: some answer tells each from the right numbers, and each from the others.

A trial of fair draws says what the problem can show. All that is asked of a draw is a demand: a mistake at some places, or
two mistakes that are to stay apart. Demands are taken up one after another, those that most draws meet first, as long as
enough draws are left; what is not taken up is listed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from symbackprop.by_hand.array_arithmetic import ARRAYS
from symbackprop.by_hand.hand_computation import HandComputation
from symbackprop.by_hand.tolerance import Tolerance, half_unit
from symbackprop.homework.assignments.answers import Answer
from symbackprop.homework.assignments.degenerate import Verdict
from symbackprop.messages import Message, message
from symbackprop.mistakes.changes import Change, changes
from symbackprop.mistakes.consequences import Consequences
from symbackprop.mistakes.worksheets import Worksheet
from symbackprop.problems import Rounding

MEDIAN_TRIES = 3
"""Draws that are tried for half the students, if the problem admits it."""
MOST_LEFT = 0.75
"""A share of fair draws that is enough, however rare they are."""
MOST_LINES = 60_000
"""Lines that are computed anew for a draw: mistakes at many places come first, the rest is not looked at."""
FAR = 1e300
"""A deviation that is not finite."""

Array = Any
NumbersByKey = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Unshown:
    """What answers do not tell: mistakes that pass for right, and pairs that make the same answers; by the ids of rows.

    `never` are those that no draw of the trial tells in any of their forms, `sometimes` those that some draws do, or in
    some forms.
    """

    never: tuple[str, ...] = ()
    sometimes: tuple[str, ...] = ()
    alike: tuple[tuple[str, str], ...] = ()

    def remarks(self) -> Iterator[Message]:
        """Yield what a teacher is told of it."""
        if self.never:
            yield message("homework.never_shown", mistakes=_named(self.never))
        if self.sometimes:
            yield message("homework.not_always_shown", mistakes=_named(self.sometimes))
        if self.alike:
            pairs = [message("homework.alike_pair", one=one, other=other) for one, other in self.alike]
            yield message("homework.alike_mistakes", pairs=pairs)


def _named(ids: Sequence[str]) -> list[Message]:
    return [message("homework.unshown", mistake=message(f"slip.{id}"), id=id) for id in ids]


class ShownMistakes:
    """The mistakes that can be made on the way to what is asked, made ready to be looked for in many draws at once.

    What is demanded of draws is said by `demand`, from a trial; before that nothing is. `apart` are the pairs of changes, by
    their places, that are to stay apart.
    """

    def __init__(self, computation: HandComputation, answers: Sequence[Answer], rounding: Rounding) -> None:
        self._keys = [answer.key for answer in answers]
        self._rounding = rounding
        self._tolerances = {key: Tolerance(computation, key, rounding, ARRAYS) for key in self._keys}
        self._consequences = Consequences(computation, ARRAYS)
        self.changes = tuple(self._considered(computation))
        self._demanded: dict[int, None] = {}
        self._whole = list(_whole(self.changes))
        self._pairs = [
            (one, other)
            for one, other in itertools.combinations(self._whole, 2)
            if self.changes[one].mistake is not self.changes[other].mistake
        ]
        self.apart: list[tuple[int, int]] = []
        self.unshown = Unshown()

    @property
    def demanded_everywhere(self) -> list[int]:
        """The places among the changes of those that are demanded, and made wherever they can be."""
        return [place for place in self._whole if place in self._demanded]

    @property
    def demands_something(self) -> bool:
        """Whether draws are to show anything."""
        return bool(self._demanded or self.apart)

    def _considered(self, computation: HandComputation) -> Iterator[Change]:
        """Yield the mistakes that change something asked, at many places first, as long as they are not too many."""
        asked = frozenset(self._keys)
        found = [change for change in changes(Worksheet(computation)) if not change.mistake.is_convention]
        lines = 0
        for change in sorted(found, key=lambda change: -len(change.sites)):
            reach = self._consequences.reach(change)
            if not asked.isdisjoint(reach):
                lines += len(reach)
                if lines > MOST_LINES:
                    return
                yield change

    def demand(self, values: NumbersByKey, share: float, kept: Sequence[Array]) -> None:
        """Take up demands that draws of a trial meet together, so that at least a share of these does.

        Each half of the trial has such a share, so that it is no chance, and each group of draws that is to be `kept`.
        """
        if not self.changes:
            return
        allowed = self._allowed(values)
        deviations = [self._deviation(change, values, allowed) for change in self.changes]
        told = numpy.array([_told(each) for each in deviations])
        apart = numpy.array([_told(deviations[one] - deviations[other]) for one, other in self._pairs])
        is_whole = frozenset(self._whole)
        met = numpy.concatenate([told, *([apart] if len(apart) else [])])
        often = met.mean(axis=1)
        order = sorted(
            range(len(met)),
            key=lambda place: (0 if place in is_whole else 1 if place < len(told) else 2, -often[place]),
        )
        chosen = _met_together(met, order, share, kept)
        self._demanded = dict.fromkeys(sorted(place for place in chosen if place < len(told)))
        self.apart = [self._pairs[place - len(told)] for place in chosen if place >= len(told)]
        self.unshown = self._not_taken_up(told, dict(zip(self._pairs, apart, strict=True)))

    def _not_taken_up(self, told: Array, apart: Mapping[tuple[int, int], Array]) -> Unshown:
        """Return what is not demanded, by rows: mistakes made at all their places, and pairs of these."""
        left_out = [place for place in self._whole if place not in self._demanded]
        # A mistake has several forms: the sign of one term, that of another.
        known = {self._id(place) for place in self._whole if place in self._demanded or told[place].any()}
        left = dict.fromkeys(map(self._id, left_out))
        never, sometimes = ([id for id in left if (id in known) is is_known] for is_known in (False, True))
        kept = set(self.apart)
        pairs = [pair for pair in apart if pair not in kept and not {self._id(each) for each in pair} & left.keys()]
        alike = dict.fromkeys((self._id(one), self._id(other)) for one, other in pairs)
        return Unshown(tuple(never), tuple(sometimes), tuple(alike))

    def _id(self, place: int) -> str:
        return self.changes[place].mistake.name

    def against(self, values: NumbersByKey) -> Iterator[Verdict]:
        """Yield the draws in which a mistake passes for right, or two that are to stay apart do not, with its id."""
        in_pairs = set(itertools.chain.from_iterable(self.apart))
        kept: dict[int, Array] = {}
        allowed = self._allowed(values)
        for place in sorted({*self._demanded, *in_pairs}):
            deviation = self._deviation(self.changes[place], values, allowed)
            if place in self._demanded:
                yield "mistake", self._id(place), ~_told(deviation)
            if place in in_pairs:
                kept[place] = deviation
        for one, other in self.apart:
            yield "alike", self._id(one), ~_told(kept[one] - kept[other])

    def _allowed(self, values: NumbersByKey) -> Array:
        """Return the tolerances of the answers: answers × draws."""
        count = len(next(iter(values.values())))
        return numpy.array([numpy.broadcast_to(each.of(values), (count,)) for each in self._tolerances.values()])

    def _deviation(self, change: Change, values: NumbersByKey, allowed: Array) -> Array:
        """Return how far a mistake takes each answer from the key, in tolerances, in each draw: answers × draws.

        What has no finite value is far away.
        """
        reached = self._consequences.under(change, values)
        found = numpy.zeros_like(allowed)
        rows = [row for row, key in enumerate(self._tolerances) if key in reached]
        keys = [key for key in self._tolerances if key in reached]
        wrong, right = (
            numpy.array([numpy.broadcast_to(numbers[key], found.shape[1:]) for key in keys])
            for numbers in (reached, values)
        )
        with numpy.errstate(all="ignore"):
            off = (wrong - right) / (allowed[rows] + half_unit(wrong, self._rounding))
        found[rows] = numpy.where(wrong == right, 0.0, numpy.nan_to_num(off, nan=FAR, posinf=FAR, neginf=-FAR))
        return found


def _met_together(met: Array, order: Iterable[int], share: float, kept: Sequence[Array]) -> list[int]:
    """Return the demands, in order, that a share of the draws meets together, and of each group kept: demands × draws."""
    first = numpy.arange(met.shape[1]) < met.shape[1] // 2
    groups = [group for group in (first, ~first, *kept) if group.any()]
    chosen, left = [], numpy.ones(met.shape[1], dtype=bool)
    for place in order:
        both = left & met[place]
        if all(both[group].mean() >= share for group in groups):
            chosen.append(place)
            left = both
    return chosen


def share_left(fair: float) -> float:
    """Return the least share of fair draws that have to meet the demands, where a share of all draws is fair.

    Then half the students need no more than `MEDIAN_TRIES` draws; where draws are rarely fair, a few more than before.
    """
    return min(MOST_LEFT, (1 - math.pow(0.5, 1 / MEDIAN_TRIES)) / fair)


def _told(deviations: Array) -> Array:
    """Return in which draws some answer is farther off than its tolerance."""
    return (numpy.abs(deviations) > 1).any(axis=0)


def _whole(found: Sequence[Change]) -> Iterator[int]:
    """Yield the places of the changes that are made wherever their form of a mistake can be made."""
    widest: dict[tuple[str, str], int] = {}
    for place, change in enumerate(found):
        form = change.mistake.name, change.sites[0].variant
        best = widest.setdefault(form, place)
        if len(change.sites) > len(found[best].sites):
            widest[form] = place
    yield from widest.values()
