"""What comes in: attempts, columns by any usual name, codes for ids, text around answers, folders and archives."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import pytest

from symbackprop import language, limits
from symbackprop.errors import OutputError, ProblemError
from symbackprop.homework.classes.columns import CODE_NAMES, USUAL_NAMES, simple
from symbackprop.homework.classes.roster import Student
from symbackprop.homework.handouts.manifest import Enrolment
from symbackprop.homework.receiving.attempts import AttemptRule, counted
from symbackprop.homework.receiving.identification import ClassList
from symbackprop.homework.receiving.submissions import AnswerNames, Submissions, read_submissions
from symbackprop.homework.receiving.submitted_files import submitted
from symbackprop.homework.receiving.time_stamps import TIME_NAMES, times
from tests.helpers import each

ANSWERS = {
    "z1_1": "z1_1",
    "z1_2": "z1_2",
    "new_L": "new_L",
    "dL_dW1_1_2": "dL_dW1_1_2",
    "dE_dw2": "dL_dW1_1_2",
    "L": "L",
}
IDS = ("001", "002", "s3")
CODES = {"001": "ABCDEFGHIJ", "002": "5DQSBDHHTC", "s3": "OOIIBB2345"}


def known() -> ClassList:
    """Return a class with codes and addresses."""
    return ClassList.of(
        [Enrolment(Student(id, "", {"Nr": id, "E-Mail": f"{id}@x.org"}), CODES[id], 1, {}) for id in IDS]
    )


def read(folder: Path, text: str, **more: object) -> Submissions:
    """Return what is read of a table."""
    file = folder / "in.csv"
    file.write_text(text, "utf-8")
    return read_submissions(file, known(), ANSWERS, **more)  # type: ignore[arg-type]


def said(found: Submissions) -> list[str]:
    """Return the remarks as they are said."""
    return [language.say("en", what) for _, what in found.remarks]


def points(id: str, texts: object) -> Fraction:
    """Return one point for each answer that is 1."""
    assert isinstance(texts, dict)
    return Fraction(sum(text.strip() == "1" for text in texts.values()))


def chosen(found: Submissions, rule: AttemptRule) -> tuple[dict[str, str], str]:
    """Return what counts of student 001, and the remark."""
    texts, remark = counted("001", found.attempts["001"], rule, points)
    return texts, "" if remark is None else language.say("en", remark[1])


@pytest.mark.parametrize(
    "name", [*USUAL_NAMES, "Student ID", " student id: ", "Email Address", "Username", "学号（必填）"]
)
def test_students_by_any_usual_name(name: str, tmp_path: Path) -> None:
    """The column of the students is found by what people call it, whatever its letters and signs."""
    found = read(tmp_path, f"Other,{name.upper()},z1_1\nx,002,0.5\n")
    assert {"002": {"z1_1": "0.5"}} == found.texts


@pytest.mark.parametrize("name", [*CODE_NAMES, "Student ID", "id"])
@pytest.mark.parametrize("typed", ["5DQSBDHHTC", "5dqs bdhh tc", " 5DQSBDHHTC ", "５ＤＱＳＢＤＨＨＴＣ"])
def test_students_by_code(name: str, typed: str, tmp_path: Path) -> None:
    """A code stands for its student, in a column of its own or in that of the ids, however it was copied."""
    assert {"002": {"z1_1": "1"}} == read(tmp_path, f"{name},z1_1\n{typed},1\n").texts
    assert {"s3": {"z1_1": "1"}} == read(tmp_path, f"{name},z1_1\n0o1i8b2345,1\n").texts


def test_blank_id_beside_a_code(tmp_path: Path) -> None:
    """Where the id is left blank the code says whose row it is; where both are there the id does."""
    found = read(tmp_path, "student,code,z1_1\n,abcdefghij,1\n002,ABCDEFGHIJ,2\n")
    assert {"001": {"z1_1": "1"}, "002": {"z1_1": "2"}} == found.texts
    assert {"001", "002"} == found.codes.keys()


def test_students_by_another_column_of_the_list(tmp_path: Path) -> None:
    """Forms ask for addresses: what the list has of one student only finds that student; the fullest column is taken."""
    found = read(tmp_path, "ID,Start time,Email,Name,z1_1\n17,x,002@X.org,B,1\n18,x,s3@x.org,C,2\n")
    assert {"002": {"z1_1": "1"}, "s3": {"z1_1": "2"}} == found.texts


@pytest.mark.parametrize("typed", ["1.0", "001.0", "1,00", "'001", "'-x"])
def test_ids_as_spreadsheets_write_them(typed: str, tmp_path: Path) -> None:
    """Whole numbers with a point, and an apostrophe before a sign, are the ids that they were."""
    ids = ["-x"] if "x" in typed else ["001"]
    file = tmp_path / "in.csv"
    file.write_text(f'student,z1_1\n"{typed}",1\n')
    found = read_submissions(file, ids, ANSWERS)
    assert (ids if typed != "'001" else []) == list(found.texts)


@pytest.mark.parametrize(("id", "typed"), [("1.0", "1"), ("001.0", "1"), ("12,00", "012"), ("1.0", "1.0")])
def test_lists_as_spreadsheets_write_them(id: str, typed: str, tmp_path: Path) -> None:
    """A list whose ids became decimals has the students whom forms know by whole numbers; the report says so."""
    file = tmp_path / "in.csv"
    file.write_text(f'student,z1_1\n"{typed}",1\n')
    found = read_submissions(file, [id, "77.0"], ANSWERS)
    assert [id] == list(found.texts)
    assert (typed != id) is any(said.id == "homework.zeros" for _, said in found.remarks)


def test_columns_that_are_named(tmp_path: Path) -> None:
    """`--student-columns` goes before all names; a column that is not there is an error."""
    text = "who,student,z1_1\n002,001,1\n"
    assert ["002"] == list(read(tmp_path, text, columns={"id": "Who"}).texts)
    with pytest.raises(ProblemError, match='there is no column "whom"'):
        read(tmp_path, text, columns={"id": "whom"})


@pytest.mark.parametrize(
    ("title", "answer"),
    [
        ("Z1_1", "z1_1"),
        ("z1_1 [your value]", "z1_1"),
        ("Question 3: DL_DW1_1_2 (4 digits)", "dL_dW1_1_2"),
        ("3. dE_dw2?", "dL_dW1_1_2"),
        ("What is L", "L"),
        ("What is l", None),
        ("new_L, the loss L after it", "new_L"),
        ("z1_1 and z1_2", None),
        ("z1_11", None),
        ("答案 z1_2（保留四位）", "z1_2"),
    ],
)
def test_answers_in_titles(title: str, answer: str | None) -> None:
    """An id is found in a title if it is the only one."""
    assert answer == AnswerNames(ANSWERS).find(title)


def test_titles_that_only_letters_tell_apart() -> None:
    """Two answers that differ in their capitals are found by the very letters only."""
    names = AnswerNames({"w_1": "w_1", "W_1": "W_1"})
    assert ["w_1", "W_1"] == [names.find("w_1 ="), names.find("your W_1")]
    assert AnswerNames({"ab": "ab", "aB": "aB"}).find("AB") is None


def test_columns_of_a_quiz(tmp_path: Path) -> None:
    """Of the columns that a form adds to a question the answer itself is read, the others are named once."""
    found = read(tmp_path, "Timestamp,Student ID,z1_1,z1_1 [Score],z1_1 [Feedback]\n2026/3/1 8:00:00,001,5,0 / 1,no\n")
    assert {"001": {"z1_1": "5"}} == found.texts
    assert ["no answers of this homework, and left out: the columns z1_1 [Score], z1_1 [Feedback]"] == said(found)[:1]


def test_missing_column_is_said_once(tmp_path: Path) -> None:
    """What no file has a place for is told in one line, however many students there are."""
    rows = "".join(f"{id},1\n" for id in IDS)
    found = read(tmp_path, f"student,z1_1\n{rows}")
    assert ["4 answers are nowhere in what was handed in: z1_2, new_L, dL_dW1_1_2, L"] == said(found)
    assert [] == said(read(tmp_path, "student,answer,value\n001,z1_1,1\n002,z1_2,1\n"))


LATER = "student,time,z1_1,z1_2,new_L\n001,2026-03-02 10:00,1,1,1\n001,2026-03-01 10:00,,,0.5\n"


@pytest.mark.parametrize(
    ("rule", "texts"),
    [
        (AttemptRule.LAST, ["1", "1", "0.5"]),
        (AttemptRule.NEWEST, ["1", "1", "1"]),
        (AttemptRule.BEST, ["1", "1", "1"]),
    ],
)
def test_a_later_row_with_blanks_wipes_nothing(rule: AttemptRule, texts: list[str], tmp_path: Path) -> None:
    """Last, newest or best counts, one remark for the student; blanks take nothing back."""
    found, remark = chosen(read(tmp_path, LATER), rule)
    assert texts == [found[id] for id in ("z1_1", "z1_2", "new_L")]
    assert remark.startswith("001 handed in 2 times")


@pytest.mark.parametrize("rule", list(AttemptRule))
def test_rows_of_single_answers_are_attempts(rule: AttemptRule, tmp_path: Path) -> None:
    """Where an answer comes again an attempt begins; completing an answer is none that needs a remark."""
    rows = "001,2026-3-1 9:00,z1_1,1\n001,2026-3-1 9:00,z1_2,2\n001,2026-3-1 9:30,z1_1,3\n"
    found, remark = chosen(read(tmp_path, f"student,saved,answer,value\n{rows}"), rule)
    assert {"z1_1": "1" if rule is AttemptRule.BEST else "3", "z1_2": "2"} == found
    assert remark
    completed, remark = chosen(read(tmp_path, "student,time,z1_1,L\n001,2026-3-1,1,\n001,2026-3-2,1,4\n"), rule)
    assert ({"z1_1": "1", "L": "4"}, "") == (completed, remark)


def test_newest_without_times_is_an_error(tmp_path: Path) -> None:
    """What does not say when it was handed in has no newest; one attempt alone has."""
    found = read(tmp_path, "student,z1_1\n001,1\n001,2\n002,3\n")
    with pytest.raises(OutputError, match="--student-columns time="):
        chosen(found, AttemptRule.NEWEST)
    assert {"z1_1": "3"} == counted("002", found.attempts["002"], AttemptRule.NEWEST, points)[0]


@pytest.mark.parametrize("name", TIME_NAMES)
def test_times_by_any_usual_name(name: str, tmp_path: Path) -> None:
    """The column of the times is found by what forms call it."""
    found = read(tmp_path, f"student,{name},z1_1\n001,2026-03-02T08:30:00Z,1\n")
    assert found.attempts["001"][0].time is not None


@pytest.mark.parametrize(
    ("texts", "expected", "is_open"),
    [
        (["2026/03/05 9:41:22 PM GMT+1"], ["2026-03-05 20:41:22"], False),
        (["2026/3/5 下午 9:41:22 GMT+8"], ["2026-03-05 13:41:22"], False),
        (["2026年3月5日 9:41"], ["2026-03-05 09:41:00"], False),
        (["2026-03-05T09:41:22.123Z"], ["2026-03-05 09:41:22"], False),
        (["2026-03-05T09:41:22+02:00"], ["2026-03-05 07:41:22"], False),
        (["05.03.2026 09:41"], ["2026-03-05 09:41:00"], False),
        (["3/5/26 9:41:22", "3/6/26 12:00 AM"], ["2026-03-05 09:41:22", "2026-03-06 00:00:00"], False),
        (["13/5/2026 9:41", "2/6/2026 8:00"], ["2026-05-13 09:41:00", "2026-06-02 08:00:00"], False),
        (["3/5/2026 9:41", "2/6/2026 8:00"], ["2026-03-05 09:41:00", "2026-02-06 08:00:00"], True),
    ],
)
def test_times_as_forms_write_them(texts: Sequence[str], expected: list[str], is_open: bool) -> None:
    """A whole column is read in one order of its parts; where another order would sort it otherwise that is said."""
    found = times(texts)
    assert found is not None
    assert (expected, is_open) == ([str(time) for time in found[0]], found[1])


def test_no_times() -> None:
    """Words, dates that are none, and clocks without a date are no times."""
    for text in ("", "soon", "12:30", "2026-13-45", "0/0/0"):
        assert times([text]) is None


def test_folders_and_archives(tmp_path: Path) -> None:
    """Files one by one, in folders and in archives, in folders too: all are read, in natural order, and nothing else."""
    folder = tmp_path / "handed in"
    (folder / "Doe Jane_12_assignsubmission_file_").mkdir(parents=True)
    (folder / "Doe Jane_12_assignsubmission_file_" / "a2.csv").write_text("student,z1_1\n001,1\n")
    (folder / "a10.csv").write_text("student,z1_1\n001,10\n")
    (folder / "a9.csv").write_text("student,z1_1\n001,9\n")
    (folder / "notes.pdf").write_bytes(b"%PDF")
    with zipfile.ZipFile(folder / "b.zip", "w") as archive:
        archive.writestr("__MACOSX/._x.csv", b"\0\1")
        archive.writestr("inside/x.csv", "code,z1_1\n5DQSBDHHTC,7\n")
    found = read_submissions([folder, folder / "a9.csv"], known(), ANSWERS)
    assert ["1", "9", "10", "9"] == [attempt.texts["z1_1"] for attempt in found.attempts["001"]]
    assert "inside/x.csv" == found.attempts["002"][0].file
    assert 2 == len(said(found)) and "notes.pdf" in said(found)[0]


def test_archives_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no archive, is empty, or is too large inside is an error that names it."""
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"PK no")
    with pytest.raises(ProblemError, match="no zip archive"):
        list(submitted([bad]))
    with zipfile.ZipFile(bad, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.csv", "0" * 100_000)
    monkeypatch.setattr(limits, "HANDED_IN_BYTES", 50_000)
    with pytest.raises(ProblemError, match="0 MB"):
        list(submitted([bad]))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ProblemError, match=r"no table in it that ends in \.csv"):
        list(submitted([tmp_path / "empty"]))


def test_names_are_simplified() -> None:
    """The names in the tables are what they are compared with: simplified already."""
    for name in each((*USUAL_NAMES, *CODE_NAMES, *TIME_NAMES)):
        assert name == simple(name)
