"""Drawn and loaded parameters: ranges, order of the draws, layouts, reproducibility, files, mistakes."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop.catalog import initializers
from symbackprop.catalog.initializers import INITIALIZERS
from symbackprop.descent.solution import solve
from symbackprop.errors import SymbackpropError
from symbackprop.problems import Problem
from symbackprop.rendering.json_result import result
from tests.helpers import each

LAYERS = [{"units": 4, "activation": "tanh"}, {"units": 2, "bias": "shared"}, {"units": 3, "bias": "threshold"}]
SHAPES = {"W1": (4, 5), "b1": (4,), "W2": (2, 4), "b2": (), "W3": (3, 2), "theta3": (3,)}


def problem_of(parameters: Mapping[str, Any], layout: str = "column", layers: Any = LAYERS, inputs: int = 5) -> Problem:
    """Return a network with every kind of bias and these keys in `[parameters]`."""
    return sbp.problem(
        {
            "network": {"inputs": inputs, "layers": layers, "loss": "sse"},
            "parameters": parameters,
            "notation": {"layout": layout},
        }
    )


def arrays_of(problem: Problem) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """Return the parameters as arrays in (units, inputs) order, whatever the layout."""
    found = {}
    for name, shape in problem.parameter_shapes().items():
        entries = [float(entry.value) for entry in problem.arrays[name].entries if entry is not None]
        array = np.array(entries).reshape(shape)
        found[name] = array.T if problem.layout == "row" and name[0] == "W" else array
    return found


def test_parameters_are_drawn_only_when_asked_for() -> None:
    """Without `seed` or `initializer` an omitted parameter is a symbol; with either it is drawn, a bias is zero."""
    assert "W1" in problem_of({}).missing()
    for asked in ({"seed": 1}, {"initializer": "glorot_uniform"}, {"initializer": {"name": "glorot_uniform"}}):
        problem = problem_of(asked)
        assert ("x", "y") == problem.missing()
        arrays = arrays_of(problem)
        assert all(arrays["W1"].ravel() != 0)
        assert not any(arrays[name].any() for name in ("b1", "b2", "theta3"))


def test_default_seed_is_zero_and_default_initializer_is_glorot() -> None:
    """`seed = 0` and `initializer = "glorot_uniform"` are the defaults of each other."""
    default, by_seed = problem_of({"initializer": "glorot_uniform"}), problem_of({"seed": 0})
    assert default.arrays == by_seed.arrays
    assert default.arrays != problem_of({"seed": 1}).arrays


@pytest.mark.parametrize("name", [*INITIALIZERS])
def test_draw_is_reproducible(name: str) -> None:
    """The same seed gives the same numbers, each a float's shortest decimal, exactly."""
    parameters = {"seed": 7, "initializer": {"name": name, "biases": True}}
    first, second = problem_of(parameters), problem_of(parameters)
    assert first.arrays == second.arrays
    for entry in first.arrays["W1"].entries:
        assert entry is not None
        assert Fraction(entry.text) == entry.value
        assert repr(float(entry.text)) == entry.text


def test_arrays_are_drawn_in_the_stated_order() -> None:
    """Layer by layer, weights as (units, inputs), then biases: the order of the contract, drawn here by hand."""
    drawn = arrays_of(
        problem_of({"seed": 3, "initializer": {"name": "uniform", "low": -1, "high": "1/2", "biases": True}})
    )
    generator = np.random.Generator(np.random.PCG64(3))
    for name, shape in each(SHAPES.items()):
        assert np.array_equal(generator.uniform(-1, 0.5, shape), drawn[name])


def test_undrawn_biases_take_no_numbers() -> None:
    """Without `biases` the weights follow each other in the stream."""
    drawn = arrays_of(problem_of({"seed": 3, "initializer": {"name": "normal", "mean": 2, "std": 0.25}}))
    generator = np.random.Generator(np.random.PCG64(3))
    for name in ("W1", "W2", "W3"):
        assert np.array_equal(generator.normal(2, 0.25, SHAPES[name]), drawn[name])


@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("name", [*INITIALIZERS])
def test_layouts_have_the_same_weights(name: str, biases: bool) -> None:
    """W_jk is the same number in row and in column layout."""
    parameters = {"seed": 5, "initializer": {"name": name, "biases": biases}}
    column, row = (arrays_of(problem_of(parameters, layout)) for layout in ("column", "row"))
    for key, array in each(column.items()):
        assert SHAPES[key] == array.shape
        assert np.array_equal(array, row[key])


UNITS, INPUTS = 200, 100
SPREADS: Mapping[str, tuple[float, float]] = {
    # Largest size (of a uniform one) and standard deviation, by the formulas of the papers.
    "glorot_uniform": (math.sqrt(6 / 300), math.sqrt(2 / 300)),
    "glorot_normal": (math.inf, math.sqrt(2 / 300)),
    "he_uniform": (math.sqrt(6 / 100), math.sqrt(2 / 100)),
    "he_normal": (math.inf, math.sqrt(2 / 100)),
    "normal": (math.inf, 1.0),
    "uniform": (1.0, math.sqrt(1 / 12)),
    "zeros": (0.0, 0.0),
}


@pytest.mark.parametrize("name", [*INITIALIZERS])
def test_draw_has_the_spread_of_its_formula(name: str) -> None:
    """20,000 numbers lie within the bounds, reach near them, and spread as the source says."""
    largest, deviation = SPREADS[name]
    ((_, drawn),) = initializers.draw(name, 1, [initializers.Wanted("W1", (UNITS, INPUTS), INPUTS, UNITS)])
    array = np.array(drawn)
    assert np.abs(array).max() <= largest
    assert largest in (0.0, math.inf) or np.abs(array).max() > 0.99 * largest
    assert math.isclose(deviation, float(array.std()), rel_tol=0.03)
    assert INITIALIZERS[name].source


def test_uniform_from_zero_to_one_fills_the_interval() -> None:
    """The table form: { name = "uniform", low = 0, high = 1, biases = true }, with biases in the range too."""
    table = {"name": "uniform", "low": 0, "high": 1, "biases": True}
    arrays = arrays_of(problem_of({"initializer": table}, layers=[{"units": 400}], inputs=20))
    assert {"W1": (400, 20), "b1": (400,)} == {name: array.shape for name, array in arrays.items()}
    for array in arrays.values():
        assert 0 <= array.min() < 0.02 < 0.98 < array.max() < 1


def test_written_parameters_stay_and_the_others_are_drawn() -> None:
    """What is written down is not drawn; the problem tells how the rest was."""
    problem = problem_of({"seed": 2, "W2": [[1, 2, 3, 4], [5, 6, 7, 8]], "theta3": [1, 2, 3]})
    assert [1, 2, 3, 4, 5, 6, 7, 8] == [entry.value for entry in problem.arrays["W2"].entries if entry]
    assert [1, 2, 3] == [entry.value for entry in problem.arrays["theta3"].entries if entry]
    assert problem.initialization is not None
    assert ("glorot_uniform", 2, ("W1", "W3")) == (
        problem.initialization.initializer,
        problem.initialization.seed,
        problem.initialization.drawn,
    )
    assert problem_of({"W1": [[0] * 5] * 4}).initialization is None


def test_drawn_network_is_the_same_after_training_in_both_layouts() -> None:
    """A drawn network descends to the same loss in either layout."""
    content = {
        "network": {"inputs": 2, "layers": [{"units": 3, "activation": "sigmoid"}, {"units": 1}], "loss": "mse"},
        "parameters": {"seed": 11},
        "data": {"x": [[1, 2], [-1, "1/2"]], "y": [[1], [0]]},
        "training": {"learning_rate": 0.1, "steps": 5},
    }
    column, row = (result(solve(sbp.problem({**content, "notation": {"layout": each}}))) for each in ("column", "row"))
    assert column["steps"] == row["steps"]
    assert np.array_equal(column["final"]["parameters"]["W1"], np.transpose(row["final"]["parameters"]["W1"]))


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        (
            {"initializer": "gloro_uniform"},
            'parameters.initializer: unknown initializer "gloro_uniform"\n  did you mean "glo',
        ),
        (
            {"initializer": {"name": "uniform", "lo": 1}},
            'parameters.initializer: unknown key "lo"\n  did you mean "low"',
        ),
        ({"initializer": {"nam": "uniform"}}, 'parameters.initializer: unknown key "nam"\n  did you mean "name"'),
        ({"initializer": {}}, 'parameters.initializer: the key "name" is missing'),
        ({"initializer": 3}, "parameters.initializer: expected a text"),
        (
            {"initializer": {"name": "normal", "low": 1}},
            'parameters.initializer.low: normal has no parameter "low"\n  valid: mean, std',
        ),
        ({"initializer": {"name": "uniform", "low": "x"}}, 'parameters.initializer.low: unknown name "x"'),
        ({"initializer": {"name": "uniform", "low": "ln(2)"}}, "initializer.low: expected a fraction or a decimal"),
        ({"initializer": {"name": "uniform", "low": 2}}, "parameters.initializer: low is greater than high"),
        ({"initializer": {"name": "normal", "std": -1}}, "parameters.initializer.std: the value has to be ≥ 0"),
        ({"seed": -1}, "parameters.seed: the value has to be ≥ 0"),
        ({"seed": 1.5}, "parameters.seed: expected a whole number"),
        ({"sed": 1}, 'parameters: unknown parameter "sed"\n  did you mean "seed"'),
        ({"file": 3}, "parameters.file: expected a text"),
    ],
    ids=str,
)
def test_mistake_in_the_parameters_gives_one_message(parameters: Any, match: str) -> None:
    """Each mistake says where it is, what was expected, and the nearest valid choice."""
    with pytest.raises(SymbackpropError, match=match):
        problem_of(parameters)


# Files

SMALL = '[network]\ninputs = 2\nlayers = [{ units = 1 }]\nloss = "sse"\n[parameters]\nfile = "kept/parameters.npz"\n'


def written(folder: Path, content: bytes | Mapping[str, Any], more: str = "") -> Path:
    """Return the path of a problem file beside a folder with its parameters."""
    (folder / "kept").mkdir()
    file = folder / "kept" / "parameters.npz"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        np.savez(file, **content)
    path = folder / "mine.toml"
    path.write_text(SMALL + more)
    return path


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16, np.longdouble])
def test_file_of_parameters_is_read_beside_the_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type
) -> None:
    """Arrays of a .npz file are the parameters, found from anywhere; a float of any size is its shortest decimal."""
    path = written(tmp_path, {"W1": np.array([[0.1, 0.25]], dtype=kind), "b1": np.array([3])})
    monkeypatch.chdir("/")
    problem = sbp.load(path)
    assert ("x", "y") == problem.missing()
    assert [Fraction(1, 10), Fraction(1, 4)] == [entry.value for entry in problem.arrays["W1"].entries if entry]
    assert [3] == [entry.value for entry in problem.arrays["b1"].entries if entry]


def test_written_parameter_comes_before_the_file_and_the_file_before_a_draw(tmp_path: Path) -> None:
    """A file may hold some of the parameters; what is written wins, and what is in neither is drawn if asked for."""
    path = written(tmp_path, {"W1": np.array([[1.0, 2.0]])}, "seed = 1\n")
    problem = sbp.load(path)
    assert [1, 2] == [entry.value for entry in problem.arrays["W1"].entries if entry]
    assert [0] == [entry.value for entry in problem.arrays["b1"].entries if entry]
    assert [8, 9] == [
        entry.value for entry in sbp.load(path, [("parameters.W1", [[8, 9]])]).arrays["W1"].entries if entry
    ]


def saved(*arrays: Any, **named: Any) -> bytes:
    """Return the bytes of a .npz file (of a .npy file for one array without a name)."""
    buffer = io.BytesIO()
    if arrays:
        np.save(buffer, arrays[0])
    else:
        np.savez(buffer, **named)
    return buffer.getvalue()


def zipped(name: str, content: bytes) -> bytes:
    """Return the bytes of a zip file with one member."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


SOUND = saved(W1=np.array([[1.0, 2.0]]), b1=np.array([3.0]))


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "this is no .npz file"),
        (b"W1 = [[1, 2]]", "this is no .npz file"),
        (saved(np.array([1.0])), "this is no .npz file"),
        (SOUND[:-30], "this is no .npz file"),
        (SOUND[:100] + b"x" * 30 + SOUND[130:], "this is no .npz file"),
        (saved(W1=np.array([[{}, 2]], dtype=object)), "this is no .npz file of plain arrays"),
        (zipped("W1", b"hello"), r"parameters.npz: W1: expected an array of real numbers"),
        (zipped("W1.npy", b"hello"), "parameters.npz: W1: expected an array of real numbers|this is no .npz file"),
        (saved(W1=np.array([["1", "2"]])), "parameters.npz: W1: expected an array of real numbers, found the type <U1"),
        (saved(W1=np.array([[1j, 2]])), "W1: expected an array of real numbers, found the type complex128"),
        (saved(W1=np.array([[True, False]])), "W1: expected an array of real numbers, found the type bool"),
        (saved(W1=np.array([[1.0], [2.0]])), "parameters.npz: W1: the shape is 2×1, expected 1×2"),
        (saved(W1=np.array([[1.0, np.nan]])), r"parameters.npz: W1\[0\]\[1\]: expected a finite number"),
        (saved(V1=np.array([[1.0, 2.0]])), r'parameters.npz: unknown parameter "V1"\n  valid: W1, b1'),
    ],
    ids=lambda part: str(part)[-40:],
)
def test_unusable_file_of_parameters_gives_one_message(tmp_path: Path, content: bytes, match: str) -> None:
    """A file that cannot be used is named, with what is wrong in it; nothing pickled is opened."""
    with pytest.raises(SymbackpropError, match=match) as caught:
        sbp.load(written(tmp_path, content))
    assert "mine.toml: " in str(caught.value)


def test_absent_file_of_parameters_gives_one_message(tmp_path: Path) -> None:
    """A file that is not there, or is a folder, is named."""
    path = written(tmp_path, SOUND)
    for name, match in (("other.npz", "cannot be read: No such file"), (".", "cannot be read: Is a directory")):
        with pytest.raises(SymbackpropError, match=match):
            sbp.load(path, [("parameters.file", name)])
