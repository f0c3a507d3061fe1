"""Shards of marking: some students of a class marked, with copies left open, and all of them joined.

Marks and pages need nothing of other students, and are made by the shards. Who copied from whom, the summary, the gradebook,
and the pages of those whose sheets look copied are made when all shards are there.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symbackprop import rendering, whole_files
from symbackprop.errors import OutputError, damaged
from symbackprop.homework import grading
from symbackprop.homework.classes.chunks import Workers, versions
from symbackprop.homework.classes.shards import SETTING, Shard, check
from symbackprop.homework.grading import HandedIn, MarkingRule
from symbackprop.homework.handouts.distribution import enrolled, ready
from symbackprop.homework.handouts.manifest import MANIFEST, ROSTER, Manifest
from symbackprop.homework.marked_files import MarkingSettings, PointsInto, booked, points_into
from symbackprop.homework.marks import mark_records
from symbackprop.homework.marks.copies import CopyRule, suspected
from symbackprop.homework.marks.overrides import Override, read_overrides
from symbackprop.homework.marks.packed_marks import TOGETHER, PackedMarks, packed
from symbackprop.homework.reporting import marks_folders, report_files
from symbackprop.homework.reporting.reports import GradedClass
from symbackprop.messages import Message, message
from symbackprop.rendering import Format
from symbackprop.whole_files import Content, all_or_nothing

JOB, RECORD, OVERRIDES = "job.json", "marks.jsonl", "overrides.toml"
_SHARED = (MANIFEST, OVERRIDES, ROSTER)
"""Files that all shards have alike, as far as there are any."""


def is_shard(folder: Path) -> bool:
    """Say whether a folder holds a shard of marking."""
    return (folder / JOB).is_file()


def write_shard(
    folder: Path,
    submissions: Sequence[Path],
    output: Path | None,
    shard: Shard,
    settings: MarkingSettings,
    processes: int | None = 1,
    executor: Executor | Workers | None = None,
) -> GradedClass:
    """Mark a part of the class whose homework is in `folder`, write it to `output`, and return the marks, copies left open.

    All shards are given all submissions: what is to be said of these is said of all of them. Raises `OutputError` without a
    folder to write to.
    """
    if output is None:
        raise OutputError(message("homework.shard_needs_folder"), where="--shard")
    found = grading.handed_in(folder, submissions, settings.overrides, settings.encoding, settings.columns)
    enrolments = found.manifest.enrolments
    own = {each.student.id for each in enrolments[slice(*shard.bounds(len(enrolments)))]}
    papers = [paper for paper in found.papers if paper.enrolment.student.id in own]
    rule = MarkingRule.of(found.manifest, settings.tolerance, settings.attempts)
    marks, told = grading.marked(rule, papers, processes, executor)
    graded = grading.judged(found, marks, told, {}, CopyRule(settings.copies))
    points = points_into(folder, settings)
    head = json.dumps([[where, mark_records.plain(what)] for where, what in told], ensure_ascii=False) + "\n"
    shared: dict[str, Content | None] = {
        MANIFEST: (folder / "teacher" / MANIFEST).read_bytes(),
        OVERRIDES: None if settings.overrides is None else settings.overrides.read_bytes(),
        ROSTER: None if points is None else points.content,
    }
    record = {RECORD: itertools.chain([head], mark_records.lines(marks, found.origins))}
    with all_or_nothing(undone=BaseException) as write:
        write({output / name: content for name, content in {**shared, **record}.items()}, private=True)
        pages = report_files.pages(graded, graded.marks, settings.formats, processes, executor)
        for some in pages if settings.feedback else ():
            write({output / name: content for name, content in some.items()}, private=True)
        write({output / JOB: _job(shard, found, settings, points)}, private=True)
    return graded


def _job(shard: Shard, found: HandedIn, settings: MarkingSettings, points: PointsInto | None) -> str:
    """Return what a shard says of its job; but for its number, all shards of one job say the same."""
    content = {
        SETTING: {"number": shard.number, "of": shard.of},
        "versions": dict(versions()),
        "tolerance": settings.tolerance,
        "attempts": settings.attempts,
        "copies": settings.copies,
        "formats": [each.name for each in settings.formats],
        "templates": None if settings.templates is None else str(settings.templates.resolve()),
        "engine": settings.engine,
        "feedback": settings.feedback,
        "overrides": found.corrected_in,
        "into": None if points is None else [points.column, points.where, points.encoding],
        "remarks": [[where, mark_records.plain(what)] for where, what in found.remarks],
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


@dataclass(frozen=True, slots=True)
class _Part:
    """The folder of one shard, and what it says of its job."""

    folder: Path
    job: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> _Part:
        """Return the shard in a folder; raises `OutputError` where there is none, or one that was not finished."""
        if not is_shard(folder):
            raise OutputError(message("homework.no_shard_of_marks"), where=str(folder))
        with damaged(_spoiled, str(folder / JOB)):
            job = json.loads((folder / JOB).read_text("utf-8"))
            Shard.read("{number}/{of}".format(**job[SETTING]))
        return cls(folder, job)

    @property
    def number(self) -> int:
        return int(self.job[SETTING]["number"])

    @property
    def of(self) -> int:
        return int(self.job[SETTING]["of"])

    def is_of_job(self, other: _Part) -> bool:
        """Say whether it is a part of the same job as another one."""
        jobs = [{**each.job, SETTING: each.of} for each in (self, other)]
        return jobs[0] == jobs[1] and all(self.bytes_of(name) == other.bytes_of(name) for name in _SHARED)

    def left(self) -> Sequence[str]:
        """Return nobody: a shard is there as a whole, or not at all."""
        return ()

    def bytes_of(self, name: str) -> bytes:
        """Return a file; nothing where it is not there."""
        path = self.folder / name
        return path.read_bytes() if path.is_file() else b""


@dataclass
class ShardedMarks:
    """The shards of one marking in their order, the homework, and what is to be said when they are joined."""

    parts: Sequence[_Part]
    manifest: Manifest
    remarks: Sequence[tuple[str, Message]] = ()

    @property
    def size(self) -> int:
        """How many students there are."""
        return len(self.manifest.enrolments)

    def joined(self, output: Path) -> Iterator[int]:
        """Write the marks of all into one folder, all or nothing, and yield how many students there are."""
        formats, settings = self._formats(), self.parts[0].job

        def mark(submissions: Sequence[Path]) -> marks_folders.Marked:
            graded, book = booked(self._graded(), self._points())
            self.remarks = graded.remarks
            tables = {**report_files.tables(graded, formats), **book}
            pages = self._pages(graded, formats) if settings["feedback"] else ()
            return graded, itertools.chain([tables], pages)

        marks_folders.write_marks(output, (), mark)
        yield self.size

    def digest(self, output: Path) -> str:
        """Return the SHA-256 of what stands in the folder."""
        return marks_folders.digest(output)

    def results(self, output: Path) -> Sequence[Path]:
        """Return what was written."""
        return [output]

    def _graded(self) -> GradedClass:
        """Return the marks of all, with what looks copied."""
        job, given = self.parts[0].job, ready(self.manifest)
        told: list[tuple[str, Message]] = []
        origins: dict[str, str] = {}
        marks = PackedMarks(packed(some) for part in self.parts for some in self._records(part, told, origins))
        with damaged(_spoiled, str(self.parts[0].folder / JOB)):
            remarks = [(str(where), mark_records.said(what)) for where, what in job["remarks"]]
            copies, where = CopyRule(job["copies"]), str(job["overrides"])
        found = HandedIn(self.manifest, given, (), self._corrections(), where, origins, remarks)
        looks_copied = suspected(enrolled(given, self.manifest.enrolments).parts, marks)
        return grading.judged(found, marks, told, looks_copied, copies)

    def _records(
        self, part: _Part, told: list[tuple[str, Message]], origins: dict[str, str]
    ) -> Iterator[dict[str, list[Any]]]:
        """Yield the marks of a shard, of some students at a time; add what else it says of them."""
        enrolments = self.manifest.enrolments
        bounds = Shard(part.number, part.of).bounds(len(enrolments))
        known = {each.student.id for each in enrolments[slice(*bounds)]}
        with damaged(_spoiled, str(part.folder / RECORD)), whole_files.opened(part.folder / RECORD) as file:
            told += [(str(where), mark_records.said(what)) for where, what in json.loads(next(file))]
            records = mark_records.records(ready(self.manifest), file)
            while some := list(itertools.islice(records, TOGETHER)):
                origins |= {student: origin for student, origin, _ in some if origin is not None}
                yield {student: own for student, _, own in some if student in known}

    def _corrections(self) -> tuple[Override, ...]:
        path = self.parts[0].folder / OVERRIDES
        if not path.is_file():
            return ()
        names = ready(self.manifest).names
        return read_overrides(path, [each.student.id for each in self.manifest.enrolments], names, None)

    def _points(self) -> PointsInto | None:
        part = self.parts[0]
        with damaged(_spoiled, str(part.folder / JOB)):
            if part.job["into"] is None:
                return None
            column, where, encoding = part.job["into"]
            return PointsInto(str(column), part.bytes_of(ROSTER), str(where), encoding)

    def _formats(self) -> Sequence[Format]:
        with damaged(_spoiled, str(self.parts[0].folder / JOB)):
            job = self.parts[0].job
            table = rendering.formats(job["templates"], job["engine"])
            return [table[name] for name in job["formats"]]

    def _pages(self, graded: GradedClass, formats: Sequence[Format]) -> Iterator[dict[str, Content]]:
        """Yield the pages as the shards made them, and anew those of students whose sheets look copied."""
        suffixes = [row.suffix for row in formats or [rendering.formats()["html"]]]
        count = len(self.manifest.enrolments)
        for part in self.parts:
            for each in self.manifest.enrolments[slice(*Shard(part.number, part.of).bounds(count))]:
                id = each.student.id
                names = [f"{report_files.page_name(id)}.{suffix}" for suffix in suffixes]
                if id in graded.marks and id not in graded.copies:
                    with damaged(_spoiled, str(part.folder)):
                        yield {name: (part.folder / name).read_bytes() for name in names}
        yield from report_files.pages(graded, {id: graded.marks[id] for id in graded.copies}, formats)


def fitted(folders: Sequence[Path]) -> ShardedMarks:
    """Return the shards in some folders, in any order; raises `OutputError` where they are not all those of one marking."""
    parts = sorted(map(_Part.read, folders), key=lambda part: part.number)
    check(parts)
    return ShardedMarks(parts, Manifest.read(parts[0].folder / MANIFEST))


def _spoiled(reason: str) -> Message:
    return message("homework.spoiled_shard", reason=reason)
