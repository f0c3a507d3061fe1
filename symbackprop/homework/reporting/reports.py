"""What marking hands back: tables for the gradebook, a document for each student, a summary of the class."""

from __future__ import annotations

import functools
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from symbackprop import language
from symbackprop.arithmetic.decimals import trimmed
from symbackprop.by_hand.answer_parsing import shortened
from symbackprop.document.answer_symbols import symbol
from symbackprop.document.blocks import Document, Inline, Judged, Judgement, Paragraph, Section, Table, Verbatim
from symbackprop.document.calculation.numerals import as_written
from symbackprop.homework.assignments.options import Option, key_letter
from symbackprop.homework.assignments.problem_sets import ClassNumbers, ProblemSet
from symbackprop.homework.assignments.variants import HomeworkAssignment
from symbackprop.homework.handouts.distribution import enrolled
from symbackprop.homework.handouts.manifest import Enrolment, Manifest, printed
from symbackprop.homework.marks.copies import Copy
from symbackprop.homework.marks.marking import Mark, MarkVerdict, first_wrong
from symbackprop.homework.marks.overrides import CHANGED, ChangedTotal
from symbackprop.homework.reporting.item_analysis import distribution, item_statistics
from symbackprop.homework.reporting.mistake_reports import BY_MISTAKE, mistakes_of_class, own_mistakes
from symbackprop.homework.reporting.summary_records import ClassRecord
from symbackprop.homework.reporting.worked_steps import own_numbers, read_by, worked_step
from symbackprop.messages import Message, message, some

Row = tuple[Inline, ...]


@dataclass(frozen=True)
class GradedClass:
    r"""A class that is marked: marks by student, and what was found odd.

    `origins` says, by student, which file of a folder or an archive the last attempt was, `copies` whose sheet looks
    copied, and `withheld` who gets no points until a person has decided that. `changed_totals` are totals changed by
    hand.

    Examples:
        >>> import pathlib, tempfile
        >>> import symbackprop
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     given = symbackprop.homework("homework", students=["s1"], folder=f"{folder}/class", formats=["markdown"])
        ...     answers = pathlib.Path(folder, "answers.csv")
        ...     written = answers.write_text(f"student,L,gone\ns1,{given.answers['s1']['L']},1\n")
        ...     marks = symbackprop.grade(f"{folder}/class", [answers], formats=["markdown"])
        >>> marks.total("s1"), list(marks.numbers("s1"))[:3]
        (Fraction(59, 100), ['learning_rate', 'x_1', 'x_2'])
        >>> marks.say(marks.remarks[0][1])
        'no answers of this homework, and left out: the columns gone'
    """

    manifest: Manifest
    given: ProblemSet
    marks: Mapping[str, Sequence[Mark]]
    remarks: Sequence[tuple[str, Message]] = ()
    changes: Sequence[tuple[str, Mark, Mark]] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    copies: Mapping[str, Copy] = field(default_factory=dict)
    withheld: frozenset[str] = frozenset()
    changed_totals: Mapping[str, Sequence[ChangedTotal]] = field(default_factory=dict)

    @functools.cached_property
    def whole(self) -> ClassNumbers:
        """The numbers of everybody's sheet."""
        return enrolled(self.given, self.manifest.enrolments)

    @functools.cached_property
    def _places(self) -> Mapping[str, int]:
        return {id: place for place, id in enumerate(self.whole.students)}

    def numbers(self, student: str) -> dict[str, float]:
        """Return the numbers of a student's sheet.

        Args:
            student: The id of the student.

        Returns:
            Numbers by key of the computation; on a sheet of several problems each key begins with the number of its
            problem, as in `2.z1_1`.
        """
        return self.whole.numbers(self._places[student])

    @functools.cached_property
    def named(self) -> Mapping[str, tuple[Inline, Inline]]:
        """The id and the symbol of each answer by its id, as tables show them."""
        return {
            answer.id: (Verbatim(answer.id), symbol(part.derivation, answer.key))
            for part in self.given.parts
            for answer in part.answers
        }

    @functools.cached_property
    def record(self) -> ClassRecord:
        """What is said of the whole class."""
        return ClassRecord.of(self.marks, self._total, _is_unread)

    @property
    def language(self) -> str:
        """The language in which the homework was given out."""
        return str(self.manifest.settings.get("language", language.DEFAULT))

    def total(self, student: str) -> Fraction:
        """Return the marks of a student, with what was changed by hand.

        Args:
            student: The id of the student.

        Returns:
            Points, exactly.
        """
        return self._total(student, self.marks[student])

    def _total(self, student: str, own: Sequence[Mark]) -> Fraction:
        if student in self.changed_totals:
            return self.changed_totals[student][-1].after
        return sum((mark.points for mark in own), Fraction(0))

    @property
    def totals(self) -> dict[str, Fraction]:
        """The marks of all students whose points are not withheld."""
        return {student: total for student, total in self.record.totals.items() if student not in self.withheld}

    def say(self, said: Message) -> str:
        """Return a message in the language of the homework.

        Args:
            said: The message.

        Returns:
            Its text.
        """
        return language.say(self.language, said)


def page_of(marked: GradedClass, enrolment: Enrolment) -> Document:
    """Return the page of a student: the points, then every answer with the key's and what is said about it."""
    student, own = enrolment.student, marked.marks[enrolment.student.id]
    total = message("report.total", points=trimmed(marked.total(student.id)), most=trimmed(marked.given.total))
    remarks = [
        message(
            "report.changed_total", before=trimmed(each.before), after=trimmed(each.after), reason=each.reason or "–"
        )
        for each in marked.changed_totals.get(student.id, ())
    ]
    remarks += [message("report.first_wrong", name=mark.answer.id) for mark in first_wrong(own)]

    def marks_of(part: HomeworkAssignment) -> list[Mark]:
        return [mark for mark in own if mark.answer.part == part.part]

    def of_problem(part: HomeworkAssignment) -> Iterator[Section]:
        yield _answers(marked, part, enrolment, marks_of(part))
        yield from own_mistakes(marks_of(part))
        yield from _worked(marked, part, enrolment, marks_of(part))

    def points(part: HomeworkAssignment) -> Message:
        earned = sum((mark.points for mark in marks_of(part)), Fraction(0))
        return message("report.total", points=trimmed(earned), most=trimmed(part.total))

    about = (student.name, student.id, enrolment.code)
    return _document(marked, about, (total, *remarks), marked.given.by_problem(of_problem, points))


def _answers(marked: GradedClass, part: HomeworkAssignment, enrolment: Enrolment, own: Sequence[Mark]) -> Section:
    """Return the answers to a problem, each with the key's and what is said about it."""
    keys, rounding = marked.numbers(enrolment.student.id), part.homework.rounding
    rows = [
        (
            *marked.named[mark.answer.id],
            Verbatim(shortened(mark.text)),
            _expected(printed(keys[mark.answer.place], rounding), enrolment.options.get(mark.answer.id, ())),
            _VERDICTS[mark.verdict],
            f"{trimmed(mark.points)} / {trimmed(mark.most)}",
            _why(mark),
        )
        for mark in own
    ]
    columns = ("answer", "quantity", "yours", "expected", "verdict", "points", "remark")
    return _table("answers", columns, rows, numeric=("expected", "points"))


def _expected(text: str, options: Sequence[Option]) -> Inline:
    """Return the right number, behind the letter of its option if there is one."""
    number = as_written(text)
    return message("report.option", letter=key_letter(options), number=number) if options else number


def _worked(
    marked: GradedClass, part: HomeworkAssignment, enrolment: Enrolment, own: Sequence[Mark]
) -> Iterator[Section]:
    """Yield how the first wrong step of a problem goes, with the student's own numbers in it."""
    for first in first_wrong(own):
        read = read_by(part, first.answer.key)
        given = own_numbers((mark for mark in own if mark.answer.key in read), enrolment.options)
        of_sheet = marked.numbers(enrolment.student.id).items()
        keys = {key.removeprefix(part.part): number for key, number in of_sheet if key.startswith(part.part)}
        step = worked_step(part, first.answer.key, {**keys, **given})
        if step is not None:
            said = message("report.worked_step", name=Verbatim(first.answer.id))
            yield Section(message("report.worked"), (Paragraph(said), step))


def summary(marked: GradedClass) -> Document:
    """Return the page of a class: what a person has to read, then the marks by answer and by student."""
    totals = list(map(float, marked.record.totals.values()))
    result = message("report.nothing")
    if totals:
        mean, median = (f"{value:.2f}" for value in (statistics.mean(totals), statistics.median(totals)))
        result = message("report.class", mean=mean, median=median, most=trimmed(marked.given.total))
    handed_in = message("report.handed_in", count=len(marked.origins), of=len(marked.manifest.enrolments))
    remarks = [message("report.remark", where=where, what=what) for where, what in marked.remarks]
    unread, mistakes = list(_unread(marked)), list(mistakes_of_class(marked.marks))
    columns = ("answer", *MarkVerdict, "first_wrong_count")
    parts = [
        *(
            [_table("unread", ("student", "name", "count", "answers", "first_typed", "remark"), unread, ("count",))]
            if unread
            else []
        ),
        _table("by_answer", columns, list(_by_answer(marked)), numeric=columns[1:]),
        *([_table("by_mistake", BY_MISTAKE, mistakes, numeric=BY_MISTAKE[1:3])] if mistakes else []),
        *marked.given.by_problem(lambda part: [_analysis(marked, part)]),
        _distribution(marked),
        _table("by_student", ("student", "name", "points", "first_wrong"), list(_by_student(marked)), ("points",)),
    ]
    return _document(marked, (marked.given.homework.date.said(marked.language),), (result, handed_in, *remarks), parts)


_JUDGEMENTS: Mapping[MarkVerdict, Judgement] = {
    MarkVerdict.CORRECT: Judgement.RIGHT,
    MarkVerdict.FOLLOW_THROUGH: Judgement.FOLLOWS,
    MarkVerdict.ROUNDED: Judgement.FOLLOWS,
    MarkVerdict.REPEATED: Judgement.FOLLOWS,
    MarkVerdict.WRONG: Judgement.WRONG,
    MarkVerdict.BLANK: Judgement.OPEN,
    MarkVerdict.UNREADABLE: Judgement.OPEN,
}


_VERDICTS = {verdict: Judged(judgement, message(f"verdict.{verdict}")) for verdict, judgement in _JUDGEMENTS.items()}
"""The cells of verdicts, the same on all pages."""


def _why(mark: Mark) -> Inline:
    """Return the remark; of a mistake in an expression what it is, and the text with a caret where it is."""
    if mark.said is None:
        return ""
    if not has_caret(mark):
        return mark.said
    what, text, before = (mark.said.arguments[key] for key in ("what", "text", "before"))
    assert isinstance(text, str) and isinstance(before, int)
    return message("report.stopped", what=what, text=Verbatim(text, before))


def has_caret(mark: Mark) -> bool:
    """Say whether the remark of a mark shows the place where reading the answer stopped."""
    return mark.said is not None and mark.said.id == "expression.mistake"


def _by_answer(marked: GradedClass) -> Iterator[Row]:
    """Yield, for each answer, how many students have each verdict, and how many went wrong first here."""
    found = marked.record
    first = Counter(id for ids in found.first_wrong.values() for id in ids)
    for answer in marked.given.answers:
        counts = [*(found.verdicts[answer.id, verdict] for verdict in MarkVerdict), first[answer.id]]
        yield Verbatim(answer.id), *(str(count) if count else Judged(Judgement.QUIET, "0") for count in counts)


def _analysis(marked: GradedClass, part: HomeworkAssignment) -> Section:
    """Return, for each answer to a problem, how hard it was and how well it tells students apart."""
    found = item_statistics(marked.marks)
    rows = []
    for answer in part.answers if found else ():
        own = found[answer.id]
        told = "–" if own.discrimination is None else as_written(f"{own.discrimination:.2f}")
        rows.append((Verbatim(answer.id), symbol(part.derivation, answer.key), f"{own.difficulty:.2f}", told))
    columns = ("answer", "quantity", "difficulty", "discrimination")
    table = _table("analysis", columns, rows, numeric=columns[2:])
    return replace(table, blocks=(Paragraph(message("report.analysis_means")), *table.blocks))


def _distribution(marked: GradedClass) -> Section:
    most = marked.given.total
    parts = distribution(list(marked.record.totals.values()), most)
    rows = [(message("report.range", low=trimmed(low), high=trimmed(high)), str(count)) for low, high, count in parts]
    return _table("distribution", ("points", "students"), rows, numeric=("students",))


def _by_student(marked: GradedClass) -> Iterator[Row]:
    found = marked.record
    for student in (enrolment.student for enrolment in marked.manifest.enrolments):
        points = "–"
        wrong: Inline = Judged(Judgement.OPEN, message("report.absent"))
        if student.id in found.totals:
            points, wrong = trimmed(found.totals[student.id]), Verbatim(", ".join(found.first_wrong[student.id]))
        yield Verbatim(student.id), student.name, points, wrong


def _is_unread(mark: Mark) -> bool:
    """Say whether an answer could not be read, and has not been marked by hand."""
    return mark.verdict is MarkVerdict.UNREADABLE and not (mark.said is not None and mark.said.id == CHANGED)


def _unread(marked: GradedClass) -> Iterator[Row]:
    """Yield, in a row for each student, what was typed but could not be read, and has not been marked by hand."""
    for student in (enrolment.student for enrolment in marked.manifest.enrolments):
        if unread := marked.record.unread.get(student.id, []):
            names = ", ".join(some([mark.answer.id for mark in unread]))
            first = unread[0]
            yield (
                Verbatim(student.id),
                student.name,
                str(len(unread)),
                Verbatim(names),
                Verbatim(first.text),
                _why(first),
            )


def _table(title: str, columns: Sequence[str], rows: Sequence[Row], numeric: Sequence[str] = ()) -> Section:
    header = tuple(message(f"report_column.{name}") for name in columns)
    table = Table(header, tuple(rows), tuple(name in numeric for name in columns))
    return Section(message(f"report.{title}"), (table,))


def _document(
    marked: GradedClass, subtitle: Sequence[str], result: Sequence[Message], parts: Sequence[Section]
) -> Document:
    course = marked.given.homework.course
    said = (course if course.text else "", *subtitle)
    opening = Section(message("report.result"), tuple(map(Paragraph, result)))
    told = tuple(message("text.plain", text=text) for text in said if text)
    return Document(marked.given.heading, told, (opening, *parts), many=True)
