"""A derivation in SymPy: sums over samples, closed forms, names that are identifiers and each of one thing."""

from __future__ import annotations

import keyword
import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import random_problems
import sympy

import symbackprop as sbp
from symbackprop.derivation import symbols
from symbackprop.derivation.derivations import Derivation
from symbackprop.errors import EvaluationError, ProblemError, SymbackpropError, UnknownNameError
from symbackprop.evaluation.arithmetics import FLOAT
from symbackprop.evaluation.evaluate import Values, evaluate
from symbackprop.graph.quantities import Role
from symbackprop.graph.scalars import identifier
from symbackprop.problems import Problem
from symbackprop.problems.load import examples
from tests.helpers import each, few


def regularized(reduction: str, activation: str = "elu") -> Problem:
    """Return a network of two samples with both penalties."""
    layers = [{"units": 2, "activation": activation}, {"units": 1}]
    return sbp.problem(
        {
            "network": {"inputs": 1, "layers": layers, "loss": "squared_error", "reduction": reduction},
            "regularization": {"l2": "1/2", "l1": "1/3"},
            "parameters": {"W1": [[2], [-1]], "b1": [1, 0], "W2": [[1, -1]], "b2": [0.5]},
            "data": {"x": [[1], [2]], "y": [[0], [1]]},
        }
    )


PROBLEMS: dict[str, Callable[[], Problem]] = {
    **{name: lambda name=name: sbp.example(name) for name in examples()},
    "mean with penalties": lambda: regularized("mean"),
    "sum with penalties": lambda: regularized("sum", "relu"),
    **{f"random {n}": lambda n=n: sbp.problem(random_problems.problem(n)) for n in range(60)},
}


def numbers(derivation: Derivation, values: Values) -> dict[str, Any]:
    """Return the numbers of every quantity and gradient by its identifier, an array over the samples where they differ."""
    found: dict[str, Any] = {}
    for element in derivation.graph.elements():
        places = derivation.graph.samples_of(derivation.graph.quantity_of(element))
        for name, number in (
            (identifier(element), values.value),
            (derivation.adjoint_name(element), values.gradient),
        ):
            listed = [float(number(element, place)) for place in places]
            found[name] = listed[0] if places == (None,) else np.array(listed)
    return found


def number_of(expression: sympy.Expr, known: dict[str, Any]) -> Any:
    """Return the number of an expression, by the numbers of what it names; over all samples where it has one of each."""
    names = sorted({part.name for part in expression.free_symbols if isinstance(part, sympy.Symbol)} & set(known))
    symbols = [sympy.IndexedBase(name) if np.ndim(known[name]) else sympy.Symbol(name, real=True) for name in names]
    symbols = [
        base(name, expression) if np.ndim(known[name]) else symbol for name, symbol in zip(names, symbols, strict=True)
    ]
    sample = [part for part in expression.free_symbols if part.name == "n" and part.is_integer]
    function = sympy.lambdify([*sample, *symbols], expression, "numpy")
    values = [known[name] for name in names]
    if not sample:
        return function(*values)
    count = max(len(value) for value in values if np.ndim(value))
    return np.array([function(number, *values) for number in range(count)])


def base(name: str, expression: sympy.Expr) -> sympy.IndexedBase:
    """Return the indexed base of that name in an expression."""
    return next(part for part in expression.atoms(sympy.IndexedBase) if str(part) == name)


@pytest.mark.parametrize("name", few(PROBLEMS, 14))
def test_expressions_give_the_numbers_of_the_derivation(name: str) -> None:
    """Every gradient and right-hand side, put in numbers, is what the evaluation has: sums and penalties counted once."""
    try:
        derivation = sbp.derive(PROBLEMS[name]())
        values = evaluate(derivation, FLOAT)
    except (SymbackpropError, ZeroDivisionError):
        pytest.skip("a problem without numbers")
    known = numbers(derivation, values)
    for element in each(derivation.links):
        expected = known[derivation.adjoint_name(element)]
        if element != derivation.graph.output:
            found = number_of(derivation.gradient_expression(element), known)
            assert np.allclose(expected, found, rtol=1e-9, atol=1e-12), element
    for element in each(derivation.equations):
        found = number_of(derivation.expression(element), known)
        assert np.allclose(known[identifier(element)], found, rtol=1e-9, atol=1e-12), element


def test_gradient_of_a_batch_is_a_sum_with_the_penalty_outside() -> None:
    """Two samples and a penalty: one sum over the samples, and beside it the penalty, once."""
    derivation = sbp.derive(regularized("mean"))
    outside, over_samples = [], []
    for term in derivation.gradient_expression("W1_1_1").args:
        (over_samples if term.has(sympy.Sum) else outside).append(term)
    assert ["Sum(delta1_1[n]*x_1[n], (n, 0, 1))"] == list(map(str, over_samples))
    assert {"W1_1_1", "dL_dpenalty"} == {symbol.name for symbol in sympy.Add(*outside).free_symbols}
    any_size = sbp.derive(sbp.example("xor")).gradient_expression("b1_1")
    assert "Sum(delta1_1[n], (n, 0, 3))" == str(any_size)


@pytest.mark.parametrize(
    "printer", [sympy.ccode, sympy.jscode, sympy.julia_code, sympy.octave_code, sympy.pycode, sympy.latex]
)
def test_gradient_of_a_batch_is_printed_as_code(printer: Callable[[sympy.Expr], str]) -> None:
    """What has an index of the sample, an activation with a kink too, is code in every language, and survives `srepr`."""
    derivation = sbp.derive(regularized("mean", "relu"))
    for element in each(("z1_1", "W1_1_1", "b1_1")):
        found = derivation.gradient_expression(element)
        assert "not supported" not in printer(found).lower()
        assert sympy.sympify(sympy.srepr(found)) == found


@pytest.mark.parametrize("name", few([*examples(), "mean with penalties", "sum with penalties"], 6))
def test_closed_form_is_the_derivative_of_the_composed_output(name: str) -> None:
    """At random numbers, SymPy's derivative of the output in one expression is the closed form of the gradient."""
    derivation = sbp.derive(PROBLEMS[name]())
    chance = random.Random(1)
    output = derivation.closed_form(derivation.graph.output)
    graph = derivation.graph
    leaves = {
        element: quantity
        for quantity in graph.of_role(Role.PARAMETER, Role.INPUT, Role.TARGET)
        for element in quantity.elements()
    }
    known = {
        element: np.array([chance.uniform(0.2, 0.9) for _ in range(derivation.symbols.axis.size)])
        if graph.batch_axis.differs([quantity.name])
        else chance.uniform(0.2, 0.9)
        for element, quantity in leaves.items()
    }
    assert {part.name for part in output.atoms(sympy.Symbol)} <= {"n", *leaves}
    for element in each([derivation.parameters[0].elements()[0], derivation.parameters[-1].elements()[-1]]):
        derivative = sympy.diff(output, sympy.Symbol(element, real=True))
        found = number_of(derivation.closed_form(element), known)
        assert np.isclose(number_of(derivative, known), found, rtol=1e-9), element


def test_closed_form_of_an_array_is_a_matrix() -> None:
    """An array has a matrix of closed forms; what the output does not depend on has 0."""
    derivation = sbp.derive(sbp.example("mazur"))
    assert (2, 2) == derivation.closed_form("W1").shape
    assert derivation.closed_form("W1")[0, 1] == derivation.closed_form("W1_1_2")
    graph = {"parameters": {"w": 1, "v": 2}, "equations": ["u = v", "L = w**2"], "output": "L"}
    assert 0 == sbp.derive(sbp.problem({"graph": graph})).closed_form("v")


def test_closed_form_that_explodes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed form of more names than the limit is one message, at once."""
    layers = [{"units": 8, "activation": "tanh"}] * 12
    problem = sbp.problem({"network": {"inputs": 8, "layers": layers, "loss": "squared_error"}})
    with pytest.raises(EvaluationError, match=r"W1_1_1 would have more than 20000 names"):
        sbp.derive(problem).closed_form("W1_1_1")
    monkeypatch.setattr(symbols, "LARGEST_CLOSED_FORM", 3)
    with pytest.raises(EvaluationError, match="more than 3 names"):
        sbp.derive(sbp.example("mazur")).closed_form("W1_1_1")


@pytest.mark.parametrize("of_any_size", [False, True])
@pytest.mark.parametrize("name", few(PROBLEMS, 14))
def test_every_name_is_an_identifier_of_one_thing(name: str, of_any_size: bool) -> None:
    """Quantities, gradients, the sample and the number of samples: no two have one name, and each can be written in code."""
    derivation = sbp.derive(PROBLEMS[name](), of_any_size=of_any_size)
    elements = list(derivation.graph.elements())
    names = [*map(identifier, elements), *map(derivation.adjoint_name, elements), derivation.symbols.sample.name]
    names += [part.name for part in derivation.symbols.samples.free_symbols]
    assert len(set(names)) == len(names)
    assert all(each.isidentifier() for each in names)


def test_letters_of_the_samples_give_way_to_quantities() -> None:
    """Where quantities are called n and m, the sample and the number of samples have other letters."""
    content = {
        "graph": {
            "parameters": {"n": 2, "m": 3},
            "inputs": {"x": {"shape": []}},
            "equations": ["L = (n*x - m)**2"],
            "output": "L",
        },
        "data": {"x": [1, 2, 3]},
    }
    derivation = sbp.derive(sbp.problem(content), of_any_size=True)
    gradient = derivation.gradient_expression("n")
    assert {"n", "m", "x", "m_", "dL_dL_samples"} == {part.name for part in gradient.free_symbols} - {
        "x[n_]",
        "dL_dL_samples[n_]",
    }
    assert "n_" in str(gradient)


@pytest.mark.parametrize(
    ("equations", "match"),
    [
        (["u = w*dL_du", "L = u**2"], "dL_du is the name of the gradient with respect to u"),
        (["dL_dw = w*dL_du", "L = dL_dw**2"], "dL_dw is the name of the gradient with respect to w"),
    ],
)
def test_quantity_named_like_a_gradient_is_refused(equations: list[str], match: str) -> None:
    """Two things of one name would be one symbol: the graph is refused with both names."""
    graph = {"parameters": {"w": 1, "dL_du": 2}, "equations": equations, "output": "L"}
    with pytest.raises(SymbackpropError, match=match):
        sbp.derive(sbp.problem({"graph": graph}))


def test_quantity_named_like_the_losses_of_the_samples_is_refused() -> None:
    """In a batch, `L_samples` is the loss of one sample."""
    graph = {
        "parameters": {"w": 1},
        "inputs": {"x": {"shape": []}},
        "equations": ["L_samples = w*x", "L = L_samples**2"],
        "output": "L",
    }
    with pytest.raises(ProblemError, match="L_samples has the name of another"):
        sbp.derive(sbp.problem({"graph": graph, "data": {"x": [1, 2]}}))


METHODS = ("gradient", "gradient_expression", "expression", "closed_form", "latex", "adjoint_name", "chain", "quantity")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("name", "hint"), [("W1_2_9", "W1_"), ("W9_9", ""), ("w_5", "W2_1_1"), ("w5", "W2_1_1"), ("z", "")]
)
def test_unknown_name_is_an_error_wherever_one_is_taken(method: str, name: str, hint: str) -> None:
    """No method answers for a name that there is not; a name as documents print it leads to the code name."""
    derivation = sbp.derive(sbp.example("mazur"))
    with pytest.raises(UnknownNameError) as caught:
        getattr(derivation, method)(name)
    if method in ("gradient_expression", "adjoint_name", "chain"):
        assert (caught.value.nearest or "").startswith(hint)
        assert not name.startswith("W1") or caught.value.valid == ("W1_1_1", "W1_1_2", "W1_2_1", "W1_2_2")
    assert "@" not in str(caught.value)


def test_array_is_no_scalar() -> None:
    """The expression of a whole array is asked for element by element, or as a matrix: not 0."""
    derivation = sbp.derive(sbp.example("mazur"))
    for method in (derivation.gradient_expression, derivation.expression):
        with pytest.raises(UnknownNameError, match="W1_1_1"):
            method("W1")


def test_keywords_may_name_quantities() -> None:
    """A quantity may be called as nothing in Python can be: SymPy has it as any other name."""
    name = "lambda"
    assert keyword.iskeyword(name)
    graph = {"parameters": {name: 3}, "equations": [f"L = {name}**2"], "output": "L"}
    found = sbp.derive(sbp.problem({"graph": graph})).gradient_expression(name)
    assert Fraction(6) == Fraction(int(sympy.lambdify(list(found.free_symbols), found)(3)))


@pytest.mark.parametrize("name", few(["mazur", "xor"], 1))
def test_latex_is_that_of_the_document(name: str) -> None:
    """The gradient by a parameter is written as a document between arrays has it among its formulas."""
    derivation = sbp.derive(name)
    document = str(sbp.render(name, "markdown", detail="matrix"))
    for quantity in each(derivation.parameters):
        for element in each(quantity.elements()):
            left, right = derivation.latex(element).split(" = ", 1)
            assert f"{left} &= {right}" in document, element


def test_latex_of_an_array_has_a_line_for_each_element() -> None:
    """An array is a block of aligned lines, a single number one formula; the output has the gradient 1."""
    derivation = sbp.derive("mazur")
    lines = derivation.latex("W1").splitlines()
    assert [r"\begin{aligned}", r"\end{aligned}"] == [lines[0], lines[-1]]
    assert 4 == len(lines[1:-1])
    assert derivation.latex("W1_1_2").replace(" = ", " &= ") in derivation.latex("W1")
    assert r"\frac{\partial E}{\partial E} = 1" == derivation.latex("L")
