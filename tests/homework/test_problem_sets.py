"""Several problems on one sheet: of each everything is as on a sheet of its own, and points add up over all."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop import cli, language
from symbackprop.errors import SymbackpropError
from symbackprop.exporting.exercises import pool
from symbackprop.homework.assignments.problem_sets import SAID_ONCE, draw_class, problem_set
from symbackprop.homework.assignments.variants import assignment, draw
from symbackprop.homework.classes.roster import numbered
from symbackprop.homework.handouts import enrolment, fillable_forms
from symbackprop.homework.handouts.manifest import Manifest
from symbackprop.homework.marks.marking import MarkVerdict
from symbackprop.problems import load
from symbackprop.problems.load import Source
from tests.helpers import each, few
from tests.homework.term import TERM, written_files

TWO = ("sigmoids", "gates")


def stated(name: str, **changes: Any) -> dict[str, Any]:
    """Return one of the nine, with a title and other settings of its homework."""
    content = dict(TERM[name])
    return {**content, "title": f"About {name}", "homework": {**content["homework"], **changes}}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, sbp.GivenHomework]:
    """Return the folder of a class that was given two problems, and what was given."""
    folder = tmp_path_factory.mktemp("two")
    problems = [stated("sigmoids", course="Networks"), stated("gates", total=5)]
    return folder, sbp.homework(
        problems, students=["s1", "s2"], folder=folder, seed=3, formats=["text", "html"], forms=True
    )


def graded(folder: Path, answers: Mapping[str, Mapping[str, object]], *more: Any, **options: Any) -> Any:
    """Return the marks of a class for some answers by student and id."""
    rows = [(student, id, value) for student, own in answers.items() for id, value in own.items()]
    text = io.StringIO()
    csv.writer(text).writerows([("student", "answer", "value"), *rows])
    (folder / "in.csv").write_text(text.getvalue())
    return sbp.grade(folder, [folder / "in.csv", *more], **options)


@pytest.mark.parametrize("names", few(["gates logistic", " ".join(sorted(TERM))], 1))
def test_each_problem_has_the_numbers_of_a_sheet_of_its_own(names: str) -> None:
    """Draws, keys, tolerances, points: those of the problem alone, under ids with its number; an export has them too."""
    contents = [TERM[name] for name in names.split()]
    problems = [load.problem(TERM[name], name=name) for name in names.split()]
    together = draw_class(problem_set(problems, contents), ("a", "b"), 7, {"a": 1, "b": 1})
    for number, problem in each(enumerate(problems, start=1), least=2):
        alone = draw(assignment(problem), ("a", "b"), 7, {"a": 1, "b": 1})
        exported = pool(problem, numbered(2).students, 7, is_class=True)
        assert [answer.id for answer in alone.given.answers] == [asked.id for asked in exported.exercises[0].asked]
        for answer in alone.given.answers:
            id = f"{number}.{answer.id}"
            assert list(alone.values[answer.key]) == list(together.values[id])
            assert list(alone.tolerances[answer.id]) == list(together.tolerances[id])
            assert alone.given.most[answer.id] == together.given.most[id]
    assert together.given.total == sum(together.given.most.values())
    assert len(together.values) == len(together.given.answers) == len(together.given.most)


@pytest.mark.parametrize("name", sorted(TERM))
def test_a_set_of_one_is_the_problem(name: str) -> None:
    """Its hash, ids and names are those that they were."""
    found = problem_set([load.problem(TERM[name], name=name)], [TERM[name]])
    alone = assignment(load.problem(TERM[name], name=name))
    assert found.digest == alone.digest
    assert found.answers == alone.answers
    assert "." not in "".join(found.names)


def test_a_manifest_of_several_problems_is_read_as_it_was_written(course: tuple[Path, sbp.GivenHomework]) -> None:
    """All problems are in it; one without further problems is that of a sheet of one, whoever wrote it."""
    manifest = Manifest.read(course[0] / "teacher" / "manifest.json")
    assert manifest == Manifest.of(manifest.text())
    assert manifest.digest == manifest.problem_set().digest
    assert {"1.W1", "1.W2", "1.x", "2.x", "2.y", "2.z"} == {*manifest.enrolments[0].positions}
    first = replace(manifest, further=())
    assert "further" not in first.text()
    assert 1 == len(Manifest.of(first.text()).problems)


def test_right_answers_get_all_points(course: tuple[Path, sbp.GivenHomework]) -> None:
    """Those of both problems; each page says how many there are of each."""
    folder, given = course
    marks = graded(folder, given.answers)
    assert {Fraction(15)} == set(marks.totals.values())
    page = str(written_files(marks)["feedback/s1.html"])
    titles = [f"Problem {number}: About {name}" for number, name in enumerate(TWO, start=1)]
    for part in ("15 of 15 points", f"{titles[0]} (10 of 10 points)", f"{titles[1]} (5 of 5 points)"):
        assert part in page
    report = csv.DictReader(io.StringIO((folder / "teacher/marks/report.csv").read_text()))
    assert {"1.z1_1", "2.q"} < {row["answer"] for row in report}


def test_what_follows_stays_in_its_problem(course: tuple[Path, sbp.GivenHomework]) -> None:
    """A slip in one problem follows through there; its line is worked out; the other problem is marked as before."""
    folder, given = course
    key = dict(given.answers["s1"])
    q, f, z = (key[f"2.{name}"] for name in ("q", "f", "df_dq"))
    marks = graded(folder, {"s1": {**key, "2.q": -2 * q - 1, "2.f": (-2 * q - 1) * z, "2.df_dz": q}})
    found = {mark.answer.id: mark.verdict for mark in marks.marks["s1"]}
    assert (MarkVerdict.WRONG, MarkVerdict.FOLLOW_THROUGH) == (found["2.q"], found["2.f"])
    assert {MarkVerdict.CORRECT} == {verdict for id, verdict in found.items() if id.startswith("1.")}
    assert f != (-2 * q - 1) * z
    page = str(written_files(marks)["feedback/s1.html"])
    assert "The first wrong step is 2.q." in page
    assert "(10 of 10 points)" in page


def test_answers_are_found_by_id_and_by_no_other_problem(course: tuple[Path, sbp.GivenHomework]) -> None:
    """In titles of columns, with a space behind the number, and in expressions; names of another problem are not read."""
    folder, given = course
    key = given.answers["s1"]
    columns = {"student": "s1", "Question 4: 1.Z1_1 [n]": key["1.z1_1"], "2. q (points)": key["2.q"], "z1_2": "1"}
    (folder / "wide.csv").write_text("\n".join(",".join(map(str, row)) for row in (columns, columns.values())))
    marks = sbp.grade(folder, [folder / "wide.csv"])
    found = {mark.answer.id: mark.verdict for mark in marks.marks["s1"]}
    assert {"1.z1_1", "2.q"} == {id for id, verdict in found.items() if verdict is MarkVerdict.CORRECT}
    (folder / "wide.csv").unlink()
    own, other = (
        Manifest.read(folder / "teacher" / "manifest.json").problem_set().answers[:: len(given.answers["s1"]) - 1]
    )
    known = {"z": "z"}
    assert str(other.read("2.df_dz = 2.5", known).number) == "5/2"
    assert other.read("2.z*2.z", known).formula == other.read("z*z", known).formula
    assert other.read("2.e-3", known).number == Fraction(2, 1000)
    assert "problem 1" in language.say("en", other.read("1.z1_1", known).mistake.what)  # type: ignore[union-attr]
    assert own.read("1.z1_1 = 0.5", {}).number == Fraction(1, 2)


def test_forms_have_the_fields_of_all_problems(course: tuple[Path, sbp.GivenHomework]) -> None:
    """Under the title of each; the list of questions has their ids."""
    folder, given = course
    page = (folder / "students/forms/s1.html").read_text()
    ids = [*given.answers["s1"]]
    assert ids == re.findall(r'<input [^>]*name="([^"]+)"', page)
    assert ["Problem 1: About sigmoids (10 points)", "Problem 2: About gates (5 points)"] == re.findall(
        "<h2>(.*?)</h2>", page
    )
    assert ids == (folder / fillable_forms.QUESTIONS).read_text().splitlines()[-len(ids) :]


def test_a_neighbours_sheet_is_found_over_all_problems(course: tuple[Path, sbp.GivenHomework]) -> None:
    """What one sheet has of another in both problems is one suspicion."""
    folder, given = course
    marks = graded(folder, {"s1": given.answers["s2"], "s2": given.answers["s2"]}, copies="mark")
    assert "s2" == marks.copies["s1"].source
    assert {"1", "2"} == {id[0] for id in marks.copies["s1"].answers}


def test_overrides_name_answers_by_the_problem(course: tuple[Path, sbp.GivenHomework]) -> None:
    """An id with the number of its problem, and the total of all."""
    folder, given = course
    fix = folder / "fix.toml"
    fix.write_text('[[override]]\nanswer = "2.f"\nexcuse = true\n[[override]]\nstudent = "s1"\nfactor = 0.5\n')
    marks = graded(folder, {"s1": {**given.answers["s1"], "2.f": 99}}, overrides=fix)
    assert Fraction(15, 2) == marks.total("s1")


def test_late_students_change_nothing(course: tuple[Path, sbp.GivenHomework], tmp_path: Path) -> None:
    """Who comes late has both problems, and all others keep theirs; another set of problems is refused."""
    problems = [stated("sigmoids", course="Networks"), stated("gates", total=5)]
    options: dict[str, Any] = {"folder": tmp_path, "seed": 3, "formats": ["text"]}
    first = sbp.homework(problems, students=["s1"], **options)
    later = sbp.homework(problems, students=["s1", "s2"], **options)
    assert first.codes["s1"] == later.codes["s1"]
    assert later.answers == course[1].answers
    for wrong in (problems[:1], problems[::-1], [*problems, stated("logistic")]):
        with pytest.raises(SymbackpropError, match="other numbers"):
            sbp.homework(wrong, students=["s1"], **options)


@pytest.mark.parametrize("name", SAID_ONCE)
def test_what_is_about_the_whole_sheet_is_said_once(name: str) -> None:
    """By one problem or by all alike; where they differ they are named, with the setting."""
    values: list[Any] = [7, 8] if name == "pool" else ["a4", "letter"] if name == "paper" else ["One", "Two"]

    def made(*said: Any) -> Any:
        contents = [
            stated(problem, **({} if value is None else {name: value}))
            for problem, value in zip(TWO, said, strict=True)
        ]
        return problem_set(
            [load.problem(content, name=of) for content, of in zip(contents, TWO, strict=True)], contents
        )

    for said in ((values[1], None), (None, values[1]), (values[1], values[1])):
        found = [getattr(part.homework, name) for part in made(*said).parts]
        assert found[0] == found[1]
        assert str(values[1]) in str(found[0])
    with pytest.raises(SymbackpropError, match=rf"homework\.{name}.*sigmoids, gates"):
        made(*values)


def test_a_problem_is_given_once() -> None:
    """Twice the same would have twice the same numbers, whatever it is called."""
    contents = [stated("gates"), {**stated("gates"), "title": "Again"}]
    with pytest.raises(SymbackpropError, match="1 and 2 are the same"):
        problem_set([load.problem(content, name="gates") for content in contents], contents)


@pytest.mark.parametrize("language_asked", language.available())
def test_command_and_python_write_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language_asked: str
) -> None:
    """`homework A B` gives out what `homework([A, B])` prepares, in either language, and errors name the problem."""
    monkeypatch.chdir(tmp_path)
    options = ["--variants", "1", "-f", "text", "--lang", language_asked, "--processes", "1", "-o", "class"]
    with pytest.raises(SystemExit) as stopped:
        cli.main(["homework", "homework", "circuit", "--set", "homework.show=[]", "--same", *options])
    assert stopped.value.code == 0
    text = Path("class/students/sheets/1.txt").read_text()
    for number, name in each(enumerate(("homework", "circuit"), start=1), least=2):
        title = load.example(name).heading.said(language_asked)
        assert re.search(rf"{number}\D{{0,3}}{re.escape(title)}", text)
    sources = [load.find_source(name, [("homework.show", [])]) for name in ("homework", "circuit")]
    made = enrolment.prepare(
        sources, numbered(1), Path("other"), seed=0, formats=["text"], language=language_asked, same=True
    )
    assert made.job.manifest.digest == Manifest.read(Path("class/teacher/manifest.json")).digest
    with pytest.raises(SymbackpropError, match=r"circuit: homework\.ask"):
        problem_set(
            [
                load.example("homework"),
                Source({**sources[1].content, "homework": {"ask": ["qq"]}}, Path("circuit")).problem(),
            ],
            [{}, {}],
        )
