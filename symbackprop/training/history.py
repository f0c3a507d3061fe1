"""What a training leaves: losses, parameters, what it takes to go on."""

from __future__ import annotations

import io
import itertools
import math
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from symbackprop.catalog.initializers import CLASSES, PROBLEM
from symbackprop.compilation import Gradient
from symbackprop.compilation.engine import Array
from symbackprop.csv_tables import write_csv
from symbackprop.display import Displayed
from symbackprop.errors import EvaluationError
from symbackprop.messages import Message
from symbackprop.problems import Problem, Training
from symbackprop.problems.saved_problem import text_of

COLUMNS = ("step", "epoch", "loss", "validation_loss", "learning_rate")
"""The columns of a log."""


class LiveParameters(Mapping[str, Array]):
    """The parameters behind an update, by name: those in row `place` of the `rows` that callbacks are being told of."""

    __slots__ = ("_places", "place", "rows")

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        ends = itertools.pairwise(itertools.accumulate(map(math.prod, shapes.values()), initial=0))
        self._places = {name: (slice(*end), shapes[name]) for name, end in zip(shapes, ends, strict=True)}
        self.rows: Array = np.empty((1, 0))
        self.place = 0

    def __getitem__(self, name: str) -> Array:
        part, shape = self._places[name]
        return self.rows[self.place, part].reshape(shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return repr(dict(self))


class TrainingState(NamedTuple):
    """What a callback is told after an update.

    `step` and `epoch` count from 1, `loss` is that before the update, of its own samples. `validation_loss` is the latest
    one, None before the first. `parameters` are read while the callback runs: copy what is to be kept. Updates are carried
    out some at a time, for at most about a tenth of a second, before callbacks are told of them.
    """

    step: int
    epoch: int
    loss: float
    validation_loss: float | None
    learning_rate: float
    parameters: Mapping[str, Array]


Callback = Callable[[TrainingState], object]
"""What is called after an update; training ends where it returns something true (`True`, `np.True_`, 1)."""


@dataclass(frozen=True, slots=True)
class Every:
    """A callback that is called after every `updates` updates only, so that those between run at full speed."""

    updates: int
    call: Callback

    def __call__(self, state: TrainingState) -> object:
        """Pass the state on.

        Args:
            state: What is told after an update.

        Returns:
            What the callback returns: something true ends the training.

        Examples:
            >>> import symbackprop
            >>> symbackprop.Every(2, len)("abc")
            3
        """
        return self.call(state)

    def after(self, step: int) -> int:
        """Return the first step after a step at which this is called.

        Args:
            step: The number of an update, 0 before the first.

        Returns:
            A number of an update.

        Examples:
            >>> import symbackprop
            >>> symbackprop.Every(100, print).after(250)
            300
        """
        return step - step % self.updates + self.updates


def _same(left: object, right: object) -> bool:
    """Say whether two values are equal, arrays entry by entry."""
    if isinstance(left, History | Best):
        return type(left) is type(right) and all(
            _same(getattr(left, each.name), getattr(right, each.name)) for each in fields(left)
        )
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(_same(left[name], right[name]) for name in left)
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return np.array_equal(np.asarray(left), np.asarray(right), equal_nan=True)
    return bool(left == right)


@dataclass(frozen=True, slots=True)
class Best:
    """Where the watched loss was least: after `step` updates, in `epoch` (0: before the first)."""

    step: int
    epoch: int
    loss: float
    parameters: Mapping[str, Array]

    def __eq__(self, other: object) -> bool:
        return _same(self, other)

    def __repr__(self) -> str:
        return f"<Best: loss {self.loss:g} after update {self.step}>"


@dataclass(frozen=True)
class History(Displayed):
    """What a `training` did. Parameters are float64 or float32 as the training was, everything else is float64.

    `losses` (updates,) are the losses before each update, of the samples of that update; `loss` is that of all samples
    after the last one (of the last batch, where batches were handed over). `learning_rates` and `epochs` (updates,) belong
    to the same updates, whose numbers begin after `first`. `validation_losses` (epochs,) are taken at the ends of epochs,
    after the updates numbered in `validation_steps`. `parameters` are those after the last update; `best` says where the
    watched loss was least, and with which parameters, where there was validation data or `stop`. `stopped` says that `stop`
    or a callback ended the training. `predictions` are the outputs of all samples before the updates that were to be
    recorded, by their number. `seconds` is the time that the updates took, including that to compile them.
    """

    gradient: Gradient
    training: Training
    parameters: Mapping[str, Array]
    losses: Array
    loss: float
    learning_rates: Array
    epochs: Array
    validation_losses: Array
    validation_steps: Array
    seconds: float
    first: int
    state: Mapping[str, Array]
    best: Best | None = None
    stopped: bool = False
    predictions: Mapping[int, Array] = field(default_factory=dict)

    @property
    def problem(self) -> Problem:
        """The problem that was trained."""
        return self.gradient.problem

    @property
    def last(self) -> int:
        """The number of the last update."""
        return self.first + len(self.losses)

    def predict(self, x: object = None) -> Array:
        """Return the outputs of a network with the last parameters.

        Args:
            x: Inputs (samples, inputs), or None for the problem's own.

        Returns:
            The outputs (samples, outputs).

        Examples:
            >>> import symbackprop
            >>> symbackprop.train("line", learning_rate=0.5, steps=3).predict([[2.0]]).tolist()
            [[1.75]]
        """
        return self.gradient.predict(self.parameters, x)

    def evaluate(self, name: str, inputs: object = None, targets: object = None) -> Array:
        """Return a named quantity of a network or a graph with the last parameters, as `Gradient.evaluate` does.

        Args:
            name: The code name of an array.
            inputs: Inputs, or None for the problem's own.
            targets: Targets, likewise.

        Returns:
            An array, with the samples as its first axis where it differs between them.

        Examples:
            >>> import symbackprop
            >>> symbackprop.train("line", learning_rate=0.5, steps=3).evaluate("z1", [[2.0], [4.0]]).tolist()
            [[1.75], [3.5]]
        """
        return self.gradient.evaluate(name, self.parameters, inputs, targets)

    def restored(self) -> History:
        """Return the same history with the parameters of the least watched loss in place of the last ones.

        Returns:
            A history, which is this one where nothing was watched.

        Examples:
            >>> import symbackprop
            >>> watched = {"patience": 5}
            >>> history = symbackprop.train("line", learning_rate=0.5, steps=20, stop=watched)
            >>> history.restored().parameters["W1"] is history.best.parameters["W1"]
            True
        """
        return self if self.best is None else replace(self, parameters=self.best.parameters)

    def archive(self) -> bytes:
        """Return an `.npz` file: parameters by name; under names with a dot state, names of classes, the problem as text.

        Returns:
            The bytes of the file.

        Examples:
            >>> import io
            >>> import numpy, symbackprop
            >>> content = symbackprop.train("line", steps=1).archive()
            >>> numpy.load(io.BytesIO(content))["W1"].shape
            (1, 1)
        """
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w") as archive:
            named = {PROBLEM: np.array(text_of(self.problem))}
            if self.problem.classes:
                named[CLASSES] = np.array(self.problem.classes)
            for name, array in {**self.state, **named, **self.parameters}.items():
                content = io.BytesIO()
                np.lib.format.write_array(content, np.asarray(array), allow_pickle=False)
                # Without a date the same numbers are the same bytes.
                archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue())
        return written.getvalue()

    def save(self, path: str | Path) -> None:
        """Write `archive` to a file: `load(path)` is the trained problem, `train(…, resume=path)` goes on from it.

        Args:
            path: The file.

        Examples:
            >>> import tempfile
            >>> import symbackprop
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     symbackprop.train("line", learning_rate=0.5, steps=3).save(f"{folder}/line.npz")
            ...     symbackprop.load(f"{folder}/line.npz").arrays["W1"].floats()
            [0.875]
        """
        Path(path).write_bytes(self.archive())

    def log(self) -> str:
        """Return the updates as CSV text.

        Returns:
            A line for each update; the loss of validation data stands where it was taken.

        Examples:
            >>> import symbackprop
            >>> print(symbackprop.train("line", learning_rate=0.5, steps=1).log().strip())
            step,epoch,loss,validation_loss,learning_rate
            1,1,0.5,,0.5
        """
        taken = dict(zip(self.validation_steps.tolist(), self.validation_losses.tolist(), strict=True))
        steps = range(self.first + 1, self.last + 1)
        columns = (self.epochs.tolist(), self.losses.tolist(), self.learning_rates.tolist())
        rows = zip(steps, *columns, strict=True)
        return write_csv(COLUMNS, ((step, epoch, loss, taken.get(step, ""), rate) for step, epoch, loss, rate in rows))

    def __eq__(self, other: object) -> bool:
        return _same(self, other)

    def __repr__(self) -> str:
        return f"<History of {len(self.losses)} updates, loss {self.loss:g}>"


class DivergenceError(EvaluationError):
    """The loss stopped being finite; `history` is the training up to the last parameters with a finite loss."""

    def __init__(self, what: Message, *, history: History, where: str = "", **choices: Any) -> None:
        super().__init__(what, where=where, **choices)
        self.history = history

    def keywords(self) -> dict[str, Any]:
        """Return what the error was made with beside `what`.

        Returns:
            The keywords of its constructor, with the history.

        Examples:
            >>> import symbackprop
            >>> try:
            ...     symbackprop.train("line", learning_rate=1e9, steps=1000)
            ... except symbackprop.DivergenceError as error:
            ...     error.keywords()["history"] is error.history
            True
        """
        return {**super().keywords(), "history": self.history}
