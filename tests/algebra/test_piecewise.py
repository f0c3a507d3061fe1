"""Formulas as they are handed to users: every SymPy printer and every library that it prints for knows them."""

from __future__ import annotations

import contextlib
import importlib.util
import math
import multiprocessing
import pickle
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from multiprocessing.pool import Pool
from typing import Any

import pytest
import sympy
from sympy.printing.smtlib import smtlib_code

import symbackprop as sbp
from symbackprop.algebra.branches import WHERE
from symbackprop.algebra.forms import form_of
from symbackprop.algebra.formula import Apply, Name, Node, Number, Slot, fill
from symbackprop.algebra.functions import ACTIVATIONS, PRIMITIVES
from symbackprop.algebra.piecewise import to_plain_sympy
from symbackprop.arithmetic import exact
from tests.helpers import each, few, only, require_module

AT_KINK = (Fraction(0), Fraction(1), Fraction(1, 3))
POINTS = (Fraction(-2), Fraction(0), Fraction(1, 2))
X, Y = sympy.symbols("x y", real=True)


def with_a_kink() -> dict[str, Node]:
    """Return what has a kink, over x (and y): primitives, activations, with every value stated there."""
    found: dict[str, Node] = {}
    for share in AT_KINK:
        for row in PRIMITIVES.values():
            if row.kinked and row.name != WHERE:
                arguments = (Name("x"), Name("y"))[: row.arity]
                found[f"{row.name} {share}"] = Apply(row.name, arguments, share)
        found[f"step {share}"] = Apply("step", (Name("x"),), share)
        found[f"max of three {share}"] = Apply("max", (Name("x"), Number(Fraction(0)), Name("y")), share)
        for row in ACTIVATIONS.values():
            if row.expression and form_of(Apply(row.name, (Slot(0),))).kinks:
                found[f"{row.name} {share}"] = Apply(row.name, (Name("x"),), share)
    return found


KINKED = with_a_kink()
QUICK = only(KINKED, *(name for name in KINKED if not name.startswith("max of three")))


def and_partials(name: str) -> list[Node]:
    """Return a formula with a kink, and its partials as a derivation has them."""
    formula = KINKED[name]
    if name.startswith("step"):
        return [formula]
    opened = Apply(formula.function, tuple(map(Slot, range(len(formula.arguments)))), formula.at_kink)
    form = form_of(opened)
    return [formula, *(fill(form.partial(slot).plain, formula.arguments) for slot in range(form.arity))]


def numbers(node: Node) -> list[tuple[dict[str, Fraction], float]]:
    """Return the values of a formula by our own arithmetic, at points on both sides of its kinks and on them."""
    found = []
    for x in POINTS:
        for y in POINTS:
            at = {"x": x, "y": y}
            value = exact.evaluate(node, lambda part, at=at: at[part.name] if isinstance(part, Name) else None)
            found.append((at, float(value)))
    return found


@pytest.mark.parametrize("name", QUICK)
def test_plain_expression_has_our_values(name: str) -> None:
    """Numbers put into an expression are worked out at once, at the kink too; evalf, doit and rewrite change nothing."""
    for node in each(and_partials(name)):
        expression = to_plain_sympy(node)
        for at, expected in each(numbers(node), len(POINTS) ** 2):
            found = expression.subs({X: sympy.Rational(at["x"]), Y: sympy.Rational(at["y"])})
            assert math.isclose(expected, float(found), rel_tol=1e-12, abs_tol=1e-15), (node, at)
        for other in (expression.evalf(), expression.doit(), expression.rewrite(sympy.Piecewise)):
            assert expression.subs({X: 2, Y: 3}).equals(other.subs({X: 2, Y: 3}))


@pytest.mark.parametrize("name", [name for name in KINKED if not name.startswith(("step", "max", "min"))])
def test_sympy_differentiates_a_value_as_we_do(name: str) -> None:
    """The derivative that SymPy takes of an expression of one variable has our value at the kink."""
    value, partial = and_partials(name)
    derivative = sympy.diff(to_plain_sympy(value), X)
    for at, expected in each(numbers(partial), len(POINTS)):
        assert math.isclose(expected, float(derivative.subs(X, sympy.Rational(at["x"]))), abs_tol=1e-12), (name, at)


MODULES: dict[str, tuple[str, Callable[[float], Any]]] = {
    "math": ("math", float),
    "mpmath": ("mpmath", float),
    "numpy": ("numpy", lambda number: require_module("numpy").array([number])),
    "scipy": ("scipy", lambda number: require_module("numpy").array([number])),
    "jax": ("jax", lambda number: require_module("jax").numpy.array([number])),
    "torch": ("torch", lambda number: require_module("torch").tensor([number], dtype=require_module("torch").float64)),
}


@pytest.fixture(scope="module")
def process() -> Iterator[Pool]:
    """A process of its own: where JAX has run, its threads make every later fork of a process a gamble."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        yield pool


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("name", few(KINKED, 3))
def test_lambdified_expression_has_our_values(name: str, module: str, process: Pool) -> None:
    """What `sympy.lambdify` makes runs on every library, and gives our numbers."""
    if module == "jax" and importlib.util.find_spec(module) is not None:
        process.apply_async(look, (name, module)).get(timeout=300)
        assert "jax" not in sys.modules
    else:
        look(name, module)


def look(name: str, module: str) -> None:
    """Compare what `sympy.lambdify` makes of a formula and its partials with our numbers."""
    library, number = MODULES[module]
    require_module(library)
    every = 2 if library == "jax" else 1  # it is slow; the corners and the point at both kinks are left
    for node in each(and_partials(name)):
        function = sympy.lambdify([X, Y], to_plain_sympy(node), library)
        for at, expected in each(numbers(node)[::every], 5):
            found = function(number(float(at["x"])), number(float(at["y"])))
            with contextlib.suppress(TypeError):
                (found,) = found
            assert math.isclose(expected, float(found), rel_tol=1e-6, abs_tol=1e-12), (node, at)


PRINTERS: dict[str, Callable[[sympy.Expr], str]] = {
    "fcode": lambda expression: sympy.fcode(expression, standard=95),  # Fortran 77 has no conditional expression
    "smtlib_code": lambda expression: smtlib_code(expression, log_warn=lambda text: None),
    **{
        name: getattr(sympy, name)
        for name in (
            "ccode", "cxxcode", "glsl_code", "jscode", "julia_code", "latex", "maple_code",
            "mathml", "octave_code", "pretty", "pycode", "rcode", "rust_code", "srepr", "sstr",
        )
    },
}  # fmt: skip
"""SymPy's printers, but for Mathematica's: that one writes no `Piecewise` at all."""

OURS = ("Step", "Maximum", "Minimum", "Absolute")
NO_EXPONENTIAL = ("smtlib_code",)
"""Languages in which SymPy cannot write exp."""


@pytest.mark.parametrize("printer", PRINTERS)
def test_every_printer_prints_what_has_a_kink(printer: str) -> None:
    """No printer of SymPy's meets a function that it does not know."""
    for name in each(KINKED):
        # In two dimensions SymPy takes minutes for the partials of a maximum of three, fractions of pieces of pieces.
        for node in each(and_partials(name)[: 1 if "three" in name else None]):
            expression = to_plain_sympy(node)
            if printer in NO_EXPONENTIAL and expression.has(sympy.exp):
                continue
            text = PRINTERS[printer](expression)
            assert text
            assert not any(word in text for word in (*OURS, "Not supported", "not supported")), text


@pytest.mark.parametrize("name", QUICK)
def test_expression_survives_text_and_pickle(name: str) -> None:
    """`sympify` reads `srepr` back, and a pickle is the same expression."""
    for node in each(and_partials(name)):
        expression = to_plain_sympy(node)
        assert expression == sympy.sympify(sympy.srepr(expression))
        assert expression == pickle.loads(pickle.dumps(expression))


@pytest.mark.parametrize("text", ["abs(x)", "max(x, 0)", "min(x, y)", "relu(x)*x", "elu(x**2 - 1)"])
def test_derivative_handed_out_has_no_function_of_ours(text: str) -> None:
    """`differentiate(...).expression` is made of SymPy's own functions, and is differentiated again like any other."""
    tree = sbp.differentiate(text, "x")
    assert not any(
        type(part).__module__.startswith("symbackprop") for part in sympy.preorder_traversal(tree.expression)
    )
    again = sbp.differentiate(tree.expression, "x")
    difference = again.expression - sympy.diff(tree.expression, X)
    assert abs(float(difference.subs({X: Fraction(13, 7), Y: 1}))) < 1e-12
