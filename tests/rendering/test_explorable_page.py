"""The page that is gone through step by step: what stands on it, what its keys do, and what is not there yet."""

from __future__ import annotations

import functools
import html
import itertools
import re
import subprocess
import tomllib
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop import language, rendering
from symbackprop.by_hand import answer_parsing
from symbackprop.graph.scalars import Scalar
from symbackprop.problems.load import examples
from symbackprop.rendering import assets
from symbackprop.rendering.formats import formats
from tests.documents import solved
from tests.helpers import ROOT, each, require_file, require_tool, sample

SURFACE = 40 * 1024
"""Bytes that the surface may add to a page."""

CHAINS = "document.querySelectorAll('main > section:not(:first-child) .chain').length"

LEADS_NOWHERE = "link => link.getClientRects().length && !document.querySelector(link.hash)"


@functools.cache
def page(name: str, code: str = "en") -> str:
    """Return the page of an example, without what computes anew: its scripts are plain text."""
    return str(rendering.render(solved(name), "html", code, explorable="practice"))


def steps_of(seen: Any) -> int:
    """Return how many steps a page has that shows all of them."""
    return int(seen.evaluate(CHAINS))


def test_surface_is_small() -> None:
    """Scripts and styles of the surface have forty kilobytes at most, and stand in the page of a solution."""
    row = formats()["html"]
    own = row.explorable_scripts
    scripts = [script["text"] for script in assets.scripts(row.folders, own, own)]
    style = assets.style(row.folders, row.explorable_styles)
    assert sum(len(text.encode()) for text in (style, *scripts)) <= SURFACE
    assert all(text in page("line") for text in (style, *scripts))


@pytest.mark.parametrize("name", formats()["html"].explorable_scripts + formats()["html"].answering_scripts)
def test_packed_script_says_the_same(name: str, tmp_path: Path) -> None:
    """What a page gets of a script is the script without its comments: a program reads both, and to the same tokens."""
    node, folders = require_tool("node"), formats()["html"].folders
    (packed,) = assets.scripts(folders, [name], [name])
    (whole,) = assets.scripts(folders, [name])
    assert len(packed["text"]) < len(whole["text"])
    for text in (packed["text"], whole["text"]):
        file = tmp_path / "script.js"
        file.write_text(text, encoding="utf-8")
        subprocess.run([node, "--check", file], check=True, capture_output=True)
    code = re.sub(r"(^|\s)// .*$", "", whole["text"], flags=re.MULTILINE)
    assert "".join(code.split()) == "".join(packed["text"].split())


@pytest.mark.sweep
@pytest.mark.parametrize("name", sample(examples(), "mazur"))
def test_line_is_copied_as_latex(name: str, visit: Any) -> None:
    """C copies the line that somebody is at, and the button does: the TeX of its cells, without our commands for colours."""
    seen = visit(page(name), reduced_motion="reduce", permissions=["clipboard-read", "clipboard-write"]).page
    seen.locator("[data-explore=bar]").first.wait_for(state="attached")
    copied = language.phrases("en")["explore.copied"]
    for step in each((1, 3)):
        seen.evaluate(f"symbackprop.step({step})")
        seen.keyboard.press("c") if step == 1 else seen.locator("[data-step=copy]").click()
        seen.get_by_text(copied).wait_for(state="attached", timeout=8000)
        cells = seen.evaluate("[...document.querySelectorAll('.chain.current annotation')].map(one => one.textContent)")
        tex = seen.evaluate("navigator.clipboard.readText()")
        assert cells
        for cell in each(cells):
            assert re.sub(r"\\[fb]wd(?![a-zA-Z])", "", cell) in tex
        assert "fwd" not in tex


@pytest.mark.sweep
def test_page_of_homework_has_no_surface(tmp_path: Path) -> None:
    """Neither a sheet nor a key can be gone through: there is nothing in it that answers."""
    sbp.homework("homework", students={"1": "A"}, seed=1, folder=tmp_path, formats=["html"])
    pages = [file.read_text("utf-8") for file in tmp_path.rglob("*.html")]
    assert len(pages) >= 2
    assert [] == [text for text in pages if "data-explore" in text or "symbackprop.surface" in text]


@pytest.mark.sweep
@pytest.mark.parametrize("name", sample(examples(), "line", "deep"))
def test_every_line_behind_the_statement_is_a_step(name: str, visit: Any) -> None:
    """One key leads from line to line, says which it is, and ends at the last; the line is on the screen."""
    opened = visit(page(name), reduced_motion="reduce")
    seen, count = opened.page, steps_of(opened.page)
    assert count > 0
    assert [0, 1, count, count] == [seen.evaluate(f"symbackprop.step({at})") for at in (-1, 1, count, count + 5)]
    seen.evaluate("symbackprop.step(0)")
    for number in range(1, min(count, 3) + 1):
        seen.keyboard.press("ArrowRight")
        assert number == seen.evaluate("symbackprop.step()")
        current = seen.locator(".chain[aria-current=step]")
        assert 1 == current.count()
        box = current.bounding_box()
        assert 0 <= box["y"] < 800
        assert f"{number} of {count}" in seen.locator("[data-explore=counter]").inner_text()
    assert [] == opened.complaints


@pytest.mark.sweep
def test_keys_lead_through_steps_and_phases(visit: Any) -> None:
    """Arrows go by steps, pages by phases, Home and End to the ends, the space bar plays and stops, R begins anew."""
    seen = visit(page("mazur"), reduced_motion="reduce").page
    count = steps_of(seen)

    def press(*keys: str) -> int:
        for key in keys:
            seen.keyboard.press(key)
        return int(seen.evaluate("symbackprop.step()"))

    assert 0 == press("PageDown", "End", "Home", "r"), "as long as the bar is closed the keys are the browser's"
    assert [1, 2, 1] == [press("ArrowRight"), press("ArrowRight"), press("ArrowLeft")]
    phases = (
        """[...document.querySelectorAll('main > section')].slice(1).map(s => s.querySelectorAll('.chain').length)"""
    )
    sizes = [size for size in seen.evaluate(phases) if size]
    firsts = [1 + sum(sizes[:place]) for place in range(4)]
    assert firsts[1:] == [press("PageDown") for _ in firsts[1:]]
    assert [firsts[2], firsts[1], firsts[0]] == [press("PageUp") for _ in range(3)]
    assert [count, 1] == [press("End"), press("Home")]
    play = seen.locator("[data-step=play]")
    press("Space")
    assert "true" == play.get_attribute("aria-pressed")
    seen.locator("[data-explore=speed]").select_option("4")
    seen.wait_for_function("() => symbackprop.step() >= 3", timeout=8000)
    seen.evaluate("document.activeElement.blur()")
    stopped = press("Space")
    assert "false" == play.get_attribute("aria-pressed")
    seen.wait_for_timeout(900)
    assert stopped == seen.evaluate("symbackprop.step()")
    assert 0 == press("r")


@pytest.mark.sweep
@pytest.mark.parametrize("code", ["en", "zh"])
def test_keys_are_listed_and_are_off_while_something_is_typed(code: str, visit: Any) -> None:
    """The question mark opens the list in the language of the page; in a field every key is the field's."""
    seen = visit(page("line", code)).page
    seen.keyboard.press("?")
    listed = seen.locator("dialog[open]")
    assert language.phrases(code)["explore.key_phases"] in listed.inner_text()
    seen.keyboard.press("ArrowRight")
    seen.keyboard.press("Escape")
    assert 0 == seen.locator("dialog[open]").count() == seen.evaluate("symbackprop.step()")
    seen.evaluate(
        "symbackprop.step(2); document.querySelector('main').insertAdjacentHTML('afterbegin', '<input id=field>')"
    )
    seen.locator("#field").focus()
    for key in ("ArrowRight", "End", "r", "?", " "):
        seen.keyboard.press(key)
    assert 2 == seen.evaluate("symbackprop.step()")
    assert "r? " == seen.locator("#field").input_value()


@pytest.mark.sweep
@pytest.mark.parametrize("name", ["mazur", "line", "xor", "circuit"])
def test_later_lines_are_absent(name: str, visit: Any) -> None:
    """Next on request: what comes later is neither in the page nor in its tables, and comes back whole, in its order."""
    seen = visit(page(name), reduced_motion="reduce").page
    whole, count = seen.locator("main").text_content(), steps_of(seen)
    assert "next" == seen.evaluate("symbackprop.mode('next')")
    assert 0 == steps_of(seen)
    for number in (1, 2, count - 1):
        seen.evaluate(f"symbackprop.step({number})")
        assert number == steps_of(seen)
        assert 0 == seen.evaluate(f"[...document.querySelectorAll('nav a')].filter({LEADS_NOWHERE}).length")
    seen.evaluate(f"symbackprop.step({count})")
    seen.evaluate("document.querySelector('.stops').remove()")
    assert whole == seen.locator("main").text_content()
    seen.evaluate("symbackprop.step(0); symbackprop.mode('all')")
    assert whole == seen.locator("main").text_content()


@pytest.mark.sweep
def test_later_numbers_are_on_no_paper(visit: Any) -> None:
    """A page that is printed on the way has no number of a later line: not in its tables of symbols either."""
    seen = visit(page("mazur")).page
    seen.evaluate("symbackprop.mode('next'); symbackprop.step(2)")
    command = [require_tool("pdftotext"), "-layout", "-", "-"]
    text = subprocess.run(command, input=seen.pdf(format="A4"), capture_output=True, check=True).stdout.decode()
    assert "0.593270" in text
    assert [] == [number for number in ("0.596884", "1.10591", "0.298371", "0.0821670") if number in text]
    assert language.phrases("en")["explore.reset"] not in text


@pytest.mark.sweep
def test_surface_waits_for_the_page(visit: Any) -> None:
    """What steps need is put into the page when it is shown and has all its formulas, not before."""
    text = page("mazur")
    probe = "addEventListener('load', () => { document.title = String(document.querySelector('.stepbar')); });"
    seen = visit(text).page
    seen.add_init_script(probe)
    seen.reload()
    assert "null" == seen.title()
    seen.wait_for_selector(".stepbar", state="attached")
    assert not seen.locator(".stepbar").is_visible()


LIT = "[...document.querySelectorAll('main .sym.lit')].map(each => each.textContent)"


def marked(seen: Any) -> Any:
    """Return a page whose symbols have all been found."""
    seen.wait_for_selector(":root[data-marked]", timeout=30_000)
    return seen


@pytest.mark.sweep
@pytest.mark.parametrize("name", sample(examples(), "line", "deep"))
def test_symbols_are_found_without_a_change_of_the_page(name: str, visit: Any) -> None:
    """Each formula has the same letters and the same width when its symbols can be pointed at."""
    opened = visit(page(name))
    sizes = (
        "[...document.querySelectorAll('main .katex-html')].map(f => [f.textContent, f.getBoundingClientRect().width])"
    )
    seen = opened.page
    # Every letter has its font before anything is measured.
    seen.evaluate("document.documentElement.dataset.drawn = ''; [...document.fonts].forEach(face => face.load())")
    seen.evaluate("document.fonts.ready.then(() => new Promise(done => requestAnimationFrame(done)))")
    before = seen.evaluate(sizes)
    assert 10 < marked(seen).locator(".sym").count()
    after = seen.evaluate(sizes)
    assert [text for text, _ in before] == [text for text, _ in after]
    assert [] == [one for one, other in zip(before, after, strict=True) if abs(one[1] - other[1]) > 0.6]
    assert [] == opened.complaints


@pytest.mark.sweep
def test_symbol_is_lit_at_all_its_places_with_its_row(visit: Any) -> None:
    """Pointing at a weight lights all its places; its row can be pointed at; Escape closes it, a click pins it."""
    seen = marked(visit(page("mazur"), reduced_motion="reduce").page)
    seen.evaluate("symbackprop.step(13)")
    weight = seen.locator("#value-z2_1 .sym", has_text="w5").first
    weight.hover()
    tip = seen.locator("[role=tooltip]")
    tip.wait_for(state="visible", timeout=5000)
    for text in ("0.40", language.phrases("en")["column.parameter"]):
        assert text in tip.inner_text()
    lit = seen.evaluate(LIT)
    assert len(lit) > 5 and 1 == len(set(lit))
    assert ["W2_1_1"] == seen.evaluate(
        "[...new Set([...document.querySelectorAll('svg .lit')].map(p => p.dataset.name))]"
    )
    tip.hover()
    seen.wait_for_timeout(500)
    assert tip.is_visible(), "what is said can be pointed at"
    seen.keyboard.press("Escape")
    assert not tip.is_visible() and [] == seen.evaluate(LIT)
    weight.click()
    seen.mouse.move(2, 2)
    seen.wait_for_timeout(500)
    assert tip.is_visible(), "what is pinned stays"
    seen.keyboard.press("Escape")
    assert not tip.is_visible()


@pytest.mark.sweep
def test_part_of_a_picture_lights_its_symbol_and_shows_its_line(visit: Any) -> None:
    """An edge lights its weight in the formulas; beside the picture stand its row and the sum over the paths."""
    seen = marked(visit(page("mazur"), reduced_motion="reduce").page)
    edge = seen.locator("svg.figure path.edge[data-name=W1_2_1]").first
    edge.focus()
    tip = seen.locator("[role=tooltip]")
    tip.wait_for(state="visible", timeout=5000)
    assert "0.000497713" in tip.inner_text()
    assert {"w3"} == {"".join(c for c in text if c.isascii()) for text in seen.evaluate(LIT)}
    picture, said = seen.locator("svg.figure").first.bounding_box(), tip.bounding_box()
    assert said["y"] >= picture["y"] + picture["height"] or said["y"] + said["height"] <= picture["y"]


@pytest.mark.sweep
def test_symbols_of_the_current_line_are_reached_by_keyboard(visit: Any) -> None:
    """In the line that somebody is at each symbol is a stop; on it the symbol is lit and described."""
    seen = marked(visit(page("line"), reduced_motion="reduce").page)
    assert 0 == seen.locator(".stops").count()
    seen.keyboard.press("ArrowRight")
    assert 1 < seen.locator(".chain.current .stops button").count() == seen.locator(".stops button").count()
    while not seen.evaluate("Boolean(document.activeElement.closest('.stops'))"):
        seen.keyboard.press("Tab")
    assert 1 == len(set(seen.evaluate(LIT)))
    assert seen.evaluate("document.activeElement.getAttribute('aria-describedby')") == "explore-tip"
    assert seen.evaluate("document.activeElement.getAttribute('aria-label')")
    seen.keyboard.press("Escape")
    assert not seen.locator("[role=tooltip]").is_visible()


def answer(seen: Any, text: str) -> str:
    """Type an answer into the first field of a page, press Enter, and return what is said of it."""
    field = seen.locator(".answer input[type=text]").first
    field.fill(text)
    field.press("Enter")
    return str(seen.locator(".verdict:not(:empty)").first.inner_text())


@pytest.mark.sweep
@pytest.mark.parametrize("code", ["en", "zh"])
def test_prediction_is_marked_and_then_revealed(code: str, visit: Any) -> None:
    """A result is asked for before it is shown; the one mistake that makes a wrong number is named."""
    opened = visit(page("mazur", code), reduced_motion="reduce")
    seen, said = opened.page, language.phrases(code)
    seen.locator("[data-explore=mode]").select_option("predict")
    seen.evaluate("document.activeElement.blur()")
    seen.keyboard.press("ArrowRight")
    line = seen.locator("#value-z1_1")
    assert "0.3775" not in seen.locator("main").inner_text()
    assert said["explore.is_unread"] == answer(seen, "a third")
    assert "0.3775" not in seen.locator("main").inner_text()
    assert said["explore.is_right"].format(value="0.3775") == answer(seen, "0.3775")
    assert "0.3775" in line.inner_text() and "0.3775" in seen.locator(".scroll").last.inner_text()
    for key in ("ArrowRight", "ArrowRight", "Escape", "ArrowRight"):  # in the field the second one is the field's
        seen.keyboard.press(key)
    expected = said["explore.is_mistake"].format(value="0.0425", mistake=said["slip.no_bias"])
    assert expected == answer(seen, "0.0425")
    assert "0.3925" in seen.locator("#value-z1_2").inner_text()
    seen.keyboard.press("ArrowRight")
    assert said["explore.is_wrong"].format(value="7") == answer(seen, "7")
    seen.keyboard.press("ArrowRight")
    seen.keyboard.press("ArrowLeft")
    assert said["explore.is_wrong"].format(value="7") in seen.locator("#value-a1_2").inner_text(), "the verdict stays"
    assert [] == opened.complaints


NUMBERS = [
    "0.3775",
    "0,3775",
    ".3775",
    "+0.3775",
    "3775/10000",
    "3.775e-1",
    "3.775·10^-1",
    "3.775 × 10⁻¹",
    "0.3775 ",
    "０.3775",
]
OTHERS = ["-0.3775", "0.37", "3775", "1/3", "3.775e1"]
NO_NUMBERS = ["", "z", "0.3775.", "1/", "0x1", "1e", "--1", "0.3 0.5"]


@pytest.mark.sweep
def test_prediction_may_be_typed_in_the_forms_of_homework(visit: Any) -> None:
    """Decimals with a point or a comma, fractions and powers of ten are read as homework reads them; nothing else is."""
    seen, said = visit(page("mazur")).page, language.phrases("en")
    seen.evaluate("symbackprop.mode('predict')")

    def verdict(text: str) -> str:
        seen.evaluate("symbackprop.surface.actions.reset(); symbackprop.step(1)")
        return answer(seen, text)

    for text in NUMBERS:
        assert verdict(text) == said["explore.is_right"].format(value=text.strip())
        assert abs(answer_parsing.read(text, (), {}).number - Fraction("0.3775")) == 0
    assert [] == [text for text in OTHERS if not verdict(text).startswith(f"{text} is not right")]
    assert [] == [text for text in NO_NUMBERS if verdict(text) != said["explore.is_unread"]]


@pytest.mark.sweep
def test_faded_lines_ask_for_their_factor(visit: Any) -> None:
    """The last gradients are blank: the missing factor, its reason and the number are asked for; then all is there again."""
    opened = visit(page("mazur"), reduced_motion="reduce")
    seen, said = opened.page, language.phrases("en")
    whole = seen.locator("main").text_content()
    assert "faded" == seen.evaluate("symbackprop.mode('faded 2')")
    assert 2 == seen.locator(".answer").count()
    assert "0.000995425" not in seen.locator("main").inner_text()
    factors, reasons = (
        seen.locator(".answer").first.locator(f"[data-ask={kind}] input") for kind in ("factors", "reasons")
    )
    assert said["explore.wrong_factor"] == answer(seen, "0.0005")
    seen.locator(".answer").first.locator("[data-ask=factors] input[value='0']").check()
    seen.locator(".answer").first.locator("[data-ask=reasons] input[value='1']").check()
    assert said["explore.wrong_reason"] == answer(seen, "0.0005")
    assert 3 == factors.count() == reasons.count()
    seen.locator(".answer").first.locator("[data-ask=reasons] input[value='0']").check()
    assert said["explore.is_right"].format(value="0.0004977") == answer(seen, "0.0004977")
    assert 1 == seen.locator(".answer").count()
    seen.locator("[data-answer=reveal]").click()
    assert 0 == seen.locator(".answer").count()
    verdict = seen.locator(".verdict").text_content()
    assert whole == seen.locator("main").text_content().replace(verdict, "")
    seen.evaluate("symbackprop.mode('all')")
    assert whole == seen.locator("main").text_content()
    assert [] == opened.complaints


DOUBLE = r"""
window.symbackprop = {
  asked: [],
  async set(name, text) {
    window.symbackprop.asked.push([name, text]);
    if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$|^-?\d+\/\d+$|^ln\(\d+\)$/.test(text)) throw new Error(`no number: ${text}`);
    const math = (tex) => `<math><semantics><mrow><mn>${tex}</mn></mrow>
      <annotation encoding="application/x-tex">${tex}</annotation></semantics></math>`;
    const line = document.querySelector("#value-L .line:last-child .right");
    const changed = [...document.querySelectorAll(`td[data-name="${name}"]`), line];
    changed.forEach((one) => { one.innerHTML = math(one.matches("td") ? text : "\\approx 0.2500"); });
    const detail = { changed };
    document.dispatchEvent(new CustomEvent("symbackprop:changed", { detail }));
    return detail;
  },
  async reset() { window.symbackprop.asked.push(["reset"]); return { changed: [] }; },
};
"""
"""An engine that knows one line: the surface is looked at by itself."""


def with_double(text: str) -> str:
    """Return a page whose engine is a double that knows one line."""
    (fields,) = assets.scripts(formats()["html"].folders, ["explore/fields.js"])
    hashes = " ".join([assets.hash_of(DOUBLE), fields["hash"]])
    with_fields = text.replace("</head>", f"<script>{fields['text']}</script></head>", 1)
    return with_fields.replace("script-src ", f"script-src {hashes} ", 1).replace(
        "<script>", f"<script>{DOUBLE}</script><script>", 1
    )


FIELD = "td[data-name=W2_1_1] button.given"


@pytest.mark.sweep
@pytest.mark.parametrize("code", ["en", "zh"])
def test_given_number_is_a_field(code: str, visit: Any) -> None:
    """A click opens it; arrows change the last digit, Shift a tenth of it, pages ten times; Escape has it as it was."""
    opened = visit(with_double(page("mazur", code)), reduced_motion="reduce")
    seen = opened.page
    button = seen.locator(FIELD).first
    button.click()
    field = seen.locator(".editor input")
    assert "0.40" == field.input_value()
    for key, expected in (
        ("ArrowUp", "0.41"), ("Shift+ArrowDown", "0.409"), ("PageUp", "0.419"), ("PageDown", "0.409"),
        ("ArrowDown", "0.408"),
    ):  # fmt: skip
        seen.keyboard.press(key)
        assert expected == field.input_value()
    said = language.phrases(code)["explore.changed_one"].format(count=1, before="0.2500", after="0.2500")
    seen.get_by_text(said).wait_for(state="attached", timeout=5000)
    seen.wait_for_timeout(200)
    seen.keyboard.press("Escape")
    seen.wait_for_timeout(200)
    assert ["W2_1_1", "0.40"] == seen.evaluate("symbackprop.asked.at(-1)")
    assert seen.evaluate(f"document.activeElement === document.querySelector('{FIELD}')")
    assert "" == seen.evaluate("location.hash")
    assert [] == opened.complaints


@pytest.mark.sweep
def test_value_that_cannot_be_read_changes_nothing(visit: Any) -> None:
    """What is wrong with it stands below the field, which stays open; fractions and logarithms are typed as in a file."""
    seen = visit(with_double(page("mazur")), reduced_motion="reduce").page
    button, field, fault = seen.locator(FIELD).first, seen.locator(".editor input"), seen.locator(".fault")
    button.focus()
    seen.keyboard.press("Enter")
    field.fill("a third")
    seen.keyboard.press("Enter")
    seen.get_by_text("no number: a third").wait_for(timeout=5000)
    assert "0.40" in button.inner_text()
    assert "" == field.get_attribute("aria-invalid") and "alert" == fault.get_attribute("role")
    for text in ("1/3", "ln(3)", "-2"):
        field.fill(text)
        seen.keyboard.press("Enter")
        seen.locator(".editor").wait_for(state="hidden", timeout=5000)
        assert text in button.inner_text()
        seen.keyboard.press("Enter")
        assert text == field.input_value()
    seen.keyboard.press("Escape")
    top = seen.evaluate("scrollY")
    seen.evaluate("symbackprop.set('W2_1_1', '7')")
    assert top == seen.evaluate("scrollY"), "the page does not jump"


@pytest.mark.sweep
@pytest.mark.parametrize("code", ["en", "zh"])
def test_bar_of_steps_leaves_room_on_a_narrow_screen(code: str, visit: Any) -> None:
    """It is of two rows at 390 pixels, and what may be touched in it is large enough for a finger's aim."""
    seen = visit(page("mazur", code), width=390, reduced_motion="reduce").page
    seen.evaluate("symbackprop.step(8)")
    assert 50 < seen.evaluate("document.querySelector('.stepbar').offsetHeight") < 90
    boxes = "[...document.querySelectorAll('.stepbar :is(button, select)')].map((one) => one.getBoundingClientRect())"
    sizes = seen.evaluate(f"{boxes}.filter((box) => box.width).map((box) => [box.width, box.height, box.right])")
    assert all(width >= 24 and height >= 24 and right <= 390 for width, height, right in each(sizes, least=9))


@pytest.mark.sweep
def test_line_that_is_computed_anew_is_still_a_step(visit: Any) -> None:
    """An engine may put other elements in the place of lines: steps are then those."""
    seen = visit(page("line"), reduced_motion="reduce").page
    count = steps_of(seen)
    seen.evaluate("symbackprop.step(1)")
    seen.evaluate("""() => {
        for (const one of document.querySelectorAll(".display")) one.replaceWith(one.cloneNode(true));
        document.dispatchEvent(new CustomEvent("symbackprop:changed", { detail: { changed: [] } }));
    }""")
    seen.evaluate("symbackprop.step(2)")
    assert 1 == seen.locator("main .chain.current").count()
    assert ["next", 2, count] == seen.evaluate(f"[symbackprop.mode('next'), {CHAINS}, symbackprop.step({count})]")


@pytest.mark.sweep
def test_number_of_a_picture_is_a_field(visit: Any) -> None:
    """A click on a number in the picture, or F2 on its part, opens it there."""
    seen = visit(with_double(page("mazur")), reduced_motion="reduce").page
    seen.locator(FIELD).first.wait_for(timeout=8000)
    seen.locator("svg.figure text[data-name=W2_1_1]").first.click()
    field = seen.locator(".editor input")
    assert "0.40" == field.input_value()
    assert "" == seen.evaluate("location.hash"), "it does not lead away"
    seen.keyboard.press("Escape")
    seen.locator("svg.figure path.edge[data-name=W2_1_2]").first.focus()
    seen.keyboard.press("F2")
    assert "0.45" == field.input_value()


@pytest.mark.sweep
def test_state_of_the_page_is_in_its_address(visit: Any) -> None:
    """Changed numbers, mode and step stand in the address, and in a link that is copied; an address brings them back."""
    opened = visit(
        with_double(page("mazur")), reduced_motion="reduce", permissions=["clipboard-read", "clipboard-write"]
    )
    seen = opened.page
    seen.locator(FIELD).first.wait_for(timeout=8000)
    seen.evaluate("symbackprop.set('W2_1_1', '1/3').then(() => { symbackprop.mode('predict'); symbackprop.step(12); })")
    seen.wait_for_timeout(300)
    assert "#w5=1/3&mode=predict&step=12" == seen.evaluate("location.hash")
    seen.locator("[data-explore=link]").click()
    seen.get_by_text(language.phrases("en")["explore.copied"]).wait_for(state="attached", timeout=5000)
    link = seen.evaluate("navigator.clipboard.readText()")
    assert link.endswith("#w5=1/3&mode=predict&step=12")
    seen.locator("[data-explore=file]").click()
    seen.wait_for_timeout(300)
    copied = sbp.problem(tomllib.loads(seen.evaluate("navigator.clipboard.readText()"), parse_float=str))
    changed = {text.text for array in copied.arrays.values() for text in array.entries}
    assert "1/3" in changed and "0.40" not in changed
    seen.goto("about:blank")
    seen.goto(link)
    seen.wait_for_function("() => window.symbackprop?.step?.() === 12", timeout=8000)
    assert [["W2_1_1", "1/3"]] == seen.evaluate("symbackprop.asked")
    assert "predict" == seen.evaluate("symbackprop.mode()")
    seen.evaluate("document.activeElement.blur()")
    seen.keyboard.press("r")
    seen.wait_for_timeout(300)
    assert ["reset"] == seen.evaluate("symbackprop.asked.at(-1)")


@pytest.mark.sweep
@pytest.mark.parametrize(
    "hash",
    ["#w5=<img src=x onerror=alert(1)>&mode=x&step=-1", "#%E0%A4%A=1&=&&step=9999", "#constructor=1&__proto__=2"],
)
def test_hostile_address_is_only_text(hash: str, visit: Any) -> None:
    """An address that nobody of ours wrote changes nothing and runs nothing."""
    opened = visit(with_double(page("line")))
    seen = opened.page
    seen.goto("about:blank")
    seen.goto(opened.requests[0] + hash)
    seen.locator("button.given").first.wait_for(timeout=8000)
    seen.wait_for_timeout(200)
    assert 0 == seen.locator("main img").count()
    assert [] == [line for line in opened.complaints if line.startswith("error")]


AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
"""What `npm install --no-save axe-core@4.10.2` puts there."""
STATES = [
    "0",
    "symbackprop.mode('predict'), symbackprop.step(3)",
    "symbackprop.mode('faded 2')",
    "symbackprop.mode('all'), symbackprop.set(document.querySelector('td[data-name]').dataset.name, '0.25')",
    "document.querySelector('button.given').click()",
    "document.querySelector('[data-explore=keys]').showModal()",
]
VIOLATIONS = "axe.run().then(found => found.violations.map(each => [each.id, each.nodes.map(node => node.html)]))"


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("name", "code"), sample(itertools.product(examples(), ("en", "zh")), ("mazur", "en"), ("line", "zh"))
)
def test_page_violates_no_rule_of_accessibility(name: str, code: str, visit: Any) -> None:
    """As it is opened, in every mode, after a change, with a field and with the keys open, axe-core has nothing to say."""
    script = require_file(AXE)
    answering = str(rendering.render(sbp.solve(name), "html", code, explorable="values"))
    seen = visit(answering, bypass_csp=True, reduced_motion="reduce").page
    marked(seen).evaluate(script.read_text("utf-8"))
    for state in each(STATES):
        seen.evaluate(state)
        assert [] == seen.evaluate(VIOLATIONS)


@pytest.mark.parametrize("name", sample(examples(), "mazur", "xor"))
def test_result_has_its_code_name(name: str) -> None:
    """What a line or a cell of a table prints is the value, the gradient or the new value of its name, to its last digit."""
    solution = sbp.solve(name)
    checked = 0
    for code, cell in each(RESULT.findall(str(rendering.render(solution, "html"))), least=5):
        tex = html.unescape((TEX.findall(cell) or [""])[-1]).replace("{", "").replace("}", "")
        number, value = NUMBER.search(tex), _result(solution, html.unescape(code))
        if number is not None and value is not None:
            unit = 10.0 ** (int(number[2] or 0) - len(number[1].partition(".")[2]))
            assert abs(float(f"{number[1]}e{number[2] or 0}") - value) <= 0.51 * unit, (code, tex)
            checked += 1
    assert checked >= 5


RESULT = re.compile(r'data-value="([^"]+)">(.*?)</(?:td|div)>', re.DOTALL)
TEX = re.compile(r"<annotation[^>]*>([^<]*)")
NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)(?: \\cdot 10\^(-?\d+))?$")


def _result(solution: Any, code: str) -> float | None:
    """Return the number that a code name means; None for an array, and for a number of no first step."""
    values = solution.steps[0].values
    is_gradient, is_new = code.startswith("dL_d"), code.startswith("new_")
    name, sample = Scalar.read(code.removeprefix("dL_d").removeprefix("new_"))
    try:
        if is_new:
            return float(solution.steps[0].updated[name])
        return float((values.gradient if is_gradient else values.value)(name, sample))
    except (KeyError, TypeError):
        return None


def test_solution_without_numbers_has_steps() -> None:
    """A derivation without numbers has lines too."""
    assert "data-explore" in str(rendering.render(sbp.derive(sbp.example("line")), "html"))
