"""Gradescope: an autograder that marks a table of answers against the key of the student's own variant.

The archive has the program, the key, and what each variant asks, to be handed out. Worked solutions are shown after the due
date.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from symbackprop import language as phrases
from symbackprop import rendering, resources
from symbackprop.csv_tables import write_csv
from symbackprop.document.blocks import Document
from symbackprop.exporting.answer_keys import answer_key
from symbackprop.exporting.exercises import AskedNumber, Exercise, Fragment, Pool
from symbackprop.exporting.packages import archive
from symbackprop.homework.classes.roster import file_name
from symbackprop.messages import message
from symbackprop.rendering import exporters
from symbackprop.rendering.pdf_collections import drafted
from symbackprop.templating import filled

_PROGRAM = "gradescope_grade.jinja"
_SETUP = "#!/usr/bin/env bash\n"
_RUN = "#!/usr/bin/env bash\npython3 /autograder/source/grade.py\n"


def files(pools: Sequence[Pool], style: str, language: str) -> Mapping[str, bytes]:
    """Return the archive of the autograder; the answers of several problems are told apart by the numbers of these."""
    variants: dict[str, dict[str, Any]] = {}
    questions: dict[str, str] = {}
    for number, pool in enumerate(pools, start=1):
        before = "" if len(pools) == 1 else f"{number}:"
        for exercise in pool.exercises:
            own = variants.setdefault(exercise.name, {"asked": [], "solution": ""})
            own["asked"] += [_asked(each, before, language) for each in exercise.asked]
            own["solution"] += _solution(pool, exercise, language)
            questions[f"variants/{file_name(exercise.name)}{before.replace(':', '')}.txt"] = _question(
                pool, exercise, language
            )
    said = {
        "solution": phrases.say(language, message("text.worked_solution")),
        "unknown": phrases.say(language, message("export.unknown_variant")),
    }
    program = filled([resources.folder("templates") / "export"], _PROGRAM)
    key = json.dumps({**said, "variants": variants}, ensure_ascii=False, indent=1)
    package = {"setup.sh": _SETUP, "run_autograder": _RUN, "grade.py": program, "key.json": key}
    return {"": archive({**package, **questions})}


def _asked(asked: AskedNumber, before: str, language: str) -> dict[str, Any]:
    return {"answer": before + asked.id, "points": float(asked.points), **answer_key(asked, language)}


def _question(pool: Pool, exercise: Exercise, language: str) -> str:
    table = write_csv(("student", "answer", "value"), [(exercise.name, asked.id, "") for asked in exercise.asked])
    page = pool.page(exercise, "question", lambda: _written(pool, pool.question(exercise), language))
    return f"{page.text}\n{table}"


def _solution(pool: Pool, exercise: Exercise, language: str) -> str:
    return pool.page(exercise, "solution", lambda: _written(pool, pool.solution(exercise), language)).text


def _written(pool: Pool, document: Document, language: str) -> Fragment:
    (draft,) = drafted([document], pool.given.derivation, rendering.formats()["text"], language)
    return Fragment(str(exporters.written(draft)))
