"""The sheets or keys of a class in a text format: one document, printed once, with the numbers of each student filled in.

A document that cannot be filled in this way (numbers that are too near a tie for float64, a zero that others do not have) is
written on its own; what comes out is the same, letter by letter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any

import numpy

from symbackprop.arithmetic.batched import Column, Ledger, Unsuitable
from symbackprop.catalog.optimizers import RATE
from symbackprop.document import style_of
from symbackprop.document.blocks import Document, Figure
from symbackprop.document.chain_rule import detail
from symbackprop.homework import sheets
from symbackprop.homework.variants import Assignment
from symbackprop.problems import Array, Given, Problem
from symbackprop.problems.training_table import batches_in
from symbackprop.rendering import class_documents, exporters
from symbackprop.rendering.drafts import Draft
from symbackprop.rendering.pdf_collections import drafted

SMALLEST_CLASS = 6
"""Fewer documents are sooner written one by one."""


@dataclass(frozen=True)
class Pupil:
    """One student's numbers, ready to be printed; `zeros` says which of all numbers of the program are 0."""

    problem: Problem
    header: sheets.Header
    values: sheets.Numerals
    zeros: bytes


@dataclass(frozen=True)
class Press:
    """Writes the sheets and keys of an assignment in one text format and language."""

    given: Assignment
    format: str
    language: str
    templates: str | None

    def sheets(self, pupils: Sequence[Pupil]) -> list[str | bytes]:
        """Return the sheets of students."""
        looks = [(style_of(pupil.problem).fractions, _is_named(pupil.header)) for pupil in pupils]
        diagrams = [sheets.diagram(self.given, pupil.problem) for pupil in pupils]
        return self._written(pupils, looks, self._sheet, diagrams)

    def keys(self, pupils: Sequence[Pupil]) -> list[str | bytes]:
        """Return the keys of students."""
        looks: list[tuple[object, ...]] = [
            (pupil.zeros, style_of(pupil.problem).fractions, _is_named(pupil.header)) for pupil in pupils
        ]
        if not suits(self.given):
            looks = [(place,) for place in range(len(pupils))]
        return self._written(pupils, looks, self._key, [None] * len(pupils))

    def _sheet(self, pupil: Pupil, diagram: Figure | None) -> Document:
        return sheets.sheet(self.given, pupil.problem, pupil.header, pupil.values, diagram)

    def _key(self, pupil: Pupil, diagram: Figure | None) -> Document:
        return sheets.key(self.given, pupil.problem, pupil.header, pupil.values)

    def _written(
        self,
        pupils: Sequence[Pupil],
        looks: Sequence[tuple[object, ...]],
        compose: Callable[[Pupil, Figure | None], Document],
        diagrams: Sequence[Figure | None],
    ) -> list[str | bytes]:
        """Return the documents of students: together those of one look, on their own those that have to be."""
        found: list[str | bytes | None] = [None] * len(pupils)
        classes: dict[tuple[object, ...], list[int]] = {}
        for place, look in enumerate(looks):
            classes.setdefault(look, []).append(place)
        for members in classes.values():
            if len(members) >= SMALLEST_CLASS:
                own = [diagrams[place] for place in members]
                for place, text in zip(
                    members, self._together([pupils[p] for p in members], compose, own), strict=True
                ):
                    found[place] = text
        return [
            exporters.written(self._draft(compose(pupil, diagram), pupil.problem)) if text is None else text
            for pupil, diagram, text in zip(pupils, diagrams, found, strict=True)
        ]

    def _draft(self, content: Document, problem: Problem) -> Draft:
        return drafted(content, problem, self.given.derivation, self.format, self.language, self.templates)

    def _together(
        self,
        pupils: Sequence[Pupil],
        compose: Callable[[Pupil, Figure | None], Document],
        diagrams: Sequence[Figure | None],
    ) -> Sequence[str | None]:
        """Return the documents of a class, None for those that have to be written on their own."""
        ledger = Ledger(len(pupils))
        figures = [[figure] for figure in diagrams if figure is not None]
        try:
            pupil = _in_one(ledger, pupils)
            draft = self._draft(compose(pupil, diagrams[0]), pupil.problem)
            return class_documents.written(draft, style_of(pupil.problem), ledger, figures)
        except Unsuitable:
            return [None] * len(pupils)


def _is_named(header: sheets.Header) -> tuple[bool, bool]:
    return bool(header.name), bool(header.id)


def suits(given: Assignment) -> bool:
    """Say whether the keys of an assignment are worked solutions in full of one step over all samples."""
    problem, training = given.problem, given.problem.training
    if problem.notation.round_intermediates is not None or detail.automatic(given.derivation) != (detail.FULL,):
        return False
    return training is None or (
        training.steps <= 1
        and training.stop is None
        and training.update == "simultaneous"
        and batches_in(problem.samples or 1, training.batch_size) == 1
    )


def _in_one(ledger: Ledger, pupils: Sequence[Pupil]) -> Pupil:
    """Return a class as one student, who has columns for numbers, and marks for texts."""

    def marked(texts: Sequence[str]) -> str:
        return ledger.mark(None, texts) if texts[0] else ""

    header = sheets.Header(*(marked(texts) for texts in zip(*(astuple(pupil.header) for pupil in pupils), strict=True)))
    values = {}
    for key in pupils[0].values:
        short, full = zip(*(pupil.values[key] for pupil in pupils), strict=True)
        values[key] = marked(short), marked(full)
    return Pupil(_joined(ledger, [pupil.problem for pupil in pupils]), header, values, b"")


def _joined(ledger: Ledger, problems: Sequence[Problem]) -> Problem:
    """Return the problem that has columns where the numbers of problems differ."""
    first = problems[0]
    in_fractions = style_of(first).fractions

    def given(own: Sequence[Given | None]) -> Given | None:
        numbers = [each for each in own if each is not None]
        if len(numbers) < len(own) or all(each == own[0] for each in own):
            return own[0]
        written = [each.text for each in numbers]
        return Given(Column.of(ledger, [each.value for each in numbers], written, in_fractions=in_fractions), "")

    arrays = {
        name: Array(array.shape, tuple(map(given, zip(*(each.arrays[name].entries for each in problems), strict=True))))
        for name, array in first.arrays.items()
    }
    training = first.training
    if training is not None:
        rates = [each.training.settings[RATE] for each in problems if each.training is not None]
        rate = given(rates)
        assert rate is not None
        training = replace(training, settings={**training.settings, RATE: rate})
    return replace(first, arrays=arrays, training=training)


def zeros_of(values: Mapping[str, Any], count: int) -> list[bytes]:
    """Return, for each student, which of the numbers of the program are 0."""
    table = numpy.stack([numpy.broadcast_to(value, (count,)) == 0 for value in values.values()], axis=1)
    return [row.tobytes() for row in table]
