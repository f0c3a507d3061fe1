"""What shapes become: NumPy's rules of broadcasting, of indices and of axes, with messages that name both shapes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator

from symbackprop import limits
from symbackprop.algebra.formula import Axis, Span
from symbackprop.errors import ProblemError
from symbackprop.messages import Message, message

Shape = tuple[int, ...]

MOST_AXES = 4
"""Axes of one array."""


def indices_of(shape: Shape) -> Iterator[Shape]:
    """Iterate over all indices of an array, the last one fastest; a scalar has the one index `()`."""
    return itertools.product(*map(range, shape))


def check_size(name: str, shape: Shape, where: str = "") -> None:
    """Raise `ProblemError` for an array, asked for by `name`, that is larger than arrays may be."""
    count = math.prod(shape)
    if count > limits.NUMBERS:
        what = message("graph.too_large", name=name, count=count, shape=spell(shape), limit=limits.NUMBERS)
        raise ProblemError(what, where=where)


def check_rank(shape: Shape, where: str = "") -> Shape:
    """Return a shape; raises `ProblemError` for one of more axes than arrays have."""
    if len(shape) > MOST_AXES:
        raise ProblemError(message("graph.rank", shape=spell(shape), limit=MOST_AXES), where=where)
    return shape


def spell(shape: tuple[int | str, ...]) -> str | Message:
    """Return a shape as messages spell it: `2×3`, `3`, or the phrase for a single number."""
    return "×".join(map(str, shape)) if shape else message("problem.scalar_shape")


def broadcast(shapes: Iterable[Shape], where: str) -> Shape:
    """Return the shape of an elementwise operation by NumPy's rule; shapes that do not fit are an error.

    >>> broadcast([(3, 1), (4,)], "")
    (3, 4)
    """
    whole: Shape = ()
    for shape in shapes:
        result = []
        for a, b in itertools.zip_longest(reversed(whole), reversed(shape), fillvalue=1):
            if a != b and 1 not in (a, b):
                raise ProblemError(message("graph.shapes", left=spell(whole), right=spell(shape)), where=where)
            result.append(b if a == 1 else a)
        whole = tuple(reversed(result))
    return whole


def axis_at(axis: int, rank: int, where: str) -> int:
    """Return an axis from 0, where a negative one counts from the last; one that is not there is an error."""
    if not -rank <= axis < rank:
        raise ProblemError(message("graph.axis", axis=axis, rank=rank), where=where)
    return axis % rank


def axes_at(axis: int | tuple[int, ...], rank: int, where: str) -> tuple[int, ...]:
    """Return one axis or several from 0, in ascending order; one that is named twice is an error.

    >>> axes_at((-1, 0), 3, "")
    (0, 2)
    """
    given = axis if isinstance(axis, tuple) else (axis,)
    found = {axis_at(each, rank, where) for each in given}
    if len(found) < len(given):
        raise ProblemError(message("graph.axis_twice", axes=", ".join(map(str, given))), where=where)
    return tuple(sorted(found))


def settled_axis(axes: tuple[int, ...], rank: int) -> Axis:
    """Return axes from 0 as a reduction has them: None for all of them, one as a number.

    >>> settled_axis((0, 1), 2), settled_axis((1,), 2), settled_axis((0, 2), 3)
    (None, 1, (0, 2))
    """
    return None if len(axes) == rank else axes[0] if len(axes) == 1 else axes


def indexed(shape: Shape, indices: tuple[int | Span, ...], where: str) -> Shape:
    """Return the shape of `array[indices]`; an index outside the array is an error."""
    if len(indices) > len(shape):
        raise ProblemError(message("graph.indices", count=len(indices), shape=spell(shape)), where=where)
    result = []
    for index, length in zip(indices, shape, strict=False):
        if isinstance(index, Span):
            kept = len(positions(index, length))
            if kept == 0:
                raise ProblemError(message("graph.empty", shape=spell(shape)), where=where)
            result.append(kept)
        elif not -length <= index < length:
            raise ProblemError(message("graph.index", index=index, length=length), where=where)
    return (*result, *shape[len(indices) :])


def positions(index: int | Span, length: int) -> range:
    """Return the positions along an axis that an index or a slice picks."""
    if isinstance(index, Span):
        return range(*slice(index.start, index.stop, index.step).indices(length))
    return range(index % length, index % length + 1)
