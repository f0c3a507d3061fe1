"""NumPy, and nothing else: straight-line Python for tiny problems, arrays for the others."""

from __future__ import annotations

from symbackprop.compilation.array_engine import ArrayEngine
from symbackprop.compilation.engine import Engine
from symbackprop.compilation.plan import Plan
from symbackprop.compilation.scalar_engine import ScalarEngine

CROSSOVER = 500
"""The size (`Plan.edges`) up to which code is written in straight lines. Descent is faster so up to twice this size
(benchmarks/train_tiny.py measures it), but the time to write the lines grows with their number."""


def prepare(plan: Plan) -> Engine:
    """Return the faster engine for a problem of this size; Python's floats are float64."""
    if plan.edges > CROSSOVER or plan.dtype != "float64":
        return ArrayEngine(plan)
    return ScalarEngine(plan)
