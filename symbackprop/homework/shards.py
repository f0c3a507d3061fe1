"""Shards: a class cut into parts that stand behind each other, each worked at by itself, wherever that is."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from symbackprop.errors import OutputError
from symbackprop.homework.roster import Student
from symbackprop.messages import message

SETTING = "shard"
"""What a manifest calls the shard of a class that it is about."""
_TEXT = re.compile(r"(\d{1,6})/(\d{1,6})")

Entry = TypeVar("Entry")


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
