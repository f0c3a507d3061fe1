"""Homework given out and marked from Python, with the files and the marks that the commands make."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from symbackprop import rendering
from symbackprop.errors import ProblemError, known_language, unknown
from symbackprop.homework import mark_shards, marked_files, merging
from symbackprop.homework.classes.roster import Roster, Student, numbered, read_roster
from symbackprop.homework.classes.shards import Shard
from symbackprop.homework.handouts import choices, distribution, enrolment, writing
from symbackprop.homework.handouts.enrolment import TEACHER
from symbackprop.homework.handouts.manifest import spelled
from symbackprop.homework.marked_files import MarkingSettings
from symbackprop.homework.marks.copies import CopyRule
from symbackprop.homework.marks.marking import MOST_TOLERANCE
from symbackprop.homework.receiving.attempts import AttemptRule
from symbackprop.homework.reporting.marks_folders import write_marks
from symbackprop.homework.reporting.reports import GradedClass
from symbackprop.messages import message
from symbackprop.problems import Problem, load
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


Source = str | Path | Mapping[str, object]
"""A problem: a file, the name of an example, or the content of a file."""


def homework(
    problem: Source | Sequence[Source],
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

    More than one of `processes` are begun anew: a script then needs `if __name__ == "__main__":`.

    Args:
        problem: A file, the name of an example, or the content of a file; or several of these, for one sheet.
        students: A roster's file, how many there are, names by id, or ids.
        folder: Where everything is written: `students`, which holds no answer, and `teacher`.
        seed: The seed of the draws.
        attempt: Which attempt it is: each draws anew.
        formats: The formats of sheets and keys.
        language: The language of the documents, `"en"` or `"zh"`.
        anonymous: Whether sheets carry codes in place of names.
        forms: Whether each student gets a form to fill in, too.
        same: Whether a problem that draws nothing gives the same numbers to all.
        columns: The columns of id and name of the roster, by `id` and `name`.
        encoding: The encoding of the roster, or "" where it is to be recognised.
        processes: How many processes work.
        executor: What works in their place, that of a Dask client say.
        shard: Which part of how many, `(2, 8)` say, this call writes; `merge` joins them.
        secret: The file with the secret of the codes, which all parts need; it is made where there is none.
        archives: Whether documents are put into archives of some hundred students.
        engine: What sets a PDF, `"typst"` or `"tex"`, or None for what is installed.
        mistakes: The report of an earlier marking, whose commonest mistakes are options of multiple choice first.

    Returns:
        The codes and the key of each student.

    Raises:
        SymbackpropError: Something cannot be used; nothing is written then.

    Examples:
        >>> import tempfile
        >>> import symbackprop
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     given = symbackprop.homework("homework", students=2, folder=folder, formats=["markdown"])
        >>> sorted(given.codes), sorted(given.answers["1"])[:2]
        (['1', '2'], ['L', 'a1_1'])
    """
    known_language(language)
    _formats(formats, engine)
    several = [problem] if isinstance(problem, str | Path | Mapping | Problem) else problem
    sources = [
        source_of(each, f"problem{number}" if number > 1 else "problem") for number, each in enumerate(several, 1)
    ]
    if mistakes is not None:
        sources = choices.with_counts(sources, Path(mistakes))
    with all_or_nothing() as write:
        given_out = enrolment.prepare(
            sources,
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
    cohort = distribution.enrolled(manifest.problem_set(), manifest.enrolments)
    answers = {
        id: {answer.id: float(spelled(cohort.values[answer.id][place])) for answer in cohort.given.answers}
        for place, id in enumerate(cohort.students)
    }
    codes = {each.student.id: each.code for each in manifest.enrolments}
    return GivenHomework(Path(folder), codes, answers, enrolment.unfinished(Path(folder)))


def source_of(problem: Source, name: str) -> load.Source:
    """Return what a problem is made from; the content of a file has a name of its own."""
    if isinstance(problem, Problem):
        raise ProblemError(message("homework.drawn_elsewhere"))
    return load.Source(problem, Path(name)) if isinstance(problem, Mapping) else load.find_source(str(problem))


def merge(folders: Sequence[str | Path], folder: str | Path) -> str:
    """Join the folders of all shards of a homework into one, as `symbackprop merge` does.

    Args:
        folders: The folders of the shards, in any order.
        folder: Where the whole is written.

    Returns:
        The SHA-256 of all that was given out, which is that of one run over the whole class.

    Raises:
        SymbackpropError: The folders do not fit together; nothing is written then.

    Examples:
        >>> import tempfile
        >>> import symbackprop
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for part in (1, 2):
        ...         settings = {"shard": (part, 2), "secret": f"{folder}/secret", "formats": ["markdown"]}
        ...         given = symbackprop.homework("homework", students=2, folder=f"{folder}/{part}", **settings)
        ...     len(symbackprop.merge([f"{folder}/2", f"{folder}/1"], f"{folder}/whole"))
        64
    """
    found = merging.joinable([Path(each) for each in folders])
    for _ in found.joined(Path(folder)):
        pass
    return found.digest(Path(folder))


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
    feedback: bool = True,
    shard: tuple[int, int] | None = None,
) -> GradedClass:
    r"""Mark submissions to the homework in a folder, write the marks as `symbackprop grade` does, and return them.

    Args:
        folder: The folder that `homework` wrote.
        submissions: Files, folders and archives with answers.
        output: Where the marks are written, or None for `teacher/marks` of the folder.
        overrides: A TOML file with corrections of marks.
        formats: The formats of the summary and the feedback.
        attempts: Which of several attempts counts: `"last"`, `"newest"` or `"best"`.
        tolerance: What every tolerance is multiplied by, more than 0.
        copies: What copied sheets get: `"flag"` withholds their points, `"mark"` marks without follow-through.
        columns: The columns of ids, codes and times in the submissions, by `id`, `code` and `time`.
        into: The column of the roster that the points are written into.
        roster: A newer export of the roster, for `into`.
        encoding: The encoding of the files, or "" where it is to be recognised.
        processes: How many processes work.
        executor: What works in their place, that of a Dask client say.
        engine: What sets a PDF, `"typst"` or `"tex"`, or None for what is installed.
        feedback: Whether each student gets a page.
        shard: Which part of how many, `(2, 8)` say, is marked, into `output`; `merge` joins them and looks for copies.

    Returns:
        The marks of the class, or of its part; points are exact fractions.

    Raises:
        SymbackpropError: Something cannot be used; nothing is written then.

    Examples:
        >>> import pathlib, tempfile
        >>> import symbackprop
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     given = symbackprop.homework("homework", students=["s1"], folder=f"{folder}/class", formats=["markdown"])
        ...     lines = ["student,answer,value", *(f"s1,{id},{value}" for id, value in given.answers["s1"].items())]
        ...     answers = pathlib.Path(folder, "answers.csv")
        ...     written = answers.write_text("\n".join(lines))
        ...     symbackprop.grade(f"{folder}/class", [answers], formats=["markdown"]).total("s1")
        Fraction(20, 1)
    """
    for kind, value, known in (("attempt_rule", attempts, AttemptRule), ("copy_rule", copies, CopyRule)):
        if value not in tuple(known):
            raise unknown(kind, value, tuple(known))
    if not 0 < tolerance <= MOST_TOLERANCE:
        raise ProblemError(message("homework.tolerance", limit=f"{MOST_TOLERANCE:g}"), where="tolerance")
    settings = MarkingSettings(
        overrides=None if overrides is None else Path(overrides),
        encoding=encoding,
        attempts=attempts,
        tolerance=tolerance,
        copies=copies,
        columns=columns or {},
        into=into,
        roster=None if roster is None else Path(roster),
        formats=tuple(_formats(formats, engine)),
        engine=engine,
        feedback=feedback,
    )
    paths = [Path(each) for each in submissions]
    if shard is not None:
        part = None if output is None else Path(output)
        return mark_shards.write_shard(Path(folder), paths, part, Shard(*shard), settings, processes, executor)
    mark = functools.partial(
        marked_files.marked_files, Path(folder), settings=settings, processes=processes, executor=executor
    )
    place = Path(folder) / TEACHER / "marks" if output is None else Path(output)
    return write_marks(place, paths, mark)[0]


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
