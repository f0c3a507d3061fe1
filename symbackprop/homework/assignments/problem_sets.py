"""Problem sets: the problems of one sheet, each made ready, and the numbers that a class has in them.

A sheet of one problem is the set of one. On a sheet of several the ids of answers begin with the number of the problem,
`2.z1_1`; everything else of a problem is as on a sheet of its own: what is drawn, how it is marked, what follows from what.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from symbackprop.arithmetic.decimals import trimmed
from symbackprop.derivation.derivations import Derivation
from symbackprop.document.blocks import Inline, Section
from symbackprop.errors import ProblemError, SymbackpropError
from symbackprop.homework.assignments.answers import Answer
from symbackprop.homework.assignments.variants import Array, Cohort, HomeworkAssignment, assignment, draw
from symbackprop.messages import Message, message
from symbackprop.problems import Homework, Problem

SAID_ONCE = ("instructions", "course", "date", "paper", "pool")
"""What of `[homework]` is about the whole sheet: one problem says it, or all that say it say the same."""


@dataclass(frozen=True)
class ProblemSet:
    """The problems of one sheet."""

    parts: tuple[HomeworkAssignment, ...]

    @functools.cached_property
    def digest(self) -> str:
        """A hash of all that changes numbers: that of the problem, or one of those of all."""
        digests = [part.digest for part in self.parts]
        return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()

    def has_numbers_of(self, other: ProblemSet) -> bool:
        """Say whether a set that was given out, whatever digits its answers were to have, has the numbers of this one."""
        return len(self.parts) == len(other.parts) and all(
            own.has_numbers_of(part.digest, part.homework.rounding)
            for own, part in zip(self.parts, other.parts, strict=True)
        )

    @property
    def homework(self) -> Homework:
        """The assignment of the first problem: what is said once (`SAID_ONCE`) is the same in all."""
        return self.parts[0].homework

    @functools.cached_property
    def answers(self) -> tuple[Answer, ...]:
        """What is asked, problem by problem."""
        return tuple(answer for part in self.parts for answer in part.answers)

    @functools.cached_property
    def most(self) -> Mapping[str, Fraction]:
        """The points of each answer by its id."""
        return {id: points for part in self.parts for id, points in part.most.items()}

    @property
    def total(self) -> Fraction:
        """The points of a sheet that is all correct."""
        return sum((part.total for part in self.parts), Fraction(0))

    @property
    def alike(self) -> tuple[HomeworkAssignment, ...]:
        """The problems that draw nothing, and have the same numbers on all sheets."""
        return tuple(part for part in self.parts if not part.problem.variants)

    @property
    def heading(self) -> Inline:
        """The title of the sheet: that of its problem, if it has one."""
        return (
            self.parts[0].problem.heading if len(self.parts) == 1 else message("sheet.several", count=len(self.parts))
        )

    @property
    def derivation(self) -> Derivation:
        """The derivation with the most parameters, by which the size of letters is chosen."""
        return max((part.derivation for part in self.parts), key=lambda each: len(each.parameters))

    @functools.cached_property
    def names(self) -> Mapping[str, str]:
        """What answers may be called in tables, with the ids that are meant."""
        return {name: answer.id for answer in self.answers for name in answer.accepted}

    def part_of(self, answer: Answer) -> HomeworkAssignment:
        """Return the problem in which something is asked."""
        return next(part for part in self.parts if part.part == answer.part)

    def by_problem(
        self,
        written: Callable[[HomeworkAssignment], Iterable[Section]],
        points: Callable[[HomeworkAssignment], Message] | None = None,
    ) -> tuple[Section, ...]:
        """Return sections about each problem: those of the only one, or of each one section with its title and points."""
        if len(self.parts) == 1:
            return tuple(written(self.parts[0]))
        return tuple(
            Section(
                message("sheet.part", number=number, title=part.problem.heading, points=(points or _most)(part)),
                sections=tuple(written(part)),
                derivation=part.derivation,
            )
            for number, part in enumerate(self.parts, start=1)
        )


def about(part: HomeworkAssignment, remarks: Iterable[Message]) -> Iterator[Message]:
    """Yield remarks on a problem, which of several name it."""
    for what in remarks:
        yield message("homework.about_part", number=part.part.rstrip("."), what=what) if part.part else what


def _most(part: HomeworkAssignment) -> Message:
    return message("sheet.part_points", points=trimmed(part.total))


def problem_set(problems: Sequence[Problem], contents: Sequence[Mapping[str, Any]]) -> ProblemSet:
    """Return the problems of one sheet made ready; `contents` are those of their files.

    Raises what `assignment` does, and `ProblemError` where the same problem is there twice, or where problems say different
    things of the sheet.
    """
    numbers = [""] if len(problems) == 1 else [f"{number}." for number in range(1, len(problems) + 1)]
    parts = []
    for problem, number in zip(problems, numbers, strict=True):
        with _placed(problem, number):
            parts.append(assignment(problem, number))
    for (first, one), (second, other) in itertools.combinations(enumerate(parts, start=1), 2):
        if one.digest == other.digest:
            raise ProblemError(message("homework.twin_problems", first=first, second=second), where=other.problem.name)
    said = dict(_said_once(parts, contents))
    return ProblemSet(tuple(replace(part, homework=replace(part.homework, **said)) for part in parts))


def _said_once(parts: Sequence[HomeworkAssignment], contents: Sequence[Mapping[str, Any]]) -> Iterable[tuple[str, Any]]:
    """Yield what is said of the whole sheet."""
    for name in SAID_ONCE:
        saying = [part for part, content in zip(parts, contents, strict=True) if name in content.get("homework", {})]
        values = [getattr(part.homework, name) for part in saying]
        if any(value != values[0] for value in values):
            names = [part.problem.name for part in saying]
            raise ProblemError(message("homework.said_differently", names=names), where=f"homework.{name}")
        if values:
            yield name, values[0]


@dataclass(frozen=True)
class ClassNumbers:
    """The variants of a class: of each problem of the set a cohort of the same students."""

    given: ProblemSet
    parts: tuple[Cohort, ...]

    @property
    def students(self) -> tuple[str, ...]:
        """The ids of the students."""
        return self.parts[0].students

    @property
    def tries(self) -> int:
        """How many draws were looked at."""
        return sum(part.tries for part in self.parts)

    @property
    def rejections(self) -> Counter[str]:
        """How often each reason spoke against a draw."""
        return sum((Counter(part.rejections) for part in self.parts), Counter[str]())

    def remarks(self) -> Iterator[Message]:
        """Yield what a teacher is told of mistakes that draws may hide."""
        for part in self.parts:
            yield from about(part.given, part.unshown.remarks())

    @functools.cached_property
    def values(self) -> Mapping[str, Array]:
        """The right numbers by the id of the answer: arrays with one entry for each student."""
        return {answer.id: part.values[answer.key] for part in self.parts for answer in part.given.answers}

    @functools.cached_property
    def tolerances(self) -> Mapping[str, Array]:
        """The tolerances by the id of the answer: arrays with one entry for each student."""
        return {id: array for part in self.parts for id, array in part.tolerances.items()}

    def positions(self, place: int) -> dict[str, tuple[int, ...]]:
        """Return what was drawn for one student, by the number of the problem and the name of the quantity."""
        return {
            part.given.part + name: tuple(array[place].tolist())
            for part in self.parts
            for name, array in part.positions.items()
        }

    def numbers(self, place: int) -> dict[str, float]:
        """Return the numbers of one student, by the number of the problem and the key of the computation."""
        return {part.given.part + key: number for part in self.parts for key, number in part.numbers(place).items()}


def draw_class(given: ProblemSet, students: Sequence[str], seed: int, attempts: Mapping[str, int]) -> ClassNumbers:
    """Return fair variants of all problems for the students (their ids), as `draw` does for each."""
    cohorts = []
    for part in given.parts:
        with _placed(part.problem, part.part):
            cohorts.append(draw(part, students, seed, attempts))
    return ClassNumbers(given, tuple(cohorts))


@contextlib.contextmanager
def _placed(problem: Problem, number: str) -> Iterator[None]:
    """Let an error of one of several problems name it."""
    try:
        yield
    except SymbackpropError as error:
        raise (error.at(problem.name) if number else error) from None
