"""The lines of one quantity, from formula to number: chains, factors, signs, reduction, array formulas."""

from __future__ import annotations

from fractions import Fraction

import pytest

from symbackprop.algebra.formula import (
    Adjoint,
    Hadamard,
    MatrixProduct,
    Name,
    Negative,
    Node,
    Number,
    Product,
    Quotient,
    Sum,
    Transposed,
    walk,
)
from symbackprop.document.calculation import whole_numbers
from symbackprop.document.calculation.reduction import reduction_steps
from symbackprop.document.chain_rule import chains, factors, formulas
from symbackprop.document.chain_rule.factors import Factor
from symbackprop.document.chain_rule.signs import signs_in_front
from symbackprop.document.display_nodes import Leaf, Shown, Tone
from symbackprop.document.matrix_form import array_numbers, matrix, products
from tests.documents import scene_of, solved
from tests.helpers import each

W, X, B = Name("w"), Name("x"), Name("b")


def test_scene_knows_the_numbers_of_its_step() -> None:
    """Values and gradients are those of the step, in the sample that a name has one in; without `chosen` all is written."""
    scene, values = scene_of("xor"), solved("xor").steps[0].values
    assert [1, 2, 3, 4] == list(scene.samples)
    assert values.value("a2_1", 3) == scene.value("a2_1", 3)
    assert values.gradient("W1_1_1") == scene.gradient("W1_1_1")
    assert (3, None) == (scene.sample_of("a2_1", 3), scene.sample_of("W1_1_1", 3))
    assert Sum((Name("a2_1", 3), Name("W1_1_1"))) == scene.in_sample(Sum((Name("a2_1"), Name("W1_1_1"))), 3)
    assert scene.writes("W1_1_1", 4)


def test_forward_chain_ends_in_the_value() -> None:
    """A forward value is its formula, numbers in it, and at the end what the step computed."""
    scene = scene_of("mazur")
    chain = chains.forward(scene, "z1_1")
    assert Name("z1_1") == chain.left
    assert len(chain.steps) >= 3
    (shown,) = [part for part in walk(chain.steps[-1].formula) if isinstance(part, Shown)]
    assert float(scene.value("z1_1")) == pytest.approx(float(shown.value), abs=1e-6)


def test_gradient_of_a_unit_has_a_step_of_its_own_and_a_parameter_reads_it() -> None:
    """The gradient by a weight is δ of its unit times its input, whose gradient has a step and a name of its own."""
    scene = scene_of("homework")
    assert chains.has_own_step(scene, "z2_1")
    assert not chains.is_negative_delta(scene, "z2_1")
    assert Adjoint("z2_1") == chains.named_gradient(scene, "z2_1")
    (link,) = scene.derivation.links["W2_1_2"]
    path = chains.path_of(scene, link, None)
    assert [Adjoint("z2_1"), Name("a1_2")] == [factor.partial for factor in path]
    assert Product((Adjoint("z2_1"), Name("a1_2"))) == formulas.gradient_expression(scene, "W2_1_2")


def test_parameters_of_a_layer_come_unit_by_unit() -> None:
    """The weights that lead to a unit stand together, and as many of them are in a row."""
    scene = scene_of("mazur")
    quantities = scene.derivation.graph.quantities
    assert ["W1_1_1", "W1_1_2"] == chains.parameters_of([quantities["W1"], quantities["b1"]])[:2]
    assert 2 == chains.row_length(scene, quantities["W1"])


def test_factors_move_their_signs_to_the_front() -> None:
    """(−a)(−b) is ab and (−a)b is −ab; a difference is turned round; a single factor stays what it is."""
    assert Product((W, X)) == factors.signed((Negative(W), Negative(X)))
    assert Negative(Product((W, X))) == factors.signed((Negative(W), X))
    turned = factors.flipped(Factor(Adjoint("z"), Sum((W, Negative(X)))))
    assert (Negative(Adjoint("z")), Sum((X, Negative(W)))) == (turned.derivative, turned.partial)
    assert W == factors.joined((W,))
    assert factors.is_named(Negative(Adjoint("z"))) and not factors.is_named(W)
    assert ("z", None) == factors.named_quantity(Negative(Adjoint("z")))


def test_paths_with_one_beginning_are_one_path() -> None:
    """Paths that differ in their last partial alone are joined: it is the sum of theirs; braces come off again."""
    first, last = Factor(Adjoint("z"), Adjoint("z")), Factor(Name("d"), W)
    merged = factors.merged([(first, last), (first, Factor(Name("d"), X))])
    assert (first, Factor(Name("d"), Sum((W, X)))) == merged
    assert W == factors.unbraced(factors.braced(last))


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (MatrixProduct(Negative(W), X), Negative(MatrixProduct(W, X))),
        (Hadamard((Negative(W), Negative(X))), Hadamard((W, X))),
        (Transposed(Negative(W)), Negative(Transposed(W))),
        (Sum((Negative(W), Negative(X))), Negative(Sum((W, X)))),
        (Sum((W, Negative(Sum((X, B))))), Sum((W, Negative(X), Negative(B)))),
        (Sum((W, Negative(X))), Sum((W, Negative(X)))),
    ],
    ids=str,
)
def test_signs_stand_in_front(formula: Node, expected: Node) -> None:
    """Signs of factors are brought before the product, those of sums before the terms; a difference stays."""
    assert expected == signs_in_front(formula)


def test_reduction_does_one_thing_a_line() -> None:
    """The formula, its products, the sum: each stage has the value of the first, the last one is the number."""
    two, three, four = (Leaf(Fraction(n), Tone.FORWARD, str(n)) for n in (2, 3, 4))
    stages = reduction_steps(Sum((Product((two, three)), four)), Tone.FORWARD)
    assert [Sum, Sum, Leaf] == [type(stage) for stage in stages]
    assert [6, 4] == [leaf.value for leaf in stages[1] if isinstance(leaf, Leaf)]
    assert isinstance(stages[-1], Leaf) and 10 == stages[-1].value


def test_array_gradients_have_the_shapes_of_their_arrays() -> None:
    """Between arrays a weight's gradient is an outer product of δ and what entered; a vector of samples is a column."""
    scene = scene_of("mazur")
    found = matrix.array_gradients(scene)
    assert {"W1", "b1", "W2", "b2"} <= set(found)
    wanted = list(matrix.gradient_chains(scene, ["W2"]))
    assert Adjoint("W2") in [chain.left for chain in wanted]
    graph = scene.derivation.graph
    assert [["a1_1"], ["a1_2"]] == array_numbers.grid_rows(scene, graph.quantities["a1"])


def test_stack_of_entries_leads_to_the_product() -> None:
    """A gradient between arrays is shown as the stack of its entries, of which one has two different indices."""
    scene = scene_of("mazur")
    graph = scene.derivation.graph
    weight, formula = graph.quantities["W2"], matrix.array_gradients(scene)["W2"]
    name, entry = products.one_entry(graph, weight, formula) or ("", Number(Fraction(0)))
    assert "W2_1_2" == name
    assert {"a1_2"} == {part.name for part in each(list(_names(entry))) if part.name.startswith("a")}
    assert 1 <= len(list(products.stacked(graph, weight, formula, rows=False)))


def _names(formula: Node) -> list[Name]:
    return [formula] if isinstance(formula, Name) else [name for part in formula for name in _names(part)]


@pytest.mark.parametrize(("left", "right"), [("0.25", "-1.5"), ("3", "0.0007"), ("-12.5", "80"), ("0.1", "0")])
def test_decimals_are_added_and_multiplied_in_whole_numbers(left: str, right: str) -> None:
    """What a formula of decimals gives in whole numbers is what it gives in fractions; a quotient is left to these."""
    numbers = [Leaf(Fraction(left)), Leaf(Fraction(right))]

    def decimal(leaf: Leaf) -> tuple[int, int]:
        return int(Fraction(leaf.value) * 10**4), -4

    formula = Sum((Product(tuple(numbers)), Negative(numbers[0]), Number(Fraction(1, 4))))
    whole, power = whole_numbers.scaled(formula, decimal) or (0, 0)
    expected = Fraction(left) * Fraction(right) - Fraction(left) + Fraction(1, 4)
    assert whole * Fraction(10) ** power == expected
    assert whole_numbers.is_same((whole, power), (whole * 100, power - 2))
    assert whole_numbers.shortened((12345, -2), 3) == ((123, 0), False)
    assert whole_numbers.shortened((125, -2), 2) == ((12, -1), True)
    assert whole_numbers.scaled(Quotient(numbers[0], Number(Fraction(3))), decimal) is None
