"""The element grain: every scalar a named equation, every equation a sum of terms, every term a form applied to names.

Expansion costs time in proportion to the terms it writes: the form of `W @ x` or of an elementwise expression is made once
per equation, and each element only fills its names.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

from symbackprop import limits
from symbackprop.algebra.array_operations import operation_of
from symbackprop.algebra.broadcasting import Shape
from symbackprop.algebra.forms import Form, abstracted, form_of
from symbackprop.algebra.formula import (
    ZERO,
    Apply,
    Hadamard,
    MatrixProduct,
    Name,
    Negative,
    Node,
    Number,
    Product,
    Quotient,
    Slot,
    Sum,
    added,
    fill,
    flat,
    is_constant,
    map_children,
    names,
    rewrite,
    walk,
)
from symbackprop.algebra.operation_rows import ArrayOperation
from symbackprop.algebra.shapes import is_elementwise, shape_of, written_out
from symbackprop.derivation.array_entries import (
    Accessor,
    accessor,
    entry,
    fitted,
    joined_indices,
    multiplied_indices,
    reads,
)
from symbackprop.errors import ProblemError
from symbackprop.graph.batch_axis import BatchAxis, Samples
from symbackprop.graph.quantities import Equation, FusedLoss, Graph
from symbackprop.graph.scalars import Scalar
from symbackprop.messages import message


class Term(NamedTuple):
    """A form applied to names.

    `values` names, for a term that is a whole activation, the quantities that hold its value: its own and, for a vector
    activation, those of the other units in the order of `arguments`; a classroom derivative may be written in them.
    """

    form: Form
    arguments: tuple[str, ...]
    values: tuple[str, ...] = ()

    def formula(self) -> Node:
        """Return the term over names."""
        return fill(self.form.formula, tuple(map(Name, self.arguments)))

    @property
    def moving(self) -> tuple[str, ...]:
        """The arguments that a gradient goes to: not what is only compared."""
        unmoved = self.form.unmoved
        return (
            tuple(name for slot, name in enumerate(self.arguments) if slot not in unmoved)
            if unmoved
            else self.arguments
        )

    def partial(self, slot: int) -> Node:
        """Return ∂term/∂(its argument in `slot`) over names."""
        return fill(self.form.partial(slot).formula(bool(self.values)), tuple(map(Name, self.arguments + self.values)))


class ElementEquation(NamedTuple):
    """`name = terms[0] + terms[1] + …`, in every sample where samples differ in the name.

    `fused` is, of a loss with its output activation put in, the whole as one term over logits and targets.
    """

    name: str
    terms: tuple[Term, ...]
    fused: Term | None = None

    def formula(self) -> Node:
        """Return the right-hand side over names."""
        return added(tuple(term.formula() for term in self.terms))


@dataclass(frozen=True)
class ElementGraph:
    """The equations between scalars, in order of evaluation; `batched` holds the names that differ between samples.

    `bypassed` are the activations that a fused loss leads past: its gradient reaches the logits directly.
    """

    equations: tuple[ElementEquation, ...]
    output: str
    batched: frozenset[str]
    samples: Samples
    bypassed: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"<ElementGraph: {len(self.equations)} equations, output {self.output}>"

    @functools.cached_property
    def batch_axis(self) -> BatchAxis:
        """The samples, with the names of the scalars that differ between them."""
        return BatchAxis(self.samples, self.batched)

    def instances(self, *, kinked: bool = False) -> Iterator[tuple[ElementEquation, Term, int | None]]:
        """Yield every term of every equation in each sample in which it is a number of its own; `kinked`: with a kink."""
        for equation in self.equations:
            for term in equation.terms:
                if kinked and not term.form.kinks:
                    continue
                for sample in self.batch_axis.samples_of(equation.name, *term.arguments):
                    yield equation, term, sample

    def place(self, name: str, sample: int | None) -> Scalar:
        """Return the scalar that is read by a name in a sample: of that sample, or what samples share."""
        return Scalar(name, sample if name in self.batched else None)


Terms = Callable[[Shape], Iterator[Term]]
Pairs = Callable[[Apply, Sequence[Shape], Shape], Iterable[tuple[Shape, Shape]]]
Wrap = Callable[[Node], Node]


def expand(graph: Graph) -> ElementGraph:
    """Return the element grain of a graph."""
    _check_size(graph)
    batched = frozenset(
        element for quantity in graph.quantities.values() if quantity.batched for element in quantity.elements()
    )
    equations = tuple(element for equation in graph.equations for element in _expanded(graph, equation))
    fused = [equation.fused.activation for equation in graph.equations if equation.fused]
    bypassed = frozenset(element for name in fused for element in graph.quantities[name].elements())
    return ElementGraph(equations, graph.output, batched, graph.samples, bypassed)


def _check_size(graph: Graph) -> None:
    """Raise `ProblemError` for a graph whose equations between scalars would fill the memory, or hours."""
    total = 0
    for equation in graph.equations:
        own = math.prod(graph.quantities[equation.name].shape) * reads(graph, equation.formula)
        total += own
        if total > limits.READS:
            what = message("graph.derivation_size", name=equation.name, count=own, limit=limits.READS)
            raise ProblemError(what, where=f"graph ({equation.name})")


def _expanded(graph: Graph, equation: Equation) -> Iterator[ElementEquation]:
    quantity = graph.quantities[equation.name]
    formula = written_out(equation.formula, graph.shapes)
    equation = equation if formula is equation.formula else replace(equation, formula=formula)
    pieces = [
        (_piece(graph, equation, part, wrap), shape_of(part, graph.shapes, ""))
        for part, wrap in _addends(equation.formula, lambda node: node)
    ]
    for index in quantity.indices():
        terms = tuple(itertools.chain.from_iterable([piece(fitted(index, shape)) for piece, shape in pieces]))
        if equation.stated_derivatives:
            terms = tuple(_with_stated_derivatives(graph, equation, term) for term in terms)
        fused = None if equation.fused is None else _fused(graph, equation.fused)
        yield ElementEquation(quantity.element(index), terms, fused)


def _with_stated_derivatives(graph: Graph, equation: Equation, term: Term) -> Term:
    """Return a term whose partials by some of its arguments are stated (no other term reads these)."""
    slots = {name: Slot(place) for place, name in enumerate(term.arguments)}
    arrays = dict(equation.stated_derivatives)

    def stated(name: str) -> Node | None:
        quantity, numbers = graph.place_of(name)
        if quantity.name not in arrays:
            return None
        index = quantity.ordered(tuple(int(number) - 1 for number in numbers))
        derivative = entry(graph, arrays[quantity.name], index)
        return rewrite(derivative, lambda part: slots[part.name] if isinstance(part, Name) else None)

    return term._replace(form=form_of(term.form.formula, tuple(map(stated, term.arguments)), smooth=True))


def _fused(graph: Graph, fused: FusedLoss) -> Term:
    """Return a loss from the logits as one term, whose classroom partials by the logits are written in the activations."""
    logits, values = graph.quantities[fused.logits], graph.quantities[fused.activation].elements()
    read = (element for name in names(fused.formula) for element in graph.quantities[name].elements())
    arguments = tuple(dict.fromkeys((*logits.elements(), *read)))
    slots = {name: Slot(place) for place, name in enumerate((*arguments, *values))}

    def over_slots(part: Node) -> Node:
        return rewrite(part, lambda node: slots[node.name] if isinstance(node, Name) else None)

    errors = tuple(over_slots(entry(graph, fused.error, index)) for index in logits.indices())
    form = Form.deferred(
        lambda: over_slots(added(flat((entry(graph, fused.formula, ()),), Sum))), len(arguments), errors
    )
    return Term(form, arguments, values)


def _addends(node: Node, wrap: Wrap) -> Iterator[tuple[Node, Wrap]]:
    """Yield the terms of a formula with what each is wrapped in: constant factors and signs move into the terms."""
    match node:
        case Sum(terms):
            for term in terms:
                yield from _addends(term, wrap)
        case Negative(operand) if _splits(operand):
            yield from _addends(operand, lambda inner: wrap(Negative(inner)))
        case Product((factor, rest)) if is_constant(factor) and _splits(rest):
            yield from _addends(rest, lambda inner: wrap(_scaled(factor, inner)))
        case Quotient(numerator, Number() as divisor) if _splits(numerator):
            yield from _addends(numerator, lambda inner: wrap(Quotient(inner, divisor)))
        case _:
            yield node, wrap


def _scaled(factor: Node, node: Node) -> Node:
    """Return a constant times a formula, two constants in front made one."""
    match factor, node:
        case Number(value), Product((Number(other), *rest)):
            return Product((Number(value * other), *rest))
        case _, Product(factors) if is_constant(factors[0]):
            return Product((factor, *factors))
    return Product((factor, node))


def _splits(node: Node) -> bool:
    """Say whether a formula is worth splitting: a sum over elements is in it, not just a sum of written terms."""
    return any(isinstance(part, MatrixProduct) or _adds(part) for part in walk(node))


def _adds(node: Node) -> bool:
    """Say whether a formula is a sum over elements."""
    row = operation_of(node)
    return row is not None and (row.weight is not None or row.pairs is not None)


def _piece(graph: Graph, equation: Equation, node: Node, wrap: Wrap) -> Terms:
    """Return the function that writes the terms of one addend for a given index."""
    if isinstance(node, MatrixProduct):
        left, right = accessor(graph, node.left), accessor(graph, node.right)
        if left is not None and right is not None:
            return _matrix_product(graph, node, left, right, wrap)
    row = operation_of(node)
    if row is not None and isinstance(node, Apply):
        if row.weight is not None:
            return _weighted_sum(graph, node, row, row.weight, wrap)
        if row.joins is not None:
            return _joined(graph, equation, node, row, wrap)
        if row.pairs is not None:
            return _paired(graph, node, row.pairs, wrap)
    return _elementwise(graph, equation.name if node == equation.formula else None, node, wrap)


def _values(graph: Graph, whole: str | None, node: Node) -> Callable[[Shape], tuple[str, ...]]:
    """Return the function from an index to the names of the values of the terms that are all of an equation."""
    if whole is None:
        return lambda index: ()
    target = graph.quantities[whole]
    row = operation_of(node)
    if row is not None and row.keeps and isinstance(node, Apply):
        shape = shape_of(node, graph.shapes, "")
        return lambda index: tuple(map(target.element, joined_indices(node, row, shape, index)))
    return lambda index: (target.element(index),)


def _matrix_product(graph: Graph, node: MatrixProduct, left: Accessor, right: Accessor, wrap: Wrap) -> Terms:
    form = form_of(wrap(Product((Slot(0), Slot(1)))))
    shapes = shape_of(node.left, graph.shapes, ""), shape_of(node.right, graph.shapes, "")
    inner = range(shapes[0][-1])

    # The names of a row serve every column, and those of a column every row.
    rows: dict[Shape, list[str]] = {}
    columns: dict[tuple[Shape, Shape], list[str]] = {}

    def terms(index: Shape) -> Iterator[Term]:
        row, above, beside = multiplied_indices(*shapes, index)
        if row not in rows:
            rows[row] = [left((*row, k)) for k in inner]
        if (above, beside) not in columns:
            columns[above, beside] = [right((*above, k, *beside)) for k in inner]
        pairs = zip(rows[row], columns[above, beside], strict=True)
        return map(Term._make, zip(itertools.repeat(form), pairs, itertools.repeat(())))

    return terms


def _paired(graph: Graph, node: Apply, pairs_of: Pairs, wrap: Wrap) -> Terms:
    """Return the terms of an operation that adds products of an element of each argument: one for each product."""
    array, kernel = node.arguments
    shapes = [shape_of(part, graph.shapes, "") for part in node.arguments]
    elements = accessor(graph, array), accessor(graph, kernel)
    if elements[0] is None or elements[1] is None:
        return _elementwise(graph, None, node, wrap)
    met_by, own_by = elements[0], elements[1]
    form, nothing = form_of(wrap(Product((Slot(0), Slot(1))))), Term(form_of(wrap(ZERO)), ())

    def terms(index: Shape) -> Iterator[Term]:
        found = [Term(form, (own_by(own), met_by(met))) for met, own in pairs_of(node, shapes, index)]
        return iter(found or [nothing])  # a kernel may meet nothing but zeros

    return terms


def _weighted_sum(
    graph: Graph, node: Apply, row: ArrayOperation, weight_of: Callable[[int], Fraction], wrap: Wrap
) -> Terms:
    """Return the terms of an operation that adds: one for each element."""
    (argument,) = node.arguments
    shape = shape_of(argument, graph.shapes, "")
    weight = weight_of(len(joined_indices(node, row, shape, (0,) * len(shape))))
    weighted = wrap if weight == 1 else lambda part: wrap(Product((Number(weight), part)))
    inside = _elementwise(graph, None, argument, weighted)
    return lambda index: (term for place in joined_indices(node, row, shape, index) for term in inside(place))


def _joined(graph: Graph, equation: Equation, node: Apply, row: ArrayOperation, wrap: Wrap) -> Terms:
    """Return the term of an operation that joins elements; one that is a whole equation has names for its values."""
    (argument,) = node.arguments
    source, whole = accessor(graph, argument), equation.name if node == equation.formula else None
    shape, values = shape_of(argument, graph.shapes, ""), _values(graph, whole, node)
    count = len(joined_indices(node, row, shape, (0,) * len(shape)))
    if source is None or whole is None or row.joins is None or (count == 1 and not row.keeps):
        return _elementwise(graph, whole, node, wrap)
    form = form_of(row.joins(tuple(map(Slot, range(count)))))
    return lambda index: iter([Term(form, tuple(map(source, joined_indices(node, row, shape, index))), values(index))])


def _elementwise(graph: Graph, whole: str | None, node: Node, wrap: Wrap) -> Terms:
    """Return the terms of a formula that is one term at each index.

    An elementwise formula has one form, whose names are filled at each index by broadcasting; any other is taken apart at
    each index. `whole` names the quantity whose equation this is all of, so that the term's value has a name.
    """
    picked: dict[Node, tuple[Accessor, Shape]] = {}
    formula, values = _abstract(graph, wrap(node), picked), _values(graph, whole, node)
    if formula is None:
        return lambda index: iter([Term(*abstracted(wrap(entry(graph, node, index))), values(index))])
    form = form_of(formula)

    def terms(index: Shape) -> Iterator[Term]:
        filled = tuple(element(fitted(index, shape)) for element, shape in picked.values())
        yield Term(form, filled, values(index))

    return terms


def _abstract(graph: Graph, node: Node, picked: dict[Node, tuple[Accessor, Shape]]) -> Node | None:
    """Return an elementwise formula with slots for the arrays it reads (collected in `picked`), None for any other."""
    element = accessor(graph, node)
    if element is not None:
        picked.setdefault(node, (element, shape_of(node, graph.shapes, "")))
        return Slot(list(picked).index(node))
    if not is_elementwise(node):
        return None
    parts = [_abstract(graph, child, picked) for child in node]
    if any(part is None for part in parts):
        return None
    remaining = iter(parts)
    found = map_children(node, lambda child: next(remaining) or child)
    return Product(found.factors) if isinstance(found, Hadamard) else found
