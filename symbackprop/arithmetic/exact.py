"""Exact numbers along formulas: a fraction while the value is rational and short, otherwise a 50-digit float.

Rational operations on fractions stay fractions; a function leaves them except at the points where it is known to be
rational (`exp(0) = 1`, `sqrt(9/4) = 3/2`). Logarithms of fractions are exact as well (`arithmetic.real_numbers`): they may
be added, multiplied by fractions and brought back by `exp`.

Digits do not grow with the numbers. A saturated activation is a number near a rational one
(`arithmetic.perturbed_rationals`): σ(1000) is 1 − 5·10⁻⁴³⁵, and ln(1 − a), (1 − y)/(1 − a) and a − y are right however large
z is. Where floats cancel inside one formula it is evaluated anew with as many digits more as it lost, up to a limit.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import mpmath

from symbackprop.algebra import functions
from symbackprop.algebra.branches import choice_of, comparison_of
from symbackprop.algebra.formula import Apply, Negative, Node, Number, Power, Product, Quotient, Sum
from symbackprop.arithmetic import angles, perturbed_rationals, real_numbers
from symbackprop.arithmetic.cancellation import MOST_DIGITS, Watch, added, is_tie
from symbackprop.arithmetic.perturbed_rationals import PerturbedRational, is_long, is_near, near, rational
from symbackprop.arithmetic.real_numbers import Exact as Exact
from symbackprop.arithmetic.real_numbers import Logarithm, is_infinite, logarithm, rational_root
from symbackprop.errors import EvaluationError
from symbackprop.messages import message

DIGITS, LONGEST_FRACTION, CONTEXT, Real = (
    real_numbers.DIGITS,
    real_numbers.LONGEST_FRACTION,
    real_numbers.CONTEXT,
    real_numbers.Real,
)
LARGEST_MAGNITUDE = 10**15
"""A number that is kept has less than so many digits before its point; one with so many zeros behind it is shown as 0."""

_LARGEST_ARGUMENT = 10**320
"""Of an exponential inside a formula: every float64 may be its argument; below, e to it is 0, above it has no value."""

_SATURATED = Real("0.99999")
"""A softmax from here on is computed by what it lacks to 1."""
_ENDS = {"tanh": 6, "erf": 4}
"""Arguments beyond which functions are near to ±1."""


def to_real(value: Exact) -> Exact:
    """Return the value as a 50-digit float."""
    if type(value) is Fraction:
        above = mpmath.libmp.from_int(value.numerator, CONTEXT.prec, "n")
        return CONTEXT.make_mpf(
            mpmath.libmp.mpf_div(above, mpmath.libmp.from_int(value.denominator), CONTEXT.prec, "n")
        )
    return value.real if isinstance(value, Logarithm | PerturbedRational) else value


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
    """Return the value as it is kept: a fraction of more than 60 digits becomes a 50-digit float.

    Raises `EvaluationError` for a number that nobody could write.
    """
    if type(value) is Fraction:
        return value if max(abs(value.numerator), value.denominator) < LONGEST_FRACTION else _shortened(value)
    if type(value) is Real and value._mpf_[2] > LARGEST_MAGNITUDE:
        raise EvaluationError(message("evaluation.magnitude"))
    return value


def _shortened(value: Fraction) -> Exact:
    """Return a long fraction as a 50-digit float, beside the whole number that it is near."""
    whole = round(value)
    return near(Fraction(whole), to_real(value - whole)) if whole != value else to_real(value)


def _capped(value: Fraction) -> Exact:
    """Return what a formula goes on with: digits do not grow with the number of its powers."""
    return to_real(value) if is_long(value) else value


def add(left: Exact, right: Exact) -> Exact:
    """Return `left + right`."""
    # `isinstance` takes ten times as long: a fraction belongs to an abstract class, and sums are what there is most of.
    one, other = type(left), type(right)
    if one is Real and other is Real:
        return _added(left._mpf_, right._mpf_)
    if one is Fraction and other is Real:
        return _beside(left, right)
    if one is Real and other is Fraction:
        return _beside(right, left)
    return right + left if other is PerturbedRational else left + right


def _beside(rational: Fraction, real: Exact) -> Exact:
    if is_near(rational, real):
        return PerturbedRational(rational, real)
    return _added(to_real(rational)._mpf_, real._mpf_) if rational else real


def _added(left: Any, right: Any) -> Exact:
    """Return the sum of two floats, in two parts where one does not change the other, which is a short number."""
    if left[1] and right[1] and abs(left[2] + left[3] - right[2] - right[3]) > CONTEXT.prec:
        large, small = (left, right) if left[2] + left[3] > right[2] + right[3] else (right, left)
        base = rational(CONTEXT.make_mpf(large))
        if base is not None:
            return PerturbedRational(base, CONTEXT.make_mpf(small))
    return added(left, right)


def negate(value: Exact) -> Exact:
    """Return `-value`, with all the digits of a float that has more than 50."""
    return CONTEXT.make_mpf(mpmath.libmp.mpf_neg(value._mpf_)) if type(value) is Real else -value


def multiply(left: Exact, right: Exact) -> Exact:
    """Return `left * right`; an exact zero stays exactly zero, and two float64 give a float64."""
    if type(left) is Fraction and type(right) is Fraction:
        return _capped(left * right)
    if left == 0 or right == 0:
        if _is_nothing(left) or _is_nothing(right):
            return Fraction(0)
        return left * right if type(left) is float and type(right) is float else CONTEXT.zero
    if _is_composed(left, right):
        return right * left if type(right) is PerturbedRational else left * right
    return to_real(left) * to_real(right)


def _is_nothing(value: Exact) -> bool:
    return type(value) is Fraction and not value


def _is_composed(left: Exact, right: Exact) -> bool:
    return isinstance(left, Logarithm | PerturbedRational) or isinstance(right, Logarithm | PerturbedRational)


def divide(left: Exact, right: Exact) -> Exact:
    """Return `left / right`, an exact zero again for one; a division by zero raises `EvaluationError`."""
    if right == 0:
        raise EvaluationError(message("evaluation.division"))
    if type(left) is Fraction and type(right) is Fraction:
        return _capped(left / right)
    if left == 0:
        return left
    if isinstance(left, Logarithm | PerturbedRational):
        return left / right
    if type(right) is PerturbedRational:
        return multiply(left, right.inverse())
    return to_real(left) / to_real(right)


def power(base: Exact, exponent: Exact) -> Exact:
    """Return `base ** exponent`, a real number or `EvaluationError`."""
    whole = _whole(exponent)
    if base == 0 and exponent < 0:
        raise EvaluationError(message("evaluation.division"))
    if whole is not None and isinstance(base, Fraction) and isinstance(exponent, Fraction) and abs(whole) <= 64:
        return _capped(base**whole)
    if base == 0:
        return Fraction(0) if exponent else Fraction(1)
    if base < 0 and whole is None:
        raise EvaluationError(message("evaluation.power"))
    if isinstance(base, PerturbedRational):
        return base**exponent
    base = to_real(base)
    if abs(CONTEXT.log10(abs(base)) * to_real(exponent)) > _LARGEST_ARGUMENT:
        raise EvaluationError(message("evaluation.magnitude"))
    return base ** (to_real(exponent) if whole is None else whole)


def _whole(exponent: Exact) -> int | None:
    """Return an exponent that is a whole number, however it is held."""
    if isinstance(exponent, Fraction):
        return exponent.numerator if exponent.denominator == 1 else None
    return int(exponent) if type(exponent) is Real and CONTEXT.isint(exponent) else None


def compare(left: Exact, right: Exact) -> int:
    """Return −1, 0 or 1 as `left` is less than, equal to or greater than `right`."""
    if left == right:
        return 0
    difference = add(left, negate(right))
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
    if name in _OUTSIDE and _OUTSIDE[name](argument):
        raise EvaluationError(message("evaluation.domain", function="ln" if name == "log" else name))
    if name == "log" and isinstance(argument, Fraction):
        return logarithm(argument)
    if isinstance(argument, PerturbedRational) and name in _NEAR:
        return _NEAR[name](argument)
    real = to_real(argument)
    if name == "exp" and abs(real) > _LARGEST_ARGUMENT:
        if real > 0:
            raise EvaluationError(message("evaluation.magnitude"))
        return Fraction(0) if is_infinite(real) else CONTEXT.zero
    if name in _NEAR_ONE and is_near(Fraction(1), real):
        return _NEAR_ONE[name](real)
    if name in _ENDS and abs(real) > _ENDS[name]:
        return _FAR[name](real)
    return getattr(CONTEXT, name)(real)


_OUTSIDE: Mapping[str, Callable[[Exact], bool]] = {
    "log": lambda argument: bool(argument <= 0),
    "sqrt": lambda argument: bool(argument < 0),
    **dict.fromkeys(("asin", "acos"), lambda argument: compare(abs(argument), Fraction(1)) > 0),
}
"""Where functions have no real value."""
_NEAR = {"log": perturbed_rationals.logarithm, "sqrt": perturbed_rationals.square_root}
_NEAR_ONE = {"exp": perturbed_rationals.exponential, "cos": perturbed_rationals.cosine}
_FAR = {"tanh": perturbed_rationals.hyperbolic_tangent, "erf": perturbed_rationals.error_function}
"""Functions of numbers near rational ones, of numbers near 0, and of numbers far from it."""


Leaves = Callable[[Node], Exact | None]
"""The values of names and slots, None for any other part of a formula."""


def evaluate(node: Node, leaf: Leaves = lambda node: None) -> Exact:
    """Return the exact value of a scalar formula; `leaf` gives the values of names and slots.

    >>> evaluate(Quotient(Number(Fraction(1)), Number(Fraction(3))))
    Fraction(1, 3)
    """
    outside, Watch.lost = Watch.lost, 0
    try:
        value = _evaluate(node, leaf)
        return _with_more_digits(node, leaf) if Watch.lost else value
    except EvaluationError:
        if not Watch.lost:
            raise
        return _with_more_digits(node, leaf)
    finally:
        Watch.lost = outside


def _with_more_digits(node: Node, leaf: Leaves) -> Exact:
    """Return the value of a formula whose floats cancel, with as many digits more as that takes."""
    digits, most = CONTEXT.dps, max(MOST_DIGITS, CONTEXT.dps)
    while True:
        digits, Watch.lost = min(max(DIGITS + Watch.digits(), 2 * digits), most), 0
        with CONTEXT.workdps(digits):
            try:
                value = _evaluate(node, leaf)
            except EvaluationError:
                if not Watch.lost or digits == most:
                    raise
                continue
        if digits == most or DIGITS + Watch.digits() <= digits:
            return +value if type(value) is Real else value.rounded() if type(value) is PerturbedRational else value


def _evaluate(node: Node, leaf: Leaves) -> Exact:
    answer = leaf(node)
    if answer is not None:
        return answer
    value = _VALUES.get(type(node))
    if value is None:
        raise TypeError(f"no value for {type(node).__name__}")
    return value(node, leaf)


def _sum(node: Sum, leaf: Leaves) -> Exact:
    return functools.reduce(add, [_evaluate(term, leaf) for term in node.terms])


def _product(node: Product, leaf: Leaves) -> Exact:
    return functools.reduce(multiply, [_evaluate(factor, leaf) for factor in node.factors])


def _compared(step: Apply, leaf: Leaves) -> Exact:
    """Return 1 where a comparison holds, else 0; at equality what is stated there."""
    left, sign, right = comparison_of(step)
    values = _evaluate(left, leaf), _evaluate(right, leaf)
    return step.at_kink if is_tie(*values) else Fraction((compare(*values) > 0) == (sign[0] == ">"))


def _applied(node: Apply, leaf: Leaves) -> Exact:
    choice = choice_of(node)
    if choice is not None:
        return _evaluate(choice.holding if _evaluate(choice.condition, leaf) else choice.otherwise, leaf)
    if node.function == "step":
        return _compared(node, leaf)
    body = functions.expanded(node)
    if body is not None:
        return _activated(node, body, leaf)
    known = angles.rational_value(node.function, node.arguments)
    if known is not None:
        return known
    return apply(node.function, tuple([_evaluate(argument, leaf) for argument in node.arguments]), node.at_kink)


_VALUES: Mapping[type[Node], Callable[[Any, Leaves], Exact]] = {
    Number: lambda node, leaf: node.value,
    Sum: _sum,
    Product: _product,
    Quotient: lambda node, leaf: divide(_evaluate(node.numerator, leaf), _evaluate(node.denominator, leaf)),
    Power: lambda node, leaf: power(_evaluate(node.base, leaf), _evaluate(node.exponent, leaf)),
    Negative: lambda node, leaf: negate(_evaluate(node.operand, leaf)),
    Apply: _applied,
}
"""What gives the value of each kind of node: formulas are evaluated all the time, and a look into a table is quick."""


def _activated(apply: Apply, body: Node, leaf: Leaves) -> Exact:
    """Return the value of an activation; softmax is shifted by its largest argument where that tells more digits."""
    if apply.body or not functions.is_vector(apply.function):
        return _evaluate(body, leaf)
    if len(apply.arguments) == 1:
        return Fraction(1)
    try:
        value = _evaluate(body, leaf)
        if type(value) is Fraction or value < _SATURATED:
            return value
    except EvaluationError:
        pass
    values = [_evaluate(argument, leaf) for argument in apply.arguments]
    largest = functools.reduce(lambda p, q: p if compare(p, q) >= 0 else q, values)
    if is_infinite(largest):
        raise EvaluationError(message("evaluation.masked", function=apply.function))
    shifted = [Fraction(0) if value == largest else add(value, negate(largest)) for value in values]
    exponentials = [_transcendental("exp", each) if each else Fraction(1) for each in shifted]
    return divide(exponentials[0], functools.reduce(add, exponentials))
