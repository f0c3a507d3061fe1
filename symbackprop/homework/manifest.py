"""The teacher's folder: what was given out, as plain data, so that marking needs nothing else.

`manifest.json` holds the problem with all its numbers, seed, settings, and for each student code, attempt and the positions
of what was drawn; `answers.json` and `answers.csv` the key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy

from symbackprop.csv_tables import write_csv
from symbackprop.errors import ProblemError
from symbackprop.homework.roster import Student
from symbackprop.homework.variants import Cohort, HomeworkAssignment, assignment
from symbackprop.messages import message
from symbackprop.problems import Problem, Rounding, load

MANIFEST, ANSWERS, ROSTER = "manifest.json", "answers.json", "roster.csv"
FORMAT = 1
"""The version of the manifest's own form."""
_DIGITS = 12
"""Digits of a number in a file: fewer than a float has, so that they are the same on every machine."""


@dataclass(frozen=True)
class Enrolment:
    """A student with what was drawn for them."""

    student: Student
    code: str
    attempt: int
    positions: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Manifest:
    """What was given out; `settings` are those of the documents (language, formats, …).

    `delimiter` and `has_bom` are those of the roster, for the gradebook.
    """

    name: str
    content: Mapping[str, Any]
    digest: str
    seed: int
    settings: Mapping[str, Any]
    columns: tuple[str, ...]
    enrolments: tuple[Enrolment, ...]
    tries: int
    rejections: Mapping[str, int]
    delimiter: str = ","
    has_bom: bool = False

    def assignment(self) -> HomeworkAssignment:
        """Return the assignment; raises `ProblemError` where this version would mark other numbers than were given out."""
        found = assignment(load.problem(self.content, name=self.name))
        if found.digest != self.digest:
            raise ProblemError(message("homework.other_version"), where=MANIFEST)
        return found

    def text(self) -> str:
        """Return the manifest as JSON."""
        return _json({"format": FORMAT, **asdict(self)}) + "\n"

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Return the manifest in a file; raises `ProblemError` for what is none."""
        try:
            return cls.of(path.read_text("utf-8"))
        except OSError as error:
            raise ProblemError(message("problem.unreadable", reason=error.strerror or ""), where=str(path)) from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ProblemError(message("homework.no_manifest"), where=str(path)) from None

    @classmethod
    def of(cls, text: str) -> Manifest:
        """Return the manifest that JSON describes."""
        content = json.loads(text)
        if content.pop("format") != FORMAT:
            raise ProblemError(message("homework.other_version"), where=MANIFEST)
        enrolments = tuple(
            Enrolment(
                Student(**each["student"]),
                each["code"],
                each["attempt"],
                {name: tuple(positions) for name, positions in each["positions"].items()},
            )
            for each in content["enrolments"]
        )
        return cls(**{**content, "columns": tuple(content["columns"]), "enrolments": enrolments})


def inlined(content: Mapping[str, Any], problem: Problem) -> dict[str, Any]:
    """Return the content of a problem file as plain data, with the numbers of other files and of draws written in it."""
    plain = json.loads(_json(content))
    if problem.layers:
        arrays = {
            name: numpy.array([entry.text for entry in array.entries if entry is not None])
            .reshape(array.shape)
            .tolist()
            for name, array in problem.arrays.items()
            if None not in array.entries
        }
        plain["parameters"] = {name: value for name, value in arrays.items() if name not in ("x", "y")}
        plain["data"] = {name: value for name, value in arrays.items() if name in ("x", "y")}
    assert isinstance(plain, dict)
    return plain


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1, default=_spelled)


def _spelled(value: object) -> object:
    """Return a number that JSON does not know as the text that states it."""
    if isinstance(value, Decimal | Fraction):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def spelled(value: float) -> str:
    """Return a number as the answer files have it: twelve digits.

    >>> spelled(0.1 + 0.2)
    '0.3'
    """
    return format(value, f".{_DIGITS}g")


def answer_files(given: HomeworkAssignment, cohort: Cohort, codes: Sequence[str]) -> dict[str, str]:
    """Return the key as `answers.csv` and `answers.json`, one row for each student and answer in the order of the class."""
    header = ("student", "code", "answer", "value", "tolerance", "points")
    most = {id: format(float(points), ".6g") for id, points in given.most.items()}
    values = {answer.id: [spelled(value) for value in cohort.values[answer.key].tolist()] for answer in given.answers}
    allowed = {
        answer.id: [format(value, ".3g") for value in cohort.tolerances[answer.id].tolist()] for answer in given.answers
    }
    rows = [
        (student, codes[place], answer.id, values[answer.id][place], allowed[answer.id][place], most[answer.id])
        for place, student in enumerate(cohort.students)
        for answer in given.answers
    ]
    data = {
        "answers": [
            {"id": answer.id, "aliases": answer.aliases, "ask": answer.group, "points": most[answer.id]}
            for answer in given.answers
        ],
        "students": {
            student: {
                answer.id: {"value": values[answer.id][p], "tolerance": allowed[answer.id][p]}
                for answer in given.answers
            }
            for p, student in enumerate(cohort.students)
        },
    }
    return {"answers.csv": write_csv(header, rows), ANSWERS: _json(data) + "\n"}


def printed(value: float, rounding: Rounding) -> str:
    """Return a number rounded as the contract asks, for a sheet or a report.

    >>> printed(0.5, Rounding(4, significant=True)), printed(2 / 3, Rounding(2, significant=False))
    ('0.5000', '0.67')
    """
    return (
        format(value, f"#.{rounding.digits}g").rstrip(".") if rounding.significant else f"{value:.{rounding.digits}f}"
    )
