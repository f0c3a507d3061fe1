"""symbackprop: worked derivations of backpropagation, with every number right.

Names resolve when they are first used, so that `import symbackprop` costs little.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symbackprop.derivation import derive
    from symbackprop.differentiation import differentiate
    from symbackprop.problems.load import example, load, network, problem
    from symbackprop.rendering import render
    from symbackprop.solution import solve
    from symbackprop.verify import check

__all__ = ["check", "derive", "differentiate", "example", "load", "network", "problem", "render", "solve"]

_HOME = {
    "load": "symbackprop.problems.load",
    "example": "symbackprop.problems.load",
    "problem": "symbackprop.problems.load",
    "derive": "symbackprop.derivation",
    "differentiate": "symbackprop.differentiation",
    "solve": "symbackprop.solution",
    "check": "symbackprop.verify",
    "render": "symbackprop.rendering",
    "network": "symbackprop.problems.load",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
