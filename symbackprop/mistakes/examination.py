"""A problem made ready for diagnosis: its right numbers, every change of its computation, and what each makes of them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from symbackprop.algebra.formula import Name
from symbackprop.by_hand.answer_ids import id_of, names_of
from symbackprop.by_hand.hand_computation import given_numbers, hand_computation, inlined, split
from symbackprop.by_hand.tolerance import MARGIN, Tolerance
from symbackprop.derivation.derivations import Derivation
from symbackprop.errors import ProblemError
from symbackprop.evaluation.arithmetics import FLOAT
from symbackprop.messages import message
from symbackprop.mistakes.changes import Change, changes
from symbackprop.mistakes.consequences import Consequences
from symbackprop.mistakes.roundings import RoundedRun, rounded_runs
from symbackprop.mistakes.verdicts import Explanation, WrongLine
from symbackprop.mistakes.worksheets import Worksheet
from symbackprop.problems import Rounding

MOST_LINES = 4
"""Lines that are shown of a mistake at many places."""


class Examination:
    """A derivation made ready to have any number of papers diagnosed.

    Raises `ProblemError` for an update that is no gradient descent, `MissingValueError` where a number has no value.
    """

    def __init__(self, derivation: Derivation) -> None:
        training = derivation.problem.training
        if training is not None and training.update == "sequential":
            raise ProblemError(message("homework.sequential"), where="training.update")
        self.derivation = derivation
        self.given = given_numbers(derivation, FLOAT)
        self.computation = hand_computation(derivation)
        self.sheet = Worksheet(self.computation)
        self.consequences = Consequences(self.computation)
        self.values: Mapping[str, float] = self.consequences.run(self.given)
        self.named = names_of(self.computation)
        self._tolerances: dict[tuple[str, frozenset[str]], Tolerance] = {}

    @functools.cached_property
    def changes(self) -> tuple[Change, ...]:
        """The changes that mistakes make in the computation."""
        return tuple(changes(self.sheet))

    @functools.cached_property
    def mistakes(self) -> tuple[Change, ...]:
        """The changes that are wrong."""
        return tuple(change for change in self.changes if not change.mistake.is_convention)

    @functools.cached_property
    def conventions(self) -> tuple[Change, ...]:
        """The changes that are right and only different."""
        return tuple(change for change in self.changes if change.mistake.is_convention)

    @functools.cached_property
    def rounded(self) -> Sequence[RoundedRun]:
        """The computation with its numbers rounded, or cut off, on the way."""
        return tuple(rounded_runs(self.consequences, self.given))

    def allowed(
        self, key: str, values: Mapping[str, float], known: Mapping[str, float], roundings: Sequence[Rounding]
    ) -> float:
        """Return how far roundings on the way may move a number: the widest of some contracts.

        It is computed from what is `known`, each with half a unit of the last digit in which it is.
        """
        place = key, frozenset(known)
        if place not in self._tolerances:
            self._tolerances[place] = Tolerance(self.computation, key, roundings[0], FLOAT, place[1])
        tolerance = self._tolerances[place]
        try:
            partials = tolerance.partials(values)
            units = [tolerance.half_units(values, rounding) for rounding in roundings]
        except (ArithmeticError, ValueError, ProblemError):
            return 0.0
        totals = [
            sum(abs(partials[each]) * max(float(own[each]), known.get(each, 0.0)) for each in tolerance.rounded)
            for own in units
        ]
        return MARGIN * max(totals, default=0.0)

    def explanation(self, change: Change, value: float) -> Explanation:
        """Return a change as people are told of it."""
        graph = self.derivation.graph
        places = sorted((site.at for site in change.sites), key=self._reading_order)
        lines = tuple(self._line(change, key) for key in places[:MOST_LINES])
        return Explanation(change.mistake.name, tuple(id_of(key, graph) for key in places), value, lines)

    def _reading_order(self, key: str) -> tuple[str, int, int]:
        prefix, (name, sample) = split(key)
        return prefix, self._elements[name], sample or 0

    @functools.cached_property
    def _elements(self) -> Mapping[str, int]:
        return {name: place for place, name in enumerate(self.derivation.graph.elements())}

    def _line(self, change: Change, key: str) -> WrongLine:
        equations = self.computation.by_key
        if change.is_written:
            return WrongLine(key, Name(key), change.equations[key].formula())
        return WrongLine(key, inlined(key, equations), inlined(key, {**equations, **change.equations}))
