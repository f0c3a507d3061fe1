"""Whatever somebody hands in: a result or one message, in seconds; a sample in every run, minutes of it with `make fuzz`."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from symbackprop.errors import SymbackpropError
from symbackprop.messages import message
from tests.fuzz import law
from tests.fuzz.law import LateError, assert_law
from tests.fuzz.mutations import damage, damaged_text, damaged_tree, places
from tests.fuzz.readers import READERS, Reader
from tests.helpers import each, many, only

CORPUS = Path(__file__).parent / "corpus"
"""The smallest inputs that were found to break the law, in a folder for each reader."""

BUDGET = "SYMBACKPROP_FUZZ"
"""For how many seconds each reader is looked at, with other draws every time."""

EXAMPLES = {"problem_in_use": 8, "command": 8, "answers": 12, "manifest": 12, "expression": 16, "numbers": 12}
USUAL_EXAMPLES = 30
"""Draws of a usual run, which are the same every time."""

QUICK = ("problem_table", "expression", "roster", "submissions", "overrides", "settings")
"""Readers at which every run looks; the others belong to `make check`."""

_ROUND = 200
"""Draws between two looks at the clock."""


@st.composite
def inputs(draw: st.DrawFn, name: str) -> bytes:
    """Return something damaged that a reader usually gets, or now and then any bytes."""
    reader = READERS[name]

    def choose(things: Sequence[Any]) -> Any:
        return things[draw(st.integers(0, len(things) - 1))]

    if not reader.is_tree and draw(st.integers(0, 9)) == 9:
        return draw(st.binary(max_size=200))
    damaged = damaged_tree if reader.is_tree else damaged_text
    data: bytes = choose(reader.seeds())
    for _ in range(draw(st.integers(1, 3))):
        data = damaged(data, choose)
    return data


def looked_at(name: str, examples: int, chance: int | None) -> None:
    """Look at so many inputs of a reader: the usual ones, or those of a number."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=chance is None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs(name))
    def holds(data: bytes) -> None:
        assert_law(READERS[name], data)

    (holds if chance is None else seed(chance)(holds))()


@pytest.mark.parametrize("name", only(READERS, *QUICK))
def test_whatever_is_handed_in_is_read_or_refused(name: str) -> None:
    """What is usual is read; what is damaged gives a result or one message, and no file that is half of something."""
    budget = float(os.environ.get(BUDGET, "0"))
    if not budget:
        looked_at(name, many(EXAMPLES.get(name, USUAL_EXAMPLES)), None)
    end, chance = time.monotonic() + budget, time.time_ns()
    while time.monotonic() < end:
        chance += 1
        looked_at(name, _ROUND if EXAMPLES.get(name, _ROUND) == _ROUND else 40, chance)


@pytest.mark.parametrize("name", only(READERS, *QUICK))
def test_what_is_usual_is_read(name: str) -> None:
    """Most examples of a reader go through: what is refused is so for its damage, and not from the beginning."""
    reader = READERS[name]
    seeds = reader.seeds()[:5]
    assert sum(assert_law(reader, data) for data in seeds) > len(seeds) / 2


FOUND = sorted(path for path in CORPUS.glob("*/*"))


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_found_once_is_read_or_refused(path: Path) -> None:
    """Inputs that ended in another exception, or in none for too long, before they were mended."""
    assert_law(READERS[path.parent.name], path.read_bytes())


def test_corpus_is_of_readers() -> None:
    """Every folder of the corpus is a reader's, and has something in it."""
    assert {path.parent.name for path in FOUND} <= READERS.keys()
    assert len(FOUND) >= 10


def test_law_finds_what_it_forbids(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted readers that raise, that never end and that take all memory do not go through; a refusal does."""
    monkeypatch.setattr(law, "SECONDS", 0.2)
    refusal = SymbackpropError(message("csv.no_header"))
    planted = {
        "raises": (lambda data, folder: {}[data], KeyError),
        "never ends": (lambda data, folder: [None for _ in iter(int, 1)], (LateError, MemoryError)),
        "takes all": (lambda data, folder: bytearray(3_000_000_000), MemoryError),
    }
    for read, error in each(planted.values()):
        with pytest.raises(error):
            assert_law(Reader(read, lambda: [b""]), b"")

    def refuse(data: bytes, folder: Path) -> object:
        raise refusal

    assert not assert_law(Reader(refuse, lambda: [b""]), b"")


def test_damage_is_damage() -> None:
    """Tables and texts are other ones afterwards, for nearly every choice."""
    chosen = iter(range(10_000))

    def choose(things: Sequence[Any]) -> Any:
        return things[next(chosen) * 7919 % len(things)]

    tree, text = READERS["problem_table"].seeds()[0], READERS["roster"].seeds()[0]
    assert sum(damaged_tree(tree, choose) != tree for _ in range(50)) > 40
    assert sum(damaged_text(text, choose) != text for _ in range(50)) > 40
    table: dict[str, Any] = {"a": [1, {"b": 2}]}
    assert 4 == len(list(places(table)))
    damage(table, lambda things: things[0])
    assert {} == table
