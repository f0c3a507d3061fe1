"""Problems: what a problem file says, checked and with exact numbers.

`types` holds the checked data, `spec` the shape of the file, `numbers` exact values, `parameters` what is drawn or loaded,
`build` the checks, `load` files.
"""

from symbackprop.problems.assignments import Homework
from symbackprop.problems.draw_rules import DrawRules
from symbackprop.problems.rounding import NotationChoice, Rounding
from symbackprop.problems.types import (
    Array,
    ComputationGraph,
    Draw,
    Given,
    Initialization,
    Layer,
    Network,
    Problem,
    Regularization,
    ScheduleChoice,
    Stop,
    Training,
)

__all__ = [
    "Array",
    "ComputationGraph",
    "Draw",
    "DrawRules",
    "Given",
    "Homework",
    "Initialization",
    "Layer",
    "Network",
    "NotationChoice",
    "Problem",
    "Regularization",
    "Rounding",
    "ScheduleChoice",
    "Stop",
    "Training",
]
