"""Losses as rows: an expression of the prediction `a` and the target `y`, both vectors over the outputs of one sample.

The gradient is never written here; SymPy derives it from the expression.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from symbackprop import expressions
from symbackprop.formula import Node
from symbackprop.functions import NAMES
from symbackprop.registry import Registry


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss of one sample.

    `predictions` says what the outputs have to be: `any` number, a `probability` each (between 0 and 1), or a
    `distribution` (probabilities of the classes, which sum to 1); `targets` likewise.
    """

    name: str
    expression: str
    predictions: str = "any"
    targets: str = "any"
    source: str = ""


LOSSES: Registry[Loss] = Registry(
    "loss",
    {
        row.name: row
        for row in (
            Loss(
                "half_squared_error",
                "1/2*sum((a - y)**2)",
                source="Nielsen (2015), equation 6; the ½ cancels the 2 of the derivative",
            ),
            Loss("squared_error", "sum((a - y)**2)", source="Bishop, PRML (2006), section 1.1 without the ½"),
            Loss(
                "mean_squared_error", "mean((a - y)**2)", source="Goodfellow et al., Deep Learning (2016), equation 5.4"
            ),
            Loss(
                "binary_cross_entropy",
                "-sum(y*ln(a) + (1 - y)*ln(1 - a))",
                "probability",
                "probability",
                source="Goodfellow et al. (2016), section 6.2.2.2",
            ),
            Loss(
                "cross_entropy",
                "-sum(y*ln(a))",
                "distribution",
                "distribution",
                source="Goodfellow et al. (2016), section 6.2.2.3",
            ),
        )
    },
    aliases={
        "sse": "squared_error",
        "mse": "mean_squared_error",
        "bce": "binary_cross_entropy",
        "ce": "cross_entropy",
    },
)


@functools.cache
def formula(loss: str) -> Node:
    """Return the loss as a formula over the vectors `a` and `y`."""
    return expressions.parse(LOSSES[loss].expression, functions=NAMES, names=("a", "y"))
