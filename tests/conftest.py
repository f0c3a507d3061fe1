"""The options of the tests, and what pytest tells them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from symbackprop.compilation import kept_code
from tests import helpers
from tests.helpers import running


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--update-golden`: the one way in which golden files change."""
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden from what is rendered now")


def pytest_configure(config: pytest.Config) -> None:
    """Tell the modules of tests, before they are read, whether the run is a short one."""
    helpers.is_short = config.option.markexpr == helpers.SHORT


@pytest.fixture(scope="session", autouse=True)
def kept_code_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep machine code for as long as the tests run: none depends on what earlier runs left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(kept_code.FOLDER, str(tmp_path_factory.mktemp("kept")))
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Remember which test runs, for `require_tool`."""
    running.append(item)
    try:
        return (yield)
    finally:
        running.pop()
