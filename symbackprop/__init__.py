"""symbackprop: worked derivations of backpropagation, with every number right.

    load, example, problem, network   make a problem: of a file, a bundled example, a mapping, numbers of units
    trace, explain                    a problem from a plain function of NumPy arrays, and its worked solution
    from_sympy                        a problem from an expression of SymPy
    from_torch, to_torch              problems from PyTorch modules, and modules from problems
    derive                            the equations and the chain rule, symbolic; answers in SymPy
    solve, check                      the numbers, and their comparison with independent oracles
    render                            a worked solution in any format and language
    compile, train                    gradients at full speed, and descent with them
    differentiate                     a derivative step by step
    homework, grade, merge            sheets and keys for a class, and marks
    export                            variants as files that learning systems import
    diagnose, check_gradients         which mistakes explain numbers from anywhere, or the gradients of code

`from symbackprop import *` brings in all of these but `compile`, the name of a builtin, and `homework`, a package too: say
`symbackprop.compile`.
The kinds of objects (`Problem`, `History`, …) and of errors (`SymbackpropError`, …) are here by name too.

Names resolve when they are first used, so that `import symbackprop` costs little.
"""

from __future__ import annotations

import importlib
import types
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symbackprop.algebra.differentiation import Differentiation as Differentiation
    from symbackprop.algebra.differentiation import differentiate
    from symbackprop.compilation import Gradient as Gradient
    from symbackprop.compilation import compile as compile
    from symbackprop.curvature import CurvatureError as CurvatureError
    from symbackprop.derivation.derivations import Derivation as Derivation
    from symbackprop.derivation.derivations import derive
    from symbackprop.descent.solution import Solution as Solution
    from symbackprop.descent.solution import solve
    from symbackprop.errors import EvaluationError as EvaluationError
    from symbackprop.errors import ExpressionError as ExpressionError
    from symbackprop.errors import IncompleteRowError as IncompleteRowError
    from symbackprop.errors import KindError as KindError
    from symbackprop.errors import MissingLibraryError as MissingLibraryError
    from symbackprop.errors import MissingValueError as MissingValueError
    from symbackprop.errors import OutputError as OutputError
    from symbackprop.errors import ProblemError as ProblemError
    from symbackprop.errors import SymbackpropError as SymbackpropError
    from symbackprop.errors import UnknownNameError as UnknownNameError
    from symbackprop.evaluation.checks import Report as Report
    from symbackprop.evaluation.checks import check
    from symbackprop.exporting.exports import Exported as Exported
    from symbackprop.exporting.exports import export
    from symbackprop.frontends.sympy_problems import from_sympy
    from symbackprop.frontends.torch_models import from_torch, to_torch
    from symbackprop.frontends.tracing import trace
    from symbackprop.homework import homework as homework
    from symbackprop.homework.python_functions import GivenHomework as GivenHomework
    from symbackprop.homework.python_functions import grade, merge
    from symbackprop.homework.reporting.reports import GradedClass as GradedClass
    from symbackprop.jupyter import Explanation as Explanation
    from symbackprop.jupyter import explain
    from symbackprop.jupyter import to_latex as to_latex
    from symbackprop.jupyter import to_markdown as to_markdown
    from symbackprop.jupyter import to_text as to_text
    from symbackprop.mistakes.diagnosing import diagnose
    from symbackprop.mistakes.gradient_checks import check_gradients
    from symbackprop.mistakes.gradient_reports import GradientDiagnosis as GradientDiagnosis
    from symbackprop.mistakes.verdicts import Diagnosis as Diagnosis
    from symbackprop.problems import Problem as Problem
    from symbackprop.problems.load import example, load, network, problem
    from symbackprop.rendering import render
    from symbackprop.training import DivergenceError as DivergenceError
    from symbackprop.training import Every as Every
    from symbackprop.training import History as History
    from symbackprop.training import TrainingState as TrainingState
    from symbackprop.training import train

    __version__: str

__all__ = [
    "check",
    "check_gradients",
    "derive",
    "diagnose",
    "differentiate",
    "example",
    "explain",
    "export",
    "from_sympy",
    "from_torch",
    "grade",
    "load",
    "merge",
    "network",
    "problem",
    "render",
    "solve",
    "to_torch",
    "trace",
    "train",
]

_NAMES = {
    "symbackprop.algebra.differentiation": ("Differentiation", "differentiate"),
    "symbackprop.compilation": ("Gradient", "compile"),
    "symbackprop.curvature": ("CurvatureError",),
    "symbackprop.derivation.derivations": ("Derivation", "derive"),
    "symbackprop.descent.solution": ("Solution", "solve"),
    "symbackprop.errors": (
        "EvaluationError",
        "ExpressionError",
        "IncompleteRowError",
        "KindError",
        "MissingLibraryError",
        "MissingValueError",
        "OutputError",
        "ProblemError",
        "SymbackpropError",
        "UnknownNameError",
    ),
    "symbackprop.evaluation.checks": ("Report", "check"),
    "symbackprop.exporting.exports": ("Exported", "export"),
    "symbackprop.frontends.sympy_problems": ("from_sympy",),
    "symbackprop.frontends.torch_models": ("from_torch", "to_torch"),
    "symbackprop.frontends.tracing": ("trace",),
    "symbackprop.homework": ("homework",),
    "symbackprop.homework.python_functions": ("GivenHomework", "grade", "merge"),
    "symbackprop.homework.reporting.reports": ("GradedClass",),
    "symbackprop.jupyter": ("Explanation", "explain", "to_latex", "to_markdown", "to_text"),
    "symbackprop.mistakes.diagnosing": ("diagnose",),
    "symbackprop.mistakes.gradient_checks": ("check_gradients",),
    "symbackprop.mistakes.gradient_reports": ("GradientDiagnosis",),
    "symbackprop.mistakes.verdicts": ("Diagnosis",),
    "symbackprop.problems": ("Problem",),
    "symbackprop.problems.load": ("example", "load", "network", "problem"),
    "symbackprop.rendering": ("render",),
    "symbackprop.training": ("DivergenceError", "Every", "History", "TrainingState", "train"),
}
_HOME = {name: module for module, names in _NAMES.items() for name in names}


class _Annotation(str):
    """An annotation as it is written: `help` shows it without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def __getattr__(name: str) -> object:
    if name == "__version__":
        return _version()
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(_HOME[name]), name)
    if isinstance(found, types.FunctionType):
        found.__annotations__ = {key: _Annotation(text) for key, text in found.__annotations__.items()}
    return found


def __dir__() -> list[str]:
    loaded = [name for name, value in globals().items() if isinstance(value, types.ModuleType) and _is_ours(value)]
    return sorted({*_HOME, *loaded, "__version__"})


def _is_ours(module: types.ModuleType) -> bool:
    return module.__name__.startswith(f"{__name__}.")


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version(__name__)
    except metadata.PackageNotFoundError:  # a checkout that is not installed
        return "0+unknown"
