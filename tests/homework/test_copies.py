"""Copied sheets are found and named, and earn next to nothing; honest slips are left alone."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest

from symbackprop import cli
from symbackprop.homework.assignments.variants import Cohort
from symbackprop.homework.marks.copies import CopyRule, suspected, treated
from symbackprop.homework.marks.marking import Mark, Marker
from tests.helpers import each, only
from tests.homework.term import SLIPS, TERM, drawn, given, of, rounded, worked

CLASS = 100


@dataclass(frozen=True)
class Course:
    """A class, its marker, and what it hands in."""

    cohort: Cohort
    marker: Marker

    def typed(self, values: Mapping[str, float]) -> dict[str, str]:
        """Return the answers as a student types them."""
        ready = self.cohort.given
        return {answer.id: f"{rounded(ready, values[answer.key]):.12g}" for answer in ready.answers}

    def marks(self, place: int, typed: Mapping[str, str]) -> list[Mark]:
        """Return the marks of one student."""
        return self.marker.mark(*of(self.cohort, place), typed)

    def share(self, marks: Mapping[str, Sequence[Mark]]) -> float:
        """Return the mean share of the points."""
        total = sum((mark.points for own in marks.values() for mark in own), Fraction(0))
        return float(total / self.cohort.given.total / len(marks))


def course(name: str, count: int = CLASS) -> Course:
    """Return a class of one of the nine homeworks."""
    ready = given(name)
    return Course(drawn(ready, count), Marker(ready))


@pytest.mark.parametrize("name", only(TERM, "logistic", "neuron"))
def test_a_neighbours_whole_sheet_earns_next_to_nothing(name: str) -> None:
    """At most an eighth on the average; the sum of three whole numbers and their product says too little to be sure."""
    one = course(name)
    marks = {
        student: one.marks(place, one.typed(of(one.cohort, (place + 1) % CLASS)[0]))
        for place, student in enumerate(one.cohort.students)
    }
    found = suspected([one.cohort], marks)
    for copy in each(found.values()):
        assert 100 == copy.percent
    flagged, withheld = treated(marks, found, CopyRule.FLAG, {})
    assert withheld == found.keys()
    assert (marks, frozenset()) == treated(marks, found, CopyRule.FLAG, dict.fromkeys(found, False))
    assert one.share(flagged) <= (0.125 if name != "gates" else 0.15)
    assert one.share(treated(marks, found, CopyRule.MARK, {})[0]) <= one.share(marks)


@pytest.mark.parametrize("name", only(TERM, "logistic", "neuron"))
def test_who_slips_is_no_suspect(name: str) -> None:
    """Up to four slips on a sheet of one's own: fewer than one student in fifty is looked at."""
    one, chance = course(name), random.Random(5)
    asked = [answer.key for answer in one.cohort.given.answers]
    marks = {}
    for place, student in enumerate(one.cohort.students):
        slips = {key: chance.choice(list(SLIPS.values())) for key in chance.sample(asked, chance.randrange(5))}
        try:
            written = worked(one.cohort.given, of(one.cohort, place)[0], slips, chance)
        except ZeroDivisionError:
            continue
        marks[student] = one.marks(place, one.typed(written))
    assert len(marks) > 0.9 * CLASS
    assert len(suspected([one.cohort], marks)) <= 0.02 * CLASS


def test_another_students_answers_are_found_with_their_slips() -> None:
    """What somebody handed in, mistakes and all, is theirs; and they are not taken for the copy."""
    one, chance = course("sigmoids", 20), random.Random(1)
    slips = dict.fromkeys(("z1_1", "a1_2", "z2_1"), SLIPS["near"])
    theirs = one.typed(worked(one.cohort.given, of(one.cohort, 4)[0], slips, chance))
    marks = {"4": one.marks(4, theirs), "7": one.marks(7, theirs)}
    found = suspected([one.cohort], marks)
    assert ["7"] == list(found)
    assert ("4", 100, False) == (found["7"].source, found["7"].percent, found["7"].is_of_key)


def test_zeros_and_given_numbers_are_no_evidence() -> None:
    """A row of them is on many sheets."""
    one = course("sigmoids", 20)
    for text in ("0", "1", "0.3"):
        marks = {"3": one.marks(3, dict.fromkeys((answer.id for answer in one.cohort.given.answers), text))}
        assert {} == suspected([one.cohort], marks)


def test_reports_name_the_source_and_a_person_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Withheld at first; copied or not, as the override says. The student's page names nobody."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> str:
        with pytest.raises(SystemExit):
            cli.main(list(arguments))
        return capsys.readouterr().err

    run("homework", "homework", "--variants", "6", "-f", "markdown", "--processes", "1", "-o", "class")
    rows = list(csv.DictReader(io.StringIO(Path("class/teacher/answers.csv").read_text())))
    lines = [f"{student},{row['answer']},{row['value']}" for row in rows for student in "23" if row["student"] == "3"]
    Path("s.csv").write_text("\n".join(["student,answer,value", *lines]) + "\n")
    assert "answers of 2 (100 %) are right on the sheet of 3" in run("grade", "class", "s.csv", "-o", "marks")

    def total(student: str) -> str:
        book = csv.DictReader(io.StringIO(Path("marks/gradebook.csv").read_text()))
        return next(row["total"] for row in book if row["id"] == student)

    assert ("", "20") == (total("2"), total("3"))
    assert "the answer of 3 (100 % match)" in Path("marks/report.csv").read_text()
    assert "answers of 2 (100 %)" in Path("marks/summary.html").read_text()
    page = Path("marks/feedback/2.html").read_text()
    assert "withheld until your teacher has looked" in page
    assert "answer of 3" not in page
    points = {}
    for decided in ("true", "false"):
        Path("fix.toml").write_text(f'[[override]]\nstudent = "2"\ncopied = {decided}\n')
        run("grade", "class", "s.csv", "-o", "marks", "--overrides", "fix.toml")
        points[decided] = float(total("2"))
    run("grade", "class", "s.csv", "-o", "marks", "--copies", "mark")
    assert points["true"] == float(total("2")) <= points["false"]
