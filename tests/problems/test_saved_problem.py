"""Problems that are saved beside trained parameters: the same problem comes back, and what is hostile gets one line."""

from __future__ import annotations

import io
import json
import pickle
import random
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop import limits
from symbackprop.catalog import initializers
from symbackprop.errors import SymbackpropError
from symbackprop.problems.load import examples
from symbackprop.problems.saved_problem import COLUMNS, content_of, text_of
from tests import random_graphs, random_problems
from tests.helpers import each, few

CONTENTS = [
    *(("example", name) for name in examples()),
    *(("problem", seed) for seed in range(60)),
    *(("graph", seed) for seed in range(20)),
]


def drawn(kind: str, number: Any) -> sbp.Problem:
    """Return a bundled or a random problem."""
    if kind == "example":
        return sbp.example(number)
    return sbp.problem(random_problems.problem(number) if kind == "problem" else random_graphs.content(number))


@pytest.mark.parametrize(("kind", "number"), few(CONTENTS, 45))
def test_problem_comes_back_from_its_text(kind: str, number: Any) -> None:
    """Model, notation, title and training of every problem are those that were saved; numbers are left out."""
    problem = drawn(kind, number)
    content = content_of(text_of(problem), "here")
    assert [] == content.pop(COLUMNS, [])
    found = sbp.problem(content, name=problem.name)
    for part in each(("model", "layout", "notation", "title", "titles"), least=5):
        assert getattr(problem, part) == getattr(found, part)
    assert set(problem.parameter_shapes()) <= set(found.missing())
    if problem.training is None or found.training is None:
        assert problem.training is found.training
    else:  # how many updates some epochs have hangs on the samples
        assert problem.training == replace(found.training, steps=problem.training.steps)


@pytest.mark.parametrize("name", ["xor", "classifier", "line"])
def test_saved_training_is_a_problem_of_its_own(name: str, tmp_path: Path) -> None:
    """The file alone is the trained problem wherever a problem is meant, exact to the last bit, and it can be trained on."""
    problem = sbp.example(name)
    history = sbp.train(problem, epochs=3, learning_rate=0.1)
    history.save(tmp_path / "kept.npz")
    loaded = sbp.load(tmp_path / "kept.npz")
    x = np.array(problem.arrays["x"].floats()).reshape(-1, problem.network.inputs)
    np.testing.assert_array_equal(history.predict(x), sbp.compile(loaded).predict(None, x))
    np.testing.assert_array_equal(history.predict(x), sbp.compile(str(tmp_path / "kept.npz")).predict(None, x))
    y = np.array(problem.arrays["y"].floats()).reshape(len(x), -1)
    further = sbp.train(loaded, x, y, epochs=2, learning_rate=0.1)
    assert further.losses[0] == pytest.approx(history.loss)
    assert "1/4" == sbp.load(tmp_path / "kept.npz", [("regularization.l2", "1/4")]).network.regularization.l2.__str__()


def test_graph_is_saved_with_its_equations(tmp_path: Path) -> None:
    """A computation graph comes back too, and its quantities on new data."""
    table = {
        "parameters": {"w": 0.5},
        "inputs": {"x": 1},
        "targets": {"t": 2},
        "equations": ["o = w*x", "L = (o - t)**2"],
    }
    problem = sbp.problem({"graph": {**table, "output": "L"}})
    history = sbp.train(problem, {"x": [1, 2]}, {"t": [2, 4]}, learning_rate=0.1, epochs=5)
    history.save(tmp_path / "kept.npz")
    found = sbp.compile(tmp_path / "kept.npz").evaluate("o", None, {"x": [3.0, 5.0]})
    np.testing.assert_array_equal(history.evaluate("o", {"x": [3.0, 5.0]}), found)


class Bomb:
    """An object that writes a file when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("unpickled"),)


def archive(**members: Any) -> bytes:
    """Return an .npz file of arrays, or of members as bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as written:
        for name, value in members.items():
            content = value
            if not isinstance(value, bytes):
                part = io.BytesIO()
                np.lib.format.write_array(part, np.asarray(value), allow_pickle=True)
                content = part.getvalue()
            written.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def header(shape: str, dtype: str = "<f8", data: bytes = b"") -> bytes:
    """Return an array file that says of itself what it likes."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (63 - (10 + len(text)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


MODEL = {"network": {"inputs": 1, "layers": [{"units": 1}], "loss": "mse"}}
TEXT = np.array(json.dumps(MODEL))
W, B = np.array([[1.0]]), np.array([0.5])
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "pickled problem": (
        lambda: archive(W1=W, **{"state.problem": np.array(Bomb(), object)}),
        "no .npz file of plain arrays",
    ),
    "pickle in place of an array": (
        lambda: archive(W1=pickle.dumps(Bomb())),
        "no .npz file of plain arrays|there are arrays",
    ),
    "huge shape": (lambda: archive(W1=header("(10000000000000,)")), "no .npz file"),
    "shape beyond integers": (
        lambda: archive(W1=header("(10**40, 2)".replace("10**40", "1" + "0" * 40))),
        "no .npz file",
    ),
    "negative shape": (lambda: archive(W1=header("(-1, 2)", data=b"0" * 16)), "no .npz file|there are arrays"),
    "nested header": (lambda: archive(W1=header("(" * 2000 + ")" * 2000)), "no .npz file"),
    "long header": (lambda: archive(W1=header("(1,)" + " " * 30_000)), "no .npz file"),
    "bytes that unpack to too much": (
        lambda: archive(W1=b"\0" * (limits.SAVED_NUMBERS * 8 + 100)),
        "at most 40000000 numbers",
    ),
    "too many small numbers": (
        lambda: archive(W1=np.zeros(limits.SAVED_NUMBERS + 1, np.int8)),
        "at most 40000000 numbers",
    ),
    "endless empty texts": (
        lambda: archive(**{"state.classes": header("(1000000000,)", "<U0"), "state.problem": TEXT}),
        "names of classes|at most 40000000",
    ),
    "numbers for classes": (lambda: archive(**{"state.classes": np.eye(2), "state.problem": TEXT}), "names of classes"),
    "no problem": (lambda: archive(W1=W, b1=B), "there are arrays in this file and no problem"),
    "problem in numbers": (
        lambda: archive(W1=W, **{"state.problem": np.eye(2)}),
        "the problem in this file cannot be read",
    ),
    "no JSON": (lambda: archive(W1=W, **{"state.problem": np.array("{")}), "the problem in this file cannot be read"),
    "a list": (lambda: archive(W1=W, **{"state.problem": np.array("[1]")}), "the problem in this file cannot be read"),
    "nested JSON": (
        lambda: archive(W1=W, **{"state.problem": np.array("[" * 99_999)}),
        "the problem in this file cannot be read",
    ),
    "null": (lambda: archive(W1=W, **{"state.problem": np.array("null")}), "the problem in this file cannot be read"),
    "columns in numbers": (
        lambda: archive(W1=W, **{"state.problem": np.array(json.dumps({**MODEL, "columns": [1]}))}),
        "the problem in this file cannot be read",
    ),
    "another file": (
        lambda: archive(**{"state.problem": np.array(json.dumps({**MODEL, "parameters": {"file": "/etc/passwd"}}))}),
        'unknown key "parameters"',
    ),
    "other data": (
        lambda: archive(**{"state.problem": np.array(json.dumps({**MODEL, "data": {"file": "/etc/passwd"}}))}),
        'unknown key "data"',
    ),
    "foreign key inside": (
        lambda: archive(**{"state.problem": np.array(json.dumps({"network": {**MODEL["network"], "unit": 3}}))}),
        'unknown key "unit"',
    ),
    "wrong shape": (lambda: archive(W1=np.eye(2), b1=B, **{"state.problem": TEXT}), "the shape is 2×2, expected 1×1"),
    "foreign array": (lambda: archive(W1=W, b1=B, V=B, **{"state.problem": TEXT}), 'unknown parameter "V"'),
    "no number": (
        lambda: archive(W1=np.array([[np.nan]]), b1=B, **{"state.problem": TEXT}),
        "expected a finite number",
    ),
    "text for numbers": (
        lambda: archive(W1=np.array([["1"]]), b1=B, **{"state.problem": TEXT}),
        "array of real numbers",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_file_gets_one_line(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is unpickled, nothing is read from elsewhere, nothing large is made; the message names the file."""
    monkeypatch.chdir(tmp_path)
    make, match = HOSTILE[kind]
    path = tmp_path / "kept.npz"
    path.write_bytes(make())
    with pytest.raises(SymbackpropError, match=match) as caught:
        sbp.load(path)
    assert str(caught.value).startswith(str(path))
    assert [path] == list(tmp_path.iterdir())


def test_sound_file_whose_bytes_are_changed_is_read_or_refused(tmp_path: Path) -> None:
    """Whatever single bytes become, there is a problem or one error, and no other exception."""
    path = tmp_path / "kept.npz"
    sbp.train(sbp.example("line"), epochs=1).save(path)
    sound, draw = path.read_bytes(), random.Random(0)
    refused = 0
    for _ in each(range(400), least=400):
        changed = bytearray(sound)
        for _ in range(draw.randint(1, 3)):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        path.write_bytes(bytes(changed))
        try:
            sbp.load(path)
        except SymbackpropError as error:
            refused += 1
            assert str(error).startswith(str(path))
    assert refused > 40


def test_file_alone_names_its_columns(tmp_path: Path) -> None:
    """Columns of inputs that the problem named are found again, whatever their order, and missed by name."""
    (tmp_path / "data.csv").write_text("width,length,kind\n1,2,wolf\n3,1,ape\n")
    network = {"inputs": 2, "layers": [{"units": 2, "activation": "softmax"}], "loss": "ce"}
    data = {"file": str(tmp_path / "data.csv"), "inputs": ["length", "width"], "targets": ["kind"]}
    problem = sbp.problem({"network": network, "data": data, "parameters": {"seed": 1}})
    assert ("length", "width") == problem.columns
    sbp.train(problem, epochs=1, learning_rate=0.1).save(tmp_path / "kept.npz")
    loaded = sbp.load(tmp_path / "kept.npz")
    assert (("length", "width"), ("ape", "wolf")) == (loaded.columns, loaded.classes)
    assert ("ape", "wolf") == initializers.loaded_classes(tmp_path / "kept.npz")
    assert json.loads(initializers.loaded_problem(tmp_path / "kept.npz"))[COLUMNS] == ["length", "width"]
