"""Named rows that are looked up with "did you mean": activations, losses, optimizers, formats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar, overload

from symbackprop.errors import unknown

Row = TypeVar("Row")
Other = TypeVar("Other")


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

    @overload
    def get(self, name: str, /) -> Row | None: ...
    @overload
    def get(self, name: str, default: Row | Other, /) -> Row | Other: ...
    def get(self, name: str, default: object = None, /) -> object:
        """Return a row by a name or second name, `default` where there is none: no search for the nearest name."""
        return self.rows.get(self.aliases.get(name, name), default)

    def __contains__(self, name: object) -> bool:
        return name in self.rows or name in self.aliases

    def __iter__(self) -> Iterator[str]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)
