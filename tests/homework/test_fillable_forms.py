"""Forms to fill in: no key in them, usable by keyboard, and what they save is what marking reads."""

from __future__ import annotations

import csv
import io
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdf
import pytest

from symbackprop import language
from symbackprop.errors import ProblemError
from symbackprop.homework.handouts.fillable_forms import FORMS, QUESTIONS
from symbackprop.homework.receiving.submitted_files import submitted
from symbackprop.messages import message
from tests.helpers import each, require_module, require_tool
from tests.homework.test_classes import ROSTER, Run, answers, give, run  # noqa: F401
from tests.rendering.verapdf import violations


def test_forms_hold_fields_and_no_key(run: Run) -> None:  # noqa: F811
    """A form has the fields of its student, who is named in text and nowhere run; no value of a key is in it."""
    give(run, "--forms")
    ids = list(dict.fromkeys(row["answer"] for row in answers()))
    files = {"s1": "s1", "s2": "s2", "s/3": "s%2F3", "s4": "s4"}
    for student, name in each(files.items()):
        page = Path("class", FORMS, f"{name}.html").read_text("utf-8")
        own = [row for row in answers() if row["student"] == student]
        assert own[0]["code"] in page and f'data-student="{student}"' in page
        assert all(f'name="{id}"' in page for id in ids)
        assert page.count("<label for=") == len(ids)
        assert not any(row["value"].lstrip("-")[:6] in page for row in own if len(row["value"]) > 8)
        assert "<script>alert" not in page and "http" not in page.replace("http-equiv", "")
    assert "&lt;script&gt;alert(1)" in Path("class", FORMS, "s4.html").read_text("utf-8")
    assert ids == Path("class", QUESTIONS).read_text("utf-8").splitlines()[-len(ids) :]


def test_anonymous_forms_have_codes_only(run: Run) -> None:  # noqa: F811
    """Neither the name of the file nor the page says whose it is."""
    give(run, "--forms", "--anonymous")
    codes = {row["code"] for row in answers()}
    assert codes == {file.stem for file in Path("class", FORMS).iterdir()}
    for file in each(Path("class", FORMS).glob("*.html")):
        page = file.read_text("utf-8")
        assert "Müller" not in page and 'data-student=""' in page


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Return a Chromium that the tests of this module share."""
    chromium = require_tool("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.mark.sweep
@pytest.mark.parametrize("asked", language.available())
@pytest.mark.parametrize("more", [(), ("--anonymous",)])
def test_forms_are_filled_in_by_keyboard_and_marked(run: Run, browser: Any, asked: str, more: tuple[str, ...]) -> None:  # noqa: F811
    """Who tabs through the fields, types the key and presses the button hands in a file that earns all points."""
    give(run, "--forms", "--lang", asked, *more)
    own = [row for row in answers() if row["student"] == "s1"]
    name = own[0]["code"] if more else "s1"
    page = browser.new_context(accept_downloads=True).new_page()
    complaints: list[str] = []
    page.on("console", lambda line: complaints.append(line.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(Path("class", FORMS, f"{name}.html").absolute().as_uri())
    assert language.phrases(asked)["page.language"] == page.locator("html").get_attribute("lang")
    for row in own:
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.name")
        assert row["answer"] == focused
        assert row["answer"] in page.evaluate("document.activeElement.labels[0].textContent")
        page.keyboard.type(row["value"])
    page.keyboard.press("Tab")
    said = language.say(asked, message("form.save"))
    assert said == page.get_by_role("button").inner_text()
    with page.expect_download() as saved:
        page.keyboard.press("Enter")
    assert f"answers-{own[0]['code']}.csv" == saved.value.suggested_filename
    Path("in").mkdir()
    saved.value.save_as(Path("in", saved.value.suggested_filename))
    assert saved.value.suggested_filename in page.get_by_role("status").inner_text()
    assert 0 == page.locator('[aria-invalid="true"]').count()
    assert [] == complaints
    assert "" == run("grade", "class", "in", "-o", "marks", "--attempts", "newest", "--quiet")
    book = list(csv.reader(io.StringIO(Path("marks/gradebook.csv").read_text()), delimiter=";"))
    assert ["20", "", "", ""] == [row[-1] for row in book[1:]]


GOOD = ("", "0.5", "-0,5", "−3", "1e-5", "5 x 10^-3", "5·10^-3", "3/8", ".5", "１.5")
BAD = ("abc", "1..2", "1,2,3", "--1", "1 2", "e5", "<b>")


@pytest.mark.sweep
def test_what_is_no_number_is_marked(run: Run, browser: Any) -> None:  # noqa: F811
    """The field says so, to screen readers too, and is saved all the same; what was typed is there after a reload."""
    Path("roster.csv").write_text(ROSTER.partition("\nB")[0] + "\n")
    give(run, "--forms")
    page = browser.new_context(accept_downloads=True).new_page()
    page.goto(Path("class", FORMS, "s1.html").absolute().as_uri())
    for text in each((*GOOD, *BAD)):
        field = page.locator("input").first
        field.fill(text)
        page.locator("input").last.focus()
        hint = page.locator(f"#{field.get_attribute('aria-describedby')}")
        is_marked = field.get_attribute("aria-invalid") == "true"
        assert (text in BAD, text in BAD) == (is_marked, hint.is_visible()), text
        page.reload()
        assert text == page.locator("input").first.input_value()
    with page.expect_download() as saved:
        page.get_by_role("button").click()
    rows = list(csv.DictReader(io.StringIO(Path(saved.value.path()).read_text("utf-8-sig"))))
    assert BAD[-1] == rows[0]["value"] and "s1" == rows[0]["student"]
    assert rows[0]["answer"] in page.get_by_role("status").inner_text()


def fields_of(file: Path) -> dict[str, Any]:
    """Return the fields of a PDF by the ids of their answers."""
    return {name.partition("/")[2]: field for name, field in (pypdf.PdfReader(file).get_fields() or {}).items()}


def fill_in(file: Path, values: dict[str, str], to: Path) -> None:
    """Save a PDF with values in its fields, by the ids of their answers, as a viewer does."""
    writer = pypdf.PdfWriter(clone_from=file)
    code = next(iter(pypdf.PdfReader(file).get_fields() or {})).partition("/")[0]
    for page in writer.pages:
        writer.update_page_form_field_values(page, {f"{code}/{id}": value for id, value in values.items()})
    writer.write(to)


def test_pdf_forms_hold_fields_and_no_key(run: Run) -> None:  # noqa: F811
    """The fields of a PDF are the answers, each with its name for those who listen, empty, and reached in their order."""
    require_module("typst")
    give(run, "--forms")
    for student, name in each({"s1": "s1", "s/3": "s%2F3", "s4": "s4"}.items()):
        own = {row["answer"]: row for row in answers() if row["student"] == student}
        file = Path("class", FORMS, f"{name}.pdf")
        fields = fields_of(file)
        assert list(own) == list(fields)
        assert all(field["/V"] == "" and field["/TU"].startswith(f"{id}: ") for id, field in fields.items())
        annotations = [part.get_object() for page in pypdf.PdfReader(file).pages for part in page["/Annots"]]
        assert ["/Widget"] * len(own) == [part["/Subtype"] for part in annotations]
        text = "".join(page.extract_text() for page in pypdf.PdfReader(file).pages)
        assert next(iter(own.values()))["code"] in text
        assert not any(row["value"].lstrip("-")[:6] in text for row in own.values() if len(row["value"]) > 8)


def test_pdf_forms_that_are_filled_in_are_marked(run: Run) -> None:  # noqa: F811
    """In a folder and in an archive, beside the scan of another page; what is left empty is blank."""
    require_module("typst")
    give(run, "--forms", "--anonymous")
    own = [row for row in answers() if row["student"] == "s1"]
    form = Path("class", FORMS, f"{own[0]['code']}.pdf")
    Path("in").mkdir()
    fill_in(form, {row["answer"]: row["value"] for row in own}, Path("in", "my homework.PDF"))
    blank = pypdf.PdfWriter()
    blank.add_blank_page(100, 100)
    blank.write("in/scan.pdf")
    with zipfile.ZipFile("in.zip", "w") as archive:
        archive.write("in/my homework.PDF", "deep/my homework.PDF")
        archive.write("in/scan.pdf", "scan.pdf")
    for handed_in in each(("in", "in.zip")):
        run("grade", "class", handed_in, "-o", "marks", "--quiet")
        book = list(csv.reader(io.StringIO(Path("marks/gradebook.csv").read_text()), delimiter=";"))
        assert ["20", "", "", ""] == [row[-1] for row in book[1:]]
    fill_in(form, {row["answer"]: "" for row in own}, Path("empty.pdf"))
    run("grade", "class", "empty.pdf", "-o", "marks", "--quiet")
    assert "20" not in {
        row[-1] for row in csv.reader(io.StringIO(Path("marks/gradebook.csv").read_text()), delimiter=";")
    }


def test_pdf_that_is_no_form_is_refused(run: Run) -> None:  # noqa: F811
    """In one line that says what is expected; however a form is damaged, it is read or refused so."""
    require_module("typst")
    give(run, "--forms")
    blank = pypdf.PdfWriter()
    blank.add_blank_page(100, 100)
    blank.write("scan.pdf")
    with pytest.raises(ProblemError, match="no fields"):
        list(submitted([Path("scan.pdf")]))
    whole = Path("class", FORMS, "s1.pdf").read_bytes()
    draw, refused = random.Random(7), 0
    for _ in range(30):
        place, length = draw.randrange(len(whole)), draw.choice((1, 40, len(whole)))
        Path("bad.pdf").write_bytes(whole[:place] + draw.randbytes(1) + whole[place + length :])
        try:
            (file,) = submitted([Path("bad.pdf")])
            assert file.content.startswith(b"code,answer,value")
        except ProblemError as error:
            assert "bad.pdf" in str(error.where)
            refused += 1
    assert 0 < refused < 30


@pytest.mark.sweep
@pytest.mark.parametrize("asked", language.available())
def test_validator_finds_nothing_in_pdf_forms(run: Run, asked: str) -> None:  # noqa: F811
    """They are PDF/UA-1 and PDF/A-2a as all documents of Typst are."""
    give(run, "--forms", "--lang", asked)
    assert [] == violations(Path("class", FORMS, "s4.pdf").read_bytes())
