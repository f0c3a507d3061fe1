"""The documents of a large class, some hundred students in one archive, where each would be a file of a folder."""

from __future__ import annotations

import io
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from symbackprop.homework.handouts.distribution import Files, Job, paths

Gathered = tuple[Sequence[int], Files | None]

_BEGINNING = (1980, 1, 1, 0, 0, 0)
"""The time of every file, so that the same documents make the same archive."""


def stored(job: Job, place: int) -> list[str]:
    """Return the files of a folder that hold the documents of one student."""
    return sorted({_archive(job, place, path) for path in paths(job, place)}) if job.archive else paths(job, place)


def units(job: Job) -> Iterator[range]:
    """Yield the places of students whose documents are written together: of one, or of an archive."""
    count, size = len(job.manifest.enrolments), job.archive or 1
    yield from (range(start, min(start + size, count)) for start in range(0, count, size))


def gathered(job: Job, found: Iterable[Gathered]) -> Iterator[Gathered]:
    """Yield what is to be written, of documents that come in any order: as they are, or each archive when it is full."""
    if not job.archive:
        yield from found
        return
    waiting: dict[int, list[int]] = defaultdict(list)
    contents: dict[int, Files] = defaultdict(dict)
    whole = {unit.start // job.archive: len(unit) for unit in units(job)}
    for places, files in found:
        if files is None:
            yield places, None
            continue
        for place in places:
            block = place // job.archive
            waiting[block].append(place)
            contents[block] |= {path: files[path] for path in paths(job, place)}
            if len(waiting[block]) == whole[block]:
                own = sorted(waiting.pop(block))
                yield own, _packed(job, own, contents.pop(block))


def contents(job: Job, folder: Path, unit: Sequence[int]) -> Iterator[tuple[str, bytes]]:
    """Yield the documents of students that are written together, by path, as they stand in a folder."""
    if not job.archive:
        yield from ((path, (folder / path).read_bytes()) for place in unit for path in paths(job, place))
        return
    found: dict[str, bytes] = {}
    for name in stored(job, unit[0]):
        with zipfile.ZipFile(folder / name) as archive:
            kind = name.rpartition("/")[0]
            found |= {f"{kind}/{each}": archive.read(each) for each in archive.namelist()}
    yield from ((path, found[path]) for place in unit for path in paths(job, place))


def _archive(job: Job, place: int, path: str) -> str:
    number = (job.first + place) // job.archive + 1
    return f"{path.rpartition('/')[0]}/{number:04d}.zip"


def _packed(job: Job, places: Sequence[int], files: Mapping[str, str | bytes]) -> Files:
    """Return the archives of some students, by path; students in the order of the class."""
    by_archive: dict[str, list[str]] = defaultdict(list)
    for place in places:
        for path in paths(job, place):
            by_archive[_archive(job, place, path)].append(path)
    return {name: _zipped(own, files) for name, own in by_archive.items()}


def _zipped(names: Sequence[str], files: Mapping[str, str | bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in names:
            entry = zipfile.ZipInfo(path.rpartition("/")[2], _BEGINNING)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[path])
    return content.getvalue()
