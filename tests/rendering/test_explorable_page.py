"""The page that is gone through step by step: what stands on it, what its keys do, and what is not there yet."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop import language, rendering, resources
from symbackprop.problems.load import examples
from tests.documents import some, text_of
from tests.helpers import require_tool

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
@pytest.mark.parametrize("name", some(examples()))
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


def test_solution_without_numbers_has_steps() -> None:
    """A derivation without numbers has lines too."""
    assert "data-explore" in str(rendering.render(sbp.derive(sbp.example("line")), "html"))
