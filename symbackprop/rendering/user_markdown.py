"""Text that a user writes in Markdown, as blocks: paragraphs, lists, emphasis, code, and formulas between dollars.

It is read by markdown-it-py (CommonMark) with few of its rules; what has no rule here, a heading, a link or HTML, is text.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from symbackprop.document.blocks import Block, Listing, Paragraph, Verbatim
from symbackprop.errors import ExpressionError
from symbackprop.language import Wording
from symbackprop.messages import Message, message
from symbackprop.rendering.layout import tex_formulas
from symbackprop.rendering.layout.boxes import Box

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_RULES = ("emphasis", "list", "backticks", "escape", "newline")
_LISTS = {"bullet_list_open": False, "ordered_list_open": True}


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula of a user's own."""

    box: Box


@dataclass(frozen=True, slots=True)
class Styled:
    """Parts of a sentence side by side, `strong`, `emphasis`, or as the rest is ("")."""

    style: str
    parts: tuple[object, ...]


def blocks(text: str) -> tuple[Block, ...]:
    r"""Return a text in Markdown as blocks.

    >>> [type(block).__name__ for block in blocks("Do **this**:\n\n* $x^2$")]
    ['Paragraph', 'Listing']

    Raises `ExpressionError` for a formula that cannot be read, and for a list inside a list.
    """
    return tuple(_blocks(iter(_reader().parse(text))))


def check(text: Wording, where: str) -> None:
    """Raise `ExpressionError` at `where` for a text that cannot be read, in any of its languages."""
    for each in (text.text, *text.translations.values()):
        try:
            blocks(each)
        except ExpressionError as error:
            raise error.at(where) from None


@functools.cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    reader = MarkdownIt("zero").enable(list(_RULES))
    return reader.use(dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True)


def _blocks(tokens: Iterator[Token]) -> Iterator[Block]:
    for token in tokens:
        if token.type in _LISTS:
            yield Listing(tuple(_items(tokens)), numbered=_LISTS[token.type])
        elif token.type == "inline":
            yield Paragraph(_sentence(token.children or ()))
        elif token.type == "math_block":
            yield Paragraph(message("text.plain", text=Formula(tex_formulas.read(token.content))))


def _items(tokens: Iterator[Token]) -> Iterator[Message]:
    """Yield the items of a list up to its end, each with its paragraphs in one."""
    parts: list[object] = []
    for token in tokens:
        if token.type in _LISTS:
            raise ExpressionError(message("markdown.nested"))
        if token.type in ("bullet_list_close", "ordered_list_close"):
            return
        if token.type == "list_item_close":
            yield message("text.plain", text=Styled("", tuple(parts)))
            parts = []
        elif token.type == "inline":
            parts += [" "] if parts else []
            parts.append(_sentence(token.children or ()))
        elif token.type == "math_block":
            parts.append(Formula(tex_formulas.read(token.content)))


def _sentence(tokens: Sequence[Token]) -> Message:
    return message("text.plain", text=_styled("", iter(tokens)))


def _styled(style: str, tokens: Iterator[Token]) -> Styled:
    """Return what follows up to the end of a style."""
    parts: list[object] = []
    for token in tokens:
        if token.type in ("strong_open", "em_open"):
            parts.append(_styled("strong" if token.type == "strong_open" else "emphasis", tokens))
        elif token.type in ("strong_close", "em_close"):
            break
        elif token.type == "code_inline":
            parts.append(Verbatim(token.content))
        elif token.type.startswith("math_inline"):
            parts.append(Formula(tex_formulas.read(token.content)))
        elif token.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif token.content:
            parts.append(token.content)
    return Styled(style, tuple(parts))
