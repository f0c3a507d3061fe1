"""Compiled gradients: every backend against the reference, finite differences and known numbers; shapes, types, descent."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop.algebra import functions
from symbackprop.catalog import losses, optimizers
from symbackprop.compilation import Gradient, Runner, array_engine
from symbackprop.compilation.array_engine import ArrayEngine
from symbackprop.compilation.backends import BACKENDS
from symbackprop.compilation.backends import numpy as numpy_backend
from symbackprop.compilation.plan import Plan
from symbackprop.compilation.scalar_engine import ScalarEngine
from symbackprop.errors import MissingLibraryError, ProblemError, SymbackpropError
from symbackprop.evaluation.arithmetics import FLOAT
from symbackprop.evaluation.evaluate import evaluate
from symbackprop.problems import Problem
from symbackprop.problems.load import examples
from tests.documents import some
from tests.helpers import each, few

Arrays = dict[str, np.ndarray[Any, Any]]
NUMBA = pytest.mark.skipif(not BACKENDS["numba"].is_installed, reason="numba is not installed")


def network(activation: str, loss: object, *, hidden: str = "tanh", bias: str = "per_unit", **keys: Any) -> Problem:
    """Return a 2-3-2 network without numbers."""
    layers = [{"units": 3, "activation": hidden, "bias": bias}, {"units": 2, "activation": activation, "bias": bias}]
    top = {key: keys.pop(key) for key in ("notation", "regularization") if key in keys}
    return sbp.problem({"network": {"inputs": 2, "layers": layers, "loss": loss, **keys}, **top})


def fitting() -> Iterator[tuple[str, str]]:
    """Iterate over the pairs of output activation and loss that a problem can have."""
    for activation, loss in itertools.product(functions.WITH_FORMULA, losses.WITH_FORMULA):
        try:
            network(activation, loss)
        except ProblemError:
            continue
        yield activation, loss


PAIRS = list(fitting())


def drawn(problem: Problem, samples: int, scale: float = 1.0, seed: int = 1) -> tuple[Arrays, Any, Any]:
    """Return random parameters, inputs, and one-hot targets, which every loss takes."""
    random = np.random.default_rng(seed)
    parameters = {name: scale * random.normal(size=shape) for name, shape in problem.parameter_shapes().items()}
    outputs = problem.network.layers[-1].units
    return (
        parameters,
        random.normal(size=(samples, problem.network.inputs)),
        np.eye(outputs)[random.integers(outputs, size=samples)],
    )


def of_arrays(gradient: Gradient, samples: int | None) -> ArrayEngine:
    """Return the array engine of a gradient, whatever its backend would choose."""
    return ArrayEngine(gradient.plan(samples))


def run(engine: Any, gradient: Gradient, *arguments: Any) -> tuple[float, Arrays]:
    """Return what one engine gives for the arguments of a gradient."""
    parameters = gradient.arguments.parameter_arrays(arguments[0])
    _, data = gradient.arguments.data_arrays(*arguments[1:])
    found = {each.name: np.full(each.shape, np.nan, gradient.dtype) for each in gradient.arguments.parameters}
    return engine.gradient(parameters, data, list(found.values())), found


def assert_same(expected: tuple[float, Arrays], actual: tuple[float, Arrays], tolerance: float = 1e-11) -> None:
    """Assert that two results agree."""
    assert expected[0] == pytest.approx(actual[0], rel=tolerance, abs=tolerance)
    assert set(expected[1]) == set(actual[1])
    for name, array in expected[1].items():
        assert array.shape == actual[1][name].shape
        np.testing.assert_allclose(actual[1][name], array, rtol=tolerance, atol=tolerance, err_msg=name)


def differences(gradient: Gradient, parameters: Arrays, *data: Any, step: float = 1e-6) -> Arrays:
    """Return central differences of the loss."""
    found = {}
    for name, array in parameters.items():
        found[name] = np.empty_like(array)
        for index in np.ndindex(array.shape):
            sides = []
            for sign in (1, -1):
                moved = {**parameters, name: array.copy()}
                moved[name][index] += sign * step
                sides.append(gradient.loss(moved, *data))
            found[name][index] = (sides[0] - sides[1]) / (2 * step)
    return found


# Backends agree


def test_pairs_cover_the_registries() -> None:
    """Every activation and every loss that has numbers is in some pair."""
    assert {activation for activation, _ in PAIRS} == set(functions.WITH_FORMULA)
    assert {loss for _, loss in PAIRS} == set(losses.WITH_FORMULA)


@pytest.mark.parametrize("samples", [1, 4])
@pytest.mark.parametrize(("activation", "loss"), few(PAIRS, 23))
def test_engines_agree_with_the_reference(activation: str, loss: str, samples: int) -> None:
    """Straight lines, arrays and SymPy's lambdify give the same loss and gradients, arrays in float32 too."""
    derivation = sbp.derive(network(activation, loss))
    arguments = drawn(derivation.problem, samples)
    expected = sbp.compile(derivation, "sympy")(*arguments)
    compiled = sbp.compile(derivation)
    engine = compiled.engine(samples)
    assert isinstance(engine, ScalarEngine)
    assert_same(expected, compiled(*arguments))
    assert_same(expected, run(of_arrays(compiled, samples), compiled, *arguments))
    single = sbp.compile(derivation, dtype="float32")
    assert_same(expected, single(*arguments), 2e-5)


@pytest.mark.parametrize(("activation", "loss"), few(PAIRS, 23))
def test_gradients_are_those_of_finite_differences(activation: str, loss: str) -> None:
    """The gradients of the array code are central differences of its loss."""
    derivation = sbp.derive(network(activation, loss))
    compiled = sbp.compile(derivation)
    parameters, *data = drawn(derivation.problem, 3)
    _, found = run(of_arrays(compiled, 3), compiled, parameters, *data)
    for name, expected in each(differences(compiled, parameters, *data).items()):
        np.testing.assert_allclose(found[name], expected, rtol=2e-5, atol=1e-7, err_msg=name)


@NUMBA
@pytest.mark.parametrize("activation", few(functions.WITH_FORMULA, 2))
def test_numba_agrees_with_the_reference(activation: str) -> None:
    """Machine code gives the same numbers: straight lines, and one loop for each elementwise formula in either type."""
    from symbackprop.compilation.backends.numba import KernelWriter

    loss = next(loss for pair, loss in reversed(PAIRS) if pair == activation)
    derivation = sbp.derive(network(activation, loss))
    arguments = drawn(derivation.problem, 2)
    expected = sbp.compile(derivation, "sympy")(*arguments)
    compiled = sbp.compile(derivation, "numba")
    assert isinstance(compiled.engine(2), ScalarEngine)
    assert_same(expected, compiled(*arguments))
    assert_same(expected, run(ArrayEngine(compiled.plan(2), KernelWriter), compiled, *arguments))
    single = sbp.compile(derivation, "numba", "float32")
    loss32, found = single(*arguments)
    assert {array.dtype for array in found.values()} == {np.dtype("float32")}
    assert_same(expected, (loss32, found), 2e-5)


@pytest.mark.parametrize("layout", ["column", "row"])
@pytest.mark.parametrize("bias", ["per_unit", "shared", "none", "threshold"])
def test_layouts_and_biases(layout: str, bias: str) -> None:
    """Parameters have the shapes of the layout, a shared bias is a number; all engines agree on them."""
    problem = network("softmax", "cross_entropy", bias=bias, notation={"layout": layout})
    derivation = sbp.derive(problem)
    arguments = drawn(problem, 3)
    expected = sbp.compile(derivation, "sympy")(*arguments)
    compiled = sbp.compile(derivation)
    assert {name: array.shape for name, array in expected[1].items()} == dict(problem.parameter_shapes())
    assert_same(expected, compiled(*arguments))
    assert_same(expected, run(of_arrays(compiled, 3), compiled, *arguments))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("form", ["half", "plain", "half_mean", "convex"])
@pytest.mark.parametrize("penalty", [{"l2": 0.25}, {"l1": 0.25}])
def test_penalties_and_reductions(penalty: dict[str, float], form: str, reduction: str) -> None:
    """The penalty is part of the loss, whatever the number of samples is that the code was made for."""
    choice = {**penalty, "form": form, "biases": True}
    derivation = sbp.derive(network("linear", "half_squared_error", reduction=reduction, regularization=choice))
    parameters, *data = drawn(derivation.problem, 3)
    compiled = sbp.compile(derivation)
    expected = sbp.compile(derivation, "sympy")(parameters, *data)
    assert_same(expected, compiled(parameters, *data))
    found = run(of_arrays(compiled, 3), compiled, parameters, *data)
    assert_same(expected, found)
    for name, array in differences(compiled, parameters, *data).items():
        np.testing.assert_allclose(found[1][name], array, rtol=2e-5, atol=1e-7, err_msg=name)


@pytest.mark.parametrize("name", some(examples()))
def test_examples_agree_with_their_solutions(name: str) -> None:
    """Compiled gradients of every bundled example are those of the worked solution."""
    derivation = sbp.derive(sbp.example(name))
    if derivation.problem.missing():
        pytest.skip("the example has no numbers")
    values = evaluate(derivation, FLOAT)
    gradients = {}
    for quantity in derivation.parameters:
        gradients[quantity.name] = np.reshape([float(values.gradient(e)) for e in quantity.elements()], quantity.shape)
    expected = float(values.value(derivation.graph.output)), gradients
    compiled = sbp.compile(derivation)
    assert_same(expected, compiled())
    assert_same(expected, run(of_arrays(compiled, compiled._own_samples), compiled, None, None, None))
    assert_same(expected, sbp.compile(derivation, "sympy")())


def test_mazur_has_the_published_numbers() -> None:
    """Loss and gradients of the best-known example are the published ones."""
    loss, found = sbp.compile(sbp.derive(sbp.example("mazur")))()
    assert loss == pytest.approx(0.298371109, abs=5e-10)
    assert found["W2"][0, 0] == pytest.approx(0.082167041, abs=5e-10)
    assert found["W1"][0, 0] == pytest.approx(0.000438568, abs=5e-10)


GRAPH = {
    "parameters": {"A": [[0.5, -1.0], [2.0, 0.25]], "c": [0.5, 0.5], "k": 2.0},
    "inputs": {"X": {"shape": [2, 2]}, "v": {"shape": [2]}},
    "targets": {"s": {"shape": []}},
    "equations": [
        "P = A @ X @ A.T",
        "q = softmax(P @ v, axis=0) + c*v",
        "M = outer(q, v) + [[k, 1], [q[0], q[1]]]",
        "r = concat(M[0], q[0:1], v)",
        "u = dot(r, r)*k + max(M) - sum(abs(P)) + mean(M, axis=0)[1] + sum(v @ M)",
        "L = (u - s)**2/4 + sqrt(k)*sum(c**2)",
    ],
    "output": "L",
}


def test_graph_takes_any_number_of_samples() -> None:
    """A graph over samples is the mean over single calls, for every operation between arrays and every engine."""
    derivation = sbp.derive(sbp.problem({"graph": GRAPH}))
    compiled, random = sbp.compile(derivation), np.random.default_rng(3)
    inputs = {"X": random.normal(size=(5, 2, 2)), "v": random.normal(size=(5, 2))}
    targets = {"s": random.normal(size=5)}
    singles = [
        compiled(None, {name: array[k] for name, array in inputs.items()}, {"s": targets["s"][k]}) for k in range(5)
    ]
    expected = (
        float(np.mean([loss for loss, _ in singles])),
        {name: np.mean([found[name] for _, found in singles], axis=0) for name in singles[0][1]},
    )
    assert_same(expected, compiled(None, inputs, targets), 1e-10)
    assert_same(expected, run(of_arrays(compiled, 5), compiled, None, inputs, targets), 1e-10)
    assert_same(expected, sbp.compile(derivation, "sympy")(None, inputs, targets), 1e-10)
    shared = {**inputs, "v": inputs["v"][0]}
    repeated = {**inputs, "v": np.repeat(inputs["v"][:1], 5, axis=0)}
    assert_same(compiled(None, repeated, targets), compiled(None, shared, targets))


def test_graph_single_sample_has_finite_differences() -> None:
    """The gradient of one sample of the same graph is that of central differences, in straight lines and arrays."""
    compiled, random = sbp.compile(sbp.derive(sbp.problem({"graph": GRAPH}))), np.random.default_rng(4)
    inputs, targets = {"X": random.normal(size=(2, 2)), "v": random.normal(size=2)}, {"s": 0.5}
    parameters = dict(zip("Ack", compiled.arguments.parameter_arrays(None), strict=True))
    results = (
        compiled(parameters, inputs, targets),
        run(of_arrays(compiled, None), compiled, parameters, inputs, targets),
    )
    for _, found in each(results):
        for name, expected in each(differences(compiled, parameters, inputs, targets).items()):
            np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_names_of_quantities_may_mean_anything_elsewhere(dtype: str) -> None:
    """A quantity may have the name of a Python word, of our functions or of an optimizer's letters."""
    names = [
        "lambda",
        "empty",
        "np",
        "w",
        "g",
        "t",
        "m",
        "learning_rate",
        "rates",
        "multiply",
        "gradient",
        "L",
        "r1_",
        "E",
    ]
    equations = [f"s = {' + '.join(f'{name}**2' for name in names)}", "out = s/2"]
    graph = {"parameters": dict.fromkeys(names, 3), "equations": equations, "output": "out"}
    compiled = sbp.compile(sbp.derive(sbp.problem({"graph": graph})), dtype=dtype)
    loss, found = compiled()
    assert loss == 4.5 * len(names)
    assert dict.fromkeys(names, 3.0) == {name: float(array) for name, array in found.items()}
    runner = Runner(compiled, optimizer="adam")
    runner.run([0.5])
    assert {name: pytest.approx(2.5) for name in names} == {name: float(a) for name, a in runner.parameters.items()}


# Numbers out of range


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("activation", "loss"), few(PAIRS, 23))
def test_saturated_units_are_finite(activation: str, loss: str, sign: int, dtype: str) -> None:
    """At |z| = 1000 values and gradients are finite, without a warning (a warning is an error here)."""
    if loss in ("binary_cross_entropy", "cross_entropy") and losses.fused(loss, activation) is None:
        pytest.skip("ln 0: this pair has no form from the logits")
    derivation = sbp.derive(network(activation, loss, hidden="linear"))
    parameters = {name: np.zeros(shape) for name, shape in derivation.problem.parameter_shapes().items()}
    parameters["b2"] = np.array([1000.0 * sign, -1000.0 * sign])
    arguments = parameters, np.ones((2, 2)), np.array([[1.0, 0.0], [0.0, 1.0]])
    compiled = sbp.compile(derivation, dtype=dtype)
    for found, gradients in (compiled(*arguments), run(of_arrays(compiled, 2), compiled, *arguments)):
        assert math.isfinite(found)
        assert all(np.isfinite(array).all() for array in gradients.values())
    assert_same(sbp.compile(derivation, "sympy")(*arguments), compiled(*arguments), 1e-6)


@pytest.mark.parametrize(
    ("activation", "loss", "expected", "slope"),
    [
        ("softmax", "cross_entropy", 2000.0, [1.0, -1.0]),
        ("sigmoid", "binary_cross_entropy", 2000.0, [1.0, -1.0]),
        ("softplus", "absolute_error", 1001.0, [1.0, 0.0]),
        ("sigmoid", "half_squared_error", 1.0, [0.0, 0.0]),
        ("silu", "absolute_error", 1001.0, [1.0, 0.0]),
    ],
)
def test_saturated_units_are_right(activation: str, loss: str, expected: float, slope: list[float]) -> None:
    """Logits (1000, −1000) against the second class have the loss and the δ that they have in exact arithmetic."""
    derivation = sbp.derive(network(activation, loss, hidden="linear"))
    parameters = {name: np.zeros(shape) for name, shape in derivation.problem.parameter_shapes().items()}
    parameters["b2"] = np.array([1000.0, -1000.0])
    for backend, dtype in itertools.product(["numpy", "sympy"], ["float64", "float32"]):
        found, gradients = sbp.compile(derivation, backend, dtype)(parameters, np.ones((1, 2)), [[0.0, 1.0]])
        assert expected == pytest.approx(found)
        np.testing.assert_allclose(gradients["b2"], slope, atol=1e-12)


def test_descent_that_leaves_the_floats_ends_in_infinities() -> None:
    """Straight lines hand over to arrays where an exponential overflows; nothing is raised and nothing warned of."""
    graph = {"parameters": {"w": 1}, "equations": ["L = exp(w)"], "output": "L"}
    runner = Runner(sbp.compile(sbp.derive(sbp.problem({"graph": graph}))))
    found = runner.run([-1.0] * 8)
    assert math.isinf(found[-1]) or math.isnan(found[-1])
    assert found[0] == pytest.approx(math.e)


class Watched:
    """A NumPy function that notes the types of what it computes with."""

    def __init__(self, function: Any, seen: set[np.dtype[Any]]) -> None:
        self.function, self.seen = function, seen

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Note and compute."""
        result = self.function(*arguments, **named)
        each = (*arguments, *named.values(), result)
        self.seen.update(a.dtype for a in each if isinstance(a, np.ndarray | np.generic))
        return result

    @property
    def reduce(self) -> Watched:
        """The function's reduction."""
        return Watched(self.function.reduce, self.seen)


@pytest.mark.parametrize(("activation", "loss"), few(PAIRS, 23))
def test_float32_stays_float32(activation: str, loss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No array of the code, and no result of a call in it, is of another type: loss, gradients, prediction, update."""
    seen: set[np.dtype[Any]] = set()
    watched = {
        name: Watched(value, seen) if name not in ("float", "erf", "erfc") else value
        for name, value in array_engine.NAMESPACE.items()
    }
    monkeypatch.setattr(array_engine, "NAMESPACE", watched)
    derivation = sbp.derive(network(activation, loss, hidden="leaky_relu"))
    compiled = sbp.compile(derivation, dtype="float32")
    parameters, x, y = drawn(derivation.problem, 4)
    _, found = compiled(parameters, x, y)
    assert compiled.predict(parameters, x).dtype == "float32"
    runner = Runner(compiled, parameters, x, y, optimizer="adamw")
    runner.run([0.1, 0.1])
    arrays = [*found.values(), *runner.parameters.values(), *runner.states["m"].values(), *runner.data]
    assert {np.dtype("float32")} == {array.dtype for array in arrays} == seen


# The callable


def test_prediction_is_the_output_of_the_forward_pass() -> None:
    """`predict` gives (samples, outputs), the same from every backend, and keeps what it returned before."""
    derivation = sbp.derive(network("softmax", "cross_entropy"))
    parameters, x, _ = drawn(derivation.problem, 6)
    compiled = sbp.compile(derivation)
    found = compiled.predict(parameters, x)
    z = np.tanh(x @ parameters["W1"].T + parameters["b1"]) @ parameters["W2"].T + parameters["b2"]
    np.testing.assert_allclose(found, np.exp(z) / np.exp(z).sum(axis=1, keepdims=True), rtol=1e-12)
    np.testing.assert_allclose(found, sbp.compile(derivation, "sympy").predict(parameters, x), rtol=1e-12)
    before = found.copy()
    compiled.predict(parameters, 2 * x)
    np.testing.assert_array_equal(before, found)


def test_classes_may_be_integers() -> None:
    """Integer labels (samples,) are their one-hot vectors, also when there are as many samples as classes."""
    compiled = sbp.compile(sbp.derive(network("softmax", "cross_entropy")))
    parameters, x, _ = drawn(compiled.derivation.problem, 2)
    assert_same(compiled(parameters, x, [[1.0, 0.0], [0.0, 1.0]]), compiled(parameters, x, [0, 1]))
    assert_same(compiled(parameters, x[:1], [[0.0, 1.0]]), compiled(parameters, x[0], 1))
    assert_same(compiled(parameters, x[:1], [[0.0, 1.0]]), compiled(parameters, x[0], [0, 1]))


def test_gradients_are_kept_or_written_where_asked() -> None:
    """A later call does not change an earlier result, unless both write into the arrays of `out`."""
    for dtype in ("float64", "float32"):
        compiled = sbp.compile(sbp.derive(network("tanh", "squared_error")), dtype=dtype)
        parameters, x, y = drawn(compiled.derivation.problem, 3)
        _, first = compiled(parameters, x, y)
        before = {name: array.copy() for name, array in first.items()}
        out = {name: np.empty_like(array) for name, array in first.items()}
        _, second = compiled(parameters, 2 * x, y, out=out)
        assert all(second[name] is out[name] for name in out)
        for name, array in before.items():
            np.testing.assert_array_equal(array, first[name])


def test_source_is_python_in_the_names_of_the_documents() -> None:
    """The source compiles; small problems are named by element, large ones by array."""
    small = sbp.compile(sbp.derive(sbp.example("mazur"))).source
    assert "z1_1 = W1_1_1*x_1 + W1_1_2*x_2 + b1\n" in small
    assert "delta2_1 = dL_da2_1*a2_1*(1.0 - a2_1)\n" in small
    large = sbp.compile(sbp.derive(sbp.example("mazur")), dtype="float32").source
    assert "matmul(x, W1.T, out=z1)\n" in large
    assert "matmul(delta1.T, x, out=dL_dW1)\n" in large
    for source in (small, large, sbp.compile(sbp.derive(sbp.example("mazur")), "sympy").source):
        compile(source, "source", "exec")


X, Y = np.zeros((3, 2)), np.zeros((3, 2))
MISTAKES: dict[str, tuple[Callable[[Gradient, Arrays], object], str]] = {
    "missing": (lambda g, p: g({"W1": p["W1"]}, X, Y), "these have none: b1, W2, b2"),
    "unknown": (lambda g, p: g({**p, "w3": 1}, X, Y), 'unknown parameter "w3"'),
    "shape": (lambda g, p: g({**p, "W1": p["W1"].T}, X, Y), "W1: the shape is 2×3, expected 3×2"),
    "inputs": (lambda g, p: g(p, np.zeros((3, 5)), Y), "x: the shape is 3×5, expected 2, n×2"),
    "targets": (lambda g, p: g(p, X, np.zeros((3, 3))), "y: the shape is 3×3, expected 2, n×2"),
    "samples": (lambda g, p: g(p, X, Y[:2]), "x has 3 samples, y has 2"),
    "empty": (lambda g, p: g(p, X[:0], Y[:0]), "at least one sample"),
    "numbers": (lambda g, p: g({**p, "b1": ["a", "b", "c"]}, X, Y), "b1: expected finite numbers, found a at place 1"),
    "ragged": (lambda g, p: g(p, [[1, 2], [3]], Y), "x: expected an array of real numbers"),
    "mapping": (lambda g, p: g(list(p.values()), X, Y), "expected a mapping from names to arrays, found list"),  # type: ignore[arg-type]
    "own": (lambda g, p: g(p), "these have none: x"),
    "out": (lambda g, p: g(p, X, Y, out={}), "of type float64 to write into"),
    "batches": (lambda g, p: Runner(g, p, X, Y).run([0.1], [[0, 3]]), "with indices from 0 to less than 3"),
    "backend": (lambda g, p: sbp.compile(g.derivation, "nunpy"), 'did you mean "numpy"'),
    "type": (lambda g, p: sbp.compile(g.derivation, dtype="float16"), 'unknown number type "float16"'),
    "saved": (lambda g, p: Runner(g, p, X, Y).load({"W1": p["W1"]}), "saved from another descent"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_explained(mistake: str) -> None:
    """A wrong argument is one message that says where and what was expected."""
    gradient = sbp.compile(sbp.derive(network("sigmoid", "squared_error")))
    parameters, _, _ = drawn(gradient.derivation.problem, 1)
    call, expected = MISTAKES[mistake]
    with pytest.raises(SymbackpropError) as caught:
        call(gradient, parameters)
    assert expected in str(caught.value)


def test_targets_that_are_no_distribution_are_refused() -> None:
    """Where the error p − y holds for targets that sum to 1 only, others are an error, and so is a class there is not."""
    gradient = sbp.compile(sbp.derive(network("softmax", "cross_entropy")))
    parameters, x, _ = drawn(gradient.derivation.problem, 2)
    with pytest.raises(ProblemError, match=r"targets of sample 2 sum to 0\.5"):
        gradient(parameters, x, [[1, 0], [0.25, 0.25]])
    with pytest.raises(ProblemError, match="class 2 is not a whole number from 0 to 1"):
        gradient(parameters, x, [0, 2])


def test_graph_has_no_prediction_and_names_its_quantities() -> None:
    """A graph names no outputs; unknown and differing data are errors."""
    gradient = sbp.compile(sbp.derive(sbp.problem({"graph": GRAPH})))
    with pytest.raises(ProblemError, match="names no outputs"):
        gradient.predict()
    with pytest.raises(SymbackpropError, match='unknown quantity "V"'):
        gradient(None, {"V": 1}, None)
    with pytest.raises(SymbackpropError, match="X has 2 samples, s has 3"):
        gradient(None, {"X": np.zeros((2, 2, 2)), "v": np.zeros(2)}, {"s": np.zeros(3)})


def test_symbol_without_formula_is_refused() -> None:
    """An activation that stays a symbol has no numbers."""
    with pytest.raises(ProblemError, match="a1 is a function without a formula"):
        sbp.compile(sbp.derive(network("linear", "squared_error", hidden="generic"))).source  # noqa: B018 - it compiles


def test_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend whose library is not installed says what to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingLibraryError, match="pip install numba"):
        sbp.compile(sbp.derive(sbp.example("line")), "numba")


# Descent

SETTINGS: dict[str, dict[str, Any]] = {
    "gradient_descent": {"weight_decay": optimizers.Fraction(1, 10)},
    "momentum": {"dampening": optimizers.Fraction(1, 4)},
}


def runner(backend: str, optimizer: str, *, arrays: bool = False, samples: int = 4) -> Runner:
    """Return a descent of a 2-3-2 network, between arrays where asked."""
    derivation = sbp.derive(network("softmax", "cross_entropy"))
    gradient = sbp.compile(derivation, backend)
    if arrays:
        gradient._backend = _Arrays()  # type: ignore[assignment]
    settings = SETTINGS.get(optimizer, {})
    return Runner(gradient, *drawn(derivation.problem, samples), optimizer=optimizer, settings=settings, frozen=("b1",))


class _Arrays:
    def prepare(self, plan: Plan) -> ArrayEngine:
        return ArrayEngine(plan)


@pytest.mark.parametrize("batches", [None, [[0, 1], [2, 3], [3, 0], [1, 1]]])
@pytest.mark.parametrize("optimizer", optimizers.OPTIMIZERS)
def test_descent_agrees_with_the_reference(optimizer: str, batches: list[list[int]] | None) -> None:
    """Every optimizer, its first update included, changes parameters and states alike in every engine."""
    rates = [0.5, 0.25, 0.125, -0.1]
    reference = runner("sympy", optimizer)
    expected = reference.run(rates, batches)
    others = [runner("numpy", optimizer), runner("numpy", optimizer, arrays=True)]
    for other in each(others):
        np.testing.assert_allclose(other.run(rates, batches), expected, rtol=1e-11)
        for name, array in each(reference.save().items()):
            np.testing.assert_allclose(other.save()[name], array, rtol=1e-9, atol=1e-13, err_msg=name)
        np.testing.assert_array_equal(other.parameters["b1"], drawn(other.gradient.derivation.problem, 4)[0]["b1"])


@NUMBA
@pytest.mark.parametrize("batches", [None, [[0, 1], [2, 3], [3, 0]]])
def test_numba_descends_as_the_reference(batches: list[list[int]] | None) -> None:
    """The compiled loop gives the same losses, parameters and states."""
    reference, compiled = runner("sympy", "adam", samples=4), runner("numba", "adam", samples=4)
    np.testing.assert_allclose(compiled.run([0.5] * 3, batches), reference.run([0.5] * 3, batches), rtol=1e-11)
    for name, array in reference.save().items():
        np.testing.assert_allclose(compiled.save()[name], array, rtol=1e-9, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("arrays", [False, True])
@pytest.mark.parametrize("optimizer", optimizers.OPTIMIZERS)
def test_descent_resumes_bit_for_bit(optimizer: str, arrays: bool) -> None:
    """Two runs with everything saved and loaded between them give the bits of one run."""
    whole, first, second = (runner("numpy", optimizer, arrays=arrays) for _ in range(3))
    expected = whole.run([0.5] * 7)
    losses_before = first.run([0.5] * 3)
    second.load(first.save())
    np.testing.assert_array_equal(expected, [*losses_before, *second.run([0.5] * 4)])
    for name, array in whole.save().items():
        np.testing.assert_array_equal(array, second.save()[name])


def test_descent_is_that_of_the_solution() -> None:
    """The losses of the published example are those of its worked solution."""
    problem = sbp.example("mazur")
    found = Runner(sbp.compile(sbp.derive(problem)), frozen=("b1", "b2")).run([0.5] * 101)
    assert found[1] == pytest.approx(0.291027773693599, rel=1e-12)
    np.testing.assert_allclose(found, sbp.solve(problem, steps=100).losses, rtol=1e-10)


def test_crossover_chooses_the_engine() -> None:
    """Tiny problems are straight lines, larger ones and float32 arrays."""
    assert isinstance(sbp.compile(sbp.derive(sbp.example("xor"))).engine(4), ScalarEngine)
    assert isinstance(sbp.compile(sbp.derive(sbp.example("xor")), dtype="float32").engine(4), ArrayEngine)
    large = sbp.compile(sbp.derive(sbp.network([30, 30, 2], activations=["relu", "linear"], loss="mse")))
    assert large.plan(1).edges > numpy_backend.CROSSOVER
    assert isinstance(large.engine(1), ArrayEngine)
