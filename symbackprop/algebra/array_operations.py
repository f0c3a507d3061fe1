"""Functions of arrays, a row each: everything that derivations, generated code and documents know of one.

A row says what a function is in one of two ways. Its `definition` writes an application out with what formulas between
arrays are made of (products of matrices, elementwise operations, sums along an axis, repeated arrays …); or its `places` say
where in the result each argument stands. Elements, pullbacks and compiled code follow from either. What a row says beyond
that is how the function is best taught (`pullback`), called (`calls`) and set (`layout`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from symbackprop.algebra.broadcasting import Shape, axis_at, spell
from symbackprop.algebra.formula import Apply, Hadamard, MatrixProduct, Node, Repeated, Span, Transposed
from symbackprop.errors import ProblemError
from symbackprop.messages import message
from symbackprop.registry import Registry

Indices = tuple[int | Span, ...]


@dataclass(frozen=True, slots=True)
class ArrayOperation:
    """A function of arrays.

    `arity` is its number of arguments, None for one or more. `shape` gives the shape of the result from those of the
    arguments; it raises `ProblemError` where these do not fit. One that has an `axis` takes another by keyword.

    `pullback` gives the contributions to the arguments' gradients from the one upstream, where these are not to be those of
    the definition. `calls` are templates over the arguments (and the axis, for one that has `places`) by library: what
    scripts call where samples share all arguments, instead of the definition. `layout` names how documents set it: a `call`,
    a `column` times a row, a `row` times a column, `brackets`. `sign` stands in a gate. A sign may be taken from the
    arguments of what `is_linear` in each of them.
    """

    name: str
    arity: int | None
    shape: Callable[[Apply, Sequence[Shape], str], Shape]
    definition: Callable[[Apply, Sequence[Shape]], Node] | None = None
    places: Callable[[Apply, Sequence[Shape]], Sequence[Indices]] | None = None
    pullback: Callable[[Apply, Node], Sequence[Node]] | None = None
    axis: int | None = None
    calls: Mapping[str, str] = field(default_factory=dict)
    layout: str = "call"
    sign: str = ""
    is_linear: bool = False


LIBRARIES = frozenset({"np", "torch"})
"""The libraries that scripts are written for."""


def _check(row: ArrayOperation) -> None:
    """Raise `ProblemError` for a row that does not say what the function is, or how scripts join its arguments."""
    if (row.definition is None) == (row.places is None):
        raise ProblemError(message("row.meaning"))
    if row.places is not None and not row.calls.keys() >= LIBRARIES:
        raise ProblemError(message("row.calls", libraries=sorted(LIBRARIES - row.calls.keys())))


def _of_vectors(apply: Apply, shapes: Sequence[Shape], where: str) -> Shape:
    left, right = shapes
    if len(left) != 1 or len(right) != 1 or (apply.function == "dot" and left != right):
        what = message("graph.vectors", function=apply.function, left=spell(left), right=spell(right))
        raise ProblemError(what, where=where)
    return () if apply.function == "dot" else left + right


def _outer(apply: Apply, shapes: Sequence[Shape]) -> Node:
    (left, right), ((rows,), (columns,)) = apply.arguments, shapes
    return Hadamard((Repeated(left, 1, columns), Repeated(right, 0, rows)))


def _outer_pullback(apply: Apply, upstream: Node) -> Sequence[Node]:
    left, right = apply.arguments
    return MatrixProduct(upstream, right), MatrixProduct(Transposed(upstream), left)


def _concatenated(apply: Apply, shapes: Sequence[Shape], where: str) -> Shape:
    first = shapes[0]
    if not first:
        raise ProblemError(message("graph.vector", function=apply.function), where=where)
    axis = axis_at(apply.axis or 0, len(first), where)
    for shape in shapes:
        if len(shape) != len(first) or (shape[:axis], shape[axis + 1 :]) != (first[:axis], first[axis + 1 :]):
            raise ProblemError(message("graph.stack", left=spell(first), right=spell(shape)), where=where)
    return (*first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :])


def _side_by_side(apply: Apply, shapes: Sequence[Shape]) -> Sequence[Indices]:
    axis = axis_at(apply.axis or 0, len(shapes[0]), "")
    found: list[Indices] = []
    start = 0
    for shape in shapes:
        found.append((*(Span(None, None),) * axis, Span(start, start + shape[axis])))
        start += shape[axis]
    return found


ARRAY_OPERATIONS: Registry[ArrayOperation] = Registry(
    "function",
    (
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
            calls={"np": "np.concatenate([{0}], axis={1})", "torch": "torch.cat([{0}], dim={1})"},
            layout="brackets",
        ),
    ),
    check=_check,
)
"""The functions that rearrange or multiply arrays; a reduction or an activation is none of them."""


def operation_of(node: Node) -> ArrayOperation | None:
    """Return the row of an application, None for any other formula."""
    return ARRAY_OPERATIONS.get(node.function) if isinstance(node, Apply) and not node.body else None
