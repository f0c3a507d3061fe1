"""Exact numbers along formulas: a fraction while the value is rational and short, otherwise a 50-digit float.

Rational operations on fractions stay fractions; a function leaves them except at the points where it is known to be
rational (`exp(0) = 1`, `sqrt(9/4) = 3/2`). The 50-digit floats belong to a private mpmath context, so that no caller's
precision is touched.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath

from symbackprop import functions
from symbackprop.errors import EvaluationError, message
from symbackprop.formula import Apply, Negative, Node, Number, Power, Product, Quotient, Sum

DIGITS = 50
LONGEST_FRACTION = 10**60
_LARGEST_MAGNITUDE = 100_000
_SMALLEST_MAGNITUDE = 10_000_000_000
"""Small values may be smaller than large ones are large: GELU squares its argument before exp(−z²/2)."""

CONTEXT = mpmath.MPContext()
CONTEXT.dps = DIGITS

Real = CONTEXT.mpf
"""The type of a 50-digit float."""

Exact = Any
"""A `Fraction` or a 50-digit float (mpmath has no type annotations)."""


def to_real(value: Exact) -> Exact:
    """Return the value as a 50-digit float."""
    if isinstance(value, Fraction):
        return CONTEXT.mpf(value.numerator) / value.denominator
    return value


def settle(value: Exact) -> Exact:
    """Return the value as it is kept: a fraction of more than 60 digits becomes a 50-digit float."""
    if isinstance(value, Fraction) and max(abs(value.numerator), value.denominator) >= LONGEST_FRACTION:
        return to_real(value)
    return value


def add(left: Exact, right: Exact) -> Exact:
    """Return `left + right`."""
    if isinstance(left, Fraction) is isinstance(right, Fraction):
        return left + right
    return to_real(left) + to_real(right)


def multiply(left: Exact, right: Exact) -> Exact:
    """Return `left * right`; an exact zero stays exactly zero."""
    if isinstance(left, Fraction) is isinstance(right, Fraction):
        return left * right
    if left == 0 or right == 0:
        return Fraction(0)
    return to_real(left) * to_real(right)


def divide(left: Exact, right: Exact) -> Exact:
    """Return `left / right`; a division by zero raises `EvaluationError`."""
    if right == 0:
        raise EvaluationError(message("evaluation.division"))
    if isinstance(left, Fraction) is isinstance(right, Fraction):
        return left / right
    return to_real(left) / to_real(right)


def power(base: Exact, exponent: Exact) -> Exact:
    """Return `base ** exponent`, a real number or `EvaluationError`."""
    if isinstance(exponent, Fraction) and exponent.denominator == 1:
        whole = exponent.numerator
        if base == 0 and whole < 0:
            raise EvaluationError(message("evaluation.division"))
        if isinstance(base, Fraction) and abs(whole) <= 64:
            return base**whole
    if base == 0:
        return Fraction(0) if exponent else Fraction(1)
    if base < 0 and not (isinstance(exponent, Fraction) and exponent.denominator == 1):
        raise EvaluationError(message("evaluation.power"))
    base = to_real(base)
    if abs(CONTEXT.log10(abs(base)) * to_real(exponent)) > _LARGEST_MAGNITUDE:
        raise EvaluationError(message("evaluation.magnitude"))
    return base ** (
        exponent.numerator if isinstance(exponent, Fraction) and exponent.denominator == 1 else to_real(exponent)
    )


def compare(left: Exact, right: Exact) -> int:
    """Return −1, 0 or 1 as `left` is less than, equal to or greater than `right`."""
    difference = add(left, -right)
    return int(difference > 0) - int(difference < 0)


def apply(function: str, arguments: tuple[Exact, ...], at_kink: Fraction = Fraction(0)) -> Exact:
    """Return the value of a primitive function (or of `step`) at exact numbers."""
    if function == functions.CONSTANT:
        return +CONTEXT.pi
    first = arguments[0]
    if function == "step":
        return (Fraction(0), at_kink, Fraction(1))[compare(first, Fraction(0)) + 1]
    if function == "max":
        return functools.reduce(lambda p, q: p if compare(p, q) >= 0 else q, arguments)
    if function == "min":
        return functools.reduce(lambda p, q: p if compare(p, q) <= 0 else q, arguments)
    if function == "abs":
        return abs(first)
    row = functions.PRIMITIVES[function]
    if isinstance(first, Fraction) and first in row.exact:
        return row.exact[first]
    return _transcendental(row.sympy, first)


def _transcendental(name: str, argument: Exact) -> Exact:
    if name == "sqrt":
        root = _rational_root(argument) if isinstance(argument, Fraction) and argument >= 0 else None
        if root is not None:
            return root
    if (name == "log" and argument <= 0) or (name == "sqrt" and argument < 0):
        raise EvaluationError(message("evaluation.domain", function="ln" if name == "log" else name))
    if name == "exp" and not -_SMALLEST_MAGNITUDE <= argument <= _LARGEST_MAGNITUDE:
        raise EvaluationError(message("evaluation.magnitude"))
    return getattr(CONTEXT, name)(to_real(argument))


def _rational_root(square: Fraction) -> Fraction | None:
    root = Fraction(math.isqrt(square.numerator), math.isqrt(square.denominator))
    return root if root * root == square else None


def evaluate(node: Node, leaf: Callable[[Node], Exact | None] = lambda node: None) -> Exact:
    """Return the exact value of a scalar formula; `leaf` gives the values of names and slots.

    >>> evaluate(Quotient(Number(Fraction(1)), Number(Fraction(3))))
    Fraction(1, 3)
    """
    answer = leaf(node)
    if answer is not None:
        return answer
    match node:
        case Number(value):
            return value
        case Sum(terms):
            total = evaluate(terms[0], leaf)
            for term in terms[1:]:
                total = add(total, evaluate(term, leaf))
            return total
        case Product(factors):
            total = evaluate(factors[0], leaf)
            for factor in factors[1:]:
                total = multiply(total, evaluate(factor, leaf))
            return total
        case Quotient(numerator, denominator):
            return divide(evaluate(numerator, leaf), evaluate(denominator, leaf))
        case Power(base, exponent):
            return power(evaluate(base, leaf), evaluate(exponent, leaf))
        case Negative(operand):
            return -evaluate(operand, leaf)
        case Apply(function, arguments, at_kink):
            body = None if function == "step" else functions.expanded(node)
            if body is not None:
                return evaluate(body, leaf)
            return apply(function, tuple(evaluate(argument, leaf) for argument in arguments), at_kink)
    raise TypeError(f"no value for {type(node).__name__}")
