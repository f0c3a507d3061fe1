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
from symbackprop.by_hand.answer_ids import id_of
from symbackprop.by_hand.hand_computation import NEW, PATH, HandComputation, evaluation, key_parts
from symbackprop.by_hand.tolerance import Tolerance
from symbackprop.catalog.optimizers import RATE
from symbackprop.derivation.derivations import Derivation
from symbackprop.derivation.element_grain import ElementEquation, Term
from symbackprop.evaluation.arithmetics import Arithmetic
from symbackprop.homework.assignments.answers import Answer
from symbackprop.homework.assignments.degenerate import Verdict, swaps
from symbackprop.homework.assignments.inactive import Inactive
from symbackprop.problems import Homework

SATURATED = 4.0
"""A bounded activation is flat beyond this size of its argument."""
PRECISION = 0.02
"""The largest tolerance of an answer, as a share of it."""
DULL = 0.5
"""The largest share of the answers that may be zero because of inactive units."""
HIDING_RATES = (Fraction(1, 2), Fraction(1), Fraction(2))
"""Learning rates at which a lost factor 2 looks like a forgotten learning rate."""

Array = Any
NumbersByKey = Mapping[str, Array]


class Acceptance:
    """The checks of one problem, made ready to judge many draws at once.

    `inactive` says which units may be inactive; empty is what the problem says, and `any` where it says nothing.
    """

    def __init__(
        self,
        computation: HandComputation,
        answers: Sequence[Answer],
        homework: Homework,
        arithmetic: Arithmetic,
        inactive: str = "",
    ) -> None:
        rules = computation.derivation.problem.draw_rules
        self._inactive = inactive or rules.inactive or "any"
        self._units = Inactive(computation)
        self._distinguish = rules.distinguish
        self._alike = list(_alike(computation))
        self.computation = computation
        self.answers = answers
        self.rounding = homework.rounding
        self.tolerances = {
            answer.id: Tolerance(computation, answer.key, homework.rounding, arithmetic) for answer in answers
        }
        self._bounded = dict.fromkeys(_bounded(computation.equations))
        self._swaps = list(_swaps(computation.derivation))
        self._kinks = [
            (
                Tolerance(kinked, key, homework.rounding, arithmetic),
                evaluation([equation], arithmetic).forward,
                equation,
            )
            for kinked, key, equation in _kinked(computation)
        ]
        rate = computation.derivation.problem.variants.get(RATE)
        self._rate_is_drawn = rate is not None and any(answer.key.startswith(NEW) for answer in answers)

    @property
    def has_units(self) -> bool:
        """Whether there are units that can be inactive."""
        return bool(self._units.asked)

    def has_inactive(self, values: NumbersByKey) -> bool:
        """Say whether some unit, but no whole array of them, is inactive in one of the draws."""
        return self.has_units and not bool(numpy.all(self._units.unlike(values, "some")))

    def to_be_kept(self, values: NumbersByKey) -> list[Array]:
        """Return groups of draws none of which is left out: by how many units are inactive, where they are as they come."""
        if not self.has_units or self._inactive != "any":
            return []
        counts = numpy.asarray(self._units.count(values))
        return [counts == count for count in numpy.unique(counts)]

    def judge(self, values: NumbersByKey) -> dict[tuple[str, str], Array]:
        """Return for each reason, and the answer or number that is to blame, which of the draws it speaks against.

        `values` are arrays with one entry for each draw, by key.
        """
        tolerances = {id: tolerance.of(values) for id, tolerance in self.tolerances.items()}
        found: dict[tuple[str, str], Array] = {}
        with numpy.errstate(all="ignore"):
            for reason, name, against in self._against(values, tolerances):
                found[reason, name] = found.get((reason, name), False) | against
        return found

    def _against(self, values: NumbersByKey, tolerances: Mapping[str, Array]) -> Iterator[Verdict]:
        """Yield the reasons against draws, by the ids of their phrases, each with the draws that it speaks against."""
        for equation in self.computation.equations:
            yield "undefined", self._name(equation.name), ~numpy.isfinite(values[equation.name])
        smallest = 0.0 if self.rounding.significant else 10.0**-self.rounding.digits
        shown = 10.0 ** (-2 * self.computation.derivation.problem.notation.digits)
        owed = self._units.zeros(values) if self.has_units else {}
        for answer in self.answers:
            size, is_computed = numpy.abs(values[answer.key]), ~numpy.asarray(owed.get(answer.key, False))
            yield "zero", answer.id, is_computed & (size <= max(smallest, shown))
            yield "imprecise", answer.id, is_computed & (tolerances[answer.id] > PRECISION * size)
        if self.has_units:
            count = sum(numpy.asarray(owed.get(answer.key, False), dtype=int) for answer in self.answers)
            yield "dull", "", count > DULL * len(self.answers)
            yield f"inactive_{self._inactive}", "", self._units.unlike(values, self._inactive)
        for key in self._bounded:
            yield "saturated", self._name(key), numpy.abs(values[key]) > SATURATED
        for tolerance, run, distance in self._kinks:
            reached = run(values, ()).shared
            near = numpy.abs(reached[distance.name]) <= tolerance.of(reached, own=False)
            yield "kink", self._name(distance.terms[0].arguments[0]), near
        if self._distinguish:
            yield from self._hiding(values)

    def _hiding(self, values: NumbersByKey) -> Iterator[Verdict]:
        """Yield what hides mistakes, as far as it shows in few numbers (before: `degenerate`; at last: `shown_mistakes`)."""
        for first, second in self._swaps:
            yield "swap", first, values[first] == values[second]
        for first, second in self._alike:
            yield "equal_units", first, values[first] == values[second]
        for rate in HIDING_RATES if self._rate_is_drawn else ():
            yield "learning_rate", RATE, numpy.abs(values[RATE]) == float(rate)

    def _name(self, key: str) -> str:
        """Return what a number is called on sheets, without the paths that lead to it."""
        return id_of(key.partition(PATH)[0], self.computation.derivation.graph)


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


def _alike(computation: HandComputation) -> Iterator[tuple[str, str]]:
    """Yield the pairs of units of one array, in one sample, that are the same where their arguments are equal."""
    graph = computation.derivation.graph
    arguments = {
        term.arguments[0]
        for equation in computation.equations
        for term in equation.terms
        if isinstance(term.form.formula, Apply) and term.form.formula.function in ACTIVATIONS
    }
    for quantity in graph.quantities.values():
        by_sample: dict[int | None, list[str]] = {}
        for scalar in graph.scalars(quantity):
            if str(scalar) in arguments:
                by_sample.setdefault(scalar.sample, []).append(str(scalar))
        for keys in by_sample.values():
            yield from itertools.combinations(keys, 2)


def _swaps(derivation: Derivation) -> Iterator[tuple[str, str]]:
    """Yield the pairs of drawn weights that a swap of indices exchanges."""
    for quantity in derivation.parameters:
        if quantity.name in derivation.problem.variants:
            elements = quantity.elements()
            yield from ((elements[first], elements[second]) for first, second in swaps(derivation, quantity.name))


def _kinked(computation: HandComputation) -> Iterator[tuple[HandComputation, str, ElementEquation]]:
    """Yield, for each kink that gradients depend on, the computation with an equation for the distance from it, its key."""
    number = 0
    for equation in computation.equations:
        updates, is_gradient, _, _ = key_parts(equation.name)
        if is_gradient or updates >= computation.steps:
            continue
        for term in equation.terms:
            for kink in term.form.kinks:
                number += 1
                key = f"{PATH}{number}"
                form = form_of(kink)
                distance = ElementEquation(key, (Term(form, term.arguments[: form.arity]),))
                yield replace(computation, equations=(*computation.equations, distance)), key, distance
