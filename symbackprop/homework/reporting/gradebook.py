"""Gradebooks filled in place: the table as it came, byte for byte, but for the cells of the marks."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symbackprop.arithmetic.decimals import trimmed
from symbackprop.csv_tables import Sheet, decoded, table
from symbackprop.errors import ProblemError, nearest
from symbackprop.homework.classes.columns import USUAL_NAMES, simple
from symbackprop.homework.classes.gradebook_layouts import limit, title
from symbackprop.homework.receiving.identification import ClassList
from symbackprop.messages import Message, message, some

_DECIMAL = re.compile(r"-?\d+([.,])\d+")
_MAXIMUM = ("maximumgrade",)


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell of a table: where it stands in the text, its text, and whether it stands in quotes."""

    start: int
    end: int
    text: str
    is_quoted: bool


def filled(
    content: bytes,
    where: str,
    column: str,
    points: Mapping[str, Fraction],
    known: ClassList,
    *,
    most: Fraction,
    encoding: str = "",
) -> tuple[bytes, list[Message]]:
    """Return a gradebook with the points of students in a column, and what is to be said; `where` is what messages call it.

    Encoding, byte-order mark, delimiter, quotes, line ends, order and every other cell stay; points have a decimal comma
    where the table's own numbers have one. Rows of nobody who has points stay as they are. Raises `ProblemError` for a
    column that is not there.
    """
    sheet = table(content, where, encoding=encoding)
    text, _ = decoded(content, where, encoding)
    codec, mark = _codec(content, text, encoding, where)
    rows = list(_rows(text, sheet.delimiter))
    header = next(place for place, row in enumerate(rows) if sheet.columns == tuple(c.text.strip() for c in row))
    target = _target(sheet, column)
    place, ids = sheet.columns.index(target), sheet.columns.index(_id_column(sheet, known))
    comma = decimal_comma([cell.text for row in rows for cell in row], sheet.delimiter)
    edits: list[tuple[int, int, str]] = []
    done = set()
    for row in rows[header + 1 :]:
        id = known.find(row[ids].text)[0] if ids < len(row) else None
        if id is not None and id in points:
            done.add(id)
            edits.append(_edit(row, place, trimmed(points[id]), comma, sheet.delimiter))
    for start, end, new in reversed(edits):
        text = text[:start] + new + text[end:]
    missing = [id for id in points if id not in done]
    remarks = [message("homework.no_row", count=len(missing), students=some(missing))] if missing else []
    allowed = _limit(sheet, target)
    if allowed is not None and allowed != float(most):
        remarks.append(message("homework.other_most", name=target, found=trimmed(allowed), most=trimmed(most)))
    return mark + text.encode(codec), remarks


def decimal_comma(cells: Sequence[str], delimiter: str) -> bool:
    """Say whether numbers have a decimal comma: as the table's own have, else where semicolons stand between the cells."""
    signs = [found[1] for cell in cells if (found := _DECIMAL.fullmatch(cell.strip()))]
    if not signs:
        return delimiter == ";"
    return signs.count(",") > signs.count(".")


def _edit(row: Sequence[_Cell], place: int, text: str, comma: bool, delimiter: str) -> tuple[int, int, str]:
    """Return where a text changes, and to what, so that a cell has a number; a row may end before that cell."""
    text = text.replace(".", ",") if comma else text
    cell = row[place] if place < len(row) else None
    if delimiter in text or (cell is not None and cell.is_quoted):
        text = f'"{text}"'
    if cell is None:
        end = row[-1].end
        return end, end, delimiter * (place - len(row) + 1) + text
    return cell.start, cell.end, text


def _codec(content: bytes, text: str, encoding: str, where: str) -> tuple[str, bytes]:
    """Return the encoding in which a text has exactly these bytes, and the byte-order mark before them."""
    marks = (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (b"", ""),
    )
    mark, marked = next(row for row in marks if content.startswith(row[0]))
    for codec in (marked, encoding, "utf-8", "gb18030"):
        try:
            if codec and mark + text.encode(codec) == content:
                return codec, mark
        except UnicodeError:
            continue
    raise ProblemError(message("homework.not_exact"), where=where)


def _rows(text: str, delimiter: str) -> Iterator[list[_Cell]]:
    """Yield the rows of a table that have a cell, as the module csv reads them, each cell with its place in the text."""
    place, row = 0, list[_Cell]()
    while place < len(text):
        cell = _cell(text, place, delimiter)
        row.append(cell)
        place = cell.end
        if text[place : place + 1] == delimiter:
            place += 1
            if place < len(text):
                continue
            row.append(_Cell(place, place, "", False))
        yield row
        row = []
        place += 2 if text[place : place + 2] == "\r\n" else 1


def _cell(text: str, start: int, delimiter: str) -> _Cell:
    place, parts, is_quoted = start, list[str](), text[start : start + 1] == '"'
    if is_quoted:
        place += 1
        while place < len(text):
            quote = text.find('"', place)
            quote = len(text) if quote < 0 else quote
            parts.append(text[place:quote])
            place = quote + 1
            if text[place : place + 1] != '"':
                break
            parts.append('"')
            place += 1
        place = min(place, len(text))
    end = place
    while end < len(text) and text[end] not in (delimiter, "\r", "\n"):
        end += 1
    return _Cell(start, end, "".join(parts) + text[place:end], is_quoted)


def _target(sheet: Sheet, column: str) -> str:
    """Return the column that is meant: of that very name, else the one with that name but for what systems add to it."""
    for same in (str, str.casefold, title):
        found = [each for each in sheet.columns if each and same(each) == same(column)]
        if len(found) == 1:
            return found[0]
        if found:
            break
    what = message("csv.columns_alike" if found else "csv.column", name=column, option="--into")
    near = None if found else nearest(column, sheet.columns)
    raise ProblemError(what, where=f"{sheet.path}:1", valid=found or sheet.columns, nearest=near)


def _id_column(sheet: Sheet, known: ClassList) -> str:
    """Return the column in which most students of the class are found."""
    usual = [column for column in sheet.columns if simple(column) in USUAL_NAMES] or list(sheet.columns)

    def count(column: str) -> int:
        return sum(known.finds(row[column]) for _, row in sheet.rows if row[column].strip())

    best = max(usual, key=count)
    return best if count(best) else max(sheet.columns, key=count)


def _limit(sheet: Sheet, column: str) -> float | None:
    """Return the most points that a column takes, by its name, a row that says so, or a column beside it."""
    stated = limit(column)
    beside = [each for each in sheet.columns if simple(each) in _MAXIMUM or each == f"{column} - Max Points"]
    cells = [row[beside[0]] for _, row in sheet.rows] if beside else []
    cells += [row[column] for _, row in sheet.rows if any("points possible" in cell.lower() for cell in row.values())]
    for cell in cells:
        if stated is None and re.fullmatch(r"\d+(?:[.,]\d+)?", cell.strip()):
            stated = float(cell.strip().replace(",", "."))
    return stated
