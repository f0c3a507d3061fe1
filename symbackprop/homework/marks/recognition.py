"""Mistakes by name in marking: the rows of `MISTAKES`, made in the last steps to an answer, from a student's own numbers.

An answer is computed anew from the nearest earlier answers with one mistake on the way. Where no row explains it, a factor
of the whole answer may: a sign, 2, 1/2, the number of samples.
"""

from __future__ import annotations

import functools
import graphlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from symbackprop.by_hand.answer_ids import id_of
from symbackprop.by_hand.hand_computation import NEW, HandComputation, names_read
from symbackprop.by_hand.tolerance import Tolerance
from symbackprop.derivation.element_grain import ElementEquation
from symbackprop.errors import SymbackpropError
from symbackprop.evaluation.arithmetics import FLOAT
from symbackprop.homework.marks.follow_through import Consequence, Question
from symbackprop.mistakes.changes import Change, changes
from symbackprop.mistakes.worksheets import Worksheet
from symbackprop.problems import Rounding

NumbersByKey = Mapping[str, Any]

SHARPEST = 0.1
"""A mistake is told from others only where the tolerance is at most this share of what it makes."""
_WRITTEN = "✎"
"""What marks the key of an answer that is written down in another way than it is computed."""


@dataclass(frozen=True, slots=True)
class NamedMistake:
    """A mistake that explains an answer: its id, and the ids of the answers at which it was made."""

    id: str
    at: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A mistake on the way to an answer, made ready to be computed from a student's own numbers."""

    named: NamedMistake
    route: Tolerance
    read: tuple[str, ...]

    def explains(self, value: float, personal: NumbersByKey, factor: float) -> Consequence | None:
        """Return what the mistake makes of the numbers if that is a value, with tolerances multiplied by a factor."""
        known = {key: personal[key] for key in self.read}
        try:
            found = self.route.evaluation.forward(known, ()).shared
            expected = float(found[self.route.key])
            if not abs(value - expected) <= factor * SHARPEST * abs(expected):
                return None
            allowed = float(self.route.of(found))
        except (SymbackpropError, ArithmeticError, ValueError):
            return None
        is_told = math.isfinite(expected) and allowed <= SHARPEST * abs(expected)
        if not is_told or abs(value - expected) > factor * allowed:
            return None
        return Consequence(self.route, known, found, expected, allowed)


class NamedMistakes:
    """The mistakes on the way to each answer of a problem; what an answer needs is made when one is wrong first.

    `part` is the number of the problem, as in `Answer`.
    """

    def __init__(self, computation: HandComputation, asked: frozenset[str], rounding: Rounding, part: str = "") -> None:
        self.computation, self.rounding, self.part = computation, rounding, part
        self.asked = asked
        self._candidates: dict[str, tuple[_Candidate, ...]] = {}

    def explaining(
        self, question: Question, value: float, personal: NumbersByKey, factor: float
    ) -> Iterator[tuple[NamedMistake, Consequence]]:
        """Yield the mistakes that make an answer of a student's own numbers, each with what it makes."""
        key = question.answer.key
        if key not in self._candidates:
            self._candidates[key] = tuple(self._made_ready(key))
        for candidate in self._candidates[key]:
            reached = candidate.explains(value, personal, factor)
            if reached is not None:
                yield candidate.named, reached

    def of_factors(
        self, question: Question, value: float, reached: Consequence, factor: float
    ) -> Iterator[NamedMistake]:
        """Yield the mistakes that make an answer some factor times what follows from the student's own numbers."""
        for name, times in () if question.answer.key.startswith(NEW) else _factors(self.computation):
            made, allowed = times * reached.expected, abs(times) * reached.allowed
            if allowed <= SHARPEST * abs(made) and abs(value - made) <= factor * allowed:
                yield NamedMistake(name, (question.answer.id,))

    @functools.cached_property
    def _changes(self) -> tuple[Change, ...]:
        """The changes that mistakes make in the computation: conventions last, then those at few places first."""
        found = changes(Worksheet(self.computation))
        return tuple(sorted(found, key=lambda change: (change.mistake.is_convention, len(change.sites))))

    def _made_ready(self, key: str) -> Iterator[_Candidate]:
        """Yield the mistakes on the way to an answer; of those that are the same there the first."""
        known = self.asked - {key}
        usual = {equation.name for equation in self.computation.cone([key], known)}
        seen: set[tuple[ElementEquation, ...]] = set()
        for change in self._changes:
            ends = key in change.equations if change.is_written else not usual.isdisjoint(change.equations)
            cone = self._cone(change, key, known) if ends else None
            if cone is None:
                continue
            made = {key} if change.is_written else {each.name for each in cone if each.name in change.equations}
            told = tuple(change.equations[name] for name in sorted(made))
            if told and told not in seen:
                seen.add(told)
                yield self._candidate(change, cone, frozenset(made), known)

    def _candidate(
        self, change: Change, cone: tuple[ElementEquation, ...], made: frozenset[str], known: frozenset[str]
    ) -> _Candidate:
        graph = self.computation.derivation.graph
        sites = [site.at for site in change.sites if any(equation.name in made for equation in site.equations)]
        at = dict.fromkeys(self.part + id_of(site, graph) for site in sites)
        named = NamedMistake(change.mistake.name, tuple(at))
        changed = HandComputation(self.computation.derivation, cone, (), self.computation.steps)
        defined = {equation.name for equation in cone}
        read = tuple(name for name in dict.fromkeys(names_read(cone)) if name not in defined)
        return _Candidate(named, Tolerance(changed, cone[-1].name, self.rounding, FLOAT, known), read)

    def _cone(self, change: Change, key: str, known: frozenset[str]) -> tuple[ElementEquation, ...] | None:
        """Return the equations that lead to an answer under a change, in order; None where one leads to itself."""
        usual = self.computation.by_key
        equations = {**usual, **change.equations}
        end = equations[key]
        if change.is_written:
            equations, end = dict(usual), end._replace(name=_WRITTEN + key)
        found = {end.name: end}
        waiting = [end]
        while waiting:
            for name in names_read([waiting.pop()]):
                if name not in found and name not in known and name in equations:
                    found[name] = equations[name]
                    waiting.append(equations[name])
        reads = {name: [each for each in names_read([equation]) if each in found] for name, equation in found.items()}
        try:
            return tuple(found[name] for name in graphlib.TopologicalSorter(reads).static_order())
        except graphlib.CycleError:
            return None


def _factors(computation: HandComputation) -> Iterator[tuple[str, float]]:
    yield from (("wrong_sign", -1.0), ("doubled_factor_two", 2.0), ("lost_factor_two", 0.5))
    samples = computation.derivation.problem.samples
    if samples is not None and samples > 1:
        yield from (("no_mean", float(samples)), ("mean_twice", 1.0 / samples))
