"""Optimizers, schedules, batches and early stopping: known numbers, torch, exact against float, laws between the rows."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symbackprop as sbp
from symbackprop.algebra.formula import names
from symbackprop.catalog import optimizers
from symbackprop.catalog.optimizers import OPTIMIZERS
from symbackprop.catalog.schedules import SCHEDULES
from symbackprop.descent import epochs
from symbackprop.descent.solution import Descent, Solution, solve
from symbackprop.errors import SymbackpropError
from symbackprop.evaluation.arithmetics import FLOAT, to_decimal
from symbackprop.problems import Problem
from symbackprop.problems.json_schema import schema
from symbackprop.rendering.json_result import result
from tests.helpers import ROOT, each, few, many, require_module

# The tables


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_lines_read_only_what_is_known_and_end_with_the_parameter(name: str) -> None:
    """Each line reads the parameter, the gradient, states, settings, the count, or an earlier line; the last is `w`."""
    row = OPTIMIZERS[name]
    known = {"w", "g", "t", *row.settings, *row.state}
    targets = []
    for target, formula in optimizers.lines(name):
        assert set(names(formula)) <= known
        targets.append(target)
        known.add(target)
    assert "w" == targets[-1]
    assert len(targets) == len(set(targets))
    assert set(row.state) <= set(targets)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_setting_and_state_of_a_row_is_read(name: str) -> None:
    """No setting and no state is there for nothing."""
    row = OPTIMIZERS[name]
    read = {part for _, formula in optimizers.lines(name) for part in names(formula)}
    assert {*row.settings, *row.state} <= read


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("first", [True, False])
def test_reduced_lines_give_the_numbers_of_the_whole_ones(name: str, first: bool) -> None:
    """Whatever settings are 0, leaving out what falls away changes no number."""
    row = OPTIMIZERS[name]
    number = Fraction(1 if first else 3)
    free = [key for key in row.settings if key != "learning_rate"]
    for count in each(range(len(free) + 1)):
        for zero in each(itertools.combinations(free, count)):
            known = {key: Fraction(position + 2, 17) for position, key in enumerate((*row.settings, *row.state))}
            known |= {"w": Fraction(5, 3), "g": Fraction(-7, 4), "t": number} | dict.fromkeys(zero, Fraction(0))
            if first:
                known |= row.state
            whole = run(optimizers.lines(name), known)
            reduced = run(optimizers.reduced(name, frozenset(zero), first=first), known)
            assert math.isclose(whole, reduced, rel_tol=1e-30)


def run(lines: tuple[optimizers.Line, ...], known: Mapping[str, Any]) -> Any:
    """Return the value of the last of some lines, exactly."""
    from symbackprop.algebra.formula import Name
    from symbackprop.arithmetic import exact

    values = dict(known)
    for target, formula in lines:
        values[target] = exact.evaluate(formula, lambda part: values[part.name] if isinstance(part, Name) else None)
    return values["w"]


def test_schema_lists_the_settings_of_every_row() -> None:
    """An editor completes each setting, and says which optimizers or schedules have it."""
    for table, registry in (("TrainingSpec", OPTIMIZERS), ("ScheduleSpec", SCHEDULES)):
        properties = schema()["$defs"][table]["properties"]
        assert schema()["$defs"][table]["additionalProperties"] is False
        for row in registry.values():
            for key in row.settings:
                assert row.name in properties[key]["description"]


# Known numbers


def gradients(values: list[float], **training: Any) -> Problem:
    """Return a problem of one weight, 1, whose gradient is the next of some values at each step: L = w g, online."""
    return sbp.problem(
        {
            "graph": {"parameters": {"w": 1}, "inputs": {"g": 0}, "equations": ["L = w*g"], "output": "L"},
            "data": {"g": values},
            "training": {"batch_size": 1, "epochs": 1, **training},
        }
    )


(CASE,) = json.loads((ROOT / "tests" / "reference" / "optimizer_cases.json").read_text("utf-8"))
CASE_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "momentum": {"optimizer": "momentum"},
    # An average of gradients, v = 0.9 v + 0.1 g, is the heavy ball with a tenth of the learning rate.
    "ema_momentum": {"optimizer": "momentum", "learning_rate": CASE["inputs"]["lr"] / 10},
    "adam": {"optimizer": "adam"},
    "adagrad": {"optimizer": "adagrad"},
}


@pytest.mark.parametrize("figure", CASE["expected"])
def test_reference_figure_of_an_optimiser(figure: str) -> None:
    """The weight after one and two updates with given gradients."""
    kind, steps = figure.split("_w@")
    training = {"learning_rate": CASE["inputs"]["lr"], **CASE_SETTINGS[kind]}
    solution = solve(gradients(CASE["inputs"]["g"], **training), steps=int(steps))
    assert math.isclose(CASE["expected"][figure], float(solution.final["w"]), rel_tol=1e-12)


XOR = {
    "network": {
        "inputs": 2,
        "layers": [{"units": units, "activation": "sigmoid", "bias": "threshold"} for units in (2, 1)],
        "loss": "half_squared_error",
    },
    "parameters": {"W1": [[0.5, 0.4], [0.9, 1.0]], "theta1": [0.8, -0.1], "W2": [[-1.2, 1.1]], "theta2": [0.3]},
    "data": {"x": [[1, 1], [0, 1], [1, 0], [0, 0]], "y": [[0], [1], [1], [0]]},
    "training": {"learning_rate": 0.1, "batch_size": 1, "epochs": 224},
}


def test_online_descent_gives_the_figures_of_the_book() -> None:
    """XOR, one sample after the other (Negnevitsky): parameters after 224 epochs, errors of the 224th, epochs to 0.001."""
    from tests.test_reference_cases import CASES, THRESHOLD

    expected = CASES[THRESHOLD]["expected"]
    figures = {
        "w13": "W1_1_1", "w23": "W1_1_2", "w14": "W1_2_1", "w24": "W1_2_2", "w35": "W2_1_1", "w45": "W2_1_2",
        "theta3": "theta1_1", "theta4": "theta1_2", "theta5": "theta2_1",
    }  # fmt: skip
    descent = Descent(sbp.derive(sbp.problem(XOR)), FLOAT)
    for epoch in range(1, 2000):
        error = 2 * sum(descent.step((sample,)).values.value("L") for sample in (1, 2, 3, 4))
        if epoch == 224:
            assert math.isclose(expected["sse@224"], error, rel_tol=1e-10)
            for figure, name in figures.items():
                assert math.isclose(expected[f"{figure}@224"], descent.values.value(name), rel_tol=1e-10)
        if error < 0.001:
            break
    assert expected["epochs_to_sse<0.001_at_alpha_0.1"] == epoch
    final = solve(sbp.problem(XOR)).final
    assert math.isclose(expected["w13@224"], final["W1_1_1"], rel_tol=1e-10)


# Against torch

VARIATIONS: tuple[tuple[str, Mapping[str, Any], str, Mapping[str, Any]], ...] = (
    ("sgd", {}, "SGD", {}),
    ("gradient_descent", {"weight_decay": 0.1}, "SGD", {"weight_decay": 0.1}),
    ("momentum", {}, "SGD", {"momentum": 0.9}),
    ("momentum", {"dampening": 0.3}, "SGD", {"momentum": 0.9, "dampening": 0.3}),
    (
        "momentum",
        {"momentum": 0.5, "dampening": 0.9, "weight_decay": 0.05},
        "SGD",
        {"momentum": 0.5, "dampening": 0.9, "weight_decay": 0.05},
    ),
    ("nesterov", {}, "SGD", {"momentum": 0.9, "nesterov": True}),
    (
        "nesterov",
        {"momentum": 0.4, "weight_decay": 0.1},
        "SGD",
        {"momentum": 0.4, "weight_decay": 0.1, "nesterov": True},
    ),
    ("adagrad", {}, "Adagrad", {}),
    (
        "adagrad",
        {"lr_decay": 0.1, "epsilon": 0.01, "weight_decay": 0.1},
        "Adagrad",
        {"lr_decay": 0.1, "eps": 0.01, "weight_decay": 0.1},
    ),
    ("rmsprop", {}, "RMSprop", {}),
    (
        "rmsprop",
        {"alpha": 0.9, "epsilon": 1e-4, "momentum": 0.8, "weight_decay": 0.1},
        "RMSprop",
        {"alpha": 0.9, "eps": 1e-4, "momentum": 0.8, "weight_decay": 0.1},
    ),
    ("adam", {}, "Adam", {}),
    (
        "adam",
        {"beta1": 0.5, "beta2": 0.9, "epsilon": 1e-3, "weight_decay": 0.1},
        "Adam",
        {"betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.1},
    ),
    ("adam", {"beta1": 0}, "Adam", {"betas": (0.0, 0.999)}),
    ("adamw", {}, "AdamW", {}),
    (
        "adamw",
        {"beta1": 0.8, "beta2": 0.99, "weight_decay": 0.3},
        "AdamW",
        {"betas": (0.8, 0.99), "weight_decay": 0.3},
    ),
)
"""Optimizer and settings of ours, and of `torch.optim`."""

NETWORK: Mapping[str, Any] = {
    "network": {
        "inputs": 2,
        "layers": [{"units": 3, "activation": "tanh"}, {"units": 2, "activation": "sigmoid"}],
        "loss": "half_squared_error",
    },
    "parameters": {
        "W1": [[0.15, -0.2], [0.25, 0.3], [-0.4, 0.1]],
        "b1": [0.1, 0, -0.1],
        "W2": [[0.4, -0.45, 0.3], [0.5, 0.55, -0.2]],
        "b2": [0.2, -0.3],
    },
    "data": {"x": [[0.5, 1], [-1, 0.3], [0.2, -0.7]], "y": [[0.1, 0.9], [0.8, 0.2], [0.4, 0.6]]},
}


def network(**training: Any) -> Problem:
    """Return the small network above with a table `[training]`."""
    return sbp.problem({**NETWORK, "training": training})


def trained_by_torch(
    optimizer: Callable[[Any], Any], batches: list[list[int]], scheduler: Any = None, moved: float = 0.0
) -> dict[str, Any]:
    """Return the network's parameters after torch has made an update for each batch, in float64.

    `moved` is a share by which the parameters are enlarged at the start.
    """
    torch = require_module("torch")

    def tensor(values: Any, **options: Any) -> Any:
        return torch.tensor(values, dtype=torch.float64, **options)

    weights = {name: (tensor(value) * (1 + moved)).requires_grad_() for name, value in NETWORK["parameters"].items()}
    x, y = (tensor(NETWORK["data"][key]) for key in "xy")
    descent = optimizer(list(weights.values()))
    steps = None if scheduler is None else scheduler(descent)
    for batch in batches:
        descent.zero_grad()
        hidden = torch.tanh(x[batch] @ weights["W1"].T + weights["b1"])
        output = torch.sigmoid(hidden @ weights["W2"].T + weights["b2"])
        (((output - y[batch]) ** 2).sum() / 2 / len(batch)).backward()
        descent.step()
        if steps is not None:
            steps.step()
    return {name: weight.detach().tolist() for name, weight in weights.items()}


def assert_same(expected: Mapping[str, Any], actual: Mapping[str, Any], moved: Mapping[str, Any] | None = None) -> None:
    """Assert that two sets of arrays agree to ten digits, or as far as those from a start in which the last digit differs.

    An update by the sign of a gradient that is nearly 0 makes much of the last digit.
    """
    assert set(expected) == set(actual)
    for name, array in expected.items():
        others = flat(array if moved is None else moved[name])
        for before, after, other in zip(flat(array), flat(actual[name]), others, strict=True):
            tolerance = max(1e-13, 10 * abs(before - other))
            assert tolerance < 1e-6, name
            assert math.isclose(before, after, rel_tol=1e-10, abs_tol=tolerance), name


def flat(array: Any) -> list[float]:
    """Return the numbers of nested lists."""
    return [entry for row in array for entry in flat(row)] if isinstance(array, list) else [array]


@pytest.mark.parametrize(("ours", "own", "theirs", "options"), few(VARIATIONS, 5), ids=lambda part: str(part)[:40])
def test_fifty_steps_are_those_of_torch(
    ours: str, own: Mapping[str, Any], theirs: str, options: Mapping[str, Any]
) -> None:
    """After 50 updates of the whole data every parameter is torch's; without a learning rate it is torch's default."""
    torch = require_module("torch")
    for rate in (None, 0.05):
        given = {} if rate is None else {"learning_rate": rate}
        extra = {} if rate is None else {"lr": rate}
        row = getattr(torch.optim, theirs)
        expected, moved = (
            trained_by_torch(lambda weights: row(weights, **options, **extra), [[0, 1, 2]] * 50, moved=share)  # noqa: B023 - called at once
            for share in (0.0, 1e-15)
        )
        solution = solve(network(optimizer=ours, steps=50, **own, **given))
        assert_same(expected, result(solution)["final"]["parameters"], moved)


SCHEDULED: tuple[tuple[Mapping[str, Any], str, Mapping[str, Any]], ...] = (
    ({"kind": "step", "step_size": 3}, "StepLR", {"step_size": 3}),
    ({"kind": "step", "step_size": 4, "gamma": 0.5}, "StepLR", {"step_size": 4, "gamma": 0.5}),
    ({"kind": "exponential", "gamma": 0.9}, "ExponentialLR", {"gamma": 0.9}),
)


@pytest.mark.parametrize(("own", "theirs", "options"), SCHEDULED, ids=lambda part: str(part)[:40])
@pytest.mark.parametrize("per", ["epoch", "step"])
def test_schedules_are_those_of_torch(
    own: Mapping[str, Any], theirs: str, options: Mapping[str, Any], per: str
) -> None:
    """Counted by epochs or by updates, with two batches in an epoch, learning rates and parameters are torch's."""
    torch = require_module("torch")
    schedule = {**own, "per": per}
    problem = network(optimizer="momentum", learning_rate=0.3, epochs=6, batch_size=2, schedule=schedule)
    assert problem.training is not None
    rates = [float(epochs.learning_rate(problem.training, update, 3)) for update in range(1, 13)]
    dummy = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = getattr(torch.optim.lr_scheduler, theirs)(dummy, **options)
    expected = []
    for update in range(12):
        expected.append(scheduler.get_last_lr()[0])
        dummy.step()
        if per == "step" or update % 2 == 1:
            scheduler.step()
    assert expected == pytest.approx(rates, rel=1e-14)
    if per == "step":
        final = trained_by_torch(
            lambda weights: torch.optim.SGD(weights, lr=0.3, momentum=0.9),
            [[0, 1], [2]] * 6,
            lambda descent: getattr(torch.optim.lr_scheduler, theirs)(descent, **options),
        )
        assert_same(final, result(solve(problem))["final"]["parameters"])


def test_batches_are_those_of_torch() -> None:
    """Mini-batches with a smaller last one, in the order given: Adam's parameters are torch's."""
    torch = require_module("torch")
    expected = trained_by_torch(lambda weights: torch.optim.Adam(weights, lr=0.1), [[0, 1], [2]] * 10)
    solution = solve(network(optimizer="adam", learning_rate=0.1, epochs=10, batch_size=2))
    assert_same(expected, result(solution)["final"]["parameters"])


# Exact and float


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("batch_size", [None, 2])
def test_exact_steps_agree_with_floats(name: str, batch_size: int | None) -> None:
    """The first steps in exact arithmetic and the others in floats: where one ends and the other begins is no matter."""
    own = {"weight_decay": 0.01, "learning_rate": 0.1, **({} if batch_size is None else {"batch_size": batch_size})}
    problem = network(optimizer=name, steps=6, schedule={"kind": "exponential", "gamma": 0.8}, **own)
    solutions = [solve(problem, full_steps=count) for count in (1, 3, 6)]
    for solution in each(solutions[1:]):
        assert solutions[0].losses == pytest.approx(solution.losses, rel=1e-12)
        final = {element: float(value) for element, value in solution.final.items()}
        assert solutions[0].final == pytest.approx(final, rel=1e-11)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_rational_update_stays_a_fraction_until_a_root_is_taken(name: str) -> None:
    """Lines without a root are fractions: nothing is rounded that need not be."""
    (step, *_) = solve(gradients([2, 3], optimizer=name), steps=2).steps
    assert step.change is not None
    for target, formula in optimizers.reduced(name, frozenset({"weight_decay"}), first=True):
        if target in step.change.lines["w"] and target != "w":
            assert isinstance(step.change.lines["w"][target], Fraction), formula


def test_step_holds_the_states_before_and_after() -> None:
    """The states after one step are those before the next."""
    first, second = solve(network(optimizer="adam", steps=2)).steps
    assert first.change is not None
    assert second.change is not None
    assert {0} == {value for own in first.change.states.values() for value in own.values()}
    assert {"m", "v"} == set(first.change.after["W1_1_1"])
    assert first.change.after == second.change.states
    assert [1, 2] == [first.change.number, second.change.number]


@pytest.mark.parametrize("name", ["momentum", "adam", "rmsprop"])
def test_rounding_by_hand_rounds_every_line(name: str) -> None:
    """States, bias-corrected means and new parameters are rounded like everything that is computed."""
    content = {**NETWORK, "training": {"optimizer": name, "learning_rate": 0.1, "steps": 2}}
    problem = sbp.problem({**content, "notation": {"round_intermediates": {"significant": 4}}})
    policy, solution = problem.notation.round_intermediates, solve(problem)
    assert policy is not None
    lines = [
        value for step in solution.steps if step.change for own in step.change.lines.values() for value in own.values()
    ]
    assert len(lines) >= 2 * 17 * 2
    assert all(value == to_decimal(policy, value) for value in lines)


# Laws between the rows


small = st.integers(-20, 20).map(lambda value: Fraction(value, 8))


@settings(max_examples=many(25), deadline=None)
@given(st.lists(small, min_size=1, max_size=4), st.integers(1, 9))
def test_weight_decay_is_the_gradient_of_an_l2_penalty(xs: list[Fraction], decay: int) -> None:
    """For gradient descent λ added to the gradient is the penalty λ/2 Σw², biases included; exactly."""
    content = {
        "network": {"inputs": 1, "layers": [{"units": 1}], "loss": "half_squared_error"},
        "parameters": {"W1": [["1/2"]], "b1": ["-1/3"]},
        "data": {"x": [[str(x)] for x in xs], "y": [[str(1 - x)] for x in xs]},
    }
    strength, training = f"{decay}/10", {"learning_rate": "1/4", "steps": 3}
    decayed = solve(sbp.problem({**content, "training": {**training, "weight_decay": strength}}), full_steps=3)
    penalty = {"l2": strength, "form": "half", "biases": True}
    penalised = solve(sbp.problem({**content, "training": training, "regularization": penalty}), full_steps=3)
    assert dict(decayed.final) == dict(penalised.final)


def test_decoupled_weight_decay_is_no_penalty() -> None:
    """AdamW shrinks weights apart from the gradient; Adam with the same decay goes elsewhere, and without it they agree."""
    finals = {}
    for decay in (0, 0.1):
        for name in ("adam", "adamw"):
            finals[name, decay] = solve(network(optimizer=name, learning_rate=0.1, weight_decay=decay, steps=5)).final
    assert finals["adam", 0] == pytest.approx(finals["adamw", 0], rel=1e-14)
    assert finals["adam", 0.1] != pytest.approx(finals["adamw", 0.1], rel=1e-3)


def test_nesterov_looks_ahead_of_the_heavy_ball() -> None:
    """With one constant gradient the heavy ball moves η g (1 + μ + …); Nesterov is one term of the sum ahead."""
    moves = {}
    for name in ("momentum", "nesterov"):
        problem = gradients([1, 1, 1, 1], optimizer=name, learning_rate=1, momentum="1/2")
        places = [1, *(solve(problem, steps=count, full_steps=3).final["w"] for count in (1, 2, 3))]
        moves[name] = [before - after for before, after in itertools.pairwise(places)]
    assert [1, Fraction(3, 2), Fraction(7, 4)] == moves["momentum"]
    assert [Fraction(3, 2), Fraction(7, 4), Fraction(15, 8)] == moves["nesterov"]


def test_ascent_climbs_with_every_optimiser() -> None:
    """A negative learning rate is ascent: w rises where the gradient is positive."""
    for name in each(OPTIMIZERS):
        assert solve(gradients([1, 1], optimizer=name, learning_rate=-0.1, weight_decay=0)).final["w"] > 1


# Batches


def test_batch_of_all_samples_is_the_whole() -> None:
    """A batch of as many samples as there are, or more, is no batch at all, shuffled or not."""
    plain = solve(network(learning_rate=0.5, steps=4))
    for size in (3, 50):
        for shuffle in (False, True):
            same = solve(network(learning_rate=0.5, steps=4, batch_size=size, shuffle=shuffle, seed=5))
            assert plain.losses == same.losses
            assert plain.steps[0].values == same.steps[0].values


def alone(sample: int) -> Problem:
    """Return the network with one of its samples."""
    data = {key: [rows[sample - 1]] for key, rows in NETWORK["data"].items()}
    return sbp.problem({**NETWORK, "data": data, "training": {"learning_rate": 0.5}})


def test_online_step_is_the_step_of_its_sample() -> None:
    """With one sample in a batch the first step is that of the problem which has only this sample; so is the JSON."""
    online = solve(network(learning_rate=0.5, batch_size=1, epochs=1))
    single = solve(alone(1))
    found, expected = result(online), result(single)
    assert {key: expected[key] for key in ("values", "gradients", "updated", "exact")} == {
        key: found[key] for key in ("values", "gradients", "updated", "exact")
    }
    assert 3 == len(found["steps"])
    assert expected["steps"] != found["steps"][:1]


@pytest.mark.parametrize("size", [1, 2])
def test_losses_are_those_of_the_whole_data(size: int) -> None:
    """Before and after every update of a batch the loss is that over all samples."""
    solution = solve(network(learning_rate=0.5, batch_size=size, epochs=2), full_steps=4)
    for number, step in each(enumerate(solution.steps)):
        shared = {e: step.values.value(e) for q in solution.derivation.parameters for e in q.elements()}
        samples = [solve(moved(alone(sample), shared)).losses[0] for sample in (1, 2, 3)]
        assert math.isclose(sum(samples) / 3, solution.losses[number], rel_tol=1e-12)


def moved(problem: Problem, shared: Mapping[str, Any]) -> Problem:
    """Return a problem with other parameters."""
    from symbackprop.problems import Given

    arrays = dict(problem.arrays)
    for name, shape in problem.parameter_shapes().items():
        indices = itertools.product(*(range(1, length + 1) for length in shape))
        entries = tuple(Given(shared["_".join([name, *map(str, index)])], "") for index in indices)
        arrays[name] = replace(arrays[name], entries=entries)
    return replace(problem, arrays=arrays)


@given(st.integers(1, 12), st.integers(1, 12), st.booleans(), st.integers(0, 99))
def test_epoch_sees_every_sample_once(samples: int, size: int, shuffle: bool, seed: int) -> None:
    """Batches of an epoch share out the samples; all have the full size but the last."""
    per_epoch = -(-samples // size)
    found = itertools.islice(epochs.batches(samples, size, shuffle=shuffle, seed=seed), 3 * per_epoch)
    for _ in range(3):
        epoch = list(itertools.islice(found, per_epoch))
        assert list(range(1, samples + 1)) == sorted(sample for batch in epoch for sample in batch)
        assert {size} >= {len(batch) for batch in epoch[:-1]}
        if not shuffle:
            assert sorted(epoch) == epoch


def test_shuffled_order_is_that_of_the_generator() -> None:
    """Each epoch's order is the next permutation of NumPy's PCG64 with the seed; another seed gives another one."""
    np = require_module("numpy")
    generator = np.random.Generator(np.random.PCG64(7))
    expected = [tuple(int(i) + 1 for i in generator.permutation(9)) for _ in range(3)]
    assert expected == list(itertools.islice(epochs.batches(9, None, shuffle=True, seed=7), 3))
    assert expected != list(itertools.islice(epochs.batches(9, None, shuffle=True, seed=8), 3))
    solution = solve(network(learning_rate=0.1, batch_size=1, shuffle=True, seed=7, steps=6), full_steps=6)
    seen = [step.batch for step in solution.steps]
    order = np.random.Generator(np.random.PCG64(7))
    assert [(int(i) + 1,) for _ in range(2) for i in order.permutation(3)] == seen


def test_penalty_over_the_mean_counts_the_samples_of_the_batch() -> None:
    """λ/(2m) Σw²: m is the number of samples in the batch, as the gradient's mean is over the batch."""
    content = {
        "network": {"inputs": 1, "layers": [{"units": 1, "bias": "none"}], "loss": "half_squared_error"},
        "parameters": {"W1": [[2]]},
        "data": {"x": [[0], [0], [0]], "y": [[0], [0], [0]]},
        "regularization": {"l2": 1, "form": "half_mean"},
        "training": {"learning_rate": 1, "batch_size": 2, "steps": 2},
    }
    solution = solve(sbp.problem(content))
    assert [1, 1] == [step.values.gradient("W1_1_1") for step in solution.steps]
    assert [2, 1] == [step.values.value("W1_1_1") for step in solution.steps]


def test_graph_can_be_descended_in_batches() -> None:
    """Samples of a computation graph make batches too; L = w g with gradients 1, 2, 3."""
    solution = solve(gradients([1, 2, 3], optimizer="sgd", learning_rate=1, epochs=2))
    assert (2.0, 0.0, -4.0, -10.0, -12.0, -16.0, -22.0) == solution.losses
    assert -11 == solution.final["w"]


# Steps, epochs, stopping


@pytest.mark.parametrize(
    ("training", "updates"),
    [
        ({}, 1),
        ({"steps": 5}, 5),
        ({"epochs": 4}, 4),
        ({"epochs": 4, "batch_size": 2}, 8),
        ({"epochs": 4, "batch_size": 1}, 12),
        ({"steps": 4, "batch_size": 1}, 4),
        ({"epochs": 0, "batch_size": 1}, 0),
    ],
)
def test_epochs_count_batches(training: Mapping[str, Any], updates: int) -> None:
    """An epoch is as many updates as it has batches; a step is one."""
    assert updates == len(solve(network(learning_rate=0.1, **training)).losses) - 1


def line(steps: int, **stop: Any) -> Solution:
    """Return the solution of the line through the origin, whose loss is a quarter after every step."""
    return solve(sbp.example("line", [("training.steps", steps), ("training.stop", stop)]))


@pytest.mark.parametrize(
    ("stop", "updates"),
    [
        # The losses are 1/2, 1/8, 1/32, 1/128, …; they fall by 3/8, 3/32, 3/128, ….
        ({"tolerance": 0}, 12),
        ({}, 12),
        ({"tolerance": "1/2"}, 1),
        ({"tolerance": "1/10"}, 2),
        ({"tolerance": "1/10", "patience": 3}, 4),
        ({"tolerance": "3/32"}, 2),
        ({"tolerance": 0.0001}, 7),
    ],
    ids=str,
)
@pytest.mark.parametrize("exact", [1, 12])
def test_stop_ends_when_the_loss_no_longer_falls(stop: Mapping[str, Any], updates: int, exact: int) -> None:
    """The first epoch in a row of `patience` that falls by no more than the tolerance ends the descent."""
    problem = sbp.example("line", [("training.steps", 12), ("training.stop", dict(stop))])
    solution = solve(problem, full_steps=exact)
    assert updates == len(solution.losses) - 1
    assert (updates < 12) is solution.stopped
    assert updates == len(result(solution)["steps"])


def test_stop_watches_epochs_and_not_updates() -> None:
    """With batches, only the loss at the end of an epoch counts."""
    solution = solve(network(learning_rate=0, batch_size=1, epochs=9, stop={"patience": 2, "tolerance": 1e-9}))
    assert 6 == len(solution.losses) - 1


# Mistakes


@pytest.mark.parametrize(
    ("training", "match"),
    [
        (
            {"optimizer": "adam", "beta_1": 0.5},
            r'training: unknown key "beta_1"\n  did you mean "beta1"\?\n  valid: optimizer, .*, beta1, beta2, epsilon',
        ),
        (
            {"optimizer": "adam", "momentum": 0.5},
            r'training.momentum: adam has no setting "momentum"\n  valid: learning_rate, beta1, beta2, epsilon',
        ),
        ({"dampening": 0.5}, 'training.dampening: gradient_descent has no setting "dampening"'),
        ({"optimizer": "adma"}, 'unknown optimizer "adma"\n  did you mean "adam"'),
        ({"optimizer": "adam", "beta1": 1}, "training.beta1: the value has to be < 1"),
        ({"optimizer": "adam", "beta2": -0.1}, "training.beta2: the value has to be ≥ 0"),
        ({"optimizer": "momentum", "momentum": 0}, "training.momentum: the value has to be > 0"),
        ({"weight_decay": -1}, "training.weight_decay: the value has to be ≥ 0"),
        ({"learning_rate": [1]}, "training.learning_rate: expected a number"),
        ({"optimizer": "adam", "update": "sequential"}, "training.update: a sequential update is for gradient descent"),
        ({"schedule": "step"}, "training.schedule: expected a table"),
        ({"schedule": {}}, 'training.schedule: the key "kind" is missing'),
        ({"schedule": {"kind": "stepp"}}, 'training.schedule.kind: unknown schedule "stepp"\n  did you mean "step"'),
        ({"schedule": {"kind": "step"}}, 'training.schedule: the key "step_size" is missing'),
        ({"schedule": {"kind": "step", "step_size": 1.5}}, "training.schedule.step_size: expected a whole number"),
        ({"schedule": {"kind": "step", "step_size": 0}}, "training.schedule.step_size: the value has to be ≥ 1"),
        ({"schedule": {"kind": "exponential", "gamma": 0}}, "training.schedule.gamma: the value has to be > 0"),
        (
            {"schedule": {"kind": "exponential", "gamma": 0.5, "step_size": 3}},
            'training.schedule.step_size: exponential has no setting "step_size"\n  valid: gamma',
        ),
        (
            {"schedule": {"kind": "exponential", "gama": 0.5}},
            'training.schedule: unknown key "gama"\n  did you mean "gamma"',
        ),
        ({"schedule": {"kind": "constant", "per": "batch"}}, 'training.schedule.per: unknown choice "batch"'),
        ({"batch_size": 0}, "training.batch_size: the value has to be > 0"),
        ({"batch_size": 1.5}, "training.batch_size: expected a whole number"),
        ({"shuffle": "yes"}, "training.shuffle: expected true or false"),
        ({"seed": -1}, "training.seed: the value has to be ≥ 0"),
        ({"stop": {"patience": 0}}, "training.stop.patience: the value has to be > 0"),
        ({"stop": {"tolerance": -1}}, "training.stop.tolerance: the value has to be ≥ 0"),
        ({"stop": {"tolerence": 1}}, 'training.stop: unknown key "tolerence"\n  did you mean "tolerance"'),
        ({"stop": {"validation_fraction": 1}}, "training.stop.validation_fraction: the value has to be < 1"),
        (
            {"stop": {"validation_fraction": 1.5}},
            "training.stop.validation_fraction: the value has to be between 0 and 1, found 1.5",
        ),
    ],
    ids=lambda part: str(part)[:60],
)
def test_mistake_in_training_gives_one_message(training: Mapping[str, Any], match: str) -> None:
    """Each mistake says where it is and what was expected."""
    with pytest.raises(SymbackpropError, match=match):
        network(**training)


def test_worked_solution_holds_no_samples_back() -> None:
    """The key is for training: a solution refuses it and says so, rather than ignoring it."""
    problem = network(stop={"validation_fraction": 0.25})
    assert problem.training is not None
    with pytest.raises(SymbackpropError, match=r"training.stop.validation_fraction: a worked solution descends on all"):
        solve(problem)


def test_divisor_of_zero_is_one_message() -> None:
    """Without an ε a gradient of 0 divides by 0: an error of the project, not a traceback."""
    with pytest.raises(SymbackpropError, match="division by zero"):
        solve(gradients([0, 0], optimizer="adagrad", epsilon=0))


# Documents


def rendered(solution: Solution, format: str = "markdown") -> str:
    """Return a solution's document."""
    from symbackprop import rendering

    text = rendering.render(solution, format)
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize("name", few(OPTIMIZERS, 1))
def test_document_lines_of_an_update_are_true(name: str) -> None:
    """Every printed line of every update checks on a calculator, with batches, decay and a schedule too."""
    from symbackprop import document
    from tests.document.test_documents import assert_chain_is_true, assert_nothing_forbidden, chains_of

    plain = solve(sbp.example("mazur", [("training.optimizer", name), ("training.steps", 2)]))
    decayed = network(
        optimizer=name,
        learning_rate=0.3,
        weight_decay="1/7",
        batch_size=2,
        shuffle=True,
        epochs=1,
        schedule={"kind": "exponential", "gamma": "2/3", "per": "step"},
    )
    for solution in (plain, solve(decayed)):
        assert sum(map(assert_chain_is_true, chains_of(document.compose(solution)))) > 60
        for format in ("latex", "markdown"):
            assert_nothing_forbidden(rendered(solution, format))


def update_section(problem: Problem, title: str = "Update") -> str:
    """Return a section of a problem's document in Markdown."""
    text = rendered(solve(problem))
    return text.split(f" {title}\n", 1)[1].split("\n## ", 1)[0].split("\n### ", 1)[0]


def test_document_prints_the_formula_of_adam_line_by_line() -> None:
    """Means, their corrections and the update, each with the letters of its own settings."""
    text = update_section(gradients([0.5], optimizer="adam", learning_rate=0.1))
    for line in (
        r"\bar{g}_w &= \frac{\partial L}{\partial w} = 0.5",  # the data of this problem is called g
        r"m_{w,1} &= \beta_1 \, m_{w,0} + (1 - \beta_1) \, \bar{g}_w",
        r"v_{w,1} &= \beta_2 \, v_{w,0} + (1 - \beta_2) \bar{g}_w^{2}",
        r"\hat{m}_{w,1} &= \frac{m_{w,1}}{1 - \beta_1^{1}} = \frac{0.05}{1 - 0.9^{1}} = \frac{0.05}{0.1} = 0.5",
        r"\hat{v}_{w,1} &= \frac{v_{w,1}}{1 - \beta_2^{1}} = \frac{0.00025}{1 - 0.999^{1}} = \frac{0.00025}{0.001} = 0.25",
        r"w^+ &= w - \frac{\eta \, \hat{m}_{w,1}}{\sqrt{\hat{v}_{w,1}} + \epsilon}",
    ):
        assert line in text


def test_document_prints_the_scheduled_learning_rate() -> None:
    """The rate of the step is worked out before it is used, under its own name."""
    problem = gradients([1, 1], learning_rate=0.4, schedule={"kind": "exponential", "gamma": "1/2", "per": "step"})
    text = rendered(solve(problem))
    assert r"\eta_2 &= \eta \gamma^{1} = 0.4 \times 0.5^{1} = 0.4 \times 0.5 = 0.2" in text
    assert r"w^+ &= w - \eta_2 \cdot \frac{\partial L}{\partial w}" in text


def test_document_of_zero_settings_leaves_no_trace_of_them() -> None:
    """A weight decay or a dampening of 0 is not printed."""
    text = update_section(gradients([1], optimizer="momentum", learning_rate=1))
    assert r"v_{w,1} &= \mu \, v_{w,0} + \bar{g}_w" in text
    assert "tau" not in text
    assert "tilde" not in text


def test_document_of_a_batch_calls_samples_by_their_numbers() -> None:
    """A step on samples 3 and 2 of the data shows them as such."""
    problem = network(learning_rate=0.5, batch_size=2, shuffle=True, seed=3, epochs=1)
    step = solve(problem).steps[0]
    assert step.batch is not None
    assert (1, 2) != step.batch
    text = update_section(problem, "Forward pass")
    assert f"of the samples {step.batch[0]}, {step.batch[1]}." in text
    for sample in (1, 2, 3):
        assert (f"^{{(1)[{sample}]}}" in text) is (sample in step.batch)


@pytest.mark.parametrize("name", few(OPTIMIZERS, 2))
def test_document_is_true_where_delta_is_the_negative_gradient(name: str) -> None:
    """With δ = −∂L/∂z every line of every optimizer is true, and the numbers are the same; plain descent adds."""
    from symbackprop import document
    from tests.document.test_documents import assert_chain_is_true, assert_nothing_forbidden, chains_of

    overrides = [("training.optimizer", name), ("notation.delta_sign", "negative")]
    problem = sbp.example("mazur", overrides)
    solution = solve(problem)
    assert sum(map(assert_chain_is_true, chains_of(document.compose(solution)))) > 60
    assert_nothing_forbidden(rendered(solution))
    assert solve(sbp.example("mazur", overrides[:1])).losses == solution.losses
    if name == "gradient_descent":
        assert r"= w_5 + \eta \delta_{o_1} \, h_1" in update_section(problem)


def test_states_get_a_bar_where_their_letter_is_taken() -> None:
    """A graph with a parameter m keeps its letter; the mean of the gradients is m̄."""
    graph = {"parameters": {"m": 1}, "inputs": {"x": 2}, "equations": ["L = m*x"], "output": "L"}
    text = update_section(sbp.problem({"graph": graph, "training": {"optimizer": "adam"}}))
    assert r"\bar{m}_{m,1} &= \beta_1 \, \bar{m}_{m,0} + (1 - \beta_1) \, g_m" in text
    assert r"\hat{m}_{m,1} &= \frac{\bar{m}_{m,1}}{1 - \beta_1^{1}}" in text
    assert r"v_{m,1} &= \beta_2 \, v_{m,0}" in text


def test_document_of_a_stop_says_so() -> None:
    """Where updates were left out, the solution says after how many and why."""
    stopped = rendered(line(12, tolerance="1/10"))
    assert "The updates end after 2, since the loss no longer falls enough." in stopped
    assert "The updates end after" not in rendered(line(3, tolerance=0))


# The page


LETTERS = {
    "learning_rate": "η", "momentum": "μ", "dampening": "τ", "weight_decay": "λ", "lr_decay": "κ", "epsilon": "ε",
    "alpha": "ρ", "beta1": "β₁", "beta2": "β₂",
}  # fmt: skip


def test_conventions_list_every_optimiser_with_its_defaults() -> None:
    """docs/conventions.md has a row for each optimizer and each schedule, with the defaults of the table."""
    page = (ROOT / "docs" / "conventions.md").read_text("utf-8")
    rows = re.findall(
        r"^\| `(\w+)` \|.*\| (.*) \| .* \|$", page.split("## Optimisers", 1)[1].split("| schedule |")[0], re.M
    )
    assert list(OPTIMIZERS) == [name for name, _ in rows]
    for name, defaults in rows:
        stated = {letter: Fraction(value) for letter, value in (part.split(" = ") for part in defaults.split(", "))}
        assert stated == {LETTERS[key]: setting.default for key, setting in OPTIMIZERS[name].settings.items()}
    schedules = page.split("| schedule |", 1)[1].split("\n\n", 1)[0]
    assert list(SCHEDULES) == re.findall(r"^\| `(\w+)` \|", schedules, re.M)
