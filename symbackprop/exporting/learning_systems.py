"""The learning systems as rows: which files they import, how they ask, what their formats carry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from symbackprop.exporting import (
    amc_exam,
    blackboard_text,
    brightspace_table,
    canvas_package,
    gradescope_autograder,
    moodle_xml,
    nbgrader_assignment,
    open_edx,
    prairielearn_questions,
    qti_package,
)
from symbackprop.exporting.exercises import AskedNumber, Pool
from symbackprop.messages import Message, message
from symbackprop.registry import Registry
from symbackprop.rows import Words

NUMBERS, SHEET, CHOICES = "numbers", "sheet", "choices"
STYLES = (NUMBERS, SHEET, CHOICES)
"""How is asked: each number as a question of its own, all of a variant together, or one of several numbers to choose."""

FEATURES: Mapping[str, Callable[[Pool, str], bool]] = {
    "together": lambda pool, style: len(pool.given.answers) > 1,
    "solution": lambda pool, style: True,
    "mistakes": lambda pool, style: any(asked.wrong for each in pool.exercises for asked in each.asked),
    "figures": lambda pool, style: "diagram" in pool.given.homework.show,
    "points": lambda pool, style: True,
    "weights": lambda pool, style: style == SHEET and len(set(pool.given.homework.points.values())) > 1,
    "students": lambda pool, style: pool.is_class,
    "follow_through": lambda pool, style: bool(pool.given.homework.rules.follow_through),
    "shares": lambda pool, style: bool(pool.given.homework.rules.rounded or pool.given.homework.rules.repeated),
    "arithmetic": lambda pool, style: style != CHOICES,
}
"""What homework has that a format may carry or not, by name, and whether a pool has it when it is asked in a style."""

Files = Mapping[str, bytes]
"""The files of an export: in a folder by their paths; else parts of one file by what is added to its name, the first "" ."""


@dataclass(frozen=True, slots=True)
class LearningSystem:
    """A learning system, or a program that marks: how its files are written, and what they carry of a homework.

    `write` makes the files of some pools in a style and a language. `suffix` is that of a file, "" where there is a folder.
    `carries` has for each style, the usual one first, the `FEATURES` that are kept; `refuses` says why a number that is
    typed would be marked wrongly, None where it would not. `words` are the phrases that the row brings itself:
    `system.NAME` says what is written, in a few words.
    """

    name: str
    suffix: str
    carries: Mapping[str, frozenset[str]]
    write: Callable[[Sequence[Pool], str, str], Files]
    refuses: Callable[[AskedNumber], Message | None] = lambda asked: None
    words: Words = field(default_factory=dict)

    @property
    def styles(self) -> tuple[str, ...]:
        """How it asks, the usual style first."""
        return tuple(self.carries)

    def lacks(self, pools: Sequence[Pool], style: str) -> Iterator[Message]:
        """Yield what of some pools the files do not carry."""
        for name, has in FEATURES.items():
            if name not in self.carries[style] and any(has(pool, style) for pool in pools):
                yield message(f"export.lacks_{name}")


LEARNING_SYSTEMS: Registry[LearningSystem] = Registry(
    "learning_system",
    (
        LearningSystem(
            "moodle",
            "xml",
            {
                SHEET: frozenset({"together", "solution", "mistakes", "figures", "weights"}),
                NUMBERS: frozenset({"solution", "mistakes", "figures"}),
                CHOICES: frozenset({"solution", "mistakes", "figures"}),
            },
            moodle_xml.files,
        ),
        LearningSystem(
            "canvas",
            "zip",
            {
                NUMBERS: frozenset({"solution", "figures", "points"}),
                CHOICES: frozenset({"solution", "mistakes", "figures", "points"}),
            },
            canvas_package.files,
            canvas_package.refusal,
        ),
        LearningSystem(
            "qti21",
            "zip",
            {
                SHEET: frozenset({"together", "solution", "figures", "points", "weights"}),
                NUMBERS: frozenset({"solution", "figures", "points"}),
                CHOICES: frozenset({"solution", "mistakes", "figures", "points"}),
            },
            qti_package.files,
        ),
        LearningSystem(
            "qti30",
            "zip",
            {
                SHEET: frozenset({"together", "solution", "figures", "points", "weights"}),
                NUMBERS: frozenset({"solution", "figures", "points"}),
                CHOICES: frozenset({"solution", "mistakes", "figures", "points"}),
            },
            qti_package.files_of_later_version,
        ),
        LearningSystem(
            "olx",
            "tar.gz",
            {
                SHEET: frozenset({"together", "solution", "figures", "points", "arithmetic"}),
                NUMBERS: frozenset({"solution", "figures", "points", "arithmetic"}),
                CHOICES: frozenset({"solution", "mistakes", "figures", "points"}),
            },
            open_edx.files,
        ),
        LearningSystem(
            "nbgrader",
            "",
            {
                SHEET: frozenset({"together", "mistakes", "figures", "points", "weights"}),
            },
            nbgrader_assignment.files,
        ),
        LearningSystem(
            "gradescope",
            "zip",
            {
                SHEET: frozenset({"together", "solution", "mistakes", "points", "weights", "students"}),
            },
            gradescope_autograder.files,
        ),
        LearningSystem(
            "prairielearn",
            "",
            {
                SHEET: frozenset({"together", "solution", "mistakes", "figures", "weights"}),
                NUMBERS: frozenset({"solution", "mistakes", "figures"}),
                CHOICES: frozenset({"solution", "mistakes", "figures"}),
            },
            prairielearn_questions.files,
        ),
        LearningSystem(
            "amc",
            "",
            {
                SHEET: frozenset({"together", "solution", "figures", "points", "weights", "students"}),
                CHOICES: frozenset({"together", "solution", "figures", "points", "students"}),
            },
            amc_exam.files,
            amc_exam.refusal,
        ),
        LearningSystem(
            "blackboard",
            "txt",
            {
                NUMBERS: frozenset(),
                CHOICES: frozenset(),
            },
            blackboard_text.files,
        ),
        LearningSystem(
            "brightspace",
            "csv",
            {
                CHOICES: frozenset({"solution", "mistakes", "points"}),
            },
            brightspace_table.files,
        ),
    ),
    phrases=lambda row: (f"system.{row.name}",),
)
