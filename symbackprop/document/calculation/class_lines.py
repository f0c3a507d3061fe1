"""Lines of numbers of many problems at once: found together, printed once for all that look alike.

The problems of a class have the same formulas, so a line of one differs from that of another in its digits, sometimes in
signs and in the number of digits. `editions` finds the digits of all of them with arrays, guard digits included, and gives
the line once for each shape that it has, with letters of a private alphabet for digits (`SLOT` finds these again). Problems
whose digits float64 cannot tell for certain are set aside (`Ledger.doubtful`): they are printed one by one.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy

from symbackprop.algebra.formula import Node, map_children, rewrite, walk
from symbackprop.arithmetic import exact
from symbackprop.arithmetic.batched import Column, Ledger, Split, Unsuitable
from symbackprop.arithmetic.batched.rounding import Rounded, rounded, undecided
from symbackprop.arithmetic.exact import Exact
from symbackprop.document.blocks import Chain, Relation, Step, Varied
from symbackprop.document.calculation import verified_lines
from symbackprop.document.calculation.numerals import Style, show
from symbackprop.document.calculation.reduction import stages_of
from symbackprop.document.display_nodes import Boxed, Grid, Leaf, Numeral, Shown

Array = Any

_FIRST_LETTER, _LAST_LETTER = 0xE100, 0xF7FF
SLOT = re.compile(f"([{chr(_FIRST_LETTER)}-{chr(_LAST_LETTER)}])\\1*(?:\\.\\1+)?")
"""The digits of a number that differs from problem to problem, all of them the letter of its place (`letter_of`)."""

_MOST_GUARD_DIGITS = 8
"""With more, float64 would not know the last ones."""


_SIGNS = (Fraction(1), Fraction(-1))
_ALONE = "1"
"""The mantissa that is not printed: 10⁻⁵ has no digits before it."""


@dataclass(frozen=True)
class Edition:
    """A chain that is printed alike for some of the problems (`which`): in place of digits it has letters.

    `texts` are the digits of these problems, for each letter in order; `groups` those of the problems (by position in
    `which`) whose numbers are of the same lengths. `sized` gives the chain with as many letters as one of them has digits.
    """

    which: Array
    chain: Chain
    texts: Sequence[Sequence[str]]
    groups: Sequence[Sequence[int]]
    sized: Callable[[int], Chain]


def letter_of(place: int) -> str:
    """Return the letter that stands for the digits of a place."""
    return chr(_FIRST_LETTER + place)


def place_of(letter: str) -> int:
    """Return the place that a letter stands for."""
    return ord(letter) - _FIRST_LETTER


def varied_of(chain: Chain) -> Varied | None:
    """Return what differs from problem to problem in a chain: the numbers at its end."""
    last = chain.steps[-1].formula if chain.steps else None
    body = last.body if isinstance(last, Boxed) else last
    return body if isinstance(body, Varied) else None


def editions(chain: Chain, style: Style, ledger: Ledger) -> Iterator[Edition]:
    """Yield a chain as it is printed for all problems of a ledger but those that this sets aside."""
    varied = varied_of(chain)
    assert varied is not None
    waiting = [numpy.flatnonzero(~ledger.doubtful)]
    while waiting:
        which = waiting.pop()
        if not len(which):
            continue
        part = Ledger(len(which), splits=True)
        try:
            found = list(_alike(chain, varied, style, part, which))
        except Split as split:
            waiting += [which[split.holds], which[~split.holds]]
            continue
        for edition in found:
            yield replace(edition, which=which[edition.which])
        ledger.doubtful[which[part.doubtful]] = True


def _alike(chain: Chain, varied: Varied, style: Style, ledger: Ledger, which: Array) -> Iterator[Edition]:
    first = _taken(varied.numbered, ledger, which)
    stages = stages_of(first, varied.tone) if varied.reduces else [first]
    printed = _Printed(style, ledger)
    numbers = list(zip(stages, _numerals(printed, stages), strict=True))
    places = [(stage, leaf, own[id(leaf)]) for stage, own in numbers for leaf in _leaves(stage)]
    if not places:
        raise Unsuitable
    for own in _groups([numeral.look for *_, numeral in places], numpy.flatnonzero(~ledger.doubtful)):
        groups = _groups([numeral.lengths[own] for *_, numeral in places], numpy.arange(len(own)))
        texts = _digits(places, own.tolist())

        def sized(member: int, own: Array = own, is_short: bool = False) -> Chain:
            shown = _lettered(places, int(own[member]), is_short=is_short)
            return replace(chain, steps=_steps(chain, varied, stages, shown))

        yield Edition(own, sized(0, is_short=True), texts, [group.tolist() for group in groups], sized)


def _groups(tables: Sequence[Array], which: Array) -> list[Array]:
    """Return the problems whose rows of all tables are the same, group by group."""
    if not len(which):
        return []
    rows = numpy.ascontiguousarray(numpy.concatenate(tables, axis=1)[which].astype(numpy.int8))
    _, inverse = numpy.unique(rows.view(f"V{rows.shape[1]}").reshape(-1), return_inverse=True)
    order = numpy.argsort(inverse.reshape(-1), kind="stable")
    counts = numpy.bincount(inverse.reshape(-1))
    return [which[part] for part in numpy.split(order, numpy.cumsum(counts)[:-1])]


def _leaves(stage: Node) -> Iterator[Leaf]:
    if isinstance(stage, Grid):
        yield from (leaf for row in stage.rows for leaf in row)  # type: ignore[misc]
    else:
        yield from (part for part in walk(stage) if isinstance(part, Leaf))


def _taken(node: Node, ledger: Ledger, which: Array) -> Node:
    """Return a formula with the numbers of some of the problems, those that are the same for all among them."""
    parts: dict[int, Leaf] = {}

    def taken(part: Node) -> Node | None:
        if not isinstance(part, Leaf):
            return None
        if id(part) not in parts:
            value = part.value
            is_column = isinstance(value, Column)
            own = value.part(ledger, which) if is_column else Column.constant(ledger, value, part.written)
            parts[id(part)] = replace(part, value=own)
        return parts[id(part)]

    if isinstance(node, Grid):
        return Grid(tuple(tuple(taken(leaf) for leaf in row) for row in node.rows))  # type: ignore[misc]
    return rewrite(node, taken)


@dataclass(frozen=True)
class _Numeral:
    """The number of a leaf as it is printed, for each problem.

    `look` has a row for each problem, of what else differs but digits: sign, exactness, whether it is a fraction, the power
    of ten; `lengths` one of how many digits stand where.
    """

    spell: Callable[[], Sequence[str]]
    below: Sequence[str]
    exponents: Array
    exact: Array
    value: Column
    length: Array
    look: Array
    lengths: Array

    @functools.cached_property
    def texts(self) -> Sequence[str]:
        """The numbers as they are printed, without the power of ten."""
        return self.spell()

    def shown(self, leaf: Leaf, example: int) -> Shown:
        """Return the number of one problem."""
        text, below = self.texts[example], self.below[example]
        is_exact = bool(self.exact[example])
        # Of a rounded number nothing but the sign is asked.
        exponent = int(self.exponents[example])
        sign = _SIGNS[text.startswith("-")]
        value = Fraction(text) / Fraction(below or 1) * Fraction(10) ** exponent if is_exact else sign
        return Shown(Numeral(text, exponent, below), value, is_exact, leaf.tone)


class _Printed:
    """The numbers of the leaves as they are printed with guard digits."""

    def __init__(self, style: Style, ledger: Ledger) -> None:
        self.style, self.ledger = style, ledger
        self._exact: dict[int, _Numeral | None] = {}
        self._found: dict[tuple[int, int], tuple[Array, _Numeral]] = {}

    def number(self, leaf: Leaf, guard: Array) -> _Numeral:
        """Return a number with guard digits; which depend on the problem."""
        key = id(leaf), id(guard)
        if key not in self._found:
            self._found[key] = guard, self._number(leaf, guard)
        return self._found[key][1]

    def _number(self, leaf: Leaf, guard: Array) -> _Numeral:
        column = leaf.value
        assert isinstance(column, Column)
        if id(leaf) not in self._exact:
            self._exact[id(leaf)] = None if column.whole is None else _exactly(column, self.style, leaf)
        own = self._exact[id(leaf)]
        if own is not None and own.exact.all():
            return own
        which = numpy.ones(self.ledger.count, dtype=bool) if own is None else ~own.exact
        other = _of_rounded(rounded(column, self.style.digits + guard, which))
        return other if own is None or which.all() else _mixed(own, other, self.ledger)


def _exactly(column: Column, style: Style, leaf: Leaf) -> _Numeral:
    """Return the numbers of an exact column as they are printed, each different one found once."""
    assert column.whole is not None
    kept: dict[tuple[int, str], int] = {}
    texts = column.written or [leaf.written] * len(column.whole)
    places = [kept.setdefault(key, len(kept)) for key in zip(column.whole.tolist(), texts, strict=True)]
    plain, unit = Style(style.digits, style.fractions), 10**column.places
    shown = [show(Fraction(whole, unit), plain, tone=leaf.tone, written=text) for whole, text in kept]
    numerals = [each.numeral for each in shown]
    rows = [
        (
            each.exact,
            numeral.exponent,
            len(numeral.text.lstrip("-0.").replace(".", "")) or 1,
            numeral.text.startswith("-"),
            bool(numeral.denominator),
            bool(numeral.exponent) and numeral.text == _ALONE,
            *_points(numeral.text),
            len(numeral.denominator),
        )
        for each, numeral in zip(shown, numerals, strict=True)
    ]
    table = numpy.array(rows, dtype=numpy.int64)[places]
    exact, exponents = table[:, 0].astype(bool), table[:, 1]
    return _Numeral(
        lambda: [numerals[place].text for place in places],
        [numerals[place].denominator for place in places],
        exponents,
        exact,
        column,
        table[:, 2],
        table[:, [3, 0, 4, 1, 5]],
        table[:, 6:],
    )


def _mixed(own: _Numeral, other: _Numeral, ledger: Ledger) -> _Numeral:
    """Return numbers of which some are printed exactly and others rounded."""
    exact = own.exact
    flags = exact.tolist()
    values = numpy.where(exact, own.value.values, other.value.values)
    return _Numeral(
        lambda: [a if flag else b for a, b, flag in zip(own.texts, other.texts, flags, strict=True)],
        [a if flag else "" for a, flag in zip(own.below, flags, strict=True)],
        numpy.where(exact, own.exponents, other.exponents),
        exact,
        Column.printed(ledger, values, _where(exact, own.value.decimals, other.value.decimals)),
        numpy.where(exact, own.length, other.length),
        numpy.where(exact[:, None], own.look, other.look),
        numpy.where(exact[:, None], own.lengths, other.lengths),
    )


def _where(holds: Array, first: Array | None, second: Array | None) -> Array | None:
    return None if first is None or second is None else numpy.where(holds, first, second)


def _of_rounded(found: Rounded) -> _Numeral:
    zeros = numpy.zeros_like(found.before)
    alone = (found.exponent != 0) & (found.value.values == 10.0**found.exponent) & (found.digits == 1)
    look = numpy.stack([found.negative, zeros, zeros, found.exponent, alone], axis=1)
    lengths = numpy.stack([found.before, found.after, zeros], axis=1)
    exact = numpy.zeros(len(zeros), dtype=bool)
    return _Numeral(found.texts, [""] * len(zeros), found.exponent, exact, found.value, found.digits, look, lengths)


def _points(text: str) -> tuple[int, int]:
    """Return how many digits stand before and after the point."""
    before, _, after = text.removeprefix("-").partition(".")
    return len(before), len(after)


def _numerals(printed: _Printed, stages: Sequence[Node]) -> list[Mapping[int, _Numeral]]:
    """Return the numbers of each stage with the guard digits that make every line true, by leaf."""
    guard = numpy.zeros(printed.ledger.count, dtype=numpy.int64)
    own = {id(leaf): printed.number(leaf, guard) for leaf in _leaves(stages[-1])}
    found: list[Mapping[int, _Numeral]] = [own]
    if len(stages) == 1:
        return found
    (result,) = own.values()
    digits = numpy.full(printed.ledger.count, printed.style.digits)
    for following, stage in itertools.pairwise(reversed(stages)):
        targets = [(stage, result, digits)]
        targets += [(formula, number, number.length) for formula, number in verified_lines.links(stage, following, own)]
        guard = _least(printed, targets, guard)
        own = {id(leaf): printed.number(leaf, guard) for leaf in _leaves(stage)}
        found.insert(0, own)
    return found


def _least(printed: _Printed, targets: Sequence[tuple[Node, _Numeral, Array]], guard: Array) -> Array:
    """Return the fewest guard digits with which formulas, as printed, give the printed numbers."""
    ledger = printed.ledger
    while True:
        fails = numpy.zeros(ledger.count, dtype=bool)
        for formula, target, digits in targets:
            fails |= _fails(printed, formula, guard, target, digits)
        fails &= ~ledger.doubtful
        if not fails.any():
            return guard
        guard = guard + fails
        ledger.doubt(guard > _MOST_GUARD_DIGITS)
        guard = numpy.minimum(guard, _MOST_GUARD_DIGITS)


def _fails(printed: _Printed, formula: Node, guard: Array, target: _Numeral, digits: Array) -> Array:
    """Say for which problems a formula as printed does not give a number as printed; what is not certain is set aside."""

    def number(part: Node) -> Exact | None:
        return printed.number(part, guard).value if isinstance(part, Leaf) else None

    found = exact.evaluate(formula, number)
    assert isinstance(found, Column)
    digits = numpy.where(target.exact, numpy.maximum(digits, target.length), digits)
    differs, unsure = undecided(found, target.value, digits)
    same = target.exact & (abs(found.values - target.value.values) <= found.errors + target.value.errors)
    printed.ledger.doubt(unsure & ~same)
    return differs & ~same


def _digits(places: Sequence[tuple[Node, Leaf, _Numeral]], members: Sequence[int]) -> list[list[str]]:
    """Return the digits of some problems for each letter."""
    found = []
    for _, _, numeral in places:
        if _is_alone(numeral, members[0]):
            continue
        found.append([numeral.texts[member].removeprefix("-") for member in members])
        if numeral.below[members[0]]:
            found.append([numeral.below[member] for member in members])
    return found


def _lettered(
    places: Sequence[tuple[Node, Leaf, _Numeral]], example: int, *, is_short: bool
) -> dict[tuple[int, int], Shown]:
    """Return the numbers of a problem by stage and leaf, with letters for digits: one for all of them if it `is_short`."""
    shown: dict[tuple[int, int], Shown] = {}
    letters = map(letter_of, itertools.count())

    def lettered(text: str) -> str:
        letter = next(letters)
        if is_short:
            return f"-{letter}" if text.startswith("-") else letter
        return "".join(sign if sign in "-." else letter for sign in text)

    for stage, leaf, numeral in places:
        found = numeral.shown(leaf, example)
        text, below = found.numeral.text, found.numeral.denominator
        if _is_alone(numeral, example):
            shown[id(stage), id(leaf)] = found
            continue
        own = Numeral(lettered(text), found.numeral.exponent, lettered(below) if below else "")
        shown[id(stage), id(leaf)] = replace(found, numeral=own)
    return shown


def _is_alone(numeral: _Numeral, example: int) -> bool:
    return bool(numeral.exponents[example]) and numeral.texts[example] == _ALONE


def _steps(
    chain: Chain, varied: Varied, stages: Sequence[Node], shown: Mapping[tuple[int, int], Shown]
) -> tuple[Step, ...]:
    """Return the steps of a chain with the stages of its numbers as they are printed."""

    def printed(stage: Node, part: Node) -> Node:
        if isinstance(part, Leaf):
            return shown[id(stage), id(part)]
        if isinstance(part, Grid):
            return Grid(tuple(tuple(shown[id(stage), id(leaf)] for leaf in row) for row in part.rows))
        return map_children(part, lambda inner: printed(stage, inner))

    lines = [printed(stage, stage) for stage in stages]
    if varied.reduces:
        steps = varied.finish(verified_lines.related(lines))
    else:
        is_exact = all(number.exact for number in shown.values())
        steps = (Step(Relation.EQUAL if is_exact else Relation.ABOUT, lines[0], opens=True),)
    if isinstance(chain.steps[-1].formula, Boxed):
        steps = (*steps[:-1], replace(steps[-1], formula=Boxed(steps[-1].formula)))
    return (*chain.steps[:-1], *steps)
