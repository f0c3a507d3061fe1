"""Texts cut into tokens: numbers, names, operators and texts in quotes, in the signs of a keyboard or in those of books.

`x²`, `½`, `2·x`, `x − 1`, `√x` and π mean what they mean on paper. A name is a Python identifier.
"""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from typing import NamedTuple

from symbackprop import limits

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+(?:\.(?!T\b)[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<text>'[^']*'|\"[^\"]*\")|(?P<name>[^\W\d]\w*)|(?P<operator>\*\*|\.T\b|[<>]=|[-+*/@(),=:<>\[\]√]))"
)
_RAISED = re.compile("([⁺⁻]?)([⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_SIGNS = {
    **dict.fromkeys("−–—‐‑‒﹣－", "-"),
    **dict.fromkeys("×·⋅∙•∗✕✖", "*"),
    **dict.fromkeys("÷∕⁄", "/"),
    **dict.fromkeys("≤⩽≦", "<="),
    **dict.fromkeys("≥⩾≧", ">="),
}
"""Signs of books for operators; full-width ones are found by Unicode's own table."""
_OPERATORS = frozenset("+-*/@(),=:<>[]")

NUMBER, NAME, OPERATOR, FRACTION, TEXT = "number", "name", "operator", "fraction", "text"
UNKNOWN, END = "unknown", "end"


class Token(NamedTuple):
    """A piece of a text: its kind, its text, and where it begins."""

    kind: str
    text: str
    start: int


def cut(text: str) -> list[Token]:
    """Return the tokens of a text, the last of which is its end, or a character that is in no token.

    >>> [token.text for token in cut("2·x² − ½")]
    ['2', '*', 'x', '**', '2', '-', '½', '']
    """
    found: list[Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        matched = _TOKEN.match(text, at)
        kind = matched.lastgroup if matched else None
        # `x²` is one word to a regular expression, of which only the beginning is a name.
        piece = _identifier(matched[NAME]) if matched and kind == NAME else matched[kind] if matched and kind else ""
        if matched and kind and piece:
            start = matched.start(kind)
            found.append(Token(kind, piece, start))
            at = start + len(piece)
            continue
        at += len(text[at:]) - len(text[at:].lstrip())
        length = _written(text, at, found)
        if not length:
            return [*found, Token(UNKNOWN, text[at], at)]
        at += length
    return [*found, Token(END, "", end)]


def words(text: str) -> set[str]:
    """Return the names in a text, those of functions among them."""
    return {token.text for token in cut(text) if token.kind == NAME}


def fraction(text: str) -> Fraction:
    """Return the number that a fraction in one sign is, alone or behind a whole number.

    >>> fraction("½"), fraction("1½")
    (Fraction(1, 2), Fraction(3, 2))
    """
    parts = unicodedata.normalize("NFKC", text[-1]).split("⁄")
    return int(text[:-1].strip() or 0) + Fraction(int(parts[0]), int(parts[1]))


def decimal(text: str) -> Fraction | None:
    """Return the exact value of a decimal literal, or None when its exponent is beyond ±400.

    >>> decimal("1e-2")
    Fraction(1, 100)
    """
    mantissa, _, exponent = text.lower().partition("e")
    magnitude = exponent.lstrip("+-").lstrip("0") or "0"
    if len(mantissa) > limits.DIGITS or len(magnitude) > 9 or int(magnitude) > limits.DIGITS:
        return None
    return Fraction(text)


def _identifier(text: str) -> str:
    """Return the longest beginning of a text that is an identifier."""
    whole = len(text)
    return text[: next((at for at, sign in enumerate(text) if not ("_" * min(at, 1) + sign).isidentifier()), whole)]


def _written(text: str, at: int, found: list[Token]) -> int:
    """Add the tokens that a sign of books stands for; return how many characters it has, 0 where it is none."""
    raised = _RAISED.match(text, at)
    if raised:
        digits = unicodedata.normalize("NFKC", raised[2])
        sign = [Token(OPERATOR, "-", at)] if raised[1] == "⁻" else []
        found += [Token(OPERATOR, "**", at), *sign, Token(NUMBER, digits, at)]
        return len(raised[0])
    character = text[at]
    plain = unicodedata.normalize("NFKC", character)
    if re.fullmatch(r"\d+⁄\d+", plain):
        found.append(_mixed(text, at, found))
    elif character in _SIGNS or plain in _OPERATORS:
        found.append(Token(OPERATOR, _SIGNS.get(character, plain), at))
    else:
        return 0
    return 1


def _mixed(text: str, at: int, found: list[Token]) -> Token:
    """Return a fraction in one sign, with the whole number before it if there is one."""
    before = found[-1] if found else None
    if before and before.kind == NUMBER and before.text.isdecimal() and at - before.start - len(before.text) <= 1:
        found.pop()
        return Token(FRACTION, before.text + text[at], before.start)
    return Token(FRACTION, text[at], at)
