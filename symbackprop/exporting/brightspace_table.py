"""Brightspace: multiple choice as a table, a row for each part of a question; nothing else of ours can be imported.

A row has the name of the part, then what it says, then whether that is HTML; an option has its share before and its feedback
behind. Figures have no place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from symbackprop.csv_tables import write_csv
from symbackprop.exporting.blackboard_text import one_line
from symbackprop.exporting.exercises import AskedNumber, Exercise, Pool, titles
from symbackprop.exporting.fragments import FragmentWriter

_HTML = "HTML"


def files(pools: Sequence[Pool], style: str, language: str) -> Mapping[str, bytes]:
    """Return a table of all questions, those of one answer together."""
    rows = [
        row
        for pool, title in zip(pools, titles(pools, language), strict=True)
        for row in _questions(pool, FragmentWriter(pool, language, "mathml"), title)
    ]
    widest = max(map(len, rows))
    header, *others = [(*row, *[""] * (widest - len(row))) for row in rows]
    return {"": write_csv(header, others, bom=True).encode()}


def _questions(pool: Pool, writer: FragmentWriter, title: str) -> Iterator[tuple[str, ...]]:
    for position, answer in enumerate(pool.given.answers):
        for exercise in pool.exercises:
            asked = exercise.asked[position]
            text = f"{writer.question(exercise, has_figures=False).text}<p>{writer.symbol(asked)} = ?</p>"
            yield from _question(pool, writer, exercise, asked, f"{title} {exercise.name} {answer.id}", text)


def _question(
    pool: Pool, writer: FragmentWriter, exercise: Exercise, asked: AskedNumber, title: str, text: str
) -> Iterator[tuple[str, ...]]:
    yield "NewQuestion", "MC"
    yield "Title", one_line(title)
    yield "QuestionText", one_line(text), _HTML
    yield "Points", f"{float(asked.points):g}"
    for option in asked.options:
        share = "100" if option.is_key else "0"
        yield "Option", share, writer.plain(option.shown), _HTML, one_line(writer.explained(option)), _HTML
    yield "Feedback", one_line(writer.solution(exercise, asked).text), _HTML
