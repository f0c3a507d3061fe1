"""Numbers of any size: digits do not grow with them, nothing hangs, and what is lost to 50 digits is no false alarm."""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symbackprop as sbp
from symbackprop import scripts
from symbackprop.algebra import expressions
from symbackprop.algebra.activations import Activation
from symbackprop.algebra.formula import Name
from symbackprop.algebra.functions import ACTIVATIONS, ARITIES, WITH_FORMULA
from symbackprop.arithmetic import angles, cancellation, decimals, exact, perturbed_rationals
from symbackprop.arithmetic.perturbed_rationals import PerturbedRational, near
from symbackprop.arithmetic.real_numbers import CONTEXT
from symbackprop.catalog.losses import LOSSES
from symbackprop.errors import SymbackpropError
from symbackprop.evaluation import composed_output, differences
from symbackprop.evaluation.checks import Verdict, check
from tests.derivation.test_gradients import fitting_activations
from tests.helpers import each, few, many

MOST_SECONDS = 2
MAGNITUDES = (2, 4, 9, 300, -9, -300)
"""Powers of ten of the numbers that are put through every activation and every loss."""


def valued(text: str, **numbers: Any) -> Any:
    """Return the exact value of an expression at numbers."""
    formula = expressions.parse(text, functions=ARITIES, names=tuple(numbers), arities=ARITIES)
    return exact.evaluate(formula, lambda part: numbers[part.name] if isinstance(part, Name) else None)


def true_value(value: Any) -> Any:
    """Return a number to 700 digits, by mpmath alone."""
    if isinstance(value, PerturbedRational):
        return true_value(value.base) + true_value(value.rest)
    return mpmath.mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else mpmath.mpf(value)


# Numbers near rational ones

bases = st.builds(Fraction, st.integers(-9, 9).filter(bool), st.integers(1, 9))
rests = st.builds(
    lambda digits, power: exact.to_real(digits / 7) * CONTEXT.mpf(10) ** -power, bases, st.integers(8, 300)
)


@settings(max_examples=many(200), deadline=None, derandomize=True)
@given(bases, rests, bases, rests, st.integers(-3, 3))
def test_near_rationals_keep_the_digits_of_their_rests(
    base: Fraction, rest: Any, other: Fraction, second: Any, power: int
) -> None:
    """Sum, product, quotient and power lack to their rational number what 700 digits say that they lack."""
    left, right = near(base, rest), near(other, second)
    with mpmath.workdps(700):
        p, q = true_value(left), true_value(right)
        lost = max(abs(true_value(rest)), abs(true_value(second))) * mpmath.mpf(10) ** -exact.DIGITS
        cases = [
            (exact.add(left, right), p + q, base + other),
            (exact.multiply(left, right), p * q, base * other),
            (exact.divide(left, right), p / q, base / other),
            (exact.power(left, Fraction(power)), p**power, base**power),
            (exact.multiply(left, other), p * true_value(other), base * other),
            (exact.divide(other, right), true_value(other) / q, Fraction(1)),
        ]
        for found, expected, ideal in each(cases):
            distance, lacking = exact.add(found, -ideal), expected - true_value(ideal)
            assert abs(true_value(distance) - lacking) <= abs(lacking) * mpmath.mpf("1e-30") + 1000 * lost


@pytest.mark.parametrize("bound", [0.1, -0.5, 1.0, 1.5, 1e-300, 1e300, float("inf")])
def test_near_rationals_take_a_float_for_the_number_it_is(bound: float) -> None:
    """Bounds and tolerances are float64: each operation and comparison is that with the same number of the context."""
    below, long = near(Fraction(1), -(CONTEXT.mpf(10) ** -100)), CONTEXT.mpf(bound)
    assert [below + long, below - long, below * long, below / long] == [
        below + bound, below - bound, below * bound, below / bound,
    ]  # fmt: skip
    assert [below + long, below * long] == [bound + below, bound * below]
    assert (bound >= 1, bound < 1, bound < 1, bound >= 1) == (
        below < bound,
        below > bound,
        bound < below,
        bound >= below,
    )


@pytest.mark.parametrize("z", [40, 100, 110, 120, 435, 1000, 10**5, 10**9, 10**15])
def test_cancellation_inside_one_equation_keeps_its_digits(z: int) -> None:
    """ln(1 − σ(z)) is −z − ln(1 + e^−z), written in one line too, and 1 − tanh² is 4/(e^z + e^−z)²."""
    with mpmath.workdps(60):
        tail = mpmath.exp(-z)
        assert abs(true_value(valued("ln(1 - sigmoid(z))", z=Fraction(z))) + z + mpmath.log1p(tail)) < z * 1e-45
        found = true_value(valued("1 - tanh(z)**2", z=Fraction(z)))
        expected = 4 / (mpmath.exp(z) + tail) ** 2
        assert abs(found / expected - 1) < 1e-40


def test_page_says_that_numbers_too_small_to_write_stand_as_zero() -> None:
    """σ(−10³⁰⁰) prints as ≈ 0, which the conventions say, in each language; no other page says so."""
    small = network("sigmoid", "half_squared_error", "-1e300", (1,))
    for language, words in (("en", "is not written out: it stands as 0"), ("zh", "就不再写出")):
        assert words in str(sbp.render(sbp.solve(small), "markdown", language=language))
        usual = network("sigmoid", "half_squared_error", "-1000", (1,))
        assert words not in str(sbp.render(sbp.solve(usual), "markdown", language=language))


@pytest.mark.parametrize(
    ("activation", "loss", "x", "y"),
    [("elu", "half_squared_error", 0, 1), ("softsign", "half_squared_error", 0, 1), ("linear", "huber", 2, 1)],
)
def test_script_takes_no_jump_of_the_second_derivative_for_a_difference(
    activation: str, loss: str, x: int, y: int
) -> None:
    """The checks of a script pass where only the second derivative jumps: a central difference is off by a step there."""
    problem = sbp.problem(
        {
            "network": {"inputs": 1, "layers": [{"units": 1, "activation": activation}], "loss": loss},
            "parameters": {"W1": [[1]], "b1": [0]},
            "data": {"x": [x], "y": [y]},
        }
    )
    exec(compile(scripts.script(problem, "numpy"), "script", "exec"), {"__name__": "__main__"})


def test_products_of_kinks_have_a_derivative() -> None:
    """relu(x)·relu(x) has the slope 0 from both sides: it is compared, though its factors have a kink."""
    table = {"inputs": {"x": 0}, "equations": ["f = relu(x)*relu(x) + x"], "output": "f"}
    report = check(sbp.problem({"graph": table}))
    assert report.agrees and not report.with_verdict(Verdict.SKIPPED)


def test_a_number_too_small_to_write_is_added_to_nothing() -> None:
    """1 + 9^−387420489 is a value like another, and prints as 1 with a sign that it is about that."""
    table = {"inputs": {"s": 1}, "equations": ["f = s + 9**-9**9"], "output": "f"}
    text = str(sbp.render(sbp.solve(sbp.problem({"graph": table})), "markdown"))
    assert "1.00000" in text


def test_floats_that_cancel_get_more_digits_up_to_a_limit() -> None:
    """What an irrational factor hides is found with more digits; what no digits tell from 0 is 0."""
    weight = exact.power(Fraction(1, 7), Fraction(1, 2))
    for z in (40, 110, 800):
        found = valued("ln(w - w*sigmoid(z))", w=weight, z=Fraction(z))
        assert abs(float(found) - (-z + float(CONTEXT.log(weight)))) < 1e-12 * z
    assert 0 == valued("sqrt(2)*sqrt(2) - 2")
    assert CONTEXT.dps == exact.DIGITS < cancellation.MOST_DIGITS


def test_modules_of_numbers_know_the_far_ends() -> None:
    """Sines of multiples of π, roots near 1, numbers too small to write: each is what it is said to be."""
    assert Fraction(1, 2) == angles.rational_value(
        "sin", (expressions.parse("pi/6", functions=ARITIES, names=(), arities=ARITIES),)
    )
    tiny = CONTEXT.mpf(10) ** -400
    root = perturbed_rationals.square_root(near(Fraction(9, 4), tiny))
    assert Fraction(3, 2) == root.base and abs(root.rest * 3 / tiny - 1) < 1e-40
    assert decimals.is_negligible(valued("exp(-z)", z=Fraction(10) ** 300))
    assert not decimals.is_negligible(valued("exp(-z)", z=Fraction(10) ** 9))
    assert ((125, -434294484), False) == decimals.nearest(valued("exp(-z)", z=Fraction(10) ** 9), 3)


def test_fractions_do_not_grow_with_the_powers_of_a_formula() -> None:
    """Squares of squares become 50-digit floats: their digits do not double with every one of them."""
    text = "z"
    for _ in range(40):
        text = f"({text})**2"
    began = time.process_time()
    assert 0 < valued(text, z=Fraction(999, 1000)) < 1
    assert time.process_time() - began < 1


# Magnitudes


def network(activation: str, loss: str, logit: str, targets: tuple[int, ...]) -> sbp.Problem:
    """Return a network of one layer whose first unit has a logit of this size."""
    units = len(targets)
    return sbp.problem(
        {
            "network": {"inputs": 1, "layers": [{"units": units, "activation": activation}], "loss": loss},
            "parameters": {"W1": [[logit]] + [[0]] * (units - 1), "b1": [0] * units},
            "data": {"x": [1], "y": list(targets)},
        }
    )


def graph(activation: str, logit: str) -> sbp.Problem:
    """Return the same as a computation graph."""
    is_vector = ACTIVATIONS[activation].vector
    equations = [f"a = {activation}(w)", "L = sum(a**2)" if is_vector else "L = a**2"]
    parameters = {"w": [logit, "0"] if is_vector else logit}
    return sbp.problem({"graph": {"parameters": parameters, "equations": equations, "output": "L"}})


def assert_answered(problem: sbp.Problem) -> None:
    """Assert that every command answers in two seconds, or refuses with a reason that is true, and that gradients agree."""
    commands = {
        "json": lambda: sbp.render(sbp.solve(problem), "json"),
        "markdown": lambda: sbp.render(sbp.solve(problem), "markdown"),
        "check": lambda: check(problem).agrees,
    }
    for name, command in each(commands.items()):
        began = time.process_time()
        try:
            assert command(), name
        except SymbackpropError as error:
            assert "too large or too small" in str(error)
        assert time.process_time() - began < MOST_SECONDS, name


@pytest.fixture(autouse=True, scope="module")
def _templates_are_read() -> None:
    """The first document reads templates and phrases, which is not what is timed."""
    sbp.render(sbp.solve(sbp.example("line")), "markdown")


def logits() -> Iterator[str]:
    """Yield numbers of every magnitude, positive and negative."""
    for power in MAGNITUDES:
        yield from (f"1e{power}", f"-1e{power}")


@pytest.mark.parametrize("logit", few(logits(), 2))
@pytest.mark.parametrize("activation", few(WITH_FORMULA, 3))
def test_activation_of_any_magnitude_is_answered(activation: str, logit: str) -> None:
    """Whatever its argument, a layer and a graph are solved and checked in seconds, and no gradient is called wrong."""
    targets = (1, 0) if ACTIVATIONS[activation].vector else (1,)
    assert_answered(network(activation, "half_squared_error", logit, targets))
    assert_answered(graph(activation, logit))


@pytest.mark.parametrize("logit", few(logits(), 2))
@pytest.mark.parametrize("loss", few([name for name in LOSSES if name != "generic"], 2))
def test_loss_of_any_magnitude_is_answered(loss: str, logit: str) -> None:
    """Whatever reaches it, a loss with each output activation that fits is solved and checked in seconds."""
    for activation in each(fitting_activations(LOSSES[loss].predictions)[-2:]):
        for targets in ((1, 0), (0, 1)):
            assert_answered(network(activation, loss, logit, targets))


@pytest.mark.parametrize("step", ["{0}*{0}", "sin({0})*cos({0})", "max({0}, sin({0}))"])
def test_steps_that_read_the_last_twice_are_answered(step: str) -> None:
    """Forty squarings, or products of a sine and a cosine: no fraction and no composed expression doubles with each."""
    equations = [f"g{n} = {step.format(f'g{n - 1}' if n > 1 else 'w')}" for n in range(1, 41)]
    assert_answered(sbp.problem({"graph": {"parameters": {"w": "999/1000"}, "equations": equations, "output": "g40"}}))


def test_mask_of_the_usual_size_is_solved_in_seconds() -> None:
    """A causal mask of −10⁹ leaves the softmax of the scores that it does not hide."""
    mask = [[0, -1e9, -1e9], [0, 0, -1e9], [0, 0, 0]]
    table = {
        "parameters": {"S": [[1, 1, 1], [1, 1, 1], [1, 1, 1]]},
        "inputs": {"M": mask},
        "equations": ["A = softmax(S + M)", "L = sum(A**2)"],
        "output": "L",
    }
    problem = sbp.problem({"graph": table})
    assert_answered(problem)
    values = sbp.solve(problem).steps[0].values
    assert [1, 0.5, 1 / 3] == [pytest.approx(float(values.value(f"A_{row}_1"))) for row in (1, 2, 3)]


# Checks that do not cry wolf


@pytest.mark.parametrize(
    "table",
    [
        {"parameters": {"w": [1, 2, 4]}, "equations": ["c = w - mean(w)", "L = sum(c)"]},
        {"parameters": {"w": [1, 2, 3]}, "equations": ["c = w - mean(w)", "L = sum(c)"]},
        {"parameters": {"w": ["sqrt(2)", 2, 4]}, "equations": ["c = w - mean(w)", "L = 1000*sum(c)"]},
        {
            "parameters": {"A": [[1, 2], [3, 5]], "B": [[1, 2], [3, "1/3"]]},
            "equations": ["C = (A - mean(A, axis=0)) @ B", "L = sum(C)"],
        },
        {"parameters": {"z": 100}, "equations": ["L = ln(1 - sigmoid(z))"]},
        {"parameters": {"z": "1/10"}, "equations": ["L = sin(z)**2 + cos(z)**2"]},
    ],
    ids=["thirds", "whole", "irrational", "matrix", "one line", "constant"],
)
def test_gradients_of_zero_are_compared_with_the_terms_of_the_loss(table: dict[str, Any]) -> None:
    """A gradient that is 0 but for the rounding of 50 digits agrees with differences that are."""
    report = check(sbp.problem({"graph": {**table, "output": "L"}}))
    assert report.agrees and len(report.with_verdict(Verdict.AGREES)) == len(report.entries)


@pytest.mark.parametrize(
    ("activation", "loss", "weight", "x", "y"),
    [
        ("linear", "huber", 1, 10, 9),
        ("softsign", "half_squared_error", 0, 3, 1),
        ("elu", "half_squared_error", "1/2", 0, 1),
    ],
)
def test_a_jump_of_the_second_derivative_is_no_difference(
    activation: str, loss: str, weight: Any, x: int, y: int
) -> None:
    """Huber at delta, softsign and ELU at 0 have a derivative from both sides: every gradient agrees, none is skipped."""
    layers = [{"units": 1, "activation": activation}]
    problem = sbp.problem(
        {
            "network": {"inputs": 1, "layers": layers, "loss": loss},
            "parameters": {"W1": [[weight]], "b1": [0]},
            "data": {"x": [x], "y": [y]},
        }
    )
    report = check(problem)
    assert report.agrees and len(report.with_verdict(Verdict.AGREES)) == len(report.entries)
    assert () == sbp.solve(problem).steps[0].kinks


@pytest.mark.parametrize(
    ("expression", "false", "logit"),
    [
        *(("z/(1 + abs(z))", "1001/1000/(1 + abs(z))**2", logit) for logit in ("0", "1/2", "-1000", "1e-30")),
        *(("z*z/(1 + z*z)", "2*z/(1 + z*z)**2 + 1/1000", logit) for logit in ("0", "100", "1e9", "1e-30")),
        *(("1/(1 + exp(-z))", "a*(1 - a)*(1 + 1/10**9)", logit) for logit in ("0", "-1/2", "20", "1e-30")),
    ],
)
def test_a_false_derivative_is_found_at_any_magnitude(expression: str, false: str, logit: str) -> None:
    """A derivative that is a little wrong differs, at a kink of its formula and at large and small numbers too."""
    row = Activation(
        "crooked",
        expression,
        "crooked",
        false,
        words={"en": {"activation.crooked": "x"}, "zh": {"activation.crooked": "x"}},
    )
    with ACTIVATIONS.extended(row):
        assert not check(network("crooked", "half_squared_error", logit, (1,))).agrees


def test_check_of_thousands_of_parameters_says_what_it_leaves_out() -> None:
    """2,500 scalars are not differenced one by one: some are compared, evenly spread, and the report says so."""
    names = [f"w{number}" for number in range(2500)]
    equations = [f"s{n} = {' + '.join(f'{name}*{name}' for name in names[n * 25 : n * 25 + 25])}" for n in range(100)]
    equations.append("L = " + " + ".join(f"s{n}" for n in range(100)))
    problem = sbp.problem({"graph": {"parameters": dict.fromkeys(names, 1), "equations": equations, "output": "L"}})
    began = time.process_time()
    report = check(problem)
    assert report.sampled and report.agrees and 3 <= len(report.entries) < 500
    assert time.process_time() - began < 20
    assert differences.STEP > 0 and composed_output.composed_differences


@pytest.mark.parametrize("rest", ["1e-60", "-1e-900"])
@pytest.mark.parametrize("operation", ["g*g", "g*g*g", "g**5", "g/(2 - g)*g", "1/(g*g)"])
def test_digits_of_a_number_beside_a_fraction_do_not_grow(operation: str, rest: str) -> None:
    """Twelve times a product, quotient or power of a number near 999/1000: it stays short, and is right to 40 digits."""
    found = near(Fraction(999, 1000), CONTEXT.mpf(rest))
    with mpmath.workdps(120):
        wanted = mpmath.mpf(999) / 1000 + mpmath.mpf(rest)
        for _ in each(range(12)):
            found = exact.settle(valued(operation, g=found))
            wanted = eval(operation, {"g": wanted})
            if isinstance(found, PerturbedRational):
                assert max(found.base.numerator.bit_length(), found.base.denominator.bit_length()) <= 2000
            assert abs(mpmath.mpf(exact.to_real(found)) / wanted - 1) < mpmath.mpf("1e-35")


@pytest.mark.parametrize("expression", ["z**(1e399)", "z*1e399", "z + 1e399", "exp(z)*1e399/1e398"])
@pytest.mark.parametrize("command", [sbp.train, scripts.script, lambda problem: sbp.compile(problem)()])
def test_constant_that_no_float_holds_is_one_error(expression: str, command: Any) -> None:
    """Code in floats is refused in one line where a constant of a formula is too large for them."""
    layer = {"units": 1, "activation": {"expression": expression}, "bias": "none"}
    content = {"network": {"inputs": 1, "layers": [layer], "loss": "squared_error"}, "parameters": {"W1": [[0.5]]}}
    training = {"learning_rate": 0.1, "steps": 1}
    with pytest.raises(SymbackpropError):
        command(sbp.problem({**content, "data": {"x": [0.4], "y": [1]}, "training": training}))
