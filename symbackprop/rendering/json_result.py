"""The JSON result of a solution: code names → numbers, in the shapes of the problem."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from symbackprop.algebra.formula import Apply, Slot
from symbackprop.algebra.functions import ACTIVATIONS, ARITIES
from symbackprop.arithmetic import exact
from symbackprop.arithmetic.real_numbers import Logarithm
from symbackprop.derivation.element_grain import ElementEquation
from symbackprop.descent.solution import Solution
from symbackprop.descent.update import Parameters
from symbackprop.evaluation.arithmetics import Value
from symbackprop.evaluation.evaluate import Values, is_finite, require_numbers
from symbackprop.graph.quantities import Graph, Quantity, Role

Nested = Any
"""A number, or lists of lists of numbers."""


def result(solution: Solution) -> dict[str, Nested]:
    """Return the result as data: `title`, `values`, `gradients`, `exact`; with training `updated`, `steps`, `final`.

    Values and gradients are those of the first step, so of the samples in its batch.

    Raises `MissingValueError` when the problem leaves numbers out.
    """
    require_numbers(solution.derivation)
    first = solution.steps[0]
    graph = first.derivation.graph
    found: dict[str, Nested] = {
        "title": solution.problem.title,
        "values": {quantity.name: _of_samples(graph, quantity, first.values, Values.value) for quantity in graph.named},
        "gradients": {
            quantity.name: _of_samples(graph, quantity, first.values, Values.gradient)
            for quantity in graph.named
            if quantity.role not in (Role.OUTPUT, Role.TARGET)
        },
    }
    if first.updated is not None:
        found["updated"] = _arrays(graph, first.updated)
        pairs = zip(solution.losses, solution.losses[1:], strict=False)
        found["steps"] = [{"loss": _number(loss), "loss_after": _number(after)} for loss, after in pairs]
        found["final"] = {"loss": _number(solution.losses[-1]), "parameters": _arrays(graph, solution.final)}
    found["exact"] = _exact(solution)
    return found


def to_json(solution: Solution) -> str:
    """Return the result as JSON text, one top-level key after the other."""
    return json.dumps(result(solution), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _of_samples(graph: Graph, quantity: Quantity, values: Values, read: Callable[..., Value]) -> Nested:
    found = [
        _nested(quantity, [read(values, element, sample) for element in quantity.elements()])
        for sample in graph.samples_of(quantity)
    ]
    return found if quantity.batched else found[0]


def _arrays(graph: Graph, parameters: Parameters) -> dict[str, Nested]:
    return {
        quantity.name: _nested(quantity, [parameters[element] for element in quantity.elements()])
        for quantity in graph.of_role(Role.PARAMETER)
    }


def _nested(quantity: Quantity, entries: list[Value]) -> Nested:
    numbers: list[Nested] = [_number(entry) for entry in entries]
    for length in reversed(quantity.shape):
        numbers = [numbers[start : start + length] for start in range(0, len(numbers), length)]
    return numbers[0]


def _number(value: Value) -> float | None:
    """Return a number as float64; one that is too large for it (∂L/∂a of a saturated output) is null."""
    found = float(value)
    return found + 0.0 if is_finite(found) else None  # -0.0 is 0.0


def _exact(solution: Solution) -> dict[str, str]:
    """Return the values that are fractions, or one function of a fraction, as text, by code name of the element."""
    first = solution.steps[0]
    values, equations, graph = first.values, first.derivation.equations, first.derivation.graph
    found = {}
    for scalar in graph.scalars(*graph.named):
        text = _closed_form(equations.get(scalar.name), *scalar, values)
        if text is not None:
            found[str(scalar)] = text
    return found


def _closed_form(equation: ElementEquation | None, element: str, sample: int | None, values: Values) -> str | None:
    value = values.value(element, sample)
    if isinstance(value, Fraction | Logarithm):
        return str(value)
    if equation is None or len(equation.terms) != 1:
        return None
    (term,) = equation.terms
    formula = term.form.formula
    if not isinstance(formula, Apply) or len(formula.arguments) != 1 or not _is_word(formula):
        return None
    known = [values.value(name, sample) for name in term.arguments]
    argument = exact.evaluate(formula.arguments[0], lambda part: known[part.index] if isinstance(part, Slot) else None)
    return f"{formula.function}({argument})" if isinstance(argument, Fraction) else None


def _is_word(formula: Apply) -> bool:
    """Say whether the name alone says the function in a problem file: of one number, with its default parameters."""
    row = ACTIVATIONS.get(formula.function)
    if formula.body or formula.function not in ARITIES:
        return False
    return formula.settings in ((), row.parameters if row else ())
