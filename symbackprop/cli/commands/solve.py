"""`symbackprop solve`: a worked solution in files or on standard output."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from symbackprop import language
from symbackprop.cli.inputs import (
    lang_option,
    overrides_option,
    placed,
    problem_argument,
    quiet_option,
    read_formats,
    read_problem,
    templates_option,
)
from symbackprop.cli.outputs import STANDARD_OUTPUT, print_text, working, write_files
from symbackprop.errors import ProblemError, message

if TYPE_CHECKING:
    from symbackprop.rendering import Format


@click.command()
@problem_argument
@click.option("-f", "--format", "formats", default="latex,markdown", show_default=True, metavar="LIST", help="Formats.")
@click.option(
    "-o", "--output", metavar="DIR", help="Folder to write into [output/<problem name>]; - prints one format."
)
@lang_option
@click.option("--steps", type=click.IntRange(0, 10_000_000), help="Number of updates, instead of the problem's own.")
@click.option("--digits", type=int, help="Significant digits shown.")
@click.option("--detail", default="full", show_default=True, metavar="LIST", help="What is written out: full, matrix.")
@click.option(
    "--explain", type=click.Choice(["brief"]), default="brief", expose_value=False, help="Length of the reasons."
)
@click.option("--full-steps", type=click.IntRange(1, 10_000_000), help="Number of updates worked out in full.")
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
    detail: str,
    full_steps: int | None,
    templates: Path | None,
    quiet: bool,
    overrides: tuple[str, ...],
) -> None:
    """Write the worked solution of PROBLEM, a file or the name of a bundled example."""
    from symbackprop import rendering, solution

    language.phrases(lang)
    wanted = read_formats(formats, templates, one=output == STANDARD_OUTPUT)
    given = read_problem(problem, overrides, digits)
    if steps is not None and given.training is None:
        raise ProblemError(message("cli.no_training"), where="--steps")
    with working("cli.solving", quiet), placed(problem):
        solved = solution.solve(given, steps=steps, full_steps=full_steps)
        texts = {
            row.name: rendering.render(solved, format=row.name, language=lang, detail=detail, templates=templates)
            for row in wanted
        }
    if output == STANDARD_OUTPUT:
        print_text(texts[wanted[0].name])
        return
    folder = Path("output", given.name) if output is None else Path(output)
    files = {folder / _file_name(row, lang): texts[row.name] for row in wanted}
    write_files(files)
    if not quiet:
        print_text("".join(f"{path}\n" for path in files))


def _file_name(row: Format, lang: str) -> str:
    return f"solution.{row.suffix}" if lang == language.DEFAULT else f"solution.{lang}.{row.suffix}"
