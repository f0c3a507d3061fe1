"""Symbols, words and names of functions → TeX."""

from __future__ import annotations

import functools

from symbackprop.algebra import functions
from symbackprop.graph.notation import GREEK, Symbol

_OPERATORS = {"exp", "ln", "sin", "cos", "tan", "tanh", "max", "min"}
_SIGNS = {"sigmoid": r"\sigma", "sign": r"\mathrm{sgn}", "pi": r"\pi"}


def word(text: str) -> str:
    r"""Return a word, a letter or a number in math mode.

    >>> word("net"), word("w"), word("12")
    ('\\mathrm{net}', 'w', '12')
    """
    is_word = text.replace("_", "").isalnum()  # k j and l+1 are none
    upright = len(text) > 1 and is_word and any(character.isalpha() for character in text)
    escaped = text.replace("_", r"\_")
    return rf"\mathrm{{{escaped}}}" if upright else escaped


@functools.lru_cache(maxsize=1 << 14)
def symbol(found: Symbol) -> str:
    """Return a printed symbol.

    >>> symbol(Symbol("W", ("12",), ("(1)",)))
    'W^{(1)}_{12}'
    """
    base = rf"\{found.base}" if found.base in GREEK else word(found.base)
    if found.accent:
        base = rf"\{found.accent}{{{base}}}"
    lower = ",".join(word(part) if isinstance(part, str) else symbol(part) for part in found.lower)
    upper = "".join(found.upper)
    return base + _script("^", upper) + _script("_", lower)


def _script(mark: str, text: str) -> str:
    return "" if not text else f"{mark}{text}" if len(text) == 1 else f"{mark}{{{text}}}"


def function_name(name: str) -> str:
    """Return a function's printed name: σ, tanh, ReLU."""
    if name in _OPERATORS or name in _SIGNS:
        return _SIGNS.get(name, rf"\{name}")
    row = functions.ACTIVATIONS.get(name)
    return word(row.symbol if row else name)
