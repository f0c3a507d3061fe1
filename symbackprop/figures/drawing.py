"""What figures are made of. Lengths are in pixels of 1/96 inch; x runs to the right, y downwards."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from symbackprop.figures.labels import Label, width
from symbackprop.messages import Message

SMALL, LARGE = 11.0, 15.0
"""Sizes of letters: of numbers, and of symbols inside units."""
POINTS = 8 / SMALL
"""Points of TeX's for a pixel: small letters have 8 points, and their indices 7 (`macros.tex`)."""
LEAST_SCALE = 6 / 7
"""How far a diagram is made smaller on a page at most: its smallest letters keep 6 points."""
PAGE = (488.0, 600.0)
"""The room on a page, in points."""
MARGIN = 8.0
"""What stays free around a diagram."""
WIDEST, TALLEST = (room / POINTS / LEAST_SCALE for room in PAGE)
"""The room on a page for a diagram that is made as small as may be, in pixels."""


class Ink(StrEnum):
    """What something belongs to; formats colour it."""

    PLAIN = "plain"
    QUIET = "quiet"
    FORWARD = "forward"
    BACKWARD = "backward"
    NEGATIVE = "negative"


class Point(NamedTuple):
    """A place."""

    x: float
    y: float


Polygon = tuple[Point, ...]
"""The corners of a convex shape in order; two are a line."""


class Box(NamedTuple):
    """A rectangle, by its sides."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def corners(self) -> Polygon:
        """Its corners, one after the other."""
        return (
            Point(self.left, self.top),
            Point(self.right, self.top),
            Point(self.right, self.bottom),
            Point(self.left, self.bottom),
        )

    def overlaps(self, other: Box) -> bool:
        """Say whether two rectangles have more than a side in common."""
        beside = self.right <= other.left or other.right <= self.left
        return not (beside or self.bottom <= other.top or other.bottom <= self.top)


_OCTAGON = tuple(
    (
        math.cos(math.pi * (2 * k + 1) / 8) / math.cos(math.pi / 8),
        math.sin(math.pi * (2 * k + 1) / 8) / math.cos(math.pi / 8),
    )
    for k in range(8)
)


@dataclass(frozen=True, slots=True)
class DiagramNode:
    """A unit, a gate (`is_round`) or a leaf, around a place; `name` is the code name of the quantity it stands for.

    A round one that is wider than high has round ends.
    `also` are further code names of what it stands for (the pre-activation of a unit).
    """

    at: Point
    half: Point
    name: str
    is_round: bool = True
    also: tuple[str, ...] = ()

    @property
    def box(self) -> Box:
        """What it covers."""
        return Box(self.at.x - self.half.x, self.at.y - self.half.y, self.at.x + self.half.x, self.at.y + self.half.y)

    @property
    def covered(self) -> Polygon:
        """What it covers: a circle as the octagon around it."""
        if not self.is_round or self.half.x != self.half.y:
            return self.box.corners
        x, y = self.at
        return tuple(Point(x + a * self.half.x, y + b * self.half.y) for a, b in _OCTAGON)


HALF = 0.68
"""Half the height of a label, in units of its size: room for an index below and above."""


@dataclass(frozen=True, slots=True)
class Text:
    """A label; `at` is its middle, or with `anchor` `start` its left and with `end` its right end.

    `angle` is how far it is turned about its middle, in degrees clockwise.
    """

    at: Point
    label: Label
    ink: Ink = Ink.PLAIN
    size: float = SMALL
    anchor: str = "middle"
    name: str = ""
    angle: float = 0

    @property
    def covered(self) -> Polygon:
        """What it covers, roughly: a rectangle, turned as the label is."""
        wide, high, turn = width(self.label) * self.size / 2, self.size * HALF, math.radians(self.angle)
        along, across = math.cos(turn), math.sin(turn)
        middle = Point(self.at.x + {"start": wide, "end": -wide}.get(self.anchor, 0), self.at.y)
        return tuple(
            Point(middle.x + x * along - y * across, middle.y + x * across + y * along)
            for x, y in ((-wide, -high), (wide, -high), (wide, high), (-wide, high))
        )

    @property
    def box(self) -> Box:
        """The upright rectangle around what it covers."""
        xs, ys = zip(*self.covered, strict=True)
        return Box(min(xs), min(ys), max(xs), max(ys))


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow along points; a smooth one leaves and reaches every point vertically."""

    points: tuple[Point, ...]
    name: str = ""
    ink: Ink = Ink.QUIET
    thickness: float = 1.0
    is_smooth: bool = False
    is_dashed: bool = False
    has_head: bool = True

    @property
    def pieces(self) -> Iterator[tuple[Point, ...]]:
        """What leads from each point to the next: that point, or behind the two control points of a curve."""
        for start, end in itertools.pairwise(self.points):
            middle = round((start.y + end.y) / 2, 2)
            is_bent = self.is_smooth and start.x != end.x
            yield (Point(start.x, middle), Point(end.x, middle), end) if is_bent else (end,)


@dataclass(frozen=True, slots=True)
class Diagram:
    """Nodes, lines and labels between (0, 0) and (width, height).

    `title` says what it is. `paths` gives, for each named line or leaf, the code names on the chains of its gradient, in the
    order of the forward pass; `path` is the one that is highlighted. `told` says of each code name with a number what it is.
    `routes` counts the paths to the loss that a picture of paths shows.
    """

    title: Message
    nodes: tuple[DiagramNode, ...]
    lines: tuple[Arrow, ...]
    texts: tuple[Text, ...]
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    path: frozenset[str] = frozenset()
    told: Mapping[str, Message] = field(default_factory=dict)
    routes: int = 0
    width: float = 0
    height: float = 0

    def is_highlighted(self, shape: DiagramNode | Arrow | Text) -> bool:
        """Say whether a shape lies on the highlighted path."""
        return bool(shape.name) and shape.name in self.path


@dataclass(frozen=True, slots=True)
class Series:
    """Points of a plot: joined by a line, or markers; `name` is its entry in the legend, if it has one."""

    points: tuple[Point, ...]
    ink: Ink = Ink.PLAIN
    marker: str = ""
    joined: bool = True
    thickness: float = 1.0
    is_dashed: bool = False
    name: Message | None = None


@dataclass(frozen=True, slots=True)
class Region:
    """What of a plot is shaded: the outlines of its pieces, and of the holes in them."""

    rings: tuple[tuple[Point, ...], ...]
    ink: Ink


@dataclass(frozen=True, slots=True)
class Plot:
    """Series over two axes, before shaded regions; `limits` are what is shown (else all of it).

    `log` says that the vertical axis is logarithmic, `counts` that the horizontal one has whole numbers.
    """

    title: Message
    horizontal: Label
    vertical: Label
    series: tuple[Series, ...]
    log: bool = False
    counts: bool = False
    limits: Box | None = None
    regions: tuple[Region, ...] = ()


Picture = Diagram | Plot


def fitted(diagram: Diagram) -> Diagram:
    """Return a diagram moved to the origin, with its size."""
    boxes = [*(node.box for node in diagram.nodes), *(text.box for text in diagram.texts)]
    boxes += [Box(point.x, point.y, point.x, point.y) for line in diagram.lines for point in line.points]
    left, top = min(box.left for box in boxes) - MARGIN, min(box.top for box in boxes) - MARGIN

    def moved(points: Iterable[Point]) -> tuple[Point, ...]:
        return tuple(Point(round(point.x - left, 2), round(point.y - top, 2)) for point in points)

    return replace(
        diagram,
        nodes=tuple(replace(node, at=moved([node.at])[0]) for node in diagram.nodes),
        texts=tuple(replace(text, at=moved([text.at])[0]) for text in diagram.texts),
        lines=tuple(replace(line, points=moved(line.points)) for line in diagram.lines),
        width=round(max(box.right for box in boxes) - left + MARGIN, 2),
        height=round(max(box.bottom for box in boxes) - top + MARGIN, 2),
    )
