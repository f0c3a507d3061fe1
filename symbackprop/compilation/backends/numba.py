"""Numba: the same straight lines in machine code, loops over arrays, and passes between the matrix products of large ones.

Straight-line code takes Numba a time that grows faster than its length, so that it is for few statements. Above that come
loops, whose code does not grow with the widths of layers, and above these NumPy, whose matrix products are the fastest
(Numba's own call another BLAS, and two pools of threads slow each other down) and whose exponentials are too. What is
compiled there are the elementwise formulas that take NumPy several passes, and those of functions that it does not have.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from symbackprop.algebra.formula import Apply, Name, Negative, Node, Number, rewrite, walk
from symbackprop.algebra.functions import EXTREMES
from symbackprop.arithmetic.python_code import SCALARS, Spelled, accurate, printed
from symbackprop.compilation.array_code import Writer
from symbackprop.compilation.array_engine import ArrayEngine
from symbackprop.compilation.engine import Engine
from symbackprop.compilation.kept_code import defined
from symbackprop.compilation.loop_engine import LoopEngine
from symbackprop.compilation.operations import View
from symbackprop.compilation.plan import Plan
from symbackprop.compilation.scalar_engine import ScalarEngine

STATEMENTS = 200
"""Edges × samples up to which straight-line code is compiled: about a second."""


LOOPS = 50_000
"""Edges × samples up to which loops are faster than NumPy's matrix products (benchmarks/train_tiny.py measures it)."""

_PASSES = 2
"""Operations that NumPy carries out one after the other as fast as a compiled pass, which has to be compiled first."""


def prepare(plan: Plan) -> Engine:
    """Return the faster engine for a problem of this size."""
    if plan.edges <= STATEMENTS and plan.dtype == "float64":
        return ScalarEngine(plan, _compiled)
    return LoopEngine(plan, _compiled) if plan.edges <= LOOPS else ArrayEngine(plan, KernelWriter)


def _compiled(source: str, given: Mapping[str, Any], name: str, signature: str | None = None) -> Callable[..., Any]:
    """Return a function of a source as machine code, compiled when it is first needed by any process of the user's.

    Without a signature that is when it is first called.
    """
    import numba

    function, is_kept = defined(source, dict(given), name)
    found: Callable[..., Any] = numba.njit(signature, error_model="numpy", cache=is_kept)(function)
    return found


class KernelWriter(Writer):
    """Writes an elementwise formula as a call of one compiled loop, where that is faster than NumPy's functions."""

    def __init__(self, dtype: str, fresh: Callable[[str], str]) -> None:
        super().__init__(dtype, fresh)
        self._kernels: dict[str, str] = {}

    def elementwise(self, target: View, formula: Node) -> None:
        """Write one elementwise formula as `kernel(arrays, out=target)`."""
        parts = list(dict.fromkeys(part for part in walk(formula) if isinstance(part, View | Spelled)))
        if not _is_faster(formula) or not any(isinstance(part, View) for part in parts):
            super().elementwise(target, formula)
            return
        names: dict[Node, Node] = {part: Name(f"p{number}") for number, part in enumerate(parts, start=1)}
        body = printed(
            accurate(rewrite(formula, names.get)), lambda part: part.name if isinstance(part, Name) else None, _KERNELS
        )
        text = f"def kernel({', '.join(f'p{number + 1}' for number in range(len(parts)))}):\n    return {body}\n"
        if text not in self._kernels:
            self._kernels[text] = self.fresh(f"kernel{len(self._kernels) + 1}")
        kernel = self._kernels[text]
        arguments = ", ".join(part.text for part in parts)
        self._lines.append(f"{kernel}({arguments}, out={target.text})")

    def namespace(self) -> Mapping[str, Any]:
        """Return the kernels by name."""
        return {kernel: _kernel(text, self.dtype) for text, kernel in self._kernels.items()}


def _is_faster(formula: Node) -> bool:
    """Say whether a compiled pass over a formula is faster than NumPy, which has whole vectors of exponentials."""
    operations = [part for part in walk(formula) if not isinstance(part, View | Spelled | Number | Negative)]
    called = {part.function for part in operations if isinstance(part, Apply)}
    if called & {"erf", "erfc"}:
        return True
    return len(operations) > _PASSES and called <= {"sqrt", "abs", "step", *EXTREMES}


_KERNELS = replace(SCALARS, number=lambda value: f"number({value!r})")
"""Constants are of the number type of the arrays: a float64 among float32 would make all of it float64."""


@functools.cache
def _kernel(text: str, dtype: str) -> Any:
    """Return a NumPy function that runs a kernel in one pass over its arrays, in the given number type."""
    import numba

    function, is_kept = defined(text, {**SCALARS.namespace, "number": np.dtype(dtype).type}, "kernel")
    signature = f"{dtype}({', '.join([dtype] * function.__code__.co_argcount)})"
    vectorize: Callable[..., Any] = numba.vectorize
    return vectorize([signature], cache=is_kept)(function)
