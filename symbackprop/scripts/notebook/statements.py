"""Python code that recomputes the numbers of a worked solution, one statement for every number, by the names it has there.

Each statement computes the formula that the document shows for its number, in the order of the document and with nothing
joined. Only where float64 would lose that number in this formula (an exponential that overflows, ln(1 − a) with an a next to
1) does a stable form of it stand instead, the one that compiled code runs; the cell says so.
"""

from __future__ import annotations

import builtins
import functools
import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from symbackprop.algebra import functions
from symbackprop.algebra.folding import folded
from symbackprop.algebra.formula import ONE, Adjoint, Apply, Name, Node, rewrite, walk
from symbackprop.arithmetic import exact
from symbackprop.arithmetic.python_code import MATH, SCALARS, Spelled, printed
from symbackprop.compilation import optimizer_code
from symbackprop.compilation.optimizer_code import UpdateCode
from symbackprop.compilation.plan import Assignment, plan
from symbackprop.compilation.scalar_code import Straight
from symbackprop.descent.solution import DescentStep, Solution, solve
from symbackprop.descent.update import trained
from symbackprop.evaluation.arithmetics import Value
from symbackprop.evaluation.evaluate import Values

MOST_NAMED = 80
"""A longer table of names helps nobody to find one."""

MOST_STATEMENTS = 1500
"""Code with more statements helps nobody to follow a number."""

_OWN = """np plt inf check gradient descend first_update updates update names position name above below difference
gradient_by"""
RESERVED = frozenset((*_OWN.split(), *MATH, *dir(builtins)))
"""What the notebook calls things of its own, and Python its functions; a quantity of such a name gets an underscore."""

RTOL, ATOL = "1e-9", "1e-12"
"""How near a number of the code is to the solution's, as the code writes it."""

LOSS_KINDS = ("loss", "data_loss", "penalty")
"""The kinds of quantity that the section on the loss computes."""


@dataclass(frozen=True, slots=True)
class Part:
    """Statements, and the values they should give, by name; those in `stable` compute another formula than is shown."""

    statements: tuple[str, ...]
    expected: Mapping[str, float]
    stable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeName:
    """A scalar of a graph in a sample, its name in the code, and that of the gradient by it ("" for none)."""

    element: str
    sample: int | None
    name: str
    gradient: str


class Listing(Straight):
    """The code of one step of a solution."""

    def __init__(self, solution: Solution, step: DescentStep) -> None:
        """Make the listing of a step whose numbers are not rounded on their way."""
        self.solution, self.step = solution, step
        graph = step.derivation.graph
        wanted = tuple(quantity.name for quantity in solution.derivation.parameters)
        self._stable = plan(step.derivation, graph.samples, "float64", wanted)
        super().__init__(replace(self._stable, fuses=False), RESERVED)
        self.known = {Adjoint(graph.output): ONE}
        self._substitutes: dict[Node, Node] = {}
        self._new: dict[str, str] = {}

    @property
    def size(self) -> int:
        """The number of statements of both passes."""
        return sum(1 for _ in (*self.plan.forward(), *self.plan.backward()))

    def given(self) -> Iterator[str]:
        """Yield the numbers of the problem: parameters, then inputs and targets of each sample."""
        for name in self.parameters:
            yield f"{self.identifiers.of(name)} = {float(self._value(name))!r}"
        yield from self.data()

    def names(self) -> Iterator[CodeName]:
        """Yield what scalars of the first sample are called in the code; of a large problem the first of each array."""
        computed = {target for target, _ in self.plan.backward()}
        quantities = self.plan.graph.quantities.values()
        most = None if sum(len(quantity.elements()) for quantity in quantities) <= MOST_NAMED else 1
        for element in (element for quantity in quantities for element in quantity.elements()[:most]):
            place = self.plan.places(element)[0]
            adjoint = Adjoint(element, place)
            gradient = self.identifiers.of(adjoint) if adjoint in computed else ""
            yield CodeName(element, place, self.identifiers.of(Name(element, place)), gradient)

    def data(self) -> Iterator[str]:
        """Yield the inputs and targets of the step's samples."""
        for quantity in self.plan.data:
            for element in quantity.elements():
                for place in self.plan.places(element):
                    name = Name(element, place)
                    yield f"{self.identifiers.of(name)} = {float(self._value(name))!r}"

    def forward(self, *, loss: bool | None = None) -> list[Part]:
        """Return the forward pass, layer by layer; `loss` asks for the equations of the loss alone, or for all but these."""
        found = []
        for target, formula in self.plan.forward():
            if loss is None or loss == (self.plan.graph.quantity_of(target.name).kind in LOSS_KINDS):
                found.append((target, formula))
        return self._parts(found)

    def backward(self) -> list[Part]:
        """Return the backward pass, layer by layer."""
        return self._parts(self.plan.backward())

    def _parts(self, assignments: Iterable[Assignment]) -> list[Part]:
        """Return statements layer by layer; what belongs to none is one part."""
        layers: dict[int, list[Assignment]] = {}
        for target, formula in assignments:
            layers.setdefault(self._layer(target.name), []).append((target, formula))
        return [self._part(self._in_reading_order(own)) for own in layers.values()]

    def _in_reading_order(self, assignments: Sequence[Assignment]) -> list[Assignment]:
        """Return assignments with the elements of each array together and in order, none before what it reads."""
        order = {element: place for place, element in enumerate(self.plan.graph.elements())}
        groups: dict[tuple[type, str, int | None], int] = {}
        keys = []
        for target, _ in assignments:
            array = self.plan.graph.quantity_of(target.name).name
            keys.append((groups.setdefault((type(target), array, target.sample), len(groups)), order[target.name]))
        places = {target: place for place, (target, _) in enumerate(assignments)}
        reads = [{places[part] for part in walk(formula) if part in places} for _, formula in assignments]
        readers: list[list[int]] = [[] for _ in assignments]
        for place, needed in enumerate(reads):
            for other in needed:
                readers[other].append(place)
        ready = [(keys[place], place) for place, needed in enumerate(reads) if not needed]
        heapq.heapify(ready)
        found = []
        while ready:
            _, place = heapq.heappop(ready)
            found.append(assignments[place])
            for reader in readers[place]:
                reads[reader].remove(place)
                if not reads[reader]:
                    heapq.heappush(ready, (keys[reader], reader))
        return found

    @functools.cached_property
    def update(self) -> Part:
        """The update of every parameter that changes.

        In a sequential one a layer is updated with its part of the backward pass, once more through the parameters that
        are new already; what that gives is no gradient and has names of its own.
        """
        assert self.step.change is not None
        passes, backward = self.step.change.passes, list(self.plan.backward())
        if not passes:
            return self._updated(self._trained)
        parts = []
        for layer in sorted({self._layer(name.name) for name in self._trained} | set(passes), reverse=True):
            if layer in passes:
                own = [line for line in backward if self._layer(line[0].name) == layer]
                parts.append(self._substituted(own, passes[layer]))
            parts.append(self._updated([name for name in self._trained if self._layer(name.name) == layer]))
        statements = tuple(line for part in parts for line in part.statements)
        return Part(statements, {name: value for part in parts for name, value in part.expected.items()})

    def _substituted(self, assignments: Iterable[Assignment], seen: Values) -> Part:
        """Return what stands in place of some gradients, from the values of a pass."""
        statements, expected = [], {}
        for target, formula in assignments:
            text = self._text(shown(rewrite(rewrite(formula, self._substitutes.get), self.known.get)))
            name = self.identifiers.fresh(f"{self.identifiers.of(target)}_tilde")
            self._substitutes[target] = Spelled(name)
            statements.append(f"{name} = {text}")
            expected[name] = float(seen.gradient(target.name, target.sample))
        return Part(tuple(statements), expected)

    def _gradient(self, parameter: Name) -> Node:
        found = super()._gradient(parameter)
        return self._substitutes.get(found, found)

    def states(self) -> Iterator[str]:
        """Yield the states of the optimizer before the first update."""
        change = self.step.change
        if change is not None:
            for (state, name), identifier in self._state_names.items():
                yield f"{identifier} = {float(change.states[name.name][state])!r}"

    @functools.cached_property
    def _trained(self) -> tuple[Name, ...]:
        return tuple(Name(element) for element in trained(self.solution.derivation))

    @functools.cached_property
    def _rule(self) -> UpdateCode:
        assert self.step.change is not None
        return optimizer_lines(self.solution, first=self.step.change.number == 1)

    @functools.cached_property
    def _state_names(self) -> Mapping[tuple[str, Name], str]:
        return {
            (state, name): self.identifiers.fresh(f"{state}_{name.name}")
            for state in self._rule.states
            for name in self._trained
        }

    def _assigned(self, place: Node) -> Node:
        """Return a name of its own for what an update changes: a cell that is run again finds the numbers before it."""
        text = self._text(place)
        if text not in self._carried:
            return place
        if text not in self._new:
            self._new[text] = self.identifiers.fresh(f"new_{text}")
        return Spelled(self._new[text])

    @functools.cached_property
    def _carried(self) -> frozenset[str]:
        """The parameters and the states of the optimizer, which one update hands to the next."""
        return frozenset((*map(self.identifiers.of, self._trained), *self._state_names.values()))

    def taken(self) -> list[str]:
        """Return the lines that put what the update has found in place of what there was."""
        return [f"{text} = {new}" for text, new in self._new.items()]

    def _updated(self, names: Sequence[Name]) -> Part:
        change = self.step.change
        assert change is not None
        statements = [f"t, learning_rate = {change.number}, {float(change.learning_rate)!r}"]
        statements += self._updates(self._rule, names, self._state_names)
        new: dict[Node, Node] = {name: self._assigned(name) for name in names}
        self._substitutes |= new
        return Part(tuple(statements), {self._text(new[name]): float(change.new[name.name]) for name in names})

    def _part(self, assignments: Iterable[Assignment]) -> Part:
        statements, expected, stable = [], {}, []
        for target, formula in assignments:
            name, value, whole = self.identifiers.of(target), float(self._value(target)), shown(self._known(formula))
            text = self._text(whole)
            if not self._holds(text, whole, value):
                text = super()._text(functions.stable_form(self._known(self._stably.get(target, formula))))
                stable.append(name)
            statements.append(f"{name} = {text}")
            expected[name] = value
        return Part(tuple(statements), expected, tuple(stable))

    def _known(self, formula: Node) -> Node:
        return folded(rewrite(formula, self.known.get))

    def _text(self, formula: Node) -> str:
        """Return a formula as it is written: ln(1 + u) is no function of its own."""
        return printed(formula, self._leaf, SCALARS)

    @functools.cached_property
    def _stably(self) -> Mapping[Name | Adjoint, Node]:
        """The formulas of compiled code for the numbers of both passes."""
        return dict((*self._stable.forward(), *self._stable.backward()))

    def _holds(self, text: str, formula: Node, value: float) -> bool:
        """Say whether an expression has the value of its formula in float64, at the solution's own numbers."""
        read = {part for part in walk(formula) if isinstance(part, Name | Adjoint)}
        space: dict[str, object] = {self.identifiers.of(part): float(self._value(part)) for part in read}
        try:
            found = eval(text, {**SCALARS.namespace, **space})
        except (ArithmeticError, ValueError):
            return False
        return bool(abs(found - value) <= (float(RTOL) * abs(value) + float(ATOL)) / 10)

    def _value(self, target: Name | Adjoint) -> Value:
        if isinstance(target, Name):
            return self.step.values.value(target.name, target.sample)
        return self.step.values.gradient(target.name, target.sample)

    def _layer(self, element: str) -> int:
        return self.plan.graph.quantity_of(element).layer or 0


def shown(formula: Node) -> Node:
    """Return a formula as a document shows it: every activation by what it stands for, constants joined."""

    def expression(part: Node) -> Node | None:
        body = functions.expanded(part) if isinstance(part, Apply) and part.function != "step" else None
        return None if body is None else shown(body)

    return folded(rewrite(formula, expression))


def optimizer_lines(solution: Solution, *, first: bool) -> UpdateCode:
    """Return the lines of a problem's optimizer for the first update, or for a later one."""
    training = solution.problem.training
    assert training is not None
    settings = {name: exact.to_fraction_of_float(given.value) for name, given in training.settings.items()}
    names = tuple(q.name for q in solution.derivation.parameters if q.name not in training.frozen)
    return optimizer_code.update(training.optimizer, settings, names, first=first)


def unrounded(solution: Solution) -> Solution:
    """Return the solution without the rounding by hand that its problem may ask for."""
    problem = solution.problem
    if problem.notation.round_intermediates is None:
        return solution
    free = replace(problem, notation=replace(problem.notation, round_intermediates=None))
    return solve(free, steps=len(solution.losses) - 1, full_steps=len(solution.steps))
