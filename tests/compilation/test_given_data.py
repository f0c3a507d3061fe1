"""What is handed over as data: targets that a loss can take, labels, frames, numbers that are none, whatever takes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop.catalog.losses import LOSSES, TARGETS, WITH_FORMULA
from symbackprop.compilation import Runner
from symbackprop.compilation.arguments import to_array
from symbackprop.errors import ProblemError, SymbackpropError, UnknownNameError
from symbackprop.problems import Problem
from symbackprop.problems.build import fitting_activations
from tests.helpers import Frame, each, few, only, require_module

X = [[1.0, 2.0], [3.0, 4.0]]


def content(loss: str, units: int = 3) -> dict[str, Any]:
    """Return a network of two inputs with that loss, its parameters drawn."""
    activation = fitting_activations(LOSSES[loss].predictions)[0]
    layers = [{"units": units, "activation": activation}]
    return {"network": {"inputs": ["width", "height"], "layers": layers, "loss": loss}, "parameters": {"seed": 1}}


def in_file(given: dict[str, Any], y: Any, folder: Path) -> object:
    """Put the targets into the problem."""
    return sbp.problem({**given, "data": {"x": X, "y": y}})


def in_csv(given: dict[str, Any], y: Any, folder: Path) -> object:
    """Put the targets into columns of a CSV file."""
    outputs = [f"y{place}" for place in range(len(y[0]))]
    rows = [[*x, *targets] for x, targets in zip(X, y, strict=True)]
    lines = [["width", "height", *outputs], *rows]
    (folder / "data.csv").write_text("".join(",".join(map(str, line)) + "\n" for line in lines))
    return sbp.problem({**given, "data": {"file": str(folder / "data.csv"), "targets": outputs}})


def in_call(given: dict[str, Any], y: Any, folder: Path) -> object:
    """Call a gradient with the targets."""
    return sbp.compile(sbp.derive(sbp.problem(given)))(None, X, y)


def in_training(given: dict[str, Any], y: Any, folder: Path) -> object:
    """Train on the targets."""
    return sbp.train(sbp.problem(given), X, y, epochs=1)


def in_validation(given: dict[str, Any], y: Any, folder: Path) -> object:
    """Watch the loss of the targets."""
    right = np.eye(len(y[0]))[[0, 0]]
    return sbp.train(sbp.problem(given), X, right, epochs=1, validation_data=(X, y))


def in_batches(given: dict[str, Any], y: Any, folder: Path) -> object:
    """Train on the targets, batch by batch."""
    return sbp.train(sbp.problem(given), [(X, y)], epochs=1)


WAYS = (in_file, in_csv, in_call, in_training, in_validation, in_batches)
SAMPLES = {
    "one-hot": ([1, 0, 0], True),
    "another one-hot": ([0, 0, 1], True),
    "signs": ([1, -1, -1], None),
    "shares": ([0.25, 0.25, 0.5], None),
    "two": ([2, 0, 0], None),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("loss", only(WITH_FORMULA, "squared_error", "binary_cross_entropy", "cross_entropy", "hinge"))
def test_targets_that_a_loss_cannot_take_are_refused_wherever_they_come_from(
    loss: str, way: Callable[..., object], tmp_path: Path
) -> None:
    """A sample that the kind of the row excludes is an error that names the kind, the target and its sample."""
    kind = LOSSES[loss].targets
    refused = {
        "any": [],
        "probability": ["signs", "two"],
        "distribution": ["signs", "two"],
        "one_hot": ["signs", "two", "shares"],
    }[kind]
    for name, (targets, _) in each(SAMPLES.items()):
        y = [[1, 0, 0], targets]
        if name not in refused:
            way(content(loss), y, tmp_path)
            continue
        with pytest.raises(ProblemError, match=f"the loss {loss} takes .* as targets, found ") as caught:
            way(content(loss), y, tmp_path)
        place = {in_file: "data.y[1]", in_csv: "data.csv:3"}.get(way, "in sample 2")
        assert place in str(caught.value)


def test_kinds_of_targets_tell_numbers_and_arrays_alike() -> None:
    """What holds for each number of an array holds for it alone; the misfit is the first."""
    values = [-1.0, 0.0, 0.25, 1.0, 2.0]
    for kind in TARGETS.values():
        assert [bool(kind.entry(value)) for value in values] == kind.entry(np.array(values)).tolist()
    assert (1, 0) == TARGETS["probability"].misfit([[0.5], [2.0]])
    assert (0, None) == TARGETS["one_hot"].misfit([[1.0, 1.0]])
    assert TARGETS["any"].misfit([[-1.0]]) is None


def test_hinge_of_one_score_is_refused_with_what_is_meant() -> None:
    """The margins of several classes say nothing of one score; the message has the loss for it, which is taken."""
    with pytest.raises(ProblemError, match="expected two units or more") as caught:
        sbp.problem(content("hinge", 1))
    text = str(caught.value).partition('expression = "')[2].partition('"')[0]
    given = content("squared_error", 1)
    given["network"]["loss"] = {"expression": text}
    given["parameters"] = {"W1": [[1, 0]], "b1": [0]}
    loss, gradients = sbp.compile(sbp.derive(sbp.problem(given)))(None, [[-3, 0]], [[1]])
    assert (4.0, [[3.0, 0.0]]) == (loss, gradients["W1"].tolist())


LABELS: Sequence[Any] = (
    [2, 0],
    [2.0, 0.0],
    [[2], [0]],
    [[2.0], [0.0]],
    np.array([2, 0]),
    np.array([[2], [0]], "uint8"),
    np.array([2.0, 0.0], "float32"),
    Frame({"class": [2, 0]}),
)


@pytest.mark.parametrize("loss", [name for name in WITH_FORMULA if TARGETS[LOSSES[name].targets].of_classes])
def test_labels_are_one_hot_targets_however_they_are_held(loss: str) -> None:
    """Whole numbers of any type, in a row or in a column, stand for classes in problems and in calls."""
    gradient = sbp.compile(sbp.derive(sbp.problem(content(loss))))
    expected = gradient(None, X, [[0, 0, 1], [1, 0, 0]])
    for labels in LABELS:
        held = sbp.problem({**content(loss), "data": {"x": X, "y": labels}})
        assert [0, 0, 1, 1, 0, 0] == held.arrays["y"].floats()
        actual = gradient(None, X, labels)
        assert expected[0] == actual[0]
        np.testing.assert_array_equal(expected[1]["W1"], actual[1]["W1"])
    assert gradient(None, X[0], 2)[0] == gradient(None, X[0], [0, 0, 1])[0]
    for wrong, match in (
        ([3, 0], "class 3"),
        ([0.5, 0], "class 0.5"),
        ([-1, 0], "class -1"),
        ([np.nan, 0], "class nan"),
    ):
        with pytest.raises(ProblemError, match=match):
            gradient(None, X, wrong)


@pytest.mark.parametrize("loss", few(WITH_FORMULA, 3))
def test_names_of_classes_are_answered_with_what_takes_them(loss: str) -> None:
    """Texts are no targets here; the message says who takes them."""
    gradient = sbp.compile(sbp.derive(sbp.problem(content(loss))))
    for labels in (["setosa", "virginica"], np.array(["setosa", "virginica"]), np.array(["setosa", "b"], object)):
        with pytest.raises(ProblemError, match=r"setosa is a text: .*SymbolicMLPClassifier"):
            gradient(None, X, labels)


def test_target_of_one_output_needs_no_list_of_its_own() -> None:
    """For one output the targets of samples are a list of numbers, and that of one sample is a number."""
    given = content("squared_error", 1)
    for data, floats in (
        ({"x": X, "y": [5, 6]}, [5, 6]),
        ({"x": X[0], "y": 5}, [5]),
        ({"x": X, "y": [[5], [6]]}, [5, 6]),
    ):
        assert floats == sbp.problem({**given, "data": data}).arrays["y"].floats()
    gradient = sbp.compile(sbp.derive(sbp.problem(given)))
    assert gradient(None, X[0], [5])[0] == gradient(None, X[0], 5)[0] == gradient(None, X[:1], [5])[0]


class TestFrames:
    """Frames with named columns."""

    def test_columns_are_found_by_name(self) -> None:
        """Where inputs have names, their columns are those of these names, in whatever order they stand."""
        problem = sbp.problem(content("squared_error", 1))
        gradient = sbp.compile(sbp.derive(problem))
        mixed = Frame({"height": [2.0, 4.0], "id": [7.0, 8.0], "width": [1.0, 3.0]})
        assert gradient(None, X, [5, 6])[0] == gradient(None, mixed, [5, 6])[0]
        history = sbp.train(problem, mixed, [5, 6], epochs=3, learning_rate=0.01)
        np.testing.assert_array_equal(
            history.parameters["W1"], sbp.train(problem, X, [5, 6], epochs=3, learning_rate=0.01).parameters["W1"]
        )
        np.testing.assert_array_equal(history.predict(X), history.predict(mixed))
        held = sbp.problem({**content("squared_error", 1), "data": {"x": mixed, "y": [5, 6]}})
        assert [1.0, 2.0, 3.0, 4.0] == held.arrays["x"].floats()

    def test_column_that_is_missing_is_an_error(self) -> None:
        """A frame without a column of an input's name is refused, everywhere, with the nearest one."""
        gradient = sbp.compile(sbp.derive(sbp.problem(content("squared_error", 1))))
        other = Frame({"heigth": [2.0, 4.0], "width": [1.0, 3.0]})
        for call in (
            lambda: gradient(None, other, [5, 6]),
            lambda: gradient.predict(None, other),
            lambda: sbp.problem({**content("squared_error", 1), "data": {"x": other}}),
        ):
            with pytest.raises(UnknownNameError, match='unknown column "height"\n  did you mean "heigth"'):
                call()

    def test_columns_without_names_are_taken_in_order(self) -> None:
        """Numbers are no names: a frame made of an array has its columns in the order of the inputs."""
        gradient = sbp.compile(sbp.derive(sbp.problem(content("squared_error", 1))))
        numbered = Frame({0: [1.0, 3.0], 1: [2.0, 4.0]})  # type: ignore[dict-item]
        assert gradient(None, X, [5, 6])[0] == gradient(None, numbered, [5, 6])[0]


WRONG = {
    "nan": (np.nan, "found nan in row 2, column 1"),
    "infinity": (np.inf, "found inf in row 2, column 1"),
    "text": ("many", "found many in row 2, column 1"),
}


@pytest.mark.parametrize("name", WRONG)
def test_number_that_is_none_is_named_with_row_and_column(name: str) -> None:
    """NaN, infinities and texts among inputs and targets are found before anything is computed."""
    value, match = WRONG[name]
    gradient = sbp.compile(sbp.derive(sbp.problem(content("squared_error", 2))))
    wrong = np.array([[1, 2], [value, 4]], object)
    for call in (
        lambda: gradient(None, wrong, X),
        lambda: gradient.loss(None, wrong, X),
        lambda: gradient.predict(None, wrong),
        lambda: sbp.train(sbp.problem(content("squared_error", 2)), wrong, X, epochs=1),
        lambda: sbp.train(sbp.problem(content("squared_error", 2)), [(wrong, X)], epochs=1),
    ):
        with pytest.raises(ProblemError, match=f"x: expected finite numbers, {match}"):
            call()
    if name != "text":
        with pytest.raises(ProblemError, match=f"y: expected finite numbers, {match}"):
            gradient(None, X, wrong)


def test_nan_is_no_number_of_a_graph_and_an_infinity_may_be_a_mask() -> None:
    """NaN is refused with its place; an infinite number is for the graph to use."""
    graph = {"parameters": {"w": 1}, "inputs": {"v": [1, 2]}, "equations": ["L = w*max(v)"], "output": "L"}
    gradient = sbp.compile(sbp.derive(sbp.problem({"graph": graph})))
    with pytest.raises(ProblemError, match="v: expected finite numbers, found nan at place 2"):
        gradient(None, {"v": [1, np.nan]}, None)
    assert 2.0 == gradient(None, {"v": [-np.inf, 2]}, None)[0]


def test_float32_stays_float32_whatever_holds_it() -> None:
    """Training is in the number type of its inputs: arrays, tensors, frames; an unknown type is named."""
    torch = require_module("torch")
    problem = sbp.problem(content("squared_error", 1))
    single = np.array(X, "float32")
    for x in (single, torch.tensor(single, requires_grad=True), Frame({"width": [1, 3], "height": [2, 4]}, "float32")):
        assert np.float32 == to_array(x).dtype == sbp.train(problem, x, [5, 6], epochs=1).parameters["W1"].dtype
    assert np.float64 == sbp.train(problem, X, [5, 6], epochs=1).parameters["W1"].dtype
    with pytest.raises(UnknownNameError, match='unknown number type "foo"'):
        sbp.train(problem, X, [5, 6], epochs=1, dtype="foo")


SHAPES = [(1, 2), (2, 2), (2, 3), (3,), (), (3, 2, 1), (1, 1)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_parameters_are_never_broadcast(shape: tuple[int, ...], tmp_path: Path) -> None:
    """Whatever takes parameters takes them in exactly their shapes."""
    require_module("torch")
    problem = sbp.problem(content("squared_error"))
    gradient = sbp.compile(sbp.derive(problem))
    right = {"W1": np.zeros((3, 2)), "b1": np.zeros(3)}
    wrong: dict[str, Any] = {**right, "W1": np.zeros(shape)}

    def saved(given: dict[str, Any]) -> Path:
        np.savez(tmp_path / "given.npz", **given)
        return tmp_path / "given.npz"

    takers: dict[str, Callable[[dict[str, Any]], object]] = {
        "call": lambda given: gradient(given, X, np.zeros((2, 3))),
        "loss": lambda given: gradient.loss(given, X, np.zeros((2, 3))),
        "predict": lambda given: gradient.predict(given, X),
        "training": lambda given: sbp.train(problem, X, np.zeros((2, 3)), epochs=1, parameters=given),
        "runner": lambda given: Runner(gradient, given, X, np.zeros((2, 3))),
        "torch": lambda given: sbp.to_torch(problem, given),
        "problem": lambda given: sbp.problem({**content("squared_error"), "parameters": given}),
        "file": lambda given: sbp.problem({**content("squared_error"), "parameters": {"file": str(saved(given))}}),
    }
    for name, take in each(takers.items()):
        take(right)
        with pytest.raises(SymbackpropError, match=r"W1: the shape is .*, expected 3×2"):
            take(wrong)
            pytest.fail(name)


def test_problem_without_names_is_not_asked_for_columns() -> None:
    """A network that numbers its inputs takes the columns of a frame in their order."""
    given = content("squared_error", 1)
    given["network"]["inputs"] = 2
    problem: Problem = sbp.problem(given)
    gradient = sbp.compile(sbp.derive(problem))
    assert gradient(None, X, [5, 6])[0] == gradient(None, Frame({"b": [1.0, 3.0], "a": [2.0, 4.0]}), [5, 6])[0]


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("size", [2, 40])
def test_score_that_is_masked_by_infinity_has_no_part_in_anything(size: int, dtype: str, backend: str) -> None:
    """Where a mask is −∞ softmax is exactly 0 and its gradient too; all else is as with a mask of −10⁹, small and large."""
    require_module(backend)
    draw = np.random.default_rng(size)
    model = {
        "parameters": {"S": draw.normal(size=(size, size)).round(2).tolist()},
        "inputs": {"M": np.zeros((size, size)).tolist()},
        "equations": ["A = softmax(S + M)", "L = sum(A*A*S)"],
        "output": "L",
    }
    gradient = sbp.compile(sbp.problem({"graph": model}), backend=backend, dtype=dtype)
    hidden = np.triu(np.ones((size, size), bool), 1)
    (loss, found), (large, usual) = (gradient(None, {"M": np.where(hidden, mask, 0.0)}) for mask in (-np.inf, -1e9))
    assert not found["S"][hidden].any() and found["S"][~hidden].any()
    np.testing.assert_array_equal(found["S"], usual["S"])
    assert loss == large
    weights = gradient.evaluate("A", None, {"M": np.where(hidden, -np.inf, 0.0)})
    assert not weights[hidden].any()
