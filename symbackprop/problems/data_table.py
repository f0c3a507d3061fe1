"""The table `[data]` of a network: samples that are written down, or read from the columns of a CSV file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from symbackprop.algebra.broadcasting import Shape
from symbackprop.errors import ProblemError, unknown
from symbackprop.messages import message
from symbackprop.problems import data_file, numbers
from symbackprop.problems.accepted_targets import check_targets
from symbackprop.problems.types import Array, Network

X, Y = "x", "y"
KEYS = (X, Y, *data_file.KEYS)
"""The keys of the table: arrays of numbers, or a file and the names of its columns."""


def data(
    table: Mapping[str, object], network: Network, folder: Path
) -> tuple[dict[str, Array], int | None, dict[str, tuple[str, ...]]]:
    """Return inputs `x` and targets `y` of a network, the number of samples (None: one, not in a list), and names.

    What is left out stays symbols. Names are those of `classes` where a file writes them, and of the `columns` of inputs
    where the table does. The path of a file is relative to `folder`. Raises `ProblemError` with the key, or with file and
    line, of what is wrong.
    """
    for key in table:
        if key not in KEYS:
            raise unknown("key", key, KEYS, where="data")
    columns = [key for key in data_file.KEYS if key in table]
    if columns and (X in table or Y in table):
        raise ProblemError(message("csv.both"), where=f"data.{columns[0]}")
    if columns:
        found = data_file.read(table, network, folder)
        return {X: found.x, Y: found.y}, found.count, {"classes": found.classes, "columns": found.columns}
    given = _in_order(table.get(X), network)
    samples = _samples(given, table.get(Y))
    shape = _with_samples((network.inputs,), samples)
    x = numbers.unknown_array(shape) if given is None else numbers.array(given, shape, "data.x")
    return {X: x, Y: _targets(table.get(Y), network, samples)}, samples, {}


def _in_order(x: object, network: Network) -> object:
    """Return inputs in the order of the network's own names for them, where they stand in named columns."""
    if isinstance(x, numbers.Rows):
        places = numbers.columns_named(x.columns, network.input_names, "data.x")
        return x if places is None else [[row[place] for place in places] for row in x]
    return x


def _samples(x: object, y: object) -> int | None:
    """Return the number of samples if the data is a list of samples, None if it is one sample or absent."""
    for given in (y,) if x is None else (x,):
        if isinstance(given, Sequence) and numbers.is_list(given):
            return len(given) if given and numbers.is_list(given[0]) else None
    return None


def _targets(y: object, network: Network, samples: int | None) -> Array:
    outputs = network.layers[-1].units
    shape = _with_samples((outputs,), samples)
    if y is None:
        return numbers.unknown_array(shape)
    given = [y] if samples is None else y
    if isinstance(given, list) and len(given) == (samples or 1) and (network.has_classes or outputs == 1):
        given = [_alone(each, outputs) for each in given]
        if not any(map(numbers.is_list, given)):
            # One number for each sample: its class, or the target of its only output.
            places = ["data.y" if samples is None else f"data.y[{position}]" for position in range(len(given))]
            rows = [
                _one_hot(each, outputs, where) if network.has_classes else [each]
                for each, where in zip(given, places, strict=True)
            ]
            y = rows[0] if samples is None else rows
    found = numbers.array(y, shape, "data.y")
    check_targets(network, found, samples)
    return found


def _alone(target: object, outputs: int) -> object:
    """Return the only number in a list of one, where several outputs say that it is a class."""
    return target[0] if isinstance(target, list) and len(target) == 1 < outputs else target


def _one_hot(index: object, classes: int, where: str) -> list[int]:
    is_whole = isinstance(index, int | float | Decimal | Fraction) and not isinstance(index, bool) and index % 1 == 0
    if not is_whole or not 0 <= index < classes:  # type: ignore[operator]
        raise ProblemError(message("problem.class_index", value=str(index), last=classes - 1), where=where)
    return [int(position == index) for position in range(classes)]


def _with_samples(shape: Shape, samples: int | None) -> Shape:
    return shape if samples is None else (samples, *shape)
