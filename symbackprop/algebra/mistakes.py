"""What is wrong with a text of the expression language: the sentence, with a caret under the place."""

from __future__ import annotations

import collections
import re
import unicodedata
from collections.abc import Collection

from symbackprop import limits
from symbackprop.algebra.formula import Name, Node, walk
from symbackprop.errors import ExpressionError
from symbackprop.messages import Message, message

_AROUND = 60
"""Characters of the text that are shown on either side."""


def shown_at(
    original: str, at: int, what: Message, *, valid: Collection[str] = (), close: str | None = None
) -> ExpressionError:
    """Return the error for a mistake at a column of a text, what is around it shown with a caret below."""
    window = slice(max(0, at - _AROUND), at + _AROUND)
    excerpt = original[window].replace("\n", " ").replace("\t", " ")
    caret = "".join(map(_space, original[window.start : at])) + "^"
    return ExpressionError(
        message("expression.mistake", what=what, text=excerpt, caret=caret, before=at - window.start),
        valid=valid,
        nearest=close,
    )


def check_length(text: str, original: str, at: int = 0) -> None:
    """Raise `ExpressionError`, at a column of an original text, for an expression that is too long to be read."""
    if len(text) > limits.CHARACTERS:
        raise shown_at(original, at, message("expression.too_long", limit=limits.CHARACTERS))


def wrong_count(function: str, expected: int, found: int, *names: str) -> Message:
    """Return what is wrong with a number of arguments; what is given by one of some names was perhaps meant by the last."""
    if names and expected == 1 and found == expected + 1:
        return message("expression.by_name", function=function, name=names[0])
    return message("expression.arguments", function=function, expected=expected, found=found)


def check_occurrences(formula: Node) -> None:
    """Raise `ExpressionError` for an equation in which a name occurs too often: its gradient adds over all of these."""
    often = collections.Counter(part.name for part in walk(formula) if isinstance(part, Name))
    for name, count in often.most_common(1):
        if count > limits.OCCURRENCES:
            raise ExpressionError(message("expression.too_often", name=name, count=count, limit=limits.OCCURRENCES))


def _space(character: str) -> str:
    """Return what is as wide as a character in letters of one width: full-width ones take two places."""
    return "  " if unicodedata.east_asian_width(character) in "WF" else " "


_METHOD = re.compile(r"\.([^\W\d]\w*)")


def foreign_character(text: str, at: int) -> Message:
    """Return what is wrong with a character that no token begins with, and what is written in its place."""
    character, method = text[at], _METHOD.match(text, at)
    if character == "^":
        return message("expression.power")
    if character == "!":
        return message("expression.equality", text="!=")
    if method is not None:
        return message("expression.method", name=method[1])
    return message("expression.character", character=character)
