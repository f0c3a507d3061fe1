"""Options of a question that is answered by choosing: the right number, and numbers that known mistakes make."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from string import ascii_uppercase
from typing import NamedTuple

from symbackprop.by_hand.answer_normalization import plain
from symbackprop.by_hand.answer_parsing import precision, read, value_of
from symbackprop.document.calculation.numerals import as_written
from symbackprop.messages import Message, message, some
from symbackprop.rendering import layout
from symbackprop.rendering.dialects import text
from symbackprop.rendering.drafts import OF_LETTERS

_LAYOUT = layout.of(OF_LETTERS)

_LETTER = re.compile(
    r"(?:option|choice|选项?|答案?)?[\s:]*\(?\s*([A-Za-z])\s*(?:[).:,]+\s*(.*))?", re.IGNORECASE | re.ASCII
)
"""A letter, perhaps in parentheses or with a sign behind it, and then what it stands for."""


class Option(NamedTuple):
    """An option: its number, with twelve digits and as sheets print it, and the mistake that makes it.

    `at` are the ids of the answers and lines at which the mistake is made. The right number, the key, has no mistake.
    """

    value: float
    text: str
    mistake: str = ""
    at: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The number where no formula can stand, with a minus and raised digits: −1.5 × 10⁻⁵.

        >>> Option(-1.5e-5, "-1.500e-05").shown
        '−1.500 × 10⁻⁵'
        """
        return text.inline(_LAYOUT.box(as_written(self.text)))

    @property
    def is_key(self) -> bool:
        """Whether this is the right number."""
        return not self.mistake

    @property
    def cause(self) -> Message | None:
        """What is wrong, and where; None for the key."""
        if self.is_key:
            return None
        return message("diagnosis.at", mistake=message(f"slip.{self.mistake}"), names=some(self.at))

    @property
    def explanation(self) -> Message | None:
        """What is wrong, where, and why; None for the key."""
        if self.is_key:
            return None
        return message("diagnosis.explained", mistake=self.cause, reason=message(f"slip_reason.{self.mistake}"))


OptionsById = Mapping[str, tuple[Option, ...]]
"""The options of a variant by the id of the answer, in the order of the sheet."""


def letter(place: int) -> str:
    """Return the letter of the option at a place.

    >>> letter(0), letter(2)
    ('A', 'C')
    """
    return ascii_uppercase[place]


def key_letter(options: Sequence[Option]) -> str:
    """Return the letter of the key among some options."""
    return next(letter(place) for place, option in enumerate(options) if option.is_key)


def chosen(text: str, own: Collection[str], options: Sequence[Option], allowed: float = 0.0) -> Option | None:
    """Return the option that a text means, by its letter, its number or both; None where it means none of them.

    `own` are the names of what is asked. A number means an option where it is that, as far as its digits go or within
    what is `allowed`, and no other.

    >>> options = [Option(0.1385, "0.1385"), Option(0.0364, "0.0364", "no_derivative")]
    >>> [getattr(chosen(text, ("a",), options), "text", "") for text in ("b", "(A)", "B) 0.0364", "0,04", "a = 0.1385")]
    ['0.0364', '0.1385', '0.0364', '0.0364', '0.1385']
    >>> [chosen(text, ("a",), options) for text in ("c", "A: 0.0364", "0.2")]
    [None, None, None]
    """
    if not options:
        return None
    found = _LETTER.fullmatch(plain(text).text.strip())
    if found is None:
        return _by_number(text, own, options, allowed)
    place = ascii_uppercase.index(found[1].upper())
    option = options[place] if place < len(options) else None
    return option if not found[2] or _by_number(found[2], own, options, allowed) == option else None


def _by_number(text: str, own: Collection[str], options: Sequence[Option], allowed: float) -> Option | None:
    parsed = read(text, own, {})
    number = None if parsed.formula is None else value_of(parsed.formula, {})
    if number is None:
        return None
    reach = max(allowed, precision(parsed))
    near = [each for each in options if each.text == text.strip() or abs(each.value - number) <= reach]
    return near[0] if len(near) == 1 else None
