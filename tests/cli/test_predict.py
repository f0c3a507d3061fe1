"""`symbackprop predict`: what training saved, applied to new samples."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop.catalog import initializers
from symbackprop.cli import command
from symbackprop.errors import MissingValueError, ProblemError, SymbackpropError
from symbackprop.problems.load import load

PROBLEM = """
[network]
inputs = ["length", "width"]
layers = [{ units = 3, activation = "tanh" }, { units = UNITS, activation = "ACTIVATION" }]
loss = "LOSS"
[parameters]
seed = 1
[data]
file = "data.csv"
targets = ["kind"]
"""
DATA = "width,length,kind\n1,2,wolf\n3,1,ape\n1.1,2,wolf\n3,1.2,ape\n"


def run(*arguments: object, capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    """Run the command; return the rows that it prints."""
    command("predict").main([*map(str, arguments)], standalone_mode=False)
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def trained(folder: Path, units: int = 2, activation: str = "softmax", loss: str = "cross_entropy") -> Path:
    """Return a problem file with trained parameters beside it, and without its data."""
    text = PROBLEM.replace("UNITS", str(units)).replace("ACTIVATION", activation).replace("LOSS", loss)
    (folder / "animals.toml").write_text(text)
    (folder / "data.csv").write_text(DATA)
    history = sbp.train(load(folder / "animals.toml"), epochs=200, learning_rate=0.5)
    history.save(folder / "animals.npz")
    (folder / "data.csv").unlink()
    np.testing.assert_array_equal(history.parameters["W1"], initializers.loaded(folder / "animals.npz")["W1"])
    return folder / "animals.toml"


@pytest.mark.parametrize("output", [(2, "softmax", "cross_entropy"), (1, "sigmoid", "binary_cross_entropy")])
def test_prediction_has_outputs_and_the_name_of_the_class(
    output: tuple[int, str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Classes have the names that training read; neither the data nor targets are needed; columns are found by name."""
    problem = trained(tmp_path, *output)
    (tmp_path / "new.csv").write_text("id,length,width\n7,2,1.05\n8,1,3\n")
    rows = run(problem, "--parameters", tmp_path / "animals.npz", tmp_path / "new.csv", capsys=capsys)
    assert [("7", "wolf"), ("8", "ape")] == [(row["id"], row["prediction"]) for row in rows]
    assert ("ape", "wolf") == initializers.loaded_classes(tmp_path / "animals.npz")
    elements = [name for name in rows[0] if name.startswith("a2")]
    assert output[0] == len(elements)
    (tmp_path / "data.csv").write_text(DATA)
    gradient = sbp.compile(sbp.derive(load(problem)))
    parameters = {name: each for name, each in initializers.loaded(tmp_path / "animals.npz").items() if "." not in name}
    expected = gradient.predict(parameters, [[2, 1.05], [1, 3]])
    assert expected.tolist() == [[float(row[name]) for name in elements] for row in rows]


def test_prediction_of_numbers_has_no_class(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The problem's own parameters are the default; an output that is no share of a class has no prediction."""
    (tmp_path / "new.csv").write_text("a,b\n0.05,0.1\n")
    (row,) = run("mazur", tmp_path / "new.csv", "--set", "network.loss=half_squared_error", capsys=capsys)
    assert ["a", "b", "a2_1", "a2_2"] == list(row)
    assert sbp.compile(sbp.derive(sbp.example("mazur"))).predict().tolist() == [
        [float(row["a2_1"]), float(row["a2_2"])]
    ]
    command("predict").main(
        ["mazur", str(tmp_path / "new.csv"), "-o", str(tmp_path / "out.csv")], standalone_mode=False
    )
    assert (tmp_path / "out.csv").read_text().startswith("a,b,a2_1,a2_2\n0.05,0.1,")


def test_numbers_of_classes_stand_where_names_are_not_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without names the class is its number, counted from 0."""
    (tmp_path / "p.toml").write_text(
        '[network]\ninputs = 1\nlayers = [{ units = 3, activation = "softmax" }]\nloss = "ce"\n'
        "[parameters]\nW1 = [[1], [0], [-1]]\nb1 = [0, 0, 0]\n"
    )
    (tmp_path / "new.csv").write_text("x\n-5\n5\n")
    assert ["2", "0"] == [row["prediction"] for row in run(tmp_path / "p.toml", tmp_path / "new.csv", capsys=capsys)]


@pytest.mark.parametrize(
    ("problem", "table", "kind", "match"),
    [
        ("circuit", "x\n1\n", ProblemError, "names no outputs"),
        ("mazur", "a,b,c\n1,2,3\n", ProblemError, "the table has 3 columns"),
        ("mazur", "a\n1\n", ProblemError, "number of columns named: 1"),
        ("mazur", "1,2\n3,4\n", ProblemError, "first line holds numbers"),
        ("mazur", "a,b\n3,x\n", ProblemError, 'expected a number in column "b"'),
    ],
)
def test_prediction_that_cannot_be_has_a_message(
    problem: str, table: str, kind: type[Exception], match: str, tmp_path: Path
) -> None:
    """Graphs, columns that nobody can tell apart, and what is no number are refused with their place."""
    (tmp_path / "new.csv").write_text(table)
    with pytest.raises(kind, match=match):
        command("predict").main([problem, str(tmp_path / "new.csv")], standalone_mode=False)


def test_parameters_of_another_network_are_refused(tmp_path: Path) -> None:
    """What was saved has to have the names and shapes of the problem; without numbers there is no prediction."""
    trained(tmp_path)
    (tmp_path / "new.csv").write_text("a,b\n1,2\n")
    arguments = ["mazur", "--parameters", str(tmp_path / "animals.npz"), str(tmp_path / "new.csv")]
    with pytest.raises(SymbackpropError, match="W1: the shape is 3×2, expected 2×2"):
        command("predict").main(arguments, standalone_mode=False)
    with pytest.raises(MissingValueError):
        command("predict").main(["mazur", str(tmp_path / "new.csv"), "--set", "parameters={}"], standalone_mode=False)


@pytest.mark.parametrize("output", [(2, "softmax", "cross_entropy"), (1, "sigmoid", "binary_cross_entropy")])
def test_saved_file_alone_predicts(
    output: tuple[int, str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What training saved is a problem of its own: the same table as with the problem file."""
    problem = trained(tmp_path, *output)
    (tmp_path / "new.csv").write_text("id,length,width\n7,2,1.05\n8,1,3\n")
    expected = run(problem, "--parameters", tmp_path / "animals.npz", tmp_path / "new.csv", capsys=capsys)
    problem.unlink()
    assert expected == run(tmp_path / "animals.npz", tmp_path / "new.csv", capsys=capsys)
    (tmp_path / "new.csv").write_text("id,length,wide\n7,2,1.05\n")
    with pytest.raises(SymbackpropError, match="width"):
        run(tmp_path / "animals.npz", tmp_path / "new.csv", capsys=capsys)


def test_names_of_classes_that_are_not_those_of_the_network_are_refused(tmp_path: Path) -> None:
    """A file that was tampered with has names of other classes than the network has outputs."""
    trained(tmp_path)
    with np.load(tmp_path / "animals.npz") as found:
        arrays = {**found, "state.classes": np.array(["ape"])}
    np.savez(tmp_path / "other.npz", **arrays)
    (tmp_path / "new.csv").write_text("length,width\n1,2\n")
    with pytest.raises(
        SymbackpropError, match="names of 1 classes beside the parameters, and the network tells 2 apart"
    ):
        command("predict").main([str(tmp_path / "other.npz"), str(tmp_path / "new.csv")], standalone_mode=False)
