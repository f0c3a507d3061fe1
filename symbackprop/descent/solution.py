"""A solved problem: the derivation, exact values of the steps that are shown in full, the loss after every update."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from symbackprop.derivation.derivations import Derivation, derive
from symbackprop.descent import epochs
from symbackprop.descent.epochs import Batch
from symbackprop.descent.update import Change, Parameters, Update, trained
from symbackprop.display import Displayed
from symbackprop.errors import ProblemError
from symbackprop.evaluation.arithmetics import EXACT, FLOAT, Arithmetic, Value, arithmetic_of
from symbackprop.evaluation.evaluate import Evaluation, Values, is_finite, leaves
from symbackprop.evaluation.evaluate import not_finite as diverged
from symbackprop.evaluation.kinks import kinks
from symbackprop.evaluation.lazy_mappings import Deferred
from symbackprop.graph.notation import Notation
from symbackprop.graph.scalars import Scalar
from symbackprop.messages import message
from symbackprop.problems import Given, Problem, Training, numbers
from symbackprop.problems.accepted import ProblemLike, problem_of
from symbackprop.problems.build import read_training
from symbackprop.problems.training_table import batches_in

if TYPE_CHECKING:
    from symbackprop.descent.compiled_course import CompiledCourse


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
    worked = Descent(derivation, kind)
    course: Descent | CompiledCourse = worked
    losses, after = [worked.loss], worked.values
    can_compile = kind is EXACT and training.update != "sequential"
    size = sum(1 for _ in trained(derivation))
    if is_compiled := can_compile and size >= LARGE:
        course = _compiled(derivation, training)
    watch = epochs.watch_of(training, losses[0])
    per_epoch = batches_in(problem.samples, training.batch_size)
    found: list[DescentStep] = []
    shown = epochs.rows_shown(training, count)
    predictions, places = {0: worked.outputs}, {0: _place(derivation, worked)}
    number = 0
    while number < count:
        batch, number, times = next(batches), number + 1, 1
        if number <= exact:
            found.append(worked.step(batch))
            after = worked.later() if is_compiled else worked.values
            made = [] if is_compiled else [worked.loss]
        elif number == exact + 1 and not is_compiled:
            is_long = can_compile and (count - exact) * size >= LONG
            course = (
                _compiled(derivation, training, worked)
                if is_long
                else worked.continued(FLOAT if kind is EXACT else kind)
            )
        if number > exact or is_compiled:
            if number > exact and batch is None and watch is None:
                times = min(row for row in shown if row >= number) - number + 1
            made = _updated(course, batch, number, times, problem)
            number += times - 1
        losses += made
        if number in shown:
            predictions[number], places[number] = course.outputs, _place(derivation, course)
        if watch is not None and number % per_epoch == 0 and watch.stops(losses[-1]):
            break
    last = len(losses) - 1
    predictions[last], places[last] = course.outputs, _place(derivation, course)
    change = found[-1].change
    final = course.parameters if change is None or last > exact else change.new
    return Solution(
        problem, derivation, tuple(found), after, tuple(losses), final, last < count, predictions, rates, places
    )


LARGE = 5000
"""From so many numbers on that updates change, the losses behind them come from float64 in compiled code."""

LONG = 20_000
"""From so many changes of a number on, in all updates behind the exact ones, these are made by compiled code."""


def is_large(derivation: Derivation) -> bool:
    """Say whether losses after the first update come from compiled code."""
    return next(itertools.islice(trained(derivation), LARGE, None), None) is not None


def _compiled(derivation: Derivation, training: Training, worked: Descent | None = None) -> CompiledCourse:
    """Return a compiled descent, from the beginning or from where exact steps have led."""
    from symbackprop.descent.compiled_course import CompiledCourse  # NumPy is not imported for a small problem

    course = CompiledCourse(derivation, training)
    if worked is not None:
        course.begin(worked.number, worked.parameters, worked.states)
    return course


def solution_of(meant: Solution | ProblemLike) -> Solution:
    """Return the solution that is meant: itself, or that of a problem."""
    return meant if isinstance(meant, Solution) else solve(meant)


def _outputs(values: Values, derivation: Derivation) -> tuple[Value, ...]:
    """Return the outputs of a network, sample after sample; a computation graph names none."""
    prediction = derivation.graph.prediction
    return () if prediction is None else tuple(itertools.starmap(values.value, derivation.graph.scalars(prediction)))


MOST_PLACES = 2
"""Of more parameters that are learned a table of the descent shows none."""


def _place(derivation: Derivation, course: Descent | CompiledCourse) -> tuple[Value, ...]:
    """Return the parameters that are learned, none where there are more than two."""
    names = tuple(itertools.islice(trained(derivation), MOST_PLACES + 1))
    return tuple(map(course.parameters.__getitem__, names)) if len(names) <= MOST_PLACES else ()


def _loss(derivation: Derivation, values: Values) -> float:
    return float(values.value(derivation.graph.output))


def _updated(
    course: Descent | CompiledCourse, batch: Batch | None, number: int, times: int, problem: Problem
) -> list[float]:
    """Make updates, the first of them `number`; return the losses after them, which have to be finite."""
    try:
        losses = course.update(batch, times)
    except (ZeroDivisionError, OverflowError):
        losses = [float("inf")]
    for update, loss in enumerate(losses, number):
        if not is_finite(loss):
            raise diverged(update, loss, problem.name)
    return losses


class Descent:
    """Updates in one arithmetic: where the parameters and the optimizer's states are, and how the next update is made."""

    def __init__(self, derivation: Derivation, kind: Arithmetic) -> None:
        """Start from the problem's own numbers."""
        self.derivation, self.kind = derivation, kind
        self._shared, self._data = leaves(derivation, kind)
        self._whole = Update(derivation, kind)
        self._parts: dict[int, Update] = {}
        self.number, self.states = 0, self._whole.initial_states()
        self._moved: Parameters = {}
        self._values: Values | None = None

    @property
    def values(self) -> Values:
        """The forward values over the whole data with the present parameters."""
        if self._values is None:
            self._shared, self._moved = {**self._shared, **self._moved}, {}
            self._values = self._whole.evaluation.forward(self._shared, self._data)
        return self._values

    def later(self) -> Values:
        """Return these values, computed when they are read."""
        if self._values is not None:
            return self._values
        evaluation, shared, data, moved = self._whole.evaluation, self._shared, self._data, self._moved
        found = functools.cache(lambda: evaluation.forward({**shared, **moved}, data))
        samples = (Deferred(functools.partial(lambda n: found().samples[n], number)) for number in range(len(data)))
        return Values(Deferred(lambda: found().shared), tuple(samples), {}, ())

    @property
    def loss(self) -> float:
        """The loss over the whole data."""
        return float(self.values.value(self.derivation.graph.output))

    @property
    def outputs(self) -> tuple[Value, ...]:
        """The outputs of a network, sample after sample; a computation graph names none."""
        prediction = self.derivation.graph.prediction
        scalars = () if prediction is None else self.derivation.graph.scalars(prediction)
        return tuple(itertools.starmap(self.values.value, scalars))

    @property
    def parameters(self) -> Parameters:
        """The parameters by element."""
        return _parameters(self.derivation, self.values)

    def continued(self, kind: Arithmetic) -> Descent:
        """Return a descent in another arithmetic that goes on from here."""
        found = Descent(self.derivation, kind)
        found.number = self.number
        found.states = {
            element: {name: kind.convert(value) for name, value in own.items()} for element, own in self.states.items()
        }
        found._move({name: kind.convert(value) for name, value in self.parameters.items()})
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

    def update(self, batch: Batch | None, times: int = 1) -> list[float]:
        """Make updates with the samples of a batch, None for all; return the loss of all samples after each."""
        losses = []
        for _ in range(times):
            self._changed(*self._passed(batch))
            losses.append(self.loss)
        return losses

    def _passed(self, batch: Batch | None) -> tuple[Update, Values]:
        """Return the values with gradients for the samples of a batch."""
        whole = self.values
        if batch is None:
            return self._whole, self._whole.evaluation.backward(whole)
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
        self._moved, self._values = parameters, None


def _parameters(derivation: Derivation, values: Values) -> Parameters:
    return {element: values.value(element) for quantity in derivation.parameters for element in quantity.elements()}
