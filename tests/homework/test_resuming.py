"""A run of a large class that is killed goes on where it was; who comes late costs nothing but their own documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pypdf
import pytest

from symbackprop.homework.classes.roster import numbered
from symbackprop.homework.handouts import distribution, enrolment, writing
from symbackprop.homework.handouts.distribution import Files, Job
from symbackprop.homework.handouts.enrolment import UNFINISHED
from symbackprop.problems import load
from symbackprop.whole_files import all_or_nothing
from tests.helpers import each

FORMATS = {"pdf": ("students/sheets.pdf", "teacher/keys.pdf"), "markdown": ()}


def give(folder: Path, format: str, count: int, **changes: object) -> int:
    """Give out to so many students, and return how many of the steps were reported."""
    source = load.find_source("line", [("homework", {"ask": ["L"], **changes}), ("variants.x", {"choices": [1, 2, 3]})])
    course = enrolment.prepare([source], numbered(count, 1), folder, seed=0, formats=[format], language="en")
    with all_or_nothing() as write:
        return sum(writing.written(course, folder, 1, False, write))


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the ids of the students whose documents are made, as they are, two at a time."""
    ids: list[str] = []

    def noted(job: Job, places: Sequence[int], *workers: Any) -> Iterator[tuple[Sequence[int], Files | None]]:
        for done, files in documents(job, places, *workers):
            ids.extend(job.manifest.enrolments[place].student.id for place in done)
            yield done, files

    documents = distribution.documents
    monkeypatch.setattr(distribution, "documents", noted)
    monkeypatch.setattr(distribution, "CHUNK", 2)
    return ids


def stopped(monkeypatch: pytest.MonkeyPatch, after: int, run: Any) -> None:
    """Run until so many files of the documents were made, and stop there, as a kill does: nothing is tidied up."""

    def stopping(*arguments: Any) -> Iterator[tuple[Sequence[int], Files | None]]:
        for number, found in enumerate(noted(*arguments), 1):
            yield found
            if number == after:
                raise KeyboardInterrupt

    noted = distribution.documents
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(distribution, "documents", stopping)
        run()


@pytest.mark.parametrize("format", list(FORMATS))
def test_a_second_run_does_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: list[str], format: str
) -> None:
    """Also where the files of an earlier text are there; what is done is not touched."""
    stopped(monkeypatch, 2, lambda: give(tmp_path, format, 6))
    assert ["1", "2", "3", "4"] == written
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "students/sheets").iterdir()}
    assert 4 == len(done)
    give(tmp_path, format, 6)
    assert ["5", "6"] == written[4:]
    assert all(path.stat().st_mtime_ns == time for path, time in done.items())
    stopped(monkeypatch, 1, lambda: give(tmp_path, format, 6, date="12 May"))
    give(tmp_path, format, 6, date="12 May")
    assert ["1", "2", "3", "4", "5", "6"] == written[6:]
    assert not (tmp_path / UNFINISHED).exists()
    for name in FORMATS[format]:
        assert (tmp_path / name).is_file()


@pytest.mark.parametrize("format", list(FORMATS))
def test_who_comes_late_costs_their_own_documents(tmp_path: Path, written: list[str], format: str) -> None:
    """The PDF of the class has them, too; a run with nothing to do does nothing."""
    give(tmp_path, format, 3)
    del written[:]
    assert (1 + len(FORMATS[format])) == give(tmp_path, format, 4)
    assert ["4"] == written
    for name in FORMATS[format]:
        single = [len(pypdf.PdfReader(file).pages) for file in sorted((tmp_path / name.removesuffix(".pdf")).iterdir())]
        assert sum(count + count % 2 for count in single) == len(pypdf.PdfReader(tmp_path / name).pages)
        assert 4 == len(single)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "students").rglob("*.*")}
    assert 0 == give(tmp_path, format, 4)
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "students").rglob("*.*")}


def test_sheets_of_other_formats_do_not_stay_behind_what_changes(tmp_path: Path) -> None:
    """While they tell the same they stay; under another date, say, only what the run writes is there."""

    def suffixes() -> set[str]:
        return {path.suffix for kind in KINDS for path in (tmp_path / kind).iterdir()}

    for format in ("markdown", "text"):
        give(tmp_path, format, 2, date="Monday")
    assert {".md", ".txt"} == suffixes()
    give(tmp_path, "text", 3, date="Monday")
    assert {".md", ".txt"} == suffixes()
    give(tmp_path, "text", 3, date="Tuesday")
    assert {".txt"} == suffixes()
    assert all("Tuesday" in path.read_text() for path in each((tmp_path / "students/sheets").iterdir(), least=3))


KINDS = (distribution.SHEETS, distribution.KEYS)
