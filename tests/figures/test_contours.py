"""Lines of equal height and the regions beside them, against grids whose heights are known."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from symbackprop.figures import contours
from symbackprop.figures.drawing import Point
from tests.helpers import each

XS, YS = [k / 8 for k in range(-12, 13)], [k / 10 for k in range(-10, 11)]


def grid_of(seed: int) -> list[list[float]]:
    """Return heights of some waves, as they are at random."""
    draw = random.Random(seed)
    waves = [[draw.uniform(-2.5, 2.5) for _ in range(4)] for _ in range(4)]
    return [[sum(d * math.sin(a * x + b * y + c) for a, b, c, d in waves) for x in XS] for y in YS]


def is_inside(point: Point, ring: tuple[Point, ...]) -> bool:
    """Say whether a ray from a point to the right crosses an outline an odd number of times."""
    crossed = 0
    for one, other in itertools.pairwise((*ring, ring[0])):
        if (one.y > point.y) != (other.y > point.y):
            crossed += one.x + (point.y - one.y) / (other.y - one.y) * (other.x - one.x) > point.x
    return crossed % 2 == 1


@pytest.mark.parametrize("seed", range(6))
def test_lines_run_where_the_height_is_the_level(seed: int) -> None:
    """On the sides of cells, between a higher and a lower corner, from cell to cell, and to the border or back."""
    grid, level = grid_of(seed), 0.1
    lines = contours.lines(XS, YS, grid, level)
    assert lines
    for line in each(lines):
        is_closed = line[0] == line[-1]
        at_border = all(p.x in (XS[0], XS[-1]) or p.y in (YS[0], YS[-1]) for p in (line[0], line[-1]))
        assert is_closed or at_border
        for point, after in itertools.pairwise(line):
            assert math.dist(point, after) <= math.hypot(1 / 8, 1 / 10) + 1e-12
        for point in line:
            column = min(int((point.x - XS[0]) * 8 + 1e-9), len(XS) - 2)
            row = min(int((point.y - YS[0]) * 10 + 1e-9), len(YS) - 2)
            corners = [grid[r][c] for r in (row, row + 1) for c in (column, column + 1)]
            assert min(corners) - 1e-12 <= level <= max(corners) + 1e-12
    crossed = sum((a > level) != (b > level) for row in grid for a, b in itertools.pairwise(row))
    crossed += sum(
        (a > level) != (b > level) for one, two in itertools.pairwise(grid) for a, b in zip(one, two, strict=True)
    )
    assert crossed == sum(len(line) - (line[0] == line[-1]) for line in lines)


@pytest.mark.parametrize("seed", range(6))
def test_regions_hold_what_is_above_and_what_is_not(seed: int) -> None:
    """Every point of the grid lies in one of the two, holes left out."""
    grid, level = grid_of(seed), 0.1
    sides = [contours.regions(XS, YS, grid, level, above=above) for above in (True, False)]
    for row, column in each(itertools.product(range(1, len(YS) - 1, 3), range(1, len(XS) - 1, 3)), least=20):
        at = Point(XS[column] + 1e-7, YS[row] + 1e-7)
        inside = [sum(is_inside(at, ring) for ring in rings) % 2 == 1 for rings in sides]
        assert inside == [grid[row][column] > level, grid[row][column] <= level]
    assert all(ring[0] == ring[-1] for rings in sides for ring in rings)


def test_cell_without_a_height_is_left_out() -> None:
    """Lines end where a number is missing; a grid that is on one side has none, and one region is all of it."""
    heights = [[0.0, 0.0, 0.0], [1.0, 1.0, math.nan], [1.0, 1.0, 1.0]]
    (line,) = contours.lines([0, 1, 2], [0, 1, 2], heights, 0.5)
    assert {(0, 0.5), (1, 0.5)} == {tuple(point) for point in line}
    flat = [[1.0, 1.0], [1.0, 1.0]]
    assert [] == contours.lines([0, 1], [0, 1], flat, 0.5) == contours.regions([0, 1], [0, 1], flat, 0.5, above=False)
    (ring,) = contours.regions([0, 1], [0, 1], flat, 0.5, above=True)
    assert {(0, 0), (0, 1), (1, 0), (1, 1)} == {tuple(point) for point in ring}
