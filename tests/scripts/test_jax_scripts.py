"""Scripts in JAX: they run, and jax.grad finds the gradients that they carry."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symbackprop
from symbackprop.scripts import script
from symbackprop.scripts.libraries import JAX
from tests import random_graphs
from tests.document.test_composite_lines import GIVEN, IMAGE, NORMED, ORDERED, OUTPUT
from tests.helpers import each, require_module
from tests.scripts.test_code import agree, run

COMPOSITES = {"parameters": GIVEN, "equations": [*IMAGE, *NORMED, *ORDERED, OUTPUT], "output": "L"}
BRANCHES = {
    "parameters": {"w": [0, 2, "1/2"]},
    "equations": ["a = where(w > 0, w*ln(w), 0)", "b = where(w <= 1, sqrt(2 - w), w)", "L = sum(a*b) + prod(1 + w)"],
    "output": "L",
}
TRAINING = {"training": {"learning_rate": 0.01, "steps": 2, "optimizer": "adam"}}
PROBLEMS: dict[str, Any] = {
    "mazur": "mazur",
    "classifier": "classifier",
    "composites": {"graph": COMPOSITES},
    "branches": {"graph": BRANCHES, **TRAINING},
    "samples": random_graphs.content(2),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_script_in_jax_finds_its_gradients(name: str) -> None:
    """Losses and final parameters are those of the solution, and the gradients those that the script carries."""
    require_module("jax")
    given = PROBLEMS[name]
    problem = symbackprop.example(given) if isinstance(given, str) else symbackprop.problem(given)
    found = run(script(problem, "jax"))
    start = run(script(problem, "jax"), "imported")
    for parameter, gradient in each(start["backward"](**start["parameters"], **start["data"]).items()):
        assert gradient.dtype == np.float64
        np.testing.assert_allclose(gradient, start["EXPECTED"][parameter], rtol=1e-10, atol=1e-12)
    if problem.training is not None:
        agree(problem, found)


def test_jax_has_the_calls_of_numpy() -> None:
    """A call of NumPy's is one of jax.numpy, but where JAX has its own; blanks are for scripts with lines of gradients."""
    operations = random_graphs.ARRAY_OPERATIONS
    assert "jnp.sum({0}{along})" == JAX.call(operations["sum"])
    assert "jax.nn.softmax({0}{along})" == JAX.call(operations["softmax"])
    assert JAX.call(operations["norm"]) is None
    with pytest.raises(symbackprop.ProblemError, match="jax"):
        script("mazur", "jax", blanks=True)
