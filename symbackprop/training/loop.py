"""One training: compiled updates in stretches, at which those who watch and callbacks look afterwards.

A stretch is as many updates as take a moment. Whatever anybody wants to see of them is kept on the way; where training is to
end within a stretch, it is carried out again from its beginning to that place, which gives the same numbers, bit for bit.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from symbackprop.compilation import Gradient, Runner
from symbackprop.compilation.compiled_descent import COUNT
from symbackprop.compilation.engine import Array, flattened
from symbackprop.descent import epochs
from symbackprop.evaluation.evaluate import is_finite
from symbackprop.messages import message
from symbackprop.problems import Training
from symbackprop.training.batching import Data, UpdateBlock, joined
from symbackprop.training.history import Best, Callback, DivergenceError, History
from symbackprop.training.watching import Least, Seen, Watching

EPOCH = "state.epoch"
"""What the number of whole epochs is saved as."""

_TRACED = 2**20
"""Numbers that are kept of a stretch for those who look at it, at most."""


_BLOCKS = 100
"""Blocks of a stretch, at most: where sizes alternate, each is a call of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    """Updates in a row: what they begin with, and what it takes to carry them out again."""

    before: dict[str, Array]
    blocks: list[UpdateBlock]
    epochs: Array
    ends: Array
    rates: Array

    @property
    def first(self) -> int:
        """The number of updates before these."""
        return int(self.before[COUNT])


@dataclass(frozen=True, slots=True, eq=False)
class _Done:
    """What is left of a stretch once it is behind: of the updates that count epochs, losses before them, and rates."""

    count: int
    passed: int
    epochs: Array
    losses: Array
    rates: Array


class TrainingLoop:
    """The training of a runner on blocks of updates; `validation` is the data whose loss is watched, None: all samples."""

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
        self.first, self._start = runner.count, epoch
        self.last = runner.count + training.steps if is_counted else math.inf
        self.watching = Watching(
            self.gradient,
            training,
            (runner.samples, runner.data),
            validation=validation,
            callbacks=callbacks,
            recorded=[runner.count + number - 1 for number in recorded],
        )
        self._has_no_data = not runner.data and bool(self.gradient.arguments.inputs)
        self._numbers = sum(array.size for array in runner.parameters.values())
        self._rest: UpdateBlock | None = None
        self._done: list[_Done] = []
        self._latest: tuple[_Stretch | None, _Stretch | None] = (None, None)
        self._best: tuple[Least, _Stretch | None] | None = None
        self._latest_rate: tuple[int, float] | None = None
        self.seconds = 0.0

    def run(self) -> History:
        """Carry out all updates.

        Raises `DivergenceError` where the loss stops being finite, with the history up to the last finite one. Any other
        exception that ends the training, an interrupt or one of a callback, is given the `history` up to there.
        """
        start = time.perf_counter()
        try:
            self.watching.begin(self.count, self._start, flattened(list(self.runner.parameters.values())))
            while not self.watching.stopped and self.count < self.last:
                blocks = self._take()
                if not blocks:
                    break
                self._carry_out(blocks)
            loss = self._present()
            if self.count > self.first and not is_finite(loss):
                raise self._diverged(loss)
            self.watching.end(self.count, self._passed, loss)
        except DivergenceError:
            raise
        except BaseException as error:
            self.seconds = time.perf_counter() - start
            self._go_back(self.count)
            with contextlib.suppress(AttributeError):  # an exception that takes no attributes
                error.history = self._history(self._present())  # type: ignore[attr-defined]
            raise
        self.seconds = time.perf_counter() - start
        return self._history(loss)

    @property
    def count(self) -> int:
        """How many updates there have been, those of earlier trainings included."""
        return self._done[-1].count if self._done else self.first

    @property
    def _passed(self) -> int:
        """How many whole epochs have passed."""
        return self._done[-1].passed if self._done else self._start

    # Updates

    def _take(self) -> list[UpdateBlock]:
        """Return the updates of the next stretch; a batch that was handed over is one of its own."""
        blocks: list[UpdateBlock] = []
        room = math.inf
        while room > 0 and len(blocks) < _BLOCKS:
            block = self._rest or next(self.blocks, None)
            self._rest = None
            if block is None:
                break
            if not blocks:
                room = min(self.last - self.count, self._longest(block))
            part, self._rest = block.split(int(min(room, block.updates)))
            blocks.append(part)
            room = 0 if part.data is not None else room - part.updates
        return joined(blocks)

    def _longest(self, block: UpdateBlock) -> int:
        """Return how many updates a stretch has that begins with a block."""
        has_all = block.batches is None and block.data is None
        longest = self.gradient.engine(self.runner.samples if has_all else block.batch_size).stretch
        return max(1, min(longest, _TRACED // max(self._numbers, 1))) if self.watching.is_traced else longest

    def _carry_out(self, blocks: list[UpdateBlock]) -> None:
        """Carry out updates, show them to whoever looks, and go back to where training ends among them, if it does."""
        numbers, ends = (_whole([getattr(block, name) for block in blocks]) for name in ("epochs", "ends"))
        stretch = _Stretch(self.runner.save(), blocks, numbers, ends, self._rates_of(numbers))
        self._latest = (self._latest[1], stretch)
        steps = np.arange(stretch.first + 1, stretch.first + len(numbers) + 1)
        looks = self.watching.looks(steps, ends)
        trace = np.empty((np.count_nonzero(looks), self._numbers), self.gradient.dtype)
        losses = self._run(stretch, len(steps), looks, trace)
        wrong = np.flatnonzero(~np.isfinite(losses))
        sound = slice(int(wrong[0]) if wrong.size else len(losses))
        trace = trace[: np.count_nonzero(looks[sound])]
        seen = Seen(steps[sound], numbers[sound], ends[sound], losses[sound], stretch.rates[sound], looks[sound], trace)
        try:
            self.watching.look(seen)
        finally:
            self._count(stretch, losses[: self.watching.reached - stretch.first])
        if self.watching.stopped and self.count < steps[-1]:
            self._go_back(self.count)
        elif wrong.size:
            raise self._diverged(losses[wrong[0]])

    def _count(self, stretch: _Stretch, losses: Array) -> None:
        """Count the first updates of a stretch as done."""
        made = len(losses)
        passed = int(stretch.epochs[made - 1]) - (not stretch.ends[made - 1]) if made else self._passed
        self._done.append(_Done(stretch.first + made, passed, stretch.epochs[:made], losses, stretch.rates[:made]))
        least = self.watching.least
        if least is not None and (self._best is None or least is not self._best[0]):
            self._best = least, stretch if least.step >= stretch.first else self._latest[0]

    def _run(self, stretch: _Stretch, updates: int, looks: Array | None = None, trace: Array | None = None) -> Array:
        """Carry out the first updates of a stretch; return the losses before them."""
        found: list[Array] = []
        start = row = 0
        for block in stretch.blocks:
            if start == updates:
                break
            part, _ = block.split(updates - start)
            if part.data is not None:
                self.runner.samples, self.runner.data = part.data
            stop = start + part.updates
            seen, rows = None, None
            if looks is not None and trace is not None and looks[start:stop].any():
                seen = looks[start:stop]
                rows = trace[row : row + np.count_nonzero(seen)]
                row += len(rows)
            found.append(self.runner.run(stretch.rates[start:stop], part.batches, looks=seen, trace=rows))
            start = stop
        return _whole(found)

    def _rates_of(self, numbers: Array) -> Array:
        """Return the learning rates of the updates to come, which are in epochs of these numbers."""
        first, last = (
            self._changes(self.runner.count + place, int(numbers[place]) - 1) for place in (0, len(numbers) - 1)
        )
        if first == last:  # the rate changes in one direction only
            return np.broadcast_to(np.float64(self._rate(first)), len(numbers))  # one number in memory
        updates = np.arange(len(numbers)) + self.runner.count
        changes = epochs.changes_after(self.training, updates, numbers - 1)
        begins = np.flatnonzero(np.diff(changes, prepend=-1))
        rates = [self._rate(count) for count in changes[begins].tolist()]
        return np.repeat(rates, np.diff(begins, append=len(changes)))

    def _changes(self, updates: int, passed: int) -> int:
        return epochs.changes_after(self.training, updates, passed)

    def _rate(self, changes: int) -> float:
        if self._latest_rate is None or self._latest_rate[0] != changes:
            self._latest_rate = changes, float(epochs.rate_after(self.training, changes))
        return self._latest_rate[1]

    def _go_back(self, step: int) -> None:
        """Go back to where so many updates are carried out."""
        earlier, latest = self._latest
        stretch = earlier if latest is None or step < latest.first else latest
        if stretch is not None:
            self.runner.load(stretch.before)
            self._run(stretch, step - stretch.first)

    def _present(self) -> float:
        """Return the loss of all samples, or of the batch that came last; NaN before the first one."""
        if self._has_no_data and not self.runner.data:
            return math.nan
        return self.gradient.engine(self.runner.samples).loss(list(self.runner.parameters.values()), self.runner.data)

    # What is told

    def _copied(self) -> Mapping[str, Array]:
        return {name: np.array(array, order="C") for name, array in self.runner.parameters.items()}

    def _least(self) -> Best | None:
        """Return where the watched loss was least, and the parameters there."""
        least = self.watching.least
        if least is None or least.step > self.runner.count:
            return None
        if least.row is not None:
            found = self.watching.named(least.row)
        elif least.step == self.runner.count or self._best is None or self._best[1] is None:
            found = self._copied()
        else:
            now, stretch = self.runner.save(), self._best[1]
            self.runner.load(stretch.before)
            self._run(stretch, least.step - stretch.first)
            found = self._copied()
            self.runner.load(now)
        return Best(least.step, least.epoch, least.loss, found)

    def _history(self, loss: float) -> History:
        count = self.runner.count
        made = count - self.first
        losses, rates, numbers = (
            _whole([getattr(done, name) for done in self._done])[:made] for name in ("losses", "rates", "epochs")
        )
        watching = self.watching
        watched = sum(step <= count for step in watching.steps)
        saved = self.runner.save()
        state = {name: array for name, array in saved.items() if name not in self.runner.parameters}
        return History(
            gradient=self.gradient,
            training=self.training,
            parameters=self._copied(),
            losses=losses,
            loss=loss,
            learning_rates=np.require(rates, requirements="W"),
            epochs=numbers.astype(int, copy=False),
            validation_losses=np.array(watching.losses[:watched]),
            validation_steps=np.array(watching.steps[:watched], dtype=int),
            seconds=self.seconds,
            first=self.first,
            state=state | {EPOCH: np.array(self._passed)},
            best=self._least(),
            stopped=watching.stopped,
            predictions=watching.predictions_until(count),
        )

    def _diverged(self, loss: float) -> DivergenceError:
        """Return the error for a loss that is not finite behind the last update; the runner goes back to before it."""
        step = self.count
        what = message("train.not_finite", loss=f"{loss:g}")
        self._go_back(max(step - 1, self.first))
        if step > self.first:
            last = next(done for done in reversed(self._done) if len(done.losses))
            what = message("train.diverged", step=step, loss=f"{loss:g}", rate=f"{last.rates[-1]:g}")
            passed = int(last.epochs[-1]) - 1
            self._done.append(_Done(step - 1, passed, last.epochs[:0], last.losses[:0], last.rates[:0]))
        return DivergenceError(what, history=self._history(self._present()))


def _whole(parts: list[Array]) -> Array:
    """Return arrays one behind the other; one alone as it is."""
    if not parts:
        return np.empty(0)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
