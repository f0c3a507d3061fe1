"""Mistakes of the forward pass: inputs, biases, activations, units of angles."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

from symbackprop.algebra.formula import Apply, Name, Negative, Node, Number, Product, Quotient, rewrite
from symbackprop.algebra.functions import CONSTANT
from symbackprop.derivation.element_grain import ElementEquation, Term
from symbackprop.graph.quantities import Role
from symbackprop.mistakes.worksheets import BIASES, Site, Worksheet, forward, of_terms, old

_ANGLES = ("sin", "cos", "tan")


def inputs_exchanged(sheet: Worksheet) -> Iterator[Site]:
    """Yield sums in which two neighbouring inputs stand at each other's weights."""
    for equation in forward(sheet):
        products = [place for place, term in enumerate(equation.terms) if len(term.arguments) == 2]
        for first, second in itertools.pairwise(products):
            terms = list(equation.terms)
            pairs = [_weight_and_input(sheet, terms[place]) for place in (first, second)]
            if None in pairs or terms[first].form is not terms[second].form:
                continue
            (weight, one), (other_weight, other) = (pair for pair in pairs if pair is not None)
            if one == other:
                continue
            terms[first] = _refilled(terms[first], {one: other})
            terms[second] = _refilled(terms[second], {other: one})
            if weight != other_weight:
                yield Site(equation.name, (ElementEquation(equation.name, tuple(terms)),), f"{first}")


def _weight_and_input(sheet: Worksheet, term: Term) -> tuple[str, str] | None:
    """Return the parameter of a product of two and what it multiplies, None for another term."""
    is_weight = [sheet.has_role(old(name), Role.PARAMETER) for name in term.arguments]
    if is_weight.count(True) != 1:
        return None
    place = is_weight.index(True)
    return term.arguments[place], term.arguments[1 - place]


def _refilled(term: Term, names: dict[str, str]) -> Term:
    return Term(term.form, tuple(names.get(name, name) for name in term.arguments))


def no_bias(sheet: Worksheet) -> Iterator[Site]:
    """Yield sums without their bias."""
    for equation, rest, _ in _biased(sheet):
        yield Site(equation.name, (ElementEquation(equation.name, rest),))


def bias_twice(sheet: Worksheet) -> Iterator[Site]:
    """Yield sums with their bias twice."""
    for equation, rest, bias in _biased(sheet):
        yield Site(equation.name, (ElementEquation(equation.name, (*rest, bias, bias)),))


def _biased(sheet: Worksheet) -> Iterator[tuple[ElementEquation, tuple[Term, ...], Term]]:
    """Yield sums that have a bias, with their other terms and it."""
    for equation in forward(sheet):
        if len(equation.terms) > 1 and not sheet.is_loss(equation.name):
            for place, term in enumerate(equation.terms):
                if len(term.arguments) == 1 and sheet.kind(term.arguments[0]) in BIASES:
                    yield equation, equation.terms[:place] + equation.terms[place + 1 :], term


def dropped_term(sheet: Worksheet) -> Iterator[Site]:
    """Yield sums without one of their products."""
    for equation in forward(sheet):
        for place, term in enumerate(equation.terms if len(equation.terms) > 1 else ()):
            if len(term.arguments) > 1 and not sheet.is_loss(equation.name):
                rest = equation.terms[:place] + equation.terms[place + 1 :]
                yield Site(equation.name, (ElementEquation(equation.name, rest),), f"{place}")


def no_activation(sheet: Worksheet) -> Iterator[Site]:
    """Yield values of units that are left as they were before the activation."""
    for equation, formula in _whole(sheet):
        if sheet.kind(equation.name) == "activation" and not isinstance(formula, Name):
            yield Site(equation.name, (of_terms(equation.name, Name(equation.terms[0].arguments[0])),))


def exponent_sign(sheet: Worksheet) -> Iterator[Site]:
    """Yield exponential functions, the sigmoid among them, with the other sign in the exponent."""

    def negated(part: Node) -> Node | None:
        if isinstance(part, Apply) and part.function in ("sigmoid", "exp"):
            (argument,) = part.arguments
            return replace(part, arguments=(Negative(argument),))
        return None

    yield from _rewritten(sheet, negated)


def logarithm_base(sheet: Worksheet) -> Iterator[Site]:
    """Yield natural logarithms taken to the base 10."""
    ten = Apply("ln", (Number(Fraction(10)),))

    def decadic(part: Node) -> Node | None:
        return Quotient(part, ten) if isinstance(part, Apply) and part.function == "ln" else None

    yield from _rewritten(sheet, decadic)


def degrees(sheet: Worksheet) -> Iterator[Site]:
    """Yield sines, cosines and tangents of degrees: the calculator was set to these."""
    degree = Quotient(Apply(CONSTANT, ()), Number(Fraction(180)))

    def in_degrees(part: Node) -> Node | None:
        if isinstance(part, Apply) and part.function in _ANGLES:
            (argument,) = part.arguments
            return replace(part, arguments=(Product((degree, argument)),))
        return None

    yield from _rewritten(sheet, in_degrees)


def _whole(sheet: Worksheet) -> Iterator[tuple[ElementEquation, Node]]:
    """Yield equations of one term, with its formula over keys."""
    for equation in forward(sheet):
        if len(equation.terms) == 1:
            yield equation, equation.terms[0].formula()


def _rewritten(sheet: Worksheet, change: Callable[[Node], Node | None]) -> Iterator[Site]:
    """Yield the equations in which some part is changed."""
    for equation in forward(sheet):
        terms = tuple(rewrite(term.formula(), change) for term in equation.terms)
        if any(new != term.formula() for new, term in zip(terms, equation.terms, strict=True)):
            yield Site(equation.name, (of_terms(equation.name, *terms),))
