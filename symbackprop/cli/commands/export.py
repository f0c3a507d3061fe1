"""`symbackprop export`: variants of problems as files that learning systems import."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from symbackprop.cli.inputs import (
    encoding_option,
    lang_option,
    offering_listed,
    overrides_option,
    problems_argument,
    quiet_option,
    read_columns,
    read_source,
)
from symbackprop.cli.outputs import print_text, progress, remark, say
from symbackprop.errors import ProblemError, unknown
from symbackprop.messages import message


@click.command()
@problems_argument
@click.option(
    "--to",
    "system",
    metavar="SYSTEM",
    required=True,
    help="Learning system: see symbackprop list systems.",
    shell_complete=offering_listed("systems"),
)
@click.option("--variants", type=click.IntRange(1, 100_000), metavar="N", help="So many variants, without a roster.")
@click.option("--students", "roster", type=click.Path(path_type=Path), metavar="ROSTER.csv", help="The class, as CSV.")
@click.option("--student-columns", metavar="id=…,name=…", help="Columns of the roster for id and name (First+Last).")
@encoding_option
@click.option("--style", metavar="numbers|sheet|choices", help="How is asked [what the system does best].")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the draws.")
@click.option("--processes", type=click.IntRange(1), metavar="N", help="Processes that work [one for each core].")
@click.option("--scheduler", metavar="ADDRESS|FILE", help="A Dask cluster that works: address, or scheduler's file.")
@click.option("--shard", metavar="I/N", help="Write part I of N into a folder; `merge` joins the parts.")
@click.option(
    "-o", "--output", metavar="FILE|DIR", required=True, type=click.Path(path_type=Path), help="Where to write to."
)
@lang_option
@quiet_option
@overrides_option
def command(
    problems: tuple[str, ...],
    system: str,
    variants: int | None,
    roster: Path | None,
    student_columns: str | None,
    encoding: str,
    style: str | None,
    seed: int,
    processes: int | None,
    scheduler: str | None,
    shard: str | None,
    output: Path,
    lang: str,
    quiet: bool,
    overrides: tuple[str, ...],
) -> None:
    """Write variants of each PROBLEM for a learning system.

    Keys, tolerances and worked solutions come with them.
    """
    from symbackprop.exporting.exports import written
    from symbackprop.exporting.jobs import ExportJob
    from symbackprop.exporting.learning_systems import LEARNING_SYSTEMS
    from symbackprop.homework.classes.dask_cluster import workers_of
    from symbackprop.homework.classes.shards import Shard
    from symbackprop.homework.python_functions import roster_of

    if system not in LEARNING_SYSTEMS:
        raise unknown("learning_system", system, LEARNING_SYSTEMS, where="--to")
    if (roster is None) == (variants is None):
        both = "cli.students_or_variants" if roster is None else "cli.students_and_variants"
        raise ProblemError(message(both))
    columns = read_columns(student_columns, ("id", "name"), "cli.student_columns")
    students = roster_of(roster if variants is None else variants, columns, encoding, output)  # type: ignore[arg-type]
    for where, what in students.remarks:
        remark(f"{where}: {say(what.id, **what.arguments)}")
    part = None if shard is None else Shard.read(shard)
    job = ExportJob.of(
        [read_source(each, overrides) for each in problems],
        students.students,
        LEARNING_SYSTEMS[system],
        style,
        seed,
        lang,
        is_class=roster is not None,
    )
    cluster = contextlib.nullcontext() if scheduler is None else workers_of(scheduler)
    with cluster as workers, progress("cli.exporting", job.size, quiet) as advance:
        found = written(job, output, part, processes, workers, advance)
    paths = [] if quiet else list(map(str, found.files))
    digest = [] if quiet or not found.digest else [say("cli.digest", digest=found.digest)]
    lacks = (say("cli.not_carried", what=what) for what in found.lacks)
    print_text("".join(f"{line}\n" for line in (*paths, *lacks, *digest)))
