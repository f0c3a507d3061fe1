"""What every engine does: code of a plan that runs. A backend chooses the engine and what compiles its code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from symbackprop.compilation.optimizer_code import UpdateCode

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

    `batches` is an array (updates, samples) of indices, or None where every update has all samples.
    """

    rates: Array
    first: int
    batches: Array | None


class Engine(Protocol):
    """The code of one plan. Arrays come in the order of the plan's parameters and data, in the number type of the plan."""

    @property
    def source(self) -> str:
        """The code of loss and gradients."""

    def gradient(self, parameters: Arrays, data: Arrays, gradients: Arrays) -> float:
        """Write the gradients and return the loss."""

    def loss(self, parameters: Arrays, data: Arrays) -> float:
        """Return the loss."""

    def predict(self, parameters: Arrays, inputs: Arrays) -> Array:
        """Return the outputs of a network, (samples, outputs)."""

    def descend(self, update: UpdateCode, parameters: Arrays, states: Arrays, data: Arrays, run: Run) -> Array:
        """Change parameters and states by one update for each learning rate; return the losses before the updates.

        `states` are in the order of the update's states and, for each, of the trained parameters.
        """
