"""Samples in the rows of a CSV file: which columns are inputs and targets, exact numbers, classes by number or by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from symbackprop.csv_tables import Sheet, read_csv
from symbackprop.errors import ProblemError, nearest
from symbackprop.messages import message
from symbackprop.problems import numbers
from symbackprop.problems.accepted_targets import check_targets
from symbackprop.problems.types import Array, Given, Network

FILE, INPUTS, TARGETS = KEYS = ("file", "inputs", "targets")
"""The keys of `[data]` that belong to a file: its path, and the names of its columns."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?(\d*),(\d+)([eE][+-]?\d+)?", re.ASCII)
_CLASS = re.compile(r"(\d{1,9})(\.0*)?", re.ASCII)
_MISSING = ("na", "n/a", "nan", "null", "none", "-", "?", "missing", "#n/a")
"""What programs write for a value that is missing."""
_GROUP = 3
"""The digits of a group of thousands."""
_LISTED = 8
_BINARY = 2


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples of a file: inputs (count, inputs), targets (count, outputs), the names of classes that it writes.

    `columns` are those of the inputs, where the problem names them.
    """

    x: Array
    y: Array
    count: int
    classes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


def read(table: Mapping[str, object], network: Network, folder: Path) -> Samples:
    """Return the samples in the rows of the file that a table `[data]` names: a batch, even of one."""
    if FILE not in table:
        raise ProblemError(message("csv.no_file"), where="data")
    sheet = _sheet(folder / _text(table[FILE], "data.file"))
    inputs, targets = _columns(sheet, table, network)
    cells = _Cells(sheet, (*inputs, *targets))
    outputs, count = network.layers[-1].units, len(sheet.rows)
    classes: tuple[str, ...] = ()
    if len(targets) < outputs or (outputs == 1 and network.targets_are_probabilities):
        classes = _names_of_classes(sheet, targets[0], max(outputs, _BINARY))
    if classes:
        y = tuple(given for _, row in sheet.rows for given in _of_class(classes, row[targets[0]].strip(), outputs))
    elif len(targets) < outputs:
        y = tuple(given for line, row in sheet.rows for given in _class(sheet, line, row, targets[0], outputs))
    else:
        y = tuple(cells.numbers(targets))
    x = Array((count, network.inputs), tuple(cells.numbers(inputs)))
    columns = tuple(inputs) if INPUTS in table else ()
    found = Samples(x, Array((count, outputs), y), count, classes, columns)
    check_targets(network, found.y, count, lambda sample: f"{sheet.path}:{sheet.rows[sample][0]}")
    return found


def inputs_of(path: Path, network: Network, table: Mapping[str, object]) -> tuple[Sheet, Array]:
    """Return a CSV file and the inputs of a network in it (rows, inputs), in the columns of inputs of a table `[data]`."""
    sheet = _sheet(path)
    columns = _inputs(sheet, table, network)
    if len(columns) != network.inputs:
        what = message("csv.count", found=len(columns), expected=network.inputs, names=columns)
        raise ProblemError(what, where=f"{path}:1")
    outputs = network.layers[-1].units
    known = {network.inputs, *(network.inputs + count for count in _counts_of_targets(network))}
    if INPUTS not in table and not network.input_names and len(sheet.columns) not in known:
        expected = " / ".join(map(str, sorted(known)))
        what = message(
            "csv.columns", found=len(sheet.columns), inputs=network.inputs, outputs=outputs, expected=expected
        )
        raise ProblemError(what, where=f"{path}:1")
    cells = _Cells(sheet, columns)
    return sheet, Array((len(sheet.rows), network.inputs), tuple(cells.numbers(columns)))


def _sheet(path: Path) -> Sheet:
    sheet = read_csv(path, whole_rows=True)
    if not sheet.rows:
        raise ProblemError(message("csv.no_rows"), where=sheet.path)
    return sheet


def _columns(sheet: Sheet, table: Mapping[str, object], network: Network) -> tuple[list[str], list[str]]:
    """Return the columns of inputs and targets.

    They are those that the table names; else those that the inputs are named after, or the first ones; and for targets
    the others. One column may hold classes.
    """
    outputs = network.layers[-1].units
    inputs = _inputs(sheet, table, network)
    targets = _named(sheet, table, TARGETS)
    counts = _counts_of_targets(network)
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


def _counts_of_targets(network: Network) -> tuple[int, ...]:
    """Return how many columns the targets may take: one for each output, or one for the class."""
    outputs = network.layers[-1].units
    return (1, outputs) if network.has_classes else (outputs,)


def _inputs(sheet: Sheet, table: Mapping[str, object], network: Network) -> list[str]:
    """Return the columns of the inputs; raises `ProblemError` where a name is missing, or where there are none."""
    named = _named(sheet, table, INPUTS)
    if named is not None:
        return named
    if all(_NUMBER.fullmatch(column) or _DECIMAL_COMMA.fullmatch(column) for column in sheet.columns):
        raise ProblemError(message("csv.no_names"), where=f"{sheet.path}:1")
    found = []
    for name in network.input_names:
        if not any(column.lower() == name.lower() for column in sheet.columns):
            what = message("csv.inputs", name=name)
            raise ProblemError(what, where=f"{sheet.path}:1", valid=sheet.columns, nearest=nearest(name, sheet.columns))
        found.append(sheet.column(name, f"data.{INPUTS}"))
    return found or list(sheet.columns[: network.inputs])


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


class _Cells:
    """Numbers in some columns of a table; those that were read are kept.

    Where something else than a comma stands between cells, decimals may have a comma. A comma is theirs where it cannot set
    off thousands; where nothing tells, it is an error.
    """

    def __init__(self, sheet: Sheet, columns: Sequence[str]) -> None:
        self.sheet, self.known = sheet, dict[str, Given]()
        self.has_commas = sheet.delimiter != "," and any(
            _tells_decimals(row[column].strip()) for column in columns for _, row in sheet.rows
        )

    def numbers(self, columns: Sequence[str]) -> Iterator[Given]:
        """Yield the numbers row by row, exact as they are written."""
        for line, row in self.sheet.rows:
            for column in columns:
                text = row[column].strip()
                if text not in self.known:
                    where = f"{self.sheet.path}:{line}"
                    self.known[text] = self._number(text, column, where)
                yield self.known[text]

    def _number(self, text: str, column: str, where: str) -> Given:
        return numbers.number(numbers.decimal(self._decimal(text, column, where), where), where)

    def _decimal(self, text: str, column: str, where: str) -> str:
        """Return a number with a decimal point."""
        is_comma = self.sheet.delimiter != "," and _DECIMAL_COMMA.fullmatch(text)
        if is_comma and not self.has_commas:
            raise ProblemError(message("csv.comma", column=column, value=text[:60]), where=where)
        if is_comma:
            return text.replace(",", ".")
        if not _NUMBER.fullmatch(text) or (self.has_commas and "." in text):
            raise _no_number(text, column, where)
        return text


def _tells_decimals(text: str) -> bool:
    """Say whether the comma in a number cannot set off thousands."""
    found = _DECIMAL_COMMA.fullmatch(text)
    return found is not None and (len(found[2]) != _GROUP or len(found[1]) > _GROUP or found[1] in ("", "0"))


def _no_number(text: str, column: str, where: str) -> ProblemError:
    """Return the error for a cell that holds no number: an empty one, a missing value, something else."""
    if not text:
        return ProblemError(message("csv.empty", column=column), where=where)
    id = "csv.missing" if text.lower() in _MISSING else "csv.number"
    return ProblemError(message(id, column=column, value=text[:60]), where=where)


def _class(sheet: Sheet, line: int, row: Mapping[str, str], column: str, classes: int) -> tuple[Given, ...]:
    """Return the targets of a sample whose class stands in a cell as a number, one-hot."""
    text, where = row[column].strip(), f"{sheet.path}:{line}"
    found = _CLASS.fullmatch(text)
    if found is None and (not text or text.lower() in _MISSING):
        raise _no_number(text, column, where)
    if found is None or int(found[1]) >= classes:
        what = message("csv.class", column=column, value=text[:60], last=classes - 1)
        raise ProblemError(what, where=where)
    return numbers.one_hot(int(found[1]), classes)


def _names_of_classes(sheet: Sheet, column: str, expected: int) -> tuple[str, ...]:
    """Return the names of the classes in a column in alphabetical order, none where it holds numbers.

    Raises `ProblemError` for missing values among them, and where there are not as many as the network tells apart.
    """
    texts = {row[column].strip(): line for line, row in reversed(sheet.rows)}
    names = sorted(text for text in texts if text.lower() not in ("", *_MISSING))
    if all(_NUMBER.fullmatch(text) or _DECIMAL_COMMA.fullmatch(text) for text in names):
        return ()
    for text, line in texts.items():
        if text not in names:
            raise _no_number(text, column, f"{sheet.path}:{line}")
    if len(names) != expected:
        shown = [*names[:_LISTED], *["…"] * (len(names) > _LISTED)]
        what = message("csv.classes", column=column, found=len(names), expected=expected, names=shown)
        raise ProblemError(what, where=sheet.path)
    return tuple(names)


def _of_class(classes: Sequence[str], name: str, outputs: int) -> tuple[Given, ...]:
    """Return the targets of a class: one-hot, or for one output 0 for the first and 1 for the second."""
    return numbers.one_hot(classes.index(name), len(classes))[-outputs:]
