"""What several test modules use: rows of which few are looked at, loops that run, programs that may be missing."""

from __future__ import annotations

import importlib
import itertools
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np
import pytest

from symbackprop.algebra.formula import Node, added
from symbackprop.derivation.derivations import Derivation

REQUIRE = "SYMBACKPROP_REQUIRE"
WHOLE = "SYMBACKPROP_WHOLE"
"""With this variable a law that takes minutes is looked at on every row, and else on a sample."""

ROOT = Path(__file__).parent.parent
"""The checkout."""

SLOW_TOOLS = ("pdflatex", "xelatex", "chromium")
running: list[pytest.Item] = []
"""The test that runs, where one does."""
SHORT = "not sweep"
"""What `make test` asks pytest for."""
is_short = False
"""Whether pytest was asked for that."""
_Thing = TypeVar("_Thing")


def few(rows: Iterable[Any], count: int) -> list[Any]:
    """Return the rows of a parametrised test, marked as a sweep but for a few of them, evenly spread: first and last too.

    A law is looked at on these by `make test`, and on every row by `make check`.
    """
    listed = list(rows)
    chosen = {round(position * (len(listed) - 1) / max(count - 1, 1)) for position in range(count)}
    return [row if n in chosen else _swept(row) for n, row in enumerate(listed)]


def only(rows: Iterable[Any], *chosen: Any) -> list[Any]:
    """Return the rows of a parametrised test, marked as a sweep but for those that are named."""
    listed = list(rows)
    assert all(row in listed for row in chosen), chosen
    return [row if row in chosen else _swept(row) for row in listed]


def sample(rows: Iterable[Any], *chosen: Any) -> list[Any]:
    """Return the rows of a parametrised test that takes long: those that are named, or every one where `WHOLE` is set."""
    listed = list(rows)
    assert all(row in listed for row in chosen), chosen
    return listed if os.environ.get(WHOLE) else list(chosen)


def in_turn(rows: Iterable[Any], *others: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Return all combinations if `WHOLE` is set, else each row with one of the others, languages for instance, in turn."""
    listed, combined = list(rows), list(itertools.product(*others))
    turns = [(row, *combined[place % len(combined)]) for place, row in enumerate(listed)]
    return sample([(row, *other) for row in listed for other in combined], *turns)


def many(examples: int, share: int = 5) -> int:
    """Return how many random examples a law is looked at on: `make check` draws them all, `make test` a fifth or less."""
    return -(-examples // share) if is_short else examples


def _swept(row: Any) -> Any:
    values, marks, name = (row.values, row.marks, row.id) if hasattr(row, "marks") else (row, (), None)
    return pytest.param(
        *(values if isinstance(values, tuple) else (values,)), marks=(*marks, pytest.mark.sweep), id=name
    )


def each(things: Iterable[_Thing], least: int = 1) -> Iterator[_Thing]:
    """Yield things to look at, and fail where there were fewer: a loop of assertions that never ran proves nothing."""
    count = 0
    for count, thing in enumerate(things, start=1):  # noqa: B007
        yield thing
    assert count >= least, f"the loop was to look at {least} or more, and there were {count}"


def gradient_formula(derivation: Derivation, element: str) -> Node:
    """Return the sum over the links of one scalar: upstream adjoint · local partial."""
    return added(tuple(link.contribution(derivation.graph.output) for link in derivation.links.get(element, ())))


class Frame:
    """A table with named columns, as far as pandas and polars are alike in what they offer to others."""

    def __init__(self, columns: Mapping[str, Sequence[object]], dtype: str | None = None) -> None:
        self.columns, self._values = list(columns), np.array(list(columns.values()), dtype).T

    def to_numpy(self) -> Any:
        """Return the values, (rows, columns)."""
        return self._values

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self._values if dtype is None else self._values.astype(dtype)

    def __len__(self) -> int:
        return len(self._values)


def require_tool(name: str) -> str:
    """Return the path of a program; skip the test where it is missing.

    With `SYMBACKPROP_REQUIRE=1` in the environment a missing program is a failure: continuous integration must not
    pass because it could not look. A test that waits for TeX or for a browser is a sweep: `make test` does without.
    """
    if name in SLOW_TOOLS and running and running[-1].get_closest_marker("sweep") is None:
        pytest.fail(f"a test that needs {name} is marked as a sweep", pytrace=False)
    path = shutil.which(name)
    return _missing(name) if path is None else path


def require_file(path: Path) -> Path:
    """Return a file that is installed beside the checkout; skip the test where it is missing, or fail as above."""
    return path if path.is_file() else _missing(path.name)


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
