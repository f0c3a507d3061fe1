"""Section 1 of a solution: the problem, the symbols, the count of parameters, all formulas, the loop."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from symbackprop.algebra import functions
from symbackprop.algebra.formula import ONE, Apply, Name, Node, Number, Slot, added, fill, names
from symbackprop.algebra.functions import has_branches, has_step
from symbackprop.arithmetic.exact import evaluate
from symbackprop.document.blocks import (
    Block,
    Chain,
    ChainStep,
    Display,
    Inline,
    Listing,
    Paragraph,
    Relation,
    Section,
    Table,
)
from symbackprop.document.calculation.numerals import show, shown_about
from symbackprop.document.chain_rule import detail
from symbackprop.document.chain_rule.chains import gradient_symbol, written_out
from symbackprop.document.chain_rule.factors import joined
from symbackprop.document.chain_rule.formulas import gradient_formulas
from symbackprop.document.chain_rule.penalties import penalty, strengths
from symbackprop.document.chain_rule.scene import Scene, in_symbols, layer_name
from symbackprop.document.display_nodes import Equality, Letter, OverSamples, Range, Tone
from symbackprop.document.matrix_form.array_numbers import given_arrays
from symbackprop.document.sections import batch_comparison, conventions, optimizer_states
from symbackprop.document.sections import updates as updates_of
from symbackprop.document.sections.composed_network import composed
from symbackprop.document.sections.fused_loss import out_of_range
from symbackprop.graph.notation import Symbol
from symbackprop.graph.quantities import PENALTY, Quantity, Role
from symbackprop.graph.scalars import Scalar
from symbackprop.messages import Message, message

Parts = Mapping[str, Callable[[Scene], Iterable[Block]]]
"""The sections of a statement, by their titles."""

_NOT_GIVEN = "–"

_SIDE_BY_SIDE = 3
"""So many definitions stand in a row."""

_MOST_LISTED = 6
_BESIDE = 2
"""So often the table of parameters stands beside itself at most."""

_MOST_SYMBOLS, _MOST_JOINED = 12, 4
"""Of more symbols, those of so many units stand in one row."""

FORMULAS = "title.formulas"
"""The title of the list of all formulas."""


def statement(scene: Scene, parts: Parts, updates: int, formulas: str | None = FORMULAS) -> Section:
    """Return the section that states the problem; `updates` is the number of updates that are made.

    `formulas` is the title of the list of formulas; without one there is no list.
    """
    titles = ((formulas if title == FORMULAS else title, part) for title, part in parts.items())
    subsections = [Section(message(title), tuple(part(scene))) for title, part in titles if title is not None]
    if scene.derivation.problem.training:
        subsections.append(Section(message("title.loop"), (loop(scene, updates),)))
    side_by_side = batch_comparison.batch_section(scene) if scene.derivation.graph.layers else None
    if side_by_side is not None:
        subsections.append(side_by_side)
    return Section(message("title.problem"), sections=tuple(subsections))


def _elements(quantity: Quantity) -> list[Node]:
    return [Name(element) for element in quantity.elements()]


def _items(nodes: list[Node]) -> Inline:
    """Return names side by side, the middle left out of a long list."""
    if len(nodes) > _MOST_LISTED:
        return Range(nodes[0], nodes[-1])
    return message("text.items", items=tuple(nodes))


@in_symbols
def _network(scene: Scene) -> tuple[Block, ...]:
    graph, problem = scene.derivation.graph, scene.derivation.problem
    header = tuple(message(f"column.{name}") for name in ("layer", "units", "activation", "bias"))
    rows: list[tuple[Inline, ...]] = [(layer_name(scene, 0), _items(_elements(graph.units(0))), "", "")]
    for number, layer in enumerate(problem.network.layers, start=1):
        bias = message(f"bias.{layer.bias}")
        units = _items(_elements(graph.units(number)))
        activation = layer.activation if layer.body else message(f"activation.{layer.activation}")
        rows.append((layer_name(scene, number), units, activation, bias))
    layers = Table(header, tuple(rows), (False,) * 4)
    whole = tuple(composed(scene))
    definitions = Display((*_activations(scene), _loss(scene)), _SIDE_BY_SIDE)
    return (layers, definitions, Display(whole)) if whole else (layers, definitions)


def _activations(scene: Scene) -> Iterator[Chain]:
    """Yield the definition of each activation in use, once."""
    seen = set()
    for number, layer in enumerate(scene.derivation.problem.network.layers, start=1):
        if (layer.activation, layer.settings, layer.body) in seen:
            continue
        seen.add((layer.activation, layer.settings, layer.body))
        equation = scene.derivation.equations[scene.derivation.graph.units(number).at(1)]
        formula = equation.formula()
        if scene.derivation.graph.layers[number - 1].pieces:
            formula = Apply(layer.activation, (Letter(Symbol("z")),), body=layer.body)
        if not isinstance(formula, Apply):
            continue
        if functions.is_vector(formula.function):
            body: Node | None = written_out(scene.derivation.graph, formula)
            left: Node = Name(equation.name)
        else:
            left = replace(formula, arguments=(Letter(Symbol("z")),))
            body = functions.expanded(left)
        if body is not None:
            yield Chain(left, (ChainStep(Relation.EQUAL, detail.shortened(body, scene.derivation.graph)),))


def _loss(scene: Scene) -> Chain:
    graph = scene.derivation.graph
    name = graph.sample_loss
    formula = detail.shortened(scene.derivation.equations[name].formula(), graph)
    return Chain(Name(name), (ChainStep(Relation.EQUAL, formula),))


def _parameters(scene: Scene) -> Table:
    header = tuple(message(f"column.{name}") for name in ("parameter", "from", "to", "value"))
    most = detail.most_of(scene.derivation.parameters)
    rows = [row for quantity in scene.derivation.parameters for row in _parameter_rows(scene, quantity, most)]
    return _of_given(Table(header, tuple(rows), (False, False, False, True), _BESIDE))


def _matrices(scene: Scene) -> Iterator[Block]:
    """Yield the parameters in their places, as the layers read them."""
    chains = tuple(given_arrays(scene))
    if chains:
        yield Display(chains, len(("weights", "biases")))


def _of_given(table: Table) -> Table:
    """Return a table without its last column, that of the numbers given, where none is."""
    if any(row[-1] not in (_NOT_GIVEN, detail.OMITTED) for row in table.rows):
        return table
    rows = tuple(row[:-1] for row in table.rows)
    return replace(table, header=table.header[:-1], rows=rows, numeric=table.numeric[:-1])


def _parameter_rows(scene: Scene, quantity: Quantity, most: int) -> Iterator[tuple[Inline, ...]]:
    layer = quantity.layer or 0
    for element in detail.some(quantity.elements(), most):
        if element is None:
            yield (detail.OMITTED,) * 4
            continue
        _, index = scene.notation.locate(element)
        value = given_number(scene, element)
        if quantity.kind == "weight":
            start: Inline = Letter(scene.notation.unit(layer - 1, index[1]))
            end: Inline = Letter(scene.notation.unit(layer, index[0]))
        else:
            start = message(f"kind.{quantity.kind}")
            units = scene.derivation.graph.units(layer)
            end = Letter(scene.notation.unit(layer, index[0])) if index else _items(_elements(units))
        yield Name(element), start, end, value


def _data(scene: Scene) -> Table:
    graph = scene.derivation.graph
    quantities = graph.of_role(Role.INPUT, Role.TARGET)
    most = detail.MOST_COLUMNS if graph.samples else detail.most_of(quantities)
    columns = [name for quantity in quantities for name in detail.some(quantity.elements(), most)]
    if graph.samples is None:
        header = (message("column.quantity"), message("column.meaning"), message("column.value"))
        rows = [
            (detail.OMITTED,) * 3 if name is None else (Name(name), _meaning(scene, name), given_number(scene, name))
            for name in columns
        ]
        return _of_given(Table(header, tuple(rows), (False, False, True), _BESIDE))
    batch_header = [detail.OMITTED if name is None else _column(scene, name) for name in columns]
    batch_rows = [
        (str(sample or detail.OMITTED), *(_of_sample(scene, name, sample) for name in columns))
        for sample in detail.some(scene.samples, detail.MOST_ROWS)
    ]
    return Table((message("column.sample"), *batch_header), tuple(batch_rows), (True,) * (1 + len(columns)))


def _column(scene: Scene, name: str) -> Inline:
    """Return what stands above the numbers of an input or a target: its symbol, with its name where it has one."""
    is_named = scene.notation.quantity(name).kind == "input" and scene.derivation.problem.network.input_names
    return message("column.named_input", symbol=Name(name), name=_meaning(scene, name)) if is_named else Name(name)


def _of_sample(scene: Scene, name: str | None, sample: int | None) -> Inline:
    return detail.OMITTED if name is None or sample is None else given_number(scene, name, sample)


def given_number(scene: Scene, name: str, sample: int | None = None) -> Inline:
    """Return a number of the problem as a table shows it: as written, marked if it is rounded, a dash if it is left out."""
    given = scene.given.get(Scalar(name, sample))
    return _NOT_GIVEN if given is None else shown_about(given.value, scene.style, given.text)


def _meaning(scene: Scene, name: str, *others: str) -> Message:
    """Return what a quantity, or what several of one array are."""
    quantity, index = scene.notation.locate(name)
    position = index[0] if index else 1
    if quantity.kind == "input":
        given = scene.derivation.problem.network.input_names
        return (
            message("meaning.named_input", name=given[position - 1]) if given else message("meaning.input", k=position)
        )
    graph, problem = scene.derivation.graph, scene.derivation.problem
    if quantity.kind == "loss" and graph.joins_samples:
        is_one = name == graph.sample_loss
        return message("meaning.sample_loss" if is_one else f"meaning.loss_{problem.network.reduction}")
    layer = layer_name(scene, quantity.layer or 0)
    if others:
        return message(f"meaning.{quantity.kind}s", layer=layer)
    return message(f"meaning.{quantity.kind}", k=position, layer=layer)


def _conventions(scene: Scene) -> Iterator[Message]:
    problem = scene.derivation.problem
    yield from conventions.notation_sentences(scene)
    yield message(f"convention.{problem.layout}")
    yield conventions.backward_sentence(scene.notation)
    yield from conventions.pieces_sentence(scene.derivation.graph)
    if problem.samples is not None:
        yield conventions.samples_sentence(scene, problem.network.reduction)
    yield from _kinks(scene)
    yield from conventions.branch_sentences(scene)
    yield from out_of_range(scene)
    if problem.network.regularization is not None:
        output = scene.derivation.graph.output
        yield message("convention.penalty", loss=Equality(Name(output), scene.derivation.equations[output].formula()))
    policy = problem.notation.round_intermediates
    if policy is not None:
        places = message("convention.significant" if policy.significant else "convention.decimals", count=policy.digits)
        yield message("convention.rounded", places=places)
    if problem.training and problem.training.update == "sequential":
        yield message("convention.sequential")
    yield from updates_of.conventions(scene)
    yield message("convention.digits", digits=problem.notation.digits)
    if scene.values is not None and scene.values.has_negligible:
        yield message("convention.negligible")
    if problem.training and problem.training.frozen:
        frozen = [Name(name) for name in problem.parameter_shapes() if name in problem.training.frozen]
        yield message("convention.frozen", names=_items(list(frozen)))


def _kinks(scene: Scene) -> Iterator[Message]:
    """Yield what is taken for the derivative of each activation in use at the kink of its formula, once."""
    applied = [equation.terms[0].form for equation in scene.derivation.elements.equations if equation.terms[0].values]
    unary = [form for form in dict.fromkeys(applied) if form.arity == 1 and not has_branches(form.formula)]
    kinked = [form for form in unary if form.kinks]
    z = Letter(Symbol("z"))
    if any(has_step(form.partial(0).formula(has_values=True)) for form in unary):
        yield message("convention.step", step=Apply("step", (z,)))
    for form in kinked:
        at_zero = evaluate(form.partial(0).plain, lambda part: Fraction(0) if isinstance(part, Slot) else None)
        yield message("convention.kink", function=fill(form.formula, (z,)), value=show(at_zero, scene.style))


def _symbols(scene: Scene) -> Table:
    """Return what the symbols of computed quantities and settings mean; their formulas stand where they are used."""
    listed = _listed(scene)
    has_value = scene.derivation.graph.samples is None and scene.values is not None
    rows: list[tuple[Inline, ...]] = []
    # An array of a few units has one row, where there are many.
    for elements in _rows_of_symbols(scene, listed, _MOST_JOINED if len(listed) > _MOST_SYMBOLS else 1):
        shown: list[Node] = [show(scene.value(name), scene.style, tone=Tone.FORWARD) for name in elements if has_value]
        rows.append(
            (_items([Name(name) for name in elements]), _meaning(scene, *elements), _items(shown) if shown else "")
        )
    rows += _errors(scene)
    rows += [
        (letter, message(f"meaning.{key}"), show(letter.value, scene.style)) for key, letter in strengths(scene).items()
    ]
    if scene.derivation.problem.training:
        rows += updates_of.symbol_rows(scene)
    header = tuple(message(f"column.{name}") for name in ("symbol", "meaning", "value"))
    columns = len(header) if any(row[-1] for row in rows) else len(header) - 1
    return Table(header[:columns], tuple(row[:columns] for row in rows), (False, False, True)[:columns], _BESIDE)


def _errors(scene: Scene) -> Iterator[tuple[Inline, ...]]:
    """Yield symbol and meaning of the errors of each layer, of many units the first; their values are still to be found."""
    for layer in scene.derivation.graph.layers:
        first, *others = layer.pre_activation.elements()
        if scene.notation.delta(first) is None:
            return
        shown = [first, *others] if len(others) < _MOST_JOINED else [first]
        meaning = message("meaning.errors" if others else "meaning.error", layer=layer_name(scene, layer.number), k=1)
        yield _items([gradient_symbol(scene, name) for name in shown]), meaning, ""


def _rows_of_symbols(scene: Scene, names: Sequence[str], most: int) -> Iterator[list[str]]:
    """Yield the elements of each array in rows: in one if there are not too many, else each in its own."""
    for _, group in itertools.groupby(names, lambda name: scene.notation.locate(name)[0].name):
        elements = list(group)
        yield from [elements] if len(elements) <= most else [[element] for element in elements]


def _listed(scene: Scene) -> list[str]:
    """Return the computed quantities in order, or one of each array where there are too many."""
    graph = scene.derivation.graph
    computed = [quantity for quantity in graph.quantities.values() if quantity.role in (Role.INTERMEDIATE, Role.OUTPUT)]
    every = [element for quantity in computed for element in quantity.elements()]
    return every if len(every) <= detail.MOST_ROWS else [quantity.elements()[0] for quantity in computed]


def _defining(scene: Scene, name: str) -> Node:
    """Return the right-hand side of an equation, with the sum over the samples where it has one."""
    graph, axis = scene.derivation.graph, scene.derivation.elements.batch_axis
    formula = written_out(graph, scene.derivation.equations[name].formula())
    if scene.notation.quantity(name).kind == PENALTY:
        formula = penalty(scene) or formula
    shortened = detail.shortened(formula, graph)
    return OverSamples(shortened, axis.size) if axis.adds(name, names(formula)) else shortened


def _count(scene: Scene) -> Message:
    """Return the number of parameters with its arithmetic."""
    shapes: dict[bool, list[tuple[int, ...]]] = {True: [], False: []}
    for quantity in scene.derivation.parameters:
        shapes[quantity.kind == "weight"].append(quantity.shape)
    weights, biases = shapes[True], shapes[False]
    if scene.derivation.graph.parameter_count == 1:
        return message("text.count_one", name=Name(scene.derivation.parameters[0].elements()[0]))
    if not biases:
        return message("text.count_weights", weights=_arithmetic(weights))
    totals = [(sum(map(math.prod, each)),) for each in (weights, biases)]
    arithmetic = {"weights": _arithmetic(weights), "biases": _arithmetic(biases), "total": _arithmetic(totals)}
    return message("text.count", **arithmetic)


def _arithmetic(products: Sequence[tuple[int, ...]]) -> Node:
    """Return the sum of products of sizes with its value; an empty product is 1."""
    factors = (tuple(Number(Fraction(size)) for size in sizes) or (ONE,) for sizes in products)
    left = added(tuple(map(joined, factors)))
    right = Number(Fraction(sum(map(math.prod, products))))
    return right if left == right else Equality(left, right)


@in_symbols
def _formulas(scene: Scene) -> tuple[Block, ...]:
    """Return every formula of the forward and the backward pass, without numbers."""
    return tuple(_forward_and_backward(scene))


def _forward_and_backward(scene: Scene) -> Iterator[Block]:
    wanted, graph = _listed(scene), scene.derivation.graph
    is_whole = max(len(wanted), graph.parameter_count) <= detail.MOST_ROWS
    if not is_whole and graph.samples is None:
        wanted.remove(graph.output)  # the loss stands above, and of the others there are examples only
    for layer, group in itertools.groupby(wanted, lambda name: scene.notation.locate(name)[0].layer):
        by_kind = [list(row) for _, row in itertools.groupby(group, lambda name: scene.notation.locate(name)[0])]
        # A row for each unit of a layer: what it adds up, and what it makes of it.
        is_even = layer is not None and len(set(map(len, by_kind))) == 1
        for row in [list(itertools.chain(*zip(*by_kind, strict=True)))] if is_even else by_kind:
            chains = [Chain(Name(name), (ChainStep(Relation.EQUAL, _defining(scene, name)),)) for name in row]
            yield Display(tuple(chains), len(by_kind) if is_even else len(chains))
    if is_whole:
        yield from gradient_formulas(scene)


PARTS: Parts = {
    "title.network": _network,
    "title.given": lambda scene: (
        _parameters(scene),
        *_matrices(scene),
        _data(scene),
        *optimizer_states.given_states(scene),
    ),
    "title.conventions": lambda scene: (Listing(tuple(_conventions(scene))),),
    "title.symbols": lambda scene: (_symbols(scene),),
    "title.count": lambda scene: (Paragraph(_count(scene)),),
    FORMULAS: _formulas,
}
"""The sections of a statement that every network has, by their titles."""


def loop(scene: Scene, updates: int) -> Listing:
    """Return the loop of the descent as a numbered algorithm."""
    has_layers = bool(scene.derivation.graph.layers)
    steps = ("forward", "loss", "backward") if has_layers else ("forward_graph", "backward_graph")
    items = [*(message(f"loop.{step}") for step in steps), *updates_of.rules(scene)]
    items.append(message("loop.repeat", steps=updates) if updates > 1 else message("loop.once"))
    return Listing(tuple(items), numbered=True)
