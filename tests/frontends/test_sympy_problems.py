"""Expressions of SymPy as problems: its own derivatives are ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sympy
from sympy import Abs, E, Max, Min, Piecewise, Rational, acos, cos, cosh, erf, exp, log, pi, sin, sqrt, tan, tanh

import symbackprop as sbp
from symbackprop.derivation import in_sympy
from symbackprop.derivation.derivations import derive
from symbackprop.errors import EvaluationError, ProblemError, UnknownNameError
from symbackprop.frontends import sympy_problems
from tests.helpers import each

a, b, x = sympy.symbols("a b x", real=True)
VALUES = {a: Rational(3, 10), b: Rational(7, 5), x: Rational(4, 5)}
EXPRESSIONS = [
    (a * x - b) ** 2 / 2,
    exp(-(a**2)) * sin(b * x) + sqrt(a + b),
    log(1 + exp(a * b)) - a / (b + x),
    tanh(a * x + b) ** 3,
    Max(a, b, x) * Min(a, x) + Abs(a - b),
    Piecewise((a**2 * x, a < 0), (exp(a), a >= 1), (sin(b) + a, True)),
    E ** (a + b) + pi * a - 2**b,
    cosh(a) / cos(x) - tan(b / 3) + acos(a) * erf(b),
    a**b * x ** Rational(3, 2) + 0.25 * a - b ** (-2),
    -a - (-b) * (-x) ** 2,
    1 / (1 + exp(-(a * x + b))),
    sympy.Integer(2) * a + b * 0 + x,
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_value_and_derivatives_are_those_of_sympy(expression: Any) -> None:
    """The value and the derivative by each symbol agree with SymPy's at 30 digits."""
    found = sbp.from_sympy(expression, VALUES)
    values = sbp.solve(found).steps[0].values
    known = {symbol: value for symbol, value in VALUES.items() if symbol in expression.free_symbols}
    expected = expression.subs(known).evalf(30)
    assert float(values.value(found.model.output)) == pytest.approx(float(expected), rel=1e-14)
    for symbol in known:
        slope = sympy.diff(expression, symbol).subs(known).evalf(30)
        assert float(values.gradient(str(symbol))) == pytest.approx(float(slope), rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expression_comes_back(expression: Any) -> None:
    """A derivation in SymPy is the expression that it was made of, and its gradient SymPy's derivative."""
    back = sbp.derive(sbp.from_sympy(expression, VALUES)).sympy()
    known = {symbol: value for symbol, value in VALUES.items() if symbol in expression.free_symbols}
    for given in each([known, {symbol: value + Rational(1, 7) for symbol, value in known.items()}]):
        named = {str(symbol): value for symbol, value in given.items()}
        found = back.output.subs({symbol: named[str(symbol)] for symbol in back.values})
        assert float(found.evalf(30)) == pytest.approx(float(expression.subs(given).evalf(30)), rel=1e-15)
    assert {str(symbol) for symbol in back.gradients} == {str(symbol) for symbol in known}
    assert {} == back.differences()


BATCH = {
    "network": {"inputs": 1, "layers": [{"units": 2, "activation": "relu"}, {"units": 1}], "loss": "squared_error"},
    "parameters": {"W1": [["1/2"], [-1]], "b1": ["sqrt(2)", 0], "W2": [[1, "1/3"]], "b2": ["1/5"]},
    "data": {"x": [[1], [0]], "y": [[1], [2]]},
    "regularization": {"l2": "1/10"},
}
"""Two samples, one of which is at a kink in a unit."""


def test_batch_in_sympy_has_a_symbol_for_each_sample() -> None:
    """Sums over samples are written out; at the kink SymPy may take another derivative, and nowhere else."""
    problem = sbp.problem(BATCH)
    back, values = sbp.derive(problem).sympy(), sbp.solve(problem).steps[0].values
    assert not back.output.has(sympy.Sum)
    assert {"x_1[0]", "x_1[1]", "y_1[0]", "y_1[1]"} <= {str(symbol) for symbol in back.values}
    for symbol, gradient in each(back.gradients.items()):
        name, _, sample = str(symbol).rstrip("]").partition("[")
        expected = values.gradient(name, int(sample) + 1 if sample else None)
        assert float(gradient.xreplace(dict(back.values)).evalf(30)) == pytest.approx(float(expected), abs=1e-15)
    assert {str(symbol) for symbol in back.differences()} <= {"b1_2", "W1_2_1", "x_1[1]"}
    assert "12 symbols" not in repr(back) and "9 symbols" in repr(back)


def test_derivation_without_numbers_has_expressions_and_no_comparison() -> None:
    """What has no number is named where numbers are asked for; a batch of any size is refused."""
    content = {"parameters": {"w": {"shape": []}}, "inputs": {"x": 2}, "equations": ["f = w*x"], "output": "f"}
    back = sbp.derive(sbp.problem({"graph": content})).sympy()
    assert isinstance(back, in_sympy.Expressions) and "x" == str(back.gradient("w"))
    with pytest.raises(UnknownNameError, match="v"):
        back.gradient("v")
    with pytest.raises(EvaluationError, match="w has no number"):
        back.differences()
    with pytest.raises(EvaluationError, match="number of samples is a symbol"):
        derive(sbp.problem(BATCH), of_any_size=True).sympy()


def test_wrt_chooses_parameters() -> None:
    """What the expression is differentiated by are parameters, the rest inputs; names are accepted for symbols."""
    found = sbp.from_sympy(a * x + b, {"a": 1, "b": 2, "x": 3}, wrt=["a", b], training={"learning_rate": 1, "steps": 1})
    assert found.model.parameters == ("a", "b") and found.model.inputs == ("x",)
    assert [float(loss) for loss in sbp.solve(found).losses] == [5.0, -5.0]


@pytest.mark.parametrize(
    ("expression", "options", "text"),
    [
        (sympy.gamma(a), {}, "gamma"),
        (sympy.Matrix([a]), {}, "Matrix"),
        (sympy.Function("g")(a), {}, "no g"),
        (Piecewise((a, a < 0)), {}, "last case"),
        (Piecewise((a, sympy.Eq(a, 0)), (b, True)), {}, "comparison"),
        (sympy.Symbol("sum") * a, {}, "sum"),
        (sympy.Symbol("a b"), {}, "a b"),
        (sympy.Integral(sin(a * x), x), {}, "Integral"),
        (a + sympy.Symbol("q"), {}, "q"),
        (a + sympy.I, {}, "language|number|I"),
    ],
)
def test_refusal_says_what(expression: Any, options: dict[str, Any], text: str) -> None:
    """What the language lacks, and what has no number, is named."""
    values = {**{str(key): value for key, value in VALUES.items()}, "sum": 1, "a b": 1}
    with pytest.raises((ProblemError, UnknownNameError, sbp.SymbackpropError), match=text):
        sbp.solve(sbp.from_sympy(expression, values, **options))


@pytest.mark.parametrize("kind", [str, lambda text: [text], lambda text: {text: 1}, lambda text: Text(text)])
def test_text_is_never_evaluated(kind: Any, tmp_path: Path) -> None:
    """A text, alone or in something, is no expression: what it says to Python does not happen."""
    file = tmp_path / "evaluated"
    with pytest.raises(ProblemError, match="expression"):
        sbp.from_sympy(kind(f"__import__('pathlib').Path({str(file)!r}).touch()"), VALUES)
    assert not file.exists()


class Text:
    """Something that looks like an expression to who asks for its text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


def test_wrt_that_is_not_there_is_unknown() -> None:
    """A symbol that the expression does not have leads to the nearest."""
    with pytest.raises(UnknownNameError, match="x"):
        sympy_problems.from_sympy(a * x, VALUES, wrt=["y"])
