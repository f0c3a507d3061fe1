"""`symbackprop homework`: a sheet and a key for every student of a class."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from symbackprop.cli.inputs import (
    UNSUITABLE,
    encoding_option,
    engine_option,
    lang_option,
    offering_listed,
    overrides_option,
    placed,
    problems_argument,
    quiet_option,
    read_columns,
    read_formats,
    read_source,
    templates_option,
)
from symbackprop.cli.outputs import all_or_nothing, print_text, progress, remark, say
from symbackprop.errors import ProblemError
from symbackprop.messages import message

if TYPE_CHECKING:
    from symbackprop.homework.classes.roster import Roster


@click.command()
@problems_argument
@click.option("--students", "roster", type=click.Path(path_type=Path), metavar="ROSTER.csv", help="The class, as CSV.")
@click.option("--student-columns", metavar="id=…,name=…", help="Columns of the roster for id and name (First+Last).")
@encoding_option
@click.option("--variants", type=click.IntRange(1, 100_000), metavar="N", help="So many variants, without a roster.")
@click.option("--same", is_flag=True, help="Give all the same numbers: a problem that draws none.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the draws.")
@click.option("--attempt", type=click.IntRange(1), default=1, show_default=True, help="Draw anew for another attempt.")
@click.option(
    "-f",
    "--format",
    "formats",
    metavar="LIST",
    help="Formats [pdf where it can be set, else markdown,html].",
    shell_complete=offering_listed("formats"),
)
@engine_option
@click.option("--anonymous", is_flag=True, help="Sheets carry codes instead of names.")
@click.option("--forms", is_flag=True, help="Write forms to fill in, too.")
@click.option(
    "--mistakes",
    type=click.Path(path_type=Path),
    metavar="REPORT.csv",
    help="A report of marking: its commonest mistakes are options first.",
)
@click.option("--preview", type=click.IntRange(1), metavar="N", help="Write the first N students only.")
@click.option("--processes", type=click.IntRange(1), metavar="N", help="Processes that work [one for each core].")
@click.option("--scheduler", metavar="ADDRESS|FILE", help="A Dask cluster that works: address, or scheduler's file.")
@click.option("--shard", metavar="I/N", help="Write part I of N of the class; `merge` joins the parts.")
@click.option("--secret", type=click.Path(path_type=Path), metavar="FILE", help="Secret of the codes, for all shards.")
@click.option("--archives", is_flag=True, help="Write documents into archives of 500 students each.")
@click.option(
    "-o", "--output", metavar="DIR", required=True, type=click.Path(path_type=Path), help="Folder to write into."
)
@lang_option
@templates_option
@quiet_option
@overrides_option
def command(
    problems: tuple[str, ...],
    roster: Path | None,
    student_columns: str | None,
    encoding: str,
    variants: int | None,
    same: bool,
    seed: int,
    attempt: int,
    formats: str | None,
    engine: str | None,
    anonymous: bool,
    forms: bool,
    mistakes: Path | None,
    preview: int | None,
    processes: int | None,
    scheduler: str | None,
    shard: str | None,
    secret: Path | None,
    archives: bool,
    output: Path,
    lang: str,
    templates: Path | None,
    quiet: bool,
    overrides: tuple[str, ...],
) -> None:
    """Write a sheet and a key for every student.

    The homework is PROBLEM, several are on one sheet; the answers are written for the teacher.
    """
    from symbackprop.homework.classes.dask_cluster import workers_of
    from symbackprop.homework.classes.shards import Shard
    from symbackprop.homework.handouts import choices, enrolment, writing
    from symbackprop.messages import some

    wanted = _formats(formats, templates)
    students = _students(roster, variants, student_columns, preview, encoding, output)
    sources = [read_source(each, overrides) for each in problems]
    if mistakes is not None:
        sources = choices.with_counts(sources, mistakes)
    part = None if shard is None else Shard.read(shard)
    cluster = contextlib.nullcontext() if scheduler is None else workers_of(scheduler)
    with placed(*problems), cluster as workers, all_or_nothing() as write:
        given_out = enrolment.prepare(
            sources,
            students,
            output,
            seed=seed,
            attempt=attempt,
            formats=wanted,
            language=lang,
            anonymous=anonymous,
            templates=None if templates is None else str(templates),
            engine=engine,
            same=same,
            archives=archives,
            shard=part,
            secret=secret,
        )
        for what in given_out.remarks:
            remark(say(what.id, **what.arguments))
        with progress("cli.giving", writing.steps(given_out, output), quiet) as advance:
            for count in writing.written(given_out, output, processes, forms, write, workers):
                advance(count)
    left = sorted(enrolment.unfinished(output))
    if left:
        remark(say("homework.given_up", count=len(left), students=some(left)))
        raise click.exceptions.Exit(1)
    if not quiet:
        tries = given_out.job.manifest.tries
        print_text(f"{output / 'students'}\n{output / 'teacher'}\n")
        print_text(say("cli.drawn", count=len(given_out.job.manifest.enrolments), tries=tries) + "\n")
        print_text(say("cli.digest", digest=writing.digest(given_out.job, output)) + "\n")


def _formats(text: str | None, templates: Path | None) -> tuple[str, ...]:
    from symbackprop import rendering

    if text is None:
        return ("pdf",) if rendering.can_typeset() else ("markdown", "html")
    return tuple(row.name for row in read_formats(text, templates, kind="sheet_format", without=UNSUITABLE))


def _students(
    roster: Path | None, variants: int | None, columns: str | None, preview: int | None, encoding: str, output: Path
) -> Roster:
    from symbackprop.homework.classes import roster as lists
    from symbackprop.homework.handouts import enrolment

    if roster is None and variants is None:
        raise ProblemError(message("cli.students_or_variants"))
    if roster is not None and variants is not None:
        raise ProblemError(message("cli.students_and_variants"))
    found = (
        lists.read_roster(roster, read_columns(columns, ("id", "name"), "cli.student_columns"), encoding)
        if roster is not None
        else lists.numbered(variants or 0, enrolment.digits_of_numbers(output))
    )
    for where, what in found.remarks:
        remark(f"{where}: {say(what.id, **what.arguments)}")
    return replace(found, students=found.students[:preview], remarks=())
