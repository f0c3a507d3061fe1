"""Parts of giving out homework: fair draws, arithmetic for a whole class, and the folder that marking reads."""

from __future__ import annotations

import csv
import io
import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop.algebra.formula import Apply, Slot
from symbackprop.by_hand import array_arithmetic
from symbackprop.errors import ProblemError
from symbackprop.homework.assignments import acceptance
from symbackprop.homework.assignments.problem_sets import ProblemSet, draw_class
from symbackprop.homework.assignments.variants import assignment, draw
from symbackprop.homework.classes.roster import Student
from symbackprop.homework.handouts import manifest
from symbackprop.problems import Rounding, load
from tests.helpers import each


def test_array_arithmetic_computes_a_form_for_every_student() -> None:
    """σ of an array is σ of each number, and where there is none, a NaN and no warning."""
    sigmoid = array_arithmetic.function(Apply("sigmoid", (Slot(0),)), 1)
    found = sigmoid(np.array([0.0, 2.0, -800.0]))
    assert [0.5, 1 / (1 + math.exp(-2)), 0.0] == pytest.approx(list(found))
    logarithm = array_arithmetic.function(Apply("ln", (Slot(0),)), 1)
    assert [True, False] == list(np.isnan(logarithm(np.array([-1.0, 1.0]))))
    assert array_arithmetic.ARRAYS.convert(Fraction(1, 4)) == 0.25


def test_acceptance_judges_all_draws_at_once() -> None:
    """For each reason there is a verdict on every draw, and for each answer a tolerance; a fair draw has none against it."""
    given = assignment(load.example("homework"))
    cohort = draw(given, ["a", "b", "c"], 7, dict.fromkeys("abc", 1))
    assert {"a", "b", "c"} == set(cohort.students)
    for tolerance in each(cohort.tolerances.values(), least=len(given.answers)):
        assert (3,) == tolerance.shape and (tolerance > 0).all()
    assert isinstance(acceptance.HIDING_RATES[0], Fraction)
    assert Fraction(1, 2) in acceptance.HIDING_RATES


def test_manifest_is_plain_data_and_reads_what_it_wrote(tmp_path: Path) -> None:
    """What was given out comes back from its JSON as it was; other numbers than were given out are refused."""
    problem = load.example("homework")
    given = assignment(problem)
    content = manifest.inlined({"network": {"inputs": 1}}, problem)
    whole = manifest.Manifest("homework", content, given.digest, 7, {"language": "en"}, ("id",), (), 3, {"zero": 1})
    assert whole == manifest.Manifest.of(whole.text())
    assert "network" in json.loads(whole.text())["content"]
    (tmp_path / manifest.MANIFEST).write_text("[]")
    with pytest.raises(ProblemError, match=manifest.MANIFEST):
        manifest.Manifest.read(tmp_path / manifest.MANIFEST)


def test_answer_files_have_a_row_for_each_student_and_answer() -> None:
    """The key in CSV and in JSON has the same students and answers; the points add up to the total."""
    given = ProblemSet((assignment(sbp.example("homework")),))
    cohort = draw_class(given, ["a", "b"], 7, dict.fromkeys("ab", 1))
    enrolments = [manifest.Enrolment(Student(id, "", {}), id, 1, {}) for id in cohort.students]
    files = {name: "".join(pieces) for name, pieces in manifest.answer_files(given, cohort, enrolments).items()}
    rows = list(csv.DictReader(io.StringIO(next(text for name, text in files.items() if name.endswith(".csv")))))
    assert 2 * len(given.answers) == len(rows)
    assert (
        set(cohort.students) == {row["student"] for row in rows} == set(json.loads(files[manifest.ANSWERS])["students"])
    )


def test_numbers_of_files_and_sheets_are_rounded_as_asked() -> None:
    """Files have twelve digits, a sheet the decimals or the significant digits of its contract."""
    assert "0.333333333333" == manifest.spelled(1 / 3)
    assert "0.333" == manifest.printed(1 / 3, Rounding(3, significant=False))
    assert "0.0333" == manifest.printed(1 / 30, Rounding(3, significant=True))


@pytest.mark.parametrize("count", [0, 1, 3, 5])
@pytest.mark.parametrize("indent", [None, 0, 1, 2, 4])
def test_a_manifest_is_read_some_students_at_a_time(
    count: int, indent: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the file is laid out, and whatever is in a name: all students, as a reader of the whole text finds them."""
    monkeypatch.setattr(manifest, "_TOGETHER", 2)
    names = ["Ada", '"},\n  {"', '"enrolments": [\n  ', "\n ]\n}\n", "陈"]
    enrolments = tuple(
        manifest.Enrolment(Student(str(place), name, {name: name}), "C", 1, {"W1": (0, place), "b": (300,)})
        for place, name in enumerate(names[:count])
    )
    whole = manifest.Manifest("n", {'"enrolments": [\n  ': 1}, "d", 7, {"language": "en"}, ("id",), enrolments, 3, {})
    laid_out = whole.text() if indent is None else json.dumps(json.loads(whole.text()), indent=indent) + "\n"
    found = manifest.Manifest.of(laid_out)
    assert whole == found and enrolments == found.enrolments
    assert json.loads(found.text()) == json.loads(laid_out)
    broken = laid_out.replace('"code": "C"', '"code": 1', 1)
    assert (broken == laid_out) == (count == 0)
    if count:
        with pytest.raises(ProblemError):
            manifest.Manifest.of(broken)
