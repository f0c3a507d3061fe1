"""Cells of tables, written once where many tables have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symbackprop.document.blocks import Inline
from symbackprop.rendering.layout import widths
from symbackprop.rendering.layout.boxes import Box, Text


@dataclass(frozen=True, slots=True)
class TableCell:
    """A cell of a table, written: its text, how wide and whether taller than a line it is, the anchors it may lead to.

    `content` is what was written: with it at hand, nothing else can get its identity.
    """

    content: Inline
    text: str
    size: float
    is_tall: bool
    places: list[str]


def width(pieces: Sequence[str | Box]) -> float:
    """Return roughly how wide a cell of a table is."""
    texts = [piece for piece in pieces if isinstance(piece, str)]
    if len(texts) == len(pieces):
        return widths.of_words("".join(texts))
    return sum([widths.of_cell(Text(piece) if isinstance(piece, str) else piece) for piece in pieces])
