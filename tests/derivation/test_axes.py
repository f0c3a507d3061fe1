"""Arrays of three and four axes: what NumPy and PyTorch make of them, in every reader, and what is refused."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy

import symbackprop as sbp
from symbackprop.algebra.array_operations import ARRAY_OPERATIONS
from symbackprop.algebra.broadcasting import MOST_AXES, Shape, axes_at, settled_axis
from symbackprop.algebra.formula import Name, Repeated, repeated_axes, transposed
from symbackprop.algebra.sliding_windows import rows
from symbackprop.derivation import matrix_grain
from symbackprop.derivation.derivations import Derivation, derive
from symbackprop.errors import ProblemError, SymbackpropError
from symbackprop.evaluation.evaluate import evaluate
from symbackprop.problems import Problem
from tests.derivation.test_matrices import differences
from tests.document.test_truth import assert_true, written
from tests.helpers import each, few, require_module
from tests.oracle import truth
from tests.test_one_meaning import TEXTS, assert_one_meaning


def numbers(shape: Shape, draw: random.Random) -> Any:
    """Return nested lists of small numbers."""
    return [numbers(shape[1:], draw) for _ in range(shape[0])] if shape else round(draw.uniform(-1.5, 1.5), 2)


def problem_of(
    equations: Sequence[str], shapes: dict[str, Shape], inputs: dict[str, Shape] | None = None, samples: int = 0
) -> Problem:
    """Return a graph of parameters, and of inputs that may have samples, with numbers that are drawn."""
    draw = random.Random(str(equations))
    given = {name: numbers(shape, draw) for name, shape in shapes.items()}
    data = {name: numbers(shape, draw) for name, shape in (inputs or {}).items()}
    table: dict[str, Any] = {
        "graph": {"parameters": given, "inputs": data, "equations": list(equations), "output": "L"},
        "training": {"learning_rate": 0.01, "steps": 2},
    }
    if samples:
        table["data"] = {name: [numbers(shape, draw) for _ in range(samples)] for name, shape in (inputs or {}).items()}
    return sbp.problem(table)


def value_of(derivation: Derivation, name: str) -> np.ndarray:
    """Return the value of an array in float64."""
    quantity, values = derivation.graph.quantities[name], evaluate(derivation)
    return np.reshape([float(values.value(element)) for element in quantity.elements()], quantity.shape)


# NumPy

EXPRESSIONS = (
    ("X @ Y", "X @ Y"),
    ("X @ Y[0]", "X @ Y[0]"),
    ("X[0] @ Y", "X[0] @ Y"),
    ("X @ v", "X @ v"),
    ("w @ X", "w @ X"),
    ("X*v + X[:, 0:1]", "X*v + X[:, 0:1]"),
    ("X[:, ::2, 1]", "X[:, ::2, 1]"),
    ("sum(X, axis=(0, -1), keepdims=true)*X", "X.sum((0, 2), keepdims=True)*X"),
    ("var(X, axis=(0, 1))", "X.var((0, 1))"),
    ("norm(X, axis=(1, 2))", "np.sqrt((X**2).sum((1, 2)))"),
    ("max(X, axis=(0, 2))", "X.max((0, 2))"),
    ("transpose(X, -1, 0, 1)", "X.transpose(2, 0, 1)"),
    ("X.T", "X.T"),
    ("reshape(X, 3, 1, 2, -1)", "X.reshape(3, 1, 2, -1)"),
    ("flatten(X)", "X.reshape(-1)"),
    ("concat(X, Y, axis=1)", "np.concatenate([X, Y], 1)"),
    ("stack(X, 2*X, axis=-1)", "np.stack([X, 2*X], -1)"),
    ("flip(X, axis=(0, 2))", "np.flip(X, (0, 2))"),
    ("cumsum(X, axis=1)", "np.cumsum(X, 1)"),
    ("take(X, [2, 0], axis=1)", "X[:, [2, 0]]"),
    ("ones(2, 1, 3, 2)*X + zeros(2, 1, 1, 1)", "np.ones((2, 1, 3, 2))*X"),
    ("[X, X*X]", "np.stack([X, X*X])"),
    ("einsum('bij,bkj->bik', X, X)", "np.einsum('bij,bkj->bik', X, X)"),
    ("einsum('bij,cjk->bick', X, Y)", "np.einsum('bij,cjk->bick', X, Y)"),
    ("einsum('bij,bji->b', X, Y)", "np.einsum('bij,bji->b', X, transposed)"),
    ("einsum('bij,bij->', X, X)", "np.einsum('bij,bij->', X, X)"),
    ("einsum('bbj->bj', Y)", "np.einsum('bbj->bj', Y)"),
    ("einsum('bij,b,j->ij', X, v, v)", "np.einsum('bij,b,j->ij', X, v, v)"),
)
"""An expression, and what NumPy makes of it."""

SHAPES: dict[str, Shape] = {"X": (2, 3, 2), "Y": (2, 2, 2), "v": (2,), "w": (3,)}


@pytest.mark.parametrize(("expression", "wanted"), EXPRESSIONS)
def test_arrays_are_those_of_numpy(expression: str, wanted: str) -> None:
    """Values have NumPy's shape and numbers, and both grains have the same gradients, to 40 digits."""
    expression = expression.replace("bji->b', X, Y", "bji->b', X, transpose(X, 0, 2, 1)")
    problem = problem_of([f"P = {expression}", "L = sum(P**3)"], SHAPES)
    derivation = derive(problem)
    given: dict[str, Any] = {name: value_of(derivation, name) for name in SHAPES}
    found = value_of(derivation, "P")
    right = eval(wanted, {"np": np, "transposed": given["X"].transpose(0, 2, 1)}, given)
    assert found.shape == np.shape(right)
    np.testing.assert_allclose(found, right, rtol=1e-12, atol=1e-13)
    assert all(distance < 1e-40 for _, distance in differences(derivation, matrix_grain.gradients(derivation.graph)))


# PyTorch

SLIDING = (
    ("conv1d", (5,), (2,), {"stride": 2, "padding": 1}),
    ("conv1d", (2, 5), (3, 2, 2), {"padding": 2, "dilation": 2}),
    ("conv1d", (2, 1, 6), (2, 1, 3), {"stride": 2}),
    ("conv2d", (4, 3), (2, 2), {"stride": 2, "padding": 1, "dilation": 2}),
    ("conv2d", (2, 4, 5), (1, 2, 2, 3), {"stride": 2}),
    ("conv2d", (2, 2, 3, 3), (2, 2, 2, 2), {"padding": 1}),
    ("conv2d", (1, 2, 3, 4), (1, 2, 1, 2), {"padding": 3, "stride": 3}),
    ("max_pool", (2, 5, 4), (), {"size": 3, "stride": 2, "padding": 1}),
    ("max_pool", (1, 2, 4, 5), (), {}),
    ("max_pool1d", (2, 5), (), {"size": 2, "stride": 1}),
    ("avg_pool", (2, 5, 4), (), {"size": 3, "stride": 2, "padding": 1}),
    ("avg_pool1d", (1, 2, 5), (), {"size": 2, "padding": 1}),
)
"""A function, the shapes of what it takes, and its settings."""


@pytest.mark.parametrize(("function", "whole", "kernel", "settings"), SLIDING)
def test_convolutions_and_pools_are_those_of_pytorch(
    function: str, whole: Shape, kernel: Shape, settings: dict[str, int]
) -> None:
    """Values and gradients equal PyTorch's to 1e-10, with channels and samples as it has them."""
    torch = require_module("torch")
    shapes = {"X": whole, **({"K": kernel} if kernel else {})}
    given = "".join(f", {name}={value}" for name, value in settings.items())
    derivation = derive(problem_of([f"Y = {function}({', '.join(shapes)}{given})", "L = sum(Y**3)"], shapes))
    arrays = {name: torch.tensor(value_of(derivation, name), requires_grad=True) for name in shapes}
    count = len(kernel) - 2 * (len(kernel) > 2 or len(whole) > len(kernel)) if kernel else 2 - function.endswith("1d")
    sides = [array.reshape((1,) * (count + 2 - array.dim()) + array.shape) for array in arrays.values()]
    theirs = {"kernel_size" if name == "size" else name: value for name, value in {"size": 2, **settings}.items()}
    if kernel:
        theirs.pop("kernel_size")
    name = function if kernel else f"{function.removesuffix('1d')}{count}d"
    right = getattr(torch.nn.functional, name)(*sides, **theirs)
    (right**3).sum().backward()
    found = value_of(derivation, "Y")
    np.testing.assert_allclose(found.reshape(right.shape), right.detach().numpy(), rtol=1e-10, atol=1e-10)
    _, gradients = sbp.compile(derivation)()
    for name, array in each(arrays.items()):
        np.testing.assert_allclose(gradients[name], array.grad.numpy(), rtol=1e-10, atol=1e-10)
    assert all(distance < 1e-40 for _, distance in differences(derivation, matrix_grain.gradients(derivation.graph)))


# Every reader

NETWORK = [
    "C = relu(conv2d(X, K, stride=2, padding=1) + reshape(b, -1, 1, 1))",
    "h = tanh(flatten(C))",
    "S = transpose(X, 1, 2, 0) @ W",
    "L = sum(h**2) + mean(max(S, axis=(0, 1))**2)",
]
PARAMETERS: dict[str, Shape] = {"K": (2, 2, 2, 2), "b": (2,), "W": (2, 2)}


@pytest.mark.parametrize("samples", few([0, 2], 1))
def test_images_of_channels_mean_one_thing_in_every_reader(samples: int) -> None:
    """Both grains, lines and arrays, scripts, training and the checks agree, with samples and without."""
    assert_one_meaning(problem_of(NETWORK, PARAMETERS, {"X": (2, 2, 2)}, samples))


def test_printed_matrices_of_an_array_are_true() -> None:
    """An array stands as its matrices, by their places; the oracle finds all lines true, and understands nearly all."""
    solution = sbp.solve(problem_of(NETWORK, PARAMETERS, {"X": (2, 2, 2)}), steps=1)
    between = written(solution, "matrix")
    assert "{C}_{[2]}" in between
    assert "{(K^+)}_{[2,1]}" in between
    assert_true(truth.judged(solution, written(solution)))
    assert_true(truth.judged(solution, between), 0.9)


@pytest.mark.parametrize("name", few(TEXTS, 2))
def test_every_format_prints_arrays_of_four_axes(name: str) -> None:
    """Line by line and between arrays, in both languages."""
    solution = sbp.solve(problem_of(["Y = X @ W", "L = sum(Y**2)"], {"X": (1, 2, 1, 2), "W": (2, 2)}), steps=1)
    for language in each(("en", "zh")):
        assert sbp.render(solution, name, language=language, detail="full,matrix")


def test_gradient_in_sympy_has_the_shape_of_the_array() -> None:
    """What is no matrix is an array of SymPy's."""
    derivation = derive(problem_of(["L = sum(X**2)"], {"X": (2, 1, 2)}))
    found = derivation.gradient("X")
    assert isinstance(found, sympy.ImmutableDenseNDimArray)
    assert (found.shape, str(found[1, 0, 1])) == ((2, 1, 2), "2*X_2_1_2")


# Refusals, and small parts

REFUSED = (
    ("sum(X, axis=(0, 0))", "the axes 0, 0 are not all different"),
    ("sum(X, axis=(0, 3))", "there is no axis 3: the number of axes is 3"),
    ("softmax(X, axis=(0, 1))", "softmax runs along one axis, not along several"),
    ("transpose(X, 0, 1)", r"expected a call such as transpose\(X, 1, 0\)"),
    ("transpose(X, 0, 1.5, 2)", "the numbers of all its axes in their new order"),
    ("X[::-1]", "a slice goes forwards: expected a step of at least 1"),
    ("[[X]]", "at most 4 axes, found the shape 1×1×2×3×2"),
    ("conv2d(X, Y, stride=0)", r"expected a call such as conv2d\(X, K, stride=1, padding=0, dilation=1\)"),
    ("conv2d(X, X)", "expected a call such as conv2d"),
    ("max_pool(X, size=2, padding=2)", "expected a call such as max_pool"),
    ("einsum('abc,def->abcdef', X, X)", "an array of more than 4 axes on its way"),
    ("X @ w", "the last axis of the left has to match"),
)
"""An expression, and the line that says what to write instead."""


@pytest.mark.parametrize(("expression", "line"), REFUSED)
def test_wrong_axes_say_what_to_write(expression: str, line: str) -> None:
    """One line that names what was found, before anything is computed."""
    with pytest.raises(SymbackpropError, match=line):
        derive(problem_of([f"L = sum({expression})"], SHAPES))


def test_ragged_lists_are_refused_where_they_are() -> None:
    """Nested lists of different lengths are an error with their place, however deep."""
    table = {"graph": {"parameters": {"X": [[[1, 2], [3]]]}, "equations": ["L = sum(X)"], "output": "L"}}
    with pytest.raises(ProblemError, match=r"graph\.parameters\.X\[0\].*the rows of an array have the same length"):
        sbp.problem(table)


def test_axes_are_put_in_order() -> None:
    """Axes from the end, orders of orders and repeated arrays come down to numbers from 0."""
    assert axes_at((-1, 0), MOST_AXES, "") == (0, 3)
    assert settled_axis((0, 1, 2), 3) is None
    assert transposed(transposed(Name("X"), (2, 0, 1)), (1, 2, 0)) == Name("X")
    assert repeated_axes(Repeated(Repeated(Name("x"), 1, 2), 0, 3)) == (Name("x"), (0, 2))
    names = {row.name for row in rows(lambda apply, shapes, where: ProblemError(where))}  # type: ignore[arg-type]
    assert names <= set(ARRAY_OPERATIONS) and Fraction(1) == ARRAY_OPERATIONS["conv2d"].settings["stride"]
