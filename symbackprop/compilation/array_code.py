"""NumPy code for arrays of any size: every operation writes into an array that was made beforehand.

Elementwise formulas become a chain of NumPy's functions, each with `out=`. Partial results stand in the array that the
formula is for, as long as nothing else is read from it, or in registers that the formulas share.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Collection, Mapping, Sequence
from fractions import Fraction
from typing import Any

from symbackprop.algebra.branches import WHERE
from symbackprop.algebra.broadcasting import Shape, broadcast
from symbackprop.algebra.formula import (
    ZERO,
    Apply,
    Hadamard,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    walk,
)
from symbackprop.algebra.functions import EXTREMES
from symbackprop.arithmetic.python_code import ARCS, HALF, SCALARS, accurate, constant, printed
from symbackprop.compilation.operations import Copy, Elementwise, Multiply, Operation, Reduce, View
from symbackprop.compilation.strides import SAMPLES

UNARY = {
    **{name: name for name in ("exp", "sqrt", "sin", "cos", "tan", "tanh", "log1p", "expm1", "erf", "erfc")},
    **ARCS,
    "ln": "log",
    "abs": "absolute",
}
"""Primitive → NumPy's function, or ours of the same signature."""

FUNCTIONS = (
    *UNARY.values(),
    *("add", "subtract", "multiply", "divide", "negative", "square", "power", "maximum", "minimum"),
    *("greater", "greater_equal", "less", "matmul", "copyto", "choose_branch"),
)
"""What the code calls."""

_FEW = 64
"""Numbers in a row whose largest is found faster in columns."""

_LARGEST_POWER = 16
"""The largest whole exponent that is written as products."""


class Writer:
    """Writes operations as lines of NumPy."""

    def __init__(self, dtype: str, fresh: Callable[[str], str]) -> None:
        """Begin; `dtype` is the number type of all arrays, `fresh` gives an identifier that nothing else has."""
        self.dtype, self.fresh = dtype, fresh
        self.registers: dict[str, Shape] = {}
        self.aliases: dict[str, str] = {}
        self._spare: dict[str, Shape] = {}
        self._free: dict[Shape, list[str]] = {}
        self._lines: list[str] = []

    def namespace(self) -> Mapping[str, Any]:
        """Return what the lines call besides NumPy's functions."""
        return {}

    def lines(self, operations: Sequence[Operation], passing: Collection[str]) -> list[str]:
        """Return the lines of some operations; `passing` names arrays that nobody reads after their last reader.

        Such an array is used again there: for the result, which is then another name for it (`aliases`), or for a part.
        """
        self._lines = []
        last = {view.array: place for place, operation in enumerate(operations) for view in operation.reads()}
        first = {operations[place].target.array: place for place in reversed(range(len(operations)))}
        for place, operation in enumerate(operations):
            if isinstance(operation, Elementwise):
                reads = collections.Counter(view.array for view in operation.reads())
                self._spare = {
                    view.array: self.shape(view)
                    for view in operation.reads()
                    if reads[view.array] == 1 and last[view.array] == place and view.array in passing and not view.index
                }
                is_new = first[operation.target.array] == place and operation.target.array in passing
                if is_new and not operation.target.index:
                    self._join(operation.target)
            self._write(operation)
            self._spare = {}
        return self._lines

    def _join(self, target: View) -> None:
        """Make a target another name for an array of its shape that is read for the last time, if there is one."""
        for name, shape in self._spare.items():
            if shape == self.shape(target) and name != target.array:
                self.aliases[target.array] = name
                del self._spare[name]
                return

    def _memory(self, name: str) -> str:
        """Return the array whose memory a name stands for."""
        while name in self.aliases:
            name = self.aliases[name]
        return name

    def _take_spare(self, node: Node, shape: Shape) -> str | None:
        """Return an array that a part of a formula is the last to read, to write that part to."""
        for part in walk(node):
            if isinstance(part, View) and self._spare.get(part.array) == shape:
                del self._spare[part.array]
                return part.array
        return None

    def shape(self, node: Node) -> Shape:
        """Return the shape of the array that a lowered formula gives."""
        views = (part for part in walk(node) if isinstance(part, View))
        return broadcast(((SAMPLES,) * view.varies + view.shape for view in views), "")

    def _write(self, operation: Operation) -> None:
        match operation:
            case Multiply(target, left, right):
                self._lines.append(f"matmul({left.text}, {right.text}, out={target.text})")
            case Reduce(target, function, operand, axes) if self._is_short(function, operand, axes):
                turned = self.take(self.shape(operand)[::-1])
                self._lines.append(f"copyto({turned}, {operand.text}.T)")
                self._emit(f"{function}.reduce", (turned,), f"{target.text}, axis=0")
            case Reduce(target, function, operand, axes):
                axis = repr(axes[0] if len(axes) == 1 else axes)
                self._lines.append(f"{function}.reduce({operand.text}, axis={axis}, out={target.text})")
            case Copy(target, source):
                text = source.text if isinstance(source, View) else repr(float(source.value))
                self._lines.append(f"copyto({target.text}, {text})")
            case Elementwise(target, formula):
                self.elementwise(target, formula)

    def _is_short(self, function: str, operand: View, axes: tuple[int, ...]) -> bool:
        """Say whether an extreme is that of a few numbers in each of many rows, which NumPy finds row by row.

        Turned over, it takes the larger of two rows at a time, and the same number comes out.
        """
        is_extreme = function in ("maximum", "minimum")
        return is_extreme and operand.varies and axes == (1,) and len(operand.shape) == 1 and operand.shape[0] <= _FEW

    def elementwise(self, target: View, formula: Node) -> None:
        """Write one elementwise formula."""
        memory = self._memory(target.array)
        is_read = any(isinstance(part, View) and self._memory(part.array) == memory for part in walk(formula))
        self._into(formula, target.text, self.shape(target), not is_read)

    def take(self, shape: Shape) -> str:
        """Return a register of that shape."""
        free = self._free.setdefault(shape, [])
        if free:
            return free.pop()
        name = self.fresh(f"r{len(self.registers) + 1}")
        self.registers[name] = shape
        return name

    # One formula as calls, each with a place for its result

    def _into(self, node: Node, out: str, shape: Shape, free: bool) -> None:
        """Write `out = node`; `free` says that partial results may stand in `out`."""
        text = self._leaf(node)
        if text is not None:
            self._lines.append(f"copyto({out}, {text})")
            return
        match node:
            case Sum(terms):
                self._sum(terms, out, shape, free)
            case Product(factors) | Hadamard(factors):
                steps = [("multiply", factor) for factor in self._joined(factors)]
                self._fold(steps[0][1], steps[1:], out, shape, free)
            case Quotient(numerator, denominator):
                self._fold(numerator, [("divide", denominator)], out, shape, free)
            case Negative(operand):
                self._call("negative", (operand,), out, shape, free)
            case Power(base, exponent):
                self._power(base, exponent, out, shape, free)
            case Apply("step", (argument,)):
                self._step(node, argument, out, shape, free)
            case Apply(function, arguments) if function == WHERE:
                self._call("choose_branch", arguments, out, shape, free)
            case Apply(function, arguments) if function in EXTREMES:
                self._fold(arguments[0], [(f"{function}imum", each) for each in arguments[1:]], out, shape, free)
            case Apply(function, arguments):
                self._call(UNARY[function], arguments, out, shape, free)
            case _:
                raise TypeError(f"no code for {type(node).__name__}")

    def _leaf(self, node: Node) -> str | None:
        """Return what can be written where it is read: an array, a constant, or a formula of scalars."""
        if isinstance(node, View):
            return node.text
        if any(isinstance(part, View) for part in walk(node)):
            return None
        number = constant(node)
        return repr(number) if number is not None else printed(accurate(node), lambda part: None, SCALARS)

    def _operand(self, node: Node, out: str, shape: Shape, free: bool) -> str:
        """Return where a part is to be read: in `out`, if that is free and has its shape, else in a register."""
        text = self._leaf(node)
        if text is not None:
            return text
        own = self.shape(node)
        if free and own == shape:
            self._into(node, out, own, free)
            return out
        spare = self._take_spare(node, own)
        place = spare or self.take(own)
        self._into(node, place, own, spare is None)
        return place

    def _call(self, function: str, arguments: Sequence[Node], out: str, shape: Shape, free: bool) -> None:
        texts: list[str] = []
        for argument in arguments:
            texts.append(self._operand(argument, out, shape, free and out not in texts))
        self._emit(function, texts, out)

    def _emit(self, function: str, texts: Sequence[str], out: str) -> None:
        self._lines.append(f"{function}({', '.join(texts)}, out={out})")
        for text in texts:
            if text != out and text in self.registers:
                self._free[self.registers[text]].append(text)

    def _fold(self, first: Node, steps: Sequence[tuple[str, Node]], out: str, shape: Shape, free: bool) -> None:
        """Write `first`, and one function after the other of the result so far and a further part."""
        if not steps:
            self._into(first, out, shape, free)
            return
        whole, result = self.shape(first), self._operand(first, out, shape, free)
        for position, (function, node) in enumerate(steps):
            part = self._operand(node, out, shape, free and result != out)
            whole = broadcast((whole, self.shape(node)), "")
            is_last = position == len(steps) - 1
            place = out if is_last or (free and whole == shape) else self.take(whole)
            self._emit(function, (result, part), place)
            result = place

    def _sum(self, terms: Sequence[Node], out: str, shape: Shape, free: bool) -> None:
        positive = [term for term in terms if not isinstance(term, Negative)]
        if not positive:
            operands = tuple(term.operand for term in terms if isinstance(term, Negative))
            self._call("negative", (Sum(operands),), out, shape, free)
            return
        rest = list(terms)
        rest.remove(positive[0])
        steps = [("subtract", term.operand) if isinstance(term, Negative) else ("add", term) for term in rest]
        self._fold(positive[0], steps, out, shape, free)

    def _joined(self, factors: Sequence[Node]) -> list[Node]:
        """Return the factors, those that are scalars as one behind the first array."""
        arrays = [factor for factor in factors if any(isinstance(part, View) for part in walk(factor))]
        scalars = [factor for factor in factors if factor not in arrays]
        joined = [Product(tuple(scalars)) if len(scalars) > 1 else scalars[0]] if scalars else []
        return [*arrays[:1], *joined, *arrays[1:]]

    def _power(self, base: Node, exponent: Node, out: str, shape: Shape, free: bool) -> None:
        whole = int(exponent.value) if isinstance(exponent, Number) and exponent.value.denominator == 1 else 0
        if isinstance(exponent, Number) and exponent.value == HALF:
            self._call("sqrt", (base,), out, shape, free)
        elif whole == 2:
            self._call("square", (base,), out, shape, free)
        elif 2 < whole <= _LARGEST_POWER and isinstance(base, View):
            half = Power(base, Number(Fraction(whole // 2))) if whole // 2 > 1 else base
            squared = Power(half, Number(Fraction(2)))
            self._into(Product((squared, base)) if whole % 2 else squared, out, shape, free)
        else:
            self._fold(base, [("power", exponent)], out, shape, free)

    def _step(self, node: Apply, argument: Node, out: str, shape: Shape, free: bool) -> None:
        """Write a comparison: 1 where the argument is positive, `at_kink` where it is 0."""
        sides: tuple[Node, Node] = (argument, ZERO)
        match argument:
            case Negative(operand):
                sides = (ZERO, operand)
            case Sum((left, Negative(right))):
                sides = (left, right)
        if node.at_kink in (0, 1):
            self._fold(sides[0], [("greater_equal" if node.at_kink else "greater", sides[1])], out, shape, free)
            return
        above, from_it = (Apply("step", (argument,), Fraction(at)) for at in (0, 1))
        weight = Number(node.at_kink)
        other = Number(1 - node.at_kink)
        self._into(Sum((Product((other, above)), Product((weight, from_it)))), out, shape, free)
