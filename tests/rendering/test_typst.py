"""The format typst, and PDF that Typst sets: tagged, with words for every formula, and nothing that a text can do."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdf
import pytest

import symbackprop as sbp
from symbackprop import language, rendering
from symbackprop.document.blocks import Figure
from symbackprop.errors import OutputError, UnknownNameError
from symbackprop.graph.notation import Symbol
from symbackprop.rendering import escapes, figure_views
from symbackprop.rendering.dialects import typst
from symbackprop.rendering.layout import boxes
from symbackprop.rendering.layout.boxes import Box, Fenced, Fraction, Number, Scripts, Sign, Text, Word
from symbackprop.rendering.typesetting import pdf_engines, tex_engines, typst_engine
from tests.documents import EXAMPLES, HOSTILE, composed, dense, sections_of, solved, text_of
from tests.helpers import each, few, require_module

A, W = Symbol("a"), Symbol("W", ("12",), ("(1)",))


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (W, "attach(W, b: 12, t: paren.l 1 paren.r)"),
        (Scripts(Symbol("w", ("5",)), None, Number("2")), "attach(w, b: 5, t: 2)"),
        (Scripts(W, None, Number("2")), "attach(attach(W, b: 12, t: paren.l 1 paren.r), t: 2)"),
        (Symbol("phi"), "phi.alt"),
        (Symbol("net", ("x",)), 'attach("net", b: x)'),
        (Symbol("y", accent="bar"), "overline(y)"),
        ((A, boxes.THIN, Word("net"), A), 'a thin"net"a'),
        (Number("-0.5"), "minus 0.5"),
        (Fenced("(", Fraction(A, Number("2")), ")", True), "lr(paren.l frac(a, 2) paren.r)"),
        ((A, boxes.COMMA, Sign("#")), 'a comma"#"'),
        (boxes.Toned(Number("1"), "fwd"), "fwd(1)"),
        (boxes.Matrix([[A, A], [A, A]]), 'mat(delim: "[", a, a; a, a)'),
        (Text('"; #read("x")'), r'"\"; #read(\"x\")"'),
    ],
)
def test_box_as_typst(box: Box, expected: str) -> None:
    """Signs have names, letters stand for themselves, and all else is quoted."""
    assert expected == typst.write(box)


@pytest.mark.parametrize("text", [HOSTILE, '"', "\\", '\\"#"', "a\nb", "$x$ #x // y", "反向\u200f\x1b[31m"])
def test_text_is_a_string(text: str) -> None:
    """Whatever a text has in it, it is one string that ends where the text ends."""
    escaped = escapes.typst(text)
    assert re.fullmatch(r'#"(?:[^"\\\n]|\\["\\])*"', escaped)
    joined = escapes.MARKUPS["typst"].merged(escaped + " " + escaped)
    assert re.fullmatch(r'#"(?:[^"\\\n]|\\["\\])*"( #"(?:[^"\\\n]|\\["\\])*")?', joined)


def pdf(name: str, code: str = language.DEFAULT) -> pypdf.PdfReader:
    """Return an example as Typst sets it."""
    require_package()
    content = rendering.render(solved(name), "pdf", code, engine="typst")
    assert isinstance(content, bytes)
    return pypdf.PdfReader(io.BytesIO(content))


def require_package() -> None:
    """Skip a test where Typst is not installed; it is part of what tests need."""
    require_module("typst")


def elements(reader: pypdf.PdfReader) -> Iterator[Any]:
    """Yield the elements of a document's structure, in the order in which they are read."""
    waiting = [reader.trailer["/Root"]["/StructTreeRoot"]]  # type: ignore[index]
    while waiting:
        element = waiting.pop()
        if not isinstance(element, pypdf.generic.DictionaryObject):
            continue
        if "/S" in element:
            yield element
        inside = element.get("/K", [])
        kids = inside if isinstance(inside, list) else [inside]
        waiting += [kid.get_object() for kid in reversed(kids)]


@pytest.mark.parametrize(("name", "code"), [("mazur", "en"), ("line", "zh")])
def test_page_is_tagged(name: str, code: str) -> None:
    """Title, language and bookmarks are set; each formula and figure has words; headings stand in their order."""
    reader = pdf(name, code)
    found = list(elements(reader))
    spoken = [element for element in found if element["/S"] in ("/Formula", "/Figure")]
    assert len(spoken) > 50
    assert [element for element in spoken if not element.get("/Alt")] == []
    root = reader.trailer["/Root"]
    assert root["/Lang"] == code  # type: ignore[index]
    assert b"pdfuaid" in reader.xmp_metadata.stream.get_data()  # type: ignore[union-attr]
    view = rendering._draft(solved(name), "text", code, None, None, "full", None).view
    titles = [section["title"] for section in view["sections"]]
    assert reader.metadata is not None and reader.metadata.title == view["title"]
    assert [re.sub(r"^[\d.]+\s+", "", entry.title) for entry in reader.outline if not isinstance(entry, list)] == titles  # type: ignore[union-attr]
    assert [element["/S"] for element in found].count("/H1") == len(titles)


def test_hostile_text_stays_text() -> None:
    """What a title and names say is on the page, letter by letter, and does nothing."""
    require_package()
    given = dense(
        (1, "sigmoid"), inputs=['#read("/etc/passwd")', HOSTILE[25:80]], title=HOSTILE + '#panic("x") $x$ "; \\'
    )
    content = rendering.render(sbp.solve(sbp.problem(given)), "pdf", engine="typst")
    assert isinstance(content, bytes)
    reader = pypdf.PdfReader(io.BytesIO(content))
    seen = "".join("".join(page.extract_text() for page in reader.pages).split())
    assert "".join(HOSTILE.split()) in seen and '#panic("x")$x$";\\' in seen
    assert reader.metadata is not None and reader.metadata.title == HOSTILE + '#panic("x") $x$ "; \\'


HARMFUL = {
    '#read("/etc/passwd")': "not found",
    '#read("../../../../../../../etc/passwd")': "escape",
    '#image("/etc/hostname")': "not found",
    '#include "/etc/hostname"': "not found",
    '#import "@preview/cetz:0.3.0"': "package",
    '#panic("stop")': "stop",
}


@pytest.mark.parametrize("source", HARMFUL)
def test_document_reaches_nothing(source: str) -> None:
    """A document reads no file, loads no package, and what stops it is one message."""
    require_package()
    begun = time.perf_counter()
    with pytest.raises(OutputError, match=HARMFUL[source]):
        next(typst_engine.typeset([f'#set document(title: "x")\n{source}'], 60))
    assert time.perf_counter() - begun < 30


def test_document_that_never_ends_is_stopped() -> None:
    """The time of a document is limited, and its process is gone."""
    require_package()
    with pytest.raises(OutputError, match=r"stopped after 0\.5 seconds"):
        next(
            typst_engine.typeset(
                ['#set document(title: "x")\n#for a in range(99999) { for b in range(99999) { } }'], 0.5
            )
        )


def test_letter_without_a_font_is_named() -> None:
    """A letter that no font has is no empty box: all such letters are named, with what to install."""
    require_package()
    given = dense((1, "sigmoid"), title="𓀀 and 𓁀")
    with pytest.raises(OutputError, match=r"(?s)𓀀.*𓁀.*Noto"):
        rendering.render(sbp.solve(sbp.problem(given)), "pdf", engine="typst")


def test_bytes_are_those_of_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs write the same bytes; the date is SOURCE_DATE_EPOCH where it is given."""
    require_package()
    first, again = (rendering.render(solved("line"), "pdf", engine="typst") for _ in range(2))
    assert first == again
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    later = rendering.render(solved("line"), "pdf", engine="typst")
    assert isinstance(later, bytes) and later != first and b"20231114" in later


def test_engine_is_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Typst where it is installed, else TeX; the one that the user's templates are for; or the one that is asked for."""
    monkeypatch.setattr(typst_engine.importlib.util, "find_spec", lambda name: object())
    assert pdf_engines.chosen() == "typst" and rendering.formats()["pdf"].formulas == "typst"
    assert rendering.formats(engine="tex")["pdf"].formulas == "tex"
    (tmp_path / "latex").mkdir()
    monkeypatch.setattr(tex_engines.shutil, "which", lambda name: name)
    assert pdf_engines.chosen(templates=tmp_path) == "tex"
    monkeypatch.setattr(typst_engine.importlib.util, "find_spec", lambda name: None)
    assert pdf_engines.chosen() == "tex"
    with pytest.raises(UnknownNameError, match="typst"):
        pdf_engines.chosen("typts")


def test_without_an_engine_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where neither engine is installed the message names the extra and the way through a browser."""
    monkeypatch.setattr(typst_engine.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(tex_engines.shutil, "which", lambda name: None)
    with pytest.raises(OutputError, match=r"symbackprop\[pdf\].*browser"):
        rendering.render(solved("line"), "pdf")


@pytest.mark.parametrize("name", EXAMPLES)
def test_source_has_all_blocks(name: str) -> None:
    """The document has the chains, tables and figures of the others, and no TeX."""
    text = text_of(name, "typst")
    assert text.count("#display(") + text.count("#side-by-side(") == text_of(name, "latex").count(r"\begin{alignat*}")
    assert text.count("#picture(") == text_of(name, "latex").count(r"\begin{symbackpropfigure}")
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
    assert each(outside.splitlines()) and not re.search(r"\\[a-zA-Z]", outside)


@pytest.mark.parametrize(
    ("name", "code"), few([("mazur", "en"), ("classifier", "zh"), ("rnn", "en"), ("deep", "zh")], 1)
)
def test_table_that_is_not_measured_fits(name: str, code: str) -> None:
    """A table that is sure to fit by the rough widths is no wider than its line and no higher than its page."""
    require_package()
    source = rendering.render(solved(name), "typst", code)
    assert isinstance(source, str)
    known = "#let whole(body) = "
    assert 1 == source.count(known) and source.count("#whole(") > 0
    measured = """#let whole(body) = layout(room => {
  let found = measure(body)
  assert(found.width <= room.width and found.height <= 0.8 * body-height, message: "too large")
  body
})
#let unmeasured(body) = """
    (content,) = typst_engine.typeset([source.replace(known, measured)], 60)
    assert content.startswith(b"%PDF")
    narrow = source.replace(known, measured).replace('paper: "a4"', "width: 6cm")
    with pytest.raises(OutputError, match="too large"):
        list(typst_engine.typeset([narrow], 60))


def test_figure_on_paper_has_its_own_colours() -> None:
    """A figure in a document of Typst is a string with its drawing, whose colours come from no style sheet."""
    blocks = [block for section in sections_of(composed("line").sections) for block in section.blocks]
    figure = next(block for block in blocks if isinstance(block, Figure))
    forms = figure_views.view(figure, "en", escapes.latex)
    image = str(forms["image"])
    assert image.startswith('"<svg') and "<style>" not in image and "var(--forward" not in image.partition(">")[2]
    assert str(forms["words"]) == escapes.quoted(language.say("en", figure.alternative))


def test_letters_of_a_figure_are_all_of_one_family() -> None:
    """A family without one of the letters would hand the whole label to another, and its slant would be lost."""
    fonts = {
        str(font.get_object()["/BaseFont"]).partition("+")[2]
        for page in pdf("lstm").pages
        for font in page["/Resources"].get("/Font", {}).values()
    }
    assert fonts
    assert {"NewCM10", "NewCMMath"} == {font.partition("-")[0] for font in fonts}
