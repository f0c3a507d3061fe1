"""Formulas → boxes, for every dialect: what stands where, which parentheses there are, where a long line is broken."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from symbackprop.graph.notation import Notation
from symbackprop.rendering.layout import array_formulas, digits, generic, scalar_formulas
from symbackprop.rendering.layout.boxes import Box
from symbackprop.rendering.layout.formula_layout import Layout, Rules
from symbackprop.rendering.layout.widths import width

__all__ = ["Layout", "of"]

_RULES: Rules = {**scalar_formulas.RULES, **digits.RULES, **array_formulas.RULES, **generic.RULES}


def of(
    notation: Notation,
    tones: Mapping[str, str] | None = None,
    *,
    rows: bool = False,
    measure: Callable[[Box], float] = width,
) -> Layout:
    """Return the layout of formulas in a notation; `tones` gives what a format calls a number of each tone."""
    return Layout(_RULES, notation, tones or {}, rows, measure)
