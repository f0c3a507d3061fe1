"""Multilayer perceptrons with the parameters and attributes of scikit-learn's `MLPClassifier` and `MLPRegressor`."""

from __future__ import annotations

import functools
import json
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from symbackprop.algebra.functions import ACTIVATIONS
from symbackprop.catalog.optimizers import OPTIMIZERS, RATE
from symbackprop.derivation.derivations import Derivation, derive
from symbackprop.problems.load import problem
from symbackprop.registry import cached
from symbackprop.training import History, train

LARGEST_BATCH = 200
"""`batch_size = "auto"` is all samples, and at most this many."""

Array = np.ndarray[Any, np.dtype[Any]]


_KEPT = 16
"""How many networks are kept."""


@functools.partial(cached, most=_KEPT)
def _derivation(content: str) -> Derivation:
    """Return the derivation of a network, whose content of a problem file comes as JSON."""
    return derive(problem(json.loads(content), name="estimator"))


class _Perceptron(BaseEstimator):
    """What both estimators share: parameters, fitting, the attributes of what was fitted."""

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change

    @property
    def derivation_(self) -> Derivation:
        """The derivation of the network that was trained: formulas, gradients, documents."""
        check_is_fitted(self, "_history")
        return self._history.gradient.derivation

    @property
    def coefs_(self) -> list[Array]:
        """The weights of every layer, (units before, units)."""
        check_is_fitted(self, "_history")
        return [self._history.parameters[layer.weights.name] for layer in self.derivation_.graph.layers]

    @property
    def intercepts_(self) -> list[Array]:
        """The biases of every layer, (units,)."""
        check_is_fitted(self, "_history")
        return [self._history.parameters[layer.bias.name] for layer in self.derivation_.graph.layers if layer.bias]

    def _trained(self, X: Array, y: Array, outputs: int, output: tuple[str, str], *, more: bool = False) -> Self:
        """Train from the beginning, or with `more` for one pass from where the last training ended."""
        self.out_activation_, loss = output
        self.n_outputs_ = outputs
        hidden = np.atleast_1d(np.asarray(self.hidden_layer_sizes, int)).tolist()
        self.n_layers_ = len(hidden) + 2
        resumed = self._history if more and hasattr(self, "_history") else None
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        if resumed is None:
            self.loss_curve_: list[float] = []
        size = min(LARGEST_BATCH if self.batch_size == "auto" else int(self.batch_size), len(X))
        asked = {**self._optimizer(), "batch_size": size, "shuffle": self.shuffle, "seed": seed}
        asked["epochs"] = 1 if more else self.max_iter
        if not more:
            asked["stop"] = self._stop(len(X))
        # JSON has what can be compared: a network that was seen before is not derived again, one that goes on not compiled.
        content = self._described(X.shape[1], hidden, outputs, loss)
        derivation = _derivation(json.dumps(content, default=lambda number: number.item()))
        same = resumed is not None and resumed.gradient.derivation is derivation
        network = resumed.gradient if resumed is not None and same else derivation
        self._history: History = train(network, X, y, resume=resumed, **asked)
        if self.early_stopping and not more:
            self._history = self._history.restored()
        self._record(more)
        return self

    def _described(self, inputs: int, hidden: Sequence[int], outputs: int, loss: str) -> Mapping[str, object]:
        """Return the network as the content of a problem file."""
        # Some activations have a name of scikit-learn's; every other one is ours.
        ours = {row.sklearn: row.name for row in ACTIVATIONS.values() if row.sklearn}
        inner, output = (ours.get(name, name) for name in (self.activation, self.out_activation_))
        layers = [{"units": units, "activation": inner} for units in hidden]
        return {
            "network": {"inputs": inputs, "layers": [*layers, {"units": outputs, "activation": output}], "loss": loss},
            "notation": {"layout": "row"},
            **({"regularization": {"l2": self.alpha, "form": "half_mean"}} if self.alpha else {}),
        }

    def _optimizer(self) -> dict[str, Any]:
        rows = [(row, row.sklearn) for row in OPTIMIZERS.values() if row.sklearn is not None]
        solvers = sorted({theirs.name for _, theirs in rows})
        if self.solver not in solvers:
            raise ValueError(f"The solver {self.solver!r} is not supported. Expected one of: {solvers}")
        row, theirs = next(
            (row, theirs) for row, theirs in rows if theirs.name == self.solver and theirs.mismatch(self) is None
        )
        return {"optimizer": row.name, RATE: self.learning_rate_init, **theirs.read(self)}

    def _stop(self, samples: int) -> dict[str, Any] | None:
        if not self.early_stopping and self.tol < 0:
            return None
        held = self.validation_fraction if self.early_stopping and samples > 1 else 0
        return {"tolerance": self.tol, "patience": self.n_iter_no_change, "validation_fraction": held}

    def _record(self, more: bool) -> None:
        """Take losses and counts from the history; the loss of an epoch is the mean of those of its updates."""
        history = self._history
        for epoch in dict.fromkeys(history.epochs.tolist()):
            self.loss_curve_.append(float(history.losses[history.epochs == epoch].mean()))
        self.loss_ = self.loss_curve_[-1]
        self.best_loss_ = min(self.loss_curve_)
        self.n_iter_ = len(self.loss_curve_)
        self.t_ = history.last
        if not (more or history.stopped or self.tol < 0):
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization hasn't "
                "converged yet.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _outputs(self, X: object) -> Array:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=(np.float64, np.float32), reset=False)
        return self._history.predict(X)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_history")


class SymbolicMLPClassifier(ClassifierMixin, _Perceptron):
    """A classifier: binary cross-entropy on one sigmoid output for two classes, cross-entropy on softmax for more.

    Parameters and attributes are those of `sklearn.neural_network.MLPClassifier` (`activation` may be any of ours), except
    that weights are drawn by Glorot's uniform distribution, biases start at 0, and `early_stopping` watches the loss of the
    samples that it holds back. `derivation_` holds the formulas of what was trained.

    >>> found = SymbolicMLPClassifier((4,), "logistic", tol=-1, max_iter=50, random_state=0)
    >>> found.fit([[0.0], [1.0], [2.0], [3.0]], ["no", "no", "yes", "yes"]).predict_proba([[0.0]]).shape
    (1, 2)
    >>> found.derivation_.gradient("b2")[0]
    delta2_1
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train on samples (samples, features) and their classes (samples,)."""
        X, y = validate_data(self, X, y, dtype=(np.float64, np.float32))
        check_classification_targets(y)
        self.classes_, labels = np.unique(column_or_1d(y, warn=True), return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"expected samples of at least two classes, found one class: {self.classes_[0]!r}")
        return self._trained(X, *self._targets(labels))

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Go through some samples once more; the first call names all `classes`."""
        is_first = not hasattr(self, "_history")
        X, y = validate_data(self, X, y, dtype=(np.float64, np.float32), reset=is_first)
        check_classification_targets(y)
        if is_first:
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            self.classes_ = np.unique(classes)
        elif classes is not None and not np.array_equal(self.classes_, np.unique(classes)):
            raise ValueError("`classes` is not the same as on last call to partial_fit.")
        unknown = np.setdiff1d(y, self.classes_)
        if unknown.size:
            raise ValueError(f"`y` has classes that are not in `classes`: {unknown.tolist()}")
        return self._trained(X, *self._targets(np.searchsorted(self.classes_, y)), more=True)

    def _targets(self, labels: Array) -> tuple[Array, int, tuple[str, str]]:
        """Return targets, number of outputs, output activation and loss for the numbers of classes."""
        if len(self.classes_) == 2:
            return labels.astype(float)[:, None], 1, ("logistic", "binary_cross_entropy")
        return labels, len(self.classes_), ("softmax", "cross_entropy")

    def predict_proba(self, X: Any) -> Array:
        """Return the probabilities of the classes, (samples, classes)."""
        found = self._outputs(X)
        return np.hstack([1 - found, found]) if self.n_outputs_ == 1 else found

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithms of the probabilities of the classes, (samples, classes)."""
        with np.errstate(divide="ignore"):
            found: Array = np.log(self.predict_proba(X))
        return found

    def predict(self, X: Any) -> Array:
        """Return the most probable class of each sample, (samples,)."""
        most = self.predict_proba(X).argmax(axis=1)
        found: Array = self.classes_[most]
        return found


class SymbolicMLPRegressor(RegressorMixin, _Perceptron):
    """A regressor: half the squared error, summed over the outputs, on a linear output.

    Parameters and attributes are those of `sklearn.neural_network.MLPRegressor`, with the exceptions that
    `SymbolicMLPClassifier` names. With several outputs scikit-learn follows the gradient of this loss as well,
    but reports it divided by the number of outputs.
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any) -> Self:
        """Train on samples (samples, features) and targets (samples,) or (samples, outputs)."""
        X, y = self._checked(X, y, reset=True)
        return self._trained(X, y, y.shape[1], ("identity", "half_squared_error"))

    def partial_fit(self, X: Any, y: Any) -> Self:
        """Go through some samples once more."""
        X, y = self._checked(X, y, reset=not hasattr(self, "_history"))
        return self._trained(X, y, y.shape[1], ("identity", "half_squared_error"), more=True)

    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Array, Array]:
        X, y = validate_data(self, X, y, dtype=(np.float64, np.float32), multi_output=True, y_numeric=True, reset=reset)
        self._is_flat = y.ndim == 1
        return X, y.reshape(len(y), -1)

    def predict(self, X: Any) -> Array:
        """Return the predictions, (samples,) or (samples, outputs) as the targets were."""
        found = self._outputs(X)
        return found.ravel() if self._is_flat else found
