"""Reports of marking: documents like all others, in which what students typed is text and nothing else."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from symbackprop import language, rendering
from symbackprop.document.blocks import Document, Judged, Judgement, Section, Table, Verbatim
from symbackprop.homework import grading
from symbackprop.homework.classes import roster
from symbackprop.homework.handouts import enrolment
from symbackprop.homework.reporting.reports import GradedClass
from symbackprop.messages import message
from symbackprop.problems import load
from symbackprop.rendering import escapes, exporters, pdf_collections
from symbackprop.whole_files import write_files
from tests.documents import solved
from tests.helpers import each, require_tool
from tests.homework.term import written_files

HOSTILE = r"<script>alert(1)</script> \input{x} a_b*c $x$ | y` ]]> {{7*7}} <<7*7>> %"
TYPED = {"z1_1": "0.3 + ", "z1_2": "0.3 0.7x", "a1_1": HOSTILE, "a1_2": "17", "L": ""}
A4_WIDTH, MARGIN = 595, 40
"""In points."""

SHEETS = ("html", "latex", "latex-fragment", "markdown", "markdown-github", "pdf", "text", "typst")
"""The formats that reports are written in: all but those of data and of code."""


@pytest.fixture(scope="module", params=language.available())
def marked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> GradedClass:
    """Return a class of two, one of whom handed in what nobody can read."""
    folder = tmp_path_factory.mktemp("class")
    source, students = load.find_source("homework"), roster.numbered(2)
    given = enrolment.prepare(
        [source], students, folder, seed=7, attempt=1, formats=("text",), language=request.param, anonymous=False
    )
    write_files({folder / name: content for name, content in given.files.items()})
    table = folder / "submissions.csv"
    rows = [f'1,{answer},"{text}"\n' for answer, text in TYPED.items()]
    table.write_text("student,answer,value\n" + "".join(rows), encoding="utf-8")
    return grading.grade(folder, table)


def test_reports_are_documents_in_every_format(marked: GradedClass) -> None:
    """Each format has its files of the summary and of the feedback, with every verdict that there is in the class."""
    table = rendering.formats()
    assert set(SHEETS) == {name for name, row in table.items() if row.finish not in ("json", "notebook")}
    names = [name for name in SHEETS if name not in ("pdf", "html")]
    written = written_files(marked, [table[name] for name in names])
    for name in each(names):
        suffix = table[name].suffix
        page, whole = str(written[f"feedback/1.{suffix}"]), str(written[f"summary.{suffix}"])
        for verdict in ("wrong", "blank", "unreadable"):
            assert marked.say(message(f"verdict.{verdict}")) in page
        assert marked.say(message("report.absent")) in whole
        assert marked.say(message("report.unread")) in whole


def test_report_without_a_format_is_a_page(marked: GradedClass) -> None:
    """The files have the names that they always had; a page without formulas does not carry what sets them."""
    written = written_files(marked)
    assert ["report.csv", "gradebook.csv", "summary.html", "feedback/1.html"] == list(written)
    page = str(written["feedback/1.html"])
    assert len(page) < 60_000
    assert "katex" not in re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL)
    assert 'class="is-wrong"' in page and 'class="is-open"' in page
    assert '0.3 +<span class="caret">' in page.replace("0.3 + <", "0.3 +<")
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page


@pytest.mark.sweep
def test_reports_are_typeset(marked: GradedClass, tmp_path: Path) -> None:
    """Hostile answers and all, every page of a class is set, each in a file of its own, and no table leaves the paper."""
    require_tool("pdflatex")
    require_tool("pdftotext")
    row = rendering.formats()["pdf"]
    written = written_files(marked, [row])
    for name in each(["summary.pdf", "feedback/1.pdf"]):
        file = tmp_path / Path(name).name
        file.write_bytes(written[name])  # type: ignore[arg-type]
        boxes = subprocess.run(["pdftotext", "-bbox", file, "-"], capture_output=True, check=True, encoding="utf-8")
        ends = [float(end) for end in re.findall(r'xMax="([\d.]+)"', boxes.stdout)]
        assert ends and max(ends) < A4_WIDTH - MARGIN, name


def page(format: str, *cells: object, header: str = "x") -> str:
    """Return a document of one table with one row in a format."""
    table = Table(tuple(Verbatim(header) for _ in cells), (cells,), (False,) * len(cells))  # type: ignore[arg-type]
    document = Document("title", (), (Section(message("report.answers"), (table,)),))
    (draft,) = pdf_collections.drafted([document], solved("line").derivation, rendering.formats()[format], "en")
    return str(exporters.written(draft))


@pytest.mark.parametrize("format", [name for name in SHEETS if name != "pdf"])
def test_typed_text_has_a_caret_where_reading_stopped(format: str) -> None:
    """Before, caret, after: in this order in every format, and without a place there is no caret."""
    caret = escapes.MARKUPS[rendering.formats()[format].escape].caret
    stopped, whole = page(format, Verbatim("aaa bbb", 4)), page(format, Verbatim("aaa bbb"))
    assert re.search(rf'aaa[\s"]*{re.escape(caret)}[#"]*bbb', stopped)
    assert caret not in whole.split(r"\begin{document}")[-1]
    assert (
        caret in page(format, Verbatim("aaa", 3))
        and caret not in page(format, Verbatim("", 0)).split(r"\begin{document}")[-1]
    )


@pytest.mark.parametrize("format", [name for name in SHEETS if name != "pdf"])
def test_tones_are_what_a_format_has_for_them(format: str) -> None:
    """A word of any tone says the same; in HTML it has a class, in LaTeX a command, both of them defined."""
    for tone in each(Judgement):
        found = page(format, Judged(tone, "a_word"))
        assert "word" in found
        if format == "html":
            assert f'<span class="is-{tone}">a_word</span>' in found and f".is-{tone}" in found
        elif format == "latex":
            assert rf"\symbackproptoned{{{tone}}}{{a\_word}}" in found and rf"\symbackprop@{tone}" in found


def test_wide_tables_of_words_are_wrapped_on_paper() -> None:
    """Columns of words share the line where the table is too wide for it; one that fits has them as they are."""
    wide = page("latex", "short", "word " * 60, header="h")
    shares = [float(share) for share in re.findall(r"p\{([\d.]+)\\linewidth\}", wide)]
    assert 1 == len(shares) and 0.5 < shares[0] < 1
    assert "linewidth}" not in page("latex", "short", "also short").split(r"\begin{document}")[1]
