"""From formulas between arrays of one sample to formulas between arrays of all samples, whoever writes these down.

What is elementwise stays a formula; what is not becomes an array: of prepared memory (`compilation.array_lowering`), or of a
line that a person reads (`scripts.script_lines`). Where samples lie, what is added over them and how sides of a product are
turned is decided here for both.
"""

from __future__ import annotations

import abc
import collections
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from symbackprop.algebra import functions
from symbackprop.algebra.array_operations import ARRAY_OPERATIONS, axes_of, operation_of
from symbackprop.algebra.broadcasting import Shape
from symbackprop.algebra.folding import folded
from symbackprop.algebra.formula import (
    ONE,
    ZERO,
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
    Product,
    Repeated,
    SampleCount,
    Span,
    Stack,
    Sum,
    Transposed,
    map_children,
    rewrite,
    walk,
)
from symbackprop.algebra.operation_rows import ArrayOperation
from symbackprop.algebra.shapes import is_elementwise, shape_of
from symbackprop.arithmetic.python_code import Spelled, accurate
from symbackprop.compilation.identifiers import Identifiers
from symbackprop.compilation.operations import View, aligned, spread, varies
from symbackprop.compilation.plan import Plan

_SUM = ARRAY_OPERATIONS["sum"]

Part = tuple[tuple[int | Span, ...], Node]
"""What stands at some indices of an array of one sample, as a lowered formula."""


class Lowering(abc.ABC):
    """The rules; `known` has the array, or the constant, that each name stands for.

    A `hint` is an array that the outermost operation may write to; a target without memory of its own has no use for it.
    """

    def __init__(self, plan: Plan, identifiers: Identifiers) -> None:
        self.plan, self.identifiers = plan, identifiers
        self.known: dict[Node, Node] = {}
        self._shapes = dict(plan.graph.shapes)

    # What a target makes of it

    @abc.abstractmethod
    def array(self, value: Node, shape: Shape, hint: View | None = None) -> View:
        """Return a lowered formula as an array of that shape."""

    @abc.abstractmethod
    def product(self, left: View, right: View, shape: Shape, dropped: int | None, hint: View | None) -> View:
        """Return `left @ right`, without the axis of length 1 of one sample that is to be dropped."""

    @abc.abstractmethod
    def reduction(
        self, row: ArrayOperation, value: Node, shape: Shape, axes: tuple[int, ...], hint: View | None
    ) -> Node:
        """Return a reduction of a formula of that shape over axes of its array, of which samples are the first."""

    @abc.abstractmethod
    def joined(self, kind: str, parts: Sequence[Part], shape: Shape, axis: int, hint: View | None) -> View:
        """Return an array whose parts are formulas: a `stack`, a `concat` along the axis, or one `placed` among zeros."""

    @abc.abstractmethod
    def activation(self, node: Apply, hint: View | None) -> Node:
        """Return an activation."""

    def called(self, row: ArrayOperation, node: Apply, arguments: tuple[View, ...]) -> View | None:
        """Return the call of an operation, None where its definition is to be lowered."""
        return None

    def shared(self, formula: Node) -> Node:
        """Return a formula with what occurs twice in it computed once, where a target has memory for it."""
        return formula

    def side_by_side(self, view: View) -> View:
        """Return the same elements, in every sample one behind the other in memory, where a target has to see to that."""
        return view

    def offered(self, hint: View | None, node: Node) -> View | None:
        """Return the hint if a part of an elementwise formula may write to it."""
        return None

    # Equations

    def named(self, target: Name | Adjoint) -> View:
        """Return the array of the name that generated code has for a quantity or a gradient."""
        quantity = self.plan.graph.quantities[target.name]
        return View(self.identifiers.of(target), quantity.shape, quantity.batched)

    def equation(self, name: str, formula: Node, hint: View | None = None) -> Node:
        """Return the lowered right-hand side of an equation."""
        return self.lower(formula, hint) if self.plan.graph.quantities[name].batched else self._shared(formula)

    def gradient(self, name: str, summands: Sequence[tuple[str, Node]], hint: View | None = None) -> Node:
        """Return the lowered gradient by a quantity; by something that samples share it adds over them."""
        axis, parts = self.plan.graph.batch_axis, []
        free = hint if len(summands) == 1 else None
        for source, formula in summands:
            parts.append(self.summed(formula, free) if axis.adds(name, (source,)) else self.lower(formula, free))
        return folded(Sum(tuple(parts)))

    def _shared(self, formula: Node) -> Node:
        """Lower what samples share: a term that reads something of theirs adds over them."""
        if isinstance(formula, Sum):
            return folded(Sum(tuple(map(self._shared, formula.terms))))
        value = self.lower(formula)
        return self.summed(formula) if varies(value) else value

    # One sample's formula

    def lower(self, node: Node, hint: View | None = None) -> Node:
        """Return the elementwise formula over arrays that is left of a formula."""
        match node:
            case Name():
                return self.known[node]
            case Adjoint():
                return self.known.get(node, ZERO)
            case View() | Number() | SampleCount() | Spelled():
                return node
            case Apply() if node.function not in functions.PRIMITIVES or node.body or operation_of(node):
                return self._applied(node, hint)
            case MatrixProduct():
                return self._matrix_product(node, hint)
            case Transposed(operand):
                view = self.view(operand)
                return view.transposed(node.order(len(view.shape)))
            case Indexed(operand, indices):
                return self.view(operand).part(indices)
            case Placed(operand, indices, shape):
                return self.joined("placed", [(indices, self.lower(operand))], shape, 0, hint)
            case Stack(items):
                parts: list[Part] = [((place,), self.lower(item)) for place, item in enumerate(items)]
                return self.joined("stack", parts, self.shape(node), 0, hint)
            case Repeated(operand, axis):
                return self.repeat(self.lower(operand), axis, len(self.shape(operand)))
            case _ if is_elementwise(node):
                return self.elementwise(node, hint)
        raise TypeError(f"no rule for {type(node).__name__}")

    def shape(self, node: Node) -> Shape:
        """Return the shape of a formula in one sample."""
        if any(isinstance(part, View | Spelled) for part in walk(node)):
            views: dict[str, Shape] = {}

            def named(part: Node) -> Node | None:
                if isinstance(part, View):
                    views[f" {len(views)}"] = part.shape
                    return Name(f" {len(views) - 1}")
                return ONE if isinstance(part, Spelled) else None

            return shape_of(rewrite(node, named), collections.ChainMap(views, self._shapes), "")
        return shape_of(node, self._shapes, "")

    def view(self, node: Node) -> View:
        """Return a formula as an array of its whole shape."""
        return self.array(self.lower(node), self.shape(node))

    def elementwise(self, node: Node, hint: View | None = None) -> Node:
        """Lower the parts of an elementwise formula."""
        return accurate(folded(map_children(node, lambda child: self.lower(child, self.offered(hint, child)))))

    def _applied(self, node: Apply, hint: View | None) -> Node:
        row = operation_of(node)
        if row is not None:
            return self._reduced(node, row, hint) if row.is_reduction else self._operation(node, row, hint)
        if node.function in ("step", functions.CONSTANT, "log1p", "expm1", "erfc"):
            return self.elementwise(node, hint)
        return self.activation(node, hint)

    def _reduced(self, node: Apply, row: ArrayOperation, hint: View | None) -> Node:
        (argument,) = node.arguments
        shape, value = self.shape(argument), self.lower(argument)
        axes = tuple(axis + varies(value) for axis in axes_of(node, len(shape)))
        return self.reduction(row, value, shape, axes, hint)

    def repeat(self, value: Node, axis: int, rank: int) -> Node:
        """Return a lowered formula with a new axis, along which it is repeated; `rank` counts the axes that it has."""
        if isinstance(value, View):
            return value.with_axis(axis)
        if not any(isinstance(part, View) for part in walk(value)):
            return value
        written = len(self.shape(value))
        return rewrite(value, lambda part: spread(part, axis, written) if isinstance(part, View) else None)

    def _operation(self, node: Apply, row: ArrayOperation, hint: View | None) -> Node:
        """Return an operation of arrays: its definition between the arrays of its arguments, or these in their places."""
        if row.places is not None:
            shape, shapes = self.shape(node), [self.shape(part) for part in node.arguments]
            parts = zip(row.places(node, shapes), map(self.lower, node.arguments), strict=True)
            return self.joined(node.function, tuple(parts), shape, axes_of(node, len(shape))[0], hint)
        if row.source is not None:
            return self.side_by_side(self.view(node.arguments[0])).reshaped(self.shape(node))
        views = tuple(map(self.view, node.arguments))
        called = self.called(row, node, views)
        if called is not None:
            return called
        assert row.definition is not None
        definition = row.definition(replace(node, arguments=views), [view.shape for view in views])
        return self.lower(self.shared(definition), hint)

    def _matrix_product(self, node: MatrixProduct, hint: View | None) -> Node:
        """Return a product whose sides have their samples first: a row for each sample where the formula has a column."""
        left, right = self.view(node.left), self.view(node.right)
        if max(len(left.shape), len(right.shape)) > len(("row", "column")):
            return self._stacked_product(left, right, self.shape(node), hint)
        shape, dropped = left.shape[:-1] + right.shape[1:], None
        match (len(left.shape), left.varies), (len(right.shape), right.varies):
            case (1, True), (1, True):
                return self.reduction(_SUM, Hadamard((left, right)), left.shape, (1,), hint)
            case (1, False), (1, True):
                left, right = right, left
            case (2, False), (1, True):
                left, right = right, left.transposed()
            case (2, True), (1, True):
                right, dropped = right.with_axis(1), 1
            case (1, True), (2, True):
                left, dropped = left.with_axis(0), 0
        return self.product(left, right, shape, dropped, hint)

    def _stacked_product(self, left: View, right: View, shape: Shape, hint: View | None) -> View:
        """Return products of matrices behind each other; a vector is one row, or one column, which is dropped again."""
        dropped = None
        if len(left.shape) == 1:
            left, dropped = left.with_axis(0), len(shape) - 1
        elif len(right.shape) == 1:
            right, dropped = right.with_axis(1), len(shape)
        rank = max(len(left.shape), len(right.shape))
        sides = (aligned(side, rank) for side in (left, right))
        first, second = (side for side in sides if isinstance(side, View))
        return self.product(first, second, shape, dropped, hint)

    # Sums over the samples

    def summed(self, node: Node, hint: View | None = None) -> Node:
        """Return the sum of a formula over the samples; what is alike in all of them is counted as often as there are."""
        match node:
            case Negative(operand):
                return folded(Negative(self.summed(operand)))
            case Product(factors):
                lowered = [(factor, varies(self.lower(factor))) for factor in factors]
                if [is_varying for _, is_varying in lowered].count(True) == 1:
                    parts = (self.summed(each) if is_varying else self.lower(each) for each, is_varying in lowered)
                    return folded(Product(tuple(parts)))
            case Apply("outer", (left, right)):
                first, second = self.view(left), self.view(right)
                if first.varies and second.varies:
                    return self.product(first.rows().transposed(), second.rows(), self.shape(node), None, hint)
            case Apply("sum", (argument,), axis=None) if varies(value := self.lower(argument)):
                shape = self.shape(argument)
                return self.reduction(_SUM, value, shape, tuple(range(len(shape) + 1)), hint)
        value = self.lower(node)
        if not varies(value):
            return folded(Product((self._count, value)))
        return self.reduction(_SUM, value, self.shape(node), (0,), hint)

    @property
    def _count(self) -> Node:
        """The number of samples."""
        samples = self.plan.graph.samples
        return samples if isinstance(samples, SampleCount) else Number(Fraction(self.plan.graph.batch_axis.size))
