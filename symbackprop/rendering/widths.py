"""How wide a formula will be on paper, roughly: lines are broken by it before any typesetter has seen them."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator

_TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|[{}^_]|.", re.DOTALL)
_WIDTHS = {
    r"\times": 2.5, r"\cdot": 1.5, r"\approx": 2.7, r"\leftarrow": 3.2, r"\quad": 2.0, r"\,": 0.4, "=": 2.7, "+": 2.5,
    "-": 2.3, "<": 2.7, ">": 2.7, "(": 0.8, ")": 0.8, "[": 0.6, "]": 0.6, ".": 0.6, ",": 0.9, "/": 1.0, "W": 2.1,
    r"\sum": 3.0, r"\ln": 1.8, r"\max": 3.5, r"\min": 3.2, r"\tanh": 4.3, r"\ldots": 2.5,
    r"\cdots": 2.5,
    r"\odot": 2.5,
}  # fmt: skip
_INVISIBLE = (
    r"\left",
    r"\right",
    r"\fwd",
    r"\bwd",
    r"\mathrm",
    r"\boxed",
    r"\mathbf",
    r"\hat",
    r"\tilde",
    r"\bar",
    r"\mathcal",
    " ",
)
_ARRAY = re.compile(r"\\begin\{(bmatrix|aligned)\}(?P<body>(?:(?!\\begin).)*?)\\end\{\1\}", re.DOTALL)
_ROW_END = re.compile(r"\\\\(?:\[\w+\])?")
_COLUMN_GAP, _BRACKETS = 2.0, 2.0
_LETTER = 1.1
_ZEROS = str.maketrans("123456789", "0" * 9)
_SMALL = 0.75
_BOX = 1.4


def width(tex: str) -> float:
    """Return roughly how wide a formula is, in digits.

    >>> width("25")
    2.0
    """
    return _width_of(tex.translate(_ZEROS))


@functools.lru_cache(maxsize=1 << 16)
def _width_of(tex: str) -> float:
    """Return how wide a formula is whose digits, which are all of one width, are zeros: with other numbers it comes back."""
    while (found := _ARRAY.search(tex)) is not None:
        tex = tex[: found.start()] + "0" * round(_array(found["body"])) + tex[found.end() :]
    return _width(iter([*_TOKEN.findall(tex), "}"]))


def _array(body: str) -> float:
    """Return how wide an array in brackets is: each column as wide as its widest entry."""
    rows = [[width(cell) for cell in row.split("&")] for row in _ROW_END.split(body)]
    columns = [max(column) for column in itertools.zip_longest(*rows, fillvalue=0.0)]
    return sum(columns) + _COLUMN_GAP * (len(columns) - 1) + _BRACKETS


def _width(tokens: Iterator[str]) -> float:
    total = 0.0
    scripts = {"^": 0.0, "_": 0.0}
    mark = ""
    for token in tokens:
        if token == "}":
            break
        if token in scripts:
            mark = token
            continue
        size = _token(token, tokens)
        if mark:
            scripts[mark] = _SMALL * size
        else:
            # An upper and a lower index stand one above the other.
            total += max(scripts.values()) + size
            scripts = {"^": 0.0, "_": 0.0}
        mark = ""
    return total + max(scripts.values())


def _token(token: str, tokens: Iterator[str]) -> float:
    if token == "{":
        return _width(tokens)
    if token == r"\frac":
        return max(_group(tokens), _group(tokens)) + 0.6
    if token == r"\underbrace":
        body = _group(tokens)
        next(tokens)
        return max(body, _SMALL * _group(tokens))
    if token == r"\underset":
        return max(_SMALL * _group(tokens), _group(tokens))
    if token == r"\boxed":
        return _BOX + _group(tokens)
    if token in _INVISIBLE:
        return 0.0
    return _WIDTHS.get(token, _LETTER if token.isalpha() or token.startswith("\\") else 1.0)


def _group(tokens: Iterator[str]) -> float:
    next(tokens)
    return _width(tokens)
