"""Diagnoses → documents: what each number turned out to be, and the lines that mistakes break, right beside wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from symbackprop.algebra.formula import Name, Node, rewrite
from symbackprop.by_hand.answer_parsing import shortened
from symbackprop.catalog.optimizers import RATE
from symbackprop.document.answer_symbols import symbol
from symbackprop.document.blocks import (
    Block,
    Document,
    Inline,
    Judged,
    Judgement,
    Paragraph,
    Section,
    Table,
    Verbatim,
)
from symbackprop.document.calculation.numerals import as_written
from symbackprop.document.display_nodes import Letter
from symbackprop.document.key_symbols import quantity_of
from symbackprop.graph.notation import Notation
from symbackprop.messages import Message, message
from symbackprop.mistakes.gradient_reports import GradientDiagnosis
from symbackprop.mistakes.verdicts import DiagnosedAnswer, Diagnosis, Explanation, Finding

_TONES: Mapping[Finding, Judgement] = {
    Finding.RIGHT: Judgement.RIGHT,
    Finding.FOLLOW_THROUGH: Judgement.FOLLOWS,
    Finding.CONVENTION: Judgement.FOLLOWS,
    Finding.ROUNDED: Judgement.FOLLOWS,
    Finding.MISTAKE: Judgement.WRONG,
    Finding.POSSIBLE: Judgement.WRONG,
    Finding.UNEXPLAINED: Judgement.WRONG,
    Finding.UNREADABLE: Judgement.OPEN,
    Finding.BLANK: Judgement.OPEN,
}
_DIGITS = 10


def compose(found: Diagnosis) -> Document:
    """Return the document that tells a diagnosis: a table of the numbers, then each mistake with its lines."""
    numbers = Section(message("diagnosis.numbers"), (_summary(found), _numbers(found)))
    sections = [_explained(found, answer) for answer in found.answers if answer.mistakes or answer.possible]
    return Document(found.derivation.problem.heading, (message("diagnosis.title"),), (numbers, *sections))


def compose_gradients(found: GradientDiagnosis) -> Document:
    """Return the document that tells a diagnosis of code: a table of the arrays, then why each mistake is one."""
    names = ("gradient", "verdict", "difference", "remark")
    header = tuple(message(f"diagnosis_column.{name}") for name in names)
    rows = tuple(
        (
            Verbatim(answer.name),
            Judged(_TONES[answer.verdict], message(f"finding.{answer.verdict}")),
            as_written(f"{answer.difference:.3g}") if math.isfinite(answer.difference) else "",
            answer.said or "",
        )
        for answer in found.answers
    )
    table = Table(header, rows, (False, False, True, False))
    slips = dict.fromkeys(each.id for answer in found.answers for each in (*answer.mistakes, *answer.possible))
    reasons = tuple(_reason(message(f"slip.{id}"), id) for id in slips)
    section = Section(message("diagnosis.gradients"), (_summary(found), table, *reasons))
    return Document(found.derivation.problem.heading, (message("diagnosis.title_gradients"),), (section,))


def _reason(named: Message, id: str) -> Paragraph:
    return Paragraph(message("diagnosis.explained", mistake=named, reason=message(f"slip_reason.{id}")))


def _summary(found: Diagnosis | GradientDiagnosis) -> Block:
    counted = [
        message("diagnosis.counted", verdict=message(f"finding.{verdict}"), count=count)
        for verdict, count in found.summary.items()
    ]
    return Paragraph(message("diagnosis.summary", counted=counted))


def _numbers(found: Diagnosis) -> Table:
    names = ("answer", "quantity", "given", "expected", "verdict", "remark")
    header = tuple(message(f"diagnosis_column.{name}") for name in names)
    rows = tuple(
        (
            Verbatim(answer.answer),
            _letter(found) if answer.key == RATE else symbol(found.derivation, answer.key),
            Verbatim(shortened(answer.given.strip())),
            "" if answer.verdict is Finding.RIGHT else f"{answer.expected:.{_DIGITS}g}",
            Judged(_TONES[answer.verdict], message(f"finding.{answer.verdict}")),
            answer.said or "",
        )
        for answer in found.answers
    )
    return Table(header, rows, (False, False, True, True, False, False))


def _explained(found: Diagnosis, answer: DiagnosedAnswer) -> Section:
    """Return what explains a number: the reason of each mistake, and its lines."""
    blocks: list[Block] = []
    for each in (*answer.mistakes, *answer.possible):
        blocks.append(_reason(_named(each), each.id))
        rows = tuple(_lines(found, each))
        if rows:
            names = ("place", "right", "wrong")
            header = tuple(message(f"diagnosis_column.{name}") for name in names)
            blocks.append(Table(header, rows, (False, False, False)))
    return Section(message("diagnosis.number", name=answer.answer), tuple(blocks))


def _named(each: Explanation) -> Message:
    return (
        message("diagnosis.at", mistake=message(f"slip.{each.id}"), names=list(each.at))
        if each.at
        else message(f"slip.{each.id}")
    )


def _lines(found: Diagnosis, each: Explanation) -> Iterator[tuple[Inline, ...]]:
    for line in each.lines:
        yield tuple(
            _printed(found, part) for part in (quantity_of(line.key), _symbols(line.right), _symbols(line.wrong))
        )


def _symbols(formula: Node) -> Node:
    return rewrite(formula, lambda part: quantity_of(part.name) if isinstance(part, Name) else None)


def _printed(found: Diagnosis, formula: Node) -> Node:
    """Return a formula whose learning rate is a letter."""
    letter = _letter(found)
    return rewrite(formula, lambda part: letter if isinstance(part, Name) and part.name == RATE else None)


def _letter(found: Diagnosis) -> Letter:
    return Letter(Notation.of(found.derivation.graph, found.derivation.problem.notation).learning_rate())
