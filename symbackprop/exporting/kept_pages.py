"""The pages of an export, written by any number of processes, and kept in a folder where a run that is ended can go on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symbackprop.errors import OutputError, damaged
from symbackprop.exporting.exercises import Exercise, Fragment, Pool
from symbackprop.exporting.jobs import ExportJob, plain
from symbackprop.exporting.learning_systems import LEARNING_SYSTEMS
from symbackprop.homework.assignments.variants import assignment
from symbackprop.homework.classes.chunks import Workers, worked
from symbackprop.messages import Message, message, some
from symbackprop.problems import Problem
from symbackprop.whole_files import sweep, write_files

CHUNK = 20
"""Variants of one chunk."""

JOB, PAGES = "export.json", "pages-{}.json"

Pages = Mapping[str, Fragment]


@dataclass(frozen=True, slots=True)
class KeptPages:
    """A folder with the pages of some chunks of a job, for their owner alone."""

    folder: Path

    def begin(self, record: Mapping[str, Any]) -> None:
        """Keep pages of a job; those of another one are removed."""
        path, text = self.folder / JOB, plain(record)
        if path.is_file():
            if path.read_bytes() == text.encode():
                sweep(self.folder)
                return
            self.remove()
        write_files({path: text}, private=True)

    def keep(self, first: int, pages: Sequence[Pages]) -> None:
        """Keep the pages of the chunk that begins at a place."""
        told = [{key: [page.text, dict(page.pictures)] for key, page in own.items()} for own in pages]
        write_files({self._path(first): json.dumps(told, ensure_ascii=False)}, private=True)

    def read(self, first: int) -> list[Pages] | None:
        """Return the pages of the chunk that begins at a place, one mapping for each problem; None where none are kept."""
        path = self._path(first)
        if not path.is_file():
            return None
        with damaged(_spoiled, str(path)):
            told = json.loads(path.read_text("utf-8"))
            return [{str(key): _fragment(*page) for key, page in own.items()} for own in told]

    def remove(self) -> None:
        """Remove all that is kept."""
        kept = [*self.folder.glob(PAGES.format("*")), *self.folder.glob(JOB)]
        write_files(dict.fromkeys(kept))
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _path(self, first: int) -> Path:
        return self.folder / PAGES.format(first)


def _spoiled(reason: str) -> Message:
    return message("export.spoiled_pages", reason=reason)


def _fragment(text: str, pictures: Mapping[str, str]) -> Fragment:
    return Fragment(str(text), {str(name): str(picture) for name, picture in pictures.items()})


def write_pages(
    job: ExportJob,
    kept: KeptPages | None,
    bounds: tuple[int, int],
    processes: int | None = 1,
    executor: Executor | Workers | None = None,
) -> Iterator[int]:
    """Write the pages of the variants between two places that are not kept yet, and yield how many more there are now.

    Raises `OutputError` for variants that were given up since each process that worked at them died; the others are kept.
    """
    starts = [first for first in range(*bounds, CHUNK) if kept is None or kept.read(first) is None]
    yield bounds[1] - bounds[0] - sum(len(job.students[_chunk(first, bounds)]) for first in starts)
    given_up: list[str] = []
    shared = _Shared(job.problems, job.is_class, job.system.name, job.style, job.language)
    parts = [[pool.exercises[_chunk(first, bounds)] for pool in job.pools] for first in starts]
    for place, pages in worked(_written, shared, parts, processes, executor):
        students = job.students[_chunk(starts[place], bounds)]
        if pages is None:
            given_up += [student.id for student in students]
            continue
        if kept is not None:
            kept.keep(starts[place], pages)
        else:
            add(job, pages)
        yield len(students)
    if given_up:
        raise OutputError(message("homework.given_up", count=len(given_up), students=some(given_up)))


def add(job: ExportJob, pages: Sequence[Pages]) -> None:
    """Give pages to the pools that they belong to."""
    for pool, own in zip(job.pools, pages, strict=True):
        pool.pages.update(own)


def add_kept(job: ExportJob, kept: KeptPages, bounds: tuple[int, int]) -> None:
    """Give the pages between two places that are kept to the pools that they belong to."""
    for first in range(*bounds, CHUNK):
        pages = kept.read(first)
        if pages is not None:
            add(job, pages)


def _chunk(first: int, bounds: tuple[int, int]) -> slice:
    return slice(first, min(first + CHUNK, bounds[1]))


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all chunks have in common."""

    problems: tuple[Problem, ...]
    is_class: bool
    system: str
    style: str
    language: str


def _written(shared: _Shared, exercises: Sequence[tuple[Exercise, ...]]) -> list[Pages]:
    """Write the files of some variants, and return the pages in them, which are those in the files of all."""
    pools = [
        Pool(assignment(problem), own, shared.is_class) for problem, own in zip(shared.problems, exercises, strict=True)
    ]
    LEARNING_SYSTEMS[shared.system].write(pools, shared.style, shared.language)
    return [pool.pages for pool in pools]
