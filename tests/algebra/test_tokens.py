"""Texts cut into tokens: the signs of books mean in every reader what they mean on paper."""

from __future__ import annotations

from fractions import Fraction

import pytest

import symbackprop as sbp
from symbackprop.algebra import expressions, functions, tokens
from symbackprop.algebra.formula import Node
from symbackprop.by_hand.answer_normalization import named, plain
from symbackprop.errors import ExpressionError
from tests.helpers import each

WRITTEN = {
    "x²": "x**2",
    "x²³": "x**23",
    "x⁻²": "x**(-2)",
    "x ² + 1": "x**2 + 1",
    "(x + 1)²": "(x + 1)**2",
    "½*x": "1/2*x",
    "½": "1/2",
    "1½*x": "3/2*x",
    "½²": "(1/2)**2",
    "2·x": "2*x",
    "2×x": "2*x",
    "x − 1": "x - 1",
    "x ÷ 2": "x/2",
    "√x": "sqrt(x)",
    "√2*x": "sqrt(2)*x",
    "√(x + 1)": "sqrt(x + 1)",
    "π*x": "pi*x",
    "x＋1": "x+1",
}


def read(text: str) -> Node:
    """Return the formula of a text in x."""
    return expressions.parse(text, functions=functions.ARITIES, names=("x",), arities=functions.ARITIES)


@pytest.mark.parametrize("text", WRITTEN)
def test_sign_of_a_book_is_an_operator(text: str) -> None:
    """It is never part of a name: the formula is that of the same text in signs of a keyboard."""
    assert read(WRITTEN[text]) == read(text)
    first, second = sbp.differentiate(WRITTEN[text], "x"), sbp.differentiate(text, "x")
    assert first.expression == second.expression


@pytest.mark.parametrize("text", WRITTEN)
def test_sign_of_a_book_means_what_it_means_to_students(text: str) -> None:
    """What a student may type is read alike in a problem file, in an equation and in `differentiate`."""
    typed = named(plain(text), ("x",), functions.NAMES).text
    at = {"x": Fraction(3)}
    expected = sbp.differentiate(typed, "x").expression.subs("x", at["x"])
    assert expected.equals(sbp.differentiate(text, "x").expression.subs("x", at["x"]))


def test_signs_of_books_are_read_in_problem_files() -> None:
    """Numbers, equations, losses and activations of one's own have them too."""
    graph = {"parameters": {"w": "1½"}, "equations": ["L = (w² − ½)²·3"], "output": "L"}
    assert (Fraction(147, 16),) == sbp.solve({"graph": graph}).losses
    layers = [{"units": 1, "activation": {"expression": "½·z²", "name": "q"}, "bias": "none"}]
    network = {"inputs": 1, "layers": layers, "loss": {"expression": "sum((a − y)²)"}}
    numbers = {"parameters": {"W1": [["√4"]]}, "data": {"x": [1], "y": [1]}}
    assert (1.0,) == sbp.solve({"network": network, **numbers}).losses


@pytest.mark.parametrize(("text", "character"), [("x₁", "₁"), ("x′", "′"), ("x + ∑", "∑"), ("x$", "$"), ("²x", "")])
def test_other_sign_is_an_error_at_its_place(text: str, character: str) -> None:
    """What means nothing is named, with a caret below it."""
    with pytest.raises(ExpressionError) as caught:
        sbp.differentiate(text, "x")
    assert character in str(caught.value)
    *_, line, caret = str(caught.value).splitlines()[:3]
    assert line.strip() == text
    assert caret.index("^") - 2 == text.index(character)


def test_names_are_identifiers() -> None:
    """A name is as long as Python lets it be: Greek letters and digits are in it, raised digits are not."""
    for text, expected in each({"θ_1*x2": {"θ_1", "x2"}, "x²+y₂": {"x", "y"}, "½": set()}.items()):
        assert expected == tokens.words(text)
