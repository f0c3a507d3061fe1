"""Sections 2 to 7 of a solution: forward pass, loss, backward pass, update, and what the step did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from symbackprop.algebra.formula import Name
from symbackprop.descent.epochs import MOST_ROWS
from symbackprop.descent.solution import DescentStep, Solution
from symbackprop.descent.update import Change, Parameters, trained
from symbackprop.document.blocks import Block, Chain, Display, Inline, Listing, Paragraph, Section, Table
from symbackprop.document.calculation.numerals import show
from symbackprop.document.chain_rule import detail
from symbackprop.document.chain_rule.chains import forward, parameters_of
from symbackprop.document.chain_rule.scene import Scene, layer_name
from symbackprop.document.display_nodes import Tone
from symbackprop.document.matrix_form import matrix
from symbackprop.document.notes.explanations import Lesson
from symbackprop.document.sections import gate_by_gate, optimizer_states, sequential_updates, short_form
from symbackprop.document.sections.local_derivatives import local_derivatives
from symbackprop.document.sections.renumbering import batch_sentence, of_batch
from symbackprop.document.sections.updates import (
    array_updates,
    joint_update,
    rate_lines,
    rules,
    stopped_sentence,
    update_blocks,
    verdict,
)
from symbackprop.graph.quantities import DATA_LOSS, PENALTY
from symbackprop.graph.scalars import Scalar
from symbackprop.messages import Message, message

_BESIDE = 2
"""So often a table of results stands beside itself at most."""

MOST_PREDICTIONS = 4
"""Of more outputs, over all samples, the table of updates shows none; of more inputs that of samples shows none."""


def step_sections(scene: Scene, step: DescentStep | None, lesson: Lesson, *, derives: bool = True) -> Iterator[Section]:
    """Yield forward pass, loss, backward pass and update of one step; None: only the symbols, for want of numbers.

    They are explained as far as the lesson goes; `derives` adds the derivatives of activations and loss.
    """
    sections = lesson.explained(tuple(_step_sections(scene, step, derives=derives)), scene, step)
    if step is None or step.batch is None:
        yield from sections
        return
    opening, *others = of_batch(step.batch, tuple(sections))
    yield replace(opening, blocks=(batch_sentence(step.batch), *opening.blocks))
    yield from others


def later_section(title: Message, scene: Scene, step: DescentStep) -> Section:
    """Return a step after the first of a short document."""
    section = Section(title, tuple(short_form.later_step(scene, step)))
    if step.batch is None:
        return section
    (found,) = of_batch(step.batch, (section,))
    return replace(section, blocks=(batch_sentence(step.batch), *found.blocks))


def _step_sections(scene: Scene, step: DescentStep | None, *, derives: bool) -> Iterator[Section]:
    is_network = bool(scene.derivation.graph.layers)
    yield Section(message("title.forward"), *_values(scene, in_arrays=True))
    if is_network:
        yield Section(message("title.loss"), tuple(_loss(scene)))
    if derives and not scene.is_short:
        derived = local_derivatives(scene)
        yield from [derived] if derived.blocks else []  # functions that stay symbols have nothing to derive
    backward = _backward if is_network else gate_by_gate.backward_sections
    yield Section(
        message("title.backward"),
        tuple(_kinks(step)),
        detail.explained_once(scene, tuple(backward(scene))),
    )
    if step is not None and step.change is not None:
        yield _update(scene, step.change)


def _update(scene: Scene, change: Change) -> Section:
    title, rate = message("title.update"), rate_lines(scene, change)
    if change.passes:
        opening = (*rate, Paragraph(message("sequential.opening")))
        return Section(title, opening, tuple(sequential_updates.sections(scene, change)))
    blocks = (*rate, *update_blocks(scene, change, scene.derivation.parameters))
    return Section(title, (*blocks, *_together(scene, change)))


def _together(scene: Scene, change: Change) -> Iterator[Block]:
    """Yield the update between arrays, or of few numbers as a vector, by an optimizer of one line."""
    if scene.chosen is not None or not scene.numbers_in_arrays:
        return
    chains = joint_update(scene, change)
    if scene.derivation.graph.layers:
        arrays = {q.name for q in scene.derivation.parameters if detail.count(q) > 1}
        chains = (chain for chain in array_updates(scene, change) if chain.name in arrays and len(chain.steps) > 1)
    if found := tuple(chains):
        yield Paragraph(message("text.in_matrix_form"))
        yield Display(found)


def matrix_sections(solution: Solution, scenes: Sequence[Scene], lesson: Lesson) -> Iterator[Section]:
    """Yield the update of every step between arrays, and the summary."""
    made = list(zip(scenes, solution.steps, strict=True))
    parts = [
        lesson.explained((_update_of_arrays(scene, step.change),), scene, step) if step.change is not None else ()
        for scene, step in made
    ]
    for number, part in enumerate(parts, start=1):
        yield from (
            part if len(made) == 1 or not part else [Section(message("title.step", number=number), sections=part)]
        )
    if made:
        yield from lesson.explained((summary_section(scenes, solution, most=detail.MOST_ROWS),), scenes[0])


def _update_of_arrays(scene: Scene, change: Change) -> Section:
    """Return an update between arrays, with the states of the optimizer where there are few."""
    notes: list[Block] = [Paragraph(message("sequential.opening"))] if change.passes else []
    elements = list(change.lines)
    if elements and len(change.lines[elements[0]]) > 1:
        notes += [Paragraph(message("text.by_entry")), Listing(tuple(rules(scene)))]
    states = optimizer_states.states(scene, change) if len(elements) <= detail.MOST_ROWS else ()
    return Section(
        message("title.update"),
        (*rate_lines(scene, change), *notes, *states, Display(tuple(array_updates(scene, change)))),
    )


def _values(scene: Scene, *, in_arrays: bool = False) -> tuple[tuple[Block, ...], tuple[Section, ...]]:
    """Return the forward pass: by layers, gates or samples, or where it is short without any parts."""
    if scene.is_short:
        return tuple(short_form.values(scene, with_loss=not scene.writes_anything)), ()
    if not scene.derivation.graph.layers:
        return (), tuple(gate_by_gate.forward_sections(scene))
    return (), tuple(_forward(scene, in_arrays=in_arrays))


def _forward(scene: Scene, *, in_arrays: bool = False) -> Iterator[Section]:
    """Yield the forward pass layer by layer, or sample by sample; `in_arrays` adds the same between arrays."""
    others: list[Scalar] = []
    for sample in scene.samples:
        parts = []
        if scene.chosen is not None and sample not in (None, 1):
            others += [
                Scalar(name, sample)
                for layer in scene.derivation.graph.layers
                for array in (layer.pre_activation, *layer.pieces, layer.activation)
                for name in array.elements()
            ]
            continue
        for layer in scene.derivation.graph.layers:
            names = [name for unit in layer.units for name in unit]
            blocks = tuple(detail.value_blocks(scene, [Scalar(name, sample) for name in names]))
            if in_arrays and sample is None:
                blocks = (*blocks, *matrix.layer_values(scene, layer))
            parts.append(Section(layer_name(scene, layer.number), blocks))
        if sample is None:
            yield from parts
        else:
            blocks = tuple(block for part in parts for block in part.blocks)
            yield Section(message("title.sample", number=sample), blocks)
    if others:
        yield Section(message("detail.samples"), tuple(detail.values_of(scene, others)))
    together = tuple(matrix.values_of_samples(scene)) if in_arrays else ()
    if together:
        yield Section(message("title.samples_at_once"), together)


def _loss(scene: Scene) -> Iterator[Block]:
    graph = scene.derivation.graph
    # With a penalty and no batch, the loss that compares outputs with targets is one part of the whole loss.
    is_part = graph.data_loss == DATA_LOSS
    own = [] if is_part else [graph.quantities[graph.data_loss]]
    shown, others = detail.split(scene, list(graph.scalars(*graph.loss_pieces, *own)))
    lines = (*(forward(scene, *each) for each in shown), *_whole_loss(scene))
    if others:
        yield Display(lines[: len(shown)])
        yield from detail.values_of(scene, others)
        lines = lines[len(shown) :]
    yield Display(lines)


def _whole_loss(scene: Scene) -> Iterator[Chain]:
    parts = [name for name in (DATA_LOSS, PENALTY) if name in scene.derivation.equations]
    yield from (forward(scene, name) for name in parts)
    if scene.derivation.graph.samples is not None or PENALTY in parts:
        yield forward(scene, scene.derivation.graph.output)


def _kinks(step: DescentStep | None) -> Iterator[Block]:
    if step is not None and step.kinks:
        places = tuple(Name(kink.name, kink.sample) for kink in step.kinks)
        yield Paragraph(message("text.kinks", places=places))


def _backward(scene: Scene) -> Iterator[Section]:
    graph = scene.derivation.graph
    if graph.loss_pieces:
        names = [name for piece in reversed(graph.loss_pieces) for name in piece.elements()]
        scalars = [Scalar(name, sample) for sample in scene.samples for name in names]
        yield Section(message("title.loss"), tuple(detail.gradient_blocks(scene, scalars)))
    for layer in reversed(graph.layers):
        yield Section(layer_name(scene, layer.number), tuple(matrix.layer_gradients(scene, layer)))
    if scene.chosen is None and (found := tuple(matrix.input_gradients(scene))):
        yield Section(message("title.inputs"), found)


def after_section(scene: Scene, solution: Solution) -> Section:
    """Return the section that shows the forward pass with the new parameters, the loss before and after, further steps."""
    count = len(solution.steps)
    closing = (Paragraph(verdict(solution)), *stopped_sentence(solution))
    further = () if len(solution.losses) <= count + 1 else (_further(scene, solution),)
    blocks, shown = _values(scene)
    title = message("title.after") if count == 1 else message("title.after_step", number=count)
    if scene.is_short:
        return Section(title, (*blocks, *closing), further)
    if not scene.derivation.graph.layers:
        ending = Section(message("title.output"), closing)
    else:
        ending = Section(message("title.loss"), (*_loss(scene), *closing))
    return Section(title, blocks, (*shown, ending, *further))


def _further(scene: Scene, solution: Solution) -> Section:
    """Return the table of the descent: losses, few outputs and parameters; then what the network predicts at the end."""
    outputs = _outputs(scene)
    learned = tuple(trained(solution.derivation)) if solution.places[0] else ()
    columns = [Name(name, sample) for sample in scene.samples for name in outputs]
    if len(columns) > MOST_PREDICTIONS:
        columns = []
    names = (*map(Name, learned), *columns, Name(scene.derivation.graph.output))
    header: tuple[Inline, ...] = (message("column.updates"), *names)
    rows: list[tuple[Inline, ...]] = []
    for count in _rows_shown(solution):
        predictions = solution.predictions[count] if columns else ()
        numbers = (*solution.places[count], *predictions, solution.losses[count])
        rows.append((str(count), *(show(value, scene.style) for value in numbers)))
    table = Table(header, tuple(rows), (True,) * len(header), _BESIDE)
    final = _final_predictions(scene, solution) if outputs and scene.derivation.graph.samples is not None else ()
    return Section(message("title.further"), (table, *final))


def _rows_shown(solution: Solution) -> list[int]:
    """Return the numbers of updates of the table: those whose numbers are kept; of many not asked for, the last."""
    training = solution.problem.training
    assert training is not None
    known = sorted(solution.places)
    return known[-MOST_ROWS:] if training.steps_shown is None else known


def _outputs(scene: Scene) -> tuple[str, ...]:
    prediction = scene.derivation.graph.prediction
    return () if prediction is None else prediction.elements()


def _final_predictions(scene: Scene, solution: Solution) -> Iterator[Block]:
    """Yield the table of the samples: inputs (if they are few), outputs after the last update, targets."""
    graph, outputs = scene.derivation.graph, _outputs(scene)
    inputs = graph.units(0).elements() if len(graph.units(0).elements()) <= MOST_PREDICTIONS else ()
    targets = tuple(graph.targets.values())
    last = len(solution.losses) - 1
    found = solution.predictions[last]
    rows: list[tuple[Inline, ...]] = []
    for position, sample in enumerate(scene.samples[:MOST_ROWS]):
        predicted = found[position * len(outputs) : (position + 1) * len(outputs)]
        given, wanted = ([scene.shown(name, sample) for name in names] for names in (inputs, targets))
        rows.append((str(sample), *given, *(show(value, scene.style) for value in predicted), *wanted))
    header: tuple[Inline, ...] = (message("column.sample"), *map(Name, (*inputs, *outputs, *targets)))
    yield Paragraph(message("rates.predictions", count=last))
    yield Table(header, tuple(rows), (True,) * len(header))
    if len(scene.samples) > MOST_ROWS:
        yield Paragraph(message("train.more", count=len(scene.samples) - MOST_ROWS))


def summary_section(scenes: Sequence[Scene], solution: Solution, *, most: int | None = None) -> Section:
    """Return the tables of every parameter, its gradient and its new value, step by step: the answer key at a glance.

    Of more than `most` parameters it has the first few of each array.
    """
    title = message("title.summary")
    if len(scenes) == 1:
        updates = len(solution.losses) - 1
        of_several = (Paragraph(message("text.first_step", count=updates)),) if updates > 1 else ()
        return Section(title, (*of_several, _summary(scenes[0], solution.steps[0].updated, most)))
    tables = [_summary(scene, step.updated, most) for scene, step in zip(scenes, solution.steps, strict=True)]
    steps = (Section(message("title.step", number=number), (table,)) for number, table in enumerate(tables, start=1))
    return Section(title, sections=tuple(steps))


def _summary(scene: Scene, new: Parameters | None, most: int | None) -> Table:
    header = [message(f"column.{name}") for name in ("parameter", "value", "gradient", "new")]
    rows: list[tuple[Inline, ...]] = []
    for element in _listed(scene, most):
        if element is None:
            rows.append((detail.OMITTED,) * (len(header) - (new is None)))
            continue
        gradient = show(scene.gradient(element), scene.style, tone=Tone.BACKWARD)
        row: tuple[Inline, ...] = (Name(element), scene.shown(element), gradient)
        if new is not None:
            row = (*row, show(new[element], scene.style, written=scene.written(element)))
        rows.append(row)
    columns = len(header) - (new is None)
    return Table(tuple(header[:columns]), tuple(rows), (False, True, True, True)[:columns], _BESIDE)


def _listed(scene: Scene, most: int | None) -> Iterator[str | None]:
    """Yield the parameters of the summary; of more than `most` the first few of each array, None for those between."""
    elements = parameters_of(scene.derivation.parameters)
    if most is None or len(elements) <= most:
        yield from elements
        return
    for quantity in scene.derivation.parameters:
        yield from detail.some(parameters_of([quantity]), 0)
