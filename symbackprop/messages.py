"""Messages: sentences as data, which every language can say (`symbackprop.language`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_LISTED = 8
"""Names that a message has of many."""


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence as data: the id of a phrase and what fills its placeholders (texts, numbers, formulas, messages)."""

    id: str
    arguments: Mapping[str, object] = field(default_factory=dict)


def message(id: str, /, **arguments: object) -> Message:
    """Return the message `id` with its arguments."""
    return Message(id, arguments)


def some(names: Sequence[str]) -> list[str]:
    """Return what a message names of many."""
    return [*names[:_LISTED], *["…"] * (len(names) > _LISTED)]
