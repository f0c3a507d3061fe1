"""CSV as learning systems and spreadsheets have it: any of the usual delimiters and a byte-order mark in, safe cells out."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

from symbackprop.errors import ProblemError, damaged, nearest, unknown
from symbackprop.messages import Message, message

DELIMITERS = ";\t|,"
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?")
ENCODING_OPTION = "--encoding"
ENCODINGS = (
    "utf-8",
    "utf-16",
    "gb18030",
    "big5",
    "cp1252",
    "latin-1",
    "cp1250",
    "cp1251",
    "shift_jis",
    "euc-kr",
    "euc-jp",
)
"""The encodings that a mistaken name is compared with; any that Python knows may be named."""
_LARGEST_FILE = 50_000_000
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""What the files of spreadsheet programs begin with: .xlsx and .ods, .xls."""
_GZIP = b"\x1f\x8b"
"""What .gz files begin with, which are unpacked."""
_COMPRESSED = (_GZIP, b"BZh", b"\xfd7zXZ")
"""What compressed files begin with: .gz, .bz2, .xz."""
_DECLARED = re.compile(r'"?sep=([,;\t|])"?\s*(?:\n|$)', re.IGNORECASE)
"""The first line that some programs write to say what the delimiter is."""

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
"""A line with its end, whatever that is."""

NumberedRow = tuple[int, Mapping[str, str]]


@dataclass(frozen=True)
class Sheet:
    """A table with a header: its columns in order and its rows, each with the number of the line it stands on.

    `delimiter` stands between its cells, `has_bom` says that it begins with a byte-order mark, `guess` what is to be said
    of an encoding that was guessed, if it was.
    """

    path: str
    columns: tuple[str, ...]
    rows: Sequence[NumberedRow]
    delimiter: str = ","
    has_bom: bool = False
    guess: Message | None = None

    def column(self, name: str, option: str) -> str:
        """Return the column of that name, however its letters are cased.

        Raises `ProblemError`, which names `option`, for a name that no column has, or several have in other letters.
        """
        if name in self.columns:
            return name
        found = [column for column in self.columns if column.lower() == name.lower()]
        if len(found) == 1:
            return found[0]
        what = message("csv.columns_alike" if found else "csv.column", name=name, option=option)
        valid = found or self.columns
        raise ProblemError(what, where=f"{self.path}:1", valid=valid, nearest=None if found else nearest(name, valid))


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
    return table(content, str(path), whole_rows=whole_rows, encoding=encoding)


def table(
    content: bytes, path: str, *, whole_rows: bool = False, encoding: str | None = None, read_again: bool = False
) -> Sheet:
    """Return the table that the bytes of a file are (`read_csv`), unpacked first; `path` is what messages call it.

    The rows of a long table, held as they are, take ten times the room of the file: they are `read_again` where that is
    asked for, whenever somebody goes through them.
    """
    content = _unpacked(content, path)
    if len(content) > _LARGEST_FILE:
        raise ProblemError(message("csv.large", limit=_LARGEST_FILE // 1_000_000), where=path)
    text, guess = decoded(content, path, encoding)
    declared = _DECLARED.match(text)
    delimiter = declared[1] if declared else _delimiter(text)
    rows = _Rows(text, path, delimiter, whole_rows, bool(declared))
    return Sheet(path, rows.columns, rows if read_again else tuple(rows), delimiter, content.startswith(_BOMS), guess)


@dataclass(frozen=True)
class _Rows(Sequence[NumberedRow]):
    """The rows of a text, read from it when somebody goes through them; all of them can be read, or none are made.

    `is_declared` says that the first line names the delimiter.
    """

    text: str
    path: str
    delimiter: str
    whole: bool
    is_declared: bool
    columns: tuple[str, ...] = field(init=False)
    length: int = field(init=False)

    def __post_init__(self) -> None:
        lines = self._lines()
        object.__setattr__(self, "columns", next(lines)[1])
        object.__setattr__(self, "length", sum(1 for _ in lines))

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[NumberedRow]:
        for line, cells in itertools.islice(self._lines(), 1, None):
            yield line, dict(itertools.zip_longest(self.columns, cells[: len(self.columns)], fillvalue=""))

    @overload
    def __getitem__(self, place: int) -> NumberedRow: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[NumberedRow]: ...

    def __getitem__(self, place: int | slice) -> NumberedRow | Sequence[NumberedRow]:
        return tuple(self)[place]

    def _lines(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Yield the header, then the rows, each with the number of its line; raises `ProblemError` for what is no row."""
        # A file in memory would take four times the room of the text.
        reader = csv.reader((found[0] for found in _LINE.finditer(self.text)), delimiter=self.delimiter)
        columns: tuple[str, ...] = ()
        try:
            for row in reader:
                if not any(cell.strip() for cell in row) or (self.is_declared and reader.line_num == 1):
                    if self.whole and columns and len(row) > 1:
                        raise ProblemError(message("csv.empty_row"), where=f"{self.path}:{reader.line_num}")
                    continue
                if not columns:
                    columns = _header(row, self.path)
                    yield reader.line_num, columns
                    continue
                if any(cell.strip() for cell in row[len(columns) :]) or (self.whole and len(row) < len(columns)):
                    what = message("csv.row", found=len(row), expected=len(columns))
                    raise ProblemError(what, where=f"{self.path}:{reader.line_num}")
                yield reader.line_num, tuple(row)
        except csv.Error as error:
            what = message("csv.format", reason=str(error))
            raise ProblemError(what, where=f"{self.path}:{reader.line_num}") from None
        if not columns:
            raise ProblemError(message("csv.no_header"), where=self.path)


def _unpacked(content: bytes, path: str) -> bytes:
    """Return what a .gz file holds, no more of it than is looked at, and any other as it is."""
    if not content.startswith(_GZIP):
        return content
    with damaged(lambda reason: message("csv.damaged"), path), gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        return file.read(_LARGEST_FILE + 1)


_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decoded(content: bytes, path: str, named: str | None) -> tuple[str, Message | None]:
    """Return the text of a file, and what is to be said of its encoding where that was guessed; `named` as in `read_csv`."""
    for starts, id in ((_WORKBOOKS, "csv.workbook"), (_COMPRESSED, "csv.compressed")):
        if content.startswith(starts):
            raise ProblemError(message(id), where=path)
    if named:
        return _as_named(content, path, named), None
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
        offset = content.index(b"\0") if "\0" in text else None  # UTF-16 without its mark.
    except UnicodeDecodeError as error:
        return _guessed(content, path, named, error.start)
    if offset is None:
        return text, None
    id = "csv.encoding" if named is None else "csv.encoding_option"
    raise ProblemError(message(id, offset=offset, option=ENCODING_OPTION), where=path)


def _guessed(content: bytes, path: str, named: str | None, offset: int) -> tuple[str, Message]:
    """Return a text in GB 18030, as spreadsheets in China write it, where it reads well in that encoding only.

    What is wide open between several encodings, or reads well in another one, is an error that shows how each reads it.
    """
    found = {encoding: text for encoding in _GUESSES if (text := _reading(content, encoding)) is not None}
    if list(found) == [_CHINESE]:
        text = found[_CHINESE]
        return text, message("csv.guessed", encoding=_CHINESE, sample=_sample(text), option=ENCODING_OPTION)
    id = "csv.encoding" if named is None else "csv.encoding_option"
    what = message(id, offset=offset, option=ENCODING_OPTION)
    if found:
        shown = [message("csv.reading", encoding=encoding, sample=_sample(text)) for encoding, text in found.items()]
        what = message("csv.readings", what=what, readings=shown)
    raise ProblemError(what, where=path)


def _as_named(content: bytes, path: str, encoding: str) -> str:
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
        raise ProblemError(what, where=path) from None


def _reading(content: bytes, encoding: str) -> str | None:
    """Return a text in an encoding if it reads well in it, None where it hardly is one.

    Nearly any bytes are characters of every encoding of this kind. Those of a real text are the common ones.
    """
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return None
    return text if _GUESSES[encoding](text) else None


def _foreign(text: str) -> Iterator[str]:
    return (character for character in text if not character.isascii())


def _is_chinese(text: str) -> bool:
    """Say whether all signs are ideographs and other wide ones, most of them in GB 2312, which has the common ones."""
    signs = list(_foreign(text))
    if any(unicodedata.east_asian_width(sign) not in "WFA" for sign in signs):
        return False
    return 2 * sum(bool(sign.encode("gb2312", "ignore")) for sign in signs) > len(signs)


def _is_korean(text: str) -> bool:
    return all("\uac00" <= sign <= "\ud7a3" for sign in _foreign(text))


def _is_japanese(text: str) -> bool:
    """Say whether all signs are kana or kanji of the first level, which has the common ones."""
    return all(sign.encode("euc-jp")[0] <= _LAST_OF_FIRST_LEVEL for sign in _foreign(text))


def _is_cyrillic(text: str) -> bool:
    return all(unicodedata.name(sign, "").startswith("CYRILLIC") for sign in _foreign(text))


def _is_latin(text: str) -> bool:
    """Say whether all signs are letters with accents inside words of plain ones."""
    return all(
        match[0].isalpha() and (match[0][:1].isascii() or match[0][-1:].isascii())
        for match in re.finditer(r"[A-Za-z]?[^\x00-\x7f]+[A-Za-z]?", text)
    )


_LAST_OF_FIRST_LEVEL = 0xCF
_CHINESE = "gb18030"
_GUESSES: Mapping[str, Callable[[str], bool]] = {
    _CHINESE: _is_chinese,
    "euc-kr": _is_korean,
    "euc-jp": _is_japanese,
    "cp1251": _is_cyrillic,
    "cp1252": _is_latin,
}
"""Encodings that one may be taken for another, with how a text in each looks."""


def _sample(text: str) -> str:
    """Return a cell with a sign that is none of ASCII, if possible below the header."""
    first, _, rest = text.strip().partition("\n")
    found = _FOREIGN_CELL.search(rest) or _FOREIGN_CELL.search(first)
    return "" if found is None else found[0].strip()[:30]


_FOREIGN_CELL = re.compile(r'[^,;\t|"\r\n]*[^\x00-\x7f][^,;\t|"\r\n]*')


def _delimiter(text: str) -> str:
    """Return the delimiter that is most frequent in the first line that is not empty, outside quotes; a comma for none."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    outside = re.sub(r'"[^"]*"', "", first)
    found = max(DELIMITERS, key=outside.count)
    return found if found in outside else ","


def _header(row: Sequence[str], path: str) -> tuple[str, ...]:
    columns = tuple(cell.strip() for cell in row)
    for column in columns:
        if column and columns.count(column) > 1:
            raise ProblemError(message("csv.twin_columns", name=column), where=f"{path}:1")
    return columns


def write_csv(
    header: Iterable[str], rows: Iterable[Iterable[object]], *, delimiter: str = ",", bom: bool = False
) -> str:
    r"""Return a table as CSV text; a cell that a spreadsheet would take for a formula is quoted by an apostrophe.

    `bom` puts a byte-order mark in front, by which spreadsheets know UTF-8.

    >>> write_csv(["value"], [["=cmd()"], ["-0.5"], ["-"]])
    "value\n'=cmd()\n-0.5\n-\n"
    """
    return "".join(("\ufeff" * bom, *csv_lines((header,), delimiter), *csv_lines(rows, delimiter)))


def csv_lines(rows: Iterable[Iterable[object]], delimiter: str = ",") -> Iterator[str]:
    """Yield the lines of a table as `write_csv` has them, one by one: for tables that are too large to be held."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", delimiter=delimiter)
    for row in rows:
        writer.writerow([_safe(cell) for cell in row])
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def _safe(cell: object) -> str:
    text = str(cell)
    if not text.isprintable():
        text = "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)
    is_alone = len(text) == 1 and text in "-+"  # the sign of a missing grade is no formula
    if text.lstrip()[:1] in _STARTS and not is_alone and not _PLAIN_NUMBER.fullmatch(text.strip()):
        return f"'{text}"
    return text


_STARTS = ("=", "+", "-", "@", "\t", "\r", "|", "%")
"""What spreadsheets take for the beginning of a formula."""
