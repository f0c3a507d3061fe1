"""Penalties: every form against its definition in floats and against the oracles, kinks, notes in the result, mistakes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop.descent.solution import solve
from symbackprop.errors import ProblemError, SymbackpropError
from symbackprop.evaluation.checks import Verdict, check
from symbackprop.problems import Problem
from symbackprop.rendering.json_result import result

PARAMETERS: Mapping[str, Any] = {
    "W1": [["1/3", "-2/5"], ["3/4", "1/7"]],
    "b1": ["1/2", "-1/6"],
    "W2": [["-3/8", "5/9"]],
    "b2": ["2/7"],
}
ONE = {"x": [1, "-1/2"], "y": ["1/3"]}
BATCH = {"x": [[1, "-1/2"], ["2/3", 2], [0, "1/5"]], "y": [["1/3"], [-1], ["1/4"]]}
FORMS = ("half", "plain", "half_mean", "convex")


def problem_of(
    penalty: Mapping[str, Any] | None,
    data: Mapping[str, Any] = ONE,
    *,
    parameters: Mapping[str, Any] = PARAMETERS,
    layout: str = "column",
    reduction: str = "mean",
) -> Problem:
    """Return a 2-2-1 network with a penalty; its weights are given in column layout."""
    content: dict[str, Any] = {
        "network": {
            "inputs": 2,
            "layers": [{"units": 2, "activation": "tanh"}, {"units": 1}],
            "loss": "half_squared_error",
            "reduction": reduction,
        },
        "parameters": {
            name: [list(column) for column in zip(*value, strict=True)] if layout == "row" and name[0] == "W" else value
            for name, value in parameters.items()
        },
        "data": data,
        "training": {"learning_rate": "1/10"},
        "notation": {"layout": layout},
    }
    return sbp.problem(content if penalty is None else {**content, "regularization": penalty})


def flat(names: str) -> list[Fraction]:
    """Return the numbers of all parameters whose names begin with one of the letters."""
    arrays = [np.array(value).ravel() for name, value in PARAMETERS.items() if name[0] in names]
    return [Fraction(text) for array in arrays for text in array]


Formula = Callable[[Fraction, Fraction, int], Fraction]

# The definitions, by form: of λ, a sum of squares (or of absolute values) and the number of samples.
SQUARES: Mapping[str, Formula] = {
    "half": lambda strength, total, m: strength / 2 * total,
    "plain": lambda strength, total, m: strength * total,
    "half_mean": lambda strength, total, m: strength / (2 * m) * total,
    "convex": lambda strength, total, m: total,
}
SIZES: Mapping[str, Formula] = {
    "half": lambda strength, total, m: strength * total,
    "plain": lambda strength, total, m: strength * total,
    "half_mean": lambda strength, total, m: strength / m * total,
    "convex": lambda strength, total, m: total,
}
PENALTIES = [
    {"form": form, **strengths, "biases": biases}
    for form, strengths, biases in itertools.product(
        FORMS, ({"l2": "1/5"}, {"l1": "1/7"}, {"l2": "1/5", "l1": "1/7"}), (False, True)
    )
    if not (form == "convex" and len(strengths) == 2)
]


@pytest.mark.parametrize("data", [ONE, BATCH], ids=["one", "batch"])
@pytest.mark.parametrize("penalty", PENALTIES, ids=str)
def test_penalty_is_its_definition(penalty: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    """L is the loss of the data and the penalty of its form, exactly."""
    numbers = flat("Wb" if penalty["biases"] else "W")
    samples = 3 if data is BATCH else 1
    expected = Fraction(0)
    if "l2" in penalty:
        expected += SQUARES[penalty["form"]](
            Fraction(penalty["l2"]), sum((w * w for w in numbers), Fraction(0)), samples
        )
    if "l1" in penalty:
        expected += SIZES[penalty["form"]](Fraction(penalty["l1"]), sum(map(abs, numbers), Fraction(0)), samples)
    values = solve(problem_of(penalty, data)).steps[0].values
    assert expected == values.value("penalty")
    plain = solve(problem_of(None, data)).steps[0].values.value("L")
    assert plain == values.value("data_loss")
    if penalty["form"] == "convex":
        strength = Fraction(penalty.get("l2") or penalty["l1"])
        assert math.isclose(
            float(strength * plain + (1 - strength) * expected), float(values.value("L")), rel_tol=1e-15
        )
    else:
        assert math.isclose(float(plain + expected), float(values.value("L")), rel_tol=1e-15)


@pytest.mark.parametrize("data", [ONE, BATCH], ids=["one", "batch"])
@pytest.mark.parametrize("penalty", PENALTIES, ids=str)
def test_gradients_with_a_penalty_agree_with_the_oracles(penalty: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    """Central differences and the composed loss see the penalty as the sweep does."""
    report = check(problem_of(penalty, data))
    assert report.agrees
    assert () == report.with_verdict(Verdict.SKIPPED)


@pytest.mark.parametrize("form", FORMS)
def test_penalty_is_the_same_in_both_layouts(form: str) -> None:
    """Rows or columns: the same penalty, the same updated network."""
    penalty = {"l2": "1/5", "form": form, "biases": True}
    column, row = (solve(problem_of(penalty, BATCH, layout=layout)) for layout in ("column", "row"))
    assert column.losses == row.losses
    assert dict(column.final) == dict(row.final)


@pytest.mark.parametrize("penalty", [{"l2": "1/5"}, {"l1": "1/7"}, {"l1": "1/7", "form": "half_mean"}], ids=str)
def test_penalty_is_added_once_whatever_the_reduction(penalty: Mapping[str, Any]) -> None:
    """The losses of samples are added or averaged; the penalty is not."""
    total, mean = (result(solve(problem_of(penalty, BATCH, reduction=each)))["values"] for each in ("sum", "mean"))
    assert total["penalty"] == mean["penalty"]
    assert math.isclose(total["data_loss"], 3 * mean["data_loss"], rel_tol=1e-15)


def test_result_holds_the_parts_of_the_loss() -> None:
    """The JSON values name the loss of the data and the penalty beside L, and the gradients by them are weights of a sum."""
    found = result(solve(problem_of({"l2": 0.3, "form": "convex"}, BATCH)))
    assert {"data_loss", "penalty", "L"} < set(found["values"])
    assert [0.3, 0.7] == [found["gradients"][name] for name in ("data_loss", "penalty")]
    assert found["steps"][0]["loss"] == found["values"]["L"]


def test_problem_without_a_penalty_has_no_parts() -> None:
    """Without a penalty L is the loss of the data and needs no second name."""
    assert not {"data_loss", "penalty"} & set(result(solve(problem_of(None, BATCH)))["values"])


@pytest.mark.parametrize("form", FORMS)
def test_absolute_value_of_a_zero_weight_has_derivative_zero(form: str) -> None:
    """At a zero weight |w| has a kink: its share is 0, the solution says so once, and `check` compares nothing there."""
    parameters = {**PARAMETERS, "W1": [["1/3", 0], ["3/4", 0]]}
    problem = problem_of({"l1": "1/7", "form": form}, parameters=parameters)
    solution = solve(problem)
    assert ["penalty"] == [kink.name for kink in solution.steps[0].kinks]
    weight = Fraction(1, 7) if form == "convex" else Fraction(1)
    plain = solve(problem_of(None, parameters=parameters)).steps[0].values.gradient("W1_1_2")
    assert math.isclose(float(weight * plain), float(solution.steps[0].values.gradient("W1_1_2")), rel_tol=1e-15)
    report = check(problem)
    assert ["W1_1_2", "W1_2_2"] == [entry.name for entry in report.with_verdict(Verdict.SKIPPED)]
    assert report.agrees


@pytest.mark.parametrize("layers", [1, 3])
def test_shared_bias_and_threshold_are_penalised_as_they_stand(layers: int) -> None:
    """`biases = true` penalises a shared bias once and a threshold by its own square."""
    content = {
        "network": {
            "inputs": 1,
            "layers": [{"units": 2, "bias": "shared"}, {"units": 1, "bias": "threshold"}, {"units": 1, "bias": "none"}][
                :layers
            ],
            "loss": "sse",
        },
        "parameters": dict(
            list({"W1": [[1], [2]], "b1": 3, "W2": [[4, 5]], "theta2": [-6], "W3": [[7]]}.items())[: 2 * layers]
        ),
        "data": {"x": [1], "y": [0, 0] if layers == 1 else [0]},
        "regularization": {"l2": 2, "biases": True},
    }
    expected = {1: 1 + 4 + 9, 3: 1 + 4 + 9 + 16 + 25 + 36 + 49}[layers]
    assert expected == solve(sbp.problem(content)).steps[0].values.value("penalty")


def test_penalty_of_zero_changes_no_gradient() -> None:
    """λ = 0 is no penalty, written down."""
    plain, penalised = (solve(problem_of(penalty, BATCH)) for penalty in (None, {"l2": 0, "l1": 0}))
    assert dict(plain.final) == dict(penalised.final)


@pytest.mark.parametrize(
    ("penalty", "match"),
    [
        ({}, "regularization: expected l2 or l1, the strength of a penalty"),
        ({"form": "plain"}, "regularization: expected l2 or l1"),
        ({"l2": 1, "l1": 1, "form": "convex"}, "regularization: the form convex weighs the loss against one penalty"),
        ({"l2": -1}, "regularization.l2: the value has to be ≥ 0"),
        ({"l1": "ln(2)"}, r"regularization.l1: expected a fraction or a decimal, found ln\(2\)"),
        ({"l1": "big"}, 'regularization.l1: unknown name "big"'),
        ({"l2": "3/2", "form": "convex"}, "regularization.l2: the value has to be between 0 and 1, found 3/2"),
        ({"l2": 1, "form": "halve"}, 'regularization.form: unknown choice "halve"\n  did you mean "half"'),
        ({"l2": 1, "biases": 1}, "regularization.biases: expected true or false"),
        ({"l_2": 1}, 'regularization: unknown key "l_2"\n  did you mean "l2"'),
        (3, "regularization: expected a table"),
    ],
    ids=str,
)
def test_mistake_in_a_penalty_gives_one_message(penalty: Any, match: str) -> None:
    """Each mistake says where it is and what was expected."""
    with pytest.raises(SymbackpropError, match=match):
        problem_of(penalty)


def test_penalty_of_a_computation_graph_is_refused() -> None:
    """A computation graph says its penalty itself."""
    graph = {"parameters": {"w": 2}, "equations": ["L = w**2"], "output": "L"}
    with pytest.raises(
        ProblemError, match=r"regularization: a penalty is for networks; .* write it into the equations"
    ):
        sbp.problem({"graph": graph, "regularization": {"l2": 1}})
