"""Critical points of losses whose minima, maxima and saddles are known; descent from different starts."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

import pytest

import symbackprop as sbp
from symbackprop.curvature import CriticalPoints, CurvatureError, Kind, critical_points, polynomial_systems
from symbackprop.curvature.tangents import Sweep
from symbackprop.derivation.derivations import derive
from symbackprop.descent.solution import solve
from symbackprop.evaluation.arithmetics import EXACT
from tests.curvature.test_curvature import graph
from tests.helpers import only


@pytest.mark.parametrize(("loss", "places"), [("w**2 - 3*w", [(Fraction(3, 2),)]), ("exp(w)", None)])
def test_exact_way_is_for_rational_losses(loss: str, places: list[tuple[Fraction, ...]] | None) -> None:
    """A rational loss has its critical places from polynomials, any other is left to the search."""
    derivation = derive(graph([f"L = {loss}"], w=1))
    found = polynomial_systems.critical_places(derivation, Sweep(derivation, EXACT, ("w",)))
    assert places == (None if found is None else found[0])


@pytest.mark.parametrize(
    ("loss", "degree"),
    [
        ("w**3 - 3*w", 3),
        ("3", 1),
        ("w*w*w + w", 3),
        ("(w*w - 2*w)**2/(1 + w*w)", 6),
        ("1/w", 3),
        ("w**-2 + 1/(w - 1)", 7),
    ],
)
def test_degree_is_known_before_anything_is_multiplied_out(loss: str, degree: int) -> None:
    """The degrees above and below the line of a loss, of which nothing cancels, bound that of its derivative's numerator."""
    derivation = derive(graph([f"L = {loss} + 0*w"], w=2))
    assert degree == polynomial_systems._degree(derivation, Sweep(derivation, EXACT, ("w",)))
    found = polynomial_systems.critical_places(derivation, Sweep(derivation, EXACT, ("w",)))
    assert found is not None


def test_loss_of_a_high_degree_is_left_to_the_search() -> None:
    """A parameter squared 24 times is a polynomial of 16,777,216 coefficients, of which none is made."""
    squares = [f"g{place + 1} = g{place}*g{place}" for place in range(1, 24)]
    derivation = derive(graph(["g1 = w*w", *squares, "L = g24"], w="999/1000"))
    start = time.process_time()
    assert polynomial_systems.critical_places(derivation, Sweep(derivation, EXACT, ("w",))) is None
    assert time.process_time() - start < 2


@pytest.mark.parametrize("activation", ["gelu", "silu"])
def test_search_is_not_begun_where_activations_are_long_written_out(activation: str) -> None:
    """What a pass takes is counted with activations written out: twenty of them are no search of a second."""
    nested = "w"
    for _ in range(20):
        nested = f"{activation}({nested})"
    with pytest.raises(CurvatureError, match="search"):
        critical_points(graph([f"L = ({nested} - 1)**2"], w=0.5))


def kinds(found: CriticalPoints) -> list[tuple[str, tuple[float, ...]]]:
    """Return kind and place of each point."""
    return [(str(point.kind), tuple(round(value, 6) for value in point.floats.values())) for point in found.points]


ROOT = round(math.sqrt(2), 6)

CRITICAL: list[tuple[str, Mapping[str, object], bool, list[tuple[str, tuple[float, ...]]]]] = [
    ("w**3 - 3*w", {"w": 0}, True, [("maximum", (-1,)), ("minimum", (1,))]),
    ("w + 1/w", {"w": 5}, True, [("maximum", (-1,)), ("minimum", (1,))]),
    ("w**3", {"w": 5}, True, [("degenerate", (0,))]),
    ("(w**2 - 2)**3", {"w": 5}, True, [("degenerate", (-ROOT,)), ("minimum", (0,)), ("degenerate", (ROOT,))]),
    ("w + 1", {"w": 5}, True, []),
    ("u**2 + u*v + v**2 - 3*u", {"u": 0, "v": 0}, True, [("minimum", (2, -1))]),
    ("u**2 - v**2", {"u": 1, "v": 1}, True, [("saddle", (0, 0))]),
    (
        "u**3 - 3*u + v**3 - 12*v",
        {"u": 0, "v": 0},
        True,
        [("maximum", (-1, -2)), ("saddle", (-1, 2)), ("saddle", (1, -2)), ("minimum", (1, 2))],
    ),
    ("u**4 + v**4 - 4*u*v", {"u": 0, "v": 0}, True, [("minimum", (-1, -1)), ("saddle", (0, 0)), ("minimum", (1, 1))]),
    ("1/2*(sigmoid(w) - 3/4)**2", {"w": 0}, False, [("minimum", (round(math.log(3), 6),))]),
    ("w**2*exp(-w**2)", {"w": 0}, False, [("maximum", (-1,)), ("minimum", (0,)), ("maximum", (1,))]),
    ("(w - exp(1/2))**2", {"w": 0}, False, [("minimum", (round(math.exp(0.5), 6),))]),
    ("(exp(w) - 2)**4", {"w": 0}, False, [("degenerate", (round(math.log(2), 6),))]),
    ("(exp(w) - 2)**3", {"w": 0}, False, [("degenerate", (round(math.log(2), 6),))]),
    ("cos(w)", {"w": 0}, False, [(("minimum", "maximum")[k % 2 == 0], (round(k * math.pi, 6),)) for k in range(-3, 4)]),
    ("abs(w - 1/3)", {"w": 0}, False, [("kink", (0.333333,))]),
    ("abs(w - 1)", {"w": 0}, False, [("kink", (1,))]),
    ("exp(w) + 1/w", {"w": 1}, False, [("minimum", (0.703467,))]),
    ("sigmoid(50*w)", {"w": 1}, False, []),
    ("u**2 + v**2 + exp(u*v)", {"u": 1, "v": 2}, False, [("minimum", (0, 0))]),
    (
        "u*v*exp(-(u**2 + v**2)/2)",
        {"u": 1, "v": 2},
        False,
        [
            ("minimum", (-1, 1)),
            ("maximum", (-1, -1)),
            ("saddle", (0, 0)),
            ("maximum", (1, 1)),
            ("minimum", (1, -1)),
        ],
    ),
]


@pytest.mark.parametrize(
    ("loss", "parameters", "is_complete", "expected"),
    only(CRITICAL, *(row for row in CRITICAL if row[0] != "u*v*exp(-(u**2 + v**2)/2)")),
)
def test_critical_points_are_those_of_the_textbook(
    loss: str, parameters: Mapping[str, object], is_complete: bool, expected: list[tuple[str, tuple[float, ...]]]
) -> None:
    """Known losses in one and two parameters have their known critical points, of the known kinds."""
    found = critical_points(graph([f"L = {loss}"], **parameters))
    assert is_complete is found.is_complete
    assert sorted(expected) == sorted(kinds(found))
    places = [tuple(point.floats.values()) for point in found.points]
    assert sorted(places) == places


def test_critical_points_are_exact() -> None:
    """Rational points are fractions, found exactly or numerically; others have 50 digits, and so has their loss."""
    (point,) = critical_points(graph(["L = (3*w - 1)**2"], w=0)).points
    assert (Fraction(1, 3), Fraction(0), (18,)) == (point.parameters["w"], point.loss, point.eigenvalues)
    (point,) = critical_points(graph(["L = u**2 + v**2 + exp(u*v)"], u=1, v=2)).points
    assert {"u": Fraction(0), "v": Fraction(0)} == point.parameters
    minimum = critical_points(graph(["L = w**3 - 6*w"], w=0)).of_kind(Kind.MINIMUM)[0]
    assert abs(minimum.parameters["w"] ** 2 - 2) < 1e-48


def test_critical_points_of_a_deep_linear_network_lie_on_a_curve() -> None:
    """½(uv − 1)² is least on the whole hyperbola uv = 1, and has a saddle at 0."""
    found = critical_points(graph(["L = 1/2*(u*v - 1)**2"], u=2, v=3))
    assert ["u*v - 1"] == list(map(str, found.curves))
    assert [("saddle", (0, 0))] == kinds(found)
    assert ["0"] == list(map(str, critical_points(graph(["L = 0*w + 1"], w=1)).curves))
    assert ["v"] == list(map(str, critical_points(graph(["L = v**2 + 0*u"], u=1, v=1)).curves))


def test_critical_points_of_a_search_may_be_degenerate() -> None:
    """A curve or a flat stretch that is found numerically is represented by some of its points, in a stated box."""
    found = critical_points(graph(["L = 1/2*(v*sigmoid(u) - 1/2)**2"], u=1, v=2))
    assert {Kind.DEGENERATE} == {point.kind for point in found.points}
    assert all(point.loss < 1e-40 for point in found.points)
    assert (((-10, 10), (-10, 10)), False) == (found.box, found.is_complete)
    (flat,) = critical_points(graph(["L = relu(w)**2"], w=40)).points
    assert flat.kind is Kind.DEGENERATE
    assert flat.floats["w"] < 0


def test_critical_points_are_those_of_what_is_not_frozen() -> None:
    """A network with all but one weight frozen is a problem in one parameter."""
    problem = sbp.example("line", [("network.layers.0.bias", "per_unit"), ("parameters.b1", [3])])
    frozen = sbp.example(
        "line", [("network.layers.0.bias", "per_unit"), ("parameters.b1", [3]), ("training.frozen", ["b1"])]
    )
    assert [("minimum", (-2,))] == kinds(critical_points(frozen))
    assert ["W1_1_1 + b1_1 - 1"] == list(map(str, critical_points(problem).curves))


@pytest.mark.parametrize("start", ["-1/2", "-2", "-0.01", "0.01", "1/2", "3"])
def test_local_minima_attract_different_starts(start: str) -> None:
    """In the bundled example descent ends in the minimum on the start's side of the maximum at 0."""
    problem = sbp.example("local_minima", [("graph.parameters.w", start), ("training.steps", 200)])
    minima = [point.floats["w"] for point in critical_points(problem).of_kind(Kind.MINIMUM)]
    assert [-1, 2] == minima
    expected = minima[0] if Fraction(start) < 0 else minima[1]
    assert math.isclose(expected, solve(problem).final["w"], rel_tol=1e-9)


def test_local_minima_says_what_it_does() -> None:
    """With the steps and the two starts of its comment, the example ends in -1 and in 2."""
    there = solve(sbp.example("local_minima", [("graph.parameters.w", Decimal("0.5"))])).final["w"]
    assert math.isclose(2, there, rel_tol=1e-6)
    assert math.isclose(-1, solve(sbp.example("local_minima")).final["w"], rel_tol=1e-6)


def test_critical_points_are_for_one_or_two_parameters() -> None:
    """Three parameters are refused with a way out, and none at all too."""
    with pytest.raises(CurvatureError, match="one or two parameters, and 3 are not frozen here"):
        critical_points(graph(["L = u*v*w"], u=1, v=1, w=1))
    with pytest.raises(CurvatureError, match="no parameter that is not frozen"):
        critical_points(sbp.example("line", [("training.frozen", ["W1"])]))
