"""Bundled problems with hostile numbers in them: an answer or a refusal of one line, and no exception of another kind."""

from __future__ import annotations

import copy
import json
import math
import time
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop import scripts
from symbackprop.arithmetic import floats
from symbackprop.arithmetic.real_numbers import logarithm
from symbackprop.errors import SymbackpropError
from symbackprop.evaluation.checks import check
from tests.helpers import ROOT, each, few

HOSTILE = (
    *(
        1e308,
        -1e308,
        1e-308,
        "1e400",
        "-1e400",
        "1e-400",
        "1e60",
        10**60,
        10**61,
        "1/10**50",
        "9**99",
        "1e16",
        2**53 + 1,
    ),
    *("exp(1)", "exp(99999)", "exp(-99999)", "exp(1000)", "exp(-1000)", "ln(2)", "sqrt(2)", "1/3", "pi", "sin(1)"),
    *("1e5", "-1e5", 100000, 100001, -100001, "1e-17", "tanh(1e9)", 0, -0.0, 1, -1, 0.1, "1e300"),
)
"""36 numbers: at the ends of float64 and beyond, irrational, long, saturating, and what is harmless elsewhere."""

EXAMPLES = ("line", "mazur", "classifier", "circuit", "rnn")
MOST_SECONDS = 6
"""For the first document of a problem with three steps, on a machine that does other things."""


def places(table: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where the numbers of parameters and data stand in a problem file."""
    if isinstance(table, dict | list):
        for key, value in table.items() if isinstance(table, dict) else enumerate(table):
            yield from places(value, (*path, key))
    elif isinstance(table, int | float) and not isinstance(table, bool):
        yield path


def with_number(example: str, number: Any, position: int) -> sbp.Problem:
    """Return a bundled problem with another number in place of one of its parameters, data or rates."""
    table = tomllib.loads((ROOT / "examples" / f"{example}.toml").read_text(encoding="utf-8"))
    known = {key: table[key] for key in ("parameters", "data", "graph") if key in table}
    known |= {"training": {"learning_rate": 0.1}} if "training" in table else {}
    where = list(places(known))
    path = where[position * 7 % len(where)]
    changed = copy.deepcopy(table)
    inner: Any = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = number
    return sbp.problem(changed)


@pytest.mark.parametrize("number", few(HOSTILE, 3), ids=str)
@pytest.mark.parametrize("example", few(EXAMPLES, 2))
def test_hostile_number_is_answered_or_refused(example: str, number: Any) -> None:
    """Whatever number stands in a file, every command has an answer or a message, in seconds."""
    for position, command in each(enumerate(("json", "markdown", "check", "train", "script"))):
        began = time.process_time()
        try:
            problem = with_number(example, number, position)
            if command == "check":
                check(problem)
            elif command == "train":
                sbp.train(problem, steps=3)
            elif command == "script":
                text = scripts.script(problem, "numpy")
                compile(text, "script", "exec")
                assert "nan" not in text and " inf" not in text
            else:
                sbp.render(sbp.solve(problem), command)
        except SymbackpropError as error:
            assert len(str(error)) < 1000
        assert time.process_time() - began < MOST_SECONDS, command


BEYOND = ("1e400", "-1e400", "exp(99999)")
"""Numbers that are exact, and that float64 does not have."""


@pytest.mark.parametrize("number", few(BEYOND, 1))
@pytest.mark.parametrize("position", range(4))
def test_number_beyond_float64_is_answered_or_refused_in_every_place(position: int, number: str) -> None:
    """In each place of the smallest problem, the weight among them, around which no critical point can be looked for."""
    try:
        assert sbp.render(sbp.solve(with_number("line", number, position)), "markdown")
    except SymbackpropError as error:
        assert len(str(error)) < 1000


def test_losses_beyond_float64_are_null() -> None:
    """A loss of 5e615 in a step is null in the JSON result, as every number is that float64 cannot hold."""
    table = tomllib.loads((ROOT / "examples" / "line.toml").read_text(encoding="utf-8"))
    problem = sbp.problem({**table, "data": {"x": [1], "y": [-1e308]}})
    found = json.loads(str(sbp.render(sbp.solve(problem), "json")))
    losses = [number for step in found["steps"] for number in step.values()]
    assert None in losses and "Infinity" not in json.dumps(found)


@pytest.mark.parametrize(
    ("base", "exponent", "expected"),
    [
        (1e200, 3.0, math.inf),
        (-1e200, 3.0, -math.inf),
        (-1e200, 4.0, math.inf),
        (0.0, -2.0, math.inf),
        (2.0, 0.5, 2**0.5),
    ],
)
def test_power_of_floats_is_what_float64_says(base: float, exponent: float, expected: float) -> None:
    """A power that float64 cannot hold is infinite, with its sign, and no exception."""
    assert expected == floats.power(base, exponent)
    assert math.isnan(floats.power(-1.0, 0.5))


def test_multiple_of_a_logarithm_by_a_long_fraction_is_quick() -> None:
    """ln(2)/10^50 looks for no divisors of 10^50 that ln 2 could not be a root of."""
    from fractions import Fraction

    began = time.process_time()
    value = logarithm(Fraction(2)) * Fraction(1, 10**50)
    assert float(value) == pytest.approx(math.log(2) / 1e50)
    assert time.process_time() - began < 1


def test_script_expects_the_exact_numbers_where_its_own_are_lost() -> None:
    """(e^2000 − 1)/(e^2000 + 1) overflows in float64: what the script expects is 1 and 0, and no nan."""
    table = {"parameters": {"x": 1000}, "equations": ["e = exp(2*x)", "y = (e - 1)/(e + 1)"], "output": "y"}
    for target in ("numpy", "torch"):
        text = scripts.script(sbp.problem({"graph": table}), target)
        assert "EXPECTED_LOSS = 1.0" in text and "nan" not in text
