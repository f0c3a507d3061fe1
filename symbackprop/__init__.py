"""symbackprop: worked derivations of backpropagation, with every number right.

Names resolve when they are first used, so that `import symbackprop` costs little.
"""

from __future__ import annotations

import importlib

_HOME = {
    "load": "symbackprop.problems.load",
    "example": "symbackprop.problems.load",
    "problem": "symbackprop.problems.load",
    "derive": "symbackprop.derivation",
    "solve": "symbackprop.solution",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
