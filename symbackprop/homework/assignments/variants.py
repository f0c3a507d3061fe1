"""Variants: for each student numbers of their own, drawn fairly, the same on every machine and in every order.

A variant is a pure function of the problem (as far as it has numbers), the seed, the student's id and the attempt. Each
drawn quantity has a stream of its own for each student (`draw_streams`); draws are taken from it in
blocks, of `BLOCK` or more, until one is fair. `VERSION` changes when this changes. What is fair may change: what was given
out stands in the manifest.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from symbackprop.homework.assignments.acceptance import Acceptance
from symbackprop.homework.assignments.answers import Answer, answers
from symbackprop.homework.assignments.degenerate import degenerate
from symbackprop.homework.assignments.digests import digest_of
from symbackprop.homework.assignments.draw_counts import DrawCounts, no_fair_draw
from symbackprop.homework.assignments.draw_streams import DrawStream, choices_of, hides_of, streams_of
from symbackprop.homework.assignments.points import apportioned
from symbackprop.homework.assignments.shown_mistakes import ShownMistakes, Unshown, share_left
from symbackprop.messages import message
from symbackprop.mistakes.known_mistakes import MISTAKES
from symbackprop.problems import Homework, Problem, Rounding
from symbackprop.problems.homework_table import drawn, homework
from symbackprop.problems.spec import HomeworkSpec
from symbackprop.problems.training_table import batches_in
from symbackprop.rendering import user_markdown

VERSION = 3
BLOCK = 16
MOST_TRIES = 8192
AT_ONCE = 256
"""Students whose draws are judged together."""
TRIAL = 1024
"""Draws that are looked at to see whether units can be inactive, and which mistakes can be shown."""
MOST_AT_ONCE = 16_384
"""Draws that are judged together."""
MOST_HIDING = 0.5
"""The share of draws that hide mistakes by what one quantity has from which on streams leave them out."""
HOPELESS = 0.95
"""The share of draws of one quantity that hide mistakes from which on it is not worth while to look for others."""
MOST_TRIED = 192
"""Fair draws of these in which mistakes are made."""
LOOKED_AT = 4
"""Fair draws of a student in which mistakes are looked for at once."""

Array = Any
Positions = Mapping[str, Array]


@dataclass(frozen=True)
class HomeworkAssignment:
    """A problem made ready to be drawn, asked and marked.

    `part` is its number on a sheet of several problems, as in `Answer`; `formulas` are those that its documents have in
    symbols, which are the same in all of them.
    """

    problem: Problem
    homework: Homework
    derivation: Derivation
    computation: HandComputation
    answers: tuple[Answer, ...]
    part: str = ""
    formulas: Formulas = field(default_factory=dict, repr=False, compare=False)

    @functools.cached_property
    def digest(self) -> str:
        """A hash of all that changes numbers; titles, letters and points do not."""
        return digest_of(self.problem, self.homework)

    def has_numbers_of(self, digest: str, rounding: Rounding) -> bool:
        """Say whether a homework of that digest, with that rounding, has the numbers of this one."""
        return digest in (self.digest, digest_of(self.problem, replace(self.homework, rounding=rounding)))

    @functools.cached_property
    def most(self) -> Mapping[str, Fraction]:
        """The points of each answer by its id, scaled to the total that is stated: they add up to it."""
        each = {answer.id: self.homework.points[answer.group] for answer in self.answers}
        return apportioned(each, self.homework.total)

    @functools.cached_property
    def judges(self) -> tuple[Acceptance, ShownMistakes]:
        """What draws are judged by: whether they are fair, and whether they show mistakes."""
        acceptance = _acceptance(self)
        return acceptance, _shown_mistakes(self, acceptance)

    @functools.cached_property
    def draws_apart(self) -> bool:
        """Whether draws that hide mistakes by what one quantity has are left out of the streams.

        That is so where most draws do, but not nearly all of some quantity.
        """
        if not self.problem.draw_rules.distinguish or not self.problem.variants:
            return False
        trial = _block(_streams(self, "", 0, 0, apart=False), TRIAL)
        hiding = numpy.array([hides_of(self.derivation, name, drawn) for name, drawn in trial.items()])
        return bool(hiding.any(axis=0).mean() > MOST_HIDING and hiding.mean(axis=1).max() < HOPELESS)

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

    `rejections` counts, over all `tries`, the reasons against draws that were not fair; `unshown` are the mistakes that
    draws may hide all the same.
    """

    given: HomeworkAssignment
    students: tuple[str, ...]
    positions: Positions
    tries: int = 0
    rejections: Mapping[str, int] = field(default_factory=dict)
    unshown: Unshown = field(default_factory=Unshown)

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


def assignment(problem: Problem, part: str = "") -> HomeworkAssignment:
    """Return a problem ready for homework, perhaps as a part of a sheet; one without `[homework]` asks for everything.

    Raises `ProblemError` for what cannot be asked of a student: an update that is no gradient descent, missing numbers;
    `UnknownNameError` for a mistake of `partial` or `common` that is none; `ExpressionError` for instructions that cannot
    be read.
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
    for table in ("partial", "common"):
        for name in getattr(asked.rules, table):
            if name not in MISTAKES:
                raise unknown("mistake", name, MISTAKES, where=f"homework.{table}")
    user_markdown.check(asked.instructions, "homework.instructions")
    derivation = derive(problem)
    computation = hand_computation(derivation, steps=asked.steps)
    return HomeworkAssignment(problem, asked, derivation, computation, answers(computation, asked, part), part)


def draw(given: HomeworkAssignment, students: Sequence[str], seed: int, attempts: Mapping[str, int]) -> Cohort:
    """Return fair variants for the students (their ids); `attempts` numbers the attempt of each, from 1.

    Where the problem draws nothing, all are as it is, fair or not; where there is a pool, each student has one of its
    variants. Raises `ProblemError` with the counted reasons when a student has no fair draw among `MOST_TRIES`.
    """
    if given.homework.pool and given.problem.variants:
        return _of_pool(given, students, seed, attempts)
    return draw_each(given, students, seed, attempts)


def _of_pool(given: HomeworkAssignment, students: Sequence[str], seed: int, attempts: Mapping[str, int]) -> Cohort:
    """Return variants of a pool, which are those that a class of so many numbered students gets.

    All of them are drawn, whoever needs them: tries and rejections are those of the pool.
    """
    size = given.homework.pool
    ids = [str(number).zfill(len(str(size))) for number in range(1, size + 1)]
    pools = {
        attempt: draw_each(given, ids, seed, dict.fromkeys(ids, attempt))
        for attempt in sorted({*map(attempts.__getitem__, students)} or {1})
    }
    places = [(pools[attempts[student]], pool_place(student, seed, size)) for student in students]
    chosen = {
        name: numpy.array([pool.positions[name][place] for pool, place in places], dtype=int).reshape(-1, each.size)
        for name, each in given.problem.variants.items()
    }
    first = next(iter(pools.values()))
    return Cohort(given, tuple(students), chosen, first.tries, first.rejections, first.unshown)


def pool_place(student: str, seed: int, size: int) -> int:
    """Return which variant of a pool, from 0, a student has: by the id alone, whoever else is in the class."""
    text = json.dumps(["symbackprop pool", VERSION, seed, student])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()) % size


def draw_each(given: HomeworkAssignment, students: Sequence[str], seed: int, attempts: Mapping[str, int]) -> Cohort:
    """Return variants as `draw` does, for each student one of their own whether there is a pool or not."""
    draws = given.problem.variants
    chosen = {name: numpy.zeros((len(students), each.size), dtype=int) for name, each in draws.items()}
    counts = DrawCounts()
    if not draws or not students:
        return Cohort(given, tuple(students), chosen, len(students))
    for start in range(0, len(students), AT_ONCE):
        some = students[start : start + AT_ONCE]
        streams = [_streams(given, student, seed, attempts[student], apart=given.draws_apart) for student in some]
        for name, positions in _fair(given, some, streams, counts).items():
            chosen[name][start : start + len(some)] = positions
    return Cohort(given, tuple(students), chosen, counts.tries, dict(+counts.reasons), given.judges[1].unshown)


def _acceptance(given: HomeworkAssignment) -> Acceptance:
    """Return the judge of draws; where the problem does not say so, some units are inactive if draws can be so."""
    parts = (given.computation, given.answers, given.homework, ARRAYS)
    found = Acceptance(*parts)
    if given.problem.draw_rules.inactive or not found.has_units:
        return found
    trial = _block(_streams(given, "", 0, 0, apart=given.draws_apart), TRIAL)
    values = _values(given, trial, numpy.arange(TRIAL))
    return Acceptance(*parts, "some") if found.has_inactive(values) else found


def _shown_mistakes(given: HomeworkAssignment, acceptance: Acceptance) -> ShownMistakes:
    """Return the mistakes that draws are to show, as a trial of fair draws of nobody says that they can."""
    found = ShownMistakes(given.computation, given.answers, given.homework.rounding)
    if not given.problem.draw_rules.distinguish:
        return found
    streams, looked = _streams(given, "", 0, 0, apart=given.draws_apart), 0
    fair: list[Positions] = []
    while looked < MOST_TRIES and len(fair) < MOST_TRIED:
        trial = _block(streams, TRIAL)
        places = numpy.flatnonzero(~_any(_judged(given, acceptance, trial).values(), TRIAL))
        fair += [{name: positions[place] for name, positions in trial.items()} for place in places.tolist()]
        looked += TRIAL
    if fair:
        chosen = {name: numpy.array([each[name] for each in fair[:MOST_TRIED]]) for name in fair[0]}
        values = _values(given, chosen, numpy.arange(min(len(fair), MOST_TRIED)))
        found.demand(values, share_left(len(fair) / looked), acceptance.to_be_kept(values))
    return found


def _values(given: HomeworkAssignment, candidates: Positions, places: Array) -> Mapping[str, Array]:
    """Return every number of some of the draws, by key."""
    leaves = leaves_of(given, {name: positions[places] for name, positions in candidates.items()}, len(places))
    return evaluation(given.computation.equations, ARRAYS).forward(leaves, ()).shared


def _any(verdicts: Iterable[Array], count: int) -> Array:
    return functools.reduce(numpy.logical_or, verdicts, numpy.zeros(count, dtype=bool))


def _fair(
    given: HomeworkAssignment,
    students: Sequence[str],
    streams: Sequence[Mapping[str, DrawStream]],
    counts: DrawCounts,
) -> Positions:
    """Return the first fair draw of each student."""
    draws, (acceptance, shown) = given.problem.variants, given.judges
    chosen = {name: numpy.zeros((len(students), each.size), dtype=int) for name, each in draws.items()}
    waiting = numpy.arange(len(students))
    tried = 0
    while len(waiting) and tried < MOST_TRIES:
        size = max(BLOCK, min(tried, MOST_AT_ONCE // len(waiting), MOST_TRIES - tried))
        blocks = [_block(streams[place], size) for place in waiting.tolist()]
        candidates = {name: numpy.concatenate([block[name] for block in blocks]) for name in draws}
        against = _judged(given, acceptance, candidates)
        is_fair = ~_any(against.values(), size * len(waiting))
        hidden = _hidden(given, shown, candidates, is_fair.reshape(-1, size))
        against |= hidden
        is_fair &= ~_any(hidden.values(), len(is_fair))
        by_student = is_fair.reshape(-1, size)
        found = by_student.any(axis=1)
        first = numpy.where(found, by_student.argmax(axis=1), size)
        counts.add(against, (numpy.arange(size) <= first[:, None]).reshape(-1))
        places = (numpy.arange(len(waiting)) * size + first)[found]
        for name, positions in candidates.items():
            chosen[name][waiting[found]] = positions[places]
        waiting = waiting[~found]
        tried += size
    if len(waiting):
        raise no_fair_draw(students[int(waiting[0])], counts)
    return chosen


def _hidden(
    given: HomeworkAssignment, shown: ShownMistakes, candidates: Positions, is_fair: Array
) -> dict[tuple[str, str], Array]:
    """Return which fair draws hide a mistake that they are to show; `is_fair` has a row for each student.

    They are looked at until each student has one that does not.
    """
    found: dict[tuple[str, str], Array] = {}
    waiting = is_fair & shown.demands_something
    while waiting.any():
        looked = waiting & (waiting.cumsum(axis=1) <= LOOKED_AT)
        places = numpy.flatnonzero(looked)
        is_good = looked.reshape(-1).copy()
        for reason, name, which in shown.against(_values(given, candidates, places)):
            found.setdefault((reason, name), numpy.zeros(is_fair.size, dtype=bool))[places] |= which
            is_good[places] &= ~which
        waiting &= ~looked & ~is_good.reshape(is_fair.shape).any(axis=1, keepdims=True)
    return found


def _block(streams: Mapping[str, DrawStream], count: int) -> dict[str, Array]:
    """Return the next positions of a student's streams, so many draws."""
    return {name: stream.take(count) for name, stream in streams.items()}


def _judged(
    given: HomeworkAssignment, acceptance: Acceptance, candidates: Positions
) -> dict[tuple[str, str], numpy.ndarray[Any, Any]]:
    """Return which draws each reason, with what is to blame, speaks against; what is degenerate is not computed."""
    problem = given.problem
    numbers = {name: choices_of(problem, name)[positions] for name, positions in candidates.items()}
    count = len(next(iter(numbers.values())))
    found: dict[tuple[str, str], Array] = {}
    if problem.draw_rules.distinguish:
        for reason, name, which in degenerate(given.derivation, numbers):
            found[reason, name] = found.get((reason, name), False) | which
    rest = numpy.flatnonzero(~_any(found.values(), count))
    if len(rest):
        for blame, which in acceptance.judge(_values(given, candidates, rest)).items():
            found[blame] = numpy.zeros(count, dtype=bool)
            found[blame][rest] = which
    return found


def _streams(given: HomeworkAssignment, student: str, seed: int, attempt: int, *, apart: bool) -> dict[str, DrawStream]:
    """Return the streams of a student, without draws that hide mistakes by themselves, or with them."""
    names = ["symbackprop variants", VERSION, given.digest, seed, student, attempt]
    return streams_of(given.derivation, names, apart=apart)


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
        numbers = choices_of(problem, name)[positions[name]]
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
