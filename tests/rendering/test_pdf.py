"""The format pdf: typeset by an engine of the machine that may do nothing else."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import time
from pathlib import Path

import pytest

import symbackprop as sbp
from symbackprop import rendering
from symbackprop.errors import OutputError
from symbackprop.rendering.typesetting import tex_engines
from tests.documents import dense, solved
from tests.helpers import require_tool

PAGE = "\\documentclass{article}\\begin{document}%s\\end{document}"


def text_of(content: bytes, folder: Path) -> str:
    """Return the text on the pages of a PDF."""
    file = folder / "typeset.pdf"
    file.write_bytes(content)
    done = subprocess.run([require_tool("pdftotext"), "-raw", file, "-"], capture_output=True, check=True)
    return done.stdout.decode()


def titled(title: str) -> bytes:
    """Return the solution of a small problem with that title as a PDF."""
    content = rendering.render(sbp.solve(sbp.problem({**dense((1, "linear")), "title": title})), "pdf", engine="tex")
    assert isinstance(content, bytes)
    return content


def program(folder: Path, name: str, script: str) -> None:
    """Put a program into a folder."""
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


@pytest.mark.sweep
def test_pdf_is_the_document_typeset(tmp_path: Path) -> None:
    """The pages have the title, every section and the result that the solution is about."""
    require_tool("pdflatex")
    content = rendering.render(solved("mazur"), "pdf", engine="tex")
    assert isinstance(content, bytes)
    assert content.startswith(b"%PDF-")
    text = text_of(content, tmp_path)
    assert "One gradient-descent step through a 2-2-2 network" in text
    sections = re.findall(r"\\symbackpropsection\{(.*)\}", str(rendering.render(solved("mazur"), "latex")))
    assert [section for section in sections if section not in text] == []
    assert "0.0821670" in text


@pytest.mark.sweep
def test_pdf_of_a_chinese_title_has_its_characters(tmp_path: Path) -> None:
    """A text that pdflatex cannot print goes to an engine that can, with fonts that have it."""
    require_tool("xelatex")
    assert "反向传播" in text_of(titled("反向传播"), tmp_path)


@pytest.mark.sweep
def test_pdf_is_the_same_at_every_time() -> None:
    """The bytes depend on the problem alone."""
    require_tool("pdflatex")
    require_tool("xelatex")
    for title in ("Twice", "两次"):
        first = titled(title)
        time.sleep(1.1)
        assert first == titled(title)


def test_pdf_without_an_engine_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without TeX the message names the programs, where they come from, and the way through a browser."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OutputError, match=r"(?s)pdflatex, xelatex, lualatex.*tug\.org.*html.*browser"):
        titled("Nothing")


def test_engine_follows_the_first_line_of_a_document(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A Latin document takes any engine, the fastest first; another takes only the one that has its letters."""
    for name in ("lualatex", "xelatex"):
        program(tmp_path, name, "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert str(tmp_path / "xelatex") == tex_engines.engine_for(f"% !TeX program = pdflatex\n{PAGE}")
    program(tmp_path, "pdflatex", "exit 0")
    assert str(tmp_path / "pdflatex") == tex_engines.engine_for(PAGE)
    (tmp_path / "xelatex").unlink()
    with pytest.raises(OutputError, match="xelatex"):
        tex_engines.engine_for(f"% !TeX program = xelatex\n{PAGE}")


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (r"\undefinedcommand", r"Undefined control sequence\. l\.2"),
        (r"\input{/etc/passwd}", "passwd"),
        (r"\input{../../../../../../etc/passwd}", "passwd"),
        (r"\newwrite\w\immediate\openout\w=/tmp/symbackprop-escaped.tex\immediate\write\w{x}", "write on file"),
        (r"\input{|id}", "stopped"),
    ],
)
def test_document_at_fault_is_one_message(body: str, message: str) -> None:
    """What stops an engine is told; a document reaches no file outside its folder and no shell."""
    require_tool("xelatex")
    with pytest.raises(OutputError, match=message) as caught:
        tex_engines.typeset("% !TeX program = xelatex\n" + PAGE % body)
    assert "uid=" not in str(caught.value)
    assert not Path("/tmp/symbackprop-escaped.tex").exists()


@pytest.mark.sweep
def test_document_runs_no_command(tmp_path: Path) -> None:
    """A document that calls the shell gets none, whatever the machine's configuration allows."""
    require_tool("pdflatex")
    mark = tmp_path / "ran"
    content = tex_engines.typeset(PAGE % rf"\immediate\write18{{touch {mark}}}One page.")
    assert content.startswith(b"%PDF-")
    assert not mark.exists()


@pytest.mark.sweep
def test_missing_character_is_an_error() -> None:
    """A page that lacks a character is not handed over as if it were whole."""
    require_tool("xelatex")
    with pytest.raises(OutputError, match="no glyph for: 你"):
        tex_engines.typeset("% !TeX program = xelatex\n" + PAGE % "你好".replace("好", ""))


def test_engine_that_does_not_end_is_stopped_with_what_it_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """After the time limit the engine and its children are gone."""
    mark = tmp_path / "child"
    program(tmp_path, "pdflatex", f"/bin/sh -c 'echo $$ > {mark}; exec sleep 60' &\nwait")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(OutputError, match=r"pdflatex was stopped after 0\.5 seconds"):
        tex_engines.typeset(PAGE, time_limit=0.5)
    child = int(mark.read_text())
    deadline = time.monotonic() + 10
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(child)


def is_running(process: int) -> bool:
    """Say whether a process is there and no mere entry in its parent's table."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False


def test_engine_that_writes_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No log and no page is not success."""
    program(tmp_path, "pdflatex", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OutputError, match="pdflatex stopped"):
        tex_engines.typeset(PAGE)


@pytest.mark.sweep
def test_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The folder that the engine worked in is gone, after success and after failure."""
    require_tool("pdflatex")
    monkeypatch.setattr(tex_engines.tempfile, "tempdir", str(tmp_path))
    tex_engines.typeset(PAGE % "One page.")
    with pytest.raises(OutputError, match="stopped"):
        tex_engines.typeset(PAGE % r"\undefinedcommand")
    assert [] == list(tmp_path.iterdir())
