"""Homework: fair variants of a problem, sheets and keys, marking that follows the student.

The package is what it is called, too: `symbackprop.homework(problem, students=…, folder=…)` gives homework out.
"""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symbackprop.homework.python_functions import GivenHomework
    from symbackprop.homework.python_functions import homework as homework


class _Called(types.ModuleType):
    """A package that is called by its own name."""

    def __call__(self, *arguments: Any, **settings: Any) -> GivenHomework:
        """Give homework out: `homework.python_functions.homework`."""
        from symbackprop.homework.python_functions import homework as give_out

        return give_out(*arguments, **settings)


sys.modules[__name__].__class__ = _Called
if not TYPE_CHECKING:
    homework = sys.modules[__name__]
