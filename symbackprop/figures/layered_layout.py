"""Places for the nodes of a graph without cycles: rank after rank, few crossings, no two nodes on each other.

Ranks are longest paths; the order within a rank is found by the barycentre heuristic (Sugiyama, Tagawa and Toda, 1981),
with a node of its own wherever edges from a node pass a rank: they run side by side up to their last reader but one.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

_SWEEPS = 12
_SETTLINGS = 60
_UNIT, _PASSING = (0.5, 0.5), (0.225, 0.225)
"""How far a node, and a passing edge, reach to either side of their place where nothing else is said."""

_TO_MIDDLE = 0.25
"""How strongly everything is drawn to the middle of the page, in units of the pull of a neighbour."""

Key = Hashable
AnyKey = TypeVar("AnyKey", bound=Hashable)
Neighbours = dict[AnyKey, list[AnyKey]]
Extent = tuple[float, float]
"""How far something reaches to either side of its place."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The rank of every node and its place within the rank, and for every edge the places where it passes ranks."""

    rank_of: Mapping[str, int]
    places: Mapping[str, float]
    passes: Mapping[tuple[str, str], tuple[float, ...]]


def layout(
    edges: Sequence[tuple[str, str]],
    rank_of: Mapping[str, int],
    extents: Mapping[str, Extent] | None = None,
    passing: Extent = _PASSING,
) -> Layout:
    """Return places for nodes of given ranks, every edge of which leads to a later one.

    What a node covers in its rank is given by its extent, what edges that pass cover by `passing`.
    """
    ranks: list[list[Key]] = [[] for _ in range(max(rank_of.values(), default=0) + 1)]
    for node, rank in rank_of.items():
        ranks[rank].append(node)
    between = {edge: range(rank_of[edge[0]] + 1, rank_of[edge[1]]) for edge in edges}
    links: dict[tuple[Key, Key], None] = {}
    for (start, end), passed in between.items():
        places = [(start, rank) for rank in passed]
        for place in places:
            if place not in ranks[place[1]]:
                ranks[place[1]].append(place)
        links |= dict.fromkeys(itertools.pairwise([start, *places, end]))
    before, after = _neighbours(links)
    _order(ranks, before, after)
    known = extents or {}
    covered = {node: known.get(node, _UNIT) if isinstance(node, str) else passing for rank in ranks for node in rank}
    places_of = _settled(ranks, before, after, covered)
    passes = {edge: tuple(places_of[edge[0], rank] for rank in passed) for edge, passed in between.items()}
    return Layout(dict(rank_of), {node: places_of[node] for node in rank_of}, passes)


def ranks_of(nodes: Sequence[str], edges: Sequence[tuple[str, str]], leaves: Iterable[str]) -> dict[str, int]:
    """Return the ranks of nodes given in an order in which each comes after those it is computed from.

    Leaves stand just before the first node that reads them.
    """
    rank_of: dict[str, int] = {}
    before, after = _neighbours(edges)
    for node in nodes:
        rank_of[node] = max((rank_of[start] + 1 for start in before.get(node, ())), default=0)
    for leaf in leaves:
        rank_of[leaf] = min((rank_of[end] for end in after.get(leaf, ())), default=1) - 1
    return rank_of


def _neighbours(links: Iterable[tuple[AnyKey, AnyKey]]) -> tuple[Neighbours[AnyKey], Neighbours[AnyKey]]:
    before: Neighbours[AnyKey] = {}
    after: Neighbours[AnyKey] = {}
    for start, end in links:
        before.setdefault(end, []).append(start)
        after.setdefault(start, []).append(end)
    return before, after


def _order(ranks: list[list[Key]], before: Mapping[Key, list[Key]], after: Mapping[Key, list[Key]]) -> None:
    """Sort every rank by the mean place of its neighbours, forwards and backwards; keep the order with least crossings."""
    best = [list(rank) for rank in ranks]
    least = _crossings(ranks, after)
    for sweep in range(_SWEEPS):
        forwards = sweep % 2 == 0
        near = before if forwards else after
        for fixed, moved in itertools.pairwise(ranks if forwards else ranks[::-1]):
            places = {node: place for place, node in enumerate(fixed)}
            scale = max(len(fixed), 1) / max(len(moved), 1)
            means = {
                node: _mean([places[other] for other in near.get(node, ()) if other in places], own * scale)
                for own, node in enumerate(moved)
            }
            moved.sort(key=means.__getitem__)
        crossings = _crossings(ranks, after)
        if crossings < least:
            best, least = [list(rank) for rank in ranks], crossings
    for rank, order in zip(ranks, best, strict=True):
        rank[:] = order


def _mean(places: Sequence[float], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise


def _crossings(ranks: Sequence[Sequence[Key]], after: Mapping[Key, list[Key]]) -> int:
    total = 0
    for left, right in itertools.pairwise(ranks):
        places = {node: place for place, node in enumerate(right)}
        ends = [sorted(places[end] for end in after.get(start, ()) if end in places) for start in left]
        for above, below in itertools.combinations(ends, 2):
            total += sum(1 for a in above for b in below if a > b)
    return total


def _settled(
    ranks: Sequence[Sequence[Key]],
    before: Mapping[Key, list[Key]],
    after: Mapping[Key, list[Key]],
    covered: Mapping[Key, Extent],
) -> dict[Key, float]:
    """Return places near the mean of the neighbours' places, at which what is covered within a rank does not overlap."""
    places: dict[Key, float] = {}
    for rank in ranks:
        shifts = _shifts([covered[node] for node in rank])
        places.update((node, shift - shifts[-1] / 2) for node, shift in zip(rank, shifts, strict=True))
    for turn in range(_SETTLINGS):
        for rank in ranks if turn % 2 == 0 else ranks[::-1]:
            near = [[places[other] for other in (*before.get(node, ()), *after.get(node, ()))] for node in rank]
            wished = [sum(each) / (len(each) + _TO_MIDDLE) for each in near]
            places.update(zip(rank, _apart(wished, [covered[node] for node in rank]), strict=True))
    least = min(places.values(), default=0.0)
    return {node: place - least for node, place in places.items()}


def _shifts(covered: Sequence[Extent]) -> list[float]:
    """Return the places of neighbours without room between them, the first one at 0."""
    return [0.0, *itertools.accumulate(first[1] + second[0] for first, second in itertools.pairwise(covered))]


def _apart(wished: Sequence[float], covered: Sequence[Extent]) -> list[float]:
    """Return the nearest places in the same order at which nothing overlaps (isotonic regression, after shifts)."""
    shifts = _shifts(covered)
    blocks: list[tuple[float, int]] = []
    for shift, wish in zip(shifts, wished, strict=False):
        total, count = wish - shift, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            last = blocks.pop()
            total, count = total + last[0], count + last[1]
        blocks.append((total, count))
    flat = [total / count for total, count in blocks for _ in range(count)]
    return [place + shift for place, shift in zip(flat, shifts, strict=False)]
