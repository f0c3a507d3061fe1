"""Trajectories of a descent with several learning rates, side by side, and what becomes of each."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from symbackprop.arithmetic import exact
from symbackprop.catalog.optimizers import RATE
from symbackprop.catalog.schedules import CONSTANT
from symbackprop.curvature import CurvatureError, RateLimit, rate_limit
from symbackprop.derivation.derivations import Derivation, derive
from symbackprop.descent import epochs
from symbackprop.descent.solution import Descent
from symbackprop.descent.update import trained
from symbackprop.errors import EvaluationError
from symbackprop.evaluation.arithmetics import EXACT, FLOAT, Value, arithmetic_of
from symbackprop.evaluation.evaluate import is_finite
from symbackprop.problems import Given, Problem
from symbackprop.problems.accepted import ProblemLike, problem_of
from symbackprop.problems.training_table import batches_in

MOST_PARAMETERS = 2
"""Of more parameters only the losses are followed."""
_MOST_EXACT = 50
"""Updates of a quadratic loss that are exact, at most; longer comparisons are in float64."""


@dataclass(frozen=True, slots=True)
class Trajectory:
    """A descent with one learning rate: parameters and losses before the first update and after each.

    It ends early where the loss stops being finite. `factors` are 1 − ηλ for every eigenvalue λ where there is a `limit`.
    `verdict` is a word of what became of it: `converges`, `oscillates` (converges and passes the minimum in each step),
    `arrives` (in one step), `swings` (neither), `diverges`, `overshoots` (diverges and changes sides), for a quadratic loss;
    `fell`, `fell_unevenly`, `returned`, `rose`, `stayed`, `infinite` are true of the updates that were made.
    """

    rate: Given
    parameters: tuple[tuple[Value, ...], ...]
    losses: tuple[Value, ...]
    factors: tuple[Value, ...]
    verdict: str


@dataclass(frozen=True, slots=True)
class RateComparison:
    """The trajectories of several learning rates; `names` are the parameters followed, `steps` the number of updates.

    `limit` says where gradient descent on a quadratic loss converges; None for another loss or another kind of descent.
    """

    names: tuple[str, ...]
    steps: int
    trajectories: tuple[Trajectory, ...]
    limit: RateLimit | None

    def alike(self) -> tuple[tuple[Trajectory, ...], ...]:
        """Return the groups of trajectories whose losses are the same in every step, though their learning rates differ."""
        groups: dict[tuple[Value, ...], list[Trajectory]] = {}
        for trajectory in self.trajectories:
            groups.setdefault(trajectory.losses, []).append(trajectory)
        found = (tuple(group) for group in groups.values())
        return tuple(group for group in found if len({trajectory.rate.value for trajectory in group}) > 1)


def compare_rates(problem: ProblemLike, rates: Sequence[Given], steps: int) -> RateComparison:
    """Return what becomes of a problem's descent with each of some learning rates.

    Steps on a quadratic loss are exact; verdicts of convergence follow from |1 − ηλ| (LeCun, Bottou, Orr and Müller,
    Efficient BackProp, 1998, section 5.1). Raises `MissingValueError` where numbers are left out.

    >>> import symbackprop
    >>> from fractions import Fraction
    >>> found = compare_rates(symbackprop.example("line"), [Given(Fraction(3, 2), "3/2"), Given(Fraction(5, 2), "5/2")], 4)
    >>> [(trajectory.verdict, float(trajectory.losses[-1])) for trajectory in found.trajectories]
    [('oscillates', 0.001953125), ('overshoots', 12.814453125)]
    """
    problem = problem_of(problem)
    derivation = derive(problem)
    names = tuple(trained(derivation))
    limit = _limit(problem)
    trajectories = []
    for rate in rates:
        parameters, losses = _descent(derivation, rate, steps, is_exact=limit is not None and steps <= _MOST_EXACT)
        factors = () if limit is None else limit.contraction(rate.value)
        shown = parameters if len(names) <= MOST_PARAMETERS else ()
        verdict = _verdict(parameters, losses, factors, complete=len(losses) == steps + 1)
        trajectories.append(Trajectory(rate, tuple(shown), tuple(losses), factors, verdict))
    return RateComparison(names if len(names) <= MOST_PARAMETERS else (), steps, tuple(trajectories), limit)


def _limit(problem: Problem) -> RateLimit | None:
    """Return the limit of the learning rate where every step multiplies the error by 1 − ηλ, and every λ is positive."""
    training = problem.training
    assert training is not None
    plain = (
        training.optimizer == "gradient_descent"
        and training.settings.keys() - training.zero == {RATE}
        and training.schedule.kind == CONSTANT
        and training.update == "simultaneous"
        and batches_in(problem.samples, training.batch_size) == 1
        and problem.notation.round_intermediates is None
    )
    if not plain:
        return None
    try:
        found = rate_limit(problem)
    except CurvatureError:
        return None
    return found if found.eigenvalues[0] > 0 else None


def _descent(
    derivation: Derivation, rate: Given, steps: int, *, is_exact: bool
) -> tuple[list[tuple[Value, ...]], list[Value]]:
    """Return parameters and losses before the first update and after each, up to the last finite loss."""
    problem = derivation.problem
    training = problem.training
    assert training is not None
    training = replace(training, settings={**training.settings, RATE: rate})
    kind = arithmetic_of(problem)
    if kind is EXACT and not is_exact:
        kind = FLOAT
    descent = Descent(derive(replace(problem, training=training)), kind)
    names, output = tuple(trained(descent.derivation)), derivation.graph.output
    batches = itertools.islice(epochs.batches_of(training, problem.samples), steps)
    parameters, losses = [tuple(map(descent.values.value, names))], [descent.values.value(output)]
    for batch in batches:
        try:
            descent.update(batch)
        except (ArithmeticError, EvaluationError):
            break
        loss = descent.values.value(output)
        if not is_finite(float(loss)):
            break
        parameters.append(tuple(map(descent.values.value, names)))
        losses.append(loss)
    return parameters, losses


def _verdict(
    parameters: Sequence[tuple[Value, ...]], losses: Sequence[Value], factors: Sequence[Value], *, complete: bool
) -> str:
    """Return what became of a descent: by the factors where there are some, else by what the losses did."""
    if not complete:
        return "infinite"
    signs = [exact.compare(after, before) for before, after in itertools.pairwise(losses)]
    if not any(signs):
        return "stayed" if len(set(parameters)) == 1 else "swings"
    whole = exact.compare(losses[-1], losses[0])
    if factors:
        low, *_, high = sorted((*factors, *factors), key=_ordered)
        size = max(high, -low, key=_ordered)
        within = exact.compare(size, Fraction(1))
        if within < 0:
            return "arrives" if size == 0 else "oscillates" if low < 0 else "converges"
        if within > 0 and whole > 0:
            return "overshoots" if low < -1 else "diverges"
    if max(signs) < 0:
        return "fell"
    return {-1: "fell_unevenly", 0: "returned", 1: "rose"}[whole]


_ordered = functools.cmp_to_key(exact.compare)
