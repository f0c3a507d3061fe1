"""The matrix form of a solution: every equation and every gradient between arrays, with shapes and numbers.

The formulas are those of `symbackprop.derivation.matrix_grain`: derived from the equations, not written here.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence

from symbackprop.algebra.broadcasting import indices_of
from symbackprop.algebra.formula import (
    Adjoint,
    Apply,
    Indexed,
    MatrixProduct,
    Name,
    Node,
    Product,
    Stack,
    Transposed,
    rewrite,
)
from symbackprop.algebra.functions import is_symbol
from symbackprop.algebra.shapes import shape_of
from symbackprop.derivation import matrix_grain
from symbackprop.derivation.matrix_grain import elementwise_product, gradient_formula
from symbackprop.document.blocks import Block, Chain, ChainStep, Display, Paragraph, Relation, Section
from symbackprop.document.calculation.numerals import show
from symbackprop.document.chain_rule import detail
from symbackprop.document.chain_rule.chains import (
    errors_of,
    gradient_symbol,
    has_own_step,
    in_its_sign,
    named_gradient,
    parameters_of,
)
from symbackprop.document.chain_rule.factors import is_named
from symbackprop.document.chain_rule.scene import Scene, in_symbols
from symbackprop.document.chain_rule.signs import signs_in_front
from symbackprop.document.display_nodes import Delta, Gradient, Grid, Listed, Shaped, Shown, Tone, over_samples
from symbackprop.document.matrix_form import products
from symbackprop.graph.quantities import INNER, Equation, Graph, LayerArrays, Quantity, Role
from symbackprop.graph.scalars import Scalar
from symbackprop.messages import message

LARGEST_GRID = 36
"""Arrays with more elements are not written out."""

WIDEST_GRID = 6
"""Nor are those with more columns."""

TALLEST_GRID = 6
"""Longer vectors stand in a line."""


def matrix_sections(scene: Scene) -> Iterator[Section]:
    """Yield the forward pass and the gradients between arrays, each gradient by way of one of its entries."""
    graph = scene.derivation.graph
    forward = tuple(_forward(scene, graph))
    names = [name for name in matrix_grain.gradients(graph) if graph.quantities[name].role is not Role.TARGET]
    formulas = array_gradients(scene)
    chains = gradient_chains(scene, names)
    backward = [Display((*_entry_chain(scene, chain.name, formulas[chain.name]), chain), 2) for chain in chains]
    layers = itertools.groupby(forward, lambda chain: scene.notation.quantity(chain.name).layer)
    rows = tuple(Display(tuple(chains), 2) for _, chains in layers)
    yield Section(message("title.matrix_forward"), rows)
    yield Section(message("title.matrix_backward"), (Paragraph(message("notation.entries")), *backward))


def _forward(scene: Scene, graph: Graph) -> Iterator[Chain]:
    for equation in graph.equations:
        formula = ChainStep(Relation.EQUAL, shaped(graph, array_formula(scene, equation)))
        quantity = graph.quantities[equation.name]
        numbers = tuple(_numbers(scene, quantity, Tone.FORWARD))
        if quantity.kind != INNER:
            yield Chain(Name(equation.name), (formula, *numbers))
        elif numbers:  # it is printed as its formula
            yield Chain(Name(equation.name), numbers)


def array_formula(scene: Scene, equation: Equation) -> Node:
    """Return the right-hand side of an equation between arrays, added over the samples where it joins them."""
    graph = scene.derivation.graph
    formula = as_arrays(graph, oriented(graph, equation.formula, scene.is_row))
    if graph.samples is None or graph.quantities[equation.name].batched:
        return formula
    return over_samples(formula, graph.batch_axis.size, lambda name: graph.quantities[name].batched)


def layer_gradients(scene: Scene, layer: LayerArrays, among: Collection[str] | None = None) -> Iterator[Block]:
    """Yield the gradients of a layer entry by entry, then between arrays; of its parameters those `among` some names."""
    errors = [Scalar(name, sample) for sample in scene.samples for name in errors_of(scene, layer)]
    parameters = [Scalar(name) for name in parameters_of(layer.parameters) if among is None or name in among]
    yield from detail.gradient_blocks(scene, errors)
    yield from detail.gradient_blocks(scene, parameters)
    if scene.is_short or all(detail.count(quantity) == 1 for quantity in scene.derivation.graph.quantities.values()):
        return  # between arrays of one number each stands what stands between their numbers
    shown = {name for name, _ in parameters}
    names = [q.name for q in layer.arrays if q.role is not Role.PARAMETER or not shown.isdisjoint(q.elements())]
    yield Paragraph(message("text.in_matrix_form"))
    yield Display(tuple(gradient_chains(scene, names)))


def gradient_chains(scene: Scene, wanted: Sequence[str]) -> Iterator[Chain]:
    """Yield the gradient of each wanted array between arrays, by way of its entries if they are few, with its value."""
    graph = scene.derivation.graph
    for name, formula in array_gradients(scene).items():
        # ∂L/∂a of a loss without a formula is itself.
        if name not in wanted or (isinstance(formula, Apply) and is_symbol(formula)):
            continue
        left, steps = gradient_symbol(scene, name), list(_gradient_steps(scene, name))
        if not is_named(steps[-1].formula.body if isinstance(steps[-1].formula, Shaped) else steps[-1].formula):
            # An error that stands there already has been put into numbers.
            sign = -1 if isinstance(left, Delta) else 1
            steps += _numbers(scene, graph.quantities[name], Tone.BACKWARD, sign)
        yield Chain(left, tuple(steps))


@in_symbols
def _gradient_steps(scene: Scene, name: str) -> Sequence[ChainStep]:
    """Return the gradient by an array in symbols: its name, its entries and their product if they are few, the formula."""
    graph, formula = scene.derivation.graph, array_gradients(scene)[name]
    steps = []
    if scene.notation.delta(name) is not None:
        steps.append(ChainStep(Relation.EQUAL, in_its_sign(scene, name, Gradient(name))))
    for line in (*products.stacked(graph, graph.quantities[name], formula, scene.is_row), formula):
        signed = signs_in_front(named(scene, in_its_sign(scene, name, line)))
        steps.append(ChainStep(Relation.EQUAL, shaped(graph, _over_samples(scene, name, signed))))
    return steps


@in_symbols
def array_gradients(scene: Scene) -> Mapping[str, Node]:
    """Return the formula of the gradient by every array that has a line of its own.

    Where everything goes through ∂L/∂a, the gradient by a pre-activation is written out in what reads it.
    """
    graph = scene.derivation.graph
    whole = {
        name: oriented(graph, gradient_formula(contributions), scene.is_row)
        for name, contributions in matrix_grain.gradients(graph).items()
        if contributions
    }
    inner = {
        name: formula
        for name, formula in whole.items()
        if graph.quantities[name].kind == "pre_activation"
        and not has_own_step(scene, graph.quantities[name].elements()[0])
    }

    def through(part: Node) -> Node | None:
        return inner.get(part.name) if isinstance(part, Adjoint) else None

    return {name: rewrite(formula, through) for name, formula in whole.items() if name not in inner}


def _over_samples(scene: Scene, name: str, formula: Node) -> Node:
    """Return a formula that adds over the samples where the gradient does."""
    graph = scene.derivation.graph
    if not scene.derivation.crosses_samples(graph.quantities[name].elements()[0]):
        return formula
    return over_samples(formula, graph.batch_axis.size, lambda part: scene.notation.quantity(part).batched)


def _entry_chain(scene: Scene, name: str, formula: Node) -> Iterator[Chain]:
    """Yield one entry of the gradient by an array as a formula."""
    graph = scene.derivation.graph
    one = products.one_entry(graph, graph.quantities[name], formula)
    if one is None:
        return
    element, body = one
    signed = signs_in_front(named(scene, in_its_sign(scene, name, body)))
    yield Chain(
        gradient_symbol(scene, element),
        (ChainStep(Relation.EQUAL, detail.shortened(_over_samples(scene, name, signed), graph)),),
    )


def named(scene: Scene, formula: Node) -> Node:
    """Return a formula in the symbols of gradients: −δ where δ is the negative of the gradient."""
    return rewrite(formula, lambda part: named_gradient(scene, part.name) if isinstance(part, Adjoint) else None)


def oriented(graph: Graph, formula: Node, rows: bool) -> Node:
    """Return a formula whose products are those of columns, or of `rows`: what NumPy makes of a vector, paper does not.

    A product with a vector is a vector; it comes out as a column from behind its matrix, as a row from in front of it.
    """

    def change(part: Node) -> Node | None:
        if not isinstance(part, MatrixProduct):
            return None
        left, right = oriented(graph, part.left, rows), oriented(graph, part.right, rows)
        axes = tuple(len(shape_of(side, graph.shapes, "")) for side in (left, right))
        if axes == (1, 1):
            return Apply("dot", (left, right))
        if axes == ((2, 1) if rows else (1, 2)):
            turned = left if rows else right
            turned = turned.operand if isinstance(turned, Transposed) else Transposed(turned)
            return MatrixProduct(right, turned) if rows else MatrixProduct(turned, left)
        return MatrixProduct(left, right)

    return rewrite(formula, change)


def as_arrays(graph: Graph, formula: Node) -> Node:
    """Return a formula with ⊙ between arrays that it multiplies element by element."""

    def change(part: Node) -> Node | None:
        if isinstance(part, Product):
            return elementwise_product(tuple(as_arrays(graph, factor) for factor in part.factors), graph.shapes)
        return None

    return rewrite(formula, change)


def shaped(graph: Graph, formula: Node) -> Node:
    """Return a formula with the shape under every array it reads; scalars are left alone."""

    def change(part: Node) -> Node | None:
        if isinstance(part, Stack):
            return part
        if isinstance(part, Name | Adjoint | Delta):
            shape = graph.shapes[part.name]
            return Shaped(part, shape) if shape else part
        return part if isinstance(part, Indexed) and shape_of(part, graph.shapes, "") == () else None

    return rewrite(formula, change)


def _numbers(scene: Scene, quantity: Quantity, tone: Tone, sign: int = 1) -> list[ChainStep]:
    """Return the value of an array, times a sign, as a step; none without numbers, for a batch, or for a large array."""
    rows = grid_rows(scene, quantity)
    if (
        scene.values is None
        or quantity.batched
        or len(rows) * len(rows[0]) > LARGEST_GRID
        or (len(rows[0]) > WIDEST_GRID and len(quantity.shape) > 1)
    ):
        return []
    read = scene.value if tone is Tone.FORWARD else scene.gradient
    shown = tuple(tuple(show(sign * read(element), scene.style, tone=tone) for element in row) for row in rows)
    is_rounded = scene.derivation.problem.notation.round_intermediates is not None
    exact = not is_rounded and all(number.exact for row in shown for number in row)
    return [ChainStep(Relation.of(exact), _array(quantity, shown), opens=True)]


def _array(quantity: Quantity, rows: Sequence[Sequence[Shown]]) -> Node:
    """Return the numbers of an array as they stand: a scalar alone, a long vector in a line."""
    if not quantity.shape:
        return rows[0][0]
    entries = tuple(number for row in rows for number in row)
    is_long = len(quantity.shape) == 1 and quantity.shape[0] > TALLEST_GRID
    return Listed(entries) if is_long else Grid(entries, len(rows[0]))


def grid_rows(scene: Scene, quantity: Quantity) -> list[list[str]]:
    """Return the elements of an array as rows: a vector is one column, or one row where samples are rows."""
    is_across = len(quantity.shape) == 2 or (len(quantity.shape) == 1 and scene.is_row)
    width = quantity.shape[-1] if is_across else 1
    flat = [quantity.element(index) for index in indices_of(quantity.shape)]
    return [flat[start : start + width] for start in range(0, len(flat), width)]
