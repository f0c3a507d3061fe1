"""What is given out is written: keys and answers for their owner alone, sheets and forms for everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from symbackprop.homework import distribution, fillable_forms
from symbackprop.homework.enrolment import TEACHER, Course

Write = Callable[..., None]
"""Writes texts by path, all of them or none; `private` ones are readable by their owner alone."""


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
    return len(todo) + (2 if "pdf" in course.job.formats and todo else 0)


def written(course: Course, folder: Path, processes: int | None, forms: bool, write: Write) -> Iterator[int]:
    """Write all that a course gives out into a folder, and yield how many of `steps` are done, step by step.

    The files of a student appear whole or not at all, and what an earlier run wrote just so is left.
    """
    job = course.job
    _write(course.files, folder, write)
    todo = places_to_write(course, folder)
    if set(job.formats) != {"pdf"}:
        for count, files in distribution.documents(job, todo, processes):
            _write(files, folder, write)
            yield count
    else:
        yield len(todo)
    if "pdf" in job.formats and todo:
        for _, files in distribution.classes(job, processes):
            _write(files, folder, write)
            yield 1
    if forms:
        _write(dict(fillable_forms.forms(job)), folder, write)


def _write(files: Mapping[str, str | bytes], folder: Path, write: Write) -> None:
    """Write files, what holds answers for its owner alone."""
    for private in (True, False):
        own = {name: text for name, text in files.items() if name.startswith(f"{TEACHER}/") is private}
        write({folder / name: text for name, text in own.items()}, private=private)
