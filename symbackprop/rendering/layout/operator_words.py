"""How each function is written before its argument: σ, tanh, ReLU; upright words for operators, letters for the rest."""

from __future__ import annotations

from collections.abc import Mapping

from symbackprop.algebra import functions
from symbackprop.algebra.array_operations import ARRAY_OPERATIONS
from symbackprop.graph.notation import GREEK_LETTERS, Symbol
from symbackprop.rendering.layout import boxes

_OPERATORS = frozenset(("exp", "ln", "sin", "cos", "tan", "tanh", "arcsin", "arccos", "arctan", "max", "min"))
_FUNCTIONS: Mapping[str, boxes.Box] = {"sign": boxes.Word("sgn"), "pi": Symbol("pi")}


def function_name(name: str) -> boxes.Box:
    """Return a function's printed name: σ, tanh, ReLU."""
    tables = (functions.ACTIVATIONS, functions.PRIMITIVES, ARRAY_OPERATIONS)
    text = next((table[name].symbol for table in tables if name in table and table[name].symbol), name)
    if text in _OPERATORS:
        return boxes.Word(text, boxes.Face.OPERATOR)
    return _FUNCTIONS.get(name) or (boxes.Word(text) if len(text) > 1 else Symbol(GREEK_LETTERS.get(text, text)))
