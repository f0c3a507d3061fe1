"""The command line: arguments, files, progress, exit codes. The only room that prints or writes.

Exit codes: 0 done; 1 a check failed; 2 a mistake of the user's, told in one message on standard error. What a command
needs is imported when it runs, so that `symbackprop --help` answers at once.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from symbackprop import language
from symbackprop.errors import Message, OutputError, ProblemError, SymbackpropError, message, unknown
from symbackprop.registry import Registry, Row

if TYPE_CHECKING:
    from symbackprop.problems import Problem
    from symbackprop.rendering import Format
    from symbackprop.verify import Entry, Report

DONE, CHECK_FAILED, USER_MISTAKE = 0, 1, 2
INTERRUPTED = 130  # as shells have it: 128 + SIGINT

STANDARD_OUTPUT = "-"
LONGEST_TABLE = 40
WIDTH_IN_A_PIPE = 100


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code."""
    # Results are UTF-8 with "\n" whatever the locale; a path that is not UTF-8 is printed as the bytes it is.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape", newline="\n")
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.exit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    try:
        code = commands.main(arguments, prog_name="symbackprop", standalone_mode=False)
    except SymbackpropError as error:
        return _fail(str(error))
    except click.ClickException as error:
        return _fail(_spell_usage_error(error))
    except click.Abort:
        return INTERRUPTED
    except OSError as error:
        return _fail(": ".join(str(part) for part in (error.filename, error.strerror) if part is not None))
    return code if isinstance(code, int) else DONE


def _fail(text: str) -> int:
    click.echo(f"symbackprop: error: {text}", err=True)
    return USER_MISTAKE


def _spell_usage_error(error: click.ClickException) -> str:
    text = error.format_message()
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{text}\n  {_say('cli.usage', command=context.command_path)}" if context else text


def _say(id: str, **arguments: object) -> str:
    return language.say(language.DEFAULT, Message(id, arguments))


# Commands


class Commands(click.Group):
    """The commands; a wrong name is answered with the nearest one."""

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return name, command and remaining arguments, as click does; an unknown name is our own error."""
        if arguments[0] not in self.commands and not arguments[0].startswith("-"):
            raise unknown("command", arguments[0], self.commands)
        return super().resolve_command(context, arguments)


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="symbackprop", message="%(prog)s %(version)s")
@click.pass_context
def commands(context: click.Context) -> None:
    """Worked derivations of backpropagation, with every number right."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


_problem_argument = click.argument("problem", metavar="PROBLEM")
_overrides_option = click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key, as in training.learning_rate=1.5."
)


@commands.command()
@_problem_argument
@click.option("-f", "--format", "formats", default="latex,markdown", show_default=True, metavar="LIST", help="Formats.")
@click.option(
    "-o", "--output", metavar="DIR", help="Folder to write into [output/<problem name>]; - prints one format."
)
@click.option("--lang", default=language.DEFAULT, show_default=True, metavar="LANGUAGE", help="Language of the text.")
@click.option("--steps", type=click.IntRange(0, 10_000_000), help="Number of updates, instead of the problem's own.")
@click.option("--digits", type=int, help="Significant digits shown.")
@click.option("--detail", default="full", show_default=True, metavar="LIST", help="What is written out: full, matrix.")
@click.option(
    "--explain", type=click.Choice(["brief"]), default="brief", expose_value=False, help="Length of the reasons."
)
@click.option("--full-steps", type=click.IntRange(1, 10_000_000), help="Number of updates worked out in full.")
@click.option(
    "--templates", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Templates of your own."
)
@click.option("--quiet", is_flag=True, help="Do not print the paths of the results.")
@_overrides_option
def solve(
    problem: str,
    formats: str,
    output: str | None,
    lang: str,
    steps: int | None,
    digits: int | None,
    detail: str,
    full_steps: int | None,
    templates: Path | None,
    quiet: bool,
    overrides: tuple[str, ...],
) -> None:
    """Write the worked solution of PROBLEM, a file or the name of a bundled example."""
    from symbackprop import rendering, solution

    language.phrases(lang)
    wanted = _formats(formats, templates, one=output == STANDARD_OUTPUT)
    given = _problem(problem, overrides, digits)
    if steps is not None and given.training is None:
        raise ProblemError(message("cli.no_training"), where="--steps")
    with _working("cli.solving", quiet), _placed(problem):
        solved = solution.solve(given, steps=steps, full_steps=full_steps)
        texts = {
            row.name: rendering.render(solved, format=row.name, language=lang, detail=detail, templates=templates)
            for row in wanted
        }
    if output == STANDARD_OUTPUT:
        _print(texts[wanted[0].name])
        return
    folder = Path("output", given.name) if output is None else Path(output)
    files = {folder / _file_name(row, lang): texts[row.name] for row in wanted}
    _write(files)
    if not quiet:
        _print("".join(f"{path}\n" for path in files))


@commands.command()
@_problem_argument
@_overrides_option
def check(problem: str, overrides: tuple[str, ...]) -> int:
    """Compare every gradient of PROBLEM with independent oracles; exit with 1 on a mismatch."""
    from symbackprop import verify

    given = _problem(problem, overrides)
    with _placed(problem), _working("cli.checking"):
        report = verify.check(given)
    _print(_spell_report(report))
    return DONE if report.agrees else CHECK_FAILED


@commands.command("list")
@click.argument("listing", metavar="activations|losses|optimizers|formats|languages|examples")
def show_list(listing: str) -> None:
    """List the names that problem files and options can use, one per line."""
    rows = list(LISTINGS[listing]())
    width = max((len(name) for name, *_ in rows), default=0)
    _print("".join("  ".join((name.ljust(width), *filter(None, rest))).rstrip() + "\n" for name, *rest in rows))


@commands.command()
def schema() -> None:
    """Print the JSON schema of the problem file."""
    from symbackprop.problems import schema

    _print(json.dumps(schema.schema(), ensure_ascii=False, indent=2) + "\n")


# What the commands read


def _problem(source: str, overrides: Sequence[str], digits: int | None = None) -> Problem:
    from symbackprop.problems import load

    changes = [load.parse_override(text) for text in overrides]
    if digits is not None:
        changes.append(("notation.digits", digits))
    return load.find(source, changes)


@contextlib.contextmanager
def _placed(source: str) -> Iterator[None]:
    """Let an error that names no place name the problem."""
    try:
        yield
    except SymbackpropError as error:
        raise (error if error.where.startswith(source) else error.at(source)) from None


def _formats(text: str, templates: Path | None, *, one: bool) -> tuple[Format, ...]:
    """Return the formats of a list such as `latex,markdown`, each once; `one` refuses several."""
    from symbackprop import rendering

    known = rendering.formats(templates)
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in known:
            raise unknown("format", name, known, where="--format")
    if one and len(names) > 1:
        raise OutputError(message("cli.one_format", count=len(names), formats=names), where="--output")
    return tuple(known[name] for name in names)


def _file_name(row: Format, lang: str) -> str:
    return f"solution.{row.suffix}" if lang == language.DEFAULT else f"solution.{lang}.{row.suffix}"


def _list_activations() -> Iterator[Sequence[str]]:
    from symbackprop.functions import ACTIVATIONS

    return _rows(ACTIVATIONS, lambda row: row.expression)


def _list_losses() -> Iterator[Sequence[str]]:
    from symbackprop.losses import LOSSES

    return _rows(LOSSES, lambda row: row.expression)


def _list_optimizers() -> Iterator[Sequence[str]]:
    from symbackprop.optimizers import OPTIMIZERS

    return _rows(OPTIMIZERS, lambda row: row.update)


def _list_formats() -> Iterator[Sequence[str]]:
    from symbackprop import rendering

    for row in rendering.formats().values():
        yield row.name, f".{row.suffix}"


def _list_languages() -> Iterator[Sequence[str]]:
    for code in language.available():
        yield (code,)


def _list_examples() -> Iterator[Sequence[str]]:
    from symbackprop.problems import load

    for name in load.examples():
        yield name, load.example(name).title


def _rows(registry: Registry[Row], expression: Callable[[Row], str]) -> Iterator[Sequence[str]]:
    for name, row in registry.items():
        aliases = [alias for alias, canonical in registry.aliases.items() if canonical == name]
        yield name, expression(row), f"({_say('cli.aliases', names=aliases)})" if aliases else ""


LISTINGS: Registry[Callable[[], Iterable[Sequence[str]]]] = Registry(
    "listing",
    {
        "activations": _list_activations,
        "losses": _list_losses,
        "optimizers": _list_optimizers,
        "formats": _list_formats,
        "languages": _list_languages,
        "examples": _list_examples,
    },
)
"""What `symbackprop list` lists: rows of a name and what stands beside it."""


# What the commands print and write


def _print(text: str) -> None:
    """Print to standard output; a reader that has gone away (`symbackprop … | head`) is no mistake."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        # Python flushes once more when it exits; there is nowhere left to flush to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno != errno.EPIPE:
            raise _unwritable(_say("cli.standard_output"), error) from None


def _write(files: Mapping[Path, str]) -> None:
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
            drafts[path].write_bytes(text.encode())
        for path, draft in drafts.items():
            os.replace(draft, path)
    except OSError as error:
        raise _unwritable(str(path), error) from None
    finally:
        for draft in drafts.values():
            with contextlib.suppress(OSError):
                draft.unlink()


def _unwritable(where: str, error: OSError) -> OutputError:
    return OutputError(message("cli.unwritable", reason=error.strerror or str(error)), where=where)


@contextlib.contextmanager
def _working(phrase: str, quiet: bool = False) -> Iterator[None]:
    """Show a spinner while the body works, on a terminal only."""
    if quiet or not (sys.stdout.isatty() and sys.stderr.isatty()):
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(_say(phrase)):
        yield


def _spell_report(report: Report) -> str:
    """Return a table of the compared gradients and a summary; of a long table only the rows that do not agree."""
    from rich.console import Console
    from rich.table import Table

    from symbackprop.verify import Verdict

    table = Table(box=None, pad_edge=False)
    for heading in ("gradient", "verdict", "difference", "composed"):
        table.add_column(_say(f"cli.{heading}"), no_wrap=True)
    for entry in report.entries:
        if len(report.entries) <= LONGEST_TABLE or entry.verdict is not Verdict.AGREES:
            table.add_row(*_spell_entry(entry))
    counts = {str(verdict): len(report.with_verdict(verdict)) for verdict in Verdict}
    summary = _say("cli.summary", **counts, worst=_spell_difference(report.worst))
    on_terminal = sys.stdout.isatty()
    text = io.StringIO()
    console = Console(file=text, force_terminal=on_terminal, width=None if on_terminal else WIDTH_IN_A_PIPE)
    if table.row_count:
        console.print(table)
    console.print(summary, highlight=False, soft_wrap=True)
    if report.sampled:
        console.print(_say("cli.sampled"), highlight=False, soft_wrap=True)
    return "".join(line.rstrip() + "\n" for line in text.getvalue().splitlines())


def _spell_entry(entry: Entry) -> tuple[str, str, str, str]:
    verdict = _say(f"cli.{entry.verdict}") if entry.kink is None else _say("cli.at_kink", name=entry.kink)
    style = {"differs": "bold red", "skipped": "yellow"}.get(entry.verdict)
    styled = f"[{style}]{verdict}[/]" if style else verdict
    return entry.name, styled, _spell_difference(entry.difference), _spell_difference(entry.composed)


def _spell_difference(difference: float | None) -> str:
    return "" if difference is None else f"{difference:.1e}"
