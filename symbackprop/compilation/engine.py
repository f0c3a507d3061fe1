"""What every engine does: code of a plan that runs. A backend chooses the engine and what compiles its code."""

from __future__ import annotations

import abc
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.compilation.optimizer_code import UpdateCode
from symbackprop.compilation.plan import Plan

Array = np.ndarray[Any, np.dtype[Any]]
Arrays = Sequence[Array]


_LINE = 64
"""Bytes of a cache line: an array that begins with one is read by whole lines."""


def empty(shape: tuple[int, ...], dtype: str) -> Array:
    """Return an uninitialised array that begins with a cache line."""
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    memory = np.empty(size + _LINE, np.uint8)
    start = -memory.ctypes.data % _LINE
    return memory[start : start + size].view(kind).reshape(shape)


def like(array: Array) -> Array:
    """Return an uninitialised array in the shape, type and order of another one."""
    if array.flags.f_contiguous and not array.flags.c_contiguous:
        return empty(array.shape[::-1], array.dtype.name).T
    return empty(array.shape, array.dtype.name)


def copied(array: Array) -> Array:
    """Return a copy in the same order that begins with a cache line."""
    found = like(array)
    found[...] = array
    return found


@dataclass(frozen=True, slots=True)
class Run:
    """The updates of one call: their learning rates, the number of the first one (from 1), and the samples of each.

    `batches` is an array (updates, samples) of indices, or None where every update has all samples. `looks` (updates,) marks
    the updates after which all parameters, one after the other, are written to a row of the `trace` (marked, numbers).
    """

    rates: Array
    first: int
    batches: Array | None = None
    looks: Array | None = None
    trace: Array | None = None

    def part(self, updates: slice, first: int) -> Run:
        """Return some of the updates, of which the first one has that number."""
        batches = None if self.batches is None else self.batches[updates]
        if self.looks is None or self.trace is None:
            return Run(self.rates[updates], first, batches)
        before = int(np.count_nonzero(self.looks[: updates.start]))
        looks = self.looks[updates]
        return Run(self.rates[updates], first, batches, looks, self.trace[before : before + np.count_nonzero(looks)])


class Engine(abc.ABC):
    """The code of one plan. Arrays come in the order of the plan's parameters and data, in the number type of the plan."""

    plan: Plan

    @property
    @abc.abstractmethod
    def source(self) -> str:
        """The code of loss and gradients."""

    @property
    @abc.abstractmethod
    def stretch(self) -> int:
        """About how many updates fit into a tenth of a second at most: for so long nobody looks, or can interrupt."""

    @abc.abstractmethod
    def gradient(self, parameters: Arrays, data: Arrays, gradients: Arrays) -> float:
        """Write the gradients and return the loss."""

    @abc.abstractmethod
    def loss(self, parameters: Arrays, data: Arrays) -> float:
        """Return the loss."""

    @abc.abstractmethod
    def value(self, name: str, parameters: Arrays, data: Arrays) -> Array:
        """Return a quantity in an array of its own; `data` are those that it is computed from (`Plan.data_of`).

        One that differs between samples is (samples, *shape), for any number of samples, whatever the plan's is.
        """

    def predict(self, parameters: Arrays, inputs: Arrays) -> Array:
        """Return the outputs of a network, (samples, outputs), in an array of their own."""
        assert self.plan.graph.prediction is not None
        return self.value(self.plan.graph.prediction.name, parameters, inputs)

    @abc.abstractmethod
    def descend(self, update: UpdateCode, parameters: Arrays, states: Arrays, data: Arrays, run: Run) -> Array:
        """Change parameters and states by one update for each learning rate; return the losses before the updates.

        `states` are in the order of the update's states and, for each, of the trained parameters.
        """

    def losses(self, trace: Array, data: Arrays) -> Array:
        """Return the losses with the parameters of every row of a trace, (rows,)."""
        return np.array([self.loss(parameters, data) for parameters in self._traced(trace)])

    def outputs(self, trace: Array, inputs: Arrays) -> Array:
        """Return the outputs of a network with the parameters of every row of a trace, (rows, samples, outputs)."""
        return np.array([self.predict(parameters, inputs) for parameters in self._traced(trace)])

    def _traced(self, trace: Array) -> Iterator[Arrays]:
        shapes = [quantity.shape for quantity in self.plan.parameters]
        return (unflattened(row, shapes) for row in trace)


def flattened(arrays: Arrays) -> Array:
    """Return the numbers of some arrays one after the other."""
    return np.concatenate([array.ravel() for array in arrays]) if arrays else np.empty(0)


def unflattened(numbers: Array, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """Return the arrays of these shapes whose numbers come one after the other."""
    ends = list(itertools.accumulate(map(math.prod, shapes), initial=0))
    return [
        numbers[start:end].reshape(shape) for (start, end), shape in zip(itertools.pairwise(ends), shapes, strict=True)
    ]
