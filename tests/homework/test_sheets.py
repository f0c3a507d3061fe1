"""What stands on a sheet: what a student needs, in the language of the homework, and nothing that is meant for keys."""

from __future__ import annotations

from pathlib import Path

import pytest

import symbackprop as sbp
from symbackprop.homework import distribution, enrolment
from symbackprop.homework.roster import numbered
from symbackprop.problems import load
from tests.helpers import each

DRAWN = {"homework": "variants.x", "line": "variants.x"}


def texts(folder: Path, name: str, language: str = "en", **homework: object) -> tuple[str, str]:
    """Return sheet and key of a student as text."""
    source = load.find_source(name, [(DRAWN[name], {"choices": ["1/2", "3/2", "2"]}), ("homework", homework)])
    job = enrolment.prepare(source, numbered(1), folder, seed=0, formats=["text"], language=language).job
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
