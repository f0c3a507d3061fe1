"""A formula over numbers, line by line down to its value: innermost functions first, then terms, factors, the whole."""

from __future__ import annotations

import functools
from fractions import Fraction

from symbackprop.algebra import functions
from symbackprop.algebra.branches import choice_of
from symbackprop.algebra.formula import (
    Apply,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    map_children,
    rewrite,
)
from symbackprop.arithmetic import exact
from symbackprop.arithmetic.perturbed_rationals import PerturbedRational
from symbackprop.arithmetic.real_numbers import Logarithm
from symbackprop.document.display_nodes import Leaf, Origin, Tone

_NOISE = exact.Real("1e-44")


def reduction_steps(first: Node, tone: Tone) -> list[Node]:
    """Return a formula over leaves, line by line down to its value."""
    steps = [_unsigned(first)]
    while not isinstance(steps[-1], Leaf):
        steps.append(_written_out(steps[-1]) or _evaluated(steps[-1], tone) or _reduced(steps[-1], tone))
    return steps


def chosen(node: Node) -> Node:
    """Return a formula over leaves with the branches that hold in the places of those that could, 1 or 0 for a condition."""

    def branch(part: Node) -> Node | None:
        choice = choice_of(part)
        if choice is None:
            return Leaf(_value(part)) if isinstance(part, Apply) and part.function == "step" else None
        branch = chosen(choice.holding if _value(choice.condition) else choice.otherwise)
        return Leaf(branch.value) if isinstance(branch, Number) else branch

    return rewrite(node, branch)


def _written_out(node: Node) -> Node | None:
    """Return a formula with its activations of numbers written out; None where there is none."""

    def definition(part: Node) -> Node | None:
        if not isinstance(part, Apply) or part.function == "step" or not all(map(_is_simple, part.arguments)):
            return None
        return functions.expanded(part)

    found = rewrite(node, definition)
    return None if found is node else found


def _unsigned(node: Node) -> Node:
    """Return a formula in which no minus stands in front of a first factor 0; one that subtracts stays."""
    match node:
        case Sum(terms):
            others = [Negative(_unsigned(t.operand)) if isinstance(t, Negative) else _unsigned(t) for t in terms[1:]]
            return Sum((_unsigned(terms[0]), *others))
        case Negative(operand) if _begins_with_zero(operand):
            return _unsigned(operand)
        case Apply():
            return node  # e^{-0} shows what was put in for z
    return map_children(node, _unsigned)


def _begins_with_zero(node: Node) -> bool:
    first = node.factors[0] if isinstance(node, Product) else node
    return isinstance(first, Leaf) and first.value == 0


def leaf_value(part: Node) -> exact.Exact | None:
    """Return the number of a leaf, None for any other part of a formula."""
    return part.value if isinstance(part, Leaf) else None


def _value(node: Node) -> exact.Exact:
    return exact.evaluate(node, leaf_value)


def _collapsed(node: Node, tone: Tone) -> Node:
    if isinstance(node, Leaf):
        return node
    if isinstance(node, Number):
        return Leaf(node.value)
    value = _total(node.terms) if isinstance(node, Sum) else _value(node)
    return Leaf(value, tone, origin=Origin(node))


def _total(terms: tuple[Node, ...]) -> exact.Exact:
    """Return a sum; one that 50 digits cannot tell from 0 is 0."""
    values = [_value(term) for term in terms]
    total = functools.reduce(exact.add, values)
    if (
        isinstance(total, Fraction | Logarithm)
        or total == 0
        or any(isinstance(each, PerturbedRational) for each in values)
    ):
        return total
    largest = max(abs(exact.to_real(value)) for value in values)
    return Fraction(0) if abs(total) < largest * _NOISE else total


def _evaluated(node: Node, tone: Tone) -> Node | None:
    """Return a formula with its innermost functions of plain numbers as numbers; None where there is none."""
    if all(map(_is_number, node)):
        return None
    found = rewrite(node, lambda part: _collapsed(part, tone) if _is_ready_function(part) else None)
    return None if found is node else found


def _reduced(node: Node, tone: Tone) -> Node:
    """Return the next line of a formula without functions: the terms of a sum, the factors of a product, then the whole."""
    match node:
        case Negative(operand) if not _is_number(operand):
            return Negative(_reduced(operand, tone))
        case Quotient() if all(_is_simple(part) or _is_simple_sum(part) for part in node):
            return _collapsed(node, tone)
        case Sum() | Product() | Quotient() | Power() | Apply() if not all(map(_is_simple, node)):
            return map_children(node, lambda child: child if _is_simple(child) else _collapsed_part(child, tone))
    return _collapsed(node, tone)


def _collapsed_part(node: Node, tone: Tone) -> Node:
    """Return a part as a number; the minus in front of one that is negative or 0 goes into it."""
    if isinstance(node, Negative):
        size = _collapsed(node.operand, tone)
        return Negative(size) if _value(size) > 0 else _collapsed(node, tone)
    return _collapsed(node, tone)


def _is_number(node: Node) -> bool:
    return isinstance(node, Leaf | Number)


def _is_simple(node: Node) -> bool:
    return _is_number(node) or (isinstance(node, Negative) and _is_number(node.operand))


def _is_simple_sum(node: Node) -> bool:
    return isinstance(node, Sum) and all(map(_is_simple, node))


def _is_ready_function(node: Node) -> bool:
    """Say whether a node is a function of plain numbers (and not the whole of a line, which would leave no step)."""
    return type(node) is Apply and all(map(_is_simple, node.arguments))
