"""Markdown in both dialects, read by the parsers of their readers: CommonMark with dollars, GitHub's, pandoc's."""

from __future__ import annotations

import functools
import html
import json
import re
import subprocess
from collections.abc import Iterator

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

from symbackprop import language, rendering
from symbackprop.algebra.formula import Name
from symbackprop.document.blocks import Display, Document, Figure, Note, Paragraph, Table, Terms
from symbackprop.messages import message
from symbackprop.rendering.drafts import Draft
from symbackprop.rendering.escapes import MARKUPS
from tests.documents import EXAMPLES, HOSTILE, PROBLEMS, blocks_of, composed, sections_of, solved, some, text_of
from tests.helpers import only, require_tool

NAMES = [*EXAMPLES, *PROBLEMS]
DIALECTS = ("markdown", "markdown-github")


@functools.cache
def parsed(name: str) -> tuple[str, list[Token]]:
    """Return a document's Markdown and its tokens."""
    text = text_of(name, "markdown")
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"]).use(dollarmath_plugin)
    return text, parser.parse(text)


def inner(tokens: list[Token]) -> Iterator[Token]:
    """Yield tokens and the tokens inside them."""
    for token in tokens:
        yield token
        yield from inner(token.children or [])


@pytest.mark.parametrize("name", some(NAMES))
def test_markdown_is_read_as_it_is_meant(name: str) -> None:
    """A parser finds every displayed formula and every table, and no formula in what it takes for text."""
    _, tokens = parsed(name)
    kinds = [token.type for token in tokens]
    assert blocks_of(name, Display) == kinds.count("math_block")
    assert blocks_of(name, Table, Terms) == kinds.count("table_open")
    prose = [token.content for token in inner(tokens) if token.type in ("text", "code_inline", "html_inline")]
    if name != "hostile":
        assert [] == [text for text in prose if re.search(r"\$|\\begin|\\frac|\\[a-z]+\{|_\{|\^\{", text)]
    forbidden = {
        "html_block",
        "html_inline",
        "link_open",
        "code_inline",
        "code_block",
        "fence",
        "hr",
    }
    every = [token.type for token in inner(tokens)]
    assert set() == forbidden & set(every)
    assert blocks_of(name, Note) == every.count("em_open")
    assert blocks_of(name, Figure) == every.count("image")


@pytest.mark.parametrize("name", some(NAMES))
def test_markdown_keeps_the_columns_of_its_tables(name: str) -> None:
    """Every row has the cells of its header: no formula carries a bar that a table would take for its own."""
    _, tokens = parsed(name)
    rows: list[int] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append(0)
        elif token.type in ("th_open", "td_open"):
            rows[-1] += 1
    expected = [
        len(row)
        for section in sections_of(composed(name).sections)
        for block in section.blocks
        if isinstance(block, Table | Terms)
        for row in (block.header, *(block.rows if isinstance(block, Table) else block.entries))
    ]
    assert expected == rows
    formulas = [token.content for token in inner(tokens) if token.type == "math_inline"]
    assert [] == [formula for formula in formulas if "|" in formula]


@pytest.mark.parametrize("name", some(NAMES))
def test_markdown_avoids_the_traps_of_its_readers(name: str) -> None:
    r"""Blank lines around `$$`, none inside, no inner line that begins a list or heading, no \operatorname."""
    text, _ = parsed(name)
    lines = text.split("\n")
    fences = [number for number, line in enumerate(lines) if line == "$$"]
    assert text.count("$$") == len(fences) + (HOSTILE.count("$$") if name == "hostile" else 0)
    for start, end in zip(fences[::2], fences[1::2], strict=True):
        assert ("", "") == (lines[start - 1], lines[end + 1])
        for line in lines[start + 1 : end]:
            assert line.strip() and line.lstrip()[0] not in "+-*#>=", line
    assert not re.search(r"\\operatorname|\n\n\n", text)


def test_markdown_shows_hostile_text_literally() -> None:
    """A title that looks like markup is a title; one heading of the first level, holding the text."""
    _, tokens = parsed("hostile")
    headings = [tokens[k + 1] for k, token in enumerate(tokens) if token.type == "heading_open" and token.tag == "h1"]
    assert [HOSTILE] == ["".join(child.content for child in token.children or []) for token in headings]


TRICKY = [
    "1. x",
    "- x",
    "+ x",
    "# x",
    "> x",
    "= x",
    "--",
    "a | b",
    "x #",
    "``x",
    "~~x~~",
    "\\",
    "$a$ $$b$$",
    "![a](b)",
    "&lt;",
    "<b>",
]


@pytest.mark.parametrize("text", [*TRICKY, HOSTILE])
def test_escape_markdown_is_undone_by_a_reader(text: str) -> None:
    """Escaped text, alone in a paragraph, reads as the text."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"]).use(dollarmath_plugin)
    first, content, last = parser.parse(MARKUPS["markdown"].escape(text))
    kinds = (first.type, last.type, {child.type for child in content.children or []} <= {"text", "text_special"})
    assert ("paragraph_open", "paragraph_close", True) == kinds
    assert text == "".join(child.content for child in content.children or [])


@functools.cache
def on_github(name: str) -> tuple[str, str]:
    """Return a document's Markdown for GitHub, and what GitHub's own parser makes of it."""
    text = text_of(name, "markdown-github")
    return text, to_html(text)


def to_html(text: str) -> str:
    """Return the page that GitHub's parser makes of a text."""
    return str(cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE))


@pytest.mark.parametrize("name", some(NAMES))
def test_github_keeps_every_formula(name: str) -> None:
    """Displayed formulas are fences of mathematics, formulas in sentences code between dollars, both letter by letter."""
    text, page = on_github(name)
    fences = re.findall(r'<pre lang="math"><code>(.*?)</code></pre>', page, re.DOTALL)
    assert blocks_of(name, Display) == len(fences)
    assert re.findall(r"^```math\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) == [html.unescape(f) for f in fences]
    assert re.findall(r"\$`([^`]+)`\$", text) == [html.unescape(f) for f in re.findall(r"\$<code>(.*?)</code>\$", page)]
    assert page.count("<code>") == len(fences) + text.count("$`")


@pytest.mark.parametrize("name", some(NAMES))
def test_github_keeps_every_table(name: str) -> None:
    """Every table is one, and every row of it has the cells of its header."""
    _, page = on_github(name)
    tables = re.findall(r"<table>(.*?)</table>", page, re.DOTALL)
    assert blocks_of(name, Table, Terms) == len(tables)
    for table in tables:
        rows = [len(re.findall(r"<t[hd]\b", row)) for row in re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)]
        assert 1 == len(set(rows))
    assert all(table.count("|") == 0 for table in tables if name != "hostile")


@pytest.mark.parametrize("name", some(NAMES))
def test_github_finds_no_other_markup(name: str) -> None:
    """Nothing but headings, paragraphs, lists, tables, formulas, figures and explanations: no link, no emphasis."""
    _, page = on_github(name)
    found = [block for section in sections_of(composed(name).sections) for block in section.blocks]
    headings = [block for block in found if isinstance(block, Paragraph) and block.heads]
    assert len(headings) == page.count("<strong>")
    allowed = {"h1", "h2", "h3", "h4", "h5", "p", "ul", "ol", "li", "pre", "code"}
    allowed |= {"table", "thead", "tbody", "tr", "th", "td"}
    allowed |= {"span"} if name == "hostile" else set()
    allowed |= {"img", "br"} if blocks_of(name, Figure) else set()
    # An explanation is a quotation that begins with a word in italics.
    allowed |= {"blockquote", "em"} if blocks_of(name, Note) else set()
    assert blocks_of(name, Note) == page.count("<blockquote>") == page.count("<em>")
    allowed |= {"strong"} if headings else set()
    assert set(re.findall(r"<(\w+)", page)) <= allowed
    assert blocks_of(name, Figure) == page.count('<img src="solution.')


@pytest.mark.parametrize("name", some(NAMES))
def test_github_sees_a_formula_where_one_stands(name: str) -> None:
    r"""Beside a formula are spaces, ends or ASCII signs; GitHub refuses \operatorname and reads bars as columns."""
    text, _ = on_github(name)
    for before, after in re.findall(r"(?s)(^|.)\$`[^`]+`\$(.|$)", text):
        assert not before.isalnum() and before.isascii()
        assert not after.isalnum() and after.isascii()
    assert r"\operatorname" not in text
    assert "|" not in "".join(re.findall(r"\$`([^`]+)`\$", text))


@pytest.mark.parametrize("text", [*TRICKY, HOSTILE, "http://a.example www.b.example", "$x$ and $`y`$", "a@b"])
def test_escape_github_is_undone_by_github(text: str) -> None:
    """Escaped text reads as the text, without a link, and no dollar of it stands where GitHub looks for formulas."""
    escaped = MARKUPS["github"].escape(text)
    assert "$" not in escaped.replace("<span>$</span>", "")
    page = to_html(escaped)
    assert {"p", "span"} >= set(re.findall(r"<(\w+)", page))
    assert text == html.unescape(re.sub(r"</?(?:p|span)>", "", page)).strip()


SPACED = {
    "markdown": "误差 {z}，即 {z} 的（{z}）",
    "markdown-github": "误差 {z} ，即 {z} 的（ {z} ）",
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_formula_keeps_its_distance_from_letters_and_for_github_from_full_width_signs(
    dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a formula and a Chinese character is a space; GitHub alone needs one before a sign; ASCII signs touch it."""
    phrases = {**language.phrases("en"), "t.x": "误差{z}，即{z}的（{z}）", "t.y": "the error ({z}), or {z}"}
    monkeypatch.setattr(language, "phrases", lambda code: phrases)
    writer = Draft(rendering.formats()[dialect], solved("line"), "en", ("full",)).writer
    z = writer.dialect.inline(writer.layout.box(Name("z1_1")))
    z = writer.math[0] + z + writer.math[1]
    content = Document("", (message("t.x", z=Name("z1_1")), message("t.y", z=Name("z1_1"))), ())
    assert [SPACED[dialect].format(z=z), f"the error ({z}), or {z}"] == writer.document(content)["subtitle"]


def nodes(part: object) -> Iterator[dict[str, object]]:
    """Yield every node of pandoc's tree that has a type."""
    if isinstance(part, dict):
        if "t" in part:
            yield part
        part = list(part.values())
    if isinstance(part, list):
        for inner_part in part:
            yield from nodes(inner_part)


@pytest.mark.parametrize("name", only(["mazur", "xor", "circuit", "lstm", "hostile", "words"], "circuit", "hostile"))
def test_pandoc_reads_the_common_dialect(name: str) -> None:
    """Pandoc finds the formulas and tables that the parser of notebooks finds, and takes no text for a formula."""
    pandoc = require_tool("pandoc")
    text, tokens = parsed(name)
    command = [pandoc, "-f", "markdown", "-t", "json"]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=True)
    tree = list(nodes(json.loads(done.stdout)))
    kinds = [node["c"][0]["t"] for node in tree if node["t"] == "Math"]  # type: ignore[index]
    assert blocks_of(name, Display) == kinds.count("DisplayMath")
    assert [token.type for token in inner(tokens)].count("math_inline") == kinds.count("InlineMath")
    assert blocks_of(name, Table, Terms) == [node["t"] for node in tree].count("Table")
    assert not {"RawInline", "RawBlock", "Link", "Figure"} & {node["t"] for node in tree}
    assert blocks_of(name, Note) == [node["t"] for node in tree].count("Emph")
    # A title that pandoc gives an image of its own accord ("fig:") would print its words below it.
    assert blocks_of(name, Figure) == [node["t"] for node in tree].count("Image")
    assert not any(str(node["c"][2][1]).startswith("fig:") for node in tree if node["t"] == "Image")  # type: ignore[index]
