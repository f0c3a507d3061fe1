"""Passes of numbers through a derivation: sums of many products, and what is said where there are no numbers."""

from __future__ import annotations

from fractions import Fraction

import pytest

import symbackprop as sbp
from symbackprop.errors import MissingValueError
from symbackprop.evaluation.evaluate import evaluate, not_finite
from symbackprop.evaluation.pieces import LONG_SUM


@pytest.mark.parametrize("samples", [None, 2])
@pytest.mark.parametrize("count", [LONG_SUM - 1, LONG_SUM, 2 * LONG_SUM + 1])
def test_sums_of_many_products_are_exact(count: int, samples: int | None) -> None:
    """The loss and its gradients are those of fractions added one by one, beside other terms and in samples too."""
    w = [Fraction(place + 1, 7) for place in range(count)]
    rows = [[Fraction((-1) ** place, place + 2 + row) for place in range(count)] for row in range(samples or 1)]
    x = [list(map(str, row)) for row in rows]
    graph = {
        "parameters": {"w": list(map(str, w)), "b": "1/3"},
        "inputs": {"x": x[0] if samples is None else {"shape": [count]}},
        "equations": ["L = dot(w, x) + 5*w[0] + b**2"],
        "output": "L",
    }
    data = {} if samples is None else {"data": {"x": x}}
    values = evaluate(sbp.derive(sbp.problem({"graph": graph, **data})))
    losses = [sum((a * b for a, b in zip(w, row, strict=True)), 5 * w[0] + Fraction(1, 9)) for row in rows]
    assert sum(losses) / len(rows) == values.value("L")
    for place in range(count):
        expected = sum(row[place] for row in rows) / len(rows) + (5 if place == 0 else 0)
        assert expected == values.gradient(f"w_{place + 1}")
    assert Fraction(2, 3) == values.gradient("b")


def test_functions_without_a_formula_are_named() -> None:
    """Who asks for numbers is told which function has none, and what gives it one."""
    network = {"inputs": 1, "layers": [{"units": 1, "activation": "generic"}], "loss": "generic"}
    with pytest.raises(MissingValueError, match=r"a generic function has none: .*network\.loss: give a formula"):
        evaluate(sbp.derive(sbp.problem({"network": network})))


def test_error_of_a_descent_says_where_and_when_it_left_the_numbers() -> None:
    """The update, the loss there and the place."""
    error = not_finite(3, float("inf"), "training")
    assert "training" == error.where
    assert "3" in str(error) and "inf" in str(error)
