"""A descent in float64 by compiled code: of a large problem, or of a small one behind its exact steps where it is long."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from fractions import Fraction

import numpy as np

from symbackprop.arithmetic import exact
from symbackprop.catalog.optimizers import RATE
from symbackprop.compilation import Gradient, Runner, compile
from symbackprop.compilation.engine import Array
from symbackprop.derivation.derivations import Derivation
from symbackprop.descent import epochs
from symbackprop.descent.epochs import Batch
from symbackprop.descent.update import Parameters, States
from symbackprop.evaluation.arithmetics import Value
from symbackprop.problems import Training


class CompiledCourse:
    """Where the parameters are in the course of a training, and how the next update is made."""

    def __init__(self, derivation: Derivation, training: Training) -> None:
        """Start from the problem's own numbers."""
        self._derivation, self._gradient = derivation, compile(derivation)
        self._runner = runner_of(self._gradient, training)
        self._changes = functools.partial(epochs.changes, training, samples=derivation.problem.samples)
        self._rate = functools.cache(lambda changes: float(epochs.rate_after(training, changes)))

    def begin(self, count: int, parameters: Parameters, states: States) -> None:
        """Go on behind so many updates, from the parameters and the optimizer's states after them, by element."""
        self._runner.count = count
        for quantity in self._derivation.parameters:
            _fill(self._runner.parameters[quantity.name], (parameters[each] for each in quantity.elements()))
            for state, arrays in self._runner.states.items():
                if quantity.name in arrays:
                    _fill(arrays[quantity.name], (states[each][state] for each in quantity.elements()))

    @property
    def loss(self) -> float:
        """The loss over the whole data."""
        return self._gradient.loss(self._runner.parameters)

    @property
    def outputs(self) -> tuple[float, ...]:
        """The outputs of a network, sample after sample; a computation graph names none."""
        if not self._gradient.arguments.is_network:
            return ()
        return tuple(self._gradient.predict(self._runner.parameters).ravel().tolist())

    @property
    def parameters(self) -> dict[str, float]:
        """The parameters by element."""
        return {
            element: value
            for quantity in self._derivation.parameters
            for element, value in zip(
                quantity.elements(), self._runner.parameters[quantity.name].ravel().tolist(), strict=True
            )
        }

    def update(self, batch: Batch | None, times: int = 1) -> list[float]:
        """Make an update with the samples of a batch, or some with all (None); return the loss of all samples after each."""
        assert batch is None or times == 1
        first = self._runner.count + 1
        rates = [self._rate(self._changes(update)) for update in range(first, first + times)]
        before = self._runner.run(rates, None if batch is None else [[sample - 1 for sample in batch]])
        return [*before[1:].tolist(), self.loss]


def _fill(array: Array, values: Iterable[Value]) -> None:
    """Put values into an array, row by row."""
    array[...] = np.reshape([float(value) for value in values], array.shape)


def runner_of(
    gradient: Gradient,
    training: Training,
    parameters: Mapping[str, object] | None = None,
    data: tuple[int | None, list[Array]] | None = None,
) -> Runner:
    """Return the compiled descent that a training asks for, from the problem's own parameters and data or from others."""
    return Runner(
        gradient,
        parameters,
        data=data,
        optimizer=training.optimizer,
        settings=fractions(training),
        frozen=training.frozen,
        states={
            state: {name: np.reshape(array.floats(), array.shape) for name, array in arrays.items()}
            for state, arrays in training.state.items()
        },
    )


def fractions(training: Training) -> dict[str, Fraction]:
    """Return the settings of the optimizer as fractions, the learning rate left out."""
    settings = {name: given.value for name, given in training.settings.items() if name != RATE}
    return {name: exact.to_fraction_of_float(value) for name, value in settings.items()}
