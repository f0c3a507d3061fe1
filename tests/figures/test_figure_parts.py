"""Parts of figures: the chains of one gradient, the gates of a graph, and which curves there are."""

from __future__ import annotations

import pytest

import symbackprop as sbp
from symbackprop.figures import (
    curves,
    edge_labels,
    equation_labels,
    graph_diagram,
    graph_pieces,
    network_scene,
    time_steps,
)
from symbackprop.figures.drawing import Point
from symbackprop.figures.edge_labels import Frame
from symbackprop.figures.gradient_paths import Chains
from symbackprop.figures.labels import plain
from symbackprop.graph.notation import Notation
from tests.documents import solved


def test_chains_of_a_weight_lead_to_the_loss() -> None:
    """From a weight of the first layer every later unit lies on the way, and the weights that are passed; no other input."""
    found = Chains(solved("mazur").derivation, ["W1_1_2"]).onward("W1_1_2")
    assert ("W1_1_2", "z1_1", "a1_1") == found[:3]
    assert "L" == found[-1] or "L" in found
    assert {"z2_1", "z2_2", "W2_1_1", "W2_2_1"} <= set(found)
    assert not {"a1_2", "W1_2_1"} & set(found)


WRITTEN = {
    "k = a + b": "k = a + b",
    "k = a - (b - 1)": "k = a − (b − 1)",
    "k = 1/2*(a - b)**2": "k = ½ (a − b)²",
    "k = a*2 + 3*b": "k = a · 2 + 3 b",
    "k = -a*(b + 1)": "k = −a (b + 1)",
    "k = sigmoid(a*b + 1)": "k = σ(a b + 1)",
    "k = sqrt(a + 1)/b": "k = √(a + 1)/b",
    "k = sqrt(2)*a": "k = √2 a",
    "k = sum((x - u)**2)": "k = Σ (x − u)²",
    "k = sum(x*u)": "k = Σ(x ⊙ u)",
    "k = dot(x, u)": "k = x · u",
    "k = x[0]*u[1]": "k = x1 u2",
    "k = max(a, b)": "k = max(a, b)",
    "k = a**5": "k",
    "k = sum(x[0:2]*u[1:3])": "k",
    "k = a*b + a*b**2 + a**2*b + b**2*a**2 + a*b**3": "k",
}
"""Equations and what stands in their nodes: the symbol alone where a line of a picture would not hold the whole."""


@pytest.mark.parametrize("equation", WRITTEN)
def test_node_is_called_by_its_equation(equation: str) -> None:
    """An equation is written as in a line of text; parentheses stand where they are needed."""
    given = {"parameters": {"a": 1, "b": 2, "x": [1, 2, 3], "u": [1, 0, 2]}}
    problem = sbp.problem({"graph": {**given, "equations": [equation], "output": "k"}})
    graph = sbp.derive(problem).graph
    (formula,) = [each.formula for each in graph.equations if each.name == "k"]
    found = equation_labels.equation(Notation.of(graph, problem.notation), "k", formula)
    assert WRITTEN[equation] == "".join(str(plain(part)) for part in found)


def steps(*equations: str) -> dict[str, int]:
    """Return the steps in time of a graph of these equations over two inputs in three steps."""
    graph = {"parameters": {"w": 1, "v": 2}, "inputs": {"x": [1, 2, 3], "h0": 0}, "equations": [*equations]}
    output = equations[-1].split(" = ")[0]
    return dict(time_steps.steps_of(sbp.derive(sbp.problem({"graph": {**graph, "output": output}})).graph))


def test_steps_in_time_say_the_same_of_quantities_one_further() -> None:
    """Equations are steps where only their numbers count up; what they are joined to at the end is no step."""
    two = ("z1 = w*x[0] + v*h0", "h1 = tanh(z1)", "z2 = w*x[1] + v*h1", "h2 = tanh(z2)")
    assert {"z1": 1, "h1": 1, "z2": 2, "h2": 2} == steps(*two, "L = h2**2")
    assert {} == steps(*two[:3], "h2 = sigmoid(z2)", "L = h2**2")  # another function
    assert {} == steps(*two[:2], "z2 = w*x[2] + v*h1", two[3], "L = h2**2")  # another entry
    assert {} == steps("h1 = tanh(w*h0)", "h2 = tanh(w*h1)", "L = h2**2")  # one equation is no cell
    assert {} == steps("z1 = w*x[0]", "h1 = v*z1", "L = h1**2")  # nothing comes again


def test_ranks_of_wide_graphs_let_given_quantities_stand_higher() -> None:
    """Where a rank is too wide, what is given moves up within its step, and computed nodes stay."""
    drawn = graph_diagram.gates(solved("lstm"))
    assert drawn is not None
    tops = {node.name: node.at.y for node in drawn.nodes}
    assert tops["c0"] < tops["f1"] == tops["i1"] == tops["g1"] == tops["o1"] < tops["c1"]


def test_pieces_without_parameters_are_read_by_nobody() -> None:
    """A choice without parameters reads none; in each choice whatever is read is there."""
    graph = solved("lstm").derivation.graph
    found = list(graph_pieces.choices(graph))
    assert len(found) >= 3
    for pieces in found:
        assert {name for piece in pieces.values() for name in piece.reads} <= set(pieces)
    parameters = {quantity.name for quantity in solved("lstm").derivation.parameters}
    assert parameters.isdisjoint(found[0])


def test_diagram_of_gates_has_a_place_for_each_quantity() -> None:
    """Every equation of the graph has its gate."""
    drawn = graph_diagram.gates(solved("circuit"))
    assert drawn is not None
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
    assert [-50.0, 50.0] == network_scene.Column(1, (1, 2)).places(100)
    first, dots, last = network_scene.Column(1, (1, None, 9)).places(100)
    assert 0 < dots - first < 100 and dots - first == pytest.approx(last - dots)
