"""How long a browser takes to draw the page of a solution: `python benchmarks/page.py`.

A page is opened from a file, in a fresh profile, at 1280 × 800. Times count from the start of its navigation to the frame
that shows the first screen, and to the one after its last formula is set; beside them what KaTeX alone took in the same
visit. A visit counts only if every formula was set and nothing complained.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import measuring
from measuring import Line

import symbackprop as sbp
from symbackprop import rendering

EXAMPLES = ("mazur", "deep")
SCREEN_TARGET, ALL_TARGET = 2.0, 3.0
FRAME = "requestAnimationFrame(() => setTimeout(() => {{ times.{name} = performance.now(); }}))"
WATCH = f"""(() => {{
    const times = window.times = {{ katex: 0 }};
    addEventListener("DOMContentLoaded", () => {{
        const render = katex.render;
        katex.render = (...given) => {{
            const start = performance.now();
            try {{ return render(...given); }} finally {{ times.katex += performance.now() - start; }}
        }};
        new MutationObserver(() => {{
            if (!("setting" in document.documentElement.dataset)) times.screen ?? {FRAME.format(name="screen")};
            if ("ready" in document.documentElement.dataset) times.all ?? {FRAME.format(name="all")};
        }}).observe(document.documentElement, {{ attributes: true }});
    }}, {{ capture: true }});
}})()"""
UNSET = "[...document.querySelectorAll('math')].filter(math => !math.closest('.katex')).length"


class Times(NamedTuple):
    """Milliseconds of a visit: to the first screen, to the last formula, and KaTeX's own among them."""

    screen: float
    all: float
    katex: float


def visits(page: Path, rounds: int) -> Iterator[Times]:
    """Yield the times of some visits to a page.

    Raises `RuntimeError` if a formula was not set or the page complained.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # A container has no second sandbox to offer; what is opened are our own files.
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for _ in range(rounds):
            context = browser.new_context(viewport={"width": 1280, "height": 800})
            yield _visit(context.new_page(), page)
            context.close()
        browser.close()


def _visit(tab: Any, page: Path) -> Times:
    complaints: list[str] = []
    tab.on("console", lambda line: complaints.append(line.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.add_init_script(WATCH)
    tab.goto(page.as_uri())
    tab.wait_for_function("window.times.all !== undefined")
    if complaints or tab.evaluate(UNSET) or tab.locator(".katex-error").count():
        raise RuntimeError(f"{page.name}: {complaints or 'formulas are not set'}")
    return Times(**{name: tab.evaluate(f"window.times.{name}") for name in Times._fields})


def lines(rounds: int) -> Iterator[Line]:
    """Yield what was measured: of each page the visit in which all was there first."""
    with TemporaryDirectory() as folder:
        for name in EXAMPLES:
            page = Path(folder, f"{name}.html")
            content = rendering.render(sbp.solve(sbp.example(name)), "html")
            page.write_text(str(content), encoding="utf-8", newline="\n")
            found = min(visits(page, rounds), key=lambda times: times.all)
            yield Line(f"{name}: KaTeX alone", f"{found.katex:.0f} ms")
            yield _line(f"{name}: first screen", found.screen, found.katex, SCREEN_TARGET)
            yield _line(f"{name}: all formulas", found.all, found.katex, ALL_TARGET)


def _line(what: str, taken: float, katex: float, target: float) -> Line:
    ratio = taken / katex
    return Line(what, f"{taken:.0f} ms, {ratio:.2f} ×", f"≤ {target:g} ×", ratio <= target)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10, help="visits, of which the best counts")
    measuring.show(measuring.machine())
    measuring.table(lines(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
