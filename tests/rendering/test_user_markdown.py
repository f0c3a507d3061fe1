"""What a user writes in Markdown and TeX: read by few rules, printed by every format, nothing of it passed on."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

import symbackprop as sbp
from symbackprop import rendering
from symbackprop.derivation.derivations import derive
from symbackprop.document.blocks import Document, Listing, Paragraph, Prose, Section
from symbackprop.errors import ExpressionError
from symbackprop.homework.assignments.variants import assignment
from symbackprop.language import Wording
from symbackprop.messages import message
from symbackprop.problems import load
from symbackprop.rendering import contents, exporters, user_markdown
from symbackprop.rendering.dialects import mathml, speech, tex, text, typst
from symbackprop.rendering.layout import tex_formulas
from symbackprop.rendering.pdf_collections import drafted
from symbackprop.rendering.typesetting import pdf_engines
from tests.helpers import each, require_module, require_tool
from tests.homework.test_homework import LINE

FORMULAS = {
    r"x^2": "x^{2}", r"w_{12}": "w_{12}", r"\frac{\partial L}{\partial w_5}": r"\frac{\partial L}{\partial w_{5}}",
    r"\sigma'(z) = \sigma(z)(1 - \sigma(z))": r"\sigma^{\prime}(z) = \sigma(z)(1 - \sigma(z))",
    r"-1 \le a < 2": r"-1 \le a < 2", r"η = 0.5": r"\eta = 0.5", r"\hat y_k": r"\hat{y}_{k}",
    r"W^\top\delta": r"W^{\top}\delta",
    r"\sum_{i=1}^n x_i": r"\sum_{i = 1}^{n}x_{i}", r"\sqrt{1+e^{-z}}": r"\sqrt{1 + e^{-z}}",
    r"\left( \frac 1 2 \right)": r"\left(\frac{1}{2}\right)", r"\mathcal{L}": r"\mathcal{L}", r"\mathbf{w}": r"\mathbf{w}",
    r"a \text{ if } z > 0": r"a\text{ if }z > 0", r"\max(0, z)": r"\max(0, z)",
}  # fmt: skip

REFUSED = (
    r"\input{x}", r"\href{javascript:1}{x}", r"\def\a{b}",
    "x & y", "a % b", r"\frac{1}", "{x", "x}", "x_1_2", "x^2^3", r"\left( x",
    r"\right)", r"\hat{xy}", r"\text{\input{x}}", r"\text{a_b}", r"\mathrm{a b}", "x_", "{}", "é", r"\sqrt" * 100, "#",
    r"\text{}", "~", "`x`", '"x"',
)  # fmt: skip


@pytest.mark.parametrize(("written", "printed"), FORMULAS.items())
def test_formula_is_printed_by_every_dialect(written: str, printed: str) -> None:
    """In TeX of ours, in Typst, in MathML, in plain text and in words."""
    box = tex_formulas.read(written)
    assert " ".join(printed.split()) == " ".join(tex.write(box).split())
    assert all((typst.write(box), text.inline(box), speech.spoken_in("en")(box), speech.spoken_in("zh")(box)))
    assert mathml.inline(box).startswith("<math>")


@pytest.mark.parametrize("written", REFUSED)
def test_what_is_not_known_is_refused(written: str) -> None:
    """With the place in the formula, in no time."""
    with pytest.raises(ExpressionError) as refused:
        tex_formulas.read(written)
    assert "^" in str(refused.value)


def test_any_text_is_a_formula_or_refused() -> None:
    """Whatever is between the dollars: it is printed, or refused in one message."""
    draw, pieces, read = random.Random(5), [*FORMULAS, *REFUSED, *r"\_^{}'$&%#"], 0
    for _ in range(2000):
        whole = "".join(draw.choice(pieces) for _ in range(draw.randint(1, 3)))
        part = whole[: draw.randint(1, len(whole))]
        try:
            tex.write(tex_formulas.read(part))
            read += 1
        except ExpressionError:
            pass
    assert 200 < read < 2000


MARKDOWN = r"""Work **by *hand***, `x_1` and $\delta = \frac{1}{2}$.
Keep 4 digits; 3 < 5 & $5.

1. first $w_1$
2. **second**

* *one*

# no heading, <script>alert(1)</script> ![x](http://example.org) \input{x} #read("x")"""


def written(content: str, format: str) -> str:
    """Return a document that has nothing but a text of a user."""
    draft = _drafted(content, format)
    return str(exporters.written(draft))


def _drafted(content: str, format: str) -> object:
    problem = sbp.example("homework")
    section = Section(message("sheet.task"), (Prose(Wording(content, {})),))
    document = Document(problem.heading, (), (section,))
    (draft,) = drafted([document], derive(problem), rendering.formats()[format], "en")
    return draft


def test_blocks() -> None:
    """Paragraphs, an ordered list and one that is not; a heading is text."""
    found = user_markdown.blocks(MARKDOWN)
    assert [Paragraph, Listing, Listing, Paragraph] == [type(block) for block in found]
    lists = [block for block in found if isinstance(block, Listing)]
    assert [(2, True), (1, False)] == [(len(block.items), block.numbered) for block in lists]
    with pytest.raises(ExpressionError, match="inside a list"):
        user_markdown.blocks("* a\n\n    * b")


def test_text_may_hold_formulas_and_code() -> None:
    """A document with a text of a user's has formulas in it, and typed text, so that a page has what it needs for both."""
    prose = (Prose(Wording("x", {})),)
    section = Section(message("sheet.task"), prose)
    assert contents.holds(section, (Prose,)) and not contents.holds(section, (Paragraph,))
    assert ["x"] == list(contents.texts({"a": ["x"]}))


PRINTED = {
    "latex": (r"\textbf{by \emph{hand}}", r"$\delta = \frac{1}{2}$", r"3 \textless{} 5 \& \$5", r"\textbackslash{}input"),
    "markdown": ("<strong>by <em>hand</em></strong>", r"$\delta = \frac{1}{2}$", r"3 \< 5 \& \$5", r"\<script\>"),
    "html": ("<strong>by <em>hand</em></strong>", "<mfrac>", "3 &lt; 5 &amp; $5", "&lt;script&gt;"),
    "text": ("by hand", "δ = 1/2", "3 < 5 & $5", "<script>"),
    "typst": ('#strong[#"by" #emph[#"hand"]]', "frac(1, 2)", '3 < 5 & $5', '<script>'),
}  # fmt: skip


@pytest.mark.parametrize("format", PRINTED)
def test_text_is_printed_in_every_format(format: str) -> None:
    """With its emphasis and its formulas; what has no rule is plain text, escaped as all text is."""
    body = written(MARKDOWN, format)
    for part in each(PRINTED[format]):
        assert part in body, part
    assert "<script>alert" not in body or format in ("text", "typst")


@pytest.mark.sweep
@pytest.mark.parametrize("engine", pdf_engines.ENGINES)
def test_text_is_set(engine: str, tmp_path: Path) -> None:
    """By either engine, with every formula, and reads as it was written."""
    require_module("typst") if engine == "typst" else require_tool("pdflatex")
    source = written(
        MARKDOWN + "\n\n" + "\n\n".join(f"${formula}$" for formula in FORMULAS), pdf_engines.ENGINES[engine].base
    )
    (content,) = pdf_engines.typeset(engine, [source], 120)
    (tmp_path / "a.pdf").write_bytes(content)
    found = subprocess.run(
        [require_tool("pdftotext"), tmp_path / "a.pdf", "-"], capture_output=True, check=True
    ).stdout.decode()
    for words in each(("Work by hand", "<script>alert(1)</script>", "first", "second", "one", r"\input{x}")):
        assert words in " ".join(found.split())


def test_instructions_that_cannot_be_read_are_refused_at_once() -> None:
    """In any of their languages, before anything is drawn."""
    for instructions in each(({"en": "fine", "zh": r"$\nope$"}, r"a $\nope$ b")):
        problem = load.problem({**LINE, "homework": {"instructions": instructions}}, name="line")
        with pytest.raises(ExpressionError, match="nope") as refused:
            assignment(problem)
        assert "homework.instructions" == refused.value.where
