"""The diagram of a network: layers from left to right, units in the order of their indices.

Every shape is placed by arithmetic alone. Rows are so far apart, and the labels of two layers stand at such a part of their
edges, that the labels of all edges between them stand evenly in one column.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from symbackprop.derivation.derivations import Derivation
from symbackprop.descent.solution import Solution
from symbackprop.errors import unknown
from symbackprop.figures.drawing import LARGE, SMALL, Arrow, Diagram, DiagramNode, Ink, Point, Text, fitted
from symbackprop.figures.gradient_paths import Chains
from symbackprop.figures.labels import Label, Numbers, equality, width
from symbackprop.graph.notation import Notation
from symbackprop.graph.quantities import Graph, Quantity
from symbackprop.messages import Message, message

RADIUS = 24.0
MOST_LABELLED = 16
"""With more edges between two layers, or where units are left out, colour and width say what labels would."""
MOST_UNITS = 8
"""Where a layer has more units than these, or a network more layers, some in the middle are left out."""
FEW_UNITS = 4
"""The places of a layer from which units are left out, the dots among them."""

_DOTS = 0.7
"""The room between a unit and the dots beside it, in rows."""

_PITCH = 39.0
"""The room of a label of two lines, with some of the edges to be seen between labels."""
_LEAST_ROW, _LEAST_GAP = 104.0, 150.0
_LEAST_STEEPNESS = 0.35
"""The least width between two layers, as a share of their height: steeper edges would run into each other."""
_CLEAR = 4.0
_LINE = 7.5
"""Half the height of a line of a label."""
_THINNEST, _THICKEST = 0.4, 3.4


@dataclass(frozen=True, slots=True)
class _Scene:
    """What labels are written from."""

    graph: Graph
    notation: Notation
    numbers: Numbers

    def weight(self, layer: int, end: int, start: int) -> str:
        """Return the code name of the weight to a unit of a layer from one of the layer before."""
        return self.graph.layers[layer - 1].weights.at(end, start)

    def bias(self, layer: int) -> Quantity | None:
        """Return the bias or threshold of a layer, if it has one."""
        return self.graph.layers[layer - 1].bias if layer else None

    def named(self, name: str) -> Label:
        """Return `symbol = value`, or the symbol alone."""
        symbol, value = self.notation.symbol(name), self.numbers.value(name)
        return equality(symbol, *value) if value else (symbol,)


@dataclass(frozen=True, slots=True)
class _Column:
    """A layer on paper: its number and its units from 1; None stands for those that are left out."""

    layer: int
    units: tuple[int | None, ...]

    @property
    def shown(self) -> list[int]:
        """The units that are drawn."""
        return [unit for unit in self.units if unit is not None]

    def places(self, row: float) -> list[float]:
        """Return the heights of the units, around 0; dots take less room than a unit."""
        steps = [_DOTS if None in pair else 1.0 for pair in itertools.pairwise(self.units)]
        places = [0.0, *itertools.accumulate(steps)]
        return [(place - places[-1] / 2) * row for place in places]


def kept(count: int, places: int = FEW_UNITS) -> tuple[int | None, ...]:
    """Return which of 1 … count are shown: all, or in so many places the first ones and the last, None between them.

    >>> kept(3), kept(784)
    ((1, 2, 3), (1, 2, None, 784))
    """
    if count <= MOST_UNITS:
        return tuple(range(1, count + 1))
    return (*range(1, places - 1), None, count)


def network(solution: Solution, highlight: str = "") -> Diagram:
    """Return the diagram of a network with the numbers of the first step; without steps, with those that are given.

    Units show their value, the gradient by their pre-activation above and their bias below; edges show their weight and its
    gradient. `highlight` is the code name of a parameter whose chains to the loss are marked (`W1_2_1`); raises
    `UnknownNameError` if there is no such parameter.
    """
    derivation = solution.derivation
    scene = _Scene(derivation.graph, solution.notation, Numbers(solution))
    if highlight:
        known = [element for quantity in derivation.parameters for element in quantity.elements()]
        if highlight not in known:
            raise unknown("parameter", highlight, known)
    widths = [solution.problem.network.inputs, *(layer.units for layer in solution.problem.network.layers)]
    numbers = [None if number is None else number - 1 for number in kept(len(widths), MOST_UNITS)]
    columns = [None if number is None else _Column(number, kept(widths[number])) for number in numbers]
    row = _row([column for column in columns if column is not None])
    drawn = _Drawing(scene, row, [], [], [])
    x, before = 0.0, None
    for column in columns:
        if column is None:
            drawn.texts.append(Text(Point(x + RADIUS + _LEAST_GAP / 2, 0), ("…",), size=2 * LARGE))
            x, before = x + _LEAST_GAP + 2 * RADIUS, None
            continue
        if before is not None:
            gap = _gap(scene, before, column, row)
            drawn.edges(before, column, x, x + gap)
            x += gap
        drawn.units(column, x)
        before = column
    assert before is not None
    drawn.loss(before, x)
    return fitted(_with_paths(drawn, derivation, highlight))


def _row(columns: Sequence[_Column]) -> float:
    """Return how far rows are apart: far enough for the labels of every pair of layers."""
    needed = [_LEAST_ROW]
    for before, column in itertools.pairwise(columns):
        if _is_labelled(before, column):
            fraction = _fraction(before, column)
            needed.append(_PITCH / min(fraction, 1 - fraction) if len(column.units) + len(before.units) > 2 else 0)
    return max(needed)


def _is_labelled(before: _Column, column: _Column) -> bool:
    is_whole = None not in (*before.units, *column.units)
    return is_whole and len(before.shown) * len(column.shown) <= MOST_LABELLED


def _fraction(before: _Column, column: _Column) -> float:
    """Return the part of an edge at which its label stands.

    At 1/(n_to + 1), or for a wide layer at n_from/(n_from + 1), the labels of all edges are equally far from each other.
    """
    starts, ends = len(before.units), len(column.units)
    return 1 / (ends + 1) if ends <= max(starts, 4) else starts / (starts + 1)


def _gap(scene: _Scene, before: _Column, column: _Column, row: float) -> float:
    """Return how far two columns are apart: labels stay clear of the units and of what stands below and above these."""
    least = max(_LEAST_GAP, _LEAST_STEEPNESS * row * max(len(before.units), len(column.units)))
    if not _is_labelled(before, column):
        return least
    fraction = _fraction(before, column)
    half = max(_width(label) for _, label in _weights(scene, before, column)) / 2
    left, right = (_half_width(scene, each) + _CLEAR + half for each in (before, column))
    return max(least, left / fraction, right / (1 - fraction))


def _width(label: Label) -> float:
    return width(label) * SMALL


def _half_width(scene: _Scene, column: _Column) -> float:
    """Return how far a unit and its labels reach to either side."""
    bias = scene.bias(column.layer)
    names = [] if bias is None else [bias.at(*[unit][: len(bias.shape)]) for unit in column.shown]
    return max([RADIUS, *(_width(scene.named(name)) / 2 for name in names)])


def _weights(scene: _Scene, before: _Column, column: _Column) -> Iterator[tuple[str, Label]]:
    for start, end in itertools.product(before.shown, column.shown):
        name = scene.weight(column.layer, end, start)
        yield name, scene.named(name)


@dataclass(frozen=True, slots=True)
class _Drawing:
    """Shapes as they are placed."""

    scene: _Scene
    row: float
    nodes: list[DiagramNode]
    lines: list[Arrow]
    texts: list[Text]

    def units(self, column: _Column, x: float) -> None:
        """Place the units of a layer, with its name on top."""
        scene, layer = self.scene, column.layer
        places, bias = column.places(self.row), scene.bias(layer)
        self.texts.append(Text(Point(x, places[0] - RADIUS - 34), (_layer_name(scene.notation, layer),), Ink.QUIET))
        for unit, y in zip(column.units, places, strict=True):
            if unit is None:
                self.texts.append(Text(Point(x, y), ("⋮",), size=2 * LARGE))
                continue
            name = scene.graph.units(layer).at(unit)
            if not layer:
                self.unit(Point(x, y), name)
            else:
                argument = scene.graph.layers[layer - 1].pre_activation.at(unit)
                self.unit(Point(x, y), name, (argument,))
                gradient = scene.numbers.gradient(argument)
                self.add(Point(x, y - RADIUS - 9), gradient, Ink.BACKWARD, argument, on_line=True)
                if bias is not None and bias.shape:
                    self.bias(Point(x, y), bias.at(unit))
        if bias is not None and not bias.shape:
            self.bias(Point(x, places[-1]), bias.name)

    def unit(self, at: Point, name: str, also: tuple[str, ...] = ()) -> None:
        """Place a unit with its symbol and, where it has one, its value."""
        value = self.scene.numbers.value(name)
        self.nodes.append(DiagramNode(at, Point(RADIUS, RADIUS), name, also=also))
        above = 8 if value else 0
        self.texts.append(Text(Point(at.x, at.y - above), (self.scene.notation.symbol(name),), size=LARGE, name=name))
        self.add(Point(at.x, at.y + 11), value, Ink.FORWARD, name)

    def bias(self, unit: Point, name: str) -> None:
        """Place a bias below its unit, its gradient below it."""
        self.add(Point(unit.x, unit.y + RADIUS + 10), self.scene.named(name), Ink.PLAIN, name, on_line=True)
        below = Point(unit.x, unit.y + RADIUS + 10 + 2 * _LINE)
        self.add(below, self.scene.numbers.gradient(name), Ink.BACKWARD, name, on_line=True)

    def add(
        self, at: Point, label: Label, ink: Ink, name: str, *, on_line: bool = False, anchor: str = "middle"
    ) -> None:
        """Place a label, if there is anything to say."""
        if label:
            self.texts.append(Text(at, label, ink, anchor=anchor, name=name, on_line=on_line))

    def edges(self, before: _Column, column: _Column, left: float, right: float) -> None:
        """Place the edges between two layers, with labels where there is room for them."""
        starts = dict(zip(before.units, before.places(self.row), strict=True))
        ends = dict(zip(column.units, column.places(self.row), strict=True))
        is_labelled, fraction = _is_labelled(before, column), _fraction(before, column)
        scene = self.scene
        written = scene.numbers.written
        names = [name for name, _ in _weights(scene, before, column)]
        sizes = {name: float(written[name].value) if name in written else 0.0 for name in names}
        largest = max(map(abs, sizes.values()), default=0.0) or 1.0
        for start, end in itertools.product(before.shown, column.shown):
            name = scene.weight(column.layer, end, start)
            line = _arrow(Point(left, starts[start]), Point(right, ends[end]), name)
            if is_labelled or not any(sizes.values()):
                self.lines.append(line)
            else:
                relative_size = abs(sizes[name]) / largest
                ink = Ink.FORWARD if sizes[name] >= 0 else Ink.NEGATIVE
                thickness = round(_THINNEST + relative_size * (_THICKEST - _THINNEST), 2)
                self.lines.append(
                    replace(line, ink=ink, thickness=thickness, is_dashed=sizes[name] < 0, has_head=False)
                )
            if is_labelled:
                x = left + fraction * (right - left)
                y = starts[start] + fraction * (ends[end] - starts[start])
                gradient = scene.numbers.gradient(name)
                # The two lines of a label touch, so that nothing of the edge is seen between them.
                self.add(Point(x, y - (_LINE if gradient else 0)), scene.named(name), Ink.PLAIN, name, on_line=True)
                self.add(Point(x, y + _LINE), gradient, Ink.BACKWARD, name, on_line=True)

    def loss(self, column: _Column, x: float) -> None:
        """Place the targets beside the outputs, and the loss."""
        scene = self.scene
        names = {unit: scene.graph.targets[scene.graph.units(column.layer).at(unit)] for unit in column.shown}
        targets = {unit: scene.named(name) if scene.numbers.value(name) else () for unit, name in names.items()}
        end = x + 2 * RADIUS + max(60.0, *(_width(label) + 16 for label in targets.values()))
        for unit, y in zip(column.units, column.places(self.row), strict=True):
            if unit is None:
                continue
            self.lines.append(_arrow(Point(x, y), Point(end, 0), ""))
            place = Point(x + RADIUS + 10, y - 10 if y <= 0 else y + 10)
            # The edge to the loss runs towards the middle: the target stands on its other side.
            self.add(place, targets[unit], Ink.PLAIN, names[unit], on_line=True, anchor="start")
        self.unit(Point(end, 0), scene.graph.output)


def _layer_name(notation: Notation, layer: int) -> Message:
    if layer in (0, notation.depth):
        return message("layer.output" if layer else "layer.input")
    return message("layer.hidden_only") if notation.depth == 2 else message("layer.hidden", number=layer)


def _arrow(start: Point, end: Point, name: str) -> Arrow:
    """Return the arrow from the rim of one unit to that of another."""
    long = ((end.x - start.x) ** 2 + (end.y - start.y) ** 2) ** 0.5
    x, y = (end.x - start.x) / long, (end.y - start.y) / long
    first = Point(start.x + RADIUS * x, start.y + RADIUS * y)
    return Arrow((first, Point(end.x - RADIUS * x, end.y - RADIUS * y)), name)


def _with_paths(drawn: _Drawing, derivation: Derivation, highlight: str) -> Diagram:
    """Return the diagram with the chains of everything that is drawn and has a gradient."""
    chains = Chains(derivation)
    shown = {name for node in drawn.nodes for name in (node.name, *node.also)}
    shown |= {line.name for line in drawn.lines if line.name} | {text.name for text in drawn.texts if text.name}
    starts = shown & {name for quantity in derivation.parameters for name in quantity.elements()}
    paths = {
        name: tuple(other for other in chains.onward(name) if other in shown or other == name)
        for name in sorted(starts)
    }
    path = frozenset(chains.onward(highlight)) if highlight else frozenset()
    title = message("figure.network")
    return Diagram(title, tuple(drawn.nodes), tuple(drawn.lines), tuple(drawn.texts), paths, path)
