"""Jacobian, Hessian, Newton's step and the limit of the learning rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from symbackprop.algebra.formula import names
from symbackprop.arithmetic import exact
from symbackprop.catalog.optimizers import RATE
from symbackprop.curvature import linear_systems
from symbackprop.curvature.linear_systems import Matrix, Row
from symbackprop.curvature.tangents import CurvatureError, Sweep, degrees, elements, free
from symbackprop.derivation.derivations import Derivation, derivation_of
from symbackprop.errors import EvaluationError
from symbackprop.evaluation.arithmetics import EXACT, Value
from symbackprop.graph.quantities import Role
from symbackprop.graph.scalars import Scalar
from symbackprop.messages import message
from symbackprop.problems.accepted import ProblemLike


@dataclass(frozen=True, slots=True)
class Jacobian:
    """∂(row)/∂(column): outputs (`a2_1`, in sample 3 of a batch `a2_1@3`) by parameters (`W1_1_2`); entries are exact."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    entries: Matrix

    def __repr__(self) -> str:
        return f"<Jacobian: {len(self.rows)} by {len(self.columns)}>"

    @property
    def floats(self) -> tuple[tuple[float, ...], ...]:
        """The entries in float64."""
        return linear_systems.floats(self.entries)


@dataclass(frozen=True, slots=True)
class Hessian:
    """∂²L/∂w∂v for all parameters in order of definition, with the loss and its gradient at the same point.

    `kinks` are the quantities at which a formula, or its derivative, changes branch: there the entries follow the
    convention at the kink and need not be second derivatives.
    """

    names: tuple[str, ...]
    entries: Matrix
    gradient: Row
    loss: Value
    kinks: tuple[Scalar, ...]

    def __repr__(self) -> str:
        return f"<Hessian: {len(self.names)} parameters, loss {float(self.loss):g}>"

    @property
    def floats(self) -> tuple[tuple[float, ...], ...]:
        """The entries in float64."""
        return linear_systems.floats(self.entries)

    @property
    def eigenvalues(self) -> Row:
        """The eigenvalues, smallest first: a rational one of a rational matrix exactly, the others at 50 digits."""
        return linear_systems.eigenvalues(self.entries)


@dataclass(frozen=True, slots=True)
class NewtonStep:
    """The step p with H p = −g of the parameters that are not frozen, and the point it leads to.

    `slope` is gᵀp: where it is positive the step climbs (H is not positive definite). `loss_after` is None where the loss
    has no value after the step.
    """

    names: tuple[str, ...]
    before: Row
    step: Row
    after: Row
    slope: Value
    loss: Value
    loss_after: Value | None

    @property
    def floats(self) -> Mapping[str, float]:
        """The parameters after the step in float64."""
        return dict(zip(self.names, map(float, self.after), strict=True))


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Gradient descent on a quadratic loss: eigenvalues λ of the Hessian (smallest first) and the limit 2/λ_max of η.

    The error along an eigenvector is multiplied by 1 − ηλ in each step, so descent converges for 0 < η < `limit`. The
    limit is None where an eigenvalue is negative (every rate diverges) or all are zero. `learning_rate` is the problem's
    own, if it has one.
    """

    eigenvalues: Row
    limit: Value | None
    learning_rate: Value | None

    @property
    def largest(self) -> Value:
        """The largest eigenvalue, λ_max."""
        return self.eigenvalues[-1]

    def contraction(self, learning_rate: Value) -> Row:
        """Return the factors 1 − ηλ for a learning rate, in the order of the eigenvalues."""
        return tuple(exact.add(Fraction(1), -exact.multiply(learning_rate, value)) for value in self.eigenvalues)

    @property
    def factors(self) -> Row:
        """The factors of the problem's own learning rate, none where it has none."""
        return () if self.learning_rate is None else self.contraction(self.learning_rate)

    @property
    def floats(self) -> tuple[float, ...]:
        """The eigenvalues in float64."""
        return tuple(map(float, self.eigenvalues))


def jacobian(problem: ProblemLike, of: str | None = None) -> Jacobian:
    """Return the Jacobian of the outputs by all parameters, in exact numbers.

    The outputs are the last activations of a network, or the computed quantities that the output equation of a graph
    reads; `of` names another quantity. (Goodfellow, Bengio and Courville, Deep Learning, 2016, section 4.3.1.) Raises
    `CurvatureError` above 30 parameters and `MissingValueError` where numbers are left out.

    >>> import symbackprop
    >>> jacobian(symbackprop.example("line")).entries
    ((Fraction(1, 1),),)
    """
    derivation = derivation_of(problem)
    sweep = Sweep(derivation, EXACT, elements(derivation))
    tangents, _ = sweep.forward(sweep.values({}))
    outputs = map(derivation.graph.quantities.__getitem__, _outputs(derivation, of))
    scalars = tuple(derivation.graph.scalars(*outputs))
    rows = tuple(sweep.dense(tangents.get(scalar, {})) for scalar in scalars)
    return Jacobian(tuple(map(str, scalars)), sweep.parameters, rows)


def _outputs(derivation: Derivation, of: str | None) -> tuple[str, ...]:
    """Return the names of the arrays whose Jacobian is asked for."""
    graph = derivation.graph
    if of is not None:
        return (derivation.quantity(of).name,)
    if graph.prediction is not None:
        return (graph.prediction.name,)
    (formula,) = (equation.formula for equation in graph.equations if equation.name == graph.sample_loss)
    computed = [name for name in names(formula) if graph.quantities[name].role is Role.INTERMEDIATE]
    return tuple(computed) or (graph.sample_loss,)


def hessian(problem: ProblemLike) -> Hessian:
    """Return the Hessian of the loss by all parameters, in exact numbers (fractions or 50 digits).

    (Goodfellow, Bengio and Courville, Deep Learning, 2016, section 4.3.1.) Raises as `jacobian` does.

    >>> import symbackprop
    >>> hessian(symbackprop.example("line")).entries
    ((Fraction(1, 1),),)
    """
    derivation = derivation_of(problem)
    return hessian_at(Sweep(derivation, EXACT, elements(derivation)), {})


def hessian_at(sweep: Sweep, changed: Mapping[str, Value]) -> Hessian:
    """Return the Hessian by the parameters of a sweep, with some of them changed."""
    values = sweep.values(changed)
    gradient, entries = sweep.second(values)
    loss = values.value(sweep.derivation.graph.output)
    return Hessian(sweep.parameters, entries, gradient, loss, sweep.kinks(values))


def newton_step(problem: ProblemLike) -> NewtonStep:
    """Return one step of Newton's method, p = −H⁻¹g, over the parameters that are not frozen.

    On a quadratic loss it leads to the stationary point exactly. (Nocedal and Wright, Numerical Optimization, 2006,
    section 2.2.) Raises `CurvatureError` for a singular Hessian, otherwise as `hessian` does.

    >>> import symbackprop
    >>> newton_step(symbackprop.example("line")).floats
    {'W1_1_1': 1.0}
    """
    derivation = derivation_of(problem)
    elements(derivation)
    sweep = Sweep(derivation, EXACT, free(derivation))
    found = hessian_at(sweep, {})
    step, rank = linear_systems.solve(found.entries, tuple(-derivative for derivative in found.gradient))
    if step is None:
        what = message("curvature.singular", rank=rank, count=len(found.names))
        raise CurvatureError(what, where=derivation.problem.name)
    before = tuple(sweep.shared[name] for name in found.names)
    after = tuple(exact.settle(exact.add(old, change)) for old, change in zip(before, step, strict=True))
    try:
        loss_after = sweep.values(dict(zip(found.names, after, strict=True))).value(derivation.graph.output)
    except EvaluationError:
        loss_after = None
    return NewtonStep(
        found.names, before, step, after, linear_systems.dot(found.gradient, step), found.loss, loss_after
    )


def rate_limit(problem: ProblemLike) -> RateLimit:
    """Return the learning rate below which gradient descent converges on a quadratic loss: 2/λ_max.

    A loss is quadratic when its equations, as they are written, make it a polynomial of degree at most 2 in the parameters
    that are not frozen: its third derivatives are then zero everywhere. (LeCun, Bottou, Orr and Müller, Efficient BackProp,
    1998, section 5.1; Goodfellow et al., 2016, section 4.3.1.) Raises `CurvatureError` for any other loss, naming the
    quantity through which it is not quadratic.

    >>> import symbackprop
    >>> limit = rate_limit(symbackprop.example("line"))
    >>> limit.limit, limit.contraction(Fraction(3, 2))
    (Fraction(2, 1), (Fraction(-1, 2),))
    """
    derivation = derivation_of(problem)
    elements(derivation)
    unfrozen = free(derivation)
    for name, degree in degrees(derivation, unfrozen):
        if name in derivation.links and (degree is None or degree > 2):
            raise CurvatureError(message("curvature.not_quadratic", name=name), where=derivation.problem.name)
    eigenvalues = hessian_at(Sweep(derivation, EXACT, unfrozen), {}).eigenvalues
    has_limit = eigenvalues[0] >= 0 and eigenvalues[-1] > 0
    limit = exact.divide(Fraction(2), eigenvalues[-1]) if has_limit else None
    training = derivation.problem.training
    rate = training.settings.get(RATE) if training else None
    return RateLimit(eigenvalues, limit, None if rate is None else rate.value)
