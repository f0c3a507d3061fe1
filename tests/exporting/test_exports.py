"""Every export, read as its learning system reads it, marks each number as homework does and shows what it should."""

from __future__ import annotations

import base64
import functools
import itertools
import json
import re
import stat
import subprocess
import sys
import tempfile
import zipfile
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop import language
from symbackprop.errors import ProblemError, SymbackpropError
from symbackprop.exporting import (
    amc_exam,
    answer_keys,
    blackboard_text,
    brightspace_table,
    canvas_package,
    exercises,
    exports,
    fragments,
    gradescope_autograder,
    moodle_xml,
    nbgrader_assignment,
    open_edx,
    packages,
    prairielearn_questions,
    qti_package,
)
from symbackprop.exporting.exercises import Pool, pool
from symbackprop.exporting.learning_systems import CHOICES, FEATURES, LEARNING_SYSTEMS, STYLES, LearningSystem
from symbackprop.homework.assignments.variants import assignment, draw
from symbackprop.homework.classes.roster import Student, numbered
from symbackprop.messages import message
from symbackprop.problems.accepted import problem_of
from symbackprop.problems.load import example
from tests.exporting.importers import IMPORTERS, Item
from tests.helpers import ROOT, each, few
from tests.homework.test_classes import Run, run  # noqa: F401

HOSTILE = "]]></text><script>alert(1)</script> {1:NM:=5} ${x} \\write18{ls} \x1b[0m 'a\" & <b> ~#}"
ONE: dict[str, Any] = {
    "network": {"inputs": 1, "loss": "squared_error", "layers": [{"units": 1, "activation": "linear", "bias": "none"}]},
    "parameters": {"W1": [[2]]},
    "data": {"x": [1], "y": [1]},
    "homework": {"ask": ["z1"]},
}
WAYS = [(name, style) for name, row in LEARNING_SYSTEMS.items() for style in row.styles]
TYPED = [way for way in WAYS if way[1] != CHOICES]
CHOSEN = [way for way in WAYS if way[1] == CHOICES]
PAGES = [*TYPED, ("brightspace", CHOICES)]
SMALL: dict[str, Any] = {
    "network": {
        "inputs": 1,
        "loss": "squared_error",
        "layers": [{"units": 1, "activation": "sigmoid"}, {"units": 1, "activation": "sigmoid"}],
    },
    "parameters": {"W1": [["0.4"]], "b1": ["0.3"], "W2": [["0.7"]], "b2": ["-0.2"]},
    "data": {"x": ["1.5"], "y": [1]},
    "variants": {"W1": {"choices": ["0.4", "0.6", "-0.3"]}, "W2": {"choices": ["0.7", "0.9", "-0.6"]}},
    "homework": {"ask": ["z1", "dL_dW1"]},
}
COUNT = 3


@functools.cache
def drawn(name: str = "homework", seed: int = 7) -> Pool:
    """Return the pool that exports of an example are compared with."""
    return pool(example(name), numbered(COUNT).students, seed, is_class=False)


def exported(tmp_path: Path, to: str, style: str, problem: Any = "homework", **settings: Any) -> list[Item]:
    """Export variants, and return what the system's importer reads."""
    row = LEARNING_SYSTEMS[to]
    path = tmp_path / (f"quiz.{row.suffix}" if row.suffix else "quiz")
    settings = {"variants": COUNT, "seed": 7, **settings}
    found = sbp.export(problem, to=to, style=style, path=path, **settings)
    assert all(file.is_file() for file in found.files)
    return list(IMPORTERS[to](found.files))


WRITERS: dict[str, Any] = {
    "moodle": moodle_xml.files,
    "canvas": canvas_package.files,
    "qti21": qti_package.files,
    "qti30": qti_package.files_of_later_version,
    "olx": open_edx.files,
    "nbgrader": nbgrader_assignment.files,
    "gradescope": gradescope_autograder.files,
    "prairielearn": prairielearn_questions.files,
    "amc": amc_exam.files,
    "blackboard": blackboard_text.files,
    "brightspace": brightspace_table.files,
}


@functools.cache
def usual(to: str, style: str, language: str = "en") -> list[Item]:
    """Return the items of the usual export in a style, which several laws look at."""
    with tempfile.TemporaryDirectory() as folder:
        return exported(Path(folder), to, style, language=language)


def test_every_system_has_an_importer() -> None:
    """No row is without a reader in the tests, and each is written by a module of its own."""
    assert {name: row.write for name, row in LEARNING_SYSTEMS.items()} == WRITERS
    assert list(LEARNING_SYSTEMS) == list(IMPORTERS)
    assert all(set(row.styles) <= set(STYLES) for row in LEARNING_SYSTEMS.values())
    assert all(kept <= set(FEATURES) for row in LEARNING_SYSTEMS.values() for kept in row.carries.values())


@pytest.mark.parametrize(("to", "style"), few(TYPED, 5))
def test_marks_are_those_of_homework(to: str, style: str) -> None:
    """The key and the ends of its tolerance are right; beyond them, a neighbour's number, a word or nothing is wrong."""
    items = usual(to, style)
    expected = [(variant, asked) for variant in drawn().exercises for asked in variant.asked]
    assert len(expected) == len(items)
    by_place = {(item.variant.split()[-1], item.answer): item for item in items}
    assert len(by_place) == len(items)
    for exercise, asked in each(expected, least=60):
        item = by_place[exercise.name, asked.id]
        inside, outside = asked.tolerance * Decimal("0.999"), max(asked.tolerance * Decimal("1.01"), Decimal("0.001"))
        right = [(asked.value + inside, ROUND_FLOOR), (asked.value - inside, ROUND_CEILING)]
        right += [(asked.value, ROUND_HALF_EVEN), (asked.lowest, ROUND_CEILING), (asked.highest, ROUND_FLOOR)]
        for number, towards in right:
            assert 1 == item.mark(typed(item, number, towards)).share, (asked, number)
        neighbours = [other.asked for other in drawn().exercises]
        place = exercise.asked.index(asked)
        numbers = [numbers[place].value for numbers in neighbours]
        wrong = [(asked.value + outside, ROUND_CEILING), (asked.value - outside, ROUND_FLOOR)]
        wrong += [(number, ROUND_HALF_EVEN) for number in (-asked.value, *numbers)]
        for number, away in each(wrong, least=4):
            text = typed(item, number, away)
            is_right = asked.lowest <= Decimal(text) <= asked.highest
            assert is_right == (1 == item.mark(text).share), (asked, text)
        assert [0, 0] == [item.mark(text).share for text in ("", "none")]


def typed(item: Item, number: Decimal, rounding: str = ROUND_HALF_EVEN) -> str:
    """Return a number as it is typed, or as it is filled into boxes, rounded so."""
    return f"{(number / item.unit).to_integral_value(rounding) * item.unit if item.unit else number:f}"


@pytest.mark.parametrize(("to", "style"), TYPED)
def test_mistakes_have_their_feedback(to: str, style: str) -> None:
    """What a known mistake makes is wrong, and where the format carries it, its feedback names the mistake."""
    by_place = {(item.variant.split()[-1], item.answer): item for item in usual(to, style)}
    carried = "mistakes" in LEARNING_SYSTEMS[to].carries[style]
    count = 0
    for exercise in drawn().exercises:
        for asked in exercise.asked:
            for wrong in asked.wrong:
                item = by_place[exercise.name, asked.id]
                found = item.mark(typed(item, wrong.value))
                said = language.say("en", message("export.mistake", mistake=message(f"slip.{wrong.mistake}")))
                assert 0 == found.share
                assert not carried or _words(said) == _words(found.feedback)
                count += 1
    assert count > 200


@pytest.mark.parametrize(("to", "style"), CHOSEN)
def test_options_are_those_of_a_sheet(tmp_path: Path, to: str, style: str) -> None:
    """Of the options one is right and earns everything; each of the others says, where the format can, what makes it."""
    own = pool(problem_of(SMALL), numbered(COUNT).students, 7, is_class=False, is_chosen=True)
    items = exported(tmp_path, to, style, SMALL)
    by_place = {(item.variant.split()[-1], item.answer): item for item in items}
    assert len(items) == len(by_place) == 2 * COUNT
    for exercise in own.exercises:
        for asked in each(exercise.asked, least=2):
            item = by_place[exercise.name, asked.id]
            assert len(asked.options) >= 2 and asked.options[0].shown != asked.options[1].shown
            for option in asked.options:
                found = item.mark(option.shown)
                assert option.is_key == (found.share == 1) and found.share in (0, 1)
                said = "" if option.explanation is None else language.say("en", option.explanation)
                assert "mistakes" not in LEARNING_SYSTEMS[to].carries[style] or _letters(said) == _letters(
                    found.feedback
                )
            assert [0, 0] == [item.mark(text).share for text in ("", "none")]
            assert language.say("en", message("sheet.choose")) in item.page


def _letters(text: str) -> str:
    """Return the letters of a text outside formulas and tags."""
    return "".join(re.findall("[A-Za-z]", re.sub(r"<[^>]*>|\\\(.*?\\\)|&\w+;", "", text.replace("&#x27;", "'"))))


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z]+", text.replace("&#x27;", "'"))


@pytest.mark.parametrize(("to", "style"), few(PAGES, 3))
@pytest.mark.parametrize("asked", language.available())
def test_page_tells_the_problem_and_not_the_answer(to: str, style: str, asked: str) -> None:
    """A page has its problem, and a solution beside it; no answer stands in the page but as the key of a field."""
    items = usual(to, style, asked)
    task = language.say(asked, message("sheet.task"))
    solved = {item.solution for item in items}
    for item in each(items, least=60):
        assert task in item.page
        assert "solution" not in LEARNING_SYSTEMS[to].carries[style] or len(item.solution) > 40
        for source in re.findall(r'<img src="([^"]*)" alt="[^"]+"', item.page):
            data = source.partition(";base64,")[2]
            assert b"<svg" in (base64.b64decode(data) if data else item.figures[source])
    assert len(solved) >= COUNT or "solution" not in LEARNING_SYSTEMS[to].carries[style]
    by_name = {exercise.name: exercise for exercise in drawn().exercises}
    for item in each(items, least=60):
        exercise = by_name[item.variant.split()[-1]]
        statement = re.sub(r"\{\d+:NM:.*?\}", "", item.page)
        long = [f"{number.value:f}" for number in exercise.asked if len(f"{number.value:f}") > 9]
        assert [] == [number for number in long if number[:8] in statement]


@pytest.mark.parametrize(("to", "style"), WAYS)
def test_hostile_texts_are_texts(tmp_path: Path, to: str, style: str) -> None:
    """Titles, instructions and ids of students are nothing but text, wherever they stand."""
    typed_one = {**ONE, "variants": {"W1": {"choices": [2, 3, 4, 5]}}}
    problem = {**(SMALL if style == CHOICES else typed_one), "title": HOSTILE}
    problem["homework"] = {"ask": ["z1"], "instructions": HOSTILE}
    students = {"<i>&\"'x": "=cmd()", "../../etc": HOSTILE}
    found = exported(tmp_path, to, style, problem, variants=None, students=students)
    assert 2 == len(found)
    for item in each(found, least=2):
        is_text = to == "gradescope"  # a file of plain text, where nothing means anything
        assert (is_text or not re.search(r"(?<!\\)<script", item.page.lower())) and "\x1b" not in item.page
        assert "alert" in item.page
        assert "cmd()" not in item.page + item.solution
        assert style == CHOICES or [1, 0] == [item.mark(text).share for text in (_value(item), "5000")]


def _value(item: Item) -> str:
    """Return the only number of the four possible ones that is right."""
    (value,) = [number for number in ("2", "3", "4", "5") if item.mark(number).share == 1]
    return value


@pytest.mark.parametrize(("to", "style"), WAYS)
def test_same_seed_same_bytes(tmp_path: Path, to: str, style: str) -> None:
    """Twice the same export is the same files; another seed draws other numbers."""
    drawn_from = {name: {"low": "-1", "high": "1", "step": "1/10"} for name in ("W1", "W2")}
    typed_one = {**ONE, "variants": {"W1": {"choices": list(range(2, 99))}}}
    problem = {**SMALL, "variants": drawn_from} if style == CHOICES else typed_one

    def contents(folder: str, seed: int) -> dict[str, bytes]:
        path = tmp_path / folder / (f"quiz.{LEARNING_SYSTEMS[to].suffix}" if LEARNING_SYSTEMS[to].suffix else "quiz")
        found = sbp.export(problem, to=to, style=style, path=path, variants=2, seed=seed)
        return {str(file.relative_to(tmp_path / folder)): file.read_bytes() for file in found.files}

    assert contents("one", 1) == contents("two", 1) != contents("three", 2)


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    """Exports hold keys: nobody else can read them."""
    for file in each(sbp.export("homework", to="moodle", path=tmp_path / "q.xml", variants=1).files):
        assert 0 == stat.S_IMODE(file.stat().st_mode) & 0o077


def test_numbers_are_those_of_homework(tmp_path: Path) -> None:
    """With one seed the export asks what homework gives out, with its tolerances, rounded up in the sixth digit."""
    course = sbp.homework("homework", students=COUNT, folder=tmp_path / "class", seed=7, formats=["markdown"])
    given = assignment(example("homework"))
    ids = [exercise.name for exercise in drawn().exercises]
    tolerances = draw(given, ids, 7, dict.fromkeys(ids, 1)).tolerances
    for place, exercise in each(list(enumerate(drawn().exercises)), least=COUNT):
        assert course.answers[exercise.name] == {asked.id: float(asked.value) for asked in exercise.asked}
        ratios = [float(asked.tolerance) / tolerances[asked.id][place] for asked in exercise.asked]
        assert 1 - 1e-9 <= min(ratios) and max(ratios) <= 1 + 1e-5


@pytest.mark.parametrize("name", ["mazur", "classifier", "rnn", "circuit"])
def test_mistakes_are_told_apart(name: str) -> None:
    """Numbers of mistakes are away from the key and from each other, further than their tolerances, and have one cause."""
    (exercise,) = pool(example(name), numbered(1).students, 0, is_class=False).exercises
    for asked in each(exercise.asked):
        intervals = sorted(
            [(asked.lowest, asked.highest)]
            + [(wrong.value - wrong.tolerance, wrong.value + wrong.tolerance) for wrong in asked.wrong]
        )
        assert all(before[1] < after[0] for before, after in itertools.pairwise(intervals))
        assert len(asked.wrong) <= exercises.MOST_MISTAKES
    assert any(asked.wrong for asked in exercise.asked)


def test_small_numbers_are_refused_by_canvas(tmp_path: Path) -> None:
    """A right answer that Canvas takes for 0 is refused, with its name, and nothing is written; other systems take it."""
    problem = {**ONE, "parameters": {"W1": [["0.00005"]]}}
    with pytest.raises(ProblemError, match=r"z1_1 = 0\.00005"):
        sbp.export(problem, to="canvas", variants=1, path=tmp_path / "q.zip")
    assert [] == list(tmp_path.iterdir())
    sbp.export(problem, to="moodle", variants=1, path=tmp_path / "q.xml")


@pytest.mark.parametrize(("value", "tolerance", "is_refused"), [
    ("0", "0", False), ("0", "0.00001", False), ("0.0001", "0", False), ("0.00012", "0.00003", True),
    ("-0.00012", "0.00003", True), ("0.00005", "0.00006", False), ("1", "0.1", False), ("0.00009", "0", True),
])  # fmt: skip
def test_what_canvas_takes_for_zero(value: str, tolerance: str, is_refused: bool) -> None:
    """A number is refused where a right answer, taken for 0, would be wrong."""
    asked = exercises.AskedNumber("L", "L", Decimal(value), Decimal(tolerance), 1, 1)  # type: ignore[arg-type]
    assert is_refused == (canvas_package.refusal(asked) is not None)
    ends = np.linspace(float(asked.lowest), float(asked.highest), 21)
    taken = [0 if abs(end) < 1e-4 else end for end in ends]
    assert is_refused == any(not float(asked.lowest) <= number <= float(asked.highest) for number in taken)


@pytest.mark.parametrize(("value", "tolerance", "digits", "decimals"), [
    ("0.35", "0", 3, 2), ("-12", "0", 2, 0), ("0.35", "0.00005", 5, 4), ("0.35", "0.000049", 6, 5), ("9.99", "0.1", 3, 1),
    ("99.99", "0.05", 4, 1), ("0", "0.5", 1, 0), ("0", "0", 1, 0), ("1234.5", "70", 4, 0), ("123456.7891", "0", 10, 4),
])  # fmt: skip
def test_boxes_hold_every_number_that_is_right(value: str, tolerance: str, digits: int, decimals: int) -> None:
    """There are as many digits as it takes for the key, rounded to them, to be right; more than nine are refused."""
    asked = exercises.AskedNumber("L", "L", Decimal(value), Decimal(tolerance), 1, 1)  # type: ignore[arg-type]
    found = amc_exam.boxes([asked])
    assert (digits, decimals) == (found.digits, found.decimals)
    lowest, highest = found.right(asked)
    nearest = int((asked.value / found.unit).to_integral_value(ROUND_HALF_EVEN))
    assert lowest <= nearest <= highest and max(map(len, (str(abs(lowest)), str(abs(highest))))) <= digits
    assert asked.lowest <= lowest * found.unit < asked.lowest + found.unit
    assert asked.highest >= highest * found.unit > asked.highest - found.unit
    assert (digits > amc_exam.MOST_COLUMNS) == (amc_exam.refusal(asked) is not None)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"to": "moodl"}, 'did you mean "moodle"'),
        ({"to": "nbgrader", "style": "choices"}, "not asked in the style choices"),
        ({"to": "brightspace", "problem": ONE}, "nothing to choose"),
        ({"style": "number"}, 'did you mean "numbers"'),
        ({"variants": None}, "expected one of variants"),
        ({"students": 3}, "expected one of variants"),
        ({"problem": "mazur", "variants": 2}, "nothing is drawn"),
        ({"language": "xx"}, "unknown language"),
        ({"to": "canvas", "style": "sheet"}, "only in numbers, choices"),
        ({"problem": {**ONE, "homework": {"ask": ["z1"], "answers": "formulas"}}}, "have to be formulas: z1_1"),
    ],
)
def test_what_cannot_be_exported_is_said(tmp_path: Path, settings: dict[str, Any], words: str) -> None:
    """One message says what is wrong, and nothing is written."""
    usual = {"problem": "homework", "to": "moodle", "variants": 1, "path": tmp_path / "q.xml", **settings}
    with pytest.raises(SymbackpropError, match=re.escape(words)):
        sbp.export(usual.pop("problem"), **usual)
    assert [] == list(tmp_path.iterdir())


def test_formulas_stand_in_pages_as_each_system_shows_them() -> None:
    """A formula is between signs, a picture with its TeX in words, or MathML without a prefix; no formula is nothing."""
    own = drawn()
    asked = own.exercises[0].asked[7]
    shown = {name: fragments.FragmentWriter(own, "en", name).symbol(asked) for name in fragments.FORMULAS}
    assert shown["mathjax"] == r"\(\partial L/\partial z_{o_1}\)"
    assert (
        'alt="LaTeX: \\partial L' in shown["equation_image"]
        and "equation_images/%255Cpartial" in shown["equation_image"]
    )
    assert shown["mathml"].startswith("<math>")
    assert shown["text"] == "∂L/∂z_o₁"
    assert {""} == {function(()) for function in fragments.FORMULAS.values()}


def test_lines_of_a_number_lead_to_it_alone() -> None:
    """Of a worked solution the lines of one number are kept; all of it where none has a line."""
    own = drawn()
    exercise = own.exercises[0]
    solution, writer = own.solution(exercise), fragments.FragmentWriter(own, "en", "mathjax")
    whole = writer.solution(exercise).text
    for asked in each(exercise.asked, least=26):
        text = writer.solution(exercise, asked).text
        value = f"{float(asked.value):.4g}"
        assert value.rstrip("0")[:5] in text and len(text) < len(whole) / 4
    other = own.exercises[0].asked[0].__class__("q", "q", Decimal(1), Decimal(0), 1, 1)  # type: ignore[arg-type]
    assert solution == fragments.lines_of(solution, other)


@pytest.mark.parametrize("text", [HOSTILE, "\x00\ud800\ufffe", "]]>", "&amp;"])
def test_xml_holds_any_text(text: str) -> None:
    """A text comes back as it was, without what XML cannot hold, from elements and from attributes."""
    root = packages.parsed(packages.xml(packages.element("a", text, b=text)).decode().partition("?>")[2], "root")
    (found,) = root
    assert packages.clean(text) == (found.text or "")
    assert packages.clean(text).replace("\n", " ") == found.get("b")


def test_keys_lose_no_digit() -> None:
    """What a program marks by comes back from JSON as it was, down to the last digit, with a sentence for each mistake."""
    for asked in each(drawn().exercises[0].asked, least=26):
        key = json.loads(json.dumps(answer_keys.answer_key(asked, "en")))
        assert (asked.value, asked.tolerance) == (Decimal(key["value"]), Decimal(key["tolerance"]))
        assert [(wrong.value, wrong.tolerance) for wrong in asked.wrong] == [
            (Decimal(wrong["value"]), Decimal(wrong["tolerance"])) for wrong in key["wrong"] if wrong["feedback"]
        ]


def test_archives_have_no_date() -> None:
    """The same files are the same archive at every time."""
    assert packages.archive({"a/b": "c"}) == packages.archive({"a/b": b"c"})


def test_several_problems_are_in_one_file(tmp_path: Path) -> None:
    """Problems of one title are told apart: no variant of one is drawn in place of the other's."""
    found = sbp.export(["homework", "homework"], to="moodle", style="numbers", variants=1, path=tmp_path / "q.xml")
    text = found.files[0].read_text("utf-8")
    assert 26 == text.count("$course$/top/One step of gradient descent by hand/") == text.count("by hand (2)/")


def test_the_function_is_in_a_module_of_its_own() -> None:
    """`sbp.export` is a function, whatever was imported."""
    assert sbp.export is exports.export and "export" in sbp.__all__


def test_what_is_not_carried_is_listed() -> None:
    """What a homework has and a format does not is listed, and nothing else."""
    plain = pool(problem_of(ONE), [Student("a", "", {})], 0, is_class=True)
    for to, style in each(WAYS):
        row = LEARNING_SYSTEMS[to]
        lacks = {what.id for what in row.lacks([drawn()], style)}
        assert "export.lacks_follow_through" in lacks or "follow_through" in row.carries[style]
        assert "export.lacks_students" not in lacks
        lacks = {what.id for what in row.lacks([plain], style)}
        assert ("export.lacks_students" in lacks) == ("students" not in row.carries[style])
        assert "export.lacks_together" not in lacks


def kept(row: LearningSystem, name: str) -> str:
    """Return in which styles a format carries something, as the table of the documentation says it."""
    styles = [style for style in row.styles if name in row.carries[style]]
    return "yes" if len(styles) == len(row.styles) else ", ".join(f"`{style}`" for style in styles) or "–"


def test_docs_have_the_table_of_the_rows() -> None:
    """docs/learning-systems.md says of each row what it writes and carries."""
    page = (ROOT / "docs" / "learning-systems.md").read_text("utf-8")
    page, _, meanings = page.partition("| what | meaning |")
    header = "| | " + " | ".join(f"`{name}`" for name in LEARNING_SYSTEMS) + " |"
    assert header in page
    rows = [
        ("file", [f"`.{row.suffix}`" if row.suffix else "folder" for row in LEARNING_SYSTEMS.values()]),
        ("styles", [", ".join(f"`{style}`" for style in row.styles) for row in LEARNING_SYSTEMS.values()]),
    ]
    for name in FEATURES:
        (meaning,) = re.findall(rf"^\| `{name}` \| (.*) \|$", meanings, re.MULTILINE)
        assert meaning
        rows.append((f"`{name}`", [kept(row, name) for row in LEARNING_SYSTEMS.values()]))
    for title, cells in each(rows, least=8):
        assert f"| {title} | {' | '.join(cells)} |" in page


def test_command_writes_what_the_function_writes(run: Run) -> None:  # noqa: F811
    """The command and `sbp.export` make the same files; what is not carried is said."""
    usual = ("--variants", "2", "--seed", "3", "--style", "numbers")
    printed = run("export", "homework", "--to", "canvas", *usual, "-o", "one.zip")
    assert "one.zip\n" in printed and "\nnot carried: follow-through" in printed
    sbp.export("homework", to="canvas", style="numbers", variants=2, seed=3, path="two.zip")
    assert Path("one.zip").read_bytes() == Path("two.zip").read_bytes()
    run(
        "export", "homework", "--to", "moodle", "--students", "roster.csv", "--lang", "zh", "-o", "class.xml", "--quiet"
    )
    assert [4 * 26] == [len(list(IMPORTERS["moodle"]([Path("class.xml")])))]
    assert "--students" in run("export", "homework", "--to", "moodle", "-o", "q.xml", code=2)
    assert 'did you mean "canvas"' in run("export", "homework", "--to", "canvass", "--variants", "1", "-o", "q", code=2)
    assert list(LEARNING_SYSTEMS) == [line.split()[0] for line in run("list", "systems").splitlines()]


@pytest.mark.parametrize("email", ["ada@x.org", ""])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_autograder_marks_a_submission(tmp_path: Path, email: str, delimiter: str) -> None:
    """The archive's program finds the variant by e-mail or column, marks a table, and keeps the solution for later."""
    sbp.export("homework", to="gradescope", students=["ada@x.org", "b"], seed=7, path=tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as package:
        package.extractall(tmp_path / "source")
    (tmp_path / "submission").mkdir()
    key = json.loads((tmp_path / "source" / "key.json").read_text("utf-8"))["variants"]["ada@x.org"]["asked"]
    rows = [
        ["answer", "value", "student"],
        *([each["answer"], each["value"], "" if email else "ada@x.org"] for each in key),
    ]
    rows[1][1], rows[2][1] = "12345", "=cmd()"
    if delimiter == ";":
        rows[3][1] = rows[3][1].replace(".", ",")
    table = "".join(delimiter.join(row) + "\n" for row in rows)
    (tmp_path / "submission" / "answers.csv").write_text("\ufeff" + table, "utf-8")
    (tmp_path / "submission_metadata.json").write_text(json.dumps({"users": [{"email": email, "name": "Ada"}]}))
    subprocess.run([sys.executable, "-I", str(tmp_path / "source" / "grade.py"), str(tmp_path)], check=True)
    results = json.loads((tmp_path / "results" / "results.json").read_text("utf-8"))["tests"]
    points = [each["points"] for each in key]
    assert [0, 0, *points[2:], 0] == [each.get("score", 0) for each in results]
    assert {"visibility": "after_due_date"}.items() <= results[-1].items() and len(results[-1]["output"]) > 1000
    (tmp_path / "submission" / "answers.csv").write_text("answer,value\n")
    (tmp_path / "submission_metadata.json").unlink()
    subprocess.run([sys.executable, "-I", str(tmp_path / "source" / "grade.py"), str(tmp_path)], check=True)
    nobody = json.loads((tmp_path / "results" / "results.json").read_text("utf-8"))
    assert 0 == nobody["score"] and "column student" in nobody["output"]
