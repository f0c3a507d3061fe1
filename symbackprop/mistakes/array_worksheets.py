"""The backward pass of arrays of any size: its contributions as formulas, run with some of them changed.

What is computed for all samples is an array whose first axis are the samples, as in compiled gradients.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy

from symbackprop.algebra.forms import form_of
from symbackprop.algebra.formula import Adjoint, Apply, Name, Node, Slot, added
from symbackprop.algebra.functions import ACTIVATIONS
from symbackprop.compilation.array_code import Writer
from symbackprop.compilation.array_engine import ArrayCode, Reentrant
from symbackprop.compilation.compiled_gradient import Gradient
from symbackprop.compilation.lowered import read_by
from symbackprop.compilation.plan import Plan
from symbackprop.graph.quantities import PENALTY, Equation, Quantity

Array = Any
LinkKey = tuple[str, str]
"""The name of a quantity, and of the equation through which something is added to the gradient by it."""
LinkFormulas = Mapping[LinkKey, Node]


@dataclass(frozen=True, slots=True)
class ArraySite:
    """One place of a mistake: the gradient (`at`, the name of a quantity) that is computed by other formulas there.

    Sites of one `variant` may be changed together.
    """

    at: str
    formulas: LinkFormulas
    variant: str = ""


@dataclass(frozen=True)
class ArrayWorksheet:
    """The arrays of one problem at some parameters and data: values of the forward pass, formulas of the backward pass."""

    gradient: Gradient
    parameters: Mapping[str, Array]
    data: tuple[Array, ...]
    samples: int | None

    @functools.cached_property
    def plan(self) -> Plan:
        """The plan of the backward pass."""
        return self.gradient.plan(self.samples)

    @functools.cached_property
    def _code(self) -> ArrayCode:
        return self.plan.written(Writer, lambda: ArrayCode(self.plan, Writer))

    @functools.cached_property
    def links(self) -> LinkFormulas:
        """What each equation adds to each gradient, from the output down."""
        found: dict[LinkKey, Node] = {}
        for target, each in self.plan.contributions.items():
            for source, formula in each:
                before = found.get((target, source))
                found[target, source] = formula if before is None else added((before, formula))
        return found

    @functools.cached_property
    def sources(self) -> Mapping[str, tuple[str, ...]]:
        """The equations that add something to each gradient, by the name of what it is by, from the output down."""
        return {
            target: tuple(dict.fromkeys(source for source, _ in each))
            for target, each in self.plan.contributions.items()
        }

    @functools.cached_property
    def equations(self) -> Mapping[str, Equation]:
        """The equations by name."""
        return {equation.name: equation for equation in self.plan.graph.equations}

    @functools.cached_property
    def values(self) -> Mapping[Node, Array]:
        """The numbers of the forward pass."""
        named = zip((each.name for each in self.plan.data), self.data, strict=True)
        found: dict[Node, Array] = {Name(name): array for name, array in (*self.parameters.items(), *named)}
        for equation in self.plan.equations:
            found[Name(equation.name)] = self.computed(equation.formula, Name(equation.name), "", found)
        return found

    @functools.cached_property
    def right(self) -> BackwardRun:
        """The right backward pass."""
        return BackwardRun(self, {})

    def computed(self, formula: Node, target: Name | Adjoint, source: str, known: Mapping[Node, Array]) -> Array:
        """Return the numbers of one formula: an equation's, or that of what the equation `source` adds to a gradient."""
        program = self._code.formula(formula, target, source)
        function = Reentrant(program, self.plan.dtype, self.plan.graph.batch_axis.size).made()
        with numpy.errstate(all="ignore"):
            return numpy.asarray(function(*(known[each] for each in read_by(formula))))

    def quantity(self, name: str) -> Quantity:
        """Return the quantity of a name."""
        return self.plan.graph.quantities[name]

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of the gradient by a quantity; that by one of all samples has a row for each."""
        quantity = self.quantity(name)
        return (*((self.samples or 1,) if quantity.batched else ()), *quantity.shape)

    # What a contribution is

    def is_loss(self, name: str) -> bool:
        """Say whether an equation is that of the output, or of the loss of each sample."""
        return name == self.plan.graph.output or self.plan.graph.is_sample_loss(self.quantity(name))

    def is_penalty(self, name: str) -> bool:
        """Say whether an equation is that of a penalty."""
        return self.quantity(name).kind == PENALTY

    def activations(self) -> Iterator[tuple[LinkKey, Apply]]:
        """Yield the contributions with the derivative of an activation of single units, not linear."""
        for target, source in self.links:
            formula = self.equations[source].formula
            if isinstance(formula, Apply) and formula.arguments == (Name(target),):
                row = ACTIVATIONS.get(formula.function)
                if row is not None and row.expression != "z" and Adjoint(source) in self.reads(target, source):
                    yield (target, source), formula

    def reads(self, target: str, source: str) -> tuple[Name | Adjoint, ...]:
        """Return the values and gradients that a contribution reads."""
        return read_by(self.links[target, source])

    def partial(self, formula: Apply) -> Node:
        """Return the derivative of an activation over its argument `Slot(0)`, in its plain form."""
        return form_of(replace(formula, arguments=(Slot(0),))).partial(0).plain


class CircularError(Exception):
    """A changed backward pass needs a gradient for itself."""


@dataclass
class BackwardRun:
    """A backward pass with other formulas for some contributions, and some gradients as they are `given`."""

    sheet: ArrayWorksheet
    formulas: LinkFormulas
    given: Mapping[str, Array] = field(default_factory=dict)
    _known: dict[str, Array] = field(default_factory=dict)
    _waiting: set[str] = field(default_factory=set)

    @functools.cached_property
    def affected(self) -> frozenset[str]:
        """The names of the quantities whose gradients may be others than the right ones."""
        found = {target for target, _ in self.formulas} | set(self.given)
        more = True
        while more:
            before = len(found)
            for target, source in self.sheet.links:
                reads = read_by(self._formula(target, source))
                if any(isinstance(each, Adjoint) and each.name in found for each in reads):
                    found.add(target)
            more = len(found) > before
        return frozenset(found)

    def of(self, name: str) -> Array:
        """Return the gradient by a quantity; raises `CircularError` where it is needed for itself."""
        if name in self.given:
            return self.given[name]
        return self.anew(name)

    def anew(self, name: str) -> Array:
        """Return the gradient by a quantity from those before it, be it given or not."""
        if self is not self.sheet.right and name not in self.affected:
            return self.sheet.right.of(name)
        if name not in self._known:
            if name in self._waiting:
                raise CircularError
            self._waiting.add(name)
            parts = [self._part(name, source) for source in self.sheet.sources.get(name, ())]
            self._waiting.discard(name)
            self._known[name] = (
                numpy.asarray(sum(parts[1:], parts[0])) if parts else numpy.zeros(self.sheet.shape(name))
            )
        return self._known[name]

    def _formula(self, target: str, source: str) -> Node:
        return self.formulas.get((target, source), self.sheet.links[target, source])

    def _part(self, target: str, source: str) -> Array:
        formula = self._formula(target, source)
        known: dict[Node, Array] = {
            each: self.of(each.name) if isinstance(each, Adjoint) else self.sheet.values[each]
            for each in read_by(formula)
        }
        found = self.sheet.computed(formula, Adjoint(target), source, known)
        is_alike = found.shape in (
            (),
            self.sheet.quantity(target).shape,
        )  # the same number everywhere, or in every sample
        return numpy.broadcast_to(found, self.sheet.shape(target)) if is_alike else found
