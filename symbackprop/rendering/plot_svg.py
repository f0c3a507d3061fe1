"""Plots → SVG: the same places for the same numbers, in a document as in a page that draws its plots anew.

What has an ink has its class, as in diagrams; what is filled with it is `filled`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from symbackprop import language as phrases
from symbackprop.figures.drawing import Box, Ink, Plot, Point, Series
from symbackprop.figures.labels import Label, text_width, width
from symbackprop.figures.plot_axes import Axis, Tick, axes
from symbackprop.messages import Message
from symbackprop.rendering import svg_parts
from symbackprop.rendering.svg_parts import COLOURS, SHADE

_WIDTH, _HEIGHT = 538.0, 336.0
_SIZE = 13.0
"""The size of letters, in pixels."""
_EDGE, _GAP = 8.0, 6.0
"""What stays free around a plot, and between its labels."""
_TICK = 4.0
_ROW = 20.0
"""The height of a row of the legend, and of the numbers and words below the axis."""
_SAMPLE = 28.0
"""The length of a line in the legend."""
_JOINED, _ALONE = 2.7, 4.7
"""Half the size of a marker on a line, and of one that stands alone."""


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Where numbers stand: the axes, and the box between them."""

    horizontal: Axis
    vertical: Axis
    box: Box

    def at(self, point: Point) -> Point:
        """Return the place of a point of the plot."""
        return Point(self.x(point.x), self.y(point.y))

    def x(self, value: float) -> float:
        """Return how far to the right a number of the horizontal axis stands."""
        return self.box.left + self.horizontal.share(value) * (self.box.right - self.box.left)

    def y(self, value: float) -> float:
        """Return how far down a number of the vertical axis stands."""
        return self.box.bottom - self.vertical.share(value) * (self.box.bottom - self.box.top)


def lines(plot: Plot, title: str, description: str, language: str, *, on_paper: bool) -> Iterator[str]:
    """Yield a plot as lines of SVG; one that is `on_paper` has its colours from no style sheet."""
    horizontal, vertical = axes(plot)
    named = [series for series in plot.series if series.name is not None]
    rows = list(_rows([(series, _said(series.name, language)) for series in named]))
    left = _EDGE + width(plot.vertical) * _SIZE + 2 * _GAP + _TICK + _widest(vertical.ticks)
    sheet = _Sheet(
        horizontal, vertical, Box(left, _EDGE + len(rows) * _ROW, _WIDTH - 2 * _EDGE, _HEIGHT - 2 * _ROW - _EDGE)
    )
    yield from svg_parts.opened(_WIDTH, _HEIGHT, title, description, kind=" plot")
    if not on_paper:
        yield svg_parts.style(("svg.figure path", "stroke"), ("svg.figure path.filled", "fill"))
    for region in plot.regions:
        route = "".join(f"M{_route([sheet.at(point) for point in ring])}Z" for ring in region.rings)
        yield _filled(route, region.ink, f' fill-rule="evenodd" fill-opacity="{SHADE}"')
    for series in plot.series:
        yield from _series(series, [sheet.at(point) for point in series.points])
    yield from _axes(sheet, plot, language)
    for number, row in enumerate(rows):
        yield from _legend(row, _EDGE + number * _ROW + _ROW / 2)
    yield "</svg>"


def _widest(ticks: Sequence[Tick]) -> float:
    return max((width((tick.label,)) for tick in ticks), default=0.0) * _SIZE


def _said(name: Message | None, language: str) -> str:
    return "" if name is None else phrases.say(language, name)


def _series(series: Series, places: Sequence[Point]) -> Iterator[str]:
    """Yield a line, its markers, or both."""
    if series.joined and len(places) > 1:
        yield _stroke(_route(places), series)
    if series.marker:
        half = _JOINED if series.joined else _ALONE
        yield _filled("".join(_marker(series.marker, place, half) for place in places), series.ink)


def _stroke(route: str, series: Series) -> str:
    dash = f' stroke-dasharray="{4 * series.thickness:g} {2 * series.thickness:g}"' if series.is_dashed else ""
    look = f'stroke="{COLOURS[series.ink]}" stroke-width="{series.thickness * 1.3:.2f}" stroke-linejoin="round"{dash}'
    return f'<path class="{series.ink}" d="M{route}" fill="none" {look}/>'


def _filled(route: str, ink: Ink, look: str = "") -> str:
    return f'<path class="filled {ink}" d="{route}" fill="{COLOURS[ink]}" style="stroke:none"{look}/>'


def _route(places: Sequence[Point]) -> str:
    """Return the way along places; those that are printed alike stand there once."""
    return "L".join(text for text, _ in itertools.groupby(map(svg_parts.place, places)))


def _marker(kind: str, at: Point, half: float) -> str:
    if kind == "square":
        start = svg_parts.place(Point(at.x - half, at.y - half))
        return f"M{start}h{2 * half:g}v{2 * half:g}h{-2 * half:g}Z"
    start, arc = svg_parts.place(Point(at.x - half, at.y)), f" a{half:g} {half:g} 0 1 0 "
    return f"M{start}{arc}{2 * half:g} 0{arc}{-2 * half:g} 0Z"


def _axes(sheet: _Sheet, plot: Plot, language: str) -> Iterator[str]:
    """Yield both axes with their ticks, the numbers of these, and what the axes are of."""
    box = sheet.box
    ticks = [(sheet.x(tick.value), tick) for tick in sheet.horizontal.ticks]
    heights = [(sheet.y(tick.value), tick) for tick in sheet.vertical.ticks]
    corners = [Point(box.left, box.top), Point(box.left, box.bottom), Point(box.right, box.bottom)]
    strokes = [f"M{svg_parts.place(Point(x, box.bottom))}v{_TICK:g}" for x, _ in ticks]
    strokes += [f"M{svg_parts.place(Point(box.left, y))}h{-_TICK:g}" for y, _ in heights]
    yield f'<path d="M{_route(corners)}{"".join(strokes)}" fill="none" stroke="currentColor"/>'
    below = box.bottom + _TICK + _ROW / 2
    for x, tick in ticks:
        yield _text((tick.label,), Point(x, below), "middle", language)
    for y, tick in heights:
        yield _text((tick.label,), Point(box.left - _TICK - _GAP / 2, y), "end", language)
    yield _text(plot.horizontal, Point((box.left + box.right) / 2, below + _ROW), "middle", language)
    yield _text(plot.vertical, Point(_EDGE, (box.top + box.bottom) / 2), "start", language)


def _text(label: Label, at: Point, anchor: str, language: str) -> str:
    """Return a label whose middle is at the height of a place."""
    x, y = svg_parts.place(Point(at.x, at.y + 0.34 * _SIZE)).split(" ")
    look = f'font-size="{_SIZE:g}" text-anchor="{anchor}"'
    return f'<text x="{x}" y="{y}" {look}>{svg_parts.label(label, _SIZE, language)}</text>'


_Entry = tuple[Series, str, float]
"""What of the legend stands side by side: a series, its name, and where it begins."""


def _rows(named: Sequence[tuple[Series, str]]) -> Iterator[list[_Entry]]:
    """Yield the rows of the legend, each in the middle of the plot."""
    row: list[_Entry] = []
    end = 0.0
    for series, name in named:
        wide = _SAMPLE + _GAP + text_width(name) * _SIZE + 2 * _GAP
        if row and end + wide > _WIDTH - 2 * _EDGE:
            yield _centred(row, end)
            row, end = [], 0.0
        row.append((series, name, end))
        end += wide
    if row:
        yield _centred(row, end)


def _centred(row: Sequence[_Entry], end: float) -> list[_Entry]:
    return [(series, name, start + (_WIDTH - end) / 2) for series, name, start in row]


def _legend(row: Sequence[_Entry], y: float) -> Iterator[str]:
    for series, name, x in row:
        if series.joined:
            yield _stroke(_route([Point(x, y), Point(x + _SAMPLE, y)]), series)
        if series.marker:
            half = _JOINED if series.joined else _ALONE
            yield _filled(_marker(series.marker, Point(x + _SAMPLE / 2, y), half), series.ink)
        yield _text((name,), Point(x + _SAMPLE + _GAP, y), "start", "")
