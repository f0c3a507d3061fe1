"""How far a legal answer may be from the key: roundings of earlier numbers, carried along by the derivation's own partials.

A student who rounds as told changes every number that is written down by at most half a unit of its last digit. To first
order that moves an answer by the sum over these numbers of |∂answer/∂number| · half a unit, which is reached when every
rounding has the sign of its derivative. `MARGIN` covers what first order leaves out.

A unit is that of the number as the student has it: where the key is 0.99982 and the roundings before it can make 1.0005 of
it, its last digit is that of a number above 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy

from symbackprop.algebra.formula import Slot
from symbackprop.by_hand.hand_computation import HandComputation, evaluation
from symbackprop.derivation.element_grain import ElementEquation
from symbackprop.evaluation.arithmetics import Arithmetic
from symbackprop.problems import Rounding

MARGIN = 1.1

Array = Any
NumbersByKey = Mapping[str, Array]
LocalDerivatives = Mapping[str, Mapping[str, Array]]
"""The derivatives of the numbers that read a number by it, by that number: each after those that read it."""


def half_unit(value: Array, rounding: Rounding) -> Array:
    """Return half a unit of the last digit that the contract keeps of a number (or of an array of numbers).

    >>> float(half_unit(0.0123456, Rounding(4, significant=True)))
    5e-06
    """
    if isinstance(value, float):
        return _half_unit(value, rounding)
    if not rounding.significant:
        return numpy.broadcast_to(0.5 * 10.0**-rounding.digits, numpy.shape(value))
    size = numpy.abs(value)
    with numpy.errstate(divide="ignore"):
        power = numpy.floor(numpy.log10(size)) - rounding.digits + 1
        return numpy.where(size > 0, 0.5 * 10.0**power, 0.0)


def _half_unit(value: float, rounding: Rounding) -> float:
    """Return the same of one number, without arrays."""
    if not rounding.significant:
        return float(0.5 * 10.0**-rounding.digits)
    if not 0 < abs(value) < math.inf:
        return math.inf if math.isinf(value) else 0.0
    return float(0.5 * 10.0 ** (math.floor(math.log10(abs(value))) - rounding.digits + 1))


class Tolerance:
    """The tolerance of one answer, made ready to compute.

    `known` are the keys that are taken as they are, though with an uncertainty of half a unit (a student's own earlier
    answers, who may have gone on with more digits than were handed in); what leads to them is not looked at.
    """

    def __init__(
        self,
        computation: HandComputation,
        key: str,
        rounding: Rounding,
        arithmetic: Arithmetic,
        known: frozenset[str] = frozenset(),
    ) -> None:
        self.key = key
        self.rounding = rounding
        equations = computation.cone([key], known)
        self.equations = equations
        self.evaluation = evaluation(equations, arithmetic, key, known)
        copied = {equation.name for equation in equations if _is_copy(equation)}
        self.rounded = tuple(each for each in self.evaluation.swept if each not in copied)

    def of(self, values: NumbersByKey, *, own: bool = True) -> Array:
        """Return the tolerance at given values; without `own`, only what the roundings of earlier numbers make of it.

        Behind a mask of −∞ there is none: it is not a number there.
        """
        with numpy.errstate(invalid="ignore"):
            local = self.evaluation.local_derivatives(values)
            partials, units = self._partials(local), self._half_units(local, values, self.rounding)
            total: Array = 0.0
            for key in self.rounded:
                if own or key != self.key:
                    total = total + numpy.abs(partials[key]) * units[key]
        return MARGIN * total

    def partials(self, values: NumbersByKey) -> NumbersByKey:
        """Return the derivatives of the answer by every number that leads to it, at given values."""
        return self._partials(self.evaluation.local_derivatives(values))

    def half_units(self, values: NumbersByKey, rounding: Rounding) -> NumbersByKey:
        """Return half a unit of the last digit of every number that is rounded, as large as legal roundings can make it."""
        return self._half_units(self.evaluation.local_derivatives(values), values, rounding)

    def _partials(self, local: LocalDerivatives) -> NumbersByKey:
        found: dict[str, Array] = {self.key: 1.0}
        for name, by_reader in local.items():
            found[name] = sum(found[reader] * slope for reader, slope in by_reader.items())
        return found

    def _half_units(self, local: LocalDerivatives, values: NumbersByKey, rounding: Rounding) -> NumbersByKey:
        """Return half units by number; on the way, how far the roundings before each number can have moved it."""
        units: dict[str, Array] = {}
        moved: dict[str, Array] = {}
        rounded = frozenset(self.rounded)
        for name in reversed((self.key, *local)):  # each after those that it is computed from
            error = moved.get(name, 0.0)
            if name in rounded:
                units[name] = half_unit(numpy.abs(values[name]) + MARGIN * error, rounding)
                error = error + units[name]
            for reader, slope in local.get(name, {}).items():
                moved[reader] = moved.get(reader, 0.0) + numpy.abs(slope) * error
        return units


def _is_copy(equation: ElementEquation) -> bool:
    """Say whether an equation only passes a number on: nothing is computed, so nothing is rounded."""
    return len(equation.terms) == 1 and equation.terms[0].form.formula == Slot(0)
