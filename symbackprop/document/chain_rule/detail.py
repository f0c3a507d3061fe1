"""How much a document writes out: the choice for a problem of some size, and what `representative` shows of it.

`representative` writes out the lines of one parameter of each array, with the units on its way and the first few others;
everything else stands in tables.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from symbackprop.algebra.formula import Adjoint, Name, Negative, Node, Product, Sum, rewrite, walk
from symbackprop.derivation.derivations import Derivation
from symbackprop.document.blocks import Block, Chain, ChainStep, Display, Paragraph, Relation, Section, Table
from symbackprop.document.calculation.numerals import show
from symbackprop.document.chain_rule.chains import forward, gradient, gradient_symbol
from symbackprop.document.chain_rule.factors import is_named
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.display_nodes import Apart, Boxed, Braced, Delta, Dots, Shown, Tone
from symbackprop.evaluation.evaluate import Values
from symbackprop.graph.quantities import Graph, Quantity, Role
from symbackprop.graph.scalars import Scalar
from symbackprop.messages import message

FULL, REPRESENTATIVE, MATRIX = "full", "representative", "matrix"

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is to write: parameters, forward values (those of every sample), terms of the longest sum."""

    parameters: int
    values: int
    terms: int

    def fits(self, most: Size) -> bool:
        """Say whether nothing is more than in another size."""
        return self.parameters <= most.parameters and self.values <= most.values and self.terms <= most.terms


LIMITS = {FULL: Size(30, 120, 30), REPRESENTATIVE: Size(500, 1000, 60)}
"""The most that is shown in each detail, where the reader does not ask for one; what is larger is shown between arrays."""

MOST_SHOWN = 2
"""The elements of each computed array that `representative` writes out, beside those on the way of a parameter."""

MOST_ROWS = 60
"""Tables of given numbers and symbols have rows for every element up to here, then for the first few of each array."""

MOST_COLUMNS = 16
"""So many columns has a table of samples, for inputs and for targets."""

MOST_TERMS, FEW_TERMS = 24, 9
"""Longer sums have dots in the middle where no numbers are filled in; in a problem of many parameters shorter ones do."""

MOST_NAMED = 20
"""So many gradients of a backward pass name every factor under a brace; of more, the first of each array does."""

_BESIDE = 4
"""So often a table of two columns stands beside itself at most."""


def automatic(derivation: Derivation) -> tuple[str, ...]:
    """Return the details that suit the size of a problem.

    >>> import symbackprop
    >>> automatic(symbackprop.derive(symbackprop.example("mazur")))
    ('full',)
    >>> large = symbackprop.network([784, 128, 10], activations=["relu", "softmax"], loss="cross_entropy")
    >>> automatic(symbackprop.derive(large))
    ('matrix',)
    """
    size = size_of(derivation.graph)
    return (next((name for name, most in LIMITS.items() if size.fits(most)), MATRIX),)


def size_of(graph: Graph) -> Size:
    """Return the size of a problem, counted between arrays."""
    computed = [graph.quantities[equation.name] for equation in graph.equations]
    values = sum(count(quantity) * len(graph.samples_of(quantity)) for quantity in computed)
    terms = max([graph.batch_axis.size, *(max(quantity.shape, default=1) for quantity in graph.quantities.values())])
    return Size(graph.parameter_count, values, terms)


def count(quantity: Quantity) -> int:
    """Return how many elements an array has."""
    return math.prod(quantity.shape)


def representatives(derivation: Derivation, values: Values | None) -> frozenset[str]:
    """Return the scalars whose lines `representative` writes out, by name.

    Of each array of weights the first one whose gradient is not 0, so that every factor of it is to be seen, or just the
    first; the bias of its unit; that unit, and the first few of every computed array.
    """
    links = derivation.links
    chosen: set[str] = set()
    for quantity in derivation.graph.quantities.values():
        elements = quantity.elements()
        if quantity.role not in (Role.PARAMETER, Role.INPUT):
            chosen.update(elements[:MOST_SHOWN])
            continue
        # A bias comes after the weights of its layer: it is that of the unit which one of them was chosen for.
        own = [name for name in elements if any(link.source in chosen for link in links.get(name, ()))]
        candidates = own if own and quantity.kind in ("bias", "threshold") else elements
        weight = next((name for name in candidates if _moves(values, name)), candidates[0])
        chosen.update((weight, *(link.source for link in links.get(weight, ()) if quantity.kind == "weight")))
    return frozenset(chosen.union(*(_activation(derivation, name) for name in chosen)))


def _moves(values: Values | None, name: str) -> bool:
    """Say whether the gradient by a shared scalar is there and not 0."""
    return values is not None and values.gradients.get(name, 0) != 0


def _activation(derivation: Derivation, name: str) -> Iterator[str]:
    """Yield the activation of a pre-activation."""
    quantity, numbers = derivation.graph.place_of(name)
    if quantity.kind == "pre_activation" and quantity.layer is not None:
        yield derivation.graph.units(quantity.layer).at(*numbers)


def value_blocks(scene: Scene, scalars: Sequence[Scalar]) -> Iterator[Block]:
    """Yield the lines of forward values in one display, and a table of those that are not written out."""
    shown, others = split(scene, scalars)
    if shown:
        yield Display(tuple(forward(scene, *each) for each in shown))
    yield from values_of(scene, others)


def gradient_blocks(scene: Scene, scalars: Sequence[Scalar]) -> Iterator[Block]:
    """Yield the lines of gradients, each in a display, and a table of those that are not written out."""
    shown, others = split(scene, scalars)
    yield from (Display((gradient(scene, *each),)) for each in shown)
    rows: list[tuple[Node, Node]] = []
    for name, sample in _known(scene, others):
        left, value = gradient_symbol(scene, name, sample), scene.gradient(name, sample)
        rows.append((left, show(-value if isinstance(left, Delta) else value, scene.style, tone=Tone.BACKWARD)))
    yield from _listed("gradients", "gradient", rows)


def split(scene: Scene, scalars: Sequence[Scalar]) -> tuple[list[Scalar], list[Scalar]]:
    """Return the scalars whose lines are written out, and the others, which stand in a table."""
    return [each for each in scalars if scene.writes(*each)], [each for each in scalars if not scene.writes(*each)]


def values_of(scene: Scene, scalars: Sequence[Scalar]) -> Iterator[Block]:
    """Yield a table of forward values; nothing for none."""
    rows = [(Name(*each), show(scene.value(*each), scene.style, tone=Tone.FORWARD)) for each in _known(scene, scalars)]
    yield from _listed("values", "quantity", rows)


def _known(scene: Scene, scalars: Sequence[Scalar]) -> Sequence[Scalar]:
    return scalars if scene.values is not None else ()


def _listed(phrase: str, column: str, rows: Sequence[tuple[Node, Node]]) -> Iterator[Block]:
    if rows:
        header = (message(f"column.{column}"), message("column.value"))
        yield Paragraph(message(f"detail.{phrase}"))
        yield Table(header, tuple(rows), (False, True), _BESIDE)


def explained_once(graph: Graph, sections: Sequence[Section]) -> tuple[Section, ...]:
    """Return a backward pass in which, if it is long, only the first gradient of each array is worked out in full.

    The others have no names under their factors, and where they begin with an error, which has just been worked out, it
    is not worked out again.
    """
    if sum(isinstance(block, Display) for block in _blocks(sections)) <= MOST_NAMED:
        return tuple(sections)
    seen: set[str] = set()

    def bare(part: Node) -> Node | None:
        return Apart(part.body) if isinstance(part, Braced) else None

    def once(chain: Chain) -> Chain:
        array = graph.quantity_of(chain.name).name
        if array not in seen:
            seen.add(array)
            return chain
        steps = _from_error(chain.steps)
        return replace(chain, steps=tuple(replace(step, formula=rewrite(step.formula, bare)) for step in steps))

    return tuple(section.with_chains(once) for section in sections)


def _from_error(steps: tuple[ChainStep, ...]) -> tuple[ChainStep, ...]:
    """Return the lines of a gradient without those that work out the error it begins with, where it has a symbol."""
    count = sum(not any(isinstance(part, Shown) for part in walk(step.formula)) for step in steps)
    symbols, numbers = steps[:count], steps[count:]
    formula = symbols[-1].formula if len(symbols) > 1 else None
    match formula.operand if isinstance(formula, Negative) else formula:
        case Product((error, *others)) if is_named(error) and all(isinstance(other, Name) for other in others):
            return (*symbols, *_from_product(numbers))
        case Adjoint() | Delta():
            return (symbols[0], symbols[-1], *_from(numbers, len(numbers) - 1))
    return steps


def _from_product(numbers: tuple[ChainStep, ...]) -> tuple[ChainStep, ...]:
    """Return the numbers of a product from where only its factors are left."""
    formulas = (step.formula.body if isinstance(step.formula, Boxed) else step.formula for step in numbers)
    return _from(numbers, max((place for place, each in enumerate(formulas) if not isinstance(each, Shown)), default=0))


def _from(numbers: tuple[ChainStep, ...], place: int) -> tuple[ChainStep, ...]:
    """Return numbers from a place on, with the relation that holds across those before."""
    relation = Relation.of(all(step.relation is Relation.EQUAL for step in numbers[: place + 1]))
    opening = tuple(replace(step, relation=relation, opens=True) for step in numbers[place : place + 1])
    return (*opening, *numbers[place + 1 :])


def _blocks(sections: Sequence[Section]) -> Iterator[Block]:
    for section in sections:
        yield from section.blocks
        yield from _blocks(section.sections)


OMITTED = "…"
"""What a table shows for rows and columns that it leaves out."""


def most_of(quantities: Sequence[Quantity]) -> int:
    """Return how many elements of each array have rows in a table of several: all, unless there are too many together."""
    return MOST_ROWS if sum(map(count, quantities)) <= MOST_ROWS else 0


def some(items: Sequence[Item], most: int) -> list[Item | None]:
    """Return all items, or of more than so many the first few and the last, with None for those between."""
    places = range(len(items)) if len(items) <= most else first_and_last(len(items))
    return [None if place is None else items[place] for place in places]


def first_and_last(length: int, first: int = 2) -> list[int | None]:
    """Return the positions of the first few and the last of many, None for those between.

    >>> first_and_last(784)
    [0, 1, None, 783]
    >>> first_and_last(3)
    [0, 1, 2]
    """
    return list(range(length)) if length <= first + 1 else [*range(first), None, length - 1]


def shortened(formula: Node, graph: Graph) -> Node:
    """Return a formula of a problem with dots in the middle of its long sums."""
    most = MOST_TERMS if graph.parameter_count <= MOST_ROWS else FEW_TERMS

    def shorten(part: Node) -> Node | None:
        if isinstance(part, Sum) and len(part.terms) > most:
            first, middle, last = part.terms[:2], part.terms[2:-2], part.terms[-2:]
            are_negative = all(isinstance(term, Negative) for term in middle)
            return Sum((*first, Negative(Dots()) if are_negative else Dots(), *last))
        return None

    return rewrite(formula, shorten)
