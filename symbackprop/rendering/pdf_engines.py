"""The programs that make a PDF: Typst, and TeX; each sets the documents of another format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from symbackprop.errors import OutputError, unknown
from symbackprop.messages import message
from symbackprop.rendering import tex_engines, typst_engine


@dataclass(frozen=True, slots=True)
class Engine:
    """A program that makes PDF: the format whose documents it sets, whether it is there, and what sets some of them.

    `typeset` takes documents and the seconds that one may take.
    """

    base: str
    is_installed: Callable[[], bool]
    typeset: Callable[[Iterable[str], float], Iterator[bytes]]


def _by_tex(sources: Iterable[str], time_limit: float) -> Iterator[bytes]:
    return (tex_engines.typeset(source, time_limit) for source in sources)


ENGINES: Mapping[str, Engine] = {
    "typst": Engine("typst", typst_engine.is_installed, typst_engine.typeset),
    "tex": Engine("latex", tex_engines.is_installed, _by_tex),
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


def typeset(engine: str, sources: Iterable[str], time_limit: float = TIME_LIMIT) -> Iterator[bytes]:
    """Yield documents as PDF; raises `OutputError` where that fails, or where no engine is installed."""
    if not ENGINES[engine].is_installed() and not (engine == "tex" and can_typeset()):
        raise OutputError(message("pdf.none" if not can_typeset() else "pdf.no_typst"))
    return ENGINES[engine].typeset(sources, time_limit)
