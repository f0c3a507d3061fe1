"""What solutions say that their numbers teach: each observation holds where it is made, and is made where it holds.

Problems are drawn on both sides of every condition; what is true comes from float64 code written here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

import symbackprop as sbp
from symbackprop import document, language
from symbackprop.document.blocks import Document, Note, NoteKind
from symbackprop.document.display_nodes import About
from symbackprop.document.notes import observations
from symbackprop.messages import Message
from tests.documents import dense, sections_of
from tests.helpers import each, few


def observed(content: Document) -> dict[str, Message]:
    """Return the observations of a document by the end of their ids."""
    notes = (block for section in sections_of(content.sections) for block in section.blocks if isinstance(block, Note))
    return {note.text.id.removeprefix("observation."): note.text for note in notes if note.kind is NoteKind.OBSERVATION}


def unit(activation: str, weight: float, x: float = 1.0) -> dict[str, object]:
    """Return a network of one hidden unit of a weight and a linear output."""
    return {
        "network": {
            "inputs": 1,
            "layers": [
                {"units": 1, "activation": activation, "bias": "none"},
                {"units": 1, "activation": "linear", "bias": "none"},
            ],
            "loss": "half_squared_error",
        },
        "parameters": {"W1": [[weight]], "W2": [[1]]},
        "data": {"x": [x], "y": [2]},
        "training": {"learning_rate": "1/10"},
    }


SLOPES = {"sigmoid": lambda a: a * (1 - a), "tanh": lambda a: 1 - a * a}
VALUES = {"sigmoid": lambda z: 1 / (1 + math.exp(-z)), "tanh": math.tanh}


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("activation", sorted(SLOPES))
def test_saturation_is_told_where_the_derivative_is_a_hundredth(activation: str, seed: int) -> None:
    """A unit is called saturated exactly where its derivative is below a hundredth of the largest."""
    draw = Random(seed)
    bound = 6.0 if activation == "sigmoid" else 3.0
    weight = round(draw.choice((-1, 1)) * bound * draw.uniform(0.6, 1.5), 3)
    slope = SLOPES[activation]
    is_saturated = slope(VALUES[activation](weight)) < slope(VALUES[activation](0)) / 100
    content = unit(activation, weight)
    assert is_saturated == ("saturated" in observed(document.compose(sbp.solve(content))))
    content["data"] = {"x": [[1], [1]], "y": [[1], [0]]}
    assert is_saturated == ("saturated_batch" in observed(document.compose(sbp.solve(content))))


@pytest.mark.parametrize("weight", [-2, -0.25, 0.25, 2])
def test_silent_units_are_those_of_negative_pre_activations(weight: float) -> None:
    """A ReLU unit passes no gradient exactly where its pre-activation is negative."""
    assert (weight < 0) == ("silent" in observed(document.compose(sbp.solve(unit("relu", weight)))))


def test_silent_in_a_batch_is_silent_in_every_sample() -> None:
    """A unit that one sample wakes is not called silent."""
    for inputs, expected in each([([[1], [2]], True), ([[1], [-2]], False)]):
        content = unit("relu", -1)
        content["data"] = {"x": inputs, "y": [[1], [1]]}
        assert expected == ("silent_batch" in observed(document.compose(sbp.solve(content))))


@pytest.mark.parametrize("x", [1.0, 0.02, 0.005])
def test_vanishing_is_told_where_gradients_differ_a_hundredfold(x: float) -> None:
    """The first weights are said to learn slowly exactly where their largest gradient is 100 times smaller."""
    solution = sbp.solve(unit("tanh", 0.5, x))
    first, last = (abs(float(solution.steps[0].values.gradient(name))) for name in ("W1_1_1", "W2_1_1"))
    assert (last > 100 * first) == ("vanishing" in observed(document.compose(solution)))


def line(rate: str, steps: int = 1) -> dict[str, object]:
    """Return the line w·x through (1, 1), from w = 0, whose loss has its minimum at w = 1."""
    return {
        "network": {"inputs": 1, "layers": [{"units": 1, "bias": "none"}], "loss": "half_squared_error"},
        "parameters": {"W1": [[0]]},
        "data": {"x": [1], "y": [1]},
        "training": {"learning_rate": rate, "steps": steps},
    }


@pytest.mark.parametrize("rate", ["1/10", "1/2", "9/10", "1", "11/10", "3/2", "5/2"])
def test_overshoot_is_told_where_the_step_passes_the_minimum(rate: str) -> None:
    """The step from 0 leads past the minimum at 1 exactly where the learning rate is greater than 1."""
    found = observed(document.compose(sbp.solve(line(rate))))
    numerator, _, denominator = rate.partition("/")
    assert (int(numerator) > int(denominator or 1)) == ("overshot" in found)


@pytest.mark.parametrize(("start", "expected"), [("-1/2", True), ("-3/2", True), ("1/2", False), ("5/2", False)])
def test_local_minimum_is_told_where_another_is_lower(start: str, expected: bool) -> None:
    """A descent that ends in the higher of two minima is told of the lower one, and no other is."""
    problem = sbp.example("local_minima", [("graph.parameters.w", start)])
    assert expected == ("local_minimum" in observed(document.compose(sbp.solve(problem))))


def descents() -> Iterator[dict[str, object]]:
    """Yield problems of one step: some whose loss goes on falling, some whose does not."""
    yield from (line(rate) for rate in ("1/10", "1/2", "3/2", "2", "5/2"))
    yield dense((2, "sigmoid"), (1, "sigmoid"), training={"learning_rate": "1/2"})


@pytest.mark.parametrize("content", few(list(descents()), 3))
def test_many_updates_lead_where_training_leads(content: dict[str, object]) -> None:
    """The loss after many updates is that of training, and is told only where it is less than after the first one."""
    solution = sbp.solve(content)
    found = observed(document.compose(solution))
    try:
        loss = sbp.train(content, steps=10_000).loss
    except sbp.DivergenceError:
        loss = math.inf
    is_rounding = loss < 1e-20 * solution.losses[0]
    assert (loss < solution.losses[1] < solution.losses[0]) == ("far" in found or "far_zero" in found)
    assert "far_zero" not in found or is_rounding
    if "far" in found:
        assert not is_rounding
        value = found["far"].arguments["value"]
        number = value.body if isinstance(value, About) else value
        assert math.isclose(float(number.value), loss, rel_tol=1e-2, abs_tol=1e-300)  # type: ignore[union-attr]


def test_every_observation_is_looked_at_here() -> None:
    """Each phrase of an observation is one that a test of this module asks for, or that `test_claims` judges."""
    here = Path(__file__).read_text("utf-8")
    judged = {"predicted", "as_predicted"}
    found = {id.removeprefix("observation.") for id in language.phrases("en") if id.startswith("observation.")}
    assert set() == {name for name in found - judged if f'"{name}"' not in here}
    assert observations.LARGEST_SLOPE.keys() == SLOPES.keys()


def test_a_document_in_brief_observes_nothing() -> None:
    """Formulas and numbers alone are what `brief` asks for."""
    assert {} == observed(document.compose(sbp.solve("mazur"), ("full",), "brief"))


def test_steps_shown_are_the_rows_of_the_table() -> None:
    """The table of a descent has the rows that are asked for, the start and the end, and parameters where they are few."""
    content = line("1/10", 50)
    content["training"] = {**content["training"], "steps_shown": [40, 7, 7, 99]}  # type: ignore[dict-item]
    solution = sbp.solve(content)
    assert sorted(solution.places) == [0, 7, 40, 50]
    text = sbp.render(solution, format="markdown")
    assert "| updates made | $w$ |" in str(text).replace("W_{11}", "w").replace("W^{(1)}_{11}", "w")
    assert [float(solution.places[count][0]) for count in (0, 7)] == pytest.approx([0, 1 - 0.9**7])
