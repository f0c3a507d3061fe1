"""Figures: where things stand, what is written on them, and that both formats show the same."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symbackprop
from symbackprop import document, figures, language
from symbackprop.descent.solution import Solution, solve
from symbackprop.document.blocks import Figure, Section
from symbackprop.document.sections import figure_placement
from symbackprop.errors import UnknownNameError
from symbackprop.evaluation.arithmetics import FLOAT
from symbackprop.evaluation.evaluate import Evaluation, leaves
from symbackprop.figures import path_diagram
from symbackprop.figures.drawing import (
    TALLEST,
    WIDEST,
    Arrow,
    Diagram,
    DiagramNode,
    Ink,
    Plot,
    Point,
    Polygon,
    Text,
)
from symbackprop.figures.labels import Decimal, decimal, width
from symbackprop.figures.layered_layout import layout, ranks_of
from symbackprop.figures.network_diagram import MOST_UNITS, kept
from symbackprop.figures.network_drawing import MOST_LABELLED
from symbackprop.graph.notation import Symbol
from symbackprop.messages import message
from symbackprop.problems import ComputationGraph
from symbackprop.rendering import escapes, svg, tikz
from tests import random_graphs
from tests.helpers import each, few, many, require_tool

SVG = "{http://www.w3.org/2000/svg}"
NETWORKS = ("mazur", "xor", "classifier", "deep", "line")
GRAPHS = ("circuit", "rnn", "attention", "lstm", "local_minima", "batchnorm", "convolution")
WORDS = message("alternative.network", layers=())
TWO = {
    "graph": {"parameters": {"a": "2", "b": "1"}, "equations": ["L = a**2 + 4*b**2 + a*b"], "output": "L"},
    "training": {"learning_rate": 0.1, "steps": 20},
}
"""A loss of two parameters."""


def dense(*sizes: int, bias: str = "per_unit", values: bool = True, **notation: Any) -> Solution:
    """Return the solution of a network with the given numbers of units, its parameters drawn."""
    layers = [{"units": units, "activation": "sigmoid", "bias": bias} for units in sizes[1:]]
    content: dict[str, Any] = {
        "network": {"inputs": sizes[0], "loss": "half_squared_error", "layers": layers},
        "notation": notation,
    }
    if values:
        content["parameters"] = {"initializer": {"name": "uniform", "low": -1, "high": 1, "biases": True}, "seed": 1}
        content["data"] = {"x": [k / 8 for k in range(1, sizes[0] + 1)], "y": [0.5] * sizes[-1]}
        content["training"] = {"learning_rate": 0.1, "steps": 1}
    return solve(symbackprop.problem(content))


def chain_of(count: int) -> Solution:
    """Return the solution of a computation graph of many gates, one after the other."""
    equations = ["g1 = w*x", *(f"g{k} = tanh(g{k - 1})" for k in range(2, count + 1))]
    graph = {"parameters": {"w": 0.5}, "inputs": {"x": 2}, "equations": equations, "output": f"g{count}"}
    return solve(symbackprop.problem({"graph": graph}))


def diagram_of(solution: Solution, highlight: str = "") -> Diagram:
    """Return the diagram that a document shows."""
    make = figures.gates if isinstance(solution.problem.model, ComputationGraph) else figures.network
    found = make(solution, highlight)
    assert found is not None
    return found


def solved(name: str) -> Solution:
    """Return the first step of an example."""
    return solve(symbackprop.example(name), steps=1)


def weights(diagram: Diagram) -> list[str]:
    """Return the names of the edges that are weights."""
    return [line.name for line in diagram.lines if line.name.startswith("W")]


def figures_of(solution: Solution) -> list[Figure]:
    """Return the figures of the solution's document."""

    def walk(sections: tuple[Section, ...]) -> Any:
        for section in sections:
            yield from (block for block in section.blocks if isinstance(block, Figure))
            yield from walk(section.sections)

    return list(walk(document.compose(solution).sections))


# Where things stand


def assert_apart(shapes: list[DiagramNode] | list[Text]) -> None:
    """Fail if two shapes overlap."""
    clash = [(a, b) for a, b in itertools.combinations(shapes, 2) if a.box.overlaps(b.box)]
    assert clash == []


def are_apart(first: Polygon, second: Polygon) -> bool:
    """Say whether a line separates two convex shapes: if one does, one with the direction of a side does.

    Lines along the axes, which separate most, are tried first.
    """
    for axis in (0, 1):
        here, there = [point[axis] for point in first], [point[axis] for point in second]
        if max(here) <= min(there) + 1e-6 or max(there) <= min(here) + 1e-6:
            return True
    for shape in (first, second):
        for start, end in itertools.pairwise((*shape, shape[0])):
            normal = (start.y - end.y, end.x - start.x)
            sides = [[x * normal[0] + y * normal[1] for x, y in each] for each in (first, second)]
            if max(sides[0]) <= min(sides[1]) + 1e-6 or max(sides[1]) <= min(sides[0]) + 1e-6:
                return True
    return False


SIZES = st.lists(st.integers(1, 10), min_size=2, max_size=4)


def assert_clear(diagram: Diagram) -> None:
    """Fail if a node overlaps a node, or a label anything but the node that it stands in, or if it is too large to read."""
    assert diagram.width <= WIDEST and diagram.height <= TALLEST
    assert_apart(list(diagram.nodes))
    for first, second in itertools.combinations(diagram.texts, 2):
        assert are_apart(first.covered, second.covered), (first, second)
    within = [text for text in diagram.texts if any(math.dist(text.at, n.at) < n.half.y for n in diagram.nodes)]
    # A curve lies between its ends and its control points.
    edges = [(start, *piece) for line in diagram.lines for start, piece in zip(line.points, line.pieces, strict=False)]
    for text, edge in itertools.product(diagram.texts, edges):
        assert text in within or are_apart(text.covered, edge), (text, edge)
    for node, text in itertools.product(diagram.nodes, diagram.texts):
        assert text in within or are_apart(text.covered, node.covered), (node, text)


@settings(derandomize=True, deadline=None, max_examples=many(150, 30))
@given(SIZES, st.sampled_from(["per_unit", "shared", "none", "threshold"]), st.sampled_from(["flat", "layered"]))
def test_network_no_label_meets_anything_else(sizes: list[int], bias: str, naming: str) -> None:
    """Units overlap no unit; a label meets no other label, no edge, and no unit but the one that it stands in."""
    solution = dense(*sizes, bias=bias, naming=naming)
    for diagram in (figures.network(solution), figure_placement.given(solution.derivation).picture):
        assert isinstance(diagram, Diagram)
        assert_clear(diagram)


def assert_wires_pass_nodes(diagram: Diagram) -> None:
    """Fail if a wire meets a node that it does not begin or end at."""
    for line in (line for line in diagram.lines if not line.is_dashed):
        ends = (line.points[0], line.points[-1])
        others = [
            node
            for node in diagram.nodes
            if not any(abs(x - node.at.x) <= node.half.x and abs(y - node.at.y) <= node.half.y + 1 for x, y in ends)
        ]
        for node, (start, piece) in itertools.product(others, zip(line.points, line.pieces, strict=False)):
            assert are_apart(node.covered, (start, *piece)), (node, line)


# The 159th graph multiplies arrays whose shapes do not fit together.
@pytest.mark.parametrize("seed", few((seed for seed in range(251) if seed != 159), 6))
def test_graph_no_label_and_no_wire_meets_anything_else(seed: int) -> None:
    """In random graphs labels meet no label, no wire and no node, wires no node but their own, and all fits on a page."""
    derivation = symbackprop.derive(symbackprop.problem(random_graphs.content(seed)))
    figure = figure_placement.given(derivation)
    assert figure is not None and isinstance(figure.picture, Diagram)
    assert_clear(figure.picture)
    assert_wires_pass_nodes(figure.picture)


@pytest.mark.parametrize("count", [2, 3, 5, 9])
def test_recurrent_graph_is_drawn_in_cells_or_left_out_openly(count: int) -> None:
    """Each step in time stands in a frame of its own; of many steps those in the middle are dots, without frames."""
    equations = ["z1 = w*x[0] + v*h0", "h1 = tanh(z1)"]
    for k in range(2, count + 1):
        equations += [f"z{k} = w*x[{k - 1}] + v*h{k - 1}", f"h{k} = tanh(z{k})"]
    graph = {
        "parameters": {"w": 0.5, "v": 0.25},
        "inputs": {"x": [k / 8 for k in range(count)], "h0": 0},
        "equations": [*equations, f"L = h{count}**2"],
        "output": "L",
    }
    solution = solve(symbackprop.problem({"graph": graph}))
    diagram = figures.gates(solution)
    assert diagram is not None
    assert_clear(diagram)
    assert_wires_pass_nodes(diagram)
    frames = [line for line in diagram.lines if line.is_dashed]
    is_whole = not any(text.label == ("…",) for text in diagram.texts)
    assert (count if is_whole else 0) == len(frames)
    assert is_whole == (count <= 3)
    for number, frame in enumerate(frames, start=1):
        top, bottom = (pick(point.y for point in frame.points) for pick in (min, max))
        inside = {node.name for node in diagram.nodes if top < node.at.y < bottom}
        assert {f"z{number}", f"h{number}"} == {name for name in inside if name[0] in "zh" and name != "h0"}


@pytest.mark.parametrize("activation", ["linear", "tanh"])
def test_fit_goes_through_what_the_network_says(activation: str) -> None:
    """Over the samples of one input the curve at the end has the predictions of the descent's last row."""
    problem = symbackprop.problem(
        {
            "network": {
                "inputs": 1,
                "loss": "half_squared_error",
                "layers": [{"units": 1, "activation": activation}],
            },
            "parameters": {"W1": [["1/5"]], "b1": [0]},
            "data": {"x": [[0], [1], [2]], "y": [["1/2"], ["3/4"], [1]]},
            "training": {"learning_rate": "1/10", "steps": 30},
        }
    )
    solution = solve(problem)
    plot = figures.fit(solution)
    assert plot is not None
    before, after, samples = plot.series
    assert [(0, 0.5), (1, 0.75), (2, 1)] == list(samples.points)
    for sample, start, end in zip((0, 1, 2), solution.predictions[0], solution.predictions[30], strict=True):
        for curve, value in ((before, start), (after, end)):
            near = min(curve.points, key=lambda point: abs(point.x - sample))
            assert float(value) == pytest.approx(near.y, abs=0.02)
    assert figures.fit(solved("line")) is None  # one sample has nothing to be fitted to
    assert figures.fit(solved("xor")) is None  # two inputs


def test_minima_are_marked_where_the_gradient_is_zero() -> None:
    """On a curve and among contours, at the minima that are known."""
    (curve,) = [plot for plot in [figures.landscape(solve(symbackprop.example("local_minima")))] if plot is not None]
    (minima,) = [series for series in curve.series if series.name is not None and series.name.id == "figure.minimum"]
    assert [-1, 2] == [point.x for point in minima.points]
    surface = figures.landscape(solve(symbackprop.problem(TWO)))
    assert surface is not None
    (minima,) = [series for series in surface.series if series.name is not None and series.name.id == "figure.minimum"]
    assert [(0, 0)] == [tuple(point) for point in minima.points]


def test_sides_of_a_boundary_are_shaded_as_their_samples() -> None:
    """Samples that a trained network tells apart stand in regions of their own ink; both formats draw every region."""
    from matplotlib.path import Path as Outline

    plot = figures.boundary(solve(symbackprop.example("xor")))
    assert plot is not None
    marked = [series for series in plot.series if not series.joined]
    for series in each(marked, 2):
        for point in series.points:
            inside = [
                region.ink
                for region in plot.regions
                if sum(Outline(ring).contains_point(point) for ring in region.rings) % 2
            ]
            assert [series.ink] == inside
    words = tikz.picture(plot, "en", escapes.latex)
    assert len(plot.regions) == words.count("even odd rule")
    assert len(plot.regions) == svg.picture(plot, WORDS, "en").count('fill-opacity="0.1"')


@pytest.mark.parametrize(
    ("name", "parameter", "count"),
    [
        ("mazur", "W2_1_1", 1),
        ("mazur", "W1_2_1", 2),
        ("deep", "W3_1_2", 1),
        ("classifier", "W1_3_1", 1),
        ("line", "W1_1_1", 1),
    ],
)
def test_numbers_along_paths_give_the_gradient(name: str, parameter: str, count: int) -> None:
    """The sum over the paths of the products of their numbers is the gradient; nothing stands on anything else."""
    solution = solved(name)
    diagram = figures.path(solution, parameter)
    assert diagram is not None and count == diagram.routes
    assert_clear(diagram)
    numbers = [number_of(text.label) for text in diagram.texts if text.ink is Ink.BACKWARD]
    at = {node.name: node.at for node in diagram.nodes}

    def node_at(point: Point) -> str:
        return min(at, key=lambda each: math.dist(at[each], point))

    factors = {
        (node_at(line.points[0]), node_at(line.points[-1])): n for line, n in zip(diagram.lines, numbers, strict=True)
    }

    def along(start: str) -> float:
        onward = [(end, factor) for (first, end), factor in factors.items() if first == start]
        return sum(factor * along(end) for end, factor in onward) if onward else 1.0

    assert float(solution.steps[0].values.gradient(parameter)) == pytest.approx(along(parameter), rel=2e-3)


def test_paths_are_drawn_up_to_three() -> None:
    """A weight with more than three paths has no picture; without numbers, and in a batch, the factors have none."""
    assert figures.path(dense(2, 2, 4), "W1_1_1") is None
    three = figures.path(dense(2, 2, 3), "W1_1_1")
    assert three is not None and path_diagram.MOST_PATHS == 3 == three.routes
    for solution in (dense(2, 2, 1, values=False), solved("xor")):
        diagram = figures.path(solution, "W1_1_1")
        assert diagram is not None
        assert Ink.BACKWARD not in {text.ink for text in diagram.texts}
        assert len(diagram.lines) == sum("∂" in text.label for text in diagram.texts)
        assert_clear(diagram)


@settings(derandomize=True, deadline=None, max_examples=many(60, 12))
@given(st.lists(st.integers(1, 3), min_size=2, max_size=4), st.sampled_from(["per_unit", "shared"]))
def test_paths_no_label_meets_anything_else(sizes: list[int], bias: str) -> None:
    """Labels along paths meet no label, no edge and no node."""
    solution = dense(*sizes, bias=bias)
    for layer in each(range(1, len(sizes))):
        diagram = figures.path(solution, f"W{layer}_1_1")
        if diagram is not None:
            assert_clear(diagram)


def test_shapes_apart_are_told_from_shapes_that_meet() -> None:
    """The question of the law above has both answers: for a label on its line, beside it, and turned into it."""
    line = (Point(0, 0), Point(100, 0))
    label = Text(Point(50, -9), ("0.25",))
    assert are_apart(label.covered, line)
    assert not are_apart(replace(label, at=Point(50, -3)).covered, line)
    assert not are_apart(replace(label, angle=60).covered, line)
    assert are_apart(replace(label, at=Point(130, 0)).covered, line)


@pytest.mark.parametrize("name", [*NETWORKS, *GRAPHS])
def test_diagram_is_readable_where_it_stands(name: str) -> None:
    """On a sheet of paper letters have 6 points or more, indices too; no diagram is turned."""
    diagram = diagram_of(solved(name))
    written = tikz.picture(diagram, "en", escapes.latex)
    assert "rotatebox" not in written
    (scale,) = re.findall(r"\\scalebox\{([\d.]+)\}", written) or ["1"]
    letters = {float(size) for size in re.findall(r"\\fontsize\{([\d.]+)\}", written)}
    indices = {8.0: 7, 9.0: 7, 10.0: 7, 10.95: 8, 12.0: 8, 20.74: 14.4}  # as LaTeX and `macros.tex` have them
    assert letters <= set(indices)
    assert 6 <= float(scale) * min(indices[size] for size in letters)


@pytest.mark.parametrize("name", GRAPHS)
def test_graph_nothing_stands_on_anything_else(name: str) -> None:
    """No label meets a label, a wire or a node that it does not belong to, no wire a node."""
    diagram = diagram_of(solved(name))
    assert_clear(diagram)
    assert_wires_pass_nodes(diagram)
    stated = figure_placement.given(solved(name).derivation).picture
    assert isinstance(stated, Diagram)
    assert_clear(stated)


@pytest.mark.parametrize("name", [*NETWORKS, *GRAPHS])
def test_diagram_everything_lies_on_the_page(name: str) -> None:
    """Every shape lies between the corners of the figure."""
    diagram = diagram_of(solved(name))
    for box in [*(node.box for node in diagram.nodes), *(text.box for text in diagram.texts)]:
        assert box.left >= 0 and box.top >= 0 and box.right <= diagram.width and box.bottom <= diagram.height
    for point in (point for line in diagram.lines for point in line.points):
        assert 0 <= point.x <= diagram.width and 0 <= point.y <= diagram.height


def shown_units(diagram: Diagram, layer: int, count: int) -> list[int]:
    """Return the units of a layer that a diagram shows: all, or the first and last ones, no more than fit."""
    names = {node.name for node in diagram.nodes}
    shown = [unit for unit in range(1, count + 1) if (f"a{layer}_{unit}" if layer else f"x_{unit}") in names]
    assert shown == list(range(1, count + 1)) or (shown[0], shown[-1]) == (1, count)
    assert set(shown) <= set(kept(count))
    return shown


@settings(derandomize=True, deadline=None, max_examples=many(15))
@given(SIZES)
def test_network_units_stand_in_the_order_of_their_indices(sizes: list[int]) -> None:
    """Units of a layer stand in one column from the first down; layers from left to right."""
    diagram = figures.network(dense(*sizes))
    places = {node.name: node.at for node in diagram.nodes}
    columns = []
    for layer, count in enumerate(sizes):
        found = [places[f"a{layer}_{unit}" if layer else f"x_{unit}"] for unit in shown_units(diagram, layer, count)]
        assert len({point.x for point in found}) == 1
        assert [point.y for point in found] == sorted(point.y for point in found)
        columns.append(found[0].x)
    assert columns == sorted(set(columns))


@settings(derandomize=True, deadline=None, max_examples=many(15))
@given(SIZES)
def test_network_every_weight_has_an_edge_or_is_left_out_openly(sizes: list[int]) -> None:
    """Each weight between shown units is one line; two layers have all labels, up to 16, or none; the caption counts."""
    solution = dense(*sizes)
    figure = figure_placement.network(solution)
    assert figure is not None
    diagram = figure.picture
    assert isinstance(diagram, Diagram)
    expected, told = [], {text.name for text in diagram.texts}
    for layer, (before, count) in enumerate(itertools.pairwise(sizes), start=1):
        pairs = itertools.product(shown_units(diagram, layer, count), shown_units(diagram, layer - 1, before))
        names = [f"W{layer}_{end}_{start}" for end, start in pairs]
        expected += names
        is_few = max(before, count) <= MOST_UNITS and len(names) <= MOST_LABELLED
        assert told.isdisjoint(names) or (is_few and told >= set(names))
    assert sorted(expected) == sorted(weights(diagram))
    thick = [line for line in diagram.lines if line.thickness != 1]
    assert told.isdisjoint(line.name for line in thick)
    caption = language.say("en", figure.caption)
    is_whole = all(len(shown_units(diagram, layer, count)) == count for layer, count in enumerate(sizes))
    assert is_whole != (f"of the {sum(sizes)} units" in caption)
    assert is_whole != ("⋮" in str(diagram.texts))
    assert max(sizes) <= MOST_UNITS or not is_whole
    assert bool(thick) == ("thicker" in caption)


def test_network_left_out_layers_are_dots() -> None:
    """A network of many layers shows the first ones, dots, and the last; no edge bridges the gap."""
    diagram = figures.network(dense(*([1] * 12)))
    shown = [int(node.name[1:].partition("_")[0]) for node in diagram.nodes if node.name.startswith("a")]
    assert shown == [1, 2, 3, 4, 5, 11]
    assert ("…",) in [text.label for text in diagram.texts]
    assert "W11_1_1" not in weights(diagram)


def test_network_edge_width_is_the_size_of_the_weight() -> None:
    """Between large layers a thicker line is a larger weight, and the negative ones are dashed."""
    solution = dense(6, 5)
    values = solution.steps[0].values
    lines = [line for line in figures.network(solution).lines if line.name.startswith("W")]
    by_size = sorted(lines, key=lambda line: abs(values.value(line.name)))
    assert [line.thickness for line in by_size] == sorted(line.thickness for line in lines)
    assert {line.name for line in lines if line.is_dashed} == {
        line.name for line in lines if values.value(line.name) < 0
    }
    assert 0 < sum(line.is_dashed for line in lines) < len(lines)


def test_layout_edges_lead_to_later_ranks_and_cross_little() -> None:
    """Every edge leads to a later rank; a graph that can be drawn without crossings is."""
    nodes = ["a", "b", "c", "d", "p", "q", "r", "s", "end"]
    edges = [("a", "s"), ("b", "r"), ("c", "q"), ("d", "p"), *((name, "end") for name in "pqrs")]
    found = layout(edges, ranks_of(nodes, edges, "abcd"))
    assert all(found.rank_of[start] < found.rank_of[end] for start, end in edges)
    ends = sorted((found.places[start], found.places[end]) for start, end in edges[:4])
    assert [end for _, end in ends] == sorted(end for _, end in ends)


@settings(derandomize=True, deadline=None, max_examples=many(60))
@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=30))
def test_layout_gives_each_node_a_place_of_its_own(pairs: list[tuple[int, int]]) -> None:
    """Two nodes of one rank are at least a row apart, whatever the graph."""
    edges = list(dict.fromkeys((f"n{min(p)}", f"n{max(p)}") for p in pairs if p[0] != p[1]))
    nodes = [f"n{k}" for k in range(12)]
    read = {start for start, _ in edges} - {end for _, end in edges}
    found = layout(edges, ranks_of(nodes, edges, read))
    for first, second in each(itertools.combinations(nodes, 2)):
        if found.rank_of[first] == found.rank_of[second]:
            assert abs(found.places[first] - found.places[second]) > 1 - 1e-9
    for start, end in edges:
        assert len(found.passes[start, end]) == found.rank_of[end] - found.rank_of[start] - 1


def test_graph_large_one_is_left_out_in_the_middle() -> None:
    """Of a long chain of gates the first and the last are shown, dots between them, and the caption says so."""
    solution = chain_of(60)
    figure = figures_of(solution)[0]
    diagram = figure.picture
    assert isinstance(diagram, Diagram)
    gates = [node.name for node in diagram.nodes if node.is_round and node.name]
    assert len(diagram.nodes) <= 24
    assert ["g1", "g60"] == [gates[0], gates[-1]]
    assert ("…",) in [text.label for text in diagram.texts]
    assert f"{len(gates)} of the 60 equations" in language.say("en", figure.caption)


# What is written


def number_of(label: tuple[object, ...]) -> float:
    """Return the number in a label."""
    (found,) = [part for part in label if isinstance(part, Decimal)]
    return float(found.text) * 10.0**found.exponent


@pytest.mark.parametrize("name", [*NETWORKS, *GRAPHS])
def test_diagram_numbers_are_those_of_the_solution(name: str) -> None:
    """What is written in the colour of gradients is a gradient, everything else a value, to the digits shown."""
    solution = solved(name)
    values = solution.steps[0].values
    checked = Counter[str]()
    for text in diagram_of(solution).texts:
        if sum(isinstance(part, Decimal) for part in text.label) != 1 or len(text.label) not in (1, 3):
            continue
        is_gradient = text.ink is Ink.BACKWARD
        expected = float((values.gradient if is_gradient else values.value)(text.name))
        assert math.isclose(expected, number_of(text.label), rel_tol=6e-4, abs_tol=1e-300), text
        checked[text.ink] += 1
    assert checked[Ink.BACKWARD] > 0
    assert sum(checked.values()) > checked[Ink.BACKWARD]


@settings(derandomize=True)
@given(st.fractions(max_denominator=10**6), st.integers(1, 8))
def test_decimal_is_near_and_exact_only_if_it_says_so(value: Fraction, digits: int) -> None:
    """A printed number is within half a unit of its last digit; it counts as exact just when it is."""
    found = decimal(value, digits)
    printed = Fraction(found.text) * Fraction(10) ** found.exponent
    assert found.exact == (printed == value)
    assert abs(printed - value) <= abs(value) * Fraction(51, 100) * Fraction(10) ** (1 - digits)
    assert not found.text.startswith("-0") or Fraction(found.text) != 0


def test_network_rounded_number_is_not_joined_by_an_equality_sign() -> None:
    """`=` stands where the number is exact, `≈` where it was rounded."""
    for name, sign in (("mazur", " = "), ("xor", " ≈ ")):
        labels = [
            text.label for text in diagram_of(solved(name)).texts if text.name == "W1_1_1" and len(text.label) == 3
        ]
        assert [sign] == [label[1] for label in labels]


def test_network_without_numbers_shows_symbols_only() -> None:
    """A problem that leaves its numbers out has a diagram with every edge and its symbol."""
    diagram = figures.network(dense(2, 3, 1, values=False))
    assert len(weights(diagram)) == 9
    assert not any(isinstance(part, Decimal) for text in diagram.texts for part in text.label)
    assert Symbol("W", ("12",), ("(1)",)) in [text.label[0] for text in diagram.texts]


@pytest.mark.parametrize(
    ("name", "start"), [("mazur", "W1_2_1"), ("deep", "W1_1_1"), ("deep", "b2_3"), ("classifier", "W1_1_1")]
)
def test_network_path_is_what_changes_with_the_parameter(name: str, start: str) -> None:
    """A quantity lies on the chains of a parameter just when it changes with it."""
    solution = solved(name)
    derivation = solution.derivation
    evaluation = Evaluation.of(derivation, FLOAT)
    shared, data = leaves(derivation, FLOAT)
    before = evaluation.forward(shared, data).shared
    after = evaluation.forward({**shared, start: shared[start] + 0.5}, data).shared
    changed = {key for key in before if before[key] != after[key]}
    computed = {key for key in before if key in derivation.equations}
    for found in (diagram_of(solution, start).path, set(diagram_of(solution).paths[start])):
        assert changed & computed == found & computed
        assert start in found
        # A weight is passed just when the unit it starts from changes.
        for weight in (key for key in before if key.startswith("W") and key != start):
            layer, _, unit = weight[1:].split("_")
            assert (weight in found) == (int(layer) > 1 and f"a{int(layer) - 1}_{unit}" in changed)


def test_path_of_an_unknown_parameter_is_an_error() -> None:
    """A misspelt parameter is answered with the nearest one."""
    with pytest.raises(UnknownNameError, match="W1_2_1"):
        figures.network(solved("mazur"), highlight="W1_21")


def test_graph_path_leads_through_every_reader() -> None:
    """The chains of a recurrent weight run through every step."""
    path = diagram_of(solved("rnn"), "Wh").path
    assert {"Wh", "z1", "h1", "z2", "h2", "z3", "h3", "o", "L"} <= path
    assert {"Wx", "x_1"}.isdisjoint(path)


@pytest.mark.parametrize("name", ["mazur", "deep", "circuit", "lstm"])
def test_given_figure_tells_no_answer(name: str) -> None:
    """The figure of an assignment shows the numbers that the problem states: nothing computed, no gradient."""
    problem = symbackprop.example(name)
    derivation = symbackprop.derive(problem)
    figure = figure_placement.given(derivation)
    diagram = figure.picture
    assert isinstance(diagram, Diagram)
    numbered = {text.name for text in diagram.texts if any(isinstance(part, Decimal) for part in text.label)}
    leaves_of = {element for q in derivation.graph.quantities.values() for element in q.elements()} - set(
        derivation.equations
    )
    assert numbered == {name for name in numbered if name in leaves_of}
    drawn = {element for node in diagram.nodes for element in node.also} | {line.name for line in diagram.lines}
    parameters = [element for quantity in derivation.parameters for element in quantity.elements()]
    assert drawn & set(parameters) <= numbered
    # The lstm has its parameters inside its nodes, as the caption says.
    assert (name == "lstm") == ("parameters have no nodes of their own" in language.say("en", figure.caption))
    assert Ink.BACKWARD not in {text.ink for text in diagram.texts}
    words = language.say("en", figure.alternative)
    assert "gradient" not in words
    told = [language.say("en", each) for each in diagram.told.values()]
    assert told and all(" = " in each or " ≈ " in each for each in told)
    assert not any("gradient" in each for each in told)


# Both formats


def elements(found: figures.Picture, words: Any = WORDS) -> ET.Element:
    """Return the SVG of a figure, parsed."""
    return ET.fromstring(svg.picture(found, words, "en"))


@pytest.mark.parametrize("name", [*NETWORKS, *GRAPHS])
def test_svg_names_everything_it_draws(name: str) -> None:
    """Everything drawn has its code name; parameters list what lies on their chains, all of it drawn."""
    solution = solved(name)
    diagram = diagram_of(solution)
    root = elements(diagram)
    named = Counter(element.get("data-name") for element in root.iter() if element.get("data-name"))
    expected = Counter(s.name for s in (*diagram.nodes, *diagram.lines, *diagram.texts) if s.name)
    assert expected == named
    also = {name for e in root.iter() for name in (e.get("data-also") or "").split()}
    quantities = solution.derivation.graph.quantities
    known = set(quantities) | {element for quantity in quantities.values() for element in quantity.elements()}
    assert set(named) <= known
    paths = {e.get("data-name"): e.get("data-path") for e in root.iter() if e.get("data-path")}
    parameters = {each for q in solution.derivation.parameters for each in (q.name, *q.elements())}
    assert parameters & set(named) <= set(paths)
    for start, path in paths.items():
        assert path is not None
        assert start in path.split()
        assert set(path.split()) <= set(named) | also


def test_svg_says_what_it_shows_and_runs_nothing() -> None:
    """A figure is an image with a title and a description in words; no script, no identifier, no address."""
    stated, *paths, figure = figures_of(solved("mazur"))
    assert ["The path from w5 to E.", "2 paths from w1 to E."] == [language.say("en", p.alternative) for p in paths]
    assert "gradient" not in elements(stated.picture, stated.alternative).findtext(f"{SVG}desc", "")
    root = elements(figure.picture, figure.alternative)
    assert "img" == root.get("role")
    assert "Network diagram" == root.findtext(f"{SVG}title")
    words = root.findtext(f"{SVG}desc") or ""
    assert words.startswith("Network with 2 inputs, 2 hidden units, 2 outputs.")
    # Twenty-three numbers in a run help nobody: every part says its own.
    assert words == "Network with 2 inputs, 2 hidden units, 2 outputs."
    assert "w5 = 0.40, gradient 0.08217" == language.say("en", figure.picture.told["W2_1_1"])
    names = {attribute for element in root.iter() for attribute in element.attrib}
    assert not any(name == "id" or name.startswith("on") or "href" in name for name in names)
    assert {"svg", "title", "desc", "style", "path", "rect", "circle", "text", "tspan"} >= {
        element.tag.removeprefix(SVG) for element in root.iter()
    }


HOSTILE = "</text><script>alert(1)</script>&\"'\x07 \\input{x} $% }"


def test_hostile_text_is_only_text() -> None:
    """Markup and TeX in a label come out as the characters they are, in both formats."""
    diagram = Diagram(
        message("figure.above", target=HOSTILE),
        (DiagramNode(Point(20, 20), Point(9, 9), HOSTILE, also=(HOSTILE,)),),
        (Arrow((Point(1, 1), Point(30, 30)), HOSTILE),),
        (Text(Point(20, 20), (HOSTILE, message("figure.above", target=HOSTILE)), name=HOSTILE),),
        {HOSTILE: (HOSTILE,)},
        width=40,
        height=40,
    )
    root = elements(diagram, message("figure.above", target=HOSTILE))
    shown = HOSTILE.replace("\x07", "")
    assert shown in (root.findtext(f"{SVG}desc") or "").replace("\\x07", "")
    (text,) = root.iter(f"{SVG}text")
    assert "".join(text.itertext()).startswith(shown)
    assert shown == text.get("data-name")
    assert not list(root.iter("script")) and not list(root.iter(f"{SVG}script"))
    written = tikz.picture(diagram, "en", escapes.latex)
    assert r"\input" not in written
    assert r"\textbackslash{}input\{x\}" in written


def test_hostile_text_in_a_plot_is_only_text() -> None:
    """A legend with markup, dollars and TeX shows them as they are."""
    series = figures.losses(solve(symbackprop.example("line")))
    assert series is not None
    named = dataclasses.replace(series.series[0], name=message("figure.above", target=HOSTILE))
    plot = dataclasses.replace(series, series=(named,))
    root = elements(plot, message("figure.above", target=HOSTILE))
    assert "<script>" in "".join(root.itertext())
    assert not list(root.iter(f"{SVG}script"))
    assert r"\input" not in tikz.picture(plot, "en", escapes.latex)


@pytest.mark.parametrize("name", ["mazur", "deep", "lstm"])
def test_both_formats_have_the_same_coordinates(name: str) -> None:
    """Circles, labels and lines stand at the same places in SVG and in TikZ."""
    diagram = diagram_of(solved(name))
    root, written = elements(diagram), tikz.picture(diagram, "en", escapes.latex)
    circles = [(e.get("cx"), e.get("cy")) for e in root.iter(f"{SVG}circle")]
    assert circles == re.findall(r"\((\S+),(\S+)\) circle", written)
    texts = [e.get("x") for e in root.iter(f"{SVG}text")]
    assert texts == re.findall(r"\\node(?:\[[^\]]*\])? at \((\S+?),", written)
    starts = [re.match(r"M(\S+) (\S+?)[LC]", e.get("d") or "") for e in root.iter(f"{SVG}path")]
    assert [found.groups() for found in starts if found] == re.findall(
        r"\\draw\[[^]]*\] \((\S+?),(\S+?)\) (?:--|\.\.)", written
    )
    assert len(diagram.lines) == len(starts)


def test_both_formats_plot_the_same_points() -> None:
    """The points of a curve stand in the TikZ as they are in the plot."""
    plot = figures.losses(solve(symbackprop.example("line")))
    assert plot is not None
    assert "coordinates {(0,0.5) (1,0.125) (2,0.03125)}" in tikz.picture(plot, "en", escapes.latex)
    root = elements(plot)
    lines = [e for e in root.iter(f"{SVG}path") if e.get("stroke") == "#1B5E9B"]
    assert any((e.get("d") or "").count("L") == 2 for e in lines)


def test_plots_are_the_same_bytes_each_time() -> None:
    """A plot has no date, no random identifier and no trace of the machine."""
    plot = figures.landscape(solve(symbackprop.problem(TWO)))
    assert plot is not None
    first = svg.picture(plot, WORDS, "en")
    assert first == svg.picture(plot, WORDS, "en")
    assert not re.search(r"\d{4}-\d\d-\d\d|Created with", first)


def test_figure_in_a_file_is_seen_on_a_dark_page() -> None:
    """Its lines are black there, and so it brings white paper; in a page of ours it has the page's."""
    line = solve(symbackprop.example("line"))
    for found in (diagram_of(line), figures.losses(line)):
        assert found is not None
        assert elements(found).get("style", "").endswith("background: var(--paper, #fff)")


def test_plots_in_one_page_do_not_disturb_each_other() -> None:
    """They have no identifiers, and their styles are for figures only."""
    solution = solve(symbackprop.example("line"))
    found = [elements(plot) for plot in (figures.losses(solution), figures.landscape(solution)) if plot is not None]
    assert 2 == len(found)
    assert not [element for root in found for element in root.iter() if element.get("id")]
    for style in each([style for root in found for style in root.iter(f"{SVG}style")], 2):
        assert re.fullmatch(r"(svg\.figure path[^{}]*\{[^{}]*\})+", (style.text or "").strip())


@pytest.mark.sweep
@pytest.mark.parametrize("program", ["pdflatex", "xelatex"])
def test_tikz_compiles(program: str, tmp_path: Path) -> None:
    """All kinds of figures compile, without errors and without anything beyond the margin."""
    compiler = require_tool(program)
    pictures: list[figures.Picture] = [
        diagram_of(solved(name)) for name in ("mazur", "deep", "lstm", "attention", "circuit")
    ]
    pictures += [
        figures.network(dense(10, 9)),
        figures.network(solved("mazur"), "W1_2_1"),
        figures.gates(chain_of(60)),
    ]
    line, two = solve(symbackprop.example("line")), solve(symbackprop.problem(TWO))
    xor = solve(symbackprop.example("xor"), steps=8000)
    plots = [
        figures.losses(line),
        figures.landscape(line),
        figures.landscape(two),
        figures.boundary(xor),
        figures.losses(xor),
    ]
    assert None not in plots
    pictures += [plot for plot in plots if plot is not None]
    body = "\n".join(rf"\begin{{center}}{tikz.picture(each, 'en', escapes.latex)}\end{{center}}" for each in pictures)
    (tmp_path / "figures.tex").write_text(
        r"""\documentclass[11pt,a4paper]{article}
\usepackage[margin=19mm]{geometry}\usepackage{amsmath,graphicx,xcolor,tikz,pgfplots}\pgfplotsset{compat=1.16}
\definecolor{symbackpropforward}{HTML}{1B5E9B}\definecolor{symbackpropbackward}{HTML}{B3261E}
\definecolor{symbackpropsoft}{HTML}{5A5A5A}\newcommand{\symbackpropchar}[1]{#1}
\begin{document}\setlength{\parindent}{0pt}
"""
        + body
        + "\n\\end{document}\n",
        "utf-8",
    )
    done = subprocess.run(
        [compiler, "-interaction=nonstopmode", "-halt-on-error", "figures.tex"],
        cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=300,
    )  # fmt: skip
    log = (tmp_path / "figures.log").read_text("utf-8", "replace")
    assert done.returncode == 0, log[-3000:]
    assert not re.findall(r"Overfull \\[hv]box.*|Missing character.*|^! .*", log, re.MULTILINE)


# Curves


def test_losses_curve_has_every_loss() -> None:
    """The curve passes every loss of the solution; there is none for a single step."""
    solution = solve(symbackprop.example("mazur"), steps=30)
    plot = figures.losses(solution)
    assert plot is not None
    assert tuple(enumerate(solution.losses)) == plot.series[0].points
    assert figures.losses(solved("mazur")) is None


def test_losses_curve_of_many_updates_keeps_both_ends() -> None:
    """Of thousands of losses some are drawn, the first and the last among them, each at its own update."""
    solution = solve(symbackprop.example("xor"), steps=1200)
    plot = figures.losses(solution)
    assert plot is not None
    points = plot.series[0].points
    assert len(points) <= 400
    assert [0, 1200] == [points[0].x, points[-1].x]
    assert all(solution.losses[int(point.x)] == point.y for point in points)


@pytest.mark.parametrize("optimizer", ["gradient_descent", "momentum", "adam"])
def test_landscape_follows_the_descent(optimizer: str) -> None:
    """The path over one parameter passes the losses of the solution and ends at its last parameter."""
    problem = symbackprop.problem(
        {
            "graph": {
                "parameters": {"w": "-1/2"},
                "equations": ["L = 1/4*w**4 - 1/3*w**3 - w**2 + 8/3"],
                "output": "L",
            },
            "training": {"optimizer": optimizer, "learning_rate": 0.1, "steps": 12},
        }
    )
    solution = solve(problem)
    plot = figures.landscape(solution)
    assert plot is not None
    path = plot.series[-1].points
    assert [pytest.approx(loss) for loss in solution.losses] == [point.y for point in path]
    assert pytest.approx(float(solution.final["w"])) == path[-1].x
    curve = plot.series[0].points
    assert all(math.isclose(p.y, p.x**4 / 4 - p.x**3 / 3 - p.x**2 + 8 / 3, abs_tol=1e-12) for p in curve)
    # Both minima of this loss are in sight.
    assert curve[0].x < -1 and curve[-1].x > 2


def test_surface_has_lines_of_equal_loss() -> None:
    """Each contour is a line of (nearly) one loss, and the descent passes its own parameters."""
    solution = solve(symbackprop.problem(TWO))
    plot = figures.landscape(solution)
    assert plot is not None
    *contours, path = plot.series
    assert len(contours) >= 5
    for line in contours:
        heights = [x * x + 4 * y * y + x * y for x, y in line.points]
        assert max(heights) - min(heights) < 0.02 * max(heights) + 0.02
    assert (2, 1) == path.points[0]
    final = [float(solution.final[name]) for name in "ab"]
    assert pytest.approx(final) == list(path.points[-1])


def test_boundary_is_where_the_output_is_one_half() -> None:
    """On the boundary the trained network says one half; the samples stand on both sides."""
    solution = solve(symbackprop.example("xor"), steps=8000)
    plot = figures.boundary(solution)
    assert plot is not None
    evaluation = Evaluation.of(solution.derivation, FLOAT, ())
    shared, data = leaves(solution.derivation, FLOAT)
    trained = {**shared, **{name: float(value) for name, value in solution.final.items()}}
    lines = [series for series in plot.series if series.joined and not series.is_dashed]
    assert lines
    for x, y in (point for series in lines for point in series.points):
        found = evaluation.forward(trained, [{**data[0], "x_1": x, "x_2": y}]).samples[0]
        assert abs(found["a2_1"] - 0.5) < 0.01
    marked = {series.marker: set(series.points) for series in plot.series if not series.joined}
    assert {"circle": {(0, 1), (1, 0)}, "square": {(0, 0), (1, 1)}} == marked


@pytest.mark.parametrize("name", ["mazur", "deep", "circuit", "attention"])
def test_no_boundary_and_no_landscape_where_there_is_none(name: str) -> None:
    """Only classifiers of two inputs have a boundary, only descents of one or two parameters a landscape."""
    solution = solve(symbackprop.example(name))
    assert figures.boundary(solution) is None
    assert figures.landscape(solution) is None


# In documents


@pytest.mark.parametrize("name", [*NETWORKS, *GRAPHS])
def test_document_shows_its_figures_with_words(name: str) -> None:
    """The statement opens with the diagram; every figure has a caption and words for those who cannot see it."""
    solution = solve(symbackprop.example(name), steps=40)
    found = figures_of(solution)
    assert isinstance(found[0].picture, Diagram)
    expected = [
        plot is not None for plot in (figures.losses(solution), figures.landscape(solution), figures.boundary(solution))
    ]
    assert sum(expected) == sum(isinstance(figure.picture, Plot) for figure in found)
    for figure in found:
        assert "{" not in language.say("en", figure.caption)
        words = language.say("en", figure.alternative)
        assert words.endswith(".") and "Message(" not in words and "Name(" not in words


@pytest.mark.sweep
def test_documents_do_not_load_matplotlib() -> None:
    """Plots of documents are ours, as a page draws them anew; matplotlib is for the files of `train --plot`."""
    code = (
        "import sys, symbackprop as s\n"
        "solution = s.solve(s.example('line'))\n"
        "assert 'tikzpicture' in s.render(solution, format='latex')\n"
        "assert s.render(solution, format='html').count('<svg') >= 3\n"
        "assert 'matplotlib' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_label_width_follows_what_is_printed() -> None:
    """A symbol is as wide as its letter and the wider of its two indices; a number grows with its digits."""
    assert width((Symbol("w"),)) < width((Symbol("w", ("12",)),)) == width((Symbol("w", ("12",), ("1",)),))
    assert width((Decimal("0.25"),)) < width((Decimal("-0.25"),)) < width((Decimal("-0.25", -12),))
