"""What every figure in SVG has: colours that a page may override, words for those who cannot see it, and labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from symbackprop import language as phrases
from symbackprop.arithmetic.decimals import trimmed
from symbackprop.figures.drawing import Ink, Point
from symbackprop.figures.labels import SCRIPT, Decimal, Label, text_width
from symbackprop.graph.notation import GREEK_BY_NAME, Symbol
from symbackprop.messages import Message
from symbackprop.rendering import escapes
from symbackprop.rendering.dialects.text import letter

COLOURS = {
    Ink.PLAIN: "currentColor",
    Ink.QUIET: "#6B6B6B",
    Ink.FORWARD: "#1B5E9B",
    Ink.BACKWARD: "#B3261E",
    Ink.NEGATIVE: "#A85A00",
}
"""What has an ink has this colour where a page says nothing else."""
SHADE = 0.1
"""How much of its ink a shaded region has."""
GROUND = "background: var(--paper, #fff)"
"""What a figure stands on where nothing else is said: black lines of a file would not be seen on a dark page."""
_FONT = (
    "New Computer Modern, Latin Modern Roman, Libertinus Serif, STIX Two Text, Cambria, Georgia, Times New Roman, serif"
)
_DOWN, _UP = 0.22, 0.38
_SLANT = 0.06
"""How far an upper index is moved from a letter that leans towards it."""
_NARROWEST = 0.88
"""Letters are at least this share of their rough width: an upper index never runs into its letter."""


def opened(width: float, height: float, title: str, description: str, *, kind: str = "") -> Iterator[str]:
    """Yield the beginning of a figure: the element with its size and its look, and the words."""
    wide, high = trimmed(width), trimmed(height)
    size = f'viewBox="0 0 {wide} {high}" width="{wide}" height="{high}"'
    # A page keeps letters readable where it makes a figure smaller, and has to know what it makes smaller.
    look = f'font-family="{_FONT}" fill="currentColor" stroke="none" style="--width: {wide}px; {GROUND}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" class="figure{kind}" role="img" {size} {look}>'
    yield f"<title>{escapes.xml(title)}</title>\n<desc>{escapes.xml(description)}</desc>"


def style(*rules: tuple[str, str]) -> str:
    """Return the style by which a page's custom properties override colours, from selectors and what they colour."""
    inks = [(ink, colour) for ink, colour in COLOURS.items() if ink is not Ink.PLAIN]
    pairs = [(f"{what}.{ink}", f"{name}:var(--{ink},{colour})") for ink, colour in inks for what, name in rules]
    return "<style>" + "".join(f"{selector}{{{look}}}" for selector, look in pairs) + "</style>"


@dataclass(frozen=True, slots=True)
class _Run:
    """Letters of a label: how far below the line they stand and how large they are, in units of the label's size."""

    text: str
    drop: float = 0.0
    scale: float = 1.0
    italic: bool = False
    back: float = 0.0
    """How far to the left of the end of the run before it begins: a lower index stands below an upper one."""


def label(label: Label, size: float, language: str) -> str:
    """Return the inside of a text: the pieces of a label at their places, in letters of a size."""
    return "".join(_spans(_runs(label, language), size))


def _spans(runs: Iterable[_Run], size: float) -> Iterator[str]:
    drop = 0.0
    for run in runs:
        attributes = ""
        if run.drop != drop:
            attributes += f' dy="{trimmed((run.drop - drop) * size)}"'
        if run.back:
            attributes += f' dx="{trimmed(-run.back * size)}"'
        if run.scale != 1:
            attributes += f' font-size="{trimmed(run.scale * size)}"'
        if run.italic:
            attributes += ' font-style="italic"'
        drop = run.drop
        text = escapes.xml(run.text)
        yield f"<tspan{attributes}>{text}</tspan>" if attributes else text


def _runs(label: Label, language: str) -> Iterator[_Run]:
    """Yield the letters of a label with their places."""
    for part in label:
        match part:
            case Symbol():
                yield from _symbol(part)
            case Decimal(text, exponent):
                yield _Run(text.replace("-", "−"))
                if exponent:
                    yield _Run("·10")
                    yield _Run(str(exponent).replace("-", "−"), -_UP, SCRIPT)
            case Message():
                yield _Run(phrases.say(language, part))
            case _:
                yield _Run(part)


def _symbol(symbol: Symbol, drop: float = 0.0, scale: float = 1.0) -> Iterator[_Run]:
    is_italic = symbol.base in GREEK_BY_NAME or (len(symbol.base) == 1 and symbol.base.isalpha())
    yield _Run(letter(symbol), drop, scale, is_italic)
    small = scale * SCRIPT
    lower = list(_lower(symbol, drop + _DOWN * scale, small))
    if not symbol.upper:
        yield from lower
        return
    upper = _Run("".join(symbol.upper), drop - _UP * scale, small, back=-_SLANT * scale if is_italic else 0.0)
    above, below = small * text_width(upper.text), sum(run.scale * text_width(run.text) for run in lower)
    # What is wider comes last: the text goes on behind it.
    if below > above:
        yield upper
        yield replace(lower[0], back=above)
        yield from lower[1:]
    else:
        yield from lower
        yield replace(upper, back=upper.back + _NARROWEST * below)


def _lower(symbol: Symbol, drop: float, scale: float) -> Iterator[_Run]:
    for position, piece in enumerate(symbol.lower):
        if position:
            yield _Run(",", drop, scale)
        if isinstance(piece, str):
            yield _Run(piece, drop, scale, italic=len(piece) == 1 and piece.isalpha())
        else:
            yield from _symbol(piece, drop, scale)


def place(point: Point) -> str:
    """Return the coordinates of a place."""
    return f"{trimmed(point.x)} {trimmed(point.y)}"
