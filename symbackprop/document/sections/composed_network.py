"""A network as one function: all its layers put into each other."""

from __future__ import annotations

from collections.abc import Iterator

from symbackprop.algebra.formula import Name, Node, rewrite
from symbackprop.document.blocks import Chain, ChainStep, Relation
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.matrix_form.array_numbers import is_called_as_setting
from symbackprop.document.matrix_form.matrix import array_formula

_MOST_COMPOSED = 4
"""Of more layers the formula would say nothing that a picture does not."""


def composed(scene: Scene) -> Iterator[Chain]:
    """Yield the outputs of a network of few layers as one function of its inputs and parameters.

    There is none where an array of parameters is called as a setting of the optimizer is: β₁ would be both.
    """
    graph = scene.derivation.graph
    found: dict[str, Node] = {}
    if not 1 < len(graph.layers) <= _MOST_COMPOSED or any(layer.pieces for layer in graph.layers):
        return
    if any(is_called_as_setting(scene, quantity) for quantity in scene.derivation.parameters):
        return
    for equation in graph.equations:
        if graph.quantities[equation.name].layer is not None:
            formula = array_formula(scene, equation)
            found[equation.name] = rewrite(
                formula, lambda part: found.get(part.name) if isinstance(part, Name) else None
            )
    last = graph.layers[-1].activation.name
    yield Chain(Name(last), (ChainStep(Relation.EQUAL, found[last]),))
