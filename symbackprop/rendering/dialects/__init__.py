"""How formulas stand in a document: each dialect is a table from kinds of boxes to functions that write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType

from symbackprop.rendering.dialects import mathml, tex, text, typst
from symbackprop.rendering.layout.boxes import Box
from symbackprop.rendering.layout.widths import width


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a document holds for boxes: a formula of a sentence, a part of a displayed one, a remark; their width."""

    inline: Callable[[Box], str]
    displayed: Callable[[Box], str]
    remark: Callable[[Box], str]
    measure: Callable[[Box], float] = width


def _spoken(module: ModuleType) -> Callable[[str], Dialect]:
    """Return the dialect of a module whose formulas have their words with them."""

    def in_language(language: str) -> Dialect:
        inline, displayed = module.functions_in(language)
        return Dialect(inline, displayed, inline)

    return in_language


_TEX = Dialect(tex.write, tex.write, tex.write)
_TEXT = Dialect(text.inline, text.displayed, text.inline, text.measure)

DIALECTS: Mapping[str, Callable[[str], Dialect]] = {
    "tex": lambda language: _TEX,
    "text": lambda language: _TEXT,
    "mathml": _spoken(mathml),
    "typst": _spoken(typst),
}
"""Ways to write formulas in a language, by the name that a format's settings use."""
