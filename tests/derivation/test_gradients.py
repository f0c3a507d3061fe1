"""Gradients of random networks against finite differences of a forward pass written again in plain NumPy."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

import symbackprop as sbp
from symbackprop.algebra import forms
from symbackprop.algebra.formula import ONE, Product, Slot, Sum
from symbackprop.algebra.functions import ACTIVATIONS
from symbackprop.algebra.functions import WITH_FORMULA as KNOWN_ACTIVATIONS
from symbackprop.catalog.losses import LOSSES, TARGETS
from symbackprop.catalog.losses import WITH_FORMULA as KNOWN_LOSSES
from symbackprop.derivation.backprop import Link, Links
from symbackprop.derivation.derivations import Derivation, derive
from symbackprop.descent.solution import solve
from symbackprop.errors import MissingValueError
from symbackprop.evaluation import composed_output
from symbackprop.evaluation.arithmetics import EXACT, FLOAT, Arithmetic
from symbackprop.evaluation.checks import Oracle, Verdict, check
from symbackprop.evaluation.evaluate import evaluate
from symbackprop.evaluation.kinks import kinks
from symbackprop.problems import Problem
from symbackprop.problems.build import fitting_activations
from symbackprop.problems.load import examples
from symbackprop.rendering.json_result import result
from tests.documents import some
from tests.helpers import many

BOUNDED = settings(
    derandomize=True,
    deadline=None,
    max_examples=many(150, 15),
    database=None,
    phases=(Phase.explicit, Phase.generate),  # the same cases every time: the failing one is found again as it is
)

Arrays = dict[str, np.ndarray]


# The independent oracle: activations and losses in NumPy, nothing of ours.


def softmax(z: np.ndarray) -> np.ndarray:
    """Return the exponentials of each row, divided by their sum."""
    exponentials = np.exp(z - z.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def huber(error: np.ndarray, delta: float) -> np.ndarray:
    """Return half the square up to `delta`, linear beyond."""
    return np.where(np.abs(error) <= delta, error**2 / 2, delta * (np.abs(error) - delta / 2))


def hinge(scores: np.ndarray, right: int, margin: float) -> float:
    """Return the sum over the wrong classes of how far their score is within the margin."""
    return float(sum(max(0.0, s - scores[right] + margin) for j, s in enumerate(scores) if j != right))


NUMPY_ACTIVATIONS = {
    "linear": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.where(z > 0, z, 0.0),
    "leaky_relu": lambda z, alpha=0.01: np.where(z > 0, z, alpha * z),
    "elu": lambda z, alpha=1.0: np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0))),
    "softplus": lambda z: np.logaddexp(0, z),
    "softsign": lambda z: z / (1 + np.abs(z)),
    "silu": lambda z: z / (1 + np.exp(-z)),
    "gelu": lambda z: z / 2 * np.vectorize(math.erfc, otypes=[float])(-z / math.sqrt(2)),
    "softmax": softmax,
    "own": lambda z: z / np.sqrt(1 + z**2),
}

NUMPY_LOSSES = {
    "half_squared_error": lambda a, y: ((a - y) ** 2).sum(axis=1) / 2,
    "squared_error": lambda a, y: ((a - y) ** 2).sum(axis=1),
    "mean_squared_error": lambda a, y: ((a - y) ** 2).mean(axis=1),
    "binary_cross_entropy": lambda a, y: -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum(axis=1),
    "cross_entropy": lambda a, y: -(y * np.log(a)).sum(axis=1),
    "absolute_error": lambda a, y: np.abs(a - y).sum(axis=1),
    "huber": lambda a, y, delta=1.0: huber(a - y, delta).sum(axis=1),
    "hinge": lambda a, y, margin=1.0: np.array(
        [hinge(scores, int(row.argmax()), margin) for scores, row in zip(a, y, strict=True)]
    ),
    "own": lambda a, y: ((a - y) ** 4).sum(axis=1) / 4,
}

OWN_ACTIVATION = {"expression": "z/sqrt(1 + z**2)", "name": "own"}
OWN_LOSS = {"expression": "sum((a - y)**4)/4"}

KINKED = ("relu", "leaky_relu", "elu", "softsign")
"""Activations whose first or second derivative jumps at 0, where a finite difference of fourth order goes wrong."""

JUMPS: Mapping[str, Callable[..., np.ndarray]] = {
    "absolute_error": lambda a, y: a - y,
    "huber": lambda a, y, delta=1.0: np.stack((abs(a - y) - delta, a - y)),
    "hinge": lambda a, y, margin=1.0: a - (a * y).sum(axis=1, keepdims=True) + margin,
}
"""Losses with kinks: what is 0 there."""

WITH_ALPHA = ("leaky_relu", "elu")
BIAS_SIGNS = {"per_unit": ("b", 1), "shared": ("b", 1), "threshold": ("theta", -1)}


@dataclasses.dataclass(frozen=True)
class Case:
    """A random network: layers, loss and numbers; weights are (units, inputs), x and y are (samples, units).

    `alpha` is the parameter of its leaky ReLUs and ELUs, `setting` that of its loss; None is the default.
    """

    layers: tuple[tuple[int, str, str], ...]
    loss: str
    reduction: str
    single: bool
    numbers: Mapping[str, Any]
    alpha: Fraction | None = None
    setting: Fraction | None = None

    def problem(self, layout: str = "column", at_zero: object = 0) -> Problem:
        """Return the case as a problem in a layout; one sample is given as flat lists."""
        parameters = {
            name: array.T if layout == "row" and name.startswith("W") else array
            for name, array in self.numbers.items()
            if name not in ("x", "y")
        }
        texts = {name: np.vectorize(str, otypes=[object])(array) for name, array in parameters.items()}
        data = {name: np.vectorize(str, otypes=[object])(self.numbers[name]) for name in ("x", "y")}
        layers = [
            {
                "units": units,
                "activation": OWN_ACTIVATION if name == "own" else name,
                "bias": bias,
                **({} if self.alpha is None or name not in WITH_ALPHA else {"alpha": str(self.alpha)}),
            }
            for units, name, bias in self.layers
        ]
        loss = {"name": self.loss, **{key: str(value) for key, value in self.loss_settings().items()}}
        return sbp.problem(
            {
                "network": {
                    "inputs": self.numbers["x"].shape[1],
                    "layers": layers,
                    "loss": OWN_LOSS if self.loss == "own" else loss,
                    "reduction": self.reduction,
                    "relu_derivative_at_zero": at_zero,
                },
                "parameters": texts,
                "data": {name: array[0] if self.single else array for name, array in data.items()},
                "notation": {"layout": layout},
            }
        )

    def arrays(self) -> Arrays:
        """Return the numbers in float64."""
        return {name: np.asarray(array, dtype=float) for name, array in self.numbers.items()}

    def loss_settings(self) -> dict[str, Fraction]:
        """Return the parameter of the loss by its name, if it has one and it is not the default."""
        row = LOSSES.get(self.loss)
        return {name: self.setting for name, _ in row.parameters} if row and self.setting is not None else {}

    def activated(self, activation: str, z: np.ndarray) -> np.ndarray:
        """Return the activations of a layer."""
        if self.alpha is not None and activation in WITH_ALPHA:
            return NUMPY_ACTIVATIONS[activation](z, float(self.alpha))
        return NUMPY_ACTIVATIONS[activation](z)

    def forward(self, arrays: Arrays) -> tuple[float, list[np.ndarray]]:
        """Return the loss and the pre-activations of every layer."""
        a, found = arrays["x"], []
        for number, (_, activation, bias) in enumerate(self.layers, start=1):
            z = a @ arrays[f"W{number}"].T
            if bias != "none":
                letter, sign = BIAS_SIGNS[bias]
                z = z + sign * arrays[f"{letter}{number}"]
            found.append(z)
            a = self.activated(activation, z)
        settings = {name: float(value) for name, value in self.loss_settings().items()}
        losses = NUMPY_LOSSES[self.loss](a, arrays["y"], **settings)
        return float(losses.mean() if self.reduction == "mean" else losses.sum()), found

    def differences(self) -> Arrays:
        """Return the central differences of the loss by every number (fourth order: step 1e-4, error about 1e-12)."""
        found = {}
        for name, array in self.arrays().items():
            gradient = np.zeros_like(array)
            for index in np.ndindex(array.shape):
                gradient[index] = self._difference(name, index)
            found[name] = gradient
        return found

    def _difference(self, name: str, index: tuple[int, ...], step: float = 1e-4) -> float:
        losses = []
        for multiple in (1, -1, 2, -2):
            moved = self.arrays()
            moved[name][index] += multiple * step
            losses.append(self.forward(moved)[0])
        return (8 * (losses[0] - losses[1]) - (losses[2] - losses[3])) / (12 * step)

    def has_clear_kinks(self) -> bool:
        """Say whether everything with a kink is far enough from it for a finite difference."""
        arrays = self.arrays()
        z = self.forward(arrays)[1]
        distances = [each for (_, name, _), each in zip(self.layers, z, strict=True) if name in KINKED]
        if self.loss in JUMPS:
            settings = {name: float(value) for name, value in self.loss_settings().items()}
            distances.append(JUMPS[self.loss](self.activated(self.layers[-1][1], z[-1]), arrays["y"], **settings))
        return all(abs(distance).min() > 0.02 for distance in distances)


def rationals(largest: int, denominator: int) -> st.SearchStrategy[Fraction]:
    """Return fractions between −largest/denominator and largest/denominator."""
    return st.integers(-largest, largest).map(lambda whole: Fraction(whole, denominator))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a network of 1-3 layers of 1-4 units, its numbers, and one sample or a batch."""
    loss = draw(st.sampled_from((*sorted(KNOWN_LOSSES), "own")))
    row = LOSSES.get(loss)
    widths = draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    inputs, *units = widths
    predictions = "any" if row is None else row.predictions
    fitting = fitting_activations(predictions)
    last = draw(st.sampled_from((*fitting, "own") if predictions == "any" else fitting))
    if loss == "binary_cross_entropy" and last == "softmax":
        units[-1] = max(units[-1], 2)  # a softmax of one unit is 1, where the loss is infinite
    if row is not None and row.targets == "one_hot":
        units[-1] = max(units[-1], 2)
    hidden = [draw(st.sampled_from((*sorted(KNOWN_ACTIVATIONS), "own"))) for _ in units[1:]]
    biases = [draw(st.sampled_from(("per_unit", "shared", "none", "threshold"))) for _ in units]
    layers = tuple(zip(units, (*hidden, last), biases, strict=True))
    single = draw(st.booleans())
    samples = 1 if single else draw(st.integers(1, 3))

    def array(shape: tuple[int, ...], entry: st.SearchStrategy[Any]) -> np.ndarray:
        size = int(np.prod(shape, dtype=int))
        entries = np.empty(size, dtype=object)
        entries[:] = draw(st.lists(entry, min_size=size, max_size=size))
        return entries.reshape(shape)

    numbers: dict[str, Any] = {}
    previous = inputs
    for number, (width, _, bias) in enumerate(layers, start=1):
        numbers[f"W{number}"] = array((width, previous), rationals(5, 7))
        if bias != "none":
            numbers[f"{BIAS_SIGNS[bias][0]}{number}"] = array(() if bias == "shared" else (width,), rationals(5, 9))
        previous = width
    numbers["x"] = array((samples, inputs), rationals(10, 8))
    in_unit = st.integers(0, 6).map(lambda whole: Fraction(whole, 6))
    numbers["y"] = array((samples, previous), in_unit)
    if row is not None and TARGETS[row.targets].of_classes:
        classes = draw(st.lists(st.integers(0, previous - 1), min_size=samples, max_size=samples))
        one_hot = [[Fraction(int(unit == index)) for unit in range(previous)] for index in classes]
        numbers["y"] = np.array(one_hot, dtype=object)
    alpha, setting = (draw(st.sampled_from((None, Fraction(1, 4), Fraction(3, 2)))) for _ in range(2))
    return Case(layers, loss, draw(st.sampled_from(("mean", "sum"))), single, numbers, alpha, setting)


def gradients(case: Case, derivation: Derivation, arithmetic: Arithmetic) -> Arrays:
    """Return our gradients in the shapes of the case, read element by element."""
    values = evaluate(derivation, arithmetic)
    found = {}
    for name, array in case.numbers.items():
        gradient = np.zeros(array.shape)
        for index in np.ndindex(array.shape):
            sample = None
            position = index
            if name in ("x", "y"):
                sample, position = (None if case.single else index[0] + 1), index[1:]
            element = "_".join((name, *(str(each + 1) for each in position)))
            gradient[index] = float(values.gradient(element, sample))
        found[name] = gradient
    return found


def assert_close(expected: Arrays, actual: Arrays, tolerance: float) -> None:
    """Assert that two sets of arrays agree, relatively or (below 1) absolutely."""
    assert expected.keys() == actual.keys()
    for name in expected:
        np.testing.assert_allclose(actual[name], expected[name], rtol=tolerance, atol=tolerance, err_msg=name)


def test_oracle_covers_every_registered_function() -> None:
    """The NumPy oracle has an activation and a loss for every row, so that a new row is tested when it exists."""
    assert {*KNOWN_ACTIVATIONS, "own"} == set(NUMPY_ACTIVATIONS)
    assert {*KNOWN_LOSSES, "own"} == set(NUMPY_LOSSES)
    assert {row.name for row in ACTIVATIONS.values() if row.parameters} == set(WITH_ALPHA)


@BOUNDED
@given(cases())
def test_gradients_equal_finite_differences(case: Case) -> None:
    """Every gradient of a random network, exact and in float64, is the finite difference of an independent loss."""
    assume(case.has_clear_kinks())
    derivation = derive(case.problem())
    expected = case.differences()
    exact = gradients(case, derivation, EXACT)
    if case.loss == "hinge":
        expected["y"] = exact["y"]  # here the class is an index, in the derivation a one-hot vector
    assert_close(expected, exact, 1e-8)
    assert_close(exact, gradients(case, derivation, FLOAT), 1e-11)


@BOUNDED
@given(cases())
def test_forward_pass_equals_an_independent_one(case: Case) -> None:
    """The loss and the pre-activations of a random network are those of plain NumPy."""
    loss, pre_activations = case.forward(case.arrays())
    derivation = derive(case.problem())
    for arithmetic in (EXACT, FLOAT):
        values = evaluate(derivation, arithmetic)
        assert loss == pytest.approx(float(values.value("L")), rel=1e-11, abs=1e-13)
        for number, expected in enumerate(pre_activations, start=1):
            for row, unit in np.ndindex(expected.shape):
                actual = values.value(f"z{number}_{unit + 1}", None if case.single else row + 1)
                assert expected[row, unit] == pytest.approx(float(actual), rel=1e-11, abs=1e-13)


@settings(BOUNDED, max_examples=many(40))
@given(cases())
def test_layouts_give_the_same_numbers(case: Case) -> None:
    """Row layout only transposes the weight matrices: every value and every gradient is the same number."""
    column, row = (result(solve(case.problem(layout))) for layout in ("column", "row"))
    for table in ("values", "gradients"):
        assert column[table].keys() == row[table].keys()
        for name, expected in column[table].items():
            actual = np.array(row[table][name])
            assert_close({name: np.array(expected)}, {name: actual.T if name.startswith("W") else actual}, 1e-13)


@settings(BOUNDED, max_examples=many(20, share=10))
@given(cases())
def test_check_agrees_on_random_networks(case: Case) -> None:
    """The bundled oracles agree with every gradient that has no kink on its path."""
    problem = case.problem()
    report = check(problem)
    assert report.agrees
    assert report.worst < 1e-15
    derivation = derive(problem)
    touched = kinks(derivation, evaluate(derivation))
    assert bool(touched) or not report.with_verdict(Verdict.SKIPPED)


# Planted mistakes


class Tampered(Links):
    """Links of which those of one quantity are others."""

    def __init__(self, derivation: Derivation, name: str, links: tuple[Link, ...]) -> None:
        sound = derivation.links
        super().__init__(sound._equations, sound._places)
        self.name, self.links = name, links

    def __getitem__(self, name: str) -> tuple[Link, ...]:
        return self.links if name == self.name else super().__getitem__(name)


def without_a_link(derivation: Derivation, name: str) -> Derivation:
    """Return the derivation with the last link of a quantity lost."""
    return dataclasses.replace(derivation, links=Tampered(derivation, name, derivation.links[name][:-1]))


def with_a_wrong_slot(derivation: Derivation, name: str) -> Derivation:
    """Return the derivation with a partial taken by the other argument of its product."""
    first, *rest = derivation.links[name]
    changed = (first._replace(slot=1 - first.slot), *rest)
    return dataclasses.replace(derivation, links=Tampered(derivation, name, changed))


def test_check_reports_a_lost_link() -> None:
    """A gradient that misses one of its contributions differs, and so do those behind it; the others agree."""
    problem = sbp.example("mazur")
    report = check(problem, derivation=without_a_link(derive(problem), "a1_1"))
    assert not report.agrees
    differing = {entry.name for entry in report.with_verdict(Verdict.DIFFERS)}
    assert {"W1_1_1", "W1_1_2", "b1", "x_1", "x_2"} == differing
    assert report.worst > 1e-3


def test_check_reports_a_wrong_slot() -> None:
    """A partial by the wrong argument is found, by both oracles."""
    problem = sbp.example("mazur")
    report = check(problem, derivation=with_a_wrong_slot(derive(problem), "W2_1_2"))
    (entry,) = report.with_verdict(Verdict.DIFFERS)
    assert "W2_1_2" == entry.name
    assert entry.difference is not None and entry.difference > 1e-3
    assert entry.composed is not None and entry.composed > 1e-3


def test_check_reports_a_wrong_derivative(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong derivative of the activation, a(1 + a), makes the check report that gradients differ."""
    original = forms.Form.partial

    def wrong(self: forms.Form, slot: int) -> forms.Partial:
        partial = original(self, slot)
        if partial.classroom is None:
            return partial
        own_value = Slot(self.arity)
        return dataclasses.replace(partial, classroom=Product((own_value, Sum((ONE, own_value)))))

    monkeypatch.setattr(forms.Form, "partial", wrong)
    report = check(sbp.example("mazur"))
    assert not report.agrees
    agreeing = {entry.name for entry in report.with_verdict(Verdict.AGREES)}
    assert set() == agreeing


def test_check_reports_a_wrong_gradient_in_a_large_network() -> None:
    """In a network too large to compare everything, each parameter has elements compared: a wrong layer is found."""
    problem = dense_problem([60, 12, 5])
    derivation = derive(problem)
    sound = check(problem)
    assert sound.sampled and sound.agrees
    arrays = {entry.name.split("_")[0] for entry in sound.entries}
    assert {"W1", "b1", "W2", "b2", "x"} == arrays
    assert all(entry.composed is None for entry in sound.entries)
    assert not check(problem, derivation=without_a_link(derivation, "a1_1")).agrees


def test_check_names_missing_numbers() -> None:
    """A problem with symbols for numbers cannot be checked, and the message names them."""
    network = {"inputs": 1, "layers": [{"units": 1}], "loss": "sse"}
    with pytest.raises(MissingValueError, match="W1, b1, y"):
        check(sbp.problem({"network": network, "data": {"x": [1]}}))


def test_check_report_is_deterministic() -> None:
    """Two checks of one problem are equal, entry by entry."""
    assert check(sbp.example("classifier")) == check(sbp.example("classifier"))


@pytest.mark.parametrize("name", some(examples()))
def test_check_agrees_on_examples(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given the time, both oracles confirm every gradient of a bundled example, far beyond float64."""
    monkeypatch.setattr(composed_output, "_LARGEST_COMPOSED", 1_000_000)
    report = check(sbp.example(name))
    assert report.agrees and not report.sampled
    assert report.worst < 1e-20
    assert all(entry.composed is not None and entry.composed < 1e-40 for entry in report.entries)


# Kinks


def at_kink(derivative: object, sample: bool = False) -> Problem:
    """Return a 2-2-1 network whose first hidden unit has z = 0 exactly (in the second sample of a batch)."""
    x: object = [[1, 2], [1, 1]] if sample else [1, 1]
    return sbp.problem(
        {
            "network": {
                "inputs": 2,
                "layers": [{"units": 2, "activation": "relu"}, {"units": 1}],
                "loss": "half_squared_error",
                "reduction": "sum",
                "relu_derivative_at_zero": derivative,
            },
            "parameters": {"W1": [["1/2", 1], [1, 1]], "b1": ["-3/2", 1], "W2": [[3, 5]], "b2": [0]},
            "data": {"x": x, "y": [[0], [0]] if sample else [0]},
        }
    )


@pytest.mark.parametrize("derivative", ["0", "1", "1/2"])
def test_relu_derivative_at_zero_is_honoured(derivative: str) -> None:
    """At z = 0 the gradient uses the stated derivative: δ = c · w · ∂L/∂z of the next layer."""
    c = Fraction(derivative)
    for arithmetic in (EXACT, FLOAT):
        values = evaluate(derive(at_kink(derivative)), arithmetic)
        assert Fraction(15) == values.value("z2_1")
        assert c * 3 * 15 == values.gradient("z1_1")
        assert c * 45 == values.gradient("W1_1_2")
        assert 75 == values.gradient("z1_2")
        assert c * 45 / 2 + 75 == values.gradient("x_1")


@pytest.mark.parametrize("derivative", [0, 1, "1/2"])
def test_check_skips_what_touches_a_kink(derivative: object) -> None:
    """With ReLU at 0 exactly, everything that reaches it is skipped, whatever the convention; the rest agrees."""
    report = check(at_kink(derivative))
    skipped = {entry.name: entry.kinks for entry in report.with_verdict(Verdict.SKIPPED)}
    assert dict.fromkeys(("W1_1_1", "W1_1_2", "b1_1", "x_1", "x_2"), ("a1_1",)) == skipped
    assert all(entry.difference is None for entry in report.with_verdict(Verdict.SKIPPED))
    agreeing = {entry.name for entry in report.with_verdict(Verdict.AGREES)}
    assert {"W1_2_1", "W1_2_2", "b1_2", "W2_1_1", "W2_1_2", "b2_1"} == agreeing
    assert report.agrees


def test_check_skips_only_the_inputs_of_the_sample_at_its_kink() -> None:
    """In a batch the kink of one sample says nothing about the inputs of the others."""
    report = check(at_kink(0, sample=True))
    skipped = {entry.name: entry.kinks for entry in report.with_verdict(Verdict.SKIPPED)}
    assert dict.fromkeys(("W1_1_1", "W1_1_2", "b1_1", "x_1@2", "x_2@2"), ("a1_1@2",)) == skipped


@pytest.mark.parametrize("distance", ["1e-13", "-1e-13", "3e-12"])
def test_check_tells_a_place_from_a_kink_nearer_than_its_step(distance: str) -> None:
    """Where the central difference reaches over a kink (h · ∂z/∂w = 5e-12), smaller steps see that it is beside."""
    problem = sbp.problem(
        {
            "network": {"inputs": 1, "layers": [{"units": 1, "activation": "relu"}], "loss": "sse"},
            "parameters": {"W1": [[0]], "b1": [distance]},
            "data": {"x": [5], "y": [1]},
        }
    )
    report = check(problem)
    assert report.agrees and not report.with_verdict(Verdict.SKIPPED)


def test_check_names_every_kink_on_a_path() -> None:
    """A gradient that reaches two kinks names both, in order; one that reaches none is compared."""
    problem = sbp.problem(
        {
            "graph": {
                "parameters": {"v": 1, "w": 0, "u": 2},
                "equations": ["p = abs(w)", "q = relu(w*v)", "r = max(u, 2*v)", "f = p + q*v + r + u**2"],
                "output": "f",
            }
        }
    )
    found = {entry.name: entry.kinks for entry in check(problem).entries}
    assert {"v": ("r",), "w": ("p", "q"), "u": ("r",)} == found


def test_report_has_the_worst_difference_from_each_oracle() -> None:
    """Each oracle is named with its own worst difference, None where it compared nothing."""
    report = check(sbp.example("mazur"))
    assert report.worst_from(Oracle.DIFFERENCES) == max(entry.difference or 0 for entry in report.entries)
    assert report.worst_from(Oracle.COMPOSED) == max(entry.composed or 0 for entry in report.entries)
    assert report.worst_from(Oracle.COMPOSED) != report.worst
    large = check(dense_problem([40, 30, 10]))
    assert large.worst_from(Oracle.COMPOSED) is None and large.worst_from(Oracle.DIFFERENCES) == large.worst


@pytest.mark.parametrize(("example", "is_whole"), [("mazur", True), ("attention", False)])
def test_check_composes_as_many_gradients_as_it_has_time_for(example: str, is_whole: bool) -> None:
    """A small problem has every gradient compared with the composed output, a larger one some, ends included."""
    derivation = derive(sbp.example(example))
    report = check(derivation.problem, derivation=derivation)
    compared = [entry.composed is not None for entry in report.entries]
    assert all(compared) is is_whole and compared[0] and compared[-1]
    assert composed_output._composed_size(derivation) * sum(compared) <= composed_output._LARGEST_COMPOSED


@pytest.mark.parametrize("sign", ["<", "<=", ">", ">="])
@pytest.mark.parametrize(
    "equation",
    [
        "q = min(({w} {sign} {w})*w, v)",  # a comparison with itself
        "q = max(max(({w} {sign} u)*w, ({w} {sign} {w})*u), v)",
        "q = max(max((2 {sign} 2)*3*w, (1 {sign} 2)*2), v)",  # one that holds or does not, whatever is put in
        "q = min(abs(({w} {sign} {w})*v), 5)",
        "q = max(where({w} {sign} {w}, w, u), where(v {sign} {w}, 2*u, 3*w))",  # branches inside an extreme
        "q = where(min(({w} {sign} {w})*w, v) {sign} max(v, w - 1), w*v, relu(v) + w)",
    ],
)
@pytest.mark.parametrize("compared", ["w", "sin(w)*u"])
def test_composed_output_has_comparisons_that_are_numbers(equation: str, sign: str, compared: str) -> None:
    """A comparison counts as 1 or 0 wherever it stands, and is compared as all else: nothing is left out for it."""
    written = equation.format(sign=sign, w=compared)
    content = {
        "parameters": {"w": 0.5, "v": -1.25, "u": 2},
        "equations": [written, "L = q*q + q*u + w*v*u"],
        "output": "L",
    }
    report = check(sbp.problem({"graph": content}))
    assert report.agrees
    smooth = [entry for entry in report.entries if entry.verdict is Verdict.AGREES]
    assert smooth and all(entry.composed is not None and entry.composed < 1e-40 for entry in smooth)


def test_solution_states_the_check_without_composing_the_output() -> None:
    """Asked for central differences alone, a check has them and their verdicts, and nothing of the other oracle."""
    problem = sbp.example("mazur")
    whole, alone = check(problem), check(problem, oracles=(Oracle.DIFFERENCES,))
    assert [dataclasses.replace(entry, composed=None) for entry in whole.entries] == list(alone.entries)


def test_check_takes_a_value_that_is_zero_but_for_rounding_as_zero() -> None:
    """A gradient of 1e-51 in place of 0 is the noise of 50 digits, not a difference."""
    equations = ["c = sqrt(2)*sqrt(2) - 2", "f = (sin(pi) + c)*s"]
    report = check(sbp.problem({"graph": {"parameters": {"s": 3}, "equations": equations, "output": "f"}}))
    assert report.agrees and not report.with_verdict(Verdict.SKIPPED)


@pytest.mark.parametrize("first", ["tanh", "sigmoid", "softmax"])
def test_kinks_are_looked_for_at_irrational_values(first: str) -> None:
    """ReLU behind a transcendental function is measured against its kink too: fractions and 50-digit floats compare."""
    layers = [{"units": 2, "activation": first}, {"units": 1, "activation": "relu"}]
    problem = sbp.problem(
        {
            "network": {"inputs": 1, "layers": layers, "loss": "sse"},
            "parameters": {"W1": [[1], [2]], "b1": [0, 0], "W2": [[1, 1]], "b2": [1]},
            "data": {"x": [1], "y": [1]},
        }
    )
    assert () == solve(problem).steps[0].kinks


# Cost


def dense_problem(widths: list[int]) -> Problem:
    """Return a ReLU-softmax network with reproducible numbers, one sample."""
    random = np.random.Generator(np.random.PCG64(7))
    inputs, *units = widths
    parameters = {}
    for number, (above, below) in enumerate(zip(units, widths, strict=False), start=1):
        parameters[f"W{number}"] = random.integers(-9, 10, (above, below)) / 10
        parameters[f"b{number}"] = random.integers(-9, 10, above) / 10
    layers = [{"units": width, "activation": "relu"} for width in units[:-1]]
    layers.append({"units": units[-1], "activation": "softmax"})
    return sbp.problem(
        {
            "network": {"inputs": inputs, "layers": layers, "loss": "cross_entropy"},
            "parameters": parameters,
            "data": {"x": random.integers(-9, 10, inputs) / 10, "y": 1},
        }
    )


@pytest.mark.parametrize("widths", [[2, 2, 2], [20, 8, 4], [784, 16, 10]])
def test_sweep_has_one_link_for_each_edge(widths: list[int]) -> None:
    """The sweep is linear: as many links as terms have arguments, and a handful of forms whatever the width.

    The fused loss has a link to each logit, in place of those through softmax.
    """
    network = {
        "inputs": widths[0],
        "layers": [{"units": width, "activation": "relu"} for width in widths[1:-1]]
        + [{"units": widths[-1], "activation": "softmax"}],
        "loss": "cross_entropy",
    }
    derivation = derive(sbp.problem({"network": network}))
    equations = derivation.elements.equations
    swept = [each for each in equations if each.name not in derivation.elements.bypassed]
    inputs, hidden, classes = widths
    edges = classes + sum(len(term.arguments) for equation in swept for term in equation.terms)
    assert edges == sum(map(len, derivation.links.values()))
    products = 2 * (inputs * hidden + hidden * classes)
    assert products + 2 * hidden + classes + 3 * classes == edges
    assert len({term.form for equation in equations for term in equation.terms}) <= 5
