"""Marking: each answer against the key, else against what follows from the student's own earlier answers.

In order: nothing typed is `blank`, what cannot be read or decided `unreadable`; a number within tolerance of the key is
`correct`, one within tolerance of the value recomputed from the student's own earlier answers `follow_through`
(`symbackprop.homework.marks.follow_through`). What has too few digits for that is `rounded`, the same mistake as earlier
`repeated` (`symbackprop.homework.marks.recognition`), the rest `wrong`. Formulas are marked as formulas
(`symbackprop.homework.marks.formula_answers`).
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from fractions import Fraction

from symbackprop.algebra.formula import Node, names
from symbackprop.by_hand.answer_ids import names_of
from symbackprop.by_hand.answer_parsing import ParsedAnswer, names_itself, shortened, unit, value_of
from symbackprop.by_hand.hand_computation import hand_computation
from symbackprop.homework.assignments.answers import Answer
from symbackprop.homework.assignments.options import Option, OptionsById, chosen, letter
from symbackprop.homework.assignments.points import earned
from symbackprop.homework.assignments.variants import HomeworkAssignment
from symbackprop.homework.marks.follow_through import Consequence, NumbersByKey, Question, question
from symbackprop.homework.marks.formula_answers import Probes, another_sheet, drawn_keys
from symbackprop.homework.marks.recognition import NamedMistake, NamedMistakes
from symbackprop.messages import Message, message
from symbackprop.mistakes.known_mistakes import MISTAKES
from symbackprop.problems.answer_rules import FORMULAS, NUMBERS

TOO_FEW = 10.0
"""Who carries one digit fewer than told is within so many tolerances."""
COARSEST = 0.05
"""What was cut to too few digits is within this share of the right number."""
CARRIED = 0.01
"""What was computed with too few digits is within this share of it."""
EVIDENCE = Fraction(1, 2)
"""The share of the answers from the numbers of the sheet that have to be right before others may follow from wrong ones."""


MOST_POSSIBLE = 4
"""Mistakes that a message lists of an answer that several make."""
MOST_TOLERANCE = 1000.0
"""What tolerances can be multiplied by, at most."""


_NO_OPTIONS: OptionsById = {}


class MarkVerdict(StrEnum):
    """What an answer turned out to be."""

    CORRECT = "correct"
    FOLLOW_THROUGH = "follow_through"
    ROUNDED = "rounded"
    REPEATED = "repeated"
    WRONG = "wrong"
    BLANK = "blank"
    UNREADABLE = "unreadable"


_LOST = (MarkVerdict.WRONG, MarkVerdict.REPEATED, MarkVerdict.UNREADABLE)


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark of one answer: points out of `most`, and what is said about it.

    `rests` says that the answer counts only beside others, as what follows from the student's own earlier answers or as a
    zero, which a sheet may have for everybody; `is_evidence` says that it
    was computed from the numbers of the sheet: with those of another sheet it would be something else. `mistakes` are those
    that make a wrong answer: one, or several that all do.
    """

    answer: Answer
    text: str
    verdict: MarkVerdict
    points: Fraction
    most: Fraction
    said: Message | None = None
    rests: bool = False
    is_evidence: bool = False
    mistakes: tuple[NamedMistake, ...] = ()

    def __reduce__(self) -> tuple[type[Mark], tuple[object, ...]]:
        # Marks of a large class are packed and opened again and again, which is several times as fast so.
        return Mark, _PARTS(self)

    @property
    def mistake(self) -> NamedMistake | None:
        """The mistake that makes a wrong answer, None where none does, or several."""
        return self.mistakes[0] if len(self.mistakes) == 1 else None


_PARTS = operator.attrgetter(*(each.name for each in fields(Mark)))


class Marker:
    """A problem made ready to mark any number of students; `factor` multiplies every tolerance."""

    def __init__(self, assignment: HomeworkAssignment, factor: float = 1.0) -> None:
        homework = assignment.homework
        self.assignment = assignment
        self.factor = factor
        self.earning = {
            MarkVerdict.CORRECT: Fraction(1),
            MarkVerdict.FOLLOW_THROUGH: homework.rules.follow_through,
            MarkVerdict.ROUNDED: homework.rules.rounded,
            MarkVerdict.REPEATED: homework.rules.repeated,
        }
        self.probes = Probes(assignment)
        self.drawn = drawn_keys(assignment)
        self.elsewhere = another_sheet(assignment)
        other = hand_computation(assignment.derivation, classroom=False, steps=homework.steps)
        computations = (assignment.computation, other)
        asked, known = frozenset(answer.key for answer in assignment.answers), names_of(assignment.computation)
        self.mistakes = NamedMistakes(assignment.computation, asked, homework.rounding, assignment.part)
        self.questions = {
            answer.key: question(answer, computations, asked, known, self.drawn, homework.rounding)
            for answer in assignment.answers
        }

    def share(self, verdict: MarkVerdict, mistakes: Sequence[NamedMistake]) -> Fraction:
        """Return the share of its points that an answer earns, by its verdict and the mistake that makes it, if one does."""
        share = self.earning.get(verdict, Fraction(0))
        if len(mistakes) != 1 or verdict not in (MarkVerdict.WRONG, MarkVerdict.REPEATED):
            return share
        return max(share, self.assignment.homework.rules.partial.get(mistakes[0].id, Fraction(0)))

    def mark(
        self,
        values: NumbersByKey,
        tolerances: Mapping[str, float],
        submitted: Mapping[str, str],
        options: OptionsById = _NO_OPTIONS,
    ) -> list[Mark]:
        """Return the marks of one student, answer by answer in the order of computation.

        `values` are the key's numbers by key, `tolerances` those of the answers by id, `submitted` what was typed by id,
        `options` what answers were to be chosen from.
        """
        marking = _Marking(self, values, tolerances, options)
        for answer in self.assignment.answers:
            marking.add(self.questions[answer.key], submitted.get(answer.id, ""))
        return self._evident(list(marking.marks.values()))

    def _evident(self, marks: list[Mark]) -> list[Mark]:
        """Return the marks, without those that rest on others where too little comes from the numbers of the sheet."""
        if not self.drawn:
            return marks
        own = [mark for mark in marks if self.questions[mark.answer.key].reads_sheet and mark.text.strip()]
        own = [mark for mark in own if mark.is_evidence or mark.verdict in _LOST]
        right = sum(1 for mark in own if mark.is_evidence)
        if right and right >= EVIDENCE * len(own):
            return marks
        said = message("mark.not_own_sheet", right=right, count=len(own))
        nothing = Fraction(0)
        return [
            replace(mark, verdict=MarkVerdict.WRONG, points=nothing, said=said, mistakes=())
            if mark.rests or (mark.verdict is MarkVerdict.WRONG and mark.points)
            else mark
            for mark in marks
        ]


@dataclass(frozen=True, slots=True)
class _Judged:
    """What an answer turned out to be, as in a `Mark`."""

    verdict: MarkVerdict
    said: Message | None = None
    rests: bool = False
    is_evidence: bool = False
    mistakes: tuple[NamedMistake, ...] = ()


class _Marking:
    """The marking of one student: marks so far, and the values that later answers may follow from."""

    def __init__(
        self, marker: Marker, values: NumbersByKey, tolerances: Mapping[str, float], options: OptionsById
    ) -> None:
        self.marker, self.values, self.tolerances, self.options = marker, values, tolerances, options
        self.marks: dict[str, Mark] = {}
        self.own: dict[str, float] = {}
        self.slips: dict[str, str] = {}

    def add(self, question: Question, text: str) -> None:
        """Mark one more answer."""
        answer = question.answer
        kind = self.marker.assignment.homework.rules.kinds[answer.group]
        options = self.options.get(answer.id, ())
        parsed = answer.read(text, {} if options else question.readable)
        judged = _Judged(MarkVerdict.BLANK)
        if options and not parsed.is_blank:
            judged = self._choice(question, parsed, options)
        elif parsed.mistake is not None:
            itself = names_itself(answer.bare(text), answer.names)
            judged = _Judged(MarkVerdict.UNREADABLE, message("mark.itself") if itself else parsed.mistake.what)
        elif parsed.formula is not None and names(parsed.formula):
            judged = self._formula(question, parsed.formula, kind)
        elif parsed.formula is not None:
            value = value_of(parsed.formula, {})
            if value is None:
                judged = _Judged(MarkVerdict.UNREADABLE, message("mark.undecided"))
            elif kind == FORMULAS:
                judged = _Judged(MarkVerdict.WRONG, message("mark.formula_asked"))
            else:
                judged = self._number(question, parsed, value)
                self.own[answer.key] = value
        most = self.marker.assignment.most[answer.id]
        points = earned(most, self.marker.share(judged.verdict, judged.mistakes))
        self.marks[answer.key] = Mark(
            answer,
            text,
            judged.verdict,
            points,
            most,
            judged.said,
            judged.rests,
            judged.is_evidence,
            judged.mistakes,
        )

    def _formula(self, question: Question, formula: Node, kind: str) -> _Judged:
        if kind == NUMBERS:
            return _Judged(MarkVerdict.WRONG, message("mark.number_asked"))
        agrees = self.marker.probes.agree(formula, question.answer.key)
        if agrees is None:
            return _Judged(MarkVerdict.UNREADABLE, message("mark.undecided"))
        return _Judged(MarkVerdict.CORRECT if agrees else MarkVerdict.WRONG)

    def _choice(self, question: Question, parsed: ParsedAnswer, options: Sequence[Option]) -> _Judged:
        """Return the verdict on an answer that was chosen: by its number, as if that had been typed in full."""
        answer = question.answer
        allowed = self.marker.factor * self.tolerances[answer.id]
        option = chosen(parsed.text, answer.names, options, allowed)
        if option is None:
            letters = f"{letter(0)}–{letter(len(options) - 1)}"
            return _Judged(MarkVerdict.UNREADABLE, message("mark.no_option", letters=letters))
        self.own[answer.key] = option.value
        return self._number(question, parsed, option.value, option)

    def _number(self, question: Question, parsed: ParsedAnswer, value: float, option: Option | None = None) -> _Judged:
        key, factor = question.answer.key, self.marker.factor
        expected, allowed = float(self.values[key]), factor * self.tolerances[question.answer.id]
        if abs(value - expected) <= allowed if option is None else option.is_key:
            is_zero = expected == 0  # of an inactive unit, say: no number of the sheet is needed to answer it
            return _Judged(MarkVerdict.CORRECT, rests=is_zero, is_evidence=question.reads_sheet and not is_zero)
        earlier = [self.marker.questions[each] for each in question.nearest if each in self.own]
        # Where all are within tolerance of the key, what follows from them may still be just outside it.
        wrong = [each for each in earlier if self._verdict(each) is not MarkVerdict.CORRECT] or earlier
        personal = {**self.values, **{each: self.own[each] for each in question.ancestors if each in self.own}}
        reached = list(question.consequences(personal))
        follows = reached if wrong else []
        for each in follows:
            if abs(value - each.expected) <= factor * each.allowed:
                return self._following(question, each, wrong, MarkVerdict.FOLLOW_THROUGH, self._used(wrong))
        if option is not None:
            return self._named(question, [NamedMistake(option.mistake, option.at)])
        if _too_few(parsed, value, expected, allowed):
            return _Judged(MarkVerdict.ROUNDED, message("mark.rounded"), is_evidence=question.reads_sheet)
        for each in follows:
            if _too_few(parsed, value, each.expected, factor * each.allowed):
                return self._following(question, each, wrong, MarkVerdict.ROUNDED, message("mark.rounded"))
        return self._named(question, list(self._explained(question, value, reached, wrong, personal)))

    def _verdict(self, question: Question) -> MarkVerdict:
        return self.marks[question.answer.key].verdict

    def _refusal(self, question: Question, reached: Consequence, wrong: Sequence[Question]) -> Message | None:
        mistaken = [each for each in wrong if self._verdict(each) is MarkVerdict.WRONG]
        return question.refusal(reached, mistaken, self.own, self.values)

    def _following(
        self, question: Question, reached: Consequence, wrong: Sequence[Question], verdict: MarkVerdict, said: Message
    ) -> _Judged:
        refused = self._refusal(question, reached, wrong)
        if refused is not None:
            return _Judged(MarkVerdict.WRONG, refused)
        is_own = question.reads_sheet and not question.names_old(reached, self.values)
        is_evidence = is_own and not reached.is_alike(self.marker.elsewhere)
        return _Judged(verdict, said, True, is_evidence)

    def _used(self, wrong: Sequence[Question]) -> Message:
        used = [
            message("mark.with", name=each.answer.id, value=shortened(self.marks[each.answer.key].text.strip()))
            for each in wrong
        ]
        return message("mark.follow_through", values=used)

    def _named(self, question: Question, found: Sequence[NamedMistake]) -> _Judged:
        """Return the verdict on a number that is wrong, which mistakes make it, and whether for the first time."""
        if not found:
            return _Judged(MarkVerdict.WRONG)
        earlier = next((each for each in found if each.id in self.slips), None)
        for each in found:
            self.slips.setdefault(each.id, question.answer.id)
        if earlier is not None:
            said = message("mark.repeated", mistake=_slip(earlier), name=self.slips[earlier.id])
            return _Judged(MarkVerdict.REPEATED, said, True, mistakes=(earlier,))
        if len({each.id for each in found}) > 1:
            said = message("mark.possible", mistakes=[_slip(each) for each in found[:MOST_POSSIBLE]])
            return _Judged(MarkVerdict.WRONG, said, mistakes=tuple(found))
        return _Judged(MarkVerdict.WRONG, message("mark.slip", mistake=_slip(found[0])), mistakes=(found[0],))

    def _explained(
        self,
        question: Question,
        value: float,
        reached: Sequence[Consequence],
        wrong: Sequence[Question],
        own: NumbersByKey,
    ) -> list[NamedMistake]:
        """Return the mistakes that explain a number, each once: rows, or where none does a factor of the whole.

        A convention speaks where no mistake does.
        """
        known, factor = self.marker.mistakes, self.marker.factor
        found: dict[str, NamedMistake] = {}
        for named, made in known.explaining(question, value, own, factor):
            if self._refusal(question, made, wrong) is None:
                found.setdefault(named.id, named)
        for each in () if found else reached:
            if self._refusal(question, each, wrong) is None:
                found |= {named.id: named for named in known.of_factors(question, value, each, factor)}
        wrong_ones = [each for each in found.values() if not MISTAKES[each.id].is_convention]
        return wrong_ones or list(found.values())


def _slip(named: NamedMistake) -> Message:
    return message("diagnosis.at", mistake=message(f"slip.{named.id}"), names=list(named.at))


def _too_few(parsed: ParsedAnswer, value: float, expected: float, allowed: float) -> bool:
    """Say whether a number is right but for its digits: one fewer was carried on the way, or some were left out at the end.

    A decimal of at least two digits may be off by less than a unit of its last one: rounded or cut off.
    """
    if not expected or value * expected <= 0:
        return False
    off = abs(value - expected)
    last = unit(parsed)
    is_cut = last is not None and abs(value) >= 10 * last * (1 - 1e-9) and off < last + allowed
    is_carried = off <= min(TOO_FEW * allowed, CARRIED * abs(expected))
    return is_carried or (is_cut and off <= COARSEST * abs(expected))


def first_wrong(marks: Sequence[Mark]) -> list[Mark]:
    """Return of each problem the first answer, in the order of computation, that is wrong."""
    first: dict[str, Mark] = {}
    for mark in marks:
        if mark.verdict is MarkVerdict.WRONG:
            first.setdefault(mark.answer.part, mark)
    return list(first.values())
