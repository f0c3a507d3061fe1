"""Comparisons and `where`: one branch is chosen, only it needs a value, and the comparison carries no gradient."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import sympy

import symbackprop as sbp
from symbackprop import document
from symbackprop.algebra import branches, expressions
from symbackprop.algebra.branches import SIGNS, WHERE, Comparison, choice_of, comparison_of, step_of
from symbackprop.algebra.differentiation import Rule, differentiate
from symbackprop.algebra.forms import form_of
from symbackprop.algebra.formula import ONE, ZERO, Apply, Name, Negative, Node, Number, Product, Slot, Sum
from symbackprop.algebra.functions import NAMES, has_branches, has_step
from symbackprop.arithmetic import exact
from symbackprop.arithmetic.cancellation import is_tie
from symbackprop.arithmetic.python_code import factored
from symbackprop.errors import ProblemError
from symbackprop.evaluation.checks import Verdict
from symbackprop.evaluation.evaluate import evaluate
from symbackprop.scripts import script
from tests.document.test_truth import assert_true, written
from tests.helpers import each, require_module
from tests.oracle import truth
from tests.test_one_meaning import assert_one_meaning

X, Y = Name("x"), Name("y")


def read(text: str) -> Node:
    """Return a text over x and y as a formula."""
    return expressions.parse(text, functions=NAMES, names=("x", "y"))


def graph(equations: list[str], parameters: dict[str, Any], inputs: dict[str, Any] | None = None) -> sbp.Problem:
    """Return a graph whose output is L, with two updates."""
    model = {"parameters": parameters, "inputs": inputs or {}, "equations": equations, "output": "L"}
    return sbp.problem({"graph": model, "training": {"learning_rate": 0.01, "steps": 2}})


@pytest.mark.parametrize("right", [ZERO, Y, Number(Fraction(-1)), Sum((Y, ONE))])
@pytest.mark.parametrize("sign", SIGNS)
def test_comparison_is_read_as_it_was_written(sign: str, right: Node) -> None:
    """A step says which comparison it is, holds where that does, and its opposite elsewhere."""
    comparison = Comparison(X, sign, right)
    assert comparison == comparison_of(step_of(comparison)) == comparison.opposite.opposite
    for x in each((-2, -1, 0, 1, 2)):
        at = {"x": Fraction(x), "y": Fraction(1)}
        values = [
            exact.evaluate(node, lambda part, at=at: at[part.name] if isinstance(part, Name) else None)
            for node in (step_of(comparison), step_of(comparison.opposite), X, right)
        ]
        assert values[0] + values[1] == 1
        assert bool(values[0]) == eval(f"{values[2]!r} {sign} {values[3]!r}", {"Fraction": Fraction})


@pytest.mark.parametrize(("text", "sign"), [("x≤y", "<="), ("x ≥ y", ">="), ("x ＜ y", "<"), ("(x > y)", ">")])
def test_signs_of_books_compare(text: str, sign: str) -> None:
    """A comparison may be written as on paper, and is a number where no branch is chosen by it."""
    assert step_of(Comparison(X, sign, Y)) == read(text)


def test_branches_are_taken_apart() -> None:
    """The parts of a choice, and what is always computed, outside conditions, or moved."""
    formula = read("where(x > 0, ln(x), y)")
    choice = choice_of(formula)
    assert choice is not None
    assert (step_of(Comparison(X, ">", ZERO)), Apply("ln", (X,)), Y) == tuple(choice)
    assert [X] == [part for part in branches.always_computed(formula) if isinstance(part, Name)]
    assert [X, Y] == [part for part in branches.outside_conditions(formula) if isinstance(part, Name)]
    assert [Y] == [part for part in branches.moving(read("(x > 0)*y")) if isinstance(part, Name)]
    assert has_branches(formula)
    assert not has_step(formula)
    assert choice_of(Apply(WHERE, (X, X, Y))) is None


def test_condition_is_not_moved() -> None:
    """No gradient goes to what is only compared: no link, no line, no factor of 0."""
    form = form_of(Apply(WHERE, (step_of(Comparison(Slot(0), "<", Slot(1))), Product((Slot(0), Slot(2))), Slot(2))))
    assert frozenset({1}) == form.unmoved
    derivation = sbp.derive(graph(["c = x*w", "y = where(c > x, w**2, w)", "L = y + (x >= 1)"], {"w": 2}, {"x": 1}))
    assert [(2, "y")] == [(link.slot or 2, link.source) for link in derivation.links["w"]]
    assert {"c", "x"}.isdisjoint(derivation.links)


@pytest.mark.parametrize(
    ("branch", "other", "is_kink"),
    [("x**2", "x**3", False), ("x", "2*x", True), ("1 + x", "x", True), ("ln(x)", "x", True), ("x", "x", False)],
)
def test_tie_is_a_kink_only_where_slopes_or_values_differ(branch: str, other: str, is_kink: bool) -> None:
    """At the edge the branch of the comparison holds; a check passes it over where there is no derivative."""
    problem = graph([f"L = x + where(x > 0, {branch}, {other})"], {"x": 0})
    (entry,) = sbp.check(problem).entries
    assert (Verdict.SKIPPED if is_kink else Verdict.AGREES) == entry.verdict
    assert is_kink == bool(sbp.solve(problem).steps[0].kinks)


CASES: dict[str, tuple[list[str], dict[str, Any], dict[str, Any]]] = {
    "no value elsewhere": (["y = where(w > 0, w*ln(w), 0)"], {"w": [2, -1, 3]}, {}),
    "no derivative elsewhere": (["y = where(w > 0, 1/w + sqrt(w), w)"], {"w": [2, 0, -3]}, {}),
    "an activation in a branch": (["y = where(w <= x, w*x, sigmoid(ln(w)))"], {"w": [2, -1, 3]}, {"x": [1, 2, 3]}),
    "branches in branches": (
        ["z = W @ x", "y = where(z >= 0, where(z < 1, z**2, 2*z - 1), -z)"],
        {"W": [[1, 2], [0.25, 0.5]]},
        {"x": [1, 1]},
    ),
    "comparisons as numbers": (["y = (w > x)*w + where(w < 1, 0, 0.5)"], {"w": [2, -1, 3]}, {"x": [1, 2, 3]}),
    "a condition for all": (["y = where(sum(w) > 0, w, ln(-sum(w)))"], {"w": [2, 0.5, -1.5]}, {}),
    "reductions in a branch": (["y = where(w > 0, sum(ln(w + 2))*w, w)"], {"w": [2, 0.5, -1.5]}, {}),
    "a long condition": ([f"y = where({'tanh(' * 10}w - 1{')' * 10} > 0, w*ln(w - 1), w)"], {"w": [2, 0.5]}, {}),
    "powers": (["y = where(w > 0, w**v, w)"], {"w": [2, 0.5, -3], "v": [1, 0.5, 0.5]}, {}),
}


@pytest.mark.parametrize("name", CASES)
def test_every_reader_chooses_the_same_branch(name: str) -> None:
    """Grains, compiled code, scripts, training and checks have one meaning; what is not chosen needs no value."""
    require_module("torch")
    equations, parameters, inputs = CASES[name]
    problem = graph([*equations, "L = sum(y)"], parameters, inputs)
    assert_one_meaning(problem)
    solution = sbp.solve(problem, steps=1)
    assert_true(truth.judged(solution, written(solution)))
    assert_true(truth.judged(solution, written(solution, "matrix")), 0.7)


@pytest.mark.parametrize("branch", [f"{'silu(' * 6}w{')' * 6}", f"{'sqrt(' * 14}w{')' * 14}"])
def test_long_branch_is_refused_with_what_to_write(branch: str) -> None:
    """Its pieces would be computed wherever the condition stands; by where(…, 0) they are pieces with values."""
    with pytest.raises(ProblemError, match=r"a branch of where is too long: .* where\(condition, part, 0\)"):
        sbp.derive(graph([f"L = where(w > 0, {branch}, w)"], {"w": 2}))
    whole = sbp.derive(graph([f"L = {branch}"], {"w": 2}))
    chosen = sbp.derive(graph([f"u = {branch}", "L = where(w > 0, u, w)"], {"w": 2}))
    assert evaluate(whole).gradient("w") == evaluate(chosen).gradient("w")


def test_torch_is_told_where_no_gradient_comes_from() -> None:
    """PyTorch alone would send NaN back from the branch that is not chosen."""
    problem = graph(["y = where(w > 0, ln(w), w)", "L = sum(y)"], {"w": [2, -1]})
    assert "torch.where(w > 0, w, (w).detach())" in script(problem, "torch")
    assert "np.errstate" in script(problem, "numpy")
    harmless = graph(["y = where(w > 0, w*w, w)", "L = sum(y)"], {"w": [2, -1]})
    assert "torch.where(w > 0, w*w, w)" in script(harmless, "torch")
    assert "np.errstate" not in script(harmless, "numpy")


def test_what_one_branch_needs_is_not_computed_before() -> None:
    """A call that occurs twice, but in branches alone, gets no name of its own."""
    logarithm = Apply("ln", (X,))
    formula = Apply(WHERE, (step_of(Comparison(X, ">", ZERO)), Product((logarithm, logarithm)), ZERO))
    ((before, whole),) = factored([formula], "e{}".format)
    assert ([], formula) == (before, whole)
    ((before, _),) = factored([Sum((formula, logarithm, Negative(logarithm)))], "e{}".format)
    assert [logarithm] == [inner for _, inner in before]


def test_sympy_has_a_piecewise() -> None:
    """A derivation hands out SymPy's own branches, with the comparison as it was written."""
    derivation = sbp.derive(graph(["L = where(x <= 1, x**2, 2*x - 1)"], {"x": 3}))
    x = sympy.Symbol("x", real=True)
    assert sympy.Piecewise((x**2, x <= 1), (2 * x - 1, True)) == derivation.closed_form("L")
    assert sympy.Piecewise((2 * x, x <= 1), (2, True)) == derivation.gradient_expression("x")


def test_steps_differentiate_each_piece() -> None:
    """The derivative of a choice is the choice of the derivatives; alike pieces are no choice."""
    tree = differentiate("where(x > 1, x**2, 3*x)", "x")
    assert Rule.PIECEWISE is tree.rule
    assert read("where(x > 1, 2*x, 3)") == tree.after
    assert ONE == differentiate("where(x > 1, x, x + 2)", "x").after
    x = sympy.Symbol("x", real=True)
    assert sympy.Piecewise((2 * x, x > 1), (3, True)) == tree.expression


def network(activation: object, loss: object) -> sbp.Problem:
    """Return a network of one unit with an activation and a loss."""
    content = {
        "network": {"inputs": 1, "layers": [{"units": 1, "activation": activation}], "loss": loss},
        "parameters": {"W1": [[2]], "b1": [1]},
        "data": {"x": [[1], [-1]], "y": [[2], [0]]},
        "training": {"learning_rate": 0.1, "steps": 2},
    }
    return sbp.problem(content)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_own_activation_and_own_loss_have_branches(language: str) -> None:
    """Expressions of the user's own choose as equations do, and documents say by what."""
    activation = {"expression": "where(z > 2, 2*z - 2, z*z/2)"}
    loss = {"expression": "sum(where(a > y, (a - y)**2, 3*(y - a)))"}
    problem = network(activation, loss)
    assert sbp.check(problem).agrees
    solution = sbp.solve(problem)
    assert_true(truth.judged(solution, written(solution, code=language), language))
    text = sbp.render(solution, "text", language=language)
    assert {"en": "this branch holds", "zh": "取这一支"}[language] in text
    assert {"en": "carry no gradient", "zh": "不传递梯度"}[language] in text
    assert document.compose(solution, ("full",), "full")


def test_a_number_rounded_by_name_ties_with_itself() -> None:
    """The largest of formulas is found again after its value has been rounded to the digits of a float."""
    real = exact.to_real(Fraction(1, 3))
    longer = real + real * exact.Real("1e-49")
    comparison = step_of(Comparison(Slot(0), ">=", Slot(1)))
    assert 1 == exact.evaluate(comparison, lambda part: (real, longer)[part.index] if isinstance(part, Slot) else None)
    assert 0 == exact.evaluate(
        comparison, lambda part: (real, real + 1)[part.index] if isinstance(part, Slot) else None
    )
    assert is_tie(real, longer)
