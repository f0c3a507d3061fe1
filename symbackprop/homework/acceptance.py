"""Which draws are fair: what every student is asked has to be worth computing, decidable, and apart from common mistakes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy

from symbackprop.algebra.forms import form_of
from symbackprop.algebra.formula import Apply
from symbackprop.algebra.functions import ACTIVATIONS
from symbackprop.catalog.optimizers import RATE
from symbackprop.derivation.element_grain import ElementEquation, Term
from symbackprop.evaluation.evaluate import Arithmetic
from symbackprop.homework.answers import Answer
from symbackprop.homework.hand_computation import GRADIENT, NEW, PATH, HandComputation, evaluation
from symbackprop.homework.tolerance import Tolerance, half_unit
from symbackprop.problems import Homework

SATURATED = 4.0
"""A bounded activation is flat beyond this size of its argument."""
PRECISION = 0.02
"""The largest tolerance of an answer, as a share of it."""
HIDING_RATES = (Fraction(1, 2), Fraction(1), Fraction(2))
"""Learning rates at which a lost factor 2 looks like a forgotten learning rate."""

Array = Any
NumbersByKey = Mapping[str, Array]


class Acceptance:
    """The checks of one problem, made ready to judge many draws at once."""

    def __init__(
        self, computation: HandComputation, answers: Sequence[Answer], homework: Homework, arithmetic: Arithmetic
    ) -> None:
        self.computation = computation
        self.answers = answers
        self.rounding = homework.rounding
        self.tolerances = {
            answer.id: Tolerance(computation, answer.key, homework.rounding, arithmetic) for answer in answers
        }
        self._bounded = dict.fromkeys(_bounded(computation.equations))
        self._swaps = list(_swaps(computation))
        self._kinks = [
            (Tolerance(kinked, key, homework.rounding, arithmetic), evaluation([equation], arithmetic).forward, key)
            for kinked, key, equation in _kinked(computation)
        ]
        self._mistaken = _mistaken(computation, answers)
        self._mistake = evaluation(self._mistaken.values(), arithmetic).forward
        rate = computation.derivation.problem.variants.get(RATE)
        self._rate_is_drawn = rate is not None and any(answer.key.startswith(NEW) for answer in answers)

    def judge(self, values: NumbersByKey) -> dict[str, Array]:
        """Return for each reason which of the draws it speaks against.

        `values` are arrays with one entry for each draw, by key.
        """
        tolerances = {id: tolerance.of(values) for id, tolerance in self.tolerances.items()}
        found: dict[str, Array] = {}
        with numpy.errstate(all="ignore"):
            for reason, against in self._against(values, tolerances):
                found[reason] = found.get(reason, False) | against
        return found

    def _against(self, values: NumbersByKey, tolerances: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
        """Yield the reasons against draws, by the ids of their phrases, each with the draws that it speaks against."""
        for equation in self.computation.equations:
            yield "undefined", ~numpy.isfinite(values[equation.name])
        smallest = 0.0 if self.rounding.significant else 10.0**-self.rounding.digits
        shown = 10.0 ** (-2 * self.computation.derivation.problem.notation.digits)
        for answer in self.answers:
            size = numpy.abs(values[answer.key])
            yield "zero", size <= max(smallest, shown)
            yield "imprecise", tolerances[answer.id] > PRECISION * size
        for key in self._bounded:
            yield "saturated", numpy.abs(values[key]) > SATURATED
        for tolerance, run, key in self._kinks:
            reached = run(values, ()).shared
            yield "kink", numpy.abs(reached[key]) <= tolerance.of(reached, own=False)
        for first, second in self._swaps:
            yield "swap", values[first] == values[second]
        for rate in HIDING_RATES if self._rate_is_drawn else ():
            yield "learning_rate", numpy.abs(values[RATE]) == float(rate)
        if self._mistaken:
            yield "mistake", self._hides_mistake(values, tolerances)

    def _hides_mistake(self, values: NumbersByKey, tolerances: Mapping[str, Array]) -> Array:
        """Return where no answer tells a student who used the already updated weights of the next layer."""
        mistaken = self._mistake(values, ()).shared
        told: Array = False
        for answer in self.answers:
            if answer.key in self._mistaken:
                wrong = mistaken[_MISTAKEN + answer.key]
                distance = numpy.abs(wrong - values[answer.key]) - half_unit(wrong, self.rounding)
                told = told | (distance > tolerances[answer.id])
        return ~numpy.asarray(told)


def _bounded(equations: Sequence[ElementEquation]) -> Iterator[str]:
    """Yield the arguments of activations that are flat at both ends."""
    for equation in equations:
        for term in equation.terms:
            formula = term.form.formula
            if equation.name.startswith(NEW) or not isinstance(formula, Apply) or formula.function not in ACTIVATIONS:
                continue
            row = ACTIVATIONS[formula.function]
            if row.lowest is not None and row.highest is not None and not row.vector and not formula.body:
                yield term.arguments[0]


def _swaps(computation: HandComputation) -> Iterator[tuple[str, str]]:
    """Yield the pairs of drawn weights that a swap of indices exchanges."""
    problem = computation.derivation.problem
    for quantity in computation.derivation.parameters:
        if len(quantity.shape) == 2 and quantity.name in problem.variants:
            for row, column in itertools.combinations(range(min(quantity.shape)), 2):
                yield quantity.element((row, column)), quantity.element((column, row))


def _kinked(computation: HandComputation) -> Iterator[tuple[HandComputation, str, ElementEquation]]:
    """Yield, for each kink, the computation with an equation for the distance from it, and its key."""
    number = 0
    for equation in computation.equations:
        if equation.name.startswith((GRADIENT, NEW)):
            continue
        for term in equation.terms:
            for kink in term.form.kinks:
                number += 1
                key = f"{PATH}{number}"
                form = form_of(kink)
                distance = ElementEquation(key, (Term(form, term.arguments[: form.arity]),))
                yield replace(computation, equations=(*computation.equations, distance)), key, distance


_MISTAKEN = "✗"


def _mistaken(computation: HandComputation, answers: Sequence[Answer]) -> dict[str, ElementEquation]:
    """Return the equations of the commonest mistake by the key each is mistaken about.

    Gradients of earlier layers are then computed with the weights of later layers already updated.
    """
    problem = computation.derivation.problem
    if problem.training is None or not problem.layers:
        return {}
    weights = {element for quantity in computation.derivation.parameters for element in quantity.elements()}
    asked = {answer.key for answer in answers}
    changed: dict[str, ElementEquation] = {}
    for equation in computation.equations:
        if not equation.name.startswith(GRADIENT):
            continue
        renamed = tuple(
            Term(term.form, tuple(_mistaken_name(name, weights, changed) for name in term.arguments))
            for term in equation.terms
        )
        if any(new.arguments != term.arguments for new, term in zip(renamed, equation.terms, strict=True)):
            changed[equation.name] = ElementEquation(_MISTAKEN + equation.name, renamed)
    return changed if asked & changed.keys() else {}


def _mistaken_name(name: str, weights: set[str], changed: Mapping[str, object]) -> str:
    if name in changed:
        return _MISTAKEN + name
    return NEW + name if name in weights else name
