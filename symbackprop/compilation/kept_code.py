"""Machine code that is kept between processes: in a folder of the user's own, where the platform keeps such things.

What lies there is executed when it is loaded. The folder is therefore used only if nobody else can look into it or write to
it; where that cannot be had, everything is compiled anew. The sources beside it are written, never read as code.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from pathlib import Path
from typing import Any

FOLDER = "SYMBACKPROP_CACHE"
"""The environment variable that names another folder; where it is empty, nothing is kept."""

_MOST = 256
"""Sources that are kept, at most: the oldest make room."""


def defined(source: str, given: dict[str, Any], name: str) -> tuple[Any, bool]:
    """Return the function that a source defines over the names given, and whether what is compiled of it can be kept."""
    path = _written(source)
    namespace = {**given, "__name__": __name__}
    exec(compile(source, "<generated code>" if path is None else str(path), "exec"), namespace)
    return namespace[name], path is not None


def folder() -> Path | None:
    """Return the folder, made where it is not there yet; None where there is none that is the user's alone."""
    given = os.environ.get(FOLDER)
    if given == "":
        return None
    try:
        found = Path(given) if given else _by_convention() / "symbackprop"
        found.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = found.lstat()
    except (OSError, RuntimeError):  # nobody's home
        return None
    if hasattr(os, "getuid"):
        is_own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
        return found if is_own and not status.st_mode & 0o077 else None
    return found if found.is_dir() else None


def _by_convention() -> Path:
    """Return where the platform keeps what a program can make again."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    stated = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return stated if stated.is_absolute() else Path.home() / ".cache"


def _written(source: str) -> Path | None:
    """Return the file of a source, beside which Numba keeps what it compiles; None where nothing can be kept."""
    place = folder()
    if place is None:
        return None
    path = place / f"{hashlib.sha256(source.encode()).hexdigest()[:32]}.py"
    try:
        if not path.is_file():
            draft = path.with_suffix(f".{os.getpid()}")
            draft.write_text(source, "utf-8")
            os.replace(draft, path)
            _make_room(place)
    except OSError:
        return None
    return path


def _make_room(place: Path) -> None:
    """Remove the oldest sources above the number that is kept, with what was compiled of them."""
    oldest_first = sorted(place.glob("*.py"), key=lambda path: path.stat().st_mtime)
    for path in oldest_first[:-_MOST]:
        for each in (path, *place.glob(f"__pycache__/{path.stem}.*")):
            each.unlink(missing_ok=True)
