"""`symbackprop solve` where a person runs it: on a terminal, and into a pipe."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

import symbackprop as sbp

CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def on_terminal(folder: Path, *arguments: str) -> str:
    """Return what `symbackprop` prints on a terminal, without the sequences that move and colour."""
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "symbackprop", *arguments]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "PYTHONPATH": os.getcwd()}
    process = subprocess.Popen(
        command, cwd=folder, stdin=child, stdout=child, stderr=subprocess.DEVNULL, env=environment
    )
    os.close(child)
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
