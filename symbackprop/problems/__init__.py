"""Problems: what a problem file says, checked and with exact numbers.

`types` holds the checked data, `spec` the shape of the file, `numbers` exact values, `build` the checks, `load` files.
"""

from symbackprop.problems.types import Array, Given, Layer, Network, NotationChoice, Problem, Shape, Training

__all__ = ["Array", "Given", "Layer", "Network", "NotationChoice", "Problem", "Shape", "Training"]
