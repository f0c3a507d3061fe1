"""The numbers of one paper: how they were typed, and within which digits they are what they should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symbackprop.algebra.formula import names
from symbackprop.by_hand.answer_parsing import ParsedAnswer, precision, read, value_of
from symbackprop.csv_tables import Sheet, read_csv
from symbackprop.errors import ProblemError, unknown
from symbackprop.messages import message

COLUMNS = ("answer", "value")
"""The columns of a table of numbers."""
_CLOSE = 1e-11
"""What float64 makes of exact numbers on the longest ways."""
SHARPEST = 0.1
"""A number tells a mistake only where its digits leave at most this share of it open."""


@dataclass(frozen=True, slots=True)
class Given:
    """A number as it was given: its answer id and key, the text, what was read, and half a unit of its last digit."""

    answer: str
    key: str
    text: str
    parsed: ParsedAnswer
    value: float | None
    half: float

    @property
    def is_number(self) -> bool:
        """Whether it was read as a number."""
        return self.value is not None

    def meets(self, expected: float, more: float = 0.0) -> bool:
        """Say whether the number is one, within the digits in which it is given and something `more`."""
        if self.value is None or not abs(expected) < float("inf"):
            return False
        close = _CLOSE * max(abs(expected), abs(self.value))
        return abs(self.value - expected) <= self.half * (1 + 1e-9) + close + more

    def tells(self, expected: float, usual: float, more: float = 0.0) -> bool:
        """Say whether the digits are enough to tell a number from the usual one, and it is that number."""
        apart = abs(expected - usual) > 2 * self.half + 1e-9 * abs(usual) + more
        return apart and self.half + more <= SHARPEST * abs(expected) and self.meets(expected, more)


def read_numbers(path: Path, encoding: str | None = None) -> dict[str, str]:
    """Return the numbers in a CSV file, as they were typed, by answer id: its columns `answer` and `value`.

    Raises `ProblemError` for a file that has no such columns, or one answer twice.
    """
    sheet = read_csv(path, encoding=encoding)
    answer, value = (_column(sheet, name) for name in COLUMNS)
    found: dict[str, str] = {}
    for line, row in sheet.rows:
        name = row.get(answer, "").strip()
        if name in found:
            raise ProblemError(message("diagnosis.twice", name=name), where=f"{sheet.path}:{line}")
        if name:
            found[name] = row.get(value, "")
    return found


def _column(sheet: Sheet, name: str) -> str:
    found = [column for column in sheet.columns if column.strip().lower() == name]
    if len(found) != 1:
        raise ProblemError(
            message("diagnosis.no_column", names=list(COLUMNS)), where=f"{sheet.path}:1", valid=sheet.columns
        )
    return found[0]


def given_answers(numbers: Mapping[str, Any], named: Mapping[str, str], values: Mapping[str, float]) -> list[Given]:
    """Return the numbers of a paper; texts are never evaluated.

    Raises `UnknownNameError` for an answer that the problem does not have.
    """
    found = []
    for name, number in numbers.items():
        if name not in named:
            raise unknown("answer", name, named)
        found.append(_read(name, named[name], _text(number), named, values))
    return found


def _text(number: object) -> str:
    if isinstance(number, str):
        return number
    return "" if number is None else repr(float(number))  # type: ignore[arg-type]


def _read(name: str, key: str, text: str, named: Mapping[str, str], values: Mapping[str, float]) -> Given:
    own = tuple(other for other, its in named.items() if its == key)
    parsed = read(text, own, {other: its for other, its in named.items() if its != key})
    value = None if parsed.formula is None else value_of(parsed.formula, values)
    is_decimal = parsed.formula is not None and not names(parsed.formula)
    return Given(name, key, text, parsed, value, precision(parsed) if is_decimal else 0.0)
