"""Homework from Python: the same files and marks as the commands make."""

from __future__ import annotations

import csv
import importlib
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop.homework import python_functions
from symbackprop.homework.classes.roster import numbered
from symbackprop.homework.handouts import enrolment, writing
from symbackprop.homework.python_functions import Students
from symbackprop.homework.reporting import marks_folders
from symbackprop.problems.load import Source
from symbackprop.whole_files import write_files
from tests.helpers import ROOT, each
from tests.homework.test_classes import PROBLEM, Run, contents, give, run, submit  # noqa: F401


@pytest.mark.sweep
def test_the_same_files_as_the_commands(run: Run) -> None:  # noqa: F811
    """With the secret of a class, Python writes what the command writes; marks are the same files too."""
    give(run, "--forms")
    Path("again/teacher").mkdir(parents=True)
    Path("again/teacher/secret").write_bytes(Path("class/teacher/secret").read_bytes())
    course = sbp.homework(
        PROBLEM,
        students="roster.csv",
        seed=7,
        folder="again",
        formats=["markdown"],
        forms=True,
    )
    assert contents("class") == contents("again")
    assert {"s1", "s2", "s/3", "s4"} == course.codes.keys() == course.answers.keys()
    submit({("s1", "z1_1"): "9"})
    run("grade", "class", "submissions.csv", "-o", "one", "--quiet")
    marks = sbp.grade("again", ["submissions.csv"], output="two")
    one, two = contents("one"), contents("two")
    assert {*one} == {*two}
    for name in each(one.keys() - {".marks.json"}, least=7):
        assert one[name] == two[name]
    assert 20 == marks.total("s2") > marks.total("s1")
    assert marks_folders.MarksRecord.read(Path("two")).students == tuple(marks.marks)


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        (("--tolerance", "50"), {"tolerance": 50}),
        (("--copies", "mark"), {"copies": "mark"}),
        (("--attempts", "best", "--student-columns", "id=who"), {"attempts": "best", "columns": {"id": "who"}}),
        (("--overrides", "fix.toml"), {"overrides": "fix.toml"}),
    ],
)
def test_options_mean_the_same(run: Run, options: tuple[str, ...], settings: dict[str, Any]) -> None:  # noqa: F811
    """Each option of the command is an argument, and marks are the same files."""
    give(run)
    submit({("s1", "z1_1"): "9", ("s2", "z1_1"): "0.5", ("s2", "a1_1"): "0.6"})
    text = Path("submissions.csv").read_text()
    key = {
        row["answer"]: row["value"]
        for row in csv.DictReader(io.StringIO(Path("class/teacher/answers.csv").read_text()))
    }
    copied = "".join(f"s/3,{answer},{value}\n" for answer, value in key.items())
    Path("submissions.csv").write_text(
        (text + copied).replace("student", "who" if "columns" in settings else "student", 1)
    )
    Path("fix.toml").write_text('[[override]]\nstudent = "s2"\ntotal = -1\n')
    run("grade", "class", "submissions.csv", "-o", "one", "--quiet", *options)
    sbp.grade("class", ["submissions.csv"], output="two", **settings)
    one, two = contents("one"), contents("two")
    assert {*one} == {*two}
    for name in each({*one} - {".marks.json"}, least=7):
        assert one[name].replace(b"one", b"two") == two[name].replace(b"one", b"two"), name


@pytest.mark.parametrize("wrong", [{"attempts": "first"}, {"copies": "maybe"}, {"tolerance": 0}, {"tolerance": 1e9}])
def test_settings_that_are_none_are_refused(wrong: dict[str, Any], tmp_path: Path) -> None:
    """The nearest is named, as the command does."""
    with pytest.raises(sbp.SymbackpropError):
        sbp.grade(tmp_path, [], **wrong)


@pytest.mark.parametrize(
    "students", [2, ["1", "2"], {"1": "", "2": ""}, iter(["1", "2"]), "list.csv", Path("list.csv")]
)
def test_classes_of_every_kind(students: Students, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number, ids, names and files make a class; answers are private, sheets are not."""
    monkeypatch.chdir(tmp_path)
    Path("list.csv").write_text("id,name\n1,\n2,\n")
    course = sbp.homework(sbp_content(), students=students, folder="class", formats=["text"])
    assert ["1", "2"] == list(course.codes)
    assert 0o600 == Path("class/teacher/keys/1.txt").stat().st_mode & 0o777
    assert 0o600 == Path("class/teacher/secret").stat().st_mode & 0o777
    assert 0o600 != Path("class/students/sheets/1.txt").stat().st_mode & 0o777


def sbp_content() -> dict[str, object]:
    """Return the content of a small problem."""
    return {
        "graph": {"parameters": {"w": 2}, "inputs": {"x": 3}, "equations": ["f = w*x"], "output": "f"},
        "variants": {"w": {"low": 2, "high": 9, "step": 1}, "x": {"low": 2, "high": 9, "step": 1}},
        "homework": {},
    }


def test_mistakes_write_nothing(tmp_path: Path) -> None:
    """What the commands refuse is refused, before anything is written."""
    for wrong in each(({"formats": ["jpeg"]}, {"language": "xx"}, {"students": "nobody.csv"})):
        with pytest.raises(sbp.SymbackpropError):
            sbp.homework(PROBLEM, **{"students": 1, "folder": tmp_path / "class", **wrong})
    for ready in each((sbp.example("homework"), [sbp.example("homework")])):
        with pytest.raises(sbp.ProblemError, match="say what is drawn"):
            sbp.homework(ready, students=1, folder=tmp_path)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
    with pytest.raises(sbp.ProblemError, match="no homework was given out there"):
        sbp.grade(tmp_path, [tmp_path / "in.csv"])
    assert [] == list(tmp_path.iterdir())


def test_the_package_is_called_by_its_name() -> None:
    """`sbp.homework` gives homework out whatever was imported before, and stays the package of its modules."""
    assert importlib.import_module("symbackprop.homework") is sbp.homework
    assert python_functions.grade is sbp.grade
    for before in each(("", "import symbackprop.homework.classes.roster; ")):
        program = f"import symbackprop as sbp; {before}print(callable(sbp.homework), 'homework' in dir(sbp))"
        assert "True True" == subprocess.check_output([sys.executable, "-c", program], text=True, cwd=ROOT).strip()


def test_what_is_there_is_not_written_again(run: Run, tmp_path: Path) -> None:  # noqa: F811
    """Of a homework that was given out just so nothing is left to write; of one with other formats all of it."""
    give(run)
    roster = numbered(2)
    for formats, count in ((["text"], 2), (["pdf"], 4)):
        course = enrolment.prepare(
            [Source(sbp_content(), Path("p"))], roster, tmp_path / "x", seed=0, formats=formats, language="en"
        )
        assert count == writing.steps(course, tmp_path / "x")
    assert [0, 1] == writing.places_to_write(course, tmp_path / "x")


def test_files_are_written_whole(tmp_path: Path) -> None:
    """All files or none; a private one replaces one that was open to all."""
    file = tmp_path / "a"
    file.write_text("old")
    write_files({file: "new"}, private=True)
    assert ("new", 0o600) == (file.read_text(), file.stat().st_mode & 0o777)
    with pytest.raises(sbp.OutputError):
        write_files({file: "newer", tmp_path / "a" / "b": ""})
    assert "new" == file.read_text()
