"""How lines are written where books agree: signs, roots, sums, activations of formulas, letters of optimizers, forks."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from fractions import Fraction

import pytest

import symbackprop as sbp
from symbackprop import document
from symbackprop.algebra.formula import (
    ONE,
    Adjoint,
    Apply,
    Name,
    Negative,
    Node,
    Product,
    Quotient,
    Sum,
    walk,
)
from symbackprop.catalog.optimizers import OPTIMIZERS
from symbackprop.document.blocks import Chain, Display, Document, Note, Relation
from symbackprop.document.chain_rule import chains, formulas, penalties
from symbackprop.document.display_nodes import Braced, Letter, Shown, Updated
from symbackprop.document.sections import composed_network
from symbackprop.graph.quantities import PENALTY
from symbackprop.problems.load import examples
from tests.documents import composed, dense, document_scene, sections_of, solved
from tests.helpers import each
from tests.oracle import truth


def graph(*equations: str, **parameters: object) -> sbp.Solution:
    """Return a solved graph of some equations, the last of which is L."""
    tables = {"parameters": parameters, "equations": list(equations), "output": "L"}
    return sbp.solve(sbp.problem({"graph": tables}))


def chains_of(content: Document) -> Iterator[Chain]:
    """Iterate over every chain of a document."""
    for section in sections_of(content.sections):
        for block in section.blocks:
            yield from block.chains if isinstance(block, Display) else ()


def texts(solution: sbp.Solution) -> str:
    """Return a document as plain text."""
    return str(sbp.render(solution, "text"))


@pytest.mark.parametrize(("activation", "written"), [("sigmoid", "σ"), ("softplus", "softplus"), ("silu", "SiLU")])
def test_activation_of_a_formula_goes_through_the_number_that_it_is_applied_to(activation: str, written: str) -> None:
    """σ(0.2 × 2 − 0.15) = σ(0.25) = 1/(1 + e^(−0.25)), as in a network, where z has a line of its own."""
    solution = graph(f"i = {activation}(w*2 + b)", "L = i**2", w="0.2", b="-0.15")
    steps = chains.forward(document_scene(solution), "i").steps
    applied = [step for step in steps if isinstance(step.formula, Apply) and step.formula.function == activation]
    assert len(applied) == 3
    assert isinstance(applied[-1].formula, Apply)
    (number,) = applied[-1].formula.arguments
    assert isinstance(number, Shown) and number.value == Fraction(1, 4)
    assert [step.relation for step in applied] == [Relation.EQUAL] * 3
    assert steps[-1].relation is Relation.ABOUT
    assert f"{written}(0.25) = " in texts(solution)


@pytest.mark.parametrize("name", examples())
def test_no_line_of_numbers_has_a_condition(name: str) -> None:
    """A kink is decided before numbers are put in."""
    lines = [list(walk(step.formula)) for chain in chains_of(composed(name)) for step in chain.steps]
    for parts in each([parts for parts in lines if any(isinstance(part, Shown) for part in parts)]):
        assert not any(isinstance(part, Apply) and part.function == "step" for part in parts)


def test_convolution_is_a_sum_over_indices() -> None:
    """No slice of a program stands in it: X with indices j, k + 1 times K, added over j and k."""
    latex = str(sbp.render(solved("convolution"), "latex"))
    assert r"X_{j,k+1} \, K_{j k}" in latex and r"X_{j+1,k+1} \, K_{j k}" in latex
    assert not re.search(r"\[\d:\d", latex)


C = [["1", "4", "2"], ["3", "0", "5"], ["-1", "6", "7"]]
"""A matrix without equal entries."""


@pytest.mark.parametrize("function", ["max", "min", "sum"])
@pytest.mark.parametrize("rows", list(itertools.combinations(range(4), 2)))
@pytest.mark.parametrize("columns", list(itertools.combinations(range(4), 2)))
def test_window_is_told_from_the_whole_array(function: str, rows: tuple[int, int], columns: tuple[int, int]) -> None:
    """What runs over a block says over which, and is true of its numbers."""
    window = f"C[{rows[0]}:{rows[1]}, {columns[0]}:{columns[1]}]"
    solution = graph(f"L = {function}({window})", C=C)
    text = sbp.render(solution, "latex")
    assert truth.TRUE in {verdict.outcome for verdict in truth.judged(solution, text)}
    assert [] == [verdict for verdict in truth.judged(solution, text) if verdict.outcome == truth.FALSE]
    size = (rows[1] - rows[0]) * (columns[1] - columns[0])
    if size > 1 and function != "sum":
        entries = ", ".join(f"C_{{{i + 1}{j + 1}}}" for i in range(*rows) for j in range(*columns))
        assert rf"\{function}({entries})" in text
        assert size == len(C) ** 2 or rf"\{function}_{{j,k}}" not in text


@pytest.mark.parametrize(("axis", "below"), [(0, r"S_{k j}"), (1, r"S_{i k}")])
@pytest.mark.parametrize("operation", ["max", "sum", "softmax"])
def test_what_runs_along_an_axis_is_true(operation: str, axis: int, below: str) -> None:
    """Along rows or columns a sum, a maximum and a softmax are read as what they are; a softmax has its entry."""
    solution = graph(f"A = {operation}(S, axis={axis})", "L = sum(A*A)", S=C)
    for detail in ("full", "matrix"):
        text = sbp.render(solution, "latex", detail=detail)
        assert [] == [each for each in truth.judged(solution, text) if each.outcome == truth.FALSE]
        assert (f"e^{{{below}}}" in text) == (operation == "softmax")


@pytest.mark.parametrize(("equation", "value"), [("w + 3", "1"), ("2*w", "2"), ("-w", "-1"), ("w/3", "")])
def test_derivative_that_is_a_number_stands_once(equation: str, value: str) -> None:
    """∂L/∂w = 1 is no chain of two equal numbers; of 1/3 the decimal follows."""
    solution = graph(f"L = {equation}", w="0.7")
    chain = chains.gradient(document_scene(solution), "w")
    assert len(chain.steps) == (1 if value else 2)


@pytest.mark.parametrize("decay", ["0", "0.01"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_states_of_an_optimizer_have_their_parameter_below_them(optimizer: str, decay: str) -> None:
    """Where an update has several lines, the first names the gradient g, and no two parameters share a letter."""
    overrides = [("training.optimizer", optimizer), ("training.weight_decay", decay)]
    solution = sbp.solve(sbp.example("mazur", overrides))
    lefts = [chain.left for chain in chains_of(document.compose(solution, ("full",))) if is_of_update(chain)]
    letters = [left.symbol for left in lefts if isinstance(left, Letter)]
    assert len(set(lefts)) == len(lefts) >= 8
    is_plain = optimizer == "gradient_descent" and decay == "0"
    assert any(letter.base == "g" and not letter.accent for letter in letters) is not is_plain


def is_of_update(chain: Chain) -> bool:
    """Say whether a chain is a line of an update: of a letter, or of a parameter's new value."""
    return isinstance(chain.left, Letter | Updated)


def test_sequential_update_has_no_letter_for_what_is_no_gradient() -> None:
    """Behind new weights stands g̃ with its parameter below it, and g, which is the gradient, nowhere."""
    overrides = [("training.update", "sequential"), ("training.weight_decay", "0.1")]
    solution = sbp.solve(sbp.example("mazur", overrides))
    lefts = [chain.left for chain in chains_of(document.compose(solution, ("full",))) if isinstance(chain.left, Letter)]
    for left in each(lefts):
        assert (left.symbol.base, left.symbol.accent) == ("g", "tilde")


def test_gradient_has_no_factor_for_a_part_of_the_loss() -> None:
    """Between arrays the loss of the data and the penalty stand with their numbers: 1 is left out, 1/m is there."""
    solution = sbp.solve(sbp.example("mazur", [("regularization.l2", "0.1")]))
    of_weights = [chain for chain in chains_of(document.compose(solution, ("full", "matrix"))) if chain.name == "W1"]
    for formula in each([step.formula for chain in of_weights for step in chain.steps]):
        assert not any(isinstance(part, Adjoint) and part.name == PENALTY for part in walk(formula))


PENALTIES = {
    "squares": ([("l2", "0.1")], r"\frac{\lambda}{2} (", r"\lambda \, w_1"),
    "plain": ([("l2", "0.1"), ("form", "plain")], r"\Omega &= \lambda (", r"2 \, \lambda \, w_1"),
    "sizes": ([("l1", "1/3")], r"\Omega &= \lambda (", r"\lambda (\mathbf{1}"),
    "both": ([("l2", "0.1"), ("l1", "0.1")], r"\frac{\lambda_2}{2} (", r"\lambda_1 (\mathbf{1}"),
}


@pytest.mark.parametrize(("keys", "whole", "partial"), PENALTIES.values(), ids=PENALTIES)
def test_strength_of_a_penalty_has_a_letter(keys: list[tuple[str, str]], whole: str, partial: str) -> None:
    """Ω = λ/2 (w₁² + …) with the sum written once, ∂Ω/∂w = λw; all that is printed is true."""
    solution = sbp.solve(sbp.example("mazur", [(f"regularization.{key}", value) for key, value in keys]))
    for detail in ("full", "matrix"):
        latex = str(sbp.render(solution, "latex", detail=detail))
        verdicts = truth.judged(solution, latex)
        assert [verdict for verdict in verdicts if verdict.outcome == truth.FALSE] == [] != verdicts
        assert detail == "matrix" or (whole in latex and partial in latex)


def test_penalty_without_a_letter_stays_as_it_is() -> None:
    """Weighed against the loss of the data it stands for itself, and without a penalty there is none."""
    convex = [("regularization.l2", "0.3"), ("regularization.form", "convex")]
    for overrides in each(([], convex)):
        scene = document_scene(sbp.solve(sbp.example("mazur", overrides)))
        assert penalties.strengths(scene) == {}
        assert penalties.penalty_partial(scene, Name("w")) == Name("w")


def test_strength_of_a_penalty_is_told_from_a_weight_decay() -> None:
    """A weight decay is λ as well: then the strength is λ₂."""
    overrides = [("regularization.l2", "0.1"), ("training.weight_decay", "0.2")]
    latex = str(sbp.render(sbp.solve(sbp.example("mazur", overrides)), "latex"))
    assert r"\frac{\lambda_2}{2} (" in latex and r"\frac{\lambda}{2} (" not in latex


def test_difference_begins_with_what_is_positive() -> None:
    """The paths through one equation are one path, with the positive part of its partial first: h − n, not −n + h."""
    scene = document_scene(graph("k = (1 - z)*n + z*h", "L = k**2", z="0.3", n="2", h="5"))
    expected = Sum((Name("h"), Negative(Name("n"))))
    bodies = [
        part.body
        for step in chains.gradient(scene, "z").steps
        for part in walk(step.formula)
        if isinstance(part, Braced)
    ]
    assert expected in bodies
    assert expected in list(walk(formulas.gradient_expression(scene, "z")))


def test_quotient_by_a_root_stays_one() -> None:
    """K/√2 is printed so, not as ½√2·K, which is how SymPy stores it."""
    scene = document_scene(solved("attention"))
    found = formulas.gradient_expression(scene, "Q_1_1")
    quotients = [part for part in walk(found) if isinstance(part, Quotient)]
    assert quotients and all(
        isinstance(part.denominator, Apply) and part.denominator.function == "sqrt" for part in quotients
    )


def test_sum_with_a_minus_has_it_in_front() -> None:
    """The batch gradient of the cross-entropy is −1/m ΣΣ, and of one sample −Σ, not (−1)Σ."""
    training = {"learning_rate": "1/2", "steps": 1}
    problem = dense((2, "softmax"), loss="cross_entropy", samples=2, training=training)
    content = document.compose(sbp.solve(sbp.problem(problem)))
    for chain in each(list(chains_of(content))):
        for step in each(chain.steps):
            assert not any(isinstance(part, Product) and is_minus_one(part.factors[0]) for part in walk(step.formula))


def is_minus_one(node: Node) -> bool:
    """Say whether a factor is −1."""
    return node == Negative(ONE) or str(getattr(node, "value", "")) == "-1"


def notes_of(content: Document) -> set[str]:
    """Return the ids of the notes of a document."""
    return {block.text.id for part in sections_of(content.sections) for block in part.blocks if isinstance(block, Note)}


def test_fork_is_told_where_contributions_of_several_equations_add() -> None:
    """A quantity that one equation reads twice has one partial by it; what two equations read is a fork."""
    twice = document.compose(graph("L = w**2 - w", w="2"))
    fork = document.compose(graph("a = w**2", "b = 3*w", "L = a*b", w="2"))
    assert {"reason.fork", "mistake.made"} <= notes_of(fork)
    assert "reason.fork" not in notes_of(twice)


@pytest.mark.parametrize("layout", ["column", "row"])
@pytest.mark.parametrize("depth", range(1, 7))
def test_network_is_one_function_where_it_has_few_layers(depth: int, layout: str) -> None:
    """All layers put into each other give the output; every array of parameters stands in the formula once."""
    content = dense(*[(2, "sigmoid")] * depth, notation={"layout": layout})
    solution = sbp.solve(sbp.problem(content))
    found = list(composed_network.composed(document_scene(solution)))
    assert len(found) == (1 < depth <= 4)
    for chain in found:
        read = [part.name for part in walk(chain.steps[0].formula) if isinstance(part, Name)]
        assert sorted(read) == sorted(["x", *(f"{letter}{layer + 1}" for letter in "Wb" for layer in range(depth))])
        assert [] == [
            each for each in truth.judged(solution, sbp.render(solution, "latex")) if each.outcome == truth.FALSE
        ]
