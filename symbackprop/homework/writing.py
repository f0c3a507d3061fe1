"""What is given out is written: keys and answers for their owner alone, sheets and forms for everybody."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from symbackprop.homework import distribution, fillable_forms
from symbackprop.homework.distribution import PDF, Job
from symbackprop.homework.enrolment import TEACHER, UNFINISHED, Course
from symbackprop.rendering import pdf_collections

Write = Callable[..., None]
"""Writes texts by path, all of them or none, and removes what is None; `private` ones are readable by their owner alone."""


def places_to_write(course: Course, folder: Path) -> list[int]:
    """Return the places of the students whose documents are not in the folder as an earlier run left them."""
    job = course.job
    return [
        place
        for place in range(len(job.manifest.enrolments))
        if place not in course.kept or not all((folder / path).is_file() for path in distribution.paths(job, place))
    ]


def steps(course: Course, folder: Path) -> int:
    """Return how many steps there are to be reported: students, and classes in one PDF."""
    todo = places_to_write(course, folder)
    return len(todo) + (2 if PDF in course.job.formats and todo else 0)


def written(course: Course, folder: Path, processes: int | None, forms: bool, write: Write) -> Iterator[int]:
    """Write all that a course gives out into a folder, and yield how many of `steps` are done, step by step.

    The files of a student appear whole or not at all, and what an earlier run wrote just so is left. A run that is killed
    leaves a list of whom it had not come to, and a later one goes on from there.
    """
    job = course.job
    todo = places_to_write(course, folder)
    is_whole = not todo and all((folder / path).is_file() for path, _ in distribution.class_parts(job))
    _write({**course.files, UNFINISHED: _listed(job, todo)}, folder, write)
    for count, files in distribution.documents(job, todo, processes):
        todo = todo[count:]
        _write({**files, UNFINISHED: _listed(job, todo)}, folder, write)
        yield count
    if PDF in job.formats and not is_whole:
        for path, parts in distribution.class_parts(job):
            whole = pdf_collections.joined([(folder / part).read_bytes() for part in parts], two_sided=True)
            _write({path: whole}, folder, write)
            yield 1
    _write({UNFINISHED: None, **(dict(fillable_forms.forms(job)) if forms else {})}, folder, write)


def _listed(job: Job, places: Sequence[int]) -> str:
    return json.dumps([job.manifest.enrolments[place].student.id for place in places])


def _write(files: Mapping[str, str | bytes | None], folder: Path, write: Write) -> None:
    """Write files, what holds answers for its owner alone."""
    for private in (True, False):
        own = {name: text for name, text in files.items() if name.startswith(f"{TEACHER}/") is private}
        write({folder / name: text for name, text in own.items()}, private=private)
