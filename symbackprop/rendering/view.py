"""What a template sees: sections and blocks whose text is escaped and whose formulas are printed.

Every view has a `kind`; a template has one branch for each kind and computes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from symbackprop import language
from symbackprop.document.blocks import Block, Chain, Display, Document, Listing, Paragraph, Section, Table
from symbackprop.errors import Message
from symbackprop.formula import Node, Product, Sum
from symbackprop.rendering.measure import width
from symbackprop.rendering.tex import RELATIONS, Printer

View = dict[str, Any]
Cell = dict[str, str]
"""What stands before the relation of a line, and what from it on."""

_GAP, _INDENT, _RELATION = 5, 2, 3
"""The room between formulas side by side, before a continued line, and of a relation, in digits."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes blocks for one format in one language."""

    printer: Printer
    language: str
    escape: Callable[[str], str]
    width: int

    def document(self, content: Document) -> View:
        """Return the view of a document."""
        return {
            "title": self._inline(content.title),
            "subtitle": [self._message(part) for part in content.subtitle],
            "sections": [self._section(section) for section in content.sections],
            "language": self.language,
        }

    def _section(self, section: Section) -> View:
        return {
            "title": self._message(section.title),
            "blocks": [self._block(block) for block in section.blocks],
            "sections": [self._section(inner) for inner in section.sections],
        }

    def _block(self, block: Block) -> View:
        match block:
            case Paragraph(text):
                return {"kind": "paragraph", "text": self._message(text)}
            case Listing(items, numbered):
                return {"kind": "listing", "entries": [self._message(item) for item in items], "numbered": numbered}
            case Table(header, rows, numeric):
                cells = [[self._inline(cell) for cell in row] for row in rows]
                return {"kind": "table", "header": list(map(self._inline, header)), "rows": cells, "numeric": numeric}
            case Display():
                return self._display(block)
        raise TypeError(f"no view for {type(block).__name__}")

    def _inline(self, part: object) -> str:
        if isinstance(part, Message):
            return self._message(part)
        if isinstance(part, Node):
            return f"${replace(self.printer, inline=True).print(part)}$"
        if isinstance(part, tuple):
            return ", ".join(map(self._inline, part))
        return self.escape(str(part))

    def _message(self, content: Message) -> str:
        parts = language.pieces(self.language, content)
        return "".join(self.escape_phrase(part) if isinstance(part, str) else self._inline(part[0]) for part in parts)

    def escape_phrase(self, text: str) -> str:
        """Return a phrase's own text, whose spaces at the ends count."""
        lead, trail = len(text) - len(text.lstrip()), len(text) - len(text.rstrip())
        return " " * lead + self.escape(text) + (" " * trail if text.strip() else "")

    def _display(self, display: Display) -> View:
        """Return displayed formulas: each a chain of lines, or short ones side by side where they may be."""
        chains = [self._chain(chain) for chain in display.chains]
        columns = self._columns([chain[0] for chain in chains], display.per_row) if _all_short(chains) else 1
        if columns == 1:
            lines = [{"cells": [line], "closes": line is chain[-1]} for chain in chains for line in chain]
        else:
            cells = [chain[0] for chain in chains]
            rows = (cells[start : start + columns] for start in range(0, len(cells), columns))
            lines = [{"cells": row, "closes": True} for row in rows]
        return {"kind": "display", "lines": lines, "columns": columns}

    def _columns(self, cells: Sequence[Cell], most: int) -> int:
        """Return how many short formulas stand side by side: `most`, or as many as fit and fill their rows evenly."""
        most = min(most, len(cells))
        for columns in range(most, 1, -1):
            rows = math.ceil(most / columns)
            if columns != math.ceil(most / rows):
                continue
            widest = [max(width(cell["left"]) for cell in cells[k::columns]) for k in range(columns)]
            widest += [max(width(cell["right"]) for cell in cells[k::columns]) for k in range(columns)]
            if not self.width or sum(widest) + _GAP * (columns - 1) <= self.width:
                return columns
        return 1

    def _chain(self, chain: Chain) -> list[Cell]:
        """Return the lines of a chain: what stands before the relation, and what from it on.

        A chain that fits is one line. Another is broken where a step opens a new thought (the partials, the numbers)
        and wherever a line is full; a result does not stand alone where the step before it can come down to it.
        """
        left = self.printer.print(chain.left)
        room = self.width - width(left) if self.width else math.inf
        texts = [f"{RELATIONS[step.relation]} {self.printer.print(step.formula)}" for step in chain.steps]
        if any(step.reason for step in chain.steps):
            reasons = ["" if step.reason is None else self._reason(step.reason) for step in chain.steps]
            return _cells(left, [text + reason for text, reason in zip(texts, reasons, strict=True)])
        if sum(map(width, texts)) <= room:
            return _cells(left, [" ".join(texts)])
        lines: list[list[str]] = []
        for step, text in zip(chain.steps, texts, strict=True):
            if width(text) > room:
                first, *rest = self._broken(step.formula, room)
                lines += [[f"{RELATIONS[step.relation]} {first}"], *([rf"\quad {part}"] for part in rest), []]
            elif lines and lines[-1] and not step.opens and sum(map(width, lines[-1])) + width(text) <= room:
                lines[-1].append(text)
            elif lines and not lines[-1]:
                lines[-1] = [text]
            else:
                lines.append([text])
        lines = [line for line in lines if line]
        if len(lines) > 1 and len(lines[-1]) == 1 and len(lines[-2]) > 1:
            moved = lines[-2][-1]
            if width(moved) + width(lines[-1][0]) <= room and not chain.steps[-2].opens:
                lines[-2:] = [lines[-2][:-1], [moved, *lines[-1]]]
        return _cells(left, [" ".join(line) for line in lines])

    def _reason(self, content: Message) -> str:
        return rf" \qquad \text{{({self.escape(language.say(self.language, content))})}}"

    def _broken(self, formula: Node, room: float) -> list[str]:
        """Return a formula in pieces that fit: a sum is broken before its signs, a product before its crosses."""
        whole = self.printer.print(formula)
        if width(whole) + _RELATION <= room or not isinstance(formula, Sum | Product):
            return [whole]
        pieces = self.printer.terms(formula) if isinstance(formula, Sum) else self.printer.factors(formula)
        lines = [pieces[0]]
        for piece in pieces[1:]:
            if width(lines[-1]) + width(piece) + _RELATION + _INDENT <= room:
                lines[-1] += piece
            else:
                # Behind empty braces a sign at the start of a line keeps the space of one between two terms.
                lines.append(f"{{}}{piece}")
        return lines


def _all_short(chains: list[list[Cell]]) -> bool:
    return all(len(chain) == 1 for chain in chains)


def _cells(left: str, lines: list[str]) -> list[Cell]:
    return [{"left": "" if position else left, "right": line} for position, line in enumerate(lines)]
