"""Blackboard: files of lines with tabs, one question a line, at most so many in a file.

A line has the kind, the question, and the key with its absolute tolerance, or the options; there is no place for feedback or
for figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from symbackprop.exporting.exercises import AskedNumber, Pool, titles
from symbackprop.exporting.fragments import FragmentWriter

MOST_LINES = 250
"""Questions of a file that Blackboard Ultra takes."""


def files(pools: Sequence[Pool], style: str, language: str) -> Mapping[str, bytes]:
    """Return as many files as it takes, the second and later ones numbered; the questions of one answer stand together."""
    lines = [
        line
        for pool, title in zip(pools, titles(pools, language), strict=True)
        for line in _lines(pool, FragmentWriter(pool, language, "text"), title)
    ]
    parts = [lines[start : start + MOST_LINES] for start in range(0, len(lines), MOST_LINES)]
    return {f"-{place}" if place > 1 else "": "\n".join(part).encode() for place, part in enumerate(parts, start=1)}


def _lines(pool: Pool, writer: FragmentWriter, title: str) -> Iterator[str]:
    for position, answer in enumerate(pool.given.answers):
        for exercise in pool.exercises:
            asked = exercise.asked[position]
            name = writer.plain(f"{title} {exercise.name} {answer.id}")
            text = f"<p>{name}</p>{writer.question(exercise, has_figures=False).text}<p>{writer.symbol(asked)} = ?</p>"
            yield "\t".join(map(one_line, _fields(asked, text)))


def _fields(asked: AskedNumber, text: str) -> Iterator[str]:
    if not asked.options:
        yield from ("NUM", text, f"{asked.value:f}", f"{asked.tolerance:f}")
        return
    yield from ("MC", text)
    for option in asked.options:
        yield from (option.shown, "correct" if option.is_key else "incorrect")


def one_line(text: str) -> str:
    """Return a text in one line, each space a single one."""
    return " ".join(text.split())
