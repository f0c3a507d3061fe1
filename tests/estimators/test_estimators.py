"""Estimators: scikit-learn's own checks, the numbers of its MLP, formulas of what was trained."""

from __future__ import annotations

import importlib
import itertools
import sys
import warnings
from typing import Any

import numpy as np
import pytest

from symbackprop.algebra.functions import ACTIVATIONS
from symbackprop.errors import MissingLibraryError, SymbackpropError
from tests.helpers import each, few, require_module

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(61, 3))
WEIGHTS = RANDOM.random(61)
TARGETS: dict[str, Any] = {
    "binary": np.where(X[:, 0] + X[:, 1] > 0, "up", "down"),
    "several": np.digitize(X[:, 0], [-0.5, 0.5]),
    "labels": (X @ RANDOM.normal(size=(3, 4)) > 0).astype(int),
    "one": np.full(61, "only"),
    "regression": X @ [1, -2, 0.5],
    "outputs": X @ np.ones((3, 2)),
    "poisson": RANDOM.poisson(np.exp(X[:, 0] * 0.3)).astype(float),
}
CLASSES = ("binary", "several", "labels", "one")


@pytest.fixture(autouse=True)
def _converging() -> Any:
    require_module("sklearn")
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="(?s).*(hasn't converged yet|failed to converge|is going to be clipped)"
        )
        yield


def estimator(name: str, *arguments: Any, **settings: Any) -> Any:
    """Return one of the estimators."""
    return getattr(importlib.import_module("symbackprop.estimators"), name)(*arguments, **settings)


def pair(kind: str, **settings: Any) -> tuple[Any, Any]:
    """Return ours and scikit-learn's with the same settings, for a kind of targets."""
    networks = require_module("sklearn.neural_network")
    name = "MLPClassifier" if kind in CLASSES else "MLPRegressor"
    settings |= {"loss": "poisson"} if kind == "poisson" else {}
    return estimator(f"Symbolic{name}", **settings), getattr(networks, name)(**settings)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["SymbolicMLPClassifier", "SymbolicMLPRegressor"])
@pytest.mark.sweep
def test_estimators_pass_the_checks_of_scikit_learn(name: str) -> None:
    """`check_estimator` runs every check that scikit-learn has for an estimator of the kind."""
    checks = require_module("sklearn.utils.estimator_checks")
    results = checks.check_estimator(estimator(name), on_fail=None, on_skip=None)
    failed = [(each["check_name"], str(each["exception"])) for each in results if each["status"] == "failed"]
    assert [] == failed
    assert 30 < len(results)


SOLVERS: dict[str, dict[str, Any]] = {
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.05},
    "momentum": {"solver": "sgd", "learning_rate_init": 0.05, "nesterovs_momentum": False},
    "plain": {"solver": "sgd", "learning_rate_init": 0.05, "momentum": 0},
    "invscaling": {"solver": "sgd", "learning_rate_init": 0.05, "learning_rate": "invscaling", "power_t": 0.3},
    "adaptive": {"solver": "sgd", "learning_rate_init": 0.1, "learning_rate": "adaptive", "tol": 0.01},
    # With a small epsilon it does not matter where it stands.
    "adam": {"solver": "adam", "learning_rate_init": 0.01, "epsilon": 1e-14, "activation": "tanh"},
    "lbfgs": {"solver": "lbfgs", "max_iter": 6, "activation": "tanh"},
}
WAYS: dict[str, dict[str, Any]] = {
    "once": {},
    "twice": {"warm_start": True},
    "held back": {"early_stopping": True, "validation_fraction": 0.3},
    "logistic": {"activation": "logistic", "batch_size": 20, "alpha": 0.1},
    "all samples": {"batch_size": 61, "shuffle": False},
    "no hidden layer": {"hidden_layer_sizes": ()},
}
EVERYTHING = [
    row
    for row in itertools.product(TARGETS, SOLVERS, WAYS)
    if row[0] != "outputs" or row[1] not in ("adaptive", "lbfgs")
]
"""What scikit-learn reports as the loss of several outputs is not the one that it descends along."""


@pytest.mark.parametrize(("kind", "solver", "way"), few(EVERYTHING, 40))
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "weighted"])
def test_training_is_that_of_scikit_learn(kind: str, solver: str, way: str, weights: Any) -> None:
    """With the same settings every attribute is that of scikit-learn's MLP: draws, passes, ends, scores, parameters."""
    settings = {
        "hidden_layer_sizes": (5, 4),
        "max_iter": 30,
        "n_iter_no_change": 3,
        "random_state": 3,
        "batch_size": 16,
    }
    if kind == "outputs":
        settings["n_iter_no_change"] = 100
    ours, theirs = pair(kind, **{**settings, **SOLVERS[solver], **WAYS[way]})
    for fitted in (ours, theirs):
        for _ in range(1 + fitted.warm_start):
            fitted.fit(X, TARGETS[kind], sample_weight=weights)
    arrays = zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True)
    for mine, other in each(arrays, least=2):
        np.testing.assert_allclose(mine, other, rtol=1e-6, atol=1e-7)
    names = [name for name in vars(theirs) if name.endswith("_") and name not in ("coefs_", "intercepts_")]
    for name in each(names, least=6):
        if kind == "outputs" and "loss" in name:
            continue
        mine, other = getattr(ours, name), getattr(theirs, name)
        if isinstance(other, float | list):
            np.testing.assert_allclose(mine, other, rtol=1e-6, atol=1e-9, err_msg=name)
        else:
            np.testing.assert_array_equal(mine, other, err_msg=name)
    score = theirs.score(X, TARGETS[kind], sample_weight=weights)
    assert score == pytest.approx(ours.score(X, TARGETS[kind], sample_weight=weights))
    if kind in CLASSES:
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", TARGETS)
def test_passes_one_by_one_are_those_of_scikit_learn(kind: str) -> None:
    """`partial_fit` goes on with the optimizer's states, also where weights come and go between the calls."""
    ours, theirs = pair(kind, hidden_layer_sizes=(4,), random_state=1, batch_size=16, **SOLVERS["invscaling"])
    classes = np.arange(4) if kind == "labels" else np.unique(TARGETS[kind])
    first = {"classes": classes} if kind in CLASSES else {}
    for number in each(range(6), least=6):
        weights = {"sample_weight": WEIGHTS if number % 2 else None}
        for fitted in (ours, theirs):
            fitted.partial_fit(X, TARGETS[kind], **weights, **(first if number == 0 else {}))
        assert (ours.n_iter_, ours.t_) == (theirs.n_iter_, theirs.t_) == (1, 61 * (number + 1))
        np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-9)


@pytest.mark.parametrize("solver", ["adam", "nesterov", "lbfgs"])
@pytest.mark.parametrize("kind", TARGETS)
def test_sparse_samples_are_dense_ones(kind: str, solver: str) -> None:
    """Sparse matrices of either order give the numbers of the same samples, in training and in prediction."""
    sparse = require_module("scipy.sparse")
    settings = {"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0, "batch_size": 16, **SOLVERS[solver]}
    dense, _ = pair(kind, **settings)
    dense.fit(X, TARGETS[kind], sample_weight=WEIGHTS)
    for form in each([sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array], least=3):
        found, _ = pair(kind, **settings)
        found.fit(form(X), TARGETS[kind], sample_weight=WEIGHTS)
        np.testing.assert_allclose(found.coefs_[0], dense.coefs_[0], rtol=1e-9)
        np.testing.assert_array_equal(found.predict(form(X)), found.predict(X))


@pytest.mark.parametrize("kind", ["binary", "several", "labels", "regression", "poisson"])
def test_a_weight_of_two_is_a_sample_twice(kind: str) -> None:
    """On all samples in one update whole weights are repetitions, apart from the penalty, which counts the weights too."""
    times = np.arange(61) % 3
    settings = {"hidden_layer_sizes": (4,), "max_iter": 20, "random_state": 0, "batch_size": 1000, "shuffle": False}
    weighted, _ = pair(kind, **settings)
    weighted.fit(X, TARGETS[kind], sample_weight=times)
    repeated, _ = pair(kind, **settings)
    repeated.fit(np.repeat(X, times, axis=0), np.repeat(TARGETS[kind], times, axis=0))
    np.testing.assert_allclose(weighted.coefs_[0], repeated.coefs_[0], rtol=1e-7)
    assert weighted.loss_curve_ == pytest.approx(repeated.loss_curve_)


OWN = {"expression": "2*z²/(1 + abs(z)) + tanh(z)", "name": "s"}
ROWS = [name for name, row in ACTIVATIONS.items() if row.expression and not row.vector]
TABLES = [{"name": "leaky_relu", "alpha": 0.2}, OWN, *ROWS]


@pytest.mark.parametrize("activation", TABLES, ids=str)
def test_activations_are_any_of_ours(activation: Any) -> None:
    """Rows by name, with settings in a table, and expressions of one's own; equal weights are none."""
    settings = {"hidden_layer_sizes": (3,), "max_iter": 4, "random_state": 0, "activation": activation}
    plain, weighted = (estimator("SymbolicMLPClassifier", **settings) for _ in range(2))
    plain.fit(X, TARGETS["several"])
    weighted.fit(X, TARGETS["several"], sample_weight=np.full(61, 3.0))
    other, _ = pair("several", **settings | {"activation": "sigmoid" if activation != "sigmoid" else "tanh"})
    other.fit(X, TARGETS["several"])
    assert not np.allclose(plain.coefs_[0], other.coefs_[0])
    weighted.alpha = plain.alpha * 3
    weighted.fit(X, TARGETS["several"], sample_weight=np.full(61, 3.0))
    np.testing.assert_allclose(weighted.coefs_[0], plain.coefs_[0], rtol=1e-9)


def test_attributes_hold_the_network_and_its_formulas() -> None:
    """Shapes are those of scikit-learn, and the derivation is that of what was trained."""
    found = estimator("SymbolicMLPClassifier", (5, 4), max_iter=20, alpha=0, random_state=0)
    found.fit(X, TARGETS["several"])
    assert [(3, 5), (5, 4), (4, 3)] == [each.shape for each in found.coefs_]
    assert [(5,), (4,), (3,)] == [each.shape for each in found.intercepts_]
    assert (4, 3, 3, "softmax") == (found.n_layers_, found.n_outputs_, found.n_features_in_, found.out_activation_)
    np.testing.assert_allclose(found.predict_proba(X).sum(axis=1), 1)
    assert "a2_1*delta3_1" == str(found.derivation_.gradient("W3")[0, 0])


def test_parameters_can_be_replaced_between_passes() -> None:
    """What users write to `coefs_`, in place or as new arrays, is what predicts and what goes on."""
    found = estimator("SymbolicMLPRegressor", (4,), random_state=0).partial_fit(X, TARGETS["regression"])
    found.coefs_ = [np.zeros_like(array) for array in found.coefs_]
    np.testing.assert_array_equal(found.predict(X), np.full(61, found.intercepts_[1][0]))
    found.partial_fit(X, TARGETS["regression"])
    assert 0.01 > np.abs(found.coefs_[0]).max()
    found.coefs_[0] = np.zeros((1, 4))
    with pytest.raises(ValueError, match=r"the shape of W1 is \(1, 4\), expected \(3, 4\)"):
        found.partial_fit(X, TARGETS["regression"])


def test_verbose_says_what_scikit_learn_says(capsys: pytest.CaptureFixture[str]) -> None:
    """Lines of passes, of scores, of rates and of the end."""
    for way in each([{}, WAYS["held back"]], least=2):
        settings = {"max_iter": 200, "n_iter_no_change": 2, "random_state": 0, "verbose": True, **SOLVERS["adaptive"]}
        said = []
        for fitted in pair("several", **settings, **way):
            fitted.fit(X, TARGETS["several"])
            said.append([" ".join(line.split()[:5]) for line in capsys.readouterr().out.splitlines()])
        assert said[0] == said[1]
        assert 10 < len(said[0])


@pytest.mark.parametrize("name", ["SymbolicMLPClassifier", "SymbolicMLPRegressor"])
@pytest.mark.parametrize(
    "settings",
    [
        {"max_iter": 0},
        {"tol": None},
        {"tol": -1},
        {"alpha": -1},
        {"solver": "newton"},
        {"learning_rate": "fast"},
        {"hidden_layer_sizes": (0,)},
        {"hidden_layer_sizes": 0},
        {"batch_size": 0},
        {"validation_fraction": 1.5},
        {"momentum": 2},
        {"n_iter_no_change": 0},
        {"early_stopping": True, "validation_fraction": 0.01},
    ],
    ids=str,
)
def test_settings_that_scikit_learn_refuses_are_value_errors(name: str, settings: dict[str, Any]) -> None:
    """The same error for both, before anything is computed."""
    kind = "binary" if name.endswith("Classifier") else "regression"
    for fitted in each(pair(kind, **settings), least=2):
        with pytest.raises(ValueError, match=r".") as error:
            fitted.fit(X, TARGETS[kind])
        assert not isinstance(error.value, SymbackpropError)


def test_mistakes_are_said_as_scikit_learn_says_them() -> None:
    """Classes that are missing, unknown or others; what cannot go on; losses and activations by a wrong name."""
    classifier, kinds = estimator("SymbolicMLPClassifier", max_iter=2), TARGETS
    with pytest.raises(ValueError, match="classes must be passed"):
        classifier.partial_fit(X, kinds["binary"])
    classifier.partial_fit(X, kinds["binary"], classes=["down", "up"])
    with pytest.raises(ValueError, match="has classes not in"):
        classifier.partial_fit(X, np.full(61, "left"))
    with pytest.raises(ValueError, match="not the same as on last call"):
        classifier.partial_fit(X, kinds["binary"], classes=["up", "left"])
    with pytest.raises(ValueError, match="several columns"):
        classifier.partial_fit(X, kinds["labels"])
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping"):
        classifier.set_params(early_stopping=True).partial_fit(X, kinds["binary"])
    with pytest.raises(ValueError, match="same classes as in the previous call"):
        classifier.set_params(early_stopping=False, warm_start=True).fit(X, kinds["several"])
    assert not hasattr(estimator("SymbolicMLPRegressor", solver="lbfgs"), "partial_fit")
    with pytest.raises(ValueError, match="'loss' parameter must be one of"):
        estimator("SymbolicMLPRegressor", loss="hinge").fit(X, kinds["regression"])
    with pytest.raises(ValueError, match="targets of 0 or more"):
        estimator("SymbolicMLPRegressor", loss="poisson").fit(X, kinds["regression"])
    with pytest.raises(SymbackpropError, match="tanhh"):
        estimator("SymbolicMLPRegressor", activation="tanhh").fit(X, kinds["regression"])
    with pytest.raises(ValueError, match="non-finite parameter weights"), np.errstate(all="ignore"):
        estimator("SymbolicMLPRegressor", solver="sgd", learning_rate_init=1e300).fit(X, kinds["regression"])


def test_settings_are_looked_at_when_they_change() -> None:
    """A setting that cannot be is refused between two passes too."""
    found = estimator("SymbolicMLPRegressor", random_state=0).partial_fit(X, TARGETS["regression"])
    found.batch_size = 0
    with pytest.raises(ValueError, match="'batch_size' parameter"):
        found.partial_fit(X, TARGETS["regression"])


def test_an_interrupt_ends_training_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was trained so far is kept."""
    fitting = importlib.import_module("symbackprop.estimators.fitting")
    passed = fitting.Perceptron._pass

    def interrupted(self: Any, *arguments: Any) -> None:
        passed(self, *arguments)
        if self.n_iter_ == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(fitting.Perceptron, "_pass", interrupted)
    with pytest.warns(UserWarning, match="interrupted by user"):
        found = estimator("SymbolicMLPRegressor", random_state=0).fit(X, TARGETS["regression"])
    assert 3 == found.n_iter_ == len(found.loss_curve_)
    assert (61,) == found.predict(X).shape


def test_without_scikit_learn_a_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The room says which library it needs."""
    for name in [name for name in sys.modules if name.startswith("symbackprop.estimators")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingLibraryError, match="pip install scikit-learn"):
        importlib.import_module("symbackprop.estimators")
