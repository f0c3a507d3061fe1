"""The rules of batches, and derivations for a batch of any size."""

from __future__ import annotations

from fractions import Fraction

import pytest
import random_problems
import sympy

import symbackprop
from symbackprop.algebra import symbolic
from symbackprop.algebra.folding import folded
from symbackprop.algebra.formula import Adjoint, Node, Number, Quotient, SampleCount, map_children
from symbackprop.derivation import matrix_grain
from symbackprop.derivation.derivations import Derivation, derive
from symbackprop.graph.batch_axis import BatchAxis
from symbackprop.problems import Problem
from symbackprop.problems.load import examples
from tests.helpers import gradient_formula

AXIS = BatchAxis(3, frozenset({"x", "z"}))


def batches() -> dict[str, Problem]:
    """Return problems with several samples, among them networks with every kind of penalty."""
    found = {name: symbackprop.example(name) for name in examples()}
    found |= {f"random {seed}": symbackprop.problem(random_problems.problem(seed)) for seed in range(100)}
    return {name: problem for name, problem in found.items() if (problem.samples or 1) > 1}


BATCHES = batches()


def test_batches_are_of_every_kind() -> None:
    """The problems below are networks and computation graphs, with a mean and with a sum, with penalties and without."""
    assert len(BATCHES) > 10
    assert {problem.model.reduction for problem in BATCHES.values()} == {"mean", "sum"}


@pytest.mark.parametrize(
    ("name", "read", "sample", "expected"),
    [
        ("z", ["w", "x"], 2, (2,)),  # a batched equation holds in its own sample
        ("z", ["w"], 2, (2,)),
        ("L", ["w", "z"], None, (1, 2, 3)),  # a shared one adds what differs over all
        ("L", ["w"], None, (None,)),  # and what is shared once
    ],
)
def test_spread_is_the_rule_of_batches(
    name: str, read: list[str], sample: int | None, expected: tuple[int | None, ...]
) -> None:
    """What is shared adds over the samples whatever it reads that is not; what is batched stays in its sample."""
    assert AXIS.spread(name, read, sample) == expected
    assert AXIS.adds(name, read) == (len(expected) > 1)


def test_one_sample_has_no_number() -> None:
    """Without a batch there is one sample, which has no number; a batch of one has the sample 1."""
    assert BatchAxis(None, frozenset()).numbers == (None,)
    assert BatchAxis(1, frozenset({"x"})).samples_of("x") == (1,)


def test_batch_of_any_size_has_no_size() -> None:
    """Who counts samples whose number is a symbol made a mistake, and is told."""
    with pytest.raises(TypeError, match="any size"):
        _ = BatchAxis(SampleCount(), frozenset({"x"})).numbers


def counted(formula: Node, samples: int) -> Node:
    """Return a formula with a number for the number of samples, constants worked out."""
    made = map_children(formula, lambda part: counted(part, samples))
    match made:
        case SampleCount():
            return Number(Fraction(samples))
        case Quotient(Number(left), Number(right)):
            return Number(left / right)
    return made


def formulas(derivation: Derivation, samples: int) -> dict[str, Node]:
    """Return the equations and gradients between arrays, for so many samples."""
    found = {equation.name: equation.formula for equation in derivation.graph.equations}
    shares = matrix_grain.gradients(derivation.graph)
    found |= {f"d{name}": matrix_grain.gradient_formula(each) for name, each in shares.items()}
    return {name: folded(counted(formula, samples)) for name, formula in found.items()}


@pytest.mark.parametrize("name", BATCHES)
def test_formulas_of_any_size_hold_for_every_size(name: str) -> None:
    """With a number put in for the symbol, equations and gradients between arrays are those of a batch of that size."""
    problem = BATCHES[name]
    samples = problem.samples
    assert samples is not None
    general, special = derive(problem, of_any_size=True), derive(problem)
    assert isinstance(general.graph.samples, SampleCount)
    assert formulas(general, samples) == formulas(special, samples)


@pytest.mark.parametrize("name", BATCHES)
def test_element_gradients_of_any_size_hold_for_every_size(name: str) -> None:
    """The same holds between scalars: SymPy finds no difference between the gradients by the first of every array."""
    problem = BATCHES[name]
    general, special = derive(problem, of_any_size=True), derive(problem)
    elements = [quantity.elements()[0] for quantity in special.graph.quantities.values()]
    reached = [element for element in elements if special.links.get(element)]
    assert reached
    for element in reached:
        left = symbolic.to_sympy(counted(gradient_formula(general, element), problem.samples or 1), adjoint)
        assert left == symbolic.to_sympy(gradient_formula(special, element), adjoint), element


def adjoint(node: Node) -> sympy.Expr | None:
    """Return a symbol for a gradient."""
    return symbolic.name_symbol(f"adjoint {node.name}") if isinstance(node, Adjoint) else None
