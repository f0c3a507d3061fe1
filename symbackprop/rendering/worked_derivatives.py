"""Derivatives in a format: the lines of a worked derivative as a document, or as data."""

from __future__ import annotations

import json
from pathlib import Path

from symbackprop import language as phrases
from symbackprop.algebra.differentiation import Differentiation, EqualSides
from symbackprop.algebra.formula import Node
from symbackprop.document import derivatives
from symbackprop.errors import known_language, unknown
from symbackprop.messages import message
from symbackprop.rendering import layout
from symbackprop.rendering.dialects import text
from symbackprop.rendering.drafts import OF_LETTERS, Draft
from symbackprop.rendering.exporters import written
from symbackprop.rendering.formats import formats, spellings

WITHOUT = ("notebook",)
"""Formats that recompute numbers, of which a derivative has none."""


def rendered(
    tree: Differentiation, format: str = "text", language: str = "en", templates: str | Path | None = None
) -> str | bytes:
    """Return a worked derivative in a format and a language: a text, or bytes for `pdf`.

    Raises `UnknownNameError` for a format or language that does not exist.

    >>> from symbackprop import differentiate
    >>> print(rendered(differentiate("x**2", "x"), "markdown").splitlines()[0])
    # Derivative
    """
    table = {name: row for name, row in formats(templates).items() if name not in WITHOUT}
    if format not in table:
        raise unknown("format", format, table, spellings=spellings(table))
    known_language(language)
    if table[format].finish == "json":
        return json.dumps(result(tree, language), ensure_ascii=False, indent=1) + "\n"
    return written(Draft(table[format], None, language, (), content=derivatives.compose(tree)))


def result(tree: Differentiation, language: str) -> dict[str, object]:
    """Return a worked derivative as data: `expression`, `variable`, `derivative` and `steps`.

    Of an equation the `expression` has both sides, and formulas of steps have what they are equal to.
    A step has its `rule`, whether it is by the `chain` rule, the `reason` in words and the `formula`. `derivative` is text
    that SymPy reads; formulas of steps are plain text, in which d/dx stands before what is still to be differentiated.
    """
    from symbackprop.algebra.piecewise import to_plain_sympy

    is_implicit = isinstance(tree.before, EqualSides)
    sides = tuple(tree.before) if is_implicit else (tree.before,)
    lines = [(chain.left, line) for chain in derivatives.derivative_chains(tree) for line in chain.steps]
    return {
        "expression": " = ".join(str(to_plain_sympy(side)) for side in sides),
        "variable": tree.variable.name,
        "derivative": str(tree.expression),
        "steps": [
            {
                "rule": step.rule.value,
                "chain": step.is_chain,
                "reason": phrases.say(language, line.reason or message("rule.collect")),
                "formula": " = ".join(map(plain, (left, line.formula) if is_implicit else (line.formula,))),
            }
            for step, (left, line) in zip(tree.steps, lines, strict=True)
        ],
    }


def plain(formula: Node) -> str:
    """Return a formula of letters as one line of text."""
    return text.inline(layout.of(OF_LETTERS).box(formula))
