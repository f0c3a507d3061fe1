"""Formula nodes that exist only on paper: shown numbers, derivatives to be printed, braces, boxes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from symbackprop.algebra.broadcasting import Shape
from symbackprop.algebra.formula import (
    ONE,
    Adjoint,
    Name,
    Negative,
    Node,
    Stack,
    Sum,
    added,
    map_children,
    rewrite,
    walk,
)
from symbackprop.algebra.shapes import shape_of
from symbackprop.arithmetic import exact
from symbackprop.arithmetic.exact import Exact
from symbackprop.graph.notation import Notation, Symbol
from symbackprop.graph.quantities import Graph


class Tone(StrEnum):
    """What a number belongs to; formats may colour it."""

    PLAIN = "plain"
    FORWARD = "forward"
    BACKWARD = "backward"


@dataclass(frozen=True, slots=True)
class Numeral:
    """A printed number: mantissa as decimal text, power of ten (0: none), or numerator and denominator.

    A number that is printed as a formula, 1/2 − ln(3), has it in `formula` and in words of a problem file in `text`.
    """

    text: str
    exponent: int = 0
    denominator: str = ""
    formula: Node | None = None


@dataclass(frozen=True, slots=True)
class Shown(Node):
    """A number as it stands on paper: what is printed, its exact printed value, whether anything was rounded."""

    numeral: Numeral
    value: Exact
    exact: bool
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Local(Node, children=("of", "by")):
    """∂of/∂by, to be printed."""

    of: Node
    by: Node


@dataclass(frozen=True, slots=True)
class Braced(Node, children=("body", "label")):
    """A formula with a brace under it and a label under the brace."""

    body: Node
    label: Node


@dataclass(frozen=True, slots=True)
class Apart(Node, children=("body",)):
    """A factor that stands apart from the others, as one with a brace does."""

    body: Node


@dataclass(frozen=True, slots=True)
class Boxed(Node, children=("body",)):
    """A result."""

    body: Node


@dataclass(frozen=True, slots=True)
class Inequality(Node, children=("left", "right")):
    """Left and right with `<`, `<=`, `>`, `>=` or, of cases, `=` between them: a condition."""

    left: Node
    sign: str
    right: Node


@dataclass(frozen=True, slots=True)
class Letter(Node):
    """A symbol that is no quantity of the graph (the learning rate)."""

    symbol: Symbol


@dataclass(frozen=True, slots=True)
class Lettered(Node):
    """A number of the problem that is printed as a letter where formulas are in letters: λ, the strength of a penalty."""

    symbol: Symbol
    value: Fraction


@dataclass(frozen=True, slots=True)
class Blank(Node):
    """A line to write an answer on."""


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
class Delta(Node):
    """δ of a pre-activation where it stands for −∂output/∂name."""

    name: str
    sample: int | None = None


@dataclass(frozen=True, slots=True)
class AllSamples(Node, children=("body",)):
    """A quantity, or the gradient by it, of all samples in one array: a row for each sample, or a column."""

    body: Node

    @property
    def name(self) -> str:
        """The code name of the quantity."""
        return str(getattr(self.body, "name", ""))


@dataclass(frozen=True, slots=True)
class Substitute(Node):
    """What a sequential update has in place of ∂output/∂name: its formula with weights that are updated already."""

    name: str
    sample: int | None = None


@dataclass(frozen=True, slots=True)
class Assigned(Node, children=("target", "value")):
    """`target ← value`, in an algorithm."""

    target: Node
    value: Node


@dataclass(frozen=True, slots=True)
class Equality(Node, children=("left", "right")):
    """`left = right` inside a sentence, `left ≈ right` where `right` is a rounded number."""

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class OverSamples(Node, children=("body",)):
    """The sum of a formula over the samples n = 1 … count, or over those of the step's batch."""

    body: Node
    count: int
    of_batch: bool = False


def over_samples(formula: Node, count: int, is_batched: Callable[[str], bool]) -> Node:
    """Return a formula added over the samples; terms that are the same in every sample stand beside the sum.

    `is_batched` says whether a named quantity has a value in every sample.
    """

    def spans(part: Node) -> bool:
        sampled = (Name, Adjoint, Gradient, Delta)
        return any(isinstance(each, sampled) and is_batched(each.name) for each in walk(part))

    def added_up(part: Node) -> Node:
        if isinstance(part, Negative):
            return Negative(added_up(part.operand))
        if isinstance(part, Stack) and any(
            isinstance(each, Sum) and len(set(map(spans, each.terms))) > 1 for each in walk(part)
        ):
            return map_children(part, added_up)
        terms = part.terms if isinstance(part, Sum) else (part,)
        inside = tuple(term for term in terms if spans(term))
        if not inside:
            return part
        beside = tuple(term for term in terms if not spans(term))
        return added((OverSamples(added(inside), count), *beside))

    return added_up(formula)


@dataclass(frozen=True, slots=True)
class Size(Node, children=("body",)):
    """The number of members of a set."""

    body: Node


@dataclass(frozen=True, slots=True)
class Range(Node, children=("first", "last")):
    """`first, …, last`."""

    first: Node
    last: Node


@dataclass(frozen=True, slots=True)
class Dots(Node):
    """Terms of a sum that are left out."""


@dataclass(frozen=True, slots=True)
class About(Node, children=("body",)):
    """`≈ body`: a given number that is shown rounded."""

    body: Shown


@dataclass(frozen=True, slots=True)
class DerivativeOf(Node, children=("of", "by")):
    """d/dby of a formula, to be printed."""

    of: Node
    by: Node


@dataclass(frozen=True, slots=True)
class Shaped(Node, children=("body",)):
    """An array with its shape under it."""

    body: Node
    shape: Shape


@dataclass(frozen=True, slots=True)
class Grid(Node, sequence="entries"):
    """The numbers of a vector (one column, or one row in row layout) or of a matrix, row by row."""

    entries: tuple[Shown, ...]
    columns: int

    @property
    def rows(self) -> tuple[tuple[Shown, ...], ...]:
        """The rows of the matrix."""
        return tuple(self.entries[start : start + self.columns] for start in range(0, len(self.entries), self.columns))


@dataclass(frozen=True, slots=True)
class Listed(Node, sequence="items"):
    """The numbers of a long vector side by side."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Summation(Node, children=("body",)):
    """A sum over the units of a layer, all but the unit `other` if there is one; over the samples if `layer` is None."""

    body: Node
    index: str
    layer: int | None
    other: str = ""


@dataclass(frozen=True, slots=True)
class Sized(Node, children=("body",)):
    """An array with its shape under it: the layers whose numbers of units these are, None for 1."""

    body: Node
    layers: tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Width(Node):
    """The number of units of a layer."""

    layer: int


@dataclass(frozen=True, slots=True)
class General(Node, children=("body",)):
    """A formula over the network of symbols, in the notation that calls its layers l and l + 1, or L.

    In a batch it is about sample n.
    """

    body: Node
    notation: Notation


@dataclass(frozen=True, slots=True)
class Origin:
    """The part of the previous line that a number replaces (no node itself, so that walking a line stays in that line)."""

    formula: Node


@dataclass(frozen=True, slots=True)
class Leaf(Node):
    """A number before it is decided how to print it."""

    value: exact.Exact
    tone: Tone = Tone.PLAIN
    written: str = ""
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Total(Node, children=("body",)):
    """The sum of a formula over the outputs, index = 1 … count."""

    body: Node
    index: str
    count: int


@dataclass(frozen=True, slots=True)
class Same(Node, children=("left", "right")):
    """1 where two indices are equal, else 0 (Kronecker's delta)."""

    left: Letter
    right: Letter


@dataclass(frozen=True, slots=True)
class Case(Node, children=("body", "condition")):
    """What a function is where a condition holds."""

    body: Node
    condition: Node


@dataclass(frozen=True, slots=True)
class Cases(Node, sequence="cases"):
    """A function given by cases, of which just one holds."""

    cases: tuple[Case, ...]


def unmarked(formula: Node) -> Node:
    """Return a formula without marks of shapes."""
    return rewrite(formula, lambda part: unmarked(part.body) if isinstance(part, Shaped) else None)


def shape_on_paper(graph: Graph, formula: Node) -> Shape:
    """Return the shape of a formula between arrays, whatever its parts are on paper; elements are single numbers."""

    def known(part: Node) -> Node | None:
        if not isinstance(part, Name | Adjoint | Delta | Substitute | Gradient | Updated):
            return None
        return Name(part.name) if part.name in graph.shapes else ONE

    return shape_of(rewrite(unmarked(formula), known), graph.shapes, "")
