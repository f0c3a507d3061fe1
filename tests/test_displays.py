"""What objects show of themselves, and how templates are filled: the rooms that every wing uses."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import symbackprop as sbp
from symbackprop import display, jupyter, templating
from symbackprop.errors import OutputError


def test_problem_derivation_and_solution_show_themselves() -> None:
    """Each is `Displayed`: its page is what `to_markdown` writes, the statement, the formulas, the whole solution."""
    problem = sbp.example("line")
    for shown in (problem, sbp.derive(problem), sbp.solve(problem)):
        assert isinstance(shown, display.Displayed)
        assert sbp.to_markdown(shown) == shown._repr_markdown_()
    assert "## 1 The problem" in jupyter.to_markdown(problem)
    assert len(jupyter.to_markdown(problem)) < len(jupyter.to_markdown(sbp.solve(problem)))


def test_small_objects_say_what_they_are() -> None:
    """A compiled gradient, a report and a history show themselves: shapes, the table of `check`, the curve."""
    history = sbp.train("line", steps=3)
    for thing, words in (
        (sbp.compile("mazur"), ("numpy", "float64", "2×2", "a single number")),
        (sbp.check("line"), ("agrees", "central differences", "2 agree, 0 differ, 0 skipped")),
        (history, ("loss after 3 updates", "data:image/svg+xml")),
    ):
        assert isinstance(thing, display.Displayed)
        shown = thing._repr_markdown_()
        for word in words:
            assert word in shown, (thing, shown[:200])
    assert "2 agree, 0 differ, 0 skipped" in str(sbp.check("line"))
    assert "loss after 3 updates" in sbp.to_text(history)
    assert isinstance(sbp.check("line"), display.Printed)


def test_long_report_shows_what_does_not_agree() -> None:
    """Of many gradients a notebook shows the counts, and rows for those that do not agree only."""
    report = sbp.check("mazur")
    assert "W1\\_1\\_1" in report._repr_markdown_()
    long = dataclasses.replace(report, entries=report.entries * 5)
    assert "W1\\_1\\_1" not in long._repr_markdown_()
    assert "60 agree" in long._repr_markdown_()


def test_template_is_that_of_the_first_folder_that_has_it(tmp_path: Path) -> None:
    """A user's template replaces the bundled one; texts are put in as they are."""
    for name in ("own", "bundled"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jinja").write_text(f"{name}: << text >>\n", "utf-8")
    (tmp_path / "bundled" / "b.jinja").write_text("<% for x in all %><< x >>,<% endfor %>", "utf-8")
    folders = [tmp_path / "own", tmp_path / "bundled"]
    assert "own: <b>\n" == templating.filled(folders, "a.jinja", text="<b>")
    assert "1,2," == templating.filled(folders, "b.jinja", all=[1, 2])


@pytest.mark.parametrize(
    ("text", "match"),
    [("<< missing >>", "missing"), ("\n<% if %>", "a.jinja"), ("<< ''.__class__.__mro__ >>", "__class__|unsafe|mro")],
)
def test_template_at_fault_is_one_message(tmp_path: Path, text: str, match: str) -> None:
    """What is undefined, is no syntax, or leaves the sandbox is a message that says where."""
    (tmp_path / "a.jinja").write_text(text, "utf-8")
    with pytest.raises(OutputError, match=match):
        templating.filled([tmp_path], "a.jinja")
