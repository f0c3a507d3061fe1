"""Blackboard: files of lines with tabs, one question a line, at most so many in a file.

A line has the kind, the question, and the key with its absolute tolerance, or the options; there is no place for feedback or
for figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from symbackprop.document.blocks import Document, Figure, Paragraph, Section
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
    pages = {each.name: writer.embedded(without_figures(pool.question(each))) for each in pool.exercises}
    for position, answer in enumerate(pool.given.answers):
        for exercise in pool.exercises:
            asked = exercise.asked[position]
            name = writer.plain(f"{title} {exercise.name} {answer.id}")
            text = f"<p>{name}</p>{pages[exercise.name]}<p>{writer.symbol(asked)} = ?</p>"
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


def without_figures(document: Document) -> Document:
    """Return a document with the words of its figures in their place."""

    def changed(section: Section) -> Section:
        blocks = tuple(Paragraph(each.alternative) if isinstance(each, Figure) else each for each in section.blocks)
        return replace(section, blocks=blocks, sections=tuple(map(changed, section.sections)))

    return replace(document, sections=tuple(map(changed, document.sections)))
