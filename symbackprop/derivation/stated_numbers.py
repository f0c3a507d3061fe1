"""The numbers that a problem states, by scalar; those of an array are looked through when one of them is asked for."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from symbackprop.graph.quantities import Graph
from symbackprop.graph.scalars import Scalar
from symbackprop.problems import Array, Given


class StatedNumbers(Mapping[Scalar, Given]):
    """The numbers of some arrays of a graph, those that are left out not among them."""

    __slots__ = ("_arrays", "_found", "_graph")

    def __init__(self, graph: Graph, arrays: Mapping[str, Array]) -> None:
        self._graph, self._arrays = graph, arrays
        self._found: dict[tuple[str, int | None], dict[str, Given | None]] = {}

    def without(self, names: Collection[str]) -> StatedNumbers:
        """Return the numbers of the other arrays."""
        return StatedNumbers(self._graph, {name: array for name, array in self._arrays.items() if name not in names})

    def __getitem__(self, scalar: Scalar) -> Given:
        name, sample = scalar
        array = self._graph.quantity_of(name).name
        if (array, sample) not in self._found:
            self._found |= self._numbers(array)
        given = self._found.get((array, sample), {}).get(name)
        if given is None:
            raise KeyError(scalar)
        return given

    def _numbers(self, name: str) -> dict[tuple[str, int | None], dict[str, Given | None]]:
        """Return the numbers of one array, sample by sample, by element."""
        if name not in self._arrays:
            return {}
        quantity, entries = self._graph.quantities[name], self._arrays[name].entries
        elements = quantity.elements()
        starts = itertools.count(0, len(elements))
        return {
            (name, sample): dict(zip(elements, entries[start : start + len(elements)], strict=True))
            for start, sample in zip(starts, self._graph.samples_of(quantity), strict=False)
        }

    def __iter__(self) -> Iterator[Scalar]:
        for array in self._arrays:
            for (_, sample), numbers in self._numbers(array).items():
                yield from [Scalar(name, sample) for name, given in numbers.items() if given is not None]

    def __len__(self) -> int:
        return sum(given is not None for array in self._arrays.values() for given in array.entries)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how a copy is made: of the arrays."""
        return StatedNumbers, (self._graph, self._arrays)
