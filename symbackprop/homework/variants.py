"""Variants: for each student numbers of their own, drawn fairly, the same on every machine and in every order.

A variant is a pure function of the problem (as far as it has numbers), the seed, the student's id and the attempt. Each
drawn quantity has a stream of its own for each student, PCG64 seeded by a SHA-256 of these names; draws are taken from it in
blocks of `BLOCK` until one is fair. `VERSION` changes when this changes.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from typing import Any

import numpy

from symbackprop.catalog.optimizers import RATE
from symbackprop.derivation.derivations import Derivation, derive
from symbackprop.document.chain_rule.scene import Formulas
from symbackprop.errors import ProblemError
from symbackprop.graph.quantities import Role
from symbackprop.homework.acceptance import Acceptance
from symbackprop.homework.answers import Answer, answers
from symbackprop.homework.array_arithmetic import ARRAYS
from symbackprop.homework.hand_computation import HandComputation, evaluation, hand_computation
from symbackprop.homework.tolerance import Tolerance
from symbackprop.messages import message
from symbackprop.problems import ComputationGraph, Given, Homework, Network, Problem
from symbackprop.problems.homework_table import drawn, homework
from symbackprop.problems.spec import HomeworkSpec

VERSION = 1
BLOCK = 16
MOST_TRIES = 2048

Array = Any
Positions = Mapping[str, Array]


@dataclass(frozen=True)
class HomeworkAssignment:
    """A problem made ready to be drawn, asked and marked.

    `formulas` are those that its documents have in symbols; they are the same in all of them.
    """

    problem: Problem
    homework: Homework
    derivation: Derivation
    computation: HandComputation
    answers: tuple[Answer, ...]
    formulas: Formulas = field(default_factory=dict, repr=False, compare=False)

    @functools.cached_property
    def digest(self) -> str:
        """A hash of all that changes numbers; titles, letters and points do not."""
        return _digest(self.problem, self.homework)

    @functools.cached_property
    def most(self) -> Mapping[str, Fraction]:
        """The points of each answer by its id, scaled to the total that the homework states, if it does."""
        each = {answer.id: self.homework.points[answer.group] for answer in self.answers}
        total, whole = self.homework.total, sum(each.values(), Fraction(0))
        return each if total is None else {id: points * total / whole for id, points in each.items()}

    @property
    def total(self) -> Fraction:
        """The points of a sheet that is all correct."""
        return sum(self.most.values(), Fraction(0))


@dataclass(frozen=True)
class Cohort:
    """The variants of a class: by drawn quantity, for each student, the positions of their numbers among its choices.

    `rejections` counts, over all `tries`, the reasons against draws that were not fair.
    """

    given: HomeworkAssignment
    students: tuple[str, ...]
    positions: Positions
    tries: int = 0
    rejections: Mapping[str, int] = field(default_factory=dict)

    @functools.cached_property
    def values(self) -> Mapping[str, Array]:
        """Every number by key of the computation: arrays with one entry for each student."""
        count = len(self.students)
        leaves = leaves_of(self.given, self.positions, count)
        found = evaluation(self.given.computation.equations, ARRAYS).forward(leaves, ()).shared
        return {key: numpy.broadcast_to(array, (count,)) for key, array in found.items()}

    @functools.cached_property
    def tolerances(self) -> Mapping[str, Array]:
        """The tolerances of each answer by id: arrays with one entry for each student."""
        computation, rounding = self.given.computation, self.given.homework.rounding
        found = {
            each.id: Tolerance(computation, each.key, rounding, ARRAYS).of(self.values) for each in self.given.answers
        }
        return {id: numpy.broadcast_to(array, (len(self.students),)) for id, array in found.items()}

    def numbers(self, place: int) -> dict[str, float]:
        """Return the values of one student."""
        return {key: float(array[place]) for key, array in self.values.items()}


def assignment(problem: Problem) -> HomeworkAssignment:
    """Return a problem ready for homework; one without `[homework]` asks for everything.

    Raises `ProblemError` for what cannot be asked of a student: an update that is no gradient descent, missing numbers.
    """
    if problem.training is not None and problem.training.update == "sequential":
        raise ProblemError(message("homework.sequential"), where="training.update")
    missing = [name for name in problem.missing() if name not in problem.variants]
    if missing:
        raise ProblemError(message("problem.missing_values", names=missing), where="variants")
    asked = problem.homework or homework(HomeworkSpec(), problem)
    derivation = derive(problem)
    steps = hand_computation(derivation)
    return HomeworkAssignment(problem, asked, derivation, steps, answers(steps, asked))


def draw(given: HomeworkAssignment, students: Sequence[str], seed: int, attempts: Mapping[str, int]) -> Cohort:
    """Return fair variants for the students (their ids); `attempts` numbers the attempt of each, from 1.

    Raises `ProblemError` with the counted reasons when a student has no fair draw among `MOST_TRIES`.
    """
    run = evaluation(given.computation.equations, ARRAYS).forward
    acceptance = Acceptance(given.computation, given.answers, given.homework, ARRAYS)
    draws = given.problem.variants
    streams = {student: _streams(given, student, seed, attempts[student]) for student in students}
    chosen = {name: numpy.zeros((len(students), each.size), dtype=int) for name, each in draws.items()}
    rejections: Counter[str] = Counter()
    tries = 0
    waiting = numpy.arange(len(students))
    for turn in range(MOST_TRIES if draws else 1):
        if not len(waiting):
            break
        if turn % BLOCK == 0:
            blocks = {
                k: {
                    name: streams[students[k]][name].integers(len(e.choices), size=(BLOCK, e.size))
                    for name, e in draws.items()
                }
                for k in waiting.tolist()
            }
        candidates = {name: numpy.array([blocks[k][name][turn % BLOCK] for k in waiting.tolist()]) for name in draws}
        found = run(leaves_of(given, candidates, len(waiting)), ()).shared
        against = numpy.zeros(len(waiting), dtype=bool)
        for reason, which in acceptance.judge(found).items():
            which = numpy.broadcast_to(which, against.shape)
            rejections[reason] += int(which.sum())
            against |= which
        tries += len(waiting)
        fair = ~against
        for name, positions in candidates.items():
            chosen[name][waiting[fair]] = positions[fair]
        waiting = waiting[against]
    if len(waiting):
        raise _no_fair_draw(students[int(waiting[0])], tries, rejections)
    return Cohort(given, tuple(students), chosen, tries, dict(+rejections))


def _no_fair_draw(student: str, tries: int, rejections: Mapping[str, int]) -> ProblemError:
    counted = [
        message("homework.counted", reason=message(f"unfair.{reason}"), count=count)
        for reason, count in Counter(rejections).most_common()
    ]
    return ProblemError(message("homework.unfair", student=student, tries=tries, reasons=counted), where="variants")


def _streams(given: HomeworkAssignment, student: str, seed: int, attempt: int) -> dict[str, numpy.random.Generator]:
    found = {}
    for name in given.problem.variants:
        text = json.dumps(["symbackprop variants", VERSION, given.digest, seed, student, attempt, name])
        entropy = int.from_bytes(hashlib.sha256(text.encode()).digest())
        found[name] = numpy.random.Generator(numpy.random.PCG64(entropy))
    return found


def leaves_of(given: HomeworkAssignment, positions: Positions, count: int) -> dict[str, Array]:
    """Return the given numbers by key, one entry for each draw."""
    problem, graph = given.problem, given.derivation.graph
    declared = graph.of_role(Role.PARAMETER, Role.INPUT, Role.TARGET)
    keys_of = {quantity.name: list(map(str, graph.scalars(quantity))) for quantity in declared}
    found: dict[str, Array] = {}
    if problem.training is not None:
        found[RATE] = float(problem.training.settings[RATE].value)
    for name, keys in keys_of.items():
        entries = problem.arrays[name].entries
        found |= {key: float(entry.value) for key, entry in zip(keys, entries, strict=True) if entry is not None}
    for name, each in problem.variants.items():
        keys = keys_of.get(name, [RATE])
        numbers = numpy.array([float(choice.value) for choice in each.choices])[positions[name]]
        if each.classes:
            outputs = len(keys) // each.size
            numbers = (numbers[:, :, None] == numpy.arange(outputs)).reshape(count, -1).astype(float)
        found |= {key: numbers[:, column] for column, key in enumerate(keys)}
    return {key: numpy.broadcast_to(value, (count,)) for key, value in found.items()}


def variant(given: HomeworkAssignment, positions: Mapping[str, Sequence[int]]) -> Problem:
    """Return the problem with the drawn numbers in place: exact, and with nothing left to draw."""
    problem = given.problem
    arrays = dict(problem.arrays)
    training = problem.training
    for name, each in problem.variants.items():
        if name != RATE:
            arrays[name] = drawn(each, positions[name], problem.arrays[name])
        elif training is not None:
            rate = each.choices[positions[name][0]]
            training = replace(training, settings={**training.settings, RATE: rate})
    return replace(problem, arrays=arrays, training=training, variants={})


def _digest(problem: Problem, homework: Homework) -> str:
    training = problem.training
    content = [
        _kept_spelling(problem.model),
        problem.layout,
        {name: [array.shape, list(map(_number, array.entries))] for name, array in problem.arrays.items()},
        problem.samples,
        {name: [each.size, each.classes, list(map(_number, each.choices))] for name, each in problem.variants.items()},
        None
        if training is None
        else [training.optimizer, {n: _number(g) for n, g in training.settings.items()}, sorted(training.frozen)],
        homework.ask,
        repr(homework.rounding),
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _kept_spelling(model: Network | ComputationGraph) -> str:
    """Return a model as text that stays the same, whatever classes are called: homework given out is known by it."""
    kind = "Network" if model.layers else "Circuit"
    return f"{kind}({', '.join(f'{each.name}={getattr(model, each.name)!r}' for each in fields(model))})"


def _number(given: Given | None) -> str:
    """Return a number as text; an irrational one by the expression that states it."""
    if given is None:
        return ""
    return str(given.value) if isinstance(given.value, Fraction) else given.text
