"""A class from roster to marks, through the command line: files, resuming, growing, hostile text, PDFs."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from symbackprop import cli
from symbackprop.homework.reporting import marks_folders
from tests.helpers import each, require_tool

ROSTER = 'Group;Name;ID\nA;"Müller, Anna";s1\nB;王小明;s2\nC;=cmd();s/3\nA;<script>alert(1)</script>;s4\n'
PROBLEM = "homework"

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command in an empty folder with a roster, and returns what it prints."""
    monkeypatch.chdir(tmp_path)
    Path("roster.csv").write_text(ROSTER)

    def command(*arguments: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as left:
            cli.main(list(arguments))
        printed = capsys.readouterr()
        assert left.value.code == code, printed.err
        return printed.out + printed.err

    return command


def give(run: Run, *more: str, output: str = "class", code: int = 0) -> str:
    """Give out the homework in Markdown by one process."""
    usual = ("--students", "roster.csv", "--seed", "7", "-f", "markdown", "--processes", "1", "-o", output)
    return run("homework", PROBLEM, *usual, *more, code=code)


def contents(folder: str, *below: str) -> dict[str, bytes]:
    """Return the files of a folder by their paths in it."""
    top = Path(folder, *below)
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(top.rglob("*")) if file.is_file()}


def answers(folder: str = "class") -> list[dict[str, str]]:
    """Return the rows of the key."""
    return list(csv.DictReader(io.StringIO(Path(folder, "teacher", "answers.csv").read_text())))


def submit(values: Mapping[tuple[str, str], str] | None = None, name: str = "submissions.csv") -> None:
    """Write what a class hands in that copies the key, but for the given answers of (student, id)."""
    changed = values or {}
    with Path(name).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["student", "answer", "value"])
        for row in answers():
            place = (row["student"], row["answer"])
            writer.writerow([*place, changed.get(place, row["value"])])


def test_a_class_has_its_files(run: Run) -> None:
    """Sheets with blanks and no answers, keys with the answers, plain data for the teacher."""
    give(run)
    names = set(contents("class"))
    assert {"students/sheets/s1.md", "students/sheets/s%2F3.md", "teacher/keys/s2.md"} <= names
    assert {f"teacher/{name}" for name in ("answers.csv", "answers.json", "manifest.json", "secret")} <= names
    assert list(answers()[0]) == ["student", "code", "answer", "value", "tolerance", "points"]
    for row in answers():
        sheet = Path("class/students/sheets", row["student"].replace("/", "%2F") + ".md").read_text()
        key = Path("class/teacher/keys", row["student"].replace("/", "%2F") + ".md").read_text()
        assert row["code"] in sheet
        assert row["answer"].replace("_", r"\_") in sheet
        digits = row["value"].lstrip("-")
        assert digits in key.replace("\\", "")
        if len(digits) > 6:
            assert digits[:6] not in sheet
    assert "<script>" not in Path("class/students/sheets/s4.md").read_text().replace(r"\<script\>", "")
    manifest = json.loads(Path("class/teacher/manifest.json").read_text())
    assert {"Group": "A", "ID": "s1", "Name": "Müller, Anna"} == manifest["enrolments"][0]["student"]["row"]
    assert Path("class/teacher/secret").read_text().strip() not in Path("class/teacher/manifest.json").read_text()


def test_the_same_files_whoever_writes_them(run: Run) -> None:
    """One process or two; only the secret, and so the codes, are a class's own."""
    give(run)
    Path("again/teacher").mkdir(parents=True)
    Path("again/teacher/secret").write_bytes(Path("class/teacher/secret").read_bytes())
    give(run, "--processes", "2", output="again")
    assert contents("class") == contents("again")


def test_a_longer_roster_adds_and_changes_nothing(run: Run) -> None:
    """Resumed after a kill, too: what is whole is left, what is missing is written."""
    give(run)
    before = contents("class", "students")
    stamp = Path("class/students/sheets/s1.md").stat().st_mtime_ns
    Path("class/students/sheets/s2.md").unlink()
    Path("roster.csv").write_text(ROSTER.replace("B;", "D;New;s0\nB;"))
    give(run)
    after = contents("class", "students")
    assert before.items() <= after.items()
    assert {"students/sheets/s0.md"} == after.keys() - before.keys()
    assert stamp == Path("class/students/sheets/s1.md").stat().st_mtime_ns
    Path("roster.csv").write_text("ID,Name\ns2,王小明\n")
    give(run)
    assert {row["student"] for row in answers()} == {"s0", "s1", "s2", "s/3", "s4"}


def test_another_homework_does_not_overwrite(run: Run) -> None:
    """Other numbers, another seed, another attempt: another folder."""
    give(run)
    before = contents("class")
    for option in (("--seed", "8"), ("--attempt", "2"), ("--set", "training.learning_rate=0.2")):
        assert "choose another folder" in give(run, *option, code=2)
    assert before == contents("class")
    give(run, "--attempt", "2", output="resit")
    assert answers()[0]["code"] != answers("resit")[0]["code"]


def test_anonymous_sheets_carry_codes_only(run: Run) -> None:
    """Neither name nor id is on a sheet or in its file name."""
    give(run, "--anonymous")
    for name, content in each(contents("class", "students").items()):
        assert re.fullmatch(r"students/sheets/[A-Z2-7]{10}\.md", name)
        text = re.sub(r"data:[^\s\"')]*", "", content.decode())  # letters of an encoded picture say nothing
        assert not any(part in text for part in ("Müller", "王小明", "cmd", " s1 ", " s2 "))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "expected a class"),
        (("--students", "nobody.csv"), "nobody.csv: the file cannot be read"),
        (("--variants", "2", "-f", "json"), 'unknown format of a sheet "json"'),
        (("--variants", "2", "--student-columns", "nr"), None),
        (("--students", "roster.csv", "--student-columns", "nr"), 'expected id=COLUMN or name=COLUMN, found "nr"'),
        (("--students", "roster.csv", "--student-columns", "id=Nr"), 'there is no column "Nr"'),
    ],
)
def test_mistakes_write_nothing(run: Run, arguments: tuple[str, ...], message: str | None) -> None:
    """One message, exit code 2, no folder."""
    printed = (
        run("homework", PROBLEM, *arguments, "-o", "class", "-f", "markdown", code=0 if message is None else 2)
        if "-f" not in arguments
        else run("homework", PROBLEM, *arguments, "-o", "class", code=2)
    )
    if message is not None:
        assert message in printed
        assert not Path("class").exists()


def test_marks_of_a_class(run: Run) -> None:
    """Copies of the key get every mark; the gradebook has the roster's columns and delimiter; absent students have none."""
    give(run)
    slips = {
        ("s1", "z1_1"): "0.1234",
        ("s2", "z1_1"): "",
        ("s2", "z1_2"): "((",
        ("s/3", "a1_1"): "=cmd()",
        ("s/3", "L"): "<img src=x onerror=alert(1)>",
    }
    submit(slips)
    rows = Path("submissions.csv").read_text().splitlines()
    Path("submissions.csv").write_text("\n".join(row for row in rows if not row.startswith("s4,")) + "\nghost,z1_1,1\n")
    printed = run("grade", "class", "submissions.csv")
    assert 'the student "ghost" is not in the class' in printed
    marks = Path("class/teacher/marks")
    report = {
        (row["student"], row["answer"]): row for row in csv.DictReader(io.StringIO((marks / "report.csv").read_text()))
    }
    assert {"student", "answer", "value", "verdict", "points", "max_points", "message", "mistake", "at"} == set(
        report["s1", "L"]
    )
    found = {place: report[place]["verdict"] for place in slips}
    assert found == {
        ("s1", "z1_1"): "wrong",
        ("s2", "z1_1"): "blank",
        ("s2", "z1_2"): "unreadable",
        ("s/3", "a1_1"): "unreadable",
        ("s/3", "L"): "unreadable",
    }
    assert {"correct", "follow_through"} >= {row["verdict"] for place, row in report.items() if place not in slips}
    assert report["s/3", "a1_1"]["value"].startswith("'=")
    book = list(csv.reader(io.StringIO((marks / "gradebook.csv").read_text()), delimiter=";"))  # as in the roster
    assert ["Group", "Name", "ID", "total"] == book[0]
    assert ["", "'=cmd()"] == [book[4][3], book[3][1]]
    total = sum(float(row["max_points"]) for place, row in report.items() if place[0] == "s1")
    assert total == pytest.approx(20, abs=0.2)
    assert float(book[1][3]) == pytest.approx(20 - float(report["s1", "z1_1"]["max_points"]), abs=0.01)
    page = (marks / "feedback" / "s%2F3.html").read_text()
    assert "<img" not in page
    assert "&lt;img" in page
    assert "The first wrong step is z1_1." in (marks / "feedback" / "s1.html").read_text()
    assert (marks / "summary.html").is_file()


def test_follow_through_names_the_students_own_value(run: Run) -> None:
    """A slip in z is marked once; what follows says which value it was marked with."""
    give(run)
    rows = {row["answer"]: row for row in answers() if row["student"] == "s1"}
    import math

    slip = float(rows["z1_1"]["value"]) + 0.5
    submit({("s1", "z1_1"): repr(slip), ("s1", "a1_1"): repr(1 / (1 + math.exp(-slip)))})
    run("grade", "class", "submissions.csv", "-o", "marks")
    report = {
        row["answer"]: row
        for row in csv.DictReader(io.StringIO(Path("marks/report.csv").read_text()))
        if row["student"] == "s1"
    }
    assert "wrong" == report["z1_1"]["verdict"]
    assert "follow_through" == report["a1_1"]["verdict"]
    assert f"z1_1 = {slip!r}" in report["a1_1"]["message"]


def test_codes_are_compared(run: Run) -> None:
    """Answers to another sheet are marked, and said to be odd."""
    give(run)
    own = next(row["code"] for row in answers() if row["student"] == "s1")
    Path("s.csv").write_text(f"student,code,answer,value\ns1,{own.lower()},z1_1,1\ns2,{own},z1_1,1\n")
    printed = run("grade", "class", "s.csv", "-o", "marks")
    assert printed.count("is not that of") == 1
    assert f"the code {own} is not that of s2's sheet" in printed


def test_overrides(run: Run) -> None:
    """Excused, accepted, added; every change is listed, and no answer earns more than it can."""
    give(run)
    submit({("s1", "z1_1"): "9", ("s2", "L"): "0.25 or so", ("s4", "a1_1"): "x"})
    Path("fix.toml").write_text(
        '[[override]]\nstudent = "s1"\nanswer = "z1_1"\nexcuse = true\nreason = "misprint"\n'
        '[[override]]\nanswer = "L"\naccept = "0.25 or so"\n'
        '[[override]]\nstudent = "s4"\nanswer = "a1_1"\npoints = 0.1\n'
    )
    printed = run("grade", "class", "submissions.csv", "-o", "marks", "--overrides", "fix.toml")
    changes = list(csv.DictReader(io.StringIO(Path("marks/changes.csv").read_text())))
    assert [("s1", "z1_1", "misprint"), ("s2", "L", "–")] == [
        (row["student"], row["answer"], row["reason"].rpartition(": ")[2]) for row in changes[:2]
    ]
    assert [("s4", "a1_1")] == [(row["student"], row["answer"]) for row in changes[2:]]
    assert "s1 z1_1: 0 → " in printed
    Path("fix.toml").write_text('[[override]]\nstudent = "nobody"\nexcuse = true\n')
    assert 'unknown student "nobody"' in run("grade", "class", "submissions.csv", "--overrides", "fix.toml", code=2)
    Path("fix.toml").write_text("[[override]]\nexcuse = true\npoints = 1\n")
    assert "expected one of excuse, accept, points, total, factor and copied" in run(
        "grade", "class", "submissions.csv", "--overrides", "fix.toml", code=2
    )


def test_totals_are_changed(run: Run) -> None:
    """Late penalties, a bonus, an oral exam: they change totals in the order of the file, and pages say so."""
    give(run)
    submit({("s1", "z1_1"): "9"})
    lines = [line for line in Path("submissions.csv").read_text().splitlines() if not line.startswith("s4,")]
    Path("submissions.csv").write_text("\n".join(lines) + "\n")
    Path("fix.toml").write_text(
        '[[override]]\nstudent = "s2"\ntotal = -3\nreason = "late"\n'
        '[[override]]\nstudent = "s1"\ntotal = -100\n'
        '[[override]]\nstudent = "s/3"\nfactor = 0.9\n[[override]]\nstudent = "s/3"\ntotal = 5.5\n'
        '[[override]]\nstudent = "s4"\ntotal = 12\nreason = "oral exam"\n'
    )
    printed = run("grade", "class", "submissions.csv", "-o", "marks", "--overrides", "fix.toml")
    book = {
        row["ID"]: row["total"]
        for row in csv.DictReader(io.StringIO(Path("marks/gradebook.csv").read_text()), delimiter=";")
    }
    assert {"s1": "0", "s2": "17", "s/3": "23.5", "s4": "12"} == book
    assert "s2 total: 20 → 17 points" in printed and "s4 total: 0 → 12 points" in printed
    changes = list(csv.DictReader(io.StringIO(Path("marks/changes.csv").read_text())))
    assert ("s2", "total", "20", "17", "late") in [
        (row["student"], row["answer"], row["points_before"], row["points"], row["reason"]) for row in changes
    ]
    page = Path("marks/feedback/s2.html").read_text()
    assert "changed by hand from 20 to 17 points: late" in page and "17 of 20" in page
    assert "oral exam" in Path("marks/feedback/s4.html").read_text()


def test_who_handed_nothing_in_can_have_marks(run: Run) -> None:
    """Who is excused has all points; a correction that is about nobody who handed in says that it did nothing."""
    give(run)
    submit({})
    lines = [line for line in Path("submissions.csv").read_text().splitlines() if line.startswith(("student", "s1,"))]
    Path("submissions.csv").write_text("\n".join(lines) + "\n")
    Path("fix.toml").write_text(
        '[[override]]\nstudent = "s4"\nexcuse = true\n[[override]]\nstudent = "s2"\nanswer = "L"\naccept = 7\n'
        '[[override]]\nstudent = "s/3"\nfactor = 0.5\n'
    )
    printed = run("grade", "class", "submissions.csv", "-o", "marks", "--overrides", "fix.toml")
    book = {
        row["ID"]: row["total"]
        for row in csv.DictReader(io.StringIO(Path("marks/gradebook.csv").read_text()), delimiter=";")
    }
    assert {"s1": "20", "s2": "", "s/3": "", "s4": "20"} == book
    assert printed.count("changed nothing") == 2
    assert "fix.toml: override[1]" in printed and "fix.toml: override[2]" in printed
    assert "1 of 4" in Path("marks/summary.html").read_text()


def test_digits_change_after_giving_out(run: Run) -> None:
    """No number changes: sheets, codes and keys stay, tolerances follow, and a rule for fewer digits makes them right."""
    give(run)
    before, codes = answers(), Path("class/teacher/manifest.json").read_text().count('"code"')
    submit({("s1", row["answer"]): f"{float(row['value']):.3g}" for row in before if row["student"] == "s1"})
    assert (
        "rounded"
        in (run("grade", "class", "submissions.csv", "-o", "strict"), Path("strict/report.csv").read_text())[1]
    )
    give(run, "--set", "homework.significant=3")
    after = answers()
    assert codes == Path("class/teacher/manifest.json").read_text().count('"code"')
    for old, new in each(zip(before, after, strict=True), least=20):
        assert (old["student"], old["code"], old["answer"], old["value"]) == (
            new["student"],
            new["code"],
            new["answer"],
            new["value"],
        )
    assert any(float(new["tolerance"]) > float(old["tolerance"]) for old, new in zip(before, after, strict=True))
    assert "Carry at least 3 significant digits" in Path("class/students/sheets/s1.md").read_text()
    run("grade", "class", "submissions.csv", "-o", "loose")
    report = csv.DictReader(io.StringIO(Path("loose/report.csv").read_text()))
    assert {"correct"} == {row["verdict"] for row in report if row["student"] == "s1"}
    give(run, "--set", "homework.significant=5", "--set", "homework.points.a1=3")
    assert [row["value"] for row in before] == [row["value"] for row in answers()]
    assert "other numbers" in give(run, "--set", "data.x=[1, 3]", code=2)


def test_what_cannot_be_read_is_one_row_for_each_student(run: Run) -> None:
    """Who writes something odd everywhere does not fill the summary."""
    give(run)
    submit({(row["student"], row["answer"]): "three" for row in answers() if row["student"] in ("s1", "s2")})
    run("grade", "class", "submissions.csv", "-o", "marks", "-f", "markdown")
    lines = Path("marks/summary.md").read_text().splitlines()
    rows = [line for line in lines if "three" in line]
    assert 2 == len(rows)
    assert str(len({row["answer"] for row in answers()})) in rows[0]


def test_anonymous_from_sheet_to_marks(run: Run) -> None:
    """Who knows codes only hands in by code: the marks stand at the names in the gradebook, without a remark."""
    give(run, "--anonymous")
    codes = {row["code"]: row["student"] for row in answers()}
    ids = list(dict.fromkeys(row["answer"] for row in answers()))
    key = {(row["code"], row["answer"]): row["value"] for row in answers()}
    for column in each(("student", "code", "Student ID")):
        with Path("in.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([column, *ids])
            writer.writerows([code.lower(), *(key[code, id] for id in ids)] for code in codes)
        printed = run("grade", "class", "in.csv", "-o", "marks", "--quiet")
        book = list(csv.reader(io.StringIO(Path("marks/gradebook.csv").read_text()), delimiter=";"))
        assert ["20"] * len(codes) == [row[-1] for row in book[1:]]
        assert "" == printed


@pytest.mark.parametrize(("rule", "total"), [("last", True), ("newest", False), ("best", True)])
def test_attempts_that_count(rule: str, total: bool, run: Run) -> None:
    """The best of whole attempts is by points; the newest goes by the time and not by the place in the file."""
    give(run)
    ids = list(dict.fromkeys(row["answer"] for row in answers()))
    right = [row["value"] for row in answers() if row["student"] == "s1"]
    with Path("in.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["student", "time", *ids])
        writer.writerow(["s1", "2026-03-02 10:00", *("7e7" for _ in ids)])
        writer.writerow(["s1", "2026-03-01 10:00", *right])
    printed = run("grade", "class", "in.csv", "-o", "marks", "--attempts", rule, "--quiet")
    report = list(csv.DictReader(io.StringIO(Path("marks/report.csv").read_text())))
    assert total is all("correct" == row["verdict"] for row in report)
    assert 1 == printed.count("s1 handed in 2 times")


def test_files_and_folders_are_marked_at_once(run: Run) -> None:
    """Two graders' halves, one of them a folder, make one gradebook; a column that is not there is an error."""
    give(run)
    submit()
    header, *rows = Path("submissions.csv").read_text().splitlines()
    Path("half").mkdir()
    for name, ids in (("half/a.csv", ("s1", "s2")), ("b.csv", ("s/3", "s4"))):
        Path(name).write_text("\n".join([header, *(row for row in rows if row.startswith(ids))]) + "\n")
    assert "" == run("grade", "class", "half", "b.csv", "-o", "marks", "--quiet")
    book = list(csv.reader(io.StringIO(Path("marks/gradebook.csv").read_text()), delimiter=";"))
    assert ["20"] * 4 == [row[-1] for row in book[1:]]
    wrong = ("--student-columns", "nr=1")
    assert "expected id=COLUMN, code=COLUMN or time=COLUMN" in run("grade", "class", "b.csv", *wrong, code=2)


def test_marking_again_leaves_nothing_stale(run: Run) -> None:
    """Pages, changes and other formats of an earlier run are gone, others' files stay, and who lost marks is told."""
    give(run)
    submit({("s1", "z1_1"): "9"})
    Path("fix.toml").write_text('[[override]]\nstudent = "s1"\nanswer = "z1_1"\nexcuse = true\n')
    run("grade", "class", "submissions.csv", "-o", "marks", "-f", "markdown,html", "--overrides", "fix.toml")
    Path("marks/feedback/notes.txt").write_text("mine")
    assert {"changes.csv", "feedback/s2.md", "summary.md"} <= contents("marks").keys()
    few = [line for line in Path("submissions.csv").read_text().splitlines() if not line.startswith("s2")]
    Path("few.csv").write_text("\n".join(few))
    printed = run("grade", "class", "few.csv", "-o", "marks", "--quiet")
    left = contents("marks").keys()
    assert "1 students had marks there" in printed and "any more: s2" in printed
    assert {"changes.csv", "feedback/s2.md", "feedback/s2.html", "summary.md"} & left == set()
    assert {"feedback/notes.txt", "feedback/s1.html", "summary.html"} <= left


def test_marks_are_private(run: Run) -> None:
    """What holds answers can be read by its owner alone, when it is written anew too."""
    give(run)
    submit()
    for _ in range(2):
        run("grade", "class", "submissions.csv", "-o", "marks", "--quiet")
        written = [file for file in Path("marks").rglob("*") if file.is_file() and file.name != ".lock"]
        for file in each(written, least=6):
            assert 0o600 == file.stat().st_mode & 0o777


def test_two_graders_at_once_lose_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends while another marks is not overwritten: the marks are of both."""
    give(run)
    submit()
    header, *rows = Path("submissions.csv").read_text().splitlines()
    for name, ids in (("a.csv", ("s1", "s2")), ("b.csv", ("s/3", "s4"))):
        Path(name).write_text("\n".join([header, *(row for row in rows if row.startswith(ids))]) + "\n")
    known, began = marks_folders.MarksRecord.read, []

    def read(folder: Path) -> marks_folders.MarksRecord:
        found = known(folder)
        if not began:
            began.append(found)
            with pytest.raises(SystemExit):
                cli.main(["grade", "class", "b.csv", "-o", "marks", "--quiet"])
        return found

    monkeypatch.setattr(marks_folders.MarksRecord, "read", read)
    assert "had marks there" not in run("grade", "class", "a.csv", "-o", "marks", "--quiet")
    book = list(csv.reader(io.StringIO(Path("marks/gradebook.csv").read_text()), delimiter=";"))
    assert ["20"] * 4 == [row[-1] for row in book[1:]]


@pytest.mark.sweep
def test_pdfs_of_a_class(run: Run) -> None:
    """The class in one file with every student on a right-hand page, and each student's own."""
    require_tool("pdflatex")
    text_of = require_tool("pdftotext")
    Path("roster.csv").write_text("id,name\na,Anna\nb,Béla\n")
    run("homework", PROBLEM, "--students", "roster.csv", "-f", "pdf", "-o", "class", "--processes", "1")
    import subprocess

    import pypdf

    for kind, folder in (("sheets", "students"), ("keys", "teacher")):
        whole = pypdf.PdfReader(f"class/{folder}/{kind}.pdf")
        own = [pypdf.PdfReader(f"class/{folder}/{kind}/{name}.pdf") for name in "ab"]
        padded = [len(each.pages) + len(each.pages) % 2 for each in own]
        assert sum(padded) == len(whole.pages)
        for name, other in (("a", "Béla"), ("b", "Anna")):
            told = subprocess.run([text_of, f"class/{folder}/{kind}/{name}.pdf", "-"], capture_output=True, check=True)
            assert other not in told.stdout.decode()
            assert next(row["code"] for row in answers() if row["student"] == name) in told.stdout.decode()
