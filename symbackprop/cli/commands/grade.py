"""`symbackprop grade`: marks of a class from its submissions."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path
from typing import TYPE_CHECKING

import click

from symbackprop.cli.inputs import (
    UNSUITABLE,
    encoding_option,
    engine_option,
    offering_listed,
    quiet_option,
    read_columns,
    read_formats,
    templates_option,
)
from symbackprop.cli.outputs import print_text, progress, remark, say, working
from symbackprop.messages import message, some

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from symbackprop.homework.reporting.marks_folders import Marked
    from symbackprop.homework.reporting.reports import GradedClass
    from symbackprop.rendering import Format
    from symbackprop.whole_files import Content


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("submissions", metavar="SUBMISSIONS…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", metavar="MARKS_DIR", help="Folder to write into [DIR/teacher/marks].")
@click.option("--overrides", type=click.Path(path_type=Path), metavar="FILE", help="Corrections of marks, in TOML.")
@click.option(
    "-f",
    "--format",
    "formats",
    default="html",
    show_default=True,
    metavar="LIST",
    help="Formats of the reports.",
    shell_complete=offering_listed("formats"),
)
@click.option(
    "--attempts",
    type=click.Choice(["last", "newest", "best"]),
    default="last",
    show_default=True,
    help="Which of several attempts counts.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 1000, min_open=True),
    default=1.0,
    show_default=True,
    metavar="FACTOR",
    help="Multiply every tolerance.",
)
@click.option(
    "--copies",
    type=click.Choice(["flag", "mark"]),
    default="flag",
    show_default=True,
    help="Copied sheets: withhold the points, or mark without follow-through.",
)
@click.option("--student-columns", metavar="id=…,code=…,time=…", help="Columns of ids, codes and times.")
@click.option("--into", metavar="COLUMN", help="Column of the roster to write the points into, in place.")
@click.option(
    "--roster", type=click.Path(path_type=Path), metavar="FILE", help="A newer export of the roster, for --into."
)
@click.option("--no-feedback", "feedback", flag_value=False, default=True, help="Write no pages for students.")
@click.option("--processes", type=click.IntRange(1), metavar="N", help="Processes that work [one for each core].")
@click.option("--scheduler", metavar="ADDRESS|FILE", help="A Dask cluster that works: address, or scheduler's file.")
@click.option("--shard", metavar="I/N", help="Mark part I of N of the class; `merge` joins the parts.")
@encoding_option
@engine_option
@templates_option
@quiet_option
def command(
    folder: Path,
    submissions: tuple[Path, ...],
    output: str | None,
    overrides: Path | None,
    formats: str,
    attempts: str,
    tolerance: float,
    copies: str,
    student_columns: str | None,
    into: str | None,
    roster: Path | None,
    feedback: bool,
    processes: int | None,
    scheduler: str | None,
    shard: str | None,
    encoding: str,
    engine: str | None,
    templates: Path | None,
    quiet: bool,
) -> None:
    """Mark the answers in SUBMISSIONS to the homework in DIR.

    SUBMISSIONS are tables, folders or zip archives of them; DIR is the folder that `homework` wrote.
    """
    from symbackprop.homework import mark_shards, marked_files
    from symbackprop.homework.classes.dask_cluster import workers_of
    from symbackprop.homework.classes.shards import Shard
    from symbackprop.homework.receiving import submissions as handed_in
    from symbackprop.homework.reporting import marks_folders

    wanted = read_formats(formats, templates, kind="sheet_format", without=UNSUITABLE, engine=engine)
    columns = read_columns(student_columns, handed_in.COLUMN_KEYS, "cli.submission_columns")
    cluster = contextlib.nullcontext() if scheduler is None else workers_of(scheduler)
    settings = marked_files.MarkingSettings(
        overrides, encoding, attempts, copies, columns, tolerance, into, roster, wanted, templates, engine, feedback
    )
    place = folder / "teacher" / "marks" if output is None else Path(output)
    with cluster as workers:
        if shard is not None:
            with working("cli.grading", quiet):
                part = Shard.read(shard)
                mark_shards.write_shard(
                    folder, submissions, None if output is None else place, part, settings, processes, workers
                )
            print_text("" if quiet else f"{place}\n")
            return
        mark = functools.partial(
            marked_files.marked_files, folder, settings=settings, processes=processes, executor=workers
        )
        marked, lost = marks_folders.write_marks(place, submissions, lambda paths: _shown(mark, paths, quiet, feedback))
    if lost:
        remark(f"{place}: {marked.say(message('homework.lost_marks', count=len(lost), students=some(lost)))}")
    for where, what in marked.remarks:
        remark(f"{where}: {marked.say(what)}")
    if not quiet:
        print_text("".join(_told(marked, place, wanted, feedback)))
        print_text(say("cli.digest", digest=marks_folders.digest(place)) + "\n")


def _shown(
    mark: Callable[[Sequence[Path]], Marked], submissions: Sequence[Path], quiet: bool, feedback: bool
) -> Marked:
    """Return what a run of marking makes; a terminal shows that it marks, then how many pages there are and will be."""
    with working("cli.grading", quiet):
        marked, contents = mark(submissions)
    return marked, _followed(marked, contents, quiet or not feedback)


def _followed(marked: GradedClass, contents: Iterator[dict[str, Content]], quiet: bool) -> Iterator[dict[str, Content]]:
    with progress("cli.feedback", len(marked.marks), quiet) as advance:
        for some_files in contents:
            yield some_files
            # A page in several formats is one.
            advance(len({Path(name).stem for name in some_files if name.startswith("feedback/")}))


def _told(marked: GradedClass, place: Path, formats: Sequence[Format], feedback: bool) -> list[str]:
    from symbackprop.arithmetic.decimals import trimmed

    told = [
        say(
            "cli.changed",
            student=student,
            answer=new.answer.id,
            before=trimmed(old.points),
            after=trimmed(new.points),
        )
        + "\n"
        for student, old, new in marked.changes
    ]
    told += [
        say("cli.changed_total", student=student, before=trimmed(each.before), after=trimmed(each.after)) + "\n"
        for student, own in marked.changed_totals.items()
        for each in own
    ]
    summaries = [f"summary.{row.suffix}" for row in formats]
    names = (
        "report.csv",
        "gradebook.csv",
        *(["changes.csv"] if marked.changes or marked.changed_totals else []),
        *summaries,
        *(["feedback", "feedback.zip"] if feedback else []),
    )
    return [*told, *(f"{place / name}\n" for name in names)]
