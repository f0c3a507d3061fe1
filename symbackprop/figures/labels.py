"""What stands in a figure: symbols, numbers, phrases; how wide they are, and how they read as plain text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symbackprop.arithmetic import exact
from symbackprop.arithmetic.decimals import LARGEST_PLAIN, SMALLEST_PLAIN, is_decimal, is_negligible
from symbackprop.descent.solution import Solution
from symbackprop.evaluation.evaluate import is_finite
from symbackprop.graph.notation import GREEK_BY_NAME, Notation, Symbol
from symbackprop.graph.scalars import Scalar
from symbackprop.messages import Message, message
from symbackprop.problems import Given

DIGITS = 4
"""Significant digits in a figure, at most: it shows how things hang together, the tables have the digits."""

_LARGEST_PLAIN = LARGEST_PLAIN - 1
"""A figure has less room than a line."""


@dataclass(frozen=True, slots=True)
class Decimal:
    """A printed number: mantissa as decimal text, power of ten (0: none), whether it is exactly what is meant."""

    text: str
    exponent: int = 0
    exact: bool = False


LabelPart = Symbol | Decimal | Message | str
"""A piece of a label: a symbol, a number, a phrase, or a sign that every language shares."""

Label = tuple[LabelPart, ...]


def decimal(value: Any, digits: int = DIGITS, written: str = "") -> Decimal:
    """Return a number as figures print it: as it was written if that is short, else rounded to significant digits.

    >>> decimal(Fraction(2, 5), written="0.40"), decimal(Fraction(1, 3))
    (Decimal(text='0.40', exponent=0, exact=True), Decimal(text='0.3333', exponent=0, exact=False))
    """
    if value == 0 or is_negligible(value):
        return Decimal("0", exact=value == 0)
    if written and len(written) <= digits + 3 and is_decimal(written) and Fraction(written) == value:
        return Decimal(written, exact=True)
    number = float(value)
    in_range = value == 0 or (number != 0 and is_finite(number))
    scientific = f"{number:.{digits - 1}e}" if in_range else exact.scientific(value, digits)
    mantissa, _, power = scientific.partition("e")
    is_plain = SMALLEST_PLAIN <= int(power) < _LARGEST_PLAIN
    text = f"{float(f'{number:.{digits - 1}e}'):.{max(digits - 1 - int(power), 0)}f}" if is_plain else mantissa
    exponent = 0 if is_plain else int(power)
    is_exact = isinstance(value, Fraction | int) and Fraction(text) * Fraction(10) ** exponent == value
    if is_exact and "." in text:
        text = text.rstrip("0").rstrip(".")
    return Decimal(text, exponent, is_exact)


def equality(left: LabelPart, number: Decimal) -> Label:
    """Return `left = number`, or `left ≈ number` where the number is rounded."""
    return (left, " = " if number.exact else " ≈ ", number)


class Numbers:
    """The numbers in the figures of a solution: those that the problem states, and those of the first step, if any.

    What has a number in each sample has none of its own.
    """

    def __init__(self, solution: Solution) -> None:
        self._stated = solution.derivation.stated_numbers
        self._values = solution.steps[0].values if solution.steps else None
        self._batched = solution.derivation.elements.batched

    def stated(self, name: str) -> Given | None:
        """Return the number that the problem states of an element."""
        return self._stated.get(Scalar(name))

    def value(self, name: str) -> tuple[Decimal, ...]:
        """Return the value of an element, or nothing."""
        given = self.stated(name)
        if given is not None:
            return (decimal(given.value, written=given.text),)
        return () if self._values is None or name in self._batched else (decimal(self._values.value(name)),)

    def gradient(self, name: str) -> tuple[Decimal, ...]:
        """Return the gradient by an element, or nothing."""
        return () if self._values is None or name in self._batched else (decimal(self._values.gradient(name)),)


def told(names: Iterable[str], notation: Notation, numbers: Numbers) -> dict[str, Message]:
    """Return what is said of elements with a value: the value, and the gradient if there is one."""
    found: dict[str, Message] = {}
    for name in names:
        for value in numbers.value(name):
            gradients = tuple(map(plain, numbers.gradient(name)))
            key = ("number" if gradients else "value") + ("" if value.exact else "_about")
            words = {"name": str(plain(notation.symbol(name))), "value": plain(value)}
            found[name] = message(f"alternative.{key}", **words, **dict(zip(("gradient",), gradients, strict=False)))
    return found


def plain(part: LabelPart) -> str | Message:
    """Return a piece of a label as text that can be read aloud; a phrase stays one.

    >>> plain(Symbol("w", ("5",))), plain(Decimal("2.5", -7))
    ('w5', '2.5e-7')
    """
    match part:
        case Symbol(base, lower, upper):
            return base + "".join(str(plain(piece)) for piece in lower) + "".join(upper)
        case Decimal(text, exponent):
            return f"{text}e{exponent}" if exponent else text
        case _:
            return part


_NARROW, _WIDE = frozenset(".,:;()[]|!ijlft' "), frozenset("WMmwΣΩ∂≈=+−×")
SCRIPT = 0.72
"""How large an index is beside its letter."""


def width(label: Label) -> float:
    """Return roughly how wide a label is, in units of its size.

    >>> width(("12",)) < width(("mm",))
    True
    """
    return sum(map(_width, label))


def _width(part: LabelPart) -> float:
    match part:
        case Symbol(base, lower, upper):
            below = sum(_width(piece) for piece in lower) + 0.25 * max(len(lower) - 1, 0)
            above = sum(map(_width, upper))
            name = 0.6 if base in GREEK_BY_NAME else text_width(base)
            return name + SCRIPT * max(below, above)
        case Decimal(text, exponent):
            return text_width(text) + (1.8 + SCRIPT * text_width(str(exponent)) if exponent else 0)
        case Message():
            return 7.0
        case _:
            return text_width(part)


def text_width(text: str) -> float:
    """Return roughly how wide a text is, in units of its size."""
    return sum(0.3 if c in _NARROW else 0.8 if c in _WIDE else 1.0 if ord(c) > 0x2E7F else 0.57 for c in text)
