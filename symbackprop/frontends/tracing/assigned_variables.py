"""Names of what a function computes: those of the variables that it assigns it to."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from symbackprop.frontends.tracing.recorded import Recorded, Recording, is_user_code


@dataclass(slots=True)
class Variables:
    """What is recorded in the order in which it was assigned, and plain arrays with the name of a variable by identity."""

    assigned: list[Recorded] = field(default_factory=list)
    arrays: dict[int, tuple[str, object]] = field(default_factory=dict)

    def look(self, variable: str, value: object) -> None:
        """Remember the first variable that something is assigned to."""
        if isinstance(value, Recording):
            for block in value.blocks:
                self.name(variable, block)
                self.look(variable, block.constant)
        elif hasattr(value, "shape"):
            self.arrays.setdefault(id(value), (variable, value))

    def name(self, variable: str, block: Recorded) -> None:
        """Give what is computed and has no name that of a variable; a part of one other array is called by that."""
        if block.origin and len(block.origin[0]) == 1:
            (whole,) = block.origin[0]
            if block.size == 1 and not whole.ndim:  # a number in another shape
                self.name(variable, whole)
        elif not block.name and block.writer is not None:
            block.name = variable
            self.assigned.append(block)


@contextlib.contextmanager
def names_of_variables() -> Iterator[Variables]:
    """Yield what learns the names of variables while functions run.

    Python's own hook for lines is used meanwhile, as a debugger does, and given back.
    """
    found = Variables()

    def look(frame: FrameType, event: str, argument: Any) -> Any:
        for variable, value in list(frame.f_locals.items()):
            found.look(variable, value)
        return look

    def enter(frame: FrameType, event: str, argument: Any) -> Any:
        return look if is_user_code(frame) else None

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        yield found
    finally:
        sys.settrace(before)
