"""nbgrader: an assignment for each variant, whose hidden tests compare the answers with the key.

Each answer has a cell in which it is set, and a test with its points; the tests that students get only ask for a number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from symbackprop import rendering
from symbackprop.exporting.answer_keys import answer_key
from symbackprop.exporting.exercises import AskedNumber, Exercise, Fragment, Pool
from symbackprop.homework.classes.roster import file_name
from symbackprop.rendering import exporters, notebook_file
from symbackprop.rendering.pdf_collections import drafted

_TEST = """from decimal import Decimal

given = Decimal(str(float(answers[{id}])))
### BEGIN HIDDEN TESTS
for value, tolerance, said in {wrong}:
    assert abs(given - Decimal(value)) > Decimal(tolerance), said
assert abs(given - Decimal({value})) <= Decimal({tolerance})
### END HIDDEN TESTS
"""


def files(pools: Sequence[Pool], style: str, language: str) -> Mapping[str, bytes]:
    """Return a folder `source` with an assignment for each variant, and in it a notebook for each problem."""
    return {
        f"source/variant-{file_name(exercise.name)}/problem{number}.ipynb": notebook_file.notebook(
            _cells(pool, exercise, language)
        ).encode()
        for number, pool in enumerate(pools, start=1)
        for exercise in pool.exercises
    }


def _cells(pool: Pool, exercise: Exercise, language: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    page = pool.page(exercise, "question", lambda: _question(pool, exercise, language))
    yield "markdown", page.text, _told("statement", locked=True)
    yield "code", "answers = {}\n", _told("answers", locked=True)
    for number, asked in enumerate(exercise.asked, start=1):
        key = f"answers[{_quoted(asked.id)}] = {asked.value:f}"
        yield (
            "code",
            f"# {asked.id}\n### BEGIN SOLUTION\n{key}\n### END SOLUTION\n",
            _told(f"answer-{number}", solution=True),
        )
        yield "code", _test(asked, language), _told(f"test-{number}", locked=True, points=float(asked.points))


def _question(pool: Pool, exercise: Exercise, language: str) -> Fragment:
    row = rendering.formats()["notebook"]
    (draft,) = drafted([pool.question(exercise)], pool.given.derivation, row, language)
    return Fragment(draft.fill(exporters.DOCUMENT))


def _test(asked: AskedNumber, language: str) -> str:
    key = answer_key(asked, language)
    wrong = [[each["value"], each["tolerance"], each["feedback"]] for each in key["wrong"]]
    value, tolerance = _quoted(key["value"]), _quoted(key["tolerance"])
    return _TEST.format(id=_quoted(asked.id), wrong=_quoted(wrong), value=value, tolerance=tolerance)


def _quoted(content: object) -> str:
    """Return texts, and lists of them, as Python writes them."""
    return json.dumps(content, ensure_ascii=False)


def _told(
    name: str, *, locked: bool = False, solution: bool = False, points: float | None = None
) -> dict[str, dict[str, Any]]:
    """Return what nbgrader is told of a cell."""
    role: dict[str, Any] = {"schema_version": 3, "grade_id": name, "task": False}
    role |= {"grade": points is not None, "solution": solution, "locked": locked}
    return {"nbgrader": role if points is None else {**role, "points": points}}
