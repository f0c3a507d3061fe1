r"""A formula that a user writes in TeX, as boxes: the part of TeX's mathematics that texts about networks need.

Nothing of it reaches a document as it was typed: every letter, sign and command is a row of a table here, and what is none
is refused with a caret under it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping

from symbackprop import limits
from symbackprop.algebra.mistakes import shown_at
from symbackprop.graph.notation import GREEK, GREEK_LETTERS, Symbol
from symbackprop.messages import Message, message
from symbackprop.rendering.layout import boxes
from symbackprop.rendering.layout.boxes import Box, Face, Infix, Sign

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\S", re.DOTALL)
_INFIXES = frozenset("+=<>:,;×·⊙≤≥≠≈∈←")
_SIGNS = frozenset("/|∂∞…⋯⊤′()[]!")
_RELATIONS = {
    "times": "×", "cdot": "·", "odot": "⊙", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠", "lt": "<",
    "gt": ">", "approx": "≈", "in": "∈", "gets": "←", "leftarrow": "←",
}  # fmt: skip
_COMMANDS: Mapping[str, Box] = {
    **{name: Symbol(name) for name in GREEK},
    "varepsilon": Symbol("epsilon"), "varphi": Symbol("phi"),
    **{name: Infix(sign) for name, sign in _RELATIONS.items()},
    "partial": Sign("∂"), "infty": Sign("∞"), "ldots": Sign("…"), "dots": Sign("…"), "cdots": Sign("⋯"), "top": Sign("⊤"),
    "mid": Sign("|"), "vert": Sign("|"), "prime": Sign("′"), "sum": boxes.SUM, "{": Sign("{"), "}": Sign("}"),
    ",": boxes.THIN, ";": boxes.THIN, " ": boxes.THIN, "quad": boxes.QUAD,
    **{name: boxes.Word(name, Face.OPERATOR) for name in ("exp", "ln", "sin", "cos", "tan", "tanh", "max", "min")},
}  # fmt: skip
_FRACTIONS = ("frac", "dfrac", "tfrac")
_ACCENTS = ("hat", "tilde", "bar", "dot", "mathcal")
_NAME, _WORDS = re.compile(r"\s*\{([A-Za-z0-9]+)\}"), re.compile(r"\s*\{((?:[^\W_]|[ .,:;()/+-])+)\}")
_OF_LETTERS: Mapping[str, tuple[re.Pattern[str], Callable[[str], Box]]] = {
    "mathrm": (_NAME, boxes.Word), "operatorname": (_NAME, boxes.Word),
    "mathbf": (_NAME, lambda text: boxes.Word(text, Face.BOLD)), "text": (_WORDS, boxes.Text),
}  # fmt: skip
_CLOSING = {"(": ")", "[": "]", "|": "|"}
_PRIME = Sign("′")
_RIGHT = r"\right"
DEPTH = 40


def read(text: str) -> Box:
    r"""Return a formula in TeX as boxes.

    >>> read(r"\frac{1}{2}")
    Fraction(above=Number(text='1'), below=Number(text='2'))

    Raises `ExpressionError`, with a caret under the first command or sign that is not known.
    """
    return _Reader(text).whole()


class _Reader:
    """One pass over the text of a formula."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0

    def whole(self) -> Box:
        """Return the whole formula."""
        if len(self.text) > limits.CHARACTERS:
            raise self._error(0, message("expression.too_long", limit=limits.CHARACTERS))
        return self._row("")

    def _row(self, end: str) -> Box:
        """Return boxes up to a closing token, which is taken; "" is the end of the text."""
        found: list[Box] = []
        while (token := self._next()) != end:
            start = self._taken(token)
            if token in ("_", "^"):
                found[-1:] = [self._scripted(found[-1] if found else boxes.EMPTY, token, start)]
            elif token == "'":
                found[-1:] = [_with_script(found[-1] if found else boxes.EMPTY, upper=_PRIME)]
            else:
                found.append(self._atom(token, start, is_first=not found or isinstance(found[-1], Infix)))
        if not found:
            raise self._error(self.at, message("tex.empty"))
        if end:
            self._taken(end)
        return found[0] if len(found) == 1 else tuple(found)

    def _next(self) -> str:
        found = _TOKEN.search(self.text, self.at)
        return found[0] if found else ""

    def _taken(self, token: str) -> int:
        """Go on behind the next token, and return where it began."""
        start = self.text.index(token, self.at)
        self.at = start + len(token)
        return start

    def _argument(self) -> Box:
        """Return what a command or a script takes: a group, or a single token."""
        token = self._next()
        start = self._taken(token)
        return self._row("}") if token == "{" else self._atom(token, start, is_first=True)

    def _atom(self, token: str, start: int, *, is_first: bool) -> Box:
        """Return what a token begins: a letter or a sign, a group, or a command with what it takes."""
        self.depth += 1
        if self.depth > DEPTH:
            raise self._error(start, message("expression.too_deep", limit=DEPTH))
        if token.startswith("\\"):
            found = self._command(token[1:], start)
        elif token == "{":
            found = boxes.Group(self._row("}"))
        elif token in ("-", "−"):
            found = boxes.NEGATIVE if is_first else boxes.MINUS
        else:
            found = _plain(token)
        if found is None:
            raise self._error(start, message("tex.unknown", found=token) if token else message("tex.ends"))
        self.depth -= 1
        return found

    def _command(self, name: str, start: int) -> Box | None:
        if name == "left":
            return self._fenced()
        if name in _OF_LETTERS:
            words, function = _OF_LETTERS[name]
            return function(self._words(words, start))
        if name in _ACCENTS:
            return self._accented(name, start)
        if name == "sqrt":
            return boxes.Root(self._argument())
        if name in _FRACTIONS:
            above = self._argument()
            return boxes.Fraction(above, self._argument())
        return _COMMANDS.get(name)

    def _fenced(self) -> Box:
        opening = self._next()
        start = self._taken(opening)
        if opening not in _CLOSING:
            raise self._error(start, message("tex.unknown", found=opening))
        body = self._row(_RIGHT)
        closing = self._next()
        if closing != _CLOSING[opening]:
            raise self._error(self.at, message("tex.unknown", found=closing) if closing else message("tex.ends"))
        self._taken(closing)
        return boxes.Fenced(opening, body, closing, tall=True)

    def _words(self, words: re.Pattern[str], start: int) -> str:
        found = words.match(self.text, self.at)
        if found is None or not found[1].strip():
            raise self._error(start, message("tex.words"))
        self.at = found.end()
        return found[1]

    def _accented(self, accent: str, start: int) -> Box:
        base = boxes.bare(self._argument())
        if not isinstance(base, Symbol) or base.accent:
            raise self._error(start, message("tex.letter"))
        return Symbol(base.base, accent=accent)

    def _scripted(self, base: Box, sign: str, start: int) -> Box:
        if isinstance(base, boxes.Scripts) and (base.lower if sign == "_" else base.upper) not in (None, _PRIME):
            raise self._error(start, message("tex.twice"))
        script = self._argument()
        return _with_script(base, lower=script) if sign == "_" else _with_script(base, upper=script)

    def _error(self, at: int, what: Message) -> Exception:
        return shown_at(self.text, at, what)


def _with_script(base: Box, lower: Box | None = None, upper: Box | None = None) -> Box:
    if isinstance(base, boxes.Scripts):
        return base._replace(lower=lower or base.lower, upper=_beside(base.upper, upper))
    return boxes.Scripts(base, lower, upper)


def _beside(before: Box | None, more: Box | None) -> Box | None:
    if before is None or more is None:
        return before or more
    # One row, however many primes follow each other; boxes are tuples too.
    return (*(before if type(before) is tuple else (before,)), more)


@functools.cache
def _plain(token: str) -> Box | None:
    """Return what stands for a token that is no command: a letter, a number, a sign."""
    if token[:1].isdigit() and token.isascii():
        return boxes.Number(token)
    if token in GREEK_LETTERS:
        return Symbol(GREEK_LETTERS[token])
    if token.isascii() and token.isalpha():
        return Symbol(token)
    return (
        Infix(token) if token in _INFIXES else boxes.SUM if token == "∑" else Sign(token) if token in _SIGNS else None
    )
