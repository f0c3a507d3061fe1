"""The boxes that a formula is laid out in: what stands where, in no dialect yet.

A dialect is a table from the kinds of boxes to functions that write them (`rendering.dialects`); how wide a box is, and
whether it is tall, are folds over the same kinds. A symbol is a box as the notation made it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, TypeGuard

from symbackprop.graph.notation import Symbol


class Number(NamedTuple):
    """Digits, with a minus or a point among them."""

    text: str


class Sign(NamedTuple):
    """A sign without any space around it. `-` is the sign of what follows, `−` stands between two things."""

    text: str


class Large(NamedTuple):
    """A sign larger than a letter, with its limits below and above it: a sum."""

    text: str


class Infix(NamedTuple):
    """A sign between two things, with the space that it wants."""

    text: str


class Space(NamedTuple):
    """Room between two things, in the width of the letter M."""

    ems: float


class Face(StrEnum):
    """How the letters of a word look: as text, as the name of a known function, or bold."""

    UPRIGHT = "upright"
    OPERATOR = "operator"
    BOLD = "bold"


class Word(NamedTuple):
    """Letters that are one name."""

    text: str
    face: Face = Face.UPRIGHT


class Text(NamedTuple):
    """Words of a sentence, as the format escapes them."""

    text: str


class Fraction(NamedTuple):
    """One above the other."""

    above: Box
    below: Box


class Root(NamedTuple):
    """A square root."""

    body: Box


class Scripts(NamedTuple):
    """What stands below and above the end of a box, or below and above a sum."""

    base: Box
    lower: Box | None = None
    upper: Box | None = None


class Group(NamedTuple):
    """What counts as one: an index belongs to all of it."""

    body: Box


class Fenced(NamedTuple):
    """A box between brackets; `tall` ones are as tall as what they hold."""

    opening: str
    body: Box
    closing: str
    tall: bool = False


class Braced(NamedTuple):
    """A box with a brace under it, and a label under the brace."""

    body: Box
    label: Box


class Under(NamedTuple):
    """A small box centred under another."""

    body: Box
    below: Box


class Framed(NamedTuple):
    """A result in a frame."""

    body: Box


class Toned(NamedTuple):
    """A number in a colour, by the name that the format has for it."""

    body: Box
    tone: str


class Matrix(NamedTuple):
    """Rows of cells in brackets."""

    rows: Sequence[Sequence[Box]]


class Cases(NamedTuple):
    """Formulas below each other behind a brace, each beside the condition under which it holds."""

    rows: Sequence[tuple[Box, Box]]


class Lines(NamedTuple):
    """Lines one below the other, as one formula."""

    lines: Sequence[Box]


class Blank(NamedTuple):
    """A line to write on."""


class Kept(NamedTuple):
    """A box that stands in many places: what each dialect writes for it is kept by name, and how wide it is."""

    body: Box
    texts: dict[str, str]
    widths: list[float]


Row = tuple["Box", ...]
"""Boxes side by side: a plain tuple, of which a formula has most."""

Box = (
    Row
    | Symbol
    | Number
    | Sign
    | Large
    | Infix
    | Space
    | Word
    | Text
    | Fraction
    | Root
    | Scripts
    | Group
    | Fenced
    | Braced
    | Under
    | Framed
    | Toned
    | Matrix
    | Cases
    | Lines
    | Blank
    | Kept
)

KINDS: tuple[type, ...] = tuple(getattr(kind, "__origin__", kind) for kind in Box.__args__)
"""Every kind of box; a dialect writes each."""

GAP, THIN, QUAD = Space(0), Space(0.17), Space(1)
EMPTY = Group(())
"""What a sign at the start of a line has before it, so that it stands between two things."""

PLUS, MINUS, CROSS, DOT = Infix("+"), Infix("-"), Infix("×"), Infix("·")
EQUAL, ABOUT, COMMA = Infix("="), Infix("≈"), Infix(",")
SUM, TOP, SLASH, NEGATIVE = Large("∑"), Sign("⊤"), Sign("/"), Sign("-")
ONES = Word("1", Face.BOLD)


def joined(between: Box, parts: Sequence[Box]) -> Row:
    """Return boxes side by side with another between each two."""
    return tuple([box for part in parts for box in (between, part)][1:])


def counted(index: str, count: Box) -> Scripts:
    """Return the sign of a sum over an index from 1 to a count."""
    return Scripts(SUM, (Symbol(index), Sign("="), Number("1")), count)


_CHILDREN: Mapping[type, Callable[[Any], Iterable[Box]]] = {
    **dict.fromkeys((tuple, Fraction, Root, Group, Braced, Under, Framed), iter),
    Scripts: lambda box: filter(None, box),
    Fenced: lambda box: (box.body,),
    Toned: lambda box: (box.body,),
    **dict.fromkeys((Matrix, Cases), lambda box: itertools.chain(*box.rows)),
    Lines: lambda box: box.lines,
    Kept: lambda box: (box.body,),
}
"""What returns the boxes directly inside each kind that has any."""


def walk(box: Box) -> list[Box]:
    """Return a box and every box inside it, outermost first."""
    found = [box]
    for part in found:
        if children := _CHILDREN.get(type(part)):
            found += children(part)
    return found


_TALL = frozenset((Large, Fraction, Matrix, Cases, Lines))


def is_tall(box: Box) -> bool:
    """Say whether a box is taller than a line: there is a fraction, a sum or an array in it."""
    return not _TALL.isdisjoint(map(type, walk(box)))


def is_row(box: Box | None) -> TypeGuard[Row]:
    """Say whether a box is some boxes side by side."""
    return type(box) is tuple


def bare(box: Box) -> Box:
    """Return a box itself, where it is kept."""
    return box.body if isinstance(box, Kept) else box


def parenthesised(box: Box) -> Fenced:
    """Return a box in parentheses, which are as tall as it is."""
    return Fenced("(", box, ")", is_tall(box))
