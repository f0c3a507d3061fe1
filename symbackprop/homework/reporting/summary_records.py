"""What a summary says of all students, found in one walk through their marks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from symbackprop.homework.marks.marking import Mark, first_wrong


@dataclass
class ClassRecord:
    """By student the total and the first wrong answer of each problem; by answer and verdict how many students."""

    totals: dict[str, Fraction] = field(default_factory=dict)
    first_wrong: dict[str, list[str]] = field(default_factory=dict)
    verdicts: Counter[tuple[str, str]] = field(default_factory=Counter)
    unread: dict[str, list[Mark]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        marks: Mapping[str, Sequence[Mark]],
        total: Callable[[str, Sequence[Mark]], Fraction],
        is_unread: Callable[[Mark], bool],
    ) -> ClassRecord:
        """Return what there is to say; `total` is that of a student with these marks, `is_unread` of what a person reads."""
        found = cls()
        for student, own in marks.items():
            found.totals[student] = total(student, own)
            found.first_wrong[student] = [mark.answer.id for mark in first_wrong(own)]
            found.verdicts.update((mark.answer.id, mark.verdict) for mark in own)
            if unread := [mark for mark in own if is_unread(mark)]:
                found.unread[student] = unread
        return found
