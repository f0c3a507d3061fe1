"""The matrix grain of the reverse sweep: one pullback for each array operation.

A pullback takes a formula and the gradient of the output by its value (the upstream gradient), and yields, for each quantity
that the formula reads, its contribution to that quantity's gradient: `W @ x` gives W̄ = ū xᵀ and x̄ = Wᵀ ū. The
contributions of all equations, added, are the gradient as a formula between arrays. It is derived from the array equations
alone; tests prove it equal to the element grain. (The rules are those of Giles, Collected Matrix Derivative Results, 2008.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction

from symbackprop.algebra import functions
from symbackprop.algebra.array_operations import axes_of, operation_of, spread_along
from symbackprop.algebra.branches import choice_of, is_comparison
from symbackprop.algebra.broadcasting import Shape, broadcast, settled_axis
from symbackprop.algebra.forms import form_of
from symbackprop.algebra.formula import (
    ONE,
    Adjoint,
    Apply,
    Hadamard,
    Indexed,
    MatrixProduct,
    Name,
    Negative,
    Node,
    Number,
    Placed,
    Power,
    Product,
    Quotient,
    Repeated,
    SampleCount,
    Slot,
    Span,
    Stack,
    Sum,
    Transposed,
    added,
    fill,
    map_children,
    multiplied,
    negated,
    repeated_axes,
    rewrite,
    transposed,
)
from symbackprop.algebra.operation_rows import ArrayOperation
from symbackprop.algebra.rearrangements import reshaped
from symbackprop.algebra.shapes import is_elementwise, shape_of
from symbackprop.graph.quantities import Equation, Graph

Contribution = tuple[str, Node]
"""A quantity and its contribution to the gradient."""

MatrixGradients = Mapping[str, tuple[tuple[str, Node], ...]]
"""For each array quantity the contributions to its gradient, each with the equation it comes through."""


def gradients(graph: Graph, *, fused: bool = True) -> MatrixGradients:
    """Return the contributions to the gradient of the output by every array quantity, in order of the equations read.

    Quantities that the output does not depend on are left out; the output itself has no contribution (its gradient is 1). A
    fused loss contributes to the logits, past the activation between; without `fused` it is the other way round.
    """
    bypassed = {each.fused.activation for each in graph.equations if each.fused} if fused else set()
    found: dict[str, list[tuple[str, Node]]] = {graph.output: []}
    defined: list[str] = []
    for equation in reversed(graph.equations):
        if equation.name not in found:
            continue
        defined.append(equation.name)
        upstream: Node = ONE if equation.name == graph.output else Adjoint(equation.name)
        if equation.name in bypassed:
            continue
        pullback = _Pullback(graph, equation)
        stated = dict(equation.stated_derivatives)
        contributions = [
            contribution for contribution in pullback.pull(equation.formula, upstream) if contribution[0] not in stated
        ]
        contributions += [
            (name, pullback.times(upstream, pullback.arrays(stated_derivative)))
            for name, stated_derivative in stated.items()
        ]
        if equation.fused is not None and fused:
            contributions.append((equation.fused.logits, pullback.times(upstream, equation.fused.error)))
        for name, contribution in reversed(contributions):
            found.setdefault(name, []).append((equation.name, contribution))
    order = dict.fromkeys((*defined, *found))
    return {name: tuple(reversed(found[name])) for name in order}


def elementwise_product(factors: tuple[Node, ...], shapes: Mapping[str, Shape]) -> Node:
    """Return the product of scalars and arrays: one number in front, then scalars, then arrays joined by ⊙.

    A scalar that is repeated over a whole array is itself beside a factor of that shape.
    """
    parts = [part for factor in factors for part in _factors(factor)]
    whole = broadcast((shape_of(part, shapes, "") for part in parts), "")
    fills = [part for part in parts if not _is_repeated(part, shapes) and shape_of(part, shapes, "") == whole]
    if fills:
        parts = [
            inner for part in parts for inner in (_factors(_innermost(part)) if _is_repeated(part, shapes) else [part])
        ]
    number = Fraction(1)
    scalars: list[Node] = []
    arrays: list[Node] = []
    for part in parts:
        if isinstance(part, Number):
            number *= part.value
        else:
            (arrays if shape_of(part, shapes, "") else scalars).append(part)
    joined = (Hadamard(tuple(arrays)),) if len(arrays) > 1 else tuple(arrays)
    if number < 0:
        return negated(multiplied((Number(-number), *scalars, *joined)))
    return multiplied((Number(number), *scalars, *joined))


def _factors(node: Node) -> list[Node]:
    if isinstance(node, Product | Hadamard):
        return [part for factor in node.factors for part in _factors(factor)]
    if isinstance(node, Negative):
        return [Number(Fraction(-1)), *_factors(node.operand)]
    return [node]


def _innermost(node: Node) -> Node:
    return _innermost(node.operand) if isinstance(node, Repeated) else node


def _is_repeated(node: Node, shapes: Mapping[str, Shape]) -> bool:
    """Say whether an array is one scalar in every place."""
    return isinstance(node, Repeated) and shape_of(_innermost(node), shapes, "") == ()


class _Pullback:
    """The pullbacks of one equation."""

    def __init__(self, graph: Graph, equation: Equation) -> None:
        self.graph, self.equation = graph, equation

    def shape(self, node: Node) -> Shape:
        return shape_of(node, self.graph.shapes, self.equation.name)

    def times(self, *factors: Node) -> Node:
        return elementwise_product(factors, self.graph.shapes)

    def pull(self, node: Node, upstream: Node) -> Iterator[Contribution]:
        """Yield the contributions to all quantities that `node` reads."""
        if isinstance(node, Name):
            yield node.name, upstream
            return
        rule = _RULES.get(type(node))
        if rule is None:
            raise TypeError(f"no pullback for {type(node).__name__}")
        for child, contribution in rule(self, node, upstream):
            yield from self.pull(child, self._fitted(contribution, self.shape(child)))

    def _fitted(self, contribution: Node, shape: Shape) -> Node:
        """Return a contribution in the shape of what it belongs to: summed over the axes that broadcasting repeated."""
        found = self.shape(contribution)
        if len(found) > len(shape):
            first = tuple(range(len(found) - len(shape)))
            contribution, found = self._summed(contribution, first), found[len(first) :]
        wide = tuple(
            axis for axis, (length, wanted) in enumerate(zip(found, shape, strict=True)) if length != wanted == 1
        )
        if wide:
            contribution = self._summed(contribution, wide)
        for axis in wide:
            contribution = Repeated(contribution, axis, 1)
        for axis, (length, wanted) in enumerate(zip(found, shape, strict=True)):
            if length == 1 and wanted != 1:
                contribution = Repeated(Indexed(contribution, (*(Span(None, None),) * axis, 0)), axis, wanted)
        for axis in range(len(shape) - len(found)):
            contribution = Repeated(contribution, axis, shape[axis])
        return contribution

    def _summed(self, node: Node, axes: tuple[int, ...]) -> Node:
        """Return the sum along some axes; that of a sum is one sum."""
        if isinstance(node, Apply) and node.function == "sum":
            rank = len(self.shape(node.arguments[0]))
            inner = axes_of(node, rank)
            kept = [axis for axis in range(rank) if axis not in inner]
            node, axes = node.arguments[0], tuple(sorted((*inner, *(kept[axis] for axis in axes))))
        return Apply("sum", (node,), axis=settled_axis(axes, len(self.shape(node))))

    def product(self, node: Product | Hadamard, upstream: Node) -> Iterator[tuple[Node, Node]]:
        for position, factor in enumerate(node.factors):
            others = (*node.factors[:position], *node.factors[position + 1 :])
            yield factor, self.times(upstream, *others)

    def quotient(self, node: Quotient, upstream: Node) -> Iterator[tuple[Node, Node]]:
        if self.shape(node.denominator) == ():
            yield node.numerator, self.times(Quotient(ONE, node.denominator), upstream)
        else:
            yield node.numerator, Quotient(upstream, node.denominator)
        squared = Power(node.denominator, Number(Fraction(2)))
        yield node.denominator, negated(Quotient(self.times(upstream, node.numerator), squared))

    def power(self, node: Power, upstream: Node) -> Iterator[tuple[Node, Node]]:
        if isinstance(node.base, Number):
            yield from self._of_whole(node, upstream)
            return
        form = form_of(Power(Slot(0), Slot(1)))
        if isinstance(node.exponent, Number):
            lowered = node.exponent.value - 1
            # x⁰ and x¹ have constant derivatives, at x = 0 too, where x⁻¹ has no value.
            powers = {Fraction(-1): ONE, Fraction(0): ONE, Fraction(1): node.base}
            base = powers.get(lowered, Power(node.base, Number(lowered)))
            yield node.base, self.times(upstream, node.exponent, base)
            return
        for slot, part in enumerate((node.base, node.exponent)):
            partial = fill(form.partial(slot).plain, (node.base, node.exponent))
            yield part, self.times(upstream, self.arrays(partial))

    def matrix_product(self, node: MatrixProduct, upstream: Node) -> Iterator[tuple[Node, Node]]:
        left, right = node.left, node.right
        match len(self.shape(left)), len(self.shape(right)):
            case ranks if max(ranks) > 2:
                yield from self._stacked_product(node, upstream)
            case 1, 1:
                yield left, self.times(upstream, right)
                yield right, self.times(upstream, left)
            case 2, 1:
                yield left, Apply("outer", (upstream, right))
                yield right, self.matrix(self.transposed(left), upstream)
            case 1, 2:
                yield left, self.matrix(upstream, self.transposed(right))
                yield right, Apply("outer", (left, upstream))
            case _:
                yield left, self.matrix(upstream, self.transposed(right))
                yield right, self.matrix(self.transposed(left), upstream)

    def _stacked_product(self, node: MatrixProduct, upstream: Node) -> Iterator[tuple[Node, Node]]:
        """Pull back through products of matrices behind each other; a vector is one row, or one column."""
        left, right = node.left, node.right
        rank = len(self.shape(node))
        if len(self.shape(left)) == 1:
            left, upstream = Repeated(left, 0, 1), Repeated(upstream, rank - 1, 1)
        if len(self.shape(right)) == 1:
            right, upstream = Repeated(right, 1, 1), Repeated(upstream, rank, 1)
        yield left, self.matrix(upstream, self._turned(right))
        yield right, self.matrix(self._turned(left), upstream)

    def _turned(self, node: Node) -> Node:
        """Return the transpose of every matrix in the last two axes."""
        rank = len(self.shape(node))
        return transposed(node, (*range(rank - 2), rank - 1, rank - 2))

    def matrix(self, left: Node, right: Node) -> Node:
        """Return a matrix product with scalar factors in front."""
        before, first = self._parted(left)
        behind, second = self._parted(right)
        return multiplied((*before, *behind, MatrixProduct(first, second)))

    def transposed(self, node: Node) -> Node:
        """Return the transpose, that of a transpose, of a matrix product or behind scalar factors worked out."""
        match node:
            case Transposed(operand):
                return operand
            case MatrixProduct(left, right) if len(self.shape(node)) == 2:
                return MatrixProduct(self.transposed(right), self.transposed(left))
            case Product():
                scalars, matrix = self._parted(node)
                return multiplied((*scalars, self.transposed(matrix) if scalars else Transposed(matrix)))
        return Transposed(node)

    def transpose(self, node: Transposed, upstream: Node) -> Iterator[tuple[Node, Node]]:
        order = node.order(len(self.shape(node)))
        is_matrix = len(order) == 2
        back = tuple(order.index(axis) for axis in range(len(order)))
        yield node.operand, self.transposed(upstream) if is_matrix else transposed(upstream, back)

    def _parted(self, node: Node) -> tuple[list[Node], Node]:
        """Return the scalar factors of an array, and the rest of it."""
        if not isinstance(node, Product):
            return [], node
        scalars = [factor for factor in node.factors if not self.shape(factor)]
        arrays = tuple(factor for factor in node.factors if self.shape(factor))
        return scalars, arrays[0] if len(arrays) == 1 else Hadamard(arrays)

    def repeated(self, node: Repeated, upstream: Node) -> Iterator[tuple[Node, Node]]:
        operand, axes = repeated_axes(node)
        yield operand, self._summed(upstream, axes)

    def apply(self, node: Apply, upstream: Node) -> Iterator[tuple[Node, Node]]:
        if choice_of(node) is not None or is_comparison(node):
            return self._of_whole(node, upstream)
        row = operation_of(node)
        if row is not None:
            return self._operation(node, row, upstream)
        if node.function == functions.GENERIC_LOSS:
            return self._generic_loss(node, upstream)
        return self._elementwise(node, upstream)

    def _of_whole(self, node: Node, upstream: Node) -> Iterator[tuple[Node, Node]]:
        """Pull back through an elementwise formula in one go: a branch that is not chosen need not have a derivative."""
        arrays: dict[Node, Slot] = {}

        def opened(part: Node) -> Node | None:
            return None if is_elementwise(part) else arrays.setdefault(part, Slot(len(arrays)))

        form = form_of(rewrite(node, opened))
        for array, slot in arrays.items():
            if slot.index not in form.unmoved:
                partial = form.partial(slot.index).plain
                yield array, self.times(upstream, self.arrays(fill(partial, tuple(arrays))))

    def _elementwise(self, node: Apply, upstream: Node) -> Iterator[tuple[Node, Node]]:
        """Pull back through f(u): ū ⊙ f′(u), in the classroom form where the value of f has a name."""
        arity = len(node.arguments)
        signature = Apply(node.function, tuple(map(Slot, range(arity))), node.at_kink, None, node.settings, node.body)
        form, whole = form_of(signature), node == self.equation.formula
        values: tuple[Node, ...] = (Name(self.equation.name),) if whole else ()
        for slot, argument in enumerate(node.arguments):
            partial = fill(form.partial(slot).formula(whole), (*node.arguments, *values))
            yield argument, self.times(upstream, self.arrays(partial))

    def arrays(self, formula: Node) -> Node:
        """Return a partial between arrays with ⊙ for its products."""
        if isinstance(formula, Product):
            return self.times(*map(self.arrays, formula.factors))
        return map_children(formula, self.arrays)

    def _generic_loss(self, node: Apply, upstream: Node) -> Iterator[tuple[Node, Node]]:
        for place, argument in enumerate(node.arguments):
            yield (
                argument,
                self.times(upstream, Apply(node.function, node.arguments, settings=(("by", Fraction(place)),))),
            )

    def _operation(self, node: Apply, row: ArrayOperation, upstream: Node) -> Iterator[tuple[Node, Node]]:
        shapes = [self.shape(part) for part in node.arguments]
        if row.pullback is not None:
            value: Node = Name(self.equation.name) if node == self.equation.formula else node
            contributions = row.pullback(node, upstream, value, shapes)
            yield from zip(node.arguments, map(self.times, contributions), strict=True)
        elif row.weight is not None:
            axes = axes_of(node, len(shapes[0]))
            weight = row.weight(math.prod(shapes[0][axis] for axis in axes))
            yield node.arguments[0], self.times(Number(weight), spread_along(upstream, axes, shapes[0]))
        elif row.source is not None:
            yield node.arguments[0], reshaped(upstream, shapes[0])
        elif row.definition is not None:
            yield row.definition(node, shapes), upstream
        elif row.places is not None:
            for part, indices in zip(node.arguments, row.places(node, shapes), strict=True):
                yield part, Indexed(upstream, indices)


_RULES: Mapping[type[Node], Callable[..., Iterable[tuple[Node, Node]]]] = {
    Number: lambda pullback, node, upstream: (),
    SampleCount: lambda pullback, node, upstream: (),
    Sum: lambda pullback, node, upstream: ((term, upstream) for term in node.terms),
    Negative: lambda pullback, node, upstream: [(node.operand, negated(upstream))],
    Product: _Pullback.product,
    Hadamard: _Pullback.product,
    Quotient: _Pullback.quotient,
    Power: _Pullback.power,
    MatrixProduct: _Pullback.matrix_product,
    Transposed: _Pullback.transpose,
    Indexed: lambda pullback, node, upstream: [
        (node.operand, Placed(upstream, node.indices, pullback.shape(node.operand)))
    ],
    Stack: lambda pullback, node, upstream: (
        (item, Indexed(upstream, (position,))) for position, item in enumerate(node.items)
    ),
    Repeated: _Pullback.repeated,
    Placed: lambda pullback, node, upstream: [(node.operand, Indexed(upstream, node.indices))],
    Apply: _Pullback.apply,
}


def gradient_formula(contributions: tuple[tuple[str, Node], ...]) -> Node:
    """Return a gradient as the sum of its contributions."""
    return added(tuple(contribution for _, contribution in contributions))
