"""Sines, cosines and tangents of rational multiples of π, where they are rational."""

from __future__ import annotations

import math
from fractions import Fraction

from symbackprop.algebra import functions
from symbackprop.algebra.formula import Apply, Negative, Node, Number, Product, Quotient

_SINES = {Fraction(0): 0, Fraction(1, 6): 1, Fraction(1, 2): 2, Fraction(5, 6): 1}
"""x → 2 sin(πx) where that is rational (Niven's theorem: nowhere else between 0 and 1)."""
_TANGENTS = {Fraction(0): 0, Fraction(1, 4): 1, Fraction(3, 4): -1}
"""x → tan(πx), likewise."""


def rational_value(function: str, arguments: tuple[Node, ...]) -> Fraction | None:
    """Return the sine, cosine or tangent of a rational multiple of π where it is rational: sin(π) is 0, not 1e-51.

    >>> rational_value("cos", (Quotient(Apply("pi", ()), Number(Fraction(3))),))
    Fraction(1, 2)
    """
    turns = _multiple_of_pi(arguments[0]) if function in ("sin", "cos", "tan") else None
    if turns is None:
        return None
    if function == "tan":
        known = _TANGENTS.get(turns % 1)
        return None if known is None else Fraction(known)
    turns += Fraction(1, 2) if function == "cos" else 0
    half = _SINES.get(turns % 1)
    return None if half is None else Fraction(half if turns % 2 < 1 else -half, 2)


def _multiple_of_pi(angle: Node) -> Fraction | None:
    """Return a formula of numbers divided by π, if it is written as a rational multiple of π."""
    match angle:
        case Apply(functions.CONSTANT):
            return Fraction(1)
        case Number(value) if value == 0:
            return Fraction(0)
        case Negative(operand):
            inner = _multiple_of_pi(operand)
            return None if inner is None else -inner
        case Quotient(numerator, Number(divisor)) if divisor:
            inner = _multiple_of_pi(numerator)
            return None if inner is None else inner / divisor
        case Product(factors):
            numbers = [factor.value for factor in factors if isinstance(factor, Number)]
            others = [factor for factor in factors if not isinstance(factor, Number)]
            inner = _multiple_of_pi(others[0]) if len(others) == 1 else None
            return None if inner is None else inner * math.prod(numbers)
    return None
