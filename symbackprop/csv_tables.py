"""CSV as learning systems and spreadsheets have it: any of the usual delimiters and a byte-order mark in, safe cells out."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from symbackprop.errors import ProblemError, nearest, unknown
from symbackprop.messages import message

_DELIMITERS = ",;\t|"
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?")
ENCODING_OPTION = "--encoding"
ENCODINGS = ("utf-8", "utf-16", "gb18030", "big5", "cp1252", "latin-1", "cp1250", "cp1251", "shift_jis", "euc-kr")
"""The encodings that a mistaken name is compared with; any that Python knows may be named."""
_LARGEST_FILE = 50_000_000
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""What the files of spreadsheet programs begin with: .xlsx and .ods, .xls."""
_DECLARED = re.compile(r'"?sep=([,;\t|])"?\s*(?:\n|$)', re.IGNORECASE)
"""The first line that some programs write to say what the delimiter is."""


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


def read_csv(path: Path, *, whole_rows: bool = False, encoding: str | None = None) -> Sheet:
    """Return the table in a file: comma, semicolon, tab or bar between its cells, in UTF-8, UTF-16 or Chinese GB 18030.

    `encoding` names another one, as Python calls it; where it is "" or a name, the user can name it by `ENCODING_OPTION`.
    Rows may be shorter than the header, unless `whole_rows` asks for all cells. Raises `ProblemError` for a file that
    cannot be read, has no header, or has a row of another length, `UnknownNameError` for an unknown encoding.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ProblemError(message("problem.unreadable", reason=error.strerror or ""), where=str(path)) from None
    if len(content) > _LARGEST_FILE:
        raise ProblemError(message("csv.large", limit=_LARGEST_FILE // 1_000_000), where=str(path))
    text = _decoded(content, path, encoding)
    declared = _DECLARED.match(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=declared[1] if declared else _delimiter(text))
    found: list[tuple[int, Mapping[str, str]]] = []
    columns: tuple[str, ...] = ()
    try:
        for row in reader:
            if not any(cell.strip() for cell in row) or (declared and reader.line_num == 1):
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


def _decoded(content: bytes, path: Path, named: str | None) -> str:
    if content.startswith(_WORKBOOKS):
        raise ProblemError(message("csv.workbook"), where=str(path))
    if named:
        return _as_named(content, path, named)
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
        offset = content.index(b"\0") if "\0" in text else None  # UTF-16 without its mark.
    except UnicodeDecodeError as error:
        chinese = _chinese(content)
        if chinese is not None:
            return chinese
        offset = error.start
    if offset is None:
        return text
    id = "csv.encoding" if named is None else "csv.encoding_option"
    raise ProblemError(message(id, offset=offset, option=ENCODING_OPTION), where=str(path))


def _as_named(content: bytes, path: Path, encoding: str) -> str:
    """Return a text in the encoding that the user names; its mark, if it has one, is none of it."""
    try:
        if not codecs.lookup(encoding)._is_text_encoding:
            raise LookupError
        return content.decode(encoding).removeprefix("\ufeff")
    except LookupError:
        raise unknown("encoding", encoding, ENCODINGS, where=ENCODING_OPTION) from None
    except UnicodeError as error:
        offset = getattr(error, "start", 0)
        what = message("csv.encoding_named", encoding=encoding, offset=offset)
        raise ProblemError(what, where=str(path)) from None


def _chinese(content: bytes) -> str | None:
    """Return a text in GB 18030, as spreadsheets in China write it, or None where it is hardly one.

    Nearly any bytes are characters of GB 18030. Those of a real text are ideographs and wide signs, and most of them
    common ones, which are in GB 2312.
    """
    try:
        text = content.decode("gb18030")
    except UnicodeDecodeError:
        return None
    signs = [character for character in text if not character.isascii()]
    if any(unicodedata.east_asian_width(sign) not in "WFA" for sign in signs):
        return None
    common = sum(bool(sign.encode("gb2312", "ignore")) for sign in signs)
    return text if 2 * common > len(signs) else None


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
