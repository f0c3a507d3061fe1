"""Giving out: a sheet and a key for each student, in files that are the same whoever writes them.

A job is cut into chunks of students, which any number of processes can work at (`classes.chunks`): what comes
out depends on nothing but the job and the student.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy

from symbackprop import rendering
from symbackprop.document.blocks import Document
from symbackprop.errors import ProblemError, unknown
from symbackprop.homework.assignments.problem_sets import ClassNumbers, ProblemSet
from symbackprop.homework.assignments.variants import Cohort, HomeworkAssignment, variant
from symbackprop.homework.classes import chunks
from symbackprop.homework.classes.chunks import Workers
from symbackprop.homework.classes.roster import file_name
from symbackprop.homework.classes.shards import SETTING
from symbackprop.homework.handouts import sheets
from symbackprop.homework.handouts.manifest import MANIFEST, Enrolment, Manifest
from symbackprop.homework.handouts.sheets import StudentVariant, Variant
from symbackprop.messages import message
from symbackprop.rendering import Format, exporters, pdf_collections
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


@dataclass(frozen=True)
class Job:
    """What is to be written: for which students (places in the manifest), in which formats.

    `archive` is how many students have their documents in one archive, 0 where each document is a file; `first` is the
    place of the first student in the whole class, where the manifest is about a part of it.
    """

    manifest: Manifest
    formats: tuple[str, ...]
    language: str
    anonymous: bool
    templates: str | None = None
    engine: str | None = None
    archive: int = 0
    first: int = 0

    @classmethod
    def of(cls, manifest: Manifest) -> Job:
        """Return the job that a manifest tells of; raises `ProblemError` where it does not tell all of it."""
        told = manifest.settings
        try:
            return cls(
                manifest,
                tuple(told["formats"]),
                told["language"],
                told["anonymous"],
                told["templates"],
                told["engine"],
                told.get("archive", 0),
                told.get(SETTING, {"first": 0})["first"],
            )
        except KeyError as error:
            raise ProblemError(message("homework.no_manifest"), where=f"{MANIFEST}: settings.{error.args[0]}") from None


def paths(job: Job, place: int) -> list[str]:
    """Return the files of one student, relative to the folder of the homework."""
    enrolment = job.manifest.enrolments[place]
    return [_path(job, enrolment, kind, row.suffix) for row in _formats(job) for kind in (SHEETS, KEYS)]


def other_paths(job: Job) -> Iterator[str]:
    """Yield the files that documents of the job would have in formats that are not its own."""
    table = rendering.formats(job.templates, job.engine)
    suffixes = {row.suffix for row in table.values()} - {row.suffix for row in _formats(job)}
    for kind in (SHEETS, KEYS):
        yield from (f"{kind}.{PDF}" for suffix in suffixes if suffix == PDF)
        yield from (_path(job, enrolment, kind, each) for enrolment in job.manifest.enrolments for each in suffixes)


def _path(job: Job, enrolment: Enrolment, kind: str, suffix: str) -> str:
    is_code = job.anonymous and kind == SHEETS
    return f"{kind}/{enrolment.code if is_code else file_name(enrolment.student.id)}.{suffix}"


def documents(
    job: Job, places: Sequence[int], processes: int | None = None, executor: Executor | Workers | None = None
) -> Iterator[tuple[Sequence[int], Files | None]]:
    """Yield, chunk by chunk, some of the places and the files of these students: sheets and keys in all formats.

    They come as they are ready; None stands for those whose process died again and again. `processes` is the number of
    processes that work (default: one for each core, one where there is little to do), unless an `executor` does.
    """
    size = TEX_CHUNK if any(row.engine == "tex" for row in _formats(job)) else CHUNK
    parts = [places[start : start + size] for start in range(0, len(places), size)]
    students = [tuple(job.manifest.enrolments[place] for place in part) for part in parts]
    shared = replace(job, manifest=replace(job.manifest, enrolments=()))
    for number, files in chunks.worked(_written, shared, students, processes, executor):
        yield parts[number], files


def class_parts(job: Job) -> Iterator[tuple[str, list[str]]]:
    """Yield the PDF of a class, of sheets then of keys, with the PDFs of the students that it is made of.

    There is none of a part of a class, and none where documents are in archives.
    """
    is_whole = PDF in job.formats and not job.archive and SETTING not in job.manifest.settings
    for kind in (SHEETS, KEYS) if is_whole else ():
        yield f"{kind}.pdf", [_path(job, enrolment, kind, "pdf") for enrolment in job.manifest.enrolments]


def _written(job: Job, enrolments: Sequence[Enrolment]) -> Files:
    """Return the documents of some students, by path; the job names none."""
    given, kinds = ready(job.manifest), (SHEETS, KEYS)
    students = student_variants(given, enrolments)
    contents = [_document(job, given, kind, student) for kind in kinds for student in students]
    found: Files = {}
    for row in _formats(job):
        names = [_path(job, enrolment, kind, row.suffix) for kind in kinds for enrolment in enrolments]
        found |= zip(names, _in_format(job, given, contents, row), strict=True)
    return found


def _in_format(job: Job, given: ProblemSet, contents: Sequence[Document], row: Format) -> Iterable[str | bytes]:
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
    for name in job.formats:
        if name not in table:
            raise unknown("format", name, table, where=f"{MANIFEST}: settings.formats")
    return [table[name] for name in job.formats]


def _document(job: Job, given: ProblemSet, kind: str, student: StudentVariant) -> Document:
    """Return the sheet or the key of a student; an anonymous sheet shows the code alone."""
    if kind == KEYS:
        return sheets.key(given, student)
    return sheets.sheet(given, replace(student, name="", id="") if job.anonymous else student)


def ready(manifest: Manifest) -> ProblemSet:
    """Return the problems of a manifest, made once in each process; raises what `Manifest.problem_set` does."""
    return _ready(replace(manifest, enrolments=()).text())


@functools.lru_cache(maxsize=2)
def _ready(text: str) -> ProblemSet:
    return Manifest.of(text).problem_set()


def student_variants(given: ProblemSet, enrolments: Sequence[Enrolment]) -> list[StudentVariant]:
    """Return students with their variants and the numbers to be printed."""
    whole = enrolled(given, enrolments)
    return [
        StudentVariant(
            enrolment.student.name,
            enrolment.student.id,
            enrolment.code,
            {
                cohort.given.part: Variant(
                    variant(cohort.given, {name: array[place].tolist() for name, array in cohort.positions.items()}),
                    sheets.numerals(
                        cohort.given,
                        cohort.numbers(place),
                        {id: float(found[place]) for id, found in cohort.tolerances.items()},
                    ),
                    enrolment.options,
                )
                for cohort in whole.parts
            },
        )
        for place, enrolment in enumerate(enrolments)
    ]


def enrolled(given: ProblemSet, enrolments: Sequence[Enrolment]) -> ClassNumbers:
    """Return the numbers of the variants of these students.

    Raises `ProblemError` for positions that are none of what is drawn from: the manifest is damaged.
    """
    return ClassNumbers(given, tuple(_cohort(part, enrolments) for part in given.parts))


def _cohort(given: HomeworkAssignment, enrolments: Sequence[Enrolment]) -> Cohort:
    """Return the numbers of these students in one problem."""
    try:
        positions = {
            name: numpy.array([each.positions[given.part + name] for each in enrolments], dtype=int).reshape(
                len(enrolments), drawn.size
            )
            for name, drawn in given.problem.variants.items()
        }
    except (KeyError, ValueError, OverflowError):
        raise ProblemError(message("homework.no_manifest"), where=f"{MANIFEST}: positions") from None
    for name, drawn in given.problem.variants.items():
        if not ((positions[name] >= 0) & (positions[name] < len(drawn.choices))).all():
            raise ProblemError(message("homework.no_manifest"), where=f"{MANIFEST}: positions.{given.part}{name}")
    return Cohort(given, tuple(each.student.id for each in enrolments), positions)
