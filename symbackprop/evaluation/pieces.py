"""What a pass is made of: terms of equations and links of the chain rule, each ready to run in one arithmetic."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from symbackprop.derivation.backprop import Link
from symbackprop.derivation.element_grain import Term
from symbackprop.evaluation.arithmetics import Arithmetic, Column, Value

LONG_SUM = 16
"""Products of two quantities, one after the other in a sum, from which on they are computed together."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A term (or a link's partial) ready to run; `spans` says that it is added over the samples."""

    function: Callable[..., Value]
    arguments: tuple[str, ...]
    spans: bool
    source: str = ""

    def run(self, values: Mapping[str, Value]) -> Value:
        """Return the value of the term, or of the partial."""
        return self.function(*[values[name] for name in self.arguments])

    def addends(self, place: Place, arithmetic: Arithmetic) -> list[Value]:
        """Return the term as it is added; of a link the product with the gradient above it."""
        value = self.run(place.values)
        return [arithmetic.multiply(place.gradients[self.source], value)] if self.source else [value]


@dataclass(frozen=True, slots=True)
class Products:
    """Many terms `p*q` in a row (or links of them) that are not added over samples, as the names of their factors."""

    lefts: tuple[str, ...]
    rights: tuple[str, ...]
    is_link: bool
    spans: bool = False

    def addends(self, place: Place, arithmetic: Arithmetic) -> list[Value]:
        """Return numbers whose sum is that of the terms."""
        assert arithmetic.products is not None
        above = place.gradients if self.is_link else place.values
        left, right = (
            place.column(names, read, arithmetic) for names, read in ((self.lefts, above), (self.rights, place.values))
        )
        return arithmetic.products(left, right)


class Place:
    """Where pieces are run: the forward values, the gradients so far, and the columns that were made of them."""

    __slots__ = ("columns", "gradients", "values")

    def __init__(self, values: Mapping[str, Value], gradients: dict[str, Value]) -> None:
        self.values, self.gradients = values, gradients
        self.columns: dict[tuple[bool, tuple[str, ...]], Column] = {}

    def column(self, names: tuple[str, ...], read: Mapping[str, Value], arithmetic: Arithmetic) -> Column:
        """Return the column of some values, or gradients, made once for all who read it."""
        key = read is self.values, names
        if key not in self.columns:
            self.columns[key] = arithmetic.column(operator.itemgetter(*names)(read))
        return self.columns[key]


Pieces = Sequence[Piece | Products]


def addends(pieces: Pieces, own: Place, each: Sequence[Place], arithmetic: Arithmetic) -> list[Value]:
    """Return what some pieces add in a place of their own, or in each sample that they span."""
    found: list[Value] = []
    for piece in pieces:
        if piece.spans:
            for place in each:
                found += piece.addends(place, arithmetic)
        else:
            found += piece.addends(own, arithmetic)
    return found


def is_product(step: Term | Link) -> bool:
    """Say whether a term, or that of a link, is one quantity times another."""
    return (step if isinstance(step, Term) else step.term).form.is_product


def factors(step: Term | Link) -> tuple[str, str]:
    """Return the factors of a product, or of a link through one: whose gradient, times which value."""
    if isinstance(step, Term):
        left, right = step.arguments
        return left, right
    return step.source, step.term.arguments[1 - step.slot]
