"""How much a document writes out: the choice for a problem of some size, and where the rest of it stands.

What is not written out (`choice`) stands in tables, or has one line.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from symbackprop.algebra.formula import Name, Negative, Node, Product, Sum, rewrite, walk
from symbackprop.derivation.derivations import Derivation
from symbackprop.document.blocks import Block, Chain, ChainStep, Display, Paragraph, Relation, Section, Table
from symbackprop.document.calculation.numerals import show
from symbackprop.document.chain_rule import headings
from symbackprop.document.chain_rule.chains import forward, gradient, gradient_symbol
from symbackprop.document.chain_rule.factors import is_named, unbraced
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.display_nodes import Apart, Boxed, Braced, Delta, Dots, Shown, Tone
from symbackprop.graph.quantities import Graph, Quantity, Role
from symbackprop.graph.scalars import Scalar
from symbackprop.messages import message

FULL, REPRESENTATIVE, SHORT, MATRIX = "full", "representative", "short", "matrix"

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is to write: parameters and forward values, both times the samples, terms of the longest sum."""

    contributions: int
    values: int
    terms: int

    def fits(self, most: Size) -> bool:
        """Say whether nothing is more than in another size."""
        return self.contributions <= most.contributions and self.values <= most.values and self.terms <= most.terms


LIMITS = {FULL: Size(40, 120, 30), REPRESENTATIVE: Size(500, 1000, 60)}
"""The most that is shown in each detail, where the reader does not ask for one; what is larger is shown between arrays."""

MOST_LINES = 12
"""Of an array with more elements that have one line each, there is a table instead."""

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


def of_steps(details: Sequence[str]) -> str | None:
    """Return how much of the steps of a solution some details write out; None where they show no step."""
    return next((each for each in (FULL, REPRESENTATIVE, SHORT) if each in details), None)


def size_of(graph: Graph) -> Size:
    """Return the size of a problem, counted between arrays."""
    computed = [graph.quantities[equation.name] for equation in graph.equations]
    values = sum(count(quantity) * len(graph.samples_of(quantity)) for quantity in computed)
    terms = max([graph.batch_axis.size, *(max(quantity.shape, default=1) for quantity in graph.quantities.values())])
    # Every sample adds a term to the gradient by each parameter, and a chain that leads to it.
    return Size(graph.parameter_count * (graph.batch_axis.size or 1), values, terms)


def count(quantity: Quantity) -> int:
    """Return how many elements an array has."""
    return math.prod(quantity.shape)


def value_blocks(scene: Scene, scalars: Sequence[Scalar]) -> Iterator[Block]:
    """Yield the lines of forward values in one display, and a table of those that are not written out."""
    shown, others = split(scene, scalars)
    if shown:
        yield Display(tuple(forward(scene, *each) for each in shown))
    lines: list[Scalar] = []
    if shown and scene.is_short:
        lines, others = _apart(scene, others)
        if lines:
            yield Paragraph(message("detail.values"))
            yield Display(tuple(_defined(scene, forward(scene, *each)) for each in lines), _PER_ROW)
    yield from values_of(scene, others, is_alone=not shown or bool(lines))


_PER_ROW = 2
"""So many values stand beside each other with their formulas."""


def _apart(scene: Scene, scalars: Sequence[Scalar]) -> tuple[list[Scalar], list[Scalar]]:
    """Return the scalars that have one line each, those of short arrays in the first sample, and the others."""
    lines: list[Scalar] = []
    others: list[Scalar] = []
    graph = scene.derivation.graph
    for (_, sample), group in itertools.groupby(scalars, lambda each: (graph.quantity_of(each.name).name, each.sample)):
        found = list(group)
        (lines if sample in (None, 1) and len(found) <= MOST_LINES else others).extend(found)
    return lines, others


def _defined(scene: Scene, chain: Chain) -> Chain:
    """Return the lines of a value as one: its formula, its value."""
    formula = shortened(chain.steps[0].formula, scene.derivation.graph)
    return replace(
        chain, steps=(replace(chain.steps[0], formula=formula), *_from(chain.steps[1:], len(chain.steps) - 2))
    )


def gradient_blocks(scene: Scene, scalars: Sequence[Scalar]) -> Iterator[Block]:
    """Yield the lines of gradients, each in a display or several in one line each, and a table of the others."""
    others: list[Scalar] = []
    for stands, group in itertools.groupby(scalars, lambda scalar: _place(scene, scalar)):
        found = list(group)
        if stands == _IN_FULL:
            yield from (Display((gradient(scene, *each),)) for each in found)
        elif stands == _IN_A_LINE:
            lines, listed = _apart(scene, found)
            if lines:
                yield Display(tuple(in_one_line(gradient(scene, *each)) for each in lines))
            others += listed
        else:
            others += found
    yield from _listed("gradients" if len(others) < len(scalars) else "again", "gradient", _gradients(scene, others))


def again(scene: Scene, values: Sequence[Scalar], gradients: Sequence[Scalar]) -> Iterator[Block]:
    """Yield one table of values and gradients that are found as those of the step before."""
    yield from _listed("again", "quantity", [*_values(scene, values), *_gradients(scene, gradients)])


def _gradients(scene: Scene, scalars: Sequence[Scalar]) -> Iterator[tuple[Node, Node]]:
    for name, sample in _known(scene, scalars):
        left, value = gradient_symbol(scene, name, sample), scene.gradient(name, sample)
        yield left, show(-value if isinstance(left, Delta) else value, scene.style, tone=Tone.BACKWARD)


_IN_FULL, _IN_A_LINE, _IN_A_TABLE = range(3)


def _place(scene: Scene, scalar: Scalar) -> int:
    """Return where a gradient stands; of a short document inputs and samples after the first stand in tables."""
    if scene.derives(*scalar):
        return _IN_FULL
    is_input = scene.derivation.graph.quantity_of(scalar.name).role is Role.INPUT
    has_line = scene.is_short and scalar.sample in (None, 1) and not is_input
    return _IN_A_LINE if has_line else _IN_A_TABLE


def in_one_line(chain: Chain) -> Chain:
    """Return the lines of a gradient as one: its formula in named gradients, the numbers in it, the value."""
    symbols, numbers = _at_numbers(chain.steps)
    if not symbols:
        return chain  # the gradient is a number of the formula
    formula = unbraced(symbols[-1].formula)
    terms = formula.terms if isinstance(formula, Sum) else (formula,)
    if all(map(is_named, terms)):
        # Without the ones that errors are multiplied by on the way to a bias; one error alone is the value.
        numbers = _from(numbers, len(numbers) - 1) if len(terms) == 1 else _from_product(numbers)
    elif len(terms) == 1 and _is_error_times_names(formula):
        numbers = _from_product(numbers)
    elif numbers:
        numbers = (numbers[0], *_from(numbers[1:], len(numbers) - 2))
    shown = (replace(symbols[-1], formula=formula), *numbers)
    return replace(chain, steps=tuple(replace(step, opens=False) for step in shown))


def _at_numbers(steps: tuple[ChainStep, ...]) -> tuple[tuple[ChainStep, ...], tuple[ChainStep, ...]]:
    """Return the steps in symbols, and those with numbers, which follow them."""
    count = sum(not any(isinstance(part, Shown) for part in walk(step.formula)) for step in steps)
    return steps[:count], steps[count:]


def _is_error_times_names(formula: Node) -> bool:
    """Say whether a formula is a named gradient times values, with either sign."""
    match formula.operand if isinstance(formula, Negative) else formula:
        case Product((error, *others)):
            return is_named(error) and all(isinstance(other, Name) for other in others)
    return False


def split(scene: Scene, scalars: Sequence[Scalar]) -> tuple[list[Scalar], list[Scalar]]:
    """Return the scalars whose lines are written out, and the others, which stand in a table."""
    return [each for each in scalars if scene.writes(*each)], [each for each in scalars if not scene.writes(*each)]


def values_of(scene: Scene, scalars: Sequence[Scalar], *, is_alone: bool = False) -> Iterator[Block]:
    """Yield a table of forward values, those that are `alone` without lines before it; nothing for none."""
    yield from _listed("again" if is_alone else "values", "quantity", _values(scene, scalars))


def _values(scene: Scene, scalars: Sequence[Scalar]) -> Iterator[tuple[Node, Node]]:
    for each in _known(scene, scalars):
        yield Name(*each), show(scene.value(*each), scene.style, tone=Tone.FORWARD)


def _known(scene: Scene, scalars: Sequence[Scalar]) -> Sequence[Scalar]:
    return scalars if scene.values is not None else ()


def _listed(phrase: str, column: str, found: Iterable[tuple[Node, Node]]) -> Iterator[Block]:
    if rows := tuple(found):
        header = (message(f"column.{column}"), message("column.value"))
        yield Paragraph(message(f"detail.{phrase}"))
        yield Table(header, rows, (False, True), _BESIDE)


def explained_once(scene: Scene, sections: Sequence[Section]) -> tuple[Section, ...]:
    """Return a backward pass in which only the first gradient of each array is worked out in full.

    The other parameters begin with the errors that have just been worked out, in one line, where errors have a symbol. If
    the pass is long, other gradients have no names under their factors. What is worked out with these names has a heading.
    """
    graph, has_errors = scene.derivation.graph, scene.notation.conventions.backward == "delta"
    is_long = sum(isinstance(block, Display) for block in _blocks(sections)) > MOST_NAMED
    seen: set[str] = set()
    named: set[Node] = set()

    def bare(part: Node) -> Node | None:
        return Apart(part.body) if isinstance(part, Braced) else None

    def as_named(chain: Chain) -> Chain:
        if graph.has_element(chain.name):
            named.add(chain.left)
        return chain

    def once(chain: Chain) -> Chain:
        array = graph.quantity_of(chain.name)
        if array.name not in seen:
            seen.add(array.name)
            return as_named(chain)
        if has_errors and array.role is Role.PARAMETER and chain.name in array.elements():
            return in_one_line(chain)
        if not is_long:
            return as_named(chain)
        return replace(chain, steps=tuple(replace(step, formula=rewrite(step.formula, bare)) for step in chain.steps))

    found = tuple(section.with_chains(once) for section in sections)
    return found if scene.is_short else tuple(headings.headed(each, graph.output, named) for each in found)


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
