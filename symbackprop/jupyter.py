"""The pages that a notebook shows: the statement of a problem, the formulas of a derivation, a whole solution."""

from __future__ import annotations

from symbackprop import language
from symbackprop.derivation.derivations import Derivation, derive
from symbackprop.descent.solution import Solution
from symbackprop.messages import message
from symbackprop.problems import Problem
from symbackprop.rendering.drafts import Draft
from symbackprop.rendering.exporters import DOCUMENT
from symbackprop.rendering.formats import formats
from symbackprop.templating import filled

MOST_PARAMETERS = 200
"""Larger objects are named, not written out: a page of a thousand formulas helps nobody who asked what `x` is."""


def to_markdown(shown: object) -> str:
    """Return a problem, a derivation or a solution as Markdown: the statement, the formulas, or the worked solution.

    >>> import symbackprop
    >>> text = to_markdown(symbackprop.example("line"))
    >>> [line for line in text.splitlines() if line.startswith("## ")]
    ['## 1 The problem']
    """
    solution = _solution(shown)
    count = sum(len(quantity.elements()) for quantity in solution.derivation.parameters)
    if count > MOST_PARAMETERS:
        problem = solution.problem
        title = problem.heading if problem.title else message("text.worked_solution")
        return language.say(language.DEFAULT, message("overview.large", title=title, count=f"{count:,}"))
    row = formats()["markdown"]
    view = Draft(row, solution, language.DEFAULT, ("full",)).view
    sections = view["sections"][:1] if isinstance(shown, Problem) else view["sections"]
    return filled(row.folders, DOCUMENT, document={**view, "sections": sections})


def _solution(shown: object) -> Solution:
    if isinstance(shown, Solution):
        return shown
    if isinstance(shown, Derivation):
        return Solution(shown.problem, shown, (), None, (), {})
    assert isinstance(shown, Problem)
    return _solution(derive(shown))
