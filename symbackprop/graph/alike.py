"""Names and letters of the user's own, checked before anything is printed: they can be printed, and no two are alike."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping

from symbackprop.errors import ProblemError, UnknownNameError, nearest, unknown
from symbackprop.graph.notation import KINDS, Conventions, Notation, Symbol, parse_symbol
from symbackprop.graph.quantities import Graph, Quantity
from symbackprop.graph.scalars import identifier
from symbackprop.messages import message

_MOST_CHOICES = 2_000
"""Names among which the nearest one is looked for."""


def check_symbols(symbols: Mapping[str, str], where: str) -> None:
    """Raise `ProblemError` for a kind of symbol that does not exist or a text that cannot be printed."""
    for kind, text in symbols.items():
        if kind not in KINDS:
            what = message("problem.symbol_name", name=kind)
            raise ProblemError(what, where=where, valid=KINDS, nearest=nearest(kind, KINDS))
        _check_text(text, f"{where}.{kind}")


def check_texts(names: Mapping[str, str], where: str) -> None:
    """Raise `ProblemError` for a name of the user's own that cannot be printed."""
    for name, text in names.items():
        _check_text(text, f"{where}.{name}")


def _check_text(text: str, where: str) -> None:
    if parse_symbol(text) is None:
        raise ProblemError(message("problem.symbol", text=text), where=where)


def check_names(graph: Graph, conventions: Conventions, where: str) -> None:
    """Raise an error for a name of the user's own that belongs to no quantity, or that makes two print alike.

    In a computation graph all names are the user's own: `x1` beside a vector `x` would be printed as its first element is.
    """
    if not conventions.names and graph.layers:
        return
    quantities = graph.named if conventions.names else _with_one_letter(Notation.of(graph, conventions))
    known = dict.fromkeys(name for each in quantities for name in (each.name, *each.elements()))
    for name in conventions.names:
        if name not in known:
            raise unknown("quantity", name, known, where=where)
    notation = Notation.of(graph, conventions)
    first: dict[Symbol, str] = {}
    for name in known:
        symbol = notation.symbol(name)
        other = first.setdefault(symbol, name)
        if other != name and (not graph.layers or notation.is_own(name) or notation.is_own(other)):
            place = where if conventions.names else "graph"
            raise ProblemError(message("problem.same_symbol", first=other, second=name), where=place)


def _with_one_letter(notation: Notation) -> Iterator[Quantity]:
    """Yield the quantities that share their letter with another one: only they can be printed alike."""
    groups: dict[str, list[Quantity]] = {}
    for quantity in notation.graph.named:
        groups.setdefault(notation.entry(quantity, ()).base, []).append(quantity)
    for group in groups.values():
        if len(group) > 1:
            yield from group


def unknown_quantity(graph: Graph, conventions: Conventions, name: str, choices: Iterable[str]) -> UnknownNameError:
    """Return the error for a name that is none of the choices; one as documents print it leads to the code name."""
    names = list(itertools.islice(choices, _MOST_CHOICES))
    printed = Notation.of(graph, conventions)
    spellings = {printed.symbol(each).plain: each for each in names}
    return unknown("quantity", name, map(identifier, names), spellings=spellings)
