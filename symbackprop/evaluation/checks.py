"""Checks of a derivation by oracles that share no code with the reverse sweep.

Every gradient of the output by a parameter or an input is compared with

* **central differences** of the forward pass, (L(w + h) − L(w − h)) / 2h at 50 digits with h = 10⁻¹², whose error is
  of the order h² (Burden and Faires, Numerical Analysis, section 4.1): where the two do not agree, or a formula changes
  branch between w − h and w + h, the slopes on both sides take their place, each from three points of its side, and
* in small problems all, in larger ones some, with **`sympy.diff` of the composed output**: the forward equations
  substituted into each other until one expression in parameters and inputs is left, with SymPy's own `Max`, `Min` and `Abs`.

Neither sees a link, a partial or a classroom form. At a kink (ReLU at 0), where the slopes on both sides differ, there is
no derivative to compare with: the entry says so and counts neither as agreeing nor as differing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from symbackprop.arithmetic import exact
from symbackprop.arithmetic.exact import Exact
from symbackprop.derivation.derivations import Derivation, derivation_of
from symbackprop.display import Printed
from symbackprop.evaluation.arithmetics import EXACT
from symbackprop.evaluation.differences import STEP as STEP
from symbackprop.evaluation.differences import TOLERANCE as TOLERANCE
from symbackprop.evaluation.differences import Differences, evenly_spread, real, relative_difference
from symbackprop.evaluation.evaluate import Evaluation, Values, leaves
from symbackprop.evaluation.kinks import kinks
from symbackprop.graph.quantities import Role
from symbackprop.graph.scalars import Scalar
from symbackprop.problems.accepted import ProblemLike

_RESOLUTION = 1e-9
"""Gradients smaller than this, relative to the largest one, are compared absolutely."""
_ROUNDING = 1e-25
"""Likewise those smaller than this relative to the terms of the output: below, differences see the rounding of 50 digits."""

_PLAINLY = 1e-6
"""A difference that is larger than this, relative to those terms, comes from no jump of a second derivative."""

_LARGEST_WORK = 100_000
"""Central differences: terms evaluated for the gradients compared (two passes each; a few seconds)."""
_FEWEST_OF_ARRAY = 3


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

    `name` is the element (`W1_2_1`, `x_1@3` in sample 3), `role` that of its quantity (a parameter or an input), `gradient`
    what the derivation gives. `difference` is the
    relative difference from central differences, `composed` that from the derivative of the composed output (None
    where it was not taken, for the problem is too large for all). A skipped entry has neither; `kinks` names the quantities
    on its paths that are at a kink.
    """

    name: str
    role: Role
    gradient: float
    verdict: Verdict
    difference: float | None = None
    composed: float | None = None
    kinks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report(Printed):
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
        """Return the largest relative difference from one oracle.

        Args:
            oracle: The oracle.

        Returns:
            The difference, None where the oracle compared nothing.

        Examples:
            >>> import symbackprop
            >>> symbackprop.check("mazur").worst_from(Oracle.COMPOSED) < 1e-20
            True
        """
        found = (each.difference if oracle is Oracle.DIFFERENCES else each.composed for each in self.entries)
        return max((each for each in found if each is not None), default=None)

    def with_verdict(self, verdict: Verdict) -> tuple[Entry, ...]:
        """Return the entries with a verdict.

        Args:
            verdict: The verdict.

        Returns:
            The entries, in order.

        Examples:
            >>> import symbackprop
            >>> symbackprop.check("mazur").with_verdict(Verdict.DIFFERS)
            ()
        """
        return tuple(entry for entry in self.entries if entry.verdict is verdict)

    def compared(self, role: Role) -> int:
        """Return how many gradients with respect to quantities of a role were compared.

        Args:
            role: The role, a parameter or an input.

        Returns:
            Their number; skipped ones do not count.

        Examples:
            >>> import symbackprop
            >>> symbackprop.check("mazur").compared(Role.PARAMETER)
            10
        """
        return sum(entry.role is role and entry.verdict is not Verdict.SKIPPED for entry in self.entries)


def check(
    problem: Derivation | ProblemLike,
    *,
    derivation: Derivation | None = None,
    oracles: Collection[Oracle] = tuple(Oracle),
) -> Report:
    """Return the comparison of every gradient by a parameter or input with the oracles.

    The oracles share no code with the derivation: central differences at 50 digits (Burden and Faires, Numerical
    Analysis, section 4.1), which also find the kinks, and SymPy's derivative of the composed loss.

    Args:
        problem: What is checked: a derivation, or whatever stands for a problem.
        derivation: A derivation of that problem, where another one than its own is to be checked.
        oracles: What gradients are compared with; central differences are always among them.

    Returns:
        A report with an entry for each element of a parameter or input.

    Raises:
        MissingValueError: A number is missing.
        EvaluationError: A formula has no finite value.

    Examples:
        >>> import symbackprop
        >>> report = symbackprop.check(symbackprop.example("mazur"))
        >>> report.agrees, len(report.entries), report.worst < 1e-20
        (True, 12, True)
    """
    derivation = derivation or derivation_of(problem)
    shared, data = leaves(derivation, EXACT)
    evaluation = Evaluation.of(derivation, EXACT)
    values = evaluation.backward(evaluation.forward(shared, data))
    chosen, sampled = _chosen(derivation)
    oracle = Differences(derivation, values, shared, data)
    found = [(leaf, values.gradient(leaf.name, leaf.sample), *oracle.central(leaf)) for leaf in chosen]
    largest = max((abs(real(number)) for _, _, number, touched in found if not touched), default=Fraction(0))
    term = _largest_term(derivation, values)
    floor = max(real(largest) * _RESOLUTION, term * _ROUNDING)
    smooth = {leaf: gradient for leaf, gradient, _, touched in found if not touched}
    composed: dict[Scalar, float] = {}
    if Oracle.COMPOSED in oracles:
        from symbackprop.evaluation import composed_output  # SymPy takes longer to import than all the rest

        composed = composed_output.composed_differences(derivation, values, smooth, floor)
    entries = []
    for leaf, gradient, number, touched in found:
        difference, named = relative_difference(gradient, number, floor), touched
        is_plain = oracle.is_ordinary and abs(real(exact.add(gradient, exact.negate(number)))) > term * _PLAINLY
        if touched or (difference > TOLERANCE and not is_plain):
            sides, finer = oracle.one_sided(leaf), oracle.gradients.gradient(leaf.name, leaf.sample)
            if sides is not None:
                difference = max(relative_difference(finer, slope, floor) for slope in sides)
                if relative_difference(*sides, floor) <= TOLERANCE:
                    # Kinks may cancel, as those of max(a, min(a, b)) do: what their conventions make is no derivative.
                    bent = kinks(derivation, values) if difference > TOLERANCE else ()
                    named = tuple(name for name in named if name in set(map(str, bent)))
        role = derivation.graph.quantity_of(leaf.name).role
        entries.append(_entry(leaf, role, gradient, difference, composed.get(leaf), named))
    return Report(tuple(entries), float(STEP), sampled)


def _entry(
    leaf: Scalar, role: Role, gradient: Exact, difference: float, composed: float | None, kinks: tuple[str, ...]
) -> Entry:
    if kinks:
        return Entry(str(leaf), role, float(gradient), Verdict.SKIPPED, kinks=kinks)
    agrees = difference <= TOLERANCE and (composed is None or composed <= TOLERANCE)
    verdict = Verdict.AGREES if agrees else Verdict.DIFFERS
    return Entry(str(leaf), role, float(gradient), verdict, difference, composed)


def _largest_term(derivation: Derivation, values: Values) -> Exact:
    """Return the largest term of the forward pass, by what the output changes with it: rounding is relative to that."""
    elements, largest = derivation.elements, abs(real(values.value(derivation.graph.output)))
    for equation, term, sample in elements.instances():
        gradient = values.gradient(*elements.place(equation.name, sample))
        if gradient:
            function = EXACT.function(term.form.formula, term.form.arity)
            size = function(*(values.value(*elements.place(name, sample)) for name in term.arguments))
            largest = max(largest, abs(real(size) * real(gradient)))
    return largest


def _chosen(derivation: Derivation) -> tuple[list[Scalar], bool]:
    """Return the leaves to compare and whether they are a sample: evenly spread over each array, ends included."""
    arrays = [list(derivation.graph.scalars(each)) for each in derivation.graph.of_role(Role.PARAMETER, Role.INPUT)]
    work = sum(
        len(equation.terms) * len(derivation.elements.batch_axis.samples_of(equation.name))
        for equation in derivation.elements.equations
    )
    count, most = sum(map(len, arrays)), _LARGEST_WORK // max(work, 1)
    if count <= most:
        return [leaf for array in arrays for leaf in array], False
    # So many of each array, or of thousands of scalars so many arrays.
    chosen = evenly_spread(arrays, max(most // _FEWEST_OF_ARRAY, _FEWEST_OF_ARRAY))
    spread = [leaf for array in chosen for leaf in evenly_spread(array, max(most // len(chosen), _FEWEST_OF_ARRAY))]
    return spread, len(spread) < count
