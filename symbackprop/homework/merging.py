"""Shards joined: the folder that one run over the whole class would have written, byte by byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from symbackprop.errors import OutputError
from symbackprop.homework import archives, fillable_forms
from symbackprop.homework.distribution import Job, enrolled, ready
from symbackprop.homework.enrolment import SECRET, TEACHER, teachers_files, unfinished
from symbackprop.homework.manifest import MANIFEST, ROSTER, Manifest
from symbackprop.homework.shards import SETTING
from symbackprop.homework.writing import Write, ended, write_for_owners
from symbackprop.messages import message, some

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

    def bytes_of(self, name: str) -> bytes:
        """Return a file of the teacher's; nothing where it is not there."""
        path = self.folder / TEACHER / name
        return path.read_bytes() if path.is_file() else b""


@dataclass(frozen=True, slots=True)
class ShardedHomework:
    """The folders of all shards of one job in their order, and the job as a whole."""

    parts: Sequence[_Part]
    job: Job

    @property
    def size(self) -> int:
        """How many students there are."""
        return len(self.job.manifest.enrolments)

    def written(self, output: Path, write: Write) -> Iterator[int]:
        """Write the shards into one folder, and yield with how many more students it is done."""
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


def fitted(folders: Sequence[Path]) -> ShardedHomework:
    """Return the shards in some folders, in any order; raises `OutputError` where they are not all those of one job."""
    parts = sorted((_read(folder) for folder in folders), key=lambda part: part.number)
    _check(parts)
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


def _check(parts: Sequence[_Part]) -> None:
    """Raise `OutputError` where folders are not the shards of one job, each once."""
    first = parts[0]
    for part in parts[1:]:
        is_alike = part.alike() == first.alike()
        if not (is_alike and all(part.bytes_of(name) == first.bytes_of(name) for name in (SECRET, ROSTER))):
            raise OutputError(message("homework.other_job", other=str(first.folder)), where=str(part.folder))
    for part in parts:
        other = next(other for other in parts if other.number == part.number)
        if other is not part:
            what = message("homework.twin_shards", number=part.number, other=str(other.folder))
            raise OutputError(what, where=str(part.folder))
        left = sorted(unfinished(part.folder))
        if left:
            what = message("homework.unfinished_shard", count=len(left), students=some(left))
            raise OutputError(what, where=str(part.folder))
    missing = sorted({*range(1, first.of + 1)} - {part.number for part in parts})
    if missing:
        shards = some([f"{number}/{first.of}" for number in missing])
        raise OutputError(message("homework.missing_shards", count=len(missing), shards=shards))
