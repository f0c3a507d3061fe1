"""Marking a class: the teacher's folder and files of submissions in, marks out."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from symbackprop.errors import OutputError, ProblemError
from symbackprop.homework.assignments.problem_sets import ProblemSet
from symbackprop.homework.classes import chunks
from symbackprop.homework.classes.chunks import MANY, Workers
from symbackprop.homework.handouts.distribution import enrolled, ready
from symbackprop.homework.handouts.manifest import MANIFEST, Enrolment, Manifest
from symbackprop.homework.marks.copies import Copy, CopyRule, suspected, treated
from symbackprop.homework.marks.marking import Mark, Marker
from symbackprop.homework.marks.overrides import Override, changed_totals, corrected, idle, read_overrides
from symbackprop.homework.marks.packed_marks import TOGETHER, PackedMarks, Part, packed
from symbackprop.homework.receiving.attempts import AttemptRule, counted
from symbackprop.homework.receiving.identification import ClassList
from symbackprop.homework.receiving.submissions import Attempt, read_submissions
from symbackprop.homework.reporting.reports import GradedClass
from symbackprop.messages import Message, message, some


def grade(
    folder: Path,
    submissions: Path | Sequence[Path],
    overrides: Path | None = None,
    encoding: str = "",
    *,
    attempts: str = AttemptRule.LAST,
    columns: Mapping[str, str] | None = None,
    tolerance: float = 1.0,
    copies: str = CopyRule.FLAG,
    processes: int | None = 1,
    executor: Executor | Workers | None = None,
) -> GradedClass:
    """Return the marks of the class whose homework was written to `folder`.

    `submissions` are CSV files with a row for each answer (`student,answer,value`) or for each student, folders or zip
    archives of such files; students without a row get no marks. `encoding` is that of the files where it is not found out,
    `columns` names their columns of ids, codes and times, `attempts` says which of several attempts counts, `tolerance`
    multiplies every tolerance, `copies` says what becomes of sheets that look copied. `processes` work (None: one for each
    core where there is much to do), or an `executor`. Raises `SymbackpropError` naming file and line for what cannot be
    used.
    """
    found = handed_in(folder, submissions, overrides, encoding, columns)
    rule = MarkingRule.of(found.manifest, tolerance, attempts)
    marks, told = marked(rule, found.papers, processes, executor)
    looks_copied = suspected(enrolled(found.given, found.manifest.enrolments).parts, marks)
    return judged(found, marks, told, looks_copied, CopyRule(copies))


@dataclass(frozen=True)
class HandedIn:
    """What a class handed in, before anything of it is marked.

    `papers` are those of all who will have marks, in the order of the class, `corrections` what the teacher overrides, in
    the file `corrected_in`. `origins` says of which file of a folder or an archive a student's last attempt is.
    """

    manifest: Manifest
    given: ProblemSet
    papers: tuple[Paper, ...]
    corrections: tuple[Override, ...]
    corrected_in: str
    origins: Mapping[str, str]
    remarks: Sequence[Told]


def handed_in(
    folder: Path,
    submissions: Path | Sequence[Path],
    overrides: Path | None = None,
    encoding: str = "",
    columns: Mapping[str, str] | None = None,
) -> HandedIn:
    """Return what a class handed in; the arguments are those of `grade`."""
    path = folder / "teacher" / MANIFEST
    if not path.exists():
        raise ProblemError(message("homework.not_given_out"), where=str(folder))
    manifest = Manifest.read(path)
    given = manifest.problem_set()
    enrolments = {enrolment.student.id: enrolment for enrolment in manifest.enrolments}
    known = ClassList.of(manifest.enrolments)
    found = read_submissions(submissions, known, given.names, encoding, columns)
    remarks = list(found.remarks)
    for id, code in found.codes.items():
        if known.by_code(code) != id:
            what = message("homework.wrong_code", found=code, student=id, expected=enrolments[id].code)
            remarks.append((found.attempts[id][-1].where, what))
    corrections: tuple[Override, ...] = ()
    if overrides is not None:
        texts = {text for own in found.attempts.values() for attempt in own for text in attempt.texts.values()}
        corrections = read_overrides(overrides, enrolments, given.names, texts)
    present = {*found.attempts, *(each.student for each in corrections if each.gives_marks)}
    papers = tuple(Paper(each, tuple(found.attempts.get(id, ()))) for id, each in enrolments.items() if id in present)
    origins = {id: own[-1].file for id, own in found.attempts.items()}
    return HandedIn(manifest, given, papers, corrections, str(overrides), origins, remarks)


def judged(
    found: HandedIn, marks: PackedMarks, told: Sequence[Told], looks_copied: Mapping[str, Copy], copies: CopyRule
) -> GradedClass:
    """Return the marks of a class with what becomes of copied sheets, and as the teacher corrects them.

    `told` is what is to be said of attempts, `looks_copied` by student what looks copied.
    """
    remarks = [*found.remarks, *told]
    decided = {each.student: each.copied for each in found.corrections if each.student and each.copied is not None}
    for id, copy in looks_copied.items():
        if decided.get(id, True):
            remarks.append((id, copy.told(id)))
    treated_marks, withheld = treated(marks, looks_copied, copies, decided)
    final, changes = corrected(treated_marks, found.corrections)
    idle_ones = idle(treated_marks, found.corrections)
    remarks += [(f"{found.corrected_in}: override[{place}]", message("homework.idle")) for place in idle_ones]
    totals = changed_totals(final, found.corrections)
    return GradedClass(
        found.manifest, found.given, final, remarks, changes, found.origins, looks_copied, withheld, totals
    )


@dataclass(frozen=True, slots=True)
class MarkingRule:
    """How is marked: the homework, without its students, what tolerances are multiplied by, which attempt counts."""

    manifest: Manifest
    tolerance: float
    attempts: AttemptRule

    @classmethod
    def of(cls, manifest: Manifest, tolerance: float, attempts: str) -> MarkingRule:
        """Return the rule for the homework of a manifest."""
        return cls(replace(manifest, enrolments=()), tolerance, AttemptRule(attempts))


@dataclass(frozen=True, slots=True)
class Paper:
    """A student with what was handed in."""

    enrolment: Enrolment
    attempts: tuple[Attempt, ...]


Told = tuple[str, Message]
"""Where something was found, and what is to be said of it."""


def marked(
    rule: MarkingRule, papers: Sequence[Paper], processes: int | None, executor: Executor | Workers | None
) -> tuple[PackedMarks, list[Told]]:
    """Return the marks of some students in their order, and what is to be said of their attempts."""
    parts = [papers[start : start + TOGETHER] for start in range(0, len(papers), TOGETHER)]
    if processes is None and len(papers) < MANY:
        processes = 1
    found: dict[int, tuple[Part, list[Told]]] = {}
    for place, result in chunks.worked(_marked, rule, parts, processes, executor):
        if result is None:
            lost = [each.enrolment.student.id for each in parts[place]]
            raise OutputError(message("homework.not_marked", count=len(lost), students=some(lost)))
        found[place] = result
    in_order = [found[place] for place in range(len(parts))]
    return PackedMarks(part for part, _ in in_order), [each for _, told in in_order for each in told]


def _marked(rule: MarkingRule, papers: Sequence[Paper]) -> tuple[Part, list[Told]]:
    """Return the marks of some students, and what is to be said of their attempts."""
    markers = _markers(replace(rule.manifest, enrolments=()).text(), rule.tolerance)
    whole = enrolled(ready(rule.manifest), [each.enrolment for each in papers])
    places = {id: place for place, id in enumerate(whole.students)}

    options = {each.enrolment.student.id: each.enrolment.options for each in papers}

    def own_marks(id: str, texts: Mapping[str, str]) -> list[Mark]:
        tolerances = {answer: float(array[places[id]]) for answer, array in whole.tolerances.items()}
        return [
            mark
            for marker, cohort in zip(markers, whole.parts, strict=True)
            for mark in marker.mark(cohort.numbers(places[id]), tolerances, texts, options[id])
        ]

    def points(id: str, texts: Mapping[str, str]) -> Fraction:
        return sum((mark.points for mark in own_marks(id, texts)), Fraction(0))

    marks, told = {}, []
    for each in papers:
        id = each.enrolment.student.id
        texts, remark = counted(id, each.attempts, rule.attempts, points)
        told += [] if remark is None else [remark]
        marks[id] = own_marks(id, texts)
    return packed(marks), told


@functools.lru_cache(maxsize=2)
def _markers(text: str, tolerance: float) -> tuple[Marker, ...]:
    """Return what marks each of the problems."""
    return tuple(Marker(part, tolerance) for part in ready(Manifest.of(text)).parts)
