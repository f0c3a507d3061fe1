"""`symbackprop grade`: marks of a class from its submissions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from symbackprop.cli.inputs import encoding_option, quiet_option
from symbackprop.cli.outputs import print_text, remark, say, working, write_files

if TYPE_CHECKING:
    from symbackprop.homework.reports import GradedClass


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("submissions", metavar="SUBMISSIONS.csv", type=click.Path(path_type=Path))
@click.option("-o", "--output", metavar="MARKS_DIR", help="Folder to write into [DIR/teacher/marks].")
@click.option("--overrides", type=click.Path(path_type=Path), metavar="FILE", help="Corrections of marks, in TOML.")
@encoding_option
@quiet_option
def command(
    folder: Path, submissions: Path, output: str | None, overrides: Path | None, encoding: str, quiet: bool
) -> None:
    """Mark the answers in SUBMISSIONS.csv to the homework that was written to DIR."""
    from symbackprop.homework import grading, reports

    with working("cli.grading", quiet):
        marked = grading.grade(folder, submissions, overrides, encoding)
        place = folder / "teacher" / "marks" if output is None else Path(output)
        files = {place / name: content for name, content in reports.files(marked)}
        write_files(files)
    for where, what in marked.remarks:
        remark(f"{where}: {marked.say(what)}")
    if not quiet:
        print_text("".join(_told(marked, place)))


def _told(marked: GradedClass, place: Path) -> list[str]:
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
    names = ("report.csv", "gradebook.csv", *(["changes.csv"] if marked.changes else []), "summary.html", "feedback")
    return [*told, *(f"{place / name}\n" for name in names)]
