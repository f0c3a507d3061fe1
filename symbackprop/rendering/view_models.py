"""What a template sees: sections and blocks whose text is escaped and whose formulas are printed.

Every view of a block has a `kind`; a template has one branch for each kind and computes nothing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from symbackprop import language
from symbackprop.algebra.formula import Node
from symbackprop.derivation.derivations import Derivation
from symbackprop.document.blocks import (
    Block,
    Chain,
    Display,
    Document,
    Figure,
    Inline,
    Judged,
    Listing,
    Note,
    Paragraph,
    Prose,
    Section,
    Table,
    Terms,
    Verbatim,
)
from symbackprop.document.display_nodes import Blank
from symbackprop.language import Wording
from symbackprop.messages import Message
from symbackprop.rendering import anchors, contents, escapes, figure_views, table_cells, user_markdown
from symbackprop.rendering.dialects import Dialect
from symbackprop.rendering.escapes import Markup
from symbackprop.rendering.layout import Layout, boxes, breaking, widths
from symbackprop.rendering.layout.boxes import Box, Text
from symbackprop.rendering.table_cells import TableCell
from symbackprop.templating import Deferred

ViewModel = dict[str, Any]
Cell = dict[str, Any]
"""What stands before the relation of a line (`left`), what from it on (`right`), and the `reason` for it, if it has one.

`aside` is the reason as it stands beside a formula, in parentheses. The first cell of a derivation has its `anchor`, the
last with a number the code name of its `result`. The last may end with a `remark`: a text, and the same as part of a
formula (`remark_tex`). Formulas are boxes until the display is written.
"""

_GAP, _INDENT, _RELATION = 5, 2, 3
"""The room between formulas side by side, before a continued line, and of a relation, in digits."""

_REMARK_GAP, _REMARK_SIZE = 3, 0.9
"""The room before a remark, in digits, and how large its letters are beside those of a formula."""

_UNBROKEN = 12
"""Characters of a typed text that stay together."""


@dataclass(frozen=True, slots=True)
class Phrases(Mapping[str, str]):
    """The phrases by id, as text of a format; one that needs arguments has their names in braces."""

    writer: ViewWriter

    def __getitem__(self, id: str) -> str:
        return self.writer.say(id)

    def __iter__(self) -> Iterator[str]:
        return iter(language.phrases(self.writer.language))

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(frozen=True, slots=True)
class ViewWriter:
    """Writes blocks for one format in one language.

    `math` stands before and after a formula in a sentence; `spaced` keeps letters or signs away from it (`escapes.SPACED`);
    `dialect` is what formulas are written in; `folds` lets long tables go on beside themselves. `said` keeps the phrases
    without arguments, `tables` and `cells_seen` the tables and the cells (of tables whose words have no signs around them
    behind the others) that the documents of a class have in common.
    """

    layout: Layout
    dialect: Dialect
    language: str
    markup: Markup
    width: int
    math: tuple[str, str] = ("$", "$")
    spaced: str = ""
    folds: bool = False
    said: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    tables: dict[int, tuple[Table, ViewModel]] = field(default_factory=dict, repr=False, compare=False)
    others: dict[int, ViewWriter] = field(default_factory=dict, repr=False, compare=False)
    cells_seen: tuple[dict[int | str, TableCell], dict[int | str, TableCell]] = field(
        default_factory=lambda: ({}, {}), repr=False, compare=False
    )

    def escape(self, text: str) -> str:
        """Return plain text as text of the format."""
        return self.markup.escape(text)

    def say(self, id: str) -> str:
        """Return a phrase as text of the format, with the names of its arguments where they are to stand."""
        found = self.said.get(id)
        if found is None:
            places = {name: f"{{{name}}}" for name in language.arguments_of(self.language, id)}
            found = self.said[id] = self._sentence(self._pieces(Message(id, places)))
        return found

    def document(self, content: Document) -> ViewModel:
        """Return the view of a document."""
        written: ViewModel = {
            "title": self._inline(content.title),
            "subtitle": [self._inline(part) for part in content.subtitle],
            "sections": [self._section(section) for section in content.sections],
            "bullet": self.say("punctuation.bullet"),
            "language": self.language,
        }
        blocks = list(contents.blocks(written["sections"]))
        anchors.settle(blocks)
        written["explained"] = any(block["kind"] == "note" for block in blocks)
        written["figures"] = [block for block in blocks if block["kind"] == "figure"]
        written["formulas"] = Deferred(lambda: not content.many and contents.holds(content, (Display, Node, Prose)))
        written["toned"] = Deferred(lambda: contents.holds(content, (Judged, Verbatim, Prose)))
        return {**written, "latin": Deferred(lambda: all(map(escapes.is_latin, contents.texts(written))))}

    def _section(self, section: Section) -> ViewModel:
        own = self if section.derivation is None else self._of_problem(section.derivation)
        return {
            "name": section.title.id.rpartition(".")[2],
            "title": own._inline(section.title),
            "blocks": [own.block(block) for each in section.blocks for block in self._read(each)],
            "sections": [own._section(inner) for inner in section.sections],
        }

    def _of_problem(self, derivation: Derivation) -> ViewWriter:
        """Return what writes blocks in the notation of another problem, and remembers what it has written."""
        place, problem = id(derivation.graph), self.layout.of_problem
        if place not in self.others:
            self.others[place] = replace(self, layout=problem(derivation), tables={}, cells_seen=({}, {}), others={})
        return self.others[place]

    def _read(self, block: Block) -> Sequence[Block]:
        """Return the blocks of what the user wrote, and any other block as it is."""
        return user_markdown.blocks(block.text.said(self.language)) if isinstance(block, Prose) else (block,)

    def block(self, block: Block) -> ViewModel:
        """Return the view of a block."""
        match block:
            case Paragraph(text, heads):
                return {"kind": "heading" if heads else "paragraph", "text": self._inline(text)}
            case Listing(items, numbered):
                return {"kind": "listing", "entries": [self._inline(item) for item in items], "numbered": numbered}
            case Table():
                # With the table itself beside it, nothing else can get its identity.
                if id(block) not in self.tables:
                    self.tables[id(block)] = block, self._table(block)
                return {**self.tables[id(block)][1]}
            case Note(kind, text):
                label = self.say(f"note.{kind}")
                return {"kind": "note", "about": str(kind), "label": label, "text": self._inline(text)}
            case Terms(header, entries):
                terms = [[self._inline(cell) for cell in entry] for entry in entries]
                colon = self.escape_phrase(language.phrases(self.language)["punctuation.colon"])
                return {"kind": "terms", "header": list(map(self._inline, header)), "entries": terms, "colon": colon}
            case Display():
                return self._display(block)
            case Figure():
                return self.figure(block)
        raise TypeError(f"no view for {type(block).__name__}")

    def _table(self, table: Table) -> ViewModel:
        """Return a table, beside itself where it is long and may be."""
        # The width is that of words alone.
        is_bare = not (self.markup.is_wrapped or contents.holds(table, (Judged, Verbatim)))
        plain = self if is_bare else replace(self, markup=escapes.MARKUPS["text"])
        seen = self.cells_seen[is_bare]
        whole = [[self._cell(cell, plain, seen) for cell in row] for row in (table.header, *table.rows)]
        sizes = [[cell.size for cell in row] for row in whole]
        header, *rows = ([cell.text for cell in row] for row in whole)
        fits = breaking.groups(sizes, table.beside, self.width)
        groups = fits if self.folds else 1
        height = math.ceil(len(rows) / groups)
        parts = [rows[start : start + height] for start in range(0, len(rows), height or 1)] or [[]]
        empty = [""] * len(header)
        beside = [list(itertools.chain(*row)) for row in itertools.zip_longest(*parts, fillvalue=empty)]
        headers, numeric = header * len(parts), table.numeric * len(parts)
        sized = [row * len(parts) for row in sizes[: height + 1]]
        wrapped = breaking.wrapped_widths(sized, [not right for right in numeric], self.width)
        breaks = any(wrapped) or breaking.breaks(sized, self.width)
        places = [[cell.places for cell in row] for row in whole[1:]]
        laid_out = {"header": headers, "rows": beside, "numeric": numeric, "groups": len(parts), "fits": fits}
        shrinks = any(cell.is_tall for row in whole for cell in row) or breaking.may_shrink(sized, self.width)
        return {"kind": "table", **laid_out, "places": places, "breaks": breaks, "shrinks": shrinks, "wrapped": wrapped}

    def _cell(self, cell: Inline, plain: ViewWriter, seen: dict[int | str, TableCell]) -> TableCell:
        """Return a cell of a table; `seen` are those written before, texts by themselves and others by their identity."""
        key = cell if isinstance(cell, str) else id(cell)
        found = seen.get(key)
        if found is None:
            pieces = list(self._pieces(cell))
            bare = pieces if plain is self else list(plain._pieces(cell))
            tall = any(boxes.is_tall(piece) for piece in bare if not isinstance(piece, str))
            found = TableCell(cell, self._sentence(pieces), table_cells.width(bare), tall, anchors.places(cell))
            seen[key] = found
        return found

    def figure(self, figure: Figure) -> ViewModel:
        """Return a figure; its words and its drawings are made when a template prints them."""
        forms = figure_views.view(figure, self.language, self.escape)
        return {"kind": "figure", "caption": self._inline(figure.caption), **forms}

    def _inline(self, part: object) -> str:
        if isinstance(part, Message) and not part.arguments:
            return self.say(part.id)
        return self._sentence(self._pieces(part))

    def _sentence(self, pieces: Iterable[str | Box]) -> str:
        """Return pieces joined; in a spaced format, a space between a formula and a letter or sign beside it."""
        before, after = self.math
        joined = ""
        for piece in pieces:
            part = piece if isinstance(piece, str) else f"{before}{self.dialect.inline(piece)}{after}"
            if self.spaced and joined and part and self._collide(joined, part):
                joined += " "
            joined += part
        return self.markup.merged(joined)

    def _pieces(self, part: object) -> Iterator[str | Box]:
        """Yield the texts of the format and the formulas that something in a sentence consists of."""
        if isinstance(part, Node):
            yield (self.markup.blank if isinstance(part, Blank) else "") or self.layout.inlined.box(part)
        elif isinstance(part, Message):
            for piece in language.pieces(self.language, part):
                if isinstance(piece, str):
                    yield self.escape_phrase(piece)
                else:
                    yield from self._pieces(piece[0])
        elif isinstance(part, tuple | list):
            separator = self.escape_phrase(language.phrases(self.language)["list.separator"])
            for position, item in enumerate(part):
                if position:
                    yield separator
                yield from self._pieces(item)
        elif isinstance(part, Judged):
            yield self.markup.toned(part.tone, self._inline(part.content))
        elif isinstance(part, Verbatim):
            yield self._verbatim(part)
        elif isinstance(part, user_markdown.Formula):
            yield part.box
        elif isinstance(part, user_markdown.Styled):
            yield from self._styled(part)
        else:
            yield self.escape(part.said(self.language) if isinstance(part, Wording) else str(part))

    def _styled(self, part: user_markdown.Styled) -> Iterator[str | Box]:
        pieces = (piece for each in part.parts for piece in self._written(each))
        if part.style:
            yield self.markup.styles.get(part.style, "{}").format(self._sentence(pieces))
        else:
            yield from pieces

    def _written(self, part: object) -> Iterator[str | Box]:
        """Yield a part of a sentence whose spaces at the ends count."""
        if isinstance(part, str):
            yield self.escape_phrase(part)
        else:
            yield from self._pieces(part)

    def _verbatim(self, part: Verbatim) -> str:
        """Return a text as it was typed, with a caret where reading it stopped."""
        if not part.text:
            return ""
        ends = [part.text] if part.stop is None else [part.text[: part.stop], part.text[part.stop :]]
        return self.markup.toned("verbatim", self.markup.caret.join(map(self._breakable, ends)))

    def _breakable(self, text: str) -> str:
        """Return a text that may be broken in the middle of a long word, in a format that breaks none itself."""
        if not self.markup.soft or len(text) <= _UNBROKEN:
            return self.escape_phrase(text)
        pieces = (text[start : start + _UNBROKEN] for start in range(0, len(text), _UNBROKEN))
        return self.markup.soft.join(map(self.escape_phrase, pieces))

    def _collide(self, before: str, after: str) -> bool:
        opening, closing = self.math
        return (after.startswith(opening) and escapes.is_apart(before[-1], self.spaced)) or (
            before.endswith(closing) and escapes.is_apart(after[0], self.spaced)
        )

    def escape_phrase(self, text: str) -> str:
        """Return a phrase's own text, whose spaces at the ends count."""
        if text == text.strip():
            return self.escape(text)
        lead, trail = len(text) - len(text.lstrip()), len(text) - len(text.rstrip())
        return " " * lead + self.escape(text) + (" " * trail if text.strip() else "")

    def _display(self, display: Display) -> ViewModel:
        """Return displayed formulas: each a chain of lines, or short ones side by side where they may be."""
        chains = [self.cells(chain) for chain in display.chains]
        for cells, chain in zip(chains, display.chains, strict=True):
            cells[0]["anchor"] = anchors.anchor(chain)
            if cells[0]["anchor"]:
                last = next(cell for cell in reversed(cells) if cell["right"])
                last["result"] = anchors.result(chain.left, self.layout.notation.graph.output)
        short = [chain[0] for chain in chains if len(chain) == 1]
        stands_alone = len(short) < len(chains) or any(chain.remark is not None for chain in display.chains)
        columns = 1 if stands_alone else self._columns(short, display.per_row)
        lines = [line for chain in chains for line in _lines(chain)]
        if columns > 1:
            rows = (short[start : start + columns] for start in range(0, len(short), columns))
            lines = [{"cells": row, "closes": True, "holds": False} for row in rows]
        for cell in (cell for line in lines for cell in line["cells"]):
            cell |= {side: self.dialect.displayed(cell[side]) for side in ("left", "right")}
        return {"kind": "display", "lines": lines, "columns": columns}

    def _columns(self, cells: Sequence[Cell], most: int) -> int:
        """Return how many short formulas stand side by side: `most`, or as many as fit and fill their rows evenly."""
        most = min(most, len(cells))
        for columns in range(most, 1, -1):
            if most % columns:
                continue
            sides = [[cell[side] for cell in cells[k::columns]] for k in range(columns) for side in ("left", "right")]
            widest = [max(map(self.dialect.measure, side)) for side in sides]
            if not self.width or sum(widest) + _GAP * (columns - 1) <= self.width:
                return columns
        return 1

    def cells(self, chain: Chain) -> list[Cell]:
        """Return the lines of a chain, its remark at the end of the last one, or on a line of its own if that is full."""
        if chain.remark is None:
            return self._chain(chain)
        pieces = self._pieces(chain.remark)
        formula = tuple([Text(piece) if isinstance(piece, str) else piece for piece in pieces])
        measure = self.dialect.measure
        size = _REMARK_GAP + _REMARK_SIZE * measure(formula)
        cells = self._chain(chain, size)
        if self.width and measure(cells[0]["left"]) + measure(cells[-1]["right"]) + size > self.width:
            cells += _cells((), [()])
        cells[-1] |= {"remark": self._inline(chain.remark), "remark_tex": self.dialect.remark(formula)}
        return cells

    def _chain(self, chain: Chain, remark: float = 0) -> list[Cell]:
        """Return the lines of a chain: what stands before the relation, and what from it on.

        Where steps have reasons, each is a line; else lines are broken where they have to be, and where that leaves
        room for a remark of some width.
        """
        left = self.layout.box(chain.left)
        if any(step.reason for step in chain.steps):
            reasons = [("", "") if step.reason is None else self._reason(step.reason) for step in chain.steps]
            return _cells(left, *self._beside_reasons(left, breaking.step_boxes(self.layout, chain), reasons))
        room = self.width - self.dialect.measure(left) if self.width else math.inf
        return _cells(left, breaking.chain_lines(self.layout, chain, room, remark))

    def _beside_reasons(
        self, left: Box, lines: Sequence[Box], reasons: Sequence[tuple[str, str]]
    ) -> tuple[list[Box], list[tuple[str, str]]]:
        """Return lines with their reasons, one that has no room beside its line on a line of its own."""
        own: list[Box] = []
        beside: list[tuple[str, str]] = []
        for line, (reason, aside) in zip(lines, reasons, strict=True):
            needed = sum(map(self.dialect.measure, (left, line))) + _REMARK_GAP + widths.of_words(aside)
            is_full = bool(self.width and aside and needed > self.width)
            own += [line, ()] if is_full else [line]
            beside += [("", ""), (reason, aside)] if is_full else [(reason, aside)]
        return own, beside

    def _reason(self, content: Message) -> tuple[str, str]:
        """Return a reason alone, and as an aside."""
        said = (content, Message("punctuation.aside", {"text": content}))
        alone, aside = (self.escape(language.say(self.language, each)) for each in said)
        return alone, aside


def _lines(chain: Sequence[Cell]) -> Iterator[ViewModel]:
    """Yield the lines of a chain; a page may break in the middle of a long one, behind a line that does not hold."""
    for place, cell in enumerate(chain, start=1):
        is_inner = _ENDS <= place <= len(chain) - _ENDS
        yield {"cells": [cell], "closes": cell is chain[-1], "holds": len(chain) <= _LONG_CHAIN or not is_inner}


_LONG_CHAIN, _ENDS = 5, 2
"""The lines of a chain that stay on one page, and so many at either end of a longer one."""

_BARE = {"anchor": "", "result": "", "remark": "", "remark_tex": "", "reason": "", "aside": ""}


def _cells(left: Box, lines: Sequence[Box], reasons: Sequence[tuple[str, str]] = ()) -> list[Cell]:
    of_lines = zip(lines, reasons or [("", "")] * len(lines), strict=True)
    return [
        {**_BARE, "left": () if position else left, "right": line, "reason": reason, "aside": aside}
        for position, (line, (reason, aside)) in enumerate(of_lines)
    ]
