"""Equations and gradients between arrays as lines that a person reads: one expression for every named quantity.

Where there are samples they are the first axis of whatever differs between them, and `m` is their number. The rules are
those of the compiled code (`symbackprop.compilation.lowering`); here every array is the text of an expression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from symbackprop.algebra import functions
from symbackprop.algebra.array_operations import ARRAY_OPERATIONS, axes_of, operation_of
from symbackprop.algebra.branches import WHERE, Comparison, choice_of, comparison_of
from symbackprop.algebra.broadcasting import Shape, indexed
from symbackprop.algebra.folding import folded
from symbackprop.algebra.forms import form_of
from symbackprop.algebra.formula import (
    Adjoint,
    Apply,
    Name,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    SampleCount,
    Slot,
    fill,
    is_constant,
    map_children,
    multiplied,
    rewrite,
    walk,
)
from symbackprop.algebra.operation_rows import ArrayOperation
from symbackprop.arithmetic.python_code import ATOM, MATRIX, SIGN, Bound, accurate, bound
from symbackprop.compilation.identifiers import Identifiers
from symbackprop.compilation.lowering import Lowering, Part
from symbackprop.compilation.operations import View, aligned, varies
from symbackprop.compilation.plan import Plan
from symbackprop.scripts.libraries import Library

COUNT = "m"
"""What scripts call the number of samples."""


@dataclass(frozen=True, slots=True)
class Piece(View):
    """An expression as an array, or a part of it; `level` says how tightly the expression binds."""

    level: int = ATOM

    @property
    def text(self) -> str:
        """The whole as Python spells it, the expression in parentheses where something follows it."""
        return f"({self.array}){self.index}" if self.index and self.level != ATOM else self.array + self.index

    @property
    def bound(self) -> Bound:
        """How tightly the whole binds, and its text."""
        return (ATOM if self.index else self.level), self.text

    @property
    def factor(self) -> str:
        """The whole as a factor of a matrix product."""
        return self.text if self.bound[0] >= SIGN else f"({self.text})"


class Lines(Lowering):
    """Writes the lines of one plan in one library."""

    def __init__(self, plan: Plan, library: Library, identifiers: Identifiers) -> None:
        super().__init__(plan, identifiers)
        self.spelling = library
        self.activations: dict[Apply, str] = {}
        self.used: set[str] = set()
        self.has_unchosen = False
        targets: list[Name | Adjoint] = [*map(Name, plan.graph.quantities), *map(Adjoint, plan.contributions)]
        self.known.update((target, self.named(target)) for target in targets)

    def settle(self, name: str, summands: Sequence[tuple[str, Node]]) -> bool:
        """Say whether the gradient by a scalar is a constant, which then stands in the lines that read it."""
        found = self.gradient(name, summands)
        if not is_constant(found) or self.plan.graph.quantities[name].shape:
            return False
        self.known[Adjoint(name)] = found
        return True

    def definition(self, apply: Apply) -> str:
        """Return the expression of an activation in z."""
        return self._piece(folded(functions.stable_form(replace(apply, arguments=(Piece("z", (), False),))))).text

    # What the rules ask for

    def named(self, target: Name | Adjoint) -> Piece:
        """Return a quantity by its name."""
        quantity = self.plan.graph.quantities[target.name]
        return Piece(self.identifiers.of(target), quantity.shape, quantity.batched)

    def array(self, value: Node, shape: Shape, hint: View | None = None) -> Piece:
        """Return a formula as an expression of that shape."""
        return self.whole(value, shape, False)

    def product(self, left: View, right: View, shape: Shape, dropped: int | None, hint: View | None) -> Piece:
        """Return a product of matrices."""
        text = f"{self._piece(left).factor} @ {self._piece(right).factor}"
        is_varying = left.varies or right.varies
        index = "" if dropped is None else f"[{':, ' * (dropped + is_varying)}0]"
        return Piece(text, shape, is_varying, index, MATRIX)

    def reduction(
        self, row: ArrayOperation, value: Node, shape: Shape, axes: tuple[int, ...], hint: View | None
    ) -> Piece:
        """Return the call that reduces."""
        operand = self.array(value, shape)
        if not axes:
            return operand
        is_whole = len(axes) == len(shape) + operand.varies
        along = "" if is_whole else f", {self.spelling.axis}={axes[0] if len(axes) == 1 else axes}"
        template, text = self.spelling.call(row) or "{0}", operand.text
        if "{along}" in template:
            text = template.format(text, along=along)
        else:  # what takes one axis runs along one after the other
            for axis in sorted(axes, reverse=True):
                text = template.format(text, axis=axis)
        kept = tuple(length for axis, length in enumerate(shape) if axis + operand.varies not in axes)
        return Piece(text, kept, operand.varies and 0 not in axes)

    def joined(self, kind: str, parts: Sequence[Part], shape: Shape, axis: int, hint: View | None) -> Piece:
        """Return the call that joins expressions, or places one among zeros."""
        is_varying = any(varies(value) for _, value in parts)
        if kind == "placed":
            ((indices, value),) = parts
            self.used.add("placed")
            places = Piece("", shape, is_varying).part(indices).index
            text = f"placed({self._piece(value).text}, {shape_text(shape, is_varying)}, np.s_{places})"
        else:
            wholes = [self._item(value, indexed(shape, indices, ""), is_varying) for indices, value in parts]
            row = ARRAY_OPERATIONS.get(kind)
            template = (None if row is None else self.spelling.call(row)) or self.spelling.stack
            text = template.format(", ".join(wholes), axis=axis + is_varying)
        return Piece(text, shape, is_varying)

    def repeat(self, value: Node, axis: int, rank: int) -> Node:
        """Return an expression with a new axis; what samples share is brought to the first ones by broadcasting."""
        found = self._piece(value)
        place = axis if found.varies else axis - (rank - len(found.shape))
        return found.with_axis(place) if found.varies or place > 0 else value

    def called(self, row: ArrayOperation, node: Apply, arguments: tuple[View, ...]) -> Piece | None:
        """Return the library's call of an operation: on what samples share, or along an axis of every sample."""
        template = self.spelling.call(row)
        varying = any(argument.varies for argument in arguments)
        if template is None or (varying and row.axis is None):
            return None
        shapes = [argument.shape for argument in arguments]
        axes = () if row.axis is None else tuple(axis - len(shapes[0]) for axis in axes_of(node, len(shapes[0])))
        from_end = axes if len(axes) > 1 else axes[0] if axes else None
        along = "" if from_end in (None, row.axis) else f", {self.spelling.axis}={from_end}"
        text = template.format(*(self._piece(argument).text for argument in arguments), axis=from_end, along=along)
        self.used.update(name for name in self.spelling.defined if text.startswith(f"{name}("))
        return Piece(text, row.shape(node, shapes, ""), varying)

    def activation(self, node: Apply, hint: View | None) -> Piece:
        """Return the call of an activation: the library's, or one that the script defines."""
        argument = self._piece(self.lower(node.arguments[0]))
        row = None if node.body else functions.ACTIVATIONS[node.function]
        is_chosen = bool(node.at_kink) and bool(form_of(replace(node, arguments=(Slot(0),))).kinks)
        if row is not None and self.spelling.own(row) and not is_chosen:  # at a kink the library has 0
            settings = {**dict(row.parameters), **dict(node.settings)}
            numbers = {name: self.spelling.dialect.number(float(value)) for name, value in settings.items()}
            template = self.spelling.own(row)
            return Piece(template.format(argument.text, **numbers), argument.shape, argument.varies)
        key = Apply(node.function, (), node.at_kink, None, node.settings, node.body)
        if key not in self.activations:
            self.activations[key] = self.identifiers.fresh(node.function)
        return Piece(f"{self.activations[key]}({argument.text})", argument.shape, argument.varies)

    def elementwise(self, node: Node, hint: View | None = None) -> Node:
        """Lower the parts of an elementwise formula; activations in a branch that is to be guarded are written out."""
        choice = choice_of(node) if self.spelling.guarded else None
        if choice is not None:
            node = Apply(WHERE, (choice.condition, _opened(choice.holding), _opened(choice.otherwise)))
        return super().elementwise(node, hint)

    # Expressions

    def _piece(self, value: Node) -> Piece:
        """Return a lowered formula as one expression; its parts are brought to the axes of the result."""
        if isinstance(value, Piece):
            return value
        shape = self.shape(value)
        rank = max((len(part.shape) for part in walk(value) if isinstance(part, View)), default=0)
        level, text = bound(self._guarded(_counted(accurate(aligned(value, rank)))), _leaf, self.spelling.dialect)
        self.used.update(name for name in self.spelling.defined if f"{name}(" in text)
        return Piece(text, shape, varies(value), "", level)

    def _guarded(self, node: Node) -> Node:
        """Return a formula whose branches send gradients back only where they are chosen, if the library has to be told."""
        node = map_children(node, self._guarded)
        choice = choice_of(node)
        if choice is None:
            return node
        self.has_unchosen |= any(_may_fail(part) for piece in choice[1:] for part in walk(piece))
        if not self.spelling.guarded:
            return node
        condition, *pieces = choice
        compared = comparison_of(condition)
        sides = (compared, compared.opposite)
        return Apply(WHERE, (condition, *map(self._guarded_branch, pieces, sides)))

    def _guarded_branch(self, branch: Node, comparison: Comparison) -> Node:
        """Return a branch with all that it reads guarded by its condition, unless it has a value anywhere."""
        if not any(map(_may_fail, walk(branch))):
            return branch
        left, right = (bound(side, _leaf, self.spelling.dialect)[1] for side in (comparison.left, comparison.right))
        condition = f"{left} {comparison.sign} {right}"

        def guarded(part: Node) -> Node | None:
            if not isinstance(part, Piece):
                return None
            return replace(part, array=self.spelling.guarded.format(condition, part.text), index="", level=ATOM)

        return rewrite(branch, guarded)

    def _item(self, value: Node, shape: Shape, is_varying: bool) -> str:
        """Return what stands in a joined array; a number becomes an array where the library wants one."""
        text = self.whole(value, shape, is_varying).text
        return text if shape or is_varying or not is_constant(value) else self.spelling.constant.format(text)

    def whole(self, value: Node, shape: Shape, is_varying: bool) -> Piece:
        """Return a formula as an array of its whole shape, and of all samples where it is asked to vary."""
        found = self._piece(value)
        if found.shape == shape and found.varies >= is_varying:
            return found
        is_varying = found.varies or is_varying
        lifted = self._piece(aligned(found, len(shape))).text
        return Piece(self.spelling.repeated.format(lifted, shape_text(shape, is_varying)), shape, is_varying)


def _opened(branch: Node) -> Node:
    """Return a formula between arrays with its activations of numbers written out."""

    def definition(part: Node) -> Node | None:
        if not (isinstance(part, Apply) and functions.has_value(part)) or operation_of(part) is not None:
            return None
        whole = functions.stable_form(replace(part, arguments=(Slot(0),)))
        return fill(whole, tuple(map(_opened, part.arguments)))

    return rewrite(branch, definition)


def _may_fail(part: Node) -> bool:
    """Say whether a part of a formula may have no value, or no derivative, at some numbers; what a script calls may."""
    if isinstance(part, Piece):
        return "(" in part.array
    if isinstance(part, Apply):
        return part.function not in _ANYWHERE
    return isinstance(part, Power) or (isinstance(part, Quotient) and not is_constant(part.denominator))


_ANYWHERE = frozenset(("sin", "cos", "tanh", "atan", "erf", "abs", "max", "min", "step", WHERE))
"""The functions that have a finite value and a finite derivative at every number."""


def shape_text(shape: Shape, is_varying: bool) -> str:
    """Return the shape of an array of all samples as Python spells it."""
    lengths = [*([COUNT] if is_varying else []), *map(str, shape)]
    return f"({', '.join(lengths)}{',' if len(lengths) == 1 else ''})"


def _leaf(part: Node) -> str | Bound | None:
    if isinstance(part, SampleCount):
        return COUNT
    return part.bound if isinstance(part, Piece) else None


def _counted(node: Node) -> Node:
    """Return a formula with the number of samples as the divisor of a whole product where it divides."""
    node = map_children(node, _counted)
    match node:
        case Product((Quotient(Number() as number, SampleCount() as samples), *rest)):
            return Quotient(multiplied((number, *rest)), samples)
    return node
