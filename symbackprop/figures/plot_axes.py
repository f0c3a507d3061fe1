"""The axes of a plot: how much of them is seen, where their ticks are and what stands beside these."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from symbackprop.arithmetic.decimals import LARGEST_PLAIN, SMALLEST_PLAIN, placed
from symbackprop.figures.drawing import Plot
from symbackprop.figures.labels import Decimal

_MOST_TICKS = 7
_STEPS = (1, 2, 5)
"""What ticks are apart, as multiples of a power of ten."""
_FEW_POWERS = 3
"""Between powers of ten there are ticks as well where no more of them are seen."""
_MARGIN = 0.05
"""How much more of an axis is seen than its numbers take, as a share of them, on each side."""
_NEAR = 1e-9
"""A tick so little beyond the end of an axis, in steps, still stands there; numbers so near, relative to them, are one."""


class Tick(NamedTuple):
    """A number of an axis, and how it is printed."""

    value: float
    label: Decimal


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis from its low to its high end; on a logarithmic one a power of ten is everywhere as long."""

    low: float
    high: float
    ticks: tuple[Tick, ...]
    log: bool = False

    def share(self, value: float) -> float:
        """Return where a number stands: 0 at the low end, 1 at the high one."""
        return (_scaled(value, log=self.log) - self.low) / (self.high - self.low)


def axes(plot: Plot) -> tuple[Axis, Axis]:
    """Return the horizontal and the vertical axis of a plot: of its limits, else of all its points with a margin."""
    points, box = [point for series in plot.series for point in series.points], plot.limits
    heights = [point.y for point in points] if box is None else [box.top, box.bottom]
    scaled = [_scaled(height, log=plot.log) for height in heights]
    horizontal = _widened([point.x for point in points]) if box is None else (box.left, box.right)
    low, high = _widened(scaled) if box is None else scaled
    return _linear(*horizontal, counts=plot.counts), _powers(low, high) if plot.log else _linear(low, high)


def _scaled(value: float, *, log: bool) -> float:
    return math.log10(value) if log else value


def _widened(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of an axis that shows some numbers; those that differ by rounding alone are one number."""
    known = [value for value in values if math.isfinite(value)]
    low, high = min(known), max(known)
    size = max(abs(low), abs(high))
    margin = _MARGIN * (high - low if high - low > _NEAR * size else size or 1.0)
    return low - margin, high + margin


def _linear(low: float, high: float, *, counts: bool = False) -> Axis:
    """Return an axis whose ticks are multiples of 1, 2 or 5 times a power of ten; of counts, whole numbers."""
    rough = (high - low) / _MOST_TICKS
    power = math.floor(math.log10(rough))
    step = next((step for step in _STEPS if step * 10.0**power >= rough), 1)
    # Ten times a power of ten is the next one; counts are whole.
    power += step == 1 and 10.0**power < rough
    if counts and power < 0:
        step, power = 1, 0
    unit = 10.0**power
    first, last = math.ceil(low / (step * unit) - _NEAR), math.floor(high / (step * unit) + _NEAR)
    wholes = [place * step for place in range(first, last + 1)]
    largest = max((abs(whole) for whole in wholes), default=0) * unit
    exponent = math.floor(math.log10(largest)) if largest else 0
    is_plain = SMALLEST_PLAIN <= exponent < LARGEST_PLAIN - 1 and power >= SMALLEST_PLAIN - 1
    shift = 0 if is_plain else exponent
    return Axis(low, high, tuple(Tick(whole * unit, _label(whole, power - shift, shift)) for whole in wholes))


def _label(whole: int, power: int, exponent: int) -> Decimal:
    """Return a tick as it is printed: so many units of a power of ten, with a power of ten of its own behind them."""
    if whole == 0:
        return Decimal("0", exact=True)
    text = placed(whole, -power) if power < 0 else placed(whole * 10**power, 0)
    return Decimal(text, exponent, exact=True)


def _powers(low: float, high: float) -> Axis:
    """Return a logarithmic axis, from the logarithms of its ends."""
    every = math.ceil((high - low) / _MOST_TICKS)
    between = _STEPS if high - low <= _FEW_POWERS else (1,)
    return Axis(low, high, tuple(_power_ticks(low, high, every, between)), log=True)


def _power_ticks(low: float, high: float, every: int, between: Iterable[int]) -> Iterator[Tick]:
    for power in range(math.floor(low), math.ceil(high) + 1):
        for factor in between:
            value = factor * 10.0**power
            if power % every == 0 and low <= math.log10(value) <= high:
                is_plain = SMALLEST_PLAIN <= power < LARGEST_PLAIN - 1
                yield Tick(value, _label(factor, power, 0) if is_plain else Decimal(str(factor), power, exact=True))
