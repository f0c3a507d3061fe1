"""Gradients by the inputs, which `compile(…, inputs=True)` has behind those by the parameters, against PyTorch's."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop.compilation.engine import Engine
from symbackprop.compilation.scalar_engine import ScalarEngine
from symbackprop.errors import ProblemError
from symbackprop.problems import Problem
from tests.compilation.test_sharing import INSTALLED, drawn, network
from tests.helpers import only, require_module

SIZES = {"small": ((2, 3, 2), 3), "large": ((20, 30, 4), 50)}
FAST = [name for name in INSTALLED if name != "sympy"]
GRAPHS: dict[str, tuple[list[str], Callable[..., Any]]] = {
    "scores": (
        ["S = X @ W.T + b", "A = softmax(S, axis=1)", "o = A @ b + u*m", "L = sum((o - t)**2) + 0.1*sum(W*W)"],
        lambda torch, W, b, u, X, m, t: (
            (torch.softmax(X @ W.T + b, -1) @ b + u * m - t).square().sum(-1) + 0.1 * W.square().sum()
        ),
    ),
    "linear in the inputs": (
        ["s = sum(X @ W.T)", "L = s + sum(b)*u*m[0] + t[1]"],
        lambda torch, W, b, u, X, m, t: (X @ W.T).sum((-1, -2)) + b.sum() * u * m[..., 0] + t[..., 1],
    ),
    "unread": (["o = b*u", "L = sum(o)*t[0]"], lambda torch, W, b, u, X, m, t: (b * u).sum() * t[..., 0]),
    "products": (
        ["P = X @ X.T", "q = P @ m", "L = tanh(q @ t) + sum(W)*b[0]*u"],
        lambda torch, W, b, u, X, m, t: (
            torch.tanh((X @ X.transpose(-1, -2) @ m[..., None])[..., 0].mul(t).sum(-1)) + W.sum() * b[0] * u
        ),
    ),
}


NETWORKS = [*((size, backend) for size in SIZES for backend in FAST), ("small", "sympy")]
ROWS = list(itertools.product(GRAPHS, [None, 2, 40], FAST))


def is_short(row: tuple[str, int | None, str]) -> bool:
    """Say whether a graph is looked at in the short run: Numba takes a second for straight lines."""
    return row[2] != "numba" or row[:2] in [("scores", 40), ("linear in the inputs", None)]


def of_torch(loss: Callable[..., Any], arrays: Mapping[str, Any], wanted: list[str]) -> dict[str, Any]:
    """Return the gradients of a mean of losses by autograd, zero where nothing leads to an array."""
    torch = require_module("torch")
    tensors = {name: torch.tensor(array, requires_grad=name in wanted) for name, array in arrays.items()}
    found = torch.autograd.grad(loss(torch, **tensors).mean(), [tensors[name] for name in wanted], allow_unused=True)
    return {
        name: np.zeros(arrays[name].shape) if each is None else each.numpy()
        for name, each in zip(wanted, found, strict=True)
    }


@pytest.mark.parametrize(("size", "backend"), only(NETWORKS, *(row for row in NETWORKS if row != ("small", "numba"))))
def test_gradients_of_a_network_by_inputs_are_those_of_torch(size: str, backend: str) -> None:
    """Loss and gradients by parameters stay; those by x are autograd's, a row for each sample, in engines of any size."""
    widths, samples = SIZES[size]
    problem = network(widths)
    parameters, x, y = drawn(problem, samples)
    loss, gradients = sbp.compile(problem, backend, inputs=True)(parameters, x, y)

    def of_layers(torch: Any, x: Any, **each: Any) -> Any:
        logits = torch.tanh(x @ each["W1"].T + each["b1"]) @ each["W2"].T + each["b2"]
        return -(torch.log_softmax(logits, 1) * torch.tensor(y)).sum(1)

    names = [*parameters, "x"]
    expected = of_torch(of_layers, {**parameters, "x": x}, names)
    assert names == list(gradients)
    for name in names:
        np.testing.assert_allclose(gradients[name], expected[name], rtol=1e-9, atol=1e-13)
    plain, without = sbp.compile(problem, backend)(parameters, x, y)
    assert (pytest.approx(plain, 1e-14), list(parameters)) == (loss, list(without))


def graph(equations: list[str], rows: int, units: int) -> Problem:
    """Return a graph over a matrix and a vector for each sample."""
    return sbp.problem(
        {
            "graph": {
                "parameters": {"W": {"shape": [units, 3]}, "b": {"shape": [units]}, "u": {"shape": []}},
                "inputs": {"X": {"shape": [rows, 3]}, "m": {"shape": [rows]}},
                "targets": {"t": {"shape": [rows]}},
                "equations": equations,
                "output": "L",
            }
        }
    )


@pytest.mark.parametrize(("name", "samples", "backend"), only(ROWS, *(row for row in ROWS if is_short(row))))
def test_gradients_of_a_graph_by_inputs_are_those_of_torch(name: str, samples: int | None, backend: str) -> None:
    """For one sample in declared shapes and for batches, also where no input, or nothing of other samples, is read."""
    equations, loss = GRAPHS[name]
    random, batch = np.random.default_rng(3), () if samples is None else (samples,)
    parameters = {"W": random.normal(size=(2, 3)), "b": random.normal(size=2), "u": np.array(0.7)}
    inputs = {"X": random.normal(size=(*batch, 4, 3)), "m": random.normal(size=(*batch, 4))}
    targets = {"t": random.normal(size=(*batch, 4))}
    _, gradients = sbp.compile(graph(equations, 4, 2), backend, inputs=True)(parameters, inputs, targets)
    expected = of_torch(loss, {**parameters, **inputs, **targets}, [*parameters, *inputs])
    assert list(expected) == list(gradients)
    for each, array in expected.items():
        np.testing.assert_allclose(gradients[each], array, rtol=1e-9, atol=1e-13, err_msg=each)


def test_sizes_have_both_engines() -> None:
    """What is compared with PyTorch runs in straight lines and between arrays."""
    scores = graph(GRAPHS["scores"][0], 4, 2)
    engines: list[Engine] = [
        sbp.compile(problem, inputs=True).engine(samples)
        for problem, samples in (
            *((network(widths), count) for widths, count in SIZES.values()),
            (scores, 2),
            (scores, 40),
        )
    ]
    assert [True, False] * 2 == [isinstance(engine, ScalarEngine) for engine in engines]


def test_gradients_by_inputs_are_written_where_they_are_wanted() -> None:
    """`out` has a row for each sample; float32 stays; copies have the gradients; training and losses are what they were."""
    problem = network((2, 3, 2))
    parameters, x, y = drawn(problem, 3)
    gradient = sbp.compile(problem, dtype="float32", inputs=True)
    out = {name: np.empty(np.shape(array), "float32") for name, array in {**parameters, "x": x}.items()}
    _, found = pickle.loads(pickle.dumps(gradient))(parameters, x, y, out=out)
    assert found["x"] is out["x"]
    np.testing.assert_array_equal(gradient(parameters, x, y)[1]["x"], out["x"])
    with pytest.raises(ProblemError, match="x"):
        gradient(parameters, x, y, out=out | {"x": np.empty((2, 2), "float32")})
    with_inputs, plain = sbp.compile(problem, inputs=True), sbp.compile(problem)
    assert with_inputs != plain
    assert with_inputs == pickle.loads(pickle.dumps(with_inputs))
    assert "dL_dx" in with_inputs.source and "dL_dx" not in plain.source
    first, second = (
        sbp.train(each, x, y, parameters=parameters, learning_rate=0.1, epochs=3) for each in (with_inputs, plain)
    )
    np.testing.assert_array_equal(first.losses, second.losses)
