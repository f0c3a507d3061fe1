"""Bundled problems that somebody damaged: whatever was left out, retyped or moved, the end is a result or one message.

The number of a row chooses the problem, the place, what is done to it, and what is done with the problem.
"""

from __future__ import annotations

import random
import signal
import tomllib
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop.errors import SymbackpropError
from symbackprop.problems.load import bundled, examples
from tests.fuzz.mutations import damage
from tests.helpers import few

SECONDS = 6
"""Of processor time, for everything that is done with one problem."""


def mutated(draw: random.Random) -> tuple[str, dict[str, Any]]:
    """Return the name of a bundled problem and its content, damaged in one or two places."""
    name = draw.choice(examples())
    content = tomllib.loads(Path(bundled(name)).read_text("utf-8"))
    for _ in range(draw.choice((1, 1, 2))):
        damage(content, draw.choice)
    return name, content


def use(content: dict[str, Any], wish: int) -> None:
    """Do one thing with a problem."""
    problem = sbp.problem(content)
    if wish == 0:
        sbp.render(sbp.solve(problem), "markdown")
    elif wish == 1:
        assert sbp.check(problem).entries is not None
    elif wish == 2:
        sbp.train(problem, epochs=2)
    else:
        sbp.render(sbp.solve(problem), ("json", "latex")[wish % 2])


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timer of processor time")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("number", few(range(400), 12))
def test_damaged_problem_ends_in_a_result_or_one_message(number: int) -> None:
    """Nothing but a `SymbackpropError` comes out of a problem file, and no run takes longer than seconds."""
    draw = random.Random(number)
    name, content = mutated(draw)

    def late(signal: int, frame: FrameType | None) -> None:
        raise AssertionError(f"{name}: no answer in {SECONDS} s")

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        use(content, draw.randrange(5))
    except SymbackpropError as error:
        assert str(error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
