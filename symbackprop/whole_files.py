"""Files written whole or not at all, and readable by their owner alone where that is asked."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from symbackprop.errors import OutputError
from symbackprop.messages import message

Content = str | bytes | Iterable[str | bytes]
"""What a file holds: a text, bytes, or the pieces of what is too large to be held."""


@contextlib.contextmanager
def all_or_nothing(undone: type[BaseException] = Exception) -> Iterator[Callable[..., None]]:
    """Give a function that writes files as `write_files` does; where the body fails, all is as it was before.

    A body that is stopped (Ctrl-C, a kill) has not failed: what it wrote is whole, and a later run can go on from there.
    What is `undone` by other errors, `BaseException` say, is undone by Ctrl-C too.
    """
    before: dict[Path, Path | None] = {}
    folders: list[Path] = []

    def write(files: Mapping[Path, Content | None], *, private: bool = False) -> None:
        for path in files:
            folders.extend(each for each in path.parents if not each.exists() and each not in folders)
            if path not in before:
                before[path] = _kept(path, len(before))
        write_files(files, private=private)

    try:
        yield write
    except undone:
        for path, copy in before.items():
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True) if copy is None else os.replace(copy, path)
        for folder in sorted(folders, key=lambda path: len(path.parts), reverse=True):
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise
    finally:
        for copy in before.values():
            if copy is not None:
                with contextlib.suppress(OSError):
                    copy.unlink(missing_ok=True)


def _kept(path: Path, number: int) -> Path | None:
    """Return a second name, hidden beside it, under which a file stays as it is; None where there is no file."""
    copy = path.with_name(f".{os.getpid()}-{number}.before")
    try:
        if not path.is_file():
            return None
        copy.unlink(missing_ok=True)
        os.link(path, copy)
    except OSError:  # a file system without links
        try:
            shutil.copy2(path, copy)
        except OSError:
            return None
    return copy


def write_files(files: Mapping[Path, Content | None], *, private: bool = False) -> None:
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
            with drafts[path].open("wb") as draft:
                draft.writelines(_pieces(text))
        for path in drafts:
            os.replace(drafts[path], path)
        for path in (path for path, text in files.items() if text is None):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(str(path), error) from None
    finally:
        for left in drafts.values():
            with contextlib.suppress(OSError):
                left.unlink()


def sweep(folder: Path) -> None:
    """Remove what runs that were killed left below a folder: drafts, and second names of files that were to be replaced."""
    for path in folder.rglob(".*"):
        found = _LEFT.fullmatch(path.name)
        if found is not None and not _runs(int(found[1])):
            with contextlib.suppress(OSError):
                path.unlink()


_LEFT = re.compile(r"\.(?:.*\.)?(\d+)(?:-\d+\.before)?")
"""The names of drafts and of second names, with the number of the process whose they are."""


def _runs(process: int) -> bool:
    """Say whether there is a process of that number; where that cannot be asked, there may be."""
    if sys.platform == "win32":
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def append(path: Path, text: str) -> None:
    """Write a text behind what is in a file."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise unwritable(str(path), error) from None


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Iterator[str]]:
    """Give the lines of a file, one by one."""
    with path.open(encoding="utf-8") as file:
        yield file


def _pieces(content: Content) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    for piece in [content] if isinstance(content, str) else content:
        yield piece if isinstance(piece, bytes) else piece.encode()


def begun(path: Path, text: str) -> str:
    """Return the text of a file; where there is none yet it is `text`, of whoever comes first, for its owner alone."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write_files({draft: text}, private=True)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise unwritable(str(path), error if isinstance(error, OSError) else OSError(str(error))) from None
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()


def unwritable(where: str, error: OSError) -> OutputError:
    """Return the error for a place that cannot be written to."""
    return OutputError(message("cli.unwritable", reason=error.strerror or str(error)), where=where)
