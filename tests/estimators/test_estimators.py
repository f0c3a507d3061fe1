"""Estimators: scikit-learn's own checks, the numbers of its MLP, formulas of what was trained."""

from __future__ import annotations

import importlib
import sys
import warnings
from typing import Any

import numpy as np
import pytest

import symbackprop
from symbackprop.errors import MissingLibraryError
from tests.helpers import few, require_module

X = np.random.default_rng(0).normal(size=(60, 3))
TARGETS = {"binary": np.where(X[:, 0] + X[:, 1] > 0, "up", "down"), "several": np.digitize(X[:, 0], [-0.5, 0.5])}


@pytest.fixture(autouse=True)
def _converging() -> Any:
    require_module("sklearn")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*hasn't converged yet")
        yield


def estimator(name: str, *arguments: Any, **settings: Any) -> Any:
    """Return one of the estimators."""
    return getattr(importlib.import_module("symbackprop.estimators"), name)(*arguments, **settings)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", few(["SymbolicMLPClassifier", "SymbolicMLPRegressor"], 1))
def test_estimators_pass_the_checks_of_scikit_learn(name: str) -> None:
    """`check_estimator` runs every check that scikit-learn has for an estimator of the kind."""
    checks = require_module("sklearn.utils.estimator_checks")
    results = checks.check_estimator(estimator(name), on_fail=None, on_skip=None)
    failed = [(each["check_name"], str(each["exception"])) for each in results if each["status"] == "failed"]
    assert [] == failed
    assert 30 < len(results)


SOLVERS: dict[str, dict[str, Any]] = {
    "adam": {"solver": "adam", "learning_rate_init": 0.01},
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.05},
    "momentum": {"solver": "sgd", "learning_rate_init": 0.05, "nesterovs_momentum": False},
    "plain": {"solver": "sgd", "learning_rate_init": 0.05, "momentum": 0},
}


@pytest.mark.parametrize("solver", ["nesterov", "momentum", "plain"])
@pytest.mark.parametrize("kind", ["binary", "several", "regression", "outputs"])
def test_training_follows_scikit_learn_from_the_same_weights(kind: str, solver: str) -> None:
    """From the weights that scikit-learn begins with, full batches give its losses and its weights."""
    networks = require_module("sklearn.neural_network")
    is_class = kind in TARGETS
    y: Any = TARGETS[kind] if is_class else X @ [1, -2, 0.5] if kind == "regression" else X @ np.ones((3, 2))
    names = (
        ("SymbolicMLPClassifier", networks.MLPClassifier)
        if is_class
        else ("SymbolicMLPRegressor", networks.MLPRegressor)
    )
    settings = {
        **SOLVERS[solver],
        **{"hidden_layer_sizes": (4,), "activation": "logistic", "alpha": 0.1, "tol": 0, "n_iter_no_change": 1000},
        **{"random_state": 0, "batch_size": len(X), "shuffle": False},
    }
    ours = estimator(names[0], max_iter=12, **settings).fit(X, y)
    theirs = names[1](max_iter=1, warm_start=True, **settings).fit(X, y)
    problem = ours.derivation_.problem
    start = {f"W{n + 1}": array.copy() for n, array in enumerate(theirs.coefs_)}
    start |= {f"b{n + 1}": array.copy() for n, array in enumerate(theirs.intercepts_)}
    targets = y if kind == "outputs" else y[:, None] if not is_class else np.searchsorted(ours.classes_, y)
    targets = targets.astype(float)[:, None] if kind == "binary" else targets
    theirs._optimizer.velocities = [np.zeros_like(each) for each in theirs._optimizer.velocities]
    asked = {**ours._optimizer(), "epochs": 11, "batch_size": len(X)}
    history = symbackprop.train(problem, X, targets, parameters=start, **asked)
    for _ in range(11):
        theirs.partial_fit(X, y)
    np.testing.assert_allclose(history.parameters["W1"], theirs.coefs_[0], rtol=1e-9, atol=1e-12)
    if kind != "outputs":  # there scikit-learn reports the mean over the outputs, and descends along the sum
        np.testing.assert_allclose(history.losses, theirs.loss_curve_[-11:], rtol=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
def test_attributes_are_those_of_scikit_learn(solver: str) -> None:
    """Shapes, counts and curves have scikit-learn's names."""
    found = estimator("SymbolicMLPClassifier", (5, 4), max_iter=20, alpha=0, random_state=0, **SOLVERS[solver])
    found.fit(X, TARGETS["several"])
    assert [(3, 5), (5, 4), (4, 3)] == [each.shape for each in found.coefs_]
    assert [(5,), (4,), (3,)] == [each.shape for each in found.intercepts_]
    assert (4, 3, 3, "softmax") == (found.n_layers_, found.n_outputs_, found.n_features_in_, found.out_activation_)
    assert found.n_iter_ == len(found.loss_curve_) == 20
    assert found.loss_curve_[-1] == found.loss_ < found.loss_curve_[0]
    np.testing.assert_allclose(found.predict_proba(X).sum(axis=1), 1)
    assert "W3" in found.derivation_.graph.quantities
    assert "a2_1*delta3_1" == str(found.derivation_.gradient("W3")[0, 0])


def test_partial_fit_goes_on_where_it_ended() -> None:
    """Passes one by one are one training of as many passes, the states of Adam included."""
    settings = {"max_iter": 6, "shuffle": False, "tol": -1, "random_state": 3}
    whole = estimator("SymbolicMLPRegressor", (4,), **settings).fit(X, X[:, 0])
    parts = estimator("SymbolicMLPRegressor", (4,), **settings)
    for _ in range(6):
        parts.partial_fit(X, X[:, 0])
    np.testing.assert_allclose(parts.predict(X), whole.predict(X), rtol=1e-12)
    assert whole.loss_curve_ == pytest.approx(parts.loss_curve_)
    assert 6 == parts.n_iter_


def test_early_stopping_ends_training_and_keeps_the_best() -> None:
    """With samples held back the parameters are those of the least loss."""
    settings = {"early_stopping": True, "max_iter": 2000, "learning_rate_init": 0.05, "random_state": 0}
    found = estimator("SymbolicMLPClassifier", (4,), "tanh", **settings).fit(X, TARGETS["binary"])
    assert found.n_iter_ < 2000
    assert 0.9 < found.score(X, TARGETS["binary"])


def test_mistakes_are_value_errors() -> None:
    """Solvers, classes and single classes, as scikit-learn says it."""
    with pytest.raises(ValueError, match="solver 'lbfgs'"):
        estimator("SymbolicMLPRegressor", solver="lbfgs").fit(X, X[:, 0])
    with pytest.raises(ValueError, match="one class"):
        estimator("SymbolicMLPClassifier").fit(X, np.ones(60))
    with pytest.raises(ValueError, match="classes must be passed"):
        estimator("SymbolicMLPClassifier").partial_fit(X, TARGETS["binary"])


def test_without_scikit_learn_a_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The room says which library it needs."""
    for name in [name for name in sys.modules if name.startswith("symbackprop.estimators")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingLibraryError, match="pip install scikit-learn"):
        importlib.import_module("symbackprop.estimators")
