"""A solved problem: the derivation, exact values of the steps that are shown in full, the loss after every update."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from symbackprop import arithmetic, optimizers
from symbackprop.derivation import Derivation, derive
from symbackprop.evaluate import (
    EXACT,
    FLOAT,
    Arithmetic,
    Evaluation,
    Kink,
    Value,
    Values,
    arithmetic_of,
    is_finite,
    kinks,
    leaves,
)
from symbackprop.evaluate import not_finite as diverged
from symbackprop.formula import Name, Node
from symbackprop.problems import Problem, Training
from symbackprop.symbolic import to_sympy

Parameters = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Step:
    """One pass in exact arithmetic and the parameters (by element) after its update; None without `[training]`.

    `values` hold the true gradients. `passes` hold, by layer, the gradients that the layer's parameters were updated with
    and the numbers these were computed from, where they are not the true ones (`update = "sequential"`).
    """

    values: Values
    updated: Parameters | None
    kinks: tuple[Kink, ...]
    passes: Mapping[int, Values] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Solution:
    """What `solve` found.

    `steps` are the exact steps: at least one, none where the problem leaves numbers out (then nothing else is known
    either); `losses` are the losses over the whole data before the first update and after each; `after` are the exact
    forward values after the last exact step; `final` the parameters at the end, by element.
    """

    problem: Problem
    derivation: Derivation
    steps: tuple[Step, ...]
    after: Values | None
    losses: tuple[float, ...]
    final: Parameters


def solve(problem: Problem, *, steps: int | None = None, full_steps: int | None = None) -> Solution:
    """Return the solution of a problem: all values, gradients, and `steps` updates (default: the problem's own number).

    The first `full_steps` steps are exact (default: 2 when there are two steps, else 1), the others float64; with
    `round_intermediates` all steps are exact but for that rounding.
    A problem that leaves numbers out has a derivation and no steps. Raises `EvaluationError` where the loss stops being
    finite.

    >>> import symbackprop
    >>> solve(symbackprop.example("line")).losses
    (0.5, 0.125, 0.03125)
    """
    derivation = derive(problem)
    if problem.missing():
        return Solution(problem, derivation, (), None, (), {})
    count = problem.training.steps if problem.training else 0
    if steps is not None and problem.training:
        count = steps
    exact = min(full_steps or (2 if count == 2 else 1), max(count, 1))
    kind = arithmetic_of(problem)
    shared, data = leaves(derivation, kind)
    evaluation = Evaluation(derivation, kind)
    found: list[Step] = []
    after: Values | None = None
    for _ in range(exact):
        values = evaluation.backward(after or evaluation.forward(shared, data))
        updated: Parameters | None = None
        passes: Mapping[int, Values] = {}
        if problem.training and count:
            updated, passes = Update(derivation, evaluation).of(values)
            shared = {**shared, **updated}
            after = evaluation.forward(shared, data)
        found.append(Step(values, updated, kinks(derivation, values), passes))
    losses = [float(step.values.value(derivation.graph.output)) for step in found]
    if after is None:
        return Solution(problem, derivation, tuple(found), None, tuple(losses), _parameters(derivation, shared))
    losses.append(float(after.value(derivation.graph.output)))
    final = _parameters(derivation, shared)
    if count > exact:
        final = _descend(derivation, final, count - exact, losses, FLOAT if kind is EXACT else kind)
    return Solution(problem, derivation, tuple(found), after, tuple(losses), final)


def _parameters(derivation: Derivation, shared: Parameters) -> Parameters:
    return {element: shared[element] for quantity in derivation.parameters for element in quantity.elements()}


def trained(derivation: Derivation) -> Iterator[str]:
    """Iterate over the elements of the parameters that updates change."""
    training = derivation.problem.training
    for quantity in derivation.parameters:
        if training is not None and quantity.name not in training.frozen:
            yield from quantity.elements()


class Update:
    """The update of a problem's parameters, made ready for many steps in one arithmetic."""

    def __init__(self, derivation: Derivation, evaluation: Evaluation) -> None:
        training = derivation.problem.training
        assert training is not None
        self.evaluation = evaluation
        self.rule = _rule(training, evaluation.arithmetic)
        self.elements = tuple(element for quantity in derivation.parameters for element in quantity.elements())
        changing = tuple(trained(derivation))
        self.layers = [(0, changing)]
        if training.update == "sequential":
            self.layers = list(reversed(list(_by_layer(derivation, changing))))

    def of(self, values: Values) -> tuple[dict[str, Value], Mapping[int, Values]]:
        """Return every parameter after an update from values with gradients, and the passes of a sequential one by layer.

        A simultaneous update uses the gradients of the values. A sequential one goes from the last layer to the first, and
        each layer's gradients are computed backwards through the already updated parameters of the layers after it; forward
        values, and so the output's errors, stay what they were. That is not gradient descent: it is how some published
        examples were computed.
        """
        new: dict[str, Value] = {}
        passes: dict[int, Values] = {}
        for layer, elements in self.layers:
            seen = self.evaluation.backward(values.replaced(new)) if new else values
            if new:
                passes[layer] = seen
            new |= {element: self.rule(values.value(element), seen.gradient(element)) for element in elements}
        return {element: new.get(element, values.value(element)) for element in self.elements}, passes


def _by_layer(derivation: Derivation, elements: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Iterate over the layers, from the first, with those of the elements that are parameters of each."""
    for layer in sorted({quantity.layer or 0 for quantity in derivation.parameters}):
        own = {name for quantity in derivation.parameters if quantity.layer == layer for name in quantity.elements()}
        yield layer, tuple(element for element in elements if element in own)


def _rule(training: Training, kind: Arithmetic) -> functools.partial[Value]:
    """Return the function (old value, gradient) → new value of the problem's optimiser."""
    settings = {name: kind.convert(given.value) for name, given in training.settings.items()}
    formula = optimizers.update(training.optimizer)
    if kind is FLOAT:
        import sympy

        order = ("w", "g", *settings)
        compiled = sympy.lambdify([sympy.Symbol(name, real=True) for name in order], to_sympy(formula), modules="math")
        return functools.partial(lambda tail, w, g: compiled(w, g, *tail), tuple(settings.values()))
    return functools.partial(_exact_update, formula, settings, kind.settle)


def _exact_update(
    formula: Node, settings: Mapping[str, Value], settle: Callable[[Value], Value], w: Value, g: Value
) -> Value:
    known = {"w": w, "g": g, **settings}
    return settle(arithmetic.evaluate(formula, lambda part: known[part.name] if isinstance(part, Name) else None))


def _descend(
    derivation: Derivation, start: Parameters, steps: int, losses: list[float], kind: Arithmetic
) -> Parameters:
    """Run `steps` further updates in one arithmetic from `start`; append the loss after each to `losses`."""
    evaluation = Evaluation(derivation, kind, trained(derivation))
    update = Update(derivation, evaluation)
    leaf_values, data = leaves(derivation, kind)
    shared = {**leaf_values, **{name: kind.convert(value) for name, value in start.items()}}
    values = evaluation.forward(shared, data)
    for _ in range(steps):
        try:
            shared |= update.of(evaluation.backward(values))[0]
            values = evaluation.forward(shared, data)
            loss = float(values.value(derivation.graph.output))
        except (ZeroDivisionError, OverflowError):
            loss = float("inf")
        if not is_finite(loss):
            raise diverged(len(losses), loss, derivation.problem.name)
        losses.append(loss)
    return {name: shared[name] for name in start}
