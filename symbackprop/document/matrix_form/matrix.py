"""The matrix form of a solution: every equation and every gradient between arrays, with shapes and numbers.

The formulas are those of `symbackprop.derivation.matrix_grain`: derived from the equations, not written here.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from symbackprop.algebra.formula import (
    Adjoint,
    Apply,
    Hadamard,
    Indexed,
    MatrixProduct,
    Name,
    Node,
    Number,
    Product,
    Quotient,
    Stack,
    Transposed,
    rewrite,
)
from symbackprop.algebra.functions import is_symbol
from symbackprop.algebra.shapes import shape_of
from symbackprop.derivation import matrix_grain
from symbackprop.derivation.matrix_grain import elementwise_product, gradient_formula
from symbackprop.document.blocks import Block, Chain, ChainStep, Display, Paragraph, Relation, Section
from symbackprop.document.chain_rule import detail
from symbackprop.document.chain_rule.chains import (
    errors_of,
    gradient,
    gradient_symbol,
    has_own_step,
    in_its_sign,
    named_gradient,
    parameters_of,
)
from symbackprop.document.chain_rule.penalties import penalty_of_arrays, with_letters
from symbackprop.document.chain_rule.scene import Scene, in_symbols, layer_name
from symbackprop.document.chain_rule.signs import signs_in_front
from symbackprop.document.display_nodes import AllSamples, Delta, Gradient, Shaped, Tone, over_samples
from symbackprop.document.matrix_form import joint_matrices, products
from symbackprop.document.matrix_form.array_numbers import ArrayNumbers, is_called_as_setting
from symbackprop.graph.quantities import INNER, PENALTY, Equation, Graph, LayerArrays, Quantity, Role
from symbackprop.graph.scalars import Scalar
from symbackprop.messages import Message, message


def matrix_sections(scene: Scene) -> Iterator[Section]:
    """Yield the forward pass and the gradients between arrays, each gradient by way of one of its entries."""
    graph = scene.derivation.graph
    forward = tuple(_forward(scene, graph))
    names = [name for name in matrix_grain.gradients(graph) if graph.quantities[name].role is not Role.TARGET]
    formulas = array_gradients(scene)
    layers = itertools.groupby(forward, lambda chain: graph.quantities[chain.name].layer if chain.name else None)
    rows = tuple(Display(tuple(chains), 2) for _, chains in layers)
    together = tuple(values_of_samples(scene))
    inner = (Section(message("title.samples_at_once"), together),) if together else ()
    deep = next((each for each in graph.named if len(each.shape) > products.MATRIX_AXES), None)
    convention = () if deep is None else (Paragraph(_slices_said(deep)),)
    yield Section(message("title.matrix_forward"), (*convention, *rows), inner)

    def displayed(among: Sequence[str]) -> tuple[Display, ...]:
        return tuple(
            Display((*_entry_chain(scene, chain.name, formulas[chain.name]), chain, *_gradient_slices(scene, chain)), 2)
            for chain in gradient_chains(scene, among)
        )

    layered = {name: graph.quantities[name].layer if graph.layers else None for name in names}
    blocks = displayed([name for name, layer in layered.items() if layer is None])
    numbers = sorted({layer for layer in layered.values() if layer is not None}, reverse=True)
    sections = tuple(
        Section(layer_name(scene, layer), displayed([name for name in names if layered[name] == layer]))
        for layer in numbers
    )
    yield Section(message("title.matrix_backward"), (Paragraph(message("notation.entries")), *blocks), sections)


def layer_values(scene: Scene, layer: LayerArrays) -> Iterator[Block]:
    """Yield the forward pass of a layer between arrays, where it has an array of several numbers and these can be shown."""
    names = (layer.pre_activation.name, layer.activation.name)
    is_clear = not any(is_called_as_setting(scene, each) for each in layer.parameters)
    if scene.numbers_in_arrays and is_clear and max(map(detail.count, layer.arrays)) > 1:
        yield Paragraph(message("text.in_matrix_form"))
        yield Display(tuple(_forward(scene, scene.derivation.graph, names)))


def values_of_samples(scene: Scene) -> Iterator[Block]:
    """Yield the forward pass of all samples of a network at once, layer by layer, where it is shown so."""
    if not joint_matrices.are_shown(scene):
        return
    graph = scene.derivation.graph
    given = tuple(joint_matrices.given(scene))
    yield Paragraph(message(f"text.all_samples_{scene.derivation.problem.layout}", inputs=given[0].left))
    yield Display(given, 2)
    equations = {equation.name: equation for equation in graph.equations}
    for layer in graph.layers:
        arrays = (layer.pre_activation, layer.activation)
        chains = (_value_of_samples(scene, each, _plain_formula(scene, equations[each.name])) for each in arrays)
        yield Display(tuple(chain for chain in chains if chain.steps))


def _value_of_samples(scene: Scene, quantity: Quantity, formula: Node) -> Chain:
    """Return the values of an array in all samples: by its formula where that holds for all of them at once."""
    graph = scene.derivation.graph
    whole = joint_matrices.together(graph, formula)
    numbers = ArrayNumbers(scene, scene.samples).steps(quantity, None if whole is None else formula, Tone.FORWARD)
    opening = () if whole is None else (ChainStep(Relation.EQUAL, shaped(graph, whole, rows=scene.is_row)),)
    return Chain(AllSamples(Name(quantity.name)), (*opening, *numbers) if numbers else ())


def _forward(scene: Scene, graph: Graph, among: Collection[str] | None = None) -> Iterator[Chain]:
    """Yield the equations between arrays, of all quantities or of those among some names."""
    for equation in graph.equations:
        if among is not None and equation.name not in among:
            continue
        quantity, plain = graph.quantities[equation.name], _plain_formula(scene, equation)
        lettered = penalty_of_arrays(scene, plain) if quantity.kind == PENALTY else array_formula(scene, equation)
        formula = ChainStep(Relation.EQUAL, shaped(graph, lettered))
        numbers = () if quantity.batched else ArrayNumbers(scene, scene.samples).steps(quantity, plain, Tone.FORWARD)
        if quantity.kind != INNER:
            yield Chain(Name(equation.name), (formula, *numbers))
        elif numbers:  # it is printed as its formula
            yield Chain(Name(equation.name), numbers)
        if not quantity.batched:
            alone = ArrayNumbers(scene, scene.samples)
            yield from alone.slices(quantity, Name(equation.name), alone.leaf_of(Tone.FORWARD))


def array_formula(scene: Scene, equation: Equation) -> Node:
    """Return the right-hand side of an equation between arrays, added over the samples where it joins them."""
    graph, formula = scene.derivation.graph, _plain_formula(scene, equation)
    if graph.samples is None or graph.quantities[equation.name].batched:
        return formula
    return over_samples(formula, graph.batch_axis.size, lambda name: graph.quantities[name].batched)


def _plain_formula(scene: Scene, equation: Equation) -> Node:
    """Return the right-hand side of an equation between arrays, in one sample."""
    graph = scene.derivation.graph
    return as_arrays(graph, oriented(graph, equation.formula, scene.is_row))


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


def input_gradients(scene: Scene) -> Iterator[Block]:
    """Yield the gradients by the inputs, entry by entry where there is one sample, and between arrays."""
    inputs = scene.derivation.graph.units(0)
    elements = [name for name in inputs.elements() if scene.derivation.links.get(name)]
    if elements and len(scene.samples) == 1:
        sample = scene.samples[0]
        yield Display(tuple(detail.in_one_line(gradient(scene, name, sample)) for name in elements))
    if elements and (detail.count(inputs) > 1 or len(scene.samples) > 1):
        yield Paragraph(message("text.in_matrix_form"))
        yield Display(tuple(gradient_chains(scene, [inputs.name])))


def gradient_chains(scene: Scene, wanted: Sequence[str]) -> Iterator[Chain]:
    """Yield the gradient of each wanted array between arrays, by way of its entries if they are few, with its value."""
    for name, formula in array_gradients(scene).items():
        # ∂L/∂a of a loss without a formula is itself.
        if name not in wanted or (isinstance(formula, Apply) and is_symbol(formula)):
            continue
        left, steps = gradient_symbol(scene, name), list(_gradient_steps(scene, name))
        yield _with_numbers(scene, Chain(left, tuple(steps)), in_its_sign(scene, name, formula))


def _with_numbers(scene: Scene, chain: Chain, formula: Node) -> Chain:
    """Return the gradient by an array with its numbers, that of all samples as one matrix where samples are shown so."""
    graph, numbers, rows = scene.derivation.graph, ArrayNumbers(scene, scene.samples), scene.is_row
    quantity, sign = graph.quantities[chain.name], -1 if isinstance(chain.left, Delta) else 1
    signed = signs_in_front(named(scene, formula))
    are_joint = joint_matrices.are_shown(scene)
    if quantity.batched:
        whole = joint_matrices.together(graph, signed) if are_joint and quantity.shape else None
        if whole is None:
            return chain
        opening = (AllSamples(Gradient(chain.name)),) if scene.notation.delta(chain.name) is not None else ()
        formulas = (*(in_its_sign(scene, chain.name, each) for each in opening), whole)
        symbols = tuple(ChainStep(Relation.EQUAL, shaped(graph, each, rows=rows)) for each in formulas)
        return Chain(AllSamples(chain.left), (*symbols, *numbers.steps(quantity, formula, Tone.BACKWARD, sign)))
    joined = joint_matrices.joined(graph, signed, rows) if are_joint and quantity.shape else None
    steps = list(chain.steps)
    if joined is not None and joined != signed:
        steps.append(ChainStep(Relation.EQUAL, shaped(graph, joined, rows=rows)))
    has_numbers = are_joint or len(scene.samples) == 1
    found = numbers.steps(quantity, formula if has_numbers else None, Tone.BACKWARD, sign)
    return replace(chain, steps=(*steps, *found))


def _slices_said(quantity: Quantity) -> Message:
    """Return how the matrices of an array of more axes are written."""
    first = Indexed(Name(quantity.name), (0,) * (len(quantity.shape) - products.MATRIX_AXES))
    return message("notation.slices", slice=first, array=Name(quantity.name))


def _gradient_slices(scene: Scene, chain: Chain) -> Iterator[Chain]:
    """Yield the gradient by an array of more axes than a matrix as matrices."""
    quantity, numbers = scene.derivation.graph.quantities[chain.name], ArrayNumbers(scene, scene.samples)
    if not quantity.batched:
        sign = -1 if isinstance(chain.left, Delta) else 1
        yield from numbers.slices(quantity, chain.left, numbers.leaf_of(Tone.BACKWARD, sign))


@in_symbols
def _gradient_steps(scene: Scene, name: str) -> Sequence[ChainStep]:
    """Return the gradient by an array in symbols: its name, its entries and their product if they are few, the formula."""
    graph, formula = scene.derivation.graph, array_gradients(scene)[name]
    steps = []
    if scene.notation.delta(name) is not None:
        steps.append(ChainStep(Relation.EQUAL, in_its_sign(scene, name, Gradient(name))))
    for line in (*products.stacked(graph, graph.quantities[name], formula, scene.is_row), formula):
        signed = signs_in_front(named(scene, in_its_sign(scene, name, with_letters(scene, line, name))))
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

    parts = {graph.sample_loss, *((graph.data_loss, PENALTY) if graph.layers else ())} - {graph.output}
    weights = {name: whole[name] for name in parts & set(whole) if isinstance(whole[name], Number | Quotient)}

    def through(part: Node) -> Node | None:
        return inner.get(part.name) if isinstance(part, Adjoint) else None

    def weighted(part: Node) -> Node | None:
        """Return a product with the numbers that are gradients by parts of the loss: 1, or 1 by the number of samples."""
        if not isinstance(part, Product | Hadamard):
            return None
        factors = [weights.get(each.name, each) if isinstance(each, Adjoint) else each for each in part.factors]
        return None if factors == list(part.factors) else elementwise_product(tuple(factors), graph.shapes)

    found = {name: rewrite(formula, through) for name, formula in whole.items() if name not in inner}
    # What all samples share may have the gradient by the loss of a sample as the only factor that is added over them.
    shared = [name for name in found if not graph.quantities[name].batched]
    found |= {name: rewrite(found[name], weighted) for name in found if name not in shared}
    weights.pop(graph.sample_loss, None)
    return found | {name: rewrite(found[name], weighted) for name in shared}


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


def shaped(graph: Graph, formula: Node, *, rows: bool = False) -> Node:
    """Return a formula with the shape under every array it reads; scalars are left alone.

    `rows` says that samples are rows, where there are several in one array.
    """

    def change(part: Node) -> Node | None:
        if isinstance(part, Stack):
            return part
        if isinstance(part, AllSamples):
            sizes = (graph.batch_axis.size, detail.count(graph.quantities[part.name]))
            return part if isinstance(part.body, Gradient) else Shaped(part, sizes if rows else sizes[::-1])
        if isinstance(part, Name | Adjoint | Delta):
            shape = graph.shapes[part.name]
            return Shaped(part, shape) if shape else part
        return part if isinstance(part, Indexed) and shape_of(part, graph.shapes, "") == () else None

    return rewrite(formula, change)
