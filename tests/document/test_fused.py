"""Output activation and loss as one: the short error against SymPy, huge logits against mpmath, the derivation."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy

import symbackprop as sbp
from symbackprop.algebra import functions, symbolic
from symbackprop.algebra.formula import (
    ONE,
    ZERO,
    Apply,
    Name,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Slot,
    Sum,
    added,
    fill,
    rewrite,
    walk,
)
from symbackprop.arithmetic import exact
from symbackprop.arithmetic.exact import CONTEXT, Exact
from symbackprop.catalog.losses import LOSSES
from symbackprop.derivation.derivations import Derivation, derive
from symbackprop.derivation.matrix_grain import gradients
from symbackprop.document import compose
from symbackprop.document.blocks import Chain, Display, Section
from symbackprop.document.display_nodes import DerivativeOf, Letter, Same, Total
from symbackprop.document.sections import fused_loss
from symbackprop.evaluation.arithmetics import FLOAT
from symbackprop.evaluation.checks import Oracle, check
from symbackprop.evaluation.evaluate import Evaluation, evaluate, leaves
from symbackprop.problems import Problem
from symbackprop.rendering import json_result
from tests.helpers import each, gradient_formula

PAIRS = [(row.fused.activation, name) for name, row in LOSSES.items() if row.fused]
every_pair = pytest.mark.parametrize(("activation", "loss"), PAIRS)


def outputs(activation: str, loss: str, z: Sequence[Any], y: Sequence[Any], **tables: Any) -> Problem:
    """Return a network of one layer whose logits are the given numbers: one input, 1, and no bias."""
    layer = {"units": len(z), "activation": activation, "bias": "none"}
    problem = {
        "network": {"inputs": 1, "layers": [layer], "loss": loss},
        "parameters": {"W1": [[each] for each in z]},
        "data": {"x": [1], "y": list(y)},
    }
    return sbp.problem({**problem, **tables})


def composed(derivation: Derivation) -> sympy.Expr:
    """Return the loss over logits and targets: the printed equations of the activations put into that of the loss."""
    inside = {name: derivation.expression(name) for name in derivation.equations if name.startswith("a1_")}
    return derivation.expression("L").subs({symbolic.name_symbol(name): each for name, each in inside.items()})


def numbers_of(size: int, distribution: bool) -> Iterator[tuple[list[Fraction], list[Fraction]]]:
    """Iterate over logits and targets; the targets sum to 1 or do not."""
    for start in range(4):
        z = [Fraction((7 * start + 5 * place) % 23 - 11, 6) for place in range(size)]
        y = [Fraction(1 + (start + 3 * place) % 5, 7) for place in range(size)]
        yield z, [each / sum(y) for each in y] if distribution else y


@every_pair
@pytest.mark.parametrize("distribution", [True, False])
@pytest.mark.parametrize("units", [1, 2, 3, 4])
def test_fused_error_equals_the_derivative_of_the_composed_loss(
    activation: str, loss: str, units: int, distribution: bool
) -> None:
    """The one link to a logit is SymPy's derivative of the loss with the activation put in, at 44 digits."""
    for z, y in each(numbers_of(units, distribution)):
        derivation = derive(outputs(activation, loss, list(map(str, z)), list(map(str, y))))
        if units == 1 and functions.is_vector(activation):
            assert not derivation.elements.bypassed  # softmax of one unit is 1
            continue
        whole, values = composed(derivation), evaluate(derivation)
        known = {symbolic.name_symbol(f"z1_{k}"): symbolic.rational(each) for k, each in enumerate(z, start=1)}
        known |= {symbolic.name_symbol(f"y_{k}"): symbolic.rational(each) for k, each in enumerate(y, start=1)}
        for unit in each(range(1, units + 1)):
            (link,) = derivation.links[f"z1_{unit}"]
            assert "L" == link.source
            expected = CONTEXT.mpf(str(sympy.N(sympy.diff(whole, symbolic.name_symbol(f"z1_{unit}")).subs(known), 60)))
            actual = value_at(link.partial(), derivation, values)
            assert abs(expected - actual) < CONTEXT.mpf("1e-44")
            assert link.partial() == gradient_formula(derivation, f"z1_{unit}")


@every_pair
@pytest.mark.parametrize("units", [2, 3, 5])
def test_fused_loss_equals_the_composed_loss(activation: str, loss: str, units: int) -> None:
    """What floats run for the loss is what is printed, with the activation put in."""
    for z, y in each(numbers_of(units, distribution=False)):
        derivation = derive(outputs(activation, loss, list(map(str, z)), list(map(str, y))))
        values, equation = evaluate(derivation), derivation.equations["L"]
        assert equation.fused is not None
        expected = values.value("L")
        actual = value_at(equation.fused.formula(), derivation, values)
        assert abs(exact.to_real(expected) - actual) < CONTEXT.mpf("1e-46")


def value_at(formula: Node, derivation: Derivation, values: Any) -> Exact:
    """Return the exact value of a formula over elements."""
    found = exact.evaluate(formula, lambda part: values.value(part.name) if isinstance(part, Name) else None)
    return exact.to_real(found)


# Huge logits: loss and gradients by definition, in mpmath, with digits to spare

DIGITS = 1500

LOGITS = [(1000, 0, 3), (-1000, 1000, 0), (0, 1, -1), (40, 0, -3), (-38, -36, 37), (800, 799, 0), (115, -116, 400)]


def reference(activation: str, z: Sequence[int], y: Sequence[float]) -> tuple[Any, list[Any], list[Any]]:
    """Return the loss, its gradients by the logits, and by the activations, as their definitions say."""
    with mpmath.workdps(DIGITS):
        if activation == "sigmoid":
            a = [1 / (1 + mpmath.exp(-each)) for each in z]
            loss = -sum(t * mpmath.log(p) + (1 - t) * mpmath.log(1 - p) for p, t in zip(a, y, strict=True))
            slopes = [(1 - t) / (1 - p) - t / p for p, t in zip(a, y, strict=True)]
            return loss, [slope * p * (1 - p) for slope, p in zip(slopes, a, strict=True)], slopes
        total = sum(mpmath.exp(each) for each in z)
        a = [mpmath.exp(each) / total for each in z]
        loss = -sum(t * mpmath.log(p) for p, t in zip(a, y, strict=True))
        slopes = [-t / p for p, t in zip(a, y, strict=True)]
        errors = [sum(slope * p * ((p is q) - q) for slope, p in zip(slopes, a, strict=True)) for q in a]
        return loss, errors, slopes


def assert_close(expected: Any, actual: float | None, scale: float = 0.0) -> None:
    """Assert that a float is right to 1e-12, relatively (or relative to `scale`); None is a number beyond float64."""
    if actual is None:
        assert abs(expected) > 1.7e308
        return
    distance = abs(expected - mpmath.mpf(actual))
    assert distance <= 1e-12 * max(abs(expected), scale, mpmath.mpf("1e-300"))


@every_pair
@pytest.mark.parametrize("y", [(1, 0, 0), (0, 1, 0), (0.25, 0.25, 0.5), (0.5, 0.75, 0.25)])
@pytest.mark.parametrize("z", LOGITS)
def test_solution_is_right_at_huge_logits(activation: str, loss: str, z: tuple[int, ...], y: tuple[float, ...]) -> None:
    """Loss and every gradient of the JSON result are right to 1e-12, relatively, up to |z| = 1000; so says `check`."""
    problem = outputs(activation, loss, z, y)
    expected, errors, slopes = reference(activation, z, y)
    found = json.loads(json_result.to_json(sbp.solve(problem)))
    assert_close(expected, found["values"]["L"])
    for unit in range(3):
        assert_close(errors[unit], found["gradients"]["z1"][unit])
        assert_close(errors[unit], found["gradients"]["W1"][unit][0])
        assert_close(slopes[unit], found["gradients"]["a1"][unit])
    report = check(problem)
    assert report.agrees and report.worst_from(Oracle.COMPOSED) is not None


@every_pair
@pytest.mark.parametrize("y", [(1, 0, 0), (0.25, 0.25, 0.5)])
@pytest.mark.parametrize("z", LOGITS)
def test_floats_are_right_at_huge_logits(activation: str, loss: str, z: tuple[int, ...], y: tuple[float, ...]) -> None:
    """In float64 the loss is right to 1e-12, relatively, and each error relative to the targets it is a difference from."""
    derivation = derive(outputs(activation, loss, z, y))
    evaluation = Evaluation.of(derivation, FLOAT, [f"W1_{unit}_1" for unit in (1, 2, 3)])
    values = evaluation.backward(evaluation.forward(*leaves(derivation, FLOAT)))
    expected, errors, _ = reference(activation, z, y)
    assert_close(expected, values.value("L"))
    for unit in (1, 2, 3):
        assert_close(errors[unit - 1], values.gradient(f"W1_{unit}_1"), scale=1.0)


@every_pair
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("backward", ["delta", "activation"])
def test_long_descent_from_huge_logits_stays_finite(activation: str, loss: str, sign: int, backward: str) -> None:
    """From logits that are wrong by 1000 a float descent comes down at the rate of its saturated error, 1 for each unit."""
    tables = {"training": {"learning_rate": 2, "steps": 600}, "notation": {"backward": backward}}
    solution = sbp.solve(outputs(activation, loss, [1000 * sign, 0], [int(sign < 0), int(sign > 0)], **tables))
    assert all(map(math.isfinite, solution.losses))
    assert solution.losses[0] > 999 and solution.losses[-1] < 1e-3 * solution.losses[0]
    fell = solution.losses[0] - solution.losses[100]
    assert math.isclose(fell, 2 * 100 * (1 if activation == "sigmoid" else 2), rel_tol=0.05)


@every_pair
def test_bypassed_activation_has_its_own_gradient(activation: str, loss: str) -> None:
    """∂L/∂a is that of the plain loss although no other gradient goes through it, in both ways of writing."""
    for backward in ("delta", "activation"):
        problem = outputs(activation, loss, [1, 2], ["1/4", "3/4"], notation={"backward": backward})
        derivation = derive(problem)
        values = evaluate(derivation)
        _, errors, slopes = reference(activation, (1, 2), (0.25, 0.75))
        for unit in (1, 2):
            assert_close(slopes[unit - 1], float(values.gradient(f"a1_{unit}")))
            assert_close(errors[unit - 1], float(values.gradient(f"z1_{unit}")))
        count = 1 if backward == "delta" or activation == "sigmoid" else 2
        assert count == len(derivation.links["z1_1"])
        assert (backward == "delta") == (derivation.links["z1_1"][0].source == "L")


@every_pair
def test_matrix_grain_has_the_short_error(activation: str, loss: str) -> None:
    """Between arrays δ = a − y."""
    graph = derive(outputs(activation, loss, [1, 2], [0, 1])).graph
    error = Sum((Name("a1"), Negative(Name("y"))))
    assert (("L", error),) == gradients(graph)["z1"]
    assert {"a1"} == {source for source, _ in gradients(graph, fused=False)["z1"]}


@pytest.mark.parametrize(("y", "text"), [((0, 1), "a1_1 - y_1"), ((1, 1), "a1_1*(y_1 + y_2) - y_1")])
def test_error_of_targets_that_do_not_sum_to_one_keeps_their_sum(y: tuple[int, ...], text: str) -> None:
    """δ = a − y holds for a distribution; for other targets the sum stays."""
    derivation = derive(outputs("softmax", "cross_entropy", [1, 2], y))
    symbols = {name: symbolic.name_symbol(name) for name in ("a1_1", "y_1", "y_2")}
    assert sympy.sympify(text, symbols) == derivation.gradient("z1")[0]


def test_own_loss_or_activation_is_not_fused() -> None:
    """A loss of the user's own, or one before another activation, is taken as it is written."""
    for activation, loss in (
        ("sigmoid", "squared_error"),
        ("softmax", "binary_cross_entropy"),
        ("sigmoid", {"expression": "-sum(y*ln(a))"}),
        ({"expression": "1/(1 + exp(-z))", "name": "own"}, "binary_cross_entropy"),
    ):
        assert not derive(outputs(activation, loss, [1, 2], [0, 1])).elements.bypassed  # type: ignore[arg-type]


# The derivation in the document


def chains(section: Section) -> Iterator[Chain]:
    """Iterate over the chains of a section and its subsections."""
    for block in section.blocks:
        yield from block.chains if isinstance(block, Display) else ()
    for inner in section.sections:
        yield from chains(inner)


def derivatives(problem: Problem) -> Section:
    """Return the section of local derivatives."""
    (section,) = (each for each in compose(sbp.solve(problem)).sections if each.title.id == "title.derivatives")
    return section


@every_pair
@pytest.mark.parametrize("y", [(0, 1, 0), ("1/2", "1/3", "1/5")])
def test_every_line_of_the_derivation_is_true(activation: str, loss: str, y: tuple[Any, ...]) -> None:
    """Every line of the block, for all outputs i and j, is SymPy's derivative of what stands on its left."""
    problem = outputs(activation, loss, ["1/2", -1, "2/3"], y)
    derivation = derive(problem)
    values = evaluate(derivation)
    lined = [chain for chain in chains(derivatives(problem)) if isinstance(chain.left, fused_loss.Local)]
    lettered = [
        chain for chain in lined if any("_j" in part.name for part in walk(chain.left) if isinstance(part, Name))
    ]
    assert {"sigmoid": 0, "softmax": 2}[activation] == len(lettered)
    count = 0
    for chain in lined:
        for i, j in itertools.product((1, 2, 3), repeat=2):
            letters = {"i": i, "j": j}
            left = local(at(chain.left, letters), derivation, values)
            for step in chain.steps:
                right = at(step.formula, letters)
                if any(isinstance(part, fused_loss.Local | DerivativeOf) for part in walk(right)):
                    right = with_numbers(right, derivation, values)
                assert abs(left - value_at(right, derivation, values)) < CONTEXT.mpf("1e-44")
                count += 1
    assert count >= 36


def at(formula: Node, letters: dict[str, int]) -> Node:
    """Return a line about outputs i and j as one about the outputs of those numbers, its sums written out."""

    def number(part: Node) -> Node | None:
        match part:
            case Name(name):
                base, _, index = name.rpartition("_")
                return Name(f"{base}_{letters[index]}") if index in letters else None
            case Same(Letter(left), Letter(right)):
                return ONE if letters[left.base] == letters[right.base] else ZERO
            case Total(body, index, count):
                return added(tuple(at(body, {**letters, index: place + 1}) for place in range(count)))
        return None

    return rewrite(formula, number)


def with_numbers(formula: Node, derivation: Derivation, values: Any) -> Node:
    """Return a formula with 48-digit numbers for its derivatives."""

    def number(part: Node) -> Node | None:
        match part:
            case fused_loss.Local():
                return Number(as_fraction(local(part, derivation, values)))
            case DerivativeOf(of, Name(by)):
                return Number(as_fraction(derived(symbolic.to_sympy(of), by, values)))
        return None

    return rewrite(formula, number)


def derived(expression: sympy.Expr, by: str, values: Any) -> Exact:
    """Return the number of a derivative by a quantity, by SymPy."""
    found = sympy.diff(expression, symbolic.name_symbol(by))
    known = {each: symbolic.rational(as_fraction(values.value(str(each)))) for each in found.free_symbols}
    return CONTEXT.mpf(str(sympy.N(found.subs(known), 60)))


def local(node: Node, derivation: Derivation, values: Any) -> Exact:
    """Return ∂of/∂by, by SymPy from the printed equations."""
    assert isinstance(node, fused_loss.Local) and isinstance(node.of, Name) and isinstance(node.by, Name)
    expression = derivation.expression(node.of.name)
    if node.of.name == "L" and node.by.name.startswith("z"):
        expression = composed(derivation)
    return derived(expression, node.by.name, values)


def as_fraction(value: Exact) -> Fraction:
    """Return an exact number as a fraction."""
    return value if isinstance(value, Fraction) else Fraction(str(CONTEXT.nstr(value, 60)))


def test_derivation_stands_once_and_only_where_the_pair_is_used() -> None:
    """The block stands in the first step only, and not where there is no pair or everything goes through ∂L/∂a."""
    (activation, loss), training = PAIRS[0], {"training": {"learning_rate": 1, "steps": 2}}
    with_pair = sbp.render(sbp.solve(outputs(activation, loss, [1], [1], **training)), format="markdown")
    title = "Output activation and loss together"
    assert 1 == with_pair.count(title)
    plain = sbp.solve(outputs(activation, "squared_error", [1], [1], **training))
    assert title not in sbp.render(plain, format="markdown")
    through = sbp.solve(outputs(activation, loss, [1], [1], notation={"backward": "activation"}))
    assert title not in sbp.render(through, format="markdown")


def test_document_at_a_thousand_is_written() -> None:
    """A saturated output has a document: the loss and the error stand in it, and nothing is lost."""
    text = sbp.render(sbp.solve(outputs("sigmoid", "binary_cross_entropy", [1000], [0])), format="markdown")
    assert r"\boxed{1}" in text or r"\boxed{1.00000}" in text
    assert "inf" not in text.replace(r"\inf", "") or "infinite" in text
    assert "nan" not in text


# Targets out of range


@pytest.mark.parametrize(
    ("activation", "y", "warned"),
    [
        ("sigmoid", ["1.5", 0], True),
        ("sigmoid", [-1, 1], True),
        ("sigmoid", [0, 1], False),
        ("tanh", [-1, 1], False),
        ("tanh", [-2, 1], True),
        ("relu", ["-0.5", 3], True),
        ("relu", [100, 3], False),
        ("linear", [100, -3], False),
    ],
)
def test_targets_out_of_range_are_warned_of(activation: str, y: list[Any], warned: bool) -> None:
    """A target that the output activation cannot reach is named in the conventions."""
    text = sbp.render(sbp.solve(outputs(activation, "squared_error", ["1/2", 1], y)), format="markdown")
    assert warned == ("Targets outside the range of the output activation" in text)


# Huber


def test_huber_slope_equals_the_derivative() -> None:
    """The clipped difference is the derivative of Huber's loss, on every branch and where branches meet."""
    for delta, distance in itertools.product(("1/2", "1", "3"), (-4, -3, -1, "-1/2", "-1/3", 0, "1/4", "1/2", 1, 3, 5)):
        problem = outputs("linear", {"name": "huber", "delta": delta}, [distance], [0])  # type: ignore[arg-type]
        difference, width = Fraction(distance), Fraction(delta)
        branch = difference if abs(difference) <= width else math.copysign(1, difference) * width
        assert branch == evaluate(derive(problem)).gradient("z1_1")
        report = check(problem)
        assert report.agrees and report.worst < 1e-9


def test_huber_is_printed_as_a_clip() -> None:
    """The partial is one short line and no product of steps."""
    text = sbp.render(sbp.solve(outputs("tanh", "huber", ["1/2"], [3])), format="markdown")
    assert r"\max(-1, \min(1, a^{(1)}_1 - y_1))" in text


@pytest.mark.parametrize(("delta", "slope"), [("1", ""), ("2", "2 "), ("1/2", None)])
def test_huber_is_printed_and_differentiated_by_cases(delta: str, slope: str | None) -> None:
    """Behind a brace stand the square and the line, each beside its condition, and then their derivatives."""
    loss: Any = {"name": "huber", "delta": delta}
    text = sbp.render(sbp.solve(outputs("linear", loss, ["1/2"], [3])), format="text")
    below, above = (f"(|a₁⁽¹⁾ − y₁| {sign} {delta})" for sign in "≤>")
    lines = [line.split("  (")[0].strip() for line in text.splitlines()]
    assert sum(below in line for line in text.splitlines()) >= 3
    assert sum(above in line for line in text.splitlines()) >= 3
    signed = "sgn(a₁⁽¹⁾ − y₁)/2" if slope is None else f"{slope}sgn(a₁⁽¹⁾ − y₁)"
    assert f"⎩{signed}" in lines


# Stable forms in NumPy, both precisions

NUMPY: Mapping[str, Any] = {
    "exp": np.exp,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "abs": np.abs,
    "erf": lambda x: type(x)(math.erf(x)),
}


def run(node: Node, arguments: Sequence[Any], kind: type) -> Any:
    """Return the value of a stable form in one precision, operation by operation, with log1p for ln(1 + u)."""
    if isinstance(node, Apply) and node.function == "ln":
        (argument,) = node.arguments
        assert isinstance(argument, Sum) and argument.terms[0] == ONE
        return np.log1p(run(Sum(argument.terms[1:]), arguments, kind))
    inner = [run(part, arguments, kind) for part in node]
    match node:
        case Slot(index):
            return arguments[index]
        case Number(value):
            return kind(value)
        case Sum():
            return sum(inner[1:], inner[0])
        case Product():
            return math.prod(inner[1:], start=inner[0])
        case Quotient():
            return inner[0] / inner[1]
        case Power():
            return inner[0] ** inner[1]
        case Negative():
            return -inner[0]
        case Apply("pi"):
            return kind(np.pi)
        case Apply("step", _, at_kink):
            return kind(1) if inner[0] > 0 else kind(0) if inner[0] < 0 else kind(at_kink)
        case Apply("max"):
            return max(inner)
        case Apply("min"):
            return min(inner)
        case Apply(function):
            return NUMPY[function](inner[0])
    raise TypeError(type(node).__name__)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("name", functions.WITH_FORMULA)
def test_stable_form_overflows_in_no_precision(name: str, kind: type) -> None:
    """Up to |z| = 1000 value and derivative are finite in float32 and float64, without one overflow on the way."""
    from symbackprop.algebra.forms import form_of

    arity = 3 if functions.is_vector(name) else 1
    own = form_of(Apply(name, tuple(map(Slot, range(arity)))))
    value = functions.stable_form(own.formula)
    for size in (0, 1, 30, 100, 1000, -1, -30, -100, -1000):
        points = [kind(size), kind(-size), kind(0)][:arity]
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            values = [run(value, [one, *(o for o in points if o is not one)], kind) for one in points]
            slopes = [
                run(functions.stable_form(own.partial(slot).formula(has_values=True)), [*points, *values], kind)
                for slot in range(arity)
            ]
        assert all(isinstance(each, kind) and np.isfinite(each) for each in (*values, *slopes))
        expected = float(exact.evaluate(fill(own.formula, tuple(Number(Fraction(float(o))) for o in points))))
        tolerance = 1e-4 if kind is np.float32 else 1e-12
        assert math.isclose(expected, float(values[0]), rel_tol=tolerance, abs_tol=1e-30)
