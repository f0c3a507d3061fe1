"""Sections 2 to 7 of a solution: forward pass, loss, backward pass, update, and what the step did."""

from __future__ import annotations

from collections.abc import Iterator

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
from symbackprop.document.marks import Tone
from symbackprop.document.numerals import show
from symbackprop.document.statement import layer_name
from symbackprop.errors import message
from symbackprop.formula import Name
from symbackprop.solution import Parameters, Solution, Step

MOST_ROWS = 12


def step_sections(scene: Scene, step: Step | None) -> Iterator[Section]:
    """Yield forward pass, loss, backward pass and update of one step; None: only the symbols, for want of numbers."""
    yield Section(message("title.forward"), sections=tuple(_forward(scene)))
    yield Section(message("title.loss"), (Display(tuple(_loss_chains(scene))),))
    yield Section(message("title.backward"), tuple(_kinks(step)), tuple(_backward(scene)))
    if step is not None and step.updated is not None:
        yield Section(message("title.update"), (_update(scene, step.updated),))


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
        yield forward(scene, output if sample is None else f"{output}@", sample)
    if scene.derivation.graph.samples is not None:
        yield forward(scene, output)


def _kinks(step: Step | None) -> Iterator[Block]:
    if step is not None and step.kinks:
        places = tuple(Name(kink.name, kink.sample) for kink in step.kinks)
        yield Paragraph(message("text.kinks", places=places))


def _backward(scene: Scene) -> Iterator[Section]:
    for layer in reversed(layers_of(scene, *LAYER_KINDS)):
        errors = [gradient(scene, name, sample) for sample in scene.samples for name in errors_of(scene, layer)]
        chains = errors + [gradient(scene, name) for name in parameters_of(layer)]
        yield Section(layer_name(scene, layer[0].layer or 0), tuple(Display((chain,)) for chain in chains))


def _update(scene: Scene, new: Parameters) -> Display:
    frozen = scene.derivation.problem.training.frozen if scene.derivation.problem.training else frozenset()
    return Display(
        tuple(
            updated(scene, element, new[element])
            for quantity in scene.derivation.parameters
            if quantity.name not in frozen
            for element in parameters_of([quantity])
        )
    )


def after_section(scene: Scene, solution: Solution) -> Section:
    """Return the section that shows the forward pass with the new parameters, the loss before and after, further steps."""
    count = len(solution.steps)
    before, after = solution.losses[count - 1], solution.losses[count]
    verdict = "fell" if after < before else "rose" if after > before else "stayed"
    output = scene.derivation.graph.output
    old = show(solution.steps[-1].values.value(output), scene.style)
    new = show(scene.value(output), scene.style)
    closing = Paragraph(message(f"text.{verdict}", loss=Name(output), before=old, after=new))
    further = () if len(solution.losses) <= count + 1 else (_further(scene, solution),)
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


def summary_section(scene: Scene, solution: Solution) -> Section:
    """Return the table of every parameter, its gradient and its new value: the answer key at a glance."""
    new = solution.steps[0].updated
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
    return Section(
        message("title.summary"), (Table(tuple(header[:columns]), tuple(rows), (False, True, True, True)[:columns]),)
    )
