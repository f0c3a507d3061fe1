"""Numbers along a derivation: forward values, then adjoints, exactly or in float64.

`EXACT` keeps fractions and 50-digit floats (`arithmetic.exact`), `rounded(…)` rounds every named number of these as
by hand, `FLOAT` is float64. All run the same formulas: a term's form forwards, its partials backwards.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from symbackprop.algebra.forms import Form
from symbackprop.algebra.formula import Node, Slot
from symbackprop.arithmetic import decimals, exact
from symbackprop.arithmetic.floats import float_function
from symbackprop.derivation import backprop
from symbackprop.derivation.backprop import Link, Links
from symbackprop.derivation.derivations import Derivation
from symbackprop.derivation.element_grain import ElementEquation, ElementGraph, Term
from symbackprop.errors import EvaluationError, MissingValueError, SymbackpropError
from symbackprop.graph.quantities import DATA_LOSS, PENALTY
from symbackprop.graph.scalars import Scalar
from symbackprop.messages import message
from symbackprop.problems import Problem, Rounding

Value = Any
"""A number of the arithmetic in use: `Fraction` or 50-digit float, or `float`."""

NEAR_KINK = Fraction(1, 10**40)
"""Nearer to a kink than this, 50 digits do not say on which side a number is."""


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """How to compute: `convert` an exact number, `add`, `multiply`, make a `function` of a formula, `settle` a result.

    `fuses` says that a loss is computed from the logits where it can be: floats end where ln(1 − a) begins to matter.
    """

    convert: Callable[[Value], Value]
    add: Callable[[Value, Value], Value]
    multiply: Callable[[Value, Value], Value]
    function: Callable[[Node, int], Callable[..., Value]]
    settle: Callable[[Value], Value]
    fuses: bool = False


def _exact_function(formula: Node, arity: int) -> Callable[..., Value]:
    def function(*arguments: Value) -> Value:
        return exact.evaluate(formula, lambda part: arguments[part.index] if isinstance(part, Slot) else None)

    return function


EXACT = Arithmetic(lambda value: value, exact.add, exact.multiply, _exact_function, exact.settle)
FLOAT = Arithmetic(float, lambda a, b: a + b, lambda a, b: a * b, float_function, lambda value: value, fuses=True)


def rounded(policy: Rounding) -> Arithmetic:
    """Return exact arithmetic in which every named number is rounded when it is computed, halves to even.

    Only numbers with a name are: the terms of a sum are added as they are. Given numbers stay as they were written.

    >>> float(rounded(Rounding(2, significant=False)).settle(Fraction(1, 8)))
    0.12
    """
    return replace(EXACT, settle=functools.partial(to_decimal, policy))


_ORDINARY = 400
"""Binary digits before or after the point within which a 50-digit float is written out as a fraction to be rounded."""


def to_decimal(policy: Rounding, value: Value) -> Value:
    """Return an exact number rounded to decimals or significant digits, halves to even; a short one is a fraction.

    >>> to_decimal(Rounding(2, significant=True), Fraction(12500, 1001))
    Fraction(12, 1)
    """
    if value == 0:
        return Fraction(0)
    if not isinstance(value, Fraction):
        _, _, exponent, length = value._mpf_
        if not -_ORDINARY < exponent + length < _ORDINARY:
            # Far from one: digits that no tie is near; or a whole number, or 0.00….
            if policy.significant:
                return exact.settle(decimals.value_of(*decimals.nearest(value, policy.digits)[0]))
            return exact.to_real(value) if exponent + length > 0 else Fraction(0)
    number = decimals.to_fraction(value)
    return exact.settle(decimals.rounded(number, policy.digits) if policy.significant else round(number, policy.digits))


def arithmetic_of(problem: Problem) -> Arithmetic:
    """Return the arithmetic of a problem's worked steps: exact, and rounded as by hand where the problem asks for it."""
    policy = problem.notation.round_intermediates
    return EXACT if policy is None else rounded(policy)


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

    def replaced(self, shared: Mapping[str, Value]) -> Values:
        """Return the forward values with some shared ones replaced, whatever was computed from them; without gradients."""
        samples = tuple({**sample, **shared} for sample in self.samples)
        return Values({**self.shared, **shared}, samples, {}, ())


@dataclass(frozen=True, slots=True)
class _Piece:
    """A term (or a link's partial) ready to run; `spans` says that it is added over the samples."""

    function: Callable[..., Value]
    arguments: tuple[str, ...]
    spans: bool
    source: str = ""

    def run(self, values: Mapping[str, Value]) -> Value:
        return self.function(*[values[name] for name in self.arguments])


_Place = tuple[Mapping[str, Value], Mapping[str, Value]]
"""Where a piece is run: the forward values, and the gradients so far."""


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
        self._links = links or (lambda: backprop.sweep(elements))
        self._exact = exact

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
    def _forward(self) -> list[tuple[str, list[_Piece]]]:
        return [
            (equation.name, [self._term(equation.name, term) for term in self._terms(equation)])
            for equation in self.elements.equations
        ]

    @functools.cached_property
    def _backward(self) -> list[tuple[str, list[_Piece]]]:
        # What a fused loss leads past is a leaf of its own: no other gradient needs it.
        needed = {equation.name for equation in self.elements.equations}
        needed -= self.elements.bypassed if self.arithmetic.fuses else frozenset()
        return [
            (name, [self._link(name, link) for link in links])
            for name, links in self._links().items()
            if links and (self._wanted is None or name in needed or name in self._wanted)
        ]

    @property
    def swept(self) -> tuple[str, ...]:
        """The names of what a backward pass gives the gradients by, the output first."""
        return self.output, *(name for name, _ in self._backward)

    def _terms(self, equation: ElementEquation) -> tuple[Term, ...]:
        return (equation.fused,) if self.arithmetic.fuses and equation.fused else equation.terms

    def _term(self, name: str, term: Term) -> _Piece:
        function = self.arithmetic.function(term.form.formula, term.form.arity)
        return _Piece(function, term.arguments, self._adds(name, term.arguments))

    def _link(self, name: str, link: Link) -> _Piece:
        term = link.term
        formula = term.form.partial(link.slot).formula(bool(term.values))
        function = self.arithmetic.function(formula, term.form.arity + len(term.values))
        return _Piece(function, term.arguments + term.values, self._adds(name, link.read), link.source)

    def forward(self, shared: Mapping[str, Value], data: Sequence[Mapping[str, Value]]) -> Values:
        """Return the forward values for shared leaves and, in a batch, the leaves of each sample."""
        values, samples = dict(shared), [{**shared, **sample} for sample in data]
        add, settle = self.arithmetic.add, self.arithmetic.settle
        for name, pieces in self._forward:
            try:
                if name in self.batched:
                    for sample in samples:
                        sample[name] = settle(functools.reduce(add, [piece.run(sample) for piece in pieces]))
                    continue
                found: list[Value] = []
                for piece in pieces:
                    found += [piece.run(sample) for sample in samples] if piece.spans else [piece.run(values)]
                values[name] = settle(functools.reduce(add, found))
            except EvaluationError as error:
                raise error.at(name) from None
            for sample in samples:
                sample[name] = values[name]
        return Values(values, tuple(samples), {}, ())

    def local_derivatives(self, values: Mapping[str, Value]) -> dict[str, dict[str, Value]]:
        """Return the local derivatives at forward values without samples: by what is read, by what reads it.

        What is read comes after all that reads it, as in a backward pass.
        """
        add = self.arithmetic.add
        found: dict[str, dict[str, Value]] = {}
        for name, pieces in self._backward:
            own = found[name] = {}
            for piece in pieces:
                slope = piece.run(values)
                own[piece.source] = add(own[piece.source], slope) if piece.source in own else slope
        return found

    def backward(self, found: Values) -> Values:
        """Return the values completed by the gradients of the output."""
        one = self.arithmetic.convert(Fraction(1))
        shared: dict[str, Value] = {self.output: one}
        samples: list[dict[str, Value]] = [{self.output: one} for _ in found.samples]
        whole, each = [(found.shared, shared)], list(zip(found.samples, samples, strict=True))
        for name, pieces in self._backward:
            try:
                if name in self.batched:
                    for values, gradients in each:
                        gradients[name] = self._gradient(name, pieces, [(values, gradients)], each)
                    continue
                shared[name] = self._gradient(name, pieces, whole, each)
            except EvaluationError as error:
                raise error.at(_without_value(name, pieces, [*whole, *each])) from None
            for gradients in samples:
                gradients[name] = shared[name]
        return Values(found.shared, found.samples, shared, tuple(samples))

    def _gradient(self, name: str, pieces: list[_Piece], own: Sequence[_Place], each: Sequence[_Place]) -> Value:
        """Return the sum of the products of some pieces in a place of their own, or in each sample that they span."""
        multiply = self.arithmetic.multiply
        products = [
            multiply(above[piece.source], piece.run(values))
            for piece in pieces
            for values, above in (each if piece.spans else own)
        ]
        total = functools.reduce(self.arithmetic.add, products)
        return total if name in self._exact else self.arithmetic.settle(total)


def _without_value(name: str, pieces: Sequence[_Piece], places: Sequence[_Place]) -> str:
    """Return what has no value among the partials of a gradient, as messages name it."""
    for piece in pieces:
        for values, _ in places:
            try:
                piece.run(values)
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


def kinks(derivation: Derivation, values: Values, within: Fraction = NEAR_KINK) -> tuple[Scalar, ...]:
    """Return the scalars whose formula is at a kink (or closer to it than `within`) at these exact values, each once.

    Where a formula changes branch and its slopes on both sides are the same, as of relu(x)·relu(x) at 0, there is none.
    """
    found: list[Scalar] = []
    elements = derivation.elements
    for equation, term, sample in elements.instances():
        for kink in term.form.kinks:
            arguments = [values.value(*elements.place(name, sample)) for name in term.arguments]
            is_at = exact.compare(abs(_exact_function(kink, term.form.arity)(*arguments)), within) <= 0
            if is_at and _is_bent_or_ends(term.form, arguments):
                found.append(elements.place(equation.name, sample))
    return tuple(dict.fromkeys(found))


_BESIDE = Fraction(1, 10**20)
"""How far from a kink the slopes beside it are taken; where they differ by more than a thousand times that, it is one."""


def _is_bent_or_ends(form: Form, arguments: Sequence[Value]) -> bool:
    """Say whether a form has a kink at a place, or beside it no value."""
    try:
        return _is_bent(form, arguments)
    except EvaluationError:
        return True


def _is_bent(form: Form, arguments: Sequence[Value]) -> bool:
    """Say whether a form or its partials jump at a place, or are others there alone: those of max(a, min(a, b)) at a = b."""
    axes = [tuple(Fraction(n == slot) for n in range(form.arity)) for slot in range(form.arity)]
    slanted = tuple(Fraction((-1) ** n, n + 1) for n in range(form.arity))
    directions = (*axes, tuple(map(abs, slanted)), slanted, (Fraction(0),) * form.arity)
    partials = [form.partial(slot).formula(has_values=False) for slot in range(form.arity)]
    steepest = exact.to_real(Fraction(1))
    for formula in (*partials, form.formula):
        function = _exact_function(formula, form.arity)
        beside = [
            exact.to_real(
                function(*(exact.add(value, side * _BESIDE * part) for value, part in zip(arguments, by, strict=True)))
            )
            for by in directions
            for side in (-1, 1)
        ]
        steepest = max(steepest, *map(abs, beside))
        if max(beside) - min(beside) > 1000 * exact.to_real(_BESIDE) * (1 + steepest):
            return True
    return False


def is_finite(number: float) -> bool:
    """Say whether a float is neither infinite nor NaN."""
    return number - number == 0.0


def not_finite(step: int, loss: float, where: str) -> SymbackpropError:
    """Return the error for a descent whose loss left the finite numbers at update `step`."""
    return EvaluationError(message("evaluation.diverged", step=step, loss=f"{loss:g}"), where=where)
