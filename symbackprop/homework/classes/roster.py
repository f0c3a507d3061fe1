"""The class: students by id and name, as a list from a learning system has them, and their codes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import unicodedata
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from symbackprop.csv_tables import Sheet, read_csv
from symbackprop.errors import ProblemError
from symbackprop.homework.classes.gradebook_layouts import LISTS, columns_of, layout_of
from symbackprop.messages import Message, message

CODE_LENGTH = 10
_LONGEST_ID = 100
_OPTION = "--student-columns id=…,name=…"
_TEST_STUDENTS = ("student, test", "test student")
_HASH = "#"
"""What Brightspace writes before an id, so that spreadsheets leave it alone."""
_SHORTENED = re.compile(r"\d([.,]\d+)?E\+\d+", re.IGNORECASE)
"""A long number as spreadsheets show it, whose last digits are lost."""
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


@dataclass(frozen=True, slots=True)
class Student:
    """A student: id, name, and the roster's row with all its columns."""

    id: str
    name: str
    row: Mapping[str, str]


@dataclass(frozen=True)
class Roster:
    """A class in the order of its list; `columns` are the list's own, `remarks` say what was left out, and what guessed.

    `delimiter` and `has_bom` are those of the list as a table, for gradebooks that are to look like it; `content` are the
    bytes of its file, `encoding` the encoding that was named.
    """

    columns: tuple[str, ...]
    students: tuple[Student, ...]
    remarks: tuple[tuple[str, Message], ...] = ()
    delimiter: str = ","
    has_bom: bool = False
    content: bytes = b""
    encoding: str = ""


def read_roster(path: Path, columns: Mapping[str, str], encoding: str = "") -> Roster:
    """Return the class in a CSV file; `columns` names its columns for `id` and `name` where they have other names.

    Exports of learning systems are known by their columns. A list may do without names, but not without ids.
    A name may be made of several columns, `First name+Last name`; `encoding` is that of the file where it is not found out.
    A gradebook has rows that are no student's: those above the first student that have no id, and that of the learning
    system's test student. They are left out, with a remark; so are ids told of that a spreadsheet has shortened. Raises
    `ProblemError` for a missing column, any other row without an id, and an id that stands twice.
    """
    sheet = read_csv(path, encoding=encoding)
    columns = {**_usual(sheet), **columns}
    id_column = sheet.column(columns.get("id", "id"), _OPTION)
    name_columns = _parts(sheet, columns["name"]) if "name" in columns else []
    students: list[Student] = []
    nameless = (
        [] if name_columns or len(sheet.columns) < 2 else [(f"{path}:1", message("homework.no_names", option=_OPTION))]
    )
    skipped: list[tuple[str, Message]] = [] if sheet.guess is None else [(sheet.path, sheet.guess)]
    seen: dict[str, int] = {}
    is_list = any(row[id_column].strip() for _, row in sheet.rows)
    for line, row in sheet.rows:
        id, name = row[id_column].strip().removeprefix(_HASH), _joined([row[column].strip() for column in name_columns])
        is_test = name.lower() in _TEST_STUDENTS
        if is_test or (not id and is_list and not students):
            skipped.append((f"{sheet.path}:{line}", message("homework.row_skipped", name=name or "–")))
            continue
        _check_id(id, sheet, line, seen)
        if _SHORTENED.fullmatch(id):
            skipped.append((f"{sheet.path}:{line}", message("homework.shortened_id", id=id)))
        students.append(Student(id, name, row))
    if not students:
        raise ProblemError(message("homework.no_students"), where=str(path))
    content = path.read_bytes()
    has_bom = sheet.has_bom or not _is_utf8(content)
    return Roster(sheet.columns, tuple(students), (*skipped, *nameless), sheet.delimiter, has_bom, content, encoding)


def _usual(sheet: Sheet) -> dict[str, str]:
    """Return the columns for id and name by the layout of a learning system, or by their usual names."""
    layout = layout_of(sheet.columns) or LISTS
    people = [row for _, row in sheet.rows if not any(_is_nobody(cell) for cell in row.values())]
    full = {column for column in sheet.columns if all(row[column].strip() for row in people)}
    return columns_of(layout, sheet.columns, full)


def _is_nobody(cell: str) -> bool:
    return cell.strip().lower() in (*_TEST_STUDENTS, "points possible")


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _parts(sheet: Sheet, name: str) -> list[str]:
    """Return the columns that a name is made of: one, whatever its letters, or those joined by plus signs."""
    if any(column.lower() == name.lower() for column in sheet.columns):
        return [sheet.column(name, _OPTION)]
    return [sheet.column(part.strip(), _OPTION) for part in name.split("+")]


def _joined(parts: Sequence[str]) -> str:
    """Return the parts of a name as a name: with spaces between them, but for those in Chinese characters.

    >>> _joined(["Ada", "Lovelace"]), _joined(["王", "小明"]), _joined(["Ada", ""])
    ('Ada Lovelace', '王小明', 'Ada')
    """
    kept = [part for part in parts if part]
    is_chinese = all(unicodedata.name(character, "").startswith("CJK") for part in kept for character in part)
    return ("" if is_chinese else " ").join(kept)


def _check_id(id: str, sheet: Sheet, line: int, seen: dict[str, int]) -> None:
    where = f"{sheet.path}:{line}"
    if not id:
        raise ProblemError(message("homework.no_id"), where=where)
    if len(id) > _LONGEST_ID or not id.isprintable():
        raise ProblemError(message("homework.bad_id", limit=_LONGEST_ID), where=where)
    if id.lower() in seen:
        raise ProblemError(message("homework.twin_students", id=id, line=seen[id.lower()]), where=where)
    seen[id.lower()] = line


def numbered(count: int, digits: int = 0) -> Roster:
    """Return a class of `count` students without names, numbered from 1.

    `digits` are those of the numbers that an earlier, perhaps shorter class got, which its students keep.

    >>> [student.id for student in numbered(10).students][-2:], [student.id for student in numbered(10, 1).students][-2:]
    (['09', '10'], ['9', '10'])
    """
    width = digits or len(str(count))
    students = tuple(
        Student(id, "", {"id": id, "name": ""}) for id in (str(number).zfill(width) for number in range(1, count + 1))
    )
    return Roster(("id", "name"), students)


def file_name(id: str) -> str:
    """Return an id as a file name that no file system or shell takes for anything else.

    >>> file_name("../a b"), file_name("王五")
    ('%2E.%2Fa%20b', '王五')
    """
    name = "".join(c if c.isalnum() or c in "-_." else urllib.parse.quote(c, safe="") for c in id)
    if name.startswith((".", "-")) or name.endswith("."):
        name = f"%{ord(name[0]):02X}{name[1:]}"
        name = f"{name[:-1]}%2E" if name.endswith(".") else name
    return f"%{ord(name[0]):02X}{name[1:]}" if _RESERVED.fullmatch(name) else name


def code(secret: str, digest: str, student: str, attempt: int) -> str:
    """Return the code of a variant: ten characters that tell sheets apart and from which no key can be made.

    An HMAC-SHA-256 of problem, student and attempt under a secret that stays with the teacher.

    >>> len(code("secret", "0f", "s1", 1))
    10
    """
    text = json.dumps([digest, student, attempt])
    return base64.b32encode(hmac.digest(secret.encode(), text.encode(), hashlib.sha256)).decode()[:CODE_LENGTH]
