"""Units on the flat side of a kink, such as that of ReLU, and the zeros that follow from them.

A unit is inactive where its activation is flat: its value is zero though its argument is not, and nothing flows back through
it. A zero is owed to such a unit where each of its terms has a factor that is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy

from symbackprop.by_hand.hand_computation import GRADIENT, NEW, HandComputation, gradient_key, key_parts

Array = Any
NumbersByKey = Mapping[str, Array]


class Unit(NamedTuple):
    """A unit with a kink: the keys of its value and of its argument, and the array that it belongs to."""

    value: str
    argument: str
    array: str


class Inactive:
    """The units of one computation that can be inactive, made ready to be looked at in many draws at once."""

    def __init__(self, computation: HandComputation) -> None:
        self._equations = computation.equations
        array_of = {
            str(scalar): quantity.name
            for quantity in computation.derivation.graph.quantities.values()
            for scalar in computation.derivation.graph.scalars(quantity)
        }
        self.units = tuple(
            Unit(each.name, each.terms[0].arguments[0], array_of.get(each.name.lstrip(NEW), each.name))
            for each in computation.equations
            if not key_parts(each.name).is_gradient and len(each.terms) == 1 and _has_kink(each.terms[0].form)
        )

    @property
    def asked(self) -> tuple[Unit, ...]:
        """The units of the forward pass; those of the pass after the update are the same units."""
        return tuple(unit for unit in self.units if not unit.value.startswith(NEW))

    def unlike(self, values: NumbersByKey, wanted: str) -> Array:
        """Return the draws that do not have what is wanted: `some` units inactive, `none`, or `any` number of them.

        In no draw is a whole array inactive: nothing would be left to compute. Where some are to be inactive, the gradient
        by the value of one of them is not zero: who forgets the kink on the way back has another number, too.
        """
        flat = {unit: _is_flat(values, unit) for unit in self.asked}
        by_array: dict[str, list[Array]] = {}
        for unit, which in flat.items():
            by_array.setdefault(unit.array, []).append(which)
        against: Array = False
        for several in by_array.values():
            against = against | numpy.logical_and.reduce(several)
        if flat and wanted != "any":
            shows = wanted == "some"
            has = [
                which & (values.get(GRADIENT + unit.value, 1.0) != 0) if shows else which
                for unit, which in flat.items()
            ]
            against = against | (numpy.logical_or.reduce(has) ^ shows)
        return against

    def count(self, values: NumbersByKey) -> Array:
        """Return how many of the units that are asked are inactive, in each draw."""
        return numpy.sum([_is_flat(values, unit) for unit in self.asked], axis=0)

    def zeros(self, values: NumbersByKey) -> dict[str, Array]:
        """Return by key in which draws it is zero because of inactive units."""
        found: dict[str, Array] = {}
        for unit in self.units:
            flat = _is_flat(values, unit)
            found[unit.value] = flat
            back = gradient_key(unit.argument)
            found[back] = flat & (values.get(back, 1.0) == 0)
        if not found:
            return {}
        for equation in self._equations:
            if equation.name in found:
                continue
            owed: Array = values[equation.name] == 0
            for term in equation.terms:
                factors = [found[name] for name in term.arguments if name in found]
                owed = owed & (numpy.logical_or.reduce(factors) if factors else False)
            if numpy.any(owed):
                found[equation.name] = owed
        return found


def _is_flat(values: NumbersByKey, unit: Unit) -> Array:
    return (values[unit.value] == 0) & (values[unit.argument] != 0)


def _has_kink(form: Any) -> bool:
    return form.arity == 1 and bool(form.kinks)
