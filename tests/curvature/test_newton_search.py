"""The numeric search for critical points: what counts as one place, and what it finds on a line and in a plane."""

from __future__ import annotations

from fractions import Fraction

import pytest

import symbackprop as sbp
from symbackprop.curvature import newton_search
from symbackprop.curvature.tangents import Sweep
from symbackprop.evaluation.arithmetics import EXACT


def test_places_that_are_near_each_other_are_one() -> None:
    """The first of two near places stays; a search that arrived nowhere leaves none."""
    assert [(0.0,), (1.0,)] == newton_search.distinct([(0.0,), None, (1e-9,), (1.0,)], 1e-6)
    assert 3.0 == newton_search.distance((1.0, 5.0), (2.0, 2.0))


def searched(output: str, **parameters: int) -> Sweep:
    """Return the sweep of a function of some parameters."""
    graph = {"parameters": parameters, "equations": [f"f = {output}"], "output": "f"}
    derivation = sbp.derive(sbp.problem({"graph": graph}))
    return Sweep(derivation, EXACT, tuple(parameters))


def test_search_on_a_line_finds_every_zero_of_the_gradient() -> None:
    """w⁴ − 2w² has its critical points at −1, 0 and 1."""
    found = newton_search.on_line(searched("w**4 - 2*w**2", w=3), Fraction(5))
    assert [-1, 0, 1] == pytest.approx(sorted(float(place[0]) for place in found), abs=1e-9)


def test_search_in_a_plane_finds_minimum_and_saddle() -> None:
    """u⁴ − 2u² + v² has two minima and a saddle between them."""
    found = newton_search.in_plane(searched("u**4 - 2*u**2 + v**2", u=2, v=1), [Fraction(3), Fraction(3)])
    places = sorted((round(float(u), 6), round(float(v), 6)) for u, v in found)
    assert [(-1, 0), (0, 0), (1, 0)] == places
