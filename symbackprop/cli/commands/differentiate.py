"""`symbackprop differentiate`: the derivative of an expression, rule by rule."""

from __future__ import annotations

from pathlib import Path

import click

from symbackprop.cli.inputs import (
    format_option,
    lang_option,
    output_file_option,
    templates_option,
)
from symbackprop.cli.outputs import STANDARD_OUTPUT, print_text, write_files


@click.command()
@click.argument("expression", metavar="EXPRESSION")
@click.argument("variable", metavar="VARIABLE")
@format_option
@output_file_option
@click.option("--dependent", metavar="NAME", help="In an equation, what depends on VARIABLE [y].")
@lang_option
@templates_option
def command(
    expression: str,
    variable: str,
    format: str,
    output: str,
    dependent: str | None,
    lang: str,
    templates: Path | None,
) -> None:
    """Differentiate EXPRESSION by VARIABLE step by step.

    The rule stands at each line. A letter before a parenthesis is an unknown function, as in "x*f(x**2)". Both sides
    of an equation such as "x**2 + y**2 = 25" are differentiated, and the result is solved for dy/dx.
    """
    from symbackprop import rendering
    from symbackprop.algebra.differentiation import differentiate

    found = rendering.render(differentiate(expression, variable, dependent), format, lang, templates=templates)
    if output != STANDARD_OUTPUT:
        write_files({Path(output): found})
    else:
        print_text(found)
