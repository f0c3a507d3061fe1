"""From problems to equations: dense networks, computation graphs, the element grain, and the reverse sweep over it."""

from __future__ import annotations

import pytest

import symbackprop as sbp
from symbackprop.algebra.formula import Adjoint, MatrixProduct, Name, walk
from symbackprop.derivation import backprop, computation_graphs, dense, element_grain
from symbackprop.graph.quantities import Role
from symbackprop.problems.types import BIAS_KINDS, parameter_quantities
from tests.helpers import each


def test_dense_front_end_makes_two_equations_a_layer_and_one_for_the_loss() -> None:
    """2-2-2: z1, a1, z2, a2 and L; the first reads a matrix product of W1 and x."""
    graph = dense.graph_of(sbp.example("mazur"), None)
    assert ["z1", "a1", "z2", "a2", "L"] == [equation.name for equation in graph.equations]
    assert MatrixProduct(Name("W1"), Name("x")) in set(walk(graph.equations[0].formula))
    assert ("L", ["W1", "b1", "W2", "b2"]) == (graph.output, [each.name for each in graph.of_role(Role.PARAMETER)])


@pytest.mark.parametrize(("kind", "name", "sign"), [("per_unit", "b", "+"), ("threshold", "theta", "-")])
def test_kind_of_bias_has_its_letter_and_its_sign(kind: str, name: str, sign: str) -> None:
    """A bias is added, a threshold is subtracted; a layer without one has its weights alone."""
    letter, _, found = BIAS_KINDS[kind]
    assert (name, sign) == (letter, found)
    layers = [{"units": 2, "bias": kind}, {"units": 1, "bias": "none"}]
    network = sbp.problem({"network": {"inputs": 1, "layers": layers, "loss": "mse"}}).network
    with_bias, without = parameter_quantities(network, "column")
    assert ["W1", f"{name}1"] == [quantity.name for quantity in with_bias]
    assert ["W2"] == [quantity.name for quantity in without]


def test_graph_front_end_has_the_equations_of_the_file() -> None:
    """Each text of [graph] is an equation of its name, and the declared quantities have their roles."""
    problem = sbp.example("circuit")
    graph = computation_graphs.graph_of(problem.model, None)
    texts = [text.partition("=")[0].strip() for text in problem.model.equations]  # type: ignore[union-attr]
    assert texts == [equation.name for equation in graph.equations]
    assert set(problem.model.parameters) == {each.name for each in graph.of_role(Role.PARAMETER)}  # type: ignore[union-attr]


def test_element_grain_is_a_sum_of_terms_for_every_number() -> None:
    """Z of a unit is two products and a bias; an argument's partial by a term's own slot is the other factor."""
    elements = element_grain.expand(dense.graph_of(sbp.example("mazur"), None))
    equations = {equation.name: equation for equation in elements.equations}
    (first, *_) = equations["z1_1"].terms
    assert 3 == len(equations["z1_1"].terms)
    assert {"W1_1_1", "x_1"} == set(first.arguments)
    assert Name("x_1") == first.partial(first.arguments.index("W1_1_1"))
    assert ("L", frozenset()) == (elements.output, elements.batched)


def test_sweep_links_every_quantity_to_its_readers_only() -> None:
    """Each link of a quantity leads to an equation that reads it, and stands after the links of its source."""
    elements = element_grain.expand(dense.graph_of(sbp.example("mazur"), None))
    links = backprop.sweep(elements)
    reads = {
        equation.name: {name for term in equation.terms for name in term.arguments} for equation in elements.equations
    }
    order = list(links)
    for name, found in each(links.items(), least=15):
        for link in found:
            assert name in reads[link.source]
            assert name == link.term.arguments[link.slot]
            assert link.source == elements.output or order.index(link.source) < order.index(name)
    assert not set(walk(links["W1_1_1"][0].partial())) & {Adjoint("L")}
