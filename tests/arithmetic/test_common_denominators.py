"""Long sums of products in whole numbers are those of the numbers one by one."""

from __future__ import annotations

import functools
import random
from fractions import Fraction

import pytest

from symbackprop.arithmetic import exact
from symbackprop.arithmetic.common_denominators import Column, addends
from symbackprop.arithmetic.perturbed_rationals import PerturbedRational
from symbackprop.arithmetic.real_numbers import CONTEXT, Exact, Logarithm, logarithm
from tests.helpers import each

KINDS = {
    "decimals": lambda draw: Fraction(draw.randint(-(10**17), 10**17), 10**17),
    "fractions": lambda draw: Fraction(draw.randint(-30, 30), draw.randint(1, 30)),
    "long": lambda draw: Fraction(draw.randint(1, 10**59), draw.randint(1, 10**59)),
    "longer": lambda draw: Fraction(draw.randint(-9, 9)) ** draw.randint(1, 2000),
    "floats": lambda draw: CONTEXT.sqrt(draw.randint(2, 99)) * draw.choice((-1, 1)),
    "silent": lambda draw: draw.choice((Fraction(0), CONTEXT.exp(draw.randint(-50, 50)))),
    "zeros": lambda draw: draw.choice((Fraction(0), CONTEXT.zero)),
    "saturated": lambda draw: draw.choice((Fraction(1), Fraction(0), CONTEXT.exp(-draw.randint(200, 900)))),
    "tiny": lambda draw: CONTEXT.exp(-draw.randint(1, 10**6)),
    "perturbed": lambda draw: PerturbedRational(Fraction(1), CONTEXT.exp(-draw.randint(200, 900))),
    "logarithms": lambda draw: logarithm(Fraction(draw.randint(2, 99))),
    "masked": lambda draw: draw.choice((CONTEXT.ninf, Fraction(1))),
}
"""Numbers as they stand in a derivation, drawn."""


def total(numbers: list[Exact]) -> Exact:
    """Return the sum of numbers, one after the other."""
    return functools.reduce(exact.add, numbers)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", ["decimals", "floats", "silent", "masked"])
def test_sums_are_those_of_the_numbers_one_by_one(kind: str, other: str) -> None:
    """Sums of fractions are the same fraction; with floats they agree to 45 digits of the largest of what is added."""
    draw = random.Random(f"{kind} {other}")
    for _ in range(4):
        left, right = ([KINDS[name](draw) for _ in range(24)] for name in (kind, other))
        products = list(map(exact.multiply, left, right))
        found, expected = total(addends(Column(left), Column(right))), total(products)
        if all(type(product) is Fraction for product in products):
            assert (type(found), found) == (type(expected), expected)
        elif not CONTEXT.isfinite(exact.to_real(expected)):
            assert exact.to_real(found) == exact.to_real(expected) or not CONTEXT.isfinite(exact.to_real(found))
        else:
            largest = max(abs(exact.to_real(product)) for product in products)
            assert abs(exact.to_real(found) - exact.to_real(expected)) <= largest / 10**45


@pytest.mark.parametrize("kind", ["perturbed", "logarithms", "saturated", "masked"])
def test_numbers_with_more_than_digits_are_added_one_by_one(kind: str) -> None:
    """What a float of 50 digits does not hold is not put into whole numbers: 1 − 5·10⁻⁴³⁵ keeps what it lacks to 1."""
    draw = random.Random(kind)
    left = [KINDS[kind](draw) for _ in range(24)]
    assert any(type(value) in (PerturbedRational, Logarithm) or not value.real or value == 1 for value in left)
    ones = [Fraction(1)] * len(left)
    found = addends(Column(left), Column(ones))
    for value, own in each(zip(found, left, strict=True)):
        assert value == own


def test_many_numbers_are_one_whole_number() -> None:
    """Decimals and floats become one sum, of which there is one rounding."""
    decimals, floats = [Fraction(n, 1000) for n in range(1, 40)], [CONTEXT.sqrt(n) for n in range(1, 40)]
    assert [Fraction(41, 2000) * 39 * 20] != addends(Column(decimals), Column(decimals))
    assert 1 == len(addends(Column(decimals), Column(decimals))) == len(addends(Column(decimals), Column(floats)))
    (found,) = addends(Column(decimals), Column(floats))
    with CONTEXT.workdps(90):
        exactly = CONTEXT.fsum(exact.to_real(p) * q for p, q in zip(decimals, floats, strict=True))
    assert found == +exactly
