"""Shapes of the diagram of a network, placed at given distances of rows and columns, with the labels that find room."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from symbackprop.figures import edge_labels
from symbackprop.figures.drawing import (
    HALF,
    LARGE,
    MARGIN,
    SMALL,
    TALLEST,
    WIDEST,
    Arrow,
    Box,
    DiagramNode,
    Ink,
    Point,
    Polygon,
    Text,
)
from symbackprop.figures.edge_labels import Frame
from symbackprop.figures.labels import Label, width
from symbackprop.figures.network_scene import AlongEdges, Column, Scene, share
from symbackprop.graph.notation import Notation
from symbackprop.messages import Message, message

RADIUS = 28.0
MOST_LABELLED = 16
"""With more edges between two layers, or where units are left out, colour and width say what labels would."""
_LEAST_GAP, _LEAST_GAP_BARE = 150.0, 80.0
_LEAST_STEEPNESS = 0.35
"""The least width between two layers, as a share of their height: steeper edges would run into each other."""
_LEAST_STEEPNESS_LABELLED = {AlongEdges.NAMES: 0.6, AlongEdges.NUMBERS: 0.5}
"""The same where labels stand along the edges: steeper ones are hard to read."""
_ROOM_OF_ONE, _ROOM_OF_TWO = 1.5, 2.4
"""How long an edge is at least, as multiples of its label, with one and with two lines of label along it."""
_CLEAR = 4.0
_LINE = 2 * HALF * SMALL
"""The height of a line of a label."""
_SMALL_RADIUS = 11.0
"""That of the 1 that a shared bias is multiplied by."""
_THINNEST, _THICKEST = 0.4, 3.4


@functools.lru_cache(maxsize=256)
def _width(label: Label) -> float:
    return width(label) * SMALL


class Drawing:
    """Shapes as they are placed; `lacking` has the layers before which there is too little room, for each label left out."""

    def __init__(
        self,
        scene: Scene,
        columns: Sequence[Column | None],
        row: float,
        stretches: Mapping[int, float],
        along: AlongEdges,
    ) -> None:
        """Decide where the columns stand; dots stand for layers that are left out."""
        self.scene, self.row, self.along = scene, row, along
        self.nodes: list[DiagramNode] = []
        self.lines: list[Arrow] = []
        self.texts: list[Text] = []
        self.shapes: list[Polygon] = []  # what labels stay clear of
        self.frames: dict[str, Frame] = {}
        self.lacking: list[int] = []
        self.columns = [column for column in columns if column is not None]
        self.pairs: list[tuple[Column, Column]] = []
        self.at: dict[int, float] = {}
        x, before = 0.0, None
        dots = 2 * RADIUS + (_LEAST_GAP_BARE if along is AlongEdges.BARE else _LEAST_GAP)
        for column in columns:
            if column is None:
                self.text(Text(Point(x + dots / 2, 0), ("…",), size=2 * LARGE))
                x += dots
            else:
                if before is not None:
                    self.pairs.append((before, column))
                    x += self._gap(before, column) * stretches.get(column.layer, 1.0)
                self.at[column.layer] = x
            before = column
        last = self.columns[-1]
        longest = max(_width(label) for _, label in self._targets(last).values())
        self.loss_at = Point(x + self._half_width(last) + RADIUS + max(60.0, longest + 30), 0)

    @property
    def wide(self) -> float:
        """How wide the diagram is."""
        return self.loss_at.x + 2 * RADIUS

    def place_all(self) -> None:
        """Place everything between the columns."""
        for column in self.columns:
            self.units(column)
        for _, place in self._places(self.columns[-1]):
            self.line(_arrow(place, self.loss_at, RADIUS, ""))
        self.unit(self.loss_at, self.scene.graph.output)
        for before, column in self.pairs:
            self.edges(before, column)
        for column in self.columns:
            self.beside_units(column)
        for before, column in self.pairs:
            self.labels(before, column)
        top = min(y for shape in self.shapes for _, y in shape)
        for column in self.columns:
            title = Point(self.at[column.layer], top - 2 * _LINE)
            self.text(Text(title, (_layer_name(self.scene.notation, column.layer),), Ink.QUIET))

    @property
    def fits(self) -> bool:
        """Say whether everything placed has room on a page."""
        xs, ys = ([corner[axis] for shape in self.shapes for corner in shape] for axis in (0, 1))
        return max(xs) - min(xs) + 2 * MARGIN <= WIDEST and max(ys) - min(ys) + 2 * MARGIN <= TALLEST

    def node(self, node: DiagramNode) -> None:
        """Add a node."""
        self.nodes.append(node)
        self.shapes.append(node.covered)

    def line(self, line: Arrow) -> None:
        """Add a line."""
        self.lines.append(line)
        self.shapes += itertools.pairwise(line.points)

    def text(self, text: Text) -> None:
        """Add a label."""
        self.texts.append(text)
        self.shapes.append(text.covered)

    def _gap(self, before: Column, column: Column) -> float:
        """Return how far two columns are apart at least: a label has its length beside the units."""
        tall = self.row * max(len(before.units), len(column.units))
        if self.along is AlongEdges.BARE:
            return max(_LEAST_GAP_BARE, _LEAST_STEEPNESS * tall)
        if not self._is_labelled(before, column):
            return max(_LEAST_GAP, _LEAST_STEEPNESS * tall)
        longest = max(_width(self._along(name)) for name in self._weights(before, column))
        room = _ROOM_OF_TWO if self.scene.has_gradients else _ROOM_OF_ONE
        return max(_LEAST_GAP, _LEAST_STEEPNESS_LABELLED[self.along] * tall, 2 * RADIUS + room * longest)

    def _is_labelled(self, before: Column, column: Column) -> bool:
        """Say whether the edges between two layers are to have labels."""
        is_whole = None not in (*before.units, *column.units)
        is_few = is_whole and len(before.shown) * len(column.shown) <= MOST_LABELLED
        return is_few and self.along in (AlongEdges.NAMES, AlongEdges.NUMBERS)

    def _weights(self, before: Column, column: Column) -> Iterator[str]:
        for start, end in itertools.product(before.shown, column.shown):
            yield self.scene.weight(column.layer, end, start)

    def _places(self, column: Column) -> Iterator[tuple[int, Point]]:
        """Yield the units of a layer that are shown, with their places."""
        for unit, y in zip(column.units, column.places(self.row), strict=True):
            if unit is not None:
                yield unit, Point(self.at[column.layer], y)

    def units(self, column: Column) -> None:
        """Place the units of a layer."""
        layer = column.layer
        for unit, y in zip(column.units, column.places(self.row), strict=True):
            if unit is None:
                self.text(Text(Point(self.at[layer], y), ("⋮",), size=2 * LARGE))
        for unit, place in self._places(column):
            also = (self.scene.graph.layers[layer - 1].pre_activation.at(unit),) if layer else ()
            self.unit(place, self.scene.graph.units(layer).at(unit), also)

    def unit(self, at: Point, name: str, also: tuple[str, ...] = ()) -> None:
        """Place a unit with its symbol and, where it has one, its value."""
        value = self.scene.numbers.value(name)
        self.node(DiagramNode(at, Point(RADIUS, RADIUS), name, also=also))
        above = 9 if value else 0
        self.text(Text(Point(at.x, at.y - above), (self.scene.notation.symbol(name),), size=LARGE, name=name))
        if value:
            self.text(Text(Point(at.x, at.y + 9), value, Ink.FORWARD, name=name))

    def _targets(self, column: Column) -> Mapping[int, tuple[str, Label]]:
        """Return the name and the label of the target of each output that is shown; a batch's have no number."""
        scene = self.scene
        names = {unit: scene.graph.targets[scene.graph.units(column.layer).at(unit)] for unit in column.shown}
        return {unit: (name, scene.named(name) if scene.numbers.value(name) else ()) for unit, name in names.items()}

    def _half_width(self, column: Column) -> float:
        """Return how far the units of a layer with what stands above and below them reach to either side."""
        bias = None if self.along is AlongEdges.BARE else self.scene.bias(column.layer)
        is_own = bias is not None and bool(bias.shape)
        labels = [self.scene.named(bias.at(unit)) for unit in column.shown] if bias is not None and is_own else []
        return max([RADIUS, *(_width(label) / 2 + _CLEAR for label in labels)])

    def edges(self, before: Column, column: Column) -> None:
        """Place the edges between two layers, and from the 1 that a shared bias is multiplied by."""
        scene = self.scene
        for (start, left), (end, right) in itertools.product(self._places(before), self._places(column)):
            name = scene.weight(column.layer, end, start)
            line = _arrow(left, right, RADIUS, name)
            self.frames[name] = Frame(*line.points)
            self.line(line)
        bias = scene.bias(column.layer)
        if bias is not None and not bias.shape:
            self._shared_bias(before, column, bias.name)

    def _shared_bias(self, before: Column, column: Column, name: str) -> None:
        """Place a 1 below the layer before, with an edge to each unit that has the bias."""
        lowest = max(place.y for each in (before, column) for _, place in self._places(each))
        one = Point(self.at[before.layer], lowest + 0.8 * self.row)
        self.node(DiagramNode(one, Point(_SMALL_RADIUS, _SMALL_RADIUS), name))
        self.text(Text(one, ("1",), name=name))
        for _, place in self._places(column):
            line = replace(_arrow(one, place, _SMALL_RADIUS, name), is_dashed=True)
            # The last edge is the lowest: the label of all stands on it.
            self.frames[name] = Frame(*line.points)
            self.line(line)

    def beside_units(self, column: Column) -> None:
        """Place what stands beside the units of a layer: gradients, biases, targets, what couples them."""
        scene, layer = self.scene, column.layer
        bias = scene.bias(layer)
        for unit, place in self._places(column):
            if not layer or self.along is AlongEdges.BARE:
                continue
            argument = scene.graph.layers[layer - 1].pre_activation.at(unit)
            self.beside(layer, place, -1, [(scene.numbers.gradient(argument), Ink.BACKWARD, argument)])
            if bias is not None and bias.shape:
                name = bias.at(unit)
                labels: list[tuple[Label, Ink, str]] = [(scene.named(name), Ink.PLAIN, name)]
                self.beside(layer, place, 1, [*labels, (scene.numbers.gradient(name), Ink.BACKWARD, name)])
        if layer == scene.notation.depth:
            self._coupled(column)
            self._beside_outputs(column)

    def beside(self, layer: int, unit: Point, side: int, labels: Sequence[tuple[Label, Ink, str]]) -> None:
        """Place labels below a unit (`side` 1) or above it (-1), as near as the edges admit."""
        found = [each for each in labels if each[0]]
        if not found:
            return
        half, high = max(_width(label) for label, _, _ in found) / 2, _LINE * len(found)
        rim = unit.y + side * RADIUS
        for x in (unit.x, unit.x + half, unit.x - half):
            frame = Frame(Point(x, rim), Point(x, unit.y + side * (self.row - RADIUS)))
            middle = frame.free(self.shapes, (-half, half), high / 2, 0, frame.length)
            if middle is not None:
                top = rim + side * middle - high / 2
                for place, (label, ink, name) in enumerate(found):
                    self.text(Text(Point(x, top + _LINE * (place + 0.5)), label, ink, name=name))
                return
        self.lacking += (layer, layer + 1)

    def _coupled(self, column: Column) -> None:
        """Place a frame around units that depend on each other, with the name of what couples them."""
        if not self.scene.coupling or len(column.units) < 2:
            return
        places = [place for _, place in self._places(column)]
        half = self._half_width(column) + _CLEAR
        reach = RADIUS + 2 * _LINE + 8
        box = Box(places[0].x - half, places[0].y - RADIUS - _LINE - 6, places[0].x + half, places[-1].y + reach)
        corners = box.corners
        self.line(Arrow((*corners, corners[0]), is_dashed=True, has_head=False))
        self.text(Text(Point(places[0].x, box.bottom + _LINE / 2 + 2), (self.scene.coupling,), Ink.QUIET))

    def _beside_outputs(self, column: Column) -> None:
        """Place the targets to the right of the outputs, on the side of the edge to the loss where there is room."""
        targets = self._targets(column)
        for unit, place in self._places(column):
            name, label = targets[unit]
            if not label:
                continue
            left = place.x + (self._half_width(column) if self.scene.coupling else RADIUS) + 10
            half = _width(label) / 2
            # The edge to the loss runs towards the middle: first the other side is tried.
            for side in (-1, 1) if place.y <= 0 else (1, -1):
                frame = Frame(Point(left + half, place.y), Point(left + half, place.y + side * self.row / 2))
                middle = frame.free(self.shapes, (-half, half), _LINE / 2, 0, frame.length)
                if middle is not None:
                    self.text(Text(Point(left, place.y + side * middle), label, name=name, anchor="start"))
                    break
            else:
                self.lacking.append(column.layer)

    def labels(self, before: Column, column: Column) -> None:
        """Place the labels along the edges between two layers, all of them or none; colour and width stand for weights."""
        names = list(self._weights(before, column))
        is_labelled = self._is_labelled(before, column)
        if not is_labelled:
            self._weighed(names)
        bias = self.scene.bias(column.layer)
        shared = [bias.name] if bias is not None and not bias.shape else []
        for wanted in ([*names, *shared],) if is_labelled else (shared,):
            if wanted and self.along is not AlongEdges.BARE and not self._label(before, column, wanted):
                self.lacking += [column.layer] * len(wanted)
                if is_labelled:
                    self._weighed(names)

    def _label(self, before: Column, column: Column, names: Sequence[str]) -> bool:
        """Place labels along some edges between two layers; say whether there was room."""
        frames = {name: self.frames[name] for name in names}
        lines = {frame.line for frame in frames.values()}
        left, right = self.at[before.layer], self.at[column.layer]
        others = [
            shape
            for shape in self.shapes
            if shape not in lines and min(x for x, _ in shape) < right and max(x for x, _ in shape) > left
        ]
        gradients = {name: self.scene.numbers.gradient(name) for name in names}
        labels = {name: self._along(name) for name in names}
        widths = {name: max(_width(labels[name]), _width(gradients[name])) for name in names}
        two_lines = any(map(bool, gradients.values()))
        found = edge_labels.placed(frames, widths, others, share(before, column), two_lines=two_lines)
        for name, place in (found or {}).items():
            self.text(Text(place.upper, labels[name], name=name, angle=place.angle))
            if gradients[name]:
                self.text(Text(place.lower, gradients[name], Ink.BACKWARD, name=name, angle=place.angle))
        return found is not None

    def _along(self, name: str) -> Label:
        """Return what stands along an edge: its number, or its name as well."""
        is_short = self.along is AlongEdges.NUMBERS
        return (is_short and self.scene.numbers.value(name)) or self.scene.named(name)

    def _weighed(self, names: Sequence[str]) -> None:
        """Give edges without labels the colour and the width of their weights, where these have numbers."""
        written = {name: self.scene.numbers.stated(name) for name in names}
        sizes = {name: float(given.value) for name, given in written.items() if given is not None}
        largest = max(map(abs, sizes.values()), default=0.0)
        if not largest:
            return
        for place, line in enumerate(self.lines):
            if line.name in sizes:
                size = sizes[line.name]
                ink = Ink.FORWARD if size >= 0 else Ink.NEGATIVE
                thickness = round(_THINNEST + abs(size) / largest * (_THICKEST - _THINNEST), 2)
                self.lines[place] = replace(line, ink=ink, thickness=thickness, is_dashed=size < 0, has_head=False)


def _layer_name(notation: Notation, layer: int) -> Message:
    if layer in (0, notation.depth):
        return message("layer.output" if layer else "layer.input")
    return message("layer.hidden_only") if notation.depth == 2 else message("layer.hidden", number=layer)


def _arrow(start: Point, end: Point, radius: float, name: str) -> Arrow:
    """Return the arrow from the rim of a unit of that radius to that of another."""
    long = ((end.x - start.x) ** 2 + (end.y - start.y) ** 2) ** 0.5
    x, y = (end.x - start.x) / long, (end.y - start.y) / long
    first = Point(start.x + radius * x, start.y + radius * y)
    return Arrow((first, Point(end.x - RADIUS * x, end.y - RADIUS * y)), name)
