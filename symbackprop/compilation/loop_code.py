"""Loops over numbers in one memory: what operations between arrays are to a compiler of machine code.

All arrays lie one behind the other in one array `memory`, so that the compiler knows how far they are apart. Elementwise
formulas that pass over the same numbers share their loops; what one has computed the next reads without memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from symbackprop.algebra.broadcasting import Shape
from symbackprop.algebra.formula import Node, SampleCount, rewrite, walk
from symbackprop.arithmetic.python_code import SCALARS, Dialect, Spelled, accurate, factored, printed
from symbackprop.compilation.operations import Copy, Elementwise, Multiply, Operation, Reduce, View
from symbackprop.compilation.strides import Strided, nested, strided

_INDENT = "    "

DIALECTS = {"float64": SCALARS, "float32": replace(SCALARS, number=lambda value: f"number({value!r})")}
"""By number type: a float64 among float32 would make all of it float64."""

_REDUCTIONS: Mapping[str, tuple[float, str]] = {
    "add": (0.0, "{0} + {1}"),
    "multiply": (1.0, "{0}*{1}"),
    "maximum": (-math.inf, "({1} if {1} > {0} or {1} != {1} else {0})"),
    "minimum": (math.inf, "({1} if {1} < {0} or {1} != {1} else {0})"),
    "logaddexp": (
        -math.inf,
        "({0} + log(number(2.0)) if {0} == {1} else max({0}, {1}) + log1p(exp(-abs({0} - {1}))))",
    ),
}
"""By NumPy's function of two: what it leaves as it is, and its code; NaN stays NaN."""


def spelled(length: int) -> str:
    """Return the code of a length.

    >>> spelled(3), spelled(-1), spelled(-3)
    ('3', 'samples', 'samples*3')
    """
    return str(length) if length >= 0 else "samples" if length == -1 else f"samples*{-length}"


@dataclass(frozen=True, slots=True)
class Syntax:
    """How loops over numbers are written in a language.

    `dialect` has the functions of numbers. `address` writes a number of an array from the array and the summands of its
    place, `loop` one over an index from 0 up to a length, as the lines before and behind its body. `declared` writes a name
    with its only value, `begun` one that goes on to change, `assigned` another value of a name or a place. `joins` are
    templates for what a reduction joins, by NumPy's function of two, where the language has its own. `samples` is their
    number as a float.
    """

    dialect: Dialect
    address: Callable[[str, Sequence[str]], str]
    loop: Callable[[str, str], tuple[str, str]]
    declared: str = "{} = {}"
    begun: str = "{} = {}"
    assigned: str = "{} = {}"
    joins: Mapping[str, str] = field(default_factory=dict)
    infinity: Callable[[float], str] = "number({!r})".format
    samples: str = "number(samples)"


def _python(dtype: str) -> Syntax:
    return Syntax(
        DIALECTS[dtype],
        lambda array, terms: f"memory[at({' + '.join([array, *terms])})]",
        lambda name, length: (f"for {name} in range({length}):", ""),
    )


PYTHON: Mapping[str, Syntax] = {dtype: _python(dtype) for dtype in DIALECTS}
"""Python for a compiler of machine code, by number type: all arrays in one memory."""

Step = tuple[View, Node]
"""The target of an elementwise formula, and the formula."""


class LoopWriter:
    """Writes operations as nested loops; `arrays` says where each array lies, `fresh` gives an identifier of its own.

    `zeros` are arrays to which the lines add, so that they have to be filled with zeros beforehand.
    """

    def __init__(self, arrays: Mapping[str, Strided], syntax: Syntax, fresh: Callable[[str], str]) -> None:
        self.arrays, self.syntax, self.dialect, self.fresh = arrays, syntax, syntax.dialect, fresh
        self.zeros: set[str] = set()
        self._written: set[str] = set()
        self._counts: dict[str, int] = {}
        self._loops: list[str] = []

    def lines(self, operations: Iterable[Operation]) -> list[str]:
        """Return the lines of some operations, which follow one another."""
        found: list[str] = []
        waiting: list[Step] = []
        for operation in operations:
            match operation:
                case Elementwise(target, formula) | Copy(target, formula):
                    if not self._joins(waiting, target, formula):
                        found += self._passed(waiting)
                        waiting = []
                    waiting.append((target, formula))
                case Multiply() | Reduce():
                    found += self._passed(waiting)
                    waiting = []
                    found += (
                        self._multiplied(operation) if isinstance(operation, Multiply) else self._reduced(operation)
                    )
                    self._written.add(operation.target.array)
        return found + self._passed(waiting)

    def place(self, view: View) -> Strided:
        """Return where the numbers of a view lie."""
        return strided(view, self.arrays[view.array])

    # Elementwise

    def _joins(self, earlier: Sequence[Step], target: View, formula: Node) -> bool:
        """Say whether a formula can be computed in the pass of earlier ones.

        It has to pass over as many numbers, and where one of them writes an array that another one reads or writes, both
        have to mean the same number of it.
        """
        lengths = self.place(target).lengths
        if earlier and self.place(earlier[0][0]).lengths != lengths:
            return False
        written = {self._meant(view, lengths) for view, _ in earlier}
        read = {self._meant(view, lengths) for _, each in earlier for view in _views(each)}
        own, given = self._meant(target, lengths), {self._meant(view, lengths) for view in _views(formula)}
        pairs = [(own, other) for other in written | read] + [(one, other) for one in given for other in written]
        return all(one == other for one, other in pairs if one[0] == other[0])

    def _meant(self, view: View, lengths: Shape) -> tuple[str, Shape, int]:
        """Return which numbers of which array a pass reads or writes."""
        place = self.place(view)
        return place.array, place.along(lengths), place.offset

    def _passed(self, steps: Sequence[Step]) -> list[str]:
        """Return the lines of one pass."""
        if not steps:
            return []
        self._written.update(target.array for target, _ in steps)
        lengths = self.place(steps[0][0]).lengths
        views = list(dict.fromkeys(view for target, formula in steps for view in (target, *_views(formula))))
        loops, strides = nested(lengths, [self.place(view).along(lengths) for view in views])
        names = self._indices(len(loops))
        texts = {view: self._address(self.place(view), names, own) for view, own in zip(views, strides, strict=True)}
        read = {texts[view] for _, formula in steps for view in _views(formula)}
        body: list[str] = []
        known: dict[str, str] = {}
        for target, formula in steps:
            *before, text = self._statements(formula, lambda view: known.get(texts[view], texts[view]))
            body += before
            if texts[target] in read:
                known[texts[target]] = self._name("v")
                body.append(self.syntax.declared.format(known[texts[target]], text))
                text = known[texts[target]]
            body.append(self.syntax.assigned.format(texts[target], text))
        return self.in_loops(names, loops, body)

    def _statements(self, formula: Node, spelled_view: Callable[[View], str]) -> Iterator[str]:
        """Yield assignments to what is costly and occurs twice in a formula, and at last what the formula is then."""

        def text(node: Node) -> str:
            return printed(
                accurate(node), lambda part: spelled_view(part) if isinstance(part, View) else None, self.dialect
            )

        counted = rewrite(formula, lambda part: Spelled(self.syntax.samples) if isinstance(part, SampleCount) else None)
        ((before, value),) = factored([accurate(counted)], lambda number: self._name("e"))
        yield from (self.syntax.declared.format(name, text(inner)) for name, inner in before)
        yield text(value)

    # Products and sums

    def _multiplied(self, operation: Multiply) -> list[str]:
        """Return the lines of a matrix product, by the rules of NumPy's matmul."""
        target, left, right = map(self.place, (operation.target, operation.left, operation.right))
        result = list(zip(target.lengths, target.strides, strict=True))
        columns = list(zip(right.lengths, right.strides, strict=True))
        rows = list(zip(left.lengths, left.strides, strict=True))
        column = columns.pop() if len(columns) > 1 else (1, 0)
        (length, right_step), (_, left_step) = columns.pop(), rows.pop()
        row = rows.pop() if rows else (1, 0)
        ends = [(result.pop()[1] if len(side.lengths) > 1 else 0) for side in (right, left)]
        stack = tuple(each for each, _ in result)
        before = [
            Strided("", tuple(n for n, _ in axes), tuple(n for _, n in axes)).along(stack) for axes in (rows, columns)
        ]
        accesses = [
            (*(step for _, step in result), ends[1], ends[0], 0),
            (*before[0], row[1], 0, left_step),
            (*before[1], 0, column[1], right_step),
        ]
        lengths = (*stack, row[0], column[0], length)
        return self._accumulated((target, left, right), lengths, accesses, "add")

    def _reduced(self, operation: Reduce) -> list[str]:
        """Return the lines of a reduction."""
        target, operand = self.place(operation.target), self.place(operation.operand)
        kept = iter(target.strides)
        strides = tuple(0 if axis in operation.axes else next(kept) for axis in range(len(operand.lengths)))
        return self._accumulated((target, operand), operand.lengths, [strides, operand.strides], operation.function)

    def _accumulated(
        self, places: Sequence[Strided], lengths: Shape, accesses: Sequence[Shape], function: str
    ) -> list[str]:
        """Return the lines that join products over the axes along which the first place, the target, does not move.

        Where the target's numbers lie side by side they are joined in memory, a row at a time, or else each in a name.
        """
        start, joins = _REDUCTIONS[function]
        joins = self.syntax.joins.get(function, joins)
        outer = [axis for axis, stride in enumerate(accesses[0]) if lengths[axis] != 1 and stride]
        inner = [axis for axis, length in enumerate(lengths) if length != 1 and axis not in outer]
        kept, moves = nested(*_chosen(outer, lengths, accesses))
        summed, steps = nested(*_chosen(inner, lengths, accesses), first=len(accesses) - 1)
        names = self._indices(len(kept) + len(summed))
        rows, columns = names[: len(kept)], names[len(kept) :]
        both = [(*move, *step) for move, step in zip(moves, steps, strict=True)]
        to, *factors = [self._address(place, names, own) for place, own in zip(places, both, strict=True)]
        if not summed:
            return self.in_loops(rows, kept, [self.syntax.assigned.format(to, "*".join(factors))])
        is_row = bool(kept) and moves[0][-1] == 1 and any(own[-1] == 1 for own in moves[1:])
        total, value = to if is_row else self._name("s"), self._name("v")
        first = self.dialect.number(start) if math.isfinite(start) else self.syntax.infinity(start)
        begin = [(self.syntax.assigned if is_row else self.syntax.begun).format(total, first)]
        added = [
            self.syntax.declared.format(value, "*".join(factors)),
            self.syntax.assigned.format(total, joins.format(total, value)),
        ]
        if not is_row:
            inner_loops = self.in_loops(columns, summed, added)
            return self.in_loops(rows, kept, [*begin, *inner_loops, self.syntax.assigned.format(to, total)])
        is_filled = function == "add" and places[0].array not in self._written and not places[0].offset
        if is_filled:
            self.zeros.add(places[0].array)
        last = self.in_loops(rows[-1:], kept[-1:], added)
        body = self.in_loops(rows[:-1], kept[:-1], self.in_loops(columns, summed, last))
        return body if is_filled else [*self.in_loops(rows, kept, begin), *body]

    # Names

    def _indices(self, count: int) -> list[str]:
        while len(self._loops) < count:
            self._loops.append(self._name("i"))
        return self._loops[:count]

    def _name(self, letter: str) -> str:
        self._counts[letter] = self._counts.get(letter, 0) + 1
        return self.fresh(f"{letter}{self._counts[letter]}")

    def _address(self, place: Strided, names: Sequence[str], strides: Shape) -> str:
        """Return the number of a place at the indices of some loops."""
        steps = [
            name if stride == 1 else f"{stride}*{name}" for name, stride in zip(names, strides, strict=True) if stride
        ]
        offset = [str(place.offset)] * (place.offset != 0)
        return self.syntax.address(place.array, [*offset, *steps])

    def in_loops(self, names: Sequence[str], lengths: Shape, body: Sequence[str]) -> list[str]:
        """Return lines inside nested loops."""
        found = list(body)
        for name, length in zip(reversed(names), reversed(lengths), strict=True):
            before, behind = self.syntax.loop(name, spelled(length))
            found = [before, *(_INDENT + line for line in found), *([behind] if behind else [])]
        return found


def _chosen(axes: Sequence[int], lengths: Shape, accesses: Sequence[Shape]) -> tuple[Shape, list[Shape]]:
    """Return lengths and strides along some of the axes."""
    return tuple(lengths[axis] for axis in axes), [tuple(each[axis] for axis in axes) for each in accesses]


def _views(formula: Node) -> Iterator[View]:
    return (part for part in walk(formula) if isinstance(part, View))
