"""The JSON result: its numbers for the bundled examples, its shapes, its exact strings."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop.derivation.derivations import derive
from symbackprop.descent.solution import solve
from symbackprop.graph.quantities import Role
from symbackprop.problems import Network, Problem
from symbackprop.problems.load import examples
from symbackprop.rendering.json_result import to_json
from tests.documents import some
from tests.helpers import each


def solved(problem: Problem) -> Mapping[str, Any]:
    """Return the JSON result of a problem, read back."""
    return json.loads(to_json(solve(problem)))


def shape_of(value: Any) -> tuple[int, ...]:
    """Return the shape of nested lists of numbers."""
    if not isinstance(value, list):
        assert isinstance(value, float | int)
        return ()
    shapes = {shape_of(entry) for entry in value}
    assert 1 == len(shapes)
    return (len(value), *shapes.pop())


def numbers_of(value: Any) -> Iterator[float]:
    """Iterate over the numbers in nested lists and tables."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for entry in value:
            yield from numbers_of(entry)
    elif not isinstance(value, str):
        yield value


def at(table: Any, *path: str | int) -> float:
    """Return the number at a path of keys and positions."""
    for step in path:
        table = table[step]
    return float(table)


NUMBERS = [
    ("mazur", ("values", "L"), 0.298371108760003),
    ("mazur", ("gradients", "W2", 0, 0), 0.0821670405642308),
    ("mazur", ("gradients", "W1", 0, 0), 0.00043856773447434685),
    ("mazur", ("updated", "W2", 0, 0), 0.358916479717885),
    ("mazur", ("updated", "W1", 0, 0), 0.149780716132763),
    ("mazur", ("updated", "b1"), 0.35),
    ("mazur", ("updated", "b2"), 0.6),
    ("mazur", ("values", "z1", 0), 0.3775),
    ("mazur", ("steps", 0, "loss"), 0.298371108760003),
    ("mazur", ("steps", 0, "loss_after"), 0.291027773693599),
    ("mazur", ("final", "loss"), 0.291027773693599),
    ("mazur", ("final", "parameters", "W1", 0, 0), 0.149780716132763),
    ("line", ("values", "L"), 0.5),
    ("line", ("gradients", "W1", 0, 0), -1.0),
    ("line", ("gradients", "x", 0), 0.0),
    ("line", ("updated", "W1", 0, 0), 0.5),
    ("line", ("steps", 1, "loss_after"), 0.03125),
    ("line", ("final", "parameters", "W1", 0, 0), 0.75),
    ("classifier", ("values", "z1", 2), 2.9),
    ("classifier", ("values", "z2", 0), 1.44),
    ("classifier", ("values", "L"), 0.2126306912863233),
    ("classifier", ("steps", 0, "loss_after"), 0.16032291439722096),
    ("deep", ("values", "a3", 0), 0.8765991890273633),
    ("deep", ("values", "L"), 0.07650711137059509),
    ("deep", ("steps", 98, "loss_after"), 0.00039774459697193413),
    ("xor", ("values", "L"), 0.7529036324547194),
    ("xor", ("steps", 0, "loss_after"), 0.746191898487092),
    ("xor", ("steps", 999, "loss_after"), 0.49896875777357547),
    ("xor", ("final", "loss"), 0.0073262811391933205),
]


@pytest.fixture(scope="module")
def results() -> Mapping[str, Mapping[str, Any]]:
    """Return the results of all bundled examples."""
    return {name: solved(sbp.example(name)) for name in examples()}


@pytest.mark.parametrize(("name", "path", "expected"), NUMBERS)
def test_result_has_the_known_number(
    results: Mapping[str, Mapping[str, Any]], name: str, path: tuple[str | int, ...], expected: float
) -> None:
    """The JSON of an example holds the published or independently computed numbers."""
    actual = at(results[name], *path)
    assert math.isclose(expected, actual, rel_tol=1e-8 if name == "xor" else 1e-12)


@pytest.mark.parametrize("name", some(examples()))
def test_result_has_the_keys_of_the_contract(results: Mapping[str, Mapping[str, Any]], name: str) -> None:
    """A result has all its tables, one step for each update where there is training, and only finite numbers."""
    problem, found = sbp.example(name), results[name]
    trained = ["updated", "steps", "final"] if problem.training is not None else []
    assert ["title", "values", "gradients", *trained, "exact"] == list(found)
    assert problem.title == found["title"]
    assert all(math.isfinite(number) for number in numbers_of({**found, "exact": {}}))
    if problem.training is None:
        return
    assert problem.training.steps == len(found["steps"])
    assert all({"loss", "loss_after"} == set(step) for step in found["steps"])
    assert {"loss", "parameters"} == set(found["final"])
    assert found["values"][derive(problem).graph.output] == found["steps"][0]["loss"]
    assert found["final"]["loss"] == found["steps"][-1]["loss_after"]
    for before, after in zip(found["steps"], found["steps"][1:], strict=False):
        assert before["loss_after"] == after["loss"]


NETWORKS = [name for name in examples() if isinstance(sbp.example(name).model, Network)]
GRAPHS = [name for name in examples() if name not in NETWORKS]


@pytest.mark.parametrize("name", NETWORKS)
def test_result_has_the_shapes_of_the_problem(results: Mapping[str, Mapping[str, Any]], name: str) -> None:
    """Parameters have their own shapes, a vector is a list, a batch a list of samples, a shared bias a number."""
    problem, found = sbp.example(name), results[name]
    shapes: dict[str, tuple[int, ...]] = dict(problem.parameter_shapes())
    for table in (found["updated"], found["final"]["parameters"]):
        assert shapes == {key: shape_of(value) for key, value in table.items()}
    widths = {"x": problem.network.inputs}
    for number, layer in enumerate(problem.network.layers, start=1):
        widths |= {f"z{number}": layer.units, f"a{number}": layer.units}
    batch = () if problem.samples is None else (problem.samples,)
    shapes |= {key: (*batch, width) for key, width in widths.items()}
    assert shapes == {key: shape_of(value) for key, value in found["gradients"].items()}
    shapes |= {"y": (*batch, problem.network.layers[-1].units), "L": ()}
    assert shapes == {key: shape_of(value) for key, value in found["values"].items()}


# Written by hand, in the order of the files: what is declared, then what the equations define.
GRAPH_SHAPES: Mapping[str, Mapping[str, tuple[int, ...]]] = {
    "attention": {
        **dict.fromkeys(("Wq", "Wk", "Wv", "X", "Y", "Q", "K", "V", "S", "A", "O"), (2, 2)),
        "L": (),
    },
    "batchnorm": {
        **dict.fromkeys(("gamma", "beta", "mu", "v", "s", "f"), ()),
        **dict.fromkeys(("x", "u", "d", "n", "y"), (4,)),
    },
    "circuit": {"w": (3,), "x": (2,), **dict.fromkeys(("s", "e", "d", "f"), ())},
    "convolution": {"K": (2, 2), "W": (2, 2), "X": (3, 3), "Y": (2, 2), **dict.fromkeys(("y", "p", "L"), ())},
    "lstm": {
        "x": (2,),
        **dict.fromkeys((f"{letter}{gate}" for gate in "ifog" for letter in "wub"), ()),
        **dict.fromkeys((f"{letter}{step}" for step in (1, 2) for letter in "ifogcmh"), ()),
        **dict.fromkeys(("h0", "c0", "y", "L"), ()),
    },
    "rnn": {
        "x": (3,),
        **dict.fromkeys(("Wx", "Wh", "Wy", "h0", "y", "o", "L"), ()),
        **dict.fromkeys((f"{letter}{step}" for step in (1, 2, 3) for letter in "zh"), ()),
    },
}


@pytest.mark.parametrize("name", GRAPHS)
def test_result_of_a_graph_has_the_shapes_of_its_quantities(
    results: Mapping[str, Mapping[str, Any]], name: str
) -> None:
    """Every quantity of a graph has its value and, unless it is a target or the output, its gradient, in its shape."""
    problem, found = sbp.example(name), results[name]
    graph = derive(problem).graph
    shapes = GRAPH_SHAPES.get(name, graph.shapes)
    assert shapes == {key: shape_of(value) for key, value in found["values"].items()}
    without = {graph.output, *(quantity.name for quantity in graph.of_role(Role.TARGET))}
    expected = {key: shape for key, shape in shapes.items() if key not in without}
    assert expected == {key: shape_of(value) for key, value in found["gradients"].items()}
    expected = dict(problem.parameter_shapes())
    for table in (found["updated"], found["final"]["parameters"]) if problem.training else ():
        assert expected == {key: shape_of(value) for key, value in table.items()}


def test_result_echoes_the_problem(results: Mapping[str, Mapping[str, Any]]) -> None:
    """Inputs, targets and parameters come back as they were given, in the layout of the problem."""
    values = results["xor"]["values"]
    assert [[0, 0], [0, 1], [1, 0], [1, 1]] == values["x"]
    assert [[0], [1], [1], [0]] == values["y"]
    assert [[0.5488135039273248, 0.7151893663724195], [0.6027633760716439, 0.5448831829968969]] == values["W1"]


def test_result_of_a_shared_bias_is_a_number(results: Mapping[str, Mapping[str, Any]]) -> None:
    """A shared bias is one number in every table, and its gradient adds up the deltas of its layer."""
    found = results["mazur"]
    assert math.isclose(sum(found["gradients"]["z1"]), found["gradients"]["b1"], rel_tol=1e-14)


def test_result_has_exact_strings(results: Mapping[str, Mapping[str, Any]]) -> None:
    """`exact` holds the fraction of a rational value and one function of a rational, by code name of the element."""
    exact = results["line"]["exact"]
    assert {"x_1": "1", "W1_1_1": "0", "z1_1": "0", "a1_1": "0", "y_1": "1", "L": "1/2"} == exact
    exact = results["mazur"]["exact"]
    assert "151/400" == exact["z1_1"]
    assert "sigmoid(151/400)" == exact["a1_1"]
    assert "z2_1" not in exact
    assert "7/20" == exact["b1"]
    assert "0" == results["xor"]["exact"]["x_1@1"]


@pytest.mark.parametrize("name", some(examples()))
def test_exact_string_is_the_value(results: Mapping[str, Mapping[str, Any]], name: str) -> None:
    """Each exact text, read as a number of a problem file, is the value beside it."""
    from symbackprop.problems.numbers import number

    solution = solve(sbp.example(name), steps=1)
    for key, text in each(results[name]["exact"].items()):
        element, _, sample = key.partition("@")
        value = solution.steps[0].values.value(element, int(sample) if sample else None)
        assert number(text, key).value == value


@pytest.mark.parametrize(
    "equation",
    ["a = exp(-z)", "a = -exp(z)", "a = exp(z/2)", "a = 2*exp(z)", "a = sigmoid(-z)", "a = ln(z*z + 1)", "a = exp(z)"],
)
def test_exact_string_of_a_function_has_the_function_s_own_argument(equation: str) -> None:
    """The text `exp(1)` stands for e only: not for exp(−z) at z = 1."""
    from symbackprop.problems.numbers import number

    problem = sbp.problem({"graph": {"inputs": {"z": 1}, "equations": [equation, "f = a*a"], "output": "f"}})
    solution = solve(problem)
    exact = solved(problem)["exact"]
    for key, text in exact.items():
        assert number(text, key).value == solution.steps[0].values.value(key)
    assert ("exp(1)" == exact.get("a")) == (equation == "a = exp(z)")


@pytest.mark.parametrize(
    "activation", [{"activation": "elu", "alpha": "1/2"}, {"activation": {"expression": "exp(z)", "name": "own"}}]
)
def test_exact_string_names_no_function_with_parameters(activation: Mapping[str, Any]) -> None:
    """A text without its `alpha`, or with a name that no reader knows, would be another number: there is none."""
    network = {"inputs": 1, "layers": [{"units": 1, "bias": "none", **activation}], "loss": "sse"}
    found = solved(sbp.problem({"network": network, "parameters": {"W1": [[-1]]}, "data": {"x": [1], "y": [0]}}))
    assert "a1_1" not in found["exact"]


BATCH = {
    "network": {"inputs": 2, "layers": [{"units": 3, "activation": "softmax"}], "loss": "ce"},
    "parameters": {"W1": [[0, 0], [0, 0], [0, 0]], "b1": [0, 0, 0]},
}


@pytest.mark.parametrize("samples", [1, 3])
def test_batch_is_a_list_of_samples(samples: int) -> None:
    """A batch is nested, even of one sample; class indices come back as one-hot rows; no training, no updates."""
    data = {"x": [[1, 2]] * samples, "y": list(range(samples))}
    found = solved(sbp.problem({**BATCH, "data": data}))
    assert ["title", "values", "gradients", "exact"] == list(found)
    assert (samples, 3) == shape_of(found["values"]["y"])
    assert [[1, 0, 0], [0, 1, 0], [0, 0, 1]][:samples] == found["values"]["y"]
    assert (samples, 2) == shape_of(found["gradients"]["x"])
    assert math.isclose(math.log(3), found["values"]["L"], rel_tol=1e-15)


def test_single_sample_is_flat() -> None:
    """One flat sample gives flat vectors, and its class index a flat one-hot vector."""
    found = solved(sbp.problem({**BATCH, "data": {"x": [1, 2], "y": 2}}))
    assert [0, 0, 1] == found["values"]["y"]
    assert (3,) == shape_of(found["values"]["z1"])
    assert math.isclose(-2 / 3, found["gradients"]["z1"][2], rel_tol=1e-15)


@pytest.mark.parametrize(("reduction", "share"), [("mean", Fraction(1, 2)), ("sum", Fraction(1))])
def test_reduction_scales_the_gradients(reduction: str, share: Fraction) -> None:
    """Gradients are those of the reduced loss: of a sample's own quantities too."""
    content = {**BATCH, "network": {**BATCH["network"], "reduction": reduction}}
    found = solved(sbp.problem({**content, "data": {"x": [[1, 2], [3, 4]], "y": [0, 0]}}))
    assert math.isclose(float(share) * -2 / 3, found["gradients"]["z1"][0][0], rel_tol=1e-15)
    assert math.isclose(float(share) * -4 / 3, found["gradients"]["b1"][0], rel_tol=1e-15)


def test_zero_steps_give_no_updates() -> None:
    """A training of zero steps solves the problem and changes nothing."""
    found = solved(sbp.example("mazur", [("training.steps", 0)]))
    assert math.isclose(0.298371108760003, found["values"]["L"], rel_tol=1e-14)
    assert found.get("steps", []) == []


def test_json_is_the_same_every_time() -> None:
    """The same problem gives the same bytes."""
    assert to_json(solve(sbp.example("deep"))) == to_json(solve(sbp.example("deep")))


@pytest.mark.parametrize(("alpha", "text"), [(1, "elu(-1)"), (2, None)])
def test_exact_string_says_nothing_about_other_parameters(alpha: int, text: str | None) -> None:
    """`elu(-1)` has the default alpha: with another one the value has no short text."""
    content = {
        "network": {"inputs": 1, "layers": [{"units": 1, "activation": "elu", "alpha": alpha}], "loss": "sse"},
        "parameters": {"W1": [[1]], "b1": [0]},
        "data": {"x": [-1], "y": [1]},
    }
    assert text == solved(sbp.problem(content))["exact"].get("a1_1")
