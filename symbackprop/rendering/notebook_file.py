"""A worked solution as a Jupyter notebook: its sections as cells of text, its numbers recomputed by cells of code.

The file is written by the format's description (nbformat 4.5); identifiers of cells are their places.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symbackprop import language
from symbackprop.algebra.formula import Name
from symbackprop.document.blocks import Table, Verbatim
from symbackprop.document.display_nodes import Gradient
from symbackprop.messages import Message

if TYPE_CHECKING:
    from symbackprop.rendering.drafts import Draft
    from symbackprop.rendering.view_models import ViewModel
    from symbackprop.scripts.notebook.statements import CodeName

CELL = "cell.jinja"
Cell = tuple[str, str]
"""The type of a cell, `markdown` or `code`, and its text."""

PLACES: Mapping[str, tuple[str, ...]] = {
    "given": ("problem",),
    "forward": ("forward", "matrix_forward"),
    "loss": ("loss", "forward", "matrix_forward"),
    "backward": ("backward", "matrix_backward"),
    "update": ("update", "backward", "matrix_backward"),
    "after": ("after", "after_step"),
    "differences": ("check",),
}
"""After which section each part of the code stands: the first of these that the document has."""


def written(draft: Draft) -> str:
    """Return a worked solution as a notebook in JSON."""
    return notebook((kind, text, {}) for kind, text in _cells(draft))


def exercise(cells: Iterable[tuple[str, str]]) -> str:
    """Return the cells of an exercise (`symbackprop.scripts.cells`) as a notebook in JSON, with what nbgrader reads of each.

    Its own fields, version 3: the solution may be changed and has no points, each test has one, nothing else may be changed.
    """
    return notebook(
        ("code", text, {"nbgrader": _role(kind, number)}) for number, (kind, text) in enumerate(cells, start=1)
    )


def _role(kind: str, number: int) -> dict[str, Any]:
    """Return what nbgrader is told of a cell; identifiers hold letters, digits, hyphens and underscores."""
    word, _, name = kind.partition(" ")
    points = {"points": 1} if word == "test" else {}
    role = {"schema_version": 3, "grade_id": f"{word}-{name or number}", "task": False}
    return {**role, "grade": word == "test", "solution": word == "solution", "locked": word != "solution", **points}


def notebook(parts: Iterable[tuple[str, str, Mapping[str, Any]]]) -> str:
    """Return cells, each a type, a text and its metadata, as a notebook in JSON."""
    cells = [
        {
            "id": f"cell-{number}",
            "cell_type": kind,
            "metadata": metadata,
            **_outputs(kind),
            "source": text.splitlines(keepends=True),
        }
        for number, (kind, text, metadata) in enumerate(parts, start=1)
    ]
    content = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _outputs(kind: str) -> dict[str, Any]:
    return {"execution_count": None, "outputs": []} if kind == "code" else {}


@dataclass(frozen=True, slots=True)
class _Passage:
    """A section, or the part of one that is a cell of its own; `step` is the number of the step that it belongs to."""

    section: ViewModel
    level: int
    number: str
    step: int


def _cells(draft: Draft) -> Iterator[Cell]:
    passages = list(_passages(draft.view["sections"]))
    yield _markdown(draft.fill(CELL, part=None, table=None))
    code = dict(_code(draft, passages))
    for place, passage in enumerate(passages):
        yield _markdown(draft.fill(CELL, part=passage.section, level=passage.level, number=passage.number))
        yield from code.pop(place, ())
    for rest in code.values():
        yield from rest


def _markdown(text: str) -> Cell:
    return "markdown", text.strip()


def _passages(sections: Sequence[ViewModel], level: int = 0, above: str = "", step: int = 1) -> Iterator[_Passage]:
    """Yield the sections; of one that has others inside it, its own blocks and then these."""
    steps = 0
    for position, section in enumerate(sections, start=1):
        number = f"{above}{position}"
        of_step = step
        if section["name"] == "step":
            of_step = steps = steps + 1
        yield _Passage({**section, "sections": []}, level, number, of_step)
        yield from _passages(section["sections"], level + 1, f"{number}.", of_step)


def _code(draft: Draft, passages: Sequence[_Passage]) -> Iterator[tuple[int, list[Cell]]]:
    """Yield the cells of code by the number of the passage that they follow; behind the last one, those without a place."""
    from symbackprop.scripts.notebook import cells

    found: dict[int, list[Cell]] = {}
    for name, step, codes in cells.parts(draft.solved, _Phrases(draft)):
        spots = [
            place
            for wanted in PLACES.get(name, ())
            for place, passage in enumerate(passages)
            if passage.section["name"] == wanted and passage.step == step
        ]
        for place, cell in _beside(codes, passages, spots[0] if spots else len(passages)):
            found.setdefault(place, []).append(cell)
    yield from sorted(found.items())


def _beside(codes: Sequence[Cell], passages: Sequence[_Passage], place: int) -> Iterator[tuple[int, Cell]]:
    """Yield the cells of a section's code, each with its passage: layer beside layer, or all behind the section."""
    if place == len(passages):
        yield from ((place, cell) for cell in codes)
        return
    within = [n for n, each in enumerate(passages) if each.number.startswith(f"{passages[place].number}.")]
    layers = [n for n in within if passages[n].section["name"] != "inputs"]
    places = layers if len(layers) == len(codes) else [max([place, *within])] * len(codes)
    yield from zip(places, codes, strict=True)


@dataclass(frozen=True, slots=True)
class _Phrases:
    """Phrases of a notebook, as plain text for its code and as Markdown for its text."""

    draft: Draft

    def plain(self, id: str) -> str:
        """Return a phrase as it is, in one line."""
        return language.say(self.draft.language, Message(id))

    def markdown(self, ids: Iterable[str]) -> Cell:
        """Return a cell of text: a heading and sentences."""
        heading, *sentences = (self.draft.writer.say(id) for id in ids)
        return _markdown("\n\n".join([f"## {heading}", *sentences]))

    def names(self, rows: Sequence[CodeName]) -> Cell:
        """Return a table of symbols and what the code calls them."""
        header = ("column.quantity", "notebook.in_code", "notebook.gradient", "notebook.in_code")
        entries = [
            (
                Name(row.element, row.sample),
                Verbatim(row.name),
                Gradient(row.element, row.sample) if row.gradient else "",
                Verbatim(row.gradient),
            )
            for row in rows
        ]
        table = Table(tuple(map(Message, header)), tuple(entries), (False,) * len(header))
        return _markdown(self.draft.fill(CELL, part=None, table=self.draft.writer.block(table)))
