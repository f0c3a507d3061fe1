"""The files of the marks: tables for the gradebook, the summary, and the pages of feedback, some students at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from symbackprop import rendering
from symbackprop.arithmetic.decimals import trimmed
from symbackprop.csv_tables import csv_lines, write_csv
from symbackprop.document.blocks import Document
from symbackprop.errors import OutputError
from symbackprop.homework.classes import chunks
from symbackprop.homework.classes.chunks import MANY, Workers
from symbackprop.homework.classes.roster import file_name
from symbackprop.homework.handouts.distribution import SECONDS, ready
from symbackprop.homework.handouts.manifest import Enrolment, Manifest
from symbackprop.homework.marks.marking import Mark
from symbackprop.homework.marks.overrides import ChangedTotal
from symbackprop.homework.marks.packed_marks import PackedMarks, Part
from symbackprop.homework.reporting.reports import GradedClass, has_caret, page_of, summary
from symbackprop.messages import Message, message, some
from symbackprop.rendering import Format, exporters, pdf_collections
from symbackprop.whole_files import Content

REPORT_HEADER = ("student", "answer", "value", "verdict", "points", "max_points", "message", "mistake", "at")
CHANGES_HEADER = ("student", "answer", "verdict_before", "points_before", "verdict", "points", "reason")

TOTAL = "total"
"""The column of the gradebook, and the row of a total among what was changed."""


def files(
    marked: GradedClass,
    formats: Sequence[Format] = (),
    processes: int | None = 1,
    executor: Executor | Workers | None = None,
    *,
    feedback: bool = True,
) -> Iterator[dict[str, Content]]:
    """Yield all files of the marks by name, some at a time: tables and summary, then pages of `feedback` (default: HTML).

    Pages are made by so many processes (None: one for each core where there is much to do), or by an executor.
    """
    yield tables(marked, formats)
    if feedback:
        yield from pages(marked, marked.marks, formats, processes, executor)


def tables(marked: GradedClass, formats: Sequence[Format] = ()) -> dict[str, Content]:
    """Return the tables and the summary by name."""
    found: dict[str, Content] = {"report.csv": _report(marked), "gradebook.csv": _gradebook(marked)}
    if marked.changes or marked.changed_totals:
        found["changes.csv"] = _changes(marked)
    return {**found, **_written(marked, ["summary"], [summary(marked)], formats or _usual_formats())}


def pages(
    marked: GradedClass,
    marks: Mapping[str, Sequence[Mark]],
    formats: Sequence[Format] = (),
    processes: int | None = 1,
    executor: Executor | Workers | None = None,
) -> Iterator[dict[str, Content]]:
    """Yield the pages of feedback of the students whose marks are given, some at a time."""
    packed_marks = PackedMarks.of(marks)
    enrolments = {each.student.id: each for each in marked.manifest.enrolments}
    parts = [
        _Pages(
            tuple(enrolments[id] for id in part[0]),
            part,
            {id: marked.changed_totals[id] for id in part[0] if id in marked.changed_totals},
        )
        for part in packed_marks.parts
    ]
    if processes is None and len(packed_marks) < MANY:
        processes = 1
    shared = replace(marked.manifest, enrolments=()), tuple(formats or _usual_formats())
    for place, found in chunks.worked(_pages, shared, parts, processes, executor):
        if found is None:
            lost = list(parts[place].marks[0])
            raise OutputError(message("homework.not_marked", count=len(lost), students=some(lost)))
        yield found


def page_name(student: str) -> str:
    """Return the file of a student's page, without its suffix."""
    return f"feedback/{file_name(student)}"


def _usual_formats() -> Sequence[Format]:
    return [rendering.formats()["html"]]


@dataclass(frozen=True, slots=True)
class _Pages:
    """Pages of feedback that are made together: of whom, with their marks and the totals that were changed."""

    enrolments: tuple[Enrolment, ...]
    marks: Part
    changed_totals: Mapping[str, Sequence[ChangedTotal]]


def _pages(shared: tuple[Manifest, tuple[Format, ...]], pages: _Pages) -> dict[str, Content]:
    """Return pages of feedback by name."""
    manifest, formats = shared
    marked = GradedClass(
        replace(manifest, enrolments=pages.enrolments),
        ready(manifest),
        PackedMarks([pages.marks]),
        changed_totals=pages.changed_totals,
    )
    names = [page_name(each.student.id) for each in pages.enrolments]
    return _written(marked, names, [page_of(marked, each) for each in pages.enrolments], formats)


def _written(
    marked: GradedClass, names: Sequence[str], documents: Sequence[Document], formats: Sequence[Format]
) -> dict[str, Content]:
    """Return documents in some formats, by the names of the files."""
    return {
        f"{name}.{row.suffix}": content
        for row in formats
        for name, content in zip(names, _in_format(marked, documents, row), strict=True)
    }


def _in_format(marked: GradedClass, documents: Sequence[Document], format: Format) -> Iterable[str | bytes]:
    """Return documents in a format; PDFs are set together."""
    derivation, limit = marked.given.derivation, SECONDS * len(documents)
    if format.finish == "pdf":
        return pdf_collections.collected(documents, derivation, format, marked.language, time_limit=limit)
    return map(exporters.written, pdf_collections.drafted(documents, derivation, format, marked.language))


def _report(marked: GradedClass) -> Iterator[str]:
    yield write_csv(REPORT_HEADER, ())
    yield from csv_lines(
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
    said = mark.said.arguments["what"] if has_caret(mark) else mark.said
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
