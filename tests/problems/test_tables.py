"""The tables of a problem file, one by one: data, parameters, training, graph, homework, texts; and the types they fill."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

import symbackprop as sbp
from symbackprop.catalog.optimizers import OPTIMIZERS
from symbackprop.errors import ProblemError, SymbackpropError, UnknownNameError
from symbackprop.problems import data_table, graph_table, homework_table, parameters_table, row_settings, training_table
from symbackprop.problems.assignments import Homework
from symbackprop.problems.types import Array, Draw, Given, Training
from symbackprop.problems.wordings import wording

NETWORK = {"inputs": 2, "layers": [{"units": 2, "activation": "softmax"}], "loss": "cross_entropy"}


def numbers(array: Array) -> list[object]:
    """Return the exact numbers of an array, None where there is none."""
    return [None if entry is None else entry.value for entry in array.entries]


def test_data_is_one_sample_or_a_list_of_them() -> None:
    """Classes become one-hot rows; a list of lists is several samples; what is left out stays a symbol."""
    network = sbp.problem({"network": NETWORK}).network
    arrays, samples, _ = data_table.data({"x": [[1, 2], [3, "1/2"]], "y": [1, 0]}, network, Path())
    assert (2, [1, 2, 3, Fraction(1, 2)], [0, 1, 1, 0]) == (samples, numbers(arrays["x"]), numbers(arrays["y"]))
    arrays, samples, _ = data_table.data({"x": [1, 2]}, network, Path())
    assert (None, [None, None]) == (samples, numbers(arrays["y"]))
    assert network.has_classes
    with pytest.raises(UnknownNameError, match='unknown key "z"'):
        data_table.data({"z": 1}, network, Path())


def test_parameters_that_are_left_out_are_drawn_again_alike() -> None:
    """With a seed the omitted arrays are drawn, the same every time, biases 0; without one they stay symbols."""
    network = sbp.problem({"network": NETWORK}).network
    first, again = (dict(parameters_table.draws(network, "column", ["W1", "b1"], seed, "uniform")) for seed in (7, 7))
    assert first == again != dict(parameters_table.draws(network, "column", ["W1", "b1"], 8, "uniform"))
    assert [0, 0] == first["b1"]
    arrays, initialization = parameters_table.parameters(None, network, "column", Path())
    assert (None, [None] * 4) == (initialization, numbers(arrays["W1"]))


def test_training_has_every_setting_of_its_optimizer() -> None:
    """What the table leaves out has the default of the row; the last batch of an epoch may be smaller."""
    training = sbp.problem({"network": NETWORK, "training": {"optimizer": "momentum", "momentum": "1/3"}}).training
    assert isinstance(training, Training)
    assert (Fraction(1, 3), Fraction(0)) == tuple(training.settings[key].value for key in ("momentum", "dampening"))
    assert "dampening" in training.zero and "momentum" not in training.zero
    assert [1, 3, 1] == [training_table.batches_in(*pair) for pair in ((5, None), (5, 2), (None, None))]
    assert "gradient_descent" == training_table.SEQUENTIAL


def test_settings_of_a_row_are_checked_against_the_row() -> None:
    """A row that does not exist and a setting that the row does not have are named where they stand; bounds are kept."""
    assert "momentum" == row_settings.row_named(OPTIMIZERS, "momentum", "training.optimizer").name
    with pytest.raises(UnknownNameError, match=r"training\.optimizer.*momentom"):
        row_settings.row_named(OPTIMIZERS, "momentom", "training.optimizer")
    for settings, match in (({"momentom": 1}, "momentom"), ({"momentum": -1}, r"training\.momentum")):
        with pytest.raises(SymbackpropError, match=match):
            sbp.problem({"network": NETWORK, "training": {"optimizer": "momentum", **settings}})


def test_graph_declares_each_quantity_once() -> None:
    """Declared numbers have their shapes; a name twice and a name that cannot be one are mistakes with their key."""
    graph = {"parameters": {"w": [1, 2]}, "inputs": {"x": [3, 4]}, "equations": ["f = dot(w, x)"], "output": "f"}
    problem = sbp.problem({"graph": graph})
    assert ({"w": (2,)}, [3, 4]) == (dict(problem.parameter_shapes()), numbers(problem.arrays["x"]))
    with pytest.raises(ProblemError, match=r"graph\.inputs\.w"):
        sbp.problem({"graph": {**graph, "inputs": {"w": 1}}})
    for name in ("2x", "sum"):
        with pytest.raises(ProblemError, match="here"):
            graph_table.check_name(name, "here")


def test_homework_asks_for_what_is_computed() -> None:
    """What may be asked are the computed quantities in order; positions of a draw choose its numbers, or a class."""
    problem = sbp.example("homework")
    assert ("z1", "a1", "z2", "a2", "L") == problem.model.computed()
    choices = tuple(Given(Fraction(number), str(number)) for number in (5, 6, 7))
    blank = Array((2,), (None, None))
    assert [7, 5] == numbers(homework_table.drawn(Draw("x", 2, choices), (2, 0), blank))
    assert all(isinstance(draw, Draw) and draw.choices for draw in problem.variants.values())
    assert problem.homework is not None and problem.homework.points


def test_wording_is_one_text_or_one_for_each_language() -> None:
    """A text is the same in all languages; of a table each has its own, and a language that does not exist is named."""
    assert "circuit" == wording("circuit", "title").said("zh")
    both = wording({"zh": "电路", "en": "circuit"}, "title")
    assert ("circuit", "电路") == (both.said("en"), both.said("zh"))
    with pytest.raises(UnknownNameError, match="title"):
        wording({"xx": "?"}, "title")


def test_problem_with_a_homework_has_an_assignment() -> None:
    """What is asked is in order, and the total is exact; a problem without the table has none."""
    found = sbp.example("homework").homework
    assert isinstance(found, Homework)
    assert ("z1", Fraction(20)) == (found.ask[0], found.total)
    assert sbp.example("line").homework is None
