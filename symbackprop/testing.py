"""Tests of code that students or readers write: a backward pass is right, or the failure says which mistake was made.

from symbackprop.testing import assert_gradients

def test_backward():
    assert_gradients("mazur", backward)
"""

from __future__ import annotations

from collections.abc import Mapping

from symbackprop.derivation.derivations import Derivation
from symbackprop.language import DEFAULT, say
from symbackprop.messages import message
from symbackprop.mistakes.gradient_checks import Backward, check_gradients
from symbackprop.problems.accepted import ProblemLike


def assert_gradients(
    problem: Derivation | ProblemLike,
    backward: Backward,
    parameters: Mapping[str, object] | None = None,
    x: object = None,
    y: object = None,
    *,
    language: str = DEFAULT,
) -> None:
    """Raise `AssertionError` unless `backward(parameters, x, y)` returns the right gradients; it says what is wrong.

    The arguments are those of `check_gradients`.
    """
    __tracebackhide__ = True  # pytest shows the line of the test, not this one
    found = check_gradients(problem, backward, parameters, x, y, language=language)
    if not found.is_right:
        raise AssertionError(say(language, message("gradients.wrong", lines=str(found))))
