"""The styles and scripts of a format, folded into its document: a page that fetches nothing."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Callable, Collection, Hashable, Sequence
from pathlib import Path, PurePosixPath
from typing import TypeVar

from symbackprop import resources
from symbackprop.errors import OutputError
from symbackprop.messages import message

Found = TypeVar("Found")

_FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}")
_WOFF2 = re.compile(r"""url\(["']?([^"')]+\.woff2)["']?\)""")
_MARGIN = re.compile(r"^//.*\n|[ \t]+// [^\"'`\n]*$|(?<=[;{,(])\n", re.MULTILINE)
_END_OF_STYLE = re.compile(r"</(?=style)", re.IGNORECASE)
_END_OF_SCRIPT = re.compile(r"<(?=/script|script|!--)", re.IGNORECASE)


def style(folders: Sequence[Path], names: Sequence[str]) -> str:
    """Return the style sheets of these names as one, their fonts as data.

    A font whose file is in none of the folders is left out with its whole rule: the bundled sheet of KaTeX names twenty
    fonts, of which our formulas use seven. Raises `OutputError` for a file that is missing or no text.
    """
    return _once(_style, folders, names)


def _style(folders: Sequence[Path], names: Sequence[str]) -> str:
    return _END_OF_STYLE.sub(r"<\\/", "".join(_sheet(folders, name) for name in names))


def _once(find: Callable[..., Found], folders: Sequence[Path], *names: Collection[str]) -> Found:
    """Return what a function finds in folders: in those of the package nothing changes, and it is found once."""
    asked = tuple(folders), *map(tuple, names)
    return _kept(find, *asked) if all(map(resources.is_bundled, folders)) else find(*asked)


@functools.lru_cache(maxsize=32)
def _kept(find: Callable[..., Found], *asked: Hashable) -> Found:
    return find(*asked)


def _sheet(folders: Sequence[Path], name: str) -> str:
    def face(found: re.Match[str]) -> str:
        source = _WOFF2.search(found[0])
        if source is None:
            return found[0]
        file = resources.found(folders, str(PurePosixPath(name).parent / source[1]))
        if file is None:
            return ""
        data = base64.b64encode(file.read_bytes()).decode("ascii")
        rule = re.sub(r"src:[^;}]*", lambda _: f'src:url(data:font/woff2;base64,{data}) format("woff2")', found[0])
        return rule + "\n"

    return _FONT_FACE.sub(face, _text(folders, name))


def scripts(folders: Sequence[Path], names: Sequence[str], packed: Collection[str] = ()) -> list[dict[str, str]]:
    """Return the text of each script and, for the page's policy, its hash: only these may run.

    Those that are `packed` lose their comments, indentation and the ends of lines that mean nothing.

    Raises `OutputError` for a file that is missing or no text.
    """
    return _once(_scripts, folders, names, packed)


def _scripts(folders: Sequence[Path], names: Sequence[str], packed: Collection[str]) -> list[dict[str, str]]:
    # Inside a string or a regular expression, where alone these can stand, \x3C is the same character.
    texts = [_END_OF_SCRIPT.sub(r"\\x3C", _packed(_text(folders, name), is_packed=name in packed)) for name in names]
    return [{"text": text, "hash": hash_of(text)} for text in texts]


def hash_of(text: str) -> str:
    """Return what the policy of a page calls a script that may run."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _packed(text: str, *, is_packed: bool) -> str:
    return _MARGIN.sub("", re.sub(r"^[ \t]+", "", text, flags=re.MULTILINE)) if is_packed else text


def _text(folders: Sequence[Path], name: str) -> str:
    # A line ends with \n here, whatever it ends with in the file: a browser hashes it so.
    file = resources.found(folders, name)
    if file is None:
        raise OutputError(message("render.missing", name=name), where=str(folders[0]))
    return resources.text_of(file)
