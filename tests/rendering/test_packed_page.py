"""A page that has its scripts packed: all are there and run, and a browser that cannot unpack shows the page."""

from __future__ import annotations

import ast
import base64
import gzip
import hashlib
import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop import language, rendering
from symbackprop.descent.solution import LARGE
from symbackprop.problems.load import examples
from symbackprop.rendering import assets, explorable_data
from symbackprop.rendering.drafts import Draft
from symbackprop.rendering.formats import formats
from tests.helpers import ROOT, each, sample

LARGEST = 120 * 1000
"""Bytes that a page has more whose numbers may be changed."""

ROW = formats()["html"]
ABSENT = {"second_order"}
"""What the engine leaves out (`tools/engine.py`)."""
DOCUMENT = ROOT / "symbackprop" / "document"


def page(name: str = "line", kind: str = "values", code: str = "en") -> str:
    """Return the page of an example."""
    return str(rendering.render(sbp.solve(name), "html", code, explorable=kind))


def unpacked(text: str, id: str) -> str:
    """Return what a page has packed under a name."""
    (packed,) = re.findall(rf'<script type="application/gzip" id="{id}">([^<]*)</script>', text)
    return gzip.decompress(base64.b85decode(packed.replace(",", "<"))).decode()


@pytest.mark.parametrize(
    ("name", "code"), sample(itertools.product(examples(), ("en", "zh")), ("mazur", "en"), ("lstm", "zh"))
)
def test_what_answers_is_small(name: str, code: str) -> None:
    """The engine, its words and the derivation add at most what `docs/formats.md` says, since all scripts are packed."""
    usual, answering = (page(name, kind, code) for kind in ("practice", "values"))
    assert len(answering.encode()) - len(usual.encode()) <= LARGEST


def test_packed_scripts_are_those_of_the_usual_page_and_of_the_policy() -> None:
    """Packed are the scripts of the usual page and those that answer; the policy names all that runs, and nothing else."""
    text, usual = page(), page(kind="practice")
    scripts = json.loads(unpacked(text, "scripts"))
    inline = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    answering = [one["text"] for one in assets.scripts(ROW.folders, ROW.answering_scripts, ROW.answering_scripts)]
    assert len(inline) == len(ROW.unpacking_scripts)
    assert [*re.findall(r"<script>(.*?)</script>", usual, re.DOTALL), *answering] == scripts
    assert unpacked(text, "engine") == explorable_data.engine()
    digests = [hashlib.sha256(one.encode()).digest() for one in (*inline, *scripts, explorable_data.engine())]
    (policy,) = re.findall(r"script-src ([^;]*);", text)
    assert {f"'sha256-{base64.b64encode(one).decode()}'" for one in digests} == set(policy.split())


def test_users_script_is_packed_too(tmp_path: Path) -> None:
    """A script in the user's folder of templates is among those that are packed."""
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "page.js").write_text("document.title = 'mine';", encoding="utf-8")
    text = str(rendering.render(sbp.solve("line"), "html", templates=tmp_path, explorable="values"))
    assert "document.title = 'mine';" in json.loads(unpacked(text, "scripts"))


LOADED = """addEventListener("load", () => {
    const count = (chosen) => document.querySelectorAll(chosen).length;
    window.loaded = [typeof symbackprop.set, count("math") - count(".katex math")];
})"""


@pytest.mark.sweep
def test_who_waits_for_the_page_has_all_of_it(browser: Any, tmp_path: Path) -> None:
    """When the load event comes, all scripts have run and every formula is set, as on the usual page."""
    file = tmp_path / "solution.html"
    file.write_text(page("mazur"), encoding="utf-8", newline="\n")
    for _ in each(range(3)):
        tab = browser.new_page(viewport={"width": 1200, "height": 800})
        tab.add_init_script(LOADED)
        tab.goto(file.as_uri())
        assert ["function", 0] == tab.evaluate("window.loaded")
        tab.close()


@pytest.mark.sweep
def test_browser_that_cannot_unpack_shows_the_page(browser: Any, tmp_path: Path) -> None:
    """It is then a page without scripts: its formulas are those of the browser, and nothing is complained of."""
    file, complaints = tmp_path / "solution.html", []
    file.write_text(page(), encoding="utf-8", newline="\n")
    tab = browser.new_page(viewport={"width": 1200, "height": 800})
    tab.on("console", lambda line: complaints.append(line.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.add_init_script("delete globalThis.DecompressionStream")
    tab.goto(file.as_uri())
    tab.locator("main math").first.wait_for(state="visible", timeout=8000)
    assert 0 == tab.locator(".katex").count()
    assert 10 < tab.locator("main math:visible").count()
    assert [] == complaints
    tab.close()


def beginnings() -> set[str]:
    """Return how the names of phrases begin that sections and notes put together, `observation.saturated` of `…{batch}`."""
    files = [
        file
        for part in ("notes", "sections", "chain_rule")
        for file in (DOCUMENT / part).rglob("*.py")
        if file.stem not in ABSENT
    ]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    firsts = [node.values[0] for node in nodes if isinstance(node, ast.JoinedStr)]
    texts = [first.value for first in firsts if isinstance(first, ast.Constant) and isinstance(first.value, str)]
    return {text for text in texts if re.fullmatch(r"[a-z_]+\.[a-z_.]*", text)}


@pytest.mark.parametrize("code", ["en", "zh"])
def test_page_has_the_words_whose_names_are_put_together(code: str) -> None:
    """Every phrase that begins as the engine may put it together is there, whether it begins with a whole word or a part."""
    draft = Draft(ROW, sbp.solve("line"), code, None, explorable="values")
    given, known = explorable_data.given(draft), language.phrases(code)
    assert given is not None
    absent = {id for start in each(beginnings(), least=20) for id in known if id.startswith(start)} - given[
        "words"
    ].keys()
    assert set() == absent


@pytest.mark.parametrize("initializer", ["he_normal", "glorot_uniform", "zeros"])
def test_page_answers_whose_parameters_are_drawn(initializer: str) -> None:
    """The engine knows what problems hold that no example has: how their parameters were drawn."""
    assert "given-numbers" in drawn_page(2, initializer)


@pytest.mark.sweep
def test_page_of_a_large_network_has_steps_alone() -> None:
    """Where compiled code would compute what follows the first update, nothing offers to change a number."""
    text = drawn_page(LARGE, "zeros")
    assert "given-numbers" not in text
    assert 'data-explore="mode"' in text


def drawn_page(inputs: int, initializer: str) -> str:
    """Return the page of a network whose parameters are drawn."""
    layer = {"units": 2, "activation": "tanh"}
    content = {
        "network": {"inputs": inputs, "layers": [layer], "loss": "squared_error"},
        "data": {"x": [1] * inputs, "y": [0, 1]},
        "parameters": {"initializer": initializer, "seed": 1},
        "training": {"optimizer": "sgd", "learning_rate": 0.1},
    }
    return str(rendering.render(sbp.solve(sbp.problem(content)), "html"))
