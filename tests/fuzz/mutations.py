"""Damage done to what people hand in: to tables of JSON entry by entry, to texts word by word.

Whoever damages says how one of several is chosen: by chance, by Hypothesis, by a fuzzer that watches the code.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

Choose = Callable[[Sequence[Any]], Any]
"""Returns one of several things."""

Place = tuple[Any, Any]
"""A table or list, and the key or number of an entry of it."""

HOSTILE: tuple[Any, ...] = (
    *(
        None,
        True,
        "",
        " ",
        "w",
        "-inf",
        "nan",
        "1/0",
        "exp(99999)",
        "1e400",
        "-1e308",
        "exp(1)",
        "ln(2)",
        "sqrt(2)",
        "0*z",
    ),
    *(0, 1, -1, 7, 10**18, 0.5, -0.0, 1e308, 5e-324, float("inf"), float("nan"), Decimal("1e-400"), 100001),
    *(
        [],
        [[]],
        [0],
        [[1, 2], [3]],
        {},
        {"a": 1},
        {"shape": [2, 2]},
        {"expression": "z*z"},
        {"inputs": 2, "layers": []},
    ),
    *("gelu", "softmax", "silu(silu(z))", "L = w*w", "generic", "adam", "\x00", "ж", "x" * 200),
)
"""What is put in the place of an entry."""

WORDS = (
    *("", ",", ";", "\t", "\n", "\r\n", '"', "'", "=", "(", ")", "[", "]", "{", "}", "#", "\x00", "\ufeff", "\u202e"),
    *("0", "-1", "1/0", "1e400", "1e-400", "9" * 401, "nan", "inf", "true", "½", "−", "²", "٣", "学", "é", "\ud7ff"),
    *("=cmd()", "<script>", "\\input{x}", "../x", "%s", "{0}", "con", "a" * 300, "**", "//", "@", ".T", "e", "E+5"),
)
"""What is put between, or in the place of, words of a text."""

_TOKENS = re.compile(r"\w+|\s+|.", re.DOTALL)
_EDITS = ("delete", "double", "insert", "replace", "replace", "swap", "cut", "repeat")


def places(content: Any) -> Iterator[Place]:
    """Yield every entry of every table and list."""
    entries = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in list(entries):
        yield content, key
        yield from places(value)


def damage(content: Any, choose: Choose) -> None:
    """Delete, retype, double, move or rename one entry of a table of tables."""
    found = list(places(content))
    if not found:
        return
    table, key = choose(found)
    other, target = choose(found)
    match choose(("delete", "replace", "replace", "replace", "double", "move", "copy", "rename")):
        case "delete":
            del table[key]
        case "replace":
            table[key] = copy.deepcopy(choose(HOSTILE))
        case "double":
            table[key] = [copy.deepcopy(table[key])] * 2
        case "move":
            moved = copy.deepcopy(table[key])
            other[target] = moved
        case "copy" if isinstance(other, list):
            other.insert(0, copy.deepcopy(table[key]))
        case _ if isinstance(other, dict):
            other[str(choose(HOSTILE))] = copy.deepcopy(table[key])


def damaged_tree(data: bytes, choose: Choose) -> bytes:
    """Return tables as JSON with one to three of their entries damaged; what is no JSON stays as it is."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return data
    for _ in range(choose((1, 1, 2, 3))):
        damage(content, choose)
    return as_json(content)


def as_json(content: Any) -> bytes:
    """Return tables as JSON; numbers that it does not have are texts."""
    return json.dumps(content, default=str).encode("utf-8", "surrogatepass")


def damaged_text(data: bytes, choose: Choose) -> bytes:
    """Return a text with one to four of its words lost, doubled, exchanged or put in, or cut off in the middle."""
    words = _TOKENS.findall(data.decode("utf-8", "surrogateescape"))
    for _ in range(choose((1, 1, 2, 4))):
        place, other = (choose(range(len(words))) if words else 0 for _ in range(2))
        match choose(_EDITS):
            case "delete":
                del words[place : place + choose((1, 2, 7))]
            case "double":
                words[place:place] = words[min(place, other) : place + 1]
            case "insert":
                words.insert(place, choose(WORDS))
            case "replace":
                words[place : place + 1] = [choose(WORDS)]
            case "swap" if words:
                words[place], words[other] = words[other], words[place]
            case "cut":
                del words[place:]
            case "repeat":
                words[place : place + 1] = words[place : place + 1] * choose((2, 70, 500))
    return "".join(words).encode("utf-8", "surrogateescape")
