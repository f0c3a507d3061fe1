"""The programs that make a PDF: Typst, and TeX; each sets the documents of another format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from symbackprop.errors import OutputError, unknown
from symbackprop.messages import message
from symbackprop.rendering import escapes
from symbackprop.rendering.typesetting import tex_engines, typst_engine


@dataclass(frozen=True, slots=True)
class Engine:
    """A program that makes PDF: the format whose documents it sets, whether it is there, and what sets some of them.

    `typeset` takes documents, the seconds that one may take, and whether a letter that no font has may be left out.
    `missing` says of which characters that is so.
    """

    base: str
    is_installed: Callable[[], bool]
    typeset: Callable[[Iterable[str], float, bool], Iterator[bytes]]
    missing: Callable[[Sequence[str], float], frozenset[str]]


def _by_tex(sources: Iterable[str], time_limit: float, lenient: bool) -> Iterator[bytes]:
    """Yield documents; a letter that no font has is an empty box anyway."""
    return (tex_engines.typeset(source, time_limit) for source in sources)


def _missing_in_tex(characters: Sequence[str], time_limit: float) -> frozenset[str]:
    return frozenset(character for character in characters if not _is_in_chinese_fonts(character))


def _is_in_chinese_fonts(character: str) -> bool:
    """Say whether the fonts of TeX Live for Chinese have a character: Greek, Cyrillic and kana among others."""
    if escapes.is_east_asian(character):
        return True
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


ENGINES: Mapping[str, Engine] = {
    "typst": Engine("typst", typst_engine.is_installed, typst_engine.typeset, typst_engine.missing),
    "tex": Engine("latex", tex_engines.is_installed, _by_tex, _missing_in_tex),
}
"""By name, the one that is preferred first."""

TIME_LIMIT = 120.0
"""Seconds that a document may take."""


def chosen(name: str | None = None, templates: Path | None = None) -> str:
    """Return the engine of that name; without one the first that is installed, of those that use the user's templates.

    Raises `UnknownNameError` for one that does not exist.
    """
    if name is not None:
        if name not in ENGINES:
            raise unknown("engine", name, ENGINES)
        return name
    changed = [name for name, engine in ENGINES.items() if templates and (templates / engine.base).is_dir()]
    installed = [name for name in changed or ENGINES if ENGINES[name].is_installed()]
    return next(iter(installed or changed or ENGINES))


def can_typeset() -> bool:
    """Say whether there is a program that makes PDF on this machine."""
    return any(engine.is_installed() for engine in ENGINES.values())


def missing(engine: str, characters: Iterable[str]) -> frozenset[str]:
    """Return those of some characters that an engine has no font for, on this machine."""
    others = sorted({character for character in characters if not escapes.is_latin(character)})
    return ENGINES[engine].missing(others, TIME_LIMIT) if others and ENGINES[engine].is_installed() else frozenset()


def typeset(
    engine: str, sources: Iterable[str], time_limit: float = TIME_LIMIT, *, lenient: bool = False
) -> Iterator[bytes]:
    """Yield documents as PDF; raises `OutputError` where that fails, or where no engine is installed.

    Where no font has a letter, that is an error, or, `lenient`, a sign for it stands in its place.
    """
    if not ENGINES[engine].is_installed() and not (engine == "tex" and can_typeset()):
        raise OutputError(message("pdf.none" if not can_typeset() else "pdf.no_typst"))
    return ENGINES[engine].typeset(sources, time_limit, lenient)
