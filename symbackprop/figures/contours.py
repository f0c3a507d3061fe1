"""Lines of equal height in a grid of numbers, by marching squares, and the regions on either side of one.

(Lorensen and Cline, Marching Cubes, 1987, in the plane.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from symbackprop.figures.drawing import Point

Grid = Sequence[Sequence[float]]
"""Heights, row by row: a row for each y, a column for each x."""

_SIDES = ((0, 1), (1, 2), (2, 3), (3, 0))
"""The sides of a cell from corner to corner: below, right, above, left."""


def lines(xs: Sequence[float], ys: Sequence[float], grid: Grid, level: float) -> list[tuple[Point, ...]]:
    """Return the lines along which a grid has a height, those that end at its border before the closed ones.

    What is higher lies to the left. A cell with a corner that has no height is left out.
    """
    following, crossings = _segments(xs, ys, grid, level)
    ends = set(following.values())
    starts = [edge for edge in following if edge not in ends]
    seen: set[int] = set()
    found: list[tuple[Point, ...]] = []
    for start in (*starts, *following):
        if start not in seen:
            found.append(tuple(crossings[edge] for edge in _traced(start, following, seen)))
    return found


def regions(
    xs: Sequence[float], ys: Sequence[float], grid: Grid, level: float, *, above: bool
) -> list[tuple[Point, ...]]:
    """Return the closed outlines of where a grid is above a level, or at most at it, and of the holes in that."""
    # Beyond the border everything is on the other side, and nothing is wider for it: outlines close along the border.
    beyond = level if above else level + 1.0
    rows = [[beyond, *row, beyond] for row in grid]
    empty = [beyond for _ in rows[0]]
    wide_xs, wide_ys = [xs[0], *xs, xs[-1]], [ys[0], *ys, ys[-1]]
    return lines(wide_xs, wide_ys, [empty, *rows, empty], level)


def _segments(
    xs: Sequence[float], ys: Sequence[float], grid: Grid, level: float
) -> tuple[Mapping[int, int], Mapping[int, Point]]:
    """Return for each edge that a line leaves a cell from the next edge on it, and where lines cross edges.

    An edge has a number: twice that of the point that it begins at, to the right, and one more, to the next row.
    """
    following: dict[int, int] = {}
    crossings: dict[int, Point] = {}
    width = len(xs)
    for row in range(len(ys) - 1):
        low, high = grid[row], grid[row + 1]
        for column in range(width - 1):
            heights = (low[column], low[column + 1], high[column + 1], high[column])
            is_above = [height > level for height in heights]
            if all(is_above) or not any(is_above) or any(math.isnan(height) for height in heights):
                continue
            at = row * width + column
            edges = (2 * at, 2 * (at + 1) + 1, 2 * (at + width), 2 * at + 1)
            corners = (
                Point(xs[column], ys[row]),
                Point(xs[column + 1], ys[row]),
                Point(xs[column + 1], ys[row + 1]),
                Point(xs[column], ys[row + 1]),
            )
            for start, end in _pairs(is_above, sum(heights) / 4 > level):
                following[edges[start]] = edges[end]
                for side in (start, end):
                    one, other = _SIDES[side]
                    crossings[edges[side]] = _between(corners[one], corners[other], heights[one], heights[other], level)
    return following, crossings


def _pairs(is_above: Sequence[bool], middle: bool) -> Iterator[tuple[int, int]]:
    """Yield the sides at which lines come into a cell and go out of it, what is higher to their left.

    Where opposite corners are higher, two lines do, and the middle says which corners belong together.
    """
    # Against the clock around the cell, a line comes in where heights fall below the level and goes out where they rise.
    falling = [side for side, (one, other) in enumerate(_SIDES) if is_above[one] and not is_above[other]]
    rising = [side for side, (one, other) in enumerate(_SIDES) if is_above[other] and not is_above[one]]
    if len(falling) == 1:
        yield falling[0], rising[0]
        return
    for side in falling:
        # Where the middle is higher, the lower corner behind the side is cut off, else the higher one before it.
        yield side, (side + 1 if middle else side + 3) % 4


def _between(one: Point, other: Point, start: float, end: float, level: float) -> Point:
    """Return the place between two corners at which the height is a level, by a straight line."""
    share = (level - start) / (end - start) if math.isfinite(end - start) else 0.5
    return Point(one.x + share * (other.x - one.x), one.y + share * (other.y - one.y))


def _traced(start: int, following: Mapping[int, int], seen: set[int]) -> Iterator[int]:
    """Yield the edges of a line from one of them on; a closed line ends where it began."""
    edge: int | None = start
    while edge is not None:
        yield edge
        if edge in seen:
            return
        seen.add(edge)
        edge = following.get(edge)
