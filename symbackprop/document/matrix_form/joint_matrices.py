"""The samples of a batch in one matrix, a row or a column for each, as programs have them: Z = X W + b, ∂L/∂W = XᵀΔ."""

from __future__ import annotations

from collections.abc import Iterator

from symbackprop.algebra.formula import (
    Adjoint,
    Apply,
    MatrixProduct,
    Name,
    Negative,
    Node,
    Product,
    Sum,
    Transposed,
    added,
    map_children,
    walk,
)
from symbackprop.algebra.shapes import is_elementwise
from symbackprop.document.blocks import Chain
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.display_nodes import AllSamples, Delta, Tone
from symbackprop.document.matrix_form.array_numbers import WIDEST_GRID, ArrayNumbers
from symbackprop.graph.quantities import Graph, Role


def are_shown(scene: Scene) -> bool:
    """Say whether the samples of a network are shown in one matrix: there are several, they fit, and numbers are put in.

    Where layers are updated one after another a gradient is that of no loss, and stays with its samples.
    """
    training = scene.derivation.problem.training
    return (
        scene.values is not None
        and scene.numbers_in_arrays
        and bool(scene.derivation.graph.layers)
        and 1 < len(scene.samples) <= WIDEST_GRID
        and (training is None or training.update != "sequential")
    )


def given(scene: Scene) -> Iterator[Chain]:
    """Yield the matrices of the inputs and of the targets."""
    for quantity in scene.derivation.graph.of_role(Role.INPUT, Role.TARGET):
        numbers = ArrayNumbers(scene, scene.samples).steps(quantity, None, Tone.PLAIN)
        if quantity.batched and numbers:
            yield Chain(AllSamples(Name(quantity.name)), numbers)


def together(graph: Graph, formula: Node) -> Node | None:
    """Return a formula of one sample as that of all samples; None where it is another for the matrix of all.

    What works entry by entry is the same, and so is the product of a vector and a matrix.
    """

    def batched(node: Node) -> bool:
        return is_batched(graph, node)

    def holds(node: Node) -> bool:
        match node:
            case Name(name) | Adjoint(name) | Delta(name):
                # A number of each sample multiplies its own row.
                return not batched(node) or bool(graph.shapes[name])
            case MatrixProduct(left, right):
                return batched(left) != batched(right) and all(map(holds, node))
        return not batched(node) or (is_elementwise(node) and all(map(holds, node)))

    def whole(node: Node) -> Node:
        if isinstance(node, Name | Adjoint | Delta):
            return AllSamples(node) if batched(node) else node
        return map_children(node, whole)

    return whole(formula) if holds(formula) else None


def joined(graph: Graph, formula: Node, rows: bool) -> Node | None:
    """Return the gradient by what all samples share, a sum over them of outer products, as a product of matrices.

    `rows` says that samples are rows. None where there is no outer product.
    """

    def product(term: Node) -> Node | None:
        match term:
            case Negative(operand):
                found = product(operand)
                return None if found is None else Negative(found)
            case Product(factors):
                changed = [product(factor) if is_batched(graph, factor) else factor for factor in factors]
                return None if None in changed else Product(tuple(each for each in changed if each is not None))
            case Apply("outer", (left, right)):
                first, second = together(graph, left), together(graph, right)
                if first is None or second is None:
                    return None
                return MatrixProduct(Transposed(first), second) if rows else MatrixProduct(first, Transposed(second))
        return None

    terms = formula.terms if isinstance(formula, Sum) else (formula,)
    found = [product(term) if is_batched(graph, term) else term for term in terms]
    return None if None in found else added(tuple(each for each in found if each is not None))


def is_batched(graph: Graph, formula: Node) -> bool:
    """Say whether a formula reads something that differs between samples."""
    return any(
        isinstance(part, Name | Adjoint | Delta) and graph.quantities[part.name].batched for part in walk(formula)
    )
