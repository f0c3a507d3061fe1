"""`symbackprop list`: the names that problem files and options can use."""

from __future__ import annotations

import click

from symbackprop.cli.inputs import offering
from symbackprop.cli.listings import LISTINGS
from symbackprop.cli.outputs import print_text
from symbackprop.errors import unknown


@click.command()
@click.argument("listing", metavar="|".join(LISTINGS), shell_complete=offering(lambda: LISTINGS))
def command(listing: str) -> None:
    """List the names that problem files and options can use.

    One stands on each line.
    """
    if listing not in LISTINGS:
        raise unknown("listing", listing, LISTINGS)
    rows = list(LISTINGS[listing]())
    width = max((len(name) for name, *_ in rows), default=0)
    print_text("".join("  ".join((name.ljust(width), *filter(None, rest))).rstrip() + "\n" for name, *rest in rows))
