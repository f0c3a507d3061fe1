"""Texts of the expression language with how tightly they hold together, so that nothing stands in needless parentheses."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

COMPARISON, SUM, PRODUCT, POWER, ATOM = range(5)


class Written(NamedTuple):
    """A text, and how tightly it holds together."""

    text: str
    level: int = ATOM

    def at(self, level: int) -> str:
        """Return the text, in parentheses where something tighter is needed."""
        return self.text if self.level >= level else f"({self.text})"


Writer = Callable[[Sequence[Written]], Written]
"""What writes an operation from its operands."""


def infix(sign: str, level: int, right: int | None = None) -> Writer:
    """Return what writes a sign between two operands; the right one has to hold together at least so tightly."""
    tight = level + 1 if right is None else right

    def write(parts: Sequence[Written]) -> Written:
        second = parts[1].at(tight)
        return Written(f"{parts[0].at(level)} {sign} {f'({second})' if second.startswith('-') else second}", level)

    return write


def power(parts: Sequence[Written]) -> Written:
    """Return a power, whose base is in parentheses unless it is a name or a call."""
    return Written(f"{parts[0].at(ATOM)}**{parts[1].at(ATOM)}", POWER)


def negative(parts: Sequence[Written]) -> Written:
    """Return what has a minus before it."""
    return Written(f"-{parts[0].at(PRODUCT)}", PRODUCT if parts[0].level >= POWER else SUM)


def template(text: str, level: int = ATOM, inside: int = COMPARISON) -> Writer:
    """Return what fills operands into a text, each in parentheses if it does not hold together so tightly."""
    return lambda parts: Written(text.format(*[part.at(inside) for part in parts]), level)


def call(name: str, options: str = "") -> Writer:
    """Return what writes a call with all operands, and options behind them."""
    return lambda parts: Written(f"{name}({', '.join([*(part.text for part in parts), *filter(None, [options])])})")


def suffix(text: str) -> Writer:
    """Return what writes something behind an operand: an index, `.T`."""
    return lambda parts: Written(f"{parts[0].at(ATOM)}{text}")


_MOST_ROOT = 1024
_ROOTS = {math.sqrt(each): f"sqrt({each})" for each in range(2, _MOST_ROOT + 1) if not math.sqrt(each).is_integer()}
_OVER_ROOTS = {value: f"1/{text}" for root, text in _ROOTS.items() for value in (1 / root, round(root * root) ** -0.5)}
_KNOWN = {**_OVER_ROOTS, **_ROOTS, math.pi: "pi", 2 * math.pi: "2*pi"}
"""Numbers of float64 that stand for one that has no decimals to the end."""


def number(value: float) -> Written:
    """Return a number as text: a whole one without a point, the root of a whole number as that.

    >>> number(2.0).text, number(-0.5).text, number(1e-8).text, number(2**0.5).text
    ('2', '-0.5', '1e-08', 'sqrt(2)')
    """
    if value in _KNOWN:
        return Written(_KNOWN[value], PRODUCT if {"*", "/"} & set(_KNOWN[value]) else ATOM)
    text = str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
    return Written(text, SUM if text.startswith("-") else ATOM)
