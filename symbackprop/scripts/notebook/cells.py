"""The code of a notebook, part by part: the numbers given, each pass, the update, central differences, training."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from symbackprop.arithmetic.python_code import MATH
from symbackprop.descent.solution import Solution
from symbackprop.scripts.notebook import training_loop
from symbackprop.scripts.notebook.statements import ATOL, MOST_STATEMENTS, RTOL, CodeName, Listing, Part, unrounded

Cell = tuple[str, str]
NOT_IN_NUMPY = ("erf", "erfc")
_INDENT = "    "


class Phrases(Protocol):
    """What the code and the text between it say."""

    def plain(self, id: str) -> str:
        """Return a phrase as it is."""

    def markdown(self, ids: Sequence[str]) -> Cell:
        """Return a cell of text."""

    def names(self, rows: Sequence[CodeName]) -> Cell:
        """Return a cell of text that says what the symbols of the text are called in the code."""


def parts(solution: Solution, phrases: Phrases) -> Iterator[tuple[str, int, list[Cell]]]:
    """Yield the name of each part, the number of the step that it belongs to, and its cells.

    A problem without numbers has no code; a large one neither: a sentence says so.
    """
    if not solution.steps:
        return
    exact = unrounded(solution)
    listings = [Listing(exact, step) for step in exact.steps]
    if listings[0].size > MOST_STATEMENTS:
        yield "given", 1, [phrases.markdown(("notebook.code", "notebook.too_large"))]
        return
    worked = list(_worked(exact, listings, phrases))
    closing = [("differences", 1, _differences(exact, phrases))]
    training = _training(exact, phrases)
    if training:
        closing.append(("training", 1, training))
    texts = [text for _, _, cells in (*worked, *closing) for _, text in cells]
    told = ["notebook.given"] if exact is solution else ["notebook.given", "notebook.unrounded"]
    first = ("markdown", " ".join(map(phrases.plain, told)))
    given = "\n".join([*listings[0].given(), *listings[0].states()])
    names = phrases.names(list(listings[0].names()))
    yield "given", 1, [first, names, ("code", _setup(texts, phrases)), ("code", given)]
    yield from worked
    yield from closing


def _worked(solution: Solution, listings: Sequence[Listing], phrases: Phrases) -> Iterator[tuple[str, int, list[Cell]]]:
    """Yield the passes and updates of the steps that are worked out in full."""
    has_loss = bool(listings[0].forward(loss=True))
    loaded: list[str] = []
    for number, listing in enumerate(listings, start=1):
        loaded += listing.data() if number > 1 and listing.step.batch is not None else []
        forward = listing.forward(loss=False) if has_loss else listing.forward()
        yield "forward", number, _pass(forward, phrases, loaded)
        if has_loss:
            yield "loss", number, _pass(listing.forward(loss=True), phrases)
        yield "backward", number, _pass(listing.backward(), phrases)
        if listing.step.change is not None and listing.update.statements:
            yield "update", number, [("code", _checked(listing.update, phrases))]
        loaded = listing.taken()
    if solution.after is not None:
        last = listings[-1].step
        whole = Listing(solution, replace(last, derivation=solution.derivation, values=solution.after, change=None))
        loaded += whole.data() if last.batch is not None else []
        yield "after", 1, _pass(whole.forward(), phrases, loaded)


_INFINITY = "inf"
"""What Python calls the number that a mask has, as it prints it."""


def _pass(parts: Sequence[Part], phrases: Phrases, before: Sequence[str] = ()) -> list[Cell]:
    """Return a cell for each part of a pass; the first begins with some lines more."""
    return [("code", _checked(part, phrases, () if number else before)) for number, part in enumerate(parts)]


def _setup(texts: Sequence[str], phrases: Phrases) -> str:
    """Return the imports that the code needs, and the function that compares numbers."""
    called = [name for name in MATH if any(f"{name}(" in text for text in texts)]
    from_numpy = [name for name in called if name not in NOT_IN_NUMPY]
    from_numpy += [_INFINITY] if any(re.search(rf"\b{_INFINITY}\b", str(text)) for text in texts) else []
    from_math = [name for name in called if name in NOT_IN_NUMPY]
    return "\n".join(
        [
            *([f"from math import {', '.join(from_math)}"] if from_math else []),
            *(["", "import numpy as np"] if from_math else ["import numpy as np"]),
            *([f"from numpy import {', '.join(from_numpy)}"] if from_numpy else []),
            "",
            "",
            "def check(**expected):",
            f"{_INDENT}{_string(phrases.plain('notebook.check'))}",
            f"{_INDENT}for name, value in expected.items():",
            f"{_INDENT * 2}assert np.isclose(globals()[name], value, rtol={RTOL}, atol={ATOL})"
            ", (name, globals()[name], value)",
            f"{_INDENT}print({phrases.plain('notebook.agree')!r}, len(expected))",
        ]
    )


def _string(text: str) -> str:
    return f'"""{text}"""' if text.isprintable() and '"' not in text and "\\" not in text else repr(text)


def _checked(part: Part, phrases: Phrases, before: Sequence[str] = ()) -> str:
    """Return statements and the comparison of what they give with the solution."""
    expected = [f"{_INDENT}{name}={value!r}," for name, value in part.expected.items()]
    stable = [f"# {phrases.plain('notebook.stable')} {', '.join(part.stable)}"] if part.stable else []
    return "\n".join([*before, *stable, *part.statements, "", "check(", *expected, ")"])


def _differences(solution: Solution, phrases: Phrases) -> list[Cell]:
    """Return the comparison of the gradients with central differences; at a kink they may differ."""
    agrees = f"{_INDENT}assert abs(difference - gradient_by) < 1e-6 * max(1, abs(gradient_by)), name"
    has_kinks = any(step.kinks for step in solution.steps)
    lines = [
        *training_loop.arrays(solution),
        "gradients = []",
        "gradient(parameters, rows, gradients)",
        "for position, name in enumerate(names):",
        f"{_INDENT}above, below = list(parameters), list(parameters)",
        f"{_INDENT}above[position] += 1e-6",
        f"{_INDENT}below[position] -= 1e-6",
        f"{_INDENT}difference = (gradient(above, rows, []) - gradient(below, rows, [])) / 2e-6",
        f"{_INDENT}gradient_by = gradients[position]",
        *([] if has_kinks else [agrees]),
        f'{_INDENT}print(f"{{name:8}} {{gradient_by:14.8f}} {{difference:14.8f}}")',
    ]
    is_fused = any(equation.fused is not None for equation in solution.derivation.graph.equations)
    sentences = ["notebook.differences", "notebook.differences_text"]
    sentences += ["notebook.fused"] * is_fused + ["notebook.kinks"] * has_kinks
    source = training_loop.straight(solution, solution.problem.samples).gradient().rstrip()
    return [phrases.markdown(sentences), ("code", source), ("code", "\n".join(lines))]


def _training(solution: Solution, phrases: Phrases) -> list[Cell]:
    """Return the loop over the updates and the curve of the loss."""
    found = training_loop.training(solution)
    if found is None:
        return []
    functions, loop = found
    heading = phrases.markdown(("notebook.training", "notebook.training_text"))
    return [heading, ("code", functions), ("code", loop), ("code", _curve(phrases))]


def _curve(phrases: Phrases) -> str:
    """Return the drawing of the losses."""
    return "\n".join(
        [
            "import matplotlib.pyplot as plt",
            "",
            "plt.plot(losses)",
            f"plt.xlabel({phrases.plain('column.updates')!r})",
            f"plt.ylabel({phrases.plain('meaning.loss')!r})",
            "plt.show()",
        ]
    )
