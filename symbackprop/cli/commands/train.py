"""`symbackprop train`: descent at full speed, with a table as in textbooks; parameters, log and curve as files."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.cells import cell_len

from symbackprop.cli.inputs import (
    lang_option,
    offering_listed,
    overrides_option,
    placed,
    problem_argument,
    read_source,
)
from symbackprop.cli.outputs import print_text, progress, remark, say, write_files
from symbackprop.errors import OutputError, nearest
from symbackprop.graph.scalars import Scalar
from symbackprop.messages import message

if TYPE_CHECKING:
    from symbackprop.problems import Problem
    from symbackprop.training import History

MOST_SAMPLES = 12
"""Rows of the table of samples."""
MOST_PREDICTIONS = 4
"""Of more predictions in all the table of iterations shows none."""
_UPDATES_SHOWN = 200


@click.command()
@problem_argument
@click.option(
    "--data", type=click.Path(path_type=Path), metavar="FILE.csv", help="Samples, in place of the problem's [data]."
)
@click.option(
    "--epochs", type=click.IntRange(0, 10_000_000), help="Passes over the data, instead of the problem's own."
)
@click.option("--optimizer", metavar="NAME", help="Name of an optimizer.", shell_complete=offering_listed("optimizers"))
@click.option("--learning-rate", metavar="R", help="Learning rate.")
@click.option("--batch-size", type=click.IntRange(1), help="Samples in an update.")
@click.option("--seed", type=click.IntRange(0), help="Of the order of samples and of parameters that are left out.")
@click.option(
    "--backend",
    default="numpy",
    show_default=True,
    metavar="NAME",
    help="What computes.",
    shell_complete=offering_listed("backends"),
)
@click.option("--save", type=click.Path(path_type=Path), metavar="FILE.npz", help="Write parameters and state.")
@click.option("--resume", type=click.Path(path_type=Path), metavar="FILE.npz", help="Go on from what --save wrote.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE", help="Draw the losses: .svg, .png or .pdf.")
@click.option("--log", type=click.Path(path_type=Path), metavar="FILE.csv", help="Write the loss of every update.")
@click.option("--quiet", is_flag=True, help="Print nothing.")
@lang_option
@overrides_option
def command(
    problem: str,
    data: Path | None,
    save: Path | None,
    resume: Path | None,
    plot: Path | None,
    log: Path | None,
    quiet: bool,
    lang: str,
    overrides: tuple[str, ...],
    **asked: Any,
) -> None:
    """Train PROBLEM, a file or the name of a bundled example."""
    from symbackprop import training

    if plot is not None:
        _check_kind(plot)
    given = _problem(problem, data, overrides)
    backend = asked.pop("backend")
    with placed(problem):
        total = training.updates(given, **asked)
    recorded = _rows(total) if _few_predictions(given) else []
    with progress("train.running", total, quiet) as advance, placed(problem):
        step, start = max(total // _UPDATES_SHOWN, 1), time.perf_counter()

        def show(state: training.TrainingState) -> None:
            done = state.step / (time.perf_counter() - start)
            advance(step, say("train.progress", loss=f"{state.loss:.6g}", rate=f"{done:,.0f}"))

        callbacks = [training.Every(step, show)]
        try:
            history = training.train(
                given, callbacks=callbacks, record=recorded, backend=backend, resume=resume, **asked
            )
        except (training.DivergenceError, KeyboardInterrupt) as error:
            reached: History | None = getattr(error, "history", None)
            files = {} if reached is None else _files(reached, save, log, plot, lang)
            write_files(files)
            if isinstance(error, KeyboardInterrupt) and reached is not None:
                remark("\n".join([say("train.interrupted", step=reached.last), *map(str, files)]))
            raise
    files = _files(history, save, log, plot, lang)
    write_files(files)
    if not quiet:
        print_text(_spell(history, _rows(len(history.losses))) + "".join(f"{path}\n" for path in files))


def _problem(name: str, data: Path | None, overrides: Sequence[str]) -> Problem:
    """Return the problem, with the samples of a file in place of its own."""
    source = read_source(name, overrides)
    if data is not None:
        table = {"file": str(data.absolute()), **source.column_names}
        source = replace(source, content={**source.content, "data": table})
    return source.problem()


def _rows(total: int) -> list[int]:
    """Return the iterations to show: the first, the multiples of a round number, the last."""
    from symbackprop.descent.epochs import table_rows

    return sorted({*table_rows(total), min(total, 1)} - {0})


def _check_kind(path: Path) -> None:
    from symbackprop.rendering.plots import FILES

    kind = path.suffix.removeprefix(".").lower()
    if kind not in FILES:
        raise OutputError(message("train.plot"), where=f"--plot {path}", valid=FILES, nearest=nearest(kind, FILES))


def _files(
    history: History, save: Path | None, log: Path | None, plot: Path | None, lang: str
) -> dict[Path, str | bytes]:
    """Return the files that are asked for; the words of the curve are in a language."""
    files: dict[Path, str | bytes] = {}
    if save is not None:
        files[save] = history.archive()
    if log is not None:
        files[log] = history.log()
    if plot is not None:
        from symbackprop.figures.histories import curve
        from symbackprop.rendering import plots

        kind = plot.suffix.removeprefix(".").lower()
        files[plot] = plots.image(curve(history), kind, lang)
    return files


def _few_predictions(problem: Problem) -> bool:
    """Say whether the predictions of all samples fit beside an iteration."""
    return bool(problem.layers) and problem.layers[-1].units * (problem.samples or 1) <= MOST_PREDICTIONS


def _spell(history: History, iterations: Sequence[int]) -> str:
    """Return the table of iterations, the loss at the end, and the predictions of every sample."""
    problem = history.gradient.derivation.problem
    digits = problem.notation.digits
    lines = [*_iterations(history, iterations, digits), ""]
    loss, seconds = f"{history.loss:#.{digits}g}", f"{history.seconds:.2f}"
    lines.append(say("train.after", count=history.last, loss=loss, seconds=seconds))
    if history.best is not None:
        best, least = history.best, f"{history.best.loss:#.{digits}g}"
        lines.append(say("train.least", loss=least, step=best.step, epoch=best.epoch))
    if history.stopped:
        lines.append(say("train.stopped"))
    lines += _predictions(history, digits)
    return "".join(f"{line}\n" for line in lines)


def _iterations(history: History, iterations: Sequence[int], digits: int) -> Iterator[str]:
    """Yield the lines of the table of iterations: predictions, if they are few, and loss, before the update of each."""
    if not len(history.losses):
        return
    names = _names(history)
    rows = []
    for number in iterations:
        found = history.predictions.get(history.first + number)
        shown = [] if found is None else [f"{value:#.{digits}g}" for value in found.ravel().tolist()]
        cells = (shown + [""] * len(names))[: len(names)]
        rows.append([str(history.first + number), *cells, f"{history.losses[number - 1]:#.{digits}g}"])
    yield from _table([say("train.iteration"), *names, say("train.loss")], rows)
    yield say("train.before" if history.training.batch_size is None else "train.before_batch")


def _names(history: History) -> list[str]:
    """Return the code names of the recorded predictions, sample after sample."""
    problem = history.gradient.derivation.problem
    if not history.predictions:
        return []
    prediction = history.gradient.derivation.graph.prediction
    assert prediction is not None
    samples = next(iter(history.predictions.values())).shape[0]
    numbers = range(1, samples + 1) if problem.samples is not None else (None,)
    return [str(Scalar(name, number)) for number in numbers for name in prediction.elements()]


def _predictions(history: History, digits: int) -> Iterator[str]:
    """Yield the lines of the table of samples: inputs (if few), outputs, targets; of classes, how many are right."""
    arguments, problem = history.gradient.arguments, history.gradient.derivation.problem
    if not problem.layers:
        return
    _, (x, y) = arguments.data_arrays(None, None)
    outputs = history.predict(x)
    shown = min(len(x), MOST_SAMPLES)
    has_classes = arguments.has_classes and outputs.shape[1] > 1
    table = {"sample": [str(k + 1) for k in range(shown)]}
    if x.shape[1] <= MOST_PREDICTIONS:
        table["inputs"] = [_joined(values, f".{digits}g") for values in x[:shown].tolist()]
    if has_classes:
        names = problem.classes or range(outputs.shape[1])
        table["prediction"], table["target"] = (
            [str(names[number]) for number in each[:shown].argmax(axis=1)] for each in (outputs, y)
        )
    else:
        table["prediction"] = [_joined(values, f"#.{digits}g") for values in outputs[:shown].tolist()]
        table["target"] = [_joined(values, f".{digits}g") for values in y[:shown].tolist()]
    yield ""
    yield from _table([say(f"train.{head}") for head in table], list(zip(*table.values(), strict=True)))
    if len(x) > shown:
        yield say("train.more", count=len(x) - shown)
    if has_classes:
        right = int((outputs.argmax(axis=1) == y.argmax(axis=1)).sum())
        yield say("train.right", right=right, count=len(x), share=f"{100 * right / len(x):.1f}")


def _joined(values: Sequence[float], form: str) -> str:
    return ", ".join(format(value, form) for value in values)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table with its columns aligned at the right; a Chinese character is two columns wide."""
    widths = [max(map(cell_len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        yield "  ".join(" " * (width - cell_len(cell)) + cell for cell, width in zip(row, widths, strict=True))
