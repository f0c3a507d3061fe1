"""What was handed in, as files: tables, folders of them, and the archives that learning systems hand out."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from symbackprop import limits
from symbackprop.errors import ProblemError
from symbackprop.messages import message

_TABLES = (".csv", ".tsv", ".txt")
_ARCHIVE = ".zip"
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class SubmittedFile:
    """A file that was handed in: how messages call it, its path in folder or archive ("": it was named alone), its bytes."""

    where: str
    name: str
    content: bytes


def submitted(paths: Sequence[Path]) -> Iterator[SubmittedFile]:
    """Yield the tables among files, in folders and in zip archives, archives in folders too, in the order of their names.

    Raises `ProblemError` for what cannot be read, for an archive that is larger inside than `limits.HANDED_IN_BYTES`, and
    for a folder or an archive without tables.
    """
    for path in paths:
        if path.is_dir():
            yield from _some(str(path), _in_folder(path))
        elif path.suffix.lower() == _ARCHIVE:
            yield from _some(str(path), _in_archive(str(path), _read(path)))
        else:
            yield SubmittedFile(str(path), "", _read(path))


def _some(where: str, files: Iterator[SubmittedFile]) -> Iterator[SubmittedFile]:
    found = False
    for file in files:
        found = True
        yield file
    if not found:
        raise ProblemError(message("homework.no_tables"), where=where)


def _in_folder(folder: Path) -> Iterator[SubmittedFile]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    for file in sorted(files, key=lambda file: _natural(str(file.relative_to(folder)))):
        name = file.relative_to(folder).as_posix()
        if file.suffix.lower() == _ARCHIVE:
            yield from _in_archive(str(file), _read(file))
        elif _is_table(name):
            yield SubmittedFile(str(file), name, _read(file))


def _in_archive(where: str, content: bytes) -> Iterator[SubmittedFile]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [each for each in archive.infolist() if not each.is_dir() and _is_table(each.filename)]
            if sum(each.file_size for each in members) > limits.HANDED_IN_BYTES:
                raise ProblemError(message("csv.large", limit=limits.HANDED_IN_BYTES // 1_000_000), where=where)
            for member in sorted(members, key=lambda each: _natural(each.filename)):
                yield SubmittedFile(f"{where}:{member.filename}", member.filename, archive.read(member))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise ProblemError(message("homework.no_archive", reason=str(error)), where=where) from None


def _is_table(name: str) -> bool:
    """Say whether a file is a table that somebody saved, and none that a system put beside it (`__MACOSX`, `._a.csv`)."""
    parts = name.replace("\\", "/").split("/")
    return name.lower().endswith(_TABLES) and not any(part.startswith((".", "__")) for part in parts)


def _natural(name: str) -> list[tuple[int, str]]:
    """Return what names are sorted by: `a2` before `a10`."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _DIGITS.split(name)]


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > limits.HANDED_IN_BYTES:
            raise ProblemError(message("csv.large", limit=limits.HANDED_IN_BYTES // 1_000_000), where=str(path))
        return path.read_bytes()
    except OSError as error:
        raise ProblemError(message("problem.unreadable", reason=error.strerror or ""), where=str(path)) from None
