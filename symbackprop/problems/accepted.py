"""What may stand where a problem is meant: the one place that says so, and turns it into the problem."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from symbackprop.errors import KindError
from symbackprop.messages import message
from symbackprop.problems.types import Problem


class HasProblem(Protocol):
    """What was made from a problem and knows it: a derivation, a solution, a compiled gradient, a history."""

    @property
    def problem(self) -> Problem:
        """The problem."""


ProblemLike = Problem | HasProblem | str | Path | Mapping[str, object]
"""A problem, what was made from one, the name of a bundled example or of a file, or the content of a file."""


def problem_of(meant: ProblemLike) -> Problem:
    """Return the problem that is meant by one, by what was made from it, by its name or file, or by its content.

    >>> problem_of("mazur").network.inputs
    2

    Raises `KindError`, which says what to call, for anything else, and what loading raises.
    """
    if isinstance(meant, Problem):
        return meant
    found = getattr(meant, "problem", None)
    if isinstance(found, Problem):
        return found
    from symbackprop.problems import load

    if isinstance(meant, str | Path):
        return load.find_source(str(meant)).problem()
    if isinstance(meant, Mapping):
        return load.problem(meant)
    raise KindError(message("error.no_problem", kind=type(meant).__name__))
