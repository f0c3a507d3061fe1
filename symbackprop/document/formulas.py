"""The formulas of gradients at a glance: without numbers, several in a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symbackprop.document.blocks import Chain, Display
from symbackprop.document.chains import (
    LAYER_KINDS,
    Scene,
    errors_of,
    is_negative_delta,
    layers_of,
    parameters_of,
    path_of,
    row_length,
)
from symbackprop.document.detail import shortened
from symbackprop.document.entries import signs_in_front
from symbackprop.document.factors import Factor, flipped, product_of, signed
from symbackprop.document.marks import Braced, Delta, over_samples
from symbackprop.document.truth import Relation, Step
from symbackprop.formula import Adjoint, Node, Product, added, multiplied, rewrite


def gradient_formulas(scene: Scene) -> Iterator[Display]:
    """Yield the formula of every δ, ∂L/∂a and parameter's gradient, output layer first, without numbers."""
    for layer in reversed(layers_of(scene, *LAYER_KINDS)):
        errors = errors_of(scene, layer)
        kinds = {scene.notation.locate(name)[0].name for name in errors}
        # One row for each unit where ∂L/∂a is a step of its own, else the δ of the layer side by side.
        yield Display(tuple(_gradient_formula(scene, n) for n in errors), len(kinds) if len(kinds) > 1 else len(errors))
        for quantity in layer:
            parameters = parameters_of([quantity])
            if parameters:
                yield Display(tuple(_gradient_formula(scene, n) for n in parameters), row_length(scene, quantity))


def formula_display(scene: Scene, elements: Sequence[str], row: int) -> Display:
    """Return the gradients by some elements as formulas, without numbers, `row` of them in a row."""
    return Display(tuple(_gradient_formula(scene, name) for name in elements), row)


def _gradient_formula(scene: Scene, name: str) -> Chain:
    formula = shortened(gradient_expression(scene, name))
    if is_negative_delta(scene, name):
        return Chain(Delta(name), (Step(Relation.EQUAL, _opposite(formula)),))
    return Chain(Adjoint(name), (Step(Relation.EQUAL, formula),))


def gradient_expression(scene: Scene, name: str) -> Node:
    """Return the gradient by a quantity as a formula over named gradients and values, over all samples of a batch."""
    links = scene.derivation.links[name]
    total = added(tuple(_unbraced(product_of(path_of(scene, link, None))) for link in links))
    if scene.derivation.crosses_samples(name):
        batched = scene.derivation.elements.batched
        return signs_in_front(over_samples(total, len(scene.samples), lambda name: name in batched))
    return total


def _opposite(formula: Node) -> Node:
    """Return the negative of a product or a sum of products, its first difference turned round if there is one."""
    first, *rest = formula.factors if isinstance(formula, Product) else (formula,)
    return signed((flipped(Factor(first, first)).partial, *rest))


def _unbraced(formula: Node) -> Node:
    """Return a formula without its braces and without factors of one."""

    def bare(part: Node) -> Node | None:
        if isinstance(part, Product):
            return multiplied(tuple(_unbraced(factor) for factor in part.factors))
        return _unbraced(part.body) if isinstance(part, Braced) else None

    return rewrite(formula, bare)
