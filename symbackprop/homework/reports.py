"""What marking hands back: tables for the gradebook, a page for each student, a summary of the class."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symbackprop import language, resources
from symbackprop.arithmetic.decimals import trimmed
from symbackprop.csv_tables import write_csv
from symbackprop.homework.manifest import Enrolment, Manifest, printed
from symbackprop.homework.marking import Mark, MarkVerdict, first_wrong
from symbackprop.homework.overrides import CHANGED
from symbackprop.homework.roster import file_name
from symbackprop.homework.variants import HomeworkAssignment
from symbackprop.messages import Message, message
from symbackprop.rendering.escapes import html
from symbackprop.templating import filled

REPORT_HEADER = ("student", "answer", "value", "verdict", "points", "max_points", "message")
CHANGES_HEADER = ("student", "answer", "verdict_before", "points_before", "verdict", "points", "reason")

Cell = Mapping[str, Any]


@dataclass(frozen=True)
class GradedClass:
    """A class that is marked: marks by student, the key's numbers by student and answer, and what was found odd."""

    manifest: Manifest
    assignment: HomeworkAssignment
    marks: Mapping[str, Sequence[Mark]]
    keys: Mapping[str, Mapping[str, float]]
    remarks: Sequence[tuple[str, Message]] = ()
    changes: Sequence[tuple[str, Mark, Mark]] = ()

    @property
    def language(self) -> str:
        """The language in which the homework was given out."""
        return str(self.manifest.settings.get("language", language.DEFAULT))

    def total(self, student: str) -> Fraction:
        """Return the marks of a student."""
        return sum((mark.points for mark in self.marks[student]), Fraction(0))

    def say(self, said: Message) -> str:
        """Return a message in the language of the homework."""
        return language.say(self.language, said)


def files(marked: GradedClass) -> Iterator[tuple[str, str]]:
    """Yield every file of the marks as name and content: tables first, then the pages."""
    yield "report.csv", _report(marked)
    yield "gradebook.csv", _gradebook(marked)
    if marked.changes:
        yield "changes.csv", _changes(marked)
    yield "summary.html", _summary(marked)
    for enrolment in marked.manifest.enrolments:
        if enrolment.student.id in marked.marks:
            yield f"feedback/{file_name(enrolment.student.id)}.html", _feedback(marked, enrolment)


def _report(marked: GradedClass) -> str:
    rows = (
        (
            student,
            mark.answer.id,
            mark.text,
            mark.verdict,
            trimmed(mark.points),
            trimmed(mark.most),
            _said(marked, mark),
        )
        for student, own in marked.marks.items()
        for mark in own
    )
    return write_csv(REPORT_HEADER, rows)


def _said(marked: GradedClass, mark: Mark) -> str:
    """Return the remark in one line; of a mistake in an expression what it is, without the picture of where."""
    if mark.said is None:
        return ""
    said = mark.said.arguments["what"] if _has_caret(mark) else mark.said
    assert isinstance(said, Message)
    return " ".join(marked.say(said).split())


def _gradebook(marked: GradedClass) -> str:
    columns = [column for column in marked.manifest.columns if column]
    rows = []
    for enrolment in marked.manifest.enrolments:
        id = enrolment.student.id
        total = trimmed(marked.total(id)) if id in marked.marks else ""
        rows.append([*(enrolment.student.row.get(column, "") for column in columns), total])
    return write_csv([*columns, "total"], rows)


def _changes(marked: GradedClass) -> str:
    rows = (
        (student, new.answer.id, old.verdict, trimmed(old.points), new.verdict, trimmed(new.points), _said(marked, new))
        for student, old, new in marked.changes
    )
    return write_csv(CHANGES_HEADER, rows)


def _feedback(marked: GradedClass, enrolment: Enrolment) -> str:
    student, own = enrolment.student, marked.marks[enrolment.student.id]
    first = first_wrong(own)
    remarks = [] if first is None else [message("report.first_wrong", name=first.answer.id)]
    header = _header(
        marked, ("answer", "yours", "expected", "verdict", "points", "remark"), numeric=("expected", "points")
    )
    rows = [_feedback_row(marked, mark, marked.keys[student.id][mark.answer.id]) for mark in own]
    return _page(
        marked,
        subtitle=[student.name, student.id, enrolment.code],
        total=message("report.total", points=trimmed(marked.total(student.id)), most=trimmed(marked.assignment.total)),
        remarks=remarks,
        parts=[(message("report.answers"), header, rows)],
    )


def _feedback_row(marked: GradedClass, mark: Mark, key: float) -> list[Cell]:
    rounding = marked.assignment.homework.rounding
    return [
        _cell(mark.answer.id, "id"),
        _cell(mark.text, "a"),
        _cell(printed(key, rounding), "n"),
        _cell(marked.say(message(f"verdict.{mark.verdict}")), str(mark.verdict)),
        _cell(f"{trimmed(mark.points)} / {trimmed(mark.most)}", "n"),
        _why(marked, mark),
    ]


def _why(marked: GradedClass, mark: Mark) -> Cell:
    if mark.said is None or not _has_caret(mark):
        return _cell("" if mark.said is None else marked.say(mark.said))
    what, text, before = (mark.said.arguments[key] for key in ("what", "text", "before"))
    assert isinstance(what, Message) and isinstance(text, str) and isinstance(before, int)
    # The text before the mistake stands once more, unseen, in front of the caret: whatever the font, it is as wide.
    shown, unseen = (" ".join(map(html, part.split(" "))) for part in (text, text[:before]))
    return {"text": f'{html(marked.say(what))}\n{shown}\n<span class="unseen">{unseen}</span>^', "tone": "caret"}


def _has_caret(mark: Mark) -> bool:
    return mark.said is not None and mark.said.id == "expression.mistake"


def _summary(marked: GradedClass) -> str:
    totals = [float(marked.total(student)) for student in marked.marks]
    remarks = [
        message("report.handed_in", count=len(totals), of=len(marked.manifest.enrolments)),
        *(message("report.remark", where=where, what=what) for where, what in marked.remarks),
    ]
    if totals:
        middle = [f"{value:.2f}" for value in (statistics.mean(totals), statistics.median(totals))]
        total = message("report.class", mean=middle[0], median=middle[1], most=trimmed(marked.assignment.total))
    else:
        total = message("report.nothing")
    parts = [(message("report.by_answer"), *_by_answer(marked)), (message("report.by_student"), *_by_student(marked))]
    header, unread = _unread(marked)
    if unread:
        parts.insert(0, (message("report.unread"), header, unread))
    return _page(
        marked,
        subtitle=[marked.assignment.homework.date],
        total=total,
        remarks=remarks,
        parts=parts,
    )


def _by_answer(marked: GradedClass) -> tuple[list[Cell], list[list[Cell]]]:
    """Return, for each answer, how many students have each verdict, and how many went wrong first here."""
    names = ("answer", *MarkVerdict, "first_wrong_count")
    header = _header(marked, names, numeric=names[1:])
    rows = []
    for answer in marked.assignment.answers:
        verdicts = [mark.verdict for own in marked.marks.values() for mark in own if mark.answer.id == answer.id]
        first = sum(1 for own in marked.marks.values() if (m := first_wrong(own)) and m.answer.id == answer.id)
        rows.append([_cell(answer.id, "id"), *(_count(verdicts.count(v)) for v in MarkVerdict), _count(first)])
    return header, rows


def _by_student(marked: GradedClass) -> tuple[list[Cell], list[list[Cell]]]:
    header = _header(marked, ("student", "name", "points", "first_wrong"), numeric=("points",))
    rows = []
    for enrolment in marked.manifest.enrolments:
        id = enrolment.student.id
        person = _cell(id, "id"), _cell(enrolment.student.name)
        if id not in marked.marks:
            rows.append([*person, _cell("–", "n"), _cell(marked.say(message("report.absent")), "blank")])
            continue
        first = first_wrong(marked.marks[id])
        wrong = "" if first is None else first.answer.id
        rows.append([*person, _cell(trimmed(marked.total(id)), "n"), _cell(wrong, "id")])
    return header, rows


def _unread(marked: GradedClass) -> tuple[list[Cell], list[list[Cell]]]:
    """Return what was typed but could not be read, and has not been marked by hand."""
    header = _header(marked, ("student", "name", "answer", "typed", "remark"), numeric=())
    rows = []
    for student in (enrolment.student for enrolment in marked.manifest.enrolments):
        for mark in marked.marks.get(student.id, ()):
            if mark.verdict is MarkVerdict.UNREADABLE and not (mark.said is not None and mark.said.id == CHANGED):
                person = _cell(student.id, "id"), _cell(student.name)
                rows.append([*person, _cell(mark.answer.id, "id"), _cell(mark.text, "a"), _why(marked, mark)])
    return header, rows


def _header(marked: GradedClass, names: Sequence[str], numeric: Sequence[str]) -> list[Cell]:
    return [{"text": html(marked.say(message(f"report_column.{name}"))), "numeric": name in numeric} for name in names]


def _count(number: int) -> Cell:
    """Return a number of students; nobody is shown quietly."""
    return _cell(str(number), "n" if number else "n none")


def _cell(text: str, tone: str = "") -> Cell:
    return {"text": html(text), "tone": tone}


def _page(
    marked: GradedClass,
    *,
    subtitle: Sequence[str],
    total: Message,
    remarks: Sequence[Message],
    parts: Sequence[tuple[Message, list[Cell], list[list[Cell]]]],
) -> str:
    assignment = marked.assignment
    course = assignment.homework.course.said(marked.language)
    return filled(
        (resources.folder("templates") / "marking",),
        "report.jinja",
        language=html(marked.language),
        title=html(assignment.problem.heading.said(marked.language)),
        subtitle=" · ".join(html(part) for part in (course, *subtitle) if part),
        total=html(marked.say(total)),
        remarks=[html(marked.say(remark)) for remark in remarks],
        parts=[{"title": html(marked.say(name)), "header": header, "rows": rows} for name, header, rows in parts],
    )
