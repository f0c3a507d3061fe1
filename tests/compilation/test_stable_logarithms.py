"""Logarithms of probabilities in code: from the logits, however an equation says them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop.algebra.formula import Apply, walk
from symbackprop.compilation import compile, stable_logarithms
from symbackprop.compilation.array_engine import ArrayEngine
from symbackprop.compilation.backends import BACKENDS
from symbackprop.derivation.derivations import Derivation, derive
from symbackprop.evaluation.evaluate import evaluate
from symbackprop.scripts import TARGETS, script
from tests.helpers import require_module
from tests.scripts.test_code import run
from tests.scripts.test_loop_scripts import printed

LOSSES = {
    "one line": ["L = -sum(y*ln(softmax(z)))"],
    "two lines": ["p = softmax(z)", "L = -sum(y*ln(p))"],
    "log": ["p = softmax(z)", "L = -sum(y*log(p))"],
    "one class": ["p = softmax(z)", "L = -ln(p[1])"],
    "rows": ["Z = [z, 2*z]", "P = softmax(Z)", "L = -ln(P[0, 1]) - ln(P.T[1, 1])"],
    "sigmoid": ["p = sigmoid(z)", "L = -sum(y*ln(p) + (1 - y)*ln(1 - p))"],
    "one unit": ["L = -ln(sigmoid(z[1])) - ln(1 - sigmoid(z[0]))"],
}
LOGITS = ([800, -40, 799], [-800, -2000, 3], ["1/2", "-3/4", 2])


def problem(name: str, logits: Any) -> sbp.Problem:
    """Return a loss written by hand, of logits that are parameters."""
    graph = {"parameters": {"z": logits}, "targets": {"y": [0, 1, 0]}, "equations": LOSSES[name], "output": "L"}
    return sbp.problem({"graph": graph})


def expected(derivation: Derivation) -> tuple[float, list[float]]:
    """Return loss and gradients of the equations as they are written, in exact arithmetic."""
    values = evaluate(derivation)
    return float(values.value("L")), [float(values.gradient(name)) for name in ("z_1", "z_2", "z_3")]


@pytest.mark.parametrize("logits", LOGITS, ids=str)
@pytest.mark.parametrize("name", LOSSES)
def test_loss_written_by_hand_has_its_value_at_any_logits(name: str, logits: Any) -> None:
    """Compiled lines and arrays have the numbers of exact arithmetic where probabilities are below what floats have."""
    derivation = derive(problem(name, logits))
    loss, gradient = expected(derivation)
    for backend in BACKENDS:
        require_module(backend)
        found, gradients = compile(derivation, backend=backend)()
        np.testing.assert_allclose([found, *gradients["z"]], [loss, *gradient], rtol=1e-12, atol=1e-300)
    compiled, out = compile(derivation), np.empty(3)
    arguments = compiled.arguments
    data = arguments.data_arrays(None, None)[1]
    found = ArrayEngine(compiled.plan(None)).gradient(arguments.parameter_arrays(None), data, [out])
    np.testing.assert_allclose([found, *out], [loss, *gradient], rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("target", TARGETS)
def test_script_of_a_loss_written_by_hand_runs(target: str, tmp_path: Path) -> None:
    """A script checks itself at such logits: its numbers are those of the compiled code."""
    if TARGETS[target].language is not None:
        assert "gradients are right" in printed(problem("two lines", LOGITS[0]), target, tmp_path)[0]
        return
    if target in ("torch", "jax"):
        require_module(target)
    assert run(script(problem("two lines", LOGITS[0]), target))


def test_equations_without_such_logarithms_are_the_same_graph() -> None:
    """Any other logarithm stays as it is, and so do the equations of documents."""
    other = derive(sbp.problem({"graph": {"parameters": {"z": 2}, "equations": ["L = ln(1 + z)"], "output": "L"}}))
    assert stable_logarithms.with_stable_logarithms(other.graph) is other.graph
    written = derive(problem("two lines", LOGITS[0])).graph
    changed = stable_logarithms.with_stable_logarithms(written)
    functions = [part.function for each in changed.equations for part in walk(each.formula) if isinstance(part, Apply)]
    assert functions.count("log_softmax") == 1 and "ln" not in functions
    assert written.equations[0] == changed.equations[0]
