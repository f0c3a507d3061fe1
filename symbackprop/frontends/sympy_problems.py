"""Problems from expressions of SymPy: the same formula, with numbers for its symbols."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sympy
from sympy.printing.str import StrPrinter

from symbackprop.algebra.functions import RESERVED
from symbackprop.errors import ProblemError, unknown
from symbackprop.frontends.tracing.precedence import ATOM, number
from symbackprop.messages import message
from symbackprop.problems import Problem
from symbackprop.problems.load import problem

OUTPUT = "f"
_CALLS = {
    "exp": "exp", "log": "ln", "sin": "sin", "cos": "cos", "tan": "tan", "sec": "sec", "cot": "cot", "sinh": "sinh",
    "cosh": "cosh", "tanh": "tanh", "asin": "asin", "acos": "acos", "atan": "atan", "erf": "erf", "Abs": "abs",
    "Max": "max", "Min": "min",
}  # fmt: skip
"""SymPy's functions with their names in the expression language."""


def from_sympy(
    expression: Any, values: Mapping[Any, Any], wrt: Iterable[Any] | None = None, **tables: object
) -> Problem:
    """Return the problem of an expression of SymPy, a number to be differentiated.

    Args:
        expression: The expression; `Piecewise` becomes `where`.
        values: A number for each symbol, or for its name.
        wrt: The symbols by which it is differentiated, its parameters, or None for all; the others are inputs.
        tables: Further tables of a problem (`training={"learning_rate": 0.1}`).

    Returns:
        A problem with one equation, `f = …`.

    Raises:
        ProblemError: It is a text, has a function that the expression language does not have, or symbols without a
            number.
        UnknownNameError: The expression does not have a symbol of `wrt`.

    Examples:
        >>> import symbackprop
        >>> from sympy.abc import w, x
        >>> symbackprop.from_sympy((w * x - 1) ** 2 / 2, {w: 0.3, x: 2}, wrt=[w]).model.equations
        ('f = (w*x - 1)**2/2',)
    """
    # A text is none: SymPy would evaluate it as Python.
    formula = (
        sympy.sympify(expression, strict=True) if isinstance(expression, int | float | sympy.Basic) else expression
    )
    if not isinstance(formula, sympy.Expr) or formula.is_commutative is False:
        raise ProblemError(message("sympy.kind", kind=type(formula).__name__), where="expression")
    given = {str(symbol): value for symbol, value in values.items()}
    found = sorted(str(symbol) for symbol in formula.free_symbols)
    for name in found:
        if name not in given:
            raise ProblemError(message("sympy.value", name=name), where="values")
    chosen = found if wrt is None else [str(symbol) for symbol in wrt]
    for name in chosen:
        if name not in found:
            raise unknown("quantity", name, found, where="wrt")
    text = _Printer().doprint(formula)
    output = next(name for name in (OUTPUT, *(f"{OUTPUT}{k}" for k in range(1, len(found) + 2))) if name not in found)
    graph = {
        "parameters": {name: given[name] for name in found if name in chosen},
        "inputs": {name: given[name] for name in found if name not in chosen},
        "equations": [f"{output} = {text}"],
        "output": output,
    }
    return problem({"graph": {key: part for key, part in graph.items() if part}, **tables}, name="expression")


class _Printer(StrPrinter):  # type: ignore[misc]
    """Writes an expression in the expression language; raises `ProblemError` for what that does not have."""

    def _print_Function(self, expr: Any) -> str:
        name = type(expr).__name__
        if name not in _CALLS:
            raise ProblemError(message("sympy.function", name=name), where="expression")
        if name in ("Max", "Min"):
            first, *rest = map(self._print, expr.args)
            for other in rest:
                first = f"{_CALLS[name]}({first}, {other})"
            return str(first)
        return f"{_CALLS[name]}({', '.join(map(self._print, expr.args))})"

    _print_Max = _print_Min = _print_Abs = _print_Function

    def _print_Piecewise(self, expr: Any) -> str:
        *cases, (last, condition) = expr.args
        if condition != sympy.true:
            raise ProblemError(message("sympy.cases"), where="expression")
        text = str(self._print(last))
        for value, case in reversed(cases):
            if not isinstance(
                case, sympy.StrictGreaterThan | sympy.GreaterThan | sympy.StrictLessThan | sympy.LessThan
            ):
                raise ProblemError(message("sympy.condition", condition=str(case)), where="expression")
            text = f"where({self._print(case.lhs)} {case.rel_op} {self._print(case.rhs)}, {self._print(value)}, {text})"
        return text

    def _print_Symbol(self, expr: Any) -> str:
        if not str(expr).isidentifier() or str(expr) in RESERVED:
            raise ProblemError(message("sympy.name", name=str(expr)), where="expression")
        return str(expr)

    _print_Dummy = _print_Symbol

    def _print_Exp1(self, expr: Any) -> str:
        return "exp(1)"

    def _print_Float(self, expr: Any) -> str:
        found = number(float(expr))
        return found.text if found.level == ATOM or expr < 0 else f"({found.text})"

    def _print_Pow(self, expr: Any, rational: bool = False) -> str:
        if expr.base == sympy.E:
            return f"exp({self._print(expr.exp)})"
        return str(super()._print_Pow(expr, rational))

    def emptyPrinter(self, expr: Any) -> str:
        raise ProblemError(message("sympy.function", name=type(expr).__name__), where="expression")
