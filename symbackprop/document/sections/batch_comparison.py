"""The gradient over all samples, over one and over a mini-batch, side by side, in the problem's own loss and letters."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from fractions import Fraction

from symbackprop.algebra.formula import (
    ONE,
    Name,
    Negative,
    Node,
    Number,
    Product,
    Quotient,
    Sum,
    multiplied,
    names,
    rewrite,
)
from symbackprop.document.blocks import Block, Chain, ChainStep, Display, Paragraph, Relation, Section
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.display_nodes import Letter, Local, OverSamples, Size, Total
from symbackprop.graph.notation import BATCH, Symbol
from symbackprop.messages import message

_UNIT = "k"
"""The letter that counts the outputs."""


def batch_section(scene: Scene) -> Section | None:
    """Return the section with the three formulas; None without several samples and a training loop."""
    graph, problem = scene.derivation.graph, scene.derivation.problem
    if graph.batch_axis.size == 1 or problem.training is None:
        return None
    weight = Letter(Symbol(scene.notation.letters["weight"].base.lower()))
    partial = _partial(scene)
    blocks: list[Block] = [
        Paragraph(message("batches.intro", count=graph.samples, batch=Letter(BATCH), w=weight)),
        Display(tuple(_chains(scene, weight, partial))),
    ]
    if partial is not None:
        blocks.append(Paragraph(message("batches.factor", partial=partial)))
        difference = _split(partial)[1]
        if isinstance(difference, Sum) and _is_difference(difference):
            first, second = difference.terms
            assert isinstance(second, Negative)
            opposite = Sum((second.operand, Negative(first)))
            blocks.append(Paragraph(message("batches.sign", opposite=opposite)))
    blocks.append(Paragraph(message("batches.one_step", count=graph.samples)))
    return Section(message("batches.title"), tuple(blocks))


def _is_difference(part: Node) -> bool:
    """Say whether a part is output minus target."""
    match part:
        case Sum((Name(first), Negative(Name(second)))):
            return second.startswith("y_") and first != second
    return False


def _chains(scene: Scene, weight: Node, partial: Node | None) -> Iterator[Chain]:
    """Yield the three gradients; a mean puts the number of samples below the constant factor."""
    graph, problem = scene.derivation.graph, scene.derivation.problem
    count = graph.batch_axis.size
    number, of_sample = _split(_of_sample(scene, weight, partial))
    whole, one = Name(graph.output), Name(graph.sample_loss)
    is_mean = problem.network.reduction == "mean"
    sums = (
        ("batch", whole, Number(Fraction(count)), OverSamples(of_sample, count)),
        ("stochastic", one, ONE, of_sample),
        ("mini_batch", Letter(_of_batch(scene)), Size(Letter(BATCH)), OverSamples(of_sample, count, of_batch=True)),
    )
    for kind, loss, size, body in sums:
        factor: Node = Number(abs(number)) if size == ONE or not is_mean else Quotient(Number(abs(number)), size)
        positive = multiplied((factor, body))
        formula = Negative(positive) if number < 0 else positive
        yield Chain(Local(loss, weight), (ChainStep(Relation.EQUAL, formula, reason=message(f"batches.{kind}")),))


def _of_batch(scene: Scene) -> Symbol:
    loss = scene.notation.letters["loss"]
    return Symbol(loss.base, (*loss.lower, BATCH))


def _of_sample(scene: Scene, weight: Node, partial: Node | None) -> Node:
    """Return the gradient of one sample's loss by a parameter: over the outputs, partial · ∂output/∂parameter."""
    graph = scene.derivation.graph
    outputs = graph.layers[-1].activation
    count = len(outputs.elements())
    output = Name(outputs.at(_UNIT if count > 1 else 1))
    first = Local(Name(graph.sample_loss), output) if partial is None else partial
    number, rest = _split(first)
    inner = multiplied((rest, Local(output, weight)))
    return multiplied((Number(number), Total(inner, _UNIT, count) if count > 1 else inner))


def _split(formula: Node) -> tuple[Fraction, Node]:
    """Return a product as its constant factor and the rest, the sign with the number."""
    match formula:
        case Number(value):
            return value, ONE
        case Negative(operand):
            number, rest = _split(operand)
            return -number, rest
        case Product((first, *rest)):
            number, left = _split(first)
            return number, multiplied((left, *rest))
    return Fraction(1), formula


def _partial(scene: Scene) -> Node | None:
    """Return the loss's partial by output k, if it has the same form for every output and reads that output only."""
    graph = scene.derivation.graph
    found = []
    for element, target in graph.targets.items():
        links = [link for link in scene.derivation.links[element] if link.source == graph.sample_loss]
        if len(links) != 1:
            return None
        unit = 1 if len(graph.targets) == 1 else _UNIT
        places = {name: graph.quantity_of(name).at(unit) for name in (element, target)}
        formula = rewrite(links[0].partial(), functools.partial(_lettered, places))
        if not set(names(formula)) <= set(places.values()):
            return None
        found.append(formula)
    return found[0] if all(formula == found[0] for formula in found) else None


def _lettered(places: Mapping[str, str], part: Node) -> Node | None:
    return Name(places[part.name]) if isinstance(part, Name) and part.name in places else None
