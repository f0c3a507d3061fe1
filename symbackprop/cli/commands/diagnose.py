"""`symbackprop diagnose`: which mistakes explain numbers from a book, a page or a student's paper."""

from __future__ import annotations

from pathlib import Path

import click

from symbackprop.cli.inputs import (
    encoding_option,
    format_option,
    lang_option,
    output_file_option,
    overrides_option,
    placed,
    problem_argument,
    read_problem,
    templates_option,
)
from symbackprop.cli.outputs import STANDARD_OUTPUT, print_text, working, write_files


@click.command()
@problem_argument
@click.argument("numbers", metavar="NUMBERS.csv", type=click.Path(path_type=Path))
@format_option
@output_file_option
@lang_option
@encoding_option
@templates_option
@overrides_option
def command(
    problem: str,
    numbers: Path,
    format: str,
    output: str,
    lang: str,
    encoding: str | None,
    templates: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Say which mistakes make the numbers in NUMBERS.csv.

    Its columns are answer and value; of each number is said whether it is right, and if not, which mistake makes it.
    """
    from symbackprop.mistakes.diagnosing import diagnose
    from symbackprop.mistakes.numbers_given import read_numbers
    from symbackprop.rendering.diagnosis_formats import rendered

    given = read_problem(problem, overrides)
    given_numbers = read_numbers(numbers, encoding)
    with placed(problem), working("cli.diagnosing"):
        text = rendered(diagnose(given, given_numbers, lang), format, templates)
    if output != STANDARD_OUTPUT:
        write_files({Path(output): text})
    else:
        print_text(text)
