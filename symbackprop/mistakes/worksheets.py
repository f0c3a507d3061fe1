"""Where mistakes are made: the computation of a problem by hand, with what each of its lines is.

A site is one place of a mistake: the key under which people know it, and the equations that stand there instead.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from symbackprop.algebra.forms import abstracted
from symbackprop.algebra.formula import Apply, Name, Node, Slot, multiplied, rewrite
from symbackprop.algebra.functions import ACTIVATIONS
from symbackprop.arithmetic.exact import Exact
from symbackprop.by_hand import hand_computation
from symbackprop.by_hand.hand_computation import GRADIENT, NEW, PATH, HandComputation, Path, split
from symbackprop.catalog import optimizers
from symbackprop.derivation.derivations import Derivation
from symbackprop.derivation.element_grain import ElementEquation, Term
from symbackprop.graph.quantities import PENALTY, Quantity, Role
from symbackprop.graph.scalars import Scalar
from symbackprop.problems.training_table import initial_states

BIASES = ("bias", "threshold")


@dataclass(frozen=True, slots=True)
class Site:
    """One place of a mistake: the key under which it is known, what is computed there, and which form of the mistake it is.

    Sites of one `variant` may be changed together. What is only `written` so is a number on paper: nothing is computed from
    it.
    """

    at: str
    equations: tuple[ElementEquation, ...]
    variant: str = ""
    is_written: bool = False


@dataclass(frozen=True)
class Worksheet:
    """The computation of one problem, asked what its lines are."""

    computation: HandComputation

    @property
    def derivation(self) -> Derivation:
        """The derivation that is computed."""
        return self.computation.derivation

    @functools.cached_property
    def paths(self) -> tuple[Path, ...]:
        """The products of the backward pass."""
        return tuple(hand_computation.paths(self.derivation))

    @functools.cached_property
    def by_target(self) -> Mapping[str, tuple[Path, ...]]:
        """The products by the key of the gradient that they add up to."""
        found: dict[str, list[Path]] = {}
        for path in self.paths:
            found.setdefault(path.target, []).append(path)
        return {target: tuple(paths) for target, paths in found.items()}

    @functools.cached_property
    def positions(self) -> Mapping[str, int]:
        """The place of each equation in the order of computation."""
        return {equation.name: place for place, equation in enumerate(self.computation.equations)}

    def quantity(self, key: str) -> Quantity | None:
        """Return the array that a key is about, None for the learning rate."""
        name = split(key.partition(PATH)[0])[1].name
        return self.derivation.graph.quantity_of(name) if self.derivation.graph.has_element(name) else None

    def kind(self, key: str) -> str:
        """Return what kind of quantity a key is about, "" for none."""
        quantity = self.quantity(key)
        return "" if quantity is None else quantity.kind

    def has_role(self, key: str, *roles: Role) -> bool:
        """Say whether a key is about a quantity of one of the roles."""
        quantity = self.quantity(key)
        return quantity is not None and quantity.role in roles

    def is_loss(self, key: str) -> bool:
        """Say whether a key is about the output, or the loss of one sample."""
        name, graph = split(key)[1].name, self.derivation.graph
        return name == graph.output or graph.is_sample_loss(graph.quantity_of(name))

    def neighbours(self, key: str) -> tuple[str, ...]:
        """Return the keys of the elements of the array that a key is about, in its sample: the key itself among them."""
        prefix, (_, sample) = split(key)
        quantity = self.quantity(key)
        elements = () if quantity is None else quantity.elements()
        return tuple(f"{prefix}{Scalar(element, sample)}" for element in elements)

    def element(self, key: str, *numbers: str) -> str | None:
        """Return the key of another element of the array, in the sample of a key, None where there is none."""
        prefix, (name, sample) = split(key)
        other = self.derivation.graph.quantity_of(name).at(*numbers)
        return f"{prefix}{Scalar(other, sample)}" if self.derivation.graph.has_element(other) else None

    def numbers(self, key: str) -> tuple[str, ...]:
        """Return the numbers of the element that a key is about."""
        return self.derivation.graph.place_of(split(key)[1].name).numbers

    # Backwards

    def upstream(self, path: Path) -> str | None:
        """Return the key of the gradient that a product begins with, None for that of the output, which is 1."""
        return path.upstream(self.derivation)

    def partial(self, path: Path) -> Node:
        """Return the local partial of a product over keys."""
        return path.partial(self.derivation)

    def product(self, path: Path, *factors: Node) -> tuple[ElementEquation, ...]:
        """Return the equation of a product with other factors behind the upstream gradient."""
        upstream = self.upstream(path)
        return (path.equation((*(() if upstream is None else (Name(upstream),)), *factors)),)

    def position(self, path: Path) -> str:
        """Return which of the products of its gradient one is; the same for all where it is the only one."""
        products = self.by_target[path.target]
        return str(products.index(path)) if len(products) > 1 else ""

    def only(self, target: str, paths: tuple[Path, ...]) -> tuple[ElementEquation, ...]:
        """Return the equation of a gradient that adds some of its products alone."""
        return (hand_computation.sum_of(target, [path.key for path in paths]),)

    def activation(self, path: Path) -> Apply | None:
        """Return the activation of one unit, not linear, that a product has the derivative of, None for another product."""
        formula = path.link.term.form.formula
        if not isinstance(formula, Apply) or formula.arguments != (Slot(0),) or formula.function not in ACTIVATIONS:
            return None
        return None if ACTIVATIONS[formula.function].expression == "z" else formula

    def is_fused(self, path: Path) -> bool:
        """Say whether a product has the derivative of a loss by the argument of the output activation."""
        equation = self.derivation.equations[path.link.source]
        return equation.fused is not None and path.link.term is equation.fused

    def reads_penalty(self, path: Path) -> bool:
        """Say whether a product is the part of a penalty in a gradient."""
        return self.is_penalty(path.link.source)

    def is_penalty(self, key: str) -> bool:
        """Say whether a key is about a penalty."""
        return self.kind(key) == PENALTY

    def parameter_targets(self) -> Iterator[tuple[str, tuple[Path, ...]]]:
        """Yield the gradients by parameters with their products, without those of a penalty."""
        for target, paths in self.by_target.items():
            data = tuple(path for path in paths if not self.reads_penalty(path))
            if self.has_role(target, Role.PARAMETER) and data:
                yield target, data

    # The update

    @functools.cached_property
    def updated(self) -> tuple[str, ...]:
        """The code names of the elements of parameters that the update changes."""
        training = self.derivation.problem.training
        if training is None:
            return ()
        moving = (each for each in self.derivation.parameters if each.name not in training.frozen)
        return tuple(name for each in moving for name in each.elements() if name in self.derivation.links)

    def lines(self) -> tuple[optimizers.Line, ...]:
        """Return the assignments of the optimizer in the first update."""
        training = self.derivation.problem.training
        if training is None:
            return ()
        return optimizers.reduced(training.optimizer, training.zero, first=True)

    def all_lines(self) -> tuple[optimizers.Line, ...]:
        """Return the assignments of the optimizer as its row has them, with the settings that are 0."""
        training = self.derivation.problem.training
        return () if training is None else optimizers.lines(training.optimizer)

    def update(self, element: str, lines: tuple[optimizers.Line, ...]) -> tuple[ElementEquation, ...]:
        """Return the equations of the update of an element by other assignments."""
        training = self.derivation.problem.training
        if training is None:
            return ()
        return tuple(hand_computation.update_of(training, element, lines, self._states[element]))

    @property
    def has_states(self) -> bool:
        """Whether some state of the optimizer is not 0 before the first update."""
        return any(value != 0 for states in self._states.values() for value in states.values())

    @functools.cached_property
    def _states(self) -> Mapping[str, Mapping[str, Exact]]:
        """The states of the optimizer before the first update, by element and name."""
        training = self.derivation.problem.training
        found = (initial_states(training, each) for each in self.derivation.parameters) if training else ()
        return {element: first for each in found for element, first in each}


def reading(formula: Node, keys: Mapping[str, str]) -> Node:
    """Return a formula over keys that reads other keys."""
    return rewrite(formula, lambda part: Name(keys.get(part.name, part.name)) if isinstance(part, Name) else None)


def rescaled(equation: ElementEquation, factor: Node) -> ElementEquation:
    """Return an equation with every term times a factor."""
    return of_terms(equation.name, *(multiplied((factor, term.formula())) for term in equation.terms))


def of_terms(key: str, *terms: Node) -> ElementEquation:
    """Return the equation that adds formulas over keys."""
    return ElementEquation(key, tuple(Term(*abstracted(term)) for term in terms))


def forward(sheet: Worksheet) -> Iterator[ElementEquation]:
    """Yield the equations of the forward passes, that before the update and that after it."""
    for equation in sheet.computation.equations:
        quantity = None if equation.name.startswith(GRADIENT) else sheet.quantity(equation.name)
        if quantity is not None and quantity.role is not Role.PARAMETER:
            yield equation


def old(key: str) -> str:
    """Return the key of what a new value is the new value of."""
    return key.removeprefix(NEW)
