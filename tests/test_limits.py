"""What is too large is refused at once, in one line that names the limit; what is below it is answered."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop import limits
from symbackprop.algebra.formula import walk
from symbackprop.derivation import taking_apart
from symbackprop.derivation.derivations import derive
from symbackprop.document.sections import figure_placement
from symbackprop.errors import SymbackpropError
from symbackprop.graph.quantities import PIECE
from symbackprop.problems.load import examples
from symbackprop.rendering import svg
from tests.helpers import each, few

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


def own_loss(expression: str) -> dict[str, Any]:
    """Return a network whose loss is an expression."""
    return {"network": {"inputs": 1, "layers": [{"units": 1}], "loss": {"expression": expression}}}


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
    "a name again and again": (graph(f"L = {'*'.join('w' * 301)}", parameters={"w": 1}), "w occurs 301 times"),
    "an activation of many parts": (own("*".join("z" * 301)), r"layers\[0\].activation.expression: z occurs 301 times"),
    "a loss of many parts": (own_loss(f"sum({'*'.join('a' * 301)})"), "network.loss.expression: a occurs 301 times"),
    "a deep activation": (own(f"{'sqrt(' * 61}z{')' * 61}"), "at most 60 levels"),
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
    "powers of powers": lambda: graph(f"L = {'**'.join('w' * 50)}", parameters={"w": "7/10"}),
    "an own activation, silu 40 deep": lambda: own(f"{'silu(' * 40}z{')' * 40}"),
    "an own activation, gelu 40 deep": lambda: own(f"{'gelu(' * 40}z{')' * 40}"),
    "an own activation of 24 sines": lambda: own("*".join(f"sin({number}*z)" for number in range(1, 25))),
    "an own loss, sigmoid 40 deep": lambda: own_loss(f"sum({'sigmoid(' * 40}a - y{')' * 40})"),
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


@pytest.mark.parametrize("count", [300, 1000])
def test_picture_of_a_large_graph_leaves_out_most_of_it(count: int) -> None:
    """However many nodes a graph has, its picture is drawn at once, and is one that somebody can look at."""
    chain = [f"g{n} = sin(g{n - 1} + g{max(n - 7, 0)})" for n in range(1, count)]
    solution = sbp.solve(sbp.problem(graph("g0 = tanh(w)", *chain, parameters={"w": "7/10"})))
    started = time.process_time()
    found = figure_placement.stated(solution)
    assert found is not None and time.process_time() - started < SECONDS
    assert len(svg.picture(found.picture, found.alternative, "en")) < 60_000


# Long formulas taken apart


def growing(name: str, size: int) -> str:
    """Return a formula in w of a size: so many functions inside each other, or factors."""
    if name == "product":
        return "*".join(f"sin({number}*w)" for number in range(1, 5 * size + 1))
    if name == "power":
        return "**".join("w" * size)
    if name == "fractions":
        return f"{'1/(1 + ' * (size // 2)}w{')' * (size // 2)}"
    return f"{name}(" * size + "w" + ")" * size


def written(content: dict[str, Any]) -> int:
    """Return how many parts all equations between scalars and all local partials of a problem have."""
    derivation = derive(sbp.problem(content))
    formulas = [equation.formula() for equation in derivation.elements.equations]
    partials = [link.partial() for element in derivation.links for link in derivation.links[element]]
    return sum(1 for formula in (*formulas, *partials) for _ in walk(formula))


@pytest.mark.parametrize("name", ["sin", "silu", "gelu", "softplus", "sqrt", "abs", "power", "fractions", "product"])
def test_what_is_written_grows_as_the_formula_does(name: str) -> None:
    """Of twice as deep a formula, or one of twice as many factors, the derivation is 2^1.2 times as long at most."""
    sizes = [written(graph(f"L = {growing(name, size)}", parameters={"w": "7/10"})) for size in (14, 28, 56)]
    exponents = [math.log2(large / small) for small, large in itertools.pairwise(sizes)]
    assert max(exponents) <= 1.2, (sizes, exponents)


@pytest.mark.parametrize("function", few(["silu", "gelu", "sigmoid"], 1))
def test_long_activation_and_loss_are_worth_what_they_say(function: str) -> None:
    """Taken apart or by hand: value and gradients of an activation and a loss of the user's own are those of the whole."""
    depth = 6
    layer = {"units": 2, "activation": {"expression": f"{function}(" * depth + "z" + ")" * depth}}
    loss = f"sum({f'{function}(' * (depth + 1)}a - y{')' * (depth + 1)})"
    content = {
        "network": {"inputs": 1, "layers": [layer], "loss": {"expression": loss}},
        "parameters": {"W1": [["1/2"], [-1]], "b1": ["1/10", 0]},
        "data": {"x": [["7/10"], [2]], "y": [[1, 0], [0, 1]]},
    }
    problem = sbp.problem({**content, "training": {"learning_rate": 0.1}})
    report = sbp.check(problem)
    assert report.agrees and len(report.entries) == 6
    value = 0.0
    known = {"silu": lambda z: z / (1 + math.exp(-z)), "sigmoid": lambda z: 1 / (1 + math.exp(-z))}
    known["gelu"] = lambda z: z / 2 * (1 + math.erf(z / math.sqrt(2)))
    for x, targets in ((0.7, (1, 0)), (2.0, (0, 1))):
        for weight, bias, target in zip((0.5, -1), (0.1, 0), targets, strict=True):
            number = weight * x + bias
            for _ in range(depth):
                number = known[function](number)
            number -= target
            for _ in range(depth + 1):
                number = known[function](number)
            value += number / 2
    solution = sbp.solve(problem)
    assert value == pytest.approx(float(solution.losses[0]), rel=1e-12)
    for format in each(["markdown", "latex", "html", "json"]):
        assert sbp.render(solution, format)
    for detail in each(["matrix", "general"]):
        text = sbp.render(solution, "markdown", detail=detail)
        assert text
    assert sbp.train(problem, epochs=2).losses[0] == pytest.approx(value, rel=1e-9)


def test_short_formulas_are_not_taken_apart() -> None:
    """Every bundled graph has the equations that its file states, and the activations inside them."""
    for name in each(examples()):
        graph_of = derive(sbp.example(name)).graph
        assert not any(quantity.kind == PIECE for quantity in graph_of.quantities.values()), name


def test_pieces_have_a_letter_that_nothing_else_has() -> None:
    """Where u is a name of the problem's, pieces are called q."""
    assert "q" == taking_apart.free_letter(["u", "W"])
    equation = f"L = {'sin(' * 20}u{')' * 20}"
    found = derive(sbp.problem(graph(equation, parameters={"u": 1}))).graph
    assert {"u", "q1", "L"} <= set(found.quantities) and "u1" not in found.quantities


def test_kinks_of_nested_relu_have_the_derivative_that_is_asked_for() -> None:
    """`relu_derivative_at_zero` holds for ReLU inside an activation of the user's own."""
    content = own("2*relu(z)")
    content["network"]["relu_derivative_at_zero"] = 1
    content |= {"parameters": {"W1": [[1]], "b1": [0]}, "data": {"x": [0], "y": [1]}}
    values = sbp.solve(sbp.problem(content)).steps[0].values
    assert -2 == values.gradient("b1_1")


# What the documentation says


@pytest.mark.parametrize("name", [name for name in dir(limits) if name.isupper()])
def test_documentation_states_every_limit(name: str) -> None:
    """The numbers of docs/security.md are those of the module."""
    text = (Path(__file__).parent.parent / "docs" / "security.md").read_text("utf-8")
    value = getattr(limits, name)
    assert name in STATED and STATED[name].format(value) in text, (name, value)


STATED = {
    "SAVED_NUMBERS": "{:,} numbers",
    "SAVED_CHARACTERS": "{:,} characters",
    "SAVED_CLASSES": "{:,} classes",
    "HANDED_IN_BYTES": "{:,} bytes",
    "CHARACTERS": "{:,} characters",
    "LEVELS": "{} levels",
    "DIGITS": "{} digits",
    "PARTS": "{:,} parts",
    "MAGNITUDE": "1e±{}",
    "OCCURRENCES": "{} times",
    "NUMBERS": "{:,} numbers",
    "READS": "{:,} numbers read",
}
"""How docs/security.md spells each limit."""
