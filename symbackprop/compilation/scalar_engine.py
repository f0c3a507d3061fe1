"""The engine for small problems: straight-line code over scalars, the loop over the updates inside it.

Where a number leaves the range of a float the array engine, whose code has the stable forms and the infinities of
IEEE 754, carries the call out from its beginning.
"""

from __future__ import annotations

import functools
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from symbackprop.algebra.formula import Name
from symbackprop.arithmetic.python_code import ARRAYS, MATH, OF_ARRAYS, SCALARS
from symbackprop.compilation.array_engine import ArrayEngine
from symbackprop.compilation.engine import Array, Arrays, Engine, Run, flattened, unflattened
from symbackprop.compilation.optimizer_code import UpdateCode
from symbackprop.compilation.plan import Plan
from symbackprop.compilation.scalar_code import Straight

Function = Callable[..., Any]
Compiled = Callable[[str, Mapping[str, Any], str], Function]
_OUT_OF_RANGE = (OverflowError, ValueError, ZeroDivisionError, TypeError, struct.error)
"""What lines end in where floats do; where a power of a negative number is complex, functions and formats refuse it."""

_REAL_SCALARS = replace(
    SCALARS,
    functions={**SCALARS.functions, "abs": "fabs({0})"},
    namespace={**SCALARS.namespace, "fabs": math.fabs},
)
"""Scalars of which none may be complex: `abs` of Python's would take such a number."""


_COLUMNS = {
    name: getattr(np, name) if hasattr(np, name) else np.vectorize(getattr(math, name), otypes=[float])
    for name in (*MATH, *OF_ARRAYS)
}
"""What straight lines over arrays call, a number for each set of parameters; NumPy has no erf."""

_STRETCH = {False: 5_000, True: 50_000}
"""Updates that fit into a tenth of a second, interpreted and compiled."""


class ScalarCode:
    """The functions of a plan in straight lines, written when they are asked for.

    `compiled` makes a faster function of a source, the names that it reads and the name of the function; its numbers come
    in arrays. Without it they come in lists.
    """

    def __init__(self, plan: Plan, compiled: Compiled | None) -> None:
        self.plan, self._made = plan, compiled or _executed
        self.indexed = compiled is not None
        self._loops: dict[tuple[UpdateCode, bool, bool], Function] = {}

    def straight(self) -> Straight:
        """Return what writes the lines."""
        return Straight(self.plan, _REAL_SCALARS.namespace, indexed=self.indexed, dialect=_REAL_SCALARS)

    @functools.cached_property
    def source(self) -> str:
        """The code of loss and gradients."""
        return self.straight().gradient()

    @functools.cached_property
    def gradient(self) -> Function:
        """`gradient(parameters, rows, gradients)`."""
        return self._function(self.source, "gradient")

    def descend(self, update: UpdateCode, *, batches: bool, looks: bool) -> Function:
        """Return `descend(parameters, states, rows, batches, rates, losses, looks, trace, t)`."""
        kind = update, batches, looks
        if kind not in self._loops:
            source = self.straight().descend(update, batches=batches, looks=looks)
            self._loops[kind] = self._function(source, "descend")
        return self._loops[kind]

    @functools.cached_property
    def loss(self) -> Function:
        """`value(parameters, rows)`: the losses with many parameters, each of which comes as an array."""
        return self._of_arrays([Name(self.plan.graph.output)])

    @functools.cached_property
    def predict(self) -> Function:
        """`value(parameters, rows)`: the outputs of all samples with many parameters."""
        prediction, samples = self.plan.graph.prediction, self.plan.graph.batch_axis.numbers
        assert prediction is not None
        return self._of_arrays([Name(element, sample) for sample in samples for element in prediction.elements()])

    def _of_arrays(self, wanted: Sequence[Name]) -> Function:
        source = Straight(self.plan, _COLUMNS, dialect=ARRAYS).value(wanted)
        return _executed(source, _COLUMNS, "value")

    def _function(self, source: str, name: str) -> Function:
        numbers = sum(math.prod(quantity.shape) for quantity in self.plan.parameters)
        keep = {} if self.indexed else {"keep": struct.Struct(f"{numbers}d").pack_into}
        return self._made(source, {**_REAL_SCALARS.namespace, **keep}, name)


def _executed(source: str, given: Mapping[str, Any], name: str) -> Function:
    namespace = dict(given)
    exec(source, namespace)
    function: Function = namespace[name]
    return function


class ScalarEngine(Engine):
    """Straight-line code for scalars; `arrays` takes over where floats end. `compiled` is as in `ScalarCode`."""

    def __init__(self, plan: Plan, compiled: Compiled | None = None) -> None:
        self.plan = plan
        self.arrays = ArrayEngine(plan)
        kind = ScalarEngine, compiled is not None
        self.code: ScalarCode = plan.written(kind, lambda: ScalarCode(plan, compiled))
        self.indexed = self.code.indexed

    @property
    def source(self) -> str:
        """The code of loss and gradients."""
        return self.code.source

    @property
    def stretch(self) -> int:
        """About how many updates fit into a tenth of a second at most."""
        return _STRETCH[self.indexed]

    def gradient(self, parameters: Arrays, data: Arrays, gradients: Arrays) -> float:
        """Write the gradients and return the loss."""
        found: Any = np.empty(sum(array.size for array in gradients)) if self.indexed else []
        try:
            loss = float(self.code.gradient(self._flat(parameters), self._rows(data), found))
        except _OUT_OF_RANGE:
            return self.arrays.gradient(parameters, data, gradients)
        if not (np.isfinite(loss) and np.isfinite(found).all()):
            return self.arrays.gradient(parameters, data, gradients)
        _scatter(found, gradients)
        return loss

    def loss(self, parameters: Arrays, data: Arrays) -> float:
        """Return the loss."""
        return self.arrays.loss(parameters, data)

    def value(self, name: str, parameters: Arrays, data: Arrays) -> Array:
        """Return a quantity in an array of its own."""
        return self.arrays.value(name, parameters, data)

    def losses(self, trace: Array, data: Arrays) -> Array:
        """Return the losses with the parameters of every row of a trace, (rows,)."""
        (found,) = self._values(self.code.loss, trace, data)
        return self._in_range(found, trace, lambda part: self.arrays.losses(part, data))

    def outputs(self, trace: Array, inputs: Arrays) -> Array:
        """Return the outputs of a network with the parameters of every row of a trace, (rows, samples, outputs)."""
        unread = [np.zeros((len(inputs[0]), *each.shape)) for each in self.plan.data[len(inputs) :]]
        found = np.stack(self._values(self.code.predict, trace, [*inputs, *unread]), axis=1)
        found = found.reshape(len(trace), len(inputs[0]), -1)
        return self._in_range(found, trace, lambda part: self.arrays.outputs(part, inputs))

    def _values(self, function: Function, trace: Array, data: Arrays) -> list[Array]:
        """Return the values of a function at every row of a trace."""
        columns = list(np.ascontiguousarray(trace.T))
        with np.errstate(all="ignore"):
            found = function(columns, self._rows(data).tolist() if self.indexed else self._rows(data))
        return [np.broadcast_to(value, (len(trace),)) for value in found]

    @staticmethod
    def _in_range(found: Array, trace: Array, arrays: Callable[[Array], Array]) -> Array:
        """Return values, those of arrays where floats end in the straight lines."""
        wrong = ~np.isfinite(found.reshape(len(found), -1)).all(axis=1)
        if wrong.any():
            found = found.copy()
            found[wrong] = arrays(trace[wrong])
        return found

    def descend(self, update: UpdateCode, parameters: Arrays, states: Arrays, data: Arrays, run: Run) -> Array:
        """Change parameters and states by one update for each learning rate; return the losses before the updates."""
        loop = self.code.descend(update, batches=run.batches is not None, looks=run.looks is not None)
        values, kept, rows = self._flat(parameters), self._flat(states), self._rows(data)
        batches = run.batches if run.batches is not None else np.empty((0, 0), np.int64)
        looks = run.looks if run.looks is not None else np.empty(0, bool)
        losses: Any = np.empty(len(run.rates)) if self.indexed else []
        trace = run.trace if run.trace is not None else np.empty((0, 0))
        given = [batches, np.array(run.rates), losses, looks, trace]
        if not self.indexed:
            given = [batches.tolist(), run.rates.tolist(), losses, looks.tolist(), trace]
        try:
            loop(values, kept, rows, *given, run.first)
        except _OUT_OF_RANGE:
            return self.arrays.descend(update, parameters, states, data, run)
        if not (np.isfinite(losses).all() and np.isfinite(values).all()):
            return self.arrays.descend(update, parameters, states, data, run)
        _scatter(values, parameters)
        _scatter(kept, states)
        return np.asarray(losses)

    def _flat(self, arrays: Arrays) -> Any:
        """Return the numbers of some arrays one after the other, as the carrier wants them."""
        return flattened(arrays) if self.indexed else flattened(arrays).tolist()

    def _rows(self, data: Arrays) -> Any:
        """Return the numbers of each sample in a row."""
        if self.plan.graph.samples is None:
            rows = flattened(data)[None, :]
        else:
            rows = np.concatenate([array.reshape(len(array), -1) for array in data], axis=1)
        return rows if self.indexed else rows.tolist()


def _scatter(numbers: Sequence[float] | Array, arrays: Arrays) -> None:
    """Write numbers back into arrays."""
    shapes = [array.shape for array in arrays]
    for array, values in zip(arrays, unflattened(np.asarray(numbers, float), shapes), strict=True):
        array[...] = values
