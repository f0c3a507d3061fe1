"""The sections of a document in the detail `short` where they are others than in a longer one: few pages to hand out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from symbackprop.algebra.formula import Name
from symbackprop.descent.solution import DescentStep, Solution
from symbackprop.document.blocks import Block, Inline, Listing, Paragraph, Section, Table
from symbackprop.document.calculation.numerals import show
from symbackprop.document.chain_rule import detail
from symbackprop.document.chain_rule.chains import errors_of, parameters_of
from symbackprop.document.chain_rule.penalties import strengths
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.display_nodes import Equality, Tone
from symbackprop.document.sections import gate_by_gate, optimizer_states, updates
from symbackprop.document.sections.statement import Parts
from symbackprop.graph.scalars import Scalar
from symbackprop.messages import message

_STATED = ("title.network", "title.given", "title.graph", "title.conventions")
"""The parts of a statement; symbols and formulas are explained where they are used."""

_KNOWN = frozenset({"convention.digits"})
"""The conventions that stand below the title already."""

_BESIDE = 3
"""So often a table of results stands beside itself at most."""


def statement(scene: Scene, parts: Parts) -> Section:
    """Return the statement of a problem: what is given, the conventions, and how the parameters are updated."""
    sections = tuple(Section(message(title), tuple(parts[title](scene))) for title in _STATED if title in parts)
    *others, conventions = sections
    items = [item for block in conventions.blocks if isinstance(block, Listing) for item in block.items]
    kept = [item for item in items if item.id not in _KNOWN]
    if scene.derivation.problem.training is not None:
        kept += [*updates.rules(scene), *updates.settings(scene)]
    for key, letter in strengths(scene).items():
        value = Equality(letter, show(letter.value, scene.style))
        kept.append(message("detail.setting", meaning=message(f"meaning.{key}"), value=value))
    listing = (Listing(tuple(kept)),) if kept else ()
    return Section(message("title.problem"), sections=(*others, replace(conventions, blocks=listing)))


def values(scene: Scene, *, with_loss: bool = False) -> Iterator[Block]:
    """Yield the forward values, of a network with or without its loss: the first of each kind, then the others."""
    yield from detail.value_blocks(scene, _computed(scene, with_loss=with_loss))


def _computed(scene: Scene, *, with_loss: bool) -> list[Scalar]:
    graph = scene.derivation.graph
    computed = [graph.quantities[equation.name] for equation in graph.equations]
    listed = [each for each in computed if with_loss or not graph.layers or each.layer is not None]
    return list(graph.scalars(*listed))


def later_step(scene: Scene, step: DescentStep) -> Iterator[Block]:
    """Yield a step after the first, which was found in the same way: a table of its numbers."""
    graph = scene.derivation.graph
    names = [name for layer in reversed(graph.layers) for name in errors_of(scene, layer)]
    if not graph.layers:
        names = [name for name in gate_by_gate.backward_order(scene) if name in scene.derivation.equations]
    scalars = [Scalar(name, sample) for name in names for sample in graph.samples_of(graph.quantity_of(name))]
    yield from detail.again(scene, _computed(scene, with_loss=True), scalars)
    if step.change is not None:
        yield from optimizer_states.states(scene, step.change)


def summary(scenes: Sequence[Scene], solution: Solution) -> Section:
    """Return the table of every parameter, its gradient and its new value, of all steps together."""
    numbered = len(scenes) > 1
    columns = [*(["step"] if numbered else []), "parameter", "value", "gradient"]
    columns += ["new"] if solution.steps[0].updated is not None else []
    rows: list[tuple[Inline, ...]] = []
    for number, (scene, step) in enumerate(zip(scenes, solution.steps, strict=True), start=1):
        for name in parameters_of(scene.derivation.parameters):
            row: list[Inline] = [str(number)] if numbered else []
            row += [Name(name), scene.shown(name), show(scene.gradient(name), scene.style, tone=Tone.BACKWARD)]
            if step.updated is not None:
                row.append(show(step.updated[name], scene.style, written=scene.written(name)))
            rows.append(tuple(row))
    header = tuple(message(f"column.{name}") for name in columns)
    updated = len(solution.losses) - 1
    of_several = (Paragraph(message("text.first_step", count=updated)),) if updated > 1 and not numbered else ()
    table = Table(header, tuple(rows), tuple(name != "parameter" for name in columns), _BESIDE)
    return Section(message("title.summary"), (*of_several, table))
