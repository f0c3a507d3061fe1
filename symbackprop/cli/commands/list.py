"""`symbackprop list`: the names that problem files and options can use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import click

from symbackprop import language
from symbackprop.cli.outputs import print_text, say
from symbackprop.registry import Registry, Row


def _list_activations() -> Iterator[Sequence[str]]:
    from symbackprop.algebra.functions import ACTIVATIONS

    # A vector activation has no expression in one z: its definition depends on the number of units.
    return _rows(ACTIVATIONS, lambda row: "exp(z[j])/sum(exp(z))" if row.vector else row.expression or row.source)


def _list_losses() -> Iterator[Sequence[str]]:
    from symbackprop.catalog.losses import LOSSES

    return _rows(LOSSES, lambda row: row.expression)


def _list_optimizers() -> Iterator[Sequence[str]]:
    from symbackprop.catalog.optimizers import OPTIMIZERS

    return _rows(OPTIMIZERS, lambda row: row.update)


def _list_formats() -> Iterator[Sequence[str]]:
    from symbackprop import rendering

    for row in rendering.formats().values():
        yield row.name, f".{row.suffix}"


def _list_languages() -> Iterator[Sequence[str]]:
    for code in language.available():
        yield (code,)


def _list_backends() -> Iterator[Sequence[str]]:
    from symbackprop.compilation.backends import BACKENDS

    for row in BACKENDS.values():
        yield row.name, say(f"backend.{row.name}"), "" if row.is_installed else f"({say('backend.missing')})"


def _list_examples() -> Iterator[Sequence[str]]:
    from symbackprop.problems import load

    for name in load.examples():
        yield name, load.example(name).title


def _rows(registry: Registry[Row], expression: Callable[[Row], str]) -> Iterator[Sequence[str]]:
    for name, row in registry.items():
        aliases = [alias for alias, canonical in registry.aliases.items() if canonical == name]
        yield name, expression(row), f"({say('cli.aliases', names=aliases)})" if aliases else ""


LISTINGS: Registry[Callable[[], Iterable[Sequence[str]]]] = Registry(
    "listing",
    {
        "activations": _list_activations,
        "losses": _list_losses,
        "optimizers": _list_optimizers,
        "formats": _list_formats,
        "languages": _list_languages,
        "backends": _list_backends,
        "examples": _list_examples,
    },
)
"""What `symbackprop list` lists: rows of a name and what stands beside it."""


@click.command()
@click.argument("listing", metavar="activations|losses|optimizers|formats|languages|backends|examples")
def command(listing: str) -> None:
    """List the names that problem files and options can use, one per line."""
    rows = list(LISTINGS[listing]())
    width = max((len(name) for name, *_ in rows), default=0)
    print_text("".join("  ".join((name.ljust(width), *filter(None, rest))).rstrip() + "\n" for name, *rest in rows))
