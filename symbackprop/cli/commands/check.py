"""`symbackprop check`: every gradient against independent oracles."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import click

from symbackprop.cli.inputs import lang_option, overrides_option, placed, problem_argument, read_problem
from symbackprop.cli.outputs import print_text, say, working

if TYPE_CHECKING:
    from symbackprop.evaluation.checks import Entry, Oracle, Report

AGREES, CHECK_FAILED = 0, 1
LONGEST_TABLE = 40
WIDTH_IN_A_PIPE = 100


@click.command()
@problem_argument
@lang_option
@overrides_option
def command(problem: str, lang: str, overrides: tuple[str, ...]) -> int:
    """Compare every gradient of PROBLEM with independent oracles.

    It exits with 1 on a mismatch.
    """
    from symbackprop.evaluation import checks

    given = read_problem(problem, overrides)
    with placed(problem), working("cli.checking"):
        report = checks.check(given)
    print_text(_spell_report(report))
    return AGREES if report.agrees else CHECK_FAILED


def _spell_report(report: Report) -> str:
    """Return a table of the compared gradients and a summary; of a long table only the rows that do not agree."""
    from rich.console import Console
    from rich.table import Table

    from symbackprop.evaluation.checks import Oracle, Verdict
    from symbackprop.graph.quantities import Role

    table = Table(box=None, pad_edge=False)
    for heading in ("gradient", "verdict", *Oracle):
        table.add_column(say(f"cli.{heading}"), no_wrap=True)
    for entry in report.entries:
        if len(report.entries) <= LONGEST_TABLE or entry.verdict is not Verdict.AGREES:
            table.add_row(*_spell_entry(entry))
    counts = {str(verdict): len(report.with_verdict(verdict)) for verdict in Verdict}
    compared = {f"{role}s": report.compared(role) for role in (Role.PARAMETER, Role.INPUT)}
    lines = [*(_spell_oracle(report, oracle) for oracle in Oracle), say("cli.compared", **compared)]
    on_terminal = sys.stdout.isatty()
    text = io.StringIO()
    console = Console(file=text, force_terminal=on_terminal, width=None if on_terminal else WIDTH_IN_A_PIPE)
    if table.row_count:
        console.print(table)
    if report.sampled:
        lines.append(say("cli.sampled"))
    lines.append(say("cli.summary", **counts))
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)
    return "".join(line.rstrip() + "\n" for line in text.getvalue().splitlines())


def _spell_oracle(report: Report, oracle: Oracle) -> str:
    """Return a line that names an oracle and its worst difference."""
    worst, label = report.worst_from(oracle), say(f"cli.{oracle}")
    if worst is None:
        return say(f"cli.without_{oracle}", oracle=label)
    return say("cli.worst", oracle=label, worst=_spell_difference(worst))


def _spell_entry(entry: Entry) -> tuple[str, str, str, str]:
    verdict = say("cli.at_kink", names=list(entry.kinks)) if entry.kinks else say(f"cli.{entry.verdict}")
    style = {"differs": "bold red", "skipped": "yellow"}.get(entry.verdict)
    styled = f"[{style}]{verdict}[/]" if style else verdict
    return entry.name, styled, _spell_difference(entry.difference), _spell_difference(entry.composed)


def _spell_difference(difference: float | None) -> str:
    return "" if difference is None else f"{difference:.1e}"
