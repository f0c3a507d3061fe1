"""How many draws were looked at before one was fair, and what spoke against the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from symbackprop.errors import ProblemError
from symbackprop.messages import Message, message

Array = Any
MOST_BLAMED = 3
"""Answers that a message names for a reason."""


@dataclass
class DrawCounts:
    """How many draws were looked at, and what spoke against them: by reason, and by reason and what is to blame."""

    tries: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    blamed: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, against: Mapping[tuple[str, str], Array], looked: Array) -> None:
        """Count the reasons against the draws that were looked at."""
        self.tries += int(looked.sum())
        by_reason: dict[str, Array] = {}
        for (reason, name), which in against.items():
            found = which & looked
            self.blamed[reason, name] += int(found.sum())
            by_reason[reason] = by_reason.get(reason, False) | found
        for reason, which in by_reason.items():
            self.reasons[reason] += int(which.sum())


def no_fair_draw(student: str, counts: DrawCounts) -> ProblemError:
    """Return the error that names, for each reason, what is most to blame, and says what would help most."""
    counted = [
        message("homework.counted", reason=_blamed(reason, counts), count=count)
        for reason, count in counts.reasons.most_common()
        if count
    ]
    advice = message(f"advice.{counts.reasons.most_common(1)[0][0]}")
    what = message("homework.unfair", student=student, tries=counts.tries, reasons=counted, advice=advice)
    return ProblemError(what, where="variants")


def _blamed(reason: str, counts: DrawCounts) -> Message:
    names = [name for (other, name), count in counts.blamed.most_common() if other == reason and name and count]
    said = message(f"unfair.{reason}")
    return message("homework.blamed", names=names[:MOST_BLAMED], reason=said) if names else said
