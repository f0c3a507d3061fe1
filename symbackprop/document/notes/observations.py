"""What the numbers of a solution teach: saturated and silent units, vanishing gradients, a step past a minimum.

Each observation is computed from the numbers of the solution and made only where its condition holds; nothing is assumed
of a kind of problem. (Goodfellow, Bengio and Courville, Deep Learning, 2016, sections 4.3, 6.3 and 8.2; Nielsen, Neural
Networks and Deep Learning, 2015, chapter 5.)
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from fractions import Fraction

from symbackprop.algebra.formula import Name
from symbackprop.arithmetic import exact
from symbackprop.catalog.optimizers import RATE
from symbackprop.curvature.critical_points import CriticalPoint, Kind, critical_points
from symbackprop.descent.solution import Solution
from symbackprop.descent.update import trained
from symbackprop.document.calculation.numerals import Style, show, shown_about
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.display_nodes import Gradient
from symbackprop.errors import SymbackpropError
from symbackprop.evaluation.arithmetics import EXACT, Value
from symbackprop.evaluation.evaluate import Evaluation, Values
from symbackprop.graph.quantities import LayerArrays, Quantity
from symbackprop.messages import Message, message
from symbackprop.training import train

LARGEST_SLOPE = {"sigmoid": Fraction(1, 4), "tanh": Fraction(1)}
"""The largest derivative, at 0, of the activations that saturate on both sides."""

SATURATED = Fraction(1, 100)
"""The share of its largest derivative below which an activation is called saturated."""

VANISHED = 100
"""So many times smaller than those of the last layer, the gradients of the first are called small."""

NEAR = 1e-3
"""How near a parameter is to a minimum that it is said to have come to, relative to its size or to 1."""

_DIGITS = 3
"""Significant digits of an observation."""

_SPARE = 1e-9
"""A float that is compared with a bound lies at least this share of it away."""


def of_backward_pass(scene: Scene, values: Values) -> Iterator[Message]:
    """Yield what the gradients of a step show: units that pass next to nothing, gradients that shrink on the way back.

    Numbers that are rounded as by hand are not judged.
    """
    if not scene.derivation.graph.layers or scene.derivation.problem.notation.round_intermediates is not None:
        return
    for layer in scene.derivation.graph.layers:
        yield from _units(scene, layer, values)
    yield from _vanishing(scene, values)


def _units(scene: Scene, layer: LayerArrays, values: Values) -> Iterator[Message]:
    activation = scene.derivation.problem.network.layers[layer.number - 1].activation
    pairs = [
        (z, a)
        for z, a in zip(layer.pre_activation.elements(), layer.activation.elements(), strict=True)
        if _passes_slope(scene, z, a)
    ]
    if activation == "relu":
        silent = [a for z, a in pairs if all(exact.compare(values.value(z, n), Fraction(0)) < 0 for n in scene.samples)]
        if silent:
            yield message(f"observation.silent{_kind(scene)}", units=_names(silent))
    if activation in LARGEST_SLOPE:
        limit = LARGEST_SLOPE[activation] * SATURATED
        saturated = [
            a for _, a in pairs if all(_slope(activation, float(values.value(a, n))) < limit for n in scene.samples)
        ]
        if saturated:
            yield message(
                f"observation.saturated{_kind(scene)}",
                units=_names(saturated),
                limit=shown_about(limit, scene.style),
                largest=shown_about(LARGEST_SLOPE[activation], scene.style),
                factor=int(1 / SATURATED),
            )


def _passes_slope(scene: Scene, pre_activation: str, activation: str) -> bool:
    """Say whether the gradient by a pre-activation is that by its activation times the derivative of the function."""
    links = scene.derivation.links.get(pre_activation, ())
    return [link.source for link in links] == [activation]


def _slope(activation: str, value: float) -> float:
    """Return a bound, in floats, of the derivative of an activation with that value."""
    slope = value * (1 - value) if activation == "sigmoid" else 1 - value**2
    return slope * (1 + _SPARE)


def _kind(scene: Scene) -> str:
    """Return the end of the id of a phrase about all samples, "" without samples."""
    return "" if scene.derivation.graph.samples is None else "_batch"


def _names(names: list[str]) -> Message:
    """Return the names of some units, with commas between them; without a sample, for what is said holds in all."""
    return message("text.items", items=tuple(map(Name, names)))


def _vanishing(scene: Scene, values: Values) -> Iterator[Message]:
    layers = scene.derivation.graph.layers
    if len(layers) == 1:
        return
    first, last = (_largest(values, layer.weights) for layer in (layers[0], layers[-1]))
    if first[1] and last[1] > VANISHED * first[1] * (1 + _SPARE):
        yield message(
            "observation.vanishing",
            last=Gradient(last[0]),
            large=shown_about(values.gradient(last[0]), Style(_DIGITS)),
            first=Gradient(first[0]),
            small=shown_about(values.gradient(first[0]), Style(_DIGITS)),
        )


def _largest(values: Values, weights: Quantity) -> tuple[str, float]:
    """Return the weight with the largest gradient, and its size."""
    sizes = ((name, abs(float(values.gradient(name)))) for name in weights.elements())
    return max(sizes, key=lambda pair: pair[1])


def of_step(solution: Solution) -> Iterator[Message]:
    """Yield what the last step in full did to the loss and where many more of them lead.

    Nothing is said of a step that saw a part of the samples, that is rounded by hand, or that stood at a kink.
    """
    step, after = solution.steps[-1], solution.after
    is_rounded = solution.problem.notation.round_intermediates is not None
    if step.updated is None or after is None or step.batch is not None or is_rounded:
        return
    if not step.kinks:
        moves = {name: exact.add(new, exact.negate(step.values.value(name))) for name, new in step.updated.items()}
        yield from _predicted(solution, step.values, after, moves)
        yield from _overshot(solution, step.values, after, moves)
    yield from _far(solution)


def _predicted(solution: Solution, before: Values, after: Values, moves: Mapping[str, Value]) -> Iterator[Message]:
    """Yield the change of the loss to first order and the true one, unless the gradient predicts nothing."""
    output, style = solution.derivation.graph.output, Style(_DIGITS)
    products = (exact.multiply(before.gradient(name), moved) for name, moved in moves.items())
    predicted = functools.reduce(exact.add, products)
    true = exact.add(after.value(output), exact.negate(before.value(output)))
    if _sign(predicted) == 0:
        return
    words = {"loss": Name(output), "predicted": _change(predicted, style)}
    if show(predicted, style).numeral == show(true, style).numeral:
        yield message("observation.as_predicted", **words, digits=_DIGITS)
    else:
        yield message("observation.predicted", **words, change=_change(true, style))


def _change(by: Value, style: Style) -> Message:
    """Return a change in words: an increase or a decrease by its size."""
    size, kind = (by, "increase") if _sign(by) >= 0 else (exact.negate(by), "decrease")
    return message(f"change.{kind}", size=shown_about(size, style))


def _overshot(solution: Solution, before: Values, after: Values, moves: Mapping[str, Value]) -> Iterator[Message]:
    """Yield, where one number is learned, that the step went past a minimum.

    The loss fell at first in the direction of the step and rises at its end, and so, being continuous, it has a minimum
    between.
    """
    names = list(trained(solution.derivation))
    if len(names) != 1:
        return
    (name,) = names
    now = Evaluation.of(solution.derivation, EXACT).backward(after).gradient(name)
    if _sign(before.gradient(name)) * _sign(moves[name]) < 0 < _sign(now) * _sign(moves[name]):
        yield message("observation.overshot", it=Name(name), gradient=Gradient(name))


def _sign(value: Value) -> int:
    return exact.compare(value, Fraction(0))


def of_descent(solution: Solution) -> Iterator[Message]:
    """Yield, for a descent of one number that came near a minimum, whether another one is lower."""
    names = list(trained(solution.derivation))
    if len(names) != 1 or len(solution.losses) <= len(solution.steps) + 1:
        return
    (name,) = names
    try:
        points = critical_points(solution.problem)
    except SymbackpropError:
        return
    minima = points.of_kind(Kind.MINIMUM)
    reached = float(solution.final[name])
    near = [each for each in minima if abs(each.floats[name] - reached) <= NEAR * max(1.0, abs(reached))]
    lowest = min(minima, key=lambda each: float(each.loss), default=None)
    if len(near) != 1 or lowest is None or exact.compare(lowest.loss, near[0].loss) >= 0:
        return
    yield message(
        "observation.local_minimum",
        it=Name(name),
        loss=Name(solution.derivation.graph.output),
        **_place(solution, near[0], "here"),
        **_place(solution, lowest, "lowest"),
    )


def _place(solution: Solution, point: CriticalPoint, prefix: str) -> dict[str, object]:
    """Return where a point lies, and the loss there, under two keys."""
    (name,) = trained(solution.derivation)
    style = Style(solution.problem.notation.digits)
    return {prefix: shown_about(point.parameters[name], style), f"{prefix}_loss": shown_about(point.loss, style)}


MANY = 10_000
"""The end of the road: so many updates in all are made of a problem that works out one."""

_LEAST = 1e-20
"""A loss that is so small a share of the first one is what rounding left of it: its digits mean nothing."""

_MOST_NUMBERS = 100
"""Of more parameters the end of the road is not looked at."""


def _far(solution: Solution) -> Iterator[Message]:
    """Yield the loss after many updates like the one that is worked out, where that is soon computed and the loss falls.

    Nothing is said of a problem that states several steps, for it has a table of its own, nor where the loss rises or ends.
    """
    training, problem = solution.problem.training, solution.problem
    is_plain = training is not None and training.steps == len(solution.losses) - 1 == 1 and training.stop is None
    if not is_plain or training is None or training.settings[RATE].value <= 0 or training.update == "sequential":
        return
    numbers = sum(len(quantity.elements()) for quantity in solution.derivation.parameters) * (problem.samples or 1)
    if numbers > _MOST_NUMBERS:
        return
    try:
        loss = train(solution.derivation, steps=MANY).loss
    except SymbackpropError:
        return
    if loss < solution.losses[-1] < solution.losses[0]:
        words = {"count": MANY, "loss": Name(solution.derivation.graph.output)}
        if abs(loss) < _LEAST * abs(solution.losses[0]):
            yield message("observation.far_zero", **words)
        else:
            yield message("observation.far", **words, value=shown_about(loss, Style(_DIGITS)))
