"""The detail `second_order`: what second derivatives say, with lines that hold."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop import curvature, document
from symbackprop.curvature import CurvatureError
from symbackprop.document.blocks import Document
from symbackprop.errors import MissingValueError
from symbackprop.problems import Problem
from symbackprop.problems.load import example
from tests.document.test_documents import assert_chain_is_true, chains_of


def page(problem: Problem) -> str:
    """Return the section of a problem as Markdown."""
    text = sbp.render(sbp.solve(problem), format="markdown", detail="second_order")
    assert isinstance(text, str)
    return text[text.index("Second order") :]


def composed(problem: Problem) -> Document:
    """Return the document of a problem with this detail."""
    return document.compose(sbp.solve(problem), ("second_order",))


def quadratic(rate: object, **training: object) -> Problem:
    """Return a linear unit with two weights of unlike curvature: H is diagonal, 1 and 4."""
    content: dict[str, Any] = {
        "network": {
            "inputs": 2,
            "layers": [{"units": 1, "bias": "none"}],
            "loss": "half_squared_error",
            "reduction": "sum",
        },
        "parameters": {"W1": [[1, 1]]},
        "data": {"x": [[1, 0], [0, 2]], "y": [[0], [0]]},
        "training": {"learning_rate": rate, **training},
    }
    return sbp.problem(content)


@pytest.mark.parametrize(
    "problem",
    [
        example("line"),
        example("line", [("data.x", [3]), ("parameters.W1", [["1/7"]])]),
        example("line", [("training.learning_rate", "2.5")]),
        example("local_minima"),
        example("xor"),
        example("classifier"),
        quadratic("1/3"),
        quadratic(0.7),
    ],
    ids=lambda problem: f"{problem.name}",
)
def test_every_line_is_true(problem: Problem) -> None:
    """A calculator that reads the printed operands gets the printed result; = stands between equal numbers only."""
    chains = list(chains_of(composed(problem)))
    assert chains
    for chain in chains:
        assert_chain_is_true(chain)


@pytest.mark.parametrize(
    ("rate", "verdict"),
    [("0.5", "converges"), ("1.5", "converges"), ("2", "keeps its size"), ("2.5", "diverges"), ("-0.5", "diverges")],
)
def test_line_diverges_above_two(rate: str, verdict: str) -> None:
    """For x = 1 the limit of the learning rate is 2; the verdict is what the losses of many steps do."""
    problem = example("line", [("training.learning_rate", Fraction(rate).__str__()), ("training.steps", 12)])
    text = page(problem)
    assert r"\frac{2}{1} = 2" in text
    assert verdict in text
    losses = sbp.solve(problem).losses
    behaviour = "diverges" if losses[-1] > losses[0] else "converges" if losses[-1] < losses[0] else "keeps its size"
    assert behaviour == verdict


def test_limit_is_that_of_the_largest_eigenvalue() -> None:
    """With eigenvalues 1 and 4 the limit is 1/2, and each direction has its factor."""
    text = page(quadratic(0.4))
    assert r"\frac{2}{4} = 0.5" in text or r"\frac{2}{4} = \frac{1}{2}" in text
    assert r"1 - 0.4 \times 4" in text
    assert "converges" in text
    assert "diverges" in page(quadratic(0.6))


@pytest.mark.sweep
def test_no_limit_where_the_loss_is_not_quadratic() -> None:
    """The page names the quantity through which it is not, by its printed symbol."""
    text = page(example("xor"))
    assert "there is no one limit" in text
    assert r"through $a^{(1)}_1$" in text


def test_local_minima_are_listed_with_their_kind() -> None:
    """The example has two minima, at -1 and 2, and a maximum between them."""
    rows = [line for line in page(example("local_minima")).splitlines() if line.endswith(("minimum |", "maximum |"))]
    assert ["$-1$", "$0$", "$2$"] == [row.split("|")[1].strip() for row in rows]
    assert ["minimum", "maximum", "minimum"] == [row.split("|")[3].strip() for row in rows]


def test_numbers_of_the_page_are_those_of_the_functions() -> None:
    """Hessian, eigenvalues and step are curvature's."""
    problem = quadratic("1/10")
    assert ((1, 0), (0, 4)) == curvature.hessian(problem).entries
    text = page(problem)
    assert r"\begin{bmatrix} 1 & 0 \\ 0 & 4 \end{bmatrix}" in text.replace("\\bwd", "")
    assert 2 == text.count("$-1$")  # the step of each weight


def test_a_singular_hessian_has_no_step() -> None:
    """Two weights of one input are one too many: the page says why there is no step, and which points are critical."""
    content: dict[str, Any] = {
        "graph": {"parameters": {"u": 1, "v": 2}, "equations": ["L = (u + v - 1)**2"], "output": "L"}
    }
    text = page(sbp.problem(content))
    assert "singular" in text
    assert "is critical" in text


def test_what_has_no_second_order_says_so() -> None:
    """Numbers are needed, and not too many parameters."""
    with pytest.raises(MissingValueError):
        page(sbp.network([1, 1], activations=["tanh"], loss="squared_error"))
    wide = {
        "network": {"inputs": 30, "layers": [{"units": 2}], "loss": "squared_error"},
        "parameters": {"seed": 1},
        "data": {"x": [1] * 30, "y": [0, 1]},
    }
    with pytest.raises(CurvatureError, match="30"):
        page(sbp.problem(wide))
