"""Shards of an export: the pages of some variants each, and all of them joined to the files of one run, byte by byte."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from symbackprop.errors import OutputError, damaged
from symbackprop.exporting.jobs import ExportJob, digest
from symbackprop.exporting.kept_pages import CHUNK, JOB, KeptPages, add_kept, write_pages
from symbackprop.exporting.learning_systems import Files
from symbackprop.homework.classes.chunks import Workers
from symbackprop.homework.classes.shards import SETTING, Shard, check
from symbackprop.messages import Message, message
from symbackprop.whole_files import write_files

EXPORT = "export"
"""What the record of a shard calls the export that it is a part of."""


def is_shard(folder: Path) -> bool:
    """Say whether a folder holds a shard of an export."""
    return (folder / JOB).is_file()


def write_shard(
    job: ExportJob,
    shard: Shard,
    folder: Path,
    processes: int | None = 1,
    executor: Executor | Workers | None = None,
) -> Iterator[int]:
    """Write the pages of a part of the variants into a folder, and yield how many more there are now.

    Raises `OutputError` as `write_pages` does, and for problems whose files are not known.
    """
    if len(job.contents) < len(job.problems):
        raise OutputError(message("export.shard_of_file"), where="shard")
    kept = KeptPages(folder)
    kept.begin({EXPORT: job.record(), SETTING: {"number": shard.number, "of": shard.of}})
    yield from write_pages(job, kept, shard.bounds(job.size, CHUNK), processes, executor)


@dataclass(frozen=True, slots=True)
class _Part:
    """The folder of one shard, and its record."""

    folder: Path
    record: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> _Part:
        """Return the shard in a folder; raises `OutputError` where there is none."""
        if not is_shard(folder):
            raise OutputError(message("export.no_shard"), where=str(folder))
        with damaged(_spoiled, str(folder / JOB)):
            record = json.loads((folder / JOB).read_text("utf-8"))
            Shard.read("{number}/{of}".format(**record[SETTING]))
            list(record[EXPORT]["students"])
        return cls(folder, record)

    @property
    def number(self) -> int:
        return int(self.record[SETTING]["number"])

    @property
    def of(self) -> int:
        return int(self.record[SETTING]["of"])

    @property
    def bounds(self) -> tuple[int, int]:
        """Where the part begins in the class, and where it ends."""
        return Shard(self.number, self.of).bounds(len(self.record[EXPORT]["students"]), CHUNK)

    def is_of_job(self, other: _Part) -> bool:
        """Say whether it is a part of the same job as another one."""
        return self.of == other.of and self.record[EXPORT] == other.record[EXPORT]

    def left(self) -> Sequence[str]:
        """Return the students whose pages are still missing."""
        students, kept = self.record[EXPORT]["students"], KeptPages(self.folder)
        starts = [first for first in range(*self.bounds, CHUNK) if kept.read(first) is None]
        return [each["id"] for first in starts for each in students[first : min(first + CHUNK, self.bounds[1])]]


def _spoiled(reason: str) -> Message:
    return message("export.spoiled_pages", reason=reason)


@dataclass
class ShardedExport:
    """The folders of all shards of one export in their order, and the job as a whole."""

    parts: Sequence[_Part]
    job: ExportJob
    remarks: Sequence[tuple[str, Message]] = ()
    _files: Files = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many variants there are."""
        return self.job.size

    def joined(self, output: Path) -> Iterator[int]:
        """Write the files of all variants, and yield with how many more it is done."""
        for part in self.parts:
            add_kept(self.job, KeptPages(part.folder), part.bounds)
            yield part.bounds[1] - part.bounds[0]
        self._files = self.job.files()
        write_files(self.job.paths(self._files, output), private=True)

    def digest(self, output: Path) -> str:
        """Return the SHA-256 of what was written."""
        return digest(self._files)

    def results(self, output: Path) -> Sequence[Path]:
        """Return what was written."""
        return list(self.job.paths(self._files, output))


def fitted(folders: Sequence[Path]) -> ShardedExport:
    """Return the shards in some folders, in any order; raises `OutputError` where they are not all those of one export."""
    parts = sorted(map(_Part.read, folders), key=lambda part: part.number)
    check(parts)
    where = str(parts[0].folder / JOB)
    with damaged(_spoiled, where):
        return ShardedExport(parts, ExportJob.read(parts[0].record[EXPORT]))
