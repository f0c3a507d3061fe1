"""What the passing of epochs decides: which samples an update sees, its learning rate, when to stop, what a table shows.

An epoch is one pass over the samples, in batches of `batch_size`, in the order in which they are given or in an order that
is drawn anew for each epoch. What is left over at its end is a smaller batch.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar

from symbackprop.algebra.formula import Name, Node, Number, rewrite
from symbackprop.arithmetic import exact
from symbackprop.catalog import schedules
from symbackprop.catalog.optimizers import RATE
from symbackprop.derivation.derivations import Derivation
from symbackprop.problems import Array, Problem, Training
from symbackprop.problems.training_table import batches_in

if TYPE_CHECKING:
    import numpy

Count = TypeVar("Count", int, "numpy.ndarray[Any, Any]")

Batch = tuple[int, ...]
"""The numbers of samples, counted from 1."""


def batches(samples: int, batch_size: int | None, *, shuffle: bool = False, seed: int = 0) -> Iterator[Batch]:
    """Iterate without end over the batches of one epoch after the other.

    With `shuffle` each epoch's order is the next permutation of one generator, PCG64(seed).

    >>> list(itertools.islice(batches(3, 2), 3))
    [(1, 2), (3,), (1, 2)]
    """
    size = samples if batch_size is None else batch_size
    if not shuffle:
        numbers = tuple(range(1, samples + 1))
        while True:
            yield from (numbers[start : start + size] for start in range(0, samples, size))
    for order in orders(samples, seed):
        numbers = tuple(int(index) + 1 for index in order)
        yield from (numbers[start : start + size] for start in range(0, samples, size))


def orders(samples: int, seed: int) -> Iterator[numpy.ndarray[Any, Any]]:
    """Iterate without end over orders of the samples, one for each epoch: indices from 0, permuted by PCG64(seed)."""
    import numpy

    generator = numpy.random.Generator(numpy.random.PCG64(seed))
    while True:
        yield generator.permutation(samples)


def batches_of(training: Training, samples: int | None) -> Iterator[Batch | None]:
    """Iterate over the batches of a problem's training; None stands for all samples, in their own order."""
    if batches_in(samples, training.batch_size) == 1 or samples is None:
        return itertools.repeat(None)
    return batches(samples, training.batch_size, shuffle=training.shuffle, seed=training.seed)


def problem_of(derivation: Derivation, batch: Batch) -> Problem:
    """Return the same problem with the samples of a batch only: a problem of its own.

    A mean over the samples is then one over the batch, and the m of a penalty is the number of samples in the batch.
    """
    arrays = {
        name: _rows(array, batch) if derivation.graph.quantities[name].batched else array
        for name, array in derivation.problem.arrays.items()
    }
    return replace(derivation.problem, arrays=arrays, samples=len(batch))


def _rows(array: Array, batch: Batch) -> Array:
    """Return the rows of an array of data that belong to the samples of a batch."""
    size = len(array.entries) // array.shape[0]
    entries = tuple(entry for sample in batch for entry in array.entries[(sample - 1) * size : sample * size])
    return Array((len(batch), *array.shape[1:]), entries)


def learning_rate(training: Training, update: int, samples: int | None) -> exact.Exact:
    """Return the learning rate of an update (counted from 1) of a training on so many samples.

    >>> import symbackprop
    >>> schedule = {"kind": "exponential", "gamma": "1/2"}
    >>> learning_rate(symbackprop.example("line", [("training.schedule", schedule)]).training, 3, None)
    Fraction(1, 8)
    """
    return rate_after(training, changes(training, update, samples))


def rate_after(training: Training, count: int) -> exact.Exact:
    """Return the learning rate after it has changed `count` times."""
    rate = training.settings[RATE].value
    return exact.evaluate(rate_formula(training, count), lambda node: rate if isinstance(node, Name) else None)


def rate_formula(training: Training, count: int) -> Node:
    """Return the learning rate after it has changed `count` times as a formula over the one that it starts from."""
    known = {name: given.value for name, given in training.schedule.settings.items()} | {"k": Fraction(count)}
    return rewrite(
        schedules.rate(training.schedule.kind),
        lambda node: Number(known[node.name]) if isinstance(node, Name) and node.name in known else None,
    )


def changes(training: Training, update: int, samples: int | None) -> int:
    """Return how often the learning rate has changed before an update."""
    return changes_after(training, update - 1, (update - 1) // batches_in(samples, training.batch_size))


def changes_after(training: Training, updates: Count, epochs: Count) -> Count:
    """Return how often the learning rate has changed after so many updates in so many whole epochs, of one or of many."""
    choice = training.schedule
    passed = updates if choice.per_step else epochs
    return schedules.changes(choice.kind, passed, {name: given.value for name, given in choice.settings.items()})


MOST_ROWS = 12
"""Rows of a table of updates, at most."""


def table_rows(last: int) -> list[int]:
    """Return the numbers of updates that a table shows: 0, multiples of a round number, `last`; at most 12, all if it can.

    >>> table_rows(3), table_rows(100)[:3], table_rows(10_005)[-2:]
    ([0, 1, 2, 3], [0, 10, 20], [10000, 10005])
    """
    if last < MOST_ROWS:
        return list(range(last + 1))
    least = -(-last // (MOST_ROWS - 2))
    scale = 10 ** (len(str(least)) - 1)
    step = next(lead * scale for lead in (1, 2, 5, 10) if lead * scale >= least)
    return sorted({*range(0, last, step), last})


def rows_shown(training: Training, last: int) -> list[int]:
    """Return the numbers of updates that the table of a descent shows: 0, those asked for, the last; or round ones."""
    if training.steps_shown is None:
        return table_rows(last)
    return sorted({0, *(count for count in training.steps_shown if count < last), last})


class Watch:
    """Early stopping: whether the loss has failed to fall by more than a tolerance for so many epochs in a row.

    It is compared with the least loss so far: `min_delta` and `patience` of Keras's EarlyStopping, watched once in an epoch.
    """

    def __init__(self, tolerance: float, patience: int, loss: float) -> None:
        """Begin with the loss before the first update."""
        self.tolerance, self.patience = tolerance, patience
        self.least, self.failed = loss, 0

    def stops(self, loss: float) -> bool:
        """Take the loss at the end of an epoch; say whether training ends here."""
        return self.stops_at((loss,)) is not None

    def stops_at(self, losses: Iterable[float]) -> int | None:
        """Take the losses at the ends of epochs; return the place of the one at which training ends, None without one."""
        least, failed, bound = self.least, self.failed, self.least - self.tolerance
        found = None
        for place, loss in enumerate(losses):
            failed = 0 if loss < bound else failed + 1
            if loss < least:
                least, bound = loss, loss - self.tolerance
            if failed >= self.patience:
                found = place
                break
        self.least, self.failed = least, failed
        return found


def watch_of(training: Training | None, loss: float) -> Watch | None:
    """Return the watch that the `stop` of a training asks for, if it does."""
    stop = training.stop if training else None
    return None if stop is None else Watch(float(stop.tolerance), stop.patience, loss)
