"""Which numbers a class gets: none that hides a mistake, kinks on purpose, and a message that helps where there are none."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy
import pytest

from symbackprop.by_hand.array_arithmetic import ARRAYS
from symbackprop.by_hand.hand_computation import GRADIENT
from symbackprop.derivation.derivations import derive
from symbackprop.errors import SymbackpropError
from symbackprop.homework.assignments import variants
from symbackprop.homework.assignments.acceptance import Acceptance
from symbackprop.homework.assignments.degenerate import degenerate, positions_worth_drawing
from symbackprop.homework.assignments.inactive import Inactive
from symbackprop.homework.assignments.variants import Cohort, assignment, draw
from symbackprop.language import phrases
from symbackprop.problems import load
from symbackprop.problems.draw_rules import DrawRules
from tests.helpers import each, few, only
from tests.homework.term import TERM, drawn, given

CLASS = 60


def with_fairness(name: str, **settings: object) -> Cohort:
    """Return the variants of a class whose problem says what is fair."""
    content = {**TERM[name], "variants": {**TERM[name]["variants"], **settings}}
    return drawn(assignment(load.problem(content, name=name)), CLASS)


def entries(cohort: Cohort, name: str) -> numpy.ndarray[Any, Any]:
    """Return what was drawn for a quantity, a row for each student."""
    problem = cohort.given.problem
    choices = numpy.array([float(choice.value) for choice in problem.variants[name].choices])
    return choices[cohort.positions[name]]


# Kinks


def inactive(cohort: Cohort) -> numpy.ndarray[Any, Any]:
    """Return how many units are inactive for each student: by the values alone."""
    given_out = cohort.given
    units = Inactive(given_out.computation).asked
    assert len(units) == 3
    return sum((cohort.values[unit.argument] < 0).astype(int) for unit in units)


@pytest.mark.parametrize("name", few(["convolution", "softmax"], 1))
def test_some_units_are_inactive(name: str) -> None:
    """By default every student has an active and an inactive unit, and is asked for its zeros."""
    cohort = with_fairness(name)
    count = inactive(cohort)
    assert ((1 <= count) & (count <= 2)).all()
    asked = [cohort.values[answer.key] == 0 for answer in cohort.given.answers]
    assert (sum(each.astype(int) for each in asked) >= 2 * count).all()


@pytest.mark.parametrize("name", few(["convolution", "softmax"], 1))
def test_who_forgets_relu_is_told(name: str) -> None:
    """Without the kink another value, and another gradient, comes out for every student."""
    cohort = with_fairness(name)
    forgotten = numpy.zeros(CLASS, dtype=bool)
    for unit in Inactive(cohort.given.computation).asked:
        differs = cohort.values[unit.value] != cohort.values[unit.argument]
        back = cohort.values[GRADIENT + unit.argument] != cohort.values[GRADIENT + unit.value]
        forgotten |= differs & back
    assert forgotten.all()


@pytest.mark.parametrize(("wanted", "fits"), [("none", {0}), ("any", {0, 1, 2})])
def test_inactive_units_as_wanted(wanted: str, fits: set[int]) -> None:
    """None, or as it comes; never all of them."""
    assert fits == set(inactive(with_fairness("convolution", inactive=wanted)).tolist())


def test_where_no_unit_can_be_inactive_none_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default asks for what is possible; who asks for it in the file is told that it is not."""
    monkeypatch.setattr(variants, "MOST_TRIES", 64)
    positive = {"k": {"choices": [1, 2, 3]}, "x": {"choices": [1, 2, 3, 4, 5]}}
    assert {0} == set(inactive(with_fairness("convolution", **positive)).tolist())
    with pytest.raises(SymbackpropError, match=r'no unit is inactive.*set inactive = "any" in \[variants\]'):
        with_fairness("convolution", inactive="some", **positive)


def test_a_zero_that_no_kink_owes_is_not_asked() -> None:
    """An asked number is zero only where a unit is inactive in every one of its terms."""
    cohort = with_fairness("softmax")
    owed = Inactive(cohort.given.computation).zeros(cohort.values)
    for answer in each(cohort.given.answers, 20):
        zero = cohort.values[answer.key] == 0
        assert (zero == (numpy.asarray(owed.get(answer.key, False)) & zero)).all(), answer.id
    assert not any(name in owed for name in ("z2_1", "L", GRADIENT + "b2_1"))


# Mistakes that do not show


def shown(name: str, cohort: Cohort) -> Iterator[tuple[str, bool]]:
    """Yield what a class must not have, worked out from what was drawn, one draw at a time."""
    problem = cohort.given.problem
    for quantity in problem.variants:
        drawn_rows = entries(cohort, quantity)
        is_weight = quantity in problem.parameter_shapes()
        shape = problem.arrays[quantity].shape
        for row in drawn_rows.tolist():
            if is_weight:
                yield f"{quantity}: a zero", 0.0 in row
                if not problem.layers and len(row) > 1:
                    yield f"{quantity}: symmetric", row == row[::-1]
            elif quantity == "x" and problem.samples is None:
                yield "equal inputs", len(row) == 2 and row[0] == row[1]
            elif quantity == "x":
                samples = [tuple(row[start : start + shape[-1]]) for start in range(0, len(row), shape[-1])]
                yield "equal samples", len(set(samples)) < len(samples)
                yield "equal inputs", any(len(set(sample)) == 1 for sample in samples)
            elif len(row) > 1:
                yield "equal targets", len(set(row)) == 1


@pytest.mark.parametrize("name", only(TERM, "logistic", "neuron", "gates"))
def test_no_draw_hides_a_mistake(name: str) -> None:
    """No zero weight, equal inputs, samples or targets, symmetric kernel; and no units that are the same."""
    cohort = drawn(given(name), CLASS)
    for what, is_there in each(shown(name, cohort), CLASS):
        assert not is_there, what
    for group in (("z1_1", "z1_2"), ("z1_1", "z1_3"), ("z2_1", "z2_2"), ("c_1", "c_2"), ("c_2", "c_3"), ("z_1", "z_2")):
        if all(key in cohort.values for key in group):
            assert (cohort.values[group[0]] != cohort.values[group[1]]).all()


def test_mistakes_may_hide_where_the_file_says_so() -> None:
    """`distinguish = false` draws what there is."""
    loose = with_fairness("convolution", distinguish=False)
    assert (entries(loose, "k") == 0).any()
    assert any(row == row[::-1] for row in entries(loose, "k").tolist())


@pytest.mark.parametrize("name", sorted(TERM))
def test_numbers_are_judged_one_draw_at_a_time(name: str) -> None:
    """What is said of many draws at once is what is said of each alone."""
    ready = given(name)
    generator = numpy.random.default_rng(5)
    problem = ready.problem
    numbers = {
        key: numpy.array([float(c.value) for c in d.choices])[generator.integers(len(d.choices), size=(40, d.size))]
        for key, d in problem.variants.items()
    }
    together = list(degenerate(ready.derivation, numbers))
    for place in range(40):
        alone = list(degenerate(ready.derivation, {key: rows[place : place + 1] for key, rows in numbers.items()}))
        assert [(reason, key) for reason, key, _ in together] == [(reason, key) for reason, key, _ in alone]
        for (_, _, many), (_, _, one) in zip(together, alone, strict=True):
            assert bool(many[place]) == bool(one[0])


def test_a_weight_that_can_only_be_zero_is() -> None:
    """Zero is left out of the numbers to draw from, unless there is no other."""
    for choices, expected in (([0, 1, 2], [1, 2]), ([0], [0])):
        content = {**TERM["convolution"], "variants": {"k": {"choices": choices}}}
        assert expected == positions_worth_drawing(derive(load.problem(content, name="c")), "k").tolist()


# No fair draw


def test_a_message_names_answer_reason_and_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Zero inputs make every gradient of the weights zero: that is said, of which answers, and what to change."""
    monkeypatch.setattr(variants, "MOST_TRIES", 64)
    content = {**TERM["sigmoids"], "variants": {**TERM["sigmoids"]["variants"], "x": {"choices": [0]}}}
    ready = assignment(load.problem(content, name="zero"))
    with pytest.raises(SymbackpropError) as failure:
        draw(ready, ["s1"], 1, {"s1": 1})
    text = str(failure.value)
    assert "no fair numbers were found for s1 in 64 draws" in text
    assert "dL_dW1_1_1, dL_dW1_1_2, dL_dW1_2_1: an asked number is zero" in text
    assert "take it out of ask of [homework]" in text


def reasons() -> set[str]:
    """Return every reason that the judges of the nine can give, and of those that say which units are inactive."""
    found: set[str] = set()
    for name, inactive in itertools.product(TERM, ("some", "none", "any")):
        ready = given(name)
        acceptance = Acceptance(ready.computation, ready.answers, ready.homework, ARRAYS, inactive)
        cohort = drawn(ready, 2)
        found |= {reason for reason, _ in acceptance.judge(cohort.values)}
        numbers = {key: entries(cohort, key) for key in ready.problem.variants}
        found |= {reason for reason, _, _ in degenerate(ready.derivation, numbers)}
    return found


@pytest.mark.sweep
def test_every_reason_has_its_words_and_its_remedy() -> None:
    """In both languages; and no words are left over."""
    expected = reasons() | {"learning_rate", "mistake", "alike"}
    for language in ("en", "zh"):
        said: Mapping[str, str] = phrases(language)
        for table in ("unfair", "advice"):
            assert expected == {id.partition(".")[2] for id in said if id.startswith(f"{table}.")}


def test_fairness_is_part_of_what_a_homework_is() -> None:
    """A file that says more about its draws is another homework; one that says nothing is what it was."""
    digests = {
        with_fairness("convolution", **settings).given.digest
        for settings in ({}, {"distinguish": False}, {"inactive": "any"}, {"inactive": "some"})
    }
    assert 4 == len(digests)
    assert DrawRules() == given("convolution").problem.draw_rules
    assert assignment(load.example("homework")).problem.draw_rules == DrawRules(inactive="", distinguish=True)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"inactive": "maybe"}, r"variants.inactive: unknown value|variants.inactive: .*maybe"),
        ({"distinguish": "yes"}, "variants.distinguish: expected true or false"),
        ({"k": {"low": 1}}, 'variants.k: the key "high" is missing'),
    ],
)
def test_mistakes_in_the_table(settings: dict[str, object], expected: str) -> None:
    """One message that names the key."""
    with pytest.raises(SymbackpropError, match=expected):
        with_fairness("convolution", **settings)
