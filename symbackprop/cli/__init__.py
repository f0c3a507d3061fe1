"""The command line: arguments, files, progress, exit codes. The only room that prints or writes.

Exit codes: 0 done; 1 a check failed; 2 a mistake of the user's, told in one message on standard error. A command is one
module in `commands`, named as the command is, and found by that name; what it needs is imported when it runs, so that
`symbackprop --help` answers at once.
"""

from __future__ import annotations

import gc
import importlib
import io
import pkgutil
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

import click

from symbackprop import language
from symbackprop.cli import commands as folder
from symbackprop.cli.outputs import asked_language
from symbackprop.errors import SymbackpropError, explain, unknown
from symbackprop.messages import Message

DONE, USER_MISTAKE = 0, 2
INTERRUPTED = 130  # as shells have it: 128 + SIGINT

_COLLECTOR = (100_000, 50, 100)
"""New objects at which the garbage collector looks at them, and how often it does so before it looks at older ones."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code."""
    # What a command imports stays: the collector, at its usual pace, would walk over all of it again and again.
    gc.set_threshold(*_COLLECTOR)
    # Results are UTF-8 with "\n" whatever the locale; a path that is not UTF-8 is printed as the bytes it is.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape", newline="\n")
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.exit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    settings: dict[str, str] = {}
    try:
        code = group.main(arguments, prog_name="symbackprop", standalone_mode=False, obj=settings)
        return code if isinstance(code, int) else DONE
    except SymbackpropError as error:
        text = explain(asked_language(settings), error)
    except click.ClickException as error:
        text = error.format_message()
        context = error.ctx if isinstance(error, click.UsageError) else None
        if context is not None:
            text += f"\n  {_say(settings, 'cli.usage', command=context.command_path)}"
    except click.Abort:
        return INTERRUPTED
    except OSError as error:
        text = ": ".join(str(part) for part in (error.filename, error.strerror) if part is not None)
    click.echo(_say(settings, "cli.error", text=text), err=True)
    return USER_MISTAKE


def _say(settings: Mapping[str, str], id: str, **arguments: object) -> str:
    return language.say(asked_language(settings), Message(id, arguments))


class Commands(click.Group):
    """The commands, one for each module of the folder; a wrong name is answered with the nearest one."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the names of the commands in alphabetical order."""
        return list(command_names())

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Return a command by its name, None where there is none."""
        return command(name) if name in command_names() else None

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return name, command and remaining arguments, as click does; an unknown name is our own error."""
        if arguments[0] not in command_names() and not arguments[0].startswith("-"):
            raise unknown("command", arguments[0], command_names())
        return super().resolve_command(context, arguments)


def command_names() -> tuple[str, ...]:
    """Return the names of the commands in alphabetical order."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(folder.__path__)))


def command(name: str) -> click.Command:
    """Return a command by its name."""
    found = importlib.import_module(f"{folder.__name__}.{name}").command
    assert isinstance(found, click.Command)
    return found


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="symbackprop", message="%(prog)s %(version)s")
@click.pass_context
def group(context: click.Context) -> None:
    """Worked derivations of backpropagation, with every number right."""
    if context.invoked_subcommand is None:
        click.echo(f"{context.get_help()}\n\n{_say(context.obj or {}, 'cli.first')}")
