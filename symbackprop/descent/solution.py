"""A solved problem: the derivation, exact values of the steps that are shown in full, the loss after every update."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from symbackprop.catalog import optimizers
from symbackprop.catalog.optimizers import RATE
from symbackprop.derivation.derivations import Derivation, derive
from symbackprop.descent import epochs
from symbackprop.descent.epochs import Batch
from symbackprop.descent.optimizer_lines import Rule
from symbackprop.display import Displayed
from symbackprop.errors import ProblemError
from symbackprop.evaluation.evaluate import (
    EXACT,
    FLOAT,
    Arithmetic,
    Evaluation,
    Value,
    Values,
    arithmetic_of,
    is_finite,
    kinks,
    leaves,
)
from symbackprop.evaluation.evaluate import not_finite as diverged
from symbackprop.graph.notation import Notation
from symbackprop.graph.scalars import Scalar
from symbackprop.messages import message
from symbackprop.problems import Given, Problem, numbers
from symbackprop.problems.accepted import ProblemLike, problem_of
from symbackprop.problems.build import read_training
from symbackprop.problems.training_table import batches_in, initial_states

Parameters = Mapping[str, Value]
States = Mapping[str, Mapping[str, Value]]
"""The states of the optimizer by parameter (its element), then by name."""


@dataclass(frozen=True, slots=True)
class Change:
    """An update: its number from 1, its learning rate, and what became of the parameters.

    `states` are the optimizer's before it. `lines` hold, for each element that was updated, the values of the optimizer's
    lines in order (`m`, `v`, `m_hat`, …, `w`): the states after it are among them. `new` are all parameters after it.
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
        return {
            element: {name: self.lines[element].get(name, value) for name, value in own.items()}
            for element, own in self.states.items()
        }


@dataclass(frozen=True, slots=True)
class DescentStep:
    """One pass in exact arithmetic with its true gradients, and the update that followed; None without one.

    `derivation` and `values` are those of the samples in `batch`, numbered from 1 in its order; None: of all samples.
    """

    derivation: Derivation
    values: Values
    kinks: tuple[Scalar, ...]
    change: Change | None = None
    batch: Batch | None = None

    def __repr__(self) -> str:
        return f"<DescentStep of {self.derivation.problem.name}>"

    @property
    def updated(self) -> Parameters | None:
        """The parameters by element after the update."""
        return None if self.change is None else self.change.new


@dataclass(frozen=True, slots=True)
class Solution(Displayed):
    """What `solve` found.

    `steps` are the exact steps: at least one, none where the problem leaves numbers out (then nothing else is known
    either); `losses` are the losses over the whole data before the first update and after each; `after` are the exact
    forward values over the whole data after the last exact step; `final` the parameters at the end, by element. `stopped`
    says that updates were left out because the loss no longer fell (`stop`). `predictions` are a network's outputs, sample
    after sample, after the numbers of updates that a table of the descent shows, and `places` the parameters
    that are learned, in their order, where there are at most two. `learning_rates` are those that a document compares.
    """

    problem: Problem
    derivation: Derivation
    steps: tuple[DescentStep, ...]
    after: Values | None
    losses: tuple[float, ...]
    final: Parameters
    stopped: bool = False
    predictions: Mapping[int, tuple[Value, ...]] = field(default_factory=dict)
    learning_rates: tuple[Given, ...] = ()
    places: Mapping[int, tuple[Value, ...]] = field(default_factory=dict)

    def __repr__(self) -> str:
        updates = len(self.losses) - 1
        found = f"loss {self.losses[0]:g}" if self.losses else "no numbers"
        after = f", {self.losses[-1]:g} after {updates} update{'' if updates == 1 else 's'}" if updates > 0 else ""
        return f"<Solution of {self.problem.name}: {self.problem.outline}; {found}{after}>"

    @property
    def notation(self) -> Notation:
        """The notation that the problem asks for."""
        return Notation.of(self.derivation.graph, self.problem.notation)


def solve(
    problem: ProblemLike,
    *,
    steps: int | None = None,
    full_steps: int | None = None,
    learning_rates: Sequence[object] = (),
    derivation: Derivation | None = None,
) -> Solution:
    """Return the solution of a problem: all values, gradients and updates.

    The first steps are exact, the others float64; with `round_intermediates` all steps are exact but for that
    rounding. A problem that leaves numbers out has a derivation and no steps.

    Args:
        problem: Whatever stands for a problem.
        steps: The number of updates, or None for the problem's own.
        full_steps: How many steps are exact, or None for 2 when there are two steps, else 1.
        learning_rates: Those with which documents compare descents: numbers, or texts such as "1/3".
        derivation: That of the problem, or of the same one with other numbers, where it is known already.

    Returns:
        The solution, with its exact steps and the loss after every update.

    Raises:
        EvaluationError: The loss stops being finite.
        ProblemError: Learning rates are given and there is no training, or a number does not fit.

    Examples:
        >>> import symbackprop
        >>> symbackprop.solve("line").losses
        (0.5, 0.125, 0.03125)
    """
    problem = problem_of(problem)
    derivation = derive(problem) if derivation is None else replace(derivation, problem=problem)
    training = problem.training
    if steps is not None:
        steps = read_training({"steps": steps}, {}, None).steps
    rates = tuple(numbers.number(numbers.plain(rate), "learning_rates") for rate in learning_rates)
    if rates and training is None:
        raise ProblemError(message("rates.no_training"), where="learning_rates")
    if problem.missing() or problem.generic():
        return Solution(problem, derivation, (), None, (), {})
    count = 0 if training is None else training.steps if steps is None else steps
    kind = arithmetic_of(problem)
    if training is None or not count:
        values = Evaluation.of(derivation, kind)
        first = values.backward(values.forward(*leaves(derivation, kind)))
        step = DescentStep(derivation, first, kinks(derivation, first))
        losses_before = (_loss(derivation, first),)
        parameters = _parameters(derivation, first)
        return Solution(problem, derivation, (step,), None, losses_before, parameters, learning_rates=rates)
    if training.stop is not None and training.stop.validation_fraction:  # no samples are to spare
        raise ProblemError(message("training.validation"), where="training.stop.validation_fraction")
    exact = min(full_steps or (2 if count == 2 else 1), count)
    batches = epochs.batches_of(training, problem.samples)
    descent = Descent(derivation, kind)
    losses = [_loss(derivation, descent.values)]
    watch = epochs.watch_of(training, losses[0])
    per_epoch = batches_in(problem.samples, training.batch_size)
    found: list[DescentStep] = []
    after = descent.values
    shown = frozenset(epochs.rows_shown(training, count))
    predictions, places = {0: _outputs(descent.values, derivation)}, {0: _place(descent.values, derivation)}
    stopped = False
    for number, batch in zip(range(1, count + 1), batches, strict=False):
        if number <= exact:
            found.append(descent.step(batch))
            after = descent.values
            losses.append(_loss(derivation, after))
        else:
            if number == exact + 1:
                descent = descent.continued(FLOAT if kind is EXACT else kind)
            losses.append(_next_loss(descent, batch, number))
        if number in shown:
            predictions[number] = _outputs(descent.values, derivation)
            places[number] = _place(descent.values, derivation)
        if watch is not None and number % per_epoch == 0 and watch.stops(losses[-1]):
            stopped = number < count
            break
    final = _parameters(derivation, descent.values)
    predictions[len(losses) - 1] = _outputs(descent.values, derivation)
    places[len(losses) - 1] = _place(descent.values, derivation)
    return Solution(problem, derivation, tuple(found), after, tuple(losses), final, stopped, predictions, rates, places)


def solution_of(meant: Solution | ProblemLike) -> Solution:
    """Return the solution that is meant: itself, or that of a problem."""
    return meant if isinstance(meant, Solution) else solve(meant)


def _outputs(values: Values, derivation: Derivation) -> tuple[Value, ...]:
    """Return the outputs of a network, sample after sample; a computation graph names none."""
    prediction = derivation.graph.prediction
    return () if prediction is None else tuple(itertools.starmap(values.value, derivation.graph.scalars(prediction)))


MOST_PLACES = 2
"""Of more parameters that are learned a table of the descent shows none."""


def _place(values: Values, derivation: Derivation) -> tuple[Value, ...]:
    """Return the parameters that are learned, none where there are more than two."""
    names = tuple(itertools.islice(trained(derivation), MOST_PLACES + 1))
    return tuple(map(values.value, names)) if len(names) <= MOST_PLACES else ()


def _loss(derivation: Derivation, values: Values) -> float:
    return float(values.value(derivation.graph.output))


def _next_loss(descent: Descent, batch: Batch | None, number: int) -> float:
    """Make an update; return the loss after it, which has to be finite."""
    derivation = descent.derivation
    try:
        descent.update(batch)
        loss = _loss(derivation, descent.values)
    except (ZeroDivisionError, OverflowError):
        loss = float("inf")
    if not is_finite(loss):
        raise diverged(number, loss, derivation.problem.name)
    return loss


def _parameters(derivation: Derivation, values: Values) -> Parameters:
    return {element: values.value(element) for quantity in derivation.parameters for element in quantity.elements()}


def trained(derivation: Derivation) -> Iterator[str]:
    """Iterate over the elements of the parameters that updates change."""
    training = derivation.problem.training
    for quantity in derivation.parameters:
        if training is not None and quantity.name not in training.frozen:
            yield from quantity.elements()


class Descent:
    """Updates in one arithmetic: where the parameters and the optimizer's states are, and how the next update is made.

    `values` are the forward values over the whole data with the present parameters.
    """

    def __init__(self, derivation: Derivation, kind: Arithmetic) -> None:
        """Start from the problem's own numbers."""
        self.derivation, self.kind = derivation, kind
        self._shared, self._data = leaves(derivation, kind)
        self._whole = Update(derivation, kind)
        self._parts: dict[int, Update] = {}
        self.number, self.states = 0, self._whole.initial_states()
        self.values = self._whole.evaluation.forward(self._shared, self._data)

    def continued(self, kind: Arithmetic) -> Descent:
        """Return a descent in another arithmetic that goes on from here."""
        found = Descent(self.derivation, kind)
        found.number = self.number
        found.states = {
            element: {name: kind.convert(value) for name, value in own.items()} for element, own in self.states.items()
        }
        found._move({name: kind.convert(value) for name, value in _parameters(self.derivation, self.values).items()})
        return found

    def step(self, batch: Batch | None) -> DescentStep:
        """Make an update; return all that was computed."""
        part, values = self._passed(batch)
        change = self._changed(part, values)
        derivation = part.derivation
        if batch is not None:
            # The equations of a batch depend on the number of its samples and on nothing else.
            derivation = replace(derivation, problem=epochs.problem_of(self.derivation, batch))
        return DescentStep(derivation, values, kinks(derivation, values), change, batch)

    def update(self, batch: Batch | None) -> None:
        """Make an update."""
        self._changed(*self._passed(batch))

    def _passed(self, batch: Batch | None) -> tuple[Update, Values]:
        """Return the values with gradients for the samples of a batch."""
        if batch is None:
            return self._whole, self._whole.evaluation.backward(self.values)
        if len(batch) not in self._parts:
            self._parts[len(batch)] = Update(derive(epochs.problem_of(self.derivation, batch)), self.kind)
        part = self._parts[len(batch)]
        data = [self._data[sample - 1] for sample in batch]
        return part, part.evaluation.backward(part.evaluation.forward(self._shared, data))

    def _changed(self, part: Update, values: Values) -> Change:
        self.number += 1
        change = part.of(values, self.states, self.number, self.derivation.problem.samples)
        self.states = change.after
        self._move(change.new)
        return change

    def _move(self, parameters: Parameters) -> None:
        self._shared = {**self._shared, **parameters}
        self.values = self._whole.evaluation.forward(self._shared, self._data)


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
        shared = {**self.settings, RATE: rate, "t": self.kind.convert(Fraction(number))}
        new: dict[str, Value] = {}
        lines: dict[str, Mapping[str, Value]] = {}
        passes: dict[int, Values] = {}
        for layer, elements in self.layers:
            seen = values
            if not self.weights.isdisjoint(new):
                seen = passes[layer] = self.evaluation.backward(values.replaced(new))
            for element in elements:
                known = {**shared, **states[element], "w": values.value(element), "g": seen.gradient(element)}
                lines[element] = rule.run(known)
                new[element] = lines[element]["w"]
        everything = {element: new.get(element, values.value(element)) for element in self.elements}
        return Change(number, rate, changes, states, lines, everything, passes)


def _by_layer(derivation: Derivation, elements: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Iterate over the layers, from the first, with those of the elements that are parameters of each."""
    for layer in sorted({quantity.layer or 0 for quantity in derivation.parameters}):
        own = {name for quantity in derivation.parameters if quantity.layer == layer for name in quantity.elements()}
        yield layer, tuple(element for element in elements if element in own)
