"""Feedback that a student understands: the line of the key at a step, with numbers of their own in it; and item analysis."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from symbackprop.by_hand.hand_computation import LINE, PATH, evaluation
from symbackprop.document.display_nodes import Shown
from symbackprop.evaluation.arithmetics import FLOAT
from symbackprop.homework.marks.marking import Mark, Marker, MarkVerdict
from symbackprop.homework.reporting import item_analysis
from symbackprop.homework.reporting.worked_steps import own_numbers, worked_step
from tests.helpers import each
from tests.homework import term


@pytest.mark.parametrize("name", sorted(term.TERM))
def test_a_worked_step_ends_with_what_follows(name: str) -> None:
    """For every answer of a homework, from numbers that are not the key's."""
    ready, chance = term.given(name), random.Random(2)
    values, _ = term.of(term.drawn(ready, 2), 1)
    own = {answer.key: round(values[answer.key] * chance.uniform(0.9, 1.1), 4) for answer in ready.answers}
    shown = 0
    for answer in each(ready.answers):
        numbers = {**values, **{key: number for key, number in own.items() if key != answer.key}}
        step = worked_step(ready, answer.key, numbers)
        if step is None:
            continue
        shown += 1
        (chain,) = step.chains
        last = chain.steps[-1].formula
        equations = ready.computation.cone([answer.key], frozenset(numbers) - {answer.key} - _inside(ready, answer.key))
        expected = evaluation(equations, FLOAT).forward(numbers, ()).shared[answer.key]
        assert isinstance(last, Shown)
        assert float(last.value) == pytest.approx(expected, rel=6e-4, abs=1e-12)
    assert shown > len(ready.answers) / 2


def _inside(ready: term.HomeworkAssignment, key: str) -> frozenset[str]:
    """Return the products and lines on the way to an answer, which its formula has written out."""
    return frozenset(name for name in ready.computation.by_key if {PATH, LINE} & set(name) and name != key)


def test_only_numbers_are_own_numbers() -> None:
    """Nothing is taken from formulas, blanks and what cannot be read."""
    ready = term.given("sigmoids")
    texts = dict(zip((answer.id for answer in ready.answers), ("1/2", "x_1", "", "((", "-0,5"), strict=False))
    values, allowed = term.of(term.drawn(ready, 1), 0)
    found = own_numbers(Marker(ready).mark(values, allowed, texts), {})
    keys = [answer.key for answer in ready.answers]
    assert {keys[0]: 0.5, keys[4]: -0.5} == found


def marks(*shares: tuple[int, ...]) -> dict[str, list[Mark]]:
    """Return the marks of a class, out of 1 each."""
    answers = term.given("sigmoids").answers
    return {
        str(student): [
            Mark(answers[place], "", MarkVerdict.WRONG, Fraction(share), Fraction(1)) for place, share in enumerate(own)
        ]
        for student, own in enumerate(shares)
    }


def test_item_statistics() -> None:
    """The hardest answer, one that tells apart, one that is at fault, and one that everybody has right."""
    found = list(item_analysis.item_statistics(marks((1, 1, 0, 1), (1, 1, 0, 1), (0, 0, 1, 1), (0, 0, 1, 1))).values())
    assert [0.5, 0.5, 0.5, 1.0] == [each.difficulty for each in found]
    first, second, fault, alike = (each.discrimination for each in found)
    assert alike is None
    assert first == second
    assert fault == pytest.approx(-1)
    assert not item_analysis.item_statistics({})
    assert item_analysis.item_statistics(marks((1, 0)))[term.given("sigmoids").answers[0].id].discrimination is None


def test_distribution_counts_everybody() -> None:
    """Also where an override has given more than all."""
    totals = [Fraction(n, 3) for n in range(40)]
    found = item_analysis.distribution(totals, Fraction(10))
    assert len(totals) == sum(count for _, _, count in found)
    assert (Fraction(0), Fraction(10)) == (found[0][0], found[-1][1])
