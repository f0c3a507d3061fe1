"""What a problem says of the homework that is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from symbackprop import language
from symbackprop.problems.answer_rules import AnswerRules
from symbackprop.problems.rounding import Rounding


@dataclass(frozen=True, slots=True)
class Homework:
    """An assignment: what is asked, the rounding that answers may have, points and what the sheet shows.

    `points` are those of one answer, by the entry of `ask`; marks are scaled to `total` if there is one. `steps` is the last
    step of the descent of which something is asked. `pool` is how many variants there are for any number of students, 0
    where each student has one.
    """

    ask: tuple[str, ...]
    rounding: Rounding
    points: Mapping[str, Fraction]
    total: Fraction | None
    rules: AnswerRules
    given: tuple[str, ...]
    instructions: language.Wording
    course: language.Wording
    date: language.Wording
    show: tuple[str, ...]
    paper: str
    steps: int = 1
    pool: int = 0
