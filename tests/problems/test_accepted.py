"""What stands where a problem is meant: a problem, what was made from one, a name, a file, the content of a file."""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop import curvature, resources, training
from symbackprop.descent.trajectories import compare_rates
from symbackprop.errors import KindError, SymbackpropError, UnknownNameError
from symbackprop.problems.accepted import problem_of
from symbackprop.scripts.targets import script
from tests.helpers import each

NAME = "line"
FILE = resources.folder("examples") / f"{NAME}.toml"

MADE: dict[str, Callable[[], Any]] = {
    "problem": lambda: sbp.example(NAME),
    "derivation": lambda: sbp.derive(sbp.example(NAME)),
    "solution": lambda: sbp.solve(sbp.example(NAME)),
    "compiled gradient": lambda: sbp.compile(sbp.example(NAME)),
    "history": lambda: sbp.train(sbp.example(NAME)),
    "name of an example": lambda: NAME,
    "text of a path": lambda: str(FILE),
    "path": lambda: Path(FILE),
    "content of a file": lambda: tomllib.loads(FILE.read_text("utf-8")),
}

TAKES: dict[str, Callable[[Any], Any]] = {
    "derive": lambda meant: sbp.derive(meant).gradient_expression("W1_1_1"),
    "solve": lambda meant: sbp.solve(meant).losses,
    "check": lambda meant: sbp.check(meant).entries,
    "compile": lambda meant: sbp.compile(meant)()[0],
    "render": lambda meant: sbp.render(meant, format="json"),
    "train": lambda meant: sbp.train(meant, steps=2).losses.tolist(),
    "updates": lambda meant: training.updates(problem_of(meant)),
    "hessian": lambda meant: curvature.hessian(meant).entries,
    "jacobian": lambda meant: curvature.jacobian(meant).entries,
    "newton_step": lambda meant: curvature.newton_step(meant).after,
    "rate_limit": lambda meant: curvature.rate_limit(meant).limit,
    "critical_points": lambda meant: curvature.critical_points(meant).points,
    "compare_rates": lambda meant: compare_rates(meant, (), 2).trajectories,
    "script": script,
}


@functools.cache
def expected(function: str) -> Any:
    """Return what a function makes of the problem itself."""
    return TAKES[function](sbp.example(NAME))


@pytest.mark.parametrize("function", TAKES)
def test_function_takes_whatever_means_a_problem(function: str) -> None:
    """All give what the problem itself gives."""
    for kind, make in each(MADE.items()):
        assert expected(function) == TAKES[function](make()), kind


@pytest.mark.parametrize("function", TAKES)
@pytest.mark.parametrize("wrong", [None, 3, ["line"], object()])
def test_function_says_what_to_call_for_anything_else(function: str, wrong: object) -> None:
    """Something of another kind is one message, which is a `TypeError` too."""
    with pytest.raises(KindError, match=rf"not {type(wrong).__name__}: symbackprop\.load") as caught:
        TAKES[function](wrong)
    assert isinstance(caught.value, TypeError | SymbackpropError)


@pytest.mark.parametrize("function", TAKES)
def test_name_of_no_example_is_unknown(function: str) -> None:
    """A text that names neither a file nor an example leads to the nearest."""
    with pytest.raises(UnknownNameError, match="line"):
        TAKES[function]("lines")


def test_derivation_that_is_given_is_what_is_checked() -> None:
    """`check` looks at the derivation itself, not at one that it makes anew."""
    derivation = sbp.derive(sbp.example("mazur"))
    assert sbp.check(derivation).agrees

    class Fewer(dict):  # type: ignore[type-arg]
        def reached(self) -> Iterator[str]:
            return (name for name, links in self.items() if links)

        def forms(self) -> Collection[object]:
            return derivation.links.forms()

    fewer = Fewer({**derivation.links, "a1_1": derivation.links["a1_1"][:1]})
    assert not sbp.check(dataclasses.replace(derivation, links=fewer)).agrees  # type: ignore[arg-type]
