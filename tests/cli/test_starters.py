"""Starter files: commented at every key, in every language, and never over a file that is there."""

from __future__ import annotations

import io
import itertools
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import symbackprop as sbp
from symbackprop import cli, language
from symbackprop.cli import starters
from symbackprop.cli.commands import new
from symbackprop.errors import OutputError, ProblemError
from symbackprop.problems.load import bundled, examples
from symbackprop.problems.spec import ProblemSpec
from tests.helpers import each, few


def run(folder: Path, *arguments: str, monkeypatch: pytest.MonkeyPatch) -> int | str | None:
    """Run the command line in a folder; return its exit code."""
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    return left.value.code


def commented(text: str) -> Iterator[tuple[str, bool]]:
    """Yield every table and key of a file, and whether a comment stands above it."""
    lines, table = text.splitlines(), "file"
    for before, line in itertools.pairwise(["", *lines]):
        if found := re.match(r"\[{1,2}([\w.]+)\]", line):
            table = found[1]
            yield f"[{table}]", before.startswith("# ")
        elif found := re.match(r"(\w+)\s*=", line):
            yield f"{table}.{found[1]}", before.startswith("# ")


@pytest.mark.parametrize("lang", language.available())
def test_new_writes_a_problem_that_solves(tmp_path: Path, lang: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The starter file is commented at every key, loads, and solves."""
    assert 0 == run(tmp_path, "new", "mine.toml", "--lang", lang, monkeypatch=monkeypatch)
    file = tmp_path / "mine.toml"
    bare = [key for key, has_comment in commented(file.read_text("utf-8")) if not has_comment]
    assert all(key.startswith("parameters.") for key in bare)
    assert sbp.solve(sbp.load(file)).losses[1] < sbp.solve(sbp.load(file)).losses[0]


@pytest.mark.parametrize("loss", few(starters.LOSSES_ASKED, 2))
def test_every_answer_gives_a_problem_that_solves(loss: str) -> None:
    """Whatever activation and loss are asked for, in networks small and deep, the file solves and its gradients agree."""
    for activation in each(starters.ACTIVATIONS_ASKED):
        assert starters.with_loss((2, 3, 2), activation, loss).text("A title")
    for units in each(["1-1", "3, 2 4", "2-2-2-2-2-2"]):
        try:
            found = starters.with_loss(starters.read_units(units), "tanh", loss)
        except ProblemError as error:
            assert "two units" in str(error) and units == "1-1"
        else:
            assert sbp.check(sbp.problem(tomllib.loads(found.text("A title")))).agrees


@pytest.mark.parametrize(
    "text", ["", "2", "2-0-1", "2-x-1", "2-21", "1-1-1-1-1-1-1", "²-1", "9999999-1", "2--1", "-2-1"]
)
def test_units_that_are_none_are_refused_in_one_line(text: str) -> None:
    """What was typed and what was expected stand in the message."""
    with pytest.raises(OutputError, match=r"2-3-1.*at most 20"):
        starters.read_units(text)


@pytest.mark.parametrize("name", examples())
def test_new_from_an_example_is_the_example(name: str) -> None:
    """A copy has the content of its example, and a comment at every key but the user's own names."""
    text = bundled(name).read_text("utf-8")
    copied = "\n".join(new._commented(text, "en"))
    assert tomllib.loads(text) == tomllib.loads(copied)
    bare = [key for key, has_comment in commented(copied) if not has_comment]
    own = ("parameters", "data", "variants", "graph.parameters", "notation.naming")
    assert [] == [key for key in bare if key.rpartition(".")[0] not in own]


def test_new_without_a_name_asks_on_a_terminal_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a script that names no file there is one line, and nothing waits for an answer."""
    monkeypatch.setattr("sys.stdin", io.StringIO("2-2-1\n"))
    assert 2 == run(tmp_path, "new", monkeypatch=monkeypatch)
    assert "problem.toml" in capsys.readouterr().err
    assert [] == list(tmp_path.iterdir())


def test_new_leaves_a_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is there is not overwritten; the message says so."""
    (tmp_path / "mine.toml").write_text("precious", "utf-8")
    assert 2 == run(tmp_path, "new", "mine.toml", "--from", "mazur", monkeypatch=monkeypatch)
    assert "precious" == (tmp_path / "mine.toml").read_text("utf-8")
    assert "exists already" in capsys.readouterr().err


def test_new_from_an_unknown_example_names_the_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A misspelt example is answered with the one that was meant, and nothing is written."""
    run(tmp_path, "new", "mine.toml", "--from", "mazzur", monkeypatch=monkeypatch)
    assert 'did you mean "mazur"' in capsys.readouterr().err
    assert not (tmp_path / "mine.toml").exists()


def test_every_key_of_the_problem_file_has_a_comment() -> None:
    """Each key of each table of the file is explained in every language that there is."""
    for lang in each(language.available()):
        phrases = language.phrases(lang)
        for name, field in each(ProblemSpec.model_fields.items()):
            types = (field.annotation, *getattr(field.annotation, "__args__", ()))
            table = next((each for each in types if hasattr(each, "model_fields")), None)
            assert name == "title" or f"starter.{name}" in phrases
            keys = [] if table is None else table.model_fields
            assert [] == [key for key in keys if f"starter_{name}.{key}" not in phrases], (lang, name)
