"""Rendered documents: LaTeX that compiles, whole or inside a document of somebody's own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

import symbackprop as sbp
from symbackprop import language, rendering
from symbackprop.algebra.functions import ACTIVATIONS
from symbackprop.errors import UnknownNameError
from symbackprop.rendering.typesetting import tex_engines
from tests.documents import EXAMPLES, FRACTIONS, HOSTILE, PROBLEMS, dense, rendered, solved, text_of
from tests.helpers import few, require_tool

MOST_OVERFULL = 5.0
"""In points: less than anyone sees."""
TEXTUAL = tuple(name for name, format in rendering.formats().items() if format.finish == "document")


def compiled(text: str, folder: Path, runs: int = 1) -> str:
    """Return the log of the engine that a document asks for, run without a shell, no error skipped.

    A document that is run more than once is run as often as its engine asks for.
    """
    program = require_tool(tex_engines.program_of(text))
    (folder / "document.tex").write_text(text, encoding="utf-8")
    command = [program, "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "document.tex"]
    log = ""
    for run in range(1 if runs == 1 else tex_engines.MOST_RUNS):
        subprocess.run(command, cwd=folder, capture_output=True, check=False)
        log = (folder / "document.log").read_text("utf-8", errors="replace")
        if run + 1 >= runs and "Rerun" not in log:
            break
    return log


def assert_compiles(text: str, folder: Path, runs: int, most_overfull: float = MOST_OVERFULL) -> None:
    """Assert that a document compiles without anything that a reader would see."""
    log = compiled(text, folder, runs)
    lines = log.splitlines()
    assert [] == [line for line in lines if line.startswith("!") or "Missing character" in line or "undefined" in line]
    overfull = [
        (float(width), line) for line in lines for width in re.findall(r"Overfull \\[hv]box \((\S+)pt too", line)
    ]
    assert [] == [line for width, line in overfull if width > most_overfull]
    assert "Output written on document.pdf" in log.replace("\n", "")


@pytest.mark.sweep
@pytest.mark.parametrize("name", EXAMPLES)
def test_latex_of_an_example_compiles(name: str, tmp_path: Path) -> None:
    """As often through its engine as that asks for: no error, nothing missing, nothing that sticks out of the page."""
    assert_compiles(text_of(name, "latex"), tmp_path, runs=2)


@pytest.mark.sweep
@pytest.mark.parametrize("name", PROBLEMS)
def test_latex_of_a_problem_compiles(name: str, tmp_path: Path) -> None:
    """Every kind of problem and notation fits on the page."""
    assert_compiles(text_of(name, "latex"), tmp_path, runs=1)


@pytest.mark.sweep
def test_latex_prints_hostile_text_literally(tmp_path: Path) -> None:
    """What a user types as a title or a name stands on paper as it was typed; nothing of it is a command."""
    pdftotext = require_tool("pdftotext")
    compiled(text_of("hostile", "latex"), tmp_path)
    done = subprocess.run([pdftotext, "-raw", "document.pdf", "-"], cwd=tmp_path, capture_output=True, check=True)
    text = re.sub(r"\s+", "", done.stdout.decode())
    assert re.sub(r"\s+", "", HOSTILE) in text
    assert "root:" not in text


HOSTS = {
    "article": r"\documentclass{article}\usepackage{symbackprop}\begin{document}\section{Mine}$$a = b$$%s\end{document}",
    "exam": r"\documentclass[answers]{exam}\newcommand{\symbackpropsection}{\subsection*}\usepackage{symbackprop}"
    r"\begin{document}\begin{questions}\question Take one step.\begin{solution}%s\end{solution}\end{questions}"
    r"\end{document}",
    "beamer": r"\documentclass{beamer}\usepackage{symbackprop}\begin{document}\begin{frame}[allowframebreaks]{One step}"
    r"%s\end{frame}\end{document}",
    "amsart": r"\documentclass{amsart}\usepackage{symbackprop}\begin{document}%s\end{document}",
    # Its first line sends it to an engine that has the fonts.
    "unicode-math": "%% !TeX program = xelatex\n"
    r"\documentclass{article}\usepackage{unicode-math}\usepackage{symbackprop}\begin{document}%s\end{document}",
}
"""Documents of somebody's own; the fragment goes where `%s` is."""


@pytest.mark.sweep
@pytest.mark.parametrize("name", ["mazur", "deep", "circuit"])
@pytest.mark.parametrize("host", HOSTS)
def test_fragment_compiles_inside_a_document_of_ones_own(host: str, name: str, tmp_path: Path) -> None:
    """The body alone goes into documents of other classes, with the style file that is written beside it."""
    for file, content in rendered(name, "latex-fragment").items():
        (tmp_path / file).write_text(str(content), encoding="utf-8")
    # The frame of an exam's solution is cut to pages by eye: a line more at a foot, inside the margin, is its own.
    most = 18.0 if host == "exam" else 12.0
    assert_compiles(HOSTS[host] % r"\input{solution.fragment}", tmp_path, runs=1, most_overfull=most)


def test_fragment_is_the_body_of_the_document(tmp_path: Path) -> None:
    """What the whole document defines is what the style file defines: there is one source of both."""
    parts = rendered("line", "latex-fragment")
    whole = text_of("line", "latex")
    definitions = str(parts["symbackprop.sty"]).partition("\n\\RequirePackage")[2]
    assert len(definitions) > 1000
    assert definitions in whole
    sections = re.compile(r"\\symbackprop(?:sub)*section\{.*\}")
    assert sections.findall(whole) == sections.findall(str(parts["solution.fragment.tex"]))


@pytest.mark.sweep
@pytest.mark.parametrize("text", ["反向传播", "вход", "β → ∞ ≤ 𝒢 ☃", "Ångström – “ĳ” ďž €5", "de\u0301ja\u0300"])
def test_latex_prints_every_script(text: str, tmp_path: Path) -> None:
    """Letters beyond the Latin ones choose an engine that has them; what no font has leaves a box and no error."""
    solution = sbp.solve(sbp.problem({**dense((1, "linear")), "title": text}))
    assert_compiles(str(rendering.render(solution, "latex")), tmp_path, runs=2)
    pdftotext = require_tool("pdftotext")
    done = subprocess.run([pdftotext, "-raw", "document.pdf", "-"], cwd=tmp_path, capture_output=True, check=True)
    shown = unicodedata.normalize("NFKC", done.stdout.decode()).replace(" ", "")
    missing = [c for c in unicodedata.normalize("NFKC", text) if not c.isspace() and c not in shown]
    assert set(missing) <= set("G☃")


@pytest.mark.parametrize("format", TEXTUAL)
def test_document_without_a_title_is_called_what_it_is(format: str) -> None:
    """An empty title leaves no empty heading."""
    text = rendering.render(sbp.solve(sbp.problem({**FRACTIONS, "title": ""})), format)
    assert language.phrases("en")["text.worked_solution"] in text


@pytest.mark.parametrize("format", TEXTUAL)
@pytest.mark.parametrize("activation", few([row.name for row in ACTIVATIONS.values() if row.expression], 5))
def test_every_activation_is_printed(activation: str, format: str) -> None:
    """An activation that is registered has a symbol, and a solution with it can be written."""
    content = dense((2, activation), (1, "linear"))
    assert "Backward pass" in rendering.render(sbp.solve(sbp.problem(content)), format)


@pytest.mark.parametrize("format", TEXTUAL)
def test_summary_of_several_steps_says_which(format: str) -> None:
    """The key of two steps in full has a table for each; of a hundred it names the one it shows."""
    assert "Of the 100 steps, the first." in text_of("deep", format)
    closing = text_of("line", format).split("Summary")[-1]
    assert ["Step 1", "Step 2"] == re.findall(r"Step \d", closing)


@pytest.mark.sweep
def test_rendering_is_the_same_whatever_the_hash_seed() -> None:
    """The same input gives the same bytes in every process."""
    program = (
        "import symbackprop as s; x = s.solve(s.example('mazur')); "
        "print(*(s.render(x, f) for f in ('latex', 'markdown', 'json')), s.render(x, 'html', explorable='values'))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert 1 == len(outputs)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"format": "latx"}, '(?s)unknown format "latx".*"latex"'),
        ({"language": "english"}, '(?s)unknown language "english".*valid: .*en'),
        ({"detail": "ful"}, '(?s)unknown level of detail "ful".*"full"'),
    ],
)
def test_unknown_choice_names_the_nearest(arguments: dict[str, str], message: str) -> None:
    """A format, language or level of detail that does not exist is reported with those that do."""
    with pytest.raises(UnknownNameError, match=message):
        rendering.render(solved("line"), **arguments)
