"""A problem as its file, for a page to copy: each given number has its name before it, for another to be put there."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

from symbackprop.derivation.derivations import Derivation
from symbackprop.graph.quantities import Quantity, Role
from symbackprop.graph.scalars import Scalar
from symbackprop.problems import Array
from symbackprop.problems.saved_problem import COLUMNS, text_of
from symbackprop.rendering.predictions import MOST_NUMBERS

OPEN, CLOSE = "\u2039", "\u203a"
"""The signs around the name of a number."""

_TABLES = {Role.PARAMETER: "parameters"}
"""The table that the numbers of a role stand in, if not that of the data."""


def text(derivation: Derivation) -> str:
    """Return the file of a problem as text of HTML, "" for one with many numbers, or with none.

    Each given number is a text, its name between `OPEN` and `CLOSE` before it: what is copied has it, or what was put in its
    place, without the name.
    """
    problem, graph = derivation.problem, derivation.graph
    count = sum(len(array.entries) for array in problem.arrays.values())
    if not 0 < count <= MOST_NUMBERS:
        return ""
    content: dict[str, Any] = json.loads(text_of(problem))
    content.pop(COLUMNS, None)
    for name, array in problem.arrays.items():
        if None in array.entries:
            continue
        role = graph.quantities[name].role
        kind = f"{role}s"
        is_declared = "graph" in content and (role is Role.PARAMETER or problem.samples is None)
        table = content["graph"][kind] if is_declared else content.setdefault(_TABLES.get(role, "data"), {})
        table[name] = _entries(derivation, graph.quantities[name], array)
    training = problem.training
    if training is not None:
        settings = {key: _with_name(key, given.text) for key, given in training.settings.items()}
        content["training"] = content["training"] | settings
    return html.escape("\n".join(_lines(content)) + "\n", quote=False)


def _with_name(name: str, given: str) -> str:
    return f"{OPEN}{name}{CLOSE}{given}"


def _entries(derivation: Derivation, quantity: Quantity, array: Array) -> Any:
    """Return the numbers of an array as nested lists of texts."""
    names = [
        str(Scalar(element, sample))
        for sample in derivation.graph.samples_of(quantity)
        for element in quantity.elements()
    ]
    texts = [
        _with_name(name, given.text) for name, given in zip(names, array.entries, strict=True) if given is not None
    ]
    return _nested(texts, array.shape)


def _nested(texts: Sequence[str], shape: Sequence[int]) -> Any:
    if not shape:
        return texts[0]
    size = len(texts) // shape[0]
    return [_nested(texts[start : start + size], shape[1:]) for start in range(0, len(texts), size)]


def _lines(content: Mapping[str, Any]) -> list[str]:
    """Return data as TOML: a table for each table, and what is in it in one line each."""
    plain = [
        f"{key} = {_value(value)}" for key, value in content.items() if not isinstance(value, dict) or key == "title"
    ]
    for key, table in content.items():
        if isinstance(table, dict) and key != "title" and table:
            plain += ["", f"[{key}]", *(f"{json.dumps(name)} = {_value(value)}" for name, value in table.items())]
    return plain


def _value(value: Any) -> str:
    match value:
        case dict():
            inner = ", ".join(f"{json.dumps(key, ensure_ascii=False)} = {_value(each)}" for key, each in value.items())
            return f"{{ {inner} }}"
        case list():
            return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
