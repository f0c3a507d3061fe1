"""Rosters and submissions as schools have them: names in two columns, encodings, ids that a spreadsheet has shortened."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner

from symbackprop import language
from symbackprop.cli import group
from symbackprop.csv_tables import write_csv
from symbackprop.errors import ProblemError, UnknownNameError
from symbackprop.homework.classes.roster import read_roster
from symbackprop.homework.receiving.submissions import Submissions, read_submissions

ANSWERS = {"z1": "z1", "z2": "z2"}


def submitted(folder: Path, ids: list[str], rows: list[tuple[str, str]]) -> Submissions:
    """Return what is read of rows of student and answer to z1."""
    file = folder / "submissions.csv"
    file.write_text("student,answer,value\n" + "".join(f"{id},z1,{value}\n" for id, value in rows), "utf-8")
    return read_submissions(file, ids, ANSWERS)


def remarks(found: Submissions) -> list[str]:
    """Return the remarks as they are said."""
    return [language.say("en", what) for _, what in found.remarks]


@pytest.mark.parametrize(
    ("header", "row", "columns", "name"),
    [
        ("id,First name,Last name", "1,Ada,Lovelace", "First name+Last name", "Ada Lovelace"),
        ("id,Last name,First name", "1,Lovelace,Ada", "first name + last name", "Ada Lovelace"),
        ("id,姓,名", "1,王,小明", "姓+名", "王小明"),
        ("id,姓,名", "1,Müller,小明", "名+姓", "小明 Müller"),
        ("id,First name,Last name", "1,Prince,", "First name+Last name", "Prince"),
        ("id,a+b,a,b", "1,whole,x,y", "a+b", "whole"),
        ("id,one,two,three", '1,"de la Cruz, Jr.",Ana,María', "two+three+one", "Ana María de la Cruz, Jr."),
    ],
)
def test_names_are_joined(tmp_path: Path, header: str, row: str, columns: str, name: str) -> None:
    """Parts of a name stand with a space between them, Chinese ones without; a column that is called so comes first."""
    file = tmp_path / "roster.csv"
    file.write_text(f"{header}\n{row}\n", "utf-8")
    assert read_roster(file, {"name": columns}).students[0].name == name


def test_a_missing_part_of_a_name_is_named(tmp_path: Path) -> None:
    """Of two columns the one that is not there is reported, with the nearest that is."""
    file = tmp_path / "roster.csv"
    file.write_text("id,First name,Surname\n1,A,B\n")
    with pytest.raises(ProblemError, match='there is no column "Last name"'):
        read_roster(file, {"name": "First name+Last name"})


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("cp1252", "Müller"), ("big5", "王小明"), ("shift_jis", "山田"), ("utf-16-le", "Жуков"), ("utf-8", "Łukasz")],
)
def test_encodings_that_are_named(tmp_path: Path, encoding: str, name: str) -> None:
    """A file is read in the encoding that is named, with or without a byte-order mark."""
    for mark in ("", "\ufeff") if encoding.startswith("utf") else ("",):
        (tmp_path / "roster.csv").write_bytes(f"{mark}id,name\n1,{name}\n".encode(encoding))
        assert read_roster(tmp_path / "roster.csv", {}, encoding).students[0].name == name


def test_mistaken_encodings(tmp_path: Path) -> None:
    """A file that is not recognised says how to name its encoding; a wrong or unknown encoding is an error."""
    file = tmp_path / "roster.csv"
    file.write_bytes("id,name\n1,Müller\n".encode("cp1252"))
    with pytest.raises(ProblemError, match=r"\(byte 11\).* name its encoding with --encoding"):
        read_roster(file, {})
    with pytest.raises(ProblemError, match=r"this is not a text in ascii \(byte 11\)"):
        read_roster(file, {}, "ascii")
    for name in ("cp125", "rot13", "hex", "zlib", "x" * 300):
        with pytest.raises(UnknownNameError, match="unknown encoding"):
            read_roster(file, {}, name)


def test_ids_without_zeros_are_completed(tmp_path: Path) -> None:
    """123 is 00123 where nobody else can be meant, once remarked on for all; other ids are found in any case and width."""
    ids = ["00123", "0456", "789", "A007", "007b"]
    found = submitted(tmp_path, ids, [("123", "1"), ("00456", "2"), ("789", "3"), ("a007", "4"), ("００７Ｂ", "5")])
    assert {id: own["z1"] for id, own in found.texts.items()} == {
        "00123": "1", "0456": "2", "789": "3", "A007": "4", "007b": "5",
    }  # fmt: skip
    (said,) = remarks(found)
    assert "each to the only student it can be" in said
    assert "123 is 00123" in said and "00456 is 0456" in said


def test_remark_on_many_ids_stays_short(tmp_path: Path) -> None:
    """Of a whole class without zeros the remark says how many they are, and names some."""
    found = submitted(tmp_path, [f"{number:04d}" for number in range(1, 31)], [(str(n), "1") for n in range(1, 31)])
    (said,) = remarks(found)
    assert len(found.texts) == 30
    assert said.startswith("30 ids") and "1 is 0001" in said and len(said) < 250


def test_ambiguous_ids_are_left_out(tmp_path: Path) -> None:
    """Where an id without zeros may be one of two, its rows are left out, and the remark names both."""
    found = submitted(tmp_path, ["0012", "012", "5"], [("12", "1"), ("12", "2"), ("5", "3")])
    assert found.texts == {"5": {"z1": "3"}}
    (said,) = remarks(found)
    assert '"12"' in said and "0012" in said and "012" in said


def test_an_id_that_hides_another_is_remarked_on(tmp_path: Path) -> None:
    """12 is 12, but may have been 012: it is taken for 12, and said to be checked."""
    found = submitted(tmp_path, ["12", "012"], [("12", "1"), ("012", "2")])
    assert found.texts == {"12": {"z1": "1"}, "012": {"z1": "2"}}
    assert any("please check" in said and "012" in said for said in remarks(found))


def test_letters_keep_their_zeros(tmp_path: Path) -> None:
    """Only ids of digits lose zeros in a spreadsheet: s7 is not s07."""
    found = submitted(tmp_path, ["s07"], [("s7", "1"), ("٣", "2")])
    assert found.texts == {}
    assert len(remarks(found)) == 2


def test_commands_take_encodings_and_columns(tmp_path: Path) -> None:
    """`homework` and `grade` read files in the encoding named, and tell which ids they completed."""
    roster = tmp_path / "roster.csv"
    roster.write_bytes("Nr;Vorname;Nachname\n007;Jürgen;Müller\n008;Zoë;Ångström\n".encode("cp1252"))
    out = tmp_path / "class"
    arguments = ["homework", "homework", "--students", str(roster), "--encoding", "cp1252", "-f", "markdown"]
    arguments += ["--student-columns", "id=Nr,name=Vorname+Nachname", "--processes", "1", "-o", str(out)]
    given = CliRunner().invoke(group, arguments, obj={})
    assert given.exit_code == 0, given.output
    assert "Jürgen Müller" in (out / "students" / "sheets" / "007.md").read_text("utf-8")
    (tmp_path / "in.csv").write_bytes("student;answer;value\n7;z1_1;½ größer\n".encode("cp1252"))
    marked = CliRunner().invoke(group, ["grade", str(out), str(tmp_path / "in.csv"), "--encoding", "cp1252"], obj={})
    assert marked.exit_code == 0, marked.output
    assert "7 is 007" in marked.output
    gradebook = (out / "teacher" / "marks" / "gradebook.csv").read_text("utf-8-sig").splitlines()
    assert gradebook[:2] == ["Nr;Vorname;Nachname;total", "007;Jürgen;Müller;0"]
    summary = (out / "teacher" / "marks" / "summary.html").read_text("utf-8")
    assert "7 is 007" in summary
    assert summary.count("nothing handed in") == 1
    assert "To be read by a person" in summary and "½ größer" in summary
    page = (out / "teacher" / "marks" / "feedback" / "007.html").read_text("utf-8")
    assert '½ <span class="caret">^</span>größer</span></td>' in page


def test_test_student_gets_no_sheet_even_with_an_id(tmp_path: Path) -> None:
    """The student that a learning system adds for the teacher is left out with a remark; shortened ids are told of."""
    file = tmp_path / "roster.csv"
    file.write_text('Student,ID\n"Doe, Jane",1.23457E+11\n"Student, Test",99\n"Roe, Max",5\n')
    roster = read_roster(file, {"id": "ID", "name": "Student"})
    assert ["1.23457E+11", "5"] == [student.id for student in roster.students]
    said = [language.say("en", what) for _, what in roster.remarks]
    assert "shortened" in said[0] and "Student, Test" in said[1] and 2 == len(said)


@pytest.mark.parametrize(("delimiter", "mark"), [(";", True), (",", False), ("\t", True)])
def test_gradebook_looks_like_the_roster(delimiter: str, mark: bool, tmp_path: Path) -> None:
    """Delimiter and byte-order mark are the roster's, and a missing grade stays the sign that it was."""
    file, folder = tmp_path / "roster.csv", tmp_path / "class"
    rows = [["id", "name", "quiz"], ["1", "Jürgen", "-"], ["2", "Ada", "8,50"]]
    file.write_text(write_csv(rows[0], rows[1:], delimiter=delimiter, bom=mark), "utf-8")
    run(["homework", "homework", "--students", str(file), "-f", "markdown", "-o", str(folder)])
    run(["grade", str(folder), str(folder / "teacher" / "answers.csv")])
    content = (folder / "teacher" / "marks" / "gradebook.csv").read_bytes()
    assert mark == content.startswith(b"\xef\xbb\xbf")
    lines = content.decode("utf-8-sig").splitlines()
    assert lines[0].split(delimiter) == [*rows[0], "total"]
    assert [row[:3] for row in csv.reader(lines[1:], delimiter=delimiter)] == rows[1:]


def run(arguments: list[str]) -> None:
    """Run a command that succeeds."""
    result = CliRunner().invoke(group, [*arguments, "--quiet"], obj={})
    assert 0 == result.exit_code, result.output


@pytest.mark.parametrize("header", ["ID-Nummer,z1", "Students,answer,value"])
def test_submissions_without_a_column_of_students_say_which_columns_there_are(header: str, tmp_path: Path) -> None:
    """The message names the column that is missing and lists those that are there; letters may be capitals."""
    path = tmp_path / "answers.csv"
    path.write_text(header + "\n" + ",".join("1" for _ in header.split(",")) + "\n")
    with pytest.raises(ProblemError, match='no column "student": give the column') as caught:
        read_submissions(path, ["1"], {"z1": "z1"})
    assert header.split(",")[0] in str(caught.value)
    path.write_text("STUDENT,z1\n1,0.5\n")
    assert {"1": {"z1": "0.5"}} == read_submissions(path, ["1"], {"z1": "z1"}).texts
