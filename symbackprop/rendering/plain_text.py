"""What the templates of plain text are filled with: lines of at most a hundred columns, formulas and tables aligned."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from symbackprop import language
from symbackprop.language import columns
from symbackprop.rendering.dialects.text import beside, width
from symbackprop.rendering.view_models import Cell, ViewModel

WIDTH = 100
"""The columns of a line."""

_INDENT, _GAP, _NARROWEST = 4, 2, 16
"""The room before a formula, and between the columns of a table; the least columns of a text in a table."""


def wrapped(text: str, first: str = "", rest: str | None = None) -> str:
    """Return a text in lines: the first begins with `first`, the others with `rest`, or as much space.

    >>> print(wrapped("a text", "- "))
    - a text
    """
    rest = " " * columns(first) if rest is None else rest
    lines = list(language.wrapped(text, WIDTH - columns(first))) or [""]
    return "\n".join([f"{first}{lines[0]}".rstrip(), *(f"{rest}{line}" for line in lines[1:])])


def underlined(title: str, line: str) -> str:
    """Return a title with a line under it.

    >>> print(underlined("反向", "-"))
    反向
    ----
    """
    lines = list(language.wrapped(title, WIDTH))
    return "\n".join([*lines, line * max(map(columns, lines))])


def display(block: ViewModel) -> str:
    """Return displayed formulas, aligned at their relations."""
    rows: list[Sequence[Cell]] = [line["cells"] for line in block["lines"]]
    lefts = [max(width(cell["left"]) for cell in cells) for cells in _columns_of(rows)]
    rights = [max(width(cell["right"]) for cell in cells) for cells in _columns_of(rows)]
    return "\n".join(line for cells in rows for line in _line(cells, lefts, rights))


def _columns_of(rows: Sequence[Sequence[Cell]]) -> Iterator[list[Cell]]:
    for column in itertools.zip_longest(*rows):
        yield [cell for cell in column if cell is not None]


def _line(cells: Sequence[Cell], lefts: Sequence[int], rights: Sequence[int]) -> Iterator[str]:
    """Yield the lines of formulas side by side, with what is said about the last of them."""
    blocks = []
    for place, (cell, left, right) in enumerate(zip(cells, lefts, rights, strict=False)):
        blocks += [" " * _INDENT, _padded(cell["left"], left, at_right=True), " "]
        blocks.append(cell["right"] if place == len(cells) - 1 else _padded(cell["right"], right, at_right=False))
    text = beside(*blocks)
    said = f"– {cells[-1]['remark']}" if cells[-1]["remark"] else cells[-1]["aside"]
    if said and width(text) + _GAP + columns(said) <= WIDTH:
        text, said = beside(text, " " * _GAP + said), ""
    lead = _INDENT + lefts[0] + 1
    for line in text.split("\n"):
        yield from _broken(line.rstrip(), lead)
    if said:
        yield wrapped(said, " " * (lead + _GAP))


def _padded(block: str, size: int, *, at_right: bool) -> str:
    lines = [(" " * (size - columns(line)), line) for line in block.split("\n")]
    return "\n".join(space + line if at_right else line + space for space, line in lines)


def _broken(line: str, lead: int) -> Iterator[str]:
    """Yield a line of a formula, in several ones at its spaces if it is too long."""
    if columns(line) <= WIDTH:
        yield line
        return
    start = line[: len(line) - len(line.lstrip())]
    first, *rest = language.wrapped(line.lstrip(), WIDTH - max(len(start), lead + _GAP))
    yield start + first
    yield from (" " * (lead + _GAP) + part for part in rest)


def table(block: ViewModel) -> str:
    """Return a table; where it is too wide its texts are broken, and if that is not enough it is cut into several."""
    header, rows, numeric = block["header"], block["rows"], block["numeric"]
    sizes = [max(map(columns, column)) for column in zip(header, *rows, strict=True)]
    if _total(sizes) > WIDTH:
        sizes = _narrowed(sizes, numeric)
    parts = list(_parts(sizes))
    tables = [
        _table(
            [[row[k] for k in part] for row in (header, *rows)], [sizes[k] for k in part], [numeric[k] for k in part]
        )
        for part in parts
    ]
    return "\n\n".join(tables)


def _total(sizes: Sequence[int]) -> int:
    return sum(sizes) + _GAP * (len(sizes) - 1)


def _narrowed(sizes: Sequence[int], numeric: Sequence[bool]) -> list[int]:
    """Return the widths of columns, the widest text made narrower until the table fits, or it is narrow enough."""
    found = list(sizes)
    texts = [place for place, is_number in enumerate(numeric) if not is_number and found[place] > _NARROWEST]
    while texts and _total(found) > WIDTH:
        widest = max(texts, key=found.__getitem__)
        if found[widest] <= _NARROWEST:
            break
        found[widest] -= 1
    return found


def _parts(sizes: Sequence[int]) -> Iterator[list[int]]:
    """Yield the places of the columns of each part of a table; the first column stands in all of them."""
    part = [0]
    for place in range(1, len(sizes)):
        if len(part) > 1 and _total([sizes[k] for k in (*part, place)]) > WIDTH:
            yield part
            part = [0]
        part.append(place)
    yield part


def _table(rows: Sequence[Sequence[str]], sizes: Sequence[int], numeric: Sequence[bool]) -> str:
    lines = []
    for place, row in enumerate(rows):
        cells = [
            [cell] if columns(cell) <= size else list(language.wrapped(cell, size))
            for cell, size in zip(row, sizes, strict=True)
        ]
        for parts in itertools.zip_longest(*cells, fillvalue=""):
            padded = [
                _padded(part, size, at_right=right) for part, size, right in zip(parts, sizes, numeric, strict=True)
            ]
            lines.append((" " * _GAP).join(padded).rstrip())
        if not place:
            lines.append((" " * _GAP).join("─" * size for size in sizes))
    return "\n".join(lines)


def tidied(text: str) -> str:
    """Return a text without spaces at the ends of its lines and without more than one empty line between two others."""
    lines = [line.rstrip() for line in text.split("\n")]
    kept = [line for before, line in itertools.pairwise(["", *lines]) if line or before]
    return "\n".join(kept).strip("\n") + "\n"
