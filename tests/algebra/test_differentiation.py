"""Derivatives step by step: every node and every line against `sympy.diff`, and what cannot be differentiated."""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType

import mpmath
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import symbackprop as sbp
from symbackprop import language
from symbackprop.algebra import functions, symbolic
from symbackprop.algebra.branches import WHERE
from symbackprop.algebra.differentiation import (
    Derivative,
    Differentiation,
    Rule,
    Step,
    collected,
    differentiate,
    rules,
    steps,
)
from symbackprop.algebra.formula import (
    ONE,
    ZERO,
    Adjoint,
    Apply,
    MatrixProduct,
    Name,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Slot,
    Sum,
    names,
    walk,
)
from symbackprop.algebra.functions import ACTIVATIONS, PRIMITIVES
from symbackprop.arithmetic import exact
from symbackprop.arithmetic.exact import CONTEXT, Exact
from symbackprop.catalog import losses
from symbackprop.catalog.losses import LOSSES
from symbackprop.derivation.derivations import derive
from symbackprop.errors import EvaluationError, ExpressionError, UnknownNameError
from symbackprop.problems.build import fitting_activations
from tests.helpers import each, many

X = Name("x")

TEXTS = [
    "3",
    "pi",
    "x",
    "y",
    "y**2 + exp(w)",
    "-x",
    "-x/3",
    "3*x",
    "x*5/7",
    "w*x + b",
    "x - y",
    "5 - x - 2*x",
    "-(x - y)",
    "1 - (2 - x)",
    "x*x",
    "x*y*x",
    "x*sin(x)*exp(x)",
    "2*x*y*cos(x)*(x + 1)",
    "(x + 1)*(x + 2)*(x + 3)*(x + 4)",
    "x/y",
    "y/x",
    "1/x",
    "-3/x**2",
    "x/(1 + x**2)",
    "(x - 1)/(x + 4)/(x + 5)",
    "1/(1 + exp(-x))",
    "(exp(x) - exp(-x))/(exp(x) + exp(-x))",
    "exp(x)/(exp(x) + exp(y) + exp(w))",
    "1/sqrt(1 + x**2)",
    "x**3",
    "x**1",
    "x**0",
    "(3*x)**0",
    "x**-2",
    "x**(1/2)",
    "x**(-3/2)",
    "x**y",
    "n*x**(n - 1)",
    "(2*x + 1)**5",
    "((x**2 + 1)**3 + x)**2",
    "1/2*(x - y)**2",
    "(x - y)**4/4",
    "2**x",
    "y**x",
    "y**(3*x)",
    "2**x**2",
    "x**x",
    "x**(y*x)",
    "(1 + x**2)**sin(x)",
    "exp(x)",
    "exp(-2*x)",
    "exp(exp(x/4))",
    "exp(x)*exp(y)*exp(-x*y)",
    "ln(x)",
    "log(3*x)",
    "ln(ln(5 + x))",
    "x*ln(x)",
    "-(y*ln(x) + (1 - y)*ln(6 - x))",
    "sqrt(x)",
    "sqrt(x)*sqrt(x)",
    "sqrt(x*y + 1)",
    "sin(x)*cos(x)",
    "sin(cos(tan(x/9)))",
    "tan(x)/(1 + x**2)",
    "tan(2*x)**2",
    "tanh(x)",
    "tanh(w*x + b)**2",
    "erf(x)",
    "erf(x/sqrt(2))*pi",
    "abs(x)",
    "abs(x - y)**3",
    "abs(sin(3*x))",
    "max(0, x)",
    "max(x, y)*min(x, 2)",
    "max(x**2, sin(x), w*x)" if PRIMITIVES["max"].arity != 2 else "max(x**2, max(sin(x), w*x))",
    "min(abs(x - y), 1)*(abs(x - y) - 1/2*min(abs(x - y), 1))",
    "exp(min(0, x)) - 1",
    "sigmoid(relu(w*x + b))",
    "tanh(sigmoid(x)*softplus(-x))",
    "gelu(3*x - y)",
    "sigmoid(sigmoid(sigmoid(x)))",
    "u*exp(u*x) + s*v*t",
    "asin(x) + acos(x/4)*atan(2*x)",
]
"""Expressions in x and other quantities; the points lie on both sides of 0 where the expression allows it."""

SYMPY_OWN = {"max": sympy.Max, "min": sympy.Min, "abs": sympy.Abs}


def own_functions(node: Node) -> sympy.Expr:
    """Return a formula in SymPy's own functions: `Max`, `Min`, `Abs`, `Heaviside` in place of ours."""

    def own(part: Node) -> sympy.Expr | None:
        if isinstance(part, Apply) and part.function in SYMPY_OWN:
            return SYMPY_OWN[part.function](*(symbolic.to_sympy(each, own) for each in part.arguments))
        if isinstance(part, Apply) and part.function == "step":
            return sympy.Heaviside(symbolic.to_sympy(part.arguments[0], own), symbolic.rational(part.at_kink))
        return None

    return symbolic.to_sympy(node, own)


def heaviside(argument: mpmath.mpf, at_zero: mpmath.mpf = 0.5) -> mpmath.mpf:
    """Return SymPy's Heaviside step."""
    return mpmath.mpf(1) if argument > 0 else mpmath.mpf(at_zero) if argument == 0 else mpmath.mpf(0)


MODULES = {
    "Heaviside": heaviside,
    "Step": heaviside,
    "DiracDelta": lambda *_: mpmath.mpf(0),
    "Max": max,
    "Min": min,
    "Maximum": lambda left, right, _: max(left, right),
    "Minimum": lambda left, right, _: min(left, right),
    "Absolute": lambda operand, _: abs(operand),
    "Where": lambda operand, at_edge, one, other: one if operand > 0 or (operand == 0 and at_edge) else other,
}

Point = Mapping[str, Fraction]
Reading = Callable[[Node], sympy.Expr]


def points_for(node: Node, *, count: int = 12, seed: int = 1) -> list[Point]:
    """Return points, some all positive, at which a formula has a value; at least three."""
    draw = random.Random(seed)
    found: list[Point] = []
    for number in range(count):
        lowest = -350 if number % 2 else 20
        point = {name: Fraction(draw.randint(lowest, 350), 397 if number % 3 == 2 else 97) for name in names(node)}
        try:
            value_at(node, point)
        except EvaluationError:
            continue
        found.append(point)
    assert len(found) >= 3
    return found


def value_at(node: Node, point: Point, derivatives: Mapping[Derivative, Exact] = MappingProxyType({})) -> Exact:
    """Return the 50-digit value of a formula; derivatives that stand in it have the given values."""

    def leaf(part: Node) -> Exact | None:
        return (
            point[part.name] if isinstance(part, Name) else derivatives[part] if isinstance(part, Derivative) else None
        )

    return exact.to_real(exact.evaluate(node, leaf))


def sympy_derivatives(
    wanted: tuple[tuple[Node, Name], ...], points: list[Point], reading: Reading
) -> list[tuple[Exact, ...]]:
    """Return, for each point, the values that SymPy gives for the derivatives of the formulas."""
    symbols = {name: symbolic.name_symbol(name) for name in dict.fromkeys(name for at in points for name in at)}
    derived = [sympy.diff(reading(node), symbolic.name_symbol(by.name)) for node, by in wanted]
    run = sympy.lambdify(list(symbols.values()), derived, modules=[MODULES, "mpmath"], cse=True)
    with mpmath.workdps(70):
        return [
            tuple(
                CONTEXT.mpf(mpmath.mpmathify(value))
                for value in run(*(mpmath.mpf(at[name].numerator) / at[name].denominator for name in symbols))
            )
            for at in points
        ]


def assert_close(expected: Exact, actual: Exact, what: object) -> None:
    """Assert that two numbers agree to 40 digits, relatively or (below 1) absolutely."""
    assert abs(expected - actual) <= CONTEXT.mpf("1e-40") * max(abs(expected), 1), what


def assert_right(
    tree: Differentiation, points: list[Point] | None = None, reading: Reading = own_functions
) -> tuple[Step, ...]:
    """Assert that every node of the tree and every line of its steps is what SymPy derives; return the lines."""
    points = points_for(tree.before) if points is None else points
    for node in tree.walk():
        if node.variable != tree.variable:  # the outer function of a chain, of a variable of its own
            outer = points_for(node.before)
            for point, (expected,) in zip(
                outer, sympy_derivatives(((node.before, node.variable),), outer, reading), strict=True
            ):
                assert_close(expected, value_at(node.after, point), node)
    own = [node for node in tree.walk() if node.variable == tree.variable]
    lines = steps(tree)
    left = {part for line in lines for part in walk(line.formula) if isinstance(part, Derivative)}
    wanted = tuple(dict.fromkeys([(node.before, node.variable) for node in own]))
    assert {(part.operand, part.variable) for part in left} <= set(wanted)
    for point, values in zip(points, sympy_derivatives(wanted, points, reading), strict=True):
        derivatives = {Derivative(*each): value for each, value in zip(wanted, values, strict=True)}
        for node in own:
            assert_close(derivatives[Derivative(node.before, node.variable)], value_at(node.after, point), node)
        for line in lines:
            whole = derivatives[Derivative(tree.before, tree.variable)]
            assert_close(whole, value_at(line.formula, point, derivatives), line)
    return lines


def assert_tidy(node: Node) -> None:
    """Assert that a formula has no factor 1, no term 0, no double minus and no number behind another factor."""
    for part in walk(node):
        match part:
            case Product(factors):
                assert ONE not in factors
                assert not any(isinstance(factor, Number) for factor in factors[1:]), part
            case Sum(terms):
                assert ZERO not in terms
            case Quotient(numerator, denominator):
                assert denominator != ONE
                assert numerator != ZERO
            case Negative(Negative() | Number(Fraction(numerator=0))):
                pytest.fail(f"a double minus or a minus zero: {part}")
            case Negative(Number(value)):
                assert value > 0


@pytest.mark.parametrize("text", TEXTS)
def test_derivative_of_a_text_is_that_of_sympy(text: str) -> None:
    """Every node and every line, for every kind of expression, at random points to 40 digits."""
    tree = differentiate(text, "x")
    lines = assert_right(tree)
    for node in tree.walk():
        assert_tidy(node.after)
    assert_tidy(lines[-1].formula)
    assert not any(isinstance(part, Derivative) for part in walk(lines[-1].formula))
    assert all(before.formula != after.formula for before, after in itertools.pairwise(lines))


@pytest.mark.parametrize("name", functions.WITH_FORMULA)
@pytest.mark.parametrize("inner", ["z", "w*z + b"])
def test_derivative_of_an_activation_is_that_of_sympy(name: str, inner: str) -> None:
    """Every activation of the registry, by default and with other parameters, of z and of a linear function of z."""
    row = ACTIVATIONS[name]
    argument = differentiate(inner, "z").before
    arguments = (argument, Name("z2"), Name("z3")) if row.vector else (argument,)
    for value in {None, *([Fraction(1, 4)] if row.parameters else [])}:
        settings = () if value is None else tuple((key, value) for key, _ in row.parameters)
        tree = differentiate(Apply(name, arguments, settings=settings), "z")
        assert tree.rule in ({Rule.DEFINITION} if name not in PRIMITIVES else {Rule.CHAIN, Rule.HYPERBOLIC_TANGENT})
        assert_right(tree)


def test_derivative_of_a_function_of_ones_own_unfolds_it() -> None:
    """An activation that a user defined is differentiated by its text."""
    tree = differentiate(Apply("own", (X,), body="z/(1 + abs(z))"), "x")
    assert [Rule.DEFINITION, Rule.QUOTIENT, Rule.SUM, Rule.ABSOLUTE_VALUE] == [line.rule for line in assert_right(tree)]


@pytest.mark.parametrize("loss", losses.WITH_FORMULA)
def test_derivative_of_a_loss_is_that_of_sympy(loss: str) -> None:
    """The loss of three outputs, for every loss of the registry, by one output."""
    last = fitting_activations(LOSSES[loss].predictions)[-1]
    network = {"inputs": 1, "layers": [{"units": 3, "activation": last}], "loss": loss}
    terms = derive(sbp.problem({"network": network})).equations["L"].terms
    tree = differentiate(Sum(tuple(term.formula() for term in terms)), "a1_2")
    draw = random.Random(2)
    points = [
        {
            name: Fraction(draw.randint(3, 90), 97) if name.startswith("a") else Fraction(hot == name)
            for name in names(tree.before)
        }
        for hot in ("y_1", "y_2", "y_3")
    ]
    assert_right(tree, points)


def small_numbers() -> st.SearchStrategy[Node]:
    """Return a strategy of constants."""
    return st.fractions(min_value=-3, max_value=3, max_denominator=5).map(Number)


def formulas() -> st.SearchStrategy[Node]:
    """Return a strategy of formulas in x and y that have a value and a derivative, of moderate size, everywhere."""
    two = Number(Fraction(2))

    def positive(node: Node) -> Node:
        return Sum((ONE, Power(node, two)))

    def larger(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        several = st.lists(inner, min_size=2, max_size=3).map(tuple)
        bounded = st.sampled_from(["sin", "cos", "tanh", "erf", "sigmoid"])
        return st.one_of(
            several.map(Sum),
            several.map(Product),
            inner.map(Negative),
            st.builds(lambda top, bottom: Quotient(top, positive(bottom)), inner, inner),
            st.builds(lambda base, whole: Power(base, Number(Fraction(whole))), inner, st.integers(0, 3)),
            st.builds(lambda base, whole: Power(positive(base), Number(Fraction(whole, 2))), inner, st.integers(-3, 3)),
            st.builds(lambda base, other: Power(positive(base), Apply("sin", (other,))), inner, inner),
            st.builds(lambda name, other: Apply(name, (other,)), bounded, inner),
            inner.map(lambda node: Apply("exp", (Apply("sin", (node,)),))),
            inner.map(lambda node: Apply("ln", (positive(node),))),
            inner.map(lambda node: Apply("sqrt", (positive(node),))),
            inner.map(lambda node: Apply("abs", (node,), Fraction(1, 3))),
            st.builds(lambda name, p, q: Apply(name, (p, q)), st.sampled_from(["max", "min"]), inner, inner),
        )

    return st.recursive(st.one_of(st.just(X), st.just(X), st.just(Name("y")), small_numbers()), larger, max_leaves=7)


@settings(max_examples=many(80), deadline=None)
@given(formulas())
def test_derivative_of_any_formula_is_that_of_sympy(formula: Node) -> None:
    """Random formulas: every node, every line; ties and zeros by the conventions of the formula."""
    points = [{"x": Fraction(3, 7), "y": Fraction(-5, 11)}, {"x": Fraction(-9, 8), "y": Fraction(2, 3)}]
    tree = differentiate(formula, "x")
    lines = steps(tree)
    for point, (expected,) in each(
        zip(points, sympy_derivatives(((formula, X),), points, symbolic.to_sympy), strict=True)
    ):
        assert_close(expected, value_at(tree.after, point), tree)
        assert_close(expected, value_at(lines[-1].formula, point), lines)


@settings(max_examples=many(60), deadline=None)
@given(formulas())
def test_collecting_keeps_the_value_and_is_done_once(formula: Node) -> None:
    """Collecting does not change a formula's value, and a collected formula is collected."""
    for point in ({"x": Fraction(3, 7), "y": Fraction(-5, 11)}, {"x": Fraction(-9, 8), "y": Fraction(2, 3)}):
        assert_close(value_at(formula, point), value_at(collected(formula), point), formula)
    assert collected(formula) == collected(collected(formula))


def test_every_primitive_has_a_rule() -> None:
    """The table of functions and the registry of primitives name the same functions."""
    assert set(PRIMITIVES) == {*rules.FUNCTIONS, "max", "min", WHERE}


@pytest.mark.parametrize("name", list(rules.FUNCTIONS))
def test_rule_of_a_primitive_is_the_derivative_by_sympy(name: str) -> None:
    """Each row of the table, by itself and inside a chain; its rule is named in the steps."""
    for text, is_chain in ((f"{name}(x)", False), (f"{name}(x/5 + 1/7)", True)):
        first = assert_right(differentiate(text, "x"))[0]
        assert (rules.FUNCTIONS[name][0], is_chain) == (first.rule, first.is_chain)


def test_wrong_rule_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted wrong derivative fails the checks of this file: in the tree and in a line."""
    tree = differentiate("y*cos(2*x)", "x")
    with monkeypatch.context() as patch:
        patch.setitem(rules.FUNCTIONS, "cos", (Rule.COSINE, rules._derivative("sin(u)")))
        with pytest.raises(AssertionError, match=r"<Differentiation by u: sin\(u\)>"):
            assert_right(differentiate("y*cos(2*x)", "x"))
        with pytest.raises(AssertionError):
            assert_right(replace(tree, children=differentiate("y*cos(2*x)", "x").children))
    assert_right(tree)


KINKS = ["max(0, x)", "max(x, 0)", "min(0, x)", "min(x, 0)", "abs(x)", "abs(-2*x)", "max(x, x)", "min(x, -x)"]


@pytest.mark.parametrize("at_kink", [Fraction(0), Fraction(1, 2), Fraction(1)])
@pytest.mark.parametrize("text", [*KINKS, *(f"{row.name}(x)" for row in ACTIVATIONS.values() if row.expression)])
def test_derivative_at_a_kink_keeps_the_convention(text: str, at_kink: Fraction) -> None:
    """At 0 the derivative is the value that the formula states for it, as in the derivatives of forms."""
    formula = replace(differentiate(text, "x").before, at_kink=at_kink)
    tree = differentiate(formula, "x")
    derived = symbolic.from_sympy(sympy.diff(symbolic.to_sympy(formula), symbolic.name_symbol("x")))
    assert value_at(derived, {"x": Fraction(0)}) == value_at(tree.after, {"x": Fraction(0)})
    assert value_at(derived, {"x": Fraction(0)}) == value_at(steps(tree)[-1].formula, {"x": Fraction(0)})


def test_derivative_of_a_step_is_zero_beside_its_jump() -> None:
    """A derivative with steps in it is differentiated again: each piece on its own."""
    once = differentiate("max(0, x)*max(0, x)", "x")
    twice = differentiate(once.after, "x")
    assert {Rule.PIECEWISE, Rule.MAXIMUM} <= {node.rule for node in twice.walk()}
    assert [2, 0] == [value_at(twice.after, {"x": Fraction(sign)}) for sign in (1, -1)]
    assert Rule.STEP is differentiate(Apply("step", (X,)), "x").rule


def test_maximum_of_several_is_nested() -> None:
    """The largest of three: the derivative is 1 where the variable is the largest."""
    tree = differentiate(Apply("max", (Name("y"), X, Name("w"))), "x")
    assert_right(tree)


def test_sigmoid_is_derived_line_by_line() -> None:
    """The lines of the logistic function's derivative, with the rule of each, are those of a blackboard."""
    lines = steps(differentiate("1/(1 + exp(-z))", "z"))
    z, minus_z = Name("z"), Negative(Name("z"))
    grown = Apply("exp", (minus_z,))
    square = Power(Sum((ONE, grown)), Number(Fraction(2)))
    expected = [
        (Rule.RECIPROCAL, True, Negative(Quotient(Derivative(Sum((ONE, grown)), z), square))),
        (Rule.SUM, False, Negative(Quotient(Derivative(grown, z), square))),
        (Rule.EXPONENTIAL, True, Negative(Quotient(Product((grown, Derivative(minus_z, z))), square))),
        (Rule.CONSTANT_MULTIPLE, False, Negative(Quotient(Negative(grown), square))),
        (Rule.COLLECT, False, Quotient(grown, square)),
    ]
    assert expected == [(line.rule, line.is_chain, line.formula) for line in lines]


WRITTEN = {
    "x*x": "2*x",
    "x**-2": "-2/x**3",
    "1/2*(x - y)**2": "x - y",
    "(x - y)**2/2": "x - y",
    "x*ln(x)": "ln(x) + 1",
    "sqrt(1 + x**2)": "x/sqrt(1 + x**2)",
    "-x/3": "-1/3",
    "x**x": "x**x*(ln(x) + 1)",
    "n*x**(n - 1)": "n*(n - 1)*x**(n - 2)",
    "x*exp(-x)": "exp(-x) - x*exp(-x)",
    "tanh(2*x)": "2*(1 - tanh(2*x)**2)",
    "exp(w*x)": "w*exp(w*x)",
    "-(y*ln(x) + (1 - y)*ln(1 - x))": "-(y/x - (1 - y)/(1 - x))",
    "(2*x)**3": "24*x**2",
    "3": "0",
    "exp(x) - 1 - y": "exp(x)",
    "1 - tanh(x)": "-(1 - tanh(x)**2)",
}


@pytest.mark.parametrize(("text", "written"), WRITTEN.items())
def test_finished_derivative_is_written_as_by_hand(text: str, written: str) -> None:
    """The last line is the formula that a teacher would leave standing."""
    expected = differentiate(f"{written} + x", "x").before
    assert isinstance(expected, Sum)
    *terms, _ = expected.terms
    assert collected(Sum(tuple(terms))) == steps(differentiate(text, "x"))[-1].formula


def test_every_rule_has_a_phrase() -> None:
    """The table `rule` of every language has one phrase for each rule, and no other."""
    for code in each(language.available()):
        keys = {key.removeprefix("rule.") for key in language.phrases(code) if key.startswith("rule.")}
        assert {rule.value for rule in Rule} == keys


def test_every_rule_is_reached() -> None:
    """No rule of the list is dead: the table of texts, and a step, use all of them."""
    trees = [differentiate(text, "x") for text in TEXTS]
    trees += [differentiate(Product((Apply("step", (X,)), X)), "x"), differentiate(Apply("step", (X,)), "x")]
    trees += [differentiate("f(x)", "x"), differentiate("x*y = 1", "x")]
    used = {node.rule for tree in trees for node in tree.walk()} | {line.rule for tree in trees for line in steps(tree)}
    assert set(Rule) == used


def test_variable_may_be_a_name_or_a_symbol() -> None:
    """A text, a SymPy symbol with any assumptions and a name of a formula mean the same variable."""
    expected = differentiate("x**2", "x")
    assert expected == differentiate("x**2", sympy.Symbol("x", positive=True)) == differentiate("x**2", X)


def test_other_quantities_of_a_formula_are_constants() -> None:
    """Slots, adjoints and the same name in another sample do not depend on the variable."""
    for other in (Slot(0), Adjoint("x"), Name("x", 2)):
        assert other == differentiate(Product((other, X)), "x").after


def test_tree_is_the_same_each_time() -> None:
    """Differentiating twice gives equal trees and equal lines."""
    assert differentiate("x*gelu(x)", "x") == differentiate("x*gelu(x)", "x")
    assert steps(differentiate("x*gelu(x)", "x")) == steps(differentiate("x*gelu(x)", "x"))


x, y = sympy.symbols("x y", real=True)
positive = sympy.Symbol("x", positive=True)
SYMPY = {
    "sum": 3 * x**2 - y * x + 5,
    "logistic": 1 / (1 + sympy.exp(-x)),
    "power": x**x * sympy.sqrt(1 + x**2),
    "functions": sympy.sin(x) * sympy.cos(y * x) + sympy.tan(x / 5) - sympy.tanh(x) * sympy.erf(x) + sympy.log(7 + x),
    "kinks": sympy.Max(0, x, y) * sympy.Min(x, 2) + sympy.Abs(x - y),
    "signs": x * sympy.sign(x - y) + sympy.Heaviside(x) * x**2,
    "pieces": sympy.Piecewise((x**2, x > y), (sympy.sin(x), x <= -1), (x * y, 2 > x), (5 * x, True)),
    "decimals": 0.25 * x**2 + sympy.Float("1e-3") * x,
    "constants": sympy.pi * x / sympy.sqrt(2),
    "positive": positive**2 * sympy.log(positive),
    "complex": sympy.Symbol("x") ** 2 * y,
}


@pytest.mark.parametrize("name", list(SYMPY))
def test_derivative_of_a_sympy_expression_is_that_of_sympy(name: str) -> None:
    """A SymPy expression, its own Max, Abs, Heaviside, sign and Piecewise too, has the derivative that SymPy gives."""
    expression = SYMPY[name]
    (variable,) = (symbol for symbol in expression.free_symbols if symbol.name == "x")
    tree = differentiate(expression, variable)
    derived = sympy.diff(expression, variable)
    for point in each(points_for(tree.before)):
        numbers = {symbol: symbolic.rational(point[symbol.name]) for symbol in expression.free_symbols}
        value = sympy.N(sympy.nsimplify(derived, rational=True).subs(numbers), 60)
        assert_close(CONTEXT.mpf(str(value)), value_at(tree.after, point), tree)
        assert_close(CONTEXT.mpf(str(value)), value_at(steps(tree)[-1].formula, point), tree)


def test_sympy_names_are_only_names() -> None:
    """A symbol may be called like a slot or like a function."""
    expression = sympy.Symbol("slot1") * sympy.Symbol("slots") + sympy.Symbol("exp")
    assert Name("slots") == differentiate(expression, "slot1").after


REFUSED_TEXTS = {
    "unknown function": ("gamma(x)", 'unknown function "gamma"'),
    "array function": ("sum(x)", 'unknown function "sum"'),
    "vector activation": ("softmax(x)", 'unknown function "softmax"'),
    "operator": ("x @ y", 'expected an operator, found "@"'),
    "end": ("x +", "expected a number"),
    "code": ("__import__('os')", 'unknown function "__import__"'),
    "text": ("x*'os'", "expected a number"),
    "arguments": ("max(x)", "max takes 2"),
    "nothing": ("", "expected a number"),
    "depth": ("(" * 80 + "x" + ")" * 80, "nests at most"),
    "size": ("gelu(" * 30 + "x" + ")" * 30, "at most 4000 parts"),
}


@pytest.mark.parametrize(("text", "what"), REFUSED_TEXTS.values(), ids=REFUSED_TEXTS)
def test_text_that_is_no_scalar_expression_is_refused(text: str, what: str) -> None:
    """A mistake in a text is named; nothing is returned as it came."""
    with pytest.raises(ExpressionError, match=what):
        differentiate(text, "x")


@pytest.mark.parametrize("variable", ["", "2x", "x + 1", "exp", "pi", "x y"])
def test_variable_that_is_no_name_is_refused(variable: str) -> None:
    """A variable is a word, and no word of the language."""
    with pytest.raises(ExpressionError, match="cannot name a quantity"):
        differentiate("x", variable)


def test_formula_without_a_rule_is_refused() -> None:
    """Arrays and functions that are none raise, also where the variable does not occur in them."""
    with pytest.raises(TypeError, match="not MatrixProduct"):
        differentiate(Sum((X, MatrixProduct(Name("W"), Name("v")))), "x")
    with pytest.raises(UnknownNameError, match='unknown function "mean"'):
        differentiate(Sum((X, Apply("mean", (Name("v"),)))), "x")
    with pytest.raises(TypeError, match="not Derivative"):
        differentiate(Derivative(X, X), "x")
    deep = functools.reduce(lambda node, _: Negative(Sum((ONE, node))), range(80), X)
    with pytest.raises(ExpressionError, match="nests at most"):
        differentiate(deep, "x")


REFUSED_SYMPY = {
    "gamma": sympy.gamma(x),
    "f": sympy.Function("f")(x, y),
    "Derivative": sympy.Derivative(sympy.Function("f")(x, y), x),
    "A is none": sympy.MatrixSymbol("A", 2, 2),
    "two different symbols": x * positive,
    "last piece": sympy.Piecewise((x, x > 0)),
    "condition": sympy.Piecewise((x, (x > 0) & (x < 1)), (1, True)),
    "Heaviside": sympy.Heaviside(x, y),
}


@pytest.mark.parametrize(("what", "expression"), REFUSED_SYMPY.items(), ids=REFUSED_SYMPY)
def test_sympy_expression_without_a_rule_is_refused(what: str, expression: sympy.Expr) -> None:
    """What SymPy knows and the table does not raises, by name."""
    with pytest.raises(TypeError, match=what):
        differentiate(expression, "x")


@pytest.mark.parametrize("expression", [sympy.I * x, sympy.Add(x, sympy.oo, evaluate=False)])
def test_sympy_expression_that_is_not_real_is_refused(expression: sympy.Expr) -> None:
    """An imaginary or an infinite part has no formula."""
    with pytest.raises(EvaluationError, match="not a finite real number"):
        differentiate(expression, "x")


@pytest.mark.parametrize("expression", [3, None, b"x", ["x"], sympy.Matrix([x]), x > 0])
def test_anything_else_is_refused(expression: object) -> None:
    """Only texts, formulas and SymPy expressions can be differentiated, by names and symbols."""
    with pytest.raises(TypeError, match="was expected, not"):
        differentiate(expression, "x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a variable is a name"):
        differentiate("x", expression)  # type: ignore[arg-type]
