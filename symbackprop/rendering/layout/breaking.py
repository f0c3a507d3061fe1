"""Long formulas in lines: chains broken at their relations, formulas at their signs and crosses, wide tables side by side.

A line that is still too long has a sum somewhere inside it, in a fraction or in parentheses: that sum is set in lines of
its own (`Layout.room`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from symbackprop.algebra.formula import Hadamard, MatrixProduct, Negative, Node, Product, Sum
from symbackprop.document.blocks import Chain, ChainStep
from symbackprop.document.display_nodes import Listed
from symbackprop.rendering.layout import array_formulas, scalar_formulas
from symbackprop.rendering.layout.boxes import GAP, NEGATIVE, PLUS, QUAD, Box, Row, Sign, joined
from symbackprop.rendering.layout.formula_layout import Layout

_INDENT, _RELATION = 2, 3
"""The room before a continued line, and of a relation, in digits."""

_RESULT = 2
"""The steps that go down to a line of their own where a remark needs it: the result, and what it comes from."""

_AROUND = 6
"""The room of what stands around a sum inside a formula: a factor, parentheses."""

_BRACKETS = 3
"""The room of the parentheses around a sum in lines, beside a factor."""

_COLUMN_GAP = 2.4
"""The room between the columns of a table, in digits."""

_Sized = tuple[Box, float]
"""A box and its width."""


def chain_lines(layout: Layout, chain: Chain, room: float, remark: float = 0) -> list[Row]:
    """Return the lines of a chain behind its left side; the last has room for a remark of some width, if that can be.

    A chain that fits is one line. In another a new thought (the partials, the numbers) begins a line, unless all of it
    fits on the line before, and so does whatever finds its line full; a result does not stand alone where the step before
    it can come down to it.
    """
    steps = chain.steps
    sized = [(box, layout.measure(box)) for box in step_boxes(layout, chain)]
    lines: list[list[_Sized]] = [[]]
    for place, step in enumerate(steps):
        if sized[place][1] > room:
            lines += [*([(box, layout.measure(box))] for box in _step_lines(layout, step, room)), []]
            continue
        thought = _thought(steps, sized, place) if step.opens else [sized[place]]
        if lines[-1] and _total([*lines[-1], *thought]) > room:
            lines.append([])
        lines[-1].append(sized[place])
    lines = [line for line in lines if line]
    if len(lines) > 1 and len(lines[-1]) == 1 and len(lines[-2]) > 1:
        moved = lines[-2][-1]
        if _total([moved, lines[-1][0]]) <= room and not steps[-2].opens:
            lines[-2:] = [lines[-2][:-1], [moved, *lines[-1]]]
    if len(lines[-1]) > _RESULT and _total(lines[-1]) + remark > room:
        lines[-1:] = [lines[-1][:-_RESULT], lines[-1][-_RESULT:]]
    return [joined(GAP, [box for box, _ in line]) for line in lines]


def step_boxes(layout: Layout, chain: Chain) -> list[Box]:
    """Return the steps of a chain, each with its relation."""
    return [_with_relation(step, layout.box(step.formula)) for step in chain.steps]


def _with_relation(step: ChainStep, box: Box) -> Box:
    return (scalar_formulas.RELATIONS[step.relation], GAP, box)


def _step_lines(layout: Layout, step: ChainStep, room: float) -> list[Box]:
    """Return a step that is too long for a line in lines."""
    first, *rest = broken(layout, step.formula, room / _TIGHT if isinstance(step.formula, Listed) else room)
    return [_with_relation(step, first), *((QUAD, part) for part in rest)]


def _total(sized: Sequence[_Sized]) -> float:
    return sum([width for _, width in sized])


def _thought(steps: Sequence[ChainStep], sized: Sequence[_Sized], start: int) -> Sequence[_Sized]:
    """Return the steps of a chain from one that opens a new thought up to the next."""
    end = next((place for place in range(start + 1, len(steps)) if steps[place].opens), len(steps))
    return sized[start:end]


def broken(layout: Layout, formula: Node, room: float) -> list[Row]:
    """Return a formula in lines that fit: a sum is broken before its signs, a product before its crosses."""
    inner = layout.in_room(max(room - _RELATION - _INDENT - _AROUND, 1.0)) if room < math.inf else layout
    margin = _RELATION + _INDENT
    return scalar_formulas.in_lines(layout, _pieces(inner, formula, room - margin), room, margin)


def _pieces(layout: Layout, formula: Node, room: float) -> Iterator[Box]:
    """Yield what a formula may be broken into: each piece as it is, or with sums in lines if it is too wide."""
    plain = layout.in_room(0.0)

    def fitting(pieces: Sequence[Box], stacked: Sequence[Box]) -> Iterator[Box]:
        for one, other in zip(pieces, stacked, strict=True):
            yield one if layout.measure(one) <= room else other

    match formula:
        case Sum() if any(isinstance(part, MatrixProduct | Hadamard) for part in formula.terms):
            for position, (part, piece) in enumerate(
                zip(formula.terms, scalar_formulas.terms(plain, formula), strict=True)
            ):
                if isinstance(part, MatrixProduct | Hadamard) and layout.measure(piece) > room:
                    first, *others = array_formulas.factors(plain, part)
                    yield from ((PLUS, first) if position else first, *others)
                else:
                    yield piece
        case Sum():
            yield from fitting(scalar_formulas.terms(plain, formula), scalar_formulas.terms(layout, formula))
        case Product():
            factors = scalar_formulas.factors(plain, formula)
            widths = list(map(layout.measure, factors))
            beside = sum(widths) - max(widths)
            if max(widths) > room > 2 * beside:  # a long factor leaves those beside it on its line
                layout = layout.in_room(max(layout.room - beside - _BRACKETS, 1.0))
            yield from fitting(factors, scalar_formulas.factors(layout, formula))
        case MatrixProduct() | Hadamard():
            yield from array_formulas.factors(plain, formula)
        case Listed():
            yield from array_formulas.listed_items(plain, formula)
        case Negative(Sum() as operand):
            first, *rest, last = _pieces(layout, operand, room)
            yield from ((NEGATIVE, Sign("("), first), *rest, (last, Sign(")")))
        case _:
            yield from fitting([plain.box(formula)], [layout.box(formula)])


def groups(cells: Sequence[Sequence[float]], most: int, room: float) -> int:
    """Return how many times a table, its header first, stands beside itself: if it is long, as often as it fits.

    A table is given by how wide its cells are.
    """
    fits = int((room + _GROUP_GAP) // (_table_width(cells) + _GROUP_GAP))
    return max(1, min(most, fits, math.ceil((len(cells) - 1) / _ROWS_OF_GROUP)))


def breaks(cells: Sequence[Sequence[float]], room: float) -> bool:
    """Say whether a table may go on over a page: it is long, or, where that needs no smaller letters, not short."""
    return len(cells) > _LONG_TABLE or (len(cells) > _SHORT_TABLE and _table_width(cells) <= room)


def may_shrink(cells: Sequence[Sequence[float]], room: float) -> bool:
    """Say whether a table may be too wide, so that it has to be measured; one that is sure to fit need not."""
    return _table_width(cells) > _SURE * room


def wrapped_widths(cells: Sequence[Sequence[float]], wraps: Sequence[bool], room: float) -> list[float]:
    """Return what part of the line each column has whose words are wrapped, 0 for one that is as wide as its cells.

    In a table that is too wide the columns that may wrap share what the others leave, the narrowest first.
    """
    columns: Iterator[tuple[float, ...]] = zip(*cells, strict=True)
    widths = [max(column) for column in columns]
    found = [0.0] * len(widths)
    left = room - _COLUMN_GAP * len(widths) - sum(w for w, may in zip(widths, wraps, strict=True) if not may)
    if not room or _table_width(cells) <= room or left <= 0:
        return found
    may_wrap = sorted((place for place, may in enumerate(wraps) if may), key=widths.__getitem__)
    for count, place in zip(range(len(may_wrap), 0, -1), may_wrap, strict=True):
        given = min(widths[place], left / count)
        left -= given
        found[place] = given / room if given < widths[place] else 0.0
    return found


def _table_width(cells: Sequence[Sequence[float]]) -> float:
    """Return roughly how wide a table is."""
    columns: Iterator[tuple[float, ...]] = zip(*cells, strict=True)
    return _TIGHT * sum(max(column) + _COLUMN_GAP for column in columns)


_TIGHT = 0.9
"""A line of formulas is broken a little early; a table may fill its line."""

_SURE = 0.7
"""A table that is so much of its line by the rough widths fits by the true ones, too."""

_GROUP_GAP = 2
_ROWS_OF_GROUP = 6
"""A table with more rows goes on beside itself."""

_SHORT_TABLE, _LONG_TABLE = 9, 25
"""So many rows, with the header."""
