"""Figures → TikZ: diagrams from the coordinates that the SVG has, plots as PGFPlots with their points.

What a document needs: the packages `tikz` and `pgfplots`, and the colours `symbackpropforward`, `symbackpropbackward`
and `symbackpropsoft`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from symbackprop import language as phrases
from symbackprop.arithmetic.decimals import trimmed
from symbackprop.figures.drawing import PAGE, POINTS, SMALL, Arrow, Diagram, DiagramNode, Ink, Plot, Point, Text
from symbackprop.figures.labels import Decimal, Label, LabelPart
from symbackprop.graph.notation import Symbol
from symbackprop.messages import Message
from symbackprop.rendering.dialects import tex
from symbackprop.rendering.layout.boxes import DOT, Number, Scripts
from symbackprop.rendering.svg_parts import SHADE

_SIZES = (5, 6, 7, 8, 9, 10, 10.95, 12, 14.4, 17.28, 20.74, 24.88)
"""The sizes that TeX's fonts have, in points."""
_COLOURS = {
    Ink.PLAIN: "black",
    Ink.QUIET: "symbackpropsoft",
    Ink.FORWARD: "symbackpropforward",
    Ink.BACKWARD: "symbackpropbackward",
    Ink.NEGATIVE: "orange!60!black",
}
_IN_ROW = {sign: f"${command}$" for sign, command in {
    "⋮": r"\vdots", "…": r"\cdots", "×": r"\times", "−": "-", "÷": r"\div", "⊙": r"\odot", "σ": r"\sigma", "Σ": r"\sum",
    "·": r"\cdot", "√": r"\surd", "²": r"{}^2", "³": r"{}^3", "⁴": r"{}^4", "½": r"\frac12", "⅓": r"\frac13",
    "⅔": r"\frac23", "¼": r"\frac14", "¾": r"\frac34", "ᵀ": r"{}^\top", "≈": r"\approx", "∂": r"\partial",
}.items()}  # fmt: skip
_ALONE = {**_IN_ROW, "=": "$=$", "+": "$+$", "^": "power"}
_ANCHORS = {"start": "west", "end": "east"}
_CORNER = 3
"""How far the corners of a leaf are rounded, in points."""
_MOST_TICKS = 12
_MARKERS = {"circle": "*", "square": "square*"}


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes labels in a language; `escape` writes plain text."""

    language: str
    escape: Callable[[str], str]

    def label(self, label: Label) -> str:
        return "".join(map(self._part, label))

    def _part(self, part: LabelPart) -> str:
        match part:
            case Symbol():
                return f"${tex.symbol(part)}$"
            case Decimal(text, exponent):
                power = Scripts(Number("10"), None, Number(str(exponent)))
                return f"${tex.write((Number(text), DOT, power) if exponent else Number(text))}$"
            case Message():
                return self.escape(phrases.say(self.language, part))
        return self._signs(part)

    def _signs(self, text: str) -> str:
        """Return signs as mathematics, words upright."""
        lead, trail = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
        inner = text.strip()
        if inner in _ALONE:
            inner = _ALONE[inner]
        elif inner.isascii():
            inner = self.escape(inner)
        else:
            inner = "".join(_IN_ROW.get(each) or self.escape(each) for each in inner)
        return (r"\," if lead else "") + inner + (r"\," if trail else "")


def picture(found: Diagram | Plot, language: str, escape: Callable[[str], str]) -> str:
    """Return a figure as a `tikzpicture`; one that is too large for a page comes with its own scaling."""
    writer = _Writer(language, escape)
    return "\n".join(_plot(writer, found) if isinstance(found, Plot) else _diagram(writer, found)) + "\n"


def _diagram(writer: _Writer, diagram: Diagram) -> Iterator[str]:
    scale = min(1.0, PAGE[0] / (diagram.width * POINTS), PAGE[1] / (diagram.height * POINTS))
    boxes = [rf"\scalebox{{{scale:.4f}}}{{%"] if scale < 1 else []
    yield from boxes
    yield rf"\begin{{tikzpicture}}[x={POINTS:.4f}pt, y=-{POINTS:.4f}pt, inner sep=1pt, font={_font(SMALL)}]"
    yield from (_line(diagram, line) for line in diagram.lines)
    yield from (_node(diagram, node) for node in diagram.nodes)
    yield from (_text(writer, text) for text in diagram.texts)
    yield r"\end{tikzpicture}" + "}" * len(boxes)


def _line(diagram: Diagram, line: Arrow) -> str:
    on_path = diagram.is_highlighted(line)
    ink = Ink.BACKWARD if on_path else line.ink
    options = [_COLOURS[ink], f"line width={max(line.thickness, 2 if on_path else 0) * 0.5:.2f}pt"]
    options += ["dashed"] if line.is_dashed else []
    options += ["-latex"] if line.has_head else []
    route = _place(line.points[0])
    for *controls, end in line.pieces:
        bend = f".. controls {' and '.join(map(_place, controls))} .." if controls else "--"
        route += f" {bend} {_place(end)}"
    return rf"\draw[{', '.join(options)}] {route};"


def _node(diagram: Diagram, node: DiagramNode) -> str:
    colour = "symbackpropbackward, line width=1pt" if diagram.is_highlighted(node) else "line width=0.4pt"
    if node.is_round and node.half.x == node.half.y:
        return rf"\draw[{colour}] {_place(node.at)} circle[radius={node.half.x * POINTS:.2f}pt];"
    box = node.box
    corners = f"{_place(Point(box.left, box.top))} rectangle {_place(Point(box.right, box.bottom))}"
    bend = node.half.y * POINTS if node.is_round else _CORNER
    return rf"\draw[{colour}, rounded corners={bend:.2f}pt] {corners};"


def _text(writer: _Writer, text: Text) -> str:
    options = [_COLOURS[text.ink]] if text.ink is not Ink.PLAIN else []
    options += [f"anchor={_ANCHORS[text.anchor]}, inner xsep=0pt"] if text.anchor in _ANCHORS else []
    options += [f"font={_font(text.size)}"] if text.size != SMALL else []
    options += [f"rotate={trimmed(-text.angle)}"] if text.angle else []
    inside = f"[{', '.join(options)}]" if options else ""
    return rf"\node{inside} at {_place(text.at)} {{{writer.label(text.label)}}};"


def _font(size: float) -> str:
    """Return the choice of letters of a size in pixels: those of TeX's that come nearest."""
    points = min(_SIZES, key=lambda each: abs(each - size * POINTS))
    return rf"\fontsize{{{points}}}{{{points}}}\selectfont"


def _place(point: Point) -> str:
    return f"({trimmed(point.x)},{trimmed(point.y)})"


def _plot(writer: _Writer, plot: Plot) -> Iterator[str]:
    kind = "semilogyaxis" if plot.log else "axis"
    options = [
        "width=0.72\\linewidth", "height=0.27\\linewidth", "axis lines=left", "axis line style={-}",
        f"xlabel={{{writer.label(plot.horizontal)}}}", f"ylabel={{{writer.label(plot.vertical)}}}",
        "ylabel style={rotate=-90}",
        "label style={font=\\small}", "tick label style={font=\\scriptsize}", "scaled ticks=false",
        "tick label style={/pgf/number format/fixed, /pgf/number format/precision=4}",
        "legend style={draw=none, font=\\scriptsize, at={(0.5,1.03)}, anchor=south}",
        "legend style={/tikz/every even column/.append style={column sep=6pt}}",
        "legend columns=-1", "legend cell align=left",
    ]  # fmt: skip
    if plot.counts and max(point.x for series in plot.series for point in series.points) <= _MOST_TICKS:
        options += ["xtick distance=1"]
    if plot.limits is not None:
        box = plot.limits
        options += [f"xmin={box.left:.6g}, xmax={box.right:.6g}, ymin={box.top:.6g}, ymax={box.bottom:.6g}"]
    yield r"\begin{tikzpicture}"
    yield rf"\begin{{{kind}}}["
    yield ",\n".join(f"  {option}" for option in options) + "]"
    for region in plot.regions:
        rings = " ".join(
            " -- ".join(f"(axis cs:{point.x:.6g},{point.y:.6g})" for point in ring) + " -- cycle"
            for ring in region.rings
        )
        yield rf"\fill[{_COLOURS[region.ink]}, fill opacity={SHADE}, even odd rule] {rings};"
    for series in plot.series:
        style = [_COLOURS[series.ink], f"line width={series.thickness * 0.6:.2f}pt"]
        style += ["dashed"] if series.is_dashed else []
        style += (
            [f"mark={_MARKERS[series.marker]}, mark size={1.2 if series.joined else 2.4}pt"]
            if series.marker
            else ["no marks"]
        )
        style += [] if series.joined else ["only marks"]
        style += [] if series.name is not None else ["forget plot"]
        points = " ".join(f"({point.x:.6g},{point.y:.6g})" for point in series.points)
        yield rf"\addplot[{', '.join(style)}] coordinates {{{points}}};"
        if series.name is not None:
            yield rf"\addlegendentry{{{writer.escape(phrases.say(writer.language, series.name))}}}"
    yield rf"\end{{{kind}}}"
    yield r"\end{tikzpicture}"
