"""Changes of a computation: a mistake at one place, at all places of an array, in every sample, or everywhere."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from symbackprop.by_hand.hand_computation import NEW, split
from symbackprop.derivation.element_grain import ElementEquation
from symbackprop.graph.scalars import Scalar
from symbackprop.mistakes.known_mistakes import MISTAKES, Mistake
from symbackprop.mistakes.worksheets import Site, Worksheet

LARGE = 4_000
"""A computation of more lines is not changed at one place after another, but in whole arrays at once."""


@dataclass(frozen=True, slots=True)
class Change:
    """A mistake made at some places: the sites, and the equations that stand in the computation instead."""

    mistake: Mistake
    sites: tuple[Site, ...]
    equations: Mapping[str, ElementEquation]

    @property
    def is_written(self) -> bool:
        """Whether it changes only what is written down."""
        return self.sites[0].is_written


def changes(sheet: Worksheet, rows: Iterable[Mistake] | None = None) -> Iterator[Change]:
    """Yield the changes that mistakes can make in a computation; in a large one, those at many places alone."""
    for row in MISTAKES.values() if rows is None else rows:
        if row.sites is not None:
            by_variant: dict[str, list[Site]] = {}
            for site in row.sites(sheet):
                by_variant.setdefault(site.variant, []).append(site)
            for sites in by_variant.values():
                yield from _grouped(sheet, row, sites)


def _grouped(sheet: Worksheet, row: Mistake, sites: Sequence[Site]) -> Iterator[Change]:
    """Yield a mistake at one site after another, then at those of a scalar, of an array, of a pass, and at all."""
    groups: dict[tuple[str, ...], None] = {}
    by_key = {site.at: site for site in sites}
    is_large = len(sheet.computation.equations) > LARGE
    levels: tuple[Callable[[str], str], ...] = (str, _scalar, functools.partial(_array, sheet), _pass, lambda key: "")
    for level, group_of in enumerate(levels):
        members: dict[str, list[str]] = {}
        for key in by_key:
            members.setdefault(group_of(key), []).append(key)
        if level > 1 or not is_large:
            groups |= dict.fromkeys(map(tuple, members.values()))
    if row.is_convention:
        groups = dict.fromkeys([tuple(by_key)])
    for keys in groups:
        own = tuple(by_key[key] for key in keys)
        yield Change(row, own, {equation.name: equation for site in own for equation in site.equations})


def _scalar(key: str) -> str:
    prefix, (name, _) = split(key)
    return f"{prefix}{Scalar(name)}"


def _array(sheet: Worksheet, key: str) -> str:
    quantity = sheet.quantity(key)
    return key if quantity is None else f"{split(key)[0]}{quantity.name}"


def _pass(key: str) -> str:
    return NEW if key.startswith(NEW) else ""
