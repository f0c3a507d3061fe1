"""Graphs of named equations in single assignment, at two grains.

`Graph` holds equations between scalars, vectors and matrices (`z1 = W1 @ x + b1`). `Graph.expand()` gives the element
grain (`symbackprop.derivation.element_grain`): one equation per scalar, each a sum of terms.

A batch is not unrolled: quantities marked `batched` have one value for each sample, and `symbackprop.graph.batch_axis` says
what is added over the samples.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from symbackprop.algebra.formula import Node
from symbackprop.algebra.shapes import Shape, indices_of
from symbackprop.graph.batch_axis import BatchAxis, Samples


class Role(StrEnum):
    """What a quantity is to the derivation."""

    PARAMETER = "parameter"
    INPUT = "input"
    TARGET = "target"
    INTERMEDIATE = "intermediate"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A named scalar (shape `()`), vector or matrix.

    `kind` (`weight`, `bias`, `pre_activation`, …) and `layer` tell notation what it is; no computation reads them.
    `transposed` matrices are stored (from, to) while their elements are still named to_from: `W1_2_1` joins unit 1 to
    unit 2 in either layout.
    """

    name: str
    shape: Shape
    role: Role
    kind: str = ""
    layer: int | None = None
    batched: bool = False
    transposed: bool = False

    def element(self, index: Shape) -> str:
        """Return the code name of one element, numbered from 1; `index` counts from 0 in the array's own order.

        >>> Quantity("W1", (3, 2), Role.PARAMETER, transposed=True).element((2, 0))
        'W1_1_3'
        """
        ordered = reversed(index) if self.transposed else index
        return "_".join([self.name, *[str(position + 1) for position in ordered]])

    def indices(self) -> Iterator[Shape]:
        """Iterate over all indices in the array's own order, the last one fastest."""
        return indices_of(self.shape)

    def elements(self) -> tuple[str, ...]:
        """Return the code names of all elements in the array's own order."""
        return _elements(self)


@functools.lru_cache(maxsize=256)
def _elements(quantity: Quantity) -> tuple[str, ...]:
    return tuple(quantity.element(index) for index in quantity.indices())


@dataclass(frozen=True, slots=True)
class FusedLoss:
    """A loss and the output activation before it as one function of the logits.

    `activation` and `logits` name the quantities (`a2`, `z2`); `formula` is the loss over logits and targets, `error` its
    gradient by the logits over activation and targets.
    """

    activation: str
    logits: str
    formula: Node
    error: Node


@dataclass(frozen=True, slots=True)
class Equation:
    """`name = formula`, between arrays.

    `fused` says the same from the logits, for a loss that is usually treated so; `stated_derivatives` are the usual forms of
    the gradient of a scalar by arrays that it reads (`a2`), where these are stated; they are continuous.
    """

    name: str
    formula: Node
    fused: FusedLoss | None = None
    stated_derivatives: tuple[tuple[str, Node], ...] = ()


@dataclass(frozen=True)
class Graph:
    """Quantities by name, equations in order of evaluation, the scalar `output`, and the number of samples if batched.

    `samples` is a symbol where the equations hold for a batch of any size.
    """

    quantities: Mapping[str, Quantity]
    equations: tuple[Equation, ...]
    output: str
    samples: Samples = None

    @functools.cached_property
    def batch_axis(self) -> BatchAxis:
        """The samples, with the names of the batched quantities."""
        return BatchAxis(self.samples, frozenset(each.name for each in self.quantities.values() if each.batched))

    def samples_of(self, quantity: Quantity) -> tuple[int | None, ...]:
        """Return the samples in which a quantity has values of its own; (None,) for one that they share."""
        return self.batch_axis.samples_of(quantity.name)

    def of_role(self, *roles: Role) -> tuple[Quantity, ...]:
        """Return the quantities of the given roles in order of definition."""
        return tuple(quantity for quantity in self.quantities.values() if quantity.role in roles)

    @functools.cached_property
    def shapes(self) -> Mapping[str, Shape]:
        """The shape of every quantity by name."""
        return {quantity.name: quantity.shape for quantity in self.quantities.values()}
