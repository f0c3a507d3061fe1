"""What several test modules use."""

from __future__ import annotations

import importlib
import os
import shutil
from pathlib import Path
from typing import Any, NoReturn

import pytest

REQUIRE = "SYMBACKPROP_REQUIRE"

ROOT = Path(__file__).parent.parent
"""The checkout."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--update-golden`: the one way in which golden files change."""
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden from what is rendered now")


def require_tool(name: str) -> str:
    """Return the path of a program; skip the test where it is missing.

    With `SYMBACKPROP_REQUIRE=1` in the environment a missing program is a failure: continuous integration must not
    pass because it could not look.
    """
    path = shutil.which(name)
    return _missing(name) if path is None else path


def require_module(name: str) -> Any:
    """Return a Python module; skip the test where it is missing, or fail as `require_tool` does."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return _missing(name)


def _missing(name: str) -> NoReturn:
    reason = f"{name} is not installed"
    if os.environ.get(REQUIRE, "0") not in ("", "0"):
        pytest.fail(f"{reason}, and {REQUIRE} is set", pytrace=False)
    pytest.skip(reason)
