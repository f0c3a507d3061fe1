"""Checks of a derivation by oracles that share no code with the reverse sweep.

Every gradient of the output by a parameter or an input is compared with

* **central differences** of the forward pass, (L(w + h) − L(w − h)) / 2h at 50 digits with h = 10⁻¹², whose error is
  of the order h² (Burden and Faires, Numerical Analysis, section 4.1), and
* in small problems all, in larger ones some, with **`sympy.diff` of the composed output**: the forward equations
  substituted into each other until one expression in parameters and inputs is left, with SymPy's own `Max`, `Min` and `Abs`.

Neither sees a link, a partial or a classroom form. At a kink (ReLU at 0) there is no derivative to compare with: the
entry says so and counts neither as agreeing nor as differing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

import sympy

from symbackprop.algebra import symbolic
from symbackprop.algebra.formula import Apply, Name, Node
from symbackprop.arithmetic import exact
from symbackprop.arithmetic.exact import Exact
from symbackprop.derivation.derivations import Derivation, derivation_of
from symbackprop.evaluation.evaluate import EXACT, Evaluation, Values, leaves
from symbackprop.graph.quantities import Role
from symbackprop.graph.scalars import Scalar
from symbackprop.problems.accepted import ProblemLike

STEP = Fraction(1, 10**12)
TOLERANCE = 1e-12
_RESOLUTION = 1e-9
"""Gradients smaller than this, relative to the largest one, are compared absolutely."""
_ROUNDING = 1e-25
"""Likewise those smaller than this relative to the output: below, central differences see rounding alone."""
_NOISE = 1e-36
"""Likewise those smaller than this relative to the largest value: a number that is 0 but for 50 digits is compared as 0."""

_UNMOVED = STEP**3
"""A distance from a kink that changes by no more is the same but for rounding."""

_LARGEST_COMPOSED = 1_500
"""Composed output: its size times the number of gradients taken of it (less than a second)."""
_LARGEST_WORK = 100_000
"""Central differences: terms evaluated for the gradients compared (two passes each; a few seconds)."""
_FEWEST_OF_ARRAY = 3
_GUARDED_DIGITS = exact.DIGITS + 20


class Oracle(StrEnum):
    """What gradients are compared with."""

    DIFFERENCES = "differences"
    COMPOSED = "composed"


class Verdict(StrEnum):
    """What a comparison found."""

    AGREES = "agrees"
    DIFFERS = "differs"
    SKIPPED = "skipped"


_WORDS = {Verdict.AGREES: "agree", Verdict.DIFFERS: "differ", Verdict.SKIPPED: "skipped"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One gradient compared.

    `name` is the element (`W1_2_1`, `x_1@3` in sample 3), `gradient` what the derivation gives. `difference` is the
    relative difference from central differences, `composed` that from the derivative of the composed output (None
    where it was not taken, for the problem is too large for all). A skipped entry has neither; `kinks` names the quantities
    on its paths that are at a kink.
    """

    name: str
    gradient: float
    verdict: Verdict
    difference: float | None = None
    composed: float | None = None
    kinks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """The comparisons, in order of definition; `sampled` says that a large problem had only some elements compared."""

    entries: tuple[Entry, ...]
    h: float
    sampled: bool

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(self.with_verdict(verdict))} {word}" for verdict, word in _WORDS.items())
        return f"<Report: {counts}; largest relative difference {self.worst:.1e}>"

    @property
    def agrees(self) -> bool:
        """Whether no gradient differs (skipped ones do not count)."""
        return all(entry.verdict is not Verdict.DIFFERS for entry in self.entries)

    @property
    def worst(self) -> float:
        """The largest relative difference from central differences; 0 when everything was skipped."""
        return self.worst_from(Oracle.DIFFERENCES) or 0.0

    def worst_from(self, oracle: Oracle) -> float | None:
        """Return the largest relative difference from one oracle, None where it compared nothing."""
        found = (each.difference if oracle is Oracle.DIFFERENCES else each.composed for each in self.entries)
        return max((each for each in found if each is not None), default=None)

    def with_verdict(self, verdict: Verdict) -> tuple[Entry, ...]:
        """Return the entries with that verdict."""
        return tuple(entry for entry in self.entries if entry.verdict is verdict)


def check(
    problem: Derivation | ProblemLike,
    *,
    derivation: Derivation | None = None,
    oracles: Collection[Oracle] = tuple(Oracle),
) -> Report:
    """Return the comparison of every gradient by a parameter or input with the oracles.

    `derivation` is what is checked, by default the one that is given or that of the problem. Central differences are always
    among the `oracles`: it is they that find the kinks.

    >>> import symbackprop
    >>> report = check(symbackprop.example("mazur"))
    >>> report.agrees, len(report.entries), report.worst < 1e-20
    (True, 12, True)

    Raises `MissingValueError` when a number is missing, `EvaluationError` where a formula has no finite value.
    """
    derivation = derivation or derivation_of(problem)
    shared, data = leaves(derivation, EXACT)
    evaluation = Evaluation.of(derivation, EXACT)
    values = evaluation.backward(evaluation.forward(shared, data))
    chosen, sampled = _chosen(derivation)
    oracle = _Differences(derivation, values, shared, data)
    compared = [(leaf, *oracle.gradient(leaf)) for leaf in chosen]
    smooth = [leaf for leaf, _, kinks in compared if not kinks]
    composed = _composed_gradients(derivation, values, smooth) if Oracle.COMPOSED in oracles else {}
    floor = max(
        _RESOLUTION * max((abs(float(number)) for _, number, kinks in compared if not kinks), default=0.0),
        _ROUNDING * abs(float(values.value(derivation.graph.output))),
        _NOISE * max(abs(float(value)) for each in (values.shared, *values.samples) for value in each.values()),
    )
    entries = tuple(
        _entry(leaf, values.gradient(leaf.name, leaf.sample), number, composed.get(leaf), kinks, floor)
        for leaf, number, kinks in compared
    )
    return Report(entries, float(STEP), sampled)


def _entry(
    leaf: Scalar, gradient: Exact, numeric: Exact, composed: Exact | None, kinks: tuple[str, ...], floor: float
) -> Entry:
    if kinks:
        return Entry(str(leaf), float(gradient), Verdict.SKIPPED, kinks=kinks)
    difference = _difference(gradient, numeric, floor)
    other = None if composed is None else _difference(gradient, composed, floor)
    agrees = difference <= TOLERANCE and (other is None or other <= TOLERANCE)
    return Entry(str(leaf), float(gradient), Verdict.AGREES if agrees else Verdict.DIFFERS, difference, other)


def _difference(left: Exact, right: Exact, floor: float) -> float:
    """Return |left − right| relative to the larger of them, or to `floor` where both are smaller."""
    distance = abs(exact.add(left, exact.negate(right)))
    scale = max(abs(float(left)), abs(float(right)), floor)
    return float(distance) / scale if scale else float(distance)


def _chosen(derivation: Derivation) -> tuple[list[Scalar], bool]:
    """Return the leaves to compare and whether they are a sample: evenly spread over each array, ends included."""
    arrays = [list(derivation.graph.scalars(each)) for each in derivation.graph.of_role(Role.PARAMETER, Role.INPUT)]
    work = sum(
        len(equation.terms) * len(derivation.elements.batch_axis.samples_of(equation.name))
        for equation in derivation.elements.equations
    )
    count = sum(map(len, arrays))
    if count * work <= _LARGEST_WORK:
        return [leaf for array in arrays for leaf in array], False
    most = max(_FEWEST_OF_ARRAY, _LARGEST_WORK // (work * len(arrays)))
    spread = [leaf for array in arrays for leaf in _spread(array, most)]
    return spread, len(spread) < count


def _spread(array: Sequence[Scalar], most: int) -> list[Scalar]:
    if len(array) <= most:
        return list(array)
    return [array[position * (len(array) - 1) // max(most - 1, 1)] for position in range(most)]


@dataclass(frozen=True, slots=True)
class _Switch:
    """A scalar whose formula changes branch: `distance` of its term from the kink, over `arguments`."""

    scalar: Scalar
    distance: Node
    arguments: tuple[Scalar, ...]

    def measure(self, values: Values) -> Exact:
        measure = EXACT.function(self.distance, len(self.arguments))
        return measure(*(values.value(*place) for place in self.arguments))


class _Differences:
    """Central differences of the forward pass at 50 digits."""

    def __init__(
        self,
        derivation: Derivation,
        values: Values,
        shared: Mapping[str, Exact],
        data: tuple[Mapping[str, Exact], ...],
    ) -> None:
        self.output = derivation.graph.output
        self.forward = Evaluation.of(derivation, EXACT, ()).forward
        self.step = exact.to_real(STEP)
        self.shared = {name: exact.to_real(value) for name, value in shared.items()}
        self.data = [{name: exact.to_real(value) for name, value in sample.items()} for sample in data]
        self.switches = list(_switches(derivation))
        self.sides = [_sign(switch.measure(values)) for switch in self.switches]
        self.near = [
            (switch, distance)
            for switch in self.switches
            if exact.compare(abs(distance := switch.measure(values)), STEP) <= 0
        ]

    def gradient(self, leaf: Scalar) -> tuple[Exact, tuple[str, ...]]:
        """Return the central difference by a leaf, and the names of the kinks on its paths, each once."""
        above, below = self._passed(leaf, self.step), self._passed(leaf, -self.step)
        # What a leaf does not move, two arguments that it moves alike for instance, is no kink on its way.
        touched = {
            switch.scalar
            for switch, distance in self.near
            if any(_sign(exact.add(switch.measure(side), exact.negate(distance))) for side in (above, below))
        }
        touched |= {
            switch.scalar
            for switch, side in zip(self.switches, self.sides, strict=True)
            if {_sign(switch.measure(above)), _sign(switch.measure(below))} != {side}
        }
        rise = exact.add(above.value(self.output), exact.negate(below.value(self.output)))
        kinks = dict.fromkeys(switch.scalar for switch in self.switches if switch.scalar in touched)
        return exact.divide(rise, 2 * self.step), tuple(map(str, kinks))

    def _passed(self, leaf: Scalar, change: Exact) -> Values:
        if leaf.sample is None:
            return self.forward({**self.shared, leaf.name: self.shared[leaf.name] + change}, self.data)
        data = list(self.data)
        own = data[leaf.sample - 1]
        data[leaf.sample - 1] = {**own, leaf.name: own[leaf.name] + change}
        return self.forward(self.shared, data)


def _sign(value: Exact) -> int:
    return 0 if exact.compare(abs(value), _UNMOVED) <= 0 else exact.compare(value, Fraction(0))


def _switches(derivation: Derivation) -> Iterator[_Switch]:
    """Iterate over the places where a term changes branch: |u| at u = 0, max(u, v) and min(u, v) at u = v."""
    elements = derivation.elements
    for equation, term, sample in elements.instances():
        arguments = tuple(elements.place(name, sample) for name in term.arguments)
        for distance in term.form.kinks:
            yield _Switch(elements.place(equation.name, sample), distance, arguments)


def _composed_gradients(derivation: Derivation, values: Values, wanted: Sequence[Scalar]) -> dict[Scalar, Exact]:
    """Return the derivatives of the composed output by leaves: as many, evenly spread, as its size leaves time for."""
    chosen = _spread(wanted, _LARGEST_COMPOSED // _composed_size(derivation))
    if not chosen:
        return {}
    output = _composed(derivation)
    digits = _guarded_digits(values)
    numbers = {
        _symbol(leaf): _float(values.value(leaf.name, leaf.sample), digits)
        for quantity in derivation.graph.of_role(Role.PARAMETER, Role.INPUT, Role.TARGET)
        for leaf in derivation.graph.scalars(quantity)
    }
    found = {}
    for leaf in chosen:
        number = sympy.diff(output, _symbol(leaf)).xreplace(numbers).evalf(digits)
        found[leaf] = exact.CONTEXT.make_mpf(sympy.Float(number, exact.DIGITS)._mpf_)
    return found


def _symbol(leaf: Scalar) -> sympy.Symbol:
    return symbolic.name_symbol(str(leaf))


def _guarded_digits(values: Values) -> int:
    """Return the digits that the composed output is evaluated with: enough for 1 − a of the most saturated unit."""
    longest = max(
        (
            value._mpf_[3]
            for numbers in (values.shared, *values.samples)
            for value in numbers.values()
            if not isinstance(value, Fraction)
        ),
        default=0,
    )
    return _GUARDED_DIGITS + int(longest * math.log10(2))


def _float(value: Exact, digits: int) -> sympy.Float:
    """Return a number as a SymPy float with digits to spare: with it SymPy evaluates whatever it is put into."""
    if isinstance(value, Fraction):
        return sympy.Float(symbolic.rational(value), digits)
    return sympy.Float(exact.CONTEXT.nstr(value, exact.DIGITS + 5), digits)


def _composed_size(derivation: Derivation) -> int:
    """Return the number of operations of the composed output."""
    axis = derivation.elements.batch_axis
    sizes: dict[str, int] = {}
    for equation in derivation.elements.equations:
        size = 0
        for term in equation.terms:
            inside = sum(sizes.get(name, 1) for name in term.arguments)
            size += len(axis.spread(equation.name, term.arguments)) * (inside + 1)
        sizes[equation.name] = size
    return sizes[derivation.graph.output]


def _composed(derivation: Derivation) -> sympy.Expr:
    """Return the output as one expression in parameters, inputs and targets."""
    batched, axis = derivation.elements.batched, derivation.elements.batch_axis
    known: dict[Scalar, sympy.Expr] = {}

    def spelled(formula: Node, sample: int | None) -> sympy.Expr:
        def leaf(part: Node) -> sympy.Expr | None:
            if isinstance(part, Name):
                place = Scalar(part.name, sample if part.name in batched else None)
                return _symbol(place) if (expression := known.get(place)) is None else expression
            if isinstance(part, Apply) and part.function in _SYMPY_OWN:
                return _SYMPY_OWN[part.function](*(symbolic.to_sympy(each, leaf) for each in part.arguments))
            return None

        return symbolic.to_sympy(formula, leaf)

    for equation in derivation.elements.equations:
        for sample in axis.samples_of(equation.name):
            known[Scalar(equation.name, sample)] = sympy.Add(
                *(
                    spelled(term.formula(), place)
                    for term in equation.terms
                    for place in axis.spread(equation.name, term.arguments, sample)
                )
            )
    return known[Scalar(derivation.graph.output)]


_SYMPY_OWN: Mapping[str, Callable[..., sympy.Expr]] = {"max": sympy.Max, "min": sympy.Min, "abs": sympy.Abs}
