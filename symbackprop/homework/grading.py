"""Marking a class: the teacher's folder and a file of submissions in, marks out."""

from __future__ import annotations

from pathlib import Path

from symbackprop.errors import ProblemError
from symbackprop.homework.distribution import enrolled
from symbackprop.homework.manifest import MANIFEST, Manifest
from symbackprop.homework.marking import Marker
from symbackprop.homework.overrides import corrected, read_overrides
from symbackprop.homework.reports import GradedClass
from symbackprop.homework.submissions import read_submissions
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
    names = {name: answer.id for answer in assignment.answers for name in (answer.id, *answer.aliases)}
    handed_in = read_submissions(submissions, enrolments, names, encoding)
    remarks = list(handed_in.remarks)
    for id, code in handed_in.codes.items():
        if code.upper() != enrolments[id].code.upper():
            what = message("homework.wrong_code", found=code, student=id, expected=enrolments[id].code)
            remarks.append((str(submissions), what))
    present = [enrolment for id, enrolment in enrolments.items() if id in handed_in.texts]
    marks, keys = {}, {}
    cohort = enrolled(assignment, present)
    for place, id in enumerate(cohort.students):
        values = cohort.numbers(place)
        tolerances = {answer: float(array[place]) for answer, array in cohort.tolerances.items()}
        marks[id] = marker.mark(values, tolerances, handed_in.texts[id])
        keys[id] = {answer.id: values[answer.key] for answer in assignment.answers}
    answer_texts = {text for own in handed_in.texts.values() for text in own.values()}
    corrections = () if overrides is None else read_overrides(overrides, enrolments, names, answer_texts)
    found, changes = corrected(marks, corrections)
    return GradedClass(manifest, assignment, found, keys, remarks, changes)
