"""What the commands read: the problem with its overrides, lists of formats; the options that several commands share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from symbackprop import language
from symbackprop.cli.listings import LISTINGS
from symbackprop.cli.outputs import LANGUAGE, STANDARD_OUTPUT
from symbackprop.errors import OutputError, SymbackpropError, known_language, unknown
from symbackprop.messages import message

if TYPE_CHECKING:
    from symbackprop.problems import Problem
    from symbackprop.problems.load import Source
    from symbackprop.rendering import Format


def _complete_problem(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Offer a shell the bundled examples and the files that begin as an argument does."""
    from symbackprop.problems import load

    names = [CompletionItem(name) for name in load.examples() if name.startswith(begun)]
    return [*names, CompletionItem(begun, type="file")]


Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
"""What offers a shell the ways in which an argument, or the value of an option, can go on."""


def offering(names: Callable[[], Iterable[str]]) -> Completer:
    """Return what offers some names, after a comma another one; they are looked for when a shell asks."""

    def complete(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
        before, comma, last = begun.rpartition(",")
        return [CompletionItem(f"{before}{comma}{name}") for name in names() if name.startswith(last)]

    return complete


def offering_listed(listing: str) -> Completer:
    """Return what offers the names of a listing."""
    return offering(lambda: (name for name, *_ in LISTINGS[listing]()))


problem_argument = click.argument("problem", metavar="PROBLEM", shell_complete=_complete_problem)
problems_argument = click.argument(
    "problems", metavar="PROBLEM…", nargs=-1, required=True, shell_complete=_complete_problem
)
overrides_option = click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key, as in training.learning_rate=1.5."
)


def _remember(context: click.Context, parameter: click.Parameter, asked: str) -> str:
    """Return the language asked for; what the command says on the way, its errors too, is in it from here on."""
    known_language(asked)
    if isinstance(context.obj, dict):
        context.obj[LANGUAGE] = asked
    return asked


# Eager: read before the other options, so that what is wrong with those is said in the language too.
lang_option = click.option(
    "--lang",
    default=language.DEFAULT,
    show_default=True,
    metavar="LANGUAGE",
    help="Language of the text.",
    shell_complete=offering_listed("languages"),
    callback=_remember,
    is_eager=True,
)
templates_option = click.option(
    "--templates", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Templates of your own."
)
encoding_option = click.option(
    "--encoding",
    default="",
    metavar="NAME",
    help="Encoding of the CSV file, such as big5 or cp1252 [UTF-8, UTF-16 and GB 18030 are recognised].",
)
engine_option = click.option(
    "--engine", type=click.Choice(["typst", "tex"]), help="What sets a PDF.  [typst where it is installed, else tex]"
)
format_option = click.option(
    "-f",
    "--format",
    "format",
    default="text",
    show_default=True,
    metavar="NAME",
    help="Format to write.",
    shell_complete=offering_listed("formats"),
)
output_file_option = click.option(
    "-o", "--output", default=STANDARD_OUTPUT, metavar="FILE", help="File to write [standard output]."
)
quiet_option = click.option("--quiet", is_flag=True, help="Do not print the paths of the results.")


UNSUITABLE = ("json", "notebook")
"""Formats that are no sheet of paper: what they hold can be neither left blank nor marked."""


def read_problem(source: str, overrides: Sequence[str], digits: int | None = None) -> Problem:
    """Return a problem by its file or the name of an example, with keys overridden."""
    return read_source(source, overrides, digits).problem()


def read_source(source: str, overrides: Sequence[str], digits: int | None = None) -> Source:
    """Return what a problem is made from, by its file or the name of an example, with keys overridden."""
    from symbackprop.problems import load

    changes = [load.parse_override(text) for text in overrides]
    if digits is not None:
        changes.append(("notation.digits", digits))
    return load.find_source(source, changes)


@contextlib.contextmanager
def placed(*sources: str) -> Iterator[None]:
    """Let an error that names no problem name it, or all of several."""
    try:
        yield
    except SymbackpropError as error:
        raise (error if error.where.startswith(sources) else error.at(", ".join(sources))) from None


def read_columns(text: str | None, keys: Sequence[str], phrase: str) -> dict[str, str]:
    """Return the columns that `--student-columns` names, `id=Nr,name=First+Last`, by what they are: some of `keys`.

    `phrase` says what was expected, where that is not what is found.
    """
    found = {}
    for part in (text or "").split(","):
        if not part.strip():
            continue
        key, equals, column = (piece.strip() for piece in part.partition("="))
        if key not in keys or not equals or not column:
            raise OutputError(message(phrase, text=part.strip()), where="--student-columns")
        found[key] = column
    return found


def read_formats(
    text: str,
    templates: Path | None,
    *,
    one: bool = False,
    kind: str = "format",
    without: Collection[str] = (),
    engine: str | None = None,
) -> tuple[Format, ...]:
    """Return the formats of a list such as `latex,markdown`, each once; `one` refuses several.

    An error calls them by the phrase of their `kind`; there are none `without`. PDFs are set by the `engine`.
    """
    from symbackprop import rendering

    known = {name: row for name, row in rendering.formats(templates, engine).items() if name not in without}
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in known:
            raise unknown(kind, name, known, where="--format", spellings=rendering.spellings(known))
    if one and len(names) > 1:
        raise OutputError(message("cli.one_format", count=len(names), formats=names), where="--output")
    return tuple(known[name] for name in names)
