"""Masks of −∞: what they hide has exactly no weight and no gradient, everywhere."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import numpy as np
import pytest

import symbackprop as sbp
from symbackprop.errors import EvaluationError, SymbackpropError
from symbackprop.problems import Problem
from tests.helpers import require_module


def masked(mask: Any = ((0, "-inf"), (0, 0)), **tables: Any) -> Problem:
    """Return attention of two tokens under a causal mask."""
    graph = {
        "parameters": {"Q": [[1, "0.5"], ["0.3", "-0.2"]], "K": [["0.2", "0.1"], ["0.4", "0.9"]]},
        "inputs": {"M": [list(row) for row in mask], "V": [[1, 2], [3, 4]]},
        "targets": {"Y": [[1, 0], [0, 1]]},
        "equations": ["S = Q @ K.T / sqrt(2) + M", "A = softmax(S, axis=1)", "O = A @ V", "L = 1/2*sum((O - Y)**2)"],
        "output": "L",
    }
    return sbp.problem({"graph": graph, "training": {"learning_rate": "0.1", "steps": 1}, **tables})


@pytest.mark.parametrize("given", ["-inf", "-Infinity", "-∞", "-oo", -math.inf, np.float64("-inf")])
def test_hidden_score_has_no_weight_and_no_gradient(given: Any) -> None:
    """The weight is exactly 0, that of the only one left exactly 1, and the gradients through it are exactly 0."""
    values = sbp.solve(masked([[0, given], [0, 0]])).steps[0].values
    assert (values.value("A_1_2"), values.value("A_1_1")) == (Fraction(0), Fraction(1))
    assert values.gradient("S_1_2") == values.gradient("M_1_2") == Fraction(0)
    assert values.gradient("A_1_2") != 0
    assert sbp.check(masked()).agrees


def test_numbers_are_those_of_pytorch() -> None:
    """Loss and gradients are PyTorch's with the same mask; training goes on with finite numbers."""
    torch = require_module("torch")
    problem = masked()
    numbers = {name: np.array(problem.arrays[name].floats()).reshape(2, 2) for name in ("Q", "K", "M", "V", "Y")}
    q, k, m, v, y = (
        torch.tensor(each, dtype=torch.float64, requires_grad=name in "QK") for name, each in numbers.items()
    )
    loss = 0.5 * ((torch.softmax(q @ k.T / 2**0.5 + m, dim=1) @ v - y) ** 2).sum()
    loss.backward()
    for backend in ("numpy", "numba"):
        value, gradients = sbp.compile(problem, backend=backend)()
        assert value == pytest.approx(loss.item(), rel=1e-12)
        assert gradients["Q"] == pytest.approx(q.grad.numpy(), rel=1e-12, abs=1e-15)
        assert gradients["K"] == pytest.approx(k.grad.numpy(), rel=1e-12, abs=1e-15)
    losses = sbp.train(problem, epochs=5).losses
    assert np.isfinite(losses).all() and losses[-1] < losses[0]


def test_documents_say_minus_infinity() -> None:
    """Every format prints −∞ and e to it as 0, JSON stays JSON, and the matrices have it too."""
    solved = sbp.solve(masked())
    assert r"e^{-\infty }" in str(sbp.render(solved, "markdown"))
    assert "−∞" in str(sbp.render(solved, "text")) and "−∞" in str(sbp.render(solved, "text", detail="matrix"))
    assert "<mi>∞</mi>" in str(sbp.render(solved, "html"))
    assert "minus infinity" in str(sbp.render(solved, "typst"))
    for format in ("markdown", "text", "typst"):
        assert "nan" not in str(sbp.render(solved, format)).lower().replace("finance", "")
    json.loads(str(sbp.render(solved, "json")), parse_constant=lambda name: pytest.fail(name))


@pytest.mark.parametrize("target", ["numpy", "torch"])
def test_script_with_a_mask_runs(target: str, tmp_path: Path) -> None:
    """A script has the mask and checks itself as every script does."""
    if target == "torch":
        require_module("torch")
    file = tmp_path / "masked.toml"
    file.write_text(
        '[graph]\nparameters = { w = [1, 2] }\ninputs = { m = [0, -inf] }\nequations = ["s = w + m", "p = softmax(s)", '
        '"f = p[0] + w[1]*w[0]"]\noutput = "f"\n[training]\nlearning_rate = 0.1\nsteps = 2\n'
    )
    script = tmp_path / "script.py"
    for command in (["-m", "symbackprop", "code", file, "--target", target, "-o", script], [script]):
        done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert "nan" not in done.stdout


@pytest.mark.sweep
def test_notebook_with_a_mask_runs() -> None:
    """Every cell of the notebook runs and agrees."""
    notebook = nbformat.reads(str(sbp.render(sbp.solve(masked()), "notebook")), as_version=4)
    nbclient.NotebookClient(notebook, timeout=120).execute()


def test_mask_that_hides_everything_is_refused() -> None:
    """A softmax over nothing has no value: one line says so."""
    with pytest.raises(EvaluationError, match=r"softmax.*−∞"):
        sbp.solve(masked([["-inf", "-inf"], [0, 0]]))


@pytest.mark.parametrize(
    ("graph", "value"),
    [("parameters", "-inf"), ("targets", "-inf"), ("inputs", "inf"), ("inputs", "nan"), ("inputs", math.inf)],
)
def test_infinity_elsewhere_is_refused(graph: str, value: Any) -> None:
    """Only an input may be −∞; what it may not be says what may."""
    tables = {"parameters": {"w": 1}, "inputs": {"x": 1}, "targets": {"y": 1}}
    tables[graph] = dict.fromkeys(tables[graph], value)
    with pytest.raises(SymbackpropError, match=r"(?s)finite|number"):
        sbp.problem({"graph": {**tables, "equations": ["f = w*x - y"], "output": "f"}})
