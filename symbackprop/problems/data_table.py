"""The table `[data]` of a network: samples that are written down, or read from the columns of a CSV file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from symbackprop.algebra.broadcasting import Shape
from symbackprop.csv_tables import Sheet, read_csv
from symbackprop.errors import ProblemError, unknown
from symbackprop.messages import message
from symbackprop.problems import numbers
from symbackprop.problems.types import Array, Given, Network

X, Y, FILE, INPUTS, TARGETS = KEYS = ("x", "y", "file", "inputs", "targets")
"""The keys of the table: arrays of numbers, or a file and the names of its columns."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_CLASS = re.compile(r"(\d{1,9})(\.0*)?", re.ASCII)


def data(table: Mapping[str, object], network: Network, folder: Path) -> tuple[dict[str, Array], int | None]:
    """Return inputs `x` and targets `y` of a network, and the number of samples (None: one, not in a list).

    What is left out stays symbols. The path of a file is relative to `folder`. Raises `ProblemError` with the key, or with
    file and line, of what is wrong.
    """
    for key in table:
        if key not in KEYS:
            raise unknown("key", key, KEYS, where="data")
    columns = [key for key in (FILE, INPUTS, TARGETS) if key in table]
    if columns and (X in table or Y in table):
        raise ProblemError(message("csv.both"), where=f"data.{columns[0]}")
    if columns:
        return _from_file(table, network, folder)
    samples = _samples(table.get(X), table.get(Y))
    shape = _with_samples((network.inputs,), samples)
    x = numbers.unknown_array(shape) if table.get(X) is None else numbers.array(table[X], shape, "data.x")
    return {X: x, Y: _targets(table.get(Y), network, samples)}, samples


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
    if network.has_classes:
        if samples is None and isinstance(y, int):
            y = _one_hot(y, outputs, "data.y")
        elif isinstance(y, list) and len(y) == samples and not any(map(numbers.is_list, y)):
            y = [_one_hot(index, outputs, f"data.y[{position}]") for position, index in enumerate(y)]
    return numbers.array(y, shape, "data.y")


def _one_hot(index: object, classes: int, where: str) -> list[int]:
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < classes:
        raise ProblemError(message("problem.class_index", value=str(index), last=classes - 1), where=where)
    return [int(position == index) for position in range(classes)]


def _with_samples(shape: Shape, samples: int | None) -> Shape:
    return shape if samples is None else (samples, *shape)


# From a file


def _from_file(table: Mapping[str, object], network: Network, folder: Path) -> tuple[dict[str, Array], int]:
    """Return the samples in the rows of a CSV file: a batch, even of one."""
    if FILE not in table:
        raise ProblemError(message("csv.no_file"), where="data")
    sheet = read_csv(folder / _text(table[FILE], "data.file"), whole_rows=True)
    if not sheet.rows:
        raise ProblemError(message("csv.no_rows"), where=sheet.path)
    inputs, targets = _columns(sheet, table, network)
    known: dict[str, Given] = {}
    x = [given for line, row in sheet.rows for given in _numbers(sheet, line, row, inputs, known)]
    outputs, samples = network.layers[-1].units, len(sheet.rows)
    if len(targets) < outputs:
        y = [given for line, row in sheet.rows for given in _class(sheet, line, row, targets[0], outputs)]
    else:
        y = [given for line, row in sheet.rows for given in _numbers(sheet, line, row, targets, known)]
    return {X: Array((samples, network.inputs), tuple(x)), Y: Array((samples, outputs), tuple(y))}, samples


def _columns(sheet: Sheet, table: Mapping[str, object], network: Network) -> tuple[list[str], list[str]]:
    """Return the columns of inputs and targets.

    They are those that the table names; else those that the inputs are named after, or the first ones; and for targets
    the others. One column may hold classes.
    """
    outputs = network.layers[-1].units
    inputs = _named(sheet, table, INPUTS)
    if inputs is None and network.input_names and set(network.input_names) <= set(sheet.columns):
        inputs = list(network.input_names)
    elif inputs is None:
        inputs = list(sheet.columns[: network.inputs])
    targets = _named(sheet, table, TARGETS)
    counts = (1, outputs) if network.has_classes else (outputs,)
    if targets is None:
        targets = [column for column in sheet.columns if column not in inputs]
        if len(inputs) == network.inputs and len(targets) not in counts:
            expected = " / ".join(str(network.inputs + count) for count in sorted(set(counts)))
            what = message(
                "csv.columns", found=len(sheet.columns), inputs=network.inputs, outputs=outputs, expected=expected
            )
            raise ProblemError(what, where=f"{sheet.path}:1")
    for key, found, allowed in ((INPUTS, inputs, (network.inputs,)), (TARGETS, targets, counts)):
        if len(found) not in allowed:
            what = message("csv.count", found=len(found), expected=" / ".join(map(str, allowed)), names=found)
            raise ProblemError(what, where=f"data.{key}")
    return inputs, targets


def _named(sheet: Sheet, table: Mapping[str, object], key: str) -> list[str] | None:
    """Return the columns that a key names, None where it is left out."""
    if key not in table:
        return None
    names, where = table[key], f"data.{key}"
    if not isinstance(names, Sequence) or not numbers.is_list(names):
        raise ProblemError(message("problem.kind", expected=message("kind.list")), where=where)
    return [sheet.column(_text(name, f"{where}[{place}]"), where) for place, name in enumerate(names)]


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise ProblemError(message("problem.kind", expected=message("kind.text")), where=where)
    return value


def _numbers(
    sheet: Sheet, line: int, row: Mapping[str, str], columns: Sequence[str], known: dict[str, Given]
) -> Iterator[Given]:
    """Yield the numbers in some cells of a row, exact as they are written; `known` keeps those that were read."""
    for column in columns:
        text = row[column].strip()
        if text not in known:
            where = f"{sheet.path}:{line}"
            if not text:
                raise ProblemError(message("csv.empty", column=column), where=where)
            if not _NUMBER.fullmatch(text):
                raise ProblemError(message("csv.number", column=column, value=text[:60]), where=where)
            known[text] = numbers.number(Decimal(text), where)
        yield known[text]


def _class(sheet: Sheet, line: int, row: Mapping[str, str], column: str, classes: int) -> tuple[Given, ...]:
    """Return the targets of a sample whose class stands in a cell, one-hot."""
    text, where = row[column].strip(), f"{sheet.path}:{line}"
    if not text:
        raise ProblemError(message("csv.empty", column=column), where=where)
    found = _CLASS.fullmatch(text)
    if found is None or int(found[1]) >= classes:
        what = message("csv.class", column=column, value=text[:60], last=classes - 1)
        raise ProblemError(what, where=where)
    return numbers.one_hot(int(found[1]), classes)
