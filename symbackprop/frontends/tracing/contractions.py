"""`numpy.einsum` in products of matrices, elementwise products and sums."""

from __future__ import annotations

from typing import Any

import numpy

from symbackprop.frontends.tracing.recorded import recorded, refuse
from symbackprop.messages import message

_MOST_AXES = 2


def einsum(subscripts: str, *operands: Any, **options: Any) -> Any:
    """Return an Einstein sum, from the left: two operands at a time, over what neither the others nor the result need."""
    left, _, result = subscripts.replace(" ", "").partition("->")
    letters = left.split(",")
    if "->" not in subscripts:
        result = "".join(sorted(each for each in set("".join(letters)) if "".join(letters).count(each) == 1))
    if options or "." in subscripts or any(len(set(each)) != len(each) for each in letters):
        refuse(message("trace.function", name=f"einsum({subscripts!r})"))
    found, own = recorded(operands[0]), letters[0]
    for place in range(1, len(operands)):
        needed = set(result).union(*letters[place + 1 :])
        found, own = _two(found, own, recorded(operands[place]), letters[place], needed)
    found, own = _summed(found, own, set(result))
    return found if own == result else found.T


def _summed(array: Any, own: str, needed: set[str]) -> tuple[Any, str]:
    """Return a sum over the axes that are not needed."""
    axes = tuple(place for place, letter in enumerate(own) if letter not in needed)
    return (numpy.sum(array, axis=axes) if axes else array), "".join(letter for letter in own if letter in needed)


def _two(first: Any, own: str, second: Any, other: str, needed: set[str]) -> tuple[Any, str]:
    first, own = _summed(first, own, needed | set(other))
    second, other = _summed(second, other, needed | set(own))
    inner = (set(own) & set(other)) - needed
    if not own or not other:
        return first * second, own + other
    if len(inner) == 1:
        (letter,) = inner
        rest, others = own.replace(letter, ""), other.replace(letter, "")
        if not set(rest) & set(others) and len(rest + others) <= _MOST_AXES:
            first = first.T if own[0] == letter and len(own) == _MOST_AXES else first
            second = second.T if other[-1] == letter and len(other) == _MOST_AXES else second
            return numpy.matmul(first, second), rest + others
    letters = "".join(dict.fromkeys(own + other))
    if len(letters) > _MOST_AXES:
        refuse(message("trace.axes", axes=len(letters)))
    return _summed(_spread(first, own, letters) * _spread(second, other, letters), letters, needed)


def _spread(array: Any, own: str, letters: str) -> Any:
    """Return an array whose axes are those of the letters, of length 1 where it has none."""
    if set(own) == set(letters):
        return array if own == letters else array.T
    lengths = dict(zip(own, array.shape, strict=True))
    return numpy.reshape(array, tuple(lengths.get(letter, 1) for letter in letters))
