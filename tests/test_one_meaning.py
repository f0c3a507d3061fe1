"""One meaning everywhere: whatever an equation says, each reader of graphs finds the same numbers, or refuses it alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop.arithmetic.exact import CONTEXT
from symbackprop.compilation import compile
from symbackprop.compilation.array_engine import ArrayEngine
from symbackprop.compilation.backends import BACKENDS
from symbackprop.derivation import matrix_grain
from symbackprop.derivation.derivations import Derivation, derive
from symbackprop.errors import EvaluationError
from symbackprop.evaluation.evaluate import evaluate
from symbackprop.problems import Problem
from symbackprop.rendering import render
from symbackprop.rendering.formats import formats
from symbackprop.scripts import script
from tests import random_graphs
from tests.derivation.test_matrices import TOLERANCE, differences
from tests.helpers import each, few, only, require_module
from tests.scripts.test_code import WITHOUT_JAX, agree, run

TURN = len(random_graphs.FUNCTIONS)
SEEDS = range(3 * TURN)
READ = [seed for seed in SEEDS if (seed % TURN + seed // TURN) % 2 == 0]
"""Half of them: every other function in one turn, those between in the next."""
PRINTED = SEEDS[::7]
"""A sixth or so, with samples and without: a graph is long on paper."""
TEXTS = [name for name in formats() if name != "pdf"]


def expected(derivation: Derivation) -> dict[str, np.ndarray]:
    """Return loss and gradients by the element grain in exact arithmetic."""
    values = evaluate(derivation)
    found = {
        each.name: np.reshape([float(values.gradient(name)) for name in each.elements()], each.shape)
        for each in derivation.parameters
    }
    return {"L": np.float64(float(values.value("L"))), **found}


def assert_near(wanted: dict[str, np.ndarray], loss: float, gradients: dict[str, np.ndarray], tolerance: float) -> None:
    """Assert that a compiled gradient has the numbers of the element grain, to a share of the largest of them."""
    assert wanted.keys() - {"L"} == gradients.keys()
    scale = max(np.max(np.abs(array)) for array in wanted.values())
    for name, array in {"L": np.float64(loss), **gradients}.items():
        np.testing.assert_allclose(array, wanted[name], rtol=tolerance, atol=tolerance * scale, err_msg=name)


def assert_one_meaning(problem: Problem) -> None:
    """Send a problem through the readers that take no other program, and compare what they find."""
    derivation = derive(problem)
    wanted = expected(derivation)
    between_arrays = differences(derivation, matrix_grain.gradients(derivation.graph))
    assert {} == {name: distance for name, distance in between_arrays if distance > CONTEXT.mpf(TOLERANCE)}
    for dtype, tolerance in (("float64", 1e-9), ("float32", 2e-4)):
        compiled = compile(derivation, dtype=dtype)
        assert_near(wanted, *compiled(), tolerance)
        engine = ArrayEngine(compiled.plan(derivation.graph.samples))
        arrays = compiled.arguments.parameter_arrays(None)
        out = [np.empty(array.shape, dtype) for array in arrays]
        loss = engine.gradient(arrays, compiled.arguments.data_arrays(None, None)[1], out)
        names = [each.name for each in derivation.parameters]
        assert_near(wanted, loss, dict(zip(names, out, strict=True)), tolerance)
    assert sbp.check(problem).agrees
    for target in each(WITHOUT_JAX):
        if target == "torch":
            require_module("torch")
        agree(problem, run(script(problem, target)))
    history = sbp.train(problem, steps=2)
    solution = sbp.solve(problem)
    for quantity in each(derivation.parameters):
        final = np.reshape([float(solution.final[name]) for name in quantity.elements()], quantity.shape)
        np.testing.assert_allclose(history.parameters[quantity.name], final, rtol=1e-9, atol=1e-9)


def test_every_function_is_what_a_random_graph_is_about() -> None:
    """Readers meet every function; among the printed graphs, all are about different ones, and every third has samples."""
    assert set(range(TURN)) == {seed % TURN for seed in READ}
    assert len(PRINTED) == len({seed % TURN for seed in PRINTED})
    assert {0, 1, 2} == {seed % 3 for seed in PRINTED}


@pytest.mark.parametrize("seed", few(READ, 2))
def test_readers_of_a_random_graph_agree(seed: int) -> None:
    """Both grains, lines and arrays in both types of numbers, scripts, training and the checks have the same numbers."""
    problem = sbp.problem(random_graphs.content(seed))
    try:
        evaluate(derive(problem))
    except EvaluationError as error:
        with pytest.raises(EvaluationError, match=str(error.what)):
            sbp.solve(problem)
        return
    assert_one_meaning(problem)


@pytest.mark.parametrize("seed", few(range(TURN), 1))
def test_random_graph_is_compiled_by_every_backend(seed: int) -> None:
    """A backend has the numbers of the element grain."""
    derivation = derive(sbp.problem(random_graphs.content(seed)))
    for backend in each(BACKENDS):
        require_module(backend)
        assert_near(expected(derivation), *compile(derivation, backend=backend)(), 1e-9)


@pytest.mark.parametrize("seed", only(PRINTED, 105))
def test_random_graph_is_printed_in_every_format(seed: int) -> None:
    """Each format of text has it, line by line and between arrays, in both languages."""
    problem = sbp.problem(random_graphs.content(seed))
    assert problem.training is not None
    solution = sbp.solve(replace(problem, training=replace(problem.training, steps=1)))
    for name in TEXTS:
        for language in ("en", "zh"):
            assert str(render(solution, name, language=language, detail="full,matrix"))
