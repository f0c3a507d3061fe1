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

    `backend` is a name of `symbackprop list backends`, `dtype` is `float64` or `float32`, that of all arrays. With `inputs`
    there are gradients by the inputs too, behind those by the parameters.

    >>> import symbackprop
    >>> gradient = compile(symbackprop.derive(symbackprop.example("mazur")))
    >>> round(gradient()[0], 9)
    0.298371109

    Raises `UnknownNameError` for a backend or number type that is none, `MissingLibraryError` where the backend's library is
    not installed.
    """
    return Gradient(derivation_of(derivation), backend, dtype, inputs=inputs)
