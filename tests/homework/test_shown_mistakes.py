"""No mistake passes for right on any sheet, as far as the problem can show it; what it cannot is said beforehand."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from pathlib import Path

import numpy
import pytest

import symbackprop as sbp
from symbackprop.errors import ProblemError
from symbackprop.homework.assignments.degenerate import ENOUGH, hides, positions_worth_drawing
from symbackprop.homework.assignments.digests import digest_of
from symbackprop.homework.assignments.draw_counts import DrawCounts, no_fair_draw
from symbackprop.homework.assignments.draw_streams import DrawStream
from symbackprop.homework.assignments.shown_mistakes import MEDIAN_TRIES, ShownMistakes, share_left
from symbackprop.homework.assignments.variants import HomeworkAssignment, assignment, draw
from symbackprop.homework.classes.roster import numbered
from symbackprop.homework.handouts.enrolment import prepare
from symbackprop.homework.marks.marking import Marker, MarkVerdict
from symbackprop.language import phrases
from symbackprop.mistakes.consequences import Consequences
from symbackprop.problems import load
from tests.helpers import each, few
from tests.homework import term

SMOOTH = ("sigmoids", "recurrent", "gates", "momentum", "adam", "homework")
"""Problems in which draws are fair often enough for all that their mistakes ask."""


@functools.cache
def ready(name: str) -> HomeworkAssignment:
    """Return a homework of the term, or the bundled example."""
    return assignment(load.example("homework")) if name == "homework" else term.given(name)


def judge_of(given: HomeworkAssignment) -> ShownMistakes:
    """Return what draws of a homework are to show."""
    return given.judges[1]


@pytest.mark.parametrize("name", few([*SMOOTH, "convolution"], 2))
def test_no_mistake_passes_for_right(name: str) -> None:
    """Who makes a mistake wherever it can be made loses points on every sheet: by the marking itself, number by number."""
    given = ready(name)
    shown, cohort = judge_of(given), term.drawn(given, 3)
    marker, consequences = Marker(given), Consequences(given.computation)
    whole = [shown.changes[place] for place in shown.demanded_everywhere]
    assert len(whole) >= 3
    for place, change in each(itertools.product(range(3), whole), 9):
        values, tolerances = term.of(cohort, place)
        wrong = {**values, **consequences.under(change, values)}
        typed = {
            answer.id: repr(float(wrong[answer.key])) for answer in given.answers if math.isfinite(wrong[answer.key])
        }
        marks = marker.mark(values, tolerances, typed)
        assert any(mark.verdict is not MarkVerdict.CORRECT for mark in marks), (place, change.mistake.name)


@pytest.mark.parametrize("name", [*SMOOTH, "logistic", "convolution"])
def test_half_the_students_need_few_draws(name: str) -> None:
    """So many are fair that the median of the draws tried is at most three."""
    given = ready(name)
    cohort = term.drawn(given, 120)
    assert 120 / cohort.tries >= 0.8 * share_left(1)
    assert math.isclose(1 - (1 - share_left(1)) ** MEDIAN_TRIES, 0.5)


def test_streams_are_the_same_however_they_are_taken() -> None:
    """Without draws that hide mistakes, too: a student has the same numbers alone and in a class."""
    given = term.given("logistic")
    assert given.draws_apart and not ready("homework").draws_apart

    def hides_ones(drawn: numpy.ndarray) -> numpy.ndarray:
        return (drawn == 1).any(axis=1)

    streams = [DrawStream(["a", 1], numpy.arange(4), 3, hides_ones) for _ in range(3)]
    whole = streams[0].take(300)
    parts = [
        numpy.concatenate([stream.take(size) for size in sizes])
        for stream, sizes in zip(streams[1:], ((1, 299), (150, 7, 143)), strict=True)
    ]
    assert all((whole == part).all() for part in each(parts, 2))
    assert not (whole == 1).any() and (abs(numpy.bincount(whole.ravel())[[0, 2, 3]] - 300) < 100).all()
    assert (DrawStream(["b"], numpy.array([1]), 2, hides_ones).take(5) == 1).all()
    ids = [f"s{number}" for number in range(40)]
    alone, together = (draw(given, those, 5, dict.fromkeys(those, 1)) for those in (ids[17:18], ids))
    for name, positions in each(alone.positions.items(), 3):
        assert (positions[0] == together.positions[name][17]).all()
        assert not hides(
            given.derivation,
            name,
            numpy.array([[float(c.value) for c in given.problem.variants[name].choices]])[0][together.positions[name]],
        ).any()


def test_every_mistake_of_the_example_shows() -> None:
    """Of the bundled homework nothing is left out: each mistake at each place is told, and any two apart."""
    shown = judge_of(ready("homework"))
    assert len(shown.changes) > 200
    assert not list(shown.unshown.remarks())
    cohort = term.drawn(ready("homework"), 20)
    for reason, name, which in each(shown.against(cohort.values), 900):
        assert not which.any(), (reason, name)


def test_two_mistakes_stay_apart_by_more_than_a_tolerance() -> None:
    """Of the pairs that are to stay apart some answer tells, computed for each student alone."""
    given = ready("sigmoids")
    shown, cohort = judge_of(given), term.drawn(given, 3)
    consequences = Consequences(given.computation)
    assert len(shown.apart) > 600
    for place in each(range(3)):
        values, tolerances = term.of(cohort, place)
        made = {
            one: {**values, **consequences.under(shown.changes[one], values)}
            for one in set(itertools.chain.from_iterable(shown.apart))
        }
        for one, other in shown.apart:
            assert any(
                abs(made[one][answer.key] - made[other][answer.key]) > tolerances[answer.id] for answer in given.answers
            )


def test_what_cannot_be_told_is_said_before_anything_is_written(tmp_path: Path) -> None:
    """A first step of momentum has no velocity: whoever forgets it is right, and the teacher is told so, in words."""
    source = load.Source(dict(term.TERM["momentum"]), tmp_path / "momentum.toml")
    course = prepare([source], numbered(3), tmp_path / "class", seed=1, formats=["markdown"], language="en")
    remarks = {remark.id: remark for remark in course.remarks}
    said = [one.arguments["id"] for one in remarks["homework.never_shown"].arguments["mistakes"]]
    assert "no_momentum" in said
    assert not (tmp_path / "class").exists()
    assert "no_momentum" in judge_of(ready("momentum")).unshown.never
    for code in each(("en", "zh")):
        assert all(id in phrases(code) for id in remarks)


@pytest.mark.parametrize("name", ["logistic", "momentum"])
def test_what_is_told_in_some_form_is_not_said_to_be_told_nowhere(name: str) -> None:
    """The sign of one term may show nowhere, and that of another on every sheet."""
    shown = judge_of(ready(name))
    demanded = {shown.changes[place].mistake.name for place in shown.demanded_everywhere}
    assert demanded
    assert set() == {*shown.unshown.never} & (demanded | {*shown.unshown.sometimes})
    assert shown.unshown.never or shown.unshown.sometimes


def test_nothing_is_demanded_where_the_file_says_so() -> None:
    """`distinguish = false` looks for no mistake."""
    content = {**term.TERM["sigmoids"], "variants": {**term.TERM["sigmoids"]["variants"], "distinguish": False}}
    given = assignment(sbp.problem(content))
    shown = judge_of(given)
    assert not shown.demands_something
    assert not list(shown.against(term.drawn(given, 2).values))


def test_no_factor_is_one_where_others_are_left() -> None:
    """Nothing tells who forgets a factor 1: inputs and weights are others, if enough choices are left."""
    variants_of = {"x": {"choices": [1, 2, 3, 4, 5]}, "W1": {"choices": [1, 2, 3, 4]}, "W2": {"choices": [0, 1, 2]}}
    derivation = assignment(sbp.problem({**term.TERM["sigmoids"], "variants": variants_of})).derivation
    left = {
        name: [
            float(derivation.problem.variants[name].choices[place].value)
            for place in positions_worth_drawing(derivation, name)
        ]
        for name in variants_of
    }
    assert left == {"x": [2, 3, 4, 5], "W1": [1, 2, 3, 4], "W2": [1, 2]}
    assert len(left["x"]) == ENOUGH


def test_draws_are_the_same_one_by_one() -> None:
    """Who is drawn for alone has the numbers that they have in the class."""
    given = ready("homework")
    together = draw(given, ["a", "b", "c"], 1, dict.fromkeys("abc", 1))
    for place, id in each(enumerate("abc")):
        alone = draw(given, [id], 1, {id: 1})
        assert all(
            numpy.array_equal(together.positions[name][place], alone.positions[name][0]) for name in alone.positions
        )


def test_counts_name_the_mistakes_that_pass() -> None:
    """A message that no draw is fair says of which mistakes, by their ids; what was not looked at does not count."""
    counts = DrawCounts()
    which = numpy.array([True, True, False])
    counts.add({("mistake", "updated_weights"): which, ("alike", "no_bias"): ~which}, numpy.array([True, True, False]))
    assert (counts.tries, dict(+counts.reasons)) == (2, {"mistake": 2})
    with pytest.raises(ProblemError, match=r"updated_weights: no answer tells a mistake .*ask for more digits"):
        raise no_fair_draw("s1", counts)


def test_digest_is_of_what_changes_numbers() -> None:
    """Points are none of it, what is asked is."""
    given = ready("homework")
    others = [dataclasses.replace(given.homework, **change) for change in ({"total": None}, {"ask": ("z1",)})]
    same, other = (digest_of(given.problem, each_one) for each_one in others)
    assert given.digest == same != other
