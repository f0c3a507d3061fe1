"""What is too large is refused at once, in one line that names the limit; what is below it is answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop import limits
from symbackprop.derivation.derivations import derive
from symbackprop.document.sections import figure_placement
from symbackprop.errors import SymbackpropError

SECONDS = 4
"""Of processor time, on a machine that has other things to do: an answer or a refusal takes half of it."""


def graph(*equations: str, **tables: Any) -> dict[str, Any]:
    """Return the content of a graph whose last equation is the output."""
    return {"graph": {"equations": list(equations), "output": equations[-1].partition("=")[0].strip(), **tables}}


def doubled(times: int) -> dict[str, Any]:
    """Return a graph in which a vector is joined to itself again and again."""
    joined = [f"c{step} = concat(c{step - 1}, c{step - 1})" for step in range(1, times + 1)]
    return graph("c0 = w", *joined, f"L = sum(c{times})", parameters={"w": [1, 2]})


def wide(inputs: int, units: int) -> dict[str, Any]:
    """Return a network of one layer."""
    return {"network": {"inputs": inputs, "layers": [{"units": units}], "loss": "half_squared_error"}}


def own(expression: str) -> dict[str, Any]:
    """Return a network whose activation is an expression."""
    layer = {"units": 1, "activation": {"expression": expression}}
    return {"network": {"inputs": 1, "layers": [layer], "loss": "half_squared_error"}}


SQUARE = {"shape": [1000, 1000]}
TOO_LARGE = {
    "a sum of a million": (graph("L = sum(w)", parameters={"w": SQUARE}), "L reads 1000000 numbers"),
    "a large product": (graph("L = sum(w @ w)", parameters={"w": SQUARE}), "L reads 2000000000 numbers"),
    "products in products": (
        graph("L = sum(a @ b @ c)", parameters={name: {"shape": [100, 100]} for name in "abc"}),
        "at most 500000",
    ),
    "an outer product": (graph("L = sum(outer(w, w))", parameters={"w": {"shape": [1000]}}), "reads 2000000 numbers"),
    "a huge array inside": (
        graph("L = sum(outer(w, w))", parameters={"w": {"shape": [100000]}}),
        "10000000000 numbers",
    ),
    "a doubled vector": (doubled(25), "8388608 numbers"),
    "a wide layer": (wide(100_000, 100), r"network.layers\[0\].*100×100000.*5000000"),
    "a huge layer": (wide(100_000, 100_000), "100000×100000"),
    "a long expression": (graph(f"L = {'+'.join('w' * 6000)}", parameters={"w": 1}), "at most 10000 characters"),
    "a name again and again": (graph(f"L = {'*'.join('w' * 101)}", parameters={"w": 1}), "w occurs 101 times"),
    "an activation of many parts": (own("*".join("z" * 101)), "at most 100 parts"),
    "a deep activation": (own(f"{'sqrt(' * 12}z{')' * 12}"), "at most 12 levels"),
    "nested activations": (own("silu(silu(silu(silu(silu(z)))))"), "at most 4 activations inside each other"),
    "a deep expression": (graph(f"L = {'sin(' * 61}w{')' * 61}", parameters={"w": 1}), "at most 60 levels"),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_what_is_too_large_is_refused_at_once(name: str) -> None:
    """One error says what is too large and what the limit is, before any of it has been made."""
    content, match = TOO_LARGE[name]
    started = time.process_time()
    with pytest.raises(SymbackpropError, match=match):
        _ = derive(sbp.problem(content)).elements
    assert time.process_time() - started < SECONDS


def many_parameters(count: int, used: int) -> dict[str, Any]:
    """Return a graph that reads some of its parameters."""
    numbers = {f"w{number}": "1/2" for number in range(count)}
    return graph(f"L = {'+'.join(f'w{number}*w{number}' for number in range(used))}", parameters=numbers)


def nested(function: str, depth: int) -> dict[str, Any]:
    """Return a graph of one function many times inside itself."""
    return graph(f"L = {f'{function}(' * depth}w{')' * depth}", parameters={"w": "7/10"})


BELOW = {
    "2,000 parameters": lambda: many_parameters(2000, 600),
    "silu 40 deep": lambda: nested("silu", 40),
    "gelu 40 deep": lambda: nested("gelu", 40),
    "sigmoid 55 deep": lambda: nested("sigmoid", 55),
    "sqrt 55 deep": lambda: nested("sqrt", 55),
    "a product of 100 sines": lambda: graph(
        f"L = {'*'.join(f'sin({number}*w)' for number in range(1, 101))}", parameters={"w": "1/3"}
    ),
}


@pytest.mark.parametrize("name", BELOW)
def test_what_is_large_and_below_the_limits_is_derived_at_once(name: str) -> None:
    """Long products, many parameters and deep nesting have a derivation, with every partial, in seconds."""
    content: Callable[[], dict[str, Any]] = BELOW[name]
    started = time.process_time()
    derivation = derive(sbp.problem(content()))
    assert all(link.partial() for element in derivation.links for link in derivation.links[element])
    assert time.process_time() - started < SECONDS


def test_size_of_a_derivation_is_known_before_it_is_made() -> None:
    """784-128-10 is below the limit, with the number of reads that the documentation names."""
    elements = derive(sbp.network([784, 128, 10], activations=["relu", "softmax"], loss="cross_entropy")).elements
    read = sum(len(term.arguments) for equation in elements.equations for term in equation.terms)
    assert 203_000 < read < limits.READS


def test_check_of_nested_activations_is_done_at_once() -> None:
    """The composed output of 40 nested activations doubles with each: it is left out, and central differences remain."""
    started = time.process_time()
    assert sbp.check(sbp.problem(nested("silu", 40))).agrees
    assert time.process_time() - started < SECONDS


def test_graph_of_too_many_nodes_has_a_solution_without_a_picture() -> None:
    """What would be a black bar is left out; everything else of the document is there."""
    solution = sbp.solve(sbp.problem(many_parameters(300, 250)))
    assert figure_placement.stated(solution) is None
    assert not any(name.endswith(".svg") for name in sbp.render(solution, "markdown", explain="brief"))
