"""Named quantities at given parameters on new data: `Gradient.evaluate`, `History.evaluate`."""

from __future__ import annotations

import concurrent.futures
from typing import Any

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop.errors import MissingValueError, ProblemError, UnknownNameError
from tests.compilation.test_sharing import INSTALLED, drawn, network
from tests.helpers import each

SCORES = {
    "parameters": {"W": {"shape": [2, 3]}, "b": {"shape": [2]}, "u": {"shape": []}},
    "inputs": {"X": {"shape": [4, 3]}, "m": {"shape": [4]}},
    "targets": {"t": {"shape": [4]}},
    "equations": [
        "S = X @ W.T + b",
        "A = tanh(S)",
        "T = A.T",
        "o = A @ b + u*m",
        "p = sum(W*W)",
        "V = W",
        "c = sum(m)",
        "e = sum((o - t)**2)",
        "L = e + 0.1*p",
    ],
    "output": "L",
}
PER_SAMPLE = {"S": (4, 2), "A": (4, 2), "T": (2, 4), "o": (4,), "c": (), "e": (), "m": (4,), "X": (4, 3), "t": (4,)}
SHARED = {"p": (), "V": (2, 3), "W": (2, 3), "L": ()}
READS_TARGETS = ("t", "e", "L")


def by_hand(parameters: Any, inputs: Any, targets: Any) -> dict[str, Any]:
    """Return every quantity of the graph of scores for several samples, the loss as their mean."""
    W, b, u, X, m = parameters["W"], parameters["b"], parameters["u"], inputs["X"], inputs["m"]
    S = X @ W.T + b
    A = np.tanh(S)
    o, p = A @ b + u * m, np.sum(W * W)
    e = ((o - targets["t"]) ** 2).sum(axis=-1)
    found = {"S": S, "A": A, "T": np.swapaxes(A, -1, -2), "o": o, "c": m.sum(axis=-1), "e": e, "p": p, "V": W, "W": W}
    return found | {"X": X, "m": m, "t": targets["t"], "L": np.mean(e + 0.1 * p)}


def scores(samples: int | None) -> tuple[Any, Any, Any, Any]:
    """Return the graph of scores compiled from no numbers, with parameters and data for some samples."""
    generator = np.random.default_rng(7)
    rows = () if samples is None else (samples,)
    parameters = {name: generator.normal(size=entry["shape"]) for name, entry in SCORES["parameters"].items()}  # type: ignore[attr-defined]
    inputs = {"X": generator.normal(size=(*rows, 4, 3)), "m": generator.normal(size=(*rows, 4))}
    return sbp.problem({"graph": SCORES}), parameters, inputs, {"t": generator.normal(size=(*rows, 4))}


@pytest.mark.parametrize("backend", INSTALLED)
@pytest.mark.parametrize("samples", [None, 1, 3])
def test_evaluated_quantities_of_a_graph_are_its_equations(backend: str, samples: int | None) -> None:
    """Every named quantity has the value of its equation and the stated shape, without targets where it reads none."""
    problem, parameters, inputs, targets = scores(samples)
    gradient = sbp.compile(problem, backend)
    expected = by_hand(parameters, inputs, targets)
    for name, shape in each((PER_SAMPLE | SHARED).items()):
        found = gradient.evaluate(name, parameters, inputs, targets if name in READS_TARGETS else None)
        assert (shape if samples is None or name in SHARED else (samples, *shape)) == found.shape, name
        np.testing.assert_allclose(found, expected[name], rtol=1e-12, atol=1e-14, err_msg=name)


def test_evaluate_asks_for_what_a_quantity_reads_and_nothing_else() -> None:
    """Data that a quantity does not read need not be given; what it reads and has no number is named."""
    problem, parameters, inputs, _ = scores(5)
    gradient = sbp.compile(problem)
    assert (5, 4, 2) == gradient.evaluate("A", parameters, {"X": inputs["X"]}).shape
    assert () == gradient.evaluate("p", parameters).shape
    for missing in (lambda: gradient.evaluate("e", parameters, inputs), lambda: gradient.evaluate("o", parameters)):
        with pytest.raises(MissingValueError):
            missing()
    with pytest.raises(ProblemError, match="X has 5 samples, m has 2"):
        gradient.evaluate("o", parameters, inputs | {"m": inputs["m"][:2]})
    with pytest.raises(ProblemError, match="at least one sample"):
        gradient.evaluate("A", parameters, {"X": inputs["X"][:0]})
    with pytest.raises(UnknownNameError):
        gradient.evaluate("A", parameters, {"X": inputs["X"], "Y": 1})


@pytest.mark.parametrize("backend", INSTALLED)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_evaluated_quantities_of_a_network_are_its_layers(backend: str, dtype: str) -> None:
    """Pre-activations, activations and loss of a network on new data; the output is `predict`, the loss that of a call."""
    problem = network((3, 4, 2))
    parameters, x, y = drawn(problem, 6)
    gradient = sbp.compile(problem, backend, dtype)
    z1 = x @ np.asarray(parameters["W1"]).T + parameters["b1"]
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    for name, expected in (("z1", z1), ("a1", np.tanh(z1)), ("a2", gradient.predict(parameters, x)), ("x", x)):
        found = gradient.evaluate(name, parameters, x)
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
        assert dtype == found.dtype
    assert gradient.loss(parameters, x, y) == pytest.approx(float(gradient.evaluate("L", parameters, x, y)), tolerance)


def test_penalty_is_evaluated_for_the_samples_it_is_given() -> None:
    """λ/(2m)·Σw² has the m of the data that it is evaluated on."""
    content = {
        "network": {"inputs": 2, "layers": [{"units": 1}], "loss": "mse"},
        "regularization": {"l2": 0.5, "form": "half_mean"},
        "parameters": {"W1": [[1, 2]], "b1": [0]},
    }
    gradient = sbp.compile(sbp.problem(content))
    assert [0.5 / 2 / 4 * 5, 0.5 / 2 / 10 * 5] == [
        pytest.approx(float(gradient.evaluate("penalty", None, np.ones((count, 2))))) for count in (4, 10)
    ]


def test_history_evaluates_with_its_last_parameters() -> None:
    """A trained graph predicts its quantities on data that it has not seen; an unknown name has the nearest one."""
    content = {
        "parameters": {"w": 0.5},
        "inputs": {"x": 1},
        "targets": {"t": 2},
        "equations": ["o = w*x", "L = (o - t)**2"],
        "output": "L",
    }
    history = sbp.train(sbp.problem({"graph": content}), {"x": [1, 2]}, {"t": [2, 4]}, learning_rate=0.1, epochs=50)
    np.testing.assert_allclose(history.evaluate("o", {"x": [3, 5, 7]}), [6, 10, 14], rtol=1e-6)
    np.testing.assert_allclose(history.evaluate("o", {"x": 3}), 6, rtol=1e-6)
    assert () == history.evaluate("L", {"x": [3.0]}, {"t": [6.0]}).shape
    with pytest.raises(ProblemError, match=r"history\.evaluate\(name, inputs\)"):
        history.predict()
    with pytest.raises(UnknownNameError) as error:
        history.evaluate("O", {"x": 3})
    assert "o" == error.value.nearest


def test_evaluated_arrays_are_the_callers_own() -> None:
    """What is returned shares no memory with what was given, and no later call writes to it, in many threads at once."""
    problem, parameters, inputs, _ = scores(2500)
    gradient = sbp.compile(problem)
    for name in ("W", "V", "X", "m"):
        gradient.evaluate(name, parameters, inputs)[...] = 0
    assert all(array.any() for array in (*parameters.values(), *inputs.values()))
    expected = by_hand(parameters, inputs, {"t": np.zeros((2500, 4))})

    def off(count: int) -> float:
        data = {name: array[:count] for name, array in inputs.items()}
        found = {name: gradient.evaluate(name, parameters, data) for name in ("A", "T", "o", "c")}
        return max(float(np.abs(found[name] - expected[name][:count]).max()) for name in found)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert 1e-13 > max(pool.map(off, [1, 1023, 1024, 1025, 2048, 2500] * 2))
