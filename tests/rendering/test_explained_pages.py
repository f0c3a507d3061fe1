"""The worked solution of a function as a notebook shows it: a page in a frame, which is complete and by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symbackprop as sbp

NARROW, WIDE = 390, 1100


def loss(w: Any, b: Any, x: Any, y: Any) -> Any:
    """Return half the squared error of a unit."""
    a = np.tanh(w @ x + b)
    return (a - y) ** 2 / 2


@pytest.mark.sweep
def test_frame_of_an_explanation_is_a_page_of_its_own(visit: Any) -> None:
    """Links lead to places of the page, not the notebook into its frame; fields compute; nothing is too wide."""
    given = {"inputs": {"x": [1.0, 2.0]}, "targets": {"y": 1.0}}
    shown = sbp.explain(loss, parameters={"w": [0.5, -0.25], "b": 0.1}, **given)._repr_html_()
    opened = visit(f"<!doctype html><meta charset=utf-8><p>In [1]</p>{shown}", NARROW)
    outer, frame = opened.page, opened.page.frames[1]
    address = outer.url
    frame.locator("summary").get_by_text("Contents").click()
    frame.locator("nav a[href='#section-2'], details a[href='#section-2']").first.click()
    frame.locator("#section-2:target, :target").first.wait_for()
    assert outer.url == address and frame.url == "about:srcdoc#section-2"
    for width in (NARROW, WIDE):
        outer.set_viewport_size({"width": width, "height": 860})
        assert frame.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert not frame.locator("[data-explore=link]").is_visible()
    before = frame.locator("#section-2").inner_text()
    frame.evaluate("symbackprop.set('w_1', '1')")
    frame.locator("[data-name=w_1]").get_by_text("1", exact=True).first.wait_for()
    assert frame.locator("#section-2").inner_text() != before
    assert [] == opened.complaints
