"""symbackprop: worked derivations of backpropagation, with every number right.

Names resolve when they are first used, so that `import symbackprop` costs little.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symbackprop.algebra.differentiation import differentiate
    from symbackprop.compilation import compile
    from symbackprop.derivation.derivations import derive
    from symbackprop.descent.solution import solve
    from symbackprop.evaluation.checks import check
    from symbackprop.frontends.torch_models import from_torch, to_torch
    from symbackprop.jupyter import to_markdown as to_markdown
    from symbackprop.problems.load import example, load, network, problem
    from symbackprop.rendering import render
    from symbackprop.training import train

__all__ = [
    "check",
    "compile",
    "derive",
    "differentiate",
    "example",
    "from_torch",
    "load",
    "network",
    "problem",
    "render",
    "solve",
    "to_torch",
    "train",
]

_HOME = {
    "load": "symbackprop.problems.load",
    "example": "symbackprop.problems.load",
    "problem": "symbackprop.problems.load",
    "derive": "symbackprop.derivation.derivations",
    "differentiate": "symbackprop.algebra.differentiation",
    "solve": "symbackprop.descent.solution",
    "check": "symbackprop.evaluation.checks",
    "compile": "symbackprop.compilation",
    "render": "symbackprop.rendering",
    "train": "symbackprop.training",
    "from_torch": "symbackprop.frontends.torch_models",
    "to_torch": "symbackprop.frontends.torch_models",
    "network": "symbackprop.problems.load",
    "to_markdown": "symbackprop.jupyter",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
