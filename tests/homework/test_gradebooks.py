"""Gradebooks of learning systems: known by their columns, and filled in place, byte for byte but for the marks."""

from __future__ import annotations

import codecs
import csv
import io
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop import language
from symbackprop.csv_tables import table
from symbackprop.errors import ProblemError
from symbackprop.homework.classes.gradebook_layouts import LAYOUTS, layout_of, limit, title
from symbackprop.homework.classes.roster import read_roster
from symbackprop.homework.handouts.manifest import Enrolment
from symbackprop.homework.marked_files import MarkingSettings, marked_files
from symbackprop.homework.receiving.identification import ClassList
from symbackprop.homework.reporting.gradebook import decimal_comma, filled
from tests.helpers import each, many
from tests.homework.test_classes import Run, answers, run  # noqa: F401


class Export(NamedTuple):
    """A file as a system writes it: its bytes, the layout, the students with their names, the column, the two new cells."""

    content: bytes
    layout: str
    students: tuple[tuple[str, str], ...]
    column: str
    old: tuple[str, str]
    new: tuple[str, str]


CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Homework 2 (12344),Homework 3 (12345),Current Score\r\n"
    "    Points Possible,,,,,20,10,(read only)\r\n"
    '"Doe, Jane",101,00123,jdoe,Group A,17.50,<one>,80\r\n'
    '"Roe, ""Max""",102,00124,mroe,Group A,-,<two>,\r\n'
    '"Student, Test",999,,abc,Group A,,,\r\n'
)
MOODLE = (
    "First name,Last name,ID number,Institution,Department,Email address,Assignment: Homework 3 (Real),Course total (Real),"
    "Last downloaded from this course\nJane,Doe,123,U,M,jane@x.org,<one>,-,1700000000\nMax,Roe,124,,,max@x.org,<two>,-,1\n"
)
WORKSHEET = (
    'Identifier,"Full name","ID number","Email address",Status,Grade,"Maximum Grade","Grade can be changed",'
    '"Last modified (submission)","Last modified (grade)","Feedback comments"\n'
    '"Participant 77","Jane Doe",,jane@x.org,"Submitted for grading - ",<one>,10.00,Yes,"Monday, 2 March 2026, 8:00 AM",-,\n'
    '"Participant 78","Max Roe",,max@x.org,"No submission - ",<two>,10.00,Yes,-,-,"a\nb"\n'
)
BLACKBOARD = (
    '"Last Name"\t"First Name"\t"Username"\t"Student ID"\t"Last Access"\t"Availability"\t'
    '"Homework 3 [Total Pts: 10 Score] |998877"\n'
    '"Doe"\t"Jane"\t"jdoe"\t"00123"\t"2026-03-02 08:00:00"\t"Yes"\t"<one>"\n'
    '"Röe"\t"Max"\t"mroe"\t"00124"\t""\t"Yes"\t"<two>"\n'
)
BRIGHTSPACE = (
    "OrgDefinedId,Username,Last Name,First Name,Email,Homework 3 Points Grade <Numeric MaxPoints:10 Weight:5>,"
    "End-of-Line Indicator\r\n#00123,#jdoe,Doe,Jane,j@x.org,<one>,#\r\n#00124,#mroe,Roe,Max,m@x.org,<two>,#\r\n"
)
ILIAS = (
    '"Login";"Last Name";"First Name";"Matriculation number";"Status";"Mark";"Comment"\r\n'
    '"jdoe";"Döe";"Jane";"00123";"not attempted";"<one>";"1,5 h"\r\n"mroe";"Roe";"Max";"00124";"";"<two>";""\r\n'
)
OPENOLAT = (
    "User name;First name;Last name;E-mail;Institution number;Score;Passed\n"
    "jdoe;Jane;Doe;j@x.org;00123;<one>;\nmroe;Max;Roe;m@x.org;00124;<two>;7,25\n"
)
GRADESCOPE = (
    "First Name,Last Name,SID,Email,Sections,Homework 3,Homework 3 - Max Points,Homework 3 - Submission Time,"
    "Total Lateness (H:M:S)\nJane,Doe,00123,j@x.org,,<one>,10.0,2026-03-02 08:00:00 +0100,00:00:00\n"
    "Max,Roe,00124,m@x.org,,<two>,10.0,,\n"
)
PAIR = (("00123", "Jane Doe"), ("00124", "Max Roe"))


def export(text: str, layout: str, students: object, column: str, old: str, new: tuple[str, str], codec: str) -> Export:
    """Return a file of a layout, with the old cells in place of its marks."""
    mark = codecs.BOM_UTF16_LE if codec == "utf-16-le" else b""
    cells = text.replace("<one>", old).replace("<two>", old)
    return Export(mark + cells.encode(codec), layout, students, column, (old, old), new)  # type: ignore[arg-type]


POINTS, COMMAS = ("8.5", "10"), ("8,5", "10")
SORTED = (("00123", "Doe, Jane"), ("00124", 'Roe, "Max"'))
MAILS = (("jane@x.org", "Jane Doe"), ("max@x.org", "Max Roe"))
EXPORTS = {
    "canvas": export(CANVAS, "canvas", SORTED, "Homework 3 (12345)", "", POINTS, "utf-8-sig"),
    "moodle": export(MOODLE, "moodle", (("123", "Jane Doe"), ("124", "Max Roe")), "Homework 3", "-", POINTS, "utf-8"),
    "worksheet": export(WORKSHEET, "moodle worksheet", MAILS, "grade", "", POINTS, "utf-8"),
    "blackboard": export(BLACKBOARD, "blackboard", (PAIR[0], ("00124", "Max Röe")), "homework 3", "", POINTS, "utf-16-le"),
    "brightspace": export(BRIGHTSPACE, "brightspace", PAIR, "Homework 3", "", POINTS, "utf-8-sig"),
    "ilias": export(ILIAS, "ilias", (("00123", "Jane Döe"), ("00124", "Max Roe")), "Mark", "", COMMAS, "utf-8-sig"),
    "openolat": export(OPENOLAT, "openolat", PAIR, "Score", "", COMMAS, "utf-8"),
    "gradescope": export(GRADESCOPE, "gradescope", PAIR, "Homework 3", "", POINTS, "utf-8"),
}  # fmt: skip
TEXTS = dict(
    zip(EXPORTS, (CANVAS, MOODLE, WORKSHEET, BLACKBOARD, BRIGHTSPACE, ILIAS, OPENOLAT, GRADESCOPE), strict=True)
)


def known(file: Path) -> ClassList:
    """Return the class of a roster."""
    return ClassList.of([Enrolment(student, "", 1, {}) for student in read_roster(file, {}).students])


@pytest.mark.parametrize("name", EXPORTS)
def test_exports_are_known_and_filled(name: str, tmp_path: Path) -> None:
    """The class is read without being told of columns; only the two cells change, and nothing is odd about it."""
    found, file = EXPORTS[name], tmp_path / "export.csv"
    file.write_bytes(found.content)
    layout = layout_of(table(found.content, "x", encoding="").columns)
    assert layout is not None and found.layout == layout.name
    roster = read_roster(file, {})
    assert found.students == tuple((student.id, student.name) for student in roster.students)
    (one, _), (two, _) = found.students
    points = {one: Fraction(17, 2), two: Fraction(10)}
    book, remarks = filled(found.content, "x", found.column, points, known(file), most=Fraction(10))
    filled_text = TEXTS[name].replace("<one>", found.new[0]).replace("<two>", found.new[1])
    codec = "utf-8" if found.content[:2] != codecs.BOM_UTF16_LE else "utf-16-le"
    mark = next((m for m in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE) if found.content.startswith(m)), b"")
    assert [] == remarks
    assert mark + filled_text.encode(codec) == book
    one_only, _ = filled(found.content, "x", found.column, {one: Fraction(17, 2)}, known(file), most=Fraction(10))
    assert TEXTS[name].replace("<one>", found.new[0]).replace("<two>", found.old[1]) in one_only[len(mark) :].decode(
        codec
    )


def test_every_layout_has_an_export() -> None:
    """No layout is without a file in that layout, and none is taken for another."""
    assert {row.name for row in LAYOUTS} == {found.layout for found in EXPORTS.values()}


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_stay(encoding: str, end: str, tmp_path: Path) -> None:
    """Whatever a table is written in, it comes back in that."""
    name = "Jürgen" if encoding == "cp1252" else "王小明"
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(encoding, b"")
    named = encoding if encoding == "cp1252" else ""
    text = (
        f"学号;name;Übung{end}1;{name};-{end}{end}2;{name}{end}"
        if named == ""
        else f"id;name;HW{end}1;{name};-{end}2;{name}{end}"
    )
    text = text.replace("Übung", "成绩")
    column = "HW" if named else "成绩"
    file = tmp_path / "roster.csv"
    file.write_bytes(mark + text.encode(encoding))
    class_list = ClassList.of([Enrolment(s, "", 1, {}) for s in read_roster(file, {}, named).students])
    points = {"1": Fraction(1, 3), "2": Fraction(2)}
    book, _ = filled(file.read_bytes(), "x", column, points, class_list, most=Fraction(2), encoding=named)
    assert mark + text.replace("-", "0,33").replace(f"2;{name}", f"2;{name};2").encode(encoding) == book


@settings(max_examples=many(200), deadline=None)
@given(
    st.lists(st.lists(st.text("ab,;\"' \t\n.é#-0", max_size=6), min_size=2, max_size=2), min_size=1, max_size=5),
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_any_table_is_filled_in_place(rows: list[list[str]], delimiter: str, end: str, quoted: bool) -> None:
    """Read by the module csv, the new table is the old one but for the marks; its bytes differ in no other place."""
    text = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(["id", "mark", "x", "y"])
    writer.writerows([f"s{n}", "", *row] for n, row in enumerate(rows))
    points = {f"s{n}": Fraction(n, 2) for n in range(len(rows))}
    content = text.getvalue().encode()
    book, remarks = filled(content, "x", "mark", points, ClassList(points), most=Fraction(9))
    old = list(csv.reader(io.StringIO(content.decode(), newline=""), delimiter=delimiter))
    new = list(csv.reader(io.StringIO(book.decode(), newline=""), delimiter=delimiter))
    assert [] == remarks
    assert [[*row[:1], *row[2:]] for row in old] == [[*row[:1], *row[2:]] for row in new]
    assert list(points.values()) == [Fraction(row[1].replace(",", ".")) for row in new[1:]]
    emptied = filled(book, "x", "mark", {}, ClassList(points), most=Fraction(9))[0]
    assert emptied == book


def test_columns_that_are_not_there() -> None:
    """A column is named by the whole of its name or by what people call it; others are errors."""
    content = b"id,Homework 3 (1),Homework 3 (2),Quiz (Real)\n1,,,\n"
    with pytest.raises(ProblemError, match='there is no column "Homework 4"'):
        filled(content, "x", "Homework 4", {}, ClassList("1"), most=Fraction(1))
    with pytest.raises(ProblemError, match="Homework 3"):
        filled(content, "x", "homework 3", {}, ClassList("1"), most=Fraction(1))
    assert b"1,,5,\n" in filled(content, "x", "Homework 3 (2)", {"1": Fraction(5)}, ClassList("1"), most=Fraction(1))[0]
    assert b"1,,,5\n" in filled(content, "x", "quiz", {"1": Fraction(5)}, ClassList("1"), most=Fraction(1))[0]


def test_what_is_odd_is_said() -> None:
    """Another maximum than the homework's, and students without a row."""
    content = EXPORTS["canvas"].content
    _, remarks = filled(
        content,
        "x",
        "Homework 3",
        {"00123": Fraction(1), "9": Fraction(2)},
        ClassList(["00123", "9"]),
        most=Fraction(20),
    )
    said = [language.say("en", what) for what in remarks]
    assert ["1 students who have points have no row in the gradebook: 9"] == said[:1]
    assert "takes 10 points and this homework has 20" in said[1]


def test_titles_and_limits() -> None:
    """What a system adds to the name of a column is known, and what it says of the points is read."""
    for found in each(EXPORTS.values()):
        (column,) = (c for c in table(found.content, "x", encoding="").columns if title(c) == title(found.column))
        assert limit(column) in (None, 10.0)
    assert (7.5, 10.0) == (limit("a <Numeric MaxPoints:7.5 Weight:1>"), limit("b [Total Pts: up to 10 Score] |1"))


def test_decimal_commas() -> None:
    """The table's own numbers say what stands before decimals, then the delimiter."""
    assert decimal_comma(["8,5", "7"], "\t") and decimal_comma([], ";")
    assert not decimal_comma(["8.5"], ";") and not decimal_comma(["7"], ",")


def test_lists_of_ids_alone(tmp_path: Path) -> None:
    """A list needs no names; where it has other columns, that none was known as theirs is said."""
    file = tmp_path / "roster.csv"
    file.write_text("Student ID\n1\n2\n")
    assert [("1", ""), ("2", "")] == [(s.id, s.name) for s in read_roster(file, {}).students]
    file.write_text("id,called\n1,Ada\n")
    (remark,) = read_roster(file, {}).remarks
    assert "no column of names" in language.say("en", remark[1])


def test_from_an_export_to_marks_in_the_same_file(run: Run) -> None:  # noqa: F811
    """A class is given out to an export of Canvas, marked, and the export has the marks; a newer one can be named."""
    Path("canvas.csv").write_bytes(EXPORTS["canvas"].content)
    usual = ("-f", "markdown", "--processes", "1", "-o", "class", "--quiet")
    printed = run("homework", "homework", "--students", "canvas.csv", *usual)
    assert 2 == printed.count("was left out")
    rows = [f"{row['student']},{row['answer']},{row['value']}\n" for row in answers() if row["student"] == "00124"]
    Path("in.csv").write_text("student,answer,value\n" + "".join(rows))
    printed = run("grade", "class", "in.csv", "--into", "Homework 3", "--quiet")
    assert "takes 10 points and this homework has 20" in printed
    book = Path("class/teacher/marks/gradebook.csv").read_bytes()
    assert EXPORTS["canvas"].content.replace(b"A,-,,\r\n", b"A,-,20,\r\n") == book
    Path("newer.csv").write_bytes(EXPORTS["canvas"].content.replace(b"12345", b"7"))
    run("grade", "class", "in.csv", "--into", "Homework 3", "--roster", "newer.csv", "--quiet", "-o", "marks")
    assert b"Homework 3 (7)" in Path("marks/gradebook.csv").read_bytes()
    assert "there is no column" in run("grade", "class", "in.csv", "--into", "Homework 9", code=2)


def test_classes_without_a_list_have_nothing_to_fill(run: Run) -> None:  # noqa: F811
    """Where variants were given out without a roster, a gradebook has to be named."""
    run("homework", "homework", "--variants", "1", "-f", "text", "--processes", "1", "-o", "class", "--quiet")
    Path("in.csv").write_text("student,answer,value\n1,L,1\n")
    with pytest.raises(ProblemError, match="no list to be filled"):
        marked_files(Path("class"), [Path("in.csv")], settings=MarkingSettings(into="Homework 3"))
    marked, files = marked_files(Path("class"), [Path("in.csv")], settings=MarkingSettings())
    assert ["1"] == list(marked.marks) and {"report.csv", "gradebook.csv"} < {name for some in files for name in some}
