"""What a training is told: the problem's table `[training]`, with what is asked for in its place."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from symbackprop.catalog.optimizers import OPTIMIZERS
from symbackprop.errors import ProblemError
from symbackprop.messages import message
from symbackprop.problems import Problem, Training
from symbackprop.problems.build import read_training
from symbackprop.problems.numbers import stated

_LENGTHS = ("epochs", "steps")


def settled(problem: Problem, samples: int | None, asked: Mapping[str, object]) -> Training:
    """Return the settings of a training on so many samples (None: their number is not known).

    `asked` has keys of `[training]`; what is None there is the problem's own. Another optimizer keeps those of the problem's
    settings that it has and that are not defaults. Raises `SymbackpropError` for a setting that cannot be, and where neither
    the problem nor `asked` says how long to train.
    """
    given = {key: value for key, value in asked.items() if value is not None}
    optimizer = given.get("optimizer")
    table = {} if problem.training is None else _table(problem.training, optimizer)
    if any(key in given for key in _LENGTHS):
        table = {key: value for key, value in table.items() if key not in _LENGTHS}
    elif problem.training is None:
        raise ProblemError(message("train.no_length"))
    found = read_training({**table, **given}, problem.parameter_shapes(), samples)
    if found.update == "sequential":
        raise ProblemError(message("train.sequential"), where="training.update")
    return found


def _table(training: Training, optimizer: object) -> dict[str, object]:
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
