"""Sections 2 to 7 of a solution: forward pass, loss, backward pass, update, and what the step did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from symbackprop.document import circuit, matrix
from symbackprop.document.blocks import Block, Chain, Display, Inline, Paragraph, Section, Table
from symbackprop.document.chains import (
    LAYER_KINDS,
    Scene,
    errors_of,
    forward,
    gradient,
    layers_of,
    parameters_of,
    updated,
)
from symbackprop.document.derivatives import local_derivatives
from symbackprop.document.marks import Tone
from symbackprop.document.numerals import show
from symbackprop.document.statement import layer_name
from symbackprop.errors import message
from symbackprop.formula import Name
from symbackprop.problems import Circuit
from symbackprop.solution import Parameters, Solution, Step

MOST_ROWS = 12


def step_sections(scene: Scene, step: Step | None, *, is_first: bool = True) -> Iterator[Section]:
    """Yield forward pass, loss, backward pass and update of one step; None: only the symbols, for want of numbers."""
    is_circuit = isinstance(scene.derivation.problem.model, Circuit)
    if is_circuit:
        yield Section(message("title.forward"), sections=tuple(circuit.forward_sections(scene)))
        backward = tuple(circuit.backward_sections(scene))
    else:
        yield Section(message("title.forward"), sections=tuple(_forward(scene)))
        yield Section(message("title.loss"), (Display(tuple(_loss_chains(scene))),))
        if is_first:
            yield local_derivatives(scene)
        backward = tuple(_backward(scene, step))
    yield Section(message("title.backward"), tuple(_kinks(step)), backward)
    if step is not None and step.updated is not None:
        yield Section(message("title.update"), (_update(scene, step, step.updated),))


def _forward(scene: Scene) -> Iterator[Section]:
    layers = layers_of(scene, "pre_activation", "activation")
    for sample in scene.samples:
        parts = []
        for quantities in layers:
            units = zip(*(quantity.elements() for quantity in quantities), strict=True)
            chains = tuple(forward(scene, name, sample) for unit in units for name in unit)
            parts.append(Section(layer_name(scene, quantities[0].layer or 0), (Display(chains),)))
        if sample is None:
            yield from parts
        else:
            blocks = tuple(block for part in parts for block in part.blocks)
            yield Section(message("title.sample", number=sample), blocks)


def _loss_chains(scene: Scene) -> Iterator[Chain]:
    output = scene.derivation.graph.output
    for sample in scene.samples:
        if sample is not None or "penalty" not in scene.derivation.equations:
            yield forward(scene, output if sample is None else f"{output}@", sample)
    for name in ("data_loss", "penalty"):
        if name in scene.derivation.equations:
            yield forward(scene, name)
    if scene.derivation.graph.samples is not None or "penalty" in scene.derivation.equations:
        yield forward(scene, output)


def _kinks(step: Step | None) -> Iterator[Block]:
    if step is not None and step.kinks:
        places = tuple(Name(kink.name, kink.sample) for kink in step.kinks)
        yield Paragraph(message("text.kinks", places=places))


def _of_layer(scene: Scene, step: Step | None, layer: int | None) -> Scene:
    """Return the scene with the numbers that a layer was updated from: its own pass of a sequential update."""
    own = None if step is None else step.passes.get(layer or 0)
    return scene if own is None else replace(scene, values=own)


def _backward(whole: Scene, step: Step | None) -> Iterator[Section]:
    for layer in reversed(layers_of(whole, *LAYER_KINDS)):
        scene = _of_layer(whole, step, layer[0].layer)
        errors = [gradient(scene, name, sample) for sample in scene.samples for name in errors_of(scene, layer)]
        chains = errors + [gradient(scene, name) for name in parameters_of(layer)]
        blocks: list[Block] = [Display((chain,)) for chain in chains]
        names = [quantity.name for quantity in layer]
        blocks += [Paragraph(message("text.in_matrix_form")), Display(tuple(matrix.gradient_chains(scene, names)))]
        yield Section(layer_name(scene, layer[0].layer or 0), tuple(blocks))


def _update(scene: Scene, step: Step, new: Parameters) -> Display:
    frozen = scene.derivation.problem.training.frozen if scene.derivation.problem.training else frozenset()
    return Display(
        tuple(
            updated(_of_layer(scene, step, quantity.layer), element, new[element])
            for quantity in scene.derivation.parameters
            if quantity.name not in frozen
            for element in parameters_of([quantity])
        )
    )


def after_section(scene: Scene, solution: Solution) -> Section:
    """Return the section that shows the forward pass with the new parameters, the loss before and after, further steps."""
    count = len(solution.steps)
    before, after = solution.losses[count - 1], solution.losses[count]
    training = solution.problem.training
    is_descent = (
        training is not None and training.settings["learning_rate"].value > 0 and training.update != "sequential"
    )
    verdict = "fell" if after < before else "stayed" if after == before else "rose" if is_descent else "rose_on_purpose"
    output = scene.derivation.graph.output
    old = show(solution.steps[-1].values.value(output), scene.style)
    new = show(scene.value(output), scene.style)
    closing = Paragraph(message(f"text.{verdict}", loss=Name(output), before=old, after=new))
    further = () if len(solution.losses) <= count + 1 else (_further(scene, solution),)
    if isinstance(scene.derivation.problem.model, Circuit):
        shown = [*circuit.forward_sections(scene), Section(message("title.output"), (closing,))]
    else:
        shown = [*_forward(scene), Section(message("title.loss"), (Display(tuple(_loss_chains(scene))), closing))]
    title = message("title.after") if count == 1 else message("title.after_step", number=count)
    return Section(title, sections=(*shown, *further))


def _further(scene: Scene, solution: Solution) -> Section:
    """Return the table of losses: at most 12 rows, the first and the last among them."""
    last = len(solution.losses) - 1
    rows = min(MOST_ROWS, last + 1)
    numbers = sorted({round(position * last / (rows - 1)) for position in range(rows)})
    header: tuple[Inline, ...] = (message("column.updates"), Name(scene.derivation.graph.output))
    table = Table(header, tuple((str(k), show(solution.losses[k], scene.style)) for k in numbers), (True, True))
    return Section(message("title.further"), (table,))


def summary_section(scenes: Sequence[Scene], solution: Solution) -> Section:
    """Return the tables of every parameter, its gradient and its new value, step by step: the answer key at a glance."""
    title = message("title.summary")
    if len(scenes) == 1:
        updates = len(solution.losses) - 1
        of_several = (Paragraph(message("text.first_step", count=updates)),) if updates > 1 else ()
        return Section(title, (*of_several, _summary(scenes[0], solution.steps[0].updated)))
    steps = enumerate(zip(scenes, solution.steps, strict=True), start=1)
    return Section(
        title,
        sections=tuple(
            Section(message("title.step", number=number), (_summary(scene, step.updated),))
            for number, (scene, step) in steps
        ),
    )


def _summary(scene: Scene, new: Parameters | None) -> Table:
    header = [message(f"column.{name}") for name in ("parameter", "value", "gradient", "new")]
    rows = []
    for element in parameters_of(list(scene.derivation.parameters)):
        written = scene.written(element)
        old = show(scene.value(element), scene.style, written=written)
        slope = show(scene.slope(element), scene.style, tone=Tone.BACKWARD)
        row: list[Inline] = [Name(element), old, slope]
        if new is not None:
            row.append(show(new[element], scene.style, written=written))
        rows.append(tuple(row))
    columns = len(header) if new is not None else len(header) - 1
    return Table(tuple(header[:columns]), tuple(rows), (False, True, True, True)[:columns])
