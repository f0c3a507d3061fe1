"""Exact numbers along formulas: a fraction while the value is rational and short, otherwise a 50-digit float.

Rational operations on fractions stay fractions; a function leaves them except at the points where it is known to be
rational (`exp(0) = 1`, `sqrt(9/4) = 3/2`). Logarithms of fractions are exact as well (`arithmetic.reals`): they may be
added, multiplied by fractions and brought back by `exp`.

A saturated activation keeps more digits: σ(1000) is 1 − 5·10⁻⁴³⁵, and 1 − a is wanted with 50 digits as well as a. Hence
ln(1 − a), (1 − y)/(1 − a) and a − y are right however large z is.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import mpmath

from symbackprop.algebra import functions
from symbackprop.algebra.formula import Apply, Negative, Node, Number, Power, Product, Quotient, Sum
from symbackprop.arithmetic import real_numbers
from symbackprop.arithmetic.real_numbers import Exact as Exact
from symbackprop.arithmetic.real_numbers import Logarithm, logarithm, rational_root
from symbackprop.errors import EvaluationError
from symbackprop.messages import message

DIGITS, LONGEST_FRACTION, CONTEXT, Real = (
    real_numbers.DIGITS,
    real_numbers.LONGEST_FRACTION,
    real_numbers.CONTEXT,
    real_numbers.Real,
)
_LARGEST_MAGNITUDE = 100_000
_SMALLEST_MAGNITUDE = 10_000_000_000
"""Small values may be smaller than large ones are large: GELU squares its argument before exp(−z²/2)."""

_MOST_DIGITS = 50_000
"""Of a saturated activation: enough up to |z| = 100 000, where exponentials end."""
_MOST_DIGITS_OF_FUNCTION = 400
"""Of tanh and erf: nobody takes the logarithm of what they lack to 1, and below 1e-308 float64 has no numbers."""
_LOST_DIGITS = 5
"""A distance from a bound may have so many digits less than 50 before a function counts as saturated."""
_SATURATING = ("tanh", "erf")


def to_real(value: Exact) -> Exact:
    """Return the value as a 50-digit float."""
    if type(value) is Fraction:
        above = mpmath.libmp.from_int(value.numerator, CONTEXT.prec, "n")
        return CONTEXT.make_mpf(
            mpmath.libmp.mpf_div(above, mpmath.libmp.from_int(value.denominator), CONTEXT.prec, "n")
        )
    return value.real if isinstance(value, Logarithm) else value


def to_fraction_of_float(value: Exact) -> Fraction:
    """Return a fraction, or for any other number the decimal of the nearest float64: what code in floats can be given.

    >>> to_fraction_of_float(logarithm(Fraction(2)))
    Fraction(6931471805599453, 10000000000000000)
    """
    return value if isinstance(value, Fraction) else Fraction(repr(float(value)))


_SURE = 1e-6
"""A logarithm that is farther from a whole number says which power of ten is the largest below."""


def magnitude(value: Fraction) -> int:
    """Return the power of ten of the first significant digit of a number that is not 0, however long it is.

    >>> magnitude(Fraction(3, 100)), magnitude(Fraction(10) ** 5000), magnitude(Fraction(10) ** 5000 - 1)
    (-2, 5000, 4999)
    """
    return magnitude_of(abs(value.numerator), value.denominator)


def magnitude_of(above: int, below: int) -> int:
    """Return the power of ten of the first significant digit of a quotient of positive whole numbers."""
    power = math.log10(above) - math.log10(below)
    guess = math.floor(power)
    if _SURE < power - guess < 1 - _SURE:
        return guess
    guess -= 1
    while above * 10 ** max(-guess - 1, 0) >= below * 10 ** max(guess + 1, 0):
        guess += 1
    return guess


def scientific(value: Exact, digits: int) -> str:
    """Return a number as text with a power of ten, however large it is.

    >>> scientific(Fraction(10) ** 400 / 3, 4)
    '3.333e+399'
    """
    return str(CONTEXT.nstr(to_real(value), digits, min_fixed=1, max_fixed=0, strip_zeros=False))


def settle(value: Exact) -> Exact:
    """Return the value as it is kept: a fraction of more than 60 digits becomes a 50-digit float."""
    if isinstance(value, Fraction) and max(abs(value.numerator), value.denominator) >= LONGEST_FRACTION:
        return to_real(value)
    return value


def add(left: Exact, right: Exact) -> Exact:
    """Return `left + right`."""
    # `isinstance` takes ten times as long: a fraction belongs to an abstract class, and sums are what there is most of.
    if (type(left) is Fraction) is (type(right) is Fraction) or _is_logarithm(left, right):
        return left + right
    return to_real(left) + to_real(right)


def _is_logarithm(left: Exact, right: Exact) -> bool:
    return isinstance(left, Logarithm) or isinstance(right, Logarithm)


def negate(value: Exact) -> Exact:
    """Return `-value`, with all the digits of a float that has more than 50."""
    if type(value) is Fraction or isinstance(value, Logarithm):
        return -value
    return CONTEXT.make_mpf(mpmath.libmp.mpf_neg(value._mpf_))


def multiply(left: Exact, right: Exact) -> Exact:
    """Return `left * right`; an exact zero stays exactly zero."""
    if (type(left) is Fraction) is (type(right) is Fraction):
        return left * right
    if left == 0 or right == 0:
        return Fraction(0)
    if _is_logarithm(left, right):
        return left * right
    return to_real(left) * to_real(right)


def divide(left: Exact, right: Exact) -> Exact:
    """Return `left / right`, an exact zero again for one; a division by zero raises `EvaluationError`."""
    if right == 0:
        raise EvaluationError(message("evaluation.division"))
    if (type(left) is Fraction) is (type(right) is Fraction) or isinstance(left, Logarithm):
        return left / right
    return to_real(left) / to_real(right) if left else left


def power(base: Exact, exponent: Exact) -> Exact:
    """Return `base ** exponent`, a real number or `EvaluationError`."""
    whole = exponent.numerator if isinstance(exponent, Fraction) and exponent.denominator == 1 else None
    if whole is not None:
        if base == 0 and whole < 0:
            raise EvaluationError(message("evaluation.division"))
        if isinstance(base, Fraction) and abs(whole) <= 64:
            return base**whole
        if not isinstance(base, Fraction) and 0 < whole <= 4 and base._mpf_[3] > CONTEXT.prec:
            with CONTEXT.workprec(whole * base._mpf_[3]):  # 1 - a**2 of a saturated tanh
                return base**whole
    if base == 0:
        return Fraction(0) if exponent else Fraction(1)
    if base < 0 and whole is None:
        raise EvaluationError(message("evaluation.power"))
    base = to_real(base)
    if abs(CONTEXT.log10(abs(base)) * to_real(exponent)) > _LARGEST_MAGNITUDE:
        raise EvaluationError(message("evaluation.magnitude"))
    return base ** (to_real(exponent) if whole is None else whole)


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
        root = rational_root(argument, 2) if isinstance(argument, Fraction) and argument >= 0 else None
        if root is not None:
            return root
    if name in real_numbers.OF_LOGARITHM and isinstance(argument, Logarithm):
        known = real_numbers.OF_LOGARITHM[name](argument)
        if known is not None:
            return known
    if (name == "log" and argument <= 0) or (name == "sqrt" and argument < 0):
        raise EvaluationError(message("evaluation.domain", function="ln" if name == "log" else name))
    if name == "log" and isinstance(argument, Fraction):
        return logarithm(argument)
    if name == "exp" and not -_SMALLEST_MAGNITUDE <= argument <= _LARGEST_MAGNITUDE:
        raise EvaluationError(message("evaluation.magnitude"))
    if name in _SATURATING:
        return _resolved(lambda: getattr(CONTEXT, name)(to_real(argument)), (-1, 1), _MOST_DIGITS_OF_FUNCTION)
    return getattr(CONTEXT, name)(to_real(argument))


def _resolved(compute: Callable[[], Exact], bounds: tuple[int, ...], most: int) -> Exact:
    """Return a number that was computed with digits enough for its distance from the nearest of some bounds."""
    value, digits = compute(), DIGITS
    while not isinstance(value, Fraction) and digits < most:
        margin = min(abs(CONTEXT.mpf(value - bound)) for bound in bounds)
        if margin and digits + CONTEXT.log10(margin) >= DIGITS - _LOST_DIGITS:
            break
        digits = math.ceil(DIGITS - CONTEXT.log10(margin)) if margin else 2 * digits
        with CONTEXT.workdps(min(digits, most)):
            value = compute()
    return value


Leaves = Callable[[Node], Exact | None]
"""The values of names and slots, None for any other part of a formula."""


def evaluate(node: Node, leaf: Leaves = lambda node: None) -> Exact:
    """Return the exact value of a scalar formula; `leaf` gives the values of names and slots.

    >>> evaluate(Quotient(Number(Fraction(1)), Number(Fraction(3))))
    Fraction(1, 3)
    """
    answer = leaf(node)
    if answer is not None:
        return answer
    value = _VALUES.get(type(node))
    if value is None:
        raise TypeError(f"no value for {type(node).__name__}")
    return value(node, leaf)


def _sum(node: Sum, leaf: Leaves) -> Exact:
    return functools.reduce(add, [evaluate(term, leaf) for term in node.terms])


def _product(node: Product, leaf: Leaves) -> Exact:
    return functools.reduce(multiply, [evaluate(factor, leaf) for factor in node.factors])


def _applied(node: Apply, leaf: Leaves) -> Exact:
    body = None if node.function == "step" else functions.expanded(node)
    if body is not None:
        return _activated(node, body, leaf)
    known = _of_angle(node.function, node.arguments)
    if known is not None:
        return known
    return apply(node.function, tuple([evaluate(argument, leaf) for argument in node.arguments]), node.at_kink)


_VALUES: Mapping[type[Node], Callable[[Any, Leaves], Exact]] = {
    Number: lambda node, leaf: node.value,
    Sum: _sum,
    Product: _product,
    Quotient: lambda node, leaf: divide(evaluate(node.numerator, leaf), evaluate(node.denominator, leaf)),
    Power: lambda node, leaf: power(evaluate(node.base, leaf), evaluate(node.exponent, leaf)),
    Negative: lambda node, leaf: negate(evaluate(node.operand, leaf)),
    Apply: _applied,
}
"""What gives the value of each kind of node: formulas are evaluated all the time, and a look into a table is quick."""


_SINES = {Fraction(0): 0, Fraction(1, 6): 1, Fraction(1, 2): 2, Fraction(5, 6): 1}
"""x → 2 sin(πx) where that is rational (Niven's theorem: nowhere else between 0 and 1)."""
_TANGENTS = {Fraction(0): 0, Fraction(1, 4): 1, Fraction(3, 4): -1}
"""x → tan(πx), likewise."""


def _of_angle(function: str, arguments: tuple[Node, ...]) -> Fraction | None:
    """Return the sine, cosine or tangent of a rational multiple of π where it is rational: sin(π) is 0, not 1e-51."""
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


def _activated(apply: Apply, body: Node, leaf: Leaves) -> Exact:
    """Return the value of an activation; a saturated one has digits for its distance from a bound other than 0."""
    row = None if apply.body else functions.ACTIVATIONS.get(apply.function)
    bounds = tuple(int(bound) for bound in (row.lowest, row.highest) if bound) if row else ()
    if not bounds:
        return evaluate(body, leaf)
    if isinstance(body, Quotient) and body.denominator == body.numerator:  # softmax of one unit
        return Fraction(1)
    return _resolved(lambda: evaluate(body, leaf), bounds, _MOST_DIGITS)
