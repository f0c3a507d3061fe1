"""Elementary functions on Python floats with the infinities of IEEE 754 instead of exceptions.

`math.exp(1000)` raises; NumPy returns ∞ with a warning. Straight-line scalar code wants the value without either.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from symbackprop.algebra import functions
from symbackprop.algebra.formula import Apply, Node, Sum, rewrite
from symbackprop.arithmetic.python_code import SCALARS, accurate, compile_formula
from symbackprop.registry import cached

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


def arc_sine(argument: float) -> float:
    """Return the angle between −π/2 and π/2 with that sine, NaN for what is no sine."""
    return math.asin(argument) if -1.0 <= argument <= 1.0 else math.nan


def arc_cosine(argument: float) -> float:
    """Return the angle between 0 and π with that cosine, NaN for what is no cosine."""
    return math.acos(argument) if -1.0 <= argument <= 1.0 else math.nan


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


def power(base: float, exponent: float) -> float:
    """Return a power, infinite where it is too large for a float or divides by zero; NaN where it is not real.

    >>> power(-1e200, 3), power(0.0, -1), power(-1.0, 0.5)
    (-inf, inf, nan)
    """
    try:
        found = base**exponent
    except OverflowError:
        return -math.inf if base < 0.0 and exponent % 2.0 == 1.0 else math.inf
    except ZeroDivisionError:
        return math.inf
    return math.nan if isinstance(found, complex) else found


FUNCTIONS: Mapping[str, Callable[..., float]] = {
    **SCALARS.namespace,
    "power": power,
    "exp": exponential,
    "log": logarithm,
    "sqrt": square_root,
    "asin": arc_sine,
    "acos": arc_cosine,
    "log1p": logarithm_of_one_plus,
    "expm1": exponential_less_one,
    "logsumexp": logarithm_of_exponentials,
}

FLOATS = replace(
    SCALARS,
    functions={**SCALARS.functions, "logsumexp": "logsumexp({all})"},
    power="power({}, {})",
    namespace=FUNCTIONS,
)
"""Floats with the infinities of IEEE 754: exp(1000) is ∞, 1/∞ is 0, ln 0 is −∞."""


def stable(formula: Node) -> Node:
    """Return an equal formula for floats: activations in their stable forms, functions that lose no digits."""
    return rewrite(accurate(functions.stable_form(formula)), _of_exponentials)


def _of_exponentials(part: Node) -> Node | None:
    """Return ln(e^p + e^q + …) as a function of its own: where one exponential is 1, its digits are those of the others."""
    match part:
        case Apply("ln", (Sum(terms),)) if all(isinstance(term, Apply) and term.function == "exp" for term in terms):
            exponents = tuple(term.arguments[0] for term in terms if isinstance(term, Apply))
            return Apply("logsumexp", tuple(rewrite(exponent, _of_exponentials) for exponent in exponents))
    return None


@cached
def float_function(formula: Node, arity: int) -> Callable[..., float]:
    """Return a function of `arity` floats that evaluates a form's formula (or a partial's) in float64.

    Activations are evaluated in their stable forms. Infinities follow IEEE 754 (exp(1000) is ∞, 1/∞ is 0, ln 0 is −∞).
    """
    return compile_formula(stable(formula), arity, FLOATS)
