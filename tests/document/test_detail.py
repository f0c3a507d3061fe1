"""How much a document writes out: the choice by size, one parameter of each array with tables, limits of pages and lines."""

from __future__ import annotations

import functools
import itertools
import random
import re
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

import symbackprop as sbp
from symbackprop import document, rendering
from symbackprop.algebra.formula import Adjoint, Name, walk
from symbackprop.descent.solution import Solution
from symbackprop.document.blocks import Chain, Display, Document, Table
from symbackprop.document.chain_rule import detail
from symbackprop.document.display_nodes import AllSamples, Boxed, Delta, Gradient, Updated
from symbackprop.problems.load import examples
from symbackprop.rendering.drafts import Draft
from symbackprop.rendering.layout.boxes import Lines
from symbackprop.rendering.layout.boxes import walk as walk_boxes
from symbackprop.rendering.layout.widths import width
from tests.documents import dense, sections_of, solved
from tests.helpers import require_tool

LARGE = [784, 128, 10]


@functools.cache
def medium(**tables: object) -> Solution:
    """Return a solved problem with 73 parameters, more than are written out one by one."""
    return sbp.solve(sbp.problem(dense((7, "relu"), (5, "softmax"), inputs=3, loss="cross_entropy", **tables)))


@functools.cache
def large() -> Solution:
    """Return a network for pictures of digits, in symbols."""
    network = sbp.network(LARGE, activations=["relu", "softmax"], loss="cross_entropy")
    return sbp.solve(network)


def chains_of(content: Document, *titles: str) -> list[Chain]:
    """Return the displayed chains in the sections with some titles."""
    return [
        chain
        for section in content.sections
        if section.title.id in titles
        for part in sections_of((section,))
        for block in part.blocks
        if isinstance(block, Display)
        for chain in block.chains
    ]


def tables_of(content: Document, title: str) -> list[Table]:
    """Return the tables in the sections with a title."""
    found = [part for section in content.sections if section.title.id == title for part in sections_of((section,))]
    return [block for part in found for block in part.blocks if isinstance(block, Table)]


# The choice


@pytest.mark.parametrize("name", examples())
def test_detail_of_every_example_is_full(name: str) -> None:
    """The examples are small: all their quantities are written out."""
    assert detail.automatic(sbp.derive(sbp.example(name))) == ("full",)


@pytest.mark.parametrize(
    ("widths", "expected"),
    [
        ([2, 2, 2], "full"),
        ([2, 3, 3, 1], "full"),
        ([29, 1], "full"),
        ([31, 1], "representative"),
        ([12, 3], "full"),
        ([13, 3], "representative"),
        ([4, 6, 5], "representative"),
        ([20, 20, 2], "representative"),
        ([30, 20, 2], "matrix"),
        (LARGE, "matrix"),
    ],
)
def test_detail_follows_the_number_of_parameters(widths: list[int], expected: str) -> None:
    """Up to 40 parameters and 30 terms of a sum everything is shown, up to 500 one of each array, beyond only arrays."""
    problem = sbp.network(widths, activations=["sigmoid"] * (len(widths) - 1), loss="mse")
    parameters = sum((before + 1) * units for before, units in itertools.pairwise(widths))
    is_whole = parameters <= 40 and max(widths) <= 30
    assert expected == ("full" if is_whole else "representative" if parameters <= 500 else "matrix")
    assert detail.automatic(sbp.derive(problem)) == (expected,)


def test_detail_counts_the_samples_of_a_batch() -> None:
    """Nine parameters in a hundred samples have too many lines to be written out."""
    content = dense((2, "sigmoid"), (1, "sigmoid"), samples=40)
    assert detail.automatic(sbp.derive(sbp.problem(content))) == ("representative",)
    content = dense((2, "sigmoid"), (1, "sigmoid"), samples=400)
    assert detail.automatic(sbp.derive(sbp.problem(content))) == ("matrix",)


@pytest.mark.parametrize(
    ("samples", "expected"), [(None, "full"), (1, "full"), (2, "representative"), (3, "representative")]
)
def test_detail_counts_the_contributions_to_gradients(samples: int | None, expected: str) -> None:
    """27 parameters of a 2-4-3 classifier fill few pages for one sample, and sixteen for three."""
    content = dense((4, "tanh"), (3, "softmax"), loss="cross_entropy", samples=samples)
    assert detail.automatic(sbp.derive(sbp.problem(content))) == (expected,)


def test_detail_of_a_graph_counts_its_gates() -> None:
    """A long computation graph of scalars has as many lines as gates."""
    gates = {f"g{k}": f"sin(g{k - 1})" if k else "w*x" for k in range(200)}
    graph = {"parameters": {"w": 1}, "inputs": {"x": 2}, "output": "g199"}
    equations = [f"{name} = {formula}" for name, formula in gates.items()]
    problem = sbp.problem({"graph": {**graph, "equations": equations}})
    assert detail.automatic(sbp.derive(problem)) == ("representative",)


@pytest.mark.sweep
def test_explicit_detail_wins() -> None:
    """Whoever asks for a detail gets it."""
    own = rendering.render(medium(), "markdown", detail="full", explain="brief")
    chosen = rendering.render(medium(), "markdown", explain="brief")
    assert chosen == rendering.render(medium(), "markdown", detail="representative", explain="brief")
    assert len(chosen) < len(own) * 0.9
    full = rendering.render(solved("mazur"), "markdown", detail="full")
    assert full == rendering.render(solved("mazur"), "markdown")


# What representative shows


def test_representative_writes_out_one_parameter_of_each_array() -> None:
    """Each array has one gradient and one update in full, and its factors are not 0."""
    content, solution = document.compose(medium(), ("representative",)), medium()
    shown = [
        chain.left.name
        for chain in chains_of(content, "title.backward")
        if isinstance(chain.left, Adjoint | Gradient | Delta) and chain.left.name in solution.final
    ]
    assert Counter(name.partition("_")[0] for name in shown) == dict.fromkeys(("W1", "b1", "W2", "b2"), 1)
    assert all(solution.steps[0].values.gradient(name) != 0 for name in shown)
    boxed = [
        chain
        for chain in chains_of(content, "title.backward")
        if getattr(chain.left, "name", "") in shown and isinstance(chain.steps[-1].formula, Boxed)
    ]
    assert len(boxed) == len(shown)
    updates = [chain.left.name for chain in chains_of(content, "title.update") if isinstance(chain.left, Updated)]
    assert sorted(updates) == sorted(shown)


def test_representative_has_every_number_somewhere() -> None:
    """Every forward value, every error and every parameter's gradient has lines or a row in a table, once."""
    content, solution = document.compose(medium(), ("representative",)), medium()
    graph = solution.derivation.graph
    for title, kinds in (("title.forward", ("pre_activation", "activation")), ("title.backward", ("pre_activation",))):
        lines = [getattr(chain.left, "name", "") for chain in chains_of(content, title)]
        rows = [getattr(row[0], "name", "") for table in tables_of(content, title) for row in table.rows]
        wanted = {e for q in graph.quantities.values() if q.kind in kinds for e in q.elements()}
        found = Counter(name for name in (*lines, *rows) if name in wanted)
        assert found == dict.fromkeys(wanted, 1)
    summary = [row[0] for table in tables_of(content, "title.summary") for row in table.rows]
    assert [cell.name for cell in summary if isinstance(cell, Name)] and len(summary) == len(solution.final)
    gradients = [
        getattr(cell, "name", "")
        for table in tables_of(content, "title.backward")
        for row in table.rows
        for cell in row[:1]
    ]
    lines = [getattr(chain.left, "name", "") for chain in chains_of(content, "title.backward")]
    assert set(solution.final) <= {*gradients, *lines}


@pytest.mark.sweep
def test_representative_of_a_batch_writes_out_the_first_sample() -> None:
    """The other samples stand in tables with all their values."""
    solution = medium(samples=6)
    content = document.compose(solution, ("representative",))
    lines = [chain for chain in chains_of(content, "title.forward") if not isinstance(chain.left, AllSamples)]
    assert {getattr(chain.left, "sample", None) for chain in lines} == {1}
    rows = {row[0] for table in tables_of(content, "title.forward") for row in table.rows}
    graph = solution.derivation.graph
    units = [e for q in graph.quantities.values() if q.kind in ("pre_activation", "activation") for e in q.elements()]
    assert {Name(unit, sample) for unit in units for sample in range(2, 7)} <= rows


def test_representative_of_a_graph_writes_out_the_first_of_each_array() -> None:
    """Attention has arrays: of each a few entries have lines, all others rows."""
    solution = solved("attention")
    content = document.compose(solution, ("representative",))
    whole = document.compose(solution, ("full",))
    count = len(chains_of(content, "title.forward", "title.backward"))
    assert 0 < count < len(chains_of(whole, "title.forward", "title.backward"))
    rows = {getattr(row[0], "name", "") for table in tables_of(content, "title.backward") for row in table.rows}
    lines = {getattr(chain.left, "name", "") for chain in chains_of(content, "title.backward")}
    wanted = {getattr(chain.left, "name", "") for chain in chains_of(whole, "title.backward")}
    assert wanted <= rows | lines


def test_update_states_its_formula_once_for_an_array() -> None:
    """Of many updates the first of each array has symbols, the others are numbers alone, in the order of the parameters."""
    solution = sbp.solve(sbp.problem(dense((3, "sigmoid"), (3, "sigmoid"), (1, "sigmoid"))))
    updates = [
        chain
        for chain in chains_of(document.compose(solution), "title.update")
        if isinstance(chain.left, Updated) and chain.name in solution.final
    ]
    symbolic = [
        getattr(chain.left, "name", "")
        for chain in updates
        if any(isinstance(p, Name) for p in walk(chain.steps[0].formula))
    ]
    assert len(updates) == len(solution.final)
    assert symbolic == ["W1_1_1", "b1_1", "W2_1_1", "b2_1", "W3_1_1", "b3_1"]


# Size and time


@pytest.mark.sweep
def test_large_network_renders_in_seconds() -> None:
    """A document of 784-128-10 takes seconds and is short in every format."""
    start = time.perf_counter()
    texts = [str(rendering.render(large(), format)) for format in ("latex", "markdown", "html")]
    assert time.perf_counter() - start < 30
    assert all(len(text) < limit for text, limit in zip(texts, (80_000, 80_000, 1_500_000), strict=True))
    assert r"\cdots" in texts[0]


@pytest.mark.parametrize("first", [1, 3, 5])
@pytest.mark.parametrize("length", [1, 2, 5, 784])
def test_long_lists_keep_both_ends(first: int, length: int) -> None:
    """Nothing is left out unless that saves a row, and the places are in order."""
    places = detail.first_and_last(length, first)
    kept = [place for place in places if place is not None]
    assert kept == sorted(kept)
    assert (kept[0], kept[-1]) == (0, length - 1)
    assert len(places) == min(length, first + 2) if length > first + 1 else kept == list(range(length))


# Pages and lines


def typeset(tmp_path: Path, text: str, engine: str = "pdflatex") -> tuple[int, list[float]]:
    """Return the number of pages of a LaTeX document, and by how much its lines are too long, in points."""
    program = require_tool(engine)
    file = tmp_path / "page.tex"
    file.write_text(text, encoding="utf-8")
    for _ in range(2):
        command = [program, "-interaction=nonstopmode", "-halt-on-error", file.name]
        subprocess.run(command, cwd=tmp_path, stdout=subprocess.DEVNULL, check=True)
    log = (tmp_path / "page.log").read_text("utf-8", errors="replace")
    pages = re.search(r"Output written on .*\((\d+) pages?", log)
    assert pages is not None
    return int(pages[1]), [float(size) for size in re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide\)", log)]


@functools.cache
def picture() -> Solution:
    """Return a step of the network for pictures of digits, on one of them, from drawn weights."""
    draw = random.Random(0)
    layers = [{"units": 128, "activation": "relu"}, {"units": 10, "activation": "softmax"}]
    content = {
        "network": {"inputs": LARGE[0], "layers": layers, "loss": "cross_entropy"},
        "parameters": {"initializer": "he_uniform", "seed": 0},
        "data": {"x": [draw.randint(0, 16) / 16 for _ in range(LARGE[0])], "y": 3},
        "training": {"learning_rate": 0.1},
    }
    return sbp.solve(sbp.problem(content))


MOST_PAGES = {
    "deep": (lambda: solved("deep"), "full", 13),
    "digit": (picture, "matrix", 5),
    "symbols": (large, "matrix", 3),
    "deep, short": (lambda: solved("deep"), "short", 6),
    "mazur, short": (lambda: solved("mazur"), "short", 4),
    "classifier, short": (lambda: solved("classifier"), "short", 4),
    "line, short": (lambda: solved("line"), "short", 2),
    "deep, general": (lambda: solved("deep"), "general", 3),
    "mazur, general": (lambda: solved("mazur"), "general", 3),
}
"""Solutions, how much they write out, and their pages at most."""


@pytest.mark.sweep
@pytest.mark.parametrize(("language", "engine"), [("en", "pdflatex"), ("zh", "xelatex")])
@pytest.mark.parametrize("name", MOST_PAGES)
def test_solutions_have_few_pages(name: str, language: str, engine: str, tmp_path: Path) -> None:
    """2-3-3-1 with all 25 parameters stays under 14 pages, 784-128-10 between arrays under 5, both explained in full."""
    solve, shown, most = MOST_PAGES[name]
    text = str(rendering.render(solve(), "latex", language, detail=shown))
    pages, excess = typeset(tmp_path, text, engine)
    assert pages <= most
    assert max(excess, default=0) <= 5


WIDE = {
    "20 inputs": (dense((1, "sigmoid"), inputs=20), "full"),
    "10 classes": (dense((10, "softmax"), inputs=3, loss="cross_entropy"), "full"),
    "30 units": (dense((30, "tanh"), (2, "sigmoid"), inputs=2), None),
    "through activations": (
        dense((8, "tanh"), (5, "softmax"), inputs=9, loss="cross_entropy", notation={"backward": "activation"}),
        None,
    ),
    "negative errors": (
        dense((6, "relu"), (6, "softplus"), inputs=12, notation={"delta_sign": "negative", "naming": "flat"}),
        None,
    ),
    "Adam": (dense((9, "elu"), (3, "linear"), inputs=7, training={"learning_rate": 0.1, "optimizer": "adam"}), None),
    "channels": (
        {
            "graph": {
                "inputs": {"X": [[[1, 2, 0], [0, 1, 1], [2, 1, 0]], [[1, 0, 1], [1, 1, 0], [0, 2, 1]]]},
                "parameters": {"K": [[[[0.1, 0.2], [0.3, -0.1]], [[0.2, 0.1], [0.0, 0.3]]]]},
                "equations": ["C = conv2d(X, K)", "L = sum(C)"],
                "output": "L",
            }
        },
        None,
    ),
}


def drawn(seed: int) -> dict[str, object]:
    """Return a random wide network."""
    draw = random.Random(seed)
    activations = ["sigmoid", "tanh", "relu", "softplus"]
    layers = [(draw.randint(1, 14), draw.choice(activations)) for _ in range(draw.randint(1, 3))]
    last = (draw.randint(2, 12), "softmax")
    return dense(
        *layers, last, inputs=draw.randint(1, 18), loss="cross_entropy", notation={"digits": draw.randint(3, 8)}
    )


@pytest.mark.sweep
@pytest.mark.parametrize("name", [*WIDE, *(f"drawn {seed}" for seed in range(4))])
def test_long_formulas_fit_their_lines(name: str, tmp_path: Path) -> None:
    """No line of a wide network is more than 5 pt too long."""
    content, chosen = WIDE[name] if name in WIDE else (drawn(int(name.split()[1])), None)
    _, excess = typeset(tmp_path, str(rendering.render(sbp.solve(sbp.problem(content)), "latex", detail=chosen)))
    assert max(excess, default=0.0) <= 5


def test_long_formulas_are_broken_in_markdown() -> None:
    """No row of a displayed formula is much longer than a page of text, sums in fractions included."""
    draft = Draft(rendering.formats()["markdown"], sbp.solve(sbp.problem(WIDE["10 classes"][0])), "en", ("full",))
    content = document.compose(draft.solution, ("full",))
    found = [block for section in sections_of(content.sections) for block in section.blocks]
    chains = [chain for block in found if isinstance(block, Display) for chain in block.chains]
    rows = [(cell["left"], cell["right"]) for chain in chains for cell in draft.writer.cells(chain)]
    assert any(isinstance(part, Lines) for row in rows for part in walk_boxes(row))
    assert max(map(width, rows)) < 130
