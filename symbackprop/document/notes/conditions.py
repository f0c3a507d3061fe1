"""A displayed line of a solution, and what can be said of it: the conditions that choose its explanations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from symbackprop.algebra import functions
from symbackprop.algebra.formula import Adjoint, Name, Node, Number, names, walk
from symbackprop.algebra.functions import has_step
from symbackprop.derivation.backprop import Link
from symbackprop.document.blocks import Chain
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.display_nodes import AllSamples, Delta, Gradient
from symbackprop.graph.quantities import Quantity, Role
from symbackprop.problems import Training
from symbackprop.problems.types import Layer, Network


@dataclass(frozen=True, slots=True)
class DisplayedLine:
    """A displayed chain: the scene it is written from, and the part of the solution in which it stands.

    `area` is `forward`, `backward`, `matrix` (gradients between arrays) or `update`.
    """

    scene: Scene
    chain: Chain
    area: str

    @property
    def name(self) -> str:
        """The code name of what the line finds, "" for a state of an optimizer."""
        return self.chain.name

    @property
    def sample(self) -> int | None:
        """The sample of what the line finds."""
        found: int | None = getattr(self.chain.left, "sample", None)
        return found

    @property
    def symbol(self) -> Node:
        """What the line finds, or has found the gradient by."""
        return Name(self.name, self.sample)

    @property
    def quantity(self) -> Quantity:
        """The array that it belongs to."""
        return self.scene.notation.quantity(self.name)

    @property
    def is_network(self) -> bool:
        """Whether the problem has layers."""
        return bool(self.scene.derivation.graph.layers)

    @property
    def network(self) -> Network:
        """The network of the problem, if it has layers."""
        return self.scene.derivation.problem.network

    @property
    def layer(self) -> Layer:
        """The layer of the problem that the quantity belongs to."""
        return self.network.layers[(self.quantity.layer or 1) - 1]

    @property
    def is_last(self) -> bool:
        """Whether the quantity belongs to the output layer."""
        return self.quantity.layer == self.scene.notation.depth

    @property
    def links(self) -> tuple[Link, ...]:
        """The links of the gradient by the quantity."""
        return self.scene.derivation.links.get(self.name, ())

    @property
    def training(self) -> Training | None:
        """How the problem descends, if it does."""
        return self.scene.derivation.problem.training

    @property
    def through_delta(self) -> bool:
        """Whether the backward pass goes through δ."""
        return self.scene.notation.conventions.backward == "delta"

    def in_sample(self, formula: Node) -> Node:
        """Return a formula with its names in the sample of the line."""
        return self.scene.in_sample(formula, self.sample)

    def sources(self, kind: str) -> tuple[Link, ...]:
        """Return the links of the gradient whose source is of a kind."""
        return tuple(link for link in self.links if self.scene.notation.quantity(link.source).kind == kind)


Condition = Callable[[DisplayedLine], bool]


def every(*conditions: Condition) -> Condition:
    """Return the condition that all of some conditions hold; each is asked only where those before it do."""
    return lambda line: all(condition(line) for condition in conditions)


def no(condition: Condition) -> Condition:
    """Return the opposite of a condition."""
    return lambda line: not condition(line)


def within(*areas: str) -> Condition:
    """Return whether a line stands in one of some areas."""
    return lambda line: line.area in areas


def of_kind(*kinds: str) -> Condition:
    """Return whether a line of a network finds, or differentiates by, a quantity of one of some kinds."""
    return lambda line: line.is_network and bool(line.name) and line.quantity.kind in kinds


def has_bias(*kinds: str) -> Condition:
    """Return whether the layer has one of some sorts of bias."""
    return lambda line: line.layer.bias in kinds


def is_own_activation(line: DisplayedLine) -> bool:
    """Say whether the layer has an activation of the user's own."""
    return bool(line.layer.body)


def is_loss_of_data(line: DisplayedLine) -> bool:
    """Say whether a line finds the loss that compares outputs with targets, of one sample or without samples."""
    return line.name in line.scene.derivation.equations and any(
        line.scene.notation.quantity(name).kind == "target"
        for term in line.scene.derivation.equations[line.name].terms
        for name in term.arguments
    )


def adds_samples(line: DisplayedLine) -> bool:
    """Say whether a line joins the losses of the samples."""
    graph, equation = line.scene.derivation.graph, line.scene.derivation.equations.get(line.name)
    return graph.joins_samples and equation is not None and graph.sample_loss in names(equation.formula())


def reduces_by(kind: str) -> Condition:
    """Return whether several samples are joined by their `mean` or `sum`."""

    def holds(line: DisplayedLine) -> bool:
        problem = line.scene.derivation.problem
        return problem.model.reduction == kind and len(line.scene.samples) > 1

    return holds


def crosses_samples(line: DisplayedLine) -> bool:
    """Say whether a gradient adds over several samples."""
    return len(line.scene.samples) > 1 and line.scene.derivation.crosses_samples(line.name)


def is_fused(line: DisplayedLine) -> bool:
    """Say whether the gradient is that of a loss together with its output activation."""
    equations = line.scene.derivation.equations
    return any(link.term is equations[link.source].fused for link in line.links)


def has_derivative(line: DisplayedLine) -> bool:
    """Say whether a unit's pre-activation leads to the unit's own activation alone."""
    return not is_fused(line) and len(line.sources("activation")) == len(line.links) == 1


def is_linear(line: DisplayedLine) -> bool:
    """Say whether the first partial of a gradient is a constant."""
    return bool(line.links) and isinstance(line.links[0].partial(), Number)


def is_bent(line: DisplayedLine) -> bool:
    """Say whether the layer has an activation of the registry that works unit by unit and is no straight line."""
    if line.layer.body:
        return False
    row = functions.ACTIVATIONS[line.layer.activation]
    return row.expression not in ("", "z")


def derivative_by_value(line: DisplayedLine) -> bool:
    """Say whether the derivative is written by the value of the activation alone."""
    (link,) = line.links
    return set(names(link.partial())) == {link.source}


def is_branched(line: DisplayedLine) -> bool:
    """Say whether the one partial of a gradient is put together from pieces."""
    (link,) = line.links
    return has_step(link.partial()) and not line.layer.body


def has_several_paths(line: DisplayedLine) -> bool:
    """Say whether a gradient is a sum over paths."""
    return len(line.links) > 1


def is_fork(line: DisplayedLine) -> bool:
    """Say whether a gradient is printed as a sum over several equations that read the quantity."""
    return len({link.source for link in line.links}) > 1


def is_shared(line: DisplayedLine) -> bool:
    """Say whether a bias serves several units."""
    return len(line.sources("pre_activation")) > 1


def has_negative_delta(line: DisplayedLine) -> bool:
    """Say whether errors are negatives of gradients."""
    return line.scene.notation.negative_delta


def has_rows(line: DisplayedLine) -> bool:
    """Say whether samples are rows."""
    return line.scene.is_row


def has_several_outputs(line: DisplayedLine) -> bool:
    """Say whether the output layer has several units."""
    return len(line.scene.derivation.graph.targets) > 1


def has_several_parameters(line: DisplayedLine) -> bool:
    """Say whether the problem has several numbers to learn."""
    return sum(len(quantity.elements()) for quantity in line.scene.derivation.parameters) > 1


def leads_to_square(line: DisplayedLine) -> bool:
    """Say whether the layer after that of the quantity has a square matrix of weights, and not of a single number."""
    rows, columns = line.scene.derivation.graph.layers[line.quantity.layer or 0].weights.shape
    return bool(rows == columns > 1)


def contains(*types: type[Node]) -> Condition:
    """Return whether the formulas of a line have a part of one of some types."""
    return lambda line: any(isinstance(part, types) for step in line.chain.steps for part in walk(step.formula))


def trains(line: DisplayedLine) -> bool:
    """Say whether a line belongs to an update."""
    return line.area == "update" and line.training is not None


def trains_with(asks: Callable[[Training], Any]) -> Condition:
    """Return whether a line belongs to an update of which something holds."""
    return lambda line: trains(line) and line.training is not None and bool(asks(line.training))


def decays(training: Training) -> bool:
    """Say whether there is a weight decay."""
    return "weight_decay" in training.settings and "weight_decay" not in training.zero


def is_gradient(line: DisplayedLine) -> bool:
    """Say whether a line finds a gradient, of one sample or of all."""
    left = line.chain.left
    return isinstance(left.body if isinstance(left, AllSamples) else left, Adjoint | Delta | Gradient)


def is_parameter(line: DisplayedLine) -> bool:
    """Say whether a line is about a parameter."""
    return bool(line.name) and line.quantity.role is Role.PARAMETER
