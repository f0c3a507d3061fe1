"""Submissions: what students handed in, one row per answer or one row per student."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from symbackprop.errors import Message, ProblemError, message, nearest
from symbackprop.tables import Sheet, read_csv


@dataclass
class Submissions:
    """The texts by student and answer id, the codes by student, and what was found odd, by line."""

    texts: dict[str, dict[str, str]] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    remarks: list[tuple[str, Message]] = field(default_factory=list)


def read_submissions(path: Path, students: Mapping[str, str], answers: Mapping[str, str]) -> Submissions:
    """Return what is in a CSV file; `students` maps ids in small letters to ids, `answers` names to answer ids.

    Rows of unknown students and answers are left out and remarked on; of two rows for one answer the later counts. Raises
    `ProblemError` for a file without a column of students or of answers.
    """
    sheet = read_csv(path)
    student = sheet.column("student", "student")
    found = Submissions()
    lower = {column.lower(): column for column in sheet.columns}
    code = lower.get("code")
    if "answer" in lower and "value" in lower:
        for line, row in sheet.rows:
            _take(found, sheet, line, row[student], {row[lower["answer"]]: row[lower["value"]]}, students, answers)
            _take_code(found, row[student], row[code] if code else "", students)
        return found
    columns = [column for column in sheet.columns if column in answers]
    if not columns:
        what = message("homework.no_answers")
        raise ProblemError(what, where=f"{path}:1", valid=("student,answer,value", "student,…"))
    for column in sheet.columns:
        if column and column not in (student, code, *columns):
            found.remarks.append((f"{path}:1", message("homework.column_ignored", name=column)))
    for line, row in sheet.rows:
        _take(found, sheet, line, row[student], {column: row[column] for column in columns}, students, answers)
        _take_code(found, row[student], row[code] if code else "", students)
    return found


def _take(
    found: Submissions,
    sheet: Sheet,
    line: int,
    student: str,
    texts: Mapping[str, str],
    students: Mapping[str, str],
    answers: Mapping[str, str],
) -> None:
    where = f"{sheet.path}:{line}"
    id = students.get(student.strip().lower())
    if id is None:
        remark = message("homework.unknown_student", name=student.strip())
        if (where, remark) not in found.remarks[-1:]:
            found.remarks.append((where, remark))
        return
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


def _take_code(found: Submissions, student: str, code: str, students: Mapping[str, str]) -> None:
    id = students.get(student.strip().lower())
    if id is not None and code.strip():
        found.codes[id] = code.strip()
