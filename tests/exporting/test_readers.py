"""Exports in the hands of other people's programs: a player, a validator, and what scans exams on paper."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import symbackprop as sbp
from tests.exporting.importers import qti
from tests.exporting.test_exports import HOSTILE, ONE, drawn
from tests.helpers import ROOT, each, require_file, require_module, require_tool

PLAYER = ROOT / "node_modules" / "@citolab" / "qti-components" / "cdn" / "index.global.js"
DOCUMENT_TYPE = ROOT / "build" / "qti" / "ims_qtiasiv1p2p1.dtd"
PLAY = """async ([item, tries]) => {
  document.body.innerHTML = "<qti-item><item-container></item-container></qti-item>";
  const container = document.querySelector("item-container");
  await container.updateComplete;
  container.itemXML = item;
  const found = () => container.shadowRoot.querySelector("qti-assessment-item");
  while (!found()?.variables?.some(each => each.identifier === "FEEDBACK"))
    await new Promise(requestAnimationFrame);
  const outcome = name => found().variables.find(each => each.identifier === name).value;
  return tries.map(([name, text]) => {
    found().resetResponses();
    found().updateResponseVariable(name, text);
    found().processResponse();
    return [Number(outcome("SCORE")), outcome("FEEDBACK")];
  });
}"""
COURSE = {
    "course.xml": '<course url_name="run" org="o" course="c"/>',
    "course/run.xml": '<course display_name="C" course_image="i.png" start="2026-01-01T00:00:00Z"'
    ' end="2027-01-01T00:00:00Z"><chapter url_name="a"/></course>',
    "static/i.png": "",
    "chapter/a.xml": '<chapter display_name="A"><sequential url_name="b"/></chapter>',
    "sequential/b.xml": '<sequential display_name="B"><vertical url_name="c"/></sequential>',
    "policies/run/policy.json": '{"course/run": {}}',
    "policies/run/grading_policy.json": "{}",
}


@pytest.fixture(scope="module")
def tab() -> Iterator[Any]:
    """Return a page in Chromium that plays items of QTI 3.0."""
    chromium = require_tool("chromium")
    player = require_file(PLAYER)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.set_content("<!doctype html><body></body>")
        page.add_script_tag(path=str(player))
        yield page
        browser.close()


@pytest.mark.sweep
def test_player_marks_as_homework_does(tab: Any, tmp_path: Path) -> None:
    """A player of QTI 3.0 gives the points for the key and the ends of its tolerance, none beyond them or for mistakes."""
    path = tmp_path / "quiz.zip"
    sbp.export("homework", to="qti30", variants=1, seed=7, path=path)
    with zipfile.ZipFile(path) as package:
        item = package.read("p1-1.xml").decode()
    (exercise,) = [own for own in drawn().exercises if own.name == "1"]
    assert [read.answer for read in qti([path])] == [asked.id for asked in exercise.asked]
    tries, expected = [], []
    for number, asked in enumerate(each(exercise.asked, least=26), start=1):
        beyond = asked.tolerance * Decimal("1.001")
        right = [asked.value, asked.lowest, asked.highest, asked.value + asked.tolerance / 2]
        wrong = [asked.value + beyond, asked.value - beyond, *(own.value for own in asked.wrong)]
        texts = [*(f"{value:f}" for value in right + wrong), "", "none"]
        tries += [(f"RESPONSE{number}", text) for text in texts]
        expected += [float(f"{float(asked.points):g}")] * len(right) + [0.0] * (len(texts) - len(right))
    marked = tab.evaluate(PLAY, [item, tries])
    assert {"SOLUTION"} == {feedback for _, feedback in marked}
    assert [] == [(typed, mark) for typed, mark, (got, _) in zip(tries, expected, marked, strict=True) if got != mark]
    assert len(tries) > 26 * 12


@pytest.mark.sweep
@pytest.mark.filterwarnings("ignore")
def test_engine_marks_as_homework_does(tmp_path: Path) -> None:
    """An engine of QTI 2.1 gives the points for what is within the tolerance, none beyond it or for a mistake or a blank."""
    engine, _ = require_module("pyslet.qtiv2.xml"), require_module("pyslet.qtiv2.items")
    variables, addresses = require_module("pyslet.qtiv2.variables"), require_module("pyslet.rfc2396")
    sbp.export("homework", to="qti21", variants=1, seed=7, path=tmp_path / "quiz.zip")
    shutil.unpack_archive(tmp_path / "quiz.zip", tmp_path)
    document = engine.QTIDocument(baseURI=str(addresses.URI.from_path(str(tmp_path / "p1-1.xml"))))
    document.read()
    item = document.root
    (exercise,) = [own for own in drawn().exercises if own.name == "1"]

    def marked(number: int, typed: Decimal | None) -> tuple[float, str]:
        """Return the score for one number, all others left blank, and the feedback that is shown."""
        session = variables.ItemSessionState(item)
        session.begin_session()
        session[f"RESPONSE{number}"].set_value(None if typed is None else float(typed))
        session.end_attempt()
        return session["SCORE"].value, session["FEEDBACK"].value

    for number, asked in enumerate(each(exercise.asked, least=26), start=1):
        points, beyond = float(f"{float(asked.points):g}"), asked.tolerance * Decimal("1.001")
        right = [asked.value, asked.value + asked.tolerance / 2, asked.lowest, asked.highest]
        wrong = [asked.value + beyond, asked.value - beyond, *(own.value for own in asked.wrong), None]
        assert {(points, "SOLUTION")} == {marked(number, value) for value in right}, asked
        assert {(0.0, "SOLUTION")} == {marked(number, value) for value in wrong}, asked


@pytest.mark.parametrize("style", ["numbers", "choices"])
def test_document_type_of_qti_12_allows_all_but_what_canvas_adds(tmp_path: Path, style: str) -> None:
    """Of the assessments for Canvas nothing is unknown to QTI 1.2.1 but what Canvas itself writes beyond it."""
    etree = require_module("lxml.etree")
    known = etree.DTD(str(require_file(DOCUMENT_TYPE)))
    path = tmp_path / "quiz.zip"
    sbp.export("homework", to="canvas", style=style, variants=2, seed=7, path=path)
    with zipfile.ZipFile(path) as package:
        content = package.read("assessment1/assessment1.xml")
    # The document type is older than the namespace.
    root = etree.fromstring(re.sub(rb' xmlns="[^"]*"', b"", content, count=1))
    assert 2 * 26 == len(root.findall(".//item"))
    assert not known.validate(root)
    unknown = {error.message.removeprefix("No declaration for ") for error in known.error_log}
    added = {"element points_per_item"}
    if style == "numbers":
        added |= {f"attribute {name} of element varequal" for name in ("margintype", "margin")}
    assert added == unknown


@pytest.mark.parametrize("style", ["sheet", "numbers"])
def test_validator_finds_no_fault_with_problems(tmp_path: Path, style: str) -> None:
    """A course made of a library's problems, with hostile texts in them, has no error and no warning."""
    olxcleaner = require_module("olxcleaner")
    path = tmp_path / "quiz.tar.gz"
    problem = {**ONE, "title": HOSTILE, "variants": {"W1": {"choices": [2, 3, 4]}}}
    problem["homework"] = {"ask": ["z1", "dL_dz1"], "instructions": HOSTILE}
    sbp.export(problem, to="olx", style=style, variants=2, path=path)
    shutil.unpack_archive(path, tmp_path, filter="data")
    names = sorted(file.stem for file in (tmp_path / "library" / "problem").iterdir())
    listed = "".join(f'<problem url_name="{name}"/>' for name in names)
    vertical = {"vertical/c.xml": f'<vertical display_name="C">{listed}</vertical>'}
    for name, text in (COURSE | vertical).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "library" / "problem").rename(tmp_path / "problem")
    course, errors, known = olxcleaner.validate(str(tmp_path / "course.xml"))
    assert [] == [error.description for error in errors.errors if error.level_val >= 2]
    assert course is not None and set(names) < set(known)


def run_amc(place: Path, *command: str) -> str:
    """Run a command of auto-multiple-choice in a folder, and return what it prints."""
    return subprocess.run(
        ["auto-multiple-choice", *command], cwd=place, check=True, capture_output=True, text=True, errors="replace"
    ).stdout


@pytest.mark.sweep
@pytest.mark.skipif(shutil.which("auto-multiple-choice") is None, reason="its fonts take half a gigabyte to install")
def test_scanned_pages_are_marked_as_homework_does(tmp_path: Path) -> None:
    """Pages that were filled in are scanned: key and ends are right, the next number is not, and neither is a blank."""
    require_tool("pdflatex")
    problem = {**ONE, "variants": {"W1": {"choices": ["1.234", "-2.3456", "30.3", "4"]}}}
    problem["homework"] = {"ask": ["z1"], "significant": 3, "show": []}
    students = {"u1": HOSTILE, "u2": "Ada", "<3>": "O’Neil", "u4": "Bob", "u5": "Eve"}
    sbp.export(problem, to="amc", students=students, seed=1, path=tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "cr").mkdir()
    usual = ("--prefix", f"{tmp_path}/", "--data", str(tmp_path / "data"), "--with", "pdflatex", "exam.tex")
    papers = {"--out-sujet": "subject.pdf", "--out-corrige": "key.pdf", "--out-calage": "layout.xy"}
    named = [part for option, name in papers.items() for part in (option, str(tmp_path / name))]
    assert "ERR:" not in run_amc(tmp_path, "prepare", "--mode", "s", *named, *usual)
    run_amc(tmp_path, "meptex", "--src", "layout.xy", "--data", "data")
    assert "ERR:" not in run_amc(tmp_path, "prepare", "--mode", "b", *usual)
    expected = fill(tmp_path)
    scans = sorted(path.name for path in tmp_path.glob("scan-*.png"))
    run_amc(tmp_path, "analyse", "--projet", str(tmp_path), "--data", "data", "--cr", "cr", *scans)
    run_amc(tmp_path, "note", "--data", "data", "--seuil", "0.5")
    with sqlite3.connect(tmp_path / "data" / "scoring.sqlite") as scoring:
        marks = {
            tuple(row[:2]): row[2] for row in scoring.execute("SELECT student, question, score FROM scoring_score")
        }
    scoring.close()
    assert expected == {place: mark > 0 for place, mark in marks.items()}
    assert {True, False} == set(expected.values()) and 5 == len(expected)


def fill(place: Path) -> dict[tuple[int, int], bool]:
    """Fill the pages of all copies: of an answer key, ends, a neighbour on either side, or nothing; say which are right."""
    from PIL import Image, ImageDraw

    asked = re.findall(r"\\AMCnumericChoices\{(.*?)\}\{(.*?)\}", (place / "exam.tex").read_text("utf-8"))
    with sqlite3.connect(place / "data" / "layout.sqlite") as layout:
        boxes = layout.execute(
            "SELECT student, page, question, answer, xmin, ymin, xmax, ymax FROM layout_box WHERE role = 1"
        ).fetchall()
        pages = layout.execute("SELECT student, page, subjectpage FROM layout_page").fetchall()
    layout.close()
    expected, chosen = {}, set()
    places = sorted({(box[0], box[2]) for box in boxes})
    for number, (where, (key, options)) in enumerate(zip(places, asked, strict=True)):
        told = dict(option.split("=") for option in options.split(","))
        scale = int(told["decimals"])
        least, most = (int(Decimal(text).scaleb(scale)) for text in (key, told.get("alsocorrect", key)))
        least, most = least - int(told["exact"]), most + int(told["exact"])
        units = (least, most, least - 1, most + 1, None)[number % 5]
        expected[where] = units is not None and least <= units <= most
        if units is not None:
            digits = f"{abs(units):0{told['digits']}d}"
            chosen |= {(*where, 1 if units >= 0 else 2)}
            chosen |= {(*where, 3 + 10 * row + int(digit)) for row, digit in enumerate(digits)}
    for student, page, sheet in pages:
        name = place / f"scan-{sheet:02d}"
        only = ["-f", str(sheet), "-l", str(sheet), "-singlefile"]
        subprocess.run(["pdftoppm", "-r", "150", "-gray", "-png", *only, place / "subject.pdf", name], check=True)
        with Image.open(f"{name}.png") as scan:
            pen = ImageDraw.Draw(scan)
            for box in boxes:
                if box[:2] == (student, page) and (student, box[2], box[3]) in chosen:
                    left, top, right, bottom = (edge / 2 for edge in box[4:])  # places are told for 300 dots an inch
                    pen.rectangle([left + 2, top + 2, right - 2, bottom - 2], fill=0)
            scan.save(f"{name}.png")
    return expected


def test_notebook_of_nbgrader_is_read_by_nbformat(tmp_path: Path) -> None:
    """An assignment is a valid notebook, and every graded cell has its points."""
    nbformat = require_module("nbformat")
    found = sbp.export(ONE, to="nbgrader", variants=1, path=tmp_path)
    (notebook,) = found.files
    read = nbformat.read(notebook, as_version=4)
    nbformat.validate(read)
    graded = [cell.metadata.nbgrader for cell in read.cells if cell.metadata.nbgrader.grade]
    assert 1 == len(graded) and graded[0].points > 0 and json.loads(notebook.read_text("utf-8"))
