"""Messages: sentences as data, which every language can say (`symbackprop.language`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence as data: the id of a phrase and what fills its placeholders (texts, numbers, formulas, messages)."""

    id: str
    arguments: Mapping[str, object] = field(default_factory=dict)


def message(id: str, /, **arguments: object) -> Message:
    """Return the message `id` with its arguments."""
    return Message(id, arguments)
