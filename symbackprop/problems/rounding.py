"""How a problem wants its documents to write things, and how its numbers are rounded."""

from __future__ import annotations

from dataclasses import dataclass

from symbackprop.graph.notation import Conventions


@dataclass(frozen=True, slots=True)
class Rounding:
    """Every computed number rounded, as by hand: to `digits` decimals or, if `significant`, significant digits."""

    digits: int
    significant: bool


@dataclass(frozen=True, slots=True)
class NotationChoice(Conventions):
    """How the document writes things; with `round_intermediates` every computed number is rounded."""

    digits: int = 6
    round_intermediates: Rounding | None = None
