"""The diagram of a network: layers from left to right, units in the order of their indices.

Every shape is placed by arithmetic alone. A label stands along its edge and meets no other label, edge or unit. Where rows
and columns are too close for that, they move apart; where paper is too narrow, colour and width say what labels would.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from symbackprop.algebra.functions import ACTIVATIONS
from symbackprop.derivation.derivations import Derivation
from symbackprop.descent.solution import Solution
from symbackprop.errors import unknown
from symbackprop.figures.drawing import WIDEST, Diagram, fitted
from symbackprop.figures.gradient_paths import Chains
from symbackprop.figures.labels import Numbers, told
from symbackprop.figures.network_drawing import RADIUS, Drawing
from symbackprop.figures.network_scene import AlongEdges, Column, Scene
from symbackprop.messages import message

MOST_UNITS = 8
"""Where a layer has more units than these, or a network more layers, some in the middle are left out."""
FEW_UNITS = 4
"""The places of a layer from which units are left out, the dots among them."""
_LIMITS = ((MOST_UNITS, MOST_UNITS), (FEW_UNITS, MOST_UNITS), (FEW_UNITS, FEW_UNITS + 2))
"""How many units of a layer, and layers, are shown at most: tried one after the other until the diagram fits on a page."""

_ROWS = (112.0, 130.0, 150.0, 176.0)
"""How far rows are apart: tried from the closest on."""
_CLOSE = 2 * RADIUS + 16
"""How far they are apart where nothing stands between units."""
_STRETCH, _MOST_STRETCHED = 1.2, 1.5
"""By how much two columns move apart whose labels lack room, and how far at most before rows do."""


def kept(count: int, places: int = FEW_UNITS, most: int = MOST_UNITS) -> tuple[int | None, ...]:
    """Return which of 1 … count are shown: up to `most` all, else in so many places the first and the last, None between.

    >>> kept(3), kept(784)
    ((1, 2, 3), (1, 2, None, 784))
    """
    if count <= most:
        return tuple(range(1, count + 1))
    return (*range(1, places - 1), None, count)


def network(solution: Solution, highlight: str = "") -> Diagram:
    """Return the diagram of a network with the numbers of the first step; without steps, with those that are given.

    Units show their value, the gradient by their pre-activation above and their bias below; along an edge stand its weight
    and, below the line, its gradient. `highlight` is the code name of a parameter whose chains to the loss are marked
    (`W1_2_1`); raises `UnknownNameError` if there is no such parameter.
    """
    derivation = solution.derivation
    scene = Scene(
        derivation.graph, solution.notation, Numbers(solution), coupling(solution), has_gradients=bool(solution.steps)
    )
    if highlight:
        known = [element for quantity in derivation.parameters for element in quantity.elements()]
        if highlight not in known:
            raise unknown("parameter", highlight, known)
    widths = [solution.problem.network.inputs, *(layer.units for layer in solution.problem.network.layers)]
    drawings: list[Drawing] = []
    for most, layers in _LIMITS:
        numbers = [None if number is None else number - 1 for number in kept(len(widths), layers, layers)]
        columns = [None if number is None else Column(number, kept(widths[number], most=most)) for number in numbers]
        drawings.append(_roomiest(scene, columns))
        if drawings[-1].fits:
            break
    return fitted(_with_paths(drawings[-1], derivation, highlight))


def coupling(solution: Solution) -> str:
    """Return the name of the output activation if each of its outputs depends on all units: softmax."""
    last = solution.problem.layers[-1]
    return last.activation if not last.body and ACTIVATIONS[last.activation].vector else ""


def _roomiest(scene: Scene, columns: Sequence[Column | None]) -> Drawing:
    """Return the drawing with the closest rows and columns at which every label has a place and all of it fits on a page.

    Where there is none, labels along edges are numbers without names, then none, and then there are none beside units.
    """
    drawn = None
    rows = _ROWS[1:] if scene.has_gradients else _ROWS
    for along, row in itertools.product(AlongEdges, rows):
        stretches = {column.layer: 1.0 for column in columns if column is not None}
        while max(stretches.values()) <= _MOST_STRETCHED:
            drawn = Drawing(scene, columns, _CLOSE if along is AlongEdges.BARE else row, stretches, along)
            if drawn.wide > WIDEST:
                break
            drawn.place_all()
            if not drawn.lacking and drawn.fits:
                return drawn
            if not drawn.lacking:
                break
            # Columns move apart where a label lacks room.
            for layer in stretches.keys() & drawn.lacking:
                stretches[layer] *= _STRETCH
    assert drawn is not None
    if not drawn.nodes:
        drawn.place_all()
    return drawn


def _with_paths(drawn: Drawing, derivation: Derivation, highlight: str) -> Diagram:
    """Return the diagram with the chains of everything that is drawn and has a gradient."""
    shown = {name for node in drawn.nodes for name in (node.name, *node.also)}
    shown |= {line.name for line in drawn.lines if line.name} | {text.name for text in drawn.texts if text.name}
    starts = shown & {name for quantity in derivation.parameters for name in quantity.elements()}
    chains = Chains(derivation, [*starts, highlight])
    paths = {
        name: tuple(other for other in chains.onward(name) if other in shown or other == name)
        for name in sorted(starts)
    }
    path = frozenset(chains.onward(highlight)) if highlight else frozenset()
    title = message("figure.network")
    listed = [e for each in derivation.graph.quantities.values() for e in each.elements() if e in shown]
    words = told(listed, drawn.scene.notation, drawn.scene.numbers)
    return Diagram(title, tuple(drawn.nodes), tuple(drawn.lines), tuple(drawn.texts), paths, path, words)
