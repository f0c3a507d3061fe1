"""What is made anew whenever the file that it is made from is saved."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from symbackprop.cli.outputs import remark, say
from symbackprop.errors import ProblemError, SymbackpropError, explain
from symbackprop.messages import message

_PAUSE = 0.2
"""Seconds between two looks at the file: less than it takes to change from the editor to the page."""


def repeated(file: Path, make: Callable[[], None], lang: str) -> None:
    """Do what `make` does, and again each time the file has changed, until Ctrl-C.

    A mistake in the file is said, and the next change waited for.
    Raises `ProblemError` where there is no such file.
    """
    if not file.is_file():
        raise ProblemError(message("cli.watch_no_file"), where=str(file))
    seen = None
    try:
        while True:
            stamp = _stamp(file)
            if stamp is not None and stamp != seen:
                seen = stamp
                try:
                    make()
                except SymbackpropError as error:
                    remark(explain(lang, error))
                remark(say("cli.watching", file=str(file)))
            time.sleep(_PAUSE)
    except KeyboardInterrupt:
        return


def _stamp(file: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file is saved; None while an editor puts another in its place."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
