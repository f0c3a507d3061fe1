"""The formulas of gradients at a glance: without numbers, several in a row."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from symbackprop.algebra.formula import ONE, ZERO, Node, Product, added
from symbackprop.document.blocks import Chain, ChainStep, Display, Relation
from symbackprop.document.chain_rule.chains import (
    errors_of,
    gradient_symbol,
    merged_paths,
    parameters_of,
    row_length,
)
from symbackprop.document.chain_rule.detail import shortened
from symbackprop.document.chain_rule.factors import Factor, flipped, product_of, signed, unbraced
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.chain_rule.signs import signs_in_front
from symbackprop.document.display_nodes import Delta, over_samples
from symbackprop.graph.quantities import Quantity


def gradient_formulas(scene: Scene) -> Iterator[Display]:
    """Yield the formula of every δ, ∂L/∂a and parameter's gradient, output layer first, without numbers."""
    for layer in reversed(scene.derivation.graph.layers):
        errors = errors_of(scene, layer)
        kinds = {scene.notation.locate(name)[0].name for name in errors}
        # One row for each unit where ∂L/∂a is a step of its own, else the δ of the layer side by side.
        yield Display(tuple(_gradient_formula(scene, n) for n in errors), len(kinds) if len(kinds) > 1 else len(errors))
        rows = [_of_units(scene, quantity) for quantity in layer.parameters]
        if len(set(map(len, rows))) == 1 and len(rows[0][0]) <= _SHORT_ROW:
            units = [list(itertools.chain(*unit)) for unit in zip(*rows, strict=True)]
            yield formula_display(scene, list(itertools.chain(*units)), len(units[0]))
        else:
            for quantity in layer.parameters:
                yield formula_display(scene, parameters_of([quantity]), row_length(scene, quantity))


_SHORT_ROW = 3
"""So many weights lead to a unit whose bias stands in one row with them."""


def _of_units(scene: Scene, quantity: Quantity) -> list[list[str]]:
    """Return the parameters of a layer's array unit by unit."""
    names = parameters_of([quantity])
    length = row_length(scene, quantity) if len(quantity.shape) > 1 else 1
    return [names[start : start + length] for start in range(0, len(names), length)]


def formula_display(scene: Scene, elements: Sequence[str], row: int) -> Display:
    """Return the gradients by some elements as formulas, without numbers, `row` of them in a row."""
    return Display(tuple(_gradient_formula(scene, name) for name in elements), row)


def _gradient_formula(scene: Scene, name: str) -> Chain:
    formula = shortened(gradient_expression(scene, name), scene.derivation.graph)
    left = gradient_symbol(scene, name)
    if isinstance(left, Delta):
        # The negative of a product, or of a sum of products, its first difference turned round if there is one.
        first, *rest = formula.factors if isinstance(formula, Product) else (formula,)
        formula = signed((flipped(Factor(first, first)).partial, *rest))
    return Chain(left, (ChainStep(Relation.EQUAL, formula),))


def gradient_expression(scene: Scene, name: str) -> Node:
    """Return the gradient by a quantity as a formula over named gradients and values, over all samples of a batch.

    It is 0 where nothing reads the quantity, and 1 for the output itself.
    """
    if name == scene.derivation.graph.output:
        return ONE
    links = scene.derivation.links.get(name, ())
    if not links:
        return ZERO
    paths = merged_paths(scene, ((link, None) for link in links))
    total = added(tuple(unbraced(product_of(path)) for path in paths))
    if scene.derivation.crosses_samples(name):
        batched = scene.derivation.elements.batched
        return signs_in_front(over_samples(total, len(scene.samples), lambda name: name in batched))
    return total
