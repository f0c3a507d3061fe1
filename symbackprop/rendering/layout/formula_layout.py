"""What lays out formulas: the notation and the place that it does so in, and a rule for each kind of node.

The rules are in the modules beside this one, a table in each; `layout.of` puts them together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from symbackprop.algebra.formula import Adjoint, Name, Node
from symbackprop.derivation.derivations import Derivation
from symbackprop.document.display_nodes import Delta, Gradient, Shown, Substitute
from symbackprop.graph.notation import Notation
from symbackprop.rendering.layout.boxes import SLASH, Box, Fraction, Kept, Sign, parenthesised
from symbackprop.rendering.layout.widths import width

SUMMED, SIGNED, PRODUCT, POWER, ATOM = range(5)
"""How tightly a formula holds together; a looser one inside a tighter place gets parentheses."""

LaidOut = tuple[Box, int]
"""The box of a formula, and how tightly it holds together."""

Rules = Mapping[type[Node], Callable[["Layout", Any], LaidOut]]

Named = Name | Adjoint | Gradient | Delta | Substitute
NAMED = frozenset((Name, Adjoint, Gradient, Delta, Substitute))
"""The nodes that are a name, in a sample or in none."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Lays out formulas in one notation.

    `tones` gives what a format calls a number of each tone, if anything; `inline` has derivatives and numerical fractions
    with a slash: in a sentence, an exponent, an index, under a brace. `rows` says that vectors are rows; `over` is the
    letter that marks the names of a sample inside a sum over the samples. Sums wider than `room` are set in lines
    (0: none is), as wide as `measure` finds them. `names` keeps the boxes of names, `others` the same layout in other
    places.
    """

    rules: Rules
    notation: Notation
    tones: Mapping[str, str]
    rows: bool = False
    measure: Callable[[Box], float] = width
    inline: bool = False
    over: str = ""
    room: float = 0.0
    names: dict[tuple[Any, ...], LaidOut] = field(default_factory=dict, repr=False, compare=False)
    others: dict[tuple[Any, ...], Layout] = field(default_factory=dict, repr=False, compare=False)

    def box(self, node: Node) -> Box:
        """Return a formula as boxes."""
        return self.rules[type(node)](self, node)[0]

    def laid_out(self, node: Node) -> LaidOut:
        """Return a formula as boxes, and how tightly it holds together."""
        return self.rules[type(node)](self, node)

    def inside(self, node: Node, place: int) -> Box:
        """Return a formula for a place that binds as tightly as `place`: in parentheses if it is looser."""
        box, strength = self.rules[type(node)](self, node)
        return box if strength >= place else parenthesised(box)

    @property
    def inlined(self) -> Layout:
        """The layout of what stands in a sentence."""
        return self if self.inline else self._elsewhere(True, self.over, self.room)

    def summed_over(self, letter: str) -> Layout:
        """Return the layout inside a sum over the samples, whose names are marked with a letter."""
        return self._elsewhere(self.inline, letter, self.room)

    def in_room(self, room: float) -> Layout:
        """Return the layout where a sum has some room."""
        return self._elsewhere(self.inline, self.over, room)

    def in_notation(self, notation: Notation, over: str) -> Layout:
        """Return the layout of another notation."""
        place = self.inline, over, self.room, id(notation)
        found = self.others.get(place)
        if found is None:
            found = self.others[place] = replace(self, notation=notation, over=over, names={}, others={})
        return found

    def of_problem(self, derivation: Derivation) -> Layout:
        """Return the layout of another problem."""
        problem = derivation.problem
        notation = Notation.of(derivation.graph, problem.notation)
        return replace(self, notation=notation, rows=problem.layout == "row", names={}, others={})

    def _elsewhere(self, inline: bool, over: str, room: float) -> Layout:
        place = inline, over, room
        found = self.others.get(place)
        if found is None:
            found = self.others[place] = replace(self, inline=inline, over=over, room=room)
        return found

    def sample(self, node: Named) -> int | str | None:
        """Return the sample that a name is marked with: n inside a sum over the samples."""
        if node.sample is not None or not self.over or not self.notation.quantity(node.name).batched:
            return node.sample
        return self.over

    def small(self, node: Node) -> Box:
        """Return a formula for an exponent, an index or a label under a brace."""
        return self.inlined.box(node)

    def derivative(self, of: Box, by: Box) -> LaidOut:
        """Return ∂of/∂by."""
        above, below = (PARTIAL, of), (PARTIAL, by)
        return (above, SLASH, below) if self.inline else Fraction(above, below), PRODUCT

    def is_derivative(self, node: Node) -> bool:
        """Say whether a gradient is printed as ∂L/∂name, for want of a symbol."""
        if isinstance(node, Adjoint):
            return self.notation.negative_delta or self.notation.delta(node.name) is None
        return isinstance(node, Gradient)


PARTIAL = Sign("∂")


def remembered(rule: Callable[[Layout, Any], LaidOut], *, slashed: bool = False) -> Callable[[Layout, Any], LaidOut]:
    """Return the rule of a name, which is laid out once, however often a document has it.

    `slashed` says that it may be a derivative, which is another one in a sentence.
    """

    def kept(layout: Layout, node: Named) -> LaidOut:
        key = rule, node.name, node.sample, layout.over, slashed and layout.inline
        found = layout.names.get(key)
        if found is None:
            box, strength = rule(layout, node)
            found = layout.names[key] = Kept(box, {}, []), strength
        return found

    return kept


def is_numeric(node: Node) -> bool:
    """Say whether a number as it stands on paper is somewhere in a formula."""
    waiting = [node]
    for part in waiting:
        kind = type(part)
        if kind is Shown:
            return True
        if kind not in NAMED:
            waiting += kind.read(part)
    return False
