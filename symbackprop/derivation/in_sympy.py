"""A whole derivation handed to SymPy: the output and its gradient in what is given, and the numbers to put in."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy

from symbackprop.algebra.formula import Name
from symbackprop.algebra.symbolic import rational
from symbackprop.derivation.symbols import Symbols
from symbackprop.errors import EvaluationError, unknown
from symbackprop.graph.quantities import Role
from symbackprop.graph.scalars import Scalar
from symbackprop.messages import message
from symbackprop.problems import Given

_DIGITS = 30
_NEAR = 10**-20
"""Differences of 30-digit numbers, relative to the largest derivative, that are those of rounding."""


@dataclass(frozen=True)
class Expressions:
    """The output of a problem, and its gradient by every parameter and input, as expressions of SymPy.

    All are in symbols of parameters, inputs and targets alone, with sums over samples written out. `values` has the
    number that the problem gives to a symbol, exactly where it is rational, else to 50 digits. Where samples differ in a
    number, its symbol is indexed by the sample, from 0.
    """

    output: sympy.Expr
    gradients: Mapping[sympy.Expr, sympy.Expr]
    values: Mapping[sympy.Expr, sympy.Expr]

    def __repr__(self) -> str:
        return f"<Expressions: an output and its gradient by {len(self.gradients)} symbols>"

    def gradient(self, by: Any) -> sympy.Expr:
        """Return the gradient by a symbol, or by its name; a symbol of the same name serves.

        Raises `UnknownNameError`.
        """
        found = {str(symbol): gradient for symbol, gradient in self.gradients.items()}
        if str(by) not in found:
            raise unknown("quantity", str(by), found)
        return found[str(by)]

    @functools.cached_property
    def derivatives(self) -> Mapping[sympy.Expr, sympy.Expr]:
        """SymPy's own derivative of the output by each symbol."""
        return {symbol: sympy.diff(self.output, symbol) for symbol in self.gradients}

    def differences(self) -> dict[sympy.Expr, tuple[sympy.Expr, sympy.Expr]]:
        """Return the symbols whose gradient is not SymPy's derivative at the problem's numbers, with both to 30 digits.

        None is expected but at a kink, where each takes a value of its own. Raises `EvaluationError` for a problem that
        leaves out numbers.
        """
        pairs = {
            symbol: (self._number(ours), self._number(self.derivatives[symbol]))
            for symbol, ours in self.gradients.items()
        }
        largest = max((abs(theirs) for _, theirs in pairs.values()), default=sympy.S.One)
        scale = max(largest, sympy.Float(1))
        return {symbol: pair for symbol, pair in pairs.items() if not abs(pair[0] - pair[1]) <= _NEAR * scale}

    def _number(self, expression: sympy.Expr) -> sympy.Expr:
        found = expression.xreplace(dict(self.values))
        if found.free_symbols:
            raise EvaluationError(message("derivation.no_value", name=min(map(str, found.free_symbols))))
        return found.evalf(_DIGITS)


def expressions(
    symbols: Symbols, closed_form: Callable[[str], sympy.Expr], stated: Iterable[tuple[Scalar, Given]]
) -> Expressions:
    """Return a derivation as expressions of SymPy in what is given, with the numbers that are stated.

    Raises `EvaluationError` where one of them would have more than 20,000 names in it, and for samples whose number is
    a symbol.
    """
    graph = symbols.graph
    if not isinstance(symbols.samples, sympy.Integer):
        raise EvaluationError(message("derivation.any_size"))

    def in_sample(expression: sympy.Expr, sample: int | None) -> sympy.Expr:
        return expression if sample is None else expression.xreplace({symbols.sample: sympy.Integer(sample - 1)})

    def symbol(element: str, sample: int | None) -> sympy.Expr:
        return in_sample(symbols.of(Name(element)), sample)

    gradients = {
        symbol(element, sample): in_sample(closed_form(element).doit(), sample)
        for quantity in graph.of_role(Role.PARAMETER, Role.INPUT)
        for element in quantity.elements()
        for sample in graph.samples_of(quantity)
    }
    values = {symbol(place.name, place.sample): _exact(given.value) for place, given in stated}
    return Expressions(closed_form(graph.output).doit(), gradients, values)


def _exact(value: object) -> sympy.Expr:
    """Return a number of a problem in SymPy: a fraction, or a float of its digits."""
    return rational(value) if isinstance(value, Fraction) else sympy.Float(str(value), 50)
