"""Axes of plots: ticks are round, within sight, and printed as what they are."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest

from symbackprop.figures.drawing import Box, Plot, Point, Series
from symbackprop.figures.plot_axes import Axis, axes
from symbackprop.messages import message
from tests.helpers import each


def axes_of(
    points: list[Point], *, log: bool = False, counts: bool = False, limits: Box | None = None
) -> tuple[Axis, Axis]:
    """Return the axes of a plot of some points."""
    return axes(Plot(message("figure.losses"), (), (), (Series(tuple(points)),), log, counts, limits))


@pytest.mark.parametrize("log", [False, True])
def test_ticks_are_round_numbers_in_sight(log: bool) -> None:
    """There are two at least on a linear axis and ten at most; a label is its number; all points are in sight."""
    draw = random.Random(5)
    for _ in each(range(300)):
        scale = 10.0 ** draw.randint(-12, 12)
        points = [Point(draw.uniform(-1, 1) * scale, 10.0 ** draw.uniform(-9, 9)) for _ in range(3)]
        pair = axes_of(points, log=log)
        for axis in pair:
            values = [tick.value for tick in axis.ticks]
            assert values == sorted(set(values)) and len(values) <= 10
            assert axis.log or len(values) >= 2
            assert all(-1e-6 <= axis.share(value) <= 1 + 1e-6 for value in values)
            for tick in axis.ticks:
                printed = Fraction(tick.label.text) * Fraction(10) ** tick.label.exponent
                assert math.isclose(printed, tick.value, rel_tol=1e-12, abs_tol=1e-300)
                assert len(tick.label.text) <= 8
        assert all(0 <= pair[0].share(p.x) <= 1 and 0 <= pair[1].share(p.y) <= 1 for p in points)


def test_counts_are_whole_and_limits_are_kept() -> None:
    """Between two updates there is none; what is seen is what the plot says; one number alone has room around it."""
    horizontal, vertical = axes_of([Point(0, 0.5), Point(2, 0.5)], counts=True)
    assert ["0", "1", "2"] == [tick.label.text for tick in horizontal.ticks]
    assert vertical.low < 0.5 < vertical.high
    _, vertical = axes_of([Point(0, 2.473958333333333), Point(1, 2.4739583333333335)])
    assert vertical.low < 2.4 < 2.5 < vertical.high
    horizontal, vertical = axes_of([Point(0, 0)], limits=Box(-2, -0.1, 3, 4))
    assert (-2, 3, -0.1, 4) == (horizontal.low, horizontal.high, vertical.low, vertical.high)
    assert ["-2", "-1", "0", "1", "2", "3"] == [tick.label.text for tick in horizontal.ticks]
