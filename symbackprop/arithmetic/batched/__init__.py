"""Numbers of many problems at once, one for each: what `Fraction` and 50-digit floats are for a single one.

A column is exact while its numbers are decimals of up to 17 digits: then it holds them as whole numbers of a power of ten.
What is not exact is float64 with a bound of its error, so that a reader of its digits knows where they are not certain. The
problems must not differ in more than digits: where a comparison comes out differently for some of them, `Split` is raised or
these are set aside, and so are problems whose numbers a column cannot hold (`Ledger.doubtful`).
"""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NoReturn

import numpy

from symbackprop.algebra import functions
from symbackprop.arithmetic.exact import Exact, Many, apply

Array = Any

MOST_DIGITS = 17
ULP = 2.3e-16
_NOISE = 1e-9
"""A sum of floats that is so much smaller than its terms may be 0."""


class Unsuitable(Exception):
    """Columns cannot stand for these problems."""


class Split(Exception):
    """A comparison that comes out differently: `holds` says for which of the problems it does."""

    def __init__(self, holds: Array) -> None:
        super().__init__()
        self.holds = holds


class Ledger:
    """What is known of a number of problems: which of them columns cannot speak for (`doubtful`).

    `splits` says that comparisons without one outcome raise `Split`; else the fewer problems are set aside.
    """

    def __init__(self, count: int, *, splits: bool = False) -> None:
        self.count, self.splits = count, splits
        self.doubtful: Array = numpy.zeros(count, dtype=bool)
        self.marks: list[tuple[Column | None, Any]] = []
        self._name = f"mark{secrets.token_hex(8)}"

    def doubt(self, which: Array | Sequence[bool]) -> None:
        """Set problems aside."""
        self.doubtful |= numpy.asarray(which, dtype=bool)

    def mark(self, column: Column | None, request: Any) -> str:
        """Return a text that stands for numbers in a document, or for one of each problem's own texts (`request`).

        It is made of letters and digits that no one can know beforehand: what escapes text leaves it as it is.
        """
        self.marks.append((column, request))
        return f"{self._name}x{len(self.marks) - 1}x"

    @property
    def pattern(self) -> re.Pattern[str]:
        """What finds the marks in a document; their number is its group."""
        return re.compile(f"{self._name}x(\\d+)x")

    def is_marked(self, text: str) -> bool:
        """Say whether there is something in a text that was a mark, in capitals perhaps."""
        return self._name in text.lower()

    def decide(self, holds: Array) -> bool:
        """Return the outcome of a comparison for all problems that are not set aside."""
        known = holds[~self.doubtful]
        if known.all() or not known.any():
            return bool(known.size) and bool(known[0])
        if self.splits:
            raise Split(holds)
        outcome = bool(2 * known.sum() >= known.size)
        self.doubt(holds != outcome)
        return outcome


class Column(Many):
    """A number for each problem of a ledger: `values` with bounds of their `errors`; exact ones as `whole` · 10^−`places`.

    `written` are the texts that the problems state given numbers in. `decimals` is known of printed numbers, and of what
    is added and multiplied of them: as many decimals as they have, they are whole.
    """

    __slots__ = ("decimals", "errors", "in_fractions", "ledger", "places", "values", "whole", "written")

    def __init__(
        self, ledger: Ledger, values: Array, errors: Array, whole: Array | None = None, places: int = 0
    ) -> None:
        self.ledger, self.values, self.errors, self.whole, self.places = ledger, values, errors, whole, places
        self.decimals: Array | None = None if whole is None else numpy.full(ledger.count, places)
        self.written: Sequence[str] = ()
        self.in_fractions = False

    @classmethod
    def exact(cls, ledger: Ledger, whole: Array, places: int) -> Column:
        """Return the column of whole · 10^−places, without zeros at all ends."""
        while places and not (whole % 10).any():
            whole, places = whole // 10, places - 1
        values = whole / 10.0**places
        return cls(ledger, values, abs(values) * ULP, whole, places)

    @classmethod
    def of(cls, ledger: Ledger, numbers: Sequence[Exact], written: Sequence[str], *, in_fractions: bool) -> Column:
        """Return given numbers as a column; those that are no short decimals are set aside."""
        places = max((_places(number) or 0 for number in numbers), default=0)
        scaled = [_scaled(number, places) for number in numbers]
        ledger.doubt([number is None for number in scaled])
        found = cls.exact(ledger, numpy.array([number or 0 for number in scaled], dtype=numpy.int64), places)
        found.written, found.in_fractions = written, in_fractions
        return found

    @classmethod
    def constant(cls, ledger: Ledger, number: Exact, written: str) -> Column:
        """Return a column of one number for all problems, in the text that states it."""
        found = cls(ledger, numpy.zeros(ledger.count), numpy.zeros(ledger.count)).alike(number)
        found.written = [written] * ledger.count
        return found

    @classmethod
    def printed(cls, ledger: Ledger, values: Array, decimals: Array | None) -> Column:
        """Return the column of numbers as they are printed: decimals, as near as float64 has them."""
        found = cls(ledger, values, abs(values) * ULP)
        found.decimals = decimals
        return found

    def part(self, ledger: Ledger, which: Array) -> Column:
        """Return the numbers of some of the problems, which have a ledger of their own."""
        whole = None if self.whole is None else self.whole[which]
        found = Column(ledger, self.values[which], self.errors[which], whole, self.places)
        if self.written:
            found.written = [self.written[place] for place in which.tolist()]
        return found

    def alike(self, number: Exact) -> Column:
        """Return a column with the same number for every problem."""
        if isinstance(number, Column):
            return number
        places = _places(number)
        scaled = None if places is None else _scaled(number, places)
        if scaled is not None and places is not None:
            return Column.exact(self.ledger, numpy.full(self.ledger.count, scaled, dtype=numpy.int64), places)
        if isinstance(number, Fraction):
            raise Unsuitable
        values = numpy.full(self.ledger.count, float(number))
        return Column(self.ledger, values, abs(values) * ULP)

    def _float(self, values: Array, errors: Array, decimals: Array | None = None) -> Column:
        self.ledger.doubt(~numpy.isfinite(values) | ~numpy.isfinite(errors))
        found = Column(self.ledger, values, errors + abs(values) * ULP)
        found.decimals = decimals
        return found

    def _within(self, values: Array, places: int) -> Array:
        """Say for which problems a value has whole numbers of that many places that 64 bits hold; set the others aside."""
        fits = abs(values) < 10.0 ** (MOST_DIGITS - places)
        self.ledger.doubt(~fits)
        return fits

    @property
    def is_exact(self) -> bool:
        """Whether the numbers are known exactly."""
        return self.whole is not None

    def mark(self, request: Any) -> str:
        """Return a text that stands for these numbers in a document; the ledger keeps what was asked for."""
        return self.ledger.mark(self, request)

    def _held(self, fits: Array) -> Array:
        """Return the whole numbers, 0 where they do not fit."""
        return numpy.where(fits, numpy.asarray(self.whole), 0)

    # Arithmetic

    def __add__(self, other: Exact) -> Column:
        right = self.alike(other)
        values = self.values + right.values
        if self.whole is None or right.whole is None:
            decimals = _of_both(numpy.maximum, self.decimals, right.decimals)
            return self._float(values, self.errors + right.errors, decimals)
        places = max(self.places, right.places)
        if places > MOST_DIGITS:
            raise Unsuitable
        fits = self._within(self.values, places) & self._within(right.values, places)
        left, added = (each._held(fits) * 10 ** (places - each.places) for each in (self, right))
        return Column.exact(self.ledger, left + added, places)

    __radd__ = __add__

    def __neg__(self) -> Column:
        whole = None if self.whole is None else -self.whole
        found = Column(self.ledger, -self.values, self.errors, whole, self.places)
        found.decimals = self.decimals
        return found

    def __sub__(self, other: Exact) -> Column:
        return self.__add__(-other)

    def __rsub__(self, other: Exact) -> Column:
        return (-self).__add__(other)

    def __mul__(self, other: Exact) -> Column:
        right = self.alike(other)
        values = self.values * right.values
        if self.whole is not None and right.whole is not None:
            places = self.places + right.places
            if places > MOST_DIGITS:
                raise Unsuitable
            fits = self._within(values, places)
            return Column.exact(self.ledger, self._held(fits) * right._held(fits), places)
        for each in (self, right):
            if each.whole is not None and not each.whole.any():
                return each  # an exact zero stays exactly zero
        self.ledger.doubt((self.values == 0) | (right.values == 0))
        errors = abs(self.values) * right.errors + abs(right.values) * self.errors + self.errors * right.errors
        return self._float(values, errors, _of_both(numpy.add, self.decimals, right.decimals))

    __rmul__ = __mul__

    def __truediv__(self, other: Exact) -> Column:
        right = self.alike(other)
        self.ledger.doubt(right.values == 0)
        if self.whole is not None and right.whole is not None:
            reciprocal = _reciprocal(right)
            return self * reciprocal
        if self.whole is not None:
            if not self.whole.any():
                return self
            self.ledger.doubt(self.whole == 0)
        with numpy.errstate(all="ignore"):
            values = self.values / right.values
            errors = (self.errors + abs(values) * right.errors) / (abs(right.values) - right.errors)
        return self._float(values, abs(errors))

    def __rtruediv__(self, other: Exact) -> Column:
        return self.alike(other) / self

    def __pow__(self, exponent: Exact) -> Column:
        if not isinstance(exponent, Fraction) or exponent.denominator != 1 or exponent.numerator not in (1, 2, 3, 4):
            raise Unsuitable
        found = self
        for _ in range(exponent.numerator - 1):
            found = found * self
        return found

    def __abs__(self) -> Column:
        whole = None if self.whole is None else abs(self.whole)
        return Column(self.ledger, abs(self.values), self.errors, whole, self.places)

    # Comparisons

    def __eq__(self, other: object) -> bool:
        return self is other if isinstance(other, Column) else self.ledger.decide(self.values == _float_of(other))

    __hash__ = object.__hash__

    def __lt__(self, other: Exact) -> bool:
        return self._compared(other, numpy.less)

    def __le__(self, other: Exact) -> bool:
        return self._compared(other, numpy.less_equal)

    def __gt__(self, other: Exact) -> bool:
        return self._compared(other, numpy.greater)

    def __ge__(self, other: Exact) -> bool:
        return self._compared(other, numpy.greater_equal)

    def _compared(self, other: Exact, relation: Callable[[Array, Array], Array]) -> bool:
        right, errors = (other.values, other.errors) if isinstance(other, Column) else (float(other), 0.0)
        if self.whole is None or (isinstance(other, Column) and other.whole is None):
            self.ledger.doubt(abs(self.values - right) <= self.errors + errors)
        return self.ledger.decide(relation(self.values, right))

    def __bool__(self) -> NoReturn:
        raise TypeError("a column has no truth value of its own")

    # Functions

    def applied(self, function: str, arguments: Sequence[Exact], at_kink: Fraction) -> Exact:
        """Return the values of a primitive function, one argument of which is this column; kinks are set aside."""
        columns = [self.alike(argument) for argument in arguments]
        if function == "abs":
            return self._chosen(abs(self), 0)
        if function == "step":
            (column,) = columns
            self._chosen(column, 0)
            return Column.exact(self.ledger, (column.values > 0).astype(numpy.int64), 0)
        if function in ("max", "min"):
            choose = numpy.maximum if function == "max" else numpy.minimum
            left, right = columns
            difference = self._chosen(left - right, 0)
            if left.whole is not None and right.whole is not None:
                above = Column.exact(self.ledger, choose(numpy.asarray(difference.whole), 0), difference.places)
                return above + right
            if left.whole is not None or right.whole is not None:
                # Exact for some problems and a float for others.
                return left if self.ledger.decide(difference.values > 0) is (function == "max") else right
            return Column(self.ledger, choose(left.values, right.values), numpy.maximum(left.errors, right.errors))
        return columns[0]._primitive(functions.PRIMITIVES[function])

    def _chosen(self, column: Column, point: float) -> Column:
        """Return a column; the problems in which it is at a point, or may be, are set aside."""
        near = abs(column.values - point) <= (column.errors if column.whole is None else 0)
        self.ledger.doubt(near)
        return column

    def _primitive(self, row: functions.Primitive) -> Exact:
        if self.whole is not None and (self.whole == self.whole[0]).all():
            return self.alike(apply(row.name, (Fraction(int(self.whole[0]), 10**self.places),)))
        for point in row.exact:
            self._chosen(self, float(point))
        own = getattr(numpy, row.sympy, None)
        function = numpy.vectorize(getattr(math, row.sympy), otypes=[float]) if own is None else own
        with numpy.errstate(all="ignore"):
            low, values, high = (function(self.values + side * self.errors) for side in (-1, 0, 1))
            errors = abs(high - low) + 4 * ULP * abs(values)
        self.ledger.doubt(~numpy.isfinite(errors))
        return self._float(values, errors)

    def unless_noise(self, terms: Sequence[Exact]) -> Column:
        """Return this sum of terms; problems in which it may be 0 beside them are set aside."""
        if self.whole is None:
            largest = numpy.max([abs(self.alike(term).values) for term in terms], axis=0)
            self.ledger.doubt(abs(self.values) <= largest * _NOISE)
        return self


def _of_both(join: Callable[[Array, Array], Array], left: Array | None, right: Array | None) -> Array | None:
    return None if left is None or right is None else join(left, right)


def _float_of(number: object) -> float:
    return float(number)  # type: ignore[arg-type]


def _places(number: Exact) -> int | None:
    """Return how many decimals a number has, None if they do not end or it is no fraction."""
    if not isinstance(number, Fraction | int):
        return None
    denominator, twos, fives = number.denominator, 0, 0
    while denominator % 2 == 0:
        denominator, twos = denominator // 2, twos + 1
    while denominator % 5 == 0:
        denominator, fives = denominator // 5, fives + 1
    return max(twos, fives) if denominator == 1 else None


def _scaled(number: Exact, places: int) -> int | None:
    """Return number · 10^places where that is whole and short."""
    if _places(number) is None or places > MOST_DIGITS:
        return None
    scaled = number * 10**places
    return int(scaled) if abs(scaled) < 10**MOST_DIGITS else None


def _reciprocal(column: Column) -> Column:
    """Return one over a column of one number over and over, whose decimals have to end."""
    assert column.whole is not None
    first = int(column.whole[0])
    if not first or (column.whole != first).any():
        raise Unsuitable
    return column.alike(Fraction(10**column.places, first))
