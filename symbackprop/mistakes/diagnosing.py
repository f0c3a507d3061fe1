"""The function that diagnoses: numbers of a paper, or arrays of a backward pass. The latest problems are kept ready."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, overload

from symbackprop.derivation.derivations import Derivation, derivation_of
from symbackprop.language import DEFAULT
from symbackprop.mistakes.diagnosis import examined
from symbackprop.mistakes.examination import Examination
from symbackprop.mistakes.gradient_checks import diagnosed_gradients
from symbackprop.mistakes.gradient_reports import GradientDiagnosis
from symbackprop.mistakes.verdicts import Diagnosis
from symbackprop.problems.accepted import ProblemLike
from symbackprop.registry import derived

MOST_KEPT = 8
"""Problems that are kept ready."""


@overload
def diagnose(problem: Derivation | ProblemLike, numbers: Mapping[str, Any], language: str = DEFAULT) -> Diagnosis: ...


@overload
def diagnose(
    problem: Derivation | ProblemLike,
    numbers: None = None,
    language: str = DEFAULT,
    *,
    gradients: Mapping[str, Any],
    parameters: Mapping[str, object] | None = None,
    x: object = None,
    y: object = None,
) -> GradientDiagnosis: ...


def diagnose(
    problem: Derivation | ProblemLike,
    numbers: Mapping[str, Any] | None = None,
    language: str = DEFAULT,
    *,
    gradients: Mapping[str, Any] | None = None,
    parameters: Mapping[str, object] | None = None,
    x: object = None,
    y: object = None,
) -> Diagnosis | GradientDiagnosis:
    """Return what numbers of a problem turn out to be: right, or which mistakes explain them.

    Args:
        problem: The problem that the numbers belong to: a derivation, or whatever stands for a problem.
        numbers: Any of the answers by id (`dL_dW1_2_1`, `new_L`): numbers, or texts as they were typed (`"3/8"`,
            `"≈0.35"`), of which the digits of a decimal are its precision.
        language: The language of the result's words, `"en"` or `"zh"`.
        gradients: Whole arrays in place of `numbers`, by the name of what they are by (`W1`), each in its shape.
        parameters: Arrays by name at which the gradients were computed, or None for the problem's own.
        x: Inputs (samples, inputs) as `compile` takes them, or None for the problem's own.
        y: Targets (samples, outputs), likewise.

    Returns:
        A diagnosis of the numbers, or of the gradients: its `answers` have a `verdict` each.

    Raises:
        UnknownNameError: There is no such answer or language.
        MissingValueError: The problem has no numbers.
        ProblemError: The update is no gradient descent.

    Examples:
        >>> import symbackprop
        >>> found = symbackprop.diagnose("mazur", {"new_L": "0.291027924"})
        >>> [mistake.id for mistake in found.answers[0].mistakes]
        ['updated_weights']
    """
    derivation = derivation_of(problem)
    if gradients is not None:
        return diagnosed_gradients(derivation, gradients, language, (parameters, x, y))
    return examined(examination_of(derivation), numbers or {}, language)


_KEPT: list[Examination] = derived([], list)


def examination_of(derivation: Derivation) -> Examination:
    """Return the examination of a derivation; those of the latest problems are kept until a registry changes."""
    for known in _KEPT:
        if known.derivation is derivation or known.derivation.problem == derivation.problem:
            return known
    _KEPT[:] = [Examination(derivation), *_KEPT[: MOST_KEPT - 1]]
    return _KEPT[0]
