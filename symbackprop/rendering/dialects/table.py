"""What a dialect is: a name, and for each kind of box a function that writes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from symbackprop.rendering.layout.boxes import KINDS, Kept

Table = Mapping[type, Callable[[Any], str]]


def complete(name: str, rows: Table) -> Table:
    """Return the table of a dialect with the row of boxes that are kept, which all dialects share.

    Raises `TypeError` for a table that lacks a kind of box, or has one that does not exist.
    """

    def kept(box: Kept) -> str:
        found = box.texts.get(name)
        if found is None:
            found = box.texts[name] = table[type(box.body)](box.body)
        return found

    table: dict[type, Callable[[Any], str]] = {**rows, Kept: kept}
    if wrong := set(KINDS) ^ set(table):
        raise TypeError(f"the dialect {name} and the kinds of boxes differ in {sorted(k.__name__ for k in wrong)}")
    return table
