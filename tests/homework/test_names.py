"""Names in any script: whose letters no font has is said before anything is written, and nobody else waits for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from symbackprop.errors import OutputError
from symbackprop.homework.classes.roster import Roster, Student
from symbackprop.homework.handouts import distribution, enrolment
from symbackprop.messages import Message
from symbackprop.problems import load
from symbackprop.rendering.typesetting import pdf_engines, typst_engine
from tests.helpers import each, require_tool

NAMES = {"s1": "Zoë Müller", "s2": "Ada 𐎀𐎁", "s3": "王小明"}
"""The second has letters of Ugaritic."""


def course(folder: Path, engine: str, **homework: object) -> enrolment.Course:
    """Return what is given out in PDF."""
    students = tuple(Student(id, name, {"id": id, "name": name}) for id, name in NAMES.items())
    changes = {"homework": {"ask": ["L"], **homework}, "variants.x": {"choices": [1, 2]}, "training.steps": 1}
    source = load.find_source("line", list(changes.items()))
    options = {"seed": 0, "formats": ["pdf"], "language": "en", "engine": engine}
    return enrolment.prepare([source], Roster(("id", "name"), students), folder, **options)


@pytest.mark.parametrize("engine", list(pdf_engines.ENGINES))
def test_students_whose_names_lack_a_font_are_named(tmp_path: Path, engine: str) -> None:
    """By id, before anything is written; so is a text of the problem."""
    found = course(tmp_path, engine, instructions="𐎂!").remarks
    assert [
        Message("homework.no_font_for_names", {"count": 1, "students": ["s2"]}),
        Message("homework.no_font_for_texts", {"characters": ["𐎂"]}),
    ] == list(found)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "engine",
    [pytest.param(name, marks=[pytest.mark.sweep] if name == "tex" else []) for name in pdf_engines.ENGINES],
)
def test_their_sheets_are_set_all_the_same(tmp_path: Path, engine: str) -> None:
    """With another sign in place of the letters, and the others' names whole."""
    require_tool("pdftotext")
    job = course(tmp_path, engine).job
    ((_, files),) = distribution.documents(job, range(len(NAMES)), 1)
    for place, known in each(list(enumerate(("Zoë Müller", "Ada", "王小明")))):
        content = files[distribution.paths(job, place)[0]]
        assert isinstance(content, bytes)
        text = subprocess.run(["pdftotext", "-", "-"], input=content, capture_output=True, check=True).stdout.decode()
        assert known in text
        assert "𐎀" not in text


def test_missing_letters_are_found_however_many_there_are() -> None:
    """More than are replaced in one document; and where it is no question of names, they are an error."""
    ugaritic = {chr(code) for code in range(0x10380, 0x1039E)}
    assert len(ugaritic) > typst_engine.MOST_MISSING
    assert ugaritic == pdf_engines.missing("typst", {*ugaritic, *"Zoë王"})
    with pytest.raises(OutputError, match="𐎀"):
        list(pdf_engines.typeset("typst", ['#set document(title: "x")\n#"𐎀"']))
