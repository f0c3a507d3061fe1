"""Parts of figures: the chains of one gradient, the gates of a graph, and which curves there are."""

from __future__ import annotations

import pytest

import symbackprop as sbp
from symbackprop.algebra.formula import Apply, Name, Product, Sum
from symbackprop.figures import curves, edge_labels, graph_diagram, network_drawing
from symbackprop.figures.drawing import Point
from symbackprop.figures.edge_labels import Frame
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


def test_frame_of_an_edge_runs_along_it_and_upwards() -> None:
    """In the frame of an edge that falls to the right, u is the way along it and v the distance above it."""
    frame = Frame(Point(0, 0), Point(30, 40))
    assert 50 == frame.length
    assert (30, 40) == pytest.approx(frame.place(50, 0))
    assert (8, -6) == pytest.approx(frame.place(0, 10))
    shape = tuple(frame.place(u, v) for u, v in ((10, 2), (20, 2), (20, 5), (10, 5)))
    assert [(10, 20)] == [pytest.approx(each) for each in frame.blocked([shape], 0, 3)]
    assert [] == list(frame.blocked([shape], 6, 9))


def test_label_goes_to_the_free_place_nearest_to_its_wish() -> None:
    """A label stands where it is wanted, beside what is in its way, below its line, or nowhere."""
    edges = {"w": Frame(Point(0, 0), Point(200, 0))}

    def place(*shapes: tuple[Point, ...], two_lines: bool = False) -> edge_labels.EdgeLabel | None:
        found = edge_labels.placed(edges, {"w": 40.0}, shapes, 0.5, two_lines=two_lines)
        return None if found is None else found["w"]

    free = place()
    assert free is not None and 100 == free.upper.x and free.upper.y < 0
    post = (Point(90, -30), Point(90, -1))
    moved = place(post)
    assert moved is not None and 110 <= moved.upper.x <= 116
    roof = (Point(0, -8), Point(200, -8))
    below = place(roof)
    assert below is not None and below.upper.y > 0
    assert place(roof, two_lines=True) is None


def test_column_of_units_leaves_less_room_for_dots() -> None:
    """Units stand a row apart around the middle, dots nearer to their neighbours."""
    assert [-50.0, 50.0] == network_drawing.Column(1, (1, 2)).places(100)
    first, dots, last = network_drawing.Column(1, (1, None, 9)).places(100)
    assert 0 < dots - first < 100 and dots - first == pytest.approx(last - dots)
