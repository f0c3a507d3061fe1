"""Real numbers that are no fractions: 50-digit floats, and logarithms of rational numbers, which stay exact.

The floats belong to a private mpmath context, so that no caller's precision is touched. A logarithm is the number
a + ln(q)/n with rational a and q. Sums and rational multiples of such numbers are such numbers again, and e^ln(q) is q: with
logits that are logarithms, softmax is rational. What leaves them becomes a float.
"""

from __future__ import annotations

import copyreg
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath
from mpmath import libmp

DIGITS = 50
LONGEST_FRACTION = 10**60

CONTEXT = mpmath.MPContext()
CONTEXT.dps = DIGITS

Exact = Any
"""A `Fraction`, a `Logarithm` or a 50-digit float (mpmath has no type annotations)."""

Real = CONTEXT.mpf
"""The type of a 50-digit float."""


def _real(parts: Any) -> Exact:
    return CONTEXT.make_mpf(libmp.from_pickable(parts))


# mpmath looks for the type of a number among those of its own context, and does not find that of another.
copyreg.pickle(Real, lambda number: (_real, (libmp.to_pickable(number._mpf_),)))

_LARGEST_ROOT = 1000
_LARGEST_POWER = 200
"""A power of more binary digits than this is longer than `LONGEST_FRACTION` in any case (2^200 > 10^60)."""
_SPARE_BITS = 220
"""What the logarithm of a fraction of 60 digits may lose where it is near 1, and some."""


@functools.total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Logarithm:
    """offset + ln(argument)/root, with an argument that is no power with a divisor of `root`; never rational.

    The logarithms of primes are independent of each other and of 1, hence equal numbers have equal fields. Made by
    `logarithm`. To mpmath it is a real number, by its digits.
    """

    offset: Fraction
    argument: Fraction
    root: int

    @property
    def _mpf_(self) -> Any:
        """The number as a float of mpmath has it, with the digits of the context."""
        spare = _SPARE_BITS
        while True:
            bits = CONTEXT.prec + spare
            part = libmp.mpf_div(libmp.mpf_log(_bits(self.argument, bits), bits), libmp.from_int(self.root), bits)
            whole = libmp.mpf_add(_bits(self.offset, bits), part) if self.offset else part
            _, mantissa, exponent, length = whole
            # Absolute errors are below 2^(2 − bits): what the two cancel, or ln near 1 loses, has to be spare.
            if mantissa and exponent + length >= 2 - spare:
                return libmp.mpf_pos(whole, CONTEXT.prec, "n")
            spare *= 2

    @property
    def real(self) -> Exact:
        """The number as a float."""
        return CONTEXT.make_mpf(self._mpf_)

    def scaled(self, factor: Fraction) -> Exact:
        """Return the number times a rational one."""
        if not factor:
            return factor
        shared = math.gcd(factor.numerator, self.root)
        argument = _power(self.argument, factor.numerator // shared)
        if argument is None:
            return self.real * factor.numerator / factor.denominator
        return logarithm(argument, self.offset * factor, self.root // shared * factor.denominator)

    def parts(self) -> tuple[Fraction, Fraction, Fraction]:
        """Return offset, coefficient and argument as a reader wants them.

        The coefficient is positive: 1 where there is no root, so that ln 8 stays what it is; else the argument is no power.
        The argument of ln(1/3) is 1/3.
        """
        if self.root == 1:
            return self.offset, Fraction(1), self.argument
        argument, times = self.argument, 1
        for power in range(_LARGEST_POWER, 1, -1):
            if (base := rational_root(argument, power)) is not None:
                argument, times = base, power
                break
        return self.offset, Fraction(times, self.root), argument

    def __str__(self) -> str:
        """Return the number as a problem file states it.

        >>> print(logarithm(Fraction(1, 3)), logarithm(Fraction(9), Fraction(1, 2), 4))
        -ln(3) 1/2 + 1/2*ln(3)
        """
        offset, coefficient, argument = self.parts()
        sign, argument = (-1, 1 / argument) if argument.numerator == 1 else (1, argument)
        text = f"ln({argument})" if coefficient == 1 else f"{coefficient}*ln({argument})"
        if offset:
            return f"{offset} {'-' if sign < 0 else '+'} {text}"
        return f"-{text}" if sign < 0 else text

    def __add__(self, other: Exact) -> Exact:
        if isinstance(other, Fraction | int):
            return logarithm(self.argument, self.offset + other, self.root)
        if not isinstance(other, Logarithm):
            return self.real + other
        root = math.lcm(self.root, other.root)
        left, right = _power(self.argument, root // self.root), _power(other.argument, root // other.root)
        if left is None or right is None:
            return self.real + other.real
        return logarithm(left * right, self.offset + other.offset, root)

    def __neg__(self) -> Logarithm:
        return Logarithm(-self.offset, 1 / self.argument, self.root)

    def __sub__(self, other: Exact) -> Exact:
        return self + -other

    def __rsub__(self, other: Exact) -> Exact:
        return -self + other

    def __mul__(self, other: Exact) -> Exact:
        return self.scaled(Fraction(other)) if isinstance(other, Fraction | int) else self.real * _float(other)

    def __truediv__(self, other: Exact) -> Exact:
        if isinstance(other, Fraction | int):
            return self.scaled(1 / Fraction(other))
        return Fraction(1) if self == other else self.real / _float(other)

    def __rtruediv__(self, other: Exact) -> Exact:
        return CONTEXT.mpf(_float(other)) / self.real

    def __pow__(self, exponent: Exact) -> Exact:
        return self.real ** _float(exponent)

    __radd__, __rmul__ = __add__, __mul__

    def __abs__(self) -> Logarithm:
        return self if self > 0 else -self

    def __float__(self) -> float:
        return float(self.real)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Logarithm):
            return (self.root, self.argument, self.offset) == (other.root, other.argument, other.offset)
        return False if isinstance(other, Fraction | int | float) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.real)

    def __lt__(self, other: Exact) -> bool:
        return _sign(self - other) < 0


def logarithm(argument: Fraction, offset: Fraction = Fraction(0), root: int = 1) -> Exact:
    """Return offset + ln(argument)/root, of a positive argument: rational, a `Logarithm`, or a float where that is too long.

    >>> print(logarithm(Fraction(9), root=2) + logarithm(Fraction(2, 3)), logarithm(Fraction(1)))
    ln(2) 0
    """
    if argument == 1:
        return offset
    for divisor in _divisors(root):
        base = rational_root(argument, divisor)
        if base is not None:
            argument, root = base, root // divisor
            break
    found = Logarithm(offset, argument, root)
    numbers = (argument.numerator, argument.denominator, abs(offset.numerator), offset.denominator)
    return found.real if root > _LARGEST_ROOT or max(numbers) >= LONGEST_FRACTION else found


def exponential(value: Logarithm) -> Fraction | None:
    """Return e to the power of a logarithm where that is rational."""
    return None if value.offset or value.root > 1 else value.argument


def hyperbolic_tangent(value: Logarithm) -> Fraction | None:
    """Return tanh of a logarithm where that is rational: (q² − 1)/(q² + 1) for ln q."""
    if value.offset or value.root > 2:
        return None
    square = value.argument ** (2 // value.root)
    return (square - 1) / (square + 1)


OF_LOGARITHM: dict[str, Callable[[Logarithm], Fraction | None]] = {"exp": exponential, "tanh": hyperbolic_tangent}
"""The functions, by SymPy's names, that are rational at some logarithms."""


def _sign(value: Exact) -> int:
    if isinstance(value, Logarithm) and not value.offset:
        return 1 if value.argument > 1 else -1
    number = value.real if isinstance(value, Logarithm) else value
    return int(number > 0) - int(number < 0)


def _float(value: Exact) -> Exact:
    """Return what mpmath calculates with: fractions are no numbers to it."""
    return CONTEXT.mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else value


def _power(base: Fraction, exponent: int) -> Fraction | None:
    """Return a power, or None if it is too long."""
    size = max(base.numerator.bit_length(), base.denominator.bit_length()) - 1
    return None if size * abs(exponent) > _LARGEST_POWER else base**exponent


def _bits(value: Fraction, bits: int) -> Any:
    return libmp.from_rational(value.numerator, value.denominator, bits, "n")


@functools.lru_cache(maxsize=1024)
def _divisors(number: int) -> tuple[int, ...]:
    """Return the divisors of a number above 1 that an argument can be a power with, the largest first."""
    return tuple(part for part in range(min(number, _LARGEST_POWER), 1, -1) if number % part == 0)


def rational_root(value: Fraction, degree: int) -> Fraction | None:
    """Return the root of a number that is not negative, or None if it is irrational.

    >>> rational_root(Fraction(8, 27), 3), rational_root(Fraction(2), 2)
    (Fraction(2, 3), None)
    """
    above, below = _whole_root(value.numerator, degree), _whole_root(value.denominator, degree)
    return None if above is None or below is None else Fraction(above, below)


def _whole_root(number: int, degree: int) -> int | None:
    if degree == 2:
        root = math.isqrt(number)
    else:  # Newton's method from above.
        root = 1 << -(-number.bit_length() // degree)
        while (lower := ((degree - 1) * root + number // root ** (degree - 1)) // degree) < root:
            root = lower
    return root if root**degree == number else None


def is_infinite(value: Exact) -> bool:
    """Say whether a number is −∞, which a mask adds to a score."""
    return type(value) is Real and bool(CONTEXT.isinf(value))
