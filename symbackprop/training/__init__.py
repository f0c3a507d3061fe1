"""Training: a problem and data → a history of losses and trained parameters, by compiled updates.

`settings` says what was asked for, `batching` which samples each update sees, `loop` carries the updates out, `history` is
what they leave.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from symbackprop.catalog import initializers
from symbackprop.compilation import Gradient, Runner, compile
from symbackprop.compilation.arguments import to_array
from symbackprop.compilation.compiled_descent import COUNT
from symbackprop.descent.compiled_course import runner_of
from symbackprop.errors import ProblemError, SymbackpropError
from symbackprop.messages import message
from symbackprop.problems import Problem
from symbackprop.problems.accepted import ProblemLike, problem_of
from symbackprop.problems.parameters_table import draws
from symbackprop.training import batching
from symbackprop.training.history import Best, Callback, DivergenceError, Every, History, TrainingState
from symbackprop.training.loop import EPOCH, TrainingLoop
from symbackprop.training.settings import settled

__all__ = ["Best", "Callback", "DivergenceError", "Every", "History", "TrainingState", "train", "updates"]


def train(
    problem: ProblemLike,
    x: object = None,
    y: object = None,
    *,
    optimizer: str | None = None,
    learning_rate: object = None,
    epochs: int | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    shuffle: bool | None = None,
    seed: int | None = None,
    schedule: Mapping[str, object] | None = None,
    stop: Mapping[str, object] | None = None,
    frozen: str | Sequence[str] | None = None,
    validation_data: tuple[object, object] | None = None,
    callbacks: Callback | Iterable[Callback] = (),
    record: Iterable[int] = (),
    parameters: Mapping[str, object] | None = None,
    resume: str | Path | History | None = None,
    backend: str = "numpy",
    dtype: str | None = None,
    **settings: object,
) -> History:
    """Return the history of a training.

    Every setting that is None is that of the problem's `[training]`. Training begins with `parameters`, with those of
    `resume`, or with the problem's; those that it leaves out are drawn by Glorot's uniform distribution (Glorot and
    Bengio, 2010) from `seed`. The forms of the optimizers are those of `torch.optim`.

    Args:
        problem: Whatever stands for a problem.
        x: Inputs (samples, inputs), or None for the problem's data; for a computation graph a mapping by name. Or an
            iterable of batches, pairs `(x, y)`: a pass over it is an epoch.
        y: Targets (samples, outputs), or classes (samples,).
        optimizer: A name of `symbackprop list optimizers`.
        learning_rate: The learning rate at the first update.
        epochs: How often all samples are gone through.
        steps: The number of updates, in place of `epochs`.
        batch_size: How many samples an update takes.
        shuffle: Whether each epoch has an order of its own.
        seed: The seed of drawn parameters and of these orders.
        schedule: How the learning rate changes, as the table of a problem file.
        stop: When training stops early, likewise; it watches the validation data, or else the loss of all samples.
        frozen: The parameters that stay as they are.
        validation_data: Samples `(x, y)` whose loss is taken after each epoch.
        callbacks: Called with a `TrainingState` after every update, wrapped in `Every` after some; training ends
            where one returns something true.
        record: Updates, from 1, before which the outputs of all samples of a network are kept, in
            `history.predictions`.
        parameters: Arrays by name, in the shapes of the problem.
        resume: A history or its file, which is gone on from exactly where it ended, for `epochs` or `steps` more.
        backend: A name of `symbackprop list backends`.
        dtype: `"float64"` or `"float32"`, or None for float64 unless `x` is an array of float32.
        settings: Those of the optimizer (`momentum`, `beta1`, …).

    Returns:
        Losses, parameters, and what it takes to go on.

    Raises:
        DivergenceError: The loss stops being finite. This error, `KeyboardInterrupt` and what a callback raises have
            what was done as their `history`.
        SymbackpropError: Something does not fit.

    Examples:
        >>> import symbackprop
        >>> history = symbackprop.train("line", learning_rate=0.5, steps=3)
        >>> history.losses.tolist(), history.loss, history.parameters["W1"].tolist()
        ([0.5, 0.125, 0.03125], 0.0078125, [[0.875]])
    """
    meant, problem = problem, problem_of(problem)
    asked = {
        "optimizer": optimizer,
        "learning_rate": learning_rate,
        "epochs": epochs,
        "steps": steps,
        "batch_size": batch_size,
        "shuffle": shuffle,
        "seed": seed,
        "schedule": schedule,
        "stop": stop,
        "frozen": [frozen] if isinstance(frozen, str) else frozen,
        **settings,
    }
    in_batches = batching.is_batches(x, y)
    if dtype is None:
        is_single = x is not None and not in_batches and not isinstance(x, Mapping) and to_array(x).dtype == np.float32
        dtype = "float32" if is_single else "float64"
    is_compiled = isinstance(meant, Gradient) and (meant.backend, meant.dtype) == (backend, dtype)
    gradient = meant if isinstance(meant, Gradient) and is_compiled else compile(meant, backend, dtype)
    data: batching.Data = (None, []) if in_batches else gradient.arguments.data_arrays(x, y)
    training = settled(problem, data[0], asked)
    validation = None
    if validation_data is not None:
        validation = gradient.arguments.data_arrays(*batching.pair(validation_data, "validation_data"))
    elif training.stop is not None and in_batches:
        is_held = training.stop.validation_fraction > 0
        raise ProblemError(message("train.held" if is_held else "train.watched"), where="stop")
    elif training.stop is not None and training.stop.validation_fraction:
        data, validation = batching.held_back(data, float(training.stop.validation_fraction), training.seed)
        training = settled(problem, data[0], asked)
    if resume is not None and parameters is not None:
        raise ProblemError(message("train.resumed"), where="parameters")
    saved = {} if resume is None else _saved(resume, gradient)
    start = parameters if parameters is not None else _first(problem, gradient, training.seed, saved)
    runner = runner_of(gradient, training, start, data)
    epoch = 0
    if saved:
        epoch = int(saved.pop(EPOCH, np.array(0)))
        _load(runner, saved, resume)
    passes = training.epochs if in_batches else None
    blocks = (
        batching.from_batches(x, gradient.arguments, epoch, passes)  # type: ignore[arg-type]
        if in_batches
        else batching.from_arrays(data[0], training, runner.count)
    )
    recorded = tuple(record)
    if recorded and in_batches:
        raise ProblemError(message("train.recorded"), where="record")
    return TrainingLoop(
        runner,
        training,
        blocks,
        is_counted=passes is None,
        validation=validation,
        callbacks=(callbacks,) if callable(callbacks) else callbacks,
        recorded=recorded,
        epoch=epoch,
    ).run()


def updates(problem: Problem, **asked: object) -> int:
    """Return how many updates `train` carries out on the problem's own data, unless it is stopped; see its arguments.

    >>> import symbackprop
    >>> updates(symbackprop.example("xor"), epochs=3, batch_size=3)
    6
    """
    training = settled(problem, problem.samples, asked)
    stop = training.stop
    if stop is None or not stop.validation_fraction or problem.samples is None or problem.samples < 2:
        return training.steps
    held = batching.held_out_count(problem.samples, float(stop.validation_fraction))
    return settled(problem, problem.samples - held, asked).steps


def _first(problem: Problem, gradient: Gradient, seed: int, saved: Mapping[str, Any]) -> dict[str, object] | None:
    """Return the parameters to begin with: saved ones, the problem's, and drawn ones for what it leaves out."""
    names = [quantity.name for quantity in gradient.arguments.parameters]
    if saved:
        return {name: saved[name] for name in names if name in saved}
    omitted = [name for name in names if None in problem.arrays[name].entries]
    if not omitted:
        return None
    drawn = dict(draws(problem.model, problem.layout, omitted, seed))
    arguments = gradient.arguments
    return {each.name: drawn[each.name] if each.name in drawn else arguments.own(each) for each in arguments.parameters}


def _saved(resume: str | Path | History, gradient: Gradient) -> dict[str, Any]:
    """Return what a training left, as arrays by name."""
    if isinstance(resume, History):
        return {**resume.state, **resume.parameters}
    numbers = initializers.loaded(Path(resume))
    return {name: np.array(value, int if name in (COUNT, EPOCH) else gradient.dtype) for name, value in numbers.items()}


def _load(runner: Runner, saved: Mapping[str, Any], resume: object) -> None:
    try:
        runner.load(saved)
    except SymbackpropError as error:
        raise error.at(str(resume) if isinstance(resume, str | Path) else "resume") from None
