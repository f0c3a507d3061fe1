"""The front end for dense networks: layers → quantities and equations. Nothing after it knows what a layer is.

Equations are written in the expression language, in the layout asked for: `z1 = W1 @ x + b1` for column vectors,
`z1 = x @ W1 + b1` for row vectors.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from symbackprop.algebra import expressions, functions
from symbackprop.algebra.formula import (
    ONE,
    Apply,
    Name,
    Node,
    Number,
    Power,
    Product,
    SampleCount,
    Slot,
    Sum,
    added,
    multiplied,
    per_sample,
    rewrite,
)
from symbackprop.algebra.shapes import opened, shape_of
from symbackprop.arithmetic import exact
from symbackprop.catalog import losses
from symbackprop.derivation.taking_apart import OWN_NESTED, TakingApart, free_letter, is_long, is_long_activation
from symbackprop.graph.batch_axis import Samples
from symbackprop.graph.notation import Conventions
from symbackprop.graph.quantities import DATA_LOSS, PENALTY, PIECE, Equation, FusedLoss, Graph, Quantity, Role
from symbackprop.graph.scalars import of_one_sample
from symbackprop.problems import Layer, Problem, Regularization
from symbackprop.problems.types import BIAS_KINDS, LOSS, UNITS, parameter_quantities, units_name


def graph_of(problem: Problem, samples: Samples) -> Graph:
    """Return the graph of a network problem over so many samples: z1, a1, …, and the loss `L`.

    With a batch, the loss of one sample is called `L@` and `L` is its sum or mean over the samples. With a penalty that is
    called `data_loss` instead, and `L` joins it and the `penalty`.
    """
    network = problem.network
    batched = samples is not None
    quantities = [Quantity("x", (network.inputs,), Role.INPUT, "input", 0, batched)]
    equations: list[Equation] = []
    previous, width = "x", network.inputs
    parameters = parameter_quantities(network, problem.layout)
    pieces = _Pieces(problem.notation, quantities, equations, batched)
    for number, (layer, own) in enumerate(zip(network.layers, parameters, strict=True), start=1):
        quantities += own
        z, a = (
            Quantity(units_name(letter, number), (layer.units,), Role.INTERMEDIATE, kind, number, batched)
            for letter, kind in zip(UNITS, ("pre_activation", "activation"), strict=True)
        )
        weights, *bias = own
        text = f"{weights.name} @ {previous}" if problem.layout == "column" else f"{previous} @ {weights.name}"
        for each in bias:
            text += f" {BIAS_KINDS[layer.bias][2]} {each.name}"
        known = [quantity.name for quantity in quantities]
        equations.append(Equation(z.name, expressions.parse(text, functions=(), names=known)))
        quantities.append(z)
        activated = _activated(number, layer, z.name, network.relu_derivative_at_zero)
        equations.append(Equation(a.name, pieces.of_activation(activated, number)))
        quantities.append(a)
        previous, width = a.name, layer.units
    quantities.append(Quantity("y", (width,), Role.TARGET, "target", len(network.layers), batched))
    loss = losses.formula(network.loss, network.loss_settings, network.loss_body)
    formula = pieces.of_loss(loss, previous, bool(network.loss_body))
    if batched:
        quantities.append(Quantity(of_one_sample(LOSS), (), Role.INTERMEDIATE, "loss", batched=True))
    if network.regularization is not None:
        quantities += [Quantity(name, (), Role.INTERMEDIATE, name) for name in (DATA_LOSS, PENALTY)]
    quantities.append(Quantity(LOSS, (), Role.OUTPUT, "loss"))
    equations += _loss_equations(problem, samples, previous, formula, [each for own in parameters for each in own])
    return Graph({quantity.name: quantity for quantity in quantities}, tuple(equations), LOSS, samples)


class _Pieces:
    """The pieces of long activations and losses of the user's own, as quantities with equations."""

    def __init__(
        self, conventions: Conventions, quantities: list[Quantity], equations: list[Equation], batched: bool
    ) -> None:
        self.quantities, self.equations, self.batched = quantities, equations, batched
        self._layer: int | None = None
        self._apart = TakingApart(self._define, free_letter(conventions.bases()))

    def of_activation(self, activated: Node, layer: int) -> Node:
        """Return the activation of a layer, over pieces where it is one of the user's own and long."""
        if not isinstance(activated, Apply) or not activated.body:
            return activated
        body = functions.expanded(activated)
        if body is None or not is_long_activation(body):
            return activated
        self._layer = layer
        return self._apart.taken_apart(body)

    def of_loss(self, loss: Node, prediction: str, is_own: bool) -> Node:
        """Return a loss over the quantities of the network, and over pieces where it is one of the user's own and long."""
        self._layer = None
        formula = _placed(loss, {"a": Name(prediction), "y": Name("y")})
        formula = opened(formula, {each.name: each.shape for each in self.quantities}, self._apart.piece)
        is_taken_apart = is_own and (is_long(formula) or functions.nested_activations(formula) > OWN_NESTED)
        return self._apart.taken_apart(formula) if is_taken_apart else formula

    def _define(self, name: str, formula: Node) -> None:
        shape = shape_of(formula, {each.name: each.shape for each in self.quantities}, "")
        self.quantities.append(Quantity(name, shape, Role.INTERMEDIATE, PIECE, self._layer, self.batched))
        self.equations.append(Equation(name, formula))


def _activated(number: int, layer: Layer, argument: str, at_kink: Fraction) -> Node:
    applied = Apply(layer.activation, (Name(argument),), at_kink, settings=layer.settings, body=layer.body)
    if functions.is_symbol(applied):
        return replace(applied, settings=(("layer", Fraction(number)),))
    return Name(argument) if functions.definition(applied) == Slot(0) else applied


def _loss_equations(
    problem: Problem, samples: Samples, prediction: str, formula: Node, parameters: list[Quantity]
) -> list[Equation]:
    network = problem.network
    places = {"a": Name(prediction), "y": Name("y")}
    whole = LOSS if network.regularization is None else DATA_LOSS
    fused = _fused(problem, prediction)
    stated_derivative = None if network.loss_body else losses.stated_derivative(network.loss, network.loss_settings)
    stated_derivatives = () if stated_derivative is None else ((prediction, _placed(stated_derivative, places)),)
    if samples is None:
        found = [Equation(whole, formula, fused, stated_derivatives)]
    else:
        # Reading a batched quantity outside the batch adds it over the samples (symbackprop.graph.batch_axis).
        one = of_one_sample(LOSS)
        total: Node = Name(one)
        if network.reduction == "mean" and samples != 1:
            total = Product((per_sample(Fraction(1), samples), total))
        found = [Equation(one, formula, fused, stated_derivatives), Equation(whole, total)]
    if network.regularization is not None:
        found.append(Equation(PENALTY, penalty(network.regularization, parameters, samples or 1)))
        found.append(Equation(LOSS, _penalised(network.regularization)))
    return found


def _fused(problem: Problem, prediction: str) -> FusedLoss | None:
    """Return the loss from the logits, where loss and output activation are a usual pair.

    The targets of a loss between distributions sum to 1 unless numbers that do not are given.
    """
    network = problem.network
    last = network.layers[-1]
    if network.loss_body or last.body or (functions.is_vector(last.activation) and last.units == 1):
        return None
    given = problem.arrays["y"].entries if "y" in problem.arrays else ()
    targets = [given[start : start + last.units] for start in range(0, len(given), last.units)]
    is_distribution = all(
        None in one or functools.reduce(exact.add, [each.value for each in one if each], Fraction(0)) == 1
        for one in targets
    )
    found = losses.fused(network.loss, last.activation, distribution=is_distribution)
    if found is None:
        return None
    logits = units_name(UNITS[0], len(network.layers))
    places = {"z": Name(logits), "a": Name(prediction), "y": Name("y")}
    return FusedLoss(prediction, logits, _placed(found.loss, places), _placed(found.error, places))


def _placed(formula: Node, places: Mapping[str, Node]) -> Node:
    """Return a formula of a loss over the quantities of the network."""
    return rewrite(formula, lambda part: places[part.name] if isinstance(part, Name) else None)


def penalty(choice: Regularization, parameters: Sequence[Quantity], samples: int | SampleCount) -> Node:
    """Return the penalty on the weights of a network of these parameters, in the form chosen (`Regularization`).

    Constant factors stand one inside the other, λ times ½ times the sum, so that each stays as it was stated.
    """
    penalised = [each for each in parameters if each.kind == "weight" or choice.biases]
    square = Number(Fraction(2))
    parts = []
    if choice.l2 is not None:
        factors = {"half": Number(Fraction(1, 2)), "half_mean": per_sample(Fraction(1, 2), samples)}
        total = _total([Power(Name(each.name), square) for each in penalised], penalised)
        parts.append(_weighted(choice, choice.l2, factors.get(choice.form, ONE), total))
    if choice.l1 is not None:
        factors = {"half_mean": per_sample(Fraction(1), samples)}
        total = _total([Apply("abs", (Name(each.name),)) for each in penalised], penalised)
        parts.append(_weighted(choice, choice.l1, factors.get(choice.form, ONE), total))
    return added(tuple(parts))


def _total(parts: list[Node], quantities: list[Quantity]) -> Node:
    """Return the sum of all elements of the parts, each in the shape of its quantity."""
    pairs = zip(parts, quantities, strict=True)
    return added(tuple(Apply("sum", (part,)) if each.shape else part for part, each in pairs))


def _weighted(choice: Regularization, strength: Fraction, factor: Node, total: Node) -> Node:
    if choice.form == "convex":
        return total
    return Product((Number(strength), multiplied((factor, total))))


def _penalised(choice: Regularization) -> Node:
    """Return the loss with its penalty: their sum, or λ of the one and 1 − λ of the other."""
    data, extra = Name(DATA_LOSS), Name(PENALTY)
    if choice.form != "convex":
        return Sum((data, extra))
    strength = choice.l1 if choice.l2 is None else choice.l2
    assert strength is not None
    return Sum((Product((Number(strength), data)), Product((Number(1 - strength), extra))))
