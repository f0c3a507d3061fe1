"""Marking a class: the teacher's folder and files of submissions in, marks out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from symbackprop.errors import ProblemError
from symbackprop.homework.attempts import AttemptRule, counted
from symbackprop.homework.copies import CopyRule, suspected, treated
from symbackprop.homework.distribution import enrolled
from symbackprop.homework.identification import ClassList
from symbackprop.homework.manifest import MANIFEST, Manifest
from symbackprop.homework.marking import Mark, Marker
from symbackprop.homework.overrides import changed_totals, corrected, idle, read_overrides
from symbackprop.homework.reports import GradedClass
from symbackprop.homework.submissions import read_submissions
from symbackprop.messages import message


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
) -> GradedClass:
    """Return the marks of the class whose homework was written to `folder`.

    `submissions` are CSV files with a row for each answer (`student,answer,value`) or for each student, folders or zip
    archives of such files; students without a row get no marks. `encoding` is that of the files where it is not found out,
    `columns` names their columns of ids, codes and times, `attempts` says which of several attempts counts, `tolerance`
    multiplies every tolerance, `copies` says what becomes of sheets that look copied. Raises `SymbackpropError` naming file
    and line for what cannot be used.
    """
    path = folder / "teacher" / MANIFEST
    if not path.exists():
        raise ProblemError(message("homework.not_given_out"), where=str(folder))
    manifest = Manifest.read(path)
    assignment = manifest.assignment()
    marker = Marker(assignment, tolerance)
    enrolments = {enrolment.student.id: enrolment for enrolment in manifest.enrolments}
    names = {name: answer.id for answer in assignment.answers for name in (answer.id, *answer.aliases)}
    known = ClassList.of(manifest.enrolments)
    handed_in = read_submissions(submissions, known, names, encoding, columns)
    remarks = list(handed_in.remarks)
    for id, code in handed_in.codes.items():
        if known.by_code(code) != id:
            what = message("homework.wrong_code", found=code, student=id, expected=enrolments[id].code)
            remarks.append((handed_in.attempts[id][-1].where, what))
    handed = {text for own in handed_in.attempts.values() for attempt in own for text in attempt.texts.values()}
    corrections = () if overrides is None else read_overrides(overrides, enrolments, names, handed)
    present = {*handed_in.attempts, *(each.student for each in corrections if each.gives_marks)}
    cohort = enrolled(assignment, [each for id, each in enrolments.items() if id in present])
    places = {id: place for place, id in enumerate(cohort.students)}

    def marked(id: str, texts: Mapping[str, str]) -> list[Mark]:
        tolerances = {answer: float(array[places[id]]) for answer, array in cohort.tolerances.items()}
        return marker.mark(cohort.numbers(places[id]), tolerances, texts)

    def points(id: str, texts: Mapping[str, str]) -> Fraction:
        return sum((mark.points for mark in marked(id, texts)), Fraction(0))

    marks, keys = {}, {}
    for id, place in places.items():
        texts, remark = counted(id, handed_in.attempts.get(id, ()), AttemptRule(attempts), points)
        remarks += [] if remark is None else [remark]
        marks[id] = marked(id, texts)
        keys[id] = {answer.id: cohort.numbers(place)[answer.key] for answer in assignment.answers}
    looks_copied = suspected(enrolled(assignment, manifest.enrolments), marks)
    decided = {each.student: each.copied for each in corrections if each.student and each.copied is not None}
    for id, copy in looks_copied.items():
        if decided.get(id, True):
            remarks.append((id, copy.told(id)))
    judged, withheld = treated(marks, looks_copied, CopyRule(copies), decided)
    found, changes = corrected(judged, corrections)
    remarks += [(f"{overrides}: override[{place}]", message("homework.idle")) for place in idle(judged, corrections)]
    origins = {id: own[-1].file for id, own in handed_in.attempts.items()}
    totals = changed_totals(found, corrections)
    return GradedClass(manifest, assignment, found, keys, remarks, changes, origins, looks_copied, withheld, totals)
