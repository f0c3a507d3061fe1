"""Random computation graphs by number, over everything that an equation can say.

The number chooses the function that the first equation is about, so that a run of as many numbers as there are functions
meets every one of them; what stands around it is drawn: arrays of every rank, products in products, sums along axes, picked
rows, with and without samples.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from symbackprop.algebra.array_operations import ARRAY_OPERATIONS
from symbackprop.algebra.branches import SIGNS, WHERE
from symbackprop.algebra.broadcasting import Shape
from symbackprop.algebra.functions import CONSTANT, NAMES
from symbackprop.algebra.shorthands import CONSTANT_ARRAYS

CUBE, BATCH = (2, 2, 2), (2, 1, 2, 2)
"""Shapes of arrays of three and of four axes."""

SHAPES: Mapping[str, Shape] = {
    **{"a": (), "x": (2,), "y": (3,), "A": (2, 3), "B": (3, 2), "C": (2, 2)},
    **{"D": CUBE, "F": BATCH},
}
"""The quantities that are given."""

RANKS: tuple[Shape, ...] = ((), (2,), (3,), (2, 3), (3, 2), (2, 2), CUBE, BATCH)

INSIDE: Mapping[str, str] = {
    **dict.fromkeys(("ln", "log", "log2", "sqrt"), "1/2 + abs({0})"),
    **dict.fromkeys(("exp", "tan", "sinh", "cosh", "sec"), "tanh({0})"),
    **dict.fromkeys(("asin", "acos", "arcsin", "arccos"), "tanh({0})/2"),
    "cot": "1/2 + abs(tanh({0}))",
}
"""What keeps an argument where a function has a value, and a moderate one."""

AXES = (None, 0, -1)

ALONG_ONE = ("softmax", "log_softmax", "cumsum", "reverse_cumsum")
"""What runs along one axis only; other functions of one array take several."""

FUNCTIONS = tuple(name for name in NAMES if name != CONSTANT and name not in CONSTANT_ARRAYS)


class _Drawn:
    """The equations of one graph as they are drawn."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.known = dict(SHAPES)

    def array(self, shape: Shape, depth: int) -> str:
        """Return an expression of a shape."""
        named = [name for name, each in self.known.items() if each == shape]
        if depth <= 0:
            return self.draw.choice(named)
        writers: list[Callable[[Shape, int], str]] = [self._operator, self._operator, self._function, self._function]
        writers += [(self._number, self._vector, self._matrix, self._cube, self._batch)[len(shape)]] * 3
        return self.draw.choice(writers)(shape, depth - 1)

    def about(self, function: str, depth: int) -> str:
        """Return an expression whose outermost function is a given one."""
        if function in OF_ARRAYS:
            return OF_ARRAYS[function](self, depth)
        if function in ARRAY_OPERATIONS:
            raise LookupError(f"write how random graphs call {function}")
        return self.call(function, self.draw.choice(RANKS), depth)

    def call(self, function: str, shape: Shape, depth: int) -> str:
        """Return a function of numbers, of an expression of a shape."""
        inner = self.array(shape, depth)
        return f"{function}({INSIDE.get(function, '{0}').format(inner)})"

    def along(self, function: str, shape: Shape, depth: int) -> str:
        """Return a function of an array along one of its axes."""
        several = len(shape) > len("ij") and function not in ALONG_ONE and self.draw.random() < 0.5
        return f"{function}({self.array(shape, depth)}{', axis=(0, -1)' if several else self.axis(shape)})"

    def branches(self, shape: Shape, depth: int) -> str:
        """Return a choice between two expressions, one of which may need its condition, or be repeated."""
        compared, whole = self.array(shape, depth), self.array(shape, depth)
        smaller = self.array(self.draw.choice([(), shape]), depth)
        guarded = f"{self.draw.choice(['ln', 'sqrt'])}(1/5 + {compared})"
        pieces = (guarded, f"({whole})*{smaller}") if self.draw.random() < 0.5 else (whole, smaller)
        return f"where({compared} > {self.draw.choice(['0', '1/10'])}, {pieces[0]}, {pieces[1]})"

    def axis(self, shape: Shape) -> str:
        """Return an axis of an array as a keyword, or none."""
        chosen = self.draw.choice(AXES) if shape else None
        return "" if chosen is None else f", axis={chosen}"

    def _operator(self, shape: Shape, depth: int) -> str:
        smaller = self.draw.choice([each for each in ((), shape[1:], shape[2:], shape) if each in RANKS])
        whole, right = self.array(shape, depth), self.array(smaller, depth)
        left = whole
        if self.draw.random() < 0.3:
            left, right = right, left
        return self.draw.choice(
            [
                f"({left} + {right})",
                f"({left} - {right})",
                f"{left}*({right})",
                f"({left})/(2 + ({right})**2)",
                f"-({left})*({right})*(1/2)",
                f"max({left}, {right})",
                f"(3/2 + tanh({left}))**tanh({right})",
                f"(({left})**2 + {right})",
                f"({left} {self.draw.choice(SIGNS)} {right})*({whole})",
                self.branches(shape, depth),
                f"({whole}) - mean({whole}{', axis=-1' if shape else ''}, keepdims=true)",
            ]
        )

    def _function(self, shape: Shape, depth: int) -> str:
        names = [name for name in FUNCTIONS if name not in OF_ARRAYS]
        return self.call(self.draw.choice(names), shape, depth)

    def _number(self, shape: Shape, depth: int) -> str:
        inner = self.draw.choice(RANKS[1:])
        chosen = self.draw.choice(["sum", "mean", "max", "min", "dot", "pick"])
        if chosen == "pick":
            return f"({self.array(inner, depth)})[{', '.join('0' for _ in inner)}]"
        if chosen == "dot":
            return f"({self.array((2,), depth)}) @ ({self.array((2,), depth)})"
        return f"{chosen}({self.array(inner, depth)})"

    def _vector(self, shape: Shape, depth: int) -> str:
        (length,) = shape
        other = 5 - length
        matrix, vector = self.array((length, other), depth), self.array((other,), depth)
        turned, whole = self.array((other, length), depth), self.array(shape, depth)
        return self.draw.choice(
            [
                f"({matrix}) @ ({vector})",
                f"({vector}) @ ({turned})",
                f"{self.draw.choice(['sum', 'mean', 'max', 'min'])}({turned}, axis=0)",
                f"{self.draw.choice(['sum', 'mean', 'max', 'min'])}({matrix}, axis=1)",
                f"softmax({whole})",
                f"({turned})[1]",
                f"({matrix})[:, 0]",
                f"concat({whole}, {vector})[0:{length}]",
                f"flatten({self.array(self.draw.choice([(2, 3), (3, 2)]), depth)})[0:{length}]",
                f"reshape({matrix}, -1)[{6 - length}:]",
            ]
        )

    def _matrix(self, shape: Shape, depth: int) -> str:
        rows, columns = shape
        left, right = self.array((rows, 2), depth), self.array((2, columns), depth)
        first, second = self.array((rows,), depth), self.array((columns,), depth)
        turned = self.array(shape[::-1], depth)
        return self.draw.choice(
            [
                f"({left}) @ ({right})",
                f"(({left})*{self.draw.choice(['2', 'a', 'x'])}) @ ({right})",
                f"outer({first}, {second})",
                f"({turned}).T",
                f"reshape({turned}, {rows}, {self.draw.choice([columns, -1])})",
                f"softmax({self.array(shape, depth)}{self.axis(shape)})",
                f"[{', '.join([second] * rows)}]",
            ]
        )

    def _cube(self, shape: Shape, depth: int) -> str:
        whole, matrix = self.array(shape, depth), self.array((2, 2), depth)
        batch, vector = self.array(BATCH, depth), self.array((2,), depth)
        return self.draw.choice(
            [
                f"({whole}) @ ({matrix})",
                f"({matrix}) @ ({whole})",
                f"({whole}) @ ({self.array(shape, depth)})",
                f"({batch})[:, 0]",
                f"transpose({whole}, 2, 0, 1)",
                f"sum({batch}, axis=1)",
                f"max({batch}, axis=1)",
                f"stack({matrix}, {matrix}*({vector}), axis={self.draw.choice([0, 1, -1])})",
                f"softmax({whole}{self.axis(shape)})",
                f"reshape({batch}, 2, -1, 2)[:, ::1]",
                f"[{matrix}, {matrix}]",
            ]
        )

    def _batch(self, shape: Shape, depth: int) -> str:
        whole, cube = self.array(shape, depth), self.array(CUBE, depth)
        return self.draw.choice(
            [
                f"({whole}) @ ({self.array((2, 2), depth)})",
                f"transpose({whole}, 0, 1, 3, 2)",
                f"reshape({cube}, 2, 1, 2, 2)",
                f"stack({cube}, axis=1)",
                f"mean({whole}, axis=(0, 2), keepdims=true) + ({whole})",
            ]
        )


def _of_array(function: str) -> Callable[[_Drawn, int], str]:
    return lambda drawn, depth: drawn.along(function, drawn.draw.choice(RANKS[1:]), depth)


def _of_vectors(function: str, lengths: Sequence[int]) -> Callable[[_Drawn, int], str]:
    def written(drawn: _Drawn, depth: int) -> str:
        return f"{function}({', '.join(drawn.array((length,), depth) for length in lengths)})"

    return written


def _of_shapes(call: str, *shapes: Shape) -> Callable[[_Drawn, int], str]:
    """Return a call with an expression of each shape in its places."""
    return lambda drawn, depth: call.format(*(drawn.array(shape, depth) for shape in shapes))


def _any_of(*calls: tuple[Any, ...]) -> Callable[[_Drawn, int], str]:
    """Return one of several calls, each given with the shapes of its places."""
    return lambda drawn, depth: _of_shapes(*drawn.draw.choice(calls))(drawn, depth)


_CONTRACTIONS: Sequence[tuple[Any, ...]] = (
    ("einsum('ij,jk->ik', {0}, {1})", (2, 3), (3, 2)),
    ("einsum('ij,kj,k->i', {0}, {1}, {2})", (2, 3), (2, 3), (2,)),
    ("einsum('ij,i->j', {0}, {1})", (2, 3), (2,)),
    ("einsum('ij,ij->i', {0}, {1})", (2, 3), (2, 3)),
    ("einsum('i,j', {0}, {1})", (2,), (3,)),
    ("einsum('ij,ji->', {0}, {1})", (2, 3), (3, 2)),
    ("einsum('ii->i', {0})", (2, 2)),
    ("einsum('ik,jk,k->j', {0}, {1}, {2})", (2, 3), (2, 3), (3,)),
    ("einsum('bij,bkj->bik', {0}, {1})", CUBE, CUBE),
    ("einsum('bchw,oc->bohw', {0}, [[{1}], [a]])", BATCH, ()),
    ("einsum('bij,ij->b', {0}, {1})", CUBE, (2, 2)),
    ("einsum('bii->ib', {0})", CUBE),
    ("einsum('i,jk->ikj', {0}, {1})", (2,), (2, 3)),
)
"""Einstein sums, with the shapes of their operands."""

_OF_ONE_ARRAY = [name for name, row in ARRAY_OPERATIONS.items() if row.arity == 1]

OF_ARRAYS: Mapping[str, Callable[[_Drawn, int], str]] = {
    **{name: _of_array(name) for name in _OF_ONE_ARRAY},
    "flatten": lambda drawn, depth: f"flatten({drawn.array(drawn.draw.choice([(2, 3), CUBE, BATCH]), depth)})",
    WHERE: lambda drawn, depth: drawn.branches(drawn.draw.choice(RANKS), depth),
    "reshape": lambda drawn, depth: (
        f"reshape({drawn.array((2, 3), depth)}, {drawn.draw.choice(['3, 2', '-1, 2', '6'])})"
    ),
    "flip": _any_of(("flip({0})", (2, 3)), ("flip({0}, axis=(1, 2))", CUBE)),
    "max_pool": _any_of(("max_pool({0})", (2, 3)), ("max_pool({0}, padding=1)", BATCH)),
    "avg_pool": _any_of(
        ("avg_pool({0}, size=2, stride=1)", (3, 2)), ("avg_pool({0}, size=2, stride=1, padding=1)", CUBE)
    ),
    "max_pool1d": _of_shapes("max_pool1d({0}, stride=1)", (2, 3)),
    "avg_pool1d": _of_shapes("avg_pool1d({0}, padding=1)", CUBE),
    "attention": lambda drawn, depth: _of_shapes(
        drawn.draw.choice(["attention({0}, {1}, {2})", "attention({0}, {1}, {2}, {2})"]),
        *drawn.draw.choice([((2, 3), (2, 3), (2, 2)), (CUBE, CUBE, CUBE)]),
    )(drawn, depth),
    "clip": _of_shapes("clip({0}, -1/2, abs({1}))", (2, 3), (3,)),
    "conv1d": _any_of(("conv1d({0}, {1})", (3,), (2,)), ("conv1d({0}, {1}, stride=2, padding=1)", (2, 3), CUBE)),
    "conv2d": _any_of(
        ("conv2d({0}, {1})", (2, 3), (2, 2)),
        ("conv2d({0}, {1}, padding=1, dilation=2)", (3, 2), (2, 2)),
        ("conv2d([{0}], {1}, stride=2, padding=1)", (2, 2), BATCH),
        ("conv2d({0}, {1}, padding=1)", BATCH, BATCH),
    ),
    "stack": _any_of(("stack({0}, {1}, axis=-1)", (2, 3), (2, 3)), ("stack({0}, {1}, axis=1)", CUBE, CUBE)),
    "transpose": _any_of(("transpose({0})", (2, 3)), ("transpose({0}, -1, 0, 1)", CUBE)),
    "take": lambda drawn, depth: f"take({drawn.array((2, 3), depth)}, [1, 0, 1]{drawn.axis((2, 3))})",
    "one_hot": _of_shapes("one_hot([2, 0], 3)*{0}", (2, 3)),
    "einsum": _any_of(*_CONTRACTIONS),
    "dot": _of_vectors("dot", (3, 3)),
    "outer": _of_vectors("outer", (2, 3)),
    "concat": lambda drawn, depth: (
        f"concat({drawn.array((2, 3), depth)}, {drawn.array((2, 3), depth)}{drawn.axis((2, 3))})"
    ),
}
"""How a graph calls what is no function of one number."""


def content(seed: int) -> dict[str, Any]:
    """Return the content of a problem; every third has samples of x and y."""
    draw = random.Random(f"graph {seed}")
    drawn = _Drawn(draw)
    first = drawn.about(FUNCTIONS[seed % len(FUNCTIONS)], draw.choice([0, 1, 1]))
    equations = [f"p = {first}"]
    for name, shape in zip("qr", draw.sample(RANKS, 2), strict=True):
        equations.append(f"{name} = {drawn.array(shape, draw.choice([1, 2]))}")
        drawn.known[name] = shape
    equations.append("L = mean(p*p)/2 + sum(q)/5 - mean(r*r)/4 + mean(sin(p))*a")

    def numbers(shape: Shape) -> Any:
        return [numbers(shape[1:]) for _ in range(shape[0])] if shape else round(draw.uniform(-1.5, 1.5), 2) or 0.37

    given = {name: numbers(shape) for name, shape in SHAPES.items()}
    has_samples = seed % 3 == 2
    inputs = {name: given.pop(name) for name in ("x", "y")}
    table: dict[str, Any] = {
        "graph": {"parameters": given, "inputs": inputs, "equations": equations, "output": "L"},
        "training": {"learning_rate": 0.01, "steps": 2},
    }
    if has_samples:
        table["data"] = {name: [numbers(SHAPES[name]) for _ in range(3)] for name in inputs}
    return table
