"""Gradients at the speed of the hardware: a derivation → Python source → a callable.

`plan` says what is computed for a number of samples; `scalar_code` and `lowering` with `array_code` write it as code, in
straight lines or between arrays; an engine runs the code, and a backend chooses the engine. What is run are the equations
and links that documents print.
"""

from __future__ import annotations

from symbackprop.compilation.compiled_descent import Runner
from symbackprop.compilation.compiled_gradient import Gradient
from symbackprop.derivation.derivations import Derivation, derivation_of
from symbackprop.problems.accepted import ProblemLike

__all__ = ["Gradient", "Runner", "compile"]


def compile(
    derivation: Derivation | ProblemLike, backend: str = "numpy", dtype: str = "float64", *, inputs: bool = False
) -> Gradient:
    """Return the compiled gradient of a derivation, or of a problem: `loss, gradients = gradient(parameters, x, y)`.

    Args:
        derivation: What is compiled: a derivation, or whatever stands for a problem.
        backend: A name of `symbackprop list backends`.
        dtype: `"float64"` or `"float32"`, the number type of all arrays.
        inputs: Whether there are gradients by the inputs too, behind those by the parameters.

    Returns:
        A function of parameters, inputs and targets; called without them it takes the problem's own.

    Raises:
        UnknownNameError: There is no such backend or number type.
        MissingLibraryError: The backend's library is not installed.

    Examples:
        >>> import symbackprop
        >>> gradient = symbackprop.compile("mazur")
        >>> loss, gradients = gradient()
        >>> round(loss, 9), gradients["W2"].shape
        (0.298371109, (2, 2))
    """
    return Gradient(derivation_of(derivation), backend, dtype, inputs=inputs)
