"""Giving out: a sheet and a key for each student, in files that are the same whoever writes them.

A job is cut into chunks of students, which any number of processes can work at: what comes out depends on nothing but the
job and the student.
"""

from __future__ import annotations

import functools
import itertools
import math
import multiprocessing
import multiprocessing.connection
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from symbackprop import rendering
from symbackprop.document.blocks import Document
from symbackprop.homework import class_printing, sheets
from symbackprop.homework.class_printing import Press, Pupil
from symbackprop.homework.manifest import Enrolment, Manifest
from symbackprop.homework.roster import file_name
from symbackprop.homework.variants import Assignment, Cohort, values_of, variant
from symbackprop.rendering import pdf_collections

CHUNKS = 2
"""So many chunks has each process, if the class is large enough: more students of one chunk are printed together."""

SMALLEST_CHUNK, LARGEST_CHUNK = 20, 250
TYPESET_CHUNK = 100
"""Students of one chunk, and of one run of TeX."""

SECONDS = 10.0
"""Time that a run of TeX may take for each student."""

SHEETS, KEYS = "students/sheets", "teacher/keys"

Files = dict[str, str | bytes]


@dataclass(frozen=True)
class Job:
    """What is to be written: for which students (places in the manifest), in which formats."""

    manifest: Manifest
    formats: tuple[str, ...]
    language: str
    anonymous: bool
    templates: str | None = None


def paths(job: Job, place: int) -> list[str]:
    """Return the files of one student, relative to the folder of the homework."""
    table = rendering.formats(job.templates)
    enrolment = job.manifest.enrolments[place]
    found = []
    for name in job.formats:
        suffix = table[name].suffix
        found.append(f"{SHEETS}/{_sheet_name(job, enrolment)}.{suffix}")
        found.append(f"{KEYS}/{file_name(enrolment.student.id)}.{suffix}")
    return found


def _sheet_name(job: Job, enrolment: Enrolment) -> str:
    return enrolment.code if job.anonymous else file_name(enrolment.student.id)


def documents(job: Job, places: Sequence[int], processes: int | None = None) -> Iterator[tuple[int, Files]]:
    """Yield, chunk by chunk, how many students are done and their files: sheets and keys in all formats.

    `processes` is the number of processes that work (default: one for each core, one where there is little to do).
    """
    workers = processes or os.cpu_count() or 1
    size = min(max(math.ceil(len(places) / (CHUNKS * workers)), SMALLEST_CHUNK), LARGEST_CHUNK)
    chunks = [tuple(places[start : start + size]) for start in range(0, len(places), size)]
    workers = min(workers, len(chunks))
    if workers <= 1:
        yield from ((len(chunk), _written(job, chunk)) for chunk in chunks)
        return
    with ProcessPoolExecutor(workers, initializer=_end_with_parent) as pool:
        yield from zip(map(len, chunks), pool.map(_written, itertools.repeat(job), chunks), strict=True)


def classes(job: Job, processes: int | None = None) -> Iterator[tuple[str, Files]]:
    """Yield the class in one PDF, sheets then keys, each with the PDFs of all students cut from it.

    Every student begins on a right-hand page of the class's file.
    """
    workers = min(processes or os.cpu_count() or 1, 2)
    kinds = ("sheets", "keys")
    if workers <= 1:
        yield from ((kind, _collected(job, kind)) for kind in kinds)
        return
    with ProcessPoolExecutor(workers, initializer=_end_with_parent) as pool:
        yield from zip(kinds, pool.map(_collected, itertools.repeat(job), kinds), strict=True)


def _end_with_parent() -> None:
    """End this process when the one that started it ends, however that came about."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)


def _written(job: Job, chunk: Sequence[int]) -> Files:
    given = _assignment(job.manifest)
    table = rendering.formats(job.templates)
    found: Files = {}
    enrolments = [job.manifest.enrolments[place] for place in chunk]
    own = pupils(given, job.manifest, chunk)
    for name in (name for name in job.formats if table[name].finish != "pdf"):
        suffix = table[name].suffix
        press = Press(given, name, job.language, job.templates)
        sheets_, keys = press.sheets([_shown(job, pupil) for pupil in own]), press.keys(own)
        for enrolment, sheet, key in zip(enrolments, sheets_, keys, strict=True):
            found[f"{SHEETS}/{_sheet_name(job, enrolment)}.{suffix}"] = sheet
            found[f"{KEYS}/{file_name(enrolment.student.id)}.{suffix}"] = key
    return found


def _sheet(given: Assignment, pupil: Pupil) -> Document:
    diagram = sheets.diagram(given, pupil.problem)
    return sheets.sheet(given, pupil.problem, pupil.header, pupil.values, diagram)


def _shown(job: Job, pupil: Pupil) -> Pupil:
    """Return a student as a sheet shows them: by the code alone if it is anonymous."""
    return replace(pupil, header=sheets.Header("", "", pupil.header.code)) if job.anonymous else pupil


def _collected(job: Job, kind: str) -> Files:
    given = _assignment(job.manifest)
    places = range(len(job.manifest.enrolments))
    whole: list[bytes] = []
    found: Files = {}
    for start in range(0, len(places), TYPESET_CHUNK):
        chunk = places[start : start + TYPESET_CHUNK]
        enrolments = [job.manifest.enrolments[place] for place in chunk]
        own = pupils(given, job.manifest, chunk)
        if kind == "sheets":
            contents = [_sheet(given, _shown(job, pupil)) for pupil in own]
            names = [f"{SHEETS}/{_sheet_name(job, enrolment)}.pdf" for enrolment in enrolments]
        else:
            contents = [sheets.key(given, each.problem, each.header, each.values) for each in own]
            names = [f"{KEYS}/{file_name(enrolment.student.id)}.pdf" for enrolment in enrolments]
        problems = [pupil.problem for pupil in own]
        together, each = pdf_collections.collected(
            contents, problems, given.derivation, job.language, job.templates, time_limit=SECONDS * len(own)
        )
        whole.append(together)
        found |= dict(zip(names, each, strict=True))
    folder = "students" if kind == "sheets" else "teacher"
    return {f"{folder}/{kind}.pdf": pdf_collections.joined(whole), **found}


@functools.lru_cache(maxsize=2)
def _ready(text: str) -> Assignment:
    import json

    fields = json.loads(text)
    return Manifest.of(fields).assignment()


def _assignment(manifest: Manifest) -> Assignment:
    """Return the assignment of a manifest, made once in each process."""
    return _ready(manifest.text())


def pupils(given: Assignment, manifest: Manifest, places: Sequence[int]) -> list[Pupil]:
    """Return the numbers of students, at these places of a manifest, ready to be printed."""
    chosen = [manifest.enrolments[place] for place in places]
    cohort = enrolled(given, chosen)
    zeros = class_printing.zeros_of(cohort.values, len(chosen))
    return [
        Pupil(
            variant(given, enrolment.positions),
            sheets.Header(enrolment.student.name, enrolment.student.id, enrolment.code),
            sheets.numerals(given, {key: float(array[place]) for key, array in cohort.values.items()}),
            zeros[place],
        )
        for place, enrolment in enumerate(chosen)
    ]


def enrolled(given: Assignment, enrolments: Sequence[Enrolment]) -> Cohort:
    """Return the numbers of the variants of these students."""
    positions: dict[str, list[Any]] = {}
    for enrolment in enrolments:
        for name, chosen in enrolment.positions.items():
            positions.setdefault(name, []).append(chosen)
    return values_of(given, tuple(enrolment.student.id for enrolment in enrolments), positions)
