"""Multiple choice: options are the key and what known mistakes make, apart from each other, in an order that stays."""

from __future__ import annotations

import csv
import functools
import itertools
import json
import tomllib
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pypdf
import pytest

import symbackprop as sbp
from symbackprop import language
from symbackprop.errors import ProblemError, SymbackpropError
from symbackprop.homework.assignments.options import Option, chosen, key_letter, letter
from symbackprop.homework.assignments.variants import Cohort, HomeworkAssignment, assignment, draw
from symbackprop.homework.handouts import choices
from symbackprop.homework.handouts.choices import Choices
from symbackprop.homework.handouts.manifest import Manifest
from symbackprop.homework.marks.marking import Marker, MarkVerdict
from symbackprop.mistakes.known_mistakes import MISTAKES
from symbackprop.problems import load
from tests.helpers import each, few, require_module
from tests.homework import term
from tests.homework.test_classes import Run, run  # noqa: F401

CLASS = 7
COUNT = 4


@functools.cache
def offered(name: str) -> tuple[HomeworkAssignment, Cohort, list[dict[str, tuple[Option, ...]]]]:
    """Return a homework of the term with a class, and four options for everything that is asked."""
    given = term.given(name)
    cohort = term.drawn(given, CLASS)
    return given, cohort, Choices(given, COUNT).of(cohort)


@pytest.mark.parametrize("name", few(term.TERM, 3))
def test_options_are_the_key_and_numbers_that_marking_tells_from_it(name: str) -> None:
    """One is the key; all others are wrong answers of ordinary homework, farther apart than the tolerance, with a name."""
    given, cohort, options = offered(name)
    marker = Marker(given)
    assert len(cohort.students) == len(options)
    for place, own in each(enumerate(options)):
        values, tolerances = term.of(cohort, place)
        for answer in each(given.answers):
            found = own[answer.id]
            assert [values[answer.key]] == [pytest.approx(o.value, abs=1e-9) for o in found if o.is_key]
            assert all(o.is_key or (o.mistake in MISTAKES and o.at) for o in found)
            assert len({o.text for o in found}) == len(found) <= COUNT
            numbers = sorted(o.value for o in found)
            apart = (high - low for low, high in itertools.pairwise(numbers))
            assert all(gap > 2 * tolerances[answer.id] for gap in apart)
        for rank in range(COUNT - 1):
            wrong = {id: [o for o in found if not o.is_key] for id, found in own.items()}
            typed = {id: repr(found[rank].value) for id, found in wrong.items() if rank < len(found)}
            marks = marker.mark(values, tolerances, typed)
            assert not [m for m in marks if m.answer.id in typed and m.verdict is MarkVerdict.CORRECT]


@pytest.mark.parametrize("name", few(term.TERM, 2))
def test_options_are_of_the_variant_alone(name: str) -> None:
    """Who else is in the class changes none, and nobody can tell the key by its place."""
    given, cohort, options = offered(name)
    half = Cohort(given, cohort.students[5:], {key: array[5:] for key, array in cohort.positions.items()})
    assert options[5:] == Choices(given, COUNT).of(half)
    places = Counter(key_letter(found) for own in options for found in own.values() if len(found) == COUNT)
    total = places.total()
    spread = sum((places[letter(n)] - total / COUNT) ** 2 for n in range(COUNT)) / (total / COUNT)
    assert total < 40 or spread < 21.1  # chi-square with three degrees of freedom: one in 10,000


def content(**rules: Any) -> dict[str, Any]:
    """Return a homework with some rules."""
    whole = dict(term.TERM["sigmoids"])
    return {**whole, "homework": {**whole["homework"], **rules}}


def test_choices_are_of_all_answers_or_by_the_entry_of_ask() -> None:
    """A number is for everything asked; what has no options is typed, and a homework without any has none."""
    asked = {"deltas": 3, "L": 4}
    for rule, expected in each([(3, {3}), (asked, {3, 4, 0})]):
        given = assignment(load.problem(content(choices=rule), name="h"))
        own = Choices(given).of(draw(given, ["a"], 1, {"a": 1}))[0]
        assert expected == {len(own.get(answer.id, ())) for answer in given.answers}
    assert [{}] == Choices(term.given("sigmoids")).of(draw(term.given("sigmoids"), ["a"], 1, {"a": 1}))


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"choices": {"nothing": 3}}, "nothing"),
        ({"choices": 3, "answers": {"deltas": "formulas"}}, "deltas"),
        ({"choices": 7}, "choices"),
        ({"choices": 1}, "choices"),
        ({"choices": 3, "common": {"no_derivativ": 2}}, "no_derivative"),
    ],
)
def test_rules_that_do_not_fit_are_refused(rules: Mapping[str, Any], said: str) -> None:
    """Entries that nothing asks for, formulas, counts that no sheet has room for, mistakes that are none."""
    with pytest.raises(SymbackpropError, match=said):
        assignment(load.problem(content(**rules), name="h"))


def test_commonest_mistakes_of_a_class_are_options_first(tmp_path: Path) -> None:
    """The report of marking is counted student by student, and what most of them did is among two options."""
    report = tmp_path / "report.csv"
    rows = [("s1", "update_sign"), ("s1", "update_sign"), ("s2", "update_sign"), ("s3", "no_learning_rate"), ("s3", "")]
    report.write_text("student,mistake\n" + "".join(f"{student},{id}\n" for student, id in rows))
    (source,) = choices.with_counts([load.Source(content(choices=2), tmp_path / "h.toml")], report)
    assert {"update_sign": 2, "no_learning_rate": 1} == dict(source.content["homework"]["common"])
    found = {}
    for key, problem in (("own", source.problem()), ("usual", load.problem(content(choices=2), name="h"))):
        given = assignment(problem)
        own = Choices(given).of(draw(given, ["a"], 1, {"a": 1}))[0]
        found[key] = {o.mistake for o in own["new_W2_1_1"] if not o.is_key}
    assert {"update_sign"} == found["own"] != found["usual"]
    assert given.digest != assignment(source.problem()).digest


GATES = """
[graph]
parameters = { x = -2, y = 5, z = -4 }
equations = ["q = x + y", "f = q*z"]
output = "f"
[variants]
x = { low = -9, high = 9, step = "1/2" }
y = { low = -9, high = 9, step = "1/2" }
z = { low = -9, high = 9, step = "1/2" }
"""


def test_few_options_are_said_beforehand_and_none_refused(tmp_path: Path) -> None:
    """What no mistake changes cannot be asked so; what too few change has fewer options, of which the teacher is told."""
    given = assignment(load.problem({**tomllib.loads(GATES), "homework": {"choices": 6}}, name="h"))
    found = Choices(given)
    options = found.of(draw(given, ["a", "b"], 1, {"a": 1, "b": 1}))
    assert any(len(own) < 6 for each_of in options for own in each_of.values())
    alone = [{id: tuple(o for o in own if o.is_key) for id, own in each_of.items()} for each_of in options]
    with pytest.raises(ProblemError, match="df_dq"):
        list(choices.remarks_on(found, alone))
    enough = [{id: own[:2] for id, own in each_of.items()} for each_of in options]
    (remark,) = choices.remarks_on(found, enough)
    for asked in each(language.available()):
        assert "q (2)" in language.say(asked, remark)


def test_an_answer_is_a_letter_or_the_number_of_an_option() -> None:
    """In any usual spelling; what is neither, or both and not the same, is none."""
    options = (
        Option(0.1385, "0.1385"),
        Option(-0.0364, "-0.03640", "no_derivative", ("z",)),
        Option(2.0, "2.000", "x"),
    )
    meant = {
        "A": (
            "A",
            "a",
            "(a)",
            "a)",
            "Ａ",
            "a.",
            "Option A",
            "选A",
            "答案：A",
            "0.1385",
            "0,1385",
            "A) 0.1385",
            "z=0.1385",
        )
    }
    meant |= {"B": ("b", "-0.0364", "-.0364", "−0.03640"), "C": ("c", "2", "2.000")}
    for place, texts in each(meant.items(), 3):
        for text in each(texts):
            assert chosen(text, ("z",), options) is options["ABC".index(place)], text
    for text in each(("d", "AB", "A: 2", "0.5", "ſ", "K", "x", "1e400", "z", "__import__")):
        assert chosen(text, ("z",), options) is None, text
    assert chosen("0.1390", ("z",), options) is None
    assert chosen("0.1390", ("z",), options, allowed=0.001) is options[0]


@pytest.fixture(scope="module")
def given_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a homework whose deltas and gradients are chosen from three options."""
    folder = tmp_path_factory.mktemp("given") / "class"
    rules = content(choices={"deltas": 3, "gradients": 3, "L": 2}, repeated="1/2", partial={"no_derivative": "1/4"})
    sbp.homework(rules, students=["s1", "s2"], folder=folder, seed=5, formats=["text", "markdown"], forms=True)
    return folder


def marked(folder: Path, tmp_path: Path, answers: Mapping[str, str], student: str = "s1") -> dict[str, Any]:
    """Return the marks of a student who hands these answers in, by id."""
    table = tmp_path / "in.csv"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("student", "answer", "value"), *((student, *each) for each in answers.items())])
    marks = sbp.grade(folder, [table], output=tmp_path / "marks", formats=["text"])
    return {mark.answer.id: mark for mark in marks.marks[student]}


def key_of(folder: Path, student: str = "s1") -> list[dict[str, str]]:
    """Return the rows of a student's key."""
    rows = csv.DictReader((folder / "teacher/answers.csv").read_text().splitlines())
    return [row for row in rows if row["student"] == student]


def options_of(folder: Path, student: str = "s1") -> Mapping[str, tuple[Option, ...]]:
    """Return what a student's answers are chosen from, as the manifest has it."""
    manifest = Manifest.read(folder / "teacher" / "manifest.json")
    assert manifest == Manifest.of(manifest.text())
    return next(each.options for each in manifest.enrolments if each.student.id == student)


def test_sheets_have_options_and_keys_explain_them(given_out: Path) -> None:
    """The sheet names no mistake and tells nothing of the key; the key has its letter, and says what makes the others."""
    own = options_of(given_out)
    sheet, key = ((given_out / f"{place}/s1.txt").read_text() for place in ("students/sheets", "teacher/keys"))
    form = (given_out / "students/forms/s1.html").read_text()
    rows = {row["answer"]: row for row in key_of(given_out) if row["student"] == "s1"}
    data = json.loads((given_out / "teacher/answers.json").read_text())["students"]["s1"]
    for id, found in each(own.items(), 10):
        assert key_letter(found) == rows[id]["option"]
        assert [o.text for o in found] == [each["value"] for each in data[id]["options"].values()]
        line = next(line for line in sheet.splitlines() if line.startswith(id + " "))
        said = [o.text.replace("-", "−") for o in found]
        assert said == line.split()[3:-1]
        assert all(f'<option value="{letter(n)}">{letter(n)}: {text}<' in form for n, text in enumerate(said))
        for option in each(o for o in found if not o.is_key):
            words = language.say("en", option.cause) if option.cause else ""
            assert words.partition(" (")[0] in " ".join(key.split())
            assert words not in sheet + form and option.mistake not in sheet + form
    assert {"", "A", "B", "C"} == {row["option"] for row in rows.values()}


def test_pdf_forms_have_options(given_out: Path) -> None:
    """Beside the formula, and in what is said of the field to those who listen."""
    require_module("typst")
    reader = pypdf.PdfReader(given_out / "students/forms/s1.pdf")
    text = "".join(page.extract_text() for page in reader.pages)
    fields = {name.partition("/")[2]: field for name, field in (reader.get_fields() or {}).items()}
    for id, found in each(options_of(given_out).items(), 10):
        for place, option in each(enumerate(found)):
            assert option.text.lstrip("-") in text
            assert f"{letter(place)}: {option.text.replace('-', '−')}" in fields[id]["/TU"]


def test_letters_and_numbers_of_options_earn_what_typed_answers_earn(given_out: Path, tmp_path: Path) -> None:
    """All letters of the key are full marks; a wrong one names its mistake, costs less the second time, and is followed."""
    rows = key_of(given_out)
    right = {row["answer"]: row["option"] or row["value"] for row in rows}
    assert all(mark.points == mark.most for mark in each(marked(given_out, tmp_path, right).values(), 20))
    assert all(
        mark.points == mark.most
        for mark in marked(given_out, tmp_path, {r["answer"]: r["value"] for r in rows}).values()
    )
    own = options_of(given_out)
    places = {id: n for id, found in own.items() for n, o in enumerate(found) if o.mistake == "no_derivative"}
    first, second = list(places)[:2]
    marks = marked(given_out, tmp_path, {**right, first: letter(places[first]), "L": "Z"})
    assert (MarkVerdict.WRONG, ("no_derivative",)) == (marks[first].verdict, tuple(m.id for m in marks[first].mistakes))
    assert Fraction(1, 5) < marks[first].points / marks[first].most < Fraction(3, 10)
    assert MarkVerdict.UNREADABLE is marks["L"].verdict
    page = " ".join((tmp_path / "marks/feedback/s1.txt").read_text().split())
    assert language.phrases("en")["slip_reason.no_derivative"] in page
    assert f"{right[first]}: " in page
    marks = marked(given_out, tmp_path, {**right, first: letter(places[first]), second: letter(places[second])})
    assert {MarkVerdict.REPEATED, MarkVerdict.FOLLOW_THROUGH} & {marks[second].verdict}


def test_an_option_that_follows_from_an_earlier_answer_is_followed(given_out: Path, tmp_path: Path) -> None:
    """Whose wrong option is what their own earlier answers give is right by follow-through."""
    own, given = options_of(given_out), Manifest.read(given_out / "teacher/manifest.json").problem_set()
    rows = key_of(given_out)
    right = {row["answer"]: row["option"] or row["value"] for row in rows}
    number = {row["answer"]: float(row["value"]) for row in rows}
    followed = 0
    for answer in given.answers:
        for place, option in enumerate(own.get(answer.id, ())):
            ratio = option.value / number[answer.id]
            if answer.group != "gradients" or option.mistake == "" or not answer.id.startswith("dL_db"):
                continue
            delta = answer.id.replace("db", "dz")
            typed = {**right, delta: repr(number[delta] * ratio), answer.id: letter(place)}
            if delta in own:
                near = chosen(typed[delta], (), own[delta], 1e-6)
                if near is None or near.is_key:
                    continue
            followed += marked(given_out, tmp_path, typed)[answer.id].verdict is MarkVerdict.FOLLOW_THROUGH
    assert followed


def test_command_takes_a_report_and_tells_of_few_options(run: Run) -> None:  # noqa: F811
    """`--mistakes` puts the counts of a marking into what is given out, and a file that is no report is refused."""
    Path("h.toml").write_text(GATES + "[homework]\nchoices = 6\n")
    Path("report.csv").write_text("student,answer,mistake\ns1,q,wrong_sign\n")
    usual = ("homework", "h.toml", "--variants", "2", "-f", "text", "-o", "class")
    said = run(*usual, "--mistakes", "report.csv")
    assert "fewer options" in said
    manifest = Manifest.read(Path("class/teacher/manifest.json"))
    assert {"wrong_sign": 1} == manifest.content["homework"]["common"]
    assert "--mistakes" in run(*usual, "--mistakes", "roster.csv", code=2)
