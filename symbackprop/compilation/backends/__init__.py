"""Backends: a file each, found by its name. Adding a backend is adding a file with a function `prepare(plan)`."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from dataclasses import dataclass, field

from symbackprop.compilation.engine import Engine
from symbackprop.compilation.plan import Plan
from symbackprop.errors import MissingLibraryError, ProblemError
from symbackprop.messages import message
from symbackprop.registry import Registry
from symbackprop.rows import Words


@dataclass(frozen=True, slots=True)
class Backend:
    """A backend by name: the module that has its `prepare`, imported when it is used, and the package that it needs.

    `words` are the phrases that it brings itself: `backend.<name>` says what it is.
    """

    name: str
    module: str
    package: str
    words: Words = field(default_factory=dict)

    @property
    def is_installed(self) -> bool:
        """Whether its package is there."""
        return importlib.util.find_spec(self.package) is not None

    def require(self) -> None:
        """Raise `MissingLibraryError` where its package is not installed."""
        if not self.is_installed:
            raise MissingLibraryError(message("compilation.not_installed", name=self.package))

    def prepare(self, plan: Plan) -> Engine:
        """Return the engine that runs a plan."""
        engine: Engine = importlib.import_module(self.module).prepare(plan)
        return engine


def _check(row: Backend) -> None:
    """Raise `ProblemError` for a backend whose module is not there."""
    try:
        is_there = importlib.util.find_spec(row.module) is not None
    except ImportError:
        is_there = False
    if not is_there:
        raise ProblemError(message("row.module", name=row.module))


BACKENDS: Registry[Backend] = Registry(
    "backend",
    # The package of a bundled backend has its name.
    [Backend(name, f"{__name__}.{name}", name) for _, name, _ in pkgutil.iter_modules(__path__)],
    phrases=lambda row: (f"backend.{row.name}",),
    check=_check,
)
"""The backends there are."""
