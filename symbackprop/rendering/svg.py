"""Diagrams → SVG: no script, no identifier, every text escaped.

Colours are attributes, which any page's style sheet overrides by class (`forward`, `backward`, …); a style of its own lets
custom properties (`--forward`, `--backward`, `--negative`, `--quiet`, `--paper`) do so too. Everything else has the
colour of the text around the figure. `data-name` is a code name, `data-path` the code names on the chains of its gradient,
`data-told` what is said of it: its number and its gradient.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from symbackprop import language as phrases
from symbackprop.arithmetic.decimals import trimmed
from symbackprop.figures.drawing import Arrow, Diagram, DiagramNode, Ink, Plot, Point, Text
from symbackprop.figures.labels import SCRIPT, Decimal, Label, text_width
from symbackprop.graph.notation import GREEK_BY_NAME, Symbol
from symbackprop.messages import Message
from symbackprop.rendering import escapes, plots
from symbackprop.rendering.dialects.text import letter

COLOURS = {**plots.COLOURS, Ink.PLAIN: "currentColor", Ink.QUIET: "#6B6B6B"}
_FONT = (
    "New Computer Modern, Latin Modern Roman, Libertinus Serif, STIX Two Text, Cambria, Georgia, Times New Roman, serif"
)
_DOWN, _UP = 0.22, 0.38
_SLANT = 0.06
"""How far an upper index is moved from a letter that leans towards it."""
_NARROWEST = 0.88
"""Letters are at least this share of their rough width: an upper index never runs into its letter."""
_HEAD, _CORNER = 7.0, 4.0
_HIGHLIGHT = 2.6


@dataclass(frozen=True, slots=True)
class _Run:
    """Letters of a label: how far below the line they stand and how large they are, in units of the label's size."""

    text: str
    drop: float = 0.0
    scale: float = 1.0
    italic: bool = False
    back: float = 0.0
    """How far to the left of the end of the run before it begins: a lower index stands below an upper one."""


def picture(diagram: Diagram | Plot, alternative: Message, language: str, *, on_paper: bool = False) -> str:
    """Return a figure as an `<svg>` element; `alternative` becomes its description.

    One that is `on_paper` has its colours from no style sheet.
    """
    description = phrases.say(language, alternative)
    title = phrases.say(language, diagram.title)
    if isinstance(diagram, Plot):
        return plots.svg(diagram, title, description, language)
    return "\n".join(_lines(diagram, title, description, language, on_paper=on_paper)) + "\n"


def _lines(diagram: Diagram, title: str, description: str, language: str, *, on_paper: bool) -> Iterator[str]:
    width, height = trimmed(diagram.width), trimmed(diagram.height)
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    # A page keeps letters readable where it makes a figure smaller, and has to know what it makes smaller.
    look = f'font-family="{_FONT}" fill="currentColor" stroke="none" style="--width: {width}px; {plots.GROUND}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" class="figure" role="img" {size} {look}>'
    yield plots.words(title, description)
    colours = "".join(
        f"svg.figure text.{ink}{{fill:var(--{ink},{colour})}}svg.figure path.{ink}{{stroke:var(--{ink},{colour})}}"
        for ink, colour in COLOURS.items()
        if ink is not Ink.PLAIN
    )
    if not on_paper:
        yield f"<style>{colours}</style>"
    told = {name: phrases.say(language, words) for name, words in diagram.told.items()}
    for line in diagram.lines:
        yield _line(diagram, line, told)
    for node in diagram.nodes:
        yield _node(diagram, node, told)
    drawn = {node.name for node in diagram.nodes} | {line.name for line in diagram.lines}
    for text in diagram.texts:
        is_alone = text.name not in drawn
        yield _text(diagram, text, language, told if is_alone else {}, is_alone=is_alone)
    yield "</svg>"


def _attributes(paths: Mapping[str, tuple[str, ...]], told: Mapping[str, str], name: str, *classes: str) -> str:
    found = f' class="{" ".join(filter(None, classes))}"' if any(classes) else ""
    if name:
        found += f' data-name="{escapes.xml(name)}"'
    if name in told:
        found += f' data-told="{escapes.xml(told[name])}"'
    if name in paths:
        found += f' data-path="{escapes.xml(" ".join(paths[name]))}"'
    return found


def _line(diagram: Diagram, line: Arrow, told: Mapping[str, str]) -> str:
    on_path = diagram.is_highlighted(line)
    ink = Ink.BACKWARD if on_path else line.ink
    thickness = max(line.thickness, _HIGHLIGHT) if on_path else line.thickness
    attributes = _attributes(diagram.paths, told, line.name, "edge", ink, "highlighted" if on_path else "")
    dash = ' stroke-dasharray="5 3"' if line.is_dashed else ""
    stroke = f' fill="none" stroke="{COLOURS[ink]}" stroke-width="{trimmed(thickness)}"{dash}'
    route = "".join(("C" if len(piece) > 1 else "L") + " ".join(map(_place, piece)) for piece in line.pieces)
    return f'<path{attributes} d="M{_place(line.points[0])}{route}{_head(line)}"{stroke}/>'


def _head(line: Arrow) -> str:
    """Return the two strokes of an arrow's head."""
    if not line.has_head:
        return ""
    start, end = line.points[-2:]
    if line.is_smooth:
        start = Point(end.x, start.y)
    angle = math.atan2(end.y - start.y, end.x - start.x)
    wings = [
        Point(end.x - _HEAD * math.cos(angle + turn), end.y - _HEAD * math.sin(angle + turn)) for turn in (0.4, -0.4)
    ]
    return f"M{_place(wings[0])}L{_place(end)}L{_place(wings[1])}"


def _node(diagram: Diagram, node: DiagramNode, told: Mapping[str, str]) -> str:
    on_path = diagram.is_highlighted(node)
    attributes = _attributes(
        diagram.paths, told, node.name, "unit" if node.is_round else "leaf", "highlighted" if on_path else ""
    )
    if node.also:
        attributes += f' data-also="{escapes.xml(" ".join(node.also))}"'
    colour, thickness = (COLOURS[Ink.BACKWARD], _HIGHLIGHT) if on_path else (COLOURS[Ink.PLAIN], 1.1)
    stroke = f' fill="none" stroke="{colour}" stroke-width="{trimmed(thickness)}"'
    if node.is_round and node.half.x == node.half.y:
        centre = f'cx="{trimmed(node.at.x)}" cy="{trimmed(node.at.y)}"'
        return f'<circle{attributes} {centre} r="{trimmed(node.half.x)}"{stroke}/>'
    box = node.box
    bend = trimmed(node.half.y if node.is_round else _CORNER)
    size = f'width="{trimmed(2 * node.half.x)}" height="{trimmed(2 * node.half.y)}" rx="{bend}"'
    return f'<rect{attributes} x="{trimmed(box.left)}" y="{trimmed(box.top)}" {size}{stroke}/>'


def _text(diagram: Diagram, text: Text, language: str, told: Mapping[str, str], *, is_alone: bool) -> str:
    """Return a label; one of something that is not drawn itself (a bias) carries its chains."""
    paths = diagram.paths if is_alone else {}
    attributes = _attributes(paths, told, text.name, text.ink)
    colour = "" if text.ink is Ink.PLAIN else f' fill="{COLOURS[text.ink]}"'
    baseline = text.at.y + 0.34 * text.size
    place = (
        f'x="{trimmed(text.at.x)}" y="{trimmed(baseline)}" font-size="{trimmed(text.size)}" text-anchor="{text.anchor}"'
    )
    if text.angle:
        place += f' transform="rotate({trimmed(text.angle)} {trimmed(text.at.x)} {trimmed(text.at.y)})"'
    runs = "".join(_spans(_runs(text.label, language), text.size))
    return f"<text{attributes} {place}{colour}>{runs}</text>"


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


def _place(point: Point) -> str:
    return f"{trimmed(point.x)} {trimmed(point.y)}"
