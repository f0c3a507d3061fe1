"""A solved problem: the derivation, exact values of the steps that are shown in full, the loss after every update."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from symbackprop import arithmetic, optimizers
from symbackprop.derivation import Derivation, derive
from symbackprop.evaluate import EXACT, FLOAT, Arithmetic, Evaluation, Kink, Value, Values, is_finite, kinks, leaves
from symbackprop.evaluate import not_finite as diverged
from symbackprop.formula import Name, Node
from symbackprop.problems import Problem, Training
from symbackprop.symbolic import to_sympy

Parameters = Mapping[str, Value]
Data = tuple[Mapping[str, Value], ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One pass in exact arithmetic and the parameters (by element) after its update; None without `[training]`."""

    values: Values
    updated: Parameters | None
    kinks: tuple[Kink, ...]


@dataclass(frozen=True, slots=True)
class Solution:
    """What `solve` found.

    `steps` are the exact steps: at least one, none where the problem leaves numbers out (then nothing else is known
    either); `losses` are the losses over the whole data before the first update and
    after each; `after` are the exact forward values after the last exact step; `final` the parameters at the end, by
    element.
    """

    problem: Problem
    derivation: Derivation
    steps: tuple[Step, ...]
    after: Values | None
    losses: tuple[float, ...]
    final: Parameters


def solve(problem: Problem, *, steps: int | None = None, full_steps: int | None = None) -> Solution:
    """Return the solution of a problem: all values, gradients, and `steps` updates (default: the problem's own number).

    The first `full_steps` steps are exact (default: 2 when there are two steps, else 1), the others float64.
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
    shared, data = leaves(derivation, EXACT)
    evaluation = Evaluation(derivation, EXACT)
    found: list[Step] = []
    after: Values | None = None
    for _ in range(exact):
        values = evaluation.backward(after or evaluation.forward(shared, data))
        updated = None
        if problem.training and count:
            updated = update(derivation, values, EXACT)
            shared = {**shared, **updated}
            after = evaluation.forward(shared, data)
        found.append(Step(values, updated, kinks(derivation, values)))
    losses = [float(step.values.value(derivation.graph.output)) for step in found]
    if after is None:
        return Solution(problem, derivation, tuple(found), None, tuple(losses), _parameters(derivation, shared))
    losses.append(float(after.value(derivation.graph.output)))
    final = _parameters(derivation, shared)
    if count > exact:
        final = _descend(derivation, final, count - exact, losses)
    return Solution(problem, derivation, tuple(found), after, tuple(losses), final)


def _parameters(derivation: Derivation, shared: Parameters) -> Parameters:
    return {element: shared[element] for quantity in derivation.parameters for element in quantity.elements()}


def trained(derivation: Derivation) -> Iterator[str]:
    """Iterate over the elements of the parameters that updates change."""
    training = derivation.problem.training
    for quantity in derivation.parameters:
        if training is not None and quantity.name not in training.frozen:
            yield from quantity.elements()


def update(derivation: Derivation, values: Values, arithmetic: Arithmetic) -> dict[str, Value]:
    """Return every parameter after one simultaneous update; frozen ones keep their value."""
    training = derivation.problem.training
    assert training is not None
    rule, changing = _rule(training, arithmetic), set(trained(derivation))
    return {
        element: rule(values.value(element), values.gradient(element)) if element in changing else values.value(element)
        for quantity in derivation.parameters
        for element in quantity.elements()
    }


def _rule(training: Training, kind: Arithmetic) -> functools.partial[Value]:
    """Return the function (old value, gradient) → new value of the problem's optimiser."""
    settings = {name: kind.convert(given.value) for name, given in training.settings.items()}
    formula = optimizers.update(training.optimizer)
    if kind is FLOAT:
        import sympy

        order = ("w", "g", *settings)
        compiled = sympy.lambdify([sympy.Symbol(name, real=True) for name in order], to_sympy(formula), modules="math")
        return functools.partial(lambda tail, w, g: compiled(w, g, *tail), tuple(settings.values()))
    return functools.partial(_exact_update, formula, settings)


def _exact_update(formula: Node, settings: Mapping[str, Value], w: Value, g: Value) -> Value:
    known = {"w": w, "g": g, **settings}
    return arithmetic.settle(
        arithmetic.evaluate(formula, lambda part: known[part.name] if isinstance(part, Name) else None)
    )


def _descend(derivation: Derivation, start: Parameters, steps: int, losses: list[float]) -> Parameters:
    """Run `steps` further updates in float64 from `start`; append the loss after each to `losses`."""
    training = derivation.problem.training
    assert training is not None
    changing = tuple(trained(derivation))
    evaluation, rule = Evaluation(derivation, FLOAT, changing), _rule(training, FLOAT)
    leaf_values, data = leaves(derivation, FLOAT)
    shared = {**leaf_values, **{name: float(value) for name, value in start.items()}}
    values = evaluation.forward(shared, data)
    for _ in range(steps):
        try:
            gradients = evaluation.backward(values).gradients
            shared |= {name: rule(shared[name], gradients[name]) for name in changing if name in gradients}
            values = evaluation.forward(shared, data)
            loss = values.value(derivation.graph.output)
        except (ZeroDivisionError, OverflowError):
            loss = float("inf")
        if not is_finite(loss):
            raise diverged(len(losses), loss, derivation.problem.name)
        losses.append(loss)
    return {name: shared[name] for name in start}
