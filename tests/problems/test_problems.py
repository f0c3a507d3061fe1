"""Problem files: what each mistake says, exact numbers, mappings with arrays, overrides."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import sympy

import symbackprop as sbp
from symbackprop.arithmetic.exact import CONTEXT, Real, to_real
from symbackprop.descent.solution import solve
from symbackprop.errors import MissingValueError, ProblemError, SymbackpropError
from symbackprop.problems import Problem
from symbackprop.problems.load import examples, find_source, parse_override
from symbackprop.problems.numbers import number
from symbackprop.rendering.json_result import result
from tests.helpers import Frame, each, few, many, require_module

SOUND: Mapping[str, Any] = {
    "title": "sound",
    "network": {
        "inputs": 2,
        "layers": [{"units": 2, "activation": "tanh"}, {"units": 1, "activation": "sigmoid"}],
        "loss": "half_squared_error",
    },
    "parameters": {"W1": [[1, 2], [3, 4]], "b1": [5, 6], "W2": [[7, 8]], "b2": [9]},
    "data": {"x": [1, 2], "y": [0]},
    "training": {"learning_rate": "1/2", "steps": 1, "frozen": ["b1"]},
    "notation": {"layout": "column", "digits": 6},
}


def changed(*changes: tuple[str, Any]) -> Problem:
    """Return the sound problem with some keys set (`network.layers.0.units`)."""
    content: Any = copy.deepcopy(dict(SOUND))
    for key, value in changes:
        *steps, last = key.split(".")
        place = content
        for step in steps:
            place = place[int(step)] if isinstance(place, list) else place[step]
        place[last] = value
    return sbp.problem(content)


def written(folder: Path, text: str | bytes) -> Path:
    """Return the path of a problem file with that content."""
    path = folder / "mine.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


NETWORK = '[network]\ninputs = 1\nlayers = [{ units = 1 }]\nloss = "sse"\n'


def test_sound_problem_is_accepted() -> None:
    """The problem that the mistakes below start from has none."""
    assert () == changed().missing()


# One message for each mistake

MISTAKES = [
    ("netwrok", {}, 'unknown key "netwrok"\n  did you mean "network"'),
    ("[", [0], r'^unknown key "\["'),
    ("int", 10**18, '^unknown key "int"'),
    ("str", "x", '^unknown key "str"'),
    (
        "variants",
        {"x": {"inputs": 2, "layers": []}},
        'variants.x: unknown key "inputs"\n  valid: low, high, step, choices',
    ),
    ("variants", {"x": {}}, 'variants.x: the key "low" is missing'),
    ("variants", {"x": {"int": 2}}, 'variants.x: unknown key "int"'),
    ("training.lr", 1, 'training: unknown key "lr"\n  did you mean "learning_rate"'),
    ("training.max_iter", 1, 'training: unknown key "max_iter"\n  did you mean "epochs"'),
    ("network.layers.0.negative_slope", 1, r'layers\[0\]: unknown key "negative_slope"'),
    ("training.eps", 1, 'training: unknown key "eps"'),
    ("network.los", "sse", 'network: unknown key "los"\n  did you mean "loss"'),
    ("network.layers.1.unit", 3, r'network.layers\[1\]: unknown key "unit"\n  did you mean "units"'),
    (
        "network.layers.0.activation",
        "sigmod",
        r'layers\[0\].activation: unknown activation "sigmod"\n  did you mean "sig',
    ),
    ("network.layers.0.bias", "shard", r'layers\[0\].bias: unknown choice "shard"\n  did you mean "shared"'),
    ("network.layers.0.units", 0, r"layers\[0\].units: the value has to be > 0"),
    ("network.layers.0.units", 1.5, r"layers\[0\].units: expected a whole number"),
    ("network.layers.0.units", "3", r"layers\[0\].units: expected a whole number"),
    ("network.layers", [], "network.layers: expected a list with at least one entry"),
    ("network.layers", 3, "network.layers: expected a list"),
    ("network.layers", [{}], r'network.layers\[0\]: the key "units" is missing'),
    ("network.inputs", [], "network.inputs: expected a list with at least one entry"),
    ("network.inputs", True, "network.inputs: expected a whole number"),
    ("network.inputs", ["a", "b", "a"], r"network.inputs\[2\]: the name a is defined twice"),
    ("network.loss", "half_squared_eror", 'network.loss: unknown loss .*\n  did you mean "half_squared_error"'),
    ("network.loss", "cross_entropy", "network.loss: the loss cross_entropy takes a probability distribution"),
    (
        "network.loss",
        {"name": "huber", "margin": 2},
        'network.loss.margin: huber has no parameter "margin"\n  valid: delta',
    ),
    (
        "network.loss",
        {"name": "sse", "margin": 2},
        'network.loss.margin: squared_error has no parameters, found "margin": leave it out$',
    ),
    ("network.layers.0.alpha", 1, r'network.layers\[0\].alpha: tanh has no parameters, found "alpha": leave it out$'),
    ("network.reduction", "maen", 'network.reduction: unknown choice "maen"\n  did you mean "mean"'),
    ("network.relu_derivative_at_zero", 2, "relu_derivative_at_zero: the value has to be between 0 and 1, found 2$"),
    ("network.relu_derivative_at_zero", "ln(2)", "relu_derivative_at_zero: expected a fraction or a decimal, found ln"),
    ("network", 3, "network: expected a table"),
    ("title", 3, "title: expected a text"),
    ("title", "x" * 301, "title: expected a text of at most 300 characters"),
    ("parameters.W3", [[1]], 'parameters: unknown parameter "W3"\n  valid: W1, b1, W2, b2'),
    ("parameters.theta1", [1, 2], 'parameters: unknown parameter "theta1"'),
    ("parameters.W1", [[1, 2]], "parameters.W1: the shape is 1×2, expected 2×2"),
    ("parameters.W1", 3, "parameters.W1: the shape is a single number, expected 2×2"),
    ("parameters.W1", [[1, 2], [3]], "parameters.W1: the rows of an array have the same length"),
    ("parameters.W1", [[1, 2], [3, "x"]], r'parameters.W1\[1\]\[1\]: unknown name "x": expected a number'),
    ("parameters.W1", [[1, 2], [3, True]], r"parameters.W1\[1\]\[1\]: expected a number .* found True"),
    ("parameters.W1", [[1, 2], [3, None]], r"parameters.W1\[1\]\[1\]: expected a number .* found None"),
    ("parameters.W1", [[1, 2], [3, float("nan")]], r"parameters.W1\[1\]\[1\]: expected a finite number"),
    ("parameters.W1", [[1, 2], [3, float("-inf")]], r"parameters.W1\[1\]\[1\]: expected a finite number"),
    ("parameters.b2", ["1/0"], r"parameters.b2\[0\]: division by zero"),
    ("parameters.initializer", "he", 'parameters.initializer: unknown initializer "he"\n  did you mean "he_uniform"'),
    ("parameters.initializer", {"name": "zeros", "low": 1}, "parameters.initializer.low: zeros has no parameters"),
    ("data.x", [1, 2, 3], "data.x: the shape is 3, expected 2"),
    ("data.x", [[1, 2, 3]], "data.x: the shape is 1×3, expected 1×2"),
    ("data.x", [[1, 2], [3]], "data.x: the rows of an array have the same length"),
    ("data.x", [], "data.x: the shape is 0, expected 2"),
    ("data.y", [0, 1], "data.y: the shape is 2, expected 1"),
    ("data.y", [[0]], "data.y: the shape is 1×1, expected 1"),
    ("data.z", [0], 'data: unknown key "z"'),
    ("training.frozen", ["W9"], r'training.frozen\[0\]: unknown parameter "W9"\n  valid: W1, b1, W2, b2'),
    ("training.epochs", 2, 'training: give either "steps" or "epochs", not both'),
    ("training.steps", -1, "training.steps: the value has to be ≥ 0"),
    ("training.learning_rate", "fast", 'training.learning_rate: unknown name "fast"'),
    ("training.optimizer", "gradient_decent", 'unknown optimizer "gradient_decent"\n  did you mean "gradient_descent"'),
    ("training", {"rate": 1}, 'training: unknown key "rate"'),
    ("notation.layout", "rows", 'notation.layout: unknown choice "rows"\n  did you mean "row"'),
    ("notation.naming", "flatt", 'notation.naming: unknown naming convention "flatt"\n  did you mean "flat"'),
    ("notation.digits", 99, "notation.digits: the value has to be ≤ 30"),
    ("notation.symbols", {"los": "E"}, 'notation.symbols: unknown symbol "los"\n  did you mean "loss"'),
]


@pytest.mark.parametrize(("key", "value", "match"), MISTAKES, ids=lambda part: str(part)[:40])
def test_mistake_gives_one_message(key: str, value: Any, match: str) -> None:
    """Each mistake says where it is, what was found or expected, and the nearest valid choice."""
    with pytest.raises(SymbackpropError, match=match):
        changed((key, value))


def test_missing_table_is_named() -> None:
    """A problem without a network says that the key is missing."""
    with pytest.raises(ProblemError, match='the key "network" is missing'):
        sbp.problem({"title": "nothing"})


@pytest.mark.parametrize(
    ("expression", "outputs", "found"),
    [
        ("a - y", 2, "the shape 2"),
        ("a - y", 1, "the shape 1"),
        ("a", 2, "the shape 2"),
        ("y", 2, "the shape 2"),
        ("sum(a) + y", 3, "the shape 3"),
        ("outer(a, y)", 2, "the shape 2×2"),
        ("[a, y]", 3, "the shape 2×3"),
        ("a[1]", 1, "the index 1 is outside an axis of length 1"),
        ("sum(a - y, axis=1)", 2, "there is no axis 1"),
        ("a.T @ y", 2, "has a transpose, not the shape"),
        ("a @ [a, y]", 3, "the shapes 3 and 2×3 do not fit in a matrix product"),
    ],
)
def test_own_loss_that_is_no_single_number_is_an_error(expression: str, outputs: int, found: str) -> None:
    """What a loss makes of the outputs and targets has to be one number: the message says what it is instead."""
    network = {"inputs": 1, "layers": [{"units": outputs}], "loss": {"expression": expression}}
    with pytest.raises(ProblemError, match=found) as caught:
        sbp.problem({"network": network})
    assert "network.loss.expression" == caught.value.where


@pytest.mark.parametrize(("expression", "value"), [("a @ y", "11"), ("a[0] - y[1]", "-3"), ("mean([a, y])", "5/2")])
def test_own_loss_may_use_arrays(expression: str, value: str) -> None:
    """A loss that ends in one number is taken, whatever arrays stand inside it."""
    network = {"inputs": 1, "layers": [{"units": 2}], "loss": {"expression": expression}}
    content = {
        "network": network,
        "parameters": {"W1": [[1], [2]], "b1": [0, 0]},
        "data": {"x": [1], "y": [3, 4]},
    }
    assert Fraction(value) == solve(sbp.problem(content)).losses[0]


@pytest.mark.parametrize(
    ("expression", "found"),
    [("sum(z)", 'unknown function "sum"'), ("[z, z]", "expected a number"), ("z[0]", "expected an operator")],
)
def test_own_activation_takes_a_number_to_a_number(expression: str, found: str) -> None:
    """The text of an activation of one's own has no arrays, so that it gives one number for one number."""
    mine = {"name": "mine", "expression": expression}
    with pytest.raises(SymbackpropError, match=found) as caught:
        changed(("network.layers.0.activation", mine))
    assert "network.layers[0].activation.expression" == caught.value.where


@pytest.mark.parametrize(
    ("activation", "loss", "fits"),
    [
        ("linear", "binary_cross_entropy", False),
        ("tanh", "binary_cross_entropy", False),
        ("relu", "cross_entropy", False),
        ("sigmoid", "cross_entropy", False),
        ("sigmoid", "binary_cross_entropy", True),
        ("softmax", "binary_cross_entropy", True),
        ("softmax", "cross_entropy", True),
        ("linear", "squared_error", True),
        ("softmax", "mse", True),
    ],
)
def test_loss_has_to_fit_the_output(activation: str, loss: str, fits: bool) -> None:
    """A loss of probabilities needs outputs that are probabilities; the message lists the activations that are."""
    network = {"inputs": 1, "layers": [{"units": 2, "activation": activation}], "loss": loss}
    if fits:
        assert 2 == sbp.problem({"network": network}).network.layers[0].units
        return
    with pytest.raises(ProblemError, match=r"the output layer's activation .* does not give them") as caught:
        sbp.problem({"network": network})
    assert "softmax" in caught.value.valid
    assert activation not in caught.value.valid


CLASSES = {"inputs": 1, "layers": [{"units": 3, "activation": "softmax"}], "loss": "ce"}


@pytest.mark.parametrize(
    ("x", "y", "where", "spelled"),
    [
        ([1], 3, "data.y", "3"),
        ([1], -1, "data.y", "-1"),
        ([[1], [2]], [0, 3], r"data.y\[1\]", "3"),
        ([[1]], [True], r"data.y\[0\]", "True"),
    ],
)
def test_class_index_out_of_range_is_an_error(x: Any, y: Any, where: str, spelled: str) -> None:
    """A class is a whole number from 0 to the number of classes less one."""
    with pytest.raises(ProblemError, match=f'{where}: the class "{spelled}" is not a whole number from 0 to 2'):
        sbp.problem({"network": CLASSES, "data": {"x": x, "y": y}})


def test_class_index_is_one_hot() -> None:
    """A class index means the one-hot vector: for one sample, and for each of a batch."""
    single = sbp.problem({"network": CLASSES, "data": {"x": [1], "y": 2}})
    assert [0, 0, 1] == [entry.value for entry in single.arrays["y"].entries if entry]
    batch = sbp.problem({"network": CLASSES, "data": {"x": [[1], [2]], "y": [1, 0]}})
    assert (2, 3) == batch.arrays["y"].shape
    assert [0, 1, 0, 1, 0, 0] == [entry.value for entry in batch.arrays["y"].entries if entry]


def test_missing_numbers_are_named() -> None:
    """A problem without some numbers is a problem; what needs them says which."""
    content = {key: value for key, value in SOUND.items() if key != "data"}
    problem = sbp.problem({**content, "parameters": {"W1": [[1, 2], [3, 4]], "b2": [1]}})
    assert ("b1", "W2", "x", "y") == problem.missing()
    with pytest.raises(MissingValueError, match="numbers are needed, and these have none: b1, W2, x, y"):
        result(solve(problem))


# Files


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("a = [1\nb = 2", r"this is not valid TOML: .*line 2, column 1"),
        ("title = 3 4\n", r"this is not valid TOML: .*line 1, column 11"),
        ("title = 'x", r"this is not valid TOML: .*at end of document"),
        (NETWORK + "loss = 'sse'\n", r"this is not valid TOML: Cannot overwrite a value"),
        (b"\xff\xfetitle", r"this is not a text in UTF-8 \(byte 0\)"),
        (b"title = 'caf\xe9'", r"this is not a text in UTF-8 \(byte 12\)"),
        (NETWORK + "[data]\nx = [inf]", r"data.x\[0\]: expected a finite number"),
        (NETWORK + "[data]\nx = [nan]", r"data.x\[0\]: expected a finite number"),
        (NETWORK + "[data]\nx = [1e401]", r"data.x\[0\]: expected a finite number"),
        (NETWORK + "[data]\nx = [1e99999999999999999999]", "expected a finite number"),
        (NETWORK + "[data]\nx = [1979-05-27]", r"data.x\[0\]: expected a number .* found 1979-05-27"),
        (NETWORK + "[data]\nx = [" + "9" * 500 + "]", r"data.x\[0\]: expected a finite number of at most 400 digits"),
        (NETWORK + "[data]\nx = [" + "9" * 5000 + "]", "a whole number of the file is too long"),
        (NETWORK + "[data]\nx = " + "[" * 2000 + "]" * 2000, "nests lists or tables too deeply"),
        (NETWORK + "[trainig]\n", 'unknown key "trainig"\n  did you mean "training"'),
    ],
    ids=lambda part: str(part)[-30:],
)
def test_unusable_file_gives_one_message(tmp_path: Path, text: str | bytes, match: str) -> None:
    """A file that cannot be used gives one message that begins with the file and says what and where."""
    path = written(tmp_path, text)
    with pytest.raises(SymbackpropError, match=match) as caught:
        sbp.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value)) < 500 + len(str(path))


def test_absent_file_gives_one_message(tmp_path: Path) -> None:
    """A file that is not there is a message with its path."""
    with pytest.raises(ProblemError, match=r"absent\.toml: the file cannot be read: No such file"):
        sbp.load(tmp_path / "absent.toml")


def test_directory_gives_one_message(tmp_path: Path) -> None:
    """A directory is no problem file, and the message says so."""
    with pytest.raises(ProblemError, match="the file cannot be read"):
        sbp.load(tmp_path)


def test_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    """A file saved with a byte order mark, as some editors do, is read."""
    assert "mine" == sbp.load(written(tmp_path, "\ufeff" + NETWORK)).title


def test_unknown_example_is_suggested() -> None:
    """An unknown example comes with the nearest one and all there are."""
    with pytest.raises(SymbackpropError, match='unknown example "mazurr"\n  did you mean "mazur"'):
        sbp.example("mazurr")


def test_find_reads_files_and_examples(tmp_path: Path) -> None:
    """A command's PROBLEM is a file if there is one, else a bundled example, else an error that suggests."""
    assert "mine" == find_source(str(written(tmp_path, NETWORK))).problem().name
    assert "mazur" == find_source("mazur").problem().name
    with pytest.raises(SymbackpropError, match='did you mean "mazur"'):
        find_source("mazu")
    with pytest.raises(ProblemError, match="cannot be read"):
        find_source(str(tmp_path / "other.toml"))


@pytest.mark.parametrize("name", ["classifier", "deep", "line", "mazur", "xor"])
def test_example_opens_with_what_it_teaches(name: str) -> None:
    """Each bundled example is complete and begins with a comment that says what it teaches."""
    assert name in examples()
    assert () == sbp.example(name).missing()
    from symbackprop import resources

    assert (resources.folder("examples") / f"{name}.toml").read_text("utf-8").startswith("# What this teaches: ")


# Exact numbers


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (0.1, Fraction(1, 10)),
        (1, Fraction(1)),
        (-0.0, Fraction(0)),
        (1e-7, Fraction(1, 10**7)),
        (0.5488135039273248, Fraction("0.5488135039273248")),
        ("1/3", Fraction(1, 3)),
        ("-2/4", Fraction(-1, 2)),
        (" 0.25 ", Fraction(1, 4)),
        ("sqrt(9/4)", Fraction(3, 2)),
        ("2**10", Fraction(1024)),
    ],
)
def test_number_is_exact_as_written(written: object, expected: Fraction) -> None:
    """A decimal is its fraction, a float its shortest decimal, a rational expression its value."""
    value = number(written, "x").value
    assert isinstance(value, Fraction)
    assert expected == value


def test_file_number_is_the_decimal_written(tmp_path: Path) -> None:
    """A number of a file keeps every digit written, beyond those of a float."""
    problem = sbp.load(written(tmp_path, NETWORK + "[data]\nx = [0.12345678901234567890123]"))
    (entry,) = problem.arrays["x"].entries
    assert entry is not None
    assert Fraction("0.12345678901234567890123") == entry.value


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("ln(2)", "0.69314718055994530941723212145817656807550013436025"),
        ("-sqrt(2)", "-1.4142135623730950488016887242096980785696718753769"),
        ("exp(1)", "2.7182818284590452353602874713526624977572470936999"),
        ("sigmoid(151/400)", "0.59326999210718725517365253156957"),
    ],
)
def test_irrational_number_has_fifty_digits(text: str, digits: str) -> None:
    """A number that is no fraction is a 50-digit float, or has 50 digits where it is exact."""
    value = to_real(number(text, "x").value)
    assert isinstance(value, Real)
    if not text.startswith("sigmoid"):
        assert abs(value - CONTEXT.mpf(digits)) < CONTEXT.mpf("1e-48")
    assert text == number(text, "x").text


@pytest.mark.parametrize(("digits", "kind"), [(59, Fraction), (60, Fraction), (61, Real), (300, Real)])
def test_fraction_is_kept_up_to_sixty_digits(digits: int, kind: type) -> None:
    """A fraction of at most 60 digits in numerator and denominator stays one; of a longer one 50 digits are kept."""
    longest = int("7" * digits)
    for text, expected in each(
        (
            (str(longest), Fraction(longest)),
            (f"-{longest}/3", Fraction(-longest, 3)),
            (f"1/{longest}", Fraction(1, longest)),
        )
    ):
        found = number(text, "x").value
        assert isinstance(found, Fraction) == (kind is Fraction)
        assert abs(to_real(found) / to_real(expected) - 1) < 1e-49
    assert float(longest) == pytest.approx(float(number(longest, "x").value))


def test_fraction_length_is_held_along_a_descent() -> None:
    """Values of a rational network stay fractions while they are short and become floats when they are long."""
    content = {
        "network": {"inputs": 1, "layers": [{"units": 1}], "loss": "sse"},
        "parameters": {"W1": [["1/3"]], "b1": [0]},
        "data": {"x": ["1/7"], "y": ["1/11"]},
        "training": {"learning_rate": "1/13", "steps": 40},
    }
    solution = solve(sbp.problem(content), full_steps=40)
    kinds = [type(step.values.value("W1_1_1")) for step in solution.steps]
    assert Fraction is kinds[1]
    assert Real is kinds[-1]
    for step in solution.steps:
        for value in step.values.shared.values():
            assert not isinstance(value, Fraction) or max(abs(value.numerator), value.denominator) < 10**60


# Mappings


def test_problem_takes_arrays() -> None:
    """NumPy arrays, scalars and tuples mean what their lists mean; a float64 is its shortest decimal."""
    arrays = {
        "W1": np.array([[1, 2], [3, 4]], dtype=np.int64),
        "b1": np.array([0.1, 0.2]),
        "W2": ((np.float64(0.7), np.int32(8)),),
        "b2": np.array([9.0]),
    }
    lists = {"W1": [[1, 2], [3, 4]], "b1": [0.1, 0.2], "W2": [[0.7, 8]], "b2": [9.0]}
    for parameters in (arrays, lists):
        problem = changed(("parameters", parameters), ("data.x", np.array([1, 2])))
        assert [Fraction(1, 10), Fraction(1, 5)] == [entry.value for entry in problem.arrays["b1"].entries if entry]
        assert [Fraction(7, 10), Fraction(8)] == [entry.value for entry in problem.arrays["W2"].entries if entry]


def test_problem_does_not_change_its_mapping() -> None:
    """The mapping that a problem is made from stays as it was."""
    before = copy.deepcopy(dict(SOUND))
    sbp.problem(SOUND)
    assert before == SOUND


@pytest.mark.parametrize("samples", [1, 2, 5])
def test_list_of_samples_is_a_batch(samples: int) -> None:
    """A flat list is one sample; a list of lists is a batch, even of one."""
    assert changed().samples is None
    batch = changed(("data.x", [[1, 2]] * samples), ("data.y", [[0]] * samples))
    assert samples == batch.samples


def test_input_names_give_the_number_of_inputs() -> None:
    """`inputs` may be names; their number is the number of inputs."""
    problem = changed(("network.inputs", ["height", "weight"]))
    assert 2 == problem.network.inputs
    assert ("height", "weight") == problem.network.input_names


# Overrides


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("training.learning_rate=1.5", "1.5"),
        ("training.learning_rate = '1/3'", "1/3"),
        ("training.learning_rate=1/3", "1/3"),
    ],
)
def test_override_replaces_a_key(text: str, expected: str) -> None:
    """An override is read as TOML, or else as text, and replaces the key of the file exactly."""
    problem = sbp.example("mazur", [parse_override(text)])
    assert problem.training is not None
    assert Fraction(expected) == problem.training.settings["learning_rate"].value


def test_override_reaches_into_lists_and_new_tables() -> None:
    """A number in the key, in brackets or not, counts the entries of a list from 0; a missing table is made."""
    overrides = [parse_override(text) for text in ("network.layers.0.activation=tanh", "notation.digits=9")]
    overrides.append(parse_override("network.layers[1].activation=relu"))
    problem = sbp.example("deep", overrides)
    assert ["tanh", "relu", "sigmoid"] == [layer.activation for layer in problem.network.layers]
    assert 9 == problem.notation.digits


@pytest.mark.parametrize("text", ["a", "=3", "a.=3", ".a=3", ""])
def test_override_without_key_or_value_is_an_error(text: str) -> None:
    """What is not KEY=VALUE is an error of `--set`."""
    with pytest.raises(ProblemError, match="--set: expected KEY=VALUE, found"):
        parse_override(text)


def test_override_with_an_endless_number_is_an_error() -> None:
    """A number too long for Python is a message too."""
    with pytest.raises(ProblemError, match="--set a: a whole number of the file is too long"):
        parse_override("a=" + "9" * 5000)


@pytest.mark.parametrize(
    ("key", "match"),
    [
        ("network.layers.5.units", '--set network.layers.5: unknown key "5"'),
        ("network.layers.first.units", '--set network.layers.first: unknown key "first"'),
        ("network.inputs.k", '"network.inputs.k" is neither a table nor a list'),
        ("training.lerning_rate", 'unknown key "lerning_rate"\n  did you mean "learning_rate"'),
        ("network.loss", 'unknown loss "1"'),
    ],
)
def test_bad_override_is_an_error(key: str, match: str) -> None:
    """An override of something that is not there says what there is, and names the file."""
    with pytest.raises(SymbackpropError, match=match) as caught:
        sbp.example("mazur", [(key, "1")])
    assert "mazur.toml" in str(caught.value)


def test_overridden_problem_is_solved_with_its_values() -> None:
    """An override changes the numbers that come out: twice the rate, twice the step."""
    weights = []
    for rate in ("1/4", "1/2"):
        found = result(solve(sbp.example("line", [("training.learning_rate", rate)])))
        weights.append(found["updated"]["W1"][0][0])
    assert [0.25, 0.5] == weights


def test_one_name_stands_for_one_expression() -> None:
    """Two activations that print alike have to be alike."""
    own = [{"expression": text, "name": "s"} for text in ("z*z", "z*z", "z**3")]

    def network(first: object, second: object) -> dict[str, object]:
        layers = [{"units": 1, "activation": first}, {"units": 1, "activation": second}]
        return {"network": {"inputs": 1, "loss": "half_squared_error", "layers": layers}}

    assert len(sbp.problem(network(own[0], own[1])).network.layers) == 2
    with pytest.raises(
        ProblemError, match=r'network\.layers\[1\]\.activation\.name: "s" names an activation of an earlier'
    ):
        sbp.problem(network(own[0], own[2]))


THIRD = [Fraction(1, 3), sympy.Rational(1, 3), "1/3"]
TENTH = [0.1, Decimal("0.1"), np.float64(0.1), np.float32(0.1), np.float16(0.1), sympy.Float("0.1"), "0.1", "1/10"]
ROOT = [sympy.sqrt(2), "sqrt(2)"]
EULER = [sympy.E, sympy.exp(1), "exp(1)"]


@pytest.mark.parametrize("alike", [THIRD, TENTH, ROOT, EULER, [3, np.int8(3), sympy.Integer(3), Decimal(3)]], ids=str)
def test_number_of_any_library_is_a_number_wherever_one_is_wanted(alike: list[Any]) -> None:
    """A parameter, an input, a setting of a row, a learning rate: what Python holds a number in does not matter."""
    for one in each(alike):
        found = changed(("parameters.W2", [[one, 1]]), ("data.x", (one, 1)), ("training.learning_rate", one))
        values = [found.arrays["W2"].entries[0], found.arrays["x"].entries[0]]
        assert found.training is not None
        assert [number(alike[-1], "").value] * 3 == [
            given.value for given in (*values, found.training.settings["learning_rate"]) if given is not None
        ]


def test_array_of_any_library_is_a_list() -> None:
    """Arrays of every size of float, frames, tensors that require gradients and matrices of SymPy are nested lists."""
    torch = require_module("torch")
    wanted = {"W1": [[0.1, 2], [3, 4]]}
    held = [
        np.array(wanted["W1"]),
        np.array(wanted["W1"], "float32"),
        np.array([[Fraction(1, 10), 2], [3, 4]], object),
        torch.tensor(wanted["W1"], requires_grad=True),
        torch.tensor(wanted["W1"], dtype=torch.float64),
        Frame({"a": [0.1, 3], "b": [2, 4]}),
        sympy.Matrix([[sympy.Rational(1, 10), 2], [3, 4]]),
        [np.array(row) for row in wanted["W1"]],
    ]
    for one in each(held):
        assert (
            changed(("parameters.W1", wanted["W1"])).arrays["W1"].floats()
            == changed(("parameters.W1", one)).arrays["W1"].floats()
        ), type(one)


KEYS = [
    "",
    "x",
    "[",
    "int",
    "str",
    "name",
    "inputs",
    "low",
    "GridSpec",
    "dict[str,any]",
    "constrained-int",
    "__proto__",
    "a.b",
]
VALUES = [None, True, -1, 10**18, 1e308, "", "x", [], [0], [[]], {}, {"x": 1}, {"low": []}, [{}], {"choices": [None]}]


def mutated(content: Any, random: Random) -> None:
    """Change one key of a content somewhere: add, delete, replace, rename or move."""
    tables = [content]
    for table in tables:
        tables += [
            each for each in (table.values() if isinstance(table, dict) else table) if isinstance(each, dict | list)
        ]
    table = random.choice([each for each in tables if each])
    key = random.choice(list(table) if isinstance(table, dict) else range(len(table)))
    action = random.choice(["add", "delete", "replace", "rename", "move"])
    if action == "delete":
        del table[key]
    elif action == "replace":
        table[key] = random.choice(VALUES)
    elif action == "add" and isinstance(table, dict):
        table[random.choice(KEYS)] = random.choice(VALUES)
    elif isinstance(table, dict):
        value = table.pop(key)
        other = random.choice([each for each in tables if isinstance(each, dict)])
        if action == "rename":
            table[random.choice(KEYS)] = value
        else:
            other[key] = copy.deepcopy(value)


@pytest.mark.parametrize("name", few(examples(), 4))
def test_mutated_problem_loads_or_says_what_is_wrong(name: str) -> None:
    """Whatever happens to the keys and values of a problem file: it is a problem, or one message says why not."""
    content = find_source(name).content
    for seed in each(range(many(400))):
        random = Random(seed)
        changed = copy.deepcopy(dict(content))
        for _ in range(random.randint(1, 2)):
            if changed:
                mutated(changed, random)
        with contextlib.suppress(SymbackpropError):
            sbp.problem(changed)


def test_text_where_a_list_is_meant_is_that_one_thing() -> None:
    """One activation is that of all layers, one frozen parameter and one callback are enough, overrides may be a mapping."""
    network = sbp.network([2, 3, 1], activations="tanh", loss="sse").network
    assert ["tanh", "tanh"] == [layer.activation for layer in network.layers]
    assert "adam" == getattr(sbp.example("line", {"training.optimizer": "adam"}).training, "optimizer", "")
    told: list[int] = []
    history = sbp.train(changed(), steps=2, frozen="W1", callbacks=lambda state: told.append(state.step))
    assert [1, 2] == told and [[1, 2], [3, 4]] == history.parameters["W1"].tolist()


@pytest.mark.parametrize("steps", [-1, 1.5, "2", True, 10**9])
def test_number_of_steps_is_checked_as_in_the_file(steps: Any) -> None:
    """`solve(steps=…)` takes what `[training] steps` takes."""
    with pytest.raises(SymbackpropError, match=r"training\.steps: "):
        solve(changed(), steps=steps)


def test_learning_rate_names_no_quantity_beside_a_training() -> None:
    """The setting has that name in updates and homework, so a quantity of a graph cannot."""
    graph = {"parameters": {"learning_rate": 2}, "equations": ["L = learning_rate**2"], "output": "L"}
    assert "learning_rate" in sbp.problem({"graph": graph}).arrays
    with pytest.raises(ProblemError, match="learning_rate is the learning rate of"):
        sbp.problem({"graph": graph, "training": {"steps": 1}})
