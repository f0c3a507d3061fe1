"""How the formulas of a format stand in its document: as TeX, or as MathML that holds the TeX."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from symbackprop.rendering import mathml


@dataclass(frozen=True, slots=True)
class Markup:
    """From TeX to what the document holds: a formula of a sentence, and a part of a displayed one."""

    inline: Callable[[str], str] = str
    displayed: Callable[[str], str] = str


TEX = Markup()
MARKUPS: Mapping[str, Markup] = {"tex": TEX, "mathml": Markup(mathml.inline, mathml.displayed)}
"""Ways to write formulas, by the name that a format's settings use."""
