"""Parts of figures: the chains of one gradient, the gates of a graph, and which curves there are."""

from __future__ import annotations

import pytest

import symbackprop as sbp
from symbackprop.algebra.formula import Apply, Name, Product, Sum
from symbackprop.figures import curves, graph_diagram
from symbackprop.figures.gradient_paths import Chains
from tests.documents import solved


def test_chains_of_a_weight_lead_to_the_loss() -> None:
    """From a weight of the first layer every later unit lies on the way, and the weights that are passed; no other input."""
    found = Chains(solved("mazur").derivation).onward("W1_1_2")
    assert ("W1_1_2", "z1_1", "a1_1") == found[:3]
    assert "L" == found[-1] or "L" in found
    assert {"z2_1", "z2_2", "W2_1_1", "W2_2_1"} <= set(found)
    assert not {"a1_2", "W1_2_1"} & set(found)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (Sum((Name("a"), Name("b"))), "+"),
        (Product((Name("a"), Name("b"))), "×"),
        (Apply("sigmoid", (Name("a"),)), "σ"),
        (Apply("sqrt", (Name("a"),)), "√"),
    ],
)
def test_gate_has_the_sign_of_its_operation(formula: Sum | Product | Apply, expected: str) -> None:
    """A gate of one operation shows its sign."""
    assert expected == graph_diagram.sign(formula)


def test_diagram_of_gates_has_a_place_for_each_quantity() -> None:
    """Every equation of the graph has its gate."""
    drawn = graph_diagram.gates(solved("circuit"))
    computed = [equation.name for equation in solved("circuit").derivation.graph.equations]
    assert set(computed) <= {node.name for node in drawn.nodes}
    assert len(computed) > 3


def test_curves_are_drawn_where_there_is_something_to_see() -> None:
    """A loss over one step is no curve; a landscape needs one or two parameters, a boundary a classifier of two inputs."""
    one = sbp.solve(sbp.example("mazur"), steps=1)
    assert (None, None, None) == (curves.losses(one), curves.landscape(one), curves.boundary(one))
    assert curves.losses(solved("line")) is not None
    assert curves.landscape(solved("line")) is not None
    assert curves.boundary(solved("xor")) is not None
