"""One training: compiled updates in stretches, between which losses are watched and callbacks called."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from symbackprop.arithmetic import exact
from symbackprop.catalog.optimizers import RATE
from symbackprop.compilation import Gradient, Runner
from symbackprop.compilation.compiled_descent import COUNT
from symbackprop.compilation.engine import Array
from symbackprop.descent import epochs
from symbackprop.evaluation.evaluate import is_finite
from symbackprop.messages import message
from symbackprop.problems import Training
from symbackprop.training.batching import Data, UpdateBlock
from symbackprop.training.history import Best, Callback, DivergenceError, Every, History, TrainingState

EPOCH = "state.epoch"
"""What the number of whole epochs is saved as."""

_LONGEST = 2000
"""Updates that are carried out in one go, at most."""


@dataclass
class _Taken:
    """A stretch of updates that was carried out, and what it began with."""

    blocks: list[UpdateBlock]
    before: dict[str, Array]
    rates: list[float]


class TrainingLoop:
    """The training of a runner on blocks of updates; `watched` is the data whose loss is watched, None: all samples."""

    def __init__(
        self,
        runner: Runner,
        training: Training,
        blocks: Iterator[UpdateBlock],
        *,
        is_counted: bool = True,
        validation: Data | None = None,
        callbacks: Iterable[Callback] = (),
        recorded: Iterable[int] = (),
        epoch: int = 0,
    ) -> None:
        """Make ready.

        `is_counted` says that training ends after the number of updates in its settings, rather than with the blocks.
        `recorded` are the updates, counted from 1 in this training, before which the outputs are kept.
        """
        self.gradient: Gradient = runner.gradient
        self.runner, self.training, self.blocks = runner, training, blocks
        self.first, self.epoch, self._start = runner.count, epoch, epoch
        self.last = runner.count + training.steps if is_counted else math.inf
        self.validation, self.callbacks = validation, tuple(callbacks)
        self._has_no_data = not runner.data and bool(self.gradient.arguments.inputs)
        self.recorded = sorted({runner.count + number - 1 for number in recorded})
        self.predictions: dict[int, Array] = {}
        self.losses: list[float] = []
        self.rates: list[float] = []
        self.epochs: list[int] = []
        self.validation_losses: list[float] = []
        self.validation_steps: list[int] = []
        self._rates: dict[int, float] = {}
        self._taken: tuple[_Taken | None, _Taken | None] = (None, None)
        self.best: Best | None = None
        self.stopped = False
        self.seconds = 0.0

    def run(self) -> History:
        """Carry out all updates.

        Raises `DivergenceError` where the loss stops being finite, with the history up to the last finite one.
        """
        start = time.perf_counter()
        watch = epochs.watch_of(self.training, self._watched()) if self._watches else None
        self._record()
        for stretch in self._stretches():
            self._carry_out(stretch)
            self._record()
            ended = stretch[-1]
            if ended.ends and self._watches:
                watched = self._watched()
                if self.validation is not None:
                    self.validation_losses.append(watched)
                    self.validation_steps.append(self.runner.count)
                self.stopped = watch is not None and watch.stops(watched)
            # Every callback that is due is called, whatever the others want.
            step = self.runner.count
            wishes = [call(self._state(ended)) for call in self.callbacks if self._due(call, step - 1) == step]
            self.stopped = self.stopped or any(wish is True for wish in wishes)
            if self.stopped:
                break
        self.seconds = time.perf_counter() - start
        loss = self._present()
        if not is_finite(loss) and self.losses:
            raise self._diverged(loss, len(self._taken[1].rates) if self._taken[1] else 0)
        return self._history(loss)

    # Watching

    @property
    def _watches(self) -> bool:
        return self.validation is not None or self.training.stop is not None

    def _watched(self) -> float:
        """Return the loss that is watched, and remember where it was least."""
        loss = self._loss_of(self.validation)
        if self.best is None or loss < self.best.loss:
            self.best = Best(self.runner.count, self.epoch, loss, self._copied())
        return loss

    def _loss_of(self, data: Data | None) -> float:
        samples, arrays = (self.runner.samples, self.runner.data) if data is None else data
        return self.gradient.engine(samples).loss(list(self.runner.parameters.values()), arrays)

    def _present(self) -> float:
        """Return the loss of all samples, or of the batch that came last; NaN before the first one."""
        if self._has_no_data and not self.losses:
            return math.nan
        return self._loss_of(None)

    def _copied(self) -> Mapping[str, Array]:
        return {name: np.array(array) for name, array in self.runner.parameters.items()}

    def _record(self) -> None:
        """Keep the outputs of all samples, if they are wanted before the next update."""
        if self.recorded and self.recorded[0] == self.runner.count:
            step = self.recorded.pop(0) + 1
            self.predictions[step] = self.gradient.predict(self.runner.parameters, self.runner.data[0])

    # Updates

    def _stretches(self) -> Iterator[list[UpdateBlock]]:
        """Yield the updates that can be carried out before somebody has to look."""
        found: list[UpdateBlock] = []
        step, length = self.first, 0
        if step >= self.last:
            return
        for block in self.blocks:
            rest: UpdateBlock | None = block
            while rest is not None and step < self.last:
                record = next((each for each in self.recorded if each > step), math.inf)
                looks = (self._due(call, step) for call in self.callbacks)
                pause = min(self.last, record, *looks, step + _LONGEST - length)
                part, rest = rest.split(int(pause) - step)
                if found and not found[-1].joins(part):
                    yield found
                    found, length = [], 0
                found.append(part)
                step, length = step + part.updates, length + part.updates
                if step == pause or (part.ends and self._watches):
                    yield found
                    found, length = [], 0
            if step >= self.last:
                break
        if found:
            yield found

    @staticmethod
    def _due(call: Callback, step: int) -> float:
        """Return the first step after a step after which a callback is called."""
        return call.after(step) if isinstance(call, Every) else step + 1

    def _carry_out(self, stretch: list[UpdateBlock]) -> None:
        rates = list(self._rates_of(stretch))
        self._taken = (self._taken[1], _Taken(stretch, self.runner.save(), rates))
        losses = self._run(stretch, rates)
        wrong = np.flatnonzero(~np.isfinite(losses))
        if wrong.size:
            place = int(wrong[0])
            raise self._diverged(losses[place], place)
        self.losses += losses.tolist()
        self.rates += rates
        self.epochs += [block.epoch for block in stretch for _ in range(block.updates)]
        self.epoch = stretch[-1].epoch - (not stretch[-1].ends)

    def _run(self, stretch: list[UpdateBlock], rates: list[float]) -> Array:
        """Carry out updates, one for each rate; return the losses before them."""
        (first, *_) = stretch
        if first.data is not None:
            self.runner.samples, self.runner.data = first.data
        if first.batches is None:
            return self.runner.run(rates)
        batches = np.concatenate([block.batches for block in stretch if block.batches is not None])
        return self.runner.run(rates, batches[: len(rates)])

    def _rates_of(self, stretch: list[UpdateBlock]) -> Iterator[float]:
        updates = itertools.count(self.runner.count)
        for block in stretch:
            for done in itertools.islice(updates, block.updates):
                changes = epochs.changes_after(self.training, done, block.epoch - 1)
                if changes not in self._rates:
                    self._rates = {changes: float(epochs.rate_after(self.training, changes))}
                yield self._rates[changes]

    # What is told

    def _state(self, block: UpdateBlock) -> TrainingState:
        latest = self.validation_losses[-1] if self.validation_losses else None
        loss, rate = self.losses[-1], self.rates[-1]
        return TrainingState(self.runner.count, block.epoch, loss, latest, rate, self.runner.parameters)

    def _history(self, loss: float) -> History:
        count = self.runner.count
        made = count - self.first
        watched = sum(step <= count for step in self.validation_steps)
        saved = self.runner.save()
        state = {name: array for name, array in saved.items() if name not in self.runner.parameters}
        return History(
            gradient=self.gradient,
            training=self.training,
            parameters=self._copied(),
            losses=np.array(self.losses[:made]),
            loss=loss,
            learning_rates=np.array(self.rates[:made]),
            epochs=np.array(self.epochs[:made], dtype=int),
            validation_losses=np.array(self.validation_losses[:watched]),
            validation_steps=np.array(self.validation_steps[:watched], dtype=int),
            seconds=self.seconds,
            first=self.first,
            state=state | {EPOCH: np.array(self.epoch)},
            best=self.best if self.best is None or self.best.step <= count else None,
            stopped=self.stopped,
            predictions={step: found for step, found in self.predictions.items() if step <= count},
        )

    def _diverged(self, loss: float, place: int) -> DivergenceError:
        """Return the error for a loss that is not finite before update `place` (from 0) of the latest stretch.

        The runner goes back to before the update that led there.
        """
        earlier, latest = self._taken
        step = self.runner.count if latest is None else int(latest.before[COUNT]) + place
        rate = 0.0
        back, kept = (latest, place - 1) if place else (earlier, len(earlier.rates) - 1 if earlier else 0)
        if back is not None:
            rate = back.rates[kept]
            self.runner.load(back.before)
            losses = self._run(back.blocks, back.rates[:kept]) if kept else np.empty(0)
            before = self.first + len(self.losses)
            if int(back.before[COUNT]) >= before:
                self.losses += losses.tolist()
                self.rates += back.rates[:kept]
                self.epochs += [block.epoch for block in back.blocks for _ in range(block.updates)][:kept]
        elif latest is not None:
            self.runner.load(latest.before)
        made = self.runner.count - self.first
        self.epoch = self.epochs[made - 1] - 1 if made else self._start
        what = message("train.diverged", step=step, loss=f"{loss:g}", rate=f"{rate:g}")
        if back is None:
            what = message("train.not_finite", loss=f"{loss:g}")
        return DivergenceError(what, history=self._history(self._present()))


def fractions(training: Training) -> dict[str, Fraction]:
    """Return the settings of the optimizer as fractions, the learning rate left out."""
    settings = {name: given.value for name, given in training.settings.items() if name != RATE}
    return {name: exact.to_fraction_of_float(value) for name, value in settings.items()}
