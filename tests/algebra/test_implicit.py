"""Implicit equations and unknown functions: what is left of them when a function is put in is what SymPy derives."""

from __future__ import annotations

import json

import pytest
import sympy

import symbackprop as sbp
from symbackprop.algebra.differentiation import Derivative, Differentiation, EqualSides, Rule, implicit, steps
from symbackprop.algebra.differentiation.tidying import lowest_terms
from symbackprop.algebra.formula import Name, Node, UnknownFunction, walk
from symbackprop.algebra.piecewise import to_plain_sympy
from symbackprop.errors import ExpressionError
from tests.helpers import each

X, Y, A = (sympy.Symbol(name, real=True) for name in "xya")
POINTS = [{X: sympy.Rational(3, 7), A: sympy.Rational(5, 3)}, {X: sympy.Rational(11, 6), A: sympy.Rational(1, 4)}]
FUNCTIONS = {"f": lambda u: sympy.exp(u) + u**3, "g": lambda u: sympy.sin(u) + 2 + u, "h1": lambda u: u**2 + 1}

UNKNOWN = [
    "f(x)",
    "f(x)*g(x)",
    "f(g(x))",
    "f(g(h1(x)))",
    "x*f(x**2)",
    "f(2*x)/g(x)",
    "sqrt(f(x) + 10)",
    "exp(f(x))*a",
    "f(a)*x",
    "f(x)**2",
    "2**f(x)",
    "f(x)**x",
    "sigmoid(f(x))",
    "max(f(x), x)",
    "where(g(x) > 1, f(x), x)",
    "f(x)*g(x)*h1(x)",
    "f(x) + f(a*x) + f(f(x))",
]


def put_in(formula: Node) -> sympy.Expr:
    """Return a formula in SymPy with functions in place of the unknown ones, and its open derivatives taken."""

    def leaf(part: Node) -> sympy.Expr | None:
        if isinstance(part, Derivative):
            return sympy.diff(put_in(part.operand), put_in(part.variable))
        if isinstance(part, UnknownFunction):
            place = sympy.Dummy(real=True)
            return sympy.diff(FUNCTIONS[part.name](place), place, part.order).subs(place, put_in(part.argument))
        return None

    return to_plain_sympy(formula, leaf)


def close(left: sympy.Expr, right: sympy.Expr, known: dict[sympy.Symbol, sympy.Expr]) -> bool:
    """Say whether two expressions have one value at a point, to 30 digits."""
    difference = (left - right).subs(known).evalf(50)
    return bool(abs(difference) < sympy.Float("1e-30"))


@pytest.mark.parametrize("text", UNKNOWN)
def test_derivative_over_unknown_functions_holds_for_any(text: str) -> None:
    """Every line is the derivative when functions are put in for the letters; the last has no derivative left to do."""
    tree = sbp.differentiate(text, "x")
    expected = sympy.diff(put_in(tree.before), X)
    for line in each(steps(tree)):
        for point in each(POINTS):
            assert close(put_in(line.formula), expected, point), line
    assert not any(isinstance(part, Derivative) for part in walk(steps(tree)[-1].formula))
    assert any(isinstance(part, UnknownFunction) for part in walk(tree.after))


@pytest.mark.parametrize("text", [text for text in UNKNOWN if not text.startswith(("max", "where"))])
def test_expression_over_unknown_functions_is_that_of_sympy(text: str) -> None:
    """SymPy has the same, over its own undefined functions, from a text and from its expression alike."""
    tree = sbp.differentiate(text, "x")
    expression = to_plain_sympy(tree.before)
    assert 0 == sympy.simplify(tree.expression - sympy.diff(expression, X))
    again = sbp.differentiate(expression, X).expression
    assert 0 == sympy.simplify(again - tree.expression)


def test_derivative_of_a_derivative_has_two_primes() -> None:
    """f′ is a function of which nothing is known, as f is; SymPy's derivatives are read as such."""
    first = sympy.Function("f")(X).diff(X)
    assert UnknownFunction("f", Name("x"), 2) == sbp.differentiate(first, X).after
    assert "f″(x)" in str(sbp.differentiate(first, X)) or "f′′(x)" in str(sbp.differentiate(first, X))


EQUATIONS = [
    ("x**2 + y**2 = 25", "-x/y"),
    ("x**3 + y**3 = 6*x*y", "(2*y - x**2)/(y**2 - 2*x)"),
    ("x*y = 1", "-y/x"),
    ("y = sin(x)", "cos(x)"),
    ("sin(x) = y", "cos(x)"),
    ("sin(x*y) = x + y", "(1 - y*cos(x*y))/(x*cos(x*y) - 1)"),
    ("exp(y)*x = y**2 + a*x", "(exp(y) - a)/(2*y - x*exp(y))"),
    ("1/x + 1/y = 1", "-y**2/x**2"),
    ("sqrt(x + y) = 1 + x**2*y**2", "(4*x*y**2*sqrt(x + y) - 1)/(1 - 4*x**2*y*sqrt(x + y))"),
    ("y**y = x", "1/((ln(y) + 1)*y**y)"),
    ("where(x > 100, y, y**2) = x", "1/(2*y)"),
    ("(x + y)*(x - y) = a/y", "2*x*y**2/(2*y**3 - a)"),
    ("sigmoid(y) = x/5", "(1 + exp(-y))**2/(5*exp(-y))"),
]


@pytest.mark.parametrize(("text", "written"), EQUATIONS)
def test_implicit_derivative_is_that_of_sympy(text: str, written: str) -> None:
    """dy/dx is SymPy's −(∂F/∂x)/(∂F/∂y), and what stands in books."""
    tree = sbp.differentiate(text, "x")
    assert isinstance(tree.before, EqualSides) and Rule.IMPLICIT is tree.rule
    left, right = map(to_plain_sympy, tree.before)
    expected = sympy.idiff(left - right, Y, X)
    book = sympy.sympify(written, {"x": X, "y": Y, "a": A})
    for point in each(POINTS):
        at = {**point, Y: sympy.Rational(9, 5)}
        assert close(tree.expression, expected, at)
        assert close(tree.expression, book, at)
    assert not tree.expression.atoms(sympy.Derivative)


@pytest.mark.parametrize("text", [text for text, _ in EQUATIONS])
def test_lines_of_an_implicit_derivative_are_true(text: str) -> None:
    """The lines of each side are its derivative with y a function of x; those behind hold for the dy/dx that was found."""
    tree = sbp.differentiate(text, "x")
    own = sympy.Function("own")(X)

    def of_x(formula: Node) -> sympy.Expr:
        def leaf(part: Node) -> sympy.Expr | None:
            if isinstance(part, UnknownFunction):
                return own.diff((X, part.order)) if part.order else own
            return sympy.diff(of_x(part.operand), X) if isinstance(part, Derivative) else None

        return to_plain_sympy(formula, leaf)

    def at(expression: sympy.Expr, point: dict[sympy.Symbol, sympy.Expr]) -> sympy.Expr:
        height = sympy.Rational(9, 5)
        known = {**point, own.diff(X): tree.expression.subs({Y: height, **point})}
        return expression.subs(own.diff(X), known[own.diff(X)]).subs(own, height).subs(point)

    children: tuple[Differentiation, ...] = tree.children
    for side, child in zip(tree.before, children, strict=True):
        for line in each(steps(child)):
            for point in each(POINTS):
                assert close(at(of_x(line.formula), point), at(sympy.diff(of_x(side), X), point), {}), line
    equal, *found = [line for line in steps(tree) if line.rule in (Rule.EQUAL_SIDES, Rule.SOLVED)]
    for point in each(POINTS):
        assert isinstance(equal.formula, EqualSides)
        assert close(at(of_x(equal.formula.left), point), at(of_x(equal.formula.right), point), {})
        assert all(close(at(of_x(line.formula), point), at(of_x(tree.after), point), {}) for line in found)


def test_function_of_x_may_be_written_out_or_named() -> None:
    """y(x), SymPy's `Eq`, and another letter that is said to depend on x."""
    expected = sbp.differentiate("x**2 + y**2 = 25", "x")
    assert expected == sbp.differentiate("x**2 + y(x)**2 = 25", "x")
    own = sympy.Function("y")(X)
    assert expected.expression == sbp.differentiate(sympy.Eq(X**2 + own**2, 25), X).expression
    assert expected.expression == sbp.differentiate(sympy.Eq(X**2 + Y**2, 25), "x").expression
    assert "da/dx" in str(sbp.differentiate("x**2 + a**2 = y", "x", "a"))
    assert "du/dx" in str(sbp.differentiate("x**2 + u**2 = 25", "x"))


@pytest.mark.parametrize(
    ("text", "dependent", "match"),
    [
        ("x*a = b + x", None, "what depends on x"),
        ("x = 5", None, "what depends on x"),
        ("x*y = x*y", None, "falls out"),
        ("x*y = 1", "z", "falls out"),
        ("x = y = 2", None, 'found "="'),
        ("x*y == 1", None, "no comparison"),
        ("x*y = ", None, "the end"),
        ("x(x + 1)", None, r"a product is written x\*"),
        ("f(x)*f", None, "stands here alone"),
        ("sine(x)", None, "sin"),
        ("f(x, a)", None, "takes 1"),
    ],
)
def test_mistake_is_named(text: str, dependent: str | None, match: str) -> None:
    """What nothing can be made of is one message, with a caret where there is a place."""
    with pytest.raises(ExpressionError, match=match):
        sbp.differentiate(text, "x", dependent)


def test_equation_is_shown_from_its_sides_to_the_derivative() -> None:
    """`print`, a notebook and the data have the lines of each side, the equation between them, and dy/dx."""
    tree = sbp.differentiate("x**2 + y**2 = 25", "x")
    lines = [line.strip() for line in str(tree).splitlines()]
    assert "2 x + 2 y dy/dx = 0  (both sides have the same derivative)" in lines
    assert lines[-1].startswith("= −x/y")
    assert tree._repr_markdown_().count(r"\text{(") == len(tree.steps)
    found = json.loads(sbp.render(tree, "json"))
    assert ("x**2 + y**2 = 25", "-x/y") == (found["expression"], found["derivative"])
    assert "dy/dx = −x/y" == found["steps"][-1]["formula"]
    assert len(found["steps"]) == len(tree.steps)


def test_fraction_is_put_in_lowest_terms() -> None:
    """A number that all terms have in common is gone; others stay."""
    tree = sbp.differentiate("x**3 + y**3 = 6*x*y", "x")
    assert "(2 y − x²)/(y² − 2 x)" in str(tree)
    assert Name("x") == lowest_terms(Name("x"))
    sides = implicit.with_dependent(EqualSides(Name("x"), Name("y")), Name("x"), None)
    assert UnknownFunction("y", Name("x"), 1, implied=True) == implicit.slope(sides)
