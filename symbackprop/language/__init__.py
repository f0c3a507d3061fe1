"""Phrases: a language is a folder of TOML files, found by its name. Adding a language is adding a folder.

The files divide the phrases by what they are for; every language has the same files with the same ids, in tables that no
two files of a language share.
"""

from __future__ import annotations

import functools
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from symbackprop.messages import Message

DEFAULT = "en"
HOME = Path(__file__).parent
"""The folder of the languages."""

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_CLOSING = "，。：；、？！）”》"
_WIDE = "\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6"
_OPENING = "（“《"
_PIECE = re.compile(
    rf"\s*[{_OPENING}]*(?:[{_WIDE}]|[^\s{_WIDE}]+?(?:(?<=\w-)(?=\w)|(?=[\s{_WIDE}]|$)))[{_CLOSING}]*\s*"
)
"""What is not broken: a word, a part of one up to a hyphen, or a wide character, with the signs that open and close it."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A text of the user's own, with its translations by language."""

    text: str
    translations: Mapping[str, str]

    def said(self, language: str) -> str:
        """Return the text in a language, if it is there, else as it is.

        >>> Wording("A circuit", {"zh": "一个电路"}).said("zh")
        '一个电路'
        """
        return self.translations.get(language, self.text)


def available() -> tuple[str, ...]:
    """Return the codes of the languages there are, in alphabetical order.

    >>> "en" in available()
    True
    """
    return tuple(sorted({file.parent.name for file in HOME.glob("*/*.toml")}))


@functools.cache
def phrases(language: str) -> Mapping[str, str]:
    """Return every phrase of a language by its id (`table.key`); `LookupError` for a language that does not exist."""
    if language not in available():
        raise LookupError(f"there is no language {language!r}")
    return {**_written(HOME / language), **_LEARNT.get(language, {})}


@functools.cache
def _written(folder: Path) -> Mapping[str, str]:
    return {
        f"{table}.{key}": text
        for file in sorted(folder.glob("*.toml"))
        for table, keys in tomllib.loads(file.read_text("utf-8")).items()
        for key, text in keys.items()
    }


_LEARNT: dict[str, dict[str, str]] = {}
"""What rows that were added to a registry bring to say: language → id → text."""


def learn(words: Mapping[str, Mapping[str, str]]) -> None:
    """Have further phrases by language and id, in place of those with the same ids."""
    for code, texts in words.items():
        _LEARNT.setdefault(code, {}).update(texts)
    phrases.cache_clear()


def forget(words: Mapping[str, Mapping[str, str]]) -> None:
    """Have the phrases no more that were learnt; those of the files are back."""
    for code, texts in words.items():
        for id in texts:
            _LEARNT.get(code, {}).pop(id, None)
    phrases.cache_clear()


def pieces(language: str, message: Message) -> Iterator[str | tuple[object]]:
    """Yield the message part by part: literal texts as they are, arguments wrapped in a 1-tuple.

    A caller decides how to write each: plain text, escaped LaTeX, a formula between dollars.
    """
    for position, part in enumerate(_parts(phrases(language)[message.id])):
        if position % 2:
            yield (message.arguments[part],)
        elif part:
            yield part


def arguments_of(language: str, id: str) -> tuple[str, ...]:
    """Return the names of what a phrase needs, in the order in which they stand.

    >>> arguments_of("en", "convention.decimals")
    ('count',)
    """
    return _parts(phrases(language)[id])[1::2]


@functools.lru_cache(maxsize=1 << 12)
def _parts(phrase: str) -> tuple[str, ...]:
    """Return a phrase as texts and, between them, the names of its placeholders."""
    return tuple(_PLACEHOLDER.split(phrase))


def say(language: str, message: Message) -> str:
    """Return the message as plain text.

    >>> from symbackprop.errors import message
    >>> say("en", message("kind.activation"))
    'activation'
    """
    return "".join(part if isinstance(part, str) else _plain(language, part[0]) for part in pieces(language, message))


def wrapped(text: str, width: int) -> Iterator[str]:
    """Yield a text in lines of at most about `width` columns, a wide character taking two.

    Lines are broken between words, and between the characters of a script without spaces, but not before a closing sign.

    >>> list(wrapped("a b c", 3)), list(wrapped("前向传播。", 8))
    (['a b', 'c'], ['前向传', '播。'])
    """
    line = ""
    for piece in _PIECE.findall(text):
        if line and columns(line) + columns(piece.rstrip()) > width:
            yield line.rstrip()
            line = ""
        line += piece if line else piece.lstrip()
    if line.strip():
        yield line.rstrip()


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: a wide character two, an accent none.

    >>> columns("前向 m\u0302")
    6
    """
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    return 0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in ("W", "F"))


def separated(language: str, items: Iterable[str]) -> str:
    """Return texts joined as a list of the language.

    >>> separated("en", ["z", "a"]), separated("zh", ["z", "a"])
    ('z, a', 'z、a')
    """
    return phrases(language)["list.separator"].join(items)


def _plain(language: str, argument: object) -> str:
    if isinstance(argument, Message):
        return say(language, argument)
    if isinstance(argument, tuple | list):
        return separated(language, (_plain(language, item) for item in argument))
    if isinstance(argument, Wording):
        argument = argument.said(language)
    # Control characters in a user's text must not reach the terminal; line breaks are ours (the caret's line).
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in str(argument))
