"""The diagram of a computation graph: leaves and gates, on every wire the value above and the gradient below.

The picture is that of CS231n (Backpropagation, Intuitions): a gate is a circle with its operation.
"""

from __future__ import annotations

import math
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symbackprop.algebra import functions
from symbackprop.algebra.array_operations import operation_of
from symbackprop.algebra.formula import (
    Apply,
    Hadamard,
    Indexed,
    MatrixProduct,
    Name,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Stack,
    Sum,
    names,
    walk,
)
from symbackprop.derivation.derivations import Derivation
from symbackprop.descent.solution import Solution
from symbackprop.figures.drawing import HALF, LARGE, SMALL, Arrow, Diagram, DiagramNode, Ink, Point, Text, fitted
from symbackprop.figures.gradient_paths import Chains
from symbackprop.figures.labels import Label, Numbers, width
from symbackprop.figures.layered_layout import Layout, layout
from symbackprop.graph.notation import Symbol
from symbackprop.graph.quantities import INNER, Quantity, Role
from symbackprop.messages import message

MOST_NODES = 40
"""With more nodes, the gates in the middle are left out."""
_MOST_DRAWN = 200
"""With more, most of them leaves, there is no picture."""
_MOST_ENTRIES = 3
"""Longer vectors, and matrices, are shown by their shape."""
_MOST_SPLIT = 6
"""An array with at most this many elements that is only read element by element has a node for each."""

_RADIUS = 18.0
_ROW, _GAP, _STUB = 54.0, 13.0, 5.0
_RIM = 2.0
"""What stays free of a gate's circle on either side of its sign; of a large one twice that."""
_OPERATIONS: Mapping[type[Node], str] = {
    Sum: "+",
    Product: "×",
    Hadamard: "⊙",
    MatrixProduct: "·",
    Quotient: "÷",
    Negative: "−",
    Stack: "[ ]",
}
_SIGNS = {"sqrt": "√", "abs": "| |", "pi": ""}
_HALVES = {Fraction(1, 2): "½", Fraction(1, 4): "¼"}
_MOST_SIGNS, _LONGEST_SIGN = 3, 6
"""More do not fit into a gate."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A node to be: the elements it stands for, what it reads, the sign of its operation (none: a leaf)."""

    name: str
    elements: tuple[str, ...]
    shape: tuple[int, ...]
    reads: tuple[str, ...] = ()
    sign: str = ""


@dataclass(frozen=True)
class _Scene:
    """What labels are written from."""

    solution: Solution
    pieces: Mapping[str, _Piece]
    symbols: Mapping[str, Symbol]
    known: Numbers

    def numbers(self, piece: _Piece, *, gradient: bool) -> Label:
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

    def labels(self, piece: _Piece) -> list[tuple[Label, float, Ink]]:
        """Return what stands on the wire behind a piece, and how far below it: its value, or its shape, and its gradient."""
        value, gradient = self.numbers(piece, gradient=False), self.numbers(piece, gradient=True)
        shape = ("×".join(map(str, piece.shape)),) if piece.shape and not value else ()
        rows = ((value, -8.5, Ink.FORWARD), (shape, -8.5, Ink.QUIET), (gradient, 9.5, Ink.BACKWARD))
        return [row for row in rows if row[0]]


def gates(solution: Solution, highlight: str = "") -> Diagram:
    """Return the diagram of a computation graph with the numbers of the first step; without steps, with those given.

    `highlight` is the code name of a quantity or an element whose chains to the output are marked.
    """
    derivation = solution.derivation
    pieces = _elided({piece.name: piece for piece in _pieces(derivation)})
    notation = solution.notation
    symbols = {
        piece.name: notation.symbol(piece.name)
        for piece in pieces.values()
        if piece.elements and notation.quantity(piece.name).kind != INNER
    }
    scene = _Scene(solution, pieces, symbols, Numbers(solution))
    edges = [(start, piece.name) for piece in pieces.values() for start in dict.fromkeys(piece.reads)]
    leaves = [name for name, piece in pieces.items() if not piece.sign]
    found = layout(list(pieces), edges, leaves)
    return fitted(_drawn(scene, found, edges, highlight))


def is_drawn(derivation: Derivation) -> bool:
    """Say whether a picture of a graph tells anything: one of hundreds of leaves is a black bar."""
    return len(_elided({piece.name: piece for piece in _pieces(derivation)})) <= _MOST_DRAWN


def _pieces(derivation: Derivation) -> list[_Piece]:
    """Return the leaves that are read and the gates, in the order of computation."""
    graph = derivation.graph
    formulas = [equation.formula for equation in graph.equations]
    found: list[_Piece] = []
    split = {quantity.name for quantity in graph.quantities.values() if _is_split(quantity, formulas)}
    read = {name for formula in formulas for name in _reads(formula, split, graph.quantities)}
    for quantity in graph.of_role(Role.PARAMETER, Role.INPUT, Role.TARGET):
        elements = quantity.elements()
        if quantity.name in split:
            found += [_Piece(element, (element,), ()) for element in elements if element in read]
        elif quantity.name in read:
            found.append(_Piece(quantity.name, elements, quantity.shape))
    for equation in graph.equations:
        quantity = graph.quantities[equation.name]
        reads = _reads(equation.formula, split, graph.quantities)
        found.append(_Piece(quantity.name, quantity.elements(), quantity.shape, reads, sign(equation.formula)))
    return found


def _is_split(quantity: Quantity, formulas: Sequence[Node]) -> bool:
    """Say whether a given array is read element by element only."""
    if quantity.kind != "given" or not quantity.shape or len(quantity.elements()) > _MOST_SPLIT:
        return False
    parts = [part for formula in formulas for part in walk(formula)]
    whole = sum(isinstance(part, Name) and part.name == quantity.name for part in parts)
    return whole == sum(_is_element(part, quantity) for part in parts)


def _is_element(part: Node, quantity: Quantity) -> bool:
    return (
        isinstance(part, Indexed)
        and part.operand == Name(quantity.name)
        and len(part.indices) == len(quantity.shape)
        and all(isinstance(index, int) for index in part.indices)
    )


def _reads(formula: Node, split: set[str], quantities: Mapping[str, Quantity]) -> tuple[str, ...]:
    """Return the pieces that a formula reads, each once."""
    found: dict[str, None] = {}
    for part in walk(formula):
        if isinstance(part, Indexed) and isinstance(part.operand, Name) and part.operand.name in split:
            quantity = quantities[part.operand.name]
            pairs = zip(part.indices, quantity.shape, strict=True)
            found[quantity.element(tuple(index % length for index, length in pairs if isinstance(index, int)))] = None
        elif isinstance(part, Name) and part.name not in split:
            found[part.name] = None
    return tuple(found)


def sign(formula: Node) -> str:
    """Return the operation of a gate as a short sign: its operations in the order they are carried out, or ƒ for many.

    >>> from symbackprop.algebra.expressions import parse
    >>> sign(parse("w*x + b", functions=(), names=("w", "x", "b"))), sign(parse("1 + e", functions=(), names=("e",)))
    ('×+', '1+')
    """
    signs = list(dict.fromkeys(_signs(formula)))
    if not signs:
        return "="
    is_short = len(signs) == 1 or (len(signs) <= _MOST_SIGNS and sum(map(len, signs)) <= _LONGEST_SIGN)
    return "".join(signs) if is_short else "ƒ"


def _signs(node: Node) -> list[str]:
    if not names(node):
        return []  # a constant such as sqrt(2)
    if isinstance(node, Sum) and isinstance(node.terms[1], Negative):
        node = Sum((node.terms[0], *(term.operand if isinstance(term, Negative) else term for term in node.terms[1:])))
        return [*(found for child in node for found in _signs(child)), "−"]
    inner = [found for child in node for found in _signs(child)]
    match node:
        case Apply(name):
            row, operation = functions.ACTIVATIONS.get(name), operation_of(node)
            written = row.symbol if row else operation.sign if operation else ""
            return [*inner, _SIGNS.get(name, written or name)]
        case Power(_, Number(Fraction(numerator=2, denominator=1))):
            return [*inner, "²"]
        case Power():
            return [*inner, "^"]
        case Sum((Number(value), _)) | Sum((_, Number(value))) if value.denominator == 1:
            return [*inner, f"{value}+".replace("-", "−")]
        case Quotient(Number(value), _) if value == 1:
            return [*inner, "1/x"]
        case Product((Number(value), _)):
            return [*inner, f"{_HALVES.get(value, value)}×"]
    return [*inner, _OPERATIONS[type(node)]] if type(node) in _OPERATIONS else inner


def _elided(pieces: dict[str, _Piece]) -> dict[str, _Piece]:
    """Return the pieces, those in the middle of a large graph replaced by one that stands for them."""
    if len(pieces) <= MOST_NODES:
        return pieces
    computed = [name for name, piece in pieces.items() if piece.sign]
    most = min(len(computed), MOST_NODES // 2)
    hidden = set(computed[most // 2 : len(computed) - (most - most // 2)])
    outside = [name for name in computed if name not in hidden]
    behind = {other for name in hidden for other in pieces[name].reads}
    gap = _Piece("", (), (), tuple(name for name in outside if name in behind), "…")
    read = {other for name in outside for other in pieces[name].reads}
    order: dict[str, _Piece] = {}
    for name, piece in pieces.items():
        if name in hidden:
            order[""] = gap
        elif piece.sign:
            reads = tuple(dict.fromkeys("" if other in hidden else other for other in piece.reads))
            order[name] = _Piece(piece.name, piece.elements, piece.shape, reads, piece.sign)
        elif name in read:
            order[name] = piece
    return order


def _drawn(scene: _Scene, found: Layout, edges: Sequence[tuple[str, str]], highlight: str) -> Diagram:
    pieces, derivation = scene.pieces, scene.solution.derivation
    stubs = {name: _stub(scene, piece) for name, piece in pieces.items()}
    column_places = _column_places(scene, found, stubs)
    nodes: list[DiagramNode] = []
    texts: list[Text] = []
    places = {
        name: Point(column_places[column], found.heights[name] * _ROW) for name, column in found.column_of.items()
    }
    for name, piece in pieces.items():
        at = places[name]
        nodes.append(DiagramNode(at, _half(scene, piece), name, is_round=bool(piece.sign), also=piece.elements))
        texts += _sign(at, piece) if piece.sign else [Text(at, (scene.symbols[name],), size=LARGE, name=name)]
        if piece.sign and name in scene.symbols:
            texts.append(Text(Point(at.x, at.y + _RADIUS + 9), (scene.symbols[name],), size=SMALL + 1, name=name))
        start = at.x + _half(scene, piece).x + 5
        for label, dy, ink in scene.labels(piece):
            texts.append(Text(Point(start, at.y + dy), label, ink, anchor="start", name=name, on_line=True))
    lines = [_wire(scene, found, column_places, places, stubs, edge) for edge in edges]
    final = places[derivation.graph.output]
    rim = Point(final.x + _RADIUS, final.y)
    lines.append(Arrow((rim, Point(rim.x + stubs[derivation.graph.output] + _STUB, final.y)), has_head=False))
    chains = Chains(derivation)
    owner = {element: name for name, piece in pieces.items() for element in piece.elements}
    paths = {name: _path(chains, owner, piece.elements) for name, piece in pieces.items() if not piece.sign}
    highlighted: Sequence[str] = ()
    if highlight:
        highlighted = (highlight,) if highlight in owner else derivation.quantity(highlight).elements()
    path = frozenset(_path(chains, owner, highlighted))
    return Diagram(message("figure.graph"), tuple(nodes), tuple(lines), tuple(texts), paths, path)


def _sign(at: Point, piece: _Piece) -> list[Text]:
    """Return the sign of a gate, as large as its circle lets it be: a function may stand below the other operations."""
    room = 2 * (_RADIUS - _RIM)
    operations = piece.sign.rstrip(string.ascii_letters)
    rows = [piece.sign]
    if width((piece.sign,)) * SMALL > room and operations not in ("", piece.sign):
        rows = [operations, piece.sign.removeprefix(operations)]
    size = (
        LARGE
        if width((piece.sign,)) * LARGE <= room - 2 * _RIM
        else min(SMALL, *(room / width((row,)) for row in rows))
    )
    tops = [at.y + (position - (len(rows) - 1) / 2) * math.ceil(2 * HALF * size) for position in range(len(rows))]
    return [Text(Point(at.x, top), (row,), size=size, name=piece.name) for row, top in zip(rows, tops, strict=True)]


def _path(chains: Chains, owner: Mapping[str, str], elements: Sequence[str]) -> tuple[str, ...]:
    """Return the pieces on the chains of some elements."""
    return tuple(dict.fromkeys(owner[name] for name in chains.onward(*elements) if name in owner))


def _half(scene: _Scene, piece: _Piece) -> Point:
    if piece.sign:
        return Point(_RADIUS, _RADIUS)
    return Point(max(15.0, width((scene.symbols[piece.name],)) * LARGE / 2 + 6), 14.0)


def _stub(scene: _Scene, piece: _Piece) -> float:
    """Return how long the straight beginning of a wire is: as long as its labels."""
    return max((width(label) * SMALL for label, *_ in scene.labels(piece)), default=0) + _STUB


def _column_places(scene: _Scene, found: Layout, stubs: Mapping[str, float]) -> list[float]:
    """Return the place of every column: labels fit between it and the one before."""
    places, right = [], 0.0
    for column in range(max(found.column_of.values()) + 1):
        names = [name for name, own in found.column_of.items() if own == column]
        half = max(_half(scene, scene.pieces[name]).x for name in names)
        places.append(right + half)
        right += 2 * half + max(stubs[name] for name in names) + _GAP
    return places


def _wire(
    scene: _Scene,
    found: Layout,
    column_places: Sequence[float],
    places: Mapping[str, Point],
    stubs: Mapping[str, float],
    edge: tuple[str, str],
) -> Arrow:
    """Return a wire: straight under its labels, then smoothly past the columns in between."""
    start, end = (places[name] for name in edge)
    half, target = (_half(scene, scene.pieces[name]) for name in edge)
    first = Point(start.x + half.x, start.y)
    port = Point(first.x + stubs[edge[0]], start.y)
    column = found.column_of[edge[0]] + 1
    inner = [Point(column_places[column + k], height * _ROW) for k, height in enumerate(found.passes[edge])]
    return Arrow((first, port, *inner, Point(end.x - target.x, end.y)), edge[0], is_smooth=True)
