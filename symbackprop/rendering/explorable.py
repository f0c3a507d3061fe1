"""The page that answers back, as its own code computes it: from a changed number to the view of the whole page.

These functions and all that they call are translated to JavaScript (`tools/engine.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from symbackprop import document
from symbackprop.arithmetic import decimals
from symbackprop.arithmetic.exact import Exact
from symbackprop.catalog.optimizers import OPTIMIZERS
from symbackprop.catalog.schedules import CONSTANT
from symbackprop.derivation.derivations import Derivation
from symbackprop.descent.solution import Solution, solve
from symbackprop.errors import unknown
from symbackprop.figures.labels import Decimal, Numbers
from symbackprop.graph.notation import Notation
from symbackprop.graph.scalars import Scalar
from symbackprop.problems import Given, Problem, numbers
from symbackprop.problems.row_settings import setting_of
from symbackprop.rendering import escapes, given_numbers, layout
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


def solved(problem: Problem, derivation: Derivation) -> Solution:
    """Return the numbers of a problem whose derivation is known for other numbers."""
    return solve(problem, derivation=derivation)


def loss_after(derivation: Derivation, steps: int) -> float:
    """Return the loss after so many updates of a problem with its own numbers; this takes 0.1 ms for each, or more."""
    problem = derivation.problem
    assert problem.training is not None
    training = replace(problem.training, steps=steps, epochs=None)
    return solve(replace(problem, training=training), derivation=derivation).losses[-1]


def changes(solution: Solution) -> list[tuple[str, str]]:
    """Return the parameters after the first update, by name as texts of a problem file: the numbers of the next step.

    There are none where another step is not made of the numbers of the parameters alone: with states of the optimizer,
    another learning rate, or other samples.
    """
    training, (step, *_) = solution.problem.training, solution.steps
    if training is None or step.updated is None or step.batch is not None or OPTIMIZERS[training.optimizer].state:
        return []
    if training.schedule.kind != CONSTANT:
        return []
    stated = {scalar.name: given.value for scalar, given in solution.derivation.stated()}
    return [(name, _stated(value)) for name, value in step.updated.items() if value != stated.get(name)]


def _stated(value: Exact) -> str:
    """Return a number as a problem file would state it, one that does not end soon to `_CARRIED` digits."""
    if isinstance(value, Fraction) and len(decimals.stated(value)) <= _CARRIED:
        return decimals.stated(value)
    (whole, exponent), _ = decimals.nearest(value, _CARRIED)
    return f"{whole}e{exponent}" if exponent > 0 or exponent < -2 * _CARRIED else decimals.placed(whole, -exponent)


_CARRIED = 30
"""Digits of a number that the next step begins with: far more than are printed."""


def floats(problem: Problem) -> list[tuple[str, list[float]]]:
    """Return the numbers of a problem's arrays, row by row, and the settings of its training: what a program runs with."""
    given = {} if problem.training is None else problem.training.settings
    arrays = [(name, array.floats()) for name, array in problem.arrays.items()]
    return [*arrays, *((name, [float(setting.value)]) for name, setting in given.items())]


def pictured(solution: Solution, names: Sequence[str]) -> list[tuple[str, str]]:
    """Return value and gradient of elements as pictures print them, "" for what has none or is printed as a power of ten."""
    numbers, graph = Numbers(solution), solution.derivation.graph
    known = [(numbers.value(name), numbers.gradient(name)) if graph.has_element(name) else ((), ()) for name in names]
    return [(_in_a_picture(value), _in_a_picture(gradient)) for value, gradient in known]


def _in_a_picture(number: tuple[Decimal, ...]) -> str:
    return "" if not number or number[0].exponent else number[0].text


def recomposed(solution: Solution, details: Sequence[str] | None, explain: str, writer: ViewWriter) -> ViewModel:
    """Return the view of the page of a solution, with its first loss."""
    content = document.compose(solution, details, explain)
    view = writer.document(content)
    given_numbers.add_names(content.sections, view["sections"], writer.layout.notation)
    return {**view, "loss": solution.losses[0] if solution.losses else None}
