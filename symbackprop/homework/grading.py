"""Marking a class: the teacher's folder and a file of submissions in, marks out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from symbackprop.errors import ProblemError
from symbackprop.homework.distribution import enrolled
from symbackprop.homework.manifest import MANIFEST, Enrolment, Manifest
from symbackprop.homework.marking import Marker
from symbackprop.homework.overrides import corrected, read_overrides
from symbackprop.homework.reports import GradedClass
from symbackprop.homework.submissions import read_submissions
from symbackprop.homework.variants import HomeworkAssignment
from symbackprop.messages import message


def grade(folder: Path, submissions: Path, overrides: Path | None = None, encoding: str = "") -> GradedClass:
    """Return the marks of the class whose homework was written to `folder`.

    `submissions` is a CSV file with a row for each answer (`student,answer,value`) or for each student; students without
    a row get no marks. `encoding` is that of the file where it is not found out. Raises `SymbackpropError` naming file
    and line for what cannot be used.
    """
    path = folder / "teacher" / MANIFEST
    if not path.exists():
        raise ProblemError(message("homework.not_given_out"), where=str(folder))
    manifest = Manifest.read(path)
    assignment = manifest.assignment()
    marker = Marker(assignment)
    enrolments = {enrolment.student.id: enrolment for enrolment in manifest.enrolments}
    names = {name: answer.id for name, answer in marker.ids.items()}
    handed_in = read_submissions(submissions, enrolments, names, encoding)
    remarks = list(handed_in.remarks)
    for id, code in handed_in.codes.items():
        if code.upper() != enrolments[id].code.upper():
            what = message("homework.wrong_code", found=code, student=id, expected=enrolments[id].code)
            remarks.append((str(submissions), what))
    present = [enrolment for id, enrolment in enrolments.items() if id in handed_in.texts]
    marks, keys = {}, {}
    for id, values, tolerances in _numbers(assignment, present):
        marks[id] = marker.mark(values, tolerances, handed_in.texts[id])
        keys[id] = {answer.id: values[answer.key] for answer in assignment.answers}
    answer_texts = {text for own in handed_in.texts.values() for text in own.values()}
    corrections = () if overrides is None else read_overrides(overrides, enrolments, names, answer_texts)
    found, changes = corrected(marks, corrections)
    return GradedClass(manifest, assignment, found, keys, remarks, changes)


def _numbers(
    given: HomeworkAssignment, present: Sequence[Enrolment]
) -> Iterator[tuple[str, dict[str, float], dict[str, float]]]:
    """Yield, for each student, the id, the key's numbers by key and the tolerances by answer id."""
    if not present:
        return
    cohort = enrolled(given, present)
    for place, enrolment in enumerate(present):
        values = {key: float(array[place]) for key, array in cohort.values.items()}
        yield enrolment.student.id, values, {id: float(array[place]) for id, array in cohort.tolerances.items()}
