"""Explanations: reasons, common mistakes and ideas put between the lines of a finished solution.

A reason is given once, before the first line of its kind, and the mistake beside it once, after that line; every line has
its own short remark. Leaving this pass out leaves formulas and numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from symbackprop.descent.solution import DescentStep, Solution
from symbackprop.document.blocks import Block, Display, Note, NoteKind, Paragraph, Section
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.notes import observations
from symbackprop.document.notes.conditions import DisplayedLine
from symbackprop.document.notes.glossary import OF_ARRAYS, glossary
from symbackprop.document.notes.practice import practice_section
from symbackprop.document.notes.reasons import StepKind, kinds_of
from symbackprop.document.notes.remarks import ExactGradients, remark
from symbackprop.document.notes.slips import Slips
from symbackprop.messages import Message, message

EXPLANATIONS = ("full", "brief", "remarks", "mistakes")
"""How much is explained: each kind of step, nothing, or each kind of step and then limits and practice, or mistakes."""

_PARTS: Mapping[str, tuple[str, str]] = {
    "title.problem": ("problem", ""),
    "title.forward": ("forward", "forward"),
    "title.samples_at_once": ("", "matrix"),
    "title.loss": ("loss", "forward"),
    "title.derivatives": ("derivatives", ""),
    "title.backward": ("backward", "backward"),
    "title.update": ("update", "update"),
    "title.after": ("after", "forward"),
    "title.after_step": ("after", "forward"),
    "title.check": ("check", ""),
    "title.summary": ("summary", ""),
    "title.matrix_forward": ("matrix_forward", ""),
    "title.matrix_backward": ("matrix_backward", "matrix"),
    "general.title": ("general", ""),
    "second_order.title": ("second_order", ""),
}
"""The idea that opens a section, and the area whose lines it holds ("" for that of the section around it), by its title."""

_OF_GRAPHS = frozenset({"problem", "backward"})
"""The ideas that are others for a computation graph."""

_TELLS_LOSS = frozenset({"title.loss", "title.output"})
"""The parts of the section after the step in which its loss stands."""

_MATRIX_FORM = "text.in_matrix_form"


@dataclass
class Lesson:
    """What has been explained so far; nothing is explained twice. Where nothing is to be (`brief`), it changes nothing.

    A short document has reasons and remarks, but no ideas, mistakes, observations or terms.
    """

    explanations: str
    is_short: bool = False
    said: set[str] = field(default_factory=set)

    @property
    def is_full(self) -> bool:
        """Whether anything is explained."""
        return self.explanations != "brief"

    def explained(
        self, sections: Sequence[Section], scene: Scene, step: DescentStep | None = None
    ) -> tuple[Section, ...]:
        """Return sections with their explanations; their lines are written from a scene, of a step if of one."""
        if not self.is_full:
            return tuple(sections)
        exact_gradients, slips = ExactGradients(scene, step), Slips(scene, _lines(sections, scene))
        return tuple(self._section(section, scene, exact_gradients, slips, "") for section in sections)

    def _section(
        self, section: Section, scene: Scene, exact_gradients: ExactGradients, slips: Slips, area: str
    ) -> Section:
        name, own_area = _PARTS.get(section.title.id, ("", ""))
        area = own_area or area
        idea = self._idea(name, scene)
        blocks = tuple(self._blocks(section.blocks, scene, exact_gradients, slips, area)) if area else section.blocks
        inner = [self._section(part, scene, exact_gradients, slips, area) for part in section.sections]
        if name == "backward" and inner and scene.values is not None and not self.is_short:
            inner[-1] = _noted(inner[-1], observations.of_backward_pass(scene, scene.values))
        return replace(section, blocks=(*idea, *blocks), sections=tuple(inner))

    def _idea(self, name: str, scene: Scene) -> Iterator[Note]:
        """Yield the idea of that name, if there is one that has not been told."""
        is_graph = not scene.derivation.graph.layers
        phrase = f"idea.{name}_graph" if is_graph and name in _OF_GRAPHS else f"idea.{name}"
        if name and not self.is_short and phrase not in self.said:
            self.said.add(phrase)
            yield Note(NoteKind.IDEA, message(phrase))

    def _blocks(
        self, blocks: Sequence[Block], scene: Scene, exact_gradients: ExactGradients, slips: Slips, area: str
    ) -> Iterator[Block]:
        for block in blocks:
            if isinstance(block, Paragraph) and block.text.id == _MATRIX_FORM:
                area = "matrix"
            if not isinstance(block, Display):
                yield block
                continue
            lines = [DisplayedLine(scene, chain, area) for chain in block.chains]
            kinds = [(line, kind) for line in lines for kind in kinds_of(line)]
            yield from self._notes(NoteKind.REASON, kinds)
            chains = tuple(replace(line.chain, remark=remark(line, exact_gradients)) for line in lines)
            yield replace(block, chains=chains)
            if not self.is_short:
                yield from self._mistakes(kinds, slips)

    def _notes(self, note: NoteKind, kinds: Sequence[tuple[DisplayedLine, StepKind]]) -> Iterator[Note]:
        """Yield what has not been said of the kinds of some lines, with the symbols of the first line of each."""
        for line, kind in kinds:
            phrase = f"{note.value}.{kind.name}"
            if phrase not in self.said:
                self.said.add(phrase)
                yield Note(note, message(phrase, **kind.words(line)))

    def _mistakes(self, kinds: Sequence[tuple[DisplayedLine, StepKind]], slips: Slips) -> Iterator[Note]:
        """Yield the mistakes beside some lines, each once, with what the first line becomes by it."""
        for line, kind in kinds:
            row = kind.mistake(line)
            if row is None or f"mistake.{row or kind.name}" in self.said:
                continue
            general = None if row else message(f"mistake.{kind.name}", **kind.words(line))
            text, is_later = slips.note(row, line) if row else (general, False)
            if not is_later:
                self.said.add(f"mistake.{row or kind.name}")
            if text is not None and not is_later:
                yield Note(NoteKind.MISTAKE, text)

    def reviewed(self, section: Section, solution: Solution) -> Section:
        """Return the section after the step with what its numbers show of the loss and of the further updates."""
        if not self.is_full or self.is_short:
            return section
        parts = []
        for part in section.sections:
            if part.title.id in _TELLS_LOSS:
                parts.append(_noted(part, observations.of_step(solution)))
            elif part.title.id == "title.further":
                parts.append(_noted(part, observations.of_descent(solution)))
            else:
                parts.append(part)
        return replace(section, sections=tuple(parts))

    def closing(self, scene: Scene, sections: Sequence[Section]) -> tuple[Section, ...]:
        """Return limits and practice, or mistakes, where they are asked for, and the glossary of these sections."""
        if not self.is_full:
            return ()
        checked = any(section.title.id == "title.check" for section in sections)
        without = (*(() if checked else ("central_difference",)), *(() if _has_matrix_form(sections) else OF_ARRAYS))
        terms = () if self.is_short else (glossary(scene, without),)
        if self.explanations == "mistakes":
            return (*Slips(scene, _lines(sections, scene)).section(), *terms)
        return (practice_section(scene), *terms) if self.explanations == "remarks" else terms


def _lines(sections: Sequence[Section], scene: Scene, area: str = "") -> Iterator[DisplayedLine]:
    """Yield the lines of sections in the order of the page."""
    for section in sections:
        own = _PARTS.get(section.title.id, ("", ""))[1] or area
        for block in section.blocks:
            if isinstance(block, Display):
                yield from (DisplayedLine(scene, chain, own) for chain in block.chains)
        yield from _lines(section.sections, scene, own)


def _has_matrix_form(sections: Sequence[Section]) -> bool:
    """Say whether any line stands between arrays."""
    return any(
        section.title.id in _OF_ARRAYS
        or any(isinstance(block, Paragraph) and block.text.id == _MATRIX_FORM for block in section.blocks)
        or _has_matrix_form(section.sections)
        for section in sections
    )


_OF_ARRAYS = frozenset({"title.matrix_backward"})


def _noted(section: Section, observed: Iterator[Message]) -> Section:
    """Return a section with observations at its end."""
    return replace(section, blocks=(*section.blocks, *(Note(NoteKind.OBSERVATION, each) for each in observed)))
