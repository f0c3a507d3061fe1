"""Answers as students type them: signs of books, word processors and input methods, names as documents print them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symbackprop as sbp
from symbackprop.algebra.forms import abstracted
from symbackprop.algebra.formula import Name
from symbackprop.by_hand.answer_ids import names_of
from symbackprop.by_hand.answer_normalization import AnswerText, plain
from symbackprop.by_hand.answer_parsing import ParsedAnswer, read
from symbackprop.errors import ExpressionError
from symbackprop.evaluation.arithmetics import FLOAT
from symbackprop.homework.assignments import variants
from symbackprop.homework.marks.marking import Marker, MarkVerdict
from symbackprop.problems import load
from tests.helpers import each, many
from tests.homework.term import TERM

NUMBERS = {
    "x_1": 0.5,
    "a1_1": 0.3,
    "a1_2": 0.7,
    "z1_2@3": -1.5,
    "y_1": 1.0,
    "∂z2_1": 0.25,
    "learning_rate": 0.1,
    "w1": 2.0,
}
NAMES = {name: name for name in NUMBERS if name != "∂z2_1"}
NAMES |= {"delta2_1": "∂z2_1", "dL_dz2_1": "∂z2_1", "eta": "learning_rate", "h1": "a1_1"}


def value(parsed: ParsedAnswer) -> float:
    """Return the number of what was read."""
    assert parsed.formula is not None, str(parsed.mistake)
    form, arguments = abstracted(parsed.formula)
    return float(FLOAT.function(form.formula, form.arity)(*[NUMBERS[name] for name in arguments]))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("½", Fraction(1, 2)), ("-½", Fraction(-1, 2)), ("−⅔", Fraction(-2, 3)), ("1⁄3", Fraction(1, 3)),
        ("０．５", Fraction(1, 2)), ("０，５", Fraction(1, 2)), ("0。5", Fraction(1, 2)), ("－１２", Fraction(-12)),
        ("１／３", Fraction(1, 3)), ("1 234,5".replace(" ", "."), Fraction(2469, 2)), ("1,234.5", Fraction(2469, 2)),
        ("5·10⁻³", Fraction(1, 200)), ("5×10^-3", Fraction(1, 200)), ("5 ∙ 10 ^ (−3)", Fraction(1, 200)),
        ("“0.5”", Fraction(1, 2)), ("0.5\u200b", Fraction(1, 2)), ("\ufeff0.5", Fraction(1, 2)), ("0.5.", Fraction(1, 2)),
        ("≃ 0.5", Fraction(1, 2)), ("a₁ = 0.5", Fraction(1, 2)), ("a_1=0,5;", Fraction(1, 2)), ("'0.5", Fraction(1, 2)),
        ("12 592.65", Fraction(1259265, 100)), ("12\u00a0592,65", Fraction(1259265, 100)),
        ("12'592.65", Fraction(1259265, 100)),
        ("12\u202f592,65", Fraction(1259265, 100)), ("12\u2009592.65", Fraction(1259265, 100)),
        ("-1 000 000", Fraction(-1000000)),
        ("12’592.65", Fraction(1259265, 100)), ("1.259265 x 10^4", Fraction(1259265, 100)),
        ("1,5 X 10^-3", Fraction(3, 2000)), ("1.5 10^-3", Fraction(3, 2000)), ("1.5 E-3", Fraction(3, 2000)),
        ("2.1%", Fraction(21, 1000)), ("－２.1 ％", Fraction(-21, 1000)), ("about -0.5", Fraction(-1, 2)),
        ("0.5 (rounded)", Fraction(1, 2)), ("约0.5", Fraction(1, 2)), ("答：−0.5", Fraction(-1, 2)),
        ("大约 0.5", Fraction(1, 2)), ("0.5左右", Fraction(1, 2)), ("ca. 5·10⁻³", Fraction(1, 200)),
        ("Answer = 0.5", Fraction(1, 2)), ("$0.5$", Fraction(1, 2)),
        ("1.5x10**-3", Fraction(3, 2000)), ("[0.5]", Fraction(1, 2)), ("[ 12 592.65 ]", Fraction(1259265, 100)),
        ("a1 = [0,5]".replace(",", "."), Fraction(1, 2)), ("1 1/2", Fraction(3, 2)), ("-2 3/4", Fraction(-11, 4)),
        ("0.5 = 1/2", Fraction(1, 2)), ("a1 = 1/2 = 0.5", Fraction(1, 2)), ("1/3 = 0.333", Fraction(1, 3)),
        ("0,33 ≈ 1/3", Fraction(1, 3)),
        ("۱۲٫۵", Fraction(25, 2)), ("١٢٬٥٩٢٫٦٥", Fraction(1259265, 100)), ("۰.۵", Fraction(1, 2)), ("१२", Fraction(12)),
        ("$0.5$", Fraction(1, 2)), (r"\(0.5\)", Fraction(1, 2)), (r"$5 \times 10^{-3}$", Fraction(1, 200)),
        (r"a_1 = 5 \cdot 10^{-3}", Fraction(1, 200)),
        (r"$a_{1} \approx 0.5$", Fraction(1, 2)),
    ],
)  # fmt: skip
def test_numbers(text: str, number: Fraction) -> None:
    """Full-width digits, fractions of one sign, commas, powers above the line, invisible characters, quotes."""
    assert read(text, ("a1",), {}).number == number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1½", 1.5), ("-1½", -1.5), ("2 ½", 2.5), ("10⁻³", 1e-3), ("√4", 2), ("√(x_1+½)", 1), ("2π", 6.283185307179586),
        ("e^2", 7.38905609893065), ("e⁻¹", 0.36787944117144233), ("１／（１＋１）", 0.5), ("0,5 · 0,3", 0.15), ("3×2", 6),
        ("σ(0)", 0.5), ("sigma(0)", 0.5), ("σ(z1_2@3)", 0.18242552380635635), ("tg(0)", 0), ("max(0,5; 1)", 1),
        ("η", 0.1), ("η·δ2_1", 0.025), ("δ₂₁", 0.25), ("δ²₁", 0.25), ("δ⁽²⁾₁", 0.25), ("delta2_1", 0.25),
        ("∂L/∂z2_1", 0.25), ("dL/dz2_1", 0.25), ("dL / dz₂₁", 0.25), ("a1₁", 0.3), ("a¹₁", 0.3), ("a⁽¹⁾₂", 0.7),
        ("a^(1)_2", 0.7), ("x₁", 0.5), ("x1", 0.5), ("ａ１＿１", 0.3), ("h₁", 0.3), ("w₁", 2), ("a1_1²", 0.09),
        ("a1₁²·x₁", 0.045), ("½(a1_1 − y_1)²", 0.245), ("½（x₁－２）²", 1.125), ("a1_1(1−a1_1)", 0.21),
        ("2x_1", 1), ("0,5x_1", 0.25),
        (r"\frac{1}{2}", 0.5), (r"$\dfrac{1 - x_1}{2}$", 0.25), (r"\frac{1}{1+\frac{1}{2}}", 2 / 3),
        (r"\sqrt{\frac{1}{4}}", 0.5),
        (r"\left(1 - a1_1\right) \cdot x_{1}", 0.35), (r"\sigma(0)", 0.5), (r"\delta^{(2)}_{1}", 0.25), (r"\eta", 0.1),
        (r"a^{(1)}_2 \times 2", 1.4), (r"\tanh(0)", 0), (r"2\pi", 6.283185307179586), (r"x_1^{2}", 0.25),
        ("(1-a1_1)(1+a1_1)", 0.91), ("max(0, 2x_1)", 1), ("x_1 − 2", -1.5), ("x_1 — 2", -1.5), ("x_1÷2", 0.25),
    ],
)  # fmt: skip
def test_expressions(text: str, expected: float) -> None:
    """Greek letters, indices below and layers above, derivatives with a slash, products without a sign."""
    assert value(read(text, (), NAMES)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "12 59",
        "1 2 3",
        "12 5926.5",
        "1'23",
        "1 3/2",
        "1 592/65.5",
        "0.5 = 1/3",
        "0.3 = 1/3 = 0.4",
        "[1, 2]",
        "[0,5]",
        "1 000 00",
        "not 0.5",
        "about 0.5 or 0.6",
        "0.5 %%",
        "ca. z",
    ],
)
def test_number_that_can_be_read_in_two_ways_is_not_read(text: str) -> None:
    """Groups of other lengths, improper fractions, sides that differ and lists of several are left to the teacher."""
    assert read(text, (), {}).number is None


@pytest.mark.parametrize(
    ("text", "at", "found"),
    [
        ("０.５ × foo", 6, "unknown name"), ("½ + ?", 4, "not part of an expression"),
        ("（1－a1_1）×", 9, "expected a number"),
        ("\u200b1 + bar", 5, "unknown name"), ("=cmd()", 1, "unknown function"), ("  2 ** ", 6, "expected a number"),
        ("1/2x_1", 3, "expected an operator"), ("σ(δ2_1", 6, "expected"), ("a1₁ × 10⁻³ + 学", 13, "unknown name"),
    ],
)  # fmt: skip
def test_caret_stands_where_the_student_made_the_mistake(text: str, at: int, found: str) -> None:
    """The message shows the text as typed, and the caret under its column, two places for a full-width sign."""
    mistake = read(text, (), NAMES).mistake
    assert isinstance(mistake, ExpressionError)
    assert found in str(mistake)
    arguments = mistake.what.arguments
    assert arguments["text"] == text
    wide = sum(ord(character) > 0x2FFF for character in text[:at])
    assert arguments["caret"] == " " * (at + wide) + "^"


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')", "=cmd()", "=HYPERLINK(\"http://example.org\")", "@SUM(1,1)", "open('x')",
        "a1_1.__class__", "[x_1 for x_1 in ()]", "lambda: 0", "exec(1)", "9**9**9**9**9**9", "(" * 400, "1" * 450,
        "<script>alert(1)</script>", "½" * 400, "σ" * 400, "a1_1\x00", "\\input{x}", "𝟙" * 450, "⁻" * 400, "^" * 499,
    ],
)  # fmt: skip
def test_hostile_texts_are_no_answers(text: str) -> None:
    """What is no expression of the whitelist is unreadable, or has no value; nothing of it runs, and nothing raises."""
    parsed = read(text, (), NAMES)
    if parsed.formula is not None:
        with pytest.raises((ArithmeticError, ValueError, sbp.errors.SymbackpropError)):
            value(parsed)


@settings(max_examples=many(400), deadline=None, derandomize=True)
@given(st.text(alphabet="0123456789.,;+-*/^()= _ea1xzδσ½⅓²⁻₁⁽⁾（）×·−√π@∂|'\u200b学", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Every text has a reading, and a mistake lies inside of what was typed."""
    parsed = read(text, ("a1",), NAMES)
    if parsed.mistake is not None:
        caret = str(parsed.mistake.what.arguments["caret"])
        assert len(caret) - 1 <= len(text) + sum(ord(character) > 0x2FFF for character in text)


@settings(max_examples=many(200), deadline=None, derandomize=True)
@given(st.text(alphabet="0123456789.a_½²⁻₁（）×−z⁽¹⁾₂ \u200b", max_size=30))
def test_every_character_knows_its_column(text: str) -> None:
    """Columns are those of the text, in order, one for each character."""
    typed = plain(text)
    assert len(typed.columns) == len(typed.text)
    assert list(typed.columns) == sorted(typed.columns)
    assert all(0 <= column < len(text) for column in typed.columns)
    assert AnswerText.of(text).source == text


@settings(max_examples=many(300, 20), deadline=None)
@given(st.from_regex(r"-?[0-9]{1,22}\.[0-9]{1,22}", fullmatch=True))
def test_plain_decimals_are_read_at_once_and_alike(text: str) -> None:
    """A decimal is the number that it is, with a space beside it or without: no short cut reads another one."""
    at_once, step_by_step = read(text, ("z1",), {}), read(f" {text}", ("z1",), {})
    assert at_once.formula == step_by_step.formula and at_once.mistake == step_by_step.mistake
    assert at_once.number == Fraction(text)


def test_a_quantity_called_e_is_no_power_of_ten() -> None:
    """Where the problem has the name, a space before it makes it that; without one it is the sign of a power."""
    assert read("1.5 e-3", (), {"e": "e"}).number is None
    assert Fraction(3, 2000) == read("1.5e-3", (), {"e": "e"}).number == read("1.5 e-3", (), {}).number


def test_names_with_two_readings_are_refused() -> None:
    """z111 may be z1_11 or z11_1: it is neither."""
    names: dict[str, Any] = {"z1_11": "z1_11", "z11_1": "z11_1"}
    assert read("z111", (), names).mistake is not None
    assert read("z1_11", (), names).formula == Name("z1_11")


def test_expressions_of_books_earn_their_points() -> None:
    """In a homework, δ and η are known by the names of the sheet and by those of books."""
    given = variants.assignment(load.example("homework", [("homework.answers", "both")]))
    cohort = variants.draw(given, ["1"], seed=3, attempts={"1": 1})
    values = {key: float(array[0]) for key, array in cohort.values.items()}
    allowed = {id: float(array[0]) for id, array in cohort.tolerances.items()}
    texts = {
        "dL_dz1_1": "δ2_1·W2_1_1·h₁(1−h₁)",
        "dL_dz2_1": "o₁ − t₁",
        "dL_dW2_1_1": "∂L/∂z2_1 × h₁",
        "new_W2_1_1": "w₅ − η·∂L/∂w₅",
        "L": "½(o₁ − t₁)²",
    }
    marks = {mark.answer.id: mark for mark in Marker(given).mark(values, allowed, texts)}
    for id in ("dL_dz1_1", "dL_dW2_1_1", "new_W2_1_1", "L"):
        assert marks[id].said is None, (id, marks[id].said)
        assert marks[id].verdict is MarkVerdict.CORRECT, id


@pytest.mark.parametrize("name", ["sigmoids", "logistic", "convolution"])
def test_a_letter_without_an_index_is_the_only_one(name: str) -> None:
    """The only target is y, too, and the only output a2; where there are several, none is meant."""
    ready = variants.assignment(load.problem({**TERM[name], "homework": {"answers": "both"}}, name=name))
    names, graph = names_of(ready.computation), ready.derivation.graph
    for quantity in each(graph.quantities.values()):
        keys = [key for key in map(str, graph.scalars(quantity)) if key in names.values()]
        if len(keys) == 1 and not quantity.batched:
            assert keys[0] == names[quantity.name]
        elif len(keys) > 1:
            assert quantity.name not in names
