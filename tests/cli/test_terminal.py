"""`symbackprop solve` where a person runs it: on a terminal, and into a pipe."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

import symbackprop as sbp
from symbackprop import cli
from symbackprop.cli import file_changes
from symbackprop.cli.listings import LISTINGS
from symbackprop.errors import ProblemError
from symbackprop.problems.load import bundled
from tests.helpers import each

CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def on_terminal(folder: Path, *arguments: str, typed: str = "") -> str:
    """Return what `symbackprop` prints on a terminal where something is typed, without what moves and colours."""
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "symbackprop", *arguments]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "PYTHONPATH": os.getcwd()}
    process = subprocess.Popen(
        command, cwd=folder, stdin=child, stdout=child, stderr=subprocess.DEVNULL, env=environment
    )
    os.close(child)
    os.write(parent, typed.encode())
    parts = []
    while True:
        try:
            part = os.read(parent, 4096)
        except OSError:
            break
        if not part:
            break
        parts.append(part)
    os.close(parent)
    assert 0 == process.wait(60)
    return CONTROL.sub("", b"".join(parts).decode()).replace("\r", "")


def rows_of(printed: str) -> dict[str, list[str]]:
    """Return the numbers of each parameter in the table."""
    return {line.split()[0]: line.split()[1:] for line in printed.splitlines() if re.match(r"(W|b)\d", line)}


def test_terminal_shows_gradients_and_new_values(tmp_path: Path) -> None:
    """Below the paths stands every parameter with its value, gradient and new value, then what became of the loss."""
    printed = on_terminal(tmp_path, "solve", "mazur", "-f", "markdown")
    assert "output/mazur/solution.md" == printed.splitlines()[0]
    solution = sbp.solve(sbp.example("mazur"))
    rows, step = rows_of(printed), solution.steps[0]
    elements = [element for quantity in solution.derivation.parameters for element in quantity.elements()]
    assert elements == list(rows)
    assert step.updated is not None
    for element, (value, gradient, new) in rows.items():
        expected = [step.values.value(element), step.values.gradient(element), step.updated[element]]
        assert [float(value), float(gradient), float(new)] == pytest.approx(list(map(float, expected)), rel=1e-5)
    assert "from 0.298371 to 0.291028" in printed


@pytest.mark.sweep
def test_terminal_shows_the_first_rows_of_many(tmp_path: Path) -> None:
    """A larger problem shows some parameters and says how many it leaves out."""
    text = """
    [network]
    inputs = 6
    loss = "half_squared_error"
    layers = [{ units = 6, activation = "sigmoid" }, { units = 1, activation = "linear" }]
    [parameters]
    seed = 1
    [data]
    x = [1, 2, 3, 4, 5, 6]
    y = [1]
    """
    (tmp_path / "wide.toml").write_text(text, encoding="utf-8")
    printed = on_terminal(tmp_path, "solve", "wide.toml", "-f", "json")
    assert 0 < len(rows_of(printed)) < 49
    assert f"{49 - len(rows_of(printed))} more parameters" in printed


@pytest.mark.parametrize("arguments", [("--quiet",), ("-o", "-")])
def test_terminal_shows_no_table_where_none_is_wanted(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """With --quiet nothing is printed, and with -o - the document alone."""
    printed = on_terminal(tmp_path, "solve", "mazur", "-f", "json", *arguments)
    assert {} == rows_of(printed)


def test_pipe_gets_paths_alone(tmp_path: Path) -> None:
    """Other programs read one path on a line, and every path is a file."""
    command = [sys.executable, "-m", "symbackprop", "solve", "mazur", "-f", "latex-fragment,markdown,json"]
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)
    assert b"" == done.stderr
    paths = done.stdout.decode().splitlines()
    figures = [f"solution.{number}.svg" for number in range(1, 5)]
    assert ["solution.fragment.tex", "symbackprop.sty", "solution.md", *figures, "solution.json"] == [
        Path(path).name for path in paths
    ]
    assert all((tmp_path / path).is_file() for path in paths)


@pytest.mark.sweep
def test_pdf_goes_to_standard_output_as_it_is(tmp_path: Path) -> None:
    """Bytes are printed as bytes."""
    from tests.helpers import require_tool

    require_tool("pdflatex")
    command = [sys.executable, "-m", "symbackprop", "solve", "line", "-f", "pdf", "-o", "-"]
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)
    assert done.stdout.startswith(b"%PDF-")
    assert done.stdout.rstrip().endswith(b"%%EOF")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_new_asks_three_questions(tmp_path: Path, lang: str) -> None:
    """Units, activation and loss; a wrong answer is asked again, an empty one is the one proposed."""
    typed = "2-three-1\n2-3-2\nsigmod\n\ncross_entropy\n"
    printed = on_terminal(tmp_path, "new", "--lang", lang, typed=typed)
    assert "2-three-1" in printed and "sigmoid" in printed
    problem = sbp.load(tmp_path / "problem.toml")
    assert problem.network is not None
    assert [2, 3, 2] == [problem.network.inputs, *(layer.units for layer in problem.network.layers)]
    assert ["sigmoid", "softmax"] == [layer.activation for layer in problem.network.layers]
    assert sbp.check(problem).agrees
    on_terminal(tmp_path, "new", typed="\n\n\n")
    assert {"problem.toml", "problem2.toml"} == {file.name for file in tmp_path.iterdir()}


@pytest.mark.sweep
def test_watch_writes_anew_what_was_saved(tmp_path: Path) -> None:
    """A change is solved, a mistake is said without an end, an editor that replaces the file is followed; Ctrl-C ends it."""
    file, written = tmp_path / "mine.toml", tmp_path / "output" / "mine" / "solution.txt"
    text = bundled("line").read_text("utf-8")
    file.write_text(text, "utf-8")
    command = [sys.executable, "-m", "symbackprop", "solve", "mine.toml", "-f", "text", "--watch", "--quiet"]
    # A shell that runs the tests in the background lets its children ignore the signal of Ctrl-C.
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stderr is not None
        assert b"watching mine.toml" in process.stderr.readline()
        before = written.read_text("utf-8")
        file.write_text(text.replace("learning_rate", "learning_rat"), "utf-8")
        assert b"learning_rat" in process.stderr.readline()
        while b"watching" not in process.stderr.readline():
            pass
        assert before == written.read_text("utf-8")
        other = tmp_path / "saved"
        other.write_text('title = "Another title"\n' + re.sub("title = .*\n", "", text), "utf-8")
        other.replace(file)
        assert b"watching" in process.stderr.readline()
        assert "Another title" in written.read_text("utf-8")
        process.send_signal(signal.SIGINT)
        assert 0 == process.wait(30)


def test_watch_wants_a_file(tmp_path: Path) -> None:
    """An example is none, and nothing is made before that is said."""
    made: list[bool] = []
    with pytest.raises(ProblemError, match="mazur: expected a file to watch"):
        file_changes.repeated(Path("mazur"), lambda: made.append(True), "en")
    assert [] == made


def completed(*words: str) -> list[str]:
    """Return what a shell is offered for the last of some words."""
    found = ShellComplete(cli.group, {}, "symbackprop", "_SYMBACKPROP_COMPLETE").get_completions(
        list(words[:-1]), words[-1]
    )
    return [f"<{item.type}>" if item.type != "plain" else item.value for item in found]


def test_shell_completes_commands_options_and_examples() -> None:
    """What is offered is what there is."""
    assert ["solve"] == completed("so")
    assert list(cli.command_names()) == completed("")
    assert ["mazur", "<file>"] == completed("solve", "ma")
    assert "--watch" in completed("solve", "mazur", "--w")
    assert ["typst", "tex"] == completed("solve", "mazur", "--engine", "t")


OFFERED = {
    "--format": "formats",
    "--lang": "languages",
    "--to": "systems",
    "--target": "targets",
    "--backend": "backends",
    "--optimizer": "optimizers",
    "--from": "examples",
}
"""What an option of this name takes, as `list` calls it."""


def test_shell_completes_the_names_that_are_listed() -> None:
    """Whatever command has the option, and behind a comma too."""
    asked = 0
    for command in each(cli.command_names(), 10):
        for option in cli.group.get_command(click.Context(cli.group), command).params:
            listed = OFFERED.get(option.opts[-1])
            if listed is not None:
                asked += 1
                names = [name for name, *_ in LISTINGS[listed]()]
                assert names == completed(command, "mazur", option.opts[-1], "")
    assert asked > 12
    assert "latex,markdown" == completed("solve", "mazur", "-f", "latex,ma")[0]
    assert ["matrix,second_order"] == completed("solve", "mazur", "--detail", "matrix,s")[-1:]
    assert ["schedules"] == completed("list", "s")[:1]


def test_list_of_commands_breaks_off_no_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """What a command does fits on its line of a terminal of 80 columns."""
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    lines = capsys.readouterr().out.partition("Commands:\n")[2].splitlines()
    assert all(line.endswith(".") and not line.endswith("...") for line in each(lines, 14))


def test_nothing_asked_says_what_to_begin_with(capsys: pytest.CaptureFixture[str]) -> None:
    """Without arguments there is the list of commands, and below it three to begin with, which exist."""
    with pytest.raises(SystemExit) as left:
        cli.main([])
    assert 0 == left.value.code
    printed = capsys.readouterr().out
    begun = [
        line.split() for line in printed.partition("begin with")[2].splitlines() if line.startswith("  symbackprop")
    ]
    assert ["solve", "new", "list"] == [words[1] for words in begun]
    assert {words[1] for words in begun} <= set(cli.command_names())
