"""Solutions of computation graphs: every gate with its value and its gradient, every fork with the sum over its paths."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from symbackprop.algebra.array_operations import axis_of, operation_of
from symbackprop.algebra.formula import ONE, Apply, Name, Number, Quotient, walk
from symbackprop.algebra.functions import EXTREMES
from symbackprop.algebra.shapes import shape_of
from symbackprop.algebra.shorthands import HALF, tied
from symbackprop.document.blocks import Block, Chain, ChainStep, Display, Inline, Listing, Relation, Section, Table
from symbackprop.document.chain_rule import detail
from symbackprop.document.chain_rule.chains import row_length
from symbackprop.document.chain_rule.formulas import formula_display
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.display_nodes import Gradient, Total
from symbackprop.document.matrix_form.matrix import array_formula
from symbackprop.document.sections import conventions, optimizer_states
from symbackprop.document.sections import updates as updates_of
from symbackprop.document.sections.statement import Parts, given_number
from symbackprop.graph.quantities import INNER, Equation, Quantity, Role
from symbackprop.graph.scalars import Scalar
from symbackprop.messages import Message, message

_BESIDE = 3
"""So often a table of given numbers stands beside itself at most."""

_SIDE_BY_SIDE = 3
"""So many equations stand in a row while they are short."""

_SHORT = 2
"""Formulas of at most this many paths stand side by side."""


def _equations(scene: Scene) -> Iterator[Block]:
    chains: list[Chain] = []
    for equation in scene.derivation.graph.equations:
        if scene.derivation.graph.quantities[equation.name].kind != INNER:
            folded = () if equation.folded is None else (replace(equation, formula=equation.folded),)
            formulas = (array_formula(scene, each) for each in (*folded, equation))
            steps = tuple(ChainStep(Relation.EQUAL, formula) for formula in formulas)
            chains.append(Chain(Name(equation.name), steps))
            chains += _softmax_entry(scene, equation)
    yield Display(tuple(chains), _SIDE_BY_SIDE)


def _softmax_entry(scene: Scene, equation: Equation) -> Iterator[Chain]:
    """Yield an entry of the softmax of a named matrix, taken over each row or each column."""
    formula, graph = equation.formula, scene.derivation.graph
    if not isinstance(formula, Apply) or formula.function != "softmax" or not isinstance(formula.arguments[0], Name):
        return
    argument = graph.quantities[formula.arguments[0].name]
    if len(argument.shape) != len("ij") or argument.kind == INNER:
        return
    axis = axis_of(formula, len(argument.shape), "")
    other = ["k" if place == axis else letter for place, letter in enumerate("ij")]
    powers = [Apply("exp", (Name(argument.at(*letters)),)) for letters in ("ij", other)]
    whole = Total(powers[1], "k", argument.shape[axis or 0])
    entry = Name(graph.quantities[equation.name].at(*"ij"))
    yield Chain(entry, (ChainStep(Relation.EQUAL, Quotient(powers[0], whole)),))


def _given(scene: Scene) -> Iterator[Table]:
    header = tuple(message(f"column.{name}") for name in ("quantity", "meaning", "value"))
    graph = scene.derivation.graph
    rows: list[tuple[Inline, ...]] = []
    for roles in ((Role.PARAMETER,), (Role.INPUT, Role.TARGET)):
        quantities = graph.of_role(*roles)
        most = detail.most_of(quantities)
        rows += [
            (detail.OMITTED,) * 3
            if element is None
            else (Name(element, sample), message(f"role.{quantity.role.value}"), given_number(scene, element, sample))
            for quantity in quantities
            for sample in graph.samples_of(quantity)
            for element in detail.some(quantity.elements(), most)
        ]
    if rows:
        yield Table(header, tuple(rows), (False, False, True), _BESIDE)


def _conventions(scene: Scene) -> Iterator[Message]:
    graph, model = scene.derivation.graph, scene.derivation.problem.model
    output = Name(graph.output)
    first = next(name for name in scene.derivation.links if name != graph.output)
    yield message("convention.gate", gradient=Gradient(first), output=output)
    yield from conventions.pieces_sentence(graph)
    yield from conventions.rows_sentence(graph)
    if graph.samples is not None:
        yield conventions.samples_sentence(scene, model.reduction)
    terms = [term for equation in scene.derivation.elements.equations for term in equation.terms]
    parts = [part for term in terms for part in walk(term.form.formula)]
    extremes = [part for part in parts if isinstance(part, Apply) and part.function in EXTREMES]
    beside = [part for part in extremes if tied(part, HALF) != tied(part, ONE.value)]
    if len(extremes) > len(beside):
        yield message("convention.tie")
    if any(isinstance(part, Apply) and part.function == "abs" for part in parts):
        yield message("convention.abs_at_zero")
    if beside:
        at_zero = model.relu_derivative_at_zero
        yield message("convention.beside_constant", value=Number(at_zero), rest=Number(1 - at_zero))
    if any(isinstance(part, Apply) and part.function == "relu" for part in parts):
        value = Number(model.relu_derivative_at_zero)
        yield message("convention.relu_at_zero", value=value)
    yield from conventions.branch_sentences(scene)
    operations = [operation_of(part) for equation in graph.equations for part in walk(equation.formula)]
    taken = [part for each in graph.equations for part in walk(each.formula) if isinstance(part, Apply)]
    softmax = next((part for part in taken if part.function == "softmax" and part.axis is not None), None)
    if softmax is not None:
        axis = axis_of(softmax, len(shape_of(softmax.arguments[0], graph.shapes, "")), "")
        yield message("convention.softmax_of_columns" if axis == 0 else "convention.softmax_of_rows", formula=softmax)
    if any(row is not None and row.source is not None for row in operations):
        yield message("convention.rearranged")
    yield from updates_of.conventions(scene)
    yield message("convention.digits", digits=scene.derivation.problem.notation.digits)


def _at_a_glance(scene: Scene) -> Iterator[Display]:
    """Yield the gradients as formulas, the elements of a row side by side while they are short."""
    order = backward_order(scene)
    is_large = detail.automatic(scene.derivation) == (detail.MATRIX,)

    def group(name: str) -> str:
        """Return what has a display of its own: an array, a scalar of several paths, all short scalars together."""
        quantity = scene.notation.locate(name)[0]
        return "" if not quantity.shape and len(scene.derivation.links[name]) == 1 else quantity.name

    for name, elements in itertools.groupby(order, group):
        names = list(elements)
        if is_large and name and len(names) > detail.MOST_LINES:
            names = names[:1]  # all entries are found alike
        short = all(len(scene.derivation.links[name]) <= _SHORT for name in names)
        length = row_length(scene, scene.derivation.graph.quantities[name]) if name else _SIDE_BY_SIDE
        yield formula_display(scene, names, length if short else 1)


PARTS: Parts = {
    "title.graph": _equations,
    "title.given": lambda scene: (*_given(scene), *optimizer_states.given_states(scene)),
    "title.conventions": lambda scene: (Listing(tuple(_conventions(scene))),),
    "title.formulas": _at_a_glance,
}
"""The sections of a statement that every graph has, by their titles."""


def backward_order(scene: Scene) -> list[str]:
    """Return the quantities whose gradients are shown: gates from the output back, then parameters, then inputs."""
    links, graph = scene.derivation.links, scene.derivation.graph
    computed = [graph.quantities[equation.name] for equation in reversed(graph.equations)]
    shown = (*computed, *graph.of_role(Role.PARAMETER, Role.INPUT))
    return [element for quantity in shown for element in quantity.elements() if links.get(element)]


def forward_sections(scene: Scene) -> Iterator[Section]:
    """Yield the forward values, equation by equation; in a batch sample by sample."""
    graph = scene.derivation.graph
    computed = [graph.quantities[equation.name] for equation in graph.equations]
    batched = [quantity for quantity in computed if quantity.batched]
    shared = [quantity for quantity in computed if not quantity.batched]
    if not batched:
        yield Section(message("title.gates"), tuple(_forward(scene, shared, None)))
        return
    for sample in scene.samples:
        yield Section(message("title.sample", number=sample), tuple(_forward(scene, batched, sample)))
    yield Section(message("title.all_samples"), tuple(_forward(scene, shared, None)))


def _forward(scene: Scene, quantities: list[Quantity], sample: int | None) -> Iterator[Block]:
    for quantity in quantities:
        yield from detail.value_blocks(scene, [Scalar(name, sample) for name in quantity.elements()])


def backward_sections(scene: Scene) -> Iterator[Section]:
    """Yield the gradients: gates from the output back, then the leaves."""
    groups: dict[str, list[list[Scalar]]] = {"gates": [], "parameters": [], "inputs": []}
    for quantity, elements in itertools.groupby(backward_order(scene), lambda name: scene.notation.locate(name)[0]):
        group = {Role.PARAMETER: "parameters", Role.INPUT: "inputs"}.get(quantity.role, "gates")
        samples = scene.derivation.graph.samples_of(quantity)
        groups[group].append([Scalar(name, sample) for name in elements for sample in samples])
    for group, arrays in groups.items():
        # Short lines share displays and tables, whatever array they are of.
        parts = [list(itertools.chain(*arrays))] if scene.is_short and arrays else arrays
        if blocks := tuple(block for scalars in parts for block in detail.gradient_blocks(scene, scalars)):
            yield Section(message(f"title.{group}"), blocks)
