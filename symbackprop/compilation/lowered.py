"""The functions of a plan as operations between arrays: loss and gradients, one quantity, one update of the parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symbackprop.algebra.folding import folded
from symbackprop.algebra.formula import Adjoint, Name, Node, Number, rewrite, walk
from symbackprop.arithmetic.python_code import Spelled
from symbackprop.compilation.array_lowering import ArrayLowering
from symbackprop.compilation.identifiers import Identifiers
from symbackprop.compilation.operations import Operation, View
from symbackprop.compilation.optimizer_code import COUNT, GRADIENT, PARAMETER, RATE, UpdateCode
from symbackprop.compilation.plan import Plan
from symbackprop.graph.quantities import Quantity


@dataclass(frozen=True, slots=True, eq=False)
class Lowered:
    """A function: what it is called with, by identifiers, the lowering that holds its operations, and what it returns.

    `common` are names with formulas of scalars, to be computed beforehand; `passing` are arguments that nobody reads
    afterwards.
    """

    lowering: ArrayLowering
    arguments: tuple[str, ...]
    result: Node | None
    common: tuple[tuple[str, Node], ...] = ()
    passing: tuple[str, ...] = ()

    def operations(self) -> list[Operation]:
        """Return the operations that the result and the outputs need, in order."""
        return self.lowering.needed([self.result] if isinstance(self.result, View) else [])


def lowered_gradient(plan: Plan, reserved: frozenset[str]) -> Lowered:
    """Return loss and gradients, called with parameters, data and the gradients to fill in; `reserved` is no identifier."""
    lowering = _lowering(plan, reserved)
    _forward(lowering)
    outputs = {each.name: lowering.named(Adjoint(each.name)) for each in plan.gradients}
    without = {name: () for name in outputs if name not in plan.contributions}
    for name, contributions in {**plan.contributions, **without}.items():
        lowering.define_gradient(Adjoint(name), contributions, outputs.get(name))
    given = [lowering.named(Name(each.name)) for each in (*plan.parameters, *plan.data)]
    arguments = tuple(view.array for view in (*given, *outputs.values()))
    return Lowered(lowering, arguments, lowering.known[Name(plan.graph.output)])


def lowered_value(plan: Plan, reserved: frozenset[str], name: str, data: Sequence[Quantity]) -> Lowered:
    """Return a quantity, called with the parameters and some of the data."""
    lowering = _lowering(plan, reserved)
    _forward(lowering)
    arguments = tuple(lowering.identifiers.of(Name(each.name)) for each in (*plan.parameters, *data))
    return Lowered(lowering, arguments, lowering.known[Name(name)])


def lowered_formula(
    plan: Plan, reserved: frozenset[str], formula: Node, target: Name | Adjoint, source: str
) -> Lowered:
    """Return one formula, called with the values and the gradients that it reads (`read_by`).

    It is an equation's, or that of what the equation `source` adds to a gradient: then it is added over the samples where
    the gradient is.
    """
    lowering = ArrayLowering(plan, Identifiers(plan.derivation, reserved))
    for each in read_by(formula):
        lowering.known[each] = lowering.named(each)
    is_gradient = isinstance(target, Adjoint)
    value = (
        lowering.gradient(target.name, [(source, formula)]) if is_gradient else lowering.equation(target.name, formula)
    )
    result = value if isinstance(value, Number) else lowering.array(value, lowering.shape(formula))
    return Lowered(lowering, tuple(map(lowering.identifiers.of, read_by(formula))), result)


def read_by(formula: Node) -> tuple[Name | Adjoint, ...]:
    """Return the values and gradients that a formula reads, each once."""
    return tuple(dict.fromkeys(part for part in walk(formula) if isinstance(part, Name | Adjoint)))


def lowered_update(plan: Plan, reserved: frozenset[str], update: UpdateCode) -> Lowered:
    """Return an update, called with parameters, gradients, states, the learning rate and the number of the update."""
    lowering = _lowering(plan, reserved)
    identifiers = lowering.identifiers
    trained = [quantity for quantity in plan.parameters if quantity.name in update.trained]
    states = {
        (state, quantity.name): View(identifiers.fresh(f"{state}_{quantity.name}"), quantity.shape, False)
        for state in update.states
        for quantity in trained
    }
    common: dict[Node, Node] = {each: Spelled(each.name) for each in (COUNT, RATE)}
    before = []
    for name, formula in update.common:
        spelled = Spelled(identifiers.fresh(name))
        before.append((spelled.text, rewrite(formula, common.get)))
        common[Name(name)] = spelled
    for quantity in trained:
        places = common | {Name(state): states[state, quantity.name] for state in update.states}
        places[PARAMETER] = View(identifiers.of(Name(quantity.name)), quantity.shape, False)
        places[GRADIENT] = View(identifiers.of(Adjoint(quantity.name)), quantity.shape, False)
        for target, formula in update.lines:
            value, place = folded(rewrite(formula, places.get)), places.get(Name(target))
            if isinstance(place, View):
                lowering.outputs.add(place.array)
                lowering.write(value, place)
            else:
                places[Name(target)] = value
    arguments = [kind(quantity.name) for kind in (Name, Adjoint) for quantity in plan.parameters]
    given = [*map(identifiers.of, arguments), *(view.array for view in states.values()), RATE.name, COUNT.name]
    passing = [identifiers.of(Adjoint(quantity.name)) for quantity in trained]
    return Lowered(lowering, tuple(given), None, tuple(before), tuple(passing))


def _lowering(plan: Plan, reserved: frozenset[str]) -> ArrayLowering:
    lowering = ArrayLowering(plan, Identifiers(plan.derivation, reserved))
    for quantity in (*plan.parameters, *plan.data):
        lowering.given(quantity.name)
    return lowering


def _forward(lowering: ArrayLowering) -> None:
    for equation in lowering.plan.equations:
        lowering.define(Name(equation.name), equation.formula)
