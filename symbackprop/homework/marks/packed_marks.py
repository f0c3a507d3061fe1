"""The marks of a class of any size: some students at a time, the others as compressed bytes."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from symbackprop.homework.marks.marking import Mark

TOGETHER = 50
"""Students whose marks are compressed together."""

Part = tuple[tuple[str, ...], bytes]
"""Ids of students, and their marks as bytes."""


class PackedMarks(Mapping[str, Sequence[Mark]]):
    """The marks by student, in the order of the class; going through them takes little memory, looking at one a moment."""

    def __init__(self, parts: Iterable[Part] = ()) -> None:
        self.parts = tuple(parts)
        self._number = {id: number for number, (ids, _) in enumerate(self.parts) for id in ids}
        self._opened: tuple[int, Mapping[str, Sequence[Mark]]] = (-1, {})

    @classmethod
    def of(cls, marks: Mapping[str, Sequence[Mark]]) -> PackedMarks:
        """Return marks packed; those that are, as they are."""
        if isinstance(marks, PackedMarks):
            return marks
        ids = list(marks)
        groups = (ids[start : start + TOGETHER] for start in range(0, len(ids), TOGETHER))
        return cls(packed({id: marks[id] for id in group}) for group in groups)

    def __getitem__(self, id: str) -> Sequence[Mark]:
        number = self._number[id]
        if self._opened[0] != number:
            self._opened = number, _opened(self.parts[number])
        return self._opened[1][id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._number)

    def __len__(self) -> int:
        return len(self._number)

    def changed(self, change: Callable[[str, Sequence[Mark]], Sequence[Mark]]) -> PackedMarks:
        """Return the marks that a function makes of them, student by student."""
        return PackedMarks(
            packed({id: change(id, marks) for id, marks in _opened(part).items()}) for part in self.parts
        )


def packed(marks: Mapping[str, Sequence[Mark]]) -> Part:
    """Return the marks of some students as bytes."""
    content = {id: list(own) for id, own in marks.items()}
    return tuple(content), zlib.compress(pickle.dumps(content, pickle.HIGHEST_PROTOCOL), 1)


def _opened(part: Part) -> dict[str, list[Mark]]:
    # Bytes that this program made, here or in a process that works for it.
    found: dict[str, list[Mark]] = pickle.loads(zlib.decompress(part[1]))
    return found
