"""Boxes → Typst: a formula as Typst's own mathematics, with its words for those who listen.

Nothing but symbols, calls and quoted texts is written: brackets and commas by their names, so that no sign of a formula
means anything to Typst. Quoted letters are upright; Typst keeps a blank beside them, and none is written there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from symbackprop.graph.notation import GREEK_BY_NAME, Symbol
from symbackprop.rendering.dialects import speech, tex
from symbackprop.rendering.dialects.table import complete
from symbackprop.rendering.escapes import quoted
from symbackprop.rendering.layout import boxes

_SIGNS = {
    "-": "minus", "−": "minus", "(": "paren.l", ")": "paren.r", "[": "bracket.l", "]": "bracket.r", "{": "brace.l",
    "}": "brace.r", "|": "bar.v", "⟨": "chevron.l", "⟩": "chevron.r", ",": "comma", ";": "semi", ":": "colon",
    "/": "slash", "d": "upright(d)", "·": "dot.op", "×": "times", "=": "eq", "≈": "approx", "+": "plus", "<": "lt",
    ">": "gt", "⊙": "dot.o", "←": "arrow.l", "≤": "lt.eq", "≥": "gt.eq", "≠": "eq.not", "∈": "in", "∑": "sum",
    "…": "dots.h", "⋯": "dots.h.c", "⊤": "top", "∂": "partial", "′": "prime", "∞": "infinity",
}  # fmt: skip
"""The name of each sign; every other stands for itself, quoted."""
_ACCENTS = {"hat": "hat", "tilde": "tilde", "bar": "overline", "dot": "dot", "mathcal": "cal"}
_VARIANTS = {"phi": "phi.alt", "epsilon": "epsilon.alt"}
"""Greek letters that Typst calls otherwise than TeX."""
_SPACES = {0: "", 0.17: "thin", 1: "quad"}


def functions_in(language: str) -> tuple[Callable[[boxes.Box], str], Callable[[boxes.Box], str]]:
    """Return what writes a formula of a sentence and one that stands alone, each with its words in a language."""
    spoken = speech.spoken_in(language)

    def called(name: str, box: boxes.Box) -> str:
        body = write(box)
        return f"#{name}({quoted(spoken(box))}, ${body}$)" if body else ""

    return functools.partial(called, "formula"), functools.partial(called, "line")


def write(box: boxes.Box) -> str:
    """Return a box as the inside of a formula.

    >>> write(boxes.Fraction(Symbol("alpha"), (boxes.Number("2"), boxes.MINUS, Symbol("net", ("1",)))))
    'frac(alpha, 2 minus attach("net", b: 1))'
    """
    return _TABLE[type(box)](box)


def _joined(parts: Sequence[str]) -> str:
    """Return parts side by side, a blank between two unless one of them is quoted."""
    text = ""
    for part in parts:
        if text and part and not text.endswith('"') and not part.startswith('"'):
            text += " "
        text += part
    return text


def _sign(sign: str) -> str:
    return _SIGNS.get(sign) or (sign if sign.isalnum() and len(sign) == 1 else quoted(sign))


def _number(text: str) -> str:
    return f"minus {text[1:]}" if text.startswith("-") else text


def _letters(text: str) -> str:
    """Return a word, or the letters, digits and signs of an index."""
    if tex.is_word(text):
        return quoted(text)
    found: list[str] = []
    for each in text:
        if found and each.isdigit() and found[-1].isdigit():
            found[-1] += each
        elif not each.isspace():
            found.append(_sign(each))
    return _joined(found)


@functools.lru_cache(maxsize=1 << 14)
def _parts(found: Symbol) -> tuple[str, str, str]:
    """Return a symbol's letter, and what stands below and above it."""
    base = _VARIANTS.get(found.base, found.base) if found.base in GREEK_BY_NAME else _letters(found.base)
    if found.accent:
        base = f"{_ACCENTS[found.accent]}({base})"
    lower = " comma ".join(_letters(part) if isinstance(part, str) else _symbol(part) for part in found.lower)
    return base, lower, _letters("".join(found.upper))


def _symbol(found: Symbol) -> str:
    return _attached(*_parts(found))


def _attached(base: str, lower: str, upper: str) -> str:
    scripts = (f", b: {lower}" if lower else "") + (f", t: {upper}" if upper else "")
    return f"attach({base}{scripts})" if scripts else base


def _scripts(box: boxes.Scripts) -> str:
    """A script of a symbol that has one on the other side stands above or below that."""
    base = boxes.bare(box.base)
    lower, upper = ("" if part is None else write(part) for part in box[1:])
    if isinstance(base, Symbol):
        letter, below, above = _parts(base)
        if not (lower and below) and not (upper and above):
            return _attached(letter, lower or below, upper or above)
    return _attached(write(base), lower, upper)


def _fenced(box: boxes.Fenced) -> str:
    inside = _joined([_sign(box.opening), write(box.body), _sign(box.closing)])
    return f"lr({inside})" if box.tall else inside


def _rows(name: str, rows: Sequence[Sequence[boxes.Box]], between: str, end: str) -> str:
    lines = [between.join(map(write, row)) for row in rows]
    return f"{name}{end.join(lines)})"


def _word(box: boxes.Word) -> str:
    if box.face is boxes.Face.BOLD:
        return f"upright(bold({_letters(box.text)}))"
    return f"op({quoted(box.text)})" if box.face is boxes.Face.OPERATOR else quoted(box.text)


_TABLE = complete(
    "typst",
    {
        tuple: lambda box: _joined(list(map(write, box))),
        Symbol: _symbol,
        boxes.Number: lambda box: _number(box.text),
        boxes.Sign: lambda box: _sign(box.text),
        boxes.Large: lambda box: _sign(box.text),
        boxes.Infix: lambda box: _sign(box.text),
        boxes.Space: lambda box: _SPACES[box.ems],
        boxes.Word: _word,
        boxes.Text: lambda box: quoted(box.text),
        boxes.Fraction: lambda box: f"frac({write(box.above)}, {write(box.below)})",
        boxes.Root: lambda box: f"sqrt({write(box.body)})",
        boxes.Scripts: _scripts,
        boxes.Group: lambda box: write(box.body) if box.body else '""',
        boxes.Fenced: _fenced,
        boxes.Braced: lambda box: f"underbrace({write(box.body)}, {write(box.label)})",
        boxes.Under: lambda box: f"attach(limits({write(box.body)}), b: {write(box.below)})",
        boxes.Framed: lambda box: f"framed({write(box.body)})",
        boxes.Toned: lambda box: f"{box.tone}({write(box.body)})",
        boxes.Matrix: lambda box: _rows('mat(delim: "[", ', box.rows, ", ", "; "),
        boxes.Cases: lambda box: _rows("cases(", box.rows, " & quad ", ", "),
        boxes.Lines: lambda box: _rows("mat(delim: #none, align: #left, ", [[line] for line in box.lines], "", "; "),
        boxes.Blank: lambda box: "#blank",
    },
)
