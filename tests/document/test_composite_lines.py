"""Composite functions on paper: by name and as the formula they are, and every line of them true."""

from __future__ import annotations

import pytest

import symbackprop as sbp
from symbackprop.algebra import composite_operations, contractions
from symbackprop.errors import SymbackpropError
from symbackprop.graph.quantities import PIECE
from symbackprop.problems import Problem
from symbackprop.rendering import render
from tests.document.test_truth import assert_true, written
from tests.helpers import each
from tests.oracle import array_functions, truth

GIVEN = {"A": [["0.5", -1, 2], ["1.5", "0.25", "-0.75"], [1, 2, -1]], "K": [[1, 2], ["0.5", -1]], "x": [1, -2, "0.25"]}
IMAGE = ["P = max_pool(A, size=2, stride=1)", "Q = avg_pool(A, size=3)", "C = conv2d(A, K)", "k = conv1d(x, K[0])"]
NORMED = ["N = layer_norm(C, eps=1/2)", "M = batch_norm(C)", "O = attention(N, M, P)", "H = layer_norm(O, axis=0)"]
ORDERED = ["c = cumsum(O, axis=1)", "d = reverse_cumsum(x)", "F = flip(K)*clip(O, -1/4, 1/4)", "G = layer_norm(x)"]
OUTPUT = "L = sum(c*F) + sum(Q) + sum(k) + sum(d*G) + sum(H*P)"


def problem(*equations: str, output: str = "L") -> Problem:
    """Return a graph of arrays that are given."""
    return sbp.problem({"graph": {"parameters": GIVEN, "equations": [*equations], "output": output}})


def test_every_line_of_composite_functions_is_true() -> None:
    """Entries, equations between arrays and their gradients are computed anew by the oracle."""
    solution = sbp.solve(problem(*IMAGE, *NORMED, *ORDERED, OUTPUT))
    assert_true(truth.judged(solution, written(solution, "full", "matrix")), 0.99)


def test_composite_is_a_name_and_a_formula() -> None:
    """A name and what it stands for are one line of the statement; its pieces are quantities, once however often read."""
    found = sbp.solve(problem("N = attention(A, A, A)", "M = attention(A, A, A)", "L = sum(N*M)"))
    lines = str(render(found, "text")).splitlines()
    assert sum("Attention(A, A, A) = u₂ A" in line for line in lines) == 2
    quantities = found.derivation.graph.quantities.values()
    assert ["u1", "u2"] == [quantity.name for quantity in quantities if quantity.kind == PIECE]


def test_einsum_is_the_product_that_it_is() -> None:
    """Letters of an Einstein sum become products, transposes and sums, in any order of the operands."""
    for text, formula in each(
        {
            "einsum('ij,jk->ik', A, A)": "A @ A",
            "einsum('ij,ik->jk', A, A)": "A.T @ A",
            "einsum('ij,ij->', A, A)": "sum(A*A)",
            "einsum('i,kj,i->jk', x, A, x)": "((x @ x)*A).T",
            "einsum('ji', A)": "A.T",
            "einsum('ii', A)": "sum([A[0, 0], A[1, 1], A[2, 2]])",
            "einsum('i,ij,j', x, A, x)": "x @ A @ x",
        }.items()
    ):
        one, other = (sbp.solve(problem(f"p = {each}", "L = sum(sin(p))")).steps[0].values for each in (text, formula))
        assert one.value("L") == pytest.approx(other.value("L"), abs=1e-30)


REFUSED = {
    "conv2d(K, A)": r"conv2d does not take the shapes 2×2, 3×3: expected a call such as conv2d\(X, K, stride=1",
    "conv1d(A, K)": "conv1d does not take",
    "attention(A, K, A)": "attention does not take",
    "max_pool(A, size=4)": "max_pool does not take",
    "max_pool(A, size=1/2)": "max_pool does not take",
    "layer_norm(2)": "layer_norm does not take",
    "layer_norm(A, axis=2)": "there is no axis 2",
    "layer_norm(A, epsilon=1)": 'no parameter "epsilon"',
    "take(A, x)": "take does not take",
    "take(A, [3])": "the index 3 is outside",
    "one_hot([3], 3)": "one_hot does not take",
    "einsum(A, 'ij')": "einsum takes its subscripts in quotes first",
    "einsum('ij;', A)": "einsum takes its subscripts in quotes first",
    "einsum('ij,jk', A)": "does not fit the shapes 3×3",
    "einsum('ij,jk', A, K)": "does not fit the shapes 3×3, 2×2",
    "einsum('ij->ik', A)": "does not fit",
    "einsum('ij,kl,mn->ijklmn', A, A, A)": "more than 4 axes",
    "clip(A, 1)": "clip takes 3",
}


def test_every_composite_says_how_it_is_called() -> None:
    """The call that a refusal shows is read; subscripts are letters with commas and an arrow."""
    calls = composite_operations.CALLS
    assert {row.name for row in composite_operations.COMPOSITES} == calls.keys() | {contractions.EINSUM}
    given = {
        "parameters": {**GIVEN, **dict.fromkeys("XQKV", GIVEN["A"]), "W": GIVEN["A"], "k": [1, 2], "y": GIVEN["x"]},
        "output": "L",
    }
    for call in each(calls.values()):
        sbp.derive(sbp.problem({"graph": {**given, "equations": [f"L = sum({call})"]}}))


@pytest.mark.parametrize(("text", "what"), REFUSED.items(), ids=REFUSED)
def test_call_that_does_not_fit_is_refused(text: str, what: str) -> None:
    """What is wrong is said with a call that is right."""
    with pytest.raises(SymbackpropError, match=what):
        sbp.derive(problem(f"L = sum({text})"))


def test_oracle_reads_what_stands_below() -> None:
    """The test of the test: an axis, settings, and functions that it does not have."""
    assert {"axis": "2", "size": "3"} == array_functions.below_of(r"2,\mathrm{size}=3")
    assert array_functions.value_of("gamma", {}, [[[1]]], abs, abs) is None
