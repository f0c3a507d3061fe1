"""Marking in a term: rows that compute nothing, formulas, digits, repeated slips, points that add up."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import given as drawn_from
from hypothesis import settings
from hypothesis import strategies as st

from symbackprop.arithmetic.decimals import trimmed
from symbackprop.by_hand.hand_computation import GRADIENT, NEW
from symbackprop.homework.assignments.points import UNIT, apportioned, earned
from symbackprop.homework.assignments.variants import HomeworkAssignment, assignment
from symbackprop.homework.marks import follow_through, formula_answers, recognition
from symbackprop.homework.marks.formula_answers import Probes, drawn_keys
from symbackprop.homework.marks.marking import Mark, Marker, MarkVerdict
from symbackprop.problems import answer_rules, load
from tests.helpers import each, few, many, only
from tests.homework import term

CLASS = 40
DISCRETE = ("gates", "neuron", "convolution", "momentum", "adam")
"""Homeworks of small whole numbers: the right answer of many sheets may be the same number."""
BY_CHANCE = {"gates": 0.12, "adam": 0.1}
"""The share of the points that a constant may earn by chance, where it is more than 5 %."""


def share(marker: Marker, marks: list[Mark], *verdicts: MarkVerdict) -> float:
    """Return the share of the points that is earned, by some verdicts only if they are named."""
    points = sum((mark.points for mark in marks if not verdicts or mark.verdict in verdicts), Fraction(0))
    return float(points / marker.assignment.total)


def constant_rows(ready: HomeworkAssignment) -> dict[str, dict[str, str]]:
    """Return rows that are the same for everybody: without any computation, or one sheet's computation."""

    def row(value: str, error: str, new: str = "") -> dict[str, str]:
        kinds = {GRADIENT: error, NEW: new or error}
        return {
            a.id: {**kinds, "a": "0.5"}.get(a.key[0], value) if new else kinds.get(a.key[0], value)
            for a in ready.answers
        }

    rows = {value: row(value, value) for value in ("0", "0.5", "1", "-2", "1e-9")}
    rows |= {f"{value} {error}": row(value, error) for value in ("0.001", "50") for error in ("1e-9", "1e-18", "0")}
    names = {a.id: a.key[1:] if a.key[0] == NEW else "1e-9" for a in ready.answers}
    return {**rows, "names": names, "halves": row("0.0001", "1e-9", "0.1")}


@pytest.mark.parametrize("name", only(term.TERM, "gates", "neuron"))
def test_row_that_computes_nothing_earns_nothing(name: str) -> None:
    """At most 5 % of the points; where few numbers are drawn, chance meets some keys, and little may follow from that."""
    ready = term.given(name)
    marker, cohort = Marker(ready), term.drawn(ready, CLASS)
    for label, row in each(constant_rows(ready).items()):
        marked = [marker.mark(*term.of(cohort, place), row) for place in range(CLASS)]
        total, followed = (
            sum(share(marker, marks, *verdicts) for marks in marked) / CLASS
            for verdicts in ((), (MarkVerdict.FOLLOW_THROUGH, MarkVerdict.REPEATED))
        )
        assert total <= BY_CHANCE.get(name, 0.05), label
        assert followed <= (0.08 if name in DISCRETE else 0.02), label


@pytest.mark.parametrize("name", few(term.TERM, 1))
def test_guard_costs_honest_students_nothing(name: str) -> None:
    """Of what follows from an honest slip, less than 1 % is refused."""
    ready, chance = term.given(name), random.Random(3)
    marker, cohort = Marker(ready), term.drawn(ready, 20)
    followed = lost = 0
    for place in range(20):
        values, allowed = term.of(cohort, place)
        for slip in term.SLIPS.values():
            key = chance.choice(ready.answers).key
            numbers = term.worked(ready, values, {key: slip}, chance)
            bounds = marker.questions[key].bounds
            if not all(map(math.isfinite, numbers.values())) or (
                bounds is not None and not bounds[0] < numbers[key] < bounds[1]
            ):
                continue
            marks = marker.mark(values, allowed, {a.id: repr(numbers[a.key]) for a in ready.answers})
            later = [mark for mark in marks if mark.answer.key != key and mark.verdict is not MarkVerdict.CORRECT]
            followed += len(later)
            lost += sum(1 for mark in later if mark.verdict is not MarkVerdict.FOLLOW_THROUGH)
    assert followed > 50
    assert lost < 0.01 * followed


def marked(ready: HomeworkAssignment, texts: Mapping[str, str], factor: float = 1.0) -> dict[str, Mark]:
    """Return the marks of the first student, who typed the key but for some texts, by id."""
    values, allowed = term.of(term.drawn(ready, 1), 0)
    key = {answer.id: repr(values[answer.key]) for answer in ready.answers}
    return {m.answer.id: m for m in Marker(ready, factor).mark(values, allowed, {**key, **texts})}


def numbers(ready: HomeworkAssignment) -> dict[str, float]:
    """Return the first student's numbers by key."""
    return term.of(term.drawn(ready, 1), 0)[0]


def test_a_zero_argument_is_computed_with() -> None:
    """sigmoid(0) is 0.5: z = 0 is a mistake like any other, and only a factor 0 leaves nothing to compute."""
    ready = term.given("sigmoids")
    found = numbers(ready)
    delta = found[GRADIENT + "z2_1"] * found["W2_1_2"] / 4
    marks = marked(ready, {"z1_2": "0", "a1_2": "0.5", "dL_dz1_2": repr(delta)})
    assert marks["z1_2"].verdict is MarkVerdict.WRONG
    assert marks["a1_2"].verdict is MarkVerdict.FOLLOW_THROUGH
    assert marks["dL_dz1_2"].verdict is MarkVerdict.FOLLOW_THROUGH
    nothing = marked(ready, {"dL_dz1_2": "0", "dL_dW1_2_1": "0"})["dL_dW1_2_1"]
    assert nothing.said is not None and nothing.said.id == "mark.trivial_zero"


@pytest.mark.parametrize(
    ("delta", "said"),
    [(1e-12, "mark.impossible_size"), (1e9, "mark.impossible_size"), (0.0, "mark.trivial_zero")],
)
def test_nothing_follows_from_a_factor_of_impossible_size(delta: float, said: str) -> None:
    """1e-9 is no gradient."""
    ready = term.given("sigmoids")
    gradient = repr(delta * numbers(ready)["x_1"])
    mark = marked(ready, {"dL_dz1_1": repr(delta), "dL_dW1_1_1": gradient})["dL_dW1_1_1"]
    assert mark.verdict is MarkVerdict.WRONG
    assert mark.said is not None and mark.said.id == said


@pytest.mark.parametrize("kind", [answer_rules.NUMBERS, answer_rules.FORMULAS, answer_rules.BOTH])
def test_formulas_count_where_they_are_asked_for(kind: str) -> None:
    """A row of formulas, the same for everybody, earns nothing where numbers are asked, and all where formulas are."""
    table = {**term.TERM["sigmoids"], "homework": {"ask": ["z2", "deltas", "updated"], "answers": kind}}
    ready = assignment(load.problem(table, name="sigmoids"))
    texts = {"z2_1": "W2_1_1*a1_1 + W2_1_2*a1_2 + b2_1", "dL_dz2_1": "(a2_1 - y_1)*a2_1*(1 - a2_1)"}
    texts |= {"dL_dz1_1": "dL_dz2_1*W2_1_1*a1_1*(1 - a1_1)", "new_W2_1_1": "W2_1_1 - learning_rate*dL_dW2_1_1"}
    marks = marked(ready, texts)
    for id in each(texts):
        assert (marks[id].verdict is MarkVerdict.CORRECT) == (kind != "numbers"), id
        told = marks[id].said
        assert (told is not None and told.id == "mark.number_asked") == (kind == "numbers")
    typed = marks["new_W2_1_2"]
    assert (typed.verdict is MarkVerdict.CORRECT) == (kind != "formulas")


def test_formulas_are_marked_at_numbers_of_their_own() -> None:
    """A number of the sheet in a formula is none of the formula's; what every sheet has may stand in it as a number."""
    table = {
        **term.TERM["sigmoids"],
        "homework": {"ask": ["z2", "deltas", "updated"], "answers": {"deltas": "formulas"}},
    }
    ready = assignment(load.problem(table, name="sigmoids"))
    weight = repr(numbers(ready)["W2_1_1"])
    cases = {
        "(a2_1 - 1)*a2_1*(1 - a2_1)": MarkVerdict.CORRECT,  # the target is 1 on every sheet
        "(a2_1 - y_1)*(a2_1 - a2_1**2)": MarkVerdict.CORRECT,
        "(a2_1 - y_1)*a2_1": MarkVerdict.WRONG,
        f"(a2_1 - y_1)*a2_1*(1 - a2_1)*W2_1_1/({weight})": MarkVerdict.WRONG,
    }
    for text, verdict in each(cases.items()):
        assert marked(ready, {"dL_dz2_1": text})["dL_dz2_1"].verdict is verdict, text
    softmax = assignment(load.problem({**term.TERM["softmax"], "homework": {"answers": "both"}}, name="softmax"))
    assert Probes(softmax).agree(formula_answers_of("a2_1 - y_1"), GRADIENT + "z2_1")


def formula_answers_of(text: str) -> formula_answers.Node:
    """Return a formula over the keys that it names."""
    from symbackprop.algebra import expressions

    return expressions.parse(text, functions={}, names=("a2_1", "y_1"))


def test_a_formula_takes_less_than_ten_milliseconds() -> None:
    """At numbers that are computed once for the whole class."""
    ready = term.given("sigmoids")
    probes, formula = Probes(ready), formula_answers_of("(a2_1 - y_1)*a2_1*(1 - a2_1)")
    assert probes.agree(formula, GRADIENT + "z2_1")
    start = time.process_time()
    for _ in range(20):
        probes.agree(formula, GRADIENT + "z2_1")
    assert (time.process_time() - start) / 20 < 0.01


def test_nothing_is_drawn_that_is_not_drawn() -> None:
    """Keys of what differs from sheet to sheet."""
    assert {"x_1", "y_1", "W1_1_1"} == drawn_keys(term.given("adam"))
    assert follow_through.LARGEST_RATIO > 1 and recognition.SHARPEST < 1


def test_too_few_digits_are_a_verdict_of_their_own() -> None:
    """Three digits for four, rounded or cut off, earn a share; two units beside it do not; a factor makes them right."""
    ready = term.given("sigmoids")
    key = numbers(ready)["a2_1"]
    for three in (f"{key:.2f}", f"{math.floor(100 * key) / 100:.2f}"):
        mark = marked(ready, {"a2_1": three})["a2_1"]
        assert mark.verdict is MarkVerdict.ROUNDED
        assert mark.points == earned(mark.most, Fraction(1, 2))
        assert marked(ready, {"a2_1": three}, 100.0)["a2_1"].verdict is MarkVerdict.CORRECT
    assert marked(ready, {"a2_1": repr(key * 1.05)})["a2_1"].verdict is MarkVerdict.WRONG


def test_a_forgotten_learning_rate_costs_once() -> None:
    """Nine updates without it: the first is wrong and named, eight earn the share of a repeated mistake."""
    ready = term.given("sigmoids")
    found = numbers(ready)
    updated = [a for a in ready.answers if a.key[0] == NEW and a.key != NEW + "L"]
    texts = {a.id: repr(found[a.key[1:]] - found[GRADIENT + a.key[1:]]) for a in updated}
    marks = marked(ready, texts)
    verdicts = [marks[a.id].verdict for a in updated]
    assert [MarkVerdict.WRONG] + [MarkVerdict.REPEATED] * 8 == verdicts
    said = marks[updated[0].id].said
    assert said is not None and str(said.arguments["mistake"].arguments["mistake"].id) == "slip.no_learning_rate"  # type: ignore[union-attr]
    assert marks[updated[1].id].points == earned(marks[updated[1].id].most, Fraction(3, 4))


@pytest.mark.parametrize(("factor", "name"), [(-1, "wrong_sign"), (2, "doubled_factor_two"), (0.5, "lost_factor_two")])
def test_factors_have_names(factor: float, name: str) -> None:
    """A sign or a factor 2 in one delta is called so."""
    ready = term.given("sigmoids")
    mark = marked(ready, {"dL_dz1_1": repr(factor * numbers(ready)[GRADIENT + "z1_1"])})["dL_dz1_1"]
    assert mark.said is not None and mark.said.id == "mark.slip"
    assert mark.mistake is not None and mark.mistake.id == name


@settings(max_examples=many(200), deadline=None, derandomize=True)
@drawn_from(
    st.lists(st.fractions(Fraction(1, 10), 9, max_denominator=30), min_size=1, max_size=60), st.integers(1, 200)
)
def test_points_add_up_as_they_are_printed(weights: list[Fraction], total: int) -> None:
    """The decimals on the page have the total as their sum, and no share is off by a whole unit."""
    found = apportioned({str(n): weight for n, weight in enumerate(weights)}, Fraction(total))
    assert Fraction(total) == sum(Fraction(trimmed(points)) for points in found.values())
    for n, weight in enumerate(weights):
        assert abs(found[str(n)] - weight * total / sum(weights)) < UNIT


def test_what_is_asked_is_no_answer_to_itself() -> None:
    """Its own name is called that, not an unknown one."""
    mark = marked(term.given("sigmoids"), {"z1_1": "z1_1"})["z1_1"]
    assert mark.verdict is MarkVerdict.UNREADABLE
    assert mark.said is not None and mark.said.id == "mark.itself"
