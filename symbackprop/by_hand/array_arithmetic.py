"""Arithmetic on arrays: one number for each student, all at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy

from symbackprop.algebra.formula import Node
from symbackprop.algebra.functions import stable_form
from symbackprop.arithmetic import python_code
from symbackprop.arithmetic.python_code import accurate, compile_formula
from symbackprop.evaluation.arithmetics import Arithmetic
from symbackprop.registry import cached

Array = Any

_CALLED = (*python_code.MATH, *python_code.OF_ARRAYS)
_DIALECT = replace(
    python_code.ARRAYS,
    namespace={
        name: getattr(numpy, name) if hasattr(numpy, name) else numpy.vectorize(getattr(math, name), otypes=[float])
        for name in _CALLED
    },
)
"""NumPy has no erf."""


@cached
def function(formula: Node, arity: int) -> Callable[..., Array]:
    """Return a function of `arity` arrays that evaluates a form's formula in float64, without warnings."""
    return numpy.errstate(all="ignore")(compile_formula(accurate(stable_form(formula)), arity, _DIALECT))


ARRAYS = Arithmetic(
    convert=float, add=numpy.add, multiply=numpy.multiply, function=function, settle=lambda value: value
)
"""float64 arrays with the infinities and NaN of IEEE 754."""
