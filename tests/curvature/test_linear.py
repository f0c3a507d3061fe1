"""Small systems and eigenvalues: exact where the entries are."""

from __future__ import annotations

from fractions import Fraction

from symbackprop.curvature import linear_systems


def test_eigenvalues_are_exact_where_they_are_rational() -> None:
    """Rational eigenvalues of rational matrices are fractions, however often they occur; the others have 50 digits."""
    third = Fraction(1, 3)
    assert (third, third, Fraction(2)) == linear_systems.eigenvalues(
        ((third, 0, 0), (0, Fraction(2), 0), (0, 0, third))
    )
    low, high = linear_systems.eigenvalues(((Fraction(1), Fraction(1)), (Fraction(1), Fraction(2))))
    assert abs(low + high - 3) < 1e-48
    assert abs(low * high - 1) < 1e-48
    assert not isinstance(low, Fraction)


def test_solution_of_a_singular_system_is_none() -> None:
    """The rank tells how far elimination came."""
    one, two = Fraction(1), Fraction(2)
    assert (None, 1) == linear_systems.solve(((one, two), (two, 2 * two)), (one, one))
    assert ((one, one), 2) == linear_systems.solve(((0 * one, two), (one, one)), (two, two))


def test_system_of_floats_stays_in_floats() -> None:
    """A rough search runs on float64: no zero on the way makes a 50-digit float of the rest."""
    matrix = ((2.0, 0.0), (0.0, 4.0))
    step, _ = linear_systems.solve(matrix, tuple(-linear_systems.dot(row, (0.0, 1.0)) for row in matrix))
    assert step is not None
    assert [float, float] == [type(change) for change in step]
    assert (0.0, -1.0) == step
