"""What is given out is written: keys and answers for their owner alone, sheets and forms for everybody."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path

from symbackprop.homework.classes.chunks import Workers
from symbackprop.homework.handouts import archives, distribution, fillable_forms
from symbackprop.homework.handouts.distribution import Job
from symbackprop.homework.handouts.enrolment import TEACHER, UNFINISHED, Course
from symbackprop.homework.handouts.manifest import ANSWER_TABLE, ANSWERS, MANIFEST
from symbackprop.rendering import pdf_collections
from symbackprop.whole_files import Content, append, sweep

KEPT = (MANIFEST, ANSWER_TABLE, ANSWERS)
"""What stays with the teacher, beside the keys, and is no secret to be compared."""

Write = Callable[..., None]
"""Writes texts by path, all of them or none, and removes what is None; `private` ones are readable by their owner alone."""


def places_to_write(course: Course, folder: Path) -> list[int]:
    """Return the places of the students whose documents are not in the folder as an earlier run left them."""
    job = course.job

    def is_there(place: int) -> bool:
        return place in course.kept and all((folder / path).is_file() for path in archives.stored(job, place))

    return [place for unit in archives.units(job) if not all(map(is_there, unit)) for place in unit]


def steps(course: Course, folder: Path) -> int:
    """Return how many steps there are to be reported: students, and classes in one PDF."""
    todo = places_to_write(course, folder)
    return len(todo) + (len(list(distribution.class_parts(course.job))) if todo else 0)


def written(
    course: Course,
    folder: Path,
    processes: int | None,
    forms: bool,
    write: Write,
    executor: Executor | Workers | None = None,
) -> Iterator[int]:
    """Write all that a course gives out into a folder, and yield how many of `steps` are done, step by step.

    The files of a student appear whole or not at all, and what an earlier run wrote just so is left. A run that is killed
    leaves a list of whom it had not come to, and a later one goes on from there; so does one that has given some up.
    """
    job = course.job
    sweep(folder)
    todo = places_to_write(course, folder)
    is_new = bool(todo)
    # What an earlier run wrote in other formats would tell something else by now.
    others = distribution.other_paths(job) if course.is_changed else ()
    stale = {path: None for path in others if (folder / path).is_file()}
    write_for_owners({**course.files, **stale, UNFINISHED: _listed(job, todo)}, folder, write)
    done: set[int] = set()
    for places, files in archives.gathered(job, distribution.documents(job, todo, processes, executor)):
        if files is None:
            continue
        write_for_owners(files, folder, write)
        append(folder / UNFINISHED, _listed(job, places))
        done.update(places)
        yield len(places)
    if done.issuperset(todo):
        yield from ended(job, folder, forms, write, is_new=is_new)


def ended(job: Job, folder: Path, forms: bool, write: Write, *, is_new: bool) -> Iterator[int]:
    """Write what is made of a whole class when the documents of all are there, and yield how many steps that is."""
    parts = dict(distribution.class_parts(job))
    for path, own in parts.items() if is_new or not all((folder / path).is_file() for path in parts) else ():
        whole = pdf_collections.joined([(folder / part).read_bytes() for part in own], two_sided=True)
        write_for_owners({path: whole}, folder, write)
        yield 1
    write_for_owners({UNFINISHED: None, **(dict(fillable_forms.forms(job)) if forms else {})}, folder, write)


def digest(job: Job, folder: Path) -> str:
    """Return a SHA-256 of what was given out: manifest, answers, and all documents in the order of the class.

    It is that of a list as `sha256sum` writes it; whoever wrote the documents, and in how many parts, it is the same.
    """
    found = hashlib.sha256()
    small = ((name, (folder / name).read_bytes()) for name in (f"{TEACHER}/{each}" for each in KEPT))
    documents = (each for unit in archives.units(job) for each in archives.contents(job, folder, unit))
    for name, content in itertools.chain(small, documents):
        found.update(f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode())
    return found.hexdigest()


def _listed(job: Job, places: Sequence[int]) -> str:
    return json.dumps([job.manifest.enrolments[place].student.id for place in places]) + "\n"


def write_for_owners(files: Mapping[str, Content | None], folder: Path, write: Write) -> None:
    """Write files, what holds answers for its owner alone."""
    for private in (True, False):
        own = {name: text for name, text in files.items() if name.startswith(f"{TEACHER}/") is private}
        write({folder / name: text for name, text in own.items()}, private=private)
