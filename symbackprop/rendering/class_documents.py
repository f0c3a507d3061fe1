"""A document of many problems at once: printed once, and filled with each problem's own numbers.

What differs from problem to problem are the numbers at the ends of chains, whose few shapes are found by
`document.calculation.class_lines`, and numbers and names that stand alone (the marks of the ledger). The document is
written once for each number of lines that such a chain can have; what a problem gets is put together from the pieces.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from symbackprop.arithmetic.batched import Column, Ledger, Unsuitable
from symbackprop.arithmetic.batched.rounding import rounded_to
from symbackprop.document.blocks import Block, Chain, Display, Figure, Section
from symbackprop.document.calculation import class_lines
from symbackprop.document.calculation.numerals import Style, show
from symbackprop.document.display_nodes import Numeral, Shown
from symbackprop.rendering import breaking, exporters
from symbackprop.rendering.drafts import Draft, embedded
from symbackprop.rendering.markups import TEX
from symbackprop.rendering.view_models import Printed, Writer

_LEFT, _RIGHT = "\ue002", "\ue003"
_CELL = re.compile(f"{_LEFT}(\\d+)([lr]){_RIGHT}")
_SIDES = ("left", "right")


@dataclass(frozen=True)
class _Shape:
    """How a chain is printed for some problems (`which`): its cells in order, with the letters of an edition for digits."""

    which: Sequence[int]
    cells: tuple[str, ...]
    edition: class_lines.Edition
    members: Sequence[int]


_Shapes = list[_Shape]


def suits(draft: Draft) -> bool:
    """Say whether documents of a format can be filled: text whose formulas stay TeX, and tables as they come."""
    writer = draft.writer
    return draft.format.finish == "document" and writer.markup is TEX and not writer.folds


def written(draft: Draft, style: Style, ledger: Ledger, figures: Sequence[Sequence[Figure]] = ()) -> list[str | None]:
    """Return the document of each problem of a ledger; None for those that are set aside, which are written on their own.

    The numbers of the draft's content are columns of the ledger; `figures` are those of each problem, the draft's are the
    first one's. Raises `Unsuitable` for a document that cannot be filled.
    """
    assert draft.content is not None
    if not suits(draft):
        raise Unsuitable
    varying: list[_Shapes] = []
    for display in _displays(draft.content.sections):
        for chain in display.chains:
            if class_lines.varied_of(chain) is not None:
                if display.per_row > 1:
                    raise Unsuitable
                varying.append(_printed(draft.writer, chain, style, ledger))
    lines = sorted({len(shape.cells) // len(_SIDES) for shapes in varying for shape in shapes}) or [1]
    pictures = [_pictures(draft.writer, ledger, own) for own in zip(*figures, strict=True)]
    whole = {count: _written(draft, count, pictures) for count in lines}
    texts = {count: _segments(text, count) for count, text in whole.items()}
    outside, order = texts[lines[0]].outside, texts[lines[0]].order
    if any(segments.outside != outside or segments.order != order for segments in texts.values()):
        raise Unsuitable
    columns: list[Sequence[str]] = []
    pattern, marks = "", ledger.pattern
    for position, piece in enumerate(outside):
        if position:
            place = order[position - 1]
            between = {count: segments.between[position - 1] for count, segments in texts.items()}
            columns.append(_filled(varying[place], between, ledger.count))
            pattern += "%s"
        for odd, part in enumerate(marks.split(piece)):
            if odd % 2:
                columns.append(_texts(draft.writer, *ledger.marks[int(part)]))
            pattern += "%s" if odd % 2 else part.replace("%", "%%")
    if not columns or ledger.is_marked(pattern):
        raise Unsuitable
    doubtful = ledger.doubtful.tolist()
    filled = zip(doubtful, zip(*columns, strict=True), strict=True)
    return [None if doubt else pattern % parts for doubt, parts in filled]


def _displays(sections: Sequence[Section]) -> Iterator[Display]:
    for section in sections:
        yield from (block for block in section.blocks if isinstance(block, Display))
        yield from _displays(section.sections)


def _printed(writer: Writer, chain: Chain, style: Style, ledger: Ledger) -> _Shapes:
    """Return a chain in every shape that it has."""
    shapes: _Shapes = []
    left = writer.printer.print(chain.left)
    room = writer.room(left)
    for edition in class_lines.editions(chain, style, ledger):
        steps = edition.chain.steps
        if chain.remark is not None or any(step.reason for step in steps):
            ledger.doubtful[edition.which] = True
            continue
        printed = breaking.step_texts(writer.printer, edition.chain)
        patterns = [_pattern(text, edition) for text in printed]
        which = edition.which.tolist()
        for members in edition.groups:
            example = members[0]
            texts = [pattern % tuple(column[example] for column in columns) for pattern, columns in patterns]
            kept = {id(text): lettered for text, lettered in zip(texts, printed, strict=True)}
            sized = functools.partial(_in_lines, writer, edition, example, room)
            lines = breaking.arranged(texts, steps, room, 0, sized)
            cells = itertools.chain(*((left if not k else "", _joined(line, kept)) for k, line in enumerate(lines)))
            shapes.append(_Shape([which[member] for member in members], tuple(cells), edition, members))
    return shapes


def _joined(line: Sequence[str], lettered: Mapping[int, str]) -> str:
    return " ".join(lettered.get(id(text), text) for text in line)


def _in_lines(writer: Writer, edition: class_lines.Edition, example: int, room: float, place: int) -> Sequence[str]:
    """Return a step that is too long in lines, with as many letters as there are digits."""
    return breaking.step_lines(writer.printer, edition.sized(example).steps[place], room)


def _pictures(writer: Writer, ledger: Ledger, figures: Sequence[Figure]) -> dict[str, str]:
    """Return marks for the words and the source of a figure that each problem has one of its own of."""
    views = [writer.figure(figure) for figure in figures]
    return {
        "alternative": ledger.mark(None, _Raw(str(view["alternative"]) for view in views)),
        "source": ledger.mark(None, _Raw(embedded(view["svg"]) for view in views)),
    }


class _Raw(list[str]):
    """Texts that are escaped already."""


def _written(draft: Draft, count: int, pictures: Sequence[Mapping[str, str]]) -> str:
    """Return the document with marks in place of pictures and of the cells of varying chains, each of so many lines."""
    number = itertools.count()

    def stub(chain: Chain) -> Chain:
        if class_lines.varied_of(chain) is None:
            return chain
        place = next(number)
        cells = [{side: f"{_LEFT}{place}{side[0]}{_RIGHT}" for side in _SIDES} for _ in range(count)]
        return Printed(chain.left, chain.steps, chain.remark, tuple(cells))

    def block(part: Block) -> Block:
        return replace(part, chains=tuple(map(stub, part.chains))) if isinstance(part, Display) else part

    def section(part: Section) -> Section:
        return replace(part, blocks=tuple(map(block, part.blocks)), sections=tuple(map(section, part.sections)))

    assert draft.content is not None
    content = replace(draft.content, sections=tuple(map(section, draft.content.sections)))
    marked = replace(draft, content=content)
    for figure, marks in zip(marked.view["figures"], pictures, strict=False):
        figure.update(marks)
    return str(exporters.written(marked))


@dataclass(frozen=True)
class _Segments:
    """What stands outside the varying chains, which chains stand between, and what stands between the cells of each."""

    outside: list[str]
    order: list[int]
    between: list[list[str]]


def _segments(text: str, count: int) -> _Segments:
    """Return the segments of a document whose varying chains have so many lines each.

    Raises `Unsuitable` where a template shows a chain in another way than line by line.
    """
    first, *rest = _CELL.split(text)
    found = _Segments([first], [], [])
    size = len(_SIDES) * count
    for start in range(0, len(rest), 3 * size):
        places, sides, texts = (rest[start + part : start + 3 * size : 3] for part in range(3))
        if len(set(places)) > 1 or sides != [side[0] for side in _SIDES] * count or int(places[0]) in found.order:
            raise Unsuitable
        found.order.append(int(places[0]))
        found.between.append(texts[:-1])
        found.outside.append(texts[-1])
    return found


def _filled(shapes: _Shapes, between: dict[int, list[str]], count: int) -> list[str]:
    """Return the text of a varying chain for each problem."""
    found = [""] * count
    patterns: dict[tuple[int, tuple[str, ...]], tuple[str, list[Sequence[str]]]] = {}
    for shape in shapes:
        key = id(shape.edition), shape.cells
        if key not in patterns:
            joints = [*between[len(shape.cells) // len(_SIDES)], ""]
            text = "".join(part + joint for part, joint in zip(shape.cells, joints, strict=True))
            patterns[key] = _pattern(text, shape.edition)
        pattern, columns = patterns[key]
        for place, member in zip(shape.which, shape.members, strict=True):
            found[place] = pattern % tuple([column[member] for column in columns])
    return found


def _pattern(text: str, edition: class_lines.Edition) -> tuple[str, list[Sequence[str]]]:
    """Return a text with `%s` for the digits that differ, and these digits."""
    columns: list[Sequence[str]] = []

    def digits(match: re.Match[str]) -> str:
        columns.append(edition.texts[class_lines.place_of(match[1])])
        return "%s"

    return class_lines.SLOT.sub(digits, text.replace("%", "%%")), columns


def _texts(writer: Writer, column: Column | None, request: Any) -> Sequence[str]:
    """Return what stands for a mark in each problem's document: a number alone, or a text that is escaped."""
    if column is None:
        return request if isinstance(request, _Raw) else [writer.escape(text) for text in request]
    style, tone = request
    stated: list[tuple[Any, Any]]
    if column.whole is not None:
        unit = 10**column.places
        stated = list(zip(column.whole.tolist(), column.written or [""] * column.ledger.count, strict=True))
        numbers = {
            (whole, text): show(Fraction(whole, unit), style, tone=tone, written=text) for whole, text in set(stated)
        }
        column.ledger.doubt([not numbers[key].exact for key in stated])
    else:
        found = rounded_to(column, style.digits)
        stated = list(zip(found.texts(), found.exponent.tolist(), strict=True))
        numbers = {
            (text, exponent): Shown(Numeral(text, exponent), Fraction(text), False, tone)
            for text, exponent in set(stated)
        }
    printed = {key: writer.printer.inlined.print(number) for key, number in numbers.items()}
    return [printed[key] for key in stated]
