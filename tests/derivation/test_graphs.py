"""Computation graphs: known numbers, an independent oracle, samples, names, and a message for every mistake."""

from __future__ import annotations

import json
import math
import random
import re
import time
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop.algebra.formula import Name, Negative, Product, Sum
from symbackprop.algebra.functions import ACTIVATIONS, NAMES, RESERVED
from symbackprop.derivation.backprop import sweep
from symbackprop.derivation.derivations import derive
from symbackprop.descent.solution import Solution, solve
from symbackprop.errors import (
    EvaluationError,
    ExpressionError,
    MissingValueError,
    ProblemError,
    SymbackpropError,
    UnknownNameError,
)
from symbackprop.evaluation.arithmetics import EXACT, FLOAT, Arithmetic, Value
from symbackprop.evaluation.checks import Verdict, check
from symbackprop.evaluation.evaluate import Values, evaluate
from symbackprop.evaluation.kinks import kinks
from symbackprop.graph.quantities import Quantity, Role
from symbackprop.problems import ComputationGraph, Problem
from symbackprop.problems.load import examples
from symbackprop.rendering.json_result import result, to_json
from tests.helpers import ROOT, each

Content = dict[str, Any]

CASES: Mapping[str, Mapping[str, Any]] = {
    case["name"]: case for case in json.loads((ROOT / "tests" / "reference" / "graph_cases.json").read_text("utf-8"))
}


def graph(*equations: str, output: str = "f", data: Content | None = None, **tables: Any) -> Problem:
    """Return a graph problem; `parameters`, `inputs` and other keys of `[graph]` are given by name."""
    content: Content = {"graph": {"equations": list(equations), "output": output, **tables}}
    return sbp.problem(content if data is None else {**content, "data": data})


# Known numbers


def linspace(first: str, last: str, *shape: int) -> Any:
    """Return an even division of an interval in the rows of an array, as exact texts."""
    low, high, count = Fraction(first), Fraction(last), math.prod(shape)
    numbers: list[Any] = [str(low + (high - low) * step / (count - 1)) for step in range(count)]
    for length in reversed(shape[1:]):
        numbers = [numbers[start : start + length] for start in range(0, len(numbers), length)]
    return numbers


def spread(value: object) -> object:
    """Return an input of a case: numbers as they are, `linspace(a,b) 3x10` as its numbers."""
    found = re.fullmatch(r"linspace\((.+),(.+)\) (\d+)(?:x(\d+))?", value) if isinstance(value, str) else None
    return (
        value
        if found is None
        else linspace(found[1], found[2], *(int(length) for length in found.groups()[2:] if length))
    )


RNN = ["z1 = Wx*x[0] + Wh*h0", "h1 = sigmoid(z1)", "z2 = Wx*x[1] + Wh*h1", "h2 = sigmoid(z2)"]
RNN += ["z3 = Wx*x[2] + Wh*h2", "h3 = sigmoid(z3)", "o = Wy*h3", "L = 1/2*(o - y)**2"]
WINDOWS = "[[sum(X[0:2, 0:2]*K), sum(X[0:2, 1:3]*K)], [sum(X[1:3, 0:2]*K), sum(X[1:3, 1:3]*K)]]"

EQUATIONS: Mapping[str, list[str]] = {
    "cs231n_xyz": ["q = x + y", "f = q*z"],
    "cs231n_sigmoid_neuron": ["s = w0*x0 + w1*x1 + w2", "n = -s", "e = exp(n)", "v = 1 + e", "f = 1/v"],
    "cs231n_max_circuit": ["f = 2*(x*y + max(z, w))"],
    "micrograd_L": ["f = (a*b + c)*f_"],
    "micrograd_tanh_neuron": ["n = x1*w1 + x2*w2 + b", "f = tanh(n)"],
    "micrograd_fork": ["f = (a*b)*(a + b)"],
    "udl_toy": [
        *("f0 = b0 + o0*x", "h1 = sin(f0)", "f1 = b1 + o1*h1", "h2 = exp(f1)"),
        *("f2 = b2 + o2*h2", "h3 = cos(f2)", "f3 = b3 + o3*h3", "f = (f3 - y)**2"),
    ],
    "cs231n_dscores": ["p = softmax(z)", "loss = -sum(y*ln(p))"],
    "cs231n_rnn_step": ["h = tanh(x @ Wx + prev_h @ Wh + b)", "f = sum(h)"],
    "rnn_bptt_scalar_3steps": RNN,
    "conv1d_constructed": ["y = [dot(k, x[0:3]), dot(k, x[1:4]), dot(k, x[2:5])]", "f = dot(u, y)"],
    "batchnorm_constructed": [
        *("mu = mean(x)", "d = x - mu", "v = mean(d**2)", "n = d/sqrt(v + eps)"),
        *("y = gamma*n + beta", "f = dot(u, y)"),
    ],
    "d2l_corr2d_backward": [f"Y = {WINDOWS}", "f = sum(U*Y)"],
    "dsc140b_quiz07": ["a1 = relu(z1)", "z2 = a1 @ W2", "H = dot(g, z2)"],
}
"""The equations of each case; the last one defines the output."""

ALIASES: Mapping[str, Mapping[str, str]] = {
    # Names of the figures → names of the problem, where they differ.
    "cs231n_sigmoid_neuron": {"dot": "s", "exp": "e", "den": "v", "exp_in": "n"},
    "rnn_bptt_scalar_3steps": {"loss": "L", "out": "o"},
    "batchnorm_constructed": {"var": "v", "xhat": "n", "dy": "u"},
    "conv1d_constructed": {"dy": "u"},
    "d2l_corr2d_backward": {"dY": "U"},
    "dsc140b_quiz07": {"dH/dz2": "g"},
}

LEFT_OUT = (
    r"loss_log10",  # the same loss in decimal logarithms
    r".*\(mistake\)|MISTAKE_.*",  # common mistakes
    r"J\d\d",  # the Jacobian of the softmax: a test of its own
)

PARAMETERS = {"micrograd_L": ("a", "b", "c", "f_"), "rnn_bptt_scalar_3steps": ("Wx", "Wh", "Wy")}
"""The quantities that a case updates; all others are inputs."""

RATES = {"micrograd_L": -0.01, "rnn_bptt_scalar_3steps": 0.01}


def problem_of(name: str) -> Problem:
    """Return a reference case as a graph problem."""
    case, aliases = CASES[name], ALIASES.get(name, {})
    given = case["inputs"] if isinstance(case["inputs"], dict) else {"z": case["inputs"]}
    words = ("W2_orientation", "activation")
    numbers = {aliases.get(key, key): spread(value) for key, value in given.items() if key not in words}
    if name == "cs231n_dscores":
        numbers["y"] = [int(unit == case["targets"]) for unit in range(len(case["inputs"]))]
    if name == "rnn_bptt_scalar_3steps":
        numbers["y"] = case["targets"][-1]
    trained = PARAMETERS.get(name, ())
    content: Content = {
        "graph": {
            "parameters": {key: numbers[key] for key in trained},
            "inputs": {key: value for key, value in numbers.items() if key not in trained},
            "equations": EQUATIONS[name],
            "output": EQUATIONS[name][-1].split(" ")[0],
        }
    }
    if trained:
        content["training"] = {"learning_rate": RATES[name]}
    return sbp.problem(content, name=name)


def read(name: str, figure: str, solved: Solution) -> Value:
    """Return the project's number for a figure of a case; unknown names raise."""
    values, aliases = solved.steps[0].values, ALIASES.get(name, {})
    elements = {e for quantity in solved.derivation.graph.quantities.values() for e in quantity.elements()}

    def element(key: str) -> str | None:
        base, index = re.fullmatch(r"(.*?)(\d?)", key).groups()
        choices = (key, aliases.get(key, key), f"{aliases.get(base, base)}_{index}")
        return next((choice for choice in choices if choice in elements), None)

    figure = figure.removesuffix("(from,to)").replace("dH/", "")
    if figure == "after_ascent_0.01":
        return solved.losses[1]
    if figure.endswith("+"):
        return solved.steps[0].updated[figure[:-1]]
    if figure.startswith("delta"):
        return values.gradient(f"z{figure.removeprefix('delta')}")
    found = element(figure)
    if found is not None:
        return values.value(found)
    found = element(figure[1:]) if figure.startswith("d") else None
    if found is None:
        raise LookupError(f"nothing reads the figure {figure} of {name}")
    return values.gradient(found)


@pytest.mark.parametrize("name", list(CASES))
def test_reference_case_has_the_known_numbers(name: str) -> None:
    """Every figure of a published graph is reproduced to 1e-10."""
    solved = solve(problem_of(name))
    wrong, compared = {}, 0
    for figure, expected in CASES[name]["expected"].items():
        if any(re.fullmatch(pattern, figure) for pattern in LEFT_OUT):
            continue
        compared += 1
        actual = float(read(name, figure, solved))
        if not math.isclose(expected, actual, rel_tol=1e-10, abs_tol=1e-14):
            wrong[figure] = (expected, actual)
    assert {} == wrong
    assert compared >= 3


@pytest.mark.parametrize("name", list(CASES))
def test_check_agrees_on_reference_cases(name: str) -> None:
    """The oracles confirm every gradient of every case."""
    report = check(problem_of(name))
    assert report.agrees and not report.with_verdict(Verdict.SKIPPED)
    assert report.worst < 1e-18


def test_every_reference_case_is_stated() -> None:
    """No case of the file is forgotten, and none is invented."""
    assert set(CASES) == set(EQUATIONS)


def test_unknown_figure_is_refused() -> None:
    """A figure that nothing reads fails: none is ignored silently."""
    with pytest.raises(LookupError, match="nonsense"):
        read("cs231n_xyz", "nonsense", solve(problem_of("cs231n_xyz")))


@pytest.mark.parametrize("row", [0, 1, 2])
def test_softmax_jacobian_has_the_known_numbers(row: int) -> None:
    """With one probability as output the gradient is a row of the softmax Jacobian."""
    case = CASES["cs231n_dscores"]
    values = evaluate(derive(graph("p = softmax(z)", f"f = p[{row}]", inputs={"z": case["inputs"]})))
    for column in range(3):
        expected = case["expected"][f"J{row + 1}{column + 1}"]
        assert math.isclose(expected, values.gradient(f"z_{column + 1}"), rel_tol=1e-10)


def test_fused_softmax_and_cross_entropy_give_p_minus_y() -> None:
    """From the logits, softmax and cross-entropy together have the gradient p − y."""
    values = evaluate(derive(problem_of("cs231n_dscores")))
    for unit in (1, 2, 3):
        expected = values.value(f"p_{unit}") - values.value(f"y_{unit}")
        assert abs(expected - values.gradient(f"z_{unit}")) < 1e-45


GRAPHS = [name for name in examples() if isinstance(sbp.example(name).model, ComputationGraph)]


def test_graph_examples_are_bundled() -> None:
    """The examples that the problem format promises are there."""
    assert {"attention", "batchnorm", "circuit", "convolution", "lstm", "rnn"} <= set(GRAPHS)


@pytest.mark.parametrize("name", GRAPHS)
def test_example_has_the_numbers_of_its_source(name: str) -> None:
    """A bundled graph with a published counterpart has that case's output."""
    published = {
        "circuit": ("f", 0.7310585786300049),
        "rnn": ("L", CASES["rnn_bptt_scalar_3steps"]["expected"]["loss"]),
        "batchnorm": ("y_4", CASES["batchnorm_constructed"]["expected"]["y4"]),
        "convolution": ("Y_2_2", CASES["d2l_corr2d_backward"]["expected"]["Y_2_2"]),
    }
    if name not in published:
        pytest.skip("it has no published counterpart")
    element, expected = published[name]
    assert math.isclose(expected, evaluate(derive(sbp.example(name))).value(element), rel_tol=1e-10)


# An independent oracle: central differences of a forward pass in plain NumPy

Arrays = dict[str, np.ndarray]


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Return the logistic function."""
    return 1 / (1 + np.exp(-z))


def softmax(z: np.ndarray) -> np.ndarray:
    """Return the softmax of each row."""
    exponentials = np.exp(z - z.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def lstm(a: Arrays) -> float:
    """Return the loss of an LSTM cell of two units over two steps."""
    h, c = np.zeros(2), np.zeros(2)
    for x in (a["x1"], a["x2"]):
        i, f, o, g = np.split(a["W"] @ np.concatenate([x, h]) + a["b"], 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    return float(((h - a["y"]) ** 2).sum() / 2)


LSTM = ["h0 = [0, 0]", "c0 = [0, 0]"]
for _step in (1, 2):
    LSTM += [
        f"z{_step} = W @ concat(x{_step}, h{_step - 1}) + b",
        f"c{_step} = sigmoid(z{_step}[2:4])*c{_step - 1} + sigmoid(z{_step}[0:2])*tanh(z{_step}[6:8])",
        f"h{_step} = sigmoid(z{_step}[4:6])*tanh(c{_step})",
    ]
LSTM += ["f = 1/2*sum((h2 - y)**2)"]


def layer_norm(a: Arrays) -> float:
    """Return the weighted sum of normalised rows, with gain and shift."""
    x = a["X"]
    deviation = x - x.mean(axis=1, keepdims=True)
    normal = deviation / np.sqrt((deviation**2).mean(axis=1, keepdims=True) + 1e-3)
    return float((a["U"] * (a["gamma"] * normal + a["beta"])).sum())


def attention(a: Arrays) -> float:
    """Return the squared error of single-head attention."""
    query, key, value = (a["X"] @ a[name] for name in ("Wq", "Wk", "Wv"))
    weights = softmax(query @ key.T / math.sqrt(2))
    return float(((weights @ value - a["Y"]) ** 2).sum() / 2)


def vector_rnn(a: Arrays) -> float:
    """Return the cross-entropy of a recurrent layer after three steps, summed over the steps."""
    h, loss = a["h0"], 0.0
    for step in range(3):
        h = np.tanh(a["Wx"] @ a["X"][step] + a["Wh"] @ h + a["b"])
        loss -= float((a["Y"][step] * np.log(softmax(a["Wy"] @ h))).sum())
    return loss


VECTOR_RNN = [
    line
    for step in range(3)
    for line in (
        f"h{step + 1} = tanh(Wx @ X[{step}] + Wh @ h{step} + b)",
        f"l{step + 1} = -dot(Y[{step}], ln(softmax(Wy @ h{step + 1})))",
    )
]


def convolution(a: Arrays) -> float:
    """Return the loss of a 2-D cross-correlation, a ReLU, a mean over it and a line."""
    image, kernel = a["X"], a["K"]
    found = np.array([[(image[i : i + 2, j : j + 2] * kernel).sum() for j in range(2)] for i in range(2)])
    return float((a["w"] * np.maximum(found + a["b"], 0).mean() - 1) ** 2)


def hinge(a: Arrays) -> float:
    """Return the multi-class hinge loss of linear scores, the right class being the second."""
    scores = a["W"] @ a["x"]
    return float(np.maximum(0, np.delete(scores, 1) - scores[1] + 1).sum())


def array(*shape: int, seed: int = 0) -> Any:
    """Return distinct decimals in a shape."""
    random = np.random.Generator(np.random.PCG64([seed, *shape]))
    return (random.permutation(np.arange(math.prod(shape))).reshape(shape) - math.prod(shape) // 2) * 2 / 10 + 0.05


CONSTRUCTIONS: Mapping[str, tuple[list[str], dict[str, Any], Callable[[Arrays], float]]] = {
    "lstm": (
        LSTM,
        {"W": array(8, 5) / 4, "b": array(8), "x1": array(3), "x2": array(3, seed=1), "y": [0.3, -0.2]},
        lstm,
    ),
    "layer_normalisation": (
        [
            "mu = mean(X, axis=1)",
            "D = X - [[mu[0]], [mu[1]]]",
            "v = mean(D**2, axis=1)",
            "N = D/sqrt([[v[0]], [v[1]]] + 0.001)",
            "f = sum(U*(gamma*N + beta))",
        ],
        {"X": array(2, 3), "U": array(2, 3, seed=1), "gamma": array(3), "beta": array(3, seed=2)},
        layer_norm,
    ),
    "attention": (
        [
            *("Q = X @ Wq", "K = X @ Wk", "V = X @ Wv", "A = softmax(Q @ K.T/sqrt(2))"),
            *("O = A @ V", "f = 1/2*sum((O - Y)**2)"),
        ],
        {
            "X": array(2, 3),
            **{name: array(3, 2, seed=seed) for seed, name in enumerate(("Wq", "Wk", "Wv"))},
            "Y": array(2, 2),
        },
        attention,
    ),
    "scalar_rnn": (
        ["h1 = tanh(u*x[0] + w*h0)", "h2 = tanh(u*x[1] + w*h1)", "h3 = tanh(u*x[2] + w*h2)", "f = (v*h3 - 1)**2"],
        {"x": array(3), "h0": 0.25, "u": 0.5, "w": -0.75, "v": 1.5},
        lambda a: float(
            (
                a["v"]
                * np.tanh(
                    a["u"] * a["x"][2]
                    + a["w"] * np.tanh(a["u"] * a["x"][1] + a["w"] * np.tanh(a["u"] * a["x"][0] + a["w"] * a["h0"]))
                )
                - 1
            )
            ** 2
        ),
    ),
    "vector_rnn": (
        [*VECTOR_RNN, "f = l1 + l2 + l3"],
        {
            **{"X": array(3, 2), "h0": array(2), "Wx": array(2, 2), "Wh": array(2, 2, seed=3), "b": array(2, seed=4)},
            **{"Wy": array(3, 2, seed=5), "Y": [[1, 0, 0], [0, 0, 1], [0, 1, 0]]},
        },
        vector_rnn,
    ),
    "residual_connection": (
        ["h = x + W2 @ relu(W1 @ x)", "g = h + W2 @ relu(W1 @ h)", "f = dot(u, g)"],
        {"x": array(3), "u": array(3, seed=1), "W1": array(4, 3), "W2": array(3, 4)},
        lambda a: float(
            a["u"] @ (lambda block: block(block(a["x"])))(lambda x: x + a["W2"] @ np.maximum(a["W1"] @ x, 0))
        ),
    ),
    "weight_sharing": (
        ["h = tanh(W @ x)", "r = W.T @ h", "f = sum((r - x)**2)"],
        {"x": array(3), "W": array(2, 3)},
        lambda a: float(((a["W"].T @ np.tanh(a["W"] @ a["x"]) - a["x"]) ** 2).sum()),
    ),
    "convolution_for_the_next_layer": (
        [f"Y = {WINDOWS}", "R = relu(Y + b)", "m = mean(R)", "f = (w*m - 1)**2"],
        {"X": array(3, 3), "K": array(2, 2), "b": 0.15, "w": 1.25},
        convolution,
    ),
    "multi_class_hinge": (
        ["s = W @ x", "m = max(0, concat(s[0:1], s[2:4]) - s[1] + 1)", "f = sum(m)"],
        {"W": array(4, 3), "x": array(3)},
        hinge,
    ),
    "batch_normalisation": (
        [
            *("mu = mean(X, axis=0)", "D = X - mu", "v = mean(D*D, axis=0)", "N = D/sqrt(v + 1e-3)"),
            "f = sum(U*tanh(gamma*N + beta))",
        ],
        {"X": array(4, 2), "U": array(4, 2, seed=1), "gamma": array(2), "beta": array(2, seed=1)},
        lambda a: float(
            (
                a["U"]
                * np.tanh(a["gamma"] * (a["X"] - a["X"].mean(axis=0)) / np.sqrt(a["X"].var(axis=0) + 1e-3) + a["beta"])
            ).sum()
        ),
    ),
}


def differences(forward: Callable[[Arrays], float], numbers: Mapping[str, Any], step: float = 1e-4) -> Arrays:
    """Return central differences of fourth order by every number (error about 1e-12)."""
    found = {}
    for name in numbers:
        gradient = np.zeros(np.shape(numbers[name]))
        for index in np.ndindex(gradient.shape):
            losses = []
            for multiple in (1, -1, 2, -2):
                moved = {key: np.array(value, dtype=float) for key, value in numbers.items()}
                moved[name][index] += multiple * step
                losses.append(forward(moved))
            gradient[index] = (8 * (losses[0] - losses[1]) - (losses[2] - losses[3])) / (12 * step)
        found[name] = gradient
    return found


def gradient_of(values: Values, quantity: Quantity) -> np.ndarray:
    """Return our gradient by a quantity without samples, in its shape."""
    entries = [float(values.gradient(element)) for element in quantity.elements()]
    return np.array(entries).reshape(quantity.shape)


@pytest.mark.parametrize("arithmetic", [EXACT, FLOAT], ids=["exact", "float"])
@pytest.mark.parametrize("name", list(CONSTRUCTIONS))
def test_construction_has_the_gradients_of_an_independent_forward_pass(name: str, arithmetic: Arithmetic) -> None:
    """Value and gradients of a course's constructions are those of plain NumPy and its central differences."""
    equations, numbers, forward = CONSTRUCTIONS[name]
    derivation = derive(graph(*equations, inputs=numbers))
    values = evaluate(derivation, arithmetic)
    arrays = {key: np.array(value, dtype=float) for key, value in numbers.items()}
    assert math.isclose(forward(arrays), values.value("f"), rel_tol=1e-12)
    for key, expected in differences(forward, numbers).items():
        actual = gradient_of(values, derivation.graph.quantities[key])
        np.testing.assert_allclose(actual, expected, rtol=1e-8, atol=1e-8, err_msg=key)


@pytest.mark.parametrize("name", ["layer_normalisation", "weight_sharing", "multi_class_hinge", "scalar_rnn"])
def test_check_agrees_on_constructions(name: str) -> None:
    """The bundled oracles confirm them far beyond float64."""
    equations, numbers, _ = CONSTRUCTIONS[name]
    report = check(graph(*equations, inputs=numbers))
    assert report.agrees and report.worst < 1e-15


# Samples

SAMPLES = [[1, "1/2"], [-2, 3], ["1/4", -1]]
TARGETS = [1, 0, "1/3"]
REGRESSION = ("p = dot(w, x) + b", "f = (p - y)**2/2")


def regression(reduction: str) -> Problem:
    """Return a line through three samples."""
    return graph(
        *REGRESSION,
        parameters={"w": ["1/2", "-1/3"], "b": "1/5"},
        inputs={"x": [0, 0]},
        targets={"y": 0},
        reduction=reduction,
        data={"x": SAMPLES, "y": TARGETS},
    )


@pytest.mark.parametrize(("reduction", "share"), [("mean", Fraction(1, 3)), ("sum", Fraction(1))])
def test_samples_are_reduced(reduction: str, share: Fraction) -> None:
    """Output and gradients are the mean or the sum of those of the samples, each solved alone, exactly."""
    values = evaluate(derive(regression(reduction)))
    alone = [
        evaluate(
            derive(graph(*REGRESSION, parameters={"w": ["1/2", "-1/3"], "b": "1/5"}, inputs={"x": x}, targets={"y": y}))
        )
        for x, y in zip(SAMPLES, TARGETS, strict=True)
    ]
    assert share * sum(each.value("f") for each in alone) == values.value("f")
    for name in ("w_1", "w_2", "b"):
        assert share * sum(each.gradient(name) for each in alone) == values.gradient(name)
    for sample, own in enumerate(alone, start=1):
        assert own.value("p") == values.value("p", sample)
        for name in ("p", "x_1", "x_2"):
            assert share * own.gradient(name) == values.gradient(name, sample)


def test_samples_without_a_choice_are_averaged() -> None:
    """The reduction is the mean unless the file says otherwise."""
    problem = graph("f = w*x", parameters={"w": 1}, inputs={"x": 0}, data={"x": [1, 2, 6]})
    assert 3 == evaluate(derive(problem)).gradient("w")


def test_samples_come_back_as_lists() -> None:
    """In the JSON a quantity that differs between samples is a list of samples; the output is one number."""
    found = result(solve(regression("mean")))
    assert [[1, 0.5], [-2, 3], [0.25, -1]] == found["values"]["x"]
    assert 3 == len(found["values"]["p"])
    assert 3 == len(found["gradients"]["x"]) and 2 == len(found["gradients"]["x"][0])
    assert isinstance(found["values"]["f"], float)
    assert 2 == len(found["gradients"]["w"])
    assert all("@" not in name for name in found["values"])


def test_one_sample_is_a_batch_of_one() -> None:
    """A list of one sample is a batch: values are nested, the numbers those of the sample."""
    problem = graph("f = w*x", parameters={"w": 3}, inputs={"x": 0}, data={"x": [2]})
    found = result(solve(problem))
    assert ([2], 6, 2, [3]) == (
        found["values"]["x"],
        found["values"]["f"],
        found["gradients"]["w"],
        found["gradients"]["x"],
    )


def test_input_without_samples_is_the_same_in_all() -> None:
    """A declared input that `[data]` leaves out keeps its declared value in every sample."""
    problem = graph("f = w*x*c", parameters={"w": 1}, inputs={"x": 0, "c": 5}, reduction="sum", data={"x": [1, 2]})
    values = evaluate(derive(problem))
    assert (5, 5) == (values.value("c", 1), values.value("c", 2))
    assert 15 == values.gradient("w")


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_check_agrees_on_samples(reduction: str) -> None:
    """The oracles know samples too."""
    report = check(regression(reduction))
    assert report.agrees and 9 == len(report.entries)


# Kinks


@pytest.mark.parametrize(
    ("equation", "inputs", "touched"),
    [
        ("f = max(x, y) + z", {"x": 2, "y": 2, "z": 1}, {"x", "y"}),
        ("f = min(x, y) + z", {"x": 2, "y": 2, "z": 1}, {"x", "y"}),
        ("f = abs(x) + y + z", {"x": 0, "y": 2, "z": 1}, {"x"}),
        ("f = abs(x - y) + z", {"x": "1/3", "y": "1/3", "z": 1}, {"x", "y"}),
        ("f = max(0, x) + y + z", {"x": 0, "y": 2, "z": 1}, {"x"}),
        ("f = max(x) + y + z", {"x": [3, 1, 3], "y": 2, "z": 1}, {"x_1", "x_3"}),
        ("f = min(x) + y + z", {"x": [1, 1, 3], "y": 2, "z": 1}, {"x_1", "x_2"}),
        ("f = relu(x) + leaky_relu(y) + z", {"x": 0, "y": 0, "z": 1}, {"x", "y"}),
        ("f = elu(x, alpha=2) + y + z", {"x": 0, "y": 1, "z": 1}, {"x"}),
    ],
)
def test_check_skips_what_touches_a_kink(equation: str, inputs: dict[str, Any], touched: set[str]) -> None:
    """At a tie of max or min, or a zero of abs, there is nothing to compare: those inputs are skipped, the rest agrees."""
    problem = graph(equation, inputs=inputs)
    report = check(problem)
    assert touched == {entry.name for entry in report.with_verdict(Verdict.SKIPPED)}
    inner = {"f", *(f"f_{name}" for name in ACTIVATIONS)}  # an activation inside f is a quantity of its own
    assert all(inner.issuperset(entry.kinks) for entry in report.with_verdict(Verdict.SKIPPED))
    assert report.agrees and report.with_verdict(Verdict.AGREES)
    derivation = derive(problem)
    assert inner.issuperset(kink.name for kink in kinks(derivation, evaluate(derivation)))


@pytest.mark.parametrize(
    ("equation", "inputs"),
    [
        ("f = max(x)", {"x": [3, 1, 1]}),
        ("f = min(x)", {"x": [3, 3, 1]}),
        ("f = max(x, y)", {"x": 2, "y": 1}),
        ("f = softsign(x)", {"x": 0}),
        ("f = elu(x)", {"x": 0}),
        ("f = x*abs(x)", {"x": 0}),
        ("f = max(0, x)**2 - min(0, x)**2", {"x": 0}),
        ("f = abs(x)", {"x": "1e-9"}),
    ],
)
def test_check_skips_nothing_without_a_kink(equation: str, inputs: dict[str, Any]) -> None:
    """A tie below the maximum is no kink, nor is the zero of a smooth function made of kinked ones."""
    problem = graph(equation, inputs=inputs)
    report = check(problem)
    assert report.agrees and not report.with_verdict(Verdict.SKIPPED)
    assert () == solve(problem).steps[0].kinks


def kinked(draw: random.Random, depth: int) -> str:
    """Return a formula of maxima, minima, absolute values and ReLU inside each other."""
    if not depth:
        return draw.choice("abc")
    first, second = kinked(draw, depth - 1), kinked(draw, draw.randrange(depth))
    return draw.choice(
        (f"max({first}, {second})", f"min({first}, {second})", f"abs({first} - {second})", f"relu({first} - {second})",
         f"({first} + {second})", f"{first}*{second}")
    )  # fmt: skip


@pytest.mark.sweep
def test_check_never_says_differs_where_kinks_meet() -> None:
    """However kinks are nested, and although they may cancel: at values that tie, gradients agree or are skipped."""
    draw, skipped = random.Random(4), 0
    for _ in range(150):
        equations = [f"m = {kinked(draw, 2)}", f"f = m + {kinked(draw, 3).replace('c', 'm')}"]
        problem = graph(*equations, inputs={name: draw.choice((0, 1, 1, 2)) for name in "abc"})
        report = check(problem, oracles=())
        assert report.agrees, (equations, report)
        skipped += len(report.with_verdict(Verdict.SKIPPED))
    assert skipped > 20


@pytest.mark.parametrize("equations", [("m = min(x, y)", "f = max(x, m)"), ("m = relu(x)", "f = m - relu(0 - x) + y")])
def test_check_skips_kinks_that_cancel(equations: tuple[str, ...]) -> None:
    """The loss has a derivative, and what the conventions of its kinks make is another: neither wrong nor right."""
    report = check(graph(*equations, inputs={"x": 0, "y": 0}))
    skipped = {entry.name: set(entry.kinks) for entry in report.with_verdict(Verdict.SKIPPED)}
    assert report.agrees and skipped["x"] <= {"m", "f", "f_relu"} and skipped["x"]


@pytest.mark.parametrize("convention", ["0", "1/2", "1"])
def test_convention_at_zero_is_that_of_relu(convention: str) -> None:
    """`relu_derivative_at_zero` is the derivative of ReLU and max(0, x) at 0; a tie is shared, a zero of abs keeps 0."""
    problem = graph(
        "f = relu(x) + 2*max(y, z) + abs(u) + max(0, v) - max(w, 0) + 2*min(r, 0)",
        inputs={"x": 0, "y": 1, "z": 1, "u": 0, "v": 0, "w": 0, "r": 0},
        relu_derivative_at_zero=convention,
    )
    values = evaluate(derive(problem))
    chosen = Fraction(convention)
    expected = [chosen, 1, 1, 0, chosen, -chosen, 2 - 2 * chosen]
    assert expected == [values.gradient(name) for name in "xyzuvwr"]


@pytest.mark.parametrize("equation", ["sqrt(x**2)", "sqrt(x*x)", "(x**4)**(1/4)", "(x**2)**(3/2)", "sqrt(x**2*y)"])
@pytest.mark.parametrize("x", ["-3/2", "2"])
def test_root_of_a_square_has_its_derivative(equation: str, x: str) -> None:
    """A root of an even power, which SymPy writes as an absolute value, has its gradient on both sides, in floats too."""
    problem = graph(f"f = {equation}", inputs={"x": x, "y": 4})
    assert check(problem).agrees
    derivation = derive(problem)
    exact, floats = evaluate(derivation), evaluate(derivation, FLOAT)
    assert math.isclose(exact.value("f"), floats.value("f"), rel_tol=1e-14)
    assert math.isclose(exact.gradient("x"), floats.gradient("x"), rel_tol=1e-14)
    assert (exact.gradient("x") > 0) == (Fraction(x) > 0)


# Names


@pytest.mark.parametrize(
    "name",
    [
        *"EINSQOC",
        "beta",
        "gamma",
        "zeta",
        "lambda1",
        "lambda",
        "if",
        "None",
        "e",
        "i",
        "x_",
        "slot0",
        "Step",
        "α",
        "axis",
    ],
)
def test_any_other_name_is_a_quantity(name: str) -> None:
    """Names that mean something in SymPy or Python are ordinary quantities, of every role."""
    values = evaluate(derive(graph(f"f = {name}**2 + exp({name} - 3)", parameters={name: 3})))
    assert 10 == values.value("f")
    assert 7 == values.gradient(name)
    defined = graph(f"{name} = 2*x", f"f = {name}*{name}", inputs={"x": 3})
    assert 24 == evaluate(derive(defined)).gradient("x")
    assert check(defined).agrees
    output = graph(f"{name} = 2*x", output=name, inputs={"x": 3})
    assert 2 == evaluate(derive(output)).gradient("x")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in RESERVED])
def test_short_name_of_a_function_may_be_a_quantity(name: str) -> None:
    """A function is what stands before a parenthesis; elsewhere such a word is the quantity of its name."""
    problem = graph(f"f = {name}*{name} + sum({name})", parameters={name: 3})
    assert 7 == evaluate(derive(problem)).gradient(name)
    assert check(problem).agrees


@pytest.mark.parametrize("name", RESERVED)
def test_word_of_the_language_is_no_quantity(name: str) -> None:
    """Function names and `pi` are reserved, declared or defined."""
    with pytest.raises(ProblemError, match=f'^graph.inputs.{name}: "{name}" is a word of the expression language'):
        graph("f = 1", inputs={name: 1})
    with pytest.raises(ProblemError, match=f'"{name}" is a word of the expression language'):
        graph_derived(f"{name} = 2*x", inputs={"x": 1}, output=name)


def graph_derived(*equations: str, **tables: Any) -> None:
    """Derive a graph."""
    derive(graph(*equations, **tables))


# Symbols without values


def test_symbols_derive_without_numbers() -> None:
    """Quantities that only have a shape give a derivation in symbols, and nothing that needs numbers."""
    problem = graph(
        "p = W @ x", "f = dot(p, p)", parameters={"W": {"shape": [2, 3]}}, inputs={"x": {"shape": [3]}, "c": 1}
    )
    derivation = derive(problem)
    assert (2, 3) == derivation.gradient("W").shape
    assert "df_dp_1*x_2" == str(derivation.gradient("W")[0, 1])
    solution = solve(problem)
    assert () == solution.steps
    for needs in (lambda: to_json(solution), lambda: check(problem), lambda: evaluate(derivation)):
        with pytest.raises(MissingValueError, match=r"these have none: W, x: "):
            needs()


def test_symbol_of_a_single_number_has_an_empty_shape() -> None:
    """`shape = []` is a number; some quantities may have values and others none."""
    problem = graph("f = a*b", inputs={"a": {"shape": []}, "b": 2})
    assert ("a",) == problem.missing()
    assert "b" == str(derive(problem).gradient("a")[0])


# Mistakes

V, M = [1, 2, 3], [[1, 2, 3], [4, 5, 6]]
INPUTS = {"x": V, "y": [1, 2], "W": M, "s": 1}

MISTAKES_OF_SHAPES = [
    ("p = x + y", "the shapes 3 and 2 do not fit together elementwise"),
    ("p = W*y", "the shapes 2×3 and 2 do not fit together elementwise"),
    ("p = W/W.T", "the shapes 2×3 and 3×2 do not fit together elementwise"),
    ("p = max(x, y)", "the shapes 3 and 2 do not fit together elementwise"),
    ("p = x**y", "the shapes 3 and 2 do not fit together elementwise"),
    ("p = W @ y", "the shapes 2×3 and 2 do not fit in a matrix product"),
    ("p = W @ W", "the shapes 2×3 and 2×3 do not fit in a matrix product"),
    ("p = x @ s", "the shapes 3 and a single number do not fit in a matrix product"),
    ("p = x.T", "an array of two axes or more has a transpose, not the shape 3; .* write outer\\(a, b\\)"),
    ("p = x @ x.T", "an array of two axes or more has a transpose, not the shape 3; .* write outer\\(a, b\\)"),
    ("p = s.T", "an array of two axes or more has a transpose, not the shape a single number"),
    ("p = x[3]", "the index 3 is outside an axis of length 3"),
    ("p = x[-4]", "the index -4 is outside an axis of length 3"),
    ("p = W[0, 3]", "the index 3 is outside an axis of length 3"),
    ("p = x[0, 1]", "2 indices are too many for the shape 3"),
    ("p = s[0]", "1 indices are too many for the shape a single number"),
    ("p = x[2:2]", "a slice of the shape 3 is empty"),
    ("p = x[3:]", "a slice of the shape 3 is empty"),
    ("p = sum(W, axis=2)", "there is no axis 2: the number of axes is 2"),
    ("p = max(x, axis=1)", "there is no axis 1: the number of axes is 1"),
    ("p = softmax(x, axis=-2)", "there is no axis -2: the number of axes is 1"),
    ("p = sum(s, axis=0)", "there is no axis 0: the number of axes is 0"),
    ("p = concat(x, y, axis=1)", "there is no axis 1: the number of axes is 1"),
    ("p = exp(x, axis=0)", "exp takes no axis"),
    ("p = max(x, 1, axis=0)", "max takes no axis"),
    ("p = dot(x, x, axis=0)", "dot takes no axis"),
    ("p = [x, y]", "the parts have different shapes, 3 and 2"),
    ("p = [x, 1]", "the parts have different shapes, 3 and a single number"),
    ("p = [[1, 2], [3]]", "the parts have different shapes, 2 and 1"),
    ("p = [[[W, W]]]", "an array has at most 4 axes, found the shape 1×1×2×"),
    ("p = [[[[[1]]]]]", "an array has at most 4 axes, found the shape 1×1×1×1×1"),
    ("p = concat(x, W)", "the parts have different shapes, 3 and 2×3"),
    ("p = concat(W, W.T)", "the parts have different shapes, 2×3 and 3×2"),
    ("p = concat(s, s)", "concat needs a vector or an array"),
    ("p = softmax(s)", "softmax needs a vector or an array"),
    ("p = dot(x, y)", "dot takes two vectors, of equal length for dot; found the shapes 3 and 2; matrices .* with @"),
    ("p = dot(W, x)", "dot takes two vectors, .* found the shapes 2×3 and 3"),
    ("p = outer(x, s)", "outer takes two vectors, .* found the shapes 3 and a single number"),
    ("p = dot(x)", "dot takes 2 argument\\(s\\), found 1"),
    ("p = exp(x, x)", "exp takes 1 argument\\(s\\), found 2"),
    ("p = sum(x, x)", r"what else sum takes is given by name: sum\(…, axis=…\)"),
    ("p = max(x, x, x)", "max takes 2 argument\\(s\\), found 3"),
    ("p = softmax(x, x)", r"what else softmax takes is given by name: softmax\(…, axis=…\)"),
    ("p = pi(x)", "pi takes 0 argument\\(s\\), found 1"),
]


@pytest.mark.parametrize(("equation", "match"), MISTAKES_OF_SHAPES)
def test_mistake_of_shapes_names_the_equation(equation: str, match: str) -> None:
    """A shape that does not fit is one message: the equation, what does not fit, both shapes."""
    with pytest.raises(SymbackpropError, match=match) as caught:
        graph_derived("q = 2*s", equation, "f = sum(p)", inputs=INPUTS)
    assert str(caught.value).startswith(f"graph.equations[1] ({equation}): ")


MISTAKES_OF_EQUATIONS = [
    ("x + y", ProblemError, "expected an equation: name = expression"),
    ("", ProblemError, "expected an equation: name = expression"),
    ("s = x", ProblemError, "the name s is defined twice"),
    ("q = x", ProblemError, "the name q is defined twice"),
    ("2p = x", ProblemError, '"2p" cannot name a quantity'),
    ("= x", ProblemError, '"" cannot name a quantity'),
    ("p[0] = 1", ProblemError, '"p\\[0\\]" cannot name a quantity'),
    ("p += 1", ProblemError, '"p \\+" cannot name a quantity'),
    ("p, r = x", ProblemError, '"p, r" cannot name a quantity'),
    (f"{'p' * 41} = 1", ProblemError, "cannot name a quantity: .* at most 40"),
    ("sum(W, axis=0)", ProblemError, '"sum\\(W, axis" cannot name a quantity'),
    ("exp = 1", ProblemError, '"exp" is a word of the expression language'),
    ("pi = 3", ProblemError, '"pi" is a word of the expression language'),
    ("p =", ExpressionError, 'found "the end"'),
    ("p = p + 1", ExpressionError, 'unknown name "p"'),
    ("p = r", ExpressionError, 'unknown name "r"'),
    ("p == 1", ExpressionError, 'found "="'),
    ("p = q = 1", ExpressionError, 'expected an operator, found "="'),
    ("p = sigmod(s)", ExpressionError, 'did you mean "sigmoid"'),
    ("p = f", ExpressionError, 'unknown name "f"'),
]


@pytest.mark.parametrize(("equation", "kind", "match"), MISTAKES_OF_EQUATIONS)
def test_mistake_of_an_equation_is_placed(equation: str, kind: type[SymbackpropError], match: str) -> None:
    """Every mistake of an equation names its position in the file and its text."""
    with pytest.raises(kind, match=match) as caught:
        graph_derived("q = 2*s", equation, "f = q", inputs=INPUTS)
    assert str(caught.value).startswith(f"graph.equations[1] ({equation.strip()[:100]}): ")


@pytest.mark.parametrize(
    ("equation", "position"),
    [
        ("p = 2*(s + ", 6),
        ("p = s $ 1", 2),
        ("p   =   s + r", 4),
        ("p = x[0.5]", 2),
        ("p = s s", 2),
        ("p = [s, s", 5),
        ("p = sum(x, axes=0)", 7),
    ],
)
def test_caret_stands_under_the_mistake(equation: str, position: int) -> None:
    """The right-hand side is shown with a caret under the first mistake."""
    with pytest.raises(ExpressionError) as caught:
        graph_derived(equation, "f = p", inputs=INPUTS)
    _, shown, caret, *_ = str(caught.value).splitlines()
    assert equation.partition("=")[2].strip() == shown.strip()
    assert position == caret.index("^") - 2


def test_name_declared_twice_is_refused() -> None:
    """One name cannot be a parameter and an input."""
    with pytest.raises(ProblemError, match=r"^graph\.inputs\.w: the name w is defined twice"):
        graph("f = w", parameters={"w": 1}, inputs={"w": 2})


@pytest.mark.parametrize("name", ["2x", "a b", "a-b", "", "a.b", "x@", "w[0]", "n" * 41])
def test_declared_name_has_to_be_a_name(name: str) -> None:
    """A declared name is a word of letters, digits and underscores, of at most 40 characters."""
    with pytest.raises(ProblemError, match="cannot name a quantity"):
        graph("f = 1", inputs={name: 1})


@pytest.mark.parametrize(
    ("inputs", "equations", "element", "other"),
    [
        ({"w": V, "w_1": 5}, (), "w_1", "w"),
        ({"w_1": 5, "w": V}, (), "w_1", "w_1"),
        ({"W": M, "W_2_3": 5}, (), "W_2_3", "W"),
        ({"W": M, "W_2": V}, (), "W_2_1", "W"),
        ({"w": V}, ("w_3 = 1",), "w_3", "w"),
    ],
)
def test_name_of_an_element_is_taken(
    inputs: dict[str, Any], equations: tuple[str, ...], element: str, other: str
) -> None:
    """`w_1` beside a vector `w` is refused: it is the name of an element."""
    with pytest.raises(ProblemError, match=f"the element {element} has the name of another quantity \\({other}\\)"):
        graph_derived(*equations, "f = 1", inputs=inputs)


def test_name_like_an_element_that_does_not_exist_is_free() -> None:
    """`w_4` beside a vector of three elements, or `w_1` beside a number, is an ordinary name."""
    values = evaluate(derive(graph("f = dot(w, w)*w_4 + b*b_1", inputs={"w": V, "w_4": 2, "b": 3, "b_1": 5})))
    assert (14, 5) == (values.gradient("w_4"), values.gradient("b"))


MISTAKES_OF_PROBLEMS: list[tuple[Content, type[SymbackpropError], str]] = [
    (
        {"output": "p"},
        ProblemError,
        r"^graph.output: the output p has the shape 3; a single number can be differ.* sum",
    ),
    ({"output": "g"}, UnknownNameError, '^graph.output: unknown equation "g"'),
    ({"output": "x"}, UnknownNameError, '^graph.output: unknown equation "x"'),
    ({"inputs": {"x": [[[[[1]]]]]}}, ProblemError, "^graph.inputs.x: an array has at most 4 axes"),
    ({"inputs": {"x": []}}, ProblemError, "^graph.inputs.x: an array has at least one number"),
    ({"inputs": {"x": [[1, 2], [3]]}}, ProblemError, "^graph.inputs.x: the rows of an array have the same length"),
    ({"inputs": {"x": {"shape": [1, 2, 3, 1, 1]}}}, ProblemError, "^graph.inputs.x: an array has at most 4"),
    ({"inputs": {"x": {"shape": [0]}}}, ProblemError, "^graph.inputs.x: expected a number"),
    ({"inputs": {"x": "1/0"}}, SymbackpropError, "^graph.inputs.x: division by zero"),
    ({"relu_derivative_at_zero": 2}, ProblemError, "the value has to be between 0 and 1, found 2"),
    ({"reduction": "max"}, ProblemError, '^graph.reduction: unknown choice "max"'),
    ({"equations": []}, ProblemError, "^graph.equations: expected a list that is not empty|^graph.equations: "),
    ({"data": {"z": [1, 2]}}, UnknownNameError, '^data: unknown key "z"'),
    ({"data": {"w": [V]}}, UnknownNameError, '^data: unknown key "w"'),
    ({"data": {"x": 1}}, ProblemError, "^data.x: expected a list of samples|^data.x: expected"),
    ({"data": {"x": [[1, 2]]}}, ProblemError, "^data.x: the shape is 1×2, expected 1×3"),
    ({"data": {"x": [V, V], "t": [1]}}, ProblemError, "^data.t: x has 2 samples, t has 1"),
    (
        {"data": {"x": [V]}, "equations": ["p = x", "f = sum(p)", "g = 2*f"]},
        ProblemError,
        "^graph.output: with samples the output f is their sum or mean, so no other equation can read it",
    ),
]


@pytest.mark.parametrize(("changes", "kind", "match"), MISTAKES_OF_PROBLEMS)
def test_mistake_of_a_graph_problem_is_placed(changes: Content, kind: type[SymbackpropError], match: str) -> None:
    """Declarations, output and data are checked, each with its key."""
    tables: Content = {"parameters": {"w": V}, "inputs": {"x": V, "t": 0}, **changes}
    equations = tables.pop("equations", ["p = w*x", "f = sum(p) - t"])
    with pytest.raises(kind, match=match):
        derive(graph(*equations, **tables))


@pytest.mark.parametrize("data", [{}, {"data": {"x": [1, 2]}}])
def test_partial_without_a_value_is_named(data: Content) -> None:
    """A root at 0 has no derivative: the message says which equation that is, by which quantity."""
    problem = graph("s = w @ w*x", "n = sqrt(s)", "f = 3*n", parameters={"w": [0, 0]}, inputs={"x": 1}, **data)
    with pytest.raises(EvaluationError, match=r"^∂n/∂s: division by zero"):
        evaluate(derive(problem))


def test_output_may_be_read_without_samples() -> None:
    """Without samples an equation after the output may read it."""
    values = evaluate(derive(graph("f = 2*x", "g = f*f", inputs={"x": 3})))
    assert (2, 36) == (values.gradient("x"), values.value("g"))


def test_graph_and_network_are_one_or_the_other() -> None:
    """A problem has one model, and a graph's parameters stand in its own table."""
    graph: Content = {"inputs": {"x": 1}, "equations": ["f = x"], "output": "f"}
    with pytest.raises(ProblemError, match=r"either \[network\] or \[graph\], not both"):
        sbp.problem({"graph": graph, "network": {"inputs": 1, "layers": [{"units": 1}], "loss": "sse"}})
    with pytest.raises(ProblemError, match=r"^parameters\.w: the parameters of a computation graph stand in \[graph\]"):
        sbp.problem({"graph": {**graph, "equations": ["f = w*x"], "parameters": {"w": 1}}, "parameters": {"w": 1}})
    with pytest.raises(UnknownNameError, match=r'^parameters: unknown key "w"'):
        sbp.problem({"graph": graph, "parameters": {"w": 1}})  # of which the graph knows nothing


# Hostile texts

HOSTILE = [
    "x.__class__",
    "x.__class__.__mro__[1].__subclasses__()",
    "().__class__",
    "[].__class__",
    "[x].T.__class__",
    "x.Tx",
    "__import__('os').system('true')",
    "lambda: 0",
    "(lambda x: x)(1)",
    "[i for i in x]",
    "[*x]",
    "{1: 2}",
    "'a'",
    '"a"*10**9',
    "f'{x}'",
    "`x`",
    "x if s else y",
    "x and y",
    "x := 1",
    "x; y",
    "x\\y",
    "x # comment",
    "x[x]",
    "x[0:1:2]",
    "x[...]",
    "x[None]",
    "x['a']",
    "x[99999999999999999999]",
    "x[999999999]",
    "x[-999999999]",
    "x[999999998:999999999]",
    "x[1e3]",
    "sum(x, axis=999999999)",
    "sum(x, axis=9999999999999)",
    "(" * 10_000,
    "[" * 10_000,
    "x" + "[0]" * 3_000,
    "W" + ".T" * 4_000,
    "[" * 2_000 + "1" + "]" * 2_000,
    "-" * 9_000 + "s",
    "exp(" * 2_000 + "s" + ")" * 2_000,
    "s**" * 3_000 + "s",
    "/".join(["s"] * 3_000),
    "@".join(["s"] * 3_000),
    "9" * 401,
    "1e999999999",
    "s + " * 5_000 + "s",
    "[" + "1, " * 4_000 + "1]",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:24])
def test_hostile_equation_is_an_error_at_once(text: str) -> None:
    """No text of an equation runs, hangs or leaves Python's own exception: it is a mistake with a message."""
    started = time.process_time()
    with pytest.raises(SymbackpropError) as caught:
        graph_derived(f"f = {text}", inputs=INPUTS)
    assert time.process_time() - started < 2
    assert len(str(caught.value)) < 2000
    assert all(character.isprintable() or character == "\n" for character in str(caught.value))


@pytest.mark.parametrize(
    "equation",
    [
        "9**9**9*s",
        "s*2**(9**9 + 1/2)",
        "s*(1/3)**9999999999",
        "sqrt(9**9999 + 1)*s",
        "sqrt(" + "*".join(["9**300"] * 500) + ")*s",
        "exp(exp(exp(99)))*s",
        "s/0",
        "s*(1/0)",
        "0**s",
        "sqrt(-1)*s",
        "ln(-1)*s",
        "(s - 1)**-1",
        "ln(s - 1)",
        "sqrt(-s)",
        "s/(s - s)",
    ],
)
def test_equation_without_a_finite_value_is_an_error(equation: str) -> None:
    """A well-formed equation without a finite value derives, and its numbers are an error, at once."""
    derivation = derive(graph(f"f = {equation}", inputs={"s": 1}))
    started = time.perf_counter()
    with pytest.raises(EvaluationError):
        evaluate(derivation)
    assert time.perf_counter() - started < 2


# Activations inside equations

CELL = ("c = c0 + sigmoid(wi*x + b)*tanh(wg*x)", "m = tanh(c)", "h = sigmoid(wo*x)*tanh(c)", "f = tanh(wg*x) - h")
NESTED = {"x": ["1/3", -2], "w": [["1/5", 1], ["-1/2", "3/4"]]}
CELL_INPUTS = {"c0": "1/2", "wi": "2/3", "wo": "1/5", "wg": "3/7", "x": "5/4", "b": "1/9"}


def test_activation_inside_an_equation_is_a_quantity_of_its_own() -> None:
    """Each has one equation, however often it occurs; one that the problem names has that name."""
    found = derive(graph(*CELL, inputs=CELL_INPUTS)).graph
    formulas = dict(found.formulas)
    assert ["c_sigmoid", "c_tanh", "c", "m", "h_sigmoid", "h", "f"] == list(formulas)
    assert Product((Name("h_sigmoid"), Name("m"))) == formulas["h"]
    assert Sum((Name("c_tanh"), Negative(Name("h")))) == formulas["f"]
    assert ["c", "m", "h", "f"] == [each.name for each in found.named if each.role is not Role.INPUT]


def test_activation_inside_an_equation_is_in_no_result() -> None:
    """The JSON result has the quantities of the problem; an inner activation is listed in SymPy and scripts alone."""
    solution = solve(graph(*CELL, inputs=CELL_INPUTS))
    found = json.loads(to_json(solution))
    assert {*CELL_INPUTS, "c", "m", "h", "f"} == found["values"].keys()
    assert {*CELL_INPUTS, "c", "m", "h"} == found["gradients"].keys()
    assert not any("_" in name for name in found["exact"])


def test_inner_activation_never_takes_a_name_of_the_problem() -> None:
    """Where a quantity, or an element of one, has the name that an inner activation would have, that gets a number."""
    found = derive(
        graph("y = x*tanh(x)", "y_tanh2 = y", "f = y + sum(y_tanh) + y_tanh2", inputs={"x": 1, "y_tanh": [1, 2]})
    )
    assert ["y_tanh3", "y", "y_tanh2", "f"] == [equation.name for equation in found.graph.equations]


def test_equations_with_activations_inside_have_the_gradients_of_those_written_apart() -> None:
    """What stands in one equation and what stands in several is the same, in every digit."""
    inside = evaluate(derive(graph("f = sum(silu(silu(x))*sigmoid(2*x) + softmax(x @ w))", inputs=NESTED)))
    apart = evaluate(
        derive(
            graph(
                "a = silu(x)",
                "b = silu(a)",
                "c = sigmoid(2*x)",
                "z = x @ w",
                "p = softmax(z)",
                "f = sum(b*c + p)",
                inputs=NESTED,
            )
        )
    )
    assert inside.value("f") == apart.value("f")
    for name in each([*(f"x_{n}" for n in (1, 2)), *(f"w_{n}_{k}" for n in (1, 2) for k in (1, 2))]):
        assert inside.gradient(name) == apart.gradient(name)


def test_links_are_compared_by_what_they_say() -> None:
    """Links of the same graph are the same, those of another graph are not, and a name is in them or not."""
    same, other = (derive(sbp.example(name)).links for name in ("line", "mazur"))
    assert same == sweep(derive(sbp.example("line")).elements)
    assert same != other and same != "links"
    assert "L" in same and "absent" not in same
