"""What a template sees: sections and blocks whose text is escaped and whose formulas are printed.

Every view has a `kind`; a template has one branch for each kind and computes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from symbackprop import language
from symbackprop.document.blocks import Block, Chain, Display, Document, Listing, Paragraph, Section, Table
from symbackprop.errors import Message
from symbackprop.formula import Node, Product, Sum
from symbackprop.rendering.tex import RELATIONS, Printer, width

View = dict[str, Any]

_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}",
}  # fmt: skip
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|$~&])")
_MARKDOWN_START = re.compile(r"^(?:([-+#])|(\d+)([.)]))")


def escape_latex(text: str) -> str:
    r"""Return plain text as LaTeX that prints it; control characters are dropped.

    >>> escape_latex("50 % of $\\input{x}")
    '50 \\% of \\$\\textbackslash{}input\\{x\\}'
    """
    return "".join(_LATEX.get(character, character) for character in _one_line(text))


def escape_markdown(text: str) -> str:
    r"""Return plain text as Markdown that shows it.

    >>> escape_markdown("a*b <script>")
    'a\\*b \\<script\\>'
    """
    escaped = _MARKDOWN.sub(r"\\\1", _one_line(text))
    # A list, a heading or a numbered list begins only at the start of a text.
    return _MARKDOWN_START.sub(lambda found: f"\\{found[1]}" if found[1] else f"{found[2]}\\{found[3]}", escaped)


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text).strip()


ESCAPES: Mapping[str, Callable[[str], str]] = {"latex": escape_latex, "markdown": escape_markdown, "none": str}
"""Ways to escape plain text, by the name that a format's settings use."""


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
            "title": self.escape(content.title),
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
            case Display(chains):
                return {"kind": "display", "lines": [line for chain in chains for line in self._chain(chain)]}
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

    def _chain(self, chain: Chain) -> list[View]:
        """Return the lines of a chain: what stands before the relation, and what from it on.

        A chain that fits is one line. Another is broken where a step opens a new thought (the partials, the numbers)
        and wherever a line is full.
        """
        left = self.printer.print(chain.left)
        room = self.width - width(left) if self.width else float("inf")
        texts = [f"{RELATIONS[step.relation]} {self.printer.print(step.formula)}" for step in chain.steps]
        if sum(map(width, texts)) <= room:
            return _lines(left, [" ".join(texts)])
        lines: list[str] = []
        for step, text in zip(chain.steps, texts, strict=True):
            fits = bool(lines) and width(lines[-1]) + width(text) <= room
            if lines and fits and not step.opens:
                lines[-1] += f" {text}"
            elif width(text) <= room:
                lines.append(text)
            else:
                first, *rest = self._broken(step.formula, room)
                lines += [f"{RELATIONS[step.relation]} {first}", *(rf"\quad {part}" for part in rest)]
        return _lines(left, lines)

    def _broken(self, formula: Node, room: float) -> list[str]:
        """Return a formula in pieces that fit: a sum is broken before its signs, a product before its crosses."""
        whole = self.printer.print(formula)
        if width(whole) + 3 <= room or not isinstance(formula, Sum | Product):
            return [whole]
        pieces = self.printer.terms(formula) if isinstance(formula, Sum) else self.printer.factors(formula)
        lines = [pieces[0]]
        for piece in pieces[1:]:
            if width(lines[-1]) + width(piece) + 5 <= room:
                lines[-1] += piece
            else:
                lines.append(piece.lstrip() if piece.lstrip()[0] not in "+-" else f"{{}}{piece}")
        return lines


def _lines(left: str, lines: list[str]) -> list[View]:
    """Return the lines of a chain; `closes` marks its last one, after which a page may end."""
    last = len(lines) - 1
    return [
        {"left": "" if position else left, "right": line, "closes": position == last}
        for position, line in enumerate(lines)
    ]
