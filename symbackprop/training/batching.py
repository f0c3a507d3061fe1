"""The samples of each update: out of arrays, epoch after epoch, or handed over batch by batch."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symbackprop.compilation.arguments import Arguments
from symbackprop.compilation.engine import Array
from symbackprop.descent import epochs
from symbackprop.errors import ProblemError
from symbackprop.messages import message
from symbackprop.problems import Training
from symbackprop.problems.training_table import batches_in

Data = tuple[int | None, list[Array]]
"""A number of samples (None: one sample of a computation graph), and the arrays of inputs and targets."""


_EPOCHS = 50_000
"""Epochs of one update that are counted off at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class UpdateBlock:
    """Updates in a row on batches of one size: of each its epoch (counted from 1), and whether the epoch ends with it.

    `batches` are the indices of their samples, (updates, samples), or None where an update has all samples: those of the
    training, or the `data` that came with it.
    """

    epochs: Array
    ends: Array
    batches: Array | None = None
    data: Data | None = None

    @property
    def updates(self) -> int:
        """How many updates these are."""
        return len(self.epochs)

    @property
    def batch_size(self) -> int | None:
        """How many samples an update has; None for all of the training."""
        if self.data is not None:
            return self.data[0]
        return None if self.batches is None else self.batches.shape[1]

    def split(self, updates: int) -> tuple[UpdateBlock, UpdateBlock | None]:
        """Return the first updates, and the others if there are any."""
        if updates >= self.updates:
            return self, None
        first, rest = slice(updates), slice(updates, None)
        return self._part(first), self._part(rest)

    def _part(self, part: slice) -> UpdateBlock:
        batches = None if self.batches is None else self.batches[part]
        return replace(self, epochs=self.epochs[part], ends=self.ends[part], batches=batches)

    def joins(self, other: UpdateBlock) -> bool:
        """Say whether the updates of both can be carried out in one go."""
        if self.data is not None or other.data is not None:
            return False
        return self.batch_size == other.batch_size


def joined(blocks: Iterable[UpdateBlock]) -> list[UpdateBlock]:
    """Return the same updates in as few blocks as there can be."""
    groups: list[list[UpdateBlock]] = []
    for block in blocks:
        if groups and groups[-1][-1].joins(block):
            groups[-1].append(block)
        else:
            groups.append([block])
    return [_one(group) for group in groups]


def _one(blocks: Sequence[UpdateBlock]) -> UpdateBlock:
    """Return blocks that can be joined as one."""
    if len(blocks) == 1:
        return blocks[0]
    batches = [block.batches for block in blocks if block.batches is not None]
    epochs, ends = (np.concatenate([getattr(block, name) for block in blocks]) for name in ("epochs", "ends"))
    return UpdateBlock(epochs, ends, np.concatenate(batches) if batches else None)


def from_arrays(samples: int | None, training: Training, done: int) -> Iterator[UpdateBlock]:
    """Iterate without end over the updates of one epoch after the other, those that are done left out."""
    per_epoch = batches_in(samples, training.batch_size)
    passed, place = divmod(done, per_epoch)
    if per_epoch == 1 or samples is None or training.batch_size is None:
        ends = np.ones(_EPOCHS, bool)
        yield from (UpdateBlock(np.arange(n, n + _EPOCHS), ends) for n in itertools.count(passed + 1, _EPOCHS))
        return
    size = training.batch_size
    whole = samples // size
    orders: Iterator[Array] = itertools.repeat(np.arange(samples))
    if training.shuffle:
        orders = itertools.islice(epochs.orders(samples, training.seed), passed, None)
    for number, order in enumerate(orders, start=passed + 1):
        parts = [order[: whole * size].reshape(whole, size)[place:], order[whole * size :].reshape(1, -1)]
        parts = [part for part in parts if part.size]
        for part in parts:
            ends = np.zeros(len(part), bool)
            ends[-1] = part is parts[-1]
            yield UpdateBlock(np.full(len(part), number), ends, part)
        place = 0


def from_batches(
    batches: Iterable[Any], arguments: Arguments, passed: int, passes: int | None
) -> Iterator[UpdateBlock]:
    """Iterate over batches that are handed over, pairs of inputs and targets; a pass over them is an epoch.

    The epochs after the `passed` ones are counted on; there are `passes` of them, or no end of them.

    Raises `ProblemError` for what is no pair, and where a pass has nothing left: an iterator can be gone through once.
    """
    numbers = itertools.count(passed + 1)
    for number in numbers if passes is None else itertools.islice(numbers, passes):
        last: UpdateBlock | None = None
        for batch in batches:
            if last is not None:
                yield last
            data = arguments.data_arrays(*pair(batch, "x"))
            last = UpdateBlock(np.array([number]), np.array([False]), data=data)
        if last is None:
            raise ProblemError(message("train.exhausted", number=number), where="x")
        yield replace(last, ends=np.array([True]))


def pair(given: object, where: str) -> tuple[object, object]:
    """Return inputs and targets out of what should be a pair of them."""
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise ProblemError(message("train.pairs"), where=where)
    return given[0], given[1]


def is_batches(x: object, y: object) -> bool:
    """Say whether `x` is an iterable of batches rather than an array: pairs, the first of which has axes of its own."""
    if y is not None or x is None or isinstance(x, Mapping | str | bytes) or hasattr(x, "__array__"):
        return False
    if not isinstance(x, Sequence):
        return isinstance(x, Iterable)
    if not x or not isinstance(x[0], tuple | list) or len(x[0]) != 2:
        return False
    first = x[0][0]
    return isinstance(first, Mapping) or np.ndim(first) > 0


def rows(data: Data, chosen: Array) -> Data:
    """Return some of the samples."""
    return len(chosen), [np.ascontiguousarray(array[chosen]) for array in data[1]]


def held_out_count(samples: int, fraction: float) -> int:
    """Return how many samples a fraction of them is: at least one, and not all."""
    return min(max(round(fraction * samples), 1), samples - 1)


def held_back(data: Data, fraction: float, seed: int) -> tuple[Data, Data]:
    """Return samples to train on, in their order, and a fraction to watch: the first of a permutation by PCG64(seed).

    At least one sample stays on either side. Raises `ProblemError` for fewer than two samples.
    """
    samples = data[0] or 1
    if samples < 2:
        raise ProblemError(message("train.too_few"), where="training.stop.validation_fraction")
    count = held_out_count(samples, fraction)
    order = next(epochs.orders(samples, seed))
    return rows(data, np.sort(order[count:])), rows(data, np.sort(order[:count]))
