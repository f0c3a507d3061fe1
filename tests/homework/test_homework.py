"""Variants, tolerances and marking: what a teacher relies on, tried on classes of simulated students."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import numpy
import pytest

import symbackprop as sbp
from symbackprop import cli, rendering
from symbackprop.by_hand.answer_ids import names_of
from symbackprop.by_hand.answer_parsing import read
from symbackprop.by_hand.hand_computation import (
    GRADIENT,
    NEW,
    PATH,
    HandComputation,
    evaluation,
    hand_computation,
    split,
)
from symbackprop.by_hand.tolerance import MARGIN, Tolerance, half_unit
from symbackprop.csv_tables import read_csv, write_csv
from symbackprop.errors import SymbackpropError
from symbackprop.evaluation.arithmetics import EXACT, FLOAT
from symbackprop.evaluation.evaluate import leaves
from symbackprop.homework import grading
from symbackprop.homework.assignments import answers as asked
from symbackprop.homework.assignments import variants
from symbackprop.homework.assignments.inactive import Inactive
from symbackprop.homework.assignments.points import UNIT
from symbackprop.homework.assignments.problem_sets import ProblemSet
from symbackprop.homework.assignments.variants import Cohort, HomeworkAssignment, assignment, draw, variant
from symbackprop.homework.classes.roster import code, file_name, numbered, read_roster
from symbackprop.homework.handouts import enrolment, sheets
from symbackprop.homework.marks.marking import Mark, Marker, MarkVerdict, first_wrong
from symbackprop.homework.marks.overrides import Override, corrected, read_overrides
from symbackprop.homework.receiving.submissions import read_submissions
from symbackprop.problems import Problem, load
from symbackprop.problems.rounding import Rounding
from symbackprop.rendering import exporters, pdf_collections
from symbackprop.whole_files import write_files
from tests.helpers import each
from tests.homework.term import written_files

GRID = {"low": "-1", "high": "1", "step": "1/10"}
INPUTS = {"choices": ["1/2", "1", "3/2", "2", "-1"]}
RATES = {"choices": ["1/10", "1/4", "3/10"]}
DIGITS = 4

RELU = {
    "network": {
        "inputs": 2,
        "loss": "half_squared_error",
        "layers": [{"units": 2, "activation": "relu"}, {"units": 1, "activation": "linear"}],
    },
    "parameters": {"b1": ["1/10", "1/5"], "b2": ["3/10"]},
    "data": {"y": [1]},
    "training": {"learning_rate": 0.1},
    "variants": {"W1": GRID, "W2": GRID, "x": INPUTS},
}


def with_variants(name: str, **more: object) -> Problem:
    """Return an example whose weights and inputs are drawn, with further tables."""
    drawn: dict[str, object] = {"W1": GRID, "W2": GRID, "x": INPUTS}
    if name == "mazur":
        drawn["learning_rate"] = RATES
    return load.example(name, [("variants", drawn), *more.items()])


PROBLEMS = {
    "mazur": lambda: with_variants("mazur"),
    "classifier": lambda: with_variants("classifier"),
    "relu": lambda: load.problem(RELU, name="relu"),
}


@pytest.fixture(scope="module", params=sorted(PROBLEMS))
def ready(request: pytest.FixtureRequest) -> HomeworkAssignment:
    """Return each problem of the acceptance test, ready for homework."""
    return assignment(PROBLEMS[request.param]())


def students(count: int) -> tuple[str, ...]:
    """Return ids."""
    return tuple(f"s{number}" for number in range(count))


def drawn(given: HomeworkAssignment, count: int, *, seed: int = 7, attempt: int = 1) -> Cohort:
    """Return the variants of a class of `count`."""
    ids = students(count)
    return draw(given, ids, seed, dict.fromkeys(ids, attempt))


def of(cohort: Cohort, place: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return one student's key: values by key, tolerances by id."""
    return cohort.numbers(place), {id: float(array[place]) for id, array in cohort.tolerances.items()}


def to_digits(value: float, digits: int = DIGITS) -> float:
    """Return a number rounded to significant digits."""
    return float(f"{value:.{digits - 1}e}")


def worked(given: HomeworkAssignment, values: Mapping[str, float], slip: str = "") -> dict[str, float]:
    """Return what a student writes down who rounds every number, and whose quantity `slip` is wrong by a slip."""
    found = {key: values[key] for key in given.computation.leaves}
    for key in (equation.name for equation in given.computation.equations):
        exact = evaluation([given.computation.by_key[key]], FLOAT).forward(found, ()).shared[key]
        found[key] = to_digits(exact * 0.97 if key == slip else exact)
    assert given.computation.by_key.keys() <= found.keys()
    return found


def typed(given: HomeworkAssignment, values: Mapping[str, float]) -> dict[str, str]:
    """Return the answers as typed, by id."""
    return {answer.id: repr(values[answer.key]) for answer in given.answers}


# What is computed by hand


@pytest.mark.parametrize("name", ["mazur", "classifier", "xor", "deep", "rnn", "circuit"])
@pytest.mark.parametrize("classroom", [True, False])
def test_program_computes_what_the_solution_does(name: str, classroom: bool) -> None:
    """Every value, gradient, new parameter and the new loss, from equations alone."""
    problem = sbp.example(name)
    derivation = sbp.derive(problem)
    solved = sbp.solve(problem, steps=None if problem.training is None else 1)
    steps = hand_computation(derivation, classroom=classroom)
    shared, samples = leaves(derivation, EXACT)
    known = {**shared, **{f"{key}@{n}": value for n, sample in enumerate(samples, 1) for key, value in sample.items()}}
    if problem.training is not None:
        known["learning_rate"] = problem.training.settings["learning_rate"].value
    found = evaluation(steps.equations, EXACT).forward(known, ()).shared
    first = solved.steps[0]
    for key, value in each(found.items()):
        if PATH in key or key == "learning_rate":
            continue
        mark, (element, place) = split(key)
        if mark == GRADIENT:
            expected = first.values.gradient(element, place)
        elif mark == NEW and first.updated is not None and element in first.updated:
            expected = first.updated[element]
        elif mark == NEW:
            assert solved.after is not None
            expected = solved.after.value(element, place)
        else:
            expected = first.values.value(element, place)
        assert float(expected) == pytest.approx(float(value), rel=1e-14, abs=1e-18), key


# Variants


def test_draws_are_fair(ready: HomeworkAssignment) -> None:
    """No asked value is zero but for a kink, none is lost in its tolerance, no two weights hide a swap."""
    cohort = drawn(ready, 400)
    owed = Inactive(ready.computation).zeros(cohort.values)
    for answer in ready.answers:
        values, allowed = cohort.values[answer.key], cohort.tolerances[answer.id]
        zero = (values == 0) & numpy.asarray(owed.get(answer.key, False))
        assert (zero | (values != 0)).all()
        assert (zero | (numpy.abs(values) >= 20 * allowed)).all()
    assert (cohort.values["W1_1_2"] != cohort.values["W1_2_1"]).all()
    assert cohort.tries > 400
    assert sum(cohort.rejections.values()) >= cohort.tries - 400


def test_values_are_those_of_the_exact_solution(ready: HomeworkAssignment) -> None:
    """The one vectorised call gives what each variant's own solution gives."""
    cohort = drawn(ready, 5)
    for place in range(5):
        problem = variant(ready, {name: array[place].tolist() for name, array in cohort.positions.items()})
        solved = sbp.solve(problem)
        values, _ = of(cohort, place)
        for answer in each(ready.answers):
            element = answer.key.strip(GRADIENT + NEW)
            if answer.key.startswith(GRADIENT):
                expected = solved.steps[0].values.gradient(element)
            elif answer.key.startswith(NEW):
                assert solved.steps[0].updated is not None
                expected = solved.steps[0].updated[element]
            else:
                expected = solved.steps[0].values.value(element)
            assert float(expected) == pytest.approx(values[answer.key], rel=1e-12)


def test_a_variant_depends_on_nothing_but_problem_seed_student_and_attempt() -> None:
    """Order and company do not matter; seed, attempt and numbers do; titles and letters do not."""
    given = assignment(with_variants("mazur"))
    alone = draw(given, ["b"], 7, {"b": 1})
    among = draw(given, ["c", "b", "a"], 7, dict.fromkeys("abc", 1))
    assert {name: array[0].tolist() for name, array in alone.positions.items()} == {
        name: array[1].tolist() for name, array in among.positions.items()
    }
    renamed = assignment(with_variants("mazur", title="Another title", **{"notation.naming": "layered"}))
    assert given.digest == renamed.digest
    same = draw(renamed, ["b"], 7, {"b": 1})
    others = (
        draw(given, ["b"], 8, {"b": 1}),
        draw(given, ["b"], 7, {"b": 2}),
        draw(assignment(with_variants("mazur", **{"parameters.b1": 0.36})), ["b"], 7, {"b": 1}),
    )
    assert alone.values["W1_1_1"] == same.values["W1_1_1"]
    for other in others:
        assert any((alone.positions[name] != other.positions[name]).any() for name in alone.positions)


def test_pinned_draw() -> None:
    """A change of the algorithm would change every class's homework: it needs a new version."""
    given = assignment(load.problem(RELU, name="relu"))
    assert PINNED == {
        name: array[0].tolist() for name, array in draw(given, ["王五"], 7, {"王五": 1}).positions.items()
    }


def test_impossible_variants_end_with_the_counts_of_the_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    """Zero inputs make every gradient of the first layer zero."""
    monkeypatch.setattr(variants, "MOST_TRIES", 64)
    given = assignment(load.problem({**RELU, "variants": {"W1": GRID, "x": {"choices": [0]}, "W2": GRID}}, name="relu"))
    with pytest.raises(SymbackpropError, match=r"no fair numbers were found for s0 in 64 draws: .*zero.*\(\d+\)"):
        drawn(given, 1)


def test_learning_rates_that_hide_a_factor_are_not_drawn() -> None:
    """With 1/2 among the choices, nobody gets it."""
    problem = with_variants("mazur", **{"variants.learning_rate": {"choices": ["1/2", "1", "1/4"]}})
    assert (drawn(assignment(problem), 50).values["learning_rate"] == 0.25).all()


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"variants": {"W9": GRID}}, 'unknown quantity to draw "W9"'),
        ({"variants": {"W1": {"low": 0, "high": 1}}}, 'variants.W1: the key "step" is missing'),
        ({"variants": {"W1": {"low": 1, "high": 0, "step": 1}}}, "low is greater than high"),
        ({"variants": {"W1": {"low": 0, "high": 1, "step": 0}}}, "the value has to be > 0"),
        ({"variants": {"W1": {"low": 0, "high": 1, "step": "1/100000"}}}, "can be drawn; at most"),
        ({"homework": {"ask": ["z3"]}}, r'homework.ask\[0\]: unknown quantity to ask for "z3"'),
        ({"homework": {"ask": ["z1"], "given": ["z1"]}}, "z1 is asked, so it cannot be given"),
        ({"homework": {"points": {"L": 0}}}, "homework.points.L: the value has to be > 0"),
        ({"homework": {"significant": 4, "decimals": 2}}, "either decimals or significant"),
        ({"homework": {"follow_through": 2}}, "between 0 and 1"),
    ],
)
def test_mistakes_in_the_tables(overrides: Mapping[str, object], expected: str) -> None:
    """One message that names the key."""
    with pytest.raises(SymbackpropError, match=expected):
        load.problem({**RELU, **overrides}, name="relu")


def test_classes_are_drawn_as_targets() -> None:
    """For cross-entropy a drawn y is a class, one-hot in the variant."""
    problem = load.problem(SOFTMAX, name="softmax")
    given = assignment(problem)
    cohort = drawn(given, 20)
    for place in range(20):
        made = variant(given, {name: array[place].tolist() for name, array in cohort.positions.items()})
        entries = [entry.value for entry in made.arrays["y"].entries if entry is not None]
        assert sorted(entries) == [0, 0, 1]
        assert entries.index(1) == cohort.positions["y"][place][0]


SOFTMAX = {
    "network": {"inputs": 2, "loss": "cross_entropy", "layers": [{"units": 3, "activation": "softmax"}]},
    "parameters": {"b1": [0, 0, 0]},
    "variants": {"W1": GRID, "x": INPUTS, "y": {"choices": [0, 1, 2]}},
}


# Tolerances


def test_half_unit() -> None:
    """Half a unit of the last digit that is kept."""
    assert [5e-5, 5e-4, 5.0, 0.0] == half_unit(numpy.array([0.5, 9.999, 12345, 0.0]), Rounding(4, True)).tolist()
    assert 5e-4 == half_unit(123.0, Rounding(3, False))


def test_no_legal_rounding_leaves_the_tolerance(ready: HomeworkAssignment) -> None:
    """The adversary rounds every number by half a unit in the direction that hurts the answer most."""
    cohort = drawn(ready, 12)
    tightest = 0.0
    for answer in ready.answers:
        tolerance = Tolerance(ready.computation, answer.key, ready.homework.rounding, FLOAT)
        for place in range(12):
            values, allowed = of(cohort, place)
            slopes = tolerance.partials(values)
            found = {key: values[key] for key in ready.computation.leaves}
            for equation in tolerance.equations:
                exact = evaluation([equation], FLOAT).forward(found, ()).shared[equation.name]
                sign = 1 if slopes.get(equation.name, 0) >= 0 else -1
                unit = float(half_unit(exact, ready.homework.rounding)) if equation.name in tolerance.rounded else 0.0
                found[equation.name] = exact + sign * unit
            reached = abs(found[answer.key] - values[answer.key])
            assert reached <= allowed[answer.id]
            tightest = max(tightest, reached / allowed[answer.id] if reached else 0.0)
    assert tightest > 0.9 / MARGIN


# Marking


def test_a_student_in_full_precision_gets_every_mark(ready: HomeworkAssignment) -> None:
    """And one who rounds every step as told, too."""
    cohort, marker = drawn(ready, 60), Marker(ready)
    for place in range(60):
        values, allowed = of(cohort, place)
        for answers in (typed(ready, values), typed(ready, worked(ready, values))):
            assert {MarkVerdict.CORRECT} == {mark.verdict for mark in marker.mark(values, allowed, answers)}


def test_one_slip_costs_one_answer(ready: HomeworkAssignment) -> None:
    """What follows from the slip is marked with the student's own value, and says so."""
    cohort, marker, chance = drawn(ready, 60), Marker(ready), random.Random(1)
    for place in range(60):
        values, allowed = of(cohort, place)
        slip = chance.choice(ready.answers)
        marks = marker.mark(values, allowed, typed(ready, worked(ready, values, slip.key)))
        lost = [
            mark.answer.id for mark in marks if mark.verdict not in (MarkVerdict.CORRECT, MarkVerdict.FOLLOW_THROUGH)
        ]
        assert lost in ([slip.id], [])
        for mark in marks:
            is_partly = mark.verdict in (MarkVerdict.FOLLOW_THROUGH, MarkVerdict.ROUNDED)
            assert is_partly == bool(mark.said and mark.points)


def test_verdicts() -> None:
    """Blank, unreadable, wrong, right by a formula, and the first wrong step."""
    given = assignment(with_variants("mazur", homework={"total": 20, "points": {"L": 3}, "answers": "both"}))
    cohort, marker = drawn(given, 1), Marker(given)
    values, allowed = of(cohort, 0)
    answers = typed(given, values)
    answers |= {
        "z1_1": "",
        "z1_2": "(((",
        "a1_1": "12",
        "a2_1": "1/(1 + exp(-z2_1))",
        "dL_dz2_1": "(o1 - t1)*o1*(1 - o1)",
        "L": f"{values['L']:.4f}".replace(".", ","),
        "dL_dW2_1_1": "dL_dW2_1_1",
        "dL_dW2_1_2": "dE_dw6",
        "dL_dW2_2_1": "__import__('os')",
    }
    marks = {mark.answer.id: mark for mark in marker.mark(values, allowed, answers)}
    found = {id: marks[id].verdict for id in ("z1_1", "z1_2", "a1_1", "a2_1", "dL_dz2_1", "L")}
    assert found == {
        "z1_1": MarkVerdict.BLANK,
        "z1_2": MarkVerdict.UNREADABLE,
        "a1_1": MarkVerdict.WRONG,
        "a2_1": MarkVerdict.CORRECT,
        "dL_dz2_1": MarkVerdict.CORRECT,
        "L": MarkVerdict.CORRECT,
    }
    # An answer is not its own name, nor that of what comes after it.
    assert {"dL_dW2_1_1", "dL_dW2_1_2", "dL_dW2_2_1"} == {
        id for id, mark in marks.items() if mark.verdict is MarkVerdict.UNREADABLE and id != "z1_2"
    }
    assert ["a1_1"] == [mark.answer.id for mark in first_wrong(list(marks.values()))]
    assert Fraction(20) == marker.assignment.total
    assert abs(marks["L"].most - 3 * marks["z1_1"].most) <= 3 * UNIT


def test_follow_through_is_refused_where_the_own_value_leaves_nothing_to_compute() -> None:
    """A zero δ would make every later answer 0; an activation beyond its range makes σ′ what one likes."""
    given = assignment(with_variants("mazur"))
    cohort, marker = drawn(given, 1), Marker(given)
    values, allowed = of(cohort, 0)
    zero = typed(given, values) | {"dL_dz2_1": "0", "dL_dW2_1_1": "0", "dL_dW2_1_2": "0"}
    beyond = typed(given, values) | {"a1_1": "1.5", "dL_dW2_1_1": repr(values[GRADIENT + "z2_1"] * 1.5)}
    for answers, id, said in ((zero, "dL_dW2_1_1", "trivial_zero"), (beyond, "dL_dW2_1_1", "out_of_range")):
        mark = next(mark for mark in marker.mark(values, allowed, answers) if mark.answer.id == id)
        assert mark.verdict is MarkVerdict.WRONG
        assert mark.said is not None
        assert f"mark.{said}" == mark.said.id


def test_a_formula_without_a_value_here_is_decided_elsewhere() -> None:
    """0/0 at this student's numbers is not wrong: other numbers decide, and where none does, a person."""
    given = assignment(load.problem({**RELU, "homework": {"ask": ["z1", "a1", "L"], "answers": "both"}}, name="relu"))
    cohort, marker = drawn(given, 1), Marker(given)
    values, allowed = of(cohort, 0)
    good = "(W1_1_1*x_1 + W1_1_2*x_2 + b1_1)*(x_1 - x_1)/(x_1 - x_1)"
    marks = marker.mark(values, allowed, {"z1_1": good, "z1_2": "W1_2_1*x_1/(b1_2 - 1/5)"})
    assert marks[0].verdict is MarkVerdict.UNREADABLE
    assert marks[0].said is not None
    assert "mark.undecided" == marks[0].said.id
    assert marks[1].verdict is MarkVerdict.WRONG


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.25", Fraction(1, 4)), ("0,25", Fraction(1, 4)), ("−.5", Fraction(-1, 2)), (" 1/4 ", Fraction(1, 4)),
        ("2e-3", Fraction(1, 500)), ("2·10^-3", Fraction(1, 500)), ("2×10⁻³", Fraction(1, 500)),
        ("z1 = 0.5", Fraction(1, 2)),
        ("≈ 0.5", Fraction(1, 2)), ("+0.5", Fraction(1, 2)), ("\uff12\uff0e\uff15", Fraction(5, 2)),
    ],
)  # fmt: skip
def test_numbers_as_people_type_them(text: str, value: Fraction | None) -> None:
    """Decimal point or comma, signs of word processors, full-width digits, powers of ten."""
    assert value == read(text, ("z1",), {}).number


@pytest.mark.parametrize("text", ["", "  ", "-", "?", "n/a"])
def test_blanks(text: str) -> None:
    """What people type for nothing."""
    assert read(text, (), {}).is_blank


def test_names_are_those_of_the_document_too() -> None:
    """Ids, and the letters of flat naming."""
    names = names_of(hand_computation(sbp.derive(sbp.example("mazur"))))
    assert {"W2_1_1", "dL_dW2_1_1", "new_W2_1_1", "L"} <= names.keys()
    assert names["w5"] == "W2_1_1"
    assert names["dE_dw5"] == GRADIENT + "W2_1_1"
    assert names["new_w5"] == NEW + "W2_1_1"


@pytest.mark.parametrize("name", ["homework", "xor", "circuit", "rnn"])
def test_answers_stand_in_the_order_of_computation(name: str) -> None:
    """Nothing is asked before the values that it is computed from, nothing twice."""
    given = assignment(sbp.example(name))
    found = [answer.key for answer in asked.answers(given.computation, given.homework)]
    assert len(found) == len(set(found)) > 3
    for place, key in enumerate(each(found)):
        before = {equation.name for equation in given.computation.cone([key])}
        assert before.isdisjoint(found[place + 1 :])


# Files


def test_rosters_as_they_come(tmp_path: Path) -> None:
    """Any case and delimiter, a byte-order mark, quotes, blank lines, other columns kept."""
    file = tmp_path / "roster.csv"
    file.write_bytes('\ufeffName;ID;Group\n"Müller, Anna";a1;X\n\n王五;b/2;Y\n'.encode())
    roster = read_roster(file, {})
    assert [("a1", "Müller, Anna"), ("b/2", "王五")] == [(each.id, each.name) for each in roster.students]
    assert roster.columns == ("Name", "ID", "Group")
    file.write_bytes("Nr\tStudent\n7\tAnna\n".encode("utf-16"))
    assert "7" == read_roster(file, {"id": "Nr", "name": "Student"}).students[0].id


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,name\na,A\nb,B\nA,C\n", r"roster.csv:4: the student A stands on line 2 already"),
        ("id,name\n,A\n", r"roster.csv:2: the row has no id"),
        ("id,name\na,A\n,B\n", r"roster.csv:3: the row has no id"),
        ("PK\x03\x04", r"roster.csv: this is a workbook, no table of text: save the sheet as CSV"),
        ("nr,name\n1,A\n", r'there is no column "id"; name the columns with --student-columns'),
        ("id,name\n", "the list has no students"),
        ("", "expected a header"),
        ("id,name\na,A,x\n", "the row has 3 cells, the header 2"),
    ],
)
def test_mistakes_in_rosters(tmp_path: Path, text: str, message: str) -> None:
    """File and line, what, and what to do."""
    file = tmp_path / "roster.csv"
    file.write_text(text)
    with pytest.raises(SymbackpropError, match=message):
        read_roster(file, {})


@pytest.mark.parametrize("id", ["../../etc/passwd", "a b", "CON", ".hidden", "x/y", "a\\b", "-rf", "a.", "%2e"])
def test_ids_are_safe_file_names(id: str) -> None:
    """No separator, no leading dot or hyphen, no device, and two ids never share a file."""
    name = file_name(id)
    assert not set(name) & set('/\\:*?"<>| ')
    assert name[0] not in ".-"
    assert not name.endswith(".")
    assert name.lower() not in ("con", "nul")
    assert "%2e" != file_name("%2e")


def test_codes_tell_nothing_and_tell_apart() -> None:
    """Ten characters; other secret, student, attempt or problem, other code."""
    codes = {
        code("k", "d", "s", 1),
        code("l", "d", "s", 1),
        code("k", "e", "s", 1),
        code("k", "d", "t", 1),
        code("k", "d", "s", 2),
    }
    assert 5 == len(codes)
    assert {10} == {len(each) for each in codes}
    assert ["08", "09", "10"] == [student.id for student in numbered(10).students][-3:]


@pytest.mark.parametrize("cell", ["=cmd()", "+1+cmd", "-2+3", "@x", "\t=1", " =1", "%x"])
def test_cells_are_no_formulas(cell: str, tmp_path: Path) -> None:
    """A spreadsheet that opens our tables runs nothing; numbers stay numbers."""
    text = write_csv(["a", "b"], [[cell, "-0.5"]])
    (tmp_path / "x.csv").write_text(text)
    row = read_csv(tmp_path / "x.csv").rows[0][1]
    assert row["a"].startswith("'")
    assert "-0.5" == row["b"]


def test_submissions_long_and_wide(tmp_path: Path) -> None:
    """Both tables say the same; what is unknown or given twice is remarked on and loses nothing."""
    (tmp_path / "long.csv").write_text("student,answer,value,code\nA1,z1,0.5,X\na1,z2,1\na1,z9,1\nq,z1,2\na1,z1,0.6\n")
    (tmp_path / "wide.csv").write_text("Student;z1;z2;other;code\na1;0,5;1;?;X\n")
    known, ids = ["a1"], {"z1": "z1", "z2": "z2"}
    long = read_submissions(tmp_path / "long.csv", known, ids)
    assert long.texts == {"a1": {"z1": "0.6", "z2": "1"}}
    assert long.codes == {"a1": "X"}
    assert ["unknown_answer", "unknown_student"] == [what.id.partition(".")[2] for _, what in long.remarks]
    wide = read_submissions(tmp_path / "wide.csv", known, ids)
    assert wide.texts == {"a1": {"z1": "0,5", "z2": "1"}}


def marks_of(given: HomeworkAssignment, cohort: Cohort) -> Iterator[list[Mark]]:
    """Yield the marks of every student in full precision."""
    marker = Marker(given)
    for place in range(len(cohort.students)):
        values, allowed = of(cohort, place)
        yield marker.mark(values, allowed, typed(given, values))


def test_nothing_before_an_answer_is_left_out() -> None:
    """Cones hold what is read, in order, and stop at what is known."""
    steps: HandComputation = hand_computation(sbp.derive(sbp.example("mazur")))
    whole = [equation.name for equation in steps.cone([GRADIENT + "W1_1_1"])]
    cut = [equation.name for equation in steps.cone([GRADIENT + "W1_1_1"], frozenset({GRADIENT + "z1_1"}))]
    assert {"z1_1", "a1_1", "z2_2", GRADIENT + "a1_1#1"} <= set(whole)
    assert [GRADIENT + "W1_1_1"] == cut


PINNED = {"W1": [5, 6, 7, 0], "W2": [19, 2], "x": [3, 4]}


# A class


LINE: dict[str, object] = {
    "network": {"inputs": 1, "loss": "half_squared_error", "layers": [{"units": 1, "activation": "linear"}]},
    "parameters": {"b1": ["1/10"]},
    "data": {"y": [1]},
    "variants": {"W1": GRID, "x": INPUTS},
    "homework": {
        "course": {"en": "Networks", "zh": "神经网络"},
        "instructions": {"en": "First.\n\nSecond.", "zh": "其一。\n\n其二。\n\n其三。"},
    },
}


def given_out(folder: Path, language: str = "en") -> Path:
    """Give a homework out to two students, without its documents, and return the folder."""
    prepared = enrolment.prepare(
        [load.Source(LINE, Path("line"))], numbered(2), folder, seed=1, formats=["html"], language=language
    )
    write_files({folder / name: content for name, content in prepared.files.items()})
    return folder


@pytest.mark.parametrize(
    ("name", "beginning"),
    [("homework", "89ed0ce69275150c"), ("classifier", "9042ab207b020465"), ("circuit", "76eb2ee8b5cac2e0")],
)
def test_digest_stays_what_it_was(name: str, beginning: str) -> None:
    """Seeds, codes and manifests of homework that was given out by an earlier version mean the same numbers."""
    assert beginning == assignment(load.example(name)).digest[:16]


@pytest.mark.parametrize("text", ["student,answer,value\n", "student,z1_1\n", "student,answer,value\nnobody,z1_1,1\n"])
def test_nobody_handed_in(tmp_path: Path, text: str) -> None:
    """A table without a student of the class is marked: no marks, and every report says so."""
    file = tmp_path / "submissions.csv"
    file.write_text(text)
    marked = grading.grade(given_out(tmp_path / "class"), file)
    assert {} == marked.marks
    written = written_files(marked)
    assert "Nothing was handed in." in written["summary.html"]
    assert ["id,name,total", "1,,", "2,,"] == written["gradebook.csv"].splitlines()


def test_course_and_instructions_in_the_language_of_the_homework(tmp_path: Path) -> None:
    """Sheets and reports have them in the language."""
    given = assignment(load.problem(LINE, name="line"))
    cohort = drawn(given, 1)
    values, allowed = of(cohort, 0)
    problem = variant(given, {name: tuple(array[0].tolist()) for name, array in cohort.positions.items()})
    own = sheets.Variant(problem, sheets.numerals(given, values, allowed))
    sheet = sheets.sheet(ProblemSet((given,)), sheets.StudentVariant("", "s0", "CODE", {"": own}))
    for language, said, unsaid in (
        ("en", ("Networks", "First.", "Second."), "其一。"),
        ("zh", ("神经网络", "其一。", "其二。", "其三。"), "First."),
    ):
        row = rendering.formats()["markdown"]
        (draft,) = pdf_collections.drafted([sheet], given.derivation, row, language)
        text = exporters.written(draft)
        assert isinstance(text, str)
        assert all(part in text for part in said)
        assert unsaid not in text
    (tmp_path / "submissions.csv").write_text("student,z1_1\n1,1\n")
    written = written_files(grading.grade(given_out(tmp_path / "zh", "zh"), tmp_path / "submissions.csv"))
    for name in ("summary.html", "feedback/1.html"):
        assert "神经网络" in written[name]
        assert "Networks" not in written[name]
    with pytest.raises(SymbackpropError, match=r'homework.course: unknown language "xx"'):
        load.problem({**LINE, "homework": {"course": {"xx": "?"}}}, name="line")


def overridden(folder: Path, text: str) -> tuple[Override, ...]:
    """Return the corrections that a file states, where one student has answered "0.5" and "about 2"."""
    (folder / "fix.toml").write_text(f"[[override]]\n{text}\n")
    return read_overrides(folder / "fix.toml", {"s1"}, {"z1_1": "z1_1"}, {"0.5", "about 2"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('answer = ["z1_1"]\nexcuse = true', r"override\[0\].answer: expected a text"),
        ("answer = 1\nexcuse = true", r"override\[0\].answer: expected a text"),
        ("student = true\nexcuse = true", r"override\[0\].student: expected a text"),
        ("student = { id = 1 }\nexcuse = true", r"override\[0\].student: expected a text"),
        ('excuse = "no"', r"override\[0\].excuse: expected true or false"),
        ("excuse = 1", r"override\[0\].excuse: expected true or false"),
        ("excuse = true\nreason = 3", r"override\[0\].reason: expected a text"),
        ('points = "1"', r"override\[0\].points: expected a number"),
        ("points = true", r"override\[0\].points: expected a number"),
        ("points = 1", r"override\[0\].points: points are added to one answer"),
        ('answer = "z1_1"\ntotal = 1', r"override\[0\].total: total changes a whole total"),
        ("factor = -1", r"override\[0\].factor: "),
        ("total = inf", r"override\[0\].total: expected a finite number"),
        ("points = nan", r"override\[0\].points: expected a finite number"),
        ("points = 1e99999", r"override\[0\].points: expected a finite number"),
        ("points = 1e99999999999999999999", r"fix.toml: this is not valid TOML"),
        ("accept = [1]", r"override\[0\].accept: expected a number"),
        ("accept = false", r"override\[0\].accept: expected a number"),
        ('accept = "((("', r'override\[0\].accept: "\(\(\(" is no number, and nobody answered that'),
        ('answer = "z1_2"\nexcuse = true', r'override\[0\].answer: unknown answer "z1_2"\n  did you mean "z1_1"'),
    ],
)
def test_mistakes_in_overrides(tmp_path: Path, text: str, message: str) -> None:
    """One message, with the place, for every value that is of the wrong kind."""
    with pytest.raises(SymbackpropError, match=message):
        overridden(tmp_path, text)


def test_what_overrides_change(ready: HomeworkAssignment, tmp_path: Path) -> None:
    """`excuse = false` excuses nobody, `true` everybody; a number or what somebody answered is accepted."""
    cohort = drawn(ready, 1)
    values, allowed = of(cohort, 0)
    marks = {"s1": Marker(ready).mark(values, allowed, {})}
    assert [] == corrected(marks, overridden(tmp_path, "excuse = false"))[1]
    excused, changes = corrected(marks, overridden(tmp_path, "excuse = true"))
    assert len(marks["s1"]) == len(changes)
    assert all(mark.points == mark.most for mark in excused["s1"])
    for text in ("accept = 7", "accept = 0.25", 'accept = "1/4"', 'accept = "about  2"'):
        assert overridden(tmp_path, text)[0].accept


def test_gradebooks_have_rows_of_no_student(tmp_path: Path) -> None:
    """What stands above the first student, and the test student, is left out with a remark."""
    file = tmp_path / "roster.csv"
    file.write_text(
        "Student,SIS User ID,HW\n,,Manual Posting\n    Points Possible,,10\n"
        '"Müller, Anna",a1,\n"Student, Test",,\n王五,b2,\n',
        "utf-8",
    )
    roster = read_roster(file, {"id": "SIS User ID", "name": "Student"})
    assert ["a1", "b2"] == [student.id for student in roster.students]
    assert [f"{file}:2", f"{file}:3", f"{file}:5"] == [where for where, _ in roster.remarks]
    assert ["–", "Points Possible", "Student, Test"] == [what.arguments["name"] for _, what in roster.remarks]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_tables_of_spreadsheets(tmp_path: Path, encoding: str, delimiter: str) -> None:
    """The encodings that spreadsheets write, and the line that names the delimiter."""
    file = tmp_path / "roster.csv"
    file.write_bytes(f"sep={delimiter}\r\nid{delimiter}name\r\ns1{delimiter}王喆；明\r\n".encode(encoding))
    sheet = read_csv(file)
    assert ("id", "name") == sheet.columns
    assert ((3, {"id": "s1", "name": "王喆；明"}),) == sheet.rows


@pytest.mark.parametrize(
    "content", ["id,name\n1,Müller\n2,Béla\n".encode("cp1252"), "id,name\n1,A".encode("utf-16-le")]
)
def test_other_encodings_are_refused_with_a_way_out(tmp_path: Path, content: bytes) -> None:
    """No letter is guessed."""
    file = tmp_path / "roster.csv"
    file.write_bytes(content)
    with pytest.raises(SymbackpropError, match=r'not a text in UTF-8 \(byte \d+\): save the file as "CSV UTF-8"'):
        read_csv(file)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("grade", "nowhere", "s.csv"), "nowhere: no homework was given out there"),
        (("homework", "homework", "--students", "r.csv", "--variants", "3"), "only one of --students and --variants"),
        (("homework", "homework", "--variants", "3", "-f", "jsn"), 'unknown format of a sheet "jsn"'),
    ],
)
def test_messages_of_the_commands(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    """Each mistake has its own message, and what is said to be valid is."""
    monkeypatch.chdir(tmp_path)
    more = ("-o", "class") if arguments[0] == "homework" else ()
    with pytest.raises(SystemExit) as left:
        cli.main([*arguments, *more])
    told = capsys.readouterr().err
    assert 2 == left.value.code
    assert message in told
    assert "notebook" not in told


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="children are found through /proc")
@pytest.mark.sweep
def test_workers_end_with_the_command(tmp_path: Path) -> None:
    """Also where the command is killed and can tell them nothing."""
    arguments = [
        "homework",
        "homework",
        "--variants",
        "2000",
        "-f",
        "markdown",
        "--processes",
        "2",
        "-o",
        str(tmp_path),
    ]
    command = subprocess.Popen([sys.executable, "-m", "symbackprop", *arguments], stdout=subprocess.DEVNULL)
    try:
        workers: list[int] = []
        for _ in range(600):
            listed = Path(f"/proc/{command.pid}/task/{command.pid}/children").read_text().split()
            workers = [int(each) for each in listed]
            if len(workers) >= 2 and any(tmp_path.glob("students/sheets/*")):
                break
            time.sleep(0.1)
        assert len(workers) >= 2
    finally:
        os.kill(command.pid, signal.SIGKILL)
        command.wait()
    for _ in range(100):
        if not any(map(is_running, workers)):
            break
        time.sleep(0.1)
    assert [] == [worker for worker in workers if is_running(worker)]


def is_running(process: int) -> bool:
    """Say whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
