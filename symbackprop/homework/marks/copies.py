"""Copied sheets: answers that are another sheet's, where those of the student's own are different.

What counts as evidence are answers that are wrong for the student, follow from nothing of theirs and are right on one other
sheet, or handed in by one other student. How much an answer says is the logarithm of how rarely it is right in the class.
Where only a part of the sheet is another's, zero and the numbers that the sheet states say nothing, and numbers with few
digits little. Numbers are looked up in a sorted list for each answer: sheets with nothing in common are not compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any, Literal

import numpy

from symbackprop.homework.assignments.variants import Cohort
from symbackprop.homework.marks.marking import Mark, MarkVerdict
from symbackprop.homework.marks.packed_marks import PackedMarks
from symbackprop.messages import Message, message

FEWEST = 3
"""Wrong answers that a suspicion needs."""
MARGIN, MARGIN_WHOLE = 8.0, 2.0
"""Bits beyond the choice of one student among all: for a part of a sheet, and where nothing on it is anybody else's."""
BITS_PER_DIGIT = math.log2(10)
FEWEST_NUMBERS = 2
"""Given numbers in which two sheets have to differ: with one, somebody may just have misread a number."""
_ALIKE = 1e-9

Array = Any


@dataclass(frozen=True, slots=True)
class Copy:
    """A sheet that looks copied: from whom, how many of so many answers are theirs, and which those are.

    `bits` is the weight of the evidence; `is_of_key` says that the answers are right on the other sheet, else that the other
    student handed them in.
    """

    source: str
    answers: frozenset[str]
    answered: int
    bits: float
    is_of_key: bool

    @property
    def percent(self) -> int:
        """The share of what was answered that is the other's."""
        return round(100 * len(self.answers) / self.answered)

    def told(self, student: str) -> Message:
        """Return what the teacher is told about the sheet of a student."""
        count = f"{len(self.answers)}/{self.answered}"
        id = "homework.copied_key" if self.is_of_key else "homework.copied_answers"
        return message(id, student=student, source=self.source, count=count, percent=self.percent)


@dataclass(frozen=True, slots=True)
class _Column:
    """The numbers of a class for one answer by place in the class: who has a number near another.

    `reach` is how far from it another number may be, `order` the places sorted by their numbers, what is none at the end.
    """

    values: Array
    reach: Array
    order: Array
    widest: float

    @classmethod
    def of(cls, values: Array, reach: Array) -> _Column:
        order = numpy.argsort(values, kind="stable").astype(numpy.int32)
        return cls(values, reach, order, float(reach[numpy.isfinite(values)].max(initial=0.0)))

    def near(self, value: float) -> Array:
        """Return the places in the class of those whose number a value is."""
        low = self._place(value - self.widest, "left")
        found = self.order[low : self._place(value + self.widest, "right")]
        return found[self.are_near(value, found)]

    def are_near(self, value: float, places: Array) -> Array:
        """Say of some places in the class whether a value is the number there."""
        return numpy.abs(self.values[places] - value) <= self.reach[places]

    def _place(self, bound: float, side: Literal["left", "right"]) -> int:
        return int(numpy.searchsorted(self.values, bound, side=side, sorter=self.order))


class CopyRule(StrEnum):
    """What becomes of a sheet that looks copied: its points are withheld, or it is marked without follow-through."""

    FLAG = "flag"
    MARK = "mark"


def treated(
    marks: Mapping[str, Sequence[Mark]], copies: Mapping[str, Copy], rule: CopyRule, decided: Mapping[str, bool]
) -> tuple[Mapping[str, Sequence[Mark]], frozenset[str]]:
    """Return the marks of a class with what becomes of copied sheets, and the students whose points are withheld.

    `decided` says of students what a person has decided: that the sheet is copied, or that it is not.
    """
    withheld = {student for student in copies if student not in decided and rule is CopyRule.FLAG}
    copied = {student for student in (*copies, *decided) if decided.get(student, student in copies)}

    def treatment(student: str, own: Sequence[Mark]) -> Sequence[Mark]:
        if student in withheld:
            said = message("mark.withheld")
            return [replace(mark, points=Fraction(0), said=said) for mark in own]
        return [_alone(mark) for mark in own] if student in copied else own

    return PackedMarks.of(marks).changed(treatment) if copied else marks, frozenset(withheld)


def _alone(mark: Mark) -> Mark:
    """Return a mark without follow-through: right by the key of the student's own sheet, or wrong."""
    if not mark.rests:
        return mark
    return replace(mark, verdict=MarkVerdict.WRONG, points=Fraction(0), said=message("mark.foreign"))


def suspected(cohorts: Sequence[Cohort], marks: Mapping[str, Sequence[Mark]]) -> dict[str, Copy]:
    """Return by student what looks copied.

    `cohorts` are the numbers of the whole class, those of each problem; `marks` are of the students who handed in.
    """
    return _Comparison(cohorts, marks).found()


class _Comparison:
    """The answers of a class beside its keys."""

    def __init__(self, cohorts: Sequence[Cohort], marks: Mapping[str, Sequence[Mark]]) -> None:
        self.students = cohorts[0].students
        self.place = {student: place for place, student in enumerate(self.students)}
        answers = [(cohort, each) for cohort in cohorts for each in cohort.given.answers]
        self.answers = {each.id: row for row, (_, each) in enumerate(answers)}
        # What was handed in, answer by student; nothing is near what nobody answered.
        self.numbers_in = numpy.full((len(answers), len(self.students)), math.nan)
        self.wrong: dict[str, list[str]] = {}
        for student, own in marks.items():
            found = dict(_numbers(own))
            self.numbers_in[[self.answers[id] for id in found], self.place[student]] = list(found.values())
            self.wrong[student] = [mark.answer.id for mark in own if _is_wrong(mark) and mark.answer.id in found]
        self.keys = {
            each.id: _Column.of(cohort.values[each.key], cohort.tolerances[each.id]) for cohort, each in answers
        }
        self.handed_in = {
            id: _Column.of(row, _ALIKE * numpy.abs(row)) for id, row in zip(self.answers, self.numbers_in, strict=True)
        }
        self.numbers = numpy.array(
            [cohort.values[key] for cohort in cohorts for key in cohort.given.computation.leaves]
        )

    def found(self) -> dict[str, Copy]:
        """Return the suspicions; of two who have the same answers the one with fewer wrong ones is the source."""
        found = {student: copy for student in self.wrong if (copy := self._of(student)) is not None}
        return {
            student: copy
            for student, copy in found.items()
            if not (
                copy.source in found and found[copy.source].source == student and not self._is_behind(student, copy)
            )
        }

    def _is_behind(self, student: str, copy: Copy) -> bool:
        return len(self.wrong[student]) >= len(self.wrong[copy.source])

    def _of(self, student: str) -> Copy | None:
        """Return what is most likely copied by a student, if anything."""
        if len(self.wrong[student]) < FEWEST:
            return None
        candidates = [
            copy
            for columns, is_of_key in ((self.keys, True), (self.handed_in, False))
            for copy in self._candidates(student, columns, is_of_key)
        ]
        return max(
            candidates, key=lambda copy: (len(copy.answers), -len(self.wrong.get(copy.source, ()))), default=None
        )

    def _candidates(self, student: str, columns: Mapping[str, _Column], is_of_key: bool) -> Iterator[Copy]:
        """Yield the students of whose sheets enough is on this one."""
        place, size = self.place[student], len(self.students)
        found = self.numbers_in[:, place].tolist()
        own = {id: found[row] for id, row in self.answers.items() if not math.isnan(found[row])}
        near = {answer: columns[answer].near(own[answer]) for answer in self.wrong[student]}
        # The sheets that have enough of the wrong answers, and of these how much of all that says.
        those, counts = numpy.unique(_joined(list(near.values())), return_counts=True)
        those = those[(counts >= FEWEST) & (those != place)]
        same, rare, telling = numpy.zeros(len(those), dtype=int), numpy.zeros(len(those)), numpy.zeros(len(those))
        for answer, value in own.items() if len(those) else ():
            is_near = columns[answer].are_near(value, those)
            same += is_near
            if answer in near:
                weight = math.log2(size / max(len(near[answer]), 1))
                rare += weight * is_near
                if not self._is_given(place, value):
                    telling += min(weight, BITS_PER_DIGIT * _digits(value)) * is_near
        choice = math.log2(size)
        is_whole = (same == len(own)) & (rare >= choice + MARGIN_WHOLE)
        is_part = telling >= choice + MARGIN
        for number in numpy.flatnonzero(is_whole | is_part).tolist():
            other = int(those[number])
            if self._differ(place, other):
                theirs = frozenset(answer for answer, value in own.items() if columns[answer].are_near(value, other))
                yield Copy(self.students[other], theirs, len(own), float(rare[number]), is_of_key)

    def _is_given(self, place: int, value: float) -> bool:
        """Say whether a value is zero or a number that the student's sheet states, whatever its sign."""
        numbers = numpy.abs(self.numbers[:, place])
        return value == 0 or bool((numpy.abs(numbers - abs(value)) <= _ALIKE * numbers).any())

    def _differ(self, place: int, other: int) -> bool:
        return int((self.numbers[:, place] != self.numbers[:, other]).sum()) >= FEWEST_NUMBERS


def _joined(arrays: Sequence[Array]) -> Array:
    return numpy.concatenate(arrays) if arrays else numpy.zeros(0, dtype=int)


def _is_wrong(mark: Mark) -> bool:
    return mark.verdict is MarkVerdict.WRONG and not mark.rests


def _numbers(marks: Sequence[Mark]) -> Iterator[tuple[str, float]]:
    """Yield the answers that are numbers."""
    for mark in marks:
        try:  # most students type plain decimals
            yield mark.answer.id, float(mark.text)
        except ValueError:
            number = mark.answer.read(mark.text, {}).number
            if number is not None:
                yield mark.answer.id, float(number)


def _digits(value: float) -> int:
    """Return how many significant digits a number has.

    >>> _digits(0.25), _digits(-120.0), _digits(1 / 3)
    (2, 2, 12)
    """
    return len(f"{value:.11e}".partition("e")[0].strip("-").replace(".", "").rstrip("0")) or 1
