"""Descent with compiled code: what a training loop calls for a stretch of updates.

A runner holds parameters, states of the optimizer and the data as arrays. `run` carries out one update for each learning
rate and returns the losses before them; between two calls everything can be read, saved and replaced, and two short runs
give the same numbers, bit for bit, as one long one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType

import numpy as np

from symbackprop.catalog import optimizers
from symbackprop.compilation.compiled_gradient import Gradient
from symbackprop.compilation.engine import Array, Run, copied
from symbackprop.compilation.optimizer_code import update
from symbackprop.errors import ProblemError
from symbackprop.messages import message

COUNT = "state.count"
"""What the number of updates is saved as: no parameter's name has a dot."""


class Runner:
    """The descent of one set of parameters.

    `parameters` holds them by name, `states` the optimizer's states by state and parameter (`states["m"]["W1"]`), `count`
    the number of updates so far. The arrays change in place; `save` and `load` copy all of it.
    """

    def __init__(
        self,
        gradient: Gradient,
        parameters: Mapping[str, object] | None = None,
        inputs: object = None,
        targets: object = None,
        *,
        optimizer: str = "gradient_descent",
        settings: Mapping[str, Fraction] | None = None,
        frozen: Iterable[str] = (),
        data: tuple[int | None, list[Array]] | None = None,
        states: Mapping[str, Mapping[str, object]] = MappingProxyType({}),
    ) -> None:
        """Begin with parameters and data, by default the problem's own, at the optimizer's initial states or those given.

        `data` is what `Arguments.data_arrays` returned, in place of inputs and targets.
        `settings` are those of the optimizer without the learning rate, left-out ones have their defaults.
        """
        self.gradient = gradient
        arguments = gradient.arguments
        names = [quantity.name for quantity in arguments.parameters]
        given = arguments.parameter_arrays(parameters)
        if gradient.derivation.problem.layout == "column":
            # What runs is x Wᵀ, and matrix products read Wᵀ faster row by row: so W lies in memory.
            given = [np.asarray(array, order="F") for array in given]
        self.parameters = dict(zip(names, map(copied, given), strict=True))
        self.samples, arrays = arguments.data_arrays(inputs, targets) if data is None else data
        self.data = list(map(copied, arrays))
        unfrozen = frozenset(frozen)
        trained = tuple(name for name in names if name not in unfrozen)
        known = dict(settings or {})
        self._first = update(optimizer, known, trained, first=True)
        self._later = update(optimizer, known, trained, first=False)
        self._begins_otherwise = (self._first.common, self._first.lines) != (self._later.common, self._later.lines)
        initial = optimizers.OPTIMIZERS[optimizer].state
        self.states = {
            state: {name: np.full_like(self.parameters[name], float(initial[state])) for name in trained}
            for state in self._later.states
        }
        for state, group in states.items():
            for name, array in group.items():
                self.states[state][name][...] = array
        self.count = 0

    def run(
        self,
        rates: Sequence[float] | Array,
        batches: Array | Sequence[Sequence[int]] | None = None,
        *,
        looks: Array | None = None,
        trace: Array | None = None,
    ) -> Array:
        """Carry out one update for each learning rate; return the loss before each, (updates,).

        `batches` (updates, samples of one batch) are indices of the samples of each update: its loss is that of these
        samples. Without it every update has all samples. Numbers that leave the range of a float become infinities or NaN.
        `looks` (updates,) marks updates, after which all parameters in order go to the next row of `trace` (marked,
        numbers), an array of the gradient's number type.
        """
        if batches is None:
            return self._run(self.samples, Run(np.asarray(rates, np.float64), 1, None, looks, trace))
        chosen = np.ascontiguousarray(batches, np.int64)
        if self.samples is None:
            raise ProblemError(message("compilation.one_sample"))
        is_outside = ((chosen < 0) | (chosen >= self.samples)).any()
        if chosen.ndim != 2 or len(chosen) != len(rates) or is_outside:
            raise ProblemError(message("compilation.batches", updates=len(rates), samples=self.samples))
        return self._run(chosen.shape[1], Run(np.asarray(rates, np.float64), 1, chosen, looks, trace))

    def _run(self, samples: int | None, whole: Run) -> Array:
        """Carry out the updates, the very first one apart where its lines are others."""
        losses = []
        first = 1 if len(whole.rates) and self.count == 0 and self._begins_otherwise else 0
        for kind, part in ((self._first, slice(0, first)), (self._later, slice(first, None))):
            run = whole.part(part, self.count + 1)
            if len(run.rates):
                arrays = list(self.parameters.values())
                states = [array for group in self.states.values() for array in group.values()]
                losses.append(self.gradient.engine(samples).descend(kind, arrays, states, self.data, run))
                self.count += len(run.rates)
        return losses[0] if len(losses) == 1 else np.concatenate([np.empty(0), *losses])

    def _named(self) -> dict[str, Array]:
        """Return parameters and states by the names that they are saved under."""
        states = {f"state.{state}.{name}": each for state, group in self.states.items() for name, each in group.items()}
        return self.parameters | states

    def save(self) -> dict[str, Array]:
        """Return copies of everything that the rest of a descent depends on, by name (`W1`, `state.m.W1`, `state.count`)."""
        return {name: np.array(array) for name, array in (*self._named().items(), (COUNT, self.count))}

    def load(self, saved: Mapping[str, Array]) -> None:
        """Go back to what `save` returned; raises `ProblemError` where it belongs to something else."""
        places = self._named()
        if {*places, COUNT} != set(saved) or any(saved[name].shape != array.shape for name, array in places.items()):
            raise ProblemError(message("compilation.saved", names=[*places, COUNT]))
        for name, array in places.items():
            array[...] = saved[name]
        self.count = int(saved[COUNT])
