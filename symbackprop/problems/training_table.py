"""The table `[training]`: optimizer and settings, schedule, batches, when to stop."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from symbackprop.algebra.broadcasting import Shape
from symbackprop.catalog.optimizers import OPTIMIZERS
from symbackprop.catalog.schedules import SCHEDULES
from symbackprop.errors import ProblemError, unknown
from symbackprop.messages import message
from symbackprop.problems import numbers
from symbackprop.problems.numbers import stated
from symbackprop.problems.row_settings import row_named, settings
from symbackprop.problems.spec import ScheduleSpec, StopSpec, TrainingSpec
from symbackprop.problems.types import ScheduleChoice, Stop, Training

SEQUENTIAL = "gradient_descent"
"""The one optimizer that published examples with sequential updates use."""


def training(spec: TrainingSpec, shapes: Mapping[str, Shape], samples: int | None) -> Training:
    """Return what `[training]` says about parameters of these shapes and so many samples (None: one, or no batch)."""
    row = row_named(OPTIMIZERS, spec.optimizer, "training.optimizer")
    if spec.update == "sequential" and row.name != SEQUENTIAL:
        raise ProblemError(
            message("training.sequential", optimizer=row.name), where="training.update", valid=[SEQUENTIAL]
        )
    for position, name in enumerate(spec.frozen):
        if name not in shapes:
            raise unknown("parameter", name, shapes, where=f"training.frozen[{position}]")
    return Training(
        optimizer=row.name,
        settings=settings(spec, row.name, row.settings, "training"),
        steps=_steps(spec, samples),
        frozen=frozenset(spec.frozen),
        update=spec.update,
        schedule=_schedule(spec.schedule),
        epochs=spec.epochs,
        batch_size=spec.batch_size,
        shuffle=spec.shuffle,
        seed=spec.seed,
        stop=None if spec.stop is None else _stop(spec.stop),
        steps_shown=None if spec.steps_shown is None else tuple(sorted(set(spec.steps_shown))),
    )


def _steps(spec: TrainingSpec, samples: int | None) -> int:
    """Return the number of updates: stated, or that of the epochs; one where neither is."""
    if spec.steps is not None and spec.epochs is not None:
        raise ProblemError(message("problem.steps_and_epochs"), where="training")
    if spec.epochs is not None:
        return spec.epochs * batches_in(samples, spec.batch_size)
    return 1 if spec.steps is None else spec.steps


def batches_in(samples: int | None, batch_size: int | None) -> int:
    """Return how many batches an epoch has; the last may be smaller than the others.

    >>> batches_in(10, 4), batches_in(10, None), batches_in(None, 1)
    (3, 1, 1)
    """
    return 1 if samples is None or batch_size is None else -(-samples // batch_size)


def _schedule(spec: ScheduleSpec | None) -> ScheduleChoice:
    if spec is None:
        return ScheduleChoice()
    where = "training.schedule"
    row = row_named(SCHEDULES, spec.kind, f"{where}.kind")
    return ScheduleChoice(row.name, settings(spec, row.name, row.settings, where), spec.per == "step")


def _stop(spec: StopSpec) -> Stop:
    tolerance = numbers.fraction_between(spec.tolerance, 0, None, "training.stop.tolerance")
    where = "training.stop.validation_fraction"
    fraction = numbers.fraction_between(spec.validation_fraction, 0, 1, where)
    if fraction == 1:
        raise ProblemError(message("problem.bound", relation="<", limit=1), where=where)
    return Stop(tolerance, spec.patience, fraction)


def table_of(training: Training, optimizer: object = None) -> dict[str, object]:
    """Return a training as its table, with the settings that an optimizer has (None: its own)."""
    row = OPTIMIZERS[training.optimizer]
    other = OPTIMIZERS[optimizer] if isinstance(optimizer, str) and optimizer in OPTIMIZERS else row
    table: dict[str, object] = {
        "optimizer": row.name,
        "batch_size": training.batch_size,
        "shuffle": training.shuffle,
        "seed": training.seed,
        "frozen": sorted(training.frozen),
        "update": training.update,
        "steps": training.steps if training.epochs is None else None,
        "epochs": training.epochs,
    }
    for key, given in training.settings.items():
        if key in other.settings and (other is row or given.value != row.settings[key].default):
            table[key] = given.text
    choice, stop = training.schedule, training.stop
    table["schedule"] = {"kind": choice.kind, "per": "step" if choice.per_step else "epoch"} | {
        key: int(given.value) if _is_whole(given.value) else given.text for key, given in choice.settings.items()
    }
    if stop is not None:
        table["stop"] = {
            "tolerance": stated(stop.tolerance).text,
            "patience": stop.patience,
            "validation_fraction": stated(stop.validation_fraction).text,
        }
    return {key: value for key, value in table.items() if value is not None}


def _is_whole(value: object) -> bool:
    return isinstance(value, Fraction) and value.denominator == 1
