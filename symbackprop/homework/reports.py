"""What marking hands back: tables for the gradebook, a document for each student, a summary of the class."""

from __future__ import annotations

import functools
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from symbackprop import language, rendering
from symbackprop.arithmetic.decimals import trimmed
from symbackprop.csv_tables import write_csv
from symbackprop.document.answer_symbols import symbol
from symbackprop.document.blocks import Document, Inline, Judged, Judgement, Paragraph, Section, Table, Verbatim
from symbackprop.homework.copies import Copy
from symbackprop.homework.distribution import SECONDS, enrolled
from symbackprop.homework.item_analysis import distribution, item_statistics
from symbackprop.homework.manifest import Enrolment, Manifest, printed
from symbackprop.homework.marking import Mark, MarkVerdict, first_wrong
from symbackprop.homework.mistake_reports import BY_MISTAKE, mistakes_of_class, own_mistakes
from symbackprop.homework.overrides import CHANGED, ChangedTotal
from symbackprop.homework.roster import file_name
from symbackprop.homework.submissions import some
from symbackprop.homework.variants import Cohort, HomeworkAssignment
from symbackprop.homework.worked_steps import own_numbers, worked_step
from symbackprop.messages import Message, message
from symbackprop.rendering import Format, exporters, pdf_collections

REPORT_HEADER = ("student", "answer", "value", "verdict", "points", "max_points", "message", "mistake", "at")
CHANGES_HEADER = ("student", "answer", "verdict_before", "points_before", "verdict", "points", "reason")

TOTAL = "total"
"""The column of the gradebook, and the row of a total among what was changed."""

Row = tuple[Inline, ...]


@dataclass(frozen=True)
class GradedClass:
    """A class that is marked: marks by student, the key's numbers by student and answer, and what was found odd.

    `origins` says, by student, which file of a folder or an archive the last attempt was, `copies` whose sheet looks
    copied, and `withheld` who gets no points until a person has decided that. `changed_totals` are totals changed by hand.
    """

    manifest: Manifest
    assignment: HomeworkAssignment
    marks: Mapping[str, Sequence[Mark]]
    keys: Mapping[str, Mapping[str, float]]
    remarks: Sequence[tuple[str, Message]] = ()
    changes: Sequence[tuple[str, Mark, Mark]] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    copies: Mapping[str, Copy] = field(default_factory=dict)
    withheld: frozenset[str] = frozenset()
    changed_totals: Mapping[str, Sequence[ChangedTotal]] = field(default_factory=dict)

    @functools.cached_property
    def cohort(self) -> Cohort:
        """The numbers of everybody's sheet."""
        return enrolled(self.assignment, self.manifest.enrolments)

    @property
    def language(self) -> str:
        """The language in which the homework was given out."""
        return str(self.manifest.settings.get("language", language.DEFAULT))

    def total(self, student: str) -> Fraction:
        """Return the marks of a student, with what was changed by hand."""
        if student in self.changed_totals:
            return self.changed_totals[student][-1].after
        return sum((mark.points for mark in self.marks[student]), Fraction(0))

    @property
    def totals(self) -> dict[str, Fraction]:
        """The marks of all students whose points are not withheld."""
        return {student: self.total(student) for student in self.marks if student not in self.withheld}

    def say(self, said: Message) -> str:
        """Return a message in the language of the homework."""
        return language.say(self.language, said)


def files(marked: GradedClass, formats: Sequence[Format] = ()) -> Iterator[tuple[str, str | bytes]]:
    """Yield every file of the marks as name and content: tables, then the documents in each format (none given: HTML)."""
    yield "report.csv", _report(marked)
    yield "gradebook.csv", _gradebook(marked)
    if marked.changes or marked.changed_totals:
        yield "changes.csv", _changes(marked)
    present = [each for each in marked.manifest.enrolments if each.student.id in marked.marks]
    names = ["summary", *(f"feedback/{file_name(each.student.id)}" for each in present)]
    documents = [summary(marked), *(feedback(marked, each) for each in present)]
    for row in formats or [rendering.formats()["html"]]:
        yield from zip((f"{name}.{row.suffix}" for name in names), _written(marked, documents, row), strict=True)


def _written(marked: GradedClass, documents: Sequence[Document], format: Format) -> Iterable[str | bytes]:
    """Return documents in a format; PDFs are set together."""
    derivation, limit = marked.assignment.derivation, SECONDS * len(documents)
    if format.finish == "pdf":
        return pdf_collections.collected(documents, derivation, format, marked.language, time_limit=limit)
    return map(exporters.written, pdf_collections.drafted(documents, derivation, format, marked.language))


def _report(marked: GradedClass) -> str:
    rows = (
        (
            student,
            mark.answer.id,
            mark.text,
            mark.verdict,
            trimmed(mark.points),
            trimmed(mark.most),
            " ".join(filter(None, (_said(marked, mark), _copied(marked, student, mark)))),
            " ".join(each.id for each in mark.mistakes),
            "" if mark.mistake is None else " ".join(mark.mistake.at),
        )
        for student, own in marked.marks.items()
        for mark in own
    )
    return write_csv(REPORT_HEADER, rows)


def _copied(marked: GradedClass, student: str, mark: Mark) -> str:
    """Return, for the teacher alone, whose answer it is."""
    copy = marked.copies.get(student)
    if copy is None or mark.answer.id not in copy.answers:
        return ""
    return marked.say(message("report.copied", source=copy.source, percent=copy.percent))


def _said(marked: GradedClass, mark: Mark) -> str:
    """Return the remark in one line; of a mistake in an expression what it is, without the picture of where."""
    if mark.said is None:
        return ""
    said = mark.said.arguments["what"] if _has_caret(mark) else mark.said
    assert isinstance(said, Message)
    return " ".join(marked.say(said).split())


def _gradebook(marked: GradedClass) -> str:
    columns = [column for column in marked.manifest.columns if column]
    rows, totals = [], marked.totals
    for enrolment in marked.manifest.enrolments:
        id = enrolment.student.id
        total = trimmed(totals[id]) if id in totals else ""
        rows.append([*(enrolment.student.row.get(column, "") for column in columns), total])
    manifest = marked.manifest
    return write_csv([*columns, TOTAL], rows, delimiter=manifest.delimiter, bom=manifest.has_bom)


def _changes(marked: GradedClass) -> str:
    rows: list[tuple[str, ...]] = [
        (student, new.answer.id, old.verdict, trimmed(old.points), new.verdict, trimmed(new.points), _said(marked, new))
        for student, old, new in marked.changes
    ]
    rows += [
        (student, TOTAL, "", trimmed(each.before), "", trimmed(each.after), each.reason)
        for student, own in marked.changed_totals.items()
        for each in own
    ]
    return write_csv(CHANGES_HEADER, rows)


def feedback(marked: GradedClass, enrolment: Enrolment) -> Document:
    """Return the page of a student: the points, then every answer with the key's and what is said about it."""
    student, own = enrolment.student, marked.marks[enrolment.student.id]
    total = message("report.total", points=trimmed(marked.total(student.id)), most=trimmed(marked.assignment.total))
    first = first_wrong(own)
    remarks = [
        message(
            "report.changed_total", before=trimmed(each.before), after=trimmed(each.after), reason=each.reason or "–"
        )
        for each in marked.changed_totals.get(student.id, ())
    ]
    remarks += [] if first is None else [message("report.first_wrong", name=first.answer.id)]
    keys, rounding = marked.keys[student.id], marked.assignment.homework.rounding
    rows = [
        (
            Verbatim(mark.answer.id),
            symbol(marked.assignment.derivation, mark.answer.key),
            Verbatim(mark.text),
            printed(keys[mark.answer.id], rounding),
            Judged(_JUDGEMENTS[mark.verdict], message(f"verdict.{mark.verdict}")),
            f"{trimmed(mark.points)} / {trimmed(mark.most)}",
            _why(mark),
        )
        for mark in own
    ]
    columns = ("answer", "quantity", "yours", "expected", "verdict", "points", "remark")
    answers = _table("answers", columns, rows, numeric=("expected", "points"))
    return _document(
        marked,
        (student.name, student.id, enrolment.code),
        (total, *remarks),
        [answers, *own_mistakes(own), *_worked(marked, student.id)],
    )


def _worked(marked: GradedClass, student: str) -> Iterator[Section]:
    """Yield how the first wrong step goes, with the student's own numbers in it."""
    own = marked.marks[student]
    first = first_wrong(own)
    if first is None:
        return
    given = own_numbers(mark for mark in own if mark.answer.key != first.answer.key)
    numbers = {**marked.cohort.numbers(marked.cohort.students.index(student)), **given}
    step = worked_step(marked.assignment, first.answer.key, numbers)
    if step is not None:
        said = message("report.worked_step", name=Verbatim(first.answer.id))
        yield Section(message("report.worked"), (Paragraph(said), step))


def summary(marked: GradedClass) -> Document:
    """Return the page of a class: what a person has to read, then the marks by answer and by student."""
    totals = [float(marked.total(student)) for student in marked.marks]
    result = message("report.nothing")
    if totals:
        mean, median = (f"{value:.2f}" for value in (statistics.mean(totals), statistics.median(totals)))
        result = message("report.class", mean=mean, median=median, most=trimmed(marked.assignment.total))
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
        _analysis(marked),
        _distribution(marked),
        _table("by_student", ("student", "name", "points", "first_wrong"), list(_by_student(marked)), ("points",)),
    ]
    return _document(
        marked, (marked.assignment.homework.date.said(marked.language),), (result, handed_in, *remarks), parts
    )


_JUDGEMENTS: Mapping[MarkVerdict, Judgement] = {
    MarkVerdict.CORRECT: Judgement.RIGHT,
    MarkVerdict.FOLLOW_THROUGH: Judgement.FOLLOWS,
    MarkVerdict.ROUNDED: Judgement.FOLLOWS,
    MarkVerdict.REPEATED: Judgement.FOLLOWS,
    MarkVerdict.WRONG: Judgement.WRONG,
    MarkVerdict.BLANK: Judgement.OPEN,
    MarkVerdict.UNREADABLE: Judgement.OPEN,
}


def _why(mark: Mark) -> Inline:
    """Return the remark; of a mistake in an expression what it is, and the text with a caret where it is."""
    if mark.said is None:
        return ""
    if not _has_caret(mark):
        return mark.said
    what, text, before = (mark.said.arguments[key] for key in ("what", "text", "before"))
    assert isinstance(text, str) and isinstance(before, int)
    return message("report.stopped", what=what, text=Verbatim(text, before))


def _has_caret(mark: Mark) -> bool:
    return mark.said is not None and mark.said.id == "expression.mistake"


def _by_answer(marked: GradedClass) -> Iterator[Row]:
    """Yield, for each answer, how many students have each verdict, and how many went wrong first here."""
    for answer in marked.assignment.answers:
        verdicts = [mark.verdict for own in marked.marks.values() for mark in own if mark.answer.id == answer.id]
        first = sum(1 for own in marked.marks.values() if (m := first_wrong(own)) and m.answer.id == answer.id)
        counts = [*(verdicts.count(verdict) for verdict in MarkVerdict), first]
        yield Verbatim(answer.id), *(str(count) if count else Judged(Judgement.QUIET, "0") for count in counts)


def _analysis(marked: GradedClass) -> Section:
    """Return, for each answer, how hard it was and how well it tells students apart."""
    found = item_statistics(marked.marks)
    rows = []
    for answer in marked.assignment.answers if found else ():
        own = found[answer.id]
        told = "–" if own.discrimination is None else f"{own.discrimination:.2f}"
        rows.append(
            (Verbatim(answer.id), symbol(marked.assignment.derivation, answer.key), f"{own.difficulty:.2f}", told)
        )
    columns = ("answer", "quantity", "difficulty", "discrimination")
    table = _table("analysis", columns, rows, numeric=columns[2:])
    return replace(table, blocks=(Paragraph(message("report.analysis_means")), *table.blocks))


def _distribution(marked: GradedClass) -> Section:
    most = marked.assignment.total
    parts = distribution([marked.total(student) for student in marked.marks], most)
    rows = [(message("report.range", low=trimmed(low), high=trimmed(high)), str(count)) for low, high, count in parts]
    return _table("distribution", ("points", "students"), rows, numeric=("students",))


def _by_student(marked: GradedClass) -> Iterator[Row]:
    for student in (enrolment.student for enrolment in marked.manifest.enrolments):
        points = "–"
        wrong: Inline = Judged(Judgement.OPEN, message("report.absent"))
        if student.id in marked.marks:
            first = first_wrong(marked.marks[student.id])
            points, wrong = trimmed(marked.total(student.id)), Verbatim("" if first is None else first.answer.id)
        yield Verbatim(student.id), student.name, points, wrong


def _unread(marked: GradedClass) -> Iterator[Row]:
    """Yield, in a row for each student, what was typed but could not be read, and has not been marked by hand."""
    for student in (enrolment.student for enrolment in marked.manifest.enrolments):
        unread = [
            mark
            for mark in marked.marks.get(student.id, ())
            if mark.verdict is MarkVerdict.UNREADABLE and not (mark.said is not None and mark.said.id == CHANGED)
        ]
        if unread:
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
    course = marked.assignment.homework.course
    said = (course if course.text else "", *subtitle)
    opening = Section(message("report.result"), tuple(map(Paragraph, result)))
    told = tuple(message("text.plain", text=text) for text in said if text)
    return Document(marked.assignment.problem.heading, told, (opening, *parts), many=True)
