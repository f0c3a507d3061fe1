"""What may be differentiated, and how a derivative is written down."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy

from symbackprop.algebra.differentiation.conversion import to_formula, to_name
from symbackprop.algebra.differentiation.tidying import collected, over, plus, raised, times
from symbackprop.algebra.formula import Name, Negative, Number, Power, Product, Quotient, Sum, flat
from symbackprop.arithmetic import exact
from symbackprop.errors import SymbackpropError

X, Y = Name("x"), Name("y")
VALUES = {"x": Fraction(3, 7), "y": Fraction(-2, 5)}


def number(value: int | str) -> Number:
    """Return an exact number."""
    return Number(Fraction(value))


@pytest.mark.parametrize("given", ["x**2 + 1", sympy.Symbol("x") ** 2 + 1, Sum((Power(X, number(2)), number(1)))])
def test_text_tree_and_expression_are_one_formula(given: object) -> None:
    """What is differentiated may come as a text, as a formula or from SymPy: the same terms are found."""
    found = to_formula(given)  # type: ignore[arg-type]
    assert isinstance(found, Sum)
    assert {Power(X, number(2)), number(1)} == set(found.terms)


def test_what_is_no_formula_or_no_name_is_refused() -> None:
    """A text that names nothing is an error of ours, a thing of another kind a TypeError."""
    assert X == to_name("x") == to_name(sympy.Symbol("x"))
    with pytest.raises(SymbackpropError):
        to_name("2*x")
    with pytest.raises(TypeError):
        to_formula(object())  # type: ignore[arg-type]


def test_products_have_their_numbers_in_front() -> None:
    """X · 2 · (3y) is 6xy, a product in a product is one, and a factor 0 is 0."""
    assert (X, Y, number(2)) == flat((X, Product((Y, number(2)))), Product)
    assert Product((number(6), X, Y)) == times(X, number(2), Product((number(3), Y)))
    assert number(0) == times(X, number(0))


def test_sums_and_quotients_are_written_as_by_hand() -> None:
    """Zeros fall away, a negative number is subtracted, the sign of a fraction stands before it, x² falls to 2x's power."""
    assert X == plus(X, number(0))
    assert Sum((X, Negative(number(2)))) == plus(X, number(-2))
    assert Negative(Quotient(number(1), X)) == over(number(-1), X)
    assert X == raised(X, number(2))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("x*3*x", "3*x**2"), ("x + x", "2*x"), ("-(-x)", "x"), ("x/y*y", "x*y/y")],
)
def test_collected_formula_keeps_its_value(text: str, expected: str) -> None:
    """Like factors and like terms are one, signs are in front, and the number is the same everywhere."""
    found = collected(to_formula(text))
    expected_value, actual = (
        exact.evaluate(formula, lambda part: VALUES.get(getattr(part, "name", "")))
        for formula in (to_formula(expected), found)
    )
    assert expected_value == actual
    assert found == collected(found)
