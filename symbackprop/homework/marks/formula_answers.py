"""Answers that are formulas: marked by whether they are equal to what is asked, at numbers of no meaning.

Nothing of a student's sheet goes into this: a formula is right if it has the value of the answer wherever both have one,
among numbers that nobody was given. What is the same on every sheet may stand in a formula as a number.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

import numpy

from symbackprop.algebra.formula import Node
from symbackprop.by_hand.answer_parsing import value_of
from symbackprop.by_hand.hand_computation import evaluation
from symbackprop.catalog.optimizers import RATE
from symbackprop.errors import SymbackpropError
from symbackprop.evaluation.arithmetics import FLOAT
from symbackprop.graph.quantities import Role
from symbackprop.homework.assignments.variants import HomeworkAssignment, leaves_of

NumbersByKey = Mapping[str, Any]

_PROBES = 6
_CLOSE = 1e-9


def drawn_keys(given: HomeworkAssignment) -> frozenset[str]:
    """Return the keys of the numbers that differ from sheet to sheet."""
    graph = given.derivation.graph
    drawn = [graph.quantities[name] for name in given.problem.variants if name != RATE]
    rate = {RATE} if RATE in given.problem.variants else set()
    return frozenset(map(str, graph.scalars(*drawn))) | rate


def another_sheet(given: HomeworkAssignment) -> dict[str, float]:
    """Return numbers like those that are drawn, but such as nobody gets: between the choices, none equal to another."""
    found = {}
    for place, key in enumerate(sorted(drawn_keys(given))):
        found[key] = 0.37 + 0.61 * math.sin(2.3 * place + 1)
    return found


class Probes:
    """Numbers of no meaning for one assignment, with the values of its whole computation at them."""

    def __init__(self, given: HomeworkAssignment) -> None:
        self.given = given

    def agree(self, formula: Node, key: str) -> bool | None:
        """Say whether a formula equals the quantity wherever it can be computed; None if nowhere."""
        found = [_agree(formula, key, values) for values in (self._free, self._stated)]
        return None if found == [None, None] else True in found

    @functools.cached_property
    def _free(self) -> list[NumbersByKey]:
        """Values where every given number is another."""
        return self._runs({})

    @functools.cached_property
    def _stated(self) -> list[NumbersByKey]:
        """Values where only what is drawn is another, if anything is: the rest is as on every sheet."""
        drawn = drawn_keys(self.given)
        if not drawn:
            return []
        positions = {name: numpy.zeros((1, each.size), dtype=int) for name, each in self.given.problem.variants.items()}
        stated = leaves_of(self.given, positions, 1)
        return self._runs({key: float(value[0]) for key, value in stated.items() if key not in drawn})

    def _runs(self, stated: NumbersByKey) -> list[NumbersByKey]:
        computation = self.given.computation
        run = evaluation(computation.equations, FLOAT).forward
        found: list[NumbersByKey] = []
        for probe in range(1, _PROBES + 1):
            leaves = {
                key: math.sin(probe * 1.7 + position * 2.3) * 0.9 + 0.05
                for position, key in enumerate(computation.leaves)
            }
            try:
                found.append(run({**leaves, **self._classes(leaves), **stated}, ()).shared)
            except (SymbackpropError, ArithmeticError, ValueError):
                continue
        return found

    def _classes(self, leaves: Mapping[str, float]) -> dict[str, float]:
        """Return targets that are classes as positive numbers with the sum 1 in each sample, which formulas rely on."""
        problem, graph = self.given.problem, self.given.derivation.graph
        if not problem.layers or not problem.network.has_classes:
            return {}
        samples: dict[int | None, list[str]] = {}
        for scalar in graph.scalars(*graph.of_role(Role.TARGET)):
            samples.setdefault(scalar.sample, []).append(str(scalar))
        found: dict[str, float] = {}
        for own in samples.values():
            sizes = {key: abs(leaves.get(key, 0.0)) + 0.05 for key in own}
            found |= {key: size / sum(sizes.values()) for key, size in sizes.items()}
        return found


def _agree(formula: Node, key: str, probes: list[NumbersByKey]) -> bool | None:
    agrees = None
    for values in probes:
        found, expected = value_of(formula, values), values[key]
        if found is None or not math.isfinite(expected):
            continue
        if abs(found - expected) > _CLOSE * max(abs(expected), abs(found), 1e-6):
            return False
        agrees = True
    return agrees
