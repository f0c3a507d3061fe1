"""What the commands print and write: texts, files whole or not at all, a sign of life on a terminal."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from symbackprop import language
from symbackprop.errors import Message, OutputError, message

STANDARD_OUTPUT = "-"


def say(id: str, **arguments: object) -> str:
    """Return a phrase of the command line as plain text."""
    return language.say(language.DEFAULT, Message(id, arguments))


def print_text(text: str) -> None:
    """Print to standard output; a reader that has gone away (`symbackprop … | head`) is no mistake."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        # Python flushes once more when it exits; there is nowhere left to flush to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno != errno.EPIPE:
            raise unwritable(say("cli.standard_output"), error) from None


def write_files(files: Mapping[Path, str | bytes]) -> None:
    """Write all files or none: drafts beside their places first, then all moved into place."""
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
