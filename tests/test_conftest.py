"""The tests' own tool: what is missing is skipped where people work and fails where it has to be looked at."""

from __future__ import annotations

import shutil

import pytest
from conftest import REQUIRE, require_tool

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
