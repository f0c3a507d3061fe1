"""Functions of other people's making: value and gradients are those of PyTorch or JAX; solved, checked, written."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import sympy

import symbackprop as sbp
from symbackprop.frontends.torch_recording import module_parameters
from symbackprop.problems import Problem
from tests.document.test_truth import assert_true, written
from tests.frontends import published_expressions, published_functions
from tests.frontends.traced_functions import FUNCTIONS, SOURCES
from tests.helpers import each, few, require_module, sample
from tests.oracle import truth

try:
    import torch

    MODULES: Mapping[str, Any] = importlib.import_module("tests.frontends.published_modules").PUBLISHED
except ImportError:
    torch = None
    MODULES = {}

NUMPY = published_functions.PUBLISHED
SYMPY = published_expressions.PUBLISHED
TOLERANCE = 1e-10
LEAST = 60
"""How many functions there are to be."""


def drawn(name: str, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Return positive numbers with two decimals for the arrays of a function."""
    generator = np.random.default_rng(sum(map(ord, name)))
    return {key: np.round(generator.uniform(0.15, 0.95, shape), 2) for key, shape in shapes.items()}


def of_numpy(name: str) -> Problem:
    """Trace a function of NumPy arrays."""
    row = NUMPY[name]
    return sbp.trace(functools.partial(row.function, np), drawn(name, row.shapes))


def of_textbook(name: str) -> Problem:
    """Trace one of the functions that NumPy and PyTorch can compute alike."""
    function, shapes = FUNCTIONS[name]
    return sbp.trace(functools.partial(function, np), drawn(name, shapes))


def module_of(name: str) -> Any:
    """Return a module in float64, with the same numbers each time."""
    torch.manual_seed(len(name))
    return MODULES[name].make().double()


def of_torch(name: str) -> Problem:
    """Record a module."""
    row = MODULES[name]
    return sbp.from_torch(module_of(name), row.loss, row.x, row.y)


def of_sympy(name: str) -> Problem:
    """Take an expression as a problem."""
    row = SYMPY[name]
    return sbp.from_sympy(row.function(sympy, **{key: sympy.Symbol(key) for key in row.numbers}), row.numbers)


ALL: Mapping[str, Callable[[], Problem]] = {
    f"{way}: {name}": functools.partial(make, name)
    for way, make, rows in (
        ("textbook", of_textbook, FUNCTIONS),
        ("numpy", of_numpy, NUMPY),
        ("torch", of_torch, MODULES),
        ("sympy", of_sympy, SYMPY),
    )
    for name in rows
}
"""What makes the problem of each function, by its way and its name."""


def agree(problem: Problem, value: float, gradients: Mapping[str, Any]) -> None:
    """Compare value and gradients of a problem with those of another library."""
    found, own = sbp.compile(problem)()
    assert float(found) == pytest.approx(value, rel=TOLERANCE, abs=TOLERANCE)
    for name, theirs in each(gradients.items()):
        np.testing.assert_allclose(
            np.asarray(own[name]).ravel(), np.ravel(theirs), rtol=TOLERANCE, atol=TOLERANCE, err_msg=name
        )


def test_there_are_enough_with_sources() -> None:
    """Functions are those of other people, and it is said whose."""
    require_module("torch")
    assert len(ALL) >= LEAST
    assert SOURCES.keys() == FUNCTIONS.keys()
    assert all(row.source.strip() for rows in each((NUMPY, MODULES, SYMPY)) for row in rows.values())


@pytest.mark.parametrize("name", sample(NUMPY, "partial_likelihood", "filtered"))
def test_function_has_the_numbers_of_jax(name: str) -> None:
    """The same function of JAX's arrays has the same value and gradients."""
    jax = require_module("jax")
    row = NUMPY[name]
    problem, arrays = of_numpy(name), drawn(name, row.shapes)
    with jax.enable_x64(True) if hasattr(jax, "enable_x64") else jax.experimental.enable_x64():
        given = [jax.numpy.asarray(array) for array in arrays.values()]

        def of_arrays(*parts: Any) -> Any:
            return row.function(jax.numpy, **dict(zip(arrays, parts, strict=True)))

        value, gradients = jax.value_and_grad(of_arrays, tuple(range(len(given))))(*given)
        agree(problem, float(value), dict(zip(arrays, map(np.asarray, gradients), strict=True)))


@pytest.mark.parametrize("name", few(MODULES, 4))
def test_module_has_the_numbers_of_autograd(name: str) -> None:
    """Value and gradients by every parameter are those of PyTorch in float64."""
    require_module("torch")
    row, model = MODULES[name], module_of(name)
    inputs = row.x if isinstance(row.x, tuple) else (row.x,)
    targets = [] if row.y is None else [row.y.double() if row.y.is_floating_point() else row.y]
    loss = row.loss(model(*inputs), *targets)
    loss.backward()
    names = module_parameters.names_of_parameters({"model": model})
    gradients = {names[f"model.{path}"]: tensor.grad.numpy() for path, tensor in model.named_parameters()}
    agree(of_torch(name), loss.item(), gradients)


@pytest.mark.parametrize("name", few(SYMPY, 6))
def test_expression_has_the_numbers_of_autograd(name: str) -> None:
    """The same formula of PyTorch's numbers has the same value and gradients."""
    require_module("torch")
    row = SYMPY[name]
    numbers = {key: torch.tensor(each, dtype=torch.float64, requires_grad=True) for key, each in row.numbers.items()}
    value = row.function(torch, **numbers)
    value.backward()
    agree(of_sympy(name), value.item(), {key: number.grad for key, number in numbers.items()})


CHOSEN = ("textbook: attention", "numpy: partial_likelihood", "torch: heteroscedastic regression", "sympy: population")


@pytest.mark.parametrize("name", sample(ALL, *(CHOSEN if MODULES else ())))
def test_function_is_solved_checked_and_written(name: str) -> None:
    """What is recorded goes through the oracles and into documents of both languages."""
    problem = ALL[name]()
    solution = sbp.solve(problem)
    assert sbp.check(solution).agrees
    for language in ("en", "zh"):
        assert "begin{aligned}" in str(sbp.render(solution, "markdown", language))


UNREAD: Mapping[str, str] = {
    "torch: focal loss": "the gradient with respect to an activation inside a formula",
    "torch: graph attention": "ELU",
    "torch: rotary attention": "scores of −∞ that are moved",
    **dict.fromkeys(
        (
            "textbook: batch_norm",
            "torch: triplets",
            "torch: mixer",
            "torch: contrastive",
            "torch: variational autoencoder",
        ),
        "a vector that stands for every row",
    ),
}
"""What the reader of printed lines does not know, by the functions whose documents have it."""
UNDERSTOOD = 0.8
"""Biases of layers are vectors that stand for every row."""
JUDGED = ("textbook: gru", "numpy: partial_likelihood", "torch: squeeze and excitation", "sympy: call_price")


@pytest.mark.parametrize("name", sample([name for name in ALL if name not in UNREAD], *(JUDGED if MODULES else ())))
def test_printed_lines_are_true(name: str) -> None:
    """Every relation of the worked solution is read back and computed anew."""
    solution = sbp.solve(ALL[name]())
    assert_true(truth.judged(solution, written(solution)), UNDERSTOOD)
