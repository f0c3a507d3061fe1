"""How formulas stand in a document: each dialect is a table from kinds of boxes to functions that write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from symbackprop.rendering.dialects import mathml, tex, text
from symbackprop.rendering.layout.boxes import Box
from symbackprop.rendering.layout.widths import width


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a document holds for boxes: a formula of a sentence, a part of a displayed one, a remark; their width."""

    inline: Callable[[Box], str]
    displayed: Callable[[Box], str]
    remark: Callable[[Box], str]
    measure: Callable[[Box], float] = width


DIALECTS: Mapping[str, Dialect] = {
    "tex": Dialect(tex.write, tex.write, tex.write),
    "text": Dialect(text.inline, text.displayed, text.inline, text.measure),
    "mathml": Dialect(mathml.inline, mathml.displayed, mathml.inline),
}
"""Ways to write formulas, by the name that a format's settings use."""
