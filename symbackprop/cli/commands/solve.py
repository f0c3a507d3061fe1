"""`symbackprop solve`: a worked solution in files or on standard output."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from symbackprop import language
from symbackprop.cli import file_changes
from symbackprop.cli.inputs import (
    engine_option,
    lang_option,
    offering,
    offering_listed,
    overrides_option,
    placed,
    problem_argument,
    quiet_option,
    read_formats,
    read_problem,
    templates_option,
)
from symbackprop.cli.outputs import STANDARD_OUTPUT, print_text, say, working, write_files
from symbackprop.errors import ProblemError
from symbackprop.messages import message

if TYPE_CHECKING:
    from symbackprop.descent.solution import Solution

LONGEST_OVERVIEW = 24
"""Of more parameters only the first are shown on a terminal."""


def _details() -> tuple[str, ...]:
    from symbackprop.document import DETAILS

    return DETAILS


@click.command()
@problem_argument
@click.option(
    "-f",
    "--format",
    "formats",
    default="latex,markdown",
    show_default=True,
    metavar="LIST",
    help="Formats.",
    shell_complete=offering_listed("formats"),
)
@click.option(
    "-o", "--output", metavar="DIR", help="Folder to write into [output/<problem name>]; - prints one format."
)
@lang_option
@click.option("--steps", type=click.IntRange(0, 10_000_000), help="Number of updates, instead of the problem's own.")
@click.option("--digits", type=int, help="Significant digits shown.")
@click.option(
    "--detail",
    metavar="LIST",
    help="What is written out: full, representative, short, matrix, general, second_order.  [by the size of the problem]",
    shell_complete=offering(_details),
)
@click.option(
    "--explain",
    type=click.Choice(["brief", "full", "remarks", "mistakes"]),
    default="full",
    show_default=True,
    help="Formulas and numbers only; reasons and common mistakes between the lines; limits and practice, "
    "or what one gets by each mistake, as well.",
)
@click.option(
    "--explorable",
    type=click.Choice(["off", "practice", "values"]),
    default="values",
    show_default=True,
    help="On a page: nothing; go through it step by step; change its numbers as well.",
)
@click.option("--full-steps", type=click.IntRange(1, 10_000_000), help="Number of updates worked out in full.")
@click.option("--learning-rates", metavar="R,R,…", help="Compare descents with these learning rates.")
@engine_option
@click.option("--watch", is_flag=True, help="Write it anew whenever PROBLEM is saved, until Ctrl-C.")
@templates_option
@quiet_option
@overrides_option
def command(
    problem: str,
    formats: str,
    output: str | None,
    lang: str,
    steps: int | None,
    digits: int | None,
    detail: str | None,
    explain: str,
    explorable: str,
    full_steps: int | None,
    learning_rates: str | None,
    engine: str | None,
    watch: bool,
    templates: Path | None,
    quiet: bool,
    overrides: tuple[str, ...],
) -> None:
    """Write the worked solution of PROBLEM.

    PROBLEM is a file or the name of a bundled example.
    """
    from symbackprop import rendering
    from symbackprop.descent import solution

    wanted = read_formats(formats, templates, one=output == STANDARD_OUTPUT)
    rates = [] if learning_rates is None else [text.strip() for text in learning_rates.split(",")]

    def make() -> None:
        given = read_problem(problem, overrides, digits)
        if steps is not None and given.training is None:
            raise ProblemError(message("cli.no_training"), where="--steps")
        with working("cli.solving", quiet), placed(problem):
            solved = solution.solve(given, steps=steps, full_steps=full_steps, learning_rates=rates)
            if output == STANDARD_OUTPUT:
                alone = rendering.render(solved, wanted[0].name, lang, detail, templates, explain, engine, explorable)
            else:
                folder = Path("output", given.name) if output is None else Path(output)
                stem = rendering.STEM if lang == language.DEFAULT else f"{rendering.STEM}.{lang}"
                files = {
                    folder / name: content
                    for row in wanted
                    for name, content in rendering.files(
                        solved, row.name, lang, detail, templates, stem, explain, engine, explorable
                    ).items()
                }
        if output == STANDARD_OUTPUT:
            print_text(alone)
            return
        write_files(files)
        if not quiet:
            print_text("".join(f"{path}\n" for path in files))
            if sys.stdout.isatty() and not watch:
                print_text(_spell_overview(solved))

    if watch:
        file_changes.repeated(Path(problem), make, lang)
    else:
        make()


def _spell_overview(solved: Solution) -> str:
    """Return the first step at a glance: a table of parameters, their gradients and new values; empty without numbers."""
    from rich.console import Console
    from rich.table import Table

    if not solved.steps or not solved.derivation.parameters:
        return ""
    step, digits = solved.steps[0], solved.problem.notation.digits
    table = Table(box=None, pad_edge=False)
    columns = ("parameter", "value", "gradient", "new")[: 4 if step.updated else 3]
    for position, heading in enumerate(columns):
        table.add_column(say(f"column.{heading}"), justify="right" if position else "left", no_wrap=True)
    elements = [element for quantity in solved.derivation.parameters for element in quantity.elements()]
    shown = elements if len(elements) <= LONGEST_OVERVIEW else elements[: LONGEST_OVERVIEW // 2]
    for element in shown:
        numbers = [step.values.value(element), step.values.gradient(element)]
        if step.updated:
            numbers.append(step.updated[element])
        table.add_row(element, *(f"{float(number):#.{digits}g}" for number in numbers))
    text = io.StringIO()
    console = Console(file=text, force_terminal=True)
    console.print(table)
    if len(shown) < len(elements):
        console.print(say("overview.more", count=len(elements) - len(shown)), highlight=False, soft_wrap=True)
    if step.updated:
        before, after = (f"{loss:.{digits}g}" for loss in solved.losses[:2])
        console.print(say("overview.loss", before=before, after=after), highlight=False, soft_wrap=True)
    return f"\n{text.getvalue()}"
