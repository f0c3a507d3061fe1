"""A term of homework, nine problems of the common kinds, and the students of a class: honest ones who slip, and others."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy

from symbackprop.by_hand.array_arithmetic import ARRAYS
from symbackprop.by_hand.hand_computation import evaluation
from symbackprop.derivation.element_grain import ElementEquation
from symbackprop.homework.assignments.variants import Cohort, HomeworkAssignment, assignment, draw
from symbackprop.homework.reporting import report_files
from symbackprop.homework.reporting.reports import GradedClass
from symbackprop.problems import load
from symbackprop.rendering import Format

TENTHS = {"low": -1, "high": 1, "step": "1/10"}
HALVES = {"low": -1, "high": 1, "step": "1/2"}


def _descent(optimizer: str) -> dict[str, Any]:
    return {
        "network": {"inputs": 1, "loss": "half_squared_error", "layers": [{"units": 1}]},
        "parameters": {"W1": [["1/2"]], "b1": [0]},
        "data": {"x": [2], "y": [3]},
        "training": {"optimizer": optimizer, "learning_rate": "1/10"},
        "variants": {"W1": TENTHS, "x": {"choices": [1, 2, 3]}, "y": {"low": -3, "high": 3, "step": 1}},
        "homework": {"significant": 4},
    }


TERM: Mapping[str, Mapping[str, Any]] = {
    "sigmoids": {
        "network": {
            "inputs": 2,
            "loss": "half_squared_error",
            "layers": [{"units": 2, "activation": "sigmoid"}, {"units": 1, "activation": "sigmoid"}],
        },
        "parameters": {"W1": [[0, 0], [0, 0]], "b1": ["1/10", "-1/5"], "W2": [[0, 0]], "b2": ["3/10"]},
        "data": {"x": [1, 2], "y": [1]},
        "training": {"learning_rate": "1/10"},
        "variants": {"W1": TENTHS, "W2": TENTHS, "x": {"choices": [1, 2, "1/2", -1]}},
        "homework": {
            "ask": ["z1", "a1", "z2", "a2", "L", "deltas", "gradients", "updated", "new_L"],
            "significant": 4,
            "total": 10,
        },
    },
    "softmax": {
        "network": {
            "inputs": 2,
            "loss": "cross_entropy",
            "layers": [{"units": 3, "activation": "relu"}, {"units": 3, "activation": "softmax"}],
        },
        "parameters": {"b1": [0, "1/2", 0], "b2": [0, 0, 0]},
        "training": {"learning_rate": "1/10"},
        "variants": {
            "W1": HALVES,
            "W2": HALVES,
            "x": {"low": -2, "high": 2, "step": 1},
            "y": {"choices": [0, 1, 2]},
        },
        "homework": {"decimals": 4},
    },
    "gates": {
        "graph": {
            "parameters": {"x": -2, "y": 5, "z": -4},
            "equations": ["q = x + y", "f = q*z"],
            "output": "f",
        },
        "variants": {name: {"low": -5, "high": 5, "step": 1} for name in "xyz"},
        "homework": {"ask": ["q", "f", "deltas", "gradients"]},
    },
    "neuron": {
        "graph": {
            "parameters": {"w": [2, -3, -3]},
            "inputs": {"x": [-1, -2]},
            "equations": [
                *("p = w[0]*x[0]", "r = w[1]*x[1]", "s = p + r", "u = s + w[2]"),
                *("n = -u", "e = exp(n)", "d = 1 + e", "f = 1/d"),
            ],
            "output": "f",
        },
        "variants": {"w": {"low": -3, "high": 3, "step": "1/2"}, "x": {"low": -2, "high": 2, "step": 1}},
        "homework": {"significant": 4},
    },
    "recurrent": {
        "graph": {
            "parameters": {
                "Wh": [["1/10", "2/5"], ["-1/5", "3/10"]],
                "Wx": [["1/2", "-3/10"], ["1/5", "4/5"]],
                "b": ["1/10", "-1/10"],
                "v": [1, -1],
            },
            "inputs": {"h0": ["1/2", "-1/2"], "x": [1, 2]},
            "targets": {"t": 1},
            "equations": ["z = Wx @ x + Wh @ h0 + b", "h = tanh(z)", "o = dot(v, h)", "L = 1/2*(o - t)**2"],
            "output": "L",
        },
        "training": {"learning_rate": "1/10"},
        "variants": {"Wx": TENTHS, "Wh": TENTHS, "v": TENTHS, "x": {"choices": [1, 2, -1]}},
        "homework": {"significant": 4},
    },
    "logistic": {
        "network": {
            "inputs": ["hours", "sleep"],
            "loss": "binary_cross_entropy",
            "layers": [{"units": 1, "activation": "sigmoid"}],
        },
        "parameters": {"W1": [["1/2", "-1/4"]], "b1": ["1/10"]},
        "data": {"x": [[1, 2], [2, "1/2"], [-1, 1]], "y": [[1], [0], [1]]},
        "training": {"learning_rate": "3/10"},
        "variants": {"W1": TENTHS, "x": {"choices": [1, 2, "1/2", -1, 3]}, "y": {"choices": [0, 1]}},
        "homework": {"decimals": 4, "total": 10},
    },
    "momentum": _descent("momentum"),
    "adam": _descent("adam"),
    "convolution": {
        "graph": {
            "parameters": {"b": "1/2", "k": [1, 0, -1]},
            "inputs": {"x": [1, 2, -1, 0, 3]},
            "targets": {"t": [0, 1, -1]},
            "equations": [
                "c = concat([dot(k, x[0:3]), dot(k, x[1:4]), dot(k, x[2:5])]) + b",
                "r = relu(c)",
                "L = 1/2*sum((r - t)**2)",
            ],
            "output": "L",
        },
        "training": {"learning_rate": "1/10"},
        "variants": {"k": {"low": -2, "high": 2, "step": 1}, "x": {"low": -3, "high": 3, "step": 1}},
        "homework": {"significant": 4},
    },
}


def written_files(marked: GradedClass, formats: Sequence[Format] = ()) -> dict[str, Any]:
    """Return all files of the marks by name, each in one piece."""
    found = {name: content for some in report_files.files(marked, formats) for name, content in some.items()}
    return {name: content if isinstance(content, str | bytes) else "".join(content) for name, content in found.items()}


def given(name: str) -> HomeworkAssignment:
    """Return one of the nine, ready."""
    return assignment(load.problem(TERM[name], name=name))


def drawn(ready: HomeworkAssignment, count: int) -> Cohort:
    """Return the variants of a class."""
    ids = [str(number) for number in range(count)]
    return draw(ready, ids, 1, dict.fromkeys(ids, 1))


def of(cohort: Cohort, place: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return one student's key: values by key, tolerances by id."""
    return cohort.numbers(place), {id: float(array[place]) for id, array in cohort.tolerances.items()}


def rounded(ready: HomeworkAssignment, value: float) -> float:
    """Return a number with one digit more than a student has to carry."""
    rounding = ready.homework.rounding
    return float(f"{value:.{rounding.digits}e}") if rounding.significant else round(value, rounding.digits + 1)


Slip = Callable[[float, random.Random], float]

SLIPS: Mapping[str, Slip] = {
    "sign": lambda value, chance: -value,
    "twice": lambda value, chance: 2 * value,
    "half": lambda value, chance: value / 2,
    "near": lambda value, chance: value * (1 + chance.choice((-1, 1)) * chance.uniform(0.02, 0.2)),
    "point": lambda value, chance: value * chance.choice((10, 0.1)),
    "added": lambda value, chance: value + chance.choice((-1, 1)) * chance.uniform(0.3, 0.9) * abs(value),
    "rate": lambda value, chance: value * chance.choice((3, 1 / 3)),
}
"""What an honest student makes of a number by mistake."""


def _steps(ready: HomeworkAssignment) -> Mapping[str, Callable[[Mapping[str, float]], float]]:
    def step(equation: ElementEquation) -> Callable[[Mapping[str, float]], float]:
        run = evaluation([equation], ARRAYS).forward
        return lambda found: float(run(found, ()).shared[equation.name])

    return {equation.name: step(equation) for equation in ready.computation.equations}


def worked(
    ready: HomeworkAssignment, values: Mapping[str, float], slips: Mapping[str, Slip], chance: random.Random
) -> dict[str, float]:
    """Return what a student writes down who rounds every number, and slips at some keys."""
    found = {key: numpy.float64(values[key]) for key in ready.computation.leaves}
    steps = _steps(ready)
    for equation in ready.computation.equations:
        exact = steps[equation.name](found)
        if equation.name in slips:
            exact = slips[equation.name](exact, chance)
        found[equation.name] = numpy.float64(rounded(ready, exact))
    return {key: float(value) for key, value in found.items()}
