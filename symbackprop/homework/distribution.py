"""Giving out: a sheet and a key for each student, in files that are the same whoever writes them.

A job is cut into chunks of students, which any number of processes can work at: what comes out depends on nothing but the
job and the student.
"""

from __future__ import annotations

import functools
import gc
import multiprocessing
import multiprocessing.connection
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy

from symbackprop import rendering
from symbackprop.document.blocks import Document
from symbackprop.homework import sheets
from symbackprop.homework.manifest import Enrolment, Manifest
from symbackprop.homework.roster import file_name
from symbackprop.homework.sheets import StudentVariant
from symbackprop.homework.variants import Cohort, HomeworkAssignment, variant
from symbackprop.rendering import Format, exporters, pdf_collections, tex_engines
from symbackprop.rendering.pdf_collections import drafted

CHUNK = 20
"""Students of one chunk."""

TEX_CHUNK = 50
"""Students of one chunk that TeX sets: a run sets all its documents, and takes long to begin."""

SECONDS = 10.0
"""Time that an engine may take for each document."""

PDF = "pdf"
"""What is made of templates where a format is set by an engine."""

SHEETS, KEYS = "students/sheets", "teacher/keys"

Files = dict[str, str | bytes]
Part = TypeVar("Part")


@dataclass(frozen=True)
class Job:
    """What is to be written: for which students (places in the manifest), in which formats."""

    manifest: Manifest
    formats: tuple[str, ...]
    language: str
    anonymous: bool
    templates: str | None = None
    engine: str | None = None


def paths(job: Job, place: int) -> list[str]:
    """Return the files of one student, relative to the folder of the homework."""
    enrolment = job.manifest.enrolments[place]
    return [_path(job, enrolment, kind, row.suffix) for row in _formats(job) for kind in (SHEETS, KEYS)]


def _path(job: Job, enrolment: Enrolment, kind: str, suffix: str) -> str:
    is_code = job.anonymous and kind == SHEETS
    return f"{kind}/{enrolment.code if is_code else file_name(enrolment.student.id)}.{suffix}"


def documents(job: Job, places: Sequence[int], processes: int | None = None) -> Iterator[tuple[int, Files]]:
    """Yield, chunk by chunk, how many students are done and their files: sheets and keys in all formats.

    `processes` is the number of processes that work (default: one for each core, one where there is little to do).
    """
    size = TEX_CHUNK if any(row.engine == "tex" for row in _formats(job)) else CHUNK
    parts = [_part(job, places[start : start + size]) for start in range(0, len(places), size)]
    counts = (len(part.manifest.enrolments) for part in parts)
    yield from zip(counts, _worked(_written, parts, processes), strict=True)


def _part(job: Job, places: Sequence[int]) -> Job:
    """Return the job of writing the documents of some of the students."""
    chosen = tuple(job.manifest.enrolments[place] for place in places)
    return replace(job, manifest=replace(job.manifest, enrolments=chosen))


def class_parts(job: Job) -> Iterator[tuple[str, list[str]]]:
    """Yield the PDF of a class, of sheets then of keys, with the PDFs of the students that it is made of."""
    for kind in (SHEETS, KEYS):
        yield f"{kind}.pdf", [_path(job, enrolment, kind, "pdf") for enrolment in job.manifest.enrolments]


def _worked(work: Callable[[Part], Files], parts: Sequence[Part], processes: int | None) -> Iterator[Files]:
    """Yield the files of each part, in order, by as many processes as are asked for and have something to do."""
    workers = min(processes or os.cpu_count() or 1, len(parts))
    if workers <= 1:
        yield from map(work, parts)
        return
    # Processes are begun anew: a fork of one that has threads, as of BLAS or of a notebook, may never wake up.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_begin) as pool:
        yield from pool.map(work, parts)


def _begin() -> None:
    """Begin a process that works at parts."""
    # What is loaded by now stays: the collector need not walk over it again and again, a tenth of the time.
    gc.freeze()
    _end_with_parent()


def _end_with_parent() -> None:
    """End this process when the one that started it ends, however that came about."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    tex_engines.abandon()
    os._exit(1)


def _written(job: Job) -> Files:
    """Return the documents of a job, by path."""
    given = ready(job.manifest)
    enrolments, kinds = job.manifest.enrolments, (SHEETS, KEYS)
    students = student_variants(given, enrolments)
    contents = [_document(job, given, kind, student) for kind in kinds for student in students]
    found: Files = {}
    for row in _formats(job):
        names = [_path(job, enrolment, kind, row.suffix) for kind in kinds for enrolment in enrolments]
        found |= zip(names, _in_format(job, given, contents, row), strict=True)
    return found


def _in_format(job: Job, given: HomeworkAssignment, contents: Sequence[Document], row: Format) -> Iterable[str | bytes]:
    if row.finish == PDF:
        limit = SECONDS * len(contents)
        return pdf_collections.collected(contents, given.derivation, row, job.language, time_limit=limit)
    return map(exporters.written, drafted(contents, given.derivation, row, job.language))


def engine_of_pdfs(job: Job) -> str:
    """Return the engine that sets the PDFs of a job."""
    return rendering.formats(job.templates, job.engine)[PDF].engine


def _formats(job: Job) -> list[Format]:
    """Return the formats of a job, as its templates and its engine make them."""
    table = rendering.formats(job.templates, job.engine)
    return [table[name] for name in job.formats]


def _document(job: Job, given: HomeworkAssignment, kind: str, student: StudentVariant) -> Document:
    """Return the sheet or the key of a student; an anonymous sheet shows the code alone."""
    if kind == KEYS:
        return sheets.key(given, student)
    return sheets.sheet(given, replace(student, name="", id="") if job.anonymous else student)


def ready(manifest: Manifest) -> HomeworkAssignment:
    """Return the assignment of a manifest, made once in each process; raises what `Manifest.assignment` does."""
    return _ready(replace(manifest, enrolments=()).text())


@functools.lru_cache(maxsize=2)
def _ready(text: str) -> HomeworkAssignment:
    return Manifest.of(text).assignment()


def student_variants(given: HomeworkAssignment, enrolments: Sequence[Enrolment]) -> list[StudentVariant]:
    """Return students with their variants and the numbers to be printed."""
    cohort = enrolled(given, enrolments)
    return [
        StudentVariant(
            enrolment.student.name,
            enrolment.student.id,
            enrolment.code,
            variant(given, enrolment.positions),
            sheets.numerals(given, cohort.numbers(place)),
        )
        for place, enrolment in enumerate(enrolments)
    ]


def enrolled(given: HomeworkAssignment, enrolments: Sequence[Enrolment]) -> Cohort:
    """Return the numbers of the variants of these students."""
    positions = {
        name: numpy.array([each.positions[name] for each in enrolments], dtype=int) for name in given.problem.variants
    }
    return Cohort(given, tuple(each.student.id for each in enrolments), positions)
