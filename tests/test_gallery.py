"""The gallery in `output/`: complete, linked, and what the program writes today."""

from __future__ import annotations

import functools
import html
import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

from symbackprop.problems.load import examples
from tests.documents import REPRESENTATIVE, solved
from tests.helpers import ROOT, only, require_tool
from tools import gallery

OUTPUT = ROOT / "output"


is_written = pytest.mark.skipif(
    not (OUTPUT / gallery.PREVIEW).is_dir(), reason="the gallery is not written here (make gallery)"
)
EXAMPLES = [(name, code) for name in examples() for code in gallery.LANGUAGES]
FIGURES = {file.relative_to(OUTPUT).as_posix() for file in OUTPUT.glob("*/solution*.svg")}
KEPT_FILES = {
    gallery.INDEX,
    f"{gallery.PREVIEW}/preview.png",
    *(gallery.file_of(name, code, format) for name, code in EXAMPLES for format in gallery.kept(name, code)),
    *(file for file in FIGURES if file.partition("/")[0] in examples()),
}
"""What Git keeps; the rest is made by `make gallery`."""


@functools.cache
def index() -> str:
    """Return the page that lists the gallery."""
    return str(gallery.index([(name, solved(name)) for name in examples()]))


@functools.cache
def web_index() -> str:
    """Return the page that shows the gallery in a browser."""
    return str(gallery.web_index([(name, solved(name)) for name in examples()]))


def text_of(file: Path) -> str:
    """Return the text on the pages of a PDF."""
    command = [require_tool("pdftotext"), "-raw", str(file), "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode()


def test_index_has_every_example_in_every_language() -> None:
    """Each example has a row, in which it is described and linked in each language, in the formats that Git keeps."""
    rows = [line for line in index().splitlines() if line.startswith("| [")]
    assert [row.split("]")[0].removeprefix("| [") for row in rows] == list(examples())
    for name, row in zip(examples(), rows, strict=True):
        for code in gallery.LANGUAGES:
            assert solved(name).problem.heading.said(code) in row
            linked = {format for format in gallery.FORMATS if f"({gallery.file_of(name, code, format)})" in row}
            assert set(gallery.kept(name, code)) == linked


def test_index_for_a_browser_has_a_card_for_every_example() -> None:
    """Each card has the titles in every language, the diagram, and the pages that a browser shows."""
    text = web_index()
    cards = re.findall(r"<li>(.*?)</li>", text, re.DOTALL)
    assert len(cards) == len(examples())
    for name, card in zip(examples(), cards, strict=True):
        said = html.unescape(re.sub(r"<[^>]*>", "", card))
        assert all(solved(name).problem.heading.said(code) in said for code in gallery.LANGUAGES)
        links = set(re.findall(r'(?:href|src)="([^"]*)"', card))
        assert links >= {
            f"{name}/solution.html",
            f"{name}/solution.pdf",
            f"{name}/solution.zh.pdf",
            f"{name}/solution.1.svg",
        }
    assert not re.search(r"<script|https?://", text)


@is_written
def test_index_is_what_the_program_writes() -> None:
    """The page beside the gallery is not written by hand."""
    assert (OUTPUT / gallery.INDEX).read_text("utf-8") == index()


@is_written
def test_index_leads_to_files() -> None:
    """Every link of the index, and every figure of a page, is a file that Git keeps."""
    pages = [OUTPUT / gallery.INDEX, *(OUTPUT / file for file in KEPT_FILES if file.endswith(".github.md"))]
    assert len(pages) > len(examples())
    for page in pages:
        links = re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8"))
        assert links, page
        for link in links:
            if "://" not in link:
                found = (page.parent / unquote(link)).resolve()
                assert found.exists(), f"{page.name}: {link}"
                if found.is_relative_to(OUTPUT):
                    assert found.relative_to(OUTPUT).as_posix() in KEPT_FILES, f"{page.name}: {link}"


@is_written
@pytest.mark.parametrize(("name", "code"), only(EXAMPLES, *(row for row in EXAMPLES if row[0] in REPRESENTATIVE)))
def test_texts_of_the_gallery_are_what_the_program_writes(name: str, code: str) -> None:
    """Markdown, figures and the page for a browser are the same to the byte."""
    formats = [format for format in gallery.kept(name, code) if format != "pdf"]
    assert formats
    for path, content in gallery.pages(name, solved(name), code, formats).items():
        written = (OUTPUT / path).read_bytes()
        assert written == (content if isinstance(content, bytes) else content.encode()), f"make gallery: {path}"


@pytest.mark.sweep
@is_written
def test_page_of_the_gallery_is_what_the_program_writes(tmp_path: Path) -> None:
    """A PDF has the text of one made now: the bytes depend on the fonts and the engine of a machine."""
    require_tool("pdflatex")
    ((path, content),) = gallery.pages(gallery.PREVIEW, solved(gallery.PREVIEW), "en", ["pdf"]).items()
    (tmp_path / "now.pdf").write_bytes(content)
    assert text_of(OUTPUT / path) == text_of(tmp_path / "now.pdf"), f"make gallery: {path}"


@is_written
def test_gallery_is_small() -> None:
    """A clone does not carry more than 5 MB of solutions."""
    assert sum((OUTPUT / file).stat().st_size for file in KEPT_FILES) < 5_000_000


def test_git_keeps_what_is_read_on_the_web() -> None:
    """What Git keeps below output/ are the files that `kept` names, and `make gallery` writes nothing that Git would add."""
    git = require_tool("git")
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    made = {gallery.file_of(name, code, format) for name, code in EXAMPLES for format in gallery.FORMATS} | {
        gallery.WEB_INDEX
    }
    listed = "\n".join(f"output/{file}" for file in sorted(made | KEPT_FILES))
    command = [git, "check-ignore", "--no-index", "--stdin"]
    ignored = subprocess.run(command, cwd=ROOT, input=listed, capture_output=True, text=True, check=True).stdout
    assert {f"output/{file}" for file in made - KEPT_FILES} == set(ignored.splitlines())
    tracked = subprocess.run([git, "ls-files", "output"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {f"output/{file}" for file in KEPT_FILES} == set(tracked.splitlines())
