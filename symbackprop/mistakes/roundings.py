"""Computations in which every number is rounded, or cut off, as soon as it is written down."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from symbackprop.by_hand.hand_computation import PATH
from symbackprop.mistakes.consequences import Consequences

_DECIMALS, _DIGITS = range(1, 9), range(2, 9)


@dataclass(frozen=True, slots=True)
class RoundedRun:
    """A computation by numbers of so many `digits` (`significant` ones or decimals), by the way of the row `mistake`.

    `written` are the numbers as they are written down, `computed` as they come out of those before them.
    """

    mistake: str
    digits: int
    significant: bool
    written: Mapping[str, float]
    computed: Mapping[str, float]

    def unit(self, key: str) -> float:
        """Return the unit of the last digit in which a number is written down."""
        value = self.written[key]
        if not self.significant or not value or not math.isfinite(value):
            return 10.0**-self.digits
        return 10.0 ** (math.floor(math.log10(abs(value))) - self.digits + 1)


def rounded_runs(consequences: Consequences, given: Mapping[str, Any]) -> Iterator[RoundedRun]:
    """Yield the computation with the numbers rounded to so many decimals, or digits; then with those cut off."""
    for mistake in ("rounded_early", "truncated"):
        for significant, numbers in ((False, _DECIMALS), (True, _DIGITS)):
            for digits in numbers:
                yield _run(consequences, given, mistake, digits, significant)


def _run(
    consequences: Consequences, given: Mapping[str, Any], mistake: str, digits: int, significant: bool
) -> RoundedRun:
    written = dict(given)
    computed: dict[str, float] = {}
    for equation in consequences.computation.equations:
        key = equation.name
        computed[key] = consequences.of(key, written)
        # The products on the way to a gradient are added as they come.
        written[key] = computed[key] if PATH in key else _kept(computed[key], digits, significant, mistake)
    return RoundedRun(mistake, digits, significant, written, computed)


def _kept(value: float, digits: int, significant: bool, mistake: str) -> float:
    """Return a number rounded, or cut off, to decimals or significant digits.

    >>> _kept(0.12678, 3, True, "rounded_early"), _kept(-0.12678, 3, False, "truncated")
    (0.127, -0.126)
    """
    if not math.isfinite(value) or value == 0:
        return value
    places = digits - 1 - math.floor(math.log10(abs(value))) if significant else digits
    if mistake == "rounded_early":
        return round(value, places)
    scale = 10.0**places
    return math.trunc(round(value * scale, 6)) / scale
