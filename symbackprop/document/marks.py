"""Formula nodes that exist only on paper: shown numbers, derivatives to be printed, braces, boxes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from symbackprop.formula import Node
from symbackprop.notation import Symbol


class Tone(StrEnum):
    """What a number belongs to; formats may colour it."""

    PLAIN = "plain"
    FORWARD = "forward"
    BACKWARD = "backward"


@dataclass(frozen=True, slots=True)
class Numeral:
    """A printed number: mantissa as decimal text, power of ten (0: none), or numerator and denominator."""

    text: str
    exponent: int = 0
    denominator: str = ""


@dataclass(frozen=True, slots=True)
class Shown(Node):
    """A number as it stands on paper: what is printed, its exact printed value, whether anything was rounded."""

    numeral: Numeral
    value: Fraction
    exact: bool
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Local(Node):
    """∂of/∂by, to be printed."""

    of: Node
    by: Node


@dataclass(frozen=True, slots=True)
class Braced(Node):
    """A formula with a brace under it and a label under the brace."""

    body: Node
    label: Node


@dataclass(frozen=True, slots=True)
class Boxed(Node):
    """A result."""

    body: Node


@dataclass(frozen=True, slots=True)
class Letter(Node):
    """A symbol that is no quantity of the graph (the learning rate)."""

    symbol: Symbol


@dataclass(frozen=True, slots=True)
class Updated(Node):
    """A parameter after the update."""

    name: str


@dataclass(frozen=True, slots=True)
class Gradient(Node):
    """∂output/∂name, always printed as a fraction (an `Adjoint` may have a symbol of its own, δ)."""

    name: str
    sample: int | None = None


@dataclass(frozen=True, slots=True)
class Assigned(Node):
    """`target ← value`, in an algorithm."""

    target: Node
    value: Node


@dataclass(frozen=True, slots=True)
class Equality(Node):
    """`left = right` inside a sentence."""

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class OverSamples(Node):
    """The sum of a formula over the samples n = 1 … count."""

    body: Node
    count: int


@dataclass(frozen=True, slots=True)
class Range(Node):
    """`first, …, last`."""

    first: Node
    last: Node


@dataclass(frozen=True, slots=True)
class About(Node):
    """`≈ body`: a given number that is shown rounded."""

    body: Shown


@dataclass(frozen=True, slots=True)
class Slope(Node):
    """d/dby of a formula, to be printed."""

    of: Node
    by: Node
