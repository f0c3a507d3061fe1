"""Numbers on paper: rounding agrees with Python's decimals, short cuts with exact arithmetic, a printer with a fresh one."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symbackprop as sbp
from symbackprop.algebra.formula import (
    Adjoint,
    Name,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Stack,
    Sum,
    map_children,
    rewrite,
    walk,
)
from symbackprop.arithmetic import exact
from symbackprop.arithmetic.decimals import rounded, to_fraction
from symbackprop.document.calculation import numerals, verified_lines
from symbackprop.document.calculation.numerals import Style
from symbackprop.document.display_nodes import Delta, Gradient, Leaf
from symbackprop.rendering import layout
from symbackprop.rendering.dialects import tex
from symbackprop.rendering.layout import boxes
from symbackprop.rendering.layout.widths import width
from tests import documents
from tests.helpers import many

decimals = st.builds(
    lambda whole, power: Fraction(whole) * Fraction(10) ** power,
    st.integers(-(10**9), 10**9).filter(bool),
    st.integers(-12, 6),
)
fractions = st.builds(Fraction, st.integers(-(10**12), 10**12).filter(bool), st.integers(1, 10**12))


@settings(max_examples=many(300), deadline=None, derandomize=True)
@given(decimals | fractions, st.integers(1, 18))
def test_rounding_is_that_of_decimals(value: Fraction, digits: int) -> None:
    """A number rounded to significant digits, halves to even, is what the standard library makes of it."""
    context = Context(prec=digits, rounding=ROUND_HALF_EVEN)
    expected = context.divide(Decimal(value.numerator), Decimal(value.denominator))
    assert rounded(value, digits) == Fraction(expected)
    shown = numerals.show(value, Style(digits))
    text = Decimal(shown.numeral.text).scaleb(shown.numeral.exponent)
    assert Fraction(text) == shown.value == (value if shown.exact else Fraction(expected))


formulas = st.recursive(
    st.builds(Leaf, decimals)
    | st.builds(Number, st.builds(Fraction, st.integers(1, 9), st.sampled_from([1, 2, 4, 5]))),
    lambda parts: (
        st.builds(Sum, st.lists(parts, min_size=2, max_size=3).map(tuple))
        | st.builds(Product, st.lists(parts, min_size=2, max_size=3).map(tuple))
        | st.builds(Negative, parts)
        | st.builds(Power, parts, st.just(Number(Fraction(2))))
    ),
    max_leaves=6,
)


@settings(max_examples=many(200), deadline=None, derandomize=True)
@given(formulas, st.integers(0, 4))
def test_whole_numbers_give_the_exact_value_of_a_printed_line(formula: Node, guard: int) -> None:
    """Where a line is added up in whole numbers, the value is the one that exact arithmetic finds in the print."""
    style = Style(4)
    paper = verified_lines._Paper(style)
    found = paper.scaled(formula, guard)
    assert found is not None
    whole, power = found
    printed = rewrite(
        formula, lambda part: numerals.show(part.value, style, guard=guard) if isinstance(part, Leaf) else None
    )
    assert Fraction(whole) * Fraction(10) ** power == to_fraction(verified_lines.printed_value(printed))
    assert to_fraction(paper.value(formula, guard)) == to_fraction(verified_lines.printed_value(printed))


@settings(max_examples=many(200), deadline=None, derandomize=True)
@given(fractions)
def test_magnitude_is_the_place_of_the_first_digit(value: Fraction) -> None:
    """10^magnitude ≤ |value| < 10^(magnitude + 1)."""
    power = exact.magnitude(value)
    assert Fraction(10) ** power <= abs(value) < Fraction(10) ** (power + 1)


@pytest.mark.parametrize("naming", ["layered", "flat", "elementwise"])
@pytest.mark.parametrize("sign", ["gradient", "negative"])
def test_a_layout_spells_a_name_the_same_every_time(naming: str, sign: str) -> None:
    """What a layout remembers is what a new one has, inline or not, inside a sum over samples or not."""
    problem = sbp.example("xor")
    notation = replace(problem.notation, naming=naming, delta_sign=sign)
    solution = sbp.solve(replace(problem, notation=notation), steps=1)
    used = layout.of(solution.notation)
    names = [name for name in solution.derivation.links if name != solution.derivation.graph.output]
    nodes: list[Node] = [kind(name) for name in names for kind in (Name, Adjoint, Gradient)]
    nodes += [Delta(name) for name in names if used.notation.delta(name) is not None]
    for _ in range(2):
        for place in (used, used.inlined, used.summed_over("n"), used.inlined.summed_over("n")):
            alone = [replace(place, names={}, others={}).box(node) for node in nodes]
            assert list(map(tex.write, alone)) == [tex.write(place.box(node)) for node in nodes]
    assert used.names


def test_width_does_not_depend_on_the_digits() -> None:
    """All digits are of one width."""

    def logistic(above: str, below: str, exponent: str) -> boxes.Box:
        power = boxes.Scripts(boxes.Symbol("e"), None, boxes.Number(exponent))
        return boxes.Fraction(boxes.Number(above), (boxes.Number(below), boxes.PLUS, power))

    sizes = [width(logistic(*each)) for each in (("1", "1", "-0.3775"), ("2", "3", "-9.8046"), ("1", "1", "-0.37"))]
    assert sizes[0] == sizes[1] > sizes[2]


def test_matrix_of_fractions_has_space_between_its_rows() -> None:
    """Fractions one below the other stand apart."""
    notation = sbp.solve(sbp.example("line")).notation
    third, one = Number(Fraction(1, 3)), Number(Fraction(1))
    apart, plain = documents.printed(notation, Stack((third, one)), Stack((one, one)))
    assert apart == r"\begin{bmatrix} \frac{1}{3} \\[4pt] 1 \end{bmatrix}"
    assert plain == r"\begin{bmatrix} 1 \\ 1 \end{bmatrix}"


def test_walk_goes_outermost_first_in_reading_order() -> None:
    """A formula is walked in the order in which it is read, and rewritten without touching what stays."""
    x, y = Name("x"), Name("y")
    formula = Sum((Product((x, Negative(y))), y))
    assert list(walk(formula)) == [formula, formula.terms[0], x, Negative(y), y, y]
    assert map_children(formula, lambda child: child) is formula
    assert rewrite(formula, lambda part: x if part == y else None) == Sum((Product((x, Negative(x))), x))
