"""Shards: a class cut into parts that stand behind each other, each worked at by itself, wherever that is."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from symbackprop.errors import OutputError
from symbackprop.homework.classes.roster import Student
from symbackprop.messages import message, some

SETTING = "shard"
"""What a manifest calls the shard of a class that it is about."""
_TEXT = re.compile(r"(\d{1,6})/(\d{1,6})")


class Part(Protocol):
    """The folder of one shard, to be joined with others."""

    @property
    def folder(self) -> Path:
        """Where it is."""

    @property
    def number(self) -> int:
        """Which part it is, counted from 1."""

    @property
    def of(self) -> int:
        """How many parts there are."""

    def is_of_job(self, other: Any) -> bool:
        """Say whether it is a part of the same job as another one."""

    def left(self) -> Sequence[str]:
        """Return the students of whom something is still missing."""


def check(parts: Sequence[Part]) -> None:
    """Raise `OutputError` where folders are not the shards of one job, each once."""
    first = parts[0]
    for part in parts[1:]:
        if not part.is_of_job(first):
            raise OutputError(message("homework.other_job", other=str(first.folder)), where=str(part.folder))
    for part in parts:
        other = next(other for other in parts if other.number == part.number)
        if other is not part:
            what = message("homework.twin_shards", number=part.number, other=str(other.folder))
            raise OutputError(what, where=str(part.folder))
        left = part.left()
        if left:
            what = message("homework.unfinished_shard", count=len(left), students=some(left))
            raise OutputError(what, where=str(part.folder))
    missing = sorted({*range(1, first.of + 1)} - {part.number for part in parts})
    if missing:
        shards = some([f"{number}/{first.of}" for number in missing])
        raise OutputError(message("homework.missing_shards", count=len(missing), shards=shards))


@dataclass(frozen=True, slots=True)
class Shard:
    """The part `number` of `of` parts, counted from 1."""

    number: int
    of: int

    @classmethod
    def read(cls, text: str, where: str = "--shard") -> Shard:
        """Return what `2/8` says; raises `OutputError` for what is no shard.

        >>> Shard.read("2/8")
        Shard(number=2, of=8)
        """
        found = _TEXT.fullmatch(text.strip())
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            raise OutputError(message("homework.no_shard", text=text), where=where)
        return cls(int(found[1]), int(found[2]))

    def bounds(self, count: int, unit: int = 1) -> tuple[int, int]:
        """Return where the part begins in a class of so many, and where it ends: units stay whole.

        >>> [Shard(number, 3).bounds(10) for number in (1, 2, 3)], Shard(2, 2).bounds(10, 4)
        ([(0, 3), (3, 6), (6, 10)], (4, 10))
        """
        units = -(-count // unit)
        first, last = (unit * (units * number // self.of) for number in (self.number - 1, self.number))
        return min(first, count), min(last, count)

    def setting(self, students: Sequence[Student], unit: int = 1) -> Mapping[str, object]:
        """Return what the manifest of the part says of it: which one it is, where it begins, of which class."""
        ids = json.dumps([each.id for each in students])
        return {
            "number": self.number,
            "of": self.of,
            "first": self.bounds(len(students), unit)[0],
            "students": len(students),
            "class": hashlib.sha256(ids.encode()).hexdigest()[:16],
        }
