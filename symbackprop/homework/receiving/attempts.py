"""Which of several attempts counts: the last that was read, the newest by its time stamp, or the best."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from fractions import Fraction

from symbackprop.errors import OutputError
from symbackprop.homework.receiving.submissions import OPTION, Attempt, joined
from symbackprop.messages import Message, message


class AttemptRule(StrEnum):
    """What counts of several attempts; what one leaves blank stands as in the one before it."""

    LAST = "last"
    NEWEST = "newest"
    BEST = "best"


def counted(
    id: str, attempts: Sequence[Attempt], rule: AttemptRule, points: Callable[[str, Mapping[str, str]], Fraction]
) -> tuple[dict[str, str], tuple[str, Message] | None]:
    """Return the texts of a student that count, by answer id, and the one remark on several attempts that differ.

    `points` returns what texts of a student would earn. Raises `OutputError` where the newest of attempts is asked for that
    do not say when they were handed in.
    """
    if not attempts:
        return {}, None
    if rule is AttemptRule.NEWEST and len(attempts) > 1:
        timeless = next((attempt.where for attempt in attempts if attempt.time is None), None)
        if timeless is not None:
            raise OutputError(message("homework.no_time", option=f"{OPTION} time=…"), where=timeless)
        attempts = sorted(attempts, key=lambda attempt: attempt.time or datetime.datetime.min)
    standings = joined(attempts)
    place = len(standings) - 1
    if rule is AttemptRule.BEST and len(standings) > 1:
        # Of equally good ones the later counts, as it would otherwise.
        place = max(range(len(standings)), key=lambda number: (points(id, standings[number]), number))
    answered = [{(id, text.strip()) for id, text in standing.items() if text.strip()} for standing in standings]
    if all(before <= after for before, after in itertools.pairwise(answered)):
        return standings[place], None
    where = attempts[place].where
    return standings[place], (where, message(f"homework.attempts_{rule}", student=id, count=len(attempts)))
