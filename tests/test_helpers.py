"""The tools of the tests: few rows and whole loops; what a machine lacks is skipped, or fails where it must be there."""

from __future__ import annotations

import shutil

import pytest

from tests import helpers
from tests.helpers import REQUIRE, SLOW_TOOLS, each, few, many, only, require_tool, running

MISSING = "no-such-program-anywhere"


def test_require_tool_returns_the_path_of_a_program() -> None:
    """A program that is installed is named by its path."""
    assert shutil.which("python3") == require_tool("python3")


def test_require_tool_skips_where_a_program_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variable a missing program skips the test and says which program it was."""
    monkeypatch.delenv(REQUIRE, raising=False)
    with pytest.raises(pytest.skip.Exception, match=f"{MISSING} is not installed"):
        require_tool(MISSING)


def test_require_tool_fails_where_a_program_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    """With SYMBACKPROP_REQUIRE=1 a missing program fails the test."""
    monkeypatch.setenv(REQUIRE, "1")
    with pytest.raises(pytest.fail.Exception, match=f"{MISSING} is not installed, and {REQUIRE} is set"):
        require_tool(MISSING)


def test_slow_tools_are_for_sweeps_only(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A test that waits for TeX or a browser and does not say so fails, whether the machine has them or not."""
    assert [request.node] == running
    for tool in SLOW_TOOLS:
        with pytest.raises(pytest.fail.Exception, match=f"a test that needs {tool} is marked as a sweep"):
            require_tool(tool)


def marked(rows: list[object]) -> list[bool]:
    """Return for each row whether it is marked as a sweep."""
    return [any(mark.name == "sweep" for mark in getattr(row, "marks", ())) for row in rows]


def test_few_leaves_the_first_the_last_and_some_between() -> None:
    """All rows stay; those that are not chosen are sweeps, with the values, names and marks they had."""
    assert [False, True, False, True, False] == marked(few(range(5), 3))
    assert [False, True, True] == marked(few(range(3), 1))
    assert [False, False] == marked(few(range(2), 9))
    rows = [(1, "a"), pytest.param(2, "b", id="two", marks=pytest.mark.skip), (3, "c")]
    first, second, third = few(rows, 1)
    assert first == (1, "a")
    assert (2, "b") == second.values and "two" == second.id
    assert {"skip", "sweep"} == {mark.name for mark in second.marks}
    assert (3, "c") == third.values


def test_only_leaves_the_rows_that_are_named() -> None:
    """A named row that does not exist is an error, so that a law does not lose its rows unseen."""
    assert [True, False, True] == marked(only("abc", "b"))
    with pytest.raises(AssertionError):
        only("abc", "d")


def test_many_is_less_in_a_short_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short run draws a fifth of the examples or less, at least one; the Makefile asks for it in the words that count."""
    monkeypatch.setattr(helpers, "is_short", False)
    assert [300, 1] == [many(300), many(1)]
    monkeypatch.setattr(helpers, "is_short", True)
    assert [60, 15, 1] == [many(300), many(300, share=20), many(1)]
    assert f'$(PYTEST) -m "{helpers.SHORT}"\n' in (helpers.ROOT / "Makefile").read_text("utf-8")


def test_each_fails_where_there_is_too_little_to_look_at() -> None:
    """A loop over nothing, or over less than it was to be, is a failure and not a success."""
    assert [1, 2] == list(each([1, 2], least=2))
    for things, least in (([], 1), ([1], 2)):
        with pytest.raises(AssertionError, match=f"{least} or more, and there were {len(things)}"):
            list(each(things, least))
