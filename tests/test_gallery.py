"""The gallery in `output/`: complete, linked, and what the program writes today."""

from __future__ import annotations

import functools
import html
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import pytest

from symbackprop.problems.load import examples
from tests.conftest import require_tool
from tests.documents import solved

ROOT = Path(__file__).parent.parent
OUTPUT = ROOT / "output"


def _loaded() -> ModuleType:
    """Return the program that writes the gallery."""
    spec = importlib.util.spec_from_file_location("gallery", ROOT / "tools" / "gallery.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


gallery = _loaded()
is_written = pytest.mark.skipif(
    not (OUTPUT / gallery.PREVIEW).is_dir(), reason="the gallery is not written here (make gallery)"
)
EXAMPLES = [(name, code) for name in examples() for code in gallery.LANGUAGES]


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
    """Each example has a row, in which it is described and linked in each language."""
    rows = [line for line in index().splitlines() if line.startswith("| [")]
    assert [row.split("]")[0].removeprefix("| [") for row in rows] == list(examples())
    for name, row in zip(examples(), rows, strict=True):
        for code in gallery.LANGUAGES:
            assert solved(name).problem.heading.said(code) in row
            assert f"({name}/{gallery.stem(code)}.github.md)" in row
            assert f"({name}/{gallery.stem(code)}.pdf)" in row


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


@pytest.mark.parametrize("name", [gallery.INDEX, gallery.WEB_INDEX])
@is_written
def test_index_is_what_the_program_writes(name: str) -> None:
    """The pages beside the gallery are not written by hand."""
    written = {gallery.INDEX: index, gallery.WEB_INDEX: web_index}[name]()
    assert (OUTPUT / name).read_text("utf-8") == written


@is_written
def test_index_leads_to_files() -> None:
    """Every link of the index, and every figure of a page, is a file."""
    pages = [OUTPUT / gallery.INDEX, *OUTPUT.glob("*/*.github.md")]
    for page in pages:
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
            if "://" not in link:
                assert (page.parent / unquote(link)).exists(), f"{page.name}: {link}"
    for link in re.findall(r'(?:href|src)="([^"]*)"', (OUTPUT / gallery.WEB_INDEX).read_text("utf-8")):
        assert (OUTPUT / link).exists(), link


@is_written
@pytest.mark.parametrize(("name", "code"), EXAMPLES)
def test_texts_of_the_gallery_are_what_the_program_writes(name: str, code: str) -> None:
    """Markdown, figures and pages for browsers are the same to the byte."""
    formats = [format for format in gallery.FORMATS if format != "pdf"]
    for path, content in gallery.pages(name, solved(name), code, formats).items():
        written = (OUTPUT / path).read_bytes()
        assert written == (content if isinstance(content, bytes) else content.encode()), f"make gallery: {path}"


@is_written
@pytest.mark.parametrize("name", ["line", gallery.PREVIEW])
def test_pages_of_the_gallery_are_what_the_program_writes(name: str, tmp_path: Path) -> None:
    """A PDF has the text of one made now: the bytes depend on the fonts and the engine of a machine."""
    require_tool("pdflatex")
    ((path, content),) = gallery.pages(name, solved(name), "en", ["pdf"]).items()
    (tmp_path / "now.pdf").write_bytes(content)
    assert text_of(OUTPUT / path) == text_of(tmp_path / "now.pdf"), f"make gallery: {path}"


@is_written
def test_gallery_is_small() -> None:
    """A clone does not carry more than 30 MB of solutions."""
    kept = [file for name in examples() for file in (OUTPUT / name).glob("*")]
    assert sum(file.stat().st_size for file in kept) < 30_000_000
