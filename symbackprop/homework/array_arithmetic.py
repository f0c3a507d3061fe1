"""Arithmetic on arrays: one number for each student, all at once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy

from symbackprop.algebra.formula import Node, Slot
from symbackprop.algebra.functions import stable_form
from symbackprop.compilation.array_engine import NAMESPACE
from symbackprop.compilation.printing import ARRAYS as DIALECT
from symbackprop.compilation.printing import accurate, printed
from symbackprop.evaluation.evaluate import Arithmetic

Array = Any


@functools.cache
def function(formula: Node, arity: int) -> Callable[..., Array]:
    """Return a function of `arity` arrays that evaluates a form's formula in float64, without warnings."""

    def slot(part: Node) -> str | None:
        return f"p{part.index}" if isinstance(part, Slot) else None

    parameters = ", ".join(f"p{index}" for index in range(arity))
    text = printed(accurate(stable_form(formula)), slot, DIALECT)
    compiled: Callable[..., Array] = eval(f"lambda {parameters}: {text}", {**NAMESPACE, "heaviside": numpy.heaviside})
    return numpy.errstate(all="ignore")(compiled)


ARRAYS = Arithmetic(
    convert=float, add=numpy.add, multiply=numpy.multiply, function=function, settle=lambda value: value
)
"""float64 arrays with the infinities and NaN of IEEE 754."""
