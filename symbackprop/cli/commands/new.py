"""`symbackprop new`: a starter file, or a copy of an example, with a comment on every key."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from symbackprop import language
from symbackprop.cli.inputs import (
    lang_option,
    offering_listed,
    quiet_option,
)
from symbackprop.cli.outputs import print_text, write_files
from symbackprop.errors import OutputError
from symbackprop.messages import message

_WIDTH = 100
_TABLE = re.compile(r"\[{1,2}(?P<name>[\w.]+)\]{1,2}")
_KEY = re.compile(r"(?P<name>\w+)\s*=")


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option(
    "--from", "source", metavar="EXAMPLE", help="Copy a bundled example.", shell_complete=offering_listed("examples")
)
@lang_option
@quiet_option
def command(file: Path | None, source: str | None, lang: str, quiet: bool) -> None:
    """Write a commented problem file to start from.

    A file that is there already is left alone. On a terminal, without FILE, three questions ask what network it is to be.
    """
    from symbackprop.cli import starters
    from symbackprop.problems import load

    phrases = language.phrases(lang)
    if file is None and not sys.stdin.isatty():
        raise OutputError(message("starter.no_file"))
    if source is None:
        text = (starters.Starter() if file else starters.asked(lang)).text(phrases["starter.title"])
    else:
        text = load.bundled(source, where="--from").read_text("utf-8").rstrip("\n")
    if file is None:
        file = starters.free_name()
    if file.exists():
        raise OutputError(message("starter.exists"), where=str(file))
    head = [phrases["starter.head"], phrases["starter.run"].format(file=file.name)]
    lines = [*(line for paragraph in head for line in _comment(paragraph)), "", *_commented(text, lang)]
    write_files({file: "\n".join(lines) + "\n"})
    if not quiet:
        print_text(f"{file}\n")


def _commented(text: str, lang: str) -> Iterator[str]:
    """Yield the lines of a problem file, each table and each key below what it means."""
    phrases, table = language.phrases(lang), ""
    for line in text.splitlines():
        header, key = _TABLE.match(line), _KEY.match(line)
        if header:
            table = header["name"].replace(".", "_")
            yield from _comment(phrases.get(f"starter.{table}", ""))
        elif key:
            yield from _comment(phrases.get(f"starter_{table or 'file'}.{key['name']}", ""))
        yield line


def _comment(text: str) -> Iterator[str]:
    """Yield a sentence as comments."""
    for line in language.wrapped(text, _WIDTH - 2):
        yield f"# {line}"
