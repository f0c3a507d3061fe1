"""Problems: what a problem file says, checked and with exact numbers.

`types` holds the checked data, `spec` the shape of the file, `numbers` exact values, `parameters` what is drawn or loaded,
`build` the checks, `load` files.
"""

from symbackprop.problems.types import (
    Array,
    Circuit,
    Given,
    Initialization,
    Layer,
    Network,
    NotationChoice,
    Problem,
    Regularization,
    Rounding,
    Shape,
    Training,
)

__all__ = [
    "Array",
    "Circuit",
    "Given",
    "Initialization",
    "Layer",
    "Network",
    "NotationChoice",
    "Problem",
    "Regularization",
    "Rounding",
    "Shape",
    "Training",
]
