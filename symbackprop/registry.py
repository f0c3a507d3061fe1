"""Tables of named rows, looked up with "did you mean": activations, losses, optimizers, backends.

A row can be added while the program runs. It is complete or refused: its texts can be read, and every language has the
words that it needs, in its files or in what the row brings itself (`words`). What is worked out of rows follows: tables
made by `derived`, and functions under `cached`.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ParamSpec, Protocol, TypeVar, cast, overload

from symbackprop import language
from symbackprop.errors import IncompleteRowError, SymbackpropError, unknown
from symbackprop.messages import message
from symbackprop.rows import Words, other_names


class Named(Protocol):
    """A row: it has a name."""

    @property
    def name(self) -> str:
        """The name by which it is looked up."""


Row = TypeVar("Row", bound=Named)
Other = TypeVar("Other")
Table = TypeVar("Table", dict[Any, Any], list[Any])
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Registry(Mapping[str, Row]):
    """A table of rows by name; `kind` names the table in messages (`activation`), `aliases` are second names.

    `phrases` gives the ids of the phrases that a row needs in every language; `check` raises `SymbackpropError` for a row
    that some reader could not read.
    """

    def __init__(
        self,
        kind: str,
        rows: Iterable[Row],
        aliases: Mapping[str, str] | None = None,
        *,
        phrases: Callable[[Row], Iterable[str]] = lambda row: (),
        check: Callable[[Row], object] = lambda row: None,
    ) -> None:
        self.kind, self.rows, self.aliases = kind, {row.name: row for row in rows}, dict(aliases or {})
        self.phrases, self.check = phrases, check

    def __getitem__(self, name: str) -> Row:
        canonical = self.aliases.get(name, name)
        if canonical not in self.rows:
            raise unknown(self.kind, name, self.rows, spellings=self.spellings)
        return self.rows[canonical]

    @property
    def spellings(self) -> Mapping[str, str]:
        """What the rows are called elsewhere → their names; of two rows with one such name the first counts."""
        found = {other: name for name, row in reversed(self.rows.items()) for other in other_names(row)}
        own = {other: name for name, row in self.rows.items() for other in getattr(row, "spellings", ())}
        return found | own | self.aliases

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

    def verify(self, row: Row) -> None:
        """Raise `IncompleteRowError` for a row that some reader would stumble over."""
        where = f"{self.kind} {row.name}"
        if not row.name.isidentifier():
            raise IncompleteRowError(message("row.name", name=row.name), where=where)
        for code in language.available():
            known = language.phrases(code).keys() | _words(row).get(code, {}).keys()
            missing = [id for id in self.phrases(row) if id not in known]
            if missing:
                raise IncompleteRowError(message("row.phrases", language=code, ids=missing), where=where)
        try:
            self.check(row)
        except SymbackpropError as error:
            raise IncompleteRowError(error.what, where=where, valid=error.valid, nearest=error.nearest) from None

    def add(self, row: Row) -> None:
        """Put a row into the table, in place of the one of its name if there is one.

        Raises `IncompleteRowError` for a row that some reader would stumble over.
        """
        self.verify(row)
        self.rows[row.name] = row
        language.learn(_words(row))
        _follow()

    @contextlib.contextmanager
    def extended(self, *rows: Row) -> Iterator[None]:
        """Have some rows more in the table for a while; raises as `add` does."""
        before = dict(self.rows)
        try:
            for row in rows:
                self.add(row)
            yield
        finally:
            self.rows.clear()
            self.rows.update(before)
            for row in rows:
                language.forget(_words(row))
            _follow()


def _words(row: object) -> Words:
    return getattr(row, "words", {})


_FOLLOWING: list[Callable[[], object]] = []
"""What is done when a table has changed."""


def _follow() -> None:
    for each in _FOLLOWING:
        each()


def derived(table: Table, make: Callable[[], Table]) -> Table:
    """Return a table that holds what `make` returns, now and after every change of a registry."""

    def fill() -> None:
        table.clear()
        if isinstance(table, dict):
            table.update(make())
        else:
            table.extend(make())

    fill()
    _FOLLOWING.append(fill)
    return table


def cached(function: Callable[Parameters, Result], most: int | None = None) -> Callable[Parameters, Result]:
    """Return a function that remembers its results (the latest of them, at `most` so many) until a registry changes."""
    found = functools.lru_cache(most)(function)
    _FOLLOWING.append(found.cache_clear)
    return cast("Callable[Parameters, Result]", found)
