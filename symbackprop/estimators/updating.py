"""Epochs of updates on samples with or without weights, and the minimum that L-BFGS finds: what changes parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from scipy import optimize, sparse

from symbackprop.compilation import Gradient, Runner
from symbackprop.compilation.engine import flattened, unflattened
from symbackprop.estimators.descriptions import Description

Array = np.ndarray[Any, np.dtype[Any]]
Parameters = Mapping[str, Array]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Inputs (samples, features), dense or a sparse matrix, targets (samples, outputs), and weights (samples,) or None."""

    x: Any
    y: Array
    weights: Array | None = None

    @property
    def count(self) -> int:
        """How many samples there are."""
        return int(self.x.shape[0])

    def rows(self, chosen: Array) -> Samples:
        """Return some of the samples."""
        return Samples(self.x[chosen], self.y[chosen], None if self.weights is None else self.weights[chosen])

    def arrays(self, parts: list[Array], alpha: float) -> list[Array]:
        """Return what compiled code takes, the weights for updates on some parts: indices (updates, samples of one update).

        In every update the weights have the mean 1, so that the mean of weighted losses is the weighted mean, and the
        penalty is α/2 Σw² over the sum of the weights. Where that is 0, so is the loss.
        """
        x = np.ascontiguousarray(self.x.toarray() if sparse.issparse(self.x) else self.x)
        if self.weights is None:
            return [x, self.y]
        weights, strengths = np.empty_like(self.weights), np.empty_like(self.weights)
        for part in parts:
            own = self.weights[part]
            total = own.sum(axis=1, keepdims=True)
            factor = np.divide(1, total, out=np.zeros_like(total), where=total != 0)
            weights[part] = own * (part.shape[1] * factor)
            strengths[part] = np.broadcast_to(alpha / 2 * factor, part.shape)
        return [x, weights, strengths, self.y]


class Descent:
    """Updates by one optimizer, whose states go on from epoch to epoch; the learning rate may change between two epochs."""

    def __init__(self, optimizer: str, settings: Mapping[str, Fraction], rate: float) -> None:
        self.optimizer, self.settings, self._rate = optimizer, settings, rate
        self._runner: Runner | None = None

    @property
    def rate(self) -> float:
        """The learning rate of the updates to come."""
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        # A velocity adds up gradients, and scikit-learn's adds up steps: gradients times the rate of their time.
        if self._runner is not None:
            for arrays in self._runner.states.values():
                for array in arrays.values():
                    array *= self._rate / rate
        self._rate = rate

    def begin(self, gradient: Gradient, parameters: Parameters) -> Parameters:
        """Make ready to go on from parameters; return the arrays that updates change in place."""
        runner = self._runner
        if runner is None or runner.gradient is not gradient:
            made = Runner(gradient, parameters, optimizer=self.optimizer, settings=self.settings, data=(None, []))
            if runner is not None:
                made.load({**runner.save(), **parameters})
            self._runner = runner = made
        for name, array in parameters.items():
            own = runner.parameters[name]
            if own is not array:
                if own.shape != array.shape:
                    raise ValueError(f"the shape of {name} is {array.shape}, expected {own.shape}")
                own[...] = array
        return runner.parameters

    def epoch(self, samples: Samples, order: Array, size: int, alpha: float) -> float:
        """Go through samples in an order once, `size` in an update; return the mean of the losses before the updates."""
        assert self._runner is not None
        whole = len(order) // size * size
        parts = [part for part in (order[:whole].reshape(-1, size), order[whole:].reshape(1, -1)) if part.size]
        total = 0.0
        for batches, part in _fed(self._runner, samples, parts, alpha):
            losses = self._runner.run(np.full(len(part), self._rate), batches)
            total += float(losses.sum()) * part.shape[1]
        return total / len(order)

    def end(self) -> None:
        """Forget the samples."""
        if self._runner is not None:
            self._runner.samples, self._runner.data = None, []


def _fed(runner: Runner, samples: Samples, parts: list[Array], alpha: float) -> Iterator[tuple[Array | None, Array]]:
    """Yield the updates that can be carried out in one go: the indices of their samples, None for all samples that are fed.

    Of a sparse matrix no more than one batch is ever dense.
    """
    if not sparse.issparse(samples.x):
        runner.samples, runner.data = samples.count, samples.arrays(parts, alpha)
        has_all = parts[0].shape == (1, samples.count)
        yield from ((None if has_all else part, part) for part in parts)
        return
    for batch in (row for part in parts for row in part):
        every = np.arange(len(batch))[None]
        runner.samples, runner.data = len(batch), samples.rows(batch).arrays([every], alpha)
        yield None, every


def minimized(
    gradient: Gradient, parameters: Parameters, samples: Samples, alpha: float, options: Mapping[str, Any]
) -> tuple[Parameters, Any]:
    """Return parameters at a minimum of the loss of all samples by SciPy's L-BFGS-B, and what SciPy says of the way.

    `options` are those of SciPy; loss and gradients are ours.
    """
    engine = gradient.engine(samples.count)
    data = samples.arrays([np.arange(samples.count)[None]], alpha)
    names = [each.name for each in gradient.arguments.parameters]
    shapes = [parameters[name].shape for name in names]
    found = [np.empty(shape, gradient.dtype) for shape in shapes]

    def loss(numbers: Array) -> tuple[float, Array]:
        arrays = [np.ascontiguousarray(each, gradient.dtype) for each in unflattened(numbers, shapes)]
        value = engine.gradient(arrays, data, found)
        return value, flattened(found).astype(float)

    start = flattened([parameters[name] for name in names]).astype(float)
    result = optimize.minimize(loss, start, method="L-BFGS-B", jac=True, options=dict(options))
    ends = [np.array(each, gradient.dtype) for each in unflattened(result.x, shapes)]
    return dict(zip(names, ends, strict=True)), result


def predicted(gradient: Gradient, parameters: Parameters, x: Any) -> Array:
    """Return the outputs, (samples, outputs); of a sparse matrix some rows at a time are dense."""
    if not sparse.issparse(x):
        return gradient.predict(parameters, np.ascontiguousarray(x, gradient.dtype))
    rows = x.tocsr()
    parts = [rows[start : start + _ROWS].toarray() for start in range(0, rows.shape[0], _ROWS)]
    return np.concatenate([predicted(gradient, parameters, part) for part in parts])


_ROWS = 1024
"""Samples of a sparse matrix that are dense at a time."""


def drawn(description: Description, random: Any, dtype: Any) -> tuple[list[Array], list[Array]]:
    """Return weights and biases drawn as scikit-learn draws them, layer by layer.

    They are uniform between ±√(6/(inputs + units)), of logistic units ±√(2/(inputs + units)) (Glorot and Bengio, 2010).
    """
    factor = 2.0 if description.activation == "logistic" else 6.0
    weights, biases = [], []
    for before, units in zip(description.widths, description.widths[1:], strict=False):
        bound = np.sqrt(factor / (before + units))
        weights.append(random.uniform(-bound, bound, (before, units)).astype(dtype, copy=False))
        biases.append(random.uniform(-bound, bound, units).astype(dtype, copy=False))
    return weights, biases
