"""`symbackprop code`: a stand-alone training script in a file or on standard output."""

from __future__ import annotations

from pathlib import Path

import click

from symbackprop.cli.inputs import (
    lang_option,
    offering_listed,
    overrides_option,
    placed,
    problem_argument,
    read_problem,
)
from symbackprop.cli.outputs import STANDARD_OUTPUT, print_text, working, write_files

NOTEBOOK = ".ipynb"
"""The suffix of a file that is to be a notebook."""


@click.command()
@problem_argument
@click.option(
    "--target",
    default="numpy",
    show_default=True,
    metavar="NAME",
    help="Library or language: numpy, jax, torch, javascript, c or julia.",
    shell_complete=offering_listed("targets"),
)
@click.option("--blanks", is_flag=True, help="Leave the gradient lines blank, for a student to fill in.")
@click.option(
    "-o",
    "--output",
    default=STANDARD_OUTPUT,
    metavar="FILE",
    help="File to write, a script or (.ipynb) an exercise in a notebook [standard output].",
)
@lang_option
@overrides_option
def command(problem: str, target: str, blanks: bool, output: str, lang: str, overrides: tuple[str, ...]) -> None:
    """Write a readable training script for PROBLEM.

    PROBLEM is a file or the name of a bundled example.
    """
    from symbackprop import scripts
    from symbackprop.rendering import notebook_file

    given = read_problem(problem, overrides)
    with working("cli.solving"), placed(problem):
        if Path(output).suffix == NOTEBOOK:
            text = notebook_file.exercise(scripts.cells(given, target, blanks=blanks, language=lang))
        else:
            text = scripts.script(given, target, blanks=blanks, language=lang)
    if output == STANDARD_OUTPUT:
        print_text(text)
    else:
        write_files({Path(output): text})
