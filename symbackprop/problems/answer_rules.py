"""What answers of a homework may be, and what earns a part of their points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

NUMBERS, FORMULAS, BOTH = "numbers", "formulas", "both"
"""What an answer may be."""
MOST_OPTIONS = 6
"""Options that an answer is chosen from, at most: they stand in one row of a sheet."""


@dataclass(frozen=True, slots=True)
class AnswerRules:
    """The rules of marking: the share of its points that an answer earns which is not simply right, and what answers may be.

    `follow_through` is for one that follows from a wrong answer, `rounded` for one that has too few digits, `repeated` for
    one with the same mistake as an earlier one, `partial` for wrong ones by the mistake that makes them. `kinds` says by the
    entry of `ask`: `numbers`, `formulas` or `both`. `choices` says by entry from how many options an answer is chosen, where
    there are any; `common` how often a class made mistakes, by their ids.
    """

    follow_through: Fraction
    rounded: Fraction
    repeated: Fraction
    kinds: Mapping[str, str]
    partial: Mapping[str, Fraction]
    choices: Mapping[str, int] = field(default_factory=dict)
    common: Mapping[str, int] = field(default_factory=dict)
