"""The estimators' own conventions: scikit-learn's names for ours, and what an estimator shows of its training."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import symbackprop as sbp
from tests.helpers import require_module


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
