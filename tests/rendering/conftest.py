"""A browser, and what opens a page in it as a reader would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import require_tool

WIDE = 1200


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Return a Chromium that the tests of this module share."""
    chromium = require_tool("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # A container has no second sandbox to offer; what is opened are our own files.
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@dataclass
class Visit:
    """A page on the screen, and what was noticed on the way."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture
def visit(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """Return what opens a page from a file, as a reader would, in a fresh profile."""
    contexts = []

    def open_page(text: str, width: int = WIDE, **settings: Any) -> Visit:
        file = tmp_path / "solution.html"
        file.write_text(text, encoding="utf-8", newline="\n")
        context = browser.new_context(viewport={"width": width, "height": 800}, **settings)
        contexts.append(context)
        seen = Visit(context.new_page())
        seen.page.on("console", lambda line: seen.complaints.append(f"{line.type}: {line.text}"))
        seen.page.on("pageerror", lambda error: seen.complaints.append(f"error: {error}"))
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.goto(file.as_uri())
        return seen

    yield open_page
    for context in contexts:
        context.close()
