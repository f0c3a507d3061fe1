"""What a change makes of the numbers: everything that depends on it is computed anew, the rest is shared."""

from __future__ import annotations

import graphlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from symbackprop.by_hand.hand_computation import HandComputation, names_read
from symbackprop.derivation.element_grain import ElementEquation
from symbackprop.errors import SymbackpropError
from symbackprop.evaluation.arithmetics import FLOAT, Arithmetic
from symbackprop.mistakes.changes import Change

Number = Any
"""A float, or an array of them: one for each student."""
NumbersByKey = Mapping[str, Number]

_Piece = tuple[Callable[..., Number], tuple[str, ...]]
_Order = Sequence[tuple[str, list[_Piece], bool]]
MOST_ORDERS = 20_000
"""Orders of computation that are remembered: of each change, for the papers that give the same answers."""
_NONE: frozenset[str] = frozenset()


class Consequences:
    """A computation made ready to be run with changes, in float64; what has no finite value is NaN."""

    def __init__(self, computation: HandComputation, arithmetic: Arithmetic = FLOAT) -> None:
        self.computation, self.arithmetic = computation, arithmetic
        self._pieces = {equation.name: self._made(equation) for equation in computation.equations}
        self._order = {equation.name: place for place, equation in enumerate(computation.equations)}
        self._readers: dict[str, list[str]] = {}
        for equation in computation.equations:
            for name in dict.fromkeys(names_read([equation])):
                self._readers.setdefault(name, []).append(equation.name)
        self._orders: dict[tuple[int, frozenset[str]], tuple[Change, _Order, frozenset[str]]] = {}

    def _made(self, equation: ElementEquation) -> list[_Piece]:
        function = self.arithmetic.function
        return [(function(term.form.formula, term.form.arity), term.arguments) for term in equation.terms]

    def run(self, given: NumbersByKey) -> dict[str, Number]:
        """Return all numbers; what is given is taken as it is, the leaves and others."""
        values = dict(given)
        for name, pieces in self._pieces.items():
            if name not in values:
                values[name] = _sum(pieces, values)
        return values

    def of(self, key: str, values: NumbersByKey) -> Number:
        """Return what the equation of a key gives for given values."""
        return _sum(self._pieces[key], values)

    def under(self, change: Change, values: NumbersByKey, fixed: frozenset[str] = _NONE) -> dict[str, Number]:
        """Return the numbers that a change makes others, by key: all that depend on it.

        What is `fixed` is computed anew as the last thing on its way: everything behind it reads its value as it is.
        """
        known = dict(values)
        found: dict[str, Number] = {}
        for key, pieces, is_passed_on in self._in_order(change, fixed):
            found[key] = _sum(pieces, known)
            if is_passed_on:
                known[key] = found[key]
        return found

    def reach(self, change: Change, fixed: frozenset[str] = _NONE) -> frozenset[str]:
        """Return the keys of the numbers that a change makes others."""
        return self._known(change, fixed)[2]

    def _in_order(self, change: Change, fixed: frozenset[str]) -> _Order:
        """Return what is to be computed under a change, in order; nothing where it reads what is computed from it."""
        return self._known(change, fixed)[1]

    def _known(self, change: Change, fixed: frozenset[str]) -> tuple[Change, _Order, frozenset[str]]:
        end = fixed & self.reach(change) if fixed else fixed
        if (id(change), end) not in self._orders:
            if len(self._orders) >= MOST_ORDERS:
                self._orders.clear()
            order = self._ordered(change, end)
            self._orders[id(change), end] = change, order, frozenset(key for key, _, _ in order)
        return self._orders[id(change), end]

    def _ordered(self, change: Change, fixed: frozenset[str]) -> _Order:
        pieces = {key: self._made(equation) for key, equation in change.equations.items()}
        if change.is_written:
            return [(key, own, False) for key, own in pieces.items()]
        affected = self._affected(tuple(pieces), fixed)
        every = {key: pieces.get(key) or self._pieces[key] for key in affected}
        order = sorted(every, key=self._order.__getitem__)
        if any(
            name in every and name not in fixed and self._order[name] >= self._order[key]
            for key, own in pieces.items()
            for _, arguments in own
            for name in arguments
        ):
            reads = {key: {name for _, arguments in own for name in arguments} for key, own in every.items()}
            try:
                order = list(
                    graphlib.TopologicalSorter(
                        {key: names & (every.keys() - fixed) for key, names in reads.items()}
                    ).static_order()
                )
            except graphlib.CycleError:
                return []
        return [(key, every[key], key not in fixed) for key in order]

    def behind(self, keys: Iterable[str]) -> set[str]:
        """Return the keys of all that is computed from some numbers, without these."""
        start = set(keys)
        return self._affected(start, _NONE) - start

    def _affected(self, changed: Iterable[str], fixed: frozenset[str]) -> set[str]:
        """Return the keys of all that depends on some equations, these among them."""
        reached = set(changed)
        waiting = [key for key in reached if key not in fixed]
        while waiting:
            for reader in self._readers.get(waiting.pop(), ()):
                if reader not in reached:
                    reached.add(reader)
                    if reader not in fixed:
                        waiting.append(reader)
        return reached


def _sum(pieces: Sequence[_Piece], values: NumbersByKey) -> Number:
    try:
        total = 0.0
        for function, arguments in pieces:
            total = total + function(*[values[name] for name in arguments])
    except (SymbackpropError, ArithmeticError, ValueError):
        return math.nan
    return total
