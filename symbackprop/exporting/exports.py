"""Export from Python: the function that the command calls, too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symbackprop.errors import ProblemError, known_language, unknown
from symbackprop.exporting import export_shards
from symbackprop.exporting.jobs import ExportJob, digest
from symbackprop.exporting.kept_pages import CHUNK, KeptPages, add_kept, write_pages
from symbackprop.exporting.learning_systems import LEARNING_SYSTEMS
from symbackprop.homework.classes.chunks import Workers
from symbackprop.homework.classes.shards import Shard
from symbackprop.homework.python_functions import Students, roster_of, source_of
from symbackprop.messages import Message, message
from symbackprop.problems import Problem
from symbackprop.problems.accepted import ProblemLike, problem_of
from symbackprop.problems.load import Source
from symbackprop.whole_files import write_files


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the files with their SHA-256, and what of the homework they do not carry."""

    files: tuple[Path, ...]
    lacks: tuple[Message, ...]
    digest: str = ""


def export(
    problem: ProblemLike | Sequence[ProblemLike],
    *,
    to: str,
    path: str | Path,
    variants: int | None = None,
    students: Students | None = None,
    style: str | None = None,
    seed: int = 0,
    language: str = "en",
    processes: int = 1,
    executor: Executor | None = None,
    shard: tuple[int, int] | None = None,
) -> Exported:
    """Write variants of a problem, or of several, as files that a learning system imports, as `symbackprop export` does.

    More than one of `processes` are begun anew: a script then needs `if __name__ == "__main__":`.

    Args:
        problem: Whatever stands for a problem, or a sequence of such.
        to: A name of `symbackprop list systems`.
        path: The file to write, or the folder for a system that takes one, or for a shard.
        variants: How many variants are drawn.
        students: Those who get a variant each, as for `homework`, in place of `variants`.
        style: How is asked, `"numbers"`, `"sheet"` or `"choices"`, or None for what the system does best.
        seed: The seed of the draws: with that of a homework the numbers are the same.
        language: The language of the questions, `"en"` or `"zh"`.
        processes: How many processes work.
        executor: What works in their place, that of a Dask client say.
        shard: Which part of how many, `(2, 8)` say, is written, into a folder; `symbackprop merge` joins them. Problems are
            then files, names of examples or mappings.

    Returns:
        The files that were written, and what of the homework they do not carry.

    Raises:
        SymbackpropError: Something cannot be used, or a number would be marked wrongly; nothing is written then.

    Examples:
        >>> import pathlib, tempfile
        >>> import symbackprop
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     found = symbackprop.export("homework", to="blackboard", variants=1, path=pathlib.Path(folder, "quiz.txt"))
        >>> [file.name for file in found.files]
        ['quiz.txt']
    """
    known_language(language)
    if to not in LEARNING_SYSTEMS:
        raise unknown("learning_system", to, LEARNING_SYSTEMS)
    if (variants is None) == (students is None):
        raise ProblemError(message("export.variants_or_students"))
    roster = roster_of(variants if students is None else students, {}, "", Path(path))  # type: ignore[arg-type]
    several = problem if isinstance(problem, Sequence) and not isinstance(problem, str) else [problem]
    job = ExportJob.of(
        [_source(each, f"problem{number}" if number > 1 else "problem") for number, each in enumerate(several, 1)],
        roster.students,
        LEARNING_SYSTEMS[to],
        style,
        seed,
        language,
        is_class=students is not None,
    )
    part = None if shard is None else Shard.read("{}/{}".format(*shard), "shard")
    return written(job, Path(path), part, processes, executor)


def _source(problem: ProblemLike, name: str) -> Source | Problem:
    return source_of(problem, name) if isinstance(problem, Mapping | str | Path) else problem_of(problem)


def written(
    job: ExportJob,
    path: Path,
    shard: Shard | None = None,
    processes: int | None = 1,
    executor: Executor | Workers | None = None,
    advance: Callable[[int], Any] = lambda count: None,
) -> Exported:
    """Write the files of an export, or a shard of its pages; only the owner can read them, since they hold keys.

    Pages of a large export are kept beside its files until these are written, for a run after one that was ended. `advance`
    is told of how many variants there are pages.
    """
    if shard is not None:
        for count in export_shards.write_shard(job, shard, path, processes, executor):
            advance(count)
        return Exported((path,), job.lacks())
    bounds = (0, job.size)
    is_known = len(job.contents) == len(job.problems)
    kept = KeptPages(path.with_name(f".{path.name}.pages")) if job.size > CHUNK and is_known else None
    if kept is not None:
        kept.begin(job.record())
    for count in write_pages(job, kept, bounds, processes, executor) if job.size > CHUNK or executor else ():
        advance(count)
    if kept is not None:
        add_kept(job, kept, bounds)
    files = job.files()
    paths = job.paths(files, path)
    write_files(paths, private=True)
    if kept is not None:
        kept.remove()
    return Exported(tuple(paths), job.lacks(), digest(files))
