"""A run of marking, as the command and Python users have it: the marks and all files that they make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

from symbackprop.errors import ProblemError
from symbackprop.homework import gradebook, report_files
from symbackprop.homework.chunks import Workers
from symbackprop.homework.grading import grade
from symbackprop.homework.identification import ClassList
from symbackprop.homework.manifest import ROSTER
from symbackprop.homework.reports import GradedClass
from symbackprop.messages import message
from symbackprop.rendering import Format
from symbackprop.whole_files import Content

ROSTER_OPTION = "--roster"


def marked_files(
    folder: Path,
    submissions: Sequence[Path],
    *,
    overrides: Path | None = None,
    encoding: str = "",
    attempts: str = "last",
    copies: str = "flag",
    columns: Mapping[str, str] | None = None,
    tolerance: float = 1.0,
    into: str | None = None,
    roster: Path | None = None,
    formats: Sequence[Format] = (),
    processes: int | None = 1,
    executor: Executor | Workers | None = None,
    feedback: bool = True,
) -> tuple[GradedClass, Iterator[dict[str, Content]]]:
    """Return the marks of a class, and the files of the marks by name, some at a time.

    `into` is the column of the roster, or of a newer export of it, `roster`, that the points are written into; without it
    the gradebook has a column more. Without `feedback` there are no pages for students. The others are as in `grade`.
    """
    marked = grade(
        folder,
        submissions,
        overrides,
        encoding,
        attempts=attempts,
        columns=columns,
        tolerance=tolerance,
        copies=copies,
        processes=processes,
        executor=executor,
    )
    book: dict[str, Content] = {}
    if into is not None:
        place = folder / "teacher" / ROSTER if roster is None else roster
        named = encoding if roster is not None else str(marked.manifest.settings.get("encoding", ""))
        book["gradebook.csv"], remarks = gradebook.filled(
            _content(place),
            str(place),
            into,
            marked.totals,
            ClassList.of(marked.manifest.enrolments),
            most=marked.given.total,
            encoding=named,
        )
        marked = replace(marked, remarks=[*marked.remarks, *((str(place), what) for what in remarks)])
    files = report_files.files(marked, formats, processes, executor, feedback=feedback)
    return marked, ({name: book.get(name, content) for name, content in some.items()} for some in files)


def _content(place: Path) -> bytes:
    if place.name == ROSTER and not place.is_file():
        raise ProblemError(message("homework.no_roster", option=ROSTER_OPTION), where=str(place.parent.parent))
    try:
        return place.read_bytes()
    except OSError as error:
        raise ProblemError(message("problem.unreadable", reason=error.strerror or ""), where=str(place)) from None
