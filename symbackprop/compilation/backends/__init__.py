"""Backends: a file each, found by its name. Adding a backend is adding a file with a function `prepare(plan)`.

`LIBRARY` names what has to be installed, `NOTE` says in one phrase what the backend is.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from symbackprop.compilation.engine import Engine
from symbackprop.compilation.plan import Plan
from symbackprop.errors import MissingLibraryError
from symbackprop.messages import message
from symbackprop.registry import Registry


@dataclass(frozen=True, slots=True)
class Backend:
    """A backend by name; its module is imported when it is used. Its library has its name."""

    name: str

    @property
    def is_installed(self) -> bool:
        """Whether its library is there."""
        return importlib.util.find_spec(self.name) is not None

    def require(self) -> None:
        """Raise `MissingLibraryError` where its library is not installed."""
        if not self.is_installed:
            raise MissingLibraryError(message("compilation.not_installed", name=self.name))

    def prepare(self, plan: Plan) -> Engine:
        """Return the engine that runs a plan."""
        engine: Engine = importlib.import_module(f"{__name__}.{self.name}").prepare(plan)
        return engine


def _found() -> Iterator[str]:
    return (file.stem for file in sorted(Path(__file__).parent.glob("*.py")) if file.stem != "__init__")


BACKENDS: Registry[Backend] = Registry("backend", {name: Backend(name) for name in _found()})
"""The backends there are."""
