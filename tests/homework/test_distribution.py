"""Giving out: what is written for a student depends on the job and on that student alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from symbackprop.derivation.derivations import derive
from symbackprop.homework.assignments.problem_sets import ProblemSet
from symbackprop.homework.assignments.variants import assignment, draw, variant
from symbackprop.homework.classes.roster import numbered
from symbackprop.homework.handouts import distribution, sheets
from symbackprop.homework.handouts.distribution import CHUNK, Files, Job
from symbackprop.homework.handouts.enrolment import prepare
from symbackprop.problems import load
from tests.helpers import each

COUNT = CHUNK + 3
"""Students of two chunks."""


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """Return the job of an anonymous class in two formats."""
    folder, formats = tmp_path_factory.mktemp("class"), ("markdown", "latex")
    source = load.find_source("homework")
    roster = numbered(COUNT)
    students = tuple(replace(student, id=f"pupil{student.id}") for student in roster.students)
    named = replace(roster, students=students)
    return prepare([source], named, folder, seed=3, formats=formats, language="en", anonymous=True).job


@pytest.fixture(scope="module")
def whole(job: Job) -> Files:
    """Return the files of the class, written in one process."""
    return _files(job, range(COUNT))


def _files(job: Job, places: Sequence[int]) -> Files:
    return {path: text for _, files in distribution.documents(job, places, 1) for path, text in (files or {}).items()}


def test_files_are_those_that_are_promised(job: Job, whole: Files) -> None:
    """`paths` says beforehand what is written for each student: a sheet and a key in each format."""
    promised = {path for place in range(COUNT) for path in distribution.paths(job, place)}
    assert promised == whole.keys()
    assert len(promised) == COUNT * 2 * len(job.formats)


@pytest.mark.parametrize("place", [0, CHUNK - 1, CHUNK, COUNT - 1])
def test_documents_of_a_class_are_those_of_each_student_alone(job: Job, whole: Files, place: int) -> None:
    """Whoever else is in the class or in the chunk: the bytes of a student's files are the same."""
    assert {path: whole[path] for path in distribution.paths(job, place)} == _files(job, [place])


def test_anonymous_sheets_lack_the_name_and_keys_have_it(job: Job, whole: Files) -> None:
    """A key is the same file under the same name; a sheet has the student's id on it only where it is not anonymous."""
    named = replace(job, anonymous=False)
    files, id = _files(named, [0]), job.manifest.enrolments[0].student.id
    for path, other in zip(distribution.paths(job, 0), distribution.paths(named, 0), strict=True):
        if path.startswith(distribution.KEYS):
            assert (path, whole[path]) == (other, files[other])
        else:
            assert id in str(files[other])
            assert id not in str(whole[path])
    assert len(files) == 2 * len(job.formats)


STEPS = {"low": "0.05", "high": "0.95", "step": "0.05"}


@pytest.mark.parametrize(
    ("name", "changes"),
    [("homework", {}), ("mazur", {"variants.W1": STEPS, "variants.x": STEPS}), ("circuit", {"variants.w": STEPS})],
)
def test_shared_derivations_leave_the_numbers_of_each_student(name: str, changes: Mapping[str, Any]) -> None:
    """Sheet and key with what a class shares, derivation and formulas, are those of the student's problem derived alone."""
    given = assignment(load.find_source(name, list(changes.items())).problem())
    ids = ("a", "b", "c")
    cohort = draw(given, ids, 7, dict.fromkeys(ids, 1))
    for place, id in each(enumerate(ids)):
        problem = variant(given, {key: array[place].tolist() for key, array in cohort.positions.items()})
        values = {key: float(array[place]) for key, array in cohort.values.items()}
        allowed = {key: float(array[place]) for key, array in cohort.tolerances.items()}
        own = sheets.Variant(problem, sheets.numerals(given, values, allowed))
        student = sheets.StudentVariant("", id, "CODE", {"": own})
        alone = ProblemSet((replace(given, derivation=derive(problem), formulas={}),))
        assert sheets.sheet(alone, student) == sheets.sheet(ProblemSet((given,)), student)
        assert sheets.key(alone, student) == sheets.key(ProblemSet((given,)), student)
