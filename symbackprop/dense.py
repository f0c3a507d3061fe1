"""The front end for dense networks: layers → quantities and equations. Nothing after it knows what a layer is.

Equations are written in the expression language, in the layout asked for: `z1 = W1 @ x + b1` for column vectors,
`z1 = x @ W1 + b1` for row vectors.
"""

from __future__ import annotations

from fractions import Fraction

from symbackprop import expressions, functions, losses
from symbackprop.formula import Apply, Name, Node, Number, Product, Slot, rewrite
from symbackprop.graph import Equation, Graph, Quantity, Role
from symbackprop.problems import Layer, Problem

BIAS_KINDS = {"per_unit": ("b", "bias", "+"), "shared": ("b", "bias", "+"), "threshold": ("theta", "threshold", "-")}
"""Kind of bias → letter of the parameter, its kind in notation, its sign in the equation."""


def graph_of(problem: Problem) -> Graph:
    """Return the graph of a network problem: z1, a1, …, and the loss `L`.

    With a batch, the loss of one sample is called `L@` and `L` is its sum or mean over the samples.
    """
    network = problem.network
    batched = problem.samples is not None
    quantities = [Quantity("x", (network.inputs,), Role.INPUT, "input", 0, batched)]
    equations: list[Equation] = []
    previous, width = "x", network.inputs
    for number, layer in enumerate(network.layers, start=1):
        parameters = parameter_quantities(number, layer, width, problem.layout)
        quantities += parameters
        z = Quantity(f"z{number}", (layer.units,), Role.INTERMEDIATE, "pre_activation", number, batched)
        a = Quantity(f"a{number}", (layer.units,), Role.INTERMEDIATE, "activation", number, batched)
        quantities += [z, a]
        text = f"W{number} @ {previous}" if problem.layout == "column" else f"{previous} @ W{number}"
        if len(parameters) == 2:
            text += f" {BIAS_KINDS[layer.bias][2]} {parameters[1].name}"
        known = [quantity.name for quantity in quantities]
        equations.append(Equation(z.name, expressions.parse(text, functions=(), names=known)))
        equations.append(Equation(a.name, _activated(layer, z.name, network.relu_derivative_at_zero)))
        previous, width = a.name, layer.units
    quantities.append(Quantity("y", (width,), Role.TARGET, "target", len(network.layers), batched))
    quantities += _loss_quantities(batched)
    equations += _loss_equations(problem, previous)
    return Graph({quantity.name: quantity for quantity in quantities}, tuple(equations), "L", problem.samples)


def parameter_quantities(number: int, layer: Layer, width: int, layout: str) -> list[Quantity]:
    """Return the weight matrix of layer `number` (from 1) over `width` inputs, and its bias or threshold, if any."""
    transposed = layout == "row"
    shape = (width, layer.units) if transposed else (layer.units, width)
    found = [Quantity(f"W{number}", shape, Role.PARAMETER, "weight", number, transposed=transposed)]
    if layer.bias != "none":
        letter, kind, _ = BIAS_KINDS[layer.bias]
        bias_shape = () if layer.bias == "shared" else (layer.units,)
        found.append(Quantity(f"{letter}{number}", bias_shape, Role.PARAMETER, kind, number))
    return found


def _activated(layer: Layer, argument: str, at_kink: Fraction) -> Node:
    if functions.definition(layer.activation, 1, at_kink) == Slot(0):
        return Name(argument)
    return Apply(layer.activation, (Name(argument),), at_kink)


def _loss_quantities(batched: bool) -> list[Quantity]:
    whole = Quantity("L", (), Role.OUTPUT, "loss")
    return [Quantity("L@", (), Role.INTERMEDIATE, "loss", batched=True), whole] if batched else [whole]


def _loss_equations(problem: Problem, prediction: str) -> list[Equation]:
    places = {"a": Name(prediction), "y": Name("y")}
    formula = rewrite(
        losses.formula(problem.network.loss), lambda part: places[part.name] if isinstance(part, Name) else None
    )
    if problem.samples is None:
        return [Equation("L", formula)]
    # Reading a batched quantity outside the batch adds it over the samples (symbackprop.graph).
    total: Node = Name("L@")
    if problem.network.reduction == "mean" and problem.samples > 1:
        total = Product((Number(Fraction(1, problem.samples)), total))
    return [Equation("L@", formula), Equation("L", total)]
