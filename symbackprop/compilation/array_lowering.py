"""Lowering into prepared memory: operations on arrays of all samples (`symbackprop.compilation.operations`).

Every operation writes into an array of its own, which is made once; what occurs twice is computed once.
"""

from __future__ import annotations

import collections
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from symbackprop.algebra import functions
from symbackprop.algebra.broadcasting import Shape
from symbackprop.algebra.folding import folded
from symbackprop.algebra.formula import ZERO, Adjoint, Apply, Name, Negative, Node, Number, Product, rewrite, walk
from symbackprop.algebra.operation_rows import ArrayOperation
from symbackprop.compilation.identifiers import Identifiers
from symbackprop.compilation.lowering import Lowering, Part
from symbackprop.compilation.operations import Copy, Elementwise, Multiply, Operation, Reduce, View, aligned, varies
from symbackprop.compilation.plan import Plan


class ArrayLowering(Lowering):
    """The operations that some assignments take, collected as they are lowered.

    `arrays` holds the shape of every array that the operations write, of one sample, and whether it varies.
    """

    def __init__(self, plan: Plan, identifiers: Identifiers) -> None:
        super().__init__(plan, identifiers)
        self.operations: list[Operation] = []
        self.arrays: dict[str, tuple[Shape, bool]] = {}
        self.outputs: set[str] = set()
        self._computed: dict[Node, View] = {}

    def given(self, name: str) -> View:
        """Introduce a quantity that the code is called with."""
        self.known[Name(name)] = view = self.named(Name(name))
        return view

    def define(self, target: Name | Adjoint, formula: Node) -> None:
        """Lower `target = formula`; a target that is a constant or another array takes no operation."""
        hint = self.named(target)
        value = self.equation(target.name, formula, hint)
        self.known[target] = value if isinstance(value, Number) else self.array(value, hint.shape, hint)

    def define_gradient(self, target: Adjoint, summands: tuple[tuple[str, Node], ...], out: View | None = None) -> None:
        """Lower a gradient, into the array `out` where there is one."""
        hint = out or self.named(target)
        if out is not None:
            self.outputs.add(out.array)
        value = self.gradient(target.name, summands, hint)
        if out is not None:
            self.write(value, out)
            value = out
        elif not isinstance(value, Number):
            value = self.array(value, hint.shape, hint)
        self.known[target] = value

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
        if hint is not None and hint.varies > is_varying and hint.array in self.outputs:
            hint = None  # it has room for every sample, whatever differs between them
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

    def shared(self, formula: Node) -> Node:
        """Return a formula with arrays for the applications that occur twice in it, the outermost of them."""
        often: collections.Counter[Node] = collections.Counter(
            part for part in walk(formula) if isinstance(part, Apply)
        )
        return rewrite(formula, lambda part: self.view(part) if often[part] > 1 else None)

    def offered(self, hint: View | None, node: Node) -> View | None:
        """Return the hint if nothing has been written to it and a part of a formula fills it."""
        is_free = hint is not None and hint.array not in self.arrays and self.shape(node) == hint.shape
        return hint if is_free else None

    def side_by_side(self, view: View) -> View:
        """Return a copy of a part of an array or of a transposed one; a whole array lies in order already."""
        if _WHOLE.fullmatch(view.index):
            return view
        if view not in self._computed:
            self._computed[view] = self._fresh(view.shape, view.varies)
            self.operations.append(Copy(self._computed[view], view))
        return self._computed[view]

    def product(self, left: View, right: View, shape: Shape, dropped: int | None, hint: View | None) -> View:
        """Return the array that a product is written to."""
        target = self._fresh(shape, left.varies or right.varies, hint)
        self.operations.append(Multiply(target if dropped is None else target.with_axis(dropped), left, right))
        return target

    def reduction(
        self, row: ArrayOperation, value: Node, shape: Shape, axes: tuple[int, ...], hint: View | None
    ) -> Node:
        """Return the reduction, a constant factor in front of what is added taken out."""
        if row.weight is None:
            return self._reduce(row.reduces, self.array(value, shape), axes, hint)
        factor, rest = (Fraction(1), value) if isinstance(value, View) else _coefficient(value)
        operand = self.array(rest, shape)
        counted = [axis - operand.varies for axis in axes]
        if -1 not in counted:  # the samples are added as they are
            factor *= row.weight(math.prod(operand.shape[axis] for axis in counted))
        total = self._reduce("add", operand, axes, hint if factor == 1 else None)
        return folded(Product((Number(factor), total)))

    def _reduce(self, function: str, operand: View, axes: tuple[int, ...], hint: View | None = None) -> View:
        key = Apply(function, (operand,), settings=tuple(("axis", Fraction(axis)) for axis in axes))
        if key in self._computed:
            return self._computed[key]
        is_varying = operand.varies and 0 not in axes
        kept = tuple(length for axis, length in enumerate(operand.shape) if axis + operand.varies not in axes)
        target = self._fresh(kept, is_varying, hint)
        self.operations.append(Reduce(target, function, operand, axes))
        if hint is None:  # what is hinted at may be overwritten
            self._computed[key] = target
        return target

    def joined(self, kind: str, parts: Sequence[Part], shape: Shape, axis: int, hint: View | None) -> View:
        """Return the array to whose parts the formulas are written."""
        target = self._fresh(shape, any(varies(value) for _, value in parts), hint)
        if kind == "placed":
            self.operations.append(Copy(target, ZERO))
        for indices, value in parts:
            self.write(value, target.part(indices, is_written=True))
        return target

    def activation(self, node: Apply, hint: View | None) -> Node:
        """Return an activation by its form for floats: that of one element, over arguments that are lowered before."""
        lowered = tuple(map(self.lower, node.arguments))
        return self.lower(functions.stable_form(replace(node, arguments=lowered)), hint)


_WHOLE = re.compile(r"(\.reshape\([^)]*\))*")
"""The index of an array of which no number is left out, in the order of memory."""


def _coefficient(node: Node) -> tuple[Fraction, Node]:
    """Return the constant factor of a formula and the rest."""
    match node:
        case Negative(operand):
            factor, rest = _coefficient(operand)
            return -factor, rest
        case Product((Number(value), *rest_factors)):
            return value, folded(Product(tuple(rest_factors)))
    return Fraction(1), node
