"""Pages of a PDF by either engine, measured: how full they are, where headings stand, how large letters are."""

from __future__ import annotations

import functools
import io
import re
import subprocess

import pypdf
import pytest

from symbackprop import document, rendering
from symbackprop.rendering.drafts import Draft
from symbackprop.rendering.typesetting.tex_engines import typeset
from tests.documents import EXAMPLES, solved
from tests.helpers import each, in_turn, require_module, require_tool
from tests.rendering.verapdf import violations

POINTS = 72 / 25.4
TOP, BOTTOM = 15 * POINTS, (297 - 17) * POINTS
"""Where the text of a page of A4 begins and ends, in points from the upper edge."""
FULL, LAST = 0.5, 0.2
"""The least part of a page that is filled, and of the last one."""
READABLE = 7.9
"""The size of the letters of words, in points: TeX has 7.97 where it says 8."""
LANGUAGES = {"en": "en", "zh": "zh-Hans"}
ENGINES = ("typst", "tex")

SET_BY_TEX = ("mazur", "lstm", "line")
"""Examples that XeTeX sets too: it takes ten times as long as Typst for a Chinese document."""

DETAILS = [("mazur", "short"), ("deep", "short"), ("mazur", "matrix"), ("deep", "general"), ("xor", "representative")]
ALL = [
    *((name, None, code) for name in EXAMPLES for code in LANGUAGES),
    *((name, detail, code) for name, detail in DETAILS for code in LANGUAGES),
]


@functools.cache
def typeset_pages(name: str, detail: str | None, code: str, engine: str) -> bytes:
    """Return a solution as a PDF."""
    require_module("typst") if engine == "typst" else require_tool("pdflatex" if code == "en" else "xelatex")
    content = rendering.render(solved(name), "pdf", code, detail, engine=engine)
    assert isinstance(content, bytes)
    return content


def words_of(content: bytes) -> list[list[tuple[float, str]]]:
    """Return the words of each page with their lower edges in points from the top, the number of the page left out."""
    command = [require_tool("pdftotext"), "-bbox", "-", "-"]
    text = subprocess.run(command, input=content, capture_output=True, check=True).stdout.decode()
    pages = []
    for page in text.split("<page ")[1:]:
        found = [(float(low), word) for low, word in re.findall(r'yMax="([\d.]+)">(.*?)</word>', page)]
        lowest = max(low for low, _ in found)
        pages.append([(low, word) for low, word in found if low < lowest - 2])
    return pages


def fill(page: list[tuple[float, str]]) -> float:
    """Return which part of a page its words fill, from the top to the lowest of them."""
    return (max(low for low, _ in page) - TOP) / (BOTTOM - TOP)


@pytest.mark.sweep
@pytest.mark.parametrize(("name", "detail", "code"), ALL)
def test_pages_are_filled_and_no_heading_stands_at_a_foot(name: str, detail: str | None, code: str) -> None:
    """By either engine every page is more than half full, the last more than a fifth; both need as many pages."""
    counts = []
    for engine in each(ENGINES if code == "en" or name in SET_BY_TEX else ENGINES[:1]):
        content = typeset_pages(name, detail, code, engine)
        pages = words_of(content)
        counts.append(len(pages))
        *full, last = map(fill, pages)
        assert all(part > FULL for part in full), (engine, full)
        assert last > LAST, engine
        found = titles(pypdf.PdfReader(io.BytesIO(content)).outline)
        headings = {re.sub(r"^[\d.]+", "", "".join(title.split())) for title in found}
        for page in each(pages):
            lowest = max(low for low, _ in page)
            line = "".join(word for low, word in page if low > lowest - 3)
            assert re.sub(r"^[\d.]+", "", line) not in headings
    assert max(counts) - min(counts) <= max(1, 0.05 * max(counts))


def titles(outline: object) -> list[str]:
    """Return the titles of bookmarks, those of inner ones too."""
    if isinstance(outline, list):
        return [title for entry in outline for title in titles(entry)]
    return [str(outline["/Title"])]  # type: ignore[index]


@pytest.mark.sweep
@pytest.mark.parametrize(("name", "code"), in_turn(EXAMPLES, LANGUAGES))
def test_words_are_large_enough(name: str, code: str) -> None:
    """Outside pictures no word has letters below 8 points: no table is shrunk further, and no explanation."""
    solution = solved(name)
    content = document.compose(solution, without=("figures", "title.check"))
    source = Draft(rendering.formats()["latex"], solution, code, None, content=content).fill("document.jinja")
    small: list[tuple[float, str]] = []
    seen = 0

    def visit(text: str, matrix: list[float], place: list[float], font: dict[str, str] | None, size: float) -> None:
        nonlocal seen
        scale = max(map(abs, place[:4])) * max(map(abs, matrix[:4]))
        # Of Chinese letters the file says the font and no more.
        if re.search("[A-Za-z]{4}", text) or (text.strip() and "Fandol" in (font or {}).get("/BaseFont", "")):
            seen += 1
            if size * scale < READABLE:
                small.append((size * scale, text))

    for page in pypdf.PdfReader(io.BytesIO(typeset(source))).pages:
        page.extract_text(visitor_text=visit)
    assert seen > 20
    assert [] == small


@pytest.mark.sweep
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("name", "code"), [("mazur", "en"), ("circuit", "zh"), ("hostile", "en"), ("not Latin", "en")])
def test_file_says_what_it_is(name: str, code: str, engine: str) -> None:
    """The file has the title of the document letter by letter, an author, its language, and a bookmark for each section."""
    solution = solved(name)
    reader = pypdf.PdfReader(io.BytesIO(typeset_pages(name, None, code, engine)))
    about = reader.metadata
    assert about is not None
    assert solution.problem.heading.said(code) == about.title
    assert "symbackprop" == about.author
    assert reader.trailer["/Root"]["/Lang"] in (code, LANGUAGES[code])  # type: ignore[index]
    sections = document.compose(solution).sections
    assert len(sections) == sum(not isinstance(entry, list) for entry in reader.outline)


@pytest.mark.sweep
@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("name", [*EXAMPLES, "hostile", "not Latin"])
def test_validator_finds_nothing(name: str, code: str) -> None:
    """The validator finds a solution that Typst has set whole as PDF/UA-1 and as PDF/A-2a."""
    assert [] == violations(typeset_pages(name, None, code, "typst"))


def test_validator_finds_what_is_missing() -> None:
    """A page without tags, title and language breaks rules of both standards."""
    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    content = io.BytesIO()
    writer.write(content)
    found = violations(content.getvalue())
    assert any("14289-1" in rule for rule in found) and any("19005-2" in rule for rule in found)


PARAGRAPH = "One line of a few words that fills a part of its page.\\par\n"


def pages_of(lines: int) -> list[float]:
    """Return how full the pages of so many lines are, set by the frame of a solution."""
    require_tool("pdflatex")
    draft = Draft(rendering.formats()["latex"], solved("line"), "en", ("short",))
    whole = draft.fill("document.jinja")
    start, _, rest = whole.partition("\\begin{document}")
    assert "\\end{document}" in rest
    body = "\\begin{symbackprop}" + PARAGRAPH * lines + "\\end{symbackprop}"
    return [fill(page) for page in words_of(typeset(f"{start}\\begin{{document}}{body}\\end{{document}}"))]


@pytest.mark.sweep
@pytest.mark.parametrize("lines", [*range(43, 55, 2), *range(90, 110, 3), 400, 403, 406])
def test_last_page_is_not_almost_empty(lines: int) -> None:
    """Whatever the length of a text, its last page is more than a fifth full, or the page before takes what it had."""
    pages = pages_of(lines)
    assert pages[-1] > LAST
    assert all(part > FULL for part in pages[:-1])
    assert len(pages) <= 1 + lines / 40


def test_fragment_leaves_the_pages_of_its_document_alone() -> None:
    """What moves the end of a page belongs to a whole document."""
    known = rendering.formats()
    whole, part = (
        Draft(known[name], solved("line"), "en", ("short",)).fill("document.jinja")
        for name in ("latex", "latex-fragment")
    )
    assert "\\symbackprop@lastpage" in whole
    assert "\\symbackprop@lastpage" not in part
