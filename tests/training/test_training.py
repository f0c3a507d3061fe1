"""Training: known numbers, the descent of `solve`, torch; batches, stopping, going on, divergence; the command."""

from __future__ import annotations

import csv
import io
import itertools
import math
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import click.testing
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symbackprop as sbp
from symbackprop.catalog.initializers import PROBLEM
from symbackprop.catalog.optimizers import OPTIMIZERS
from symbackprop.cli import group
from symbackprop.cli.commands import train as command
from symbackprop.compilation.backends import BACKENDS
from symbackprop.descent import epochs
from symbackprop.descent.trajectories import RateComparison, compare_rates
from symbackprop.errors import MissingValueError, ProblemError, SymbackpropError
from symbackprop.problems import Problem, numbers
from symbackprop.training import DivergenceError, Every, TrainingState
from tests.helpers import ROOT, each, few, many, require_module

LINE = np.linspace(-1, 1, 11)[:, None]


def regression(**training: Any) -> Problem:
    """Return a 1-3-1 network without numbers, to be trained on eleven points of a parabola."""
    return sbp.problem(
        {
            "network": {
                "inputs": 1,
                "layers": [{"units": 3, "activation": "tanh"}, {"units": 1}],
                "loss": "half_squared_error",
            },
            "data": {"x": LINE, "y": LINE**2},
            "training": {"learning_rate": 0.1, "epochs": 8, **training},
        }
    )


def classes(samples: int = 60) -> tuple[Problem, Any, Any]:
    """Return a softmax classifier without data, points around three places, and their classes."""
    random = np.random.default_rng(0)
    labels = random.integers(3, size=samples)
    x = np.array([[0, 2], [2, -1], [-2, -1]])[labels] + 0.5 * random.normal(size=(samples, 2))
    return sbp.network([2, 8, 3], activations=["relu", "softmax"], loss="cross_entropy"), x, labels


def assert_equal(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> None:
    """Assert that two sets of arrays are the same, bit for bit."""
    assert set(expected) == set(actual)
    for name, array in expected.items():
        assert array.dtype == actual[name].dtype
        np.testing.assert_array_equal(array, actual[name])


# Known numbers


def test_mazur_after_ten_thousand_steps() -> None:
    """Loss and outputs of the tutorial's network after 10,000 simultaneous updates of its weights, biases frozen."""
    history = sbp.train(sbp.example("mazur"), steps=10_000)
    assert math.isclose(3.510187782979e-05, history.loss, rel_tol=1e-12)
    np.testing.assert_allclose([[0.01591362044355, 0.9840642735146]], history.predict(), rtol=1e-12)
    assert (10_000,) == history.losses.shape == history.learning_rates.shape == history.epochs.shape


def test_xor_is_learnt_in_well_under_a_second() -> None:
    """10,000 epochs bring every output of XOR to the side of its target, in less than a second."""
    history = sbp.train(sbp.example("xor"))
    assert 10_000 == len(history.losses)
    assert [False, True, True, False] == (history.predict().ravel() > 0.5).tolist()
    assert history.seconds < 1


def test_losses_are_those_before_each_update() -> None:
    """On a line each step halves the error: ½, ⅛, 1/32 before the updates, 1/128 after them."""
    history = sbp.train(sbp.example("line"), steps=3)
    assert [0.5, 0.125, 0.03125] == history.losses.tolist()
    assert 0.0078125 == history.loss
    assert 0 == sbp.train(sbp.example("line"), steps=0).last


# Agreement with the float descents of solutions, and with torch

CASES: list[dict[str, Any]] = [
    {},
    {"batch_size": 2},
    {"batch_size": 3, "shuffle": True, "seed": 5},
    {"batch_size": 1, "schedule": {"kind": "step", "step_size": 3, "gamma": "1/2"}},
    {"batch_size": 3, "schedule": {"kind": "exponential", "gamma": 0.9, "per": "step"}},
]


RUNS = [("numpy", optimizer, case) for optimizer in OPTIMIZERS for case in CASES] + [
    (name, "adam", CASES[2]) for name in BACKENDS if BACKENDS[name].is_installed
]


@pytest.mark.parametrize(("backend", "optimizer", "case"), RUNS, ids=str)
def test_training_is_the_descent_of_the_solution(backend: str, optimizer: str, case: dict[str, Any]) -> None:
    """Every optimizer, in whatever batches, leads where the descent that documents print leads."""
    table = {"optimizer": optimizer, "learning_rate": 0.05, "epochs": 7, **case}
    problem = sbp.example("xor", [("training", table)])
    solution = sbp.solve(problem)
    history = sbp.train(problem, backend=backend)
    assert len(solution.losses) - 1 == len(history.losses)
    assert math.isclose(solution.losses[-1], history.loss, rel_tol=1e-11)
    for quantity in solution.derivation.parameters:
        expected = [float(solution.final[element]) for element in quantity.elements()]
        np.testing.assert_allclose(expected, history.parameters[quantity.name].ravel(), rtol=1e-10, atol=1e-13)
    rates = [
        float(epochs.learning_rate(problem.training, number, 4))  # type: ignore[arg-type]
        for number in range(1, len(history.losses) + 1)
    ]
    assert rates == history.learning_rates.tolist()


GRADIENTS_OF_OTHERS: dict[str, list[str]] = {
    "the other": ["L = A*B"],
    "the other by another name": ["t = linear(A)", "L = t*B"],
    "itself": ["L = A*A/2 + B*B/2"],
    "both": ["t = linear(A)", "u = linear(B)", "L = cos(t)*u*t + sin(u)*t"],
}
"""Losses of which the gradient by a parameter reads parameters."""


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", GRADIENTS_OF_OTHERS)
def test_updates_read_parameters_before_any_of_them_changes(name: str, optimizer: str) -> None:
    """A gradient that reads other parameters, whatever these are called on the way, has their numbers before the update."""
    graph = {"parameters": {"A": 0.5, "B": -1.25}, "equations": GRADIENTS_OF_OTHERS[name], "output": "L"}
    training = {"optimizer": optimizer, "learning_rate": 0.1, "steps": 3}
    problem = sbp.problem({"graph": graph, "training": training})
    solution = sbp.solve(problem)
    expected = {parameter: float(solution.final[parameter]) for parameter in "AB"}
    for backend in each(backend for backend in ("numpy", "numba") if BACKENDS[backend].is_installed):
        if backend == "numpy" or optimizer == "adam":
            found = sbp.train(problem, backend=backend).parameters
            assert expected == pytest.approx({parameter: float(found[parameter]) for parameter in "AB"}, rel=1e-12)


TORCH: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "gradient_descent": ("SGD", {"weight_decay": 0.01}, {"weight_decay": 0.01}),
    "momentum": ("SGD", {"momentum": 0.8, "dampening": 0.1}, {"momentum": 0.8, "dampening": 0.1}),
    "nesterov": ("SGD", {"momentum": 0.8}, {"momentum": 0.8, "nesterov": True}),
    "adagrad": ("Adagrad", {"lr_decay": 0.1}, {"lr_decay": 0.1}),
    "rmsprop": ("RMSprop", {"alpha": 0.9, "momentum": 0.5}, {"alpha": 0.9, "momentum": 0.5}),
    "adam": ("Adam", {"beta1": 0.8}, {"betas": (0.8, 0.999)}),
    "adamw": ("AdamW", {"weight_decay": 0.1}, {"weight_decay": 0.1}),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_agrees_with_torch(optimizer: str) -> None:
    """A softmax classifier in mini-batches, its settings given by name, has the weights that torch gives it."""
    torch = require_module("torch")
    problem, x, labels = classes(10)
    start = sbp.train(problem, x, labels, steps=0, seed=3).parameters
    name, ours, theirs = TORCH[optimizer]
    history = sbp.train(
        problem, x, labels, parameters=start, optimizer=optimizer, learning_rate=0.02, epochs=4, batch_size=4, **ours
    )
    known = {key: torch.tensor(value, dtype=torch.float64, requires_grad=True) for key, value in start.items()}
    updates = getattr(torch.optim, name)(list(known.values()), lr=0.02, **theirs)
    for _ in range(4):
        for batch in ([0, 1, 2, 3], [4, 5, 6, 7], [8, 9]):
            updates.zero_grad()
            hidden = torch.relu(torch.tensor(x[batch]) @ known["W1"].T + known["b1"])
            logits = hidden @ known["W2"].T + known["b2"]
            torch.nn.functional.cross_entropy(logits, torch.tensor(labels[batch])).backward()
            updates.step()
    for key, value in each(known.items()):
        np.testing.assert_allclose(value.detach().numpy(), history.parameters[key], rtol=1e-9, atol=1e-12)


# Settings and data


def test_settings_are_the_problems_unless_given() -> None:
    """What is not given comes from [training]; what is given takes its place."""
    problem = regression(optimizer="momentum", momentum=0.8, batch_size=4, seed=2)
    named = sbp.train(problem).training
    assert ("momentum", 0.8, 4, 24) == (
        named.optimizer, float(named.settings["momentum"].value), named.batch_size, named.steps,
    )  # fmt: skip
    other = sbp.train(problem, optimizer="adam", steps=5, batch_size=3).training
    assert ("adam", 0.1, 3, 5) == (
        other.optimizer, float(other.settings["learning_rate"].value), other.batch_size, other.steps,
    )  # fmt: skip
    assert 0.9 == float(other.settings["beta1"].value)
    numpy_float = sbp.train(problem, learning_rate=np.float64(0.25), epochs=np.int64(1)).training
    assert 0.25 == float(numpy_float.settings["learning_rate"].value)


def test_left_out_parameters_are_drawn_by_seed() -> None:
    """A network without numbers begins with Glorot's weights and zero biases, the same for the same seed."""
    start = sbp.train(regression(), steps=0).parameters
    limit = math.sqrt(6 / 4)
    assert np.all(np.abs(start["W1"]) < limit)
    assert len(set(start["W1"].ravel())) == 3
    assert not start["b1"].any()
    assert_equal(start, sbp.train(regression(), steps=0).parameters)
    assert not np.array_equal(start["W1"], sbp.train(regression(), steps=0, seed=1).parameters["W1"])
    drawn = sbp.example("xor", [("parameters", {"seed": 4})])
    left_out = sbp.example("xor", [("parameters", {})])
    assert_equal(sbp.train(drawn, steps=0).parameters, sbp.train(left_out, steps=0, seed=4).parameters)


def test_given_data_takes_the_place_of_the_problems() -> None:
    """Arrays of any number of samples, classes as integers, float32 as it comes."""
    problem, x, labels = classes()
    history = sbp.train(problem, x, labels, optimizer="adam", learning_rate=0.05, epochs=60, seed=1)
    assert np.mean(history.predict(x).argmax(axis=1) == labels) > 0.95
    one_hot = sbp.train(problem, x, np.eye(3)[labels], optimizer="adam", learning_rate=0.05, epochs=60, seed=1)
    assert_equal(history.parameters, one_hot.parameters)
    single = sbp.train(problem, x.astype(np.float32), labels, learning_rate=0.05, epochs=2)
    assert {np.dtype(np.float32)} == {array.dtype for array in single.parameters.values()}
    assert np.float32 == single.predict(x.astype(np.float32)).dtype
    assert np.float64 == history.parameters["W1"].dtype


def test_frozen_parameters_stay() -> None:
    """What is frozen keeps its value."""
    history = sbp.train(sbp.example("xor"), epochs=5, frozen=["W1", "b1"])
    start = sbp.train(sbp.example("xor"), steps=0)
    for name in each(start.parameters):
        assert np.array_equal(start.parameters[name], history.parameters[name]) is (name in ("W1", "b1"))


def test_a_computation_graph_is_trained() -> None:
    """A graph takes its data by name, and has no outputs to predict."""
    problem = sbp.problem(
        {
            "graph": {
                "parameters": {"w": 0},
                "inputs": {"x": 0},
                "targets": {"t": 0},
                "equations": ["L = (w*x - t)**2"],
                "output": "L",
            }
        }
    )
    x = np.array([1.0, 2.0, 3.0])
    history = sbp.train(problem, {"x": x}, {"t": 2 * x}, learning_rate=0.05, epochs=50)
    np.testing.assert_allclose(2.0, history.parameters["w"], rtol=1e-6)
    assert () == history.parameters["w"].shape
    with pytest.raises(SymbackpropError, match="outputs"):
        history.predict()


@pytest.mark.parametrize("kind", [list, tuple, "iterator"])
def test_batches_can_be_handed_over(kind: Any) -> None:
    """An iterable of pairs gives the parameters that the same batches out of arrays give; a pass is an epoch."""
    problem = regression(batch_size=4)
    pairs = [(LINE[place : place + 4], LINE[place : place + 4] ** 2) for place in (0, 4, 8)]
    count = 1 if kind == "iterator" else 3
    history = sbp.train(problem, iter(pairs) if kind == "iterator" else kind(pairs), epochs=count)
    expected = sbp.train(problem, LINE, LINE**2, epochs=count)
    assert_equal(expected.parameters, history.parameters)
    assert expected.losses.tolist() == history.losses.tolist()
    assert expected.epochs.tolist() == history.epochs.tolist()
    assert sbp.train(problem, pairs, steps=4).losses.tolist() == sbp.train(problem, steps=4).losses.tolist()


def test_batches_that_cannot_be() -> None:
    """An exhausted iterator, something that is no pair, a share to be held back: each has its message."""
    problem = regression()
    pairs = [(LINE, LINE**2)]
    with pytest.raises(ProblemError, match="epoch 2"):
        sbp.train(problem, iter(pairs), epochs=2)
    with pytest.raises(ProblemError, match=r"pairs of inputs and targets"):
        sbp.train(problem, iter([LINE]), epochs=1)
    with pytest.raises(ProblemError, match="validation_data"):
        sbp.train(problem, pairs, epochs=1, stop={"validation_fraction": 0.5})
    with pytest.raises(ProblemError, match="the loss of all samples, which stop watches"):
        sbp.train(problem, pairs, epochs=1, stop={})
    with pytest.raises(ProblemError, match="outputs of all samples"):
        sbp.train(problem, pairs, epochs=1, record=[1])


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"optimizer": "adm"}, 'did you mean "adam"'),
        ({"epochs": 1, "steps": 1}, "not both"),
        ({"momentum": 0.5}, "momentum"),
        ({"batch_size": 0}, "batch_size"),
        ({"stop": {"patients": 3}}, 'did you mean "patience"'),
        ({"frozen": ["W9"]}, "W9"),
        ({"update": "sequential"}, "worked solutions"),
        ({"backend": "nmpy"}, 'did you mean "numpy"'),
        ({"dtype": "float16"}, "float16"),
        ({"validation_data": LINE}, "pairs"),
    ],
)
def test_a_setting_that_cannot_be_has_a_message(changes: dict[str, Any], match: str) -> None:
    """Whatever is wrong with a setting, the error says so and names the place."""
    with pytest.raises(SymbackpropError, match=match):
        sbp.train(regression(), **changes)


def test_how_long_has_to_be_said() -> None:
    """Without [training] the number of epochs or steps is asked for, and data without numbers is named."""
    problem, x, labels = classes()
    with pytest.raises(ProblemError, match="epochs or steps"):
        sbp.train(problem, x, labels)
    with pytest.raises(MissingValueError, match="x"):
        sbp.train(problem, epochs=1)


# Watching and stopping


def test_validation_losses_are_taken_after_each_epoch() -> None:
    """They are the losses of those samples with the parameters at the end of the epoch."""
    held = (np.array([[0.3], [0.7]]), np.array([[0.09], [0.49]]))
    history = sbp.train(regression(batch_size=4), validation_data=held)
    assert (8,) == history.validation_losses.shape
    assert list(range(3, 25, 3)) == history.validation_steps.tolist()
    assert math.isclose(history.gradient.loss(history.parameters, *held), history.validation_losses[-1], rel_tol=1e-14)
    assert history.best is not None
    assert min([*history.validation_losses, history.best.loss]) == history.best.loss


def test_stop_ends_where_the_solution_ends() -> None:
    """Without validation data the loss of all samples is watched, as in a worked solution."""
    stop = {"tolerance": 0.002, "patience": 2}
    problem = sbp.example("xor", [("training", {"learning_rate": 0.3, "epochs": 500, "stop": stop})])
    solution, history = sbp.solve(problem), sbp.train(problem)
    assert solution.stopped
    assert history.stopped
    assert len(solution.losses) - 1 == len(history.losses) < 500


def test_stop_holds_samples_back_and_remembers_the_best() -> None:
    """A share of the samples is watched; after `patience` epochs without progress training ends, the best is kept."""
    random = np.random.default_rng(3)
    x = random.uniform(-1, 1, size=(24, 1))
    y = np.sin(3 * x) + 0.3 * random.normal(size=x.shape)
    stop = {"patience": 20, "validation_fraction": "1/4"}
    problem = sbp.network([1, 30, 1], activations=["tanh", "linear"], loss="half_squared_error")
    history = sbp.train(problem, x, y, optimizer="adam", learning_rate=0.05, epochs=3000, stop=stop)
    assert history.stopped
    assert history.last == len(history.validation_losses) < 3000
    best = history.best
    assert best is not None
    assert min(history.validation_losses) == best.loss
    assert history.last - best.step == 20
    assert best.step == 1 + int(np.argmin(history.validation_losses))
    assert_equal(dict(best.parameters), dict(history.restored().parameters))
    # The curve of the restored parameters is that of a training of so many steps on the same samples.
    again = sbp.train(
        problem, x, y, optimizer="adam", learning_rate=0.05, steps=best.step, stop={**stop, "patience": 9999}
    )
    assert_equal(dict(best.parameters), dict(again.parameters))


def test_callbacks_see_every_update_and_can_stop() -> None:
    """They are called in order with step, epoch and loss before the update; True ends the training."""
    seen: list[TrainingState] = []
    full = sbp.train(regression(batch_size=4))
    history = sbp.train(regression(batch_size=4), callbacks=[seen.append, lambda state: state.step == 10])
    assert list(range(1, 11)) == [state.step for state in seen]
    assert full.epochs[:10].tolist() == [state.epoch for state in seen]
    assert full.losses[:10].tolist() == [state.loss for state in seen] == history.losses.tolist()
    assert history.stopped
    assert_equal(dict(sbp.train(regression(batch_size=4), steps=10).parameters), dict(history.parameters))
    steps: list[int] = []
    sbp.train(regression(batch_size=4), callbacks=[Every(7, lambda state: steps.append(state.step))])
    assert [7, 14, 21] == steps


def test_recorded_predictions_are_those_before_the_updates() -> None:
    """The outputs before an update are those of the parameters after the updates before it."""
    history = sbp.train(regression(batch_size=4), record=[1, 5, 24])
    assert [1, 5, 24] == list(history.predictions)
    for number, outputs in history.predictions.items():
        earlier = sbp.train(regression(batch_size=4), steps=number - 1)
        np.testing.assert_allclose(earlier.predict(), outputs, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("wish", [True, np.True_, 1, "enough"], ids=repr)
def test_callback_ends_training_with_anything_true(wish: object) -> None:
    """Whatever Python takes for true ends it, as a comparison of arrays gives it; None, False and 0 let it go on."""
    history = sbp.train(regression(), callbacks=[lambda state: wish if state.step == 3 else None])
    assert (True, 3) == (history.stopped, history.last)
    for other in (None, False, np.False_, 0):
        assert 8 == sbp.train(regression(), callbacks=[lambda state, other=other: other]).last


def test_callback_is_told_the_parameters_behind_its_update() -> None:
    """In every update, of any size of batches, they are those of a training that ends there, and cannot be written to."""
    for options in ({}, {"batch_size": 4}, {"batch_size": 4, "dtype": "float32"}, {"backend": "sympy", "epochs": 2}):
        kept: list[dict[str, Any]] = []
        whole = sbp.train(regression(), callbacks=[lambda state, kept=kept: kept.append(copied(state))], **options)
        for step, told in each(enumerate(kept, start=1), least=2):
            length = {key: value for key, value in options.items() if key != "epochs"}
            assert_equal(dict(sbp.train(regression(), steps=step, **length).parameters), told)
        assert whole.last == len(kept)
    with pytest.raises(ValueError, match="read-only"):
        sbp.train(regression(), callbacks=[lambda state: state.parameters["W1"].fill(0)])


def copied(state: TrainingState) -> dict[str, Any]:
    """Return copies of the parameters that a callback was told."""
    return {name: array.copy() for name, array in state.parameters.items()}


ONLOOKERS: dict[str, dict[str, Any]] = {
    "stop": {"stop": {"tolerance": "1/1000", "patience": 3}},
    "validation": {"validation_data": (LINE, LINE**2 + 0.1), "stop": {"tolerance": "1/1000", "patience": 3}},
    "held back": {"stop": {"tolerance": "1/1000", "patience": 3, "validation_fraction": "1/4"}},
}


@pytest.mark.parametrize("batch_size", [None, 4])
@pytest.mark.parametrize("kind", ONLOOKERS)
def test_whoever_looks_sees_the_same_however_long_stretches_are(
    kind: str, batch_size: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one update at a time losses, best parameters, records and what callbacks are told are those of long stretches."""

    def trained() -> tuple[Any, list[Any]]:
        seen: list[Any] = []
        callbacks = [lambda state: seen.append((*state[:5], copied(state))), Every(7, lambda state: state.step >= 63)]
        options: dict[str, Any] = {"epochs": 90, "batch_size": batch_size, "learning_rate": 0.3, **ONLOOKERS[kind]}
        return sbp.train(regression(), callbacks=callbacks, record=[1, 2, 9], **options), seen

    (whole, all_seen), found = trained(), []
    for length in (1, 3):
        monkeypatch.setattr("symbackprop.training.loop._TRACED", length * 10)
        monkeypatch.setattr("symbackprop.compilation.scalar_engine._STRETCH", {False: length, True: length})
        found.append(trained())
    for history, seen in each(found, least=2):
        for field in ("losses", "learning_rates", "epochs", "validation_losses", "validation_steps"):
            np.testing.assert_array_equal(getattr(whole, field), getattr(history, field))
        assert whole.best is not None
        assert (whole.best.step, whole.best.epoch, whole.best.loss) == (
            history.best.step, history.best.epoch, history.best.loss,
        )  # fmt: skip
        assert_equal(dict(whole.best.parameters), dict(history.best.parameters))
        assert whole.archive() == history.archive() and whole.stopped == history.stopped
        assert len(all_seen) == len(seen) == history.last
        assert [state[:5] for state in all_seen] == [state[:5] for state in seen]
        for one, other in zip(all_seen, seen, strict=True):
            assert_equal(one[5], other[5])
        for step, outputs in whole.predictions.items():
            np.testing.assert_array_equal(outputs, history.predictions[step])


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, ProblemError], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("batch_size", [None, 4])
def test_what_ends_a_training_has_what_was_done(error: type[BaseException], batch_size: int | None) -> None:
    """An exception of a callback has the history up to the update that it was told of: that of a training of so many."""

    def interrupt(state: TrainingState) -> None:
        if state.step == 5:
            raise error("enough")

    with pytest.raises(error) as caught:
        sbp.train(regression(batch_size=batch_size, epochs=30), callbacks=[interrupt], optimizer="adam")
    history = caught.value.history  # type: ignore[attr-defined]
    expected = sbp.train(regression(batch_size=batch_size, epochs=30), steps=5, optimizer="adam")
    assert expected.archive() == history.archive()
    assert (5, expected.losses.tolist(), expected.loss) == (history.last, history.losses.tolist(), history.loss)


@pytest.mark.parametrize("batch_size", few([None, 4], 1))
def test_interrupt_in_the_middle_of_updates_keeps_those_before(batch_size: int | None) -> None:
    """Wherever the signal arrives, the history is that of a training of as many updates, and can be gone on from."""
    problem = regression(batch_size=batch_size, epochs=10**6)
    timer = threading.Timer(0.4, signal.raise_signal, [signal.SIGINT])
    sbp.train(problem, steps=1)  # the code is written
    timer.start()
    with pytest.raises(KeyboardInterrupt) as caught:
        sbp.train(problem)
    timer.join()
    history = caught.value.history  # type: ignore[attr-defined]
    assert 0 < history.last == len(history.losses) < 10**6
    assert sbp.train(problem, steps=history.last).archive() == history.archive()
    assert sbp.train(problem, steps=history.last + 2).archive() == sbp.train(problem, steps=2, resume=history).archive()


def test_what_batches_raise_has_what_was_done() -> None:
    """Batches that are handed over and end in an exception leave the updates before it."""

    def batches() -> Iterator[tuple[Any, Any]]:
        yield from [(LINE[:4], LINE[:4] ** 2)] * 3
        raise OSError("the disk is gone")

    with pytest.raises(OSError) as caught:
        sbp.train(regression(), batches(), steps=9)
    assert 2 == caught.value.history.last  # type: ignore[attr-defined]


# Going on


def test_parameters_beside_resume_are_refused() -> None:
    """A training begins in one place."""
    history = sbp.train(regression(), epochs=1)
    with pytest.raises(ProblemError, match="resume"):
        sbp.train(regression(), resume=history, parameters=history.parameters)


@settings(max_examples=many(15), deadline=None, derandomize=True)
@given(
    optimizer=st.sampled_from(list(OPTIMIZERS)),
    first=st.integers(0, 11),
    second=st.integers(0, 11),
    batch_size=st.sampled_from([None, 1, 4]),
)
def test_two_short_trainings_are_one_long_one(
    optimizer: str, first: int, second: int, batch_size: int | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Going on from a history, or from its file, continues bit for bit: states, order of samples, learning rates."""
    problem = regression(optimizer=optimizer, shuffle=True, schedule={"kind": "exponential", "gamma": 0.95})
    options: dict[str, Any] = {"batch_size": batch_size}
    whole = sbp.train(problem, steps=first + second, **options)
    begun = sbp.train(problem, steps=first, **options)
    path = tmp_path_factory.mktemp("resume") / "begun.npz"
    begun.save(path)
    for source in (begun, path):
        rest = sbp.train(problem, steps=second, resume=source, **options)
        assert_equal(dict(whole.parameters), dict(rest.parameters))
        assert whole.losses.tolist() == [*begun.losses.tolist(), *rest.losses.tolist()]
        assert whole.epochs.tolist() == [*begun.epochs.tolist(), *rest.epochs.tolist()]
        assert whole.archive() == rest.archive()


def test_saved_parameters_have_their_names(tmp_path: Path) -> None:
    """The keys of the file are names of parameters, and [parameters] takes the file as it is."""
    history = sbp.train(sbp.example("xor"), epochs=20, optimizer="adam")
    path = tmp_path / "xor.npz"
    history.save(path)
    with np.load(path, allow_pickle=False) as found:
        assert {"W1", "b1", "W2", "b2"} == {name for name in found.files if "." not in name}
        assert {"state.m.W1", "state.v.b2", "state.count"} <= set(found.files)
        np.testing.assert_array_equal(history.parameters["W1"], found["W1"])
    loaded = sbp.example("xor", [("parameters", {"file": str(path)})])
    assert_equal(dict(history.parameters), dict(sbp.train(loaded, steps=0).parameters))
    float32 = sbp.train(sbp.example("xor"), epochs=2, dtype="float32", optimizer="adam")
    float32.save(path)
    rest = sbp.train(sbp.example("xor"), epochs=1, dtype="float32", optimizer="adam", resume=path)
    whole = sbp.train(sbp.example("xor"), epochs=3, dtype="float32", optimizer="adam")
    assert_equal(dict(whole.parameters), dict(rest.parameters))


def test_another_trainings_file_is_refused(tmp_path: Path) -> None:
    """What belongs to another optimizer, another problem, or is no file of arrays has a message with its name."""
    path = tmp_path / "xor.npz"
    sbp.train(sbp.example("xor"), epochs=1, optimizer="adam").save(path)
    with pytest.raises(SymbackpropError, match=r"xor\.npz"):
        sbp.train(sbp.example("xor"), epochs=1, resume=path)
    with pytest.raises(SymbackpropError, match="expected"):
        sbp.train(sbp.example("mazur"), optimizer="adam", resume=path)
    (tmp_path / "text.npz").write_text("no arrays")
    with pytest.raises(ProblemError, match=r"text\.npz"):
        sbp.train(sbp.example("xor"), epochs=1, resume=tmp_path / "text.npz")


# Divergence


@pytest.mark.parametrize("options", [{}, {"callbacks": [lambda state: None]}], ids=["stretch", "single"])
def test_divergence_keeps_the_last_finite_parameters(options: dict[str, Any]) -> None:
    """The error names update, loss and learning rate, and its history ends before the update that led there."""
    problem = sbp.example("line", [("training", {"learning_rate": 1e9, "epochs": 200})])
    with pytest.raises(DivergenceError, match=r"update 18 \(inf\).*1e\+09") as caught:
        sbp.train(problem, **options)
    history = caught.value.history
    assert 17 == history.last == len(history.losses)
    assert math.isfinite(history.loss)
    assert_equal(dict(sbp.train(problem, steps=17).parameters), dict(history.parameters))
    assert history.losses.tolist() == sbp.train(problem, steps=17).losses.tolist()
    placed = caught.value.at("line.toml")
    assert isinstance(placed, DivergenceError)
    assert placed.history is history


def test_divergence_at_the_end_is_found() -> None:
    """A loss that is infinite only after the last update is found too."""
    with pytest.raises(DivergenceError, match="update 18") as caught:
        sbp.train(sbp.example("line"), learning_rate=1e9, steps=18)
    assert 17 == caught.value.history.last


# Logs and the command


def rows_of(text: str) -> list[dict[str, str]]:
    """Return the rows of CSV text."""
    return list(csv.DictReader(io.StringIO(text)))


def test_log_has_a_row_for_every_update() -> None:
    """Numbers in the log are the history's own, and the validation loss stands at the ends of epochs."""
    history = sbp.train(regression(batch_size=4), validation_data=(LINE, LINE**2))
    rows = rows_of(history.log())
    assert ["step", "epoch", "loss", "validation_loss", "learning_rate"] == list(rows[0])
    assert history.losses.tolist() == [float(row["loss"]) for row in rows]
    assert list(range(1, 25)) == [int(row["step"]) for row in rows]
    taken = [(int(row["step"]), float(row["validation_loss"])) for row in rows if row["validation_loss"]]
    assert list(zip(history.validation_steps, history.validation_losses, strict=True)) == taken


def run(*arguments: str, code: int = 0) -> str:
    """Run `symbackprop train` and return what it prints; a mistake is raised."""
    found = click.testing.CliRunner().invoke(group, ["train", *arguments], standalone_mode=False)
    if found.exception is not None:
        raise found.exception
    assert code == found.exit_code
    return found.output


def test_command_prints_the_table_of_a_textbook(tmp_path: Path) -> None:
    """Iteration, predictions and loss before the update, the first and the last among them; then every sample."""
    text = run("mazur", "--epochs", "1000", "--log", str(tmp_path / "log.csv"))
    rows = [line.split() for line in text.split("\n\n")[0].splitlines()[1:-1]]
    log = rows_of((tmp_path / "log.csv").read_text())
    assert ["1", "100", "200"] == [row[0] for row in rows[:3]]
    assert "1000" == rows[-1][0]
    assert len(rows) <= epochs.MOST_ROWS
    for number, first, second, loss in rows:
        earlier = sbp.train(sbp.example("mazur"), steps=int(number) - 1)
        np.testing.assert_allclose(earlier.predict()[0], [float(first), float(second)], rtol=1e-5)
        assert math.isclose(float(log[int(number) - 1]["loss"]), float(loss), rel_tol=1e-5)
    final = sbp.train(sbp.example("mazur"), steps=1000)
    assert f"{final.loss:#.6g}" in text
    assert ", ".join(f"{value:#.6g}" for value in final.predict()[0]) in text.splitlines()[-2]


def test_command_saves_resumes_and_draws(tmp_path: Path) -> None:
    """The files are those of the history in Python, and a resumed run ends where a long one ends."""
    one, two = tmp_path / "one.npz", tmp_path / "two.npz"
    options = ("--optimizer", "adam", "--learning-rate", "0.05", "--batch-size", "3")
    assert "" == run("xor", *options, "--epochs", "5", "--save", str(one), "--quiet")
    run("xor", *options, "--epochs", "4", "--resume", str(one), "--save", str(two))
    whole = sbp.train(sbp.example("xor"), optimizer="adam", learning_rate="0.05", batch_size=3, epochs=9)
    assert whole.archive() == two.read_bytes()
    for kind, head in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        place = tmp_path / f"curve.{kind}"
        run("xor", "--epochs", "30", "--set", "training.stop={ patience = 3 }", "--plot", str(place), "--quiet")
        drawn = place.read_bytes()
        assert drawn.startswith(head)
        run("xor", "--epochs", "30", "--set", "training.stop={ patience = 3 }", "--plot", str(place), "--quiet")
        assert drawn == place.read_bytes()
    with pytest.raises(SymbackpropError, match="svg, png, pdf"):
        run("xor", "--plot", str(tmp_path / "curve.gif"))


def test_command_reads_samples_from_a_file(tmp_path: Path) -> None:
    """`--data` takes the place of the problem's own samples, and a classifier is told how many are right."""
    problem, x, labels = classes(30)
    table = tmp_path / "points.csv"
    rows = "".join(f"{a!r},{b!r},{label}\n" for (a, b), label in zip(x.tolist(), labels.tolist(), strict=True))
    table.write_text(f"a,b,kind\n{rows}")
    file = tmp_path / "points.toml"
    file.write_text(
        "[network]\ninputs = 2\nloss = 'cross_entropy'\n"
        "layers = [{ units = 8, activation = 'relu' }, { units = 3, activation = 'softmax' }]\n"
        "[training]\noptimizer = 'adam'\nlearning_rate = 0.1\nepochs = 40\n"
    )
    text = run(str(file), "--data", str(table), "--seed", "2", "--save", str(tmp_path / "points.npz"))
    expected = sbp.train(problem, x, labels, optimizer="adam", learning_rate=0.1, epochs=40, seed=2)
    right = int(np.sum(expected.predict(x).argmax(axis=1) == labels))
    assert f"{right} of 30 samples" in text
    assert "and 18 more samples" in text
    with np.load(tmp_path / "points.npz") as kept, np.load(io.BytesIO(expected.archive())) as saved:
        numbers = [name for name in saved.files if name != PROBLEM]
        assert [*numbers, PROBLEM] == sorted(kept.files, key=lambda name: [*numbers, PROBLEM].index(name))
        assert_equal({name: saved[name] for name in numbers}, {name: kept[name] for name in numbers})


@pytest.mark.sweep
def test_interrupted_command_writes_its_files(tmp_path: Path) -> None:
    """Ctrl-C is where the training ends: parameters and log of what was done are written, and it is said."""
    kept, log = tmp_path / "kept.npz", tmp_path / "log.csv"
    sbp.train(sbp.example("xor"), steps=1)  # the code is written
    timer = threading.Timer(0.7, signal.raise_signal, [signal.SIGINT])
    timer.start()
    arguments = ["train", "xor", "--epochs", "10000000", "--save", str(kept), "--log", str(log), "--quiet"]
    found = click.testing.CliRunner().invoke(group, arguments, standalone_mode=False)
    timer.join()
    assert isinstance(found.exception, click.Abort)
    with np.load(kept) as saved:
        assert f"interrupted after update {saved['state.count']}\n{kept}\n{log}\n" in found.stderr
        assert int(saved["state.count"]) == len(rows_of(log.read_text())) > 0


@pytest.mark.sweep
def test_command_that_is_interrupted_writes_what_was_done(tmp_path: Path) -> None:
    """Ctrl-C: the files hold what was done, one line says after which update, and the exit code is that of shells."""
    started = subprocess.Popen(
        [sys.executable, "-m", "symbackprop", "train", "mazur", "--epochs", "10000000", "--save", "kept.npz"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip
    time.sleep(5)
    started.send_signal(signal.SIGINT)
    output, errors = started.communicate(timeout=60)
    assert (130, "") == (started.returncode, output)
    with np.load(tmp_path / "kept.npz") as saved:
        count = int(saved["state.count"])
        parameters = {name: saved[name] for name in ("W1", "W2")}
    assert f"interrupted after update {count}" in errors and "Traceback" not in errors
    expected = sbp.train(sbp.example("mazur"), epochs=count).parameters
    assert_equal({name: expected[name] for name in parameters}, parameters)


def test_command_diverges_with_exit_code_two_and_saves(tmp_path: Path) -> None:
    """A process says in one line what happened, leaves with 2, and the last finite parameters are in the file."""
    arguments = ["line", "--learning-rate", "1e9", "--epochs", "99", "--save", "kept.npz"]
    found = subprocess.run(
        [sys.executable, "-m", "symbackprop", "train", *arguments],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip
    assert 2 == found.returncode
    assert "" == found.stdout
    assert "update 18" in found.stderr
    assert "Traceback" not in found.stderr
    with np.load(tmp_path / "kept.npz") as saved:
        assert 17 == saved["state.count"]
        assert np.isfinite(saved["W1"]).all()


def test_rows_are_few_and_hold_the_first_and_the_last() -> None:
    """Whatever the number of iterations, at most twelve rows, in order, multiples of a round number between the ends."""
    for total in [*range(60), 99, 100, 101, 999, 1000, 1001, 12345, 10**6, 10**7 - 1]:
        rows = command._rows(total)
        assert len(rows) <= epochs.MOST_ROWS
        assert sorted(set(rows)) == rows
        assert ([1, total] if total > 1 else [1] * total) == rows[:1] + rows[1:][-1:]


# The example


@pytest.mark.sweep
def test_digits_are_recognised(tmp_path: Path) -> None:
    """The script trains scikit-learn's digits to at least 95 % on the fifth that was held out, and draws the losses."""
    require_module("sklearn")
    found = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "digits.py")],
        cwd=tmp_path, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip
    accuracy = float(found.stdout.split("accuracy")[1].split("%")[0])
    assert accuracy >= 95
    assert (tmp_path / "digits.svg").read_text("utf-8").startswith("<?xml")


# The comparison of learning rates


def comparison_of(problem: Problem, rates: str, steps: int = 10) -> RateComparison:
    """Return the comparison of learning rates in a text such as `0.1,0.5`."""
    return compare_rates(problem, [numbers.number(rate, "rates") for rate in rates.split(",")], steps)


def test_study_of_a_line_says_what_its_factors_say() -> None:
    """For x = 1 the factors are 1 − η: ±½ give the same losses, above 2 it diverges, at 1 it arrives, at 2 it swings."""
    found = comparison_of(sbp.example("line"), "0.1,0.5,1.5,2.5,1,2,0,-0.5")
    assert found.limit is not None
    assert 2 == found.limit.limit
    verdicts = {trajectory.rate.text: trajectory.verdict for trajectory in found.trajectories}
    assert {
        "0.1": "converges", "0.5": "converges", "1.5": "oscillates", "2.5": "overshoots",
        "1": "arrives", "2": "swings", "0": "stayed", "-0.5": "diverges",
    } == verdicts  # fmt: skip
    assert [["0.5", "1.5"], ["2.5", "-0.5"], ["2", "0"]] == [
        [trajectory.rate.text for trajectory in group] for group in found.alike()
    ]
    for trajectory in found.trajectories:
        (factor,) = trajectory.factors
        assert 1 - trajectory.rate.value == factor
        assert [(factor**2) ** step / 2 for step in range(11)] == list(trajectory.losses)
        assert [1 - factor**step for step in range(11)] == [value for (value,) in trajectory.parameters]


@pytest.mark.parametrize("rate", ["0.05", "0.3", "0.6", "0.9", "1.3", "3"])
def test_study_of_several_parameters_keeps_to_its_verdict(rate: str) -> None:
    """On a quadratic loss of two parameters a verdict of convergence or divergence is what many more updates do."""
    problem = sbp.problem(
        {
            "graph": {"parameters": {"u": 1, "v": -2}, "equations": ["L = u**2 + u*v/2 + v**2/2"], "output": "L"},
            "training": {"steps": 3},
        }
    )
    found = comparison_of(problem, rate)
    (trajectory,) = found.trajectories
    assert found.limit is not None
    (later,) = comparison_of(problem, rate, steps=400).trajectories
    if trajectory.verdict in ("converges", "oscillates"):
        assert later.losses[-1] < 1e-6
        assert float(trajectory.rate.value) < float(found.limit.limit)
    else:
        assert trajectory.verdict in ("overshoots", "diverges")
        assert later.verdict in ("infinite", "overshoots")
        assert float(trajectory.rate.value) > float(found.limit.limit)
    factors = [float(factor) for factor in trajectory.factors]
    assert ("oscillates" == trajectory.verdict) is (min(factors) < 0 and max(map(abs, factors)) < 1)


def test_study_of_another_descent_says_what_was_seen() -> None:
    """Where no limit is known the verdict is about the updates that were made, and about nothing else."""
    found = comparison_of(sbp.example("xor"), "0.1,100", steps=20)
    assert found.limit is None
    assert () == found.names
    for trajectory in found.trajectories:
        pairs = list(itertools.pairwise(trajectory.losses))
        fell = all(after < before for before, after in pairs)
        assert ("fell" == trajectory.verdict) is fell
        assert ("rose" == trajectory.verdict) is (not fell and trajectory.losses[-1] > trajectory.losses[0])
    momentum = sbp.example("line", [("training", {"optimizer": "momentum", "learning_rate": 0.1, "steps": 2})])
    assert comparison_of(momentum, "0.1,0.5").limit is None
    (wild,) = comparison_of(sbp.example("line"), "1e30", steps=60).trajectories
    assert "infinite" == wild.verdict
    assert len(wild.losses) < 61


def test_study_stands_in_the_document() -> None:
    """`--learning-rates` adds a section with limit, tables, verdicts and a curve; without [training] it is refused."""
    solution = sbp.solve(sbp.example("line"), learning_rates=["0.5", "1.5", "2.5"])
    text = str(sbp.render(solution, format="markdown"))
    part = text[text.index("Several learning rates") :]
    assert "2/\\lambda = 2" in part
    assert "| $2.5$ | $-1.5$ |" in part
    assert "diverges, oscillating" in part
    assert "the same after every update" in part
    assert "Several learning rates" not in str(sbp.render(sbp.solve(sbp.example("line")), format="markdown"))
    with pytest.raises(ProblemError, match=r"no table \[training\]"):
        sbp.solve(sbp.example("circuit"), learning_rates=["0.5"])
    with pytest.raises(SymbackpropError, match="learning_rates"):
        sbp.solve(sbp.example("line"), learning_rates=["fast"])


def test_solution_ends_with_predictions_of_every_sample() -> None:
    """The document's table of updates has the predictions of XOR at the first and the last; then every sample."""
    solution = sbp.solve(sbp.example("xor"), steps=60)
    history = sbp.train(sbp.example("xor"), steps=60)
    assert [*epochs.table_rows(60)] == sorted(solution.predictions)
    assert len(solution.predictions) <= epochs.MOST_ROWS
    for count in (0, 60):
        outputs = sbp.train(sbp.example("xor"), steps=count).predict().ravel()
        np.testing.assert_allclose(outputs, [float(value) for value in solution.predictions[count]], rtol=1e-12)
    text = str(sbp.render(solution, format="markdown"))
    part = text[text.index("What the network predicts after 60 updates") :]
    for place, output in enumerate(history.predict().ravel()):
        assert f"| {place + 1} |" in part
        assert f"${output:#.6g}$" in part
