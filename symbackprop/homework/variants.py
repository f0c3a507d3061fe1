"""Variants: for each student numbers of their own, drawn fairly, the same on every machine and in every order.

A variant is a pure function of the problem (as far as it has numbers), the seed, the student's id and the attempt. Each
drawn quantity has a stream of its own for each student, PCG64 seeded by a SHA-256 of these names; draws are taken from it in
blocks of `BLOCK` until one is fair. `VERSION` changes when this changes. What is fair may change: what was given out
stands in the manifest.
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

from symbackprop.by_hand.array_arithmetic import ARRAYS
from symbackprop.by_hand.hand_computation import NEW, HandComputation, evaluation, hand_computation
from symbackprop.by_hand.tolerance import Tolerance
from symbackprop.catalog.optimizers import RATE
from symbackprop.derivation.derivations import Derivation, derive
from symbackprop.document.chain_rule.scene import Formulas
from symbackprop.errors import ProblemError, unknown
from symbackprop.graph.quantities import Role
from symbackprop.homework.acceptance import Acceptance
from symbackprop.homework.answers import Answer, answers
from symbackprop.homework.degenerate import degenerate, positions_worth_drawing
from symbackprop.homework.points import apportioned
from symbackprop.messages import Message, message
from symbackprop.mistakes.known_mistakes import MISTAKES
from symbackprop.problems import ComputationGraph, DrawRules, Given, Homework, Network, Problem, Rounding, Training
from symbackprop.problems.homework_table import drawn, homework
from symbackprop.problems.spec import HomeworkSpec
from symbackprop.problems.training_table import batches_in

VERSION = 2
BLOCK = 16
MOST_TRIES = 8192
AT_ONCE = 256
"""Students whose draws are judged together."""
TRIAL = 1024
"""Draws that are looked at to see whether units can be inactive."""
MOST_BLAMED = 3
"""Answers that a message names for a reason."""

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

    def has_numbers_of(self, digest: str, rounding: Rounding) -> bool:
        """Say whether a homework of that digest, with that rounding, has the numbers of this one."""
        return digest in (self.digest, _digest(self.problem, replace(self.homework, rounding=rounding)))

    @functools.cached_property
    def most(self) -> Mapping[str, Fraction]:
        """The points of each answer by its id, scaled to the total that is stated: they add up to it."""
        each = {answer.id: self.homework.points[answer.group] for answer in self.answers}
        return apportioned(each, self.homework.total)

    @property
    def asks_of_updates(self) -> bool:
        """Whether something is asked that an update of the parameters leads to."""
        return any(answer.key.startswith(NEW) for answer in self.answers)

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

    Raises `ProblemError` for what cannot be asked of a student: an update that is no gradient descent, missing numbers;
    `UnknownNameError` for a mistake of `partial` that is none.
    """
    training = problem.training
    if training is not None and training.update == "sequential":
        raise ProblemError(message("homework.sequential"), where="training.update")
    if training is not None and batches_in(problem.samples, training.batch_size) > 1:
        raise ProblemError(message("homework.batches"), where="training.batch_size")
    missing = [name for name in problem.missing() if name not in problem.variants]
    if missing:
        raise ProblemError(message("problem.missing_values", names=missing), where="variants")
    asked = problem.homework or homework(HomeworkSpec(), problem)
    for name in asked.rules.partial:
        if name not in MISTAKES:
            raise unknown("mistake", name, MISTAKES, where="homework.partial")
    derivation = derive(problem)
    computation = hand_computation(derivation, steps=asked.steps)
    return HomeworkAssignment(problem, asked, derivation, computation, answers(computation, asked))


def draw(given: HomeworkAssignment, students: Sequence[str], seed: int, attempts: Mapping[str, int]) -> Cohort:
    """Return fair variants for the students (their ids); `attempts` numbers the attempt of each, from 1.

    Where the problem draws nothing, all are as it is, fair or not. Raises `ProblemError` with the counted reasons when a
    student has no fair draw among `MOST_TRIES`.
    """
    draws = given.problem.variants
    chosen = {name: numpy.zeros((len(students), each.size), dtype=int) for name, each in draws.items()}
    counts = _Counts()
    acceptance = _acceptance(given) if draws and students else None
    for start in range(0, len(students) if acceptance is not None else 0, AT_ONCE):
        assert acceptance is not None
        some = students[start : start + AT_ONCE]
        streams = [_streams(given, student, seed, attempts[student]) for student in some]
        for name, positions in _fair(given, acceptance, some, streams, counts).items():
            chosen[name][start : start + len(some)] = positions
    return Cohort(given, tuple(students), chosen, counts.tries or len(students), dict(+counts.reasons))


@dataclass
class _Counts:
    """How many draws were looked at, and what spoke against them: by reason, and by reason and what is to blame."""

    tries: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    blamed: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, against: Mapping[tuple[str, str], Array], looked: Array) -> None:
        """Count the reasons against the draws that were looked at."""
        self.tries += int(looked.sum())
        by_reason: dict[str, Array] = {}
        for (reason, name), which in against.items():
            found = which & looked
            self.blamed[reason, name] += int(found.sum())
            by_reason[reason] = by_reason.get(reason, False) | found
        for reason, which in by_reason.items():
            self.reasons[reason] += int(which.sum())


def _acceptance(given: HomeworkAssignment) -> Acceptance:
    """Return the judge of draws; where the problem does not say so, some units are inactive if draws can be so."""
    parts = (given.computation, given.answers, given.homework, ARRAYS)
    found = Acceptance(*parts)
    if given.problem.draw_rules.inactive or not found.has_units:
        return found
    positions = _block(given, _streams(given, "", 0, 0), TRIAL)
    values = evaluation(given.computation.equations, ARRAYS).forward(leaves_of(given, positions, TRIAL), ()).shared
    return Acceptance(*parts, "some") if found.has_inactive(values) else found


def _fair(
    given: HomeworkAssignment,
    acceptance: Acceptance,
    students: Sequence[str],
    streams: Sequence[Mapping[str, numpy.random.Generator]],
    counts: _Counts,
) -> Positions:
    """Return the first fair draw of each student."""
    draws = given.problem.variants
    chosen = {name: numpy.zeros((len(students), each.size), dtype=int) for name, each in draws.items()}
    waiting = numpy.arange(len(students))
    for _ in range(0, MOST_TRIES, BLOCK):
        if not len(waiting):
            return chosen
        blocks = [_block(given, streams[place], BLOCK) for place in waiting.tolist()]
        candidates = {name: numpy.concatenate([block[name] for block in blocks]) for name in draws}
        against = _judged(given, acceptance, candidates)
        count = BLOCK * len(waiting)
        is_fair = ~functools.reduce(numpy.logical_or, against.values(), numpy.zeros(count, dtype=bool))
        by_student = is_fair.reshape(-1, BLOCK)
        found = by_student.any(axis=1)
        first = numpy.where(found, by_student.argmax(axis=1), BLOCK)
        counts.add(against, (numpy.arange(BLOCK) <= first[:, None]).reshape(-1))
        places = (numpy.arange(len(waiting)) * BLOCK + first)[found]
        for name, positions in candidates.items():
            chosen[name][waiting[found]] = positions[places]
        waiting = waiting[~found]
    if len(waiting):
        raise _no_fair_draw(students[int(waiting[0])], counts)
    return chosen


def _block(
    given: HomeworkAssignment, streams: Mapping[str, numpy.random.Generator], count: int
) -> dict[str, numpy.ndarray[Any, Any]]:
    """Return the next positions of a student's streams, so many draws."""
    found = {}
    for name, each in given.problem.variants.items():
        worth = positions_worth_drawing(given.problem, name)
        found[name] = worth[streams[name].integers(len(worth), size=(count, each.size))]
    return found


def _judged(
    given: HomeworkAssignment, acceptance: Acceptance, candidates: Positions
) -> dict[tuple[str, str], numpy.ndarray[Any, Any]]:
    """Return which draws each reason, with what is to blame, speaks against; what is degenerate is not computed."""
    problem = given.problem
    numbers = {name: _choices(problem, name)[positions] for name, positions in candidates.items()}
    count = len(next(iter(numbers.values())))
    found: dict[tuple[str, str], Array] = {}
    if problem.draw_rules.distinguish:
        for reason, name, which in degenerate(given.derivation, numbers):
            found[reason, name] = found.get((reason, name), False) | which
    rest = numpy.flatnonzero(~functools.reduce(numpy.logical_or, found.values(), numpy.zeros(count, dtype=bool)))
    if len(rest):
        leaves = leaves_of(given, {name: positions[rest] for name, positions in candidates.items()}, len(rest))
        values = evaluation(given.computation.equations, ARRAYS).forward(leaves, ()).shared
        for blame, which in acceptance.judge(values).items():
            found[blame] = numpy.zeros(count, dtype=bool)
            found[blame][rest] = which
    return found


def _choices(problem: Problem, name: str) -> numpy.ndarray[Any, Any]:
    return numpy.array([float(choice.value) for choice in problem.variants[name].choices])


def _no_fair_draw(student: str, counts: _Counts) -> ProblemError:
    """Return the error that names, for each reason, what is most to blame, and says what would help most."""
    counted = [
        message("homework.counted", reason=_blamed(reason, counts), count=count)
        for reason, count in counts.reasons.most_common()
        if count
    ]
    advice = message(f"advice.{counts.reasons.most_common(1)[0][0]}")
    what = message("homework.unfair", student=student, tries=counts.tries, reasons=counted, advice=advice)
    return ProblemError(what, where="variants")


def _blamed(reason: str, counts: _Counts) -> Message:
    names = [name for (other, name), count in counts.blamed.most_common() if other == reason and name and count]
    said = message(f"unfair.{reason}")
    return message("homework.blamed", names=names[:MOST_BLAMED], reason=said) if names else said


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
        numbers = _choices(problem, name)[positions[name]]
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
        *([] if training is None or not training.state else [_kept_state(training)]),
        *([] if problem.draw_rules == DrawRules() else [problem.draw_rules.inactive, problem.draw_rules.distinguish]),
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _kept_state(training: Training) -> dict[str, dict[str, list[str]]]:
    """Return the stated states of an optimizer as texts."""
    return {
        name: {parameter: list(map(_number, array.entries)) for parameter, array in arrays.items()}
        for name, arrays in training.state.items()
    }


def _kept_spelling(model: Network | ComputationGraph) -> str:
    """Return a model as text that stays the same, whatever classes are called and in whatever order things are declared."""
    kind = "Network" if model.layers else "Circuit"
    declared = {} if model.layers else {name: _sorted(getattr(model, name)) for name in _DECLARED}
    kept = {each.name: getattr(model, each.name) for each in fields(model)} | declared
    return f"{kind}({', '.join(f'{name}={value!r}' for name, value in kept.items())})"


_DECLARED = ("parameters", "inputs", "targets", "shapes")
"""What of a computation graph has an order that no number depends on."""


def _sorted(declared: Sequence[str] | Mapping[str, Any]) -> tuple[str, ...] | dict[str, Any]:
    return dict(sorted(declared.items())) if isinstance(declared, Mapping) else tuple(sorted(declared))


def _number(given: Given | None) -> str:
    """Return a number as text; an irrational one by the expression that states it."""
    if given is None:
        return ""
    return str(given.value) if isinstance(given.value, Fraction) else given.text
