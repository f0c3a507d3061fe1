"""Lines of numbers that are true: a formula with numbers, its steps, its result, with digits found so that each line checks.

Every `=` joins things that are exactly equal. Every `≈` is tried: the printed operands, evaluated at 50 digits, round to the
next printed number; where they do not, the operands get guard digits until they do.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from symbackprop import arithmetic
from symbackprop.document.marks import Shown, Tone
from symbackprop.document.numerals import Style, rounded, show, to_fraction
from symbackprop.errors import EvaluationError, Message
from symbackprop.formula import (
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
    walk,
)

MOST_GUARD_DIGITS = 12
_NOISE = Fraction(1, 10**44)


class Relation(StrEnum):
    """How a formula relates to the one before it."""

    EQUAL = "equal"
    ABOUT = "about"


@dataclass(frozen=True, slots=True)
class Origin:
    """The part of the previous line that a number replaces (no node itself, so that walking a line stays in that line)."""

    formula: Node


@dataclass(frozen=True, slots=True)
class Leaf(Node):
    """A number before it is decided how to print it."""

    value: arithmetic.Exact
    tone: Tone = Tone.PLAIN
    written: str = ""
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A formula as printed, and its relation to what stands before it.

    `opens` says that a long chain should be broken here: a new thought begins. `reason` names the rule behind the step.
    """

    relation: Relation
    formula: Node
    opens: bool = False
    reason: Message | None = None


def lines(first: Node, style: Style, tone: Tone) -> tuple[Step, ...]:
    """Return the printed lines from a formula over leaves to its value: substituted, step by step, result.

    `tone` is that of the result and of the intermediate results.
    """
    stages = list(_stages(first, tone))
    return _printed(stages, style)


def _stages(first: Node, tone: Tone) -> Iterator[Node]:
    stage = first
    yield stage
    while not isinstance(stage, Leaf):
        stage = _reduced(stage, tone)
        yield stage


def _value(node: Node) -> arithmetic.Exact:
    return arithmetic.evaluate(node, lambda part: part.value if isinstance(part, Leaf) else None)


def _collapsed(node: Node, tone: Tone) -> Node:
    if isinstance(node, Leaf):
        return node
    if isinstance(node, Number):
        return Leaf(node.value)
    value = _value(node)
    if isinstance(node, Sum) and value != 0:
        largest = max(abs(to_fraction(_value(term))) for term in node.terms)
        if abs(to_fraction(value)) < largest * _NOISE:
            value = Fraction(0)
    return Leaf(value, tone, origin=Origin(node))


def _reduced(node: Node, tone: Tone) -> Node:
    """Return the next line: innermost functions first, then the terms of a sum, the factors of a product, then the whole."""
    if any(_is_ready_function(part) for part in walk(node)):
        return rewrite(node, lambda part: _collapsed(part, tone) if _is_ready_function(part) else None)
    match node:
        case Negative(operand) if not _is_number(operand):
            return Negative(_reduced(operand, tone))
        case Quotient() if all(_is_simple(part) or _is_simple_sum(part) for part in node):
            return _collapsed(node, tone)
        case Sum() | Product() | Quotient() | Power() | Apply() if not all(map(_is_simple, node)):
            return map_children(node, lambda child: child if _is_simple(child) else _collapsed_part(child, tone))
    return _collapsed(node, tone)


def _collapsed_part(node: Node, tone: Tone) -> Node:
    if isinstance(node, Negative):
        return Negative(_collapsed(node.operand, tone))
    return _collapsed(node, tone)


def _is_number(node: Node) -> bool:
    return isinstance(node, Leaf | Number)


def _is_simple(node: Node) -> bool:
    return _is_number(node) or (isinstance(node, Negative) and _is_number(node.operand))


def _is_simple_sum(node: Node) -> bool:
    return isinstance(node, Sum) and all(map(_is_simple, node))


def _is_ready_function(node: Node) -> bool:
    """Say whether a node is a function of plain numbers (and not the whole of a line, which would leave no step)."""
    return isinstance(node, Apply) and all(map(_is_simple, node.arguments))


def _printed(stages: list[Node], style: Style) -> tuple[Step, ...]:
    """Return the stages with their digits found.

    At the cap or on a near-tie the result gains or loses a digit. Where no operands of a readable length give the result
    (1 − a for an activation that is 1 to twenty digits), it stands alone: a line that does not check is not printed.
    """
    for digits in (style.digits, style.digits + 1, style.digits - 1):
        found = _with_digits(stages, style, digits) if digits else None
        if found is not None:
            return _related(found)
    return (Step(Relation.ABOUT, _shown_stage(stages[-1], style, 0), opens=True),)


def _with_digits(stages: list[Node], style: Style, digits: int) -> list[Node] | None:
    """Return the printed stages whose result has `digits` digits, or None when guard digits cannot make them true."""
    result = _shown_stage(stages[-1], Style(digits, style.fractions), 0)
    assert isinstance(result, Shown)
    found: list[Node] = [result]
    guard = 0
    following = _Following(stages[-1], result)
    for stage in reversed(stages[:-1]):
        for candidate in range(guard, MOST_GUARD_DIGITS + 1):
            shown = _shown_stage(stage, style, candidate)
            if _rounds_to(shown, result, digits) and following.follows(stage, style, candidate):
                guard = candidate
                break
        else:
            return None
        found.insert(0, shown)
        following = _Following(stage, shown)
    return found


@dataclass(frozen=True, slots=True)
class _Following:
    """A stage and how it is printed; its new numbers have to follow from the line before."""

    stage: Node
    shown: Node

    def follows(self, previous: Node, style: Style, guard: int) -> bool:
        """Say whether every number that replaces a part of the previous stage is that part, as printed, rounded."""
        pairs = zip(_numbers(self.stage), _numbers(self.shown), strict=True)
        parts = {id(part) for part in walk(previous)}
        return all(
            _rounds_to(_shown_stage(leaf.origin.formula, style, guard), shown, _digits_of(shown))
            for leaf, shown in pairs
            if isinstance(leaf, Leaf) and isinstance(shown, Shown) and leaf.origin and id(leaf.origin.formula) in parts
        )


def _numbers(node: Node) -> list[Node]:
    return [part for part in walk(node) if isinstance(part, Leaf | Shown)]


def _digits_of(shown: Shown) -> int:
    return len(shown.numeral.text.replace(".", "").lstrip("-0")) or 1


def _rounds_to(formula: Node, target: Shown, digits: int) -> bool:
    """Say whether a printed formula, evaluated at 50 digits, gives the printed number."""
    try:
        value = to_fraction(printed_value(formula))
    except EvaluationError:
        return False
    if target.exact:
        digits = max(digits, _digits_of(target))
        return value == target.value or rounded(value, digits) == rounded(target.value, digits)
    return rounded(value, digits) == target.value


def printed_value(formula: Node) -> arithmetic.Exact:
    """Return the value of a formula as printed."""
    return arithmetic.evaluate(formula, lambda part: part.value if isinstance(part, Shown) else None)


def _shown_stage(stage: Node, style: Style, guard: int) -> Node:
    def shown(part: Node) -> Node | None:
        if isinstance(part, Leaf):
            return show(part.value, style, guard=guard, tone=part.tone, written=part.written)
        return None

    return rewrite(stage, shown)


def _related(shown: list[Node]) -> tuple[Step, ...]:
    """Return the lines with their relations: equal where both sides are printed exactly and are equal, else about."""
    first = Relation.EQUAL if _is_exact(shown[0]) else Relation.ABOUT
    steps = [Step(first, shown[0], opens=True)]
    for before, after in itertools.pairwise(shown):
        relation = Relation.EQUAL if _is_exact(before) and _is_exact(after) and _same(before, after) else Relation.ABOUT
        if after != before:
            steps.append(Step(relation, after))
    return tuple(steps)


def _is_exact(shown: Node) -> bool:
    return all(part.exact for part in walk(shown) if isinstance(part, Shown))


def _same(before: Node, after: Node) -> bool:
    left, right = printed_value(before), printed_value(after)
    return isinstance(left, Fraction) and isinstance(right, Fraction) and left == right
