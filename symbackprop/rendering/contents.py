"""What is inside a document, and inside its view."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from symbackprop.document.blocks import Document, Figure, Listing, Note, Paragraph, Section, Table, Terms
from symbackprop.messages import Message


def blocks(sections: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the views of the blocks in sections and in those inside them."""
    for section in sections:
        yield from section["blocks"]
        yield from blocks(section["sections"])


def holds(part: object, kinds: tuple[type, ...]) -> bool:
    """Say whether a part of a document is of one of these kinds or has one inside; a formula is not looked into."""
    match part:
        case part if isinstance(part, kinds):
            return True
        case tuple():
            return any(holds(each, kinds) for each in part)
        case Message():
            return holds(tuple(part.arguments.values()), kinds)
        case Document() | Section() | Paragraph() | Listing() | Table() | Figure() | Note() | Terms():
            return any(holds(getattr(part, name), kinds) for name in part.__slots__)
    return False


def texts(part: object) -> Iterator[str]:
    """Iterate over every text inside a view, in no particular order."""
    waiting = [part]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, str):
            yield inner
        elif isinstance(inner, dict):
            waiting += inner.values()
        elif isinstance(inner, list):
            waiting += inner
