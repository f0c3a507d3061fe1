"""Arrays in other shapes: which lengths are meant, and which element of the one is which of the other, row by row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from symbackprop.algebra.broadcasting import Shape, check_rank, spell
from symbackprop.algebra.formula import Apply, Node
from symbackprop.errors import ProblemError
from symbackprop.messages import message


def new_shape(apply: Apply, shapes: Sequence[Shape], where: str) -> Shape:
    """Return the lengths that are asked for, one of which may be -1; without any, a vector of all elements."""
    (shape,) = shapes
    if not shape:
        raise ProblemError(message("graph.vector", function=apply.function), where=where)
    count = math.prod(shape)
    lengths = [int(length) for _, length in apply.settings] or [count]
    known = math.prod(length for length in lengths if length != -1)
    found = tuple(count // known if length == -1 else length for length in lengths)
    check_rank(found, where)
    if math.prod(found) != count:
        key = "graph.reshape_multiple" if -1 in lengths else "graph.reshape"
        raise ProblemError(message(key, shape=spell(shape), count=count, wanted=spell(found), found=known), where=where)
    return found


def reshaped(node: Node, shape: Shape) -> Node:
    """Return an array in another shape, its elements in the order of rows."""
    return Apply("reshape", (node,), settings=tuple((str(n), Fraction(length)) for n, length in enumerate(shape)))


def in_order(shape: Shape, result: Shape, index: Shape) -> Shape:
    """Return the index in an array of the element that has an index in an array of another shape, row by row."""
    position = 0
    for length, place in zip(result, index, strict=True):
        position = position * length + place
    found: Shape = ()
    for length in reversed(shape):
        position, place = divmod(position, length)
        found = (place, *found)
    return found
