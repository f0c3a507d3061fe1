"""No legal rounding leaves the tolerance, wherever the numbers lie: just below a power of ten above all."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy
import pytest

from symbackprop.by_hand.array_arithmetic import ARRAYS
from symbackprop.by_hand.hand_computation import evaluation, given_numbers, hand_computation
from symbackprop.by_hand.tolerance import MARGIN, Tolerance, half_unit
from symbackprop.derivation.derivations import derive
from symbackprop.evaluation.arithmetics import FLOAT
from symbackprop.homework.assignments.acceptance import Acceptance
from symbackprop.homework.assignments.answers import Answer
from symbackprop.homework.assignments.variants import HomeworkAssignment
from symbackprop.problems import load
from symbackprop.problems.rounding import Rounding
from tests.helpers import only
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


HALF_UNITS = [
    (0.0123456, 4, True, 0.000005),
    (9.99, 3, True, 0.005),
    (10.0, 3, True, 0.05),
    (-123.4, 2, True, 5.0),
    (1.0, 1, True, 0.5),
    (0.5, 3, True, 0.0005),
    (0.0, 3, True, 0.0),
    (0.0, 2, False, 0.005),
    (-123.4, 2, False, 0.005),
    (7.0, 0, False, 0.5),
    (math.inf, 3, True, math.inf),
    (-math.inf, 3, True, math.inf),
    (math.nan, 3, True, 0.0),
]
"""A number, the digits that a contract keeps of it, whether those are significant, and half a unit of the last one."""


@pytest.mark.parametrize(("value", "digits", "significant", "half"), HALF_UNITS)
def test_half_a_unit_is_that_of_the_last_digit(value: float, digits: int, significant: bool, half: float) -> None:
    """Of one number, and of the same number in an array of any shape."""
    rounding = Rounding(digits, significant=significant)
    one, many = half_unit(value, rounding), half_unit(numpy.full((2, 3), value), rounding)
    assert isinstance(one, float)
    assert one == pytest.approx(half, rel=1e-12)
    assert many.shape == (2, 3)
    assert many.flatten().tolist() == pytest.approx([half] * 6, rel=1e-12)


CHAIN = {
    "graph": {
        "parameters": {"w": "1.5", "v": "0.25"},
        "inputs": {"x": 2},
        "equations": ["p = w*x", "c = p", "z = c*v", "L = z*z"],
        "output": "L",
    }
}
"""p = 3, passed on as c, z = 0.75, L = 0.5625."""
MOVES = {"L": 1.0, "z": 1.5, "p": 0.375, "c": 0.375}
"""How far L moves with each: ∂L/∂z = 2z, and that times v."""


def test_tolerance_is_the_sum_over_what_is_rounded() -> None:
    """Half a unit of each number times how far the answer moves with it, and a tenth; what is passed on is not rounded."""
    computation = hand_computation(derive(load.problem(CHAIN, name="chain")))
    rounding = Rounding(3, significant=True)
    tolerance = Tolerance(computation, "L", rounding, FLOAT)
    values = evaluation(computation.equations, FLOAT).forward(given_numbers(computation.derivation, FLOAT), ()).shared
    halves = {"L": 0.0005, "z": 0.0005, "p": 0.005}
    assert {name: float(half) for name, half in tolerance.half_units(values, rounding).items()} == pytest.approx(halves)
    partials = tolerance.partials(values)
    assert {name: float(partials[name]) for name in MOVES} == pytest.approx(MOVES)
    before = sum(half * MOVES[name] for name, half in halves.items() if name != "L")
    assert MARGIN == 1.1
    assert float(tolerance.of(values)) == pytest.approx(1.1 * (before + 0.0005))
    assert float(tolerance.of(values, own=False)) == pytest.approx(1.1 * before)
    decimals = tolerance.half_units(values, Rounding(1, significant=False))
    assert {name: float(half) for name, half in decimals.items()} == pytest.approx(dict.fromkeys(halves, 0.05))


CARRIED = {
    "graph": {
        "parameters": {"w": "0.1", "v": "0.597"},
        "inputs": {"x": 1},
        "equations": ["p = w*x", "q = 4*p + v", "s = q - p + 1/10", "L = s*s"],
        "output": "L",
    }
}
"""p = 0.1, q = 0.997, s = 0.997: p moves q by four of its half units, 0.002, and s by what moves q and p, 0.003 in all."""


def test_unit_is_that_of_the_number_with_all_that_moved_it() -> None:
    """One stays below 1 with a tenth more than what moves it, q; s, which both paths move, may pass 1 and has its unit."""
    computation = hand_computation(derive(load.problem(CARRIED, name="carried")))
    rounding = Rounding(3, significant=True)
    tolerance = Tolerance(computation, "L", rounding, FLOAT)
    values = evaluation(computation.equations, FLOAT).forward(given_numbers(computation.derivation, FLOAT), ()).shared
    found = tolerance.half_units(values, rounding)
    assert {"p": 0.0005, "q": 0.0005, "s": 0.005} == pytest.approx({name: float(found[name]) for name in "pqs"})


def test_what_is_known_is_uncertain_by_half_a_unit_and_nothing_before_it_counts() -> None:
    """A student's own z is taken as it is: p and c are none of the roundings any more."""
    computation = hand_computation(derive(load.problem(CHAIN, name="chain")))
    tolerance = Tolerance(computation, "L", Rounding(3, significant=True), FLOAT, frozenset({"z"}))
    assert {"L", "z"} == set(tolerance.rounded)
    assert ["L"] == [equation.name for equation in tolerance.equations]
    assert float(tolerance.of({"z": 0.75, "L": 0.5625})) == pytest.approx(1.1 * 0.0005 * (1 + 1.5))


def test_answer_behind_a_mask_has_no_tolerance() -> None:
    """Where a number is −∞ the product of a slope of 0 with it is none, and no warning is given."""
    graph = {"parameters": {"w": 1}, "inputs": {"m": "-inf"}, "equations": ["s = w + m", "L = exp(s)"], "output": "L"}
    computation = hand_computation(derive(load.problem({"graph": graph}, name="masked")))
    tolerance = Tolerance(computation, "L", Rounding(3, significant=True), ARRAYS)
    values = {
        "w": numpy.array([1.0]),
        "m": numpy.array([-math.inf]),
        "s": numpy.array([-math.inf]),
        "L": numpy.array([0.0]),
    }
    assert numpy.isnan(tolerance.of(values)).all()


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


@pytest.mark.parametrize("name", only(term.TERM, "neuron", "logistic", "gates"))
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
