"""Everything a student computes by hand, as equations: forward pass, gradients path by path, update, loss after it.

A derivation's equations are those of the forward pass, and its links those of the backward pass. Here the links become
equations too, with a name for every number that is written down on the way: one for each path's product, one for each
gradient, one for each new parameter. Samples are unrolled, so that a name is one number. As these are element equations
like any others, the reverse sweep itself says how a rounded intermediate moves an answer (`symbackprop.by_hand.tolerance`).

A quantity is known here by its key: `z1_2`, in sample 3 `z1_2@3`; `∂z1_2` is the gradient by it, `∂z1_2#1` the product along
its first path, `→W1_1_1` the new value of a parameter and `→L` the loss after the update.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from symbackprop.algebra.forms import abstracted, form_of
from symbackprop.algebra.formula import Name, Node, Number, Slot, fill, multiplied, rewrite
from symbackprop.catalog import optimizers
from symbackprop.catalog.optimizers import RATE
from symbackprop.derivation.backprop import Link
from symbackprop.derivation.derivations import Derivation
from symbackprop.derivation.element_grain import ElementEquation, ElementGraph, Term
from symbackprop.evaluation.evaluate import Arithmetic, Evaluation
from symbackprop.graph.quantities import Role
from symbackprop.graph.scalars import Scalar

GRADIENT, NEW, PATH = "∂", "→", "#"
_IDENTITY = form_of(Slot(0))


@dataclass(frozen=True)
class HandComputation:
    """The equations of one problem, in order of computation; `leaves` are the keys of what is given."""

    derivation: Derivation
    equations: tuple[ElementEquation, ...]
    leaves: tuple[str, ...]

    @functools.cached_property
    def by_key(self) -> Mapping[str, ElementEquation]:
        """The equations by the key each defines."""
        return {equation.name: equation for equation in self.equations}

    def cone(self, keys: Iterable[str], known: frozenset[str] = frozenset()) -> tuple[ElementEquation, ...]:
        """Return the equations that lead to the keys, in order, none for what is `known`."""
        wanted = set(keys)
        found = []
        for equation in reversed(self.equations):
            if equation.name in wanted and equation.name not in known:
                found.append(equation)
                wanted.update(names_read([equation]))
        return tuple(reversed(found))


def hand_computation(derivation: Derivation, *, classroom: bool = True) -> HandComputation:
    """Return what is computed by hand along a derivation, as equations.

    With `classroom` a derivative that teachers write by the value (σ′ = a(1 − a)) is taken in that form, else in the form
    that reads the argument: the same number, but not the same roundings.
    """
    equations = [*_forward(derivation, ""), *_backward(derivation, classroom)]
    if derivation.problem.training is not None:
        equations += _update(derivation)
        equations += _forward(derivation, NEW)
    defined = {equation.name for equation in equations}
    leaves = dict.fromkeys(name for name in names_read(equations) if name not in defined)
    return HandComputation(derivation, tuple(equations), tuple(leaves))


def names_read(equations: Iterable[ElementEquation]) -> Iterator[str]:
    """Yield the names on the right-hand sides of equations."""
    for equation in equations:
        for term in equation.terms:
            yield from term.arguments


def split(key: str) -> tuple[str, Scalar]:
    """Return the prefix of a key (a gradient, a new value, or nothing), and the scalar it is about.

    >>> split("∂z1_2@3")
    ('∂', Scalar(name='z1_2', sample=3))
    """
    prefix = key[:1] if key[:1] in (GRADIENT, NEW) else ""
    return prefix, Scalar.read(key[len(prefix) :])


def _forward(derivation: Derivation, prefix: str) -> Iterator[ElementEquation]:
    """Yield the forward pass; with the prefix of new values it reads the updated parameters and defines new values."""
    place_of, axis = derivation.elements.place, derivation.elements.batch_axis
    renewed = {equation.name for equation in derivation.elements.equations}
    renewed.update(element for quantity in derivation.parameters for element in quantity.elements())

    def renamed(names: tuple[str, ...], sample: int | None) -> tuple[str, ...]:
        return tuple(f"{prefix if name in renewed else ''}{place_of(name, sample)}" for name in names)

    for equation in derivation.elements.equations:
        for sample in axis.samples_of(equation.name):
            terms = tuple(
                Term(term.form, renamed(term.arguments, place), renamed(term.values, place))
                for term in equation.terms
                for place in axis.spread(equation.name, term.arguments, sample)
            )
            yield ElementEquation(f"{prefix}{Scalar(equation.name, sample)}", terms)


def _backward(derivation: Derivation, classroom: bool) -> Iterator[ElementEquation]:
    """Yield, for each gradient, the product along each path and their sum."""
    inputs = {e for quantity in derivation.graph.of_role(Role.INPUT, Role.TARGET) for e in quantity.elements()}
    for name in derivation.links:
        if name == derivation.graph.output or name in inputs:
            continue
        for sample in derivation.elements.batch_axis.samples_of(name):
            key = f"{GRADIENT}{Scalar(name, sample)}"
            products = [
                Term(*abstracted(_product(derivation, link, place, classroom)))
                for link, place in derivation.contributions(name, sample)
            ]
            if len(products) == 1:
                yield ElementEquation(key, tuple(products))
                continue
            paths = [f"{key}{PATH}{number}" for number in range(1, len(products) + 1)]
            for path, product in zip(paths, products, strict=True):
                yield ElementEquation(path, (product,))
            yield ElementEquation(key, tuple(Term(_IDENTITY, (path,)) for path in paths))


def _product(derivation: Derivation, link: Link, sample: int | None, classroom: bool) -> Node:
    """Return upstream gradient times local partial, over keys."""
    place, term = derivation.elements.place, link.term
    partial = term.form.partial(link.slot).formula(bool(term.values) and classroom)
    keyed = fill(partial, tuple(Name(str(place(name, sample))) for name in (*term.arguments, *term.values)))
    if link.source == derivation.graph.output:
        return keyed
    return multiplied((Name(f"{GRADIENT}{place(link.source, sample)}"), keyed))


def _update(derivation: Derivation) -> Iterator[ElementEquation]:
    """Yield the first update of every parameter: the optimizer's states, then the new value; frozen ones stay."""
    training = derivation.problem.training
    assert training is not None
    row = optimizers.OPTIMIZERS[training.optimizer]
    settings = {name: number.value for name, number in training.settings.items() if name != RATE}
    constants = {
        name: Number(value) for name, value in {**settings, **row.state, "t": Fraction(1)}.items() if value is not None
    }
    lines = optimizers.reduced(training.optimizer, training.zero, first=True)
    for quantity in derivation.parameters:
        for element in quantity.elements():
            if quantity.name in training.frozen or element not in derivation.links:
                yield ElementEquation(NEW + element, (Term(_IDENTITY, (element,)),))
                continue
            known: dict[str, Node] = {"w": Name(element), "g": Name(GRADIENT + element), **constants}
            for target, formula in lines:
                key = NEW + element if target == "w" else f"{NEW}{element}{PATH}{target}"
                keyed = rewrite(formula, lambda part, known=known: _named(part, known))  # type: ignore[misc]
                yield ElementEquation(key, (Term(*abstracted(keyed)),))
                known[target] = Name(key)


def _named(part: Node, known: Mapping[str, Node]) -> Node | None:
    return known.get(part.name) if isinstance(part, Name) else None


def evaluation(
    equations: Iterable[ElementEquation],
    arithmetic: Arithmetic,
    answer: str = "",
    wanted: Iterable[str] | None = None,
) -> Evaluation:
    """Return equations of a computation made ready to run; a backward pass begins at the answer.

    Its partials read arguments only: a value that a classroom form reads need not lead to the answer.
    """
    bare = tuple(
        equation._replace(terms=tuple(Term(term.form, term.arguments) for term in equation.terms))
        for equation in equations
    )
    return Evaluation(ElementGraph(bare, answer, frozenset(), None), arithmetic, wanted)
