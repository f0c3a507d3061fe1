"""Numbers put into formulas between arrays: matrix times column plus column is a column, with digits that make it true.

Of several samples what differs between them is a matrix: a row for each sample where samples are rows, else a column.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from symbackprop.algebra import functions
from symbackprop.algebra.broadcasting import Shape, indices_of
from symbackprop.algebra.formula import (
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
    Stack,
    Sum,
    added,
    rewrite,
    walk,
)
from symbackprop.algebra.shapes import shape_of
from symbackprop.arithmetic import exact
from symbackprop.catalog import optimizers
from symbackprop.derivation.array_entries import entry, reads
from symbackprop.document.blocks import Chain, ChainStep, Relation
from symbackprop.document.calculation.numerals import show
from symbackprop.document.calculation.verified_lines import array_steps
from symbackprop.document.chain_rule.chains import calculable, is_negative_delta
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.chain_rule.signs import signs_in_front
from symbackprop.document.display_nodes import Delta, Leaf, Listed, Shown, Tone
from symbackprop.document.matrix_form.products import LARGEST_STACK, MATRIX_AXES, has_slices
from symbackprop.graph.notation import setting_symbol
from symbackprop.graph.quantities import Quantity
from symbackprop.graph.scalars import Scalar

LARGEST_GRID = 36
"""Arrays with more elements are not written out."""

WIDEST_GRID = 6
"""Nor are those with more columns."""

TALLEST_GRID = 6
"""Longer vectors stand in a line."""

WIDEST_ROW = 48
"""Nor is an array put into a formula if a row of it would be wider than so many digits."""

_AROUND = 3
"""The room of a number's sign, its point and the gap to the next."""

_MOST_READ = 12
"""A formula whose entries read more numbers is left to the lines of elements."""

Cells = list[list[tuple[Shape, int | None]]]
"""The index and the sample of each entry, row by row."""


def fits(shape: Shape) -> bool:
    """Say whether an array is small enough to be written out as numbers."""
    return math.prod(shape) <= LARGEST_GRID and (len(shape) < len(("row", "column")) or shape[-1] <= WIDEST_GRID)


@dataclass(frozen=True, slots=True)
class ArrayNumbers:
    """Puts the numbers of a scene into formulas between arrays, of all `samples` where there are several."""

    scene: Scene
    samples: Sequence[int | None] = (None,)

    def steps(self, quantity: Quantity, formula: Node | None, tone: Tone, sign: int = 1) -> tuple[ChainStep, ...]:
        """Return the value of an array, or the gradient by it times a sign, as lines: by its formula, and the result.

        `tone` is that of a gradient or of a value. Without a formula where there is none, where it is too long or where no
        readable numbers make it true; nothing for an array that is too large to be written out.
        """
        scene = self.scene
        cells = self._cells(quantity.shape, quantity.batched, scene.is_row)
        size = self._size(cells) if cells and quantity.batched else quantity.shape
        if scene.values is None or not cells or not fits(size):
            return ()
        read = scene.gradient if tone is Tone.BACKWARD else scene.value

        def leaf(index: Shape, sample: int | None) -> Leaf:
            element = quantity.element(index)
            written = "" if tone is Tone.BACKWARD else scene.written(element, sample)
            return Leaf(sign * read(element, sample), tone, written)

        results = [[leaf(*place) for place in row] for row in cells]
        result = _array(quantity, results)
        if formula is not None and scene.numbers_in_arrays and (first := self._first(quantity, formula)) is not None:
            entries = [self._entry_sum(quantity, formula, *place) for row in cells for place in row]
            leaves = [leaf for row in results for leaf in row]
            checked = [(scene.numbered(calculable(one)), leaf) for one, leaf in zip(entries, leaves, strict=True)]
            policy = scene.derivation.problem.notation.round_intermediates
            found = array_steps(first, checked, result, scene.style, policy)
            if found and not any(_is_wide(step.formula) for step in found):
                return found
        return (self._alone(result),)

    def slices(self, quantity: Quantity, left: Node, number: Callable[[str], Leaf]) -> Iterator[Chain]:
        """Yield an array of more axes than a matrix as matrices: one for each place along the axes before the last two.

        `left` is what the whole array is called, `number` gives the number of an element by its code name. Nothing for an
        array that is too large to be written out.
        """
        *before, height, width = quantity.shape if len(quantity.shape) > MATRIX_AXES else (0, 0)
        if not before or self.scene.values is None or not fits(quantity.shape):
            return
        for place in indices_of(tuple(before)):
            rows = [
                [number(quantity.element((*place, row, column))) for column in range(width)] for row in range(height)
            ]
            yield Chain(Indexed(left, place), (self._alone(_stack(rows)),))

    def leaf_of(self, tone: Tone, sign: int = 1) -> Callable[[str], Leaf]:
        """Return what gives the value of an element, or the gradient by it times a sign, by its code name.

        `tone` is that of a gradient or of a value, in the one sample that there is.
        """
        scene = self.scene
        if tone is Tone.BACKWARD:
            return lambda element: Leaf(sign * scene.gradient(element, None), tone)
        return lambda element: Leaf(scene.value(element, None), tone, scene.written(element, None))

    def by_rule(
        self,
        names: Sequence[Sequence[str]],
        rule: Node | None,
        read: Mapping[str, Callable[[str], Leaf]],
        new: Callable[[str], Leaf],
        quantity: Quantity | None = None,
    ) -> tuple[ChainStep, ...]:
        """Return the new values of elements, those of an array or several numbers in rows, as lines: by a rule, the result.

        All of them have the rule, whose names are `read`, each from the code name of an element. Without the rule where
        there is none, or where no readable numbers make it true; nothing for an array that is too large to be written out.
        """
        if quantity is not None and (not fits(quantity.shape) or len(quantity.shape) > MATRIX_AXES):
            return ()
        results = {name: new(name) for row in names for name in row}

        def arranged(numbers: Mapping[str, Leaf]) -> Node:
            rows = [[numbers[name] for name in row] for row in names]
            return _stack(rows) if quantity is None else _array(quantity, rows)

        result = arranged(results)
        if rule is not None and not isinstance(result, Listed):
            known = {letter: {name: leaf(name) for name in results} for letter, leaf in read.items()}

            def filled(number: Callable[[Mapping[str, Leaf]], Node]) -> Node:
                return rewrite(rule, lambda part: number(known[part.name]) if isinstance(part, Name) else None)

            checked = [(filled(operator.itemgetter(name)), leaf) for name, leaf in results.items()]
            policy = self.scene.derivation.problem.notation.round_intermediates
            found = array_steps(signs_in_front(filled(arranged)), checked, result, self.scene.style, policy)
            if found and not any(_is_wide(step.formula) for step in found):
                return found
        return (self._alone(result),)

    def _alone(self, result: Node) -> ChainStep:
        """Return the value of an array without the formula that it comes from."""
        is_exact = self.scene.derivation.problem.notation.round_intermediates is None

        def shown(part: Node) -> Node | None:
            nonlocal is_exact
            if not isinstance(part, Leaf):
                return None
            number = show(part.value, self.scene.style, tone=part.tone, written=part.written)
            is_exact = is_exact and number.exact
            return number

        formula = rewrite(result, shown)
        return ChainStep(Relation.of(is_exact), formula, opens=True)

    def _first(self, quantity: Quantity, formula: Node) -> Node | None:
        """Return a formula with a number, or the array of its numbers, for each name; None where it is better without."""
        graph, plain = self.scene.derivation.graph, _plain(formula)
        alone = plain.operand if isinstance(plain, Negative) else plain
        is_itself = isinstance(alone, Name | Adjoint) and (quantity.batched or len(self.samples) == 1)
        if is_itself or any(isinstance(part, Placed) for part in walk(plain)) or has_slices(graph, plain):
            return None
        read = [graph.quantities[part.name] for part in walk(plain) if isinstance(part, Name | Adjoint)]
        columns = len(self.samples)
        if columns == 1 and all(math.prod(each.shape) == 1 for each in read):
            return None
        if any(not fits((*each.shape, columns) if each.batched else each.shape) for each in read):
            return None
        if any(len(each.shape) == 1 and each.shape[0] > TALLEST_GRID for each in read):
            return None
        if reads(graph, plain) > _MOST_READ:
            return None
        if quantity.batched or columns == 1:
            return signs_in_front(self._filled(plain, self.scene.is_row))
        terms = plain.terms if isinstance(plain, Sum) else (plain,)
        filled = (self._joined(term) if self._is_batched(term) else self._filled(term, True) for term in terms)
        return signs_in_front(added(tuple(filled)))

    def _joined(self, term: Node) -> Node:
        """Return a part of a gradient, added over the samples: a product of matrices, or the sum of as many vectors."""
        match term:
            case Negative(operand):
                return Negative(self._joined(operand))
            case Apply("outer", (left, right)):
                return MatrixProduct(self._filled(left, False), self._filled(right, True))
            case Product(factors) if sum(map(self._is_batched, factors)) == 1:
                return Product(
                    tuple(
                        self._joined(each) if self._is_batched(each) else self._filled(each, self.scene.is_row)
                        for each in factors
                    )
                )
        alone = (ArrayNumbers(self.scene, (sample,)) for sample in self.samples)
        return added(tuple(one._of_one(term) for one in alone))

    def _of_one(self, term: Node) -> Node:
        """Return a formula in the one sample that there is."""
        if self._shape(term):
            return self._filled(term, self.scene.is_row)
        return self._numbered(self._entry(term, (), self.samples[0]))

    def _filled(self, node: Node, row: bool) -> Node:
        """Return a formula with numbers for every array that its products join; `row` says that vectors are rows."""
        shape = self._shape(node)
        if isinstance(node, Number) or (not shape and not self._is_batched(node)):
            return self._numbered(self._entry(node, ()))
        match node:
            case MatrixProduct(left, right):
                # A vector in front of a matrix is a row, behind it a column.
                return MatrixProduct(
                    self._filled(left, self._is_row(left, True)), self._filled(right, self._is_row(right, False))
                )
            case Apply("outer", (left, right)) if not self._is_joint(node):
                return MatrixProduct(self._filled(left, False), self._filled(right, True))
            case Hadamard() | Product():
                return type(node)(tuple(self._filled(factor, row) for factor in node.factors))
            case Sum(terms) if not any(isinstance(term, Number) for term in terms):
                return Sum(tuple(self._filled(term, row) for term in terms))
            case Negative(operand):
                return Negative(self._filled(operand, row))
            case Apply(function, (argument,)) if function in functions.ACTIVATIONS and self._shape(argument) == shape:
                return Apply(
                    function, (self._filled(argument, row),), node.at_kink, node.axis, node.settings, node.body
                )
        cells = self._cells(shape, self._is_batched(node), row)
        return _stack([[self._numbered(self._entry(node, index, sample)) for index, sample in row] for row in cells])

    def _is_row(self, node: Node, otherwise: bool) -> bool:
        """Say whether vectors in a factor are rows: those of several samples are what the layout says."""
        return self.scene.is_row if self._is_joint(node) else otherwise

    def _is_joint(self, node: Node) -> bool:
        """Say whether a formula stands for several samples."""
        return len(self.samples) > 1 and self._is_batched(node)

    def _cells(self, shape: Shape, is_batched: bool, row: bool) -> Cells:
        """Return the entries of an array as they stand: a vector is a row or a column, of a batch one for each sample."""
        samples = self.samples if is_batched else (None,)
        if len(shape) == len(("row", "column")):
            rows, columns = map(range, shape)
            return [[((i, j), None) for j in columns] for i in rows] if not is_batched else []
        if len(shape) > MATRIX_AXES:
            return []
        found: Cells = [[(index, sample) for index in indices_of(shape)] for sample in samples]
        return found if row else [list(column) for column in zip(*found, strict=True)]

    def _size(self, cells: Cells) -> Shape:
        return (len(cells), len(cells[0])) if min(len(cells), len(cells[0])) > 1 else (max(len(cells), len(cells[0])),)

    def _shape(self, node: Node) -> Shape:
        return shape_of(node, self.scene.derivation.graph.shapes, "")

    def _is_batched(self, node: Node) -> bool:
        quantities = self.scene.derivation.graph.quantities
        return any(isinstance(part, Name | Adjoint) and quantities[part.name].batched for part in walk(node))

    def _entry_sum(self, quantity: Quantity, formula: Node, index: Shape, sample: int | None) -> Node:
        """Return an entry of a formula, added over the samples where the array is shared by them."""
        plain = _plain(formula)
        if quantity.batched or len(self.samples) == 1:
            return self._entry(plain, index, sample or self.samples[0])
        terms = plain.terms if isinstance(plain, Sum) else (plain,)
        spread = [(term, each) for term in terms for each in (self.samples if self._is_batched(term) else (None,))]
        return added(tuple(self._entry(term, index, each) for term, each in spread))

    def _entry(self, node: Node, index: Shape, sample: int | None = None) -> Node:
        """Return an entry of a formula in a sample, with −δ where δ is the negative of the gradient."""

        def signed(part: Node) -> Node | None:
            if isinstance(part, Adjoint) and is_negative_delta(self.scene, part.name):
                return Negative(Delta(part.name, part.sample))
            return None

        found = entry(self.scene.derivation.graph, node, index)
        return self.scene.in_sample(signs_in_front(rewrite(found, signed)), sample)

    def _numbered(self, formula: Node) -> Node:
        """Return a formula with numbers for its names; 1 or 0 where it asks for a sign."""

        def decided(part: Node) -> Node | None:
            if not isinstance(part, Apply) or part.function != "step":
                return None
            return Leaf(exact.evaluate(part, lambda each: each.value if isinstance(each, Leaf) else None))

        return rewrite(self.scene.numbered(formula), decided)


def given_arrays(scene: Scene) -> Iterator[Chain]:
    """Yield the given parameters as matrices and vectors: their entries, if they are few, and their numbers.

    Where one of them is too large to be written out, none is. One that is called as a setting of the optimizer is, β₁, is
    not shown: the equation would be about either.
    """
    if not all(fits(quantity.shape) for quantity in scene.derivation.parameters):
        return
    for quantity in scene.derivation.parameters:
        elements = quantity.elements()
        if is_called_as_setting(scene, quantity):
            continue
        given = [scene.given.get(Scalar(name)) for name in elements]
        if len(elements) == 1 or None in given or not scene.numbers_in_arrays:
            continue
        shown = {
            name: show(number.value, scene.style, written=number.text)
            for name, number in zip(elements, given, strict=True)
            if number is not None
        }
        rows = grid_rows(scene, quantity)
        numbers = _stack([[shown[name] for name in row] for row in rows])
        steps = [ChainStep(Relation.of(all(number.exact for number in shown.values())), numbers)]
        if len(elements) <= LARGEST_STACK:
            steps.insert(0, ChainStep(Relation.EQUAL, _stack([list(map(Name, row)) for row in rows])))
        if not _is_wide(numbers):
            yield Chain(Name(quantity.name), tuple(steps))


def is_called_as_setting(scene: Scene, quantity: Quantity) -> bool:
    """Say whether an array has the symbol of a setting of the optimizer."""
    training = scene.derivation.problem.training
    settings = () if training is None else optimizers.OPTIMIZERS[training.optimizer].settings.values()
    return scene.notation.symbol(quantity.name) in {setting_symbol(setting.symbol) for setting in settings}


def grid_rows(scene: Scene, quantity: Quantity) -> list[list[str]]:
    """Return the elements of an array as rows: a vector is one column, or one row where samples are rows."""
    is_across = len(quantity.shape) == 2 or (len(quantity.shape) == 1 and scene.is_row)
    width = quantity.shape[-1] if is_across else 1
    flat = quantity.elements()
    return [list(flat[start : start + width]) for start in range(0, len(flat), width)]


def _plain(formula: Node) -> Node:
    """Return a formula in gradients: −∂L/∂z for δ where that is the negative."""
    return rewrite(formula, lambda part: Negative(Adjoint(part.name, part.sample)) if isinstance(part, Delta) else None)


def _stack(rows: Sequence[Sequence[Node]]) -> Stack:
    return Stack(tuple(Stack(tuple(row)) for row in rows))


def _array(quantity: Quantity, rows: Sequence[Sequence[Leaf]]) -> Node:
    """Return the numbers of an array as they stand: a scalar alone, a long vector in a line."""
    if not quantity.shape and not quantity.batched:
        return rows[0][0]
    is_long = len(quantity.shape) == 1 and not quantity.batched and quantity.shape[0] > TALLEST_GRID
    return Listed(tuple(leaf for row in rows for leaf in row)) if is_long else _stack(rows)


def _is_wide(formula: Node) -> bool:
    """Say whether some array of numbers is too wide for a line."""
    rows = (part for part in walk(formula) if isinstance(part, Stack) and not isinstance(part.items[0], Stack))
    return any(sum(map(_width, row.items)) > WIDEST_ROW for row in rows)


def _width(formula: Node) -> int:
    numbers = [part.numeral for part in walk(formula) if isinstance(part, Shown)]
    digits = sum(len(f"{each.text}{each.denominator}") + (_AROUND if each.exponent else 0) for each in numbers)
    return digits + _AROUND * sum(isinstance(part, Shown | Number) for part in walk(formula))
