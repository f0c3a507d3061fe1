"""`symbackprop merge`: the shards of a large class as one folder."""

from __future__ import annotations

from pathlib import Path

import click

from symbackprop.cli.inputs import lang_option, quiet_option
from symbackprop.cli.outputs import all_or_nothing, print_text, progress, say


@click.command()
@click.argument("folders", metavar="DIR…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", metavar="DIR", required=True, type=click.Path(path_type=Path), help="Folder to write into."
)
@lang_option
@quiet_option
def command(folders: tuple[Path, ...], output: Path, lang: str, quiet: bool) -> None:
    """Join the folders that `homework --shard` wrote, in any order, into the one that a single run writes."""
    from symbackprop.homework import merging, writing

    found = merging.fitted(folders)
    with all_or_nothing() as write, progress("cli.merging", found.size, quiet) as advance:
        for count in found.written(output, write):
            advance(count)
    if not quiet:
        print_text(f"{output / 'students'}\n{output / 'teacher'}\n")
        print_text(say("cli.digest", digest=writing.digest(found.job, output)) + "\n")
