"""What a diagram of a network is drawn from: its layers as columns of units, and the labels of its quantities."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from enum import Enum

from symbackprop.figures.labels import Label, Numbers, equality
from symbackprop.graph.notation import Notation
from symbackprop.graph.quantities import Graph, Quantity

_DOTS = 0.7
"""The room between a unit and the dots beside it, in rows."""


class AlongEdges(Enum):
    """What stands along edges, from what tells most to what needs least room."""

    NAMES = "names and numbers"
    NUMBERS = "numbers"
    NOTHING = "nothing"
    BARE = "nothing, nor beside units"


@dataclass(frozen=True, slots=True)
class Scene:
    """What labels are written from."""

    graph: Graph
    notation: Notation
    numbers: Numbers
    coupling: str
    """What couples the outputs, if anything does."""
    has_gradients: bool
    labels: dict[str, Label] = field(default_factory=dict)
    """Those that were written."""

    def weight(self, layer: int, end: int, start: int) -> str:
        """Return the code name of the weight to a unit of a layer from one of the layer before."""
        return self.graph.layers[layer - 1].weights.at(end, start)

    def bias(self, layer: int) -> Quantity | None:
        """Return the bias or threshold of a layer, if it has one."""
        return self.graph.layers[layer - 1].bias if layer else None

    def named(self, name: str) -> Label:
        """Return `symbol = value`, or the symbol alone."""
        if name not in self.labels:
            symbol, value = self.notation.symbol(name), self.numbers.value(name)
            self.labels[name] = equality(symbol, *value) if value else (symbol,)
        return self.labels[name]


@dataclass(frozen=True, slots=True)
class Column:
    """A layer on paper: its number and its units from 1; None stands for those that are left out."""

    layer: int
    units: tuple[int | None, ...]

    @property
    def shown(self) -> list[int]:
        """The units that are drawn."""
        return [unit for unit in self.units if unit is not None]

    def places(self, row: float) -> list[float]:
        """Return the heights of the units, around 0; dots take less room than a unit."""
        steps = [_DOTS if None in pair else 1.0 for pair in itertools.pairwise(self.units)]
        places = [0.0, *itertools.accumulate(steps)]
        return [(place - places[-1] / 2) * row for place in places]


def share(before: Column, column: Column) -> float:
    """Return the part of an edge at which its label stands best.

    At 1/(n_to + 1), or for a wide layer at n_from/(n_from + 1), edges are equally far from each other.
    """
    starts, ends = len(before.units), len(column.units)
    return 1 / (ends + 1) if ends <= max(starts, 4) else starts / (starts + 1)
