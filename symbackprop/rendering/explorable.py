"""The page that answers back, as its own code computes it: from a changed number to the view of the whole page.

These functions and all that they call are translated to JavaScript (`tools/engine.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from symbackprop import document
from symbackprop.catalog.optimizers import OPTIMIZERS
from symbackprop.derivation.derivations import Derivation
from symbackprop.descent.solution import solve
from symbackprop.errors import unknown
from symbackprop.graph.notation import Notation
from symbackprop.graph.scalars import Scalar
from symbackprop.problems import Given, Problem, numbers
from symbackprop.problems.row_settings import setting_of
from symbackprop.rendering import escapes, layout
from symbackprop.rendering.dialects import Dialect, mathml
from symbackprop.rendering.view_models import ViewModel, ViewWriter


def edited(problem: Problem, derivation: Derivation, name: str, text: str) -> Problem:
    """Return the problem with another number: `W1_1_2`, `x_1@3` (of sample 3), or a setting of the training.

    Raises `SymbackpropError` for a text that is no number, or none that may stand there, and for an unknown name.
    """
    training = problem.training
    if training is not None and name in training.settings:
        given = setting_of(text, OPTIMIZERS[training.optimizer].settings[name], name, "training")
        return replace(problem, training=replace(training, settings={**training.settings, name: given}))
    given = numbers.number(text, name)
    for key, array in problem.arrays.items():
        quantity = derivation.graph.quantities[key]
        elements = quantity.elements()
        scalars = [Scalar(each, sample) for sample in derivation.graph.samples_of(quantity) for each in elements]
        names = list(map(str, scalars))
        if name in names:
            place = names.index(name)
            entries: tuple[Given | None, ...] = (*array.entries[:place], given, *array.entries[place + 1 :])
            return replace(problem, arrays={**problem.arrays, key: replace(array, entries=entries)})
    raise unknown("quantity", name, problem.arrays)


def writer_of(
    problem: Problem, derivation: Derivation, language: str, tones: Mapping[str, str], width: int
) -> ViewWriter:
    """Return what writes the blocks of a page."""
    inline, displayed = mathml.functions_in(language)
    dialect = Dialect(inline, displayed, inline)
    notation = Notation.of(derivation.graph, problem.notation)
    laid_out = layout.of(notation, tones, rows=problem.layout == "row", measure=dialect.measure)
    return ViewWriter(laid_out, dialect, language, escapes.MARKUPS["html"], width, ("", ""))


def recomposed(
    problem: Problem, derivation: Derivation, details: Sequence[str] | None, explain: str, writer: ViewWriter
) -> ViewModel:
    """Return the view of the page of a problem whose derivation is known for other numbers, with its first loss."""
    solution = solve(problem, derivation=derivation)
    view = writer.document(document.compose(solution, details, explain))
    return {**view, "loss": solution.losses[0] if solution.losses else None}
