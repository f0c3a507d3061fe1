"""The one memory of compiled loops: where each array begins in it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from symbackprop.compilation.engine import Array
from symbackprop.compilation.operations import View


class Layout:
    """Arrays one behind the other: those that are alike in all samples, then for as many samples as there are the others.

    The parameters come first, in order. What is added up lies side by side, so that it is filled with zeros in one go: the
    gradients in the order of their parameters, what else is alike, what differs; behind it the data, in order. At last come
    the states of an optimizer.
    """

    def __init__(
        self,
        views: Mapping[str, View],
        parameters: Sequence[str],
        gradients: Sequence[str],
        data: Sequence[str],
        zeros: AbstractSet[str],
        *,
        one_sample: bool,
    ) -> None:
        self.views, self.one_sample = views, one_sample
        self.parameters = sum(math.prod(views[name].shape) for name in parameters)

        def place(name: str) -> int:
            return 0 if name in parameters else 2 if name in gradients else 3 if name in zeros else 1

        fixed = sorted((name for name, view in views.items() if not view.varies), key=place)
        varying = sorted(
            (name for name, view in views.items() if view.varies),
            key=lambda name: 0 if name in zeros else 1 if name in data else 2,
        )
        self.fixed, self.fixed_end = self._offsets(fixed)
        self.varying, self.varying_end = self._offsets(varying)
        shared = [name for name in fixed if place(name) == 2]
        self.gradients = self.fixed[shared[0]] if shared else self.fixed_end
        behind = [self.fixed[name] for name in fixed if place(name) == 3]
        begins = self.gradients if zeros & set(shared) else min(behind, default=self.fixed_end)
        self.before_data = sum(math.prod(views[name].shape) for name in varying if name in zeros)
        self.zeros = (begins, self.spelled(self.before_data)) if zeros else None

    def _offsets(self, names: Sequence[str]) -> tuple[dict[str, int], int]:
        sizes = [math.prod(self.views[name].shape) for name in names]
        *begins, end = itertools.accumulate(sizes, initial=0)
        return dict(zip(names, begins, strict=True)), end

    def spelled(self, varying: int) -> str:
        """Return the code of the place behind what is alike and so many numbers of each sample."""
        if self.one_sample or not varying:
            return str(self.fixed_end + varying)
        return f"{self.fixed_end} + {varying}*samples"

    def begin(self, name: str) -> str:
        """Return the code of where an array begins."""
        return str(self.fixed[name]) if name in self.fixed else self.spelled(self.varying[name])

    @property
    def states(self) -> str:
        """The code of where the states begin."""
        return self.spelled(self.varying_end)

    def numbers(self, samples: int) -> int:
        """Return how many numbers there are without the states."""
        return self.fixed_end + samples * self.varying_end

    def data(self, samples: int) -> int:
        """Return where the data begin."""
        return self.fixed_end + samples * self.before_data

    def part(self, memory: Array, name: str, samples: int) -> Array:
        """Return an array of a memory for so many samples."""
        view = self.views[name]
        shape = (samples, *view.shape) if view.varies else view.shape
        start = self.fixed_end + samples * self.varying[name] if view.varies else self.fixed[name]
        return memory[start : start + math.prod(shape)].reshape(shape)
