"""Functions of arrays, a row each: everything that derivations, generated code and documents know of one.

A row says what a function is in one of five ways. Its `definition` writes an application out with what formulas between
arrays are made of (products of matrices, elementwise operations, sums along an axis, repeated arrays …); its `places` say
where in the result each argument stands, its `source` where each element of the result comes from; its `weight` what each
element counts in a sum; its `joins` what an element of the result is made of. Elements, pullbacks and compiled code follow
from these. What a row says beyond that is how the function is best taught (`pullback`), called (`calls`) and set (`layout`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from symbackprop.algebra.broadcasting import Shape, axes_at, axis_at, spell
from symbackprop.algebra.composite_operations import COMPOSITES
from symbackprop.algebra.formula import (
    Apply,
    Axis,
    Hadamard,
    MatrixProduct,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Repeated,
    Span,
    Sum,
    Transposed,
)
from symbackprop.algebra.operation_rows import ALL, ArrayOperation, Indices, check
from symbackprop.algebra.rearrangements import in_order, new_shape
from symbackprop.algebra.shorthands import HALF
from symbackprop.errors import ProblemError
from symbackprop.messages import message
from symbackprop.registry import Registry


def operation_of(node: Node) -> ArrayOperation | None:
    """Return the row of an application, None for any other formula; `max` of two is no function of an array."""
    if not isinstance(node, Apply) or node.body:
        return None
    row = ARRAY_OPERATIONS.get(node.function)
    return row if row is not None and row.arity in (None, len(node.arguments)) else None


def axis_of(apply: Apply, rank: int, where: str) -> int | None:
    """Return the axis of an operation from 0, None for one that runs over all axes or takes none."""
    axis = _given_axis(apply)
    if isinstance(axis, tuple):
        raise ProblemError(message("graph.one_axis", function=apply.function), where=where)
    return None if axis is None else axis_at(axis, rank, where)


def axes_of(apply: Apply, rank: int, where: str = "") -> tuple[int, ...]:
    """Return the axes along which an operation runs, in ascending order."""
    axis = _given_axis(apply)
    return tuple(range(rank)) if axis is None else axes_at(axis, rank, where)


def _given_axis(apply: Apply) -> Axis:
    """Return the axis that is given, or that of the row; None for all."""
    row = operation_of(apply)
    own = None if row is None or isinstance(row.axis, str) else row.axis
    return own if apply.axis is None else apply.axis


def spread_along(node: Node, axes: Iterable[int], shape: Shape) -> Node:
    """Return what a reduction made of an array of some shape, repeated along the axes that it joined."""
    for axis in axes:
        node = Repeated(node, axis, shape[axis])
    return node


def _of_vectors(apply: Apply, shapes: Sequence[Shape], where: str) -> Shape:
    left, right = shapes
    if len(left) != 1 or len(right) != 1 or (apply.function == "dot" and left != right):
        what = message("graph.vectors", function=apply.function, left=spell(left), right=spell(right))
        raise ProblemError(what, where=where)
    return () if apply.function == "dot" else left + right


def _outer(apply: Apply, shapes: Sequence[Shape]) -> Node:
    (left, right), ((rows,), (columns,)) = apply.arguments, shapes
    return Hadamard((Repeated(left, 1, columns), Repeated(right, 0, rows)))


def _outer_pullback(apply: Apply, upstream: Node, value: Node, shapes: Sequence[Shape]) -> Sequence[Node]:
    left, right = apply.arguments
    return MatrixProduct(upstream, right), MatrixProduct(Transposed(upstream), left)


def _concatenated(apply: Apply, shapes: Sequence[Shape], where: str) -> Shape:
    first = shapes[0]
    if not first:
        raise ProblemError(message("graph.vector", function=apply.function), where=where)
    axis = axis_of(apply, len(first), where) or 0
    for shape in shapes:
        if not shape:
            raise ProblemError(message("expression.by_name", function=apply.function, name="axis"), where=where)
        if len(shape) != len(first) or (shape[:axis], shape[axis + 1 :]) != (first[:axis], first[axis + 1 :]):
            raise ProblemError(message("graph.stack", left=spell(first), right=spell(shape)), where=where)
    return (*first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :])


def _side_by_side(apply: Apply, shapes: Sequence[Shape]) -> Sequence[Indices]:
    axis = axis_of(apply, len(shapes[0]), "") or 0
    found: list[Indices] = []
    start = 0
    for shape in shapes:
        found.append((*(Span(None, None),) * axis, Span(start, start + shape[axis])))
        start += shape[axis]
    return found


def _reduced(apply: Apply, shapes: Sequence[Shape], where: str) -> Shape:
    axes = axes_of(apply, len(shapes[0]), where)
    return tuple(length for axis, length in enumerate(shapes[0]) if axis not in axes)


def _kept(apply: Apply, shapes: Sequence[Shape], where: str) -> Shape:
    if not shapes[0]:
        raise ProblemError(message("graph.vector", function=apply.function), where=where)
    axis_of(apply, len(shapes[0]), where)
    return shapes[0]


def _extreme_pullback(apply: Apply, upstream: Node, value: Node, shapes: Sequence[Shape]) -> Sequence[Node]:
    """Send the gradient to the element that is the extreme; several that are share it in equal parts."""
    ((argument,), (shape,)) = apply.arguments, shapes
    axes = axes_of(apply, len(shape))
    joined = spread_along(value, axes, shape)
    difference = (argument, Negative(joined)) if apply.function == "max" else (joined, Negative(argument))
    hit = Apply("step", (Sum(difference),), Fraction(1))
    count = spread_along(Apply("sum", (hit,), axis=apply.axis), axes, shape)
    return (Hadamard((spread_along(upstream, axes, shape), Quotient(hit, count))),)


def _along_axis(apply: Apply, function: str, node: Node, shape: Shape) -> Node:
    """Return a reduction of an array along the axis of an operation, repeated there."""
    (axis,) = axes_of(apply, len(shape))
    return Repeated(Apply(function, (node,), axis=axis), axis, shape[axis])


def _softmax(apply: Apply, shapes: Sequence[Shape]) -> Node:
    """Return exp(z − max z) over its sum: nothing overflows."""
    (argument,) = apply.arguments
    powers = Apply("exp", (Sum((argument, Negative(_along_axis(apply, "max", argument, shapes[0])))),))
    return Quotient(powers, _along_axis(apply, "sum", powers, shapes[0]))


def _softmax_pullback(apply: Apply, upstream: Node, value: Node, shapes: Sequence[Shape]) -> Sequence[Node]:
    """Pull back through p = softmax(z): p ⊙ (p̄ − (p·p̄)1), along the axis."""
    inner = _along_axis(apply, "sum", Hadamard((value, upstream)), shapes[0])
    return (Hadamard((value, Sum((upstream, Negative(inner))))),)


def _log_softmax(apply: Apply, shapes: Sequence[Shape]) -> Node:
    """Return z − max z − ln Σ exp(z − max z)."""
    (argument,) = apply.arguments
    shifted = Sum((argument, Negative(_along_axis(apply, "max", argument, shapes[0]))))
    total = _along_axis(apply, "sum", Apply("exp", (shifted,)), shapes[0])
    return Sum((shifted, Negative(Apply("ln", (total,)))))


def _log_softmax_pullback(apply: Apply, upstream: Node, value: Node, shapes: Sequence[Shape]) -> Sequence[Node]:
    """Pull back through l = ln softmax(z): l̄ − exp(l) Σ l̄, along the axis."""
    total = _along_axis(apply, "sum", upstream, shapes[0])
    return (Sum((upstream, Negative(Hadamard((Apply("exp", (value,)), total))))),)


def _logarithm_of_exponentials(parts: tuple[Node, ...]) -> Node:
    return Apply("ln", (Sum(tuple(Apply("exp", (part,)) for part in parts)),))


def _logsumexp_pullback(apply: Apply, upstream: Node, value: Node, shapes: Sequence[Shape]) -> Sequence[Node]:
    """Send the gradient to each element in its share of the exponentials, exp(z − value)."""
    ((argument,), (shape,)) = apply.arguments, shapes
    axes = axes_of(apply, len(shape))
    share = Apply("exp", (Sum((argument, Negative(spread_along(value, axes, shape)))),))
    return (Hadamard((spread_along(upstream, axes, shape), share)),)


def _product_pullback(apply: Apply, upstream: Node, value: Node, shapes: Sequence[Shape]) -> Sequence[Node]:
    """Send to each element the product of the others: value/x, but where a zero is among them that of the rest of them."""
    ((argument,), (shape,)) = apply.arguments, shapes
    axes = axes_of(apply, len(shape))
    zero = Apply("step", (Negative(Apply("abs", (argument,))),), Fraction(1))
    without = Sum((argument, zero))
    count = spread_along(Apply("sum", (zero,), axis=apply.axis), axes, shape)
    rest = Quotient(spread_along(Apply("prod", (without,), axis=apply.axis), axes, shape), without)
    is_needed = Apply("step", (Sum((Number(HALF), Negative(count), zero)),))
    return (Hadamard((spread_along(upstream, axes, shape), rest, is_needed)),)


def _squares(node: Node) -> Node:
    return Power(node, Number(Fraction(2)))


def _variance(apply: Apply, shapes: Sequence[Shape]) -> Node:
    """Return the mean of the squared distances from the mean."""
    ((argument,), (shape,)) = apply.arguments, shapes
    mean = spread_along(Apply("mean", (argument,), axis=apply.axis), axes_of(apply, len(shape)), shape)
    return Apply("mean", (_squares(Sum((argument, Negative(mean)))),), axis=apply.axis)


def _deviation(apply: Apply, shapes: Sequence[Shape]) -> Node:
    return Apply("sqrt", (_variance(apply, shapes),))


def _norm(apply: Apply, shapes: Sequence[Shape]) -> Node:
    return Apply("sqrt", (Apply("sum", tuple(map(_squares, apply.arguments)), axis=apply.axis),))


def _reduction(name: str, torch: str, **said: Any) -> ArrayOperation:
    calls = {"np": f"np.{name}({{0}}{{along}})", "torch": f"torch.{torch}({{0}}{{along}})"}
    return ArrayOperation(name, 1, _reduced, axis=ALL, calls=calls, **said)


ARRAY_OPERATIONS: Registry[ArrayOperation] = Registry(
    "function",
    (
        _reduction("sum", "sum", weight=lambda count: Fraction(1), layout="sum", sign="Σ", is_linear=True),
        _reduction("mean", "mean", weight=lambda count: Fraction(1, count), layout="mean", is_linear=True),
        _reduction(
            "max",
            "amax",
            joins=lambda parts: Apply("max", parts, HALF),
            reduces="maximum",
            pullback=_extreme_pullback,
            layout="operator",
        ),
        _reduction(
            "min",
            "amin",
            joins=lambda parts: Apply("min", parts, HALF),
            reduces="minimum",
            pullback=_extreme_pullback,
            layout="operator",
        ),
        ArrayOperation(
            "softmax",
            1,
            _kept,
            joins=lambda parts: Apply("softmax", parts),
            keeps=True,
            definition=_softmax,
            pullback=_softmax_pullback,
            axis=-1,
            calls={
                "np": "softmax({0}{along})",
                "jnp": "jax.nn.softmax({0}{along})",
                "torch": "torch.softmax({0}, dim={axis})",
            },
        ),
        ArrayOperation(
            "log_softmax",
            1,
            _kept,
            joins=lambda parts: Sum((parts[0], Negative(_logarithm_of_exponentials(parts)))),
            keeps=True,
            definition=_log_softmax,
            pullback=_log_softmax_pullback,
            axis=-1,
            calls={"torch": "torch.log_softmax({0}, dim={axis})"},
        ),
        ArrayOperation(
            "logsumexp",
            1,
            _reduced,
            joins=_logarithm_of_exponentials,
            reduces="logaddexp",
            pullback=_logsumexp_pullback,
            axis=ALL,
            calls={
                "np": "np.logaddexp.reduce({0}, axis={axis})",
                "jnp": "jax.scipy.special.logsumexp({0}, axis={axis})",
                "torch": "torch.logsumexp({0}, dim={axis})",
            },
        ),
        ArrayOperation(
            "prod",
            1,
            _reduced,
            joins=Product,
            reduces="multiply",
            pullback=_product_pullback,
            axis=ALL,
            calls={"np": "np.prod({0}, axis={axis})", "torch": "torch.prod({0}, dim={axis})"},
            is_reserved=False,
        ),
        ArrayOperation("var", 1, _reduced, definition=_variance, axis=ALL, is_reserved=False),
        ArrayOperation("std", 1, _reduced, definition=_deviation, axis=ALL, is_reserved=False),
        ArrayOperation("norm", 1, _reduced, definition=_norm, axis=ALL, is_reserved=False),
        ArrayOperation(
            "dot",
            2,
            _of_vectors,
            definition=lambda apply, shapes: MatrixProduct(*apply.arguments),
            layout="row",
            sign="·",
            is_linear=True,
        ),
        ArrayOperation(
            "outer",
            2,
            _of_vectors,
            definition=_outer,
            pullback=_outer_pullback,
            calls={"np": "np.outer({0}, {1})", "torch": "torch.outer({0}, {1})"},
            layout="column",
            is_linear=True,
        ),
        ArrayOperation(
            "concat",
            None,
            _concatenated,
            places=_side_by_side,
            axis=0,
            calls={"np": "np.concatenate([{0}], axis={axis})", "torch": "torch.cat([{0}], dim={axis})"},
            layout="brackets",
        ),
        *(
            ArrayOperation(name, 1, new_shape, source=in_order, layout="rearranged", is_reserved=False)
            for name in ("reshape", "flatten")
        ),
        *COMPOSITES,
    ),
    check=check,
)
"""The functions that reduce, rearrange or multiply arrays; a function of numbers, of each element, is none of them."""
