"""Expressions of SymPy as problems: its own derivatives are ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sympy
from sympy import Abs, E, Max, Min, Piecewise, Rational, acos, cos, cosh, erf, exp, log, pi, sin, sqrt, tan, tanh

import symbackprop as sbp
from symbackprop.errors import ProblemError, UnknownNameError
from symbackprop.frontends import sympy_problems

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
