"""The page that is gone through step by step: what stands on it, what its keys do, and what is not there yet."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop import language, rendering, resources
from symbackprop.by_hand import answer_parsing
from symbackprop.problems.load import examples
from tests.documents import text_of
from tests.helpers import require_tool, sample

SURFACE = 40_000
"""Bytes that the surface may add to a page."""

CHAINS = "document.querySelectorAll('main > section:not(:first-child) .chain').length"

LEADS_NOWHERE = "link => link.getClientRects().length && !document.querySelector(link.hash)"


def page(name: str, code: str = "en") -> str:
    """Return the page of an example."""
    return str(text_of(name, "html", code))


def steps_of(seen: Any) -> int:
    """Return how many steps a page has that shows all of them."""
    return int(seen.evaluate(CHAINS))


def test_surface_is_small() -> None:
    """Scripts and styles of the surface have forty kilobytes at most, and stand in the page of a solution."""
    files = sorted((resources.folder("templates") / "html" / "explore").iterdir())
    assert {file.suffix for file in files} == {".js", ".css"}
    assert sum(len(file.read_bytes()) for file in files) <= SURFACE
    assert all(file.read_text("utf-8").rstrip() in page("line") for file in files)


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
    assert whole == seen.locator("main").text_content()
    seen.evaluate("symbackprop.step(1); symbackprop.mode('all')")
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
    assert 0 == seen.locator(".sym[tabindex]").count()
    seen.keyboard.press("ArrowRight")
    stops = seen.locator(".chain.current .sym[tabindex='0']").count()
    assert 1 < stops == seen.locator(".sym[tabindex]").count()
    seen.keyboard.press("Tab")
    while not seen.evaluate("document.activeElement.classList.contains('sym')"):
        seen.keyboard.press("Tab")
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


def test_solution_without_numbers_has_steps() -> None:
    """A derivation without numbers has lines too."""
    assert "data-explore" in str(rendering.render(sbp.derive(sbp.example("line")), "html"))
