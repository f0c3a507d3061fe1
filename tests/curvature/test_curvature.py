"""Second order against central differences of the gradient at 50 digits, and against curves known in closed form."""

from __future__ import annotations

import itertools
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symbackprop as sbp
from symbackprop.algebra import functions
from symbackprop.algebra.formula import ONE
from symbackprop.arithmetic import exact
from symbackprop.catalog import losses
from symbackprop.catalog.losses import LOSSES
from symbackprop.curvature import (
    CurvatureError,
    critical_points,
    hessian,
    jacobian,
    linear_systems,
    newton_step,
    rate_limit,
    tangents,
)
from symbackprop.derivation.derivations import derive
from symbackprop.descent.solution import solve
from symbackprop.errors import MissingValueError, UnknownNameError
from symbackprop.evaluation.arithmetics import EXACT
from symbackprop.evaluation.evaluate import Evaluation, Values, leaves
from symbackprop.problems import Problem
from symbackprop.problems.build import fitting_activations
from symbackprop.problems.load import examples
from tests.documents import some
from tests.helpers import many

H = exact.to_real(Fraction(1, 10**14))
"""Step of the differences: their error is of the order h², and h leaves 36 digits of 50."""
TOLERANCE = 1e-22


def graph(equations: list[str], output: str = "L", **parameters: object) -> Problem:
    """Return a computation graph of parameters alone."""
    return sbp.problem({"graph": {"parameters": parameters, "equations": equations, "output": output}})


def network(layers: list[tuple[int, str]], loss: str, x: list[Any], y: Any, shift: int = 0, **keys: Any) -> Problem:
    """Return a network with weights that are neither alike nor round."""
    inputs = len(x[0]) if isinstance(x[0], list) else len(x)
    numbers = itertools.cycle([Fraction(k * 37 % 41 - 20, 23) for k in range(1 + shift, 41 + shift)])
    parameters: dict[str, Any] = {}
    width = inputs
    for number, (units, _) in enumerate(layers, start=1):
        parameters[f"W{number}"] = [[str(next(numbers)) for _ in range(width)] for _ in range(units)]
        parameters[f"b{number}"] = [str(next(numbers)) for _ in range(units)]
        width = units
    rows = [{"units": units, "activation": activation} for units, activation in layers]
    content = {"network": {"inputs": inputs, "layers": rows, "loss": loss}, "parameters": parameters}
    return sbp.problem({**content, "data": {"x": x, "y": y}, **keys})


class Differences:
    """Central differences of a problem's passes by its parameters."""

    def __init__(self, problem: Problem) -> None:
        self.derivation = derive(problem)
        self.run = Evaluation.of(self.derivation, EXACT)
        self.shared, self.data = leaves(self.derivation, EXACT)
        self.names = [name for quantity in self.derivation.parameters for name in quantity.elements()]

    def values(self, name: str, change: Any) -> Values:
        """Return a whole pass with one parameter moved."""
        moved = {**self.shared, name: exact.add(exact.to_real(self.shared[name]), change)}
        return self.run.backward(self.run.forward(moved, self.data))

    def hessian(self) -> list[list[Any]]:
        """Return the differences of the gradient, one row for each parameter that was moved."""
        return [self.row(name, [(other, None) for other in self.names], Values.gradient) for name in self.names]

    def row(self, name: str, keys: list[tuple[str, int | None]], read: Any) -> list[Any]:
        """Return the differences of some numbers by one parameter."""
        above, below = self.values(name, H), self.values(name, -H)
        changes = [exact.add(read(above, *key), -read(below, *key)) for key in keys]
        return [exact.divide(change, 2 * H) for change in changes]


def assert_close(expected: Any, actual: Any, tolerance: float = TOLERANCE) -> None:
    """Assert that two matrices agree, relative to their largest entry or to 1."""
    assert len(expected) == len(actual)
    scale = max(1.0, *(abs(float(entry)) for row in expected for entry in row))
    for wanted, found in zip(expected, actual, strict=True):
        for left, right in zip(wanted, found, strict=True):
            assert abs(float(exact.add(left, -right))) <= tolerance * scale


def assert_is_second_derivative(problem: Problem) -> None:
    """Assert that the Hessian of a problem is the difference of its gradient, symmetric, with that gradient and loss."""
    found, oracle = hessian(problem), Differences(problem)
    assert found.kinks == ()
    assert_close(oracle.hessian(), found.entries)
    assert_close(found.entries, list(zip(*found.entries, strict=True)), 1e-40)
    values = oracle.run.backward(oracle.run.forward(oracle.shared, oracle.data))
    assert_close([[values.gradient(name) for name in found.names]], [found.gradient], 1e-40)
    assert values.value(oracle.derivation.graph.output) == found.loss


# Hessian


@st.composite
def networks(draw: st.DrawFn) -> Problem:
    """Draw a network of at most 30 parameters, without kinks, with one sample or a batch."""
    smooth = ["sigmoid", "tanh", "softplus", "linear"]
    widths = draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))
    layers = [(units, draw(st.sampled_from(smooth))) for units in widths[1:]]
    numbers = st.integers(-20, 20).map(lambda whole: str(Fraction(whole, 9)))
    samples = draw(st.integers(0, 3))

    def data(width: int) -> Any:
        one = st.lists(numbers, min_size=width, max_size=width)
        return draw(st.lists(one, min_size=samples, max_size=samples) if samples else one)

    return network(layers, "half_squared_error", data(widths[0]), data(widths[-1]), draw(st.integers(0, 40)))


@settings(derandomize=True, deadline=None, max_examples=many(25), database=None)
@given(networks())
def test_hessian_of_a_random_network_is_the_difference_of_its_gradient(problem: Problem) -> None:
    """∂²L/∂w∂v is the central difference of ∂L/∂w along v, for one sample and for batches, and H is symmetric."""
    assert_is_second_derivative(problem)


@pytest.mark.parametrize("activation", functions.WITH_FORMULA)
def test_hessian_knows_every_activation(activation: str) -> None:
    """The law holds for each activation of the registry, in a hidden and in an output layer."""
    layers = [(2, activation), (2, activation)]
    assert_is_second_derivative(network(layers, "squared_error", ["2/3", "-1/7"], ["1/3", "3/4"]))


@pytest.mark.parametrize("loss", losses.WITH_FORMULA)
def test_hessian_knows_every_loss(loss: str) -> None:
    """The law holds for each loss of the registry, over a batch."""
    last = next(
        name for name in ("tanh", "sigmoid", "softmax") if name in fitting_activations(LOSSES[loss].predictions)
    )
    y: list[Any] = [0, 1] if losses.TARGETS[LOSSES[loss].targets].of_classes else [["1/3", "3/4"], ["1/5", "2/7"]]
    assert_is_second_derivative(network([(2, "tanh"), (2, last)], loss, [["2/3", "-1/7"], [1, "1/2"]], y))


@pytest.mark.parametrize("name", some(examples()))
def test_hessian_of_an_example_is_the_difference_of_its_gradient(name: str) -> None:
    """The law holds for every bundled network and graph that is small enough."""
    problem = sbp.example(name)
    if sum(math.prod(shape) for shape in problem.parameter_shapes().values()) > tangents.LARGEST:
        pytest.skip("the example has too many parameters")
    assert_is_second_derivative(problem)


def test_hessian_of_a_batch_is_the_mean_over_its_samples() -> None:
    """With the mean over the samples as loss, H is the mean of the Hessians of the samples, exactly."""
    layers = [(2, "linear"), (1, "linear")]
    x, y = [["1/2", 1], [-1, "1/3"]], [["1/4"], [2]]
    whole = hessian(network(layers, "half_squared_error", x, y)).entries
    parts = [hessian(network(layers, "half_squared_error", x[k], y[k])).entries for k in range(2)]
    mean = tuple(tuple((p + q) / 2 for p, q in zip(*rows, strict=True)) for rows in zip(*parts, strict=True))
    assert mean == whole


def test_hessian_is_exact_where_the_numbers_are() -> None:
    """Polynomials with fractions have Hessians in fractions: u²v³ at (1/2, 2/3)."""
    found = hessian(graph(["L = u**2*v**3"], u="1/2", v="2/3"))
    u, v = Fraction(1, 2), Fraction(2, 3)
    assert ((2 * v**3, 6 * u * v**2), (6 * u * v**2, 6 * u**2 * v)) == found.entries
    assert (("u", "v"), (2 * u * v**3, 3 * u**2 * v**2)) == (found.names, found.gradient)
    assert ((16 / 27, 4 / 3), (4 / 3, 1.0)) == found.floats


def test_wrong_second_partial_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison of these tests reports a Hessian from a planted wrong second partial."""
    monkeypatch.setattr(tangents, "second_partial", lambda form, slot, other: ONE)
    with pytest.raises(AssertionError):
        assert_is_second_derivative(network([(2, "sigmoid")], "squared_error", ["2/3", "-1/7"], ["1/3", "3/4"]))


def test_second_partials_are_derived_once_for_each_form() -> None:
    """However many weights a network has, its second partials are those of its few forms."""
    counts = []
    for units in (2, 4):
        tangents.second_partial.cache_clear()
        hessian(network([(units, "sigmoid"), (1, "sigmoid")], "half_squared_error", [1, 2], [1]))
        counts.append(tangents.second_partial.cache_info().misses)
    assert counts[0] == counts[1] < 20


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "softsign"])
def test_hessian_names_what_stands_on_a_kink(activation: str) -> None:
    """At z = 0 the quantity is named, for softsign too, whose derivative has a kink there; elsewhere nothing is."""

    def at(weight: str) -> tuple[tuple[str, int | None], ...]:
        equations = [f"a = {activation}(w*x)", "L = a**2"]
        content = {"parameters": {"w": weight}, "inputs": {"x": 1}, "equations": equations, "output": "L"}
        found = hessian(sbp.problem({"graph": content, "data": {"x": [1, 2]}}))
        return tuple((kink.name, kink.sample) for kink in found.kinks)

    assert (("a", 1), ("a", 2)) == at("0")
    assert () == at("1/3")


# Jacobian


@pytest.mark.parametrize("x", [["2/3", "-1/7"], [["2/3", "-1/7"], [1, "1/2"], [0, 3]]])
def test_jacobian_is_the_difference_of_the_outputs(x: list[Any]) -> None:
    """The columns of the Jacobian are central differences of the last activations, in every sample."""
    y = ["1/3", "3/4"] if isinstance(x[0], str) else [["1/3", "3/4"]] * len(x)
    problem = network([(2, "tanh"), (2, "softmax")], "squared_error", x, y)
    found, oracle = jacobian(problem), Differences(problem)
    samples = [None] if problem.samples is None else range(1, problem.samples + 1)
    keys = [(name, sample) for sample in samples for name in ("a2_1", "a2_2")]
    assert tuple(name if sample is None else f"{name}@{sample}" for name, sample in keys) == found.rows
    assert tuple(oracle.names) == found.columns
    columns = [oracle.row(name, keys, Values.value) for name in oracle.names]
    assert_close(columns, list(zip(*found.entries, strict=True)))


def test_jacobian_of_a_graph_is_that_of_what_its_output_reads() -> None:
    """The rows are the computed quantities in the output equation, or those of the name that was asked for."""
    content = {
        "parameters": {"w": ["1/2", 3]},
        "inputs": {"x": [5, 7]},
        "targets": {"y": 1},
        "equations": ["v = w*x", "o = sum(v)", "L = (o - y)**2"],
        "output": "L",
    }
    problem = sbp.problem({"graph": content})
    assert (("o",), ("w_1", "w_2"), ((5, 7),)) == (
        jacobian(problem).rows,
        jacobian(problem).columns,
        jacobian(problem).entries,
    )
    assert (("v_1", "v_2"), ((5.0, 0.0), (0.0, 7.0))) == (jacobian(problem, "v").rows, jacobian(problem, "v").floats)
    assert ("L",) == jacobian(graph(["L = u**2"], u=3)).rows
    assert ((6.0,),) == jacobian(graph(["L = u**2"], u=3)).floats
    batch = sbp.problem({"graph": content, "data": {"x": [[5, 7], [1, 2]]}})
    assert (("o@1", "o@2"), ((5, 7), (1, 2))) == (jacobian(batch).rows, jacobian(batch).entries)
    with pytest.raises(UnknownNameError, match='unknown quantity "q"'):
        jacobian(problem, "q")


# Newton's step


def test_newton_step_solves_linear_regression_exactly() -> None:
    """One step from anywhere leads to the least-squares line, in fractions: y = 2x/3 + 2/3 through three points."""
    content = {
        "parameters": {"W1": [["5/7"]], "b1": [-9]},
        "data": {"x": [[-1], [0], [2]], "y": [["1/3"], ["1/3"], ["7/3"]]},
        "network": {
            "inputs": 1,
            "layers": [{"units": 1, "activation": "linear"}],
            "loss": "half_squared_error",
        },
    }
    found = newton_step(sbp.problem(content))
    xs, ys = (-1, 0, 2), (Fraction(1, 3), Fraction(1, 3), Fraction(7, 3))
    covariance = sum(x * y for x, y in zip(xs, ys, strict=True)) - sum(xs) * sum(ys) / 3
    slope = covariance / (sum(x * x for x in xs) - Fraction(sum(xs) ** 2, 3))
    assert (slope, (sum(ys) - slope * sum(xs)) / 3) == found.after
    assert all(isinstance(value, Fraction) for value in found.after)
    assert ("W1_1_1", "b1_1") == found.names
    assert {"W1_1_1": float(found.after[0]), "b1_1": float(found.after[1])} == found.floats
    assert found.slope < 0
    assert found.loss_after < found.loss
    settled = {**content, "parameters": {"W1": [[str(found.after[0])]], "b1": [str(found.after[1])]}}
    assert (0, 0) == newton_step(sbp.problem(settled)).step


def test_newton_step_solves_its_equation() -> None:
    """H p = −g holds at 50 digits for a network, and the points are before + p."""
    problem = network(
        [(2, "tanh"), (1, "sigmoid")], "half_squared_error", [["2/3", "-1/7"], [1, 2], [-1, 1]] * 3, [[0]] * 9
    )
    found, curvature = newton_step(problem), hessian(problem)
    residuals = [
        exact.add(linear_systems.dot(row, found.step), slope)
        for row, slope in zip(curvature.entries, curvature.gradient, strict=True)
    ]
    assert_close([[0] * len(residuals)], [residuals], 1e-40)
    assert_close([[exact.add(p, q) for p, q in zip(found.before, found.step, strict=True)]], [found.after], 1e-45)


def test_newton_step_leaves_frozen_parameters() -> None:
    """Only what training may change is solved for: with v frozen at 2, (uv − 6)² has its minimum at u = 3."""
    training = {"learning_rate": 1, "frozen": ["v"]}
    content = {"parameters": {"u": 1, "v": 2}, "equations": ["L = (u*v - 6)**2"], "output": "L"}
    found = newton_step(sbp.problem({"graph": content, "training": training}))
    assert (("u",), (3,), 0) == (found.names, found.after, found.loss_after)


def test_newton_step_may_climb_or_leave_the_domain() -> None:
    """On a concave stretch the slope along the step is positive; a loss without a value after the step is None."""
    assert newton_step(graph(["L = -u**2"], u=1)).slope > 0
    found = newton_step(graph(["L = u*ln(u)"], u=5))
    assert found.after[0] < 0
    assert found.loss_after is None


@pytest.mark.parametrize(
    ("equation", "rank"), [("L = (u + v)**2", 1), ("L = u + v", 0), ("L = (sigmoid(u + v) - 1/3)**2", 1)]
)
def test_newton_step_refuses_a_singular_hessian(equation: str, rank: int) -> None:
    """The message says that the Hessian is singular, and its rank, in fractions and at 50 digits."""
    with pytest.raises(CurvatureError, match=rf"problem: the Hessian is singular \(its rank is {rank}, not 2\)"):
        newton_step(graph([equation], u=1, v=2))


# The limit of the learning rate


def test_rate_limit_of_the_line_is_two() -> None:
    """The bundled example converges for 0 < η < 2 when x = 1, and for η < 2/x² in general."""
    found = rate_limit(sbp.example("line"))
    assert (Fraction(2), (1,), Fraction(1, 2), (Fraction(1, 2),)) == (
        found.limit,
        found.eigenvalues,
        found.learning_rate,
        found.factors,
    )
    assert (1, (1.0,)) == (found.largest, found.floats)
    assert Fraction(2, 9) == rate_limit(sbp.example("line", [("data.x", [3])])).limit


@pytest.mark.parametrize(("rate", "converges"), [("1.9", True), ("1.999", True), ("2", False), ("2.1", False)])
def test_rate_limit_divides_descents(rate: str, converges: bool) -> None:
    """The error of each step is 1 − ηλ times the one before: below the limit it shrinks, above it grows."""
    problem = sbp.example("line", [("training.learning_rate", Decimal(rate)), ("training.steps", 50)])
    found = rate_limit(problem)
    final = solve(problem).final["W1_1_1"]
    assert math.isclose(1 - float(found.factors[0]) ** 50, final, rel_tol=1e-9, abs_tol=1e-9)
    assert converges is (abs(found.factors[0]) < 1)
    assert converges is (Fraction(rate) < found.limit)


def test_rate_limit_has_an_eigenvalue_for_each_parameter() -> None:
    """For x = (1, 2) the Hessian xxᵀ has the eigenvalues 0 and 5: the limit is 2/5, exactly."""
    content = {"parameters": {"w": [0, 0]}, "inputs": {"x": [1, 2]}, "equations": ["L = 1/2*(w @ x - 3)**2"]}
    found = rate_limit(sbp.problem({"graph": {**content, "output": "L"}}))
    assert ((0, 5), Fraction(2, 5), None, ()) == (found.eigenvalues, found.limit, found.learning_rate, found.factors)
    assert (1, Fraction(1, 2)) == found.contraction(Fraction(1, 10))


@pytest.mark.parametrize("equation", ["L = u**2 - v**2", "L = u + v"])
def test_rate_limit_is_none_without_a_bowl(equation: str) -> None:
    """A saddle diverges with every rate, and a plane has no curvature to limit one."""
    assert rate_limit(graph([equation], u=1, v=1)).limit is None


@pytest.mark.parametrize(
    ("equations", "culprit"),
    [
        (["L = (u*v - 1)**2"], "L"),
        (["a = sigmoid(u)", "L = (a - v)**2"], "a"),
        (["p = u**3", "L = p + v"], "p"),
        (["L = abs(u) + v"], "L"),
        (["L = u/v"], "L"),
    ],
)
def test_rate_limit_refuses_what_is_not_quadratic(equations: list[str], culprit: str) -> None:
    """The message names the quantity through which the loss is no polynomial of degree 2."""
    with pytest.raises(CurvatureError, match=f"quadratic in the parameters; this one is not, through {culprit};"):
        rate_limit(graph(equations, u=1, v=1))


def test_rate_limit_knows_constants_and_what_the_loss_does_not_read() -> None:
    """A function of data or of frozen parameters is a number, and a quantity that the loss does not read is none of its."""
    training = {"learning_rate": 1, "frozen": ["v"]}
    equations = ["unread = exp(u)", "c = 1/v", "L = c*(u - 1)**2"]
    content = {"parameters": {"u": 5, "v": "1/4"}, "equations": equations, "output": "L"}
    assert Fraction(1, 4) == rate_limit(sbp.problem({"graph": content, "training": training})).limit


# Refusals


@pytest.mark.parametrize("ask", [jacobian, hessian, newton_step, rate_limit, critical_points])
def test_second_order_is_for_at_most_thirty_parameters(ask: Any) -> None:
    """Every function refuses 31 parameters with one message that names the number; missing numbers are refused too."""
    large = sbp.network([30, 1], activations=["linear"], loss="half_squared_error", bias="none")
    with pytest.raises((MissingValueError, CurvatureError), match=r"these have none|are not frozen here"):
        ask(large)
    larger = sbp.network([30, 1], activations=["linear"], loss="half_squared_error")
    with pytest.raises(CurvatureError, match="at most 30 parameters, and this problem has 31"):
        ask(larger)
