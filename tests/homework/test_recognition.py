"""Marking names mistakes by the rows: each is found where it is made, counts once, and earns what the teacher says."""

from __future__ import annotations

import functools
import math
import random
import time
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import pytest

import symbackprop as sbp
from symbackprop.csv_tables import read_csv, write_csv
from symbackprop.errors import ProblemError, UnknownNameError
from symbackprop.homework.assignments.points import earned
from symbackprop.homework.assignments.variants import HomeworkAssignment, assignment
from symbackprop.homework.grading import grade
from symbackprop.homework.handouts import sheets
from symbackprop.homework.handouts.distribution import enrolled
from symbackprop.homework.handouts.manifest import Manifest
from symbackprop.homework.marks import recognition
from symbackprop.homework.marks.marking import Mark, Marker, MarkVerdict
from symbackprop.homework.reporting import mistake_reports
from symbackprop.mistakes.changes import Change, changes
from symbackprop.mistakes.consequences import Consequences
from symbackprop.mistakes.worksheets import Worksheet
from tests.helpers import each, only
from tests.homework import term
from tests.homework.term import written_files


@functools.cache
def given(name: str) -> HomeworkAssignment:
    """Return a homework of the term."""
    return term.given(name)


def first(ready: HomeworkAssignment) -> tuple[dict[str, float], dict[str, float]]:
    """Return the numbers and the tolerances of one student."""
    return term.of(term.drawn(ready, 1), 0)


def made(ready: HomeworkAssignment, values: Mapping[str, float]) -> Iterator[tuple[Change, dict[str, float]]]:
    """Yield what every mistake at one place makes of all numbers, where these are others."""
    consequences = Consequences(ready.computation)
    for change in changes(Worksheet(ready.computation)):
        if len(change.sites) == 1 and not change.mistake.is_convention:
            found = {**values, **consequences.under(change, values)}
            if all(math.isfinite(found[answer.key]) for answer in ready.answers):
                yield change, found


def marked(ready: HomeworkAssignment, values: Mapping[str, float]) -> dict[str, Mark]:
    """Return the marks of exact numbers by key."""
    own, tolerances = first(ready)
    marks = Marker(ready).mark(own, tolerances, {answer.id: repr(values[answer.key]) for answer in ready.answers})
    return {mark.answer.key: mark for mark in marks}


@pytest.mark.parametrize("name", only(term.TERM, "neuron", "logistic", "gates"))
def test_a_mistake_is_named_where_it_is_made(name: str) -> None:
    """The first wrong answer under one mistake is explained by it, where its number is far enough from 0 to tell.

    In one of twenty cases another mistake that makes the same number there is named alone.
    """
    ready = given(name)
    values, tolerances = first(ready)
    marker, chance = Marker(ready), random.Random(name)
    all_made = list(made(ready, values))
    wrong, others = 0, []
    for change, numbers in each(chance.sample(all_made, min(80, len(all_made)))):
        marks = marker.mark(
            values, tolerances, {answer.id: repr(float(numbers[answer.key])) for answer in ready.answers}
        )
        mark = next((mark for mark in marks if mark.verdict is MarkVerdict.WRONG), None)
        if mark is None or 20 * tolerances[mark.answer.id] > abs(numbers[mark.answer.key]):
            continue
        wrong += 1
        assert mark.mistakes, (change.mistake.name, change.sites[0].at, mark)
        if change.mistake.name not in {one.id for one in mark.mistakes}:
            others.append((change.mistake.name, change.sites[0].at, mark.mistakes))
    assert wrong
    assert len(others) <= wrong / 20, others


@pytest.mark.parametrize("name", list(term.TERM))
def test_an_honest_sheet_has_no_mistake(name: str) -> None:
    """Numbers rounded as told name nothing."""
    ready = given(name)
    cohort = term.drawn(ready, 20)
    marker = Marker(ready)
    for place in each(range(20)):
        values, tolerances = term.of(cohort, place)
        written = term.worked(ready, values, {}, random.Random(place))
        marks = marker.mark(values, tolerances, {answer.id: repr(written[answer.key]) for answer in ready.answers})
        assert not any(mark.mistakes for mark in marks)


def test_updated_weights_are_named_and_earn_what_is_said() -> None:
    """The commonest mistake has its place; without `partial` it earns nothing, with it the share, and the sheet says so."""
    content = term.TERM["sigmoids"]
    training = {**content["training"], "learning_rate": 5}
    for share in each((None, "1/2")):
        partial = {} if share is None else {"partial": {"updated_weights": share}}
        table = {**content["homework"], **partial}
        ready = assignment(sbp.problem({**content, "training": training, "homework": table}))
        values, _ = first(ready)
        change, numbers = next(
            (change, numbers)
            for change, numbers in made(ready, values)
            if change.mistake.name == "updated_weights" and abs(numbers["∂z1_1"] / values["∂z1_1"] - 1) > 0.05
        )
        mark = marked(ready, numbers)["∂z1_1"]
        assert mark.mistake == recognition.NamedMistake("updated_weights", ("dL_da1_1",))
        assert mark.verdict is MarkVerdict.WRONG
        assert mark.points == (0 if share is None else earned(mark.most, Fraction(1, 2)))
        assert change.sites[0].at == "∂a1_1"
        (sheet,) = [part for part in map(str, sheets._rules(ready)) if "partial" in part] or [""]
        assert (share is not None) == bool(sheet)


def test_a_share_for_a_mistake_that_is_none_is_refused() -> None:
    """An unknown id says the nearest one; a share is between 0 and 1."""
    for partial, error in each((({"updated_weight": "1/2"}, UnknownNameError), ({"updated_weights": 2}, ProblemError))):
        content = {**term.TERM["sigmoids"], "homework": {"partial": partial}}
        with pytest.raises(error):
            assignment(sbp.problem(content))


def test_a_class_is_told_its_mistakes(tmp_path: Path) -> None:
    """The report has mistake and place, the summary the mistakes of the class, the feedback how it is right."""
    sbp.homework(term.TERM["sigmoids"], students=4, seed=1, folder=tmp_path, formats=["html"])
    manifest = Manifest.read(tmp_path / "teacher" / "manifest.json")
    whole = enrolled(manifest.problem_set(), manifest.enrolments)
    (cohort,) = whole.parts
    rows = []
    for place, id in enumerate(cohort.students):
        values = cohort.numbers(place)
        rows += [
            (id, answer.id, repr(values[answer.key[1:]] - values["∂" + answer.key[1:]]))
            if answer.key.startswith("→") and answer.key != "→L" and place
            else (id, answer.id, repr(values[answer.key]))
            for answer in cohort.given.answers
        ]
    (tmp_path / "in.csv").write_text(write_csv(("student", "answer", "value"), rows), "utf-8")
    found = grade(tmp_path, [tmp_path / "in.csv"])
    written = written_files(found)
    (tmp_path / "report.csv").write_text(str(written["report.csv"]), "utf-8")
    report = [row for _, row in read_csv(tmp_path / "report.csv").rows]
    named = [row for row in report if row["mistake"]]
    assert {row["mistake"] for row in named} == {"no_learning_rate"}
    assert all(row["at"] == row["answer"] for row in named)
    assert {row["student"] for row in named} == set(list(cohort.students)[1:])
    assert "The mistakes of the class" in str(written["summary.html"])
    assert "the learning rate is missing" in str(written["summary.html"])
    last = next(name for name in reversed(written) if name.startswith("feedback/"))
    assert "What went wrong" in str(written[last])
    (row,) = mistake_reports.mistakes_of_class(found.marks)
    assert row[1:3] == (str(len(named)), "3")


@pytest.mark.sweep
def test_mistakes_are_named_fast() -> None:
    """300 students × 29 answers, up to four of them wrong, in two seconds, when the mistakes are known."""
    ready = given("sigmoids")
    cohort = term.drawn(ready, 300)
    chance = random.Random(1)
    sheets = []
    for place in range(300):
        values, tolerances = term.of(cohort, place)
        slips = {
            answer.key: chance.choice(list(term.SLIPS.values()))
            for answer in chance.sample(ready.answers, chance.randrange(5))
        }
        written = term.worked(ready, values, slips, chance)
        sheets.append((values, tolerances, {answer.id: repr(written[answer.key]) for answer in ready.answers}))
    marker = Marker(ready)
    taken = []
    for _ in range(3):
        start = time.process_time()
        marks = [marker.mark(*sheet) for sheet in sheets]
        taken.append(time.process_time() - start)
    assert any(mark.mistakes for own in marks for mark in own)
    assert min(taken) < 2
