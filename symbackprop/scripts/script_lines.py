"""Equations and gradients between arrays as lines that a person reads: one expression for every named quantity.

Where there are samples they are the first axis of whatever differs between them, and `m` is their number. The compiled code
computes the same formulas in prepared arrays (`symbackprop.compilation.lowering`); here nothing but legibility counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symbackprop.algebra import functions
from symbackprop.algebra.folding import folded
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
    is_constant,
    map_children,
    multiplied,
    rewrite,
)
from symbackprop.algebra.shapes import Shape, axis_of, broadcast, is_elementwise, is_reduction, shape_of
from symbackprop.arithmetic.python_code import ATOM, MATRIX, PRODUCT, SIGN, accurate, bound
from symbackprop.compilation.identifiers import Identifiers
from symbackprop.compilation.plan import Plan
from symbackprop.scripts.libraries import Library

COUNT = "m"
"""What scripts call the number of samples."""


@dataclass(frozen=True, slots=True)
class Piece(Node):
    """A part of a line that is written: how tightly it binds, its text, the shape in one sample, whether it has samples.

    The shape has 1 where the part is repeated along an axis.
    """

    level: int
    text: str
    shape: Shape
    varies: bool

    def __iter__(self) -> Iterator[Node]:
        """Iterate over nothing: a piece has no parts."""
        return iter(())

    @property
    def atom(self) -> str:
        """The text, in parentheses where something follows it."""
        return self.text if self.level == ATOM else f"({self.text})"

    @property
    def factor(self) -> str:
        """The text as a factor of a matrix product."""
        return self.text if self.level >= SIGN else f"({self.text})"


class Lines:
    """Writes the lines of one plan in one library."""

    def __init__(self, plan: Plan, library: Library, identifiers: Identifiers) -> None:
        self.plan, self.spelling, self.identifiers = plan, library, identifiers
        self.activations: dict[Apply, str] = {}
        self.used: set[str] = set()
        self.constants: dict[Node, Node] = {}
        self._shapes: dict[str, Shape] = {name: each.shape for name, each in plan.graph.quantities.items()}

    def value(self, name: str, formula: Node) -> str:
        """Return the right-hand side of an equation."""
        quantity = self.plan.graph.quantities[name]
        node = formula if quantity.batched else self._shared(formula)
        return self._whole(node, quantity.shape, quantity.batched).text

    def gradient(self, name: str, contributions: Sequence[tuple[str, Node]]) -> str:
        """Return the right-hand side of a gradient; by something that samples share it adds over them."""
        quantity = self.plan.graph.quantities[name]
        return self._whole(self._joined_contributions(name, contributions), quantity.shape, quantity.batched).text

    def settle(self, name: str, contributions: Sequence[tuple[str, Node]]) -> bool:
        """Say whether the gradient by a scalar is a constant, which then stands in the lines that read it."""
        found = folded(self._joined_contributions(name, contributions))
        if not is_constant(found) or self.plan.graph.quantities[name].shape:
            return False
        self.constants[Adjoint(name)] = found
        return True

    def _joined_contributions(self, name: str, contributions: Sequence[tuple[str, Node]]) -> Node:
        quantities = self.plan.graph.quantities
        known = [(source, rewrite(formula, self.constants.get)) for source, formula in contributions]
        return added(
            tuple(
                self._summed(formula) if quantities[source].batched and not quantities[name].batched else formula
                for source, formula in known
            )
        )

    def definition(self, apply: Apply) -> str:
        """Return the expression of an activation in z."""
        signature = Apply(apply.function, (Slot(0),), apply.at_kink, None, apply.settings, apply.body)
        formula = fill(functions.stable_form(signature), (Piece(ATOM, "z", (), False),))
        return self._region(formula).text

    # Formulas

    def piece(self, node: Node) -> Piece:
        """Return a formula as a part of a line."""
        if isinstance(node, Piece):
            return node
        if isinstance(node, Name | Adjoint):
            quantity = self.plan.graph.quantities[node.name]
            return Piece(ATOM, self.identifiers.of(node), quantity.shape, quantity.batched)
        if _is_written_out(node):
            return self._region(node)
        if isinstance(node, Apply):
            return self._applied(node)
        return _RULES[type(node)](self, node)

    def _region(self, node: Node) -> Piece:
        """Return a formula that works element by element; its parts are brought to the axes of the result."""
        parts: list[Piece] = []

        def part(inner: Node) -> Node | None:
            if _is_written_out(inner):
                return None
            parts.append(self.piece(inner))
            return parts[-1]

        filled = _counted(folded(rewrite(node, part)))
        rank = max((len(each.shape) for each in parts), default=0)
        shape: Shape = ()
        for each in parts:
            shape = broadcast(shape, each.shape, "")
        aligned = rewrite(filled, lambda inner: _aligned(inner, rank) if isinstance(inner, Piece) else None)
        level, text = bound(
            accurate(aligned),
            lambda inner: (inner.level, inner.text) if isinstance(inner, Piece) else None,
            self.spelling.dialect,
        )
        self.used.update(name for name in self.spelling.defined if f"{name}(" in text)
        return Piece(level, text, shape, any(each.varies for each in parts))

    def _whole(self, node: Node, shape: Shape, varies: bool = False) -> Piece:
        """Return a formula as an array of its whole shape, and of all samples where it is asked to vary."""
        found = self.piece(node)
        if found.shape == shape and found.varies >= varies:
            return found
        lengths = [*([COUNT] if found.varies or varies else []), *map(str, shape)]
        places = f"({', '.join(lengths)}{',' if len(lengths) == 1 else ''})"
        text = self.spelling.repeated.format(_aligned(found, len(shape)).text, places)
        return Piece(ATOM, text, shape, found.varies or varies)

    def _full(self, node: Node) -> Piece:
        return self._whole(node, self._shape(node))

    def _shape(self, node: Node) -> Shape:
        """Return the shape of a formula in one sample."""
        pieces: dict[str, Shape] = {}

        def named(part: Node) -> Node | None:
            if not isinstance(part, Piece):
                return None
            pieces[part.text] = part.shape
            return Name(part.text)

        plain = rewrite(node, named)
        return shape_of(plain, {**self._shapes, **pieces}, "")

    def _applied(self, node: Apply) -> Piece:
        if is_reduction(node):
            return self._reduced(node)
        rule = _FUNCTIONS.get(node.function) if not node.body else None
        return self._activation(node) if rule is None else rule(self, node)

    def _activation(self, node: Apply) -> Piece:
        argument = self.piece(node.arguments[0])
        is_vector = not node.body and functions.is_vector(node.function)
        axis = -1
        if is_vector:
            argument = self._full(node.arguments[0])
            axis = (axis_of(node, len(argument.shape), "") or 0) - len(argument.shape)
        template = None if node.body else self.spelling.activations.get(node.function)
        if template is not None:
            row = functions.ACTIVATIONS[node.function]
            settings = {**dict(row.parameters), **dict(node.settings)}
            numbers = {name: self.spelling.dialect.number(float(value)) for name, value in settings.items()}
            text = template.format(argument.text, axis=axis, **numbers)
        else:
            key = Apply(node.function, (), node.at_kink, None, node.settings, node.body)
            if key not in self.activations:
                self.activations[key] = self.identifiers.fresh(node.function)
            text = f"{self.activations[key]}({argument.text}{f', axis={axis}' if is_vector and axis != -1 else ''})"
        return Piece(ATOM, text, argument.shape, argument.varies)

    def _reduced(self, node: Apply) -> Piece:
        operand = self._full(node.arguments[0])
        axis = axis_of(node, len(operand.shape), "")
        whole, along = self.spelling.reductions[node.function]
        if axis is not None:
            kept = (*operand.shape[:axis], *operand.shape[axis + 1 :])
            return Piece(ATOM, along.format(operand.text, axis + operand.varies), kept, operand.varies)
        if not operand.shape:
            return operand
        if not operand.varies:
            return Piece(ATOM, whole.format(operand.text), (), False)
        axes = tuple(range(1, len(operand.shape) + 1))
        return Piece(ATOM, along.format(operand.text, axes[0] if len(axes) == 1 else axes), (), True)

    def _repeated(self, node: Repeated) -> Piece:
        operand = self.piece(node.operand)
        operand = _aligned(operand, len(self._shape(node.operand)))
        shape = (*operand.shape[: node.axis], 1, *operand.shape[node.axis :])
        if node.axis == 0 and not operand.varies:
            return operand  # a first axis is added by broadcasting
        return Piece(ATOM, f"{operand.atom}[{':, ' * (node.axis + operand.varies)}None]", shape, operand.varies)

    def _transposed(self, node: Transposed) -> Piece:
        operand = self._full(node.operand)
        turn = ".swapaxes(1, 2)" if operand.varies else ".T"
        return Piece(ATOM, operand.atom + turn, operand.shape[::-1], operand.varies)

    def _indexed(self, node: Indexed) -> Piece:
        operand = self._full(node.operand)
        places = ", ".join([":"] * operand.varies + [_spelled(index) for index in node.indices])
        return Piece(ATOM, f"{operand.atom}[{places}]", self._shape(node), operand.varies)

    def _placed(self, node: Placed) -> Piece:
        inner = self.piece(node.operand)
        self.used.add("placed")
        lengths = ", ".join([*([COUNT] if inner.varies else []), *map(str, node.shape)])
        places = ", ".join([":"] * inner.varies + [_spelled(index) for index in node.indices])
        comma = "," if "," not in lengths else ""
        return Piece(ATOM, f"placed({inner.text}, ({lengths}{comma}), np.s_[{places}])", node.shape, inner.varies)

    def _joined(self, kind: str, items: Sequence[Node], shape: Shape, axis: int) -> Piece:
        varies = any(self.piece(item).varies for item in items)
        texts = ", ".join(self._whole(item, self._shape(item), varies).text for item in items)
        return Piece(ATOM, self.spelling.joined[kind].format(texts, axis + varies), shape, varies)

    def _stacked(self, node: Stack) -> Piece:
        return self._joined("stack", node.items, self._shape(node), 0)

    def _concatenated(self, node: Apply) -> Piece:
        shape = self._shape(node)
        return self._joined("concat", node.arguments, shape, axis_of(node, len(shape), "") or 0)

    def _outer(self, node: Apply) -> Piece:
        left, right = map(self._full, node.arguments)
        shape = (*left.shape, *right.shape)
        if not (left.varies or right.varies):
            return Piece(ATOM, self.spelling.outer.format(left.text, right.text), shape, False)
        first = f"{left.atom}[{':, ' * (1 + left.varies)}None]"
        second = f"{right.atom}[{':, ' * right.varies}None, :]"
        return Piece(PRODUCT, f"{first}*{second}", shape, True)

    def _dot(self, node: Apply) -> Piece:
        return self._matrix_product(MatrixProduct(*node.arguments))

    def _matrix_product(self, node: MatrixProduct) -> Piece:
        """Return a product whose sides have their samples first: a row for each sample where the formula has a column."""
        left, right = self._full(node.left), self._full(node.right)
        shape = left.shape[:-1] + right.shape[1:]
        match (len(left.shape), left.varies), (len(right.shape), right.varies):
            case (1, True), (1, True):
                total = self.spelling.reductions["sum"][1]
                return Piece(ATOM, total.format(f"{left.factor}*{right.factor}", 1), shape, True)
            case (1, False), (1, True):
                left, right = right, left
            case (2, False), (1, True):
                left, right = right, self._transposed(Transposed(left))
            case (2, True), (1, True):
                text = f"({left.factor} @ {right.atom}[:, :, None])[:, :, 0]"
                return Piece(ATOM, text, shape, True)
            case (1, True), (2, True):
                text = f"({left.atom}[:, None, :] @ {right.factor})[:, 0, :]"
                return Piece(ATOM, text, shape, True)
        return Piece(MATRIX, f"{left.factor} @ {right.factor}", shape, left.varies or right.varies)

    # Sums over the samples

    def _shared(self, formula: Node) -> Node:
        """Return a formula of what samples share: a term that reads something of theirs adds over them."""
        if isinstance(formula, Sum):
            return Sum(tuple(map(self._shared, formula.terms)))
        return self._summed(formula) if self.piece(formula).varies else formula

    def _summed(self, node: Node) -> Node:
        """Return the sum of a formula over the samples; what is alike in all of them counts as often as there are."""
        if not self.piece(node).varies:
            return Product((SampleCount(), node)) if self.plan.graph.samples else node
        total, along = self.spelling.reductions["sum"]
        match node:
            case Negative(operand):
                return Negative(self._summed(operand))
            case Product(factors) | Hadamard(factors):
                varying = [factor for factor in factors if self.piece(factor).varies]
                if len(varying) == 1 and not any(self._shape(factor) for factor in factors if factor not in varying):
                    return Product(tuple(self._summed(each) if each in varying else each for each in factors))
            case Apply("outer", (left, right)):
                first, second = self._full(left), self._full(right)
                if first.varies and second.varies:
                    return Piece(MATRIX, f"{first.atom}.T @ {second.factor}", self._shape(node), False)
            case Apply("sum", (argument,), axis=None):
                return Piece(ATOM, total.format(self._full(argument).text), (), False)
        found = self._full(node)
        return Piece(ATOM, (along if found.shape else total).format(found.text, 0), found.shape, False)


def _is_written_out(node: Node) -> bool:
    """Say whether a formula is an expression, element by element; an activation is the call of a function."""
    is_activation = isinstance(node, Apply) and (
        bool(node.body) or (node.function in functions.ACTIVATIONS and node.function not in functions.PRIMITIVES)
    )
    return is_elementwise(node) and not is_activation


def _aligned(piece: Piece, rank: int) -> Piece:
    """Return a part with its samples in front of as many axes as the result has."""
    missing = rank - len(piece.shape)
    if not piece.varies or missing <= 0:
        return piece
    return Piece(
        ATOM, f"{piece.atom}[:{', None' * missing}{', :' * len(piece.shape)}]", (1,) * missing + piece.shape, True
    )


def _counted(node: Node) -> Node:
    """Return a formula with `m` for the number of samples, as the divisor of a whole product where it divides."""
    node = map_children(node, _counted)
    match node:
        case SampleCount():
            return _M
        case Product((Quotient(Number() as number, divisor), *rest)) if divisor == _M:
            return Quotient(multiplied((number, *rest)), divisor)
    return node


_M = Piece(ATOM, COUNT, (), False)


def _spelled(index: int | Span) -> str:
    if isinstance(index, int):
        return str(index)
    return f"{'' if index.start is None else index.start}:{'' if index.stop is None else index.stop}"


Rule = Callable[[Lines, Any], Piece]

_RULES: Mapping[type[Node], Rule] = {
    MatrixProduct: Lines._matrix_product,
    Transposed: Lines._transposed,
    Indexed: Lines._indexed,
    Placed: Lines._placed,
    Stack: Lines._stacked,
    Repeated: Lines._repeated,
}
_FUNCTIONS: Mapping[str, Rule] = {"outer": Lines._outer, "dot": Lines._dot, "concat": Lines._concatenated}
