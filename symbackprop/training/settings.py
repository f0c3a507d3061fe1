"""What a training is told: the problem's table `[training]`, with what is asked for in its place."""

from __future__ import annotations

from collections.abc import Mapping

from symbackprop.errors import ProblemError
from symbackprop.messages import message
from symbackprop.problems import Problem, Training
from symbackprop.problems.build import read_training
from symbackprop.problems.training_table import table_of

_LENGTHS = ("epochs", "steps")


def settled(problem: Problem, samples: int | None, asked: Mapping[str, object]) -> Training:
    """Return the settings of a training on so many samples (None: their number is not known).

    `asked` has keys of `[training]`; what is None there is the problem's own. Another optimizer keeps those of the problem's
    settings that it has and that are not defaults. Raises `SymbackpropError` for a setting that cannot be, and where neither
    the problem nor `asked` says how long to train.
    """
    given = {key: value for key, value in asked.items() if value is not None}
    optimizer = given.get("optimizer")
    table = {} if problem.training is None else table_of(problem.training, optimizer)
    if any(key in given for key in _LENGTHS):
        table = {key: value for key, value in table.items() if key not in _LENGTHS}
    elif problem.training is None:
        raise ProblemError(message("train.no_length"))
    found = read_training({**table, **given}, problem.parameter_shapes(), samples)
    if found.update == "sequential":
        raise ProblemError(message("train.sequential"), where="training.update")
    return found
