"""PrairieLearn: questions whose variants are rows of a table; the seed of a student's copy chooses one of them.

A question is a page, a program that chooses and marks, and the table. A blank would be taken for 0, and an end of an
interval is compared in binary, so the program marks what was typed. Options are marked by PrairieLearn itself.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from symbackprop import resources
from symbackprop.exporting.answer_keys import answer_key
from symbackprop.exporting.exercises import Exercise, Pool, titles, whole_weights
from symbackprop.exporting.fragments import FragmentWriter
from symbackprop.homework.assignments.options import Option
from symbackprop.homework.classes.roster import file_name
from symbackprop.templating import filled

_TOPIC, _DIGITS = "Backpropagation", 12
_DOLLARS = str.maketrans({"$": "＄"})
"""A dollar sign of a text: a formula begins with one."""


def files(pools: Sequence[Pool], style: str, language: str) -> Mapping[str, bytes]:
    """Return a folder `questions` with a question for each problem, or for each number of each."""
    found: dict[str, bytes] = {}
    for pool, title in zip(pools, titles(pools, language), strict=True):
        writer, is_chosen = FragmentWriter(pool, language, "mathjax"), style == "choices"
        for name, positions in _parts(pool, style):
            weights = whole_weights([pool.exercises[0].asked[position].weight for position in positions])
            table = [_variant(pool, writer, each, positions, weights, name) for each in pool.exercises]
            content = json.dumps(table, ensure_ascii=False, indent=1).encode()
            digest = hashlib.sha256(content).hexdigest()
            folder = f"questions/backprop-{digest[:_DIGITS]}" + (f"-{file_name(name)}" if name else "")
            found |= {
                f"{folder}/info.json": _info(f"{title} {name}".strip(), digest),
                f"{folder}/question.html": _page(weights, is_chosen=is_chosen),
                f"{folder}/server.py": _filled("prairielearn_server.jinja", is_chosen=is_chosen),
                f"{folder}/variants.json": content,
            }
    return found


def _parts(pool: Pool, style: str) -> Iterator[tuple[str, Sequence[int]]]:
    """Yield the questions of a pool: the answer that is asked alone, "" for all of them, and the places of the numbers."""
    if style == "sheet":
        yield "", range(len(pool.given.answers))
    else:
        yield from ((answer.id, (place,)) for place, answer in enumerate(pool.given.answers))


def _info(title: str, digest: str) -> bytes:
    own = uuid.uuid5(uuid.NAMESPACE_OID, digest)
    return json.dumps({"uuid": str(own), "title": title, "topic": _TOPIC, "type": "v3"}, ensure_ascii=False).encode()


def _page(weights: Sequence[int], *, is_chosen: bool) -> bytes:
    asked = [(_name(place), weight) for place, weight in enumerate(weights)]
    return _filled("prairielearn_question.jinja", asked=asked, is_chosen=is_chosen)


def _filled(name: str, **content: Any) -> bytes:
    return filled([resources.folder("templates") / "export"], name, **content).encode()


def _name(place: int) -> str:
    """Return the name of an answer in a question."""
    return f"answer{place + 1}"


def _variant(
    pool: Pool,
    writer: FragmentWriter,
    exercise: Exercise,
    positions: Sequence[int],
    weights: Sequence[int],
    alone: str,
) -> dict[str, Any]:
    """Return a row of the table: what the page says, and how each number is marked."""
    asked = {_name(place): exercise.asked[position] for place, position in enumerate(positions)}
    solution = writer.solution(exercise, exercise.asked[positions[0]] if alone else None)
    return {
        "variant": exercise.name,
        "page": writer.question(exercise).text.translate(_DOLLARS),
        "solution": solution.text.translate(_DOLLARS),
        "ids": {name: each.id for name, each in asked.items()},
        "symbols": {name: writer.symbol(each) for name, each in asked.items()},
        "options": {name: [_option(option, writer) for option in each.options] for name, each in asked.items()},
        "tolerances": {name: f"{each.tolerance:f}" for name, each in asked.items()},
        "asked": [
            {"name": name, "weight": weight, **answer_key(each, writer.language)}
            for (name, each), weight in zip(asked.items(), weights, strict=True)
        ],
    }


def _option(option: Option, writer: FragmentWriter) -> dict[str, str]:
    """Return what the page shows of an option, and what is said of it when it is chosen."""
    feedback = writer.explained(option).translate(_DOLLARS)
    return {"text": option.shown, "correct": "true" if option.is_key else "false", "feedback": feedback}
