"""Forms: classroom and stable forms against SymPy's own derivatives, floats at extreme arguments, losses."""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import pytest
import sympy

import symbackprop as sbp
from symbackprop import limits
from symbackprop.algebra import expressions, functions, symbolic
from symbackprop.algebra.folding import folded
from symbackprop.algebra.forms import Form, abstracted, form_of
from symbackprop.algebra.formula import Apply, Name, Node, Product, Slot, fill, walk
from symbackprop.algebra.functions import ACTIVATIONS, ARITIES, NAMES
from symbackprop.algebra.functions import WITH_FORMULA as KNOWN_ACTIVATIONS
from symbackprop.algebra.shorthands import DEFINITIONS
from symbackprop.arithmetic import exact
from symbackprop.arithmetic.exact import CONTEXT, Exact
from symbackprop.arithmetic.floats import float_function
from symbackprop.catalog.losses import LOSSES
from symbackprop.catalog.losses import WITH_FORMULA as KNOWN_LOSSES
from symbackprop.derivation.derivations import derive
from symbackprop.errors import ExpressionError, ProblemError
from symbackprop.evaluation.arithmetics import EXACT, FLOAT
from symbackprop.evaluation.evaluate import evaluate
from symbackprop.problems.build import fitting_activations
from tests.helpers import each

POINTS = [Fraction(whole, 7) for whole in (-211, -40, -9, -2, -1, 1, 3, 8, 37, 190)]


def signatures() -> Iterator[Apply]:
    """Iterate over all activations over slots: by default parameters, by others, and two of a user's own."""
    for row in map(ACTIVATIONS.__getitem__, KNOWN_ACTIVATIONS):
        for arity in (1, 2, 3, 4) if row.vector else (1,):
            yield Apply(row.name, tuple(map(Slot, range(arity))))
        for value in (Fraction(1, 4), Fraction(5, 3)) if row.parameters else ():
            yield Apply(row.name, (Slot(0),), settings=tuple((name, value) for name, _ in row.parameters))
    yield Apply("own", (Slot(0),), body="z/(1 + abs(z))")
    yield Apply("sigmoid_like", (Slot(0),), body="max(0, min(1, z/6 + 1/2)) + exp(-z**2)/9 + erf(z)")


def spelled(signature: Apply) -> str:
    """Return the id of a signature among the tests."""
    settings = [f"{name}={value}" for name, value in signature.settings]
    return "-".join((signature.function, str(len(signature.arguments)), *settings))


SIGNATURES = list(signatures())
every_signature = pytest.mark.parametrize("signature", SIGNATURES, ids=spelled)


FIFTY_DIGITS = 1e-45
"""Exact numbers have 50 digits: 1 + erf(−21), which is 1e-194, is 0 in them."""


def arguments_of(arity: int) -> list[tuple[Fraction, ...]]:
    """Return tuples of distinct points."""
    return [tuple(POINTS[(start + 3 * step) % len(POINTS)] for step in range(arity)) for start in range(len(POINTS))]


def values_of(signature: Apply, arguments: tuple[Fraction, ...]) -> tuple[Exact, ...]:
    """Return what the value slots hold: of each unit of the layer, in the order of the arguments."""
    evaluate = EXACT.function(signature, len(arguments))
    orders = [(one, *(other for other in arguments if other is not one)) for one in arguments]
    return tuple(evaluate(*order) for order in orders)


def high_precision(expression: sympy.Expr, arguments: tuple[Fraction, ...]) -> Exact:
    """Return SymPy's value of an expression over slots, at 50 digits."""
    numbers = {symbolic.slot_symbol(index): symbolic.rational(value) for index, value in enumerate(arguments)}
    return CONTEXT.mpf(str(sympy.N(expression.subs(numbers), 60)))


SYMPY_OWN = {"max": sympy.Max, "min": sympy.Min, "abs": sympy.Abs}


def own(part: Node) -> sympy.Expr | None:
    """Return `Max` of a maximum and the like, None for anything else."""
    if isinstance(part, Apply) and part.function in SYMPY_OWN:
        return SYMPY_OWN[part.function](*(symbolic.to_sympy(argument, own) for argument in part.arguments))
    return None


def own_definition(signature: Apply) -> sympy.Expr:
    """Return an activation in SymPy's own functions, with `Max` for `max`."""
    body = functions.definition(signature)
    assert body is not None or signature.function in functions.PRIMITIVES
    return symbolic.to_sympy(signature if body is None else body, own)


def assert_equal(expected: Exact, actual: Exact) -> None:
    """Assert that two exact numbers agree to 44 digits, relatively or (below 1) absolutely."""
    distance = abs(exact.to_real(exact.add(expected, -actual)))
    assert distance <= CONTEXT.mpf("1e-44") * max(abs(exact.to_real(expected)), 1)


@every_signature
def test_activation_partial_equals_the_derivative_by_sympy(signature: Apply) -> None:
    """The partial that is printed and run, classroom or plain, is SymPy's derivative of the definition."""
    definition, arity = own_definition(signature), len(signature.arguments)
    for slot in each(range(arity)):
        derived = sympy.diff(definition, symbolic.slot_symbol(slot))
        partial = form_of(signature).partial(slot)
        run, plain = EXACT.function(partial.formula(has_values=True), 2 * arity), EXACT.function(partial.plain, arity)
        for arguments in each(arguments_of(arity)):
            expected = high_precision(derived, arguments)
            assert_equal(expected, run(*arguments, *values_of(signature, arguments)))
            assert_equal(expected, plain(*arguments))


COMPOUND = (
    "sigmoid(p*q + r)",
    "tanh(-p/q)",
    "exp(p*q - r)",
    "softplus(p**2 + q)*r",
    "p*tanh(q)**2",
    "silu(silu(p*q))",
    "sigmoid(tanh(p) - sin(q*r))/(1 + exp(-p))",
    "elu(leaky_relu(p, alpha=0.2) - 2*q, alpha=3) + gelu(r)",
    "max(p*q, softsign(r))*abs(sigmoid(p) - q)",
    "sqrt(1 + p**2)*p*q*p*r*sin(p)*cos(q)*tanh(p)*exp(-p)",
    "p**(1 + sigmoid(q)**2)",
    "softmax(p*q, r, tanh(p))",
)
"""Formulas in which functions stand in functions; at 1/2, 3/5, 7/4 none has a kink."""


def read(text: str) -> tuple[Form, tuple[str, ...]]:
    """Return the form of a text and the names that fill its slots."""
    return abstracted(expressions.parse(text, functions=NAMES, names=("p", "q", "r", "z"), settings=functions.SETTINGS))


@pytest.mark.parametrize("text", COMPOUND)
def test_partial_of_a_compound_formula_equals_the_derivative_by_sympy(text: str) -> None:
    """What is differentiated part by part, in the values of the functions inside, is SymPy's derivative of the whole."""
    form, _ = read(text)
    arguments = (Fraction(1, 2), Fraction(3, 5), Fraction(7, 4))[: form.arity]
    values: tuple[Exact, ...] = ()
    if isinstance(form.formula, Apply):
        inner = [EXACT.function(argument, form.arity)(*arguments) for argument in form.formula.arguments]
        values = values_of(replace(form.formula, arguments=tuple(map(Slot, range(len(inner))))), tuple(inner))
    whole = symbolic.to_sympy(form.formula, own)
    for slot in each(range(form.arity)):
        partial = form.partial(slot)
        derived = sympy.diff(whole, symbolic.slot_symbol(slot))
        expected = high_precision(derived, arguments)
        assert_equal(expected, EXACT.function(partial.plain, form.arity)(*arguments))
        run = EXACT.function(partial.formula(bool(values)), form.arity + len(values))
        assert_equal(expected, run(*arguments, *values))


@pytest.mark.parametrize("name", [*(row.name for row in ACTIVATIONS.values() if row.derivative), "exp"])
def test_partial_of_a_function_of_a_formula_is_written_in_its_value(name: str) -> None:
    """σ(p·q + r) has the partial a(1 − a)·q by p: the classroom form, times the derivative of the argument."""
    form, order = read(f"{name}(p*q + r)")
    classroom = functions.classroom_derivative(Apply(name, (Slot(0),)), 0)
    assert classroom is not None
    inner, value = form.formula.arguments[0], Slot(form.arity)
    usual = fill(classroom, (inner, value))
    assert ("p", "q", "r") == order
    assert folded(Product((usual, Slot(1)))) == folded(form.partial(0).formula(has_values=True))
    assert folded(usual) == folded(form.partial(2).formula(has_values=True))


NESTED = {
    **{name: f"{name}({{}})" for name in ARITIES if ARITIES[name] == 1 and name not in DEFINITIONS},
    "max": "max({}, 1/2)",
    "min": "min(2, {})",
    "quotient": "1/(1 + {})",
    "power": "z**{}",
    "product": "z*(1 + {})",
}


def size(formula: Node) -> int:
    """Return the number of parts of a formula."""
    return sum(1 for _ in walk(formula))


@pytest.mark.parametrize("name", NESTED)
def test_derivative_grows_no_faster_than_the_square_of_the_depth(name: str) -> None:
    """A formula of d levels of any function has a derivative of d factors, each of a few times d levels."""
    for depth in (7, 14, 28):
        text = functools.reduce(lambda inner, _: NESTED[name].format(inner), range(depth), "z")
        form, _ = read(text)
        assert size(form.partial(0).formula(has_values=True)) <= 12 * depth**2


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_function_that_is_short_for_a_formula_is_written_out_within_limits(name: str) -> None:
    """Twenty of it inside each other are an answer, or one line where its argument stands in it more than once."""
    deep = functools.reduce(lambda inner, _: f"{name}({inner})", range(20), "z")
    if len(re.findall(r"\bu\b", DEFINITIONS[name])) == 1:
        form, _ = read(deep)
        assert size(form.partial(0).formula(has_values=True)) <= 24 * 20**2
    else:
        with pytest.raises(ExpressionError, match=f"at most {limits.PARTS} parts where {name} is written out"):
            read(deep)


@pytest.mark.parametrize("sign", ["+", "*"])
@pytest.mark.parametrize("part", ["z", "sin({}*z)", "max(z, {})", "sigmoid({}*z)"])
def test_derivative_of_many_parts_grows_like_their_number(sign: str, part: str) -> None:
    """A sum of n parts has a derivative of n parts, a product one of n ln n, not of n²."""
    sizes = []
    for count in (100, 400):
        form, _ = read(sign.join(part.format(number + 1) for number in range(count)))
        sizes.append(size(form.partial(0).formula(has_values=True)))
    assert sizes[1] <= 6 * sizes[0]


@every_signature
def test_stable_form_equals_the_definition(signature: Apply) -> None:
    """The form that floats use, where one is stated, is the definition, at 50 digits."""
    stable, arity = functions.stable_definition(signature), len(signature.arguments)
    row = ACTIVATIONS.get(signature.function)
    assert (stable is not None) == (row is not None and (row.vector or bool(row.stable)))
    definition = own_definition(signature)
    for arguments in arguments_of(arity) if stable is not None else ():
        assert_equal(high_precision(definition, arguments), EXACT.function(stable, arity)(*arguments))


@pytest.mark.parametrize("size", [1, 30, 1000])
@pytest.mark.parametrize("sign", [1, -1])
@every_signature
def test_activation_is_finite_and_right_at_a_thousand(signature: Apply, sign: int, size: int) -> None:
    """Up to |z| = 1000 value and derivative in float64, classroom or plain, are finite and equal the exact ones."""
    own, arity = form_of(signature), len(signature.arguments)
    arguments = tuple(Fraction(sign * size * (1 - position)) for position in range(arity))
    exact_values = values_of(signature, arguments)
    floats = [float(each) for each in arguments]
    actual = float_function(own.formula, arity)(*floats)
    assert math.isclose(float(exact_values[0]), actual, rel_tol=1e-12, abs_tol=FIFTY_DIGITS)
    orders = [(one, *(other for other in floats if other is not one)) for one in floats]
    float_values = [float_function(own.formula, arity)(*order) for order in orders]
    for slot in range(arity):
        partial = own.partial(slot).formula(has_values=True)
        expected = float(EXACT.function(partial, 2 * arity)(*arguments, *exact_values))
        actual = float_function(partial, 2 * arity)(*floats, *float_values)
        assert math.isfinite(actual)
        assert math.isclose(expected, actual, rel_tol=1e-12, abs_tol=1e-15)


@pytest.mark.parametrize("signature", [each for each in SIGNATURES if len(each.arguments) == 1], ids=spelled)
def test_float_value_equals_the_exact_one(signature: Apply) -> None:
    """Between the extremes the float64 of an activation is its 50-digit value, rounded."""
    for point in each(POINTS):
        expected = float(EXACT.function(signature, 1)(point))
        actual = float_function(form_of(signature).formula, 1)(float(point))
        assert math.isclose(expected, actual, rel_tol=1e-13, abs_tol=FIFTY_DIGITS)


@pytest.mark.parametrize(
    ("text", "point", "expected"),
    [
        # Written out, each loses every digit in float64 at these points; the figures are the first terms of the series.
        ("softplus(p)", -100, math.exp(-100)),
        ("ln(1 + p)", 1e-20, 1e-20),
        ("elu(p)", -1e-20, -1e-20),
        ("2*(exp(p) - 1)", 1e-20, 2e-20),
        ("gelu(p)", -30, -15 * math.erfc(30 / math.sqrt(2))),
        ("3/2*(1 + erf(p))", -20, 1.5 * math.erfc(20)),
        ("ln(1 + p)", -1, -math.inf),
        ("exp(p) - 1", 1000, math.inf),
    ],
)
def test_float_value_is_accurate_where_it_is_small(text: str, point: float, expected: float) -> None:
    """ln(1 + u), e^u − 1 and 1 + erf(u) keep their digits in float64 where their value is near zero."""
    tree = expressions.parse(text, functions=NAMES, names=("p",))
    form, _ = abstracted(tree)
    assert math.isclose(expected, float_function(form.formula, 1)(point), rel_tol=1e-12)


@pytest.mark.parametrize("name", [name for name in KNOWN_ACTIVATIONS if not ACTIVATIONS[name].vector])
def test_activation_without_a_kink_has_its_derivative_at_zero(name: str) -> None:
    """At 0 a smooth activation has the limit of its difference quotients as derivative, classroom and plain."""
    own = form_of(Apply(name, (Slot(0),)))
    if own.kinks:
        pytest.skip("it has a kink, and the test of conventions has it")
    h = CONTEXT.mpf("1e-20")
    value, zero = EXACT.function(own.formula, 1), Fraction(0)
    expected = (exact.to_real(value(h)) - exact.to_real(value(-h))) / (2 * h)
    for formula in (own.partial(0).plain, own.partial(0).formula(has_values=True)):
        actual = exact.to_real(EXACT.function(formula, 2)(zero, value(zero)))
        assert abs(expected - actual) <= CONTEXT.mpf("1e-19")


@pytest.mark.parametrize("units", [1, 2, 3])
@pytest.mark.parametrize("loss", KNOWN_LOSSES)
def test_loss_derivative_equals_central_differences(loss: str, units: int) -> None:
    """The derivative of each loss by each output is finite and is the central difference of the loss."""
    last = fitting_activations(LOSSES[loss].predictions)[-1]
    network = {"inputs": 1, "layers": [{"units": units, "activation": last}], "loss": loss}
    if units == 1 and LOSSES[loss].targets == "one_hot":
        with pytest.raises(ProblemError, match="two units or more"):
            derive(sbp.problem({"network": network}))
        return
    derivation = derive(sbp.problem({"network": network}))
    equation = derivation.equations["L"]
    outputs = [f"a1_{unit}" for unit in range(1, units + 1)]
    values = {name: Fraction(2 + 3 * position, 13) for position, name in enumerate(outputs)}
    values |= {f"y_{unit}": Fraction(unit % 2) for unit in range(1, units + 1)}

    def total(at: dict[str, Exact]) -> Exact:
        return sum(
            exact.to_real(EXACT.function(term.form.formula, term.form.arity)(*[at[n] for n in term.arguments]))
            for term in equation.terms
        )

    h = CONTEXT.mpf("1e-15")
    for name in each(outputs):
        above, below = ({**values, name: exact.to_real(values[name]) + step} for step in (h, -h))
        expected = (total(above) - total(below)) / (2 * h)
        for kind, tolerance in ((EXACT, "1e-25"), (FLOAT, "1e-13")):
            actual = sum(
                kind.function(link.term.form.partial(link.slot).plain, link.term.form.arity)(
                    *[kind.convert(values[n]) for n in link.term.arguments]
                )
                for link in derivation.links[name]
            )
            assert math.isfinite(actual)
            assert abs(expected - exact.to_real(actual)) <= CONTEXT.mpf(tolerance) * (1 + abs(expected))


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
    "sqrt((p - q)**2)",
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
    return exact.evaluate(tree, lambda part: numbers[part.name] if isinstance(part, Name) else None)


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


@pytest.mark.parametrize("at_zero", [Fraction(0), Fraction(1, 2), Fraction(1)])
@pytest.mark.parametrize("name", ["leaky_relu", "elu"])
def test_two_sided_activation_keeps_the_convention_at_zero(name: str, at_zero: Fraction) -> None:
    """At 0 the derivative lies between that of the left, alpha, and that of the right, 1, as the convention says."""
    alpha = Fraction(1, 4)
    partial = form_of(Apply(name, (Slot(0),), at_zero, settings=(("alpha", alpha),))).partial(0)
    for formula in (partial.plain, partial.formula(has_values=True)):
        expected = at_zero + alpha * (1 - at_zero)
        assert expected == EXACT.function(formula, 1)(Fraction(0))
        assert float(expected) == FLOAT.function(formula, 1)(0.0)


def test_unknown_sympy_function_is_refused() -> None:
    """A SymPy function that no formula can hold raises instead of passing silently."""
    with pytest.raises(TypeError, match="no rule for SymPy's gamma"):
        symbolic.from_sympy(sympy.gamma(symbolic.slot_symbol(0)))


@pytest.mark.parametrize("turns", [Fraction(whole, 12) for whole in range(-30, 31)], ids=str)
def test_rational_sine_of_a_multiple_of_pi_is_exact(turns: Fraction) -> None:
    """Sine, cosine and tangent of a rational multiple of pi are fractions wherever SymPy says that they are rational."""
    for name, function in (("sin", sympy.sin), ("cos", sympy.cos), ("tan", sympy.tan)):
        expected = function(symbolic.rational(turns) * sympy.pi)
        if expected is sympy.zoo:
            continue
        for text in (f"{name}({turns}*pi)", f"{name}(pi*{turns.numerator}/{turns.denominator})"):
            actual = exact.evaluate(expressions.parse(text, functions=NAMES, names=()))
            assert expected.is_Rational == isinstance(actual, Fraction)
            assert_equal(CONTEXT.mpf(str(sympy.N(expected, 60))), actual)


@pytest.mark.parametrize(
    ("text", "point", "expected"),
    [
        ("leaky_relu(p, alpha=0.2)", -3, Fraction(-3, 5)),
        ("leaky_relu(p)", -3, Fraction(-3, 100)),
        ("leaky_relu(p, alpha=1/4)", -4, Fraction(-1)),
        ("leaky_relu(p, alpha=-2)", -4, Fraction(8)),
        ("elu(p, alpha=0)", -1, Fraction(0)),
    ],
)
def test_equation_gives_an_activation_its_parameter_by_keyword(text: str, point: int, expected: Fraction) -> None:
    """A parameter of an activation is a keyword in a graph, like `axis`; its default holds otherwise."""
    problem = {"graph": {"parameters": {"p": point}, "equations": [f"f = {text} + 0*p"], "output": "f"}}
    derivation = derive(sbp.problem(problem))
    assert expected == evaluate(derivation).value("f")
    assert sbp.check(sbp.problem(problem)).agrees


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("leaky_relu(p, beta=0.2)", 'leaky_relu has no parameter "beta"'),
        ("tanh(p, alpha=1)", 'unknown name "alpha"'),
        ("elu(p, alpha=p)", "alpha must be a number"),
        ("elu(p, alpha=1, 2)", 'elu has no parameter "2"'),
    ],
)
def test_wrong_keyword_is_named(text: str, match: str) -> None:
    """A keyword that a function does not take, or a value that is no number, is an error with a caret."""
    problem = {"graph": {"parameters": {"p": 1}, "equations": [f"f = {text}"], "output": "f"}}
    with pytest.raises(ExpressionError, match=match):
        derive(sbp.problem(problem))
