"""Fitting as scikit-learn's multilayer perceptrons do it: passes, what ends them, and what they leave as attributes."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from symbackprop.arithmetic import exact
from symbackprop.catalog.optimizers import OPTIMIZERS
from symbackprop.compilation import Gradient
from symbackprop.derivation.derivations import Derivation
from symbackprop.estimators.descriptions import HEADS, Description, Written
from symbackprop.estimators.label_encoding import Array
from symbackprop.estimators.updating import Descent, Samples, drawn, minimized, predicted

LARGEST_BATCH = 200
"""`batch_size = "auto"` is all samples, and at most this many."""
LBFGS = "lbfgs"
"""The solver that has no updates of ours: SciPy's."""
LEAST_RATE, _DIVISOR = 1e-6, 5
"""An adaptive learning rate is divided where the loss no longer falls, until it is so small."""


def has_updates(estimator: Perceptron) -> bool:
    """Say whether an estimator can be trained pass by pass."""
    if estimator.solver == LBFGS:
        raise AttributeError(f"partial_fit is only available for stochastic optimizers. {LBFGS} is not stochastic.")
    return True


class Perceptron(BaseEstimator):
    """What both estimators share: parameters, fitting, the attributes of what was fitted."""

    # What scikit-learn says of its own; activations may be any of ours, which the problem checks.
    _parameter_constraints: Mapping[str, Any] = {
        name: each for name, each in MLPClassifier._parameter_constraints.items() if name not in ("activation", "loss")
    }

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: Written = "relu",
        *,
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
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun

    @property
    def derivation_(self) -> Derivation:
        """The derivation of the network that was trained: formulas, gradients, documents."""
        check_is_fitted(self, "coefs_")
        return self._gradient.derivation

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # What the two estimators do differently

    def _kind(self) -> str:
        """Return the kind of head, a key of `HEADS`."""
        raise NotImplementedError

    def _targets(self, y: Array, dtype: Any, *, again: bool) -> Array:
        """Return checked targets as numbers (samples, outputs); `again`: they belong to what was fitted before."""
        raise NotImplementedError

    def _score(self, outputs: Array, targets: Array, weights: Array | None) -> float:
        """Return how good outputs are, both as the network has them."""
        raise NotImplementedError

    # Fitting

    def _fitted(self, X: Any, y: Any, sample_weight: Any, *, more: bool = False) -> Self:
        """Train to the end, or with `more` for one pass from where the last training ended."""
        self._check_settings()
        is_first = not (hasattr(self, "coefs_") and (more or self.warm_start))
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            dtype=(np.float64, np.float32),
            multi_output=True,
            y_numeric=isinstance(self, RegressorMixin),
            reset=is_first,
        )
        if y.ndim == 2 and y.shape[1] == 1 and not sparse.issparse(y):
            y = column_or_1d(y, warn=True)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=X.dtype)
        targets = self._targets(y, X.dtype, again=not is_first or more)
        samples = Samples(X.tocsr() if sparse.issparse(X) else X, targets, weights)
        description, random = self._described(X, targets), check_random_state(self.random_state)
        self._gradient: Gradient = description.compiled(X.dtype.name)
        if is_first:
            self._begin(description, random, X.dtype)
        gradient = self._gradient if weights is None else description.compiled(X.dtype.name, weighted=True)
        if self.solver == LBFGS:
            self._minimize(gradient, samples)
        else:
            self._descend(gradient, samples, random, more=more)
        if not all(np.isfinite(each).all() for each in (*self.coefs_, *self.intercepts_)):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
                "preprocessed."
            )
        return self

    def _check_settings(self) -> None:
        """Raise `ValueError` for a setting that cannot be; those that were looked at before are not looked at again."""
        settings = [getattr(self, name) for name in self._parameter_constraints]
        known = getattr(self, "_checked_settings", [])
        if len(known) != len(settings) or not all(map(operator.is_, settings, known)):
            self._validate_params()
            self._checked_settings = settings

    def _described(self, X: Array, targets: Array) -> Description:
        hidden = np.atleast_1d(np.asarray(self.hidden_layer_sizes, int)).tolist()
        if any(units <= 0 for units in hidden):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        head = HEADS[self._kind()]
        self.out_activation_, self.n_outputs_, self.n_layers_ = head.called, targets.shape[1], len(hidden) + 2
        return Description((X.shape[1], *hidden, targets.shape[1]), self.activation, head, float(self.alpha))

    def _begin(self, description: Description, random: Any, dtype: Any) -> None:
        """Draw parameters, and begin to count."""
        self.coefs_, self.intercepts_ = drawn(description, random, dtype)
        self.n_iter_ = self.t_ = 0
        if self.solver == LBFGS:
            return
        self.loss_curve_: list[float] = []
        self._without_gain = 0
        self.validation_scores_: Any = [] if self.early_stopping else None
        self.best_validation_score_: Any = -np.inf if self.early_stopping else None
        self.best_loss_: Any = None if self.early_stopping else np.inf

    def _named(self) -> dict[str, Array]:
        """Return the parameters by name."""
        arrays = (array for pair in zip(self.coefs_, self.intercepts_, strict=True) for array in pair)
        return dict(zip((each.name for each in self._gradient.arguments.parameters), arrays, strict=True))

    def _keep(self, parameters: Mapping[str, Array]) -> None:
        """Make parameters by name the attributes."""
        arrays = [parameters[each.name] for each in self._gradient.arguments.parameters]
        self.coefs_, self.intercepts_ = arrays[::2], arrays[1::2]

    def _minimize(self, gradient: Gradient, samples: Samples) -> None:
        options = {"maxfun": self.max_fun, "maxiter": self.max_iter, "gtol": self.tol}
        found, result = minimized(gradient, self._named(), samples, self.alpha, options)
        self._keep(found)
        self.n_iter_, self.loss_ = min(result.nit, self.max_iter), float(result.fun)
        self._say(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")
        if result.status:
            what = (
                f"lbfgs failed to converge after {result.nit} iteration(s) (status={result.status}): {result.message}"
            )
            warnings.warn(what, ConvergenceWarning, stacklevel=4)

    def _descend(self, gradient: Gradient, samples: Samples, random: Any, *, more: bool) -> None:
        if more and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        if not more or not hasattr(self, "_descent"):
            self._descent = self._optimizer()
        held = None
        best: list[list[Array]] = [self.coefs_, self.intercepts_]
        if self.early_stopping:
            samples, held = self._held_back(samples, random)
        size = self._batch_size(samples.count)
        self._keep(self._descent.begin(gradient, self._named()))
        order, self.n_iter_ = np.arange(samples.count), 0
        try:
            for _ in range(1 if more else self.max_iter):
                if self.shuffle:
                    order = order[_shuffled(samples.count, random)]
                self._pass(samples, order, size)
                if self._gains(held):
                    best = [[array.copy() for array in each] for each in (self.coefs_, self.intercepts_)]
                if self.learning_rate == "invscaling" and self.solver == "sgd":
                    self._descent.rate = self.learning_rate_init / (self.t_ + 1) ** self.power_t
                if self._without_gain > self.n_iter_no_change and self._ends():
                    break
            else:
                self._warn(more)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=4)
        self._descent.end()
        if self.early_stopping:
            self.coefs_, self.intercepts_ = best

    def _pass(self, samples: Samples, order: Array, size: int) -> None:
        """Go through all samples once."""
        self.loss_ = self._descent.epoch(samples, order, size, self.alpha)
        self.n_iter_ += 1
        self.t_ += samples.count
        self.loss_curve_.append(self.loss_)
        self._say(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")

    def _optimizer(self) -> Descent:
        """Return the optimizer that scikit-learn calls by the solver's name, with its settings."""
        rows = ((row, row.sklearn) for row in OPTIMIZERS.values() if row.sklearn is not None)
        row, theirs = next(
            (row, theirs) for row, theirs in rows if theirs.name == self.solver and theirs.mismatch(self) is None
        )
        settings = {name: exact.to_fraction_of_float(float(value)) for name, value in theirs.read(self).items()}
        return Descent(row.name, settings, float(self.learning_rate_init))

    def _batch_size(self, samples: int) -> int:
        if self.batch_size == "auto":
            return min(LARGEST_BATCH, samples)
        if int(self.batch_size) > samples:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped", stacklevel=5
            )
        return min(int(self.batch_size), samples)

    def _held_back(self, samples: Samples, random: Any) -> tuple[Samples, Samples]:
        """Return samples to train on and samples to watch, drawn as scikit-learn draws them."""
        is_stratified = isinstance(self, ClassifierMixin) and self.n_outputs_ == 1
        trained, watched = train_test_split(
            np.arange(samples.count),
            random_state=random,
            test_size=self.validation_fraction,
            stratify=samples.y if is_stratified else None,
        )
        if len(watched) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        return samples.rows(trained), samples.rows(watched)

    def _gains(self, held: Samples | None) -> bool:
        """Look at the score of the samples held back, or the loss; say whether the score is the best so far."""
        if held is None:
            latest = self.loss_
            self._without_gain = self._without_gain + 1 if latest > self.best_loss_ - self.tol else 0
            self.best_loss_ = min(latest, self.best_loss_)
            return False
        outputs = predicted(self._gradient, self._named(), held.x)
        score = self._score(outputs, held.y, held.weights) if np.isfinite(outputs).all() else np.nan
        self.validation_scores_.append(score)
        self._say(f"Validation score: {score:f}")
        self._without_gain = self._without_gain + 1 if score < self.best_validation_score_ + self.tol else 0
        is_best = score > self.best_validation_score_
        if is_best:
            self.best_validation_score_ = score
        return bool(is_best)

    def _ends(self) -> bool:
        """Say whether training ends where there was no gain: an adaptive learning rate becomes smaller first."""
        watched = "Validation score" if self.early_stopping else "Training loss"
        what = f"{watched} did not improve more than tol={self.tol:f} for {self.n_iter_no_change} consecutive epochs."
        is_adaptive = self.learning_rate == "adaptive" and self.solver == "sgd"
        if is_adaptive and self._descent.rate > LEAST_RATE:
            self._descent.rate /= _DIVISOR
            self._without_gain = 0
            what += f" Setting learning rate to {self._descent.rate:f}"
        else:
            what += " Learning rate too small. Stopping." if is_adaptive else " Stopping."
            is_adaptive = False
        self._say(what)
        return not is_adaptive

    def _warn(self, more: bool) -> None:
        if not more:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization hasn't "
                "converged yet.",
                ConvergenceWarning,
                stacklevel=5,
            )

    def _say(self, text: str) -> None:
        """Print a line on the way, where one is wanted."""
        if self.verbose:
            print(text)  # noqa: T201

    def _outputs(self, X: object) -> Array:
        check_is_fitted(self, "coefs_")
        X = validate_data(self, X, accept_sparse=["csr", "csc"], dtype=(np.float64, np.float32), reset=False)
        return predicted(self._gradient, self._named(), X)


def _shuffled(count: int, random: Any) -> Array:
    """Return the indices in a random order, the one that `sklearn.utils.shuffle` draws."""
    found = np.arange(count)
    random.shuffle(found)
    return found
