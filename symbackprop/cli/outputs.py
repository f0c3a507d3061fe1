"""What the commands print and write: texts, files whole or not at all, a sign of life on a terminal."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator

import click

from symbackprop import language
from symbackprop.messages import Message
from symbackprop.whole_files import all_or_nothing as all_or_nothing
from symbackprop.whole_files import unwritable
from symbackprop.whole_files import write_files as write_files

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
    """Show a bar that the body advances, by so many of `total` and with a note if it has one, on a terminal only.

    It says how many are done of how many, how many a second, and for how long it will go on.
    """
    if quiet or not total or not (sys.stdout.isatty() and sys.stderr.isatty()):
        yield lambda count, note="": None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        """How many are done in a second."""

        def render(self, task: Task) -> Text:
            return Text("" if task.speed is None else f"{task.speed:.1f}/s")

    described = TextColumn("{task.description}")
    columns = (described, BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn(compact=True))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        said = say(phrase)
        task = bar.add_task(said, total=total)
        yield lambda count, note="": bar.update(task, advance=count, description=f"{said} {note}".rstrip())
