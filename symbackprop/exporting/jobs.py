"""An export as a job: what is asked of whom, how, and for which system. Its files are made of pages.

The pages of a variant depend on the job and on the variant alone, whoever writes them.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from symbackprop.errors import ProblemError, unknown
from symbackprop.exporting.exercises import Pool, pool
from symbackprop.exporting.learning_systems import CHOICES, LEARNING_SYSTEMS, STYLES, Files, LearningSystem
from symbackprop.homework.assignments.variants import assignment
from symbackprop.homework.classes.chunks import versions
from symbackprop.homework.classes.roster import Student
from symbackprop.homework.handouts.manifest import inlined
from symbackprop.messages import Message, message
from symbackprop.problems import Problem, load

MOST_REFUSED = 3
"""Numbers that a refusal names."""


@dataclass(frozen=True)
class ExportJob:
    """Variants of problems for a learning system: one for each student, or for each of so many numbers.

    `contents` are those of the problems' files, where they are known.
    """

    problems: tuple[Problem, ...]
    contents: tuple[Mapping[str, Any], ...]
    students: tuple[Student, ...]
    system: LearningSystem
    style: str
    seed: int
    language: str
    is_class: bool

    @classmethod
    def of(
        cls,
        sources: Sequence[load.Source | Problem],
        students: Sequence[Student],
        system: LearningSystem,
        style: str | None,
        seed: int,
        language: str,
        *,
        is_class: bool,
    ) -> ExportJob:
        """Return the job, in the style that the system does best where none is asked for; `ProblemError` for no style."""
        chosen = system.styles[0] if style is None else style
        if chosen not in STYLES:
            raise unknown("export_style", chosen, STYLES)
        if chosen not in system.styles:
            raise ProblemError(message("export.style", style=chosen, system=system.name, styles=system.styles))
        problems = tuple(each if isinstance(each, Problem) else each.problem() for each in sources)
        contents = tuple(
            inlined(each.content, problem)
            for each, problem in zip(sources, problems, strict=True)
            if isinstance(each, load.Source)
        )
        return cls(problems, contents, tuple(students), system, chosen, seed, language, is_class)

    @functools.cached_property
    def pools(self) -> Sequence[Pool]:
        """The variants of each problem; raises `ProblemError` for numbers that the system would mark wrongly."""
        is_chosen = self.style == CHOICES
        found = [
            pool(each, self.students, self.seed, is_class=self.is_class, is_chosen=is_chosen) for each in self.problems
        ]
        if not is_chosen:
            _check(self.system, found)
        return found

    @property
    def size(self) -> int:
        """How many variants there are of each problem."""
        return len(self.students)

    def files(self) -> Files:
        """Return the files of all variants."""
        return self.system.write(self.pools, self.style, self.language)

    def lacks(self) -> tuple[Message, ...]:
        """Return what of the homework the files do not carry."""
        return tuple(self.system.lacks(self.pools, self.style))

    def paths(self, files: Files, path: Path) -> dict[Path, bytes]:
        """Return the files by where they are written."""
        if not self.system.suffix:
            return {path / name: content for name, content in files.items()}
        return {path.with_name(f"{path.stem}{name}{path.suffix}"): content for name, content in files.items()}

    def record(self) -> dict[str, Any]:
        """Return all that the files depend on, as plain data, from which `read` makes the same job."""
        return {
            "versions": dict(versions()),
            "digests": self.digests,
            "names": [each.name for each in self.problems],
            "contents": list(map(dict, self.contents)),
            "students": [{**asdict(each), "row": {}} for each in self.students],
            "system": self.system.name,
            "style": self.style,
            "seed": self.seed,
            "language": self.language,
            "is_class": self.is_class,
        }

    @property
    def digests(self) -> list[str]:
        """What tells the numbers of each problem from those of others."""
        return [assignment(each).digest for each in self.problems]

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> ExportJob:
        """Return the job of a record; raises `ProblemError` where this version of the program would write another one."""
        names, contents = record["names"], record["contents"]
        problems = [load.problem(each, name=name) for name, each in zip(names, contents, strict=True)]
        found = cls(
            tuple(problems),
            tuple(contents),
            tuple(Student(**each) for each in record["students"]),
            LEARNING_SYSTEMS[record["system"]],
            record["style"],
            record["seed"],
            record["language"],
            record["is_class"],
        )
        if record["versions"] != dict(versions()) or record["digests"] != found.digests:
            raise ProblemError(message("homework.other_version"))
        return found


def _check(system: LearningSystem, pools: Sequence[Pool]) -> None:
    found = list(_refused(system, pools))
    if found:
        raise ProblemError(message("export.refused", count=len(found), reasons=found[:MOST_REFUSED]), where=system.name)


def _refused(system: LearningSystem, pools: Sequence[Pool]) -> Iterator[Message]:
    for each in pools:
        for exercise in each.exercises:
            yield from (refused for asked in exercise.asked if (refused := system.refuses(asked)) is not None)


def digest(files: Files) -> str:
    """Return a SHA-256 of files: that of a list as `sha256sum` writes it, wherever they are written."""
    lines = (f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def plain(record: Mapping[str, Any]) -> str:
    """Return a record as JSON."""
    return json.dumps(record, ensure_ascii=False, indent=1) + "\n"
