"""What the commands print and write: texts, files whole or not at all, a sign of life on a terminal."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click

from symbackprop import language
from symbackprop.errors import OutputError
from symbackprop.messages import Message, message

STANDARD_OUTPUT = "-"
LANGUAGE = "language"
"""The key of the language asked for, in the settings that the contexts of a command share."""


def say(id: str, **arguments: object) -> str:
    """Return a phrase of the command line as plain text, in the language asked for."""
    context = click.get_current_context(silent=True)
    return language.say(asked_language(context.obj if context else None), Message(id, arguments))


def asked_language(settings: object) -> str:
    """Return the language that a command was asked for, by the settings that its contexts share."""
    return str(settings.get(LANGUAGE, language.DEFAULT)) if isinstance(settings, dict) else language.DEFAULT


def print_text(text: str | bytes) -> None:
    """Print to standard output; a reader that has gone away (`symbackprop … | head`) is no mistake."""
    try:
        if isinstance(text, bytes):
            sys.stdout.buffer.write(text)
        else:
            sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        # Python flushes once more when it exits; there is nowhere left to flush to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno != errno.EPIPE:
            raise unwritable(say("cli.standard_output"), error) from None


def remark(text: str) -> None:
    """Print a remark to standard error: something odd that does not stop the command."""
    sys.stderr.write(f"symbackprop: {text}\n")


@contextlib.contextmanager
def all_or_nothing() -> Iterator[Callable[..., None]]:
    """Give a function that writes files as `write_files` does; where the body fails, all is as it was before.

    A body that is stopped (Ctrl-C, a kill) has not failed: what it wrote is whole, and a later run can go on from there.
    """
    before: dict[Path, bytes | None] = {}
    folders: list[Path] = []

    def write(files: Mapping[Path, str | bytes], *, private: bool = False) -> None:
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


def write_files(files: Mapping[Path, str | bytes], *, private: bool = False) -> None:
    """Write all files or none: drafts beside their places first, then all moved into place.

    Files that are `private` can be read by their owner alone, where the system knows owners.
    """
    drafts: dict[Path, Path] = {}
    path = Path()
    try:
        for path, text in files.items():
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
    except OSError as error:
        raise unwritable(str(path), error) from None
    finally:
        for draft in drafts.values():
            with contextlib.suppress(OSError):
                draft.unlink()


def unwritable(where: str, error: OSError) -> OutputError:
    """Return the error for a place that cannot be written to."""
    return OutputError(message("cli.unwritable", reason=error.strerror or str(error)), where=where)


@contextlib.contextmanager
def working(phrase: str, quiet: bool = False) -> Iterator[None]:
    """Show a spinner while the body works, on a terminal only."""
    if quiet or not (sys.stdout.isatty() and sys.stderr.isatty()):
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(say(phrase)):
        yield


@contextlib.contextmanager
def progress(phrase: str, total: int, quiet: bool = False) -> Iterator[Callable[..., None]]:
    """Show a bar that the body advances, by so many of `total` and with a note if it has one, on a terminal only."""
    if quiet or not total or not (sys.stdout.isatty() and sys.stderr.isatty()):
        yield lambda count, note="": None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        said = say(phrase)
        task = bar.add_task(said, total=total)
        yield lambda count, note="": bar.update(task, advance=count, description=f"{said} {note}".rstrip())
