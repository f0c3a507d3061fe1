"""Forward over reverse: tangents of all quantities by the parameters, and the derivative of the reverse sweep along them.

A tangent for each parameter goes forwards through the equations, and the sweep is differentiated along it (Pearlmutter, Fast
exact multiplication by the Hessian, 1994). Beyond the sweep this needs the second partials of the forms: `sympy.diff` of
their partials, once for each form and pair of slots. The loss is never composed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symbackprop.algebra import functions
from symbackprop.algebra.forms import Form, form_of
from symbackprop.algebra.formula import ZERO, Apply, Negative, Node, Sum, walk
from symbackprop.arithmetic import exact
from symbackprop.curvature.linear_systems import Matrix, Row
from symbackprop.derivation.derivations import Derivation
from symbackprop.derivation.element_grain import ElementGraph, Term
from symbackprop.errors import EvaluationError, SymbackpropError
from symbackprop.evaluation.arithmetics import EXACT, Arithmetic, Value
from symbackprop.evaluation.evaluate import Evaluation, Values, leaves
from symbackprop.evaluation.kinks import NEAR_KINK
from symbackprop.graph.scalars import Scalar
from symbackprop.messages import message
from symbackprop.registry import cached

LARGEST = 30
"""The largest number of parameters (elements) that second order is worked out for."""

Tangent = dict[int, Value]
"""Derivatives of one scalar by the parameters at those positions; what is not there is zero."""


class CurvatureError(SymbackpropError):
    """Second order is asked of a problem that has none to give: too many parameters, a singular Hessian, no parabola."""


def elements(derivation: Derivation) -> tuple[str, ...]:
    """Return the elements of all parameters; raise `CurvatureError` above 30 of them, or where all are frozen."""
    found = tuple(element for quantity in derivation.parameters for element in quantity.elements())
    if len(found) > LARGEST:
        what = message("curvature.too_many", count=len(found), limit=LARGEST)
        raise CurvatureError(what, where=derivation.problem.name)
    if not free(derivation):
        raise CurvatureError(message("curvature.none"), where=derivation.problem.name)
    return found


def free(derivation: Derivation) -> tuple[str, ...]:
    """Return the elements of the parameters that are not frozen."""
    training = derivation.problem.training
    frozen = frozenset() if training is None else training.frozen
    return tuple(
        element for quantity in derivation.parameters if quantity.name not in frozen for element in quantity.elements()
    )


@cached
def second_partial(form: Form, slot: int, other: int) -> Node:
    """Return ∂²form/∂slot∂other over slots, derived by SymPy from the form's partial.

    >>> from symbackprop.algebra.forms import form_of
    >>> from symbackprop.algebra.formula import Product, Slot
    >>> second_partial(form_of(Product((Slot(0), Slot(1)))), 0, 1)
    Number(value=Fraction(1, 1))
    """
    import sympy

    from symbackprop.algebra import symbolic

    if form.by_parts() is None:
        return symbolic.from_sympy(sympy.diff(form.partial(slot).derived, symbolic.slot_symbol(other)))
    first = form_of(form.partial(slot).plain)
    return first.partial(other).plain if other < first.arity else ZERO


@cached
def second_kinks(form: Form) -> tuple[Node, ...]:
    """Return the formulas at whose zeros the form, or one of its partials, changes branch.

    Softsign is an example of the second: z/(1 + |z|) has a derivative at 0, and that derivative has none.
    """
    found = dict.fromkeys(form.kinks)
    for slot in range(form.arity):
        for part in walk(form.partial(slot).plain):
            if isinstance(part, Apply) and part.function in ("step", "abs"):
                found[part.arguments[0]] = None
            elif isinstance(part, Apply) and part.function in ("max", "min") and len(part.arguments) == 2:
                found[Sum((part.arguments[0], Negative(part.arguments[1])))] = None
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Instance:
    """A term in one sample: the scalar it is added to, those that it reads and those that hold its value."""

    target: Scalar
    form: Form
    arguments: tuple[Scalar, ...]
    values: tuple[Scalar, ...]


def _instances(elements: ElementGraph) -> Iterator[_Instance]:
    for equation, term, sample in elements.instances():
        target, *keys = (elements.place(name, sample) for name in (equation.name, *term.arguments, *term.values))
        count = len(term.arguments)
        yield _Instance(target, term.form, tuple(keys[:count]), tuple(keys[count:]))


class Sweep:
    """A derivation made ready for second order in the named parameters, in one arithmetic."""

    def __init__(self, derivation: Derivation, arithmetic: Arithmetic, parameters: tuple[str, ...]) -> None:
        self.derivation, self.arithmetic, self.parameters = derivation, arithmetic, parameters
        self.shared, self._data = leaves(derivation, arithmetic)
        self._pass = Evaluation.of(derivation, arithmetic, ()).forward
        self._instances = tuple(_instances(derivation.elements))

    @property
    def size(self) -> int:
        """The number of terms in all samples."""
        return len(self._instances)

    @property
    def effort(self) -> int:
        """What a pass takes, in some microseconds: the pairs of parts of its forms, of which second derivatives are made.

        Activations are written out, as their derivatives are.
        """
        parts = {each.form: functions.written_size(each.form.formula) for each in self._instances}
        return sum(parts[each.form] ** 2 for each in self._instances)

    def values(self, changed: Mapping[str, Value]) -> Values:
        """Return the forward values at the problem's own numbers, with some parameters changed."""
        return self._pass({**self.shared, **changed}, self._data)

    def forward(self, values: Values) -> tuple[Mapping[Scalar, Tangent], Sequence[dict[int, Value]]]:
        """Return the tangents of all scalars, and each instance's partials by the slots that depend on a parameter."""
        one = self.arithmetic.convert(Fraction(1))
        tangents: dict[Scalar, Tangent] = {Scalar(name): {place: one} for place, name in enumerate(self.parameters)}
        found: list[dict[int, Value]] = []
        for instance in self._instances:
            active = [slot for slot, key in enumerate(instance.arguments) if tangents.get(key)]
            has_values = bool(instance.values)
            numbers = [values.value(*key) for key in instance.arguments + instance.values] if active else []
            partials = {
                slot: self._run(instance.form.partial(slot).formula(has_values), numbers, instance) for slot in active
            }
            target = tangents.setdefault(instance.target, {})
            for slot, partial in partials.items():
                self._add(target, partial, tangents[instance.arguments[slot]])
            found.append(partials)
        return tangents, found

    def second(self, values: Values) -> tuple[Row, Matrix]:
        """Return gradient and Hessian of the output by the parameters."""
        tangents, partials = self.forward(values)
        add, multiply, settle = self.arithmetic.add, self.arithmetic.multiply, self.arithmetic.settle
        zero, one = (self.arithmetic.convert(Fraction(whole)) for whole in (0, 1))
        output = Scalar(self.derivation.graph.output)
        adjoints: dict[Scalar, Value] = {output: one}
        moved: dict[Scalar, Tangent] = {output: {}}
        for instance, local in zip(reversed(self._instances), reversed(partials), strict=True):
            if instance.target not in adjoints:
                continue
            upstream, along = adjoints[instance.target], moved[instance.target]
            numbers = [values.value(*key) for key in instance.arguments] if local else []
            for slot, partial in local.items():
                key = instance.arguments[slot]
                adjoints[key] = settle(add(adjoints.get(key, zero), multiply(upstream, partial)))
                own = moved.setdefault(key, {})
                self._add(own, partial, along)
                for other in local:
                    formula = second_partial(instance.form, slot, other)
                    if formula != ZERO:
                        bent = multiply(upstream, self._run(formula, numbers, instance))
                        self._add(own, bent, tangents[instance.arguments[other]])
        keys = [Scalar(name) for name in self.parameters]
        gradient = tuple(adjoints.get(key, zero) for key in keys)
        return gradient, tuple(self.dense(moved.get(key, {})) for key in keys)

    def kinks(self, values: Values) -> tuple[Scalar, ...]:
        """Return the quantities whose formula, or its derivative, changes branch at these exact values."""
        found = []
        for instance in self._instances:
            for distance in second_kinks(instance.form):
                measure = EXACT.function(distance, instance.form.arity)
                if exact.compare(abs(measure(*(values.value(*key) for key in instance.arguments))), NEAR_KINK) <= 0:
                    found.append(instance.target)
        return tuple(dict.fromkeys(found))

    def dense(self, tangent: Tangent) -> Row:
        """Return a tangent with its zeros."""
        zero = self.arithmetic.convert(Fraction(0))
        return tuple(tangent.get(place, zero) for place in range(len(self.parameters)))

    def _run(self, formula: Node, numbers: Sequence[Value], instance: _Instance) -> Value:
        try:
            return self.arithmetic.function(formula, len(numbers))(*numbers)
        except EvaluationError as error:
            raise error.at(instance.target[0]) from None

    def _add(self, target: Tangent, factor: Value, tangent: Tangent) -> None:
        """Add a multiple of a tangent to another one."""
        add, multiply, settle = self.arithmetic.add, self.arithmetic.multiply, self.arithmetic.settle
        for place, value in tangent.items():
            change = multiply(factor, value)
            target[place] = settle(add(target[place], change) if place in target else change)


def degrees(derivation: Derivation, parameters: tuple[str, ...]) -> Iterator[tuple[str, int | None]]:
    """Yield for each element equation a bound on its degree in the parameters, None where it is no polynomial in them.

    The bound is that of the equations as they are written: terms that cancel are not looked for.
    """
    found: dict[str, int | None] = dict.fromkeys(parameters, 1)
    for equation in derivation.elements.equations:
        bounds = [_degree(term, found) for term in equation.terms]
        found[equation.name] = None if None in bounds else max(bound for bound in bounds if bound is not None)
        yield equation.name, found[equation.name]


def _degree(term: Term, known: Mapping[str, int | None]) -> int | None:
    inside = [known.get(name, 0) for name in term.arguments]
    active = tuple(slot for slot, bound in enumerate(inside) if bound != 0)
    monomials = _monomials(term.form, active)
    if monomials is None or (active and None in inside):
        return None
    bounds = [inside[slot] or 0 for slot in active]
    return max(sum(power * bound for power, bound in zip(powers, bounds, strict=True)) for powers in monomials)


@cached
def _monomials(form: Form, active: tuple[int, ...]) -> tuple[tuple[int, ...], ...] | None:
    """Return the exponents of the monomials of a form in some of its slots, None where it is no polynomial in them."""
    if not active:
        return ((),)
    import sympy

    from symbackprop.algebra import symbolic

    expression, symbols = symbolic.to_sympy(form.formula), [symbolic.slot_symbol(slot) for slot in active]
    if not expression.is_polynomial(*symbols):
        return None
    return tuple(sympy.Poly(expression, *symbols).monoms())


def is_rational(derivation: Derivation, parameters: tuple[str, ...]) -> bool:
    """Say whether the output is a rational function of the parameters: every form that depends on them is one."""
    dependent = set(parameters)
    for equation in derivation.elements.equations:
        for term in equation.terms:
            active = tuple(slot for slot, name in enumerate(term.arguments) if name in dependent)
            if active:
                dependent.add(equation.name)
            if not _is_rational(term.form, active):
                return False
    return True


@cached
def _is_rational(form: Form, active: tuple[int, ...]) -> bool:
    from symbackprop.algebra import symbolic

    symbols = [symbolic.slot_symbol(slot) for slot in active]
    return not active or bool(symbolic.to_sympy(form.formula).is_rational_function(*symbols))
