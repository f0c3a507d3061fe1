"""What of a graph becomes a node of its picture: what is given and read, equations, and dots for what is left out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from symbackprop.algebra.formula import Indexed, Name, Node, walk
from symbackprop.graph.quantities import Graph, Quantity, Role

MOST_NODES = 24
"""With more nodes, parameters are read inside the nodes, and then equations in the middle are left out."""
_FEWER = (24, 16, 12, 8)
"""How many equations are left at most, tried one after the other."""
_MOST_SPLIT = 6
"""An array with at most this many elements that is only read element by element has a node for each."""
GAP = ""
"""The name of the node that stands for equations that are left out."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A node to be: the elements that it stands for, what it reads, its formula (none: something given, or the gap)."""

    name: str
    elements: tuple[str, ...]
    shape: tuple[int, ...]
    reads: tuple[str, ...] = ()
    formula: Node | None = None

    @property
    def is_computed(self) -> bool:
        """Whether an equation, or the gap, gives it its value."""
        return self.formula is not None or self.name == GAP


Pieces = Mapping[str, Piece]


def choices(graph: Graph) -> Iterator[Pieces]:
    """Yield what may be drawn, from everything on to less and less: without parameters, without equations in the middle."""
    whole = {piece.name: piece for piece in _pieces(graph)}
    parameters = {quantity.name for quantity in graph.of_role(Role.PARAMETER)}
    computed = {
        name: replace(piece, reads=tuple(each for each in piece.reads if not _is_of(whole[each], parameters, graph)))
        for name, piece in whole.items()
        if not _is_of(piece, parameters, graph)
    }
    for pieces in (whole, computed):
        if len(pieces) <= MOST_NODES:
            yield pieces
    for most in _FEWER:
        for pieces in (whole, computed):
            if most < sum(piece.is_computed for piece in pieces.values()):
                yield _elided(pieces, most)


def _is_of(piece: Piece, parameters: Collection[str], graph: Graph) -> bool:
    return not piece.is_computed and graph.quantity_of(piece.name).name in parameters


def _pieces(graph: Graph) -> Iterator[Piece]:
    """Yield what is given and read, then the equations, in the order of computation."""
    formulas = [equation.formula for equation in graph.equations]
    split = {quantity.name for quantity in graph.quantities.values() if _is_split(quantity, formulas)}
    read = {name for formula in formulas for name in _reads(formula, split, graph.quantities)}
    for quantity in graph.of_role(Role.PARAMETER, Role.INPUT, Role.TARGET):
        elements = quantity.elements()
        if quantity.name in split:
            yield from (Piece(element, (element,), ()) for element in elements if element in read)
        elif quantity.name in read:
            yield Piece(quantity.name, elements, quantity.shape)
    for equation in graph.equations:
        quantity = graph.quantities[equation.name]
        reads = _reads(equation.formula, split, graph.quantities)
        yield Piece(quantity.name, quantity.elements(), quantity.shape, reads, equation.formula)


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


def _elided(pieces: Pieces, most: int) -> Pieces:
    """Return the pieces with at most so many equations: the first and the last, and one that stands for those between."""
    computed = [name for name, piece in pieces.items() if piece.is_computed]
    hidden = set(computed[most // 2 : len(computed) - (most - most // 2)])
    outside = [name for name in computed if name not in hidden]
    behind = {other for name in hidden for other in pieces[name].reads}
    gap = Piece(GAP, (), (), tuple(name for name in outside if name in behind))
    read = {other for name in outside for other in pieces[name].reads}
    order: dict[str, Piece] = {}
    for name, piece in pieces.items():
        if name in hidden:
            order[GAP] = gap
        elif piece.is_computed:
            reads = tuple(dict.fromkeys(GAP if other in hidden else other for other in piece.reads))
            order[name] = replace(piece, reads=reads)
        elif name in read:
            order[name] = piece
    return order
