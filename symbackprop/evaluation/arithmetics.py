"""How to compute along a derivation: exactly, rounded as by hand, or in float64; all run the same formulas.

`EXACT` keeps fractions and 50-digit floats (`arithmetic.exact`), `rounded(…)` rounds every named number of these as
by hand, `FLOAT` is float64.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from symbackprop.algebra.formula import Node, Slot
from symbackprop.arithmetic import common_denominators, decimals, exact
from symbackprop.arithmetic.floats import float_function
from symbackprop.problems import Problem, Rounding

Value = Any
"""A number of the arithmetic in use: `Fraction` or 50-digit float, or `float`."""

Column = Any
"""Numbers of the arithmetic in use, made ready to be multiplied with others, one by one, and added."""


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """How to compute: `convert` an exact number, `add`, `multiply`, make a `function` of a formula, `settle` a result.

    `fuses` says that a loss is computed from the logits where it can be: floats end where ln(1 − a) begins to matter.
    `column` makes many numbers ready for `products`, which returns numbers whose sum is that of the products of two
    columns, for an arithmetic that is quicker with them than one by one.
    """

    convert: Callable[[Value], Value]
    add: Callable[[Value, Value], Value]
    multiply: Callable[[Value, Value], Value]
    function: Callable[[Node, int], Callable[..., Value]]
    settle: Callable[[Value], Value]
    fuses: bool = False
    column: Callable[[Sequence[Value]], Column] = tuple
    products: Callable[[Column, Column], list[Value]] | None = None


def _exact_function(formula: Node, arity: int) -> Callable[..., Value]:
    def function(*arguments: Value) -> Value:
        return exact.evaluate(formula, lambda part: arguments[part.index] if isinstance(part, Slot) else None)

    return function


EXACT = Arithmetic(
    lambda value: value,
    exact.add,
    exact.multiply,
    _exact_function,
    exact.settle,
    column=common_denominators.Column,
    products=common_denominators.addends,
)
FLOAT = Arithmetic(
    float,
    operator.add,
    operator.mul,
    float_function,
    lambda value: value,
    fuses=True,
    products=lambda left, right: list(map(operator.mul, left, right)),
)


def rounded(policy: Rounding) -> Arithmetic:
    """Return exact arithmetic in which every named number is rounded when it is computed, halves to even.

    Only numbers with a name are: the terms of a sum are added as they are. Given numbers stay as they were written.

    >>> float(rounded(Rounding(2, significant=False)).settle(Fraction(1, 8)))
    0.12
    """
    return replace(EXACT, settle=functools.partial(to_decimal, policy))


_ORDINARY = 400
"""Binary digits before or after the point within which a 50-digit float is written out as a fraction to be rounded."""


def to_decimal(policy: Rounding, value: Value) -> Value:
    """Return an exact number rounded to decimals or significant digits, halves to even; a short one is a fraction.

    >>> to_decimal(Rounding(2, significant=True), Fraction(12500, 1001))
    Fraction(12, 1)
    """
    if value == 0:
        return Fraction(0)
    if not isinstance(value, Fraction):
        _, _, exponent, length = value._mpf_
        if not -_ORDINARY < exponent + length < _ORDINARY:
            # Far from one: digits that no tie is near; or a whole number, or 0.00….
            if policy.significant:
                return exact.settle(decimals.value_of(*decimals.nearest(value, policy.digits)[0]))
            return exact.to_real(value) if exponent + length > 0 else Fraction(0)
    number = decimals.to_fraction(value)
    return exact.settle(decimals.rounded(number, policy.digits) if policy.significant else round(number, policy.digits))


def arithmetic_of(problem: Problem) -> Arithmetic:
    """Return the arithmetic of a problem's worked steps: exact, and rounded as by hand where the problem asks for it."""
    policy = problem.notation.round_intermediates
    return EXACT if policy is None else rounded(policy)
