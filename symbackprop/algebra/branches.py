"""Comparisons and branches: what `x > 0` and `where(x > 0, a, b)` are in a formula, and how they are taken apart again.

A comparison is a step function, 1 where it holds and 0 elsewhere, of what it compares with 0. `where` chooses between two
formulas by one: only the chosen one has to have a value, and the comparison itself has no derivative.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from symbackprop.algebra.formula import ZERO, Apply, Negative, Node, Sum

WHERE = "where"
"""The function that chooses: of a comparison, what is taken where it holds, and what is taken elsewhere."""

SIGNS = ("<", "<=", ">", ">=")
"""The signs of comparisons."""

_OPPOSITES = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


class Comparison(NamedTuple):
    """Two formulas and the sign between them."""

    left: Node
    sign: str
    right: Node

    @property
    def opposite(self) -> Comparison:
        """What holds wherever this one does not."""
        return self._replace(sign=_OPPOSITES[self.sign])


class Choice(NamedTuple):
    """The parts of an application of `where`."""

    condition: Apply
    holding: Node
    otherwise: Node


def step_of(comparison: Comparison) -> Apply:
    """Return what is 1 where a comparison holds and 0 elsewhere.

    >>> from symbackprop.algebra.formula import Name
    >>> step_of(Comparison(Name("x"), ">=", ZERO))
    Apply(function='step', arguments=(Name(name='x', sample=None),), at_kink=Fraction(1, 1), ...
    """
    left, sign, right = comparison
    difference = left if right == ZERO else Sum((left, Negative(right)))
    return Apply("step", (difference if sign[0] == ">" else Negative(difference),), Fraction("=" in sign))


def comparison_of(step: Apply) -> Comparison:
    """Return what a step function compares, as it was written.

    >>> from symbackprop.algebra.formula import Name
    >>> written = Comparison(Name("x"), "<", Name("y"))
    >>> comparison_of(step_of(written)) == written
    True
    """
    (difference,) = step.arguments
    sign = "<" if isinstance(difference, Negative) else ">"
    difference = difference.operand if isinstance(difference, Negative) else difference
    sign += "=" * bool(step.at_kink)
    match difference:
        case Sum((left, Negative(right))):
            return Comparison(left, sign, right)
    return Comparison(difference, sign, ZERO)


def is_comparison(node: Node) -> bool:
    """Say whether a formula is 1 or 0 as a comparison holds or not."""
    return isinstance(node, Apply) and node.function == "step" and node.at_kink in (0, 1)


def choice_of(node: Node) -> Choice | None:
    """Return the parts of a formula that is an application of `where`, None for any other."""
    if not isinstance(node, Apply) or node.function != WHERE or node.body:
        return None
    condition, holding, otherwise = node.arguments
    return Choice(condition, holding, otherwise) if isinstance(condition, Apply) and is_comparison(condition) else None


def always_computed(node: Node) -> Iterator[Node]:
    """Yield a formula and what is inside it, outermost first, without what only one branch needs.

    >>> from symbackprop.algebra.formula import Name
    >>> chosen = Apply(WHERE, (step_of(Comparison(Name("x"), ">", ZERO)), Name("y"), Name("z")))
    >>> [part.name for part in always_computed(chosen) if isinstance(part, Name)]
    ['x']
    """
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        choice = choice_of(part)
        waiting += [choice.condition] if choice else tuple(part)[::-1]


def moving(node: Node) -> Iterator[Node]:
    """Yield a formula and what is inside it, outermost first, without what its derivative does not ask for: comparisons."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if not (isinstance(part, Apply) and part.function == "step"):
            yield part
            waiting += tuple(part)[::-1]


def outside_conditions(node: Node) -> Iterator[Node]:
    """Yield a formula and what is inside it, outermost first, without what branches are chosen by."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        choice = choice_of(part)
        waiting += (choice[1:] if choice else tuple(part))[::-1]
