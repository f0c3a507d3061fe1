r"""Values of printed functions of arrays: convolutions, pools, norms, attention; arrays are lists of rows, vectors one line.

What stands below a name is the axis, from 1, and what is not usual: `\mathrm{maxpool}_{\mathrm{size}=3}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

Number = Any
Rows = list[list[Number]]

ROOTED = ("LayerNorm", "BatchNorm", "Attention")
"""The functions with a root in them, whose values are no fractions."""


def turned(rows: Rows) -> Rows:
    """Return rows as columns."""
    return [list(column) for column in zip(*rows, strict=True)]


def _is_vector(rows: Rows) -> bool:
    return len(rows) == 1 or len(rows[0]) == 1


def _along(function: Callable[[list[Number]], list[Number]], rows: Rows, axis: str | None, usual: str) -> Rows:
    """Return a function of every line along an axis; of a vector there is one line."""
    chosen = ("2" if len(rows) == 1 else "1") if _is_vector(rows) else axis or usual
    return [function(row) for row in rows] if chosen == "2" else turned([function(row) for row in turned(rows)])


def _normalised(root: Callable[[Number], Number], eps: Number) -> Callable[[list[Number]], list[Number]]:
    def function(line: list[Number]) -> list[Number]:
        distances = [each - sum(line) / len(line) for each in line]
        return [each / root(sum(one * one for one in distances) / len(line) + eps) for each in distances]

    return function


def _sums(line: list[Number]) -> list[Number]:
    return [sum(line[: count + 1]) for count in range(len(line))]


def below_of(text: str) -> Mapping[str, str]:
    """Return what stands below a name: `axis`, and settings by their names."""
    found = {}
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        found[re.sub(r"\\mathrm\{(\w+)\}", r"\1", name) if equals else "axis"] = value or name
    return found


def value_of(
    name: str, below: Mapping[str, str], arguments: Sequence[Number], exponential: Callable, root: Callable
) -> Number:
    """Return the value of a function of arrays, None for one that is none of these."""
    rows, axis = arguments[0], below.get("axis")
    if name == "flip":
        return [row[::-1] for row in rows[::-1]]
    if name in ("LayerNorm", "BatchNorm"):
        eps = _in_floats(Fraction(below.get(r"\epsilon", "1/100000")), rows[0][0])
        return _along(_normalised(root, eps), rows, axis, "2" if name == "LayerNorm" else "1")
    if name == "cumsum":
        return _along(_sums, rows, axis, "1")
    if name == "revcumsum":
        return _along(lambda line: _sums(line[::-1])[::-1], rows, axis, "1")
    if name == "Attention":
        return _attention(arguments, exponential, root)
    return None


def _in_floats(number: Fraction, float_of_them: Number) -> Number:
    """Return a fraction as a float of the same digits as another."""
    return (float_of_them * 0 + number.numerator) / number.denominator


def _attention(arguments: Sequence[Rows], exponential: Callable, root: Callable) -> Rows:
    queries, keys, values, *masks = arguments
    width = root(queries[0][0] * 0 + len(queries[0]))
    scores = [[sum(map(_times, query, key)) / width for key in keys] for query in queries]
    for mask in masks:
        scores = [[one + other for one, other in zip(*rows, strict=True)] for rows in zip(scores, mask, strict=True)]
    powers = [[exponential(each) for each in row] for row in scores]
    return [[sum(map(_times, row, column)) / sum(row) for column in turned(values)] for row in powers]


def _times(left: Number, right: Number) -> Number:
    return left * right
