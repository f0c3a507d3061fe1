"""Where labels stand along the edges of a diagram: above and below their line, clear of every other shape.

An edge has a frame of its own: `u` runs along it, `v` away from it, upwards on paper. A label takes a strip of v; whatever
reaches into the strip blocks an interval of u, and a label goes to the free place nearest to where one would like it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from symbackprop.figures.drawing import HALF, SMALL, Point, Polygon

Interval = tuple[float, float]

_OFF_LINE = 1.5
"""How far a label stays from its own line, in pixels."""
_CLEAR = 2.0
"""How far it stays from everything else."""
_HEAD = 9.0
"""How much of the end of an edge its arrow takes."""
_HIGH = 2 * HALF * SMALL


class Frame:
    """The frame of an edge from the rim of one unit to that of another."""

    __slots__ = ("across", "along", "length", "line", "start")

    def __init__(self, start: Point, end: Point) -> None:
        self.start, self.line = start, (start, end)
        self.length = math.dist(start, end)
        # The direction of the edge, of length 1.
        self.along, self.across = (end.x - start.x) / self.length, (end.y - start.y) / self.length

    @property
    def angle(self) -> float:
        """How far the edge is turned clockwise, in degrees."""
        return math.degrees(math.atan2(self.across, self.along))

    def place(self, u: float, v: float) -> Point:
        """Return the point of the paper at a place of the frame."""
        x, y = self.start
        return Point(x + u * self.along + v * self.across, y + u * self.across - v * self.along)

    def blocked(self, shapes: Iterable[Polygon], low: float, high: float) -> Iterator[Interval]:
        """Yield the interval of u that each shape takes of the strip from v = low to v = high, if it reaches into it."""
        along, across, (left, top) = self.along, self.across, self.start
        for shape in shapes:
            us = [(x - left) * along + (y - top) * across for x, y in shape]
            vs = [(x - left) * across - (y - top) * along for x, y in shape]
            least, most = min(vs), max(vs)
            if least > high or most < low:
                continue
            if least < low or most > high:
                us = _cut(us, vs, low, high)
            yield min(us), max(us)

    def free(self, shapes: Iterable[Polygon], strip: Interval, half: float, wish: float, last: float) -> float | None:
        """Return the middle of a free piece of a strip, 2·half long and as near to `wish` as can be, or None.

        The piece lies between u = 0 and u = `last` and is clear of the shapes.
        """
        least, most = half + _CLEAR, last - half - _CLEAR
        if least > most:
            return None
        blocked = [
            (low - half - _CLEAR, high + half + _CLEAR)
            for low, high in self.blocked(shapes, strip[0] - _CLEAR, strip[1] + _CLEAR)
        ]
        ends = (end for interval in blocked for end in interval)
        candidates = (min(max(wish, least), most), least, most, *ends)
        places = [u for u in candidates if least <= u <= most and not any(low < u < high for low, high in blocked)]
        return min(places, key=lambda u: abs(u - wish), default=None)


def _cut(us: Sequence[float], vs: Sequence[float], low: float, high: float) -> list[float]:
    """Return the places along an edge of the corners of a shape that is cut by its strip."""
    found = [u for u, v in zip(us, vs, strict=True) if low <= v <= high]
    u, v = us[-1], vs[-1]
    for next_u, next_v in zip(us, vs, strict=True):
        for limit in (low, high):
            if (v - limit) * (next_v - limit) < 0:
                found.append(u + (limit - v) / (next_v - v) * (next_u - u))
        u, v = next_u, next_v
    return found


@dataclass(frozen=True, slots=True)
class EdgeLabel:
    """Where the labels of an edge stand: the middles of the upper and of the lower one, and their turn."""

    upper: Point
    lower: Point
    angle: float


def placed(
    frames: Mapping[str, Frame],
    widths: Mapping[str, float],
    shapes: Sequence[Polygon],
    share: float,
    *,
    two_lines: bool,
) -> Mapping[str, EdgeLabel] | None:
    """Return where the labels of the named edges between two layers stand, or None where one of them has no place.

    `widths` are those of the labels, `shapes` what else stands there; `share` is the part of an edge at which a label
    stands best. With `two_lines` there is a label below each edge as well.
    """
    lines = {name: frame.line for name, frame in frames.items()}
    found: dict[str, EdgeLabel] = {}
    taken = list(shapes)
    above, below = (_OFF_LINE, _OFF_LINE + _HIGH), (-_OFF_LINE - _HIGH, -_OFF_LINE)
    strips = ((below[0], above[1]),) if two_lines else (above, below)
    # The steepest edges have the least room.
    for name in sorted(frames, key=lambda name: -abs(frames[name].across)):
        frame, half = frames[name], widths[name] / 2
        others = [*(line for other, line in lines.items() if other != name), *taken]
        for low, high in strips:
            u = frame.free(others, (low, high), half, share * frame.length, frame.length - _HEAD)
            if u is not None:
                break
        else:
            return None
        covered = ((u - half, low), (u + half, low), (u + half, high), (u - half, high))
        taken.append(tuple(frame.place(*corner) for corner in covered))
        first, last = frame.place(u, high - _HIGH / 2), frame.place(u, low + _HIGH / 2)
        found[name] = EdgeLabel(first, last, frame.angle)
    return found
