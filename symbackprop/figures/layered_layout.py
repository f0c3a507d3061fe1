"""Places for the nodes of a graph without cycles: columns from left to right, few crossings, no two nodes on each other.

Columns are longest paths; the order within a column is found by the barycentre heuristic (Sugiyama, Tagawa and Toda, 1981),
with a node of its own wherever an edge passes a column.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

_SWEEPS = 12
_SETTLINGS = 30
_PASSING = 0.45
"""The height of a passing edge, in rows."""

Key = Hashable
AnyKey = TypeVar("AnyKey", bound=Hashable)
Neighbours = dict[AnyKey, list[AnyKey]]


@dataclass(frozen=True, slots=True)
class Layout:
    """The column and the height (in rows, from 0) of every node, and for every edge the heights where it passes columns."""

    column_of: Mapping[str, int]
    heights: Mapping[str, float]
    passes: Mapping[tuple[str, str], tuple[float, ...]]


def layout(nodes: Sequence[str], edges: Sequence[tuple[str, str]], leaves: Iterable[str]) -> Layout:
    """Return places for nodes given in an order in which each comes after those it is computed from.

    Leaves stand just before the first node that reads them.
    """
    column_of = _columns_of(nodes, edges, set(leaves))
    columns: list[list[Key]] = [[] for _ in range(max(column_of.values(), default=0) + 1)]
    for node in nodes:
        columns[column_of[node]].append(node)
    between = {edge: range(column_of[edge[0]] + 1, column_of[edge[1]]) for edge in edges}
    links: list[tuple[Key, Key]] = []
    for edge, passed in between.items():
        for column in passed:
            columns[column].append((edge, column))
        links += itertools.pairwise([edge[0], *((edge, column) for column in passed), edge[1]])
    before, after = _neighbours(links)
    _order(columns, before, after)
    places = _settled(columns, before, after)
    passes = {edge: tuple(places[edge, column] for column in passed) for edge, passed in between.items()}
    return Layout(column_of, {node: places[node] for node in nodes}, passes)


def _columns_of(nodes: Sequence[str], edges: Sequence[tuple[str, str]], leaves: set[str]) -> dict[str, int]:
    column_of: dict[str, int] = {}
    before, after = _neighbours(edges)
    for node in nodes:
        column_of[node] = max((column_of[start] + 1 for start in before.get(node, ())), default=0)
    for leaf in leaves:
        column_of[leaf] = min((column_of[end] for end in after.get(leaf, ())), default=1) - 1
    return column_of


def _neighbours(links: Iterable[tuple[AnyKey, AnyKey]]) -> tuple[Neighbours[AnyKey], Neighbours[AnyKey]]:
    before: Neighbours[AnyKey] = {}
    after: Neighbours[AnyKey] = {}
    for start, end in links:
        before.setdefault(end, []).append(start)
        after.setdefault(start, []).append(end)
    return before, after


def _order(columns: list[list[Key]], before: Mapping[Key, list[Key]], after: Mapping[Key, list[Key]]) -> None:
    """Sort every column by the mean place of its neighbours, forwards and backwards; keep the order with least crossings."""
    best = [list(column) for column in columns]
    least = _crossings(columns, after)
    for sweep in range(_SWEEPS):
        forwards = sweep % 2 == 0
        near = before if forwards else after
        for fixed, moved in itertools.pairwise(columns if forwards else columns[::-1]):
            places = {node: place for place, node in enumerate(fixed)}
            scale = max(len(fixed), 1) / max(len(moved), 1)
            means = {
                node: _mean([places[other] for other in near.get(node, ()) if other in places], own * scale)
                for own, node in enumerate(moved)
            }
            moved.sort(key=means.__getitem__)
        crossings = _crossings(columns, after)
        if crossings < least:
            best, least = [list(column) for column in columns], crossings
    for column, order in zip(columns, best, strict=True):
        column[:] = order


def _mean(places: Sequence[float], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise


def _crossings(columns: Sequence[Sequence[Key]], after: Mapping[Key, list[Key]]) -> int:
    total = 0
    for left, right in itertools.pairwise(columns):
        places = {node: place for place, node in enumerate(right)}
        ends = [sorted(places[end] for end in after.get(start, ()) if end in places) for start in left]
        for above, below in itertools.combinations(ends, 2):
            total += sum(1 for a in above for b in below if a > b)
    return total


def _settled(
    columns: Sequence[Sequence[Key]], before: Mapping[Key, list[Key]], after: Mapping[Key, list[Key]]
) -> dict[Key, float]:
    """Return heights near the mean of the neighbours' heights, at least one row apart within a column."""
    places = {node: position - (len(column) - 1) / 2 for column in columns for position, node in enumerate(column)}
    for turn in range(_SETTLINGS):
        for column in columns if turn % 2 == 0 else columns[::-1]:
            wished = [
                _mean([places[other] for other in (*before.get(node, ()), *after.get(node, ()))], places[node])
                for node in column
            ]
            sizes = [1.0 if isinstance(node, str) else _PASSING for node in column]
            places.update(zip(column, _apart(wished, sizes), strict=True))
    least = min(places.values(), default=0.0)
    return {node: place - least for node, place in places.items()}


def _apart(wished: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """Return the nearest places in the same order at which nothing overlaps (isotonic regression, after shifts)."""
    shifts = [0.0, *itertools.accumulate((above + below) / 2 for above, below in itertools.pairwise(sizes))]
    blocks: list[tuple[float, int]] = []
    for shift, wish in zip(shifts, wished, strict=False):
        total, count = wish - shift, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            last = blocks.pop()
            total, count = total + last[0], count + last[1]
        blocks.append((total, count))
    flat = [total / count for total, count in blocks for _ in range(count)]
    return [place + shift for place, shift in zip(flat, shifts, strict=False)]
