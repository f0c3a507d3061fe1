"""Documents of one student: the sheet with blanks, and the key, which is the worked solution.

The sheet is made from a derivation without values: nothing that is asked can be in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from symbackprop import document
from symbackprop.document.blocks import Block, Document, Inline, Listing, Paragraph, Section, Table
from symbackprop.document.marks import Blank, Gradient, Updated
from symbackprop.errors import Message, message
from symbackprop.formula import Name, Node
from symbackprop.homework.answers import Answer
from symbackprop.homework.program import GRADIENT, NEW, key_of, split
from symbackprop.homework.reports import points
from symbackprop.homework.store import printed, spelled
from symbackprop.homework.variants import Assignment
from symbackprop.problems import Problem
from symbackprop.solution import solve


@dataclass(frozen=True, slots=True)
class Header:
    """Whose sheet it is: name and id (empty on an anonymous one), and the code."""

    name: str
    id: str
    code: str


_NOT_IN_KEYS = ("title.problem", "title.derivatives", "title.check", "title.summary")
"""What every student's key would say alike, and what the table of answers says already."""


def sheet(given: Assignment, problem: Problem, header: Header, values: Mapping[str, float]) -> Document:
    """Return the sheet of a variant; of its `values` only those are printed that the homework gives."""
    homework = given.homework
    sections = [
        Section(message("sheet.task"), tuple(_task(given))),
        document.stated(
            problem, given.derivation, diagram="diagram" in homework.show, formulas="formulas" in homework.show
        ),
    ]
    if homework.given:
        sections.append(Section(message("sheet.given"), (_given(given, values),)))
    sections.append(Section(message("sheet.answers"), (_blanks(given),)))
    return Document(problem.heading, tuple(_subtitle(given, header)), tuple(sections))


def key(given: Assignment, problem: Problem, header: Header, values: Mapping[str, float]) -> Document:
    """Return the key of a variant: the answers as they are marked, then the whole worked solution."""
    worked = document.compose(solve(problem), explanations="brief", without=_NOT_IN_KEYS)
    answers = Section(message("sheet.key"), (_answers(given, values),))
    numbers = document.numbers_given(problem, given.derivation)
    subtitle = (*_subtitle(given, header), *worked.subtitle)
    return replace(worked, subtitle=subtitle, sections=(answers, numbers, *worked.sections))


def _subtitle(given: Assignment, header: Header) -> Iterator[Message]:
    course = given.homework.course
    for text in (course if course.text else "", given.homework.date, header.name, header.id):
        if text:
            yield message("text.plain", text=text)
    yield message("sheet.code", code=header.code)


def _task(given: Assignment) -> Iterator[Block]:
    homework = given.homework
    for paragraph in homework.instructions.paragraphs():
        yield Paragraph(message("text.plain", text=paragraph))
    rounding = homework.rounding
    rules = [message("sheet.significant" if rounding.significant else "sheet.decimals", digits=rounding.digits)]
    rules.append(message("sheet.forms"))
    if homework.follow_through:
        share = "" if homework.follow_through == 1 else f"{float(100 * homework.follow_through):g} %"
        rules.append(message("sheet.follow_through_share", share=share) if share else message("sheet.follow_through"))
    if len(set(homework.points.values())) > 1 or homework.total is not None:
        rules.append(message("sheet.total", points=points(_total(given))))
    yield Listing(tuple(rules))


def _total(given: Assignment) -> Fraction:
    if given.homework.total is not None:
        return given.homework.total
    return sum((given.homework.points[answer.group] for answer in given.answers), Fraction(0))


def _points(given: Assignment) -> Mapping[str, str]:
    """Return the points of one answer, by the entry of `ask`."""
    whole = sum((given.homework.points[answer.group] for answer in given.answers), Fraction(0))
    return {group: points(each * _total(given) / whole) for group, each in given.homework.points.items()}


def symbol(key: str) -> Node:
    """Return what a key stands for, as the document prints it."""
    mark, name, sample = split(key)
    if mark == GRADIENT:
        return Gradient(name, sample)
    return Updated(name) if mark == NEW else Name(name, sample)


def _given(given: Assignment, values: Mapping[str, float]) -> Table:
    header = (message("column.quantity"), message("column.value"))
    rows: list[tuple[Inline, ...]] = []
    for name in given.homework.given:
        quantity = given.derivation.graph.quantities[name]
        samples: Sequence[int | None] = (
            range(1, (given.derivation.graph.samples or 0) + 1) if quantity.batched else [None]
        )
        for sample in samples:
            for element in quantity.elements():
                number = printed(values[key_of(element, sample)], given.homework.rounding)
                rows.append((Name(element, sample), number))
    return Table(header, tuple(rows), (False, True))


def _blanks(given: Assignment) -> Table:
    names = ("column.answer_id", "column.quantity", "column.points", "column.answer")
    worth = _points(given)

    def row(answer: Answer) -> tuple[Inline, ...]:
        return answer.id, symbol(answer.key), worth[answer.group], Blank()

    return Table(tuple(map(message, names)), tuple(map(row, given.answers)), (False, False, True, False))


def _answers(given: Assignment, values: Mapping[str, float]) -> Table:
    names = ("column.answer_id", "column.quantity", "column.value", "column.full_value", "column.points")
    worth = _points(given)

    def row(answer: Answer) -> tuple[Inline, ...]:
        value = values[answer.key]
        short = printed(value, given.homework.rounding)
        return answer.id, symbol(answer.key), short, spelled(value), worth[answer.group]

    return Table(tuple(map(message, names)), tuple(map(row, given.answers)), (False, False, True, True, True))
