"""Multilayer perceptrons with the parameters and attributes of scikit-learn's `MLPClassifier` and `MLPRegressor`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import unique_labels

from symbackprop.estimators.descriptions import Written
from symbackprop.estimators.fitting import Perceptron, has_updates
from symbackprop.estimators.label_encoding import MULTILABEL, Array, Labels


class SymbolicMLPClassifier(ClassifierMixin, Perceptron):
    """A classifier: binary cross-entropy on one sigmoid output for two classes, cross-entropy on softmax for more.

    Of several labels for each sample (an indicator matrix as `y`) each has a sigmoid output and a binary cross-entropy.
    Parameters and attributes are those of `sklearn.neural_network.MLPClassifier`, and so are the numbers that come out of a
    `random_state`, to the rounding of floats; only Adam divides by √v̂ + ε, where scikit-learn's first steps have a larger ε.
    `activation` may be any of ours, with settings in a table (`{"name": "leaky_relu", "alpha": 0.2}`), or one of your own
    (`{"name": "s", "expression": "z/(1 + abs(z))"}`). `derivation_` holds the formulas of what was trained.

    >>> found = SymbolicMLPClassifier((4,), "logistic", tol=0, n_iter_no_change=float("inf"), solver="lbfgs", random_state=0)
    >>> found.fit([[0.0], [1.0], [2.0], [3.0]], ["no", "no", "yes", "yes"]).predict_proba([[0.0]]).shape
    (1, 2)
    >>> found.derivation_.gradient("b2")[0]
    delta2_1
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    @property
    def classes_(self) -> Array:
        """The classes in their order, or the numbers of the labels."""
        return self._labels.classes

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on samples (samples, features), dense or sparse, and their classes (samples,) or labels (samples, labels).

        With `sample_weight` (samples,) the loss of an update is the weighted mean.
        """
        return self._fitted(X, y, sample_weight)

    @available_if(has_updates)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Go through some samples once more; the first call names all `classes`."""
        if not hasattr(self, "_labels"):
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            self._labels = Labels.of(y if np.ndim(y) == 2 or sparse.issparse(y) else np.asarray(classes))
        elif classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            raise ValueError("`classes` is not the same as on last call to partial_fit.")
        return self._fitted(X, y, sample_weight, more=True)

    def _kind(self) -> str:
        return self._labels.kind

    def _targets(self, y: Any, dtype: Any, *, again: bool) -> Array:
        if not again:
            self._labels = Labels.of(y)
        elif self.warm_start and self._labels.kind != MULTILABEL and set(found := np.unique(y)) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. Previously "
                f"got {self.classes_}, `y` has {found}"
            )
        return self._labels.encoded(y, dtype)

    def _score(self, outputs: Array, targets: Array, weights: Array | None) -> float:
        decoded = (self._labels.decoded(each) for each in (targets, outputs))
        return float(accuracy_score(*decoded, sample_weight=weights))

    def predict_proba(self, X: Any) -> Array:
        """Return the probabilities of the classes, (samples, classes), or of the labels."""
        found = self._outputs(X)
        return np.hstack([1 - found, found]) if self.n_outputs_ == 1 else found

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithms of the probabilities of the classes, (samples, classes)."""
        with np.errstate(divide="ignore"):
            found: Array = np.log(self.predict_proba(X))
        return found

    def predict(self, X: Any) -> Any:
        """Return the most probable class of each sample, (samples,), or the indicator matrix of its labels."""
        outputs = self._outputs(X)
        return self._labels.decoded(outputs)


class SymbolicMLPRegressor(RegressorMixin, Perceptron):
    """A regressor: half the squared error, summed over the outputs, on a linear output.

    With `loss="poisson"` it is half the deviance of a Poisson distribution, on exp. Parameters and attributes are those of
    `sklearn.neural_network.MLPRegressor`, as `SymbolicMLPClassifier` says of its own. With several outputs scikit-learn
    follows the gradient of this loss as well, but reports the squared error divided by the number of outputs.
    """

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: Written = "relu",
        *,
        loss: str = "squared_error",
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
    ) -> None:
        super().__init__(
            hidden_layer_sizes,
            activation,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
        )
        self.loss = loss

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on samples (samples, features), dense or sparse, and targets (samples,) or (samples, outputs).

        With `sample_weight` (samples,) the loss of an update is the weighted mean.
        """
        return self._fitted(X, y, sample_weight)

    @available_if(has_updates)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Go through some samples once more."""
        return self._fitted(X, y, sample_weight, more=True)

    def _kind(self) -> str:
        if self.loss not in _LOSSES:
            raise ValueError(f"The 'loss' parameter must be one of {list(_LOSSES)}. Got {self.loss!r} instead.")
        return self.loss

    def _targets(self, y: Array, dtype: Any, *, again: bool) -> Array:
        if self._kind() == POISSON and (y < 0).any():
            raise ValueError(f"loss='{POISSON}' takes targets of 0 or more, found {y.min()}")
        return np.ascontiguousarray(y.reshape(len(y), -1), dtype)

    def _score(self, outputs: Array, targets: Array, weights: Array | None) -> float:
        return float(r2_score(targets, outputs, sample_weight=weights))

    def predict(self, X: Any) -> Array:
        """Return the predictions, (samples,) or (samples, outputs)."""
        found = self._outputs(X)
        return found.ravel() if found.shape[1] == 1 else found


POISSON = "poisson"
_LOSSES = ("squared_error", POISSON)
"""The losses of a regressor."""
