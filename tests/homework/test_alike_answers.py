"""What constants earn by chance, as is said to the teacher before anything is given out."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest

from symbackprop.homework.assignments.alike_answers import BY_CHANCE, FEWEST, share_of_constants
from symbackprop.homework.assignments.problem_sets import ClassNumbers, ProblemSet
from symbackprop.homework.classes.roster import numbered
from symbackprop.homework.handouts import enrolment
from symbackprop.problems.load import Source
from tests.helpers import each, few
from tests.homework.term import TERM, drawn, given


@pytest.mark.parametrize("name", few(["gates", "momentum", *sorted(TERM)], 2))
def test_no_constant_is_right_more_often_than_is_said(name: str) -> None:
    """Whatever number is written: not that of any sheet, nor any between; and one is right so often."""
    ready = given(name)
    cohort = drawn(ready, FEWEST)
    best = 0.0
    for answer in each(ready.answers):
        values, allowed = cohort.values[answer.key], cohort.tolerances[answer.id]
        tried = numpy.unique(
            numpy.concatenate([values, values - allowed, values + allowed, (values[1:] + values[:-1]) / 2])
        )
        is_right = [(numpy.abs(values - number) <= allowed + 1e-12) & (values != 0) for number in tried]
        right = max(int(each_one.sum()) for each_one in is_right)
        best += float(ready.most[answer.id]) * right / FEWEST
    found = share_of_constants(ClassNumbers(ProblemSet((ready,)), (cohort,)))
    assert found == pytest.approx(best / float(ready.total), abs=0.01)


@pytest.mark.parametrize(
    ("name", "count", "is_told"), [("gates", 60, True), ("gates", 20, False), ("logistic", 60, False)]
)
def test_a_teacher_is_told_of_draws_from_few_numbers(tmp_path: Path, name: str, count: int, is_told: bool) -> None:
    """Where chance alone is right for many points, and the class is large enough to say so."""
    source = Source(TERM[name], Path(name))
    course = enrolment.prepare([source], numbered(count), tmp_path, seed=1, formats=["text"], language="en")
    told = [remark.arguments["percent"] for remark in course.remarks if remark.id == "homework.by_chance"]
    assert bool(told) is is_told
    assert all(isinstance(percent, int) and percent > 100 * BY_CHANCE for percent in told)
