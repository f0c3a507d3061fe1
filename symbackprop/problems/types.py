"""A checked problem: plain frozen data that every later floor reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """A number of the problem: its exact value (a fraction or a 50-digit float) and the text that states it."""

    value: Any
    text: str


@dataclass(frozen=True, slots=True)
class Array:
    """Numbers in the array's own order; None where a number is left out (the quantity stays a symbol)."""

    shape: Shape
    entries: tuple[Given | None, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """A dense layer: number of units, name of the activation, kind of bias."""

    units: int
    activation: str
    bias: str


@dataclass(frozen=True, slots=True)
class Network:
    """A dense network and the loss of one sample; `reduction` says how the losses of several samples are joined."""

    inputs: int
    input_names: tuple[str, ...]
    layers: tuple[Layer, ...]
    loss: str
    reduction: str
    relu_derivative_at_zero: Fraction


@dataclass(frozen=True, slots=True)
class Training:
    """Descent: optimiser, settings by name, number of updates, parameters that stay as they are."""

    optimizer: str
    settings: Mapping[str, Given]
    steps: int
    frozen: frozenset[str]


@dataclass(frozen=True, slots=True)
class NotationChoice:
    """How the document writes things."""

    naming: str = "layered"
    digits: int = 6
    symbols: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem: network, numbers, training and notation.

    `arrays` holds the parameters, `x` and `y` in the shapes of the layout; `x` and `y` are (samples, units) when
    `samples` is a number, and (units,) when it is None (one sample).
    """

    name: str
    title: str
    network: Network
    layout: str
    arrays: Mapping[str, Array]
    samples: int | None
    training: Training | None
    notation: NotationChoice

    def parameter_shapes(self) -> Mapping[str, Shape]:
        """Return the shape of every parameter, in order: `W1`, then `b1` or `theta1`, then `W2`, …."""
        return parameter_shapes(self.network, self.layout)

    def missing(self) -> tuple[str, ...]:
        """Return the arrays that lack a number somewhere, in order."""
        return tuple(name for name, array in self.arrays.items() if None in array.entries)


def parameter_shapes(network: Network, layout: str) -> dict[str, Shape]:
    """Return the shapes of a network's parameters by code name."""
    return dict(_shapes(network, layout))


def _shapes(network: Network, layout: str) -> Iterator[tuple[str, Shape]]:
    width = network.inputs
    for number, layer in enumerate(network.layers, start=1):
        yield f"W{number}", (layer.units, width) if layout == "column" else (width, layer.units)
        if layer.bias != "none":
            letter = "theta" if layer.bias == "threshold" else "b"
            yield f"{letter}{number}", () if layer.bias == "shared" else (layer.units,)
        width = layer.units
