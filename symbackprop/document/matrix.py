"""The matrix form of a solution: every equation and every gradient between arrays, with shapes and numbers.

The formulas are those of `symbackprop.matrices`: derived from the equations, not written here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from symbackprop import matrices
from symbackprop.document.blocks import Chain, Display, Section
from symbackprop.document.chains import Scene
from symbackprop.document.marks import Gradient, OverSamples, Shown, Tone
from symbackprop.document.numerals import show
from symbackprop.document.truth import Relation, Step
from symbackprop.errors import message
from symbackprop.evaluate import Value
from symbackprop.formula import Adjoint, Indexed, Name, Node, Product, rewrite
from symbackprop.graph import Graph, Quantity, Role
from symbackprop.matrices import elementwise_product, gradient_formula
from symbackprop.shapes import Shape, indices_of, shape_of

LARGEST_GRID = 36
"""Arrays with more elements are not written out."""

WIDEST_GRID = 6
"""Nor are those with more columns."""


@dataclass(frozen=True, slots=True)
class Shaped(Node):
    """An array with its shape under it."""

    body: Node
    shape: Shape


@dataclass(frozen=True, slots=True)
class Grid(Node):
    """The numbers of a vector (one column, or one row in row layout) or of a matrix."""

    rows: tuple[tuple[Shown, ...], ...]


def matrix_sections(scene: Scene) -> Iterator[Section]:
    """Yield the forward pass and the gradients between arrays."""
    graph = scene.derivation.graph
    forward = tuple(_forward(scene, graph))
    names = [name for name in matrices.gradients(graph) if graph.quantities[name].role is not Role.TARGET]
    backward = tuple(gradient_chains(scene, names))
    yield Section(message("title.matrix_forward"), tuple(Display((chain,)) for chain in forward))
    yield Section(message("title.matrix_backward"), tuple(Display((chain,)) for chain in backward))


def _forward(scene: Scene, graph: Graph) -> Iterator[Chain]:
    for equation in graph.equations:
        quantity = graph.quantities[equation.name]
        formula = as_arrays(graph, equation.formula)
        if graph.samples is not None and not quantity.batched:
            formula = OverSamples(formula, graph.samples)
        steps = [Step(Relation.EQUAL, shaped(graph, formula))]
        steps += _numbers(scene, quantity, Tone.FORWARD)
        yield Chain(Name(equation.name), tuple(steps))


def gradient_chains(scene: Scene, wanted: Sequence[str]) -> Iterator[Chain]:
    """Yield the gradient of each wanted array as a formula between arrays, with its value."""
    graph = scene.derivation.graph
    for name, shares in matrices.gradients(graph).items():
        quantity = graph.quantities[name]
        if not shares or name not in wanted:
            continue
        formula = gradient_formula(shares)
        if not quantity.batched and any(graph.quantities[source].batched for source, _ in shares):
            formula = OverSamples(formula, graph.samples or 1)
        delta = scene.notation.delta(name)
        steps = [] if delta is None else [Step(Relation.EQUAL, Gradient(name))]
        steps.append(Step(Relation.EQUAL, shaped(graph, formula)))
        steps += _numbers(scene, quantity, Tone.BACKWARD)
        yield Chain(Adjoint(name), tuple(steps))


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
        if isinstance(part, Name | Adjoint):
            shape = graph.shapes[part.name]
            return Shaped(part, shape) if shape else part
        return part if isinstance(part, Indexed) and shape_of(part, graph.shapes, "") == () else None

    return rewrite(formula, change)


def _numbers(scene: Scene, quantity: Quantity, tone: Tone) -> list[Step]:
    """Return the value of an array as a step; none without numbers, for a batch, or for a large array."""
    rows = grid_rows(scene, quantity)
    if (
        scene.values is None
        or quantity.batched
        or len(rows) * len(rows[0]) > LARGEST_GRID
        or len(rows[0]) > WIDEST_GRID
    ):
        return []
    read = scene.value if tone is Tone.FORWARD else scene.slope
    shown = tuple(tuple(_shown(scene, read(element), tone) for element in row) for row in rows)
    exact = all(number.exact for row in shown for number in row)
    body: Node = shown[0][0] if not quantity.shape else Grid(shown)
    return [Step(Relation.EQUAL if exact else Relation.ABOUT, body, opens=True)]


def _shown(scene: Scene, value: Value, tone: Tone) -> Shown:
    return show(value, scene.style, tone=tone)


def grid_rows(scene: Scene, quantity: Quantity) -> list[list[str]]:
    """Return the elements of an array as rows: a vector is one column, or one row where samples are rows."""
    if not quantity.shape:
        return [[quantity.name]]
    if len(quantity.shape) == 1:
        elements = quantity.elements()
        return [list(elements)] if scene.derivation.problem.layout == "row" else [[element] for element in elements]
    width = quantity.shape[1]
    flat = [quantity.element(index) for index in indices_of(quantity.shape)]
    return [flat[start : start + width] for start in range(0, len(flat), width)]
