"""Which cells of a table hold numbers that the problem gives, which can be changed on a page, and which hold results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symbackprop.algebra.formula import Name
from symbackprop.document.blocks import Inline, Section, Table
from symbackprop.document.display_nodes import Shown
from symbackprop.graph.notation import Notation
from symbackprop.graph.quantities import Role
from symbackprop.graph.scalars import Scalar
from symbackprop.messages import Message
from symbackprop.rendering import anchors

_GIVEN = (Role.PARAMETER, Role.INPUT, Role.TARGET)


_RESULTS = {"column.value": "value", "column.gradient": "gradient", "column.new": "update"}
"""What stands in a column beside the name of a quantity."""


def add_names(sections: Sequence[Section], views: Sequence[dict[str, Any]], notation: Notation) -> None:
    """Have the tables in views of sections say which cells hold given numbers (`given`), and which hold `results`.

    Given are those of the first section, the statement.
    """
    for place, (section, view) in enumerate(zip(sections, views, strict=True)):
        _add(section, view, notation, is_stated=not place)


def _add(section: Section, view: dict[str, Any], notation: Notation, *, is_stated: bool) -> None:
    for block, seen in zip(section.blocks, view["blocks"], strict=True):
        if isinstance(block, Table):
            seen["given"] = names(block, notation) if is_stated else [[""] * len(row) for row in block.rows]
            seen["results"] = results(block, notation)
    for inner, seen in zip(section.sections, view["sections"], strict=True):
        _add(inner, seen, notation, is_stated=is_stated)


def results(table: Table, notation: Notation) -> list[list[str]]:
    """Return for each cell the code name of the result in it, `a1_1`, `dL_dW1_1_2` or `new_W1_1_2`, else ""."""
    return [[_result(head, row[0], notation) for head in table.header] for row in table.rows]


def _result(head: Inline, first: Inline, notation: Notation) -> str:
    kind = _RESULTS.get(head.id, "") if isinstance(head, Message) else ""
    if not isinstance(first, Name) or (kind == "value" and _is_given(first, notation)):
        return ""
    return anchors.named(kind, Scalar(first.name, first.sample), notation.graph.output)


def names(table: Table, notation: Notation) -> list[list[str]]:
    """Return for each cell the code name of the given number in it, `W1_1_2`, `x_1@3` or `learning_rate`, else ""."""
    return [
        [
            _name(head, row, table, notation) if place and any(isinstance(part, Shown) for part in _parts(cell)) else ""
            for place, (head, cell) in enumerate(zip(table.header, row, strict=True))
        ]
        for row in table.rows
    ]


def _parts(cell: Inline) -> tuple[object, ...]:
    """Return what a cell shows: a number that was rounded stands in a phrase."""
    return tuple(cell.arguments.values()) if isinstance(cell, Message) else (cell,)


def _name(head: Inline, row: tuple[Inline, ...], table: Table, notation: Notation) -> str:
    first, corner = row[0], table.header[0]
    if isinstance(head, Name):
        is_sample = isinstance(corner, Message) and corner.id == "column.sample" and str(first).isdecimal()
        return str(Scalar(head.name, int(str(first)))) if is_sample and _is_given(head, notation) else ""
    if not (isinstance(head, Message) and head.id == "column.value"):
        return ""
    if isinstance(first, Name):
        return str(Scalar(first.name, first.sample)) if _is_given(first, notation) else ""
    meaning = row[1]
    is_setting = isinstance(meaning, Message) and meaning.id.startswith("setting.")
    return meaning.id.removeprefix("setting.") if is_setting and isinstance(meaning, Message) else ""


def _is_given(name: Name, notation: Notation) -> bool:
    return notation.graph.has_element(name.name) and notation.quantity(name.name).role in _GIVEN
