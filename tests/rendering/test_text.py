"""Plain text: what is read in a terminal, in an e-mail and aloud."""

from __future__ import annotations

import re

import pytest

import symbackprop as sbp
from symbackprop import language, rendering
from symbackprop.language import columns
from symbackprop.rendering import plain_text
from symbackprop.rendering.dialects import text
from symbackprop.rendering.escapes import MARKUPS
from symbackprop.rendering.layout.boxes import EQUAL, PLUS, Box, Fenced, Fraction, Matrix, Number, Scripts, Symbol
from tests.documents import EXAMPLES, PROBLEMS, dense, solved, some, text_of
from tests.helpers import each

LANGUAGES = language.available()
_COMMAND = re.compile(r"\\|\$|<[a-z/]|&[a-z]+;|[{}]")


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("name", some(EXAMPLES))
def test_text_of_an_example_has_no_command_of_another_format(name: str, code: str) -> None:
    """No backslash, no dollar, no tag, no brace, in any language."""
    lines = text_of(name, "text", code).splitlines()
    assert [] == [line for line in each(lines) if _COMMAND.search(line)]


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("name", some([*EXAMPLES, *PROBLEMS]))
def test_text_fits_a_terminal(name: str, code: str) -> None:
    """No line has more than a hundred columns, a Chinese sign taking two, and none ends with spaces."""
    lines = text_of(name, "text", code).splitlines()
    assert max(map(columns, lines)) <= plain_text.WIDTH
    assert [] == [line for line in each(lines) if line != line.rstrip()]
    assert "\n\n\n" not in text_of(name, "text", code)


@pytest.mark.parametrize("name", ["mazur", "xor", "attention"])
def test_text_says_what_markdown_says(name: str) -> None:
    """The sections of a solution have the same titles, and every sentence of a list is there."""
    numbered = re.findall(r"(?m)^#{2,} ([\d.]+ .+)$", text_of(name, "markdown"))
    assert numbered
    plain = text_of(name, "text").splitlines()
    assert [] == [title for title in each(numbered) if title not in plain]


def test_text_reads_well() -> None:
    """The lines that a reader of the first example sees."""
    lines = text_of("mazur", "text").splitlines()
    assert {
        "One gradient-descent step through a 2-2-2 network",
        "═" * 49,
        "1.1 The network",
        "    z_o₁ = w₅ h₁ + w₆ h₂ + b₂",
        "         ≈ 0.40 × 0.593270 + 0.45 × 0.596884 + 0.60 ≈ 0.237308 + 0.268598 + 0.60 ≈ 1.10591",
        "    δ_o₁ = ∂E/∂z_o₁ = ∂E/∂o₁ · ∂o₁/∂z_o₁ = (o₁ − t₁) [= ∂E/∂o₁] · o₁ (1 − o₁) [= ∂o₁/∂z_o₁]",
        "parameter  from  to      value",
        "b₂         bias  o₁, o₂   0.60",
        "    ∂E/∂W⁽¹⁾ = ⎡δ_h₁ i₁  δ_h₁ i₂⎤ = ⎡δ_h₁⎤ [i₁  i₂] = δ⁽¹⁾ [2×1] (i [2×1])ᵀ",
        "               ⎣δ_h₂ i₁  δ_h₂ i₂⎦   ⎣δ_h₂⎦",
    } <= set(lines)


@pytest.mark.parametrize("hostile", ["\x1b[31mred\x07", "a\u202eb\u200f", "\x9b2J", "one\r\ntwo\x00"])
def test_text_sends_no_control_character_to_a_terminal(hostile: str) -> None:
    """Nothing that a user's title or name holds moves the cursor, rings the bell or turns the line around."""
    content = dense((1, "sigmoid"), inputs=[hostile, "b"], title=hostile)
    written = str(rendering.render(sbp.solve(sbp.problem(content)), "text"))
    assert all(character.isprintable() or character == "\n" for character in written)
    assert MARKUPS["text"].escape(hostile).isprintable()


def test_text_of_hostile_words_is_as_they_are() -> None:
    """In plain text nothing is a command: what can be printed stands there as it was written."""
    assert r"$\input{/etc/passwd}$ <script>alert(1)</script>" in text_of("hostile", "text")


def test_figure_is_told_in_words() -> None:
    """What others draw is said, with its caption."""
    assert "Network with 2 inputs, 2 hidden units, 2 outputs." in " ".join(text_of("mazur", "text").split())


A, B = Symbol("a"), Symbol("b")
SUM: Box = (A, (PLUS, B))


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (Fraction(SUM, B), "(a + b)/b"),
        (Fraction(A, SUM), "a/(a + b)"),
        (Fraction(Fraction(A, B), B), "(a/b)/b"),
        (Fraction(A, Fraction(A, B)), "a/(a/b)"),
        (Fraction(Number("-1"), Number("2")), "−1/2"),
        (Fraction(A, Number("-2")), "a/(−2)"),
        (Scripts(Symbol("e"), None, SUM), "eᵃ⁺ᵇ"),
        (Scripts(A, None, Number("-12")), "a⁻¹²"),
        (Symbol("w", ("q", "11")), "w_(q,11)"),
        (Symbol("theta", ("2",), ("(1)", "[3]")), "θ₂⁽¹⁾[3]"),
    ],
)
def test_plain_formula_means_what_its_boxes_mean(box: Box, expected: str) -> None:
    """What stands on one line has the parentheses that a fraction bar or a raised line makes needless."""
    assert expected == text.inline(box)


def test_matrix_stands_beside_its_relation() -> None:
    """A matrix has rows one below the other, numbers aligned, its middle on the line; a sentence has it in one."""
    matrix = Matrix([[Number("1"), Number("-20")], [Number("300"), A], [B, B]])
    assert text.displayed((A, EQUAL, matrix, EQUAL, Fenced("(", A, ")"))).split("\n") == [
        "    ⎡  1  −20⎤",
        "a = ⎢300    a⎥ = (a)",
        "    ⎣  b    b⎦",
    ]
    assert text.inline(matrix) == "[1, −20; 300, a; b, b]"
    wide = Matrix([[Number("1" * 30)] * 4])
    assert "\n" not in text.displayed(wide)


def test_table_too_wide_is_narrowed_and_then_cut() -> None:
    """Words are broken in their column first; numbers never are: their table goes on below, its first column again."""
    words = {"header": ["a", "b"], "rows": [["one", "word " * 60], ["two", "前" * 80]], "numeric": [False, False]}
    assert max(map(columns, plain_text.table(words).split("\n"))) <= plain_text.WIDTH
    numbers = {"header": ["n", *"abcdefgh"], "rows": [["1", *["9" * 20] * 8]], "numeric": [True] * 9}
    parts = plain_text.table(numbers).split("\n\n")
    assert len(parts) == 2
    assert all(part.startswith("n  ") for part in each(parts))
    assert max(map(columns, "\n".join(parts).split("\n"))) <= plain_text.WIDTH


@pytest.mark.parametrize("code", LANGUAGES)
def test_tables_are_aligned_by_what_is_seen(code: str) -> None:
    """The rule under a header is as wide as the widest row, in every language."""
    lines = text_of("xor", "text", code).splitlines()
    rules = [place for place, line in enumerate(lines) if line and set(line) <= {"─", " "} and " " in line]
    assert rules
    for place in rules:
        end = next(k for k in range(place, len(lines)) if not lines[k])
        assert columns(lines[place]) >= max(columns(line) for line in lines[place - 1 : end])


def test_solution_of_every_problem_in_text_is_one_file() -> None:
    """The text stands alone: no picture beside it."""
    assert list(rendering.files(solved("line"), "text")) == ["solution.txt"]
