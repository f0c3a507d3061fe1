"""Rendered documents: golden files, LaTeX that compiles, Markdown that parses."""

from __future__ import annotations

import difflib
import functools
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

import symbackprop as sbp
from symbackprop import document, language, rendering
from symbackprop.document.blocks import Display, Section, Table
from symbackprop.errors import UnknownNameError
from symbackprop.functions import ACTIVATIONS
from symbackprop.problems.load import examples
from symbackprop.rendering.escapes import ESCAPES
from symbackprop.solution import Solution
from tests.conftest import require_tool

GOLDEN = Path(__file__).parent / "golden"
TEXTUAL = tuple(name for name, format in rendering.formats().items() if format.folder is not None)
EXAMPLES = examples()
HOSTILE = r'$\input{/etc/passwd}$ <script>alert(1)</script> | ` % # & ~ ^ _ { } \ " [a](b) *c* _d_ ![i](j) &amp; -- #'
MOST_OVERFULL = 5.0
"""In points: less than anyone sees."""


def dense(*layers: tuple[int, str], inputs: int | list[str] = 2, **tables: object) -> dict[str, object]:
    """Return the content of a problem with the same small random numbers every time.

    `bias`, `loss`, `samples`, `values` and `reduction` are taken from `tables`; the rest are tables of the file.
    """
    bias, loss = tables.pop("bias", "per_unit"), tables.pop("loss", "half_squared_error")
    samples, values, reduction = (
        tables.pop("samples", None),
        tables.pop("values", True),
        tables.pop("reduction", "mean"),
    )
    content: dict[str, object] = {
        "title": "A test",
        "network": {
            "inputs": inputs,
            "layers": [{"units": units, "activation": name, "bias": bias} for units, name in layers],
            "loss": loss,
            "reduction": reduction,
        },
        "training": {"learning_rate": 0.1},
        **tables,
    }
    draw = random.Random(1)

    def numbers(shape: tuple[int, ...]) -> object:
        return [numbers(shape[1:]) for _ in range(shape[0])] if shape else round(draw.uniform(-1, 1), 2)

    if values:
        shapes = sbp.problem(content).parameter_shapes()
        content["parameters"] = {name: numbers(shape) for name, shape in shapes.items()}
        count = inputs if isinstance(inputs, int) else len(inputs)
        target = [1] + [0] * (layers[-1][0] - 1)
        content["data"] = {
            "x": numbers((count,) if samples is None else (samples, count)),  # type: ignore[arg-type]
            "y": target if samples is None else [target] * samples,  # type: ignore[operator]
        }
    return content


WORDS = {
    "pre_activation": "net",
    "activation": "out",
    "target": "target",
    "learning_rate": r"\alpha",
    "loss": "E_total",
}
FRACTIONS = {
    "network": {
        "inputs": 2,
        "layers": [{"units": 2, "activation": "relu"}, {"units": 1, "activation": "linear"}],
        "loss": "half_squared_error",
    },
    "parameters": {"W1": [["1/3", "-2/7"], ["1/2", "5/6"]], "b1": ["1/9", 0], "W2": [["2/3", "-1/7"]], "b2": ["1/11"]},
    "data": {"x": ["1/2", 3], "y": ["1/3"]},
    "training": {"learning_rate": "1/3", "steps": 2},
}
PROBLEMS: dict[str, dict[str, object]] = {
    "threshold biases": dense((2, "tanh"), (1, "linear"), bias="threshold"),
    "softmax": dense((3, "relu"), (3, "softmax"), loss="cross_entropy"),
    "batch with mean": dense((2, "sigmoid"), (1, "sigmoid"), loss="binary_cross_entropy", samples=3),
    "symbols only": dense((2, "sigmoid"), (2, "softmax"), loss="cross_entropy", values=False),
    "twelve inputs": dense((1, "tanh"), (1, "sigmoid"), inputs=12),
    "flat, deep": dense((2, "sigmoid"), (2, "tanh"), (1, "sigmoid"), notation={"naming": "flat"}),
    "words": dense((2, "sigmoid"), (2, "sigmoid"), notation={"symbols": WORDS}),
    "flat words": dense((2, "sigmoid"), (2, "sigmoid"), notation={"naming": "flat", "symbols": WORDS}),
    "row": dense((3, "sigmoid"), (2, "sigmoid"), notation={"layout": "row"}),
    "three digits": dense((2, "sigmoid"), (1, "sigmoid"), notation={"digits": 3}),
    "twelve digits": dense((2, "sigmoid"), (2, "sigmoid"), notation={"digits": 12}),
    "fractions": FRACTIONS,
    "hostile": dense((1, "sigmoid"), inputs=[r"$\input{/etc/passwd}$", HOSTILE[25:80]], title=HOSTILE),
    "not Latin": dense((1, "sigmoid"), inputs=["输入", "вход"], title="反向传播 β → ∞, Müller"),
}


@functools.cache
def solved(name: str) -> Solution:
    """Return the solution of an example or of a problem of this module."""
    return sbp.solve(sbp.problem(PROBLEMS[name]) if name in PROBLEMS else sbp.example(name))


def sections_of(sections: tuple[Section, ...]) -> Iterator[Section]:
    """Yield sections and subsections."""
    for section in sections:
        yield section
        yield from sections_of(section.sections)


def blocks_of(name: str, kind: type) -> int:
    """Return the number of blocks of a kind in a document."""
    content = document.compose(solved(name))
    return sum(isinstance(block, kind) for section in sections_of(content.sections) for block in section.blocks)


@pytest.mark.parametrize("format", TEXTUAL)
@pytest.mark.parametrize("name", EXAMPLES)
def test_rendering_of_an_example_is_golden(name: str, format: str, request: pytest.FixtureRequest) -> None:
    """A document changes only when its golden file is changed with it (`--update-golden`)."""
    path = GOLDEN / f"{name}.{rendering.formats()[format].suffix}"
    actual = rendering.render(solved(name), format)
    if request.config.getoption("--update-golden"):
        path.write_text(actual, encoding="utf-8")
    expected = path.read_text("utf-8")
    difference = "".join(
        difflib.unified_diff(expected.splitlines(True), actual.splitlines(True), f"golden/{path.name}", "rendered")
    )
    assert expected == actual, f"\n{difference}"


def compiled(text: str, folder: Path, runs: int = 1) -> str:
    """Return the log of pdflatex, run without a network of helpers: no shell, no error skipped."""
    pdflatex = require_tool("pdflatex")
    (folder / "document.tex").write_text(text, encoding="utf-8")
    command = [pdflatex, "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "document.tex"]
    for _ in range(runs):
        subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return (folder / "document.log").read_text("latin-1")


def assert_compiles(name: str, folder: Path, runs: int) -> None:
    """Assert that a document compiles without anything that a reader would see."""
    log = compiled(rendering.render(solved(name), "latex"), folder, runs)
    lines = log.splitlines()
    assert [] == [line for line in lines if line.startswith("!") or "Missing character" in line or "undefined" in line]
    overfull = [
        (float(width), line) for line in lines for width in re.findall(r"Overfull \\[hv]box \((\S+)pt too", line)
    ]
    assert [] == [line for width, line in overfull if width > MOST_OVERFULL]
    assert "Output written on document.pdf" in log.replace("\n", "")


@pytest.mark.parametrize("name", EXAMPLES)
def test_latex_of_an_example_compiles(name: str, tmp_path: Path) -> None:
    """Twice through pdflatex: no error, no missing character or reference, no line that sticks out of the page."""
    assert_compiles(name, tmp_path, runs=2)


@pytest.mark.parametrize("name", PROBLEMS)
def test_latex_of_a_problem_compiles(name: str, tmp_path: Path) -> None:
    """Every kind of problem and notation fits on the page."""
    assert_compiles(name, tmp_path, runs=1)


def test_latex_prints_hostile_text_literally(tmp_path: Path) -> None:
    """What a user types as a title or a name stands on paper as it was typed; nothing of it is a command."""
    pdftotext = require_tool("pdftotext")
    compiled(rendering.render(solved("hostile"), "latex"), tmp_path)
    done = subprocess.run([pdftotext, "-raw", "document.pdf", "-"], cwd=tmp_path, capture_output=True, check=True)
    text = re.sub(r"\s+", "", done.stdout.decode())
    assert re.sub(r"\s+", "", HOSTILE) in text
    assert "root:" not in text


@functools.cache
def parsed(name: str) -> tuple[str, list[Token]]:
    """Return a document's Markdown and its tokens."""
    text = rendering.render(solved(name), "markdown")
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"]).use(dollarmath_plugin)
    return text, parser.parse(text)


def inner(tokens: list[Token]) -> Iterator[Token]:
    """Yield tokens and the tokens inside them."""
    for token in tokens:
        yield token
        yield from inner(token.children or [])


@pytest.mark.parametrize("name", [*EXAMPLES, *PROBLEMS])
def test_markdown_is_read_as_it_is_meant(name: str) -> None:
    """A parser finds every displayed formula and every table, and no formula in what it takes for text."""
    _, tokens = parsed(name)
    kinds = [token.type for token in tokens]
    assert blocks_of(name, Display) == kinds.count("math_block")
    assert blocks_of(name, Table) == kinds.count("table_open")
    prose = [token.content for token in inner(tokens) if token.type in ("text", "code_inline", "html_inline")]
    if name != "hostile":
        assert [] == [text for text in prose if re.search(r"\$|\\begin|\\frac|\\[a-z]+\{|_\{|\^\{", text)]
    forbidden = {
        "html_block",
        "html_inline",
        "link_open",
        "image",
        "code_inline",
        "code_block",
        "fence",
        "em_open",
        "hr",
    }
    assert set() == forbidden & {token.type for token in inner(tokens)}


@pytest.mark.parametrize("name", [*EXAMPLES, *PROBLEMS])
def test_markdown_keeps_the_columns_of_its_tables(name: str) -> None:
    """Every row has the cells of its header: no formula carries a bar that a table would take for its own."""
    _, tokens = parsed(name)
    rows: list[int] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append(0)
        elif token.type in ("th_open", "td_open"):
            rows[-1] += 1
    expected = [
        len(row)
        for section in sections_of(document.compose(solved(name)).sections)
        for block in section.blocks
        if isinstance(block, Table)
        for row in (block.header, *block.rows)
    ]
    assert expected == rows
    formulas = [token.content for token in inner(tokens) if token.type == "math_inline"]
    assert [] == [formula for formula in formulas if "|" in formula]


@pytest.mark.parametrize("name", [*EXAMPLES, *PROBLEMS])
def test_markdown_avoids_the_traps_of_its_readers(name: str) -> None:
    r"""Blank lines around `$$`, none inside, no inner line that begins a list or heading, no \operatorname."""
    text, _ = parsed(name)
    lines = text.split("\n")
    fences = [number for number, line in enumerate(lines) if line == "$$"]
    assert text.count("$$") == len(fences) + (HOSTILE.count("$$") if name == "hostile" else 0)
    for start, end in zip(fences[::2], fences[1::2], strict=True):
        assert ("", "") == (lines[start - 1], lines[end + 1])
        for line in lines[start + 1 : end]:
            assert line.strip() and line.lstrip()[0] not in "+-*#>=", line
    assert not re.search(r"\\operatorname|\n\n\n", text)


def test_markdown_shows_hostile_text_literally() -> None:
    """A title that looks like markup is a title; one heading of the first level, holding the text."""
    _, tokens = parsed("hostile")
    headings = [tokens[k + 1] for k, token in enumerate(tokens) if token.type == "heading_open" and token.tag == "h1"]
    assert [HOSTILE] == ["".join(child.content for child in token.children or []) for token in headings]


TRICKY = [
    "1. x",
    "- x",
    "+ x",
    "# x",
    "> x",
    "= x",
    "--",
    "a | b",
    "x #",
    "``x",
    "~~x~~",
    "\\",
    "$a$ $$b$$",
    "![a](b)",
    "&lt;",
    "<b>",
]


@pytest.mark.parametrize("text", [*TRICKY, HOSTILE])
def test_escape_markdown_is_undone_by_a_reader(text: str) -> None:
    """Escaped text, alone in a paragraph, reads as the text."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"]).use(dollarmath_plugin)
    first, content, last = parser.parse(ESCAPES["markdown"](text))
    kinds = (first.type, last.type, {child.type for child in content.children or []} <= {"text", "text_special"})
    assert ("paragraph_open", "paragraph_close", True) == kinds
    assert text == "".join(child.content for child in content.children or [])


@pytest.mark.parametrize("format", TEXTUAL)
def test_document_without_a_title_is_called_what_it_is(format: str) -> None:
    """An empty title leaves no empty heading."""
    text = rendering.render(sbp.solve(sbp.problem({**FRACTIONS, "title": ""})), format)
    assert language.phrases("en")["text.worked_solution"] in text


@pytest.mark.parametrize("format", TEXTUAL)
@pytest.mark.parametrize("activation", [row.name for row in ACTIVATIONS.values() if not row.vector])
def test_every_activation_is_printed(activation: str, format: str) -> None:
    """An activation that is registered has a symbol, and a solution with it can be written."""
    content = dense((2, activation), (1, "linear"))
    assert "Backward pass" in rendering.render(sbp.solve(sbp.problem(content)), format)


@pytest.mark.parametrize("format", TEXTUAL)
def test_summary_of_several_steps_says_which(format: str) -> None:
    """The key of two steps in full has a table for each; of a hundred it names the one it shows."""
    assert "The first of 100 steps." in rendering.render(solved("deep"), format)
    closing = rendering.render(solved("line"), format).split("Summary")[-1]
    assert ["Step 1", "Step 2"] == re.findall(r"Step \d", closing)


def test_rendering_is_the_same_whatever_the_hash_seed() -> None:
    """The same input gives the same bytes in every process."""
    program = (
        "import symbackprop as s; x = s.solve(s.example('mazur')); "
        "print(*(s.render(x, f) for f in ('latex', 'markdown', 'json')))"
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
