"""Slips that have a name: a sign, a factor 2, a forgotten learning rate, a dropped term.

Each is what comes out of a student's own earlier numbers if the last step is done with that slip. Who makes the same slip
again pays for it once in full.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from symbackprop.by_hand.hand_computation import GRADIENT, NEW, PATH, HandComputation, split
from symbackprop.by_hand.tolerance import Tolerance
from symbackprop.catalog.optimizers import RATE
from symbackprop.errors import SymbackpropError
from symbackprop.evaluation.evaluate import FLOAT

NumbersByKey = Mapping[str, Any]

SHARPEST = 0.1
"""A slip is told from others only where the tolerance is at most this share of what it makes."""


@dataclass(frozen=True, slots=True)
class Slip:
    """What a slip makes of an answer: its name, the value, and how far roundings may move that."""

    name: str
    value: float
    allowed: float

    def explains(self, value: float, factor: float) -> bool:
        """Say whether a value is this slip's, with tolerances multiplied by a factor."""
        return self.allowed <= SHARPEST * abs(self.value) and abs(value - self.value) <= factor * self.allowed


def slips(
    computation: HandComputation, route: Tolerance, known: NumbersByKey, found: NumbersByKey, allowed: float
) -> Iterator[Slip]:
    """Yield the slips in the last step of an answer; `known` and `found` are the numbers before and after this route."""
    yield from _rates(route, known)
    expected = float(found[route.key])
    yield from _terms(computation, route, found, allowed)
    if not route.key.startswith(NEW):
        for name, factor in _factors(computation.derivation.problem.samples):
            yield Slip(name, expected * factor, allowed * abs(factor))


def _rates(route: Tolerance, known: NumbersByKey) -> Iterator[Slip]:
    """Yield updates with another learning rate than the problem's."""
    if not route.key.startswith(NEW) or RATE not in known or RATE not in _read(route):
        return
    rate = float(known[RATE])
    for name, wrong in (("no_learning_rate", 1.0), ("wrong_sign", -rate), ("learning_rate_squared", rate * rate)):
        if wrong == rate:
            continue
        try:
            values = route.evaluation.forward({**known, RATE: wrong}, ()).shared
            yield Slip(name, float(values[route.key]), float(route.of(values)))
        except (SymbackpropError, ArithmeticError, ValueError):
            continue


def _read(route: Tolerance) -> set[str]:
    return {name for equation in route.equations for term in equation.terms for name in term.arguments}


def _factors(samples: int | None) -> Iterator[tuple[str, float]]:
    yield from (("wrong_sign", -1.0), ("doubled_factor_two", 2.0), ("lost_factor_two", 0.5))
    if samples is not None and samples > 1:
        yield from (("no_mean", float(samples)), ("mean_twice", 1.0 / samples))


def _terms(computation: HandComputation, route: Tolerance, found: NumbersByKey, allowed: float) -> Iterator[Slip]:
    """Yield the answer without one of its terms, or with the sign of one changed; a product without its last factors."""
    equation = route.equations[-1]
    expected = float(found[route.key])
    is_gradient = route.key.startswith(GRADIENT)
    if len(equation.terms) > 1:
        for term in equation.terms:
            part = float(
                FLOAT.function(term.form.formula, term.form.arity)(*[float(found[name]) for name in term.arguments])
            )
            dropped = "missing_path" if is_gradient else "dropped_term"
            if len(term.arguments) == 1 and _kind(computation, term.arguments[0]) == "bias":
                dropped = "no_bias"
            yield Slip(dropped, expected - part, allowed)
            yield Slip("wrong_sign", expected - 2 * part, allowed)
    elif is_gradient:
        above = [name for name in equation.terms[0].arguments if name.startswith(GRADIENT) and PATH not in name]
        if len(above) == 1 and len(set(equation.terms[0].arguments)) > 1:
            upstream = float(found[above[0]])
            is_before = _kind(computation, route.key) == "pre_activation"
            name = "no_derivative" if is_before else "dropped_factor"
            yield Slip(name, upstream, abs(allowed * upstream / expected) if expected else allowed)


def _kind(computation: HandComputation, key: str) -> str:
    """Return what kind of quantity a key is about, nothing for a number on the way."""
    name, graph = split(key)[1].name, computation.derivation.graph
    return graph.quantity_of(name).kind if graph.has_element(name) else ""
