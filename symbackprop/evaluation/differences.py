"""Slopes of the forward pass from its values at neighbouring places, at 50 digits: central and one-sided differences."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from symbackprop.algebra.formula import Node
from symbackprop.arithmetic import exact
from symbackprop.arithmetic.exact import Exact
from symbackprop.derivation.derivations import Derivation
from symbackprop.errors import EvaluationError
from symbackprop.evaluation.arithmetics import EXACT
from symbackprop.evaluation.evaluate import Evaluation, Values
from symbackprop.graph.scalars import Scalar

STEP = Fraction(1, 10**12)
"""The h of the differences."""
TOLERANCE = 1e-12
"""The relative difference that still agrees."""
_ORDINARY = 6
"""Powers of ten between the numbers of a problem within which the step is small beside all of them."""
_UNMOVED = STEP**3
"""A distance from a kink that changes by no more is the same but for rounding."""
_POWERS = (-330, 650)
"""Numbers between these powers of ten, float64 and its squares, have digits to match, and a step small beside them."""


_Chosen = TypeVar("_Chosen")


@dataclass(frozen=True, slots=True)
class _Switch:
    """A scalar whose formula changes branch: `distance` of its term from the kink, over `arguments`."""

    scalar: Scalar
    distance: Node
    arguments: tuple[Scalar, ...]

    def measure(self, values: Values) -> Exact:
        measure = EXACT.function(self.distance, len(self.arguments))
        return measure(*(values.value(*place) for place in self.arguments))


class Differences:
    """Differences of the forward pass, central ones at 50 digits."""

    def __init__(
        self,
        derivation: Derivation,
        values: Values,
        shared: Mapping[str, Exact],
        data: tuple[Mapping[str, Exact], ...],
    ) -> None:
        self.output, self.derivation = derivation.graph.output, derivation
        self.forward = Evaluation.of(derivation, EXACT, ()).forward
        self.shared, self.data = shared, data
        self.coarse = _Steps.of(STEP, exact.DIGITS, shared, data)
        self.spare = _powers(values)
        self.switches = list(_switches(derivation))
        self.sides = [_sign(switch.measure(values)) for switch in self.switches]
        self.near = [
            (switch, distance)
            for switch in self.switches
            if exact.compare(abs(distance := switch.measure(values)), STEP) <= 0
        ]

    @property
    def is_ordinary(self) -> bool:
        """Whether no number is so large or small that a central difference says little."""
        return self.spare < _ORDINARY

    @functools.cached_property
    def fine(self) -> _Steps:
        """Steps that are small beside the numbers of the problem, which have digits enough for them."""
        return _Steps.of(STEP**2 / 10**self.spare, 2 * (exact.DIGITS + self.spare), self.shared, self.data)

    @functools.cached_property
    def gradients(self) -> Values:
        """What the derivation gives with as many digits as the fine steps have."""
        evaluation = Evaluation.of(self.derivation, EXACT)
        with exact.CONTEXT.workdps(self.fine.digits):
            return evaluation.backward(evaluation.forward(self.shared, self.data))

    def central(self, leaf: Scalar) -> tuple[Exact, tuple[str, ...]]:
        """Return the central difference by a leaf, and the names of the kinks on its paths, each once.

        At an edge behind which there is no value there is no difference either (0), and the edge is a kink.
        """
        try:
            above, below = self._passed(leaf, self.coarse, 1), self._passed(leaf, self.coarse, -1)
        except EvaluationError:
            if not self.near:
                raise
            return Fraction(0), tuple(dict.fromkeys(str(switch.scalar) for switch, _ in self.near))
        # What a leaf does not move, two arguments that it moves alike for instance, is no kink on its way.
        touched = {
            switch.scalar
            for switch, distance in self.near
            if any(_sign(exact.add(switch.measure(side), exact.negate(distance))) for side in (above, below))
        }
        touched |= {
            switch.scalar
            for switch, side in zip(self.switches, self.sides, strict=True)
            if {_sign(switch.measure(above)), _sign(switch.measure(below))} != {side}
        }
        rise = exact.add(above.value(self.output), exact.negate(below.value(self.output)))
        kinks = dict.fromkeys(switch.scalar for switch in self.switches if switch.scalar in touched)
        return exact.divide(rise, 2 * self.coarse.step), tuple(map(str, kinks))

    def one_sided(self, leaf: Scalar) -> tuple[Exact, Exact] | None:
        """Return the slopes on the left and on the right, ∓(3L(w) − 4L(w ∓ h) + L(w ∓ 2h)) / 2h, by fine steps.

        None where on one side there is no value.
        """
        with exact.CONTEXT.workdps(self.fine.digits):
            try:
                return self._slope(leaf, -1), self._slope(leaf, 1)
            except EvaluationError:
                return None

    def _slope(self, leaf: Scalar, side: int) -> Exact:
        values = [self._passed(leaf, self.fine, side * steps).value(self.output) for steps in range(3)]
        weighted = map(exact.multiply, _ONE_SIDED, values)
        return exact.divide(functools.reduce(exact.add, weighted), 2 * side * self.fine.step)

    def _passed(self, leaf: Scalar, by: _Steps, steps: int) -> Values:
        change = steps * by.step
        if leaf.sample is None:
            return self.forward({**by.shared, leaf.name: by.shared[leaf.name] + change}, by.data)
        data = list(by.data)
        own = data[leaf.sample - 1]
        data[leaf.sample - 1] = {**own, leaf.name: own[leaf.name] + change}
        return self.forward(by.shared, data)


@dataclass(frozen=True, slots=True)
class _Steps:
    """A step with the numbers that it changes, all as floats of so many digits."""

    step: Exact
    digits: int
    shared: Mapping[str, Exact]
    data: tuple[Mapping[str, Exact], ...]

    @classmethod
    def of(
        cls, step: Fraction, digits: int, shared: Mapping[str, Exact], data: tuple[Mapping[str, Exact], ...]
    ) -> _Steps:
        with exact.CONTEXT.workdps(digits):
            known, *samples = ({name: exact.to_real(value) for name, value in each.items()} for each in (shared, *data))
            return cls(exact.to_real(step), digits, known, tuple(samples))


_ONE_SIDED = (Fraction(-3), Fraction(4), Fraction(-1))
"""The weights of the values at w, w + h, w + 2h in 2h times the slope (Burden and Faires, equation 4.4)."""


def _powers(values: Values) -> int:
    """Return the powers of ten between the smallest number, 1, and the largest number, as far as they count."""
    sizes = [abs(real(value)) for value in numbers_of(values) if value and is_finite(value)]
    powers = [power for power in map(int, map(exact.CONTEXT.log10, sizes)) if _POWERS[0] < power < _POWERS[1]]
    return max((0, *powers)) - min((0, *powers))


def is_finite(value: Exact) -> bool:
    """Say whether an exact number is no infinity."""
    return isinstance(value, Fraction) or not exact.CONTEXT.isinf(real(value))


def _sign(value: Exact) -> int:
    return 0 if exact.compare(abs(value), _UNMOVED) <= 0 else exact.compare(value, Fraction(0))


def _switches(derivation: Derivation) -> Iterator[_Switch]:
    """Iterate over the places where a term changes branch: |u| at u = 0, max(u, v) and min(u, v) at u = v."""
    elements = derivation.elements
    for equation, term, sample in elements.instances(kinked=True):
        arguments = tuple(elements.place(name, sample) for name in term.arguments)
        for distance in term.form.kinks:
            yield _Switch(elements.place(equation.name, sample), distance, arguments)


def real(value: Exact) -> Exact:
    """Return a number as a 50-digit float, whatever it was."""
    return exact.CONTEXT.mpf(exact.to_real(value))


def relative_difference(left: Exact, right: Exact, floor: Exact) -> float:
    """Return |left − right| relative to the larger of them, or to `floor` where both are smaller."""
    distance = abs(exact.add(left, exact.negate(right)))
    scale = max(real(abs(left)), real(abs(right)), floor)
    return float(real(distance) / scale) if scale else 0.0


def numbers_of(values: Values) -> Iterator[Exact]:
    """Return the forward values of a pass."""
    return (value for each in (values.shared, *values.samples) for value in each.values())


def evenly_spread(things: Sequence[_Chosen], most: int) -> list[_Chosen]:
    """Return some of many things, the first and the last among them.

    >>> evenly_spread(range(10), 4)
    [0, 3, 6, 9]
    """
    if len(things) <= most:
        return list(things)
    return [things[position * (len(things) - 1) // max(most - 1, 1)] for position in range(most)]
