"""The descent of a large problem: all updates in float64, by compiled code, beside the exact steps of a document."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from symbackprop.arithmetic import exact
from symbackprop.catalog.optimizers import RATE
from symbackprop.compilation import Gradient, Runner, compile
from symbackprop.compilation.engine import Array
from symbackprop.derivation.derivations import Derivation
from symbackprop.descent import epochs
from symbackprop.descent.epochs import Batch
from symbackprop.problems import Training


class CompiledCourse:
    """Where the parameters are in the course of a training, and how the next update is made."""

    def __init__(self, derivation: Derivation, training: Training) -> None:
        """Start from the problem's own numbers."""
        self._derivation, self._training, self._gradient = derivation, training, compile(derivation)
        self._runner = runner_of(self._gradient, training)

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

    def update(self, batch: Batch | None) -> None:
        """Make an update with the samples of a batch, None for all."""
        changes = epochs.changes(self._training, self._runner.count + 1, self._derivation.problem.samples)
        rate = float(epochs.rate_after(self._training, changes))
        self._runner.run([rate], None if batch is None else [[sample - 1 for sample in batch]])


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
