"""What is exported: the variants of a problem, and of each number that is asked key, tolerance and known mistakes."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_UP, Context, Decimal
from fractions import Fraction
from typing import Any

import numpy

from symbackprop.by_hand.tolerance import half_unit
from symbackprop.document.answer_symbols import symbol
from symbackprop.document.blocks import Document, Inline
from symbackprop.errors import ProblemError
from symbackprop.homework.assignments.options import Option, OptionsById
from symbackprop.homework.assignments.problem_sets import ProblemSet
from symbackprop.homework.assignments.variants import Cohort, HomeworkAssignment, assignment, draw, draw_each
from symbackprop.homework.classes.roster import Student
from symbackprop.homework.handouts import sheets
from symbackprop.homework.handouts.choices import Choices, MistakenNumbers, remarks_on
from symbackprop.homework.handouts.distribution import student_variants
from symbackprop.homework.handouts.manifest import Enrolment, spelled
from symbackprop.homework.handouts.sheets import StudentVariant
from symbackprop.messages import message
from symbackprop.problems import Problem
from symbackprop.problems.answer_rules import FORMULAS

MOST_MISTAKES = 8
"""Known mistakes that an answer carries at most."""

USUAL_OPTIONS = 5
"""Options of a number where the homework does not say how many."""

_TOLERANCE = Context(prec=6, rounding=ROUND_UP)
"""Digits of a tolerance: rounded up, so that what homework takes for right is right."""

Array = Any


@dataclass(frozen=True, slots=True)
class WrongNumber:
    """A number that one known mistake makes, and no other: how far from it an answer may be, and the name of the mistake."""

    value: Decimal
    tolerance: Decimal
    mistake: str


@dataclass(frozen=True, slots=True)
class AskedNumber:
    """A number that is asked: its id, its symbol, the key with its absolute tolerance, wrong numbers with a cause.

    `points` are scaled to the total of the homework, `weight` is what it counts beside the others before that. `options`
    are what the number is chosen from, the key among them; empty where it is typed.
    """

    id: str
    symbol: Inline
    value: Decimal
    tolerance: Decimal
    points: Fraction
    weight: Fraction
    wrong: tuple[WrongNumber, ...] = ()
    options: tuple[Option, ...] = ()

    @property
    def lowest(self) -> Decimal:
        """The least number that is right."""
        return self.value - self.tolerance

    @property
    def highest(self) -> Decimal:
        """The greatest number that is right."""
        return self.value + self.tolerance


@dataclass(frozen=True, slots=True)
class Exercise:
    """One variant: its name in the pool (the student's id, or its number), its place there from 1, what is asked of it."""

    name: str
    place: int
    student: StudentVariant
    asked: tuple[AskedNumber, ...]


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a page, and the figures that it shows, SVG by the names of their files."""

    text: str
    pictures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pool:
    """The variants of one problem; `is_class` says that each is the variant of a student.

    `pages` are the pieces of pages that are written by now, by what they are.
    """

    given: HomeworkAssignment
    exercises: tuple[Exercise, ...]
    is_class: bool
    pages: dict[str, Fragment] = field(default_factory=dict, repr=False, compare=False)
    _solutions: dict[str, Document] = field(default_factory=dict, repr=False, compare=False)

    @property
    def problem(self) -> Problem:
        """The problem that is drawn."""
        return self.given.problem

    def page(self, exercise: Exercise, what: str, make: Callable[[], Fragment]) -> Fragment:
        """Return a piece of the pages of a variant, by what it is: made where nobody has made it before."""
        key = f"{exercise.place} {what}"
        if key not in self.pages:
            self.pages[key] = make()
        return self.pages[key]

    def question(self, exercise: Exercise) -> Document:
        """Return what a variant asks: task and problem, nothing that has to be computed."""
        (own,) = exercise.student.variants.values()
        return sheets.question(self.given, own, is_chosen=any(asked.options for asked in exercise.asked))

    def solution(self, exercise: Exercise) -> Document:
        """Return the key of a variant: its answers, then the whole worked solution."""
        if exercise.name not in self._solutions:
            # The pages of a variant name nobody: any student may get it.
            self._solutions[exercise.name] = replace(
                sheets.key(ProblemSet((self.given,)), exercise.student), subtitle=()
            )
        return self._solutions[exercise.name]


def pool(problem: Problem, students: Sequence[Student], seed: int, *, is_class: bool, is_chosen: bool = False) -> Pool:
    """Return the variants of a problem that homework with this seed draws for some students, perhaps with options.

    Raises `ProblemError` for what homework cannot ask, for answers that have to be formulas, for several variants of a
    problem that draws nothing, and for numbers with nothing to choose from.
    """
    given = assignment(problem)
    formulas = [answer.id for answer in given.answers if given.homework.rules.kinds[answer.group] == FORMULAS]
    if formulas:
        raise ProblemError(message("export.formulas", names=formulas), where="homework.answers")
    if not problem.variants and len(students) > 1:
        raise ProblemError(message("export.nothing_drawn", count=len(students)), where="variants")
    ids = [student.id for student in students]
    # Variants without a class are what a pool is made of.
    cohort = (draw if is_class else draw_each)(given, ids, seed, dict.fromkeys(ids, 1))
    enrolments = [
        Enrolment(each, "", 1, {name: tuple(array[place].tolist()) for name, array in cohort.positions.items()})
        for place, each in enumerate(students)
    ]
    asked = _Asked(given, cohort, _options(given, cohort) if is_chosen else ())
    variants = student_variants(ProblemSet((given,)), enrolments)
    exercises = [
        Exercise(id, place + 1, own, asked.of(place)) for place, (id, own) in enumerate(zip(ids, variants, strict=True))
    ]
    return Pool(given, tuple(exercises), is_class)


def _options(given: HomeworkAssignment, cohort: Cohort) -> Sequence[OptionsById]:
    """Return the options of all variants: as many as the homework says, or the usual number where it says nothing."""
    says = all(answer.group in given.homework.rules.choices for answer in given.answers)
    choices = Choices(given, None if says else USUAL_OPTIONS)
    options = choices.of(cohort)
    list(remarks_on(choices, options))
    return options


@dataclass(frozen=True)
class _Asked:
    """The numbers asked of a class, all variants at once, with options where they are chosen."""

    given: HomeworkAssignment
    cohort: Cohort
    options: Sequence[OptionsById] = ()

    def of(self, place: int) -> tuple[AskedNumber, ...]:
        """Return what is asked of the variant at a place."""
        found = []
        for answer in self.given.answers:
            value = _decimal(float(self.cohort.values[answer.key][place]))
            allowed = _tolerance(float(self.cohort.tolerances[answer.id][place]))
            found.append(
                AskedNumber(
                    answer.id,
                    symbol(self.given.derivation, answer.key),
                    value,
                    allowed,
                    self.given.most[answer.id],
                    self.given.homework.points[answer.group],
                    tuple(itertools.islice(self._wrong(answer.key, place, value, allowed), MOST_MISTAKES)),
                    self.options[place][answer.id] if self.options else (),
                )
            )
        return tuple(found)

    @functools.cached_property
    def _mistaken(self) -> Mapping[str, Sequence[tuple[str, Array]]]:
        """What mistakes make of the answers, by key: the name of the mistake and the numbers of all variants.

        Mistakes in the line of the answer itself come first.
        """
        mistaken = MistakenNumbers(self.given, frozenset(answer.key for answer in self.given.answers))
        found = {}
        for key, made in mistaken.of(self.cohort).items():
            is_earlier = {number: all(site.at != key for site in mistaken.changes[number].sites) for number in made}
            order = sorted(made, key=is_earlier.__getitem__)
            found[key] = [(mistaken.changes[number].mistake.name, made[number]) for number in order]
        return found

    def _wrong(self, key: str, place: int, value: Decimal, allowed: Decimal) -> Iterator[WrongNumber]:
        """Yield the wrong numbers of an answer that have one known cause and are told from the key and from each other."""
        made = [(float(array[place]), name) for name, array in self._mistaken[key] if numpy.isfinite(array[place])]
        units = half_unit(numpy.array([number for number, _ in made]), self.given.homework.rounding)
        found = [
            WrongNumber(_decimal(number), max(allowed, _tolerance(unit)), name)
            for (number, name), unit in zip(made, units.tolist(), strict=True)
        ]
        certain = {
            id(group[0])
            for group in _groups(found)
            if len({each.mistake for each in group}) == 1 and all(_is_apart(each, value, allowed) for each in group)
        }
        yield from (each for each in found if id(each) in certain)


def _groups(found: Sequence[WrongNumber]) -> Iterator[list[WrongNumber]]:
    """Yield wrong numbers with those that cannot be told from them."""
    group: list[WrongNumber] = []
    for each in sorted(found, key=lambda each: each.value):
        if group and each.value - group[-1].value > each.tolerance + group[-1].tolerance:
            yield group
            group = []
        group.append(each)
    if group:
        yield group


def _decimal(number: float) -> Decimal:
    """Return a number with the digits of answer files; 0 has no sign."""
    return Decimal(spelled(number)) + 0


def _tolerance(number: float) -> Decimal:
    return _TOLERANCE.create_decimal(_decimal(number)).normalize() + 0


def _is_apart(wrong: WrongNumber, value: Decimal, allowed: Decimal) -> bool:
    return abs(wrong.value - value) > wrong.tolerance + allowed


def titles(pools: Sequence[Pool], language: str) -> list[str]:
    """Return the titles of the problems of some pools; those that are alike are numbered."""
    found: list[str] = []
    for each in pools:
        title = each.problem.heading.said(language)
        same = itertools.chain([title], (f"{title} ({number})" for number in itertools.count(2)))
        found.append(next(name for name in same if name not in found))
    return found


def whole_weights(weights: Sequence[Fraction]) -> list[int]:
    """Return whole numbers in the proportion of some weights, the least that there are.

    >>> whole_weights([Fraction(1, 2), Fraction(3)])
    [1, 6]
    """
    common = math.lcm(*(weight.denominator for weight in weights))
    units = [int(weight * common) for weight in weights]
    whole = math.gcd(*units) or 1
    return [unit // whole for unit in units]
