"""Long formulas in lines: chains broken at their relations, formulas at their signs and crosses, wide tables side by side.

A line that is still too long has a sum somewhere inside it, in a fraction or in parentheses: that sum is set in lines of
its own (`Printer.room`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from symbackprop.algebra.formula import Negative, Node, Product, Sum
from symbackprop.document.blocks import Chain, ChainStep
from symbackprop.document.display_nodes import Listed
from symbackprop.rendering import array_formulas
from symbackprop.rendering.tex import RELATIONS, Printer
from symbackprop.rendering.widths import width

_INDENT, _RELATION = 2, 3
"""The room before a continued line, and of a relation, in digits."""

_RESULT = 2
"""The steps that go down to a line of their own where a remark needs it: the result, and what it comes from."""

_AROUND = 6
"""The room of what stands around a sum inside a formula: a factor, parentheses."""

_COLUMN_GAP = 2.4
"""The room between the columns of a table, in digits."""


def chain_lines(printer: Printer, chain: Chain, room: float, remark: float = 0) -> list[str]:
    """Return the lines of a chain behind its left side; the last has room for a remark of some width, if that can be.

    A chain that fits is one line. In another a new thought (the partials, the numbers) begins a line, unless all of it
    fits on the line before, and so does whatever finds its line full; a result does not stand alone where the step before
    it can come down to it.
    """
    texts = step_texts(printer, chain)

    def in_lines(place: int) -> list[str]:
        return step_lines(printer, chain.steps[place], room)

    return [" ".join(line) for line in arranged(texts, chain.steps, room, remark, in_lines)]


def step_texts(printer: Printer, chain: Chain) -> list[str]:
    """Return the steps of a chain as TeX, each with its relation."""
    return [f"{RELATIONS[step.relation]} {printer.print(step.formula)}" for step in chain.steps]


def step_lines(printer: Printer, step: ChainStep, room: float) -> list[str]:
    """Return a step that is too long for a line in lines."""
    first, *rest = broken(printer, step.formula, room / _TIGHT if isinstance(step.formula, Listed) else room)
    return [f"{RELATIONS[step.relation]} {first}", *(rf"\quad {part}" for part in rest)]


def arranged(
    texts: Sequence[str],
    steps: Sequence[ChainStep],
    room: float,
    remark: float,
    in_lines: Callable[[int], Sequence[str]],
) -> list[list[str]]:
    """Return the steps of a chain, printed, in lines as `chain_lines` has them; `in_lines` breaks one that is too long."""
    if sum(map(width, texts)) + remark <= room:
        return [list(texts)]
    lines: list[list[str]] = [[]]
    for place, (step, text) in enumerate(zip(steps, texts, strict=True)):
        if width(text) > room:
            lines += [*([line] for line in in_lines(place)), []]
            continue
        thought = _thought(steps, texts, place) if step.opens else [text]
        if sum(map(width, [*lines[-1], *thought])) > room and lines[-1]:
            lines.append([])
        lines[-1].append(text)
    lines = [line for line in lines if line]
    if len(lines) > 1 and len(lines[-1]) == 1 and len(lines[-2]) > 1:
        moved = lines[-2][-1]
        if width(moved) + width(lines[-1][0]) <= room and not steps[-2].opens:
            lines[-2:] = [lines[-2][:-1], [moved, *lines[-1]]]
    if len(lines[-1]) > _RESULT and sum(map(width, lines[-1])) + remark > room:
        lines[-1:] = [lines[-1][:-_RESULT], lines[-1][-_RESULT:]]
    return lines


def _thought(steps: Sequence[ChainStep], texts: Sequence[str], start: int) -> Sequence[str]:
    """Return the steps of a chain from one that opens a new thought up to the next."""
    end = next((place for place in range(start + 1, len(texts)) if steps[place].opens), len(texts))
    return texts[start:end]


def broken(printer: Printer, formula: Node, room: float) -> list[str]:
    """Return a formula in lines that fit: a sum is broken before its signs, a product before its crosses."""
    inner = replace(printer, room=max(room - _RELATION - _INDENT - _AROUND, 1.0)) if room < math.inf else printer
    lines: list[str] = []
    for piece in _pieces(inner, formula, room - _RELATION - _INDENT):
        if lines and width(lines[-1]) + width(piece) + _RELATION + _INDENT <= room:
            lines[-1] += piece
        else:
            # Behind empty braces a sign at the start of a line keeps the space of one between two terms.
            lines.append(f"{{}}{piece}" if lines else piece)
    return lines


def _pieces(printer: Printer, formula: Node, room: float) -> Iterator[str]:
    """Yield what a formula may be broken into."""
    plain = replace(printer, room=0.0)
    match formula:
        case Sum():
            yield from (
                _fitting(*texts, room) for texts in zip(plain.terms(formula), printer.terms(formula), strict=True)
            )
        case Product():
            pairs = zip(plain.factors(formula), printer.factors(formula), strict=True)
            yield from (_fitting(*texts, room) for texts in pairs)
        case Listed():
            yield from array_formulas.listed_items(plain, formula)
        case Negative(Sum() as operand):
            first, *rest = _pieces(printer, operand, room)
            yield from (f"-({first}", *rest[:-1], f"{rest[-1]})")
        case _:
            yield _fitting(plain.print(formula), printer.print(formula), room)


def _fitting(text: str, stacked: str, room: float) -> str:
    return text if width(text) <= room else stacked


def groups(cells: Sequence[Sequence[str]], most: int, room: float) -> int:
    """Return how many times a table, its header first, stands beside itself: if it is long, as often as it fits."""
    fits = int((room + _GROUP_GAP) // (_table_width(cells) + _GROUP_GAP))
    return max(1, min(most, fits, math.ceil((len(cells) - 1) / _ROWS_OF_GROUP)))


def breaks(cells: Sequence[Sequence[str]], room: float) -> bool:
    """Say whether a table may go on over a page: it is long, or, where that needs no smaller letters, not short."""
    return len(cells) > _LONG_TABLE or (len(cells) > _SHORT_TABLE and _table_width(cells) <= room)


def _table_width(cells: Sequence[Sequence[str]]) -> float:
    """Return roughly how wide a table is; in numbers a minus is a sign, and a formula stands between dollars."""
    columns = zip(*cells, strict=True)
    return sum(max(map(_cell_width, column)) + _COLUMN_GAP for column in columns) * _TIGHT


def _cell_width(cell: str) -> float:
    return width(cell.replace("$", "").replace("-", "0")) if "$" in cell else _LETTER * len(cell)


_LETTER = 0.9
"""A letter of text, in digits."""

_TIGHT = 0.9
"""A line of formulas is broken a little early; a table may fill its line."""

_GROUP_GAP = 2
_ROWS_OF_GROUP = 6
"""A table with more rows goes on beside itself."""

_SHORT_TABLE, _LONG_TABLE = 9, 25
"""So many rows, with the header."""
