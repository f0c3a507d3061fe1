"""Everything a student computes by hand, as equations: forward pass, gradients path by path, update, loss after it.

A derivation's equations are those of the forward pass, and its links those of the backward pass. Here the links become
equations too, with a name for every number that is written down on the way: one for each path's product, one for each
gradient, one for each new parameter. Samples are unrolled, so that a name is one number. As these are element equations
like any others, the reverse sweep itself says how a rounded intermediate moves an answer (`symbackprop.by_hand.tolerance`).

A quantity is known here by its key: `z1_2`, in sample 3 `z1_2@3`; `∂z1_2` is the gradient by it, `∂z1_2#1` the product along
its first path, `→W1_1_1` the new value of a parameter, `→W1_1_1~m` a state of the optimizer, or a part of its update, that
goes with it, and `→L` the loss after the update. What comes after several updates has as many arrows: `→∂z1_2` is a gradient
of the second step, `→→W1_1_1` a parameter after it.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from symbackprop.algebra.forms import abstracted, form_of
from symbackprop.algebra.formula import Name, Node, Number, Slot, fill, multiplied, rewrite
from symbackprop.arithmetic.exact import Exact
from symbackprop.catalog import optimizers
from symbackprop.catalog.optimizers import RATE
from symbackprop.derivation.backprop import Link
from symbackprop.derivation.derivations import Derivation
from symbackprop.derivation.element_grain import ElementEquation, ElementGraph, Term
from symbackprop.descent import epochs
from symbackprop.evaluation import evaluate
from symbackprop.evaluation.arithmetics import Arithmetic
from symbackprop.evaluation.evaluate import Evaluation
from symbackprop.graph.quantities import Role
from symbackprop.graph.scalars import Scalar
from symbackprop.problems import Training
from symbackprop.problems.training_table import initial_states

GRADIENT, NEW, PATH, LINE = "∂", "→", "#", "~"
_IDENTITY = form_of(Slot(0))


@dataclass(frozen=True)
class HandComputation:
    """The equations of one problem, in order of computation; `leaves` are the keys of what is given.

    `steps` is the number of passes back, each followed by an update where the problem has one.
    """

    derivation: Derivation
    equations: tuple[ElementEquation, ...]
    leaves: tuple[str, ...]
    steps: int = 1

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


def inlined(key: str, equations: Mapping[str, ElementEquation]) -> Node:
    """Return the right-hand side of a key, the products on its way and the lines of an update in place."""

    def opened(part: Node) -> Node | None:
        is_product = isinstance(part, Name) and part.name in equations and {PATH, LINE} & set(part.name)
        return inlined(part.name, equations) if is_product and isinstance(part, Name) else None

    return rewrite(equations[key].formula(), opened)


def hand_computation(derivation: Derivation, *, classroom: bool = True, steps: int = 1) -> HandComputation:
    """Return what is computed by hand along a derivation in so many steps, as equations.

    With `classroom` a derivative that teachers write by the value (σ′ = a(1 − a)) is taken in that form, else in the form
    that reads the argument: the same number, but not the same roundings.
    """
    equations: list[ElementEquation] = []
    training = derivation.problem.training
    for step in range(steps):
        prefix = NEW * step
        equations += [*_forward(derivation, prefix), *_backward(derivation, classroom, prefix)]
        if training is not None:
            equations += _update(derivation, training, step)
    if training is not None:
        equations += _forward(derivation, NEW * steps)
    defined = {equation.name for equation in equations}
    leaves = dict.fromkeys(name for name in names_read(equations) if name not in defined)
    return HandComputation(derivation, tuple(equations), tuple(leaves), steps)


def names_read(equations: Iterable[ElementEquation]) -> Iterator[str]:
    """Yield the names on the right-hand sides of equations."""
    for equation in equations:
        for term in equation.terms:
            yield from term.arguments


class KeyParts(NamedTuple):
    """A key taken apart: after how many updates, whether it is a gradient, of which scalar, which line of the update."""

    updates: int
    is_gradient: bool
    scalar: Scalar
    line: str = ""


def key_parts(key: str) -> KeyParts:
    """Return the parts of a key.

    >>> key_parts("→→W1_1_1~m"), key_parts("→∂z1_2@3").is_gradient
    (KeyParts(updates=2, is_gradient=False, scalar=Scalar(name='W1_1_1', sample=None), line='m'), True)
    """
    bare = key.lstrip(NEW)
    name, _, line = bare.removeprefix(GRADIENT).partition(LINE)
    return KeyParts(len(key) - len(bare), bare.startswith(GRADIENT), Scalar.read(name), line)


def gradient_key(key: str) -> str:
    """Return the key of the gradient by a quantity, in the same step.

    >>> gradient_key("z1_2@3"), gradient_key("→z1_2")
    ('∂z1_2@3', '→∂z1_2')
    """
    bare = key.lstrip(NEW)
    return f"{key[: len(key) - len(bare)]}{GRADIENT}{bare}"


def split(key: str) -> tuple[str, Scalar]:
    """Return the prefix of a key (a gradient, a new value, or nothing), and the scalar it is about.

    >>> split("∂z1_2@3")
    ('∂', Scalar(name='z1_2', sample=3))
    """
    updates, is_gradient, scalar, _ = key_parts(key)
    return GRADIENT if is_gradient else NEW if updates else "", scalar


def _renewed(derivation: Derivation) -> frozenset[str]:
    """Return the names of the scalars that are others after an update: parameters, and what is computed from them."""
    elements = (element for quantity in derivation.parameters for element in quantity.elements())
    return frozenset((*elements, *(equation.name for equation in derivation.elements.equations)))


def _forward(derivation: Derivation, prefix: str) -> Iterator[ElementEquation]:
    """Yield the forward pass; with the prefix of new values it reads the updated parameters and defines new values."""
    place_of, axis, renewed = derivation.elements.place, derivation.elements.batch_axis, _renewed(derivation)

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


def _backward(derivation: Derivation, classroom: bool, prefix: str) -> Iterator[ElementEquation]:
    """Yield, for each gradient, the product along each path and their sum."""
    for target, products in itertools.groupby(paths(derivation, prefix), lambda path: path.target):
        each = list(products)
        for path in each:
            yield path.equation(path.factors(derivation, classroom))
        if len(each) > 1:
            yield sum_of(target, [path.key for path in each])


@dataclass(frozen=True, slots=True)
class Path:
    """One product of the backward pass: what a link adds, in a sample, to the gradient with the key `target`.

    `key` is that of the product: the gradient's own where there is one path only. `renewed` are the names that have the
    `prefix` of the step.
    """

    key: str
    target: str
    link: Link
    sample: int | None
    prefix: str = ""
    renewed: frozenset[str] = frozenset()

    def upstream(self, derivation: Derivation) -> str | None:
        """Return the key of the gradient that the path begins with, None for the output, whose gradient is 1."""
        source = self.link.source
        place = derivation.elements.place(source, self.sample)
        return None if source == derivation.graph.output else f"{self.prefix}{GRADIENT}{place}"

    def partial(self, derivation: Derivation, classroom: bool = True) -> Node:
        """Return the local partial over keys."""
        term = self.link.term
        partial = term.form.partial(self.link.slot).formula(bool(term.values) and classroom)
        return fill(partial, tuple(map(Name, self.read(derivation))))

    def read(self, derivation: Derivation) -> tuple[str, ...]:
        """Return the keys of the arguments of the link's term, then those of its values."""
        term, place = self.link.term, derivation.elements.place
        return tuple(
            f"{self.prefix if name in self.renewed else ''}{place(name, self.sample)}"
            for name in (*term.arguments, *term.values)
        )

    def factors(self, derivation: Derivation, classroom: bool = True) -> tuple[Node, ...]:
        """Return upstream gradient, unless it is 1, and local partial."""
        upstream = self.upstream(derivation)
        return (*(() if upstream is None else (Name(upstream),)), self.partial(derivation, classroom))

    def equation(self, factors: tuple[Node, ...]) -> ElementEquation:
        """Return the equation that defines the product as that of some factors."""
        return ElementEquation(self.key, (Term(*abstracted(multiplied(factors))),))


def paths(derivation: Derivation, prefix: str = "") -> Iterator[Path]:
    """Yield the products of a backward pass, in order of computation, those of one gradient after another."""
    inputs = {e for quantity in derivation.graph.of_role(Role.INPUT, Role.TARGET) for e in quantity.elements()}
    renewed = _renewed(derivation) if prefix else frozenset()
    for name in derivation.links:
        if name == derivation.graph.output or name in inputs:
            continue
        for sample in derivation.elements.batch_axis.samples_of(name):
            target = f"{prefix}{GRADIENT}{Scalar(name, sample)}"
            found = list(derivation.contributions(name, sample))
            for number, (link, place) in enumerate(found, 1):
                key = target if len(found) == 1 else f"{target}{PATH}{number}"
                yield Path(key, target, link, place, prefix, renewed)


def sum_of(key: str, parts: Sequence[str]) -> ElementEquation:
    """Return the equation that adds numbers up."""
    return ElementEquation(key, tuple(Term(_IDENTITY, (part,)) for part in parts))


def _update(derivation: Derivation, training: Training, step: int) -> Iterator[ElementEquation]:
    """Yield an update (from 0) of every parameter: the optimizer's lines, the new value last; frozen ones stay."""
    prefix = NEW * step
    changes = epochs.changes(training, step + 1, derivation.problem.samples)
    if changes:
        yield ElementEquation(prefix + RATE, (Term(*abstracted(epochs.rate_formula(training, changes))),))
    lines = optimizers.reduced(training.optimizer, training.zero, first=step == 0)
    for quantity in derivation.parameters:
        for element, first in initial_states(training, quantity):
            if quantity.name in training.frozen or element not in derivation.links:
                yield sum_of(prefix + NEW + element, [prefix + element])
            else:
                rate = prefix + RATE if changes else RATE
                yield from update_of(training, element, lines, first, step, rate)


def update_of(
    training: Training,
    element: str,
    lines: Iterable[optimizers.Line],
    first: Mapping[str, Exact],
    step: int = 0,
    rate: str = RATE,
) -> Iterator[ElementEquation]:
    """Yield an update (from 0) of a parameter by the lines of an optimizer.

    `first` are the states before the first update, `rate` is the key of the learning rate.
    """
    old = NEW * step + element
    settings = {name: number.value for name, number in training.settings.items() if name != RATE}
    start = {**settings, "t": Fraction(step + 1)}
    known: dict[str, Node] = {name: Number(value) for name, value in start.items() if value is not None}
    known |= {"w": Name(old), "g": Name(gradient_key(old)), RATE: Name(rate)}
    known |= {state: Name(f"{old}{LINE}{state}") if step else _number(first[state]) for state in first}
    for target, formula in lines:
        key = f"{NEW}{old}" if target == "w" else f"{NEW}{old}{LINE}{target}"
        keyed = rewrite(formula, lambda part: _named(part, known))
        yield ElementEquation(key, (Term(*abstracted(keyed)),))
        known[target] = Name(key)


def _number(value: Exact) -> Node:
    """Return a constant of a formula; what is stated in `[training]` is rational."""
    assert isinstance(value, Fraction)
    return Number(value)


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


def given_numbers(derivation: Derivation, arithmetic: Arithmetic) -> dict[str, Any]:
    """Return the problem's own numbers by key: parameters, inputs and targets, the learning rate.

    Raises `MissingValueError` naming what has no value.
    """
    shared, samples = evaluate.leaves(derivation, arithmetic)
    found = dict(shared)
    for number, values in enumerate(samples, 1):
        found |= {str(Scalar(name, number)): value for name, value in values.items()}
    training = derivation.problem.training
    if training is not None:
        found[RATE] = arithmetic.convert(training.settings[RATE].value)
    return found
