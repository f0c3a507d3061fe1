"""Solutions → figures as data: diagrams (shapes with coordinates) and plots (series of points).

Nothing here knows SVG or TikZ, and nothing is measured by a typesetter: labels are symbols, numbers and phrases with a
rough width. `symbackprop.rendering` writes one figure to any format, from the same coordinates.

>>> import symbackprop
>>> diagram = network(symbackprop.solve(symbackprop.example("mazur")), highlight="W1_1_1")
>>> sorted(diagram.path)
['L', 'W1_1_1', 'W2_1_1', 'W2_2_1', 'a1_1', 'a2_1', 'a2_2', 'z1_1', 'z2_1', 'z2_2']
"""

from __future__ import annotations

from symbackprop.figures.curves import boundary, fit, landscape, learning_rates, losses, training
from symbackprop.figures.drawing import Diagram, Picture, Plot
from symbackprop.figures.graph_diagram import gates
from symbackprop.figures.network_diagram import network
from symbackprop.figures.path_diagram import path

__all__ = [
    "Diagram",
    "Picture",
    "Plot",
    "boundary",
    "fit",
    "gates",
    "landscape",
    "learning_rates",
    "losses",
    "network",
    "path",
    "training",
]
