"""The diagram of a computation graph, from top to bottom: a node for each equation, its value and its gradient below it.

Every rank has two strips. In the upper one stand nodes with their labels, and wires that pass them run straight down with
room of their own; in the lower one there are wires alone. So no label meets a wire, whatever the graph.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from symbackprop.derivation.derivations import Derivation
from symbackprop.descent.solution import Solution
from symbackprop.figures.drawing import (
    HALF,
    LARGE,
    SMALL,
    TALLEST,
    WIDEST,
    Arrow,
    Box,
    Diagram,
    DiagramNode,
    Ink,
    Point,
    Text,
    fitted,
)
from symbackprop.figures.equation_labels import equation
from symbackprop.figures.gradient_paths import Chains
from symbackprop.figures.graph_pieces import GAP, Piece, Pieces, choices
from symbackprop.figures.labels import Label, Numbers, told, width
from symbackprop.figures.layered_layout import Extent, Layout, layout, ranks_of
from symbackprop.figures.time_steps import steps_of
from symbackprop.graph.notation import Symbol
from symbackprop.messages import message

_MOST_ENTRIES = 3
"""Longer vectors, and matrices, are shown by their shape."""
_LETTERS = SMALL + 1
"""The size of equations in nodes."""
_HALF = 13.0
_STUB = 2 * HALF * SMALL + 4
"""How far a wire runs straight down below its node: as far as its labels reach."""
_OFF, _CLEAR, _PAD = 4.0, 6.0, 8.0
"""How far labels stay from their wire, everything in a rank from each other, and letters from the rim of their node."""
_PASSING = (_CLEAR, _CLEAR)
_CHANNEL, _SLOPE, _MOST_CHANNEL = 24.0, 0.06, 44.0
"""The height of a strip of wires, what a wire that runs sideways adds to it for each pixel, and what it has at most."""
_ROOM = WIDEST - 80
"""How wide a rank is at most while there are given quantities in it that can stand higher."""
_PORTS = 16.0
"""How far wires that arrive at a node are apart at most."""


@dataclass(frozen=True)
class _Scene:
    """What labels are written from."""

    solution: Solution
    pieces: Pieces
    titles: Mapping[str, Label]
    known: Numbers

    def numbers(self, piece: Piece, *, gradient: bool) -> Label:
        """Return value or gradient: numbers where they are known and few, else nothing."""
        if not piece.elements or len(piece.elements) > _MOST_ENTRIES or len(piece.shape) > 1:
            return ()
        read = self.known.gradient if gradient else self.known.value
        found = [number for name in piece.elements for number in read(name)]
        if len(found) < len(piece.elements):
            return ()
        if not piece.shape:
            return tuple(found)
        first, *others = found
        return ("(", first, *(part for number in others for part in (", ", number)), ")")

    def labels(self, piece: Piece) -> tuple[tuple[Label, Ink], tuple[Label, Ink]]:
        """Return what stands to the left of the wire below a piece, value or shape, and to the right: its gradient."""
        value = self.numbers(piece, gradient=False)
        shape = ("×".join(map(str, piece.shape)),) if piece.shape and not value else ()
        left = (value, Ink.FORWARD) if value else (shape, Ink.QUIET)
        return left, (self.numbers(piece, gradient=True), Ink.BACKWARD)

    def half(self, name: str) -> float:
        """Return half the width of a node."""
        size = _LETTERS if self.pieces[name].is_computed else LARGE
        return max(_HALF, width(self.titles[name]) * size / 2 + _PAD)

    def extent(self, name: str) -> Extent:
        """Return how far a node with the labels of its wire reaches to the left and to the right."""
        half = self.half(name)
        left, right = (_OFF + width(label) * SMALL for label, _ in self.labels(self.pieces[name]))
        return max(half, left) + _CLEAR, max(half, right) + _CLEAR


def gates(solution: Solution, highlight: str = "") -> Diagram | None:
    """Return the diagram of a computation graph with the numbers of the first step; without steps, with those given.

    What does not fit on a page is left out, parameters first, then equations in the middle; None where nothing fits.
    `highlight` is the code name of a quantity or an element whose chains to the output are marked.
    """
    graph, notation = solution.derivation.graph, solution.notation
    steps = steps_of(graph)
    for pieces in choices(graph):
        titles: dict[str, Label] = {
            name: ("…",)
            if name == GAP
            else (notation.symbol(name),)
            if piece.formula is None
            else equation(notation, name, piece.formula)
            for name, piece in pieces.items()
        }
        scene = _Scene(solution, pieces, titles, Numbers(solution))
        drawing = _Drawing(scene, steps)
        found = drawing.diagram()
        if found.width <= WIDEST and found.height <= TALLEST:
            return drawing.with_paths(found, highlight)
    return None


class _Drawing:
    """A diagram in the making: ranks, places, and the shapes at them."""

    def __init__(self, scene: _Scene, steps: Mapping[str, int]) -> None:
        """Find a place for every node and every wire."""
        self.scene = scene
        self.edges = [(start, piece.name) for piece in scene.pieces.values() for start in dict.fromkeys(piece.reads)]
        self.steps, self.bands = steps, _bands(scene.pieces, steps)
        extents = {name: scene.extent(name) for name in scene.pieces}
        rank_of = _relieved(_ranks(scene.pieces, self.edges, self.bands), scene.pieces, self.bands, extents)
        self.found: Layout = layout(self.edges, rank_of, extents, _PASSING)
        self.tops = self._tops()
        self.at = {
            name: Point(self.found.places[name], self.tops[rank] + _HALF) for name, rank in self.found.rank_of.items()
        }

    def _tops(self) -> list[float]:
        """Return the upper ends of the ranks: a strip of wires that run far sideways is higher."""
        farthest = [0.0] * (max(self.found.rank_of.values()) + 1)
        for edge in self.edges:
            ways = [self.found.places[edge[0]], *self.found.passes[edge], self.found.places[edge[1]]]
            for rank, (first, last) in enumerate(itertools.pairwise(ways), self.found.rank_of[edge[0]]):
                farthest[rank] = max(farthest[rank], abs(first - last))
        heights = [2 * _HALF + _STUB + min(_CHANNEL + _SLOPE * far, _MOST_CHANNEL) for far in farthest]
        return [0.0, *itertools.accumulate(heights[:-1])]

    def diagram(self) -> Diagram:
        """Return the diagram, at its place on paper, without what is told of its pieces."""
        scene, derivation = self.scene, self.scene.solution.derivation
        nodes = tuple(
            DiagramNode(
                at,
                Point(scene.half(name), _HALF),
                name,
                scene.pieces[name].is_computed,
                also=scene.pieces[name].elements,
            )
            for name, at in self.at.items()
        )
        texts = [text for name in self.at for text in self._texts(name)]
        final = self.at[derivation.graph.output]
        rim = Point(final.x, final.y + _HALF)
        lines = [*self._wires(), Arrow((rim, Point(rim.x, rim.y + _STUB)), derivation.graph.output, has_head=False)]
        for line, text in self._frames():
            lines.append(line)
            texts.append(text)
        return fitted(Diagram(message("figure.graph"), nodes, tuple(lines), tuple(texts)))

    def with_paths(self, diagram: Diagram, highlight: str) -> Diagram:
        """Return the diagram with the chains of its pieces, those of `highlight` marked, and with what is said of them."""
        scene, derivation = self.scene, self.scene.solution.derivation
        owner = {element: name for name, piece in scene.pieces.items() for element in piece.elements}
        highlighted = _highlighted(derivation, owner, highlight)
        chains = Chains(derivation, [*owner, *highlighted])
        paths = {
            name: _path(chains, owner, piece.elements) for name, piece in scene.pieces.items() if not piece.is_computed
        }
        path = frozenset(_path(chains, owner, highlighted))
        shown = (name for name, piece in scene.pieces.items() if not piece.shape and piece.elements)
        words = told(shown, scene.solution.notation, scene.known)
        return replace(diagram, paths=paths, path=path, told=words)

    def _texts(self, name: str) -> Iterator[Text]:
        at, piece = self.at[name], self.scene.pieces[name]
        yield Text(at, self.scene.titles[name], size=_LETTERS if piece.is_computed else LARGE, name=name)
        y = at.y + _HALF + _STUB / 2
        for (label, ink), side, anchor in zip(self.scene.labels(piece), (-_OFF, _OFF), ("end", "start"), strict=True):
            if label:
                yield Text(Point(at.x + side, y), label, ink, anchor=anchor, name=name)

    def _wires(self) -> Iterator[Arrow]:
        """Yield the wires: down beside their labels, past the ranks between, to a port of their own."""
        for end in self.scene.pieces:
            arriving = [edge for edge in self.edges if edge[1] == end]
            arriving.sort(
                key=lambda edge: (*self.found.passes[edge], self.found.places[edge[0]])[
                    -1 if self.found.passes[edge] else 0
                ]
            )
            reach = max(self.scene.half(end) - _HALF, 0)
            apart = min(_PORTS, 2 * reach / max(len(arriving) - 1, 1))
            for position, edge in enumerate(arriving):
                port = self.at[end].x + apart * (position - (len(arriving) - 1) / 2)
                yield Arrow(tuple(self._way(edge, port)), edge[0], is_smooth=True)

    def _way(self, edge: tuple[str, str], port: float) -> Iterator[Point]:
        start, end = (self.at[name] for name in edge)
        yield Point(start.x, start.y + _HALF)
        yield Point(start.x, start.y + _HALF + _STUB)
        for rank, place in enumerate(self.found.passes[edge], self.found.rank_of[edge[0]] + 1):
            yield Point(place, self.tops[rank])
            yield Point(place, self.tops[rank] + 2 * _HALF + _STUB)
        yield Point(port, end.y - _HALF)

    def _frames(self) -> Iterator[tuple[Arrow, Text]]:
        """Yield a dashed frame for each step in time, with its number to the left."""
        steps = sorted({band for name, band in self.bands.items() if band and name in self.steps})
        if not steps:
            return
        extents = [(at.x, self.scene.extent(name)) for name, at in self.at.items()]
        passing = [place for places in self.found.passes.values() for place in places]
        left = min(*(x - extent[0] for x, extent in extents), *passing) - _CLEAR
        right = max(*(x + extent[1] for x, extent in extents), *passing) + _CLEAR
        for band in steps:
            ranks = [self.found.rank_of[name] for name, own in self.bands.items() if own == band]
            box = Box(left, self.tops[min(ranks)] - _CLEAR, right, self.tops[max(ranks)] + 2 * _HALF + _STUB + _CLEAR)
            corners = box.corners
            label: Label = (Symbol("t"), f" = {band}")
            title = Point(left - SMALL, (box.top + box.bottom) / 2)
            yield (
                Arrow((*corners, corners[0]), is_dashed=True, has_head=False),
                Text(title, label, Ink.QUIET, angle=-90),
            )


def _bands(pieces: Pieces, steps: Mapping[str, int]) -> dict[str, int]:
    """Return the band of ranks that each piece belongs to: before the steps in time (0), one of them, or behind them.

    Where there are no steps, or something is left out between them, there is one band. A quantity that several steps read
    stands before them.
    """
    last = 0 if GAP in pieces else max(steps.values(), default=0)
    bands: dict[str, int] = {}
    for name, piece in pieces.items():
        if piece.is_computed:
            behind = any(bands.get(other, 0) for other in piece.reads)
            bands[name] = 0 if not last else steps.get(name, last + 1 if behind else 0)
    for name, piece in pieces.items():
        if not piece.is_computed:
            readers = {bands[other.name] for other in pieces.values() if name in other.reads}
            bands[name] = readers.pop() if len(readers) == 1 else 0
    is_in_order = all(bands[other] <= bands[name] for name, piece in pieces.items() for other in piece.reads)
    return bands if is_in_order else dict.fromkeys(pieces, 0)


def _ranks(pieces: Pieces, edges: Sequence[tuple[str, str]], bands: Mapping[str, int]) -> dict[str, int]:
    """Return the ranks of the pieces: those of a band come after all of the band before."""
    found: dict[str, int] = {}
    for band in sorted(set(bands.values())):
        own = [name for name in pieces if bands[name] == band]
        within = [edge for edge in edges if bands[edge[0]] == bands[edge[1]] == band]
        leaves = [name for name in own if not pieces[name].is_computed]
        first = 1 + max(found.values(), default=-1)
        found |= {name: first + rank for name, rank in ranks_of(own, within, leaves).items()}
    return found


def _relieved(
    rank_of: dict[str, int], pieces: Pieces, bands: Mapping[str, int], extents: Mapping[str, Extent]
) -> dict[str, int]:
    """Return ranks in which given quantities leave a rank that is too wide for the one before it, within their band."""
    for rank in range(max(rank_of.values()), 0, -1):
        own = [name for name in rank_of if rank_of[name] == rank]
        wide = sum(map(sum, (extents[name] for name in own)))
        for name in own:
            has_room = any(bands[other] == bands[name] for other in rank_of if rank_of[other] == rank - 1)
            if wide > _ROOM and has_room and not pieces[name].is_computed:
                rank_of[name] -= 1
                wide -= sum(extents[name])
    return rank_of


def _path(chains: Chains, owner: Mapping[str, str], elements: Sequence[str]) -> tuple[str, ...]:
    """Return the pieces on the chains of some elements."""
    return tuple(dict.fromkeys(owner[name] for name in chains.onward(*elements) if name in owner))


def _highlighted(derivation: Derivation, owner: Mapping[str, str], highlight: str) -> Sequence[str]:
    """Return the elements whose chains are marked."""
    if not highlight:
        return ()
    return (highlight,) if highlight in owner else derivation.quantity(highlight).elements()
