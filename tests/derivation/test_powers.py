"""Powers whose base and exponent both vary, at a base of 0, where ln has no value and the derivative may have one."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop.arithmetic import exact
from symbackprop.errors import EvaluationError
from tests.document.test_truth import assert_true, written
from tests.helpers import require_module
from tests.oracle import truth
from tests.test_one_meaning import assert_one_meaning


def graph(parameters: dict[str, Any]) -> sbp.Problem:
    """Return the sum of w**v less 2w, which moves w up from 0, with two updates."""
    model = {"parameters": parameters, "equations": ["y = w**v", "L = sum(y) - 2*sum(w)"], "output": "L"}
    return sbp.problem({"graph": model, "training": {"learning_rate": 0.01, "steps": 2}})


def test_power_at_zero_has_its_derivatives() -> None:
    """∂0²/∂v is 0 and ∂0¹/∂w is 1 (less 2), as in PyTorch, in every reader and on paper."""
    require_module("torch")
    problem = graph({"w": [0, 2, 0], "v": [2, 0.5, 1]})
    assert_one_meaning(problem)
    solution = sbp.solve(problem, steps=1)
    assert [0, -1] == [float(solution.steps[0].values.gradient(name)) for name in ("v_1", "w_3")]
    assert_true(truth.judged(solution, written(solution)))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_power_to_the_zero_is_constant_at_zero_too(dtype: str) -> None:
    """∂w⁰/∂w is 0 at w = 0 as everywhere, as in PyTorch, exact and compiled."""
    torch = require_module("torch")
    problem = graph({"w": [0, 3], "v": [0, 0]})
    w = torch.zeros(2, requires_grad=True)
    (torch.pow(w, torch.zeros(2)).sum() - 2 * w.sum()).backward()
    solution = sbp.solve(problem, steps=1)
    assert w.grad.tolist() == [float(solution.steps[0].values.gradient(name)) for name in ("w_1", "w_2")]
    assert w.grad.tolist() == sbp.compile(problem, dtype=dtype)()[1]["w"].tolist()


@pytest.mark.parametrize("exponent", [Fraction(1, 2), Fraction(-1), Fraction(-1, 2)])
def test_power_without_a_derivative_says_so(exponent: Fraction) -> None:
    """√w has no derivative at 0, and 1/w no value."""
    with pytest.raises(EvaluationError, match="division by zero"):
        sbp.solve(graph({"w": [0], "v": [exponent]}))


def test_whole_exponent_is_whole_however_it_is_held() -> None:
    """A negative number to the power 2, written as a float of 50 digits, is real."""
    assert 9 == exact.power(Fraction(-3), exact.to_real(Fraction(2)))
    with pytest.raises(EvaluationError, match="fractional power"):
        exact.power(Fraction(-3), exact.to_real(Fraction(1, 2)))
