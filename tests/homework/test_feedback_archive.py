"""Pages of feedback in one archive, named as learning systems want them back."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from symbackprop.homework.classes.roster import Student
from symbackprop.homework.handouts.manifest import Enrolment
from symbackprop.homework.reporting.feedback_archive import archive, returned
from symbackprop.whole_files import write_files
from tests.homework.test_classes import Run, answers, give, run  # noqa: F401

WORKSHEET = {"Identifier": "Participant 77", "Full name": "Jane_A. Doe/x"}


@pytest.mark.parametrize(
    ("origin", "row", "path"),
    [
        ("", {}, "s%2F1.html"),
        ("a.csv", {}, "s%2F1.html"),
        ("zip/Jane Doe_12_assignsubmission_file_/answers.csv", {}, "Jane Doe_12_assignsubmission_file_/feedback.html"),
        ("Jane Doe_12_assignsubmission_file/x/answers.csv", {}, "Jane Doe_12_assignsubmission_file/feedback.html"),
        ("Jane Doe_12_assignsubmission_file_answers.csv", {}, "Jane Doe_12_assignsubmission_file_feedback.html"),
        ("doejane_12_345_answers-ABC.csv", WORKSHEET, "doejane_12_345_answers-ABC.html"),
        ("doejane_LATE_12_345_answers.csv", {}, "doejane_LATE_12_345_answers.html"),
        ("", WORKSHEET, "Jane A. Doe x_77_assignsubmission_file_/feedback.html"),
    ],
)
def test_pages_go_back_as_they_came(origin: str, row: dict[str, str], path: str) -> None:
    """The name of the submission comes first, then that of the worksheet, then the id."""
    each = Enrolment(Student("s/1", "Jane_A. Doe/x", row), "", 1, {})
    assert path == returned(each, origin, "html")


def test_archives_hold_the_pages_of_their_students(tmp_path: Path) -> None:
    """Of 1 and 1.5 each has its own pages in every format; the same pages make the same archive; none make none."""
    class_list = [Enrolment(Student(id, "", {}), "", 1, {}) for id in ("1", "1.5", "2")]
    files = {"feedback/1.html": "a", "feedback/1.5.html": "b", "feedback/1.md": "c", "summary.html": "d"}
    write_files({tmp_path / name: text for name, text in files.items()})

    def made(names: Iterable[str]) -> dict[str, bytes]:
        return {name: b"".join(pieces) for name, pieces in archive(tmp_path, list(names), class_list, {}).items()}

    found = made(files)
    with zipfile.ZipFile(io.BytesIO(found["feedback.zip"])) as packed:
        assert packed.testzip() is None
        assert {"1.html": b"a", "1.5.html": b"b", "1.md": b"c"} == {
            name: packed.read(name) for name in packed.namelist()
        }
    assert found == made(files)
    assert {} == made(["summary.html"])


def test_submissions_of_moodle_go_back_under_their_names(run: Run) -> None:  # noqa: F811
    """A folder as Moodle hands it out is marked, and the archive has the names that its upload wants."""
    give(run)
    folder = Path("in", "Jane Doe_12_assignsubmission_file_")
    folder.mkdir(parents=True)
    rows = [f"{row['code']},{row['answer']},{row['value']}\n" for row in answers() if row["student"] == "s2"]
    (folder / "answers.csv").write_text("code,answer,value\n" + "".join(rows))
    run("grade", "class", "in", "-o", "marks", "--quiet")
    with zipfile.ZipFile("marks/feedback.zip") as packed:
        assert ["Jane Doe_12_assignsubmission_file_/feedback.html"] == packed.namelist()
        assert Path("marks/feedback/s2.html").read_bytes() == packed.read(packed.namelist()[0])


@pytest.mark.sweep
def test_processes_are_not_forked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Work is shared between processes that begin anew, so that threads of this one cannot hold them up."""

    def refuse() -> int:
        raise AssertionError("a fork")

    monkeypatch.setattr("os.fork", refuse)
    monkeypatch.setattr("symbackprop.homework.handouts.distribution.CHUNK", 2)
    give(run, "--processes", "2")
    assert 4 == len(list(Path("class/students/sheets").iterdir()))
