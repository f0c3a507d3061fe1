"""Python modules → JavaScript: the subset of the language that this house is written in.

The names at the top of a module become `module$name` in one scope, so that what nobody needs can be left out. Operations
whose meaning depends on their operands are calls of the runtime (`templates/html/engine/runtime.js`), `$.add(a, b)`.
"""

from __future__ import annotations

from .parts import Definition, Parameters, iterate
from .translator import Translator

__all__ = ["Definition", "Parameters", "Translator", "iterate"]
