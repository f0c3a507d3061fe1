"""What is to be computed, before anyone says how: the equations and gradients of a derivation for a number of samples.

A plan has both grains, arrays and elements, and each is worked out when a backend asks for it. Where the loss and the
output activation are a usual pair, the loss is computed from the logits, and the gradient by them is the stated one: nothing
between them can overflow.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, TypeVar

from symbackprop.algebra import functions
from symbackprop.algebra.formula import (
    ONE,
    Adjoint,
    Apply,
    MatrixProduct,
    Name,
    Negative,
    Node,
    SampleCount,
    added,
    multiplied,
    negated,
    rewrite,
    walk,
)
from symbackprop.algebra.shapes import shape_of
from symbackprop.compilation.stable_logarithms import with_stable_logarithms
from symbackprop.derivation import backprop, matrix_grain
from symbackprop.derivation.backprop import Link
from symbackprop.derivation.derivations import Derivation, derive
from symbackprop.errors import ProblemError
from symbackprop.graph.batch_axis import Samples
from symbackprop.graph.quantities import Equation, FusedLoss, Graph, Quantity, Role
from symbackprop.messages import message
from symbackprop.problems import Array, Problem
from symbackprop.problems.numbers import stated
from symbackprop.registry import cached

Code = TypeVar("Code")

Assignment = tuple[Name | Adjoint, Node]
"""A value or a gradient, and the formula that gives it."""


@dataclass(frozen=True)
class Plan:
    """A derivation for some number of samples (None: one sample of a computation graph), and the number type.

    `wanted` names the quantities whose gradients are asked for. `fuses` says that the loss is computed from the logits where
    that is usual; without it every equation and every gradient is computed as the documents of the derivation show it.
    """

    derivation: Derivation
    dtype: str
    wanted: tuple[str, ...]
    fuses: bool = True
    _written: dict[object, Any] = field(default_factory=dict, compare=False, repr=False)

    def written(self, kind: object, write: Callable[[], Code]) -> Code:
        """Return the code of some kind for this plan, written when it is first asked for."""
        if kind not in self._written:
            self._written[kind] = write()
        found: Code = self._written[kind]
        return found

    @property
    def graph(self) -> Graph:
        """The equations between arrays."""
        return self.derivation.graph

    @property
    def parameters(self) -> tuple[Quantity, ...]:
        """The parameters in order."""
        return self.graph.of_role(Role.PARAMETER)

    @property
    def gradients(self) -> tuple[Quantity, ...]:
        """The quantities whose gradients are asked for, in the order in which code fills these in."""
        return tuple(self.graph.quantities[name] for name in self.wanted)

    @property
    def data(self) -> tuple[Quantity, ...]:
        """The inputs and targets in order."""
        return self.graph.of_role(Role.INPUT, Role.TARGET)

    @functools.cached_property
    def edges(self) -> int:
        """About how many numbers the forward pass reads, over all samples: the size that decides between engines."""
        count = 0
        for equation in self.graph.equations:
            repeated = len(self.graph.samples_of(self.graph.quantities[equation.name]))
            for part in walk(equation.formula):
                if isinstance(part, MatrixProduct):
                    left = math.prod(shape_of(part.left, self.graph.shapes, ""))
                    right = math.prod(shape_of(part.right, self.graph.shapes, "")[1:])
                    count += repeated * left * right
        numbers = sum(math.prod(each.shape) for each in self.graph.quantities.values())
        return count + numbers * self.graph.batch_axis.size

    # Between arrays

    @property
    def equations(self) -> tuple[Equation, ...]:
        """The equations in order of evaluation, the loss from the logits where the plan fuses."""
        return tuple(
            replace(equation, formula=self._of_distribution(equation.fused))
            if equation.fused is not None and self.fuses
            else equation
            for equation in self.graph.equations
        )

    def data_of(self, name: str) -> tuple[Quantity, ...]:
        """Return the inputs and targets that a quantity is computed from, in order."""
        formulas = {equation.name: equation.formula for equation in self.equations}

        def read(each: str) -> list[str]:
            return [part.name for part in walk(formulas[each]) if isinstance(part, Name)] if each in formulas else []

        needed = _needed(self.graph.quantities, [name], read)
        return tuple(quantity for quantity in self.data if quantity.name in needed)

    def _of_distribution(self, fused: FusedLoss) -> Node:
        """Return a loss from the logits; where its error takes the targets to sum to 1, so does the loss."""
        total = Apply("sum", (Name("y"),))
        sums_to_one = has_distribution(fused)
        return rewrite(fused.formula, lambda part: ONE if part == total and sums_to_one else None)

    @functools.cached_property
    def contributions(self) -> Mapping[str, tuple[tuple[str, Node], ...]]:
        """For each array that a wanted gradient leads through, the contributions to its gradient, from the output down."""
        passes_activation = not self.fuses and self.derivation.problem.notation.backward != "delta"
        found = matrix_grain.gradients(self.graph, fused=not passes_activation)

        def read(name: str) -> Iterator[str]:
            for _, formula in found[name]:
                yield from (part.name for part in walk(formula) if isinstance(part, Adjoint))

        needed = _needed(found, [name for name in self.wanted if name in found], read)
        return {name: found[name] for name in needed if name != self.graph.output}

    # Between elements

    def places(self, element: str) -> tuple[int | None, ...]:
        """Return the samples in which an element has a value of its own; (None,) for one that all share."""
        return self.derivation.elements.batch_axis.samples_of(element)

    def forward(self) -> Iterator[Assignment]:
        """Yield one assignment for every named number of the forward pass."""
        axis = self.derivation.elements.batch_axis
        for equation in self.derivation.elements.equations:
            terms = (equation.fused,) if equation.fused is not None and self.fuses else equation.terms
            for place in self.places(equation.name):
                found = [
                    self._in_sample(term.formula(), sample)
                    for term in terms
                    for sample in axis.spread(equation.name, term.arguments, place)
                ]
                yield Name(equation.name, place), added(tuple(found))

    @functools.cached_property
    def links(self) -> Mapping[str, tuple[Link, ...]]:
        """The links of every element; those of an activation that a fused loss leads past are the ones without it."""
        fused = self.derivation.fused_links if self.fuses else self.derivation.links
        bypassed = self.derivation.elements.bypassed
        if not bypassed.intersection(e for name in self.wanted for e in self.graph.quantities[name].elements()):
            return fused
        plain = backprop.sweep(self.derivation.elements, fused=False)
        return {name: plain[name] if name in bypassed else fused.get(name, ()) for name in plain}

    def backward(self) -> Iterator[Assignment]:
        """Yield one assignment for every named gradient that a wanted one needs, from the output down."""
        links, output = self.links, self.graph.output
        elements = {name: self.graph.quantities[name].elements() for name in self.wanted}
        wanted = [element for names in elements.values() for element in names if element in links]
        for element in _needed(links, wanted, lambda name: [link.source for link in links.get(name, ())]):
            if element == output:
                continue
            for place in self.places(element):
                terms = []
                for link in links[element]:
                    partial = link.partial()
                    upstream = () if link.source == output else (Adjoint(link.source),)
                    for sample in self.derivation.elements.batch_axis.spread(element, link.read, place):
                        terms.append(self._in_sample(_signed(upstream, partial), sample))
                yield Adjoint(element, place), added(tuple(terms))

    def _in_sample(self, node: Node, sample: int | None) -> Node:
        """Return a formula with the sample written to the names that have one."""
        batched = self.derivation.elements.batched

        def place(part: Node) -> Node | None:
            if isinstance(part, Name | Adjoint) and part.name in batched:
                return replace(part, sample=sample)
            return None

        return node if sample is None else rewrite(node, place)


def _signed(upstream: tuple[Node, ...], partial: Node) -> Node:
    """Return upstream gradient times partial, the sign of the partial in front."""
    if isinstance(partial, Negative):
        return negated(multiplied((*upstream, partial.operand)))
    return multiplied((*upstream, partial))


def has_distribution(fused: FusedLoss) -> bool:
    """Say whether a loss from the logits takes the targets of a sample to sum to 1, where it could do without."""
    return any(part == Apply("sum", (Name("y"),)) for part in walk(fused.formula)) and not any(
        isinstance(part, Apply) for part in walk(fused.error)
    )


def _needed(order: Iterable[str], wanted: Iterable[str], read: Callable[[str], Iterable[str]]) -> list[str]:
    """Return what the wanted gradients need, themselves included, in the given order; `read` names what each reads."""
    needed: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += read(name)
    return [name for name in order if name in needed]


_KEPT = 64
"""How many plans are kept, with the code that was written for them."""


@dataclass(frozen=True, slots=True)
class Structure:
    """What a problem is without its numbers: `text` says all of it that code depends on."""

    text: str
    problem: Problem = field(compare=False)


def plan(derivation: Derivation, samples: Samples, dtype: str, wanted: tuple[str, ...] | None = None) -> Plan:
    """Return the plan of a derivation's problem for a number of samples; the gradients wanted are those by parameters.

    A batch may have a symbol for its number of samples: then there is code between arrays that serves every number. Problems
    that differ in numbers only have one plan, for as long as it is among those that were asked for last.

    Raises `ProblemError` where a function of the problem is a symbol without a formula.
    """
    problem = _without_numbers(derivation, 1 if isinstance(samples, SampleCount) else samples)
    text = repr((problem.model, problem.layout, problem.notation, problem.arrays))
    return _plan(Structure(text, problem), samples, dtype, wanted)


def _without_numbers(derivation: Derivation, samples: int | None) -> Problem:
    """Return a problem with so many samples that has the same equations, and as few numbers as that takes.

    The equations take targets for distributions unless there are some that do not sum to 1, such as 0.
    """
    given, arrays = derivation.problem, {}
    if given.layers and not any(
        each.fused is not None and has_distribution(each.fused) for each in derivation.graph.equations
    ):
        units = given.layers[-1].units
        arrays = {"y": Array((units,), (stated(Fraction(0)),) * units)}
    return replace(
        given, arrays=arrays, samples=samples, training=None, initialization=None, variants={}, homework=None, titles={}
    )


@functools.partial(cached, most=_KEPT)
def _plan(structure: Structure, samples: Samples, dtype: str, wanted: tuple[str, ...] | None) -> Plan:
    of_any_size = isinstance(samples, SampleCount)
    found = derive(structure.problem, of_any_size=of_any_size)
    for equation in found.graph.equations:
        for part in walk(equation.formula):
            if isinstance(part, Apply) and functions.is_symbol(part):
                raise ProblemError(message("compilation.symbol", name=equation.name))
    asked = wanted or tuple(quantity.name for quantity in found.graph.of_role(Role.PARAMETER))
    if all(found.graph.quantities[name].role in (Role.PARAMETER, Role.INPUT) for name in asked):
        # Nobody asks for a gradient that leads through the probabilities themselves.
        found = Derivation(found.problem, with_stable_logarithms(found.graph))
    return Plan(found, dtype, asked if wanted is None else wanted)
