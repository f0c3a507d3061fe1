"""A teacher's corrections of marks, in a TOML file: an answer excused, a value accepted, points added, a total changed.

```toml
[[override]]
answer = "z1_2"          # an answer id; left out: every answer
student = "s17"          # left out: every student
excuse = true            # full points, whatever was answered; false: none
# or: accept = "0.61"    # full points for this value
# or: points = -0.5      # added to what the answer earned
# or: total = -3         # added to the total, without an answer: a late penalty, a bonus
# or: factor = 0.8       # what the total is multiplied by
reason = "misprint on the sheet"
```
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from symbackprop.by_hand.answer_parsing import read
from symbackprop.errors import ProblemError, unknown
from symbackprop.homework.assignments.points import earned
from symbackprop.homework.marks.marking import Mark, MarkVerdict
from symbackprop.homework.marks.packed_marks import PackedMarks
from symbackprop.messages import message

_KEYS: Mapping[str, tuple[str, tuple[type, ...]]] = {
    "student": ("text", (str, int)),
    "answer": ("text", (str,)),
    "excuse": ("boolean", (bool,)),
    "accept": ("number", (str, int, Decimal)),
    "points": ("number", (int, Decimal)),
    "total": ("number", (int, Decimal)),
    "factor": ("number", (int, Decimal)),
    "copied": ("boolean", (bool,)),
    "reason": ("text", (str,)),
}
"""The keys of a correction: what is expected (a phrase of `kind`) and the types that TOML has for it."""
CHANGED = "mark.overridden"
"""The remark at a mark that was corrected."""
_ACTIONS = ("excuse", "accept", "points", "total", "factor", "copied")
_OF_TOTALS = ("total", "factor")
"""What changes the whole, not an answer."""
_LARGEST_EXPONENT = 400


@dataclass(frozen=True, slots=True)
class Override:
    """One correction; None stands for every student, every answer."""

    student: str | None
    answer: str | None
    excuse: bool
    accept: str | None
    points: Fraction | None
    reason: str
    copied: bool | None = None
    total: Fraction | None = None
    factor: Fraction | None = None

    @property
    def gives_marks(self) -> bool:
        """Whether a student who handed nothing in has marks by it."""
        return self.student is not None and (self.excuse or self.points is not None or self.total is not None)

    def changed(self, total: Fraction) -> Fraction:
        """Return a total after the correction, in whole hundredths; it is not below 0."""
        if self.factor is not None:
            return earned(total, self.factor)
        return max(earned(total + (self.total or 0), Fraction(1)), Fraction(0))

    def applies(self, student: str, mark: Mark) -> bool:
        """Say whether the correction is about a mark."""
        is_action = self.excuse or self.accept is not None or self.points is not None
        is_meant = is_action and self.student in (None, student) and self.answer in (None, mark.answer.id)
        return is_meant and (self.accept is None or _same(self.accept, mark.text))

    def applied(self, mark: Mark) -> Mark:
        """Return the corrected mark; points stay between 0 and the most that the answer can earn."""
        said = message(CHANGED, reason=self.reason or "–")
        if self.points is not None:
            points = min(max(mark.points + self.points, Fraction(0)), mark.most)
            return replace(mark, points=points, said=said)
        verdict = MarkVerdict.CORRECT if self.accept is not None else mark.verdict
        return replace(mark, verdict=verdict, points=mark.most, said=said)


def read_overrides(
    path: Path, students: Collection[str], answers: Mapping[str, str], handed_in: Collection[str] | None
) -> tuple[Override, ...]:
    """Return the corrections in a file; `answers` maps accepted names to answer ids, `handed_in` are the answers handed in.

    None stands for answers of whom nobody asks whether they accept a value: that was asked before.

    Raises `ProblemError` or `UnknownNameError`, naming file and entry, for what cannot be used.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8-sig"), parse_float=Decimal)
    except OSError as error:
        raise ProblemError(message("problem.unreadable", reason=error.strerror or ""), where=str(path)) from None
    except UnicodeDecodeError as error:
        raise ProblemError(message("problem.encoding", offset=error.start), where=str(path)) from None
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise ProblemError(message("problem.toml", reason=str(error)), where=str(path)) from None
    for key in content:
        if key != "override":
            raise unknown("key", key, ("override",), where=str(path))
    entries = content.get("override", [])
    if not isinstance(entries, list):
        raise ProblemError(message("problem.kind", expected=message("kind.list")), where=f"{path}: override")
    found = tuple(_override(entry, f"{path}: override[{n}]", students, answers) for n, entry in enumerate(entries))
    for n, each in enumerate(found):
        if handed_in is not None and each.accept is not None and not _is_acceptable(each.accept, handed_in):
            what = message("homework.not_accepted", value=each.accept)
            raise ProblemError(what, where=f"{path}: override[{n}].accept")
    return found


def _override(entry: Any, where: str, students: Collection[str], answers: Mapping[str, str]) -> Override:
    if not isinstance(entry, dict):
        raise ProblemError(message("problem.kind", expected=message("kind.table")), where=where)
    for key in entry:
        if key not in _KEYS:
            raise unknown("key", key, _KEYS, where=where)
        kind, types = _KEYS[key]
        # In Python, true and false are whole numbers too.
        if not isinstance(entry[key], types) or isinstance(entry[key], bool) is not (types == (bool,)):
            raise ProblemError(message("problem.kind", expected=message(f"kind.{kind}")), where=f"{where}.{key}")
    asked = [action for action in _ACTIONS if action in entry]
    if len(asked) != 1:
        raise ProblemError(message("homework.one_action"), where=where, valid=_ACTIONS)
    student, answer = entry.get("student"), entry.get("answer")
    if student is not None and str(student) not in students:
        raise unknown("student", str(student), students, where=f"{where}.student")
    if answer is not None and answer not in answers:
        raise unknown("answer", answer, answers, where=f"{where}.answer")
    if "copied" in entry and (student is None or answer is not None):
        raise ProblemError(message("homework.copied_student"), where=f"{where}.copied")
    points, total, factor = (_fraction(entry, key, where) for key in ("points", *_OF_TOTALS))
    for key in _OF_TOTALS:
        if key in entry and answer is not None:
            raise ProblemError(message("homework.total_answer", name=key), where=f"{where}.{key}")
    if points is not None and answer is None:
        raise ProblemError(message("homework.points_answer"), where=f"{where}.points")
    if factor is not None and factor < 0:
        raise ProblemError(message("problem.bound", relation="≥", limit=0), where=f"{where}.factor")
    return Override(
        None if student is None else str(student),
        None if answer is None else answers[answer],
        entry.get("excuse", False),
        None if entry.get("accept") is None else str(entry["accept"]),
        points,
        entry.get("reason", ""),
        entry.get("copied"),
        total,
        factor,
    )


def _fraction(entry: Mapping[str, Any], key: str, where: str) -> Fraction | None:
    """Return a number of an entry; raises `ProblemError` for one that is infinite, or as good as that."""
    value = entry.get(key)
    if isinstance(value, Decimal) and not (value.is_finite() and abs(value.adjusted()) <= _LARGEST_EXPONENT):
        raise ProblemError(message("problem.finite", value=str(value)), where=f"{where}.{key}")
    return None if value is None else Fraction(value)


def _is_acceptable(accepted: str, handed_in: Collection[str]) -> bool:
    """Say whether a value is a number, or what somebody answered in words or letters."""
    return read(accepted, (), {}).number is not None or any(_same(accepted, text) for text in handed_in)


def _same(accepted: str, text: str) -> bool:
    left, right = read(accepted, (), {}), read(text, (), {})
    if left.number is not None:
        return left.number == right.number
    return " ".join(accepted.split()) == " ".join(text.split())


def corrected(
    marks: Mapping[str, Sequence[Mark]], overrides: Sequence[Override]
) -> tuple[Mapping[str, Sequence[Mark]], list[tuple[str, Mark, Mark]]]:
    """Return the corrected marks by student, and every mark that changed: student, before, after."""
    if not overrides:
        return marks, []
    new = PackedMarks.of(marks).changed(lambda student, own: [_corrected(student, mark, overrides) for mark in own])
    changes = [
        (student, before, after)
        for student, own in marks.items()
        for before, after in zip(own, new[student], strict=True)
        if (before.points, before.verdict) != (after.points, after.verdict)
    ]
    return new, changes


@dataclass(frozen=True, slots=True)
class ChangedTotal:
    """A total that was changed by hand: before, after, and why."""

    before: Fraction
    after: Fraction
    reason: str


def changed_totals(
    marks: Mapping[str, Sequence[Mark]], overrides: Sequence[Override]
) -> dict[str, tuple[ChangedTotal, ...]]:
    """Return, by student, what became of the total, one correction after the other in the order of the file."""
    found: dict[str, tuple[ChangedTotal, ...]] = {}
    if all(override.total is None and override.factor is None for override in overrides):
        return found
    for student, own in marks.items():
        total = sum((mark.points for mark in own), Fraction(0))
        changes: list[ChangedTotal] = []
        for override in overrides:
            if (override.total is None and override.factor is None) or override.student not in (None, student):
                continue
            changes.append(ChangedTotal(total, override.changed(total), override.reason))
            total = changes[-1].after
        if changes:
            found[student] = tuple(changes)
    return found


def idle(marks: Mapping[str, Sequence[Mark]], overrides: Sequence[Override]) -> list[int]:
    """Return the places in the file of corrections that are about no mark: nobody meant handed in, or answered so."""
    found = []
    for place, override in enumerate(overrides):
        if override.copied is not None or not (override.excuse or override.accept is not None or override.points):
            is_of_total = override.total is not None or override.factor is not None
            if is_of_total and override.student is not None and override.student not in marks:
                found.append(place)
            continue
        if not any(override.applies(student, mark) for student, own in marks.items() for mark in own):
            found.append(place)
    return found


def _corrected(student: str, mark: Mark, overrides: Sequence[Override]) -> Mark:
    for override in overrides:
        if override.applies(student, mark):
            mark = override.applied(mark)
    return mark
