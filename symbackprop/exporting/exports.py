"""Export from Python: the function that the command calls, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from symbackprop.errors import ProblemError, known_language, unknown
from symbackprop.exporting.exercises import Pool, pool
from symbackprop.exporting.learning_systems import CHOICES, LEARNING_SYSTEMS, STYLES, LearningSystem
from symbackprop.homework.classes.roster import Roster
from symbackprop.homework.python_functions import Students, roster_of
from symbackprop.messages import Message, message
from symbackprop.problems import Problem
from symbackprop.problems.accepted import ProblemLike, problem_of
from symbackprop.whole_files import write_files

MOST_REFUSED = 3
"""Numbers that a refusal names."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the files, and what of the homework they do not carry."""

    files: tuple[Path, ...]
    lacks: tuple[Message, ...]


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
) -> Exported:
    """Write variants of a problem, or of several, as files that a learning system imports, as `symbackprop export` does.

    Args:
        problem: Whatever stands for a problem, or a sequence of such.
        to: A name of `symbackprop list systems`.
        path: The file to write, or the folder for a system that takes one.
        variants: How many variants are drawn.
        students: Those who get a variant each, as for `homework`, in place of `variants`.
        style: How is asked, `"numbers"`, `"sheet"` or `"choices"`, or None for what the system does best.
        seed: The seed of the draws: with that of a homework the numbers are the same.
        language: The language of the questions, `"en"` or `"zh"`.

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
    return written(
        [problem_of(each) for each in several],
        LEARNING_SYSTEMS[to],
        roster,
        Path(path),
        is_class=students is not None,
        style=style,
        seed=seed,
        language=language,
    )


def written(
    problems: Sequence[Problem],
    system: LearningSystem,
    roster: Roster,
    path: Path,
    *,
    is_class: bool,
    style: str | None,
    seed: int,
    language: str,
) -> Exported:
    """Write the variants of some problems for a learning system; only the owner can read the files, which hold keys."""
    chosen = system.styles[0] if style is None else style
    if chosen not in STYLES:
        raise unknown("export_style", chosen, STYLES)
    if chosen not in system.styles:
        raise ProblemError(message("export.style", style=chosen, system=system.name, styles=system.styles))
    pools = [pool(each, roster.students, seed, is_class=is_class, is_chosen=chosen == CHOICES) for each in problems]
    if chosen != CHOICES:
        _check(system, pools)
    parts = system.write(pools, chosen, language)
    names = [path / name if not system.suffix else path.with_name(f"{path.stem}{name}{path.suffix}") for name in parts]
    write_files(dict(zip(names, parts.values(), strict=True)), private=True)
    return Exported(tuple(names), tuple(system.lacks(pools, chosen)))


def _check(system: LearningSystem, pools: Sequence[Pool]) -> None:
    """Raise `ProblemError` for numbers that the system would mark wrongly."""
    found = [
        refused
        for each in pools
        for exercise in each.exercises
        for asked in exercise.asked
        if (refused := system.refuses(asked)) is not None
    ]
    if found:
        raise ProblemError(message("export.refused", count=len(found), reasons=found[:MOST_REFUSED]), where=system.name)
