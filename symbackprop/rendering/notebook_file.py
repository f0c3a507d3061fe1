"""A worked solution as a Jupyter notebook: its sections as cells of text, its numbers recomputed by cells of code.

The file is written by the format's description (nbformat 4.5); identifiers of cells are their places.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symbackprop import language
from symbackprop.messages import Message

if TYPE_CHECKING:
    from symbackprop.rendering.drafts import Draft
    from symbackprop.rendering.view_models import ViewModel

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
    return _json((kind, text, {}) for kind, text in _cells(draft))


def exercise(cells: Iterable[tuple[str, str]]) -> str:
    """Return the cells of an exercise (`symbackprop.scripts.cells`) as a notebook in JSON, with what nbgrader reads of each.

    Its own fields, version 3: the solution may be changed and has no points, each test has one, nothing else may be changed.
    """
    return _json(
        ("code", text, {"nbgrader": _role(kind, number)}) for number, (kind, text) in enumerate(cells, start=1)
    )


def _role(kind: str, number: int) -> dict[str, Any]:
    """Return what nbgrader is told of a cell; identifiers hold letters, digits, hyphens and underscores."""
    word, _, name = kind.partition(" ")
    points = {"points": 1} if word == "test" else {}
    role = {"schema_version": 3, "grade_id": f"{word}-{name or number}", "task": False}
    return {**role, "grade": word == "test", "solution": word == "solution", "locked": word != "solution", **points}


def _json(parts: Iterable[tuple[str, str, Mapping[str, Any]]]) -> str:
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
    yield _markdown(draft.fill(CELL, part=None))
    code = dict(_code(draft, [(passage.section["name"], passage.step) for passage in passages]))
    for place, passage in enumerate(passages):
        yield _markdown(draft.fill(CELL, part=passage.section, level=passage.level, number=passage.number))
        yield from code.pop(place, ())
    for rest in code.values():
        yield from rest


def _markdown(text: str) -> Cell:
    return "markdown", text.strip()


def _passages(sections: Sequence[ViewModel], level: int = 0, above: str = "", step: int = 1) -> Iterator[_Passage]:
    """Yield the sections; of a step in full, whose parts are sections of their own, its title and then its parts."""
    steps = 0
    for position, section in enumerate(sections, start=1):
        number = f"{above}{position}"
        if section["name"] == "step":
            steps += 1
            yield _Passage({**section, "sections": []}, level, number, steps)
            yield from _passages(section["sections"], level + 1, f"{number}.", steps)
        else:
            yield _Passage(section, level, number, step)


def _code(draft: Draft, places: Sequence[tuple[str, int]]) -> Iterator[tuple[int, list[Cell]]]:
    """Yield the cells of code by the number of the passage that they follow; behind the last one, those without a place."""
    from symbackprop.scripts.notebook import cells

    found: dict[int, list[Cell]] = {}
    for name, step, codes in cells.parts(draft.solution, _Phrases(draft)):
        spots = [
            place
            for wanted in PLACES.get(name, ())
            for place, (section, of_step) in enumerate(places)
            if section == wanted and of_step == step
        ]
        found.setdefault(spots[0] if spots else len(places), []).extend(codes)
    yield from sorted(found.items())


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
