"""The commands one by one, and what they share: each is a module of its name; reading, printing, writing."""

from __future__ import annotations

import importlib
import pathlib
import re
import runpy
import sys
from pathlib import Path

import click
import pytest
from rich.cells import cell_len

from symbackprop import cli
from symbackprop.cli import inputs, outputs
from symbackprop.cli.commands import check, code, differentiate, export, grade, homework, predict, schema, solve
from symbackprop.cli.commands import list as listing
from symbackprop.cli.listings import LISTINGS
from symbackprop.errors import OutputError, ProblemError, SymbackpropError, UnknownNameError
from symbackprop.messages import message

COMMANDS = {
    "check": check,
    "code": code,
    "differentiate": differentiate,
    "export": export,
    "grade": grade,
    "homework": homework,
    "list": listing,
    "predict": predict,
    "schema": schema,
    "solve": solve,
}


def test_every_command_is_the_module_of_its_name() -> None:
    """A command is found by the name of its module; each says in one line what it does."""
    assert set(COMMANDS) <= set(cli.command_names())
    for name, module in COMMANDS.items():
        assert module.command is cli.command(name)
        assert isinstance(module.command, click.Command)
        assert 20 < len(module.command.get_short_help_str(200)), name


def test_python_m_is_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m symbackprop` runs the command line, and importing the module runs nothing."""
    importlib.import_module("symbackprop.__main__")
    monkeypatch.setattr(sys, "argv", ["symbackprop", "list", "languages"])
    monkeypatch.delitem(sys.modules, "symbackprop.__main__")
    with pytest.raises(SystemExit) as left:
        runpy.run_module("symbackprop", run_name="__main__")
    assert (0, ["en", "zh"]) == (left.value.code, capsys.readouterr().out.split())


@pytest.mark.parametrize("name", LISTINGS)
def test_every_listing_has_rows_that_begin_with_a_name(name: str) -> None:
    """Each row of a listing has a name of one word in front, and no name stands twice."""
    rows = list(LISTINGS[name]())
    names = [row[0] for row in rows]
    assert len(names) == len(set(names)) > 0
    assert [] == [name for name in names if not name or " " in name]


# Reading


def test_problem_is_read_with_its_overrides() -> None:
    """An example's key is replaced, and `digits` is an override of the notation."""
    problem = inputs.read_problem("line", ["training.learning_rate=0.25"], digits=3)
    assert problem.training is not None
    assert (0.25, 3) == (float(problem.training.settings["learning_rate"].value), problem.notation.digits)
    assert problem == inputs.read_source("line", ["training.learning_rate=0.25"], digits=3).problem()


def test_error_without_a_place_names_the_problem() -> None:
    """An error that names no place is put into the problem; one that does stays as it is."""
    for where, expected in (("", "mine.toml"), ("mine.toml: data.x", "mine.toml: data.x")):
        with pytest.raises(SymbackpropError) as caught, inputs.placed("mine.toml"):
            raise ProblemError(message("train.no_length"), where=where)
        assert expected == caught.value.where


def test_formats_are_read_once_each() -> None:
    """A list of formats has each once, in order; one that does not exist is named, and one alone may be asked for."""
    assert ["latex", "json"] == [row.name for row in inputs.read_formats("latex, json,latex", None, one=False)]
    with pytest.raises(UnknownNameError, match='"latec"'):
        inputs.read_formats("latec", None, one=False)
    with pytest.raises(OutputError, match="latex, json"):
        inputs.read_formats("latex,json", None, one=True)


# Printing and writing


def test_text_and_bytes_are_printed_as_they_are(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Standard output gets the text, standard error the remarks, with the program's name before them."""
    outputs.print_text("δ\n")
    outputs.print_text(b"%PDF")
    outputs.remark("odd")
    printed = capsysbinary.readouterr()
    assert ("δ\n%PDF".encode(), b"symbackprop: odd\n") == (printed.out, printed.err)


def test_files_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """Folders are made; where one file cannot be written none is, and no draft is left."""
    outputs.write_files({tmp_path / "a" / "one.txt": "1", tmp_path / "a" / "two.bin": b"\x00"})
    assert ("1", b"\x00") == ((tmp_path / "a/one.txt").read_text(), (tmp_path / "a/two.bin").read_bytes())
    (tmp_path / "b").mkdir()
    with pytest.raises(OutputError, match="b"):
        outputs.write_files({tmp_path / "three.txt": "3", tmp_path / "b": "a folder"})
    assert {"a", "b"} == {path.name for path in pathlib.Path(tmp_path).iterdir()}


def test_sign_of_life_is_for_terminals_only(capsys: pytest.CaptureFixture[str]) -> None:
    """In a pipe neither the spinner nor the bar prints anything, and the body runs."""
    with outputs.working("cli.solving"), outputs.progress("cli.solving", 3) as advance:
        advance(1, "s1")
    printed = capsys.readouterr()
    assert ("", "") == (printed.out, printed.err)


@pytest.mark.parametrize("command", ["train line --epochs 2 --learning-rate 1/2", "check line"])
def test_tables_are_chinese_where_it_is_asked_for(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Training and checks print every heading and sentence in the language; columns stay aligned."""
    with pytest.raises(SystemExit):
        cli.main([*command.split(), "--lang", "zh"])
    lines = capsys.readouterr().out.splitlines()
    assert lines and not re.search("agree|loss|sample|largest", "\n".join(lines))
    assert cell_len(lines[0]) == cell_len(lines[1]) or command.startswith("check")


def test_commands_speak_the_language_asked_for() -> None:
    """What a command says is in the language of its settings, English where none was asked for."""
    assert "en" == outputs.asked_language(None) == outputs.asked_language({})
    assert "zh" == outputs.asked_language({outputs.LANGUAGE: "zh"})
    assert outputs.say("cli.standard_output")
