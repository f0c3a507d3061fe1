"""What stands on a sheet: what a student needs, in the language of the homework, and nothing that is meant for keys."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop import rendering
from symbackprop.document.blocks import Document, Inline, Section, Table
from symbackprop.document.calculation.numerals import as_written
from symbackprop.homework.assignments.options import Option
from symbackprop.homework.assignments.variants import assignment
from symbackprop.homework.classes.roster import numbered
from symbackprop.homework.handouts import distribution, enrolment
from symbackprop.messages import message
from symbackprop.problems import load
from symbackprop.rendering import pdf_collections
from tests.helpers import each
from tests.homework.term import TERM

DRAWN = {"homework": "variants.x", "line": "variants.x"}


def texts(folder: Path, name: str, language: str = "en", **homework: object) -> tuple[str, str]:
    """Return sheet and key of a student as text."""
    source = load.find_source(name, [(DRAWN[name], {"choices": ["1/2", "3/2", "2"]}), ("homework", homework)])
    job = enrolment.prepare([source], numbered(1), folder, seed=0, formats=["text"], language=language).job
    ((_, files),) = distribution.documents(job, [0], 1)
    sheet, key = (str(files[path]) for path in distribution.paths(job, 0))
    return sheet, key


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_sheets_have_no_text_for_keys(tmp_path: Path, name: str) -> None:
    """How results are printed is said in solutions; the update where something is asked that follows from it."""
    assert "Numbers show" in sbp.render(sbp.solve(sbp.example(name)), "text")
    for ask, has_update in each((("gradients", False), ("updated", True))):
        sheet, _ = texts(tmp_path / ask, name, ask=[ask])
        assert "Numbers show" not in sheet
        assert has_update == ("Update every parameter" in sheet)


def test_the_date_is_in_the_language_of_the_homework(tmp_path: Path) -> None:
    """Or one for all languages."""
    date = {"en": "12 May 2025", "zh": "2025 年 5 月 12 日"}
    for language in each(date):
        sheet, _ = texts(tmp_path / language, "line", language, ask=["L"], date=date)
        assert date[language] in sheet
        assert not any(text in sheet for other, text in date.items() if other != language)
    assert "Monday" in texts(tmp_path / "one", "line", "zh", ask=["L"], date="Monday")[0]


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_numbers_are_set_as_formulas(tmp_path: Path, name: str) -> None:
    """With a minus and a power of ten, no hyphen and no e: in sheets, keys and options."""
    asked: dict[str, Any] = {"ask": ["L", "gradients"], "show": [], "significant": 4}
    for more in each(({}, {"choices": 2} if name == "homework" else {"given": ["z1"]}), least=2):
        written = "".join(texts(tmp_path / f"{len(more)}", name, **asked, **more))
        assert not re.search(r"(?<!\S)-\d|\de-?\d", written)
        assert re.search(r"−\d", written)
    assert "−1.50 × 10⁻⁵" == one_cell(as_written("-1.50e-05"))


def one_cell(number: Inline) -> str:
    """Return a number as the text format has it in a table."""
    section = Section(message("sheet.key"), (Table((number,), (), (True,)),))
    derivation = assignment(load.example("homework")).derivation
    (draft,) = pdf_collections.drafted([Document("", (), (section,))], derivation, rendering.formats()["text"], "en")
    return str(draft.view["sections"][0]["blocks"][0]["header"][0])


def test_pages_of_a_class_leave_formulas_to_the_browser(tmp_path: Path) -> None:
    """A sheet has no library of 400 kB for them; its blanks are lines that every browser draws."""
    given = sbp.homework("homework", students=1, folder=tmp_path, formats=["html"])
    for part in each(("students/sheets/1.html", "teacher/keys/1.html"), least=2):
        page = (given.folder / part).read_text()
        assert len(page) < 250_000
        assert "katex" not in re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL)
        assert "<math" in page
    assert '<mspace width="9em"' in (given.folder / "students/sheets/1.html").read_text()


def test_keys_state_the_tolerance_of_each_answer(tmp_path: Path) -> None:
    """The one of `answers.csv`, to two digits."""
    given = sbp.homework("homework", students=1, folder=tmp_path, formats=["text"])
    key = (given.folder / "teacher/keys/1.txt").read_text("utf-8")
    rows = list(csv.DictReader((given.folder / "teacher/answers.csv").read_text("utf-8").splitlines()))
    for row in each(rows, least=5):
        (line,) = re.findall(rf"^{row['answer']} .*$", key, re.MULTILINE)
        shown = Option(0.0, format(float(row["tolerance"]), "#.2g").rstrip(".")).shown
        assert re.search(rf"  {re.escape(shown)}  ", line), line


def test_samples_have_the_names_of_inputs(tmp_path: Path) -> None:
    """Above their columns, on sheet and key, however the names are written; without names there are symbols."""
    for names, heads in each(((["hours", "$x_1$ & <b>"], ("x₁ (hours)", "x₂ ($x_1$ & <b>)")), (2, ("x₁ x₂ y₁",)))):
        table = {**TERM["logistic"], "network": {**TERM["logistic"]["network"], "inputs": names}}
        folder = tmp_path / heads[0]
        sbp.homework(table, students=1, folder=folder, formats=["text", "latex", "html"])
        for path in each(("students/sheets", "teacher/keys"), least=2):
            text = " ".join((folder / path / "1.txt").read_text("utf-8").split())
            assert all(head in text for head in heads)
        if names != 2:
            assert r"\$x\_1\$ \& " in (folder / "students/sheets/1.tex").read_text("utf-8")
            assert "$x_1$ &amp; &lt;b&gt;" in (folder / "students/sheets/1.html").read_text("utf-8")


@pytest.mark.parametrize("name", ["markdown", "markdown-github"])
def test_blanks_of_markdown_are_lines_that_any_reader_shows(tmp_path: Path, name: str) -> None:
    """No TeX in them: a word processor, or who prints the text as it is, shows a line."""
    sbp.homework("homework", students=1, folder=tmp_path, formats=[name])
    (sheet,) = (tmp_path / "students/sheets").iterdir()
    text = sheet.read_text("utf-8")
    assert "hspace" not in text
    assert text.count(r"| \_\_\_\_") == len((tmp_path / "teacher/answers.csv").read_text("utf-8").splitlines()) - 1


def test_steps_that_no_answer_asks_about_are_said(tmp_path: Path) -> None:
    """Where the training goes on, and not where its last step is asked about."""
    for asked, told in each(((["updated"], True), (["updated", "updated@step2"], False))):
        found = enrolment.prepare(
            [load.find_source("homework", [("training.steps", 2), ("homework", {"ask": asked})])],
            numbered(1),
            tmp_path,
            seed=0,
            formats=["text"],
            language="en",
        )
        assert told == ("homework.later_steps" in [remark.id for remark in found.remarks])
