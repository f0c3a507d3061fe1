"""Elementary functions on Python floats with the infinities of IEEE 754 instead of exceptions.

`math.exp(1000)` raises; NumPy returns ∞ with a warning. Straight-line scalar code wants the value without either.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping

import sympy

from symbackprop.algebra import functions, symbolic
from symbackprop.algebra.formula import Node, Number

_LARGEST_EXPONENT = math.log(1.7976931348623157e308)


def exponential(argument: float) -> float:
    """Return e to the argument, ∞ where that is too large for a float.

    >>> exponential(1000.0)
    inf
    """
    return math.inf if argument > _LARGEST_EXPONENT else math.exp(argument)


def logarithm(argument: float) -> float:
    """Return the natural logarithm, −∞ at zero and NaN below it."""
    return math.log(argument) if argument > 0.0 else -math.inf if argument == 0.0 else math.nan


def square_root(argument: float) -> float:
    """Return the square root, NaN below zero."""
    return math.sqrt(argument) if argument >= 0.0 else math.nan


def logarithm_of_one_plus(argument: float) -> float:
    """Return ln(1 + argument), accurate near zero."""
    return math.log1p(argument) if argument > -1.0 else -math.inf if argument == -1.0 else math.nan


def exponential_less_one(argument: float) -> float:
    """Return e to the argument, less 1, accurate near zero; ∞ where that is too large for a float."""
    return math.inf if argument > _LARGEST_EXPONENT else math.expm1(argument)


def logarithm_of_exponentials(*exponents: float) -> float:
    """Return ln(e^p + e^q + …), accurate near zero; no exponential grows.

    >>> logarithm_of_exponentials(0.0, -100.0)
    3.720075976020836e-44
    """
    largest = max(exponents)
    if math.isinf(largest):
        return largest
    others = list(exponents)
    others.remove(largest)
    return largest + math.log1p(math.fsum(math.exp(each - largest) for each in others))


def step(argument: float, at_zero: float) -> float:
    """Return 1 above zero, 0 below it and `at_zero` at it."""
    return 1.0 if argument > 0.0 else 0.0 if argument < 0.0 else at_zero


FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "exp": exponential,
    "log": logarithm,
    "sqrt": square_root,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "tanh": math.tanh,
    "erf": math.erf,
    "log1p": logarithm_of_one_plus,
    "logsumexp": logarithm_of_exponentials,
    "expm1": exponential_less_one,
    "erfc": math.erfc,
    "Step": step,
    "Maximum": lambda left, right, at_tie: left if left >= right else right,
    "Minimum": lambda left, right, at_tie: left if left <= right else right,
    "Absolute": lambda argument, at_zero: abs(argument),
}


FloatFunction = Callable[..., float]


@functools.cache
def float_function(formula: Node, arity: int) -> FloatFunction:
    """Return a function of `arity` floats that evaluates a form's formula (or a partial's) in float64.

    Activations are evaluated in their stable forms. Infinities follow IEEE 754 (exp(1000) is ∞, 1/∞ is 0, ln 0 is −∞).
    """
    if isinstance(formula, Number):
        constant = float(formula.value)
        return lambda *_: constant
    expression = symbolic.without_cancellation(symbolic.to_sympy(functions.stable_form(formula)))
    slots = [symbolic.slot_symbol(index) for index in range(arity)]
    function: FloatFunction = sympy.lambdify(slots, expression, modules=[FUNCTIONS], cse=arity > 2)
    return function
