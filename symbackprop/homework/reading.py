"""What a student typed: a decimal with point or comma, a fraction, or an expression in the problem's own names.

Nothing is evaluated but by the whitelist parser. Signs that word processors and input methods put in the place of the plain
ones are read as those.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from symbackprop import expressions
from symbackprop.errors import SymbackpropError
from symbackprop.formula import Name, Node, Number, names
from symbackprop.functions import ARITIES

_SIGNS = str.maketrans(
    {"−": "-", "–": "-", "‐": "-", "×": "*", "·": "*", "⋅": "*", "÷": "/", "∕": "/", "⁄": "/", "，": ","}
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d{1,3})?")
_POWER_OF_TEN = re.compile(r"\s*(?:\*)\s*10\s*(?:\^|\*\*)\s*\(?\s*([+-]?\d{1,3})\s*\)?\s*$")
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")
_LEADING = re.compile(r"^[=≈~≃\s]+")
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer as it was read: a formula (a number, or names among it), or the mistake that kept it from being read."""

    text: str
    formula: Node | None
    mistake: SymbackpropError | None = None

    @property
    def is_blank(self) -> bool:
        """Whether nothing was typed."""
        return self.formula is None and self.mistake is None

    @property
    def number(self) -> Fraction | None:
        """The number that was typed, if it was a plain one."""
        return self.formula.value if isinstance(self.formula, Number) else None

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the formula."""
        return () if self.formula is None else names(self.formula)


def read(text: str, own: tuple[str, ...], known: Mapping[str, str]) -> Reading:
    """Return what a text says; `own` are the answer's own names (`z1 = 0.4` is 0.4), `known` maps names to keys.

    >>> read("0,5", (), {}).number
    Fraction(1, 2)
    >>> read("1,5e-3", (), {}).number
    Fraction(3, 2000)
    """
    plain = _plain(text, own)
    if not plain or plain in ("-", "--", "?", "n/a", "N/A"):
        return Reading(text, None)
    if _NUMBER.fullmatch(plain):
        value = expressions.decimal(plain.replace(",", ".").rstrip("."))
        if value is not None:
            return Reading(text, Number(value))
    try:
        return Reading(text, _parsed(plain, known))
    except SymbackpropError as error:
        return Reading(text, None, error)


def _plain(text: str, own: tuple[str, ...]) -> str:
    # Normalised, 10⁻³ would become 10-3.
    lowered = _RAISED.sub(lambda found: f"^({found[0].translate(_SUPERSCRIPTS)})", text[: _LONGEST + 1])
    plain = unicodedata.normalize("NFKC", lowered).translate(_SIGNS).strip().strip("'\"")
    left, equals, right = plain.rpartition("=")
    if equals and left.strip() in own:
        plain = right
    plain = _LEADING.sub("", plain).strip()
    return _POWER_OF_TEN.sub(r"e\1", plain) if _NUMBER.fullmatch(_POWER_OF_TEN.sub(r"e\1", plain)) else plain


def _parsed(text: str, known: Mapping[str, str]) -> Node:
    powers = text.replace("^", "**")
    try:
        return _over_keys(powers, known)
    except SymbackpropError:
        pointed = _DECIMAL_COMMA.sub(".", powers)
        if pointed == powers:
            raise
        return _over_keys(pointed, known)


def _over_keys(text: str, known: Mapping[str, str]) -> Node:
    from symbackprop.formula import rewrite

    formula = expressions.parse(text, functions=ARITIES, names=tuple(known), arities=ARITIES)
    return rewrite(formula, lambda part: Name(known[part.name]) if isinstance(part, Name) else None)
