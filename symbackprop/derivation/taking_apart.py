"""Long formulas taken apart: what is nested deeply or multiplied many times becomes quantities of its own, u1, u2, ….

The derivative of a formula has as many factors as functions stand inside each other, and as many terms as factors are
multiplied. A short formula stays as it was written. In a long one every piece of a few operations is a quantity: each has a
short derivative, the reverse sweep joins them, and what is written grows as the formula does.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator

from symbackprop.algebra.branches import WHERE, Choice, choice_of
from symbackprop.algebra.formula import (
    Apply,
    Indexed,
    Name,
    Node,
    Product,
    Slot,
    Sum,
    Transposed,
    depth,
    map_children,
)
from symbackprop.algebra.functions import has_value, nested_activations, reads_nothing, written_size
from symbackprop.errors import ProblemError
from symbackprop.messages import message

LONG_PARTS, LONG_LEVELS = 60, 8
"""A formula of more parts, or with more levels, is taken apart."""

OWN_PARTS, OWN_LEVELS, OWN_NESTED = 100, 12, 4
"""Likewise an activation of the user's own: of more parts, its functions written out; of more levels; or with more
activations inside each other, of which a loss and an equation have no more either."""

_PARTS, _LEVELS, _WIDTH = 24, 4, 8
"""Of a piece: its parts, its levels, its terms or factors."""

_LETTERS = ("u", "q", "r", "p", "s", "h", "c", "g", "k", "n")


def free_letter(used: Iterable[str]) -> str:
    """Return a letter for pieces that nothing else is called by; where all are used, a word.

    >>> free_letter(["u", "w"])
    'q'
    """
    taken = {each.lower() for each in used}
    return next((letter for letter in _LETTERS if letter not in taken), "piece")


def is_long(formula: Node) -> bool:
    """Say whether a formula is to be taken apart: one of its terms, if it is a sum, is long or deep."""
    terms = formula.terms if isinstance(formula, Sum) else (formula,)
    return any(_size(term) > LONG_PARTS or depth(term) > LONG_LEVELS for term in terms)


def is_long_activation(body: Node) -> bool:
    """Say whether an activation of the user's own is to be taken apart."""
    return depth(body) > OWN_LEVELS or nested_activations(body) > OWN_NESTED or written_size(body) > OWN_PARTS


def with_condition(choice: Choice, condition: Node) -> Node:
    """Return a choice by another formula of the same condition, its branches as they were written.

    Raises `ProblemError` for a long branch: its pieces may have no values where it is not chosen, so that none are made.
    """
    if any(is_long(branch) or nested_activations(branch) > OWN_NESTED for branch in choice[1:]):
        raise ProblemError(message("graph.long_branch"))
    return Apply(WHERE, (condition, choice.holding, choice.otherwise))


def _size(node: Node) -> int:
    """Return the number of parts of a formula; what reads nothing is no part."""
    inside = sum(map(_size, node))
    return 1 + inside if inside or isinstance(node, Name | Slot) else 0


class TakingApart:
    """The pieces of the formulas of one graph; equal pieces are one quantity.

    `define` makes a quantity of a name and a formula; `letter` is what pieces are called, with their number behind it.
    """

    def __init__(self, define: Callable[[str, Node], None], letter: str) -> None:
        self._define = define
        self._names: Iterator[str] = (f"{letter}{number}" for number in itertools.count(1))
        self._known: dict[Node, Name] = {}

    def shortened(self, formula: Node) -> Node:
        """Return an equal formula over pieces, the formula itself where it is not long."""
        if not is_long(formula):
            return formula
        if isinstance(formula, Sum):
            return map_children(formula, lambda term: self.taken_apart(term) if is_long(term) else term)
        return self.taken_apart(formula)

    def taken_apart(self, formula: Node) -> Node:
        """Return an equal formula of a few operations between pieces.

        What stands in one branch alone has a value only where that branch is chosen, and stays as it was written.
        """
        choice = choice_of(formula)
        if choice is not None:
            return with_condition(choice, self.taken_apart(choice.condition))
        found = self._grouped(map_children(formula, self._opened))
        is_small = _size(found) <= _PARTS and depth(found) <= _LEVELS
        return found if is_small else map_children(found, self.piece)

    def _opened(self, part: Node) -> Node:
        """Return a part of a formula as a small one; an activation is a piece in any case."""
        found = self.taken_apart(part)
        return self.piece(found) if has_value(found) else found

    def _grouped(self, node: Node) -> Node:
        """Return a long sum or product as one of pieces, each of a few terms or factors."""
        if not isinstance(node, Sum | Product):
            return node
        parts = tuple(node)
        while len(parts) > _WIDTH:
            groups = [parts[start : start + _WIDTH] for start in range(0, len(parts), _WIDTH)]
            parts = tuple(self.piece(type(node)(group)) if len(group) > 1 else group[0] for group in groups)
        return node if parts == tuple(node) else type(node)(parts)

    def piece(self, formula: Node) -> Node:
        """Return the name of the quantity that is a formula; what is a name or a constant already is itself."""
        if _is_picked(formula) or reads_nothing(formula):
            return formula
        if formula not in self._known:
            self._known[formula] = Name(next(self._names))
            self._define(self._known[formula].name, formula)
        return self._known[formula]


def _is_picked(node: Node) -> bool:
    """Say whether a formula only picks elements of a quantity."""
    while isinstance(node, Indexed | Transposed):
        node = node.operand
    return isinstance(node, Name)
