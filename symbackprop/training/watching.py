"""Who looks at a training: the watch that stops it, callbacks, records of outputs. They look after updates have run."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from symbackprop.compilation import Gradient
from symbackprop.compilation.engine import Array, unflattened
from symbackprop.descent import epochs
from symbackprop.problems import Training
from symbackprop.problems.training_table import batches_in
from symbackprop.training.batching import Data
from symbackprop.training.history import Callback, Every, LiveParameters, TrainingState


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What is known of updates that were carried out: their numbers, epochs, losses and learning rates, (updates,) each.

    `trace` has a row of parameters for each update that `looks` marks.
    """

    steps: Array
    epochs: Array
    ends: Array
    losses: Array
    rates: Array
    looks: Array
    trace: Array

    def rows(self, places: Array) -> Array:
        """Return the parameters behind some of the updates that are marked."""
        return self.trace if len(places) == len(self.trace) else self.trace[np.cumsum(self.looks)[places] - 1]


@dataclass(frozen=True, slots=True)
class Least:
    """Where the watched loss was least: after `step` updates, in `epoch`; None for parameters that were not kept."""

    step: int
    epoch: int
    loss: float
    row: Array | None


class Watching:
    """All who look at one training. `reached` is the number of updates that count, as far as they have looked."""

    def __init__(
        self,
        gradient: Gradient,
        training: Training,
        data: Data,
        *,
        validation: Data | None,
        callbacks: Iterable[Callback],
        recorded: Iterable[int],
    ) -> None:
        """Make ready; `data` are all samples, `recorded` the numbers of updates after which the outputs are kept."""
        self.gradient, self.training, self.data, self.validation = gradient, training, data, validation
        self.callbacks, self.recorded = tuple(callbacks), np.array(sorted({*recorded}), int)
        self.parameters = LiveParameters({each.name: each.shape for each in gradient.arguments.parameters})
        self.stopped = False
        self.reached = 0
        self.least: Least | None = None
        self.losses: list[float] = []
        self.steps: list[int] = []
        self.predictions: dict[int, Array] = {}
        self._watch: epochs.Watch | None = None

    @property
    def is_watched(self) -> bool:
        """Whether a loss is watched at the ends of epochs."""
        return self.validation is not None or self.training.stop is not None

    @property
    def knows(self) -> bool:
        """Whether the watched loss is known from the updates: it is that of all samples, and every update has them all."""
        has_all = batches_in(self.data[0], self.training.batch_size) == 1
        return has_all and self.validation is None and self.training.stop is not None

    @property
    def is_traced(self) -> bool:
        """Whether anybody wants to see parameters."""
        return bool(self.callbacks) or self.recorded.size > 0 or (self.is_watched and not self.knows)

    def looks(self, steps: Array, ends: Array) -> Array:
        """Return behind which updates somebody wants to see the parameters."""
        if not self.is_traced:
            return np.zeros(len(steps), bool)
        found = self._due(steps)
        found[self._recorded_in(steps)] = True
        return found | ends if self.is_watched and not self.knows else found

    def _recorded_in(self, steps: Array) -> Array:
        """Return which places of some updates in a row are to be recorded."""
        first, last = np.searchsorted(self.recorded, [steps[0], steps[-1] + 1]) if len(steps) else (0, 0)
        return self.recorded[first:last] - steps[0] if last > first else np.empty(0, int)

    def _due(self, steps: Array) -> Array:
        """Return behind which updates some callback is called."""
        found = np.zeros(len(steps), bool)
        for call in self.callbacks:
            if isinstance(call, Every):
                found[call.after(int(steps[0]) - 1) - steps[0] :: call.updates] = True
            else:
                found[:] = True
        return found

    # Looking

    def begin(self, step: int, epoch: int, row: Array) -> None:
        """Look at the parameters before the first update."""
        self.reached = step
        if len(self._recorded_in(np.array([step]))):
            self._keep_outputs(np.array([step]), row[None, :])
        if self.is_watched and not self.knows:
            loss = self._losses(row[None, :])
            self._judge(np.array([step]), loss)
            self._remember(np.array([step]), np.array([epoch]), loss, row[None, :])

    def look(self, seen: Seen) -> None:
        """Look at updates until one ends the training; `reached` is then its number, and `stopped` is true.

        An exception of a callback is passed on, `reached` being the update that it was told of.
        """
        first = int(seen.steps[0]) - 1 if len(seen.steps) else self.reached
        last = first + len(seen.steps)
        watched: Array
        if self.knows:
            # The loss before an update is the one behind the update before it.
            steps, numbers, watched, rows = seen.steps - 1, seen.epochs - 1, seen.losses, None
        elif self.is_watched:
            places = np.flatnonzero(seen.ends)
            rows = seen.rows(places)
            steps, numbers, watched = seen.steps[places], seen.epochs[places], self._losses(rows)
        else:
            steps, numbers, watched, rows = seen.steps[:0], seen.epochs[:0], seen.losses[:0], None
        end = self._judge(steps, watched)
        try:
            self._tell(seen, last if end is None else end, steps, watched)
        finally:
            counts = steps <= self.reached
            if self.validation is not None:
                self.steps += steps[counts].tolist()
                self.losses += watched[counts].tolist()
            self._remember(steps[counts], numbers[counts], watched[counts], rows if rows is None else rows[counts])
            recorded = self._recorded_in(seen.steps[: self.reached - first])
            if len(recorded):
                self._keep_outputs(seen.steps[recorded], seen.rows(recorded))

    def end(self, step: int, epoch: int, loss: float) -> None:
        """Look at the loss of all samples behind the last update, which no later update has shown."""
        if self.knows:
            self._judge(np.array([step]), np.array([loss]))
            self._remember(np.array([step]), np.array([epoch]), np.array([loss]), None)

    def _losses(self, rows: Array) -> Array:
        samples, arrays = self.data if self.validation is None else self.validation
        if not len(rows):
            return np.empty(0)
        return self.gradient.engine(samples).losses(rows, arrays)

    def _judge(self, steps: Array, losses: Array) -> int | None:
        """Return the number of updates after which watched losses end the training; None where they do not."""
        begins = 0
        if self._watch is None and len(losses):
            self._watch, begins = epochs.watch_of(self.training, float(losses[0])), 1
        place = None if self._watch is None else self._watch.stops_at(losses[begins:].tolist())
        if place is None:
            return None
        self.stopped = True
        return int(steps[begins + place])

    def _tell(self, seen: Seen, end: int, steps: Array, watched: Array) -> None:
        """Call the callbacks for the updates up to one."""
        places = np.flatnonzero(self._due(seen.steps) & (seen.steps <= end)) if self.callbacks else np.empty(0, int)
        latest = self._latest(seen.steps[places], steps, watched)
        if not (len(places) and self._call(seen, places, latest)):
            self.reached = end

    def _latest(self, told: Array, steps: Array, losses: Array) -> list[float | None]:
        """Return the latest validation loss by each of some updates."""
        if self.validation is None:
            return [None] * len(told)
        known: list[float | None] = [self.losses[-1] if self.losses else None, *losses.tolist()]
        return [known[place] for place in np.searchsorted(steps, told, side="right").tolist()]

    def _call(self, seen: Seen, places: Array, latest: list[float | None]) -> bool:
        """Call the callbacks that are due, until one of them wants training to end; say whether one does."""
        live, tell, new = self.parameters, self._teller(), tuple.__new__
        live.rows, live.place = seen.rows(places), 0
        live.rows.flags.writeable = False
        steps = seen.steps[places].tolist()
        columns = (array[places].tolist() for array in (seen.epochs, seen.losses))
        states = zip(steps, *columns, latest, seen.rates[places].tolist(), itertools.repeat(live))
        try:
            for place, values in enumerate(states):
                live.place = place
                # What the constructor does, without a call in Python for each update.
                if tell(new(TrainingState, values)):
                    self.stopped = True
                    return True
        finally:
            self.reached = steps[live.place]
        return False

    def _teller(self) -> Callback:
        """Return what calls the callbacks that are due after an update and says whether one wants training to end."""
        calls = self.callbacks
        if len(calls) == 1:
            return calls[0]

        def tell(state: TrainingState) -> bool:
            due = [call for call in calls if not isinstance(call, Every) or state.step % call.updates == 0]
            # Every callback that is due is called, whatever the others want.
            wishes = [call(state) for call in due]
            return any(wishes)

        return tell

    # What is kept

    def _remember(self, steps: Array, numbers: Array, losses: Array, rows: Array | None) -> None:
        """Remember where a watched loss is least."""
        if not len(losses):
            return
        place = int(np.argmin(np.where(np.isnan(losses), np.inf, losses)))
        if self.least is None or losses[place] < self.least.loss:
            row = None if rows is None else rows[place].copy()
            self.least = Least(int(steps[place]), int(numbers[place]), float(losses[place]), row)

    def _keep_outputs(self, steps: Array, rows: Array) -> None:
        """Keep the outputs of all samples behind some updates."""
        self.predictions |= zip((steps + 1).tolist(), self.gradient.outputs(rows, self.data[1][0]), strict=True)

    def predictions_until(self, step: int) -> dict[int, Array]:
        """Return the outputs before updates that were carried out, by their number."""
        while self.predictions and next(reversed(self.predictions)) > step:
            self.predictions.popitem()
        return self.predictions

    def named(self, row: Array) -> Mapping[str, Array]:
        """Return the parameters of a row by name."""
        quantities = self.gradient.arguments.parameters
        arrays = unflattened(row, [each.shape for each in quantities])
        return {each.name: array for each, array in zip(quantities, arrays, strict=True)}
