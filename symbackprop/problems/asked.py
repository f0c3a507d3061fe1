"""The entries of `ask`: how what is asked is called, and which names a problem has for it.

An entry is the name of a quantity (`z1`), of a gradient (`dL_dW1`), of new values (`new_W1`), of a state of the optimizer
(`m_W1`, or `m` of all parameters), of a layer (`layer1`) or of a group (`deltas`). Numbers behind a name stand for one
element (`dL_dW1_2_1`) or one sample (`z1_2@3`), `@step2` for the second step of a descent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from symbackprop.catalog import optimizers
from symbackprop.graph.scalars import Scalar, gradient_name, numbered, step_of
from symbackprop.problems.types import Problem, Training

GROUPS = ("deltas", "gradients", "updated", "new_L")
"""What may be asked besides quantities by name: all ∂L/∂z (of a graph: by its gates), by parameters, the new values."""
OF_UPDATES = ("updated", "new_L")
"""The groups that there are after an update only."""


class AskedEntry(NamedTuple):
    """An entry of `ask` taken apart: the name without its step, and the step from 1."""

    name: str
    step: int

    @classmethod
    def read(cls, text: str) -> AskedEntry:
        """Return what an entry says.

        >>> AskedEntry.read("new_W1@step2"), AskedEntry.read("z1_2@3")
        (AskedEntry(name='new_W1', step=2), AskedEntry(name='z1_2@3', step=1))
        """
        return cls(*step_of(text))

    def stands_for_one_of(self, names: tuple[str, ...]) -> bool:
        """Say whether the name is one of some names, or that of an element or a sample of it."""
        return any(name in names for name, _ in numbered(Scalar.read(self.name).name))


def layer_entry(layer: int) -> str:
    """Return the entry of `ask` that stands for all of one layer."""
    return f"layer{layer}"


def lines_of(training: Training | None) -> tuple[str, ...]:
    """Return the names of the states and parts of an update that a student writes down before the new value.

    >>> import symbackprop
    >>> lines_of(symbackprop.example("line").training)
    ()
    """
    if training is None:
        return ()
    return tuple(name for name, _ in optimizers.reduced(training.optimizer, training.zero) if name != "w")


def askable_arrays(problem: Problem) -> tuple[str, ...]:
    """Return the names that entries may begin with, in the first step: the usual ones first."""
    return tuple(dict.fromkeys(_names(problem)))


def _names(problem: Problem) -> Iterator[str]:
    model, training = problem.model, problem.training
    computed, parameters = model.computed(), tuple(problem.parameter_shapes())
    output = model.output
    yield from computed
    yield from (group for group in GROUPS if training is not None or group not in OF_UPDATES)
    yield from (gradient_name(output, name) for name in (*parameters, *computed) if name != output)
    if training is not None:
        yield from (f"new_{name}" for name in (*parameters, output))
        for line in lines_of(training):
            yield line
            yield from (f"{line}_{name}" for name in parameters)
    yield from map(layer_entry, range(1, len(problem.layers) + 1))
