"""Updates: sequential ones, rounding as by hand, ascent, no steps, and the same network under every convention."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symbackprop as sbp
from symbackprop.arithmetic.exact import CONTEXT, Real
from symbackprop.arithmetic.perturbed_rationals import near
from symbackprop.catalog import optimizers
from symbackprop.descent.optimizer_lines import Rule
from symbackprop.descent.solution import Solution, solve
from symbackprop.errors import SymbackpropError
from symbackprop.evaluation.arithmetics import EXACT, rounded, to_decimal
from symbackprop.evaluation.checks import check
from symbackprop.evaluation.evaluate import Values
from symbackprop.problems import Problem, Rounding
from symbackprop.rendering.json_result import result
from tests.helpers import each, many

# Sequential


def sequential(**overrides: Any) -> Problem:
    """Return Mazur's network with sequential updates."""
    return sbp.example("mazur", [("training.update", "sequential"), *overrides.items()])


def test_sequential_update_gives_the_published_losses() -> None:
    """The loss that the tutorial prints after one round, and the one after 10,000 of the same rounds in floats."""
    losses = solve(sequential(), steps=10_000).losses
    assert math.isclose(0.291027923905, losses[1], rel_tol=1e-11)
    assert math.isclose(0.29102792390544197, losses[1], rel_tol=1e-14)
    assert math.isclose(3.5084786296312774e-05, losses[10_000], rel_tol=1e-10)


def test_sequential_update_keeps_the_true_gradients() -> None:
    """The values and gradients of the result are those of gradient descent; only what is updated differs."""
    ordinary, published = result(solve(sbp.example("mazur"))), result(solve(sequential()))
    assert ordinary["values"] == published["values"]
    assert ordinary["gradients"] == published["gradients"]
    assert ordinary["updated"]["W2"] == published["updated"]["W2"]
    assert ordinary["updated"]["W1"] != published["updated"]["W1"]


def test_sequential_passes_are_the_gradients_that_were_used() -> None:
    """The pass of a layer says what its parameters were updated with: δ through new weights, forward values as before."""
    step = solve(sequential()).steps[0]
    assert step.updated is not None
    assert {1} == set(step.change.passes)
    before, seen = step.values, step.change.passes[1]
    for unit in (1, 2):
        back = sum(before.gradient(f"z2_{k}") * step.updated[f"W2_{k}_{unit}"] for k in (1, 2))
        slope = before.value(f"a1_{unit}") * (1 - before.value(f"a1_{unit}"))
        assert math.isclose(float(back * slope), float(seen.gradient(f"z1_{unit}")), rel_tol=1e-15)
        weight = f"W1_{unit}_1"
        expected = float(before.value(weight)) - 0.5 * float(seen.gradient(weight))
        assert math.isclose(expected, float(step.updated[weight]), rel_tol=1e-15)
    assert {} == solve(sbp.example("mazur")).steps[0].change.passes


def test_sequential_update_of_three_layers_and_a_batch() -> None:
    """Each layer sees all later ones updated; written out with arrays in floats."""
    import numpy as np

    shapes = {"W1": (3, 2), "W2": (2, 3), "W3": (1, 2)}
    generator = np.random.Generator(np.random.PCG64(4))
    weights = {name: generator.uniform(-1, 1, shape) for name, shape in shapes.items()}
    x, y, rate = generator.uniform(-1, 1, (4, 2)), generator.uniform(-1, 1, (4, 1)), 0.3
    problem = sbp.problem(
        {
            "network": {
                "inputs": 2,
                "layers": [{"units": units, "activation": "tanh", "bias": "none"} for units in (3, 2, 1)],
                "loss": "half_squared_error",
            },
            "parameters": weights,
            "data": {"x": x, "y": y},
            "training": {"learning_rate": rate, "update": "sequential", "steps": 1},
            "regularization": {"l2": 0.5},
        }
    )
    a = [x]
    for name in weights:
        a.append(np.tanh(a[-1] @ weights[name].T))
    new: dict[str, Any] = {}
    delta = (a[3] - y) / 4 * (1 - a[3] ** 2)
    for layer in (3, 2, 1):
        name = f"W{layer}"
        new[name] = weights[name] - rate * (delta.T @ a[layer - 1] + 0.5 * weights[name])
        delta = (delta @ new[name]) * (1 - a[layer - 1] ** 2)
    found = result(solve(problem))["updated"]
    for name, array in each(new.items()):
        assert np.allclose(array, found[name], rtol=1e-12, atol=0)


def test_sequential_update_of_one_layer_is_descent() -> None:
    """With one layer there is nothing to see updated."""
    content = {
        "network": {"inputs": 1, "layers": [{"units": 1}], "loss": "sse"},
        "parameters": {"W1": [[2]], "b1": [1]},
        "data": {"x": [3], "y": [1]},
    }
    kinds = ("simultaneous", "sequential")
    found = [solve(sbp.problem({**content, "training": {"learning_rate": 0.1, "update": kind}})) for kind in kinds]
    assert dict(found[0].final) == dict(found[1].final)


CIRCUIT = {"parameters": {"a": 2, "b": -3, "c": 10, "f": -2}, "equations": ["L = (a*b + c)*f"], "output": "L"}


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (
            {"training": {"learning_rate": 1, "update": "sequential"}},
            "training.update: a sequential update needs the layers",
        ),
        ({"training": {"learning_rate": 1, "update": "serial"}}, 'training.update: unknown choice "serial"'),
        (
            {"notation": {"round_intermediates": {}}},
            "notation.round_intermediates: expected either decimals or significant",
        ),
        (
            {"notation": {"round_intermediates": {"decimals": 4, "significant": 4}}},
            "notation.round_intermediates: expected either decimals or significant",
        ),
        ({"notation": {"round_intermediates": 4}}, "notation.round_intermediates: expected a table"),
        (
            {"notation": {"round_intermediates": {"decimal": 4}}},
            'notation.round_intermediates: unknown key "decimal"\n  did you mean "decimals"',
        ),
        ({"notation": {"round_intermediates": {"significant": 0}}}, "significant: the value has to be ≥ 1"),
        ({"notation": {"round_intermediates": {"decimals": 1.5}}}, "decimals: expected a whole number"),
    ],
    ids=lambda part: str(part)[:60],
)
def test_mistake_in_an_update_gives_one_message(content: Mapping[str, Any], match: str) -> None:
    """Each mistake says where it is and what was expected."""
    with pytest.raises(SymbackpropError, match=match):
        sbp.problem({"graph": CIRCUIT, **content})


# Ascent, and no steps at all


def test_negative_learning_rate_climbs() -> None:
    """Karpathy's first expression graph: after nudging every leaf by 0.01 along its gradient L rises to −7.286496."""
    problem = sbp.problem({"graph": CIRCUIT, "training": {"learning_rate": -0.01}})
    solution = solve(problem)
    assert (-8.0, -7.286496) == solution.losses
    assert [6, -4, -2, 4] == [solution.steps[0].values.gradient(name) for name in "abcf"]


@pytest.mark.parametrize("key", ["steps", "epochs"])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_steps_and_epochs_count_the_updates(key: str, count: int) -> None:
    """With one batch an epoch is one update; none leaves the parameters as they are, and the result without updates."""
    problem = sbp.problem({"graph": CIRCUIT, "training": {"learning_rate": 0.1, key: count}})
    solution = solve(problem)
    assert count + 1 == len(solution.losses)
    assert ("updated" in result(solution)) is (count > 0)
    if count == 0:
        assert [2, -3, 10, -2] == [solution.final[name] for name in "abcf"]


# Rounding as by hand


def decimal_of(value: Fraction, policy: Rounding) -> Fraction:
    """Return the value rounded by the standard library's decimals, halves to even."""
    with localcontext() as context:
        context.prec = 400
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        if value == 0:
            return Fraction(0)
        place = exact.adjusted() - policy.digits + 1 if policy.significant else -policy.digits
        return Fraction(exact.quantize(Decimal(1).scaleb(place), rounding=ROUND_HALF_EVEN))


POLICIES = st.builds(Rounding, st.integers(1, 8), st.booleans())
TERMINATING = st.builds(lambda n, k: Fraction(n, 10**k), st.integers(-(10**9), 10**9), st.integers(0, 12))


@given(TERMINATING, POLICIES)
def test_rounding_is_half_even(value: Fraction, policy: Rounding) -> None:
    """Rounding agrees with Python's decimals, ties and carries included."""
    assert decimal_of(value, policy) == to_decimal(policy, value)


@given(st.floats(-1e30, 1e30, allow_subnormal=False), POLICIES)
def test_rounding_a_long_float_is_half_even(value: float, policy: Rounding) -> None:
    """A 50-digit float is rounded as the number it is."""
    expected = decimal_of(Fraction(value), policy)
    assert math.isclose(float(expected), float(to_decimal(policy, CONTEXT.mpf(value))), rel_tol=1e-15, abs_tol=1e-300)


@pytest.mark.parametrize(
    ("text", "digits", "significant", "expected"),
    [
        ("0.00005", 4, False, "0"),
        ("0.00015", 4, False, "0.0002"),
        ("-0.00025", 4, False, "-0.0002"),
        ("999.95", 4, True, "1000"),
        ("0.00012345", 4, True, "0.0001234"),
        ("12345", 0, False, "12345"),
        ("0.5", 0, False, "0"),
        ("1.5", 0, False, "2"),
    ],
)
def test_rounded_number_by_hand(text: str, digits: int, significant: bool, expected: str) -> None:
    """Ties go to the even digit; a carry may add a digit; decimals may leave nothing."""
    assert Fraction(expected) == to_decimal(Rounding(digits, significant), Fraction(text))


@pytest.mark.parametrize("exponent", [1000, -1000, 10**6, -(10**6)])
def test_rounding_reaches_very_large_and_very_small_numbers(exponent: int) -> None:
    """A number far from one is rounded too, without being written out."""
    value = CONTEXT.mpf(f"1.23456e{exponent}")
    four = to_decimal(Rounding(4, significant=True), value)
    assert isinstance(four, Real)
    assert abs(four / CONTEXT.mpf(f"1.235e{exponent}") - 1) < CONTEXT.mpf("1e-45")
    assert (value if exponent > 0 else 0) == to_decimal(Rounding(4, significant=False), value)


@pytest.mark.parametrize("significant", [True, False])
def test_rounding_leaves_no_rest_beside_a_number(significant: bool) -> None:
    """What a saturated activation lacks to 1 is no digit that is kept, however small it is."""
    for lacking in each((CONTEXT.mpf(10) ** -30, CONTEXT.mpf(10) ** -435)):
        assert Fraction(1) == to_decimal(Rounding(4, significant), near(Fraction(1), -lacking))


def is_rounded(value: Any, policy: Rounding) -> bool:
    """Say whether a number is what rounding it gives."""
    return bool(to_decimal(policy, value) == value)


BATCH: Mapping[str, Any] = {
    "network": {
        "inputs": 2,
        "layers": [{"units": 3, "activation": "softplus"}, {"units": 2, "activation": "softmax", "bias": "shared"}],
        "loss": "cross_entropy",
    },
    "parameters": {"seed": 3},
    "regularization": {"l2": 0.01, "l1": 0.003},
    "data": {"x": [[0.123456, 1], [2, -0.654321]], "y": [0, 1]},
    "training": {"learning_rate": 0.123456, "steps": 4, "frozen": ["W2"]},
}


@pytest.mark.parametrize("update", ["simultaneous", "sequential"])
@pytest.mark.parametrize("policy", [{"decimals": 4}, {"significant": 3}], ids=str)
def test_every_computed_number_is_rounded_and_given_ones_are_not(policy: Mapping[str, int], update: str) -> None:
    """Forward values, losses, adjoints, gradients and new parameters are rounded in all steps; data and frozen ones stay."""
    content = {
        **BATCH,
        "training": {**BATCH["training"], "update": update},
        "notation": {"round_intermediates": policy},
    }
    problem = sbp.problem(content)
    chosen = problem.notation.round_intermediates
    assert chosen is not None
    solution = solve(problem, full_steps=2)
    assert 2 == len(solution.steps)
    for step in solution.steps:
        for quantity in solution.derivation.graph.quantities.values():
            if quantity.role not in ("parameter", "input", "target"):
                assert_rounded(step.values, quantity.elements(), quantity.batched, chosen)
        for gradients in (step.values.gradients, *step.values.sample_gradients):
            shares = {name for name in gradients if name in ("L@", "data_loss", "penalty")}
            assert all(is_rounded(value, chosen) for name, value in gradients.items() if name not in shares)
    for name, value in solution.final.items():
        given = problem.arrays["W2"].entries
        assert is_rounded(value, chosen) or (
            name.startswith("W2") and any(value == each.value for each in given if each)
        )
    first = solution.steps[0].values
    assert Fraction("0.123456") == first.value("x_1", 1)
    assert all(is_rounded(Fraction(repr(loss)), chosen) for loss in solution.losses)
    assert result(solution)["values"]["x"][0][0] == 0.123456


def assert_rounded(values: Values, elements: tuple[str, ...], batched: bool, policy: Rounding) -> None:
    """Assert that the computed values of some elements are rounded, in every sample."""
    for sample in range(1, len(values.samples) + 1) if batched else [None]:
        assert all(is_rounded(values.value(element, sample), policy) for element in elements)


def test_rounded_network_is_what_a_hand_computes() -> None:
    """Each line is computed from the rounded lines before it (Mazur's network with four decimals)."""
    solution = solve(sbp.example("mazur", [("notation.round_intermediates", {"decimals": 4})]))
    found = result(solution)
    assert {"z1": [0.3775, 0.3925], "a1": [0.5933, 0.5969], "z2": [1.1059, 1.2249]}.items() <= found["values"].items()
    assert [0.7514, 0.7729] == found["values"]["a2"]
    delta = round(Fraction("0.7414") * Fraction("0.7514") * Fraction("0.2486"), 4)
    assert float(delta) == found["gradients"]["z2"][0]
    assert 0.4 - 0.5 * found["gradients"]["W2"][0][0] == pytest.approx(found["updated"]["W2"][0][0], abs=1e-12)
    assert 0.2984 == found["steps"][0]["loss"]


def test_many_digits_round_nothing_away() -> None:
    """With 30 significant digits the result is the unrounded one."""
    plain = result(solve(sbp.example("mazur"), steps=3))
    many = result(solve(sbp.example("mazur", [("notation.round_intermediates", {"significant": 30})]), steps=3))
    assert plain["values"] == many["values"]
    assert plain["gradients"] == many["gradients"]
    assert [step["loss"] for step in plain["steps"]] == pytest.approx(
        [step["loss"] for step in many["steps"]], rel=1e-14
    )


def test_check_compares_the_unrounded_derivation() -> None:
    """`check` proves the derivation, whatever a solution rounds."""
    report = check(sbp.example("mazur", [("notation.round_intermediates", {"decimals": 2})]))
    assert report.agrees
    assert report.worst < 1e-20


def test_rounding_settles_named_numbers_only() -> None:
    """The terms of a sum are added as they are: 0.04 + 0.04 is 0.1 with one decimal, not 0."""
    kind = rounded(Rounding(1, significant=False))
    assert Fraction(1, 10) == kind.settle(kind.add(Fraction("0.04"), Fraction("0.04")))


# The same network under every convention


@st.composite
def networks(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the content of a network problem in column layout, with a bias for each unit."""
    widths = draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))
    samples = draw(st.one_of(st.none(), st.integers(1, 3)))
    number = st.integers(-20, 20).map(lambda value: str(Fraction(value, 10)))

    def array(*shape: int) -> Any:
        return draw(number) if not shape else [array(*shape[1:]) for _ in range(shape[0])]

    parameters: dict[str, Any] = {}
    for layer, (inputs, units) in enumerate(itertools.pairwise(widths), start=1):
        parameters[f"W{layer}"], parameters[f"b{layer}"] = array(units, inputs), array(units)
    activation = st.sampled_from(["linear", "sigmoid", "tanh", "relu", "softplus"])
    shape = () if samples is None else (samples,)
    content: dict[str, Any] = {
        "network": {
            "inputs": widths[0],
            "layers": [{"units": units, "activation": draw(activation)} for units in widths[1:]],
            "loss": draw(st.sampled_from(["half_squared_error", "mse", "huber"])),
        },
        "parameters": parameters,
        "data": {"x": array(*shape, widths[0]), "y": array(*shape, widths[-1])},
        "training": {
            "learning_rate": "1/10",
            "steps": 2,
            "update": draw(st.sampled_from(["simultaneous", "sequential"])),
        },
    }
    if draw(st.booleans()):
        content["regularization"] = {
            draw(st.sampled_from(["l2", "l1"])): "1/4",
            "form": draw(st.sampled_from(["half", "plain", "half_mean", "convex"])),
            "biases": draw(st.booleans()),
        }
    return content


def converted(content: Mapping[str, Any], *, row: bool, threshold: bool) -> Problem:
    """Return the same network in another layout, or with thresholds θ = −b."""
    parameters = {}
    for name, value in content["parameters"].items():
        if name[0] == "W":
            parameters[name] = [list(column) for column in zip(*value, strict=True)] if row else value
        elif threshold:
            parameters[f"theta{name[1:]}"] = [str(-Fraction(each)) for each in value]
        else:
            parameters[name] = value
    kind = "threshold" if threshold else "per_unit"
    layers = [{**layer, "bias": kind} for layer in content["network"]["layers"]]
    network = {**content["network"], "layers": layers}
    layout = {"layout": "row" if row else "column"}
    return sbp.problem({**content, "network": network, "parameters": parameters, "notation": layout})


def as_biases(solution: Solution) -> dict[str, float]:
    """Return the final parameters with every threshold as the bias that it stands for."""
    return {
        name.replace("theta", "b"): float(-value if name.startswith("theta") else value)
        for name, value in solution.final.items()
    }


@settings(max_examples=many(25), deadline=None)
@given(networks())
def test_conventions_give_the_same_updated_network(content: dict[str, Any]) -> None:
    """Rows or columns, biases or thresholds: the same losses and the same network after two updates."""
    expected = solve(converted(content, row=False, threshold=False))
    for row, threshold in ((True, False), (False, True), (True, True)):
        actual = solve(converted(content, row=row, threshold=threshold))
        assert expected.losses == pytest.approx(actual.losses, rel=1e-12)
        found = as_biases(actual)
        assert as_biases(expected) == pytest.approx(found, rel=1e-12, abs=1e-14)


def test_sequential_document_calls_nothing_a_gradient_that_is_none() -> None:
    """The backward pass shows the gradients; behind new weights δ and ∂E/∂w have a tilde, and no line holds a derivative."""
    text = sbp.render(sbp.solve(sequential()), "latex")
    backward, update = (text.partition(rf"\symbackpropsection{{{title}}}")[2] for title in ("Backward pass", "Update"))
    backward = backward.partition(r"\symbackpropsection{")[0]
    hidden = update.partition("Hidden layer")[2].partition(r"\symbackpropsection{")[0]
    assert r"\tilde" not in backward
    assert r"\bwd{0.000438568}" in backward  # the gradient, by which W1 is not updated
    assert r"\tilde{g}_{h_1} &= \delta_{o_1} \, w^+_5 + \delta_{o_2} \, w^+_7" in hidden
    assert r"w^+_1 &= w_1 - \eta \, \tilde{g}_{w_1}" in hidden
    assert r"\partial" not in hidden


@pytest.mark.parametrize("text", ["1/0", "sum((a - y)**2)/(1 - 1)", "sum(a)*ln(0)"])
def test_loss_without_a_value_is_refused_by_its_key(text: str) -> None:
    """A formula of the user's own that is no number, whatever is put in, names where it stands."""
    network = {"inputs": 1, "layers": [{"units": 1}], "loss": {"expression": text}}
    with pytest.raises(SymbackpropError, match=r"network\.loss\.expression: "):
        sbp.problem({"network": network})
    layers = [{"units": 1, "activation": {"expression": "z/0", "name": "s"}}]
    with pytest.raises(SymbackpropError, match=r"network\.layers\[0\]\.activation\.expression: "):
        sbp.problem({"network": {**network, "layers": layers, "loss": "sse"}})


def test_batch_of_one_sample_has_no_sum() -> None:
    """Nothing is added over one sample."""
    content = {
        "network": {"inputs": 1, "layers": [{"units": 2, "bias": "shared"}], "loss": "sse"},
        "parameters": {"W1": [[2], [1]], "b1": 1},
        "data": {"x": [[3]], "y": [[1, 2]]},
        "training": {"learning_rate": 0.1},
    }
    assert r"\sum_{n" not in sbp.render(sbp.solve(sbp.problem(content)), "latex", detail="matrix")


def test_optimizer_lines_are_carried_out_in_order() -> None:
    """Each line reads what those before it gave: v ← μv + g, then w − ηv, exactly."""
    values = {"learning_rate": Fraction(1, 2), "momentum": Fraction(1, 4), "dampening": Fraction(0)}
    rule = Rule(optimizers.reduced("momentum", frozenset(("dampening", "weight_decay")), first=False), EXACT)
    found = rule.run({**values, "v": Fraction(4), "g": Fraction(3), "w": Fraction(5)})
    assert {"v": 4, "w": 3} == dict(found)
