"""Columns: many numbers at once are what single ones are, exactly or within the bounds that they state."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop.algebra import expressions, functions
from symbackprop.algebra.formula import Apply, Name, Node
from symbackprop.arithmetic import exact
from symbackprop.arithmetic.batched import Column, Ledger, Split, Unsuitable
from symbackprop.arithmetic.batched.rounding import rounded_to, undecided
from symbackprop.document.calculation.numerals import Style, show, to_fraction

FORMULAS = (
    "x + y*z",
    "(x - y)**2/2 - z",
    "sigmoid(x*y + z)",
    "tanh(x) * (1 - sigmoid(y)**2)",
    "exp(x - y)/(exp(x) + exp(z))",
    "max(x, y) * z",
    "relu(x + y) - z*x",
    "ln(1 + exp(x)) - y*z",
    "abs(x - z) * 0.25",
    "sqrt(x**2 + 1) + y/4",
)
TENTHS = st.integers(-30, 30).map(lambda number: Fraction(number, 10))
ROWS = st.lists(st.tuples(TENTHS, TENTHS, TENTHS), min_size=1, max_size=8)


def _columns(rows: Sequence[tuple[Fraction, ...]], ledger: Ledger) -> dict[str, Column]:
    texts = [""] * len(rows)
    return {
        name: Column.of(ledger, numbers, texts, in_fractions=False)
        for name, numbers in zip("xyz", zip(*rows, strict=True), strict=True)
    }


def _at(formula: Node, numbers: dict[str, Any]) -> Any:
    return exact.evaluate(formula, lambda part: numbers[part.name] if isinstance(part, Name) else None)


def _formula(text: str) -> Node:
    names = ("x", "y", "z")
    return expressions.parse(text, functions=functions.ARITIES, names=names, arities=functions.ARITIES)


@pytest.mark.parametrize("text", FORMULAS)
@settings(deadline=None, derandomize=True)
@given(rows=ROWS)
def test_columns_are_the_numbers_of_each_problem(text: str, rows: list[tuple[Fraction, ...]]) -> None:
    """Every number that is not set aside lies within its bound; an exact column is exact where the number is."""
    ledger, formula = Ledger(len(rows), splits=True), _formula(text)
    try:
        found = _at(formula, _columns(rows, ledger))
    except Split:
        return
    for place, row in enumerate(rows):
        if ledger.doubtful[place]:
            continue
        single = _at(formula, dict(zip("xyz", row, strict=True)))
        if not isinstance(found, Column):
            assert found == single
        elif found.whole is not None:
            assert Fraction(int(found.whole[place]), 10**found.places) == single
        else:
            distance = abs(Fraction(float(found.values[place])) - to_fraction(single))
            assert distance <= Fraction(float(found.errors[place]))


@settings(deadline=None, derandomize=True)
@given(
    numbers=st.lists(st.floats(1e-9, 1e9), min_size=1, max_size=8),
    digits=st.integers(2, 9),
    is_negative=st.booleans(),
)
def test_rounded_columns_are_the_numbers_that_documents_show(
    numbers: list[float], digits: int, is_negative: bool
) -> None:
    """Mantissa, power of ten and their lengths are those of `show`; ties are set aside."""
    values = numpy.array(numbers) * (-1 if is_negative else 1)
    ledger = Ledger(len(numbers))
    found = rounded_to(Column(ledger, values, numpy.zeros(len(values))), digits)
    for place, (value, text) in enumerate(zip(values.tolist(), found.texts(), strict=True)):
        if not ledger.doubtful[place]:
            numeral = show(value, Style(digits)).numeral
            assert (text, found.exponent[place]) == (numeral.text, numeral.exponent)
            before, _, after = numeral.text.removeprefix("-").partition(".")
            assert (found.before[place], found.after[place]) == (len(before), len(after))
    assert ledger.doubtful.sum() <= sum(map(_is_near_tie, numbers, [digits] * len(numbers)))


def _is_near_tie(number: float, digits: int) -> bool:
    mantissa = f"{number:.{digits + 4}e}".partition("e")[0]
    return mantissa[-5:] in ("50000", "49999", "00000") or not 1e-8 < number < 1e8


def test_a_sum_that_vanishes_is_no_small_number() -> None:
    """0.9 − 0.5 − 0.4, as floats or exactly, does not round to a number that is not 0, however small."""
    ledger = Ledger(2)
    digits = numpy.array([5, 5])
    for values in ([0.0, 5e-17], [0.0, 0.0]):
        found = Column.printed(ledger, numpy.array(values), numpy.array([5, 5]))
        target = Column.printed(ledger, numpy.array([-3.9832e-7, 3.0326e-8]), numpy.array([11, 12]))
        differs, unsure = undecided(found, target, digits)
        assert differs.all()
        assert not unsure.any()


def test_what_a_number_rounds_to_is_told_by_its_own_digits() -> None:
    """0.1, to five digits 0.10000, is not 0.099999, which has a digit more behind the point."""
    ledger = Ledger(2)
    found = Column.printed(ledger, numpy.array([0.1, 0.0999986]), numpy.array([5, 7]))
    target = Column.printed(ledger, numpy.array([0.099999, 0.099999]), numpy.array([6, 6]))
    differs, unsure = undecided(found, target, numpy.array([5, 5]))
    assert differs.tolist() == [True, False]
    assert not unsure.any()


def test_an_outcome_that_differs_splits_or_sets_the_fewer_aside() -> None:
    """A comparison has one outcome for all problems of a ledger."""
    numbers = [Fraction(1), Fraction(2), Fraction(-3)]
    strict, lenient = Ledger(3, splits=True), Ledger(3)
    texts = [""] * 3
    with pytest.raises(Split) as raised:
        assert Column.of(strict, numbers, texts, in_fractions=False) > 0
    assert raised.value.holds.tolist() == [True, True, False]
    assert Column.of(lenient, numbers, texts, in_fractions=False) > 0
    assert lenient.doubtful.tolist() == [False, False, True]


def test_what_a_column_cannot_hold_is_set_aside_or_refused() -> None:
    """Numbers whose decimals do not end, numbers that are too long, and kinks."""
    ledger = Ledger(2)
    column = Column.of(ledger, [Fraction(1, 3), Fraction(1, 2)], ["", ""], in_fractions=True)
    assert ledger.doubtful.tolist() == [True, False]
    with pytest.raises(Unsuitable):
        column + Fraction(1, 3)
    ledger = Ledger(2)
    numbers = Column.of(ledger, [Fraction(0), Fraction(2)], ["", ""], in_fractions=False)
    assert isinstance(_at(Apply("step", (Name("x"),)), {"x": numbers}), Column)
    assert ledger.doubtful.tolist() == [True, False]
    ledger = Ledger(2)
    long = Column.of(ledger, [Fraction(10**9 + 1), Fraction(3)], ["", ""], in_fractions=False)
    product = long * long
    assert ledger.doubtful.tolist() == [True, False]
    assert product.values[1] == 9.0
