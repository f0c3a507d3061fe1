"""What was handed in, as files: tables and forms, folders of them, and the archives that learning systems hand out."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from symbackprop import limits
from symbackprop.errors import OutputError, ProblemError, damaged
from symbackprop.homework.handouts.fillable_forms import FIELD
from symbackprop.messages import message
from symbackprop.rendering.typesetting import pdf_fields

_TABLES = (".csv", ".tsv", ".txt")
_FORM, _ARCHIVE = ".pdf", ".zip"
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class SubmittedFile:
    """A table that was handed in: how messages call it, its path in folder or archive ("": it was named alone), its bytes.

    Of a form it is the table that the form is filled in with, and None of a PDF that is no form.
    """

    where: str
    name: str
    content: bytes | None


def submitted(paths: Sequence[Path]) -> Iterator[SubmittedFile]:
    """Yield the tables and forms among files, in folders and in zip archives, in folders too, in the order of their names.

    Raises `ProblemError` for what cannot be read, for an archive that is
    larger inside than `limits.HANDED_IN_BYTES`, for a folder or an archive without tables and forms, and for a PDF that is
    no form and was named alone.
    """
    for path in paths:
        if path.is_dir():
            yield from _some(str(path), _in_folder(path))
        elif path.suffix.lower() == _ARCHIVE:
            yield from _some(str(path), _in_archive(str(path), _read(path)))
        elif path.suffix.lower() == _FORM:
            yield SubmittedFile(str(path), "", _named_alone(str(path), _read(path)))
        else:
            yield SubmittedFile(str(path), "", _read(path))


def _named_alone(where: str, content: bytes) -> bytes:
    try:
        table = _filled_in(pdf_fields.read(content))
    except OutputError as error:
        raise ProblemError(error.what, where=where) from None
    if table is None:
        raise ProblemError(message("homework.no_fields"), where=where)
    return table


def _beside_others(where: str, name: str, content: bytes) -> SubmittedFile:
    if not name.lower().endswith(_FORM):
        return SubmittedFile(where, name, content)
    with contextlib.suppress(OutputError):
        return SubmittedFile(where, name, _filled_in(pdf_fields.read(content)))
    return SubmittedFile(where, name, None)


def _filled_in(fields: Mapping[str, str]) -> bytes | None:
    """Return the table of what stands in the fields of a form; None where no field is one of ours."""
    rows = [(*name.split(FIELD, 1), value) for name, value in fields.items() if FIELD in name]
    if not rows:
        return None
    table = io.StringIO()
    csv.writer(table).writerows([("code", "answer", "value"), *rows])
    return table.getvalue().encode()


def _some(where: str, files: Iterator[SubmittedFile]) -> Iterator[SubmittedFile]:
    found = False
    for file in files:
        found = found or file.content is not None
        yield file
    if not found:
        raise ProblemError(message("homework.no_tables"), where=where)


def _in_folder(folder: Path) -> Iterator[SubmittedFile]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    for file in sorted(files, key=lambda file: _natural(str(file.relative_to(folder)))):
        name = file.relative_to(folder).as_posix()
        if file.suffix.lower() == _ARCHIVE:
            yield from _in_archive(str(file), _read(file))
        elif _is_submission(name):
            yield _beside_others(str(file), name, _read(file))


def _in_archive(where: str, content: bytes) -> Iterator[SubmittedFile]:
    with (
        damaged(lambda reason: message("homework.no_archive", reason=reason), where),
        zipfile.ZipFile(io.BytesIO(content)) as archive,
    ):
        members = [each for each in archive.infolist() if _is_submission(each.filename)]
        if sum(each.file_size for each in members) > limits.HANDED_IN_BYTES:
            raise ProblemError(message("csv.large", limit=limits.HANDED_IN_BYTES // 1_000_000), where=where)
        for member in sorted(members, key=lambda each: _natural(each.filename)):
            yield _beside_others(f"{where}:{member.filename}", member.filename, archive.read(member))


def _is_submission(name: str) -> bool:
    """Say whether a file is a table or a PDF, and none that a system put beside those (`__MACOSX`, `._a.csv`)."""
    parts = name.replace("\\", "/").split("/")
    return name.lower().endswith((*_TABLES, _FORM)) and not any(part.startswith((".", "__")) for part in parts)


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
