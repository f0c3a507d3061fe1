"""Homework given out and marked from Python, with the files and the marks that the commands make."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from symbackprop import rendering
from symbackprop.errors import ProblemError, known_language, unknown
from symbackprop.homework import choices, distribution, enrolment, marked_files, merging, writing
from symbackprop.homework.attempts import AttemptRule
from symbackprop.homework.copies import CopyRule
from symbackprop.homework.enrolment import TEACHER
from symbackprop.homework.manifest import spelled
from symbackprop.homework.marking import MOST_TOLERANCE
from symbackprop.homework.marks_folders import write_marks
from symbackprop.homework.reports import GradedClass
from symbackprop.homework.roster import Roster, Student, numbered, read_roster
from symbackprop.homework.shards import Shard
from symbackprop.messages import message
from symbackprop.problems import load
from symbackprop.rendering import Format
from symbackprop.whole_files import all_or_nothing

Students = str | Path | int | Mapping[str, str] | Iterable[str]
"""A class: a file, how many there are, names by id, or ids."""


@dataclass(frozen=True)
class GivenHomework:
    """A homework that was given out: its folder, the codes by student, the key by student and answer id.

    `unfinished` are students whose documents were given up, since every process that worked at them died: run it again.
    """

    folder: Path
    codes: Mapping[str, str]
    answers: Mapping[str, Mapping[str, float]]
    unfinished: frozenset[str] = frozenset()


def homework(
    problem: str | Path | Mapping[str, object],
    *,
    students: Students,
    folder: str | Path,
    seed: int = 0,
    attempt: int = 1,
    formats: Sequence[str] = ("markdown", "html"),
    language: str = "en",
    anonymous: bool = False,
    forms: bool = False,
    same: bool = False,
    columns: Mapping[str, str] | None = None,
    encoding: str = "",
    processes: int = 1,
    executor: Executor | None = None,
    shard: tuple[int, int] | None = None,
    secret: str | Path | None = None,
    archives: bool = False,
    engine: str | None = None,
    mistakes: str | Path | None = None,
) -> GivenHomework:
    """Write a sheet and a key for every student into a folder, as `symbackprop homework` does, and return the key.

    `problem` is a file, the name of an example, or the content of a file. `students` is a roster's file (`columns` names its
    columns for id and name, `encoding` its encoding), how many there are, names by id, or ids. A problem that draws nothing
    gives the `same` numbers to all, if that is asked. `engine` sets PDFs, `typst` or `tex`. More than one of
    `processes` are begun anew: a script then needs `if __name__ == "__main__":`. An `executor` works in their place, that of
    a Dask client say. `shard=(2, 8)` is the second of eight parts of the class, which need the same file of the `secret`
    and which `merge` joins; `archives` has documents in archives of some hundred students. `mistakes` is the report
    of an earlier marking, whose commonest mistakes are options first. Raises `SymbackpropError` for what cannot be used;
    nothing is written then.
    """
    known_language(language)
    _formats(formats, engine)
    source = load.Source(problem, Path("problem")) if isinstance(problem, Mapping) else load.find_source(str(problem))
    if mistakes is not None:
        source = choices.with_counts(source, Path(mistakes))
    with all_or_nothing() as write:
        given_out = enrolment.prepare(
            source,
            roster_of(students, columns or {}, encoding, Path(folder)),
            Path(folder),
            seed=seed,
            attempt=attempt,
            formats=tuple(formats),
            language=language,
            anonymous=anonymous,
            engine=engine,
            same=same,
            archives=archives,
            shard=None if shard is None else Shard.read("{}/{}".format(*shard), "shard"),
            secret=None if secret is None else Path(secret),
        )
        for _ in writing.written(given_out, Path(folder), processes, forms, write, executor):
            pass
    manifest = given_out.job.manifest
    cohort = distribution.enrolled(manifest.assignment(), manifest.enrolments)
    answers = {
        id: {answer.id: float(spelled(cohort.values[answer.key][place])) for answer in cohort.given.answers}
        for place, id in enumerate(cohort.students)
    }
    codes = {each.student.id: each.code for each in manifest.enrolments}
    return GivenHomework(Path(folder), codes, answers, enrolment.unfinished(Path(folder)))


def merge(folders: Sequence[str | Path], folder: str | Path) -> str:
    """Join the folders of all shards of a homework, in any order, into one, as `symbackprop merge` does.

    Returns the SHA-256 of all that was given out, which is that of one run over the whole class. Raises `SymbackpropError`
    where they do not fit together; nothing is written then.
    """
    found = merging.fitted([Path(each) for each in folders])
    with all_or_nothing() as write:
        for _ in found.written(Path(folder), write):
            pass
    return writing.digest(found.job, Path(folder))


def grade(
    folder: str | Path,
    submissions: Sequence[str | Path],
    *,
    output: str | Path | None = None,
    overrides: str | Path | None = None,
    formats: Sequence[str] = ("html",),
    attempts: str = "last",
    tolerance: float = 1.0,
    copies: str = "flag",
    columns: Mapping[str, str] | None = None,
    into: str | None = None,
    roster: str | Path | None = None,
    encoding: str = "",
    processes: int = 1,
    executor: Executor | None = None,
    engine: str | None = None,
) -> GradedClass:
    """Mark submissions to the homework in a folder, write the marks as `symbackprop grade` does, and return them.

    The marks are written to `output`, else to `teacher/marks` of the folder. `submissions` are files, folders and archives;
    the other arguments are the options of the command. Raises `SymbackpropError` for what cannot be used; nothing is written
    then.
    """
    for kind, value, known in (("attempt_rule", attempts, AttemptRule), ("copy_rule", copies, CopyRule)):
        if value not in tuple(known):
            raise unknown(kind, value, tuple(known))
    if not 0 < tolerance <= MOST_TOLERANCE:
        raise ProblemError(message("homework.tolerance", limit=f"{MOST_TOLERANCE:g}"), where="tolerance")
    mark = functools.partial(
        marked_files.marked_files,
        Path(folder),
        overrides=None if overrides is None else Path(overrides),
        encoding=encoding,
        attempts=attempts,
        tolerance=tolerance,
        copies=copies,
        columns=columns,
        into=into,
        roster=None if roster is None else Path(roster),
        formats=_formats(formats, engine),
        processes=processes,
        executor=executor,
    )
    place = Path(folder) / TEACHER / "marks" if output is None else Path(output)
    return write_marks(place, [Path(each) for each in submissions], mark)[0]


def _formats(names: Sequence[str], engine: str | None) -> list[Format]:
    table = rendering.formats(engine=engine)
    for name in names:
        if name not in table:
            raise unknown("sheet_format", name, table)
    return [table[name] for name in names]


def roster_of(students: Students, columns: Mapping[str, str], encoding: str, folder: Path) -> Roster:
    """Return the class that is meant; ids that are numbers have as many digits as those of an earlier run in the folder."""
    if isinstance(students, str | Path):
        return read_roster(Path(students), columns, encoding)
    if isinstance(students, int):
        return numbered(students, enrolment.digits_of_numbers(folder))
    names = students if isinstance(students, Mapping) else dict.fromkeys(students, "")
    own = tuple(Student(id, name, {"id": id, "name": name}) for id, name in names.items())
    return Roster(("id", "name"), own)
