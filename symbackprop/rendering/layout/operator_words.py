"""How each function is written before its argument: σ, tanh, ReLU; upright words for operators, letters for the rest."""

from __future__ import annotations

from collections.abc import Mapping

from symbackprop.algebra import functions
from symbackprop.graph.notation import GREEK_LETTERS, Symbol
from symbackprop.rendering.layout import boxes

_OPERATORS = frozenset(("exp", "ln", "sin", "cos", "tan", "tanh", "max", "min"))
_FUNCTIONS: Mapping[str, boxes.Box] = {"sign": boxes.Word("sgn"), "pi": Symbol("pi")}


def function_name(name: str) -> boxes.Box:
    """Return a function's printed name: σ, tanh, ReLU."""
    if name in _OPERATORS:
        return boxes.Word(name, boxes.Face.OPERATOR)
    row = functions.ACTIVATIONS.get(name)
    text = row.symbol if row else name
    return _FUNCTIONS.get(name) or (boxes.Word(text) if len(text) > 1 else Symbol(GREEK_LETTERS.get(text, text)))
