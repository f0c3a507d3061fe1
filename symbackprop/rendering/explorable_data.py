"""What a page that answers back has with it: the engine, and the derivation, words and settings it computes with, packed."""

from __future__ import annotations

import base64
import functools
import gzip
import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from symbackprop import language as phrases
from symbackprop import resources
from symbackprop.descent.solution import LONG, is_large
from symbackprop.problems import Problem
from symbackprop.rendering import assets
from symbackprop.rendering.drafts import Draft
from symbackprop.rendering.object_graphs import ObjectGraph
from symbackprop.scripts import page_program

_ENGINE = "html/engine/built/engine.js"
_CLASSES = re.compile(r"[{,]\"?(\w+\$\w+)\"?:")
_ID = re.compile(r"(?<=[\"'`])([a-z_]+\.[a-z_.]*)(?:[\"'`]?(\+|\$\{))?")
"""What a phrase is called, or how its name begins where something is joined to it, in the engine and in its data."""


@functools.cache
def engine() -> str:
    """Return the engine: our own modules as JavaScript (`tools/engine.py`)."""
    return resources.text_of(resources.folder("templates") / _ENGINE)


@functools.cache
def _classes() -> frozenset[str]:
    return frozenset(_CLASSES.findall(engine()))


def given(draft: Draft) -> Mapping[str, Any] | None:
    """Return what the engine computes with; None for a page whose derivation is large or holds what it does not know."""
    solution, details = draft.solved, draft.details
    if is_large(solution.derivation):
        return None
    graph = ObjectGraph()
    root = graph.entry([solution.derivation, None if details is None else tuple(details), draft.explain])
    functions = {row[1] for row in graph.rows if row[0] == "f"}
    if not solution.steps or not {*graph.kinds, *functions} <= _classes():
        return None
    row, say = draft.format, phrases.phrases(draft.language)
    state = {"rows": graph.rows, "root": root, "kinds": list(graph.kinds)}
    return {
        "state": state,
        "words": _words(say, _ids() | _ids_in(json.dumps(state))),
        "program": _program(solution.problem),
        "language": draft.language,
        "tones": dict(row.tones),
        "width": draft.writer.width,
        "link": say["page.link"],
        "missing": say["explore.not_recomputed"],
        "of_the_file": say["explore.of_the_file"],
        "outline": say["explore.outline"],
        "no_update": say["explore.no_update"],
    }


def _program(problem: Problem) -> str | None:
    """Return what a page makes many updates with: those that the problem asks for, or where one leads if more follow."""
    steps = 0 if problem.training is None else problem.training.steps
    size = sum(len(array.entries) for array in problem.arrays.values())
    return page_program(problem) if steps == 1 or steps * size >= LONG else None


@functools.cache
def _ids() -> frozenset[str]:
    return _ids_in(engine())


def _ids_in(text: str) -> frozenset[str]:
    """Return the names of phrases, and with a star what names begin with."""
    return frozenset(id + "*" if joined or id.endswith((".", "_")) else id for id, joined in _ID.findall(text))


def _words(say: Mapping[str, str], ids: Collection[str]) -> dict[str, str]:
    """Return the phrases that are named in what computes, or whose names begin as one there that is put together."""
    beginnings = tuple(id.removesuffix("*") for id in ids if id.endswith("*"))
    return {id: text for id, text in say.items() if id in ids or id.startswith(beginnings)}


def answers(given: Mapping[str, Any], scripts: Sequence[Mapping[str, str]]) -> Mapping[str, Any]:
    """Return what a page has packed: scripts, engine, what this computes with, and the hashes of all that runs."""
    runs = engine(), given["program"]
    return {
        "numbers": packed(_json(given)),
        "engine": _packed_once(engine()),
        "scripts": _packed_once(_json([script["text"] for script in scripts])),
        "hashes": [*(script["hash"] for script in scripts), *map(assets.hash_of, filter(None, runs))],
    }


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def packed(text: str) -> str:
    """Return a text packed, for the inside of a page, with no sign that means something in HTML but `&` and `>`.

    The same text always gives the same.
    """
    return base64.b85encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii").replace("<", ",")


@functools.lru_cache(8)
def _packed_once(text: str) -> str:
    """Return a text packed that one page after another has."""
    return packed(text)
