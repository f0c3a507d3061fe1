"""The table `[training]`: optimizer and settings, schedule, batches, when to stop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from symbackprop.algebra.broadcasting import Shape
from symbackprop.arithmetic.exact import Exact
from symbackprop.catalog.optimizers import OPTIMIZERS, carried, reduced
from symbackprop.catalog.schedules import SCHEDULES
from symbackprop.errors import ProblemError, unknown
from symbackprop.graph.quantities import Quantity
from symbackprop.messages import message
from symbackprop.problems import numbers
from symbackprop.problems.numbers import stated
from symbackprop.problems.row_settings import row_named, settings
from symbackprop.problems.spec import ScheduleSpec, StopSpec, TrainingSpec
from symbackprop.problems.types import Array, Given, ScheduleChoice, Stop, Training

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
    found = Training(
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
    return replace(found, state=_state(spec.state, found, shapes))


def _state(
    stated: Mapping[str, Mapping[str, object]], found: Training, shapes: Mapping[str, Shape]
) -> dict[str, dict[str, Array]]:
    """Return the states before the first update that are stated: rational numbers, in arrays of the parameters' shapes."""
    row = OPTIMIZERS[found.optimizer]
    names = carried(row.name, reduced(row.name, found.zero))
    moving = [name for name in shapes if name not in found.frozen]
    states: dict[str, dict[str, Array]] = {}
    for spelled, arrays in stated.items():
        name = row.state_spellings.get(spelled, spelled)
        if name not in names:
            raise unknown("state", spelled, names, where="training.state", spellings=row.state_spellings)
        for parameter, value in arrays.items():
            where = f"training.state.{spelled}.{parameter}"
            if parameter not in moving:
                raise unknown("parameter", parameter, moving, where=f"training.state.{spelled}")
            own = numbers.array(value, shapes[parameter], where)
            for given in own.entries:
                assert given is not None
                numbers.fraction(given, where)
            states.setdefault(name, {})[parameter] = own
    return states


def initial_states(training: Training, quantity: Quantity) -> Iterator[tuple[str, dict[str, Exact]]]:
    """Yield each element of a parameter with the optimizer's states of it before the first update, by their names."""
    first = OPTIMIZERS[training.optimizer].state
    for place, element in enumerate(quantity.elements()):
        own: dict[str, Exact] = dict(first)
        for name, arrays in training.state.items():
            given = arrays[quantity.name].entries[place] if quantity.name in arrays else None
            own[name] = own[name] if given is None else given.value
        yield element, own


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
    if training.state and other is row:
        table["state"] = {
            name: {parameter: _nested(array.shape, iter(array.entries)) for parameter, array in arrays.items()}
            for name, arrays in training.state.items()
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


def _nested(shape: Shape, entries: Iterator[Given | None]) -> object:
    """Return the texts of an array's numbers in lists."""
    if not shape:
        given = next(entries)
        return "" if given is None else given.text
    return [_nested(shape[1:], entries) for _ in range(shape[0])]


def _is_whole(value: object) -> bool:
    return isinstance(value, Fraction) and value.denominator == 1
