"""Formulas in words: what those hear who do not see the page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from symbackprop import language, rendering
from symbackprop.graph.notation import Symbol
from symbackprop.rendering import dialects
from symbackprop.rendering.dialects import speech, tex
from symbackprop.rendering.layout import boxes
from symbackprop.rendering.layout.boxes import Box, Fenced, Fraction, Number, Scripts, Sign, Word
from tests.documents import EXAMPLES, solved
from tests.helpers import ROOT, each

TABLE = ROOT / "tests" / "rendering" / "speech.json"
ROWS = 100

A, B = Symbol("a"), Symbol("b")
PARTIAL = Sign("∂")


@pytest.mark.parametrize(
    ("box", "english", "chinese"),
    [
        (
            Fraction((PARTIAL, Symbol("E")), (PARTIAL, Symbol("w", ("5",)))),
            "partial E over partial w 5",
            "偏 E 除以 偏 w 5",
        ),
        (Symbol("w", ("5",), ("+",)), "new w 5", "新的 w 5"),
        (Symbol("z", ("2",), ("(1)", "[3]")), "z 2 super 1 of sample 3", "第 3 个样本的 z 2 上标 1"),
        (Symbol("y", accent="hat"), "y hat", "y 尖"),
        ((A, boxes.CROSS, Fenced("(", Number("-0.5"), ")")), "a times minus 0.5", "a 乘 减 0.5"),
        ((A, boxes.THIN, B), "a times b", "a 乘 b"),
        ((Symbol("sigma"), Fenced("(", A, ")")), "sigma of a", "σ a"),
        (
            (Word("max"), Fenced("(", (A, boxes.COMMA, B), ")")),
            "max of, open parenthesis, a, b, close parenthesis",
            "max 左括号 a, b 右括号",
        ),
        (Scripts(A, None, Number("2")), "a squared", "a 的平方"),
        (
            Scripts(Fenced("(", Number("-2"), ")"), None, Number("2")),
            "open parenthesis minus 2 close parenthesis squared",
            "左括号 减 2 右括号 的平方",
        ),
        (
            (Fraction(Number("1"), Number("2")), boxes.THIN, A),
            "the fraction 1 over 2 end of fraction times a",
            "分式，分子 1，分母 2，分式结束 乘 a",
        ),
        (
            Scripts(Symbol("e"), None, (Sign("-"), Symbol("z"))),
            "e to the power minus z end of power",
            "e 的幂，指数 减 z，指数结束",
        ),
        (Scripts(boxes.Group(A), None, boxes.TOP), "a transposed", "a 的转置"),
        ((Scripts(boxes.SUM, Symbol("n"), Number("4")), boxes.GAP, A), "the sum over n to 4 of a", "n 到 4 求和 a"),
        (boxes.Framed(Number("-1")), "the result minus 1", "结果 减 1"),
        (boxes.Matrix([[A, B]]), "the matrix row 1: a, b end of matrix", "矩阵，第 1 行：a, b，矩阵结束"),
        (boxes.Blank(), "blank to fill in", "填空"),
    ],
)
def test_box_in_words(box: Box, english: str, chinese: str) -> None:
    """Each arrangement says what it is, and where it ends if it has more than one word."""
    assert english == speech.spoken_in("en")(box)
    assert chinese == speech.spoken_in("zh")(box)


@pytest.mark.parametrize("code", language.available())
def test_every_kind_of_box_can_be_read(code: str) -> None:
    """No kind of box and no sign of the layout is silent in a language, or has a sign where words belong."""
    read = speech.spoken_in(code)
    for sign in each(speech._SIGNS):
        assert read(Sign(sign)) == language.phrases(code)[f"speech_sign.{speech._SIGNS[sign]}"]
    used = {f"speech_sign.{id}" for id in speech._SIGNS.values()}
    assert {id for id in language.phrases(code) if id.startswith("speech_sign.")} == used


def shape(box: Box) -> frozenset[object]:
    """Return what a formula is made of: kinds of boxes, and the signs in it."""
    parts = boxes.walk(box)
    return frozenset(type(part) for part in parts) | {
        part.text for part in parts if isinstance(part, Sign | boxes.Infix)
    }


def formulas(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Box]]:
    """Yield formulas of the examples, one of each make, with their TeX."""
    found: dict[str, Box] = {}

    def kept(box: Box) -> str:
        text = tex.write(box)
        found.setdefault(text, box)
        return text

    row = dialects.Dialect(kept, kept, tex.write)
    monkeypatch.setitem(dialects.DIALECTS, "tex", lambda code: row)  # type: ignore[arg-type]
    for name in EXAMPLES:
        rendering.render(solved(name), "latex")
    shapes = {shape(box): text for text, box in reversed(found.items())}
    chosen = set(shapes.values())
    yield from ((text, box) for text, box in found.items() if text in chosen)


def test_hundred_formulas_in_words(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A hundred formulas of the examples, each made of other things, are read as the table has them in both languages."""
    found = list(formulas(monkeypatch))
    chosen = [found[place * len(found) // ROWS] for place in range(ROWS)]
    assert len(dict(chosen)) == ROWS
    rows: Sequence[Any] = [
        {"tex": text, **{code: speech.spoken_in(code)(box) for code in ("en", "zh")}} for text, box in chosen
    ]
    if request.config.getoption("--update-golden"):
        TABLE.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert rows == json.loads(TABLE.read_text("utf-8"))
    for row in each(rows):
        assert not set("\\{}$_^") & set(row["en"] + row["zh"])
