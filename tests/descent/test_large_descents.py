"""Large problems: nothing is computed that nobody reads, and what is read is as if all of it had been."""

from __future__ import annotations

import copy
import json
import math
import pickle
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy
import pytest

import symbackprop as sbp
from symbackprop.arithmetic import exact
from symbackprop.derivation.stated_numbers import StatedNumbers
from symbackprop.descent import compiled_course, solution, update
from symbackprop.descent.solution import solve
from symbackprop.errors import EvaluationError
from symbackprop.evaluation import pieces
from symbackprop.evaluation.arithmetics import EXACT, FLOAT, Arithmetic
from symbackprop.evaluation.evaluate import Evaluation, Values, evaluate, leaves
from symbackprop.evaluation.lazy_mappings import Deferred, OnDemand
from symbackprop.graph import quantities
from symbackprop.graph.scalars import Scalar
from symbackprop.problems.load import examples
from tests.helpers import each, few, only

TRAINED = [name for name in examples() if sbp.example(name).training is not None]


def network(*widths: int, activation: str = "relu", samples: int = 0, **training: object) -> dict[str, Any]:
    """Return the content of a problem with drawn numbers: a network with softmax, on one sample or several."""
    draw = numpy.random.Generator(numpy.random.PCG64(5))
    inputs, *hidden, outputs = widths
    layers = [{"units": width, "activation": activation} for width in hidden]
    shape = (samples, inputs) if samples else inputs
    return {
        "network": {
            "inputs": inputs,
            "layers": [*layers, {"units": outputs, "activation": "softmax"}],
            "loss": "cross_entropy",
        },
        "parameters": {"initializer": "he_uniform", "seed": 1},
        "data": {"x": (draw.integers(0, 17, shape) / 16).tolist(), "y": [n % outputs for n in range(samples)] or 1},
        "training": {"learning_rate": 0.1, **training},
    }


# What is computed


def test_what_nobody_reads_is_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document between arrays of 6,125 parameters runs fewer terms and links one by one than a tenth of them."""
    problem = sbp.problem(network(300, 20, 5))
    made, original = [0], pieces.Piece.addends

    def counted(piece: pieces.Piece, place: pieces.Place, arithmetic: Arithmetic) -> list[Any]:
        made[0] += 1
        return original(piece, place, arithmetic)

    monkeypatch.setattr(pieces.Piece, "addends", counted)
    found = solve(problem)
    assert r"\cdots" in str(sbp.render(found, "latex"))
    count = found.derivation.graph.parameter_count
    assert solution.LARGE < count == 6125
    assert 0 < made[0] < count / 10
    assert len(dict(found.steps[0].updated or {})) == count
    assert made[0] > count


def test_gradients_wait_until_they_are_read() -> None:
    """Those by weights and inputs do; those that others are computed from do not."""
    derivation = sbp.derive(sbp.problem(network(20, 4, 3)))
    gradients = evaluate(derivation).gradients
    assert isinstance(gradients, OnDemand)
    waiting = {name for name in gradients if name not in gradients.known}
    assert {"W1_1_1", "W2_1_1", "b1_1", "x_1"} <= waiting
    assert waiting.isdisjoint(derivation.equations)
    value = gradients["W1_1_1"]
    assert gradients.known["W1_1_1"] is value is gradients["W1_1_1"]


def test_a_partial_without_a_value_is_found_at_once() -> None:
    """Only products wait: the derivative of a root at 0 is looked for where it always was."""
    graph = {"equations": ["y = w * x", "L = sqrt(w) + y"], "parameters": {"w": 0}, "inputs": {"x": 2}, "output": "L"}
    with pytest.raises(EvaluationError, match="∂L/∂w"):
        solve(sbp.problem({"graph": graph}))


# It is the same


@pytest.mark.parametrize("samples", [0, 3])
@pytest.mark.parametrize("activation", ["relu", "tanh", "linear"])
@pytest.mark.parametrize("kind", [EXACT, FLOAT], ids=["exact", "float64"])
def test_products_in_a_row_are_products_one_by_one(kind: Arithmetic, activation: str, samples: int) -> None:
    """Fractions and float64 are equal, other exact numbers agree to 45 digits; forwards and backwards."""
    derivation = sbp.derive(sbp.problem(network(24, 18, 17, 3, activation=activation, samples=samples)))

    def passed(arithmetic: Arithmetic) -> Values:
        made = Evaluation.of(derivation, arithmetic)
        return made.backward(made.forward(*leaves(derivation, arithmetic)))

    together, alone = passed(kind), passed(replace(kind, products=None))
    pairs = list(zip(numbers(together), numbers(alone), strict=True))
    assert len(pairs) > 700
    for found, expected in each(pairs):
        if isinstance(expected, Fraction | float):
            assert (type(found), found) == (type(expected), expected)
        else:
            assert abs(exact.add(found, exact.negate(expected))) <= abs(expected) / exact.Real(10) ** 45


def numbers(values: Values) -> Iterator[Any]:
    """Iterate over the numbers of a pass, by name."""
    for mapping in (values.shared, *values.samples, values.gradients, *values.sample_gradients):
        yield from (mapping[name] for name in sorted(mapping))


@pytest.mark.parametrize("name", few(TRAINED, 4))
def test_compiled_descents_are_the_exact_ones(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is learned and however: losses, predictions and parameters of float64 are those of exact numbers."""
    problem = sbp.example(name)
    training = problem.training
    assert training is not None
    monkeypatch.setattr(solution, "LONG", math.inf)
    found = solve(problem)
    compiles = problem.notation.round_intermediates is None and training.update != "sequential"
    updates = len(found.losses) - 1
    with monkeypatch.context() as large:
        assert compared(found, large, LARGE=0) == (updates if compiles else 0)
    with monkeypatch.context() as long:
        assert compared(found, long, LONG=1) == (updates - len(found.steps) if compiles else 0)


def compared(expected: sbp.Solution, monkeypatch: pytest.MonkeyPatch, **limits: int) -> int:
    """Compare a solution with that of the same problem taken for large or long; return how many updates were compiled."""
    made = [0]

    class Counted(compiled_course.CompiledCourse):
        def update(self, batch: Any, times: int = 1) -> list[float]:
            made[0] += times
            return super().update(batch, times)

    for name, limit in limits.items():
        monkeypatch.setattr(solution, name, limit)
    monkeypatch.setattr(compiled_course, "CompiledCourse", Counted)
    found = solve(expected.problem)
    assert found.losses == pytest.approx(expected.losses, rel=1e-11, abs=1e-300)
    assert found.stopped == expected.stopped and found.predictions.keys() == expected.predictions.keys()
    for step in each(expected.predictions):
        floats = list(map(float, expected.predictions[step]))
        assert list(map(float, found.predictions[step])) == pytest.approx(floats, rel=1e-10, abs=1e-14)
        floats = list(map(float, expected.places[step]))
        assert list(map(float, found.places[step])) == pytest.approx(floats, rel=1e-10)
    floats = {name: float(value) for name, value in expected.final.items()}
    assert {name: float(value) for name, value in found.final.items()} == pytest.approx(floats, rel=1e-9, abs=1e-14)
    after = (found.after, expected.after)
    assert after[0] is not None and after[1] is not None
    assert list(numbers(after[0])) == list(numbers(after[1]))
    return made[0]


@pytest.mark.parametrize("detail", only(["matrix", "representative", "short", "full"], "representative"))
def test_documents_of_large_problems_are_as_if_all_was_exact(detail: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text and JSON of a solution whose losses come from float64 are those of one that is exact throughout."""
    problem = sbp.problem(network(20, 5, 3, optimizer="adam"))
    before = solve(problem)
    monkeypatch.setattr(solution, "LARGE", 0)
    after = solve(problem)
    assert str(sbp.render(before, "markdown", detail=detail)) == str(sbp.render(after, "markdown", detail=detail))
    found, expected = (json.loads(str(sbp.render(each, "json"))) for each in (after, before))
    assert found["gradients"] == expected["gradients"] and found["updated"] == expected["updated"]
    assert found["final"]["loss"] == pytest.approx(expected["final"]["loss"], rel=1e-14)


# The mappings


def test_mappings_on_demand_are_mappings() -> None:
    """They count, list and compare everything, copy and pickle as dictionaries, and ask for each name once."""
    asked: list[str] = []

    def square(name: str) -> int:
        asked.append(name)
        return int(name) ** 2

    found = OnDemand({"1": 1}, ["2", "3"], square)
    assert (len(found), list(found), "3" in found, "4" in found, found.get("4")) == (
        3,
        ["1", "2", "3"],
        True,
        False,
        None,
    )
    assert [] == asked and "1 of 3" in repr(found)
    assert (4, 4) == (found["2"], found["2"]) and ["2"] == asked
    whole = {"1": 1, "2": 4, "3": 9}
    assert found == whole == dict(found) == copy.deepcopy(found) == pickle.loads(pickle.dumps(found))
    later = Deferred(lambda: asked.append("all") or whole)
    assert "all" not in asked and "<Deferred>" == repr(later)
    assert later == whole == pickle.loads(pickle.dumps(later)) and "3 names" in repr(later)
    assert (1, "all") == (asked.count("all"), asked[-1]) and "2" in later and len(later) == 3


def test_solutions_of_large_problems_are_copied() -> None:
    """What waits is computed for the copy."""
    found = solve(sbp.problem(network(300, 17, 3)))
    copied = pickle.loads(pickle.dumps(found))
    assert copied.steps[0].updated == dict(found.steps[0].updated or {})
    assert copied.after.value("L") == found.after.value("L") if found.after else False


@pytest.mark.parametrize("name", examples())
def test_stated_numbers_are_those_of_the_problem(name: str) -> None:
    """Every number is found by its scalar, none by a scalar that is not there, and none of an array that is left out."""
    derivation = sbp.derive(sbp.example(name))
    found, expected = derivation.stated_numbers, {}
    for sample, elements, numbers in derivation.stated_arrays():
        own = zip(elements, numbers, strict=True)
        expected |= {Scalar(name, sample): given for name, given in own if given is not None}
    assert found == expected and len(found) == len(expected)
    for scalar in each(expected):
        other = Scalar(scalar.name, 10_000 if scalar.sample is None else None)
        assert found[scalar] is expected[scalar] and found.get(other) is None
    array = derivation.graph.quantity_of(next(iter(expected)).name)
    rest = found.without([array.name])
    assert isinstance(rest, StatedNumbers) and found.get(Scalar("nobody")) is None
    assert dict(rest) == {s: n for s, n in expected.items() if derivation.graph.quantity_of(s.name) != array}


@pytest.mark.parametrize("name", examples())
def test_elements_of_large_graphs_are_found_by_their_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no table of all names is made, a name leads to the same place, and what is none to nothing."""
    graph = sbp.derive(sbp.example(name)).graph
    places = {element: graph.place_of(element) for element in graph.elements()}
    monkeypatch.setattr(quantities, "_MANY", 0)
    large = replace(graph)
    for element, place in each(places.items()):
        assert large.place_of(element) == place and large.has_element(element)
        for wrong in (f"{element}_1_1_1", f"{element}_0", f"{element}x", "nobody"):
            assert wrong in places or not large.has_element(wrong)


def test_long_sums_begin_where_they_are_quicker() -> None:
    """Sums of a page stay what they were; updates are computed when they are read, unless they are many in float64."""
    assert 10 < pieces.LONG_SUM < 30 and solution.LARGE > 1000
    change = solve(sbp.example("mazur")).steps[0].change
    assert isinstance(change, update.Change) and isinstance(change.lines, OnDemand)


def block(width: int, *equations: str) -> dict[str, Any]:
    """Return the content of a graph of so many columns, with drawn numbers."""
    draw = numpy.random.Generator(numpy.random.PCG64(3))
    numbers = {name: (draw.integers(-9, 10, shape) / 10).tolist() for name, shape in _arrays(width).items()}
    given = {name: numbers.pop(name) for name in ("X", "T")}
    return {"graph": {"equations": [*equations], "output": "L", "parameters": numbers, "inputs": given}}


def _arrays(width: int) -> dict[str, tuple[int, ...]]:
    return {"X": (2, width), "T": (2, 3), "W": (width, 20), "b": (20,), "V": (20, 3)}


def test_a_function_of_long_sums_has_a_piece_of_its_own() -> None:
    """What is inside of relu(X W + b) is a quantity where its sums are long, as if it had been given a name."""
    loss = "L = sum((F @ V - T)**2)"
    inside = sbp.derive(sbp.problem(block(40, "F = relu(X @ W + b)", loss)))
    named = sbp.derive(sbp.problem(block(40, "u1 = X @ W + b", "F = relu(u1)", loss)))
    assert inside.graph.formulas == named.graph.formulas
    short = sbp.derive(sbp.problem(block(20, "F = relu(X @ W + b)", loss)))
    assert ["F", "L"] == [equation.name for equation in short.graph.equations]
    found, expected = evaluate(inside), evaluate(named)
    assert list(numbers(found)) == list(numbers(expected))


def test_a_large_graph_lists_one_gradient_of_each_array() -> None:
    """Between arrays the list of formulas has of each long array the first element, and no page of all of them."""
    text = str(sbp.render(solve(sbp.problem(block(40, "F = relu(X @ W + b)", "L = sum((F @ V - T)**2)"))), "markdown"))
    assert r"\frac{\partial L}{\partial W_{1,1}} &=" in text or r"\frac{\partial L}{\partial W_{1,1}} =" in text
    assert r"\frac{\partial L}{\partial W_{7,5}}" not in text
    assert len(text) < 200_000
