"""symbackprop: worked derivations of backpropagation, with every number right.

Names resolve when they are first used, so that `import symbackprop` costs little.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symbackprop.compilation import compile
    from symbackprop.derivation import derive
    from symbackprop.differentiation import differentiate
    from symbackprop.problems.load import example, load, network, problem
    from symbackprop.rendering import render
    from symbackprop.solution import solve
    from symbackprop.torch_models import from_torch, to_torch
    from symbackprop.training import train
    from symbackprop.verify import check

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
    "derive": "symbackprop.derivation",
    "differentiate": "symbackprop.differentiation",
    "solve": "symbackprop.solution",
    "check": "symbackprop.verify",
    "compile": "symbackprop.compilation",
    "render": "symbackprop.rendering",
    "train": "symbackprop.training",
    "from_torch": "symbackprop.torch_models",
    "to_torch": "symbackprop.torch_models",
    "network": "symbackprop.problems.load",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
