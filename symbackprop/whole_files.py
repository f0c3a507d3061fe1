"""Files written whole or not at all, and readable by their owner alone where that is asked."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from symbackprop.errors import OutputError
from symbackprop.messages import message


@contextlib.contextmanager
def all_or_nothing() -> Iterator[Callable[..., None]]:
    """Give a function that writes files as `write_files` does; where the body fails, all is as it was before.

    A body that is stopped (Ctrl-C, a kill) has not failed: what it wrote is whole, and a later run can go on from there.
    """
    before: dict[Path, bytes | None] = {}
    folders: list[Path] = []

    def write(files: Mapping[Path, str | bytes | None], *, private: bool = False) -> None:
        for path in files:
            folders.extend(each for each in path.parents if not each.exists() and each not in folders)
            with contextlib.suppress(OSError):
                before.setdefault(path, path.read_bytes() if path.is_file() else None)
        write_files(files, private=private)

    try:
        yield write
    except Exception:
        for path, content in before.items():
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True) if content is None else path.write_bytes(content)
        for folder in sorted(folders, key=lambda path: len(path.parts), reverse=True):
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


def write_files(files: Mapping[Path, str | bytes | None], *, private: bool = False) -> None:
    """Write all files or none: drafts beside their places first, then all moved into place.

    Files that are `private` can be read by their owner alone, where the system knows owners. What is None is removed.
    """
    drafts: dict[Path, Path] = {}
    path = Path()
    try:
        for path, text in files.items():
            if text is None:
                continue
            if path.parent.exists() and not path.parent.is_dir():
                raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
            drafts[path] = path.with_name(f".{path.name}.{os.getpid()}")
            drafts[path].touch(mode=0o600 if private else 0o666)
            drafts[path].write_bytes(text.encode() if isinstance(text, str) else text)
        for path, draft in drafts.items():
            os.replace(draft, path)
        for path in (path for path, text in files.items() if text is None):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(str(path), error) from None
    finally:
        for draft in drafts.values():
            with contextlib.suppress(OSError):
                draft.unlink()


def unwritable(where: str, error: OSError) -> OutputError:
    """Return the error for a place that cannot be written to."""
    return OutputError(message("cli.unwritable", reason=error.strerror or str(error)), where=where)
