"""How wide a formula will be on paper, roughly: lines are broken by it before any typesetter has seen them."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from symbackprop.graph.notation import GREEK, Symbol
from symbackprop.rendering.layout import boxes

_CHARACTERS = {
    " ": 0.0, ".": 0.6, ",": 0.9, "(": 0.8, ")": 0.8, "[": 0.6, "]": 0.6, "+": 2.5, "-": 2.3, "−": 2.3,
    "×": 2.5, "·": 1.5, "⊙": 2.5, "=": 2.7, "<": 2.7, ">": 2.7, "≈": 2.7, "←": 3.2, "∑": 3.0, "…": 2.5, "⋯": 2.5,
    **dict.fromkeys("∂⊤′_|⟨⟩≤≥≠∈", 1.1), **dict.fromkeys("FJLPSTUVYZ", 1.3), **dict.fromkeys("ABCDEGHKNOQRX", 1.6),
    "M": 2.0, "W": 2.1,
}  # fmt: skip
"""Of digits, letters and other signs, those that are not about as wide as all of their kind."""
_LETTER = 1.1
_FUNCTIONS = {"ln": 1.8, "max": 3.5, "min": 3.2, "tanh": 4.3, **dict.fromkeys(("arcsin", "arccos", "arctan"), 6.0)}
_SPACES = {0.17: 0.4, 1: 2.0}
_SMALL = 0.75
"""The size of what stands below or above, beside that of a letter."""
_COLUMN_GAP, _BRACKETS = 2.0, 2.0
_WORDS = 0.9
"""A letter of text, in digits."""
_OVERHANG, _FRAME, _BLANK = 0.6, 1.4, 5.4


class _Characters(dict[str, float]):
    """How wide texts of single characters are; most stand in a document many times."""

    def __missing__(self, text: str) -> float:
        sizes = [_CHARACTERS.get(each, _LETTER if each.isalpha() else 1.0) for each in text]
        self[text] = found = sum(sizes)
        return found


_OF = _Characters()


def _row(box: boxes.Row) -> float:
    total = 0.0
    for part in box:
        total += _WIDTHS[type(part)](part)
    return total


def _symbol(box: Symbol) -> float:
    base = _LETTER if box.base in GREEK else _OF[box.base]
    if not box.lower and not box.upper:
        return base
    parts = [width(part) if isinstance(part, Symbol) else _OF[part] for part in box.lower]
    below = sum(parts) + _CHARACTERS[","] * max(len(parts) - 1, 0)
    return base + _SMALL * max(below, _OF["".join(box.upper)])


def _number(box: boxes.Number) -> float:
    text = box.text
    return len(text) - 0.4 * ("." in text) + 1.3 * text.startswith("-")


def _word(box: boxes.Word) -> float:
    return _FUNCTIONS.get(box.text, _LETTER) if box.face is boxes.Face.OPERATOR else _OF[box.text]


def _scripts(box: boxes.Scripts) -> float:
    """A lower and an upper index stand one above the other; the lower one may be the symbol's own."""
    base, lower, upper = boxes.bare(box.base), box.lower, box.upper
    if isinstance(base, Symbol) and base.lower and not base.upper and lower is None:
        own, alone = width(base), width(Symbol(base.base, accent=base.accent))
        return max(own, alone + _SMALL * width(upper)) if upper is not None else own
    return width(box.base) + _SMALL * max(0.0 if part is None else width(part) for part in (lower, upper))


def _table(box: boxes.Matrix | boxes.Cases) -> float:
    """Each column is as wide as its widest entry."""
    columns = itertools.zip_longest(*[[width(cell) for cell in row] for row in box.rows], fillvalue=0.0)
    widest = [max(column) for column in columns]
    return round(sum(widest) + _COLUMN_GAP * (len(widest) - 1) + _BRACKETS)


def _text(box: boxes.Text) -> float:
    """A letter is as wide as a digit, a Chinese sign as two, and so is the space behind one."""
    spaced = box.text.endswith(" ") and not box.text.rstrip().isascii()
    return len(box.text) + sum(not letter.isascii() for letter in box.text) + spaced


def _kept(box: boxes.Kept) -> float:
    if not box.widths:
        box.widths.append(width(box.body))
    return box.widths[0]


_WIDTHS: Mapping[type, Callable[[Any], float]] = {
    tuple: _row,
    Symbol: _symbol,
    boxes.Number: _number,
    boxes.Sign: lambda box: _OF[box.text],
    boxes.Large: lambda box: _OF[box.text],
    boxes.Infix: lambda box: _OF[box.text],
    boxes.Space: lambda box: _SPACES.get(box.ems, 0.0),
    boxes.Word: _word,
    boxes.Text: _text,
    boxes.Fraction: lambda box: max(width(box.above), width(box.below)) + _OVERHANG,
    boxes.Root: lambda box: _LETTER + width(box.body),
    boxes.Scripts: _scripts,
    boxes.Group: lambda box: width(box.body),
    boxes.Fenced: lambda box: _OF[box.opening] + width(box.body) + _OF[box.closing],
    boxes.Braced: lambda box: max(width(box.body), _SMALL * width(box.label)),
    boxes.Under: lambda box: max(width(box.body), _SMALL * width(box.below)),
    boxes.Framed: lambda box: _FRAME + width(box.body),
    boxes.Toned: lambda box: width(box.body),
    **dict.fromkeys((boxes.Matrix, boxes.Cases), _table),
    boxes.Lines: lambda box: round(max(map(width, box.lines)) + _COLUMN_GAP + _BRACKETS),
    boxes.Blank: lambda box: _BLANK,
    boxes.Kept: _kept,
}


def width(box: boxes.Box) -> float:
    """Return roughly how wide a box is, in digits.

    >>> width(boxes.Number("25"))
    2.0
    """
    return _WIDTHS[type(box)](box)


def of_words(text: str) -> float:
    """Return roughly how wide a text is: a Chinese sign is as wide as two digits."""
    wide = 0 if text.isascii() else sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return _WORDS * (len(text) - wide) + 2 * wide


def of_cell(box: boxes.Box) -> float:
    """Return roughly how wide a part of a table's cell is: in a table a minus is the sign of a number."""
    if isinstance(box, boxes.Text):
        return _OF[box.text.replace("-", "0")]
    return width(box) - sum(_CHARACTERS["-"] - 1.0 for part in boxes.walk(box) if _is_minus(part))


def _is_minus(box: boxes.Box) -> bool:
    return isinstance(box, boxes.Number | boxes.Sign | boxes.Infix) and box.text.startswith(("-", "−"))
