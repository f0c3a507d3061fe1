"""Parameters of graphs that are drawn or loaded: `symbackprop.problems.parameters_table` beside `graph_table`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop.catalog.initializers import INITIALIZERS
from symbackprop.errors import SymbackpropError
from symbackprop.problems import Problem

LAYOUTS = {"column": ("W @ x + b", "V @ tanh(z)", [3, 2], [1, 3]), "row": ("x @ W + b", "tanh(z) @ V", [2, 3], [3, 1])}


def graph(parameters: Mapping[str, Any] | None, layout: str = "column", **given: Any) -> Problem:
    """Return two dense layers written as a graph, whose parameters are `given` or have a shape alone."""
    hidden, output, first, second = LAYOUTS[layout]
    declared = {"W": {"shape": first}, "b": {"shape": [3]}, "V": {"shape": second}, "u": {"shape": []}} | given
    content: dict[str, Any] = {
        "graph": {
            "parameters": declared,
            "inputs": {"x": [1, 2]},
            "targets": {"t": 1},
            "equations": [f"z = {hidden}", f"o = sum({output}) + u", "L = (o - t)**2"],
            "output": "L",
        },
        "notation": {"layout": layout},
    }
    return sbp.problem(content if parameters is None else content | {"parameters": dict(parameters)})


def numbers(problem: Problem) -> dict[str, Any]:
    """Return the parameters of a problem as arrays of floats."""
    arrays = {name: problem.arrays[name] for name in problem.parameter_shapes()}
    return {name: np.array(array.floats()).reshape(array.shape) for name, array in arrays.items()}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("initializer", [name for name in INITIALIZERS if name != "zeros"])
def test_graph_draws_the_weights_of_the_network_that_it_is(initializer: str, layout: str) -> None:
    """Weights of a graph, drawn with its own numbers for the rest, are those of the same network, bit for bit."""
    settings = {"initializer": initializer, "seed": 3}
    found = graph(settings, layout, b=[0, 0, 0], u=0)
    network = sbp.problem(
        {
            "network": {
                "inputs": 2,
                "layers": [{"units": 3, "activation": "tanh"}, {"units": 1}],
                "loss": "squared_error",
            },
            "parameters": settings,
            "notation": {"layout": layout},
        }
    )
    assert [network.arrays["W1"], network.arrays["W2"]] == [found.arrays["W"], found.arrays["V"]]
    assert found.initialization is not None
    assert ("W", "V") == found.initialization.drawn


def test_drawn_numbers_of_a_graph_are_exact_and_repeat() -> None:
    """A seed says every number; each is the shortest decimal of its float, and the problem is solved with it."""
    first, again, other = (graph({"seed": seed}) for seed in (7, 7, 8))
    assert first.arrays == again.arrays
    assert first.arrays != other.arrays
    generator = np.random.Generator(np.random.PCG64(7))
    expected = {}
    for name, shape, fans in (("W", (3, 2), 5), ("b", (3,), 4), ("V", (1, 3), 4), ("u", (), 2)):
        expected[name] = generator.uniform(-np.sqrt(6 / fans), np.sqrt(6 / fans), size=shape)
    found = numbers(first)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
    texts = [given.text for given in first.arrays["W"].entries if given is not None]
    assert [repr(float(each)) for each in expected["W"].ravel()] == texts
    assert sbp.check(first).agrees


def test_written_parameters_of_a_graph_come_before_the_file_and_that_before_a_draw(tmp_path: Path) -> None:
    """What `[graph]` writes down stays, what the file holds is taken, the rest is drawn; without the keys it is a symbol."""
    path = tmp_path / "held.npz"
    np.savez(path, W=np.ones((3, 2)), u=np.array(4.0))
    found = numbers(graph({"file": str(path), "initializer": "normal"}, u=5))
    assert ([1.0] * 6, 5.0) == (found["W"].ravel().tolist(), float(found["u"]))
    assert all(found[name].all() for name in ("b", "V"))
    assert ("b", "V") == graph({"file": str(path)}).missing()
    assert ("W", "b", "V", "u") == graph(None).missing()


REFUSED = {
    "W": ({"W": [[1, 2], [3, 4], [5, 6]]}, r"parameters\.W: the parameters of a computation graph stand in \[graph\]"),
    "key": ({"sead": 1}, 'did you mean "seed"'),
    "biases": ({"initializer": {"name": "zeros", "biases": True}}, "which of its parameters are biases"),
    "initializer": ({"initializer": "glorot_unifrom"}, 'did you mean "glorot_uniform"'),
}


@pytest.mark.parametrize("case", REFUSED)
def test_table_of_parameters_of_a_graph_says_what_it_takes(case: str) -> None:
    """Numbers stand in `[graph]`; unknown keys have the nearest, and biases, which no graph names, are refused."""
    parameters, what = REFUSED[case]
    with pytest.raises(SymbackpropError, match=what):
        graph(parameters)


def test_training_draws_what_a_graph_leaves_out() -> None:
    """`train` begins with the numbers that `[parameters]` draws by Glorot's distribution from the same seed."""
    keys = {"learning_rate": 0.01, "steps": 4}
    drawn, left = (sbp.train(problem, seed=5, **keys) for problem in (graph({"seed": 5}), graph(None)))
    np.testing.assert_array_equal(drawn.losses, left.losses)
    assert set(drawn.parameters) == set(left.parameters)
