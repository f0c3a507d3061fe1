"""Shards joined: the folder that one run over the whole class would have written, byte by byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from symbackprop.errors import OutputError
from symbackprop.homework import mark_shards
from symbackprop.homework.classes.shards import SETTING, check
from symbackprop.homework.handouts import archives, fillable_forms, writing
from symbackprop.homework.handouts.distribution import Job, enrolled, ready
from symbackprop.homework.handouts.enrolment import SECRET, TEACHER, teachers_files, unfinished
from symbackprop.homework.handouts.manifest import MANIFEST, ROSTER, Manifest
from symbackprop.homework.handouts.writing import Write, ended, write_for_owners
from symbackprop.homework.mark_shards import ShardedMarks
from symbackprop.messages import Message, message
from symbackprop.whole_files import all_or_nothing

_OWN = ("number", "first")
"""What of a shard's setting differs from shard to shard."""


@dataclass(frozen=True, slots=True)
class _Part:
    """The folder of one shard, and its manifest."""

    folder: Path
    manifest: Manifest

    @property
    def number(self) -> int:
        return int(self.manifest.settings[SETTING]["number"])

    @property
    def of(self) -> int:
        return int(self.manifest.settings[SETTING]["of"])

    def alike(self) -> Manifest:
        """Return the manifest without what is the shard's own: that of all shards of one job is the same."""
        told = self.manifest.settings
        shard = {name: value for name, value in told[SETTING].items() if name not in _OWN}
        settings = {**told, SETTING: shard}
        return replace(self.manifest, enrolments=(), tries=0, rejections={}, settings=settings)

    def is_of_job(self, other: _Part) -> bool:
        """Say whether it is a part of the same job as another one."""
        is_alike = self.alike() == other.alike()
        return is_alike and all(self.bytes_of(name) == other.bytes_of(name) for name in (SECRET, ROSTER))

    def left(self) -> Sequence[str]:
        """Return the students whose documents are still missing."""
        return sorted(unfinished(self.folder))

    def bytes_of(self, name: str) -> bytes:
        """Return a file of the teacher's; nothing where it is not there."""
        path = self.folder / TEACHER / name
        return path.read_bytes() if path.is_file() else b""


@dataclass(frozen=True, slots=True)
class ShardedHomework:
    """The folders of all shards of one job in their order, and the job as a whole."""

    parts: Sequence[_Part]
    job: Job
    remarks: Sequence[tuple[str, Message]] = ()

    @property
    def size(self) -> int:
        """How many students there are."""
        return len(self.job.manifest.enrolments)

    def joined(self, output: Path) -> Iterator[int]:
        """Write the shards into one folder, all or nothing, and yield with how many more students it is done."""
        with all_or_nothing() as write:
            yield from self._written(output, write)

    def digest(self, output: Path) -> str:
        """Return the SHA-256 of what stands in the folder."""
        return writing.digest(self.job, output)

    def results(self, output: Path) -> Sequence[Path]:
        """Return what was written."""
        return [output / "students", output / TEACHER]

    def _written(self, output: Path, write: Write) -> Iterator[int]:
        first, manifest = self.parts[0], self.job.manifest
        given, secret = ready(manifest), first.bytes_of(SECRET).decode().strip()
        files = teachers_files(given, enrolled(given, manifest.enrolments), manifest, secret, first.bytes_of(ROSTER))
        write_for_owners(files, output, write)
        for part in self.parts:
            own = Job.of(part.manifest)
            for unit in archives.units(own):
                names = dict.fromkeys(name for place in unit for name in archives.stored(own, place))
                write_for_owners({name: (part.folder / name).read_bytes() for name in names}, output, write)
                yield len(unit)
        has_forms = all((part.folder / fillable_forms.QUESTIONS).is_file() for part in self.parts)
        for _ in ended(self.job, output, has_forms, write, is_new=True):
            yield 0


def joinable(folders: Sequence[Path]) -> ShardedHomework | ShardedMarks:
    """Return the shards in some folders, of a homework or of its marks; raises `OutputError` as `fitted` does."""
    return mark_shards.fitted(folders) if any(map(mark_shards.is_shard, folders)) else fitted(folders)


def fitted(folders: Sequence[Path]) -> ShardedHomework:
    """Return the shards in some folders, in any order; raises `OutputError` where they are not all those of one job."""
    parts = sorted((_read(folder) for folder in folders), key=lambda part: part.number)
    check(parts)
    first = parts[0].manifest
    # All shards draw the same pool.
    counted = parts[:1] if ready(first).homework.pool else parts
    manifest = replace(
        first,
        settings={name: value for name, value in first.settings.items() if name != SETTING},
        enrolments=tuple(each for part in parts for each in part.manifest.enrolments),
        tries=sum(part.manifest.tries for part in counted),
        rejections=dict(sorted(sum((Counter(part.manifest.rejections) for part in counted), Counter[str]()).items())),
    )
    return ShardedHomework(parts, Job.of(manifest))


def _read(folder: Path) -> _Part:
    path = folder / TEACHER / MANIFEST
    if not path.is_file():
        raise OutputError(message("homework.not_given_out"), where=str(folder))
    part = _Part(folder, Manifest.read(path))
    if SETTING not in part.manifest.settings:
        raise OutputError(message("homework.whole_class"), where=str(folder))
    return part
