"""What spoke against draws is counted by reason and by what is to blame, and said with the most frequent first."""

from __future__ import annotations

import numpy as np

from symbackprop.homework.assignments import digests, draw_counts
from symbackprop.problems import load
from tests.helpers import each


def test_reasons_are_counted_where_they_were_looked_at() -> None:
    """A draw with two causes of one reason counts once for the reason; those not looked at count for nothing."""
    counts = draw_counts.DrawCounts()
    against = {
        ("zero", "z1_1"): np.array([True, True, False, True]),
        ("zero", "z1_2"): np.array([True, False, False, True]),
        ("dull", "a1_1"): np.array([False, True, False, True]),
    }
    counts.add(against, np.array([True, True, True, False]))
    assert 3 == counts.tries
    assert {"zero": 2, "dull": 1} == dict(counts.reasons)
    assert {("zero", "z1_1"): 2, ("zero", "z1_2"): 1, ("dull", "a1_1"): 1} == dict(counts.blamed)
    said = str(draw_counts.no_fair_draw("anna", counts))
    assert "anna" in said and "3" in said and said.index("z1_1") < said.index("z1_2") < said.index("a1_1")


def test_digest_changes_with_numbers_alone() -> None:
    """Another title or letter is the same homework; another precision, question or setting is another one."""

    def digest(*changes: tuple[str, object]) -> str:
        problem = load.find_source("homework", changes).problem()
        assert problem.homework is not None
        return digests.digest_of(problem, problem.homework)

    plain = digest()
    assert plain == digest(("title", "Another")) == digest(("notation.symbols", {"loss": "J"}))
    changes = [
        ("homework.significant", 3),
        ("homework.ask", ["L", "gradients", "updated"]),
        ("training.weight_decay", 0.5),
    ]
    found = [digest(change) for change in each(changes)]
    assert len({plain, *found}) == 4
