"""The engine for small problems: straight-line code over scalars, the loop over the updates inside it.

Where a number leaves the range of a float the array engine, whose code has the stable forms and the infinities of
IEEE 754, carries the call out from its beginning.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symbackprop.arithmetic.python_code import SCALARS
from symbackprop.compilation.array_engine import ArrayEngine
from symbackprop.compilation.engine import Array, Arrays, Run
from symbackprop.compilation.optimizer_code import UpdateCode
from symbackprop.compilation.plan import Plan
from symbackprop.compilation.scalar_code import Straight

Function = Callable[..., Any]
_OUT_OF_RANGE = (OverflowError, ValueError, ZeroDivisionError)


class ScalarEngine:
    """Straight-line code for scalars; `arrays` takes over where floats end.

    `compiled` makes a faster function of one of Python, whose numbers come in arrays; without it they come in lists.
    """

    def __init__(self, plan: Plan, compiled: Callable[[Function], Function] | None = None) -> None:
        self.plan, self.indexed, self._compiled = plan, compiled is not None, compiled
        self.arrays = ArrayEngine(plan)
        self._straight = functools.partial(Straight, plan, SCALARS.namespace, indexed=self.indexed)
        self._loops: dict[tuple[UpdateCode, bool], Function] = {}

    @functools.cached_property
    def source(self) -> str:
        """The code of loss and gradients."""
        return self._straight().gradient()

    def _function(self, source: str, name: str) -> Function:
        namespace: dict[str, Any] = dict(SCALARS.namespace)
        exec(source, namespace)
        function: Function = namespace[name]
        return function if self._compiled is None else self._compiled(function)

    @functools.cached_property
    def _gradient(self) -> Function:
        return self._function(self.source, "gradient")

    def gradient(self, parameters: Arrays, data: Arrays, gradients: Arrays) -> float:
        """Write the gradients and return the loss."""
        found: Any = np.empty(sum(array.size for array in parameters)) if self.indexed else []
        try:
            loss = float(self._gradient(self._flat(parameters), self._rows(data), found))
        except _OUT_OF_RANGE:
            return self.arrays.gradient(parameters, data, gradients)
        if not (np.isfinite(loss) and np.isfinite(found).all()):
            return self.arrays.gradient(parameters, data, gradients)
        _scatter(found, gradients)
        return loss

    def loss(self, parameters: Arrays, data: Arrays) -> float:
        """Return the loss."""
        return self.arrays.loss(parameters, data)

    def predict(self, parameters: Arrays, inputs: Arrays) -> Array:
        """Return the outputs of a network, (samples, outputs)."""
        return self.arrays.predict(parameters, inputs)

    def descend(self, update: UpdateCode, parameters: Arrays, states: Arrays, data: Arrays, run: Run) -> Array:
        """Change parameters and states by one update for each learning rate; return the losses before the updates."""
        batched = run.batches is not None
        if (update, batched) not in self._loops:
            self._loops[update, batched] = self._function(self._straight().descend(update, batches=batched), "descend")
        loop = self._loops[update, batched]
        values, kept, rows = self._flat(parameters), self._flat(states), self._rows(data)
        batches: Any = run.batches if run.batches is not None else np.empty((0, 0), np.int64)
        losses: Any = np.empty(len(run.rates)) if self.indexed else []
        rates: Any = run.rates if self.indexed else run.rates.tolist()
        try:
            loop(values, kept, rows, batches if self.indexed else batches.tolist(), rates, losses, run.first)
        except _OUT_OF_RANGE:
            return self.arrays.descend(update, parameters, states, data, run)
        if not (np.isfinite(losses).all() and np.isfinite(values).all()):
            return self.arrays.descend(update, parameters, states, data, run)
        _scatter(values, parameters)
        _scatter(kept, states)
        return np.asarray(losses)

    def _flat(self, arrays: Arrays) -> Any:
        """Return the numbers of some arrays one after the other, as the carrier wants them."""
        if self.indexed:
            return np.concatenate([np.empty(0), *(array.ravel() for array in arrays)])
        return [number for array in arrays for number in array.ravel().tolist()]

    def _rows(self, data: Arrays) -> Any:
        """Return the numbers of each sample in a row."""
        if self.plan.graph.samples is None:
            rows = np.concatenate([np.empty(0), *(array.ravel() for array in data)])[None, :]
        else:
            rows = np.concatenate([array.reshape(len(array), -1) for array in data], axis=1)
        return rows if self.indexed else rows.tolist()


def _scatter(numbers: Sequence[float] | Array, arrays: Arrays) -> None:
    """Write numbers back into arrays."""
    start = 0
    for array in arrays:
        array[...] = np.reshape(numbers[start : start + array.size], array.shape)
        start += array.size
