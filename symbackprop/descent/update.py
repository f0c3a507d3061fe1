"""One update of the parameters: what an optimizer makes of values and gradients, in one arithmetic."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from symbackprop.catalog import optimizers
from symbackprop.catalog.optimizers import RATE
from symbackprop.derivation.derivations import Derivation
from symbackprop.descent import epochs
from symbackprop.descent.optimizer_lines import Rule
from symbackprop.evaluation.arithmetics import FLOAT, Arithmetic, Value
from symbackprop.evaluation.evaluate import Evaluation, Values
from symbackprop.evaluation.lazy_mappings import OnDemand
from symbackprop.problems.training_table import initial_states

Parameters = Mapping[str, Value]
States = Mapping[str, Mapping[str, Value]]
"""The states of the optimizer by parameter (its element), then by name."""


@dataclass(frozen=True, slots=True)
class Change:
    """An update: its number from 1, its learning rate, and what became of the parameters.

    `states` are the optimizer's before it. `lines` hold, for each element that was updated, the values of the optimizer's
    lines in order (`m`, `v`, `m_hat`, …, `w`): the states after it are among them. `new` are all parameters after it. Both
    are computed when they are read.
    `rate_changes` says how often the schedule had changed the learning rate.
    `passes` hold, by layer, what the layer's parameters were updated with and the numbers this was computed from, where it
    is not the gradient (`update = "sequential"`, behind weights that were new already).
    """

    number: int
    learning_rate: Value
    rate_changes: int
    states: States
    lines: States
    new: Parameters
    passes: Mapping[int, Values] = field(default_factory=dict)

    @property
    def after(self) -> States:
        """The optimizer's states after the update."""
        if not any(self.states.values()):
            return self.states

        def after(element: str) -> Mapping[str, Value]:
            return {name: self.lines[element].get(name, value) for name, value in self.states[element].items()}

        # A descent of many updates computes all at once, and lets go of what was before.
        is_whole = isinstance(self.lines, dict)
        return {element: after(element) for element in self.states} if is_whole else OnDemand({}, self.states, after)


def trained(derivation: Derivation) -> Iterator[str]:
    """Iterate over the elements of the parameters that updates change."""
    training = derivation.problem.training
    for quantity in derivation.parameters:
        if training is not None and quantity.name not in training.frozen:
            yield from quantity.elements()


class Update:
    """The update of a problem's parameters, made ready for many steps in one arithmetic."""

    def __init__(self, derivation: Derivation, kind: Arithmetic) -> None:
        training = derivation.problem.training
        assert training is not None
        self.derivation, self.training, self.kind = derivation, training, kind
        changing = tuple(trained(derivation))
        # Only steps that are shown need the gradients by inputs and frozen parameters.
        self.evaluation = Evaluation.of(derivation, kind, changing if kind is FLOAT else None)
        self.rules = {
            first: Rule(optimizers.reduced(training.optimizer, training.zero, first=first), kind)
            for first in (True, False)
        }
        self.settings = {name: kind.convert(given.value) for name, given in training.settings.items()}
        self._rates: dict[int, Value] = {}
        self.elements = tuple(element for quantity in derivation.parameters for element in quantity.elements())
        self.weights = frozenset(e for q in derivation.parameters if q.kind == "weight" for e in q.elements())
        self.layers = [(0, changing)]
        if training.update == "sequential":
            self.layers = list(reversed(list(_by_layer(derivation, changing))))

    def _rate(self, changes: int) -> Value:
        """Return the learning rate after so many changes; the one that the problem states is not rounded as by hand."""
        if changes not in self._rates:
            rate = self.kind.convert(epochs.rate_after(self.training, changes))
            self._rates = {changes: self.kind.settle(rate) if changes else rate}
        return self._rates[changes]

    def initial_states(self) -> States:
        """Return the states before the first update."""
        moving = (q for q in self.derivation.parameters if q.name not in self.training.frozen)
        found = itertools.chain.from_iterable(initial_states(self.training, quantity) for quantity in moving)
        return {e: {name: self.kind.convert(value) for name, value in own.items()} for e, own in found}

    def of(self, values: Values, states: States, number: int, samples: int | None) -> Change:
        """Return update `number` (from 1) from values with gradients; `samples` is the number of them in an epoch.

        A simultaneous update uses the gradients of the values. A sequential one goes from the last layer to the first, and
        each layer's gradients are computed backwards through the already updated parameters of the layers after it; forward
        values, and so the output's errors, stay what they were. That is not gradient descent: it is how some published
        examples were computed.
        """
        rule, changes = self.rules[number == 1], epochs.changes(self.training, number, samples)
        rate = self._rate(changes)
        settings = {**self.settings, RATE: rate, "t": self.kind.convert(Fraction(number))}
        passes: dict[int, Values] = {}

        def lines_of(element: str, seen: Values = values) -> Mapping[str, Value]:
            return rule.run({**settings, **states[element], "w": values.value(element), "g": seen.gradient(element)})

        if self.training.update == "sequential" or self.kind is FLOAT:  # all of it is wanted
            new: dict[str, Value] = {}
            lines: dict[str, Mapping[str, Value]] = {}
            for layer, elements in self.layers:
                seen = values
                if not self.weights.isdisjoint(new):
                    seen = passes[layer] = self.evaluation.backward(values.replaced(new))
                lines |= {element: lines_of(element, seen) for element in elements}
                new |= {element: lines[element]["w"] for element in elements}
            everything = {element: new.get(element, values.value(element)) for element in self.elements}
            return Change(number, rate, changes, states, lines, everything, passes)
        read = OnDemand({}, dict.fromkeys(self.layers[0][1]), lines_of)

        def updated(element: str) -> Value:
            return read[element]["w"] if element in read else values.value(element)

        return Change(number, rate, changes, states, read, OnDemand({}, dict.fromkeys(self.elements), updated))


def _by_layer(derivation: Derivation, elements: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Iterate over the layers, from the first, with those of the elements that are parameters of each."""
    for layer in sorted({quantity.layer or 0 for quantity in derivation.parameters}):
        own = {name for quantity in derivation.parameters if quantity.layer == layer for name in quantity.elements()}
        yield layer, tuple(element for element in elements if element in own)
