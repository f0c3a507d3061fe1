"""Submissions: what students handed in, one row per answer or one row per student."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from symbackprop.csv_tables import read_csv
from symbackprop.errors import ProblemError, nearest
from symbackprop.messages import Message, message

STUDENT = "student"
"""The column of the ids."""
_LISTED = 8
"""Ids that a remark names; how many there are it says anyway."""


@dataclass
class Submissions:
    """The texts by student and answer id, the codes by student, and what was found odd, by line."""

    texts: dict[str, dict[str, str]] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    remarks: list[tuple[str, Message]] = field(default_factory=list)


class _Class:
    """The ids of a class, found as people and spreadsheets write them: in any case, without leading zeros."""

    def __init__(self, ids: Iterable[str]) -> None:
        self.exact = {_plain(id): id for id in ids}
        self.shortened: dict[str, list[str]] = {}
        for id in self.exact.values():
            self.shortened.setdefault(_plain(id).lstrip("0"), []).append(id)
        self.completed: dict[str, str] = {}

    def find(self, text: str) -> tuple[str | None, Message | None]:
        """Return the student that a text stands for, if any, and what is odd about that.

        Spreadsheets turn 00123 into 123. Such an id is that of the one student whom it can be; where it can be several,
        only one who is called exactly so is meant.
        """
        plain = _plain(text)
        alike = self.shortened.get(plain.lstrip("0"), []) if plain.isdecimal() else []
        exact = self.exact.get(plain)
        if exact is not None:
            others = [id for id in alike if id != exact]
            return exact, message("homework.maybe_other", id=exact, others=others) if others else None
        if len(alike) == 1:
            self.completed[text.strip()] = alike[0]
            return alike[0], None
        if alike:
            return None, message("homework.ambiguous_student", name=text.strip(), students=alike)
        return None, message("homework.unknown_student", name=text.strip())

    def remark(self) -> Message | None:
        """Return which ids were completed by their zeros, if any were."""
        pairs: list[object] = [message("homework.completed_id", found=f, id=id) for f, id in self.completed.items()]
        if not pairs:
            return None
        return message("homework.zeros", count=len(pairs), pairs=[*pairs[:_LISTED], *["…"] * (len(pairs) > _LISTED)])


def _plain(id: str) -> str:
    return unicodedata.normalize("NFKC", id).strip().lower()


def read_submissions(
    path: Path, students: Iterable[str], answers: Mapping[str, str], encoding: str = ""
) -> Submissions:
    """Return what is in a CSV file; `students` are the ids of the class, `answers` maps names to answer ids.

    Rows of unknown students and answers are left out and remarked on; of two rows for one answer the later counts. An id
    that lacks its leading zeros is completed, and remarked on. `encoding` is that of the file where it is not found out.
    Raises `ProblemError` for a file without a column of students or of answers.
    """
    sheet = read_csv(path, encoding=encoding)
    if all(column.lower() != STUDENT for column in sheet.columns):
        what = message("homework.no_student", name=STUDENT)
        raise ProblemError(what, where=f"{path}:1", valid=sheet.columns, nearest=nearest(STUDENT, sheet.columns))
    student = sheet.column(STUDENT, STUDENT)
    found, known = Submissions(), _Class(students)
    if sheet.guess is not None:
        found.remarks.append((str(path), sheet.guess))
    lower = {column.lower(): column for column in sheet.columns}
    code = lower.get("code")
    if "answer" in lower and "value" in lower:
        texts = [{row[lower["answer"]]: row[lower["value"]]} for _, row in sheet.rows]
    else:
        columns = [column for column in sheet.columns if column in answers]
        if not columns:
            what = message("homework.no_answers")
            raise ProblemError(what, where=f"{path}:1", valid=("student,answer,value", "student,…"))
        for column in sheet.columns:
            if column and column not in (student, code, *columns):
                found.remarks.append((f"{path}:1", message("homework.column_ignored", name=column)))
        texts = [{column: row[column] for column in columns} for _, row in sheet.rows]
    told: list[Message] = []
    for (line, row), own in zip(sheet.rows, texts, strict=True):
        id, odd = known.find(row[student])
        if odd is not None and odd not in told:
            told.append(odd)
            found.remarks.append((f"{path}:{line}", odd))
        if id is not None:
            _take(found, f"{path}:{line}", id, own, answers)
            if code and row[code].strip():
                found.codes[id] = row[code].strip()
    completed = known.remark()
    if completed is not None:
        found.remarks.append((str(path), completed))
    return found


def _take(found: Submissions, where: str, id: str, texts: Mapping[str, str], answers: Mapping[str, str]) -> None:
    own = found.texts.setdefault(id, {})
    for name, text in texts.items():
        answer = answers.get(name.strip())
        if answer is None:
            close = nearest(name, answers)
            found.remarks.append((where, message("homework.unknown_answer", name=name.strip(), nearest=close or "–")))
            continue
        if own.get(answer, "").strip() and own[answer].strip() != text.strip():
            found.remarks.append((where, message("homework.twice", student=id, answer=answer)))
        own[answer] = text
