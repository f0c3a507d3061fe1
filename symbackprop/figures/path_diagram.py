"""The paths from one weight to the loss: what each step of the chain rule multiplies by stands on its edge."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence

from symbackprop.algebra.formula import Name, Node
from symbackprop.arithmetic import exact
from symbackprop.derivation.derivations import Derivation
from symbackprop.descent.solution import Solution
from symbackprop.figures import edge_labels
from symbackprop.figures.drawing import (
    HALF,
    LARGE,
    SMALL,
    WIDEST,
    Arrow,
    Diagram,
    DiagramNode,
    Ink,
    Point,
    Text,
    fitted,
)
from symbackprop.figures.edge_labels import Frame
from symbackprop.figures.labels import Decimal, Label, Numbers, decimal, width
from symbackprop.figures.layered_layout import Layout, layout, ranks_of
from symbackprop.graph.notation import Notation
from symbackprop.messages import message

MOST_PATHS = 3
"""With more paths there is no picture."""
_RADIUS = 24.0
_ROWS = (84.0, 104.0, 128.0)
"""How far paths are apart: tried from the closest on."""
_ROOM = 34.0
"""How much longer an edge is than its label."""
_Edge = tuple[str, str]


def path(solution: Solution, parameter: str) -> Diagram | None:
    """Return the paths from a parameter (`W2_1_1`) to the loss, of one sample where there are several; None with too many.

    On an edge stands the local derivative, below it its number, if it has one.
    """
    derivation = solution.derivation
    goal = derivation.graph.sample_loss
    routes = _routes(derivation, parameter, goal)
    if routes is None:
        return None
    edges = list(dict.fromkeys(edge for route in routes for edge in itertools.pairwise(route)))
    nodes = list(dict.fromkeys(sorted((name for route in routes for name in route), key=_depth(routes).__getitem__)))
    found = layout(edges, ranks_of(nodes, edges, ()))
    numbers = Numbers(solution)
    labels = {edge: _factor(solution.notation, edge) for edge in edges}
    factors = {edge: _number(derivation, solution, edge) for edge in edges}
    widths = {"→".join(edge): SMALL * max(width(labels[edge]), width(factors[edge])) for edge in edges}
    gap = 2 * _RADIUS + _ROOM + max(widths.values())
    for row in _ROWS:
        at = {name: Point(found.rank_of[name] * gap, found.places[name] * row) for name in nodes}
        lines = {edge: _line(edge, at, found, gap, row) for edge in edges}
        frames = {"→".join(edge): Frame(*line.points[:2]) for edge, line in lines.items()}
        circles = [DiagramNode(at[name], Point(_RADIUS, _RADIUS), name) for name in nodes]
        shapes = [node.covered for node in circles]
        shapes += [pair for line in lines.values() for pair in itertools.pairwise(line.points[1:])]
        placed = edge_labels.placed(frames, widths, shapes, 0.5, two_lines=any(factors.values()))
        if placed is not None:
            texts = [text for name in nodes for text in _inside(solution.notation, numbers, name, at[name])]
            for edge in edges:
                place = placed["→".join(edge)]
                texts.append(Text(place.upper, labels[edge], angle=place.angle))
                if factors[edge]:
                    texts.append(Text(place.lower, factors[edge], Ink.BACKWARD, angle=place.angle))
            title = message("figure.path")
            drawn = fitted(Diagram(title, tuple(circles), tuple(lines.values()), tuple(texts), routes=len(routes)))
            return drawn if drawn.width <= WIDEST else None
    return None


def _routes(derivation: Derivation, start: str, goal: str) -> Sequence[tuple[str, ...]] | None:
    """Return the ways from a quantity to another; None where there are too many, or some lead past it."""
    found: list[tuple[str, ...]] = []
    open_ways: list[tuple[str, ...]] = [(start,)]
    while open_ways:
        way = open_ways.pop()
        readers = dict.fromkeys(link.source for link in derivation.links[way[-1]])
        if way[-1] == goal:
            found.append(way)
        elif not readers or len(found) + len(open_ways) + len(readers) > MOST_PATHS:
            return None
        else:
            open_ways += [(*way, reader) for reader in reversed(readers)]
    return found


def _depth(routes: Sequence[tuple[str, ...]]) -> Mapping[str, int]:
    """Return how far from the start each name is at most."""
    found: dict[str, int] = {}
    for route in routes:
        for place, name in enumerate(route):
            found[name] = max(place, found.get(name, 0))
    return found


def _factor(notation: Notation, edge: _Edge) -> Label:
    start, end = (notation.symbol(name) for name in edge)
    return ("∂", end, "/", "∂", start)


def _number(derivation: Derivation, solution: Solution, edge: _Edge) -> tuple[Decimal, ...]:
    """Return the local derivative along an edge as a number; none where it differs between samples, or is not known."""
    links = [link for link in derivation.links[edge[0]] if link.source == edge[1]]
    read = {name for link in links for name in (*link.read, *link.term.values)}
    if not solution.steps or read & set(derivation.elements.batched):
        return ()
    values = solution.steps[0].values

    def leaf(node: Node) -> exact.Exact | None:
        return values.value(node.name) if isinstance(node, Name) else None

    return (decimal(functools.reduce(exact.add, [exact.evaluate(link.partial(), leaf) for link in links])),)


def _line(edge: _Edge, at: Mapping[str, Point], found: Layout, gap: float, row: float) -> Arrow:
    """Return an arrow from rim to rim, bent where it passes ranks."""
    start, end = (at[name] for name in edge)
    first = found.rank_of[edge[0]] + 1
    inner = [Point((first + k) * gap, place * row) for k, place in enumerate(found.passes[edge])]
    return Arrow((_rim(start, (*inner, end)[0]), *inner, _rim(end, (start, *inner)[-1])))


def _rim(centre: Point, towards: Point) -> Point:
    x, y = towards.x - centre.x, towards.y - centre.y
    share = _RADIUS / (x * x + y * y) ** 0.5
    return Point(centre.x + share * x, centre.y + share * y)


def _inside(notation: Notation, numbers: Numbers, name: str, at: Point) -> list[Text]:
    """Return the symbol of a quantity and below it its value, if it has one."""
    value = numbers.value(name)
    above, below = (HALF * LARGE + 0.5, HALF * SMALL + 0.5) if value else (0, 0)
    symbol = Text(Point(at.x, at.y - above), (notation.symbol(name),), size=LARGE, name=name)
    return [symbol, *([Text(Point(at.x, at.y + below), value, Ink.FORWARD, name=name)] if value else [])]
