"""Marking: each answer against the key, else against what follows from the student's own earlier answers.

In order: nothing typed is `blank`, what cannot be read or decided `unreadable`; what is within tolerance of the key is
`correct`, what is within tolerance of the value recomputed from the student's own earlier answers `follow_through`, the rest
`wrong`. The recomputation runs the computation of the problem with these answers in place, in both forms of each derivative.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from symbackprop.algebra.forms import abstracted
from symbackprop.algebra.formula import Apply
from symbackprop.algebra.functions import ACTIVATIONS
from symbackprop.errors import EvaluationError, SymbackpropError
from symbackprop.evaluation.evaluate import FLOAT
from symbackprop.homework.answer_parsing import ParsedAnswer, read
from symbackprop.homework.answers import Answer, names_of
from symbackprop.homework.hand_computation import HandComputation, evaluation, hand_computation, names_read
from symbackprop.homework.tolerance import Tolerance
from symbackprop.homework.variants import HomeworkAssignment
from symbackprop.messages import Message, message

NumbersByKey = Mapping[str, Any]

_PROBES = 6
_CLOSE = 1e-9


class MarkVerdict(StrEnum):
    """What an answer turned out to be."""

    CORRECT = "correct"
    FOLLOW_THROUGH = "follow_through"
    WRONG = "wrong"
    BLANK = "blank"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark of one answer: points out of `most`, and what is said about it."""

    answer: Answer
    text: str
    verdict: MarkVerdict
    points: Fraction
    most: Fraction
    said: Message | None = None


@dataclass(frozen=True)
class _Question:
    """One answer made ready to be marked: what it may read, and the ways to recompute it from asked quantities."""

    readable: Mapping[str, str]
    ancestors: tuple[str, ...]
    nearest: tuple[str, ...]
    routes: tuple[Tolerance, ...]
    bounds: tuple[float, float] | None


class Marker:
    """An assignment made ready to mark any number of students."""

    def __init__(self, assignment: HomeworkAssignment) -> None:
        self.assignment = assignment
        self._earned = {
            MarkVerdict.CORRECT: Fraction(1),
            MarkVerdict.FOLLOW_THROUGH: assignment.homework.follow_through,
        }
        self._names = names_of(assignment.computation)
        self._computations = (assignment.computation, hand_computation(assignment.derivation, classroom=False))
        self._questions = {answer.id: self._question(answer) for answer in assignment.answers}

    def _question(self, answer: Answer) -> _Question:
        before = {*names_read(self.assignment.computation.cone([answer.key]))}
        known = frozenset(other.key for other in self.assignment.answers if other.key in before)
        routes = []
        nearest: dict[str, None] = {}
        for steps in self._computations:
            nearest |= dict.fromkeys(name for name in names_read(steps.cone([answer.key], known)) if name in known)
            routes.append(Tolerance(steps, answer.key, self.assignment.homework.rounding, FLOAT, known))
        readable = {name: key for name, key in self._names.items() if key in before}
        order = [equation.name for equation in self.assignment.computation.equations]
        return _Question(
            readable,
            tuple(sorted(known, key=order.index)),
            tuple(sorted(nearest, key=order.index)),
            tuple(routes),
            _bounds(self.assignment.computation, answer.key),
        )

    def mark(self, values: NumbersByKey, tolerances: Mapping[str, float], submitted: Mapping[str, str]) -> list[Mark]:
        """Return the marks of one student, answer by answer in the order of computation.

        `values` are the key's numbers by key, `tolerances` those of the answers by id, `submitted` what was typed by id.
        """
        parsed_answers = {
            answer.key: read(
                submitted.get(answer.id, ""),
                (answer.id, *answer.aliases),
                self._questions[answer.id].readable,
            )
            for answer in self.assignment.answers
        }
        marks: dict[str, Mark] = {}
        own: dict[str, float] = {}
        for answer in self.assignment.answers:
            mark, value = self._marked(answer, parsed_answers[answer.key], values, tolerances[answer.id], own, marks)
            marks[answer.key] = mark
            if value is not None:
                own[answer.key] = value
        return list(marks.values())

    def _marked(
        self,
        answer: Answer,
        parsed: ParsedAnswer,
        values: NumbersByKey,
        tolerance: float,
        own: Mapping[str, float],
        marks: Mapping[str, Mark],
    ) -> tuple[Mark, float | None]:
        """Return the mark of an answer and the value that later answers may follow from."""
        most = self.assignment.most[answer.id]

        def marked(verdict: MarkVerdict, said: Message | None = None) -> Mark:
            part = self._earned.get(verdict, Fraction(0))
            return Mark(answer, parsed.text, verdict, most * part, most, said)

        if parsed.is_blank:
            return marked(MarkVerdict.BLANK), None
        if parsed.mistake is not None:
            return marked(MarkVerdict.UNREADABLE, parsed.mistake.what), None
        assert parsed.formula is not None
        value = _value(parsed.formula, values)
        if value is None:
            agrees = self._probed(answer, parsed)
            if agrees is None:
                return marked(MarkVerdict.UNREADABLE, message("mark.undecided")), None
            return marked(MarkVerdict.CORRECT if agrees else MarkVerdict.WRONG), None
        if abs(value - values[answer.key]) <= tolerance:
            return marked(MarkVerdict.CORRECT), value
        question = self._questions[answer.id]
        earlier = [key for key in question.nearest if key in own]
        # Where all are within tolerance of the key, what follows from them may still be just outside it.
        wrong = [key for key in earlier if marks[key].verdict is not MarkVerdict.CORRECT] or earlier
        if wrong:
            personal = {**values, **{key: own[key] for key in question.ancestors if key in own}}
            mine = _value(parsed.formula, personal)
            refused = self._refusal([marks[key].answer for key in wrong], own, values)
            if self._follows(question, personal, (value, mine)):
                if refused is not None:
                    return marked(MarkVerdict.WRONG, refused), value
                used = [message("mark.with", name=marks[key].answer.id, value=marks[key].text.strip()) for key in wrong]
                said = message("mark.follow_through", values=used)
                return marked(MarkVerdict.FOLLOW_THROUGH, said), value
        return marked(MarkVerdict.WRONG), value

    def _follows(self, question: _Question, personal: NumbersByKey, candidates: Sequence[float | None]) -> bool:
        """Say whether one of the values follows from the student's own earlier ones, along one of the routes."""
        for tolerance in question.routes:
            defined = {equation.name for equation in tolerance.equations}
            known = {key: value for key, value in personal.items() if key not in defined}
            try:
                found = tolerance.evaluation.forward(known, ()).shared
                allowed = float(tolerance.of(found))
            except (EvaluationError, ArithmeticError, ValueError):
                continue
            expected = found[tolerance.key]
            if any(value is not None and abs(value - expected) <= allowed for value in candidates):
                return True
        return False

    def _refusal(self, wrong: Sequence[Answer], own: Mapping[str, float], values: NumbersByKey) -> Message | None:
        """Return why nothing may follow from the student's values: one of them leaves nothing to compute."""
        for answer in wrong:
            if own[answer.key] == 0 and values[answer.key] != 0:
                return message("mark.trivial_zero", name=answer.id)
            bounds = self._questions[answer.id].bounds
            if bounds is not None and not bounds[0] <= own[answer.key] <= bounds[1]:
                return message("mark.out_of_range", name=answer.id)
        return None

    def _probed(self, answer: Answer, parsed: ParsedAnswer) -> bool | None:
        """Say whether a formula equals the answer wherever it can be computed among random numbers; None if nowhere."""
        agrees = None
        assert parsed.formula is not None
        for values in self._probes:
            found = _value(parsed.formula, values)
            expected = values[answer.key]
            if found is None or not math.isfinite(expected):
                continue
            if abs(found - expected) > _CLOSE * max(abs(expected), abs(found), 1e-6):
                return False
            agrees = True
        return agrees

    @functools.cached_property
    def _probes(self) -> list[NumbersByKey]:
        """Values of the whole computation at a few numbers of no meaning."""
        run = evaluation(self.assignment.computation.equations, FLOAT).forward
        found: list[NumbersByKey] = []
        for probe in range(1, _PROBES + 1):
            leaves = {
                key: math.sin(probe * 1.7 + position * 2.3) * 0.9 + 0.05
                for position, key in enumerate(self.assignment.computation.leaves)
            }
            try:
                found.append(run(leaves, ()).shared)
            except (SymbackpropError, ArithmeticError, ValueError):
                continue
        return found


def _value(formula: Any, values: NumbersByKey) -> float | None:
    """Return the number of a formula over keys, None where it has no finite one."""
    form, arguments = abstracted(formula)
    try:
        found = float(FLOAT.function(form.formula, form.arity)(*[float(values[name]) for name in arguments]))
    except (SymbackpropError, ArithmeticError, ValueError, TypeError):
        return None
    return found if math.isfinite(found) else None


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


def first_wrong(marks: Sequence[Mark]) -> Mark | None:
    """Return the first answer, in the order of computation, that is wrong."""
    return next((mark for mark in marks if mark.verdict is MarkVerdict.WRONG), None)
