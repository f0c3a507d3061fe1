"""No legal rounding leaves the tolerance, wherever the numbers lie: just below a power of ten above all."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy
import pytest

from symbackprop.by_hand.array_arithmetic import ARRAYS
from symbackprop.by_hand.hand_computation import evaluation, given_numbers, hand_computation
from symbackprop.by_hand.tolerance import Tolerance, half_unit
from symbackprop.derivation.derivations import derive
from symbackprop.evaluation.evaluate import FLOAT
from symbackprop.homework.acceptance import Acceptance
from symbackprop.homework.answers import Answer
from symbackprop.homework.variants import HomeworkAssignment
from symbackprop.problems import load
from symbackprop.problems.rounding import Rounding
from tests.homework import term

Numbers = dict[str, Any]
DRAWS = 4000
UNFAIR = ("undefined", "imprecise", "saturated", "kink")
DIFFERENCE = {
    "graph": {
        "parameters": {"w": "0.97", "v": "0.93"},
        "inputs": {"x": 1, "u": 1},
        "equations": ["p = w*x", "r = v*u", "q = p - r"],
        "output": "q",
    }
}


def test_a_number_just_below_a_power_of_ten_has_the_unit_that_its_student_sees() -> None:
    """Where roundings can carry q from below 1 to above it, the last digit of four is worth a thousandth."""
    computation = hand_computation(derive(load.problem(DIFFERENCE, name="difference")))
    rounding = Rounding(4, significant=True)
    tolerance = Tolerance(computation, "q", rounding, FLOAT)
    chance = numpy.random.default_rng(3)
    refused = beyond = 0
    for _ in range(3000):
        u = chance.uniform(1, 5)
        q = chance.uniform(0.997, 1)
        leaves = {**given_numbers(computation.derivation, FLOAT), "x": (q + 0.93 * u) / 0.97, "u": u}
        values = evaluation(computation.equations, FLOAT).forward(leaves, ()).shared
        allowed = float(tolerance.of(values))
        for signs in itertools.product((-1, 1), repeat=2):
            p, r = (
                values[name] + sign * float(half_unit(values[name], rounding))
                for name, sign in zip("pr", signs, strict=True)
            )
            reached = p - r
            last = reached + float(half_unit(reached, rounding))
            refused += last - values["q"] > allowed
            beyond += reached >= 1
    assert beyond > 100
    assert not refused


@pytest.mark.parametrize("name", sorted(term.TERM))
def test_no_rounding_chain_leaves_the_tolerance_near_a_power_of_ten(name: str) -> None:
    """The adversary rounds every number against the answer, in the unit of the number as it has become by then."""
    ready = term.given(name)
    values, rounding = _fair_draws(ready), ready.homework.rounding
    looked = 0
    for answer in ready.answers:
        tolerance = Tolerance(ready.computation, answer.key, rounding, ARRAYS)
        for near in _near_powers(ready, answer, values):
            reached = _adversary(tolerance, near, rounding)
            off = numpy.abs(reached - near[answer.key])
            assert numpy.all(off <= tolerance.of(near) * (1 + 1e-9)), answer.id
            looked += len(off)
    assert looked > 10


def _fair_draws(ready: HomeworkAssignment) -> Numbers:
    """Return numbers around those that the homework draws, without those that no marking could decide."""
    chance = numpy.random.default_rng(5)
    cohort = term.drawn(ready, 40)
    leaves = {
        key: numpy.repeat(cohort.values[key], DRAWS // 40) * chance.uniform(0.7, 1.3, DRAWS)
        for key in ready.computation.leaves
    }
    values = evaluation(ready.computation.equations, ARRAYS).forward(leaves, ()).shared
    against = Acceptance(ready.computation, ready.answers, ready.homework, ARRAYS).judge(values)
    unfair = numpy.zeros(DRAWS, dtype=bool)
    for (reason, _), which in against.items():
        unfair |= which if reason in UNFAIR else False
    assert not unfair.all()
    return {key: numpy.broadcast_to(array, (DRAWS,))[~unfair] for key, array in values.items()}


def _near_powers(ready: HomeworkAssignment, answer: Answer, values: Numbers) -> Iterator[Numbers]:
    """Yield the draws that lead to an answer, or to a number on its way, just below a power of ten."""
    for key in [each.name for each in ready.computation.cone([answer.key])][-6:]:
        with numpy.errstate(divide="ignore", invalid="ignore"):
            place = numpy.log10(numpy.abs(values[key])) % 1
        near = place > 0.9995
        if near.any():
            yield {each: array[near] for each, array in values.items()}


def _adversary(tolerance: Tolerance, values: Numbers, rounding: Rounding) -> Any:
    slopes = tolerance.partials(values)
    found = {key: values[key] for key in values if key not in {each.name for each in tolerance.equations}}
    for equation in tolerance.equations:
        exact = evaluation([equation], ARRAYS).forward(found, ()).shared[equation.name]
        if equation.name in tolerance.rounded:
            exact = exact + numpy.where(slopes[equation.name] >= 0, 1, -1) * half_unit(exact, rounding)
        found[equation.name] = exact
    return found[tolerance.key]
