"""A run of marking, as the command and Python users have it: the marks and all files that they make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path

from symbackprop.errors import ProblemError
from symbackprop.homework.classes.chunks import Workers
from symbackprop.homework.grading import grade
from symbackprop.homework.handouts.manifest import ROSTER
from symbackprop.homework.receiving.identification import ClassList
from symbackprop.homework.reporting import gradebook, report_files
from symbackprop.homework.reporting.reports import GradedClass
from symbackprop.messages import message
from symbackprop.rendering import Format
from symbackprop.whole_files import Content

ROSTER_OPTION = "--roster"


@dataclass(frozen=True, slots=True)
class MarkingSettings:
    """How a class is marked, and what is written of it.

    `into` is the column of the roster, or of a newer export of it, `roster`, that the points are written into; without it
    the gradebook has a column more. Without `feedback` there are no pages for students. `templates` and `engine` are those
    of the `formats`. The others are as in `grade`.
    """

    overrides: Path | None = None
    encoding: str = ""
    attempts: str = "last"
    copies: str = "flag"
    columns: Mapping[str, str] = field(default_factory=dict)
    tolerance: float = 1.0
    into: str | None = None
    roster: Path | None = None
    formats: tuple[Format, ...] = ()
    templates: Path | None = None
    engine: str | None = None
    feedback: bool = True


def marked_files(
    folder: Path,
    submissions: Sequence[Path],
    *,
    settings: MarkingSettings,
    processes: int | None = 1,
    executor: Executor | Workers | None = None,
) -> tuple[GradedClass, Iterator[dict[str, Content]]]:
    """Return the marks of a class, and the files of the marks by name, some at a time."""
    marked = grade(
        folder,
        submissions,
        settings.overrides,
        settings.encoding,
        attempts=settings.attempts,
        columns=settings.columns,
        tolerance=settings.tolerance,
        copies=settings.copies,
        processes=processes,
        executor=executor,
    )
    marked, book = booked(marked, points_into(folder, settings))
    files = report_files.files(marked, settings.formats, processes, executor, feedback=settings.feedback)
    return marked, ({name: book.get(name, content) for name, content in some.items()} for some in files)


@dataclass(frozen=True, slots=True)
class PointsInto:
    """The file that points are written into: its column, its bytes, what messages call it, its encoding ("": unknown)."""

    column: str
    content: bytes
    where: str
    encoding: str | None


def points_into(folder: Path, settings: MarkingSettings) -> PointsInto | None:
    """Return what the points of a homework are written into; None where that was not asked for.

    The encoding of the roster itself (None) is known from the manifest. Raises `ProblemError` where there is no such file.
    """
    if settings.into is None:
        return None
    place = folder / "teacher" / ROSTER if settings.roster is None else settings.roster
    return PointsInto(
        settings.into, _content(place), str(place), None if settings.roster is None else settings.encoding
    )


def booked(marked: GradedClass, points: PointsInto | None) -> tuple[GradedClass, Mapping[str, Content]]:
    """Return the marks with what is to be said of the roster that is filled in, and that as the gradebook."""
    if points is None:
        return marked, {}
    content, remarks = gradebook.filled(
        points.content,
        points.where,
        points.column,
        marked.totals,
        ClassList.of(marked.manifest.enrolments),
        most=marked.given.total,
        encoding=str(marked.manifest.settings.get("encoding", "")) if points.encoding is None else points.encoding,
    )
    told = [*marked.remarks, *((points.where, what) for what in remarks)]
    return replace(marked, remarks=told), {"gradebook.csv": content}


def _content(place: Path) -> bytes:
    if place.name == ROSTER and not place.is_file():
        raise ProblemError(message("homework.no_roster", option=ROSTER_OPTION), where=str(place.parent.parent))
    try:
        return place.read_bytes()
    except OSError as error:
        raise ProblemError(message("problem.unreadable", reason=error.strerror or ""), where=str(place)) from None
