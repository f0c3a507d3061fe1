"""Mappings from names to what is computed when it is first read: of a large problem a page shows few numbers of many."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeVar

Found = TypeVar("Found")


class OnDemand(Mapping[str, Found]):
    """What is known by name, and what `compute` finds of the other `names` when they are first read."""

    __slots__ = ("_compute", "_known_at_first", "_names", "known")

    def __init__(self, known: dict[str, Found], names: Collection[str], compute: Callable[[str], Found]) -> None:
        """`known` is taken as it is and takes up what is computed; none of the `names` is in it at first."""
        self.known, self._names, self._compute = known, names, compute
        self._known_at_first = tuple(known)

    def __getitem__(self, name: str) -> Found:
        known = self.known
        if name in known:
            return known[name]
        if name not in self._names:
            raise KeyError(name)
        found = known[name] = self._compute(name)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self.known or name in self._names

    def __iter__(self) -> Iterator[str]:
        yield from self._known_at_first
        yield from self._names

    def __len__(self) -> int:
        return len(self._known_at_first) + len(self._names)

    def __repr__(self) -> str:
        return f"<OnDemand: {len(self.known)} of {len(self)} computed>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how a copy is made, which has everything computed."""
        return dict, (dict(self.items()),)


class Deferred(Mapping[str, Found]):
    """A mapping that is made when it is first looked into."""

    __slots__ = ("_find", "_found")

    def __init__(self, find: Callable[[], Mapping[str, Found]]) -> None:
        self._find = find
        self._found: Mapping[str, Found] | None = None

    @property
    def whole(self) -> Mapping[str, Found]:
        """The mapping, made if need be."""
        if self._found is None:
            self._found = self._find()
        return self._found

    def __getitem__(self, name: str) -> Found:
        return self.whole[name]

    def __contains__(self, name: object) -> bool:
        return name in self.whole

    def __iter__(self) -> Iterator[str]:
        return iter(self.whole)

    def __len__(self) -> int:
        return len(self.whole)

    def __repr__(self) -> str:
        return "<Deferred>" if self._found is None else f"<Deferred: {len(self._found)} names>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how a copy is made, which is a plain one."""
        return dict, (dict(self.whole),)
