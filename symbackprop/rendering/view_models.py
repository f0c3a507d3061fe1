"""What a template sees: sections and blocks whose text is escaped and whose formulas are printed.

Every view of a block has a `kind`; a template has one branch for each kind and computes nothing.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from symbackprop import language
from symbackprop.algebra.formula import Node
from symbackprop.document.blocks import (
    Block,
    Chain,
    Display,
    Document,
    Figure,
    Listing,
    Note,
    Paragraph,
    Section,
    Table,
    Terms,
)
from symbackprop.language import Wording
from symbackprop.messages import Message
from symbackprop.rendering import anchors, breaking, escapes, svg, tikz
from symbackprop.rendering.markups import TEX, Markup
from symbackprop.rendering.tex import Printer
from symbackprop.rendering.widths import width

View = dict[str, Any]
Cell = dict[str, str]
"""What stands before the relation of a line (`left`), what from it on (`right`), and the `reason` for it, if it has one.

`aside` is the reason as it stands beside a formula, in parentheses. The first cell of a derivation has its `anchor`.
The last may end with a `remark`: a text, and the same as part of a formula (`remark_tex`).
"""

_GAP, _INDENT, _RELATION = 5, 2, 3
"""The room between formulas side by side, before a continued line, and of a relation, in digits."""

_REMARK_GAP, _REMARK_SIZE = 3, 0.78
"""The room before a remark, in digits, and how large its letters are beside those of a formula."""

_WORDS = re.compile(r"\\text\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Deferred:
    """A text that is written when a template prints it: no format needs every form of a figure."""

    write: Callable[[], str]

    def __str__(self) -> str:
        return self.write()


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes blocks for one format in one language.

    `math` stands before and after a formula in a sentence; `spaced` keeps letters and full-width signs away from it;
    `markup` is what becomes of TeX; `folds` lets long tables go on beside themselves.
    """

    printer: Printer
    language: str
    escape: Callable[[str], str]
    width: int
    math: tuple[str, str] = ("$", "$")
    spaced: bool = False
    markup: Markup = TEX
    folds: bool = False

    def say(self, id: str) -> str:
        """Return a phrase that needs no arguments, as text of the format."""
        return self._message(Message(id, {}))

    def document(self, content: Document) -> View:
        """Return the view of a document."""
        written: View = {
            "title": self._inline(content.title),
            "subtitle": [self._message(part) for part in content.subtitle],
            "sections": [self._section(section) for section in content.sections],
            "bullet": self.say("punctuation.bullet"),
            "language": self.language,
        }
        anchors.keep_first(written, set())
        written["explained"] = _is_explained(content.sections)
        return {**written, "latin": all(map(escapes.is_latin, _texts(written)))}

    def _section(self, section: Section) -> View:
        return {
            "name": section.title.id.rpartition(".")[2],
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
            case Table():
                return self._table(block)
            case Note(kind, text):
                label = self.say(f"note.{kind}")
                return {"kind": "note", "about": str(kind), "label": label, "text": self._message(text)}
            case Terms(header, entries):
                terms = [[self._inline(cell) for cell in entry] for entry in entries]
                colon = self.escape_phrase(language.phrases(self.language)["punctuation.colon"])
                return {"kind": "terms", "header": list(map(self._message, header)), "entries": terms, "colon": colon}
            case Display():
                return self._display(block)
            case Figure():
                return self.figure(block)
        raise TypeError(f"no view for {type(block).__name__}")

    def _table(self, table: Table) -> View:
        """Return a table, beside itself where it is long and may be."""
        header, *rows = ([self._inline(cell) for cell in row] for row in (table.header, *table.rows))
        groups = breaking.groups([header, *rows], table.beside if self.folds else 1, self.width)
        height = math.ceil(len(rows) / groups)
        parts = [rows[start : start + height] for start in range(0, len(rows), height or 1)] or [[]]
        empty = [""] * len(header)
        beside = [list(itertools.chain(*row)) for row in itertools.zip_longest(*parts, fillvalue=empty)]
        headers, numeric = header * len(parts), table.numeric * len(parts)
        breaks = breaking.breaks([headers, *beside], self.width)
        whole = {"header": headers, "rows": beside, "numeric": numeric, "groups": len(parts), "breaks": breaks}
        return {"kind": "table", **whole}

    def figure(self, figure: Figure) -> View:
        """Return a figure; its words and its drawings are made when a template prints them."""
        return {
            "kind": "figure",
            "caption": self._message(figure.caption),
            "alternative": Deferred(lambda: self.escape(language.say(self.language, figure.alternative))),
            "svg": Deferred(functools.partial(svg.picture, figure.picture, figure.alternative, self.language)),
            "tikz": Deferred(functools.partial(tikz.picture, figure.picture, self.language, self.escape)),
        }

    def _inline(self, part: object) -> str:
        if isinstance(part, Message):
            return self._message(part)
        if isinstance(part, Node):
            formula = self.markup.inline(self.printer.inlined.print(part))
            return f"{self.math[0]}{formula}{self.math[1]}"
        if isinstance(part, tuple):
            return self._list(part)
        if isinstance(part, Wording):
            return self.escape(part.said(self.language))
        return self.escape(str(part))

    def _message(self, content: Message) -> str:
        pieces = language.pieces(self.language, content)
        parts = [self.escape_phrase(part) if isinstance(part, str) else self._inline(part[0]) for part in pieces]
        return self._joined(parts)

    def _list(self, items: Sequence[object]) -> str:
        separator = self.escape_phrase(language.phrases(self.language)["list.separator"])
        parts = [part for item in items for part in (separator, self._inline(item))]
        return self._joined(parts[1:])

    def _joined(self, parts: Sequence[str]) -> str:
        return self._apart(parts) if self.spaced else "".join(parts)

    def _apart(self, parts: Sequence[str]) -> str:
        """Return parts joined, a space between a formula and a letter or a full-width sign beside it."""
        joined = ""
        for part in parts:
            if joined and part and self._collide(joined, part):
                joined += " "
            joined += part
        return joined

    def _collide(self, before: str, after: str) -> bool:
        opening, closing = self.math
        return (after.startswith(opening) and _is_letter(before[-1])) or (
            before.endswith(closing) and _is_letter(after[0])
        )

    def escape_phrase(self, text: str) -> str:
        """Return a phrase's own text, whose spaces at the ends count."""
        lead, trail = len(text) - len(text.lstrip()), len(text) - len(text.rstrip())
        return " " * lead + self.escape(text) + (" " * trail if text.strip() else "")

    def _display(self, display: Display) -> View:
        """Return displayed formulas: each a chain of lines, or short ones side by side where they may be."""
        chains = [self.cells(chain) for chain in display.chains]
        for cells, chain in zip(chains, display.chains, strict=True):
            cells[0]["anchor"] = anchors.anchor(chain)
        columns = self._columns([chain[0] for chain in chains], display.per_row) if _all_short(chains) else 1
        lines: list[View]
        if columns == 1:
            lines = [line for chain in chains for line in _lines(chain)]
        else:
            cells = [chain[0] for chain in chains]
            rows = (cells[start : start + columns] for start in range(0, len(cells), columns))
            lines = [{"cells": row, "closes": True, "holds": False} for row in rows]
        for cell in (cell for line in lines for cell in line["cells"]):
            cell |= {side: self.markup.displayed(cell[side]) for side in ("left", "right")}
        return {"kind": "display", "lines": lines, "columns": columns}

    def _columns(self, cells: Sequence[Cell], most: int) -> int:
        """Return how many short formulas stand side by side: `most`, or as many as fit and fill their rows evenly."""
        most = min(most, len(cells))
        for columns in range(most, 1, -1):
            if most % columns:
                continue
            widest = [max(width(cell["left"]) for cell in cells[k::columns]) for k in range(columns)]
            widest += [max(width(cell["right"]) for cell in cells[k::columns]) for k in range(columns)]
            if not self.width or sum(widest) + _GAP * (columns - 1) <= self.width:
                return columns
        return 1

    def cells(self, chain: Chain) -> list[Cell]:
        """Return the lines of a chain, its remark at the end of the last one, or on a line of its own if that is full."""
        if chain.remark is None:
            return self._chain(chain)
        formula = self._in_formula(chain.remark)
        size = _REMARK_GAP + _REMARK_SIZE * _length(formula)
        cells = self._chain(chain, size)
        if self.width and width(cells[0]["left"]) + width(cells[-1]["right"]) + size > self.width:
            cells += _cells("", [""])
        cells[-1] |= {"remark": self._message(chain.remark), "remark_tex": formula}
        return cells

    def _in_formula(self, part: object) -> str:
        """Return a phrase as part of a formula: its words as text, its formulas as they are."""
        if isinstance(part, Message):
            pieces = language.pieces(self.language, part)
            return "".join(
                _word(self.escape_phrase(p)) if isinstance(p, str) else self._in_formula(p[0]) for p in pieces
            )
        if isinstance(part, tuple):
            separator = _word(self.escape_phrase(language.phrases(self.language)["list.separator"]))
            return separator.join(map(self._in_formula, part))
        if isinstance(part, Node):
            return self.printer.inlined.print(part)
        return _word(self.escape(str(part)))

    def _chain(self, chain: Chain, remark: float = 0) -> list[Cell]:
        """Return the lines of a chain: what stands before the relation, and what from it on.

        Where steps have reasons, each is a line; else lines are broken where they have to be, and where that leaves
        room for a remark of some width.
        """
        left = self.printer.print(chain.left)
        if any(step.reason for step in chain.steps):
            reasons = [("", "") if step.reason is None else self._reason(step.reason) for step in chain.steps]
            return _cells(left, breaking.step_texts(self.printer, chain), reasons)
        return _cells(left, breaking.chain_lines(self.printer, chain, self.room(left), remark))

    def room(self, left: str) -> float:
        """Return the room behind the left side of a chain."""
        return self.width - width(left) if self.width else math.inf

    def _reason(self, content: Message) -> tuple[str, str]:
        """Return a reason alone, and as an aside."""
        said = (content, Message("punctuation.aside", {"text": content}))
        alone, aside = (self.escape(language.say(self.language, each)) for each in said)
        return alone, aside


def _is_explained(sections: Sequence[Section]) -> bool:
    """Say whether there are explanations."""
    return any(any(isinstance(b, Note) for b in part.blocks) or _is_explained(part.sections) for part in sections)


def _blocks(sections: Sequence[Section]) -> Iterator[Block]:
    """Iterate over the blocks of sections and of those inside them."""
    for section in sections:
        yield from section.blocks
        yield from _blocks(section.sections)


def _texts(part: object) -> Iterator[str]:
    """Iterate over every text inside a view, in no particular order."""
    waiting = [part]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, str):
            yield inner
        elif isinstance(inner, dict):
            waiting += inner.values()
        elif isinstance(inner, list):
            waiting += inner


def _is_letter(character: str) -> bool:
    """Say whether a character is no ASCII space or sign: beside it Markdown's readers do not see a formula."""
    return character.isalnum() or not character.isascii()


def _lines(chain: Sequence[Cell]) -> Iterator[View]:
    """Yield the lines of a chain; a page may break in the middle of a long one, behind a line that does not hold."""
    for place, cell in enumerate(chain, start=1):
        is_inner = _ENDS <= place <= len(chain) - _ENDS
        yield {"cells": [cell], "closes": cell is chain[-1], "holds": len(chain) <= _LONG_CHAIN or not is_inner}


_LONG_CHAIN, _ENDS = 5, 2
"""The lines of a chain that stay on one page, and so many at either end of a longer one."""


def _all_short(chains: list[list[Cell]]) -> bool:
    return all(len(chain) == 1 for chain in chains)


def _word(text: str) -> str:
    # TeX drops a space behind a Chinese sign unless it is a command.
    is_dropped = text.endswith(" ") and not text.rstrip().isascii()
    return rf"\text{{{text.rstrip()}\ }}" if is_dropped else rf"\text{{{text}}}"


def _length(remark: str) -> float:
    """Return roughly how long a remark is, in digits: a Chinese sign is as wide as two letters."""
    words = "".join(_WORDS.findall(remark))
    return len(words) + sum(not letter.isascii() for letter in words) + width(_WORDS.sub("", remark))


_BARE = {"anchor": "", "remark": "", "remark_tex": "", "reason": "", "aside": ""}


def _cells(left: str, lines: Sequence[str], reasons: Sequence[tuple[str, str]] = ()) -> list[Cell]:
    of_lines = zip(lines, reasons or [("", "")] * len(lines), strict=True)
    return [
        {**_BARE, "left": "" if position else left, "right": line, "reason": reason, "aside": aside}
        for position, (line, (reason, aside)) in enumerate(of_lines)
    ]
