"""Every page of what is handed out says whose it is and which of how many, to people and to scanners."""

from __future__ import annotations

import io
import re
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy
import pypdf
import pytest
import zxingcpp

import symbackprop as sbp
from symbackprop import rendering
from symbackprop.document.blocks import Document, PageFooter, Paragraph, Section
from symbackprop.homework.classes.roster import Roster, Student
from symbackprop.homework.handouts import distribution, enrolment, sheets
from symbackprop.messages import message
from symbackprop.problems import load
from symbackprop.rendering import page_footers, pdf_collections
from symbackprop.rendering.typesetting.pdf_engines import ENGINES
from tests.helpers import each, few, require_module, require_tool
from tests.rendering.verapdf import violations

HOSTILE = r"A%_{\x}$&#~^ <b>\"'*/@page{}"
BY_ENGINE = [pytest.param(name, marks=[pytest.mark.sweep] if name == "tex" else []) for name in ENGINES]
RESOLUTION = 150
"""Dots per inch of a coarse scan."""


def roster(*names: str) -> Roster:
    """Return a class."""
    students = tuple(Student(f"s{n}", name, {"id": f"s{n}", "name": name}) for n, name in enumerate(names, 1))
    return Roster(("id", "name"), students)


def scanned(file: Path) -> list[list[str]]:
    """Return what a scanner reads on each page of a PDF."""
    require_tool("pdftoppm")
    picture = subprocess.run(
        ["pdftoppm", "-gray", "-r", str(RESOLUTION), str(file)], capture_output=True, check=True
    ).stdout
    return [[code.text for code in zxingcpp.read_barcodes(page)] for page in _pages(picture)]


def _pages(picture: bytes) -> list[numpy.ndarray[tuple[int, int], numpy.dtype[numpy.uint8]]]:
    """Return the pages of a picture in PGM."""
    found, start = [], 0
    while start < len(picture):
        header = re.compile(rb"P5\s(\d+)\s(\d+)\s255\s").match(picture, start)
        assert header is not None
        width, height = int(header[1]), int(header[2])
        pixels = numpy.frombuffer(picture, numpy.uint8, width * height, header.end())
        found.append(pixels.reshape(height, width))
        start = header.end() + width * height
    return found


def texts(content: bytes) -> list[str]:
    """Return the text of each page of a PDF."""
    require_tool("pdftotext")
    text = subprocess.run(["pdftotext", "-layout", "-", "-"], input=content, capture_output=True, check=True).stdout
    return text.decode().removesuffix("\f").split("\f")


@pytest.mark.parametrize("language", few(["zh", "en"], 1))
@pytest.mark.parametrize("engine", BY_ENGINE)
def test_every_page_has_owner_number_and_code(tmp_path: Path, engine: str, language: str) -> None:
    """Of sheets and keys, by either engine; a scanner reads homework, sheet and page."""
    names = {"s1": HOSTILE if language == "en" else "王小明", "s2": "Max"}
    course = sbp.homework(
        "homework", students=names, folder=tmp_path, formats=["pdf"], engine=engine, language=language
    )
    said = "page {} of {}" if language == "en" else "第{}页，共{}页"
    for kind in each((distribution.SHEETS, distribution.KEYS)):
        for id, name in each(names.items()):
            file = tmp_path / kind / f"{id}.pdf"
            pages = texts(file.read_bytes())
            assert len(pages) > 1
            codes = scanned(file)
            for number, (text, read) in each(list(enumerate(zip(pages, codes, strict=True), 1))):
                foot = " ".join(text.rstrip().splitlines()[-3:])
                assert said.format(number, len(pages)).replace(" ", "") in foot.replace(" ", "")
                assert course.codes[id] in foot
                if name != HOSTILE:
                    assert name in foot
                assert 1 == len(read)
                assert re.fullmatch(rf"[0-9A-F]{{8}}:{course.codes[id]}:{number}", read[0])


@pytest.mark.sweep
@pytest.mark.parametrize("language", ["en", "zh"])
def test_validator_finds_nothing(tmp_path: Path, language: str) -> None:
    """The validator finds sheets and keys, with their codes and a hostile name, whole as PDF/UA-1 and PDF/A-2a."""
    require_module("typst")
    sbp.homework(
        "homework", students={"s1": HOSTILE}, folder=tmp_path, formats=["pdf"], engine="typst", language=language
    )
    for kind in each((distribution.SHEETS, distribution.KEYS)):
        assert [] == violations((tmp_path / kind / "s1.pdf").read_bytes())


@pytest.mark.parametrize("paper", ["a4", "letter"])
@pytest.mark.parametrize("engine", BY_ENGINE)
def test_paper(tmp_path: Path, engine: str, paper: str) -> None:
    """The size that the homework asks for, which changes no number."""
    problem = load.find_source("homework", [("homework.paper", paper)])
    course = sbp.homework(dict(problem.content), students=1, folder=tmp_path, formats=["pdf"], engine=engine)
    size = {"a4": (595, 842), "letter": (612, 792)}[paper]
    for file in each(sorted(tmp_path.rglob("*.pdf")), 4):
        for page in pypdf.PdfReader(file).pages:
            assert size == (round(page.mediabox.width), round(page.mediabox.height))
    assert course.answers == sbp.homework("homework", students=1, folder=tmp_path / "a4", formats=["text"]).answers


def test_anonymous_pages_have_the_code_alone(tmp_path: Path) -> None:
    """Who it is stands on the key."""
    source = load.find_source("homework")
    given_out = enrolment.prepare(
        [source], roster("Ada"), tmp_path, seed=0, formats=["typst"], language="en", anonymous=True
    )
    ((_, files),) = distribution.documents(given_out.job, [0], 1)
    sheet, key = (str(files[path]) for path in distribution.paths(given_out.job, 0))
    assert "Ada" not in sheet
    assert "Ada" in key


@pytest.mark.parametrize("engine", BY_ENGINE)
def test_documents_of_any_length_have_codes_on_all_pages(tmp_path: Path, engine: str) -> None:
    """Where there are more pages than codes were made for, they are made."""
    line = Paragraph(message("text.plain", text="word " * 400))
    footer = PageFooter((message("text.plain", text="Ada"),), "0:X", pages=1)
    content = Document("Title", (), (Section(message("sheet.task"), (line,) * 12),), footer)
    derivation = sbp.derive(sbp.example("line"))
    row = rendering.formats(engine=engine)["pdf"]
    short = replace(content, sections=content.sections[:0])
    parts = pdf_collections.collected([short, content], derivation, row, "en", time_limit=60)
    (tmp_path / "long.pdf").write_bytes(parts[1])
    read = scanned(tmp_path / "long.pdf")
    assert len(read) > 2  # a row of the second code has no dark module
    assert [[f"0:X:{number}"] for number in range(1, len(read) + 1)] == read
    assert 1 == len(pypdf.PdfReader(io.BytesIO(parts[0])).pages)


def test_runs_are_the_modules_of_a_code() -> None:
    """Read back letter by letter, light and dark in turn."""
    (code,) = page_footers._codes(PageFooter((), "89ED0CE6:NYR6MOB7VX", pages=1))
    rows = [_modules(row) for row in page_footers._runs(code.matrix).split(",")]
    assert rows == [[int(module) for module in row] for row in code.matrix]


def _modules(row: str) -> Sequence[int]:
    return [place % 2 for place, letter in enumerate(row) for _ in range(ord(letter) - ord("a"))]


@pytest.mark.sweep
def test_printed_pages_of_html(tmp_path: Path) -> None:
    """What a browser prints: owner, number and count, and the code of the sheet, which nothing in a name breaks."""
    require_tool("chromium")
    source = load.find_source("homework", [("homework.paper", "letter")])
    given_out = enrolment.prepare([source], roster(HOSTILE), tmp_path, seed=0, formats=["html"], language="en")
    ((_, files),) = distribution.documents(given_out.job, [0], 1)
    page, printed = tmp_path / "sheet.html", tmp_path / "sheet.pdf"
    page.write_text(str(files[distribution.paths(given_out.job, 0)[0]]), "utf-8")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    subprocess.run([*command, f"--print-to-pdf={printed}", page.as_uri()], capture_output=True, check=True, timeout=60)
    code = given_out.job.manifest.enrolments[0].code
    pages, read = texts(printed.read_bytes()), scanned(printed)
    assert len(pages) > 1
    for number, (text, codes) in each(list(enumerate(zip(pages, read, strict=True), 1))):
        assert f"page{number}of{len(pages)}" in text.replace(" ", "")
        assert HOSTILE.replace(" ", "") in text.replace(" ", "")
        assert [f"{given_out.job.manifest.digest[:8].upper()}:{code}"] == codes
    assert 612 == round(pypdf.PdfReader(printed).pages[0].mediabox.width)


def test_documents_that_are_nobodys_have_a_number_alone() -> None:
    """A worked solution has no owner and no code."""
    solution = sbp.solve(sbp.example("line"))
    assert "scan-picture" not in sbp.render(solution, "typst")
    assert r"\symbackprop@scan" not in sbp.render(solution, "latex")
    assert "@bottom-left" not in sbp.render(solution, "html")
    assert sheets.PageFooter is PageFooter
