"""What follows from a student's own earlier answers, and when nothing may.

An answer that is not the key's is computed anew from the nearest asked quantities as the student answered them. Nothing
follows from a value that leaves nothing to compute: one outside the range of its function, one of a size that no slip
makes of the key's, a factor that is zero or so small that rounding swallows what it does; and a new value that only names
the old one is no update. An argument of a function may be anything: sigmoid(0) is computed like any other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symbackprop.algebra.formula import Apply
from symbackprop.algebra.functions import ACTIVATIONS
from symbackprop.by_hand.hand_computation import NEW, HandComputation, names_read
from symbackprop.by_hand.tolerance import Tolerance
from symbackprop.errors import SymbackpropError
from symbackprop.evaluation.arithmetics import FLOAT
from symbackprop.homework.assignments.answers import Answer
from symbackprop.messages import Message, message
from symbackprop.problems import Rounding

NumbersByKey = Mapping[str, Any]

LARGEST_RATIO = 1000.0
"""No rounding and no known mistake makes a factor so many times larger, or smaller, than the key's."""
_LINEAR = 1e-9


@dataclass(frozen=True, slots=True)
class Consequence:
    """What an answer is along one route from a student's own numbers: `known` before it, `found` after it."""

    route: Tolerance
    known: NumbersByKey
    found: NumbersByKey
    expected: float
    allowed: float

    def is_alike(self, other: NumbersByKey) -> bool:
        """Say whether the answer is the same with some numbers replaced, those of another sheet."""
        there = _run(self.route, {**self.known, **{key: other[key] for key in other if key in self.known}})
        return there is None or abs(there[1] - self.expected) <= self.allowed


@dataclass(frozen=True)
class Question:
    """One answer made ready to be marked.

    `readable` are the names that a formula may have, with their keys; `ancestors` what is asked before the answer,
    `nearest` those of them that it is computed from, `routes` the ways to do so, one for each form of the derivatives.
    `bounds` is the range of an activation's values. `reads_sheet` says that a number is read that differs between sheets.
    """

    answer: Answer
    readable: Mapping[str, str]
    ancestors: tuple[str, ...]
    nearest: tuple[str, ...]
    routes: tuple[Tolerance, ...]
    bounds: tuple[float, float] | None
    reads_sheet: bool

    def consequences(self, personal: NumbersByKey) -> Iterator[Consequence]:
        """Yield what the answer is when it follows from the given numbers, along each route that has a value there."""
        for route in self.routes:
            defined = {equation.name for equation in route.equations}
            read = set(names_read(route.equations)) - defined
            known = {key: personal[key] for key in read if key in personal}
            found = _run(route, known)
            if found is not None:
                yield Consequence(route, known, *found)

    def names_old(self, reached: Consequence, values: NumbersByKey) -> bool:
        """Say whether the answer is the old value of a parameter, where the key's new value is another."""
        key = self.answer.key
        if not key.startswith(NEW) or key.removeprefix(NEW) not in values:
            return False
        old = values[key.removeprefix(NEW)]
        return bool(abs(reached.expected - old) <= reached.allowed < abs(values[key] - old))

    def refusal(
        self,
        reached: Consequence,
        wrong: Sequence[Question],
        own: NumbersByKey,
        values: NumbersByKey,
    ) -> Message | None:
        """Return why the answer may not follow from the student's own values, of which those of `wrong` are mistaken.

        A value that follows from others is no mistake, whatever its size.
        """
        for question in wrong:
            key, bounds = question.answer.key, question.bounds
            if key not in reached.known:
                continue
            if bounds is not None and not bounds[0] <= own[key] <= bounds[1]:
                return message("mark.out_of_range", name=question.answer.id)
            if values[key] == 0 or self.bounds is not None or not _is_factor(reached, key, float(values[key])):
                continue
            ratio = abs(own[key]) / abs(values[key])
            if ratio == 0:
                return message("mark.trivial_zero", name=question.answer.id)
            if not 1 / LARGEST_RATIO <= ratio <= LARGEST_RATIO:
                return message("mark.impossible_size", name=question.answer.id)
            if _is_swallowed(reached, key, float(values[key])):
                return message("mark.swallowed", name=question.answer.id)
        if any(each.answer.key in reached.known for each in wrong) and self.names_old(reached, values):
            return message("mark.only_given")
        return None


def question(
    answer: Answer,
    computations: Sequence[HandComputation],
    asked: frozenset[str],
    names: Mapping[str, str],
    drawn: frozenset[str],
    rounding: Rounding,
) -> Question:
    """Return an answer ready to be marked; `asked` are the keys of all answers, `names` every name with its key."""
    before = {*names_read(computations[0].cone([answer.key]))}
    known = asked & before
    routes = []
    nearest: dict[str, None] = {}
    read: set[str] = set()
    for steps in computations:
        cone = steps.cone([answer.key], known)
        nearest |= dict.fromkeys(name for name in names_read(cone) if name in known)
        read |= {*names_read(cone)}
        routes.append(Tolerance(steps, answer.key, rounding, FLOAT, known))
    order = {equation.name: place for place, equation in enumerate(computations[0].equations)}
    return Question(
        answer,
        {name: key for name, key in names.items() if key in before},
        tuple(sorted(known, key=order.__getitem__)),
        tuple(sorted(nearest, key=order.__getitem__)),
        tuple(routes),
        _bounds(computations[0], answer.key),
        bool(read & drawn),
    )


def _run(route: Tolerance, known: NumbersByKey) -> tuple[NumbersByKey, float, float] | None:
    try:
        found = route.evaluation.forward(known, ()).shared
        expected, allowed = float(found[route.key]), float(route.of(found))
    except (SymbackpropError, ArithmeticError, ValueError):
        return None
    return (found, expected, allowed) if math.isfinite(expected) and math.isfinite(allowed) else None


def _is_factor(reached: Consequence, key: str, value: float) -> bool:
    """Say whether an answer is linear in a number: as a factor or a term, not as the argument of a function."""
    runs = [_run(reached.route, {**reached.known, key: size}) for size in (0.0, value, 2 * value)]
    found = [run[1] for run in runs if run is not None]
    if len(found) < len(runs):
        return False
    return abs(found[2] - 2 * found[1] + found[0]) <= _LINEAR * sum(map(abs, found))


def _is_swallowed(reached: Consequence, key: str, value: float) -> bool:
    """Say whether rounding swallows what a number does to an answer, but not what the key's number would do."""
    runs = [_run(reached.route, {**reached.known, key: size}) for size in (0.0, value)]
    if None in runs:
        return False
    without, usual = (run[1] for run in runs if run is not None)
    return abs(reached.expected - without) <= reached.allowed < abs(usual - without)


def _bounds(steps: HandComputation, key: str) -> tuple[float, float] | None:
    """Return the range of an activation's values, for a quantity that is one."""
    equation = steps.by_key[key]
    formula = equation.terms[0].form.formula
    if len(equation.terms) != 1 or not isinstance(formula, Apply) or formula.function not in ACTIVATIONS:
        return None
    row = ACTIVATIONS[formula.function]
    lowest = -math.inf if row.lowest is None else float(row.lowest)
    highest = math.inf if row.highest is None else float(row.highest)
    return lowest, highest
