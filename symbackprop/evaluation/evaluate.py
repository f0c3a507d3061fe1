"""Numbers along a derivation: forward values, then adjoints, exactly or in float64.

A term's form is run forwards, its partials backwards. Many products in a row are computed together, and the gradients by
weights when they are read: of a large problem a page shows few of them.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symbackprop.arithmetic.decimals import is_negligible, is_tiny
from symbackprop.arithmetic.exact import LARGEST_MAGNITUDE
from symbackprop.derivation import backprop
from symbackprop.derivation.backprop import Link, Links
from symbackprop.derivation.derivations import Derivation
from symbackprop.derivation.element_grain import ElementEquation, ElementGraph, Term
from symbackprop.errors import EvaluationError, MissingValueError, SymbackpropError
from symbackprop.evaluation.arithmetics import EXACT, Arithmetic, Value
from symbackprop.evaluation.lazy_mappings import OnDemand
from symbackprop.evaluation.pieces import LONG_SUM, Piece, Pieces, Place, Products, addends, factors, is_product
from symbackprop.graph.quantities import DATA_LOSS, PENALTY
from symbackprop.messages import message


@dataclass(frozen=True, slots=True)
class Values:
    """The numbers of one pass: forward values and gradients of the output, by code name, shared and per sample.

    Without a batch `samples` and `sample_gradients` are empty.
    """

    shared: Mapping[str, Value]
    samples: tuple[Mapping[str, Value], ...]
    gradients: Mapping[str, Value]
    sample_gradients: tuple[Mapping[str, Value], ...]

    def __repr__(self) -> str:
        return f"<Values of {len(self.shared)} shared quantities, {len(self.samples)} samples>"

    def value(self, name: str, sample: int | None = None) -> Value:
        """Return the value of a scalar, in sample `sample` (from 1) if it is batched."""
        return self.shared[name] if sample is None else self.samples[sample - 1][name]

    def gradient(self, name: str, sample: int | None = None) -> Value:
        """Return the gradient of the output by a scalar, zero where the output does not depend on it."""
        found = self.gradients if sample is None else self.sample_gradients[sample - 1]
        return found.get(name, Fraction(0))

    def numbers(self) -> Iterator[Value]:
        """Yield all numbers of the pass, values and gradients."""
        for each in (self.shared, *self.samples, self.gradients, *self.sample_gradients):
            yield from each.values()

    @property
    def has_negligible(self) -> bool:
        """Whether a number of the pass is so near to 0 that even its power of ten is too long to write."""
        firm = (each.known if isinstance(each, OnDemand) else each for each in (self.gradients, *self.sample_gradients))
        numbers = itertools.chain(*(each.values() for each in (self.shared, *self.samples, *firm)))
        # What waits is a sum of products of two of these, and a sum of numbers is no smaller than 50 digits of them.
        if not any(is_tiny(value, LARGEST_MAGNITUDE // 4) for value in numbers):
            return False
        return any(map(is_negligible, self.numbers()))

    def replaced(self, shared: Mapping[str, Value]) -> Values:
        """Return the forward values with some shared ones replaced, whatever was computed from them; without gradients."""
        samples = tuple({**sample, **shared} for sample in self.samples)
        return Values({**self.shared, **shared}, samples, {}, ())


class Evaluation:
    """Equations between scalars made ready for many passes in one arithmetic."""

    def __init__(
        self,
        elements: ElementGraph,
        arithmetic: Arithmetic,
        wanted: Iterable[str] | None = None,
        *,
        links: Callable[[], Links] | None = None,
        exact: frozenset[str] = frozenset(),
    ) -> None:
        """Prepare; `wanted` limits the gradients of leaves (what no equation defines) to those elements.

        `links` are those of the backward pass, found by a sweep unless given; gradients by what is `exact` are not settled.
        """
        self.elements, self.arithmetic = elements, arithmetic
        self.batched, self.output, self._adds = elements.batched, elements.output, elements.batch_axis.adds
        self._wanted = None if wanted is None else frozenset(wanted)
        self._given_links = links
        self._exact = exact
        self._prepared: dict[str, Pieces] = {}

    @classmethod
    def of(cls, derivation: Derivation, arithmetic: Arithmetic, wanted: Iterable[str] | None = None) -> Evaluation:
        """Return the evaluation of a derivation, backwards by the links that it has for this arithmetic."""
        # The contributions of the samples and parts to the loss are no results: a half, or 1/3, is not rounded as by hand.
        contributions = frozenset(
            quantity.name
            for quantity in derivation.graph.quantities.values()
            if derivation.graph.is_sample_loss(quantity) or quantity.kind in (DATA_LOSS, PENALTY)
        )

        def links() -> Links:
            return derivation.fused_links if arithmetic.fuses else derivation.links

        return cls(derivation.elements, arithmetic, wanted, links=links, exact=contributions)

    @functools.cached_property
    def _links(self) -> Links:
        return self._given_links() if self._given_links else backprop.sweep(self.elements)

    # Preparation

    @functools.cached_property
    def _forward(self) -> list[tuple[str, Pieces]]:
        return [
            (equation.name, self._pieces(equation.name, self._terms(equation))) for equation in self.elements.equations
        ]

    def _terms(self, equation: ElementEquation) -> tuple[Term, ...]:
        return (equation.fused,) if self.arithmetic.fuses and equation.fused else equation.terms

    def _pieces(self, name: str, steps: Sequence[Term | Link]) -> Pieces:
        """Return the terms of an equation, or the links of a quantity, ready to run; many products in a row as one piece."""
        if len(steps) < LONG_SUM or self.arithmetic.products is None:
            return [self._piece(name, step) for step in steps]
        found: list[Piece | Products] = []
        for multiplies, group in itertools.groupby(steps, is_product):
            run = list(group)
            if multiplies and len(run) >= LONG_SUM and not any(self._spans(name, step) for step in run):
                lefts, rights = zip(*map(factors, run), strict=True)
                found.append(Products(lefts, rights, isinstance(run[0], Link)))
            else:
                found += [self._piece(name, step) for step in run]
        return found

    def _spans(self, name: str, step: Term | Link) -> bool:
        """Say whether a term, or a link, is added over the samples."""
        return bool(self.batched) and self._adds(name, step.arguments if isinstance(step, Term) else step.read)

    def _piece(self, name: str, step: Term | Link) -> Piece:
        spans = self._spans(name, step)
        if isinstance(step, Term):
            return Piece(self.arithmetic.function(step.form.formula, step.form.arity), step.arguments, spans)
        term = step.term
        formula = term.form.partial(step.slot).formula(bool(term.values))
        function = self.arithmetic.function(formula, term.form.arity + len(term.values))
        return Piece(function, term.arguments + term.values, spans, step.source)

    @functools.cached_property
    def _names_swept(self) -> tuple[tuple[str, ...], Mapping[str, None]]:
        """What a backward pass gives the gradients by, in order; and those of them that can wait until they are read."""
        # What a fused loss leads past is a leaf of its own: no other gradient needs it.
        needed = {equation.name for equation in self.elements.equations}
        needed -= self.elements.bypassed if self.arithmetic.fuses else frozenset()
        wanted = self._wanted
        names = tuple(name for name in self._links.reached() if wanted is None or name in needed or name in wanted)
        if wanted is not None:
            return names, {}
        # A product of numbers has a value, whoever asks for it: what is only multiplied needs no pass of its own.
        divided = {
            name
            for equation in self.elements.equations
            for term in (*equation.terms, *([equation.fused] if equation.fused else []))
            if not term.form.multiplies
            for name in term.arguments
        }
        return names, dict.fromkeys(name for name in names if name not in needed and name not in divided)

    @property
    def swept(self) -> tuple[str, ...]:
        """The names of what a backward pass gives the gradients by, the output first."""
        return self.output, *self._names_swept[0]

    def _backward(self, name: str) -> Pieces:
        """Return the links of a quantity, ready to run."""
        if name not in self._prepared:
            self._prepared[name] = self._pieces(name, self._links[name])
        return self._prepared[name]

    def _single(self, name: str) -> Sequence[Piece]:
        """Return the links of a quantity as pieces of their own."""
        pieces = [piece for piece in self._backward(name) if isinstance(piece, Piece)]
        links = self._links[name]
        return pieces if len(pieces) == len(links) else [self._piece(name, link) for link in links]

    # Passes

    def forward(self, shared: Mapping[str, Value], data: Sequence[Mapping[str, Value]]) -> Values:
        """Return the forward values for shared leaves and, in a batch, the leaves of each sample."""
        values, samples = dict(shared), [{**shared, **sample} for sample in data]
        whole, each = Place(values, {}), [Place(sample, {}) for sample in samples]
        for name, pieces in self._forward:
            try:
                if name in self.batched:
                    for sample, place in zip(samples, each, strict=True):
                        sample[name] = self._total(pieces, place, each)
                    continue
                values[name] = self._total(pieces, whole, each)
            except EvaluationError as error:
                raise error.at(name) from None
            for sample in samples:
                sample[name] = values[name]
        return Values(values, tuple(samples), {}, ())

    def _total(self, pieces: Pieces, own: Place, each: Sequence[Place], *, settled: bool = True) -> Value:
        """Return the sum of some pieces in a place of their own."""
        total = functools.reduce(self.arithmetic.add, addends(pieces, own, each, self.arithmetic))
        return self.arithmetic.settle(total) if settled else total

    def local_derivatives(self, values: Mapping[str, Value]) -> dict[str, dict[str, Value]]:
        """Return the local derivatives at forward values without samples: by what is read, by what reads it.

        What is read comes after all that reads it, as in a backward pass.
        """
        add = self.arithmetic.add
        found: dict[str, dict[str, Value]] = {}
        for name in self._names_swept[0]:
            own = found[name] = {}
            for piece in self._single(name):
                slope = piece.run(values)
                own[piece.source] = add(own[piece.source], slope) if piece.source in own else slope
        return found

    def backward(self, found: Values) -> Values:
        """Return the values completed by the gradients of the output.

        Those by leaves that are only multiplied are computed when they are read.
        """
        one = self.arithmetic.convert(Fraction(1))
        whole = Place(found.shared, {self.output: one})
        each = [Place(values, {self.output: one}) for values in found.samples]
        names, waiting = self._names_swept
        for name in names:
            if name in waiting:
                continue
            if name in self.batched:
                for place in each:
                    place.gradients[name] = self._gradient(name, place, whole, each)
                continue
            value = self._gradient(name, whole, whole, each)
            for place in (whole, *each):
                place.gradients[name] = value

        def late(place: Place, name: str) -> Value:
            own = place if name in self.batched else whole
            return self._gradient(name, own, whole, each)

        if not waiting:
            return Values(found.shared, found.samples, whole.gradients, tuple(place.gradients for place in each))
        of_all = dict.fromkeys(name for name in waiting if name not in self.batched)
        shared = OnDemand(whole.gradients, of_all, functools.partial(late, whole))
        samples = (OnDemand(place.gradients, waiting, functools.partial(late, place)) for place in each)
        return Values(found.shared, found.samples, shared, tuple(samples))

    def _gradient(self, name: str, place: Place, whole: Place, each: Sequence[Place]) -> Value:
        """Return the gradient by a quantity in a place of its own, from the gradients above it."""
        pieces = self._backward(name)
        try:
            return self._total(pieces, place, each, settled=name not in self._exact)
        except EvaluationError as error:
            raise error.at(self._without_value(name, [whole, *each])) from None

    def _without_value(self, name: str, places: Sequence[Place]) -> str:
        """Return what has no value among the partials of a gradient, as messages name it."""
        for piece in self._single(name):
            for place in places:
                try:
                    piece.run(place.values)
                except EvaluationError:
                    return f"∂{piece.source}/∂{name}"
                except KeyError:  # a value of one sample
                    continue
        return name


def require_numbers(derivation: Derivation) -> None:
    """Raise `MissingValueError` naming every array that lacks a number, or every function that has no formula."""
    generic = derivation.problem.generic()
    if generic:
        raise MissingValueError(message("general.no_numbers", keys=list(generic)))
    missing = derivation.problem.missing()
    if missing:
        raise MissingValueError(message("problem.missing_values", names=list(missing)))


def leaves(derivation: Derivation, arithmetic: Arithmetic) -> tuple[dict[str, Value], tuple[dict[str, Value], ...]]:
    """Return the problem's own numbers: those that samples share, and those of each sample.

    Raises `MissingValueError` naming what has no value.
    """
    require_numbers(derivation)
    shared: dict[str, Value] = {}
    samples: tuple[dict[str, Value], ...] = tuple({} for each in derivation.graph.batch_axis.numbers if each)
    for sample, elements, givens in derivation.stated_arrays():
        numbers = [arithmetic.convert(given.value) for given in givens if given is not None]
        (shared if sample is None else samples[sample - 1]).update(zip(elements, numbers, strict=True))
    return shared, samples


def evaluate(derivation: Derivation, arithmetic: Arithmetic = EXACT) -> Values:
    """Return forward values and gradients at the problem's own numbers.

    >>> import symbackprop
    >>> values = evaluate(symbackprop.derive(symbackprop.example("line")))
    >>> values.value("L"), values.gradient("W1_1_1")
    (Fraction(1, 2), Fraction(-1, 1))

    Raises `MissingValueError` when a number is missing, `EvaluationError` where a formula has no finite value.
    """
    evaluation = Evaluation.of(derivation, arithmetic)
    return evaluation.backward(evaluation.forward(*leaves(derivation, arithmetic)))


def is_finite(number: float) -> bool:
    """Say whether a float is neither infinite nor NaN."""
    return number - number == 0.0


def not_finite(step: int, loss: float, where: str) -> SymbackpropError:
    """Return the error for a descent whose loss left the finite numbers at update `step`."""
    return EvaluationError(message("evaluation.diverged", step=step, loss=f"{loss:g}"), where=where)
