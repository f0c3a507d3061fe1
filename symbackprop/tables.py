"""CSV as learning systems and spreadsheets have it: any of the usual delimiters and a byte-order mark in, safe cells out."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from symbackprop.errors import ProblemError, message, nearest

_DELIMITERS = ",;\t|"
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?")
_LARGEST_FILE = 50_000_000


@dataclass(frozen=True)
class Sheet:
    """A table with a header: its columns in order and its rows, each with the number of the line it stands on."""

    path: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, Mapping[str, str]], ...]

    def column(self, name: str, option: str) -> str:
        """Return the column of that name, however its letters are cased; a missing one is an error that names `option`."""
        for column in self.columns:
            if column.strip().lower() == name.lower():
                return column
        what = message("csv.column", name=name, option=option)
        raise ProblemError(what, where=f"{self.path}:1", valid=self.columns, nearest=nearest(name, self.columns))


def read_csv(path: Path, *, whole_rows: bool = False) -> Sheet:
    """Return the table in a file: comma, semicolon, tab or bar between its cells, in UTF-8 or UTF-16.

    Rows may be shorter than the header, unless `whole_rows` asks for all cells. Raises `ProblemError` for a file that
    cannot be read, has no header, or has a row of another length.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ProblemError(message("problem.unreadable", reason=error.strerror or ""), where=str(path)) from None
    if len(content) > _LARGEST_FILE:
        raise ProblemError(message("csv.large", limit=_LARGEST_FILE // 1_000_000), where=str(path))
    try:
        encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ProblemError(message("problem.encoding", offset=error.start), where=str(path)) from None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    found: list[tuple[int, Mapping[str, str]]] = []
    columns: tuple[str, ...] = ()
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if not columns:
                columns = _header(row, path)
            elif any(cell.strip() for cell in row[len(columns) :]) or (whole_rows and len(row) < len(columns)):
                what = message("csv.row", found=len(row), expected=len(columns))
                raise ProblemError(what, where=f"{path}:{reader.line_num}")
            else:
                cells = [*row, *[""] * len(columns)]
                found.append((reader.line_num, dict(zip(columns, cells, strict=False))))
    except csv.Error as error:
        raise ProblemError(message("csv.format", reason=str(error)), where=f"{path}:{reader.line_num}") from None
    if not columns:
        raise ProblemError(message("csv.no_header"), where=str(path))
    return Sheet(str(path), columns, tuple(found))


def _delimiter(text: str) -> str:
    """Return the delimiter that is most frequent in the first line that is not empty, outside quotes."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    outside = re.sub(r'"[^"]*"', "", first)
    return max(_DELIMITERS, key=outside.count)


def _header(row: Sequence[str], path: Path) -> tuple[str, ...]:
    columns = tuple(cell.strip() for cell in row)
    for column in columns:
        if column and columns.count(column) > 1:
            raise ProblemError(message("csv.twin_columns", name=column), where=f"{path}:1")
    return columns


def write_csv(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    r"""Return a table as CSV text; a cell that a spreadsheet would take for a formula is quoted by an apostrophe.

    >>> write_csv(["value"], [["=cmd()"], ["-0.5"]])
    "value\n'=cmd()\n-0.5\n"
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_safe(cell) for cell in header])
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    return text.getvalue()


def _safe(cell: object) -> str:
    text = "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in str(cell))
    if text.lstrip()[:1] in ("=", "+", "-", "@", "\t", "\r", "|", "%") and not _PLAIN_NUMBER.fullmatch(text.strip()):
        return f"'{text}"
    return text
