"""`symbackprop predict`: outputs and classes of new samples, by trained parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symbackprop.cli.inputs import lang_option, overrides_option, placed, problem_argument, read_source
from symbackprop.cli.outputs import STANDARD_OUTPUT, print_text, write_files
from symbackprop.csv_tables import write_csv
from symbackprop.errors import ProblemError
from symbackprop.messages import message

if TYPE_CHECKING:
    from symbackprop.csv_tables import Sheet
    from symbackprop.problems import Network, Problem
    from symbackprop.problems.load import Source

PREDICTION = "prediction"
"""The column of the class."""
_MODEL = ("network", "regularization", "notation")
"""The tables that say what is computed; samples and what is done with them are not asked for."""


@click.command()
@problem_argument
@click.argument("data", type=click.Path(path_type=Path), metavar="DATA.csv")
@click.option(
    "--parameters",
    type=click.Path(path_type=Path),
    metavar="FILE.npz",
    help="What train --save wrote [the problem's own parameters].",
)
@click.option("-o", "--output", default=STANDARD_OUTPUT, metavar="FILE.csv", help="File to write [standard output].")
@lang_option
@overrides_option
def command(
    problem: str, data: Path, parameters: Path | None, output: str, lang: str, overrides: tuple[str, ...]
) -> None:
    """Predict the samples in DATA.csv by PROBLEM.

    PROBLEM is a file, what train --save wrote, or the name of a bundled example.
    """
    source = read_source(problem, overrides)
    with placed(problem):
        text = _predicted(source, data, parameters)
    if output == STANDARD_OUTPUT:
        print_text(text)
    else:
        write_files({Path(output): text})


def _predicted(source: Source, data: Path, parameters: Path | None) -> str:
    """Return the table of the samples with the outputs of each, and its class where the network tells classes apart."""
    from symbackprop.catalog import initializers
    from symbackprop.compilation import compile
    from symbackprop.derivation.derivations import derive
    from symbackprop.problems import data_file

    given = source.problem() if parameters is None else _model(source)
    if not given.layers:
        raise ProblemError(message("compilation.predict"))
    gradient = compile(derive(given))
    arrays: Mapping[str, Any] | None = None
    classes = given.classes
    if parameters is not None:
        arrays = {name: array for name, array in initializers.loaded(parameters).items() if "." not in name}
        classes = initializers.loaded_classes(parameters)
    if classes and len(classes) != max(given.layers[-1].units, _BINARY):
        what = message("csv.classes_saved", found=len(classes), expected=max(given.layers[-1].units, _BINARY))
        raise ProblemError(what, where=str(parameters or source.path))
    sheet, x = data_file.inputs_of(data, given.network, source.column_names)
    outputs = gradient.predict(
        arrays, [x.floats()[at : at + x.shape[1]] for at in range(0, len(x.entries), x.shape[1])]
    )
    return _table(sheet, given, classes, outputs.tolist())


def _model(source: Source) -> Problem:
    """Return the problem without its parameters and samples."""
    content = {key: value for key, value in source.content.items() if key in (*_MODEL, "graph")}
    return replace(source, content=content).problem()


def _table(sheet: Sheet, problem: Problem, classes: Sequence[str], outputs: Sequence[Sequence[float]]) -> str:
    from symbackprop.derivation.derivations import derive

    prediction = derive(problem).graph.prediction
    assert prediction is not None
    numbers = list(_classes(problem.network, outputs))
    header = [*sheet.columns, *prediction.elements(), *[PREDICTION] * bool(numbers)]
    rows = []
    for place, ((_, row), found) in enumerate(zip(sheet.rows, outputs, strict=True)):
        named = [classes[numbers[place]] if classes else numbers[place]] if numbers else []
        rows.append([*row.values(), *found, *named])
    return write_csv(header, rows, delimiter=sheet.delimiter, bom=sheet.has_bom)


def _classes(network: Network, outputs: Sequence[Sequence[float]]) -> Iterator[int]:
    """Yield the class of every sample, nothing for a network that tells none apart."""
    if network.has_classes and len(outputs[0]) > 1:
        yield from (max(range(len(found)), key=found.__getitem__) for found in outputs)
    elif network.targets_are_probabilities and len(outputs[0]) == 1:
        yield from (int(found[0] >= _EVEN) for found in outputs)


_EVEN, _BINARY = 0.5, 2
"""From which share on a sample is of the second class of two."""
