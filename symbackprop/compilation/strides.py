"""Where the numbers of a view lie: the strides of an array in one memory, and what indices make of them.

A length below 0 is that many times the number of samples, whatever it will be.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace

from symbackprop.algebra.broadcasting import Shape
from symbackprop.compilation.operations import View

SAMPLES = -1
"""The length of the axis of samples."""


@dataclass(frozen=True, slots=True)
class Strided:
    """Numbers of an array: that at index (i, j, …) lies `offset + i*strides[0] + j*strides[1] + …` behind its beginning.

    It is indexed and turned over as NumPy's arrays are; along the axis of samples as a whole only.
    """

    array: str
    lengths: Shape
    strides: Shape
    offset: int = 0

    @property
    def T(self) -> Strided:
        """The same numbers with their axes in the opposite order."""
        return replace(self, lengths=self.lengths[::-1], strides=self.strides[::-1])

    def swapaxes(self, first: int, second: int) -> Strided:
        """Return the same numbers with two axes exchanged."""
        order = list(range(len(self.lengths)))
        order[first], order[second] = second, first
        lengths, strides = (tuple(each[axis] for axis in order) for each in (self.lengths, self.strides))
        return replace(self, lengths=lengths, strides=strides)

    def reshape(self, *lengths: int) -> Strided:
        """Return numbers that lie side by side in another shape; a length of -1 keeps the axis of samples.

        Raises `ValueError` for numbers with others between them, or in another order.
        """
        kept = lengths[:1] == (-1,)
        if self.along(self.lengths)[kept:] != whole("", self.lengths[kept:]).along(self.lengths[kept:]):
            raise ValueError("numbers do not lie side by side")
        other = whole("", lengths[kept:])
        return replace(self, lengths=self.lengths[:kept] + other.lengths, strides=self.strides[:kept] + other.strides)

    def __getitem__(self, key: object) -> Strided:
        """Return the numbers at an index: of places, slices and new axes."""
        kept: list[tuple[int, int]] = []
        offset, axes = self.offset, list(zip(self.lengths, self.strides, strict=True))
        for each in key if isinstance(key, tuple) else (key,):
            if each is Ellipsis:
                continue
            if each is None:
                kept.append((1, 0))
                continue
            length, stride = axes.pop(0)
            if length < 0 and each == slice(None):
                kept.append((length, stride))
                continue
            chosen = range(length)[each]
            offset += stride * (chosen.start if isinstance(chosen, range) else chosen)
            kept += [(len(chosen), stride * chosen.step)] if isinstance(chosen, range) else []
        lengths, strides = zip(*kept, *axes, strict=True) if kept or axes else ((), ())
        return Strided(self.array, lengths, strides, offset)

    def along(self, lengths: Shape) -> Shape:
        """Return the strides with which the numbers are repeated to those lengths by NumPy's rule: 0 along what repeats."""
        own = zip(self.lengths, self.strides, strict=True)
        missing = len(lengths) - len(self.lengths)
        return (0,) * missing + tuple(0 if length == 1 else stride for length, stride in own)


def whole(name: str, shape: Shape, samples: int | None = None) -> Strided:
    """Return an array of that shape, or one of them for each of some samples, in which the last index counts fastest."""
    sizes = tuple(itertools.accumulate(reversed(shape), operator.mul, initial=1))[::-1]
    return Strided(name, shape, sizes[1:]) if samples is None else Strided(name, (samples, *shape), sizes)


def strided(view: View, array: Strided) -> Strided:
    """Return where the numbers of a view of an array lie."""
    found: Strided = eval(f"array{view.index}", {"__builtins__": {}}, {"array": array})
    return found


def nested(lengths: Shape, accesses: Sequence[Shape], first: int = 0) -> tuple[Shape, list[Shape]]:
    """Return lengths and strides of as few loops as reach the same numbers, the outermost first.

    Each access has a stride along every length. The axes along which the `first` of them takes long steps are outside; two
    along which all accesses go on as if they were one are joined.
    """
    axes = [axis for axis, length in enumerate(lengths) if length != 1]
    axes.sort(key=lambda axis: -accesses[first][axis])
    found: list[tuple[int, Shape]] = []
    for axis in axes:
        length, strides = lengths[axis], tuple(each[axis] for each in accesses)
        if found and length > 0 and found[-1][1] == tuple(stride * length for stride in strides):
            length *= found.pop()[0]
        found.append((length, strides))
    columns = [strides for _, strides in found]
    return tuple(length for length, _ in found), [
        tuple(each[place] for each in columns) for place in range(len(accesses))
    ]
