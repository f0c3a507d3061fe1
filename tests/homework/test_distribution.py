"""Giving out: what is written for a student depends on the job and on that student alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from symbackprop.homework import distribution
from symbackprop.homework.distribution import CHUNK, Files, Job
from symbackprop.homework.enrolment import prepare
from symbackprop.homework.roster import numbered
from symbackprop.problems import load

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
    return prepare(source, named, folder, seed=3, formats=formats, language="en", anonymous=True).job


@pytest.fixture(scope="module")
def whole(job: Job) -> Files:
    """Return the files of the class, written in one process."""
    return _files(job, range(COUNT))


def _files(job: Job, places: Sequence[int]) -> Files:
    return {path: text for _, files in distribution.documents(job, places, 1) for path, text in files.items()}


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
