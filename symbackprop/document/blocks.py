"""What a document is made of: sections of blocks, free of any format and any language.

Prose is a `Message` (the id of a phrase and its arguments), mathematics a formula tree; `symbackprop.rendering` writes both.
"""

from __future__ import annotations

from dataclasses import dataclass

from symbackprop.document.truth import Step
from symbackprop.errors import Message
from symbackprop.formula import Node

Inline = Message | Node | str
"""A phrase, a formula, or text of the user's own (escaped by every format)."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A sentence or a few."""

    text: Message


@dataclass(frozen=True, slots=True)
class Chain:
    """`left = … = … ≈ …`: one or more lines aligned at their relations."""

    left: Node
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Display:
    """Displayed formulas, aligned with each other; up to `per_row` short ones may stand side by side."""

    chains: tuple[Chain, ...]
    per_row: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `numeric` says which columns hold numbers (aligned at the right)."""

    header: tuple[Inline, ...]
    rows: tuple[tuple[Inline, ...], ...]
    numeric: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of sentences, numbered or not."""

    items: tuple[Message, ...]
    numbered: bool = False


Block = Paragraph | Display | Table | Listing


@dataclass(frozen=True, slots=True)
class Section:
    """A numbered section: title, blocks, subsections."""

    title: Message
    blocks: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A document: title (the user's text, where there is one), the conventions in one line, sections."""

    title: Inline
    subtitle: tuple[Message, ...]
    sections: tuple[Section, ...]
