"""Forms: classroom and stable forms against SymPy's own derivatives, floats at extreme arguments, losses."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import pytest
import sympy

import symbackprop as sbp
from symbackprop import arithmetic, expressions, functions, symbolic
from symbackprop.arithmetic import CONTEXT, Exact
from symbackprop.derivation import derive
from symbackprop.evaluate import EXACT, FLOAT
from symbackprop.forms import Form, float_function, form_of
from symbackprop.formula import Apply, Name, Node, Slot
from symbackprop.functions import ACTIVATIONS, NAMES
from symbackprop.losses import LOSSES
from symbackprop.problems.build import fitting_activations

POINTS = [Fraction(whole, 7) for whole in (-211, -40, -9, -2, -1, 1, 3, 8, 37, 190)]
ROWS = [(row.name, arity) for row in ACTIVATIONS.values() for arity in ((1, 2, 3, 4) if row.vector else (1,))]


def form(activation: str, arity: int) -> Form:
    """Return the form of an activation over slots."""
    return form_of(Apply(activation, tuple(map(Slot, range(arity)))))


def arguments_of(arity: int) -> list[tuple[Fraction, ...]]:
    """Return tuples of distinct points."""
    return [tuple(POINTS[(start + 3 * step) % len(POINTS)] for step in range(arity)) for start in range(len(POINTS))]


def values_of(activation: str, arguments: tuple[Fraction, ...]) -> tuple[Exact, ...]:
    """Return what the value slots hold: of each unit of the layer, in the order of the arguments."""
    evaluate = EXACT.function(form(activation, len(arguments)).formula, len(arguments))
    orders = [(one, *(other for other in arguments if other is not one)) for one in arguments]
    return tuple(evaluate(*order) for order in orders)


def high_precision(expression: sympy.Expr, arguments: tuple[Fraction, ...]) -> Exact:
    """Return SymPy's value of an expression over slots, at 50 digits."""
    numbers = {symbolic.slot_symbol(index): symbolic.rational(value) for index, value in enumerate(arguments)}
    return CONTEXT.mpf(str(sympy.N(expression.subs(numbers), 60)))


def own_definition(activation: str, arity: int) -> sympy.Expr:
    """Return an activation in SymPy's own functions, with `Max` for `max`."""

    def own(part: Node) -> sympy.Expr | None:
        if isinstance(part, Apply) and part.function == "max":
            return sympy.Max(*(symbolic.to_sympy(argument, own) for argument in part.arguments))
        return None

    body = functions.definition(activation, arity, Fraction(0))
    assert body is not None or activation in functions.PRIMITIVES
    return symbolic.to_sympy(form(activation, arity).formula if body is None else body, own)


def assert_equal(expected: Exact, actual: Exact) -> None:
    """Assert that two exact numbers agree to 44 digits, relatively or (below 1) absolutely."""
    distance = abs(arithmetic.to_real(arithmetic.add(expected, -actual)))
    assert distance <= CONTEXT.mpf("1e-44") * max(abs(arithmetic.to_real(expected)), 1)


@pytest.mark.parametrize(("activation", "arity"), ROWS)
def test_activation_partial_equals_the_derivative_by_sympy(activation: str, arity: int) -> None:
    """The partial that is printed and run, classroom or plain, is SymPy's derivative of the definition."""
    definition = own_definition(activation, arity)
    for slot, arguments in itertools.product(range(arity), arguments_of(arity)):
        expected = high_precision(sympy.diff(definition, symbolic.slot_symbol(slot)), arguments)
        partial = form(activation, arity).partial(slot)
        run = EXACT.function(partial.formula(has_values=True), 2 * arity)
        assert_equal(expected, run(*arguments, *values_of(activation, arguments)))
        assert_equal(expected, EXACT.function(partial.plain, arity)(*arguments))


@pytest.mark.parametrize(("activation", "arity"), ROWS)
def test_stable_form_equals_the_definition(activation: str, arity: int) -> None:
    """The shifted form that floats use is the definition, at 50 digits."""
    stable = functions.stable_definition(activation, arity)
    definition = own_definition(activation, arity)
    assert (stable is not None) == ACTIVATIONS[activation].vector
    for arguments in arguments_of(arity) if stable is not None else ():
        assert_equal(high_precision(definition, arguments), EXACT.function(stable, arity)(*arguments))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("activation", "arity"), ROWS)
def test_activation_is_finite_and_right_at_a_thousand(activation: str, arity: int, sign: int) -> None:
    """At |z| = 1000 value and derivative in float64 are finite and equal the exact ones."""
    own = form(activation, arity)
    arguments = tuple(Fraction(sign * 1000 * (1 - position)) for position in range(arity))
    exact_values = values_of(activation, arguments)
    floats = [float(each) for each in arguments]
    actual = float_function(own.formula, arity)(*floats)
    assert math.isclose(float(exact_values[0]), actual, rel_tol=1e-12, abs_tol=1e-300)
    orders = [(one, *(other for other in floats if other is not one)) for one in floats]
    float_values = [float_function(own.formula, arity)(*order) for order in orders]
    for slot in range(arity):
        partial = own.partial(slot).formula(has_values=True)
        expected = float(EXACT.function(partial, 2 * arity)(*arguments, *exact_values))
        actual = float_function(partial, 2 * arity)(*floats, *float_values)
        assert math.isfinite(actual)
        assert math.isclose(expected, actual, rel_tol=1e-12, abs_tol=1e-15)


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if not ACTIVATIONS[name].vector])
def test_float_value_equals_the_exact_one(activation: str) -> None:
    """Between the extremes the float64 of an activation is its 50-digit value, rounded."""
    own = form(activation, 1)
    for point in POINTS:
        expected = float(EXACT.function(own.formula, 1)(point))
        assert math.isclose(expected, float_function(own.formula, 1)(float(point)), rel_tol=1e-13)


@pytest.mark.parametrize("units", [1, 2, 3])
@pytest.mark.parametrize("loss", list(LOSSES))
def test_loss_derivative_equals_central_differences(loss: str, units: int) -> None:
    """The derivative of each loss by each output is finite and is the central difference of the loss."""
    last = fitting_activations(LOSSES[loss].predictions)[-1]
    network = {"inputs": 1, "layers": [{"units": units, "activation": last}], "loss": loss}
    derivation = derive(sbp.problem({"network": network}))
    equation = derivation.equations["L"]
    outputs = [f"a1_{unit}" for unit in range(1, units + 1)]
    values = {name: Fraction(2 + 3 * position, 13) for position, name in enumerate(outputs)}
    values |= {f"y_{unit}": Fraction(unit % 2) for unit in range(1, units + 1)}

    def total(at: dict[str, Exact]) -> Exact:
        return sum(
            arithmetic.to_real(EXACT.function(term.form.formula, term.form.arity)(*[at[n] for n in term.arguments]))
            for term in equation.terms
        )

    h = CONTEXT.mpf("1e-15")
    for name in outputs:
        above, below = ({**values, name: arithmetic.to_real(values[name]) + step} for step in (h, -h))
        expected = (total(above) - total(below)) / (2 * h)
        for kind, tolerance in ((EXACT, "1e-25"), (FLOAT, "1e-13")):
            actual = sum(
                kind.function(link.term.form.partial(link.slot).plain, link.term.form.arity)(
                    *[kind.convert(values[n]) for n in link.term.arguments]
                )
                for link in derivation.links[name]
            )
            assert math.isfinite(actual)
            assert abs(expected - arithmetic.to_real(actual)) <= CONTEXT.mpf(tolerance) * (1 + abs(expected))


TREES = [
    "p",
    "3/7",
    "-p",
    "p + q",
    "p - q",
    "q - p",
    "2*(p - q)",
    "p*q*2/3",
    "-p*q",
    "p/q",
    "-p/(q*q)",
    "1/p",
    "1/(p*q)",
    "(p - q)**2/2",
    "p**3",
    "p**-2",
    "p**q",
    "2**p",
    "(p*q)**(1/3)",
    "sqrt(p)",
    "1/sqrt(p)",
    "p/sqrt(1 + q**2)",
    "exp(-p)/(1 + exp(-p))**2",
    "ln(p) - ln(1 - q)",
    "log(p)",
    "sin(p)*cos(q) - tan(p)",
    "tanh(p)**2",
    "max(p, q)*min(p, 2)",
    "abs(p - q)",
    "sigmoid(p)*relu(q - p)",
    "q*exp(p)/(exp(p) + exp(q))",
    "-(1/2*p - q)*(q - 1)",
]


@pytest.mark.parametrize("text", TREES)
def test_sympy_round_trip_keeps_the_value(text: str) -> None:
    """Tree → SymPy → tree is the same function."""
    tree = expressions.parse(text, functions=NAMES, names=("p", "q"))
    back = symbolic.from_sympy(symbolic.to_sympy(tree))
    for p, q in itertools.product((Fraction(1, 3), Fraction(2, 7), Fraction(5, 4)), (Fraction(3, 8), Fraction(2, 5))):
        numbers = {"p": p, "q": q}
        assert_equal(value_at(tree, numbers), value_at(back, numbers))


def value_at(tree: Node, numbers: dict[str, Fraction]) -> Exact:
    """Return the exact value of a formula over names."""
    return arithmetic.evaluate(tree, lambda part: numbers[part.name] if isinstance(part, Name) else None)


@pytest.mark.parametrize("at_kink", [Fraction(0), Fraction(1, 2), Fraction(1)])
@pytest.mark.parametrize(
    ("function", "slot", "below", "above"),
    [("max", 0, 0, 1), ("max", 1, 1, 0), ("min", 0, 1, 0), ("min", 1, 0, 1), ("abs", 0, -1, 1), ("relu", 0, 0, 1)],
)
def test_derivative_of_a_kinked_function_keeps_its_convention(
    function: str, slot: int, below: int, above: int, at_kink: Fraction
) -> None:
    """Below, above and at its kink the derivative of max, min, abs and ReLU is what it should be, also in floats."""
    arity = 2 if function in ("max", "min") else 1
    own = form_of(Apply(function, tuple(map(Slot, range(arity))), at_kink))
    partial = own.partial(slot).plain
    for first, expected in ((-1, below), (1, above), (0, at_kink)):
        arguments = [Fraction(first), Fraction(0)][:arity]
        assert expected == EXACT.function(partial, arity)(*arguments)
        assert float(expected) == FLOAT.function(partial, arity)(*map(float, arguments))
    assert 1 == len(own.kinks)


def test_unknown_sympy_function_is_refused() -> None:
    """A SymPy function that no formula can hold raises instead of passing silently."""
    with pytest.raises(TypeError, match="no formula for SymPy's gamma"):
        symbolic.from_sympy(sympy.gamma(symbolic.slot_symbol(0)))
