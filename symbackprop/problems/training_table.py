"""The table `[training]`: optimizer and settings, schedule, batches, when to stop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from symbackprop.algebra.shapes import Shape
from symbackprop.arithmetic import exact
from symbackprop.catalog.optimizers import OPTIMIZERS, Setting
from symbackprop.catalog.schedules import SCHEDULES
from symbackprop.errors import ProblemError, unknown
from symbackprop.messages import message
from symbackprop.problems import numbers
from symbackprop.problems.spec import ScheduleSpec, StopSpec, TrainingSpec
from symbackprop.problems.types import Given, ScheduleChoice, Stop, Training

SEQUENTIAL = "gradient_descent"
"""The one optimizer that published examples with sequential updates use."""


def training(spec: TrainingSpec, shapes: Mapping[str, Shape], samples: int | None) -> Training:
    """Return what `[training]` says about parameters of these shapes and so many samples (None: one, or no batch)."""
    if spec.optimizer not in OPTIMIZERS:
        raise unknown("optimizer", spec.optimizer, OPTIMIZERS, where="training.optimizer")
    row = OPTIMIZERS[spec.optimizer]
    if spec.update == "sequential" and row.name != SEQUENTIAL:
        raise ProblemError(
            message("training.sequential", optimizer=row.name), where="training.update", valid=[SEQUENTIAL]
        )
    for position, name in enumerate(spec.frozen):
        if name not in shapes:
            raise unknown("parameter", name, shapes, where=f"training.frozen[{position}]")
    elsewhere = {key for other in OPTIMIZERS.values() for key in other.settings}
    return Training(
        optimizer=row.name,
        settings=_settings(spec.settings, row.settings, row.name, type(spec).model_fields, elsewhere, "training"),
        steps=_steps(spec, samples),
        frozen=frozenset(spec.frozen),
        update=spec.update,
        schedule=_schedule(spec.schedule),
        epochs=spec.epochs,
        batch_size=spec.batch_size,
        shuffle=spec.shuffle,
        seed=spec.seed,
        stop=None if spec.stop is None else _stop(spec.stop),
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


def _settings(
    given: Mapping[str, object],
    known: Mapping[str, Setting],
    name: str,
    keys: Iterable[str],
    elsewhere: Iterable[str],
    where: str,
) -> dict[str, Given]:
    """Return the settings of a row, the given ones or their defaults, in the row's order.

    `keys` are the other keys of the table, `elsewhere` the settings of any row: one of another row is a mistake of its own.
    """
    for key in given:
        if key in known:
            continue
        if key in elsewhere:
            raise ProblemError(message("training.setting", name=name, key=key), where=f"{where}.{key}", valid=known)
        raise unknown("key", key, (*keys, *known), where=where)
    return {key: _setting(given.get(key), setting, key, where) for key, setting in known.items()}


def _setting(value: object, setting: Setting, key: str, where: str) -> Given:
    if value is None:
        if setting.default is None:
            raise ProblemError(message("problem.missing_key", key=key), where=where)
        return numbers.stated(setting.default)
    found, place = numbers.number(value, f"{where}.{key}"), f"{where}.{key}"
    if setting.whole and not (isinstance(found.value, Fraction) and found.value.denominator == 1):
        raise ProblemError(message("problem.kind", expected=message("kind.integer")), where=place)
    for limit, relation, wrong in (
        (setting.lowest, "≥", (-1,)),
        (setting.above, ">", (-1, 0)),
        (setting.below, "<", (1, 0)),
    ):
        if limit is not None and exact.compare(found.value, Fraction(limit)) in wrong:
            raise ProblemError(message("problem.bound", relation=relation, limit=limit), where=place)
    return found


def _schedule(spec: ScheduleSpec | None) -> ScheduleChoice:
    if spec is None:
        return ScheduleChoice()
    where = "training.schedule"
    if spec.kind not in SCHEDULES:
        raise unknown("schedule", spec.kind, SCHEDULES, where=f"{where}.kind")
    row = SCHEDULES[spec.kind]
    elsewhere = {key for other in SCHEDULES.values() for key in other.settings}
    keys = ScheduleSpec.model_fields
    return ScheduleChoice(
        row.name, _settings(spec.settings, row.settings, row.name, keys, elsewhere, where), spec.per == "step"
    )


def _stop(spec: StopSpec) -> Stop:
    where = "training.stop"
    tolerance = numbers.fraction_between(
        numbers.number(spec.tolerance, f"{where}.tolerance"), 0, None, f"{where}.tolerance"
    )
    place = f"{where}.validation_fraction"
    fraction = numbers.fraction_between(numbers.number(spec.validation_fraction, place), 0, 1, place)
    if fraction == 1:
        raise ProblemError(message("problem.bound", relation="<", limit=1), where=place)
    return Stop(tolerance, spec.patience, fraction)
