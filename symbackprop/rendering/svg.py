"""Diagrams → SVG: no script, no identifier, every text escaped.

Colours are attributes, which any page's style sheet overrides by class (`forward`, `backward`, …); a style of its own lets
custom properties (`--forward`, `--backward`, `--negative`, `--quiet`, `--paper`) do so too. Everything else has the
colour of the text around the figure. `data-name` is a code name, `data-path` the code names on the chains of its gradient,
`data-told` what is said of it: its number and its gradient.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from symbackprop import language as phrases
from symbackprop.arithmetic.decimals import trimmed
from symbackprop.figures.drawing import Arrow, Diagram, DiagramNode, Ink, Plot, Point, Text
from symbackprop.messages import Message
from symbackprop.rendering import escapes, plot_svg, svg_parts
from symbackprop.rendering.svg_parts import COLOURS

_HEAD, _CORNER = 7.0, 4.0
_HIGHLIGHT = 2.6


def picture(diagram: Diagram | Plot, alternative: Message, language: str, *, on_paper: bool = False) -> str:
    """Return a figure as an `<svg>` element; `alternative` becomes its description.

    One that is `on_paper` has its colours from no style sheet.
    """
    description = phrases.say(language, alternative)
    title = phrases.say(language, diagram.title)
    if isinstance(diagram, Plot):
        lines = plot_svg.lines(diagram, title, description, language, on_paper=on_paper)
    else:
        lines = _lines(diagram, title, description, language, on_paper=on_paper)
    return "\n".join(lines) + "\n"


def _lines(diagram: Diagram, title: str, description: str, language: str, *, on_paper: bool) -> Iterator[str]:
    yield from svg_parts.opened(diagram.width, diagram.height, title, description)
    if not on_paper:
        yield svg_parts.style(("svg.figure text", "fill"), ("svg.figure path", "stroke"))
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
    route = "".join(("C" if len(piece) > 1 else "L") + " ".join(map(svg_parts.place, piece)) for piece in line.pieces)
    return f'<path{attributes} d="M{svg_parts.place(line.points[0])}{route}{_head(line)}"{stroke}/>'


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
    return f"M{svg_parts.place(wings[0])}L{svg_parts.place(end)}L{svg_parts.place(wings[1])}"


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
    return f"<text{attributes} {place}{colour}>{svg_parts.label(text.label, text.size, language)}</text>"
