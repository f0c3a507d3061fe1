"""Streams of draws: for each student and quantity positions one after another, the same on every machine.

A stream is PCG64 seeded by a SHA-256 of names. Where most draws of a problem would hide mistakes for what a single quantity
has, equal inputs say, streams leave such draws out from the start: what they yield is distributed as the draws that are left
when whole draws are turned down, and it takes far fewer of them.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from symbackprop.derivation.derivations import Derivation
from symbackprop.homework.assignments.degenerate import hides, positions_worth_drawing
from symbackprop.problems import Problem

Array = Any
AT_ONCE = 64
"""Draws that a stream without those that hide mistakes looks at together, however many are asked for."""


class DrawStream:
    """The draws of one quantity for one student: positions in the list of its choices, of those `worth` drawing.

    `hides` says of draws whether they hide mistakes: these are left out, unless all that are looked at together do.
    """

    def __init__(
        self, names: Sequence[object], worth: Array, size: int, hides: Callable[[Array], Array] | None = None
    ) -> None:
        text = json.dumps([*names, *([] if hides is None else ["apart"])])
        entropy = int.from_bytes(hashlib.sha256(text.encode()).digest())
        self._generator = numpy.random.Generator(numpy.random.PCG64(entropy))
        self._worth, self._size, self._hides = worth, size, hides
        self._kept = numpy.zeros((0, size), dtype=int)

    def take(self, count: int) -> Array:
        """Return the next draws, a row for each: the same, whether they are taken one by one or together."""
        if self._hides is None:
            return self._drawn(count)
        while len(self._kept) < count:
            drawn = self._drawn(AT_ONCE)
            good = drawn[~self._hides(drawn)]
            self._kept = numpy.concatenate([self._kept, good if len(good) else drawn[:1]])
        taken, self._kept = self._kept[:count], self._kept[count:]
        return taken

    def _drawn(self, count: int) -> Array:
        return self._worth[self._generator.integers(len(self._worth), size=(count, self._size))]


def streams_of(derivation: Derivation, names: Sequence[object], *, apart: bool) -> dict[str, DrawStream]:
    """Return the streams of what a problem draws; `apart` says that draws which hide mistakes by themselves are left out."""
    return {
        name: DrawStream(
            [*names, name],
            positions_worth_drawing(derivation, name),
            each.size,
            functools.partial(hides_of, derivation, name) if apart else None,
        )
        for name, each in derivation.problem.variants.items()
    }


def hides_of(derivation: Derivation, name: str, positions: Array) -> Array:
    """Say of which draws of one quantity its numbers hide mistakes: positions in its choices, a row for each draw."""
    return hides(derivation, name, choices_of(derivation.problem, name)[positions])


def choices_of(problem: Problem, name: str) -> Array:
    """Return the numbers that a quantity is drawn from."""
    return numpy.array([float(choice.value) for choice in problem.variants[name].choices])
