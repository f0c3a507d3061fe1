"""Fields of a frozen dataclass that are worked out when they are first read."""

from __future__ import annotations

from dataclasses import dataclass

from symbackprop.derivation.lazy_fields import on_demand


@dataclass(frozen=True)
class Square:
    """A side, and its area."""

    side: int
    made: list[int]
    area: int = on_demand(lambda square: square.made.append(square.side) or square.side**2)


def test_field_is_worked_out_once_when_it_is_first_read() -> None:
    """Nothing is computed by the constructor, and nothing twice."""
    made: list[int] = []
    square = Square(3, made)
    assert [] == made
    assert (9, 9) == (square.area, square.area)
    assert [3] == made


def test_field_that_is_given_is_not_worked_out() -> None:
    """What the constructor was given stands."""
    made: list[int] = []
    assert 10 == Square(3, made, 10).area
    assert [] == made
