"""Lines of numbers that are true: a formula with numbers, its steps, its result, with digits found so that each line checks.

Every `=` joins things that are exactly equal. Every `≈` is tried: the printed operands, evaluated at 50 digits, round to the
next printed number; where they do not, the operands get guard digits until they do.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from symbackprop.algebra.formula import Negative, Node, Number, map_children, rewrite, walk
from symbackprop.arithmetic import exact
from symbackprop.arithmetic.decimals import Scaled, is_negligible, nearest
from symbackprop.arithmetic.real_numbers import Logarithm
from symbackprop.document.blocks import ChainStep, Relation
from symbackprop.document.calculation.numerals import Printed, Style, printed, show, spelled
from symbackprop.document.calculation.reduction import reduction_steps
from symbackprop.document.calculation.whole_numbers import is_same, scaled, shortened
from symbackprop.document.display_nodes import Leaf, Shown, Tone
from symbackprop.errors import EvaluationError
from symbackprop.evaluation.arithmetics import to_decimal
from symbackprop.problems import Rounding

MOST_GUARD_DIGITS = 12
_MOST_ARRAY_GUARD = 4
"""A matrix whose numbers need more guard digits would be too wide to be read."""


def lines(first: Node, style: Style, tone: Tone) -> tuple[ChainStep, ...]:
    """Return the printed lines from a formula over leaves to its value: substituted, step by step, result.

    `tone` is that of the result and of the intermediate results. At the cap of guard digits or on a near-tie the result
    gains or loses a digit. Where no operands of a readable length give it (1 − a for an activation that is 1 to twenty
    digits), it stands alone: a line that does not check is not printed.
    """
    steps, paper = reduction_steps(first, tone), _Paper(style)
    if isinstance(steps[0], Number):
        steps = steps[1:]  # a number of a formula is a line of it already
    for digits in (style.digits, style.digits + 1, style.digits - 1):
        try:
            found = _with_digits(paper, steps, digits) if digits else None
        except EvaluationError:
            break  # e^(10^300) on the way to softplus is a number that cannot be written
        if found is not None:
            return _related(found)
    last = steps[-1]
    assert isinstance(last, Leaf)
    return (ChainStep(Relation.ABOUT, paper.number(last, 0).shown, opens=True),)


@dataclass(frozen=True, slots=True)
class _Line:
    """A step as printed: its formula, its numbers by leaf, whether a number of it is printed as a formula."""

    formula: Node
    numbers: Mapping[int, Printed]
    has_formula: bool

    @property
    def is_exact(self) -> bool:
        """Whether all its numbers are exact."""
        return all(number.shown.exact for number in self.numbers.values())

    @property
    def rounded(self) -> set[tuple[str, int]]:
        """The sizes of its rounded numbers, as they are printed."""
        numerals = (number.shown.numeral for number in self.numbers.values() if not number.shown.exact)
        return {(numeral.text.removeprefix("-"), numeral.exponent) for numeral in numerals}

    @classmethod
    def of(cls, step: Node, numbers: Mapping[int, Printed]) -> _Line:
        """Return a step with its numbers, by leaf."""

        def shown(part: Node) -> Node:
            return numbers[id(part)].shown if isinstance(part, Leaf) else map_children(part, shown)

        has_formula = any(number.shown.numeral.formula is not None for number in numbers.values())
        return cls(shown(step), numbers, has_formula)


def _with_digits(paper: _Paper, steps: list[Node], digits: int) -> list[_Line] | None:
    """Return the printed steps whose result has `digits` digits, or None when guard digits cannot make them true."""
    last = steps[-1]
    assert isinstance(last, Leaf)
    style = paper.style if digits == paper.style.digits else Style(digits, paper.style.fractions)
    result = _number(last, style, 0)
    guard = 0
    numbers = {id(last): result}
    found = [_Line.of(last, numbers)]
    following = [last]
    for step in reversed(steps[:-1]):
        leaves = [part for part in walk(step) if isinstance(part, Leaf)]
        if numbers.keys() == set(map(id, leaves)):
            # The same numbers in another form, 1/(1 + e^(−0.5)) for σ(0.5), are as true as before.
            found.insert(0, _Line.of(step, numbers))
            continue
        linked = [link for link in _links(leaves, following, numbers) if link[0] is not step]
        for candidate in range(guard, MOST_GUARD_DIGITS + 1):
            if _rounds_to(paper, step, candidate, result, digits) and all(
                _rounds_to(paper, formula, candidate, number, number.length) for formula, number in linked
            ):
                guard = candidate
                break
        else:
            return None
        numbers = {id(leaf): paper.number(leaf, guard) for leaf in leaves}
        found.insert(0, _Line.of(step, numbers))
        following = leaves
    return found


def _links(previous: list[Leaf], leaves: list[Leaf], numbers: Mapping[int, Printed]) -> list[tuple[Node, Printed]]:
    """Return the numbers of a step, as printed, with what stood in their place before: a part, or the same number.

    An exact number that stood there before is printed alike in both steps.
    """
    kept = set(map(id, previous))
    linked: list[tuple[Node, Printed]] = []
    for leaf in leaves:
        number = numbers[id(leaf)]
        if id(leaf) not in kept:
            linked += [(leaf.origin.formula, number)] if leaf.origin is not None else []
        elif not number.shown.exact:
            linked.append((leaf, number))
    return linked


def _rounds_to(paper: _Paper, formula: Node, guard: int, target: Printed, digits: int) -> bool:
    """Say whether a formula, printed with guard digits and evaluated at 50 digits, gives the printed number."""
    is_exact, goal = target.shown.exact, target.scaled
    if is_exact:
        digits = max(digits, target.length)
    value = None if goal is None else paper.scaled(formula, guard)
    if value is not None and goal is not None:
        if is_exact:
            return is_same(value, goal) or is_same(shortened(value, digits)[0], shortened(goal, digits)[0])
        rounded, is_halfway = shortened(value, digits)
        return is_same(rounded, goal) and not is_halfway
    printed = target.shown.value
    try:
        found = paper.value(formula, guard)
    except EvaluationError:
        return False
    if is_exact:
        if found == printed or not (found and printed):
            return bool(found == printed)
        return is_same(nearest(found, digits)[0], nearest(printed, digits)[0])
    if goal is None or not found:
        return bool(found == printed)
    # What lies halfway, calculators round up and others to even: the operands need one digit more.
    rounded, is_halfway = nearest(found, digits)
    return is_same(rounded, goal) and not is_halfway


def _number(leaf: Leaf, style: Style, guard: int) -> Printed:
    return printed(leaf.value, style, guard=guard, tone=leaf.tone, written=leaf.written)


class _Paper:
    """The steps of one chain as they are printed with guard digits; a number is written once for each count of these."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self._exact: dict[int, Printed] = {}
        self._numbers: dict[tuple[int, int], Printed] = {}

    def number(self, leaf: Leaf, guard: int) -> Printed:
        """Return a number as printed; an exact one has no guard digits."""
        place = id(leaf)  # every leaf lives as long as the steps do
        found = self._exact.get(place) or self._numbers.get((place, guard))
        if found is None:
            found = _number(leaf, self.style, guard)
            if found.shown.exact:
                self._exact[place] = found
            else:
                self._numbers[place, guard] = found
        return found

    def value(self, formula: Node, guard: int) -> exact.Exact:
        """Return the value of a formula as printed; one that is printed as 0 is 0."""
        found = exact.evaluate(
            formula, lambda part: self.number(part, guard).shown.value if isinstance(part, Leaf) else None
        )
        return Fraction(0) if is_negligible(found) else found

    def scaled(self, formula: Node, guard: int) -> Scaled | None:
        """Return the value of a formula as printed in whole numbers, if only decimals are added and multiplied in it."""
        return scaled(formula, lambda leaf: self.number(leaf, guard).scaled)


def array_steps(
    first: Node,
    entries: Sequence[tuple[Node, Leaf]],
    result: Node,
    style: Style,
    policy: Rounding | None = None,
) -> tuple[ChainStep, ...]:
    """Return an array formula over leaves and its value as printed; nothing where no digits make the line true.

    `entries` are formula and value of each entry of `result`, an array of those leaves. All numbers of `first` get as many
    guard digits as the entry that needs most. With a `policy` of rounding by hand the entries round to their values by it.
    """
    paper = _Paper(style)
    leaves = [part for part in walk(result) if isinstance(part, Leaf)]
    targets = {id(leaf): paper.number(leaf, 0) for leaf in leaves}
    last = _Line.of(result, targets)

    def agrees(formula: Node, leaf: Leaf, guard: int) -> bool:
        if policy is not None:
            return bool(to_decimal(policy, paper.value(formula, guard)) == leaf.value)
        return _rounds_to(paper, formula, guard, targets[id(leaf)], targets[id(leaf)].length)

    try:
        guards = (guard for guard in range(_MOST_ARRAY_GUARD + 1) if all(agrees(*each, guard) for each in entries))
        guard = next(guards, None)
    except EvaluationError:
        return ()
    if guard is None:
        return ()
    before = _Line.of(first, _numbers_of(paper, first, guard))
    is_exact = all(
        _is_equal(_Line.of(formula, _numbers_of(paper, formula, guard)), _Line.of(leaf, {id(leaf): targets[id(leaf)]}))
        for formula, leaf in entries
    )
    opening = ChainStep(Relation.of(before.is_exact), before.formula, opens=True)
    return (opening, ChainStep(Relation.of(is_exact), last.formula))


def _numbers_of(paper: _Paper, formula: Node, guard: int) -> dict[int, Printed]:
    return {id(part): paper.number(part, guard) for part in walk(formula) if isinstance(part, Leaf)}


def printed_value(formula: Node) -> exact.Exact:
    """Return the value of a formula as printed."""
    return exact.evaluate(formula, lambda part: part.value if isinstance(part, Shown) else None)


def _related(found: list[_Line]) -> tuple[ChainStep, ...]:
    """Return the lines with their relations: equal where both sides are printed exactly and are equal, else about."""
    first = found[0]
    steps = [ChainStep(Relation.of(first.is_exact), first.formula, opens=True)]
    for before, after in itertools.pairwise(found):
        is_spelled = before.has_formula or after.has_formula
        if is_spelled and spelled(after.formula) == spelled(before.formula):
            steps[-1] = replace(steps[-1], formula=after.formula)  # ln(2/5), and the number that is printed so
        elif after.formula != before.formula:
            steps.append(ChainStep(Relation.of(_is_equal(before, after)), after.formula))
    return tuple(steps)


def _is_equal(before: _Line, after: _Line) -> bool:
    """Say whether lines are equal as printed, and not by chance: also with other numbers for those that are rounded.

    So are 0 × 0.715 + 1 × 0.545 and 0 + 0.545, but not 0.5 × 0.714 and 0.357, which stands for a number with more digits.
    """
    if before.numbers is after.numbers:
        return True
    rounded = before.rounded
    if not after.rounded <= rounded or not _same(before.formula, after.formula):
        return False
    try:
        return not rounded or _same(_with_others(before.formula), _with_others(after.formula))
    except EvaluationError:
        return False


def _with_others(formula: Node) -> Node:
    """Return a formula with other numbers for those that are rounded, another one each time that a number stands there."""
    times: Counter[exact.Exact] = Counter()

    def other(part: Node) -> Node | None:
        if not isinstance(part, Shown) or part.exact:
            return None
        size = abs(part.value)
        times[size] += 1
        return replace(part, value=part.value * (1 - 1 / (times[size] + size)))  # nearer to 0, of the same sign

    return rewrite(formula, other)


_ALIKE = exact.Real("1e-44")
"""Formulas over the same exact numbers differ by less: by what floats of 50 digits lose on the way."""


def _same(before: Node, after: Node) -> bool:
    """Say whether two formulas over exact numbers are equal; a number alone is what no root or exponential is equal to."""
    left, right = printed_value(before), printed_value(after)
    if isinstance(left, Fraction | Logarithm) and isinstance(right, Fraction | Logarithm):
        return left == right
    if isinstance(after, Shown) or type(left) is not exact.Real or type(right) is not exact.Real:
        return False
    return bool(abs(left - right) <= abs(left) * _ALIKE)


def displayed(steps: tuple[ChainStep, ...], style: Style) -> tuple[ChainStep, ...]:
    """Return lines of numbers as they are displayed."""
    return _with_decimal(_without_repeats(steps), style)


def _without_repeats(steps: tuple[ChainStep, ...]) -> tuple[ChainStep, ...]:
    """Return lines without a number that stands with its sign apart before it stands as a whole."""
    if len(steps) < 2 or not isinstance(steps[-1].formula, Shown) or steps[-1].formula.numeral.formula is not None:
        return steps
    before, last = steps[-2:]
    if not isinstance(before.formula, Negative) or not isinstance(before.formula.operand, Shown):
        return steps
    relation = Relation.of(before.relation is last.relation is Relation.EQUAL)
    return (*steps[:-2], replace(last, relation=relation, opens=before.opens))


def _with_decimal(steps: tuple[ChainStep, ...], style: Style) -> tuple[ChainStep, ...]:
    """Return lines that end with a decimal where they end with an exact number that is none: ln(5/2) ≈ 0.916291."""
    last = steps[-1].formula
    if not isinstance(last, Shown) or last.numeral.formula is None:
        return steps
    return (
        *steps,
        ChainStep(Relation.ABOUT, show(last.value, replace(style, fractions=False, kept={}), tone=last.tone)),
    )
