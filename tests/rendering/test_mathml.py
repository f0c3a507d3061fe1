"""Boxes as MathML."""

from __future__ import annotations

import html

import pytest

from symbackprop.graph.notation import Symbol
from symbackprop.rendering.dialects import mathml, tex
from symbackprop.rendering.layout import boxes
from symbackprop.rendering.layout.boxes import (
    EMPTY,
    MINUS,
    NEGATIVE,
    SUM,
    TOP,
    Box,
    Face,
    Fenced,
    Fraction,
    Kept,
    Lines,
    Matrix,
    Number,
    Scripts,
    Sign,
    Text,
    Toned,
    Under,
    Word,
)

A, B, X = Symbol("a"), Symbol("b"), Symbol("x")


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((NEGATIVE, X), '<mo form="prefix">−</mo><mi>x</mi>'),
        ((A, MINUS, B), "<mi>a</mi><mo>−</mo><mi>b</mi>"),
        ((EMPTY, MINUS, B), "<mrow></mrow><mo>−</mo><mi>b</mi>"),
        (
            (Fenced("(", A, ")"), MINUS, B),
            '<mo stretchy="false">(</mo><mi>a</mi><mo stretchy="false">)</mo><mo>−</mo><mi>b</mi>',
        ),
        ((Sign("≈"), Number("-1")), '<mo>≈</mo><mo form="prefix">−</mo><mn>1</mn>'),
        (Fraction(Number("1"), X), "<mfrac><mn>1</mn><mi>x</mi></mfrac>"),
        (Symbol("w", ("5",), ("+",)), "<msubsup><mi>w</mi><mn>5</mn><mo>+</mo></msubsup>"),
        (Scripts(Symbol("w", ("5",)), None, Number("2")), "<msubsup><mi>w</mi><mn>5</mn><mn>2</mn></msubsup>"),
        (Scripts(Kept(Symbol("w", ("5",)), {}, []), None, Number("2")), "<msubsup><mi>w</mi><mn>5</mn><mn>2</mn></msubsup>"),
        (
            Scripts(Fenced("(", A, ")"), None, Number("2")),
            '<mo stretchy="false">(</mo><mi>a</mi><msup><mo stretchy="false">)</mo><mn>2</mn></msup>',
        ),
        (Scripts(boxes.Group(A), None, TOP), "<msup><mrow><mrow><mi>a</mi></mrow></mrow><mo>⊤</mo></msup>"),
        (Symbol("a", (), ("(l-1)",)), '<msup><mi>a</mi><mrow><mo stretchy="false">(</mo><mi>l</mi><mo>−</mo><mn>1</mn>'
         '<mo stretchy="false">)</mo></mrow></msup>'),
        (Symbol("alpha"), "<mi>α</mi>"),
        (Word("net_x"), '<mi mathvariant="normal">net_x</mi>'),
        (Word("ln", Face.OPERATOR), "<mi>ln</mi><mo>&#8289;</mo>"),
        (
            Under(X, (Number("2"), boxes.CROSS, Number("1"))),
            "<munder><mi>x</mi><mrow><mn>2</mn><mo>×</mo><mn>1</mn></mrow></munder>",
        ),
        (Toned(Number("0.5"), "fwd"), '<mrow class="fwd"><mn>0.5</mn></mrow>'),
        (Text("a < b"), "<mtext>a &lt; b</mtext>"),
        (
            (Scripts(SUM, Symbol("n"), Number("4")), boxes.GAP, X),
            "<munderover><mo>∑</mo><mi>n</mi><mn>4</mn></munderover><mi>x</mi>",
        ),
        (Symbol("m", accent="hat"), '<mover accent="true"><mi>m</mi><mo stretchy="false">^</mo></mover>'),
        (Symbol("L", accent="mathcal"), "<mi>ℒ</mi>"),
        (
            Matrix([[Number("1")], [(Sign("["), X)]]),
            "<mrow><mo>[</mo><mtable><mtr><mtd><mn>1</mn></mtd></mtr><mtr><mtd>"
            '<mo stretchy="false">[</mo><mi>x</mi></mtd></mtr></mtable><mo>]</mo></mrow>',
        ),
        (
            Lines([A, B]),
            "<mrow><mtable><mtr><mtd></mtd><mtd><mi>a</mi></mtd></mtr>"
            "<mtr><mtd></mtd><mtd><mi>b</mi></mtd></mtr></mtable></mrow>",
        ),
        (
            boxes.Braced(A, B),
            '<mrow><munder><munder><mi>a</mi><mo stretchy="true">⏟</mo></munder><mi>b</mi></munder></mrow>',
        ),
        (Text("</math>"), "<mtext>&lt;/math&gt;</mtext>"),
    ],
)  # fmt: skip
def test_mathml_of_a_box(box: Box, expected: str) -> None:
    """Each kind of box has its element; the TeX is kept word for word beside it."""
    annotation = html.escape(tex.write(box), quote=False)
    assert (
        f'<math><semantics><mrow>{expected}</mrow><annotation encoding="application/x-tex">{annotation}'
        "</annotation></semantics></math>"
    ) == mathml.inline(box)


@pytest.mark.parametrize(("code", "words"), [("en", "a equals minus 1"), ("zh", "a 等于 减 1")])
def test_formula_has_words_for_readers_without_mathml(code: str, words: str) -> None:
    """A formula of a page says itself in the language of the page, whatever signs are in it."""
    inline, displayed = mathml.functions_in(code)
    box = (A, Sign("="), Number("-1"))
    assert inline(box).startswith(f'<math aria-label="{words}">')
    assert displayed(box).startswith(f'<math displaystyle="true" aria-label="{words}">')
    assert '"><&' not in inline(Text('"><&'))
