"""The samples of a graph, and the two rules of batches, which stand here and nowhere else.

A batch is not unrolled. Some names have one value for each sample, the others are shared by all samples. Then

1. something shared whose formula reads something that is not shared adds that part of the formula over the samples;
2. in reverse, the gradient by something shared adds its contributions over the samples in which they are made.

Both say: something shared adds over the samples whatever it is read from or through that is not (`BatchAxis.spread`).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

from symbackprop.algebra.formula import SampleCount

Samples = int | SampleCount | None
"""How many samples there are: a number, a symbol for any number, None for one sample that has no number."""


@dataclass(frozen=True)
class BatchAxis:
    """How many samples there are, and the names of what has one value for each."""

    samples: Samples
    names: frozenset[str]

    @property
    def size(self) -> int:
        """The number of samples, 1 without a batch."""
        if isinstance(self.samples, SampleCount):
            raise TypeError("a batch of any size has no number of samples")
        return 1 if self.samples is None else self.samples

    @functools.cached_property
    def numbers(self) -> tuple[int | None, ...]:
        """The numbers of the samples, from 1; (None,) without a batch."""
        return (None,) if self.samples is None else tuple(range(1, self.size + 1))

    def differs(self, names: Iterable[str]) -> bool:
        """Say whether any of some names has values of its own in the samples."""
        return not self.names.isdisjoint(names)

    def samples_of(self, *names: str) -> tuple[int | None, ...]:
        """Return the samples that tell the values of some names apart: all, or (None,) where every name is shared.

        >>> BatchAxis(2, frozenset({"x"})).samples_of("x"), BatchAxis(2, frozenset({"x"})).samples_of("w")
        ((1, 2), (None,))
        """
        return self.numbers if self.differs(names) else (None,)

    def adds(self, name: str, read: Iterable[str]) -> bool:
        """Say whether `name` adds over the samples a part that is made of what it `read`s."""
        return name not in self.names and self.differs(read)

    def spread(self, name: str, read: Iterable[str], sample: int | None = None) -> tuple[int | None, ...]:
        """Return the samples over which `name`, in its own sample, adds a part that is made of what it `read`s.

        >>> axis = BatchAxis(2, frozenset({"x", "z"}))
        >>> axis.spread("z", ["w", "x"], 2), axis.spread("L", ["z"]), axis.spread("L", ["w"])
        ((2,), (1, 2), (None,))
        """
        return (sample,) if name in self.names else self.samples_of(*read)
