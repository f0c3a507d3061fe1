"""The estimators' own conventions: scikit-learn's names for ours, and what an estimator shows of its training."""

from __future__ import annotations

import concurrent.futures
import warnings

import numpy as np
import pytest

import symbackprop as sbp
from tests.helpers import each, require_module


def test_estimators_of_the_face_are_those_of_their_module() -> None:
    """The package names the classes; their module has them."""
    require_module("sklearn")
    from symbackprop import estimators
    from symbackprop.estimators import perceptrons

    assert perceptrons.SymbolicMLPClassifier is estimators.SymbolicMLPClassifier
    assert perceptrons.SymbolicMLPRegressor is estimators.SymbolicMLPRegressor


def test_estimator_shows_the_derivation_of_what_it_trained() -> None:
    """After fitting the derivation is that of a network with the asked layers, and the predictions are its outputs."""
    require_module("sklearn")
    from symbackprop import estimators

    x, y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0.0, 1.0, 1.0, 2.0])
    found = estimators.SymbolicMLPRegressor(hidden_layer_sizes=(2,), activation="tanh", max_iter=20, random_state=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # twenty passes are no end
        found.fit(x, y)
    assert [2, 1] == [layer.units for layer in found.derivation_.problem.layers]
    assert (4,) == found.predict(x).shape
    assert isinstance(found.derivation_, type(sbp.derive(sbp.example("line"))))
    with pytest.raises(ValueError, match="features"):
        found.predict(np.ones((1, 3)))


def test_estimators_predict_in_threads_what_they_predict_alone() -> None:
    """Four threads share a classifier and its twin of the same structure: every probability is the sequential one."""
    require_module("sklearn")
    from symbackprop import estimators

    random = np.random.default_rng(0)
    x, labels = random.normal(size=(300, 20)), random.integers(3, size=300)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # three passes are no end
        fitted = [estimators.SymbolicMLPClassifier((64,), max_iter=3, random_state=n).fit(x, labels) for n in (0, 1)]
    cases = [(classifier, count) for count in (1, 7, 100, 300) for classifier in fitted] * 20
    expected = [classifier.predict_proba(x[:count]) for classifier, count in cases]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda case: case[0].predict_proba(x[: case[1]]), cases))
    for one, other in each(zip(expected, found, strict=True), least=160):
        np.testing.assert_array_equal(one, other)


def test_labels_are_numbers_and_back() -> None:
    """Every kind of targets comes back from its numbers; what is of another kind is refused."""
    require_module("sklearn")
    from symbackprop.estimators.label_encoding import Labels

    kinds = {"binary": ["b", "a", "b"], "multiclass": [3, 1, 2], "multilabel-indicator": [[1, 0], [1, 1], [0, 1]]}
    for kind, y in each(kinds.items(), least=3):
        labels, targets = Labels.of(np.array(y)), np.array(y)
        assert (kind, labels.encoded(targets, "float32").shape) == (labels.kind, (3, labels.outputs))
        np.testing.assert_array_equal(labels.decoded(labels.encoded(targets, "float32")), targets)
    with pytest.raises(ValueError, match="Unknown label type"):
        Labels.of(np.array([0.5, 1.5, 2.25]))
    with pytest.raises(ValueError, match="2 columns of 0 and 1"):
        Labels.of(np.array(kinds["multilabel-indicator"])).encoded(np.array([[2, 3], [1, 0]]), "float64")


@pytest.mark.parametrize("head", ["binary", "multiclass", "squared_error", "poisson"])
def test_the_weighted_network_is_the_plain_one_at_equal_weights(head: str) -> None:
    """Both problems of a description have one loss and one gradient, penalty and activations with settings included."""
    require_module("sklearn")
    from symbackprop.estimators.descriptions import HEADS, Description
    from symbackprop.estimators.updating import Samples, drawn

    random, outputs = np.random.RandomState(0), 3 if head == "multiclass" else 1
    network = Description((2, 4, outputs), {"name": "elu", "alpha": 0.7}, HEADS[head], 0.3)
    weights, biases = drawn(network, random, "float64")
    parameters = {"W1": weights[0], "b1": biases[0], "W2": weights[1], "b2": biases[1]}
    x, y = random.normal(size=(5, 2)), np.eye(3)[[0, 1, 2, 0, 1]][:, :outputs]
    given = Samples(x, y, np.full(5, 0.25)).arrays([np.array([[3, 1]]), np.array([[0, 2, 4]])], 0.3)
    np.testing.assert_allclose(given[1], 1)
    np.testing.assert_allclose(given[2], [0.3 / 2 / 0.75, 0.3, 0.3 / 2 / 0.75, 0.3, 0.3 / 2 / 0.75][: len(x)])
    plain = network.compiled("float64")(parameters, x, y)
    data = {"x": x, "weight": np.ones(5), "strength": np.full(5, 0.3 / 10)}
    weighted = network.compiled("float64", weighted=True)(parameters, data, {"y": y})
    assert plain[0] == pytest.approx(weighted[0], rel=1e-12)
    for name in each(parameters, least=4):
        np.testing.assert_allclose(plain[1][name], weighted[1][name], rtol=1e-9, atol=1e-12)


def test_what_both_estimators_share_is_one_class() -> None:
    """Every parameter of scikit-learn's estimators is one of ours, with its default."""
    networks = require_module("sklearn.neural_network")
    from symbackprop.estimators import perceptrons
    from symbackprop.estimators.fitting import Perceptron

    for name in each(("MLPClassifier", "MLPRegressor"), least=2):
        ours, theirs = getattr(perceptrons, f"Symbolic{name}"), getattr(networks, name)
        assert issubclass(ours, Perceptron)
        assert theirs().get_params() == ours().get_params()
