"""reshape and flatten: the same numbers in another shape, row by row, forwards and backwards, in every reader."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop.algebra.array_operations import ARRAY_OPERATIONS
from symbackprop.algebra.broadcasting import Shape, indices_of
from symbackprop.algebra.formula import Name
from symbackprop.algebra.rearrangements import in_order, new_shape, reshaped
from symbackprop.algebra.shapes import shape_of
from symbackprop.compilation.operations import View
from symbackprop.errors import ProblemError
from tests.document.test_truth import assert_true, written
from tests.helpers import each, require_module
from tests.oracle import truth
from tests.test_one_meaning import assert_one_meaning

SHAPES: tuple[tuple[Shape, Shape], ...] = (((6,), (2, 3)), ((2, 3), (3, 2)), ((3, 4), (12,)), ((1, 4), (4, 1)))


@pytest.mark.parametrize(("before", "after"), SHAPES)
def test_elements_keep_their_order(before: Shape, after: Shape) -> None:
    """The element at an index of the result is that of NumPy's reshape."""
    assert all(
        (in_order, new_shape) == (row.source, row.shape) for row in map(ARRAY_OPERATIONS.get, ("reshape", "flatten"))
    )
    array = np.arange(np.prod(before)).reshape(before)
    for index in each(indices_of(after), array.size):
        assert array.reshape(after)[index] == array[in_order(before, after, index)]
    assert after == shape_of(reshaped(Name("x"), after), {"x": before}, "")


def content(equations: list[str], parameters: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a graph whose output is L, with two updates."""
    model = {"parameters": parameters, "inputs": inputs, "equations": equations, "output": "L"}
    return {"graph": model, "training": {"learning_rate": 0.01, "steps": 2}}


CONVOLUTION = content(
    ["C = X[0:2, 0:2]*k + X[1:3, 1:3]", "h = relu(W @ flatten(C))", "L = sum(h**2) + sum(reshape(W, 4, 2) @ M)"],
    {"k": 2, "W": [[1, 2, -1, 0.5], [0, 1, -2, 1]], "M": [[1, 2], [-1, 3]]},
    {"X": [[1, 2, 3], [0, -1, 2], [4, 1, 0.5]]},
)


@pytest.mark.parametrize("has_samples", [False, True])
def test_features_become_a_vector_in_every_reader(has_samples: bool) -> None:
    """From a convolution to a dense layer: all readers agree, and what is printed is true."""
    require_module("torch")
    samples = {"data": {"X": [CONVOLUTION["graph"]["inputs"]["X"], [[0, 1, 1], [2, 3, 1], [1, -1, 2]]]}}
    problem = sbp.problem({**CONVOLUTION, **(samples if has_samples else {})})
    assert_one_meaning(problem)
    solution = sbp.solve(problem, steps=1)
    assert_true(truth.judged(solution, written(solution)))
    assert_true(truth.judged(solution, written(solution, "matrix")), 0.7)
    text = sbp.render(solution, "text")
    assert "row by row" in text


def test_document_says_which_element_is_which() -> None:
    """The forward pass has a line for each element of the new shape."""
    problem = sbp.problem(content(["Y = reshape(x, 2, -1)", "L = sum(Y**2)"], {"x": [1, 2, 3, 4]}, {}))
    text = sbp.render(sbp.solve(problem, steps=1), "text")
    assert "reshape₂ × ₂(x)" in text or "reshape" in text
    for line in each(("Y₁₁ = x₁ = 1", "Y₁₂ = x₂ = 2", "Y₂₁ = x₃ = 3", "Y₂₂ = x₄ = 4")):
        assert line in text


def test_view_of_all_samples_keeps_their_axis() -> None:
    """In code the samples stay the first axis."""
    assert "a.reshape(-1, 2, 3)" == View("a", (6,), True).reshaped((2, 3)).text
    assert "a.T.reshape(6)" == View("a", (2, 3), False).transposed().reshaped((6,)).text


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("reshape(x, 3)", "the shape 2×2 has 4 elements, and 3 would have 3"),
        ("reshape(x, -1, 3)", "the shape 2×2 has 4 elements, which is no multiple of 3"),
        ("reshape(sum(x), 1)", "reshape needs a vector or an array"),
        ("sum(x, 0)", r"what else sum takes is given by name: sum\(…, axis=…\)"),
        ("leaky_relu(x, 0.2)", r"given by name: leaky_relu\(…, alpha=…\)"),
        ("concat(x, x, 1)", r"given by name: concat\(…, axis=…\)"),
        ("[[[x]]]", "at most 4 axes, found the shape 1×1×1×2×2: put two axes"),
    ],
)
def test_wrong_shapes_and_places_say_what_to_write(expression: str, message: str) -> None:
    """One line that names what was found, and the spelling that leads on."""
    with pytest.raises(ProblemError, match=message):
        sbp.derive(sbp.problem(content([f"L = sum({expression})"], {"x": [[1, 2], [3, 4]]}, {})))


def test_five_axes_are_refused_with_their_place() -> None:
    """A quantity of more axes than arrays have is refused where it is given, and so is an array without numbers."""
    for value in each(([[[[[1], [2]]]]], {"shape": [1, 1, 1, 2, 1]})):
        with pytest.raises(ProblemError, match=r"graph\.inputs\.x.*found the shape 1×1×1×2×1"):
            sbp.problem(content(["L = sum(x)"], {}, {"x": value}))
    with pytest.raises(ProblemError, match="at least one number, found the shape 0"):
        sbp.problem(content(["L = sum(x)"], {}, {"x": []}))
