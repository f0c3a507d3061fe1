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
