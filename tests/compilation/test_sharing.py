"""Compiled gradients are shared: by threads, by problems of one structure, by numbers of samples; traces of a descent."""

from __future__ import annotations

import concurrent.futures
import itertools
import tracemalloc
from typing import Any

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop.algebra import functions
from symbackprop.algebra.activations import Activation
from symbackprop.algebra.functions import ACTIVATIONS
from symbackprop.compilation import Gradient, Runner
from symbackprop.compilation.backends import BACKENDS
from symbackprop.errors import ProblemError
from symbackprop.problems import Problem
from tests.helpers import each, only

WIDTHS = {"straight lines": (2, 3, 2), "arrays": (20, 64, 5)}
INSTALLED = [name for name in BACKENDS if BACKENDS[name].is_installed]


def network(widths: tuple[int, ...], hidden: str = "tanh", output: str = "softmax") -> Problem:
    """Return a network without numbers."""
    loss = "cross_entropy" if output == "softmax" else "half_squared_error"
    return sbp.network(widths, activations=[hidden] * (len(widths) - 2) + [output], loss=loss)


def drawn(problem: Problem, samples: int, seed: int = 0) -> tuple[dict[str, Any], Any, Any]:
    """Return random parameters, inputs and one-hot targets."""
    random, units = np.random.default_rng(seed), problem.network.layers[-1].units
    parameters = {name: random.normal(size=shape) for name, shape in problem.parameter_shapes().items()}
    x = random.normal(size=(samples, problem.network.inputs))
    return parameters, x, np.eye(units)[random.integers(units, size=samples)]


@pytest.mark.parametrize("backend", only([name for name in INSTALLED if name != "sympy"], "numpy"))
@pytest.mark.parametrize("size", WIDTHS)
def test_threads_get_what_one_call_after_the_other_gets(size: str, backend: str) -> None:
    """One gradient in eight threads: losses, gradients and predictions are the sequential ones, bit for bit."""
    problem = network(WIDTHS[size])
    gradient = sbp.compile(sbp.derive(problem), backend)
    cases = [drawn(problem, samples, seed) for seed, samples in enumerate([3, 7, 3, 40] * 8)]

    def called(case: tuple[dict[str, Any], Any, Any]) -> Any:
        loss, found = gradient(*case)
        return loss, list(found.values()), gradient.loss(*case), gradient.predict(*case[:2])

    expected = list(map(called, cases))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(itertools.chain(*(pool.map(called, cases) for _ in range(4))))
    for one, other in each(zip(expected * 4, found, strict=True), least=100):
        assert (one[0], one[2]) == (other[0], other[2])
        for left, right in zip([*one[1], one[3]], [*other[1], other[3]], strict=True):
            np.testing.assert_array_equal(left, right)


def test_problems_of_one_structure_share_their_code() -> None:
    """Other numbers, another name, another training: the functions are the same. Another structure has its own."""
    one = sbp.compile(sbp.derive(sbp.example("mazur")))
    other = sbp.compile(sbp.derive(sbp.example("mazur", [("parameters.W1", [["1", "2"], ["3", "4"]])])))
    assert one.engine(3).plan is other.engine(3).plan
    assert one.engine(3).plan is not one.engine(4).plan
    assert one()[0] != other()[0]
    for change in (("network.layers", 3), ("notation.layout", "row")):
        different = network((2, 3, 2)) if change[1] == 3 else sbp.example("xor", [change])
        assert sbp.compile(sbp.derive(different)).engine(3).plan is not one.engine(3).plan
    assert np.isclose(
        sbp.compile(sbp.derive(sbp.example("xor")), "sympy")()[0], sbp.compile(sbp.derive(sbp.example("xor")))()[0]
    )


def test_shared_code_knows_whether_targets_sum_to_one() -> None:
    """The gradient of a cross-entropy is ŷ − y for targets that sum to 1 only; one problem's code is not the other's."""

    def found(targets: list[float]) -> Any:
        changes = {"parameters": {"W1": [[1.0], [2.0]], "b1": [0.0, 0.0]}, "data": {"x": [1.0], "y": targets}}
        layers = [{"units": 2, "activation": "softmax"}]
        return sbp.compile(
            sbp.derive(sbp.problem({"network": {"inputs": 1, "layers": layers, "loss": "cross_entropy"}, **changes}))
        )

    (_, ones), (_, others) = found([1.0, 0.0])(), found([1.0, 1.0])()
    a = np.exp([1.0, 2.0]) / np.exp([1.0, 2.0]).sum()
    np.testing.assert_allclose(ones["b1"], a - [1, 0])
    np.testing.assert_allclose(others["b1"], 2 * a - [1, 1])


def test_shared_code_follows_a_registry() -> None:
    """A row that stands for another function under the same name has code of its own."""
    losses = []
    for body in ("z/(1 + exp(-z))", "2*z"):
        words = {language: {"activation.made_up": "made up"} for language in ("en", "zh")}
        with ACTIVATIONS.extended(Activation("made_up", body, "made up", words=words)):
            problem = network((2, 2, 1), "made_up", "linear")
            losses.append(sbp.compile(sbp.derive(problem)).loss(*drawn(problem, 3)))
    assert losses[0] != losses[1]


def test_predictions_of_any_number_of_samples_leave_no_memory() -> None:
    """Sizes that were never seen, large ones too: row for row the same outputs, and nothing is kept of them."""
    problem = network((10, 64, 3))
    gradient = sbp.compile(sbp.derive(problem))
    parameters, x, _ = drawn(problem, 5000)
    whole = gradient.predict(parameters, x)
    for samples in (1, 2, 3, 1023, 1024, 1025, 2049):
        np.testing.assert_allclose(gradient.predict(parameters, x[:samples]), whole[:samples], rtol=1e-12)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for samples in range(4000, 4020):
        gradient.predict(parameters, x[:samples])
        gradient.loss(parameters, x[:samples], np.zeros(samples, int))
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Losses keep what lies between for a few numbers of samples, as gradients do.
    assert after - before < 8 * 2**24


def shapes_of(gradient: Gradient) -> int:
    """Return how many numbers the parameters have."""
    return sum(int(np.prod(each.shape)) for each in gradient.arguments.parameters)


TRACED = [each for each in functions.WITH_FORMULA if each != "linear"]
# Machine code takes seconds to make; its lines are those of NumPy, and one kink, one sum and one long formula stand for all.
TRACES = [
    (activation, backend)
    for activation, backend in itertools.product(functions.WITH_FORMULA, INSTALLED)
    if backend != "numba" or activation in ("relu", "softmax", "gelu")
]


@pytest.mark.parametrize(
    ("activation", "backend"), only(TRACES, *((each, "numpy") for each in TRACED), ("gelu", "sympy"))
)
def test_trace_of_a_descent_is_what_its_steps_are(activation: str, backend: str) -> None:
    """The parameters behind marked updates, and losses and outputs at them, are those of runs that end there."""
    problem = network((2, 3, 2), output=activation)
    parameters, x, y = drawn(problem, 4)
    gradient = sbp.compile(sbp.derive(problem), backend)
    runner = Runner(gradient, parameters, x, y, optimizer="adam")
    looks = np.array([True, False, True, True, False])
    trace = np.empty((3, shapes_of(gradient)))
    whole = runner.run([0.1] * 5, looks=looks, trace=trace)
    short = Runner(gradient, parameters, x, y, optimizer="adam")
    for row, count in zip(trace, (1, 2, 1), strict=True):
        short.run([0.1] * count)
        np.testing.assert_array_equal(row, np.concatenate([array.ravel() for array in short.parameters.values()]))
    _, data = gradient.arguments.data_arrays(x, y)
    losses, outputs = gradient.engine(4).losses(trace, data), gradient.outputs(trace, x)
    np.testing.assert_allclose(whole[[1, 3, 4]], losses, rtol=1e-13)
    np.testing.assert_allclose(outputs[-1], gradient.predict(short.parameters, x), rtol=1e-13)
    for part in (slice(0, 1), slice(1, 3)):
        np.testing.assert_array_equal(losses[part], gradient.engine(4).losses(trace[part], data))


@pytest.mark.parametrize("sign", [1, -1])
def test_trace_has_losses_where_floats_end(sign: int) -> None:
    """At |z| = 1000, where straight lines leave the floats, the losses along a trace are those of the arrays."""
    problem = network((1, 1, 2), "linear")
    gradient = sbp.compile(sbp.derive(problem))
    parameters, x, y = drawn(problem, 2)
    parameters["b2"] = np.array([1000.0 * sign, -1000.0 * sign])
    trace = np.concatenate([array.ravel() for array in parameters.values()])[None, :]
    _, data = gradient.arguments.data_arrays(x, y)
    assert [gradient.loss(parameters, x, y)] == gradient.engine(2).losses(trace, data).tolist()


def test_numbers_of_the_problem_are_converted_once() -> None:
    """A gradient has the problem's own numbers as arrays that nobody can write to, the same for every call."""
    gradient = sbp.compile(sbp.derive(sbp.example("mazur")))
    (first, *_), (again, *_) = (gradient.arguments.parameter_arrays(None) for _ in range(2))
    assert first is again
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 3.0


def test_reference_refuses_what_it_would_not_end_with() -> None:
    """SymPy's own compiler says at once that a problem is too large for it, and what is not."""
    problem = network((40, 64, 40))
    with pytest.raises(ProblemError, match=r"10634 edges.*\n.*numpy, numba"):
        sbp.compile(sbp.derive(problem), "sympy")(*drawn(problem, 1))


def test_largest_of_a_few_numbers_is_that_of_every_row() -> None:
    """Maxima of rows, found in columns, are NumPy's; softmax over 3 and over 100 classes is the formula."""
    for classes in (3, 100):
        problem = network((4, 30, classes))
        parameters, x, _ = drawn(problem, 50)
        hidden = np.tanh(x @ parameters["W1"].T + parameters["b1"])
        powers = np.exp(hidden @ parameters["W2"].T + parameters["b2"])
        expected = powers / powers.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(expected, sbp.compile(sbp.derive(problem)).predict(parameters, x), rtol=1e-12)
