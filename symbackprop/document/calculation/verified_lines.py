"""Lines of numbers that are true: a formula with numbers, its steps, its result, with digits found so that each line checks.

Every `=` joins things that are exactly equal. Every `≈` is tried: the printed operands, evaluated at 50 digits, round to the
next printed number; where they do not, the operands get guard digits until they do.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from symbackprop.algebra.formula import Negative, Node, Number, Power, Product, Sum, map_children, walk
from symbackprop.arithmetic import exact
from symbackprop.arithmetic.exact import magnitude
from symbackprop.arithmetic.real_numbers import Logarithm
from symbackprop.document.blocks import Relation, Step
from symbackprop.document.calculation.numerals import (
    Style,
    decimal,
    halves_to_even,
    has_formula,
    rounded,
    show,
    spelled,
    to_fraction,
)
from symbackprop.document.calculation.reduction import stages_of
from symbackprop.document.display_nodes import Leaf, Shown, Tone
from symbackprop.errors import EvaluationError

MOST_GUARD_DIGITS = 12


def lines(first: Node, style: Style, tone: Tone) -> tuple[Step, ...]:
    """Return the printed lines from a formula over leaves to its value: substituted, step by step, result.

    `tone` is that of the result and of the intermediate results.
    """
    return _printed(stages_of(first, tone), style)


def _printed(stages: list[Node], style: Style) -> tuple[Step, ...]:
    """Return the stages with their digits found.

    At the cap or on a near-tie the result gains or loses a digit. Where no operands of a readable length give the result
    (1 − a for an activation that is 1 to twenty digits), it stands alone: a line that does not check is not printed.
    """
    paper = _Paper(style)
    for digits in (style.digits, style.digits + 1, style.digits - 1):
        found = _with_digits(paper, stages, digits) if digits else None
        if found is not None:
            return _related(found)
    return (Step(Relation.ABOUT, paper.shown(stages[-1], 0), opens=True),)


def _with_digits(paper: _Paper, stages: list[Node], digits: int) -> list[Node] | None:
    """Return the printed stages whose result has `digits` digits, or None when guard digits cannot make them true."""
    last = stages[-1]
    assert isinstance(last, Leaf)
    result = _print(last, Style(digits, paper.style.fractions), 0)
    found: list[Node] = [result.shown]
    guard = 0
    numbers = {id(last): result}
    for following, stage in itertools.pairwise(reversed(stages)):
        linked = _links(stage, following, numbers)
        for candidate in range(guard, MOST_GUARD_DIGITS + 1):
            if _rounds_to(paper, stage, candidate, result, digits) and all(
                _rounds_to(paper, formula, candidate, number, number.length) for formula, number in linked
            ):
                guard = candidate
                break
        else:
            return None
        found.insert(0, paper.shown(stage, guard))
        numbers = {id(part): paper.number(part, guard) for part in walk(stage) if isinstance(part, Leaf)}
    return found


def _links(previous: Node, stage: Node, numbers: Mapping[int, _Print]) -> list[tuple[Node, _Print]]:
    """Return the numbers of a stage, as printed, with what stood in their place before: a part, or the same number."""
    parts = {id(part) for part in walk(previous)}
    leaves = [leaf for leaf in walk(stage) if isinstance(leaf, Leaf)]
    replaced = [(leaf if id(leaf) in parts or not leaf.origin else leaf.origin.formula, leaf) for leaf in leaves]
    return [(part, numbers[id(leaf)]) for part, leaf in replaced if id(part) in parts]


def _rounds_to(paper: _Paper, formula: Node, guard: int, target: _Print, digits: int) -> bool:
    """Say whether a formula, printed with guard digits and evaluated at 50 digits, gives the printed number."""
    is_exact, goal = target.shown.exact, target.scaled
    if is_exact:
        digits = max(digits, target.length)
    value = None if goal is None else paper.scaled(formula, guard)
    if value is not None and goal is not None:
        if is_exact:
            return _is_same(value, goal) or _is_same(_shortened(value, digits), _shortened(goal, digits))
        return _is_same(_shortened(value, digits), goal) and not _is_halfway(value, digits)
    printed = target.shown.value
    try:
        found = paper.value(formula, guard)
    except EvaluationError:
        return False
    number = to_fraction(found)
    if is_exact:
        return bool(found == printed) or rounded(number, digits) == rounded(to_fraction(printed), digits)
    # What lies halfway, calculators round up and others to even: the operands need one digit more.
    is_tie = bool(number) and abs(number - printed) == decimal(5, magnitude(number) - digits)
    return bool(rounded(number, digits) == printed) and not is_tie


Scaled = tuple[int, int]
"""A decimal: a whole number and the power of ten that it is multiplied with."""

_MOST_PLACES = 4
_LARGEST_POWER = 4
_LARGEST_SPAN = 200


@dataclass(frozen=True, slots=True)
class _Print:
    """A number as printed, how many digits it shows, and what it is in whole numbers if it is a decimal."""

    shown: Shown
    length: int
    scaled: Scaled | None


def _print(leaf: Leaf, style: Style, guard: int) -> _Print:
    shown = show(leaf.value, style, guard=guard, tone=leaf.tone, written=leaf.written)
    numeral = shown.numeral
    if numeral.formula is not None:
        return _Print(shown, style.digits, None)
    whole, _, decimals = numeral.text.partition(".")
    number = int(whole + decimals)
    scaled = None if numeral.denominator else (number, numeral.exponent - len(decimals))
    return _Print(shown, len(str(abs(number))) if number else 1, scaled)


class _Paper:
    """The stages of one chain as they are printed with guard digits; a number is written once for each count of these."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self._numbers: dict[tuple[int, int], _Print] = {}

    def number(self, leaf: Leaf, guard: int) -> _Print:
        """Return a number as printed."""
        key = id(leaf), guard  # every leaf lives as long as the stages do
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = _print(leaf, self.style, guard)
        return found

    def shown(self, stage: Node, guard: int) -> Node:
        """Return a stage with its numbers as printed."""
        if isinstance(stage, Leaf):
            return self.number(stage, guard).shown
        return map_children(stage, lambda part: self.shown(part, guard))

    def value(self, formula: Node, guard: int) -> exact.Exact:
        """Return the value of a formula as printed."""
        return exact.evaluate(
            formula, lambda part: self.number(part, guard).shown.value if isinstance(part, Leaf) else None
        )

    def scaled(self, node: Node, guard: int) -> Scaled | None:
        """Return the value of a formula as printed in whole numbers, if only decimals are added and multiplied in it."""
        match node:
            case Leaf():
                return self.number(node, guard).scaled
            case Number(value):
                if value.denominator == 1:
                    return value.numerator, 0
                whole = value * 10**_MOST_PLACES
                return (whole.numerator, -_MOST_PLACES) if whole.denominator == 1 else None
            case Negative(operand):
                inner = self.scaled(operand, guard)
                return None if inner is None else (-inner[0], inner[1])
            case Sum(terms):
                known = [part for term in terms if (part := self.scaled(term, guard)) is not None]
                if len(known) < len(terms):
                    return None
                powers = [exponent for _, exponent in known]
                least = min(powers)
                if max(powers) - least > _LARGEST_SPAN:
                    return None
                return sum([whole * 10 ** (exponent - least) for whole, exponent in known]), least
            case Product(factors):
                whole, power = 1, 0
                for factor in factors:
                    part = self.scaled(factor, guard)
                    if part is None:
                        return None
                    whole, power = whole * part[0], power + part[1]
                return whole, power
            case Power(base, Number(value)) if value.denominator == 1 and 0 <= value.numerator <= _LARGEST_POWER:
                inner = self.scaled(base, guard)
                times = value.numerator
                return None if inner is None else (inner[0] ** times, inner[1] * times)
        return None


def _shortened(value: Scaled, digits: int) -> Scaled:
    """Return a decimal rounded to significant digits, halves to even."""
    whole, exponent = value
    spare = len(str(abs(whole))) - digits
    return (halves_to_even(whole, 10**spare), exponent + spare) if spare > 0 else value


def _is_halfway(value: Scaled, digits: int) -> bool:
    """Say whether a decimal lies halfway between two decimals of so many digits."""
    whole, _ = value
    spare = len(str(abs(whole))) - digits
    return spare > 0 and 2 * (abs(whole) % 10**spare) == 10**spare


def _is_same(left: Scaled, right: Scaled) -> bool:
    least = min(left[1], right[1])
    return bool(left[0] * 10 ** (left[1] - least) == right[0] * 10 ** (right[1] - least))


def printed_value(formula: Node) -> exact.Exact:
    """Return the value of a formula as printed."""
    return exact.evaluate(formula, lambda part: part.value if isinstance(part, Shown) else None)


def _related(shown: list[Node]) -> tuple[Step, ...]:
    """Return the lines with their relations: equal where both sides are printed exactly and are equal, else about."""
    first = Relation.EQUAL if _is_exact(shown[0]) else Relation.ABOUT
    steps = [Step(first, shown[0], opens=True)]
    for before, after in itertools.pairwise(shown):
        relation = Relation.EQUAL if _is_exact(before) and _is_exact(after) and _same(before, after) else Relation.ABOUT
        if (has_formula(before) or has_formula(after)) and spelled(after) == spelled(before):
            steps[-1] = replace(steps[-1], formula=after)  # ln(2/5), and the number that is printed so
        elif after != before:
            steps.append(Step(relation, after))
    return tuple(steps)


def _is_exact(shown: Node) -> bool:
    return all(part.exact for part in walk(shown) if isinstance(part, Shown))


def _same(before: Node, after: Node) -> bool:
    left, right = printed_value(before), printed_value(after)
    return isinstance(left, Fraction | Logarithm) and isinstance(right, Fraction | Logarithm) and left == right
