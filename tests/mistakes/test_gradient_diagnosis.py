"""Backward passes in code are diagnosed: every mistake by its name and place, right ones never, arrays of any size fast."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy
import pytest

import symbackprop as sbp
from symbackprop.document.diagnosis_document import compose_gradients
from symbackprop.errors import KindError, MissingValueError, UnknownNameError
from symbackprop.language import phrases
from symbackprop.mistakes import (
    gradient_checks,
    gradient_diagnosis,
    gradient_reports,
    wrong_array_structures,
    wrong_arrays,
)
from symbackprop.mistakes.array_worksheets import ArraySite, ArrayWorksheet, BackwardRun, CircularError
from symbackprop.mistakes.gradient_diagnosis import examined_arrays, worksheet
from symbackprop.mistakes.known_mistakes import MISTAKES
from symbackprop.mistakes.verdicts import Finding
from symbackprop.problems import Problem
from symbackprop.rendering import diagnosis_formats
from symbackprop.testing import assert_gradients
from tests import random_problems
from tests.helpers import each, few

Array = Any
ROWS = {name: row for name, row in MISTAKES.items() if row.arrays is not None}


GRADIENT_DESCENT = {"optimizer": "gradient_descent", "learning_rate": "1/5"}


def network(
    *,
    activation: str = "tanh",
    output: str = "sigmoid",
    loss: str = "half_squared_error",
    training: Mapping[str, str] = GRADIENT_DESCENT,
) -> Problem:
    """Return a network of three square layers on four samples, with a penalty and momentum."""
    layers = [{"units": 3, "activation": activation}, {"units": 3, "activation": activation}]
    return sbp.problem(
        {
            "network": {"inputs": 3, "layers": [*layers, {"units": 3, "activation": output}], "loss": loss},
            "regularization": {"l2": "1/10"},
            "parameters": {"seed": 3, "initializer": {"name": "uniform", "low": -1, "high": 1, "biases": True}},
            "data": {
                "x": [["1/2", 1, -1], [-1, "3/4", 2], ["1/3", -2, "1/5"], [1, 0, "2/3"]],
                "y": [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]],
            },
            "training": dict(training),
        }
    )


def problems() -> Iterator[Problem]:
    """Yield problems in which every mistake of code can be made, some rare ones in the last alone."""
    yield network()
    yield network(activation="sigmoid", output="softmax", loss="cross_entropy")
    yield network(activation="relu", loss="binary_cross_entropy")
    yield from map(sbp.example, ("rnn", "mazur"))
    yield sbp.problem(
        {
            "graph": {
                "parameters": {"x": [1, 2, 4, "1/2"]},
                "inputs": {"u": [1, -1, 2, "1/3"]},
                "equations": ["m = mean(x)", "d = x - m", "v = mean(d**2)", "n = d/sqrt(v)", "f = dot(u, n)"],
                "output": "f",
            }
        }
    )
    yield sbp.example("convolution")
    yield network(training={"optimizer": "adamw", "weight_decay": "1/10", "learning_rate": "1/5"})


USUAL = 6
"""Problems in which each row is looked for; it is in the others where it is in none of these."""


def wrong(sheet: ArrayWorksheet, site: ArraySite) -> dict[str, Array] | None:
    """Return the gradients by the parameters under a mistake, None where it moves none."""
    run = BackwardRun(sheet, site.formulas)
    try:
        found = {name: run.of(name) for name in sheet.parameters if name in sheet.sources}
    except CircularError:
        return None
    right = {name: sheet.right.of(name) for name in found}
    if not all(numpy.isfinite(array).all() for array in found.values()):
        return None
    moved = [
        name
        for name, array in found.items()
        if array.shape != right[name].shape or abs(array - right[name]).max() > 1e-5 * abs(right[name]).max()
    ]
    return found if moved else None


def names_of(found: sbp.GradientDiagnosis) -> set[str]:
    """Return the mistakes that are named or possible."""
    return {one.id for answer in found.answers for one in (*answer.mistakes, *answer.possible)}


@pytest.mark.parametrize("name", ROWS)
def test_every_mistake_of_code_is_made_and_found(name: str) -> None:
    """Each row changes the arrays of some problem, and is named there, or possible, by these arrays alone."""
    made = 0
    for place, problem in enumerate(problems()):
        if made and place >= USUAL:
            break
        sheet = worksheet(sbp.derive(problem))
        for site in ROWS[name].arrays(sheet):  # type: ignore[misc]
            arrays = wrong(sheet, site)
            if arrays is None:
                continue
            made += 1
            found = examined_arrays(sheet, arrays, "en")
            assert name in names_of(found), (site.at, site.variant, str(found))
    assert made


@pytest.mark.parametrize("seed", few(range(70), 12))
def test_mistakes_of_code_are_found_in_random_problems(seed: int) -> None:
    """A mistake in a random problem is among those that explain its arrays; the right arrays are right."""
    sheet = worksheet(sbp.derive(sbp.problem(random_problems.problem(seed))))
    right = {name: sheet.right.of(name) for name in sheet.parameters if name in sheet.sources}
    if not all(numpy.isfinite(array).all() for array in right.values()):
        return
    assert examined_arrays(sheet, right, "en").is_right
    for row in each(ROWS.values()):
        for site in list(row.arrays(sheet))[:3]:  # type: ignore[misc]
            arrays = wrong(sheet, site)
            if arrays is not None:
                found = examined_arrays(sheet, arrays, "en")
                assert row.name in names_of(found), (row.name, site.at, site.variant, str(found))


@pytest.mark.parametrize("seed", few(range(70), 12))
def test_the_right_backward_pass_is_that_of_compiled_gradients(seed: int) -> None:
    """What arrays are compared with is what compiled gradients and the elements give."""
    derivation = sbp.derive(sbp.problem(random_problems.problem(seed)))
    sheet, (_, gradients) = worksheet(derivation), sbp.compile(derivation)()
    for name in each([name for name in sheet.parameters if name in sheet.sources]):
        numpy.testing.assert_allclose(sheet.right.of(name), gradients[name], rtol=1e-9, atol=1e-12)


def tanh_softmax(parameters: Mapping[str, Array], x: Array, y: Array, slip: str = "") -> dict[str, Array]:
    """Return the gradients of a tanh layer and a softmax layer as a person writes them, with a slip."""
    z1 = x @ parameters["W1"].T + parameters["b1"]
    a1 = numpy.tanh(z1)
    z2 = a1 @ parameters["W2"].T + parameters["b2"]
    a2 = numpy.exp(z2 - z2.max(1, keepdims=True))
    a2 /= a2.sum(1, keepdims=True)
    delta2 = (a2 - y) / (1 if slip == "no_mean" else len(x))
    if slip == "spurious_sigmoid":
        delta2 = delta2 * a2 * (1 - a2)
    if slip == "wrong_sign":
        delta2 = -delta2
    slope = {"no_derivative": 1, "derivative_at_preactivation": 1 - z1**2}.get(slip, 1 - a1**2)
    delta1 = delta2 @ parameters["W2"] * slope
    found = {"W2": delta2.T @ a1, "b2": delta2.sum(0), "W1": delta1.T @ x, "b1": delta1.sum(0)}
    if slip == "gradient_transposed":
        found["W1"] = found["W1"].T
    if slip == "samples_not_summed":
        found["b2"] = delta2
    if slip == "mean_twice":
        found["W2"] = found["W2"] / len(x)
    if slip == "wrong_input":
        found["W2"] = delta2.T @ z1
    return found


SLIPS = {
    "no_mean": ("W1", "b1", "W2", "b2"),
    "spurious_sigmoid": ("W1", "b1", "W2", "b2"),
    "wrong_sign": ("W1", "b1", "W2", "b2"),
    "no_derivative": ("W1", "b1"),
    "derivative_at_preactivation": ("W1", "b1"),
    "gradient_transposed": ("W1",),
    "samples_not_summed": ("b2",),
    "mean_twice": ("W2",),
    "wrong_input": ("W2",),
}
"""The arrays that each slip makes wrong."""


def digits() -> tuple[Problem, dict[str, Array], Array, Array]:
    """Return a network for digits with parameters and 32 samples."""
    problem = sbp.network([784, 128, 10], activations=["tanh", "softmax"], loss="cross_entropy")
    draw = numpy.random.default_rng(1)
    gradient = sbp.compile(problem)
    parameters = {each.name: draw.normal(size=each.shape) / 10 for each in gradient.arguments.parameters}
    return problem, parameters, draw.normal(size=(32, 784)), numpy.eye(10)[draw.integers(10, size=32)]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("slip", SLIPS)
def test_slips_of_code_are_named(slip: str, dtype: str) -> None:
    """Each slip in code that a person wrote is the only one named, in the arrays that it makes wrong."""
    problem, parameters, x, y = digits()

    def backward(own: Mapping[str, Array], x: Array, y: Array) -> dict[str, Array]:
        return {name: array.astype(dtype) for name, array in tanh_softmax(own, x, y, slip).items()}

    found = sbp.check_gradients(problem, backward, parameters, x, y)
    named = {answer.name: [one.id for one in answer.mistakes] for answer in found.answers if answer.mistakes}
    assert named == {name: [slip] for name in SLIPS[slip]}
    assert all(answer.verdict is Finding.RIGHT for answer in found.answers if answer.name not in SLIPS[slip])


@pytest.mark.parametrize("slip", ["", "noise", *SLIPS])
def test_large_arrays_are_diagnosed_fast(slip: str) -> None:
    """The gradients of 784-128-10 take a tenth of a second of work: the best of some runs, as others may be at work."""
    problem, parameters, x, y = digits()
    gradients = tanh_softmax(parameters, x, y, slip)
    if slip == "noise":
        gradients["W1"] = gradients["W1"] + x.std()
    taken = []
    for _ in range(8):
        start = time.thread_time()
        sbp.diagnose(problem, gradients=gradients, parameters=parameters, x=x, y=y)
        taken.append(time.thread_time() - start)
    assert min(taken) < 0.1


def test_two_mistakes_in_two_layers_are_both_named() -> None:
    """The second is found on top of the first."""
    problem, parameters, x, y = digits()

    def backward(own: Mapping[str, Array], x: Array, y: Array) -> dict[str, Array]:
        found = tanh_softmax(own, x, y, "no_derivative")
        return {**found, "W2": -found["W2"]}

    found = {answer.name: answer for answer in sbp.check_gradients(problem, backward, parameters, x, y).answers}
    assert [one.id for one in found["W2"].mistakes] == ["wrong_sign"]
    assert [one.id for one in found["W1"].mistakes] == ["no_derivative"]
    assert found["b2"].verdict is Finding.RIGHT


def test_gradients_on_the_way_show_where_it_went_wrong() -> None:
    """With δ given a gradient may follow from a wrong one; 1/m may stand in the gradients by parameters instead."""
    problem = network()
    sheet = worksheet(sbp.derive(problem))
    right = {name: numpy.array(sheet.right.of(name)) for name in ("z3", "W3", "b3", "W2")}
    odd = {**right, "z3": right["z3"] + 1}
    odd["b3"] = BackwardRun(sheet, {}, {"z3": odd["z3"]}).of("b3")
    found = {answer.name: answer.verdict for answer in examined_arrays(sheet, odd, "en").answers}
    assert found == {
        "z3": Finding.UNEXPLAINED,
        "W3": Finding.RIGHT,
        "b3": Finding.FOLLOW_THROUGH,
        "W2": Finding.RIGHT,
    }
    for scale, convention in each(((4, "mean_in_gradient"), (-1, "negative_delta"))):
        found_one = examined_arrays(sheet, {**right, "z3": scale * right["z3"]}, "en")
        assert found_one.is_right
        assert [one.id for one in found_one.answers[0].mistakes] == [convention]


def test_what_no_mistake_explains_is_told_by_its_place() -> None:
    """An array that is off says where most, by which factor, or by which shape."""
    gradient = sbp.compile("mazur")
    right = gradient()[1]
    off = right["W1"].copy()
    off[1, 0] += 1
    cases: dict[str, tuple[Array, str]] = {
        "place": (off, "differs most at [1, 0]: 1.0005"),
        "factor": (right["W1"] * 7, "it is 7 times the gradient"),
        "shape": (right["W1"][0], "it has the shape (2,), the gradient has (2, 2)"),
        "no numbers": (numpy.array("text"), "no array of real numbers"),
        "nothing": (right["W1"] * numpy.nan, "differs most at [0, 0]: nan"),
    }
    for array, said in each(cases.values()):
        found = sbp.diagnose("mazur", gradients={"W1": array, "W2": right["W2"]})
        assert said in str(found), str(found)
        assert not found.is_right
        assert found.answers[1].verdict is Finding.RIGHT


def test_gradients_have_several_spellings() -> None:
    """An array is named by its parameter, as code spells it, and as documents do; axes of length 1 do not matter."""
    right = sbp.compile("mazur")()[1]
    for name in each(("W1", "dW1", "dL_dW1")):
        assert sbp.diagnose("mazur", gradients={name: right["W1"][None]}).is_right
    with pytest.raises(UnknownNameError):
        sbp.diagnose("mazur", gradients={"W9": right["W1"]})


def right_backward(name: str) -> Callable[..., dict[str, Array]]:
    """Return a backward pass that is right."""
    gradient = sbp.compile(name)
    return lambda parameters, x, y: gradient(parameters, x, y)[1]


@pytest.mark.parametrize("name", ["mazur", "xor", "classifier", "rnn", "batchnorm"])
def test_a_backward_pass_gets_what_compiled_gradients_take(name: str) -> None:
    """It is called with copies in the problem's own shapes."""
    assert_gradients(name, right_backward(name))

    def changing(parameters: dict[str, Array], x: Array, y: Array) -> dict[str, Array]:
        found = right_backward(name)(parameters, x, y)
        for array in parameters.values():
            array[...] = 0
        return found

    assert_gradients(name, changing)
    assert_gradients(name, right_backward(name))


def test_a_failing_assertion_says_what_is_wrong() -> None:
    """The message has a line for each array, those that are missing too, in any language."""

    def backward(parameters: Mapping[str, Array], x: Array, y: Array) -> dict[str, Array]:
        found = right_backward("mazur")(parameters, x, y)
        return {"W1": found["W1"], "W2": found["W2"].T, "b2": found["b2"]}

    with pytest.raises(AssertionError) as raised:
        assert_gradients("mazur", backward)
    lines = str(raised.value).splitlines()
    assert lines == [
        "wrong gradients",
        "W1: right",
        "W2: the matrix of gradients is transposed (W2)",
        "b2: right",
        "b1: this gradient is missing",
    ]
    with pytest.raises(AssertionError, match="梯度矩阵"):
        assert_gradients("mazur", backward, language="zh")
    with pytest.raises(KindError):
        sbp.check_gradients("mazur", lambda parameters, x, y: [1.0])  # type: ignore[arg-type, return-value]
    with pytest.raises(MissingValueError):
        sbp.check_gradients(digits()[0], backward)


def test_rooms_of_this_test() -> None:
    """The rows of code are all those of its room."""
    own = {row.arrays for row in ROWS.values()}
    assert {getattr(one, "__module__", "") for one in own} == {
        wrong_arrays.__name__,
        wrong_array_structures.__name__,
    }
    assert gradient_checks.examined_arrays is gradient_diagnosis.examined_arrays
    assert sbp.GradientDiagnosis is gradient_reports.GradientDiagnosis


@pytest.mark.parametrize("code", ["en", "zh"])
def test_a_diagnosis_of_code_is_written_in_formats(code: str) -> None:
    """As data, as Markdown and as a page: each array with its verdict, each mistake with its reason, nothing unescaped."""
    derivation = sbp.derive("mazur")
    sheet = worksheet(derivation, None, None, None)
    given = {"W2": sheet.right.of("W2").T, "W1": sheet.right.of("W1")}
    found = sbp.diagnose(derivation, gradients=given, language=code)
    assert len(compose_gradients(found).sections) == 1
    data = json.loads(diagnosis_formats.rendered(found, "json"))
    assert [(one["gradient"], one["verdict"]) for one in data["answers"]] == [("W2", "mistake"), ("W1", "right")]
    assert [{"id": "gradient_transposed", "at": ["W2"]}] == data["answers"][0]["mistakes"]
    assert data["answers"][0]["difference"] > 0 == len(data["answers"][1]["mistakes"])
    known = phrases(code)
    for format in each(("text", "markdown", "html", "latex")):
        text = " ".join(str(diagnosis_formats.rendered(found, format)).split())
        assert known["slip.gradient_transposed"] in text
