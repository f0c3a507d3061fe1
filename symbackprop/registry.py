"""Named rows that are looked up with "did you mean": activations, losses, optimizers, formats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from symbackprop.errors import unknown

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Registry(Mapping[str, Row], Generic[Row]):
    """A table of rows by name; `kind` names the table in messages (`activation`), `aliases` are second names."""

    kind: str
    rows: Mapping[str, Row]
    aliases: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Row:
        canonical = self.aliases.get(name, name)
        if canonical not in self.rows:
            raise unknown(self.kind, name, self.rows)
        return self.rows[canonical]

    def __contains__(self, name: object) -> bool:
        return name in self.rows or name in self.aliases

    def __iter__(self) -> Iterator[str]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)
