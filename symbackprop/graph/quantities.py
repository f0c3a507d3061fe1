"""Graphs of named equations in single assignment, at two grains.

`Graph` holds equations between scalars, vectors and matrices (`z1 = W1 @ x + b1`). `Graph.expand()` gives the element
grain (`symbackprop.derivation.element_grain`): one equation per scalar, each a sum of terms.

A batch is not unrolled: quantities marked `batched` have one value for each sample, and `symbackprop.graph.batch_axis` says
what is added over the samples.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from symbackprop.algebra.broadcasting import Shape, indices_of
from symbackprop.algebra.formula import Node
from symbackprop.graph.batch_axis import BatchAxis, Samples
from symbackprop.graph.scalars import (
    INDEX,
    Scalar,
    beginnings,
    element_name,
    error_name,
    gradient_name,
    identifier,
    located,
    of_one_sample,
)

LAYER_KINDS = ("weight", "bias", "threshold", "pre_activation", "activation")
"""The kinds of quantity that belong to a layer of a dense network."""

DATA_LOSS, PENALTY = "data_loss", "penalty"
"""What the two parts of a loss with a penalty are called."""

INNER = "inner"
"""The kind of an activation inside an equation of a graph, which is a quantity without a name of the problem's own."""


PIECE = "piece"
"""The kind of a piece of a long formula that was taken apart."""


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
        # Tens of thousands of elements are named: `element_name` without the calls that it takes.
        ordered = index[::-1] if self.transposed else index
        return INDEX.join([self.name, *[str(position + 1) for position in ordered]])

    def at(self, *numbers: int | str) -> str:
        """Return the code name of the element of these numbers, from 1 and to before from; letters stand for any number.

        >>> Quantity("W1", (3, 2), Role.PARAMETER).at("j", "k"), Quantity("L", (), Role.OUTPUT).at()
        ('W1_j_k', 'L')
        """
        return element_name(self.name, numbers)

    def ordered(self, index: Shape) -> Shape:
        """Return an index in the order of names: to, from."""
        return index[::-1] if self.transposed else index

    def indices(self) -> Iterator[Shape]:
        """Iterate over all indices in the array's own order, the last one fastest."""
        return indices_of(self.shape)

    def elements(self) -> tuple[str, ...]:
        """Return the code names of all elements in the array's own order."""
        return _elements(self)

    def elements_by_unit(self) -> tuple[str, ...]:
        """Return the code names of all elements in the order of their numbers, unit by unit whatever the layout."""
        return _elements(self) if not self.transposed else _elements_by_unit(self)


@functools.lru_cache(maxsize=256)
def _elements(quantity: Quantity) -> tuple[str, ...]:
    return tuple(quantity.element(index) for index in quantity.indices())


@functools.lru_cache(maxsize=256)
def _elements_by_unit(quantity: Quantity) -> tuple[str, ...]:
    return tuple(quantity.element(index) for index in sorted(quantity.indices(), key=quantity.ordered))


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
    the gradient of a scalar by arrays that it reads (`a2`), where these are stated; they are continuous. `folded` is the
    formula as it was written, where that is a name for a longer one (`attention(Q, K, V)`).
    """

    name: str
    formula: Node
    fused: FusedLoss | None = None
    stated_derivatives: tuple[tuple[str, Node], ...] = ()
    folded: Node | None = None


_MANY = 5000
"""Of more elements no table of all names is made."""


def _is_number(text: str, length: int) -> bool:
    """Say whether a text is a number from 1 to a length, as names spell it."""
    return text.isdecimal() and text == str(int(text)) and 1 <= int(text) <= length


class Place(NamedTuple):
    """Where an element stands: its array, and its numbers from 1 as its code name has them; letters stand for any number."""

    quantity: Quantity
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LayerArrays:
    """The arrays of one layer of a dense network, numbered from 1; `bias` is its bias or threshold, if it has one.

    `pieces` are those of a long activation, from the pre-activation on.
    """

    number: int
    weights: Quantity
    bias: Quantity | None
    pre_activation: Quantity
    activation: Quantity
    pieces: tuple[Quantity, ...] = ()

    @property
    def parameters(self) -> tuple[Quantity, ...]:
        """The weights, and the bias if there is one."""
        return (self.weights,) if self.bias is None else (self.weights, self.bias)

    @property
    def arrays(self) -> tuple[Quantity, ...]:
        """All of them, in order of definition."""
        return (*self.parameters, self.pre_activation, *self.pieces, self.activation)

    @property
    def units(self) -> Iterator[tuple[str, ...]]:
        """The values of each unit in order of evaluation: pre-activation, pieces of a long activation, activation."""
        return zip(*(each.elements() for each in (self.pre_activation, *self.pieces, self.activation)), strict=True)


@dataclass(frozen=True)
class Graph:
    """Quantities by name, equations in order of evaluation, the scalar `output`, and the number of samples if batched.

    `samples` is a symbol where the equations hold for a batch of any size.
    """

    quantities: Mapping[str, Quantity]
    equations: tuple[Equation, ...]
    output: str
    samples: Samples = None

    def __repr__(self) -> str:
        return f"<Graph: {len(self.quantities)} quantities, {len(self.equations)} equations, output {self.output}>"

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

    # Samples

    def scalars(self, *quantities: Quantity) -> Iterator[Scalar]:
        """Iterate over the scalars of some arrays, in the order of the numbers of each: sample after sample."""
        for quantity in quantities:
            for sample in self.samples_of(quantity):
                yield from [Scalar(element, sample) for element in quantity.elements()]

    @property
    def sample_loss(self) -> str:
        """The name of the output in one sample, which is the output itself where it is not joined over the samples."""
        name = of_one_sample(self.output)
        return name if name in self.quantities else self.output

    @property
    def joins_samples(self) -> bool:
        """Whether the output is the sum or mean of what it is in each sample."""
        return self.sample_loss != self.output

    def is_sample_loss(self, quantity: Quantity) -> bool:
        """Say whether a quantity is the output in one sample, which has no name of its own on paper."""
        return self.joins_samples and quantity.name == self.sample_loss

    @property
    def named(self) -> tuple[Quantity, ...]:
        """The quantities that have a name of their own, on paper and for users: no inner activation, no loss of a sample."""
        return tuple(each for each in self.quantities.values() if each.kind != INNER and not self.is_sample_loss(each))

    @property
    def data_loss(self) -> str:
        """The name of the loss that compares predictions with targets, in one sample, without a penalty."""
        return next((name for name in (of_one_sample(self.output), DATA_LOSS) if name in self.quantities), self.output)

    # Layers

    @functools.cached_property
    def layers(self) -> tuple[LayerArrays, ...]:
        """The layers of a dense network from the first to the output layer; a computation graph has none."""
        found: dict[int, dict[str, Quantity]] = {}
        for quantity in self.quantities.values():
            if quantity.layer is not None and quantity.kind in LAYER_KINDS:
                found.setdefault(quantity.layer, {})[quantity.kind] = quantity
        return tuple(
            LayerArrays(
                number,
                arrays["weight"],
                arrays.get("bias") or arrays.get("threshold"),
                arrays["pre_activation"],
                arrays["activation"],
                tuple(each for each in self.quantities.values() if each.kind == PIECE and each.layer == number),
            )
            for number, arrays in sorted(found.items())
        )

    @property
    def loss_pieces(self) -> tuple[Quantity, ...]:
        """The pieces of the long loss of a dense network."""
        return tuple(
            each for each in self.quantities.values() if each.kind == PIECE and each.layer is None and self.layers
        )

    def units(self, layer: int) -> Quantity:
        """Return the values of the units of a layer of a dense network, 0 for the inputs."""
        return self.layers[layer - 1].activation if layer else self.of_role(Role.INPUT)[0]

    @property
    def prediction(self) -> Quantity | None:
        """What a dense network predicts; a computation graph names no such quantity."""
        return self.layers[-1].activation if self.layers else None

    @functools.cached_property
    def targets(self) -> Mapping[str, str]:
        """The target of each element that a dense network predicts."""
        if self.prediction is None:
            return {}
        (target,) = self.of_role(Role.TARGET)
        return dict(zip(self.prediction.elements(), target.elements(), strict=True))

    # Names

    @functools.cached_property
    def _places(self) -> Mapping[str, Place]:
        return {
            quantity.element(index): Place(quantity, tuple([str(position + 1) for position in quantity.ordered(index)]))
            for quantity in self.quantities.values()
            for index in quantity.indices()
        }

    def has_element(self, name: str) -> bool:
        """Say whether an element of an array has this code name."""
        return self._place(name) is not None

    def elements(self) -> Iterator[str]:
        """Iterate over the code names of the elements of all arrays."""
        return iter(self._places)

    def elements_near(self, name: str) -> Iterator[str]:
        """Iterate over the elements of the array that a name begins with, or over all: `W1_9_9` is none of those of `W1`."""
        try:
            array, _ = located(name, self.quantities)
        except KeyError:
            return self.elements()
        return iter(self.quantities[array].elements())

    def place_of(self, name: str) -> Place:
        """Return the array and the index of an element; the name may be that of an array, or have letters for numbers."""
        if name in self.quantities:
            return Place(self.quantities[name], ())  # without a look at the elements, of which there may be many
        found = self._place(name)
        if found is not None:
            return found
        array, index = located(name, self.quantities)
        return Place(self.quantities[array], index)

    def _place(self, name: str) -> Place | None:
        """Return where an element stands, None where there is none of that name."""
        if self._is_small:
            return self._places.get(name)
        for array in beginnings(name):
            if array in self.quantities:
                quantity = self.quantities[array]
                numbers = tuple(name[len(array) + 1 :].split(INDEX)) if array != name else ()
                shape = quantity.ordered(quantity.shape)
                if len(numbers) == len(shape) and all(map(_is_number, numbers, shape)):
                    return Place(quantity, numbers)
        return None

    @functools.cached_property
    def _is_small(self) -> bool:
        """Whether so few elements have names that these are looked up, and not taken apart."""
        return sum(math.prod(quantity.shape) for quantity in self.quantities.values()) <= _MANY

    def gradient_name(self, name: str) -> str:
        """Return the code name of the gradient by an element or an array: δ of a pre-activation, else `dL_dw_1`."""
        quantity, numbers = self.place_of(name)
        if quantity.kind == "pre_activation" and quantity.layer is not None:
            return error_name(quantity.layer, numbers)
        return gradient_name(self.output, identifier(name))

    def quantity_of(self, name: str) -> Quantity:
        """Return the array that an element belongs to."""
        return self.place_of(name).quantity

    @functools.cached_property
    def parameter_count(self) -> int:
        """How many numbers the parameters have."""
        return sum(math.prod(quantity.shape) for quantity in self.of_role(Role.PARAMETER))

    @functools.cached_property
    def formulas(self) -> Mapping[str, Node]:
        """The right-hand side of every equation by the name that it defines."""
        return {equation.name: equation.formula for equation in self.equations}

    @functools.cached_property
    def shapes(self) -> Mapping[str, Shape]:
        """The shape of every quantity by name."""
        return {quantity.name: quantity.shape for quantity in self.quantities.values()}
