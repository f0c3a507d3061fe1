"""All pages of feedback in one archive, named as the learning system wants them back."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from symbackprop.homework.classes.columns import simple
from symbackprop.homework.classes.roster import file_name
from symbackprop.homework.handouts.manifest import Enrolment

ARCHIVE = "feedback.zip"
_MOODLE_FOLDER = re.compile(r"[^/]+_\d+_assignsubmission_[a-z]+_?")
_MOODLE_FILE = re.compile(r"([^/]+_\d+_assignsubmission_[a-z]+_)[^/]*")
_CANVAS_FILE = re.compile(r"([^/_]+(?:_LATE)?_\d+_\d+_[^/]*)\.[a-z]+", re.IGNORECASE)
_PARTICIPANT = re.compile(r"\D*(\d+)")
_PAGE = "feedback"
_LEVEL = 2
"""How hard an archive is compressed: harder takes two and a half times as long for a tenth less."""
_BEGINNING = (1980, 1, 1, 0, 0, 0)
"""The time of every file, so that the same marks make the same archive."""


def archive(
    folder: Path, names: Sequence[str], enrolments: Sequence[Enrolment], origins: Mapping[str, str]
) -> dict[str, Iterator[bytes]]:
    """Return the archive of the pages among the files of a folder, by its name and in pieces; {} where there are none.

    `origins` says, by student, under which path in a folder or archive the submission came. The pages go back under its
    name, as Moodle and Canvas have it, else under the name of Moodle's offline worksheet, if the roster is one, else by id.
    """
    suffixes: dict[str, list[str]] = {}
    for name in names:
        stem, _, suffix = name.rpartition(".")
        suffixes.setdefault(stem, []).append(suffix)
    pages = [
        (folder / f"{stem}.{suffix}", returned(each, origins.get(each.student.id, ""), suffix))
        for each in enrolments
        for stem in [f"feedback/{file_name(each.student.id)}"]
        for suffix in suffixes.get(stem, ())
    ]
    return {ARCHIVE: _zipped(pages)} if pages else {}


def _zipped(pages: Sequence[tuple[Path, str]]) -> Iterator[bytes]:
    """Yield the bytes of an archive as they are made: it may be larger than what can be held."""
    made = _Made()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for path, name in pages:
            entry = zipfile.ZipInfo(name, _BEGINNING)
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, path.read_bytes(), compresslevel=_LEVEL)
            yield made.taken()
    yield made.taken()


class _Made(io.RawIOBase):
    """A file that is only written to, and hands on what was written."""

    def __init__(self) -> None:
        self._content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self._content += content
        return len(content)

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        content = bytes(self._content)
        self._content.clear()
        return content


def returned(each: Enrolment, origin: str, suffix: str) -> str:
    """Return the path in the archive of a student's page."""
    parts = origin.split("/")
    folder = next((part for part in parts[:-1] if _MOODLE_FOLDER.fullmatch(part)), None)
    if folder is not None:
        return f"{folder}/{_PAGE}.{suffix}"
    if found := _MOODLE_FILE.fullmatch(parts[-1]):
        return f"{found[1]}{_PAGE}.{suffix}"
    if found := _CANVAS_FILE.fullmatch(parts[-1]):
        return f"{found[1]}.{suffix}"
    cells = {simple(column): cell for column, cell in each.student.row.items()}
    participant = _PARTICIPANT.fullmatch(cells.get("identifier", "").strip())
    if participant:
        name = re.sub(r"[_/\\:*?\"<>|\x00-\x1f]", " ", each.student.name).strip()
        return f"{name}_{participant[1]}_assignsubmission_file_/{_PAGE}.{suffix}"
    return f"{file_name(each.student.id)}.{suffix}"
