"""Small linear systems and eigenvalues in exact numbers: fractions where the entries are, otherwise 50 digits."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from fractions import Fraction

from symbackprop.arithmetic import decimals, exact
from symbackprop.evaluation.arithmetics import Value

Row = tuple[Value, ...]
Matrix = tuple[Row, ...]

_NEARLY_ZERO = 1e-35
"""A 50-digit pivot smaller than this, relative to the largest entry of the matrix, counts as zero."""
_LARGEST_DENOMINATOR = 10**12


def dot(left: Sequence[Value], right: Sequence[Value]) -> Value:
    """Return the scalar product."""
    return functools.reduce(exact.add, map(exact.multiply, left, right))


def floats(matrix: Matrix) -> tuple[tuple[float, ...], ...]:
    """Return the entries in float64."""
    return tuple(tuple(map(float, row)) for row in matrix)


def solve(matrix: Matrix, right: Row) -> tuple[Row | None, int]:
    """Return the solution of `matrix · p = right` (None where the matrix is singular) and the rank of the matrix.

    Gauss–Jordan elimination with the largest pivot of each column (Golub and Van Loan, Matrix Computations, 2013,
    section 3.4); exact where all entries are fractions.

    >>> solve(((Fraction(2), Fraction(1)), (Fraction(1), Fraction(3))), (Fraction(3), Fraction(4)))
    ((Fraction(1, 1), Fraction(1, 1)), 2)
    """
    size = len(right)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    rational = all(isinstance(entry, Fraction) for row in matrix for entry in row)
    tolerance = 0.0 if rational else _NEARLY_ZERO * largest(matrix)
    rank = 0
    for column in range(size):
        best = max(range(rank, size), key=lambda row: abs(float(rows[row][column])), default=size)
        if best == size or abs(rows[best][column]) <= tolerance:
            continue
        rows[rank], rows[best] = rows[best], rows[rank]
        pivot = rows[rank][column]
        rows[rank] = [exact.divide(entry, pivot) for entry in rows[rank]]
        for row in range(size):
            factor = rows[row][column]
            if row != rank and factor != 0:
                pairs = zip(rows[row], rows[rank], strict=True)
                rows[row] = [exact.add(entry, -exact.multiply(factor, above)) for entry, above in pairs]
        rank += 1
    return (tuple(row[-1] for row in rows) if rank == size else None), rank


def largest(matrix: Matrix) -> float:
    """Return the largest absolute value of the entries in float64."""
    return max((abs(float(entry)) for row in matrix for entry in row), default=0.0)


def eigenvalues(matrix: Matrix) -> Row:
    """Return the eigenvalues of a symmetric matrix, smallest first.

    They are computed at 50 digits (the QR method of mpmath). Where the matrix is rational and a fraction near an eigenvalue
    is one exactly, which elimination proves, it takes its place; otherwise one that is zero within 35 digits becomes zero.

    >>> eigenvalues(((Fraction(2), Fraction(1)), (Fraction(1), Fraction(2))))
    (Fraction(1, 1), Fraction(3, 1))
    """
    context = exact.CONTEXT
    found = context.eigsy(context.matrix([[exact.to_real(entry) for entry in row] for row in matrix]), True)
    ordered = sorted(found)
    if not all(isinstance(entry, Fraction) for row in matrix for entry in row):
        tolerance = _NEARLY_ZERO * largest(matrix)
        return tuple(Fraction(0) if abs(value) <= tolerance else value for value in ordered)
    return tuple(_as_fraction(matrix, value) for value in ordered)


def fraction_near(value: Value) -> Fraction | None:
    """Return a fraction of small denominator that a 50-digit float agrees with, if there is one."""
    number = decimals.to_fraction(exact.CONTEXT.mpf(value))
    guess = number.limit_denominator(_LARGEST_DENOMINATOR)
    return guess if abs(number - guess) <= _NEARLY_ZERO * max(1.0, abs(float(guess))) else None


def _as_fraction(matrix: Matrix, value: Value) -> Value:
    """Return the eigenvalue as a fraction where it is one of small denominator, which elimination proves."""
    guess = fraction_near(value)
    if guess is None:
        return value
    shifted = tuple(
        tuple(entry - guess if row == column else entry for column, entry in enumerate(entries))
        for row, entries in enumerate(matrix)
    )
    singular = solve(shifted, (Fraction(0),) * len(matrix))[1] < len(matrix)
    return guess if singular else value
