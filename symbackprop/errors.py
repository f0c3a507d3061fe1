"""The exception tree: what is wrong, where, what was expected, the nearest valid choice.

An error carries a message *id* and its arguments, never a finished sentence, so that every language can say it
(`symbackprop.language`).
"""

from __future__ import annotations

import contextlib
import difflib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from symbackprop import language
from symbackprop.messages import Message, message

_LONGEST_LIST = 24
_LONGEST_NAME = 100
"""Characters of what somebody may have meant for a name; of anything longer these are shown."""

Spellings = Mapping[str, str]
"""Other names of things by which people look for them → our names."""


class SymbackpropError(Exception):
    """A mistake of the user's that one message explains; the command line prints it and exits with 2.

    `what` says what is wrong, `where` (file, key) places it, `valid` lists the choices there were, `nearest` the one
    that was probably meant.
    """

    def __init__(
        self, what: Message, *, where: str = "", valid: Iterable[str] = (), nearest: str | None = None
    ) -> None:
        super().__init__(what, where)
        self.what = what
        self.where = where
        self.valid = tuple(valid)
        self.nearest = nearest

    def at(self, where: str) -> SymbackpropError:
        """Return the same error, placed inside something: `network.loss` becomes `mine.toml: network.loss`.

        Args:
            where: A file or a key.

        Returns:
            An error of the same kind.

        Examples:
            >>> unknown("loss", "mze", ["mse"], where="network.loss").at("mine.toml").where
            'mine.toml: network.loss'
        """
        place = ": ".join(part for part in (where, self.where) if part)
        return type(self)(self.what, **{**self.keywords(), "where": place})

    def keywords(self) -> dict[str, Any]:
        """Return what the error was made with beside `what`.

        Returns:
            The keywords of its constructor.

        Examples:
            >>> unknown("loss", "mze", ["mse"]).keywords()
            {'where': '', 'valid': ('mse',), 'nearest': 'mse'}
        """
        return {"where": self.where, "valid": self.valid, "nearest": self.nearest}

    def __reduce__(self) -> tuple[object, ...]:
        """Return how another process makes the same error: keywords are not among an exception's arguments."""
        return functools.partial(type(self), **self.keywords()), (self.what,)

    def __str__(self) -> str:
        return explain(language.DEFAULT, self)


class ProblemError(SymbackpropError):
    """The problem file (or mapping) says something that cannot be used: a key, a value, a shape."""


class MissingValueError(SymbackpropError):
    """Numbers are needed and some quantities have none."""


class UnknownNameError(SymbackpropError, KeyError):
    """A name is in none of the tables it could be in; a `KeyError`, as of any mapping, with a message of ours."""


class IncompleteRowError(SymbackpropError):
    """A row that was to be added to a table lacks something that a reader needs: a phrase, a formula that can be read."""


class ExpressionError(SymbackpropError):
    """A text is no expression of the expression language; the message shows the place with a caret."""


class EvaluationError(SymbackpropError):
    """A formula has no finite value at these numbers (the logarithm of zero, a division by zero)."""


class OutputError(SymbackpropError):
    """A result cannot be written or a template cannot be filled."""


class KindError(SymbackpropError, TypeError):
    """Something of another kind stands where a problem or a formula is meant; a `TypeError` with a message of ours."""


class MissingLibraryError(SymbackpropError):
    """An optional library is needed and not installed."""


@contextlib.contextmanager
def damaged(what: Callable[[str], Message], where: str) -> Iterator[None]:
    """Let a library unpack a file of somebody's: whatever it ends in is a `ProblemError`, `what` of its reason.

    For bytes that are no archive, or a damaged one, libraries raise exceptions of nearly every kind. Our own stay.
    """
    try:
        yield
    except SymbackpropError:
        raise
    except Exception as error:
        raise ProblemError(what(str(error) or type(error).__name__), where=where) from None


def nearest(name: str, choices: Iterable[str], spellings: Spellings = MappingProxyType({})) -> str | None:
    """Return the choice most like `name`, else the first that begins with it, or None when none is near, or it is no name.

    `spellings` are other names of some of the choices. Capitals and the signs between words tell no names apart.

    >>> nearest("sigmod", ["tanh", "sigmoid"])
    'sigmoid'
    >>> nearest("he", ["zeros", "he_normal"])
    'he_normal'
    >>> nearest("Swish", ["silu"], {"swish": "silu"})
    'silu'
    """
    if len(name) > _LONGEST_NAME:
        return None
    known = {**spellings, **{choice: choice for choice in choices}}
    bare = {_bare(other): choice for other, choice in known.items()}
    if _bare(name) in bare:
        return bare[_bare(name)]
    cased = {other.casefold(): choice for other, choice in known.items()}
    found = difflib.get_close_matches(name.casefold(), cased, n=1, cutoff=0.6)
    if not found and len(name) > 1:
        found = [other for other in cased if other.startswith(name.casefold())]
    return cased[found[0]] if found else None


def _bare(name: str) -> str:
    return "".join(character for character in name.casefold() if character not in "_- ") or name


def unknown(
    kind: str, name: str, choices: Iterable[str], *, where: str = "", spellings: Spellings = MappingProxyType({})
) -> UnknownNameError:
    """Return the error for a `name` that is not among the `choices` of its kind (`kind` is a phrase id).

    `spellings` are other names of some of the choices, which lead to them.
    """
    valid = tuple(choices)
    shown = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
    what = message("error.unknown", kind=message(f"kind.{kind}"), name=shown)
    return UnknownNameError(what, where=where, valid=valid, nearest=nearest(name, valid, spellings))


def known_language(code: str, *, where: str = "") -> str:
    """Return the code of a language that there is; raises `UnknownNameError`, naming `where`, for any other.

    >>> known_language("en")
    'en'
    """
    if code not in language.available():
        raise unknown("language", code, language.available(), where=where)
    return code


def explain(code: str, error: SymbackpropError) -> str:
    """Return an error as text: place, what is wrong, the nearest valid choice, the valid choices."""
    text = language.say(code, error.what)
    if error.where:
        text = language.say(code, Message("error.placed", {"where": error.where, "what": error.what}))
    if error.nearest is not None:
        text += "\n  " + language.say(code, Message("error.nearest", {"nearest": error.nearest}))
    if error.valid:
        shown = list(error.valid[:_LONGEST_LIST])
        if len(error.valid) > _LONGEST_LIST:
            shown.append("…")
        text += "\n  " + language.say(code, Message("error.valid", {"valid": shown}))
    return text
