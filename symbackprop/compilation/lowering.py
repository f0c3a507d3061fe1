"""From formulas between arrays of one sample to operations on arrays of all samples.

What is elementwise stays a formula; what is not becomes operations (`symbackprop.compilation.operations`). Every operation
writes into an array of its own, which is made once; what occurs twice is computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from symbackprop.algebra import functions
from symbackprop.algebra.folding import folded
from symbackprop.algebra.formula import (
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
    Quotient,
    Repeated,
    Span,
    Stack,
    Sum,
    Transposed,
    map_children,
    rewrite,
    walk,
)
from symbackprop.algebra.shapes import Shape, axis_of, broadcast, indexed, is_elementwise, is_reduction, shape_of
from symbackprop.arithmetic.python_code import Spelled, accurate
from symbackprop.compilation.identifiers import Identifiers
from symbackprop.compilation.operations import (
    Copy,
    Elementwise,
    Multiply,
    Operation,
    Reduce,
    View,
    aligned,
    spread,
    varies,
)
from symbackprop.compilation.plan import Plan


@dataclass
class Lowering:
    """The operations that some assignments take, collected as they are lowered.

    `arrays` holds the shape of every array that the operations write, of one sample, and whether it varies.
    """

    plan: Plan
    identifiers: Identifiers
    operations: list[Operation] = field(default_factory=list)
    arrays: dict[str, tuple[Shape, bool]] = field(default_factory=dict)
    known: dict[Node, Node] = field(default_factory=dict)
    outputs: set[str] = field(default_factory=set)
    _computed: dict[Node, View] = field(default_factory=dict)

    def given(self, name: str) -> View:
        """Introduce a quantity that the code is called with."""
        quantity = self.plan.graph.quantities[name]
        view = View(self.identifiers.of(Name(name)), quantity.shape, quantity.batched)
        self.known[Name(name)] = view
        return view

    def define(self, target: Name | Adjoint, formula: Node) -> None:
        """Lower `target = formula`; a target that is a constant or another array takes no operation."""
        quantity = self.plan.graph.quantities[target.name]
        hint = View(self.identifiers.of(target), quantity.shape, quantity.batched)
        value = self.lower(formula, hint) if quantity.batched else self._shared(formula)
        if not isinstance(value, Number):
            value = self.array(value, quantity.shape, hint)
        self.known[target] = value

    def define_gradient(self, target: Adjoint, summands: tuple[tuple[str, Node], ...], out: View | None = None) -> None:
        """Lower a gradient, into the array `out` where there is one; by something that samples share it adds over them."""
        quantity = self.plan.graph.quantities[target.name]
        hint = out or View(self.identifiers.of(target), quantity.shape, quantity.batched)
        parts = []
        for source, formula in summands:
            adds = self.plan.graph.quantities[source].batched and not quantity.batched
            free = hint if len(summands) == 1 else None
            parts.append(self.summed(formula, free) if adds else self.lower(formula, free))
        value = folded(Sum(tuple(parts)))
        if out is not None:
            self.outputs.add(out.array)
            self.write(value, out)
        elif not isinstance(value, Number):
            value = self.array(value, quantity.shape, hint)
        self.known[target] = value if out is None else out

    def _shared(self, formula: Node) -> Node:
        """Lower what samples share: a term that reads something of theirs adds over them."""
        if isinstance(formula, Sum):
            return folded(Sum(tuple(map(self._shared, formula.terms))))
        value = self.lower(formula)
        return self.summed(formula) if varies(value) else value

    def write(self, value: Node, target: View) -> None:
        """Write a lowered formula into an array; nothing where the array is it already."""
        value = aligned(value, len(target.shape))
        if not isinstance(value, View | Number):
            self.operations.append(Elementwise(target, value))
        elif value != target:
            self.operations.append(Copy(target, value))

    def array(self, value: Node, shape: Shape, hint: View | None = None) -> View:
        """Return a lowered formula as an array of that shape, computed once however often it is asked for."""
        if isinstance(value, View) and value.shape == shape:
            return value
        value = aligned(value, len(shape))
        if value in self._computed and self._computed[value].shape == shape:
            return self._computed[value]
        target = self._fresh(shape, varies(value), hint)
        self.write(value, target)
        if target not in set(walk(value)):
            self._computed[value] = target
        return target

    def _fresh(self, shape: Shape, is_varying: bool, hint: View | None = None) -> View:
        """Return an array that nothing has been written to: the one hinted at, where it is free and fits."""
        if hint is not None and hint.shape == shape and (hint.varies or not is_varying):
            target = replace(hint, varies=is_varying)
            if self.arrays.get(target.array, (shape, is_varying)) == (shape, is_varying):
                self.arrays[target.array] = (shape, is_varying)
                return target
        target = View(self.identifiers.fresh(f"t{len(self.arrays) + 1}"), shape, is_varying)
        self.arrays[target.array] = (shape, is_varying)
        return target

    def needed(self, wanted: Iterable[View]) -> list[Operation]:
        """Return the operations that the wanted arrays and the outputs take, in order."""
        live = {*self.outputs, *(view.array for view in wanted)}
        found: list[Operation] = []
        for operation in reversed(self.operations):
            if operation.target.array in live:
                found.append(operation)
                live.update(part.array for part in operation.reads())
        return found[::-1]

    # One sample's formula

    def lower(self, node: Node, hint: View | None = None) -> Node:
        """Return the elementwise formula over views that is left of a formula; the rest has become operations.

        `hint` is an array that the outermost operation may write to.
        """
        if isinstance(node, Name | Adjoint):
            return self.known[node] if isinstance(node, Name) else self.known.get(node, ZERO)
        if isinstance(node, View | Number | Spelled):
            return node
        if isinstance(node, Apply) and (node.function not in functions.PRIMITIVES or is_reduction(node) or node.body):
            return self._applied(node, hint)
        if is_elementwise(node):
            return self._elementwise(node, hint)
        return _RULES[type(node)](self, node, hint)

    def shape(self, node: Node) -> Shape:
        """Return the shape of a formula in one sample."""
        if any(isinstance(part, View | Spelled) for part in walk(node)):
            whole: Shape = ()
            for part in walk(node):
                whole = broadcast(whole, part.shape, "") if isinstance(part, View) else whole
            return whole
        return shape_of(node, self.plan.graph.shapes, "")

    def view(self, node: Node) -> View:
        """Return a formula as an array of its whole shape."""
        return self.array(self.lower(node), self.shape(node))

    def _elementwise(self, node: Node, hint: View | None) -> Node:
        """Lower the parts; the hint goes to the first that can write to it."""
        parts = []
        for child in node:
            free = (
                hint if hint is not None and hint.array not in self.arrays and self.shape(child) == hint.shape else None
            )
            parts.append(self.lower(child, free))
        remaining = iter(parts)
        return accurate(folded(map_children(node, lambda child: next(remaining))))

    def _applied(self, node: Apply, hint: View | None) -> Node:
        if is_reduction(node):
            return self._reduced(node, hint)
        if not node.body and functions.is_vector(node.function):
            return self._softmax(node)
        rule = _FUNCTIONS.get(node.function)
        if rule is not None:
            return rule(self, node, hint)
        if node.function in ("step", functions.CONSTANT, "log1p", "expm1", "erfc"):
            return self._elementwise(node, hint)
        stable = functions.stable_form(node)
        return self.lower(stable, hint)

    def _reduced(self, node: Apply, hint: View | None) -> Node:
        (argument,) = node.arguments
        shape = self.shape(argument)
        axis = axis_of(node, len(shape), "")
        axes = tuple(range(len(shape))) if axis is None else (axis,)
        whole = self.lower(argument)
        if node.function not in functions.EXTREMES and not isinstance(whole, View):
            return self._added(node, whole, shape, axes, hint)
        operand = self.array(whole, shape)
        return self._counted(node, self._reduce(node.function, operand, axes, hint), shape, axes)

    def _added(self, node: Apply, whole: Node, shape: Shape, axes: tuple[int, ...], hint: View | None) -> Node:
        """Return a sum of elements, a constant factor in front of them taken out."""
        factor, rest = _coefficient(whole)
        total = self._reduce("sum", self.array(rest, shape), axes, hint if factor == 1 else None)
        return self._counted(node, folded(Product((Number(factor), total))), shape, axes)

    def _counted(self, node: Apply, total: Node, shape: Shape, axes: tuple[int, ...]) -> Node:
        if node.function != "mean":
            return total
        count = 1
        for axis in axes:
            count *= shape[axis]
        return folded(Product((Number(Fraction(1, count)), total)))

    def _reduce(self, function: str, operand: View, axes: tuple[int, ...], hint: View | None = None) -> Node:
        """Return the reduction of an array over axes of one sample."""
        function = "sum" if function == "mean" else function
        places = tuple(axis + operand.varies for axis in axes)
        key = Apply(function, (operand,), settings=tuple(("axis", Fraction(place)) for place in places))
        if key in self._computed:
            return self._computed[key]
        kept = tuple(length for axis, length in enumerate(operand.shape) if axis not in axes)
        target = self._fresh(kept, operand.varies, hint)
        self.operations.append(Reduce(target, function, operand, places))
        if hint is None:  # what is hinted at may be overwritten
            self._computed[key] = target
        return target

    def _softmax(self, node: Apply) -> Node:
        """Return exp(z − max z) over its sum, along the axis."""
        (argument,) = node.arguments
        shape = self.shape(argument)
        axis = axis_of(node, len(shape), "") or 0
        z = self.view(argument)
        largest = self._repeat(self._reduce("max", z, (axis,)), axis)
        powers = self.array(Apply("exp", (Sum((z, Negative(largest))),)), shape)
        return Quotient(powers, self._repeat(self._reduce("sum", powers, (axis,)), axis))

    def _repeat(self, node: Node, axis: int) -> Node:
        """Return a lowered formula with a new axis, along which it is repeated."""
        if isinstance(node, View):
            return node.with_axis(axis)
        if not any(isinstance(part, View) for part in walk(node)):
            return node
        rank = len(self.shape(node))
        return rewrite(node, lambda part: spread(part, axis, rank) if isinstance(part, View) else None)

    def _repeated(self, node: Repeated, hint: View | None) -> Node:
        return self._repeat(self.lower(node.operand), node.axis)

    def _transposed(self, node: Transposed, hint: View | None) -> Node:
        return self.view(node.operand).transposed()

    def _indexed(self, node: Indexed, hint: View | None) -> Node:
        operand = self.view(node.operand)
        return self._part(operand, node.indices)

    def _placed(self, node: Placed, hint: View | None) -> Node:
        inner = self.lower(node.operand)
        target = self._fresh(node.shape, varies(inner), hint)
        self.operations.append(Copy(target, ZERO))
        part = self._part(target, node.indices)
        self.write(inner, part)
        return target

    def _part(self, target: View, indices: tuple[int | Span, ...]) -> View:
        """Return the view of a part of an array; `...` keeps one element an array that can be written to."""
        shape = indexed(target.shape, indices, "")
        places = [":"] * target.varies + [_spelled(index) for index in indices] + ["..."] * (shape == ())
        return replace(target, shape=shape, index=f"{target.index}[{', '.join(places)}]")

    def _stacked(self, node: Stack, hint: View | None) -> Node:
        inner = [self.lower(item) for item in node.items]
        target = self._fresh(self.shape(node), any(map(varies, inner)), hint)
        for position, value in enumerate(inner):
            self.write(value, self._part(target, (position,)))
        return target

    def _concatenated(self, node: Apply, hint: View | None) -> Node:
        inner = [self.lower(part) for part in node.arguments]
        shape = self.shape(node)
        axis = axis_of(node, len(shape), "") or 0
        target = self._fresh(shape, any(map(varies, inner)), hint)
        start = 0
        for value, part in zip(inner, node.arguments, strict=True):
            stop = start + self.shape(part)[axis]
            self.write(value, self._part(target, (*(Span(None, None),) * axis, Span(start, stop))))
            start = stop
        return target

    def _outer(self, node: Apply, hint: View | None) -> Node:
        left, right = map(self.view, node.arguments)
        return Hadamard((left.with_axis(1), right.with_axis(0)))

    def _dot(self, node: Apply, hint: View | None) -> Node:
        return self._matrix_product(MatrixProduct(*node.arguments), hint)

    def _matrix_product(self, node: MatrixProduct, hint: View | None) -> Node:
        left, right = self.view(node.left), self.view(node.right)
        ranks = len(left.shape), len(right.shape)
        if ranks == (1, 1):
            factor = self.array(Hadamard((left, right)), left.shape)
            return self._reduce("sum", factor, (0,), hint)
        shape = left.shape[:-1] + right.shape[1:]
        target = self._fresh(shape, left.varies or right.varies, hint)
        result = target
        if ranks == (2, 1) and right.varies:
            if left.varies:
                right, target = right.with_axis(1), target.with_axis(1)
            else:
                left, right = right, left.transposed()
        elif ranks == (1, 2) and left.varies and right.varies:
            left, target = left.with_axis(0), target.with_axis(0)
        self.operations.append(Multiply(target, left, right))
        return result

    # Sums over the samples

    def summed(self, node: Node, hint: View | None = None) -> Node:
        """Return the sum of a formula over the samples; what is alike in all of them is counted as often as there are."""
        match node:
            case Negative(operand):
                return folded(Negative(self.summed(operand)))
            case Product(factors):
                lowered = [(factor, varies(self.lower(factor))) for factor in factors]
                if [is_varying for _, is_varying in lowered].count(True) == 1:
                    return folded(
                        Product(
                            tuple(self.summed(each) if is_varying else self.lower(each) for each, is_varying in lowered)
                        )
                    )
            case Apply("outer", (left, right)):
                views = self.view(left), self.view(right)
                if views[0].varies and views[1].varies:
                    target = self._fresh(self.shape(node), False, hint)
                    self.operations.append(Multiply(target, replace(views[0], index=views[0].index + ".T"), views[1]))
                    return target
            case Apply("sum", (argument,), axis=None) if varies(whole := self.lower(argument)):
                factor, rest = _coefficient(whole)
                shape = self.shape(argument)
                return self._total(factor, self.array(rest, shape), tuple(range(len(shape) + 1)), hint)
        value = self.lower(node)
        if not varies(value):
            return folded(Product((Number(Fraction(self.plan.graph.batch_axis.size)), value)))
        factor, rest = _coefficient(value)
        return self._total(factor, self.array(rest, self.shape(node)), (0,), hint)

    def _total(self, factor: Fraction, operand: View, axes: tuple[int, ...], hint: View | None) -> Node:
        """Return a constant times the sum of an array over axes of which the first is that of the samples."""
        shape = operand.shape if len(axes) == 1 else ()
        target = self._fresh(shape, False, hint if factor == 1 else None)
        self.operations.append(Reduce(target, "sum", operand, axes))
        return folded(Product((Number(factor), target)))


def _coefficient(node: Node) -> tuple[Fraction, Node]:
    """Return the constant factor of a formula and the rest."""
    match node:
        case Negative(operand):
            factor, rest = _coefficient(operand)
            return -factor, rest
        case Product((Number(value), *rest_factors)):
            return value, folded(Product(tuple(rest_factors)))
    return Fraction(1), node


def _spelled(index: int | Span) -> str:
    if isinstance(index, int):
        return str(index)
    return f"{'' if index.start is None else index.start}:{'' if index.stop is None else index.stop}"


Rule = Callable[[Lowering, Any, View | None], Node]

_RULES: Mapping[type[Node], Rule] = {
    MatrixProduct: Lowering._matrix_product,
    Transposed: Lowering._transposed,
    Indexed: Lowering._indexed,
    Placed: Lowering._placed,
    Stack: Lowering._stacked,
    Repeated: Lowering._repeated,
}
_FUNCTIONS: Mapping[str, Rule] = {"outer": Lowering._outer, "dot": Lowering._dot, "concat": Lowering._concatenated}
