"""Backward passes that were written as code, compared with ours: `check_gradients` calls one and says what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from symbackprop.derivation.derivations import Derivation, derivation_of
from symbackprop.errors import KindError, known_language
from symbackprop.language import DEFAULT
from symbackprop.messages import message
from symbackprop.mistakes.array_worksheets import Array, ArrayWorksheet
from symbackprop.mistakes.gradient_diagnosis import examined_arrays, worksheet
from symbackprop.mistakes.gradient_reports import DiagnosedGradient, GradientDiagnosis
from symbackprop.mistakes.verdicts import Finding
from symbackprop.problems.accepted import ProblemLike

Backward = Callable[[dict[str, Array], Any, Any], Mapping[str, Any]]
"""From parameters by name, inputs and targets to gradients by the names of the parameters."""


def check_gradients(
    problem: Derivation | ProblemLike,
    backward: Backward,
    parameters: Mapping[str, object] | None = None,
    x: object = None,
    y: object = None,
    *,
    language: str = DEFAULT,
) -> GradientDiagnosis:
    """Return what the gradients of a backward pass turn out to be: right, or which mistake makes each wrong one.

    Args:
        problem: The problem that the code is for: a derivation, or whatever stands for a problem.
        backward: Called as `backward(parameters, x, y)` with copies; returns the gradients by the names of the
            parameters, each in the shape of its parameter. One that is not returned is `blank`.
        parameters: Arrays by name in the shapes that `compile` takes, or None for the problem's own.
        x: Inputs (samples, inputs), without the first axis where the problem has one sample alone; of a computation
            graph a mapping by name. None for the problem's own.
        y: Targets (samples, outputs), likewise.
        language: The language of the result's words, `"en"` or `"zh"`.

    Returns:
        A diagnosis whose text has a line for each array.

    Raises:
        KindError: What the function returns is no mapping.
        UnknownNameError: A name is that of nothing that has a gradient, or there is no such language.
        MissingValueError: The problem has no numbers, and none are given.
        SymbackpropError: A shape does not fit.

    Examples:
        >>> import symbackprop
        >>> gradient = symbackprop.compile("mazur")
        >>> found = symbackprop.check_gradients("mazur", lambda parameters, x, y: gradient(parameters, x, y)[1])
        >>> found.is_right
        True
    """
    known_language(language)
    sheet = worksheet(derivation_of(problem), parameters, x, y)
    returned = backward({name: array.copy() for name, array in sheet.parameters.items()}, *_data(sheet))
    if not isinstance(returned, Mapping):
        raise KindError(message("gradients.no_mapping", kind=type(returned).__name__))
    found = examined_arrays(sheet, returned, language)
    given = {answer.name: answer for answer in found.answers}
    missing = [
        DiagnosedGradient(name, Finding.BLANK, float("inf"), said=message("gradients.missing"))
        for name in sheet.parameters
        if name not in given
    ]
    return GradientDiagnosis(found.derivation, (*found.answers, *missing), found.language)


def diagnosed_gradients(
    derivation: Derivation,
    gradients: Mapping[str, Any],
    language: str,
    arguments: tuple[Mapping[str, object] | None, object, object],
) -> GradientDiagnosis:
    """Return what gradients turn out to be at parameters, inputs and targets, None for the problem's own."""
    known_language(language)
    return examined_arrays(worksheet(derivation, *arguments), gradients, language)


def _data(sheet: ArrayWorksheet) -> tuple[Any, Any]:
    """Return copies of inputs and targets as a backward pass takes them."""
    arguments, problem = sheet.gradient.arguments, sheet.gradient.problem
    count = len(arguments.inputs)
    if not arguments.is_network:
        named = [
            {each.name: array.copy() for each, array in zip(quantities, arrays, strict=True)}
            for quantities, arrays in (
                (arguments.inputs, sheet.data[:count]),
                (arguments.targets, sheet.data[count:]),
            )
        ]
        return named[0], named[1]
    is_single = sheet.samples == 1 and problem.samples is None
    first, second = (array[0].copy() if is_single else array.copy() for array in sheet.data)
    return first, second
